//! Work orders and customers' tracking links: who reaches which, what may follow what, who was faster, and what a link shows to
//! whom and when it is over.

mod today;

use ringfort::{
    model::{permission::Role, profile::Profile},
    server::services::retention,
};

use crate::kit::{Browser, Business, Member, Reply, TestApp, messages::Answer, sql};

const PHONE: &str = "+14155550123";
const ADDRESS: &str = "12 Elm Street, Springfield";

async fn start() -> (TestApp, Business) {
    let app = TestApp::start().await;
    let business = app.business("a", Profile::FieldService).await;
    (app, business)
}

async fn browser(app: &TestApp, business: &Business, role: Role) -> Browser {
    app.browser(business.member(role)).await
}

/// The fields of a good form, for the day of the clock.
fn fields(app: &TestApp) -> Vec<(&'static str, String)> {
    let day = app.now().0.to_string()[..10].to_owned();
    [
        ("customer", "Ada Customer"),
        ("phone", PHONE),
        ("address", ADDRESS),
        ("coordinate", "41.9000, -87.7000"),
        ("day", &day),
        ("from", "00:00"),
        ("to", "23:59"),
        ("note", "Ring twice"),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .to_vec()
}

async fn post(browser: &Browser, path: &str, fields: &[(&'static str, String)]) -> Reply {
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    browser.post(path, &fields).await
}

/// Makes a work order: its id.
async fn make(app: &TestApp, browser: &Browser, member: Option<&Member>) -> String {
    let mut fields = fields(app);
    fields.extend(member.map(|member| ("member", member.id.to_string())));
    let reply = post(browser, "/api/work-orders/create", &fields).await;
    assert_eq!(reply.status, 303, "{}", reply.body);
    let place = reply.header("location").expect("a place").to_owned();
    place.strip_prefix("/work-orders/").unwrap_or_else(|| panic!("refused: {place}")).to_owned()
}

async fn go(browser: &Browser, id: &str, version: &str, to: &str) -> u16 {
    let fields = [("id", id), ("version", version), ("to", to)];
    browser.clone().json().post("/api/work-orders/move", &fields).await.status
}

async fn give(browser: &Browser, id: &str, version: &str, member: &str) -> u16 {
    let fields = [("id", id), ("version", version), ("member", member)];
    browser.clone().json().post("/api/work-orders/assign", &fields).await.status
}

async fn state(app: &TestApp) -> String {
    sql::text(&app.owner, "select string_agg(state || ' ' || version, ', ' order by number) from work_orders").await
}

async fn entries(app: &TestApp, action: &str) -> i64 {
    sql::count(&app.owner, format!("select count(*) from audit_entries where action = '{action}' and result = 'done'"))
        .await
}

#[tokio::test]
async fn per_2_a_technician_sees_and_moves_their_own_and_nothing_else() {
    let (app, a) = start().await;
    let (dispatcher, technician) =
        (browser(&app, &a, Role::Dispatcher).await, browser(&app, &a, Role::Technician).await);
    let me = a.member(Role::Technician);
    let (mine, others) = (make(&app, &dispatcher, Some(me)).await, make(&app, &dispatcher, None).await);
    let list = technician.get("/work-orders").await.body;
    assert!(list.contains(&mine) && !list.contains(&others));
    assert_eq!(technician.get(&format!("/work-orders/{mine}")).await.status, 200);
    assert_eq!(technician.get(&format!("/work-orders/{others}")).await.status, 404);
    assert_eq!(go(&technician, &others, "1", "en_route").await, 404);
    for path in ["/work-orders/new", "/dispatch", &format!("/work-orders/{mine}/edit")] {
        assert_eq!(technician.get(path).await.status, 403, "{path}");
    }
    assert_eq!(give(&technician, &mine, "1", "").await, 403);
    assert_eq!(go(&technician, &mine, "1", "en_route").await, 200);
    assert_eq!(state(&app).await, "en_route 2, new 1");
    // Taken away, it is not theirs any more, at once.
    assert_eq!(give(&dispatcher, &mine, "2", "").await, 200);
    assert_eq!(go(&technician, &mine, "3", "on_site").await, 404);
    assert_eq!(technician.get(&format!("/work-orders/{mine}")).await.status, 404);
}

#[tokio::test]
async fn ten_4_another_business_finds_nothing_and_nobody_of_it_is_a_technician_here() {
    let (app, a) = start().await;
    let b = app.business("b", Profile::FieldService).await;
    let (here, there) = (browser(&app, &a, Role::Dispatcher).await, browser(&app, &b, Role::Owner).await);
    let id = make(&app, &here, None).await;
    assert_eq!(there.get(&format!("/work-orders/{id}")).await.status, 404);
    assert_eq!(give(&there, &id, "1", "").await, 404);
    assert!(!there.get("/work-orders").await.body.contains(&id));
    let stranger = b.member(Role::Technician).id.to_string();
    assert_eq!(give(&here, &id, "1", &stranger).await, 422);
    let agent = a.member(Role::Agent).id.to_string();
    assert_eq!(give(&here, &id, "1", &agent).await, 422, "an agent sends no positions");
    assert_eq!(state(&app).await, "new 1");
    make(&app, &there, None).await;
    let numbers = "select string_agg(number::text, ',' order by business_id) from work_orders";
    assert_eq!(sql::text(&app.owner, numbers).await, "1,1", "each business counts its own");
}

#[tokio::test]
async fn what_somebody_has_not_seen_they_do_not_change() {
    let (app, a) = start().await;
    let dispatcher = browser(&app, &a, Role::Dispatcher).await;
    let member = a.member(Role::Technician).id.to_string();
    let id = make(&app, &dispatcher, None).await;
    let (one, two) = tokio::join!(give(&dispatcher, &id, "1", &member), give(&dispatcher, &id, "1", &member));
    let mut statuses = [one, two];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    assert_eq!(state(&app).await, "assigned 2");
    let mut old = fields(&app);
    old.extend([("id", id.clone()), ("version", "1".to_owned())]);
    let reply = post(&dispatcher.clone().json(), "/api/work-orders/change", &old).await;
    assert_eq!(reply.status, 409);
    assert_eq!(state(&app).await, "assigned 2", "nothing was changed");
}

#[tokio::test]
async fn the_dispatch_board_says_what_was_refused_and_who_still_has_a_job() {
    let (app, a) = start().await;
    let dispatcher = browser(&app, &a, Role::Dispatcher).await;
    let me = a.member(Role::Technician);
    let id = make(&app, &dispatcher, Some(me)).await;
    let stale = [("id", id.as_str()), ("version", "7"), ("member", "")];
    let why = dispatcher.post("/api/work-orders/assign", &stale).await.cookie("__Host-flash").expect("a message");
    let cookies = format!("{}; {why}", dispatcher.cookie.as_deref().expect("a session"));
    let board = format!("/dispatch?day={}", &app.now().0.to_string()[..10]);
    let page = dispatcher.clone().with_cookie(Some(cookies)).get(&board).await.body;
    assert!(page.contains("id=\"problems\""), "{page}");
    // Looking at the board takes nothing from anybody, also where somebody is no technician any more.
    assert!(!page.contains("no technician any more"));
    sql::run(&app.owner, format!("update members set role = 'viewer' where id = '{}'", me.id.0)).await;
    let page = dispatcher.get(&board).await.body;
    assert!(page.contains(&format!("<option value=\"{}\" selected", me.id)) && page.contains("no technician any more"));
}

#[tokio::test]
async fn a_job_goes_its_way_and_no_other() {
    let (app, a) = start().await;
    let dispatcher = browser(&app, &a, Role::Dispatcher).await;
    let id = make(&app, &dispatcher, Some(a.member(Role::Technician))).await;
    assert_eq!(go(&dispatcher, &id, "1", "done").await, 409, "nobody went there");
    assert_eq!(go(&dispatcher, &id, "1", "asleep").await, 422);
    for (version, to) in [("1", "en_route"), ("2", "on_site"), ("3", "done")] {
        app.clock.advance(1);
        assert_eq!(go(&dispatcher, &id, version, to).await, 200, "{to}");
    }
    assert_eq!(go(&dispatcher, &id, "4", "on_site").await, 409, "it is over");
    assert_eq!(give(&dispatcher, &id, "4", "").await, 409);
    let steps = "select string_agg(step || ' ' || state, ', ' order by at, id) from work_order_events";
    assert_eq!(sql::text(&app.owner, steps).await, "created assigned, moved en_route, moved on_site, moved done");
    assert_eq!(entries(&app, "work_order.moved").await, 3);
    let told = "select count(*) from outbox where topic = 'work_order'";
    assert_eq!(sql::count(&app.owner, told).await, 4);
}

#[tokio::test]
async fn aud_7_neither_name_nor_number_nor_place_is_in_the_log_or_in_events() {
    let (app, a) = start().await;
    let dispatcher = browser(&app, &a, Role::Dispatcher).await;
    let id = make(&app, &dispatcher, None).await;
    link(&dispatcher, &id).await;
    let told = sql::text(
        &app.owner,
        "select string_agg(t, ' ') from (
             select row(e.*)::text as t from audit_entries e union all select row(o.*)::text from outbox o
             union all select row(j.*)::text from jobs j
         ) all_of_it",
    )
    .await;
    for planted in ["Ada", "5550123", "Elm", "-87.7", "419000000", "Ring"] {
        assert!(!told.contains(planted), "{planted}");
    }
}

/// Makes a link that is shown once: its path.
async fn link(browser: &Browser, id: &str) -> String {
    let reply = browser.post("/api/tracking/create", &[("id", id), ("way", "show")]).await;
    assert_eq!(reply.status, 303, "{}", reply.body);
    let place = reply.header("location").expect("a place").to_owned();
    let session = browser.cookie.as_deref().expect("a session");
    let cookies = format!("{session}; {}", reply.cookie("__Host-reveal").expect("something to show"));
    let page = browser.clone().with_cookie(Some(cookies)).get(&place).await.body;
    assert!(!browser.get(&place).await.body.contains("/track/"), "it is shown once");
    let (_, rest) = page.split_once("/track/").expect("a link");
    format!("/track/{}", rest.split('<').next().unwrap_or_default().trim())
}

/// Where the technicians of these tests live.
const HOME: (i32, i32) = (418_000_000, -876_000_000);

/// The technician's shift began at home, and they were at another place a minute and a half ago.
async fn drive(app: &TestApp, member: &Member, at: (i32, i32)) {
    let statement = format!(
        "insert into shifts (business_id, id, member_id, began_at)
         select '{business}', gen_random_uuid(), '{member}', timestamptz '{now}' - interval '1 hour'
         where not exists (select from shifts where member_id = '{member}' and ended_at is null);
         insert into positions (business_id, member_id, fix_at, received_at, lat_e7, lon_e7, accuracy_m, is_coarse, is_fast)
         values ('{business}', '{member}', timestamptz '{now}' - interval '50 minutes', '{now}', {}, {}, 5, false, false),
             ('{business}', '{member}', timestamptz '{now}' - interval '90 seconds', '{now}', {lat}, {lon}, 5, false, false)
         on conflict do nothing;
         insert into latest_positions (business_id, member_id, fix_at, received_at, lat_e7, lon_e7, accuracy_m, is_coarse,
             is_fast, recent_fixes, recent_arrivals)
         values ('{business}', '{member}', timestamptz '{now}' - interval '90 seconds', '{now}', {lat}, {lon}, 5, false, false,
             '{{}}', '{{}}')
         on conflict (business_id, member_id) do update
         set fix_at = excluded.fix_at, lat_e7 = excluded.lat_e7, lon_e7 = excluded.lon_e7",
        HOME.0,
        HOME.1,
        lat = at.0,
        lon = at.1,
        business = member.business.0,
        member = member.id.0,
        now = app.now().0,
    );
    sql::run(&app.owner, statement).await;
}

/// Whether a customer is shown about where their technician is.
async fn is_shown(customer: &Browser, path: &str) -> bool {
    customer.get(path).await.body.contains("geo:")
}

#[tokio::test]
async fn a_customer_sees_a_first_name_and_about_where_on_the_way_only() {
    let (app, a) = start().await;
    let dispatcher = browser(&app, &a, Role::Dispatcher).await;
    let me = a.member(Role::Technician);
    sql::run(&app.owner, format!("update members set name = 'Tia Lopez' where id = '{}'", me.id.0)).await;
    let id = make(&app, &dispatcher, Some(me)).await;
    let path = link(&dispatcher, &id).await;
    drive(&app, me, (418_512_345, -876_512_345)).await;
    let customer = app.stranger();
    let seen = customer.get(&path).await;
    assert_eq!((seen.status, seen.header("x-robots-tag")), (200, Some("noindex, nofollow")));
    assert_eq!(seen.header("cache-control"), Some("no-store"));
    assert!(seen.body.contains("Tia") && !seen.body.contains("41.85"), "not on the way yet");
    for secret in ["Lopez", "Ada Customer", "Elm Street", "5550123", "Ring twice"] {
        assert!(!seen.body.contains(secret), "{secret}");
    }
    assert_eq!(go(&dispatcher, &id, "1", "en_route").await, 200);
    for at in [(418_300_000, -876_300_000), (418_512_345, -876_512_345)] {
        app.clock.advance(100);
        drive(&app, me, at).await;
    }
    let on_the_way = customer.get(&path).await.body;
    assert!(on_the_way.contains("About 1 min ago") && on_the_way.contains("Within about 1,000 ft"), "{on_the_way}");
    assert!(on_the_way.contains("geo:41.852,-87.650"), "coarse, not 41.851,-87.651: {on_the_way}");
    for (at, why) in [((418_010_000, -876_010_000), "its beginning"), ((418_990_000, -876_990_000), "its end")] {
        drive(&app, me, at).await;
        assert!(!is_shown(&customer, &path).await, "{why}");
    }
    assert_eq!(entries(&app, "tracking_link.opened").await, 1, "once in ten minutes");
    app.clock.advance(601);
    customer.get(&path).await;
    assert_eq!(entries(&app, "tracking_link.opened").await, 2);
}

#[tokio::test]
async fn a_customer_sees_neither_what_was_before_their_way_nor_what_nobody_knows_well() {
    let (app, a) = start().await;
    let (dispatcher, customer) = (browser(&app, &a, Role::Dispatcher).await, app.stranger());
    let me = a.member(Role::Technician);
    let id = make(&app, &dispatcher, Some(me)).await;
    let path = link(&dispatcher, &id).await;
    let (before, there) = ((418_300_000, -876_300_000), (418_512_345, -876_512_345));
    drive(&app, me, before).await;
    assert_eq!(go(&dispatcher, &id, "1", "en_route").await, 200);
    assert!(!is_shown(&customer, &path).await, "their phone sleeps since the customer before");
    app.clock.advance(100);
    drive(&app, me, before).await;
    assert!(!is_shown(&customer, &path).await, "they have just set out from there");
    app.clock.advance(100);
    drive(&app, me, there).await;
    assert!(is_shown(&customer, &path).await);
    let wide_home = "update positions set accuracy_m = 9000 where lat_e7 = 418000000";
    let wide_now = "update latest_positions set accuracy_m = 301";
    for (statement, why) in [(wide_home, "home is anywhere"), (wide_now, "so are they")] {
        sql::run(&app.owner, statement).await;
        assert!(!is_shown(&customer, &path).await, "{why}");
        let undo = "update positions set accuracy_m = 5; update latest_positions set accuracy_m = 5";
        sql::run(&app.owner, undo).await;
        assert!(is_shown(&customer, &path).await);
    }
    // Changing what the job says begins no other way.
    let mut changed = fields(&app);
    changed.extend([("id", id.clone()), ("version", "2".to_owned())]);
    assert_eq!(post(&dispatcher.clone().json(), "/api/work-orders/change", &changed).await.status, 200);
    assert!(is_shown(&customer, &path).await);
    app.clock.advance(211);
    assert!(!is_shown(&customer, &path).await, "they were there more than five minutes ago");
}

#[tokio::test]
async fn a_link_that_is_over_is_as_one_that_never_was() {
    let (app, a) = start().await;
    let (dispatcher, customer) = (browser(&app, &a, Role::Dispatcher).await, app.stranger());
    let technician = Some(a.member(Role::Technician));
    let words = |reply: &Reply| (reply.status, reply.body.contains("This link is over"));
    let unknown = customer.get("/track/abcdefghijklmnopqrstuvwxyzabcdefghijklmnopq").await;
    assert_eq!(words(&unknown), (404, true));
    let done = make(&app, &dispatcher, technician).await;
    let of_done = link(&dispatcher, &done).await;
    let revoked = make(&app, &dispatcher, technician).await;
    let of_revoked = link(&dispatcher, &revoked).await;
    let late = make(&app, &dispatcher, technician).await;
    let of_late = link(&dispatcher, &late).await;
    for path in [&of_done, &of_revoked, &of_late] {
        assert_eq!(customer.get(path).await.status, 200, "it is good");
    }
    for (version, to) in [("1", "en_route"), ("2", "on_site"), ("3", "done")] {
        assert_eq!(go(&dispatcher, &done, version, to).await, 200);
    }
    let named = format!(
        "select 'trk_' || replace(id::text, '-', '') from tracking_links
         where 'wo_' || replace(work_order_id::text, '-', '') = '{revoked}'"
    );
    let id = sql::text(&app.owner, named).await;
    assert_eq!(dispatcher.clone().json().post("/api/tracking/revoke", &[("id", &id)]).await.status, 200);
    assert_eq!(words(&customer.get(&of_done).await), (404, true));
    assert_eq!(words(&customer.get(&of_revoked).await), (404, true));
    assert_eq!(customer.get(&of_late).await.status, 200);
    assert_eq!(dispatcher.clone().json().post("/api/tracking/create", &[("id", &done)]).await.status, 409);
    app.clock.advance(2 * 24 * 3600);
    assert_eq!(words(&customer.get(&of_late).await), (404, true));
}

#[tokio::test]
async fn a_link_is_texted_once_and_kept_nowhere() {
    let (app, messages) = TestApp::start_texting().await;
    let a = app.business("a", Profile::FieldService).await;
    app.twilio(&a).await;
    let dispatcher = browser(&app, &a, Role::Dispatcher).await;
    let id = make(&app, &dispatcher, Some(a.member(Role::Technician))).await;
    let reply = dispatcher.clone().json().post("/api/tracking/create", &[("id", &id), ("way", "text")]).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert!(!reply.body.contains("/track/"), "nobody here sees it");
    app.run_jobs().await;
    let sent = messages.sent();
    assert_eq!(sent.len(), 1);
    let fields = &sent.first().expect("a text").fields;
    assert_eq!(fields["To"], PHONE);
    let (_, token) = fields["Body"].split_once("/track/").expect("a link");
    assert_eq!(app.stranger().get(&format!("/track/{token}")).await.status, 200);
    assert_eq!(entries(&app, "tracking_link.texted").await, 1);
    let kept = "select count(*) from tracking_links where text_sealed is not null";
    assert_eq!(sql::count(&app.owner, kept).await, 0);
    for _ in 0..2 {
        link(&dispatcher, &id).await;
    }
    let more = dispatcher.clone().json().post("/api/tracking/create", &[("id", &id), ("way", "show")]).await;
    assert_eq!(more.status, 422, "three at once are enough");
}

#[tokio::test]
async fn a_text_that_never_comes_through_is_given_up_and_kept_nowhere() {
    let (app, messages) = TestApp::start_texting().await;
    let a = app.business("a", Profile::FieldService).await;
    app.twilio(&a).await;
    let dispatcher = browser(&app, &a, Role::Dispatcher).await;
    let id = make(&app, &dispatcher, Some(a.member(Role::Technician))).await;
    messages.answer_with(&[Answer::Says(503, 20503); 30]);
    let reply = dispatcher.clone().json().post("/api/tracking/create", &[("id", &id), ("way", "text")]).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    app.run_jobs().await;
    assert!(messages.sent().is_empty() && messages.tries() > 1);
    let job = "select string_agg(state, ' ') from jobs where kind = 'tracking.text'";
    assert_eq!(sql::text(&app.owner, job).await, "dead");
    let kept = "select count(*) from tracking_links where text_sealed is not null";
    assert_eq!(sql::count(&app.owner, kept).await, 0);
    let told =
        "select string_agg(result || ' ' || reason, ' ') from audit_entries where action = 'tracking_link.texted'";
    assert_eq!(sql::text(&app.owner, told).await, "failed unreachable");
    let page = dispatcher.get(&format!("/work-orders/{id}")).await.body;
    assert!(!page.contains("being texted"), "nobody waits for it");
}

#[tokio::test]
async fn ret_1_jobs_go_with_their_time_and_take_everything_along() {
    let (app, a) = start().await;
    let b = app.business("b", Profile::FieldService).await;
    let (here, there) = (browser(&app, &a, Role::Dispatcher).await, browser(&app, &b, Role::Dispatcher).await);
    let old = make(&app, &here, None).await;
    link(&here, &old).await;
    make(&app, &there, None).await;
    sql::run(
        &app.owner,
        "update work_orders set window_from = window_from - interval '200 days', window_to = window_to - interval '200 days'",
    )
    .await;
    make(&app, &here, None).await;
    retention::run(&app.app, &app.machine(a.id)).await.expect("runs");
    let left = "select (select count(*) from work_orders) || ' ' || (select count(*) from work_order_events) || ' ' ||
        (select count(*) from tracking_links)";
    assert_eq!(sql::text(&app.owner, left).await, "2 2 0", "the younger one, and another business's");
}

#[tokio::test]
async fn who_is_nearest_is_a_look_that_technicians_see() {
    let (app, a) = start().await;
    let dispatcher = browser(&app, &a, Role::Dispatcher).await;
    let me = a.member(Role::Technician);
    let id = make(&app, &dispatcher, None).await;
    drive(&app, me, (419_000_000, -876_900_000)).await;
    let fresh = "update latest_positions set fix_at = received_at";
    sql::run(&app.owner, fresh).await;
    let page = format!("/work-orders/{id}");
    assert!(!dispatcher.get(&page).await.body.contains("data-nearest"));
    assert_eq!(entries(&app, "locations.looked").await, 0, "a page is no look");
    let asked = dispatcher.get(&format!("{page}?nearest=1")).await;
    assert!(asked.body.contains("data-nearest"), "{}", asked.body);
    assert!(asked.body.contains(&me.id.to_string()));
    assert_eq!(entries(&app, "locations.looked").await, 1);
}

/// The answer to a form in which one field says something else.
async fn make_with(app: &TestApp, browser: &Browser, name: &str, value: &str) -> Reply {
    let mut fields = fields(app);
    for field in fields.iter_mut().filter(|field| field.0 == name) {
        value.clone_into(&mut field.1);
    }
    post(&browser.clone().json(), "/api/work-orders/create", &fields).await
}

#[tokio::test]
async fn the_place_of_who_stands_at_the_customers_is_exact_and_of_now() {
    let (app, a) = start().await;
    let dispatcher = browser(&app, &a, Role::Dispatcher).await;
    let me = a.member(Role::Technician);
    drive(&app, me, (418_512_345, -876_512_345)).await;
    let made = async || {
        let mut fields = fields(&app);
        fields.retain(|field| field.0 != "coordinate");
        fields.extend([("coordinate", String::new()), ("place_of", me.id.to_string())]);
        post(&dispatcher.clone().json(), "/api/work-orders/create", &fields).await
    };
    let wide = "update latest_positions set fix_at = received_at, accuracy_m = 3000";
    for (statement, why) in [("select 1", "of before"), (wide, "anywhere in town")] {
        sql::run(&app.owner, statement).await;
        let refused = made().await;
        assert!(refused.status == 422 && refused.body.contains("NoPlace"), "{why}: {}", refused.body);
    }
    sql::run(&app.owner, "update latest_positions set accuracy_m = 5").await;
    assert_eq!(made().await.status, 200);
    let placed = "select string_agg(lat_e7 || ' ' || lon_e7, ', ') from work_orders";
    assert_eq!(sql::text(&app.owner, placed).await, "418512345 -876512345");
}

#[tokio::test]
async fn a_job_lies_within_a_year_of_now() {
    let (app, a) = start().await;
    let dispatcher = browser(&app, &a, Role::Dispatcher).await;
    for (days, status) in [(-368, 422), (-364, 200), (364, 200), (368, 422)] {
        let day = app.now().plus(days * 24 * 3600).0.to_string()[..10].to_owned();
        assert_eq!(make_with(&app, &dispatcher, "day", &day).await.status, status, "{day}");
    }
    for day in ["-009000-01-01", "0026-11-23", "9999-12-31"] {
        let refused = make_with(&app, &dispatcher, "day", day).await;
        assert!(refused.status == 422 && refused.body.contains("\"invalid\""), "{day}: {}", refused.body);
    }
}

#[tokio::test]
async fn before_all_time_nothing_is_found_and_nothing_breaks() {
    let (app, a) = start().await;
    let owner = browser(&app, &a, Role::Owner).await;
    let me = a.member(Role::Technician);
    let id = make(&app, &owner, Some(me)).await;
    for path in [
        "/work-orders?day=-009000-01-01",
        "/dispatch?day=-009000-01-01",
        "/calls?from=-009000-01-01",
        &format!("/work-orders?after=-300000000000000000.{id}"),
        &format!("/map/trail?member={}&from=-9000000000000000&to=9000000000000000", me.id),
    ] {
        let reply = owner.get(path).await;
        assert_eq!(reply.status, 200, "{path}: {}", reply.body);
    }
}

#[tokio::test]
async fn a_link_moves_with_its_window_while_it_is_open() {
    let (app, a) = start().await;
    let (dispatcher, customer) = (browser(&app, &a, Role::Dispatcher).await, app.stranger());
    let (open, over) = (make(&app, &dispatcher, None).await, make(&app, &dispatcher, None).await);
    let (of_open, of_over) = (link(&dispatcher, &open).await, link(&dispatcher, &over).await);
    // To the day after tomorrow.
    let move_to = async |browser: &Browser, id: &str| {
        let mut changed = fields(&app);
        let day = app.now().plus(48 * 3600).0.to_string()[..10].to_owned();
        changed.extend([("id", id.to_owned()), ("version", "1".to_owned())]);
        changed.iter_mut().filter(|field| field.0 == "day").for_each(|field| day.clone_into(&mut field.1));
        assert_eq!(post(&browser.clone().json(), "/api/work-orders/change", &changed).await.status, 200);
    };
    move_to(&dispatcher, &open).await;
    app.clock.advance(46 * 3600);
    assert_eq!(customer.get(&of_open).await.status, 200, "it moved with its window");
    assert_eq!(customer.get(&of_over).await.status, 404);
    move_to(&browser(&app, &a, Role::Dispatcher).await, &over).await;
    assert_eq!(customer.get(&of_over).await.status, 404, "it was over");
}
