-- Envelope encryption (KEY-1): a data key per business, wrapped by the master key that the database never sees.

create table data_keys (
    business_id uuid not null references businesses (business_id),
    id uuid not null,
    wrapped bytea not null,
    master_key text not null,
    created_at timestamptz not null,
    retired_at timestamptz,
    primary key (business_id, id)
);

call tenant_wall('data_keys', 'select, insert, update (wrapped, master_key, retired_at)');

call lobby_may('data_keys', 'select, insert');

-- A provider or an agency system that the business has connected. The path token of its webhook address is
-- found by hash; sealed beside it, so that the owner can read the address again.
create table connections (
    business_id uuid not null references businesses (business_id),
    id uuid not null,
    provider text not null check (provider in ('twilio', 'nowcerts')),
    label text not null check (length(label) between 1 and 80),
    account text not null check (length(account) between 1 and 120),
    number text check (number ~ '^\+[1-9][0-9]{6,14}$'),
    base_url text,
    token_hash bytea not null,
    token_sealed bytea not null,
    state text not null default 'active' check (state in ('active', 'revoked')),
    created_by uuid not null,
    created_at timestamptz not null,
    rotated_at timestamptz,
    revoked_at timestamptz,
    last_event_at timestamptz,
    tested_at timestamptz,
    test_result text check (test_result in ('ok', 'refused', 'unreachable')),
    primary key (business_id, id),
    constraint connections_token_key unique (business_id, token_hash),
    foreign key (business_id, created_by) references members (business_id, id)
);

create index connections_token on connections (token_hash);

call tenant_wall(
    'connections',
    'select, insert, update (label, number, state, rotated_at, revoked_at, last_event_at, tested_at, test_result)'
);

call lobby_may('connections', 'select');

-- Several secrets may be live while one is being rotated; the older has an end.
create table connection_secrets (
    business_id uuid not null,
    id uuid not null,
    connection_id uuid not null,
    sealed bytea not null,
    created_at timestamptz not null,
    expires_at timestamptz,
    primary key (business_id, id),
    foreign key (business_id, connection_id) references connections (business_id, id)
);

create index connection_secrets_connection on connection_secrets (business_id, connection_id);

call tenant_wall('connection_secrets', 'select, insert, update (expires_at), delete');

call lobby_may('connection_secrets', 'select');

-- Webhooks that were turned away: a count, nothing of what they said.
create table webhook_refusals (
    business_id uuid not null,
    connection_id uuid not null,
    hour timestamptz not null,
    reason text not null check (reason in ('signature', 'too_large', 'rate', 'malformed')),
    count bigint not null,
    primary key (business_id, connection_id, hour, reason),
    foreign key (business_id, connection_id) references connections (business_id, id)
);

call tenant_wall('webhook_refusals', 'select, insert, update (count), delete');
