//! Whether NATS answers, and lets us in.

use super::Report;
use crate::server::{
    boot::config::Config,
    http::error::chain,
    live::nats::{self, NatsError},
};

pub(super) async fn check(config: &Config, report: &mut Report) {
    let what = "NATS between nodes";
    let Some(settings) = &config.nats else {
        return report.ok(what, "none: several nodes find each other's events by polling");
    };
    let shown = settings.servers.join(", ");
    match nats::check(settings).await {
        Ok(()) => report.ok(what, &format!("{shown} answers{}", if settings.is_tls { ", by TLS" } else { "" })),
        Err(error @ (NatsError::Away(_) | NatsError::Slow)) => report.warning(
            what,
            &format!("{shown}: {}. Live events of other nodes come within a second instead of at once", chain(&error)),
            "start the server, check RINGFORT_NATS_URL and as whom we go there, and whether a firewall closes the way",
        ),
        Err(error) => report.problem(
            what,
            &chain(&error),
            "check RINGFORT_NATS_URL, RINGFORT_NATS_CA and RINGFORT_NATS_CREDENTIALS",
        ),
    }
}
