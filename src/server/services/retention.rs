//! Retention (RET-1, RET-2): what the owner sets, and the run that deletes.

use serde_json::json;

use super::audit;
use crate::{
    model::{
        audit::{Action, Outcome},
        field::{Bad, Fields, text},
        id::RunId,
        retention::DataKind,
    },
    server::{
        boot::App,
        caller::Caller,
        http::{AppError, Cx},
        kit::At,
        store::{
            self, TenantTx,
            audit::{NewEntry, Target},
        },
    },
};

/// Rows deleted in one transaction, so that others wait for at most one batch.
const BATCH: i64 = 1_000;
const DAY: i64 = 24 * 3600;

/// What the settings page shows of a kind.
#[derive(Debug, Clone)]
pub struct Row {
    pub kind: DataKind,
    pub days: u16,
    pub is_default: bool,
    pub oldest: Option<At>,
    /// What tonight's run will delete.
    pub due: i64,
    pub last_run: Option<store::retention::Run>,
}

/// The settings page.
///
/// # Errors
/// Refused without `retention.read`.
pub async fn overview(cx: &Cx) -> Result<Vec<Row>, AppError> {
    let profile = cx.signed_in()?.profile;
    let mut tx = cx.tx().await?;
    let rules = store::retention::rules(&mut tx).await?;
    let mut runs = store::retention::last_runs(&mut tx).await?;
    let mut rows = Vec::with_capacity(DataKind::ALL.len());
    for kind in DataKind::ALL {
        let days = rules.get(&kind).copied().unwrap_or(kind.limits(profile).default);
        let (due, oldest) = store::retention::older_than(&mut tx, kind, cutoff(cx.visitor.now, days)).await?;
        let last_run = runs.remove(&kind);
        rows.push(Row { kind, days, is_default: !rules.contains_key(&kind), oldest, due, last_run });
    }
    tx.commit().await?;
    Ok(rows)
}

/// What the next run would delete if a kind lived `days` days.
///
/// # Errors
/// Invalid days; refused without `retention.read`.
pub async fn preview(cx: &Cx, kind: DataKind, days: &str) -> Result<(u16, i64), AppError> {
    let days = kind.limits(cx.signed_in()?.profile).parse(days).map_err(|bad| AppError::field("days", bad))?;
    let mut tx = cx.tx().await?;
    let (due, _) = store::retention::older_than(&mut tx, kind, cutoff(cx.visitor.now, days)).await?;
    tx.commit().await?;
    Ok((days, due))
}

/// Changes how long a kind lives. Shortening is irreversible by tonight, so it wants a reason and a typed word.
///
/// # Errors
/// Invalid fields; refused without `retention`.
pub async fn change(cx: &Cx, kind: &str, days: &str, reason: &str, confirm: &str) -> Result<(), AppError> {
    let person = cx.signed_in()?;
    let kind: DataKind = kind.parse().map_err(|bad| AppError::field("kind", bad))?;
    let limits = kind.limits(person.profile);
    audit::audited(&cx.app, &person.caller, Action::RetentionChanged, async |act| {
        act.tx.may_all(crate::model::permission::Permission::Retention)?;
        let before = store::retention::rules(&mut act.tx).await?.get(&kind).copied().unwrap_or(limits.default);
        let mut fields = Fields::default();
        let days = fields.take("days", limits.parse(days));
        let reason = fields.take("reason", text(reason, 200).map_err(|_| Bad::Reason));
        if days.is_some_and(|d| d < before) && confirm.trim() != kind.code() {
            fields.note("confirm", Bad::Confirm(kind.code().to_owned()));
        }
        let (Some(days), Some(reason)) = (days, reason) else { return Err(fields.into()) };
        fields.finish()?;
        act.before(json!({ "kind": kind.code(), "days": before }));
        act.after(json!({ "kind": kind.code(), "days": days }));
        act.because(reason);
        Ok(store::retention::set_rule(&mut act.tx, kind, days).await?)
    })
    .await
}

/// Deletes everything of one business whose time is over: the job's body. Interrupted anywhere, the next run goes on
/// with the same cutoff and the same count.
///
/// # Errors
/// The database cannot be reached; the run stays open.
pub async fn run(app: &App, caller: &Caller) -> Result<u64, AppError> {
    let mut total = 0;
    for kind in DataKind::ALL {
        total += run_kind(app, caller, kind).await?;
    }
    Ok(total)
}

async fn run_kind(app: &App, caller: &Caller, kind: DataKind) -> Result<u64, AppError> {
    let now = app.clock().now();
    let mut tx = TenantTx::open(app.worker_db(), caller, now).await?;
    let limits = kind.limits(store::business::profile(&mut tx).await?);
    let rules = store::retention::rules(&mut tx).await?;
    let days = rules.get(&kind).copied().unwrap_or(limits.default).min(limits.max);
    let run = store::retention::begin_run(&mut tx, app.draw::<RunId>(), kind, cutoff(now, days)).await?;
    tx.commit().await?;
    loop {
        let mut tx = TenantTx::open(app.worker_db(), caller, app.clock().now()).await?;
        let deleted = store::retention::delete_batch(&mut tx, kind, run.cutoff, BATCH).await?;
        store::retention::note_batch(&mut tx, run.id, deleted).await?;
        // No other node begins the same run while this one goes on.
        store::job::hold(&mut tx).await?;
        if deleted > 0 {
            tx.commit().await?;
            continue;
        }
        let Some(total) = store::retention::finish_run(&mut tx, run.id).await? else { return Ok(0) };
        let entry = NewEntry {
            id: app.draw(),
            action: Action::RetentionRan,
            target: Some(Target { kind: "retention_run", id: Some(run.id.0) }),
            outcome: Outcome::Done,
            reason: None,
            before: None,
            after: Some(json!({ "kind": kind.code(), "deleted": total, "older_than": run.cutoff.0.to_string() })),
        };
        store::audit::append(&mut tx, entry).await?;
        tx.commit().await?;
        return Ok(u64::try_from(total).unwrap_or(0));
    }
}

fn cutoff(now: At, days: u16) -> At {
    now.plus(-i64::from(days) * DAY)
}
