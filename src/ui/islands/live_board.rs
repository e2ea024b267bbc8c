//! The live board (TEL-2): every ringing and running call, as it is now.
//!
//! Rows are ordered by when the call began, so a new one never moves what is under the pointer; a call that ended stays
//! for a moment, and while the pointer rests on the table. What the filter does not keep is not held here at all, so that
//! the tiles and the sound are about what is shown. What stands here while there is no row is the page's
//! (`server::pages::board`): it never changes, so no browser needs code for it.

use std::time::Duration;

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::{
    agents::{self, Agents},
    board_summary::{Queues, Summary, beep},
    hub,
};
use crate::{
    model::{
        board::Measures,
        call::{CallState, Direction},
        id::QueueId,
        phone::MaskedPhone,
    },
    ui::{
        parts::{CallStateBadge, DataTable, Icon, duration},
        wire::live::{LiveAgent, LiveCall, LiveEvent, Tally},
    },
};

/// An ended call is shown for this long.
const LINGER_MILLIS: i64 = 10_000;

const HEAD: [(&str, &str); 7] = [
    ("State", ""),
    ("Direction", ""),
    ("Customer", ""),
    ("Our number", ""),
    ("Person", ""),
    ("In this state", "num"),
    ("", "actions"),
];

/// What the page filters by; it stands in the URL.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoardFilter {
    pub state: Option<CallState>,
    pub queue: Option<QueueId>,
    pub text: String,
}

impl BoardFilter {
    /// Whether a call belongs to what is shown.
    #[must_use]
    pub fn keeps(&self, call: &LiveCall) -> bool {
        let text = self.text.to_lowercase();
        let number = |phone: &Option<MaskedPhone>| phone.as_ref().is_some_and(|p| p.to_string().contains(&text));
        self.state.is_none_or(|s| s == call.state)
            && (self.queue.is_none() || self.queue == call.queue)
            && (text.is_empty()
                || number(&call.party)
                || number(&call.own)
                || call.agents.iter().any(|a| a.to_lowercase().contains(&text)))
    }
}

/// What the board shows when it is drawn: calls that the filter keeps, oldest first, agents by name; `now` is the server's
/// clock then. The tally is for who sees the whole board.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BoardStart {
    pub calls: Vec<LiveCall>,
    pub agents: Vec<LiveAgent>,
    pub tally: Option<Tally>,
    pub now: i64,
}

/// What it shows them by.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BoardRules {
    pub filter: BoardFilter,
    pub measures: Measures,
    /// The queues that are shown, with their names.
    pub queues: Vec<(QueueId, String)>,
}

/// What the board's parts look at. Signals are copied freely.
#[derive(Clone, Copy)]
pub(super) struct Board {
    pub rows: RwSignal<Vec<LiveCall>>,
    pub agents: RwSignal<Vec<LiveAgent>>,
    pub tally: RwSignal<Option<Tally>>,
    pub clock: RwSignal<i64>,
    pub sound: RwSignal<bool>,
    pub measures: Measures,
}

/// The board.
#[island]
pub fn LiveBoard(start: BoardStart, rules: BoardRules) -> impl IntoView {
    let BoardStart { calls, agents, tally, now } = start;
    let BoardRules { filter, measures, queues } = rules;
    let board = Board {
        rows: RwSignal::new(calls),
        agents: RwSignal::new(agents),
        tally: RwSignal::new(tally),
        clock: RwSignal::new(now),
        sound: RwSignal::new(false),
        measures,
    };
    let queue = filter.queue;
    let resting = RwSignal::new(false);
    Effect::new(move |_| {
        let filter = filter.clone();
        hub::clock_says(now);
        hub::listen(move |event| hear(board, &filter, event));
        set_interval(move || tick(board, resting.get_untracked()), Duration::from_secs(1));
    });
    view! {
        <div class="stack">
            <Summary board=board queue=queue />
            <Queues board=board queues=queues />
            <div
                class="board-rows"
                on:pointerenter=move |_| resting.set(true)
                on:pointerleave=move |_| resting.set(false)
            >
                <DataTable caption="Live calls, oldest first".to_owned() head=HEAD.to_vec()>
                    <For
                        each=move || board.rows.get()
                        key=|call| call.clone()
                        children=move |call| view! { <Row call=call board=board /> }
                    />
                </DataTable>
            </div>
            <Agents agents=board.agents.read_only() clock=board.clock.read_only() />
        </div>
    }
}

/// Something happened.
fn hear(board: Board, filter: &BoardFilter, event: &LiveEvent) {
    match event {
        LiveEvent::Call { call, tally, .. } => {
            let is_kept = filter.keeps(call);
            if is_kept && board.sound.get_untracked() && is_new_ring(&board.rows.get_untracked(), call) {
                beep();
            }
            board.rows.update(|rows| merge(rows, call, is_kept));
            board.agents.maybe_update(|agents| agents::mark(agents, call));
            if tally.is_some() {
                board.tally.set(tally.clone());
            }
        }
        LiveEvent::Agent { agent, .. } => board.agents.update(|agents| agents::put(agents, agent)),
        LiveEvent::Pop { .. } | LiveEvent::PopGone { .. } => {}
    }
}

#[component]
fn Row(call: LiveCall, board: Board) -> impl IntoView {
    let (state, since) = (call.state, call.state_at);
    let seconds = move || if state.is_end() { 0 } else { (board.clock.get() - since).max(0) / 1000 };
    let level = move || board.measures.level(seconds());
    let direction = call.direction;
    let icon = match direction {
        Direction::Inbound => "phone_in",
        Direction::Outbound => "phone_out",
    };
    let number = |phone: Option<MaskedPhone>| phone.map_or_else(|| "withheld".to_owned(), |p| p.to_string());
    let people = if call.agents.is_empty() { "–".to_owned() } else { call.agents.join(", ") };
    view! {
        <tr data-level=move || level().code() data-call=call.id.to_string() data-state=state.code()>
            <td><CallStateBadge state=state direction=Some(direction) /></td>
            <td class="nowrap"><Icon name=icon />" "{direction.label()}</td>
            <td class="mono">{number(call.party)}</td>
            <td class="mono">{number(call.own)}</td>
            <td>{people}</td>
            <td class="num">{move || duration(seconds())}<span class="cell-note">{move || level().label()}</span></td>
            <td class="actions"><a class="link" href=format!("/calls/{}", call.id)>"Open"</a></td>
        </tr>
    }
}

/// A second passed: durations count on, and calls that ended leave, unless somebody's pointer rests on the table.
fn tick(board: Board, is_resting: bool) {
    let now = hub::server_now();
    board.clock.set(now);
    if !is_resting {
        board.rows.maybe_update(|rows| {
            let before = rows.len();
            rows.retain(|row| !is_over(row, now));
            rows.len() != before
        });
    }
}

fn is_over(call: &LiveCall, now: i64) -> bool {
    call.state.is_end() && now - call.state_at > LINGER_MILLIS
}

fn is_new_ring(rows: &[LiveCall], call: &LiveCall) -> bool {
    call.state == CallState::Ringing && !rows.iter().any(|row| row.id == call.id)
}

/// Puts a call where it belongs by its beginning, in place of what was known of it; takes it out when the filter keeps it no
/// more. The rows are in order already, so nothing is sorted.
fn merge(rows: &mut Vec<LiveCall>, call: &LiveCall, is_kept: bool) {
    rows.retain(|row| row.id != call.id);
    if is_kept {
        let place = rows.partition_point(|row| (row.started_at, row.id) < (call.started_at, call.id));
        rows.insert(place, call.clone());
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::model::id::CallId;

    fn call(state: CallState, agents: &[&str]) -> LiveCall {
        LiveCall {
            id: CallId(Uuid::from_u128(1)),
            state,
            direction: Direction::Inbound,
            party: "+14155550123".parse::<crate::model::phone::Phone>().ok().map(|p| p.masked()),
            own: None,
            agents: agents.iter().map(|a| (*a).to_owned()).collect(),
            queue: None,
            talking: None,
            started_at: 0,
            state_at: 0,
        }
    }

    #[test]
    fn filters_by_state_person_and_last_digits() {
        let ringing = call(CallState::Ringing, &["Ana"]);
        let keeps = |state, text: &str| BoardFilter { state, queue: None, text: text.into() }.keeps(&ringing);
        assert!(keeps(None, "") && keeps(Some(CallState::Ringing), "ana") && keeps(None, "0123"));
        assert!(!keeps(Some(CallState::Completed), "") && !keeps(None, "bob"));
        let queue = Some(QueueId(Uuid::from_u128(7)));
        let of_queue = BoardFilter { queue, ..BoardFilter::default() };
        assert!(!of_queue.keeps(&ringing) && of_queue.keeps(&LiveCall { queue, ..ringing }));
    }

    #[test]
    fn an_event_replaces_its_row() {
        let mut rows = vec![call(CallState::Ringing, &[])];
        merge(&mut rows, &call(CallState::InProgress, &["Ana"]), true);
        assert_eq!(rows, [call(CallState::InProgress, &["Ana"])]);
        merge(&mut rows, &call(CallState::Completed, &["Ana"]), false);
        assert!(rows.is_empty(), "the filter keeps it no more");
        assert!(is_over(&call(CallState::Completed, &[]), LINGER_MILLIS + 1));
        assert!(!is_over(&call(CallState::Ringing, &[]), i64::MAX));
    }

    #[test]
    fn rows_stand_by_when_the_calls_began() {
        let numbered = |id: u128, started_at| LiveCall {
            id: CallId(Uuid::from_u128(id)),
            started_at,
            ..call(CallState::Ringing, &[])
        };
        let mut rows = Vec::new();
        for (id, started_at) in [(1, 20), (2, 30), (3, 10), (4, 20), (2, 15)] {
            merge(&mut rows, &numbered(id, started_at), true);
        }
        let order: Vec<i64> = rows.iter().map(|row| row.started_at).collect();
        assert_eq!(order, [10, 15, 20, 20]);
    }
}
