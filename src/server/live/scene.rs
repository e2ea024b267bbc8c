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
    /// Who is inside the view and does not pass its filter: known, so that they are not read again whenever they move.
    left: HashMap<MemberId, Unit>,
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
        let (units, left) = (HashMap::new(), HashMap::new());
        Self { view, level, units, left, changed: HashSet::new(), told: Told::Nothing }
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
            None if wanted => self.hear_left(member, told.shift_began, fix),
            None => {
                self.left.remove(&member);
                Heard::Taken
            }
        }
    }

    /// The same of somebody inside the view who is not shown: by what they do now, they may be.
    fn hear_left(&mut self, member: MemberId, since: At, fix: Option<Fix>) -> Heard {
        let Some(unit) = self.left.get_mut(&member).filter(|unit| unit.since == since) else { return Heard::Unknown };
        if fix.is_some_and(|fix| unit.fix.is_none_or(|known| known.at < fix.at)) {
            unit.fix = fix;
            let is_kept = self.view.filter.keeps(unit.name.reveal(), unit.state());
            if is_kept && let Some(unit) = self.left.remove(&member) {
                self.units.insert(member, unit);
                self.changed.insert(member);
            }
        }
        Heard::Taken
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
            let left = self.left.remove(&member);
            let known = self.units.get(&member).or(left.as_ref()).and_then(|known| known.fix);
            let newer = known.filter(|known| known.at >= unit.since);
            let fix = match newer {
                Some(known) if unit.fix.is_none_or(|stored| stored.at < known.at) => Some(known),
                _ => unit.fix,
            };
            self.units.insert(member, Unit { fix, ..unit });
            self.settle(member);
        }
    }

    /// Who has not said yet where they are is in every view.
    fn is_inside(&self, fix: Option<Fix>) -> bool {
        fix.is_none_or(|fix| self.view.bounds.contains(&fix.place))
    }

    fn forget(&mut self, member: MemberId) {
        self.left.remove(&member);
        if self.units.remove(&member).is_some() {
            self.changed.insert(member);
        }
    }

    /// Keeps a unit that is shown, and lets go of one that is not.
    fn settle(&mut self, member: MemberId) {
        let Some(unit) = self.units.get(&member) else { return };
        let is_inside = self.is_inside(unit.fix);
        if !self.view.keeps(unit)
            && let Some(unit) = self.units.remove(&member)
            && is_inside
        {
            self.left.insert(member, unit);
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
mod tests;
