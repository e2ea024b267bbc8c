//! What sealing costs, and what verifying takes (AUD-3).
//!
//! Append against a plain insert (goal: at least 0.9): the product's statement, from the store's source text, as
//! `ringfort_app`, each in a transaction of its own, on 16 connections; and the same statement into a table that is the same
//! but for its triggers. The worker seals beside both. One hot business, then a hundred. Sides in turn, so that a drift of the
//! machine meets both; before a plain side begins, everything is sealed.
//!
//! Verification against the machine's SHA-256 (goal: at least 0.5): entries and seals in memory, every digest, root, hash and
//! signature computed anew, in bytes that are hashed a second, against one long buffer. And, without a goal, through the
//! database.
#![recursion_limit = "256"]
#![allow(clippy::disallowed_methods, reason = "a benchmark reads the environment and opens transactions")]

mod kit;

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use anyhow::ensure;
use ringfort::{
    model::{
        id::{AuditId, BusinessId, JobId, TraceId},
        seal::{Entry, Leaf, Seal},
    },
    server::{
        caller::{Actor, Caller, Origin},
        services::seal::{
            chain::{self, Link},
            verify::{self, Asked},
        },
        vault::{AuditKey, PublicKeys},
    },
};
use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use tokio::task::JoinSet;
use uuid::Uuid;
use zeroize::Zeroizing;

use kit::{
    Bench,
    figures::{count, median},
    provider,
    source::{self, statement},
};

const CONNECTIONS: usize = 16;
const ROUNDS: usize = 5;
const BUSINESSES: usize = 100;
const APPEND_GOAL: f64 = 0.9;
const VERIFY_GOAL: f64 = 0.5;
const IN_MEMORY: usize = 200_000;

fn main() -> anyhow::Result<()> {
    if !kit::is_asked() {
        return Ok(());
    }
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(run())
}

async fn run() -> anyhow::Result<()> {
    in_memory()?;
    let bench = Bench::start("audit").await?;
    let mut businesses = Vec::new();
    for number in 1..=BUSINESSES {
        businesses.push(provider::found(&bench, number).await?.business);
    }
    bench.owner.execute(PLAIN).await?;
    bench.settle().await?;
    println!(
        "append against a plain insert, {CONNECTIONS} connections, {ROUNDS} rounds, {}",
        bench.durability().await?
    );
    let serving = bench.serve().await?;
    compare(&bench, "one hot business", &businesses[..1]).await?;
    compare(&bench, "a hundred businesses", &businesses).await?;
    through_the_database(&bench, businesses[0]).await?;
    serving.stop().await;
    bench.finish().await
}

/// The same columns, defaults, indexes, months and row security, and no triggers.
const PLAIN: &str = "
    create table bench.plain (like audit_entries including all) partition by range (id);
    do $$ declare p record; begin
        for p in select c.relname, pg_get_expr(c.relpartbound, c.oid) as bound from pg_inherits i
            join pg_class c on c.oid = i.inhrelid where i.inhparent = 'audit_entries'::regclass loop
            execute format('create table bench.%I partition of bench.plain %s', replace(p.relname, 'audit_', 'plain_'), p.bound);
        end loop;
    end $$;
    call tenant_wall('bench.plain', 'select, insert');
";

/// The median over the rounds of append / plain, in rates.
async fn compare(bench: &Bench, name: &str, businesses: &[BusinessId]) -> anyhow::Result<()> {
    let append = statement(source::AUDIT, "append", 0);
    let plain = append.replacen("audit_entries", "bench.plain", 1);
    ensure!(plain != append, "the store does not insert into audit_entries any more");
    let long = Duration::from_secs(u64::from(kit::seconds(10)));
    // Connections, plans and caches.
    side(bench, append, businesses, long / 5).await?;
    let (mut with, mut without, mut ratios, mut behind) = (Vec::new(), Vec::new(), Vec::new(), 0_i64);
    for round in 0..ROUNDS {
        let mut rates = [0.0, 0.0];
        for turn in 0..2_usize {
            let is_plain = (round + turn).is_multiple_of(2);
            sealed(bench).await?;
            let text = if is_plain { plain.as_str() } else { append };
            rates[usize::from(is_plain)] = side(bench, text, businesses, long).await?;
            behind = behind.max(waiting(bench).await?);
        }
        with.push(rates[0]);
        without.push(rates[1]);
        ratios.push(rates[0] / rates[1]);
    }
    println!(
        "{name:<22} append {:7.0}/s, plain {:7.0}/s, ratio {:.3} (goal at least {APPEND_GOAL}); at most {behind} entries behind",
        median(&with),
        median(&without),
        median(&ratios)
    );
    Ok(())
}

async fn waiting(bench: &Bench) -> anyhow::Result<i64> {
    Ok(sqlx::query_scalar("select count(*) from audit_pending").fetch_one(&bench.owner).await?)
}

async fn sealed(bench: &Bench) -> anyhow::Result<()> {
    while waiting(bench).await? > 0 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

/// Transactions a second, over all connections.
async fn side(bench: &Bench, text: &str, businesses: &[BusinessId], long: Duration) -> anyhow::Result<f64> {
    let mut clients = JoinSet::new();
    for client in 0..CONNECTIONS {
        let (mut conn, text) = (bench.connect_as("ringfort_app").await?, text.to_owned());
        let businesses = businesses.to_vec();
        clients.spawn(async move {
            let (begin, mut done) = (Instant::now(), 0_usize);
            while begin.elapsed() < long {
                let business = businesses[(client + done * 7) % businesses.len()];
                one(&mut conn, &text, business).await?;
                done += 1;
            }
            conn.close().await?;
            anyhow::Ok((done, begin.elapsed()))
        });
    }
    let mut rate = 0.0;
    while let Some(client) = clients.join_next().await {
        let (done, took) = client??;
        rate += count(done) / took.as_secs_f64();
    }
    Ok(rate)
}

/// As the product does it: the tenant in the statement that begins.
async fn one(conn: &mut PgConnection, text: &str, business: BusinessId) -> anyhow::Result<()> {
    let (member, receipt): (Uuid, Uuid) = (kit::new_id(), kit::new_id());
    let begin = format!("BEGIN; SET LOCAL app.business = '{}'; SET LOCAL app.actor = '{member}'", business.0);
    (&mut *conn).execute(AssertSqlSafe(begin)).await?;
    let done = sqlx::query(AssertSqlSafe(text.to_owned()))
        .bind(business)
        .bind(kit::new_id::<Uuid>())
        .bind("webhook")
        .bind(Some(member))
        .bind("webhook.received")
        .bind(Some("call"))
        .bind(Some(receipt))
        .bind("done")
        .bind(None::<String>)
        .bind("webhook")
        .bind(kit::new_id::<Uuid>())
        .bind(None::<serde_json::Value>)
        .bind(Some(serde_json::json!({ "receipt": receipt, "waits": false })))
        .execute(&mut *conn)
        .await?;
    ensure!(done.rows_affected() == 1, "no entry was written");
    (&mut *conn).execute("COMMIT").await?;
    Ok(())
}

async fn through_the_database(bench: &Bench, business: BusinessId) -> anyhow::Result<()> {
    sealed(bench).await?;
    let caller = Caller {
        actor: Actor::Job(JobId(Uuid::nil())),
        business,
        origin: Origin { door: "bench", network: None },
        trace: kit::new_id::<TraceId>(),
    };
    let begin = Instant::now();
    let report = verify::verify(&bench.app, &caller, &Asked::default()).await?;
    let took = begin.elapsed().as_secs_f64();
    ensure!(report.is_sound(), "{}", report.says());
    let entries = f64::from(u32::try_from(report.entries)?);
    println!("verified through the database: {entries:.0} entries in {took:.1} s, {:.0}/s", entries / took);
    Ok(())
}

/// An entry as most are, by its number.
fn entry(business: BusinessId, number: usize) -> anyhow::Result<Entry> {
    let number = u64::try_from(number)?;
    let id = |kind: u64| Uuid::from_u64_pair(0x0199_0000_0000_7000 | (kind << 32), number);
    Ok(Entry {
        business,
        id: AuditId(id(1)),
        at: 1_767_323_045_000_000 + i64::try_from(number)?,
        xid: 1_000_000 + number,
        actor_kind: "webhook".to_owned(),
        actor_id: Some(id(2)),
        action: "webhook.received".to_owned(),
        target_kind: Some("call".to_owned()),
        target_id: Some(id(3)),
        result: "done".to_owned(),
        reason: None,
        origin: "webhook".to_owned(),
        trace: TraceId(id(4)),
        before: None,
        after: Some(format!("{{\"receipt\":\"{}\",\"waits\":false}}", id(5))),
    })
}

/// The bytes a second of SHA-256 over one long buffer: the best of some tries.
fn bandwidth() -> f64 {
    let buffer = vec![0x5a_u8; 64 << 20];
    let mut best: f64 = 0.0;
    for _ in 0..5 {
        let begin = Instant::now();
        black_box(Sha256::digest(black_box(buffer.as_slice())));
        best = best.max(count(buffer.len()) / begin.elapsed().as_secs_f64());
    }
    best
}

fn in_memory() -> anyhow::Result<()> {
    let business: BusinessId = kit::new_id();
    let key = AuditKey::of_seed(&Zeroizing::new(kit::random::<32>()));
    let mut keys = PublicKeys::default();
    keys.add(&key.public())?;
    let entries = (0..IN_MEMORY).map(|number| entry(business, number)).collect::<anyhow::Result<Vec<_>>>()?;
    let (mut seals, mut buffer, mut bytes): (Vec<Seal>, Vec<u8>, usize) = (Vec::new(), Vec::new(), 0);
    for piece in entries.chunks(4096) {
        let mut sealed = Vec::new();
        for entry in piece {
            sealed.push((entry.mark(), chain::digest(entry, &mut buffer)));
            bytes += buffer.len() + 48;
        }
        let made = chain::make(&key, business, seals.last(), &sealed, kit::now());
        seals.extend(made);
    }
    let mut best: f64 = 0.0;
    for _ in 0..5 {
        let begin = Instant::now();
        walk(&entries, &seals, &keys)?;
        best = best.max(count(bytes) / begin.elapsed().as_secs_f64());
    }
    let all = bandwidth();
    println!(
        "verification in memory: {:.0} MB/s of {:.0} MB/s that SHA-256 does here, ratio {:.3} (goal at least {VERIFY_GOAL}); \
         {} bytes an entry\n",
        best / 1e6,
        all / 1e6,
        best / all,
        bytes / IN_MEMORY
    );
    Ok(())
}

fn walk(entries: &[Entry], seals: &[Seal], keys: &PublicKeys) -> anyhow::Result<()> {
    let (mut link, mut buffer, mut entries) = (Link::START, Vec::new(), entries.iter());
    for seal in seals {
        let flaw = link.step(seal, keys);
        ensure!(flaw.is_none(), "a seal is not good: {flaw:?}");
        for Leaf(id, sealed) in &seal.leaves {
            let there = entries.next().filter(|entry| entry.id == *id);
            let is_same = there.is_some_and(|entry| chain::digest(entry, &mut buffer) == *sealed);
            ensure!(is_same, "{id} is not what was sealed");
        }
    }
    Ok(())
}
