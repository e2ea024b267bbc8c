//! What becomes of points (GPS-1, GPS-3): shift, three requests and three points in any minute, what is there already, and
//! what is impossibly fast.
//!
//! Pure. Who asks holds the lock of the business and brings what is stored (`server::store::position`), so that nothing changes
//! between judging and writing. All points of a flush are judged at once, by technician and in order of time, whatever order
//! they came in. Where several are new, those that come first in time stay: a point is too many when, with the new ones before
//! it and the stored ones around it, four would lie within a minute.
//!
//! To add a rule: a [`Fate`], its place in [`judge`]'s order of questions, and in [`Standing`] what it must know.

use std::{cmp::Reverse, collections::HashMap, hash::BuildHasher};

use jiff::{SignedDuration, Timestamp};

use super::{MINUTE, PER_MINUTE, Point, SHIFT_SECONDS};
use crate::model::{geo::Coordinate, id::MemberId};

/// Faster than anybody drives, in metres a second.
const FAST_MPS: f64 = 90.0;
/// A shift counts for so long, whether or not the clock has ended it yet.
const SHIFT: SignedDuration = SignedDuration::from_secs(SHIFT_SECONDS);

/// The last three times of something, newest first.
pub type Recent = [Option<Timestamp>; PER_MINUTE];

/// A point of a flush.
#[derive(Debug, Clone, Copy)]
pub struct NewPoint {
    pub member: MemberId,
    /// The number of its request in the flush.
    pub request: i32,
    pub point: Point,
}

/// What became of a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Stored,
    /// It is there already.
    Duplicate,
    /// No shift was open at its time.
    OffShift,
    /// Too many points lie in its minute. When the next newer one has room, if it is the newest.
    Crowded(Option<Timestamp>),
    /// Its request is one too many. When the next one has room.
    TooSoon(Timestamp),
}

/// A point that is stored.
#[derive(Debug, Clone, Copy)]
pub struct Stored {
    pub at: Timestamp,
    pub place: Coordinate,
}

/// A shift, open while it has no end.
#[derive(Debug, Clone, Copy)]
pub struct Shift {
    pub began_at: Timestamp,
    pub ended_at: Option<Timestamp>,
}

/// What is known of a technician before a flush.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    pub latest: Option<Stored>,
    /// Times of the newest stored points, the latest among them.
    pub recent_fixes: Recent,
    /// When the last requests came of which something was stored.
    pub recent_arrivals: Recent,
    /// Those that may cover a point's time.
    pub shifts: Vec<Shift>,
    /// The history around each point that [`late`] names: four before it or at its time, within a day, and three after it,
    /// within a minute.
    pub around: Vec<Stored>,
}

/// What is to be written of a flush, and what is to be answered.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Of each point, in the order in which they came.
    pub fates: Vec<Fate>,
    /// For the history, by technician and time.
    pub kept: Vec<Kept>,
    /// One for each technician of whom something is kept.
    pub latest: Vec<Latest>,
}

/// A point that is to be stored.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Kept {
    pub member: MemberId,
    pub point: Point,
    /// Further from the one before it than anybody drives.
    pub is_fast: bool,
}

/// What a technician's latest position becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Latest {
    pub member: MemberId,
    /// The place of their newest point in [`Verdict::kept`].
    pub newest: usize,
    pub change: Change,
    pub recent_fixes: Recent,
    pub recent_arrivals: Recent,
}

/// How a latest position changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// There was none.
    First,
    /// It is the newest point's.
    Moved,
    /// All that came is older: only what was recent changes.
    Late,
}

impl Shift {
    fn covers(&self, at: Timestamp) -> bool {
        let since = at.duration_since(self.began_at);
        !since.is_negative() && since <= SHIFT && self.ended_at.is_none_or(|end| at <= end)
    }
}

impl Standing {
    fn is_on_shift(&self, at: Timestamp) -> bool {
        self.shifts.iter().any(|shift| shift.covers(at))
    }

    /// All that is known to be stored, oldest first. Of some only the time is known.
    fn known(&self) -> Vec<Known> {
        let placed = self.latest.iter().chain(&self.around).map(|s| Known { at: s.at, place: Some(s.place) });
        let recent = self.recent_fixes.iter().flatten().map(|at| Known { at: *at, place: None });
        let mut known: Vec<Known> = placed.chain(recent).collect();
        // Stable, and of the same time the first stays: that with a place.
        known.sort_by_key(|known| known.at);
        known.dedup_by_key(|known| known.at);
        known
    }

    /// How many requests have room now, and when the next one has.
    fn room(&self, now: Timestamp) -> (usize, Timestamp) {
        let recent = self.recent_arrivals.iter().flatten().filter(|came| now.duration_since(**came) < MINUTE).count();
        let oldest = recent.checked_sub(1).and_then(|last| self.recent_arrivals.get(last).copied().flatten());
        (PER_MINUTE.saturating_sub(recent), minute_after(oldest.unwrap_or(now)))
    }
}

fn minute_after(at: Timestamp) -> Timestamp {
    at.saturating_add(MINUTE).unwrap_or(at)
}

fn recent(mut times: impl Iterator<Item = Timestamp>) -> Recent {
    [times.next(), times.next(), times.next()]
}

/// The points for which the history must be known: those that are not newer than all that is stored, each once. So are all of
/// somebody who has no latest position, since nothing says that there is no history.
#[must_use]
pub fn late<S: BuildHasher>(
    points: &[NewPoint],
    standings: &HashMap<MemberId, Standing, S>,
) -> Vec<(MemberId, Timestamp)> {
    let is_late = |standing: &Standing, at: Timestamp| {
        standing.latest.is_none_or(|latest| at <= latest.at) && standing.is_on_shift(at)
    };
    let mut late: Vec<(MemberId, Timestamp)> = points
        .iter()
        .filter(|new| standings.get(&new.member).is_some_and(|standing| is_late(standing, new.point.at)))
        .map(|new| (new.member, new.point.at))
        .collect();
    late.sort_unstable();
    late.dedup();
    late
}

/// Judges all points of a flush. Of whom nothing is known is on no shift.
#[must_use]
pub fn judge<S: BuildHasher>(
    now: Timestamp,
    points: &[NewPoint],
    standings: &HashMap<MemberId, Standing, S>,
) -> Verdict {
    let stranger = Standing::default();
    let mut sorted: Vec<Placed<'_>> = points.iter().enumerate().collect();
    // Stable: of the same time, the one that came first is judged, and the others are what it is.
    sorted.sort_by_key(|(_, new)| (new.member, new.point.at));
    let mut verdict = Verdict::default();
    let mut fates: Vec<(usize, Fate)> = Vec::with_capacity(points.len());
    for theirs in sorted.chunk_by(|(_, one), (_, other)| one.member == other.member) {
        let Some((_, first)) = theirs.first() else { continue };
        let standing = standings.get(&first.member).unwrap_or(&stranger);
        fates.extend(judge_one(now, theirs, standing, &mut verdict));
    }
    fates.sort_unstable_by_key(|(place, _)| *place);
    verdict.fates = fates.into_iter().map(|(_, fate)| fate).collect();
    verdict
}

/// A point, and its place in the flush.
type Placed<'a> = (usize, &'a NewPoint);

/// One technician's points, in order of time.
fn judge_one(now: Timestamp, theirs: &[Placed<'_>], standing: &Standing, verdict: &mut Verdict) -> Vec<(usize, Fate)> {
    let (left, room_at) = standing.room(now);
    let mut in_time: Vec<i32> = theirs.iter().map(|(_, new)| new.request).collect();
    in_time.sort_unstable();
    in_time.dedup();
    in_time.truncate(left);
    let known = standing.known();
    let mut line = Line { ahead: &known, before: Recent::default(), from: None, last: None };
    let begin = verdict.kept.len();
    let mut requests = Vec::new();
    let mut fates = Vec::with_capacity(theirs.len());
    for (place, NewPoint { member, request, point }) in theirs {
        let (fate, is_fast) = if !in_time.contains(request) {
            (Fate::TooSoon(room_at), false)
        } else if !standing.is_on_shift(point.at) {
            (Fate::OffShift, false)
        } else {
            line.judge(point)
        };
        if fate == Fate::Stored {
            verdict.kept.push(Kept { member: *member, point: *point, is_fast });
            requests.push(*request);
        }
        fates.push((*place, fate));
    }
    let kept = verdict.kept.get(begin..).unwrap_or_default();
    verdict.latest.extend(latest(now, begin, kept, requests, standing));
    fates
}

/// What somebody's latest position becomes by what of theirs is kept, which begins at that place.
fn latest(now: Timestamp, begin: usize, kept: &[Kept], mut requests: Vec<i32>, standing: &Standing) -> Option<Latest> {
    let newest = kept.last()?;
    let change = match standing.latest {
        None => Change::First,
        Some(latest) if newest.point.at > latest.at => Change::Moved,
        Some(_) => Change::Late,
    };
    let new = kept.iter().rev().take(PER_MINUTE).map(|kept| kept.point.at);
    let mut fixes: Vec<Timestamp> = new.chain(standing.recent_fixes.iter().flatten().copied()).collect();
    fixes.sort_unstable_by_key(|at| Reverse(*at));
    requests.sort_unstable();
    requests.dedup();
    let arrivals = requests.iter().map(|_| now).chain(standing.recent_arrivals.iter().flatten().copied());
    Some(Latest {
        member: newest.member,
        newest: begin + kept.len() - 1,
        change,
        recent_fixes: recent(fixes.into_iter()),
        recent_arrivals: recent(arrivals),
    })
}

/// What is known of a stored point, or of one that will be.
#[derive(Debug, Clone, Copy)]
struct Known {
    at: Timestamp,
    place: Option<Coordinate>,
}

/// A technician's time line, which points walk along in their order.
struct Line<'a> {
    /// What is stored and not passed yet.
    ahead: &'a [Known],
    /// The last that were passed, stored or new: also those that were too many.
    before: Recent,
    /// The last that was passed and is stored or will be.
    from: Option<Known>,
    /// The last new one, and what became of it.
    last: Option<(Timestamp, Fate)>,
}

impl Line<'_> {
    /// What becomes of the next point, and whether it is impossibly fast.
    fn judge(&mut self, point: &Point) -> (Fate, bool) {
        if let Some((at, fate)) = self.last
            && at == point.at
        {
            return (if fate == Fate::Stored { Fate::Duplicate } else { fate }, false);
        }
        while let Some((next, rest)) = self.ahead.split_first()
            && next.at <= point.at
        {
            self.ahead = rest;
            self.from = Some(*next);
            self.pass(next.at);
        }
        let (fate, is_fast) = self.next(point);
        self.last = Some((point.at, fate));
        (fate, is_fast)
    }

    fn next(&mut self, point: &Point) -> (Fate, bool) {
        let at = point.at;
        if self.from.is_some_and(|from| from.at == at) {
            return (Fate::Duplicate, false);
        }
        let before = self.before;
        let is_near = |after: &Timestamp| after.duration_since(at) < MINUTE;
        // The nearest first, as those before.
        let after = recent(self.ahead.iter().map(|known| known.at).take_while(is_near));
        self.pass(at);
        // Every four in a row of which it is one.
        let fours = [(before[2], Some(at)), (before[1], after[0]), (before[0], after[1]), (Some(at), after[2])];
        let is_close = |(first, last): &(Option<Timestamp>, Option<Timestamp>)| {
            first.zip(*last).is_some_and(|(first, last)| last.duration_since(first) < MINUTE)
        };
        if fours.iter().any(is_close) {
            let is_newest = self.ahead.is_empty();
            return (Fate::Crowded(before[2].filter(|_| is_newest).map(minute_after)), false);
        }
        let is_fast = self.from.is_some_and(|from| is_fast(&from, point));
        self.from = Some(Known { at, place: Some(point.place) });
        (Fate::Stored, is_fast)
    }

    fn pass(&mut self, at: Timestamp) {
        let [one, two, _] = self.before;
        self.before = [Some(at), one, two];
    }
}

fn is_fast(from: &Known, to: &Point) -> bool {
    let seconds = to.at.duration_since(from.at).as_secs_f64();
    from.place.is_some_and(|place| place.distance_m(&to.place) > FAST_MPS * seconds)
}

#[cfg(test)]
mod tests;
