//! Text of a grade made comparable: look-alike signs, case, spaces and words.
//!
//! Nothing is dropped that could tell two grades apart.

use super::GradeProblem;
use crate::ids::is_direction_mark;

/// Far longer than any grade; bounds the work on hostile input.
const MAX_CHARS: usize = 64;

/// Words that schools write for grades, longer ones first, and the letters that they stand for.
const WORDS: &[(&str, &str)] = &[
    ("NEARPASS", "N"),
    ("DISTINCTION", "D"),
    ("DIST", "D"),
    ("DIS", "D"),
    ("MERIT", "M"),
    ("PASS", "P"),
    ("STAR", "*"),
    ("ENTRYLEVEL", "E"),
    ("ENTRY", "E"),
    ("LEVEL", "L"),
];

/// Trimmed, with plain stars, hyphens and spaces, ASCII letters in upper case.
pub(super) fn clean(text: &str) -> Result<String, GradeProblem> {
    if text.chars().nth(MAX_CHARS).is_some() {
        return Err(GradeProblem::TooLong);
    }
    let text = text.trim();
    if text
        .chars()
        .any(|c| c.is_control() || is_direction_mark(c) || matches!(c, '\u{200b}'..='\u{200d}' | '\u{ad}'))
    {
        return Err(GradeProblem::Hidden);
    }
    Ok(text.chars().map(plain).collect())
}

fn plain(c: char) -> char {
    match c {
        '\u{2217}' | '\u{204e}' | '\u{2731}' | '\u{ff0a}' | '\u{66d}' => '*',
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        c if c.is_whitespace() => ' ',
        c => c.to_ascii_uppercase(),
    }
}

/// Without spaces.
pub(super) fn compact(text: &str) -> String {
    text.chars().filter(|&c| c != ' ').collect()
}

/// Words replaced by their letters.
pub(super) fn letters(compact: &str) -> String {
    WORDS.iter().fold(compact.to_owned(), |text, (word, letter)| text.replace(word, letter))
}

/// The block grades of text that consists of nothing else, in the order written. `D*` is one token, never `D` and a
/// rest; a last 2 or 3 repeats a single grade (`D*2`).
pub(super) fn blocks(compact: &str) -> Option<Vec<&str>> {
    let (body, times) = match compact.strip_suffix(['2', '3']) {
        Some(body) => (body, usize::from(compact.as_bytes()[body.len()] - b'0')),
        None => (compact, 1),
    };
    let mut tokens = Vec::new();
    let mut rest = body;
    while !rest.is_empty() {
        let len = if rest.starts_with("D*") { 2 } else { 1 };
        let (token, tail) = rest.split_at_checked(len)?;
        if !matches!(token, "D*" | "D" | "M" | "P") {
            return None;
        }
        tokens.push(token);
        rest = tail;
    }
    match (tokens.len(), times) {
        (0, _) => None,
        (_, 1) => Some(tokens),
        (1, _) => Some(tokens.repeat(times)),
        _ => None,
    }
}
