//! The name and its mark: a ring fort seen from above, two broken rings around a house.
//!
//! The same drawing is the favicon, `public/static/favicon.svg`: change both together.

use leptos::prelude::*;

/// The mark and the word "Ringfort".
#[component]
pub fn Wordmark() -> impl IntoView {
    view! {
        <span class="wordmark">
            <svg
                class="wordmark-mark"
                viewBox="0 0 24 24"
                width="24"
                height="24"
                fill="none"
                stroke="currentColor"
                stroke-width="2.4"
                stroke-linecap="round"
                aria-hidden="true"
            >
                <path d="M16.75 20.23A9.5 9.5 0 1 1 20.23 16.75"></path>
                <path d="M13.71 16.7A5 5 0 1 1 16.7 13.71"></path>
                <path d="M12 12h.01"></path>
            </svg>
            <span>"Ringfort"</span>
        </span>
    }
}
