//! The technician's page for the phone (GPS-1): their shift, today's jobs, calls to customers, what their phone sends, and who
//! looked at where they are. Everything but sending works without scripts. The page that stands in for it without a network
//! (`public/static/field-sw.js` keeps it) is asked for as nobody, and holds nobody's data.
//!
//! To add a part: its reading in [`load`], under the permission that it needs, and its card here or in a file beside this one.

mod jobs;
mod sending;

use axum::response::Response;
use leptos::{prelude::*, server_fn::ServerFn};

use self::sending::Sender;
use super::{text, work_orders::day_of};
use crate::{
    model::{
        permission::{Need, Permission},
        position::{Look, SHIFT_SECONDS},
    },
    server::{
        http::{AppError, Cx, field::PAGE, render::Page},
        kit::At,
        services::{self, field::Job},
        store::{self, position::Looked},
    },
    ui::{
        actions::{
            masked_call::MaskedCallOpen,
            position::{ShiftBegin, ShiftEnd},
            work_order::WorkOrderMove,
        },
        parts::{Badge, Card, DataTable, ErrorSummary, Form, PageHead, Submit, Tone},
    },
};

/// Who may open it: who sends their own position.
pub const NEED: Need = Need::Holds(Permission::PositionsSend);

/// The page that stands in without a network is anybody's: there is nothing on it.
pub const OFFLINE_NEED: Need = Need::Public;

struct Model {
    sender: Sender,
    zone: String,
    /// «Monday, 23 November 2026».
    day: String,
    /// When the server got the newest place, from whatever phone.
    received: Option<At>,
    /// Absent for who works on no jobs.
    jobs: Option<Vec<Job>>,
    looks: Vec<Looked>,
    problems: Vec<(String, String)>,
}

async fn load(cx: &Cx) -> Result<Model, AppError> {
    let person = cx.signed_in()?;
    let zone = text::zone(&person.zone);
    let local = cx.visitor.now.0.to_zoned(zone.clone());
    let (from, until) = day_of(local.date(), &zone)?;
    let mut tx = cx.tx().await?;
    let shift = store::shift::own(&mut tx).await?;
    let received = store::position::own_newest(&mut tx).await?.map(|(_, received)| received);
    let looks = store::position::looks_at(&mut tx, person.member).await?;
    tx.commit().await?;
    let works = person.grants.holds(Permission::WorkOrders);
    let jobs = if works { Some(services::field::day(cx, from, until).await?) } else { None };
    let mut problems = cx.form::<ShiftBegin>().problems();
    problems.extend(cx.form::<ShiftEnd>().problems());
    problems.extend(cx.form::<WorkOrderMove>().problems());
    problems.extend(cx.form::<MaskedCallOpen>().problems());
    Ok(Model {
        sender: Sender {
            member: person.member,
            shift: shift.map(|shift| (shift.began_at, shift.began_at.plus(SHIFT_SECONDS))),
        },
        zone: person.zone.clone(),
        day: local.strftime("%A, %-d %B %Y").to_string(),
        received,
        jobs,
        looks,
        problems,
    })
}

/// `GET /field`
///
/// # Errors
/// Refused without `positions.send`; the database cannot be reached.
pub async fn page(cx: Cx) -> Result<Response, AppError> {
    let model = load(&cx).await?;
    Ok(Page::new("My day").with_field().show(&cx, || view(model)))
}

fn view(m: Model) -> impl IntoView {
    let jobs = m.jobs.map(|jobs| jobs::list(&jobs, &m.zone));
    view! {
        <PageHead title="My day".to_owned() lede=format!("{}. Times in {}.", m.day, m.zone) />
        <div class="stack">
            <ErrorSummary problems=m.problems />
            {shift(m.sender, &m.zone)}
            {jobs}
            {sending::card(Some(m.sender), m.received, &m.zone)}
            {looks(&m.looks, &m.zone)}
        </div>
    }
}

/// Whether the shift is on, and the one button that changes it.
fn shift(sender: Sender, zone: &str) -> AnyView {
    let content = match sender.shift {
        Some((began, until)) => view! {
            <p class="toolbar">
                <span>"Since "{text::when(began, zone)}</span>
                <Badge tone=Tone::Good icon="check" text="On shift".to_owned() />
            </p>
            <Form action=ShiftEnd::PATH.to_owned()>
                <input type="hidden" name="member" value=sender.member.to_string() />
                <Submit label="End my shift" tone=Tone::Neutral />
            </Form>
            <p class="hint">"It ends by itself: "{text::when(until, zone)}</p>
        }
        .into_any(),
        None => view! {
            <p class="toolbar">
                <span>"Nobody sees where you are."</span>
                <Badge tone=Tone::Neutral icon="minus" text="Off shift".to_owned() />
            </p>
            <Form action=ShiftBegin::PATH.to_owned()>
                <Submit label="Begin my shift" />
            </Form>
        }
        .into_any(),
    };
    view! {
        <Card title="Your shift">
            <div class="stack-tight">{content}</div>
        </Card>
    }
    .into_any()
}

/// Who looked at where they are, newest first.
fn looks(looks: &[Looked], zone: &str) -> AnyView {
    let content = if looks.is_empty() {
        view! { <p class="subtle">"Nobody has looked at where you are, as far back as your business keeps this."</p> }
            .into_any()
    } else {
        let rows = looks.iter().map(|look| looked(look, zone)).collect_view();
        view! {
            <DataTable
                caption="Who looked at where you are, newest first".to_owned()
                head=vec![("When", ""), ("Who", ""), ("What they did", "")]
            >
                {rows}
            </DataTable>
        }
        .into_any()
    };
    view! {
        <Card title="Who looked at where you are">
            {content}
        </Card>
    }
    .into_any()
}

fn looked(look: &Looked, zone: &str) -> AnyView {
    view! {
        <tr>
            <td>{text::when(look.at, zone)}</td>
            <td>{look.by.clone()}</td>
            <td>{Look::told(&look.what).unwrap_or("Looked")}</td>
        </tr>
    }
    .into_any()
}

/// `GET /field/offline`: the same for everybody, as a browser keeps it.
pub async fn offline(mut cx: Cx) -> Response {
    cx.visitor.signed_in = None;
    Page::new("No network").with_field().show(&cx, without_network)
}

fn without_network() -> impl IntoView {
    view! {
        <PageHead
            title="No network".to_owned()
            lede="This phone does not reach Ringfort. As soon as it does, this page turns into yours again."
        />
        <div class="stack">
            {sending::card(None, None, "UTC")}
            <p>
                <a class="btn btn-primary" href=PAGE>"Try again"</a>
            </p>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::http::render::to_html;

    #[test]
    fn what_is_kept_without_a_network_names_nobody() {
        let html = to_html(without_network);
        assert!(html.contains("data-field=\"\"") && !html.contains("data-positions"), "{html}");
        assert!(!html.contains("mem_"), "{html}");
    }
}
