-- Exports of the audit log (AUD-5): exactly what a filter shows, written by a job piece by piece, kept sealed for a week.

-- `filter` is what the query bar would say, with instants; `asked_at` and `xid` close it: what was written later is not in it. The
-- job begins when everything before them is settled and sealed, so the same is exported however often it is interrupted. `first_id`,
-- `last_id`, `done` and `parts` are how far it is; `parts` is 0 again when the file is removed. The manifest stays: it says what a
-- file must be that somebody has kept.
create table audit_exports (
    business_id uuid not null references businesses (business_id),
    id uuid not null,
    asked_by uuid not null,
    asked_at timestamptz not null default clock_timestamp(),
    xid xid8 not null default pg_current_xact_id(),
    format text not null check (format in ('csv', 'jsonl')),
    filter text not null check (length(filter) <= 1000),
    zone text not null check (length(zone) between 1 and 64),
    state text not null default 'waiting' check (
        state in ('waiting', 'running', 'ready', 'cancelled', 'refused', 'failed', 'expired')
    ),
    total bigint,
    done bigint not null default 0,
    first_id uuid,
    last_id uuid,
    parts int not null default 0 check (parts >= 0),
    bytes bigint not null default 0,
    manifest text,
    finished_at timestamptz,
    expires_at timestamptz,
    primary key (business_id, id),
    check ((state in ('ready', 'expired')) = (manifest is not null)),
    check ((manifest is null) = (expires_at is null)),
    foreign key (business_id, asked_by) references members (business_id, id)
);

create index audit_exports_kept on audit_exports (business_id, state) where parts > 0;

-- People ask and cancel; the worker writes.
call tenant_wall(
    'audit_exports', 'select, insert (business_id, id, asked_by, format, filter, zone), update (state, finished_at)'
);

grant update (
    total, done, first_id, last_id, parts, bytes, manifest, expires_at
) on audit_exports to ringfort_worker;

-- The file, in pieces of a few megabytes, each sealed with the business's key and bound to its place. In the database, because any
-- node serves it, and because a piece and the note of how far the export is must be one transaction.
create table audit_export_parts (
    business_id uuid not null,
    export_id uuid not null,
    part int not null check (part >= 1),
    sealed bytea not null,
    primary key (business_id, export_id, part),
    foreign key (business_id, export_id) references audit_exports (business_id, id)
);

-- What is sealed does not compress.
alter table audit_export_parts alter column sealed set storage external;

call tenant_wall('audit_export_parts', 'select');

grant insert, delete on audit_export_parts to ringfort_worker;

call lobby_may('audit_exports', 'select (business_id, state, parts, expires_at)');

-- The businesses that have a file to remove: its time is over, or nobody wants it any more.
create function lobby.audit_exports_over(in_now timestamptz) returns table (business_id uuid)
language sql stable security definer set search_path = lobby, public, pg_temp
as $$
    select distinct e.business_id
    from audit_exports e
    where e.parts > 0 and (e.state in ('cancelled', 'refused', 'failed') or e.expires_at <= in_now)
    order by e.business_id
$$;

call lobby_function('lobby.audit_exports_over(timestamptz)', 'ringfort_worker');
