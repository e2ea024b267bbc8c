//! Small pieces that several pages draw alike: facts, ages, ids, and the words for connections.

use leptos::prelude::*;

use super::text;
use crate::{
    model::phone::Phone,
    server::kit::At,
    ui::parts::{Badge, Tone, When},
};

/// One line of [`crate::ui::parts::Facts`].
#[must_use]
pub fn fact(name: &str, value: impl IntoView + 'static) -> (String, AnyView) {
    (name.to_owned(), value.into_any())
}

/// Text of fixed width: ids, numbers, codes.
#[must_use]
pub fn mono(value: String) -> AnyView {
    view! { <span class="mono">{value}</span> }.into_any()
}

/// Where there is no value.
#[must_use]
pub fn dash() -> AnyView {
    view! { <span class="subtle">"–"</span> }.into_any()
}

/// How long ago, with the exact time behind it; a dash where it never was.
#[must_use]
pub fn ago_or_dash(at: Option<At>, now: At, zone: &str) -> AnyView {
    let Some(at) = at else { return dash() };
    let local = at.0.to_zoned(text::zone(zone));
    let exact = format!("{} · {zone}", local.strftime("%Y-%m-%d %H:%M:%S %:z"));
    view! { <When iso=at.0.to_string() shown=text::ago(at, now) title=exact /> }.into_any()
}

/// The end of an id. Its beginning is a time, which neighbours share.
#[must_use]
pub fn tail(id: &str) -> String {
    let skip = id.chars().count().saturating_sub(8);
    format!("…{}", id.chars().skip(skip).collect::<String>())
}

/// A stored number, masked: its last four digits.
#[must_use]
pub fn masked(number: Option<&str>) -> Option<String> {
    number.map(|text| text.parse::<Phone>().map_or_else(|_| "–".to_owned(), |phone| phone.masked().to_string()))
}

/// What a provider is called.
#[must_use]
pub fn provider(code: &str) -> &'static str {
    match code {
        "twilio" => "Twilio",
        "nowcerts" => "NowCerts",
        _ => "Another provider",
    }
}

/// Whether a provider tells Ringfort of what happens; the others are asked.
#[must_use]
pub fn has_webhooks(provider: &str) -> bool {
    provider == "twilio"
}

/// Whether a connection is in use.
#[must_use]
pub fn connection_state(state: &str) -> AnyView {
    match state {
        "active" => view! { <Badge tone=Tone::Good icon="check" text="Active".to_owned() /> }.into_any(),
        _ => view! { <Badge tone=Tone::Neutral icon="cross" text="Revoked".to_owned() /> }.into_any(),
    }
}

/// How a connection's last test went.
#[must_use]
pub fn test_result(result: Option<&str>) -> AnyView {
    let (tone, icon, word) = match result {
        Some("ok") => (Tone::Good, "check", "Accepted"),
        Some("refused") => (Tone::Bad, "cross", "Refused"),
        Some(_) => (Tone::Warn, "warn", "No answer"),
        None => (Tone::Neutral, "minus", "Not tested"),
    };
    view! { <Badge tone=tone icon=icon text=word.to_owned() /> }.into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ends_are_shown() {
        assert_eq!(tail("call_0123456789abcdef"), "…89abcdef");
        assert_eq!(tail("ab"), "…ab");
        assert_eq!(masked(Some("+14155550100")).as_deref(), Some("***-***-0100"));
        assert_eq!(masked(None), None);
    }
}
