//! The cards about calls and about what needs a look. Each is absent for a role that may not see it.

use leptos::prelude::*;

use super::{
    jobs,
    model::{LINES, Model},
    risks::{self, Risk},
};
use crate::{
    model::permission::Permission,
    server::{
        http::field::PAGE,
        pages::{own_state, text},
        store::{
            call_log::{Counts, Line},
            live::BoardCall,
        },
    },
    ui::parts::{Badge, CallStateBadge, Card, Empty, Tile, Tone},
};

/// Answered of those that were answered or ended without an answer, in whole percent.
fn rate(counts: Counts) -> Option<i64> {
    let decided = counts.answered + counts.missed;
    (decided > 0).then(|| counts.answered * 100 / decided)
}

/// Today in figures.
pub fn numbers(m: &Model) -> Option<AnyView> {
    let numbers = m.numbers?;
    let (today, before) = (numbers.today, numbers.week_ago);
    let whose = if m.only_own_calls() { "Your calls today" } else { "Calls today" };
    let percent = |counts| rate(counts).map_or_else(|| "–".to_owned(), |rate| format!("{rate} %"));
    let tone = if today.missed > before.missed { Tone::Warn } else { Tone::Neutral };
    let then = format!("by this time last {}", m.day.weekday);
    let people = m.people.map(|people| {
        view! { <Tile label="People in the team".to_owned() value=people.to_string() /> }
    });
    let team = m.people.is_some().then(|| view! { <a class="link" href="/team">"The team"</a> });
    let href = format!("/calls?from={}", m.day.date);
    let tiles = view! {
        <section class="stack-tight" aria-label="Today">
            <div class="tiles">
                <Tile label=whose.to_owned() value=today.total.to_string() note=format!("{} {then}", before.total) />
                <Tile
                    label="Answered".to_owned()
                    value=percent(today)
                    note=format!("{} of {}; {} {then}", today.answered, today.answered + today.missed, percent(before))
                />
                <Tile
                    label="Missed".to_owned()
                    value=today.missed.to_string()
                    note=format!("{} {then}", before.missed)
                    tone=tone
                />
                {people}
            </div>
            <p class="row">
                <a class="link" href=href>"The calls of today"</a>
                {team}
            </p>
        </section>
    };
    Some(tiles.into_any())
}

/// The way to a technician's own page, which is where their day is.
pub fn field(m: &Model) -> Option<AnyView> {
    let left = jobs::left(m);
    let card = || {
        view! {
            <Card title="Your day">
                <div class="stack-tight">
                    <p>"Your shift, your jobs of today, and who looked at where you are. Made for your phone."</p>
                    {left.map(|words| view! { <p class="cell-main">{words}</p> })}
                    <p>
                        <a class="btn btn-primary" href=PAGE>"Open my day"</a>
                    </p>
                </div>
            </Card>
        }
    };
    m.may(Permission::PositionsSend).then(|| card().into_any())
}

/// What a role without calls sees until there are analytics.
pub fn waiting(m: &Model) -> Option<AnyView> {
    if m.numbers.is_some() || !m.may(Permission::Analytics) {
        return None;
    }
    let card = view! {
        <Empty
            icon="board"
            title="No analytics yet".to_owned()
            text="Your role sees the business's numbers, not its calls. They come with the data.".to_owned()
        >
            <a class="btn btn-quiet" href="/account">"See what your role may do"</a>
        </Empty>
    };
    Some(card.into_any())
}

/// What rings and runs now, with the way to the board.
pub fn live(m: &Model) -> Option<AnyView> {
    let calls = m.live.as_ref()?;
    let active: Vec<&BoardCall> = calls.iter().filter(|call| !call.state.is_end()).collect();
    let says = match active.len() {
        0 => "Nobody is on the phone.".to_owned(),
        1 => "One call is active.".to_owned(),
        many => format!("{many} calls are active."),
    };
    let rows = active.into_iter().take(LINES).map(live_row).collect_view();
    let card = view! {
        <Card title="Now">
            <div class="stack-tight">
                <p class="toolbar">
                    <span>{says}</span>
                    <a class="link" href="/board">"Live board"</a>
                </p>
                <ul class="stack-tight">{rows}</ul>
            </div>
        </Card>
    };
    Some(card.into_any())
}

/// Whether one takes calls, for people whose desk rings.
pub fn own_state(m: &Model) -> Option<AnyView> {
    let own = m.own_state.as_ref()?;
    let form = own_state::form(Some(&own.agent), &own.reasons, own.form.clone());
    Some(view! { <Card title="Do you take calls?">{form}</Card> }.into_any())
}

fn live_row(call: &BoardCall) -> AnyView {
    let agents = call.wire().agents.join(", ");
    let agents = if agents.is_empty() { "nobody yet".to_owned() } else { agents };
    view! {
        <li class="toolbar">
            <span>
                <span class="mono">{text::party(call.party.as_ref())}</span>
                <span class="cell-note">{agents}</span>
            </span>
            <CallStateBadge state=call.wire().state direction=Some(call.direction) />
        </li>
    }
    .into_any()
}

/// The last calls of people who see no others.
pub fn own_calls(m: &Model) -> Option<AnyView> {
    if !m.only_own_calls() {
        return None;
    }
    let none = m.own_calls.is_empty().then(|| {
        view! { <p class="subtle">"No call has rung at your desk yet. The first one appears here."</p> }
    });
    let rows = m.own_calls.iter().map(|line| call_row(line, &m.zone)).collect_view();
    let card = view! {
        <Card title="Your last calls">
            <div class="stack-tight">
                {none}
                <ul class="stack-tight">{rows}</ul>
                <p>
                    <a href="/calls">"All your calls"</a>
                </p>
            </div>
        </Card>
    };
    Some(card.into_any())
}

fn call_row(line: &Line, zone: &str) -> AnyView {
    view! {
        <li class="toolbar">
            <span>
                <a class="link mono" href=format!("/calls/{}", line.id)>{text::party(line.party.as_ref())}</a>
                <span class="cell-note">{text::when(line.started_at, zone)}</span>
            </span>
            <CallStateBadge state=line.heard() direction=Some(line.direction) />
        </li>
    }
    .into_any()
}

/// What needs a look, for people who can do something about it.
pub fn risks(m: &Model) -> Option<AnyView> {
    if !m.may(Permission::Credentials) {
        return None;
    }
    let mut found = risks::of_connections(&m.connections, m.now);
    found.extend(risks::of_retention(&m.retention, m.now));
    found.extend(risks::of_review(m.review.as_ref(), m.now));
    found.extend(risks::of_factors(&m.without_factor, m.now));
    found.extend(m.operator.as_deref().map(risks::of_operator));
    let none = found.is_empty().then(|| {
        view! {
            <p class="toolbar">
                <span>"Connections, deletion and access are as they should be."</span>
                <Badge tone=Tone::Good icon="check" text="Nothing open".to_owned() />
            </p>
        }
    });
    let rows = found.into_iter().map(risk_row).collect_view();
    let card = view! {
        <Card title="Open risks">
            <div class="stack-tight">
                {none}
                <ul class="stack-tight">{rows}</ul>
                <p>
                    <a href="/connections">"All connections"</a>
                </p>
            </div>
        </Card>
    };
    Some(card.into_any())
}

fn risk_row(risk: Risk) -> AnyView {
    view! {
        <li class="toolbar">
            <a class="link" href=risk.href>{risk.text}</a>
            <Badge tone=risk.tone icon=risk.tone.icon() text=risk.word.to_owned() />
        </li>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_counts_decided_calls_only() {
        assert_eq!(rate(Counts { total: 9, answered: 3, missed: 1 }), Some(75));
        assert_eq!(rate(Counts { total: 1, answered: 0, missed: 0 }), None);
    }
}
