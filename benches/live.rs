//! From the provider's event to 1,000 open streams (goal: p95 within 100 ms).
//!
//! One business whose dispatchers hold 1,000 streams; 200 signed webhooks, ten a second. Measured is the time from
//! before a webhook is sent until its event has been read from each stream, so the webhook's own transaction is in it;
//! the control is that webhook's answer, in the same run and before with nobody listening. Streams and provider are
//! clients on the same machine and take its processors too: what is measured is an upper bound.
//!
//! Then once more with the board open in Chromium beside those streams, until each call has been painted there
//! (`kit/paint.rs`). Before all that, 10,000 streams of three businesses, held by a process of their own (`kit/hold.rs`), and
//! the memory that each takes here. Fewer where the system lets a process open fewer files.
#![recursion_limit = "256"]
#![allow(clippy::disallowed_methods, reason = "a benchmark reads the environment")]

mod kit;

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, SystemTime},
};

use anyhow::{Context, anyhow, bail, ensure};
use ringfort::{
    model::id::BusinessId,
    server::{boot::router::SESSION_COOKIE, store::session},
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    sync::Semaphore,
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, sleep},
};
use tokio_util::sync::CancellationToken;
use tower_sessions::session::Id;
use uuid::Uuid;

use kit::{
    Bench,
    client::Client,
    figures::{Times, count},
    hold,
    paint::Board,
    provider::{self, Line},
};

const STREAMS: usize = 1_000;
/// Streams that are held, and of how many businesses: each may have 4,000 on a node.
const HELD: usize = 10_000;
const HELD_BUSINESSES: usize = 3;
/// Files that the process opens besides.
const OTHER_FILES: u64 = 300;
/// The hub allows a session twelve.
const PER_SESSION: usize = 12;
const EVENTS: usize = 200;
const EVERY: Duration = Duration::from_millis(100);
/// Before the second half of the events: of a business 200 a minute are applied at once, and what comes above it waits.
const REST: Duration = Duration::from_mins(1);
/// Streams that open at once: a morning's rush is not what is measured here.
const OPENING: usize = 32;

fn main() -> anyhow::Result<()> {
    if !kit::is_asked() {
        return Ok(());
    }
    // Both ends of each stream are in this process.
    let most = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: most, maximum: most })?;
    if let Some(address) = hold::is_holder() {
        return hold::run(address);
    }
    let held = most.map_or(HELD, |most| usize::try_from(most.saturating_sub(OTHER_FILES)).unwrap_or(HELD).min(HELD));
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(run(held))
}

async fn run(held: usize) -> anyhow::Result<()> {
    let bench = Bench::start("live").await?;
    let watched = provider::found(&bench, 1).await?;
    let quiet = provider::found(&bench, 2).await?;
    let mut cookies = sessions(&bench, watched.business, 1, STREAMS + PER_SESSION).await?;
    let viewer = cookies.pop().context("a session")?;
    let mut holders = Vec::new();
    for number in 3..3 + HELD_BUSINESSES {
        let line = provider::found(&bench, number).await?;
        holders.extend(sessions(&bench, line.business, number, held.div_ceil(HELD_BUSINESSES)).await?);
    }
    bench.settle().await?;
    let serving = bench.serve().await?;
    println!("event to {STREAMS} streams, {EVENTS} events, one every {} ms", EVERY.as_millis());
    println!("{}", bench.durability().await?);

    // First: what the others leave in the allocator would be taken for nothing.
    hold_all(&bench, serving.address, holders, held).await?;
    let alone = post(serving.address, quiet, EVENTS / 2).await?;
    println!("webhook answered, nobody listens: {}", Times::new(alone.iter().map(|s| s.took).collect()).line());

    let readers = Readers::open(serving.address, cookies);
    readers.wait().await?;
    // Warm, not counted.
    post(serving.address, watched.clone(), 5).await?;
    let sent = post(serving.address, watched.clone(), EVENTS).await?;
    sleep(Duration::from_secs(2)).await;
    let shown = paint(&bench, serving.address, &watched, &viewer).await;
    let heard = readers.close().await?;
    let ids = ids(&bench, watched.business).await?;
    report(&sent, &heard, &ids);
    match shown {
        Ok(Some((sent, painted))) => report_painted(&sent, &painted, &ids),
        Ok(None) => {}
        Err(error) => println!("painting was not measured: {error:#}"),
    }
    let waiting: i64 = sqlx::query_scalar("select count(*) from webhook_receipts where state <> 'applied'")
        .fetch_one(&bench.owner)
        .await?;
    println!("webhooks that were not applied at once: {waiting} (must be 0)");
    bench.app.hub().close();
    serving.stop().await;
    bench.finish().await
}

/// When each call was painted on a board, and what was sent for it. Nothing where there is no browser.
async fn paint(
    bench: &Bench,
    address: SocketAddr,
    line: &Line,
    session: &str,
) -> anyhow::Result<Option<(Vec<Sent>, HashMap<u128, SystemTime>)>> {
    // No board has hundreds of calls that ring for minutes.
    sqlx::query("update calls set state = 'completed', ended_at = now() where ended_at is null")
        .execute(&bench.owner)
        .await?;
    let session = session.to_owned();
    let Some(board) = tokio::task::spawn_blocking(move || Board::open(address, &session)).await?? else {
        return Ok(None);
    };
    sleep(REST).await;
    let sent = post(address, line.clone(), EVENTS).await?;
    sleep(Duration::from_secs(2)).await;
    let painted = tokio::task::spawn_blocking(move || board.close()).await??;
    Ok(Some((sent, painted)))
}

/// How much memory streams take that nothing happens on.
async fn hold_all(bench: &Bench, address: SocketAddr, cookies: Vec<String>, streams: usize) -> anyhow::Result<()> {
    let held = hold::measure(address, cookies, PER_SESSION, streams).await?;
    println!("{streams} streams held (goal {HELD}), after {} s {} still open", hold::SECONDS, held.left);
    println!(
        "memory of this process: {:.1} MB before, {:.1} MB with them, {:.1} kB a stream",
        count(held.before_kb) / 1000.0,
        count(held.after_kb) / 1000.0,
        count(held.after_kb.saturating_sub(held.before_kb)) / count(streams)
    );
    // Their end is noticed before anything else is measured.
    while bench.app.hub().open_streams() > 0 {
        sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

/// Dispatchers who are signed in, as their cookies: enough for so many streams.
async fn sessions(bench: &Bench, business: BusinessId, tag: usize, streams: usize) -> anyhow::Result<Vec<String>> {
    let mut cookies = Vec::new();
    for number in 0..streams.div_ceil(PER_SESSION) {
        let email = format!("dispatcher{number}@b{tag}.example");
        let (user, _) = provider::join(bench, business, "dispatcher", &email).await?;
        let id = Id(i128::from_be_bytes(kit::random()));
        sqlx::query(
            "insert into lobby.sessions (id_hash, user_id, business_id, created_at, last_seen_at, expires_at, data)
             values ($1, $2, $3, now(), now(), now() + interval '12 hours', $4)",
        )
        .bind(session::hash(id))
        .bind(user)
        .bind(business)
        .bind(json!({ "user": user, "business": business }))
        .execute(&bench.owner)
        .await?;
        cookies.push(id.to_string());
    }
    Ok(cookies)
}

// The provider ------------------------------------------------------------------------------------------------

struct Sent {
    sid: String,
    at: Instant,
    /// The same, by the clock that browsers have too.
    wall: SystemTime,
    took: Duration,
}

/// Posts one event after the other at a steady pace, on a thread of its own.
async fn post(address: SocketAddr, line: Line, events: usize) -> anyhow::Result<Vec<Sent>> {
    let thread = std::thread::spawn(move || kit::client_runtime().block_on(post_all(address, line, events)));
    tokio::task::spawn_blocking(move || thread.join()).await?.map_err(|_| anyhow!("the provider panicked"))?
}

async fn post_all(address: SocketAddr, line: Line, events: usize) -> anyhow::Result<Vec<Sent>> {
    let mut client = Client::connect(address).await?;
    let mut pace = interval(EVERY);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut sent = Vec::with_capacity(events);
    for _ in 0..events {
        pace.tick().await;
        let sid = provider::new_sid();
        let request = provider::status(&line, &sid, "ringing");
        let (at, wall) = (Instant::now(), SystemTime::now());
        let status = client.send(&request).await?;
        ensure!(status == 200, "a webhook was answered with {status}");
        sent.push(Sent { sid, at, wall, took: at.elapsed() });
    }
    Ok(sent)
}

/// Which call each of the provider's calls became.
async fn ids(bench: &Bench, business: BusinessId) -> anyhow::Result<HashMap<String, u128>> {
    let rows: Vec<(String, Uuid)> = sqlx::query_as("select provider_call_id, id from calls where business_id = $1")
        .bind(business)
        .fetch_all(&bench.owner)
        .await?;
    Ok(rows.into_iter().map(|(sid, id)| (sid, id.as_u128())).collect())
}

// The streams -------------------------------------------------------------------------------------------------

/// When a stream first heard of each call.
type Heard = HashMap<u128, Instant>;

/// All streams, on a thread of their own.
struct Readers {
    open: Arc<AtomicUsize>,
    stop: CancellationToken,
    thread: JoinHandle<Vec<Heard>>,
}

impl Readers {
    fn open(address: SocketAddr, cookies: Vec<String>) -> Self {
        let (open, stop) = (Arc::new(AtomicUsize::new(0)), CancellationToken::new());
        let (count, until) = (open.clone(), stop.clone());
        let thread =
            std::thread::spawn(move || kit::client_runtime().block_on(read_all(address, cookies, count, until)));
        Self { open, stop, thread }
    }

    /// Until all are open.
    async fn wait(&self) -> anyhow::Result<()> {
        let end = Instant::now() + Duration::from_mins(2);
        while self.open.load(Ordering::Relaxed) < STREAMS {
            let open = self.open.load(Ordering::Relaxed);
            ensure!(Instant::now() < end && !self.thread.is_finished(), "only {open} streams opened");
            sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    async fn close(self) -> anyhow::Result<Vec<Heard>> {
        self.stop.cancel();
        let thread = self.thread;
        tokio::task::spawn_blocking(move || thread.join()).await?.map_err(|_| anyhow!("the streams panicked"))
    }
}

async fn read_all(
    address: SocketAddr,
    cookies: Vec<String>,
    open: Arc<AtomicUsize>,
    stop: CancellationToken,
) -> Vec<Heard> {
    let opening = Arc::new(Semaphore::new(OPENING));
    let mut tasks = JoinSet::new();
    for number in 0..STREAMS {
        let cookie = cookies[number / PER_SESSION].clone();
        tasks.spawn(read_one(address, cookie, opening.clone(), open.clone(), stop.clone()));
    }
    let mut all = Vec::with_capacity(STREAMS);
    while let Some(done) = tasks.join_next().await {
        match done {
            Ok(Ok(heard)) => all.push(heard),
            Ok(Err(error)) => println!("a stream ended early: {error:#}"),
            Err(error) => println!("a stream's reader ended: {error}"),
        }
    }
    all
}

async fn read_one(
    address: SocketAddr,
    cookie: String,
    opening: Arc<Semaphore>,
    open: Arc<AtomicUsize>,
    stop: CancellationToken,
) -> anyhow::Result<Heard> {
    let mut turn = Some(opening.acquire_owned().await?);
    let mut socket = TcpStream::connect(address).await?;
    let request = format!(
        "GET /live HTTP/1.1\r\nhost: calls.example.com\r\naccept: text/event-stream\r\n\
         cookie: {SESSION_COOKIE}={cookie}\r\n\r\n"
    );
    socket.write_all(request.as_bytes()).await?;
    // An event is one chunk, so its data is one line; the lines of chunk sizes are passed over.
    let mut lines = BufReader::with_capacity(2048, socket).lines();
    let mut heard = Heard::new();
    loop {
        let line = tokio::select! {
            () = stop.cancelled() => return Ok(heard),
            line = lines.next_line() => line?,
        };
        let now = Instant::now();
        let Some(line) = line else { bail!("the server closed it") };
        if let Some(call) = call_in(&line) {
            heard.entry(call).or_insert(now);
        } else if line.starts_with("HTTP/1.1 ") {
            ensure!(line.starts_with("HTTP/1.1 200"), "{line}");
        } else if let Some(event) = line.strip_prefix("event:") {
            match event.trim() {
                "hello" => {
                    drop(turn.take());
                    open.fetch_add(1, Ordering::Relaxed);
                }
                // A sign of life, in a minute in which nothing else came.
                "beat" => {}
                other => bail!("event: {other}"),
            }
        }
    }
}

/// The call that a line of data is about: `… "id":"call_0192…" …`.
fn call_in(line: &str) -> Option<u128> {
    const MARK: &str = "\"call_";
    let at = line.find(MARK)? + MARK.len();
    u128::from_str_radix(line.get(at..at + 32)?, 16).ok()
}

// The figures -------------------------------------------------------------------------------------------------

fn report(sent: &[Sent], heard: &[Heard], ids: &HashMap<String, u128>) {
    let (mut all, mut last): (Vec<Duration>, Vec<Duration>) = (Vec::new(), Vec::new());
    let mut missing = 0;
    for event in sent {
        let call = ids.get(&event.sid);
        let arrivals = heard.iter().filter_map(|stream| stream.get(call?));
        let times: Vec<Duration> = arrivals.map(|at| at.duration_since(event.at)).collect();
        missing += STREAMS - times.len();
        last.extend(times.iter().max());
        all.extend(times);
    }
    println!("webhook answered:                {}", Times::new(sent.iter().map(|s| s.took).collect()).line());
    let all = Times::new(all);
    println!("webhook to each stream:          {}", all.line());
    println!("webhook to its last stream:      {}", Times::new(last).line());
    println!("events that a stream never got:  {missing} of {}", sent.len() * STREAMS);
    println!("p95 {:.1} ms (goal 100 ms)", all.at(950));
}

fn report_painted(sent: &[Sent], painted: &HashMap<u128, SystemTime>, ids: &HashMap<String, u128>) {
    let at = |event: &Sent| painted.get(ids.get(&event.sid)?)?.duration_since(event.wall).ok();
    let times: Vec<Duration> = sent.iter().filter_map(at).collect();
    println!("calls that were never painted:   {} of {}", sent.len() - times.len(), sent.len());
    if times.is_empty() {
        return;
    }
    let times = Times::new(times);
    println!("webhook to paint, {STREAMS} streams: {}", times.line());
    println!("p95 {:.1} ms (goal 100 ms)", times.at(950));
}
