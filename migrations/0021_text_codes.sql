-- Codes by text message (ACC-3). A code that is sent is one thing whatever carries it: it answers one challenge, its hash
-- stands in `lobby.email_codes`, and `channel` says how it went out. A number that is being set up is a challenge too, by its
-- own id.

alter table lobby.email_codes add column channel text not null default 'email' check (channel in ('email', 'sms'));

grant update (channel) on lobby.email_codes to ringfort_lobby;

-- What was texted in the last day, and who paid. Apart from `lobby.text_factors`, so that a number that is taken away and set
-- up again does not begin to count anew.
create table lobby.text_sends (
    user_id uuid not null references lobby.users (id),
    business_id uuid not null references businesses (business_id),
    sent_at timestamptz not null,
    primary key (user_id, sent_at)
);

create index text_sends_business on lobby.text_sends (business_id, sent_at);

call lobby_only('lobby.text_sends', 'select, insert, delete');

-- Texts that wait for their job: number and words, sealed and bound to `id`. A job's payload holds ids only.
create table lobby.texts (
    id uuid primary key,
    user_id uuid not null references lobby.users (id),
    business_id uuid not null references businesses (business_id),
    sealed bytea not null,
    created_at timestamptz not null,
    expires_at timestamptz not null
);

create index texts_business on lobby.texts (business_id, expires_at);

create index texts_user on lobby.texts (user_id);

call lobby_only('lobby.texts', 'select, insert, delete');

-- Codes by mail, as before, with their channel -----------------------------------------------------------------

create or replace function lobby.email_code_put(
    in_challenge uuid, in_user uuid, in_hash bytea, in_now timestamptz, in_expires timestamptz
) returns boolean
language plpgsql security definer set search_path = lobby, public, pg_temp
as $$
begin
    -- Person first, factor then, as a reset takes them (0022): two that meet wait for each other, and none for ever.
    perform from lobby.users u where u.id = in_user for key share;
    update lobby.email_factors set sent_at = in_now
    where user_id = in_user and (sent_at is null or sent_at <= in_now - interval '1 minute');
    if not found then
        return false;
    end if;
    delete from lobby.email_codes where expires_at <= in_now;
    insert into lobby.email_codes as c (challenge_id, user_id, code_hash, expires_at, channel)
    values (in_challenge, in_user, in_hash, in_expires, 'email')
    on conflict (challenge_id) do update
    set code_hash = excluded.code_hash, expires_at = excluded.expires_at, used_at = null, channel = 'email'
    where c.user_id = excluded.user_id;
    return found;
end
$$;

create or replace function lobby.email_code_use(in_challenge uuid, in_user uuid, in_hash bytea, in_now timestamptz)
returns boolean
language sql security definer set search_path = lobby, public, pg_temp
as $$
    update lobby.email_codes set used_at = in_now
    where challenge_id = in_challenge and user_id = in_user and code_hash = in_hash and used_at is null
        and expires_at > in_now and channel = 'email'
    returning true
$$;

-- Numbers ------------------------------------------------------------------------------------------------------

-- Another number takes the place of one that is being set up, never of one that counts: then null.
create function lobby.text_start(
    in_user uuid, in_id uuid, in_sealed bytea, in_last4 text, in_business uuid, in_now timestamptz
) returns boolean
language sql security definer set search_path = lobby, public, pg_temp
as $$
    insert into lobby.text_factors as t (user_id, id, sealed, last4, business_id, started_at)
    values (in_user, in_id, in_sealed, in_last4, in_business, in_now)
    on conflict (user_id) do update
    set id = excluded.id, sealed = excluded.sealed, last4 = excluded.last4, business_id = excluded.business_id,
        started_at = excluded.started_at
    where t.added_at is null
    returning true
$$;

create function lobby.text_factor(in_user uuid)
returns table (
    id uuid, sealed bytea, last4 text, business_id uuid, started_at timestamptz, added_at timestamptz
)
language sql stable security definer set search_path = lobby, public, pg_temp
as $$
    select t.id, t.sealed, t.last4, t.business_id, t.started_at, t.added_at
    from lobby.text_factors t where t.user_id = in_user
$$;

-- The code that confirms a number is used up with it.
create function lobby.text_confirm(in_user uuid, in_id uuid, in_hash bytea, in_now timestamptz) returns boolean
language plpgsql security definer set search_path = lobby, public, pg_temp
as $$
begin
    update lobby.email_codes set used_at = in_now
    where challenge_id = in_id and user_id = in_user and code_hash = in_hash and used_at is null
        and expires_at > in_now and channel = 'sms';
    if not found then
        return false;
    end if;
    update lobby.text_factors set added_at = in_now where user_id = in_user and id = in_id and added_at is null;
    return found;
end
$$;

-- Codes --------------------------------------------------------------------------------------------------------

-- Stores a code and the text that brings it. Says how many seconds to wait when there were too many, of this person (one a
-- minute, so many a day) or of this business (so many a day): each costs money, and a stranger's number is an invoice
-- (toll fraud). 0: stored. Null: this business sends nothing to this person. Counting and storing cannot be told apart by
-- others: the number's row, then the business, are held until the end.
create function lobby.text_code_put(
    in_challenge uuid, in_user uuid, in_business uuid, in_hash bytea, in_text uuid, in_sealed bytea, in_now timestamptz,
    in_expires timestamptz, in_person_most int, in_business_most int
) returns int
language plpgsql security definer set search_path = lobby, public, pg_temp
as $$
declare
    day_ago constant timestamptz := in_now - interval '1 day';
    first_at timestamptz;
    last_at timestamptz;
    sent bigint;
begin
    perform from lobby.users u where u.id = in_user for key share;
    perform from lobby.text_factors t where t.user_id = in_user and t.business_id = in_business for update;
    if not found then
        return null;
    end if;
    perform pg_advisory_xact_lock(hashtextextended('lobby.text_sends/' || in_business, 0));
    select min(s.sent_at), max(s.sent_at), count(*) into first_at, last_at, sent
    from lobby.text_sends s where s.user_id = in_user and s.sent_at > day_ago;
    if last_at > in_now - interval '1 minute' then
        return greatest(1, ceil(extract(epoch from last_at + interval '1 minute' - in_now)))::int;
    end if;
    if sent >= in_person_most then
        return greatest(1, ceil(extract(epoch from first_at - day_ago)))::int;
    end if;
    select min(s.sent_at), count(*) into first_at, sent
    from lobby.text_sends s where s.business_id = in_business and s.sent_at > day_ago;
    if sent >= in_business_most then
        return greatest(1, ceil(extract(epoch from first_at - day_ago)))::int;
    end if;
    -- This business's alone, as nobody else holds its lock.
    delete from lobby.text_sends where business_id = in_business and sent_at <= day_ago;
    delete from lobby.texts where business_id = in_business and expires_at <= in_now;
    delete from lobby.email_codes where user_id = in_user and expires_at <= in_now;
    insert into lobby.text_sends (user_id, business_id, sent_at) values (in_user, in_business, in_now);
    insert into lobby.email_codes as c (challenge_id, user_id, code_hash, expires_at, channel)
    values (in_challenge, in_user, in_hash, in_expires, 'sms')
    on conflict (challenge_id) do update
    set code_hash = excluded.code_hash, expires_at = excluded.expires_at, used_at = null, channel = 'sms'
    where c.user_id = excluded.user_id;
    if not found then
        return null;
    end if;
    insert into lobby.texts (id, user_id, business_id, sealed, created_at, expires_at)
    values (in_text, in_user, in_business, in_sealed, in_now, in_expires);
    return 0;
end
$$;

create function lobby.text_code_use(in_challenge uuid, in_user uuid, in_hash bytea, in_now timestamptz) returns boolean
language sql security definer set search_path = lobby, public, pg_temp
as $$
    update lobby.email_codes set used_at = in_now
    where challenge_id = in_challenge and user_id = in_user and code_hash = in_hash and used_at is null
        and expires_at > in_now and channel = 'sms'
    returning true
$$;

-- Sending ------------------------------------------------------------------------------------------------------

-- What a job of this business is to send. No row: it was sent, or taken back with its number.
create function lobby.text_due(in_business uuid, in_id uuid) returns table (sealed bytea, expires_at timestamptz)
language sql stable security definer set search_path = lobby, public, pg_temp
as $$
    select t.sealed, t.expires_at
    from lobby.texts t
    join lobby.text_factors f on f.user_id = t.user_id and f.business_id = t.business_id
    where t.id = in_id and t.business_id = in_business
$$;

create function lobby.text_done(in_business uuid, in_id uuid) returns void
language sql security definer set search_path = lobby, public, pg_temp
as $$ delete from lobby.texts where id = in_id and business_id = in_business $$;

call lobby_function('lobby.text_start(uuid, uuid, bytea, text, uuid, timestamptz)', 'ringfort_app');
call lobby_function('lobby.text_factor(uuid)', 'ringfort_app');
call lobby_function('lobby.text_confirm(uuid, uuid, bytea, timestamptz)', 'ringfort_app');
call lobby_function(
    'lobby.text_code_put(uuid, uuid, uuid, bytea, uuid, bytea, timestamptz, timestamptz, int, int)', 'ringfort_app'
);
call lobby_function('lobby.text_code_use(uuid, uuid, bytea, timestamptz)', 'ringfort_app');
call lobby_function('lobby.text_due(uuid, uuid)', 'ringfort_worker');
call lobby_function('lobby.text_done(uuid, uuid)', 'ringfort_worker');
