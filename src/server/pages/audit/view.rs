//! The audit log's table, and the pieces that the page of one entry draws alike.

use leptos::{prelude::*, server_fn::ServerFn};
use uuid::Uuid;

use super::{May, Model, Query};
use crate::{
    model::{
        audit::{Action, Outcome},
        id::{
            AuditId, BatchId, BusinessId, CallId, ConnectionId, ExtensionId, InvitationId, JobId, MemberId, NetworkId,
            PopId, ReceiptId, ReviewId, RunId, SessionId, TraceId,
        },
    },
    server::{
        pages::{cells, text},
        store::audit::Entry,
    },
    ui::{
        actions::audit::VerifyAudit,
        parts::{Badge, DataTable, Empty, FilterBar, Icon, PageHead, Pager, SelectField, TextField, Tone},
    },
};

/// The page.
pub fn view(m: Model) -> impl IntoView {
    let lede = format!("Who did what, newest first. Reading it is an entry too. Days are those of {}.", m.zone);
    let newer = (!m.query.before.is_empty()).then(|| m.query.href(""));
    let verify = verify(&m.query);
    let filters = filters(m.query, m.members);
    let table =
        if m.entries.is_empty() { empty(m.is_filtered) } else { table(m.entries, &m.zone, m.may, newer, m.older) };
    view! {
        <PageHead title="Audit log".to_owned() lede=lede>
            {verify}
        </PageHead>
        {filters}
        {table}
    }
}

/// Verifies the days that are shown, whatever else they are filtered by.
fn verify(q: &Query) -> AnyView {
    let (from, until) = (q.from.clone(), q.until.clone());
    view! {
        <form method="post" action=VerifyAudit::PATH>
            <input type="hidden" name="from" value=from />
            <input type="hidden" name="until" value=until />
            <button class="btn btn-quiet" type="submit">
                <Icon name="shield" />
                "Verify"
            </button>
        </form>
        <a class="btn btn-ghost" href="/audit/seals">
            "Seals"
        </a>
    }
    .into_any()
}

fn filters(q: Query, members: Vec<(String, String)>) -> AnyView {
    let mut people = vec![(String::new(), "Anybody".to_owned())];
    people.extend(members);
    if !people.iter().any(|(id, _)| *id == q.actor) {
        people.push((q.actor.clone(), cells::tail(&q.actor)));
    }
    let mut actions = vec![(String::new(), "Any act".to_owned())];
    actions.extend(Action::ALL.iter().map(|a| (a.code().to_owned(), a.label().to_owned())));
    let mut results = vec![(String::new(), "Any result".to_owned())];
    results.extend(Outcome::ALL.into_iter().map(|o| (o.code().to_owned(), o.label().to_owned())));
    view! {
        <FilterBar clear="/audit">
            <SelectField name="actor" label="Actor" options=people value=q.actor />
            <SelectField name="action" label="Act" options=actions value=q.action />
            <TextField name="target" label="Target id" value=q.target required=false maxlength=60 />
            <SelectField name="result" label="Result" options=results value=q.result />
            <TextField name="from" label="From" kind="date" value=q.from required=false />
            <TextField name="until" label="Until" kind="date" value=q.until required=false />
        </FilterBar>
    }
    .into_any()
}

fn table(entries: Vec<Entry>, zone: &str, may: May, newer: Option<String>, older: Option<String>) -> AnyView {
    let rows: Vec<AnyView> = entries.into_iter().map(|e| row(&e, zone, may)).collect();
    view! {
        <DataTable
            caption="Audit entries, newest first".to_owned()
            head=vec![
                ("Time", ""),
                ("Actor", ""),
                ("Act", ""),
                ("Target", ""),
                ("Result", ""),
                ("Origin", ""),
                ("Trace", ""),
            ]
        >
            {rows}
        </DataTable>
        <Pager newer=newer older=older />
    }
    .into_any()
}

fn row(e: &Entry, zone: &str, may: May) -> AnyView {
    let href = format!("/audit/{}", e.id);
    let trace = TraceId(e.trace_id).to_string();
    let short = cells::tail(&trace);
    view! {
        <tr>
            <td class="nowrap"><a class="link" href=href>{text::when(e.at, zone)}</a></td>
            <td>{actor(e)}</td>
            <td>
                <span class="cell-main">{e.action.label()}</span>
                <span class="cell-note">{e.action.code()}</span>
            </td>
            <td>{target(e, may)}</td>
            <td>{outcome(e.outcome)}</td>
            <td class="nowrap">{e.origin.clone()}</td>
            <td><span class="mono" title=trace>{short}</span></td>
        </tr>
    }
    .into_any()
}

/// Who acted: the kind as an icon, then the name, or what kind of machine it was.
#[must_use]
pub fn actor(e: &Entry) -> AnyView {
    let (icon, name) = match e.actor_kind.as_str() {
        "member" => ("user", e.actor_name.clone().unwrap_or_else(|| "Somebody of this business".to_owned())),
        "webhook" => ("plug", "Provider's webhook".to_owned()),
        "job" => ("clock", "Ringfort, on its own".to_owned()),
        other => ("info", other.to_owned()),
    };
    let id = e.actor_id.map(|id| id_text(&e.actor_kind, id));
    view! { <span class="row" title=id><Icon name=icon /><span>{name}</span></span> }.into_any()
}

/// What was acted on, as a link where the reader may open it.
#[must_use]
pub fn target(e: &Entry, may: May) -> AnyView {
    let Some(kind) = e.target_kind.as_deref() else { return cells::dash() };
    let word = kind.replace('_', " ");
    let Some(id) = e.target_id.map(|id| id_text(kind, id)) else { return word.into_any() };
    let href = match kind {
        "call" if may.calls => Some(format!("/calls/{id}")),
        "connection" if may.connections => Some(format!("/connections/{id}")),
        "member" if may.team => Some(format!("/team/{id}")),
        "audit_entry" => Some(format!("/audit/{id}")),
        "review" => Some(format!("/reviews/{id}")),
        _ => None,
    };
    let shown = format!("{word} {}", cells::tail(&id));
    match href {
        Some(href) => view! { <a class="link" href=href title=id>{shown}</a> }.into_any(),
        None => view! { <span title=id>{shown}</span> }.into_any(),
    }
}

/// An id as everything else shows it, by the noun that an entry names.
#[must_use]
pub fn id_text(kind: &str, id: Uuid) -> String {
    match kind {
        "audit_entry" => AuditId(id).to_string(),
        "batch" => BatchId(id).to_string(),
        "business" => BusinessId(id).to_string(),
        "call" => CallId(id).to_string(),
        "connection" | "webhook" => ConnectionId(id).to_string(),
        "extension" => ExtensionId(id).to_string(),
        "invitation" => InvitationId(id).to_string(),
        "job" => JobId(id).to_string(),
        "member" => MemberId(id).to_string(),
        "network" => NetworkId(id).to_string(),
        "pop" => PopId(id).to_string(),
        "receipt" => ReceiptId(id).to_string(),
        "retention_run" => RunId(id).to_string(),
        "review" => ReviewId(id).to_string(),
        "session" | "token_family" => SessionId(id).to_string(),
        _ => id.to_string(),
    }
}

/// How it ended, as word, shape and colour.
#[must_use]
pub fn outcome(outcome: Outcome) -> AnyView {
    let (tone, icon) = match outcome {
        Outcome::Done => (Tone::Good, "check"),
        Outcome::Refused => (Tone::Warn, "minus"),
        Outcome::Failed => (Tone::Bad, "cross"),
    };
    view! { <Badge tone=tone icon=icon text=outcome.label().to_owned() /> }.into_any()
}

fn empty(is_filtered: bool) -> AnyView {
    if is_filtered {
        return view! {
            <Empty
                icon="search"
                title="No entry matches".to_owned()
                text="Take a filter away, or look at another span of time.".to_owned()
            >
                <a class="btn btn-primary" href="/audit">"Show the last seven days"</a>
            </Empty>
        }
        .into_any();
    }
    view! {
        <Empty
            icon="audit"
            title="Nothing happened in the last seven days".to_owned()
            text="This look is the first entry: load the page again to see it.".to_owned()
        >
            <a class="btn btn-primary" href="/audit">"Load again"</a>
        </Empty>
    }
    .into_any()
}
