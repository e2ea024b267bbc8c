//! The pool of proxy numbers (TEL-7): putting a number in, and taking one out.

use serde_json::json;

use super::audit;
use crate::{
    model::{
        audit::Action,
        field::{Bad, Fields},
        id::{ConnectionId, ProxyNumberId},
        phone::Phone,
    },
    server::{
        http::{AppError, Cx},
        providers::telephony,
        store::{self, StoreError, TenantTx, proxy_number::NewProxyNumber},
    },
};

/// The connections that can have proxy numbers: those to providers of calls.
///
/// # Errors
/// Refused without `extensions`.
pub async fn connections(tx: &mut TenantTx) -> Result<Vec<(ConnectionId, String)>, AppError> {
    let all = store::proxy_number::connections(tx).await?;
    let calls = all.into_iter().filter(|(_, provider, _)| telephony(provider).is_some());
    Ok(calls.map(|(id, _, label)| (id, label)).collect())
}

/// Puts a number into the pool.
///
/// # Errors
/// Invalid fields, also when the number is in the pool; refused without `extensions`.
pub async fn add(cx: &Cx, connection: &str, number: &str) -> Result<(), AppError> {
    let person = cx.signed_in()?;
    let mut fields = Fields::default();
    let connection = fields.take("connection", connection.parse::<ConnectionId>().map_err(|_| Bad::Choice));
    let number = fields.take("number", number.parse::<Phone>().map_err(|_| Bad::Phone));
    let (Some(connection), Some(number)) = (connection, number) else { return Err(fields.into()) };
    let id: ProxyNumberId = cx.app.draw();
    audit::audited(&cx.app, &person.caller, Action::ProxyNumberAdded, async |act| {
        act.on("proxy_number", id.0);
        act.after(json!({ "connection": connection }));
        if !connections(&mut act.tx).await?.iter().any(|(known, _)| *known == connection) {
            return Err(AppError::field("connection", Bad::Choice));
        }
        let new = NewProxyNumber { id, connection, number: &number, created_by: person.member.0 };
        match store::proxy_number::insert(&mut act.tx, new).await {
            Err(StoreError::Missing) => Err(AppError::field("connection", Bad::Choice)),
            other => Ok(other?),
        }
    })
    .await
}

/// Takes a number out of the pool. The sessions that go through it close: their people ask for another number.
///
/// # Errors
/// Missing when it is not in this business's pool; refused without `extensions`.
pub async fn remove(cx: &Cx, id: ProxyNumberId) -> Result<(), AppError> {
    audit::audited(&cx.app, cx.caller()?, Action::ProxyNumberRemoved, async |act| {
        act.on("proxy_number", id.0);
        store::proxy_number::retire(&mut act.tx, id).await?;
        let closed = store::masked_call::close_through(&mut act.tx, id).await?;
        act.after(json!({ "sessions_closed": closed.len() }));
        Ok(())
    })
    .await
}
