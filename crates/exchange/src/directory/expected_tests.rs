//! A morning at a college, as the directory knows it: lessons, who is expected in them, and what was told in advance.

use super::super::{Directory, change::Change, plan::Planner, tokens::MatchingKey};
use crate::types::DeclareResult;
use commonroll_core::{
    Interval, LocalId, SchoolDate, Timestamp,
    directory::{
        DateRange, DayDeclaration, Declaration, Institution, InstitutionType, LearnerDeclaration,
        LessonDeclaration, NoticeDeclaration, NoticeKind, PlacementAcceptance, PlacementDeclaration,
        Registration, SupportDeclaration,
    },
    record::Text,
};

/// 14 September 2026, 08:00 UTC.
const MORNING: i64 = 1_789_372_800_000_000;
const HOUR: i64 = 3_600_000_000;
const DAY: i64 = 24 * HOUR;
const KINGSMEAD: u16 = 0;
const NORTHGATE: u16 = 1;

fn id(text: &str) -> LocalId {
    LocalId::parse("id", text).unwrap()
}

fn text(said: &str) -> Text {
    Text::parse("text", said, 500).unwrap()
}

fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros("at", micros).unwrap()
}

fn day(back_or_ahead: i32) -> SchoolDate {
    let today: SchoolDate = "2026-09-14".parse().unwrap();
    SchoolDate::from_days(today.days() + back_or_ahead).unwrap()
}

/// A lesson of an hour that begins so many hours after 8 on the day.
fn lesson(name: &str, group: &str, days: i32, hour: i64) -> LessonDeclaration {
    let start = at(MORNING + i64::from(days) * DAY + hour * HOUR);
    LessonDeclaration {
        local_id: id(name),
        group: id(group),
        time: Interval::new(start, start.plus_micros(HOUR)).unwrap(),
        room: text("B12"),
        cancelled: false,
    }
}

struct College(Directory, Vec<Change>);

impl College {
    /// A school, a college, and a learner of the school who is placed in ENG-1 there.
    fn new() -> Self {
        let mut college = Self(Directory::default(), Vec::new());
        for (number, slug) in (0..).zip(["kingsmead", "northgate"]) {
            let institution = Institution {
                slug: slug.parse().unwrap(),
                name: slug.to_owned(),
                kind: InstitutionType::School,
                urn: String::new(),
                ukprn: String::new(),
                time_zone: "Europe/London".to_owned(),
                phone: String::new(),
                desk: String::new(),
            };
            college.0.apply(&Change::Institution { number, institution });
        }
        let learner = |local, registration, known_as| LearnerDeclaration {
            local_id: id(local),
            registration,
            upn: String::new(),
            uln: "1000000019".to_owned(),
            uci: String::new(),
            former_upns: Vec::new(),
            birth_date: Some("2009-05-01".parse().unwrap()),
            surname: text("Quillfeather"),
            forename: text("Imogen"),
            known_as: text(known_as),
        };
        let dates = DateRange::new("2026-09-01".parse().unwrap(), "2027-07-20".parse().unwrap()).unwrap();
        college.takes(KINGSMEAD, Declaration::Learner(learner("k-1", Registration::Home, "Immy")));
        college.takes(NORTHGATE, Declaration::Learner(learner("n-77", Registration::Guest, "")));
        let (learner, group) = (id("k-1"), Some(id("ENG-1")));
        let host = "northgate".parse().unwrap();
        college
            .takes(KINGSMEAD, Declaration::Placement(PlacementDeclaration { learner, host, group, dates }));
        let (learner, home) = (id("n-77"), "kingsmead".parse().unwrap());
        let accepted = PlacementAcceptance { learner, home, group: None, dates };
        college.takes(NORTHGATE, Declaration::Acceptance(accepted));
        college
    }

    fn says(&mut self, by: u16, said: &Declaration, now: i64) -> DeclareResult {
        let mut planner = Planner { directory: &mut self.0, changes: &mut self.1 };
        planner.declare(by, said, &MatchingKey::new(&[9; 32]), at(now))
    }

    fn takes(&mut self, by: u16, said: Declaration) {
        assert_eq!(self.says(by, &said, MORNING), DeclareResult::Accepted);
        assert_eq!(self.says(by, &said, MORNING), DeclareResult::Unchanged, "said again");
    }

    fn refuses(&mut self, by: u16, said: Declaration) -> &'static str {
        match self.says(by, &said, MORNING) {
            DeclareResult::Rejected { code, .. } => code,
            other => panic!("refused, not {other:?}"),
        }
    }

    fn imogen(&self) -> u32 {
        self.0.local(KINGSMEAD, &id("k-1")).unwrap().learner.unwrap()
    }

    /// The directory as another start loads it: the newest change of each key, in the order of loading.
    fn loaded(&self) -> Directory {
        let mut rows = std::collections::BTreeMap::new();
        for (seq, change) in (0..).zip(&self.1) {
            rows.insert((change.kind(), change.key()), (change.load_order(seq), change));
        }
        let mut rows: Vec<_> = rows.into_values().collect();
        rows.sort_by_key(|(order, _)| *order);
        let mut directory = Directory::default();
        for number in 0..2 {
            let institution = self.0.institution(number).unwrap().info.clone();
            directory.apply(&Change::Institution { number, institution });
        }
        rows.iter().for_each(|(_, change)| directory.apply(change));
        directory
    }
}

fn whole(days: i32, lessons: Vec<LessonDeclaration>) -> Declaration {
    Declaration::Day(DayDeclaration::new(day(days), false, Some("A".parse().unwrap()), lessons).unwrap())
}

fn notice(name: &str, learner: &str, kind: NoticeKind, start: i64) -> NoticeDeclaration {
    let time = Interval::new(at(start), at(start + 4 * HOUR)).unwrap();
    NoticeDeclaration { local_id: id(name), learner: id(learner), kind, time, withdrawn: false }
}

fn support(learner: &str, needs: &str) -> Declaration {
    Declaration::Support(SupportDeclaration {
        learner: id(learner),
        needs: text(needs),
        emergency: text("Ring the desk first"),
        last_date: "2027-07-20".parse().unwrap(),
    })
}

#[test]
fn a_day_is_declared_whole_and_says_who_is_expected_where() {
    let mut college = College::new();
    college.takes(NORTHGATE, whole(0, vec![lesson("2", "ENG-1", 0, 3), lesson("1", "ENG-1", 0, 1)]));
    let today = college.0.day(NORTHGATE, day(0)).unwrap();
    let ids: Vec<_> = today.lessons.iter().map(|lesson| lesson.local_id.as_str()).collect();
    assert_eq!((ids, today.week.as_ref().unwrap().as_str()), (vec!["1", "2"], "A"));
    assert_eq!(college.0.days_on(day(0)).map(|(number, _)| number).collect::<Vec<_>>(), [NORTHGATE]);
    let start = today.lessons[0].time.start();
    let expected = college.0.placed_in(NORTHGATE, &id("ENG-1"), day(0), start);
    assert_eq!(expected, [(college.imogen(), id("n-77"), KINGSMEAD)]);
    assert_eq!(college.0.placed_in(NORTHGATE, &id("ENG-2"), day(0), start), [], "another group");
    assert_eq!(college.0.placed_in(KINGSMEAD, &id("ENG-1"), day(0), start), [], "another host");

    // A lesson that is not listed any more is gone; a lesson of yesterday is no lesson of today.
    college.takes(NORTHGATE, whole(0, vec![lesson("2", "ENG-1", 0, 3)]));
    assert_eq!(college.0.day(NORTHGATE, day(0)).unwrap().lessons.len(), 1);
    assert_eq!(college.refuses(NORTHGATE, whole(1, vec![lesson("1", "ENG-1", 0, 1)])), "invalid_field");
    let held = college.0.day(NORTHGATE, day(0));
    assert_eq!(college.loaded().day(NORTHGATE, day(0)), held, "a start knows it, too");
}

#[test]
fn days_are_kept_from_a_week_ago_to_three_weeks_ahead_and_no_more() {
    let mut college = College::new();
    assert_eq!(college.refuses(NORTHGATE, whole(-8, vec![])), "too_old");
    assert_eq!(college.refuses(NORTHGATE, whole(22, vec![])), "too_early");
    for ahead in [-7, 0, 21] {
        college.takes(NORTHGATE, whole(ahead, vec![]));
    }
    // Half a year of mornings leaves neither memory nor rows behind.
    for passed in 1..180 {
        let said = whole(passed + 21, vec![lesson("1", "ENG-1", passed + 21, 1)]);
        assert_eq!(
            college.says(NORTHGATE, &said, MORNING + i64::from(passed) * DAY),
            DeclareResult::Accepted
        );
    }
    let held = (-10..220).filter(|ahead| college.0.day(NORTHGATE, day(*ahead)).is_some()).count();
    assert_eq!(held, 29);
    let rows: std::collections::BTreeSet<_> =
        college.1.iter().filter(|change| change.kind() == 20).map(Change::key).collect();
    assert_eq!(rows.len(), 32);
    assert_eq!(college.loaded().days_on(day(200)).count(), 1);
}

#[test]
fn a_notice_comes_from_whoever_knows_the_learner_and_reaches_everybody() {
    use NoticeKind::{ExpectedAbsence, NotAttending, TakenBack};
    let mut college = College::new();
    college.takes(KINGSMEAD, Declaration::Notice(notice("1", "k-1", ExpectedAbsence, MORNING)));
    college.takes(NORTHGATE, Declaration::Notice(notice("1", "n-77", NotAttending, MORNING + DAY)));
    let of = |directory: &Directory, learner| {
        let mut kinds: Vec<_> =
            directory.notices_of(learner).iter().map(|n| (n.institution, n.kind)).collect();
        kinds.sort_by_key(|(institution, _)| *institution);
        kinds
    };
    let both = [(KINGSMEAD, ExpectedAbsence), (NORTHGATE, NotAttending)];
    assert_eq!(of(&college.0, college.imogen()), both);
    assert_eq!(of(&college.loaded(), college.imogen()), both, "a start knows them, too");
    let refused = |college: &mut College, by, said| college.refuses(by, Declaration::Notice(said));
    assert_eq!(
        refused(&mut college, KINGSMEAD, notice("2", "n-77", NotAttending, MORNING)),
        "unknown_learner"
    );
    assert_eq!(refused(&mut college, NORTHGATE, notice("2", "n-77", TakenBack, MORNING)), "not_home");
    assert_eq!(refused(&mut college, KINGSMEAD, notice("2", "k-1", TakenBack, MORNING - 9 * DAY)), "too_old");
    for n in 2..65 {
        college.takes(KINGSMEAD, Declaration::Notice(notice(&n.to_string(), "k-1", NotAttending, MORNING)));
    }
    assert_eq!(refused(&mut college, KINGSMEAD, notice("65", "k-1", NotAttending, MORNING)), "too_many");
    let back = NoticeDeclaration { withdrawn: true, ..notice("1", "k-1", ExpectedAbsence, MORNING) };
    college.takes(KINGSMEAD, Declaration::Notice(back));
    assert!(!of(&college.0, college.imogen()).contains(&both[0]));
    // Months later the old ones make room for the next one.
    let later = MORNING + 90 * DAY;
    let said = Declaration::Notice(notice("66", "k-1", ExpectedAbsence, later));
    assert_eq!(college.says(KINGSMEAD, &said, later), DeclareResult::Accepted);
    assert_eq!(college.0.notices_of(college.imogen()).len(), 2, "the new one, and the college's");
}

#[test]
fn only_the_home_says_what_a_learner_needs_and_each_calls_them_by_its_own_name() {
    let mut college = College::new();
    let before = college.0.moment();
    college.takes(KINGSMEAD, support("k-1", "Large print, a seat near the door"));
    assert_ne!(college.0.moment(), before, "a card that was made before is made again");
    assert_eq!(college.refuses(NORTHGATE, support("n-77", "Nothing")), "not_home");
    assert_eq!(college.refuses(KINGSMEAD, support("k-9", "Nothing")), "unknown_learner");
    let imogen = college.imogen();
    for directory in [&college.0, &college.loaded()] {
        assert_eq!(directory.support(imogen).unwrap().needs.as_str(), "Large print, a seat near the door");
        let called = |by, local| directory.called(by, &id(local)).unwrap().known_as.as_str();
        assert_eq!((called(KINGSMEAD, "k-1"), called(NORTHGATE, "n-77")), ("Immy", "Imogen"));
        let shown = format!("{:?}{:?}", directory.called(KINGSMEAD, &id("k-1")), directory.support(imogen));
        assert_eq!(shown, "Some(Called(..))Some(Support(..))");
    }
    let nothing = SupportDeclaration {
        learner: id("k-1"),
        needs: text(""),
        emergency: text(""),
        last_date: "2027-07-20".parse().unwrap(),
    };
    college.takes(KINGSMEAD, Declaration::Support(nothing));
    assert!(college.0.support(imogen).is_none());
}

#[test]
fn whoever_left_is_called_nothing_and_nothing_is_expected_of_them() {
    let mut college = College::new();
    college.takes(KINGSMEAD, support("k-1", "Large print"));
    let told = notice("1", "k-1", NoticeKind::ExpectedAbsence, MORNING);
    college.takes(KINGSMEAD, Declaration::Notice(told));
    let imogen = college.imogen();
    let left = LearnerDeclaration {
        local_id: id("k-1"),
        registration: Registration::Previous,
        upn: String::new(),
        uln: "1000000019".to_owned(),
        uci: String::new(),
        former_upns: Vec::new(),
        birth_date: None,
        surname: text("Quillfeather"),
        forename: text("Imogen"),
        known_as: text("Immy"),
    };
    college.takes(KINGSMEAD, Declaration::Learner(left));
    for directory in [&college.0, &college.loaded()] {
        assert!(directory.called(KINGSMEAD, &id("k-1")).is_none());
        assert!(directory.local(KINGSMEAD, &id("k-1")).unwrap().support.is_none());
        assert!(directory.notices_of(imogen).is_empty());
    }
    let told = notice("2", "k-1", NoticeKind::ExpectedAbsence, MORNING);
    assert_eq!(college.refuses(KINGSMEAD, Declaration::Notice(told)), "not_here");
}

#[test]
fn a_learner_of_an_older_log_is_read_as_it_was_and_written_the_same() {
    let old = r#"{"t":"learner","institution":0,"local":"k-1","registration":"home","learner":1,"contested":false,"approved":false,"tokens":{}}"#;
    let change: Change = serde_json::from_str(old).unwrap();
    assert_eq!(serde_json::to_string(&change).unwrap(), old, "its commitment still holds");
    let old = r#"{"t":"institution","number":0,"institution":{"slug":"kingsmead","name":"K","type":"school","urn":"","ukprn":"","time_zone":"Europe/London"}}"#;
    let change: Change = serde_json::from_str(old).unwrap();
    assert_eq!(serde_json::to_string(&change).unwrap(), old);
}
