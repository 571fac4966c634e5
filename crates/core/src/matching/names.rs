//! Names made comparable. The originals are kept elsewhere: a normalised name is for comparing, never for showing.
//!
//! Letters that aren't a base letter with a mark (ø, ł) stay as they are; folding them would be a guess.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// A name without marks, case, spaces, hyphens and apostrophes, in compatibility decomposition.
pub fn normalise_name(name: &str) -> String {
    // Upper case first, since it alone folds ß and ς. What that yields is decomposed once more.
    let folded = name.nfkd().filter(|&c| kept(c)).flat_map(char::to_uppercase).flat_map(char::to_lowercase);
    folded.nfkd().filter(|&c| kept(c)).collect()
}

fn kept(c: char) -> bool {
    let separator = c.is_whitespace()
        || matches!(c, '-' | '\u{ad}' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{200b}'..='\u{200d}')
        || matches!(
            c,
            '\'' | '`' | '\u{2018}' | '\u{2019}' | '\u{201b}' | '\u{2bb}' | '\u{2bc}' | '\u{2032}'
        );
    !separator && !is_combining_mark(c)
}

/// True if one insertion, removal or change of a letter, or none, makes one name the other.
pub(super) fn at_most_one_edit(one: &str, other: &str) -> bool {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let (short, long) = if one.len() <= other.len() { (one, other) } else { (other, one) };
    let front = short.iter().zip(&long).take_while(|(a, b)| a == b).count();
    match long.len() - short.len() {
        0 => front == short.len() || short[front + 1..] == long[front + 1..],
        1 => short[front..] == long[front + 1..],
        _ => false,
    }
}
