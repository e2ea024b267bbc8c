//! The wallboard (TEL-2), for a screen that nobody is signed in at: large, without numbers, first names only. With scripts it
//! follows the stream of `http::wallboard`; without, it loads itself again.

use axum::{
    extract::Path,
    http::{HeaderName, HeaderValue},
    response::Response,
};
use leptos::prelude::*;

use super::{live_link, text::duration};
use crate::{
    model::{
        agent::AgentState,
        board::{Level, Measures},
        permission::Need,
    },
    server::{
        http::{AppError, Cx, render::Page},
        services,
    },
    ui::{
        parts::{AgentStateBadge, Icon, PageHead, Tile, Tone},
        wire::wallboard::{WallAgent, WallCall, Wallboard},
    },
};

/// Who may open it: whoever has the link.
pub const NEED: Need = Need::Public;

/// `GET /wallboard/{token}`
///
/// # Errors
/// Missing for a link that opens nothing, whatever the reason.
pub async fn page(mut cx: Cx, Path(token): Path<String>) -> Result<Response, AppError> {
    let (open, _) = services::wallboard::open(&cx, &token).await?;
    let board = services::wallboard::read(&cx.app, open.business).await?;
    // The same for everybody: nobody's frame stands around it.
    cx.visitor.signed_in = None;
    cx.visitor.flash = None;
    let live = format!("/wallboard/{token}/live");
    let page = Page::new("Wallboard").live().with_script("/static/wallboard.js");
    let mut response = page.show(&cx, || view(open.business_name, live, &board));
    response.headers_mut().insert(HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("noindex"));
    Ok(response)
}

fn view(business: String, live: String, board: &Wallboard) -> AnyView {
    let tiles = tiles(board);
    let calls = board.calls.iter().map(|call| call_row(call, board.now)).collect_view();
    let agents = board.agents.iter().map(|agent| agent_row(agent, board.now)).collect_view();
    let is_quiet = board.calls.is_empty();
    view! {
        <div class="wallboard" data-wallboard=live>
            <PageHead title=business>
                {live_link::badge()}
            </PageHead>
            {tiles}
            <div class="grid-2">
                <section>
                    <h2 class="section-title">"Calls"</h2>
                    <p class="subtle" data-wall="quiet" hidden=!is_quiet>"Nobody is calling right now."</p>
                    <ul class="wall-list" data-wall="calls">{calls}</ul>
                </section>
                <section>
                    <h2 class="section-title">"Agents"</h2>
                    <ul class="wall-list" data-wall="agents">{agents}</ul>
                </section>
            </div>
            {parts()}
        </div>
    }
    .into_any()
}

/// What the script copies, so that it draws nothing that is not drawn here.
fn parts() -> AnyView {
    let states = AgentState::ALL.map(|state| {
        let name = format!("part-{}", state.code());
        view! { <div data-wall=name><AgentStateBadge state=state /></div> }
    });
    let icons = [("part-warn", Tone::Warn), ("part-bad", Tone::Bad)];
    let icons = icons.map(|(name, tone)| view! { <div data-wall=name><Icon name=tone.icon() /></div> });
    view! {
        <div hidden=true>
            {states.collect_view()}
            {icons.collect_view()}
        </div>
    }
    .into_any()
}

fn tiles(board: &Wallboard) -> AnyView {
    let wait = board.waits_since.map(|since| seconds(since, board.now));
    let (wait_tone, wait_note) = match wait.map(|seconds| board.measures.level(seconds)) {
        None | Some(Level::Fine) => (Tone::Neutral, ""),
        Some(level @ Level::Warn) => (Tone::Warn, level.label()),
        Some(level @ Level::Bad) => (Tone::Bad, level.label()),
    };
    let wait = wait.map_or_else(|| "–".to_owned(), duration);
    let level = board.level.map_or_else(|| "–".to_owned(), |percent| format!("{percent} %"));
    let level_tone = if board.level_met { Tone::Neutral } else { Tone::Warn };
    let note = level_note(board.within, board.offered, board.measures);
    view! {
        <div class="tiles">
            <div data-wall="active"><Tile label="In progress".to_owned() value=board.active.to_string() /></div>
            <div data-wall="waiting"><Tile label="Waiting".to_owned() value=board.waiting.to_string() /></div>
            <div data-wall="wait">
                <Tile label="Longest wait".to_owned() value=wait note=wait_note tone=wait_tone />
            </div>
            <div data-wall="level">
                <Tile label="Service level".to_owned() value=level note=note tone=level_tone />
            </div>
        </div>
    }
    .into_any()
}

/// The service level's formula, filled in.
fn level_note(within: u32, offered: u32, measures: Measures) -> String {
    let Measures { answer_seconds, target_percent, .. } = measures;
    format!("{within} of {offered} within {answer_seconds} s in the last hour; goal {target_percent} %")
}

fn seconds(since: i64, now: i64) -> i64 {
    (now - since).max(0) / 1000
}

fn call_row(call: &WallCall, now: i64) -> AnyView {
    let people = call.people.join(", ");
    view! {
        <li>
            <span>{call.state.clone()}</span>
            <span class="subtle">{call.direction.clone()}</span>
            <span>{people}</span>
            <span class="num">{duration(seconds(call.since, now))}</span>
        </li>
    }
    .into_any()
}

fn agent_row(agent: &WallAgent, now: i64) -> AnyView {
    let timer = agent.since.filter(|_| agent.state != AgentState::Offline);
    let timer = timer.map_or_else(String::new, |since| duration(seconds(since, now)));
    let on_call = if agent.on_call { "on a call" } else { "" };
    view! {
        <li>
            <span>{agent.name.clone()}</span>
            <AgentStateBadge state=agent.state />
            <span class="subtle">{on_call}</span>
            <span class="num">{timer}</span>
        </li>
    }
    .into_any()
}
