//! The stage: schools and a college that teach each other's learners, five weeks of marks, grades and notes, and a
//! Tuesday at 09:40 on which four learners were marked absent and are nowhere.

use crate::{
    again::{self, Again},
    kit::{Agent, TestClock, TestHub},
    people,
    school::{
        About, behaviour, declare, grade, group, id, learner, lesson, mark, minutes, record, teaches, text,
    },
};
use commonroll_core::{
    Record, SchoolDate, Timestamp,
    directory::{
        DateRange, DayDeclaration, Declaration, LessonDeclaration, NoticeDeclaration, NoticeKind,
        PlacementAcceptance, Registration, SupportDeclaration,
    },
    record::{
        assessment::GradeKind,
        attendance::Physical,
        behaviour::{Category, Polarity},
    },
};
use commonroll_hub::{Clock, Settings};
use jiff::{civil, tz::TimeZone};
use serde_json::json;
use std::path::Path;

/// How many learners Fenwick sends to the one lecture.
const LECTURE: usize = 300;
/// Days of marks before today.
const BEFORE: i32 = 35;

/// The hubs, which run until this is dropped, and what the browser is told of them.
pub struct Stage {
    _hubs: [TestHub; 5],
    _again: Again,
    _agents: Vec<Host>,
    _folder: tempfile::TempDir,
    pub told: serde_json::Value,
}

/// Everybody teaches at Northgate or St Aldhelm's; Merrow Hill came yesterday.
fn consortium() -> String {
    let school = |slug: &str, name: &str, kind: &str, phone: &str, desk: &str| {
        format!(
            "[[institution]]\nslug = \"{slug}\"\nname = \"{name}\"\ntype = \"{kind}\"\nphone = \"{phone}\"\ndesk = \"{desk}\"\n\n"
        )
    };
    let agreement = |id: &str, parties: &str| {
        format!(
            "[[agreement]]\nid = \"{id}\"\nversion = 1\nparties = [{parties}]\npurpose = \"shared teaching\"\nfirst_date = \"2020-01-01\"\n\
             last_date = \"2090-12-31\"\ncard = [\"identity\", \"emergency_contact\", \"needs\", \"presence_today\"]\n[agreement.kinds]\n\
             attendance = [\"presence\", \"source_code\"]\nassessment = [\"result\"]\n\
             behaviour = [\"event\", \"involvement\", \"share_safe_text\"]\n\n"
        )
    };
    let placement = |home: &str, host: &str, group: &str, learners: &[[String; 2]]| {
        let pairs: Vec<String> =
            learners.iter().map(|[ours, theirs]| format!("[\"{ours}\", \"{theirs}\"]")).collect();
        format!(
            "[[placement]]\nhome = \"{home}\"\nhost = \"{host}\"\ngroup = \"{group}\"\nfirst_date = \"2020-01-01\"\nlast_date = \"2090-12-31\"\n\
             learners = [{}]\n\n",
            pairs.join(", ")
        )
    };
    let pair =
        |home: char, host: char, number: usize| [format!("{home}{number}"), format!("{host}{home}{number}")];
    let numbers = |home, host, numbers: &[usize]| -> Vec<[String; 2]> {
        numbers.iter().map(|number| pair(home, host, *number)).collect()
    };
    let all: Vec<usize> = (1..=LECTURE).collect();
    [
        school("ridgeway", "Ridgeway School", "school", "01632 960 210", "Student office"),
        school("northgate", "Northgate College", "fe_college", "01632 960 144", "Sixth form desk"),
        school("st-aldhelm", "St Aldhelm’s School", "school", "01632 960 377", "Reception"),
        school("fenwick", "Fenwick Academy", "academy", "01632 960 500", "Attendance"),
        school("hollin", "Hollin Park School", "school", "01632 960 611", ""),
        school("merrow", "Merrow Hill School", "school", "", ""),
        agreement("shared-teaching", "\"ridgeway\", \"northgate\", \"st-aldhelm\""),
        agreement("lectures", "\"fenwick\", \"northgate\", \"hollin\""),
        placement("ridgeway", "northgate", "ENG3-A", &numbers('R', 'N', &[1, 2, 3, 4, 5, 6, 7, 8])),
        placement("st-aldhelm", "northgate", "ENG3-A", &numbers('A', 'N', &[1, 2, 3, 4])),
        placement("hollin", "northgate", "ENG3-A", &numbers('H', 'N', &[1])),
        placement("ridgeway", "st-aldhelm", "FM-1", &numbers('R', 'S', &[1, 3, 5, 9, 10, 11])),
        placement("fenwick", "northgate", "LEC-1", &numbers('F', 'N', &all)),
    ]
    .concat()
}

fn zone() -> TimeZone {
    TimeZone::get("Europe/London").unwrap()
}

/// The newest Tuesday whose 09:40 has been.
fn today() -> SchoolDate {
    let yesterday = TestClock::default().now().plus_micros(-86_400_000_000).date_in(&zone());
    days_before(yesterday, yesterday.civil().weekday().since(civil::Weekday::Tuesday).into())
}

fn at(date: SchoolDate, hour: i8, minute: i8) -> Timestamp {
    date.at(civil::time(hour, minute, 0, 0), &zone())
}

/// A clock that shows this moment.
pub fn showing(at: Timestamp) -> TestClock {
    let clock = TestClock::default();
    clock.set(at);
    clock
}

fn days_before(date: SchoolDate, days: i32) -> SchoolDate {
    SchoolDate::from_days(date.days() - days).unwrap()
}

/// A hub with its console, whose people stand in a demo's list.
pub async fn with_doors(begun: &TestHub, list: &str, folder: &Path) -> TestHub {
    let file = folder.join("people.toml");
    std::fs::write(&file, list).unwrap();
    begun.shutdown.cancel();
    begun
        .another(|settings| {
            settings.listen.console = Some("127.0.0.1:0".parse().unwrap());
            settings.demo_people = Some(file);
            settings.limits.pages_per_second = 10_000;
        })
        .await
}

/// Keeps the log in a folder.
pub fn stored(folder: &Path) -> impl FnOnce(&mut Settings) {
    let database = format!("sqlite:{}", folder.join("stage.db").display());
    move |settings| settings.database = database
}

/// What the browser is told of a hub.
pub fn told(hub: &TestHub, words: &[&'static str]) -> serde_json::Value {
    let people: serde_json::Map<_, _> =
        words.iter().enumerate().map(|(place, word)| ((*word).to_owned(), json!(place))).collect();
    json!({ "address": format!("https://localhost:{}", hub.addresses.console.unwrap().port()), "people": people })
}

/// Raises the hubs.
pub async fn raise() -> Stage {
    let (folder, today) = (tempfile::tempdir().unwrap(), today());
    let (day, dawn) = (folder.path().join("day"), folder.path().join("dawn"));
    std::fs::create_dir_all(&day).unwrap();
    let (again, shut) = (folder.path().join("again"), folder.path().join("shut"));
    for each in [&dawn, &again, &shut] {
        std::fs::create_dir_all(each).unwrap();
    }
    let only = "[[institution]]\nslug = \"ridgeway\"\nname = \"Ridgeway School\"\ntype = \"school\"\n";
    let begun = TestHub::begun(only, showing(at(today, 9, 40)), stored(&dawn)).await;
    let (words, list) = people::first_day(&begun).await;
    let dawn = [with_doors(&begun, &list, &dawn).await, begun];
    let dawn_told = told(&dawn[0], &words);

    let clock = showing(at(days_before(today, BEFORE + 1), 8, 0));
    let begun = TestHub::begun(&consortium(), clock, stored(&day)).await;
    let (words, list) = people::enrol(&begun).await;
    let day = [with_doors(&begun, &list, &day).await, begun];
    let agents = play(&day[0], today).await;
    let again = Again::raise(&again, at(today, 9, 40)).await;
    let (shut, shut_told) = again::shut_out(&shut, at(today, 9, 40)).await;
    let told = json!({
        "day": told(&day[0], &words), "dawn": dawn_told, "again": again.told, "shut": shut_told,
    });
    let ([day, first], [dawn, second]) = (day, dawn);
    Stage { _hubs: [day, first, dawn, second, shut], _again: again, _agents: agents, _folder: folder, told }
}

/// Five weeks and this morning; the agents that are still connected at the end.
async fn play(hub: &TestHub, today: SchoolDate) -> Vec<Host> {
    let aldhelm = hub.agent("st-aldhelm").await;
    let (fenwick, hollin) = (hub.agent("fenwick").await, hub.agent("hollin").await);
    let northgate = hub.agent("northgate").await;
    introduce(hub, [&northgate, &aldhelm, &fenwick, &hollin]).await;
    let (mut college, mut school) = (Host::open(northgate).await, Host::open(aldhelm).await);
    for back in (1..=BEFORE).rev() {
        let date = days_before(today, back);
        let day = date.civil().weekday();
        if matches!(day, civil::Weekday::Tuesday | civil::Weekday::Thursday) {
            let late = if back == 12 { 90 } else { 6 };
            college.lesson(hub, date, (9, 0, late)).await;
        }
        if matches!(day, civil::Weekday::Tuesday | civil::Weekday::Friday) {
            school.lesson(hub, date, (13, 30, 4)).await;
        }
        if back == 18 {
            college.say(hub, date, &college_said(&college.agent, date)).await;
            school.say(hub, date, &school_said(&school.agent, date)).await;
        }
    }
    // Certificates are for a short time: an agent that joins today is the one that is well today.
    hub.clock.set(at(today, 8, 0));
    let home = Host::open(hub.agent("ridgeway").await).await;
    declare(hub, &home.agent, ridgeways()).await;
    let speaker = hub.exchange.speaker(commonroll_exchange::AgentId(home.agent.id)).unwrap();
    hub.exchange.tell_sources(&speaker, people::sources(), hub.now()).await.unwrap();
    this_morning(hub, today, (&home.agent, &mut college, &school)).await;
    vec![college, school, home]
}

/// Names of everybody, what homes wrote for sharing, who teaches what.
async fn introduce(hub: &TestHub, [college, aldhelm, fenwick, hollin]: [&Agent; 4]) {
    let both = |letter: char, number: usize, name: [&str; 3]| {
        (
            learner(&format!("{letter}{number}"), Registration::Home, name),
            learner(&format!("N{letter}{number}"), Registration::Guest, name),
        )
    };
    let mut theirs = Vec::new();
    for (place, name) in people::RIDGEWAY.into_iter().enumerate().take(8) {
        theirs.push(both('R', place + 1, name).1);
    }
    let (mine, guests): (Vec<_>, Vec<_>) =
        people::ALDHELM.into_iter().enumerate().map(|(place, name)| both('A', place + 1, name)).unzip();
    theirs.extend(guests);
    let further = group("FM-1", "Further Mathematics", "Mathematics");
    // Two words for one subject, for whoever looks at how partners' data differ.
    let short = group("DR-1", "Drama workshop", "Engin.");
    declare(hub, aldhelm, mine.into_iter().chain([further, short]).collect()).await;
    let (mine, guests): (Vec<_>, Vec<_>) =
        (1..=LECTURE).map(|number| both('F', number, people::fenwick(number - 1))).unzip();
    theirs.extend(guests);
    declare(hub, fenwick, mine).await;
    let (mine, guest) = both('H', 1, people::HOLLIN);
    declare(hub, hollin, vec![mine]).await;
    theirs.push(guest);
    // The office knows no number of this one: it has to ask.
    theirs.push(learner("NX1", Registration::Guest, people::UNKNOWN));
    theirs.push(Declaration::Acceptance(PlacementAcceptance {
        learner: id("NX1"),
        home: "ridgeway".parse().unwrap(),
        group: Some(id("ENG3-B")),
        dates: DateRange::new("2020-01-01".parse().unwrap(), "2090-12-31".parse().unwrap()).unwrap(),
    }));
    theirs.extend([
        group("ENG3-A", "Engineering Level 3, group A", "Engineering"),
        group("ENG3-B", "Engineering Level 3, group B", "Engineering"),
        group("LEC-1", "Thursday lecture: materials and making", "Engineering"),
        teaches("T1", &["ENG3-A"]),
        teaches("T9", &["LEC-1", "ENG3-B"]),
    ]);
    declare(hub, college, theirs).await;
}

/// Ridgeway's learners, and what it wrote of two for sharing.
fn ridgeways() -> Vec<Declaration> {
    let learners = people::RIDGEWAY.into_iter().enumerate();
    let mut ours: Vec<Declaration> =
        learners.map(|(place, name)| learner(&format!("R{}", place + 1), Registration::Home, name)).collect();
    ours.push(learner("R40", Registration::Home, people::UNKNOWN));
    let needs = [
        (
            "R1",
            "Sit near the front: reads lips.\nExtra time in tests.",
            "First aid, then ring the student office.",
        ),
        ("R4", "Needs a quiet place for ten minutes after a fright.", "Ring the student office."),
    ];
    let last_date = SchoolDate::parse("date", "2090-01-01").unwrap();
    ours.extend(needs.map(|(of, needs, emergency)| {
        let (learner, needs, emergency) = (id(of), text(needs), text(emergency));
        Declaration::Support(SupportDeclaration { learner, needs, emergency, last_date })
    }));
    ours
}

/// A host that publishes.
struct Host {
    agent: Agent,
    stream: crate::kit::Publishing,
}

impl Host {
    async fn open(agent: Agent) -> Self {
        let stream = agent.publishing().await.unwrap();
        Self { agent, stream }
    }

    /// Says something at a lesson's end.
    async fn say(&mut self, hub: &TestHub, date: SchoolDate, records: &[Record]) {
        hub.clock.set(at(date, 16, 0));
        let batch = self.agent.batch(records);
        self.stream.ask(batch).await.unwrap();
    }

    /// A lesson of long ago: its hour, and minutes until its register was here.
    async fn lesson(&mut self, hub: &TestHub, date: SchoolDate, (hour, minute, until): (i8, i8, i64)) {
        let start = at(date, hour, minute);
        let college = self.agent.institution.as_str() == "northgate";
        let (group, length) = if college { ("ENG3-A", 90) } else { ("FM-1", 60) };
        let who: Vec<String> = match college {
            true => (1..=8)
                .map(|n| format!("NR{n}"))
                .chain((1..=4).map(|n| format!("NA{n}")))
                .chain(["NH1".to_owned()])
                .collect(),
            false => [1, 3, 5, 9, 10, 11].map(|n| format!("SR{n}")).to_vec(),
        };
        let marks: Vec<Record> = who
            .iter()
            .enumerate()
            .map(|(place, learner)| {
                let turn = date.days() as usize * 5 + place * 7;
                let (physical, late) = match turn % 17 {
                    0 => (Physical::Late, Some(8)),
                    1 | 2 if !college || place == 3 => (Physical::Absent, None),
                    3 => (Physical::Absent, None),
                    _ => (Physical::Present, None),
                };
                let key = format!("{group}-{date}-{learner}");
                let about =
                    About { learner, group, date, key: &key, recorded_at: start.plus_micros(300_000_000) };
                record(&self.agent, about, mark(physical, minutes(start, length), late))
            })
            .collect();
        hub.clock.set(start.plus_micros(until * 60_000_000));
        let batch = self.agent.batch(&marks);
        self.stream.ask(batch).await.unwrap();
    }
}

const A_LEVEL: (&str, &str) = ("gce-a-level", "2024");

/// Grades of everybody in Engineering, praise for one and a concern about another.
fn college_said(agent: &Agent, date: SchoolDate) -> Vec<Record> {
    let mut all = Vec::new();
    let recorded_at = at(date, 15, 0);
    for (place, now) in ["C", "B", "B", "D", "A", "C", "B", "E"].into_iter().enumerate() {
        let learner = format!("NR{}", place + 1);
        for (kind, given) in [(GradeKind::WorkingAt, now), (GradeKind::MinimumTarget, "B")] {
            let key = format!("{kind:?}-{learner}");
            let about = About { learner: &learner, group: "ENG3-A", date, key: &key, recorded_at };
            all.push(record(agent, about, grade(kind, A_LEVEL, "Engineering", given)));
        }
    }
    let good = behaviour(
        Polarity::Positive,
        Category::Achievement,
        "Good work",
        "Stayed with a gearbox until it turned.",
    );
    let bad = behaviour(
        Polarity::Negative,
        Category::WorkMissing,
        "Work not handed in",
        "Second drawing is missing. Please ask for it by Friday.",
    );
    for (learner, key, body) in [("NR1", "b1", good), ("NR4", "b2", bad)] {
        all.push(record(agent, About { learner, group: "ENG3-A", date, key, recorded_at }, body));
    }
    all
}

/// What St Aldhelm's says of learners whom Northgate teaches, too, and must never hear of.
fn school_said(agent: &Agent, date: SchoolDate) -> Vec<Record> {
    let recorded_at = at(date, 15, 0);
    let about = |key: &'static str| About { learner: "SR1", group: "FM-1", date, key, recorded_at };
    let bad = behaviour(
        Polarity::Negative,
        Category::LowLevelDisruption,
        "Left the room",
        "Walked out of a proof by induction.",
    );
    vec![
        record(agent, about("w1"), grade(GradeKind::WorkingAt, A_LEVEL, "Mathematics", "A")),
        record(agent, about("t1"), grade(GradeKind::MinimumTarget, A_LEVEL, "Mathematics", "A")),
        record(agent, about("b1"), bad),
    ]
}

/// Today's timetable and the first register: one is late, one is excused, one has no mark, and four are
/// absent: one stays so, the others are found by those who walk here.
async fn this_morning(hub: &TestHub, today: SchoolDate, (home, college, school): (&Agent, &mut Host, &Host)) {
    hub.clock.set(at(today, 8, 30));
    let at_college = [
        lesson("L1", "ENG3-A", minutes(at(today, 9, 0), 90), "C12"),
        lesson("L2", "ENG3-A", minutes(at(today, 11, 0), 60), "Workshop 2"),
        lesson("L3", "LEC-1", minutes(at(today, 11, 0), 60), "Great Hall"),
    ];
    let at_school = [lesson("M1", "FM-1", minutes(at(today, 13, 30), 60), "M4")];
    let day = |lessons: &[LessonDeclaration]| {
        Declaration::Day(DayDeclaration::new(today, false, None, lessons.to_vec()).unwrap())
    };
    declare(hub, &college.agent, vec![day(&at_college)]).await;
    declare(hub, &school.agent, vec![day(&at_school)]).await;
    let excused = NoticeDeclaration {
        local_id: id("X1"),
        learner: id("R7"),
        kind: NoticeKind::ExpectedAbsence,
        time: minutes(at(today, 8, 0), 150),
        withdrawn: false,
    };
    declare(hub, home, vec![Declaration::Notice(excused)]).await;
    let seen = ["NR1", "NA1", "NA2", "NA3", "NA4", "NH1"].map(|of| (of, Physical::Present, None));
    let absent = ["NR2", "NR4", "NR6", "NR8"].map(|of| (of, Physical::Absent, None));
    let late = [("NR5", Physical::Late, Some(10))];
    let recorded_at = at(today, 9, 7);
    let marks: Vec<Record> = seen
        .into_iter()
        .chain(absent)
        .chain(late)
        .map(|(learner, physical, late)| {
            let key = format!("L1-{learner}");
            let about = About { learner, group: "ENG3-A", date: today, key: &key, recorded_at };
            record(&college.agent, about, mark(physical, at_college[0].time, late))
        })
        .collect();
    hub.clock.set(at(today, 9, 12));
    let batch = college.agent.batch(&marks);
    college.stream.ask(batch).await.unwrap();
    hub.clock.set(at(today, 9, 40));
    hub.exchange.tick(hub.now()).await;
}
