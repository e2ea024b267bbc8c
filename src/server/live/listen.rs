//! What a node hears from the others by NATS, for the relay and for the watch on sessions. It listens only to businesses in
//! which somebody looks at this node, and to what is told to all nodes. Without NATS it does nothing.

use std::time::Duration;

use async_nats::Subscriber;
use futures::StreamExt;
use tokio::{sync::mpsc, time::sleep};
use tokio_stream::StreamMap;
use tokio_util::sync::CancellationToken;

use super::{
    Cursor,
    nats::{Nats, Word},
};
use crate::{
    model::id::BusinessId,
    server::{boot::App, http::error::chain},
};

/// What was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// A business has news up to here.
    News(BusinessId, Cursor),
    /// Another node wrote.
    Written,
    /// Something may have been missed: somebody began to look here, or the connection was lost or is back.
    Gap,
}

/// Runs until `stop`.
pub async fn run(app: App, bell: mpsc::Sender<Heard>, stop: CancellationToken) {
    let Some(nats) = app.nats().cloned() else {
        // The relay waits for the bell as long as somebody holds it.
        return stop.cancelled().await;
    };
    while !stop.is_cancelled() {
        match nats.words().await {
            Ok(words) => return listen(&app, &nats, words, &bell, &stop).await,
            Err(error) => {
                tracing::warn!(error.chain = %chain(&error), "nothing is heard from other nodes");
                sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

async fn listen(app: &App, nats: &Nats, mut words: Subscriber, bell: &mpsc::Sender<Heard>, stop: &CancellationToken) {
    let mut rooms: StreamMap<BusinessId, Subscriber> = StreamMap::new();
    loop {
        if attend(app, nats, &mut rooms).await {
            ring(bell, Heard::Gap);
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = app.hub().seats_changed() => {}
            () = nats.changed() => {
                ring(bell, Heard::Gap);
                app.hub().check_access();
            }
            () = app.hub().access_changed() => nats.tell(Word::Access).await,
            Some(message) = words.next() => match nats.read_word(&message) {
                Some(Word::Written) => ring(bell, Heard::Written),
                Some(Word::Access) => app.hub().check_access(),
                None => {}
            },
            Some((business, message)) = rooms.next(), if !rooms.is_empty() => {
                if let Some(at) = nats.read_news(&message) {
                    ring(bell, Heard::News(business, at));
                }
            }
        }
    }
}

/// A bell that nobody has answered yet rings already: the relay looks by itself within a second.
fn ring(bell: &mpsc::Sender<Heard>, heard: Heard) {
    let _ = bell.try_send(heard);
}

/// Listens to the businesses in which somebody looks here, and to no others. True when there is a new one.
async fn attend(app: &App, nats: &Nats, rooms: &mut StreamMap<BusinessId, Subscriber>) -> bool {
    let looked_at = app.hub().businesses();
    let gone: Vec<BusinessId> = rooms.keys().copied().filter(|room| !looked_at.contains(room)).collect();
    for business in gone {
        // Dropped, it unsubscribes.
        rooms.remove(&business);
    }
    let mut is_new = false;
    for business in looked_at {
        if rooms.contains_key(&business) {
            continue;
        }
        match nats.news_of(business).await {
            Ok(news) => {
                rooms.insert(business, news);
                is_new = true;
            }
            // Tried again when somebody comes or goes; until then polling does it.
            Err(error) => tracing::warn!(error.chain = %chain(&error), "a business is not listened to"),
        }
    }
    is_new
}
