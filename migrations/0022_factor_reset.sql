-- Resetting somebody's second factors (ACC-3): for who has lost the phone and the recovery codes. Factors belong to a person
-- across businesses, so a business may take them from those alone who belong to no other one.

-- What a member's page says of them. Only for the business of the transaction: what somebody has set up for themselves is
-- seen where they work, nowhere else. That they belong to another business is told, never to which.
create function lobby.factor_standing(in_business uuid, in_user uuid) returns table (has_factor boolean, is_elsewhere boolean)
language sql stable security definer set search_path = lobby, public, pg_temp
as $$
    select lobby.has_factor(in_user),
        exists (
            select from members o
            where o.user_id = in_user and o.business_id <> in_business and o.state = 'active'
        )
    from members m
    where m.business_id = in_business and m.user_id = in_user and m.state = 'active'
        and in_business = nullif(current_setting('app.business', true), '')::uuid
$$;

-- Takes all factors away, with the recovery codes, with sign-ins that wait for their second proof, and with what programs
-- hold; sessions are ended by the caller, in the same transaction. Says which kinds of factors counted, and how many
-- programs there were. No row: the person is no member here, or a member somewhere else too. A closed business counts: it
-- may open again.
create function lobby.factors_reset(in_business uuid, in_user uuid, in_now timestamptz)
returns table (kinds text[], programs bigint)
language plpgsql security definer set search_path = lobby, public, pg_temp
as $$
declare
    found_kinds text[];
    found_programs bigint;
begin
    -- Who joins another business at this moment waits, or is seen below: each membership holds on to this row by its key.
    perform from lobby.users u where u.id = in_user for update;
    if not exists (
        select from lobby.factor_standing(in_business, in_user) s where not s.is_elsewhere
    ) then
        return;
    end if;
    with apps as (
        delete from lobby.totp t where t.user_id = in_user returning t.added_at
    ), keys as (
        delete from lobby.passkeys p where p.user_id = in_user returning 1
    ), numbers as (
        delete from lobby.text_factors f where f.user_id = in_user returning f.added_at
    ), boxes as (
        delete from lobby.email_factors e where e.user_id = in_user returning 1
    )
    select array_remove(
        array[
            case when exists (select from apps where apps.added_at is not null) then 'totp' end,
            case when exists (select from keys) then 'passkey' end,
            case when exists (select from numbers where numbers.added_at is not null) then 'sms' end,
            case when exists (select from boxes) then 'email' end
        ],
        null
    ) into found_kinds;
    delete from lobby.email_codes where user_id = in_user;
    delete from lobby.recovery_codes where user_id = in_user;
    delete from lobby.challenges where user_id = in_user;
    update lobby.token_families set revoked_at = in_now, cause = 'factor'
    where user_id = in_user and revoked_at is null and expires_at > in_now;
    get diagnostics found_programs = row_count;
    return query select found_kinds, found_programs;
end
$$;

call lobby_function('lobby.factor_standing(uuid, uuid)', 'ringfort_app');
call lobby_function('lobby.factors_reset(uuid, uuid, timestamptz)', 'ringfort_app');
