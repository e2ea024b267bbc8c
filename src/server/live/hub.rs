//! The meeting point of relay and streams, in one process. Bounded: a business's channel holds a window of events, a
//! session a handful of streams; who falls behind is told to start anew, never waited for.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::{Notify, broadcast};
use tokio_util::sync::CancellationToken;

use super::{Event, relay::BATCH};
use crate::{
    model::{id::BusinessId, permission::Grants},
    server::{
        caller::{SessionHash, SignedIn},
        kit::At,
    },
    ui::wire::live::Tally,
};

/// Events that a slow stream may be behind before it must start anew: more than the relay hands on at once.
const WINDOW: usize = 1_024;
const _: () = assert!(WINDOW > 2 * BATCH.unsigned_abs() as usize, "one batch would have every page loaded anew");
/// Streams (tabs) of one session.
const PER_SESSION: usize = 12;
/// Streams of one business on this node.
const PER_BUSINESS: usize = 4_000;

/// The hub. Clones share it.
#[derive(Clone, Default)]
pub struct Hub(Arc<Inner>);

#[derive(Default)]
struct Inner {
    rooms: Mutex<Rooms>,
    tallies: Mutex<HashMap<BusinessId, (Instant, Arc<Tally>)>>,
    wake: Notify,
    wake_jobs: Notify,
    wake_mails: Notify,
    seats: Notify,
    /// Streams are to be checked here.
    access: Notify,
    /// Other nodes are to be told that streams are to be checked.
    access_told: Notify,
    closing: CancellationToken,
    next: AtomicU64,
}

/// Whom the streams of this node were of, at one moment.
pub struct Asked {
    pub sessions: Vec<SessionHash>,
    /// Streams from this number on came later.
    before: u64,
}

#[derive(Default)]
struct Rooms {
    channels: HashMap<BusinessId, broadcast::Sender<Event>>,
    streams: HashMap<u64, Stream>,
}

struct Stream {
    business: BusinessId,
    session: SessionHash,
    grants: Grants,
    /// Whether `session` is the hash of a link to the wallboard, which nobody is signed in with.
    is_link: bool,
    ends: CancellationToken,
}

/// A stream's membership in the hub; leaves when dropped.
pub struct Seat {
    hub: Hub,
    id: u64,
    pub events: broadcast::Receiver<Event>,
    /// Cancelled when the session or the right ends, or the server stops.
    pub ends: CancellationToken,
}

impl Hub {
    fn rooms(&self) -> MutexGuard<'_, Rooms> {
        self.0.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Joins the business's events. `None` when this session or business has too many streams open.
    #[must_use]
    pub fn join(&self, person: &SignedIn) -> Option<Seat> {
        self.sit(person.caller.business, person.session.clone(), Some(person.grants))
    }

    /// As [`Self::join`], for a wallboard: whoever has the link whose token has this hash. Its stream asks by itself whether
    /// the link is still good; [`Self::end_session`] ends it at once on this node.
    #[must_use]
    pub fn join_link(&self, business: BusinessId, hash: Vec<u8>) -> Option<Seat> {
        self.sit(business, hash, None)
    }

    fn sit(&self, business: BusinessId, session: SessionHash, grants: Option<Grants>) -> Option<Seat> {
        let mut rooms = self.rooms();
        let of_session = rooms.streams.values().filter(|s| s.session == session).count();
        let of_business = rooms.streams.values().filter(|s| s.business == business).count();
        if of_session >= PER_SESSION || of_business >= PER_BUSINESS {
            return None;
        }
        let is_first = !rooms.channels.contains_key(&business);
        let events = rooms.channels.entry(business).or_insert_with(|| broadcast::channel(WINDOW).0).subscribe();
        let id = self.0.next.fetch_add(1, Ordering::Relaxed);
        let ends = self.0.closing.child_token();
        let (is_link, grants) = (grants.is_none(), grants.unwrap_or(Grants::NONE));
        let stream = Stream { business, session, grants, is_link, ends: ends.clone() };
        rooms.streams.insert(id, stream);
        if is_first {
            self.0.seats.notify_one();
        }
        Some(Seat { hub: self.clone(), id, events, ends })
    }

    /// Hands an event to everybody who listens in that business.
    pub fn publish(&self, business: BusinessId, event: Event) {
        if let Some(channel) = self.rooms().channels.get(&business) {
            // Nobody listening is not an error.
            let _ = channel.send(event);
        }
    }

    /// Whether anybody listens: nothing is read for nobody.
    #[must_use]
    pub fn has_listeners(&self, business: BusinessId) -> bool {
        self.rooms().channels.get(&business).is_some_and(|c| c.receiver_count() > 0)
    }

    /// The businesses in which somebody listens.
    #[must_use]
    pub fn businesses(&self) -> Vec<BusinessId> {
        let rooms = self.rooms();
        let listened = rooms.channels.iter().filter(|(_, channel)| channel.receiver_count() > 0);
        listened.map(|(business, _)| *business).collect()
    }

    /// Resolves when [`Self::businesses`] has changed.
    pub async fn seats_changed(&self) {
        self.0.seats.notified().await;
    }

    /// Says that a session or a right may have ended, here: streams are checked at once, on this node and on the others.
    pub fn change_access(&self) {
        self.check_access();
        self.0.access_told.notify_one();
    }

    /// Has the streams of this node checked at once: another node says that a session or a right may have ended.
    pub fn check_access(&self) {
        self.0.access.notify_one();
    }

    /// Resolves at the next [`Self::change_access`], for who tells the other nodes.
    pub async fn access_changed(&self) {
        self.0.access_told.notified().await;
    }

    /// Resolves when streams are to be checked, for who does.
    pub async fn access_asked(&self) {
        self.0.access.notified().await;
    }

    /// Says that a live event was committed: the relay looks at once instead of at its next poll.
    pub fn wake(&self) {
        self.0.wake.notify_one();
    }

    /// Says that a job or a mail was committed: the worker looks at once instead of at its next poll.
    pub fn wake_worker(&self) {
        self.0.wake_jobs.notify_one();
        self.0.wake_mails.notify_one();
    }

    /// Resolves at the next [`Self::wake_worker`].
    pub async fn job_woken(&self) {
        self.0.wake_jobs.notified().await;
    }

    /// Resolves at the next [`Self::wake_worker`], for who sends mail.
    pub async fn mail_woken(&self) {
        self.0.wake_mails.notified().await;
    }

    /// Resolves at the next [`Self::wake`], for the relay.
    pub async fn woken(&self) {
        self.0.wake.notified().await;
    }

    /// Ends the streams of a session that has just ended here.
    pub fn end_session(&self, session: &SessionHash) {
        self.rooms().streams.values().filter(|s| s.session == *session).for_each(|s| s.ends.cancel());
        self.change_access();
    }

    /// Ends every stream of a business here: whoever may come back does so in a moment.
    pub fn end_business(&self, business: BusinessId) {
        self.rooms().streams.values().filter(|s| s.business == business).for_each(|s| s.ends.cancel());
        self.change_access();
    }

    /// The sessions that hold streams now.
    #[must_use]
    pub fn sessions(&self) -> Asked {
        let rooms = self.rooms();
        let mut sessions: Vec<_> = rooms.streams.values().filter(|s| !s.is_link).map(|s| s.session.clone()).collect();
        sessions.sort_unstable();
        sessions.dedup();
        Asked { sessions, before: self.0.next.load(Ordering::Relaxed) }
    }

    /// Ends every stream that was `asked` about and whose session is not among `alive`, whose rights or business are no longer those
    /// it was opened with, or whose person owes a second factor by now: every page would ask them for it. Of a stream that came since
    /// then nobody has asked yet: its session was recognised at its own door just now.
    pub fn keep_only(&self, asked: &Asked, alive: &[SignedIn], now: At) {
        let alive: HashMap<_, _> = alive.iter().map(|person| (&person.session, person)).collect();
        for (_, stream) in self.rooms().streams.iter().filter(|(id, s)| **id < asked.before && !s.is_link) {
            let is_kept = |p: &&SignedIn| {
                p.grants == stream.grants && p.caller.business == stream.business && !p.owes_factor(now)
            };
            if !alive.get(&stream.session).is_some_and(is_kept) {
                stream.ends.cancel();
            }
        }
    }

    /// The last count of a business's calls, if it is younger than that: when many streams come back at once, it is counted once.
    #[must_use]
    pub fn tally(&self, business: BusinessId, younger: Duration) -> Option<Arc<Tally>> {
        let tallies = self.0.tallies.lock().unwrap_or_else(PoisonError::into_inner);
        tallies.get(&business).filter(|(at, _)| at.elapsed() < younger).map(|(_, tally)| tally.clone())
    }

    /// Keeps a count for those who come back.
    pub fn keep_tally(&self, business: BusinessId, tally: Arc<Tally>) {
        let mut tallies = self.0.tallies.lock().unwrap_or_else(PoisonError::into_inner);
        tallies.insert(business, (Instant::now(), tally));
    }

    /// Streams open on this node.
    #[must_use]
    pub fn open_streams(&self) -> usize {
        self.rooms().streams.len()
    }

    /// Ends every stream: the server stops.
    pub fn close(&self) {
        self.0.closing.cancel();
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut rooms = self.hub.rooms();
        // By the streams and not by the receivers: this one's own goes after this, and of two who leave at once both would see two.
        if let Some(stream) = rooms.streams.remove(&self.id)
            && !rooms.streams.values().any(|other| other.business == stream.business)
        {
            rooms.channels.remove(&stream.business);
            self.hub.0.tallies.lock().unwrap_or_else(PoisonError::into_inner).remove(&stream.business);
            self.hub.0.seats.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_channel_goes_with_the_last_stream_of_its_business() {
        let (hub, business) = (Hub::default(), BusinessId(Uuid::from_u128(1)));
        let sit = |hash| hub.join_link(business, vec![hash]).expect("a seat");
        let (one, two) = (sit(1), sit(2));
        // As of somebody who leaves at the same moment: the receiver is there for a moment longer than the seat.
        let late = one.events.resubscribe();
        drop(one);
        assert_eq!(hub.businesses(), [business]);
        drop(two);
        assert!(hub.businesses().is_empty() && !hub.has_listeners(business));
        drop(late);
    }
}
