//! Reading of small values: dates, times of day, whole numbers. Shared by all formats.
//!
//! Nothing is guessed: a value that doesn't have exactly the declared shape is an error.

use crate::mapping::DateFormat;
use commonroll_core::{SchoolDate, directory::FORMER_UPNS_MAX, identifiers::Upn};
use jiff::civil::{Date, Time};

/// A date in the declared format, or in ISO, which can't be taken for any other. ISO may carry a time behind it, which
/// says nothing about the date.
pub fn date(text: &str, format: DateFormat) -> Option<SchoolDate> {
    let bytes = text.as_bytes();
    let format =
        if bytes.get(4) == Some(&b'-') && bytes.get(7) == Some(&b'-') { DateFormat::Iso } else { format };
    let (year, month, day) = match format {
        DateFormat::Iso => {
            let long_enough = bytes.len() == 10 || (bytes.len() >= 16 && matches!(bytes[10], b'T' | b' '));
            if !long_enough || bytes[4] != b'-' || bytes[7] != b'-' {
                return None;
            }
            (number(&bytes[..4])?, number(&bytes[5..7])?, number(&bytes[8..10])?)
        }
        DateFormat::British
        | DateFormat::BritishShort
        | DateFormat::Dotted
        | DateFormat::DottedShort
        | DateFormat::Dashed
        | DateFormat::American => {
            let mark = match format {
                DateFormat::Dotted | DateFormat::DottedShort => '.',
                DateFormat::Dashed => '-',
                _ => '/',
            };
            let is_short = matches!(format, DateFormat::BritishShort | DateFormat::DottedShort);
            let mut numbers = text.splitn(3, mark);
            let first = number(one_or_two(numbers.next()?)?)?;
            let second = number(one_or_two(numbers.next()?)?)?;
            let (day, month) = if format == DateFormat::American { (second, first) } else { (first, second) };
            (year(numbers.next()?, is_short)?, month, day)
        }
        DateFormat::Named => named(text)?,
        DateFormat::Compact => {
            if bytes.len() != 8 {
                return None;
            }
            (number(&bytes[..4])?, number(&bytes[4..6])?, number(&bytes[6..])?)
        }
    };
    let date =
        Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    (1900..2200).contains(&date.year()).then_some(SchoolDate::from_civil(date))
}

fn one_or_two(text: &str) -> Option<&[u8]> {
    (1..=2).contains(&text.len()).then_some(text.as_bytes())
}

/// A year in four digits, or in two, of which those before 50 are in this century.
fn year(text: &str, is_short: bool) -> Option<u32> {
    let year = number(text.as_bytes())?;
    match (text.len(), is_short) {
        (4, false) => Some(year),
        (2, true) => Some(if year < 50 { 2000 + year } else { 1900 + year }),
        _ => None,
    }
}

/// Year, month and day of a date whose month is an English word. A day of the week before it must be one, and isn't compared.
fn named(text: &str) -> Option<(u32, u32, u32)> {
    const MONTHS: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    if text.len() > 32 {
        return None;
    }
    let folded = text.to_ascii_lowercase();
    let mut parts: Vec<&str> = folded.split([' ', '-', ',', '/']).filter(|part| !part.is_empty()).collect();
    let begins = |whole: &str, part: &str| part.len() >= 3 && whole.starts_with(part);
    if parts.len() == 4 && DAYS.iter().any(|day| begins(day, parts[0])) {
        parts.remove(0);
    }
    let [day, month, of] = parts.as_slice() else { return None };
    let place =
        MONTHS.iter().position(|whole| begins(whole, month) || (*month == "sept" && begins(whole, "sep")))?;
    let day = ["st", "nd", "rd", "th"].iter().find_map(|end| day.strip_suffix(end)).unwrap_or(day);
    Some((year(of, of.len() == 2)?, u32::try_from(place).ok()? + 1, number(one_or_two(day)?)?))
}

/// A time of day: `9:05`, `09:05` or `09:05:30`, also behind an ISO date, which says nothing about the time.
pub fn time(text: &str) -> Option<Time> {
    let text = match text.as_bytes() {
        [_, _, _, _, b'-', _, _, b'-', _, _, b'T' | b' ', ..] => text.get(11..)?,
        _ => text,
    };
    let mut parts = text.split(':');
    let hour = small(parts.next()?, 2)?;
    let minute = small(parts.next().filter(|part| part.len() == 2)?, 2)?;
    let second = match parts.next() {
        None => 0,
        Some(part) if part.len() == 2 => small(part, 2)?,
        Some(_) => return None,
    };
    if parts.next().is_some() {
        return None;
    }
    Time::new(hour, minute, second, 0).ok()
}

fn small(text: &str, digits_max: usize) -> Option<i8> {
    if text.is_empty() || text.len() > digits_max {
        return None;
    }
    i8::try_from(number(text.as_bytes())?).ok()
}

/// A whole number that isn't negative, in digits alone.
pub fn whole(text: &str) -> Option<u32> {
    (text.len() <= 9).then(|| number(text.as_bytes())).flatten()
}

fn number(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u32, |sum, digit| {
        digit.is_ascii_digit().then(|| sum.checked_mul(10)?.checked_add(u32::from(digit - b'0'))).flatten()
    })
}

/// An instant in RFC 3339, or a local date and time without a zone, which is then a time in `zone`.
pub fn instant(text: &str, zone: &jiff::tz::TimeZone) -> Option<commonroll_core::Timestamp> {
    let instant = match text.parse::<jiff::Timestamp>() {
        Ok(instant) => instant,
        Err(_) => {
            let local: jiff::civil::DateTime = text.parse().ok()?;
            zone.to_ambiguous_zoned(local).compatible().ok()?.timestamp()
        }
    };
    commonroll_core::Timestamp::from_micros("recorded_at", instant.as_microsecond()).ok()
}

/// Yes or no as the systems write it.
pub fn truth(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "t" | "yes" | "y" | "1" => Some(true),
        "false" | "f" | "no" | "n" | "0" | "" => Some(false),
        _ => None,
    }
}

/// The sound UPNs of a cell in which former ones stand, however they are kept apart; the first eight of them. Schools write
/// other things there, too: a word there must not keep the learner back.
pub fn former_upns(cell: &str) -> Vec<String> {
    let apart = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | '/' | '|');
    let sound = cell.split(apart).filter_map(|part| part.parse::<Upn>().ok());
    sound.map(|upn| upn.as_str().to_owned()).take(FORMER_UPNS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_only_as_declared() {
        let show = |text: &str, format| date(text, format).map(|date| date.to_string());
        assert_eq!(show("2026-09-14", DateFormat::Iso).as_deref(), Some("2026-09-14"));
        assert_eq!(show("2026-09-14T00:00:00", DateFormat::Iso).as_deref(), Some("2026-09-14"));
        assert_eq!(show("03/04/2026", DateFormat::British).as_deref(), Some("2026-04-03"));
        assert_eq!(show("03/04/2026", DateFormat::Iso), None);
        assert_eq!(show("03/04/2026", DateFormat::American).as_deref(), Some("2026-03-04"));
        assert_eq!(show("03-04-2026", DateFormat::Dashed).as_deref(), Some("2026-04-03"));
        assert_eq!(show("2026-02-30", DateFormat::Iso), None);
        assert_eq!(show("13/13/2026", DateFormat::British), None);
        assert_eq!(show("2026-04-03", DateFormat::British).as_deref(), Some("2026-04-03"));
        assert_eq!(show("2026-04-03T00:00:00", DateFormat::Compact).as_deref(), Some("2026-04-03"));
        assert_eq!(show("2026-09-14junk", DateFormat::Iso), None);
        assert_eq!(show("é26-09-14", DateFormat::Iso), None);
        assert_eq!(show("3/4/2026", DateFormat::British).as_deref(), Some("2026-04-03"));
        assert_eq!(show("3/4/26", DateFormat::British), None);
        assert_eq!(show("003/4/2026", DateFormat::British), None);
        assert_eq!(show("03/04/26", DateFormat::BritishShort).as_deref(), Some("2026-04-03"));
        assert_eq!(show("03/04/98", DateFormat::BritishShort).as_deref(), Some("1998-04-03"));
        assert_eq!(show("03/04/2026", DateFormat::BritishShort), None);
        assert_eq!(show("3.4.26", DateFormat::DottedShort).as_deref(), Some("2026-04-03"));
        for text in ["14 Sep 2026", "14-Sep-26", "Mon 14 September 2026", "monday, 14th sept 2026"] {
            assert_eq!(show(text, DateFormat::Named).as_deref(), Some("2026-09-14"), "{text}");
        }
        for text in
            ["14 Se 2026", "Mon 14 Sep", "31 Sep 2026", "14 Sep 202", "Noon 14 Sep 2026", "Sep 14 2026"]
        {
            assert_eq!(show(text, DateFormat::Named), None, "{text}");
        }
    }

    #[test]
    fn times_need_both_digits_of_the_minute() {
        assert!(time("9:05").is_some() && time("09:05:30").is_some());
        assert!(time("1899-12-30T09:05:00") == time("9:05") && time("2026-09-14T").is_none());
        assert!(
            time("09:5").is_none()
                && time("24:00").is_none()
                && time("0905").is_none()
                && time("+9:05").is_none()
        );
    }
}
