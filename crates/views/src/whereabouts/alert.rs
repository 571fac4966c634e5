//! What has to be told, to whom, and again until somebody says that they have it in hand.

use super::{Finding, Id, after};
use commonroll_core::Timestamp;
use std::collections::BTreeSet;

/// What an alert is about. One alert for each, however often it is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AlertKey {
    /// A register should be in and isn't.
    Register {
        /// The host.
        site: u16,
        /// The meeting.
        lesson: u64,
    },
    /// Nobody can place this learner.
    Unaccounted(Id),
    /// The learner left a lesson before its end.
    LeftEarly(Id),
    /// A class does not take place, and this home has learners in it.
    ClassCancelled {
        /// The host.
        site: u16,
        /// The meeting.
        lesson: u64,
        /// The home.
        home: u16,
    },
    /// A source is silent: an institution, never a learner, is what is missing.
    SourceSilent {
        /// Whose.
        site: u16,
    },
    /// The timetables of a day that is still to come don't fit together.
    Misfit {
        /// The day, counted from 1970.
        day: i32,
        /// What doesn't fit.
        finding: Finding,
    },
}

/// Who is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Notify {
    /// An institution in whose lesson it happens, or whose source it is.
    Host(u16),
    /// The learner's home.
    Home(u16),
}

impl Notify {
    /// The institution, by its number.
    pub const fn number(self) -> u16 {
        match self {
            Self::Host(number) | Self::Home(number) => number,
        }
    }
}

/// What is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// About what.
    pub key: AlertKey,
    /// To whom, the first one first.
    pub to: Vec<Notify>,
    /// How often it was told before and nobody took it in hand.
    pub repeated: u32,
    /// Since when it is so.
    pub since: Timestamp,
}

/// An alert that is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Open {
    pub since: Timestamp,
    pub to: Vec<Notify>,
    pub repeated: u32,
    /// When it was told last.
    pub told: Timestamp,
    /// After how many minutes it is told again to whoever doesn't have it in hand.
    pub every: u16,
    /// The institutions that have it in hand. One that has does not speak for the others.
    pub in_hand: BTreeSet<u16>,
}

impl Open {
    /// A new one, told now.
    pub const fn new(since: Timestamp, to: Vec<Notify>, every: u16, now: Timestamp) -> Self {
        Self { since, to, repeated: 0, told: now, every, in_hand: BTreeSet::new() }
    }

    /// Who was told and does not have it in hand.
    pub fn idle(&self) -> impl Iterator<Item = Notify> {
        self.to.iter().copied().filter(|to| !self.in_hand.contains(&to.number()))
    }

    /// When it is told again; `None` once all who were told have it in hand.
    pub fn again(&self) -> Option<Timestamp> {
        self.idle().next().map(|_| after(self.told, self.every))
    }

    pub fn alert(&self, key: AlertKey) -> Alert {
        Alert { key, to: self.to.clone(), repeated: self.repeated, since: self.since }
    }
}

/// Something that a board has to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Tell these people.
    Tell(Alert),
    /// It is over: the learner was found, the register came, the source is back.
    Over(AlertKey),
}
