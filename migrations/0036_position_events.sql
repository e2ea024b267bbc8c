-- One live event for all technicians who moved in a flush of positions: a row each was most of what storing them cost.
-- A row of before has no list, and is about its subject alone. A node of the version before reads the subject of a row with
-- a list, which is the first of them: until it is replaced, its maps miss the others.

alter table outbox add column member_ids uuid [];

-- Ids do not get smaller by being packed.
alter table outbox alter column member_ids set storage external;

grant insert (member_ids) on outbox to ringfort_app, ringfort_worker;

-- The same with one column more, for which a function has to be made anew.
drop function lobby.outbox_after(text, bigint, int);

create function lobby.outbox_after(in_xid text, in_id bigint, in_limit int)
returns table (
    xid text, id bigint, business_id uuid, topic text, subject_id uuid, member_id uuid, member_ids uuid [], at timestamptz
)
language sql stable security definer set search_path = lobby, public, pg_temp
as $$
    select o.xid::text, o.id, o.business_id, o.topic, o.subject_id, o.member_id, o.member_ids, o.at from outbox o
    where (o.xid, o.id) > (in_xid::xid8, in_id) and o.xid < pg_snapshot_xmin(pg_current_snapshot())
    order by o.xid, o.id limit in_limit
$$;

call lobby_function('lobby.outbox_after(text, bigint, int)', 'ringfort_app, ringfort_worker');

-- `distance_m` of 0030 is asked by nobody any more: points are judged by the program (model/position/judge.rs). The version
-- before still asks it.
