-- $1 business, $2 before when, $3 how many of each table. Read with keep.rs.
with history as (
    delete from positions p
    using (
        select o.member_id, o.fix_at
        from members m
        cross join lateral (
            select h.member_id, h.fix_at from positions h
            where h.business_id = $1 and h.member_id = m.id and h.fix_at < $2::timestamptz
            order by h.fix_at limit $3::bigint
        ) o
        where m.business_id = $1
        limit $3
    ) due
    where p.business_id = $1 and p.member_id = due.member_id and p.fix_at = due.fix_at and p.fix_at < $2
    returning 1
), latest as (
    delete from latest_positions
    where business_id = $1 and member_id in (
        select member_id from latest_positions where business_id = $1 and fix_at < $2 limit $3
    )
    returning 1
), ended as (
    delete from shifts
    where business_id = $1 and id in (
        select id from shifts where business_id = $1 and ended_at < $2 limit $3
    )
    returning 1
), looks as (
    delete from location_looks
    where business_id = $1 and id in (
        select id from location_looks where business_id = $1 and looked_at < $2 limit $3
    )
    returning 1
), refusals as (
    delete from position_refusals
    where business_id = $1 and day < ($2 at time zone 'utc')::date
    returning 1
)
select (select count(*) from history) + (select count(*) from latest) + (select count(*) from ended)
    + (select count(*) from looks) + (select count(*) from refusals) as "count!"
