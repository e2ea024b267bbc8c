-- The operator's access (TEN-6). Who runs the installation looks into a business only while a grant is open: with a written
-- reason, a ticket, a trace id, and an end that is at most eight hours away. The database itself refuses what no grant
-- covers: support reads as a role of its own, whose policy demands an open grant, and an entry in the business's own audit
-- log that was committed before the reading. What that role sees at all is the list of columns at the end: states, times and
-- closed words; no number, no name, no address, nothing that is sealed.

-- `ended_at`, `ending` and `ended_by` are written once. Times are the database's: the policy below goes by its clock.
create table operator_grants (
    business_id uuid not null references businesses (business_id),
    id uuid not null,
    reason text not null check (length(reason) between 1 and 200),
    ticket text not null check (ticket ~ '^[A-Za-z0-9][A-Za-z0-9._#/-]{0,59}$'),
    trace_id uuid not null,
    granted_at timestamptz not null default now(),
    expires_at timestamptz not null,
    ended_at timestamptz,
    ending text check (ending in ('operator', 'business', 'time')),
    ended_by uuid,
    primary key (business_id, id),
    check (expires_at > granted_at and expires_at <= granted_at + interval '8 hours'),
    check ((ended_at is null) = (ending is null)),
    check (coalesce(ending = 'business', false) = (ended_by is not null)),
    foreign key (business_id, ended_by) references members (business_id, id)
);

-- One at a time.
create unique index operator_grants_open_key on operator_grants (business_id) where ended_at is null;

call tenant_wall('operator_grants', 'select, update (ended_at, ending, ended_by)');

-- What serves requests opens none.
grant insert (business_id, id, reason, ticket, trace_id, expires_at) on operator_grants to ringfort_worker;

call lobby_may('operator_grants', 'select');

-- A grant is evidence: it ends once, and nothing else of it changes.
create function operator_grant_guard() returns trigger
language plpgsql
as $$
declare
    ending_columns text[] := array['ended_at', 'ending', 'ended_by'];
begin
    -- Only an update has both rows to look at.
    if tg_op = 'UPDATE' then
        if old.ended_at is null and new.ended_at is not null
            and to_jsonb(new) - ending_columns = to_jsonb(old) - ending_columns
        then
            return new;
        end if;
    end if;
    raise exception 'an operator''s grant ends once and does not change: % refused', tg_op
        using errcode = 'insufficient_privilege';
end
$$;

create trigger operator_grant_guard before update or delete on operator_grants
for each row execute function operator_grant_guard();

create trigger operator_grant_guard_truncate before truncate on operator_grants
for each statement execute function operator_grant_guard();

-- ALWAYS: they also hold under session_replication_role = replica.
alter table operator_grants enable always trigger operator_grant_guard;

alter table operator_grants enable always trigger operator_grant_guard_truncate;

-- What the lobby needs to write an entry for the operator, and to look for it.
do $$
begin
    if not exists (
        select from pg_policy where polrelid = 'audit_entries'::regclass and polname = 'lobby'
    ) then
        create policy lobby on audit_entries to ringfort_lobby using (true) with check (true);
    end if;
end
$$;

grant select (business_id, id, at, xid, actor_id, action, result),
insert (business_id, id, actor_kind, actor_id, action, target_kind, target_id, result, reason, origin, trace_id, after)
on audit_entries to ringfort_lobby;

-- The trigger that stamps an entry queues it for its seal as who inserts it.
grant insert (business_id, xid, id, at) on audit_pending to ringfort_lobby;

-- The smallest UUIDv7 of an instant (RFC 9562, section 5.7).
create function lobby.uuid7_at(instant timestamptz) returns uuid
language sql stable
as $$
    select (lpad(to_hex((extract(epoch from instant) * 1000)::bigint), 12, '0') || '7' || repeat('0', 19))::uuid
$$;

-- Says in the business's own log that the operator looks, and what the open grant is; without one, the try is written down as
-- refused, once a second at most, and no row comes back. Whoever calls it does not choose the entry's id: ids are times, and an old one would hide it.
create function lobby.operator_look(in_business uuid, in_what text)
returns table (grant_id uuid, trace_id uuid, expires_at timestamptz)
language plpgsql security definer set search_path = lobby, public, pg_temp
as $$
#variable_conflict use_column
declare
    open_grant operator_grants;
    is_open boolean;
    entry uuid;
begin
    if in_what not in ('show', 'watch') or not exists (select from businesses b where b.business_id = in_business) then
        return;
    end if;
    select * into open_grant from operator_grants g
    where g.business_id = in_business and g.ended_at is null and g.expires_at > clock_timestamp();
    is_open := open_grant.id is not null;
    if not is_open then
        -- One after the other: who waited sees what was written meanwhile. By the id, which is of this clock: the time of a
        -- transaction that stays open does not move.
        perform pg_advisory_xact_lock(hashtextextended('lobby.operator_look/' || in_business, 0));
        if exists (
            select from audit_entries e
            where e.business_id = in_business and e.id >= lobby.uuid7_at(clock_timestamp() - interval '1 second')
                and e.action = 'operator.looked' and e.result = 'refused'
        ) then
            return;
        end if;
    end if;
    entry := (
        left(replace(lobby.uuid7_at(clock_timestamp())::text, '-', ''), 13)
        || right(replace(gen_random_uuid()::text, '-', ''), 19)
    )::uuid;
    insert into audit_entries (
        business_id, id, actor_kind, actor_id, action, target_kind, target_id, result, reason, origin, trace_id, after
    )
    values (
        in_business, entry, 'operator', open_grant.id, 'operator.looked',
        case when is_open then 'operator_grant' end, open_grant.id,
        case when is_open then 'done' else 'refused' end, case when not is_open then 'no open grant' end,
        'operator', coalesce(open_grant.trace_id, entry), jsonb_build_object('what', in_what)
    );
    if is_open then
        return query select open_grant.id, open_grant.trace_id, open_grant.expires_at;
    end if;
end
$$;

-- The business of this transaction, if the operator may see it now: its grant is open, and a look stands in its log that is
-- not older than half a minute and was committed before: an entry of this very transaction could be rolled back after reading.
create function lobby.operator_business() returns uuid
language sql stable security definer set search_path = lobby, public, pg_temp
as $$
    select g.business_id
    from operator_grants g
    where g.business_id = nullif(current_setting('app.business', true), '')::uuid
        and g.ended_at is null and g.expires_at > clock_timestamp()
        and exists (
            select from audit_entries e
            where e.business_id = g.business_id and e.actor_id = g.id
                and e.id >= lobby.uuid7_at(now() - interval '1 minute')
                and e.action = 'operator.looked' and e.result = 'done'
                and e.at > clock_timestamp() - interval '30 seconds'
                and e.xid is distinct from pg_current_xact_id_if_assigned()
        )
$$;

-- The businesses whose grant has run out and is not marked as ended yet.
create function lobby.operator_grants_over() returns table (business_id uuid)
language sql stable security definer set search_path = lobby, public, pg_temp
as $$
    select g.business_id from operator_grants g
    where g.ended_at is null and g.expires_at <= clock_timestamp()
    order by g.business_id
$$;

call lobby_function('lobby.operator_look(uuid, text)', 'ringfort_operator');
call lobby_function('lobby.operator_business()', 'ringfort_operator');
call lobby_function('lobby.operator_grants_over()', 'ringfort_worker');

-- Cuts the operator's transactions that began before a grant had ended: an old snapshot would go on seeing it as open, and a
-- cursor would go on reading. It belongs to the owner of the tables, who is a member of the operator's role: PostgreSQL asks
-- for that of whoever ends a session. The second allows for the time between the ending and its commit.
create function lobby.operator_cut() returns bigint
language sql security definer set search_path = pg_catalog, public, pg_temp
as $$
    select count(*) filter (where pg_terminate_backend(a.pid))
    from pg_stat_activity a
    where a.datname = current_database() and a.usename = 'ringfort_operator' and a.xact_start is not null
        and exists (
            select from operator_grants g
            where coalesce(g.ended_at, g.expires_at) <= clock_timestamp()
                and coalesce(g.ended_at, g.expires_at) > a.xact_start - interval '1 second'
        )
$$;

revoke all on function lobby.operator_cut () from public;

grant execute on function lobby.operator_cut () to ringfort_app, ringfort_worker;

-- What the operator may see of a tenant's table, column by column.
create procedure public.operator_may_see(wall_table regclass, seen text)
language plpgsql
as $$
begin
    -- The sub-select asks once per statement, and not once per row.
    execute format(
        'create policy operator on %s for select to ringfort_operator '
        'using (business_id = (select lobby.operator_business()))', wall_table
    );
    execute format('grant select (%s) on %s to ringfort_operator', seen, wall_table);
end
$$;

revoke all on procedure public.operator_may_see from public;

grant usage on schema public, lobby to ringfort_operator;

call operator_may_see('businesses', 'business_id, profile, zone, state, created_at');
call operator_may_see('members', 'business_id, id, role, state, joined_at');
call operator_may_see(
    'connections',
    'business_id, id, provider, state, created_at, rotated_at, revoked_at, last_event_at, tested_at, test_result'
);
call operator_may_see('connection_secrets', 'business_id, id, connection_id, created_at, expires_at');
call operator_may_see('webhook_refusals', 'business_id, connection_id, hour, reason, count');
call operator_may_see(
    'webhook_receipts', 'business_id, id, connection_id, state, problem, attempts, received_at, applied_at'
);
call operator_may_see(
    'jobs', 'business_id, id, kind, run_at, attempts, lease_until, problem, state, created_at'
);
call operator_may_see('retention_runs', 'business_id, id, kind, cutoff, deleted, state, started_at, finished_at');
