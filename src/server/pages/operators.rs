//! The operator's access to this business (TEN-6): what is open now and a button that ends it, and all that was before.

use axum::response::Response;
use leptos::{prelude::*, server_fn::ServerFn};

use super::{cells, text};
use crate::{
    model::{
        operator::MOST_HOURS,
        permission::{Need, Permission},
    },
    server::{
        http::{AppError, Cx, flash::FormState, render::Page},
        kit::At,
        store::{self, operator::Grant},
    },
    ui::{
        actions::operator::EndOperator,
        parts::{Badge, Card, DataTable, Empty, ErrorSummary, Facts, Notice, PageHead, Tone},
    },
};

/// Who may see it: who ends it, and who keeps the evidence.
pub const NEED: Need = Need::HoldsAny(&[Permission::Operators, Permission::AuditRead]);

/// Who may end it.
pub const END_NEED: Need = Need::Holds(Permission::Operators);

struct Model {
    zone: String,
    now: At,
    grants: Vec<Grant>,
    may_end: bool,
    /// Whether who looks may open the audit log.
    may_audit: bool,
    form: FormState,
}

async fn load(cx: &Cx) -> Result<Model, AppError> {
    let person = cx.signed_in()?;
    let mut tx = cx.tx().await?;
    let grants = store::operator::list(&mut tx).await?;
    tx.commit().await?;
    Ok(Model {
        zone: person.zone.clone(),
        now: cx.visitor.now,
        grants,
        may_end: person.passes(END_NEED),
        may_audit: person.passes(super::audit::NEED),
        form: cx.form::<EndOperator>(),
    })
}

/// `GET /security/operators`
///
/// # Errors
/// Refused without `operators` or `audit.read`.
pub async fn page(cx: Cx) -> Result<Response, AppError> {
    let model = load(&cx).await?;
    Ok(Page::new("Operator access").show(&cx, || view(model)))
}

fn view(m: Model) -> AnyView {
    let problems = m.form.problems();
    let (open, past): (Vec<Grant>, Vec<Grant>) = m.grants.into_iter().partition(|grant| grant.is_open);
    let now = match open.into_iter().next() {
        Some(grant) => open_now(&grant, m.may_end, m.may_audit, m.now, &m.zone),
        None => nobody(m.may_audit),
    };
    let past = (!past.is_empty()).then(|| table(past, m.may_audit, &m.zone));
    let lede = format!(
        "Who runs this installation looks into your business only with a reason, for at most {MOST_HOURS} hours. You are told \
         by mail, each look stands in your audit log, and you can end it."
    );
    view! {
        <PageHead title="Operator access".to_owned() lede=lede />
        <div class="stack">
            <ErrorSummary problems=problems />
            {now}
            {past}
            {what_they_see()}
        </div>
    }
    .into_any()
}

fn open_now(g: &Grant, may_end: bool, may_audit: bool, now: At, zone: &str) -> AnyView {
    let left = text::duration(g.expires_at.since(now));
    let until =
        view! { <span class="row">{text::when(g.expires_at, zone)}<span>{format!("{left} left")}</span></span> };
    let facts = vec![
        cells::fact("Reason", g.reason.clone()),
        cells::fact("Ticket", cells::mono(g.ticket.clone())),
        cells::fact("Since", text::when(g.granted_at, zone)),
        cells::fact("Until", until),
        cells::fact("Looks", looks(g, may_audit)),
        cells::fact("Trace", cells::mono(g.trace.to_string())),
    ];
    let end = may_end.then(|| {
        view! {
            <form class="form-actions" method="post" action=EndOperator::PATH>
                <input type="hidden" name="id" value=g.id.to_string() />
                <button class="btn btn-danger" type="submit">"End now"</button>
            </form>
        }
    });
    view! {
        <Card title="Open now">
            <div class="stack">
                <div class="row">
                    <Badge tone=Tone::Warn icon="warn" text="The operator has access".to_owned() />
                </div>
                <Facts items=facts />
                {end}
            </div>
        </Card>
    }
    .into_any()
}

fn nobody(may_audit: bool) -> AnyView {
    let next = may_audit.then(|| view! { <a class="btn btn-quiet" href="/audit">"Look at the audit log"</a> });
    view! {
        <Empty
            icon="shield"
            title="The operator has no access".to_owned()
            text="The database shows them nothing of your business.".to_owned()
        >
            {next}
        </Empty>
    }
    .into_any()
}

fn table(past: Vec<Grant>, may_audit: bool, zone: &str) -> AnyView {
    let rows: Vec<AnyView> = past.into_iter().map(|grant| row(&grant, may_audit, zone)).collect();
    view! {
        <section class="stack">
            <h2 class="section-title">"Before"</h2>
            <DataTable
                caption="Access that has ended, newest first".to_owned()
                head=vec![("Opened", ""), ("Ended", ""), ("How", ""), ("Reason", ""), ("Ticket", ""), ("Looks", "num")]
            >
                {rows}
            </DataTable>
        </section>
    }
    .into_any()
}

fn row(g: &Grant, may_audit: bool, zone: &str) -> AnyView {
    // One whose time is over is marked within a second; until then it has ended all the same.
    let ended = g.end.as_ref().map_or(g.expires_at, |end| end.at);
    let how = match &g.end {
        Some(end) => {
            let by = end.by.as_ref().map(|name| view! { <span class="cell-note">{name.clone()}</span> });
            view! { <span class="cell-main">{end.ending.label()}</span>{by} }.into_any()
        }
        None => "Ran out".into_any(),
    };
    view! {
        <tr>
            <td class="nowrap">{text::when(g.granted_at, zone)}</td>
            <td class="nowrap">{text::when(ended, zone)}</td>
            <td>{how}</td>
            <td class="wide">{g.reason.clone()}</td>
            <td>{cells::mono(g.ticket.clone())}</td>
            <td class="num">{looks(g, may_audit)}</td>
        </tr>
    }
    .into_any()
}

/// How often they looked, and where each look stands.
fn looks(g: &Grant, may_audit: bool) -> AnyView {
    if !may_audit || g.looks == 0 {
        return g.looks.to_string().into_any();
    }
    // Opening, looks and running out all carry the grant's own trace.
    let href = format!("/audit?q=trace%3A{}", g.trace);
    view! {
        <a class="link" href=href>
            {g.looks}
            <span class="sr-only">{format!(" looks under the ticket {}", g.ticket)}</span>
        </a>
    }
    .into_any()
}

fn what_they_see() -> AnyView {
    view! {
        <Notice tone=Tone::Neutral title="What they see">
            <p>
                "The states of your connections, events, jobs and deletion, with times and closed words, and how many people have "
                "which role. Not the numbers of callers, not names, not addresses, not recordings, nothing that is sealed. The "
                "database holds them to that: without an open access and an entry in your log it shows them no row."
            </p>
        </Notice>
    }
    .into_any()
}
