//! Sends the audit log to collectors, every second (AUD-5). Several may run, on any node: each stream is one's at a time.
//! Beside the worker and not in it, because a collector may take its ten seconds and nothing else shall wait for that.

use std::time::Duration;

use tokio::{task::JoinSet, time::sleep};
use tokio_util::sync::CancellationToken;

use crate::server::{boot::App, http::error::chain, services::audit_stream::sending, store};

const EVERY: Duration = Duration::from_secs(1);
/// Streams under way at once.
const AT_ONCE: usize = 16;

/// Sends until `stop`, then lets what is under way come to its end. A stream that is cut off loses nothing.
pub async fn run(app: App, stop: CancellationToken) {
    let mut under_way = JoinSet::new();
    while !stop.is_cancelled() {
        tokio::select! {
            () = stop.cancelled() => break,
            () = sleep(EVERY) => {}
        }
        while under_way.try_join_next().is_some() {}
        let free = i32::try_from(AT_ONCE.saturating_sub(under_way.len())).unwrap_or(0);
        if free == 0 {
            continue;
        }
        match store::lobby::audit_streams_claim(app.worker_db(), free).await {
            Ok(due) => {
                for stream in due {
                    let app = app.clone();
                    under_way.spawn(async move { sending::send(&app, stream).await });
                }
            }
            Err(error) => tracing::warn!(error.chain = %chain(&error), "streams wait for the database"),
        }
    }
    while under_way.join_next().await.is_some() {}
}
