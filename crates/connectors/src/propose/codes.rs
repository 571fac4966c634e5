//! Attendance marks: whether they are the national ones, and what an institution's own may mean.

use super::shape::Shape;
use commonroll_core::record::attendance::Physical;

/// Words for the room in several languages, as stems.
const STEMS: &[(Physical, &str)] = &[
    (Physical::Late, "late tardy verspat spat retard retras ritard spozn atras laat hwyr"),
    (
        Physical::NotRequired,
        "not required notrequired dispens exempt study leave cancel befreit no lective nicht erforderlich",
    ),
    (
        Physical::Absent,
        "absen assen fehl falta ausen abwesen afwez nieobec entschuld missing away sick ill krank ziek malad enferm",
    ),
    (Physical::Present, "present anwesen presen asist obecn aanwez here attended"),
];

/// What a mark may mean, and how sure that is, from 0 to 1. Letters are conventions of a college, so never sure.
pub fn meaning(mark: &str) -> Option<(Physical, f64)> {
    let folded = super::caption::words(mark).join(" ");
    if folded.len() >= 4 {
        let found = STEMS.iter().find(|(_, stems)| {
            stems
                .split(' ')
                .any(|stem| folded.split(' ').any(|word| stem.len() >= 4 && word.starts_with(stem)))
        });
        return found.map(|(physical, _)| (*physical, 0.9));
    }
    let usual = match mark {
        "/" | "\\" | "✓" => (Physical::Present, 0.7),
        "L" | "l" => (Physical::Late, 0.6),
        "O" | "A" | "o" => (Physical::Absent, 0.5),
        "-" | "?" => (Physical::Unknown, 0.5),
        _ => return None,
    };
    Some(usual)
}

/// How sure it is that these marks are the session codes of England, from 0 to 1.
pub fn english(shape: &Shape, halves: bool) -> f64 {
    let known = shape.share(shape.english);
    if known < 1.0 {
        return if known > 0.98 { 0.6 } else { 0.0 };
    }
    let present = shape.list.first().is_some_and(|(value, _)| matches!(value.as_str(), "/" | "\\"));
    let afternoon = shape.list.iter().any(|(value, _)| value == "\\");
    // A college's own / L O R W are letters of the national table too, and mean something else: without a sign of sessions it is
    // asked, however well the letters fit.
    match (present, afternoon || halves) {
        (true, true) => 0.95,
        (true, false) => 0.65,
        _ => 0.5,
    }
}

/// Name of a meaning, as a mapping writes it.
pub const fn name(physical: Physical) -> &'static str {
    match physical {
        Physical::Present => "present",
        Physical::Late => "late",
        Physical::Absent => "absent",
        Physical::NotRequired => "not_required",
        Physical::Unknown => "unknown",
    }
}
