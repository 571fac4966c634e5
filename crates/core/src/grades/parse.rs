//! Reading a grade on its scale. The scale must be known: a 5 is a GCSE grade, an effort grade or a mark.
//!
//! What can't be read for certain is a problem, never the nearest grade.

use super::{
    Alias, Fine, Form, Grade, GradeProblem, GradeRow, Scale, Special, Value,
    clean::{blocks, clean, compact, letters},
};

/// Reads a grade as a school or college wrote it.
pub fn parse_grade(scale: &Scale, text: &str) -> Result<Grade, GradeProblem> {
    let cleaned = clean(text)?;
    if let Form::Number { max_hundredths } = scale.form {
        return number(scale, &cleaned, max_hundredths);
    }
    let text = compact(&cleaned);
    if let Some(grade) = whole(scale, &text) {
        return Ok(grade);
    }
    special(&text)?
        .map(|special| build(scale, Value::Special(special)))
        .or_else(|| alias(scale, &text))
        .map_or_else(|| composed(scale, &text), Ok)
}

/// A grade that is written with more than one part.
fn composed(scale: &Scale, text: &str) -> Result<Grade, GradeProblem> {
    if let Some(grade) = split(scale, text)? {
        return Ok(grade);
    }
    let text = if scale.words { letters(text) } else { text.to_owned() };
    if let Some(grade) = fine(scale, &text) {
        return Ok(grade);
    }
    match (scale.form, blocks(&text)) {
        (Form::Blocks(expected), Some(parts)) => joined(scale, parts, expected),
        _ => Err(GradeProblem::NotOnScale),
    }
}

/// The row that is written, in letters or in words.
fn row<'a>(scale: &'a Scale, text: &str) -> Option<&'a GradeRow> {
    let find = |text: &str| scale.grades.iter().find(|row| is_written(&row.code, text));
    find(text).or_else(|| if scale.words { find(&letters(text)) } else { None })
}

/// True if the code, without spaces and in upper case, is the text.
fn is_written(code: &str, text: &str) -> bool {
    code.chars().filter(|&c| c != ' ').map(|c| c.to_ascii_uppercase()).eq(text.chars())
}

fn whole(scale: &Scale, text: &str) -> Option<Grade> {
    let code = row(scale, text)?.code.as_str();
    let value = if code == "U" { Value::Special(Special::Ungraded) } else { Value::Whole(code.to_owned()) };
    Some(build(scale, value))
}

/// A special value, which any scale has.
fn special(text: &str) -> Result<Option<Special>, GradeProblem> {
    let single = |text: &str| match text {
        "" | "NOTASSESSED" => Some(Special::NotAssessed),
        "U" | "UNGRADED" | "UNCLASSIFIED" => Some(Special::Ungraded),
        "X" | "NORESULT" | "ABSENT" => Some(Special::NoResult),
        "Q" | "PENDING" => Some(Special::Pending),
        "#" | "WITHHELD" => Some(Special::Withheld),
        _ => None,
    };
    let mut facts = text.split(['(', ')', '/', ',']).filter(|part| !part.is_empty()).map(single);
    match (facts.next().flatten(), facts.next().flatten()) {
        (Some(one), Some(other)) if one != other => Err(GradeProblem::TwoFacts),
        _ => Ok(single(text)),
    }
}

fn alias(scale: &Scale, text: &str) -> Option<Grade> {
    let find = |text: &str| scale.aliases.iter().find(|alias| alias.text == text);
    let Alias { text, low, high } = find(text).or_else(|| find(&letters(text)).filter(|_| scale.words))?;
    if low == high {
        return whole(scale, &compact(&low.to_ascii_uppercase()));
    }
    let range = build(scale, Value::Range { low: (*low).to_owned(), high: (*high).to_owned() });
    Some(Grade { text: (*text).to_owned(), ..range })
}

/// `B/C` or `D-M`: two grades of the scale, in either order.
fn split(scale: &Scale, text: &str) -> Result<Option<Grade>, GradeProblem> {
    let parts = text.split_once('/').or_else(|| text.split_once('-'));
    let Some((one, other)) = parts.and_then(|(one, other)| Some((row(scale, one)?, row(scale, other)?)))
    else {
        return Ok(None);
    };
    let (Some(first), Some(second)) = (scale.rank(&one.code), scale.rank(&other.code)) else {
        return Ok(None);
    };
    if one.code == other.code {
        return Err(GradeProblem::SameTwice);
    }
    let (low, high) = if first < second { (one, other) } else { (other, one) };
    Ok(Some(build(scale, Value::Range { low: low.code.to_string(), high: high.code.to_string() })))
}

/// `B+`, `B2`, `4a`, `5-`.
fn fine(scale: &Scale, text: &str) -> Option<Grade> {
    let (at, last) = text.char_indices().next_back()?;
    let base = row(scale, &text[..at]).filter(|row| row.terminal && row.code != "U")?;
    let of_digits = base.code.ends_with(|c: char| c.is_ascii_digit());
    let thirds = match (scale.fine, last) {
        (Fine::Signs | Fine::Steps, '+') => 1,
        (Fine::Signs | Fine::Steps, '-') => -1,
        (Fine::Steps, '1') if !of_digits => 1,
        (Fine::Steps, '2') if !of_digits => 0,
        (Fine::Steps, '3') if !of_digits => -1,
        (Fine::Steps, 'A') if of_digits => 1,
        (Fine::Steps, 'B') if of_digits => 0,
        (Fine::Steps, 'C') if of_digits => -1,
        _ => return None,
    };
    Some(build(scale, Value::Fine { base: base.code.to_string(), thirds }))
}

/// A double or triple grade in any order, put best first.
fn joined(scale: &Scale, mut parts: Vec<&str>, expected: u8) -> Result<Grade, GradeProblem> {
    if parts.len() != usize::from(expected) {
        return Err(GradeProblem::WrongSize { expected });
    }
    parts.sort_by_key(|part| ["D*", "D", "M", "P"].iter().position(|known| known == part));
    whole(scale, &parts.concat()).ok_or(GradeProblem::NotNeighbours)
}

fn number(scale: &Scale, text: &str, max_hundredths: u32) -> Result<Grade, GradeProblem> {
    if let Some(special) = special(&compact(text))? {
        return Ok(build(scale, Value::Special(special)));
    }
    let (units, cents) = text.split_once('.').unwrap_or((text, "0"));
    let digits =
        |text: &str, max: usize| (1..=max).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(units, 7) || !digits(cents, 2) {
        return Err(GradeProblem::NotANumber);
    }
    let read = |text: &str| text.parse::<u32>().map_err(|_| GradeProblem::NotANumber);
    let hundredths = read(units)? * 100 + read(cents)? * if cents.len() == 1 { 10 } else { 1 };
    if hundredths > max_hundredths {
        return Err(GradeProblem::OutOfRange);
    }
    Ok(build(scale, Value::Number(hundredths)))
}

/// A grade with its canonical text, rank and points.
fn build(scale: &Scale, value: Value) -> Grade {
    let rank_of = |code: &str| scale.rank(code).filter(|_| scale.ordered);
    let (text, rank, points) = match &value {
        Value::Whole(code) => (code.clone(), rank_of(code), scale.grade(code)),
        Value::Fine { base, thirds } => {
            (fine_text(base, *thirds), rank_of(base).map(|rank| rank + f64::from(*thirds) / 3.0), None)
        }
        Value::Range { low, high } => {
            let middle = rank_of(low).zip(rank_of(high)).map(|(low, high)| f64::midpoint(low, high));
            (format!("{high}/{low}"), middle, None)
        }
        Value::Number(hundredths) => (number_text(*hundredths), Some(f64::from(*hundredths) / 100.0), None),
        Value::Special(special) => (special.as_str().to_owned(), None, None),
    };
    Grade {
        scale_id: scale.id().to_owned(),
        scale_version: scale.version().to_owned(),
        points_dfe: points.and_then(|row| row.points_dfe),
        points_ucas: points.and_then(|row| row.points_ucas),
        value,
        text,
        rank,
    }
}

fn fine_text(base: &str, thirds: i8) -> String {
    match (thirds, base.ends_with(|c: char| c.is_ascii_digit())) {
        (1, _) => format!("{base}+"),
        (-1, _) => format!("{base}-"),
        (_, true) => format!("{base}b"),
        (_, false) => format!("{base}2"),
    }
}

fn number_text(hundredths: u32) -> String {
    match (hundredths / 100, hundredths % 100) {
        (units, 0) => units.to_string(),
        (units, cents) if cents % 10 == 0 => format!("{units}.{}", cents / 10),
        (units, cents) => format!("{units}.{cents:02}"),
    }
}
