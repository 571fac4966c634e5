//! Where a query that goes on from `sql.since` begins, and which of its rows were handed on before.
//!
//! A database gives out keys and times before it commits: a row can come to sight behind others that are higher. So the query
//! does not begin at the highest value, but at the one that was the highest well before the last look, and rows that come once
//! more are known by their print. Where that is far back, as at the first look at a long table, most looks begin at the last
//! few thousand rows, and only now and then is one thorough: late rows are then found a while later, and none is lost. Whoever
//! commits later than that is not found. What a value means isn't known here, but that local times may go back by an hour, and that
//! no time of a row lies in the future: one that does, since a clock was wrong or somebody typed it, is handed on and never where a
//! look begins, or it would hide every row after it.

use crate::scan::sha256;
use commonroll_core::Timestamp;
use jiff::{SignedDuration, civil::DateTime, tz::TimeZone};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{cmp::Reverse, collections::BinaryHeap};

/// So long before the last look the query begins, in microseconds: ten minutes for the longest transaction, and one for asking.
const OVERLAP_US: i64 = 11 * 60 * 1_000_000;
/// So much longer where values aren't numbers: when summer time ends, an hour of local times comes twice.
const TWICE_US: i64 = 60 * 60 * 1_000_000;
/// Rows that an ordinary look reads again at most.
const TAIL: usize = 5_000;
/// Rows below those whose print is kept. Others are handed on once more by each thorough look, which changes nothing.
const PRINTS_MAX: usize = 500_000;

/// So much later than the clocks say a value may be and count as present.
const GRACE: SignedDuration = SignedDuration::from_mins(5);

/// The latest time that a row can honestly have, as it is written; nothing if no clock is known.
#[derive(Debug, Clone, Default)]
pub(super) struct Present(String);

impl Present {
    /// By our clock and, if it is known, the database's in UTC, whichever is behind: to believe too little costs reading again, to
    /// believe too much costs rows. Times in UTC and the institution's local ones are both taken for what they may be.
    pub fn of(now: Timestamp, theirs: Option<DateTime>, zone: &TimeZone) -> Self {
        let ours = jiff::Timestamp::from_microsecond(now.micros()).unwrap_or_default();
        let theirs = theirs.and_then(|theirs| TimeZone::UTC.to_timestamp(theirs).ok());
        let now = theirs.map_or(ours, |theirs| theirs.min(ours));
        let latest = TimeZone::UTC.to_datetime(now).max(zone.to_datetime(now));
        let latest = latest.checked_add(GRACE).unwrap_or(latest);
        Self(latest.strftime("%Y-%m-%d %H:%M:%S").to_string())
    }

    /// True if a value is a time behind it. Of what is no time, nothing can be said.
    fn is_before(&self, value: &str) -> bool {
        let Some((day, time)) = value.split_at_checked(10) else { return false };
        let is_day = day.bytes().enumerate().all(|(place, byte)| match place {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
        let Some((last_day, last_time)) = self.0.split_at_checked(10).filter(|_| is_day) else {
            return false;
        };
        let time = time.trim_start_matches(['T', ' ']);
        day > last_day || (day == last_day && time.get(..8).is_some_and(|time| time > last_time.trim_start()))
    }
}

/// A value of the column: whole numbers by their value, anything else as text, since times are written so that the later one
/// is higher.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Number(i128),
    Text(String),
}

impl Key {
    /// Nothing is below everything.
    fn of(value: &str) -> Self {
        match value.parse() {
            _ if value.is_empty() => Self::Number(i128::MIN),
            Ok(number) => Self::Number(number),
            Err(_) => Self::Text(value.to_owned()),
        }
    }
}

/// How far a source was read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Since {
    /// When a value was first seen to be the highest, microseconds since the epoch; oldest first.
    highest: Vec<(i64, String)>,
    /// When was last looked at all that could still come to sight.
    thorough_us: i64,
    /// Where an ordinary look begins; `None` while all looks are thorough.
    tail: Option<String>,
    /// Rows up to there.
    below: Prints,
    /// Rows above it, as the last look found them.
    above: Prints,
    /// How many of them lie in the future.
    #[serde(skip)]
    ahead: usize,
}

impl Since {
    /// Forgets where it would begin in the future: a clock was wrong, or believed.
    pub fn forget_ahead(&mut self, present: &Present) {
        self.highest.retain(|(_, value)| !present.is_before(value));
        self.tail = self.tail.take().filter(|tail| !present.is_before(tail));
    }

    /// How many rows have a value that lies in the future.
    pub const fn ahead(&self) -> usize {
        self.ahead
    }

    /// Where a look at `now_us` begins; `None` for everything.
    pub fn begins(&self, now_us: i64) -> Option<&str> {
        match &self.tail {
            Some(tail) if !self.is_thorough(now_us) => Some(tail),
            _ => self.from(),
        }
    }

    /// True if a look at `now_us` must reach back to where anything may still come to sight: it is time, or costs no more.
    fn is_thorough(&self, now_us: i64) -> bool {
        let Some(tail) = &self.tail else { return true };
        let is_near = self.from().is_some_and(|from| Key::of(from) >= Key::of(tail));
        is_near || !(0..self.overlap_us()).contains(&now_us.saturating_sub(self.thorough_us))
    }

    /// So long before a look a value must have been the highest for the next one to begin there.
    fn overlap_us(&self) -> i64 {
        let is_text = self.highest.last().is_some_and(|(_, newest)| matches!(Key::of(newest), Key::Text(_)));
        OVERLAP_US + if is_text { TWICE_US } else { 0 }
    }

    /// Where a thorough look begins.
    fn from(&self) -> Option<&str> {
        let place = self.place()?;
        self.highest.get(place).map(|(_, value)| value.as_str())
    }

    fn place(&self) -> Option<usize> {
        let before = self.thorough_us.saturating_sub(self.overlap_us());
        self.highest.iter().rposition(|(at_us, _)| *at_us <= before)
    }

    /// Begins a look at `now_us`.
    pub fn look<'a>(&'a self, now_us: i64, present: &'a Present) -> Look<'a> {
        let is_thorough = self.is_thorough(now_us);
        Look {
            before: self,
            present,
            now_us,
            ahead: Vec::new(),
            highest: self.highest.last().map(|(_, value)| Key::of(value)),
            new: None,
            from: self.tail.as_deref().map(Key::of).filter(|_| !is_thorough),
            rows: BinaryHeap::new(),
            passed: None,
            below: if is_thorough { Vec::new() } else { self.below.0.clone() },
        }
    }

    /// True if a look that goes on from here differs from one that goes on from `other`. The time of looking alone is no
    /// difference.
    pub fn differs(&self, other: &Self) -> bool {
        let begins = |since: &'_ Self| (since.highest.last().cloned(), since.from().map(str::to_owned));
        begins(self) != begins(other)
            || (&self.tail, &self.below, &self.above) != (&other.tail, &other.below, &other.above)
    }
}

/// One look.
pub(super) struct Look<'a> {
    before: &'a Since,
    present: &'a Present,
    now_us: i64,
    /// Prints of rows whose value lies in the future.
    ahead: Vec<u64>,
    highest: Option<Key>,
    /// The highest value as it is written, if it is new.
    new: Option<String>,
    /// Where an ordinary look begins; what isn't above is the next thorough one's.
    from: Option<Key>,
    /// The highest rows, by value, print, and the value as it is written: the lowest of them comes off first.
    rows: BinaryHeap<Reverse<(Key, u64, String)>>,
    /// The highest value of those that came off.
    passed: Option<(Key, String)>,
    below: Vec<u64>,
}

impl Look<'_> {
    /// Takes note of a row, as it stands in the file, and of its value. True if it is to be handed on.
    pub fn row(&mut self, line: &str, value: Option<&str>) -> bool {
        let value = value.unwrap_or_default();
        let key = Key::of(value);
        if self.from.as_ref().is_some_and(|from| key <= *from) {
            return false;
        }
        let [a, b, c, d, e, f, g, h, ..] = sha256(line.as_bytes());
        let print = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
        let is_new = !self.before.above.has(print) && !self.before.below.has(print);
        if self.present.is_before(value) {
            // Each look begins below it, so it is read and known again until it is the past.
            if self.ahead.len() < PRINTS_MAX {
                self.ahead.push(print);
            }
            return is_new;
        }
        if !value.is_empty() && self.highest.as_ref().is_none_or(|highest| key > *highest) {
            (self.highest, self.new) = (Some(key.clone()), Some(value.to_owned()));
        }
        self.rows.push(Reverse((key, print, value.to_owned())));
        if self.rows.len() > TAIL {
            self.pass();
        }
        is_new
    }

    /// The lowest row falls below the tail.
    fn pass(&mut self) {
        let Some(Reverse((key, print, value))) = self.rows.pop() else { return };
        if self.below.len() < PRINTS_MAX {
            self.below.push(print);
        }
        if self.passed.as_ref().is_none_or(|(passed, _)| key > *passed) {
            self.passed = Some((key, value));
        }
    }

    /// How far the source was read with this look.
    pub fn end(mut self) -> Since {
        // Rows of one value stand on one side of the tail.
        while let (Some((passed, _)), Some(Reverse((lowest, ..)))) = (&self.passed, self.rows.peek())
            && lowest <= passed
        {
            self.pass();
        }
        let (before, now_us) = (self.before, self.now_us);
        let kept = before.place().unwrap_or(0);
        let mut highest: Vec<_> = before.highest[kept..].to_vec();
        // A clock that was set back says nothing about what it said before.
        highest.retain(|(at_us, _)| *at_us <= now_us);
        highest.extend(self.new.map(|value| (now_us, value)));
        let is_thorough = self.from.is_none();
        let tail = match self.passed {
            Some((_, value)) if !value.is_empty() => Some(value),
            None if !is_thorough => before.tail.clone(),
            _ => None,
        };
        let thorough_us = if is_thorough { now_us } else { before.thorough_us };
        let ahead = self.ahead.len();
        let mut above = self.ahead;
        above.extend(self.rows.into_iter().map(|Reverse((_, print, _))| print));
        let (below, above) = (Prints::of(self.below), Prints::of(above));
        Since { highest, thorough_us, tail, below, above, ahead }
    }
}

/// Prints of rows, ascending.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Prints(Vec<u64>);

impl Prints {
    fn of(mut prints: Vec<u64>) -> Self {
        prints.sort_unstable();
        prints.dedup();
        Self(prints)
    }

    fn has(&self, print: u64) -> bool {
        self.0.binary_search(&print).is_ok()
    }
}

impl Serialize for Prints {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = String::with_capacity(16 * self.0.len());
        self.0.iter().for_each(|print| text.push_str(&format!("{print:016x}")));
        serializer.serialize_str(&text)
    }
}

impl<'de> Deserialize<'de> for Prints {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let (pieces, rest) = text.as_bytes().as_chunks::<16>();
        let print = |piece: &[u8; 16]| {
            let piece = std::str::from_utf8(piece).ok()?;
            u64::from_str_radix(piece, 16).ok()
        };
        let prints: Option<Vec<u64>> = pieces.iter().map(print).collect();
        let prints = prints.filter(|_| rest.is_empty());
        prints.map(Self::of).ok_or_else(|| serde::de::Error::custom("no prints of rows"))
    }
}

#[cfg(test)]
mod tests;
