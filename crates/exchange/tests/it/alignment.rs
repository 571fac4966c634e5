//! Partners see where their data differ, and agree on it: every one of them answers, from a day on, version by version.

use crate::world::*;
use commonroll_audit::approval::Approves;
use commonroll_core::{
    Interval, Role, SchoolDate, Timestamp,
    convention::{Question, Says},
    directory::{DayDeclaration, Declaration, GroupDeclaration, LessonDeclaration},
    record::{Text, attendance::Physical},
};
use commonroll_exchange::*;
use commonroll_views::alignment::Topic;

const DAY: i64 = 24 * 3_600_000_000;
const HOUR: i64 = 3_600_000_000;

fn late(means: Physical) -> Says {
    Says::Code { code: "L".to_owned(), means }
}

fn maths() -> Says {
    Says::Subject { word: "Mathematics".to_owned(), also: vec!["Maths".to_owned()] }
}

struct Table {
    world: World,
    kingsmead: Actor,
    ridgeway: Actor,
    northgate: Actor,
    ids: u8,
}

impl Table {
    fn of(world: World) -> Self {
        let [kingsmead, ridgeway, northgate] =
            PARTNERS.map(|name| Actor::new(&world, name, Role::DataManager));
        Self { world, kingsmead, ridgeway, northgate, ids: 0 }
    }

    async fn propose(&mut self, says: Says, ahead: i32) -> Result<[u8; 16], LawError> {
        self.ids += 1;
        let now = self.world.now();
        let today = now.date_in(&jiff::tz::TimeZone::get("Europe/London").unwrap());
        let from = SchoolDate::from_days(today.days() + ahead).unwrap();
        let fresh = ([self.ids; 16], now);
        let done = self.world.exchange.propose_convention(self.kingsmead.acting(), (says, from), fresh);
        done.await.map(|()| [self.ids; 16])
    }

    async fn answer(&self, who: &Actor, id: [u8; 16], accept: bool) -> Result<(), LawError> {
        self.world.exchange.answer_convention(who.acting(), id, accept, self.world.now()).await
    }

    async fn seen(&self, who: &Actor) -> AlignmentSeen {
        self.world.exchange.alignment(who.acting(), self.world.now()).await.unwrap()
    }

    async fn stands(&self, id: [u8; 16]) -> Stands {
        let seen = self.seen(&self.northgate).await;
        seen.conventions.into_iter().find(|one| one.id == id).unwrap().stands
    }
}

#[tokio::test]
async fn what_everybody_accepted_holds_from_its_day_and_a_newer_version_takes_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("hub.db").display());
    let world = World::sized(open_store(&database).await, governed(), Sizes::default()).await;
    world.exchange.open_views(read_body, world.now());
    let mut table = Table::of(world);
    let first = table.propose(late(Physical::Late), 2).await.unwrap();
    let waits = |names: &[&str]| Stands::Waits(names.iter().map(ToString::to_string).collect());
    assert_eq!(table.stands(first).await, waits(&["Ridgeway Academy", "Northgate College"]));
    let seen = table.seen(&table.kingsmead).await;
    assert!(seen.conventions[0].to_take_back && !seen.conventions[0].to_answer, "nobody answers themselves");
    assert!(matches!(
        table.answer(&table.kingsmead, first, true).await,
        Err(LawError::NotAllowed(NotAllowed::Denied))
    ));
    assert!(matches!(table.propose(late(Physical::Absent), 9).await, Err(LawError::State(_))), "it waits");

    table.answer(&table.ridgeway, first, true).await.unwrap();
    assert_eq!(table.stands(first).await, waits(&["Northgate College"]));
    assert!(table.answer(&table.ridgeway, first, true).await.is_err(), "once is enough");
    table.answer(&table.northgate, first, true).await.unwrap();
    assert_eq!(table.stands(first).await, Stands::Ahead);
    assert!(matches!(table.answer(&table.ridgeway, first, false).await, Err(LawError::State(_))), "settled");
    table.world.pass(2 * DAY);
    assert_eq!(table.stands(first).await, Stands::Holds);

    // The second version waits beside the first, which holds until the second's day.
    let second = table.propose(late(Physical::Present), 1).await.unwrap();
    table.answer(&table.ridgeway, second, true).await.unwrap();
    table.world.pass(5 * DAY);
    table.answer(&table.northgate, second, true).await.unwrap();
    assert_eq!((table.stands(first).await, table.stands(second).await), (Stands::Holds, Stands::Ahead));
    table.world.pass(DAY);
    assert_eq!((table.stands(first).await, table.stands(second).await), (Stands::Replaced, Stands::Holds));
    let seen = table.seen(&table.ridgeway).await;
    let now = seen.conventions.iter().find(|one| one.id == second).unwrap();
    assert_eq!((now.version, now.accepted.len()), (2, 2));

    let log = table.world.log().await;
    for step in ["convention.proposed", "convention.accepted", "convention.agreed", "alignment.shown"] {
        assert!(log.iter().any(|line| line.contains(step)), "{step} is in the log");
    }
    let before = table.seen(&table.kingsmead).await.conventions;
    table.world.exchange.close(table.world.now()).await;
    let mut world = table.world;
    world.started_again(open_store(&database).await).await;
    world.exchange.open_views(read_body, world.now());
    let table = Table::of(world);
    assert_eq!(table.seen(&table.kingsmead).await.conventions, before, "the log has it all");
}

#[tokio::test]
async fn one_partner_may_decline_the_proposer_take_back_and_nobody_else_do_anything() {
    let mut table = Table::of(World::governed().await);
    table.world.exchange.open_views(read_body, table.world.now());
    let declined = table.propose(late(Physical::Late), 1).await.unwrap();
    table.answer(&table.northgate, declined, false).await.unwrap();
    assert_eq!(table.stands(declined).await, Stands::Declined("Northgate College".to_owned()));
    let text = "The best attempt, with all of them in the comment.".to_owned();
    let back = table.propose(Says::Answer { question: Question::Attempts, text }, 1).await.unwrap();
    table.answer(&table.kingsmead, back, false).await.unwrap();
    assert_eq!(table.stands(back).await, Stands::TakenBack);
    assert!(matches!(table.answer(&table.ridgeway, back, true).await, Err(LawError::State(_))));

    let head = Actor::new(&table.world, "kingsmead", Role::Head);
    let now = table.world.now();
    let asked = table.world.exchange.alignment(head.acting(), now).await;
    assert_eq!(asked.err(), Some(ReadError::NotAllowed(NotAllowed::Denied)), "a head sees the own partner");
    let day = SchoolDate::from_days(now.date_in(&jiff::tz::TimeZone::UTC).days() + 3).unwrap();
    let proposed = (late(Physical::Late), day);
    let proposed = table.world.exchange.propose_convention(head.acting(), proposed, ([99; 16], now)).await;
    assert!(matches!(proposed, Err(LawError::NotAllowed(_))), "{proposed:?}");
    for ahead in [0, -1, 401] {
        let wrong = table.propose(late(Physical::Late), ahead).await;
        assert!(
            matches!(&wrong, Err(LawError::Invalid(why)) if why.to_string().contains("from")),
            "{wrong:?}"
        );
    }
    let wrong = table.propose(Says::Code { code: " ".to_owned(), means: Physical::Late }, 1).await;
    assert!(matches!(wrong, Err(LawError::Invalid(_))), "{wrong:?}");
}

#[tokio::test]
async fn what_was_declared_differs_in_the_report_and_an_agreed_word_stands_in_its_place() {
    let mut table = Table::of(World::governed().await);
    table.world.exchange.open_views(read_body, table.world.now());
    let group = |code: &str, subject: &str| {
        let text = |text: &str| Text::parse("subject", text, 100).unwrap();
        let (course_title, subject) = (text(""), text(subject));
        Declaration::Group(GroupDeclaration { local_id: id(code), course_title, subject })
    };
    table.world.declare("northgate", group("MA-1", "Maths")).await;
    table.world.declare("ridgeway", group("M12", "Mathematics")).await;
    let now = table.world.now();
    let tomorrow = SchoolDate::from_days(now.date_in(&jiff::tz::TimeZone::UTC).days() + 1).unwrap();
    for (partner, hour) in [("northgate", 9), ("ridgeway", 10)] {
        let zone = jiff::tz::TimeZone::get("Europe/London").unwrap();
        let start: Timestamp = tomorrow.start(&zone).plus_micros(hour * HOUR);
        let time = Interval::new(start, start.plus_micros(HOUR)).unwrap();
        let room = Text::parse("room", "", 40).unwrap();
        let lesson =
            LessonDeclaration { local_id: id("L1"), group: id("MA-1"), time, room, cancelled: false };
        let day = DayDeclaration::new(tomorrow, false, None, vec![lesson]).unwrap();
        assert!(matches!(table.world.declare(partner, Declaration::Day(day)).await, DeclareResult::Accepted));
    }
    let closed = DayDeclaration::new(tomorrow, true, None, Vec::new()).unwrap();
    table.world.declare("kingsmead", Declaration::Day(closed)).await;
    table.world.exchange.tick(table.world.now()).await;
    let seen = table.seen(&table.ridgeway).await;
    let topics: Vec<Topic> = seen.report.differences.iter().map(|one| one.topic).collect();
    assert_eq!(topics, [Topic::Subjects, Topic::Bells, Topic::Calendar]);
    let bells: Vec<&str> = seen.report.differences[1].facts.iter().map(|one| one.said.as_str()).collect();
    assert_eq!(bells, ["09:00", "10:00"], "each by its own clock");
    assert_eq!(seen.report.differences[0].suggest, Some(maths()));
    assert!(seen.may_propose && seen.complete);

    let word = table.propose(maths(), 1).await.unwrap();
    table.answer(&table.ridgeway, word, true).await.unwrap();
    table.answer(&table.northgate, word, true).await.unwrap();
    let seen = table.seen(&table.ridgeway).await;
    assert!(seen.report.differences.iter().all(|one| one.topic != Topic::Subjects), "agreed is agreed");

    // Where figures are shown, the agreed word stands from its day on.
    table.world.declare("northgate", group("ENG-1", "Maths")).await;
    table.world.placed("kingsmead", "k-1", "northgate", "n-77", "1000000019").await;
    let answers = table.world.publish("northgate", vec![mark("northgate", "n-77", 9, 1)]).await;
    assert!(matches!(answers[0], RecordAnswer::Accepted { .. }), "{answers:?}");
    for (days, title) in [(0, "Maths"), (1, "Mathematics")] {
        table.world.pass(days * DAY);
        table.world.exchange.tick(table.world.now()).await;
        let ask = ProgressAsk { of: Some(slug("northgate")) };
        let manager = table.northgate.acting();
        let seen = table.world.exchange.progress(manager, &ask, table.world.now()).await.unwrap();
        assert_eq!(seen.courses.values().collect::<Vec<_>>(), [title]);
    }
}

async fn leaves(world: &World, partner: &str) {
    let head = Actor::new(world, partner, Role::Head);
    let signature = head.sign(Approves::Act, &leaving_hash(&slug(partner)));
    world.exchange.end_membership(head.acting(), signature, world.now()).await.unwrap();
}

#[tokio::test]
async fn a_partner_that_leaves_without_an_answer_holds_nothing_up_and_nobody_fills_the_list() {
    let mut table = Table::of(World::governed().await);
    table.world.exchange.open_views(read_body, table.world.now());
    let waiting = table.propose(late(Physical::Late), 2).await.unwrap();
    table.answer(&table.ridgeway, waiting, true).await.unwrap();
    leaves(&table.world, "northgate").await;
    let seen = table.seen(&table.ridgeway).await;
    assert!(seen.conventions[0].to_answer, "nobody else is left to say it");
    table.answer(&table.ridgeway, waiting, true).await.unwrap();
    let seen = table.seen(&table.ridgeway).await;
    assert_eq!((&seen.conventions[0].stands, seen.conventions[0].accepted.len()), (&Stands::Ahead, 1));

    for round in 0..25 {
        let text = format!("answer {round}");
        let proposed = table.propose(Says::Answer { question: Question::Target, text }, 1).await;
        match proposed {
            Ok(id) => table.answer(&table.kingsmead, id, false).await.unwrap(),
            Err(error) => {
                assert!(matches!(error, LawError::State(_)) && round == 19, "{round}: {error:?}");
                return;
            }
        }
    }
    panic!("one partner proposes without end");
}
