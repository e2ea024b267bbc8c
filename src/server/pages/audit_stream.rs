//! One stream of the audit log (AUD-5): how far it is, what keeps it; test, pause, send again, rotate the secret, delete.

use axum::{extract::Path, response::Response};
use leptos::{prelude::*, server_fn::ServerFn};

use super::{
    audit_streams,
    cells::{self, fact, mono},
};
use crate::{
    model::{
        audit_stream::{Kind, Problem, State},
        permission::Need,
    },
    server::{
        http::{AppError, Cx, action::id_of, flash::FormState, render::Page},
        kit::At,
        store::{self, audit_stream::Stream},
    },
    ui::{
        actions::audit_stream::{DeleteStream, PauseStream, ReplayStream, ResumeStream, RotateStream, TestStream},
        parts::{Badge, Card, ConfirmField, ErrorSummary, Facts, Form, Notice, PageHead, Submit, TextField, Tone},
    },
};

/// Who may open one.
pub const NEED: Need = audit_streams::NEED;

struct Model {
    stream: Stream,
    zone: String,
    now: At,
    replay: FormState,
    rotate: FormState,
    delete: FormState,
}

async fn load(cx: &Cx, id: &str) -> Result<Model, AppError> {
    let zone = cx.signed_in()?.zone.clone();
    let mut tx = cx.tx().await?;
    let stream = store::audit_stream::get(&mut tx, id_of(id)?).await?;
    tx.commit().await?;
    Ok(Model {
        stream,
        zone,
        now: cx.visitor.now,
        replay: cx.form::<ReplayStream>(),
        rotate: cx.form::<RotateStream>(),
        delete: cx.form::<DeleteStream>(),
    })
}

/// `GET /audit/streams/{id}`
///
/// # Errors
/// Refused without `audit.stream`; missing when it is not this business's.
pub async fn page(cx: Cx, Path(id): Path<String>) -> Result<Response, AppError> {
    let model = load(&cx, &id).await?;
    let page = Page::new(model.stream.label.clone());
    let page = page.under("Audit log", "/audit").under("Audit streams", "/audit/streams");
    Ok(page.show(&cx, || view(model)))
}

fn view(m: Model) -> impl IntoView {
    let (title, id) = (m.stream.label.clone(), m.stream.id.to_string());
    let lede = format!("{} · {}", m.stream.kind.label(), m.stream.format.label());
    let here = format!("/audit/streams/{id}");
    let trouble = trouble(&m.stream);
    let rotate = (m.stream.kind == Kind::Https).then(|| rotate_form(id.clone(), m.rotate));
    let test = go_or_hold(id.clone(), m.stream.state);
    let replay = replay_form(id.clone(), m.replay, &m.zone);
    let delete = delete_form(id, m.delete);
    let (far, what) = (far(&m.stream, &m.zone, m.now), facts(m.stream, &m.zone, m.now));
    view! {
        <PageHead title=title lede=lede>
            <a class="btn btn-quiet" href=here>"Refresh"</a>
        </PageHead>
        <div class="grid-side">
            <div class="stack">
                {trouble}
                <Card title="How far it is">
                    <Facts items=far />
                </Card>
                <Card title="What we know">
                    <Facts items=what />
                </Card>
            </div>
            <div class="stack">{test} {replay} {rotate} {delete}</div>
        </div>
    }
}

/// What keeps it, and what to do.
fn trouble(s: &Stream) -> Option<AnyView> {
    let problem = s.problem.filter(|_| s.state == State::Active)?;
    let tries = format!("Tries in a row that failed: {}. ", s.failures);
    Some(
        view! {
            <Notice tone=Tone::Bad title=problem.label()>
                {tries}
                {advice(problem)}
                " Nothing is lost: what waits is sent once the collector takes it."
            </Notice>
        }
        .into_any(),
    )
}

fn advice(problem: Problem) -> &'static str {
    match problem {
        Problem::Forbidden => "A collector needs an address on the public internet.",
        Problem::Unreachable => "See that it runs, that it is reached from here, and that it ends what we end.",
        Problem::Untrusted => {
            "See that its certificate is for this name and not over; for one of your own authority, add the stream anew \
             with its certificates."
        }
        Problem::Refused => "Rotate the secret.",
        Problem::Busy => "It is tried again when the time is over that it asked for.",
        Problem::Rejected => "See that address and format are those that it expects.",
        Problem::Broken => "Rotate the secret, or add the stream anew.",
    }
}

fn far(s: &Stream, zone: &str, now: At) -> Vec<(String, AnyView)> {
    let tested = s.tested_at.map(|_| test_result(s.tested));
    let tested_at = cells::ago_or_dash(s.tested_at, now, zone);
    vec![
        fact("State", audit_streams::state(s)),
        fact("Behind (entries, time)", audit_streams::behind(s, now)),
        fact("Sent of the chain", s.cursor.total.to_string()),
        fact("Last taken", cells::ago_or_dash(s.sent_at, now, zone)),
        fact("Last test", view! { <span class="row">{tested}{tested_at}</span> }),
    ]
}

fn test_result(problem: Option<Problem>) -> AnyView {
    let (tone, icon, word) = match problem {
        None => (Tone::Good, "check", "Taken"),
        Some(problem) => (Tone::Bad, "cross", problem.label()),
    };
    view! { <Badge tone=tone icon=icon text=word.to_owned() /> }.into_any()
}

fn facts(s: Stream, zone: &str, now: At) -> Vec<(String, AnyView)> {
    let trusted = if s.ca.is_some() { "Your own certificates, and no others" } else { "The public authorities" };
    let mut items = vec![
        fact("Address", mono(s.address)),
        fact("Trusts", trusted),
        fact("Added by", s.created_by),
        fact("Added", cells::ago_or_dash(Some(s.created_at), now, zone)),
        fact("Id", mono(s.id.to_string())),
    ];
    if s.kind == Kind::Https {
        let secret = s.header.map_or_else(cells::dash, |header| format!("Sealed; sent as {header}").into_any());
        items.insert(1, fact("Secret", secret));
    }
    if s.silent_end {
        items.insert(1, fact("Taken", "Also when it only closes, without close_notify"));
    }
    items
}

fn go_or_hold(id: String, state: State) -> AnyView {
    let test_id = id.clone();
    let (action, label) = match state {
        State::Active => (PauseStream::PATH, "Pause"),
        State::Paused => (ResumeStream::PATH, "Resume"),
    };
    view! {
        <Card title="Test">
            <Form action=TestStream::PATH.to_owned()>
                <input type="hidden" name="id" value=test_id />
                <p class="hint">"Sends one event that is marked as a test, now."</p>
                <Submit label="Send a test" tone=Tone::Neutral />
            </Form>
        </Card>
        <Card title="Pause and resume">
            <Form action=action.to_owned()>
                <input type="hidden" name="id" value=id />
                <p class="hint">"A paused stream keeps its place: nothing is left out when it goes on."</p>
                <Submit label=label tone=Tone::Neutral />
            </Form>
        </Card>
    }
    .into_any()
}

fn replay_form(id: String, form: FormState, zone: &str) -> AnyView {
    let hint = format!("A day of {zone}, by when entries were sealed. Empty: from the beginning.");
    view! {
        <Card title="Send again">
            <Form action=ReplayStream::PATH.to_owned()>
                <ErrorSummary problems=form.problems() />
                <input type="hidden" name="id" value=id />
                <TextField
                    name="from"
                    label="From"
                    kind="date"
                    value=form.value("from", "")
                    problem=form.problem("from")
                    hint=hint
                    required=false
                />
                <Submit label="Send again" tone=Tone::Neutral />
            </Form>
        </Card>
    }
    .into_any()
}

fn rotate_form(id: String, form: FormState) -> AnyView {
    let fields = audit_streams::credentials(&form);
    view! {
        <Card title="Rotate the secret">
            <Form action=RotateStream::PATH.to_owned()>
                <ErrorSummary problems=form.problems() />
                <input type="hidden" name="id" value=id />
                {fields}
                <p class="hint">"With both empty, nothing is shown to the collector any more."</p>
                <Submit label="Rotate" tone=Tone::Neutral />
            </Form>
        </Card>
    }
    .into_any()
}

fn delete_form(id: String, form: FormState) -> AnyView {
    view! {
        <Card title="Delete">
            <Form action=DeleteStream::PATH.to_owned()>
                <ErrorSummary problems=form.problems() />
                <input type="hidden" name="id" value=id />
                <p class="hint">"Its place and its secret are gone. What the collector has, it keeps."</p>
                <ConfirmField word="delete" value=form.value("confirm", "") problem=form.problem("confirm") />
                <Submit label="Delete this stream" tone=Tone::Bad />
            </Form>
        </Card>
    }
    .into_any()
}
