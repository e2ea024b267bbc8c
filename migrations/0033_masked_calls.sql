-- Masked calling (TEL-7). A customer and their technician talk through a number of the business, a proxy: each of them calls
-- it, and it rings at the other. Which two a proxy joins is a session: one job, one customer, one technician, while it lasts.

-- The pool. A number that is taken out stays as a row, because sessions and calls name it.
create table proxy_numbers (
    business_id uuid not null references businesses (business_id),
    id uuid not null,
    connection_id uuid not null,
    number text not null check (number ~ '^\+[1-9][0-9]{6,14}$'),
    state text not null default 'active' check (state in ('active', 'retired')),
    created_by uuid not null,
    created_at timestamptz not null,
    retired_at timestamptz,
    last_used_at timestamptz,
    primary key (business_id, id),
    check ((state = 'retired') = (retired_at is not null)),
    foreign key (business_id, connection_id) references connections (business_id, id),
    foreign key (business_id, created_by) references members (business_id, id)
);

create unique index proxy_numbers_number_key on proxy_numbers (business_id, number) where state = 'active';

call tenant_wall('proxy_numbers', 'select, insert, update (state, retired_at, last_used_at)');

-- Where a member is reached for such calls. Theirs alone: nobody else's page shows it, their own only masked.
create table member_phones (
    business_id uuid not null,
    member_id uuid not null,
    phone text not null check (phone ~ '^\+[1-9][0-9]{6,14}$'),
    changed_at timestamptz not null,
    primary key (business_id, member_id),
    foreign key (business_id, member_id) references members (business_id, id) on delete cascade
);

call tenant_wall('member_phones', 'select, insert, update (phone, changed_at), delete');

-- A session holds no number: those are its parties', who go when it closes.
create table proxy_sessions (
    business_id uuid not null,
    id uuid not null,
    work_order_id uuid not null,
    proxy_number_id uuid not null,
    member_id uuid not null,
    opened_by uuid not null,
    opened_at timestamptz not null,
    starts_at timestamptz not null,
    expires_at timestamptz not null,
    closed_at timestamptz,
    reason text check (reason in ('expired', 'job_closed', 'replaced', 'number_removed', 'phone_changed')),
    primary key (business_id, id),
    check ((closed_at is null) = (reason is null)),
    check (expires_at > starts_at),
    foreign key (business_id, work_order_id) references work_orders (business_id, id) on delete cascade,
    foreign key (business_id, proxy_number_id) references proxy_numbers (business_id, id),
    foreign key (business_id, member_id) references members (business_id, id),
    foreign key (business_id, opened_by) references members (business_id, id)
);

-- One at a time per job.
create unique index proxy_sessions_open_key on proxy_sessions (business_id, work_order_id) where closed_at is null;

create index proxy_sessions_expiry on proxy_sessions (expires_at) where closed_at is null;

create index proxy_sessions_number on proxy_sessions (business_id, proxy_number_id);

create index proxy_sessions_member on proxy_sessions (business_id, member_id);

call tenant_wall('proxy_sessions', 'select, insert, update (closed_at, reason)');

call lobby_may('proxy_sessions', 'select, update (closed_at, reason)');

-- Who a caller of a proxy is. The key is the promise: behind one proxy a number stands for one session, on one side of it,
-- so that a call never reaches somebody else's customer.
create table proxy_parties (
    business_id uuid not null,
    proxy_number_id uuid not null,
    phone text not null check (phone ~ '^\+[1-9][0-9]{6,14}$'),
    session_id uuid not null,
    side text not null check (side in ('customer', 'technician')),
    primary key (business_id, proxy_number_id, phone),
    constraint proxy_parties_side_key unique (business_id, session_id, side),
    foreign key (business_id, proxy_number_id) references proxy_numbers (business_id, id),
    foreign key (business_id, session_id) references proxy_sessions (business_id, id) on delete cascade
);

call tenant_wall('proxy_parties', 'select, insert, delete');

call lobby_may('proxy_parties', 'select, delete');

-- Which call went through which session, and who of the two called. It goes with either.
create table masked_calls (
    business_id uuid not null,
    call_id uuid not null,
    session_id uuid not null,
    side text not null check (side in ('customer', 'technician')),
    primary key (business_id, call_id),
    foreign key (business_id, call_id) references calls (business_id, id) on delete cascade,
    foreign key (business_id, session_id) references proxy_sessions (business_id, id) on delete cascade
);

create index masked_calls_session on masked_calls (business_id, session_id);

call tenant_wall('masked_calls', 'select, insert');

-- Closes what is over, in every business, and forgets the two numbers. Calls are not led through it any more before: the
-- look-up goes by `expires_at`.
create function lobby.proxy_sessions_expire(in_now timestamptz) returns bigint
language sql security definer set search_path = lobby, public, pg_temp
as $$
    with due as (
        select s.business_id, s.id from proxy_sessions s
        where s.closed_at is null and s.expires_at <= in_now
        for update skip locked
    ),
    over as (
        update proxy_sessions s set closed_at = in_now, reason = 'expired'
        from due d where s.business_id = d.business_id and s.id = d.id
        returning s.business_id, s.id
    ),
    forgotten as (
        delete from proxy_parties p using over o where p.business_id = o.business_id and p.session_id = o.id
    )
    select count(*) from over
$$;

call lobby_function('lobby.proxy_sessions_expire(timestamptz)', 'ringfort_worker');
