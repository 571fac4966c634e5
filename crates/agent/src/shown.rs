//! Text that others chose (names of files, messages of an MIS) as a person's terminal, a log and a spreadsheet can show it.
//!
//! A line break in it would begin a line of its own, an escape colour it, a direction mark disguise it: each is written out.

use commonroll_core::is_direction_mark;
use std::borrow::Cow;

/// The text on one line, with nothing in it that a terminal obeys.
pub(crate) fn shown(text: &str) -> Cow<'_, str> {
    let obeyed = |c: char| c.is_control() || is_direction_mark(c);
    if !text.contains(obeyed) {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match obeyed(c) {
            true => plain.extend(c.escape_unicode()),
            false => plain.push(c),
        }
    }
    Cow::Owned(plain)
}

/// Writes a line as [`shown`] says.
macro_rules! line {
    ($f:expr, $($told:tt)*) => { writeln!($f, "{}", $crate::shown::shown(&format!($($told)*))) };
}
pub(crate) use line;

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn what_a_terminal_obeys_is_written_out() {
        assert_eq!(shown("marks 7.csv"), "marks 7.csv");
        assert_eq!(shown("a\r\n\u{1b}[31m\u{202e}b"), "a\\u{d}\\u{a}\\u{1b}[31m\\u{202e}b");
    }
}
