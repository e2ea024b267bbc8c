-- Second factors (ACC-3). They belong to a person across businesses, so the lobby alone reaches them: seeds of authenticator
-- apps (sealed, bound to `id`), whether codes are mailed, recovery codes and mailed codes (hashes only).

-- One per person. Without `added_at` it is being set up, and counts for nothing.
create table lobby.totp (
    user_id uuid primary key references lobby.users (id),
    id uuid not null,
    sealed bytea not null,
    last_step bigint not null default 0,
    started_at timestamptz not null,
    added_at timestamptz
);

call lobby_only('lobby.totp', 'select, insert, update (id, sealed, last_step, started_at, added_at), delete');

-- A row: this person may answer with a code that is mailed.
create table lobby.email_factors (
    user_id uuid primary key references lobby.users (id),
    added_at timestamptz not null,
    sent_at timestamptz
);

call lobby_only('lobby.email_factors', 'select, insert, update (sent_at), delete');

create table lobby.email_codes (
    challenge_id uuid primary key,
    user_id uuid not null references lobby.users (id),
    code_hash bytea not null,
    expires_at timestamptz not null,
    used_at timestamptz
);

create index email_codes_user on lobby.email_codes (user_id);

create index email_codes_expiry on lobby.email_codes (expires_at);

call lobby_only('lobby.email_codes', 'select, insert, update (code_hash, expires_at, used_at), delete');

create table lobby.recovery_codes (
    user_id uuid not null references lobby.users (id),
    code_hash bytea not null,
    drawn_at timestamptz not null,
    used_at timestamptz,
    primary key (user_id, code_hash)
);

call lobby_only('lobby.recovery_codes', 'select, insert, update (used_at), delete');

-- What somebody has ------------------------------------------------------------------------------------------

create function lobby.has_factor(in_user uuid) returns boolean
language sql stable security definer set search_path = lobby, public, pg_temp
as $$
    select exists (select from lobby.totp where user_id = in_user and added_at is not null)
        or exists (select from lobby.email_factors where user_id = in_user)
$$;

create function lobby.factors_of(in_user uuid)
returns table (totp_at timestamptz, email_at timestamptz, recovery_at timestamptz, recovery_left bigint)
language sql stable security definer set search_path = lobby, public, pg_temp
as $$
    select
        (select t.added_at from lobby.totp t where t.user_id = in_user),
        (select e.added_at from lobby.email_factors e where e.user_id = in_user),
        max(r.drawn_at),
        count(*) filter (where r.used_at is null)
    from lobby.recovery_codes r where r.user_id = in_user
$$;

-- Authenticator apps -----------------------------------------------------------------------------------------

-- Another seed takes the place of one that is being set up, never of one that counts: then null.
create function lobby.totp_start(in_user uuid, in_id uuid, in_sealed bytea, in_now timestamptz) returns boolean
language sql security definer set search_path = lobby, public, pg_temp
as $$
    insert into lobby.totp as t (user_id, id, sealed, started_at) values (in_user, in_id, in_sealed, in_now)
    on conflict (user_id) do update
    set id = excluded.id, sealed = excluded.sealed, last_step = 0, started_at = excluded.started_at
    where t.added_at is null
    returning true
$$;

create function lobby.totp_seed(in_user uuid)
returns table (id uuid, sealed bytea, started_at timestamptz, added_at timestamptz)
language sql stable security definer set search_path = lobby, public, pg_temp
as $$ select t.id, t.sealed, t.started_at, t.added_at from lobby.totp t where t.user_id = in_user $$;

-- The step of the code that confirms is used up with it.
create function lobby.totp_confirm(in_user uuid, in_id uuid, in_step bigint, in_now timestamptz) returns boolean
language sql security definer set search_path = lobby, public, pg_temp
as $$
    update lobby.totp set added_at = in_now, last_step = in_step
    where user_id = in_user and id = in_id and added_at is null
    returning true
$$;

-- No step counts twice, and none before one that has counted: of two that come at once, one gets null.
create function lobby.totp_step(in_user uuid, in_id uuid, in_step bigint) returns boolean
language sql security definer set search_path = lobby, public, pg_temp
as $$
    update lobby.totp set last_step = in_step
    where user_id = in_user and id = in_id and added_at is not null and last_step < in_step
    returning true
$$;

-- Codes by mail ----------------------------------------------------------------------------------------------

create function lobby.email_factor_add(in_user uuid, in_now timestamptz) returns boolean
language sql security definer set search_path = lobby, public, pg_temp
as $$
    insert into lobby.email_factors (user_id, added_at) values (in_user, in_now) on conflict do nothing returning true
$$;

-- One a minute and person, whatever number of sign-ins ask. A newer code takes the place of the older one of its challenge.
create function lobby.email_code_put(
    in_challenge uuid, in_user uuid, in_hash bytea, in_now timestamptz, in_expires timestamptz
) returns boolean
language plpgsql security definer set search_path = lobby, public, pg_temp
as $$
begin
    update lobby.email_factors set sent_at = in_now
    where user_id = in_user and (sent_at is null or sent_at <= in_now - interval '1 minute');
    if not found then
        return false;
    end if;
    delete from lobby.email_codes where expires_at <= in_now;
    insert into lobby.email_codes as c (challenge_id, user_id, code_hash, expires_at)
    values (in_challenge, in_user, in_hash, in_expires)
    on conflict (challenge_id) do update
    set code_hash = excluded.code_hash, expires_at = excluded.expires_at, used_at = null
    where c.user_id = excluded.user_id;
    return found;
end
$$;

create function lobby.email_code_use(in_challenge uuid, in_user uuid, in_hash bytea, in_now timestamptz) returns boolean
language sql security definer set search_path = lobby, public, pg_temp
as $$
    update lobby.email_codes set used_at = in_now
    where challenge_id = in_challenge and user_id = in_user and code_hash = in_hash and used_at is null
        and expires_at > in_now
    returning true
$$;

-- Recovery codes ---------------------------------------------------------------------------------------------

create function lobby.recovery_draw(in_user uuid, in_hashes bytea[], in_now timestamptz) returns void
language sql security definer set search_path = lobby, public, pg_temp
as $$
    delete from lobby.recovery_codes where user_id = in_user;
    insert into lobby.recovery_codes (user_id, code_hash, drawn_at) select in_user, h, in_now from unnest(in_hashes) as h;
$$;

-- No row when the code is wrong or used. The address is for the notice of its use.
create function lobby.recovery_use(in_user uuid, in_hash bytea, in_now timestamptz)
returns table (remaining bigint, email text)
language plpgsql security definer set search_path = lobby, public, pg_temp
as $$
#variable_conflict use_column
begin
    update lobby.recovery_codes set used_at = in_now
    where user_id = in_user and code_hash = in_hash and used_at is null;
    if not found then
        return;
    end if;
    return query
        select (select count(*) from lobby.recovery_codes r where r.user_id = in_user and r.used_at is null), u.email
        from lobby.users u where u.id = in_user;
end
$$;

-- Without a factor there is nothing to recover: the codes go with the last one.
create function lobby.factor_remove(in_user uuid, in_kind text) returns boolean
language plpgsql security definer set search_path = lobby, public, pg_temp
as $$
declare
    gone bigint;
begin
    if in_kind = 'totp' then
        delete from lobby.totp where user_id = in_user and added_at is not null;
    else
        delete from lobby.email_factors where user_id = in_user;
    end if;
    get diagnostics gone = row_count;
    if gone = 0 then
        return false;
    end if;
    if in_kind = 'email' then
        delete from lobby.email_codes where user_id = in_user;
    end if;
    if not lobby.has_factor(in_user) then
        delete from lobby.recovery_codes where user_id = in_user;
    end if;
    return true;
end
$$;

call lobby_function('lobby.has_factor(uuid)', 'ringfort_app');
call lobby_function('lobby.factors_of(uuid)', 'ringfort_app');
call lobby_function('lobby.totp_start(uuid, uuid, bytea, timestamptz)', 'ringfort_app');
call lobby_function('lobby.totp_seed(uuid)', 'ringfort_app');
call lobby_function('lobby.totp_confirm(uuid, uuid, bigint, timestamptz)', 'ringfort_app');
call lobby_function('lobby.totp_step(uuid, uuid, bigint)', 'ringfort_app');
call lobby_function('lobby.email_factor_add(uuid, timestamptz)', 'ringfort_app');
call lobby_function('lobby.email_code_put(uuid, uuid, bytea, timestamptz, timestamptz)', 'ringfort_app');
call lobby_function('lobby.email_code_use(uuid, uuid, bytea, timestamptz)', 'ringfort_app');
call lobby_function('lobby.recovery_draw(uuid, bytea[], timestamptz)', 'ringfort_app');
call lobby_function('lobby.recovery_use(uuid, bytea, timestamptz)', 'ringfort_app');
call lobby_function('lobby.factor_remove(uuid, text)', 'ringfort_app');
