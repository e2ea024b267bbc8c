//! From the outbox to the hub. One task per node: woken by writers of this node, told by NATS of those of others where there
//! is one, and polling for what nobody told of (OPS-3).
//!
//! With NATS the nodes have a leader, which looks as soon as any node writes, and tells for each business up to where it has
//! settled news. A node on which somebody looks at that business then reads on from its own last place. So order and gaps
//! depend on the database alone: what is told only says when to look.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::{
    sync::mpsc,
    time::{Instant, sleep, sleep_until},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    Event, Moved, Payload,
    hub::Asked,
    listen::{self, Heard},
    nats::{Nats, Word},
    places::Places,
};
use crate::{
    model::id::{BusinessId, CallId, JobId, MemberId, PopId, TraceId, WorkOrderId},
    server::{
        boot::App,
        caller::{Actor, Caller, Origin, SignedIn},
        http::error::chain,
        kit::{At, entropy::uuid7},
        store::{self, StoreError, TenantTx, leadership::Leadership, outbox::Row, position::Unit},
    },
    ui::wire::live::Tally,
};

/// How often other nodes' writes are looked for.
const POLL: Duration = Duration::from_millis(200);
/// The same where NATS tells of them: this is for what it did not tell.
const IDLE: Duration = Duration::from_secs(1);
/// Under load, many commits are read as one batch.
const GATHER: Duration = Duration::from_millis(5);
/// A database that is away is asked again after this.
const PAUSE: Duration = Duration::from_millis(250);
pub(super) const BATCH: i32 = 500;
/// What others tell that waits here.
const HEARD: usize = 1024;
/// A count of calls that a stream which comes back takes over.
const RECENT: Duration = Duration::from_secs(1);

/// Runs until `stop`. A database that is away is waited for, and nothing is skipped.
pub async fn run(app: App, stop: CancellationToken) {
    let (bell, heard) = mpsc::channel(HEARD);
    let listening = listen::run(app.clone(), bell, stop.clone());
    let mut relay = Relay { leader: app.nats().map(|_| Leader::new(&app)), app, places: Places::default(), heard };
    let relaying = async {
        while !stop.is_cancelled() {
            match relay.step().await {
                Ok(true) => {}
                Ok(false) => relay.wait(&stop).await,
                Err(error) => {
                    tracing::warn!(error.chain = %chain(&error), "the live relay waits for the database");
                    sleep(PAUSE).await;
                }
            }
        }
    };
    tokio::join!(listening, relaying);
}

/// What the relay of a node knows.
struct Relay {
    app: App,
    places: Places,
    /// Absent without NATS: then nobody has to be told.
    leader: Option<Leader>,
    heard: mpsc::Receiver<Heard>,
}

impl Relay {
    /// One batch; true when there may be more.
    async fn step(&mut self) -> Result<bool, StoreError> {
        let db = self.app.db();
        let from = if let Some(from) = self.places.all() {
            from
        } else {
            let head = store::outbox::head(db, self.app.clock().now()).await?;
            self.places.reach(head);
            head
        };
        let tells = match &mut self.leader {
            Some(leader) => leader.is_ours(&self.app).await,
            None => false,
        };
        let rows = store::outbox::after(db, from, BATCH).await?;
        let full = rows.len() == usize::try_from(BATCH).unwrap_or(usize::MAX);
        let mut by_business: HashMap<BusinessId, Vec<Row>> = HashMap::new();
        let last = rows.last().map(|row| row.cursor);
        for row in rows {
            by_business.entry(row.business).or_default().push(row);
        }
        for (business, rows) in by_business {
            if tells && let (Some(nats), Some(newest)) = (self.app.nats(), rows.last()) {
                nats.tell_news(business, newest.cursor).await;
            }
            let unseen = self.places.unseen(business, rows);
            if !unseen.is_empty() && self.app.hub().has_listeners(business) {
                hand_on(&self.app, business, unseen).await?;
            }
        }
        // Only after everything was handed on: an error above repeats the batch, and repeats are harmless.
        if let Some(last) = last {
            self.places.reach(last);
        }
        Ok(full)
    }

    /// Until there is a reason to look at all businesses again. What is told of one is looked at meanwhile.
    async fn wait(&mut self, stop: &CancellationToken) {
        let until = Instant::now() + self.patience();
        loop {
            let heard = tokio::select! {
                () = stop.cancelled() => return,
                () = sleep_until(until) => return,
                () = self.app.hub().woken() => {
                    sleep(GATHER).await;
                    self.tell_written().await;
                    return;
                }
                Some(heard) = self.heard.recv() => heard,
            };
            match heard {
                Heard::News(business, at) => {
                    let is_looked_at = self.app.hub().has_listeners(business);
                    if is_looked_at
                        && self.places.is_news(business, at)
                        && let Err(error) = self.deliver(business).await
                    {
                        tracing::warn!(error.chain = %chain(&error), "the live relay waits for the database");
                        return;
                    }
                }
                Heard::Written if self.tells() => return sleep(GATHER).await,
                Heard::Written => {}
                Heard::Gap => return,
            }
        }
    }

    fn tells(&self) -> bool {
        self.leader.as_ref().is_some_and(Leader::is_held)
    }

    fn patience(&self) -> Duration {
        let is_told = !self.tells() && self.app.nats().is_some_and(Nats::is_connected);
        if is_told { IDLE } else { POLL }
    }

    /// Says to the node that tells the others that it should look. Where that is this one, it is about to.
    async fn tell_written(&mut self) {
        if !self.tells()
            && let Some(nats) = self.app.nats()
        {
            nats.tell(Word::Written).await;
        }
    }

    /// Hands on what is new in one business, before all others: from its last place on, whatever was told.
    async fn deliver(&mut self, business: BusinessId) -> Result<(), StoreError> {
        while let Some(from) = self.places.of(business) {
            let now = self.app.clock().now();
            let mut tx = TenantTx::open(self.app.db(), &machine(&self.app, business, now), now).await?;
            let rows = store::outbox::replay(&mut tx, from, i64::from(BATCH)).await?;
            tx.commit().await?;
            let full = rows.len() == usize::try_from(BATCH).unwrap_or(usize::MAX);
            let Some(last) = rows.last().map(|row| row.cursor) else { return Ok(()) };
            hand_on(&self.app, business, rows).await?;
            self.places.saw(business, last);
            if !full {
                return Ok(());
            }
        }
        Ok(())
    }
}

/// Whether this node tells the others by NATS: one does, and when it dies the next one takes its place.
struct Leader {
    leadership: Leadership,
    asked: Option<Instant>,
}

impl Leader {
    /// How often the leadership is asked for, or held on to.
    const EVERY: Duration = Duration::from_millis(500);

    fn new(app: &App) -> Self {
        Self { leadership: Leadership::new(app.worker_db(), app.config().pgbouncer), asked: None }
    }

    fn is_held(&self) -> bool {
        self.leadership.is_held()
    }

    /// Two at once, or none for a moment, do no harm: what is told twice is nothing new, and what is not told is polled for.
    async fn is_ours(&mut self, app: &App) -> bool {
        if self.asked.is_none_or(|asked| asked.elapsed() >= Self::EVERY) {
            self.asked = Some(Instant::now());
            if let Err(error) = self.leadership.renew().await {
                tracing::debug!(error.chain = %chain(&error), "who tells the other nodes is not known");
            }
            if let Some(nats) = app.nats() {
                nats.set_leads(self.is_held());
            }
        }
        self.is_held()
    }
}

/// Publishes what is new in a business. A database that is away is waited for. What fails in this business alone (a word of a
/// newer release, a count that takes too long) would fail again and again, and nobody else's news waits for it: its streams end,
/// and come back by their own cursors, so that they miss nothing once it can be read.
async fn hand_on(app: &App, business: BusinessId, rows: Vec<Row>) -> Result<(), StoreError> {
    match read(app, business, rows, Duration::ZERO).await {
        Ok(events) => {
            for event in events {
                app.hub().publish(business, event);
            }
        }
        Err(error @ StoreError::Unavailable(_)) => return Err(error),
        Err(error) => {
            tracing::error!(business.id = %business, error.chain = %chain(&error), "live events cannot be read");
            app.hub().end_business(business);
        }
    }
    Ok(())
}

/// The relay, as who reads in a business.
fn machine(app: &App, business: BusinessId, now: At) -> Caller {
    Caller {
        actor: Actor::Job(JobId(Uuid::nil())),
        business,
        origin: Origin { door: "relay", network: None },
        trace: TraceId(uuid7(app.entropy(), now)),
    }
}

/// What a stream missed, for it alone.
///
/// # Errors
/// The database cannot be reached.
pub async fn read_missed(app: &App, business: BusinessId, rows: Vec<Row>) -> Result<Vec<Event>, StoreError> {
    read(app, business, rows, RECENT).await
}

/// Turns rows of one business into events: each call is read once, as it is now. `recent`: how old a count of calls may be.
async fn read(app: &App, business: BusinessId, rows: Vec<Row>, recent: Duration) -> Result<Vec<Event>, StoreError> {
    let now = app.clock().now();
    let caller = machine(app, business, now);
    let mut calls: Vec<CallId> = rows.iter().filter(|r| r.topic == "call").map(|r| CallId(r.subject)).collect();
    calls.sort_unstable();
    calls.dedup();
    let mut tx = TenantTx::open(app.db(), &caller, now).await?;
    let found = store::live::calls(&mut tx, &calls).await?;
    let agents: Vec<MemberId> = rows.iter().filter(|r| r.topic == "agent").map(|r| MemberId(r.subject)).collect();
    let agents = store::agent::some(&mut tx, &agents).await?;
    let mut moved: Vec<MemberId> = rows.iter().filter(|r| is_move(r)).flat_map(Row::moved).collect();
    moved.sort_unstable();
    moved.dedup();
    let units = store::position::units(&mut tx, &moved).await?;
    tx.commit().await?;
    let tally = if found.is_empty() { None } else { tally(app, &caller, now, recent).await };
    let agents: HashMap<MemberId, Arc<_>> = agents.into_iter().map(|a| (a.id, Arc::new(a))).collect();
    let found: HashMap<CallId, Arc<_>> = found.into_iter().map(|c| (c.id, Arc::new(c))).collect();
    let payload = |row: &Row| match (row.topic.as_str(), row.member) {
        ("call", _) => found.get(&CallId(row.subject)).map(|c| Payload::Call(c.clone())),
        ("pop", Some(member)) => Some(Payload::Pop { member, pop: PopId(row.subject) }),
        ("pop_gone", Some(member)) => Some(Payload::PopGone { member, pop: PopId(row.subject) }),
        ("agent", _) => agents.get(&MemberId(row.subject)).map(|a| Payload::Agent(a.clone())),
        ("work_order", member) => Some(Payload::WorkOrder { order: WorkOrderId(row.subject), member }),
        _ => None,
    };
    // Read once for all of them, and told once, where the last one stands.
    let last_move = rows.iter().rfind(|row| is_move(row)).map(|row| row.cursor);
    let mut told = Some(Payload::Positions(Arc::new(moves(moved, units))));
    let mut payload = |row: &Row| if Some(row.cursor) == last_move { told.take() } else { payload(row) };
    let event = |row: &Row| Some(Event { cursor: row.cursor, payload: payload(row)?, tally: None });
    let mut events: Vec<Event> = rows.iter().filter_map(event).collect();
    // Counted once for all of them, and told once.
    if let Some(last) = events.iter_mut().rfind(|event| matches!(event.payload, Payload::Call(_))) {
        last.tally = tally;
    }
    Ok(events)
}

/// How the last hour's calls were answered. Nothing when that cannot be counted: no call waits for it.
async fn tally(app: &App, caller: &Caller, now: At, recent: Duration) -> Option<Arc<Tally>> {
    if let Some(kept) = app.hub().tally(caller.business, recent) {
        return Some(kept);
    }
    match count(app, caller, now).await {
        Ok(tally) => {
            let tally = Arc::new(tally);
            app.hub().keep_tally(caller.business, tally.clone());
            Some(tally)
        }
        Err(error) => {
            tracing::error!(business.id = %caller.business, error.chain = %chain(&error), "calls cannot be counted");
            None
        }
    }
}

async fn count(app: &App, caller: &Caller, now: At) -> Result<Tally, StoreError> {
    let mut tx = TenantTx::open(app.db(), caller, now).await?;
    let measures = store::board::measures(&mut tx).await?;
    let tally = store::board::tally(&mut tx, measures).await?;
    tx.commit().await?;
    Ok(tally)
}

/// Whether a row says that a technician moved, or came on shift or left it.
fn is_move(row: &Row) -> bool {
    matches!(row.topic.as_str(), "position" | "shift")
}

/// Who is not on shift any more has no unit.
fn moves(members: Vec<MemberId>, units: Vec<Unit>) -> Vec<Moved> {
    let mut units: HashMap<MemberId, Unit> = units.into_iter().map(|unit| (unit.member, unit)).collect();
    members.into_iter().map(|member| Moved { member, unit: units.remove(&member) }).collect()
}

/// Streams whose session, right or business ended on another node end here within a second: this pause, and the time of
/// one query for all of them. With NATS they are told at once, and on the node where it ended they end at once
/// (`Hub::change_access`, `Hub::end_session`).
const CHECK: Duration = Duration::from_millis(800);
const _: () = assert!(CHECK.as_millis() < 1_000, "within a second");

/// After so long without an answer about sessions their streams end. (A database that is away tells them nothing anyway.)
const BLIND: Duration = Duration::from_secs(5);

/// Runs until `stop`: one query for all open streams.
pub async fn watch_sessions(app: App, stop: CancellationToken) {
    let mut seen = Instant::now();
    while !stop.is_cancelled() {
        tokio::select! {
            () = stop.cancelled() => return,
            () = sleep(CHECK) => {}
            // Many who change at once are looked at once.
            () = app.hub().access_asked() => sleep(GATHER).await,
        }
        let asked = app.hub().sessions();
        if asked.sessions.is_empty() {
            seen = Instant::now();
            continue;
        }
        let now = app.clock().now();
        match alive(&app, &asked, now).await {
            Ok(alive) => {
                seen = Instant::now();
                app.hub().keep_only(&asked, &alive, now);
            }
            Err(error) => {
                tracing::warn!(error.chain = %chain(&error), "sessions of streams cannot be checked");
                if !matches!(error, StoreError::Unavailable(_)) && seen.elapsed() > BLIND {
                    app.hub().keep_only(&asked, &[], now);
                }
            }
        }
    }
}

/// Who of them is still signed in. One whose row cannot be read (a word of a newer release) is not, and no other suffers by it.
async fn alive(app: &App, asked: &Asked, now: At) -> Result<Vec<SignedIn>, StoreError> {
    let origin = Origin { door: "live", network: None };
    let trace = TraceId(uuid7(app.entropy(), now));
    let found = store::session::each_caller(app.db(), &asked.sessions, now, &origin, trace).await?;
    let read = |person: Result<SignedIn, StoreError>| {
        let told = |error: &StoreError| tracing::error!(error.chain = %chain(error), "a session cannot be read");
        person.inspect_err(told).ok()
    };
    Ok(found.into_iter().filter_map(read).collect())
}
