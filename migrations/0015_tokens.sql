-- Tokens for programs (ACC-7): a technician's phone and whatever else speaks to /api/v1/. A family is one program on one
-- device, born from a password; its access tokens are signed and live minutes, its refresh tokens are random, used once, and
-- known here by hash alone. No token counts without its family: that is asked on every request.

-- The keys that sign access tokens, sealed by the vault. One signs; those that have signed stay for a day, to verify.
create table lobby.signing_keys (
    id uuid primary key,
    kid text not null,
    sealed bytea not null,
    public_jwk jsonb not null,
    created_at timestamptz not null,
    retired_at timestamptz,
    constraint signing_keys_kid_key unique (kid)
);

create unique index signing_keys_one on lobby.signing_keys ((retired_at is null)) where retired_at is null;

call lobby_only('lobby.signing_keys', 'select, insert, update (retired_at), delete');

create table lobby.token_families (
    id uuid primary key,
    user_id uuid not null references lobby.users (id),
    business_id uuid not null,
    device_name text not null check (length(device_name) between 1 and 60),
    agent text not null,
    means text not null,
    created_at timestamptz not null,
    last_used_at timestamptz not null,
    expires_at timestamptz not null,
    revoked_at timestamptz,
    cause text check (
        cause in (
            'signed_out', 'revoked', 'reused', 'idle', 'expired', 'password', 'factor', 'removed', 'switched'
        )
    ),
    check ((revoked_at is null) = (cause is null))
);

create index token_families_user on lobby.token_families (user_id);

create index token_families_expiry on lobby.token_families (expires_at);

call lobby_only('lobby.token_families', 'select, insert, update (agent, last_used_at, revoked_at, cause), delete');

-- Used ones stay as long as their family: a token that comes back must be known to be recognised.
create table lobby.refresh_tokens (
    hash bytea primary key,
    family_id uuid not null references lobby.token_families (id) on delete cascade,
    created_at timestamptz not null,
    used_at timestamptz,
    successor_hash bytea,
    -- Another took its place before it was used: its answer was lost, or somebody else had its predecessor too.
    superseded_at timestamptz
);

create index refresh_tokens_family on lobby.refresh_tokens (family_id);

call lobby_only('lobby.refresh_tokens', 'select, insert, update (used_at, successor_hash, superseded_at), delete');

-- Signing keys -----------------------------------------------------------------------------------------------

-- The private half of the one that signs, and of no other.
create function lobby.signing_keys_known(in_since timestamptz)
returns table (id uuid, kid text, sealed bytea, public_jwk jsonb, created_at timestamptz, retired_at timestamptz)
language sql stable security definer set search_path = lobby, public, pg_temp
as $$
    select k.id, k.kid, case when k.retired_at is null then k.sealed end, k.public_jwk, k.created_at, k.retired_at
    from lobby.signing_keys k
    where k.retired_at is null or k.retired_at > in_since
    order by k.created_at desc
$$;

-- The first key. Of several that are made at once one stays.
create function lobby.signing_key_add(in_id uuid, in_kid text, in_sealed bytea, in_jwk jsonb, in_now timestamptz) returns void
language sql security definer set search_path = lobby, public, pg_temp
as $$
    insert into lobby.signing_keys (id, kid, sealed, public_jwk, created_at)
    values (in_id, in_kid, in_sealed, in_jwk, in_now)
    on conflict do nothing
$$;

-- False: somebody else has retired `in_old`.
create function lobby.signing_key_rotate(
    in_old uuid, in_id uuid, in_kid text, in_sealed bytea, in_jwk jsonb, in_now timestamptz
) returns boolean
language plpgsql security definer set search_path = lobby, public, pg_temp
as $$
begin
    update lobby.signing_keys set retired_at = in_now where id = in_old and retired_at is null;
    if not found then
        return false;
    end if;
    insert into lobby.signing_keys (id, kid, sealed, public_jwk, created_at)
    values (in_id, in_kid, in_sealed, in_jwk, in_now);
    return true;
end
$$;

-- Forgets what is over: families with their tokens, and keys that verify nothing any more.
create function lobby.tokens_trim(in_now timestamptz, in_keys_before timestamptz) returns bigint
language sql security definer set search_path = lobby, public, pg_temp
as $$
    delete from lobby.signing_keys where retired_at <= in_keys_before;
    with gone as (delete from lobby.token_families where expires_at <= in_now returning 1) select count(*) from gone
$$;

-- Families ---------------------------------------------------------------------------------------------------
-- In plpgsql, because they name lobby.factor_due and networks, which a later migration makes.

-- False when the person is no member there, or must have a second factor by now and has none.
create function lobby.token_issue(
    in_family uuid, in_user uuid, in_business uuid, in_device text, in_agent text, in_means text, in_hash bytea,
    in_now timestamptz, in_expires timestamptz
) returns boolean
language plpgsql security definer set search_path = lobby, public, pg_temp
as $$
declare
    person members;
begin
    select m.* into person
    from members m join businesses b on b.business_id = m.business_id and b.state = 'active'
    where m.business_id = in_business and m.user_id = in_user and m.state = 'active';
    if person.id is null or coalesce(lobby.factor_due(in_business, in_user, person.role) <= in_now, false) then
        return false;
    end if;
    insert into lobby.token_families
        (id, user_id, business_id, device_name, agent, means, created_at, last_used_at, expires_at)
    values (in_family, in_user, in_business, in_device, in_agent, in_means, in_now, in_now, in_expires);
    insert into lobby.refresh_tokens (hash, family_id, created_at) values (in_hash, in_family, in_now);
    return true;
end
$$;

-- Who stands behind an access token: as lobby.session_standing, for the family that the token names.
create function lobby.token_caller(in_family uuid, in_now timestamptz)
returns table (
    user_id uuid, member_id uuid, member_name text, email text, role text, business_id uuid, business_name text,
    profile text, zone text, created_at timestamptz, last_used_at timestamptz, open_pops bigint, means text,
    factor_due timestamptz, restricted boolean
)
language plpgsql stable security definer set search_path = lobby, public, pg_temp
as $$
#variable_conflict use_column
begin
    return query
    select f.user_id, m.id, m.name, m.email, m.role, b.business_id, b.name, b.profile, b.zone, f.created_at, f.last_used_at,
        (
            select count(*) from screen_pops p
            where p.business_id = m.business_id and p.member_id = m.id and p.expires_at > in_now and p.acknowledged_at is null
        ),
        f.means,
        lobby.factor_due(m.business_id, m.user_id, m.role),
        exists (select from networks n where n.business_id = m.business_id)
    from lobby.token_families f
    join members m on m.business_id = f.business_id and m.user_id = f.user_id and m.state = 'active'
    join businesses b on b.business_id = f.business_id and b.state = 'active'
    where f.id = in_family and f.revoked_at is null and f.expires_at > in_now;
end
$$;

-- One step of a family's chain; no row: the token is nobody's, or its family is over. Who presents the newest token gets the
-- next. Who presents the one before it, while the newest is unused, has lost an answer: a new one takes the newest's place.
-- Everything else means that two hold the same chain, a thief and a victim, and nobody can tell which is which: the family ends.
create function lobby.refresh_rotate(in_hash bytea, in_next bytea, in_agent text, in_now timestamptz)
returns table (
    is_reuse boolean, family_id uuid, user_id uuid, member_id uuid, role text, email text, business_id uuid,
    expires_at timestamptz
)
language plpgsql security definer set search_path = lobby, public, pg_temp
as $$
#variable_conflict use_column
declare
    family lobby.token_families;
    token lobby.refresh_tokens;
    person members;
    reused boolean;
begin
    -- One at a time per family. Who waited here sees below what the others did.
    select f.* into family from lobby.token_families f
    where f.id = (select t.family_id from lobby.refresh_tokens t where t.hash = in_hash)
        and f.revoked_at is null and f.expires_at > in_now
    for update;
    if family.id is null then
        return;
    end if;
    select t.* into token from lobby.refresh_tokens t where t.hash = in_hash;
    select m.* into person from members m where m.business_id = family.business_id and m.user_id = family.user_id;
    reused := token.superseded_at is not null or token.used_at is not null and not exists (
        select from lobby.refresh_tokens s where s.hash = token.successor_hash and s.used_at is null
    );
    if reused then
        update lobby.token_families f set revoked_at = in_now, cause = 'reused' where f.id = family.id;
    elsif person.state is distinct from 'active'
        or not exists (select from businesses b where b.business_id = family.business_id and b.state = 'active')
        or coalesce(lobby.factor_due(family.business_id, family.user_id, person.role) <= in_now, false)
    then
        return;
    else
        update lobby.refresh_tokens t set superseded_at = in_now where t.hash = token.successor_hash;
        insert into lobby.refresh_tokens (hash, family_id, created_at) values (in_next, family.id, in_now);
        update lobby.refresh_tokens t set used_at = coalesce(t.used_at, in_now), successor_hash = in_next
        where t.hash = in_hash;
        update lobby.token_families f set last_used_at = in_now, agent = in_agent where f.id = family.id;
    end if;
    return query
    select reused, family.id, family.user_id, person.id, person.role, person.email, family.business_id, family.expires_at;
end
$$;

-- Signing out by any token of the family, used or not. No row: it is over already, or never was.
create function lobby.token_logout(in_hash bytea, in_now timestamptz)
returns table (family_id uuid, user_id uuid, member_id uuid, role text, business_id uuid)
language sql security definer set search_path = lobby, public, pg_temp
as $$
    update lobby.token_families f set revoked_at = in_now, cause = 'signed_out'
    from lobby.refresh_tokens t, members m
    where t.hash = in_hash and f.id = t.family_id and f.revoked_at is null and f.expires_at > in_now
        and m.business_id = f.business_id and m.user_id = f.user_id
    returning f.id, f.user_id, m.id, m.role, f.business_id
$$;

-- The programs that are signed in with a person's account, in every business that they still belong to.
create function lobby.token_families_of(in_user uuid, in_now timestamptz)
returns table (
    id uuid, business_id uuid, business_name text, member_id uuid, role text, device_name text, agent text,
    created_at timestamptz, last_used_at timestamptz, expires_at timestamptz
)
language sql stable security definer set search_path = lobby, public, pg_temp
as $$
    select f.id, f.business_id, b.name, m.id, m.role, f.device_name, f.agent, f.created_at, f.last_used_at, f.expires_at
    from lobby.token_families f
    join members m on m.business_id = f.business_id and m.user_id = f.user_id and m.state = 'active'
    join businesses b on b.business_id = f.business_id and b.state = 'active'
    where f.user_id = in_user and f.revoked_at is null and f.expires_at > in_now
    order by f.last_used_at desc, f.id
$$;

-- Null when it is nobody's, somebody else's, or over.
create function lobby.token_revoke(in_family uuid, in_user uuid, in_cause text, in_now timestamptz) returns boolean
language sql security definer set search_path = lobby, public, pg_temp
as $$
    update lobby.token_families set revoked_at = in_now, cause = in_cause
    where id = in_family and user_id = in_user and revoked_at is null and expires_at > in_now
    returning true
$$;

call lobby_function('lobby.signing_keys_known(timestamptz)', 'ringfort_app, ringfort_worker');
call lobby_function('lobby.signing_key_add(uuid, text, bytea, jsonb, timestamptz)', 'ringfort_app');
call lobby_function('lobby.signing_key_rotate(uuid, uuid, text, bytea, jsonb, timestamptz)', 'ringfort_worker');
call lobby_function('lobby.tokens_trim(timestamptz, timestamptz)', 'ringfort_worker');
call lobby_function('lobby.token_issue(uuid, uuid, uuid, text, text, text, bytea, timestamptz, timestamptz)', 'ringfort_app');
call lobby_function('lobby.token_caller(uuid, timestamptz)', 'ringfort_app');
call lobby_function('lobby.refresh_rotate(bytea, bytea, text, timestamptz)', 'ringfort_app');
call lobby_function('lobby.token_logout(bytea, timestamptz)', 'ringfort_app');
call lobby_function('lobby.token_families_of(uuid, timestamptz)', 'ringfort_app');
call lobby_function('lobby.token_revoke(uuid, uuid, text, timestamptz)', 'ringfort_app');
