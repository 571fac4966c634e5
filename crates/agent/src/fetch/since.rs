//! Where a query that goes on from `sql.since` begins, and which of its rows were handed on before.
//!
//! A database gives out keys and times before it commits: a row can come to sight behind others that are higher. So the query
//! does not begin at the highest value, but at the one that was the highest well before the last look, and rows that come once
//! more are known by their print. Whoever commits later than that is not found; nothing here knows what a value means.

use crate::scan::sha256;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// So long before the last look the query begins, in microseconds: ten minutes for the longest transaction, and one for asking.
const OVERLAP_US: i64 = 11 * 60 * 1_000_000;
/// Rows whose print is kept. Those beyond are handed on once more, which changes nothing.
const PRINTS_MAX: usize = 200_000;

/// How far a source was read.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Since {
    /// When a value was first seen to be the highest, microseconds since the epoch; oldest first.
    highest: Vec<(i64, String)>,
    /// When was last looked.
    last_us: i64,
    /// The rows of the last look.
    prints: HashSet<u64>,
}

impl Since {
    /// Where the next look begins; `None` for everything.
    pub fn begins(&self) -> Option<&str> {
        let place = self.place()?;
        self.highest.get(place).map(|(_, value)| value.as_str())
    }

    fn place(&self) -> Option<usize> {
        let before = self.last_us.saturating_sub(OVERLAP_US);
        self.highest.iter().rposition(|(at_us, _)| *at_us <= before)
    }

    /// Begins a look.
    pub fn look(&self) -> Look<'_> {
        let highest = self.highest.last().map(|(_, value)| value.clone());
        Look { before: self, highest, prints: HashSet::new() }
    }
}

/// One look.
pub(super) struct Look<'a> {
    before: &'a Since,
    highest: Option<String>,
    prints: HashSet<u64>,
}

impl Look<'_> {
    /// Takes note of a row, as it stands in the file, and of its value. True if it is to be handed on.
    pub fn row(&mut self, line: &str, value: Option<&str>) -> bool {
        if let Some(value) = value
            && self.highest.as_deref().is_none_or(|highest| is_higher(value, highest))
        {
            self.highest = Some(value.to_owned());
        }
        let [a, b, c, d, e, f, g, h, ..] = sha256(line.as_bytes());
        let print = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
        if self.prints.len() < PRINTS_MAX {
            self.prints.insert(print);
        }
        !self.before.prints.contains(&print)
    }

    /// How far the source was read with this look, which began at `now_us`.
    pub fn end(self, now_us: i64) -> Since {
        let kept = self.before.place().unwrap_or(0);
        let mut highest: Vec<_> = self.before.highest[kept..].to_vec();
        // A clock that was set back says nothing about what it said before.
        highest.retain(|(at_us, _)| *at_us <= now_us);
        if let Some(value) = self.highest
            && highest.last().is_none_or(|(_, last)| *last != value)
        {
            highest.push((now_us, value));
        }
        Since { highest, last_us: now_us, prints: self.prints }
    }
}

/// Whole numbers by their value, anything else as text: times are written so that the later one is higher.
fn is_higher(one: &str, other: &str) -> bool {
    match (one.parse::<i128>(), other.parse::<i128>()) {
        (Ok(one), Ok(other)) => one > other,
        _ => one > other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60 * 1_000_000;

    /// Looks at rows of a key alone, and gives those that are handed on.
    fn look(since: &mut Since, now_us: i64, table: &[&str]) -> Vec<String> {
        let from = since.begins().map(str::to_owned);
        let mut look = since.look();
        let seen = |key: &&&str| from.as_deref().is_none_or(|from| is_higher(key, from));
        let rows: Vec<&&str> = table.iter().filter(seen).collect();
        let handed = rows.into_iter().filter(|key| look.row(key, Some(key)));
        let handed = handed.map(|key| (*key).to_owned()).collect();
        *since = look.end(now_us);
        handed
    }

    #[test]
    fn keys_are_compared_as_numbers_and_times_as_text() {
        assert!(is_higher("10", "9") && !is_higher("9", "10"));
        assert!(is_higher("2026-09-14 09:05:00", "2026-09-14 08:59:59"));
    }

    #[test]
    fn a_row_that_is_committed_late_or_in_the_same_second_is_not_lost_and_none_comes_twice() {
        let mut since = Since::default();
        assert_eq!(look(&mut since, 0, &["1", "3"]), ["1", "3"]);
        assert_eq!(look(&mut since, 9 * MINUTE, &["1", "2", "3"]), ["2"], "its transaction began before 3's");
        assert!(look(&mut since, 12 * MINUTE, &["1", "2", "3"]).is_empty());
        assert!(look(&mut since, 13 * MINUTE, &["1", "2", "3"]).is_empty());
        assert_eq!(since.begins(), Some("3"), "what is older isn't asked for any more");
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
        assert_eq!(since.begins(), Some("2"));
        look(&mut since, 20 * MINUTE, &["1", "2", "3"]);
        assert_eq!(since.begins(), None);
    }
}
