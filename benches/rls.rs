//! Row security on against off (goal: within 5 %).
//!
//! The same statements, from the store's source text, on the same data: as `ringfort_app`, whom the policies bind, and
//! as a role with the same grants that they do not bind. One connection each, blocks in turn (on, off, off, on, …), so
//! that a drift of the machine meets both. Statements are timed inside a transaction, where nothing hides their cost;
//! "unit of work" is the whole of it: BEGIN with the tenant, all four, COMMIT.
#![recursion_limit = "256"]
#![allow(clippy::disallowed_methods, reason = "a benchmark reads the environment and opens transactions")]

mod kit;

use std::time::Instant;

use anyhow::ensure;
use ringfort::{model::id::BusinessId, server::kit::At};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use uuid::Uuid;

use kit::{
    Bench,
    figures::median,
    provider::{self, Line},
    source::{self, statement},
};

const BUSINESSES: usize = 20;
const ROUNDS: usize = 30;
const GOAL: f64 = 1.05;
const FREE: &str = "ringfort_bench_free";

fn main() -> anyhow::Result<()> {
    if !kit::is_asked() {
        return Ok(());
    }
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(run())
}

async fn run() -> anyhow::Result<()> {
    let bench = Bench::start("rls").await?;
    let mut lines = Vec::new();
    for number in 1..=BUSINESSES {
        lines.push(provider::found(&bench, number).await?);
    }
    bench.owner.execute(DATA).await?;
    make_role(&bench).await?;
    bench.settle().await?;
    let mut bound = bench.connect_as("ringfort_app").await?;
    let mut free = bench.connect_as(FREE).await?;
    check_sides(&mut bound, &mut free).await?;
    println!("row security on against off, one connection, {ROUNDS} rounds, {}", bench.durability().await?);
    let place = Place::of(&lines[0]);
    let mut all = Vec::new();
    for kind in [Kind::Board, Kind::Log, Kind::Audit, Kind::Receipt, Kind::Unit] {
        let ratio = compare(&mut bound, &mut free, kind, &place).await?;
        if kind != Kind::Unit {
            all.push(ratio);
        }
    }
    let product: f64 = all.iter().product();
    println!("statements, geometric mean: {:.3} (goal at most {GOAL})", product.sqrt().sqrt());
    bound.close().await?;
    free.close().await?;
    let server = bench.server.clone();
    bench.finish().await?;
    let mut conn = sqlx::ConnectOptions::connect(&server).await?;
    conn.execute(AssertSqlSafe(format!("drop role if exists {FREE}"))).await?;
    conn.close().await?;
    Ok(())
}

/// The same grants, and no policies.
async fn make_role(bench: &Bench) -> anyhow::Result<()> {
    let make =
        format!("drop role if exists {FREE}; create role {FREE} login inherit bypassrls; grant ringfort_app to {FREE}");
    bench.owner.execute(AssertSqlSafe(make)).await?;
    Ok(())
}

/// Without a tenant, who is bound sees nothing, and who is free sees everything.
async fn check_sides(bound: &mut PgConnection, free: &mut PgConnection) -> anyhow::Result<()> {
    let query = "select count(*) from calls";
    let seen: i64 = sqlx::query_scalar(query).fetch_one(bound).await?;
    let all: i64 = sqlx::query_scalar(query).fetch_one(free).await?;
    ensure!(seen == 0 && all > 0, "the sides are not what they should be: {seen} and {all} calls seen");
    Ok(())
}

/// 2,000 calls a business, 40 of them live, and an audit entry for each.
const DATA: &str = "
    insert into calls (business_id, id, connection_id, provider_call_id, direction, party_number, own_number, member_id,
        state, state_seq, started_at, state_at, ended_at)
    select c.business_id, bench.id7(), c.id, 'CA' || md5(c.id::text || n), 'inbound',
        '+1415555' || lpad((n % 10000)::text, 4, '0'), c.number, c.created_by,
        case when n > 40 then 'completed' else 'ringing' end, 0, now() - n * interval '2 minutes',
        now() - n * interval '2 minutes', case when n > 40 then now() - n * interval '2 minutes' end
    from generate_series(1, 2000) n cross join connections c
    order by n desc;
    insert into call_legs (business_id, id, call_id, provider_leg_id, member_id, state, state_seq, state_at)
    select business_id, bench.id7(), id, 'CA' || md5(id::text), member_id, state, 0, state_at from calls;
    insert into audit_entries (business_id, id, actor_kind, actor_id, action, target_kind, target_id, result, origin,
        trace_id)
    select business_id, bench.id7(), 'member', member_id, 'call.viewed', 'call', id, 'done', 'web', bench.id7()
    from calls;
";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Board,
    Log,
    Audit,
    Receipt,
    Unit,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Board => "board query",
            Self::Log => "call log page",
            Self::Audit => "audit append",
            Self::Receipt => "receipt insert",
            Self::Unit => "unit of work",
        }
    }

    /// How often in a block.
    const fn times(self) -> u32 {
        match self {
            Self::Board | Self::Log => 100,
            Self::Audit | Self::Receipt => 300,
            Self::Unit => 50,
        }
    }
}

/// Where the statements look and write.
struct Place {
    business: BusinessId,
    line: Line,
    begin: String,
    now: At,
    board: &'static str,
    log: &'static str,
    audit: &'static str,
    receipt: &'static str,
}

impl Place {
    fn of(line: &Line) -> Self {
        Self {
            business: line.business,
            begin: format!(
                "BEGIN; SET LOCAL app.business = '{}'; SET LOCAL app.actor = '{}'",
                line.business.0, line.connection.0
            ),
            line: line.clone(),
            now: kit::now(),
            board: statement(source::LIVE, "current", 0),
            log: statement(source::CALL_LOG, "list", 0),
            audit: statement(source::AUDIT, "append", 0),
            receipt: statement(source::RECEIPT, "gate", 0),
        }
    }
}

/// The median over the rounds of on / off, in time.
async fn compare(bound: &mut PgConnection, free: &mut PgConnection, kind: Kind, place: &Place) -> anyhow::Result<f64> {
    // Prepares, and gets over the plans that are made anew the first five times.
    block(bound, kind, place).await?;
    block(free, kind, place).await?;
    let (mut on, mut off, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let (with, without) = if round % 2 == 0 {
            let with = block(bound, kind, place).await?;
            (with, block(free, kind, place).await?)
        } else {
            let without = block(free, kind, place).await?;
            (block(bound, kind, place).await?, without)
        };
        on.push(with);
        off.push(without);
        ratios.push(with / without);
    }
    let ratio = median(&ratios);
    println!("{:<15} on {:7.1} µs, off {:7.1} µs, ratio {ratio:.3}", kind.name(), median(&on), median(&off));
    Ok(ratio)
}

/// Microseconds for one, from a block of them.
async fn block(conn: &mut PgConnection, kind: Kind, place: &Place) -> anyhow::Result<f64> {
    let took = if kind == Kind::Unit {
        let begin = Instant::now();
        for _ in 0..kind.times() {
            unit(conn, place).await?;
        }
        begin.elapsed()
    } else {
        conn.execute(AssertSqlSafe(place.begin.clone())).await?;
        let begin = Instant::now();
        for _ in 0..kind.times() {
            one(conn, kind, place).await?;
        }
        let took = begin.elapsed();
        conn.execute("COMMIT").await?;
        took
    };
    Ok(took.as_secs_f64() * 1e6 / f64::from(kind.times()))
}

async fn unit(conn: &mut PgConnection, place: &Place) -> anyhow::Result<()> {
    conn.execute(AssertSqlSafe(place.begin.clone())).await?;
    for kind in [Kind::Board, Kind::Log, Kind::Audit, Kind::Receipt] {
        one(conn, kind, place).await?;
    }
    conn.execute("COMMIT").await?;
    Ok(())
}

async fn one(conn: &mut PgConnection, kind: Kind, place: &Place) -> anyhow::Result<()> {
    match kind {
        Kind::Board => board(conn, place).await,
        Kind::Log => log(conn, place).await,
        Kind::Audit => audit(conn, place).await,
        Kind::Receipt => receipt(conn, place).await,
        Kind::Unit => unreachable!("a unit is made of the others"),
    }
}

async fn board(conn: &mut PgConnection, place: &Place) -> anyhow::Result<()> {
    let rows = sqlx::query(place.board)
        .bind(place.business)
        .bind(place.now.plus(-4 * 3600))
        .bind(place.now.plus(-30))
        .fetch_all(conn)
        .await?;
    ensure!(rows.len() == 40, "the board has {} calls", rows.len());
    Ok(())
}

/// The first page without filters.
async fn log(conn: &mut PgConnection, place: &Place) -> anyhow::Result<()> {
    let rows = sqlx::query(place.log)
        .bind(place.business)
        .bind(None::<Uuid>)
        .bind(None::<String>)
        .bind(None::<String>)
        .bind(None::<Uuid>)
        .bind(None::<String>)
        .bind(None::<At>)
        .bind(None::<At>)
        .bind(None::<At>)
        .bind(None::<Uuid>)
        .bind(51_i64)
        .fetch_all(conn)
        .await?;
    ensure!(rows.len() == 51, "the page has {} calls", rows.len());
    Ok(())
}

async fn audit(conn: &mut PgConnection, place: &Place) -> anyhow::Result<()> {
    let receipt: Uuid = kit::new_id();
    let done = sqlx::query(place.audit)
        .bind(place.business)
        .bind(kit::new_id::<Uuid>())
        .bind("webhook")
        .bind(Some(place.line.connection))
        .bind("webhook.received")
        .bind(Some("call"))
        .bind(Some(receipt))
        .bind("done")
        .bind(None::<String>)
        .bind("webhook")
        .bind(kit::new_id::<Uuid>())
        .bind(None::<serde_json::Value>)
        .bind(Some(serde_json::json!({ "receipt": receipt, "waits": false })))
        .execute(conn)
        .await?;
    ensure!(done.rows_affected() == 1, "no entry was written");
    Ok(())
}

async fn receipt(conn: &mut PgConnection, place: &Place) -> anyhow::Result<()> {
    let done = sqlx::query(place.receipt)
        .bind(place.business)
        .bind(kit::new_id::<Uuid>())
        .bind(place.line.connection)
        .bind(format!("status/{}/completed/0", provider::new_sid()))
        .bind(place.now)
        .execute(conn)
        .await?;
    ensure!(done.rows_affected() == 1, "no receipt was written");
    Ok(())
}
