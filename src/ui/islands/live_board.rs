//! The live board (TEL-2): every ringing and running call, as it is now.
//!
//! Rows are ordered by when the call began, so a new one never moves what is under the pointer; a call that ended stays
//! for a moment, and while the pointer rests on the table. What the filter does not keep is not held here at all, so that
//! the tiles and the sound are about what is shown. What stands here while there is no row is the page's
//! (`server::pages::board`): it never changes, so no browser needs code for it.

use std::time::Duration;

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::hub::{self, Link};
use crate::{
    model::{
        call::{CallState, Direction},
        phone::MaskedPhone,
    },
    ui::{
        parts::{Badge, CallStateBadge, DataTable, Icon, Tile, Tone},
        wire::live::{LiveCall, LiveEvent},
    },
};

/// Seconds in one state from which a row asks for attention, and from which it demands it (ui.md).
pub const WARN_SECONDS: i64 = 180;
pub const BAD_SECONDS: i64 = 300;
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
    pub text: String,
}

impl BoardFilter {
    /// Whether a call belongs to what is shown.
    #[must_use]
    pub fn keeps(&self, call: &LiveCall) -> bool {
        let text = self.text.to_lowercase();
        let number = |phone: &Option<MaskedPhone>| phone.as_ref().is_some_and(|p| p.to_string().contains(&text));
        self.state.is_none_or(|s| s == call.state)
            && (text.is_empty()
                || number(&call.party)
                || number(&call.own)
                || call.agents.iter().any(|a| a.to_lowercase().contains(&text)))
    }
}

/// The board. `calls` are those that `filter` keeps, oldest first; `now` is the server's clock when it drew them, `cursor`
/// where it stood.
#[island]
pub fn LiveBoard(calls: Vec<LiveCall>, filter: BoardFilter, cursor: String, now: i64) -> impl IntoView {
    let (rows, set_rows) = signal(calls);
    let (clock, set_clock) = signal(now);
    let (resting, set_resting) = signal(false);
    let (sound, set_sound) = signal(false);

    Effect::new(move |_| {
        let filter = filter.clone();
        hub::clock_says(now);
        hub::listen(&cursor, move |event| {
            if let LiveEvent::Call { call, .. } = event {
                let is_kept = filter.keeps(call);
                if is_kept && sound.get_untracked() && is_new_ring(&rows.get_untracked(), call) {
                    beep();
                }
                set_rows.update(|rows| merge(rows, call, is_kept));
            }
        });
        set_interval(move || tick(set_clock, set_rows, resting.get_untracked()), Duration::from_secs(1));
    });
    view! {
        <div class="stack">
            <Summary rows=rows clock=clock sound=sound set_sound=set_sound />
            <div
                class="board-rows"
                on:pointerenter=move |_| set_resting.set(true)
                on:pointerleave=move |_| set_resting.set(false)
            >
                <DataTable caption="Live calls, oldest first".to_owned() head=HEAD.to_vec()>
                    <For
                        each=move || rows.get()
                        key=|call| call.clone()
                        children=move |call| view! { <Row call=call clock=clock /> }
                    />
                </DataTable>
            </div>
        </div>
    }
}

/// Chip, sound and tiles.
#[component]
fn Summary(
    rows: ReadSignal<Vec<LiveCall>>,
    clock: ReadSignal<i64>,
    sound: ReadSignal<bool>,
    set_sound: WriteSignal<bool>,
) -> impl IntoView {
    let count =
        move |state: fn(CallState) -> bool| rows.with(|r| r.iter().filter(|c| state(c.state)).count()).to_string();
    let toggle = move |_| {
        set_sound.update(|on| *on = !*on);
        if sound.get_untracked() {
            beep();
        }
    };
    view! {
        <div class="toolbar">
            <Chip clock=clock />
            <button
                class="btn btn-quiet btn-small"
                type="button"
                aria-pressed=move || sound.get().to_string()
                on:click=toggle
            >
                <Icon name="bell" />
                {move || if sound.get() { "Sound on ring: on" } else { "Sound on ring: off" }}
            </button>
        </div>
        <div class="tiles">
            {move || view! { <Tile label="In progress".to_owned() value=count(|s| s == CallState::InProgress) /> }}
            {move || view! { <Tile label="Waiting".to_owned() value=count(is_waiting) /> }}
            {move || view! { <Tile label="Longest wait".to_owned() value=longest_wait(&rows.get(), clock.get()) /> }}
        </div>
    }
}

#[component]
fn Row(call: LiveCall, clock: ReadSignal<i64>) -> impl IntoView {
    let (state, since) = (call.state, call.state_at);
    let seconds = move || if state.is_end() { 0 } else { (clock.get() - since).max(0) / 1000 };
    let level = move || match seconds() {
        s if s >= BAD_SECONDS => Some("bad"),
        s if s >= WARN_SECONDS => Some("warn"),
        _ => None,
    };
    let note = move || match level() {
        Some("bad") => "far too long",
        Some(_) => "long",
        None => "",
    };
    let direction = call.direction;
    let icon = match direction {
        Direction::Inbound => "phone_in",
        Direction::Outbound => "phone_out",
    };
    let number = |phone: Option<MaskedPhone>| phone.map_or_else(|| "withheld".to_owned(), |p| p.to_string());
    let people = if call.agents.is_empty() { "–".to_owned() } else { call.agents.join(", ") };
    view! {
        <tr data-level=level data-call=call.id.to_string()>
            <td><CallStateBadge state=state direction=Some(direction) /></td>
            <td class="nowrap"><Icon name=icon />" "{direction.label()}</td>
            <td class="mono">{number(call.party)}</td>
            <td class="mono">{number(call.own)}</td>
            <td>{people}</td>
            <td class="num">{move || clock_text(seconds())}<span class="cell-note">{note}</span></td>
            <td class="actions"><a class="link" href=format!("/calls/{}", call.id)>"Open"</a></td>
        </tr>
    }
}

/// How the connection is, in a word and seconds.
#[component]
fn Chip(clock: ReadSignal<i64>) -> impl IntoView {
    let state = RwSignal::new(Link::Waking);
    Effect::new(move |_| state.set(hub::link().get()));
    move || match state.get() {
        Link::Waking => view! { <Badge tone=Tone::Neutral icon="clock" text="Shown as loaded".to_owned() /> },
        Link::Connected => view! { <Badge tone=Tone::Good icon="check" text="Connected".to_owned() /> },
        Link::Lost(since) => {
            // Read for its tick: the seconds count on.
            let _ = clock.get();
            let seconds = (hub::browser_now() - since).max(0) / 1000;
            let text = format!("Lost for {seconds} s; calls may be missing");
            view! { <Badge tone=Tone::Bad icon="warn" text=text /> }
        }
    }
}

/// A second passed: durations count on, and calls that ended leave, unless somebody's pointer rests on the table.
fn tick(set_clock: WriteSignal<i64>, set_rows: WriteSignal<Vec<LiveCall>>, is_resting: bool) {
    let now = hub::server_now();
    set_clock.set(now);
    if !is_resting {
        set_rows.update(|rows| rows.retain(|row| !is_over(row, now)));
    }
}

fn is_waiting(state: CallState) -> bool {
    matches!(state, CallState::Queued | CallState::Initiated | CallState::Ringing)
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

fn longest_wait(rows: &[LiveCall], now: i64) -> String {
    let waits = rows.iter().filter(|c| is_waiting(c.state)).map(|c| (now - c.started_at).max(0) / 1000);
    waits.max().map_or_else(|| "–".to_owned(), clock_text)
}

fn clock_text(seconds: i64) -> String {
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

/// A short tone. Browsers allow it only after a click on this page, which the switch is.
fn beep() {
    let play = || -> Result<(), wasm_bindgen::JsValue> {
        let audio = web_sys::AudioContext::new()?;
        let (tone, volume) = (audio.create_oscillator()?, audio.create_gain()?);
        tone.frequency().set_value(880.0);
        volume.gain().set_value(0.08);
        tone.connect_with_audio_node(&volume)?;
        volume.connect_with_audio_node(&audio.destination())?;
        tone.start()?;
        tone.stop_with_when(audio.current_time() + 0.25)
    };
    // No sound card, no sound: the row is there all the same.
    let _ = play();
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
            started_at: 0,
            state_at: 0,
        }
    }

    #[test]
    fn filters_by_state_person_and_last_digits() {
        let ringing = call(CallState::Ringing, &["Ana"]);
        let keeps = |state, text: &str| BoardFilter { state, text: text.into() }.keeps(&ringing);
        assert!(keeps(None, "") && keeps(Some(CallState::Ringing), "ana") && keeps(None, "0123"));
        assert!(!keeps(Some(CallState::Completed), "") && !keeps(None, "bob"));
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
