//! Puts the doors and the layers together. The order of the layers is the order of the walls.

use std::future::ready;

use axum::{
    Router,
    body::Body,
    http::{HeaderValue, Response, StatusCode, header},
    middleware::{from_fn, from_fn_with_state, map_response},
    response::IntoResponse,
};
use tower_http::{catch_panic::CatchPanicLayer, compression::CompressionLayer, services::ServeDir};
use tower_sessions::{Expiry, SessionManagerLayer, cookie::SameSite};

use super::App;
use crate::server::{
    api,
    http::{
        AppError, actions,
        doors::{Door, Doors, Kind},
        layers, live, map, origin, shell, wallboard,
    },
    pages,
    store::session::{ABSOLUTE_SECONDS, PgSessions},
    webhooks,
};

/// The cookie of a session. `__Host-` binds it to this host, this path and TLS.
pub const SESSION_COOKIE: &str = "__Host-ringfort";

/// Every door, with the router behind it. The doors test walks this list.
pub fn doors() -> (Router<App>, Vec<Door>) {
    let doors = Doors::default().open(Kind::Stream, axum::http::Method::GET, "/live", live::NEED, live::stream);
    let wall = "/wallboard/{token}/live";
    let doors = doors.open(Kind::Stream, axum::http::Method::GET, wall, pages::wallboard::NEED, wallboard::stream);
    let doors = doors
        .open(Kind::Stream, axum::http::Method::GET, "/map/live", map::NEED, map::stream)
        .open(Kind::Script, axum::http::Method::GET, "/map/cell", map::NEED, map::members)
        .open(Kind::Script, axum::http::Method::GET, "/map/trail", map::NEED, map::trail);
    webhooks::doors(api::doors(actions::doors(pages::doors(doors)))).finish()
}

/// The whole service.
pub fn service(app: App) -> Router {
    let (router, _) = doors();
    let sessions = SessionManagerLayer::new(PgSessions::new(app.db().clone(), app.shared_clock()))
        .with_name(SESSION_COOKIE)
        .with_secure(true)
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_path("/")
        .with_expiry(Expiry::OnInactivity(time::Duration::seconds(ABSOLUTE_SECONDS)));
    let state = app.clone();
    // Each layer wraps those above it: the last is the outermost.
    // Files ask for no session: without a database a page of ours that says so still has its style.
    let files = files(&app);
    router
        .fallback(async || AppError::Missing)
        .with_state(app)
        .layer(from_fn_with_state(state.clone(), origin::same_origin))
        .layer(from_fn_with_state(state.clone(), layers::errors))
        .layer(from_fn_with_state(state.clone(), layers::visitor))
        .layer(sessions)
        .merge(files)
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(layers::finish))
        .layer(from_fn_with_state(state, layers::headers))
        .layer(CompressionLayer::new())
}

/// Built files: names with a hash never change, the others are asked for again each time.
fn files(app: &App) -> Router {
    let root = &app.config().site_root;
    let dir = |name: &str| ServeDir::new(root.join(name)).precompressed_br().precompressed_gzip();
    let hashed = shell::Assets::get().hashed;
    let pkg = Router::new().nest_service("/pkg", dir("pkg")).layer(map_response(move |r| ready(kept(r, hashed))));
    let fixed = Router::new().nest_service("/static", dir("static")).layer(map_response(|r| ready(kept(r, false))));
    pkg.merge(fixed)
}

/// Says how long a browser may keep a file: for good when its name changes with its content, else not unasked.
fn kept(mut response: Response<Body>, for_good: bool) -> Response<Body> {
    let for_good = for_good && response.status() == StatusCode::OK;
    let value = if for_good { "public, max-age=31536000, immutable" } else { "no-cache" };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(value));
    response
}

/// A panic is a 500 with an incident, never a dead process.
#[expect(clippy::needless_pass_by_value, reason = "the layer's signature")]
fn panicked(payload: Box<dyn std::any::Any + Send>) -> Response<Body> {
    let text = payload
        .downcast_ref::<&str>()
        .map(|s| (*s).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without words".to_owned());
    tracing::error!(panic.message = text, "a request panicked");
    (StatusCode::INTERNAL_SERVER_ERROR, "Something broke on our side. Nothing was changed.\n").into_response()
}
