//! From the outbox to the hub. One task per node: woken by writers of this node, polling for those of others.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Cursor, Event, Payload};
use crate::{
    model::id::{BusinessId, CallId, JobId, PopId, TraceId},
    server::{
        boot::App,
        caller::{Actor, Caller, Origin},
        http::error::chain,
        kit::entropy::uuid7,
        store::{self, StoreError, TenantTx, outbox::Row},
    },
};

/// How often other nodes' writes are looked for.
const POLL: Duration = Duration::from_millis(200);
/// Under load, many commits are read as one batch.
const GATHER: Duration = Duration::from_millis(5);
const BATCH: i32 = 500;

/// Runs until `stop`. A database that is away is waited for, and nothing is skipped.
pub async fn run(app: App, stop: CancellationToken) {
    let mut cursor: Option<Cursor> = None;
    while !stop.is_cancelled() {
        match step(&app, &mut cursor).await {
            Ok(true) => {}
            Ok(false) => {
                tokio::select! {
                    () = stop.cancelled() => {}
                    _ = timeout(POLL, app.hub().woken()) => sleep(GATHER).await,
                }
            }
            Err(error) => {
                tracing::warn!(error.chain = %chain(&error), "the live relay waits for the database");
                sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

/// One batch; true when there may be more.
async fn step(app: &App, cursor: &mut Option<Cursor>) -> Result<bool, StoreError> {
    let from = if let Some(from) = *cursor {
        from
    } else {
        let head = store::outbox::head(app.db(), app.clock().now()).await?;
        *cursor = Some(head);
        head
    };
    let rows = store::outbox::after(app.db(), from, BATCH).await?;
    let full = rows.len() == usize::try_from(BATCH).unwrap_or(usize::MAX);
    let mut by_business: HashMap<BusinessId, Vec<Row>> = HashMap::new();
    let last = rows.last().map(|row| row.cursor);
    for row in rows {
        by_business.entry(row.business).or_default().push(row);
    }
    for (business, rows) in by_business {
        if app.hub().has_listeners(business) {
            publish(app, business, rows).await?;
        }
    }
    // Only after everything was published: an error above repeats the batch, and repeats are harmless.
    if let Some(last) = last {
        *cursor = Some(last);
    }
    Ok(full)
}

async fn publish(app: &App, business: BusinessId, rows: Vec<Row>) -> Result<(), StoreError> {
    for event in read(app, business, rows).await? {
        app.hub().publish(business, event);
    }
    Ok(())
}

/// Turns rows of one business into events: each call is read once, as it is now.
///
/// # Errors
/// The database cannot be reached.
pub async fn read(app: &App, business: BusinessId, rows: Vec<Row>) -> Result<Vec<Event>, StoreError> {
    let now = app.clock().now();
    let caller = Caller {
        actor: Actor::Job(JobId(Uuid::nil())),
        business,
        origin: Origin { door: "relay", network: None },
        trace: TraceId(uuid7(app.entropy(), now)),
    };
    let mut calls: Vec<CallId> = rows.iter().filter(|r| r.topic == "call").map(|r| CallId(r.subject)).collect();
    calls.sort_unstable();
    calls.dedup();
    let mut tx = TenantTx::open(app.db(), &caller, now).await?;
    let found = store::live::calls(&mut tx, &calls).await?;
    tx.commit().await?;
    let found: HashMap<CallId, Arc<_>> = found.into_iter().map(|c| (c.id, Arc::new(c))).collect();
    let payload = |row: &Row| match (row.topic.as_str(), row.member) {
        ("call", _) => found.get(&CallId(row.subject)).map(|c| Payload::Call(c.clone())),
        ("pop", Some(member)) => Some(Payload::Pop { member, pop: PopId(row.subject) }),
        ("pop_gone", Some(member)) => Some(Payload::PopGone { member, pop: PopId(row.subject) }),
        _ => None,
    };
    Ok(rows.iter().filter_map(|row| Some(Event { cursor: row.cursor, payload: payload(row)? })).collect())
}

/// Streams whose session, right or business ended on another node end here within a second: this pause, and the time of
/// one query for all of them. On the node where it ended they end at once (`Hub::end_session`).
const CHECK: Duration = Duration::from_millis(800);

/// Runs until `stop`: one query for all open streams.
pub async fn watch_sessions(app: App, stop: CancellationToken) {
    let origin = Origin { door: "live", network: None };
    while !stop.is_cancelled() {
        tokio::select! {
            () = stop.cancelled() => return,
            () = sleep(CHECK) => {}
        }
        let hashes = app.hub().sessions();
        if hashes.is_empty() {
            continue;
        }
        let now = app.clock().now();
        let trace = TraceId(uuid7(app.entropy(), now));
        match store::session::callers(app.db(), &hashes, now, &origin, trace).await {
            Ok(alive) => app.hub().keep_only(&alive),
            Err(error) => tracing::warn!(error.chain = %chain(&error), "sessions of streams cannot be checked"),
        }
    }
}
