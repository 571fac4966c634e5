//! Data for pages: an invented partnership.

use commonroll_report::{
    Contact, Evacuation, GapRow, Gathering, LearnerReport, Line, Measure, ProgressSheet, Scale, SiteRow,
    SiteTrend, Subject, TravelRow, Visitor,
};

fn line(name: &str, text: &str) -> Line {
    Line { name: name.to_owned(), text: text.to_owned() }
}

pub fn sheet(sites: usize, courses: usize) -> ProgressSheet {
    let names = [
        "Fenwick High",
        "Harbour Sixth",
        "Kingsmead Academy",
        "Northgate College",
        "Ridgeway School",
        "St Aldhelm’s",
        "Tarn Community College",
        "Upper Vale Technical School",
        "Vale Sixth",
        "Westmoor",
        "Wren Park",
        "Yarrow Bridge Academy Trust Sixth Form",
    ];
    let subjects = [
        "Art and Design",
        "Engineering L3",
        "Further Maths",
        "Health and Social Care Extended Certificate",
        "Media L3",
        "Psychology",
        "Sport L3",
        "Textiles",
        "Travel and Tourism",
        "Uniformed Services",
        "Creative Digital Media Production",
        "Agriculture",
    ];
    let measure = |name: &str, figure: &str, unit: &str, note: &str| Measure {
        name: name.to_owned(),
        figure: figure.to_owned(),
        unit: unit.to_owned(),
        note: note.to_owned(),
    };
    let week = |site: usize, week: usize| 91.0 + ((site * 7 + week * 3) % 11) as f64 * 0.45;
    ProgressSheet {
        eyebrow: "Kingsmead Partnership · 7 September to 16 November 2026 · 6 sites".to_owned(),
        title: "Attendance is slipping on travel days".to_owned(),
        lead: "Engineering most: 5.7 points lower on days learners travel.".to_owned(),
        measures: vec![
            measure("Attendance", "93.8%", "", "31,204 of 33,267 lessons"),
            measure("Punctuality", "96.2%", "", "of lessons attended, in time"),
            measure("Gap to target", "−0.2", "grades", "412 compared, 37 not comparable"),
            measure("Still there", "97.1%", "", "1,284 placements begun"),
            measure("Registers in time", "91%", "", "within 10 minutes of the start"),
            measure("Freshness", "8", "seconds", "half are sooner after the end; 1 in 20 over 4 min"),
        ],
        weeks: (0..10).map(|week| format!("week {week}")).collect(),
        partnership: (0..10).map(|at| Some(93.0 + week(3, at) / 50.0)).collect(),
        trends: (0..sites)
            .map(|site| SiteTrend {
                name: names[site].to_owned(),
                weeks: (0..10)
                    .map(|at| (site != 5).then(|| week(site, at)).filter(|_| site != 2 || at != 4))
                    .collect(),
            })
            .collect(),
        travel: (0..courses)
            .map(|at| TravelRow {
                course: subjects[at].to_owned(),
                travel: (at != 7).then(|| 88.2 + at as f64 / 2.0),
                other: (at != 7).then_some(93.9),
            })
            .collect(),
        gaps: (0..courses)
            .map(|at| GapRow {
                course: subjects[at].to_owned(),
                mean: (at != 7).then(|| -0.7 + at as f64 / 7.0),
                note: if at == 2 { "3 not comparable".to_owned() } else { String::new() },
            })
            .collect(),
        columns: ["Attendance", "Punctuality", "Gap", "Still there", "Registers in time", "Freshness"]
            .map(str::to_owned)
            .to_vec(),
        sites: (0..sites)
            .map(|at| SiteRow {
                name: names[at].to_owned(),
                cells: ["92.9%", "95.8%", "−0.2", "98%", "88%", "2 min"].map(str::to_owned).to_vec(),
            })
            .collect(),
        definitions: commonroll_views::progress::definitions::ALL
            .iter()
            .map(|d| line(d.name, d.means))
            .collect(),
        left_off: String::new(),
        printed: "Printed by the lead, 17 November 2026, 08:00.".to_owned(),
    }
}

pub fn visitors(count: usize) -> Evacuation {
    let visitor = |at: usize| Visitor {
        name: format!(
            "{} {}",
            ["Immy", "Dan", "Priya", "Oluwaseun"][at % 4],
            ["Tarrant", "Aske", "Mistry", "Adeyemi-Whitcombe"][at % 4]
        ),
        home: ["Ridgeway School", "Harbour Sixth"][at % 2].to_owned(),
        state: ["Seen 09:03", "Late 10 min", "Not seen 09:10", "Unknown since 09:12"][at % 4].to_owned(),
        doubtful: at % 4 > 1,
    };
    Evacuation {
        site: "Northgate College".to_owned(),
        made: "Tuesday 17 November 2026, 09:41".to_owned(),
        printed_by: "the site’s attendance officer".to_owned(),
        gatherings: vec![
            Gathering {
                place: "E12, Engineering L3".to_owned(),
                time: "09:00 to 10:30".to_owned(),
                visitors: (0..count).map(visitor).collect(),
            },
            Gathering {
                place: "No lesson now".to_owned(),
                time: "seen here today".to_owned(),
                visitors: (0..count.min(2)).map(visitor).collect(),
            },
        ],
        phones: vec![line("Ridgeway School", "01632 960 210"), line("Harbour Sixth", "01632 960 340")],
        unknown: vec!["Harbour Sixth is silent since 09:12: who came from there isn’t known.".to_owned()],
    }
}

pub fn report(subjects: usize) -> LearnerReport {
    let scale = |grades: &[&str], now, target, words: &str| Scale {
        grades: grades.iter().map(|grade| (*grade).to_owned()).collect(),
        now,
        target,
        words: words.to_owned(),
    };
    let a_level = ["E", "D", "C", "B", "A", "A*"];
    let made = [
        (
            "Engineering",
            "Northgate College",
            "BTEC Extended Certificate",
            scale(&["P", "M", "D", "D*"], Some(1), Some(2), "1 grade below"),
            "33 of 37",
            "Hand in assignment 2 by 20 November. Come to every Thursday lesson.",
        ),
        (
            "Mathematics",
            "Ridgeway School",
            "A level",
            scale(&a_level, Some(4), Some(3), "1 grade above"),
            "All 27",
            "Start the harder mechanics questions.",
        ),
        (
            "Further Mathematics",
            "Harbour Sixth",
            "A level",
            scale(&a_level, Some(3), Some(3), "on target"),
            "All 26",
            "Keep doing one proof a week.",
        ),
        (
            "Physics",
            "Ridgeway School",
            "A level",
            scale(&a_level, Some(2), Some(3), "1 grade below"),
            "All 19",
            "Show each step, with units. Clinic on Mondays, 15:30.",
        ),
        (
            "Extended Project",
            "Ridgeway School",
            "EPQ, half an A level",
            scale(&a_level, None, Some(4), ""),
            "All 9",
            "Choose a question by 4 December.",
        ),
    ];
    LearnerReport {
        report: "Autumn report 2026, Year 12".to_owned(),
        name: "Imogen Tarrant".to_owned(),
        sub: "Form 12RD · Home school: Ridgeway School".to_owned(),
        home: "Ridgeway School".to_owned(),
        partners: "with Northgate and Harbour".to_owned(),
        lead: "Immy is doing well in Mathematics and Further Mathematics. Her Engineering grade has dropped since October, when she began to miss Thursday afternoons at Northgate.".to_owned(),
        subjects: made.iter().cycle().take(subjects).map(|(name, place, qualification, scale, lessons, next)| Subject {
            name: (*name).to_owned(), place: (*place).to_owned(), qualification: (*qualification).to_owned(),
            scale: scale.clone(), lessons: (*lessons).to_owned(), next: (*next).to_owned(),
        }).collect(),
        attendance: "114 of 118 lessons, 96.6%. 4 missed, all Engineering on Thursdays. Late 4 times.".to_owned(),
        attendance_note: "1 Further Maths lesson has no mark yet, so it isn’t counted either way.".to_owned(),
        praise: ["best gearbox drawing in the group", "helped two others", "effort in proof"].map(str::to_owned).to_vec(),
        concerns: ["assignment 2 is late", "Thursday lessons"].map(str::to_owned).to_vec(),
        next: "Mrs Okoro and Immy will meet on Thursday 19 November with her Engineering teacher.".to_owned(),
        contact: Some(Contact { who: "Mrs Okoro, head of sixth form".to_owned(), phone: "01632 960 210".to_owned() }),
        made: "Made 17 November 2026 from log entry 48,213.".to_owned(),
    }
}
