//! The adversary: everything that the owner of the database can do to the log, with triggers off. Each is seen, and what it
//! touched first is named.

use std::collections::BTreeMap;

use ringfort::{
    model::{
        audit::{Action, Outcome},
        id::AuditId,
        profile::Profile,
        seal::{Digest, Flaw, Leaf, Mark, Seal},
    },
    server::{
        services::{
            audit,
            seal::{Memory, chain, verify::Asked},
        },
        store::{self, seal::Span},
        vault::AuditKey,
    },
};
use zeroize::Zeroizing;

use super::{
    ARM, DISARM, entries, found, head, is_sound, names, seal, seal_by, sealed, start, tamper, verified, verify, write,
};
use crate::kit::{Business, TestApp, sql};

#[tokio::test]
async fn aud_3_an_edit_of_any_column_is_seen() {
    let (app, a) = start().await;
    sealed(&app, &a, 3).await;
    let victim = entries(&app, &a).await[4];
    sql::run(&app.owner, "create table saved as select * from audit_entries").await;
    for (column, value) in [
        ("at", "at + interval '1 microsecond'"),
        ("xid", "'7'::xid8"),
        ("actor_kind", "'member'"),
        ("actor_id", "gen_random_uuid()"),
        ("action", "'call.viewed'"),
        ("target_kind", "'call'"),
        ("target_id", "gen_random_uuid()"),
        ("result", "'refused'"),
        ("reason", "null"),
        ("origin", "'web'"),
        ("trace_id", "gen_random_uuid()"),
        ("before", "'{}'"),
        ("after", "'null'"),
    ] {
        tamper(&app, &format!("update audit_entries set {column} = {value} where id = '{}'", victim.0)).await;
        let report = verify(&app, &a).await;
        names(&report, Flaw::EntryChanged, victim);
        assert_eq!((report.flaws, found(&report).seq), (1, Some(2)), "{column}");
        let undo = format!(
            "update audit_entries e set {column} = s.{column} from saved s where s.id = e.id and e.id = '{}'",
            victim.0
        );
        tamper(&app, &undo).await;
    }
    is_sound(&verify(&app, &a).await);
}

#[tokio::test]
async fn aud_3_a_deletion_in_the_middle_is_seen() {
    let (app, a) = start().await;
    sealed(&app, &a, 3).await;
    let ids = entries(&app, &a).await;
    let victim = ids[4];
    tamper(&app, &format!("delete from audit_entries where id = '{}'", victim.0)).await;
    let report = verify(&app, &a).await;
    names(&report, Flaw::EntryGone, victim);
    assert_eq!((found(&report).seq, report.entries), (Some(2), 8));
    // With its seal's leaf taken away too, the seal is not what was signed.
    let shorter = "update audit_seals set leaves = overlay(leaves placing ''::bytea from 49 for 48), count = 2, total = 5 where seq = 2";
    tamper(&app, shorter).await;
    let report = verify(&app, &a).await;
    assert_eq!((found(&report).flaw, found(&report).seq), (Flaw::SealChanged, Some(2)));
    // With the whole seal gone, its number is missing, and what it held is in none.
    tamper(&app, "delete from audit_seals where seq = 2").await;
    let report = verify(&app, &a).await;
    names(&report, Flaw::EntryUnsealed, ids[3]);
    assert_eq!((report.flaws, found(&report).seq), (3, Some(3)), "{}", report.says());
}

#[tokio::test]
async fn aud_3_a_tail_that_is_cut_off_is_seen_from_outside() {
    let (app, a) = start().await;
    sealed(&app, &a, 2).await;
    let kept = entries(&app, &a).await.len();
    sealed(&app, &a, 2).await;
    let (outside, all) = (head(&app, &a).await, entries(&app, &a).await);
    cut(&app, &all[kept..], 2).await;
    // What is left is a good beginning: from inside nothing shows.
    is_sound(&verify(&app, &a).await);
    let report = verified(&app, &a, &Asked { checkpoints: vec![outside.checkpoint()], ..Asked::default() }).await;
    names(&report, Flaw::ChainCut, outside.first.id);
    assert_eq!(found(&report).seq, Some(4));
}

/// Takes entries and the seals after `seq` away.
async fn cut(app: &TestApp, gone: &[AuditId], seq: i64) {
    let ids: Vec<String> = gone.iter().map(|id| format!("'{}'", id.0)).collect();
    let statements = format!(
        "delete from audit_entries where id in ({}); delete from audit_seals where seq > {seq}; delete from audit_pending",
        ids.join(", ")
    );
    tamper(app, &statements).await;
}

#[tokio::test]
async fn aud_3_a_running_process_sees_that_its_seal_is_gone() {
    let (app, a) = start().await;
    let mut memory = Memory::default();
    write(&app, &a, 3).await;
    seal_by(&app, &mut memory).await;
    let kept = entries(&app, &a).await.len();
    write(&app, &a, 3).await;
    seal_by(&app, &mut memory).await;
    let all = entries(&app, &a).await;
    cut(&app, &all[kept..], 1).await;
    write(&app, &a, 1).await;
    seal_by(&app, &mut memory).await;
    let told =
        "select string_agg(result || ': ' || reason, ', ') from audit_entries where action = 'audit.chain_broken'";
    assert_eq!(sql::text(&app.owner, told).await, "failed: seal 2 is not the one that was made");
    // Told once; what comes after is chained to what is there now.
    write(&app, &a, 1).await;
    seal_by(&app, &mut memory).await;
    assert_eq!(sql::text(&app.owner, told).await, "failed: seal 2 is not the one that was made");
}

/// All seals of a business, with what they hold.
async fn chain_of(app: &TestApp, business: &Business) -> Vec<Seal> {
    let mut tx = app.tx(business.id).await;
    let span = Span { first: 1, last: i64::MAX, entries: i64::MAX, leaves: true };
    let seals = store::seal::seals(&mut tx, span).await.expect("reads");
    tx.commit().await.expect("commits");
    seals
}

#[tokio::test]
async fn aud_3_all_made_anew_by_another_key_is_seen() {
    let (app, a) = start().await;
    sealed(&app, &a, 2).await;
    let (seals, ids) = (chain_of(&app, &a).await, entries(&app, &a).await);
    tamper(&app, &format!("update audit_entries set origin = 'web' where id = '{}'", ids[1].0)).await;
    // The forger reads the entries, and can compute all that we can; only sign they cannot.
    let mut tx = app.tx(a.id).await;
    let there = store::seal::entries(&mut tx, &ids).await.expect("reads");
    tx.commit().await.expect("commits");
    let digests: BTreeMap<Mark, Digest> =
        there.values().map(|entry| (entry.mark(), chain::digest(entry, &mut Vec::new()))).collect();
    let key = AuditKey::of_seed(&Zeroizing::new([9; 32]));
    let mut before: Option<Seal> = None;
    let mut forged = vec!["delete from audit_seals".to_owned()];
    let mut places = digests.into_iter();
    for seal in &seals {
        let some: Vec<(Mark, Digest)> = places.by_ref().take(seal.leaves.len()).collect();
        let made = chain::make(&key, a.id, before.as_ref(), &some, app.now()).expect("entries");
        forged.push(insert(&made));
        before = Some(made);
    }
    // And puts their public key beside ours.
    forged.push(format!(
        "insert into lobby.audit_keys (id, kid, public_key, mac, created_at, retired_at)
         values (gen_random_uuid(), '{}', '\\x{}', decode(repeat('ab', 32), 'hex'), now(), now())",
        key.kid(),
        hex::encode(key.public())
    ));
    tamper(&app, &forged.join("; ")).await;
    let report = verify(&app, &a).await;
    names(&report, Flaw::SealUnsigned, ids[0]);
    assert_eq!(report.flaws, 2, "{}", report.says());
}

fn insert(seal: &Seal) -> String {
    let leaves: String =
        seal.leaves.iter().flat_map(|Leaf(id, digest)| [id.0.simple().to_string(), digest.to_string()]).collect();
    format!(
        "insert into audit_seals (business_id, seq, prev_hash, root, hash, count, total, first_xid, first_id, last_xid,
             last_id, at, key_id, signature, leaves)
         values ('{}', {}, '\\x{}', '\\x{}', '\\x{}', {}, {}, '{}', '{}', '{}', '{}',
             to_timestamp({}::numeric / 1000000), '{}', '\\x{}', '\\x{leaves}')",
        seal.business.0,
        seal.seq,
        seal.prev,
        seal.root,
        seal.hash,
        seal.count,
        seal.total,
        seal.first.xid,
        seal.first.id.0,
        seal.last.xid,
        seal.last.id.0,
        seal.at,
        seal.key,
        seal.signature
    )
}

#[tokio::test]
async fn aud_3_all_made_anew_by_the_product_itself_is_seen_from_outside() {
    let (app, a) = start().await;
    sealed(&app, &a, 2).await;
    let good = head(&app, &a).await;
    sealed(&app, &a, 1).await;
    let (outside, ids) = (head(&app, &a).await, entries(&app, &a).await);
    // Edited, and put back into the queue: the running worker signs the forgery.
    let statements = format!(
        "update audit_entries set origin = 'web' where id = '{}';
         delete from audit_seals where seq > 2;
         insert into audit_pending (business_id, xid, id, at)
         select business_id, xid, id, at from audit_entries where id in ('{}')",
        ids[7].0,
        ids[6..].iter().map(|id| id.0.to_string()).collect::<Vec<_>>().join("', '")
    );
    tamper(&app, &statements).await;
    seal(&app).await;
    is_sound(&verify(&app, &a).await);
    let checkpoints = vec![good.checkpoint(), outside.checkpoint()];
    let report = verified(&app, &a, &Asked { checkpoints, ..Asked::default() }).await;
    // What agrees ends before the first entry behind the last good checkpoint.
    names(&report, Flaw::ChainRewritten, ids[6]);
    assert_eq!(report.checkpoints, 1);
}

#[tokio::test]
async fn aud_3_an_append_that_was_skipped_is_seen() {
    let (app, a) = start().await;
    sealed(&app, &a, 1).await;
    // Gone before it was sealed: its place in the queue is left, and the seal says so.
    write(&app, &a, 3).await;
    let victim = entries(&app, &a).await[4];
    tamper(&app, &format!("delete from audit_entries where id = '{}'", victim.0)).await;
    seal(&app).await;
    names(&verify(&app, &a).await, Flaw::EntryLost, victim);

    // Taken out of the queue, or never put into it: later seals do not hold it.
    let (app, a) = start().await;
    write(&app, &a, 3).await;
    let victim = entries(&app, &a).await[1];
    tamper(&app, &format!("delete from audit_pending where id = '{}'", victim.0)).await;
    seal(&app).await;
    names(&verify(&app, &a).await, Flaw::EntryUnsealed, victim);
    sealed(&app, &a, 2).await;
    names(&verify(&app, &a).await, Flaw::EntryUnsealed, victim);

    // Swallowed by a trigger: then the act does not happen either.
    let (app, a) = start().await;
    sql::run(
        &app.owner,
        "create function swallow() returns trigger language plpgsql as $$ begin return null; end $$;
         create trigger zz_swallow before insert on audit_entries for each row execute function swallow()",
    )
    .await;
    let noted = audit::note(&app.app, &app.machine(a.id), Action::CallsListed, None, Outcome::Done, None).await;
    assert!(noted.is_err(), "an act without an entry");
    assert_eq!(sql::count(&app.owner, "select count(*) from audit_pending").await, 0);
}

#[tokio::test]
async fn aud_3_an_entry_that_is_slipped_in_behind_is_seen() {
    let (app, a) = start().await;
    sealed(&app, &a, 3).await;
    let ids = entries(&app, &a).await;
    // As if it had been written between two others, with their time and transaction.
    let statement = format!(
        "insert into audit_entries (business_id, id, at, xid, actor_kind, action, result, origin, trace_id)
         select business_id, gen_random_uuid(), at, xid, actor_kind, 'call.viewed', result, origin, trace_id
         from audit_entries where id = '{}'",
        ids[4].0
    );
    tamper(&app, &statement).await;
    let report = verify(&app, &a).await;
    let slipped = entries(&app, &a).await.into_iter().find(|id| !ids.contains(id)).expect("one more");
    names(&report, Flaw::EntryUnsealed, slipped);
    assert_eq!(report.flaws, 1);
}

#[tokio::test]
async fn aud_3_another_order_is_seen() {
    let (app, a) = start().await;
    sealed(&app, &a, 3).await;
    let ids = entries(&app, &a).await;
    // Two entries change their contents: each is not what was sealed under its id.
    let swap = format!(
        "update audit_entries e set reason = o.reason, trace_id = o.trace_id, at = o.at, xid = o.xid
         from audit_entries o where (e.id, o.id) in (('{0}', '{1}'), ('{1}', '{0}'))",
        ids[1].0, ids[2].0
    );
    tamper(&app, &swap).await;
    let report = verify(&app, &a).await;
    names(&report, Flaw::EntryChanged, ids[1]);
    assert_eq!(report.flaws, 2);
    tamper(&app, &swap).await;
    is_sound(&verify(&app, &a).await);
    // Two seals change their places.
    tamper(&app, "update audit_seals set seq = case seq when 2 then 103 else 102 end where seq in (2, 3); update audit_seals set seq = seq - 100 where seq > 100").await;
    let report = verify(&app, &a).await;
    assert_eq!((found(&report).flaw, found(&report).seq), (Flaw::SealChanged, Some(2)));
}

#[tokio::test]
async fn aud_3_another_businesss_chain_does_not_pass() {
    let (app, a) = start().await;
    let b = app.business("b", Profile::FieldService).await;
    sealed(&app, &a, 1).await;
    sealed(&app, &b, 1).await;
    let statement = format!(
        "delete from audit_seals where business_id = '{a}'; delete from audit_entries where business_id = '{a}';
         update audit_seals set business_id = '{a}'; update audit_entries set business_id = '{a}'",
        a = a.id.0
    );
    tamper(&app, &statement).await;
    let report = verify(&app, &a).await;
    assert_eq!(found(&report).seq, Some(1));
    assert_eq!(found(&report).flaw, Flaw::EntryChanged, "entries and seals name their business");
    assert!(report.flaws >= 4, "{}", report.says());
}

#[tokio::test]
async fn aud_3_an_old_backup_that_is_restored_is_seen_from_outside() {
    let (app, a) = start().await;
    sealed(&app, &a, 2).await;
    let tables = ["audit_entries", "audit_seals", "audit_pending"];
    for table in tables {
        sql::run(&app.owner, format!("create table backup_{table} as select * from {table}")).await;
    }
    sealed(&app, &a, 2).await;
    let outside = head(&app, &a).await;
    let asked = Asked { checkpoints: vec![outside.checkpoint()], ..Asked::default() };
    is_sound(&verified(&app, &a, &asked).await);
    let mut restore = vec![DISARM.to_owned()];
    for table in tables {
        restore.push(format!("delete from {table}; insert into {table} select * from backup_{table}"));
    }
    restore.push(ARM.to_owned());
    sql::run(&app.owner, restore.join("; ")).await;
    is_sound(&verify(&app, &a).await);
    let report = verified(&app, &a, &asked).await;
    names(&report, Flaw::ChainCut, outside.first.id);
    // Life goes on from there: the same numbers, other seals.
    sealed(&app, &a, 3).await;
    let report = verified(&app, &a, &asked).await;
    assert_eq!(found(&report).flaw, Flaw::ChainRewritten, "{}", report.says());
}
