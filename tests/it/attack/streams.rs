//! Live events (PER-3, TEN-4): a stream carries what its role reaches, and nothing of another business. The same outbox row
//! is looked at by every role.

use axum::{
    body::{Body, to_bytes},
    http::{Request, header},
};
use ringfort::{
    model::permission::{Grants, Permission, Reach, Role},
    server::store::{
        outbox::{Topic, put},
        session::hash,
    },
};
use tokio::time::timeout;
use tower::ServiceExt;
use tower_sessions::session::Id;

use super::{
    plan::Thing,
    world::{Person, World},
};
use crate::kit::{Browser, Member, PATIENCE, until};

/// What a stream says at once when it is opened behind a cursor. `None` where the door is shut.
async fn heard(world: &World, browser: &Browser, after: &str) -> Option<String> {
    let cookie = browser.cookie.as_deref().expect("a session");
    let path = format!("/live?after={after}");
    let request = Request::get(path).header(header::COOKIE, cookie).body(Body::empty()).expect("a request");
    let response = world.app.router().oneshot(request).await.expect("the service never fails");
    if response.status().as_u16() == 403 {
        return None;
    }
    assert_eq!(response.status().as_u16(), 200);
    // What was missed stands in the stream already; then it ends.
    let id = cookie.split_once('=').expect("a cookie with a value").1;
    world.app.app.hub().end_session(&hash(id.parse::<Id>().expect("an id")));
    let body = timeout(PATIENCE, to_bytes(response.into_body(), 1 << 20)).await;
    let bytes = body.expect("the stream ends").expect("a whole body");
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// The place that a stream begins at.
async fn cursor(world: &World, browser: &Browser) -> String {
    let opening = heard(world, browser, "").await.expect("a stream");
    let line = opening.lines().find_map(|line| line.strip_prefix("id:")).expect("a place");
    line.trim().to_owned()
}

/// A call, a pop and a job of somebody's, told to all streams of their business.
async fn happens(world: &World, owner: &Member) -> [String; 3] {
    let (call, pop) = (world.make(Thing::Call, owner).await, world.make(Thing::Pop, owner).await);
    let job = world.make(Thing::WorkOrder, owner).await;
    let mut tx = world.app.tx(owner.business).await;
    put(&mut tx, Topic::Call(call.parse().expect("an id"))).await.expect("is put");
    put(&mut tx, Topic::Pop(pop.parse().expect("an id"), owner.id)).await.expect("is put");
    put(&mut tx, Topic::WorkOrder(job.parse().expect("an id"), Some(owner.id))).await.expect("is put");
    tx.commit().await.expect("commits");
    [call, pop, job]
}

#[tokio::test]
async fn per_3_a_stream_carries_what_its_role_reaches_and_nothing_of_another_business() {
    let world = World::start().await;
    let owner = world.person(&world.a, Role::Owner).await;
    let mut people: Vec<(&str, Grants, Person)> = Vec::new();
    for role in Role::ALL {
        people.push((role.code(), role.grants(), world.person(&world.a, role).await));
    }
    // A role of the business that sees jobs, and nothing else that a stream tells.
    let planner = world.person(&world.a, Role::Viewer).await;
    let jobs_alone = Grants::read(&["work_orders all"]);
    world.give(&planner, Role::Viewer, jobs_alone).await;
    people.push(("planner", jobs_alone, planner));
    let start = cursor(&world, &owner.browser).await;
    let mut own = Vec::new();
    for (_, _, person) in &people {
        own.push(happens(&world, &person.member).await);
    }
    let others = happens(&world, world.a.member(Role::Agent)).await;
    let foreign = happens(&world, world.b.member(Role::Agent)).await;
    // Until everything is settled: other tests' transactions hold it up.
    until("everything is settled", async || {
        let seen = heard(&world, &world.app.browser(&owner.member).await, &start).await.expect("a stream");
        seen.contains(&others[0]) && own.iter().all(|[call, _, job]| seen.contains(call) && seen.contains(job))
    })
    .await;
    let mut streams = 0;
    for ((name, grants, person), [call, pop, job]) in people.iter().zip(&own) {
        let Some(seen) = heard(&world, &person.browser, &start).await else {
            let told = [Permission::LiveBoard, Permission::ScreenPop, Permission::WorkOrders];
            assert!(told.iter().all(|permission| !grants.holds(*permission)), "{name} has no stream");
            continue;
        };
        streams += 1;
        assert_eq!(seen.contains(call), grants.reach(Permission::LiveBoard) > Reach::None, "{name}: their own call");
        assert_eq!(seen.contains(&others[0]), grants.reach(Permission::LiveBoard) == Reach::All, "{name}: {seen}");
        assert_eq!(seen.contains(pop), grants.reach(Permission::ScreenPop) > Reach::None, "{name}: their own pop");
        assert_eq!(seen.contains(job), grants.holds(Permission::WorkOrders), "{name}: their own job");
        assert_eq!(seen.contains(&others[2]), grants.reach(Permission::WorkOrders) == Reach::All, "{name}: {seen}");
        assert!(!seen.contains(&others[1]), "{name} sees somebody else's pop");
        assert!(foreign.iter().all(|id| !seen.contains(id)), "{name} sees another business's: {seen}");
    }
    assert!(streams >= 7, "only {streams} streams");
    // And the other business hears of its own only.
    let there = world.app.browser(world.b.member(Role::Owner)).await;
    let seen = heard(&world, &there, &start).await.expect("a stream");
    assert!(own.iter().chain([&others]).flatten().all(|id| !seen.contains(id)), "{seen}");
}
