-- Calls (TEL-1, TEL-3) and screen pops (POP-1, POP-2).

create table extensions (
    business_id uuid not null references businesses (business_id),
    id uuid not null,
    extension text not null check (extension ~ '^[0-9]{2,8}$'),
    member_id uuid not null,
    target text not null check (target ~ '^(client:[A-Za-z0-9_]{1,60}|sip:[^@\s<>"]{1,60}@[A-Za-z0-9.-]{1,120}|\+[1-9][0-9]{6,14})$'),
    number text check (number ~ '^\+[1-9][0-9]{6,14}$'),
    created_at timestamptz not null,
    primary key (business_id, id),
    constraint extensions_extension_key unique (business_id, extension),
    constraint extensions_target_key unique (business_id, target),
    foreign key (business_id, member_id) references members (business_id, id)
);

call tenant_wall('extensions', 'select, insert, update (member_id, target, number), delete');

-- One row per customer's call. `state_rank` and `state_seq` say which event set the state, so that events may
-- come in any order and the row ends the same.
create table calls (
    business_id uuid not null references businesses (business_id),
    id uuid not null,
    connection_id uuid not null,
    provider_call_id text not null,
    direction text not null check (direction in ('inbound', 'outbound')),
    party_number text,
    own_number text,
    member_id uuid,
    state text not null check (
        state in ('queued', 'initiated', 'ringing', 'in_progress', 'completed', 'busy', 'no_answer', 'failed', 'canceled')
    ),
    state_seq int not null,
    started_at timestamptz not null,
    state_at timestamptz not null,
    answered_at timestamptz,
    ended_at timestamptz,
    primary key (business_id, id),
    constraint calls_provider_key unique (business_id, connection_id, provider_call_id),
    foreign key (business_id, connection_id) references connections (business_id, id),
    foreign key (business_id, member_id) references members (business_id, id)
);

create index calls_started on calls (business_id, started_at, id);

create index calls_member on calls (business_id, member_id, started_at, id);

create index calls_live on calls (business_id, state_at) where ended_at is null;

call tenant_wall('calls', 'select, insert, update, delete');

-- A leg towards one of our people: what rings on their desk.
create table call_legs (
    business_id uuid not null,
    id uuid not null,
    call_id uuid not null,
    provider_leg_id text not null,
    extension_id uuid,
    member_id uuid,
    state text not null,
    state_seq int not null,
    state_at timestamptz not null,
    primary key (business_id, id),
    constraint call_legs_provider_key unique (business_id, call_id, provider_leg_id),
    foreign key (business_id, call_id) references calls (business_id, id) on delete cascade,
    foreign key (business_id, extension_id) references extensions (business_id, id) on delete set null (extension_id),
    foreign key (business_id, member_id) references members (business_id, id)
);

create index call_legs_member on call_legs (business_id, member_id);

call tenant_wall('call_legs', 'select, insert, update, delete');

-- The timeline of a call.
create table call_events (
    business_id uuid not null,
    id uuid not null,
    call_id uuid not null,
    leg_id uuid,
    state text not null,
    seq int not null,
    at timestamptz not null,
    received_at timestamptz not null,
    primary key (business_id, id),
    foreign key (business_id, call_id) references calls (business_id, id) on delete cascade,
    foreign key (business_id, leg_id) references call_legs (business_id, id) on delete cascade
);

create index call_events_call on call_events (business_id, call_id, at);

call tenant_wall('call_events', 'select, insert, delete');

-- One row per provider event: the gate that makes a repeat harmless. A payload stays only while the event
-- could not be applied, sealed.
create table webhook_receipts (
    business_id uuid not null,
    id uuid not null,
    connection_id uuid not null,
    event_key text not null,
    state text not null check (state in ('applied', 'pending', 'malformed', 'dead')),
    problem text,
    payload_sealed bytea,
    attempts int not null default 0,
    received_at timestamptz not null,
    applied_at timestamptz,
    primary key (business_id, id),
    constraint webhook_receipts_event_key unique (business_id, connection_id, event_key),
    foreign key (business_id, connection_id) references connections (business_id, id)
);

create index webhook_receipts_received on webhook_receipts (business_id, received_at);

create index webhook_receipts_open on webhook_receipts (business_id, state) where state <> 'applied';

call tenant_wall('webhook_receipts', 'select, insert, update (state, problem, payload_sealed, attempts, applied_at), delete');

-- What the agency system said about a caller, for five minutes, for one person. Sealed.
create table screen_pops (
    business_id uuid not null,
    id uuid not null,
    call_id uuid not null,
    member_id uuid not null,
    sealed bytea not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    acknowledged_at timestamptz,
    primary key (business_id, id),
    constraint screen_pops_call_key unique (business_id, call_id, member_id),
    foreign key (business_id, call_id) references calls (business_id, id) on delete cascade,
    foreign key (business_id, member_id) references members (business_id, id),
    check (expires_at <= created_at + interval '5 minutes')
);

create index screen_pops_expiry on screen_pops (expires_at);

create index screen_pops_member on screen_pops (business_id, member_id, expires_at);

call tenant_wall('screen_pops', 'select, insert, update (acknowledged_at), delete');

call lobby_may('screen_pops', 'select (business_id, member_id, expires_at, acknowledged_at), delete');
