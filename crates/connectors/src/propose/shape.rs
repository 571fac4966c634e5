//! What the values of a column look like: dates, times, codes, numbers with check digits, names, free text. Counts only: no
//! value leaves this file but those of short lists, which are codes.

use super::sample::Sample;
use crate::parse;
use commonroll_core::{
    attendance::ALL,
    identifiers::{Uci, Uln, Upn},
};
use std::collections::BTreeMap;

/// Values of one column, counted.
#[derive(Debug, Clone, Default)]
pub struct Shape {
    /// Cells that hold something.
    pub filled: usize,
    /// Rows looked at.
    pub rows: usize,
    /// Different values.
    pub distinct: usize,
    /// Values and how often, most frequent first, if there are at most 60 and all are short.
    pub list: Vec<(String, usize)>,
    /// Longest value in characters.
    pub longest: usize,
    /// Cells with at least three words.
    pub sentences: usize,
    pub with_space: usize,
    pub with_digit: usize,
    pub upn: usize,
    /// Cells that hold one sound UPN or several.
    pub upns: usize,
    pub uln: usize,
    pub uci: usize,
    pub iso: usize,
    pub slash: usize,
    pub dashed: usize,
    pub dot: usize,
    pub compact: usize,
    /// Dates of three parts in a style that nobody here reads.
    pub other_date: usize,
    /// Dates with a time that isn't midnight.
    pub instant: usize,
    /// The first or the second number of a date is above 12.
    pub first_above_12: usize,
    pub second_above_12: usize,
    pub weekend: usize,
    pub years: Option<(i16, i16)>,
    pub time: usize,
    pub whole: usize,
    pub signed: usize,
    pub decimal: usize,
    pub largest: i64,
    pub smallest: i64,
    pub truth: usize,
    pub english: usize,
    pub nameish: usize,
}

impl Shape {
    /// Looks at a column.
    pub fn of(sample: &Sample, column: usize) -> Self {
        let mut shape =
            Self { rows: sample.rows.len(), smallest: i64::MAX, largest: i64::MIN, ..Self::default() };
        let mut values: BTreeMap<&str, usize> = BTreeMap::new();
        for row in &sample.rows {
            let cell = row.cell(column);
            if !cell.is_empty() {
                *values.entry(cell).or_default() += 1;
            }
        }
        shape.distinct = values.len();
        for (value, count) in &values {
            shape.add(value, *count);
        }
        if values.len() <= 60 && shape.longest <= 40 {
            shape.list = values.into_iter().map(|(value, count)| (value.to_owned(), count)).collect();
            shape.list.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        }
        shape
    }

    fn add(&mut self, cell: &str, count: usize) {
        self.filled += count;
        self.longest = self.longest.max(cell.chars().count());
        let words = cell.split_whitespace().count();
        self.with_space += count * usize::from(words > 1);
        self.sentences += count * usize::from(words >= 3);
        self.with_digit += count * usize::from(cell.bytes().any(|byte| byte.is_ascii_digit()));
        self.upn += count * usize::from(cell.parse::<Upn>().is_ok());
        let upns = parse::former_upns(cell);
        self.upns +=
            count * usize::from(!upns.is_empty() && upns.iter().all(|upn| upn.parse::<Upn>().is_ok()));
        self.uln += count * usize::from(cell.parse::<Uln>().is_ok());
        self.uci += count * usize::from(cell.parse::<Uci>().is_ok());
        self.time += count * usize::from(parse::time(cell).is_some());
        self.truth +=
            count * usize::from(parse::truth(cell).is_some() && !cell.bytes().all(|b| b.is_ascii_digit()));
        self.english += count * usize::from(ALL.iter().any(|row| row.code == cell));
        let letters = cell.chars().all(|c| c.is_alphabetic() || " '’-,.".contains(c));
        let capital = cell.chars().next().is_some_and(char::is_uppercase);
        let small = cell.chars().any(char::is_lowercase);
        self.nameish +=
            count * usize::from(letters && capital && small && words <= 3 && cell.chars().count() >= 2);
        self.numbers(cell, count);
        self.dates(cell, count);
    }

    fn numbers(&mut self, cell: &str, count: usize) {
        if let Ok(number) = cell.parse::<i64>()
            && cell.len() <= 9
        {
            self.signed += count;
            self.whole += count * usize::from(parse::whole(cell).is_some());
            self.largest = self.largest.max(number);
            self.smallest = self.smallest.min(number);
        }
        let plain = cell.replace(',', ".");
        self.decimal += count
            * usize::from(
                plain.bytes().all(|b| b.is_ascii_digit() || b == b'.') && plain.parse::<f64>().is_ok(),
            );
    }

    fn dates(&mut self, cell: &str, count: usize) {
        let numbers: Vec<&str> = cell.split(['/', '.', '-']).collect();
        let is = |at: usize, len: usize| {
            numbers.get(at).is_some_and(|n| n.len() == len && n.bytes().all(|b| b.is_ascii_digit()))
        };
        let value = |at: usize| numbers.get(at).and_then(|n| n.parse::<i16>().ok()).unwrap_or(0);
        let date = |y: i16, m: i16, d: i16| {
            jiff::civil::Date::new(y, i8::try_from(m).ok()?, i8::try_from(d).ok()?)
                .ok()
                .filter(|date| (1900..2200).contains(&date.year()))
        };
        let found = if let Some(read) = parse::date(cell, crate::mapping::DateFormat::Iso) {
            self.iso += count;
            let clock = cell.get(11..16).unwrap_or("00:00");
            self.instant += count * usize::from(clock != "00:00");
            jiff::civil::date(1970, 1, 1).checked_add(jiff::Span::new().days(read.days())).ok()
        } else if numbers.len() == 3 && is(0, 2) && is(1, 2) && is(2, 4) {
            let (first, second, year) = (value(0), value(1), value(2));
            self.first_above_12 += count * usize::from(first > 12);
            self.second_above_12 += count * usize::from(second > 12);
            let found = date(year, second, first).or_else(|| date(year, first, second));
            let style = match cell.as_bytes()[2] {
                b'/' => &mut self.slash,
                b'.' => &mut self.dot,
                _ => &mut self.dashed,
            };
            *style += count * usize::from(found.is_some());
            found
        } else if cell.len() == 8
            && let Some(read) = parse::date(cell, crate::mapping::DateFormat::Compact)
        {
            self.compact += count;
            jiff::civil::date(1970, 1, 1).checked_add(jiff::Span::new().days(read.days())).ok()
        } else {
            let parts = cell.split(['/', '.', '-', ' ']).filter(|part| !part.is_empty()).count();
            let digits = cell.bytes().filter(u8::is_ascii_digit).count();
            let named = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
                .iter()
                .any(|month| cell.to_lowercase().contains(month));
            let plain = cell.bytes().all(|b| b.is_ascii_digit() || b"/.- ".contains(&b));
            self.other_date +=
                count * usize::from(parts == 3 && (3..=8).contains(&digits) && (plain || named));
            None
        };
        if let Some(date) = found {
            use jiff::civil::Weekday::{Saturday, Sunday};
            self.weekend += count * usize::from(matches!(date.weekday(), Saturday | Sunday));
            let (low, high) = self.years.unwrap_or((i16::MAX, i16::MIN));
            self.years = Some((low.min(date.year()), high.max(date.year())));
        }
    }

    /// Share of the cells that hold something.
    pub fn share(&self, count: usize) -> f64 {
        if self.filled == 0 { 0.0 } else { count as f64 / self.filled as f64 }
    }

    /// Share of rows in which something stands.
    pub fn fill(&self) -> f64 {
        if self.rows == 0 { 0.0 } else { self.filled as f64 / self.rows as f64 }
    }

    /// Dates in any style that can be read.
    pub fn dates_read(&self) -> usize {
        self.iso + self.slash + self.dot + self.dashed + self.compact
    }

    /// True if it is a column of dates.
    pub fn is_date(&self) -> bool {
        self.filled > 0 && self.share(self.dates_read()) >= 0.97
    }

    /// True if these dates may be birth dates: many, on all days of the week, spread over at least two years.
    pub fn may_be_birth(&self) -> bool {
        self.is_date() && self.distinct >= 8 && self.share(self.weekend) > 0.12
    }

    /// True if the column is wholly empty.
    pub const fn is_blank(&self) -> bool {
        self.filled == 0
    }
}
