//! Retention (RET-1, RET-2): how long each kind of data is kept, what tonight's run deletes, and the form that changes
//! it after showing what it would delete.

use axum::response::Response;
use leptos::prelude::*;

use super::{
    cells::{self, dash},
    settings, text,
};
use crate::{
    model::{
        permission::{Need, Permission},
        profile::Profile,
        retention::{AUDIT_MIN_DAYS, DataKind},
    },
    server::{
        http::{AppError, Cx, render::Page},
        kit::At,
        services::{self, retention::Row},
        store::retention::Run,
    },
    ui::parts::{Badge, DataTable, Notice, PageHead, Tone},
};

mod edit;

pub use edit::edit;

/// Who may see how long data is kept.
pub const NEED: Need = Need::Holds(Permission::RetentionRead);

/// Who may change it.
pub const EDIT_NEED: Need = Need::Holds(Permission::Retention);

struct Model {
    rows: Vec<Row>,
    profile: Profile,
    zone: String,
    now: At,
    may_edit: bool,
}

async fn load(cx: &Cx) -> Result<Model, AppError> {
    let person = cx.signed_in()?;
    let rows = services::retention::overview(cx).await?;
    Ok(Model {
        rows,
        profile: person.profile,
        zone: person.zone.clone(),
        now: cx.visitor.now,
        may_edit: person.passes(EDIT_NEED),
    })
}

/// `GET /settings/retention`
///
/// # Errors
/// Refused without `retention.read`.
pub async fn page(cx: Cx) -> Result<Response, AppError> {
    let model = load(&cx).await?;
    let mut page = Page::new("Retention");
    if cx.signed_in()?.passes(settings::NEED) {
        page = page.under("Settings", "/settings");
    }
    Ok(page.show(&cx, || view(model)))
}

fn view(m: Model) -> impl IntoView {
    let lede = format!(
        "What a business of the kind «{}» keeps, and for how long. A run deletes every night, after 0:00 UTC, what is over.",
        m.profile.label()
    );
    let mut rows: Vec<AnyView> = m.rows.into_iter().map(|r| row(r, m.profile, &m.zone, m.now, m.may_edit)).collect();
    rows.push(audit_row());
    view! {
        <PageHead title="Retention".to_owned() lede=lede />
        <div class="stack">
            <DataTable
                caption="How long each kind of data is kept".to_owned()
                head=vec![
                    ("Data", ""),
                    ("Kept", "num"),
                    ("Allowed", "num"),
                    ("Oldest", ""),
                    ("Tonight's run deletes", "num"),
                    ("Last run", ""),
                    ("", "actions"),
                ]
            >
                {rows}
            </DataTable>
            {not_covered()}
        </div>
    }
}

fn row(r: Row, profile: Profile, zone: &str, now: At, may_edit: bool) -> AnyView {
    let limits = r.kind.limits(profile);
    let (tone, icon, word) =
        if r.is_default { (Tone::Neutral, "minus", "Default") } else { (Tone::Info, "check", "Chosen") };
    let oldest = cells::ago_or_dash(r.oldest, now, zone);
    let last = last_run(r.last_run, zone);
    let href = format!("/settings/retention/{}", r.kind.code());
    let label = r.kind.label();
    let change = may_edit.then(|| {
        view! {
            <a class="btn btn-quiet btn-small" href=href>
                "Change"
                <span class="sr-only">" how long this is kept: "{label}</span>
            </a>
        }
    });
    view! {
        <tr>
            <td class="wide">
                <span class="cell-main">{label}</span>
                <span class="cell-note">{r.kind.covers()}</span>
            </td>
            <td class="num">
                <span class="cell-main">{days(r.days)}</span>
                <Badge tone=tone icon=icon text=word.to_owned() />
            </td>
            <td class="num">
                <span class="cell-main">{format!("{} to {}", limits.min, days(limits.max))}</span>
                <span class="cell-note">{format!("default {}", days(limits.default))}</span>
            </td>
            <td class="nowrap">{oldest}</td>
            <td class="num">{r.due.to_string()}</td>
            <td>{last}</td>
            <td class="actions">{change}</td>
        </tr>
    }
    .into_any()
}

fn days(days: u16) -> String {
    if days == 1 { "1 day".to_owned() } else { format!("{days} days") }
}

fn last_run(run: Option<Run>, zone: &str) -> AnyView {
    let Some(run) = run else {
        return view! { <span class="subtle">"Not run yet"</span> }.into_any();
    };
    let note = match run.finished_at {
        Some(_) => format!("finished, {} deleted", run.deleted),
        None => format!("not finished, {} deleted so far", run.deleted),
    };
    let at = text::when(run.finished_at.unwrap_or(run.started_at), zone);
    view! { <span class="cell-main">{at}</span><span class="cell-note">{note}</span> }.into_any()
}

/// The audit log has no rule: it is the evidence.
fn audit_row() -> AnyView {
    view! {
        <tr>
            <td class="wide">
                <span class="cell-main">"Audit log"</span>
                <span class="cell-note">
                    "Who did what, when and from where. Holds ids, no customer's data. Cannot be changed."
                </span>
            </td>
            <td class="num">{format!("at least {}", days(AUDIT_MIN_DAYS))}</td>
            <td class="num">"fixed"</td>
            <td>{dash()}</td>
            <td class="num">"0"</td>
            <td>{dash()}</td>
            <td class="actions"></td>
        </tr>
    }
    .into_any()
}

fn not_covered() -> AnyView {
    let kinds = DataKind::ALL.map(DataKind::label).join(", ").to_lowercase();
    view! {
        <Notice tone=Tone::Neutral title="What this does not cover">
            {format!("These rules delete {kinds} here, in the live database. ")}
            "Backups lag: what a run deletes stays in older backups until your operator's backups expire. "
            "What your phone provider and your agency system keep is theirs to delete. "
            "Screen pops do not wait for the night: they are gone five minutes after the call rang."
        </Notice>
    }
    .into_any()
}
