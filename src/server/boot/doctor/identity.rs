//! Whether the provider of identities answers, and as whom it is configured.

use super::Report;
use crate::server::{
    boot::config::Config,
    kit::{Clock, clock::SystemClock, outbound::Outbound},
    providers::oidc::{Oidc, OidcError},
};

pub(super) async fn check(config: &Config, report: &mut Report) {
    let what = "provider of identities";
    let Some(settings) = &config.oidc else {
        return report.ok(what, "none: people sign in with what they have here");
    };
    let Ok(oidc) = Oidc::new(settings, &config.public_url) else {
        return report.problem(
            what,
            "its address is none",
            "write RINGFORT_OIDC_ISSUER like https://accounts.google.com",
        );
    };
    let outbound = match Outbound::new(config.outbound_allow.clone(), config.outbound_overrides.clone()) {
        Ok(outbound) => outbound,
        Err(error) => return report.problem(what, &error.to_string(), "install this machine's root certificates"),
    };
    match oidc.check(&outbound, SystemClock.now()).await {
        Ok(()) => report.ok(what, &format!("{} answers", settings.issuer)),
        Err(OidcError::Unreachable(problem) | OidcError::Refused(problem)) => report.problem(
            what,
            &format!("{}: {problem}", settings.issuer),
            "check RINGFORT_OIDC_ISSUER letter by letter, and whether a firewall closes the way there",
        ),
    }
}
