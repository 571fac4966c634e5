//! What whoever reads a mapping must know beside it: what of the file it leaves out, and what can't be read at all.

use crate::{mapping::DateFormat, propose::sample::Sample};

/// What is to be said of a file, whatever its rows are.
pub fn notes(sample: &Sample) -> Vec<String> {
    let mut notes = Vec::new();
    if sample.rows.is_empty() {
        let why = "The file has captions and no rows, so nothing of this comes from what stands in them: look at an export with rows.";
        notes.push(why.to_owned());
    }
    // A register as it hangs on a wall: days across, learners down.
    let days = sample.captions.iter().filter(|caption| is_day(caption)).count();
    if days >= 3 {
        notes.push(format!(
            "{days} captions are days: marks that stand side by side by day aren't read. Export a list of marks, one a row."
        ));
    }
    if sample.beside.is_empty() {
        return notes;
    }
    let names: Vec<String> = sample.beside.iter().map(|name| format!("`{name}`")).collect();
    let names = names.join(", ");
    notes.push(format!(
        "The workbook has rows in {names} too. One mapping reads one sheet, the one that it names: each of them needs its own."
    ));
    notes
}

/// True if a caption is a date, with or without its year, or a day of the week with a number.
fn is_day(caption: &str) -> bool {
    const BEGIN: [&str; 12] =
        ["mon", "tue", "wed", "thu", "fri", "lun", "mar", "mer", "jeu", "ven", "die", "don"];
    let folded = caption.to_lowercase();
    let words: Vec<&str> = folded.split_whitespace().collect();
    let numbered = words.iter().skip(1).any(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    let weekday = words.first().is_some_and(|word| BEGIN.iter().any(|day| word.starts_with(day)));
    let first = words.first().copied().unwrap_or_default();
    let dated = [DateFormat::Iso, DateFormat::British, DateFormat::Dotted, DateFormat::Named];
    weekday && numbered || dated.into_iter().any(|format| crate::parse::date(first, format).is_some())
}
