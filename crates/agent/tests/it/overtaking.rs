//! Lists are carried one after the other: what waits for its time neither comes back over a newer mark nor is overtaken by it.

use crate::{
    rig::{Dice, School},
    wonde_back::row,
};
use commonroll_agent::apply::{Applied, Applier, Carried, Carrier, Failure};
use commonroll_connectors::render::{MarkRow, Session, lesson_csv, session_csv};
use commonroll_core::{LocalId, Revision};
use std::{
    collections::{BTreeMap, HashSet},
    fs,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

/// An MIS of marks by learner and session. Learners in `locked` are held up.
#[derive(Default)]
struct Mis {
    marks: Mutex<BTreeMap<String, String>>,
    locked: Mutex<HashSet<String>>,
}

#[async_trait::async_trait]
impl Carrier for Mis {
    fn lists(&self) -> &[&'static str] {
        &["session", "attendance"]
    }

    async fn carry(&self, row: &MarkRow) -> Result<Carried, Failure> {
        let learner = row.head.learner.as_str();
        if self.locked.lock().unwrap().contains(learner) {
            return Err(Failure::HeldUp("a row is locked".to_owned()));
        }
        let place = format!("{learner}{}", row.session.map_or("", Session::as_str));
        let mut marks = self.marks.lock().unwrap();
        if row.head.withdrawn {
            marks.remove(&place)
        } else {
            marks.insert(place, row.mark.clone())
        };
        Ok(Carried::Applied(String::new()))
    }
}

struct Home {
    school: School,
    mis: Arc<Mis>,
    folder: PathBuf,
}

impl Home {
    async fn new() -> Self {
        let school = School::with("ridgeway", "[outbox]\nfolder = \"outbox\"\nformats = [\"csv\"]\n").await;
        let folder = school.settings.outbox.as_ref().unwrap().folder.clone();
        fs::create_dir_all(&folder).unwrap();
        Self { school, mis: Arc::default(), folder }
    }

    fn lessons(&self, number: u32, rows: &[MarkRow]) {
        fs::write(self.folder.join(format!("attendance-{number:012}.csv")), lesson_csv(rows)).unwrap();
    }

    fn sessions(&self, number: u32, rows: &[MarkRow]) {
        fs::write(self.folder.join(format!("session-{number:012}.csv")), session_csv(rows)).unwrap();
    }

    fn lock(&self, learner: &str) {
        self.mis.locked.lock().unwrap().insert(learner.to_owned());
    }

    fn unlock(&self) {
        self.mis.locked.lock().unwrap().clear();
    }

    async fn round(&mut self) -> Applied {
        self.round_after(3_600).await
    }

    async fn round_after(&mut self, seconds: i64) -> Applied {
        self.school.wait(seconds);
        let carrier: Arc<dyn Carrier> = self.mis.clone();
        let first_retry = Duration::from_secs(30);
        let (spool, now) = (&self.school.spool, self.school.now);
        let applier =
            Applier { folder: &self.folder, carrier: &carrier, spool, rng: &Dice, first_retry, now };
        applier.round().await.unwrap()
    }

    fn marks(&self) -> Vec<String> {
        self.mis.marks.lock().unwrap().iter().map(|(place, mark)| format!("{place} {mark}")).collect()
    }

    fn result(&self, name: &str) -> String {
        fs::read_to_string(self.folder.join(name)).unwrap_or_default()
    }

    async fn alarms(&self) -> Vec<String> {
        self.school.spool.alarms().await.unwrap().into_iter().map(|alarm| alarm.text).collect()
    }
}

fn lesson(learner: &str, mark: &str) -> MarkRow {
    row(1, learner, None, mark)
}

fn at(revision: u32, row: MarkRow) -> MarkRow {
    let mut row = row;
    row.head.revision = Revision::new(revision).unwrap();
    row
}

fn withdrawn(row: MarkRow) -> MarkRow {
    let mut row = MarkRow { mark: String::new(), start: None, ..row };
    row.head.withdrawn = true;
    row
}

#[tokio::test]
async fn a_mark_that_was_held_up_does_not_come_after_its_withdrawal() {
    let mut home = Home::new().await;
    home.lessons(1, &[lesson("A1", "/")]);
    home.lock("A1");
    assert_eq!(home.round().await.waiting, 1);
    home.lessons(2, &[withdrawn(at(2, lesson("A1", "/")))]);
    home.unlock();
    home.round().await;
    assert_eq!(home.round().await.waiting, 0);
    assert!(home.marks().is_empty(), "a withdrawn mark stands nowhere");
    let result = home.result("attendance-000000000001.result.csv");
    assert!(result.contains("applied") && result.contains("a newer row"), "{result}");
}

#[tokio::test]
async fn a_recall_that_was_held_up_does_not_take_out_what_was_granted_anew() {
    let mut home = Home::new().await;
    home.lessons(1, &[lesson("A1", "/")]);
    home.round().await;
    home.lock("A1");
    home.lessons(2, &[withdrawn(lesson("A1", "/"))]);
    assert_eq!(home.round().await.waiting, 1);
    home.lessons(3, &[lesson("A1", "/")]);
    home.unlock();
    home.round().await;
    home.round().await;
    assert_eq!(home.marks(), ["A1 /"], "at the same revision as before");
    let result = home.result("attendance-000000000002.result.csv");
    assert!(result.contains(",superseded,") && !result.contains("applied"), "it was not taken out: {result}");
}

#[tokio::test]
async fn who_asks_for_an_old_list_again_gets_nothing_back_that_newer_lists_have_changed() {
    let mut home = Home::new().await;
    home.lessons(1, &[lesson("A1", "/"), row(2, "A2", None, "/")]);
    home.lessons(2, &[withdrawn(at(2, lesson("A1", "/")))]);
    home.round().await;
    assert_eq!(home.marks(), ["A2 /"]);
    fs::remove_file(home.folder.join("attendance-000000000001.result.csv")).unwrap();
    home.round().await;
    assert_eq!(home.marks(), ["A2 /"]);
    assert_eq!(
        home.result("attendance-000000000001.result.csv").lines().count(),
        3,
        "each row has its result"
    );
}

#[tokio::test]
async fn a_recall_of_the_wrong_learners_mark_is_not_given_up_for_the_right_learners() {
    let mut home = Home::new().await;
    home.lessons(1, &[lesson("A1", "/")]);
    home.round().await;
    home.lock("A1");
    home.lessons(2, &[withdrawn(lesson("A1", "/"))]);
    home.round().await;
    home.lessons(3, &[lesson("A2", "/")]);
    home.round().await;
    home.unlock();
    home.round().await;
    assert_eq!(home.marks(), ["A2 /"], "a match undone leaves nothing with the wrong one");
}

#[tokio::test]
async fn both_sessions_of_one_revision_are_carried() {
    let mut home = Home::new().await;
    let of = |session, mark: &str| row(1, "A1", Some(session), mark);
    home.sessions(1, &[of(Session::Am, "B"), of(Session::Pm, "B")]);
    home.round().await;
    assert_eq!(home.marks(), ["A1AM B", "A1PM B"]);
    home.sessions(2, &[withdrawn(at(2, of(Session::Am, ""))), at(2, of(Session::Pm, "B"))]);
    home.round().await;
    assert_eq!(home.marks(), ["A1PM B"]);
    let result = home.result("session-000000000002.result.csv");
    assert_eq!(result.lines().count(), 2, "one result for the record: {result}");
}

#[tokio::test]
async fn a_long_lock_uses_up_no_tries_and_is_told() {
    let mut home = Home::new().await;
    let other = LocalId::parse("learner", "A2").unwrap();
    let mut beside = row(2, "A2", None, "/");
    beside.head.learner = other;
    home.lessons(1, &[lesson("A1", "/"), beside]);
    home.lock("A1");
    for _ in 0..10 {
        let round = home.round().await;
        assert_eq!((round.refused, round.waiting), (0, 1));
        assert!(home.alarms().await[0].contains("locked"), "{:?}", home.alarms().await);
    }
    assert_eq!(home.marks(), ["A2 /"], "what is behind it flows");
    home.unlock();
    assert_eq!(home.round().await.applied, 1);
    assert!(home.alarms().await.is_empty());
}

#[tokio::test]
async fn a_round_ends_where_every_row_is_held_up() {
    let mut home = Home::new().await;
    let learners = ["A1", "A2", "A3", "A4", "A5"];
    let rows: Vec<_> = (1..).zip(learners).map(|(n, learner)| row(n, learner, None, "/")).collect();
    home.lessons(1, &rows);
    learners.iter().for_each(|learner| home.lock(learner));
    assert_eq!(home.round().await.waiting, 3, "not all of a day's rows wait for one locked table");
    home.unlock();
    home.round().await;
    assert_eq!(home.marks().len(), 5);
}

#[tokio::test]
async fn rows_that_stay_held_up_do_not_stop_the_rows_behind_them() {
    let mut home = Home::new().await;
    let learners = ["A1", "A2", "A3", "A4", "A5", "A6", "A7", "A8"];
    let rows: Vec<_> = (1..).zip(learners).map(|(n, learner)| row(n, learner, None, "/")).collect();
    home.lessons(1, &rows);
    home.lessons(2, &[row(9, "B1", None, "/")]);
    ["A1", "A2", "A3", "A5", "A6", "A7"].into_iter().for_each(|learner| home.lock(learner));
    home.round().await;
    assert!(home.marks().is_empty(), "three after each other: it may be all of them");
    home.round().await;
    assert_eq!(home.marks(), ["A4 /"], "the next round begins behind them");
    home.round().await;
    assert_eq!(home.marks(), ["A4 /", "A8 /", "B1 /"]);
    assert!(home.alarms().await[0].contains("locked"), "{:?}", home.alarms().await);
    home.unlock();
    home.round().await;
    assert_eq!(home.marks().len(), 9, "and they have their turn again");
    home.round().await;
    assert!(home.alarms().await.is_empty());
}

#[tokio::test]
async fn rows_that_are_held_up_here_and_there_do_not_end_the_round() {
    let mut home = Home::new().await;
    let learners = ["A1", "A2", "A3", "A4", "A5", "A6", "A7", "A8"];
    let rows: Vec<_> = (1..).zip(learners).map(|(n, learner)| row(n, learner, None, "/")).collect();
    home.lessons(1, &rows);
    ["A1", "A3", "A5", "A7"].into_iter().for_each(|learner| home.lock(learner));
    home.round().await;
    assert_eq!(home.marks(), ["A2 /", "A4 /", "A6 /", "A8 /"]);
}

#[tokio::test]
async fn a_row_that_stays_held_up_is_asked_for_less_and_less() {
    let mut home = Home::new().await;
    home.lessons(1, &[lesson("A1", "/")]);
    home.lock("A1");
    let mut last = Duration::ZERO;
    for _ in 0..4 {
        let rest = home.round().await.rest;
        assert!(rest > last || rest == Duration::from_secs(60), "{rest:?} after {last:?}");
        last = rest;
    }
    assert_eq!(home.round().await.rest, Duration::from_secs(60), "no shorter than any round");
    assert_eq!(home.round_after(1).await.waiting, 1);
    assert!(!home.alarms().await.is_empty(), "the alarm stands while it waits");
}

#[tokio::test]
async fn nothing_old_comes_over_a_list_that_cannot_be_read() {
    for is_done in [false, true] {
        let mut home = Home::new().await;
        home.lessons(1, &[lesson("A1", "/"), row(2, "A2", None, "/")]);
        home.round().await;
        home.lessons(2, &[withdrawn(at(2, lesson("A1", "/")))]);
        if is_done {
            home.round().await;
        }
        let list = home.folder.join("attendance-000000000002.csv");
        let whole = fs::read(&list).unwrap();
        fs::write(&list, "half a li").unwrap();
        // Somebody has the first list tried again.
        fs::remove_file(home.folder.join("attendance-000000000001.result.csv")).unwrap();
        home.mis.marks.lock().unwrap().clear();
        home.lessons(3, &[row(3, "A3", None, "/")]);
        home.round().await;
        home.round().await;
        assert_eq!(home.marks(), ["A3 /"], "what is behind it flows, and nothing older");
        assert!(home.alarms().await[0].contains("attendance-000000000002"), "{:?}", home.alarms().await);
        fs::write(&list, whole).unwrap();
        home.round().await;
        assert_eq!(home.marks(), ["A2 /", "A3 /"], "and in its place the older ones follow");
        assert!(home.alarms().await.is_empty());
    }
}

#[tokio::test]
async fn a_list_that_cannot_be_read_and_is_taken_away_is_no_longer_waited_for() {
    let mut home = Home::new().await;
    home.lessons(1, &[lesson("A1", "/")]);
    let list = home.folder.join("attendance-000000000002.csv");
    fs::write(&list, "half a li").unwrap();
    home.round().await;
    assert!(home.marks().is_empty());
    fs::remove_file(list).unwrap();
    home.round().await;
    assert_eq!(home.marks(), ["A1 /"]);
    assert!(home.alarms().await.is_empty());
}
