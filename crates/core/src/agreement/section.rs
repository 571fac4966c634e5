//! One table of an agreement's text, read field by field: every field is asked for once, and what nobody asked for is
//! a fault. Knows TOML and bounds; what the fields mean is in `read`.

use super::{
    fault::Faults,
    times::time_of_day,
    words::{Word, choices, meaning},
};
use crate::{ids::is_direction_mark, time::SchoolDate};
use std::ops::Range;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// Most characters of one line of text, such as a contact.
const LINE_MAX: usize = 300;
/// Most characters of a paragraph.
const PROSE_MAX: usize = 2_000;
/// Most entries of a list.
const LIST_MAX: usize = 40;

/// A table that is being read.
pub(super) struct Section<'a, 't> {
    table: &'a DeTable<'t>,
    span: Range<usize>,
    path: String,
    asked: Vec<&'static str>,
}

impl<'a, 't> Section<'a, 't> {
    pub(super) const fn new(table: &'a DeTable<'t>, span: Range<usize>, path: String) -> Self {
        Self { table, span, path, asked: Vec::new() }
    }

    /// The full name of a field.
    pub(super) fn name(&self, key: &str) -> String {
        match self.path.as_str() {
            "" => key.to_owned(),
            path => format!("{path}.{key}"),
        }
    }

    /// Where a field stands; the section's heading if it is missing.
    pub(super) fn place(&self, key: &str) -> Range<usize> {
        self.table
            .iter()
            .find(|(known, _)| known.get_ref() == key)
            .map_or_else(|| self.span.clone(), |(known, _)| known.span())
    }

    /// Notes a fault of a field.
    pub(super) fn fault(
        &self,
        faults: &mut Faults,
        key: &str,
        rule: impl Into<String>,
        fix: impl Into<String>,
    ) {
        faults.add(&self.place(key), self.name(key), rule, fix);
    }

    fn value(&mut self, key: &'static str) -> Option<&'a DeValue<'t>> {
        self.asked.push(key);
        self.table.iter().find(|(known, _)| known.get_ref() == key).map(|(_, value)| value.get_ref())
    }

    /// True if a field says exactly this word.
    pub(super) fn says(&self, key: &str, word: &str) -> bool {
        self.table.iter().any(|(known, value)| {
            known.get_ref() == key && value.get_ref().as_str().is_some_and(|text| text.trim() == word)
        })
    }

    /// True if a field that may be left out is there; it is known here either way.
    pub(super) fn has(&mut self, key: &'static str) -> bool {
        let is_there = self.table.iter().any(|(known, _)| known.get_ref() == key);
        if !is_there {
            self.asked.push(key);
        }
        is_there
    }

    /// Marks a field as read.
    pub(super) fn skip(&mut self, key: &'static str) {
        self.asked.push(key);
    }

    fn needed(&mut self, faults: &mut Faults, key: &'static str) -> Option<&'a DeValue<'t>> {
        let value = self.value(key);
        if value.is_none() {
            self.fault(faults, key, "is missing", "add it");
        }
        value
    }

    /// A text on one line, such as a name.
    pub(super) fn line(&mut self, faults: &mut Faults, key: &'static str) -> Option<String> {
        let value = self.needed(faults, key)?;
        self.text(faults, key, value, LINE_MAX, false)
    }

    /// A paragraph. Line breaks inside it become spaces.
    pub(super) fn prose(&mut self, faults: &mut Faults, key: &'static str) -> Option<String> {
        let value = self.needed(faults, key)?;
        self.text(faults, key, value, PROSE_MAX, true)
    }

    /// A paragraph that may be left out. `Some(None)` if it is, `None` if it is at fault.
    #[expect(clippy::option_option, reason = "absent is one thing, at fault another")]
    pub(super) fn prose_if_any(&mut self, faults: &mut Faults, key: &'static str) -> Option<Option<String>> {
        match self.value(key) {
            None => Some(None),
            Some(value) => self.text(faults, key, value, PROSE_MAX, true).map(Some),
        }
    }

    /// A list of one entry or more, each a paragraph.
    pub(super) fn list(&mut self, faults: &mut Faults, key: &'static str) -> Option<Vec<String>> {
        let values = self.array(faults, key)?;
        let read: Vec<_> =
            values.iter().map(|value| self.text(faults, key, value.get_ref(), PROSE_MAX, true)).collect();
        read.into_iter().collect()
    }

    fn array(&mut self, faults: &mut Faults, key: &'static str) -> Option<Vec<&'a Spanned<DeValue<'t>>>> {
        let value = self.needed(faults, key)?;
        let Some(values) = value.as_array() else {
            self.fault(faults, key, "must be a list", "write it in brackets: [\"...\", \"...\"]");
            return None;
        };
        if values.is_empty() || values.len() > LIST_MAX {
            self.fault(faults, key, "must have 1 to 40 entries", "list what belongs there");
            return None;
        }
        Some(values.iter().collect())
    }

    fn text(
        &self,
        faults: &mut Faults,
        key: &str,
        value: &DeValue<'t>,
        max: usize,
        breaks: bool,
    ) -> Option<String> {
        let Some(text) = value.as_str() else {
            self.fault(faults, key, "must be text", "write it in quotation marks");
            return None;
        };
        if text.trim().is_empty() {
            self.fault(faults, key, "is blank", "fill it in");
            return None;
        }
        let hidden =
            |c: char| (c.is_control() && !(breaks && matches!(c, '\n' | '\r'))) || is_direction_mark(c);
        if text.chars().any(hidden) {
            let rule = if breaks {
                "must not hold control characters or direction marks"
            } else {
                "must be one line without control characters or direction marks"
            };
            self.fault(faults, key, rule, "type it again as plain text");
            return None;
        }
        if text.chars().nth(max).is_some() {
            self.fault(faults, key, format!("is longer than {max} characters"), "shorten it");
            return None;
        }
        Some(text.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    /// A word from a closed list.
    pub(super) fn word<W: Word>(&mut self, faults: &mut Faults, key: &'static str) -> Option<W> {
        let text = self.line(faults, key)?;
        let found = meaning(&text);
        if found.is_none() {
            self.fault(faults, key, "is not one of the words known here", format!("use {}", choices::<W>()));
        }
        found
    }

    /// A word from a closed list that may be left out.
    #[expect(clippy::option_option, reason = "absent is one thing, at fault another")]
    pub(super) fn word_if_any<W: Word>(
        &mut self,
        faults: &mut Faults,
        key: &'static str,
    ) -> Option<Option<W>> {
        match self.table.iter().any(|(known, _)| known.get_ref() == key) {
            true => self.word(faults, key).map(Some),
            false => {
                self.asked.push(key);
                Some(None)
            }
        }
    }

    /// A list of names, each read by `read`; a name that gives `None` is a fault with the fix. Each once.
    pub(super) fn names<T: PartialEq>(
        &mut self,
        faults: &mut Faults,
        key: &'static str,
        fix: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Option<Vec<T>> {
        let values = self.array(faults, key)?;
        let mut all = Vec::with_capacity(values.len());
        let mut sound = true;
        for value in values {
            let field = self.name(key);
            match value.get_ref().as_str().and_then(&read) {
                None => faults.add(&value.span(), field, "names something that is not known here", fix),
                Some(one) if all.contains(&one) => {
                    faults.add(&value.span(), field, "names something twice", "name it once");
                }
                Some(one) => {
                    all.push(one);
                    continue;
                }
            }
            sound = false;
        }
        sound.then_some(all)
    }

    /// A real date.
    pub(super) fn date(&mut self, faults: &mut Faults, key: &'static str) -> Option<SchoolDate> {
        let value = self.needed(faults, key)?;
        let text = match value {
            DeValue::String(text) if text.trim().is_empty() => {
                self.fault(faults, key, "is blank", "fill in a date such as \"2026-09-01\"");
                return None;
            }
            DeValue::String(text) => text.to_string(),
            DeValue::Datetime(written) => written.to_string(),
            _ => String::new(),
        };
        let date = SchoolDate::parse("date", &text).ok();
        if date.is_none() {
            let fix = "write year, month and day, such as \"2026-09-01\"";
            self.fault(faults, key, "is not a date that exists", fix);
        }
        date
    }

    /// A whole number inside a range.
    pub(super) fn number(
        &mut self,
        faults: &mut Faults,
        key: &'static str,
        range: std::ops::RangeInclusive<u32>,
    ) -> Option<u32> {
        let value = self.needed(faults, key)?;
        let number = value
            .as_integer()
            .and_then(|written| u32::from_str_radix(written.as_str(), written.radix()).ok())
            .filter(|number| range.contains(number));
        if number.is_none() {
            let (low, high) = (range.start(), range.end());
            let rule = format!("must be a whole number from {low} to {high}");
            let fix = match value.as_integer() {
                Some(_) => "write a number of that range",
                None => "write it without quotation marks",
            };
            self.fault(faults, key, rule, fix);
        }
        number
    }

    /// A time of day inside a range, both in minutes after midnight.
    pub(super) fn time_of_day(
        &mut self,
        faults: &mut Faults,
        key: &'static str,
        range: std::ops::RangeInclusive<u16>,
    ) -> Option<u16> {
        let value = self.needed(faults, key)?;
        let two = |digits: &str| match digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_digit()) {
            true => digits.parse::<u16>().ok(),
            false => None,
        };
        let minutes = value
            .as_str()
            .and_then(|text| text.trim().split_once(':'))
            .and_then(|(hour, minute)| two(hour).zip(two(minute).filter(|minute| *minute < 60)))
            .map(|(hour, minute)| hour * 60 + minute)
            .filter(|minutes| range.contains(minutes));
        if minutes.is_none() {
            let (low, high) = (time_of_day(*range.start()), time_of_day(*range.end()));
            let rule = format!("must be a time of day from {low} to {high}");
            self.fault(faults, key, rule, format!("write hours and minutes, such as \"{low}\""));
        }
        minutes
    }

    /// A section inside this one. A missing one is one fault.
    pub(super) fn section(&mut self, faults: &mut Faults, key: &'static str) -> Option<Section<'a, 't>> {
        let place = self.place(key);
        let Some(table) = self.needed(faults, key)?.as_table() else {
            self.fault(faults, key, "must be a section", format!("write [{key}] on a line of its own"));
            return None;
        };
        Some(Section::new(table, place, self.name(key)))
    }

    /// Sections that may stand several times, at most `max`. A missing one is no fault here.
    pub(super) fn sections(
        &mut self,
        faults: &mut Faults,
        key: &'static str,
        max: usize,
    ) -> Vec<Section<'a, 't>> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let tables: Option<Vec<_>> = value.as_array().and_then(|list| {
            list.iter().map(|one| one.get_ref().as_table().map(|table| (table, one.span()))).collect()
        });
        let Some(tables) = tables else {
            self.fault(faults, key, "must be a section", format!("write [[{key}]] above each of them"));
            return Vec::new();
        };
        if tables.len() > max {
            self.fault(faults, key, format!("stands more than {max} times"), "split the agreement");
            return Vec::new();
        }
        let named = |place: usize| self.name(&format!("{key}[{place}]"));
        (1..).zip(tables).map(|(place, (table, span))| Section::new(table, span, named(place))).collect()
    }

    /// Ends the reading: fields that nobody asked for are faults.
    pub(super) fn done(self, faults: &mut Faults) {
        for (key, _) in self.table.iter().filter(|(key, _)| !self.asked.contains(&&**key.get_ref())) {
            let name = key.get_ref();
            let plain =
                name.len() <= 40 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
            let field = if plain { self.name(name) } else { self.name("(not a plain word)") };
            let fix = format!("take it out, or use one of: {}", self.asked.join(", "));
            faults.add(&key.span(), field, "is a field that agreements don't have", fix);
        }
    }
}
