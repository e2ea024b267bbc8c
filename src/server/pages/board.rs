//! The live board's page. Without scripts it is what was true when it loaded, and loads itself again. What agents say of
//! themselves is said by plain forms.

use axum::response::Response;
use leptos::{prelude::*, server_fn::ServerFn};
use serde::Deserialize;

use super::{live_link, own_state, text};
use crate::{
    model::{
        call::CallState,
        id::QueueId,
        permission::{Need, Permission, Reach},
    },
    server::{
        http::{AppError, Cx, flash::FormState, render::Page},
        store::{
            self,
            agent::{Agent, Reason},
        },
    },
    ui::{
        actions::board::{SayState, SetAgentState},
        islands::live_board::{BoardFilter, BoardRules, BoardStart, LiveBoard},
        parts::{Card, Empty, ErrorSummary, FilterBar, Form, PageHead, SelectField, Submit, TextField, Tone},
    },
};

/// Who may watch.
pub const NEED: Need = Need::Holds(Permission::LiveBoard);

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Query {
    state: String,
    queue: String,
    text: String,
}

impl Query {
    fn filter(self) -> Result<BoardFilter, AppError> {
        let state = match self.state.as_str() {
            "" => None,
            text => Some(text.parse::<CallState>().map_err(|_| AppError::BadRequest)?),
        };
        let queue = match self.queue.as_str() {
            "" => None,
            text => Some(text.parse::<QueueId>().map_err(|_| AppError::BadRequest)?),
        };
        Ok(BoardFilter { state, queue, text: self.text })
    }
}

struct Model {
    start: BoardStart,
    rules: BoardRules,
    /// Where the stream goes on from.
    cursor: String,
    /// All queues, for the filter.
    queues: Vec<(QueueId, String)>,
    agents: Vec<Agent>,
    reasons: Vec<Reason>,
    loaded: AnyView,
    sees_all: bool,
    may_supervise: bool,
    may_share: bool,
    says: FormState,
    sets: FormState,
    /// What the reader says of themselves.
    own: Option<Agent>,
}

async fn load(cx: &Cx) -> Result<Model, AppError> {
    let person = cx.signed_in()?;
    let filter = cx.query::<Query>()?.filter()?;
    let sees_all = person.grants.reach(Permission::LiveBoard) == Reach::All;
    // The cursor first: what happens between it and the rows is then told twice, not never.
    let cursor = store::outbox::head(cx.app.db(), cx.visitor.now).await?.to_string();
    let mut tx = cx.tx().await?;
    let calls = store::live::board(&mut tx).await?;
    let agents = store::agent::list(&mut tx).await?;
    let reasons = store::agent::reasons(&mut tx).await?;
    let measures = store::board::measures(&mut tx).await?;
    let queues = store::board::queues(&mut tx).await?;
    let tally = if sees_all { Some(store::board::tally(&mut tx, measures).await?) } else { None };
    tx.commit().await?;
    let queues: Vec<(QueueId, String)> = queues.into_iter().map(|queue| (queue.id, queue.name)).collect();
    let shown = queues.iter().filter(|(id, _)| filter.queue.is_none_or(|only| only == *id)).cloned().collect();
    let start = BoardStart {
        calls: calls.iter().map(store::live::BoardCall::wire).filter(|call| filter.keeps(call)).collect(),
        agents: agents.iter().map(Agent::wire).collect(),
        tally,
        now: cx.visitor.now.millis(),
    };
    Ok(Model {
        start,
        cursor,
        rules: BoardRules { filter, measures, queues: shown },
        queues,
        own: agents.iter().find(|agent| agent.id == person.member).cloned(),
        agents,
        reasons,
        loaded: text::when(cx.visitor.now, &person.zone),
        sees_all,
        may_supervise: person.grants.holds(Permission::CallsSupervise),
        may_share: person.grants.holds(Permission::Wallboard),
        says: cx.form::<SayState>(),
        sets: cx.form::<SetAgentState>(),
    })
}

/// `GET /board`
///
/// # Errors
/// A filter that cannot be read; refused without `live_board`.
pub async fn page(cx: Cx) -> Result<Response, AppError> {
    let model = load(&cx).await?;
    Ok(Page::new("Live board").live().with_script("/static/board.js").show(&cx, || view(model)))
}

fn view(m: Model) -> impl IntoView {
    let lede = if m.sees_all {
        "Every ringing and running call of the business, and who takes calls."
    } else {
        "The calls that ring at your desk, and yours."
    };
    let filters = filters(&m.rules.filter, m.queues);
    let nobody = nobody(m.rules.filter != BoardFilter::default());
    let own = own_state::form(m.own.as_ref(), &m.reasons, m.says);
    let own = view! { <Card title="Do you take calls?">{own}</Card> };
    let (agents, reasons, sets) = (m.agents, m.reasons, m.sets);
    let others = m.may_supervise.then(|| others(&agents, &reasons, sets));
    let share = m.may_share.then(|| view! { <a class="btn btn-quiet" href="/wallboards">"Wallboards"</a> });
    view! {
        <PageHead title="Live board".to_owned() lede=lede>
            {live_link::badge()}
            <button class="btn btn-ghost" type="button" data-keys="show" hidden=true>"Keys"</button>
            {share}
        </PageHead>
        {filters}
        <div class="board" data-live=m.cursor>
            <LiveBoard start=m.start rules=m.rules />
            <div class="board-empty">{nobody}</div>
        </div>
        <noscript>
            <p class="subtle">"As of "{m.loaded}". "<a class="link" href="/board">"Refresh"</a></p>
        </noscript>
        <div class="grid-2 mt-6">{own} {others}</div>
        {keys()}
    }
}

fn filters(filter: &BoardFilter, queues: Vec<(QueueId, String)>) -> AnyView {
    let mut states = vec![(String::new(), "Any state".to_owned())];
    states.extend(
        CallState::ALL.into_iter().filter(|s| !s.is_end()).map(|s| (s.code().to_owned(), s.label().to_owned())),
    );
    let state = filter.state.map_or_else(String::new, |s| s.code().to_owned());
    let has_queues = !queues.is_empty();
    let mut options = vec![(String::new(), "Any queue".to_owned())];
    options.extend(queues.into_iter().map(|(id, name)| (id.to_string(), name)));
    let queue = filter.queue.map_or_else(String::new, |id| id.to_string());
    let search = filter.text.clone();
    view! {
        <FilterBar clear="/board">
            <SelectField name="state" label="State" options=states value=state />
            {has_queues.then(|| view! { <SelectField name="queue" label="Queue" options=options value=queue /> })}
            <TextField name="text" label="Person or last digits" value=search required=false maxlength=40 />
        </FilterBar>
    }
    .into_any()
}

/// What a supervisor says for somebody else.
fn others(agents: &[Agent], reasons: &[Reason], form: FormState) -> AnyView {
    let people: Vec<(String, String)> = agents.iter().map(|agent| (agent.id.to_string(), agent.name.clone())).collect();
    let options = own_state::options(reasons);
    let content = if people.is_empty() {
        view! { <p class="subtle">"Nobody has a desk that rings yet."</p> }.into_any()
    } else {
        view! {
            <Form action=SetAgentState::PATH.to_owned()>
                <ErrorSummary problems=form.problems() />
                <SelectField name="member" label="Person" options=people value=form.value("member", "") />
                <SelectField
                    name="their_state"
                    label="Is shown as"
                    options=options
                    value=form.value("their_state", "offline")
                    problem=form.problem("their_state")
                />
                <Submit label="Set their state" tone=Tone::Neutral />
            </Form>
        }
        .into_any()
    };
    view! { <Card title="Set somebody else's state">{content}</Card> }.into_any()
}

/// The keys of the board's script, which shows them.
fn keys() -> AnyView {
    let key = |key: &'static str, does: &'static str| {
        view! {
            <div class="fact">
                <dt><kbd class="kbd">{key}</kbd></dt>
                <dd>{does}</dd>
            </div>
        }
    };
    view! {
        <dialog class="dialog" id="keys" aria-labelledby="keys-title">
            <h2 class="card-title" id="keys-title">"Keys of the live board"</h2>
            <dl class="facts">
                {key("/", "Go to the search")}
                {key("j", "Next call")}
                {key("k", "Call before")}
                {key("Enter", "Open the call")}
                {key("s", "Sound on ring on or off")}
                {key("?", "Show these keys")}
            </dl>
            <form method="dialog" class="row mt-4">
                <label class="check">
                    <input type="checkbox" data-keys="off" />
                    <span>"Switch these keys off in this browser"</span>
                </label>
                <button class="btn btn-primary" type="submit">"Close"</button>
            </form>
        </dialog>
    }
    .into_any()
}

/// What stands in place of the rows; the style sheet shows it while there is none.
fn nobody(is_filtered: bool) -> AnyView {
    if is_filtered {
        return view! {
            <Empty
                icon="search"
                title="No call matches".to_owned()
                text="Calls that match appear here by themselves.".to_owned()
            >
                <a class="btn btn-primary" href="/board">"Show every call"</a>
            </Empty>
        }
        .into_any();
    }
    view! {
        <Empty
            icon="phone"
            title="Nobody is calling right now".to_owned()
            text="The next call appears here by itself.".to_owned()
        >
            <a class="btn btn-primary" href="/calls">"Look at past calls"</a>
        </Empty>
    }
    .into_any()
}
