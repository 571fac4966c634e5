//! Times and dates as pages say them: 09:41, 17 November, Tuesday 17 November.

use commonroll_core::{SchoolDate, Timestamp};
use jiff::{Zoned, civil, tz::TimeZone};

fn local(at: Timestamp, zone: &TimeZone) -> Zoned {
    let at = jiff::Timestamp::from_microsecond(at.micros()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    at.to_zoned(zone.clone())
}

/// 09:24:30
pub(super) fn hms(at: Timestamp, zone: &TimeZone) -> String {
    local(at, zone).strftime("%H:%M:%S").to_string()
}

/// 17 November 2026, 09:24
pub(super) fn day_hm(at: Timestamp, zone: &TimeZone) -> String {
    local(at, zone).strftime("%-d %B %Y, %H:%M").to_string()
}

/// 09:24
pub(super) fn hm(at: Timestamp, zone: &TimeZone) -> String {
    local(at, zone).strftime("%H:%M").to_string()
}

/// 17 November
pub(super) fn day(date: SchoolDate) -> String {
    format!("{} {}", date.civil().day(), MONTHS[month(date.civil())])
}

/// 17 Nov
pub(super) fn short_day(date: SchoolDate) -> String {
    format!("{} {}", date.civil().day(), &MONTHS[month(date.civil())][..3])
}

/// Tuesday 17 November
pub(super) fn weekday(date: SchoolDate) -> String {
    format!("{} {}", date.civil().strftime("%A"), day(date))
}

fn month(date: civil::Date) -> usize {
    usize::try_from(date.month() - 1).unwrap_or(0).min(11)
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
