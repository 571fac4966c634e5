//! Retention: of the placements that began, how many ended before their time.
//!
//! A placement counts from its first day on. It ended early if a side ended it before the last day that the home had declared.

use super::{
    About, Key,
    ledger::{Ledger, day, day_of},
};
use commonroll_core::{SchoolDate, Timestamp, directory::DateRange};
use std::collections::{BTreeMap, HashMap};

/// Names a placement to whoever feeds the view.
pub type PlaceNumber = u64;

/// A placement as both sides have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// From when to when, as the home declared it.
    pub dates: DateRange,
    /// First instant that is no longer covered, if a side ended it.
    pub ended: Option<Timestamp>,
}

/// Placements begun, and ended early.
pub type KeptSums = [i64; 2];

/// Who stays; see [`Places::ledger`].
#[derive(Debug, Clone)]
pub struct Places {
    places: HashMap<PlaceNumber, (About, Place, KeptSums)>,
    /// What begins on a day to come.
    ahead: BTreeMap<i32, Vec<PlaceNumber>>,
    ledger: Ledger<2>,
    today: i32,
}

impl Default for Places {
    fn default() -> Self {
        let ledger = Ledger::new(|change| *change != [0; 2]);
        Self { places: HashMap::new(), ahead: BTreeMap::new(), ledger, today: i32::MIN }
    }
}

impl Places {
    /// Takes a placement as it is now; `None` if it is no longer one. `about.date` is not looked at.
    pub fn put(&mut self, number: PlaceNumber, about: &About, place: Option<Place>) {
        if let Some((about, place, said)) = self.places.remove(&number) {
            self.say(&about, &place, said, [0; 2]);
        }
        if let Some(place) = place {
            let sums = self.sums(&place);
            if day(place.dates.first()) > self.today {
                self.ahead.entry(day(place.dates.first())).or_default().push(number);
            }
            self.say(about, &place, [0; 2], sums);
            self.places.insert(number, (*about, place, sums));
        }
    }

    /// What has begun by now begins to count.
    pub(crate) fn tick(&mut self, today: i32) {
        if today <= self.today {
            return;
        }
        self.today = today;
        let later = self.ahead.split_off(&(today + 1));
        for number in std::mem::replace(&mut self.ahead, later).into_values().flatten() {
            let Some((about, place, said)) = self.places.get(&number).copied() else { continue };
            let sums = self.sums(&place);
            self.say(&about, &place, said, sums);
            self.places.insert(number, (about, place, sums));
        }
    }

    fn sums(&self, place: &Place) -> KeptSums {
        let (first, last) = (day(place.dates.first()), day(place.dates.last()));
        let ended = place.ended.map(|at| day_of(at.micros()));
        let began = first <= self.today && ended.is_none_or(|day| day > first);
        [i64::from(began), i64::from(began && ended.is_some_and(|day| day <= last))]
    }

    fn say(&mut self, about: &About, place: &Place, before: KeptSums, now: KeptSums) {
        let key = Key { host: Some(about.host), course: about.course, home: about.home, ..Key::default() };
        let of: SchoolDate = place.dates.first();
        self.ledger.add(day(of), key, about.learner, [now[0] - before[0], now[1] - before[1]]);
    }

    /// Sums: placements begun, and ended early.
    pub const fn ledger(&self) -> &Ledger<2> {
        &self.ledger
    }

    pub(crate) fn release(&mut self, today: i32) {
        self.ledger.release(today);
    }
}
