//! What an institution's own words in a column stand for, where the field has a small list of shared names.

use super::caption::words;

/// Stems of words, longest first where one begins like another, and the shared name.
const KNOWN: &[(&str, &str, &str)] = &[
    ("polarity", "positive", "positiv achiev praise lob merit reward commend elogio eloge canmol"),
    ("polarity", "negative", "negativ behav incident tadel concern sanction demerit blam"),
    ("polarity", "neutral", "neutral observ"),
    ("role", "perpetrator", "perpetrator aggress offend instigat auteur tater sprawc autor"),
    ("role", "victim", "victim target opfer ofiar slachtoff vittim"),
    ("role", "witness", "witness bystand zeug temoin testigo swiad getuig tyst"),
    ("role", "reporter", "report"),
    ("role", "participant", "participa involv"),
    ("kind", "minimum_target", "minimum =min meg mtg fft alps"),
    ("kind", "teacher_target", "target aspir ziel objectif objetivo targed =tg =trgt"),
    ("kind", "predicted", "predict =pred forecast ucas prognos previs rhagweld"),
    ("kind", "mock", "mock blanc ffug"),
    ("kind", "effort", "effort =eff attitud atl ymdrech"),
    ("kind", "working_at", "working current =curr wag cwg"),
    ("kind", "prior", "prior baseline"),
    ("kind", "final", "final award"),
    ("kind", "assignment", "assignment homework coursework"),
];

/// The shared name that a word of an institution's stands for; `None` if nobody can know.
pub fn known(field: &str, value: &str) -> Option<&'static str> {
    let words = words(value);
    let of_field = KNOWN.iter().filter(|(of, ..)| *of == field);
    // A stem that is too short to begin a word is the whole word, behind `=`.
    let is = |stem: &str, word: &String| match stem.strip_prefix('=') {
        Some(whole) => word == whole,
        None => word.starts_with(stem),
    };
    let mut found =
        of_field.filter(|(_, _, stems)| stems.split(' ').any(|stem| words.iter().any(|word| is(stem, word))));
    let (_, name, _) = found.next()?;
    // Minimum target is a target too; anything else that means two things means nothing.
    match found.next() {
        Some((_, other, _)) if *name != "minimum_target" || *other != "teacher_target" => None,
        _ => Some(name),
    }
}

/// All shared names of a field; empty for a field that takes any text.
pub const fn names(field: &str) -> &'static [&'static str] {
    match field.as_bytes() {
        b"polarity" => &["positive", "negative", "neutral"],
        b"role" => &["perpetrator", "victim", "witness", "reporter", "participant"],
        b"kind" => &[
            "prior",
            "minimum_target",
            "teacher_target",
            "working_at",
            "predicted",
            "mock",
            "effort",
            "final",
            "assignment",
        ],
        b"category" => &[
            "engagement_positive",
            "achievement",
            "attendance_lateness",
            "truancy",
            "work_missing",
            "low_level_disruption",
            "defiance",
            "verbal_abuse",
            "physical",
            "bullying_or_prejudice",
            "property_or_theft",
            "substances_or_prohibited_item",
            "other",
        ],
        b"registration" => &["home", "subsidiary", "guest", "previous"],
        b"cancelled" | b"closed" | b"withdrawn" => &["yes", "no"],
        _ => &[],
    }
}
