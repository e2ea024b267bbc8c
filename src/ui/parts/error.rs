//! What a person sees when something could not be done: what happened, what to do next, and an id to quote.
//!
//! Used inside [`Plain`](super::Plain) or [`Frame`](super::Frame). To add a kind of error, choose its words where
//! errors become pages; the part does not change.

use leptos::prelude::*;

use super::text::MaybeText;

/// An error with its ways on (address and text); the first is the main one.
#[component]
pub fn ErrorPage(
    status: u16,
    title: String,
    text: String,
    next: Vec<(String, String)>,
    #[prop(optional, into)] incident: MaybeText,
) -> impl IntoView {
    let next = next
        .into_iter()
        .enumerate()
        .map(|(place, (href, label))| {
            let class = if place == 0 { "btn btn-primary" } else { "btn btn-quiet" };
            view! { <a class=class href=href>{label}</a> }
        })
        .collect_view();
    view! {
        <section class="error-page">
            <p class="error-status">{format!("Error {status}")}</p>
            <h1 class="page-title">{title}</h1>
            <p class="error-text">{text}</p>
            <div class="row">{next}</div>
            {incident
                .get()
                .map(|id| {
                    view! {
                        <p class="error-incident">
                            "If it keeps happening, tell your administrator this number: "
                            <code class="mono">{id}</code>
                        </p>
                    }
                })}
        </section>
    }
}
