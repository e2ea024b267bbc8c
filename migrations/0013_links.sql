-- Links by mail (ACC-2; security.md, rule 18), and how passwords are chosen anew (ACC-1).

-- Only hashes. A link is good for one purpose, once, and until a newer one of the same purpose takes its place; what is over
-- stays a day, so that mails to one person can be counted.
create table lobby.links (
    id uuid primary key,
    user_id uuid not null references lobby.users (id),
    purpose text not null check (purpose in ('sign_in', 'reset')),
    token_hash bytea not null,
    -- Of the browser that asked to sign in: nobody else's browser is signed in by its link.
    browser_hash bytea check ((purpose = 'sign_in') = (browser_hash is not null)),
    -- Of the code that another browser shows, to be typed in the first one. Null until one has shown it.
    code_hash bytea,
    tries int not null default 0,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    -- When it was used, or was taken the place of.
    used_at timestamptz,
    constraint links_token_key unique (token_hash)
);

create index links_user on lobby.links (user_id, purpose, created_at);

create index links_browser on lobby.links (browser_hash);

create index links_created on lobby.links (created_at);

call lobby_only('lobby.links', 'select, insert, update (code_hash, tries, used_at), delete');

-- What the people of a business must choose as a password; without a row: 'complexity'.
create table password_policies (
    business_id uuid not null references businesses (business_id),
    policy text not null check (policy in ('complexity', 'length')),
    changed_by uuid not null,
    changed_at timestamptz not null,
    primary key (business_id),
    foreign key (business_id, changed_by) references members (business_id, id)
);

call tenant_wall('password_policies', 'select, insert, update (policy, changed_by, changed_at)');

call lobby_may('password_policies', 'select');

-- Link and mail in one statement, so that an unknown address costs as many as a known one. Null for it, for a person without
-- a business, and when there were `in_most` within the hour: a mailbox is not a stranger's to fill.
create function lobby.link_ask(
    in_id uuid, in_email text, in_purpose text, in_token_hash bytea, in_browser_hash bytea, in_now timestamptz,
    in_expires timestamptz, in_most int, in_mail uuid, in_sealed bytea
) returns uuid
language plpgsql security definer set search_path = lobby, public, pg_temp
as $$
declare
    person uuid;
begin
    delete from lobby.links where created_at < in_now - interval '1 day';
    -- One at a time per person: of two that ask at once, one supersedes the other.
    select u.id into person from lobby.users u
    where u.email = in_email and exists (
        select from members m join businesses b on b.business_id = m.business_id and b.state = 'active'
        where m.user_id = u.id and m.state = 'active'
    )
    for no key update of u;
    if person is null or (
        select count(*) from lobby.links
        where user_id = person and purpose = in_purpose and created_at > in_now - interval '1 hour'
    ) >= in_most then
        return null;
    end if;
    update lobby.links set used_at = in_now where user_id = person and purpose = in_purpose and used_at is null;
    insert into lobby.links (id, user_id, purpose, token_hash, browser_hash, created_at, expires_at)
    values (in_id, person, in_purpose, in_token_hash, in_browser_hash, in_now, in_expires);
    insert into lobby.mails (id, sealed, due_at, created_at) values (in_mail, in_sealed, now(), now());
    return person;
end
$$;

-- Consumes nothing: mail scanners look too.
create function lobby.link_peek(in_token_hash bytea, in_purpose text, in_now timestamptz)
returns table (user_id uuid, email text, browser_hash bytea, is_shown boolean)
language sql stable security definer set search_path = lobby, public, pg_temp
as $$
    select l.user_id, u.email, l.browser_hash, l.code_hash is not null
    from lobby.links l join lobby.users u on u.id = l.user_id
    where l.token_hash = in_token_hash and l.purpose = in_purpose and l.used_at is null and l.expires_at > in_now
$$;

-- One use, by conditional update, in the browser that asked: of two that come at once, one gets null.
create function lobby.link_use(in_token_hash bytea, in_browser_hash bytea, in_now timestamptz) returns uuid
language sql security definer set search_path = lobby, public, pg_temp
as $$
    update lobby.links set used_at = in_now
    where token_hash = in_token_hash and purpose = 'sign_in' and browser_hash = in_browser_hash and used_at is null
        and expires_at > in_now
    returning user_id
$$;

-- Another browser shows the code: from now on it counts.
create function lobby.link_show(in_token_hash bytea, in_code_hash bytea, in_now timestamptz) returns boolean
language sql security definer set search_path = lobby, public, pg_temp
as $$
    update lobby.links set code_hash = in_code_hash
    where token_hash = in_token_hash and purpose = 'sign_in' and used_at is null and expires_at > in_now
    returning true
$$;

-- A code typed in the browser that asked. The right one uses the link up, and so does the last of `in_most` wrong ones; the
-- count and the look are one update, so that tries in parallel cannot outrun it.
create function lobby.link_code(in_browser_hash bytea, in_code_hash bytea, in_now timestamptz, in_most int)
returns table (user_id uuid, is_right boolean)
language sql security definer set search_path = lobby, public, pg_temp
as $$
    update lobby.links l
    set tries = l.tries + 1,
        used_at = case when l.code_hash = in_code_hash or l.tries + 1 >= in_most then in_now end
    where l.browser_hash = in_browser_hash and l.used_at is null and l.expires_at > in_now
    returning l.user_id, coalesce(l.code_hash = in_code_hash, false)
$$;

-- A new password by a mailed link, one use. With the old one goes what rested on it: open links, sign-ins that wait for
-- their second proof, and the tokens of programs (0015). Sessions are ended by the caller, in the same transaction.
create function lobby.password_reset(in_token_hash bytea, in_now timestamptz, in_hash text) returns uuid
language plpgsql security definer set search_path = lobby, public, pg_temp
as $$
declare
    person uuid;
begin
    update lobby.links set used_at = in_now
    where token_hash = in_token_hash and purpose = 'reset' and used_at is null and expires_at > in_now
    returning user_id into person;
    if person is not null then
        update lobby.users set password_hash = in_hash where id = person;
        update lobby.links set used_at = in_now where user_id = person and used_at is null;
        delete from lobby.challenges where user_id = person;
        update lobby.token_families set revoked_at = in_now, cause = 'password'
        where user_id = person and revoked_at is null;
    end if;
    return person;
end
$$;

-- A new password by the old one, if it still is the one that was checked.
create function lobby.password_change(in_user uuid, in_old text, in_new text, in_now timestamptz) returns boolean
language plpgsql security definer set search_path = lobby, public, pg_temp
as $$
begin
    update lobby.users set password_hash = in_new where id = in_user and password_hash = in_old;
    if not found then
        return false;
    end if;
    update lobby.links set used_at = in_now where user_id = in_user and used_at is null;
    delete from lobby.challenges where user_id = in_user;
    update lobby.token_families set revoked_at = in_now, cause = 'password'
    where user_id = in_user and revoked_at is null;
    return true;
end
$$;

-- The policies of all businesses of a person: a new password satisfies each.
create function lobby.password_policies_of(in_user uuid) returns setof text
language sql stable security definer set search_path = lobby, public, pg_temp
as $$
    select distinct coalesce(p.policy, 'complexity')
    from members m
    join businesses b on b.business_id = m.business_id and b.state = 'active'
    left join password_policies p on p.business_id = m.business_id
    where m.user_id = in_user and m.state = 'active'
    order by 1
$$;

-- For somebody who joins and is no member yet.
create function lobby.password_policy_in(in_business uuid) returns text
language sql stable security definer set search_path = lobby, public, pg_temp
as $$ select coalesce((select policy from password_policies where business_id = in_business), 'complexity') $$;

-- What a stranger could guess of a person: their address, their names, and what their businesses are called.
create function lobby.password_context_of(in_user uuid) returns setof text
language sql stable security definer set search_path = lobby, public, pg_temp
as $$
    select email from lobby.users where id = in_user
    union
    select m.name from members m where m.user_id = in_user and m.state = 'active'
    union
    select b.name from members m join businesses b on b.business_id = m.business_id
    where m.user_id = in_user and m.state = 'active'
$$;

call lobby_function(
    'lobby.link_ask(uuid, text, text, bytea, bytea, timestamptz, timestamptz, int, uuid, bytea)', 'ringfort_app'
);
call lobby_function('lobby.link_peek(bytea, text, timestamptz)', 'ringfort_app');
call lobby_function('lobby.link_use(bytea, bytea, timestamptz)', 'ringfort_app');
call lobby_function('lobby.link_show(bytea, bytea, timestamptz)', 'ringfort_app');
call lobby_function('lobby.link_code(bytea, bytea, timestamptz, int)', 'ringfort_app');
call lobby_function('lobby.password_reset(bytea, timestamptz, text)', 'ringfort_app');
call lobby_function('lobby.password_change(uuid, text, text, timestamptz)', 'ringfort_app');
call lobby_function('lobby.password_policies_of(uuid)', 'ringfort_app');
call lobby_function('lobby.password_policy_in(uuid)', 'ringfort_app');
call lobby_function('lobby.password_context_of(uuid)', 'ringfort_app');
