//! Looking at calls (TEL-3). Reading is written down; numbers in clear are an act of their own.

use super::audit;
use crate::{
    model::{audit::Action, id::CallId, permission::Permission, phone::Phone},
    server::{
        http::{AppError, Cx},
        store::{
            self,
            call_log::{Filter, Line, Step},
        },
    },
};

/// A page of the log.
///
/// # Errors
/// Refused without `calls.own` or `calls.all`.
pub async fn list(cx: &Cx, filter: Filter, limit: i64) -> Result<Vec<Line>, AppError> {
    audit::audited(&cx.app, cx.caller()?, Action::CallsListed, async |act| {
        Ok(store::call_log::list(&mut act.tx, &filter, limit).await?)
    })
    .await
}

/// One call with its timeline.
///
/// # Errors
/// Missing when it is not one the person may see.
pub async fn view(cx: &Cx, id: CallId) -> Result<(Line, Vec<Step>), AppError> {
    audit::audited(&cx.app, cx.caller()?, Action::CallViewed, async |act| {
        act.on("call", id.0);
        let line = store::call_log::get(&mut act.tx, id).await?;
        let steps = store::call_log::timeline(&mut act.tx, id).await?;
        Ok((line, steps))
    })
    .await
}

/// Both numbers in clear: the customer's, then ours.
///
/// # Errors
/// Refused without `calls.numbers`; missing when it is not a call the person may see.
pub async fn reveal_numbers(cx: &Cx, id: CallId) -> Result<(Option<String>, Option<String>), AppError> {
    audit::audited(&cx.app, cx.caller()?, Action::CallNumbersRevealed, async |act| {
        act.on("call", id.0);
        act.tx.may_all(Permission::CallNumbers)?;
        let line = store::call_log::get(&mut act.tx, id).await?;
        let clear = |phone: Option<Phone>| phone.map(|p| p.reveal().to_owned());
        Ok((clear(line.party), clear(line.own)))
    })
    .await
}
