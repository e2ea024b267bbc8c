//! From a view to an answer. Pages load first and render after, in one synchronous pass, so that status, headers and
//! title are right, and no client can hang up in the middle.

use std::sync::Arc;

use axum::{
    http::StatusCode,
    response::{Html, IntoResponse, Response},
};
use leptos::{
    prelude::{IntoView, Owner, RenderHtml},
    reactive::owner::Owner as ReactiveOwner,
};

use super::{Cx, shell};

/// A page's frame: everything around what its view draws.
#[derive(Debug, Clone, Default)]
pub struct Page {
    pub title: String,
    /// Label and link of every step above this page.
    pub crumbs: Vec<(String, Option<String>)>,
    /// Live pages reload themselves when scripts are off, after this many seconds.
    pub refresh: Option<u16>,
    /// Whether a form on it is answered with a passkey, which needs a script of its own.
    pub passkeys: bool,
    /// Whether it holds the map, which has a script, a style sheet and a content policy of its own.
    pub map: bool,
    /// Whether it is the technician's page, which sends where the phone is and can be put on its home screen.
    pub field: bool,
    /// The script of the page itself, where it has one.
    pub script: Option<&'static str>,
    pub status: StatusCode,
}

impl Page {
    #[must_use]
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), ..Self::default() }
    }

    /// Adds a step above this page.
    #[must_use]
    pub fn under(mut self, label: &str, href: &str) -> Self {
        self.crumbs.push((label.to_owned(), Some(href.to_owned())));
        self
    }

    /// Reloads itself without scripts.
    #[must_use]
    pub fn live(mut self) -> Self {
        self.refresh = Some(20);
        self
    }

    /// Loads the script that answers forms with a passkey, where there is such a form.
    #[must_use]
    pub fn with_passkeys(mut self, has_form: bool) -> Self {
        self.passkeys = has_form;
        self
    }

    /// Loads the script that says how many audit entries have come since.
    #[must_use]
    pub fn with_audit(self) -> Self {
        self.with_script("/static/audit.js")
    }

    /// Loads the map, and lets it have its worker and its tiles.
    #[must_use]
    pub fn with_map(mut self) -> Self {
        self.map = true;
        self
    }

    /// Loads the script that sends where the phone is, and what the page is installed by.
    #[must_use]
    pub fn with_field(mut self) -> Self {
        self.field = true;
        self
    }

    /// Loads a script of the page's own.
    #[must_use]
    pub fn with_script(mut self, file: &'static str) -> Self {
        self.script = Some(file);
        self
    }

    /// Draws `view` inside the shell.
    pub fn show<V: IntoView + 'static>(self, cx: &Cx, view: impl FnOnce() -> V) -> Response {
        let (status, has_map) = (self.status, self.map);
        let html = to_html(|| shell::document(cx, self, view));
        let mut response = (status, Html(html)).into_response();
        if has_map {
            response.extensions_mut().insert(shell::HasMap);
        }
        response.extensions_mut().insert(shell::Nonce(cx.visitor.nonce.clone()));
        response
    }
}

/// Renders in an owner of its own, so that nothing of one request outlives it, with islands marked for the browser.
pub fn to_html<V: IntoView>(view: impl FnOnce() -> V) -> String {
    let shared = Arc::new(hydration_context::SsrSharedContext::new_islands());
    let owner = ReactiveOwner::new_root(Some(shared));
    let html = owner.with(|| view().into_view().to_html());
    Owner::cleanup(&owner);
    html
}
