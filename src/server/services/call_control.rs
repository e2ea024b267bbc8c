//! What supervisors do with a running call (TEL-2): transfer it, end it, mute our side, where the provider can. The rights are
//! asked again, and what is wanted is written down, before the provider is asked (AUD-1): were it written down afterwards, whoever
//! dies in between would leave a call that ended and nobody who ended it. How it went is an entry of its own.
//!
//! Nothing of a call changes here: the provider tells by its webhook what became of it.

use serde_json::json;

use super::{
    audit::{self, Act},
    connection::webhook_base,
};
use crate::{
    model::{
        audit::{Action, Outcome},
        extension::Target,
        field::Bad,
        id::{CallId, ExtensionId},
        phone::Phone,
    },
    server::{
        http::{AppError, Cx},
        providers::{ControlError, Order, RING_SECONDS, RingPlan, telephony},
        store::{
            self,
            audit::{NewEntry, Target as Subject},
            call::Controlled,
        },
        vault::{Purpose, Secret},
    },
};

/// How it went.
pub type Went = Result<(), ControlError>;

/// What somebody wants of a call.
enum Wanted {
    Transfer { target: Target, caller_id: Option<Phone> },
    HangUp,
    Mute,
}

/// Transfers a running call to a desk.
///
/// # Errors
/// Refused without `calls.supervise`; missing when call or desk are not this business's; conflict when the call has ended.
pub async fn transfer(cx: &Cx, id: CallId, to: ExtensionId) -> Result<Went, AppError> {
    let action = Action::CallTransferred;
    let (call, wanted) = audit::audited(&cx.app, cx.caller()?, action, async |act| {
        let call = running(act, id).await?;
        let target = store::call::desk(&mut act.tx, to).await?;
        // A masked call shows its proxy's number at every desk: one of them may be its technician's.
        let caller_id = store::masked_call::proxy_of(&mut act.tx, id).await?;
        act.after(json!({ "extension": to }));
        Ok((call, Wanted::Transfer { target, caller_id }))
    })
    .await?;
    carry_out(cx, action, id, &call, wanted).await
}

/// Ends a running call for everybody on it.
///
/// # Errors
/// Invalid confirmation; refused without `calls.supervise`; missing when it is not this business's; conflict when it has
/// ended.
pub async fn hang_up(cx: &Cx, id: CallId, confirm: &str) -> Result<Went, AppError> {
    let action = Action::CallHungUp;
    let call = audit::audited(&cx.app, cx.caller()?, action, async |act| {
        let call = running(act, id).await?;
        if confirm.trim() != "end" {
            return Err(AppError::field("confirm", Bad::Confirm("end".to_owned())));
        }
        Ok(call)
    })
    .await?;
    carry_out(cx, action, id, &call, Wanted::HangUp).await
}

/// Mutes our side of a running call.
///
/// # Errors
/// Refused without `calls.supervise`; missing when it is not this business's; conflict when it has ended.
pub async fn mute(cx: &Cx, id: CallId) -> Result<Went, AppError> {
    let action = Action::CallMuted;
    let call = audit::audited(&cx.app, cx.caller()?, action, async |act| running(act, id).await).await?;
    carry_out(cx, action, id, &call, Wanted::Mute).await
}

async fn running(act: &mut Act, id: CallId) -> Result<Controlled, AppError> {
    act.on("call", id.0);
    let call = store::call::controlled(&mut act.tx, id).await?;
    if call.state.is_end() { Err(AppError::Conflict) } else { Ok(call) }
}

/// Does what is written down by now, and writes down how it went.
async fn carry_out(cx: &Cx, action: Action, id: CallId, call: &Controlled, wanted: Wanted) -> Result<Went, AppError> {
    let went = ask(cx, call, wanted).await;
    let result = match &went {
        Ok(Ok(())) => "ok",
        Ok(Err(error)) => error.code(),
        Err(_) => "not_asked",
    };
    let entry = NewEntry {
        id: cx.app.draw(),
        action: Action::CallControlled,
        target: Some(Subject { kind: "call", id: Some(id.0) }),
        outcome: if result == "ok" { Outcome::Done } else { Outcome::Failed },
        reason: None,
        before: None,
        after: Some(json!({ "asked": action.code(), "result": result })),
    };
    let mut tx = cx.tx().await?;
    store::audit::append(&mut tx, entry).await?;
    tx.commit().await?;
    went
}

/// Asks the provider. No transaction is open meanwhile.
async fn ask(cx: &Cx, call: &Controlled, wanted: Wanted) -> Result<Went, AppError> {
    let provider = telephony(&call.provider).ok_or(AppError::Missing)?;
    let (id, sealed) = &call.secret;
    let business = cx.caller()?.business;
    let secret: Secret = cx.app.vault().open_text(business, Purpose::ConnectionSecret, id.0, sealed).await?;
    let order = match wanted {
        Wanted::Transfer { target, caller_id } => Order::Transfer(plan(cx, call, target, caller_id).await?),
        Wanted::HangUp => Order::HangUp,
        Wanted::Mute => Order::Mute,
    };
    Ok(provider.control(cx.app.outbound(), &call.account, &secret, &call.provider_call, &order).await)
}

/// Where a transferred call rings, and where its provider reports that.
async fn plan(cx: &Cx, call: &Controlled, target: Target, caller_id: Option<Phone>) -> Result<RingPlan, AppError> {
    let business = cx.caller()?.business;
    let token =
        cx.app.vault().open_text(business, Purpose::ConnectionToken, call.connection.0, &call.token_sealed).await?;
    let base = webhook_base(&cx.app.config().public_url, &call.provider, token.expose());
    Ok(RingPlan {
        caller_id,
        targets: vec![target],
        status_url: format!("{base}/status"),
        action_url: format!("{base}/dial"),
        timeout_seconds: RING_SECONDS,
    })
}
