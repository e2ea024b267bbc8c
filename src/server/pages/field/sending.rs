//! What the technician's phone sends, in words: the card that `public/static/field.js` brings to life. Everything that it may
//! say stands here, hidden; the script shows what is true. To add a state: a row in [`STATES`], and its word there.

use leptos::prelude::*;

use crate::{
    model::id::MemberId,
    server::{http::field::POSITIONS, kit::At, pages::text},
    ui::parts::{Badge, Card, Facts, Tone},
};

/// What the script has to know.
#[derive(Debug, Clone, Copy)]
pub struct Sender {
    pub member: MemberId,
    /// Since when their shift is on, and when it ends by itself; absent while it is off.
    pub shift: Option<(At, At)>,
}

/// How it stands, for the script, and as word, shape, and what to do about it.
#[derive(Debug, Clone, Copy)]
struct State {
    word: &'static str,
    tone: Tone,
    icon: &'static str,
    label: &'static str,
    text: &'static str,
}

const fn state(word: &'static str, tone: Tone, icon: &'static str, label: &'static str, text: &'static str) -> State {
    State { word, tone, icon, label, text }
}

const STATES: [State; 10] = [
    state("off", Tone::Neutral, "minus", "Not sending", "No shift is on. This phone is not asked where it is."),
    state(
        "looking",
        Tone::Info,
        "search",
        "Looking for your place",
        "The phone is asked where it is. Indoors this takes a while.",
    ),
    state("sending", Tone::Good, "check", "Sending", "Where you are goes out, every 20 seconds at most."),
    state(
        "waiting",
        Tone::Warn,
        "clock",
        "Waiting",
        "What could not be sent yet waits on this phone. It goes out by itself when the network is back.",
    ),
    state(
        "denied",
        Tone::Bad,
        "cross",
        "Not sending: no location",
        "This browser does not say where it is. Allow location for this page in the browser's settings and in the phone's, \
         then load the page again.",
    ),
    state(
        "clock",
        Tone::Bad,
        "clock",
        "Not sending: the clock is wrong",
        "This phone's clock is ahead, so that no place can be believed. Have the phone set its time by itself: then it goes on.",
    ),
    state(
        "signed_out",
        Tone::Bad,
        "cross",
        "Not sending: signed out",
        "Your session is over. Load the page again and sign in: what waits goes out then.",
    ),
    state(
        "refused",
        Tone::Bad,
        "cross",
        "Not sending: refused",
        "Your role does not allow it any more, or this network is not one of your business's. Load the page again: it says which.",
    ),
    state(
        "elsewhere",
        Tone::Neutral,
        "info",
        "Another tab sends",
        "This page is open a second time in this browser. One of them sends.",
    ),
    state(
        "unable",
        Tone::Bad,
        "cross",
        "Not sending: this browser cannot",
        "This browser lets the page keep nothing. In a private window that is so: open it in another one.",
    ),
];

/// The card. `received`: when the server got the newest place. Without a sender it is the one of the page that stands in without
/// a network.
#[must_use]
pub fn card(sender: Option<Sender>, received: Option<At>, zone: &str) -> AnyView {
    let millis = |at: At| at.millis().to_string();
    let shift = sender.and_then(|sender| sender.shift);
    let states = STATES.into_iter().map(drawn).collect_view();
    let figures = figures(received, zone);
    view! {
        <Card title="Where you are">
            <div
                class="stack-tight"
                data-field=sender.map(|sender| sender.member.to_string()).unwrap_or_default()
                data-positions=sender.map(|_| POSITIONS)
                data-since=shift.map(|(began, _)| millis(began))
                data-until=shift.map(|(_, until)| millis(until))
            >
                <noscript>
                    <p>"This browser runs no scripts: where you are is not sent. Shift, jobs and calls work all the same."</p>
                </noscript>
                <div class="stack-tight" role="status">{states}</div>
                <p class="hint" data-field-part="slept"></p>
                {figures}
                <div class="row">
                    <button class="btn btn-quiet" type="button" aria-pressed="false" data-field-part="awake" hidden=true>
                        "Keep the screen on"
                    </button>
                </div>
                <p class="hint">
                    "Leave this page open: browsers ask for a place only while it is, and most stop when another app is in front or \
                     the screen is off. The page says so when that was so."
                </p>
                {told()}
            </div>
        </Card>
    }
    .into_any()
}

fn drawn(state: State) -> AnyView {
    view! {
        <div class="stack-tight" data-field-state=state.word hidden=true>
            <p>
                <Badge tone=state.tone icon=state.icon text=state.label.to_owned() />
            </p>
            <p>{state.text}</p>
        </div>
    }
    .into_any()
}

/// What only the phone knows: the script writes it. Last sent is what the server knows, until the script has sent something.
fn figures(received: Option<At>, zone: &str) -> AnyView {
    let fact = |label: &str, name: &'static str, value: AnyView| {
        (label.to_owned(), view! { <span data-field-part=name>{value}</span> }.into_any())
    };
    let items = vec![
        fact("Waits on this phone", "waiting", "–".into_any()),
        fact("Last sent", "sent", text::when_or_dash(received, zone)),
        fact("As exact as", "accuracy", "–".into_any()),
    ];
    view! { <Facts items=items /> }.into_any()
}

/// What is sent, to whom, and for how long.
fn told() -> AnyView {
    view! {
        <details>
            <summary>"What is sent, and who sees it"</summary>
            <div class="stack-tight">
                <p>
                    "While your shift is on: where the phone is, how exact that is, how fast and in which direction you move. Nothing \
                     before it begins and nothing after it ends: the server refuses that too."
                </p>
                <p>
                    "Your dispatchers see it on their map. Customers whom you are on the way to may follow you by a link, to about 1,000 \
                     feet. Who looked is listed on this page, and it is deleted after the time that your business has set."
                </p>
                <p>"Signing out deletes what still waits on this phone."</p>
            </div>
        </details>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_knows_every_state_and_no_other() {
        let script = include_str!("../../../../public/static/field.js");
        for state in &STATES {
            assert!(script.contains(&format!("\"{}\"", state.word)), "{}", state.word);
        }
        let mut words: Vec<_> = STATES.iter().map(|state| state.word).collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), STATES.len());
    }

    #[test]
    fn the_script_stays_small() {
        assert!(include_str!("../../../../public/static/field.js").len() <= 10 * 1024);
    }
}
