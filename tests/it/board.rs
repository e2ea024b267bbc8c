//! The live board, complete (TEL-2): what agents say of themselves, the service level, wallboards, and what supervisors do with
//! running calls. Two businesses, by the real doors.

mod control;
mod wall;

use ringfort::{
    model::{
        board::Measures,
        permission::{Permission, Reach, Role},
        profile::Profile,
    },
    server::store,
    ui::wire::live::Tally,
};

use crate::kit::{Business, TestApp, fixture::Filled, sql};

/// A business with something in it, and another one.
struct Two {
    app: TestApp,
    a: Business,
    of_a: Filled,
    b: Business,
    of_b: Filled,
}

async fn two() -> Two {
    let app = TestApp::start().await;
    let a = app.business("a", Profile::FieldService).await;
    let b = app.business("b", Profile::FieldService).await;
    let (of_a, of_b) = (app.fill(&a).await, app.fill(&b).await);
    Two { app, a, of_a, b, of_b }
}

/// What an agent says now, and why.
async fn says(app: &TestApp, business: &Business, role: Role) -> String {
    let said = format!(
        "select s.state || ' ' || coalesce(r.label, '-') from agent_states s
         left join agent_reasons r on r.business_id = s.business_id and r.id = s.reason_id
         where s.member_id = '{}'",
        business.member(role).id.0
    );
    sql::text(&app.owner, said).await
}

#[tokio::test]
async fn tel_2_agents_speak_for_themselves_and_supervisors_for_others() {
    let Two { app, a, of_a, .. } = two().await;
    let agent = app.browser(a.member(Role::Agent)).await;
    let reason = of_a.reason.to_string();
    assert_eq!(agent.post("/api/agent/state", &[("says", "available")]).await.status, 303);
    assert_eq!(says(&app, &a, Role::Agent).await, "available -");
    assert_eq!(agent.post("/api/agent/state", &[("says", &reason)]).await.status, 303);
    assert_eq!(says(&app, &a, Role::Agent).await, "break Lunch");
    // Each is kept, told to the streams, and written down.
    let of_agent = a.member(Role::Agent).id.0;
    let kept = format!("select count(*) from agent_state_events where member_id = '{of_agent}'");
    assert_eq!(sql::count(&app.owner, kept).await, 3, "two, and the fixture's");
    let told = format!("select count(*) from outbox where topic = 'agent' and subject_id = '{of_agent}'");
    assert_eq!(sql::count(&app.owner, told).await, 2);
    let written = "select count(*) from audit_entries where action = 'agent.state_changed' and result = 'done'";
    assert_eq!(sql::count(&app.owner, written).await, 2);

    let viewer = a.member(Role::Viewer).id.to_string();
    let other = [("member", viewer.as_str()), ("their_state", "available")];
    assert_eq!(agent.post("/api/agent/state/set", &other).await.status, 403, "an agent speaks for nobody else");
    let dispatcher = app.browser(a.member(Role::Dispatcher)).await;
    let theirs = of_agent_form(&a);
    let form: Vec<(&str, &str)> = theirs.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(dispatcher.post("/api/agent/state/set", &form).await.status, 303);
    assert_eq!(says(&app, &a, Role::Agent).await, "offline -");
    let wrong = [("member", theirs[0].1.as_str()), ("their_state", "asleep")];
    let refused = dispatcher.json().post("/api/agent/state/set", &wrong).await;
    assert!(refused.status == 422 && refused.body.contains("\"their_state\""), "its own field: {}", refused.body);
}

fn of_agent_form(business: &Business) -> [(&'static str, String); 2] {
    [("member", business.member(Role::Agent).id.to_string()), ("their_state", "offline".to_owned())]
}

#[tokio::test]
async fn ten_4_a_reason_of_another_business_is_no_choice() {
    let Two { app, a, of_b, .. } = two().await;
    let agent = app.browser(a.member(Role::Agent)).await.json();
    let foreign = of_b.reason.to_string();
    for bad in [foreign.as_str(), "asleep", ""] {
        let refused = agent.post("/api/agent/state", &[("says", bad)]).await;
        assert_eq!(refused.status, 422, "{bad}: {}", refused.body);
    }
    assert_eq!(says(&app, &a, Role::Agent).await, "break Lunch", "as before");
}

#[tokio::test]
async fn tel_2_the_board_names_agents_of_its_business_alone_and_with_own_reach_oneself() {
    let Two { app, a, b, .. } = two().await;
    for (business, other, tag) in [(&a, &b, "a"), (&b, &a, "b")] {
        let name =
            format!("update members set name = 'Agent of {tag}' where id = '{}'", business.member(Role::Agent).id.0);
        sql::run(&app.owner, name).await;
        let page = app.browser(business.member(Role::Owner)).await.get("/board").await;
        assert!(page.body.contains(&business.member(Role::Agent).id.to_string()), "{tag}: its own agent");
        assert!(!page.body.contains(&other.member(Role::Agent).id.to_string()), "{tag}: another's agent");
    }
    // A dispatcher has a desk too.
    let desk = format!(
        "insert into extensions (business_id, id, extension, member_id, target, created_at)
         values ('{}', gen_random_uuid(), '102', '{}', 'client:desk_102', now())",
        a.id.0,
        a.member(Role::Dispatcher).id.0
    );
    sql::run(&app.owner, desk).await;
    assert_eq!(Role::Agent.grants().reach(Permission::LiveBoard), Reach::Own);
    let page = app.browser(a.member(Role::Agent)).await.get("/board").await;
    assert!(!page.body.contains(&a.member(Role::Dispatcher).id.to_string()), "an agent sees nobody else's state");
    assert!(!page.body.contains("Service level"), "nor the business's figures");
}

async fn counted(app: &TestApp, business: &Business) -> Tally {
    let mut tx = app.tx(business.id).await;
    store::board::tally(&mut tx, Measures::DEFAULT).await.expect("is counted")
}

#[tokio::test]
async fn tel_2_the_service_level_counts_the_calls_of_the_last_hour_that_are_decided() {
    let Two { app, a, of_a, b, .. } = two().await;
    // Seconds ago, answered after, ended after; `-` for not.
    let calls: [(i64, &str, &str); 9] = [
        (600, "5", "60"),
        (600, "20", "60"),
        (600, "21", "60"),
        (600, "-", "30"),
        (5, "-", "-"),
        (4000, "1", "9"),
        (600, "2", "60"),
        (600, "25", "60"),
        (600, "-", "30"),
    ];
    for (number, (ago, answered, ended)) in calls.into_iter().enumerate() {
        let after = |seconds: &str| match seconds {
            "-" => "null".to_owned(),
            seconds => format!("timestamptz '{}' + interval '{seconds} seconds'", app.now().plus(-ago).0),
        };
        let statement = format!(
            "insert into calls (business_id, id, connection_id, provider_call_id, direction, own_number, state, state_seq,
                 started_at, state_at, answered_at, ended_at)
             values ('{}', gen_random_uuid(), '{}', 'level-{number}', 'inbound', '+15005550006', 'ringing', 1,
                 '{started}', '{started}', {}, {})",
            a.id.0,
            of_a.twilio.connection.0,
            after(answered),
            after(ended),
            started = app.now().plus(-ago).0,
        );
        sql::run(&app.owner, statement).await;
    }
    // The last three are masked: answered by the technician, whom no desk had to; not answered by them, but by a desk five seconds
    // after that; and a technician's own, whom the customer did not answer.
    for (call, side, missed) in [(6, "customer", "null"), (7, "customer", "20"), (8, "technician", "20")] {
        let masked = format!(
            "insert into masked_calls (business_id, call_id, session_id, side, missed_at)
             select c.business_id, c.id, s.id, '{side}', c.started_at + {missed} * interval '1 second'
             from calls c join proxy_sessions s on s.business_id = c.business_id
             where c.provider_call_id = 'level-{call}'"
        );
        assert_eq!(sql::run(&app.owner, masked).await, 1);
    }
    let found = counted(&app, &a).await;
    assert_eq!(found.of(None), (3, 5), "what rings still, and what is older, does not count");
    assert_eq!(found.of(Some(of_a.queue)), (3, 5), "they came in by the fixture's queue");
    assert_eq!(counted(&app, &b).await.of(None), (0, 0), "another business's count for nothing");
}

#[tokio::test]
async fn tel_2_what_the_board_measures_by_is_the_businesss() {
    let Two { app, a, b, .. } = two().await;
    let owner = app.browser(a.member(Role::Owner)).await;
    let fields = [("warn_seconds", "30"), ("bad_seconds", "60"), ("answer_seconds", "10"), ("target_percent", "95")];
    assert_eq!(owner.post("/api/board/save", &fields).await.status, 303);
    let board = owner.get("/board").await.body;
    assert!(board.contains("within 10 s in the last hour; goal 95 %"), "{board}");
    let there = app.browser(b.member(Role::Owner)).await.get("/board").await.body;
    assert!(there.contains("within 20 s in the last hour; goal 80 %"));
    let upside = [("warn_seconds", "60"), ("bad_seconds", "60"), ("answer_seconds", "10"), ("target_percent", "95")];
    assert_eq!(owner.json().post("/api/board/save", &upside).await.status, 422);
}
