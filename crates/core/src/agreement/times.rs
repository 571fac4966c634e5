//! When people are told that a learner is missing: the moments that an agreement may set, and those that hold where none does.
//!
//! An agreement says some of them or none. Of several that hold between the same two institutions the earliest counts, moment
//! by moment: whoever was promised to be told early is.

use super::{fault::Faults, section::Section};
use crate::Invalid;
use jiff::civil::Time;
use std::collections::BTreeMap;

/// A stretch of time, in minutes, or a time of day, in minutes after midnight: when somebody is told follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// After a lesson's start, until its register should be in.
    Register,
    /// That the host has to itself after that, before the home is told.
    HostFirst,
    /// That a learner may take between two sites.
    Travel,
    /// That a source may be quiet before it counts as silent.
    Quiet,
    /// After which an alert is told again to whoever doesn't have it in hand.
    Again,
    /// How long before its end somebody must leave a lesson to be told of.
    LeftEarly,
    /// The local time from which a home's next school day is looked at instead of this one.
    NextDay,
}

impl Moment {
    /// Every one.
    pub const ALL: [Self; 7] = [
        Self::Register,
        Self::HostFirst,
        Self::Travel,
        Self::Quiet,
        Self::Again,
        Self::LeftEarly,
        Self::NextDay,
    ];

    /// Field of the section `[whereabouts]`, what holds if no agreement says it, and the least and the most it may say.
    const fn row(self) -> (&'static str, u16, u16, u16) {
        match self {
            Self::Register => ("register_minutes", 15, 1, 60),
            Self::HostFirst => ("host_first_minutes", 5, 0, 60),
            Self::Travel => ("travel_minutes", 30, 1, 120),
            // An agent gives its word about once a minute, and exports come every few: less would call a source silent that
            // isn't.
            Self::Quiet => ("quiet_minutes", 15, 5, 120),
            Self::Again => ("again_minutes", 10, 2, 60),
            Self::LeftEarly => ("left_early_minutes", 10, 1, 120),
            // From then on today's timetables are looked at no more, so it can't be before most lessons are over.
            Self::NextDay => ("next_day_from", 16 * 60, 14 * 60, 20 * 60),
        }
    }

    /// Its name in the schema.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::HostFirst => "host_first",
            Self::Travel => "travel",
            Self::Quiet => "quiet",
            Self::Again => "again",
            Self::LeftEarly => "left_early",
            Self::NextDay => "next_day",
        }
    }

    /// Its field in an agreement's text.
    pub const fn field(self) -> &'static str {
        self.row().0
    }

    /// What is said of it, as people read it: `10`, or `15:30`.
    pub fn written(self, minutes: u16) -> String {
        match self {
            Self::NextDay => time_of_day(minutes),
            _ => minutes.to_string(),
        }
    }

    /// What holds where no agreement says it.
    pub const fn usual(self) -> u16 {
        self.row().1
    }

    /// The least and the most that an agreement may say.
    pub const fn bounds(self) -> (u16, u16) {
        let (_, _, least, most) = self.row();
        (least, most)
    }
}

/// What one agreement says of them; nothing, where it has no such section.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "BTreeMap<Moment, u16>", into = "BTreeMap<Moment, u16>")]
pub struct AlertTimes(BTreeMap<Moment, u16>);

impl AlertTimes {
    /// What is said, if each lies within its bounds.
    ///
    /// # Errors
    /// [`Invalid`], naming the field.
    pub fn new(said: BTreeMap<Moment, u16>) -> Result<Self, Invalid> {
        let within = |(moment, minutes): (&Moment, &u16)| {
            let (least, most) = moment.bounds();
            (least..=most).contains(minutes)
        };
        match said.iter().find(|one| !within(*one)) {
            Some((moment, _)) => Err(Invalid::new(moment.field(), "lies outside what an agreement may say")),
            None => Ok(Self(said)),
        }
    }

    /// True if it says none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What it says of one.
    pub fn get(&self, moment: Moment) -> Option<u16> {
        self.0.get(&moment).copied()
    }

    /// What it says, in order.
    pub fn iter(&self) -> impl Iterator<Item = (Moment, u16)> {
        self.0.iter().map(|(moment, minutes)| (*moment, *minutes))
    }
}

impl TryFrom<BTreeMap<Moment, u16>> for AlertTimes {
    type Error = Invalid;

    fn try_from(said: BTreeMap<Moment, u16>) -> Result<Self, Invalid> {
        Self::new(said)
    }
}

impl From<AlertTimes> for BTreeMap<Moment, u16> {
    fn from(times: AlertTimes) -> Self {
        times.0
    }
}

/// All of them, as they hold between a home and a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times([u16; Moment::ALL.len()]);

impl Default for Times {
    fn default() -> Self {
        Self(Moment::ALL.map(Moment::usual))
    }
}

impl Times {
    /// Of several agreements the earliest of each moment; of one that none says, the usual.
    pub fn strictest<'a>(agreements: impl IntoIterator<Item = &'a AlertTimes>) -> Self {
        let mut said: BTreeMap<Moment, u16> = BTreeMap::new();
        for (moment, minutes) in agreements.into_iter().flat_map(AlertTimes::iter) {
            let earliest = said.entry(moment).or_insert(minutes);
            *earliest = minutes.min(*earliest);
        }
        Self(Moment::ALL.map(|moment| said.get(&moment).copied().unwrap_or(moment.usual())))
    }

    /// One of them.
    pub const fn of(&self, moment: Moment) -> u16 {
        self.0[moment as usize]
    }

    /// The local time from which the next school day counts.
    pub fn next_day(&self) -> Time {
        let seconds = i64::from(self.of(Moment::NextDay)) * 60;
        Time::midnight().saturating_add(jiff::SignedDuration::from_secs(seconds))
    }
}

/// Minutes after midnight as people write a time of day: 15:30.
pub(super) fn time_of_day(minutes: u16) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

/// Reads the section `[whereabouts]`, which may be left out, as may each of its fields.
pub(super) fn read(top: &mut Section<'_, '_>, faults: &mut Faults) -> Option<AlertTimes> {
    if !top.has("whereabouts") {
        return Some(AlertTimes::default());
    }
    let mut of = top.section(faults, "whereabouts")?;
    let (mut said, mut is_sound) = (BTreeMap::new(), true);
    for moment in Moment::ALL {
        let (field, (least, most)) = (moment.field(), moment.bounds());
        if !of.has(field) {
            continue;
        }
        let read = match moment {
            Moment::NextDay => of.time_of_day(faults, field, least..=most),
            _ => of
                .number(faults, field, u32::from(least)..=u32::from(most))
                .and_then(|minutes| u16::try_from(minutes).ok()),
        };
        match read {
            Some(minutes) => drop(said.insert(moment, minutes)),
            None => is_sound = false,
        }
    }
    of.done(faults);
    is_sound.then_some(AlertTimes(said))
}
