-- The live board, complete (TEL-2): what agents say of themselves, queues, what counts as too long, and links to a wallboard.

-- A queue is a number of ours that customers call, and what people call it.
create table queues (
    business_id uuid not null references businesses (business_id),
    id uuid not null,
    name text not null check (length(name) between 1 and 60),
    number text not null check (number ~ '^\+[1-9][0-9]{6,14}$'),
    created_at timestamptz not null,
    primary key (business_id, id),
    constraint queues_name_key unique (business_id, name),
    constraint queues_number_key unique (business_id, number)
);

call tenant_wall('queues', 'select, insert, delete');

-- Why somebody is busy or on a break, in the business's own words.
create table agent_reasons (
    business_id uuid not null references businesses (business_id),
    id uuid not null,
    state text not null check (state in ('busy', 'break')),
    label text not null check (length(label) between 1 and 40),
    created_at timestamptz not null,
    primary key (business_id, id),
    constraint agent_reasons_label_key unique (business_id, state, label)
);

call tenant_wall('agent_reasons', 'select, insert, delete');

-- What each agent said last. Who has never said anything is offline.
create table agent_states (
    business_id uuid not null,
    member_id uuid not null,
    state text not null check (state in ('available', 'busy', 'break', 'wrap_up', 'offline')),
    reason_id uuid,
    since timestamptz not null,
    set_by uuid not null,
    primary key (business_id, member_id),
    foreign key (business_id, member_id) references members (business_id, id),
    foreign key (business_id, set_by) references members (business_id, id),
    foreign key (business_id, reason_id) references agent_reasons (business_id, id) on delete set null (reason_id)
);

call tenant_wall('agent_states', 'select, insert, update (state, reason_id, since, set_by)');

-- All that was said, until its time is over.
create table agent_state_events (
    business_id uuid not null,
    id uuid not null,
    member_id uuid not null,
    state text not null check (state in ('available', 'busy', 'break', 'wrap_up', 'offline')),
    reason_id uuid,
    at timestamptz not null,
    set_by uuid not null,
    primary key (business_id, id),
    foreign key (business_id, member_id) references members (business_id, id),
    foreign key (business_id, set_by) references members (business_id, id),
    foreign key (business_id, reason_id) references agent_reasons (business_id, id) on delete set null (reason_id)
);

create index agent_state_events_at on agent_state_events (business_id, at);

call tenant_wall('agent_state_events', 'select, insert, delete');

-- From how many seconds on a call asks for attention, and demands it; within how many seconds a call should be answered, and
-- how many of a hundred. Without a row, the defaults of `model/board.rs` count.
create table board_settings (
    business_id uuid not null references businesses (business_id),
    warn_seconds int not null check (warn_seconds between 10 and 3600),
    bad_seconds int not null check (bad_seconds between 10 and 3600),
    answer_seconds int not null check (answer_seconds between 1 and 600),
    target_percent int not null check (target_percent between 1 and 100),
    changed_by uuid not null,
    changed_at timestamptz not null,
    primary key (business_id),
    check (warn_seconds < bad_seconds),
    foreign key (business_id, changed_by) references members (business_id, id)
);

call tenant_wall(
    'board_settings',
    'select, insert, update (warn_seconds, bad_seconds, answer_seconds, target_percent, changed_by, changed_at)'
);

-- Who has the link sees the wallboard, masked, until it expires or is revoked. `seen_at` is written once a minute at most.
create table wallboard_links (
    business_id uuid not null references businesses (business_id),
    id uuid not null,
    label text not null check (length(label) between 1 and 60),
    token_hash bytea not null,
    created_by uuid not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    revoked_at timestamptz,
    seen_at timestamptz,
    primary key (business_id, id),
    constraint wallboard_links_token_key unique (business_id, token_hash),
    check (expires_at > created_at and expires_at <= created_at + interval '31 days'),
    foreign key (business_id, created_by) references members (business_id, id)
);

create index wallboard_links_token on wallboard_links (token_hash);

call tenant_wall('wallboard_links', 'select, insert, update (revoked_at), delete');

call lobby_may('wallboard_links', 'select, update (seen_at)');

-- Whose wallboard a link opens, while it does. Asked again all the time that one is watched.
create function lobby.wallboard_open(in_hash bytea, in_now timestamptz)
returns table (business_id uuid, business_name text)
language sql security definer set search_path = lobby, public, pg_temp
as $$
    with seen as (
        update wallboard_links w set seen_at = in_now
        where w.token_hash = in_hash and w.revoked_at is null and w.expires_at > in_now
            and (w.seen_at is null or w.seen_at <= in_now - interval '1 minute')
    )
    select b.business_id, b.name
    from wallboard_links w join businesses b on b.business_id = w.business_id and b.state = 'active'
    where w.token_hash = in_hash and w.revoked_at is null and w.expires_at > in_now
$$;

call lobby_function('lobby.wallboard_open(bytea, timestamptz)', 'ringfort_app');
