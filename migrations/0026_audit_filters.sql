-- The audit viewer (AUD-4): filters that people keep, and looking for words.

-- A filter is the text of the query bar. It is its owner's; whoever has one of its roles sees it too.
create table audit_filters (
    business_id uuid not null references businesses (business_id),
    id uuid not null,
    owner_id uuid not null,
    name text not null check (length(name) between 1 and 60),
    query text not null check (length(query) between 1 and 1000),
    created_at timestamptz not null,
    primary key (business_id, id),
    constraint audit_filters_name_key unique (business_id, owner_id, name),
    foreign key (business_id, owner_id) references members (business_id, id)
);

call tenant_wall('audit_filters', 'select, insert, delete');

-- A role that the business made itself counts as the one that it was copied from: that is what `members.role` says.
create table audit_filter_roles (
    business_id uuid not null,
    filter_id uuid not null,
    role text not null check (
        role in ('owner', 'admin', 'manager', 'dispatcher', 'agent', 'technician', 'viewer', 'auditor')
    ),
    primary key (business_id, filter_id, role),
    foreign key (business_id, filter_id) references audit_filters (business_id, id) on delete cascade
);

call tenant_wall('audit_filter_roles', 'select, insert');

-- Most acts are done: those that were refused or broke are few, and are what people look for.
create index audit_entries_result on audit_entries (business_id, result, id) where result <> 'done';

-- The words by which an entry is found: runs of a to z and digits, in small letters, cut at 64, of what is closed words and
-- ids. A reason is what somebody typed, so only the name of a refused door is among them. Two more are no words of that kind,
-- and nobody can type them: the network with an @ before it, and the target's kind with a #. The program cuts what is looked for
-- in the same way (model/audit_query/parse.rs). Never fails: an entry that cannot be indexed could not be written.
create function audit_words(
    in_action text, in_target_kind text, in_result text, in_origin text, in_reason text, in_before jsonb, in_after jsonb
) returns tsvector
language sql immutable parallel safe cost 500
as $$
    select coalesce(array_to_tsvector(array_agg(distinct w.word)), ''::tsvector)
    from (
        select left(cut.word, 64) as word
        from regexp_split_to_table(
            lower(left(
                in_action || ' ' || coalesce(in_target_kind, '') || ' ' || in_result || ' ' || split_part(in_origin, ' ', 1) || ' '
                || case when in_action = 'door.refused' then coalesce(in_reason, '') else '' end || ' '
                || coalesce(in_before::text, '') || ' '
                -- Who looks for something is not what they look for.
                || case when in_action = 'audit.listed' then '' else coalesce(in_after::text, '') end,
                16384
            )),
            '[^a-z0-9]+'
        ) as cut (word)
        where cut.word <> ''
        union all
        select '@' || left(split_part(in_origin, ' ', 2), 63) where split_part(in_origin, ' ', 2) <> ''
        union all
        select '#' || left(in_target_kind, 63) where in_target_kind <> ''
    ) w
$$;

create index audit_entries_words on audit_entries using gin (
    audit_words(action, target_kind, result, origin, reason, before, after)
);

-- Row security and an index over words do not go together: the policy must be asked first of every row, because `@@` might tell
-- of what it has seen. So the search runs as a role of its own, which sees all rows and gives out ids only, and the business
-- comes from the transaction's setting. Who calls reads the entries themselves behind the wall.
grant usage on schema public to ringfort_search;

-- `create` for as long as it takes to own the function.
grant usage, create on schema lobby to ringfort_search;

grant select (
    business_id, id, at, actor_kind, actor_id, action, target_kind, target_id, result, reason, origin, trace_id, before, after
) on audit_entries to ringfort_search;

create policy search on audit_entries for select to ringfort_search using (true);

-- The ids of the entries that have all `in_words` (by their beginnings, from five letters on), and match all else that is not
-- null. `in_after` null: the newest, or those before `in_before`, from new to old; else those behind `in_after`, from old to
-- new. Planned for these very values: a rare word by the index, a common one along the key.
create function lobby.audit_search(
    in_words text[], in_ip text, in_actor uuid, in_actor_kind text, in_action text, in_target uuid, in_target_kind text,
    in_result text, in_trace uuid, in_from timestamptz, in_to timestamptz, in_low uuid, in_high uuid, in_after uuid,
    in_before uuid, in_limit bigint
) returns table (id uuid)
language plpgsql stable security definer
set search_path = pg_catalog, public, pg_temp
set plan_cache_mode = force_custom_plan
as $$
declare
    tenant uuid := nullif(current_setting('app.business', true), '')::uuid;
    wanted tsquery;
begin
    -- Quoted by the server, and of letters that mean nothing to a query.
    select string_agg(part, ' & ')::tsquery into wanted
    from (
        select quote_literal(w) || case when length(w) > 4 then ':*' else '' end as part
        from unnest(in_words) as w where w ~ '^[a-z0-9]{1,64}$'
        union all
        select quote_literal('@' || in_ip) where in_ip ~ '^[0-9a-f.:/]{1,63}$'
        union all
        select quote_literal('#' || in_target_kind) where in_target_kind ~ '^[a-z_]{1,63}$'
    ) parts;
    if wanted is null then
        return;
    end if;
    if in_after is null then
        return query
            select e.id from audit_entries e
            where e.business_id = tenant and e.id >= in_low and e.id <= in_high
                and (in_before is null or e.id < in_before)
                and audit_words(e.action, e.target_kind, e.result, e.origin, e.reason, e.before, e.after) @@ wanted
                and (in_actor is null or e.actor_id = in_actor)
                and (in_actor_kind is null or e.actor_kind = in_actor_kind)
                and (in_action is null or e.action = in_action)
                and (in_target is null or e.target_id = in_target)
                and (in_target_kind is null or e.target_kind = in_target_kind)
                and (in_result is null or e.result = in_result)
                and (in_trace is null or e.trace_id = in_trace)
                and (in_from is null or e.at >= in_from)
                and (in_to is null or e.at < in_to)
            order by e.id desc
            limit in_limit;
    else
        return query
            select e.id from audit_entries e
            where e.business_id = tenant and e.id >= in_low and e.id <= in_high and e.id > in_after
                and audit_words(e.action, e.target_kind, e.result, e.origin, e.reason, e.before, e.after) @@ wanted
                and (in_actor is null or e.actor_id = in_actor)
                and (in_actor_kind is null or e.actor_kind = in_actor_kind)
                and (in_action is null or e.action = in_action)
                and (in_target is null or e.target_id = in_target)
                and (in_target_kind is null or e.target_kind = in_target_kind)
                and (in_result is null or e.result = in_result)
                and (in_trace is null or e.trace_id = in_trace)
                and (in_from is null or e.at >= in_from)
                and (in_to is null or e.at < in_to)
            order by e.id
            limit in_limit;
    end if;
end
$$;

alter function lobby.audit_search(
    text[], text, uuid, text, text, uuid, text, text, uuid, timestamptz, timestamptz, uuid, uuid, uuid, uuid, bigint
) owner to ringfort_search;

revoke create on schema lobby from ringfort_search;

revoke all on function lobby.audit_search(
    text[], text, uuid, text, text, uuid, text, text, uuid, timestamptz, timestamptz, uuid, uuid, uuid, uuid, bigint
) from public;

grant execute on function lobby.audit_search(
    text[], text, uuid, text, text, uuid, text, text, uuid, timestamptz, timestamptz, uuid, uuid, uuid, uuid, bigint
) to ringfort_app, ringfort_worker;
