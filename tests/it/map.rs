//! The map (GPS-2): who sees whom, what lies in a view and what does not, trails, and that looking is written down.

use axum::{
    body::{Body, to_bytes},
    http::{Request, header},
};
use ringfort::{
    model::{permission::Role, profile::Profile},
    server::store::session::hash,
};
use serde_json::Value;
use tokio::time::timeout;
use tower::ServiceExt;
use tower_sessions::session::Id;

use crate::kit::{Browser, Business, Member, PATIENCE, TestApp, sql};

const AUSTIN: (i32, i32) = (302_671_530, -977_430_610);
const DALLAS: (i32, i32) = (327_766_640, -967_969_880);
/// Around Austin: Dallas is not in it.
const VIEW: &str = "-98.5,29.5,-97,31";

/// Begins a shift an hour ago; with a place, a position of half a minute ago.
async fn on_shift(app: &TestApp, member: &Member, place: Option<(i32, i32)>) {
    let (business, id, now) = (member.business.0, member.id.0, app.now().0);
    let shift = format!(
        "insert into shifts (business_id, id, member_id, began_at)
         values ('{business}', gen_random_uuid(), '{id}', timestamptz '{now}' - interval '1 hour')"
    );
    sql::run(&app.owner, shift).await;
    let Some((lat, lon)) = place else { return };
    let position = format!(
        "insert into positions (business_id, member_id, fix_at, received_at, lat_e7, lon_e7, accuracy_m, speed_mps,
             heading_deg, is_coarse, is_fast)
         select '{business}', '{id}', timestamptz '{now}' - make_interval(secs => n * 30),
             timestamptz '{now}' - make_interval(secs => n * 30), {lat}, {lon}, 8, 12, 45, false, false
         from generate_series(1, 3) n;
         insert into latest_positions (business_id, member_id, fix_at, received_at, lat_e7, lon_e7, accuracy_m, speed_mps,
             heading_deg, is_coarse, is_fast, recent_fixes, recent_arrivals)
         select business_id, member_id, fix_at, received_at, lat_e7, lon_e7, accuracy_m, speed_mps, heading_deg, is_coarse,
             is_fast, array[fix_at], array[received_at]
         from positions where business_id = '{business}' and member_id = '{id}' order by fix_at desc limit 1"
    );
    sql::run(&app.owner, position).await;
}

struct Field {
    app: TestApp,
    a: Business,
    /// In Austin, in Dallas, and of another business in Austin.
    here: Member,
    there: Member,
    foreign: Member,
}

async fn start() -> Field {
    let app = TestApp::start().await;
    let a = app.business("a", Profile::FieldService).await;
    let b = app.business("b", Profile::FieldService).await;
    let near = app.join(a.id, Role::Technician, "here@a.example").await;
    let far = app.join(a.id, Role::Technician, "there@a.example").await;
    let foreign = app.join(b.id, Role::Technician, "foreign@b.example").await;
    on_shift(&app, &near, Some(AUSTIN)).await;
    on_shift(&app, &far, Some(DALLAS)).await;
    on_shift(&app, &foreign, Some(AUSTIN)).await;
    Field { app, a, here: near, there: far, foreign }
}

/// What a stream says at first, and how the door answered.
async fn said(app: &TestApp, browser: &Browser, query: &str) -> (u16, String) {
    let cookie = browser.cookie.as_deref().expect("a session");
    let request = Request::get(format!("/map/live?{query}")).header(header::COOKIE, cookie);
    let response = app.router().oneshot(request.body(Body::empty()).expect("a request")).await.expect("never fails");
    let status = response.status().as_u16();
    if status != 200 {
        return (status, String::new());
    }
    // The batch stands in the stream already; then it ends, as it does wherever a session ends.
    let id = cookie.split_once('=').expect("a cookie with a value").1;
    app.app.hub().end_session(&hash(id.parse::<Id>().expect("an id")));
    let body = timeout(PATIENCE, to_bytes(response.into_body(), 1 << 20)).await.expect("it ends");
    (status, String::from_utf8_lossy(&body.expect("a whole body")).into_owned())
}

/// The first batch of a stream, and how the door answered.
async fn batch(app: &TestApp, browser: &Browser, query: &str) -> (u16, Option<Value>) {
    let (status, text) = said(app, browser, query).await;
    let data = text.lines().find_map(|line| line.strip_prefix("data:")).map(str::trim);
    (status, data.and_then(|data| serde_json::from_str(data).ok()))
}

/// Whom a batch tells of.
fn told(batch: Option<&Value>) -> Vec<String> {
    let units = batch.and_then(|batch| batch["units"].as_array().cloned()).unwrap_or_default();
    units.iter().filter_map(|unit| unit["id"].as_str().map(str::to_owned)).collect()
}

#[tokio::test]
async fn gps_2_the_page_shows_who_is_on_shift_and_nobody_else() {
    let f = start().await;
    let dispatcher = f.app.browser(f.a.member(Role::Dispatcher)).await;
    let page = dispatcher.get("/map").await;
    assert_eq!(page.status, 200);
    for member in [&f.here, &f.there] {
        assert_eq!(page.body.matches(&format!("<g data-member=\"{}\"", member.id)).count(), 1, "drawn once");
        assert!(page.body.contains(&format!("<li data-member=\"{}\"", member.id)), "and listed");
    }
    assert!(!page.body.contains(&f.foreign.id.to_string()), "another business's");
    assert!(page.body.contains("27 mph north-east") && page.body.contains("30 s ago"), "how fast, and how old");
    // Off shift, their last position is nobody's business.
    let ended = format!(
        "update shifts set ended_at = began_at + interval '1 second', ended_how = 'clock' where member_id = '{}'",
        f.here.id.0
    );
    sql::run(&f.app.owner, ended).await;
    let page = dispatcher.get("/map").await;
    assert!(!page.body.contains(&f.here.id.to_string()) && page.body.contains(&f.there.id.to_string()));
    // And what is from before a shift is not shown in it.
    let again = format!(
        "insert into shifts (business_id, id, member_id, began_at) values ('{}', gen_random_uuid(), '{}', timestamptz '{}')",
        f.a.id.0,
        f.here.id.0,
        f.app.now().0
    );
    sql::run(&f.app.owner, again).await;
    let page = dispatcher.get("/map").await;
    assert!(page.body.contains(&f.here.id.to_string()) && page.body.contains("No position yet"));
    assert!(!page.body.contains(&format!("<g data-member=\"{}\"", f.here.id)), "but not drawn");
}

#[tokio::test]
async fn gps_2_filters_and_the_selection_stand_in_the_address() {
    let f = start().await;
    let dispatcher = f.app.browser(f.a.member(Role::Dispatcher)).await;
    let lists = |body: &str, member: &Member| body.contains(&format!("<li data-member=\"{}\"", member.id));
    let page = dispatcher.get("/map?state=on_site").await;
    assert!(!lists(&page.body, &f.here) && page.body.contains("Nobody matches"));
    let page = dispatcher.get(&format!("/map?state=on_site&member={}", f.here.id)).await;
    assert!(lists(&page.body, &f.here) && !lists(&page.body, &f.there), "who is selected is shown all the same");
    assert!(page.body.contains("aria-current=\"true\""));
    for bad in ["/map?state=asleep", "/map?member=x", "/map?job=1", "/map?what=1"] {
        assert_eq!(dispatcher.get(bad).await.status, 400, "{bad}");
    }
    let gone = dispatcher.get(&format!("/map?member={}", f.foreign.id)).await;
    assert!(gone.status == 200 && gone.body.contains("is on no shift"), "as one that nobody has");
}

#[tokio::test]
async fn gps_2_a_browser_is_told_what_lies_in_its_view() {
    let f = start().await;
    let of = |member: &Member| member.id.to_string();
    let dispatcher = f.a.member(Role::Dispatcher);
    let ask = async |query: &str| batch(&f.app, &f.app.browser(dispatcher).await, query).await;
    let (status, first) = ask(&format!("bounds={VIEW}&zoom=8")).await;
    assert_eq!((status, told(first.as_ref())), (200, vec![of(&f.here)]));
    let (_, both) = ask(&format!("bounds={VIEW}&zoom=8&member={}", f.there.id)).await;
    assert_eq!(told(both.as_ref()).len(), 2, "who is selected is told wherever they are");
    let (status, none) = ask(&format!("bounds={VIEW}&zoom=8&member={}&q=nobody", f.foreign.id)).await;
    assert!(status == 200 && none.is_some(), "a stream, {status}");
    assert_eq!(told(none.as_ref()), Vec::<String>::new(), "nobody of another business");
    let (_, stream) = said(&f.app, &f.app.browser(dispatcher).await, &format!("bounds={VIEW}&zoom=8")).await;
    assert!(stream.starts_with("retry: "), "when to come back comes first: {stream}");
    for bad in
        ["", "bounds=1,2,3&zoom=1", "bounds=0,10,1,9&zoom=1", "bounds=0,0,1,1&zoom=x", "bounds=0,0,1,1&zoom=1&x=1"]
    {
        assert_eq!(ask(bad).await.0, 400, "{bad}");
    }
}

/// Asks who a count is of: how the door answered, and with what.
async fn list(app: &TestApp, person: &Member, path: &str) -> (u16, Value) {
    let reply = app.browser(person).await.json().get(path).await;
    (reply.status, serde_json::from_str(&reply.body).unwrap_or_default())
}

/// All that is in one cell of the coarsest grid.
const EARTH: &str = "/map/cell?bounds=-180,-85,180,85&zoom=1&level=0&x=0&y=0";

#[tokio::test]
async fn gps_2_a_count_opens_as_a_list_of_whom_it_is_of() {
    let f = start().await;
    let of = |member: &Member| member.id.to_string();
    let dispatcher = f.a.member(Role::Dispatcher);
    // Where Austin is on everybody's tiles, and the cell beside it.
    let cell = |x: u32, more: &str| format!("/map/cell?bounds={VIEW}&zoom=8&level=10&x={x}&y=421{more}");
    let ask = async |person: &Member, path: &str| list(&f.app, person, path).await;
    let (status, found) = ask(dispatcher, &cell(233, "")).await;
    assert_eq!((status, told(Some(&found))), (200, vec![of(&f.here)]), "and nobody of another business");
    assert_eq!(found["more"].as_i64(), Some(0));
    for none in [cell(234, ""), cell(233, "&state=on_site"), cell(233, "&q=nobody")] {
        let (status, found) = ask(dispatcher, &none).await;
        assert_eq!((status, told(Some(&found)).len()), (200, 0), "{none}");
    }
    assert_eq!(told(Some(&ask(dispatcher, EARTH).await.1)).len(), 2);
    let in_view = EARTH.replace("-180,-85,180,85", VIEW);
    assert_eq!(told(Some(&ask(dispatcher, &in_view).await.1)), [of(&f.here)], "what the view leaves out");
    let looks = "select count(*) from audit_entries where action = 'locations.looked'";
    assert_eq!(sql::count(&f.app.owner, looks).await, 1, "one look, however often it is asked");
    // With own reach, oneself; without any, nothing.
    assert_eq!(told(Some(&ask(&f.here, EARTH).await.1)), [of(&f.here)]);
    assert_eq!(told(Some(&ask(&f.there, &cell(233, "")).await.1)), Vec::<String>::new());
    assert_eq!(sql::count(&f.app.owner, looks).await, 1, "looking at oneself is nobody's business");
    assert_eq!(ask(f.a.member(Role::Agent), EARTH).await.0, 403);
    for bad in ["level=21&x=0&y=0", "level=3&x=8&y=0", "level=3&x=-1&y=0", "level=3&x=0", "level=0&x=0&y=0&what=1"] {
        assert_eq!(ask(dispatcher, &format!("/map/cell?bounds={VIEW}&zoom=8&{bad}")).await.0, 400, "{bad}");
    }
}

#[tokio::test]
async fn gps_2_a_long_list_says_how_many_more_there_are() {
    let f = start().await;
    for number in 0..52 {
        let member = f.app.join(f.a.id, Role::Technician, &format!("van{number}@a.example")).await;
        on_shift(&f.app, &member, Some(AUSTIN)).await;
    }
    let (_, found) = list(&f.app, f.a.member(Role::Dispatcher), EARTH).await;
    assert_eq!((told(Some(&found)).len(), found["more"].as_i64()), (50, Some(4)));
}

#[tokio::test]
async fn gps_2_technicians_see_themselves_only() {
    let f = start().await;
    let mine = f.app.browser(&f.here).await;
    let page = mine.get("/map").await;
    assert!(page.body.contains(&f.here.id.to_string()) && !page.body.contains(&f.there.id.to_string()));
    let (_, earth) = batch(&f.app, &mine, "bounds=-180,-85,180,85&zoom=1").await;
    assert_eq!(told(earth.as_ref()), [f.here.id.to_string()]);
    let mine = f.app.browser(&f.here).await.json();
    let trail =
        async |member: &Member| mine.get(&format!("/map/trail?member={}&from=0&to=9999999999999", member.id)).await;
    assert_eq!(trail(&f.here).await.status, 200);
    for other in [&f.there, &f.foreign] {
        assert_eq!(trail(other).await.status, 404);
    }
    assert_eq!(f.app.browser(f.a.member(Role::Agent)).await.get("/map").await.status, 403);
    // Looking at oneself is nobody's business.
    let looks = sql::count(&f.app.owner, "select count(*) from location_looks").await;
    assert_eq!(looks, 0);
}

#[tokio::test]
async fn gps_2_a_trail_is_what_retention_has_left() {
    let f = start().await;
    let dispatcher = f.app.browser(f.a.member(Role::Dispatcher)).await.json();
    let now = f.app.now().millis();
    let trail = async |from: i64, to: i64| {
        let reply = dispatcher.get(&format!("/map/trail?member={}&from={from}&to={to}", f.here.id)).await;
        assert_eq!(reply.status, 200);
        let body: Value = serde_json::from_str(&reply.body).expect("JSON");
        body["points"].as_array().expect("points").clone()
    };
    let points = trail(now - 3_600_000, now).await;
    assert_eq!(points.len(), 3);
    assert!(points.windows(2).all(|pair| pair[0][0].as_i64() < pair[1][0].as_i64()), "oldest first");
    assert_eq!(points[0][1].as_f64(), Some(30.26715));
    assert_eq!(trail(now - 3_600_000, now - 61_000).await.len(), 1, "between the times that were asked for");
    // What is over by the business's rule is not shown, though nobody has deleted it yet.
    let old = format!(
        "insert into positions (business_id, member_id, fix_at, received_at, lat_e7, lon_e7, accuracy_m, is_coarse, is_fast)
         values ('{}', '{}', timestamptz '{now}' - interval '4000 days', timestamptz '{now}', 1, 1, 5, false, false)",
        f.a.id.0,
        f.here.id.0,
        now = f.app.now().0
    );
    sql::run(&f.app.owner, old).await;
    assert_eq!(trail(0, now).await.len(), 3);
    let bad = dispatcher.get(&format!("/map/trail?member={}&from=2&to=1", f.here.id)).await;
    assert_eq!(bad.status, 400);
}

#[tokio::test]
async fn gps_2_looking_is_written_down_once_per_viewer_and_span() {
    let f = start().await;
    let dispatcher = f.a.member(Role::Dispatcher);
    let entries = "select count(*) from audit_entries where action = 'locations.looked'";
    for _ in 0..2 {
        let browser = f.app.browser(dispatcher).await;
        browser.get("/map").await;
        batch(&f.app, &browser, &format!("bounds={VIEW}&zoom=8")).await;
    }
    assert_eq!(sql::count(&f.app.owner, entries).await, 1, "the same look");
    let manager = f.app.browser(f.a.member(Role::Manager)).await;
    manager.get("/map").await;
    assert_eq!(sql::count(&f.app.owner, entries).await, 2, "another viewer");
    f.app.clock.advance(600);
    f.app.browser(dispatcher).await.get("/map").await;
    assert_eq!(sql::count(&f.app.owner, entries).await, 3, "another span");
    let where_they_are =
        "select count(*) from audit_entries where entry_text like '%30.26%' or entry_text like '%302671530%'";
    let text = where_they_are.replace("entry_text", "concat(before::text, after::text, reason)");
    assert_eq!(sql::count(&f.app.owner, text).await, 0, "never where");
}

#[tokio::test]
async fn gps_2_only_the_map_may_have_a_worker_and_nobody_elses_tiles_without_a_setting() {
    let f = start().await;
    let dispatcher = f.app.browser(f.a.member(Role::Dispatcher)).await;
    let policy = async |path: &str| {
        let reply = dispatcher.get(path).await;
        reply.header("content-security-policy").expect("a policy").to_owned()
    };
    let map = policy("/map").await;
    assert!(map.contains("worker-src 'self'; ") && map.contains("img-src 'self' data:; "), "{map}");
    assert!(map.contains("connect-src 'self'; ") && !map.contains("https:") && !map.contains("blob:"), "{map}");
    assert!(!policy("/board").await.contains("worker-src"));
}
