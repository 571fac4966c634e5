//! Exports as sixteen invented systems would write them, each with what a person who knows it would put into the mapping.
//!
//! Written before the proposer, from other words than its own, and not changed to suit it. A truth of `ask` is something
//! that the file doesn't say: the proposer has to ask for it.

use super::world::{CLASSES, Child, Dice, children, days, encoded, written};

pub struct Export {
    pub name: &'static str,
    pub file_name: &'static str,
    pub bytes: Vec<u8>,
    /// Setting and what it should be.
    pub truth: Vec<(&'static str, &'static str)>,
}

/// How a system writes its files.
struct Hand {
    between: char,
    encoding: &'static str,
    titles: &'static [&'static str],
    line_end: &'static str,
}

const PLAIN: Hand = Hand { between: ',', encoding: "utf-8", titles: &[], line_end: "\r\n" };

impl Hand {
    fn write(&self, captions: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> Vec<u8> {
        let mut text = String::new();
        for title in self.titles {
            text.push_str(title);
            text.push_str(self.line_end);
        }
        let captions = captions.iter().map(|caption| (*caption).to_owned()).collect();
        for row in std::iter::once(captions).chain(rows) {
            let cells: Vec<String> = row
                .into_iter()
                .map(|cell| match cell.contains([self.between, '"', '\n']) {
                    true => format!("\"{}\"", cell.replace('"', "\"\"")),
                    false => cell,
                })
                .collect();
            text.push_str(&cells.join(&self.between.to_string()));
            text.push_str(self.line_end);
        }
        encoded(&text, self.encoding)
    }
}

fn s(text: impl ToString) -> String {
    text.to_string()
}

/// One row for each learner and day.
fn marks(
    learners: &[Child],
    count: usize,
    dice: &mut Dice,
    mut row: impl FnMut(&Child, (u16, u8, u8), usize, &mut Dice) -> Vec<String>,
) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for (place, day) in days(count).into_iter().enumerate() {
        for child in learners {
            rows.push(row(child, day, place, dice));
        }
    }
    rows
}

pub fn all() -> Vec<Export> {
    vec![
        register_english(),
        register_german(),
        register_welsh(),
        register_french(),
        register_college(),
        register_spanish(),
        results_long(),
        results_vocational(),
        marksheet(),
        marksheet_french(),
        conduct(),
        conduct_german(),
        roll(),
        roll_spanish(),
        teachers(),
        lessons(),
        visits(),
        courses(),
        register_undecided(),
        register_dutch(),
    ]
}

fn register_english() -> Export {
    let dice = &mut Dice(11);
    let people = children(34, "00", dice);
    let rows = marks(&people, 12, dice, |c, day, _, dice| {
        let half = ["AM", "PM"][dice.roll(2)];
        let code = dice.mostly(&["/", "\\", "L", "N", "I", "B", "M", "X"]);
        let late = if code == "L" { s(1 + dice.roll(25)) } else { s("") };
        let remark = if code == "M" { s("Dentist, back by eleven") } else { s("") };
        vec![
            c.number.clone(),
            c.upn.clone(),
            s(c.family),
            s(c.given),
            s(c.class),
            written(day, "slash"),
            s(half),
            s(code),
            late,
            remark,
        ]
    });
    let captions = [
        "Pupil Ref",
        "U.P.N.",
        "Legal Last Name",
        "Preferred First",
        "Teaching Grp",
        "Mark Made For",
        "Sess.",
        "Att. Mark",
        "Mins Past Bell",
        "Office Remark",
    ];
    Export {
        name: "register, English, AM and PM",
        file_name: "regout_0926.csv",
        bytes: Hand { encoding: "utf-8-mark", ..PLAIN }.write(&captions, rows),
        truth: vec![
            ("rows", "attendance"),
            ("separator", ","),
            ("date_format", "dd/mm/yyyy"),
            ("codes", "ENG-2024"),
            ("fields.learner", "Pupil Ref"),
            ("fields.group", "Teaching Grp"),
            ("fields.date", "Mark Made For"),
            ("fields.period", "Sess."),
            ("fields.mark", "Att. Mark"),
            ("fields.minutes_late", "Mins Past Bell"),
            ("fields.note", "Office Remark"),
        ],
    }
}

fn register_german() -> Export {
    let dice = &mut Dice(12);
    let people = children(26, "S-", dice);
    let hours = [("08:00", "08:45"), ("08:50", "09:35"), ("09:55", "10:40")];
    let rows = marks(&people, 9, dice, |c, day, place, dice| {
        let (from, to) = hours[place % 3];
        let code = dice.mostly(&["a", "f", "v", "e"]);
        let late = if code == "v" { s(2 + dice.roll(20)) } else { s("") };
        vec![
            written(day, "dot"),
            s(from),
            s(to),
            s(c.class),
            c.number.clone(),
            s(c.family),
            s(c.given),
            s(code),
            late,
        ]
    });
    let captions = [
        "Unterrichtstag",
        "Stundenbeginn",
        "Stundenende",
        "Kursgruppe",
        "Schülernr.",
        "Familienname",
        "Rufname",
        "Anwesenheitskürzel",
        "Verspätungsminuten",
    ];
    Export {
        name: "register, German, own letters",
        file_name: "fehlzeiten.txt",
        bytes: Hand { between: ';', encoding: "latin", ..PLAIN }.write(&captions, rows),
        truth: vec![
            ("rows", "attendance"),
            ("separator", ";"),
            ("encoding", "windows-1252"),
            ("date_format", "dd.mm.yyyy"),
            ("codes", "own"),
            ("fields.learner", "Schülernr."),
            ("fields.date", "Unterrichtstag"),
            ("fields.start", "Stundenbeginn"),
            ("fields.end", "Stundenende"),
            ("fields.group", "Kursgruppe"),
            ("fields.mark", "Anwesenheitskürzel"),
            ("fields.minutes_late", "Verspätungsminuten"),
        ],
    }
}

fn register_welsh() -> Export {
    let dice = &mut Dice(13);
    let people = children(22, "9", dice);
    let rows = marks(&people, 11, dice, |c, day, place, dice| {
        let code = dice.mostly(&["/", "L", "N", "M", "V"]);
        let late = if code == "L" { s(3 + dice.roll(9)) } else { s("") };
        vec![
            s(c.given),
            s(c.family),
            c.number.clone(),
            s(c.class),
            written(day, "iso"),
            s(1 + place % 5),
            s(code),
            late,
        ]
    });
    let captions = [
        "Enw'r Plentyn",
        "Cyfenw Teuluol",
        "Rhif y Dysgwr",
        "Set Addysgu",
        "Dyddiad Cofrestru",
        "Rhif Gwers",
        "Marc Presenoldeb",
        "Munudau Hwyr",
    ];
    Export {
        name: "register, Welsh, UTF-16",
        file_name: "presenoldeb.tsv",
        bytes: Hand { between: '\t', encoding: "utf-16", ..PLAIN }.write(&captions, rows),
        truth: vec![
            ("rows", "attendance"),
            ("separator", "tab"),
            ("encoding", "utf-16le"),
            ("date_format", "iso"),
            ("codes", "ENG-2024"),
            ("fields.learner", "Rhif y Dysgwr"),
            ("fields.group", "Set Addysgu"),
            ("fields.date", "Dyddiad Cofrestru"),
            ("fields.period", "Rhif Gwers"),
            ("fields.mark", "Marc Presenoldeb"),
            ("fields.minutes_late", "Munudau Hwyr"),
        ],
    }
}

fn register_french() -> Export {
    let dice = &mut Dice(14);
    let people = children(24, "E", dice);
    let rows = marks(&people, 10, dice, |c, day, place, dice| {
        let hour = 8 + place % 4;
        let word = dice.mostly(&["Présent", "Absent", "En retard", "Dispensé"]);
        let late = if word == "En retard" { s(5 * (1 + dice.roll(4))) } else { s("") };
        vec![
            c.number.clone(),
            format!("{} {}", c.family, c.given),
            s(c.class),
            written(day, "slash"),
            format!("{hour:02}:05"),
            s(55),
            s(word),
            late,
        ]
    });
    let captions = [
        "matricule_apprenant",
        "nom_complet",
        "groupe_pedagogique",
        "jour_cours",
        "heure_debut_cours",
        "duree_min",
        "etat_presence",
        "minutes_retard",
    ];
    Export {
        name: "register, French, marks as words",
        file_name: "appel.csv",
        bytes: Hand { between: ';', encoding: "utf-8", line_end: "\n", ..PLAIN }.write(&captions, rows),
        truth: vec![
            ("rows", "attendance"),
            ("separator", ";"),
            ("date_format", "dd/mm/yyyy"),
            ("codes", "own"),
            ("fields.learner", "matricule_apprenant"),
            ("fields.group", "groupe_pedagogique"),
            ("fields.date", "jour_cours"),
            ("fields.start", "heure_debut_cours"),
            ("fields.minutes", "duree_min"),
            ("fields.mark", "etat_presence"),
            ("fields.minutes_late", "minutes_retard"),
        ],
    }
}

fn register_college() -> Export {
    let dice = &mut Dice(15);
    let people = children(30, "3000", dice);
    let rows = marks(&people, 10, dice, |c, day, place, dice| {
        let code = dice.mostly(&["/", "O", "L", "R", "~", "W"]);
        let late = if code == "L" { s(4 + dice.roll(30)) } else { s(0) };
        let hour = 9 + place % 3;
        vec![
            s(880_100 + place),
            c.number.clone(),
            c.uln.clone(),
            s(c.class),
            written(day, "run"),
            format!("{hour:02}:00"),
            format!("{:02}:30", hour + 1),
            s(code),
            late,
            format!("{}T{:02}:07:31Z", written(day, "iso"), hour),
        ]
    });
    let captions = [
        "REG_EVT_NO",
        "STU_REF",
        "UNIQ_LRN_NO",
        "CRS_OCC_CD",
        "EVT_DT",
        "EVT_ST_TM",
        "EVT_FIN_TM",
        "USAGE_CD",
        "LATE_MINS",
        "KEYED_AT",
    ];
    Export {
        name: "register, college, usage codes",
        file_name: "EBS_EXTRACT.CSV",
        bytes: PLAIN.write(&captions, rows),
        truth: vec![
            ("rows", "attendance"),
            ("separator", ","),
            ("date_format", "yyyymmdd"),
            ("codes", "own"),
            ("fields.learner", "STU_REF"),
            ("fields.group", "CRS_OCC_CD"),
            ("fields.date", "EVT_DT"),
            ("fields.start", "EVT_ST_TM"),
            ("fields.end", "EVT_FIN_TM"),
            ("fields.mark", "USAGE_CD"),
            ("fields.minutes_late", "LATE_MINS"),
            ("fields.recorded_at", "KEYED_AT"),
        ],
    }
}

fn register_spanish() -> Export {
    let dice = &mut Dice(16);
    let people = children(21, "A", dice);
    let rows = marks(&people, 9, dice, |c, day, place, dice| {
        let word = dice.mostly(&["Asiste", "Falta", "Retraso"]);
        let hour = 9 + place % 3;
        vec![
            s(c.family),
            s(c.given),
            c.number.clone(),
            s(c.class),
            written(day, "slash"),
            format!("{hour}:15"),
            format!("{}:10", hour + 1),
            s(word),
            if word == "Falta" { s("Aviso a la familia") } else { s("") },
        ]
    });
    let captions = [
        "Primer apellido",
        "Nombre de pila",
        "Nº de expediente",
        "Grupo lectivo",
        "Fecha de la clase",
        "Comienza",
        "Termina",
        "Tipo de asistencia",
        "Observaciones",
    ];
    let titles = &["Instituto de Prueba;;", "Parte de faltas de asistencia", ""];
    Export {
        name: "register, Spanish, title rows",
        file_name: "parte.csv",
        bytes: Hand { between: ';', encoding: "latin", titles, ..PLAIN }.write(&captions, rows),
        truth: vec![
            ("rows", "attendance"),
            ("separator", ";"),
            ("encoding", "windows-1252"),
            ("title_rows", "2"),
            ("date_format", "dd/mm/yyyy"),
            ("codes", "own"),
            ("fields.learner", "Nº de expediente"),
            ("fields.group", "Grupo lectivo"),
            ("fields.date", "Fecha de la clase"),
            ("fields.start", "Comienza"),
            ("fields.end", "Termina"),
            ("fields.mark", "Tipo de asistencia"),
            ("fields.note", "Observaciones"),
        ],
    }
}

fn results_long() -> Export {
    let dice = &mut Dice(17);
    let people = children(28, "L", dice);
    let mut rows = Vec::new();
    for child in &people {
        for (subject, round) in
            [("Chemistry", "Y12 Autumn 2"), ("Chemistry", "Y12 Spring 1"), ("Sociology", "Y12 Autumn 2")]
        {
            let day = if round.ends_with('2') { (2026, 11, 20) } else { (2027, 1, 29) };
            let grade = dice.pick(&["A*", "A", "B", "B", "C", "C", "D", "E", "U"]);
            rows.push(vec![
                s(child.family),
                s(child.given),
                child.number.clone(),
                s(subject),
                s(round),
                s("Working At"),
                s(grade),
                written(day, "iso"),
                s("Keep going with past papers"),
            ]);
        }
    }
    let captions = [
        "Sname",
        "Fname",
        "LearnerCode",
        "CourseSubject",
        "DataCaptureRound",
        "WhatItIs",
        "AwardedGrade",
        "GradeEnteredOn",
        "TeacherFeedback",
    ];
    Export {
        name: "results, one a row, A level",
        file_name: "trackingpoints.csv",
        bytes: PLAIN.write(&captions, rows),
        truth: vec![
            ("rows", "assessment"),
            ("separator", ","),
            ("date_format", "iso"),
            ("fields.learner", "LearnerCode"),
            ("fields.subject", "CourseSubject"),
            ("fields.result_set", "DataCaptureRound"),
            ("fields.kind", "WhatItIs"),
            ("fields.grade", "AwardedGrade"),
            ("fields.date", "GradeEnteredOn"),
            ("fields.scale", "=gce-a-level"),
            ("fields.comment", "TeacherFeedback"),
        ],
    }
}

fn results_vocational() -> Export {
    let dice = &mut Dice(18);
    let people = children(25, "V", dice);
    let mut rows = Vec::new();
    for child in &people {
        for unit in ["Unit 1 Principles of Applied Science", "Unit 3 Science Investigation Skills"] {
            let grade = dice.pick(&["Distinction", "Merit", "Merit", "Pass", "Distinction*"]);
            rows.push(vec![
                child.number.clone(),
                s(child.class),
                s(unit),
                s(grade),
                written((2026, 12, 1 + dice.roll(18) as u8), "slash"),
            ]);
        }
    }
    let captions = ["Enrolment No", "Class Code", "Unit Taken", "Outcome Awarded", "Signed Off"];
    Export {
        name: "results, vocational units",
        file_name: "unit_outcomes.csv",
        bytes: Hand { between: '\t', ..PLAIN }.write(&captions, rows),
        truth: vec![
            ("rows", "assessment"),
            ("separator", "tab"),
            ("date_format", "dd/mm/yyyy"),
            ("fields.learner", "Enrolment No"),
            ("fields.group", "Class Code"),
            ("fields.title", "Unit Taken"),
            ("fields.grade", "Outcome Awarded"),
            ("fields.date", "Signed Off"),
            ("fields.scale", "ask"),
            ("fields.kind", "ask"),
        ],
    }
}

fn marksheet() -> Export {
    let dice = &mut Dice(19);
    let people = children(31, "0", dice);
    let rows = people.iter().map(|c| {
        let mut row = vec![c.number.clone(), format!("{}, {}", c.family, c.given), c.upn.clone()];
        row.extend((0..3).map(|_| s(dice.pick(&["9", "8", "7", "6", "6", "5", "5", "4", "3", "U"]))));
        row
    });
    let rows: Vec<_> = rows.collect();
    let captions =
        ["Adm. Number", "Whole Name", "UPN", "English Language Mock", "Mathematics Mock", "Geography Mock"];
    Export {
        name: "marksheet, grades side by side",
        file_name: "y11 marksheet.csv",
        bytes: PLAIN.write(&captions, rows),
        truth: vec![
            ("rows", "assessment"),
            ("separator", ","),
            ("fields.learner", "Adm. Number"),
            ("fields.date", "ask"),
            ("result.English Language Mock", "gcse-9-1 mock"),
            ("result.Mathematics Mock", "gcse-9-1 mock"),
            ("result.Geography Mock", "gcse-9-1 mock"),
        ],
    }
}

fn marksheet_french() -> Export {
    let dice = &mut Dice(20);
    let people = children(27, "F", dice);
    let rows: Vec<_> = people
        .iter()
        .map(|c| {
            let mut row = vec![s(c.family), s(c.given), c.number.clone(), s(c.class)];
            row.extend((0..3).map(|_| s(4 + dice.roll(17))));
            row
        })
        .collect();
    let captions = [
        "Nom de famille",
        "Prénom",
        "Identifiant élève",
        "Classe suivie",
        "Note Chimie",
        "Note Anglais",
        "Note Histoire",
    ];
    Export {
        name: "marksheet, French, marks out of 20",
        file_name: "bulletin.csv",
        bytes: Hand { between: ';', encoding: "latin", ..PLAIN }.write(&captions, rows),
        truth: vec![
            ("rows", "assessment"),
            ("separator", ";"),
            ("encoding", "windows-1252"),
            ("fields.learner", "Identifiant élève"),
            ("fields.group", "Classe suivie"),
            ("fields.date", "ask"),
            ("result.Note Chimie", "ask"),
            ("result.Note Anglais", "ask"),
            ("result.Note Histoire", "ask"),
        ],
    }
}

fn conduct() -> Export {
    let dice = &mut Dice(21);
    let people = children(30, "77", dice);
    let mut rows = Vec::new();
    for (place, day) in days(25).into_iter().cycle().take(110).enumerate() {
        let child = &people[dice.roll(people.len())];
        let what = dice.pick(&["Disruption", "Defiance", "Homework not done", "Verbal abuse", "Truancy"]);
        rows.push(vec![
            s(50_441 + place),
            child.number.clone(),
            s(child.family),
            written(day, "slash"),
            format!("{:02}:{:02}", 9 + dice.roll(6), dice.roll(60)),
            s(what),
            s(dice.pick(&["Classroom", "Corridor", "Dining hall"])),
            s(dice.mostly(&["Aggressor", "Target", "Witness"])),
            s(1 + dice.roll(3)),
            s(dice.pick(&["Detention", "Phone call home", "Reprimand"])),
            s(dice.pick(&["Resolved", "Unresolved"])),
            s("Repeatedly off task and would not move when asked to"),
        ]);
    }
    let captions = [
        "Incdt No",
        "Stdnt ID",
        "Stdnt Surname",
        "Happened On",
        "Clock Time",
        "Sort Of Incident",
        "Whereabouts",
        "Part Played",
        "Pts Given",
        "Sanction Set",
        "Case State",
        "Staff Only Narrative",
    ];
    Export {
        name: "behaviour, English",
        file_name: "incidents_autumn.csv",
        bytes: PLAIN.write(&captions, rows),
        truth: vec![
            ("rows", "behaviour"),
            ("separator", ","),
            ("date_format", "dd/mm/yyyy"),
            ("fields.event", "Incdt No"),
            ("fields.learner", "Stdnt ID"),
            ("fields.date", "Happened On"),
            ("fields.time", "Clock Time"),
            ("fields.label", "Sort Of Incident"),
            ("fields.location", "Whereabouts"),
            ("fields.role", "Part Played"),
            ("fields.points", "Pts Given"),
            ("fields.action", "Sanction Set"),
            ("fields.status", "Case State"),
            ("fields.internal_comment", "Staff Only Narrative"),
            ("fields.polarity", "ask"),
            ("fields.category", "Sort Of Incident"),
            ("sort.category.Disruption", "low_level_disruption"),
            ("sort.category.Defiance", "defiance"),
            ("sort.category.Homework not done", "work_missing"),
            ("sort.category.Verbal abuse", "verbal_abuse"),
            ("sort.category.Truancy", "truancy"),
        ],
    }
}

fn conduct_german() -> Export {
    let dice = &mut Dice(22);
    let people = children(20, "G", dice);
    let mut rows = Vec::new();
    for day in days(30).into_iter().cycle().take(90) {
        let child = &people[dice.roll(people.len())];
        let good = dice.roll(2) == 0;
        let (way, what) = match good {
            true => ("Lob", dice.pick(&["Hilfsbereitschaft", "Besondere Leistung"])),
            false => ("Tadel", dice.pick(&["Störung", "Hausaufgaben fehlen"])),
        };
        rows.push(vec![
            written(day, "dot"),
            child.number.clone(),
            s(way),
            s(what),
            s("Gespräch am selben Tag geführt, Eltern informiert"),
        ]);
    }
    let captions =
        ["Vorfallsdatum", "Schülerkennung", "Lob oder Tadel", "Verhaltensart", "Interne Bemerkung"];
    Export {
        name: "behaviour, German, praise and blame",
        file_name: "klassenbuch.csv",
        bytes: Hand { between: ';', encoding: "utf-8-mark", ..PLAIN }.write(&captions, rows),
        truth: vec![
            ("rows", "behaviour"),
            ("separator", ";"),
            ("date_format", "dd.mm.yyyy"),
            ("fields.date", "Vorfallsdatum"),
            ("fields.learner", "Schülerkennung"),
            ("fields.polarity", "Lob oder Tadel"),
            ("fields.label", "Verhaltensart"),
            ("fields.internal_comment", "Interne Bemerkung"),
            ("fields.category", "Verhaltensart"),
            ("sort.category.Hilfsbereitschaft", "engagement_positive"),
            ("sort.category.Besondere Leistung", "achievement"),
            ("sort.category.Störung", "low_level_disruption"),
            ("sort.category.Hausaufgaben fehlen", "work_missing"),
        ],
    }
}

fn roll() -> Export {
    let dice = &mut Dice(23);
    let people = children(60, "00", dice);
    let rows: Vec<_> = people
        .iter()
        .map(|c| {
            vec![
                c.number.clone(),
                c.upn.clone(),
                c.uln.clone(),
                s(c.family),
                s(c.given),
                s(c.given),
                written(c.born, "slash"),
                s(dice.mostly(&["C", "G", "M"])),
                s(12),
            ]
        })
        .collect();
    let captions = [
        "AdmNo",
        "UPNumber",
        "LearnerNumberUnique",
        "LegalSname",
        "LegalFname",
        "KnownBy",
        "BornOn",
        "EnrolStat",
        "NCYear",
    ];
    Export {
        name: "learners, English",
        file_name: "sixth form roll.csv",
        bytes: PLAIN.write(&captions, rows),
        truth: vec![
            ("rows", "learners"),
            ("separator", ","),
            ("date_format", "dd/mm/yyyy"),
            ("fields.learner", "AdmNo"),
            ("fields.upn", "UPNumber"),
            ("fields.uln", "LearnerNumberUnique"),
            ("fields.surname", "LegalSname"),
            ("fields.forename", "LegalFname"),
            ("fields.known_as", "KnownBy"),
            ("fields.birth_date", "BornOn"),
            ("fields.registration", "EnrolStat"),
        ],
    }
}

fn roll_spanish() -> Export {
    let dice = &mut Dice(24);
    let people = children(45, "M", dice);
    let rows: Vec<_> = people
        .iter()
        .map(|c| vec![s(c.family), s(c.given), written(c.born, "iso-t"), c.number.clone()])
        .collect();
    let captions = ["APELLIDOS_ALU", "NOMBRE_ALU", "FECHA_NAC", "NUM_MATRICULA"];
    Export {
        name: "learners, Spanish",
        file_name: "alumnado.csv",
        bytes: Hand { between: ';', encoding: "utf-8", ..PLAIN }.write(&captions, rows),
        truth: vec![
            ("rows", "learners"),
            ("separator", ";"),
            ("date_format", "iso"),
            ("fields.learner", "NUM_MATRICULA"),
            ("fields.surname", "APELLIDOS_ALU"),
            ("fields.forename", "NOMBRE_ALU"),
            ("fields.birth_date", "FECHA_NAC"),
        ],
    }
}

fn teachers() -> Export {
    let dice = &mut Dice(25);
    let initials = ["ABR", "CKO", "DLE", "FHA", "GNC", "HPR", "JQU"];
    let rows: Vec<_> = (0..40)
        .map(|place| {
            vec![s(initials[place % 7]), s(CLASSES[dice.roll(5)]), s(["Ms", "Mr", "Dr"][place % 7 % 3])]
        })
        .collect();
    let captions = ["Teacher Initials", "Class Taught", "Hon."];
    Export {
        name: "staff and their groups",
        file_name: "who teaches what.csv",
        bytes: PLAIN.write(&captions, rows),
        truth: vec![
            ("rows", "staff"),
            ("separator", ","),
            ("fields.staff", "Teacher Initials"),
            ("fields.group", "Class Taught"),
        ],
    }
}

fn lessons() -> Export {
    let dice = &mut Dice(26);
    let mut rows = Vec::new();
    for (place, day) in days(15).into_iter().enumerate() {
        for slot in 0..4 {
            rows.push(vec![
                s(7000 + place * 4 + slot),
                s(CLASSES[(place + slot) % 5]),
                written(day, "iso"),
                format!("{:02}:10", 9 + slot),
                format!("{:02}:05", 10 + slot),
                format!("R{}", 10 + dice.roll(6)),
                s(["No", "No", "No", "No", "Yes"][dice.roll(5)]),
            ]);
        }
    }
    let captions = ["Lsn Key", "Set Code", "Taking Place", "Kicks Off", "Wraps Up", "Rm", "Called Off?"];
    Export {
        name: "timetable, lessons",
        file_name: "tt_dates.csv",
        bytes: PLAIN.write(&captions, rows),
        truth: vec![
            ("rows", "timetable"),
            ("separator", ","),
            ("date_format", "iso"),
            ("fields.lesson", "Lsn Key"),
            ("fields.group", "Set Code"),
            ("fields.date", "Taking Place"),
            ("fields.start", "Kicks Off"),
            ("fields.end", "Wraps Up"),
            ("fields.room", "Rm"),
            ("fields.cancelled", "Called Off?"),
        ],
    }
}

fn visits() -> Export {
    let dice = &mut Dice(27);
    let people = children(33, "00", dice);
    let rows: Vec<_> = people
        .iter()
        .map(|c| {
            vec![
                c.number.clone(),
                s(dice.pick(&["northgate", "fenwick"])),
                s(c.class),
                written((2026, 9, 7), "slash"),
                written((2027, 7, 16), "slash"),
            ]
        })
        .collect();
    let captions = ["Our Pupil No", "Receiving Centre", "Their Course Set", "Attends From", "Attends Until"];
    Export {
        name: "placements",
        file_name: "off site learners.csv",
        bytes: PLAIN.write(&captions, rows),
        truth: vec![
            ("rows", "placements"),
            ("separator", ","),
            ("date_format", "dd/mm/yyyy"),
            ("fields.learner", "Our Pupil No"),
            ("fields.host", "Receiving Centre"),
            ("fields.group", "Their Course Set"),
            ("fields.first_date", "Attends From"),
            ("fields.last_date", "Attends Until"),
        ],
    }
}

fn courses() -> Export {
    let rows: Vec<_> = CLASSES
        .iter()
        .zip([
            "Chemistry, second year",
            "Applied Science",
            "Further Mathematics",
            "Engineering",
            "Health and Care",
        ])
        .zip(["Chemistry", "Science", "Mathematics", "Engineering", "Health"])
        .map(|((class, title), subject)| vec![s(class), s(title), s(subject)])
        .collect();
    let captions = ["Grp Code", "Full Course Name", "Subj Area"];
    Export {
        name: "groups",
        file_name: "sets.csv",
        bytes: PLAIN.write(&captions, rows),
        truth: vec![
            ("rows", "groups"),
            ("separator", ","),
            ("fields.group", "Grp Code"),
            ("fields.course_title", "Full Course Name"),
            ("fields.subject", "Subj Area"),
        ],
    }
}

/// A week in early October: nothing in it says whether the day or the month stands first.
fn register_undecided() -> Export {
    let dice = &mut Dice(28);
    let people = children(25, "6", dice);
    let mut rows = Vec::new();
    for day in 5..10 {
        for c in &people {
            rows.push(vec![
                c.number.clone(),
                written((2026, 10, day), "slash"),
                s(dice.pick(&["1", "2", "3"])),
                s(dice.mostly(&["/", "N", "L", "I"])),
            ]);
        }
    }
    let captions = ["Learner Key", "On Date", "Pd", "Reg Mark"];
    Export {
        name: "register, a week that could be US dates",
        file_name: "week.csv",
        bytes: PLAIN.write(&captions, rows),
        truth: vec![
            ("rows", "attendance"),
            ("separator", ","),
            ("date_format", "ask"),
            ("codes", "ENG-2024"),
            ("fields.learner", "Learner Key"),
            ("fields.date", "On Date"),
            ("fields.period", "Pd"),
            ("fields.mark", "Reg Mark"),
        ],
    }
}

/// A language that the proposer was never taught: values must do.
fn register_dutch() -> Export {
    let dice = &mut Dice(29);
    let people = children(23, "L", dice);
    let rows = marks(&people, 10, dice, |c, day, place, dice| {
        let hour = 9 + place % 3;
        vec![
            c.number.clone(),
            s(c.given),
            s(c.family),
            s(c.class),
            written(day, "iso"),
            format!("{hour:02}:00"),
            format!("{hour:02}:50"),
            s(dice.mostly(&["/", "L", "N", "I"])),
        ]
    });
    let captions = [
        "Leerlingnummer",
        "Voornaam",
        "Achternaam",
        "Lesgroep",
        "Lesdatum",
        "Aanvang",
        "Afloop",
        "Verzuimkode",
    ];
    Export {
        name: "register, Dutch, never taught",
        file_name: "verzuim.csv",
        bytes: Hand { between: ';', ..PLAIN }.write(&captions, rows),
        truth: vec![
            ("rows", "attendance"),
            ("separator", ";"),
            ("date_format", "iso"),
            ("codes", "ENG-2024"),
            ("fields.learner", "Leerlingnummer"),
            ("fields.group", "Lesgroep"),
            ("fields.date", "Lesdatum"),
            ("fields.start", "Aanvang"),
            ("fields.end", "Afloop"),
            ("fields.mark", "Verzuimkode"),
        ],
    }
}
