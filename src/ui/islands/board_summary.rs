//! What stands above the live board's rows (TEL-2): the sound's switch, the tiles, a line for each queue.

use leptos::prelude::*;

use super::live_board::Board;
use crate::{
    model::{
        board::{LEVEL_SECONDS, Level, Measures, percent},
        call::CallState,
        id::QueueId,
    },
    ui::{
        parts::{Icon, Tile, Tone, duration},
        wire::live::{LiveCall, Tally},
    },
};

/// Sound and tiles.
#[component]
pub(super) fn Summary(board: Board, queue: Option<QueueId>) -> impl IntoView {
    let Board { rows, clock, sound, measures, .. } = board;
    let toggle = move |_| {
        sound.update(|on| *on = !*on);
        if sound.get_untracked() {
            beep();
        }
    };
    let tiles = move || {
        let (now, none) = (clock.get(), String::new());
        let (active, waiting, longest) = rows.with(|rows| measure(rows, None, now));
        let level = measures.level(longest.unwrap_or_default());
        let longest = longest.map_or_else(|| "–".to_owned(), duration);
        let mut all = vec![
            ("In progress", active.to_string(), none.clone(), Tone::Neutral),
            ("Waiting", waiting.to_string(), none, Tone::Neutral),
            ("Longest wait", longest, level.label().to_owned(), tone(level)),
        ];
        let level = board.tally.with(|tally| Some(service_level(tally.as_ref()?, queue, measures, now)));
        all.extend(level.map(|(value, note, tone)| ("Service level", value, note, tone)));
        all
    };
    view! {
        <div class="toolbar">
            <button
                class="btn btn-quiet btn-small"
                type="button"
                data-key="s"
                aria-pressed=move || sound.get().to_string()
                on:click=toggle
            >
                <Icon name="bell" />
                {move || if sound.get() { "Sound on ring: on" } else { "Sound on ring: off" }}
            </button>
        </div>
        <div class="tiles">
            {move || tiles().into_iter().map(|(label, value, note, tone)| {
                view! { <Tile label=label.to_owned() value=value note=note tone=tone /> }
            }).collect_view()}
        </div>
    }
}

/// A line for each queue.
#[component]
pub(super) fn Queues(board: Board, queues: Vec<(QueueId, String)>) -> impl IntoView {
    let line = move |id: QueueId| {
        let now = board.clock.get();
        let (active, waiting, longest) = board.rows.with(|rows| measure(rows, Some(id), now));
        let longest = longest.map_or_else(|| "–".to_owned(), duration);
        let level = board.tally.with(|tally| {
            let level = tally.as_ref().map(|tally| service_level(tally, Some(id), board.measures, now).0);
            level.map_or_else(String::new, |level| format!(" · {level} in time"))
        });
        format!("{waiting} waiting · {active} in progress · longest wait {longest}{level}")
    };
    let lines = queues
        .into_iter()
        .map(|(id, name)| {
            let href = format!("/board?queue={id}");
            view! {
                <li data-queue=id.to_string()>
                    <a class="link" href=href>{name}</a>
                    <span>{move || line(id)}</span>
                </li>
            }
        })
        .collect_view();
    view! { <ul class="queues" aria-label="Queues">{lines}</ul> }
}

/// Calls in progress, calls that wait, and the seconds that the first of them has waited: of a queue, or of all.
fn measure(rows: &[LiveCall], queue: Option<QueueId>, now: i64) -> (usize, usize, Option<i64>) {
    let (mut active, mut waiting, mut longest) = (0, 0, None);
    for call in rows.iter().filter(|call| queue.is_none() || call.queue == queue) {
        if call.state == CallState::InProgress {
            active += 1;
        } else if matches!(call.state, CallState::Queued | CallState::Initiated | CallState::Ringing) {
            waiting += 1;
            longest = longest.max(Some((now - call.started_at).max(0) / 1000));
        }
    }
    (active, waiting, longest)
}

const fn tone(level: Level) -> Tone {
    match level {
        Level::Fine => Tone::Neutral,
        Level::Warn => Tone::Warn,
        Level::Bad => Tone::Bad,
    }
}

/// The share that was answered in time, its formula, filled in, and whether it is good. What was counted more than an hour ago
/// says nothing.
fn service_level(tally: &Tally, queue: Option<QueueId>, measures: Measures, now: i64) -> (String, String, Tone) {
    let is_old = now - tally.at > LEVEL_SECONDS * 1000;
    let (within, offered) = if is_old { (0, 0) } else { tally.of(queue) };
    let Measures { answer_seconds, target_percent, .. } = measures;
    let note = format!("{within} of {offered} within {answer_seconds} s in the last hour; goal {target_percent} %");
    match percent(within, offered) {
        None => ("–".to_owned(), note, Tone::Neutral),
        Some(share) if measures.is_met(share) => (format!("{share} %"), note, Tone::Good),
        Some(share) => (format!("{share} %"), note, Tone::Warn),
    }
}

/// A short tone. Browsers allow it only after a click on this page, which the switch is.
pub(super) fn beep() {
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
    use crate::ui::wire::live::TallyLine;

    #[test]
    fn a_service_level_says_what_it_counted() {
        let queue = Some(QueueId(Uuid::from_u128(7)));
        let lines = vec![TallyLine { queue: None, offered: 2, within: 0 }, TallyLine { queue, offered: 8, within: 8 }];
        let tally = Tally { lines, at: 1_000 };
        let level = |queue, now| service_level(&tally, queue, Measures::DEFAULT, now);
        assert_eq!((level(None, 1_000).0.as_str(), level(None, 1_000).2), ("80 %", Tone::Good));
        assert_eq!(level(queue, 1_000).0, "100 %");
        assert!(level(None, 1_000).1.starts_with("8 of 10 within 20 s"));
        assert_eq!(level(None, LEVEL_SECONDS * 1000 + 1_001).0, "–", "an hour later nobody knows");
    }
}
