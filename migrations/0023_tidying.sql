-- What is over goes by the clock, not only when the next of its kind begins (0010, 0011, 0013, 0019, 0020, 0021): on a quiet
-- installation that may be never. And why a mail waits is kept beside it, as a closed word, as it is for jobs.

alter table lobby.mails add column problem text;

grant update (problem) on lobby.mails to ringfort_lobby;

create function lobby.mail_failed(in_id uuid, in_problem text) returns void
language sql security definer set search_path = lobby, public, pg_temp
as $$ update lobby.mails set problem = in_problem where id = in_id $$;

create index sign_ups_expiry on lobby.sign_ups (expires_at);

create index totp_pending on lobby.totp (started_at) where added_at is null;

create index text_factors_pending on lobby.text_factors (started_at) where added_at is null;

-- Deletes what nothing can be done with any more. `in_set_up_before`: factors that began to be set up before that, and were
-- not confirmed. Links stay a day, as mails to one person are counted by them; so do texts, whose job writes down that they
-- were late. First the tables that the lobby cannot lock rows of; from then on, what somebody else holds at this moment is left
-- for the next minute, so that this waits for nobody who waits for it.
create function lobby.proofs_trim(in_now timestamptz, in_set_up_before timestamptz) returns void
language sql security definer set search_path = lobby, public, pg_temp
as $$
    delete from lobby.passkey_ceremonies where expires_at <= in_now;
    delete from lobby.oidc_requests where expires_at <= in_now;
    delete from lobby.text_sends where sent_at <= in_now - interval '1 day';
    delete from lobby.texts where expires_at <= in_now - interval '1 day';
    delete from lobby.challenges c using (
        select id from lobby.challenges where expires_at <= in_now for update skip locked
    ) old
    where c.id = old.id;
    delete from lobby.email_codes c using (
        select challenge_id from lobby.email_codes where expires_at <= in_now for update skip locked
    ) old
    where c.challenge_id = old.challenge_id;
    delete from lobby.links l using (
        select id from lobby.links where created_at < in_now - interval '1 day' for update skip locked
    ) old
    where l.id = old.id;
    delete from lobby.sign_ups s using (
        select id from lobby.sign_ups where expires_at <= in_now for update skip locked
    ) old
    where s.id = old.id;
    delete from lobby.totp t using (
        select user_id from lobby.totp
        where added_at is null and started_at < in_set_up_before
        for update skip locked
    ) old
    where t.user_id = old.user_id;
    delete from lobby.text_factors f using (
        select user_id from lobby.text_factors
        where added_at is null and started_at < in_set_up_before
        for update skip locked
    ) old
    where f.user_id = old.user_id;
$$;

call lobby_function('lobby.mail_failed(uuid, text)', 'ringfort_worker');
call lobby_function('lobby.proofs_trim(timestamptz, timestamptz)', 'ringfort_worker');
