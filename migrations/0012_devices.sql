-- Sessions as people see them (ACC-5): where one is signed in, and how the sessions of the last 90 days ended. Whatever ends
-- a session moves its row to past_sessions in the statement that deletes it, so no end goes unseen and none is told
-- twice. What stands here is as coarse as in the session itself: a kind of device, a network.

create table lobby.past_sessions (
    id uuid primary key,
    user_id uuid not null references lobby.users (id),
    business_id uuid not null,
    started_at timestamptz not null,
    last_seen_at timestamptz not null,
    ended_at timestamptz not null,
    cause text not null check (
        cause in ('signed_out', 'revoked', 'idle', 'expired', 'password', 'factor', 'removed', 'switched')
    ),
    agent text not null,
    network text not null
);

create index past_sessions_user on lobby.past_sessions (user_id, ended_at desc);

create index past_sessions_ended on lobby.past_sessions (ended_at);

call lobby_only('lobby.past_sessions', 'select, insert, delete');

-- Takes the place of lobby.session_touch: the place that is told is that of the last use. At most one write a minute and
-- session; live streams and polling do not call it.
create function lobby.session_seen(in_hash bytea, in_network text, in_now timestamptz) returns void
language sql security definer set search_path = lobby, public, pg_temp
as $$
    update lobby.sessions set last_seen_at = in_now, data = jsonb_set(data, '{network}', to_jsonb(in_network))
    where id_hash = in_hash and last_seen_at < in_now - interval '1 minute'
$$;

-- Ends -------------------------------------------------------------------------------------------------------
-- `on conflict do nothing` in all of them: ending a session must never fail for the sake of its trace.

create function lobby.session_end(in_hash bytea, in_cause text, in_now timestamptz) returns boolean
language sql security definer set search_path = lobby, public, pg_temp
as $$
    with gone as (
        delete from lobby.sessions where id_hash = in_hash returning *
    ), moved as (
        insert into lobby.past_sessions
            (id, user_id, business_id, started_at, last_seen_at, ended_at, cause, agent, network)
        select id, user_id, business_id, created_at, last_seen_at, in_now, in_cause, agent, network from gone
        on conflict do nothing
    )
    select exists (select from gone)
$$;

-- No end: the session goes on under a new id. False when it was ended meanwhile; then it must not go on.
create function lobby.session_forget(in_hash bytea) returns boolean
language sql security definer set search_path = lobby, public, pg_temp
as $$
    with gone as (delete from lobby.sessions where id_hash = in_hash returning 1) select exists (select from gone)
$$;

-- Null when it is nobody's, somebody else's, or over.
create function lobby.session_end_by_id(in_user uuid, in_id uuid, in_cause text, in_now timestamptz) returns bytea
language sql security definer set search_path = lobby, public, pg_temp
as $$
    with gone as (
        delete from lobby.sessions where user_id = in_user and id = in_id returning *
    ), moved as (
        insert into lobby.past_sessions
            (id, user_id, business_id, started_at, last_seen_at, ended_at, cause, agent, network)
        select id, user_id, business_id, created_at, last_seen_at, in_now, in_cause, agent, network from gone
        on conflict do nothing
    )
    select id_hash from gone
$$;

-- All of a person's, in every business, but `in_keep`; all without exception when that is null.
create function lobby.sessions_end_of(in_user uuid, in_keep bytea, in_cause text, in_now timestamptz) returns setof bytea
language sql security definer set search_path = lobby, public, pg_temp
as $$
    with gone as (
        delete from lobby.sessions where user_id = in_user and id_hash is distinct from in_keep returning *
    ), moved as (
        insert into lobby.past_sessions
            (id, user_id, business_id, started_at, last_seen_at, ended_at, cause, agent, network)
        select id, user_id, business_id, created_at, last_seen_at, in_now, in_cause, agent, network from gone
        on conflict do nothing
    )
    select id_hash from gone
$$;

-- A person's in one business: the same person's sessions elsewhere are not its affair.
create function lobby.sessions_end_member(in_business uuid, in_user uuid, in_cause text, in_now timestamptz)
returns setof bytea
language sql security definer set search_path = lobby, public, pg_temp
as $$
    with gone as (
        delete from lobby.sessions where business_id = in_business and user_id = in_user returning *
    ), moved as (
        insert into lobby.past_sessions
            (id, user_id, business_id, started_at, last_seen_at, ended_at, cause, agent, network)
        select id, user_id, business_id, created_at, last_seen_at, in_now, in_cause, agent, network from gone
        on conflict do nothing
    )
    select id_hash from gone
$$;

-- Takes the place of lobby.sessions_trim. A session ended when its time was over, not when housekeeping came by.
create function lobby.sessions_end_over(in_now timestamptz, in_idle interval) returns bigint
language sql security definer set search_path = lobby, public, pg_temp
as $$
    with gone as (
        delete from lobby.sessions where expires_at <= in_now or last_seen_at <= in_now - in_idle returning *
    ), moved as (
        insert into lobby.past_sessions
            (id, user_id, business_id, started_at, last_seen_at, ended_at, cause, agent, network)
        select id, user_id, business_id, created_at, last_seen_at, least(expires_at, last_seen_at + in_idle),
            case when expires_at <= last_seen_at + in_idle then 'expired' else 'idle' end, agent, network
        from gone
        on conflict do nothing
    )
    select count(*) from gone
$$;

create function lobby.past_sessions_trim(in_before timestamptz) returns bigint
language sql security definer set search_path = lobby, public, pg_temp
as $$
    with gone as (delete from lobby.past_sessions where ended_at < in_before returning 1) select count(*) from gone
$$;

-- Lists ------------------------------------------------------------------------------------------------------

create function lobby.sessions_list(in_user uuid, in_now timestamptz, in_idle interval)
returns table (
    id uuid, id_hash bytea, business_name text, agent text, network text, created_at timestamptz,
    last_seen_at timestamptz, means text
)
language sql stable security definer set search_path = lobby, public, pg_temp
as $$
    select s.id, s.id_hash, b.name, s.agent, s.network, s.created_at, s.last_seen_at, s.means
    from lobby.sessions s join businesses b on b.business_id = s.business_id
    where s.user_id = in_user and s.expires_at > in_now and s.last_seen_at > in_now - in_idle
    order by s.last_seen_at desc, s.id
$$;

create function lobby.past_sessions_list(in_user uuid, in_limit int)
returns table (
    id uuid, business_name text, agent text, network text, started_at timestamptz, last_seen_at timestamptz,
    ended_at timestamptz, cause text
)
language sql stable security definer set search_path = lobby, public, pg_temp
as $$
    select p.id, b.name, p.agent, p.network, p.started_at, p.last_seen_at, p.ended_at, p.cause
    from lobby.past_sessions p left join businesses b on b.business_id = p.business_id
    where p.user_id = in_user
    order by p.ended_at desc, p.id
    limit in_limit
$$;

call lobby_function('lobby.session_seen(bytea, text, timestamptz)', 'ringfort_app');
call lobby_function('lobby.session_end(bytea, text, timestamptz)', 'ringfort_app');
call lobby_function('lobby.session_forget(bytea)', 'ringfort_app');
call lobby_function('lobby.session_end_by_id(uuid, uuid, text, timestamptz)', 'ringfort_app');
call lobby_function('lobby.sessions_end_of(uuid, bytea, text, timestamptz)', 'ringfort_app');
call lobby_function('lobby.sessions_end_member(uuid, uuid, text, timestamptz)', 'ringfort_app');
call lobby_function('lobby.sessions_end_over(timestamptz, interval)', 'ringfort_worker');
call lobby_function('lobby.past_sessions_trim(timestamptz)', 'ringfort_worker');
call lobby_function('lobby.sessions_list(uuid, timestamptz, interval)', 'ringfort_app');
call lobby_function('lobby.past_sessions_list(uuid, int)', 'ringfort_app');
