-- When it was first heard that nobody answered a masked call (TEL-7): its caller is told so, or put through to the desks, as
-- often as the provider asks, and it is written down once.
alter table masked_calls add column missed_at timestamptz;

grant update (missed_at) on masked_calls to ringfort_app;
