//! Every door, from the table that the router is made of (PER-3, TEN-4): a new door is tried without being named here,
//! and one with a parameter fails until it is given something to open.

use std::fmt::Write;

use axum::http::Method;
use ringfort::{
    model::{
        permission::{Need, Reach, Role, TABLE},
        profile::Profile,
    },
    server::{
        boot::router,
        http::doors::{Door, Kind},
    },
};
use uuid::Uuid;

use crate::kit::{Browser, Business, Member, TestApp, fixture::Filled, matches_snapshot, sql};

pub fn doors() -> Vec<Door> {
    router::doors().1
}

/// Something to open behind a door with a parameter, and the ids in its address.
pub fn address(door: &Door, filled: &Filled, business: &Business) -> (String, Option<String>) {
    let path = door.path;
    let (parameter, id) = match path {
        "/calls/{id}" | "/calls/{id}/numbers" => ("{id}", filled.call.to_string()),
        "/work-orders/{id}" | "/work-orders/{id}/edit" | "/work-orders/{id}/call" => {
            ("{id}", filled.work_order.to_string())
        }
        "/track/{token}" => return ("/track/abcdefghijklmnopqrstuvwxyz".to_owned(), None),
        "/roles/{id}" => ("{id}", filled.role.to_string()),
        "/team/{id}" | "/team/{id}/rights" => ("{id}", business.member(Role::Viewer).id.to_string()),
        "/connections/{id}" | "/connections/{id}/address" => ("{id}", filled.twilio.connection.to_string()),
        "/audit/{id}" => ("{id}", filled.audit.to_string()),
        "/audit/exports/{id}/file" | "/audit/exports/{id}/manifest" => ("{id}", filled.export.to_string()),
        "/audit/streams/{id}" => ("{id}", filled.stream.to_string()),
        "/reviews/{id}" => ("{id}", filled.review.to_string()),
        "/team/import/{id}" => ("{id}", filled.batch.to_string()),
        "/settings/retention/{kind}" => return ("/settings/retention/calls".to_owned(), None),
        "/wallboard/{token}" => return ("/wallboard/abcdefghijklmnopqrstuvwxyz".to_owned(), None),
        "/wallboard/{token}/live" => return ("/wallboard/abcdefghijklmnopqrstuvwxyz/live".to_owned(), None),
        "/open/{purpose}/{token}" => return ("/open/join/abcdefghijklmnopqrstuvwxyz".to_owned(), None),
        "/webhooks/{provider}/{token}/{door}" => return ("/webhooks/twilio/nobody-has-this/voice".to_owned(), None),
        _ => {
            assert!(!path.contains('{'), "{path}: give the test something to open, in tests/it/doors.rs");
            return (path.to_owned(), None);
        }
    };
    (path.replace(parameter, &id), Some(id))
}

/// An id of the same kind that nobody has.
fn nobodys(id: &str) -> String {
    let prefix = id.split_once('_').expect("ids have a prefix").0;
    format!("{prefix}_{}", Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0001).simple())
}

async fn start() -> (TestApp, Business, Filled, Business, Filled) {
    let app = TestApp::start().await;
    let a = app.business("a", Profile::FieldService).await;
    let b = app.business("b", Profile::FieldService).await;
    let (of_a, of_b) = (app.fill(&a).await, app.fill(&b).await);
    (app, a, of_a, b, of_b)
}

pub async fn knock(browser: &Browser, door: &Door, path: &str) -> crate::kit::Reply {
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let headers = if door.method == Method::POST { &form[..] } else { &[] };
    browser.ask(door.method.clone(), path, headers, String::new()).await
}

fn is_page(door: &Door) -> bool {
    door.kind == Kind::Page
}

#[tokio::test]
async fn per_3_strangers_open_public_doors_only() {
    let (app, a, filled, ..) = start().await;
    let stranger = app.stranger();
    let forged = [
        "__Host-ringfort=",
        "__Host-ringfort=x",
        "__Host-ringfort=AAAAAAAAAAAAAAAAAAAAAA",
        "__Host-ringfort=\u{22}; DROP TABLE lobby.sessions; --",
        "__Host-ringfort=a; __Host-ringfort=b",
    ];
    for door in doors() {
        let (path, _) = address(&door, &filled, &a);
        let mut strangers = vec![stranger.clone()];
        strangers.extend(forged.iter().map(|cookie| stranger.clone().with_cookie(Some((*cookie).to_owned()))));
        for somebody in strangers {
            let reply = knock(&somebody, &door, &path).await;
            let name = format!("{} {path} with {:?}", door.method, somebody.cookie);
            match (door.kind, door.need) {
                (Kind::Webhook, _) => assert_eq!(reply.status, 401, "{name}"),
                (_, Need::Public) => assert!(!matches!(reply.status, 401 | 403 | 500..), "{name}: {}", reply.status),
                (Kind::Page, _) => {
                    assert_eq!(reply.status, 303, "{name}");
                    assert!(reply.header("location").is_some_and(|to| to.starts_with("/sign-in?next=")), "{name}");
                }
                _ => assert_eq!(reply.status, 401, "{name}"),
            }
        }
    }
}

#[tokio::test]
async fn per_3_every_role_opens_exactly_the_doors_that_the_table_gives_it() {
    let (app, a, filled, ..) = start().await;
    for role in Role::ALL {
        let browser = app.browser(a.member(role)).await;
        // Programs show a token: tests/it/token/bearer.rs.
        let by_token = |door: &Door| door.kind == Kind::Rest && door.need != Need::Public;
        for door in doors().into_iter().filter(|door| door.kind != Kind::Webhook && !by_token(door)) {
            // The session ends here, so a browser of its own.
            let leaves = door.path.ends_with("/sign-out");
            let browser = if leaves { app.browser(a.member(role)).await } else { browser.clone() };
            let (path, _) = address(&door, &filled, &a);
            let reply = knock(&browser, &door, &path).await;
            let name = format!("{} {path} as {}", door.method, role.code());
            if door.need.admits(Some(role.grants())) {
                assert!(!matches!(reply.status, 401 | 403 | 500..), "{name}: {}", reply.status);
            } else {
                assert_eq!(reply.status, 403, "{name}");
            }
        }
    }
}

#[tokio::test]
async fn ten_4_an_id_of_another_business_is_as_missing_as_one_that_nobody_has() {
    let (app, a, filled, b, _) = start().await;
    let before = sql::fingerprint(&app.owner, a.id.0).await;
    let mut tried = 0;
    for door in doors().into_iter().filter(is_page) {
        let (path, Some(id)) = address(&door, &filled, &a) else { continue };
        // Its own people open it, so that a 404 below is no accident.
        let own = app.browser(a.member(Role::Owner)).await.get(&path).await;
        assert_eq!(own.status, 200, "{path} by its owner");
        let unknown = nobodys(&id);
        for role in Role::ALL.into_iter().filter(|role| door.need.admits(Some(role.grants()))) {
            for browser in [app.browser(b.member(role)).await, app.browser(b.member(role)).await.json()] {
                let foreign = browser.get(&path).await;
                let nowhere = browser.get(&path.replace(&id, &unknown)).await;
                assert_eq!(foreign.status, 404, "{path} as {} of another business", role.code());
                assert_eq!(nowhere.status, 404, "{path}");
                assert_eq!(foreign.normal(&[&id]), nowhere.normal(&[&unknown]), "{path} as {}", role.code());
            }
            tried += 1;
        }
    }
    assert!(tried >= 10, "only {tried} tries");
    let after = sql::fingerprint(&app.owner, a.id.0).await;
    // The owner's own looking left entries; nothing else may differ.
    let without_log = |text: &str| {
        // Its queue for the sealer with it.
        let log = |part: &&str| part.starts_with("audit_entries") || part.starts_with("audit_pending");
        let parts = text.split("== ").filter(|part| !log(part));
        parts.collect::<Vec<_>>().join("== ")
    };
    assert_eq!(without_log(&after), without_log(&before));
}

fn id_field(path: &str) -> &'static str {
    match path {
        "/api/switch" => "business",
        "/api/roles/copy" => "of",
        "/api/roles/view" => "role",
        "/api/extensions/create" | "/api/agent/state/set" | "/api/shift/end" => "member",
        "/api/work-orders/create" => "call",
        "/api/masked-calls/open" => "work_order",
        "/api/proxy-numbers/add" => "connection",
        _ => "id",
    }
}

/// Actions that take no id.
const UNNAMED: &[&str] = &[
    "/api/sign-in",
    "/api/sign-in/factor",
    "/api/sign-in/factor/mail",
    "/api/sign-in/passkey",
    "/api/sign-in/factor/passkey",
    "/api/confirm/passkey",
    "/api/two-factor/passkey/add",
    "/api/sign-in/factor/text",
    "/api/confirm",
    "/api/sign-out",
    "/api/sign-up",
    "/api/sign-up/finish",
    "/api/join",
    "/api/theme",
    "/api/device/revoke-others",
    "/api/two-factor/start",
    "/api/two-factor/confirm",
    "/api/two-factor/remove",
    "/api/two-factor/email/on",
    "/api/two-factor/email/off",
    "/api/two-factor/recovery",
    "/api/two-factor/text/start",
    "/api/two-factor/text/again",
    "/api/two-factor/text/confirm",
    "/api/two-factor/text/off",
    "/api/oidc/start",
    "/api/oidc/enter",
    "/api/oidc/join",
    "/api/oidc/join/finish",
    "/api/oidc/link",
    "/api/oidc/link/finish",
    "/api/oidc/unlink",
    "/api/link/ask",
    "/api/link/enter",
    "/api/link/code",
    "/api/password/forgot",
    "/api/password/reset",
    "/api/password/change",
    "/api/setup/save-password-policy",
    "/api/connections/create",
    "/api/settings/save",
    "/api/retention/save",
    "/api/team/invite",
    "/api/team/import",
    "/api/security/factor",
    "/api/network/add",
    "/api/review/open",
    "/api/audit/verify",
    "/api/audit/filter/save",
    "/api/audit/export",
    "/api/audit/streams/create",
    "/api/roles/view/stop",
    "/api/agent/state",
    "/api/board/save",
    "/api/board/queue/add",
    "/api/board/reason/add",
    "/api/wallboard/share",
    "/api/shift/begin",
    "/api/account/phone/save",
    "/api/account/phone/remove",
];

/// An action's path, an id of the other business, and the other fields.
type Form<'a> = (&'a str, &'a str, Vec<(&'a str, &'a str)>);

/// A new session of somebody's, as its person names it.
async fn session_of(app: &TestApp, member: &Member) -> String {
    app.session(member).await;
    let named = "select 'ses_' || replace(id::text, '-', '') from lobby.sessions order by created_at desc limit 1";
    sql::text(&app.owner, named).await
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table")]
async fn ten_4_forms_with_an_id_of_another_business_change_nothing_and_tell_nothing() {
    let (app, a, filled, b, _) = start().await;
    let program = crate::token::family(&app, &a, Role::Viewer).await;
    let passkey = crate::passkey::stored(&app, a.member(Role::Viewer).user).await;
    let before = sql::fingerprint(&app.owner, a.id.0).await;
    let connection = filled.twilio.connection.to_string();
    let (member, call_pop) = (a.member(Role::Viewer).id.to_string(), filled.pop.to_string());
    let (extension, invitation) = (filled.extension.to_string(), filled.invitation.to_string());
    let (business, network, review) = (a.id.to_string(), filled.network.to_string(), filled.review.to_string());
    let operator = filled.operator_grant.to_string();
    let session = session_of(&app, a.member(Role::Viewer)).await;
    let filter = filled.filter.to_string();
    let (stream, export) = (filled.stream.to_string(), filled.export.to_string());
    let role_id = filled.role.to_string();
    let (masked, proxy_number) = (filled.work_order.to_string(), filled.proxy_number.to_string());
    let secret = "ffffffffffffffffffffffffffffffff";
    let (queue, reason) = (filled.queue.to_string(), filled.reason.to_string());
    let (wallboard, call) = (filled.wallboard.to_string(), filled.call.to_string());
    let tracking = filled.tracking_link.to_string();
    let job =
        [("customer", "Eve"), ("address", "1 Elm Street"), ("day", "2030-01-07"), ("from", "08:00"), ("to", "10:00")];
    let forms: [Form<'_>; 52] = [
        ("/api/shift/end", &member, vec![]),
        ("/api/work-orders/create", &call, job.to_vec()),
        ("/api/work-orders/change", &masked, [&[("version", "1")][..], &job[..]].concat()),
        ("/api/work-orders/assign", &masked, vec![("version", "1")]),
        ("/api/work-orders/move", &masked, vec![("version", "1"), ("to", "en_route")]),
        ("/api/work-orders/cancel", &masked, vec![("version", "1"), ("confirm", "cancel")]),
        ("/api/tracking/create", &masked, vec![("way", "show")]),
        ("/api/tracking/revoke", &tracking, vec![]),
        ("/api/agent/state/set", &member, vec![("their_state", "busy")]),
        ("/api/board/queue/remove", &queue, vec![]),
        ("/api/board/reason/remove", &reason, vec![]),
        ("/api/wallboard/revoke", &wallboard, vec![]),
        ("/api/calls/transfer", &call, vec![("target", extension.as_str())]),
        ("/api/calls/hang-up", &call, vec![("confirm", "end")]),
        ("/api/calls/mute", &call, vec![]),
        ("/api/connections/test", &connection, vec![]),
        ("/api/connections/rotate", &connection, vec![("secret", secret)]),
        ("/api/connections/revoke", &connection, vec![("confirm", "revoke")]),
        ("/api/extensions/delete", &extension, vec![]),
        ("/api/audit/filter/remove", &filter, vec![]),
        ("/api/audit/streams/test", &stream, vec![]),
        ("/api/audit/streams/pause", &stream, vec![]),
        ("/api/audit/streams/resume", &stream, vec![]),
        ("/api/audit/streams/replay", &stream, vec![]),
        ("/api/audit/streams/rotate", &stream, vec![]),
        ("/api/audit/streams/delete", &stream, vec![("confirm", "delete")]),
        ("/api/team/invitation/revoke", &invitation, vec![]),
        ("/api/team/role", &member, vec![("role", "agent")]),
        ("/api/roles/copy", &role_id, vec![("name", "A copy")]),
        ("/api/roles/save", &role_id, vec![("version", "1"), ("name", "Mine"), ("grants", "settings all")]),
        ("/api/roles/delete", &role_id, vec![]),
        ("/api/roles/view", &role_id, vec![]),
        ("/api/team/remove", &member, vec![("confirm", "remove")]),
        ("/api/team/unlock", &member, vec![]),
        ("/api/team/reset-factors", &member, vec![("reset", "reset")]),
        ("/api/team/hand-over", &member, vec![("word", "owner")]),
        ("/api/team/invitation/resend", &invitation, vec![]),
        ("/api/network/remove", &network, vec![]),
        ("/api/operator/end", &operator, vec![]),
        ("/api/review/decide", &review, vec![("member", member.as_str()), ("decision", "keep")]),
        ("/api/review/close", &review, vec![]),
        ("/api/device/end-member", &member, vec![]),
        ("/api/device/revoke", &session, vec![]),
        ("/api/token/revoke", &program, vec![]),
        ("/api/two-factor/passkey/remove", &passkey, vec![("word", "remove")]),
        ("/api/pops/acknowledge", &call_pop, vec![]),
        ("/api/switch", &business, vec![]),
        ("/api/extensions/create", &member, vec![("extension", "555"), ("target", "client:spy")]),
        ("/api/audit/export/cancel", &export, vec![]),
        ("/api/masked-calls/open", &masked, vec![]),
        ("/api/proxy-numbers/add", &connection, vec![("number", "+15005550031")]),
        ("/api/proxy-numbers/remove", &proxy_number, vec![]),
    ];
    let role = |path: &str| if path.starts_with("/api/pops") { Role::Agent } else { Role::Owner };
    for (path, id, rest) in &forms {
        let field = id_field(path);
        let browser = app.browser(b.member(role(path))).await.json();
        let unknown = nobodys(id);
        let foreign = browser.post(path, &[&[(field, *id)][..], &rest[..]].concat()).await;
        let nowhere = browser.post(path, &[&[(field, unknown.as_str())][..], &rest[..]].concat()).await;
        // A pop that is not open for whoever closes it is as closed as they ask for.
        let is_so_already = *path == "/api/pops/acknowledge" && foreign.status == 200;
        assert!(
            matches!(foreign.status, 404 | 409 | 422) || is_so_already,
            "{path}: {} {}",
            foreign.status,
            foreign.body
        );
        assert_eq!((foreign.status, foreign.normal(&[*id])), (nowhere.status, nowhere.normal(&[&unknown])), "{path}");
    }
    assert_eq!(sql::fingerprint(&app.owner, a.id.0).await, before);
    // Every action that takes an id is tried above.
    let with_id = doors().into_iter().filter(|door| door.kind == Kind::Action);
    for door in with_id {
        let known = UNNAMED.contains(&door.path) || forms.iter().any(|(path, ..)| *path == door.path);
        assert!(known, "{}: try it with another business's id, in tests/it/doors.rs", door.path);
    }
}

#[tokio::test]
async fn per_3_every_server_function_is_in_the_table_and_nothing_else() {
    let mut registered: Vec<_> = server_fn::axum::server_fn_paths().map(|(path, _)| path).collect();
    let mut listed: Vec<_> = doors().into_iter().filter(|d| d.kind == Kind::Action).map(|d| d.path).collect();
    registered.sort_unstable();
    listed.sort_unstable();
    assert_eq!(registered, listed, "an action without a need, or one that the linker dropped");
    assert!(doors().iter().filter(|d| d.kind == Kind::Action).all(|d| d.method == Method::POST));
}

#[tokio::test]
async fn per_3_other_methods_are_not_allowed() {
    let (app, a, filled, ..) = start().await;
    let browser = app.browser(a.member(Role::Owner)).await;
    let all = doors();
    for door in &all {
        let (path, _) = address(door, &filled, &a);
        for method in
            [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::TRACE, Method::OPTIONS]
        {
            if all.iter().any(|other| other.path == door.path && other.method == method) {
                continue;
            }
            let reply = browser.ask(method.clone(), &path, &[], String::new()).await;
            assert_eq!(reply.status, 405, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn per_3_actions_answer_only_forms_of_our_own_pages() {
    let (app, a, ..) = start().await;
    let owner = app.browser(a.member(Role::Owner)).await;
    let agent = app.browser(a.member(Role::Agent)).await;
    let technician = app.browser(a.member(Role::Technician)).await;
    let people = [(Role::Owner, &owner), (Role::Agent, &agent), (Role::Technician, &technician)];
    let form = ("content-type", "application/x-www-form-urlencoded");
    for door in doors().into_iter().filter(|door| matches!(door.kind, Kind::Action | Kind::Script)) {
        for site in ["cross-site", "same-site", "none"] {
            let headers = [form, ("sec-fetch-site", site)];
            let reply = owner.ask(Method::POST, door.path, &headers, String::new()).await;
            assert_eq!(reply.status, 403, "{} {site}", door.path);
        }
        // What a script asks for has no content.
        if door.kind == Kind::Script {
            continue;
        }
        let may = people.iter().find(|(role, _)| door.need.admits(Some(role.grants())));
        let browser = may.map_or(&owner, |(_, browser)| *browser);
        for kind in
            ["text/plain", "application/json", "multipart/form-data; boundary=x", "application/x-www-form-urlencodedx"]
        {
            let reply = browser.ask(Method::POST, door.path, &[("content-type", kind)], "{}".to_owned()).await;
            assert_eq!(reply.status, 415, "{} {kind}", door.path);
        }
    }
}

#[test]
fn per_2_the_rights_table_is_this() {
    let mut text = format!("{:<22}", "");
    for role in Role::ALL {
        write!(text, "{:<12}", role.code()).expect("writing to a string");
    }
    for row in TABLE {
        text.truncate(text.trim_end().len());
        write!(text, "\n{:<22}", row.code).expect("writing to a string");
        for role in Role::ALL {
            let reach = match role.grants().reach(row.permission) {
                Reach::All => "all",
                Reach::Own => "own",
                Reach::None => "-",
            };
            write!(text, "{reach:<12}").expect("writing to a string");
        }
    }
    matches_snapshot("rights", &text);
}

#[test]
fn per_3_the_doors_are_these() {
    let need = |need: Need| match need {
        Need::Public => "public".to_owned(),
        Need::SignedIn => "signed in".to_owned(),
        Need::Holds(permission) => permission.code().to_owned(),
        Need::HoldsAll(permission) => format!("{} for all", permission.code()),
        Need::HoldsAny(any) => any.iter().map(|p| p.code()).collect::<Vec<_>>().join(" or "),
    };
    let again = |d: &Door| if d.asks_again { ", asks again" } else { "" };
    let line = |d: &Door| format!("{:<5} {:<38} {}{}", d.method.as_str(), d.path, need(d.need), again(d));
    let mut lines: Vec<String> = doors().iter().map(line).collect();
    lines.sort_unstable();
    matches_snapshot("doors", &lines.join("\n"));
}
