//! Sending streams on (AUD-5). Several may do so, on any node: each claims some for two minutes. No transaction is open while
//! the other side is asked.

use std::time::Duration;

use futures::future::join_all;
use tokio::time::Instant;
use url::Url;
use uuid::Uuid;

use crate::{
    model::{
        audit::{Action, Outcome},
        audit_stream::{Cursor, Problem, pause},
        id::{AuditId, JobId, StreamId},
        seal::{Digest, Entry},
    },
    server::{
        boot::App,
        caller::{Actor, Caller, Origin},
        http::{AppError, error::chain as causes},
        providers::siem::{self, Event, Failure, Receiver},
        services::seal::chain,
        store::{
            self, StoreError, TenantTx,
            audit::{NewEntry, Target},
            audit_stream::Way,
            lobby::DueStream,
            seal::Span,
        },
        vault::{Purpose, Secret, VaultError},
    },
};

/// Entries in one batch at most.
const BATCH: i64 = 500;
/// Bytes in one batch at most, as long as it has more than one entry: collectors take about a mebibyte.
const BYTES: usize = 512 * 1024;
/// Batches until others have their turn. At the longest they take less than the lease.
const TURNS: usize = 8;
/// And no new one after so long.
const TURNS_WITHIN: Duration = Duration::from_secs(20);
/// After so many failures in a row it is written down that a stream does not get through.
const STALLED: i32 = 5;
/// The longest that a collector may ask to be left alone.
const PATIENCE: i64 = 300;

/// Claims streams and sends them on, each as far as it gets in its turn. Says how many there were.
///
/// # Errors
/// The database cannot be reached.
pub async fn round(app: &App, limit: i32) -> Result<usize, StoreError> {
    let due = store::lobby::audit_streams_claim(app.worker_db(), limit).await?;
    join_all(due.iter().map(|stream| send(app, *stream))).await;
    Ok(due.len())
}

/// Sends a claimed stream on. What goes wrong here and not there is logged, and the lease runs out.
pub async fn send(app: &App, stream: DueStream) {
    let caller = sender(app, stream);
    match turns(app, &caller, stream.id).await {
        // Deleted under our feet.
        Ok(()) | Err(AppError::Missing) => {}
        Err(error) => {
            tracing::warn!(stream.id = %stream.id, error.chain = %causes(&error), "a stream waits for its next turn");
        }
    }
}

async fn turns(app: &App, caller: &Caller, id: StreamId) -> Result<(), AppError> {
    let begun = Instant::now();
    for _ in 0..TURNS {
        if begun.elapsed() >= TURNS_WITHIN {
            break;
        }
        let Some((batch, failures)) = next(app, caller, id).await? else { break };
        if let Err(failure) = batch.sent(app, caller, id).await {
            return fail(app, caller, id, failure, failures).await;
        }
        if !advance(app, caller, id, &batch, failures).await? {
            break;
        }
    }
    let mut tx = open(app, caller).await?;
    store::audit_stream::release(&mut tx, id).await?;
    Ok(tx.commit().await?)
}

/// Entries that go out together.
struct Batch {
    way: Way,
    events: Vec<(Event, String)>,
    from: Cursor,
    to: Cursor,
}

impl Batch {
    async fn sent(&self, app: &App, caller: &Caller, id: StreamId) -> Result<(), Failure> {
        // All of them may be gone, their time being over: then there is nothing to send, and the place moves on.
        if self.events.is_empty() {
            return Ok(());
        }
        let receiver = receiver(app, caller, id, &self.way).await?;
        siem::deliver(app.outbound(), &receiver, &host(app), &self.events).await
    }
}

/// The next batch, and how often in a row the last try failed; nothing where there is none.
async fn next(app: &App, caller: &Caller, id: StreamId) -> Result<Option<(Batch, i32)>, AppError> {
    let mut tx = open(app, caller).await?;
    let work = store::audit_stream::work(&mut tx, id).await?;
    if !work.is_active {
        return Ok(None);
    }
    let (places, end) = places(&mut tx, work.cursor).await?;
    let ids: Vec<AuditId> = places.iter().map(|place| place.id).collect();
    let mut entries = store::seal::entries(&mut tx, &ids).await?;
    tx.commit().await?;
    if places.is_empty() {
        return Ok(None);
    }
    let (mut events, mut bytes, mut to) = (Vec::new(), 0, end);
    let mut last = work.cursor;
    for place in places {
        let Some(entry) = entries.remove(&place.id) else {
            last = place.behind;
            continue;
        };
        let event = place.event(entry);
        let text = event.text(work.way.format);
        bytes += text.len();
        if bytes > BYTES && !events.is_empty() {
            to = last;
            break;
        }
        events.push((event, text));
        last = place.behind;
    }
    Ok(Some((Batch { way: work.way, events, from: work.cursor, to }, work.failures)))
}

/// Where an entry stands in the chain.
struct Place {
    id: AuditId,
    digest: Digest,
    seal: i64,
    position: i64,
    /// The stream's place once it is sent.
    behind: Cursor,
}

impl Place {
    /// With the digest that was sealed, also where the entry is another one now: who computes it anew sees that.
    fn event(&self, entry: Entry) -> Event {
        Event { entry, seal: self.seal, position: self.position, digest: self.digest, is_test: false }
    }
}

/// The next places behind `from`, and the stream's place behind all of them.
async fn places(tx: &mut TenantTx, from: Cursor) -> Result<(Vec<Place>, Cursor), StoreError> {
    let span = Span {
        first: from.seq.saturating_add(1),
        last: i64::MAX,
        entries: from.place.saturating_add(BATCH),
        leaves: true,
    };
    let most = usize::try_from(BATCH).unwrap_or(usize::MAX);
    let mut places = Vec::new();
    let mut end = from;
    for seal in store::seal::seals(tx, span).await? {
        let sent = if seal.seq == from.seq.saturating_add(1) { from.place } else { 0 };
        let before = seal.total.saturating_sub(seal.count);
        for (leaf, number) in seal.leaves.iter().zip(1_i64..).skip(usize::try_from(sent).unwrap_or(usize::MAX)) {
            if places.len() >= most {
                return Ok((places, end));
            }
            let position = before.saturating_add(number);
            end = if number >= seal.count {
                Cursor { seq: seal.seq, place: 0, total: seal.total }
            } else {
                Cursor { seq: seal.seq.saturating_sub(1), place: number, total: position }
            };
            places.push(Place { id: leaf.0, digest: leaf.1, seal: seal.seq, position, behind: end });
        }
    }
    Ok((places, end))
}

/// Notes down that a batch was taken. False when the stream was moved meanwhile: then it goes on from there.
async fn advance(app: &App, caller: &Caller, id: StreamId, batch: &Batch, failures: i32) -> Result<bool, AppError> {
    let mut tx = open(app, caller).await?;
    let is_ours = store::audit_stream::advance(&mut tx, id, batch.from, batch.to).await?;
    if is_ours && failures >= STALLED {
        store::audit::append(&mut tx, entry(app, id, Action::StreamRecovered, Outcome::Done, None)).await?;
    }
    tx.commit().await?;
    Ok(is_ours)
}

async fn fail(app: &App, caller: &Caller, id: StreamId, failure: Failure, failures: i32) -> Result<(), AppError> {
    let Failure { problem, wait } = failure;
    let failures = failures.saturating_add(1);
    let wait = pause(failures).max(wait.map_or(0, i64::from).min(PATIENCE));
    tracing::warn!(stream.id = %id, stream.failures = failures, "a stream does not get through: {}", problem.code());
    let mut tx = open(app, caller).await?;
    let is_ours = store::audit_stream::fail(&mut tx, id, problem, wait).await?;
    if is_ours && failures == STALLED {
        let reason = Some(problem.code().to_owned());
        store::audit::append(&mut tx, entry(app, id, Action::StreamStalled, Outcome::Failed, reason)).await?;
    }
    Ok(tx.commit().await?)
}

fn entry(app: &App, id: StreamId, action: Action, outcome: Outcome, reason: Option<String>) -> NewEntry {
    let target = Some(Target { kind: "audit_stream", id: Some(id.0) });
    NewEntry { id: app.draw(), action, target, outcome, reason, before: None, after: None }
}

/// Sends one event that is marked as a test. Says what is wrong.
pub async fn try_out(app: &App, caller: &Caller, id: StreamId, way: Way) -> Option<Problem> {
    let receiver = match receiver(app, caller, id, &way).await {
        Ok(receiver) => receiver,
        Err(failure) => return Some(failure.problem),
    };
    let event = sample(app, caller, id);
    let text = event.text(way.format);
    let sent = siem::deliver(app.outbound(), &receiver, &host(app), &[(event, text)]).await;
    sent.err().map(|failure| failure.problem)
}

/// What a test sends: an event as it stands in no log. That it was sent does stand there.
fn sample(app: &App, caller: &Caller, id: StreamId) -> Event {
    let entry = Entry {
        business: caller.business,
        id: app.draw(),
        at: app.clock().now().micros(),
        xid: 0,
        actor_kind: caller.actor.kind().to_owned(),
        actor_id: caller.actor.uuid(),
        action: Action::StreamTested.code().to_owned(),
        target_kind: Some("audit_stream".to_owned()),
        target_id: Some(id.0),
        result: Outcome::Done.code().to_owned(),
        reason: None,
        origin: caller.origin.text(),
        trace: caller.trace,
        before: None,
        after: None,
    };
    let digest = chain::digest(&entry, &mut Vec::new());
    Event { entry, seal: 0, position: 0, digest, is_test: true }
}

/// The way with its secret opened.
async fn receiver(app: &App, caller: &Caller, id: StreamId, way: &Way) -> Result<Receiver, Failure> {
    let header = match (&way.header, &way.sealed) {
        (Some(name), Some(sealed)) => Some((name.clone(), open_secret(app, caller, id, sealed).await?)),
        _ => None,
    };
    let Way { kind, address, format, ca, silent_end, .. } = way.clone();
    Ok(Receiver { kind, address, format, header, ca, silent_end })
}

async fn open_secret(app: &App, caller: &Caller, id: StreamId, sealed: &[u8]) -> Result<Secret, Failure> {
    let opened = app.vault().open_text(caller.business, Purpose::AuditStream, id.0, sealed).await;
    opened.map_err(|error| match error {
        // The database is away, and not the secret broken.
        VaultError::Store(_) | VaultError::Busy => Problem::Unreachable.into(),
        other => {
            tracing::error!(stream.id = %id, error.chain = %causes(&other), "a stream's secret does not open");
            Problem::Broken.into()
        }
    })
}

/// Who we are for a collector: the host of the public address.
fn host(app: &App) -> String {
    let url = Url::parse(&app.config().public_url).ok();
    url.and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
}

async fn open(app: &App, caller: &Caller) -> Result<TenantTx, StoreError> {
    TenantTx::open(app.worker_db(), caller, app.clock().now()).await
}

/// The actor that sends.
fn sender(app: &App, stream: DueStream) -> Caller {
    Caller {
        actor: Actor::Job(JobId(Uuid::nil())),
        business: stream.business,
        origin: Origin { door: "clock", network: None },
        trace: app.draw(),
    }
}
