//! One call (TEL-3): what is known of it, and what happened, step by step. Its numbers in clear are a page of their
//! own, because looking at them is an act of its own.

use axum::{extract::Path, response::Response};
use leptos::prelude::*;

use super::{
    call_control::{self, Controls},
    calls,
    cells::{dash, fact, mono},
    text, work_orders,
};
use crate::{
    model::{
        call::Direction,
        id::CallId,
        permission::{Need, Permission},
    },
    server::{
        http::{AppError, Cx, action::id_of, render::Page},
        kit::At,
        services,
        store::call_log::{Line, Step},
    },
    ui::parts::{CallStateBadge, Card, ErrorSummary, Facts, Icon, Notice, PageHead, Tone},
};

/// Who may open a call.
pub const NEED: Need = calls::NEED;

/// Who may see its numbers in clear.
pub const NUMBERS_NEED: Need = Need::Holds(Permission::CallNumbers);

struct Model {
    line: Line,
    steps: Vec<Step>,
    zone: String,
    may_reveal: bool,
    may_make_job: bool,
    /// What a supervisor may do with it while it runs.
    controls: Option<Controls>,
    /// Why it was not done.
    problems: Vec<(String, String)>,
}

async fn load(cx: &Cx, id: CallId) -> Result<Model, AppError> {
    let person = cx.signed_in()?;
    let (line, steps) = services::call::view(cx, id).await?;
    let controls = call_control::load(cx, &line).await?;
    let problems = call_control::problems(cx, controls.is_some());
    let (may_reveal, may_make_job) = (person.passes(NUMBERS_NEED), person.passes(work_orders::ALL_NEED));
    Ok(Model { line, steps, zone: person.zone.clone(), may_reveal, may_make_job, controls, problems })
}

/// `GET /calls/{id}`
///
/// # Errors
/// Missing when it is not a call that the person may see.
pub async fn page(cx: Cx, Path(id): Path<String>) -> Result<Response, AppError> {
    let model = load(&cx, id_of(&id)?).await?;
    Ok(Page::new("Call").under("Calls", "/calls").show(&cx, || view(model)))
}

fn view(m: Model) -> impl IntoView {
    let title = match m.line.direction {
        Direction::Inbound => "Incoming call",
        Direction::Outbound => "Outgoing call",
    };
    let href = format!("/calls/{}/numbers", m.line.id);
    let job = format!("/work-orders/new?call={}", m.line.id);
    let steps = timeline(m.steps, &m.line, &m.zone);
    let facts = facts(m.line, &m.zone);
    let controls = m.controls.map(call_control::view);
    view! {
        <PageHead title=title.to_owned() lede="What happened on this call, step by step.">
            {m.may_make_job.then(|| view! { <a class="btn btn-quiet" href=job>"New job from this call"</a> })}
            {m.may_reveal.then(|| view! { <a class="btn btn-quiet" href=href>"Show numbers"</a> })}
        </PageHead>
        <ErrorSummary problems=m.problems />
        <div class="grid-2">
            <div class="stack">
                <Card title="The call">
                    <Facts items=facts />
                </Card>
                {controls}
            </div>
            <Card title="Timeline">{steps}</Card>
        </div>
    }
}

fn facts(line: Line, zone: &str) -> Vec<(String, AnyView)> {
    let icon = match line.direction {
        Direction::Inbound => "phone_in",
        Direction::Outbound => "phone_out",
    };
    let direction = view! { <span class="row"><Icon name=icon />{line.direction.label()}</span> };
    let answered = match line.answered_at {
        Some(at) => {
            let after = format!(" · after {} s", at.since(line.started_at).max(0));
            view! { {text::when(at, zone)}{after} }.into_any()
        }
        None => view! { <span class="subtle">"Not answered"</span> }.into_any(),
    };
    let length = match (line.answered_at, line.ended_at) {
        (Some(answered), Some(ended)) => text::duration(ended.since(answered)).into_any(),
        (Some(_), None) => "Still talking".into_any(),
        (None, _) => dash(),
    };
    let state = line.heard();
    vec![
        fact("Customer", mono(text::party(line.party.as_ref()))),
        fact("Our number", mono(text::party(line.own.as_ref()))),
        fact("Direction", direction),
        fact("Person", line.member_name.unwrap_or_else(|| "Nobody".to_owned())),
        fact("State", view! { <CallStateBadge state=state direction=Some(line.direction) /> }),
        fact("Started", text::when(line.started_at, zone)),
        fact("Answered", answered),
        fact("Ended", text::when_or_dash(line.ended_at, zone)),
        fact("Length", length),
        fact("Id", mono(line.id.to_string())),
    ]
}

fn timeline(steps: Vec<Step>, line: &Line, zone: &str) -> AnyView {
    let count = steps.len();
    if count == 0 {
        return view! { <p class="subtle">"The provider has told of no step yet."</p> }.into_any();
    }
    let mut last: Option<At> = None;
    let mut items = Vec::with_capacity(count);
    for (place, step) in steps.into_iter().enumerate() {
        let gap = last.map(|at| step.at.since(at));
        last = Some(step.at);
        let is_now = place + 1 == count && line.ended_at.is_none();
        items.push(item(step, line, Timing { gap, is_now, zone }));
    }
    view! { <ol class="timeline">{items}</ol> }.into_any()
}

/// Where a step stands among the others.
#[derive(Clone, Copy)]
struct Timing<'a> {
    /// Seconds since the one before.
    gap: Option<i64>,
    is_now: bool,
    zone: &'a str,
}

fn item(step: Step, line: &Line, timing: Timing<'_>) -> AnyView {
    let Timing { gap, is_now, zone } = timing;
    // The call's own end says what became of it, as above; a desk's says what the desk did.
    let (state, direction) = if step.is_leg {
        (step.state, None)
    } else {
        (step.state.heard(line.answered_at.is_some()), Some(line.direction))
    };
    let lag = lag(step.received_at.millis() - step.at.millis());
    let who = match (step.is_leg, step.desk) {
        (false, _) => "The call".to_owned(),
        (true, Some(name)) => format!("Desk of {name}"),
        (true, None) => "A desk".to_owned(),
    };
    let gap = gap.map_or_else(|| "first".to_owned(), |seconds| format!("+{} s", seconds.max(0)));
    view! {
        <li data-now=is_now.then_some("true")>
            <span class="row">
                <CallStateBadge state=state direction=direction />
                <span>{who}</span>
            </span>
            <span class="row">
                <span class="subtle num">{gap}</span>
                {text::when(step.at, zone)}
                <span class="hint">{lag}</span>
            </span>
        </li>
    }
    .into_any()
}

/// How long the provider's report took to arrive.
fn lag(millis: i64) -> String {
    if millis < 1_000 {
        "heard of it within a second".to_owned()
    } else {
        format!("heard of it {}.{} s later", millis / 1_000, millis % 1_000 / 100)
    }
}

/// `GET /calls/{id}/numbers`
///
/// # Errors
/// Refused without `calls.numbers`; missing when it is not a call that the person may see.
pub async fn numbers(cx: Cx, Path(id): Path<String>) -> Result<Response, AppError> {
    let id: CallId = id_of(&id)?;
    let (party, own) = services::call::reveal_numbers(&cx, id).await?;
    let back = format!("/calls/{id}");
    let page = Page::new("Numbers").under("Calls", "/calls").under("Call", &back);
    Ok(page.show(&cx, || numbers_view(party, own, back)))
}

fn numbers_view(party: Option<String>, own: Option<String>, back: String) -> impl IntoView {
    let shown = |number: Option<String>| mono(number.unwrap_or_else(|| "withheld".to_owned()));
    let items = vec![fact("Customer", shown(party)), fact("Our number", shown(own))];
    view! {
        <PageHead title="Numbers in clear".to_owned()>
            <a class="btn btn-quiet" href=back>"Back to the call"</a>
        </PageHead>
        <div class="stack">
            <Notice tone=Tone::Info title="This look was written to the audit log">
                "Your name, the time and this call. The numbers themselves are not in it."
            </Notice>
            <Card>
                <Facts items=items />
            </Card>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::lag;

    #[test]
    fn a_lag_has_one_decimal() {
        assert_eq!(lag(-40), "heard of it within a second");
        assert_eq!(lag(2_345), "heard of it 2.3 s later");
    }
}
