//! Time: instants in UTC microseconds, local school dates, and half-open intervals.
//!
//! Nothing here reads a clock. A zone name belongs to an institution and is resolved where its files are read.

use crate::ids::Invalid;
use jiff::{civil, tz::TimeZone};
use std::{fmt, str::FromStr};

/// An instant: microseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From microseconds since the epoch, between the years 1900 and 2200.
    pub fn from_micros(field: &'static str, micros: i64) -> Result<Self, Invalid> {
        const YEAR_1900: i64 = -2_208_988_800_000_000;
        const YEAR_2200: i64 = 7_258_118_400_000_000;
        if !(YEAR_1900..YEAR_2200).contains(&micros) {
            return Err(Invalid::new(
                field,
                "must lie between the years 1900 and 2200, in microseconds since 1970",
            ));
        }
        Ok(Self(micros))
    }

    /// From a jiff instant. Fractions of a microsecond are dropped.
    pub fn from_jiff(instant: jiff::Timestamp) -> Self {
        Self(instant.as_microsecond())
    }

    /// Microseconds since the epoch.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// This instant moved by microseconds, kept inside what an `i64` holds.
    pub const fn plus_micros(self, micros: i64) -> Self {
        Self(self.0.saturating_add(micros))
    }

    /// The local date at this instant in a zone.
    pub fn date_in(self, zone: &TimeZone) -> SchoolDate {
        let instant = jiff::Timestamp::from_microsecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        SchoolDate(zone.to_datetime(instant).date())
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(instant) => write!(f, "{instant}"),
            Err(_) => write!(f, "{} us", self.0),
        }
    }
}

/// A local school date, such as 2026-09-14.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct SchoolDate(civil::Date);

impl SchoolDate {
    /// Reads an ISO 8601 date (2026-09-14); `field` is named in the error.
    pub fn parse(field: &'static str, text: &str) -> Result<Self, Invalid> {
        let rule = Invalid::new(field, "must be a real date written as YYYY-MM-DD");
        let text = text.trim();
        if text.len() != 10 {
            return Err(rule);
        }
        if let Some((year, month, day)) = digits(text.as_bytes()) {
            return civil::Date::new(year, month, day).map(Self).map_err(|_| rule);
        }
        text.parse().map(Self).map_err(|_| rule)
    }

    /// From a civil date.
    pub const fn from_civil(date: civil::Date) -> Self {
        Self(date)
    }

    /// The civil date.
    pub const fn civil(self) -> civil::Date {
        self.0
    }

    /// The date that lies this many days after 1970-01-01, if there is one.
    pub fn from_days(days: i32) -> Option<Self> {
        civil::date(1970, 1, 1).checked_add(jiff::Span::new().try_days(days).ok()?).ok().map(Self)
    }

    /// Days since 1970-01-01. Counted by hand, since every record asks for it several times: years are counted from
    /// March, so that the leap day is the last one, in cycles of 400 years.
    pub fn days(self) -> i32 {
        let (month, day) = (i32::from(self.0.month()), i32::from(self.0.day()));
        let year = i32::from(self.0.year()) - i32::from(month <= 2);
        let (cycle, year) = (year.div_euclid(400), year.rem_euclid(400));
        let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        cycle * 146_097 + year * 365 + year / 4 - year / 100 + of_year - 719_468
    }

    /// The instant of a local time on this date. In the hour that a clock change repeats, the first one; in the hour
    /// that it skips, the time as if the clock had not yet changed.
    pub fn at(self, time: civil::Time, zone: &TimeZone) -> Timestamp {
        let zoned = zone.to_ambiguous_zoned(self.0.to_datetime(time)).compatible();
        Timestamp(zoned.map_or(0, |z| z.timestamp().as_microsecond()))
    }

    /// The instant at which this date begins in a zone.
    pub fn start(self, zone: &TimeZone) -> Timestamp {
        self.at(civil::Time::midnight(), zone)
    }
}

/// Year, month and day of a text that is YYYY-MM-DD in digits.
fn digits(text: &[u8]) -> Option<(i16, i8, i8)> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text else { return None };
    let pair = |tens: &u8, ones: &u8| {
        let both = tens.is_ascii_digit() && ones.is_ascii_digit();
        both.then(|| ((tens - b'0') * 10 + (ones - b'0')) as i8)
    };
    let year = i16::from(pair(y1, y2)?) * 100 + i16::from(pair(y3, y4)?);
    Some((year, pair(m1, m2)?, pair(d1, d2)?))
}

impl FromStr for SchoolDate {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::parse("school_date", text)
    }
}

impl fmt::Display for SchoolDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A half-open interval of time `[start, end)`, at most 24 hours long and never empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Interval {
    start: Timestamp,
    end: Timestamp,
}

impl Interval {
    /// An interval; the end must lie after the start, at most 24 hours.
    pub fn new(start: Timestamp, end: Timestamp) -> Result<Self, Invalid> {
        const DAY: i64 = 86_400_000_000;
        let length = end.micros().saturating_sub(start.micros());
        if length <= 0 || length > DAY {
            return Err(Invalid::new("end", "must lie after the start, by 24 hours at most"));
        }
        Ok(Self { start, end })
    }

    /// First instant inside.
    pub const fn start(self) -> Timestamp {
        self.start
    }

    /// First instant behind.
    pub const fn end(self) -> Timestamp {
        self.end
    }

    /// True if both share an instant.
    pub fn overlaps(self, other: Self) -> bool {
        self.start < other.end && other.start < self.end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar_and_dates_read_as_they_print() {
        // Every day of four centuries and some of the far ends, against the calendar's own arithmetic.
        for days in (-200_000..200_000).step_by(13).chain(-800..800) {
            let Some(date) = SchoolDate::from_days(days) else { panic!("{days} is a day") };
            assert_eq!(date.days(), days, "{date}");
            assert_eq!(SchoolDate::parse("date", &date.to_string()), Ok(date));
        }
        for wrong in ["2026-02-30", "2026-13-01", "2026-00-10", "2026-1-010", "2026/01/01", "+026-01-01"] {
            assert!(SchoolDate::parse("date", wrong).is_err(), "{wrong}");
        }
    }
}
