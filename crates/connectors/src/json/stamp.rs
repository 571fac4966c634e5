//! Moments as PHP writes them into JSON, and so Wonde: `{"date": "2026-10-29 14:53:44.000000", "timezone_type": 3,
//! "timezone": "UTC"}`. They become one cell, in ISO with their own zone's offset, so that the date in it is the date meant.

use super::{Cursor, Value};
use jiff::{Zoned, civil::DateTime, tz::TimeZone};
use std::fmt::Write;

/// Longest text of such a moment.
const LONGEST: usize = 256;

/// Reads moments; remembers the zone, which is the same in row after row.
#[derive(Debug, Default)]
pub struct Stamps {
    last: Option<(String, Option<TimeZone>)>,
}

impl Stamps {
    /// If the object whose opening brace was just read is such a moment, writes it and moves behind it.
    pub fn read(&mut self, cursor: &mut Cursor<'_>, out: &mut String) -> bool {
        let from = cursor.at();
        let rest = cursor.between(from, cursor.len());
        let rest = &rest.as_bytes()[..rest.len().min(LONGEST)];
        let Some(end) = memchr::memchr(b'}', rest) else { return false };
        if memchr::memmem::find(&rest[..end], b"\"timezone\"").is_none() {
            return false;
        }
        let mut probe = cursor.clone();
        match self.parse(&mut probe, out) {
            Some(()) => {
                *cursor = probe;
                true
            }
            None => false,
        }
    }

    fn parse(&mut self, cursor: &mut Cursor<'_>, out: &mut String) -> Option<()> {
        let (mut date, mut zone, mut first) = (None, None, true);
        while let Some(key) = cursor.key(first).ok()? {
            first = false;
            let Value::Text(key) = key else { return None };
            // A slash may come escaped, as in `Europe\/London`.
            let value = match cursor.value().ok()? {
                Value::Text(value) | Value::Plain(value) => value.to_owned(),
                Value::Escaped => cursor.unescaped().to_owned(),
                _ => return None,
            };
            match key {
                "date" if date.is_none() => date = Some(value),
                "timezone" if zone.is_none() => zone = Some(value),
                "timezone_type" => {}
                _ => return None,
            }
        }
        let (date, zone) = (date?, zone?);
        let local: DateTime = date.parse().ok()?;
        out.clear();
        let seconds = local.strftime("%Y-%m-%dT%H:%M:%S");
        match self.zone(&zone) {
            _ if matches!(&*zone, "UTC" | "Z" | "+00:00") => write!(out, "{seconds}Z").ok(),
            Some(zone) => {
                let at = zone.to_ambiguous_zoned(local).compatible().ok()?;
                write!(out, "{}", at.strftime("%Y-%m-%dT%H:%M:%S%:z")).ok()
            }
            None => write!(out, "{seconds}").ok(),
        }
    }

    fn zone(&mut self, name: &str) -> Option<&TimeZone> {
        if self.last.as_ref().is_none_or(|(last, _)| last != name) {
            self.last = Some((name.to_owned(), zone(name)));
        }
        self.last.as_ref().and_then(|(_, zone)| zone.as_ref())
    }
}

/// The moment of such an object's `date` and `timezone`; `None` if either can't be read.
pub fn moment(date: &str, name: &str) -> Option<Zoned> {
    zone(name)?.to_ambiguous_zoned(date.parse().ok()?).compatible().ok()
}

/// A zone by its name, or by its offset as `+01:00`.
fn zone(name: &str) -> Option<TimeZone> {
    if name == "Z" {
        return Some(TimeZone::UTC);
    }
    if !name.starts_with(['+', '-']) {
        return TimeZone::get(name).ok();
    }
    let (hours, minutes) = name[1..].split_once(':')?;
    let seconds = hours.parse::<i32>().ok()? * 3600 + minutes.parse::<i32>().ok()? * 60;
    let signed = if name.starts_with('-') { -seconds } else { seconds };
    Some(jiff::tz::Offset::from_seconds(signed).ok()?.to_time_zone())
}
