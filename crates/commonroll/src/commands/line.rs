//! What commands print: lines that can do nothing to a terminal and fit on one, and bytes as digits.

use std::io::IsTerminal;

/// Columns of a line on a terminal.
const COLUMNS: usize = 100;

/// A line that can do nothing to a terminal, and shows its characters in the order in which they stand.
pub fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() && !commonroll_core::is_direction_mark(*c)).collect()
}

/// Prints lines that may be long: wrapped for a person at a terminal, as they are for a file or another program.
pub fn say(text: &str) {
    let wraps = std::io::stdout().is_terminal();
    for line in text.lines() {
        match wraps {
            true => wrapped(line, COLUMNS).iter().for_each(|part| println!("{part}")),
            false => println!("{line}"),
        }
    }
}

/// A line in parts that have at most so many columns each, parted at spaces; what follows the first stands a little further in.
/// A word that is longer than a line stays whole.
fn wrapped(line: &str, columns: usize) -> Vec<String> {
    let indent: String = line.chars().take_while(|c| *c == ' ').collect();
    if line.chars().count() <= columns || indent.len() + 2 >= columns {
        return vec![line.to_owned()];
    }
    let mut parts = vec![indent.clone()];
    let mut width = indent.len();
    for (number, word) in line[indent.len()..].split(' ').enumerate() {
        let long = word.chars().count();
        match parts.last_mut() {
            Some(part) if number == 0 || width + 1 + long <= columns => {
                if number > 0 {
                    part.push(' ');
                    width += 1;
                }
                part.push_str(word);
                width += long;
            }
            _ => {
                parts.push(format!("{indent}  {word}"));
                width = indent.len() + 2 + long;
            }
        }
    }
    parts
}

/// Bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_neither_steers_a_terminal_nor_turns_a_line_round() {
        assert_eq!(printable("a\u{1b}[2J\r\nb\u{202e}c\u{feff}"), "a[2Jbc");
    }

    #[test]
    fn a_long_line_is_parted_at_spaces_and_loses_nothing() {
        let line = "  more  a person reads attendance";
        assert_eq!(wrapped(line, 18), ["  more  a person", "    reads", "    attendance"]);
        assert_eq!(wrapped(line, 100), [line]);
        let word = "4083".repeat(40);
        assert_eq!(wrapped(&word, 100), [word.as_str()]);
        let long = format!("{line} of {word}");
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(words(&wrapped(&long, 30).join(" ")), words(&long));
    }
}
