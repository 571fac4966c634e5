//! A teacher's group and a learner's page, in bytes: what is on them, for whom, and what must never be.

use crate::{
    browser::{Answer, Browser, with_console},
    kit::{Agent, Person, TestHub},
    school::{
        About, behaviour, declare, grade, group, id, learner, lesson, mark, minutes, record, teaches, text,
    },
};
use commonroll_core::{
    Body, Record, Role, SchoolDate, Timestamp,
    directory::{DayDeclaration, Declaration, Registration, SupportDeclaration},
    record::{
        assessment::GradeKind,
        attendance::Physical,
        behaviour::{Category, Polarity},
    },
};
use jiff::tz::TimeZone;

/// Two homes with learners in a college's group, under an agreement that shares cards and every kind of record.
const CONSORTIUM: &str = r#"
[[institution]]
slug = "ridgeway"
name = "Ridgeway School"
type = "school"
phone = "01632 960 210"
desk = "Student office"

[[institution]]
slug = "northgate"
name = "Northgate College"
type = "fe_college"

[[agreement]]
id = "shared-teaching"
version = 1
parties = ["ridgeway", "northgate"]
purpose = "shared teaching"
first_date = "2020-01-01"
last_date = "2090-12-31"
card = ["identity", "emergency_contact", "needs", "presence_today"]
[agreement.kinds]
attendance = ["presence", "source_code"]
assessment = ["result"]
behaviour = ["event", "involvement", "share_safe_text"]

[[placement]]
home = "ridgeway"
host = "northgate"
group = "ENG-1"
first_date = "2020-01-01"
last_date = "2090-12-31"
learners = [["R1", "N1"]]

[[placement]]
home = "ridgeway"
host = "northgate"
group = "ART-1"
first_date = "2020-01-01"
last_date = "2090-12-31"
learners = [["R2", "N2"]]
"#;

/// A name that a page could break on.
const NAME: &str = "Imogen<script>alert(1)</script>";

pub struct School {
    pub hub: TestHub,
    /// Of the host, who lets its people in.
    pub manager: Person,
    pub teacher: Person,
    pub colleague: Person,
    pub head: Person,
    pub officer: Person,
}

fn known(local: &str, registration: Registration, forename: &str, known_as: &str) -> Declaration {
    learner(local, registration, [forename, known_as, "Tarrant"])
}

fn of(agent: &Agent, date: SchoolDate, key: &str, body: Body) -> Record {
    let recorded_at = Timestamp::from_micros("recorded_at", 1_789_000_000_000_000).unwrap();
    record(agent, About { learner: "N1", group: "ENG-1", date, key, recorded_at }, body)
}

fn marks(agent: &Agent, today: SchoolDate) -> Vec<Record> {
    let made = |back: i32, physical| {
        let date = SchoolDate::from_days(today.days() - back).unwrap();
        let start = date.at(jiff::civil::time(9, 0, 0, 0), &TimeZone::UTC);
        of(agent, date, &format!("m{back}"), mark(physical, minutes(start, 60), None))
    };
    let absent = [7, 14, 21].map(|back| made(back, Physical::Absent));
    let present = [0, 28, 35, 42].map(|back| made(back, Physical::Present));
    absent.into_iter().chain(present).collect()
}

fn graded(agent: &Agent, date: SchoolDate, kind: GradeKind, given: &str) -> Record {
    let body = grade(kind, ("gce-a-level", "2024"), "Engineering", given);
    of(agent, date, &format!("{kind:?}"), body)
}

fn praise(agent: &Agent, date: SchoolDate) -> Record {
    let said = "Stayed with a gearbox until it turned.";
    of(agent, date, "b1", behaviour(Polarity::Positive, Category::Achievement, "Good work", said))
}

pub async fn school() -> School {
    let hub = TestHub::of(CONSORTIUM, with_console).await;
    let zone = TimeZone::get("Europe/London").unwrap();
    let today = hub.now().date_in(&zone);
    let (home, mut host) = (hub.agent("ridgeway").await, hub.agent("northgate").await);
    let support = SupportDeclaration {
        learner: id("R1"),
        needs: text("Sit near the front: reads lips."),
        emergency: text("First aid, then ring the student office"),
        last_date: SchoolDate::from_days(today.days() + 30).unwrap(),
    };
    declare(
        &hub,
        &home,
        vec![
            known("R1", Registration::Home, NAME, "Immy"),
            known("R2", Registration::Home, "Zachary", "Zac"),
            Declaration::Support(support),
        ],
    )
    .await;
    // Just after midnight the lesson of now began with the day.
    let start = hub.now().plus_micros(-600_000_000).max(today.start(&zone));
    let lesson = lesson("L1", "ENG-1", minutes(start, 60), "C12");
    declare(
        &hub,
        &host,
        vec![
            known("N1", Registration::Guest, NAME, "Immy"),
            known("N2", Registration::Guest, "Zachary", "Zac"),
            group("ENG-1", "Engineering Level 3, group A", "Engineering"),
            group("ART-1", "Art", "Engineering"),
            teaches("T1", &["ENG-1"]),
            teaches("T2", &["ART-1"]),
            Declaration::Day(DayDeclaration::new(today, false, None, vec![lesson]).unwrap()),
        ],
    )
    .await;
    let mut all = marks(&host, today);
    let week = SchoolDate::from_days(today.days() - 7).unwrap();
    all.push(graded(&host, week, GradeKind::WorkingAt, "C"));
    all.push(graded(&host, week, GradeKind::MinimumTarget, "B"));
    all.push(praise(&host, week));
    let batch = host.batch(&all);
    host.publishing().await.unwrap().ask(batch).await.unwrap();
    let manager = hub.first("northgate", Role::DataManager).await;
    let teacher = hub.invited(&manager, "northgate", Role::Teacher, Some("T1")).await;
    let colleague = hub.invited(&manager, "northgate", Role::Teacher, Some("T2")).await;
    let home = hub.first("ridgeway", Role::DataManager).await;
    let head = hub.invited(&home, "ridgeway", Role::HeadOfSixth, None).await;
    let officer = hub.invited(&home, "ridgeway", Role::AttendanceOfficer, None).await;
    School { hub, manager, teacher, colleague, head, officer }
}

/// Addresses of learners on a page.
pub fn learners(page: &Answer) -> Vec<String> {
    let found = page.body.split("href=\"/learners/").skip(1);
    found.map(|rest| format!("/learners/{}", rest.split('"').next().unwrap())).collect()
}

pub fn has(page: &Answer, words: &[&str]) {
    assert_eq!(page.status, 200, "{page:?}");
    assert!(page.body.len() <= 100_000, "{} bytes", page.body.len());
    for words in words {
        assert!(page.body.contains(words), "no {words:?} in {}", page.body);
    }
}

pub fn has_not(page: &Answer, words: &[&str]) {
    let read = page.words();
    for words in words {
        assert!(!read.contains(words), "{words:?} in {}", page.body);
    }
}

#[tokio::test]
async fn a_host_teacher_sees_who_visits_and_what_they_need_and_nothing_else() {
    let school = school().await;
    let browser = Browser::of(&school.hub, &school.teacher, Role::Teacher).await;
    let home = browser.get("/").await;
    assert_eq!(home.to(), "/groups");
    let only = browser.get("/groups").await;
    let address = only.to().to_owned();
    assert!(address.starts_with("/groups/") && address.len() == 24, "{address}");
    let page = browser.get(&address).await;
    has(
        &page,
        &[
            "<h1>Engineering Level 3, group A</h1>",
            "1 visits from another school.",
            "Room C12",
            "<h3>Immy</h3>",
            "Ridgeway School",
            "Sit near the front: reads lips.",
            "First aid, then ring the student office.",
            "Student office: <a class=\"tel\" href=\"tel:01632960210\">01632 960 210</a>",
            "teacher-reads-card-at-host",
            "shared-teaching v1",
        ],
    );
    // Nothing of the other group, no ids of the MIS, no script that a name brought along, no grade on a card.
    has_not(&page, &["Zac", "N1", "R1", "ENG-1", "T1", "<script>", "gearbox", "Autumn"]);
    let title = page.body.split("<title>").nth(1).unwrap().split('<').next().unwrap();
    assert!(!title.contains("Immy"), "{title}");

    let log = school.hub.exchange.show(1, 1_000).await.unwrap();
    let entry = log.iter().rev().find(|entry| entry["what"] == "group.shown").unwrap();
    assert_eq!((&entry["more"]["count"], &entry["more"]["role"]), (&1.into(), &"teacher".into()));
    assert_eq!(entry["more"]["groups"]["card"], 0b11110, "identity, contact, needs, presence");

    let own = browser.get(&learners(&page)[0]).await;
    has(
        &own,
        &[
            "what your own institution recorded",
            "Engineering",
            "Stayed with a gearbox",
            "teacher-reads-at-host",
        ],
    );
    has_not(&own, &["<script>alert", "N1", "R1"]);
}

#[tokio::test]
async fn case_13_what_is_anothers_looks_like_what_is_not_there() {
    let school = school().await;
    let hub = &school.hub;
    let teacher = Browser::of(hub, &school.teacher, Role::Teacher).await;
    let colleague = Browser::of(hub, &school.colleague, Role::Teacher).await;
    let head = Browser::of(hub, &school.head, Role::HeadOfSixth).await;
    let group = teacher.get("/groups").await.to().to_owned();
    let theirs = teacher.get(&group).await;
    let learner = learners(&theirs)[0].clone();
    let missing = teacher.get("/no/such/page").await;
    let asked = [
        colleague.get(&group).await,
        colleague.get(&learner).await,
        head.get(&group).await,
        teacher.get("/learners").await,
        teacher.get("/groups/0000000000000000").await,
        teacher.get("/groups/..%2f..%2fetc").await,
        teacher.get("/learners/4000000000").await,
        teacher.get("/learners/1;drop").await,
        head.get("/learners/999").await,
        head.get("/learners/%3Cscript%3E").await,
    ];
    for answer in &asked {
        assert_eq!((answer.status, &answer.body), (404, &missing.body));
        assert_eq!(answer.headers.len(), missing.headers.len());
    }
    hub.exchange.tick(hub.now()).await;
    let log = hub.exchange.show(1, 1_000).await.unwrap();
    let counted = |what: &str| log.iter().any(|entry| entry["what"] == what);
    assert!(counted("group.refused") && counted("read.refused") && counted("page.refused"));
}

#[tokio::test]
async fn a_head_of_sixth_walks_to_a_learner_and_sees_home_and_host_together() {
    let school = school().await;
    let head = Browser::of(&school.hub, &school.head, Role::HeadOfSixth).await;
    assert_eq!(head.get("/").await.to(), "/learners");
    let list = head.get("/learners").await;
    has(
        &list,
        &[
            "2 of your learners are taught elsewhere",
            "Immy Tarrant",
            "Zac Tarrant",
            "Northgate College",
            "Art",
        ],
    );
    has_not(&list, &["R1", "N1", "<script>alert"]);
    let page = head.get(&learners(&list)[0]).await;
    has(
        &page,
        &[
            "<h1>Immy Tarrant</h1>",
            "Also taught at Northgate College (Engineering Level 3, group A).",
            "absent 3 of the last 5",
            "Attendance, every lesson by place",
            "4 of 7 lessons, 57.1%",
            "<path class=\"m-gone\"",
            "1 grade below",
            "gce-a-level",
            "Praise: Good work",
            "“Stayed with a gearbox until it turned.”",
            "How fresh this is",
            "own-learners-made-elsewhere",
            "shared-teaching v1",
            "The same as a table",
        ],
    );
    has_not(&page, &["points", "R1", "N1", "<script>alert", "Zac"]);
    let title = page.body.split("<title>").nth(1).unwrap().split('<').next().unwrap();
    assert!(!title.contains("Immy"), "{title}");
    let asked = school.hub.exchange.show(1, 1_000).await.unwrap();
    let named = |what: &str| asked.iter().any(|entry| entry["what"] == what);
    assert!(named("learners.shown") && named("read.disclosed"));

    let officer = Browser::of(&school.hub, &school.officer, Role::AttendanceOfficer).await;
    let page = officer.get(&learners(&list)[0]).await;
    has(&page, &["Attendance, every lesson by place", "4 of 7 lessons"]);
    has_not(&page, &["gearbox", "gce-a-level", "1 grade below"]);
}

#[cfg(feature = "pdf")]
#[tokio::test]
async fn the_evacuation_list_is_for_whoever_sees_the_visitors_and_each_print_is_in_the_log() {
    let school = school().await;
    let hub = &school.hub;
    let officer = hub.invited(&school.manager, "northgate", Role::AttendanceOfficer, None).await;
    let officer = Browser::of(hub, &officer, Role::AttendanceOfficer).await;
    let list = "/whereabouts/visitors/evacuation";
    for _ in 0..2 {
        let paper = officer.get(list).await;
        assert_eq!((paper.status, paper.header("content-type")), (200, "application/pdf"), "{}", paper.body);
        assert!(paper.body.starts_with("%PDF-") && paper.header("cache-control") == "no-store");
    }
    let log = hub.exchange.show(1, 1_000).await.unwrap();
    let shown = log.iter().filter(|entry| entry["what"] == "board.shown");
    let prints: Vec<_> = shown.map(|entry| (&entry["more"]["form"], &entry["more"]["count"])).collect();
    assert_eq!(prints, [(&"paper".into(), &2.into()), (&"paper".into(), &2.into())]);
    let teacher = Browser::of(hub, &school.teacher, Role::Teacher).await;
    assert_eq!(teacher.get(list).await.status, 404);
}

#[cfg(feature = "pdf")]
#[tokio::test]
async fn a_learners_report_is_for_those_who_answer_for_them_at_home_and_each_print_is_in_the_log() {
    let school = school().await;
    let hub = &school.hub;
    let head = Browser::of(hub, &school.head, Role::HeadOfSixth).await;
    let list = head.get("/learners").await;
    let page = head.get(&learners(&list)[0]).await;
    let report = format!("{}/report", learners(&list)[0]);
    has(&page, &[&format!("href=\"{report}\""), "Report, one A4 as PDF"]);
    for _ in 0..2 {
        let paper = head.get(&report).await;
        assert_eq!((paper.status, paper.header("content-type")), (200, "application/pdf"), "{}", paper.body);
        assert!(paper.body.starts_with("%PDF-") && paper.header("cache-control") == "no-store");
        assert!(!paper.header("content-disposition").contains("Tarrant"), "a file's name says nobody's");
    }
    let log = hub.exchange.show(1, 1_000).await.unwrap();
    let printed: Vec<usize> = (0..log.len()).filter(|at| log[*at]["what"] == "report.printed").collect();
    assert_eq!(printed.len(), 2, "each print");
    assert_eq!(log[printed[0]]["more"]["role"], "head_of_sixth");
    assert!(
        log[..printed[0]].iter().any(|entry| entry["what"] == "read.disclosed"),
        "what was read is before it"
    );

    // A host's teacher reads what theirs recorded, and prints no report; nor does who isn't the home.
    let teacher = Browser::of(hub, &school.teacher, Role::Teacher).await;
    let officer = Browser::of(hub, &school.officer, Role::AttendanceOfficer).await;
    let sixth = hub.invited(&school.manager, "northgate", Role::HeadOfSixth, None).await;
    let theirs = Browser::of(hub, &sixth, Role::HeadOfSixth).await;
    let nowhere = head.get("/learners/4000000000/report").await;
    for browser in [&teacher, &officer, &theirs] {
        let answer = browser.get(&report).await;
        assert_eq!((answer.status, &answer.body), (404, &nowhere.body));
    }
    let seen = teacher.get(&learners(&list)[0]).await;
    assert!(!seen.body.contains("/report\""), "{}", seen.body);
    let after = hub.exchange.show(1, 1_000).await.unwrap();
    assert_eq!(after.iter().filter(|entry| entry["what"] == "report.printed").count(), 2);
}
