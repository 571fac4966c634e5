//! The whereabouts board through a school day: who is told when, who sees whom, and what a restart knows.

use crate::world::*;
use commonroll_core::{
    Body, Interval, Record, Role, Timestamp,
    directory::{
        DayDeclaration, Declaration, LessonDeclaration, NoticeDeclaration, NoticeKind, Registration,
    },
    record::{
        Text,
        attendance::{Attendance, Physical, Presence},
    },
};
use commonroll_exchange::*;
use std::sync::Arc;

pub const MINUTE: i64 = 60_000_000;
const DENIED: ReadError = ReadError::NotAllowed(NotAllowed::Denied);

/// A moment of the day: minutes after eight in the morning, UTC.
pub fn at(minute: i64) -> Timestamp {
    Timestamp::from_micros("at", MORNING + minute * MINUTE).unwrap()
}

pub fn between(from: i64, to: i64) -> Interval {
    Interval::new(at(from), at(to)).unwrap()
}

pub fn lesson(name: &str, from: i64, to: i64) -> LessonDeclaration {
    LessonDeclaration {
        local_id: id(name),
        group: id("ENG-1"),
        time: between(from, to),
        room: Text::parse("room", "C12", 40).unwrap(),
        cancelled: false,
    }
}

pub fn day(lessons: Vec<LessonDeclaration>) -> Declaration {
    Declaration::Day(DayDeclaration::new(date("2026-09-14"), false, None, lessons).unwrap())
}

pub fn notice(name: &str, learner: &str, kind: NoticeKind, time: Interval, withdrawn: bool) -> Declaration {
    Declaration::Notice(NoticeDeclaration { local_id: id(name), learner: id(learner), kind, time, withdrawn })
}

/// A mark about a lesson that begins at a minute and lasts an hour.
pub fn marked(guest: &str, from: i64, physical: Physical, revision: u32) -> Record {
    let mut record = mark("northgate", guest, 9, revision);
    record.head.id.0[4] = u8::try_from(from / 60).unwrap();
    let presence = Presence {
        physical,
        interval: Some(between(from, from + 60)),
        minutes_late: None,
        minutes_left_early: None,
    };
    record.body = Body::Attendance(Attendance { presence: Some(presence), ..Attendance::default() });
    record
}

/// Two homes with learners at northgate, an agreement that lets hosts see who is in today, data managers everywhere.
pub fn file() -> ConsortiumFile {
    let file = ConsortiumFile::parse(&text()).unwrap().signed_by(&PEOPLE);
    PARTNERS.into_iter().fold(file, |file, name| file.with_person(&PEOPLE, &slug(name), Role::DataManager))
}

/// The same before anybody signed.
pub fn text() -> String {
    let card = "last_date = \"2027-07-31\"\ncard = [\"identity\", \"presence_today\"]";
    let phone = "type = \"fe_college\"\nphone = \"01632 960 114\"\ndesk = \"Attendance desk\"";
    CONSORTIUM.replace("last_date = \"2027-07-31\"", card).replace("type = \"fe_college\"", phone)
}

pub async fn school() -> World {
    on(open_store("sqlite::memory:").await).await
}

/// Kingsmead's k-1 and k-2 and Ridgeway's r-3 are in ENG-1 at Northgate, from ten past eight and after nine.
pub async fn on(store: Arc<dyn commonroll_store::Store>) -> World {
    on_file(store, file()).await
}

pub async fn on_file(store: Arc<dyn commonroll_store::Store>, file: ConsortiumFile) -> World {
    let world = World::sized(store, file, Sizes::default()).await;
    world.placed("kingsmead", "k-1", "northgate", "n-1", "1000000019").await;
    world.placed("kingsmead", "k-2", "northgate", "n-2", "1000000027").await;
    world.placed("ridgeway", "r-3", "northgate", "n-3", "1000000035").await;
    world.declare("northgate", day(vec![lesson("L1", 10, 70), lesson("L2", 70, 130)])).await;
    world.exchange.open_views(read_body, world.now());
    world.tick().await;
    world
}

impl World {
    pub async fn tick(&self) {
        self.exchange.tick(self.now()).await;
    }

    /// Lets the clock come to a minute, ticking four times a minute.
    pub async fn come_to(&self, minute: i64) {
        while self.now() < at(minute) {
            self.pass((at(minute).micros() - self.now().micros()).min(MINUTE / 4));
            self.tick().await;
        }
    }

    /// An agent says that all its exports of today are sent.
    pub async fn current(&self, by: &str) {
        self.exchange.source_is_current(&self.speaker(by), self.now()).await.unwrap();
    }

    pub async fn seen(&self, who: &PersonSpeaker, role: Role, ask: BoardAsk) -> Result<BoardSeen, ReadError> {
        self.exchange.board(Acting { speaker: who, role }, (ask, BoardPart::ALL), self.now()).await
    }

    pub async fn officer(&self, at: &str, number: u8) -> PersonSpeaker {
        self.colleague(at, staff(Role::AttendanceOfficer, None), number).await
    }

    pub async fn away(&self, who: &PersonSpeaker) -> BoardSeen {
        self.seen(who, Role::AttendanceOfficer, BoardAsk::Away).await.unwrap()
    }

    pub async fn entries_of(&self, what: &str) -> Vec<serde_json::Value> {
        let shown = self.exchange.show(1, 10_000).await.unwrap();
        shown.into_iter().filter(|entry| entry["what"] == what).collect()
    }
}

pub fn words(board: &BoardSeen) -> Vec<String> {
    board.lines.iter().map(|line| line.words.clone()).collect()
}

fn looks(board: &BoardSeen) -> Vec<Looks> {
    board.lines.iter().map(|line| line.looks).collect()
}

#[tokio::test]
async fn a_learner_who_is_marked_absent_is_told_to_the_home_taken_in_hand_and_found() {
    let mut world = school().await;
    let officer = world.officer("kingsmead", 40).await;
    world.come_to(5).await;
    assert_eq!(looks(&world.away(&officer).await), [Looks::Expected, Looks::Expected]);
    world.come_to(14).await;
    world.publish("northgate", vec![marked("n-1", 10, Physical::Present, 1)]).await;
    world.publish("northgate", vec![marked("n-2", 10, Physical::Absent, 1)]).await;
    let marked_at = world.now();
    world.tick().await;

    let told = world.entries_of("alert.told").await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["by"], "hub");
    assert_eq!(told[0]["more"]["told"], serde_json::json!(["kingsmead", "northgate"]), "the home first");
    let board = world.away(&officer).await;
    assert_eq!((board.to_find(), board.learners()), (1, 2));
    assert_eq!(looks(&board), [Looks::NotSeen, Looks::Seen]);
    let alarm = &board.alarms[0];
    assert_eq!((alarm.since, alarm.name.as_str()), (marked_at, "Imogen Ashby"));
    assert_eq!(alarm.known, "Marked absent at 09:14");
    assert_eq!(alarm.lesson.as_ref().unwrap().room, "C12");
    assert_eq!(alarm.ring.as_ref().unwrap().phone, "01632 960 114");
    assert!(alarm.told[0].own && alarm.told[0].at == marked_at);
    assert!(!format!("{board:?}").contains("Ashby"), "Debug shows no name");

    let acting = Acting { speaker: &officer, role: Role::AttendanceOfficer };
    world.exchange.take_in_hand(acting, alarm.id, "Rang home", world.now()).await.unwrap();
    let taken = world.away(&officer).await;
    let in_hand = taken.alarms[0].in_hand[0].clone();
    assert!(in_hand.own && in_hand.words == "Rang home" && in_hand.name.as_deref() == Some("Thistlewood"));
    world.come_to(60).await;
    let told = world.entries_of("alert.told").await;
    let again = told.iter().filter(|entry| entry["more"]["about"] == "unaccounted").count();
    assert!(again > 1, "the host does not have it in hand, and is told again");

    world.exchange.found(acting, alarm.id, "In the library", world.now()).await.unwrap();
    world.tick().await;
    let board = world.away(&officer).await;
    assert_eq!(board.alarms, []);
    assert!(words(&board).contains(&"Found at 10:00".to_owned()), "{:?}", words(&board));
    let over = world.entries_of("alert.over").await;
    assert_eq!(over.iter().filter(|entry| entry["more"]["about"] == "unaccounted").count(), 1);
    let again = world.exchange.take_in_hand(acting, alarm.id, "", world.now()).await;
    assert!(matches!(again, Err(LawError::State(_))), "{again:?}");
    let log = serde_json::to_string(&world.exchange.show(1, 10_000).await.unwrap()).unwrap();
    assert!(!log.contains("library") && !log.contains("Rang home"), "remarks stay out of entries");
    assert!(world.exchange.verify(|_| {}).await.is_ok());
}

#[tokio::test]
async fn an_untaken_register_is_told_to_the_host_and_within_a_minute_of_the_agreed_moment_to_the_home() {
    let mut world = school().await;
    let officer = world.officer("kingsmead", 40).await;
    // Northgate's other register comes in all the time: the source is current, and this one isn't taken.
    let other = |minute: i64| marked("n-3", 10, Physical::Present, u32::try_from(minute).unwrap());
    for minute in 11..33 {
        world.come_to(minute).await;
        world.publish("northgate", vec![other(minute)]).await;
        world.current("northgate").await;
        world.tick().await;
    }
    let told = world.entries_of("alert.told").await;
    let of = |about: &str| -> Vec<_> {
        told.iter().filter(|entry| entry["more"]["about"] == about).cloned().collect()
    };
    assert_eq!(of("register").len(), 1, "the host is told once for all its learners");
    assert_eq!(of("register")[0]["more"]["told"], serde_json::json!(["northgate"]));
    let missing = of("unaccounted");
    assert_eq!(missing.len(), 2, "{told:?}");
    for entry in &missing {
        let told_at = entry["at"].as_str().unwrap();
        let moments = [at(30).to_string(), at(31).to_string()];
        assert!((moments[0].as_str()..=moments[1].as_str()).contains(&told_at), "told at {told_at}");
        assert_eq!(entry["more"]["told"], serde_json::json!(["northgate", "kingsmead"]), "the host first");
    }
    let board = world.away(&officer).await;
    assert_eq!(board.to_find(), 2);
    assert_eq!(board.hosts[0].heard, Some(at(32)));
    // Nobody takes them in hand: they are told again, and never twice as two.
    world.come_to(44).await;
    let again = world.entries_of("alert.told").await;
    let repeated = again.iter().filter(|entry| entry["more"]["repeated"] == 1).count();
    assert!(repeated >= 2, "{again:?}");
    assert_eq!(world.away(&officer).await.to_find(), 2);
}

#[tokio::test]
async fn case_37_a_silent_source_leaves_everybody_unknown_and_nobody_missing() {
    let mut world = school().await;
    let officer = world.officer("kingsmead", 40).await;
    world.come_to(12).await;
    world.publish("northgate", vec![marked("n-1", 10, Physical::Present, 1)]).await;
    // Northgate's agent stops. The clock goes on.
    world.come_to(60).await;
    let board = world.away(&officer).await;
    assert_eq!(board.to_find(), 0, "{:?}", board.alarms);
    assert_eq!(looks(&board), [Looks::Unknown, Looks::Seen], "what was said stays said");
    assert_eq!(words(&board)[0], "Unknown: no word from Northgate College since 09:12");
    assert!(board.hosts[0].silent && board.hosts[0].heard == Some(at(12)));
    let about: Vec<_> =
        world.entries_of("alert.told").await.iter().map(|e| e["more"]["about"].clone()).collect();
    assert!(about.iter().all(|about| about == "source_silent" || about == "register"), "{about:?}");
    assert_eq!(board.alarms.iter().filter(|alarm| alarm.learner.is_none()).count(), 1, "the source, by name");

    // A correction of last week's register is no word about today's.
    let mut old = marked("n-2", 10, Physical::Absent, 1);
    old.head.date = date("2026-09-10");
    old.head.id.0[..4].copy_from_slice(&date("2026-09-10").days().to_be_bytes());
    world.publish("northgate", vec![old]).await;
    world.tick().await;
    assert!(world.away(&officer).await.hosts[0].silent);

    // The agent is back and says that there is nothing more: only now is anybody looked for.
    world.exchange.source_is_current(&world.speaker("northgate"), world.now()).await.unwrap();
    world.tick().await;
    let board = world.away(&officer).await;
    assert_eq!((board.to_find(), board.hosts[0].silent), (1, false));
    let words = world.entries_of("source.current").await.len();
    world.exchange.source_is_current(&world.speaker("northgate"), world.now()).await.unwrap();
    assert_eq!(world.entries_of("source.current").await.len(), words, "its word is written now and then");
}

#[tokio::test]
async fn what_is_told_in_advance_excuses_and_a_cancelled_class_is_no_absence() {
    let mut world = school().await;
    let officer = world.officer("kingsmead", 40).await;
    let sick = |withdrawn| notice("N1", "k-1", NoticeKind::ExpectedAbsence, between(0, 240), withdrawn);
    world.declare("kingsmead", sick(false)).await;
    let mut off = lesson("L1", 10, 70);
    off.cancelled = true;
    world.come_to(2).await;
    world.declare("northgate", day(vec![off, lesson("L2", 70, 130)])).await;
    world.come_to(11).await;
    let board = world.away(&officer).await;
    assert_eq!(looks(&board), [Looks::Unknown, Looks::Excused], "{:?}", words(&board));
    let told: Vec<_> =
        world.entries_of("alert.told").await.iter().map(|e| e["more"]["about"].clone()).collect();
    assert_eq!(
        told,
        ["class_cancelled", "class_cancelled"],
        "one for each home, and before anybody is missing"
    );

    let back = notice("N2", "k-2", NoticeKind::TakenBack, between(0, 70), false);
    world.declare("kingsmead", back).await;
    world.come_to(30).await;
    let board = world.away(&officer).await;
    assert_eq!(looks(&board), [Looks::Excused, Looks::Excused], "{:?}", words(&board));
    assert_eq!(board.alarms, [], "the home has both");

    // The notice is taken back, and the class takes place after all.
    world.declare("kingsmead", sick(true)).await;
    world.declare("northgate", day(vec![lesson("L1", 10, 70), lesson("L2", 70, 130)])).await;
    world.publish("northgate", vec![marked("n-3", 10, Physical::Present, 1)]).await;
    world.current("northgate").await;
    world.tick().await;
    let board = world.away(&officer).await;
    assert_eq!(
        looks(&board),
        [Looks::NotSeen, Looks::Excused],
        "one is on nobody's register, one is at home"
    );
    assert!(words(&board).contains(&"Back with home".to_owned()), "{:?}", words(&board));
    world.declare("kingsmead", notice("N2", "k-2", NoticeKind::TakenBack, between(0, 70), true)).await;
    world.tick().await;
    assert_eq!(looks(&world.away(&officer).await), [Looks::NotSeen, Looks::NotSeen], "on nobody's register");
}

#[tokio::test]
async fn a_mark_counts_at_its_newest_revision_and_not_once_it_is_gone() {
    let mut world = school().await;
    let officer = world.officer("kingsmead", 40).await;
    world.come_to(15).await;
    world.publish("northgate", vec![marked("n-1", 10, Physical::Absent, 1)]).await;
    world.tick().await;
    assert_eq!(world.away(&officer).await.to_find(), 1);
    world.publish("northgate", vec![marked("n-1", 10, Physical::Present, 3)]).await;
    world.publish("northgate", vec![marked("n-1", 10, Physical::Absent, 2)]).await;
    world.tick().await;
    let board = world.away(&officer).await;
    assert_eq!((board.to_find(), looks(&board)[0]), (0, Looks::Seen), "the older one came too late");
    world.publish("northgate", vec![withdrawn(marked("n-1", 10, Physical::Present, 4), 4)]).await;
    world.tick().await;
    assert_eq!(looks(&world.away(&officer).await), [Looks::Expected, Looks::Expected], "nothing is said");

    // Seen in the next lesson: whoever missed the first is not looked for.
    world.publish("northgate", vec![marked("n-1", 10, Physical::Absent, 5)]).await;
    world.tick().await;
    assert_eq!(world.away(&officer).await.to_find(), 1);
    world.come_to(75).await;
    world.publish("northgate", vec![marked("n-1", 70, Physical::Present, 1)]).await;
    world.tick().await;
    let board = world.away(&officer).await;
    assert!(board.alarms.iter().all(|alarm| alarm.known != "Marked absent at 09:15"), "{:?}", board.alarms);
}

#[tokio::test]
async fn a_placement_that_ends_and_a_lesson_that_goes_leave_the_board() {
    let mut world = school().await;
    let officer = world.officer("kingsmead", 40).await;
    world.come_to(15).await;
    world.publish("northgate", vec![marked("n-1", 10, Physical::Absent, 1)]).await;
    world.tick().await;
    assert_eq!(world.away(&officer).await.to_find(), 1);
    world.declare("kingsmead", end("k-1", "northgate", at(0))).await;
    world.tick().await;
    let board = world.away(&officer).await;
    assert_eq!((board.learners(), board.alarms.len()), (1, 0), "nobody expects k-1");
    assert_eq!(world.entries_of("alert.over").await.len(), 1);
    world.declare("northgate", day(Vec::new())).await;
    world.tick().await;
    assert_eq!(world.away(&officer).await.learners(), 0);
    // The next day has its own board, and none was declared.
    world.declare("northgate", day(vec![lesson("L1", 10, 70)])).await;
    world.tick().await;
    assert_eq!(world.away(&officer).await.learners(), 1);
    world.pass(DAY);
    world.tick().await;
    assert_eq!(world.away(&officer).await.learners(), 0);
}

#[tokio::test]
async fn each_sees_their_own_and_a_host_nothing_of_other_hosts() {
    let mut world = school().await;
    let home = world.officer("kingsmead", 40).await;
    let other_home = world.officer("ridgeway", 41).await;
    let host = world.officer("northgate", 42).await;
    let sixth = world.colleague("kingsmead", staff(Role::HeadOfSixth, None), 43).await;
    let teacher = world.colleague("northgate", staff(Role::Teacher, None), 44).await;
    let learners = |board: &BoardSeen| board.learners();
    assert_eq!(learners(&world.away(&home).await), 2);
    assert_eq!(learners(&world.away(&other_home).await), 1);
    assert_eq!(learners(&world.seen(&sixth, Role::HeadOfSixth, BoardAsk::Away).await.unwrap()), 2);
    let visitors = world.seen(&host, Role::AttendanceOfficer, BoardAsk::Visitors).await.unwrap();
    assert_eq!(learners(&visitors), 3);
    assert!(visitors.lines.iter().all(|line| line.home.is_some()));
    assert_eq!(world.seen(&sixth, Role::HeadOfSixth, BoardAsk::Visitors).await, Err(DENIED));
    assert_eq!(world.seen(&teacher, Role::Teacher, BoardAsk::Visitors).await, Err(DENIED));
    assert_eq!(world.seen(&teacher, Role::Teacher, BoardAsk::Away).await, Err(DENIED));
    assert_eq!(world.seen(&home, Role::Head, BoardAsk::Away).await, Err(DENIED), "a role that is not held");
    let manager = Actor::new(&world, "kingsmead", Role::DataManager);
    let denied = world.exchange.board(manager.acting(), (BoardAsk::Away, BoardPart::ALL), world.now()).await;
    assert_eq!(denied, Err(DENIED), "who runs the rules sees no learners");

    // k-1 is at Ridgeway instead: the home reads where, the host only that it was elsewhere.
    world.declare("ridgeway", learner("r-5", Registration::Guest, "1000000019")).await;
    world.declare("kingsmead", placement("k-1", "ridgeway")).await;
    world.declare("ridgeway", acceptance("r-5", "kingsmead")).await;
    world.come_to(15).await;
    let sighting =
        Record { body: marked("r-5", 5, Physical::Present, 1).body, ..mark("ridgeway", "r-5", 8, 1) };
    world.publish("ridgeway", vec![sighting]).await;
    world.publish("northgate", vec![marked("n-1", 10, Physical::Absent, 1)]).await;
    world.tick().await;
    let at_home = world.away(&home).await;
    assert!(
        words(&at_home).contains(&"Not here: seen at Ridgeway Academy".to_owned()),
        "{:?}",
        words(&at_home)
    );
    assert_eq!(at_home.to_find(), 0);
    let at_host = world.seen(&host, Role::AttendanceOfficer, BoardAsk::Visitors).await.unwrap();
    assert!(words(&at_host).contains(&"Not here: seen at another site".to_owned()));

    // Nobody answers for another's learner.
    world.publish("northgate", vec![marked("n-3", 10, Physical::Absent, 1)]).await;
    world.tick().await;
    let theirs = world.away(&other_home).await.alarms[0].id;
    let acting = Acting { speaker: &home, role: Role::AttendanceOfficer };
    let denied = world.exchange.found(acting, theirs, "Here", world.now()).await;
    assert_eq!(denied, Err(LawError::NotAllowed(NotAllowed::Denied)));
    let at_host = Acting { speaker: &host, role: Role::AttendanceOfficer };
    world.exchange.take_in_hand(at_host, theirs, "Asking the class", world.now()).await.unwrap();
    let in_hand = world.away(&other_home).await.alarms[0].in_hand[0].clone();
    assert_eq!((in_hand.name, in_hand.words.as_str()), (None, ""), "which institution has it, not its words");
    assert_eq!(in_hand.institution, "Northgate College");
}

#[tokio::test]
async fn a_board_has_an_entry_first_and_a_live_one_a_new_one_only_for_somebody_new() {
    let world = school().await;
    let officer = world.officer("kingsmead", 40).await;
    world.away(&officer).await;
    let entries = world.entries_of("board.shown").await;
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0]["more"]["count"], 2);
    assert_eq!(entries[0]["more"]["purpose"], "attendance");
    let end = world.exchange.stats().log_entries;
    world.come_to(5).await;
    world.away(&officer).await;
    assert_eq!(world.exchange.stats().log_entries, end, "the same two, a few minutes later");
    world.placed("kingsmead", "k-9", "northgate", "n-9", "1000000043").await;
    world.tick().await;
    world.away(&officer).await;
    assert_eq!(world.entries_of("board.shown").await.len(), 2, "somebody new");
    world.come_to(20).await;
    world.away(&officer).await;
    assert_eq!(world.entries_of("board.shown").await.len(), 3, "ten minutes are over");

    let dpo = world.office("kingsmead", Role::Dpo, 50).await;
    let saw = world.who_saw(&dpo, Role::Dpo, "k-9").await.unwrap();
    let boards = saw
        .iter()
        .filter(|one| matches!(&one.reader, Reader::Person { role, .. } if role == "attendance_officer"));
    assert_eq!(boards.count(), 2, "the two boards that k-9 was on: {saw:?}");
    let mut changes = world.exchange.board_changes().unwrap();
    changes.mark_unchanged();
    world.tick().await;
    assert!(!changes.has_changed().unwrap(), "nothing happened");
    world.come_to(80).await;
    assert!(changes.has_changed().unwrap(), "live pages are told");
}

#[tokio::test]
async fn after_a_restart_the_board_is_what_it_was_and_open_alerts_keep_their_clocks() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("hub.db").display());
    let mut world = on(open_store(&url).await).await;
    let officer = world.officer("kingsmead", 40).await;
    world.come_to(14).await;
    let marks = vec![marked("n-1", 10, Physical::Present, 1), marked("n-2", 10, Physical::Absent, 1)];
    world.publish("northgate", marks).await;
    world.come_to(16).await;
    let before = world.away(&officer).await;
    world.started_again(open_store(&url).await).await;
    assert_eq!(
        world.seen(&officer, Role::AttendanceOfficer, BoardAsk::Away).await,
        Err(ReadError::Unavailable)
    );
    world.exchange.open_views(read_body, world.now());
    world.tick().await;
    let after = world.away(&officer).await;
    assert!(after.complete);
    assert_eq!((after.hosts, after.lines, after.alarms), (before.hosts, before.lines, before.alarms));
    assert_eq!(world.entries_of("alert.told").await.len(), 1, "it was told, and is not told anew");
    world.current("northgate").await;
    world.come_to(25).await;
    assert_eq!(world.entries_of("alert.told").await.len(), 2, "ten minutes after it was told: again");
    let seen = vec![marked("n-2", 10, Physical::Late, 2)];
    world.publish("northgate", seen).await;
    world.tick().await;
    assert_eq!(world.away(&officer).await.to_find(), 0);
    assert_eq!(world.entries_of("alert.over").await.len(), 1);
}

#[tokio::test]
async fn two_nodes_raise_an_alert_once_and_see_what_either_was_told() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("hub.db").display());
    let mut world = on(open_store(&url).await).await;
    let other = Exchange::open(options(&url), world.now()).await.unwrap();
    other.open_views(read_body, world.now());
    let both = async |world: &World| {
        world.tick().await;
        other.follow(std::time::Duration::from_millis(1)).await.unwrap();
        other.tick(world.now()).await;
        world.exchange.follow(std::time::Duration::from_millis(1)).await.unwrap();
        world.tick().await;
    };
    let officer = world.officer("kingsmead", 40).await;
    world.pass(14 * MINUTE);
    world.publish("northgate", vec![marked("n-2", 10, Physical::Absent, 1)]).await;
    both(&world).await;
    assert_eq!(world.entries_of("alert.told").await.len(), 1);
    let acting = Acting { speaker: &officer, role: Role::AttendanceOfficer };
    let there = other.board(acting, (BoardAsk::Away, BoardPart::ALL), world.now()).await.unwrap();
    assert_eq!(there.to_find(), 1);
    other.take_in_hand(acting, there.alarms[0].id, "", world.now()).await.unwrap();
    let host = world.officer("northgate", 42).await;
    let at_host = Acting { speaker: &host, role: Role::AttendanceOfficer };
    world.exchange.take_in_hand(at_host, there.alarms[0].id, "", world.now()).await.unwrap();
    world.pass(15 * MINUTE);
    both(&world).await;
    let told = world.entries_of("alert.told").await;
    assert!(told.iter().all(|entry| entry["more"]["repeated"] == 0), "in hand on both: {told:?}");
    world.publish("northgate", vec![marked("n-2", 10, Physical::Present, 2)]).await;
    both(&world).await;
    let over = world.entries_of("alert.over").await;
    let of_learner = over.iter().filter(|entry| entry["more"]["about"] == "unaccounted").count();
    assert_eq!(of_learner, 1);
}

#[tokio::test]
async fn a_home_with_a_register_is_proposed_codes_and_never_a_b_without_a_mark() {
    let mut world = school().await;
    let officer = world.officer("kingsmead", 40).await;
    let college = world.officer("northgate", 42).await;
    world.come_to(12).await;
    let proposals = world.away(&officer).await.proposals.unwrap();
    assert_eq!((proposals.session, proposals.clear.len()), (Session::Morning, 0), "no mark, no code");
    world.publish("northgate", vec![marked("n-1", 10, Physical::Present, 1)]).await;
    world.publish("northgate", vec![marked("n-2", 10, Physical::Absent, 1)]).await;
    world.publish("northgate", vec![marked("n-2", 70, Physical::Absent, 1)]).await;
    world.tick().await;
    let board = world.away(&officer).await;
    let codes: Vec<_> = board.lines.iter().map(|line| line.proposal.clone().unwrap()).collect();
    assert_eq!((codes[0].code, codes[0].rule, codes[0].clear), (Some("N"), 4, false));
    assert_eq!((codes[1].code, codes[1].rule, codes[1].clear), (Some("B"), 1, true));
    assert_eq!(board.proposals.as_ref().unwrap().clear, [(1, 1)].into());

    // The home expected an absence, and the host saw the learner: both are shown, and nothing is clear.
    world
        .declare("kingsmead", notice("N1", "k-1", NoticeKind::ExpectedAbsence, between(0, 240), false))
        .await;
    world.tick().await;
    let proposals = world.away(&officer).await.proposals.unwrap();
    assert_eq!((proposals.conflicts.len(), proposals.clear.len()), (1, 0));
    assert_eq!((proposals.conflicts[0].home, proposals.conflicts[0].host), ("absence expected", "present"));
    let board = world.away(&college).await;
    assert_eq!(board.proposals, None, "a college keeps no statutory register");
}

#[tokio::test]
async fn a_partner_without_a_lesson_for_the_learner_excuses_them_nowhere() {
    let mut world = school().await;
    let officer = world.officer("kingsmead", 40).await;
    world.come_to(15).await;
    world.publish("northgate", vec![marked("n-1", 10, Physical::Absent, 1)]).await;
    world.tick().await;
    assert_eq!(world.away(&officer).await.to_find(), 1);
    // Ridgeway knows the learner as a guest, and nobody placed them there.
    world.declare("ridgeway", learner("r-9", Registration::Guest, "1000000019")).await;
    for (name, kind) in [("X1", NoticeKind::ExpectedAbsence), ("X2", NoticeKind::NotAttending)] {
        world.declare("ridgeway", notice(name, "r-9", kind, between(0, 240), false)).await;
    }
    world.tick().await;
    assert_eq!(world.away(&officer).await.to_find(), 1, "the home is still told");
    world
        .declare("kingsmead", notice("N1", "k-1", NoticeKind::ExpectedAbsence, between(0, 240), false))
        .await;
    world.tick().await;
    assert_eq!(world.away(&officer).await.to_find(), 0, "the home's own word holds everywhere");
}

#[tokio::test]
async fn a_mark_of_the_whole_morning_hides_no_absence_from_a_lesson() {
    let mut world = school().await;
    let officer = world.officer("kingsmead", 40).await;
    world.come_to(15).await;
    let mut morning = mark("northgate", "n-1", 20, 1);
    morning.head.group = None;
    let presence = Presence {
        physical: Physical::Present,
        interval: Some(between(0, 240)),
        minutes_late: None,
        minutes_left_early: None,
    };
    morning.body = Body::Attendance(Attendance { presence: Some(presence), ..Attendance::default() });
    world.publish("northgate", vec![morning]).await;
    world.tick().await;
    assert_eq!(
        looks(&world.away(&officer).await),
        [Looks::Expected, Looks::Expected],
        "no lesson saw them yet"
    );
    world.come_to(75).await;
    world.publish("northgate", vec![marked("n-1", 70, Physical::Absent, 1)]).await;
    world.tick().await;
    let board = world.away(&officer).await;
    let missing: Vec<_> =
        board.alarms.iter().filter(|alarm| alarm.known.starts_with("Marked absent")).collect();
    assert_eq!(missing.len(), 1, "{:?}", words(&board));
}

#[tokio::test]
async fn a_register_that_was_filled_in_ahead_says_nobody_was_seen() {
    let mut world = school().await;
    let officer = world.officer("kingsmead", 40).await;
    world.come_to(15).await;
    let ahead = marked("n-1", 70, Physical::Present, 1);
    let absent = marked("n-1", 10, Physical::Absent, 1);
    world.publish("northgate", vec![ahead, absent]).await;
    world.tick().await;
    let board = world.away(&officer).await;
    assert_eq!(board.to_find(), 1, "a seat in the next lesson is no sight of them: {:?}", words(&board));
    assert!(looks(&board).contains(&Looks::Expected), "{:?}", words(&board));
    world.come_to(72).await;
    assert!(!looks(&world.away(&officer).await).contains(&Looks::Seen), "nor when it begins");
    world.publish("northgate", vec![marked("n-1", 70, Physical::Present, 2)]).await;
    world.tick().await;
    assert!(looks(&world.away(&officer).await).contains(&Looks::Seen), "until somebody has looked");
}

#[tokio::test]
async fn case_37_registers_that_come_hours_late_prove_nothing_about_those_still_on_the_way() {
    let mut world = school().await;
    let officer = world.officer("kingsmead", 40).await;
    world.come_to(200).await;
    // Northgate was cut off; the first of what it kept arrives, and the rest is still to come.
    world.publish("northgate", vec![marked("n-1", 10, Physical::Present, 1)]).await;
    world.tick().await;
    assert_eq!(world.away(&officer).await.to_find(), 0, "nobody is missing because a feed is late");
    world.exchange.source_is_current(&world.speaker("northgate"), world.now()).await.unwrap();
    world.tick().await;
    assert!(world.away(&officer).await.to_find() > 0, "that was all, it says");
}

#[tokio::test]
async fn who_was_found_is_not_missed_again_after_a_restart_or_on_another_node() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("hub.db").display());
    let mut world = on(open_store(&url).await).await;
    let other = Exchange::open(options(&url), world.now()).await.unwrap();
    other.open_views(read_body, world.now());
    let officer = world.officer("kingsmead", 40).await;
    world.come_to(14).await;
    world.publish("northgate", vec![marked("n-2", 10, Physical::Absent, 1)]).await;
    world.tick().await;
    let acting = Acting { speaker: &officer, role: Role::AttendanceOfficer };
    let alarm = world.away(&officer).await.alarms[0].id;
    world.exchange.found(acting, alarm, "In the library", world.now()).await.unwrap();
    world.tick().await;
    assert_eq!(world.entries_of("alert.over").await.len(), 1);
    other.follow(std::time::Duration::from_millis(1)).await.unwrap();
    other.tick(world.now()).await;
    world.exchange.follow(std::time::Duration::from_millis(1)).await.unwrap();
    assert_eq!(world.entries_of("alert.told").await.len(), 1, "the other node knows that they were found");
    drop(other);
    world.started_again(open_store(&url).await).await;
    world.exchange.open_views(read_body, world.now());
    world.tick().await;
    assert_eq!(world.entries_of("alert.told").await.len(), 1, "nor does a restart forget it");
    assert_eq!(world.away(&officer).await.to_find(), 0);
}

#[tokio::test]
async fn a_register_in_time_proves_nothing_about_the_registers_behind_it() {
    let mut world = school().await;
    let officer = world.officer("kingsmead", 40).await;
    // Northgate was cut off, and sends what it kept: the register of one class is in, the other's is on its way.
    world.come_to(33).await;
    world.publish("northgate", vec![marked("n-3", 10, Physical::Present, 1)]).await;
    world.come_to(34).await;
    let board = world.away(&officer).await;
    assert_eq!(
        (board.to_find(), looks(&board)),
        (0, vec![Looks::Unknown, Looks::Unknown]),
        "{:?}",
        words(&board)
    );
    let rest = vec![marked("n-1", 10, Physical::Present, 1), marked("n-2", 10, Physical::Present, 1)];
    world.publish("northgate", rest).await;
    world.current("northgate").await;
    world.tick().await;
    assert_eq!(looks(&world.away(&officer).await), [Looks::Seen, Looks::Seen]);
    let told = world.entries_of("alert.told").await;
    assert!(
        told.iter().all(|entry| entry["more"]["about"] == "source_silent"),
        "nobody was missing: {told:?}"
    );
}

#[tokio::test]
async fn a_sources_word_is_written_at_once_when_the_board_waits_for_it() {
    let world = school().await;
    world.come_to(29).await;
    world.current("northgate").await;
    world.tick().await;
    let words = world.entries_of("source.current").await.len();
    for second in 0..4 {
        world.pass(MINUTE / 4);
        world.current("northgate").await;
        world.tick().await;
        let more = world.entries_of("source.current").await.len() - words;
        assert_eq!(more, usize::from(second == 3), "nobody waits before the half hour");
    }
    let told = world.entries_of("alert.told").await;
    assert_eq!(told.iter().filter(|entry| entry["more"]["about"] == "unaccounted").count(), 3);
    assert_eq!(told.last().unwrap()["at"], at(30).to_string(), "at the moment that the rules set");
}

#[tokio::test]
async fn who_is_missing_stays_on_the_board_when_the_host_strikes_the_lesson_out_and_the_day_ends() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("hub.db").display());
    let mut world = on(open_store(&url).await).await;
    let officer = world.officer("kingsmead", 40).await;
    world.come_to(15).await;
    world.publish("northgate", vec![marked("n-1", 10, Physical::Absent, 1)]).await;
    world.tick().await;
    let alarm = world.away(&officer).await.alarms[0].id;
    world.declare("northgate", day(vec![lesson("L2", 70, 130)])).await;
    world.tick().await;
    let known = async |world: &World| {
        let board = world.away(&officer).await;
        assert_eq!(board.alarms.iter().filter(|held| held.id == alarm).count(), 1, "{:?}", board.alarms);
        board.alarms[0].known.clone()
    };
    let wanted = "Missing since 09:15, not expected any more, and never accounted for";
    assert_eq!(known(&world).await, wanted);
    assert_eq!(world.entries_of("alert.over").await.len(), 0);
    // Another day, and another start of the hub.
    world.pass(DAY);
    world.tick().await;
    assert_eq!(known(&world).await, wanted);
    world.started_again(open_store(&url).await).await;
    world.exchange.open_views(read_body, world.now());
    world.tick().await;
    assert_eq!(known(&world).await, wanted);
    assert_eq!(world.entries_of("alert.over").await.len(), 0);
    let acting = Acting { speaker: &officer, role: Role::AttendanceOfficer };
    world.exchange.found(acting, alarm, "At home", world.now()).await.unwrap();
    world.tick().await;
    assert_eq!(world.away(&officer).await.alarms, []);
    assert_eq!(world.entries_of("alert.over").await.len(), 1);
}
