//! Exports of the audit log (AUD-5): exactly what the filter shows, signed, whole or not at all.

use futures::stream::StreamExt;
use ringfort::{
    model::{
        audit::{Action, Outcome},
        audit_export::{Fault, Manifest, State, csv},
        id::ExportId,
        permission::Role,
        profile::Profile,
    },
    server::{
        caller::{Origin, SignedIn},
        http::AppError,
        jobs::worker,
        services::{
            audit,
            audit_export::{file::pieces, verify, work},
        },
        store,
    },
};

use crate::{
    kit::{Browser, Business, Reply, TestApp, sql},
    seal::{ARM, DISARM, seal, write},
};

async fn start() -> (TestApp, Business, Browser) {
    start_with(1_000).await
}

/// Exports hold so many entries at most.
async fn start_with(most: i64) -> (TestApp, Business, Browser) {
    let app = TestApp::start_exporting(most).await;
    let business = app.business("a", Profile::FieldService).await;
    let auditor = app.browser(business.member(Role::Auditor)).await;
    (app, business, auditor)
}

/// Who stands behind a browser's session.
async fn signed_in(app: &TestApp, browser: &Browser) -> SignedIn {
    let (_, id) = browser.cookie.as_deref().and_then(|cookie| cookie.split_once('=')).expect("a session's cookie");
    let hash = store::session::hash(id.parse().expect("a session's id"));
    let origin = Origin { door: "web", network: None };
    let found = store::session::callers(app.app.db(), &[hash], app.now(), &origin, app.app.draw()).await;
    found.expect("reads").pop().expect("somebody")
}

async fn ask(browser: &Browser, filter: &str, format: &str) -> Reply {
    browser.post("/api/audit/export", &[("filter", filter), ("format", format), ("zone", "utc")]).await
}

/// Asks for one, and lets the sealer and the worker do their work.
async fn export(app: &TestApp, browser: &Browser, filter: &str, format: &str) -> ExportId {
    let reply = ask(browser, filter, format).await;
    assert_eq!((reply.status, reply.header("location")), (303, Some("/audit/exports")), "{}", reply.body);
    seal(app).await;
    app.run_jobs().await;
    newest(app).await
}

async fn newest(app: &TestApp) -> ExportId {
    let id = "select 'exp_' || replace(id::text, '-', '') from audit_exports order by asked_at desc limit 1";
    sql::text(&app.owner, id).await.parse().expect("an id")
}

async fn state(app: &TestApp, id: ExportId) -> String {
    sql::text(&app.owner, format!("select state from audit_exports where id = '{}'", id.0)).await
}

/// One step of the worker, with whatever waits being due.
async fn step(app: &TestApp) {
    sql::due_now(&app.owner).await;
    worker::step(&app.app).await.expect("a step of the worker");
}

async fn manifest(browser: &Browser, id: ExportId) -> Manifest {
    let reply = browser.get(&format!("/audit/exports/{id}/manifest")).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    verify::manifest(&reply.body).expect("a manifest")
}

async fn file(browser: &Browser, id: ExportId) -> Reply {
    browser.get(&format!("/audit/exports/{id}/file")).await
}

/// What is wrong with a file and its manifest, as somebody sees it who has the public keys alone.
async fn verified(app: &TestApp, manifest: &Manifest, file: &str) -> Option<Fault> {
    let keys = app.app.vault().audit_public_keys(app.app.db()).await.expect("keys");
    let found = verify::signature(manifest, &keys);
    let found = found.or_else(|| verify::bytes(manifest, file.as_bytes()).expect("reads"));
    found.or_else(|| verify::entries(manifest, &mut file.as_bytes()).expect("reads"))
}

/// Many entries at once, as the product would have written them.
async fn many(app: &TestApp, business: &Business, count: usize) {
    let statement = format!(
        "insert into audit_entries (business_id, id, actor_kind, action, result, origin, trace_id, after)
         select '{}', (lpad(to_hex((extract(epoch from now()) * 1000)::bigint), 12, '0') || '70008000'
                 || lpad(to_hex(n), 12, '0'))::uuid,
             'job', 'calls.listed', 'done', 'x', gen_random_uuid(), jsonb_build_object('n', n)
         from generate_series(1, {count}) n",
        business.id.0
    );
    sql::run(&app.owner, statement).await;
}

#[tokio::test]
async fn aud_5_an_export_holds_exactly_what_the_filter_shows() {
    let (app, a, auditor) = start().await;
    let b = app.business("b", Profile::FieldService).await;
    write(&app, &b, 3).await;
    write(&app, &a, 5).await;
    let note = Some("=1+1, \"so\"".to_owned());
    let machine = app.machine(a.id);
    audit::note(&app.app, &machine, Action::CallsListed, None, Outcome::Refused, note).await.expect("is written");
    assert_eq!(auditor.get("/audit").await.status, 200);
    let page = auditor.get("/audit/exports/new?q=action%3Acalls.listed").await;
    assert!(page.body.contains("Export 6 entries"), "{}", page.body);

    let reply = ask(&auditor, "action:calls.listed at:all", "csv").await;
    assert_eq!((reply.status, reply.header("location")), (303, Some("/audit/exports")));
    // Later than it was asked for.
    write(&app, &a, 2).await;
    seal(&app).await;
    app.run_jobs().await;
    let id = newest(&app).await;
    let list = auditor.get("/audit/exports").await;
    for shown in ["Ready", "action:calls.listed", "The Auditor", &format!("/audit/exports/{id}/file")] {
        assert!(list.body.contains(shown), "{shown}: {}", list.body);
    }

    let reply = file(&auditor, id).await;
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("text/csv; charset=utf-8; header=present")));
    let name = format!("attachment; filename=\"audit-{id}.csv\"");
    assert_eq!(reply.header("content-disposition"), Some(name.as_str()));
    assert_eq!(reply.header("content-length"), Some(reply.body.len().to_string().as_str()));
    assert!(reply.body.starts_with(csv::HEADER));
    assert!(reply.body.contains("+00:00,job,") && reply.body.contains("\"'=1+1, \"\"so\"\"\""), "{}", reply.body);
    let ids = reply.body.lines().skip(1).map(|line| line.split(',').next().unwrap_or_default().to_owned());
    let there = sql::texts(
        &app.owner,
        format!(
            "select 'aud_' || replace(id::text, '-', '') from audit_entries
             where business_id = '{}' and action = 'calls.listed' order by id limit 6",
            a.id.0
        ),
    )
    .await;
    assert_eq!(ids.collect::<Vec<_>>(), there);

    let manifest = manifest(&auditor, id).await;
    assert_eq!(verified(&app, &manifest, &reply.body).await, None);
    assert_eq!((manifest.count, manifest.zone.as_str()), (6, "UTC"));
    assert_eq!((manifest.filter.as_str(), manifest.business), ("action:calls.listed at:all", a.id));
    let ends = [manifest.first, manifest.last].map(|leaf| leaf.expect("an entry").0.to_string());
    assert_eq!(ends, [there[0].clone(), there[5].clone()]);
    let changed = reply.body.replacen("done", "dome", 1);
    assert!(verified(&app, &manifest, &changed).await.is_some());
}

#[tokio::test]
async fn aud_5_json_lines_hold_entries_as_they_were_sealed_and_nothing_is_an_export_too() {
    let (app, a, auditor) = start().await;
    write(&app, &a, 4).await;
    let id = export(&app, &auditor, "action:calls.listed at:all", "jsonl").await;
    let reply = file(&auditor, id).await;
    assert_eq!(reply.header("content-type"), Some("application/jsonl; charset=utf-8"));
    assert_eq!(reply.body.lines().filter(|line| line.starts_with("{\"kind\":\"entry/1\",")).count(), 4);
    let made = manifest(&auditor, id).await;
    assert_eq!(verified(&app, &made, &reply.body).await, None);
    // The newest seal of that moment is named.
    let head = format!("select max(seq) from audit_seals where business_id = '{}'", a.id.0);
    let head = sql::count(&app.owner, head).await;
    assert_eq!(made.seal.map(|seal| seal.seq), Some(head));

    for format in ["csv", "jsonl"] {
        let id = export(&app, &auditor, "action:retention.ran at:all", format).await;
        let (made, reply) = (manifest(&auditor, id).await, file(&auditor, id).await);
        assert_eq!((made.count, reply.status, made.first), (0, 200, None), "{format}");
        assert_eq!(verified(&app, &made, &reply.body).await, None);
    }
}

#[tokio::test]
async fn aud_5_an_export_is_written_in_pieces_and_goes_on_where_it_was_interrupted() {
    let (app, a, auditor) = start_with(10_000).await;
    many(&app, &a, 6_000).await;
    assert_eq!(ask(&auditor, "action:calls.listed at:all", "jsonl").await.status, 303);
    let id = newest(&app).await;
    step(&app).await;
    assert_eq!(state(&app, id).await, "waiting", "nothing of it is sealed yet");
    assert!(auditor.get("/audit/exports").await.body.contains("http-equiv=\"refresh\""), "it is looked at again");
    seal(&app).await;
    step(&app).await;
    step(&app).await;
    let page = auditor.get("/audit/exports").await;
    for shown in ["Is being written", "5,000 of 6,000", "<progress"] {
        assert!(page.body.contains(shown), "{shown}: {}", page.body);
    }
    assert_eq!(file(&auditor, id).await.status, 404, "not before it is whole");
    // What was written in the middle of a step that broke is not there; what comes later is not in it.
    write(&app, &a, 1).await;
    app.run_jobs().await;
    let (made, reply) = (manifest(&auditor, id).await, file(&auditor, id).await);
    assert_eq!((made.count, reply.body.lines().count()), (6_000, 6_000));
    assert_eq!(verified(&app, &made, &reply.body).await, None);
    assert_eq!(sql::count(&app.owner, "select count(*) from audit_export_parts").await, 2);
    assert_eq!(sql::count(&app.owner, "select count(*) from jobs").await, 0);
    let clear = "select count(*) from audit_export_parts where position('calls.listed'::bytea in sealed) > 0";
    assert_eq!(sql::count(&app.owner, clear).await, 0, "sealed");
}

#[tokio::test]
async fn aud_5_more_than_an_export_holds_is_refused_with_the_count_and_never_cut_short() {
    let (app, a, auditor) = start_with(5).await;
    write(&app, &a, 6).await;
    let filter = "action:calls.listed at:all";
    let page = auditor.get("/audit/exports/new?q=action%3Acalls.listed").await;
    assert!(page.body.contains("6 entries match, and an export holds 5 at most"), "{}", page.body);
    assert!(!page.body.contains("action=\"/api/audit/export\""), "no button that would be refused");
    let reply = ask(&auditor.clone().json(), filter, "csv").await;
    assert_eq!(reply.status, 422);
    assert!(reply.body.contains("\"TooManyEntries\":[\"6\",\"5\"]"), "{}", reply.body);
    assert_eq!(sql::count(&app.owner, "select count(*) from audit_exports").await, 0);

    // Still being written while it is asked for: that it is more shows when it is begun.
    let late = "insert into audit_entries (business_id, id, actor_kind, action, result, origin, trace_id)
                select '{b}', (lpad(to_hex((extract(epoch from now()) * 1000)::bigint), 12, '0') || '70008000'
                        || lpad(to_hex(n), 12, '0'))::uuid, 'job', 'pop.shown', 'done', 'x', gen_random_uuid()
                from generate_series(1, 6) n";
    let mut tx = app.owner.begin().await.expect("a transaction");
    let late = late.replace("{b}", &a.id.0.to_string());
    sqlx::query(sqlx::AssertSqlSafe(late)).execute(&mut *tx).await.expect("inserts");
    assert_eq!(ask(&auditor, "action:pop.shown at:all", "csv").await.status, 303);
    let id = newest(&app).await;
    step(&app).await;
    assert_eq!(state(&app, id).await, "waiting", "something of it may still appear");
    tx.commit().await.expect("commits");
    seal(&app).await;
    app.run_jobs().await;
    assert_eq!(state(&app, id).await, State::Refused.code());
    assert_eq!(file(&auditor, id).await.status, 404);
    let told = "select result || ' ' || (after ->> 'entries') from audit_entries where action = 'audit.exported'";
    assert_eq!(sql::text(&app.owner, told).await, "refused 6");
    assert!(auditor.get("/audit/exports").await.body.contains("Too many entries"));
}

#[tokio::test]
async fn aud_5_what_an_older_transaction_writes_afterwards_is_not_in_it() {
    let (app, a, auditor) = start().await;
    write(&app, &a, 2).await;
    // It looks before the export is asked for, and so has its snapshot; it gets its number when it writes.
    let mut old = app.owner.begin_with("begin isolation level repeatable read").await.expect("a transaction");
    sqlx::query("select count(*) from audit_entries").execute(&mut *old).await.expect("looks");
    assert_eq!(ask(&auditor, "action:calls.listed at:all", "csv").await.status, 303);
    let id = newest(&app).await;
    let late = "insert into audit_entries (business_id, id, actor_kind, action, result, origin, trace_id)
                values ('{b}', (lpad(to_hex((extract(epoch from now()) * 1000)::bigint), 12, '0') || '70008000000000000001')::uuid,
                    'job', 'calls.listed', 'done', 'x', gen_random_uuid())";
    let late = late.replace("{b}", &a.id.0.to_string());
    sqlx::query(sqlx::AssertSqlSafe(late)).execute(&mut *old).await.expect("inserts");
    seal(&app).await;
    app.run_jobs().await;
    old.commit().await.expect("commits");
    seal(&app).await;
    app.run_jobs().await;
    let (made, reply) = (manifest(&auditor, id).await, file(&auditor, id).await);
    assert_eq!((made.count, reply.body.lines().count()), (2, 3));
    assert_eq!(verified(&app, &made, &reply.body).await, None);
    let all = "select count(*) from audit_entries where action = 'calls.listed'";
    assert_eq!(sql::count(&app.owner, all).await, 3);
}

#[tokio::test]
async fn aud_5_who_asked_cancels_and_what_was_written_goes() {
    let (app, a, auditor) = start_with(10_000).await;
    many(&app, &a, 6_000).await;
    assert_eq!(ask(&auditor, "action:calls.listed at:all", "csv").await.status, 303);
    let id = newest(&app).await;
    seal(&app).await;
    step(&app).await;
    step(&app).await;
    assert_eq!(sql::count(&app.owner, "select parts::bigint from audit_exports").await, 1);
    let named = id.to_string();
    let cancel = [("id", named.as_str())];
    assert_eq!(auditor.post("/api/audit/export/cancel", &cancel).await.status, 303);
    app.run_jobs().await;
    work::housekeeping(&app.app).await.expect("tidies");
    assert_eq!(state(&app, id).await, "cancelled");
    for gone in ["select count(*) from audit_export_parts", "select count(*) from jobs"] {
        assert_eq!(sql::count(&app.owner, gone).await, 0, "{gone}");
    }
    assert_eq!(auditor.clone().json().post("/api/audit/export/cancel", &cancel).await.status, 409, "it is over");
    assert_eq!(file(&auditor, id).await.status, 404);
}

#[tokio::test]
async fn aud_5_only_so_many_are_under_way_at_once() {
    let (app, _, auditor) = start().await;
    for _ in 0..5 {
        assert_eq!(ask(&auditor, "at:all", "csv").await.status, 303);
    }
    let reply = ask(&auditor.clone().json(), "at:all", "csv").await;
    assert_eq!(reply.status, 422);
    assert!(reply.body.contains("UnderWay"), "{}", reply.body);
    for (filter, format, zone, status) in [
        ("at:7d", "csv", "utc", 400),
        ("what:ever", "csv", "utc", 400),
        ("at:all", "xml", "utc", 422),
        ("at:all", "csv", "x", 422),
    ] {
        let fields = [("filter", filter), ("format", format), ("zone", zone)];
        let reply = auditor.clone().json().post("/api/audit/export", &fields).await;
        assert_eq!(reply.status, status, "{filter} {format} {zone}");
    }
    assert_eq!(sql::count(&app.owner, "select count(*) from audit_exports").await, 5);
}

#[tokio::test]
async fn aud_5_a_file_is_there_for_seven_days_and_its_manifest_for_good() {
    let (app, a, auditor) = start().await;
    write(&app, &a, 2).await;
    let id = export(&app, &auditor, "action:calls.listed at:all", "csv").await;
    assert_eq!(file(&auditor, id).await.status, 200);
    work::housekeeping(&app.app).await.expect("tidies");
    assert_eq!(state(&app, id).await, "ready");
    app.clock.advance(7 * 86_400 + 1);
    let auditor = app.browser(a.member(Role::Auditor)).await;
    assert_eq!(file(&auditor, id).await.status, 404, "over, though it is not removed yet");
    work::housekeeping(&app.app).await.expect("tidies");
    assert_eq!(state(&app, id).await, "expired");
    assert_eq!(sql::count(&app.owner, "select count(*) from audit_export_parts").await, 0);
    assert_eq!(manifest(&auditor, id).await.count, 2);
    let told = "select actor_kind || ' ' || result from audit_entries where action = 'audit.export_removed'";
    assert_eq!(sql::text(&app.owner, told).await, "job done");
}

#[tokio::test]
async fn aud_5_many_old_files_go_some_a_minute() {
    let (app, a, auditor) = start().await;
    write(&app, &a, 1).await;
    export(&app, &auditor, "action:calls.listed at:all", "csv").await;
    // Each takes two transactions, one for its piece and one for its end, and a minute has twenty.
    let copies = "with copies as (select gen_random_uuid() as id from generate_series(1, 14)),
        made as (
            insert into audit_exports select r.* from audit_exports e, copies c,
                jsonb_populate_record(null::audit_exports, to_jsonb(e) || jsonb_build_object('id', c.id)) r
            returning id
        )
        insert into audit_export_parts select r.* from audit_export_parts p, made,
            jsonb_populate_record(null::audit_export_parts, to_jsonb(p) || jsonb_build_object('export_id', made.id)) r";
    sql::run(&app.owner, copies).await;
    app.clock.advance(7 * 86_400 + 1);
    let expired = "select count(*) from audit_exports where state = 'expired'";
    for (minute, gone) in [(1, 10), (2, 15), (3, 15)] {
        work::housekeeping(&app.app).await.expect("tidies");
        assert_eq!(sql::count(&app.owner, expired).await, gone, "minute {minute}");
    }
    assert_eq!(sql::count(&app.owner, "select count(*) from audit_export_parts").await, 0);
}

#[tokio::test]
async fn aud_5_a_file_that_is_not_the_signed_one_does_not_go_out_whole() {
    let (app, a, auditor) = start().await;
    write(&app, &a, 2).await;
    let one = export(&app, &auditor, "action:calls.listed at:all", "csv").await;
    let other = export(&app, &auditor, "result:done action:calls.listed at:all", "jsonl").await;
    let person = signed_in(&app, &auditor).await;
    let read = async || {
        let mut tx = app.tx(a.id).await;
        let export = store::audit_export::get(&mut tx, one).await.expect("reads");
        tx.commit().await.expect("commits");
        let manifest = verify::manifest(export.manifest.as_deref().expect("a manifest")).expect("reads");
        let all: Vec<_> = pieces(app.app.clone(), &person, &export, &manifest).collect().await;
        all.iter().all(Result::is_ok)
    };
    assert!(read().await);
    // Another file's piece: it was sealed for its own place, and opens in no other.
    let swap = format!(
        "update audit_export_parts p set sealed = o.sealed from audit_export_parts o
         where p.export_id = '{}' and o.export_id = '{}'",
        one.0, other.0
    );
    sql::run(&app.owner, swap).await;
    assert!(!read().await);
    sql::run(&app.owner, "update audit_export_parts set sealed = sealed || '\\x00'::bytea").await;
    assert!(!read().await);
}

#[tokio::test]
async fn aud_5_acc_5_who_reads_slowly_reads_no_further_than_their_session() {
    let (app, a, auditor) = start().await;
    write(&app, &a, 2).await;
    let id = export(&app, &auditor, "action:calls.listed at:all", "csv").await;
    let person = signed_in(&app, &auditor).await;
    let mut tx = app.tx(a.id).await;
    let export = store::audit_export::get(&mut tx, id).await.expect("reads");
    tx.commit().await.expect("commits");
    let manifest = verify::manifest(export.manifest.as_deref().expect("a manifest")).expect("reads");
    let slowly = pieces(app.app.clone(), &person, &export, &manifest);
    assert_eq!(auditor.post("/api/sign-out", &[]).await.status, 303);
    let all: Vec<_> = slowly.collect().await;
    assert!(matches!(all[..], [Err(AppError::SignedOut)]), "{all:?}");
}

#[tokio::test]
async fn aud_3_what_is_not_as_it_was_sealed_is_not_exported_and_signed() {
    let (app, a, auditor) = start().await;
    write(&app, &a, 3).await;
    seal(&app).await;
    let one = "select id::text from audit_entries where action = 'calls.listed' order by xid, id limit 1";
    let one = sql::text(&app.owner, one).await;
    sql::run(&app.owner, DISARM).await;
    sql::run(&app.owner, format!("update audit_entries set result = 'failed' where id = '{one}'")).await;
    sql::run(&app.owner, ARM).await;
    let id = export(&app, &auditor, "action:calls.listed at:all", "csv").await;
    assert_eq!(state(&app, id).await, "failed");
    let told = "select result || ' ' || (after ->> 'flaw') || ' ' || (after ->> 'entry') from audit_entries
                where action = 'audit.exported'";
    assert_eq!(sql::text(&app.owner, told).await, format!("failed entry.changed aud_{}", one.replace('-', "")));
    // What is as it was goes out.
    let id = export(&app, &auditor, "action:calls.listed result:done at:all", "csv").await;
    assert_eq!((state(&app, id).await.as_str(), manifest(&auditor, id).await.count), ("ready", 2));
}

#[tokio::test]
async fn aud_5_a_business_keeps_only_so_much_and_has_only_so_many_under_way() {
    let (app, a, auditor) = start().await;
    write(&app, &a, 1).await;
    let id = export(&app, &auditor, "action:calls.listed at:all", "csv").await;
    sql::run(&app.owner, "update audit_exports set bytes = 5368709120").await;
    let reply = ask(&auditor.clone().json(), "at:all", "csv").await;
    assert!(reply.status == 422 && reply.body.contains("ExportsFull"), "{}", reply.body);
    sql::run(&app.owner, format!("update audit_exports set bytes = 1 where id = '{}'", id.0)).await;
    let owner = app.browser(a.member(Role::Owner)).await;
    for _ in 0..5 {
        assert_eq!(ask(&auditor, "at:all", "csv").await.status, 303);
        assert_eq!(ask(&owner, "at:all", "csv").await.status, 303);
    }
    let admin = a.member(Role::Admin).id.0;
    sql::run(
        &app.owner,
        format!("update audit_exports set asked_by = '{admin}' where asked_by = '{}'", a.member(Role::Auditor).id.0),
    )
    .await;
    let reply = ask(&auditor.clone().json(), "at:all", "csv").await;
    assert!(reply.status == 422 && reply.body.contains("\"UnderWay\":10"), "{}", reply.body);
}

#[tokio::test]
async fn aud_5_of_two_businesses_exports_one_is_written_at_a_time_and_both_end() {
    let (app, a, auditor) = start_with(10_000).await;
    let b = app.business("b", Profile::FieldService).await;
    let other = app.browser(b.member(Role::Auditor)).await;
    many(&app, &a, 6_000).await;
    many(&app, &b, 10).await;
    for browser in [&auditor, &other] {
        assert_eq!(ask(browser, "action:calls.listed at:all", "jsonl").await.status, 303);
    }
    seal(&app).await;
    // While another is at it, neither begins: they come back, and the other is told that somebody waits.
    let turn = app.app.limits().export_turn().expect("the turn");
    step(&app).await;
    let begun = "select count(*) from audit_exports where state <> 'waiting'";
    assert_eq!(sql::count(&app.owner, begun).await, 0);
    assert!(app.app.limits().export_waits());
    drop(turn);
    app.run_jobs().await;
    assert_eq!(sql::count(&app.owner, "select count(*) from audit_exports where state = 'ready'").await, 2);
    assert_eq!(sql::count(&app.owner, "select count(*) from jobs").await, 0);
}

#[tokio::test]
async fn aud_1_asking_making_and_getting_an_export_are_entries_without_what_was_looked_for() {
    let (app, a, auditor) = start().await;
    write(&app, &a, 1).await;
    let id = export(&app, &auditor, "result:done at:all canary", "csv").await;
    assert_eq!(file(&auditor, id).await.status, 200);
    manifest(&auditor, id).await;
    let told = sql::texts(
        &app.owner,
        format!(
            "select action || ' ' || actor_kind || ' ' || coalesce(after ->> 'what', after ->> 'by', '') from audit_entries
             where target_id = '{}' order by xid, id",
            id.0
        ),
    )
    .await;
    assert_eq!(
        told,
        [
            "audit.export_asked member [\"result\", \"text\"]",
            "audit.exported job ",
            "audit.export_downloaded member file",
            "audit.export_downloaded member manifest",
        ]
    );
    let spoken = "select count(*) from audit_entries e where e::text like '%canary%'";
    assert_eq!(sql::count(&app.owner, spoken).await, 0);
    assert_eq!(sql::count(&app.owner, "select count(*) from jobs j where j::text like '%canary%'").await, 0);
}

#[tokio::test]
async fn acc_8_exports_open_to_who_may_export_and_has_just_shown_who_they_are() {
    let (app, a, auditor) = start().await;
    write(&app, &a, 1).await;
    let id = export(&app, &auditor, "at:all", "csv").await;
    let paths = [
        "/audit/exports".to_owned(),
        "/audit/exports/new".to_owned(),
        format!("/audit/exports/{id}/file"),
        format!("/audit/exports/{id}/manifest"),
    ];
    let owner = app.browser(a.member(Role::Owner)).await;
    let admin = app.browser(a.member(Role::Admin)).await;
    for path in &paths {
        assert_eq!(owner.get(path).await.status, 200, "{path}");
        assert_eq!(admin.get(path).await.status, 403, "{path}");
    }
    assert_eq!(ask(&admin, "at:all", "csv").await.status, 403);
    app.clock.advance(11 * 60);
    for path in &paths {
        let reply = auditor.get(path).await;
        assert_eq!(reply.status, 303, "{path}");
        let to = reply.header("location").unwrap_or_default();
        assert!(to.starts_with("/confirm?next=%2Faudit%2Fexports"), "{path}: {to}");
    }
    assert_eq!(ask(&auditor.json(), "at:all", "csv").await.status, 403);
}
