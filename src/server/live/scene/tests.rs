use uuid::Uuid;

use super::*;
use crate::{
    model::{geo::Coordinate, work_order::WorkOrderState},
    server::store::position,
};

const NOW: i64 = 1_800_000_000;

fn member(number: u128) -> MemberId {
    MemberId(Uuid::from_u128(number))
}

fn fix(lat: f64, lon: f64, after: i64) -> Fix {
    let place = Coordinate::from_degrees(lat, lon).expect("a place");
    Fix { place, at: At::from_second(NOW + after), accuracy_m: 5.0, speed_mps: Some(9.0), heading_deg: Some(90.0) }
}

fn unit(number: u128, fix: Option<Fix>) -> Unit {
    let name = format!("Technician {number}").parse().expect("a name");
    Unit { member: member(number), name, since: At::from_second(NOW), job: None, fix }
}

/// The same, as the relay tells it.
fn moved(number: u128, fix: Option<Fix>) -> Moved {
    let unit = unit(number, fix);
    let position = unit.fix.map(|fix| position::Position {
        at: fix.at,
        received_at: fix.at,
        place: fix.place,
        accuracy_m: 5.0,
        speed_mps: Some(9.0),
        heading_deg: Some(90.0),
        is_coarse: false,
        is_fast: false,
    });
    let told = position::Unit { member: unit.member, name: unit.name, shift_began: unit.since, position };
    Moved { member: unit.member, unit: Some(told) }
}

fn scene(filter: UnitFilter, selected: Option<MemberId>, only: Option<MemberId>) -> Scene {
    let bounds = Bounds::from_degrees(-98.0, 30.0, -97.0, 31.0).expect("a box");
    Scene::new(View { bounds, zoom: 9, filter, selected, only })
}

fn plain() -> Scene {
    scene(UnitFilter::default(), None, None)
}

fn batch(scene: &mut Scene) -> Option<MapBatch> {
    scene.batch(At::from_second(NOW + 100))
}

#[test]
fn a_browser_is_told_what_changed_and_nothing_twice() {
    let mut scene = plain();
    scene.put(&[], vec![unit(1, Some(fix(30.5, -97.5, 1))), unit(2, None)]);
    let first = batch(&mut scene).expect("all there is");
    assert!(first.whole && first.units.len() == 2 && first.counts == [0, 0, 1, 0, 1]);
    assert!(batch(&mut scene).is_none(), "nothing happened");
    assert_eq!(scene.hear(&moved(1, Some(fix(30.6, -97.5, 20)))), Heard::Taken);
    let second = batch(&mut scene).expect("one moved");
    assert!(!second.whole && second.units.len() == 1 && second.gone.is_empty());
    assert!(second.units.iter().all(|unit| unit.fix.as_ref().is_some_and(|fix| (fix.lat - 30.6).abs() < 1e-9)));
}

#[test]
fn what_comes_late_takes_nobody_back() {
    let mut scene = plain();
    scene.put(&[], vec![unit(1, Some(fix(30.5, -97.5, 50)))]);
    batch(&mut scene);
    scene.hear(&moved(1, Some(fix(30.1, -97.1, 20))));
    assert!(batch(&mut scene).is_none());
    let ended = Moved { member: member(1), unit: None };
    scene.hear(&ended);
    assert!(batch(&mut scene).is_some_and(|next| next.gone == [member(1)]), "the shift is over");
}

#[test]
fn who_leaves_the_view_or_the_shift_goes() {
    let mut scene = plain();
    scene.put(&[], vec![unit(1, Some(fix(30.5, -97.5, 1))), unit(2, Some(fix(30.5, -97.5, 1)))]);
    batch(&mut scene);
    scene.hear(&moved(1, Some(fix(35.0, -97.5, 20))));
    scene.put(&[member(2)], Vec::new());
    let gone = batch(&mut scene).expect("both").gone;
    assert!(gone.len() == 2 && scene.units.is_empty());
    assert_eq!(scene.hear(&moved(1, Some(fix(36.0, -97.5, 40)))), Heard::Taken, "outside, nothing is asked");
    assert_eq!(scene.hear(&moved(1, Some(fix(30.5, -97.5, 60)))), Heard::Unknown, "back inside");
}

#[test]
fn who_is_selected_is_told_wherever_they_are() {
    let mut scene = scene(UnitFilter { state: Some(UnitState::OnSite), text: String::new() }, Some(member(1)), None);
    scene.put(&[], vec![unit(1, Some(fix(35.0, -97.5, 1))), unit(2, Some(fix(30.5, -97.5, 1)))]);
    let first = batch(&mut scene).expect("all there is");
    assert!(first.units.len() == 1 && first.units.iter().all(|unit| unit.id == member(1)));
    scene.put(&[], vec![Unit { job: Some(WorkOrderState::OnSite), ..unit(2, Some(fix(30.5, -97.5, 2))) }]);
    assert!(batch(&mut scene).is_some_and(|next| next.units.len() == 1), "now the filter keeps them");
}

#[test]
fn who_is_inside_and_does_not_pass_the_filter_is_read_once() {
    let mut scene = scene(UnitFilter { state: Some(UnitState::Standing), text: String::new() }, None, None);
    let drives = |after| moved(1, Some(fix(30.5, -97.5, after)));
    assert_eq!(scene.hear(&drives(1)), Heard::Unknown);
    scene.put(&[member(1)], vec![unit(1, Some(fix(30.5, -97.5, 1)))]);
    batch(&mut scene);
    assert_eq!(scene.hear(&drives(20)), Heard::Taken, "it is known that they are not shown");
    assert!(batch(&mut scene).is_none());
    let mut stands = drives(40);
    if let Some(position) = stands.unit.as_mut().and_then(|unit| unit.position.as_mut()) {
        position.speed_mps = Some(0.0);
    }
    assert_eq!(scene.hear(&stands), Heard::Taken);
    assert!(batch(&mut scene).is_some_and(|next| next.units.len() == 1), "now they stand");
    scene.hear(&drives(60));
    assert!(batch(&mut scene).is_some_and(|next| next.gone == [member(1)]));
    let mut again = drives(80);
    if let Some(unit) = &mut again.unit {
        unit.shift_began = At::from_second(NOW + 70);
    }
    assert_eq!(scene.hear(&again), Heard::Unknown, "another shift");
    scene.hear(&Moved { member: member(1), unit: None });
    assert_eq!(scene.hear(&drives(90)), Heard::Unknown, "what was known of them is forgotten");
}

#[test]
fn with_own_reach_nobody_else_is_held() {
    let mut scene = scene(UnitFilter::default(), Some(member(2)), Some(member(1)));
    scene.put(&[], vec![unit(1, None), unit(2, None)]);
    assert!(scene.units.keys().eq(&[member(1)]));
    assert_eq!(scene.hear(&moved(2, Some(fix(30.5, -97.5, 1)))), Heard::Taken);
    assert!(scene.units.keys().eq(&[member(1)]));
}

#[test]
fn many_are_told_as_counts_until_there_are_few_again() {
    let mut scene = plain();
    let place = |number: u128, after| {
        let step = f64::from(u32::try_from(number % 100).expect("small")) / 110.0;
        fix(30.01 + step, -97.99 + step, after)
    };
    scene.put(&[], (0..300).map(|n| unit(n, Some(place(n, 1)))).collect());
    let first = batch(&mut scene).expect("all there is");
    assert!(first.whole && first.units.is_empty() && first.level.is_some());
    assert_eq!(first.cells.iter().map(|(_, _, count)| count).sum::<u32>(), 300);
    scene.hear(&moved(0, Some(place(99, 20))));
    let second = batch(&mut scene).expect("one moved");
    assert!(!second.whole && second.cells.len() == 2, "one cell less, one more");
    let gone: Vec<_> = (0..110).map(member).collect();
    scene.put(&gone, Vec::new());
    assert!(batch(&mut scene).is_some_and(|next| next.level.is_some()), "190: it does not change its mind yet");
    let gone: Vec<_> = (110..125).map(member).collect();
    scene.put(&gone, Vec::new());
    assert!(batch(&mut scene).is_some_and(|next| next.whole && next.units.len() == 175 && next.level.is_none()));
}
