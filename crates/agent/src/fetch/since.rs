//! Where a query that goes on from `sql.since` begins, and which of its rows were handed on before.
//!
//! A database gives out keys and times before it commits: a row can come to sight behind others that are higher. So the query
//! does not begin at the highest value, but at the one that was the highest well before the last look, and rows that come once
//! more are known by their print. Where that is far back, as at the first look at a long table, most looks begin at the last
//! few thousand rows, and only now and then is one thorough: late rows are then found a while later, and none is lost. Whoever
//! commits later than that is not found. What a value means isn't known here, but that local times may go back by an hour.

use crate::scan::sha256;
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
}

impl Since {
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
    pub fn look(&self, now_us: i64) -> Look<'_> {
        let is_thorough = self.is_thorough(now_us);
        Look {
            before: self,
            now_us,
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
    now_us: i64,
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
        if !value.is_empty() && self.highest.as_ref().is_none_or(|highest| key > *highest) {
            (self.highest, self.new) = (Some(key.clone()), Some(value.to_owned()));
        }
        let [a, b, c, d, e, f, g, h, ..] = sha256(line.as_bytes());
        let print = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
        self.rows.push(Reverse((key, print, value.to_owned())));
        if self.rows.len() > TAIL {
            self.pass();
        }
        !self.before.above.has(print) && !self.before.below.has(print)
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
        let above = Prints::of(self.rows.into_iter().map(|Reverse((_, print, _))| print).collect());
        Since { highest, thorough_us, tail, below: Prints::of(self.below), above }
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
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;
    const MINUTE: i64 = 60 * SECOND;

    /// Looks at rows of a value alone, and gives those that are handed on, and how many were read.
    fn looked<'t>(since: &mut Since, now_us: i64, table: &[&'t str]) -> (Vec<&'t str>, usize) {
        let from = since.begins(now_us).map(Key::of);
        let mut look = since.look(now_us);
        // A mapping may say `>=`, too.
        let is_asked = |value: &&&str| from.as_ref().is_none_or(|from| Key::of(value) >= *from);
        let rows: Vec<&str> = table.iter().filter(is_asked).copied().collect();
        let handed = rows.iter().filter(|value| look.row(value, Some(value))).copied().collect();
        *since = look.end();
        (handed, rows.len())
    }

    fn look<'t>(since: &mut Since, now_us: i64, table: &[&'t str]) -> Vec<&'t str> {
        looked(since, now_us, table).0
    }

    #[test]
    fn keys_are_compared_as_numbers_and_times_as_text() {
        assert!(Key::of("10") > Key::of("9") && Key::of("") < Key::of("-9"));
        assert!(Key::of("2026-09-14 09:05:00") > Key::of("2026-09-14 08:59:59"));
    }

    #[test]
    fn a_row_that_is_committed_late_or_in_the_same_second_is_not_lost_and_none_comes_twice() {
        let mut since = Since::default();
        assert_eq!(look(&mut since, 0, &["1", "3"]), ["1", "3"]);
        assert_eq!(look(&mut since, 9 * MINUTE, &["1", "2", "3"]), ["2"], "its transaction began before 3's");
        assert!(look(&mut since, 12 * MINUTE, &["1", "2", "3"]).is_empty());
        assert!(look(&mut since, 13 * MINUTE, &["1", "2", "3"]).is_empty());
        assert_eq!(since.begins(14 * MINUTE), Some("3"), "what is older isn't asked for any more");
        assert_eq!(look(&mut since, 14 * MINUTE, &["3", "6", "7"]), ["6", "7"]);
        assert_eq!(look(&mut since, 23 * MINUTE, &["3", "4", "6", "7"]), ["4"]);
        assert_eq!(look(&mut since, 24 * 60 * MINUTE, &["3", "4", "5", "6", "7"]), ["5"], "the agent slept");
    }

    #[test]
    fn a_clock_that_is_set_back_makes_more_be_read_not_less() {
        let mut since = Since::default();
        look(&mut since, 60 * MINUTE, &["1", "2"]);
        look(&mut since, 80 * MINUTE, &["2"]);
        look(&mut since, 81 * MINUTE, &["2"]);
        assert_eq!(since.begins(82 * MINUTE), Some("2"));
        look(&mut since, 20 * MINUTE, &["1", "2", "3"]);
        assert_eq!(since.begins(21 * MINUTE), None);
    }

    #[test]
    fn a_long_table_is_read_twice_and_then_its_last_rows_alone_and_none_is_handed_on_twice() {
        let numbers: Vec<String> = (0..40_000).map(|n| n.to_string()).collect();
        // Two rows that lie open in a transaction: one close to the end, one far from it.
        let table = |to: usize, with: &[usize]| -> Vec<&str> {
            let is_there = |n: &usize| ![20_005, 29_995].contains(n) || with.contains(n);
            (0..to).filter(is_there).map(|n| &*numbers[n]).collect()
        };
        let mut since = Since::default();
        let (handed, read) = looked(&mut since, 0, &table(30_000, &[]));
        assert_eq!((handed.len(), read), (29_998, 29_998));
        for n in 1..22 {
            let with: &[usize] = if n < 5 { &[] } else { &[20_005, 29_995] };
            let (handed, read) = looked(&mut since, n * 30 * SECOND, &table(30_000 + n as usize, with));
            assert_eq!(handed.len(), if n == 5 { 2 } else { 1 }, "look {n}");
            assert!(read <= TAIL + 3, "look {n} read {read} rows");
        }
        let (handed, read) = looked(&mut since, 11 * MINUTE, &table(30_022, &[20_005, 29_995]));
        assert_eq!(
            (handed, read),
            (vec!["20005", "30021"], 30_022),
            "one look is thorough, and finds what was left"
        );
        for n in 23..80 {
            let (handed, read) =
                looked(&mut since, n * 30 * SECOND, &table(30_000 + n as usize, &[20_005, 29_995]));
            assert_eq!(handed.len(), 1, "look {n}");
            assert!(read <= 50, "look {n} read {read} rows");
        }
    }

    #[test]
    fn many_rows_at_once_are_read_again_twice_an_hour_not_at_each_look() {
        let numbers: Vec<String> = (0..60_000).map(|n| n.to_string()).collect();
        let mut since = Since::default();
        for n in 0..60 {
            looked(&mut since, n * 30 * SECOND, &[&*numbers[1]]);
        }
        // A timetable is generated, and marks go on.
        let mut all = 0;
        for n in 60..120 {
            let rows: Vec<&str> = numbers[1..40_000 + n as usize].iter().map(String::as_str).collect();
            let (handed, read) = looked(&mut since, n * 30 * SECOND, &rows);
            assert_eq!(handed.len(), if n == 60 { 40_058 } else { 1 }, "look {n}");
            all += read;
        }
        assert!(all < 5 * 40_000 + 22 * TAIL, "{all} rows in half an hour");
    }

    #[test]
    fn what_is_changed_and_changed_back_is_handed_on_each_time() {
        let mut since = Since::default();
        for (n, line) in ["7,/", "7,L", "7,/", "7,/"].into_iter().enumerate() {
            let mut look = since.look(n as i64 * MINUTE);
            assert_eq!(look.row(line, Some("7")), n < 3, "{line}");
            since = look.end();
        }
    }

    #[test]
    fn the_hour_that_comes_twice_loses_nothing_however_often_is_looked() {
        // Half past midnight on 25 October 2026 in London, and the local times of rows, one a minute for three hours and a half.
        let zone = jiff::tz::TimeZone::get("Europe/London").unwrap();
        let begin =
            jiff::civil::date(2026, 10, 25).at(0, 30, 0, 0).to_zoned(zone.clone()).unwrap().timestamp();
        let local = |minute: i64| {
            let at = begin + jiff::SignedDuration::from_mins(minute);
            format!("{}", at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S"))
        };
        let rows: Vec<String> = (0..210).map(|n| format!("{},{n}", local(n))).collect();
        assert!(rows[30].starts_with("2026-10-25 01:00") && rows[90].starts_with("2026-10-25 01:00"));
        for every in [1, 7, 30, 100] {
            let (mut since, mut seen) = (Since::default(), Vec::new());
            for minute in (0..210).step_by(every) {
                let now_us = begin.as_microsecond() + i64::try_from(minute).unwrap() * MINUTE;
                let from = since.begins(now_us).map(str::to_owned);
                let mut look = since.look(now_us);
                // A row of each minute is committed nine minutes later.
                let there =
                    rows.iter().enumerate().filter(|(n, _)| *n <= minute && (n % 2 == 0 || n + 9 <= minute));
                for (n, row) in there {
                    let value = &row[..19];
                    if from.as_deref().is_none_or(|from| value >= from) && look.row(row, Some(value)) {
                        seen.push(n);
                    }
                }
                since = look.end();
            }
            seen.sort_unstable();
            let last = (209 / every) * every;
            let wanted: Vec<usize> = (0..=last).filter(|n| n % 2 == 0 || n + 9 <= last).collect();
            assert_eq!(seen, wanted, "looked every {every} minutes");
            assert!(since.begins(begin.as_microsecond() + 210 * MINUTE).is_some());
        }
    }

    #[test]
    fn the_hour_that_does_not_come_in_spring_loses_nothing() {
        let mut since = Since::default();
        let times =
            ["2027-03-28 00:58:00", "2027-03-28 00:59:30", "2027-03-28 02:00:10", "2027-03-28 02:01:00"];
        for (n, _) in times.iter().enumerate() {
            assert_eq!(look(&mut since, n as i64 * MINUTE, &times[..=n]), [times[n]]);
        }
    }

    #[test]
    fn what_is_kept_survives_a_restart_and_looking_alone_changes_nothing() {
        let mut since = Since::default();
        look(&mut since, 0, &["1", "2"]);
        let kept: Since = serde_json::from_slice(&serde_json::to_vec(&since).unwrap()).unwrap();
        assert_eq!(kept, since);
        look(&mut since, MINUTE, &["1", "2"]);
        assert!(!since.differs(&kept));
        look(&mut since, 12 * MINUTE, &["1", "2"]);
        assert!(since.differs(&kept), "the next look begins elsewhere");
        let kept = since.clone();
        look(&mut since, 13 * MINUTE, &["2"]);
        look(&mut since, 14 * MINUTE, &["2"]);
        let settled = since.clone();
        look(&mut since, 60 * MINUTE, &["2"]);
        assert!(!since.differs(&settled) && settled.differs(&kept));
    }
}
