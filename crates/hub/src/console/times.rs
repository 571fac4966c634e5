//! Times and dates as pages say them: 09:41, 17 November, Tuesday 17 November.

use commonroll_core::{SchoolDate, Timestamp};
use jiff::{Zoned, tz::TimeZone};

fn local(at: Timestamp, zone: &TimeZone) -> Zoned {
    let at = jiff::Timestamp::from_microsecond(at.micros()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    at.to_zoned(zone.clone())
}

/// 09:24:30
pub(super) fn hms(at: Timestamp, zone: &TimeZone) -> String {
    local(at, zone).strftime("%H:%M:%S").to_string()
}

/// 17 November 2026, 09:24
pub(crate) fn day_hm(at: Timestamp, zone: &TimeZone) -> String {
    local(at, zone).strftime("%-d %B %Y, %H:%M").to_string()
}

/// 09:24
pub(super) fn hm(at: Timestamp, zone: &TimeZone) -> String {
    local(at, zone).strftime("%H:%M").to_string()
}

/// 17 November
pub(super) fn day(date: SchoolDate) -> String {
    date.civil().strftime("%-d %B").to_string()
}

/// 17 November 2026
pub(super) fn date(date: SchoolDate) -> String {
    date.civil().strftime("%-d %B %Y").to_string()
}

/// 17 Nov
pub(super) fn short_day(date: SchoolDate) -> String {
    date.civil().strftime("%-d %b").to_string()
}

/// Tuesday 17 November
pub(super) fn weekday(date: SchoolDate) -> String {
    date.civil().strftime("%A %-d %B").to_string()
}

/// 17 November 2026
pub(super) fn full_day(at: Timestamp, zone: &TimeZone) -> String {
    local(at, zone).strftime("%-d %B %Y").to_string()
}

/// 17 Nov, 09:24:30; on the day itself 09:24:30 alone.
pub(super) fn moment(at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let (at, now) = (local(at, zone), local(now, zone));
    let form = match (at.date() == now.date(), at.year() == now.year()) {
        (true, _) => "%H:%M:%S",
        (_, true) => "%-d %b, %H:%M:%S",
        _ => "%-d %b %Y, %H:%M",
    };
    at.strftime(form).to_string()
}

/// How long ago: 41 min, 3 hours, 5 days.
pub(super) fn ago(at: Timestamp, now: Timestamp) -> String {
    let minutes = (now.micros() - at.micros()).max(0) / 60_000_000;
    match minutes {
        0 => "less than a minute".to_owned(),
        1..120 => format!("{minutes} min"),
        120..2_880 => format!("{} hours", minutes / 60),
        _ => format!("{} days", minutes / 1_440),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_said_as_people_say_them() {
        let first = SchoolDate::parse("date", "2026-09-01").unwrap();
        assert_eq!(date(first), "1 September 2026");
        assert_eq!((day(first), short_day(first)), ("1 September".to_owned(), "1 Sep".to_owned()));
        assert_eq!(weekday(first), "Tuesday 1 September");
    }
}
