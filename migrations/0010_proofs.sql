-- What a session rests on (ACC-3, ACC-5, ACC-8): when its person last proved who they are, by what means, from what kind of
-- device. All of it travels in the session's data, so these columns cannot disagree with it. `id` names a session to people;
-- the hash never leaves the database.

alter table lobby.sessions
    add column id uuid not null default gen_random_uuid(),
    add column agent text generated always as (coalesce(data ->> 'agent', '')) stored,
    add column network text generated always as (coalesce(data ->> 'network', '')) stored,
    add column means text generated always as (coalesce(data ->> 'means', '')) stored,
    add column proved bigint generated always as (coalesce((data ->> 'proved')::bigint, 0)) stored,
    add constraint sessions_id_key unique (id);

-- A sign-in whose first proof was good and that waits for the second. Five wrong answers end it.
create table lobby.challenges (
    id uuid primary key,
    token_hash bytea not null,
    user_id uuid not null references lobby.users (id),
    proof text not null,
    next text not null,
    wrong int not null default 0,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    constraint challenges_token_key unique (token_hash)
);

create index challenges_expiry on lobby.challenges (expires_at);

create index challenges_user on lobby.challenges (user_id);

call lobby_only('lobby.challenges', 'select, insert, update (wrong), delete');

-- A new challenge takes the place of the person's older ones that are over.
create function lobby.challenge_begin(
    in_id uuid, in_token_hash bytea, in_user uuid, in_proof text, in_next text, in_now timestamptz, in_expires timestamptz
) returns void
language sql security definer set search_path = lobby, public, pg_temp
as $$
    delete from lobby.challenges where expires_at <= in_now;
    insert into lobby.challenges (id, token_hash, user_id, proof, next, created_at, expires_at)
    values (in_id, in_token_hash, in_user, in_proof, in_next, in_now, in_expires);
$$;

create function lobby.challenge_peek(in_token_hash bytea, in_now timestamptz)
returns table (id uuid, user_id uuid, email text, proof text, next text)
language sql stable security definer set search_path = lobby, public, pg_temp
as $$
    select c.id, c.user_id, u.email, c.proof, c.next
    from lobby.challenges c join lobby.users u on u.id = c.user_id
    where c.token_hash = in_token_hash and c.expires_at > in_now
$$;

-- Counts before the answer is looked at, so that tries in parallel cannot outrun the count. False: it is over.
create function lobby.challenge_try(in_token_hash bytea, in_now timestamptz, in_most int) returns boolean
language sql security definer set search_path = lobby, public, pg_temp
as $$
    update lobby.challenges set wrong = wrong + 1
    where token_hash = in_token_hash and expires_at > in_now and wrong < in_most
    returning true
$$;

-- Of two right answers that come at once, one gets null.
create function lobby.challenge_finish(in_token_hash bytea) returns uuid
language sql security definer set search_path = lobby, public, pg_temp
as $$ delete from lobby.challenges where token_hash = in_token_hash returning user_id $$;

-- As lobby.session_caller, with what the session rests on.
create function lobby.session_standing(in_hashes bytea[], in_now timestamptz, in_idle interval)
returns table (
    id_hash bytea, session_id uuid, user_id uuid, member_id uuid, member_name text, email text, role text,
    business_id uuid, business_name text, profile text, zone text, last_seen_at timestamptz, open_pops bigint,
    proved bigint, means text, factor_due timestamptz, restricted boolean
)
language sql stable security definer set search_path = lobby, public, pg_temp
as $$
    select s.id_hash, s.id, s.user_id, m.id, m.name, m.email, m.role, b.business_id, b.name, b.profile, b.zone,
        s.last_seen_at,
        (
            select count(*) from screen_pops p
            where p.business_id = m.business_id and p.member_id = m.id and p.expires_at > in_now and p.acknowledged_at is null
        ),
        s.proved, s.means, null::timestamptz, false
    from lobby.sessions s
    join members m on m.business_id = s.business_id and m.user_id = s.user_id and m.state = 'active'
    join businesses b on b.business_id = s.business_id and b.state = 'active'
    where s.id_hash = any(in_hashes) and s.expires_at > in_now and s.last_seen_at > in_now - in_idle
$$;

call lobby_function('lobby.challenge_begin(uuid, bytea, uuid, text, text, timestamptz, timestamptz)', 'ringfort_app');
call lobby_function('lobby.challenge_peek(bytea, timestamptz)', 'ringfort_app');
call lobby_function('lobby.challenge_try(bytea, timestamptz, int)', 'ringfort_app');
call lobby_function('lobby.challenge_finish(bytea)', 'ringfort_app');
call lobby_function('lobby.session_standing(bytea[], timestamptz, interval)', 'ringfort_app, ringfort_worker');
