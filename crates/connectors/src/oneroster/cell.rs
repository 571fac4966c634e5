//! Whether one cell has the shape that its column asks for.

use super::schema::Type;
use crate::{mapping::DateFormat, parse};

/// A rule that a cell breaks: its name and what to do.
pub type Broken = (&'static str, &'static str);

/// Looks at a cell that isn't blank.
pub fn check(of: Type, text: &str) -> Result<(), Broken> {
    let sound = match of {
        Type::Id | Type::Ref(_) => is_id(text),
        Type::Refs(_) => text.split(',').all(|id| is_id(id.trim())),
        Type::Enum(words) => words.split('|').any(|word| word == text) || text.starts_with("ext:"),
        Type::Date => parse::date(text, DateFormat::Iso).is_some() && text.len() == 10,
        Type::Year => text.len() == 4 && parse::whole(text).is_some(),
        Type::Int => text.parse::<i64>().is_ok(),
        Type::Float => is_decimal(text),
        Type::Bool => matches!(text, "true" | "false"),
        Type::Scale => is_scale(text),
        Type::Text => true,
    };
    if sound { Ok(()) } else { Err(rule(of)) }
}

const fn rule(of: Type) -> Broken {
    match of {
        Type::Id | Type::Ref(_) | Type::Refs(_) => {
            ("OR-ID", "must be a sourcedId: 1 to 64 visible characters without spaces")
        }
        Type::Enum(_) => ("OR-ENUM", "must be one of the words that the standard lists for this column"),
        Type::Date => ("OR-DATE", "must be a real date written as YYYY-MM-DD"),
        Type::Year => ("OR-YEAR", "must be a year in four digits"),
        Type::Int => ("OR-NUMBER", "must be a whole number"),
        Type::Float => ("OR-NUMBER", "must be a decimal number"),
        Type::Bool => ("OR-BOOL", "must be true or false"),
        Type::Scale => ("OR-SCALE", "must be a list of pairs such as {A:94},{B:84}"),
        Type::Text => ("OR-TEXT", "must be text"),
    }
}

/// An instant as the lifecycle columns carry it.
pub fn is_instant(text: &str) -> bool {
    text.parse::<jiff::Timestamp>().is_ok()
}

/// The id of a learning objective of a CASE framework is a UUID.
pub fn is_uuid(text: &str) -> bool {
    let text = text.strip_prefix("urn:uuid:").unwrap_or(text);
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// A finite number without an exponent or a word such as NaN.
pub fn is_decimal(text: &str) -> bool {
    text.len() <= 32
        && text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+'))
        && text.parse::<f64>().is_ok_and(f64::is_finite)
}

fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && !text.chars().any(|c| c.is_whitespace() || c.is_control())
}

fn is_scale(text: &str) -> bool {
    let Some(inner) = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) else { return false };
    inner.split("},{").all(|pair| {
        pair.split_once(':').is_some_and(|(left, right)| !left.is_empty() && !right.is_empty())
            && !pair.contains(['{', '}'])
    })
}
