-- Where technicians are (GPS-1, GPS-3): shifts, the latest position of each, the history, and who looked.

-- A technician sends positions while a shift is open, and only then. `ended_by` is who ended it; null when the clock did.
create table shifts (
    business_id uuid not null references businesses (business_id),
    id uuid not null,
    member_id uuid not null,
    began_at timestamptz not null,
    ended_at timestamptz,
    ended_how text check (ended_how in ('self', 'dispatcher', 'clock')),
    ended_by uuid,
    primary key (business_id, id),
    check (ended_at >= began_at),
    check ((ended_at is null) = (ended_how is null)),
    check ((ended_by is null) = (ended_how is null or ended_how = 'clock')),
    foreign key (business_id, member_id) references members (business_id, id),
    foreign key (business_id, ended_by) references members (business_id, id)
);

-- One at a time.
create unique index shifts_open_key on shifts (business_id, member_id) where ended_at is null;

create index shifts_member on shifts (business_id, member_id, began_at);

create index shifts_over on shifts (began_at) where ended_at is null;

call tenant_wall('shifts', 'select, insert, update (ended_at, ended_how, ended_by), delete');

call lobby_may('shifts', 'select (business_id, began_at, ended_at)');

-- One row per technician. `recent_fixes` and `recent_arrivals` hold the last three of each, newest first: what the limit of
-- three a minute is decided by. Nothing but the key is indexed and pages keep room, so that an update stays in its page.
create table latest_positions (
    business_id uuid not null,
    member_id uuid not null,
    fix_at timestamptz not null,
    received_at timestamptz not null,
    lat_e7 int not null check (lat_e7 between -900000000 and 900000000),
    lon_e7 int not null check (lon_e7 between -1800000000 and 1800000000),
    accuracy_m real not null check (accuracy_m >= 0),
    speed_mps real check (speed_mps >= 0),
    heading_deg real check (heading_deg >= 0 and heading_deg < 360),
    is_coarse boolean not null,
    is_fast boolean not null,
    recent_fixes timestamptz [] not null check (cardinality(recent_fixes) <= 3),
    recent_arrivals timestamptz [] not null check (cardinality(recent_arrivals) <= 3),
    primary key (business_id, member_id),
    foreign key (business_id, member_id) references members (business_id, id)
) with (fillfactor = 60);

call tenant_wall(
    'latest_positions',
    'select, insert, delete, update (fix_at, received_at, lat_e7, lon_e7, accuracy_m, speed_mps, heading_deg, is_coarse, is_fast, '
    'recent_fixes, recent_arrivals)'
);

-- The history, never indexed beyond its key. No foreign key: one more look per row would cost a quarter of all, and a row
-- comes in only by the statement that finds its technician's shift, which has one.
create table positions (
    business_id uuid not null,
    member_id uuid not null,
    fix_at timestamptz not null,
    received_at timestamptz not null,
    lat_e7 int not null check (lat_e7 between -900000000 and 900000000),
    lon_e7 int not null check (lon_e7 between -1800000000 and 1800000000),
    accuracy_m real not null check (accuracy_m >= 0),
    speed_mps real check (speed_mps >= 0),
    heading_deg real check (heading_deg >= 0 and heading_deg < 360),
    is_coarse boolean not null,
    is_fast boolean not null,
    primary key (business_id, member_id, fix_at)
) partition by range (fix_at);

call tenant_wall('positions', 'select, insert, delete');

-- A week, from its Monday in UTC, complete. Called here and then every minute for the weeks ahead. Row security is not
-- inherited by partitions; without a policy nobody reads one but through `positions`.
create function lobby.positions_partition(week date) returns text
language plpgsql
security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
    monday date := date_trunc('week', week::timestamp)::date;
    part text := format('positions_%s', to_char(monday, 'YYYY_MM_DD'));
begin
    if monday > date_trunc('week', now()) + interval '8 weeks' then
        raise exception 'no partition of positions more than eight weeks ahead';
    end if;
    if to_regclass('public.' || part) is not null then
        return part;
    end if;
    execute format(
        'create table public.%I partition of public.positions for values from (%L) to (%L)',
        part, monday::text || ' 00:00:00+00', (monday + 7)::text || ' 00:00:00+00'
    );
    execute format('alter table public.%I enable row level security', part);
    execute format('alter table public.%I force row level security', part);
    return part;
end
$$;

-- Drops the weeks that ended before a day, and says how many. Nothing younger than the shortest lifetime goes, whoever
-- asks. A week that somebody reads just now is left for the next time: who waits for the lock would hold up all others.
create function lobby.positions_drop(in_before date) returns int
language plpgsql
security definer
set search_path = pg_catalog, public, pg_temp
set lock_timeout = '2s'
as $$
declare
    part text;
    dropped int := 0;
begin
    for part in
        select c.relname
        from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'public.positions'::regclass
            and c.relname ~ '^positions_[0-9]{4}_[0-9]{2}_[0-9]{2}$'
            and to_date(right(c.relname, 10), 'YYYY_MM_DD') + 7 <= least(in_before, (now() - interval '7 days')::date)
        order by 1
    loop
        execute format('drop table public.%I', part);
        dropped := dropped + 1;
    end loop;
    return dropped;
exception
    when lock_not_available then return 0;
end
$$;

revoke all on function lobby.positions_partition (date) from public;

revoke all on function lobby.positions_drop (date) from public;

grant execute on function lobby.positions_partition (date) to ringfort_worker;

grant execute on function lobby.positions_drop (date) to ringfort_worker;

select lobby.positions_partition((now() + make_interval(weeks => n))::date) from generate_series(-1, 4) as n;

-- A clock that is far off must not lose a position.
create table positions_rest partition of positions default;

alter table positions_rest enable row level security;

alter table positions_rest force row level security;

-- Metres between two places: model/geo.rs has the same. The planner writes it into the statement that asks.
create function public.distance_m(lat_a int, lon_a int, lat_b int, lon_b int) returns double precision
language sql immutable parallel safe
as $$
    select 2 * 6371008.8::float8 * asin(least(1::float8, sqrt(
        sin(radians((lat_b - lat_a) / 2e7::float8)) ^ 2
        + cos(radians(lat_a / 1e7::float8)) * cos(radians(lat_b / 1e7::float8))
        * sin(radians((lon_b::bigint - lon_a) / 2e7::float8)) ^ 2
    )))
$$;

-- What was refused, per technician and day. Never where.
create table position_refusals (
    business_id uuid not null,
    member_id uuid not null,
    day date not null,
    reason text not null check (
        reason in ('off_shift', 'too_often', 'too_old', 'ahead', 'invalid')
    ),
    count bigint not null check (count > 0),
    primary key (business_id, member_id, day, reason),
    foreign key (business_id, member_id) references members (business_id, id)
);

call tenant_wall('position_refusals', 'select, insert, update (count), delete');

-- Who looked at where technicians are, once per viewer and span of ten minutes. Without a member: at all who were on shift.
create table location_looks (
    business_id uuid not null,
    id uuid not null,
    viewer_id uuid not null,
    member_id uuid,
    what text not null check (what in ('map', 'trail', 'nearest')),
    span_at timestamptz not null,
    looked_at timestamptz not null,
    primary key (business_id, id),
    constraint location_looks_key unique nulls not distinct (business_id, span_at, viewer_id, what, member_id),
    foreign key (business_id, viewer_id) references members (business_id, id),
    foreign key (business_id, member_id) references members (business_id, id)
);

call tenant_wall('location_looks', 'select, insert, delete');

-- Live events of dispatch: all of its topics at once.
alter table outbox drop constraint outbox_topic_check;

alter table outbox add constraint outbox_topic_check check (
    topic in ('call', 'pop', 'pop_gone', 'position', 'shift', 'work_order', 'agent')
);

-- The businesses in which a shift is open that began before an instant.
create function lobby.shifts_over(in_before timestamptz) returns table (business_id uuid)
language sql stable security definer set search_path = lobby, public, pg_temp
as $$ select distinct s.business_id from shifts s where s.ended_at is null and s.began_at <= in_before $$;

-- How many days the longest-lived positions of all businesses live: weeks older than that belong to nobody any more.
call lobby_may('retention_rules', 'select');

create function lobby.positions_days(in_default int) returns int
language sql stable security definer set search_path = lobby, public, pg_temp
as $$
    select coalesce(max(coalesce(r.days, in_default)), in_default)
    from businesses b
    left join retention_rules r on r.business_id = b.business_id and r.kind = 'positions'
$$;

call lobby_function('lobby.shifts_over(timestamptz)', 'ringfort_worker');
call lobby_function('lobby.positions_days(int)', 'ringfort_worker');
