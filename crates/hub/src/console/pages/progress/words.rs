//! Figures in words, the same on screen and on paper.

use commonroll_views::progress::{Apart, Attended, Figures, Gap, Kept, Punctual};

/// What stands where a figure is hidden.
pub(super) const HIDDEN: &str = "hidden";

/// One decimal, with a minus that is one.
pub(super) fn one(value: f64) -> String {
    format!("{value:.1}").replace("-0.0", "0.0").replace('-', "\u{2212}")
}

pub(super) fn percent(value: Option<f64>) -> String {
    value.map_or_else(|| HIDDEN.to_owned(), |value| format!("{}%", one(value)))
}

/// A gap, with its sign.
pub(super) fn gap(value: Option<f64>) -> String {
    value.map_or_else(
        || HIDDEN.to_owned(),
        |value| if value >= 0.05 { format!("+{}", one(value)) } else { one(value) },
    )
}

/// 31,204
pub(super) fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Seconds after a lesson's end, as a person says it.
pub(super) fn delay(seconds: Option<i64>) -> String {
    match seconds {
        None => "over a week".to_owned(),
        Some(0) => "before the end".to_owned(),
        Some(s @ 1..60) => format!("{s} s"),
        Some(s @ 60..3_600) => format!("{} min", s / 60),
        Some(s @ 3_600..86_400) => format!("{} h", s / 3_600),
        Some(s) if s < 172_800 => "1 day".to_owned(),
        Some(s) => format!("{} days", s / 86_400),
    }
}

/// The cells of a row: attendance, punctuality, gap, still there, and for sites registers in time and freshness.
pub(super) fn cells(figures: &Figures, registers: bool) -> Vec<String> {
    let mut cells = vec![
        percent(figures.lessons.as_ref().and_then(Attended::attendance)),
        percent(figures.lessons.as_ref().and_then(Attended::punctuality)),
        gap(figures.gap.as_ref().and_then(Gap::mean)),
        percent(figures.kept.as_ref().and_then(Kept::kept)),
    ];
    if registers {
        let of = figures.registers.filter(|of| of.registers > 0);
        cells.push(of.map_or_else(|| "none yet".to_owned(), |of| in_time(&of)));
        cells.push(of.map_or_else(|| "none yet".to_owned(), |of| delay(of.within(50))));
    }
    cells
}

/// Share of registers in time, whole percent.
pub(super) fn in_time(of: &Punctual) -> String {
    format!("{:.0}%", of.in_time as f64 * 100.0 / of.registers.max(1) as f64)
}

/// Why some learners aren't compared.
pub(super) fn apart(counts: Option<[u64; 4]>) -> String {
    let Some(counts) = counts else { return String::new() };
    let words = [
        (Apart::OneMissing, "without target or grade"),
        (Apart::OtherScale, "on two scales"),
        (Apart::NoPoints, "with points not known"),
        (Apart::NoGrade, "pending or ungraded"),
    ];
    let said = words.iter().filter(|(why, _)| counts[*why as usize] > 0);
    let said: Vec<String> =
        said.map(|(why, words)| format!("{} {words}", count(counts[*why as usize]))).collect();
    if said.is_empty() { String::new() } else { format!("not comparable: {}", said.join(", ")) }
}
