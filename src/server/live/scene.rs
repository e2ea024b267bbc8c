//! What one browser's map knows and must still be told (GPS-2): a view of the units, and the difference since the last batch.
//!
//! Pure: it is fed with what was read and with what the relay tells, and asked for a batch at most once a second, so a browser
//! gets no more for many positions than for few. What lies outside the view is not held. Where too many are in view, a batch
//! counts them per cell (`model::map`). The benchmark `map` drives it alone.

use std::collections::{HashMap, HashSet};

use crate::{
    model::{
        geo::Bounds,
        id::MemberId,
        map::{self, Cell, UNITS_AGAIN, UNITS_MOST, UnitFilter, UnitState},
    },
    server::{
        kit::At,
        live::Moved,
        store::map::{Fix, Unit},
    },
    ui::wire::map::{MapBatch, MapFix, MapUnit},
};

/// Where a browser looks, and what it asks for.
#[derive(Debug, Clone)]
pub struct View {
    pub bounds: Bounds,
    pub zoom: u8,
    pub filter: UnitFilter,
    /// Somebody who is told wherever they are.
    pub selected: Option<MemberId>,
    /// With own reach: oneself, and nobody else.
    pub only: Option<MemberId>,
}

impl View {
    /// Whether somebody is shown here: they are in it and the filter keeps them, or they are selected; and they may be told at
    /// all. Who has not said yet where they are is in every view.
    #[must_use]
    pub fn keeps(&self, unit: &Unit) -> bool {
        let is_inside = unit.fix.is_none_or(|fix| self.bounds.contains(&fix.place));
        let is_kept = is_inside && self.filter.keeps(unit.name.reveal(), unit.state());
        (is_kept || self.selected == Some(unit.member)) && self.only.is_none_or(|only| only == unit.member)
    }
}

/// The units in view, and what the browser knows of them.
#[derive(Debug)]
pub struct Scene {
    view: View,
    level: u8,
    units: HashMap<MemberId, Unit>,
    /// Who changed since the last batch.
    changed: HashSet<MemberId>,
    told: Told,
}

/// What the browser has on its screen.
#[derive(Debug)]
enum Told {
    Nothing,
    Units(HashSet<MemberId>),
    Cells(HashMap<Cell, u32>),
}

/// What is to be done about a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// It is taken, or concerns nobody in view.
    Taken,
    /// Of somebody whose name and shift are not known here: to be read.
    Unknown,
}

impl Scene {
    #[must_use]
    pub fn new(view: View) -> Self {
        let level = map::level(&view.bounds, view.zoom);
        Self { view, level, units: HashMap::new(), changed: HashSet::new(), told: Told::Nothing }
    }

    #[must_use]
    pub fn view(&self) -> &View {
        &self.view
    }

    /// Whether somebody may be told at all.
    #[must_use]
    pub fn concerns(&self, member: MemberId) -> bool {
        self.view.only.is_none_or(|only| only == member)
    }

    /// What the relay tells of somebody.
    pub fn hear(&mut self, moved: &Moved) -> Heard {
        let member = moved.member;
        if !self.concerns(member) {
            return Heard::Taken;
        }
        let Some(told) = &moved.unit else {
            self.forget(member);
            return Heard::Taken;
        };
        let fix = told.position.as_ref().map(Fix::from);
        let wanted = self.is_inside(fix) || self.view.selected == Some(member);
        match self.units.get_mut(&member) {
            Some(unit) if unit.since == told.shift_began => {
                // What came late takes nobody back.
                if fix.is_some_and(|fix| unit.fix.is_none_or(|known| known.at < fix.at)) {
                    unit.fix = fix;
                    self.settle(member);
                }
                Heard::Taken
            }
            Some(_) => Heard::Unknown,
            None if wanted => Heard::Unknown,
            None => Heard::Taken,
        }
    }

    /// Units as they were read just now. Who was asked about and is not among them is on no shift any more.
    pub fn put(&mut self, asked: &[MemberId], read: Vec<Unit>) {
        let found: HashSet<MemberId> = read.iter().map(|unit| unit.member).collect();
        for member in asked.iter().filter(|member| !found.contains(*member)) {
            self.forget(*member);
        }
        let only = self.view.only;
        for unit in read.into_iter().filter(|unit| only.is_none_or(|only| only == unit.member)) {
            let member = unit.member;
            // The relay may have told a newer position than was read.
            let newer = self.units.get(&member).and_then(|known| known.fix).filter(|known| known.at >= unit.since);
            let fix = match newer {
                Some(known) if unit.fix.is_none_or(|stored| stored.at < known.at) => Some(known),
                _ => unit.fix,
            };
            self.units.insert(member, Unit { fix, ..unit });
            self.settle(member);
        }
    }

    /// Everybody who is held here: to be read again when a job changed, whose technician nobody names.
    #[must_use]
    pub fn members(&self) -> Vec<MemberId> {
        self.units.keys().copied().collect()
    }

    fn is_inside(&self, fix: Option<Fix>) -> bool {
        fix.is_none_or(|fix| self.view.bounds.contains(&fix.place))
    }

    fn forget(&mut self, member: MemberId) {
        if self.units.remove(&member).is_some() {
            self.changed.insert(member);
        }
    }

    /// Keeps a unit that is shown, and lets go of one that is not.
    fn settle(&mut self, member: MemberId) {
        let Some(unit) = self.units.get(&member) else { return };
        if !self.view.keeps(unit) {
            self.units.remove(&member);
        }
        self.changed.insert(member);
    }

    /// What the browser does not know yet; nothing when it knows all. Called once a second.
    pub fn batch(&mut self, now: At) -> Option<MapBatch> {
        let most = if matches!(self.told, Told::Cells(_)) { UNITS_AGAIN } else { UNITS_MOST };
        if self.changed.is_empty() && !matches!(self.told, Told::Nothing) {
            return None;
        }
        let batch = if self.units.len() > most { self.cells(now) } else { self.each(now) };
        self.changed.clear();
        Some(batch)
    }

    /// One by one.
    fn each(&mut self, now: At) -> MapBatch {
        let whole = !matches!(self.told, Told::Units(_));
        let shown: HashSet<MemberId> = self.units.keys().copied().collect();
        let gone = match &self.told {
            Told::Units(told) => told.difference(&shown).copied().collect(),
            Told::Nothing | Told::Cells(_) => Vec::new(),
        };
        let news = self.units.values().filter(|unit| whole || self.changed.contains(&unit.member));
        let units = news.map(wire).collect();
        self.told = Told::Units(shown);
        MapBatch { now: now.millis(), whole, counts: self.counts(), units, gone, level: None, cells: Vec::new() }
    }

    /// By count; and who is selected, as they are.
    fn cells(&mut self, now: At) -> MapBatch {
        let mut counts: HashMap<Cell, u32> = HashMap::new();
        for fix in self.units.values().filter_map(|unit| unit.fix) {
            *counts.entry(Cell::of(&fix.place, self.level)).or_default() += 1;
        }
        let empty = HashMap::new();
        let (whole, known) = match &self.told {
            Told::Cells(known) => (false, known),
            Told::Nothing | Told::Units(_) => (true, &empty),
        };
        let news = counts.iter().filter(|(cell, count)| known.get(*cell) != Some(*count));
        let mut cells: Vec<(u32, u32, u32)> = news.map(|(cell, count)| (cell.x, cell.y, *count)).collect();
        cells.extend(known.keys().filter(|cell| !counts.contains_key(*cell)).map(|cell| (cell.x, cell.y, 0)));
        let selected = self.view.selected.filter(|member| whole || self.changed.contains(member));
        let (units, gone) = match selected.map(|member| (member, self.units.get(&member))) {
            Some((_, Some(unit))) => (vec![wire(unit)], Vec::new()),
            Some((member, None)) => (Vec::new(), vec![member]),
            None => (Vec::new(), Vec::new()),
        };
        self.told = Told::Cells(counts);
        MapBatch { now: now.millis(), whole, counts: self.counts(), units, gone, level: Some(self.level), cells }
    }

    fn counts(&self) -> [usize; UnitState::ALL.len()] {
        UnitState::ALL.map(|state| self.units.values().filter(|unit| unit.state() == state).count())
    }
}

/// Five digits of a degree are about a metre: more would say nothing, and costs bytes.
#[must_use]
pub fn degrees(e7: i32) -> f64 {
    (f64::from(e7) / 100.0).round() / 100_000.0
}

/// What travels of a unit.
#[must_use]
pub fn wire(unit: &Unit) -> MapUnit {
    let fix = unit.fix.map(|fix| MapFix {
        at: fix.at.millis(),
        lat: degrees(fix.place.lat_e7),
        lon: degrees(fix.place.lon_e7),
        speed: fix.speed_mps.map(|speed| (speed * 10.0).round() / 10.0),
        heading: fix.heading_deg.map(f64::round),
        accuracy: fix.accuracy_m.round(),
    });
    MapUnit {
        id: unit.member,
        name: unit.name.reveal().to_owned(),
        state: unit.state(),
        since: unit.since.millis(),
        fix,
    }
}

#[cfg(test)]
mod tests {
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
        assert!(gone.len() == 2 && scene.members().is_empty());
        assert_eq!(scene.hear(&moved(1, Some(fix(36.0, -97.5, 40)))), Heard::Taken, "outside, nothing is asked");
        assert_eq!(scene.hear(&moved(1, Some(fix(30.5, -97.5, 60)))), Heard::Unknown, "back inside");
    }

    #[test]
    fn who_is_selected_is_told_wherever_they_are() {
        let mut scene =
            scene(UnitFilter { state: Some(UnitState::OnSite), text: String::new() }, Some(member(1)), None);
        scene.put(&[], vec![unit(1, Some(fix(35.0, -97.5, 1))), unit(2, Some(fix(30.5, -97.5, 1)))]);
        let first = batch(&mut scene).expect("all there is");
        assert!(first.units.len() == 1 && first.units.iter().all(|unit| unit.id == member(1)));
        scene.put(&[], vec![Unit { job: Some(WorkOrderState::OnSite), ..unit(2, Some(fix(30.5, -97.5, 2))) }]);
        assert!(batch(&mut scene).is_some_and(|next| next.units.len() == 1), "now the filter keeps them");
    }

    #[test]
    fn with_own_reach_nobody_else_is_held() {
        let mut scene = scene(UnitFilter::default(), Some(member(2)), Some(member(1)));
        scene.put(&[], vec![unit(1, None), unit(2, None)]);
        assert_eq!(scene.members(), [member(1)]);
        assert_eq!(scene.hear(&moved(2, Some(fix(30.5, -97.5, 1)))), Heard::Taken);
        assert_eq!(scene.members(), [member(1)]);
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
}
