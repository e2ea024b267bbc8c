//! The operator's access to a business (TEN-6): opened by a command with a reason and a ticket, told to the business's owners,
//! and written into its own audit log; ended by either, or by time, and then cut at once. That nothing is seen without is the
//! database's work (`migrations/0029_operator_grants.sql`).

use serde_json::json;
use uuid::Uuid;

use super::audit;
use crate::{
    model::{
        audit::{Action, Outcome},
        field::Fields,
        id::{BusinessId, JobId, OperatorGrantId, TraceId},
        operator,
    },
    server::{
        boot::App,
        caller::{Actor, Caller, Origin},
        http::{AppError, Cx, error::chain},
        kit::At,
        mail::{self, Mail},
        store::{
            self, StoreError, TenantTx,
            audit::{NewEntry, Target},
            lobby::OpenGrant,
            operator::look::{OperatorPool, Overview},
        },
    },
};

/// What the operator says when they ask for access.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    pub reason: &'a str,
    pub ticket: &'a str,
    pub hours: i32,
}

/// Access that was opened.
#[derive(Debug, Clone, Copy)]
pub struct Granted {
    pub id: OperatorGrantId,
    pub trace: TraceId,
    pub until: At,
    /// How many owners get a mail.
    pub told: usize,
}

fn acting(business: BusinessId, grant: OperatorGrantId, trace: TraceId) -> Caller {
    let origin = Origin { door: "operator", network: None };
    Caller { actor: Actor::Operator(grant), business, origin, trace }
}

/// Opens the operator's access to a business. Grant, entry and mails are one transaction.
///
/// # Errors
/// Invalid reason, ticket or hours; conflict while a grant is open.
pub async fn grant(app: &App, business: BusinessId, ask: Ask<'_>) -> Result<Granted, AppError> {
    let mut fields = Fields::default();
    let reason = fields.take("reason", operator::reason(ask.reason));
    let ticket = fields.take("ticket", operator::ticket(ask.ticket));
    let hours = fields.take("hours", operator::hours(ask.hours));
    let (Some(reason), Some(ticket), Some(hours)) = (reason, ticket, hours) else { return Err(fields.into()) };
    // One that ran out a moment ago does not stand in the way.
    expire(app, business).await?;
    let (id, trace): (OperatorGrantId, TraceId) = (app.draw(), app.draw());
    let tx = TenantTx::open(app.worker_db(), &acting(business, id, trace), app.clock().now()).await?;
    audit::audited_in(app, tx, Action::OperatorGranted, async |act| {
        act.on("operator_grant", id.0);
        act.because(reason.clone());
        let until = store::operator::open(&mut act.tx, &reason, &ticket, hours).await?.ok_or(AppError::Conflict)?;
        act.after(json!({ "ticket": ticket, "hours": hours, "until": until.0.to_string() }));
        let owners = store::member::owners(&mut act.tx).await?;
        for (email, name) in &owners {
            let mail = Mail::operator_granted(app, email, name, &reason, &ticket, until);
            mail::enqueue_in(app, &mut act.tx, &mail).await?;
        }
        Ok(Granted { id, trace, until, told: owners.len() })
    })
    .await
}

/// Gives the open grant of a business back. Nothing when none is open.
///
/// # Errors
/// The database cannot be reached.
pub async fn give_back(app: &App, business: BusinessId) -> Result<Option<OperatorGrantId>, AppError> {
    let Some(open) = list(app, business).await?.into_iter().find(|grant| grant.is_open) else { return Ok(None) };
    let tx = TenantTx::open(app.worker_db(), &acting(business, open.id, open.trace), app.clock().now()).await?;
    close(app, tx, open.id).await?;
    Ok(Some(open.id))
}

/// Ends a grant, by a person of the business.
///
/// # Errors
/// Refused without `operators`; missing when it is not this business's; conflict when it has ended already.
pub async fn end(cx: &Cx, id: OperatorGrantId) -> Result<(), AppError> {
    let tx = cx.tx().await?;
    close(&cx.app, tx, id).await
}

async fn close(app: &App, tx: TenantTx, id: OperatorGrantId) -> Result<(), AppError> {
    audit::audited_in(app, tx, Action::OperatorEnded, async |act| {
        act.on("operator_grant", id.0);
        let ending = store::operator::end(&mut act.tx, id).await?;
        act.after(json!({ "ending": ending.code() }));
        Ok(())
    })
    .await?;
    // It is ended whatever happens here, and the worker cuts too, within a second.
    if let Err(error) = store::lobby::operator_cut(app.db()).await {
        tracing::warn!(error.chain = %chain(&error), "the operator's transactions are not cut yet");
    }
    Ok(())
}

/// The grants of a business, for the operator, newest first.
///
/// # Errors
/// The database cannot be reached.
pub async fn list(app: &App, business: BusinessId) -> Result<Vec<store::operator::Grant>, AppError> {
    let nobody = acting(business, OperatorGrantId(Uuid::nil()), app.draw());
    let mut tx = TenantTx::open(app.worker_db(), &nobody, app.clock().now()).await?;
    let grants = store::operator::list(&mut tx).await?;
    tx.commit().await?;
    Ok(grants)
}

/// Says in the business's log that the operator looks, as the operator's own role. For half a minute the database then shows
/// what there is to see.
///
/// # Errors
/// Refused while no grant is open.
pub async fn look(db: &OperatorPool, business: BusinessId, what: &str) -> Result<OpenGrant, AppError> {
    store::lobby::operator_look(db, business, what).await?.ok_or(AppError::Refused)
}

/// What support sees, as the operator's own role.
///
/// # Errors
/// Missing when no grant is open any more, or the last [`look`] was more than half a minute ago.
pub async fn overview(db: &OperatorPool, business: BusinessId, open: OpenGrant, now: At) -> Result<Overview, AppError> {
    let mut tx = TenantTx::open(db, &acting(business, open.grant, open.trace), now).await?;
    let overview = store::operator::look::overview(&mut tx).await?;
    tx.commit().await?;
    Ok(overview)
}

/// What the clock does every second: marks what has run out, and cuts what goes on reading.
///
/// # Errors
/// The database cannot be reached.
pub async fn round(app: &App) -> Result<(), StoreError> {
    for business in store::lobby::operator_grants_over(app.worker_db()).await? {
        expire(app, business).await?;
    }
    store::lobby::operator_cut(app.worker_db()).await?;
    Ok(())
}

async fn expire(app: &App, business: BusinessId) -> Result<(), StoreError> {
    let clock = Caller {
        actor: Actor::Job(JobId(Uuid::nil())),
        business,
        origin: Origin { door: "clock", network: None },
        trace: app.draw(),
    };
    let mut tx = TenantTx::open(app.worker_db(), &clock, app.clock().now()).await?;
    if let Some(id) = store::operator::expire(&mut tx).await? {
        let entry = NewEntry {
            id: app.draw(),
            action: Action::OperatorExpired,
            target: Some(Target { kind: "operator_grant", id: Some(id.0) }),
            outcome: Outcome::Done,
            reason: None,
            before: None,
            after: None,
        };
        store::audit::append(&mut tx, entry).await?;
    }
    tx.commit().await
}
