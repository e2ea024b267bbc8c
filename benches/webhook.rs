//! Signed webhook to commit, against pgbench with the same statements and connections (goal: 0.8 of it).
//!
//! The product: the real router on a real socket with its background tasks, 16 connections that are kept alive, each
//! request a signed Twilio status event of a new call. pgbench: the same statements on the same database as the same
//! role, from the store's source text; the product is stopped meanwhile. Both share the machine with their clients.
//!
//! What differs, in pgbench's favour: the product reads each business's data key once a minute, and its relay reads every
//! event once more. In the product's
//! favour: what it draws in memory (ids, the event's key, the time) the server must draw for pgbench, in the first
//! statement, without a round trip of its own.
#![recursion_limit = "256"]
#![allow(clippy::disallowed_methods, reason = "a benchmark starts programs and reads the environment")]

mod kit;

use std::{path::Path, sync::Arc, time::Duration};

use anyhow::{Context, anyhow, bail, ensure};
use tokio::{process::Command, task::JoinSet, time::Instant};

use kit::{
    Bench,
    client::Client,
    figures::{Times, count, median},
    provider::{self, Line},
    source::{self, fill, plain, statement},
};

/// So many that nobody passes the 200 a minute that are applied at once.
const BUSINESSES: usize = 512;
const CONNECTIONS: usize = 16;
const ROUNDS: usize = 3;
const GOAL: f64 = 0.8;

fn main() -> anyhow::Result<()> {
    if !kit::is_asked() {
        return Ok(());
    }
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(run(kit::seconds(10)))
}

async fn run(seconds: u32) -> anyhow::Result<()> {
    let bench = Bench::start("webhook").await?;
    let mut lines = Vec::with_capacity(BUSINESSES);
    for number in 1..=BUSINESSES {
        lines.push(provider::found(&bench, number).await?);
    }
    let lines = Arc::new(lines);
    let steps = steps();
    let script = bench.folder.join("webhook.sql");
    std::fs::write(&script, pgbench_script(&steps))?;
    compare_statements(&bench, &lines[0], &steps).await?;
    bench.settle().await?;
    println!("signed webhook to commit, {CONNECTIONS} connections, {seconds} s a side, {}", bench.durability().await?);

    // Warm: caches, plans, files of the tables. Not counted.
    product(&bench, &lines, 3).await?;
    pgbench(&bench, &script, 3).await?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let (mut webhooks, mut transactions) = (Side::default(), Side::default());
    for round in 1..=ROUNDS {
        let before = rows(&bench).await?;
        let load = product(&bench, &lines, seconds).await?;
        let between = rows(&bench).await?;
        let other = pgbench(&bench, &script, seconds).await?;
        let after = rows(&bench).await?;
        webhooks.add(load.done, between - before);
        transactions.add(other.done, after - between);
        println!(
            "round {round}: product {:.0}/s ({}), pgbench {:.0}/s, ratio {:.3}",
            load.rate,
            load.times.line(),
            other.rate,
            load.rate / other.rate
        );
        ours.push(load.rate);
        theirs.push(other.rate);
    }
    let ratios: Vec<f64> = ours.iter().zip(&theirs).map(|(one, other)| one / other).collect();
    println!(
        "median: product {:.0}/s, pgbench {:.0}/s, ratio {:.3} (goal {GOAL})",
        median(&ours),
        median(&theirs),
        median(&ratios)
    );
    println!("rows written: {:.2} a webhook, {:.2} a transaction of pgbench", webhooks.rows(), transactions.rows());
    let waiting = scalar(&bench, "select count(*) from webhook_receipts where state <> 'applied'").await?;
    println!("webhooks that were not applied at once: {waiting} (must be 0, or the sides did different work)");
    bench.finish().await
}

/// What a side has done, to see that both did the same.
#[derive(Default)]
struct Side {
    done: f64,
    rows: f64,
}

impl Side {
    fn add(&mut self, done: f64, rows: f64) {
        self.done += done;
        self.rows += rows;
    }

    fn rows(&self) -> f64 {
        self.rows / self.done
    }
}

async fn scalar(bench: &Bench, query: &'static str) -> anyhow::Result<i64> {
    Ok(sqlx::query_scalar(query).fetch_one(&bench.owner).await?)
}

/// The rows that events leave behind, in all five tables.
async fn rows(bench: &Bench) -> anyhow::Result<f64> {
    let all = scalar(
        bench,
        "select (select count(*) from webhook_receipts) + (select count(*) from calls)
             + (select count(*) from call_events) + (select count(*) from outbox)
             + (select count(*) from audit_entries)",
    )
    .await?;
    Ok(count(usize::try_from(all)?))
}

// The product -------------------------------------------------------------------------------------------------

struct Load {
    done: f64,
    rate: f64,
    times: Times,
}

async fn product(bench: &Bench, lines: &Arc<Vec<Line>>, seconds: u32) -> anyhow::Result<Load> {
    let serving = bench.serve().await?;
    let (address, lines) = (serving.address, lines.clone());
    let span = Duration::from_secs(seconds.into());
    let clients = std::thread::spawn(move || {
        kit::client_runtime().block_on(async move {
            let mut clients = Vec::new();
            for _ in 0..CONNECTIONS {
                clients.push(Client::connect(address).await?);
            }
            load(clients, lines, span).await
        })
    });
    let load = tokio::task::spawn_blocking(move || clients.join()).await?;
    serving.stop().await;
    load.map_err(|_| anyhow!("the clients panicked"))?
}

async fn load(clients: Vec<Client>, lines: Arc<Vec<Line>>, span: Duration) -> anyhow::Result<Load> {
    let begin = Instant::now();
    let mut tasks = JoinSet::new();
    for client in clients {
        tasks.spawn(one_client(client, lines.clone(), begin + span));
    }
    let mut times = Vec::new();
    while let Some(done) = tasks.join_next().await {
        times.extend(done??);
    }
    let took = begin.elapsed().as_secs_f64();
    let done = count(times.len());
    Ok(Load { done, rate: done / took, times: Times::new(times) })
}

async fn one_client(mut client: Client, lines: Arc<Vec<Line>>, end: Instant) -> anyhow::Result<Vec<Duration>> {
    let mut times = Vec::new();
    while Instant::now() < end {
        let line = &lines[usize::from(u16::from_be_bytes(kit::random::<2>())) % lines.len()];
        let begin = Instant::now();
        let status = client.send(&provider::status(line, &provider::new_sid(), "completed")).await?;
        times.push(begin.elapsed());
        ensure!(status == 200, "a webhook was answered with {status}");
    }
    Ok(times)
}

// pgbench -----------------------------------------------------------------------------------------------------

/// A statement of one webhook, and what stands for its parameters.
struct Step {
    sql: &'static str,
    values: &'static [&'static str],
}

fn step(source: &'static str, function: &str, nth: usize, values: &'static [&'static str]) -> Step {
    Step { sql: statement(source, function, nth), values }
}

/// What a status event of a new call runs between BEGIN and COMMIT, in order: `services::webhook::receive`.
fn steps() -> Vec<Step> {
    use source::{AUDIT, CALL, CONNECTION, OUTBOX, RECEIPT, TX};
    vec![
        step(RECEIPT, "gate", 0, &[":business", ":receipt", ":connection", ":event_key", ":now"]),
        step(TX, "savepoint", 0, &[]),
        step(
            CALL,
            "begin_call",
            0,
            &[
                ":business",
                ":call",
                ":connection",
                ":sid",
                ":direction",
                ":party",
                ":own",
                ":state",
                ":seq",
                ":now",
                ":answers",
                ":ends",
            ],
        ),
        step(CALL, "note", 0, &[":business", ":event", ":call", "null", ":state", ":seq", ":now", ":now"]),
        step(OUTBOX, "put", 0, &[":business", ":topic", ":call", "null"]),
        step(CONNECTION, "heard", 0, &[":business", ":connection", ":now", ":minute_ago"]),
        step(
            AUDIT,
            "append",
            0,
            &[
                ":business",
                ":audit",
                ":actor_kind",
                ":connection",
                ":action",
                ":kind",
                ":call",
                ":result",
                "null",
                ":origin",
                ":trace",
                "null",
                ":after",
            ],
        ),
    ]
}

/// The read before the transaction, with the values that the product has or draws in memory. Beware: pgbench takes a
/// word right behind a colon for a variable, also between quotes.
const FIRST: &str = r#"\set n random(1, @BUSINESSES@)
select t."business_id!" as business, t."connection_id!" as connection, t."provider!" as provider,
    t."account!" as account, t."secret_ids!" as secret_ids, t."secrets!" as secrets, d.*,
    'status/' || d.sid || '/completed/0' as event_key,
    '{"receipt":"rcp_' || replace(d.receipt::text, '-', '') || '","waits": false}' as after,
    now() as now, now() - interval '1 minute' as minute_ago, 'inbound' as direction, '+14155550100' as party,
    '+15005550006' as own, 'completed' as state, 0 as seq, false as answers, true as ends, 'call' as topic,
    'webhook' as actor_kind, 'webhook.received' as action, 'call' as kind, 'done' as result, 'webhook' as origin
from (@TARGET@) t
cross join (
    select bench.id7() as receipt, bench.id7() as call, bench.id7() as event, bench.id7() as audit,
        bench.id7() as trace, 'CA' || replace(gen_random_uuid()::text, '-', '') as sid
) d
\gset
"#;

/// BEGIN and the tenant travel together in the product too; only in another spelling, as pgbench prepares no SET.
const BEGIN: &str = "\\startpipeline
begin;
select set_config('app.business', :business, true), set_config('app.actor', :connection, true);
\\endpipeline
";

fn pgbench_script(steps: &[Step]) -> String {
    let hash = format!("sha256(('{}' || :n::text)::bytea)", provider::token(0).trim_end_matches('0'));
    let target = fill(statement(source::LOBBY, "webhook_target", 0), &[&hash]);
    let mut script = FIRST.replace("@BUSINESSES@", &BUSINESSES.to_string()).replace("@TARGET@", &target);
    script.push_str(BEGIN);
    for step in steps {
        script.push_str(&fill(step.sql, step.values));
        script.push_str(";\n");
    }
    script.push_str("commit;\n");
    script
}

struct Other {
    done: f64,
    rate: f64,
}

async fn pgbench(bench: &Bench, script: &Path, seconds: u32) -> anyhow::Result<Other> {
    let (clients, time, port) = (CONNECTIONS.to_string(), seconds.to_string(), bench.server.get_port().to_string());
    let output = Command::new(pgbench_program())
        .args(["-n", "-M", "prepared", "-U", "ringfort_app", "-h", bench.server.get_host()])
        .args(["-j", "2", "-c", clients.as_str(), "-T", time.as_str(), "-p", port.as_str(), "-f"])
        .arg(script)
        .arg(&bench.database)
        .output()
        .await
        .context("starting pgbench")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let number = |head: &str| -> Option<f64> {
        let rest = text.lines().find_map(|line| line.strip_prefix(head))?;
        rest.split_whitespace().next()?.parse().ok()
    };
    let failed = number("number of failed transactions: ").unwrap_or(0.0);
    if !output.status.success() || failed > 0.0 {
        bail!("pgbench: {text}{}", String::from_utf8_lossy(&output.stderr));
    }
    let done = number("number of transactions actually processed: ").context("pgbench counts nothing")?;
    Ok(Other { done, rate: number("tps = ").context("pgbench says no rate")? })
}

/// The newest of Debian's, past its wrapper in /usr/bin; else the PATH's.
fn pgbench_program() -> std::path::PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<_> = versions.map(|entry| entry.path().join("bin/pgbench")).filter(|p| p.exists()).collect();
    found.sort();
    found.pop().unwrap_or_else(|| "pgbench".into())
}

// That it is the same work ------------------------------------------------------------------------------------

/// Sends one webhook and asks its database connection what was prepared for it.
async fn compare_statements(bench: &Bench, line: &Line, steps: &[Step]) -> anyhow::Result<()> {
    let before = prepared(bench).await?;
    let serving = bench.serve_bare().await?;
    let mut client = Client::connect(serving.address).await?;
    let status = client.send(&provider::status(line, &provider::new_sid(), "completed")).await?;
    ensure!(status == 200, "a webhook was answered with {status}");
    drop(client);
    serving.stop().await;
    let target = plain(statement(source::LOBBY, "webhook_target", 0));
    let ours: Vec<String> = steps.iter().map(|step| plain(step.sql)).chain([target]).collect();
    let ran: Vec<String> = prepared(bench).await?.into_iter().filter(|sql| !before.contains(sql)).collect();
    for sql in ran.iter().filter(|sql| !ours.contains(sql) && !sql.contains("lobby.data_key(")) {
        println!("WARNING: the product runs a statement that pgbench does not: {sql}");
    }
    for sql in ours.iter().filter(|sql| !ran.contains(sql)) {
        println!("WARNING: pgbench runs a statement that the product does not: {sql}");
    }
    Ok(())
}

/// The statements that the product's pool has prepared, on whichever of its connections: a connection comes back to the
/// pool a moment after its last use, so one webhook may run on two. All are held at once, so that each is asked.
async fn prepared(bench: &Bench) -> anyhow::Result<Vec<String>> {
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    let mut connections = Vec::new();
    while let Some(connection) = bench.app.db().try_acquire() {
        connections.push(connection);
    }
    let mut all = Vec::new();
    for connection in &mut connections {
        let query = "select statement from pg_prepared_statements order by prepare_time";
        let found: Vec<String> = sqlx::query_scalar(query).fetch_all(&mut **connection).await?;
        all.extend(found.iter().map(|sql| plain(sql)));
    }
    Ok(all)
}
