//! Which grade scales the values of a column fit.

use super::shape::Shape;
use commonroll_core::grades::{SCALES, Scale, parse_grade};

/// Scales, likelier ones first, on which every listed value can be read and at least one is a grade; empty for a column that
/// isn't a short list. For numbers, scales of raw marks stand behind those of grades: their end can't be seen from marks.
pub fn fitting(shape: &Shape) -> Vec<String> {
    let special = |text: &str| matches!(text, "U" | "u" | "X" | "x" | "Q" | "q" | "#" | "");
    let grades: Vec<&str> =
        shape.list.iter().map(|(value, _)| value.as_str()).filter(|v| !special(v)).collect();
    let numbers = shape.filled > 0 && shape.share(shape.decimal) > 0.8;
    let mut found: Vec<(usize, String)> = SCALES
        .iter()
        .filter(|scale| !grades.is_empty() && grades.iter().all(|grade| reads(scale, grade)))
        .map(|scale| (unused(scale, &grades), format!("{}@{}", scale.id(), scale.version())))
        .collect();
    found.sort();
    let mut names: Vec<String> = found.into_iter().map(|(_, name)| name).collect();
    // The common scales first, among those that fit equally well.
    const USUAL: &[&str] = &["gcse-9-1@2024", "gce-a-level@2024", "btec-extended-certificate@2024"];
    names.sort_by_key(|name| USUAL.iter().position(|usual| usual == name).unwrap_or(USUAL.len()));
    if numbers && shape.largest >= 0 {
        let ends = [10, 20, 30, 40, 50, 60, 80, 100, 120, 150, 200].into_iter();
        names.extend(ends.filter(|end| *end >= shape.largest).take(3).map(|end| format!("raw-0-{end}@1")));
    }
    names
}

/// Parsed as a grade that stands in the scale as such: split and fine grades fit too, but a special value says nothing.
fn reads(scale: &Scale, grade: &str) -> bool {
    parse_grade(scale, grade).is_ok()
}

/// How many grades of the scale don't occur: fewer means a closer fit.
fn unused(scale: &Scale, grades: &[&str]) -> usize {
    scale.grades().len().saturating_sub(grades.len())
}

/// True if these values are the grades 9 to 1 and nothing smaller would do: the top half occurs, and U beside them.
pub fn is_gcse(shape: &Shape) -> bool {
    let has = |text: &str| shape.list.iter().any(|(value, _)| value == text);
    let only = shape.list.iter().all(|(v, _)| {
        matches!(v.as_str(), "U" | "u" | "X" | "Q" | "#")
            || (v.len() == 1 && matches!(v.as_bytes()[0], b'1'..=b'9'))
    });
    only && shape.distinct >= 5 && (has("U") || has("u")) && (has("9") || has("8") || has("7"))
}
