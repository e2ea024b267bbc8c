//! What every answer carries (OPS-2; security.md, rules on headers and cookies).

use ringfort::{
    model::{permission::Role, profile::Profile},
    server::boot::router,
};

use crate::kit::{Reply, TestApp};

fn is_dressed(path: &str, reply: &Reply) {
    let has = |name: &str, value: &str| {
        assert_eq!(reply.header(name), Some(value), "{path}: {name}");
    };
    has("x-content-type-options", "nosniff");
    has("x-frame-options", "DENY");
    has("referrer-policy", "same-origin");
    has("cross-origin-resource-policy", "same-origin");
    has("strict-transport-security", "max-age=63072000; includeSubDomains; preload");
    let policy = reply.header("content-security-policy").unwrap_or_else(|| panic!("{path} has no policy"));
    for part in
        ["default-src 'none'", "base-uri 'none'", "object-src 'none'", "frame-ancestors 'none'", "form-action 'self'"]
    {
        assert!(policy.contains(part), "{path}: {policy}");
    }
    for hole in ["unsafe-inline", "'unsafe-eval'", "http:", "https:", "*"] {
        assert!(!policy.contains(hole), "{path} allows {hole}: {policy}");
    }
    for name in ["server", "x-powered-by"] {
        assert_eq!(reply.header(name), None, "{path} says what it is made of");
    }
    let is_html = reply.header("content-type").is_some_and(|kind| kind.starts_with("text/html"));
    if is_html {
        has("cross-origin-opener-policy", "same-origin");
        assert!(reply.header("permissions-policy").is_some_and(|p| p.contains("microphone=()")), "{path}");
        let scripts = reply.body.matches("<script").count();
        let with_nonce = reply
            .body
            .split("<script")
            .skip(1)
            .filter(|rest| rest.split('>').next().is_some_and(|tag| tag.contains("nonce=\"")));
        assert_eq!(with_nonce.count(), scripts, "{path} has a script without a nonce");
        assert!(!reply.body.contains(" style=\""), "{path} has an inline style, which the policy blocks");
    }
    if !path.starts_with("/pkg/") && !path.starts_with("/static/") {
        has("cache-control", "no-store");
    }
}

#[tokio::test]
async fn ops_2_every_answer_carries_the_headers() {
    let app = TestApp::start().await;
    let business = app.business("a", Profile::FieldService).await;
    app.fill(&business).await;
    let owner = app.browser(business.member(Role::Owner)).await;
    let mut nonces = Vec::new();
    for door in router::doors().1 {
        let path = door.path.replace("{id}", "x").replace("{kind}", "calls").replace("{purpose}", "join");
        let path = path.replace("{token}", "abcdefghijklmnopqrstuvwxyz").replace("{provider}", "twilio");
        let path = path.replace("{door}", "voice");
        for browser in [owner.clone(), owner.clone().json(), app.stranger()] {
            let reply = browser.ask(door.method.clone(), &path, &[], String::new()).await;
            is_dressed(&path, &reply);
            let nonce = reply.body.split("nonce=\"").nth(1).and_then(|rest| rest.split('"').next());
            nonces.extend(nonce.map(str::to_owned));
        }
    }
    let all = nonces.len();
    nonces.sort_unstable();
    nonces.dedup();
    assert_eq!(nonces.len(), all, "a nonce was used twice");
    for path in ["/nowhere", "/static/nowhere.css", "/pkg/nowhere.js", "/pkg/../it.js", "/pkg/it.js"] {
        let reply = owner.get(path).await;
        is_dressed(path, &reply);
        assert_eq!(reply.status, if path == "/pkg/it.js" { 200 } else { 404 }, "{path}");
    }
    let file = owner.get("/pkg/it.js").await;
    // A test binary has no hashed names beside it: what keeps its name is asked for again.
    assert_eq!(file.header("cache-control"), Some("no-cache"));
}

#[tokio::test]
async fn acc_5_cookies_are_for_this_host_https_and_no_script() {
    let app = TestApp::start().await;
    let business = app.business("a", Profile::FieldService).await;
    let owner = business.member(Role::Owner);
    app.give_password(owner, "seven quiet otters").await;
    let stranger = app.stranger();
    let signed_in = stranger.post("/api/sign-in", &[("email", &owner.email), ("password", "seven quiet otters")]).await;
    assert!(signed_in.cookie("__Host-ringfort").is_some(), "{}", signed_in.body);
    let refused = stranger.post("/api/sign-in", &[("email", &owner.email), ("password", "wrong")]).await;
    assert!(refused.cookie("__Host-flash").is_some(), "{}", refused.body);
    let theme = stranger.post("/api/theme", &[("theme", "dark")]).await;
    let link = stranger.get("/open/join/abcdefghijklmnopqrstuvwxyz").await;
    let mut seen = 0;
    for reply in [signed_in, refused, theme, link] {
        for cookie in reply.cookies() {
            let parts: Vec<_> = cookie.split("; ").map(str::to_ascii_lowercase).collect();
            assert!(cookie.starts_with("__Host-"), "{cookie}");
            for part in ["httponly", "secure", "samesite=lax", "path=/"] {
                assert!(parts.iter().any(|p| p == part), "{cookie} is not {part}");
            }
            assert!(!parts.iter().any(|p| p.starts_with("domain=")), "{cookie}");
            seen += 1;
        }
    }
    assert!(seen >= 4, "only {seen} cookies");
}
