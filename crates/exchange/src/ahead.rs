//! Whether the clock can be believed. A log tells no time, but it knows when it was last written to.
//!
//! By a clock that is years ahead every placement is over, every agreement has ended and everything is old: copies would be
//! called back, and what people wrote and what was delivered taken out for good. So a clock that is much further on than the
//! newest entry is taken to be wrong, and nothing is done by it until it is right again, or an operator says that it is. How
//! far that is, whoever opens the exchange says: without a word every clock is believed, since a simulation leaps by years at
//! will.
//!
//! An operator's word can be wrong, too. A leap stands in the log as what was written after it; where the clock is then set
//! back to a time between what was before the leap and what came after it, the leap was none, and what was before it counts.

use crate::Exchange;
use commonroll_core::Timestamp;
use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

const DAY_US: i64 = 86_400_000_000;
/// Further on than this in one step, the time has leapt: longer than holidays in which nothing is written.
const LEAP_US: i64 = 60 * DAY_US;
/// Set back by less than this, a clock is put right as clocks are, and says nothing of a leap.
const SET_BACK_US: i64 = DAY_US;

/// The clock is so far ahead of the log's newest entry that nothing is done by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}", Self::SAYS)]
pub struct ClockAhead;

impl ClockAhead {
    /// What is so, and what to do.
    pub const SAYS: &'static str = "the hub's clock is months or years ahead of the newest entry of its log, so nothing is \
                                    taken, shown or tidied; its operator must set the clock right, or, if the hub really was \
                                    off for so long, start it with --clock-is-right";
}

/// The newest time that is known to have been, and how far beyond it a clock may be.
pub(crate) struct Newest {
    /// In microseconds; 0 where nothing is known.
    at: AtomicI64,
    most_ahead: AtomicI64,
    leap: Mutex<Option<Leap>>,
}

/// The newest leap: from where to where.
#[derive(Clone, Copy)]
struct Leap {
    from: i64,
    to: i64,
}

impl Default for Newest {
    fn default() -> Self {
        Self { at: AtomicI64::new(0), most_ahead: AtomicI64::new(i64::MAX), leap: Mutex::new(None) }
    }
}

impl Newest {
    /// It has been so late. The latest holds: a clock that was behind for a while does not make the right one look wrong. But a
    /// leap from which the clock was set back was none.
    pub fn has_been(&self, at_us: i64) {
        let mut leap = self.leap.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = self.at.load(Ordering::Relaxed);
        if newest > 0 && at_us.saturating_sub(newest) > LEAP_US {
            *leap = Some(Leap { from: newest, to: at_us });
        }
        let taken_back = leap.take_if(|leap| (leap.from..leap.to - SET_BACK_US).contains(&at_us));
        if taken_back.is_some() || at_us > newest {
            self.at.store(at_us, Ordering::Relaxed);
        }
    }

    /// Whether a time lies too far ahead.
    pub fn is_behind(&self, now: Timestamp) -> bool {
        let at = self.at.load(Ordering::Relaxed);
        at > 0 && now.micros().saturating_sub(at) > self.most_ahead.load(Ordering::Relaxed)
    }
}

impl Exchange {
    /// From now on no clock is believed that is more than this ahead of the log's newest entry.
    pub fn limit_clock(&self, most_ahead: Duration) {
        let most = i64::try_from(most_ahead.as_micros()).unwrap_or(i64::MAX);
        self.shared.newest.most_ahead.store(most, Ordering::Relaxed);
    }

    /// An operator says that it really is so late: the hub was off for long. A leap from there on is another one, and a clock
    /// that is set back takes the word back.
    pub fn clock_is_right(&self, now: Timestamp) {
        self.shared.newest.has_been(now.micros());
    }

    /// Whether anything may be done at this time: asked before whatever is taken, shown, or done by the clock.
    ///
    /// # Errors
    /// [`ClockAhead`] says what is so and what to do.
    pub fn clock_holds(&self, now: Timestamp) -> Result<(), ClockAhead> {
        match self.shared.newest.is_behind(now) {
            true => Err(ClockAhead),
            false => Ok(()),
        }
    }

    /// The clock's time if it can be believed, else the newest that is known to have been: for what a hub needs in order to
    /// say why it does nothing.
    pub fn time_known(&self, now: Timestamp) -> Timestamp {
        let known = self.shared.newest.at.load(Ordering::Relaxed);
        match self.clock_holds(now) {
            Ok(()) => now,
            Err(ClockAhead) => Timestamp::from_micros("newest", known).unwrap_or(now),
        }
    }
}
