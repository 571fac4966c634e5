//! Captions taken apart: words out of camelCase, snake_case and abbreviations, and what these words are about.
//!
//! A caption is understood by what its words have in common with a field, however they are put together. What a column holds is
//! `shape`'s.

pub use super::vocabulary::About;
use super::vocabulary::WORDS;
use std::collections::BTreeMap;

/// The words of a caption, in lower case and without accents.
pub fn words(caption: &str) -> Vec<String> {
    let caption = caption.replace("_X0020", " ").replace("_x0020_", " ");
    let chars: Vec<char> = caption.chars().collect();
    let mut words: Vec<String> = vec![String::new()];
    for (at, &c) in chars.iter().enumerate() {
        let before = at.checked_sub(1).map(|at| chars[at]);
        let after = chars.get(at + 1).copied();
        let humps = c.is_uppercase()
            && (before.is_some_and(char::is_lowercase)
                || before.is_some_and(char::is_uppercase) && after.is_some_and(char::is_lowercase));
        let digits = before.is_some_and(|b| b.is_ascii_digit() != c.is_ascii_digit() && b.is_alphanumeric());
        if !c.is_alphanumeric() && !matches!(c, 'º' | 'ª') || humps || digits {
            words.push(String::new());
        }
        if (c.is_alphanumeric() || matches!(c, 'º' | 'ª'))
            && let Some(word) = words.last_mut()
        {
            fold(c, word);
        }
    }
    joined(words.into_iter().filter(|word| !word.is_empty()))
}

/// Letters that stand alone, as in U.P.N., belong together.
fn joined(words: impl Iterator<Item = String>) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut letters = false;
    for word in words {
        let single = word.len() == 1 && word.as_bytes()[0].is_ascii_alphabetic();
        match out.last_mut() {
            Some(last) if single && letters => last.push_str(&word),
            _ => out.push(word),
        }
        letters = single;
    }
    out
}

fn fold(c: char, into: &mut String) {
    let plain = match c.to_lowercase().next().unwrap_or(c) {
        'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' | 'ā' | 'ą' | 'ă' => "a",
        'ç' | 'č' | 'ć' => "c",
        'è' | 'é' | 'ê' | 'ë' | 'ę' | 'ě' | 'ē' => "e",
        'ì' | 'í' | 'î' | 'ï' | 'ī' | 'ı' => "i",
        'ñ' | 'ń' | 'ň' => "n",
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' | 'ő' | 'º' => "o",
        'ù' | 'ú' | 'û' | 'ü' | 'ů' | 'ű' | 'ū' => "u",
        'ý' | 'ÿ' | 'ŷ' => "y",
        'ŵ' => "w",
        'ß' => "ss",
        'ł' => "l",
        'ś' | 'š' | 'ş' | 'ș' => "s",
        'ř' => "r",
        'ť' | 'ț' => "t",
        'ğ' => "g",
        'ď' => "d",
        'ź' | 'ż' | 'ž' => "z",
        'ª' => "a",
        plain => return into.push(plain),
    };
    into.push_str(plain);
}

/// What a caption is about, with how surely, from 0 to 1.
pub fn about(caption: &str) -> BTreeMap<About, f64> {
    let mut found = BTreeMap::new();
    // Of a path, as XML and JSON have them, the end says most.
    let is_path = !caption.contains(' ') && !caption.ends_with('.') && !caption.starts_with('.');
    let end = caption.rfind(['.', '/']).map_or(0, |at| at + 1);
    let end = if is_path && caption.len() > end + 1 { end } else { 0 };
    for (part, weight) in [(&caption[..end], 0.8), (&caption[end..], 1.0)] {
        let mut here = BTreeMap::new();
        for word in words(part) {
            let exact = meanings(&word, &mut here);
            if !exact {
                shortened(&word, &mut here);
            }
        }
        here.into_iter().for_each(|(about, sure)| note(&mut found, about, sure * weight));
    }
    found
}

fn note(found: &mut BTreeMap<About, f64>, about: About, weight: f64) {
    let held = found.entry(about).or_insert(0.0);
    *held = held.max(weight);
}

/// Notes what a word of the list says; false if the list doesn't have it.
fn meanings(word: &str, found: &mut BTreeMap<About, f64>) -> bool {
    let mut any = false;
    for (about, known) in WORDS {
        let weight = known.split_whitespace().filter_map(|known| fits(word, known)).fold(0.0, f64::max);
        if weight > 0.0 {
            any = true;
            note(found, *about, weight);
        }
    }
    any
}

fn fits(word: &str, known: &str) -> Option<f64> {
    if let Some(inner) = known.strip_prefix('*') {
        return match inner.strip_suffix('*') {
            Some(inner) => word.contains(inner).then_some(0.9),
            None => word.ends_with(inner).then_some(0.9),
        };
    }
    match known.strip_suffix('*') {
        Some(stem) => (word == stem).then_some(1.0).or_else(|| word.starts_with(stem).then_some(0.95)),
        None => (word == known).then_some(1.0),
    }
}

/// Notes what a shortened word may stand for: the beginning of a word, or its consonants.
fn shortened(word: &str, found: &mut BTreeMap<About, f64>) {
    if !(2..=6).contains(&word.len()) || !word.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return;
    }
    let mut hits = Vec::new();
    for (about, known) in WORDS {
        let hit = known.split_whitespace().any(|known| {
            let known = known.trim_matches('*');
            let begins = word.len() >= 3 && known.len() > word.len() && known.starts_with(word);
            begins || consonants_of(word, known)
        });
        if hit {
            hits.push(*about);
        }
    }
    let weight = if hits.len() > 4 { 0.45 } else { 0.65 };
    hits.into_iter().for_each(|about| note(found, about, weight));
}

/// True if `short` is what is left of `known` when vowels and some consonants go: `grp`, `stdnt`, `incdt`.
fn consonants_of(short: &str, known: &str) -> bool {
    let vowels = short.bytes().skip(1).filter(|byte| b"aeiou".contains(byte)).count();
    if vowels > 0 || known.len() < short.len() + 2 || known.len() > short.len() * 3 {
        return false;
    }
    let (mut rest, last) = (known.bytes(), known.trim_end_matches(['e', 'a']).bytes().last());
    short.as_bytes()[0] == known.as_bytes()[0]
        && (short.bytes().last() == last || short.len() > 2)
        && short.bytes().all(|letter| rest.any(|other| other == letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captions_come_apart_however_they_are_put_together() {
        assert_eq!(words("AwardedGrade"), ["awarded", "grade"]);
        assert_eq!(words("late_mins"), ["late", "mins"]);
        assert_eq!(words("U.P.N."), ["upn"]);
        assert_eq!(words("My_X0020Name"), ["my", "name"]);
        assert_eq!(words("Prüfungsnote2"), ["prufungsnote", "2"]);
        assert_eq!(words("XMLFile"), ["xml", "file"]);
    }

    #[test]
    fn shortened_words_are_understood_with_less_weight_than_whole_ones() {
        assert!(about("Sctn")[&About::Group] < about("section")[&About::Group]);
        assert!(about("Lsn").contains_key(&About::Lesson));
        assert!(about("Stdnt").contains_key(&About::Learner));
        assert!(about("").is_empty() && about("ζ").is_empty());
    }
}
