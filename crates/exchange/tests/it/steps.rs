//! Readiness unlocks kinds of record where partners agreed so: by two people on figures, locked again by one with words, and by
//! the record's own date.

use crate::world::*;
use commonroll_core::{
    Body, Interval, Purpose, Record, RecordId, RecordKind, Role, SchoolDate,
    convention::Says,
    directory::{DayDeclaration, Declaration, LessonDeclaration, Registration},
    record::{
        Text,
        attendance::{Attendance, Physical, Presence},
    },
};
use commonroll_exchange::*;

const HOUR: i64 = 3_600_000_000;
const DAY: i64 = 24 * HOUR;
const KIND: RecordKind = RecordKind::Behaviour;

/// A record so many days after the first.
fn on(mut record: Record, days: i32) -> Record {
    record.head.date = SchoolDate::from_days(record.head.date.days() + days).unwrap();
    record.head.id.0[..4].copy_from_slice(&record.head.date.days().to_be_bytes());
    record.head.recorded_at = record.head.recorded_at.plus_micros(i64::from(days) * DAY);
    record
}

/// What happened at nine on a day.
fn event(days: i32) -> Record {
    on(conduct("northgate", "n-77", 9), days)
}

fn code(answer: &RecordAnswer) -> &'static str {
    match answer {
        RecordAnswer::Rejected { code, .. } => code,
        _ => "taken",
    }
}

struct Table {
    world: World,
    kingsmead: Actor,
    ridgeway: Actor,
    northgate: Actor,
}

impl Table {
    fn of(world: World) -> Self {
        let [kingsmead, ridgeway, northgate] =
            PARTNERS.map(|name| Actor::new(&world, name, Role::DataManager));
        Self { world, kingsmead, ridgeway, northgate }
    }

    /// All partners agree that behaviour needs so much on two school days, from tomorrow on.
    async fn agree(&self, id: u8, points: u32) {
        let now = self.world.now();
        let today = now.date_in(&jiff::tz::TimeZone::get("Europe/London").unwrap());
        let from = SchoolDate::from_days(today.days() + 1).unwrap();
        let says = Says::Unlock { kind: KIND, points, days: 2 };
        let exchange = &self.world.exchange;
        exchange.propose_convention(self.kingsmead.acting(), (says, from), ([id; 16], now)).await.unwrap();
        for who in [&self.ridgeway, &self.northgate] {
            exchange.answer_convention(who.acting(), [id; 16], true, now).await.unwrap();
        }
    }

    /// A day with one lesson, whose mark comes in the moment it ends; if it does. Ends at noon.
    async fn school_day(&mut self, days: i32, is_marked: bool) {
        let mut record = on(mark("northgate", "n-77", 9, 1), days);
        let start = record.head.recorded_at;
        let time = Interval::new(start, start.plus_micros(HOUR)).unwrap();
        let presence = Presence {
            physical: Physical::Present,
            interval: Some(time),
            minutes_late: None,
            minutes_left_early: None,
        };
        record.body = Body::Attendance(Attendance { presence: Some(presence), ..Attendance::default() });
        let (local_id, room) = (id(&format!("L{days}")), Text::parse("room", "C12", 40).unwrap());
        let lesson = LessonDeclaration { local_id, group: id("ENG-1"), time, room, cancelled: false };
        let day = DayDeclaration::new(record.head.date, false, None, vec![lesson]).unwrap();
        self.world.declare("northgate", Declaration::Day(day)).await;
        let until = |hour: i64| MORNING - 8 * HOUR + i64::from(days) * DAY + hour * HOUR;
        self.world.pass(until(10) - self.world.now().micros());
        if is_marked {
            assert_eq!(code(&self.world.publish("northgate", vec![record]).await[0]), "taken");
        }
        self.world.pass(until(12) - self.world.now().micros());
        self.world.exchange.tick(self.world.now()).await;
    }

    async fn step(&self, who: &Actor) -> StepOf {
        let seen = self.world.exchange.steps(who.acting(), self.world.now()).await.unwrap();
        assert_eq!(seen.steps.len(), 1, "one kind: {seen:?}");
        let step = &seen.steps[0];
        assert_eq!((step.kind, step.condition.points, step.condition.days), (KIND, 90, 2));
        step.partners.iter().find(|of| of.slug == slug("northgate")).unwrap().clone()
    }

    async fn propose(&self, id: u8) -> Result<(), LawError> {
        let fresh = ([id; 16], self.world.now());
        self.world.exchange.propose_unlock(self.northgate.acting(), KIND, fresh).await
    }

    async fn answer(&self, who: &Actor, id: u8, agree: bool) -> Result<(), LawError> {
        self.world.exchange.answer_unlock(who.acting(), [id; 16], agree, self.world.now()).await
    }

    async fn lock(&self, who: &Actor, words: &str) -> Result<(), LawError> {
        self.world
            .exchange
            .lock_again(who.acting(), (&slug("northgate"), KIND), words, self.world.now())
            .await
    }
}

async fn table(database: &str) -> Table {
    let world = World::with(database, governed()).await;
    world.exchange.open_views(read_body, world.now());
    world.placed("kingsmead", "k-1", "northgate", "n-77", "1000000019").await;
    world.exchange.tick(world.now()).await;
    Table::of(world)
}

#[tokio::test]
async fn behaviour_flows_once_attendance_was_tight_and_two_people_agreed_and_stops_when_one_locks_it() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("hub.db").display());
    let mut table = table(&database).await;
    let seen = table.world.exchange.steps(table.northgate.acting(), table.world.now()).await.unwrap();
    assert!(seen.steps.is_empty() && seen.may_propose, "where nobody agreed on it, nothing is locked");
    assert!(!table.world.log().await.iter().any(|line| line.contains("steps.shown")), "nor shown");
    table.agree(1, 90).await;
    assert_eq!(
        code(&table.world.publish("northgate", vec![event(0)]).await[0]),
        "taken",
        "it holds tomorrow"
    );

    table.school_day(1, true).await;
    let answers = table.world.publish("northgate", vec![event(1)]).await;
    assert_eq!(code(&answers[0]), "not_unlocked");
    let mut corrected = event(0);
    corrected.head.revision = corrected.head.revision.next();
    let corrected = table.world.publish("northgate", vec![corrected]).await;
    assert_eq!(code(&corrected[0]), "taken", "what flowed before is corrected as ever");
    assert!(matches!(table.propose(9).await, Err(LawError::State(why)) if why.contains("aren't there yet")));
    assert_eq!(table.step(&table.northgate).await.stands, StepStands::Locked);

    // Why not, and who can change it, in words.
    let which = Which::Day { learner: id("k-1"), kind: KIND, date: event(1).head.date };
    let whom = Whom::Institution(slug("kingsmead"));
    let why = table.world.exchange.explain(table.kingsmead.acting(), &whom, &which, table.world.now()).await;
    let all = why.unwrap();
    let why = all.iter().find(|one| one.source == Some(slug("northgate"))).unwrap();
    assert!(!why.allowed && why.code == "not_unlocked", "{why:?}");
    assert!(why.reason.starts_with("not yet unlocked: ") && why.reason.contains("90%"), "{why:?}");
    assert!(why.missing.iter().any(|what| what.contains("data manager proposes it")), "{why:?}");

    table.school_day(2, true).await;
    table.world.pass(DAY);
    table.world.exchange.tick(table.world.now()).await;
    let step = table.step(&table.northgate).await;
    assert!((step.met, step.may.propose, step.may.lock) == (2, true, false), "{step:?}");
    table.propose(2).await.unwrap();
    assert!(matches!(table.propose(3).await, Err(LawError::State(_))), "one waits");
    assert_eq!(code(&table.world.publish("northgate", vec![event(3)]).await[0]), "not_unlocked", "it waits");
    let own = table.answer(&table.northgate, 2, true).await;
    assert!(matches!(own, Err(LawError::NotAllowed(_))), "nobody agrees to their own: {own:?}");
    let asked = table.step(&table.kingsmead).await;
    let StepStands::Proposed(_, on) = &asked.stands else { panic!("{asked:?}") };
    assert_eq!(
        (on.points, on.days, on.lowest),
        (90, 2, None),
        "one learner stands behind the lowest figures"
    );
    assert!(asked.may.answer && !asked.may.propose);
    table.answer(&table.kingsmead, 2, true).await.unwrap();
    assert!(matches!(table.answer(&table.ridgeway, 2, false).await, Err(LawError::State(_))), "settled");
    let today = event(3).head.date;
    let flows = |stands: &StepStands| matches!(stands, StepStands::Unlocked(from, ..) if *from == today);
    assert!(flows(&table.step(&table.ridgeway).await.stands));
    let answers = table.world.publish("northgate", vec![event(3), event(2)]).await;
    assert_eq!((code(&answers[0]), code(&answers[1])), ("taken", "not_unlocked"), "from that day on");

    let wordless = table.lock(&table.ridgeway, " ").await;
    assert!(matches!(wordless, Err(LawError::Invalid(why)) if why.field == "words"));
    table.lock(&table.ridgeway, "Half of the events name the wrong group").await.unwrap();
    let mut late = event(3);
    late.head.id.0[5] ^= 1;
    assert_eq!(code(&table.world.publish("northgate", vec![late]).await[0]), "not_unlocked", "at once");
    let (_, cursor) = table.world.feed("kingsmead", 0).await;
    table.world.sweep().await;
    let (_, notices, _) = table.world.told("kingsmead", cursor).await;
    assert!(notices.is_empty(), "what was handed out stays");
    let before = table.step(&table.northgate).await;
    assert!(
        matches!(&before.stands, StepStands::Again(_, by, why) if by == "Ridgeway Academy" && why.contains("wrong group"))
    );

    table.world.exchange.close(table.world.now()).await;
    let mut world = table.world;
    world.started_again(open_store(&database).await).await;
    world.exchange.open_views(read_body, world.now());
    let mut table = Table::of(world);
    assert_eq!(table.step(&table.northgate).await.stands, before.stands, "the log has it all");
    assert_eq!(code(&table.world.publish("northgate", vec![event(4)]).await[0]), "not_unlocked");
    let log = table.world.log().await;
    for step in ["unlock.proposed", "unlock.agreed", "unlock.locked", "unlock.refused", "steps.shown"] {
        assert!(log.iter().any(|line| line.contains(step)), "{step} is in the log");
    }
    assert!(!log.iter().any(|line| line.contains("wrong group")), "words are in no entry");
}

#[tokio::test]
async fn a_day_with_holes_begins_the_count_anew_a_no_is_final_and_old_figures_unlock_nothing() {
    let mut table = table("sqlite::memory:").await;
    table.agree(1, 90).await;
    for (days, is_marked) in [(1, true), (2, false), (3, true)] {
        table.school_day(days, is_marked).await;
    }
    table.world.pass(DAY);
    table.world.exchange.tick(table.world.now()).await;
    let step = table.step(&table.northgate).await;
    assert_eq!((step.met, step.may.propose), (1, false), "a day without its marks is in between");
    table.school_day(4, true).await;
    table.world.pass(DAY);
    table.world.exchange.tick(table.world.now()).await;
    table.propose(2).await.unwrap();
    let stranger = Actor::new(&table.world, "northgate", Role::Head);
    for refused in [
        table.answer(&stranger, 2, true).await,
        table.answer(&table.kingsmead, 77, true).await,
        table.lock(&stranger, "No").await,
    ] {
        assert!(matches!(refused, Err(LawError::NotAllowed(_))), "{refused:?}");
    }
    table.answer(&table.kingsmead, 2, false).await.unwrap();
    assert_eq!(table.step(&table.northgate).await.stands, StepStands::Locked);
    table.propose(3).await.unwrap();
    table.answer(&table.northgate, 3, false).await.unwrap();
    table.propose(4).await.unwrap();
    table.world.pass(20 * DAY);
    let old = table.answer(&table.kingsmead, 4, true).await;
    assert!(matches!(old, Err(LawError::State(why)) if why.contains("older than 14 days")), "{old:?}");
    assert_eq!(code(&table.world.publish("northgate", vec![event(25)]).await[0]), "not_unlocked");

    // What all agreed on, all can end.
    table.agree(5, 0).await;
    table.world.pass(DAY);
    assert_eq!(code(&table.world.publish("northgate", vec![event(26)]).await[0]), "taken");
    let log = table.world.log().await;
    for step in ["unlock.declined", "unlock.taken_back"] {
        assert!(log.iter().any(|line| line.contains(step)), "{step} is in the log");
    }
}

/// What was handed out before a kind was locked again is corrected and taken back all the same, on the same day, be it before the
/// recipient's next page or after it; and what is new is not.
#[tokio::test]
async fn what_was_handed_out_is_corrected_and_taken_back_after_it_was_locked_again() {
    let mut table = table("sqlite::memory:").await;
    table.agree(1, 90).await;
    for days in [1, 2] {
        table.school_day(days, true).await;
    }
    table.world.pass(DAY);
    table.world.exchange.tick(table.world.now()).await;
    table.propose(2).await.unwrap();
    table.answer(&table.kingsmead, 2, true).await.unwrap();
    let another = |seed: u8| {
        let mut record = event(3);
        record.head.id.0[5] ^= seed;
        record
    };
    let corrected = |mut record: Record| {
        record.head.revision = record.head.revision.next();
        record
    };
    let taken_back = |record: Record, revision: u32| {
        let mut record = withdrawn(record, revision);
        record.body = Body::Withdrawn(KIND);
        record
    };
    let handed = vec![another(1), another(2), another(3)];
    for answer in table.world.publish("northgate", handed).await {
        assert_eq!(code(&answer), "taken");
    }
    let (lines, cursor) = table.world.feed("kingsmead", 0).await;
    table.world.acknowledge("kingsmead", cursor).await.unwrap();
    assert!(lines.len() >= 3, "{lines:?}");

    // One is taken back in time, while Kingsmead's agent is off; and one is new, and waits as well.
    let waiting = vec![taken_back(another(1), 2), another(4)];
    for answer in table.world.publish("northgate", waiting).await {
        assert_eq!(code(&answer), "taken");
    }
    table.lock(&table.ridgeway, "Half of the events name the wrong group").await.unwrap();
    // A mark that becomes an event is no correction of one.
    let mut became = event(3);
    became.head.id = on(mark("northgate", "n-77", 9, 1), 2).head.id;
    let became = corrected(became);
    let answers = table.world.publish("northgate", vec![became]).await;
    assert_eq!(code(&answers[0]), "not_unlocked");
    let late = vec![corrected(another(2)), taken_back(another(3), 2), another(5), taken_back(another(6), 2)];
    let answers = table.world.publish("northgate", late).await;
    let codes: Vec<_> = answers.iter().map(code).collect();
    assert_eq!(
        codes,
        ["taken", "taken", "not_unlocked", "not_unlocked"],
        "what nobody has needs no correction"
    );

    let (lines, _, after) = table.world.told("kingsmead", cursor).await;
    assert_eq!(
        lines.iter().filter(|line| line.starts_with('+')).count(),
        3,
        "all but the new one: {lines:?}"
    );
    let late = table.world.publish("northgate", vec![taken_back(another(2), 3)]).await;
    assert_eq!(code(&late[0]), "taken", "nor is it too late after that page");
    let (lines, ..) = table.world.told("kingsmead", after).await;
    assert!(lines.iter().any(|line| line.starts_with('+')), "{lines:?}");
    table.world.sweep().await;
    assert!(table.world.exchange.verify(|_| {}).await.is_ok());
}

/// A proposal that waited while partners agreed on more is agreed to by nobody; nor does anybody slip in the day before.
#[tokio::test]
async fn figures_of_a_weaker_condition_unlock_nothing_under_a_stricter_one() {
    let mut table = table("sqlite::memory:").await;
    table.agree(1, 80).await;
    for days in [1, 2] {
        table.school_day(days, true).await;
    }
    table.world.pass(DAY);
    table.world.exchange.tick(table.world.now()).await;
    table.propose(2).await.unwrap();
    // From tomorrow on; what is asked of whoever is unlocked holds at once.
    table.agree(5, 95).await;
    for _ in 0..2 {
        let answer = table.answer(&table.kingsmead, 2, true).await;
        assert!(
            matches!(answer, Err(LawError::State(why)) if why.contains("another condition")),
            "{answer:?}"
        );
        table.world.pass(DAY);
    }
    assert_eq!(code(&table.world.publish("northgate", vec![event(5)]).await[0]), "not_unlocked");
    // It is declined and proposed on what is asked now, which northgate meets.
    table.answer(&table.kingsmead, 2, false).await.unwrap();
    table.propose(3).await.unwrap();
    table.answer(&table.kingsmead, 3, true).await.unwrap();
    assert_eq!(code(&table.world.publish("northgate", vec![event(5)]).await[0]), "taken");
}

/// One person who proposes and takes back without end stops nobody else, and is told so; a proposal that nobody answered in time
/// makes room for a new one.
#[tokio::test]
async fn while_days_are_worked_out_anew_after_a_learner_was_declared_their_figures_unlock_nothing() {
    let mut table = table("sqlite::memory:").await;
    table.agree(1, 90).await;
    for days in 1..=6 {
        table.school_day(days, true).await;
    }
    table.world.pass(DAY);
    table.world.exchange.tick(table.world.now()).await;
    let who = learner("r-1", Registration::Home, "1000000027");
    assert_eq!(table.world.declare("ridgeway", who).await, DeclareResult::Accepted);
    // Who is placed where may be another now; a tick works out some of the days.
    table.world.exchange.tick(table.world.now()).await;
    let early = table.propose(2).await;
    assert!(matches!(early, Err(LawError::State(why)) if why.contains("still worked out")), "{early:?}");
    assert!(!table.world.log().await.iter().any(|line| line.contains("unlock.proposed")));
    table.world.exchange.tick(table.world.now()).await;
    table.propose(2).await.unwrap();
}

#[tokio::test]
async fn whoever_proposes_again_and_again_fills_nothing_and_what_lapsed_makes_room() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("hub.db").display());
    let mut table = table(&database).await;
    table.agree(1, 90).await;
    for days in [1, 2] {
        table.school_day(days, true).await;
    }
    table.world.pass(DAY);
    table.world.exchange.tick(table.world.now()).await;
    for id in 10..15 {
        table.propose(id).await.unwrap();
        table.answer(&table.northgate, id, false).await.unwrap();
        table.world.pass(1_000_000);
    }
    let sixth = table.propose(15).await;
    assert!(matches!(sixth, Err(LawError::State(why)) if why.contains("5 times today")), "{sixth:?}");
    let old = table.answer(&table.kingsmead, 10, false).await;
    assert!(matches!(old, Err(LawError::NotAllowed(_))), "what was taken back is gone: {old:?}");
    table.world.started_again(open_store(&database).await).await;
    table.world.exchange.open_views(read_body, table.world.now());
    table.world.exchange.tick(table.world.now()).await;
    assert!(matches!(table.propose(15).await, Err(LawError::State(_))), "also after a restart");

    table.world.pass(DAY);
    table.world.exchange.tick(table.world.now()).await;
    table.propose(20).await.unwrap();
    table.world.pass(15 * DAY);
    table.world.exchange.tick(table.world.now()).await;
    let step = table.step(&table.northgate).await;
    assert_eq!(step.stands, StepStands::Locked, "its figures are too old to agree to");
    for days in [20, 21] {
        table.school_day(days, true).await;
    }
    table.world.pass(DAY);
    table.world.exchange.tick(table.world.now()).await;
    assert!(table.step(&table.northgate).await.may.propose, "nobody has to take it back first");
    table.propose(21).await.unwrap();
    for restarted in [false, true] {
        if restarted {
            table.world.started_again(open_store(&database).await).await;
        }
        let lapsed = table.answer(&table.kingsmead, 20, true).await;
        assert!(matches!(lapsed, Err(LawError::NotAllowed(_))), "{lapsed:?}");
    }
    table.answer(&table.kingsmead, 21, true).await.unwrap();
    assert_eq!(code(&table.world.publish("northgate", vec![event(22)]).await[0]), "taken");
    assert!(table.world.exchange.verify(|_| {}).await.is_ok());
}

/// What was locked again on its way is withheld from the home's agent and not shown to the home's people either, before and after
/// the agent has asked; what it was handed before stays on the page.
#[tokio::test]
async fn what_a_lock_kept_from_the_homes_agent_is_on_no_page_of_the_home() {
    let mut table = table("sqlite::memory:").await;
    table.agree(1, 90).await;
    for days in [1, 2] {
        table.school_day(days, true).await;
    }
    table.world.pass(DAY);
    table.world.exchange.tick(table.world.now()).await;
    table.propose(2).await.unwrap();
    table.answer(&table.kingsmead, 2, true).await.unwrap();
    let another = |seed: u8| {
        let mut record = event(3);
        record.head.id.0[5] ^= seed;
        record
    };
    let tutor = table.world.colleague("kingsmead", staff(Role::Tutor, None), 40).await;
    let reads = async |table: &Table| {
        let ask = ReadAsk { kinds: vec![KIND], ..ReadAsk::about(id("k-1"), Purpose::Pastoral) };
        let acting = Acting { speaker: &tutor, role: Role::Tutor };
        let reading = table.world.exchange.read(acting, &ask, table.world.now()).await.unwrap();
        let held = reading.not_shown.iter().find(|said| said.code == "not_unlocked");
        let ids: Vec<RecordId> = reading.records.iter().map(|record| record.record.0).collect();
        (ids, held.and_then(|said| said.records))
    };
    for seed in [1, 2] {
        assert_eq!(code(&table.world.publish("northgate", vec![another(seed)]).await[0]), "taken");
        if seed == 1 {
            let (_, cursor) = table.world.feed("kingsmead", 0).await;
            table.world.acknowledge("kingsmead", cursor).await.unwrap();
        }
    }
    let ids = [another(1).head.id, another(2).head.id];
    assert_eq!(reads(&table).await, (ids.to_vec(), None), "both are on their way or there");
    table.lock(&table.ridgeway, "Half of the events name the wrong group").await.unwrap();
    assert_eq!(reads(&table).await, (vec![ids[0]], Some(1)), "before the agent asks");
    let before = table.world.exchange.stats().log_entries;
    let (lines, _) = table.world.feed("kingsmead", 0).await;
    assert!(!lines.is_empty());
    table.world.exchange.tick(table.world.now()).await;
    let shown = table.world.exchange.show(before + 1, 100).await.unwrap();
    let withheld = shown.iter().find(|entry| entry["what"] == "delivery.withheld").unwrap();
    assert_eq!(withheld["more"]["withheld"].as_array().unwrap().len(), 1, "{withheld}");
    assert_eq!(reads(&table).await, (vec![ids[0]], Some(1)), "and after it");

    // Who asks why is told so.
    let whom = Whom::Person { id: tutor.id(), role: Role::Tutor, purpose: Purpose::Pastoral };
    let which = Which::Day { learner: id("k-1"), kind: KIND, date: event(3).head.date };
    let why = table.world.exchange.explain(table.kingsmead.acting(), &whom, &which, table.world.now()).await;
    let codes: Vec<String> = why.unwrap().into_iter().map(|one| one.code).collect();
    assert_eq!(codes.iter().filter(|code| *code == "not_unlocked").count(), 1, "{codes:?}");

    // Northgate reads what it made itself.
    let head = Actor::new(&table.world, "northgate", Role::Head);
    let ask = ReadAsk { kinds: vec![KIND], ..ReadAsk::about(id("n-77"), Purpose::Pastoral) };
    if let Ok(reading) = table.world.exchange.read(head.acting(), &ask, table.world.now()).await {
        assert!(reading.not_shown.iter().all(|said| said.code != "not_unlocked"));
    }
}
