-- $1 business, $2 now, $3 to $11 the points that stay as one array per column, then of each technician who moved: $12 the
-- number of their newest point, and in $13 and $15 three places for their last fixes and arrivals, of which $14 and $16 say
-- how many are taken. Read with rows.rs. A value is taken from its array by its number, which is one step where there are no
-- nulls; `unnest` of as many arrays writes every value down twice. And of `unnest` the planner expects ten rows, of
-- `generate_series` a thousand: with ten it may compare each latest position of the business with each point.
with history as (
    insert into positions (
        business_id, member_id, fix_at, received_at, lat_e7, lon_e7, accuracy_m, speed_mps, heading_deg, is_coarse, is_fast
    )
    select $1::uuid, ($3::uuid [])[k.i], ($4::timestamptz [])[k.i], $2::timestamptz, ($5::int [])[k.i], ($6::int [])[k.i],
        ($7::real [])[k.i], nullif(($8::real [])[k.i], (-1)::real), nullif(($9::real [])[k.i], (-1)::real),
        ($10::boolean [])[k.i], ($11::boolean [])[k.i]
    from generate_series(1, cardinality($3::uuid [])) as k (i)
)

update latest_positions l set
    fix_at = ($4::timestamptz [])[n.i],
    received_at = $2::timestamptz,
    lat_e7 = ($5::int [])[n.i],
    lon_e7 = ($6::int [])[n.i],
    accuracy_m = ($7::real [])[n.i],
    speed_mps = nullif(($8::real [])[n.i], (-1)::real),
    heading_deg = nullif(($9::real [])[n.i], (-1)::real),
    is_coarse = ($10::boolean [])[n.i],
    is_fast = ($11::boolean [])[n.i],
    recent_fixes = ($13::timestamptz [])[(3 * n.j - 2):(3 * n.j - 3 + ($14::int [])[n.j])],
    recent_arrivals = ($15::timestamptz [])[(3 * n.j - 2):(3 * n.j - 3 + ($16::int [])[n.j])]
from (select s.j, ($12::int [])[s.j] as i from generate_series(1, cardinality($12::int [])) as s (j)) n
where l.business_id = $1 and l.member_id = ($3::uuid [])[n.i]
