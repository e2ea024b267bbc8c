-- Where a business's audit log goes besides (AUD-5): to a collector, by syslog over TLS or by HTTPS, as it is sealed. A stream
-- is a place in the chain of seals that moves on when the other side has taken what is before it. Nothing can appear before
-- that place any more, so nothing is left out; what was taken and not noted down is sent again.

-- `sent_seq` is the last seal that was sent whole, `sent_place` how many entries of the next, `sent_total` how many of the
-- chain. `silent_end`: a collector of syslog that only closes, without TLS's own end, has taken what it was sent. `next_at` and
-- `lease_until` follow the clock of the database: one node sends at a time.
create table audit_streams (
    business_id uuid not null references businesses (business_id),
    id uuid not null,
    label text not null check (length(label) between 1 and 80),
    kind text not null check (kind in ('syslog', 'https')),
    address text not null check (length(address) between 1 and 300),
    format text not null check (format in ('json', 'cef', 'ocsf')),
    header text check (length(header) between 1 and 60),
    sealed bytea,
    ca text check (length(ca) between 1 and 20000),
    silent_end boolean not null default false,
    state text not null default 'active' check (state in ('active', 'paused')),
    created_by uuid not null,
    created_at timestamptz not null,
    sent_seq bigint not null check (sent_seq >= 0),
    sent_place bigint not null default 0 check (sent_place >= 0),
    sent_total bigint not null check (sent_total >= 0),
    sent_at timestamptz,
    lease_until timestamptz,
    next_at timestamptz not null default now(),
    failures int not null default 0 check (failures >= 0),
    problem text check (
        problem in ('forbidden', 'unreachable', 'untrusted', 'refused', 'busy', 'rejected', 'broken')
    ),
    replayed_at timestamptz,
    test_begun_at timestamptz,
    tested_at timestamptz,
    test_result text check (
        test_result in ('ok', 'forbidden', 'unreachable', 'untrusted', 'refused', 'busy', 'rejected', 'broken')
    ),
    primary key (business_id, id),
    check ((header is null) = (sealed is null)),
    check (kind = 'https' or header is null),
    check (kind = 'syslog' or not silent_end),
    foreign key (business_id, created_by) references members (business_id, id)
);

create index audit_streams_due on audit_streams (next_at) where state = 'active';

call tenant_wall(
    'audit_streams',
    'select, insert, update (header, sealed, state, sent_seq, sent_place, sent_total, sent_at, lease_until, next_at, '
    'failures, problem, replayed_at, test_begun_at, tested_at, test_result), delete'
);

call lobby_may('audit_streams', 'select, update (lease_until)');

-- Takes up to `in_limit` streams that have something to send and whose turn it is, those first that have waited longest, and one
-- of a business at a time: nobody else gets them until the lease is over.
create function lobby.audit_streams_claim(in_limit int, in_lease interval)
returns table (business_id uuid, id uuid)
language sql security definer set search_path = lobby, public, pg_temp
as $$
    update audit_streams s set lease_until = now() + in_lease
    from (
        select w.business_id, w.id
        from audit_streams w
        where w.state = 'active' and w.next_at <= now() and (w.lease_until is null or w.lease_until < now())
            and exists (select from audit_seals a where a.business_id = w.business_id and a.seq > w.sent_seq)
            and not exists (
                select from audit_streams o
                where o.business_id = w.business_id and o.id <> w.id
                    and (
                        o.lease_until >= now()
                        or (
                            o.state = 'active' and o.next_at <= now() and (o.next_at, o.id) < (w.next_at, w.id)
                            and exists (
                                select from audit_seals a where a.business_id = o.business_id and a.seq > o.sent_seq
                            )
                        )
                    )
            )
        order by w.next_at, w.id
        limit in_limit
        for update of w skip locked
    ) due
    where s.business_id = due.business_id and s.id = due.id
    returning s.business_id, s.id
$$;

-- How many streams do not get through.
create function lobby.audit_streams_failing() returns bigint
language sql stable security definer set search_path = lobby, public, pg_temp
as $$ select count(*) from audit_streams where state = 'active' and failures > 0 $$;

call lobby_function('lobby.audit_streams_claim(int, interval)', 'ringfort_worker');
call lobby_function('lobby.audit_streams_failing()', 'ringfort_app, ringfort_worker');
