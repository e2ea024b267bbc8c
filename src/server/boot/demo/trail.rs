//! What people did in the demo, in the audit log: real acts, done now, through the functions that the pages use. The
//! log's times cannot be set by anybody, so nothing here pretends to be older than it is.

use super::{machine, people::Person, person, sketch::PROMOTED};
use crate::{
    model::{
        audit::{Action, Outcome},
        audit_query::AuditFilter,
        id::BusinessId,
        permission::{Permission, Role},
        role::HeldRole,
    },
    server::{
        boot::App,
        caller::Caller,
        http::AppError,
        services::{audit, retention},
        store::{self, audit::Place, call_log::Filter},
    },
};

/// The owner makes a dispatcher of an agent, unless that was done.
///
/// # Errors
/// The database cannot be reached or refused.
pub async fn promote(app: &App, owner: &Caller, people: &[Person]) -> Result<(), AppError> {
    let is_candidate =
        |person: &&Person| person.email.split('@').next() == Some(PROMOTED) && person.role == Role::Agent;
    let Some(candidate) = people.iter().find(is_candidate) else { return Ok(()) };
    audit::audited(app, owner, Action::MemberRoleChanged, async |act| {
        act.on("member", candidate.member.0);
        act.before(serde_json::json!({ "role": Role::Agent.code() }));
        act.after(serde_json::json!({ "role": Role::Dispatcher.code() }));
        let (from, to) = (HeldRole::built_in(Role::Agent), HeldRole::built_in(Role::Dispatcher));
        Ok(store::member::set_role(&mut act.tx, candidate.member, &from, &to).await?)
    })
    .await
}

/// A few dozen entries: people come, look at calls, are refused, go; and a retention run.
///
/// # Errors
/// The database cannot be reached or refused.
pub async fn leave(app: &App, business: BusinessId, people: &[Person]) -> Result<(), AppError> {
    for who in people {
        sign(app, &person(app, business, who), Action::SessionStarted).await?;
    }
    for who in people {
        let caller = person(app, business, who);
        match who.role {
            Role::Owner | Role::Manager => look_at_calls(app, &caller, 2).await?,
            Role::Admin => {
                look_at_calls(app, &caller, 1).await?;
                reveal_a_number(app, &caller).await?;
            }
            Role::Dispatcher => look_at_calls(app, &caller, 3).await?,
            Role::Agent => look_at_calls(app, &caller, 1).await?,
            Role::Viewer => audit::refused_at_door(app, &caller, "/calls").await?,
            Role::Auditor => {
                audit::list(app, &caller, &AuditFilter::default(), Place::Newest, 50).await?;
            }
            Role::Technician => {}
        }
    }
    for who in people.iter().filter(|who| matches!(who.role, Role::Technician | Role::Viewer | Role::Manager)) {
        sign(app, &person(app, business, who), Action::SessionEnded).await?;
    }
    retention::run(app, &machine(app, business)).await?;
    Ok(())
}

async fn sign(app: &App, caller: &Caller, action: Action) -> Result<(), AppError> {
    audit::note(app, caller, action, None, Outcome::Done, None).await
}

/// A page of the log, then some of its calls.
async fn look_at_calls(app: &App, caller: &Caller, count: usize) -> Result<(), AppError> {
    let lines = audit::audited(app, caller, Action::CallsListed, async |act| {
        Ok(store::call_log::list(&mut act.tx, &Filter::default(), 50).await?)
    })
    .await?;
    for line in lines.iter().take(count) {
        audit::audited(app, caller, Action::CallViewed, async |act| {
            act.on("call", line.id.0);
            store::call_log::get(&mut act.tx, line.id).await?;
            store::call_log::timeline(&mut act.tx, line.id).await?;
            Ok(())
        })
        .await?;
    }
    Ok(())
}

async fn reveal_a_number(app: &App, caller: &Caller) -> Result<(), AppError> {
    audit::audited(app, caller, Action::CallNumbersRevealed, async |act| {
        act.tx.may_all(Permission::CallNumbers)?;
        let lines = store::call_log::list(&mut act.tx, &Filter::default(), 1).await?;
        if let Some(line) = lines.first() {
            act.on("call", line.id.0);
        }
        Ok(())
    })
    .await
}
