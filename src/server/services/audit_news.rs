//! «12 new»: how many entries have come since a page of the audit log was shown (AUD-4).
//!
//! Reading the log is an entry; asking every few seconds whether there is more cannot be one, or it would find itself. So what may
//! be asked for is sealed into the page, whose look was written down: that filter, from that entry on, by that reader, for an
//! hour. The answer is a number.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use crate::{
    model::{audit_query::AuditFilter, id::AuditId},
    server::{
        http::{AppError, Cx},
        store,
        vault::Purpose,
    },
};

/// A page that is open longer is loaded again by whoever wants to know more.
const SECONDS: i64 = 3600;

#[derive(Serialize, Deserialize)]
struct Mark {
    filter: String,
    behind: AuditId,
    until: i64,
}

/// What a page that shows `filter` asks with. `newest` is the newest entry on it; without one, what comes from now on is new.
///
/// # Errors
/// Nobody is signed in.
pub fn mark(cx: &Cx, filter: &AuditFilter, newest: Option<AuditId>) -> Result<String, AppError> {
    let reader = cx.signed_in()?.member;
    let now = cx.visitor.now;
    let behind = newest.unwrap_or_else(|| AuditId(store::audit::id_floor(now)));
    let mark = Mark { filter: filter.to_string(), behind, until: now.plus(SECONDS).as_second() };
    let plain = serde_json::to_vec(&mark).map_err(|e| AppError::Internal(Box::new(e)))?;
    Ok(URL_SAFE_NO_PAD.encode(cx.app.vault().seal_own(Purpose::AuditNews, reader.0, &plain)?))
}

/// How many have come since, up to one more than [`store::audit::MOST_NEW`].
///
/// # Errors
/// Bad request for what no page of this reader has asked with lately; limited where it takes too long; refused without
/// `audit.read`.
pub async fn since(cx: &Cx, asked: &str) -> Result<i64, AppError> {
    let reader = cx.signed_in()?.member;
    let sealed = URL_SAFE_NO_PAD.decode(asked).map_err(|_| AppError::BadRequest)?;
    let plain = cx.app.vault().open_own(Purpose::AuditNews, reader.0, &sealed).map_err(|_| AppError::BadRequest)?;
    let mark: Mark = serde_json::from_slice(&plain).map_err(|_| AppError::BadRequest)?;
    if mark.until < cx.visitor.now.as_second() {
        return Err(AppError::BadRequest);
    }
    let filter: AuditFilter = mark.filter.parse().map_err(|_| AppError::BadRequest)?;
    let mut tx = cx.tx().await?;
    let count = store::audit::since(&mut tx, &filter, mark.behind).await?;
    tx.commit().await?;
    // The page that asked stops asking.
    count.ok_or(AppError::Limited { retry_after: 60 })
}
