//! What the commands share that change the rules and the agreements: asking before something is signed, telling why the
//! hub refused, and naming a text by the first digits of its hash.

use super::{
    line::{hex, printable},
    person,
};
use std::io::{BufRead, IsTerminal, Write};
use tonic::{Code, Status};

/// Digits of a hash that name it well enough.
const DIGITS_MIN: usize = 8;
/// Lines of a refusal that are shown at most.
const LINES_MAX: usize = 40;

/// The confirmation of an act.
#[derive(clap::Args, Clone, Copy)]
pub struct Confirm {
    /// Do it without asking: you have read what it says
    #[arg(long)]
    pub yes: bool,
}

impl Confirm {
    /// Asks the person at the terminal to type a word. Without a terminal, only `--yes` will do.
    pub fn ask(self, what: &str, word: &str) -> Result<(), String> {
        if self.yes {
            return Ok(());
        }
        let stdin = std::io::stdin();
        if !stdin.is_terminal() {
            return Err(format!("nothing was done: read the above, and add --yes to {what}"));
        }
        print!("\ntype {word} to {what}: ");
        std::io::stdout().flush().map_err(super::told)?;
        let mut said = String::new();
        stdin.lock().read_line(&mut said).map_err(super::told)?;
        if said.trim() == word { Ok(()) } else { Err("nothing was done".to_owned()) }
    }
}

/// A refusal by the hub, in words for the person: every line at fault on a line of its own.
pub fn refused(status: &Status) -> String {
    match status.code() {
        Code::InvalidArgument | Code::FailedPrecondition => {
            let lines: Vec<String> = status.message().lines().take(LINES_MAX).map(printable).collect();
            lines.join("\n  ")
        }
        _ => person::refused(status),
    }
}

/// True if it can be the first digits of a hash.
pub fn is_digits(named: &str) -> bool {
    named.len() >= DIGITS_MIN && named.bytes().all(|b| b.is_ascii_hexdigit())
}

/// The one thing whose hash or id begins with these digits.
pub fn by_digits<T>(all: Vec<T>, digits: &str, hash: impl Fn(&T) -> &[u8]) -> Result<T, String> {
    let digits = digits.to_ascii_lowercase();
    if !is_digits(&digits) {
        return Err(format!("give the digits that the list shows: the first {DIGITS_MIN} or more"));
    }
    let mut found = all.into_iter().filter(|one| hex(hash(one)).starts_with(&digits));
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        (None, _) => Err("nothing here begins so; look again at the list".to_owned()),
        _ => Err("several begin so; give more digits".to_owned()),
    }
}

/// 32 bytes that the hub sent.
pub fn hash32(bytes: &[u8]) -> Result<[u8; 32], String> {
    bytes.try_into().map_err(|_| "the hub's answer is not whole".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_named_by_its_first_digits_if_they_name_one_thing() {
        let all = || vec![[0xab, 1, 2, 3, 4], [0xab, 1, 2, 3, 5], [0xcd, 1, 2, 3, 4]];
        let find = |digits: &str| by_digits(all(), digits, |one| &one[..]);
        assert_eq!(find("CD010203"), Ok([0xcd, 1, 2, 3, 4]));
        assert!(find("ab010203").unwrap_err().contains("several"));
        assert!(find("cd").is_err() && find("zzzzzzzzzz").is_err() && find("ef010203").is_err());
    }

    #[test]
    fn a_refusal_keeps_its_lines_and_does_nothing_to_a_terminal() {
        let status = Status::invalid_argument("3: \u{1b}[2Jversion: must be there\n9: x: y");
        assert_eq!(refused(&status), "3: [2Jversion: must be there\n  9: x: y");
    }
}
