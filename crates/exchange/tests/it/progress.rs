//! The lead's figures: who may see them, what they are made of, and that neither subtracting nor a restart tells more.

use crate::world::*;
use commonroll_core::{
    Body, Interval, Record, Role,
    directory::{Declaration, GroupDeclaration, Registration},
    record::{
        Text,
        attendance::{Attendance, Physical, Presence},
    },
};
use commonroll_exchange::*;
use commonroll_views::progress::{Attended, Kept};
use std::sync::Arc;

const DENIED: ReadError = ReadError::NotAllowed(NotAllowed::Denied);
const HOUR: i64 = 3_600_000_000;

/// A learner number that is sound.
fn uln(at: u32) -> String {
    let nine = 100_000_100 + at;
    let digits = nine.to_string();
    let sum: u32 =
        (2..=10).rev().zip(digits.chars()).map(|(weight, digit)| weight * digit.to_digit(10).unwrap()).sum();
    match sum % 11 {
        0 => uln(at + 500),
        rest => format!("{nine}{}", 10 - rest),
    }
}

/// A mark about a lesson at nine.
fn marked(guest: &str, physical: Physical, revision: u32) -> Record {
    let mut record = mark("northgate", guest, 9, revision);
    let start = record.instant().unwrap();
    let presence = Presence {
        physical,
        interval: Some(Interval::new(start, start.plus_micros(HOUR)).unwrap()),
        minutes_late: None,
        minutes_left_early: None,
    };
    record.body = Body::Attendance(Attendance { presence: Some(presence), ..Attendance::default() });
    record
}

async fn figures(
    world: &World,
    who: &PersonSpeaker,
    role: Role,
    of: Option<&str>,
) -> Result<ProgressSeen, ReadError> {
    let ask = ProgressAsk { of: of.map(slug) };
    world.exchange.progress(Acting { speaker: who, role }, &ask, world.now()).await
}

/// Six of Kingsmead's and two of Ridgeway's visit Northgate; all but one were there this morning.
async fn morning(store: Arc<dyn commonroll_store::Store>) -> World {
    let file = PARTNERS
        .into_iter()
        .fold(consortium(), |file, name| file.with_person(&PEOPLE, &slug(name), Role::DataManager));
    let mut world = World::sized(store, file, Sizes::default()).await;
    for at in 0..8 {
        let home = if at < 6 { "kingsmead" } else { "ridgeway" };
        world.placed(home, &format!("h-{at}"), "northgate", &format!("n-{at}"), &uln(at)).await;
    }
    world.exchange.open_views(read_body, world.now());
    world.pass(90 * 60_000_000);
    let there = |at: u32| if at == 0 { Physical::Absent } else { Physical::Present };
    let records = (0..8).map(|at| marked(&format!("n-{at}"), there(at), 1)).collect();
    let answers = world.publish("northgate", records).await;
    assert!(answers.iter().all(|answer| matches!(answer, RecordAnswer::Accepted { .. })), "{answers:?}");
    world.exchange.tick(world.now()).await;
    world
}

/// A night passes, and somebody looks: that is an entry, and with it the log has come to the next day.
async fn next_day(world: &World, who: &PersonSpeaker, role: Role) -> ProgressSeen {
    world.pass(DAY);
    figures(world, who, role, None).await.unwrap();
    world.exchange.tick(world.now()).await;
    figures(world, who, role, None).await.unwrap()
}

#[tokio::test]
async fn a_lead_sees_sums_once_the_day_is_over_and_a_partner_its_own_line_by_line() {
    let world = morning(open_store("sqlite::memory:").await).await;
    let lead = world.office("ridgeway", Role::ConsortiumLead, 60).await;
    let early = figures(&world, &lead, Role::ConsortiumLead, None).await.unwrap();
    assert_eq!(early.seen.total.lessons, None, "the day isn't over");
    assert_eq!(early.seen.total.registers.unwrap().registers, 1, "a register is no learner");

    let seen = next_day(&world, &lead, Role::ConsortiumLead).await;
    assert_eq!(seen.seen.total.lessons, Some(Attended { due: 6, attended: 5, late: 0 }));
    let home = |name: &str| {
        seen.seen.homes.iter().find(|row| seen.institutions[&row.0].0 == slug(name)).unwrap().1.lessons
    };
    assert_eq!(home("kingsmead"), Some(Attended { due: 6, attended: 5, late: 0 }));
    assert_eq!(home("ridgeway"), None, "two learners are hidden");
    assert!(seen.complete && seen.bridge.is_none() && seen.reason == "lead-sees-sums", "{seen:?}");

    // A lead drills to a partner; a head sees the own site, line by line, and no other.
    let site = figures(&world, &lead, Role::ConsortiumLead, Some("northgate")).await.unwrap();
    assert!(site.bridge.is_none() && site.seen.sites.len() == 1);
    let head = Actor::new(&world, "northgate", Role::Head).speaker;
    let own = figures(&world, &head, Role::Head, Some("northgate")).await.unwrap();
    let bridge = own.bridge.unwrap();
    assert_eq!((bridge.records, bridge.due, bridge.attended, bridge.waiting), (8, 8, 7, 2));
    assert_eq!(bridge.shown + bridge.waiting + bridge.pooled, bridge.due);
    for (who, role, of) in [
        (&head, Role::Head, None),
        (&head, Role::Head, Some("kingsmead")),
        (&head, Role::ConsortiumLead, None),
        (&lead, Role::ConsortiumLead, Some("nowhere")),
    ] {
        assert_eq!(figures(&world, who, role, of).await.err(), Some(DENIED), "{role} {of:?}");
    }
    let teacher = world.colleague("northgate", staff(Role::Teacher, Some("t-1")), 62).await;
    assert_eq!(figures(&world, &teacher, Role::Teacher, Some("northgate")).await.err(), Some(DENIED));

    world.exchange.tick(world.now()).await;
    let entries = world.exchange.show(1, 10_000).await.unwrap();
    let shown: Vec<_> = entries.iter().filter(|entry| entry["what"] == "progress.shown").collect();
    assert_eq!(shown.len(), 5);
    assert_eq!(shown[3]["more"]["of"], "northgate");
    assert_eq!(shown[0]["more"]["role"], "consortium_lead");
    assert!(entries.iter().any(|entry| entry["what"] == "progress.refused"), "who may not see is noted");
}

#[tokio::test]
async fn one_correction_is_not_to_be_seen_by_looking_twice_and_a_restart_tells_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("hub.db").display());
    let mut world = morning(open_store(&database).await).await;
    let lead = world.office("ridgeway", Role::ConsortiumLead, 60).await;
    let before = next_day(&world, &lead, Role::ConsortiumLead).await;
    // One is corrected; the host's own figure has it at once, the shown one waits for company.
    let answers = world.publish("northgate", vec![marked("n-1", Physical::Absent, 2)]).await;
    assert!(matches!(answers[0], RecordAnswer::Accepted { .. }));
    let after = next_day(&world, &lead, Role::ConsortiumLead).await;
    assert_eq!(after.seen.total.lessons, before.seen.total.lessons);
    let manager = Actor::new(&world, "northgate", Role::DataManager).speaker;
    let own = figures(&world, &manager, Role::DataManager, Some("northgate")).await.unwrap();
    assert_eq!(own.bridge.unwrap().attended, 6);

    world.exchange.close(world.now()).await;
    let store = open_store(&database).await;
    world.started_again(store).await;
    world.exchange.open_views(read_body, world.now());
    for _ in 0..3 {
        world.exchange.tick(world.now()).await;
    }
    let again = figures(&world, &lead, Role::ConsortiumLead, None).await.unwrap();
    assert!(again.complete);
    assert_eq!(again.seen, after.seen, "what a start reads anew ends where it was");
}

/// Northgate accepts its visitors before their home has declared them: they are matched after the placement was accepted.
/// And in the middle of the year a match is undone.
#[tokio::test]
async fn a_match_after_the_placement_counts_alike_on_a_node_that_was_there_and_one_that_starts_later() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("hub.db").display());
    let file = PARTNERS
        .into_iter()
        .fold(consortium(), |file, name| file.with_person(&PEOPLE, &slug(name), Role::DataManager));
    let world = World::sized(open_store(&database).await, file, Sizes::default()).await;
    let (manager, lead) = (
        Actor::new(&world, "kingsmead", Role::DataManager),
        world.office("ridgeway", Role::ConsortiumLead, 60).await,
    );
    world.exchange.open_views(read_body, world.now());
    world.exchange.tick(world.now()).await;
    let english = GroupDeclaration {
        local_id: id("ENG-1"),
        course_title: Text::parse("course", "A level English", 100).unwrap(),
        subject: Text::parse("subject", "English", 100).unwrap(),
    };
    world.declare("northgate", Declaration::Group(english)).await;
    for at in 0..7 {
        let guest = format!("n-{at}");
        world.declare("northgate", learner(&guest, Registration::Guest, &uln(at))).await;
        world.declare("northgate", acceptance(&guest, "kingsmead")).await;
        world.exchange.tick(world.now()).await;
    }
    for at in 0..7 {
        let local = format!("h-{at}");
        world.declare("kingsmead", learner(&local, Registration::Home, &uln(at))).await;
        world.declare("kingsmead", placement(&local, "northgate")).await;
        world.exchange.tick(world.now()).await;
    }
    let counted = async |world: &World, exchange: &Exchange| {
        for _ in 0..3 {
            exchange.tick(world.now()).await;
        }
        let acting = Acting { speaker: &lead, role: Role::ConsortiumLead };
        let seen = exchange.progress(acting, &ProgressAsk::default(), world.now()).await.unwrap();
        assert!(seen.complete);
        (seen.seen, seen.learners, seen.courses)
    };
    let later = async |world: &World| {
        let node = Exchange::open(options(&database), world.now()).await.unwrap();
        node.open_views(read_body, world.now());
        counted(world, &node).await
    };
    next_day(&world, &lead, Role::ConsortiumLead).await;
    let there = counted(&world, &world.exchange).await;
    assert_eq!(there.0.total.kept, Some(Kept { begun: 7, left: 0 }));
    assert_eq!(there.1, Some(5), "seven, and no more is told than that it is five or more");
    assert_eq!(later(&world).await, there);

    // One was somebody else: their placement is nobody's. One change of one learner is not to be seen by itself.
    let of = world
        .exchange
        .unmatched(manager.acting(), (Some(&id("h-3")), &UnmatchedPart::FIRST), world.now())
        .await
        .unwrap();
    world.exchange.undo_match(manager.acting(), of.links.links[0].id, world.now()).await.unwrap();
    next_day(&world, &lead, Role::ConsortiumLead).await;
    let undone = counted(&world, &world.exchange).await;
    assert_eq!(undone.0.total.kept, there.0.total.kept);
    assert_eq!(later(&world).await, undone);
}
