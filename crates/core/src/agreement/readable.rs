//! How hard a text is to read: the Flesch-Kincaid grade, a rough count of words per sentence and syllables per word.
//!
//! It knows no meaning, so it can call a text hard and never good. Syllables are guessed from letters.

/// A piece with fewer words is no sentence.
const WORDS_MIN: usize = 4;

/// The school grade (US) that can read these pieces of text: about the reader's age less five. Each piece ends a
/// sentence. Addresses and numbers are left out, as they are looked at and not read, and so are pieces of fewer than
/// four words, such as names in a list, which would make any text look easy. 0 for no text.
pub fn reading_grade(pieces: &[&str]) -> f64 {
    let (mut words, mut sentences, mut syllables) = (0_u32, 0_u32, 0_u32);
    let read = pieces.iter().filter(|piece| piece.split_whitespace().count() >= WORDS_MIN);
    for sentence in read.flat_map(|piece| piece.split(sentence_end)) {
        let before = words;
        for word in sentence.split(|c: char| c.is_whitespace() || c == '-').filter(|word| is_word(word)) {
            words += 1;
            syllables += count_syllables(word);
        }
        sentences += u32::from(words > before);
    }
    if words == 0 {
        return 0.0;
    }
    let (words, sentences, syllables) = (f64::from(words), f64::from(sentences), f64::from(syllables));
    0.39 * (words / sentences) + 11.8 * (syllables / words) - 15.59
}

/// A full stop inside an address or a number ends a sentence too, with nothing in it that counts as a word.
const fn sentence_end(c: char) -> bool {
    matches!(c, '.' | '!' | '?')
}

fn is_word(word: &str) -> bool {
    word.chars().any(char::is_alphabetic)
        && !word.chars().any(|c| c.is_ascii_digit() || matches!(c, '@' | '/'))
}

/// Groups of vowels, less a silent `e` at the end; at least one.
fn count_syllables(word: &str) -> u32 {
    let letters: Vec<char> =
        word.chars().filter(|c| c.is_alphabetic()).flat_map(char::to_lowercase).collect();
    let vowel = |c: &char| matches!(c, 'a' | 'e' | 'i' | 'o' | 'u' | 'y');
    let mut count = 0;
    let mut inside = false;
    for letter in &letters {
        count += u32::from(vowel(letter) && !inside);
        inside = vowel(letter);
    }
    let silent = match letters.as_slice() {
        [.., before, 'e'] => !vowel(before) && *before != 'l',
        [.., 'e', 'd'] => !matches!(letters.as_slice(), [.., 't' | 'd', 'e', 'd']),
        _ => false,
    };
    count.saturating_sub(u32::from(silent && count > 1)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn syllables_are_counted_well_enough() {
        let counted = ["cat", "table", "college", "shared", "started", "information", "you", "agreement"];
        assert_eq!(counted.map(count_syllables), [1, 2, 2, 1, 2, 4, 1, 3]);
    }

    #[test]
    fn short_words_in_short_sentences_are_easier() {
        let easy = reading_grade(&["You go to school. You learn to read."]);
        let hard = reading_grade(&[
            "Notwithstanding the aforementioned obligations, controllers demonstrate accountability by documenting \
             proportionate organisational measures.",
        ]);
        assert!(easy < 3.0 && hard > 15.0, "{easy} {hard}");
        assert!(reading_grade(&[]).abs() < f64::EPSILON);
        let address =
            reading_grade(&["You go to school. You learn to read.", "dpo@kingsmead.example 01632 960101"]);
        assert!((address - easy).abs() < 2.0, "an address is not read: {address}");
    }
}
