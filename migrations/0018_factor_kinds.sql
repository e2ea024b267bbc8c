-- Two more kinds of second factors (ACC-3): passkeys, and codes by text message. Like the others they belong to a person
-- across businesses, so the lobby alone reaches them.

-- `credential` is what the authenticator gave: its public key, its counter, whether it is backed up. Nothing in it is secret.
create table lobby.passkeys (
    id uuid primary key,
    user_id uuid not null references lobby.users (id),
    credential_id bytea not null unique,
    credential jsonb not null,
    name text not null check (char_length(name) between 1 and 60),
    added_at timestamptz not null,
    used_at timestamptz
);

create index passkeys_user on lobby.passkeys (user_id);

call lobby_only('lobby.passkeys', 'select, insert, update (credential, used_at), delete');

-- One per person: the number, sealed and bound to `id`, and whose provider sends. Without `added_at` it is being set up, and
-- counts for nothing.
create table lobby.text_factors (
    user_id uuid primary key references lobby.users (id),
    id uuid not null,
    sealed bytea not null,
    last4 text not null check (last4 ~ '^[0-9]{4}$'),
    business_id uuid not null references businesses (business_id),
    started_at timestamptz not null,
    added_at timestamptz
);

call lobby_only(
    'lobby.text_factors', 'select, insert, update (id, sealed, last4, business_id, started_at, added_at), delete'
);

-- The second factors of a person, in the one place that everything else asks.
create or replace function lobby.has_factor(in_user uuid) returns boolean
language sql stable security definer set search_path = lobby, public, pg_temp
as $$
    select exists (select from lobby.totp where user_id = in_user and added_at is not null)
        or exists (select from lobby.email_factors where user_id = in_user)
        or exists (select from lobby.passkeys where user_id = in_user)
        or exists (select from lobby.text_factors where user_id = in_user and added_at is not null)
$$;

-- A node of the version before asks `factors_of` while this one starts, and lets in by the first proof alone whoever has none
-- of the kinds that it knows. So it is told of the new ones as of mailed codes: it asks for a second proof, and a recovery
-- code answers there.
create or replace function lobby.factors_of(in_user uuid)
returns table (totp_at timestamptz, email_at timestamptz, recovery_at timestamptz, recovery_left bigint)
language sql stable security definer set search_path = lobby, public, pg_temp
as $$
    select
        (select t.added_at from lobby.totp t where t.user_id = in_user),
        coalesce(
            (select e.added_at from lobby.email_factors e where e.user_id = in_user),
            (select f.added_at from lobby.text_factors f where f.user_id = in_user),
            (select min(p.added_at) from lobby.passkeys p where p.user_id = in_user)
        ),
        max(r.drawn_at),
        count(*) filter (where r.used_at is null)
    from lobby.recovery_codes r where r.user_id = in_user
$$;

create function lobby.factor_dates(in_user uuid)
returns table (
    totp_at timestamptz, email_at timestamptz, text_at timestamptz, passkeys bigint, recovery_at timestamptz, recovery_left bigint
)
language sql stable security definer set search_path = lobby, public, pg_temp
as $$
    select
        (select t.added_at from lobby.totp t where t.user_id = in_user),
        (select e.added_at from lobby.email_factors e where e.user_id = in_user),
        (select f.added_at from lobby.text_factors f where f.user_id = in_user),
        (select count(*) from lobby.passkeys p where p.user_id = in_user),
        max(r.drawn_at),
        count(*) filter (where r.used_at is null)
    from lobby.recovery_codes r where r.user_id = in_user
$$;

-- For the functions of the lobby alone: it runs with their rights.
create procedure lobby.recovery_prune(in_user uuid)
language plpgsql set search_path = lobby, public, pg_temp
as $$
begin
    if not lobby.has_factor(in_user) then
        delete from lobby.recovery_codes where user_id = in_user;
    end if;
end
$$;

revoke all on procedure lobby.recovery_prune(uuid) from public;
grant execute on procedure lobby.recovery_prune(uuid) to ringfort_lobby;

-- Without a factor there is nothing to recover: the codes go with the last one. Passkeys are several: they have a function
-- of their own.
create or replace function lobby.factor_remove(in_user uuid, in_kind text) returns boolean
language plpgsql security definer set search_path = lobby, public, pg_temp
as $$
declare
    gone bigint;
begin
    if in_kind = 'totp' then
        delete from lobby.totp where user_id = in_user and added_at is not null;
    elsif in_kind = 'email' then
        delete from lobby.email_factors where user_id = in_user;
    elsif in_kind = 'sms' then
        delete from lobby.text_factors where user_id = in_user and added_at is not null;
    else
        return false;
    end if;
    get diagnostics gone = row_count;
    if gone = 0 then
        return false;
    end if;
    if in_kind in ('email', 'sms') then
        delete from lobby.email_codes where user_id = in_user;
    end if;
    call lobby.recovery_prune(in_user);
    return true;
end
$$;

call lobby_function('lobby.factor_dates(uuid)', 'ringfort_app');
