-- Seals over the audit log (AUD-3). Within about a second after an entry was written, the worker takes all that is settled,
-- chains it to what was sealed before, and signs: docs/AUDIT.md has the bytes. From then on an entry that was changed,
-- moved, taken away or slipped in shows, and which one it was, whoever did it. Nothing of this slows writers down: there is
-- no chain in their transactions, only one small row more.

-- Every entry that was written and is not sealed yet: the counter of completeness, kept by the same trigger that stamps
-- the entry. The sealer takes a row away when it has sealed its entry. An entry that is gone before it was sealed leaves its
-- row behind, and the seal says so; an entry that was written around the trigger is in no seal, and that shows too.
create table audit_pending (
    business_id uuid not null,
    xid xid8 not null,
    id uuid not null,
    at timestamptz not null,
    primary key (business_id, xid, id)
)
-- Rows live a second: what they leave behind must not slow down the search for the oldest.
with (autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 10000);

-- What was written before there were seals is sealed first. Row security binds the owner of the table as well.
alter table audit_entries no force row level security;

insert into audit_pending (business_id, xid, id, at) select business_id, xid, id, at from audit_entries;

alter table audit_entries force row level security;

call tenant_wall('audit_pending', 'select, insert (business_id, xid, id, at)');

-- Who writes entries cannot take them off this list.
grant delete on audit_pending to ringfort_worker;

create or replace function audit_stamp() returns trigger
language plpgsql
as $$
begin
    new.at := clock_timestamp();
    new.xid := pg_current_xact_id();
    insert into public.audit_pending (business_id, xid, id, at) values (new.business_id, new.xid, new.id, new.at);
    return new;
end
$$;

create trigger audit_refuse before update on audit_pending
for each row execute function audit_refuse();

create trigger audit_refuse_truncate before truncate on audit_pending
for each statement execute function audit_refuse();

alter table audit_pending enable always trigger audit_refuse;

alter table audit_pending enable always trigger audit_refuse_truncate;

-- A seal: `count` entries in the order of (xid, id), from the first to the last; `total` counts from the beginning of the
-- chain. `leaves` holds, for each of them, its id (16 bytes) and its digest (32), which is zero where the entry was gone
-- before it could be sealed. Entries may go when their month is dropped (AUD-6); seals stay.
create table audit_seals (
    business_id uuid not null,
    seq bigint not null check (seq >= 1),
    prev_hash bytea not null check (length(prev_hash) = 32),
    root bytea not null check (length(root) = 32),
    hash bytea not null check (length(hash) = 32),
    count bigint not null check (count >= 1),
    total bigint not null check (total >= count),
    first_xid xid8 not null,
    first_id uuid not null,
    last_xid xid8 not null,
    last_id uuid not null,
    at timestamptz not null,
    key_id text not null,
    signature bytea not null check (length(signature) = 64),
    leaves bytea not null check (length(leaves) = 48 * count),
    primary key (business_id, seq)
);

-- Hashes do not compress.
alter table audit_seals alter column leaves set storage external;

create index audit_seals_last on audit_seals (business_id, last_xid, last_id);

create index audit_seals_at on audit_seals (business_id, at);

call tenant_wall('audit_seals', 'select');

grant insert on audit_seals to ringfort_worker;

grant select on audit_seals to ringfort_auditor;

-- What was sent outside: who changes everything in here does not reach it there.
create table audit_checkpoints (
    business_id uuid not null,
    id uuid not null,
    way text not null check (way in ('file', 'mail', 'http')),
    place text not null check (length(place) <= 300),
    seq bigint not null,
    hash bytea not null check (length(hash) = 32),
    sent_at timestamptz not null,
    primary key (business_id, id)
);

create index audit_checkpoints_way on audit_checkpoints (business_id, way, sent_at);

call tenant_wall('audit_checkpoints', 'select');

grant insert on audit_checkpoints to ringfort_worker;

grant select on audit_checkpoints to ringfort_auditor;

do $$
declare
    sealed regclass;
begin
    foreach sealed in array array['audit_seals', 'audit_checkpoints']::regclass[] loop
        execute format(
            'create trigger audit_refuse before update or delete on %s for each row execute function public.audit_refuse()',
            sealed
        );
        execute format(
            'create trigger audit_refuse_truncate before truncate on %s '
            'for each statement execute function public.audit_refuse()', sealed
        );
        execute format('alter table %s enable always trigger audit_refuse', sealed);
        execute format('alter table %s enable always trigger audit_refuse_truncate', sealed);
    end loop;
end
$$;

-- The keys that sign seals. One signs; the private half of one that was retired is gone, its public half stays for good, for
-- what it has signed is kept. `mac` is the vault's: a row that somebody put in has none that counts.
create table lobby.audit_keys (
    id uuid primary key,
    kid text not null,
    sealed bytea,
    public_key bytea not null check (length(public_key) = 32),
    mac bytea not null check (length(mac) = 32),
    created_at timestamptz not null,
    retired_at timestamptz,
    check ((retired_at is null) = (sealed is not null)),
    constraint audit_keys_kid_key unique (kid)
);

create unique index audit_keys_one on lobby.audit_keys ((retired_at is null)) where retired_at is null;

call lobby_only('lobby.audit_keys', 'select, insert, update (sealed, retired_at)');

create function lobby.audit_keys_known()
returns table (
    id uuid, kid text, sealed bytea, public_key bytea, mac bytea, created_at timestamptz, retired_at timestamptz
)
language sql stable security definer set search_path = lobby, public, pg_temp
as $$
    select k.id, k.kid, k.sealed, k.public_key, k.mac, k.created_at, k.retired_at
    from lobby.audit_keys k
    order by k.created_at, k.id
$$;

-- The first key. Of several that are made at once one stays.
create function lobby.audit_key_add(
    in_id uuid, in_kid text, in_sealed bytea, in_public bytea, in_mac bytea, in_now timestamptz
) returns void
language sql security definer set search_path = lobby, public, pg_temp
as $$
    insert into lobby.audit_keys (id, kid, sealed, public_key, mac, created_at)
    values (in_id, in_kid, in_sealed, in_public, in_mac, in_now)
    on conflict do nothing
$$;

-- False: somebody else has retired `in_old`.
create function lobby.audit_key_rotate(
    in_old uuid, in_id uuid, in_kid text, in_sealed bytea, in_public bytea, in_mac bytea, in_now timestamptz
) returns boolean
language plpgsql security definer set search_path = lobby, public, pg_temp
as $$
begin
    update lobby.audit_keys set retired_at = in_now, sealed = null where id = in_old and retired_at is null;
    if not found then
        return false;
    end if;
    insert into lobby.audit_keys (id, kid, sealed, public_key, mac, created_at)
    values (in_id, in_kid, in_sealed, in_public, in_mac, in_now);
    return true;
end
$$;

call lobby_may('audit_pending', 'select (business_id, xid, at)');

call lobby_may('audit_seals', 'select (business_id, seq, last_xid)');

call lobby_may('audit_checkpoints', 'select (business_id, way, seq, sent_at)');

-- The businesses of which something can be sealed now: nothing can appear any more among what is older than the oldest
-- transaction that still writes. What is newer than all of them was written in another cluster, before a restore. Nothing waits
-- below the newest seal (but for a restore), so nobody looks there: while an old snapshot lives, what was taken off the queue
-- is still in the way.
create function lobby.audit_waiting() returns table (business_id uuid)
language sql stable security definer set search_path = lobby, public, pg_temp
as $$
    with s as materialized (
        select pg_snapshot_xmin(pg_current_snapshot()) as low, pg_snapshot_xmax(pg_current_snapshot()) as high
    )
    select b.business_id
    from businesses b cross join s
    left join lateral (
        select a.last_xid from audit_seals a where a.business_id = b.business_id order by a.seq desc limit 1
    ) newest on true
    cross join lateral (
        select case when newest.last_xid < s.high then newest.last_xid else '0'::xid8 end as low
    ) sealed
    where (
            select p.xid from audit_pending p
            where p.business_id = b.business_id and p.xid >= sealed.low order by p.xid limit 1
        ) < s.low
        or (
            select p.xid from audit_pending p
            where p.business_id = b.business_id and p.xid >= sealed.low order by p.xid desc limit 1
        ) >= s.high
$$;

-- How far sealing is behind. Counts no further than anybody needs to know.
create function lobby.audit_backlog() returns table (waiting bigint, oldest_seconds double precision)
language sql stable security definer set search_path = lobby, public, pg_temp
as $$
    select count(*), greatest(coalesce(extract(epoch from now() - min(p.at)), 0), 0)::double precision
    from (select at from audit_pending limit 100000) p
$$;

-- The businesses that have something new to send by `in_way`, have sent nothing since `in_since`, and have no job that waits
-- to.
create function lobby.checkpoints_due(in_kind text, in_way text, in_key text, in_since timestamptz)
returns table (business_id uuid)
language sql stable security definer set search_path = lobby, public, pg_temp
as $$
    select b.business_id
    from businesses b
    cross join lateral (select max(s.seq) as seq from audit_seals s where s.business_id = b.business_id) head
    left join lateral (
        select c.seq, c.sent_at from audit_checkpoints c
        where c.business_id = b.business_id and c.way = in_way
        order by c.sent_at desc limit 1
    ) sent on true
    where head.seq is not null
        and head.seq is distinct from sent.seq
        and (sent.sent_at is null or sent.sent_at <= in_since)
        and not exists (
            select from jobs j where j.business_id = b.business_id and j.kind = in_kind and j.dedup_key = in_key
        )
    order by b.business_id
$$;

call lobby_function('lobby.audit_keys_known()', 'ringfort_app, ringfort_worker');
call lobby_function('lobby.audit_key_add(uuid, text, bytea, bytea, bytea, timestamptz)', 'ringfort_worker');
call lobby_function('lobby.audit_key_rotate(uuid, uuid, text, bytea, bytea, bytea, timestamptz)', 'ringfort_worker');
call lobby_function('lobby.audit_waiting()', 'ringfort_worker');
call lobby_function('lobby.audit_backlog()', 'ringfort_app, ringfort_worker');
call lobby_function('lobby.checkpoints_due(text, text, text, timestamptz)', 'ringfort_worker');
