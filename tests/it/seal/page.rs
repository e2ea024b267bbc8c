//! What people see of the seals: the button, the page, and an entry's place in the chain (AUD-3). Without scripts.

use ringfort::model::{permission::Role, profile::Profile};

use super::{entries, head, seal, sealed, start, tamper, write};
use crate::kit::sql;

#[tokio::test]
async fn aud_3_the_button_verifies_and_says_what_it_found() {
    let (app, a) = start().await;
    sealed(&app, &a, 2).await;
    let auditor = app.browser(a.member(Role::Auditor)).await;
    let log = auditor.get("/audit").await;
    assert!(log.body.contains("action=\"/api/audit/verify\""), "the button is on the page of the log");
    let reply = auditor.post("/api/audit/verify", &[("from", ""), ("until", "")]).await;
    assert_eq!((reply.status, reply.header("location")), (303, Some("/audit/seals")));
    let (newest, page) = (head(&app, &a).await, auditor.get("/audit/seals").await);
    assert_eq!(page.status, 200);
    for shown in ["As it was sealed", "1 to 2", &newest.hash.to_string(), &newest.key, "Signed by this installation"] {
        assert!(page.body.contains(shown), "{shown}: {}", page.body);
    }
    let told = "select actor_kind || ' ' || result || ' ' || (after ->> 'entries') from audit_entries
                where action = 'audit.verified'";
    assert_eq!(sql::text(&app.owner, told).await, "member done 6");

    let victim = entries(&app, &a).await[4];
    tamper(&app, &format!("update audit_entries set reason = 'nothing' where id = '{}'", victim.0)).await;
    app.clock.advance(1);
    let reply = auditor.post("/api/audit/verify", &[("from", "2020-01-01"), ("until", "2099-12-31")]).await;
    assert_eq!(reply.status, 303);
    let page = auditor.get("/audit/seals").await;
    for shown in ["An entry is not what was sealed", &format!("/audit/{victim}"), "Not as it was sealed"] {
        assert!(page.body.contains(shown), "{shown}: {}", page.body);
    }
    assert_eq!(auditor.post("/api/audit/verify", &[("from", "yesterday")]).await.status, 400);
    let agent = app.browser(a.member(Role::Agent)).await;
    assert_eq!(agent.post("/api/audit/verify", &[]).await.status, 403);
}

#[tokio::test]
async fn aud_3_an_entry_shows_its_place_in_the_chain() {
    let (app, a) = start().await;
    write(&app, &a, 3).await;
    let id = entries(&app, &a).await[1];
    let owner = app.browser(a.member(Role::Owner)).await;
    let path = format!("/audit/{id}");
    assert!(owner.get(&path).await.body.contains("Not sealed yet"));
    seal(&app).await;
    let page = owner.get(&path).await;
    for shown in
        ["It is what was sealed", "2 of ", "Signed by this installation", &head(&app, &a).await.hash.to_string()]
    {
        assert!(page.body.contains(shown), "{shown}: {}", page.body);
    }
    tamper(&app, &format!("update audit_entries set result = 'refused' where id = '{}'", id.0)).await;
    assert!(owner.get(&path).await.body.contains("It is not what was sealed"));
    tamper(&app, "delete from audit_seals").await;
    assert!(owner.get(&path).await.body.contains("In no seal, though it should be"));
}

#[tokio::test]
async fn ten_4_the_seals_of_another_business_are_not_seen() {
    let (app, a) = start().await;
    let b = app.business("b", Profile::FieldService).await;
    sealed(&app, &a, 2).await;
    sealed(&app, &b, 1).await;
    let auditor = app.browser(a.member(Role::Auditor)).await;
    auditor.post("/api/audit/verify", &[]).await;
    let secrets = [head(&app, &a).await.hash.to_string(), entries(&app, &a).await[0].to_string()];
    let stranger = app.browser(b.member(Role::Auditor)).await;
    for path in ["/audit/seals", "/audit"] {
        let page = stranger.get(path).await;
        assert_eq!(page.status, 200);
        assert!(secrets.iter().all(|secret| !page.body.contains(secret)), "{path}");
    }
    assert!(stranger.get("/audit/seals").await.body.contains("Nobody has verified the log yet"));
}
