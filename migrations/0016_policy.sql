-- What a business asks of its people beyond a password: a second factor by role (ACC-3), and the networks that they come
-- from (ACC-9).

-- A role without a row needs none. Who joins later gets the same grace from then on.
create table factor_rules (
    business_id uuid not null references businesses (business_id),
    role text not null check (
        role in ('owner', 'admin', 'manager', 'dispatcher', 'agent', 'technician', 'viewer', 'auditor')
    ),
    required_from timestamptz not null,
    grace_days int not null check (grace_days between 0 and 60),
    changed_by uuid,
    changed_at timestamptz not null,
    primary key (business_id, role),
    foreign key (business_id, changed_by) references members (business_id, id)
);

call tenant_wall('factor_rules', 'select, insert, update (grace_days, changed_by, changed_at), delete');

call lobby_may('factor_rules', 'select');

-- A business without a row lets its people in from everywhere.
create table networks (
    business_id uuid not null references businesses (business_id),
    id uuid not null,
    range cidr not null,
    note text not null check (length(note) between 1 and 60),
    created_by uuid not null,
    created_at timestamptz not null,
    primary key (business_id, id),
    constraint networks_range_key unique (business_id, range),
    foreign key (business_id, created_by) references members (business_id, id)
);

call tenant_wall('networks', 'select, insert, delete');

call lobby_may('networks', 'select');

-- When somebody must have a second factor in a business; null when no rule asks for one, or they have one. Days of 24 hours:
-- the answer must not depend on a connection's time zone.
create function lobby.factor_due(in_business uuid, in_user uuid, in_role text) returns timestamptz
language sql stable security definer set search_path = lobby, public, pg_temp
as $$
    select greatest(r.required_from, m.joined_at) + make_interval(hours => 24 * r.grace_days)
    from factor_rules r
    join members m on m.business_id = r.business_id and m.user_id = in_user and m.state = 'active'
    where r.business_id = in_business and r.role = in_role and not lobby.has_factor(in_user)
$$;

-- Only for the business of the transaction: what somebody has set up for themselves is seen where they work, nowhere else.
create function lobby.members_without_factor(in_business uuid)
returns table (member_id uuid, name text, role text, due_at timestamptz)
language sql stable security definer set search_path = lobby, public, pg_temp
as $$
    select m.id, m.name, m.role, lobby.factor_due(m.business_id, m.user_id, m.role)
    from members m
    where m.business_id = in_business and m.state = 'active'
        and in_business = nullif(current_setting('app.business', true), '')::uuid
        and not lobby.has_factor(m.user_id)
    order by 4 nulls last, 2, 1
$$;

-- Whether people of a business may come from an address. Addresses arrive in their own family (IPv4 never mapped into IPv6).
create function lobby.address_allowed(in_business uuid, in_address inet) returns boolean
language sql stable security definer set search_path = lobby, public, pg_temp
as $$
    select not exists (select from networks n where n.business_id = in_business)
        or exists (select from networks n where n.business_id = in_business and in_address <<= n.range)
$$;

-- As before, and now with what the two tables above say of the person.
create or replace function lobby.session_standing(in_hashes bytea[], in_now timestamptz, in_idle interval)
returns table (
    id_hash bytea, session_id uuid, user_id uuid, member_id uuid, member_name text, email text, role text,
    business_id uuid, business_name text, profile text, zone text, last_seen_at timestamptz, open_pops bigint,
    proved bigint, means text, factor_due timestamptz, restricted boolean
)
language sql stable security definer set search_path = lobby, public, pg_temp
as $$
    select s.id_hash, s.id, s.user_id, m.id, m.name, m.email, m.role, b.business_id, b.name, b.profile, b.zone,
        s.last_seen_at,
        (
            select count(*) from screen_pops p
            where p.business_id = m.business_id and p.member_id = m.id and p.expires_at > in_now and p.acknowledged_at is null
        ),
        s.proved, s.means,
        lobby.factor_due(m.business_id, m.user_id, m.role),
        exists (select from networks n where n.business_id = m.business_id)
    from lobby.sessions s
    join members m on m.business_id = s.business_id and m.user_id = s.user_id and m.state = 'active'
    join businesses b on b.business_id = s.business_id and b.state = 'active'
    where s.id_hash = any(in_hashes) and s.expires_at > in_now and s.last_seen_at > in_now - in_idle
$$;

call lobby_function('lobby.factor_due(uuid, uuid, text)', 'ringfort_app');
call lobby_function('lobby.members_without_factor(uuid)', 'ringfort_app');
call lobby_function('lobby.address_allowed(uuid, inet)', 'ringfort_app');
call lobby_function('lobby.session_standing(bytea[], timestamptz, interval)', 'ringfort_app, ringfort_worker');
