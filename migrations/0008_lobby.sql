-- The lobby: what must run before a tenant is known. Every function here is a hole in the tenant wall, kept as
-- small as it can be; the catalogue test holds the list. Owned by ringfort_lobby, whose rights are the
-- `lobby_may` lines of the earlier migrations. pg_temp stands last in their search_path: unnamed it would be first, and a
-- caller's temporary table would pass for ours.

create procedure public.lobby_function(f regprocedure, callers text)
language plpgsql
as $$
begin
    execute format('alter function %s owner to ringfort_lobby', f);
    execute format('revoke all on function %s from public', f);
    execute format('grant execute on function %s to %s', f, callers);
end
$$;

revoke all on procedure public.lobby_function from public;

-- Sign-in and sessions ---------------------------------------------------------------------------------------

create function lobby.sign_in_lookup(in_email text)
returns table (user_id uuid, password_hash text)
language sql stable security definer set search_path = lobby, public, pg_temp
as $$ select id, password_hash from lobby.users where email = in_email $$;

create function lobby.password_rehash(in_user uuid, in_hash text) returns void
language sql security definer set search_path = lobby, public, pg_temp
as $$ update lobby.users set password_hash = in_hash where id = in_user $$;

create function lobby.memberships_of(in_user uuid)
returns table (business_id uuid, business_name text, member_id uuid, role text)
language sql stable security definer set search_path = lobby, public, pg_temp
as $$
    select m.business_id, b.name, m.id, m.role
    from members m join businesses b on b.business_id = m.business_id
    where m.user_id = in_user and m.state = 'active' and b.state = 'active'
    order by m.joined_at
$$;

create function lobby.session_create(
    in_hash bytea, in_user uuid, in_business uuid, in_now timestamptz, in_expires timestamptz, in_data jsonb
) returns boolean
language sql security definer set search_path = lobby, public, pg_temp
as $$
    insert into lobby.sessions (id_hash, user_id, business_id, created_at, last_seen_at, expires_at, data)
    values (in_hash, in_user, in_business, in_now, in_now, in_expires, in_data)
    on conflict do nothing
    returning true
$$;

create function lobby.session_save(in_hash bytea, in_business uuid, in_data jsonb) returns boolean
language sql security definer set search_path = lobby, public, pg_temp
as $$
    update lobby.sessions set data = in_data, business_id = in_business where id_hash = in_hash returning true
$$;

create function lobby.session_load(in_hash bytea, in_now timestamptz, in_idle interval)
returns table (data jsonb, expires_at timestamptz)
language sql stable security definer set search_path = lobby, public, pg_temp
as $$
    select data, expires_at from lobby.sessions
    where id_hash = in_hash and expires_at > in_now and last_seen_at > in_now - in_idle
$$;

create function lobby.session_delete(in_hash bytea) returns void
language sql security definer set search_path = lobby, public, pg_temp
as $$ delete from lobby.sessions where id_hash = in_hash $$;

-- At most one write a minute and session; live streams and polling do not call it.
create function lobby.session_touch(in_hash bytea, in_now timestamptz) returns void
language sql security definer set search_path = lobby, public, pg_temp
as $$
    update lobby.sessions set last_seen_at = in_now
    where id_hash = in_hash and last_seen_at < in_now - interval '1 minute'
$$;

create function lobby.sessions_trim(in_now timestamptz, in_idle interval) returns bigint
language sql security definer set search_path = lobby, public, pg_temp
as $$
    with gone as (
        delete from lobby.sessions
        where expires_at <= in_now or last_seen_at <= in_now - in_idle
        returning 1
    )
    select count(*) from gone
$$;

-- Who is asking: session, person, membership, role and business, in one row, on every request, so that a
-- change of rights acts at once.
create function lobby.session_caller(in_hashes bytea[], in_now timestamptz, in_idle interval)
returns table (
    id_hash bytea, user_id uuid, member_id uuid, member_name text, email text, role text,
    business_id uuid, business_name text, profile text, zone text, last_seen_at timestamptz, open_pops bigint
)
language sql stable security definer set search_path = lobby, public, pg_temp
as $$
    select s.id_hash, s.user_id, m.id, m.name, m.email, m.role, b.business_id, b.name, b.profile, b.zone, s.last_seen_at,
        (
            select count(*) from screen_pops p
            where p.business_id = m.business_id and p.member_id = m.id and p.expires_at > in_now and p.acknowledged_at is null
        )
    from lobby.sessions s
    join members m on m.business_id = s.business_id and m.user_id = s.user_id and m.state = 'active'
    join businesses b on b.business_id = s.business_id and b.state = 'active'
    where s.id_hash = any(in_hashes) and s.expires_at > in_now and s.last_seen_at > in_now - in_idle
$$;

-- Joining ----------------------------------------------------------------------------------------------------

create function lobby.sign_up_start(
    in_id uuid, in_token_hash bytea, in_email text, in_name text, in_profile text, in_zone text,
    in_now timestamptz, in_expires timestamptz
) returns boolean
language plpgsql security definer set search_path = lobby, public, pg_temp
as $$
begin
    delete from lobby.sign_ups where email = in_email and used_at is null;
    if exists (select from lobby.users where email = in_email) then
        return false;
    end if;
    insert into lobby.sign_ups (id, token_hash, email, business_name, profile, zone, created_at, expires_at)
    values (in_id, in_token_hash, in_email, in_name, in_profile, in_zone, in_now, in_expires);
    return true;
end
$$;

create function lobby.sign_up_peek(in_token_hash bytea, in_now timestamptz)
returns table (email text, business_name text, profile text, zone text)
language sql stable security definer set search_path = lobby, public, pg_temp
as $$
    select email, business_name, profile, zone from lobby.sign_ups
    where token_hash = in_token_hash and used_at is null and expires_at > in_now
$$;

-- One use, by conditional update: of two that come at once, one gets null.
create function lobby.sign_up_finish(
    in_token_hash bytea, in_now timestamptz, in_user uuid, in_business uuid, in_member uuid, in_name text,
    in_password_hash text, in_key uuid, in_wrapped bytea, in_master text
) returns text
language plpgsql security definer set search_path = lobby, public, pg_temp
as $$
declare
    s lobby.sign_ups;
begin
    update lobby.sign_ups set used_at = in_now
    where token_hash = in_token_hash and used_at is null and expires_at > in_now
    returning * into s;
    if s.id is null then
        return null;
    end if;
    insert into businesses (business_id, name, profile, zone, created_at)
    values (in_business, s.business_name, s.profile, s.zone, in_now);
    insert into lobby.users (id, email, password_hash, created_at)
    values (in_user, s.email, in_password_hash, in_now);
    insert into members (business_id, id, user_id, email, name, role, joined_at)
    values (in_business, in_member, in_user, s.email, in_name, 'owner', in_now);
    insert into data_keys (business_id, id, wrapped, master_key, created_at)
    values (in_business, in_key, in_wrapped, in_master, in_now);
    return s.email;
end
$$;

create function lobby.invitation_peek(in_token_hash bytea, in_now timestamptz)
returns table (business_id uuid, business_name text, email text, role text, has_account boolean)
language sql stable security definer set search_path = lobby, public, pg_temp
as $$
    select i.business_id, b.name, i.email, i.role, exists (select from lobby.users u where u.email = i.email)
    from invitations i join businesses b on b.business_id = i.business_id and b.state = 'active'
    where i.token_hash = in_token_hash and i.accepted_at is null and i.revoked_at is null and i.expires_at > in_now
$$;

-- `in_password_hash` is used for a new account only; for a person who has one, the caller has proved it.
create function lobby.invitation_accept(
    in_token_hash bytea, in_now timestamptz, in_new_user uuid, in_member uuid, in_name text, in_password_hash text
) returns table (business_id uuid, invitation_id uuid, user_id uuid, email text, role text)
language plpgsql security definer set search_path = lobby, public, pg_temp
as $$
#variable_conflict use_column
declare
    i invitations;
    person uuid;
begin
    update invitations set accepted_at = in_now
    where token_hash = in_token_hash and accepted_at is null and revoked_at is null and expires_at > in_now
    returning * into i;
    if i.id is null then
        return;
    end if;
    select u.id into person from lobby.users u where u.email = i.email;
    if person is null then
        insert into lobby.users (id, email, password_hash, created_at)
        values (in_new_user, i.email, in_password_hash, in_now);
        person := in_new_user;
    end if;
    insert into members (business_id, id, user_id, email, name, role, joined_at)
    values (i.business_id, in_member, person, i.email, in_name, i.role, in_now);
    return query select i.business_id, i.id, person, i.email, i.role;
end
$$;

-- Webhooks and the vault -------------------------------------------------------------------------------------

create function lobby.webhook_target(in_token_hash bytea)
returns table (
    business_id uuid, connection_id uuid, provider text, account text, secret_ids uuid[], secrets bytea[]
)
language sql stable security definer set search_path = lobby, public, pg_temp
as $$
    select c.business_id, c.id, c.provider, c.account, array_agg(s.id order by s.id), array_agg(s.sealed order by s.id)
    from connections c
    join connection_secrets s on s.business_id = c.business_id and s.connection_id = c.id
        and (s.expires_at is null or s.expires_at > now())
    join businesses b on b.business_id = c.business_id and b.state = 'active'
    where c.token_hash = in_token_hash and c.state = 'active'
    group by c.business_id, c.id, c.provider, c.account
$$;

create function lobby.data_key(in_business uuid, in_key uuid)
returns table (wrapped bytea, master_key text)
language sql stable security definer set search_path = lobby, public, pg_temp
as $$ select wrapped, master_key from data_keys where business_id = in_business and id = in_key $$;

-- Jobs, mail and the live relay ------------------------------------------------------------------------------

create function lobby.jobs_claim(in_limit int, in_lease interval)
returns table (business_id uuid, id uuid, kind text, payload jsonb, attempts int)
language sql security definer set search_path = lobby, public, pg_temp
as $$
    update jobs j set lease_until = now() + in_lease, attempts = j.attempts + 1
    from (
        select business_id, id from jobs
        where state = 'queued' and run_at <= now() and (lease_until is null or lease_until < now())
        order by run_at, id
        limit in_limit
        for update skip locked
    ) due
    where j.business_id = due.business_id and j.id = due.id
    returning j.business_id, j.id, j.kind, j.payload, j.attempts
$$;

create function lobby.mail_enqueue(in_id uuid, in_sealed bytea) returns void
language sql security definer set search_path = lobby, public, pg_temp
as $$ insert into lobby.mails (id, sealed, due_at, created_at) values (in_id, in_sealed, now(), now()) $$;

create function lobby.mails_claim(in_limit int)
returns table (id uuid, sealed bytea, attempts int)
language sql security definer set search_path = lobby, public, pg_temp
as $$
    update lobby.mails m
    set attempts = m.attempts + 1, due_at = now() + least(interval '1 hour', interval '15 seconds' * power(2, m.attempts))
    from (
        select id from lobby.mails where due_at <= now() order by due_at limit in_limit for update skip locked
    ) due
    where m.id = due.id
    returning m.id, m.sealed, m.attempts
$$;

create function lobby.mail_done(in_id uuid) returns void
language sql security definer set search_path = lobby, public, pg_temp
as $$ delete from lobby.mails where id = in_id $$;

create function lobby.outbox_head() returns table (xid text, id bigint)
language sql stable security definer set search_path = lobby, public, pg_temp
as $$
    select o.xid::text, o.id from outbox o
    where o.xid < pg_snapshot_xmin(pg_current_snapshot())
    order by o.xid desc, o.id desc limit 1
$$;

create function lobby.outbox_after(in_xid text, in_id bigint, in_limit int)
returns table (xid text, id bigint, business_id uuid, topic text, subject_id uuid, member_id uuid, at timestamptz)
language sql stable security definer set search_path = lobby, public, pg_temp
as $$
    select o.xid::text, o.id, o.business_id, o.topic, o.subject_id, o.member_id, o.at from outbox o
    where (o.xid, o.id) > (in_xid::xid8, in_id) and o.xid < pg_snapshot_xmin(pg_current_snapshot())
    order by o.xid, o.id limit in_limit
$$;

create function lobby.outbox_trim(in_before timestamptz) returns bigint
language sql security definer set search_path = lobby, public, pg_temp
as $$
    with gone as (delete from outbox where at < in_before returning 1) select count(*) from gone
$$;

-- POP-2: five minutes, for every business, whoever is signed in.
create function lobby.pops_expire() returns bigint
language sql security definer set search_path = lobby, public, pg_temp
as $$
    with gone as (delete from screen_pops where expires_at <= now() returning 1) select count(*) from gone
$$;

create function lobby.businesses_active() returns table (business_id uuid)
language sql stable security definer set search_path = lobby, public, pg_temp
as $$ select business_id from businesses where state = 'active' order by business_id $$;

create function lobby.backlog() returns table (jobs bigint, oldest_job_seconds double precision, dead_jobs bigint, mails bigint)
language sql stable security definer set search_path = lobby, public, pg_temp
as $$
    select
        (select count(*) from jobs where state = 'queued' and run_at <= now()),
        (select coalesce(extract(epoch from now() - min(run_at)), 0)::double precision from jobs where state = 'queued' and run_at <= now()),
        (select count(*) from jobs where state = 'dead'),
        (select count(*) from lobby.mails)
$$;

call lobby_function('lobby.sign_in_lookup(text)', 'ringfort_app');
call lobby_function('lobby.password_rehash(uuid, text)', 'ringfort_app');
call lobby_function('lobby.memberships_of(uuid)', 'ringfort_app');
call lobby_function('lobby.session_create(bytea, uuid, uuid, timestamptz, timestamptz, jsonb)', 'ringfort_app');
call lobby_function('lobby.session_save(bytea, uuid, jsonb)', 'ringfort_app');
call lobby_function('lobby.session_load(bytea, timestamptz, interval)', 'ringfort_app');
call lobby_function('lobby.session_delete(bytea)', 'ringfort_app');
call lobby_function('lobby.session_touch(bytea, timestamptz)', 'ringfort_app');
call lobby_function('lobby.session_caller(bytea[], timestamptz, interval)', 'ringfort_app');
call lobby_function('lobby.sessions_trim(timestamptz, interval)', 'ringfort_worker');
call lobby_function('lobby.sign_up_start(uuid, bytea, text, text, text, text, timestamptz, timestamptz)', 'ringfort_app');
call lobby_function('lobby.sign_up_peek(bytea, timestamptz)', 'ringfort_app');
call lobby_function('lobby.sign_up_finish(bytea, timestamptz, uuid, uuid, uuid, text, text, uuid, bytea, text)', 'ringfort_app');
call lobby_function('lobby.invitation_peek(bytea, timestamptz)', 'ringfort_app');
call lobby_function('lobby.invitation_accept(bytea, timestamptz, uuid, uuid, text, text)', 'ringfort_app');
call lobby_function('lobby.webhook_target(bytea)', 'ringfort_app');
call lobby_function('lobby.data_key(uuid, uuid)', 'ringfort_app, ringfort_worker');
call lobby_function('lobby.jobs_claim(int, interval)', 'ringfort_worker');
call lobby_function('lobby.mail_enqueue(uuid, bytea)', 'ringfort_app, ringfort_worker');
call lobby_function('lobby.mails_claim(int)', 'ringfort_worker');
call lobby_function('lobby.mail_done(uuid)', 'ringfort_worker');
call lobby_function('lobby.outbox_head()', 'ringfort_app, ringfort_worker');
call lobby_function('lobby.outbox_after(text, bigint, int)', 'ringfort_app, ringfort_worker');
call lobby_function('lobby.outbox_trim(timestamptz)', 'ringfort_worker');
call lobby_function('lobby.pops_expire()', 'ringfort_worker');
call lobby_function('lobby.businesses_active()', 'ringfort_worker');
call lobby_function('lobby.backlog()', 'ringfort_app, ringfort_worker');
