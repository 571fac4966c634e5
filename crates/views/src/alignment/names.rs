//! Names of subjects that may be one subject: written in full and cut short, or as initials.

use commonroll_core::convention::plain;

/// True if two names may well be of one subject: the same but for case and punctuation, each word the beginning of the other's
/// (Further Maths, Further Mathematics), or one the initials of the other (PE, Physical Education). English and English
/// Literature are two.
pub fn same_subject(one: &str, other: &str) -> bool {
    let (one, other) = (plain(one), plain(other));
    if one.is_empty() || other.is_empty() {
        return false;
    }
    if one == other {
        return true;
    }
    let (a, b): (Vec<&str>, Vec<&str>) = (one.split(' ').collect(), other.split(' ').collect());
    if a.len() == b.len() {
        return a.iter().zip(&b).all(|(x, y)| cut_short(x, y) || cut_short(y, x));
    }
    initials(&a, &b) || initials(&b, &a)
}

/// True if a word is another, or the beginning of it: three letters at least, with or without an s at its end.
fn cut_short(short: &str, long: &str) -> bool {
    let begins = |stem: &str| stem.chars().count() >= 3 && stem.len() < long.len() && long.starts_with(stem);
    short == long || begins(short) || short.strip_suffix('s').is_some_and(begins)
}

fn initials(short: &[&str], long: &[&str]) -> bool {
    let [short] = short else { return false };
    let first: String = long.iter().filter_map(|word| word.chars().next()).collect();
    long.len() >= 2 && first == *short
}

#[cfg(test)]
mod tests {
    use super::same_subject;

    #[test]
    fn what_is_cut_short_is_the_same_subject_and_what_is_longer_by_a_word_another() {
        for (one, other) in [
            ("Maths", "Mathematics"),
            ("Further maths", "Further Mathematics"),
            ("PE", "Physical Education"),
            ("Art & Design", "art and design"),
            ("Bus. Studies", "Business Studies"),
            ("Biol", "Biology"),
        ] {
            assert!(same_subject(one, other) && same_subject(other, one), "{one} is {other}");
        }
        for (one, other) in [
            ("English", "English Literature"),
            ("Maths", "Further Maths"),
            ("Physics", "Physical Education"),
            ("Art", "Drama"),
            ("", "Drama"),
            ("History", "Ancient History"),
        ] {
            assert!(!same_subject(one, other) && !same_subject(other, one), "{one} is not {other}");
        }
    }
}
