-- Failed tries to get in, counted in a row (ACC-4; security.md, rule 17). A bucket is an account together with one
-- browser that it has signed in with before, or with all browsers that it has not: who guesses from elsewhere locks the
-- second and never the first. How long a count locks is not known here: the caller brings the steps
-- (src/model/lockout.rs).

create table lobby.lockouts (
    user_id uuid not null references lobby.users (id) on delete cascade,
    -- Nil: any browser that this account has not signed in with before.
    device_id uuid not null,
    failures int not null check (failures > 0),
    failed_at timestamptz not null,
    -- Locked while this lies ahead.
    locked_until timestamptz not null,
    primary key (user_id, device_id)
);

create index lockouts_failed on lobby.lockouts (failed_at);

call lobby_only('lobby.lockouts', 'select, insert, update (failures, failed_at, locked_until), delete');

-- The same over all buckets of an account.
create table lobby.lockout_streaks (
    user_id uuid primary key references lobby.users (id) on delete cascade,
    failures int not null check (failures > 0),
    failed_at timestamptz not null,
    -- When its person was last told that the password alone does not admit any more.
    mailed_at timestamptz
);

create index lockout_streaks_failed on lobby.lockout_streaks (failed_at);

call lobby_only('lobby.lockout_streaks', 'select, insert, update (failures, failed_at, mailed_at), delete');

create function lobby.lockout_standing(in_user uuid, in_device uuid, in_now timestamptz)
returns table (is_locked boolean, in_a_row int)
language sql stable security definer set search_path = lobby, public, pg_temp
as $$
    select
        exists (
            select from lobby.lockouts
            where user_id = in_user and device_id = in_device and locked_until > in_now
        ),
        coalesce((select failures from lobby.lockout_streaks where user_id = in_user), 0)
$$;

-- Counts one failure. Each count is one statement that adds to what it finds, so of many at once none is lost, and
-- exactly one of them sees each number. `in_steps` holds the seconds that one failure locks, two failures, and so on;
-- its last counts for all that follow. What does not lock ends well before now: a request of the same moment, whose clock
-- was read a little earlier, must not take it for a lock. Bucket before streak, here as everywhere, so that nobody waits in a circle.
create function lobby.lockout_failed(in_user uuid, in_device uuid, in_now timestamptz, in_steps bigint[])
returns table (failures int, locked_until timestamptz, in_a_row int, email text)
language plpgsql security definer set search_path = lobby, public, pg_temp
as $$
#variable_conflict use_column
declare
    bucket lobby.lockouts;
    streak int;
begin
    insert into lobby.lockouts as l (user_id, device_id, failures, failed_at, locked_until)
    values (in_user, in_device, 1, in_now, in_now + case when in_steps[1] = 0 then interval '-1 hour' else make_interval(secs => in_steps[1]) end)
    on conflict (user_id, device_id) do update set
        failures = l.failures + 1,
        failed_at = greatest(l.failed_at, in_now),
        locked_until = greatest(
            l.locked_until,
            in_now + case
                when in_steps[least(l.failures + 1, cardinality(in_steps))] = 0 then interval '-1 hour'
                else make_interval(secs => in_steps[least(l.failures + 1, cardinality(in_steps))])
            end
        )
    returning * into bucket;
    insert into lobby.lockout_streaks as s (user_id, failures, failed_at)
    values (in_user, 1, in_now)
    on conflict (user_id) do update set
        failures = s.failures + 1,
        failed_at = greatest(s.failed_at, in_now)
    returning s.failures into streak;
    return query
    select bucket.failures, bucket.locked_until, streak, u.email from lobby.users u where u.id = in_user;
end
$$;

-- Somebody got in: what was counted against this browser is forgotten, and no row of failures goes on.
create function lobby.lockout_passed(in_user uuid, in_device uuid) returns void
language sql security definer set search_path = lobby, public, pg_temp
as $$
    delete from lobby.lockouts where user_id = in_user and device_id = in_device;
    delete from lobby.lockout_streaks where user_id = in_user;
$$;

-- Everything that is counted against an account goes: how many buckets that was.
create function lobby.lockout_clear(in_user uuid) returns bigint
language plpgsql security definer set search_path = lobby, public, pg_temp
as $$
declare
    gone bigint;
begin
    delete from lobby.lockouts where user_id = in_user;
    get diagnostics gone = row_count;
    delete from lobby.lockout_streaks where user_id = in_user;
    return gone;
end
$$;

-- Whose mail it is to go to, when the last one lies before `in_before`: of several that ask at once, one is told.
create function lobby.lockout_remind(in_user uuid, in_now timestamptz, in_before timestamptz) returns text
language sql security definer set search_path = lobby, public, pg_temp
as $$
    update lobby.lockout_streaks s set mailed_at = in_now
    from lobby.users u
    where s.user_id = in_user and u.id = s.user_id and (s.mailed_at is null or s.mailed_at <= in_before)
    returning u.email
$$;

-- What is locked now, for who manages the team: until when elsewhere, until when in a browser of their own (the
-- longest), and the failures in a row.
create function lobby.lock_state(in_user uuid, in_now timestamptz)
returns table (elsewhere_until timestamptz, known_until timestamptz, in_a_row int)
language sql stable security definer set search_path = lobby, public, pg_temp
as $$
    select
        max(l.locked_until) filter (where l.device_id = '00000000-0000-0000-0000-000000000000'),
        max(l.locked_until) filter (where l.device_id <> '00000000-0000-0000-0000-000000000000'),
        coalesce((select s.failures from lobby.lockout_streaks s where s.user_id = in_user), 0)
    from lobby.lockouts l
    where l.user_id = in_user and l.locked_until > in_now
$$;

-- Forgets what nobody has added to since. An account that needs a mailed link needs it until somebody gets in.
create function lobby.lockouts_trim(in_before timestamptz, in_streak_before timestamptz, in_link_after int) returns void
language sql security definer set search_path = lobby, public, pg_temp
as $$
    delete from lobby.lockouts l using (
        select user_id, device_id from lobby.lockouts where failed_at < in_before for update skip locked
    ) old
    where l.user_id = old.user_id and l.device_id = old.device_id;
    delete from lobby.lockout_streaks s using (
        select user_id from lobby.lockout_streaks
        where failed_at < in_streak_before and failures < in_link_after
        for update skip locked
    ) old
    where s.user_id = old.user_id;
$$;

call lobby_function('lobby.lockout_standing(uuid, uuid, timestamptz)', 'ringfort_app');
call lobby_function('lobby.lockout_failed(uuid, uuid, timestamptz, bigint[])', 'ringfort_app');
call lobby_function('lobby.lockout_passed(uuid, uuid)', 'ringfort_app');
call lobby_function('lobby.lockout_clear(uuid)', 'ringfort_app');
call lobby_function('lobby.lockout_remind(uuid, timestamptz, timestamptz)', 'ringfort_app');
call lobby_function('lobby.lock_state(uuid, timestamptz)', 'ringfort_app');
call lobby_function('lobby.lockouts_trim(timestamptz, timestamptz, int)', 'ringfort_worker');
