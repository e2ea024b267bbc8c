//! What supervisors do with a running call (TEL-2): transfer it, end it, mute our side, where the provider can. The rights are
//! asked again before the provider is, and how it went is written down, whatever that was.
//!
//! Nothing of a call changes here: the provider tells by its webhook what became of it.

use serde_json::json;

use super::{audit, connection::webhook_base};
use crate::{
    model::{
        audit::Action,
        field::Bad,
        id::{CallId, ExtensionId},
        permission::Permission,
    },
    server::{
        http::{AppError, Cx},
        providers::{ControlError, Order, RING_SECONDS, RingPlan, telephony},
        store::{self, call::Controlled},
        vault::{Purpose, Secret},
    },
};

/// How it went.
pub type Went = Result<(), ControlError>;

/// Transfers a running call to a desk.
///
/// # Errors
/// Refused without `calls.supervise`; missing when call or desk are not this business's; conflict when the call has ended.
pub async fn transfer(cx: &Cx, id: CallId, to: ExtensionId) -> Result<Went, AppError> {
    let mut tx = cx.tx().await?;
    let call = running(&mut tx, id).await?;
    let target = store::call::desk(&mut tx, to).await?;
    // A masked call shows its proxy's number at every desk: one of them may be its technician's.
    let caller_id = store::masked_call::proxy_of(&mut tx, id).await?;
    tx.commit().await?;
    let business = cx.caller()?.business;
    let token =
        cx.app.vault().open_text(business, Purpose::ConnectionToken, call.connection.0, &call.token_sealed).await?;
    let base = webhook_base(&cx.app.config().public_url, &call.provider, token.expose());
    let plan = RingPlan {
        caller_id,
        targets: vec![target],
        status_url: format!("{base}/status"),
        action_url: format!("{base}/dial"),
        timeout_seconds: RING_SECONDS,
    };
    let went = ask(cx, &call, &Order::Transfer(plan)).await?;
    note(cx, Action::CallTransferred, id, went, Some(to)).await
}

/// Ends a running call for everybody on it.
///
/// # Errors
/// Invalid confirmation; refused without `calls.supervise`; missing when it is not this business's; conflict when it has
/// ended.
pub async fn hang_up(cx: &Cx, id: CallId, confirm: &str) -> Result<Went, AppError> {
    let mut tx = cx.tx().await?;
    let call = running(&mut tx, id).await?;
    tx.commit().await?;
    if confirm.trim() != "end" {
        return Err(AppError::field("confirm", Bad::Confirm("end".to_owned())));
    }
    let went = ask(cx, &call, &Order::HangUp).await?;
    note(cx, Action::CallHungUp, id, went, None).await
}

/// Mutes our side of a running call.
///
/// # Errors
/// Refused without `calls.supervise`; missing when it is not this business's; conflict when it has ended.
pub async fn mute(cx: &Cx, id: CallId) -> Result<Went, AppError> {
    let mut tx = cx.tx().await?;
    let call = running(&mut tx, id).await?;
    tx.commit().await?;
    let went = ask(cx, &call, &Order::Mute).await?;
    note(cx, Action::CallMuted, id, went, None).await
}

async fn running(tx: &mut store::TenantTx, id: CallId) -> Result<Controlled, AppError> {
    let call = store::call::controlled(tx, id).await?;
    if call.state.is_end() { Err(AppError::Conflict) } else { Ok(call) }
}

/// Asks the provider. No transaction is open meanwhile.
async fn ask(cx: &Cx, call: &Controlled, order: &Order) -> Result<Went, AppError> {
    let provider = telephony(&call.provider).ok_or(AppError::Missing)?;
    let (id, sealed) = &call.secret;
    let business = cx.caller()?.business;
    let secret: Secret = cx.app.vault().open_text(business, Purpose::ConnectionSecret, id.0, sealed).await?;
    Ok(provider.control(cx.app.outbound(), &call.account, &secret, &call.provider_call, order).await)
}

async fn note(cx: &Cx, action: Action, id: CallId, went: Went, to: Option<ExtensionId>) -> Result<Went, AppError> {
    audit::audited(&cx.app, cx.caller()?, action, async |act| {
        act.on("call", id.0);
        act.tx.may_all(Permission::CallsSupervise)?;
        let result = went.err().map_or("ok", ControlError::code);
        act.after(match to {
            Some(to) => json!({ "result": result, "extension": to }),
            None => json!({ "result": result }),
        });
        Ok(went)
    })
    .await
}
