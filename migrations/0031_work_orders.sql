-- Work orders: customers' jobs in the field, who has them and what happened; and the links by which customers follow
-- their technician. «jobs» is the queue of later work.

-- The numbers that people say to each other, per business. A gap is no harm.
create table work_order_numbers (
    business_id uuid not null references businesses (business_id),
    last int not null check (last > 0),
    primary key (business_id)
);

call tenant_wall('work_order_numbers', 'select, insert, update (last)');

-- `version` counts every change: who changes what they have not seen is told so. `customer_phone` is shown masked, as numbers of
-- calls are. A place is in 1e-7 degrees (WGS 84).
create table work_orders (
    business_id uuid not null references businesses (business_id),
    id uuid not null,
    number int not null check (number > 0),
    customer_name text not null check (length(customer_name) between 1 and 80),
    customer_phone text check (customer_phone ~ '^\+[1-9][0-9]{6,14}$'),
    address text not null check (length(address) between 1 and 200),
    lat_e7 int check (lat_e7 between -900000000 and 900000000),
    lon_e7 int check (lon_e7 between -1800000000 and 1800000000),
    window_from timestamptz not null,
    window_to timestamptz not null,
    member_id uuid,
    state text not null check (state in ('new', 'assigned', 'en_route', 'on_site', 'done', 'canceled')),
    call_id uuid,
    note text check (length(note) between 1 and 500),
    version int not null default 1 check (version > 0),
    created_by uuid not null,
    created_at timestamptz not null,
    changed_at timestamptz not null,
    closed_at timestamptz,
    primary key (business_id, id),
    constraint work_orders_number_key unique (business_id, number),
    check ((lat_e7 is null) = (lon_e7 is null)),
    check (window_from < window_to and window_to <= window_from + interval '26 hours'),
    check (state = 'canceled' or (state = 'new') = (member_id is null)),
    check ((state in ('done', 'canceled')) = (closed_at is not null)),
    foreign key (business_id, member_id) references members (business_id, id),
    foreign key (business_id, created_by) references members (business_id, id),
    foreign key (business_id, call_id) references calls (business_id, id) on delete set null (call_id)
);

create index work_orders_window on work_orders (business_id, window_from, id);

create index work_orders_member on work_orders (business_id, member_id, window_from, id);

create index work_orders_over on work_orders (business_id, window_to);

create index work_orders_call on work_orders (business_id, call_id) where call_id is not null;

call tenant_wall(
    'work_orders',
    'select, insert, update (customer_name, customer_phone, address, lat_e7, lon_e7, window_from, window_to, member_id, state, '
    'note, version, changed_at, closed_at), delete'
);

-- The timeline: ids and closed words only. `state` is how it stood after.
create table work_order_events (
    business_id uuid not null,
    id uuid not null,
    work_order_id uuid not null,
    step text not null check (
        step in ('created', 'changed', 'assigned', 'unassigned', 'moved', 'canceled', 'link_made', 'link_revoked')
    ),
    state text not null check (state in ('new', 'assigned', 'en_route', 'on_site', 'done', 'canceled')),
    by_member uuid not null,
    member_id uuid,
    at timestamptz not null,
    primary key (business_id, id),
    foreign key (business_id, work_order_id) references work_orders (business_id, id) on delete cascade,
    foreign key (business_id, by_member) references members (business_id, id),
    foreign key (business_id, member_id) references members (business_id, id)
);

create index work_order_events_order on work_order_events (business_id, work_order_id, at, id);

call tenant_wall('work_order_events', 'select, insert');

-- Links that customers follow their technician by. Hashes only; `text_sealed` is the text that brings the link, sealed and bound
-- to the link, until it is sent.
create table tracking_links (
    business_id uuid not null,
    id uuid not null,
    work_order_id uuid not null,
    token_hash bytea not null,
    created_by uuid not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    revoked_at timestamptz,
    opened_at timestamptz,
    opens bigint not null default 0 check (opens >= 0),
    texted boolean not null default false,
    text_sealed bytea,
    primary key (business_id, id),
    constraint tracking_links_token_key unique (business_id, token_hash),
    check (texted or text_sealed is null),
    foreign key (business_id, work_order_id) references work_orders (business_id, id) on delete cascade,
    foreign key (business_id, created_by) references members (business_id, id)
);

create index tracking_links_token on tracking_links (token_hash);

create index tracking_links_order on tracking_links (business_id, work_order_id);

create index tracking_links_texted on tracking_links (business_id, created_at) where texted;

call tenant_wall(
    'tracking_links',
    'select, insert, update (expires_at, revoked_at, opened_at, opens, text_sealed)'
);

call lobby_may('tracking_links', 'select (business_id, id, token_hash, expires_at, revoked_at)');

-- Whose link it is, while it is good and the business is there. What it shows is read inside that business.
create function lobby.tracking_find(in_token_hash bytea, in_now timestamptz)
returns table (business_id uuid, id uuid)
language sql stable security definer set search_path = lobby, public, pg_temp
as $$
    select t.business_id, t.id
    from tracking_links t join businesses b on b.business_id = t.business_id
    where t.token_hash = in_token_hash and t.revoked_at is null and t.expires_at > in_now and b.state = 'active'
$$;

call lobby_function('lobby.tracking_find(bytea, timestamptz)', 'ringfort_app');
