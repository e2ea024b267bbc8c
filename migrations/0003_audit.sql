-- The audit wall (AUD-1, AUD-2). The database itself refuses update, delete and truncate, to every role; the
-- application may insert the columns it knows and nothing else. `xid` and `at` are set by a trigger that the
-- inserter cannot override: with them a background sealer can take entries in commit order (AUD-3).

create table audit_entries (
    business_id uuid not null,
    id uuid not null,
    at timestamptz not null default clock_timestamp(),
    xid xid8 not null default pg_current_xact_id(),
    actor_kind text not null,
    actor_id uuid,
    action text not null,
    target_kind text,
    target_id uuid,
    result text not null check (result in ('done', 'refused', 'failed')),
    reason text,
    origin text not null,
    trace_id uuid not null,
    before jsonb,
    after jsonb,
    primary key (business_id, id)
) partition by range (id);

create index audit_entries_actor on audit_entries (business_id, actor_id, id);

create index audit_entries_action on audit_entries (business_id, action, id);

create index audit_entries_target on audit_entries (business_id, target_id, id);

create index audit_entries_at on audit_entries using brin (at);

call tenant_wall(
    'audit_entries',
    'select, insert (business_id, id, actor_kind, actor_id, action, target_kind, target_id, result, reason, '
    'origin, trace_id, before, after)'
);

grant select on audit_entries to ringfort_auditor;

create function audit_stamp() returns trigger
language plpgsql
as $$
begin
    new.at := clock_timestamp();
    new.xid := pg_current_xact_id();
    return new;
end
$$;

create function audit_refuse() returns trigger
language plpgsql
as $$
begin
    raise exception 'audit entries are append-only: % refused', tg_op
        using errcode = 'insufficient_privilege';
end
$$;

create trigger audit_stamp before insert on audit_entries
for each row execute function audit_stamp();

create trigger audit_refuse before update or delete on audit_entries
for each row execute function audit_refuse();

create trigger audit_refuse_truncate before truncate on audit_entries
for each statement execute function audit_refuse();

-- ALWAYS: they also hold under session_replication_role = replica.
alter table audit_entries enable always trigger audit_stamp;

alter table audit_entries enable always trigger audit_refuse;

alter table audit_entries enable always trigger audit_refuse_truncate;

-- Row triggers are cloned to partitions; truncate triggers and row security are not. One function makes a
-- month, complete; it is called here and then daily, for the months ahead.
create function lobby.audit_partition(month date) returns text
language plpgsql
security definer
set search_path = pg_catalog, public, pg_temp
as $$
declare
    first_day date := date_trunc('month', month);
    part text := format('audit_entries_%s', to_char(first_day, 'YYYY_MM'));
    low uuid := lobby.uuid7_floor(first_day);
    high uuid := lobby.uuid7_floor((first_day + interval '1 month')::date);
    tr text;
begin
    if first_day > date_trunc('month', now()) + interval '6 months' then
        raise exception 'no audit partition more than six months ahead';
    end if;
    if to_regclass('public.' || part) is not null then
        return part;
    end if;
    execute format('create table public.%I partition of public.audit_entries for values from (%L) to (%L)', part, low, high);
    execute format('alter table public.%I enable row level security', part);
    execute format('alter table public.%I force row level security', part);
    execute format(
        'create trigger audit_refuse_truncate before truncate on public.%I '
        'for each statement execute function public.audit_refuse()', part
    );
    foreach tr in array array['audit_stamp', 'audit_refuse', 'audit_refuse_truncate'] loop
        execute format('alter table public.%I enable always trigger %I', part, tr);
    end loop;
    return part;
end
$$;

-- The smallest UUIDv7 of a day (RFC 9562, section 5.7): 48 bits of milliseconds, then zeroes.
create function lobby.uuid7_floor(day date) returns uuid
language sql
immutable
as $$
    select (
        lpad(to_hex((extract(epoch from day::timestamp) * 1000)::bigint), 12, '0') || repeat('0', 20)
    )::uuid
$$;

revoke all on function lobby.audit_partition (date) from public;

grant execute on function lobby.audit_partition (date) to ringfort_worker;

select lobby.audit_partition((date_trunc('month', now()) + make_interval(months => n))::date)
from generate_series(-4, 3) as n;

-- A clock that is far off must not lose an entry.
create table audit_entries_rest partition of audit_entries default;

alter table audit_entries_rest enable row level security;

alter table audit_entries_rest force row level security;

create trigger audit_refuse_truncate before truncate on audit_entries_rest
for each statement execute function audit_refuse();

alter table audit_entries_rest enable always trigger audit_stamp;

alter table audit_entries_rest enable always trigger audit_refuse;

alter table audit_entries_rest enable always trigger audit_refuse_truncate;
