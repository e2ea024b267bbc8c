-- Live events and jobs: both are rows of the transaction that caused them.

-- Ids only. Readers take rows below the snapshot's xmin, in (xid, id) order: that is commit order without gaps.
create table outbox (
    business_id uuid not null,
    id bigint generated always as identity,
    xid xid8 not null default pg_current_xact_id(),
    topic text not null check (topic in ('call', 'pop', 'pop_gone')),
    subject_id uuid not null,
    member_id uuid,
    at timestamptz not null default clock_timestamp(),
    primary key (business_id, id)
);

create index outbox_order on outbox (xid, id);

call tenant_wall('outbox', 'select, insert (business_id, topic, subject_id, member_id)');

call lobby_may('outbox', 'select, delete');

create table jobs (
    business_id uuid not null,
    id uuid not null,
    kind text not null,
    dedup_key text not null,
    payload jsonb not null,
    run_at timestamptz not null,
    attempts int not null default 0,
    lease_until timestamptz,
    problem text,
    state text not null default 'queued' check (state in ('queued', 'dead')),
    created_at timestamptz not null default now(),
    primary key (business_id, id),
    constraint jobs_dedup_key unique (business_id, kind, dedup_key)
);

create index jobs_due on jobs (run_at) where state = 'queued';

call tenant_wall('jobs', 'select, insert, update, delete');

call lobby_may('jobs', 'select, update (lease_until, attempts)');
