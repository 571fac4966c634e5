//! Logs of behaviour in several languages, whose sorts have words of their own: which category each is, and that what no word says
//! is asked for.

use super::{
    exports::Export,
    world::{CLASSES, Dice, children, days, encoded, written},
};

type Truth = Vec<(&'static str, &'static str)>;

pub fn all() -> Vec<Export> {
    vec![praise_and_blame(), french(), welsh(), spanish(), codes()]
}

/// A log: number, day, learner, class, sort.
fn log(
    seed: u64,
    captions: [&str; 5],
    (between, style, encoding): (&str, &str, &str),
    sorts: &[&str],
) -> Vec<u8> {
    let dice = &mut Dice(seed);
    let people = children(26, "C", dice);
    let mut text = format!("{}\n", captions.join(between));
    for (place, day) in days(24).into_iter().cycle().take(120).enumerate() {
        let c = &people[dice.roll(people.len())];
        // Each sort comes up, the first ones more often.
        let sort = if place < sorts.len() { sorts[place] } else { sorts[dice.roll(sorts.len())] };
        let class = CLASSES[dice.roll(CLASSES.len())];
        let cells = [
            (9_100 + place).to_string(),
            written(day, style),
            c.number.clone(),
            class.to_owned(),
            sort.to_owned(),
        ];
        text += &format!("{}\n", cells.join(between));
    }
    encoded(&text, encoding)
}

fn common(
    separator: &'static str,
    date_format: &'static str,
    [event, date, learner, group, label]: [&'static str; 5],
) -> Truth {
    vec![
        ("rows", "behaviour"),
        ("separator", separator),
        ("date_format", date_format),
        ("fields.event", event),
        ("fields.date", date),
        ("fields.learner", learner),
        ("fields.group", group),
        ("fields.label", label),
        ("fields.category", label),
        ("groups", "ask"),
    ]
}

/// Praise and blame in one file, and nothing but the sorts tells them apart.
fn praise_and_blame() -> Export {
    let captions = ["Incident Ref", "Incident Date", "Student No", "Class", "Behaviour Type"];
    let sorts = [
        "Punctuality - late to lesson",
        "Internal truancy",
        "Missing coursework",
        "Mobile phone",
        "Rudeness to staff",
        "Fighting",
        "Racist incident",
        "Star of the week",
        "Excellent contribution",
        "Damage to property",
        "Vaping on site",
        "Prize for progress",
    ];
    let mut truth = common(",", "dd/mm/yyyy", captions);
    truth.extend([
        ("fields.polarity", "Behaviour Type"),
        ("sort.category.Punctuality - late to lesson", "attendance_lateness"),
        ("sort.category.Internal truancy", "truancy"),
        ("sort.category.Missing coursework", "work_missing"),
        ("sort.category.Mobile phone", "ask"),
        ("sort.category.Rudeness to staff", "ask"),
        ("sort.category.Fighting", "physical"),
        ("sort.category.Racist incident", "bullying_or_prejudice"),
        ("sort.category.Star of the week", "ask"),
        ("sort.category.Excellent contribution", "engagement_positive"),
        ("sort.category.Damage to property", "property_or_theft"),
        ("sort.category.Vaping on site", "substances_or_prohibited_item"),
        ("sort.category.Prize for progress", "achievement"),
        ("sort.polarity.Fighting", "negative"),
        ("sort.polarity.Excellent contribution", "positive"),
        ("sort.polarity.Mobile phone", "ask"),
        ("sort.polarity.Star of the week", "ask"),
    ]);
    Export {
        name: "behaviour, praise and blame by sorts alone",
        file_name: "conduct_log.csv",
        bytes: log(201, captions, (",", "slash", "utf-8"), &sorts),
        truth,
    }
}

fn french() -> Export {
    let captions =
        ["Numéro incident", "Date incident", "Identifiant élève", "Groupe", "Type de comportement"];
    let sorts = [
        "Bavardage",
        "Retard",
        "Devoirs non faits",
        "Insultes",
        "Bagarre",
        "Téléphone portable",
        "Harcèlement",
    ];
    let mut truth = common(";", "dd/mm/yyyy", captions);
    truth.extend([
        ("fields.polarity", "ask"),
        ("sort.category.Bavardage", "low_level_disruption"),
        ("sort.category.Retard", "attendance_lateness"),
        ("sort.category.Devoirs non faits", "work_missing"),
        ("sort.category.Insultes", "verbal_abuse"),
        ("sort.category.Bagarre", "physical"),
        ("sort.category.Téléphone portable", "ask"),
        ("sort.category.Harcèlement", "bullying_or_prejudice"),
    ]);
    Export {
        name: "behaviour, French",
        file_name: "vie scolaire.csv",
        bytes: log(202, captions, (";", "slash", "latin"), &sorts),
        truth,
    }
}

fn welsh() -> Export {
    let captions = ["Rhif digwyddiad", "Dyddiad", "Rhif disgybl", "Dosbarth", "Math ymddygiad"];
    let sorts =
        ["Hwyr i'r wers", "Ymladd", "Bwlio", "Tarfu ar y wers", "Rhegi", "Dim gwaith cartref", "Dwyn"];
    let mut truth = common(",", "iso", captions);
    truth.extend([
        ("fields.polarity", "ask"),
        ("sort.category.Hwyr i'r wers", "attendance_lateness"),
        ("sort.category.Ymladd", "physical"),
        ("sort.category.Bwlio", "bullying_or_prejudice"),
        ("sort.category.Tarfu ar y wers", "low_level_disruption"),
        ("sort.category.Rhegi", "verbal_abuse"),
        ("sort.category.Dim gwaith cartref", "work_missing"),
        ("sort.category.Dwyn", "property_or_theft"),
    ]);
    Export {
        name: "behaviour, Welsh",
        file_name: "ymddygiad.csv",
        bytes: log(203, captions, (",", "iso", "utf-8"), &sorts),
        truth,
    }
}

fn spanish() -> Export {
    let captions = ["Núm incidencia", "Fecha", "Núm alumno", "Grupo", "Tipo de conducta"];
    let sorts =
        ["Impuntualidad", "Pelea", "Acoso", "Vandalismo", "Sin deberes", "Falta de respeto", "Desobediencia"];
    let mut truth = common(";", "dd.mm.yyyy", captions);
    truth.extend([
        ("fields.polarity", "ask"),
        ("sort.category.Impuntualidad", "attendance_lateness"),
        ("sort.category.Pelea", "physical"),
        ("sort.category.Acoso", "bullying_or_prejudice"),
        ("sort.category.Vandalismo", "property_or_theft"),
        ("sort.category.Sin deberes", "work_missing"),
        ("sort.category.Falta de respeto", "ask"),
        ("sort.category.Desobediencia", "defiance"),
    ]);
    Export {
        name: "behaviour, Spanish",
        file_name: "convivencia.csv",
        bytes: log(204, captions, (";", "dot", "utf-8-mark"), &sorts),
        truth,
    }
}

/// Codes of a policy that nobody outside the school can read, and words that say the opposite of what stands in them.
fn codes() -> Export {
    let captions = ["Event Id", "Event Date", "Pupil Id", "Teaching Group", "Conduct Category"];
    let sorts =
        ["C1", "C2", "C3", "Lack of effort", "Anti-bullying ambassador", "Physical Education", "Homework"];
    let mut truth = common(",", "yyyymmdd", captions);
    truth.retain(|(setting, _)| *setting != "fields.category");
    truth.extend([
        ("fields.polarity", "ask"),
        ("sort.category.C1", "ask"),
        ("sort.category.C2", "ask"),
        ("sort.category.C3", "ask"),
        ("sort.category.Lack of effort", "ask"),
        ("sort.category.Anti-bullying ambassador", "ask"),
        ("sort.category.Physical Education", "ask"),
        ("sort.category.Homework", "ask"),
    ]);
    Export {
        name: "behaviour, codes of a school's own",
        file_name: "policy events.csv",
        bytes: log(205, captions, (",", "run", "utf-8"), &sorts),
        truth,
    }
}
