//! Seals the audit log, every second (AUD-3). Several may run, on any node: they share the businesses between them.

use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::server::{
    boot::App,
    http::error::chain,
    services::seal::{self, Memory},
};

const EVERY: Duration = Duration::from_secs(1);

/// Seals until `stop`. A database that is away is waited for; what was not sealed waits in its queue.
pub async fn run(app: App, stop: CancellationToken) {
    let mut memory = Memory::default();
    while !stop.is_cancelled() {
        tokio::select! {
            () = stop.cancelled() => return,
            () = sleep(EVERY) => {}
        }
        if let Err(error) = seal::round(&app, &mut memory).await {
            tracing::warn!(error.chain = %chain(&error), "sealing the audit log waits");
        }
    }
}
