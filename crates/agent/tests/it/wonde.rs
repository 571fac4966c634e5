//! Wonde, as its documents describe it, and all that goes wrong on the way: told in words, nothing lost, nothing invented.

use crate::{
    fake_mis::{Asked, FakeMis, Reply},
    rig::{Dice, School, fault, read, taken},
};
use commonroll_agent::{
    Clock, Randomness,
    fetch::{self, Fetcher, Outcome, Round},
    settings::Source,
};
use commonroll_core::Timestamp;
use serde_json::{Value, json};
use std::{
    fs,
    sync::{Arc, Mutex},
};

const SCHOOL: &str = "A1930499544";

/// What Wonde holds, and how it misbehaves.
#[derive(Default)]
pub struct Held {
    pub students: Vec<Value>,
    pub sessions: Vec<Value>,
    pub deleted: Vec<Value>,
    pub token: String,
    /// Answers this status so many times, with these seconds in `Retry-After`.
    pub say: Option<(u16, u32, Option<u64>)>,
    pub wrong_domain: bool,
    pub without_envelope: bool,
    pub other_host: bool,
    /// So many reads repeat a row of the first page on the second one.
    pub shifts: u32,
}

/// Chance and time that stand still.
pub struct Still(pub Timestamp);

impl Clock for Still {
    fn now(&self) -> Timestamp {
        self.0
    }
}

fn answer(held: &mut Held, asked: &Asked, own: &str) -> Reply {
    if let Some((status, times, after)) = held.say.as_mut().filter(|(_, times, _)| *times > 0) {
        *times -= 1;
        let reply = Reply::status(*status);
        return match after {
            Some(seconds) => reply.with("retry-after", seconds.to_string()),
            None => reply,
        };
    }
    if asked.header("authorization") != format!("Bearer {}", held.token) {
        return Reply::status(401);
    }
    let below = format!("/v1.0/schools/{SCHOOL}/");
    let Some(list) = asked.path.strip_prefix(&below) else { return Reply::status(404) };
    if list.is_empty() {
        let data = if held.wrong_domain {
            json!([])
        } else {
            json!({"id": SCHOOL, "name": "Northgate", "region": {"domain": "api.wonde.com"}})
        };
        return Reply::json(json!({"data": data}).to_string());
    }
    if held.without_envelope {
        return Reply::json("{\"message\":\"we are down for maintenance\"}");
    }
    let since = asked.query("updated_after").to_owned();
    let all = match list {
        "students/" => &held.students,
        "attendance/session/" => &held.sessions,
        "deletions/" => &held.deleted,
        _ => return Reply::status(404),
    };
    let rows: Vec<&Value> = all
        .iter()
        .filter(|row| since.is_empty() || row["updated_at"]["date"].as_str() >= Some(&since))
        .collect();
    let page = asked.number("page").unwrap_or(1);
    let from = (page - 1) * 2;
    let mut here: Vec<&Value> = rows.iter().skip(from).take(2).copied().collect();
    if page == 2 && held.shifts > 0 {
        held.shifts -= 1;
        here.push(rows[0]);
    }
    let more = rows.len() > from + 2;
    let host = if held.other_host { "http://127.0.0.1:1" } else { own };
    let next = more.then(|| {
        format!(
            "{host}{}?updated_after={}&per_page=200&page={}",
            asked.path,
            since.replace(' ', "%20"),
            page + 1
        )
    });
    Reply::json(json!({"data": here, "meta": {"pagination": {"next": next, "more": more}}}).to_string())
}

fn moment(date: &str, zone: &str) -> Value {
    json!({"date": format!("{date}.000000"), "timezone_type": 3, "timezone": zone})
}

pub fn student(n: u32, surname: &str, updated: &str) -> Value {
    json!({"id": format!("A{n}"), "upi": "x", "mis_id": n.to_string(), "forename": "Imogen", "surname": surname,
        "legal_forename": "Imogen", "legal_surname": surname, "gender": "FEMALE",
        "date_of_birth": moment("2009-07-03 00:00:00", "Europe/London"), "updated_at": moment(updated, "UTC"),
        "education_details": {"data": {"upn": null, "uln": null, "enrolment_status": "C"}}})
}

fn session(n: u32, student: u32, session: &str, code: &str) -> Value {
    json!({"id": format!("M{n}"), "date": moment("2026-09-14 00:00:00", "UTC"), "session": session, "comment": null,
        "minutes_late": if code == "L" { json!(12) } else { Value::Null }, "updated_at": moment("2026-09-14 09:00:00", "UTC"),
        "attendance_code": {"data": {"id": "AC1", "code": code, "description": "x"}},
        "student": {"data": {"id": format!("A{student}")}}})
}

/// A school whose Wonde is this one.
pub async fn school(held: &Arc<Mutex<Held>>, records: &str, template: &str) -> (School, FakeMis) {
    let answers = held.clone();
    let mis = FakeMis::start(move |asked, own| answer(&mut answers.lock().unwrap(), asked, own)).await;
    held.lock().unwrap().token = "tok-canary".to_owned();
    let text = commonroll_connectors::templates::by_name(template).unwrap().text;
    let folder = mis.files.path();
    fs::write(folder.join("wonde.toml"), text).unwrap();
    let secret = folder.join("token");
    fs::write(&secret, "tok-canary\n").unwrap();
    only_ours(&secret);
    let more = format!(
        "[connection.wonde]\nkind = \"http\"\napi = \"wonde\"\naddress = \"{}/v1.0\"\ncredentials = \"{}\"\n\
         [connection.wonde.options]\nschool = \"{SCHOOL}\"\n\
         [[source]]\nname = \"asked\"\nfrom = \"wonde\"\nrecords = \"{records}\"\nmapping = \"{}\"\n",
        mis.address,
        secret.display(),
        folder.join("wonde.toml").display()
    );
    let school = School::with("northgate", &more).await;
    (school, mis)
}

pub fn only_ours(path: &std::path::Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    }
    #[cfg(not(unix))]
    let _ = path;
}

pub fn asked(school: &School) -> &Source {
    school.settings.sources.iter().find(|source| source.name == "asked").unwrap()
}

pub fn fetcher(school: &School) -> Box<dyn Fetcher> {
    let clock: Arc<dyn Clock> = Arc::new(Still(school.now));
    let rng: Arc<dyn Randomness> = Arc::new(Dice);
    fetch::fetchers(&school.settings, &clock, &rng).unwrap().remove("asked").unwrap()
}

pub async fn fetch_once(school: &School) -> Round {
    fetch::round(asked(school), &*fetcher(school), &school.spool, school.today()).await.unwrap()
}

fn rule(round: &Round) -> &'static str {
    match round {
        Round::Failed(fault) => fault.rule,
        Round::Done(outcome) => panic!("fetched: {outcome:?}"),
    }
}

fn new(round: &Round) -> bool {
    match round {
        Round::Done(outcome) => matches!(outcome, Outcome::Written(_)),
        Round::Failed(fault) => panic!("failed: {fault}"),
    }
}

fn held(students: u32) -> Arc<Mutex<Held>> {
    let students = (1..=students).map(|n| student(n, "Ashby", "2026-09-01 08:00:00")).collect();
    Arc::new(Mutex::new(Held { students, ..Held::default() }))
}

#[tokio::test]
async fn learners_come_page_by_page_and_later_only_what_changed() {
    let held = held(5);
    let (mut school, mis) = school(&held, "students", "wonde-students").await;
    assert!(new(&fetch_once(&school).await));
    let seen = school.look().await;
    assert_eq!(taken(&seen["students.jsonl"]).declared, 5, "{seen:?}");
    assert_eq!(taken(&seen["students.jsonl"]).problem_count, 0, "{seen:?}");
    assert_eq!(mis.asked().len(), 4, "the school, three pages");
    assert!(mis.asked().iter().all(|asked| asked.header("authorization") == "Bearer tok-canary"));

    school.wait(900);
    assert!(!new(&fetch_once(&school).await), "nothing changed");
    let since = mis.asked()[5].query("updated_after").to_owned();
    assert_eq!(since, "2026-09-14 08:00:00", "an hour before the last time, since clocks differ");

    {
        let mut held = held.lock().unwrap();
        held.students[1] = student(2, "Barnes", "2026-09-14 09:10:00");
        held.students.push(student(6, "Cole", "2026-09-14 09:11:00"));
        let restored = moment("2026-09-14 09:13:00", "UTC");
        let at = moment("2026-09-14 09:12:00", "UTC");
        held.deleted = vec![
            json!({"id": "A4", "type": "student", "updated_at": at, "restored_at": null}),
            json!({"id": "A5", "type": "student", "updated_at": at, "restored_at": restored}),
            json!({"id": "A1", "type": "contact", "updated_at": at}),
        ];
        held.students.remove(3);
    }
    school.wait(900);
    assert!(new(&fetch_once(&school).await));
    let file = read(&asked(&school).folder.join("students.jsonl"));
    let ids: Vec<String> =
        file.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].to_string()).collect();
    assert_eq!(ids.join(","), "\"A1\",\"A2\",\"A3\",\"A5\",\"A6\"");
    assert_eq!(taken(&school.look().await["students.jsonl"]).declared, 2, "one corrected, one new");

    school.wait(25 * 3600);
    fetch_once(&school).await;
    assert_eq!(mis.asked().last().unwrap().query("updated_after"), "", "once a day everything is read again");
}

#[tokio::test]
async fn session_marks_are_read_and_are_never_of_this_moment() {
    let held = held(0);
    held.lock().unwrap().sessions =
        vec![session(1, 1, "AM", "/"), session(2, 1, "PM", "L"), session(3, 2, "AM", "N")];
    let (mut school, _mis) = school(&held, "attendance/session", "wonde-sessions").await;
    assert!(!asked(&school).live);
    fetch_once(&school).await;
    let seen = school.look().await;
    let marks = taken(&seen["attendance-session.jsonl"]);
    assert_eq!((marks.new, marks.problem_count), (3, 0), "{seen:?}");
    assert!(marks.sending.contains_key("attendance 2026-09-14"), "{:?}", marks.sending);
    let hub = crate::fake_hub::FakeHub::new().knows("northgate", &school.key);
    school.publish(&hub).await.unwrap();
    assert_eq!(hub.with(|state| state.current), 0, "the hub is not told that it knows all there is of today");
}

#[tokio::test]
async fn a_wrong_domain_is_no_school_without_learners() {
    let held = held(3);
    let (mut school, _mis) = school(&held, "students", "wonde-students").await;
    held.lock().unwrap().wrong_domain = true;
    let round = fetch_once(&school).await;
    assert_eq!(rule(&round), "WONDE-SCHOOL");
    let text = &school.spool.alarms().await.unwrap()[0].text;
    assert!(text.contains("regional domain"), "{text}");
    assert!(school.look().await.is_empty());
}

#[tokio::test]
async fn a_success_without_its_envelope_is_a_fault_and_what_was_read_stands() {
    let held = held(3);
    let (mut school, _mis) = school(&held, "students", "wonde-students").await;
    fetch_once(&school).await;
    school.look().await;
    let before = read(&asked(&school).folder.join("students.jsonl"));
    held.lock().unwrap().without_envelope = true;
    school.wait(25 * 3600);
    assert_eq!(rule(&fetch_once(&school).await), "API-ENVELOPE");
    assert_eq!(read(&asked(&school).folder.join("students.jsonl")), before);
    assert!(school.look().await.is_empty());
}

#[tokio::test]
async fn pages_that_change_while_they_are_read_are_read_again_and_then_refused() {
    let held = held(5);
    let (mut school, mis) = school(&held, "students", "wonde-students").await;
    held.lock().unwrap().shifts = 1;
    assert!(new(&fetch_once(&school).await), "read once more, and well");
    assert_eq!(mis.asked().len(), 3 + 4);
    held.lock().unwrap().shifts = 2;
    school.wait(25 * 3600);
    assert_eq!(rule(&fetch_once(&school).await), "API-PAGES-CHANGED");
}

#[tokio::test]
async fn an_expired_token_is_told_and_a_new_one_is_used_at_once() {
    let held = held(2);
    let (school, _mis) = school(&held, "students", "wonde-students").await;
    held.lock().unwrap().token = "another".to_owned();
    let round = fetch_once(&school).await;
    assert_eq!(rule(&round), "HTTP-SIGN-IN");
    let alarm = school.spool.alarms().await.unwrap()[0].text.clone();
    assert!(
        alarm.contains("expired") && !alarm.contains("canary") && !alarm.contains("127.0.0.1"),
        "{alarm}"
    );
    held.lock().unwrap().token = "tok-canary".to_owned();
    assert!(new(&fetch_once(&school).await));
    assert!(school.spool.alarms().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_busy_or_broken_mis_is_waited_for_a_little_and_then_left_alone() {
    let held = held(2);
    let (school, mis) = school(&held, "students", "wonde-students").await;
    held.lock().unwrap().say = Some((503, 1, None));
    assert!(new(&fetch_once(&school).await), "one fault of the server's own is got over");
    held.lock().unwrap().say = Some((429, 9, Some(120)));
    let before = mis.asked().len();
    let Round::Failed(fault) = fetch_once(&school).await else { panic!("fetched") };
    assert_eq!((fault.rule, fault.retry_after.unwrap().as_secs()), ("HTTP-BUSY", 120));
    assert_eq!(mis.asked().len(), before + 1, "no second question before its time");
    assert!(fetch::wait(asked(&school), 1, &Round::Failed(fault), &Dice).as_secs() >= 120);
    held.lock().unwrap().say = Some((302, 1, None));
    assert_eq!(rule(&fetch_once(&school).await), "HTTP-REDIRECT");
    held.lock().unwrap().say = Some((403, 1, None));
    assert_eq!(rule(&fetch_once(&school).await), "HTTP-FORBIDDEN");
}

#[tokio::test]
async fn an_mis_that_asks_to_be_left_alone_is_however_often_somebody_wants_to_ask_it() {
    /// Time that moves.
    struct Moving(Mutex<Timestamp>);
    impl Clock for Moving {
        fn now(&self) -> Timestamp {
            *self.0.lock().unwrap()
        }
    }
    let held = held(2);
    let (school, mis) = school(&held, "students", "wonde-students").await;
    let clock = Arc::new(Moving(Mutex::new(school.now)));
    let rng: Arc<dyn Randomness> = Arc::new(Dice);
    let fetcher =
        fetch::fetchers(&school.settings, &(clock.clone() as _), &rng).unwrap().remove("asked").unwrap();
    let round =
        async || fetch::round(asked(&school), &*fetcher, &school.spool, school.today()).await.unwrap();
    held.lock().unwrap().say = Some((429, 1, Some(120)));
    assert_eq!(rule(&round().await), "HTTP-BUSY");
    let questions = mis.asked().len();
    *clock.0.lock().unwrap() = school.now.plus_micros(90_000_000);
    let Round::Failed(fault) = round().await else { panic!("fetched") };
    assert_eq!((fault.rule, fault.retry_after.unwrap().as_secs()), ("HTTP-BUSY", 30));
    assert_eq!(mis.asked().len(), questions, "not a word before its time");
    *clock.0.lock().unwrap() = school.now.plus_micros(120_000_000);
    assert!(new(&round().await));
}

#[tokio::test]
async fn case_45_a_link_to_another_host_is_not_followed_with_the_secret() {
    let held = held(5);
    let (mut school, _mis) = school(&held, "students", "wonde-students").await;
    held.lock().unwrap().other_host = true;
    assert_eq!(rule(&fetch_once(&school).await), "HTTP-OTHER-HOST");
    assert!(school.look().await.is_empty());
}

#[tokio::test]
async fn a_school_that_lost_most_of_its_learners_overnight_is_a_fault_of_the_export() {
    let held = held(3);
    held.lock().unwrap().sessions = (0..60).map(|n| session(n, n, "AM", "/")).collect();
    let (mut school, _mis) = school(&held, "attendance/session", "wonde-sessions").await;
    fetch_once(&school).await;
    school.look().await;
    held.lock().unwrap().sessions.truncate(5);
    school.wait(25 * 3600);
    fetch_once(&school).await;
    assert_eq!(fault(&school.look().await["attendance-session.jsonl"]), "EXPORT-SHRUNK");
}
