//! The audit log's table, and the pieces that the page of one entry draws alike.

use jiff::{SignedDuration, Timestamp};
use leptos::{prelude::*, server_fn::ServerFn};
use uuid::Uuid;

use super::{List, May, Model, bar, panel, saved};
use crate::{
    model::{
        audit::Outcome,
        audit_export::grouped,
        audit_query::AuditFilter,
        id::{
            AuditId, BatchId, BusinessId, CallId, ConnectionId, ExportId, ExtensionId, FilterId, InvitationId, JobId,
            MemberId, NetworkId, OperatorGrantId, PopId, ProxyNumberId, ProxySessionId, QueueId, ReasonId, ReceiptId,
            ReviewId, RoleId, RunId, SessionId, ShiftId, StreamId, TraceId, TrackingLinkId, WallboardId, WorkOrderId,
        },
    },
    server::{
        pages::{audit_exports, cells, text},
        store::audit::{Entry, MOST, Place, Total},
    },
    ui::{
        actions::audit::VerifyAudit,
        parts::{Badge, DataTable, Empty, Icon, PageHead, Pager, Tone},
    },
};

/// The page.
pub fn view(m: &Model) -> AnyView {
    let lede = "Who did what, newest first. Reading it is an entry too.".to_owned();
    let acts = acts(m);
    let bar = bar::view(m);
    let saved = saved::view(m);
    let panel = m.panel.as_ref().map(|whole| panel::view(whole, &m.zone, m.may, &m.address));
    let list = m.list.as_ref().map(|list| found(m, list));
    view! {
        <PageHead title="Audit log".to_owned() lede=lede>
            {acts}
        </PageHead>
        {bar}
        {saved}
        <div class="audit-split">
            {panel}
            {list}
        </div>
    }
    .into_any()
}

/// What can be done with what is shown: taking it away, and verifying its days, whatever else it is filtered by.
fn acts(m: &Model) -> AnyView {
    let (from, until) = m.list.as_ref().map(|list| days(&list.filter, &m.home_zone)).unwrap_or_default();
    let export = m.list.as_ref().filter(|_| m.can_export).map(|list| {
        let label = match list.total {
            Total::Exactly(count) => format!("Export {}", grouped(count)),
            Total::More | Total::Unknown => "Export".to_owned(),
        };
        // With instants, so that the other page means the same.
        let href = audit_exports::href(&list.filter.to_string());
        view! { <a class="btn btn-quiet" href=href>{label}</a> }
    });
    view! {
        {export}
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

/// The business's days that a filter touches, as the form that verifies them takes them.
fn days(filter: &AuditFilter, zone: &str) -> (String, String) {
    let zone = text::zone(zone);
    let day = |at: Timestamp| at.to_zoned(zone.clone()).date().to_string();
    let from = filter.from.map(day).unwrap_or_default();
    // The end is outside, so its day may be too.
    let until =
        filter.to.and_then(|to| to.checked_sub(SignedDuration::from_micros(1)).ok()).map(day).unwrap_or_default();
    (from, until)
}

/// The list, with how much there is, in which zone its times are, and whether something new has come.
fn found(m: &Model, list: &List) -> AnyView {
    let (total, zone) = (total(list.total), format!("Times and days of {}", m.zone));
    let other = if m.address.is_utc { format!("Show {}", m.home_zone) } else { "Show UTC".to_owned() };
    let other = (m.home_zone != "UTC").then(|| {
        let href = m.address.in_other_zone().href();
        view! { <a class="link" href=href>{other}</a> }
    });
    let newest = m.address.at(Place::Newest).href();
    let news = list.news.clone().map(|mark| {
        let href = newest.clone();
        view! {
            <p role="status" data-news=mark>
                <a class="btn btn-quiet btn-small" href=href hidden=true>
                    <Icon name="refresh" />
                    <span></span>
                </a>
            </p>
        }
    });
    let href = |place: Place| m.address.at(place).href();
    let (newer, older) = (list.newer.map(href), list.older.map(href));
    let table = if list.is_slow {
        slow()
    } else if list.entries.is_empty() {
        empty(m)
    } else {
        table(m, list, newer, older)
    };
    view! {
        <section aria-label="Entries">
            <div class="toolbar audit-row">
                <p class="row">
                    <span>{total}</span>
                    <span class="subtle">{zone}</span>
                    {other}
                </p>
                <div class="row">
                    {news}
                    <a class="btn btn-ghost btn-small" href=newest>
                        <Icon name="refresh" />
                        "Refresh"
                    </a>
                </div>
            </div>
            {table}
        </section>
    }
    .into_any()
}

/// How many there are, as far as anybody counts.
fn total(total: Total) -> String {
    match total {
        Total::Exactly(1) => "1 entry".to_owned(),
        Total::Exactly(count) => format!("{} entries", grouped(count)),
        Total::More => format!("{}+ entries", grouped(MOST)),
        Total::Unknown => "Too many to count quickly".to_owned(),
    }
}

fn table(m: &Model, list: &List, newer: Option<String>, older: Option<String>) -> AnyView {
    let rows: Vec<AnyView> = list.entries.iter().map(|e| row(e, m)).collect();
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

fn row(e: &Entry, m: &Model) -> AnyView {
    let href = format!("{}#entry", m.address.showing(Some(e.id)).href());
    let current = (m.address.entry == Some(e.id)).then_some("true");
    let trace = TraceId(e.trace_id).to_string();
    let short = cells::tail(&trace);
    let ago = text::ago(e.at, m.now);
    view! {
        <tr aria-current=current>
            <td class="nowrap">
                <a class="link" href=href>{text::when(e.at, &m.zone)}</a>
                <span class="cell-note">{ago}</span>
            </td>
            <td>{actor(e)}</td>
            <td>
                <span class="cell-main">{e.action.label()}</span>
                <span class="cell-note">{e.action.code()}</span>
            </td>
            <td>{target(e, m.may)}</td>
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
        "operator" => ("key", "The operator of this installation".to_owned()),
        "tracking_link" => ("external", "A customer, by a tracking link".to_owned()),
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
        "call" if may.calls() => Some(format!("/calls/{id}")),
        "connection" if may.connections() => Some(format!("/connections/{id}")),
        "member" if may.team() => Some(format!("/team/{id}")),
        "audit_stream" if may.streams() => Some(format!("/audit/streams/{id}")),
        "audit_entry" => Some(format!("/audit/{id}")),
        "review" => Some(format!("/reviews/{id}")),
        "work_order" if may.work_orders() => Some(format!("/work-orders/{id}")),
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
        "agent_reason" => ReasonId(id).to_string(),
        "audit_entry" => AuditId(id).to_string(),
        "audit_filter" => FilterId(id).to_string(),
        "audit_stream" => StreamId(id).to_string(),
        "batch" => BatchId(id).to_string(),
        "business" => BusinessId(id).to_string(),
        "call" => CallId(id).to_string(),
        "connection" | "webhook" => ConnectionId(id).to_string(),
        "export" => ExportId(id).to_string(),
        "extension" => ExtensionId(id).to_string(),
        "invitation" => InvitationId(id).to_string(),
        "job" => JobId(id).to_string(),
        "member" => MemberId(id).to_string(),
        "network" => NetworkId(id).to_string(),
        "operator" | "operator_grant" => OperatorGrantId(id).to_string(),
        "pop" => PopId(id).to_string(),
        "proxy_number" => ProxyNumberId(id).to_string(),
        "proxy_session" => ProxySessionId(id).to_string(),
        "queue" => QueueId(id).to_string(),
        "receipt" => ReceiptId(id).to_string(),
        "retention_run" => RunId(id).to_string(),
        "review" => ReviewId(id).to_string(),
        "role" => RoleId(id).to_string(),
        "shift" => ShiftId(id).to_string(),
        "session" | "token_family" => SessionId(id).to_string(),
        "wallboard" => WallboardId(id).to_string(),
        "tracking_link" => TrackingLinkId(id).to_string(),
        "work_order" => WorkOrderId(id).to_string(),
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

/// Nobody waits longer, and nobody is told that there is nothing.
fn slow() -> AnyView {
    view! {
        <Empty
            icon="search"
            title="Narrow the filter".to_owned()
            text="Finding this takes too long. Choose a shorter span of time, or an actor, an act or a result besides.".to_owned()
        >
            <a class="btn btn-primary" href="/audit">"Show the last seven days"</a>
        </Empty>
    }
    .into_any()
}

fn empty(m: &Model) -> AnyView {
    if m.is_filtered || m.address.place != Place::Newest {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_too_long_is_not_said_to_be_nothing() {
        let html = crate::server::http::render::to_html(slow);
        assert!(html.contains("Narrow the filter") && !html.contains("No entry matches"), "{html}");
    }

    #[test]
    fn nobody_counts_further_than_ten_thousand() {
        assert_eq!(total(Total::Exactly(1)), "1 entry");
        assert_eq!(total(Total::Exactly(1_234)), "1,234 entries");
        assert_eq!(total(Total::More), "10,000+ entries");
        assert_eq!(total(Total::Unknown), "Too many to count quickly");
    }

    #[test]
    fn the_days_to_verify_are_those_that_are_shown() {
        let filter = |text: &str| text.parse::<AuditFilter>().expect("a filter");
        let both = filter("at:2026-01-01T00:00:00Z..2026-01-03T00:00:00Z");
        assert_eq!(days(&both, "UTC"), ("2026-01-01".to_owned(), "2026-01-02".to_owned()), "the end is outside");
        assert_eq!(days(&filter("at:all"), "UTC"), (String::new(), String::new()));
    }
}
