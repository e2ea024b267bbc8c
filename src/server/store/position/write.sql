-- $1 business, $2 now, then one array per column. Read with write.rs.
with sent as (
    select s.ord, s.request, s.member_id, timestamptz 'epoch' + s.fix * interval '1 microsecond' as fix_at,
        s.lat_e7, s.lon_e7, s.accuracy_m, nullif(s.speed_mps, -1) as speed_mps, nullif(s.heading_deg, -1) as heading_deg,
        s.is_coarse
    from unnest(
        $3::int [], $4::int [], $5::uuid [], $6::bigint [], $7::int [], $8::int [], $9::real [], $10::real [], $11::real [],
        $12::boolean []
    ) as s (ord, request, member_id, fix, lat_e7, lon_e7, accuracy_m, speed_mps, heading_deg, is_coarse)
),

-- What is known of each point's technician: the newest position, the requests of the last minute, the shift at its time.
judged as (
    select s.*, l.fix_at as last_at, l.lat_e7 as last_lat, l.lon_e7 as last_lon, l.recent_fixes,
        coalesce(s.fix_at > l.fix_at, true) as is_new,
        coalesce(s.fix_at <= least(w.ended_at, w.began_at + interval '14 hours'), false) as is_on_shift,
        dense_rank() over (partition by s.member_id order by s.request) + a.recent <= 3 as is_in_time,
        coalesce(l.recent_arrivals[a.recent], $2::timestamptz) + interval '60 seconds' as arrival_at
    from sent s
    left join latest_positions l on l.business_id = $1 and l.member_id = s.member_id
    left join lateral (
        select count(*)::int as recent from unnest(l.recent_arrivals) as r (at)
        where r.at > $2::timestamptz - interval '60 seconds'
    ) a on true
    left join lateral (
        select h.began_at, h.ended_at from shifts h
        where h.business_id = $1 and h.member_id = s.member_id and h.began_at <= s.fix_at
        order by h.began_at desc
        limit 1
    ) w on true
),

candidates as (
    select j.*
    from (
        select j.*, row_number() over (partition by j.member_id, j.fix_at order by j.ord) as twin
        from judged j
        where j.is_in_time and j.is_on_shift
    ) j
    where j.twin = 1
),

-- What is stored before each: for points that are newer than all, the last three, which stand with the latest position; for
-- those that came late, what the history has.
known as (
    select k.member_id, k.fix_at, max(k.lat_e7) as lat_e7, max(k.lon_e7) as lon_e7
    from (
        select c.member_id, f.at as fix_at, case when f.at = c.last_at then c.last_lat end as lat_e7,
            case when f.at = c.last_at then c.last_lon end as lon_e7
        from (select distinct on (member_id) * from candidates order by member_id) c
        cross join lateral unnest(c.recent_fixes) as f (at)
        union all
        select c.member_id, p.fix_at, p.lat_e7, p.lon_e7
        from (select member_id, fix_at from candidates where not is_new) c
        cross join lateral (
            select p.fix_at, p.lat_e7, p.lon_e7 from positions p
            where p.business_id = $1 and p.member_id = c.member_id
                and p.fix_at <= c.fix_at and p.fix_at > c.fix_at - interval '1 day'
            order by p.fix_at desc
            limit 4
        ) p
    ) k
    group by k.member_id, k.fix_at
),

merged as (
    select m.*, count(*) filter (where m.ord is null) over (partition by m.member_id, m.fix_at) > 0 as is_known
    from (
        select c.ord, c.request, c.member_id, c.fix_at, c.lat_e7, c.lon_e7, c.accuracy_m, c.speed_mps, c.heading_deg,
            c.is_coarse, c.is_new
        from candidates c
        union all
        select null, null, k.member_id, k.fix_at, k.lat_e7, k.lon_e7, null, null, null, null, null
        from known k
    ) m
),

spaced as (
    select m.*, lag(m.fix_at, 1) over w as before_1, lag(m.fix_at, 2) over w as before_2, lag(m.fix_at, 3) over w as before_3
    from merged m
    where m.ord is null or not m.is_known
    window w as (partition by m.member_id order by m.fix_at)
),

-- Four in less than a minute: with the new ones before it, and the stored ones after it.
crowded as (
    select s.*,
        coalesce(s.before_3 > s.fix_at - interval '60 seconds', false)
        or coalesce(n.after[1] < s.before_2 + interval '60 seconds', false)
        or coalesce(n.after[2] < s.before_1 + interval '60 seconds', false)
        or n.after[3] is not null as is_crowded
    from spaced s
    left join lateral (
        select array(
            select p.fix_at from positions p
            where p.business_id = $1 and p.member_id = s.member_id
                and p.fix_at > s.fix_at and p.fix_at < s.fix_at + interval '60 seconds'
            order by p.fix_at
            limit 3
        ) as after
        where not s.is_new
    ) n on true
    where s.ord is not null
),

-- Against the one before it, which is stored or will be: faster than 90 m/s is further than anybody drives.
kept as (
    select k.*, coalesce(
        distance_m(k.from_lat, k.from_lon, k.lat_e7, k.lon_e7) > 90 * extract(epoch from k.fix_at - k.from_at)::float8, false
    ) as is_fast
    from (
        select x.*, lag(x.fix_at) over w as from_at, lag(x.lat_e7) over w as from_lat, lag(x.lon_e7) over w as from_lon
        from (
            select c.ord, c.request, c.member_id, c.fix_at, c.lat_e7, c.lon_e7, c.accuracy_m, c.speed_mps, c.heading_deg,
                c.is_coarse, c.is_new
            from crowded c
            where not c.is_crowded
            union all
            select null, null, k.member_id, k.fix_at, k.lat_e7, k.lon_e7, null, null, null, null, null
            from known k
        ) x
        window w as (partition by x.member_id order by x.fix_at)
    ) k
    where k.ord is not null
),

history as (
    insert into positions (
        business_id, member_id, fix_at, received_at, lat_e7, lon_e7, accuracy_m, speed_mps, heading_deg, is_coarse, is_fast
    )
    select $1, k.member_id, k.fix_at, $2::timestamptz, k.lat_e7, k.lon_e7, k.accuracy_m, k.speed_mps, k.heading_deg, k.is_coarse, k.is_fast
    from kept k
    on conflict (business_id, member_id, fix_at) do nothing
),

newest as (
    select distinct on (k.member_id) k.*,
        array_agg(k.fix_at) over (partition by k.member_id) as fixes,
        array_agg(k.request) over (partition by k.member_id) as requests
    from kept k
    order by k.member_id, k.fix_at desc
),

latest as (
    insert into latest_positions (
        business_id, member_id, fix_at, received_at, lat_e7, lon_e7, accuracy_m, speed_mps, heading_deg, is_coarse, is_fast,
        recent_fixes, recent_arrivals
    )
    select $1, n.member_id, n.fix_at, $2::timestamptz, n.lat_e7, n.lon_e7, n.accuracy_m, n.speed_mps, n.heading_deg, n.is_coarse, n.is_fast,
        array(select f.at from unnest(n.fixes) as f (at) order by f.at desc limit 3),
        array(select $2::timestamptz from unnest(n.requests) as r (number) group by r.number limit 3)
    from newest n
    on conflict (business_id, member_id) do update set
        fix_at = case when excluded.fix_at > latest_positions.fix_at then excluded.fix_at else latest_positions.fix_at end,
        received_at = case when excluded.fix_at > latest_positions.fix_at then excluded.received_at else latest_positions.received_at end,
        lat_e7 = case when excluded.fix_at > latest_positions.fix_at then excluded.lat_e7 else latest_positions.lat_e7 end,
        lon_e7 = case when excluded.fix_at > latest_positions.fix_at then excluded.lon_e7 else latest_positions.lon_e7 end,
        accuracy_m = case when excluded.fix_at > latest_positions.fix_at then excluded.accuracy_m else latest_positions.accuracy_m end,
        speed_mps = case when excluded.fix_at > latest_positions.fix_at then excluded.speed_mps else latest_positions.speed_mps end,
        heading_deg = case when excluded.fix_at > latest_positions.fix_at then excluded.heading_deg else latest_positions.heading_deg end,
        is_coarse = case when excluded.fix_at > latest_positions.fix_at then excluded.is_coarse else latest_positions.is_coarse end,
        is_fast = case when excluded.fix_at > latest_positions.fix_at then excluded.is_fast else latest_positions.is_fast end,
        recent_fixes = array(
            select f.at from unnest(excluded.recent_fixes || latest_positions.recent_fixes) as f (at) order by f.at desc limit 3
        ),
        recent_arrivals = (excluded.recent_arrivals || latest_positions.recent_arrivals)[1:3]
),

told as (
    insert into outbox (business_id, topic, subject_id, member_id)
    select $1, 'position', n.member_id, n.member_id from newest n where n.is_new
)

select j.ord as "ord!", 'too_soon' as "fate!", j.arrival_at as "room_at?" from judged j where not j.is_in_time
union all
select j.ord, 'off_shift', null from judged j where j.is_in_time and not j.is_on_shift
union all
select m.ord, 'duplicate', null from merged m where m.ord is not null and m.is_known
union all
select c.ord, case when c.is_crowded then 'crowded' else 'stored' end,
    case when c.is_crowded and c.is_new then c.before_3 + interval '60 seconds' end
from crowded c
