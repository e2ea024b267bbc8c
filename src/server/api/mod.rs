//! Doors for programs: health, the browser's reports of blocked content, and under `/api/v1/` the REST interface of
//! product.md (API-1), one file per noun. There a program shows an access token (`http::bearer`); cookies count for
//! nothing.

mod me;
mod token;

use axum::{
    extract::State,
    http::{Method, StatusCode},
    response::{IntoResponse, Response},
};

use crate::{
    model::permission::{Need, Permission},
    server::{
        boot::App,
        http::{
            AppError,
            doors::{Doors, Kind},
            error::chain,
            positions,
        },
        live::Nats,
        store,
    },
};

const POSITIONS: Need = Need::Holds(Permission::PositionsSend);

/// The doors of this room.
#[must_use]
pub fn doors(doors: Doors) -> Doors {
    doors
        .open(Kind::Health, Method::GET, "/healthz", Need::Public, alive)
        .open(Kind::Health, Method::GET, "/readyz", Need::Public, ready)
        .open(Kind::Health, Method::POST, "/csp", Need::Public, blocked)
        .open(Kind::Rest, Method::POST, "/api/v1/token", Need::Public, token::grant)
        .open(Kind::Rest, Method::POST, "/api/v1/token/revoke", Need::Public, token::revoke)
        .open(Kind::Rest, Method::GET, "/api/v1/jwks.json", Need::Public, token::jwks)
        .open(Kind::Rest, Method::GET, "/api/v1/me", Need::SignedIn, me::me)
        .open(Kind::Rest, Method::POST, "/api/v1/positions", POSITIONS, positions::receive)
}

/// The process lives. Says nothing about the database: a supervisor must not kill us for its outage.
async fn alive() -> &'static str {
    "alive\n"
}

/// Requests can be served: the database answers. NATS is told of and decides nothing: without it nodes poll.
async fn ready(State(app): State<App>) -> Result<&'static str, Response> {
    match store::lobby::backlog(app.db()).await {
        Ok(_) => Ok(match app.nats().map(Nats::is_connected) {
            None => "ready\n",
            Some(true) => "ready\nnats: connected\n",
            Some(false) => "ready\nnats: away\n",
        }),
        Err(error) => {
            tracing::warn!(error.chain = %chain(&error), "not ready");
            Err(AppError::from(error).into_response())
        }
    }
}

/// A browser blocked something of ours, or of somebody who tried. What it says is a stranger's text: only its size is
/// logged.
async fn blocked(body: axum::body::Bytes) -> StatusCode {
    tracing::warn!(report.bytes = body.len(), "a browser reported content that our policy blocks");
    StatusCode::NO_CONTENT
}
