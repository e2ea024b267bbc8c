//! Each rule by itself, and the limits over many flushes, against a store that holds all that was kept.

use proptest::{collection::vec, prelude::*};
use uuid::Uuid;

use super::*;

const NOW: i64 = 1_790_000_000;
const MEMBER: MemberId = MemberId(Uuid::from_u128(1));

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(NOW + second).expect("a time")
}

fn place(lat: f64) -> Coordinate {
    Coordinate::from_degrees(lat, -97.0).expect("a place")
}

fn new(request: i32, second: i64) -> NewPoint {
    let point = Point {
        at: at(second),
        place: place(30.0),
        accuracy_m: 5.0,
        speed_mps: None,
        heading_deg: None,
        is_coarse: false,
    };
    NewPoint { member: MEMBER, request, point }
}

fn moved(second: i64, lat: f64) -> NewPoint {
    let there = new(0, second);
    NewPoint { point: Point { place: place(lat), ..there.point }, ..there }
}

fn shift(began: i64, ended: Option<i64>) -> Shift {
    Shift { began_at: at(began), ended_at: ended.map(at) }
}

fn on_shift() -> Standing {
    Standing { shifts: vec![shift(-10_000, None)], ..Standing::default() }
}

/// Stored at these seconds, the newest last.
fn stored(seconds: &[i64]) -> Standing {
    let points: Vec<Stored> = seconds.iter().map(|second| Stored { at: at(*second), place: place(30.0) }).collect();
    let recent_fixes = recent(points.iter().rev().map(|point| point.at));
    Standing { latest: points.last().copied(), recent_fixes, around: points, ..on_shift() }
}

fn verdict(points: &[NewPoint], standing: &Standing) -> Verdict {
    judge(at(0), points, &HashMap::from([(MEMBER, standing.clone())]))
}

fn fates(points: &[NewPoint], standing: &Standing) -> Vec<Fate> {
    verdict(points, standing).fates
}

#[test]
fn outside_a_shift_and_beyond_its_longest_nothing_is_stored() {
    let shifts = vec![shift(-5_000, Some(-4_000)), shift(-3_000, Some(-2_000)), shift(-3_000, Some(-3_000))];
    let standing = Standing { shifts, ..Standing::default() };
    let points = [new(0, -5_001), new(0, -5_000), new(0, -4_000), new(0, -3_999), new(0, -2_500), new(0, -1_999)];
    let off = Fate::OffShift;
    assert_eq!(fates(&points, &standing), [off, Fate::Stored, Fate::Stored, off, Fate::Stored, off]);
    let long = Standing { shifts: vec![shift(-SHIFT_SECONDS - 5, None)], ..Standing::default() };
    assert_eq!(fates(&[new(0, -5), new(0, -4)], &long), [Fate::Stored, off], "the clock has not ended it yet");
    let stranger = judge(at(0), &[new(0, -1)], &HashMap::new());
    assert_eq!((stranger.fates, stranger.kept.len(), stranger.latest.len()), (vec![off], 0, 0));
}

#[test]
fn three_requests_of_any_minute_are_looked_at() {
    let points = [new(7, -100), new(4, -200), new(9, -300), new(4, -400), new(5, -500)];
    let soon = |second| Fate::TooSoon(at(second));
    let all = Fate::Stored;
    assert_eq!(fates(&points, &on_shift()), [all, all, soon(60), all, all], "the first three by their number");
    let arrivals = [Some(at(-10)), Some(at(-59)), Some(at(-60))];
    let standing = Standing { recent_arrivals: arrivals, ..on_shift() };
    assert_eq!(fates(&points, &standing), [soon(1), all, soon(1), all, soon(1)], "two of them count");
    let latest = verdict(&points, &standing).latest;
    let [latest] = latest.as_slice() else { panic!("{latest:?}") };
    assert_eq!(latest.recent_arrivals, [Some(at(0)), Some(at(-10)), Some(at(-59))], "one request more");
    let off = [new(0, -20_000), new(1, -20_000), new(2, -20_000), new(3, -5)];
    assert_eq!(fates(&off, &on_shift()).last(), Some(&soon(60)), "whatever they brought");
}

#[test]
fn three_points_lie_in_any_minute() {
    let (kept, late) = (Fate::Stored, Fate::Crowded(None));
    let room = |second| Fate::Crowded(Some(at(second)));
    let points = [new(0, -1), new(0, -59), new(0, -30), new(0, -60), new(0, -61)];
    assert_eq!(fates(&points, &on_shift()), [room(0), kept, room(-1), kept, kept]);
    // Between stored ones: before, in the middle, behind.
    let standing = stored(&[-200, -180, -150]);
    let points = [new(0, -209), new(0, -210), new(0, -175), new(0, -141), new(0, -140)];
    assert_eq!(fates(&points, &standing), [late, kept, late, room(-120), room(-115)]);
}

#[test]
fn what_is_there_and_what_came_twice_is_not_stored_again() {
    let standing = stored(&[-200, -150]);
    let points = [new(0, -150), new(1, -200), new(0, -20), new(1, -20), new(2, -20)];
    let twice = Fate::Duplicate;
    assert_eq!(fates(&points, &standing), [twice, twice, Fate::Stored, twice, twice]);
    let full = stored(&[-12, -11, -10]);
    let points = [new(0, -5), new(1, -5)];
    assert_eq!(fates(&points, &full), [Fate::Crowded(Some(at(48))); 2], "the second is what the first is");
}

#[test]
fn who_is_faster_than_anybody_drives_is_marked() {
    let marks = |points: &[NewPoint], standing: &Standing| -> Vec<bool> {
        verdict(points, standing).kept.iter().map(|kept| kept.is_fast).collect()
    };
    // 0.01 degrees are 1,112 m: 12 seconds are too few, 13 are enough.
    assert_eq!(marks(&[moved(-100, 30.0), moved(-88, 30.01), moved(-75, 30.0)], &on_shift()), [false, true, false]);
    assert_eq!(marks(&[moved(-100, 31.0)], &stored(&[-160])), [true], "against what is stored");
    assert_eq!(marks(&[moved(-170, 31.0)], &stored(&[-160])), [false], "never against what comes after");
    let unplaced = Standing { around: Vec::new(), ..stored(&[-300, -160]) };
    assert_eq!(marks(&[moved(-200, 31.0)], &unplaced), [false], "where the one before was is not known");
}

#[test]
fn a_latest_position_is_first_moved_or_only_added_to() {
    let one = |points: &[NewPoint], standing: &Standing| {
        let latest = verdict(points, standing).latest;
        latest.first().map(|latest| (latest.change, latest.newest, latest.recent_fixes))
    };
    let fixes = |seconds: [i64; 3]| seconds.map(|second| Some(at(second)));
    let two = [Some(at(-5)), Some(at(-70)), None];
    assert_eq!(one(&[new(0, -5), new(0, -70)], &on_shift()), Some((Change::First, 1, two)));
    let standing = stored(&[-400, -300, -200]);
    assert_eq!(one(&[new(0, -5)], &standing), Some((Change::Moved, 0, fixes([-5, -200, -300]))));
    assert_eq!(one(&[new(0, -250)], &standing), Some((Change::Late, 0, fixes([-200, -250, -300]))));
    assert_eq!(one(&[new(0, -200)], &standing), None, "nothing is kept");
}

#[test]
fn the_history_is_asked_for_what_is_not_newer_than_all() {
    let points = [new(0, -5), new(1, -200), new(2, -200), new(0, -20_000)];
    let of = |standing: Standing| late(&points, &HashMap::from([(MEMBER, standing)]));
    assert_eq!(of(stored(&[-200])), [(MEMBER, at(-200))]);
    assert_eq!(of(on_shift()), [(MEMBER, at(-200)), (MEMBER, at(-5))], "nothing says that there is none");
    assert!(of(Standing::default()).is_empty(), "on no shift");
}

/// As the store: all that was kept, the latest, and what was recent.
#[derive(Default)]
struct Held {
    history: Vec<Stored>,
    standing: Standing,
}

impl Held {
    fn flush(&mut self, now: Timestamp, points: &[NewPoint]) -> Vec<Fate> {
        self.standing.shifts = on_shift().shifts;
        let mut standings = HashMap::from([(MEMBER, self.standing.clone())]);
        let mut around: Vec<Stored> = Vec::new();
        for (_, at) in late(points, &standings) {
            around.extend(self.history.iter().rev().filter(|stored| stored.at <= at).take(4));
            let after = |stored: &&Stored| stored.at > at && stored.at.duration_since(at) < MINUTE;
            around.extend(self.history.iter().filter(after).take(3));
        }
        if let Some(standing) = standings.get_mut(&MEMBER) {
            standing.around = around;
        }
        let verdict = judge(now, points, &standings);
        self.history.extend(verdict.kept.iter().map(|kept| Stored { at: kept.point.at, place: kept.point.place }));
        self.history.sort_by_key(|stored| stored.at);
        if let Some(latest) = verdict.latest.first() {
            self.standing.latest = self.history.last().copied();
            self.standing.recent_fixes = latest.recent_fixes;
            self.standing.recent_arrivals = latest.recent_arrivals;
        }
        verdict.fates
    }

    fn times(&self) -> Vec<Timestamp> {
        self.history.iter().map(|stored| stored.at).collect()
    }
}

proptest! {
    #[test]
    fn no_four_lie_in_a_minute_however_they_came(
        flushes in vec(vec((0..3_i32, -300..0_i64), 1..12), 1..12)
    ) {
        let (mut held, mut reversed) = (Held::default(), Held::default());
        for (number, seconds) in (0..).zip(&flushes) {
            let now = at(number * 60);
            let mut points: Vec<NewPoint> = seconds.iter().map(|(request, second)| new(*request, *second)).collect();
            let fates = held.flush(now, &points);
            prop_assert!(fates.iter().all(|fate| !matches!(fate, Fate::TooSoon(_))), "three requests a minute");
            points.reverse();
            reversed.flush(now, &points);
        }
        let (times, other) = (held.times(), reversed.times());
        prop_assert_eq!(&times, &other, "the order within a flush changes nothing");
        prop_assert!(!times.is_empty());
        prop_assert!(times.windows(2).all(|two| two[0] < two[1]), "each time once");
        prop_assert!(times.windows(4).all(|four| four[3].duration_since(four[0]) >= MINUTE), "{times:?}");
        let newest: Vec<_> = times.iter().rev().take(3).copied().collect();
        let recent: Vec<_> = held.standing.recent_fixes.into_iter().flatten().collect();
        prop_assert_eq!(recent, newest, "what was recent is what is newest");
    }
}
