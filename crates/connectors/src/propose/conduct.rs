//! Sorts of behaviour: which category of the shared list an institution's own words stand for, where the words say it.
//!
//! A word that can be praise in one school and blame in another decides nothing by itself, nor does one that is taken back beside it
//! ("lack of effort", "anti-bullying award"): such a sort is asked for.

use super::caption::words;

/// Stems of which one must stand in the words, for each part of a rule; and the category.
const RULES: &[(&str, &[&str])] = &[
    (
        "attendance_lateness",
        &["late lateness latecoming tardy tardiness verspat* retard hwyr impuntual* unpunctual*"],
    ),
    ("truancy", &["truan* bunk* schwanz* absentis* skipped skipping"]),
    (
        "work_missing",
        &[
            "homework* coursework* classwork* work assignment* deadline* hausaufgab* devoir* deberes tarea* gwaith* prep",
            "missing missed late overdue incomplete not no non fehl* vergess* absen* manquant* sin heb unfinished undone",
        ],
    ),
    (
        "low_level_disruption",
        &[
            "disrupt* chatt* talking* interrupt* *stor *storung* bavard* perturb* tarfu* aflonydd* offtask molest*",
        ],
    ),
    ("low_level_disruption", &["off", "task"]),
    ("low_level_disruption", &["low", "level"]),
    (
        "defiance",
        &["defian* defy* refus* disobe* insubord* noncomplian* *verweiger* desob* desaf* herfeidd*"],
    ),
    ("verbal_abuse", &["swear* insult* *beleidig* foul offensive abusive* rhegi"]),
    ("verbal_abuse", &["verbal*", "abus* aggress* assault* threat* attack* angriff*"]),
    (
        "physical",
        &[
            "fight* assault* violen* *gewalt* schlager* bagarre* pelea* hitting punch* kick* ymladd* rauferei*",
        ],
    ),
    ("physical", &["physical* korper*", "abuse aggress* attack* altercation* contact angriff*"]),
    (
        "bullying_or_prejudice",
        &[
            "bully* bullied racis* homophob* transphob* sexis* prejudic* harass* *mobbing* harcel* acoso* discriminat* bwlio* hate",
        ],
    ),
    (
        "property_or_theft",
        &["theft* steal* stolen vandal* graffiti* *diebstahl* sachbeschadig* hurto dwyn* damag*"],
    ),
    (
        "substances_or_prohibited_item",
        &[
            "smok* vape* vaping drug* alcohol* tobacc* weapon* knife prohibited banned contraband *rauch* waffe* ysmyg* tabac",
        ],
    ),
    (
        "achievement",
        &[
            "achiev* award* prize* certificat* commend* represent* merit* *auszeichn* *leistung* prix premio* gwobr* cyflawn*",
        ],
    ),
    (
        "engagement_positive",
        &[
            "effort* engag* participa* contribut* enthus* helpful* mitarbeit* hilfsbereit* esfuerzo* participation ymdrech*",
        ],
    ),
];

/// Words that take back what stands beside them.
const AGAINST: &str = "anti no not non lack lacking poor low without missing insufficient inadequate fail* fehl* mangel* \
                       keine kein sin manque mauvais* heb diffyg* refus*";

/// The category that a sort of behaviour stands for; `None` if nobody can know. `polarity` is that of its rows, where the file says it.
pub fn category(sort: &str, polarity: Option<&str>) -> Option<&'static str> {
    let words = words(sort);
    let has = |stems: &str| stems.split(' ').any(|stem| words.iter().any(|word| is(stem, word)));
    let mut found: Option<&'static str> = None;
    for (name, parts) in RULES {
        // Late work is missing work, not a late learner.
        if !parts.iter().all(|stems| has(stems))
            || (found, *name) == (Some("work_missing"), "attendance_lateness")
        {
            continue;
        }
        match found {
            None | Some("attendance_lateness") if *name == "work_missing" => found = Some(name),
            None => found = Some(name),
            Some(held) if held == *name => {}
            Some(_) => return None,
        }
    }
    let name = found?;
    // What is against bullying is none.
    if has("anti") {
        return None;
    }
    let good = is_good(name);
    if good && has(AGAINST) {
        return None;
    }
    match polarity {
        Some("positive") if !good => None,
        Some("negative") if good => None,
        _ => Some(name),
    }
}

/// The polarity of a category, where it has one.
pub fn polarity(category: &str) -> Option<&'static str> {
    match category {
        "other" => None,
        name if is_good(name) => Some("positive"),
        _ => Some("negative"),
    }
}

fn is_good(category: &str) -> bool {
    matches!(category, "engagement_positive" | "achievement")
}

/// A stem with `*` for any ending, and before it for any beginning.
fn is(stem: &str, word: &str) -> bool {
    match (stem.strip_prefix('*'), stem.strip_suffix('*')) {
        (Some(middle), Some(_)) => word.contains(middle.trim_end_matches('*')),
        (Some(end), None) => word.ends_with(end),
        (None, Some(begin)) => word.starts_with(begin),
        (None, None) => word == stem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_say_it_are_read_and_words_that_could_mean_either_are_not() {
        for (sort, polarity, said) in [
            ("Late to lesson", None, Some("attendance_lateness")),
            ("Late homework", None, Some("work_missing")),
            ("Homework not handed in", Some("negative"), Some("work_missing")),
            ("Homework", None, None),
            ("Störung des Unterrichts", None, Some("low_level_disruption")),
            ("Refusal to follow instructions", None, Some("defiance")),
            ("Physical aggression", None, Some("physical")),
            ("Physical Education", None, None),
            ("Verbal praise", None, None),
            ("Verbal assault", None, None),
            ("Racist language", None, Some("bullying_or_prejudice")),
            ("Anti-bullying award", None, None),
            ("Anti-bullying ambassador", None, None),
            ("Vaping", None, Some("substances_or_prohibited_item")),
            ("Lack of effort", None, None),
            ("Outstanding effort", Some("positive"), Some("engagement_positive")),
            ("Outstanding effort", Some("negative"), None),
            ("Late to lesson", Some("positive"), None),
            ("Merit", None, Some("achievement")),
            ("Concern", None, None),
            ("B2", None, None),
        ] {
            assert_eq!(category(sort, polarity), said, "{sort}");
        }
    }
}
