//! Positions stored (goal: half of what COPY stores, and more than 8,000 a second).
//!
//! The product's own flush: requests of one point each, of 1,000 technicians who are on shift, with the limit, the latest
//! positions, the history and the live events, in transactions of 1,000 points, on one connection. Against it, the same rows by
//! COPY in the same portions into a table that is the same: its columns, key, weeks and checks, no row security. A minute of
//! the clock passes between rounds of three, so that nothing is refused. Sides in turn, so that a drift of the machine meets
//! both.
#![recursion_limit = "256"]
#![allow(clippy::disallowed_methods, reason = "a benchmark reads the environment and opens transactions")]

mod kit;

use std::{fmt::Write, time::Instant};

use anyhow::ensure;
use ringfort::{
    model::{
        geo::Coordinate,
        id::{BusinessId, MemberId},
        position::Point,
    },
    server::{
        kit::At,
        services::position::intake::{self, Waiting},
        store::position::Fate,
    },
};
use sqlx::{Executor, postgres::PgPoolCopyExt};

use kit::{
    Bench,
    figures::median,
    provider::{self, join},
};

const TECHNICIANS: usize = 1_000;
/// Flushes of a round: each technician sends in each of them. More than three a minute are not taken, and a flush comes at
/// the time of the machine's clock, so that a round has three, and forgets them.
const FLUSHES: i64 = 3;
const ROUNDS: usize = 30;
const GOAL: f64 = 0.5;
const RATE_GOAL: f64 = 8_000.0;

fn main() -> anyhow::Result<()> {
    if !kit::is_asked() {
        return Ok(());
    }
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(run())
}

async fn run() -> anyhow::Result<()> {
    let bench = Bench::start("positions").await?;
    let business = provider::found(&bench, 1).await?.business;
    let mut members = Vec::with_capacity(TECHNICIANS);
    for number in 0..TECHNICIANS {
        members.push(join(&bench, business, "technician", &format!("t{number}@b1.example")).await?.1);
    }
    bench.owner.execute(COPIED).await?;
    sqlx::query(
        "insert into shifts (business_id, id, member_id, began_at)
         select business_id, bench.id7(), id, now() - interval '13 hours' from members where role = 'technician'",
    )
    .execute(&bench.owner)
    .await?;
    bench.settle().await?;
    println!("positions, {TECHNICIANS} technicians, {ROUNDS} rounds, {}", bench.durability().await?);
    let (mut stored, mut copied, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let mut rates = [0.0, 0.0];
        for turn in 0..2_usize {
            let is_copy = (round + turn).is_multiple_of(2);
            let rows = portions(i64::try_from(round)?, &members);
            rates[usize::from(is_copy)] =
                if is_copy { copy(&bench, business, &rows).await? } else { flush(&bench, business, &rows).await? };
        }
        stored.push(rates[0]);
        copied.push(rates[1]);
        ratios.push(rates[0] / rates[1]);
    }
    println!(
        "stored {:7.0}/s (goal above {RATE_GOAL:.0}), COPY {:7.0}/s, ratio {:.3} (goal at least {GOAL})",
        median(&stored),
        median(&copied),
        median(&ratios)
    );
    bench.finish().await
}

/// The same columns, checks, key and weeks.
const COPIED: &str = "
    create table bench.copied (like positions including all) partition by range (fix_at);
    do $$ declare p record; begin
        for p in select c.relname, pg_get_expr(c.relpartbound, c.oid) as bound from pg_inherits i
            join pg_class c on c.oid = i.inhrelid where i.inhparent = 'positions'::regclass loop
            execute format('create table bench.%I partition of bench.copied %s', 'copied_' || p.relname, p.bound);
        end loop;
    end $$;
";

/// What each technician sends in each flush of a round: by their own times, twenty seconds apart, within the last half day.
fn portions(round: i64, members: &[MemberId]) -> Vec<Vec<Waiting>> {
    let begin = kit::now().plus(-12 * 3600 + round * 60);
    (0..FLUSHES)
        .map(|flush| {
            let at = begin.plus(flush * 20);
            members.iter().zip(0_i32..).map(|(member, number)| request(*member, at, number)).collect()
        })
        .collect()
}

fn request(member: MemberId, at: At, number: i32) -> Waiting {
    let place = Coordinate { lat_e7: 300_000_000 + number * 1_000, lon_e7: -970_000_000 + number };
    let point =
        Point { at: at.0, place, accuracy_m: 9.0, speed_mps: Some(11.5), heading_deg: Some(120.0), is_coarse: false };
    Waiting { member, points: vec![point], refused: Vec::new() }
}

/// Points a second through the product.
async fn flush(bench: &Bench, business: BusinessId, rows: &[Vec<Waiting>]) -> anyhow::Result<f64> {
    // The minute before is over: it is the clock that is not waited for.
    sqlx::query("update latest_positions set recent_arrivals = '{}'").execute(&bench.owner).await?;
    let began = Instant::now();
    let mut count = 0_u32;
    for portion in rows {
        let fates = intake::flush(&bench.app, business, portion).await?;
        ensure!(fates.iter().flatten().all(|fate| *fate == Fate::Stored), "a point was refused");
        count += u32::try_from(portion.len())?;
    }
    Ok(f64::from(count) / began.elapsed().as_secs_f64())
}

/// Rows a second by COPY, in the same portions, each a transaction.
async fn copy(bench: &Bench, business: BusinessId, rows: &[Vec<Waiting>]) -> anyhow::Result<f64> {
    let mut texts = Vec::with_capacity(rows.len());
    for portion in rows {
        let mut text = String::new();
        for (waiting, point) in portion.iter().flat_map(|w| w.points.iter().map(move |point| (w, point))) {
            let (member, at, place) = (waiting.member.0, point.at, point.place);
            writeln!(
                text,
                "{}\t{member}\t{at}\t{at}\t{}\t{}\t9\t11.5\t120\tf\tf",
                business.0, place.lat_e7, place.lon_e7
            )?;
        }
        texts.push(text);
    }
    let began = Instant::now();
    let mut count = 0_u64;
    for text in texts {
        let mut into = bench.owner.copy_in_raw("copy bench.copied from stdin").await?;
        into.send(text.into_bytes()).await?;
        count += into.finish().await?;
    }
    Ok(f64::from(u32::try_from(count)?) / began.elapsed().as_secs_f64())
}
