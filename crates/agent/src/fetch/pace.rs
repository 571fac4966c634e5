//! How long an MIS is left alone after it was asked, so that asking it takes no more than a hundredth of one of its cores.
//!
//! What an answer cost the server isn't known, but that it can't have been more than the time until all of it was here: one
//! connection keeps one core busy. Where the present day is asked for by itself, it has one half, and asking for all the other.

use commonroll_core::Timestamp;
use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

/// The query is asked this often whatever a probe says: a window of dates moves, and a probe may be wrong.
const ANYWAY_US: i64 = 15 * 60 * 1_000_000;
/// So many times as long as an answer took the MIS rests.
const REST: i64 = 100;
/// Who has to wait longer for what is new should know why.
const LONG: Duration = Duration::from_secs(15 * 60);

/// The pace of one source.
#[derive(Debug)]
pub(super) struct Pace {
    /// True if the present day is asked for by itself.
    has_recent: bool,
    /// What the last answer of all rows took, and the last one of the present day, in microseconds.
    all_us: AtomicI64,
    today_us: AtomicI64,
    /// What the last one took that was broken off, until one comes to its end.
    broken_us: AtomicI64,
}

impl Pace {
    pub const fn new(has_recent: bool) -> Self {
        let (all_us, today_us, broken_us) = (AtomicI64::new(0), AtomicI64::new(0), AtomicI64::new(0));
        Self { has_recent, all_us, today_us, broken_us }
    }

    /// An answer, of all rows or of the present day, took this many microseconds.
    pub fn took(&self, all: bool, us: i64) {
        let place = if all { &self.all_us } else { &self.today_us };
        place.store(us, Ordering::Relaxed);
        self.broken_us.store(0, Ordering::Relaxed);
    }

    /// A query was broken off, since it took longer than it may.
    pub fn broken(&self, us: i64) {
        self.broken_us.store(us, Ordering::Relaxed);
    }

    fn all_rest_us(&self) -> i64 {
        let share = if self.has_recent { 2 } else { 1 };
        self.all_us.load(Ordering::Relaxed).saturating_mul(share * REST)
    }

    /// True if it is time to ask for all rows, so long after the last time. A clock that was set back makes it so.
    pub fn is_all_due(&self, since_us: i64) -> bool {
        let rest = if self.has_recent { self.all_rest_us() } else { 0 };
        !(0..ANYWAY_US.max(rest)).contains(&since_us)
    }

    /// How long not to ask.
    pub fn rest(&self) -> Duration {
        let us = match self.has_recent {
            true => self.today_us.load(Ordering::Relaxed).saturating_mul(2 * REST),
            false => self.all_rest_us(),
        };
        let broken = self.broken_us.load(Ordering::Relaxed).saturating_mul(REST);
        Duration::from_micros(us.max(broken).unsigned_abs())
    }

    /// What to tell if the rest is longer than anybody wants to wait.
    pub fn warning(&self, connection: &str) -> Option<String> {
        let rest = self.rest();
        (rest > LONG).then(|| {
            format!(
                "connection `{connection}`: the MIS needs {} seconds to answer a query, so it is asked only every {} minutes, to take \
                 no more than a hundredth of its time; ask for fewer days or columns, or give the mapping `recent` or `since`",
                rest.as_secs() / REST.unsigned_abs(),
                rest.as_secs() / 60
            )
        })
    }
}

/// What lies between two looks at the clock, in microseconds, but no more than really went by: a clock may be set right
/// meanwhile, by hours or years.
pub(super) fn between(begun: Timestamp, ended: Timestamp, went_by: Duration) -> i64 {
    let most = i64::try_from(went_by.as_micros()).unwrap_or(i64::MAX);
    ended.micros().saturating_sub(begun.micros()).clamp(0, most)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(us: i64) -> Timestamp {
        Timestamp::from_micros("at", us).unwrap()
    }

    #[test]
    fn the_mis_rests_a_hundred_times_as_long_as_it_took() {
        let pace = Pace::new(false);
        assert_eq!(pace.rest(), Duration::ZERO);
        pace.took(true, 300_000);
        assert_eq!(pace.rest(), Duration::from_secs(30));
        assert!(pace.warning("mis").is_none());
        pace.took(true, 12_000_000);
        let warning = pace.warning("mis").unwrap();
        assert!(warning.contains("12 seconds") && warning.contains("every 20 minutes"), "{warning}");
    }

    #[test]
    fn a_clock_that_is_set_while_the_mis_answers_does_not_make_it_rest_for_days() {
        let (pace, hour) = (Pace::new(true), 3_600_000_000);
        let went_by = Duration::from_millis(300);
        assert_eq!(between(at(0), at(200_000), went_by), 200_000);
        assert_eq!(between(at(hour), at(0), went_by), 0, "set back");
        for all in [true, false] {
            pace.took(all, between(at(0), at(48 * hour), went_by));
        }
        pace.broken(between(at(0), at(hour), went_by));
        assert_eq!(pace.rest(), Duration::from_secs(60));
        assert!(pace.is_all_due(hour / 4) && pace.warning("mis").is_none());
    }

    #[test]
    fn today_does_not_wait_for_what_all_days_took() {
        let pace = Pace::new(true);
        pace.took(true, 6_000_000);
        pace.took(false, 100_000);
        assert_eq!(pace.rest(), Duration::from_secs(20));
        pace.broken(2_000_000);
        assert_eq!(pace.rest(), Duration::from_secs(200), "what was broken off cost as much");
        pace.took(false, 100_000);
        assert_eq!(pace.rest(), Duration::from_secs(20));
        let minute = 60_000_000;
        assert!(!pace.is_all_due(19 * minute) && pace.is_all_due(20 * minute) && pace.is_all_due(-1));
        pace.took(true, 1_000_000);
        assert!(!pace.is_all_due(14 * minute) && pace.is_all_due(15 * minute));
    }
}
