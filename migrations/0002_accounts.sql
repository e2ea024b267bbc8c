-- Businesses, the people in them, and how they get in (ACC-1, ACC-5, ACC-6).

create table businesses (
    business_id uuid primary key,
    name text not null check (length(name) between 1 and 80),
    profile text not null check (profile in ('field_service', 'voice_agents', 'insurance_agency', 'outbound')),
    zone text not null check (length(zone) between 1 and 64),
    state text not null default 'active' check (state in ('active', 'closing')),
    created_at timestamptz not null
);

call tenant_wall('businesses', 'select, update (name, zone)');

call lobby_may('businesses', 'select, insert');

-- A person, once, whatever number of businesses they belong to. No tenant: the lobby alone reads it.
create table lobby.users (
    id uuid primary key,
    email text not null check (email = lower(email) and length(email) between 3 and 254),
    password_hash text not null,
    created_at timestamptz not null,
    constraint users_email_key unique (email)
);

call lobby_only('lobby.users', 'select, insert, update (password_hash)');

create table members (
    business_id uuid not null references businesses (business_id),
    id uuid not null,
    user_id uuid not null references lobby.users (id),
    email text not null,
    name text not null check (length(name) between 1 and 80),
    role text not null check (
        role in ('owner', 'admin', 'manager', 'dispatcher', 'agent', 'technician', 'viewer', 'auditor')
    ),
    state text not null default 'active' check (state in ('active', 'removed')),
    joined_at timestamptz not null,
    primary key (business_id, id),
    constraint members_user_key unique (business_id, user_id),
    constraint members_email_key unique (business_id, email)
);

create index members_user on members (user_id);

call tenant_wall('members', 'select, update (role, state, name)');

call lobby_may('members', 'select, insert');

create table invitations (
    business_id uuid not null references businesses (business_id),
    id uuid not null,
    email text not null,
    role text not null,
    token_hash bytea not null,
    invited_by uuid not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    accepted_at timestamptz,
    revoked_at timestamptz,
    primary key (business_id, id),
    constraint invitations_token_key unique (business_id, token_hash),
    foreign key (business_id, invited_by) references members (business_id, id)
);

create index invitations_token on invitations (token_hash);

call tenant_wall('invitations', 'select, insert, update (revoked_at)');

call lobby_may('invitations', 'select, update (accepted_at)');

-- Only a hash of the session's id is kept. Saving never inserts, so a request in flight cannot revive a
-- session that was signed out meanwhile.
create table lobby.sessions (
    id_hash bytea primary key,
    user_id uuid not null references lobby.users (id),
    business_id uuid not null,
    created_at timestamptz not null,
    last_seen_at timestamptz not null,
    expires_at timestamptz not null,
    data jsonb not null
);

create index sessions_user on lobby.sessions (user_id);

create index sessions_expiry on lobby.sessions (expires_at);

call lobby_only('lobby.sessions', 'select, insert, update, delete');

create table lobby.sign_ups (
    id uuid primary key,
    token_hash bytea not null,
    email text not null,
    business_name text not null,
    profile text not null,
    zone text not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz,
    constraint sign_ups_token_key unique (token_hash)
);

call lobby_only('lobby.sign_ups', 'select, insert, update (used_at), delete');

-- Mail that waits to be sent, sealed: links in it open things.
create table lobby.mails (
    id uuid primary key,
    sealed bytea not null,
    attempts int not null default 0,
    due_at timestamptz not null,
    created_at timestamptz not null
);

call lobby_only('lobby.mails', 'select, insert, update (attempts, due_at), delete');
