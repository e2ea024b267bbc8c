//! Icons: 16 by 16, one stroke in the colour of the text around them, hidden from readers (the word is beside them).
//!
//! To add one: a name and its path below. One path per icon, drawn on a grid of 16 with a line of 1.5; a dot is
//! `h.01`. The test below lists the names.

use leptos::prelude::*;

/// An icon by name. An unknown name draws a dot.
#[component]
pub fn Icon(name: &'static str) -> impl IntoView {
    view! {
        <svg
            class="icon"
            viewBox="0 0 16 16"
            width="16"
            height="16"
            fill="none"
            stroke="currentColor"
            stroke-width="1.5"
            stroke-linecap="round"
            stroke-linejoin="round"
            aria-hidden="true"
            focusable="false"
        >
            <path d=path(name)></path>
        </svg>
    }
}

/// What an unknown name draws.
const DOT: &str = "M8 10a2 2 0 1 0 0-4 2 2 0 0 0 0 4z";

#[rustfmt::skip]
fn path(name: &str) -> &'static str {
    match name {
        "phone" => "M3.2 2.5h2.3l1.1 2.9-1.5 1.2a8 8 0 0 0 4.3 4.3l1.2-1.5 2.9 1.1v2.3a1.2 1.2 0 0 1-1.3 1.2A11.3 11.3 0 0 1 2 3.8a1.2 1.2 0 0 1 1.2-1.3z",
        "phone_in" => "M3.2 2.5h2.3l1.1 2.9-1.5 1.2a8 8 0 0 0 4.3 4.3l1.2-1.5 2.9 1.1v2.3a1.2 1.2 0 0 1-1.3 1.2A11.3 11.3 0 0 1 2 3.8a1.2 1.2 0 0 1 1.2-1.3zM14 2l-3.8 3.8M10.2 2.8v3h3",
        "phone_out" => "M3.2 2.5h2.3l1.1 2.9-1.5 1.2a8 8 0 0 0 4.3 4.3l1.2-1.5 2.9 1.1v2.3a1.2 1.2 0 0 1-1.3 1.2A11.3 11.3 0 0 1 2 3.8a1.2 1.2 0 0 1 1.2-1.3zM10 6l4-4M11 2h3v3",
        "phone_missed" => "M3.2 2.5h2.3l1.1 2.9-1.5 1.2a8 8 0 0 0 4.3 4.3l1.2-1.5 2.9 1.1v2.3a1.2 1.2 0 0 1-1.3 1.2A11.3 11.3 0 0 1 2 3.8a1.2 1.2 0 0 1 1.2-1.3zM10.4 2.2l3.2 3.2M13.6 2.2l-3.2 3.2",
        "board" => "M3.5 2.8h9a1 1 0 0 1 1 1v8.4a1 1 0 0 1-1 1h-9a1 1 0 0 1-1-1V3.8a1 1 0 0 1 1-1zM2.5 6.4h11M6.6 6.4v6.8",
        "calls" => "M2.7 4h.01M2.7 8h.01M2.7 12h.01M5.8 4h7.7M5.8 8h7.7M5.8 12h7.7",
        "team" => "M6 7.4a2.3 2.3 0 1 0 0-4.6 2.3 2.3 0 0 0 0 4.6zM1.8 13.2c0-2.2 1.8-3.6 4.2-3.6s4.2 1.4 4.2 3.6M10.8 3a2.3 2.3 0 0 1 0 4.2M12 9.8c1.4.5 2.3 1.7 2.3 3.4",
        "matrix" => "M2.5 2.5h11v11h-11zM2.5 6.2h11M2.5 9.8h11M6.2 2.5v11M9.8 2.5v11",
        "audit" => "M4.2 2.2h7.6a1 1 0 0 1 1 1v9.6a1 1 0 0 1-1 1H4.2a1 1 0 0 1-1-1V3.2a1 1 0 0 1 1-1zM5.8 5.4h4.4M5.8 8h4.4M5.8 10.6h2.2",
        "retention" => "M4.2 2.3h7.6M4.2 13.7h7.6M5 2.3v2.4L8 8l3-3.3V2.3M5 13.7v-2.4L8 8l3 3.3v2.4",
        "plug" => "M5.8 2v3M10.2 2v3M3.8 5h8.4v2.2a4.2 4.2 0 0 1-8.4 0zM8 11.4V14",
        "extension" => "M2.8 9.2V8a5.2 5.2 0 0 1 10.4 0v1.2M2.8 9h2.1v3.8H4a1.2 1.2 0 0 1-1.2-1.2zM13.2 9h-2.1v3.8h.9a1.2 1.2 0 0 0 1.2-1.2z",
        "home" => "M2.3 7.4L8 2.6l5.7 4.8M3.9 6.2v7.1h8.2V6.2M6.6 13.3V9.6h2.8v3.7",
        "settings" => "M2.5 4.6h5M11 4.6h2.5M2.5 11.4H5M8.5 11.4h5M9.2 6.4a1.8 1.8 0 1 0 0-3.6 1.8 1.8 0 0 0 0 3.6zM6.8 13.2a1.8 1.8 0 1 0 0-3.6 1.8 1.8 0 0 0 0 3.6z",
        "user" => "M8 7.7a2.6 2.6 0 1 0 0-5.2 2.6 2.6 0 0 0 0 5.2zM3 13.5c0-2.4 2.2-3.9 5-3.9s5 1.5 5 3.9",
        "sign_out" => "M6.5 2.5h-3a1 1 0 0 0-1 1v9a1 1 0 0 0 1 1h3M6.5 8h7M10.8 5.2L13.6 8l-2.8 2.8",
        "sun" => "M8 10.7a2.7 2.7 0 1 0 0-5.4 2.7 2.7 0 0 0 0 5.4zM8 1.4v1.4M8 13.2v1.4M1.4 8h1.4M13.2 8h1.4M3.3 3.3l1 1M11.7 11.7l1 1M12.7 3.3l-1 1M4.3 11.7l-1 1",
        "moon" => "M13.3 9.6A5.6 5.6 0 0 1 6.4 2.7a5.6 5.6 0 1 0 6.9 6.9z",
        "search" => "M7 11.3a4.3 4.3 0 1 0 0-8.6 4.3 4.3 0 0 0 0 8.6zM10.2 10.2l3.3 3.3",
        "check" => "M3 8.6l3.3 3.2L13 4.8",
        "cross" => "M4 4l8 8M12 4l-8 8",
        "minus" => "M3.5 8h9",
        "half" => "M8 13.5a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11zM8 2.5v11M9.6 3.5v9M11.2 4.2v7.6M12.6 6v4",
        "warn" => "M8 2.4l6.2 10.9H1.8zM8 6.4v3.2M8 11.4h.01",
        "info" => "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 7.4V11M8 5h.01",
        "clock" => "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 4.8v3.4l2.2 1.4",
        "copy" => "M6.8 5.8h5.7a1 1 0 0 1 1 1v5.7a1 1 0 0 1-1 1H6.8a1 1 0 0 1-1-1V6.8a1 1 0 0 1 1-1zM10.2 5.8V3.5a1 1 0 0 0-1-1H3.5a1 1 0 0 0-1 1v5.7a1 1 0 0 0 1 1h2.3",
        "chevron" => "M6 3.5L10.5 8 6 12.5",
        "plus" => "M8 3v10M3 8h10",
        "key" => "M5 13.4a2.6 2.6 0 1 0 0-5.2 2.6 2.6 0 0 0 0 5.2zM6.9 8.9L13 2.8M10.8 5l2.1 2.1M8.9 6.9l1.4 1.4",
        "shield" => "M8 1.9l5 1.8v4.1c0 3-2.1 5.2-5 6.3-2.9-1.1-5-3.3-5-6.3V3.7z",
        "bell" => "M4 11V7a4 4 0 0 1 8 0v4l1.2 1.4H2.8zM6.6 14.3h2.8",
        "mail" => "M3.2 3.6h9.6a1 1 0 0 1 1 1v6.8a1 1 0 0 1-1 1H3.2a1 1 0 0 1-1-1V4.6a1 1 0 0 1 1-1zM2.6 4.4L8 8.6l5.4-4.2",
        "refresh" => "M13.2 8a5.2 5.2 0 1 1-1.5-3.7l1.5 1.5M13.2 2.6v3.2H10",
        "filter" => "M2.4 3.3h11.2L9.4 8.4v4.9l-2.8-1.5V8.4z",
        "external" => "M9.2 2.5h4.3v4.3M13.2 2.8L7.6 8.4M11.8 9.4v3.1a1 1 0 0 1-1 1H3.5a1 1 0 0 1-1-1V5.2a1 1 0 0 1 1-1h3.1",
        "menu" => "M2.5 4.2h11M2.5 8h11M2.5 11.8h11",
        "play" => "M5 3.2l7.6 4.8L5 12.8z",
        "map" => "M2.5 4l3.7-1.5L9.8 4l3.7-1.5v9.5l-3.7 1.5-3.6-1.5-3.7 1.5zM6.2 2.5V12M9.8 4v9.5",
        "job" => "M2.5 5.3h11V13h-11zM5.8 5.3V3h4.4v2.3M2.5 8.8h11M8 8v1.6",
        _ => DOT,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every icon there is.
    #[rustfmt::skip]
    const NAMES: &[&str] = &[
        "phone", "phone_in", "phone_out", "phone_missed", "board", "calls", "team", "matrix", "audit", "retention",
        "plug", "extension", "home", "settings", "user", "sign_out", "sun", "moon", "search", "check", "cross", "minus",
        "half", "warn", "info", "clock", "copy", "chevron", "plus", "key", "shield", "bell", "mail", "refresh", "filter",
        "external", "menu", "play", "map", "job",
    ];

    #[test]
    fn every_name_has_a_drawing() {
        assert!(NAMES.iter().all(|name| path(name) != DOT));
        assert_eq!(path("no such icon"), DOT);
    }
}
