//! What the values of a column look like: dates, times, codes, numbers with check digits, names, free text. Counts only: no
//! value leaves this file but those of short lists, which are codes.

use super::sample::Sample;
use crate::{mapping::DateFormat, parse};
use commonroll_core::{
    SchoolDate,
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
    /// With a year of two digits.
    pub slash_short: usize,
    pub dashed: usize,
    pub dot: usize,
    pub dot_short: usize,
    pub compact: usize,
    /// 14 Sep 2026, also with the day of the week before it.
    pub named: usize,
    /// Dates of three parts in a style that nobody here reads.
    pub other_date: usize,
    /// Dates with a time that isn't midnight.
    pub instant: usize,
    /// The first or the second number of a date is above 12.
    pub first_above_12: usize,
    pub second_above_12: usize,
    pub weekend: usize,
    /// Different dates on weekends if the day, or the month, stands first; where each number can be either.
    pub weekends_day_first: usize,
    pub weekends_month_first: usize,
    /// The first and the last day, counted from 1970.
    pub days: Option<(i32, i32)>,
    /// Dates with a time on which lessons begin and end: no seconds, and minutes that five divides.
    pub round: usize,
    /// Numbers with which workbooks count the days of 1995 to 2049.
    pub serial: usize,
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
            self.serial += count * usize::from((34_700..=54_787).contains(&number));
        }
        let plain = cell.replace(',', ".");
        self.decimal += count
            * usize::from(
                plain.bytes().all(|b| b.is_ascii_digit() || b == b'.') && plain.parse::<f64>().is_ok(),
            );
    }

    fn dates(&mut self, cell: &str, count: usize) {
        let read = |format: DateFormat| parse::date(cell, format);
        let found = if let Some(date) = read(DateFormat::Iso) {
            self.iso += count;
            let clock = cell.get(11..16).unwrap_or("00:00");
            self.instant += count * usize::from(clock != "00:00");
            let seconds = cell.get(17..19).unwrap_or("00");
            self.round += count * usize::from(clock.ends_with(['0', '5']) && seconds == "00");
            Some(date)
        } else if let Some(date) = self.three_numbers(cell, count) {
            Some(date)
        } else if let Some(date) = read(DateFormat::Compact) {
            self.compact += count;
            Some(date)
        } else if let Some(date) = read(DateFormat::Named) {
            self.named += count;
            Some(date)
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
            self.weekend += count * usize::from(is_weekend(date));
            let (low, high) = self.days.unwrap_or((i32::MAX, i32::MIN));
            self.days = Some((low.min(date.days()), high.max(date.days())));
        }
    }

    /// A date of day, month and year as numbers, in whichever order it can be read.
    fn three_numbers(&mut self, cell: &str, count: usize) -> Option<SchoolDate> {
        let mark = cell.bytes().find(|byte| !byte.is_ascii_digit())?;
        let mut numbers = cell.split(char::from(mark));
        let (first, second, year) = (numbers.next()?, numbers.next()?, numbers.next()?);
        let short = year.len() == 2;
        let (style, day_first, month_first) = match (mark, short) {
            (b'/', false) => (&mut self.slash, DateFormat::British, Some(DateFormat::American)),
            (b'/', true) => (&mut self.slash_short, DateFormat::BritishShort, None),
            (b'.', false) => (&mut self.dot, DateFormat::Dotted, None),
            (b'.', true) => (&mut self.dot_short, DateFormat::DottedShort, None),
            (b'-', false) => (&mut self.dashed, DateFormat::Dashed, None),
            _ => return None,
        };
        let found = parse::date(cell, day_first).or_else(|| parse::date(cell, month_first?));
        *style += count * usize::from(found.is_some());
        if let Some(other) = month_first.and_then(|format| parse::date(cell, format))
            && let Some(found) = found
        {
            self.weekends_day_first += usize::from(is_weekend(found));
            self.weekends_month_first += usize::from(is_weekend(other));
        }
        let above = |number: &str| number.parse::<u8>().is_ok_and(|number| number > 12);
        self.first_above_12 += count * usize::from(above(first));
        self.second_above_12 += count * usize::from(above(second));
        found
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
        let numbers = self.slash + self.slash_short + self.dot + self.dot_short + self.dashed;
        self.iso + numbers + self.compact + self.named
    }

    /// True if it is a column of dates.
    pub fn is_date(&self) -> bool {
        self.filled > 0 && self.share(self.dates_read()) >= 0.97
    }

    /// True if these dates may be birth dates by themselves: many, on all days of the week, spread over most of a year.
    pub fn may_be_birth(&self) -> bool {
        let spread = self.days.is_some_and(|(first, last)| last - first > 300);
        self.is_date() && self.distinct >= 8 && self.share(self.weekend) > 0.12 && spread
    }

    /// True if its dates lie further apart than those of an export do.
    pub fn spans_decades(&self) -> bool {
        self.days.is_some_and(|(first, last)| last - first > 15 * 365)
    }

    /// True if the numbers may be days as workbooks count them.
    pub fn may_be_serial(&self) -> bool {
        self.filled > 0 && self.share(self.serial) >= 0.97 && !self.is_date()
    }

    /// True if the column is wholly empty.
    pub const fn is_blank(&self) -> bool {
        self.filled == 0
    }
}

fn is_weekend(date: SchoolDate) -> bool {
    // The first of January 1970 was a Thursday.
    (date.days() + 3).rem_euclid(7) >= 5
}
