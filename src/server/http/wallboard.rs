//! The wallboard's stream (TEL-2): `GET /wallboard/{token}/live`, server-sent events for whoever has the link.
//!
//! Each message is the whole board as it is now, masked: nothing is replayed, and nothing can be missed. What happens in the
//! business only says that it is time to read again, at most once in [`PACE`]. In the same step the link is asked for anew,
//! so that a revoked one shows nothing more within a second, on every node.

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::Path,
    response::{
        IntoResponse, Response,
        sse::{Event, Sse},
    },
};
use futures::stream::{Stream, unfold};
use tokio::{
    sync::broadcast::error::RecvError,
    time::{Instant, sleep_until},
};

use super::{
    AppError, Cx,
    error::chain,
    live::{beats, farewell, pause},
};
use crate::{
    model::id::BusinessId,
    server::{
        boot::App,
        live::{Payload, hub::Seat},
        services::wallboard,
        store,
    },
};

/// A stream ends after this long, and the page comes back.
const LIFE: Duration = Duration::from_mins(15);
/// How often it is looked whether the link is still good, and whether there is something new to read.
/// A revoked link ends its streams within a second, also where nobody is told.
const PACE: Duration = Duration::from_millis(800);
const _: () = assert!(PACE.as_millis() < 1_000, "within a second");
/// The service level changes by the clock alone: it is read at least so often.
const OLDEST: Duration = Duration::from_secs(30);

/// The door.
///
/// # Errors
/// Missing for a link that opens nothing; limited when too many screens watch by it.
pub async fn stream(cx: Cx, Path(token): Path<String>) -> Result<Response, AppError> {
    let (open, hash) = wallboard::open(&cx, &token).await?;
    let seat = cx.app.hub().join_link(open.business, hash.clone()).ok_or(AppError::Limited { retry_after: 30 })?;
    let now = Instant::now();
    let state = State {
        app: cx.app.clone(),
        business: open.business,
        hash,
        seat,
        word: Some(Event::default().retry(pause(&cx.app))),
        over: false,
        is_news: true,
        next: now,
        read_at: now,
        deadline: now + LIFE,
    };
    let sse = Sse::new(events(state)).keep_alive(beats());
    Ok(([("x-accel-buffering", "no")], sse).into_response())
}

struct State {
    app: App,
    business: BusinessId,
    hash: Vec<u8>,
    seat: Seat,
    /// When to come back: said before anything else.
    word: Option<Event>,
    over: bool,
    /// Whether something has happened since it was read.
    is_news: bool,
    next: Instant,
    read_at: Instant,
    deadline: Instant,
}

fn events(state: State) -> impl Stream<Item = Result<Event, Infallible>> {
    unfold(state, |mut state| async move {
        loop {
            if let Some(word) = state.word.take() {
                return Some((Ok(word), state));
            }
            if state.over {
                return None;
            }
            tokio::select! {
                () = state.seat.ends.cancelled() => state.end(),
                () = sleep_until(state.deadline) => return None,
                () = sleep_until(state.next) => {
                    let is_good = state.is_good().await;
                    state.next = Instant::now() + PACE;
                    match is_good {
                        Some(false) => state.end(),
                        Some(true) => if let Some(event) = state.read().await {
                            return Some((Ok(event), state));
                        },
                        None => {}
                    }
                }
                next = state.seat.events.recv() => match next {
                    // What else happens is not on the board.
                    Ok(event) => state.is_news |= matches!(event.payload, Payload::Call(_) | Payload::Agent(_)),
                    Err(RecvError::Lagged(_)) => state.is_news = true,
                    Err(RecvError::Closed) => return None,
                },
            }
        }
    })
}

impl State {
    fn end(&mut self) {
        self.word = Some(farewell());
        self.over = true;
    }

    /// Whether the link still opens the board. While the database is away nobody knows; nothing is read then either.
    async fn is_good(&self) -> Option<bool> {
        let now = self.app.clock().now();
        match store::lobby::wallboard_open(self.app.db(), &self.hash, now).await {
            Ok(open) => Some(open.is_some()),
            Err(error) => {
                tracing::warn!(error.chain = %chain(&error), "a wallboard's link cannot be checked");
                None
            }
        }
    }

    /// The board, when there is something new to say. What cannot be read is read again in the next step.
    async fn read(&mut self) -> Option<Event> {
        if !self.is_news && self.read_at.elapsed() < OLDEST {
            return None;
        }
        match wallboard::read(&self.app, self.business).await {
            Ok(board) => {
                self.is_news = false;
                self.read_at = Instant::now();
                let data = serde_json::to_string(&board).expect("wire types are plain data");
                Some(Event::default().data(data))
            }
            Err(error) => {
                tracing::warn!(error.chain = %chain(&error), "a wallboard cannot be read");
                self.is_news = true;
                None
            }
        }
    }
}
