//! A moment on a page. The server formats it (the browser has no time zones): `iso` is exact, `shown` is for people.
//!
//! To show a moment in another way, format it differently where the page is loaded; the part stays the same.

use leptos::prelude::*;

use super::text::MaybeText;

/// A moment: `iso` for machines, `shown` for people, `title` on hover (the exact time with its zone).
#[component]
pub fn When(iso: String, shown: String, #[prop(optional, into)] title: MaybeText) -> impl IntoView {
    view! { <time class="when" datetime=iso title=title.get()>{shown}</time> }
}
