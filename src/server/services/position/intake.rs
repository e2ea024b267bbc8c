//! The way in for positions: requests wait a moment together, and are stored by one transaction per business.
//!
//! A request that finds nobody at work for its business begins a task, which gathers for 20 ms, stores what waits, answers,
//! and goes on until nothing waits. So a business has one flush at a time on this node, and one over all nodes
//! (`store::position::lock`). What waits is bounded: beyond, a device is asked to come back, and loses nothing.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::oneshot, time::sleep};

use super::machine;
use crate::{
    model::{
        id::{BusinessId, MemberId},
        position::{Point, Refusal},
    },
    server::{
        boot::App,
        http::{AppError, error::chain},
        store::{
            self, StoreError, TenantTx,
            position::{Fate, NewPoint, Refused},
        },
    },
};

/// Points, and requests, that wait on this node at most.
const ROOM: usize = 20_000;
/// The same of one business: there is always room for others.
const ROOM_OF_ONE: usize = ROOM / 2;
/// Points of one flush; one request more may come on top.
const FLUSH: usize = 2_000;
/// So long a request waits for others.
const GATHER: Duration = Duration::from_millis(20);

/// What waits on this node. Clones share it.
#[derive(Clone, Default)]
pub struct Intake(Arc<Mutex<Queues>>);

#[derive(Default)]
struct Queues {
    /// A business that is here has a task that works for it.
    by_business: HashMap<BusinessId, Line>,
    taken: usize,
}

/// What waits of one business, and the room that it takes.
#[derive(Default)]
struct Line {
    seats: VecDeque<Seat>,
    taken: usize,
}

struct Seat {
    waiting: Waiting,
    answer: oneshot::Sender<Option<Vec<Fate>>>,
}

/// A request: the points that may be stored, and what of it is refused already.
#[derive(Debug, Clone)]
pub struct Waiting {
    pub member: MemberId,
    pub points: Vec<Point>,
    pub refused: Vec<Refusal>,
}

/// What became of a request.
#[derive(Debug)]
pub enum Delivered {
    /// Of its points, in their order.
    Fates(Vec<Fate>),
    /// There is no room for it now.
    Full,
}

impl Waiting {
    /// The room that it takes.
    fn size(&self) -> usize {
        self.points.len().max(1)
    }
}

impl Intake {
    fn queues(&self) -> MutexGuard<'_, Queues> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether somebody must begin to work for the business; `None` when there is no room.
    fn push(&self, business: BusinessId, seat: Seat) -> Option<bool> {
        let mut queues = self.queues();
        let (size, theirs) = (seat.waiting.size(), queues.by_business.get(&business).map(|line| line.taken));
        if queues.taken + size > ROOM || theirs.unwrap_or(0) + size > ROOM_OF_ONE {
            return None;
        }
        queues.taken += size;
        let line = queues.by_business.entry(business).or_default();
        line.taken += size;
        line.seats.push_back(seat);
        Some(theirs.is_none())
    }

    /// What is stored next; nothing when nothing waits, and then nobody works for the business any more.
    fn take(&self, business: BusinessId) -> Option<Vec<Seat>> {
        let mut queues = self.queues();
        let mut seats = Vec::new();
        let mut points = 0;
        if let Some(line) = queues.by_business.get_mut(&business) {
            while points < FLUSH
                && let Some(seat) = line.seats.pop_front()
            {
                points += seat.waiting.size();
                seats.push(seat);
            }
            line.taken = line.taken.saturating_sub(points);
        }
        queues.taken = queues.taken.saturating_sub(points);
        if seats.is_empty() {
            queues.by_business.remove(&business);
            return None;
        }
        Some(seats)
    }

    /// Points that wait on this node, for metrics.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.queues().taken
    }
}

/// Takes a business's queue away when its task dies, so that the next request begins another one. Who waited is told.
struct Worker {
    intake: Intake,
    business: BusinessId,
    is_done: bool,
}

impl Drop for Worker {
    fn drop(&mut self) {
        if !self.is_done {
            let mut queues = self.intake.queues();
            let left = queues.by_business.remove(&self.business).map_or(0, |line| line.taken);
            queues.taken = queues.taken.saturating_sub(left);
        }
    }
}

/// Waits until a request is stored, with whatever else has come meanwhile.
///
/// # Errors
/// Unavailable when it could not be stored: the device keeps it, and comes back.
pub async fn deliver(app: &App, business: BusinessId, waiting: Waiting) -> Result<Delivered, AppError> {
    let (answer, told) = oneshot::channel();
    match app.intake().push(business, Seat { waiting, answer }) {
        None => return Ok(Delivered::Full),
        Some(true) => {
            tokio::spawn(work(app.clone(), business));
        }
        Some(false) => {}
    }
    match told.await {
        Ok(Some(fates)) => Ok(Delivered::Fates(fates)),
        Ok(None) | Err(_) => Err(AppError::Unavailable("positions could not be stored".into())),
    }
}

async fn work(app: App, business: BusinessId) {
    let mut worker = Worker { intake: app.intake().clone(), business, is_done: false };
    let mut is_full = false;
    loop {
        if !is_full {
            sleep(GATHER).await;
        }
        let Some(seats) = app.intake().take(business) else { break };
        let (requests, answers): (Vec<Waiting>, Vec<_>) =
            seats.into_iter().map(|seat| (seat.waiting, seat.answer)).unzip();
        is_full = requests.iter().map(Waiting::size).sum::<usize>() >= FLUSH;
        let fates = match flush(&app, business, &requests).await {
            Ok(fates) => fates.into_iter().map(Some).collect(),
            Err(error) => {
                tracing::warn!(error.chain = %chain(&error), "positions could not be stored");
                vec![None; answers.len()]
            }
        };
        for (answer, fates) in answers.into_iter().zip(fates) {
            // Who has gone meanwhile asks again, and hears that all is there.
            let _ = answer.send(fates);
        }
    }
    worker.is_done = true;
}

/// Stores the requests of one business: the limit, the latest positions, the history, the live event and the counts are one
/// transaction. Says of each request what became of its points.
///
/// # Errors
/// The database cannot be reached; then nothing of them is stored.
pub async fn flush(app: &App, business: BusinessId, requests: &[Waiting]) -> Result<Vec<Vec<Fate>>, StoreError> {
    let points: Vec<NewPoint> = (0..)
        .zip(requests)
        .flat_map(|(request, waiting)| {
            waiting.points.iter().map(move |point| NewPoint { member: waiting.member, request, point: *point })
        })
        .collect();
    let mut tx = TenantTx::open(app.db(), &machine(app, business, "positions"), app.clock().now()).await?;
    store::position::lock(&mut tx).await?;
    let mut fates = store::position::write(&mut tx, &points).await?.into_iter();
    let fates: Vec<Vec<Fate>> =
        requests.iter().map(|waiting| fates.by_ref().take(waiting.points.len()).collect()).collect();
    let refused: Vec<Refused> =
        requests.iter().zip(&fates).flat_map(|(waiting, fates)| counted(waiting, fates)).collect();
    store::position::count_refusals(&mut tx, &refused).await?;
    tx.commit().await?;
    app.hub().wake();
    Ok(fates)
}

/// What of a request was refused. A request that came too soon counts once, however much it brought: it comes again.
fn counted(waiting: &Waiting, fates: &[Fate]) -> Vec<Refused> {
    if matches!(fates.first(), Some(Fate::TooSoon(_))) {
        return vec![(waiting.member, Refusal::TooOften, 1)];
    }
    let judged = fates.iter().filter_map(|fate| match fate {
        Fate::OffShift => Some(Refusal::OffShift),
        Fate::Crowded(_) | Fate::TooSoon(_) => Some(Refusal::TooOften),
        Fate::Stored | Fate::Duplicate => None,
    });
    waiting.refused.iter().copied().chain(judged).map(|refusal| (waiting.member, refusal, 1)).collect()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::server::kit::At;

    fn business(number: u128) -> BusinessId {
        BusinessId(Uuid::from_u128(number))
    }

    fn seat(points: usize) -> (Seat, oneshot::Receiver<Option<Vec<Fate>>>) {
        let point = Point {
            at: At::from_second(1_790_000_000).0,
            place: crate::model::geo::Coordinate { lat_e7: 1, lon_e7: 1 },
            accuracy_m: 1.0,
            speed_mps: None,
            heading_deg: None,
            is_coarse: false,
        };
        let waiting =
            Waiting { member: MemberId(Uuid::from_u128(1)), points: vec![point; points], refused: Vec::new() };
        let (answer, told) = oneshot::channel();
        (Seat { waiting, answer }, told)
    }

    #[test]
    fn one_works_for_a_business_and_what_waits_is_bounded() {
        let intake = Intake::default();
        assert_eq!(intake.push(business(1), seat(500).0), Some(true));
        assert_eq!(intake.push(business(1), seat(500).0), Some(false));
        assert_eq!(intake.push(business(2), seat(500).0), Some(true), "another business has its own");
        while intake.push(business(2), seat(500).0).is_some() {}
        assert_eq!(intake.waiting(), 1_000 + ROOM_OF_ONE, "one business does not take it all");
        while intake.push(business(3), seat(500).0).is_some() {}
        assert_eq!(intake.waiting(), ROOM);
        assert_eq!(intake.push(business(1), seat(0).0), None, "an empty one takes room too");
        assert_eq!(intake.take(business(1)).map(|seats| seats.len()), Some(2));
        assert_eq!(intake.push(business(1), seat(1).0), Some(false), "the one who works has not gone yet");
        assert_eq!(intake.take(business(1)).map(|seats| seats.len()), Some(1));
        assert!(intake.take(business(1)).is_none());
        assert_eq!(intake.push(business(1), seat(1).0), Some(true));
        assert_eq!(intake.take(business(2)).map(|seats| seats.len()), Some(4), "a flush has its size");
    }

    #[test]
    fn who_waits_for_a_task_that_dies_is_told() {
        let intake = Intake::default();
        let (one, mut told) = seat(3);
        assert_eq!(intake.push(business(1), one), Some(true));
        drop(Worker { intake: intake.clone(), business: business(1), is_done: false });
        assert!(told.try_recv().is_err_and(|error| error == oneshot::error::TryRecvError::Closed));
        assert_eq!((intake.waiting(), intake.push(business(1), seat(1).0)), (0, Some(true)));
    }

    #[test]
    fn a_request_that_came_too_soon_counts_once() {
        let (seat, _told) = seat(3);
        let soon = Fate::TooSoon(At::from_second(0).0);
        let waiting = Waiting { refused: vec![Refusal::Invalid], ..seat.waiting };
        assert_eq!(counted(&waiting, &[soon; 3]).len(), 1);
        assert_eq!(counted(&waiting, &[Fate::Stored, Fate::OffShift, Fate::Crowded(None)]).len(), 3);
    }
}
