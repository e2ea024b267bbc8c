//! `ringfort networks clear`: the operator's way back in for a business that has shut itself out (ACC-9). It stands in the
//! business's own audit log, with the reason.

use anyhow::{Context, bail};
use uuid::Uuid;

use super::App;
use crate::{
    model::id::{BusinessId, JobId},
    server::{
        caller::{Actor, Caller, Origin},
        http::AppError,
        services::network,
        store,
    },
};

/// Takes all networks of a business away, so that its people come in from everywhere again. Says how many there were.
///
/// # Errors
/// An id that is none, or nobody's; no reason; the database cannot be reached.
pub async fn clear(app: &App, business: &str, reason: &str) -> anyhow::Result<u64> {
    let business = business
        .parse::<BusinessId>()
        .context("--business wants the id of a business, like biz_0199…: it stands on its page «Networks»")?;
    if !store::lobby::businesses_active(app.worker_db()).await?.contains(&business) {
        bail!("no business has this id: nothing was changed");
    }
    let caller = Caller {
        actor: Actor::Job(JobId(Uuid::nil())),
        business,
        origin: Origin { door: "operator", network: None },
        trace: app.draw(),
    };
    match network::clear(app, &caller, reason).await {
        Ok(cleared) => Ok(cleared),
        Err(AppError::Invalid(_)) => {
            bail!("--reason wants a few words, at most 200 characters: they go to the audit log")
        }
        Err(error) => Err(error).context("nothing was changed"),
    }
}
