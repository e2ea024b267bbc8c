//! Where a technician is reached for masked calls (TEL-7). They say it themselves; nobody else is shown it.

use serde_json::json;

use super::audit;
use crate::{
    model::{audit::Action, field::Bad, permission::Permission, phone::Phone},
    server::{
        http::{AppError, Cx},
        store,
    },
};

/// Says where masked calls reach who asks. Sessions that still name another number close.
///
/// # Errors
/// Not a number, or none that calls may go to; refused without `work_orders`.
pub async fn set(cx: &Cx, phone: &str) -> Result<(), AppError> {
    let person = cx.signed_in()?;
    let phone: Phone = phone.parse().map_err(|_| AppError::field("own_phone", Bad::Phone))?;
    // Customers' calls to it are the business's to pay.
    let prefixes = &cx.app.config().text_prefixes;
    if !prefixes.allow(&phone) {
        return Err(AppError::field("own_phone", Bad::CallPrefix(prefixes.to_string())));
    }
    audit::audited(&cx.app, &person.caller, Action::MemberPhoneSet, async |act| {
        act.on("member", person.member.0);
        act.tx.may(Permission::WorkOrders)?;
        store::member::still_may(&mut act.tx, Permission::WorkOrders).await?;
        if store::member_phone::own(&mut act.tx).await?.as_ref() == Some(&phone) {
            return Ok(());
        }
        store::member_phone::put(&mut act.tx, &phone).await?;
        let closed = store::masked_call::close_of(&mut act.tx, person.member).await?;
        act.after(json!({ "sessions_closed": closed.len() }));
        Ok(())
    })
    .await
}

/// Forgets it, and closes their sessions.
///
/// # Errors
/// Missing when there is none; refused without `work_orders`.
pub async fn remove(cx: &Cx) -> Result<(), AppError> {
    let person = cx.signed_in()?;
    audit::audited(&cx.app, &person.caller, Action::MemberPhoneRemoved, async |act| {
        act.on("member", person.member.0);
        act.tx.may(Permission::WorkOrders)?;
        store::member_phone::delete(&mut act.tx).await?;
        let closed = store::masked_call::close_of(&mut act.tx, person.member).await?;
        act.after(json!({ "sessions_closed": closed.len() }));
        Ok(())
    })
    .await
}
