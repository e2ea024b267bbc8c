//! Sealing and time: what holds it back, who does it, keys that are renewed, months that are dropped (AUD-3, AUD-6).

use super::{entries, head, is_sound, names, seal, sealed, start, tamper, verify, write};
use crate::kit::{Business, TestApp, sql};
use futures::future::join_all;
use ringfort::{
    model::{
        audit::{Action, Outcome},
        id::AuditId,
        seal::Flaw,
    },
    server::{
        boot::telemetry,
        services::seal::{self as service, Memory, housekeeping},
        store::{self, audit::NewEntry},
        vault::audit_key::ROTATE_SECONDS,
    },
};

fn entry(id: AuditId) -> NewEntry {
    NewEntry {
        id,
        action: Action::CallsListed,
        target: None,
        outcome: Outcome::Done,
        reason: None,
        before: None,
        after: None,
    }
}

/// How many entries of a business are sealed.
async fn total(app: &TestApp, business: &Business) -> i64 {
    let query = "select coalesce(max(total), 0) from audit_seals where business_id = ";
    sql::count(&app.owner, format!("{query}'{}'", business.id.0)).await
}

#[tokio::test]
async fn aud_3_a_long_transaction_holds_sealing_back_and_nothing_is_lost() {
    let (app, a) = start().await;
    sealed(&app, &a, 1).await;
    let mut slow = app.tx(a.id).await;
    let late: AuditId = app.app.draw();
    store::audit::append(&mut slow, entry(late)).await.expect("is written");
    // Those who write meanwhile are done long before.
    write(&app, &a, 3).await;
    for _ in 0..3 {
        service::round(&app.app, &mut Memory::default()).await.expect("seals");
    }
    assert_eq!(total(&app, &a).await, 3, "what came after the slow one waits for it");
    let backlog = store::lobby::audit_backlog(app.app.worker_db()).await.expect("answers");
    assert_eq!(backlog.waiting, 3, "the slow one is not to be seen yet");
    let metrics = telemetry::metrics(&app.app).await;
    assert!(metrics.contains("ringfort_audit_unsealed 3"), "{metrics}");
    is_sound(&verify(&app, &a).await);
    slow.commit().await.expect("commits");
    seal(&app).await;
    let report = verify(&app, &a).await;
    is_sound(&report);
    // The slow one is there, before those that were faster: transactions count in the order in which they began to write.
    assert_eq!(report.entries, 3 + 1 + 3 + 1);
    assert_eq!(entries(&app, &a).await[3], late);
}

#[tokio::test]
async fn aud_3_what_rolls_back_leaves_nothing_to_seal() {
    let (app, a) = start().await;
    let mut tx = app.tx(a.id).await;
    store::audit::append(&mut tx, entry(app.app.draw())).await.expect("is written");
    drop(tx);
    sealed(&app, &a, 1).await;
    let report = verify(&app, &a).await;
    is_sound(&report);
    assert_eq!(report.entries, 3);
}

#[tokio::test]
async fn aud_3_several_sealers_at_once_make_one_chain() {
    let (app, a) = start().await;
    for _ in 0..5 {
        write(&app, &a, 4).await;
        let (app, mut memories) = (&app, [Memory::default(), Memory::default(), Memory::default(), Memory::default()]);
        let rounds = memories.iter_mut().map(|memory| service::round(&app.app, memory));
        for done in join_all(rounds).await {
            done.expect("seals, or finds that somebody else does");
        }
    }
    seal(&app).await;
    let report = verify(&app, &a).await;
    is_sound(&report);
    assert_eq!((report.entries, total(&app, &a).await), (20, 20), "each once");
    assert_eq!(sql::count(&app.owner, "select count(*) from lobby.audit_keys").await, 1, "and with one key");
}

#[tokio::test]
async fn aud_3_keys_are_renewed_and_old_ones_still_verify() {
    let (app, a) = start().await;
    sealed(&app, &a, 1).await;
    let first = head(&app, &a).await.key;
    app.clock.advance(ROTATE_SECONDS - 3600);
    housekeeping(&app.app).await.expect("nothing to do");
    sealed(&app, &a, 1).await;
    assert_eq!(head(&app, &a).await.key, first);
    app.clock.advance(3600);
    housekeeping(&app.app).await.expect("a new key");
    sealed(&app, &a, 1).await;
    assert_ne!(head(&app, &a).await.key, first);
    let report = verify(&app, &a).await;
    is_sound(&report);
    assert_eq!(report.seals, 3);
    // The private half of the old one is gone, so nobody signs with it any more.
    let kept = "select string_agg((sealed is null)::text, ',' order by created_at) from lobby.audit_keys";
    assert_eq!(sql::text(&app.owner, kept).await, "true,false");
    // Without its public half, what it has signed does not verify.
    sql::run(
        &app.owner,
        "update lobby.audit_keys set mac = decode(repeat('00', 32), 'hex') where retired_at is not null",
    )
    .await;
    names(&verify(&app, &a).await, Flaw::SealUnsigned, entries(&app, &a).await[0]);
}

/// Entries of an old month, written now: their ids say when they were born.
async fn old(app: &TestApp, business: &Business, day: &str) -> Vec<AuditId> {
    let at = ringfort::server::kit::At(format!("{day}T00:00:00Z").parse().expect("an instant"));
    sql::run(&app.owner, format!("select lobby.audit_partition('{day}')")).await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        let id: AuditId = app.app.draw_at(at);
        let mut tx = app.tx(business.id).await;
        store::audit::append(&mut tx, entry(id)).await.expect("is written");
        tx.commit().await.expect("commits");
        ids.push(id);
    }
    seal(app).await;
    ids
}

#[tokio::test]
async fn aud_6_a_month_that_is_dropped_after_a_year_leaves_a_chain_that_verifies() {
    let (app, a) = start().await;
    let ids = old(&app, &a, "2020-02-03").await;
    sealed(&app, &a, 1).await;
    let drop = "alter table audit_entries detach partition audit_entries_2020_02; drop table audit_entries_2020_02";
    sql::run(&app.owner, drop).await;
    // Sealed today: it has to be kept for a year.
    names(&verify(&app, &a).await, Flaw::EntryGone, ids[0]);
    app.clock.advance(366 * 24 * 3600);
    let report = verify(&app, &a).await;
    is_sound(&report);
    assert_eq!((report.dropped, report.entries), (3, 3));
    // What is changed in the rest is seen as before.
    let left = *entries(&app, &a).await.first().expect("entries are left");
    tamper(&app, &format!("update audit_entries set reason = 'x' where id = '{}'", left.0)).await;
    names(&verify(&app, &a).await, Flaw::EntryChanged, left);
}

#[tokio::test]
async fn aud_6_a_single_old_entry_is_not_dropped_but_gone() {
    let (app, a) = start().await;
    let ids = old(&app, &a, "2020-02-03").await;
    app.clock.advance(366 * 24 * 3600);
    tamper(&app, &format!("delete from audit_entries where id = '{}'", ids[1].0)).await;
    names(&verify(&app, &a).await, Flaw::EntryGone, ids[1]);
}
