//! Which values are codes, and which may be somebody's name, initials or number.

use crate::ids::is_direction_mark;

const CODE_CHARS: usize = 32;
const CODE_DIGITS: usize = 3;
const CODE_WORDS: usize = 4;

/// Words that registers and markbooks use, in lower case.
const WORDS: &[&str] = &[
    "above",
    "absence",
    "absent",
    "achieved",
    "am",
    "appointment",
    "at",
    "authorised",
    "authorized",
    "awaiting",
    "below",
    "cancelled",
    "class",
    "closed",
    "code",
    "credit",
    "day",
    "dental",
    "depth",
    "detention",
    "dist",
    "distinction",
    "educated",
    "effort",
    "exam",
    "exams",
    "excellent",
    "excused",
    "exempt",
    "expected",
    "fail",
    "failed",
    "grade",
    "greater",
    "half",
    "high",
    "holiday",
    "home",
    "illness",
    "in",
    "leave",
    "left",
    "lesson",
    "level",
    "late",
    "low",
    "major",
    "medical",
    "medium",
    "merit",
    "minor",
    "minutes",
    "mock",
    "near",
    "negative",
    "no",
    "none",
    "not",
    "of",
    "off",
    "on",
    "online",
    "other",
    "out",
    "pass",
    "passed",
    "pending",
    "period",
    "pm",
    "positive",
    "praise",
    "predicted",
    "present",
    "reason",
    "recorded",
    "referred",
    "register",
    "registration",
    "remote",
    "required",
    "session",
    "sick",
    "site",
    "standard",
    "study",
    "target",
    "tardy",
    "term",
    "towards",
    "trip",
    "unauthorised",
    "unauthorized",
    "unexcused",
    "unexplained",
    "ungraded",
    "unknown",
    "visit",
    "warning",
    "week",
    "withheld",
    "without",
    "working",
    "yes",
];

/// Those of [`WORDS`] that somebody may be called by, or have as initials: alone they say nothing.
const NAMES: &[&str] = &[
    "am", "at", "class", "code", "credit", "day", "depth", "dist", "grade", "half", "high", "holiday",
    "home", "in", "leave", "left", "lesson", "level", "low", "major", "medium", "merit", "minor", "mock",
    "near", "no", "of", "off", "on", "out", "pass", "period", "pm", "praise", "present", "reason",
    "register", "sick", "site", "standard", "study", "target", "term", "trip", "visit", "week",
];

/// True if a value is shaped like a code: enough to show one that a table knows, and too little for one that none does.
pub fn is_code(text: &str) -> bool {
    let odd = |c: char| c.is_control() || is_direction_mark(c) || (!c.is_ascii() && c.is_alphanumeric());
    if text.is_empty() || text.trim() != text || text.chars().count() > CODE_CHARS || text.chars().any(odd) {
        return false;
    }
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let words: Vec<&str> =
        text.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| !word.is_empty()).collect();
    // `Ma1` is a group or a grade, `Ma` may be somebody.
    let short = |word: &str| {
        let upper = word.bytes().all(|byte| byte.is_ascii_uppercase());
        (upper && word.len() <= 3) || (digits > 0 && word.len() <= 2)
    };
    let told = |word: &str| word.len() == 1 || WORDS.contains(&word.to_ascii_lowercase().as_str());
    let others: Vec<&&str> = words.iter().filter(|word| !told(word)).collect();
    digits <= CODE_DIGITS
        && words.len() <= CODE_WORDS
        && others.len() <= 1
        && others.into_iter().all(|word| short(word))
}

/// True if a value that no table knows can be nothing but a code: no name, no initials, no number of anybody.
pub fn is_surely_code(text: &str) -> bool {
    let signs: Vec<String> = text
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|sign| !sign.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    let letters = |sign: &str| sign.bytes().filter(u8::is_ascii_alphabetic).count();
    let (words, others): (Vec<&String>, Vec<&String>) =
        signs.iter().partition(|sign| sign.len() > 1 && letters(sign) == sign.len());
    // `Y10` is a week, `JS12` and `217` may be somebody.
    let is_short =
        |sign: &&String| sign.len() <= 3 && letters(sign) <= 2 && (letters(sign) > 0 || sign.len() == 1);
    let initials = others.iter().filter(|sign| letters(sign) == sign.len()).count();
    is_code(text)
        && words.iter().all(|word| WORDS.contains(&word.as_str()))
        && (words.is_empty() || words.iter().any(|word| !NAMES.contains(&word.as_str())))
        && others.iter().all(is_short)
        && initials <= 1
        && others.len() - initials <= 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_code_is_told_and_what_may_be_somebody_is_not() {
        for code in [
            "/",
            "\\",
            "N",
            "L1",
            "Q.2",
            "ABS",
            "ENG3-A",
            "Ma1",
            "A*",
            "Present - late",
            "Working towards",
            "P+",
        ] {
            assert!(is_code(code), "{code}");
        }
        for value in [
            "",
            " L",
            "Khan",
            "KHAN",
            "Li Wu",
            "LI WU",
            "Ali",
            "ali",
            "Zoë",
            "A823200012001",
            "2009",
            "12/03/2009",
            "SW1A 1AA",
            "a.khan@school.example",
            "absent because of his mother",
            "Mark",
            "L\nL",
        ] {
            assert!(!is_code(value), "{value}");
        }
        assert!(!is_code(&"/".repeat(33)), "longer than any code");
    }

    #[test]
    fn what_no_table_knows_is_told_if_nobody_can_be_called_so() {
        for code in [
            "/",
            "\\",
            "N",
            "L1",
            "Q.2",
            "Ma1",
            "Y10",
            "A*",
            "P+",
            "3",
            "Late",
            "Present - late",
            "Working towards",
        ] {
            assert!(is_surely_code(code), "{code}");
        }
        for value in [
            "LI",
            "LEE",
            "ALI",
            "KIM",
            "NG",
            "WU",
            "XU",
            "LEE 7A",
            "Li 7",
            "JS",
            "J.S.",
            "JS12",
            "LEE2",
            "ABS",
            "Day",
            "Merit",
            "Praise",
            "MAJOR",
            "High",
            "No",
            "Grade Holiday",
            "217",
            "12",
            "A B",
        ] {
            assert!(!is_surely_code(value), "{value}");
        }
    }
}
