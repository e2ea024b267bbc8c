//! Seals over the audit log (AUD-3, AUD-6): what the owner of the database does to it shows, and which entry it was.

mod attack;
mod outside;
mod page;
mod time;

use std::time::Duration;

use ringfort::{
    model::{
        audit::{Action, Outcome},
        id::AuditId,
        profile::Profile,
        seal::{Flaw, Seal},
    },
    server::{
        services::{
            audit,
            seal::{
                self, Found, Memory, Report,
                verify::{self, Asked},
            },
        },
        store,
    },
};
use uuid::Uuid;

use crate::kit::{Business, TestApp, sql};

/// What the owner of the tables can do first, and last.
pub const DISARM: &str = "do $$ declare t regclass; begin
    for t in select relid from pg_partition_tree('audit_entries')
        union all select unnest(array['audit_seals', 'audit_pending', 'audit_checkpoints']::regclass[]) loop
        execute format('alter table %s disable trigger user', t);
    end loop; end $$";
pub const ARM: &str = "do $$ declare t regclass; begin
    for t in select relid from pg_partition_tree('audit_entries')
        union all select unnest(array['audit_seals', 'audit_pending', 'audit_checkpoints']::regclass[]) loop
        execute format('alter table %s enable trigger user', t);
    end loop; end $$";

async fn start() -> (TestApp, Business) {
    let app = TestApp::start().await;
    let business = app.business("a", Profile::FieldService).await;
    (app, business)
}

/// Writes entries as the product does, a second apart.
pub async fn write(app: &TestApp, business: &Business, count: usize) {
    for number in 0..count {
        app.clock.advance(1);
        let reason = Some(format!("number {number}"));
        audit::note(&app.app, &app.machine(business.id), Action::CallsListed, None, Outcome::Done, reason)
            .await
            .expect("is written");
    }
}

/// Seals until nothing waits. Transactions of other tests, on the same cluster, can hold it back for a moment: until then
/// nothing is sealed, so that what was written together is in one seal.
async fn seal_by(app: &TestApp, memory: &mut Memory) {
    let unsettled = "select count(*) from audit_pending where xid >= pg_snapshot_xmin(pg_current_snapshot())
                     and xid < pg_snapshot_xmax(pg_current_snapshot())";
    for _ in 0..1500 {
        if sql::count(&app.owner, unsettled).await == 0 {
            seal::round(&app.app, memory).await.expect("seals");
            if sql::count(&app.owner, "select count(*) from audit_pending").await == 0 {
                return;
            }
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("entries wait to be sealed for half a minute");
}

pub async fn seal(app: &TestApp) {
    seal_by(app, &mut Memory::default()).await;
}

/// Entries in this many seals, three in each.
async fn sealed(app: &TestApp, business: &Business, seals: usize) {
    for _ in 0..seals {
        write(app, business, 3).await;
        seal(app).await;
    }
}

/// The business's entries, in their order.
async fn entries(app: &TestApp, business: &Business) -> Vec<AuditId> {
    let query = format!("select id::text from audit_entries where business_id = '{}' order by xid, id", business.id.0);
    let ids = sql::texts(&app.owner, query).await;
    ids.iter().map(|id| AuditId(Uuid::try_parse(id).expect("an id"))).collect()
}

async fn head(app: &TestApp, business: &Business) -> Seal {
    let mut tx = app.tx(business.id).await;
    let head = store::seal::head(&mut tx).await.expect("reads").expect("a seal");
    tx.commit().await.expect("commits");
    head
}

/// What the owner of the database does, with nothing in the way.
async fn tamper(app: &TestApp, statements: &str) {
    sql::run(&app.owner, format!("{DISARM}; {statements}; {ARM}")).await;
}

async fn verified(app: &TestApp, business: &Business, asked: &Asked) -> Report {
    verify::verify(&app.app, &app.machine(business.id), asked).await.expect("goes through")
}

async fn verify(app: &TestApp, business: &Business) -> Report {
    verified(app, business, &Asked::default()).await
}

fn is_sound(report: &Report) {
    assert_eq!(report.found, None, "{}", report.says());
}

/// That this is wrong with this entry, first of all.
fn names(report: &Report, flaw: Flaw, entry: AuditId) {
    let found = report.found.unwrap_or_else(|| panic!("{flaw:?} of {entry} was not seen: {}", report.says()));
    assert_eq!((found.flaw, found.entry), (flaw, Some(entry)), "{}", report.says());
}

fn found(report: &Report) -> Found {
    report.found.expect("something is wrong")
}

#[tokio::test]
async fn aud_3_every_entry_is_sealed_and_the_chain_verifies() {
    let (app, a) = start().await;
    let b = app.business("b", Profile::VoiceAgents).await;
    sealed(&app, &a, 3).await;
    sealed(&app, &b, 1).await;
    let report = verify(&app, &a).await;
    is_sound(&report);
    assert_eq!((report.first, report.last, report.seals, report.entries), (1, 3, 3, 9));
    assert_eq!(report.head.as_ref().expect("a seal").total, 9);
    // That somebody verified is an entry; and it is in the next seal.
    seal(&app).await;
    let report = verify(&app, &a).await;
    is_sound(&report);
    assert_eq!((report.last, report.entries), (4, 10));
    let told = sql::text(
        &app.owner,
        format!(
            "select (after -> 'seals' ->> 'last') || ' ' || (after ->> 'entries') || ' ' || (after ->> 'flaws')
             from audit_entries where action = 'audit.verified' and business_id = '{}' order by xid limit 1",
            a.id.0
        ),
    )
    .await;
    assert_eq!(told, "3 9 0");
    assert_eq!(verify(&app, &b).await.entries, 3, "each business has a chain of its own");
}

#[tokio::test]
async fn aud_2_no_role_changes_a_seal_or_takes_an_entry_off_the_queue() {
    let (app, a) = start().await;
    sealed(&app, &a, 1).await;
    write(&app, &a, 1).await;
    let sent = "insert into audit_checkpoints (business_id, id, way, place, seq, hash, sent_at)
                select business_id, gen_random_uuid(), 'file', 'here', seq, hash, at from audit_seals";
    sql::run(&app.owner, sent).await;
    let roles = ["ringfort_app", "ringfort_worker", "ringfort_auditor"];
    let mut pools: Vec<_> = roles.iter().map(|role| (*role, app.pool_as(role, 1))).collect();
    pools.push(("superuser", app.owner.clone()));
    for table in ["audit_seals", "audit_checkpoints", "audit_pending"] {
        for (role, pool) in &pools {
            for verb in [
                format!("update {table} set business_id = business_id"),
                format!("delete from {table}"),
                format!("truncate {table}"),
            ] {
                let sealer_may = table == "audit_pending" && verb.starts_with("delete");
                if sealer_may && matches!(*role, "ringfort_worker" | "superuser") {
                    continue;
                }
                assert_eq!(sql::code(sql::try_within(pool, a.id.0, verb.clone()).await), "42501", "{role}: {verb}");
            }
        }
    }
    for role in ["ringfort_app", "ringfort_auditor"] {
        let pool = app.pool_as(role, 1);
        for table in ["audit_seals", "audit_checkpoints"] {
            let again = format!("insert into {table} select * from {table}");
            assert_eq!(sql::code(sql::try_within(&pool, a.id.0, again).await), "42501", "{role}: {table}");
        }
    }
}

#[tokio::test]
async fn aud_3_what_was_written_before_there_were_seals_is_sealed_too() {
    let (app, a) = start().await;
    let mut jobs = Vec::new();
    for number in 0..3 {
        jobs.push(format!(
            "('{}', gen_random_uuid(), 'job', 'calls.listed', 'done', 'x{number}', gen_random_uuid())",
            a.id.0
        ));
    }
    // In one transaction, with a number of another cluster: as after a migration, or a restore elsewhere.
    sql::run(
        &app.owner,
        format!(
            "insert into audit_entries (business_id, id, actor_kind, action, result, origin, trace_id) values {}",
            jobs.join(", ")
        ),
    )
    .await;
    let ahead =
        "update audit_entries set xid = '9000000000000000000'; update audit_pending set xid = '9000000000000000000'";
    tamper(&app, ahead).await;
    seal(&app).await;
    is_sound(&verify(&app, &a).await);
    // And it goes on behind, with smaller numbers.
    sealed(&app, &a, 2).await;
    let report = verify(&app, &a).await;
    is_sound(&report);
    assert_eq!(report.entries, 3 + 1 + 6);
}

#[tokio::test]
async fn aud_3_large_batches_become_several_seals() {
    let (app, a) = start().await;
    sql::run(
        &app.owner,
        format!(
            "insert into audit_entries (business_id, id, actor_kind, action, result, origin, trace_id, after)
             select '{}', gen_random_uuid(), 'job', 'calls.listed', 'done', 'x', gen_random_uuid(), jsonb_build_object('n', n)
             from generate_series(1, 9000) n",
            a.id.0
        ),
    )
    .await;
    seal(&app).await;
    let report = verify(&app, &a).await;
    is_sound(&report);
    assert_eq!((report.seals, report.entries), (3, 9000));
    let report = verified(&app, &a, &Asked { most: Some(1), ..Asked::default() }).await;
    is_sound(&report);
    assert!(!report.is_cut, "a stretch is looked at whole");
}

#[tokio::test]
async fn aud_3_a_span_of_time_is_verified_alone() {
    let (app, a) = start().await;
    sealed(&app, &a, 2).await;
    let middle = app.now();
    app.clock.advance(3600);
    sealed(&app, &a, 3).await;
    let late = Asked { from: Some(middle.plus(60)), ..Asked::default() };
    let report = verified(&app, &a, &late).await;
    is_sound(&report);
    assert_eq!((report.first, report.last, report.entries), (3, 5, 9));
    let early = Asked { until: Some(middle.plus(60)), ..Asked::default() };
    assert_eq!(verified(&app, &a, &early).await.last, 2);
    let never = Asked { from: Some(app.now().plus(3600)), ..Asked::default() };
    let report = verified(&app, &a, &never).await;
    is_sound(&report);
    assert_eq!(report.seals, 0);
    // Each sees what is in it, and no other does.
    let first = entries(&app, &a).await[0];
    tamper(&app, &format!("update audit_entries set reason = 'x' where id = '{}'", first.0)).await;
    names(&verified(&app, &a, &early).await, Flaw::EntryChanged, first);
    is_sound(&verified(&app, &a, &late).await);
}
