//! A thousand people at the sign-in at once, each from a network of their own, so that no limit of tries holds them up
//! (ACC-1): as many passwords are hashed at once as there are slots, some wait, the others are told to come back, and
//! memory stays bounded.
//!
//! Memory is a process's, and tests may share one: the flood runs in a process of its own, which is this program once more.

use std::{env, fs, net::SocketAddr, process::Command};

use axum::{
    Router,
    body::Body,
    extract::ConnectInfo,
    http::{Request, StatusCode},
};
use futures::future::join_all;
use ringfort::{
    model::{permission::Role, profile::Profile},
    server::vault::password::MEMORY_KIB,
};
use tower::ServiceExt;

use crate::kit::{TestApp, form};

const PEOPLE: u16 = 1_000;
const PASSWORD: &str = "Seven quiet otters, 1 pond";
/// How many [`TestApp`] hashes at once.
const SLOTS: u64 = 4;
/// What a thousand requests may hold besides, in a test's build, and what the allocator keeps for each thread that has ever
/// hashed. One hash for each request would be 19 GiB.
const BESIDES_KIB: u64 = 768 * 1024;

#[test]
fn acc_1_a_thousand_sign_ins_at_once_do_not_exhaust_memory() {
    let program = env::current_exe().expect("this program");
    let done = Command::new(program)
        .args(["flood::the_flood", "--exact", "--ignored", "--nocapture"])
        .output()
        .expect("this program runs once more");
    let said = format!("{}\n{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success() && said.contains("1 passed"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by the test above, in a process of its own"]
async fn the_flood() {
    let app = TestApp::start().await;
    let business = app.business("a", Profile::FieldService).await;
    for role in Role::ALL {
        app.give_password(business.member(role), PASSWORD).await;
    }
    let router = app.router();
    // Once before: what is loaded at the first sign-in is not the flood's.
    assert_eq!(sign_in(router.clone(), PEOPLE, "owner@a.example").await, (StatusCode::OK, false));
    fs::write("/proc/self/clear_refs", "5").expect("forgets the peak so far (proc(5))");
    let before = memory_kib("VmRSS:");
    let people = (0..PEOPLE).map(|n| {
        let email = format!("{}@a.example", Role::ALL[usize::from(n) % Role::ALL.len()].code());
        let router = router.clone();
        tokio::spawn(async move { sign_in(router, n, &email).await })
    });
    let answers = join_all(people).await;
    let peak = memory_kib("VmHWM:");
    let (mut inside, mut later) = (0, 0);
    for answer in answers {
        match answer.expect("no request panics") {
            (StatusCode::OK, _) => inside += 1,
            // The second: the database's own queue was full.
            (StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE, true) => later += 1,
            other => panic!("{other:?}"),
        }
    }
    println!("{inside} signed in, {later} come back later; {} MiB above {} MiB", (peak - before) / 1024, before / 1024);
    assert!(inside > 0);
    let most = SLOTS * u64::from(MEMORY_KIB) + BESIDES_KIB;
    assert!(peak - before < most, "{} KiB more than before, at most {most} are in order", peak - before);
    assert_eq!(sign_in(router, PEOPLE, "owner@a.example").await, (StatusCode::OK, false), "it goes on");
}

/// One sign-in from a network of its own: the status, and whether it is told when to come back.
async fn sign_in(router: Router, number: u16, email: &str) -> (StatusCode, bool) {
    let [high, low] = number.to_be_bytes();
    let request = Request::post("/api/sign-in")
        .header("accept", "application/json")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("sec-fetch-site", "same-origin")
        .extension(ConnectInfo(SocketAddr::from(([10, high, low, 7], 4000))))
        .body(Body::from(form(&[("email", email), ("password", PASSWORD)])))
        .expect("a request");
    let response = router.oneshot(request).await.expect("the service never fails");
    (response.status(), response.headers().contains_key("retry-after"))
}

fn memory_kib(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let kib = status.lines().find_map(|line| line.strip_prefix(name)?.trim().strip_suffix(" kB")?.parse().ok());
    kib.unwrap_or_else(|| panic!("no {name} in {status}"))
}
