//! The table of doors. A route cannot be added without saying what it needs; the list is what the doors test walks
//! and what `gate` enforces (PER-3). Everything that is not in it is a 404.

use axum::{
    Router,
    extract::DefaultBodyLimit,
    handler::Handler,
    http::Method,
    middleware::from_fn,
    routing::{MethodFilter, on},
};
use leptos::server_fn::ServerFn;

use super::{action, gate};
use crate::{model::permission::Need, server::boot::App};

/// What kind of answer a door gives, and by whom it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// HTML for a person.
    Page,
    /// A form's or an island's write.
    Action,
    /// JSON for a script of ours: what a browser's own dialog is asked with before its page's form is posted, or a number that
    /// its page shows.
    Script,
    /// Server-sent events.
    Stream,
    /// JSON for programs.
    Rest,
    /// A provider's event; proves itself by signature.
    Webhook,
    /// Liveness and the like; tells nothing about any business.
    Health,
}

/// One door.
#[derive(Debug, Clone)]
pub struct Door {
    pub method: Method,
    pub path: &'static str,
    pub kind: Kind,
    pub need: Need,
    /// Whether a proof of a while ago is not enough: then it is asked for again (ACC-8).
    pub asks_again: bool,
}

/// Collects doors into a router.
#[derive(Default)]
pub struct Doors {
    router: Router<App>,
    list: Vec<Door>,
    asks_again: bool,
}

/// The largest form.
pub const FORM_BYTES: usize = 256 << 10;

/// Where providers send to.
pub const WEBHOOKS: &str = "/webhooks/";

impl Doors {
    /// A page: GET (and HEAD).
    #[must_use]
    pub fn page<H, T>(self, path: &'static str, need: Need, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        self.open(Kind::Page, Method::GET, path, need, handler)
    }

    /// A server function, at the path that its endpoint names. Registered here by hand: a linker may drop the
    /// registration that the macro makes.
    #[must_use]
    pub fn action<F: ServerFn>(self, need: Need) -> Self {
        self.open(Kind::Action, Method::POST, F::PATH, need, action::run)
    }

    /// What a script of a page asks for.
    #[must_use]
    pub fn script<H, T>(self, path: &'static str, need: Need, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        self.open(Kind::Script, Method::POST, path, need, handler)
    }

    /// The doors that `add` adds ask again who one is, when the last proof is older than ten minutes (ACC-8).
    #[must_use]
    pub fn asking_again(mut self, add: impl FnOnce(Self) -> Self) -> Self {
        self.asks_again = true;
        let mut doors = add(self);
        doors.asks_again = false;
        doors
    }

    /// Any other door.
    ///
    /// # Panics
    /// At start, when a method is not a standard one, or the door is there already.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that adds a route")]
    pub fn open<H, T>(mut self, kind: Kind, method: Method, path: &'static str, need: Need, handler: H) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        let filter = MethodFilter::try_from(method.clone()).expect("a standard method");
        let door = Door { method, path, kind, need, asks_again: self.asks_again };
        let guard = door.clone();
        let route = on(filter, handler)
            .layer(DefaultBodyLimit::max(FORM_BYTES))
            .route_layer(from_fn(move |request, next| gate::enforce(guard.clone(), request, next)));
        self.router = self.router.route(path, route);
        self.list.push(door);
        self
    }

    /// The router, and the list of what is in it.
    pub fn finish(self) -> (Router<App>, Vec<Door>) {
        (self.router, self.list)
    }
}
