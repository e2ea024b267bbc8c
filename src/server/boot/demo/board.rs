//! The live board of the demo: queues by the business's numbers, reasons, and what the people at the desks say of themselves.

use serde_json::json;
use uuid::Uuid;

use super::{file::Business, people::Person, person};
use crate::{
    model::{
        agent::AgentState,
        audit::Action,
        id::{BusinessId, ReasonId},
        permission::Role,
        phone::Phone,
    },
    server::{
        boot::App,
        caller::Caller,
        http::AppError,
        services::audit,
        store::{
            self, TenantTx,
            agent::{Reason, Said},
            board::Queue,
        },
    },
};

/// What the business calls its numbers: the main line, then the direct ones.
const QUEUES: [&str; 3] = ["Main line", "New customers", "Existing customers"];

const REASONS: [(AgentState, &str); 4] = [
    (AgentState::Break, "Lunch"),
    (AgentState::Break, "Short break"),
    (AgentState::Busy, "Training"),
    (AgentState::Busy, "Paperwork"),
];

/// Furnishes the board, unless that was done.
///
/// # Errors
/// The database cannot be reached or refused.
pub async fn furnish(app: &App, owner: &Caller, business: &Business, people: &[Person]) -> Result<(), AppError> {
    let mut tx = TenantTx::open(app.db(), owner, app.clock().now()).await?;
    let is_done = !store::board::queues(&mut tx).await?.is_empty();
    tx.commit().await?;
    if is_done {
        return Ok(());
    }
    let reasons = reasons(app, owner).await?;
    let desks = people.iter().filter(|person| matches!(person.role, Role::Agent | Role::Dispatcher));
    for (place, desk) in desks.enumerate() {
        let (state, reason) = match place % 4 {
            0 | 1 => (AgentState::Available, None),
            2 => (AgentState::Break, reasons.first().copied()),
            _ => (AgentState::WrapUp, None),
        };
        say(app, &person(app, BusinessId(business.id), desk), desk, (state, reason)).await?;
    }
    // Last, because they say that it was done.
    queues(app, owner, business).await
}

async fn queues(app: &App, owner: &Caller, business: &Business) -> Result<(), AppError> {
    let main = business.connections.iter().filter_map(|connection| connection.number.as_deref());
    let direct = business.extensions.iter().filter_map(|extension| extension.number.as_deref());
    let mut made = Vec::new();
    for (name, number) in QUEUES.into_iter().zip(main.chain(direct)) {
        let number: Phone = number.parse().map_err(|_| AppError::BadRequest)?;
        made.push(Queue { id: app.draw(), name: name.to_owned(), number });
    }
    // In one act: a start that was cut off finds none of them, and begins again.
    audit::audited(app, owner, Action::QueueAdded, async |act| {
        for queue in &made {
            act.on("queue", queue.id.0);
            store::board::add_queue(&mut act.tx, queue).await?;
        }
        Ok(())
    })
    .await
}

async fn reasons(app: &App, owner: &Caller) -> Result<Vec<ReasonId>, AppError> {
    audit::audited(app, owner, Action::AgentReasonAdded, async |act| {
        let mut known = store::agent::reasons(&mut act.tx).await?;
        if known.is_empty() {
            for (state, label) in REASONS {
                let reason = Reason { id: app.draw(), state, label: label.to_owned() };
                act.on("agent_reason", reason.id.0);
                store::agent::add_reason(&mut act.tx, &reason).await?;
                known.push(reason);
            }
        }
        Ok(known.into_iter().filter(|reason| reason.state == AgentState::Break).map(|reason| reason.id).collect())
    })
    .await
}

async fn say(
    app: &App,
    caller: &Caller,
    desk: &Person,
    (state, reason): (AgentState, Option<ReasonId>),
) -> Result<(), AppError> {
    audit::audited(app, caller, Action::AgentStateChanged, async |act| {
        act.on("member", desk.member.0);
        act.after(json!({ "state": state.code(), "reason": reason }));
        let id: Uuid = app.draw();
        Ok(store::agent::say(&mut act.tx, Said { id, member: desk.member, state, reason }).await?)
    })
    .await
}
