//! Tone: what a part says by its colour, and the badge, which says it by word and shape as well.
//!
//! To add a tone: a variant, one class per helper below, and the classes in `style/app.css`.

use leptos::prelude::*;

use super::icon::Icon;
use crate::model::{
    agent::AgentState,
    call::{CallState, Direction},
};

/// What a part says by its colour. Never the only way in which it says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tone {
    /// Nothing special.
    #[default]
    Neutral,
    /// As it should be.
    Good,
    /// Worth a look.
    Warn,
    /// Wrong, or about to destroy something.
    Bad,
    /// Good to know.
    Info,
    /// The one thing to do next.
    Accent,
}

impl Tone {
    /// Classes of a badge.
    #[must_use]
    pub const fn badge(self) -> &'static str {
        match self {
            Self::Neutral => "badge badge-neutral",
            Self::Good => "badge badge-good",
            Self::Warn => "badge badge-warn",
            Self::Bad => "badge badge-bad",
            Self::Info => "badge badge-info",
            Self::Accent => "badge badge-accent",
        }
    }

    /// Classes of a notice.
    #[must_use]
    pub const fn notice(self) -> &'static str {
        match self {
            Self::Neutral => "notice notice-neutral",
            Self::Good => "notice notice-good",
            Self::Warn => "notice notice-warn",
            Self::Bad => "notice notice-bad",
            Self::Info => "notice notice-info",
            Self::Accent => "notice notice-accent",
        }
    }

    /// Classes of a tile.
    #[must_use]
    pub const fn tile(self) -> &'static str {
        match self {
            Self::Neutral => "tile",
            Self::Good => "tile tile-good",
            Self::Warn => "tile tile-warn",
            Self::Bad => "tile tile-bad",
            Self::Info => "tile tile-info",
            Self::Accent => "tile tile-accent",
        }
    }

    /// Classes of a button: the accent is the one main action, bad destroys, the others stay quiet.
    #[must_use]
    pub const fn button(self) -> &'static str {
        match self {
            Self::Accent | Self::Good => "btn btn-primary",
            Self::Bad => "btn btn-danger",
            Self::Neutral | Self::Warn | Self::Info => "btn btn-quiet",
        }
    }

    /// The icon that a notice of this tone leads with.
    #[must_use]
    pub const fn icon(self) -> &'static str {
        match self {
            Self::Good => "check",
            Self::Warn => "warn",
            Self::Bad => "cross",
            Self::Neutral | Self::Info | Self::Accent => "info",
        }
    }

    /// How a reader hears of it: problems interrupt, the rest waits.
    #[must_use]
    pub const fn role(self) -> &'static str {
        match self {
            Self::Warn | Self::Bad => "alert",
            Self::Neutral | Self::Good | Self::Info | Self::Accent => "status",
        }
    }
}

/// A state as word, shape and colour.
#[component]
pub fn Badge(tone: Tone, icon: &'static str, text: String) -> impl IntoView {
    view! {
        <span class=tone.badge()>
            <Icon name=icon/>
            <span>{text}</span>
        </span>
    }
}

/// The tone and icon of a call's state.
const fn of_call(state: CallState) -> (Tone, &'static str) {
    match state {
        CallState::Queued => (Tone::Neutral, "clock"),
        CallState::Initiated => (Tone::Info, "phone_out"),
        CallState::Ringing => (Tone::Info, "bell"),
        CallState::InProgress => (Tone::Good, "phone"),
        CallState::Canceled => (Tone::Neutral, "phone_missed"),
        CallState::Failed => (Tone::Bad, "cross"),
        CallState::NoAnswer => (Tone::Warn, "phone_missed"),
        CallState::Busy => (Tone::Warn, "minus"),
        CallState::Completed => (Tone::Neutral, "check"),
    }
}

/// The tone and icon of what an agent says.
const fn of_agent(state: AgentState) -> (Tone, &'static str) {
    match state {
        AgentState::Available => (Tone::Good, "check"),
        AgentState::Busy => (Tone::Warn, "minus"),
        AgentState::Break => (Tone::Info, "clock"),
        AgentState::WrapUp => (Tone::Info, "half"),
        AgentState::Offline => (Tone::Neutral, "cross"),
    }
}

/// What an agent says of themselves.
#[component]
pub fn AgentStateBadge(state: AgentState) -> impl IntoView {
    let (tone, icon) = of_agent(state);
    view! { <Badge tone=tone icon=icon text=state.label().to_owned()/> }
}

/// Where a call stands; `direction` is left out for a leg.
#[component]
pub fn CallStateBadge(state: CallState, #[prop(default = None)] direction: Option<Direction>) -> impl IntoView {
    let (tone, icon) = of_call(state);
    view! { <Badge tone=tone icon=icon text=state.label_on(direction).to_owned()/> }
}
