//! Positions (GPS-1, GPS-3): only inside a shift, three a minute by arrival and by their own times on all nodes together,
//! every point answered, and every look at them written down.

use axum::http::Method;
use ringfort::{
    model::{
        geo::Coordinate,
        permission::Role,
        position::{Look, Point},
        profile::Profile,
        retention::DataKind,
    },
    server::{
        boot::App,
        caller::{Actor, Caller, Origin},
        jobs::worker,
        live::{Cursor, Payload, relay},
        services::{
            position::{
                self,
                intake::{self, Waiting},
            },
            retention,
        },
        store::{self, TenantTx, position::Fate},
    },
};
use serde_json::{Value, json};

use crate::{
    kit::{Business, Member, TestApp, sql, until},
    token::{Answer, PASSWORD, ask, program},
};

async fn start() -> (TestApp, Business) {
    let app = TestApp::start().await;
    let business = app.business("a", Profile::FieldService).await;
    app.give_password(business.member(Role::Technician), PASSWORD).await;
    (app, business)
}

/// A technician's phone, on shift, with a fresh token.
async fn phone(app: &TestApp, business: &Business) -> String {
    let technician = business.member(Role::Technician);
    assert_eq!(app.browser(technician).await.post("/api/shift/begin", &[]).await.status, 303);
    program(app, &technician.email).await.access
}

fn point(app: &TestApp, seconds: i64, lat: f64) -> Value {
    json!({ "at": app.now().plus(seconds).0.to_string(), "lat": lat, "lon": -97.7, "accuracy_m": 9 })
}

async fn send(app: &TestApp, token: &str, body: &Value) -> Answer {
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    ask(app, Method::POST, "/api/v1/positions", &headers, body.to_string()).await
}

fn results(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{}", answer.body);
    let all = answer.body["results"].as_array().expect("results");
    let word = |result: &Value| result["reason"].as_str().or(result["result"].as_str()).expect("a word").to_owned();
    all.iter().map(word).collect()
}

async fn stored(app: &TestApp) -> i64 {
    sql::count(&app.owner, "select count(*) from positions").await
}

async fn refusals(app: &TestApp) -> String {
    let counted =
        "select coalesce(string_agg(reason || ' ' || count, ', ' order by reason), '') from position_refusals";
    sql::text(&app.owner, counted).await
}

fn caller(app: &TestApp, member: &Member) -> Caller {
    Caller {
        actor: Actor::Member { member: member.id, user: member.user, grants: member.role.grants() },
        business: member.business,
        origin: Origin { door: "test", network: None },
        trace: app.app.draw(),
    }
}

async fn tx_of(app: &TestApp, member: &Member) -> TenantTx {
    TenantTx::open(app.app.db(), &caller(app, member), app.now()).await.expect("a transaction")
}

/// Requests of one point each, as a node stores them, past the door.
fn requests(app: &TestApp, member: &Member, seconds: &[i64]) -> Vec<Waiting> {
    let place = Coordinate::from_degrees(30.0, -97.0).expect("a place");
    let request = |second: &i64| {
        let at = app.now().plus(*second).0;
        let point = Point { at, place, accuracy_m: 5.0, speed_mps: None, heading_deg: None, is_coarse: false };
        Waiting { member: member.id, points: vec![point], refused: Vec::new() }
    };
    seconds.iter().map(request).collect()
}

async fn flushed(app: &App, business: &Business, requests: &[Waiting]) -> Vec<Fate> {
    let fates = intake::flush(app, business.id, requests).await.expect("stores");
    fates.into_iter().flatten().collect()
}

#[tokio::test]
async fn gps_1_a_point_is_the_latest_position_history_and_an_event() {
    let (app, business) = start().await;
    let token = phone(&app, &business).await;
    app.clock.advance(30);
    let answer = send(&app, &token, &point(&app, 0, 30.25)).await;
    assert_eq!((answer.status, answer.body["result"].as_str()), (200, Some("stored")), "{}", answer.body);
    let again = send(&app, &token, &point(&app, 0, 30.25)).await;
    assert_eq!(again.body["result"], "duplicate");
    assert_eq!(stored(&app).await, 1);
    let latest = "select lat_e7 || ' ' || cardinality(recent_fixes) || ' ' || cardinality(recent_arrivals) from latest_positions";
    assert_eq!(sql::text(&app.owner, latest).await, "302500000 1 1");
    let events = "select count(*) from outbox where topic = 'position' and member_id = subject_id";
    assert_eq!(sql::count(&app.owner, events).await, 1);
    let mut tx = tx_of(&app, business.member(Role::Dispatcher)).await;
    let units = store::position::latest(&mut tx).await.expect("reads");
    let place = units.first().and_then(|unit| unit.position.as_ref()).map(|position| position.place.degrees());
    assert_eq!((units.len(), place), (1, Some((30.25, -97.7))));
}

#[tokio::test]
async fn gps_1_a_flush_of_several_writes_each_of_their_rows() {
    let (app, business) = start().await;
    let other = app.join(business.id, Role::Technician, "other@example.com").await;
    let both = [business.member(Role::Technician), &other];
    for member in both {
        assert_eq!(app.browser(member).await.post("/api/shift/begin", &[]).await.status, 303);
    }
    let rows = async || {
        let recent = "select string_agg(cardinality(recent_fixes) || ' ' || cardinality(recent_arrivals), ', '
            order by cardinality(recent_fixes)) from latest_positions l where exists (
                select from positions p where p.member_id = l.member_id and l.recent_fixes[1] = l.fix_at
                having max(p.fix_at) = l.fix_at)";
        sql::text(&app.owner, recent).await
    };
    app.clock.advance(100);
    let first: Vec<Waiting> = both.iter().flat_map(|member| requests(&app, member, &[-9])).collect();
    assert_eq!(flushed(&app.app, &business, &first).await, [Fate::Stored; 2]);
    assert_eq!(rows().await, "1 1, 1 1");
    assert_eq!(flushed(&app.app, &business, &requests(&app, &other, &[-50])).await, [Fate::Stored], "late");
    assert_eq!(rows().await, "1 1, 2 2");
    app.clock.advance(60);
    let next: Vec<Waiting> = both.iter().flat_map(|member| requests(&app, member, &[-7])).collect();
    assert_eq!(flushed(&app.app, &business, &next).await, [Fate::Stored; 2]);
    assert_eq!(rows().await, "2 2, 3 3");
    let unknown = "select (select count(*) from positions where speed_mps is null and heading_deg is null)
        + (select count(*) from latest_positions where speed_mps is null and heading_deg is null)";
    assert_eq!(
        (stored(&app).await, sql::count(&app.owner, unknown).await),
        (5, 7),
        "what is not known is not a number"
    );
}

#[tokio::test]
async fn gps_2_one_event_names_all_who_moved() {
    let (app, business) = start().await;
    let other = app.join(business.id, Role::Technician, "other@example.com").await;
    let both = [business.member(Role::Technician), &other];
    for member in both {
        assert_eq!(app.browser(member).await.post("/api/shift/begin", &[]).await.status, 303);
    }
    app.clock.advance(100);
    let sent: Vec<Waiting> = both.iter().flat_map(|member| requests(&app, member, &[-9])).collect();
    flushed(&app.app, &business, &sent).await;
    flushed(&app.app, &business, &requests(&app, &other, &[-50])).await;
    let events = "select count(*) from outbox where topic = 'position'";
    assert_eq!(sql::count(&app.owner, events).await, 1, "who sends what is older does not move");
    let begin = Cursor { xid: 0, id: 0, at: 0 };
    let mut rows = Vec::new();
    // Until it is settled: other tests' transactions hold it up.
    until("the event is settled", async || {
        rows = store::outbox::after(app.app.db(), begin, 100).await.expect("reads");
        rows.retain(|row| row.topic == "position");
        !rows.is_empty()
    })
    .await;
    let mut tx = app.tx(business.id).await;
    let replayed = store::outbox::replay(&mut tx, begin, 100).await.expect("reads");
    drop(tx);
    let row = rows.first().expect("a row").clone();
    assert!(replayed.iter().any(|again| again.cursor == row.cursor && again.members == row.members));
    // As the version before wrote it, and as it is written now.
    let alone = store::outbox::Row { members: Vec::new(), ..row.clone() };
    for (row, wanted) in [(alone, 1), (row, 2)] {
        let events = relay::read_missed(&app.app, business.id, vec![row]).await.expect("reads");
        let [event] = events.as_slice() else { panic!("{events:?}") };
        let Payload::Positions(moved) = &event.payload else { panic!("{event:?}") };
        assert_eq!(moved.len(), wanted);
        assert!(moved.iter().all(|moved| moved.unit.as_ref().is_some_and(|unit| unit.position.is_some())));
    }
}

#[tokio::test]
async fn gps_3_outside_a_shift_a_point_is_refused_and_never_stored() {
    let (app, business) = start().await;
    let technician = business.member(Role::Technician);
    let browser = app.browser(technician).await;
    let token = program(&app, &technician.email).await.access;
    let answer = send(&app, &token, &point(&app, 0, 30.0)).await;
    assert_eq!((answer.status, answer.body["reason"].as_str()), (409, Some("off_shift")));
    assert_eq!(browser.post("/api/shift/begin", &[]).await.status, 303);
    app.clock.advance(60);
    assert_eq!(browser.post("/api/shift/end", &[]).await.status, 303);
    app.clock.advance(60);
    // By their own times: what comes late is judged by when it was.
    let body = json!({ "points": [point(&app, -121, 30.0), point(&app, -90, 30.0), point(&app, -30, 30.0)] });
    assert_eq!(results(&send(&app, &token, &body).await), ["off_shift", "stored", "off_shift"]);
    assert_eq!((stored(&app).await, refusals(&app).await), (1, "off_shift 3".to_owned()));
    let mut tx = tx_of(&app, business.member(Role::Dispatcher)).await;
    assert!(store::position::latest(&mut tx).await.expect("reads").is_empty(), "off shift, nobody is shown");
}

#[tokio::test]
async fn gps_1_three_requests_a_minute_by_arrival() {
    let (app, business) = start().await;
    let token = phone(&app, &business).await;
    for second in 1..=3 {
        app.clock.advance(1);
        assert_eq!(send(&app, &token, &point(&app, 0, 30.0)).await.status, 200, "{second}");
    }
    app.clock.advance(20);
    let over = send(&app, &token, &point(&app, 0, 30.0)).await;
    let after = over.headers.get("retry-after").and_then(|value| value.to_str().ok());
    assert_eq!((over.status, after), (429, Some("38")), "{}", over.body);
    let batch = send(&app, &token, &json!({ "points": [point(&app, 0, 30.0)] })).await;
    assert_eq!(batch.status, 429, "whatever it brings");
    assert_eq!((stored(&app).await, refusals(&app).await), (3, "too_often 2".to_owned()));
    app.clock.advance(38);
    assert_eq!(send(&app, &token, &point(&app, 0, 30.0)).await.status, 200);
}

#[tokio::test]
async fn gps_1_three_points_a_minute_by_their_own_times() {
    let (app, business) = start().await;
    let token = phone(&app, &business).await;
    app.clock.advance(240);
    // A phone that was offline: an even trail stays, what is more does not.
    let times: Vec<i64> = (-200..-100).collect();
    let points: Vec<Value> = times.iter().map(|second| point(&app, *second, 30.0)).collect();
    let results = results(&send(&app, &token, &json!({ "points": points })).await);
    assert_eq!(results.iter().filter(|word| *word == "stored").count(), 6, "three in each begun minute: {results:?}");
    // Between, before and behind what is there: nothing fits in.
    let late = json!({ "points": [point(&app, -195, 30.0), point(&app, -145, 30.0), point(&app, -220, 30.0)] });
    let answer = send(&app, &token, &late).await;
    assert_eq!(answer.body["results"][0]["reason"], "too_often");
    let crowded = "select count(*) from positions a where 3 < (
        select count(*) from positions b where b.fix_at >= a.fix_at and b.fix_at < a.fix_at + interval '60 seconds')";
    assert_eq!(sql::count(&app.owner, crowded).await, 0);
}

#[tokio::test]
async fn gps_1_nobody_passes_the_limit_by_asking_two_nodes() {
    let (app, business) = start().await;
    let technician = business.member(Role::Technician);
    assert_eq!(app.browser(technician).await.post("/api/shift/begin", &[]).await.status, 303);
    app.clock.advance(50);
    let other = app.node().await;
    let (left, right) = (requests(&app, technician, &[-9, -7, -5, -3]), requests(&app, technician, &[-8, -6, -4, -2]));
    let (left, right) = tokio::join!(flushed(&app.app, &business, &left), flushed(&other, &business, &right));
    let kept = left.iter().chain(&right).filter(|fate| **fate == Fate::Stored).count();
    assert_eq!((kept, stored(&app).await), (3, 3), "{left:?} {right:?}");
}

#[tokio::test]
async fn gps_1_each_point_of_a_batch_is_answered_and_marked() {
    let (app, business) = start().await;
    phone(&app, &business).await;
    app.clock.advance(600);
    // The first token's ten minutes are over.
    let token = program(&app, &business.member(Role::Technician).email).await.access;
    let mut coarse = point(&app, -400, 30.0);
    coarse["accuracy_m"] = json!(6_000);
    let mut lost = point(&app, -20, 30.0);
    lost["lat"] = json!(95);
    let points = [
        coarse,
        point(&app, -360, 30.0),
        // 111 km in a minute.
        point(&app, -300, 31.0),
        point(&app, -240, 31.0),
        lost,
        point(&app, 31, 31.0),
        point(&app, -90_000, 31.0),
        point(&app, -240, 31.0),
    ];
    let answer = send(&app, &token, &json!({ "points": points })).await;
    let wanted = ["stored", "stored", "stored", "stored", "invalid", "ahead", "too_old", "duplicate"];
    assert_eq!(results(&answer), wanted);
    assert_eq!(answer.body["results"][4]["field"], "lat");
    let marks = "select string_agg(is_coarse::int || '' || is_fast::int, ' ' order by fix_at) from positions";
    assert_eq!(sql::text(&app.owner, marks).await, "10 00 01 00");
    for body in [json!([]), json!({ "points": 3 }), json!({ "points": [], "also": 1 })] {
        assert_eq!(send(&app, &token, &body).await.status, 400, "{body}");
    }
    let many = json!({ "points": vec![point(&app, 0, 30.0); 501] });
    assert_eq!(send(&app, &token, &many).await.status, 413);
}

#[tokio::test]
async fn gps_3_a_shift_ends_by_its_technician_a_dispatcher_or_the_clock() {
    let (app, business) = start().await;
    let technician = business.member(Role::Technician);
    let (own, dispatcher) = (app.browser(technician).await, app.browser(business.member(Role::Dispatcher)).await);
    let other = app.browser(&app.join(business.id, Role::Technician, "other@example.com").await).await;
    let member = technician.id.to_string();
    assert_eq!(own.post("/api/shift/begin", &[]).await.status, 303);
    assert_eq!(own.clone().json().post("/api/shift/begin", &[]).await.status, 409, "one at a time");
    let theirs = [("member", member.as_str())];
    assert_eq!(other.json().post("/api/shift/end", &theirs).await.status, 404);
    let open = "select count(*) from shifts where ended_at is null";
    assert_eq!(sql::count(&app.owner, open).await, 1);
    assert_eq!(dispatcher.post("/api/shift/end", &theirs).await.status, 303);
    assert_eq!(own.post("/api/shift/begin", &[]).await.status, 303);
    let told = "select count(*) from outbox where topic = 'shift'";
    assert_eq!(sql::count(&app.owner, told).await, 3);
    app.clock.advance(14 * 3600);
    worker::minute(&app.app).await.expect("housekeeping");
    let ends = "select string_agg(ended_how || ' ' || extract(epoch from ended_at - began_at)::int, ', ' order by began_at, ended_at)
        from shifts";
    assert_eq!(sql::text(&app.owner, ends).await, "dispatcher 0, clock 50400");
    let written = "select count(*) from audit_entries where action = 'shift.ended' and result = 'done'";
    assert_eq!(sql::count(&app.owner, written).await, 2);
}

#[tokio::test]
async fn gps_3_looking_is_written_down_once_a_span_and_shown_to_the_technician() {
    let (app, business) = start().await;
    let (technician, dispatcher) = (business.member(Role::Technician), business.member(Role::Dispatcher));
    assert_eq!(app.browser(technician).await.post("/api/shift/begin", &[]).await.status, 303);
    app.clock.advance(60);
    let looker = caller(&app, dispatcher);
    for look in [Look::Map, Look::Map, Look::Trail(technician.id), Look::Trail(technician.id)] {
        position::looks(&app.app, &looker, look).await.expect("may look");
    }
    position::looks(&app.app, &caller(&app, technician), Look::Map).await.expect("may look at themselves");
    let agent = position::looks(&app.app, &caller(&app, business.member(Role::Agent)), Look::Map).await;
    assert!(agent.is_err(), "agents see no map");
    let entries = "select count(*) from audit_entries where action = 'locations.looked'";
    assert_eq!(sql::count(&app.owner, entries).await, 2);
    let mut tx = tx_of(&app, technician).await;
    let shown = store::position::looks_at(&mut tx, technician.id).await.expect("their own");
    assert_eq!(shown.iter().filter(|look| look.what == "trail").count(), 1);
    assert_eq!(shown.len(), 2);
    assert!(store::position::looks_at(&mut tx, dispatcher.id).await.is_err());
    drop(tx);
    app.clock.advance(600);
    position::looks(&app.app, &looker, Look::Map).await.expect("may look");
    assert_eq!(sql::count(&app.owner, entries).await, 3, "another span is another look");
}

#[tokio::test]
async fn ten_1_another_business_sees_and_moves_nobody_here() {
    let (app, business) = start().await;
    let other = app.business("b", Profile::FieldService).await;
    let token = phone(&app, &business).await;
    app.clock.advance(5);
    assert_eq!(send(&app, &token, &point(&app, 0, 30.0)).await.status, 200);
    let mut tx = tx_of(&app, other.member(Role::Dispatcher)).await;
    assert!(store::position::latest(&mut tx).await.expect("reads").is_empty());
    let place = Coordinate::from_degrees(30.0, -97.7).expect("a place");
    assert!(store::position::nearest(&mut tx, place, 5).await.expect("reads").is_empty());
    let (from, to) = (app.now().plus(-60), app.now());
    let member = business.member(Role::Technician).id;
    assert!(store::position::trail(&mut tx, member, from, to, from).await.expect("reads").is_empty());
    // A point of theirs in a flush of another business: there is no shift, and nobody to count it for.
    let theirs = requests(&app, business.member(Role::Technician), &[-1]);
    assert!(intake::flush(&app.app, other.id, &theirs).await.is_err());
    assert_eq!((stored(&app).await, refusals(&app).await), (1, String::new()));
}

/// A position of so many days ago, past all doors.
async fn position(app: &TestApp, business: &Business, days: i64) {
    let (technician, at) = (business.member(Role::Technician).id.0, app.now().plus(-days * 24 * 3600).0);
    let statement = format!(
        "insert into positions (business_id, member_id, fix_at, received_at, lat_e7, lon_e7, accuracy_m, is_coarse, is_fast)
         values ('{}', '{technician}', '{at}', '{at}', 1, 1, 1, false, false)",
        business.id.0
    );
    sql::run(&app.owner, statement).await;
}

#[tokio::test]
async fn gps_1_a_week_is_made_though_positions_of_it_came_before() {
    let (app, business) = start().await;
    let other = app.business("b", Profile::FieldService).await;
    // As of phones whose clocks were far off: there is no week of theirs yet.
    for business in [&business, &other] {
        position(&app, business, -40).await;
        position(&app, business, 1).await;
    }
    let rest = "select count(*) from positions_rest";
    assert_eq!(sql::count(&app.owner, rest).await, 2);
    let week = "select lobby.positions_partition((now() + interval '40 days')::date)";
    let week = sql::text(&app.pool_as("ringfort_worker", 1), week).await;
    assert_eq!(sql::count(&app.owner, rest).await, 0);
    assert_eq!(sql::count(&app.owner, format!("select count(*) from {week}")).await, 2);
    assert_eq!(stored(&app).await, 4, "none is lost");
    let walls = "select bool_and(relrowsecurity and relforcerowsecurity) || ' ' || count(*) from pg_class
        where oid in (select inhrelid from pg_inherits where inhparent = 'positions'::regclass)";
    let weeks = "select 'true ' || count(*) from pg_inherits where inhparent = 'positions'::regclass";
    assert_eq!(sql::text(&app.owner, walls).await, sql::text(&app.owner, weeks).await, "row security holds in each");
    let mut tx = app.tx(business.id).await;
    let (due, _) = store::retention::older_than(&mut tx, DataKind::Positions, app.now().plus(50 * 24 * 3600))
        .await
        .expect("reads");
    assert_eq!(due, 2, "in a business only its own");
}

#[tokio::test]
async fn gps_3_the_clock_ends_shifts_though_a_step_before_that_fails() {
    let (app, business) = start().await;
    let technician = business.member(Role::Technician);
    assert_eq!(app.browser(technician).await.post("/api/shift/begin", &[]).await.status, 303);
    app.clock.advance(14 * 3600);
    sql::run(&app.owner, "alter function lobby.lockouts_trim rename to lockouts_trim_away").await;
    assert!(worker::minute(&app.app).await.is_err(), "what failed is said");
    let open = "select count(*) from shifts where ended_at is null";
    assert_eq!(sql::count(&app.owner, open).await, 0, "what comes after it is done");
}

#[tokio::test]
async fn ret_2_positions_of_a_member_go_oldest_first_and_the_oldest_of_all_is_found() {
    let (app, business) = start().await;
    let other = app.business("b", Profile::FieldService).await;
    for days in [6, 5, 4, 3] {
        position(&app, &business, days).await;
    }
    position(&app, &other, 6).await;
    let cutoff = app.now().plus(-4 * 24 * 3600);
    let mut tx = app.tx(business.id).await;
    let oldest = app.now().plus(-6 * 24 * 3600);
    let found = store::retention::older_than(&mut tx, DataKind::Positions, cutoff).await.expect("reads");
    assert_eq!(found, (2, Some(oldest)));
    assert_eq!(store::retention::delete_batch(&mut tx, DataKind::Positions, cutoff, 1).await.expect("deletes"), 1);
    let found = store::retention::older_than(&mut tx, DataKind::Positions, cutoff).await.expect("reads");
    assert_eq!(found, (1, Some(app.now().plus(-5 * 24 * 3600))));
    assert_eq!(store::retention::delete_batch(&mut tx, DataKind::Positions, cutoff, 9).await.expect("deletes"), 1);
    tx.commit().await.expect("commits");
    assert_eq!(stored(&app).await, 3, "what is younger stays, and another business's");
}

#[tokio::test]
async fn gps_2_a_trail_of_a_week_is_whole() {
    let (app, business) = start().await;
    let (technician, now) = (business.member(Role::Technician).id, app.now().0);
    let week = format!(
        "insert into positions (business_id, member_id, fix_at, received_at, lat_e7, lon_e7, accuracy_m, is_coarse, is_fast)
         select '{}', '{}', at, at, 1, 1, 1, false, false
         from generate_series(timestamptz '{now}' - interval '3 days', '{now}', interval '20 seconds') as at",
        business.id.0,
        technician.0,
    );
    let sent = sql::run(&app.owner, week).await;
    let mut tx = tx_of(&app, business.member(Role::Dispatcher)).await;
    let from = app.now().plus(-7 * 24 * 3600);
    let trail = store::position::trail(&mut tx, technician, from, app.now(), from).await.expect("reads");
    assert_eq!((trail.len(), sent), (12_961, 12_961));
}

#[tokio::test]
async fn ret_2_positions_go_by_day_and_their_weeks_are_dropped() {
    let (app, business) = start().await;
    for days in [400, 200, 179, 1] {
        sql::run(&app.owner, format!("select lobby.positions_partition((now() - interval '{days} days')::date)")).await;
        position(&app, &business, days).await;
    }
    retention::run(&app.app, &app.machine(business.id)).await.expect("runs");
    assert_eq!(stored(&app).await, 2);
    let weeks = "select count(*) from pg_inherits where inhparent = 'positions'::regclass";
    let before = sql::count(&app.owner, weeks).await;
    worker::minute(&app.app).await.expect("housekeeping");
    assert_eq!((stored(&app).await, sql::count(&app.owner, weeks).await), (2, before - 2), "weeks that nobody keeps");
}
