//! One connection (KEY-1, KEY-2): its facts, test, rotation and end, and what of its webhooks did not go through.

use axum::{extract::Path, response::Response};
use leptos::{prelude::*, server_fn::ServerFn};

use super::{
    cells::{self, fact, mono},
    connections, text,
};
use crate::{
    model::{id::ConnectionId, permission::Need},
    server::{
        http::{AppError, Cx, action::id_of, flash::FormState, render::Page},
        kit::At,
        store::{self, connection::Connection, receipt::Problem},
    },
    ui::{
        actions::setup::{RevokeConnection, RotateConnection, TestConnection},
        parts::{
            Card, ConfirmField, DataTable, ErrorSummary, Facts, Form, Notice, PageHead, SecretField, Submit, Tone,
        },
    },
};

mod address;

pub use address::address;

/// Who may open a connection, and its address.
pub const NEED: Need = connections::NEED;

const DAY: i64 = 24 * 3600;
const MOST_PROBLEMS: i64 = 50;

struct Model {
    connection: Connection,
    refusals: Vec<(String, i64)>,
    problems: Vec<Problem>,
    zone: String,
    now: At,
    rotate: FormState,
    revoke: FormState,
}

async fn load(cx: &Cx, id: ConnectionId) -> Result<Model, AppError> {
    let (zone, now) = (cx.signed_in()?.zone.clone(), cx.visitor.now);
    let mut tx = cx.tx().await?;
    let connection = store::connection::get(&mut tx, id).await?;
    let refusals = store::connection::refusals(&mut tx, id, now.plus(-DAY)).await?;
    let problems = store::receipt::problems(&mut tx, id, MOST_PROBLEMS).await?;
    tx.commit().await?;
    let (rotate, revoke) = (cx.form::<RotateConnection>(), cx.form::<RevokeConnection>());
    Ok(Model { connection, refusals, problems, zone, now, rotate, revoke })
}

/// `GET /connections/{id}`
///
/// # Errors
/// Refused without `credentials`; missing when it is not this business's.
pub async fn page(cx: Cx, Path(id): Path<String>) -> Result<Response, AppError> {
    let model = load(&cx, id_of(&id)?).await?;
    let page = Page::new(model.connection.label.clone()).under("Connections", "/connections");
    Ok(page.show(&cx, || view(model)))
}

fn view(m: Model) -> impl IntoView {
    let is_active = m.connection.state == "active";
    let id = m.connection.id.to_string();
    let title = m.connection.label.clone();
    let added = text::ago(m.connection.created_at, m.now);
    let lede = format!("{} · added {added}", cells::provider(&m.connection.provider));
    let address = format!("/connections/{id}/address");
    let has_webhooks = cells::has_webhooks(&m.connection.provider);
    let shows_address = is_active && has_webhooks;
    let forms = if is_active { forms(&id, m.rotate, m.revoke) } else { over() };
    let items = facts(m.connection, &m.zone, m.now);
    let webhooks = has_webhooks.then(|| webhooks(m.refusals, m.problems, &m.zone));
    view! {
        <PageHead title=title lede=lede>
            {shows_address.then(|| view! { <a class="btn btn-quiet" href=address>"Show the webhook address"</a> })}
        </PageHead>
        <div class="grid-side">
            <div class="stack">
                <Card title="What we know">
                    <Facts items=items />
                </Card>
                {webhooks}
            </div>
            <div class="stack">{forms}</div>
        </div>
    }
}

/// What of its webhooks did not go through.
fn webhooks(refused: Vec<(String, i64)>, unapplied: Vec<Problem>, zone: &str) -> AnyView {
    let (problems, refusals) = (problems(unapplied, zone), refusals(refused));
    view! {
        <Card title="Events that are not applied">{problems}</Card>
        <Card title="Refused webhooks, last 24 hours">{refusals}</Card>
    }
    .into_any()
}

fn facts(c: Connection, zone: &str, now: At) -> Vec<(String, AnyView)> {
    let account = connections::last_four(&c.account);
    let number = cells::masked(c.number.as_deref()).map_or_else(cells::dash, mono);
    let result = cells::test_result(c.test_result.as_deref());
    let tested = c.tested_at.map(|at| cells::ago_or_dash(Some(at), now, zone));
    let mut items = vec![
        fact("Provider", cells::provider(&c.provider)),
        fact("State", cells::connection_state(&c.state)),
        fact("Account", mono(account)),
        fact("Number", number),
        fact("Last event", cells::ago_or_dash(c.last_event_at, now, zone)),
        fact("Last test", view! { <span class="row">{result}{tested}</span> }),
        fact("Connected", text::when(c.created_at, zone)),
        fact("Secret changed", text::when_or_dash(c.rotated_at, zone)),
    ];
    if let Some(base) = c.base_url {
        items.insert(4, fact("Address of the system", mono(base)));
    }
    if let Some(at) = c.revoked_at {
        items.push(fact("Revoked", text::when(at, zone)));
    }
    items.push(fact("Id", mono(c.id.to_string())));
    items
}

fn over() -> AnyView {
    view! {
        <Notice tone=Tone::Neutral title="This connection is over">
            "Its secrets are deleted and its webhooks are refused. To go on, "
            <a href="/connections/new">"connect the provider again"</a>
            "."
        </Notice>
    }
    .into_any()
}

fn forms(id: &str, rotate: FormState, revoke: FormState) -> AnyView {
    let test = id.to_owned();
    let rotate = rotate_form(id.to_owned(), rotate);
    let revoke = revoke_form(id.to_owned(), revoke);
    view! {
        <Card title="Test">
            <Form action=TestConnection::PATH.to_owned()>
                <input type="hidden" name="id" value=test />
                <p class="hint">"Asks the provider whether it accepts account and secret. Changes nothing there."</p>
                <Submit label="Test now" tone=Tone::Neutral />
            </Form>
        </Card>
        <Card title="Rotate the secret">{rotate}</Card>
        <Card title="Revoke">{revoke}</Card>
    }
    .into_any()
}

fn rotate_form(id: String, form: FormState) -> AnyView {
    view! {
        <Form action=RotateConnection::PATH.to_owned()>
            <ErrorSummary problems=form.problems() />
            <input type="hidden" name="id" value=id />
            <SecretField
                name="secret"
                label="New secret"
                problem=form.problem("secret")
                hint="The old one stays good for a minute, so that no event in flight is lost."
                autocomplete="off"
                maxlength=256
            />
            <Submit label="Rotate" tone=Tone::Neutral />
        </Form>
    }
    .into_any()
}

fn revoke_form(id: String, form: FormState) -> AnyView {
    view! {
        <Form action=RevokeConnection::PATH.to_owned()>
            <ErrorSummary problems=form.problems() />
            <input type="hidden" name="id" value=id />
            <p class="hint">
                "Refuses its webhooks from the next one on, and deletes its secrets. This cannot be undone."
            </p>
            <ConfirmField word="revoke" value=form.value("confirm", "") problem=form.problem("confirm") />
            <Submit label="Revoke this connection" tone=Tone::Bad />
        </Form>
    }
    .into_any()
}

fn refusals(refusals: Vec<(String, i64)>) -> AnyView {
    if refusals.is_empty() {
        return view! { <p class="subtle">"None was refused."</p> }.into_any();
    }
    let rows: Vec<AnyView> = refusals
        .into_iter()
        .map(|(reason, count)| {
            view! {
                <tr>
                    <td class="wide">{refusal(&reason)}</td>
                    <td class="num">{count.to_string()}</td>
                </tr>
            }
            .into_any()
        })
        .collect();
    view! {
        <DataTable caption="Refused webhooks by reason".to_owned() head=vec![("Why", ""), ("How many", "num")]>
            {rows}
        </DataTable>
    }
    .into_any()
}

/// Why webhooks were turned away, with what to look at.
fn refusal(reason: &str) -> &'static str {
    match reason {
        "signature" => "The signature did not match: the secret here is not the provider's, or somebody else knocked.",
        "too_large" => "They were larger than any event of a provider.",
        "rate" => "They came much faster than a business may send them.",
        _ => "They could not be read.",
    }
}

fn problems(problems: Vec<Problem>, zone: &str) -> AnyView {
    if problems.is_empty() {
        return view! { <p class="subtle">"Every event was applied."</p> }.into_any();
    }
    let rows: Vec<AnyView> = problems.into_iter().map(|p| problem_row(p, zone)).collect();
    view! {
        <DataTable
            caption="Events that are not applied, newest first".to_owned()
            head=vec![("Arrived", ""), ("What became of it", ""), ("Tries", "num"), ("Event", "")]
        >
            {rows}
        </DataTable>
    }
    .into_any()
}

fn problem_row(p: Problem, zone: &str) -> AnyView {
    let level = if p.state == "pending" { "warn" } else { "bad" };
    let sentence = sentence(&p.state, p.problem.as_deref());
    view! {
        <tr data-level=level>
            <td class="nowrap">{text::when(p.received_at, zone)}</td>
            <td class="wide">{sentence}</td>
            <td class="num">{p.attempts.to_string()}</td>
            <td class="mono wide">{p.event_key}</td>
        </tr>
    }
    .into_any()
}

/// What became of an event, and what will.
fn sentence(state: &str, problem: Option<&str>) -> String {
    match (state, problem) {
        ("pending", Some("rate")) => "Waits its turn: events came faster than they are applied.".to_owned(),
        ("pending", _) => "Could not be applied yet. It is kept, sealed, and tried again.".to_owned(),
        ("malformed", why) => {
            let why = why.map(|why| format!(" ({why})")).unwrap_or_default();
            format!("The provider signed it, but it cannot be read{why}. Nothing was applied.")
        }
        _ => "Given up after the last try. It is kept, sealed, until its time is over.".to_owned(),
    }
}
