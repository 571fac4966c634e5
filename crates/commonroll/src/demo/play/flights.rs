//! Exports on their way: what each brings, where it has landed, how long that took, and who was away meanwhile.

use super::{Play, Seat};
use crate::demo::{
    readback::Row,
    screen::{Screen, Tone, listed, shown},
    setup::{Arrived, Kind},
    tally,
};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// A file is told of when all that it brings has landed, or after this time.
const TOLD_AFTER: Duration = Duration::from_millis(900);

/// One export on its way.
pub(super) struct Flight {
    pub(super) clock: String,
    pub(super) partner: usize,
    pub(super) what: String,
    pub(super) written: Instant,
    pub(super) left: usize,
    pub(super) landed: BTreeMap<String, u64>,
    pub(super) taken_back: u64,
    pub(super) slowest: Duration,
    pub(super) newest: Instant,
    pub(super) told: bool,
}

impl Play {
    pub(super) fn take_off(&mut self, number: usize, partner: usize, what: String, written: Instant) {
        let flight = self.flights.len();
        let brings = self.brings.get(number).cloned().unwrap_or_default();
        for record in brings.gone.iter().chain(&brings.new) {
            // What this replaces is no longer waited for.
            let older: Vec<Arrived> =
                self.under_way.keys().filter(|other| tally::same_record(other, record)).cloned().collect();
            for old in older {
                if let Some(flight) = self.under_way.remove(&old) {
                    self.flights[flight].left -= 1;
                }
            }
        }
        self.under_way.extend(brings.new.iter().map(|record| (record.clone(), flight)));
        let clock = self.clock.clone();
        self.flights.push(Flight {
            clock,
            partner,
            what,
            written,
            left: brings.new.len(),
            landed: BTreeMap::new(),
            taken_back: 0,
            slowest: Duration::ZERO,
            newest: written,
            told: false,
        });
    }

    pub(super) fn land(&mut self, home: usize, row: &Row, at: Instant, screen: &Screen) {
        let Ok(source) = self.place(&row.arrived.source) else { return };
        self.partners[home].received += 1;
        self.partners[source].sent += 1;
        if self.first.is_none() && row.arrived.kind == Kind::Attendance {
            let first = at.saturating_duration_since(self.started);
            self.first = Some(first);
            screen.say(
                Tone::Heading,
                &format!("  the first mark is back at its home {} after the start", shown(first)),
            );
        }
        let known = self.under_way.remove(&row.arrived);
        if let Some(flight) = known {
            self.flights[flight].left -= 1;
        }
        // Without knowledge of what a file brings, it is the source's newest.
        let newest = || self.flights.iter().rposition(|flight| flight.partner == source);
        let Some(flight) = known.or_else(newest) else { return };
        let flight = &mut self.flights[flight];
        let time = at.saturating_duration_since(flight.written);
        if row.withdrawn {
            flight.taken_back += 1;
        } else {
            *flight.landed.entry(row.arrived.home.clone()).or_default() += 1;
        }
        flight.newest = at;
        if known.is_none() && !self.brings.is_empty() {
            return;
        }
        let written = flight.written;
        let was_away = |seat: &Seat| seat.back_at.is_some_and(|back| back > written);
        if was_away(&self.partners[home]) || was_away(&self.partners[source]) {
            self.caught_up.push(time);
            let waited = if was_away(&self.partners[home]) { home } else { source };
            self.partners[waited].catching_up += 1;
        } else {
            flight.slowest = flight.slowest.max(time);
            self.times.push(time);
            self.partners[source].recent.push(time);
        }
    }

    /// Tells of exports whose records have landed, or have had their time, and of partners that have caught up.
    pub(super) fn tell_flights(&mut self, screen: &Screen, all: bool) {
        let unknown = self.brings.is_empty();
        let width = self.width();
        for flight in &mut self.flights {
            let whole = !unknown && flight.left == 0 && flight.written.elapsed() > Duration::from_millis(250);
            let since = if unknown { flight.newest } else { flight.written };
            if flight.told || !(all || whole || since.elapsed() > TOLD_AFTER) {
                continue;
            }
            flight.told = true;
            let slug = &self.setup.partners[flight.partner].slug;
            let time = if flight.slowest > Duration::ZERO { shown(flight.slowest) } else { String::new() };
            let mut line = format!("  {:<5}  {slug:<width$} {:<27} {time:>7}", flight.clock, flight.what);
            if !flight.landed.is_empty() {
                line.push_str(&format!("  → {}", listed(&flight.landed)));
            }
            if flight.taken_back > 0 {
                line.push_str(&format!("  · {} taken back", flight.taken_back));
            }
            if flight.left > 0 {
                line.push_str(&format!("  · {} wait", flight.left));
            }
            screen.say(if flight.landed.is_empty() { Tone::Plain } else { Tone::Good }, line.trim_end());
        }
        self.tell_caught_up(screen);
    }

    /// A partner that was away has everything that waited for it.
    fn tell_caught_up(&mut self, screen: &Screen) {
        for place in 0..self.partners.len() {
            let slug = self.setup.partners[place].slug.clone();
            let Some(back) = self.partners[place].back_at else { continue };
            let concerns = |record: &Arrived| record.home == slug || record.source == slug;
            let waits = self
                .under_way
                .iter()
                .any(|(record, flight)| concerns(record) && self.flights[*flight].written < back);
            if self.partners[place].catching_up > 0 && !waits {
                let count = std::mem::take(&mut self.partners[place].catching_up);
                let text =
                    format!("has caught up: {count} records, {} after it came back", shown(back.elapsed()));
                self.event(screen, &slug, &text);
            }
        }
    }
}
