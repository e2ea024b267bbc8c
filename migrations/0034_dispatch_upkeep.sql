-- What dispatch asks at every change of a job, and at every look at the map, has its index; and a week of positions is made
-- though some of it came before.

-- Closing what was opened for a job, and choosing the number that it had before. The one for open sessions stays: it is the
-- promise of one at a time.
create index proxy_sessions_order on proxy_sessions (business_id, work_order_id);

-- What somebody is doing now: one row or two of all that they ever did.
create index work_orders_under_way on work_orders (business_id, member_id) where state in ('en_route', 'on_site');

-- As in 0030. But a position that came before its week was made (a phone's clock far off, a server that stood still for weeks)
-- lies in the partition for the rest, and then PostgreSQL makes no week beside it: those are moved into the new one first.
create or replace function lobby.positions_partition(week date) returns text
language plpgsql
security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
    monday date := date_trunc('week', week::timestamp)::date;
    part text := format('positions_%s', to_char(monday, 'YYYY_MM_DD'));
    begins text := monday::text || ' 00:00:00+00';
    ends text := (monday + 7)::text || ' 00:00:00+00';
begin
    if monday > date_trunc('week', now()) + interval '8 weeks' then
        raise exception 'no partition of positions more than eight weeks ahead';
    end if;
    if to_regclass('public.' || part) is not null then
        return part;
    end if;
    begin
        execute format(
            'create table public.%I partition of public.positions for values from (%L) to (%L)', part, begins, ends
        );
    exception
        when check_violation then
            execute format('create table public.%I (like public.positions including all)', part);
            -- Its owner is bound by row security too, and no policy lets anybody in. Whoever else would look waits for this lock.
            alter table public.positions_rest no force row level security;
            execute format(
                'with gone as (delete from public.positions_rest where fix_at >= %L and fix_at < %L returning *)
                 insert into public.%I select * from gone',
                begins, ends, part
            );
            alter table public.positions_rest force row level security;
            execute format(
                'alter table public.positions attach partition public.%I for values from (%L) to (%L)', part, begins, ends
            );
    end;
    execute format('alter table public.%I enable row level security', part);
    execute format('alter table public.%I force row level security', part);
    return part;
end
$$;
