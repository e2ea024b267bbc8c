//! The cards about evidence: the audit log, the roles, and how long data is kept.

use leptos::prelude::*;

use super::model::Model;
use crate::{
    model::permission::Permission,
    server::{pages::text, services::retention::Row, store::audit::Entry},
    ui::parts::Card,
};

/// How long each kind of data lives, and what the next run deletes.
pub fn retention(m: &Model) -> Option<AnyView> {
    if !m.may(Permission::RetentionRead) {
        return None;
    }
    let rows = m.retention.iter().map(retention_row).collect_view();
    let card = view! {
        <Card title="How long data is kept">
            <div class="stack-tight">
                <ul class="stack-tight">{rows}</ul>
                <p>
                    <a href="/settings/retention">"Retention"</a>
                </p>
            </div>
        </Card>
    };
    Some(card.into_any())
}

fn retention_row(row: &Row) -> AnyView {
    let due = match row.due {
        0 => "nothing is due".to_owned(),
        due => format!("{due} due at the next run"),
    };
    view! {
        <li class="toolbar">
            <span>
                <span class="cell-main">{row.kind.label()}</span>
                <span class="cell-note">{due}</span>
            </span>
            <span>{format!("{} days", row.days)}</span>
        </li>
    }
    .into_any()
}

/// The way to the audit log, with its newest entries for people whose work it is.
pub fn audit(m: &Model) -> Option<AnyView> {
    if !m.may(Permission::AuditRead) {
        return None;
    }
    let says = if m.entries.is_empty() {
        "Who did what, when, and how it ended: nothing in it can be changed."
    } else {
        "The newest entries."
    };
    let rows = m.entries.iter().map(|entry| entry_row(entry, &m.zone)).collect_view();
    let roles = m.may(Permission::RolesRead).then(|| {
        view! { <a class="link" href="/roles">"What each role may do"</a> }
    });
    let card = view! {
        <Card title="Evidence">
            <div class="stack-tight">
                <p class="subtle">{says}</p>
                <ul class="stack-tight">{rows}</ul>
                <p class="row">
                    <a class="link" href="/audit">"Audit log"</a>
                    {roles}
                </p>
            </div>
        </Card>
    };
    Some(card.into_any())
}

fn entry_row(entry: &Entry, zone: &str) -> AnyView {
    let who = entry.actor_name.clone().unwrap_or_else(|| entry.actor_kind.clone());
    view! {
        <li class="toolbar">
            <span>
                <a class="link" href=format!("/audit/{}", entry.id)>{entry.action.label()}</a>
                <span class="cell-note">{who}" · "{text::when(entry.at, zone)}</span>
            </span>
            <span class="subtle">{entry.outcome.label()}</span>
        </li>
    }
    .into_any()
}
