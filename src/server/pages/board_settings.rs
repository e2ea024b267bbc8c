//! What the live board measures by (TEL-2): thresholds, the service level, queues, and why agents take no calls.

use axum::response::Response;
use leptos::{prelude::*, server_fn::ServerFn};

use super::cells;
use crate::{
    model::{
        agent::AgentState,
        board::{MOST_QUEUES, MOST_REASONS, Measures},
        permission::{Need, Permission},
    },
    server::{
        http::{AppError, Cx, flash::FormState, render::Page},
        store::{self, agent::Reason, board::Queue},
    },
    ui::{
        actions::board::{AddQueue, AddReason, RemoveQueue, RemoveReason, SaveBoard},
        parts::{Card, DataTable, ErrorSummary, Form, PageHead, SelectField, Submit, TextField, Tone},
    },
};

/// Who may see and change it.
pub const NEED: Need = Need::Holds(Permission::Settings);

struct Model {
    measures: Measures,
    queues: Vec<Queue>,
    reasons: Vec<Reason>,
    save: FormState,
    queue: FormState,
    reason: FormState,
}

async fn load(cx: &Cx) -> Result<Model, AppError> {
    let mut tx = cx.tx().await?;
    let measures = store::board::measures(&mut tx).await?;
    let queues = store::board::queues(&mut tx).await?;
    let reasons = store::agent::reasons(&mut tx).await?;
    tx.commit().await?;
    Ok(Model {
        measures,
        queues,
        reasons,
        save: cx.form::<SaveBoard>(),
        queue: cx.form::<AddQueue>(),
        reason: cx.form::<AddReason>(),
    })
}

/// `GET /settings/board`
///
/// # Errors
/// Refused without `settings`.
pub async fn page(cx: Cx) -> Result<Response, AppError> {
    let model = load(&cx).await?;
    Ok(Page::new("Live board").under("Settings", "/settings").show(&cx, || view(model)))
}

fn view(m: Model) -> AnyView {
    let measures = measures(m.measures, m.save);
    let (queues, add_queue) = (queues(m.queues), add_queue(m.queue));
    let (reasons, add_reason) = (reasons(m.reasons), add_reason(m.reason));
    view! {
        <PageHead title="Live board".to_owned() lede="What it measures by, and the words on it.">
            <a class="btn btn-quiet" href="/board">"Open the board"</a>
        </PageHead>
        <div class="grid-2">
            <Card title="Thresholds and service level">{measures}</Card>
            <div class="stack">
                <Card title="Queues">
                    <div class="stack">{queues} {add_queue}</div>
                </Card>
                <Card title="Why agents take no calls">
                    <div class="stack">{reasons} {add_reason}</div>
                </Card>
            </div>
        </div>
    }
    .into_any()
}

fn measures(now: Measures, form: FormState) -> AnyView {
    view! {
        <Form action=SaveBoard::PATH.to_owned()>
            <ErrorSummary problems=form.problems() />
            <TextField
                name="warn_seconds"
                label="A call asks for attention after"
                value=form.value("warn_seconds", &now.warn_seconds.to_string())
                problem=form.problem("warn_seconds")
                hint="Seconds in one state."
                inputmode="numeric"
                maxlength=4
            />
            <TextField
                name="bad_seconds"
                label="And demands it after"
                value=form.value("bad_seconds", &now.bad_seconds.to_string())
                problem=form.problem("bad_seconds")
                hint="Seconds in one state."
                inputmode="numeric"
                maxlength=4
            />
            <TextField
                name="answer_seconds"
                label="A call should be answered within"
                value=form.value("answer_seconds", &now.answer_seconds.to_string())
                problem=form.problem("answer_seconds")
                hint="Seconds. The service level is the share of the last hour’s incoming calls that were; those that still ring do not count yet."
                inputmode="numeric"
                maxlength=3
            />
            <TextField
                name="target_percent"
                label="Goal of the service level"
                value=form.value("target_percent", &now.target_percent.to_string())
                problem=form.problem("target_percent")
                hint="Percent."
                inputmode="numeric"
                maxlength=3
            />
            <Submit label="Save" />
        </Form>
    }
    .into_any()
}

/// A button that takes one line of a list away.
fn remove(action: &'static str, id: String, whose: String) -> AnyView {
    view! {
        <form method="post" action=action>
            <input type="hidden" name="id" value=id />
            <button class="btn btn-quiet btn-small" type="submit">
                "Remove"
                <span class="sr-only">{whose}</span>
            </button>
        </form>
    }
    .into_any()
}

fn queues(queues: Vec<Queue>) -> AnyView {
    if queues.is_empty() {
        return view! { <p class="subtle">"No number has a name yet. Calls are counted together until one has."</p> }
            .into_any();
    }
    let row = |queue: Queue| {
        let whose = format!(" the queue {}", queue.name);
        let remove = remove(RemoveQueue::PATH, queue.id.to_string(), whose);
        view! {
            <tr>
                <td class="wide">{queue.name}</td>
                <td>{cells::mono(queue.number.masked().to_string())}</td>
                <td class="actions">{remove}</td>
            </tr>
        }
    };
    let rows = queues.into_iter().map(row).collect_view();
    view! {
        <DataTable caption="Queues by name".to_owned() head=vec![("Queue", ""), ("Number", ""), ("", "actions")]>
            {rows}
        </DataTable>
    }
    .into_any()
}

fn add_queue(form: FormState) -> AnyView {
    let hint = format!("What people call it, like «Sales». At most {MOST_QUEUES}.");
    view! {
        <Form action=AddQueue::PATH.to_owned()>
            <ErrorSummary problems=form.problems() />
            <TextField
                name="name"
                label="Queue"
                value=form.value("name", "")
                problem=form.problem("name")
                hint=hint
                autocomplete="off"
                maxlength=60
            />
            <TextField
                name="number"
                label="Our number"
                kind="tel"
                value=form.value("number", "")
                problem=form.problem("number")
                hint="Calls to it belong to this queue. Like +14155550100."
                autocomplete="off"
                maxlength=24
            />
            <Submit label="Name it" tone=Tone::Neutral />
        </Form>
    }
    .into_any()
}

fn reasons(reasons: Vec<Reason>) -> AnyView {
    if reasons.is_empty() {
        return view! { <p class="subtle">"Agents say busy or on a break, and nothing more."</p> }.into_any();
    }
    let row = |reason: Reason| {
        let whose = format!(" the reason {}", reason.label);
        let remove = remove(RemoveReason::PATH, reason.id.to_string(), whose);
        view! {
            <tr>
                <td class="wide">{reason.label}</td>
                <td>{reason.state.label()}</td>
                <td class="actions">{remove}</td>
            </tr>
        }
    };
    let rows = reasons.into_iter().map(row).collect_view();
    view! {
        <DataTable
            caption="Reasons by state".to_owned()
            head=vec![("Reason", ""), ("Counts as", ""), ("", "actions")]
        >
            {rows}
        </DataTable>
    }
    .into_any()
}

fn add_reason(form: FormState) -> AnyView {
    let option = |state: AgentState| (state.code().to_owned(), state.label().to_owned());
    let options: Vec<(String, String)> = AgentState::WITH_REASONS.into_iter().map(option).collect();
    let hint = format!("Like «Lunch» or «Training». At most {MOST_REASONS}. Nothing about anybody's health.");
    view! {
        <Form action=AddReason::PATH.to_owned()>
            <ErrorSummary problems=form.problems() />
            <TextField
                name="label"
                label="Reason"
                value=form.value("label", "")
                problem=form.problem("label")
                hint=hint
                autocomplete="off"
                maxlength=40
            />
            <SelectField
                name="state"
                label="Counts as"
                options=options
                value=form.value("state", "break")
                problem=form.problem("state")
            />
            <Submit label="Add" tone=Tone::Neutral />
        </Form>
    }
    .into_any()
}
