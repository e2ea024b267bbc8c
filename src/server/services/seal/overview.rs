//! How the sealing of a business's log stands, for its page.

use serde_json::Value;

use super::chain;
use crate::{
    model::{audit::Action, audit_query::AuditFilter, seal::Seal},
    server::{
        boot::App,
        caller::Caller,
        http::AppError,
        services::audit,
        store::{self, audit::Entry, seal::Sent},
    },
};

/// As many verifications are shown.
const SHOWN: i64 = 10;

/// How it stands.
pub struct Overview {
    /// The newest seal, and whether it is signed by a key of this installation.
    pub head: Option<(Seal, bool)>,
    pub waiting: i64,
    /// The newest checkpoint of each way.
    pub sent: Vec<Sent>,
    /// The last verifications, the newest first.
    pub verified: Vec<Entry>,
    /// The public keys, as JWKs.
    pub keys: Vec<Value>,
}

/// Looks at it. That somebody did is itself an entry.
///
/// # Errors
/// Refused without `audit.read`; the database cannot be reached.
pub async fn overview(app: &App, caller: &Caller) -> Result<Overview, AppError> {
    let keys = app.vault().audit_public_keys(app.db()).await?;
    audit::audited(app, caller, Action::AuditSealsViewed, async |act| {
        let head = store::seal::head(&mut act.tx).await?.map(|seal| {
            let is_signed = chain::is_signed(&seal, &keys);
            (seal, is_signed)
        });
        let filter = AuditFilter { action: Some(Action::AuditVerified), ..AuditFilter::default() };
        Ok(Overview {
            head,
            waiting: store::seal::waiting(&mut act.tx).await?,
            sent: store::seal::last_sent(&mut act.tx).await?,
            verified: store::audit::list(&mut act.tx, &filter, SHOWN).await?,
            keys: keys.jwks(),
        })
    })
    .await
}
