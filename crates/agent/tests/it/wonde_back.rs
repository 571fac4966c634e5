//! Partners' marks into an MIS through Wonde, which takes them at once and writes them later, or never.

use crate::{
    fake_mis::{Asked, FakeMis, Reply},
    rig::{Dice, School},
    wonde::only_ours,
};
use commonroll_agent::{
    Clock, Randomness,
    apply::{self, Applied, Applier, Carrier},
};
use commonroll_connectors::render::{MarkRow, RowHead, Session, lesson_csv, session_csv};
use commonroll_core::{LocalId, Revision, SchoolDate, Timestamp};
use serde_json::{Value, json};
use std::{
    fs,
    sync::{Arc, Mutex},
    time::Duration,
};

const SCHOOL: &str = "A1930499544";

/// The MIS behind Wonde, and what Wonde was handed.
#[derive(Default)]
struct Held {
    sessions: Vec<Value>,
    posted: Vec<(String, Value)>,
    /// What was handed in is written into the MIS.
    writes: bool,
    without_receipt: bool,
    /// What is handed in is answered with this status, and not written.
    fails: Option<u16>,
    /// The timetable: id of the lesson, and the moment at which it begins, in UTC.
    lessons: Vec<(&'static str, &'static str)>,
}

fn mark(student: &str, session: &str, code: &str, comment: &str) -> Value {
    json!({"id": format!("M{student}{session}"), "date": {"date": "2026-09-14 00:00:00.000000", "timezone_type": 3, "timezone": "UTC"},
        "session": session, "comment": comment, "attendance_code": {"data": {"id": "x", "code": code}},
        "student": {"data": {"id": student}}})
}

fn answer(held: &mut Held, asked: &Asked) -> Reply {
    let list = asked.path.strip_prefix(&format!("/v1.0/schools/{SCHOOL}/")).unwrap();
    if asked.method == "POST" {
        let body: Value = serde_json::from_str(&asked.body).unwrap();
        let one = body["attendance"][0].clone();
        if held.writes && list == "attendance/session/" {
            let student = one["student_id"].as_str().unwrap();
            let comment = one["comment"].as_str().unwrap();
            held.sessions.push(mark(student, one["session"].as_str().unwrap(), "B", comment));
        }
        held.posted.push((list.to_owned(), one));
        if let Some(status) = held.fails {
            return Reply::status(status).with("retry-after", "900");
        }
        return Reply::json(if held.without_receipt { "{}" } else { "{\"writeback_id\":\"W1\"}" });
    }
    let lesson = |(id, at): &(&str, &str)| {
        json!({"id": id, "class": {"data": {"id": "C1"}},
            "start_at": {"date": format!("{at}.000000"), "timezone_type": 3, "timezone": "UTC"}})
    };
    let (after, before) = (asked.query("lessons_start_after"), asked.query("lessons_start_before"));
    let is_asked = |(_, at): &&(&str, &str)| *at >= after && (before.is_empty() || *at < before);
    let known = [("A55", "2026-09-14 08:00:00")];
    let lessons = if held.lessons.is_empty() { &known[..] } else { &held.lessons };
    let data = match list {
        "" => json!({"id": SCHOOL}),
        "attendance-codes/" => {
            json!([{"id": "AC7", "code": "B"}, {"id": "AC1", "code": "/"}, {"id": "AC9", "code": "U"}])
        }
        "attendance/session/" => json!(held.sessions),
        "lessons/" => json!(lessons.iter().filter(is_asked).map(lesson).collect::<Vec<_>>()),
        "attendance/lesson/" => json!([]),
        other => panic!("{other} was not to be asked for"),
    };
    Reply::json(json!({"data": data, "meta": {"pagination": {"next": null}}}).to_string())
}

pub fn row(n: u8, student: &str, session: Option<Session>, mark: &str) -> MarkRow {
    MarkRow {
        head: RowHead {
            record: format!("{n:032x}").parse().unwrap(),
            revision: Revision::FIRST,
            learner: LocalId::parse("learner", student).unwrap(),
            source: "northgate".parse().unwrap(),
            date: SchoolDate::from_civil(jiff::civil::date(2026, 9, 14)),
            withdrawn: false,
        },
        group: "12A".to_owned(),
        start: Some(jiff::civil::time(9, 0, 0, 0)),
        end: None,
        session,
        mark: mark.to_owned(),
        minutes_late: None,
        comment: "northgate 09:02".to_owned(),
        decided: false,
    }
}

struct Home {
    school: School,
    held: Arc<Mutex<Held>>,
    carrier: Arc<dyn Carrier>,
    clock: Arc<Moving>,
    mis: FakeMis,
}

/// Time that a test moves.
struct Moving(Mutex<Timestamp>);

impl Clock for Moving {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

impl Home {
    async fn new(held: Held) -> Self {
        Self::with(held, "").await
    }

    /// A home with more settings.
    async fn with(held: Held, more: &str) -> Self {
        let held = Arc::new(Mutex::new(held));
        let answers = held.clone();
        let mis = FakeMis::start(move |asked, _| answer(&mut answers.lock().unwrap(), asked)).await;
        let secret = mis.files.path().join("token");
        fs::write(&secret, "t").unwrap();
        only_ours(&secret);
        let more = format!(
            "[connection.wonde]\nkind = \"http\"\napi = \"wonde\"\naddress = \"{}/v1.0\"\ncredentials = \"{}\"\n\
             [connection.wonde.options]\nschool = \"{SCHOOL}\"\n\
             [outbox]\nfolder = \"outbox\"\nformats = [\"csv\"]\n[outbox.apply]\nto = \"wonde\"\nmis = \"wonde\"\n\
             groups = {{ 12A = \"C1\" }}\n{more}",
            mis.address,
            secret.display()
        );
        let school = School::with("ridgeway", &more).await;
        fs::create_dir_all(&school.settings.outbox.as_ref().unwrap().folder).unwrap();
        let clock = Arc::new(Moving(Mutex::new(school.now)));
        let rng: Arc<dyn Randomness> = Arc::new(Dice);
        let carrier =
            apply::carrier(&school.settings, &(clock.clone() as _), &rng, &school.spool).unwrap().unwrap();
        Self { school, held, carrier, clock, mis }
    }

    /// The agent is stopped and started.
    fn restart(&mut self) {
        let (clock, rng): (Arc<dyn Clock>, Arc<dyn Randomness>) = (self.clock.clone(), Arc::new(Dice));
        let carrier = apply::carrier(&self.school.settings, &clock, &rng, &self.school.spool);
        self.carrier = carrier.unwrap().unwrap();
    }

    fn put(&self, name: &str, bytes: Vec<u8>) {
        fs::write(self.school.settings.outbox.as_ref().unwrap().folder.join(name), bytes).unwrap();
    }

    async fn round(&mut self, minutes: i64) -> Applied {
        self.school.wait(minutes * 60);
        *self.clock.0.lock().unwrap() = self.school.now;
        let folder = &self.school.settings.outbox.as_ref().unwrap().folder;
        let first_retry = Duration::from_secs(30);
        let (spool, now) = (&self.school.spool, self.school.now);
        let applier = Applier { folder, carrier: &self.carrier, spool, rng: &Dice, first_retry, now };
        applier.round().await.unwrap()
    }

    fn posted(&self) -> Vec<(String, Value)> {
        self.held.lock().unwrap().posted.clone()
    }

    fn result(&self, name: &str) -> String {
        let folder = &self.school.settings.outbox.as_ref().unwrap().folder;
        fs::read_to_string(folder.join(name)).unwrap_or_default()
    }
}

#[tokio::test]
async fn a_mark_is_posted_once_and_only_believed_when_it_is_read_back() {
    let mut home = Home::new(Held::default()).await;
    home.put("session-000000000001.csv", session_csv(&[row(1, "A1", Some(Session::Am), "B")]));
    let first = home.round(0).await;
    assert_eq!((first.applied, first.waiting, home.posted().len()), (0, 1, 1));
    assert_eq!(home.posted()[0].1["attendance_code_id"], "AC7");
    assert_eq!(home.result("session-000000000001.result.csv"), "", "nothing is said before it is known");
    let second = home.round(20).await;
    assert_eq!(
        (second.applied, second.waiting, home.posted().len()),
        (0, 1, 1),
        "not posted again while it waits"
    );
    let comment = home.posted()[0].1["comment"].as_str().unwrap().to_owned();
    home.held.lock().unwrap().sessions = vec![mark("A1", "AM", "B", &comment)];
    assert_eq!(home.round(20).await.applied, 1);
    assert!(home.result("session-000000000001.result.csv").contains("applied"));
    assert_eq!(home.round(20).await.waiting, 0);
}

#[tokio::test]
async fn case_27_what_never_arrives_goes_to_a_person_after_a_day() {
    let mut home = Home::new(Held::default()).await;
    home.put("session-000000000001.csv", session_csv(&[row(1, "A1", Some(Session::Am), "B")]));
    home.round(0).await;
    assert_eq!(home.round(25 * 60).await.refused, 1);
    let result = home.result("session-000000000001.result.csv");
    assert!(result.contains("refused") && result.contains("by hand"), "{result}");
    assert_eq!(home.posted().len(), 1);
}

#[tokio::test]
async fn a_mark_without_a_code_and_one_of_the_homes_own_are_refused_before_anything_is_sent() {
    let held = Held { sessions: vec![mark("A2", "AM", "I", "mother rang")], ..Held::default() };
    let mut home = Home::new(held).await;
    let rows = [
        row(1, "A1", Some(Session::Am), "Q"),
        row(2, "A2", Some(Session::Am), "B"),
        row(3, "A3", Some(Session::Pm), "B"),
    ];
    home.put("session-000000000001.csv", session_csv(&rows));
    let round = home.round(0).await;
    assert_eq!((round.refused, round.waiting), (2, 1), "neighbours go on");
    let posted = home.posted();
    assert_eq!((posted.len(), posted[0].1["student_id"].as_str()), (1, Some("A3")));
    let result = home.result("session-000000000001.result.csv");
    assert!(result.contains("no code for this mark") && result.contains("mark of its own"), "{result}");
}

#[tokio::test]
async fn a_mark_of_ours_that_an_officer_changed_is_theirs_even_with_our_comment() {
    let mut home = Home::new(Held { writes: true, ..Held::default() }).await;
    home.put("session-000000000001.csv", session_csv(&[row(1, "A1", Some(Session::Am), "B")]));
    home.round(0).await;
    assert_eq!(home.round(20).await.applied, 1);
    let comment = home.posted()[0].1["comment"].as_str().unwrap().to_owned();
    home.held.lock().unwrap().sessions = vec![mark("A1", "AM", "I", &comment)];

    let mut corrected = row(1, "A1", Some(Session::Am), "/");
    corrected.head.revision = Revision::FIRST.next();
    home.put("session-000000000002.csv", session_csv(&[corrected.clone()]));
    assert_eq!(home.round(20).await.refused, 1);
    assert_eq!(home.posted().len(), 1, "the officer's I is not written over");
    let result = home.result("session-000000000002.result.csv");
    assert!(result.contains("what a person made stays"), "{result}");

    (corrected.head.withdrawn, corrected.mark) = (true, String::new());
    corrected.head.revision = corrected.head.revision.next();
    home.put("session-000000000003.csv", session_csv(&[corrected]));
    assert_eq!(home.round(20).await.refused, 1, "nor is it said to be gone");
}

#[tokio::test]
async fn a_correction_is_posted_over_our_own_mark() {
    let mut home = Home::new(Held { writes: true, ..Held::default() }).await;
    home.put("session-000000000001.csv", session_csv(&[row(1, "A1", Some(Session::Am), "B")]));
    home.round(0).await;
    home.round(20).await;
    let mut corrected = row(1, "A1", Some(Session::Am), "/");
    corrected.head.revision = Revision::FIRST.next();
    home.put("session-000000000002.csv", session_csv(&[corrected]));
    assert_eq!(home.round(20).await.waiting, 1);
    assert_eq!(home.posted()[1].1["attendance_code_id"], "AC1");
}

#[tokio::test]
async fn a_lesson_is_posted_without_comment_and_a_lesson_that_is_not_there_is_refused() {
    let mut home = Home::new(Held::default()).await;
    let mut other = row(2, "A1", None, "/");
    other.start = Some(jiff::civil::time(11, 0, 0, 0));
    let unknown = MarkRow { group: "13Z".to_owned(), ..row(3, "A1", None, "/") };
    home.put("attendance-000000000001.csv", lesson_csv(&[row(1, "A1", None, "/"), other, unknown]));
    let round = home.round(0).await;
    assert_eq!((round.refused, round.waiting), (2, 1));
    let posted = home.posted();
    assert_eq!(posted[0].0, "attendance/lesson/");
    assert_eq!(posted[0].1, json!({"lesson_id": "A55", "student_id": "A1", "attendance_code_id": "AC1"}));
}

#[tokio::test]
async fn a_mark_of_nine_goes_into_the_lesson_of_nine_by_the_schools_clocks() {
    let lessons = vec![("A55", "2026-09-14 08:00:00"), ("A56", "2026-09-14 09:00:00")];
    let mut home = Home::new(Held { lessons, ..Held::default() }).await;
    home.put("attendance-000000000001.csv", lesson_csv(&[row(1, "A1", None, "/")]));
    home.round(0).await;
    assert_eq!(home.posted()[0].1["lesson_id"], "A55", "the one of ten begins at nine in UTC");
}

#[tokio::test]
async fn a_home_whose_lesson_marks_are_read_gets_no_partners_marks_among_them() {
    let reads = "[[source]]\nname = \"lessons\"\nfrom = \"wonde\"\nrecords = \"attendance/lesson\"\nmapping = \"marks.toml\"\n";
    let mut home = Home::with(Held::default(), reads).await;
    home.put("attendance-000000000001.csv", lesson_csv(&[row(1, "A1", None, "/")]));
    home.put("session-000000000001.csv", session_csv(&[row(2, "A1", Some(Session::Am), "B")]));
    let round = home.round(0).await;
    assert_eq!((round.refused, round.waiting), (1, 1), "sessions have comments, and go on");
    let result = home.result("attendance-000000000001.result.csv");
    assert!(result.contains("`lessons`") && result.contains("by hand"), "{result}");
}

#[tokio::test]
async fn a_late_mark_of_an_earlier_day_finds_its_lesson_too() {
    let lessons = vec![("A11", "2026-09-11 08:00:00"), ("A55", "2026-09-14 08:00:00")];
    let mut home = Home::new(Held { lessons, ..Held::default() }).await;
    let mut late = row(2, "A2", None, "/");
    late.head.date = SchoolDate::from_civil(jiff::civil::date(2026, 9, 11));
    home.put("attendance-000000000001.csv", lesson_csv(&[row(1, "A1", None, "/"), late]));
    let round = home.round(0).await;
    assert_eq!(
        (round.refused, round.waiting),
        (0, 2),
        "{}",
        home.result("attendance-000000000001.result.csv")
    );
    let posted: Vec<_> = home.posted().iter().map(|(_, one)| one["lesson_id"].clone()).collect();
    assert_eq!(posted, ["A55", "A11"]);
}

#[tokio::test]
async fn a_mark_of_long_ago_is_not_posted_where_nobody_has_looked() {
    let mut home = Home::new(Held::default()).await;
    let long_ago = |n, mark: &str| {
        let mut row = row(n, "A1", Some(Session::Am), mark);
        row.head.date = SchoolDate::from_civil(jiff::civil::date(2026, 7, 14));
        row
    };
    let mut back = long_ago(2, "");
    back.head.withdrawn = true;
    home.put("session-000000000001.csv", session_csv(&[long_ago(1, "B"), back]));
    assert_eq!(home.round(0).await.refused, 2, "what stands there was never read");
    assert!(home.posted().is_empty());
    let result = home.result("session-000000000001.result.csv");
    assert!(result.contains("enter it by hand") && result.contains("remove it by hand"), "{result}");
}

#[tokio::test]
async fn a_success_without_a_receipt_is_none() {
    let mut home = Home::new(Held { without_receipt: true, ..Held::default() }).await;
    home.put("session-000000000001.csv", session_csv(&[row(1, "A1", Some(Session::Am), "B")]));
    let round = home.round(0).await;
    assert_eq!((round.applied, round.waiting), (0, 1), "only what is read back is believed");
    for _ in 0..10 {
        home.round(60).await;
    }
    assert_eq!(home.posted().len(), 1, "it may have been taken, so it is not sent again");
    assert_eq!(home.round(24 * 60).await.refused, 1);
}

#[tokio::test]
async fn a_restart_neither_posts_again_nor_forgets_what_may_still_arrive() {
    let mut home = Home::new(Held::default()).await;
    home.put("session-000000000001.csv", session_csv(&[row(1, "A1", Some(Session::Am), "B")]));
    home.round(0).await;
    home.restart();
    home.round(20).await;
    assert_eq!(home.posted().len(), 1, "not posted again");
    let mut back = row(1, "A1", Some(Session::Am), "");
    (back.head.withdrawn, back.head.revision) = (true, Revision::FIRST.next());
    home.put("session-000000000002.csv", session_csv(&[back]));
    home.restart();
    assert_eq!(home.round(20).await.applied, 0, "nobody says that nothing stands there");
    let comment = home.posted()[0].1["comment"].as_str().unwrap().to_owned();
    home.held.lock().unwrap().sessions = vec![mark("A1", "AM", "B", &comment)];
    home.round(20).await;
    let result = home.result("session-000000000002.result.csv");
    assert!(result.contains("refused") && result.contains("by hand"), "{result}");
}

#[tokio::test]
async fn a_post_whose_end_nobody_knows_is_looked_for_before_it_is_sent_again() {
    let mut home = Home::new(Held { fails: Some(502), ..Held::default() }).await;
    home.put("session-000000000001.csv", session_csv(&[row(1, "A1", Some(Session::Am), "B")]));
    home.round(0).await;
    home.held.lock().unwrap().fails = None;
    for _ in 0..5 {
        home.round(60).await;
    }
    assert_eq!(home.posted().len(), 1, "it may have been taken");
    home.round(70).await;
    home.round(70).await;
    assert_eq!(home.posted().len(), 2, "it was not there after hours");

    let mut home = Home::new(Held { fails: Some(422), ..Held::default() }).await;
    home.put("session-000000000001.csv", session_csv(&[row(1, "A1", Some(Session::Am), "B")]));
    home.round(0).await;
    home.round(60).await;
    assert_eq!(home.posted().len(), 2, "what was refused was surely not taken");
}

#[tokio::test]
async fn wonde_that_asks_to_be_left_alone_is_and_the_mark_waits() {
    let mut home = Home::new(Held { fails: Some(429), ..Held::default() }).await;
    home.put("session-000000000001.csv", session_csv(&[row(1, "S1", Some(Session::Am), "B")]));
    home.round(0).await;
    let questions = home.mis.asked().len();
    assert_eq!(home.posted().len(), 1);
    home.held.lock().unwrap().fails = None;
    home.round(5).await;
    home.round(5).await;
    assert_eq!(home.mis.asked().len(), questions, "not a word for a quarter of an hour");
    assert!(home.school.spool.alarms().await.unwrap()[0].text.contains("more seldom"));
    home.round(6).await;
    assert_eq!(home.posted().len(), 2);
    assert!(home.school.spool.alarms().await.unwrap().is_empty());
}

#[tokio::test]
async fn an_older_mark_that_was_refused_is_not_posted_over_a_newer_one() {
    let mut home = Home::new(Held { fails: Some(422), writes: true, ..Held::default() }).await;
    home.put("session-000000000001.csv", session_csv(&[row(1, "A1", Some(Session::Am), "/")]));
    home.round(0).await;
    let mut newer = row(1, "A1", Some(Session::Am), "B");
    newer.head.revision = Revision::FIRST.next();
    home.put("session-000000000002.csv", session_csv(&[newer]));
    {
        let mut held = home.held.lock().unwrap();
        (held.fails, held.sessions) = (None, Vec::new());
    }
    for _ in 0..4 {
        home.round(60).await;
    }
    let posted: Vec<_> = home.posted().iter().map(|(_, one)| one["attendance_code_id"].clone()).collect();
    assert_eq!(posted, ["AC1", "AC7"], "the first was refused; the second stands");
}

#[tokio::test]
async fn a_newer_mark_waits_for_an_older_one_that_may_still_arrive() {
    let mut home = Home::new(Held::default()).await;
    home.put("session-000000000001.csv", session_csv(&[row(1, "A1", Some(Session::Am), "/")]));
    home.round(0).await;
    let mut newer = row(1, "A1", Some(Session::Am), "B");
    newer.head.revision = Revision::FIRST.next();
    home.put("session-000000000002.csv", session_csv(&[newer]));
    assert_eq!(home.round(20).await.waiting, 2);
    assert_eq!(home.posted().len(), 1, "Wonde writes in no order that it promises");
    let comment = home.posted()[0].1["comment"].as_str().unwrap().to_owned();
    home.held.lock().unwrap().sessions = vec![mark("A1", "AM", "/", &comment)];
    home.round(20).await;
    assert_eq!(home.posted()[1].1["attendance_code_id"], "AC7");
}

#[tokio::test]
async fn what_was_taken_back_waits_for_what_is_under_way_and_then_goes_to_a_person() {
    let mut home = Home::new(Held::default()).await;
    home.put("session-000000000001.csv", session_csv(&[row(1, "A1", Some(Session::Am), "B")]));
    home.round(0).await;
    let mut back = row(1, "A1", Some(Session::Am), "");
    (back.head.withdrawn, back.head.revision) = (true, Revision::FIRST.next());
    home.put("session-000000000002.csv", session_csv(&[back]));
    assert_eq!(home.round(20).await.waiting, 2, "what Wonde took may still arrive");
    let comment = home.posted()[0].1["comment"].as_str().unwrap().to_owned();
    home.held.lock().unwrap().sessions = vec![mark("A1", "AM", "B", &comment)];
    home.round(20).await;
    let result = home.result("session-000000000002.result.csv");
    assert!(result.contains("refused") && result.contains("by hand"), "{result}");
}

fn recall(home: &Home, reason: &str) -> commonroll_agent::outbox::TakenBack {
    use commonroll_agent::outbox::{Folder, Removal, WriteBack};
    let settings = &home.school.settings;
    let folder = Folder::open(settings.outbox.as_ref().unwrap(), settings.zone.clone()).unwrap();
    let removal = Removal {
        id: row(1, "A1", None, "").head.record,
        revision: Revision::FIRST,
        source: "northgate".parse().unwrap(),
        kind: commonroll_core::RecordKind::Attendance,
        learner: LocalId::parse("learner", "A1").ok(),
        reason: reason.to_owned(),
        is_written: false,
        decided: Vec::new(),
        is_rested_on: false,
        is_by_hand: false,
    };
    folder.take_back("000000000009", &[removal]).unwrap()[0]
}

#[tokio::test]
async fn no_receipt_says_removed_of_what_wonde_cannot_take_out() {
    let home = Home::new(Held::default()).await;
    assert_eq!(recall(&home, "placement_ended").outcome, commonroll_audit::CopyOutcome::Flagged);
}

#[tokio::test]
async fn a_mark_that_was_recalled_while_it_waited_is_never_posted() {
    for reason in ["placement_ended", "match_undone"] {
        let sessions = "[outbox.sessions]\nam = \"08:30:00\"\n";
        let mut home = Home::with(Held { fails: Some(429), ..Held::default() }, sessions).await;
        home.put("session-000000000001.csv", session_csv(&[row(1, "A1", Some(Session::Am), "B")]));
        home.put("attendance-000000000001.csv", lesson_csv(&[row(1, "A1", None, "/")]));
        home.round(0).await;
        assert_eq!(home.posted().len(), 1, "Wonde asks to be left alone");
        let taken = recall(&home, reason);
        assert_eq!(taken.outcome, commonroll_audit::CopyOutcome::Flagged);
        assert!(!taken.is_carried, "a person looks; nothing is waited for");
        home.held.lock().unwrap().fails = None;
        for _ in 0..3 {
            home.round(60).await;
        }
        assert_eq!(home.posted().len(), 1, "neither the session's mark nor the lesson's, {reason}");
        assert!(home.result("attendance-000000000009.result.csv").contains("by hand"));
    }
}

/// What an officer decided about a student's morning.
fn decided(student: &str, mark: &str) -> Vec<u8> {
    let row = MarkRow {
        comment: "northgate; accepted 09:20".to_owned(),
        ..row(9, student, Some(Session::Am), mark)
    };
    session_csv(&[MarkRow { minutes_late: (mark == "U").then_some(31), ..row }])
}

#[tokio::test]
async fn what_an_officer_decided_takes_the_place_of_our_proposal_and_of_nobodys_mark() {
    let mut home = Home::new(Held::default()).await;
    home.put("session-000000000001.csv", session_csv(&[row(1, "A1", Some(Session::Am), "B")]));
    home.round(0).await;
    assert_eq!(home.posted().len(), 1, "a proposal");
    home.put("session-decided-000000000001.csv", decided("A1", "U"));
    home.round(20).await;
    assert_eq!(
        home.posted().len(),
        1,
        "Wonde writes in no order that it promises: what is under way comes first"
    );
    let proposed = home.posted()[0].1["comment"].as_str().unwrap().to_owned();
    home.held.lock().unwrap().sessions = vec![mark("A1", "AM", "B", &proposed)];
    home.round(20).await;
    home.round(20).await;
    let posted = home.posted()[1].1.clone();
    assert_eq!((posted["attendance_code_id"].as_str(), &posted["minutes_late"]), (Some("AC9"), &json!(31)));
    let comment = posted["comment"].as_str().unwrap().to_owned();
    home.held.lock().unwrap().sessions = vec![mark("A1", "AM", "U", &comment)];
    home.restart();
    home.round(20).await;
    assert!(home.result("session-decided-000000000001.result.csv").contains(",applied,"));
    // A late proposal comes to nothing.
    home.put("session-000000000007.csv", session_csv(&[row(7, "A1", Some(Session::Am), "B")]));
    home.round(20).await;
    assert_eq!(home.posted().len(), 2);

    // A person's mark stays, whoever decided what.
    home.held.lock().unwrap().sessions.push(mark("A2", "AM", "I", "rang in"));
    home.put("session-decided-000000000002.csv", decided("A2", "B"));
    home.round(20).await;
    assert_eq!(home.posted().len(), 2);
    let result = home.result("session-decided-000000000002.result.csv");
    assert!(result.contains("refused") && result.contains("mark of its own"), "{result}");
}

#[tokio::test]
async fn a_proposal_that_still_waits_is_never_posted_once_somebody_has_decided() {
    let mut home = Home::new(Held { fails: Some(429), ..Held::default() }).await;
    home.put("session-000000000001.csv", session_csv(&[row(1, "A1", Some(Session::Am), "B")]));
    home.round(0).await;
    assert_eq!(home.posted().len(), 1, "Wonde asks to be left alone");
    home.put("session-decided-000000000001.csv", decided("A1", "U"));
    home.held.lock().unwrap().fails = None;
    home.round(60).await;
    home.round(60).await;
    let codes: Vec<_> =
        home.posted().iter().skip(1).map(|(_, one)| one["attendance_code_id"].clone()).collect();
    assert_eq!(codes, ["AC9"], "the decision alone");
}

/// What an officer decided later: the home's own mark is to stay.
fn kept(student: &str) -> Vec<u8> {
    let mut row = row(9, student, Some(Session::Am), "");
    (row.head.withdrawn, row.head.revision) = (true, Revision::FIRST.next());
    session_csv(&[row])
}

#[tokio::test]
async fn a_proposal_that_stands_for_a_decision_is_not_said_to_be_gone_when_that_is_taken_back() {
    let mut home = Home::new(Held { writes: true, ..Held::default() }).await;
    home.put("session-000000000001.csv", session_csv(&[row(1, "A1", Some(Session::Am), "B")]));
    home.round(0).await;
    home.round(20).await;
    home.put("session-decided-000000000001.csv", decided("A1", "B"));
    home.round(20).await;
    assert!(home.result("session-decided-000000000001.result.csv").contains(",applied,"));
    assert_eq!(home.posted().len(), 1, "the same code stands there, under the proposal's tag");
    home.put("session-decided-000000000002.csv", kept("A1"));
    home.round(20).await;
    let result = home.result("session-decided-000000000002.result.csv");
    assert!(result.contains("refused") && result.contains("by hand"), "{result}");
}

#[tokio::test]
async fn a_proposal_that_comes_after_the_homes_own_mark_was_kept_is_never_posted() {
    let mut home = Home::new(Held::default()).await;
    home.put("session-decided-000000000001.csv", kept("A1"));
    home.put("session-000000000007.csv", session_csv(&[row(7, "A1", Some(Session::Am), "B")]));
    home.round(0).await;
    home.round(20).await;
    assert!(home.posted().is_empty());
}
