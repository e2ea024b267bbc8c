-- Who still has access, asked every quarter (ACC-10); what ends when somebody leaves; and invitations from a list (ACC-6).

-- `opened_by` is null where the clock opened it. `reminded` counts the reminders that went out, so that none goes out twice.
create table reviews (
    business_id uuid not null references businesses (business_id),
    id uuid not null,
    opened_at timestamptz not null,
    due_at timestamptz not null,
    opened_by uuid,
    reminded int not null default 0 check (reminded between 0 and 3),
    closed_at timestamptz,
    closed_by uuid,
    record_hash bytea,
    record_mac bytea,
    primary key (business_id, id),
    check ((closed_at is null) = (record_hash is null)),
    check ((closed_at is null) = (record_mac is null)),
    foreign key (business_id, opened_by) references members (business_id, id),
    foreign key (business_id, closed_by) references members (business_id, id)
);

-- One at a time.
create unique index reviews_open_key on reviews (business_id) where closed_at is null;

call tenant_wall('reviews', 'select, insert, update (reminded, closed_at, closed_by, record_hash, record_mac)');

call lobby_may('reviews', 'select');

create table review_items (
    business_id uuid not null,
    review_id uuid not null,
    member_id uuid not null,
    role_then text not null,
    decision text check (decision in ('keep', 'change', 'remove')),
    decided_by uuid,
    decided_at timestamptz,
    new_role text,
    primary key (business_id, review_id, member_id),
    check (coalesce(decision = 'change', false) = (new_role is not null)),
    check ((decision is null) = (decided_at is null)),
    foreign key (business_id, review_id) references reviews (business_id, id),
    foreign key (business_id, member_id) references members (business_id, id),
    foreign key (business_id, decided_by) references members (business_id, id)
);

call tenant_wall('review_items', 'select, insert, update (decision, decided_by, decided_at, new_role)');

-- A closed review is evidence: nobody changes it, whatever their rights.
create function review_refuse() returns trigger
language plpgsql
as $$
begin
    raise exception 'a closed access review does not change: % refused', tg_op using errcode = 'insufficient_privilege';
end
$$;

create function review_item_guard() returns trigger
language plpgsql
set search_path = pg_catalog, public, pg_temp
as $$
declare
    item public.review_items;
begin
    if tg_op = 'INSERT' then
        item := new;
    else
        item := old;
    end if;
    if exists (
        select from public.reviews r
        where r.business_id = item.business_id and r.id = item.review_id and r.closed_at is not null
    ) then
        raise exception 'a closed access review does not change: % refused', tg_op
            using errcode = 'insufficient_privilege';
    end if;
    if tg_op = 'DELETE' then
        return old;
    end if;
    return new;
end
$$;

create trigger review_closed before update or delete on reviews
for each row when (old.closed_at is not null) execute function review_refuse();

create trigger review_closed before insert or update or delete on review_items
for each row execute function review_item_guard();

alter table reviews enable always trigger review_closed;

alter table review_items enable always trigger review_closed;

-- The businesses for which something is to be done about reviews and no job waits that does it: this quarter's is not opened,
-- or a reminder is due (at the opening, seven days before the end, and when it is over). A business that is younger than the
-- quarter begins with the next one; while one is open, no other opens.
create function lobby.reviews_due(in_kind text, in_day text, in_now timestamptz, in_quarter timestamptz)
returns table (business_id uuid)
language sql stable security definer set search_path = lobby, public, pg_temp
as $$
    select b.business_id
    from businesses b
    where b.state = 'active'
        and not exists (
            select from jobs j where j.business_id = b.business_id and j.kind = in_kind and j.dedup_key = in_day
        )
        and (
            b.created_at < in_quarter and not exists (
                select from reviews r
                where r.business_id = b.business_id and (r.closed_at is null or r.opened_at >= in_quarter)
            )
            or exists (
                select from reviews r
                where r.business_id = b.business_id and r.closed_at is null
                    and r.reminded < case
                        when in_now >= r.due_at then 3
                        when in_now >= r.due_at - interval '168 hours' then 2
                        else 1
                    end
            )
        )
    order by b.business_id
$$;

-- When each person of the transaction's business was last seen in it, and whether they have a second factor. What they do in
-- other businesses is not told.
create function lobby.members_seen(in_business uuid)
returns table (member_id uuid, last_seen_at timestamptz, has_factor boolean)
language sql stable security definer set search_path = lobby, public, pg_temp
as $$
    select m.id,
        greatest(
            (
                select max(s.last_seen_at) from lobby.sessions s
                where s.business_id = m.business_id and s.user_id = m.user_id
            ),
            (
                select max(p.last_seen_at) from lobby.past_sessions p
                where p.business_id = m.business_id and p.user_id = m.user_id
            ),
            (
                select max(f.last_used_at) from lobby.token_families f
                where f.business_id = m.business_id and f.user_id = m.user_id
            )
        ),
        lobby.has_factor(m.user_id)
    from members m
    where m.business_id = in_business and m.state = 'active'
        and in_business = nullif(current_setting('app.business', true), '')::uuid
$$;

-- The programs of somebody who leaves a business: those in other businesses go on.
create function lobby.token_families_revoke_member(in_business uuid, in_user uuid, in_now timestamptz) returns bigint
language sql security definer set search_path = lobby, public, pg_temp
as $$
    with gone as (
        update lobby.token_families set revoked_at = in_now, cause = 'removed'
        where business_id = in_business and user_id = in_user and revoked_at is null and expires_at > in_now
        returning 1
    )
    select count(*) from gone
$$;

-- A list of people who were invited together, with what became of each line. Kept for a week, for who sent it to look at.
create table invitation_batches (
    business_id uuid not null references businesses (business_id),
    id uuid not null,
    created_by uuid not null,
    created_at timestamptz not null,
    primary key (business_id, id),
    foreign key (business_id, created_by) references members (business_id, id)
);

create index invitation_batches_created on invitation_batches (created_at);

call tenant_wall('invitation_batches', 'select, insert');

call lobby_may('invitation_batches', 'select, delete');

create table invitation_batch_rows (
    business_id uuid not null,
    batch_id uuid not null,
    line int not null check (line >= 1),
    email text not null check (length(email) <= 254),
    role text not null check (length(role) <= 40),
    result text not null check (
        result in ('invited', 'unreadable', 'bad_address', 'unknown_role', 'above_you', 'duplicate', 'member')
    ),
    primary key (business_id, batch_id, line),
    foreign key (business_id, batch_id) references invitation_batches (business_id, id) on delete cascade
);

call tenant_wall('invitation_batch_rows', 'select, insert');

create function lobby.invitation_batches_trim(in_before timestamptz) returns bigint
language sql security definer set search_path = lobby, public, pg_temp
as $$
    with gone as (delete from invitation_batches where created_at < in_before returning 1) select count(*) from gone
$$;

call lobby_function('lobby.reviews_due(text, text, timestamptz, timestamptz)', 'ringfort_worker');
call lobby_function('lobby.members_seen(uuid)', 'ringfort_app');
call lobby_function('lobby.token_families_revoke_member(uuid, uuid, timestamptz)', 'ringfort_app');
call lobby_function('lobby.invitation_batches_trim(timestamptz)', 'ringfort_worker');
