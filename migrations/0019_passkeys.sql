-- Passkeys (ACC-3): what their table (0018) is reached by, and the ceremonies between asking a browser and its answer.

-- The challenge and what it was asked for wait here and never in a browser. One row per start, found by the hash of a
-- token that only the asking browser has, good for one answer; of a person and a kind there is only the newest. Whoever signs in with a passkey alone is not known yet.
create table lobby.passkey_ceremonies (
    token_hash bytea primary key,
    kind text not null check (kind in ('register', 'answer', 'sign_in', 'confirm')),
    user_id uuid references lobby.users (id),
    state jsonb not null,
    expires_at timestamptz not null,
    check ((kind = 'sign_in') = (user_id is null))
);

create index passkey_ceremonies_expiry on lobby.passkey_ceremonies (expires_at);

create index passkey_ceremonies_user on lobby.passkey_ceremonies (user_id);

call lobby_only('lobby.passkey_ceremonies', 'select, insert, delete');

create function lobby.passkey_ceremony_begin(
    in_token_hash bytea, in_kind text, in_user uuid, in_state jsonb, in_now timestamptz, in_expires timestamptz
) returns void
language sql security definer set search_path = lobby, public, pg_temp
as $$
    delete from lobby.passkey_ceremonies where expires_at <= in_now or (user_id = in_user and kind = in_kind);
    insert into lobby.passkey_ceremonies (token_hash, kind, user_id, state, expires_at)
    values (in_token_hash, in_kind, in_user, in_state, in_expires);
$$;

-- One answer: of two that come at once, one gets no row. Of another kind it is no answer, and uses nothing up.
create function lobby.passkey_ceremony_take(in_token_hash bytea, in_kind text, in_now timestamptz)
returns table (user_id uuid, state jsonb)
language sql security definer set search_path = lobby, public, pg_temp
as $$
    delete from lobby.passkey_ceremonies c
    where c.token_hash = in_token_hash and c.kind = in_kind and c.expires_at > in_now
    returning c.user_id, c.state
$$;

create function lobby.passkeys_of(in_user uuid)
returns table (id uuid, name text, credential jsonb, added_at timestamptz, used_at timestamptz)
language sql stable security definer set search_path = lobby, public, pg_temp
as $$
    select p.id, p.name, p.credential, p.added_at, p.used_at
    from lobby.passkeys p where p.user_id = in_user order by p.added_at, p.id
$$;

create function lobby.passkey_by_credential(in_credential_id bytea)
returns table (id uuid, user_id uuid, email text, credential jsonb)
language sql stable security definer set search_path = lobby, public, pg_temp
as $$
    select p.id, p.user_id, u.email, p.credential
    from lobby.passkeys p join lobby.users u on u.id = p.user_id
    where p.credential_id = in_credential_id
$$;

-- Null when the person has `in_most` already. One at a time per person, so that parallel ones cannot outrun the count.
create function lobby.passkey_add(
    in_user uuid, in_id uuid, in_credential_id bytea, in_credential jsonb, in_name text, in_now timestamptz, in_most int
) returns boolean
language plpgsql security definer set search_path = lobby, public, pg_temp
as $$
begin
    perform 1 from lobby.users where id = in_user for no key update;
    if (select count(*) from lobby.passkeys where user_id = in_user) >= in_most then
        return false;
    end if;
    insert into lobby.passkeys (id, user_id, credential_id, credential, name, added_at)
    values (in_id, in_user, in_credential_id, in_credential, in_name, in_now);
    return true;
end
$$;

-- What a use leaves: the counter above all. Null when another use has changed it since it was looked at: of two answers with
-- the same count, one is a copy's.
create function lobby.passkey_used(in_id uuid, in_old jsonb, in_new jsonb, in_now timestamptz) returns boolean
language sql security definer set search_path = lobby, public, pg_temp
as $$
    update lobby.passkeys set credential = in_new, used_at = in_now
    where id = in_id and credential = in_old
    returning true
$$;

create function lobby.passkey_remove(in_user uuid, in_id uuid) returns boolean
language plpgsql security definer set search_path = lobby, public, pg_temp
as $$
begin
    delete from lobby.passkeys where id = in_id and user_id = in_user;
    if not found then
        return false;
    end if;
    call lobby.recovery_prune(in_user);
    return true;
end
$$;

call lobby_function(
    'lobby.passkey_ceremony_begin(bytea, text, uuid, jsonb, timestamptz, timestamptz)', 'ringfort_app'
);
call lobby_function('lobby.passkey_ceremony_take(bytea, text, timestamptz)', 'ringfort_app');
call lobby_function('lobby.passkeys_of(uuid)', 'ringfort_app');
call lobby_function('lobby.passkey_by_credential(bytea)', 'ringfort_app');
call lobby_function('lobby.passkey_add(uuid, uuid, bytea, jsonb, text, timestamptz, int)', 'ringfort_app');
call lobby_function('lobby.passkey_used(uuid, jsonb, jsonb, timestamptz)', 'ringfort_app');
call lobby_function('lobby.passkey_remove(uuid, uuid)', 'ringfort_app');
