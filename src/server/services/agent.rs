//! What agents say of themselves (TEL-2), and the business's reasons for it.

use serde_json::json;
use uuid::Uuid;

use super::audit;
use crate::{
    model::{
        agent::AgentState,
        audit::Action,
        board::MOST_REASONS,
        field::{Bad, Fields, text},
        id::{MemberId, ReasonId},
    },
    server::{
        http::{AppError, Cx},
        store::{
            self,
            agent::{Reason, Said},
        },
    },
};

/// Notes what somebody says. `says` is a state's code, or the id of a reason, which belongs to one; `field` is its name in the
/// form, for what is wrong with it.
///
/// # Errors
/// An invalid choice; refused without `live_board` for oneself, without `calls.supervise` for others; missing when it is not
/// a member of this business.
pub async fn say(cx: &Cx, member: MemberId, says: &str, field: &str) -> Result<AgentState, AppError> {
    audit::audited(&cx.app, cx.caller()?, Action::AgentStateChanged, async |act| {
        act.on("member", member.0);
        let before = store::agent::said(&mut act.tx, member).await?;
        let (state, reason) = if let Ok(state) = says.parse::<AgentState>() {
            (state, None)
        } else {
            let asked: Option<ReasonId> = says.parse().ok();
            let reasons = store::agent::reasons(&mut act.tx).await?;
            let found = reasons.into_iter().find(|reason| Some(reason.id) == asked);
            let reason = found.ok_or_else(|| AppError::field(field, Bad::Choice))?;
            (reason.state, Some(reason.id))
        };
        act.before(json!({ "state": before.code() }));
        act.after(json!({ "state": state.code(), "reason": reason }));
        let id: Uuid = cx.app.draw();
        store::agent::say(&mut act.tx, Said { id, member, state, reason }).await?;
        Ok(state)
    })
    .await
}

/// Adds a reason.
///
/// # Errors
/// Invalid fields, also when there are as many as there may be; refused without `settings`.
pub async fn add_reason(cx: &Cx, state: &str, label: &str) -> Result<(), AppError> {
    let mut fields = Fields::default();
    let state = state.parse::<AgentState>().ok().filter(|state| AgentState::WITH_REASONS.contains(state));
    let state = fields.take("state", state.ok_or(Bad::Choice));
    let label = fields.take("label", text(label, 40));
    let (Some(state), Some(label)) = (state, label) else { return Err(fields.into()) };
    let reason = Reason { id: cx.app.draw(), state, label };
    audit::audited(&cx.app, cx.caller()?, Action::AgentReasonAdded, async |act| {
        act.on("agent_reason", reason.id.0);
        act.after(json!({ "state": state.code() }));
        if store::agent::add_reason(&mut act.tx, &reason).await? {
            return Ok(());
        }
        Err(AppError::field("label", Bad::Most(MOST_REASONS)))
    })
    .await
}

/// Removes a reason.
///
/// # Errors
/// Refused without `settings`; missing when it is not this business's.
pub async fn remove_reason(cx: &Cx, id: ReasonId) -> Result<(), AppError> {
    audit::audited(&cx.app, cx.caller()?, Action::AgentReasonRemoved, async |act| {
        act.on("agent_reason", id.0);
        Ok(store::agent::remove_reason(&mut act.tx, id).await?)
    })
    .await
}
