-- A link that was shared in the very moment in which its maker was removed would live on: it opens only while they are there.
create or replace function lobby.wallboard_open(in_hash bytea, in_now timestamptz)
returns table (business_id uuid, business_name text)
language sql security definer set search_path = lobby, public, pg_temp
as $$
    with seen as (
        update wallboard_links w set seen_at = in_now
        where w.token_hash = in_hash and w.revoked_at is null and w.expires_at > in_now
            and (w.seen_at is null or w.seen_at <= in_now - interval '1 minute')
    )
    select b.business_id, b.name
    from wallboard_links w
    join businesses b on b.business_id = w.business_id and b.state = 'active'
    join members m on m.business_id = w.business_id and m.id = w.created_by and m.state = 'active'
    where w.token_hash = in_hash and w.revoked_at is null and w.expires_at > in_now
$$;
