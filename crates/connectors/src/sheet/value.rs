//! A number of a sheet as text, the way its format shows it: a date, a time, a share, an id with its zeros.

use jiff::{Span, civil::date};
use std::fmt::Write;

/// What a number's format makes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// A number.
    #[default]
    Number,
    /// A date, and a time if the number has a fraction.
    Date,
    /// A time of day, and a date if the number is one or more.
    Time,
    /// Hours that may be more than a day's.
    Hours,
    /// A share.
    Percent,
    /// A number with at least so many digits.
    Digits(u8),
}

impl Format {
    /// Formats that have a number of their own in every workbook.
    pub const fn built_in(id: u32) -> Self {
        match id {
            9 | 10 => Self::Percent,
            14..=17 | 22 | 27..=31 | 36 | 50..=58 => Self::Date,
            18..=21 | 32..=35 | 45 | 47 => Self::Time,
            46 => Self::Hours,
            _ => Self::Number,
        }
    }

    /// A format as its code says it, such as `dd/mm/yyyy` or `000000`.
    pub fn of(code: &str) -> Self {
        let (mut letters, mut hours, mut chars) = (String::new(), false, code.chars());
        while let Some(c) = chars.next() {
            match c {
                '"' => _ = chars.by_ref().find(|c| *c == '"'),
                '\\' | '_' | '*' => _ = chars.next(),
                ';' => break,
                '[' => {
                    let inside: String = chars.by_ref().take_while(|c| *c != ']').take(16).collect();
                    hours |= !inside.is_empty() && inside.chars().all(|c| matches!(c, 'h' | 'H' | 'm' | 's'));
                }
                c => letters.push(c.to_ascii_lowercase()),
            }
        }
        let has = |wanted: &[char]| letters.contains(wanted);
        if hours {
            Self::Hours
        } else if letters == "general" {
            Self::Number
        } else if has(&['y', 'd']) || (has(&['m']) && !has(&['h', 's'])) {
            Self::Date
        } else if has(&['h', 's']) {
            Self::Time
        } else if has(&['%']) {
            Self::Percent
        } else if letters.len() > 1 && letters.bytes().all(|byte| byte == b'0') {
            Self::Digits(u8::try_from(letters.len()).unwrap_or(u8::MAX))
        } else {
            Self::Number
        }
    }

    /// A number as text. What is no number stays as it stands.
    pub fn write(self, raw: &str, from_1904: bool, text: &mut String) {
        let is_whole = !raw.is_empty() && raw.len() <= 15 && raw.bytes().all(|byte| byte.is_ascii_digit());
        if is_whole && self == Self::Number {
            return text.push_str(raw);
        }
        let Some(number) = raw.trim().parse::<f64>().ok().filter(|number| number.is_finite()) else {
            return text.push_str(raw);
        };
        let written = match self {
            Self::Number => None,
            Self::Percent => {
                plain(number * 100.0, text);
                text.push('%');
                Some(())
            }
            Self::Digits(least) if number >= 0.0 && number.fract() == 0.0 && number < 1e15 => {
                write!(text, "{:0width$}", number as u64, width = usize::from(least.min(32))).ok()
            }
            Self::Digits(_) => None,
            Self::Date => moment(number, from_1904, false, text),
            Self::Time => moment(number, from_1904, number < 1.0, text),
            Self::Hours => hours(number, text),
        };
        if written.is_none() {
            plain(number, text);
        }
    }
}

/// A number with at most fifteen digits, as programs show it: the sixteenth is noise.
fn plain(number: f64, text: &mut String) {
    let rounded = format!("{number:.14e}").parse::<f64>().unwrap_or(number);
    _ = if rounded == 0.0 { write!(text, "0") } else { write!(text, "{rounded}") };
}

/// Days since the beginning of the count as date, time or both. `None` outside of what a calendar holds.
fn moment(number: f64, from_1904: bool, time_only: bool, text: &mut String) -> Option<()> {
    if !(0.0..2_958_466.0).contains(&number) {
        return None;
    }
    let seconds = (number * 86_400.0).round() as i64;
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    if time_only && days == 0 {
        clock(second, text);
        return Some(());
    }
    let start = match (from_1904, days) {
        (true, _) => date(1904, 1, 1),
        // The count takes 1900 for a leap year.
        (false, ..=59) => date(1899, 12, 31),
        (false, _) => date(1899, 12, 30),
    };
    let day = start.checked_add(Span::new().try_days(days).ok()?).ok()?;
    write!(text, "{day}").ok()?;
    if second != 0 {
        text.push('T');
        clock(second, text);
    }
    Some(())
}

fn clock(second: i64, text: &mut String) {
    _ = write!(text, "{:02}:{:02}", second / 3600, second / 60 % 60);
    if second % 60 != 0 {
        _ = write!(text, ":{:02}", second % 60);
    }
}

fn hours(number: f64, text: &mut String) -> Option<()> {
    if !(0.0..100_000.0).contains(&number) {
        return None;
    }
    clock((number * 86_400.0).round() as i64, text);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::Format;

    fn show(raw: &str, format: Format) -> String {
        let mut text = String::new();
        format.write(raw, false, &mut text);
        text
    }

    #[test]
    fn codes_say_what_a_number_is() {
        let of = |code: &str| Format::of(code);
        for code in ["dd/mm/yyyy", "[$-809]dd mmmm yyyy;@", "d-mmm", "yyyy\\-mm\\-dd hh:mm", "mmm"] {
            assert_eq!(of(code), Format::Date, "{code}");
        }
        for code in ["h:mm", "hh:mm:ss AM/PM", "mm:ss"] {
            assert_eq!(of(code), Format::Time, "{code}");
        }
        assert_eq!(of("[h]:mm"), Format::Hours);
        for code in
            ["General", "0", "#,##0.00", "0.00E+00", "[Red]0", "0\" days\"", "#,##0_);(#,##0)", "\\d0"]
        {
            assert_eq!(of(code), Format::Number, "{code}");
        }
        assert_eq!(of("000000"), Format::Digits(6));
        assert_eq!(of("0.0%"), Format::Percent);
    }

    #[test]
    fn numbers_read_as_people_write_them() {
        assert_eq!(show("6420", Format::Number), "6420");
        assert_eq!(show("6420.0", Format::Number), "6420");
        assert_eq!(show("1.0000000019E9", Format::Number), "1000000001.9");
        assert_eq!(show("1.000000019E9", Format::Number), "1000000019");
        assert_eq!(show("0.30000000000000004", Format::Number), "0.3");
        assert_eq!(show("-0", Format::Number), "0");
        assert_eq!(show("4512", Format::Digits(6)), "004512");
        assert_eq!(show("0.85", Format::Percent), "85%");
        assert_eq!(show("46279", Format::Date), "2026-09-14");
        assert_eq!(show("46279.378472222219", Format::Date), "2026-09-14T09:05");
        assert_eq!(show("0.37847222222222221", Format::Time), "09:05");
        assert_eq!(show("46279.378472222219", Format::Time), "2026-09-14T09:05");
        assert_eq!(show("0.999999999", Format::Date), "1900-01-01");
        assert_eq!(show("1.5", Format::Hours), "36:00");
        assert_eq!(show("-3", Format::Date), "-3");
        assert_eq!(show("1e300", Format::Date).len(), 301);
        assert_eq!(show("NaN", Format::Date), "NaN");
    }
}
