//! 50,000 moving units and one viewer (goal: under 30 kB a second to the browser).
//!
//! Drives what a map's stream decides by (`live::scene`), fed as the relay feeds it: each unit moves three times a minute, and a
//! batch is made each second, for a view of the whole country, of a region, and of a town. The control is what the same changes
//! would be if each were told as it comes. No database and no network: what is measured is what leaves, and what deciding costs.
#![recursion_limit = "256"]
#![allow(clippy::disallowed_methods, reason = "a benchmark reads the environment")]

use std::time::{Duration, Instant};

use ringfort::{
    model::{
        geo::{Bounds, Coordinate},
        id::MemberId,
        map::UnitFilter,
    },
    server::{
        kit::At,
        live::{
            Moved,
            scene::{Heard, Scene, View, wire},
        },
        store::{
            map::{Fix, Unit},
            position,
        },
    },
};
use uuid::Uuid;

const UNITS: u32 = 50_000;
/// A unit moves once in so many seconds.
const EVERY: u32 = 20;
const SECONDS: u32 = 60;
const BEGIN: i64 = 1_790_000_000;
const GOAL: f64 = 30_000.0;

fn main() {
    // cargo test builds and runs benchmarks too: nothing to measure there.
    if !std::env::args().any(|arg| arg == "--bench") {
        return;
    }
    println!("{UNITS} units, each moves every {EVERY} s, {SECONDS} s, one viewer");
    for (name, west, south, east, north, zoom) in [
        ("the country", -125.0, 24.0, -66.0, 50.0, 4),
        ("a region", -100.0, 28.0, -94.0, 34.0, 7),
        ("a town", -97.9, 30.1, -97.6, 30.4, 11),
    ] {
        let bounds = Bounds::from_degrees(west, south, east, north).expect("a box");
        run(name, View { bounds, zoom, filter: UnitFilter::default(), selected: None, only: None });
    }
}

fn member(number: u32) -> MemberId {
    MemberId(Uuid::from_u128(u128::from(number)))
}

/// Where a unit is at a second: spread over the country, driving eastwards at about 15 m/s.
fn fix(number: u32, second: u32) -> Fix {
    let spread = |by: u32| f64::from(number.wrapping_mul(by) % 10_007) / 10_007.0;
    let lat = 25.0 + spread(7_919) * 24.0;
    let lon = -124.0 + spread(104_729) * 57.0 + f64::from(second) * 0.000_16;
    Fix {
        place: Coordinate::from_degrees(lat, lon).expect("a place"),
        at: At::from_second(BEGIN + i64::from(second)),
        accuracy_m: 8.0,
        speed_mps: Some(15.0),
        heading_deg: Some(90.0),
    }
}

fn unit(number: u32) -> Unit {
    let name = format!("Technician {number}").parse().expect("a name");
    Unit { member: member(number), name, since: At::from_second(BEGIN - 60), job: None, fix: Some(fix(number, 0)) }
}

fn moved(number: u32, second: u32) -> Moved {
    let (unit, fix) = (unit(number), fix(number, second));
    let position = position::Position {
        at: fix.at,
        received_at: fix.at,
        place: fix.place,
        accuracy_m: 8.0,
        speed_mps: Some(15.0),
        heading_deg: Some(90.0),
        is_coarse: false,
        is_fast: false,
    };
    let told =
        position::Unit { member: unit.member, name: unit.name, shift_began: unit.since, position: Some(position) };
    Moved { member: unit.member, unit: Some(told) }
}

/// The bytes of one view, a second.
fn run(name: &str, view: View) {
    let mut scene = Scene::new(view);
    scene.put(&[], (0..UNITS).map(unit).collect());
    let first = bytes(&mut scene, 0);
    let (mut sent, mut plain, mut most, mut took) = (0, 0, 0, Duration::ZERO);
    for second in 1..=SECONDS {
        let moves: Vec<Moved> = (0..UNITS).filter(|n| n % EVERY == second % EVERY).map(|n| moved(n, second)).collect();
        plain += moves.len() * serde_json::to_vec(&wire(&unit(1))).expect("plain data").len();
        let begin = Instant::now();
        let unknown: Vec<u32> = (0..UNITS)
            .filter(|n| n % EVERY == second % EVERY)
            .zip(&moves)
            .filter(|(_, one)| scene.hear(one) == Heard::Unknown)
            .map(|(number, _)| number)
            .collect();
        // As the stream reads those who came into view.
        let asked: Vec<MemberId> = unknown.iter().map(|number| member(*number)).collect();
        let read = unknown.iter().map(|number| Unit { fix: Some(fix(*number, second)), ..unit(*number) }).collect();
        scene.put(&asked, read);
        let now = bytes(&mut scene, second);
        took += begin.elapsed();
        sent += now;
        most = most.max(now);
    }
    let a_second = |bytes: usize| f64::from(u32::try_from(bytes).expect("not so many")) / f64::from(SECONDS);
    println!(
        "{name:<12} first {first} B, then {:.0} B/s (goal {GOAL:.0}), most in one second {most} B; told one by one {:.0} B/s; \
         {:.1} ms of work a second",
        a_second(sent),
        a_second(plain),
        took.as_secs_f64() * 1000.0 / f64::from(SECONDS)
    );
}

/// What leaves for one batch, with the frame of its event.
fn bytes(scene: &mut Scene, second: u32) -> usize {
    const FRAME: usize = "event: batch\ndata: \n\n".len();
    let batch = scene.batch(At::from_second(BEGIN + i64::from(second)));
    batch.map_or(0, |batch| serde_json::to_vec(&batch).expect("plain data").len() + FRAME)
}
