//! A moment on a page, and how long something takes. The server formats it (the browser has no time zones): `iso` is exact, `shown` is for people.
//!
//! To show a moment in another way, format it differently where the page is loaded; the part stays the same.

use leptos::prelude::*;

use super::text::MaybeText;

/// A moment: `iso` for machines, `shown` for people, `title` on hover (the exact time with its zone).
#[component]
pub fn When(iso: String, shown: String, #[prop(optional, into)] title: MaybeText) -> impl IntoView {
    view! { <time class="when" datetime=iso title=title.get()>{shown}</time> }
}

/// How long something took: `m:ss`, or `h:mm:ss` from an hour on.
#[must_use]
pub fn duration(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let (h, m, s) = (seconds / 3600, seconds % 3600 / 60, seconds % 60);
    if h > 0 { format!("{h}:{m:02}:{s:02}") } else { format!("{m}:{s:02}") }
}
