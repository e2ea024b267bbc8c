//! Logs and metrics. Logs carry ids, never what people wrote or who they are (AUD-7).

use std::{fmt::Write, sync::atomic::Ordering};

use tracing_subscriber::{EnvFilter, fmt, prelude::*};

use super::App;
use crate::server::{
    http::error::chain,
    store::{
        self, StoreError,
        lobby::{Backlog, SealBacklog},
    },
};

/// Starts logging to standard error: readable lines on a terminal, JSON when `RINGFORT_LOG_FORMAT=json`. What is
/// logged is chosen by `RUST_LOG`; by default our own notes and other libraries' warnings.
#[expect(clippy::disallowed_methods, reason = "logging starts before there is a configuration to ask")]
pub fn start() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,ringfort=info"));
    let registry = tracing_subscriber::registry().with(filter);
    if std::env::var("RINGFORT_LOG_FORMAT").is_ok_and(|format| format == "json") {
        registry.with(fmt::layer().json().with_writer(std::io::stderr)).init();
    } else {
        registry.with(fmt::layer().with_writer(std::io::stderr)).init();
    }
}

/// What waits in the database.
async fn waits(app: &App) -> Result<(Backlog, SealBacklog, i64), StoreError> {
    let db = app.worker_db();
    let (jobs, seals) = (store::lobby::backlog(db).await?, store::lobby::audit_backlog(db).await?);
    Ok((jobs, seals, store::lobby::audit_streams_failing(db).await?))
}

/// The metrics of this process in Prometheus' text format. Served on a port of its own, loopback by default.
#[expect(clippy::too_many_lines, reason = "a list")]
pub async fn metrics(app: &App) -> String {
    let mut out = String::new();
    let mut put = |name: &str, help: &str, kind: &str, value: f64| {
        writeln!(out, "# HELP ringfort_{name} {help}\n# TYPE ringfort_{name} {kind}\nringfort_{name} {value}")
            .expect("writing to a string");
    };
    #[expect(clippy::cast_precision_loss, reason = "counts of this size are exact in an f64")]
    let number = |n: i64| n as f64;
    put(
        "live_streams",
        "Live streams open on this node.",
        "gauge",
        f64::from(u32::try_from(app.hub().open_streams()).unwrap_or(u32::MAX)),
    );
    let unknown = app.limits().unknown_tokens.load(Ordering::Relaxed);
    put(
        "webhooks_unknown_total",
        "Webhooks to addresses that nobody has.",
        "counter",
        number(i64::try_from(unknown).unwrap_or(i64::MAX)),
    );
    if let Some(nats) = app.nats() {
        let (sent, heard) = nats.counts();
        let count = |n: u64| number(i64::try_from(n).unwrap_or(i64::MAX));
        let yes = |is_so: bool| f64::from(u8::from(is_so));
        put("nats_connected", "Whether this node is connected to NATS.", "gauge", yes(nats.is_connected()));
        put("nats_leads", "Whether this node tells the others.", "gauge", yes(nats.leads()));
        put("nats_sent_total", "Messages to other nodes.", "counter", count(sent));
        put("nats_heard_total", "Messages from other nodes.", "counter", count(heard));
    }
    put(
        "positions_waiting",
        "Positions that wait to be stored by this node.",
        "gauge",
        f64::from(u32::try_from(app.intake().waiting()).unwrap_or(u32::MAX)),
    );
    put("pool_connections", "Database connections of the application.", "gauge", f64::from(app.db().size()));
    match waits(app).await {
        Ok((backlog, seals, failing)) => {
            put("database_up", "Whether the database answers.", "gauge", 1.0);
            put("jobs_due", "Jobs that wait to be run.", "gauge", number(backlog.jobs));
            put("jobs_lag_seconds", "Age of the oldest due job.", "gauge", backlog.oldest_job_seconds);
            put("jobs_dead", "Jobs that were given up.", "gauge", number(backlog.dead_jobs));
            put("mails_queued", "Mails that wait to be sent.", "gauge", number(backlog.mails));
            put("audit_unsealed", "Audit entries that wait to be sealed.", "gauge", number(seals.waiting));
            put("audit_seal_lag_seconds", "Age of the oldest of them.", "gauge", seals.oldest_seconds);
            put("audit_streams_failing", "Streams of the audit log that do not get through.", "gauge", number(failing));
        }
        Err(error) => {
            tracing::warn!(error.chain = %chain(&error), "metrics without the database");
            put("database_up", "Whether the database answers.", "gauge", 0.0);
        }
    }
    out
}
