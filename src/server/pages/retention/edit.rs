//! Changing how long a kind of data is kept, in two steps: first see what the next run would delete, then say why.

use axum::{extract::Path, response::Response};
use leptos::{prelude::*, server_fn::ServerFn};
use serde::Deserialize;

use super::{EDIT_NEED, days};
use crate::{
    model::retention::{DataKind, Limits},
    server::{
        http::{AppError, Cx, action::id_of, flash::FormState, render::Page},
        services::{self, retention::Row},
    },
    ui::{
        actions::setup::SaveRetention,
        parts::{Card, ConfirmField, ErrorSummary, Form, Notice, PageHead, Submit, TextField, Tone},
    },
};

/// The page's address: with `days` it shows what they would mean.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Query {
    days: String,
}

/// What the chosen number of days would mean.
struct Preview {
    days: u16,
    due: i64,
}

struct Model {
    row: Row,
    limits: Limits,
    typed: String,
    problem: Option<String>,
    preview: Option<Preview>,
    form: FormState,
}

async fn load(cx: &Cx, kind: DataKind) -> Result<Model, AppError> {
    let person = cx.signed_in()?;
    // Who may not save does not fill in a form that would be refused.
    if !person.passes(EDIT_NEED) {
        return Err(AppError::Refused);
    }
    let query: Query = cx.query()?;
    let rows = services::retention::overview(cx).await?;
    let row = rows.into_iter().find(|r| r.kind == kind).ok_or(AppError::Missing)?;
    let (mut preview, mut problem) = (None, None);
    if !query.days.is_empty() {
        match services::retention::preview(cx, kind, &query.days).await {
            Ok((days, due)) => preview = Some(Preview { days, due }),
            Err(AppError::Invalid(fields)) => problem = fields.first().map(|bad| bad.problem.to_string()),
            Err(other) => return Err(other),
        }
    }
    let typed = if query.days.is_empty() { row.days.to_string() } else { query.days };
    let limits = kind.limits(person.profile);
    Ok(Model { row, limits, typed, problem, preview, form: cx.form::<SaveRetention>() })
}

/// `GET /settings/retention/{kind}`
///
/// # Errors
/// Refused without `retention`; missing when there is no such kind.
pub async fn edit(cx: Cx, Path(kind): Path<String>) -> Result<Response, AppError> {
    let model = load(&cx, id_of(&kind)?).await?;
    let page = Page::new(model.row.kind.label()).under("Settings", "/settings");
    Ok(page.under("Retention", "/settings/retention").show(&cx, || view(model)))
}

fn view(m: Model) -> impl IntoView {
    let title = format!("How long to keep: {}", m.row.kind.label());
    let lede = format!("{} Kept for {} today.", m.row.kind.covers(), days(m.row.days));
    let ask = ask(m.limits, m.typed, m.problem, m.preview.is_none());
    let answer = m.preview.map(|preview| answer(&m.row, &preview, m.form));
    view! {
        <PageHead title=title lede=lede />
        <div class="stack">
            <Card title="1. Choose">{ask}</Card>
            {answer}
        </div>
    }
}

fn ask(limits: Limits, typed: String, problem: Option<String>, is_next: bool) -> AnyView {
    let hint = format!("From {} to {}; the default is {}.", limits.min, days(limits.max), days(limits.default));
    let tone = if is_next { Tone::Accent } else { Tone::Neutral };
    view! {
        <form class="form" method="get">
            <TextField
                name="days"
                label="Days"
                kind="number"
                value=typed
                problem=problem
                hint=hint
                autocomplete="off"
            />
            <div class="form-actions">
                <Submit label="Show what it would delete" tone=tone />
                <a class="btn btn-ghost" href="/settings/retention">"Cancel"</a>
            </div>
        </form>
    }
    .into_any()
}

fn answer(row: &Row, preview: &Preview, form: FormState) -> AnyView {
    if preview.days == row.days {
        return view! {
            <Notice tone=Tone::Info>"This is how long it is kept today: there is nothing to save."</Notice>
        }
        .into_any();
    }
    let shortens = preview.days < row.days;
    let consequence = consequence(row, preview);
    let (tone, title) = if shortens { (Tone::Warn, "This shortens it") } else { (Tone::Info, "This keeps it longer") };
    let save = save(row.kind, preview.days, shortens, form);
    view! {
        <Notice tone=tone title=title>{consequence}</Notice>
        <Card title="2. Save">{save}</Card>
    }
    .into_any()
}

/// What tonight's run will delete with the chosen number of days.
fn consequence(row: &Row, preview: &Preview) -> String {
    let will = format!("Tonight's run will delete {}", preview.due);
    let now = format!("with {} as today it would be {}", days(row.days), row.due);
    let end = if preview.days < row.days { " What a run has deleted cannot be brought back." } else { "" };
    format!("{will}; {now}.{end}")
}

fn save(kind: DataKind, chosen: u16, shortens: bool, form: FormState) -> AnyView {
    let tone = if shortens { Tone::Bad } else { Tone::Accent };
    let confirm = shortens.then(|| {
        let (value, problem) = (form.value("confirm", ""), form.problem("confirm"));
        view! { <ConfirmField word=kind.code() value=value problem=problem /> }.into_any()
    });
    view! {
        <Form action=SaveRetention::PATH.to_owned()>
            <ErrorSummary problems=form.problems() />
            <input type="hidden" name="kind" value=kind.code() />
            <input type="hidden" name="days" value=chosen.to_string() />
            <p>{format!("Keep {} for {}.", kind.label().to_lowercase(), days(chosen))}</p>
            <TextField
                name="reason"
                label="Reason"
                value=form.value("reason", "")
                problem=form.problem("reason")
                hint="In a few words. It is written to the audit log, so leave names out."
                autocomplete="off"
                maxlength=200
            />
            {confirm}
            <div class="form-actions">
                <Submit label="Save" tone=tone />
                <a class="btn btn-ghost" href="/settings/retention">"Cancel"</a>
            </div>
        </Form>
    }
    .into_any()
}
