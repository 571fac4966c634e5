//! Exports that were written when the proposer was done, and on which it was never tuned: a second look at the same promise.

use super::{
    exports::Export,
    world::{CLASSES, Dice, children, days, encoded, written},
};

fn file(captions: &str, between: &str, rows: Vec<Vec<String>>) -> String {
    let mut text = format!("{}\n", captions.replace('|', between));
    for row in rows {
        text.push_str(&row.join(between));
        text.push('\n');
    }
    text
}

pub fn all() -> Vec<Export> {
    vec![italian(), two_numbers(), targets(), merits(), cover(), guests(), fe_learners()]
}

fn italian() -> Export {
    let dice = &mut Dice(101);
    let people = children(24, "IT", dice);
    let mut rows = Vec::new();
    for day in days(10) {
        for c in &people {
            let mark = dice.mostly(&["P", "A", "R"]);
            rows.push(vec![
                c.number.clone(),
                c.family.into(),
                written(day, "dot"),
                "08:10".into(),
                "09:00".into(),
                mark.into(),
                c.class.into(),
            ]);
        }
    }
    Export {
        name: "register, Italian, own letters",
        file_name: "presenze_2026.csv",
        bytes: encoded(
            &file("Codice Studente|Cognome|Giorno|Ora Inizio|Ora Fine|Presenza|Classe", ";", rows),
            "latin",
        ),
        truth: vec![
            ("rows", "attendance"),
            ("separator", ";"),
            ("date_format", "dd.mm.yyyy"),
            ("codes", "own"),
            ("fields.learner", "Codice Studente"),
            ("fields.date", "Giorno"),
            ("fields.start", "Ora Inizio"),
            ("fields.end", "Ora Fine"),
            ("fields.mark", "Presenza"),
            ("fields.group", "Classe"),
        ],
    }
}

/// Two numbers of each learner, neither of them official: only a person knows which one the other exports use.
fn two_numbers() -> Export {
    let dice = &mut Dice(102);
    let people = children(28, "0", dice);
    let mut rows = Vec::new();
    for day in days(12) {
        for (place, c) in people.iter().enumerate() {
            let mark = dice.mostly(&["/", "\\", "L", "I", "N", "V"]);
            rows.push(vec![
                (9_001 + place).to_string(),
                c.number.clone(),
                c.family.into(),
                written(day, "slash"),
                mark.into(),
            ]);
        }
    }
    Export {
        name: "register, two numbers of a learner",
        file_name: "session marks.csv",
        bytes: encoded(&file("Person Id|Student Number|Last Name|Session Date|Code", ",", rows), "utf-8"),
        truth: vec![
            ("rows", "attendance"),
            ("separator", ","),
            ("date_format", "dd/mm/yyyy"),
            ("codes", "ENG-2024"),
            ("fields.learner", "ask"),
            ("fields.date", "Session Date"),
            ("fields.mark", "Code"),
        ],
    }
}

/// A target and a grade beside each other in one row: no long list of grades, and no sheet of subjects.
fn targets() -> Export {
    let dice = &mut Dice(103);
    let people = children(30, "T", dice);
    let mut rows = Vec::new();
    for c in &people {
        let grade = |dice: &mut Dice| dice.pick(&["A", "B", "C", "D", "E", "A*"]).to_owned();
        rows.push(vec![
            c.number.clone(),
            c.class.into(),
            grade(dice),
            grade(dice),
            written((2026, 11, 27), "iso"),
        ]);
    }
    Export {
        name: "results, target and prediction in a row",
        file_name: "report cycle.csv",
        bytes: encoded(&file("Student ID|Set|Minimum Target|Predicted|Date Entered", ",", rows), "utf-8"),
        truth: vec![
            ("rows", "assessment"),
            ("separator", ","),
            ("date_format", "iso"),
            ("fields.learner", "Student ID"),
            ("fields.group", "Set"),
            ("fields.date", "Date Entered"),
            ("result.Minimum Target", "ask"),
            ("result.Predicted", "ask"),
        ],
    }
}

fn merits() -> Export {
    let dice = &mut Dice(104);
    let people = children(26, "B", dice);
    let mut rows = Vec::new();
    for (place, day) in days(20).into_iter().cycle().take(80).enumerate() {
        let c = &people[dice.roll(people.len())];
        let why = dice.pick(&["Helping others", "Outstanding homework", "Sports day"]);
        rows.push(vec![
            (70 + place).to_string(),
            written(day, "slash"),
            c.number.clone(),
            why.into(),
            (1 + dice.roll(3)).to_string(),
        ]);
    }
    Export {
        name: "behaviour, merits",
        file_name: "achievement points.csv",
        bytes: encoded(&file("Award No|Given On|Student|Achievement Type|Points", ",", rows), "utf-8"),
        truth: vec![
            ("rows", "behaviour"),
            ("separator", ","),
            ("date_format", "dd/mm/yyyy"),
            ("fields.event", "Award No"),
            ("fields.date", "Given On"),
            ("fields.learner", "Student"),
            ("fields.label", "Achievement Type"),
            ("fields.points", "Points"),
            ("fields.polarity", "ask"),
            ("sort.category.Outstanding homework", "ask"),
            ("sort.category.Sports day", "ask"),
        ],
    }
}

fn cover() -> Export {
    let dice = &mut Dice(105);
    let mut rows = Vec::new();
    for day in days(12) {
        for period in 1..=4_usize {
            rows.push(vec![
                written(day, "run"),
                period.to_string(),
                CLASSES[(period + dice.roll(3)) % 5].into(),
                format!("B{}", 1 + dice.roll(9)),
            ]);
        }
    }
    Export {
        name: "timetable by periods",
        file_name: "cover.csv",
        bytes: encoded(&file("Day|Period|Class|Room", ",", rows), "utf-8"),
        truth: vec![
            ("rows", "timetable"),
            ("separator", ","),
            ("date_format", "yyyymmdd"),
            ("fields.date", "Day"),
            ("fields.period", "Period"),
            ("fields.group", "Class"),
            ("fields.room", "Room"),
        ],
    }
}

fn guests() -> Export {
    let dice = &mut Dice(106);
    let people = children(30, "G", dice);
    let rows = people.iter().map(|c| {
        vec![
            c.number.clone(),
            c.class.into(),
            dice.pick(&["kingsmead", "ridgeway"]).into(),
            written((2026, 9, 1), "dot"),
            written((2027, 6, 30), "dot"),
        ]
    });
    Export {
        name: "guests and where they come from",
        file_name: "visiting.csv",
        bytes: encoded(
            &file("Guest Ref|Group|Home School|Start Date|End Date", ";", rows.collect()),
            "utf-8",
        ),
        truth: vec![
            ("rows", "acceptances"),
            ("separator", ";"),
            ("date_format", "dd.mm.yyyy"),
            ("fields.learner", "Guest Ref"),
            ("fields.group", "Group"),
            ("fields.home", "Home School"),
            ("fields.first_date", "Start Date"),
            ("fields.last_date", "End Date"),
        ],
    }
}

fn fe_learners() -> Export {
    let dice = &mut Dice(107);
    let people = children(50, "4", dice);
    let rows = people.iter().map(|c| {
        vec![c.number.clone(), c.uln.clone(), c.given.into(), c.family.into(), written(c.born, "run")]
    });
    Export {
        name: "learners, college",
        file_name: "ilr_learners.txt",
        bytes: encoded(
            &file("LearnRefNumber|ULN|GivenNames|FamilyName|DateOfBirth", "\t", rows.collect()),
            "utf-8",
        ),
        truth: vec![
            ("rows", "learners"),
            ("separator", "tab"),
            ("date_format", "yyyymmdd"),
            ("fields.learner", "LearnRefNumber"),
            ("fields.uln", "ULN"),
            ("fields.forename", "GivenNames"),
            ("fields.surname", "FamilyName"),
            ("fields.birth_date", "DateOfBirth"),
        ],
    }
}
