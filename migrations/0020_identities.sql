-- Signing in with a provider of identities, like Google (ACC-6). An identity is the issuer's name with the subject that it
-- gives, never an address: who gets hold of an address elsewhere has nothing here.

-- One per person and issuer, and never of two people.
create table lobby.identities (
    issuer text not null,
    subject text not null check (length(subject) between 1 and 255),
    user_id uuid not null references lobby.users (id),
    added_at timestamptz not null,
    used_at timestamptz,
    primary key (issuer, subject),
    constraint identities_user_key unique (user_id, issuer)
);

call lobby_only('lobby.identities', 'select, insert, update (used_at), delete');

-- Somebody who was sent to the provider and is waited for: found by the hash of a token that only their browser has, together
-- with the state that the provider brings back. `sealed` is the PKCE verifier, bound to `id`.
create table lobby.oidc_requests (
    token_hash bytea primary key,
    id uuid not null,
    state_hash bytea not null,
    nonce text not null,
    sealed bytea not null,
    purpose text not null check (purpose in ('sign_in', 'link', 'join')),
    -- Whose account it is to be linked with.
    user_id uuid references lobby.users (id) check ((purpose = 'link') = (user_id is not null)),
    -- Which invitation brought them.
    invitation_hash bytea check ((purpose = 'join') = (invitation_hash is not null)),
    next text not null,
    created_at timestamptz not null,
    expires_at timestamptz not null
);

create index oidc_requests_expiry on lobby.oidc_requests (expires_at);

create index oidc_requests_user on lobby.oidc_requests (user_id);

call lobby_only('lobby.oidc_requests', 'select, insert, delete');

create function lobby.oidc_begin(
    in_token_hash bytea, in_id uuid, in_state_hash bytea, in_nonce text, in_sealed bytea, in_purpose text, in_user uuid,
    in_invitation_hash bytea, in_next text, in_now timestamptz, in_expires timestamptz
) returns void
language sql security definer set search_path = lobby, public, pg_temp
as $$
    delete from lobby.oidc_requests where expires_at <= in_now;
    insert into lobby.oidc_requests
        (token_hash, id, state_hash, nonce, sealed, purpose, user_id, invitation_hash, next, created_at, expires_at)
    values (in_token_hash, in_id, in_state_hash, in_nonce, in_sealed, in_purpose, in_user, in_invitation_hash, in_next, in_now,
        in_expires);
$$;

-- Consumes nothing: the way back is a GET.
create function lobby.oidc_peek(in_token_hash bytea, in_state_hash bytea, in_now timestamptz)
returns table (purpose text, user_id uuid, invitation_hash bytea)
language sql stable security definer set search_path = lobby, public, pg_temp
as $$
    select r.purpose, r.user_id, r.invitation_hash from lobby.oidc_requests r
    where r.token_hash = in_token_hash and r.state_hash = in_state_hash and r.expires_at > in_now
$$;

-- One use: of two that come at once, one gets no row.
create function lobby.oidc_take(in_token_hash bytea, in_state_hash bytea, in_purpose text, in_now timestamptz)
returns table (id uuid, nonce text, sealed bytea, user_id uuid, invitation_hash bytea, next text)
language sql security definer set search_path = lobby, public, pg_temp
as $$
    delete from lobby.oidc_requests r
    where r.token_hash = in_token_hash and r.state_hash = in_state_hash and r.purpose = in_purpose and r.expires_at > in_now
    returning r.id, r.nonce, r.sealed, r.user_id, r.invitation_hash, r.next
$$;

-- Whose identity it is, noting that it was used.
create function lobby.identity_use(in_issuer text, in_subject text, in_now timestamptz) returns uuid
language sql security definer set search_path = lobby, public, pg_temp
as $$
    update lobby.identities set used_at = in_now where issuer = in_issuer and subject = in_subject returning user_id
$$;

create function lobby.identity_of(in_user uuid, in_issuer text) returns table (added_at timestamptz, used_at timestamptz)
language sql stable security definer set search_path = lobby, public, pg_temp
as $$ select i.added_at, i.used_at from lobby.identities i where i.user_id = in_user and i.issuer = in_issuer $$;

-- Null when it is somebody's already, or the person has one of this issuer.
create function lobby.identity_add(in_user uuid, in_issuer text, in_subject text, in_now timestamptz) returns boolean
language sql security definer set search_path = lobby, public, pg_temp
as $$
    insert into lobby.identities (issuer, subject, user_id, added_at) values (in_issuer, in_subject, in_user, in_now)
    on conflict do nothing
    returning true
$$;

create function lobby.identity_remove(in_user uuid, in_issuer text) returns boolean
language sql security definer set search_path = lobby, public, pg_temp
as $$ delete from lobby.identities where user_id = in_user and issuer = in_issuer returning true $$;

call lobby_function(
    'lobby.oidc_begin(bytea, uuid, bytea, text, bytea, text, uuid, bytea, text, timestamptz, timestamptz)', 'ringfort_app'
);
call lobby_function('lobby.oidc_peek(bytea, bytea, timestamptz)', 'ringfort_app');
call lobby_function('lobby.oidc_take(bytea, bytea, text, timestamptz)', 'ringfort_app');
call lobby_function('lobby.identity_use(text, text, timestamptz)', 'ringfort_app');
call lobby_function('lobby.identity_of(uuid, text)', 'ringfort_app');
call lobby_function('lobby.identity_add(uuid, text, text, timestamptz)', 'ringfort_app');
call lobby_function('lobby.identity_remove(uuid, text)', 'ringfort_app');

-- A linked identity that comes or goes ends the other sessions, and what programs hold.
alter table lobby.past_sessions drop constraint past_sessions_cause_check;

alter table lobby.past_sessions add constraint past_sessions_cause_check check (
    cause in ('signed_out', 'revoked', 'idle', 'expired', 'password', 'factor', 'identity', 'removed', 'switched')
);

alter table lobby.token_families drop constraint token_families_cause_check;

alter table lobby.token_families add constraint token_families_cause_check check (
    cause in (
        'signed_out', 'revoked', 'reused', 'idle', 'expired', 'password', 'factor', 'identity', 'removed', 'switched'
    )
);
