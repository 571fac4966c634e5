//! Exports after those that somebody from outside brought: headings of more languages and abbreviations, dates as workbooks write
//! them, bars between cells, numbers of rows, two numbers of a learner, tutor groups, and JSON in envelopes.

use super::{
    exports::Export,
    world::{CLASSES, Child, Dice, children, days, encoded, written},
};

pub fn all() -> Vec<Export> {
    vec![polish(), serial_days(), no_words(), candidates(), claims(), moments(), envelope(), named_months()]
}

fn file(captions: &str, between: &str, rows: Vec<Vec<String>>) -> String {
    let mut text = format!("{}\r\n", captions.replace('|', between));
    for row in rows {
        text.push_str(&row.join(between));
        text.push_str("\r\n");
    }
    text
}

/// Two lessons a day for each child, written by `cells`: day, child, lesson, mark, minutes.
fn lessons(
    seed: u64,
    people: &[Child],
    marks: &[&str],
    late: &str,
    cells: impl Fn((u16, u8, u8), &Child, usize, &str, String) -> Vec<String>,
) -> Vec<Vec<String>> {
    let dice = &mut Dice(seed);
    let mut rows = Vec::new();
    for day in days(12) {
        for child in people {
            let first = dice.roll(3);
            for lesson in [first, first + 3] {
                let mark = dice.mostly(marks);
                let minutes = if mark == late { (2 + dice.roll(15)).to_string() } else { String::new() };
                rows.push(cells(day, child, lesson, mark, minutes));
            }
        }
    }
    rows
}

fn polish() -> Export {
    let people = children(26, "7", &mut Dice(301));
    let marks = ["obecny", "nieobecny", "spóźniony", "obecny"];
    let rows = lessons(302, &people, &marks, "spóźniony", |day, child, lesson, mark, minutes| {
        let group = CLASSES[(lesson + usize::from(day.2)) % CLASSES.len()];
        let lesson = (lesson + 1).to_string();
        vec![
            child.number.clone(),
            child.family.into(),
            written(day, "dot"),
            lesson,
            group.into(),
            mark.into(),
            minutes,
        ]
    });
    let captions = "Numer ucznia|Nazwisko|Data zajęć|Godzina lekcyjna|Grupa|Obecność|Minuty spóźnienia";
    Export {
        name: "register, Polish, bars between cells",
        file_name: "dziennik.txt",
        bytes: encoded(&file(captions, "|", rows), "utf-8-mark"),
        truth: vec![
            ("rows", "attendance"),
            ("separator", "|"),
            ("date_format", "dd.mm.yyyy"),
            ("codes", "own"),
            ("fields.learner", "Numer ucznia"),
            ("fields.date", "Data zajęć"),
            ("fields.period", "Godzina lekcyjna"),
            ("fields.group", "Grupa"),
            ("fields.mark", "Obecność"),
            ("fields.minutes_late", "Minuty spóźnienia"),
        ],
    }
}

/// Days since 30 December 1899, as a workbook saves them that was never told to show dates.
fn serial_days() -> Export {
    let people = children(26, "40", &mut Dice(303));
    let rows = lessons(304, &people, &["/", "L", "N", "I"], "L", |day, child, lesson, mark, minutes| {
        // The first of September 2026 has the number 46266.
        let before = [0, 30, 61, 91][usize::from(day.1) - 9];
        let number = 46_265 + before + u32::from(day.2);
        let half = if lesson < 3 { "Bore" } else { "Prynhawn" };
        let mark = if mark == "/" && lesson >= 3 { "\\" } else { mark };
        vec![child.number.clone(), number.to_string(), half.into(), mark.into(), minutes]
    });
    Export {
        name: "register, Welsh, days as numbers",
        file_name: "cofrestr.csv",
        bytes: encoded(&file("Rhif myfyriwr|Dyddiad|Hanner|Marc|Munudau hwyr", ",", rows), "utf-8"),
        truth: vec![
            ("rows", "attendance"),
            ("separator", ","),
            ("fields.learner", "Rhif myfyriwr"),
            ("fields.date", "Dyddiad"),
            ("fields.period", "Hanner"),
            ("fields.mark", "Marc"),
            ("fields.minutes_late", "Munudau hwyr"),
        ],
    }
}

/// Captions that say nothing, a birth date beside the day of the mark, and years of two digits.
fn no_words() -> Export {
    let people = children(30, "55", &mut Dice(305));
    let short = |date: (u16, u8, u8)| format!("{:02}/{:02}/{:02}", date.2, date.1, date.0 % 100);
    let rows = lessons(306, &people, &["/", "L", "N", "I", "M"], "", |day, child, lesson, mark, _| {
        let lesson = format!("P{}", lesson + 1);
        vec![short(child.born), child.number.clone(), short(day), lesson, mark.into()]
    });
    Export {
        name: "register, captions without words",
        file_name: "out.csv",
        bytes: encoded(&file("K1|K2|K3|K4|K5", ";", rows), "utf-8"),
        truth: vec![
            ("rows", "attendance"),
            ("separator", ";"),
            ("date_format", "dd/mm/yy"),
            ("codes", "ask"),
            ("fields.learner", "K2"),
            ("fields.date", "K3"),
            ("fields.period", "K4"),
            ("fields.mark", "K5"),
        ],
    }
}

/// The number of the examination beside the school's own, the row's number before both, and many UPNs with a wrong letter.
fn candidates() -> Export {
    let dice = &mut Dice(307);
    let people = children(44, "300", dice);
    let mut rows = Vec::new();
    for (place, child) in people.iter().enumerate() {
        let upn =
            if place % 5 == 0 { child.upn.replacen(&child.upn[..1], "S", 1) } else { child.upn.clone() };
        rows.push(vec![
            (place + 1).to_string(),
            format!("{:04}", 1001 + place),
            child.number.clone(),
            child.given.into(),
            child.family.into(),
            upn,
            child.uln.clone(),
            written(child.born, "slash"),
            written((2025, 9, 1 + (place % 27) as u8), "slash"),
        ]);
    }
    let captions = "Row|Cand. No.|Adno|Fname|Sname|UPN|ULN|D.O.B|Entry dt";
    Export {
        name: "roll, abbreviations and two numbers",
        file_name: "students.csv",
        bytes: encoded(&file(captions, ",", rows), "utf-8"),
        truth: vec![
            ("rows", "learners"),
            ("separator", ","),
            ("date_format", "dd/mm/yyyy"),
            ("fields.learner", "Adno"),
            ("fields.surname", "Sname"),
            ("fields.forename", "Fname"),
            ("fields.birth_date", "D.O.B"),
            ("fields.upn", "UPN"),
            ("fields.uln", "ULN"),
        ],
    }
}

/// Target, present grade and effort beside each other, for one subject a row; the tutor group is none of the teaching groups.
fn claims() -> Export {
    let dice = &mut Dice(308);
    let people = children(30, "61", dice);
    let mut rows = Vec::new();
    for (place, child) in people.iter().enumerate() {
        for subject in ["Law", "Film"] {
            rows.push(vec![
                child.number.clone(),
                ["12A", "12B", "12C"][place % 3].into(),
                subject.into(),
                dice.pick(&["A", "B", "C"]).into(),
                dice.pick(&["A", "B", "C", "D", "E", "U"]).into(),
                written((2026, 11, 2 + dice.roll(3) as u8 * 14 % 27), "slash"),
            ]);
        }
    }
    Export {
        name: "marksheet, two claims of a subject",
        file_name: "tracking.csv",
        bytes: encoded(&file("Student ID|Tutor Grp|Subj|Tgt|Latest|Captured on", ",", rows), "utf-8"),
        truth: vec![
            ("rows", "assessment"),
            ("separator", ","),
            ("date_format", "dd/mm/yyyy"),
            ("fields.learner", "Student ID"),
            ("fields.subject", "Subj"),
            ("fields.date", "Captured on"),
            ("result.scale", "ask"),
            ("result.kind.Tgt", "ask"),
            ("result.kind.Latest", "ask"),
        ],
    }
}

/// One column is the date and the time.
fn moments() -> Export {
    let people = children(26, "Q", &mut Dice(309));
    let rows = lessons(310, &people, &["present", "absent", "late"], "", |day, child, lesson, mark, _| {
        let at = |hour: usize| format!("{}T{:02}:05:00", written(day, "iso"), 9 + hour);
        let group = CLASSES[(lesson + usize::from(day.2)) % CLASSES.len()];
        vec![child.number.clone(), "JB02".into(), at(lesson), at(lesson + 1), group.into(), mark.into()]
    });
    Export {
        name: "register, moments in ISO",
        file_name: "slots.csv",
        bytes: encoded(&file("learner_code|staff_code|starts_at|ends_at|set|attendance", ",", rows), "utf-8"),
        truth: vec![
            ("rows", "attendance"),
            ("date_format", "iso"),
            ("codes", "own"),
            ("fields.learner", "learner_code"),
            ("fields.date", "starts_at"),
            ("fields.start", "starts_at"),
            ("fields.end", "ends_at"),
            ("fields.group", "set"),
            ("fields.mark", "attendance"),
        ],
    }
}

/// A list in an envelope, each of whose rows has a list of its own.
fn envelope() -> Export {
    let people = children(24, "80", &mut Dice(311));
    let dice = &mut Dice(312);
    let mut registers = Vec::new();
    for day in days(6) {
        for (from, to) in [("09:00", "09:50"), ("11:10", "12:00")] {
            let marks: Vec<String> = people
                .iter()
                .map(|child| {
                    let code = dice.mostly(&["present", "absent", "late"]);
                    format!(r#"{{"learner":{{"ref":"{}"}},"attendance":"{code}"}}"#, child.number)
                })
                .collect();
            registers.push(format!(
                r#"{{"date":"{}","begins":"{from}","finishes":"{to}","group":"{}","marks":[{}]}}"#,
                written(day, "iso"),
                CLASSES[usize::from(day.2) % CLASSES.len()],
                marks.join(",")
            ));
        }
    }
    let text = format!(
        r#"{{"made":"2026-10-01","sites":[{{"name":"north"}}],"data":{{"registers":[{}]}}}}"#,
        registers.join(",")
    );
    Export {
        name: "registers, JSON in an envelope",
        file_name: "registers.json",
        bytes: text.into_bytes(),
        truth: vec![
            ("rows", "attendance"),
            ("rows_at", "data.registers"),
            ("each", "marks"),
            ("date_format", "iso"),
            ("codes", "own"),
            ("fields.learner", "marks.learner.ref"),
            ("fields.date", "date"),
            ("fields.start", "begins"),
            ("fields.end", "finishes"),
            ("fields.group", "group"),
            ("fields.mark", "marks.attendance"),
        ],
    }
}

/// Months as words, with the day of the week before them; incidents of a whole year, on weekends too.
fn named_months() -> Export {
    let dice = &mut Dice(313);
    let people = children(30, "90", dice);
    let months = ["Sep", "Oct", "Nov", "Jan", "Mar", "Jun"];
    let mut rows = Vec::new();
    for place in 0..160 {
        let month = dice.roll(months.len());
        let year = if month < 3 { 2026 } else { 2027 };
        rows.push(vec![
            format!("I-{}", 2001 + place),
            people[dice.roll(people.len())].number.clone(),
            format!("{} {} {year}", 1 + dice.roll(28), months[month]),
            dice.pick(&["Fighting", "Swearing", "Vaping", "Theft"]).into(),
            dice.pick(&["Stage 1", "Stage 2"]).into(),
            dice.pick(&["Refectory", "Bus", "Yard"]).into(),
        ]);
    }
    Export {
        name: "incidents, months as words",
        file_name: "incidents.csv",
        bytes: encoded(
            &file("Incident Ref|Pupil No|Date of incident|Type|Severity|Loc", "\t", rows),
            "utf-8",
        ),
        truth: vec![
            ("rows", "behaviour"),
            ("separator", "tab"),
            ("date_format", "dd mmm yyyy"),
            ("fields.event", "Incident Ref"),
            ("fields.learner", "Pupil No"),
            ("fields.date", "Date of incident"),
            ("fields.label", "Type"),
            ("fields.category", "Type"),
            ("fields.location", "Loc"),
        ],
    }
}
