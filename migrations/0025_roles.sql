-- Roles that a business makes for itself (PER-1, PER-2, PER-5), and viewing the product as another role (PER-6).

-- `base` is the built-in role whose rule for a second factor holds; what its people may do stands in role_grants alone. The owner's is never one: wherever `role = 'owner'` is asked, an owner is meant. A deleted role
-- stays, without grants, for what names it: invitations of old, closed reviews, the log.
create table roles (
    business_id uuid not null references businesses (business_id),
    id uuid not null,
    name text not null check (length(name) between 1 and 40),
    base text not null check (
        base in ('admin', 'manager', 'dispatcher', 'agent', 'technician', 'viewer', 'auditor')
    ),
    version int not null default 1 check (version >= 1),
    created_at timestamptz not null,
    created_by uuid not null,
    changed_at timestamptz not null,
    changed_by uuid not null,
    deleted_at timestamptz,
    primary key (business_id, id),
    foreign key (business_id, created_by) references members (business_id, id),
    foreign key (business_id, changed_by) references members (business_id, id)
);

create unique index roles_name_key on roles (business_id, lower(name)) where deleted_at is null;

call tenant_wall('roles', 'select, insert, update (name, version, changed_at, changed_by, deleted_at)');

-- `version` lets the lobby lock a role, and nothing of it writes one.
call lobby_may('roles', 'select, update (version)');

-- What is not here is denied. Codes are the program's: one that it does not know is denied too.
create table role_grants (
    business_id uuid not null,
    role_id uuid not null,
    permission text not null check (length(permission) between 1 and 60),
    reach text not null check (reach in ('own', 'all')),
    primary key (business_id, role_id, permission),
    foreign key (business_id, role_id) references roles (business_id, id)
);

call tenant_wall('role_grants', 'select, insert, delete');

call lobby_may('role_grants', 'select');

-- Where it is set, `role` is its base: both are written in one statement (store::member, store::invitation).
alter table members
    add column role_id uuid,
    add constraint members_role_fkey foreign key (business_id, role_id) references roles (business_id, id),
    add constraint members_role_base check (role_id is null or role <> 'owner');

create index members_role on members (business_id, role_id) where role_id is not null;

grant update (role_id) on members to ringfort_app, ringfort_worker;

-- A node of the release before knows `role` alone: when it gives somebody another one, it means that one.
create function member_role_guard() returns trigger
language plpgsql
as $$
begin
    if new.role is distinct from old.role and new.role_id is not distinct from old.role_id then
        new.role_id := null;
    end if;
    return new;
end
$$;

create trigger member_role_guard before update of role on members
for each row execute function member_role_guard();

alter table invitations
    add column role_id uuid,
    add constraint invitations_role_fkey foreign key (business_id, role_id) references roles (business_id, id),
    add constraint invitations_role_base check (role_id is null or role <> 'owner');

create index invitations_role on invitations (business_id, role_id) where role_id is not null;

-- How many rows these give is said to the planner: by its own guess of a thousand each it would compile what takes a
-- millisecond for half a second.

-- The role of the business that a member has, with its base and its grants (`calls.own all`); nothing for a built-in one. Joined
-- to what says who somebody is (lobby.session_standing, lobby.token_caller, lobby.memberships_of), in the same statement.
create function lobby.role_of(in_business uuid, in_member uuid)
returns table (role_id uuid, role_name text, base text, grants text[])
language sql stable rows 1 security definer set search_path = lobby, public, pg_temp
as $$
    select r.id, r.name, m.role,
        array(
            select g.permission || ' ' || g.reach from role_grants g
            where g.business_id = r.business_id and g.role_id = r.id
        )
    from members m join roles r on r.business_id = m.business_id and r.id = m.role_id
    where m.business_id = in_business and m.id = in_member
$$;

-- The three that follow are as before, but for somebody with a role of the business they say `viewer`: a node of the release
-- before takes `role` for all that somebody may do, and must not take a base for it. This release reads lobby.role_of as well.

create or replace function lobby.memberships_of(in_user uuid)
returns table (business_id uuid, business_name text, member_id uuid, role text)
language sql stable rows 10 security definer set search_path = lobby, public, pg_temp
as $$
    select m.business_id, b.name, m.id, case when m.role_id is null then m.role else 'viewer' end
    from members m join businesses b on b.business_id = m.business_id
    where m.user_id = in_user and m.state = 'active' and b.state = 'active'
    order by m.joined_at
$$;

create or replace function lobby.session_standing(in_hashes bytea[], in_now timestamptz, in_idle interval)
returns table (
    id_hash bytea, session_id uuid, user_id uuid, member_id uuid, member_name text, email text, role text,
    business_id uuid, business_name text, profile text, zone text, last_seen_at timestamptz, open_pops bigint,
    proved bigint, means text, factor_due timestamptz, restricted boolean
)
language sql stable rows 10 security definer set search_path = lobby, public, pg_temp
as $$
    select s.id_hash, s.id, s.user_id, m.id, m.name, m.email,
        case when m.role_id is null then m.role else 'viewer' end, b.business_id, b.name, b.profile, b.zone,
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

create or replace function lobby.token_caller(in_family uuid, in_now timestamptz)
returns table (
    user_id uuid, member_id uuid, member_name text, email text, role text, business_id uuid, business_name text,
    profile text, zone text, created_at timestamptz, last_used_at timestamptz, open_pops bigint, means text,
    factor_due timestamptz, restricted boolean
)
language plpgsql stable rows 1 security definer set search_path = lobby, public, pg_temp
as $$
#variable_conflict use_column
begin
    return query
    select f.user_id, m.id, m.name, m.email,
        case when m.role_id is null then m.role else 'viewer' end, b.business_id, b.name, b.profile, b.zone,
        f.created_at, f.last_used_at,
        (
            select count(*) from screen_pops p
            where p.business_id = m.business_id and p.member_id = m.id and p.expires_at > in_now and p.acknowledged_at is null
        ),
        f.means,
        lobby.factor_due(m.business_id, m.user_id, m.role),
        exists (select from networks n where n.business_id = m.business_id)
    from lobby.token_families f
    join members m on m.business_id = f.business_id and m.user_id = f.user_id and m.state = 'active'
    join businesses b on b.business_id = f.business_id and b.state = 'active'
    where f.id = in_family and f.revoked_at is null and f.expires_at > in_now;
end
$$;

-- As which role a session views the product: a code of ours, or `rol_` and an id of a role of the session's business. A role
-- that is gone has no name and no grants.
create function lobby.session_view(in_hash bytea)
returns table (view_role text, role_name text, base text, grants text[])
language sql stable rows 1 security definer set search_path = lobby, public, pg_temp
as $$
    select s.data ->> 'view', r.name, r.base,
        array(
            select g.permission || ' ' || g.reach from role_grants g
            where g.business_id = r.business_id and g.role_id = r.id
        )
    from lobby.sessions s
    left join roles r on r.business_id = s.business_id and r.deleted_at is null
        and 'rol_' || replace(r.id::text, '-', '') = s.data ->> 'view'
    where s.id_hash = in_hash and s.data ->> 'view' is not null
$$;

-- The role of the business that an invitation gives, if it is one. For who holds its link.
create function lobby.invitation_role(in_token_hash bytea)
returns table (role_id uuid, role_name text)
language sql stable rows 1 security definer set search_path = lobby, public, pg_temp
as $$
    select r.id, r.name
    from invitations i join roles r on r.business_id = i.business_id and r.id = i.role_id
    where i.token_hash = in_token_hash
$$;

-- As before, and now with a role of the business. One that was deleted meanwhile admits nobody: the caller rolls back.
create or replace function lobby.invitation_accept(
    in_token_hash bytea, in_now timestamptz, in_new_user uuid, in_member uuid, in_name text, in_password_hash text
) returns table (business_id uuid, invitation_id uuid, user_id uuid, email text, role text)
language plpgsql security definer set search_path = lobby, public, pg_temp
as $$
#variable_conflict use_column
declare
    i invitations;
    person uuid;
begin
    -- The role first, as who changes it does: that withdraws its invitations when it gives more than before.
    perform from roles r join invitations sent on sent.business_id = r.business_id and sent.role_id = r.id
    where sent.token_hash = in_token_hash
    for share of r;
    update invitations set accepted_at = in_now
    where token_hash = in_token_hash and accepted_at is null and revoked_at is null and expires_at > in_now
    returning * into i;
    if i.id is null then
        return;
    end if;
    if i.role_id is not null and not exists (
        select from roles r where r.business_id = i.business_id and r.id = i.role_id and r.deleted_at is null
    ) then
        return;
    end if;
    select u.id into person from lobby.users u where u.email = i.email;
    if person is null then
        insert into lobby.users (id, email, password_hash, created_at)
        values (in_new_user, i.email, in_password_hash, in_now);
        person := in_new_user;
    end if;
    insert into members (business_id, id, user_id, email, name, role, role_id, joined_at)
    values (i.business_id, in_member, person, i.email, in_name, i.role, i.role_id, in_now);
    return query select i.business_id, i.id, person, i.email, i.role;
end
$$;

call lobby_function('lobby.role_of(uuid, uuid)', 'ringfort_app, ringfort_worker');
call lobby_function('lobby.memberships_of(uuid)', 'ringfort_app');
call lobby_function('lobby.session_standing(bytea[], timestamptz, interval)', 'ringfort_app, ringfort_worker');
call lobby_function('lobby.token_caller(uuid, timestamptz)', 'ringfort_app');
call lobby_function('lobby.session_view(bytea)', 'ringfort_app, ringfort_worker');
call lobby_function('lobby.invitation_role(bytea)', 'ringfort_app');
call lobby_function(
    'lobby.invitation_accept(bytea, timestamptz, uuid, uuid, text, text)', 'ringfort_app'
);
