-- Retention (RET-1, RET-2): what the owner chose, and what the runs did.

create table retention_rules (
    business_id uuid not null references businesses (business_id),
    kind text not null,
    days int not null check (days between 1 and 3650),
    changed_by uuid,
    changed_at timestamptz not null,
    primary key (business_id, kind),
    foreign key (business_id, changed_by) references members (business_id, id)
);

call tenant_wall('retention_rules', 'select, insert, update (days, changed_by, changed_at)');

create table retention_runs (
    business_id uuid not null references businesses (business_id),
    id uuid not null,
    kind text not null,
    cutoff timestamptz not null,
    deleted bigint not null default 0,
    state text not null check (state in ('running', 'finished')),
    started_at timestamptz not null,
    finished_at timestamptz,
    primary key (business_id, id)
);

create index retention_runs_kind on retention_runs (business_id, kind, started_at);

call tenant_wall('retention_runs', 'select, insert, update (deleted, state, finished_at)');
