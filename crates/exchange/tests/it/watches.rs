//! A tutor is told the same day when somebody's attendance drops, from what the tutor may read and no longer than that.

use crate::world::*;
use commonroll_core::{
    Body, Interval, Record, Role, SchoolDate,
    record::attendance::{Attendance, Physical, Presence},
};
use commonroll_exchange::*;
use std::time::Duration;

const DENIED: LawError = LawError::NotAllowed(NotAllowed::Denied);
const USUAL: Watched = Watched::Attendance { days: 5, below: None, under_usual: Some(30) };

/// A mark of so many days after the first.
fn on_day(offset: i32, physical: Physical) -> Record {
    let mut record = mark("northgate", "n-1", 9, 1);
    let day = SchoolDate::from_days(record.head.date.days() + offset).unwrap();
    let start = record.head.recorded_at.plus_micros(i64::from(offset) * DAY);
    let interval = Interval::new(start, start.plus_micros(3_600_000_000)).ok();
    let presence = Presence { physical, interval, minutes_late: None, minutes_left_early: None };
    record.head.id.0[..4].copy_from_slice(&day.days().to_be_bytes());
    (record.head.date, record.head.recorded_at) = (day, start);
    record.body = Body::Attendance(Attendance { presence: Some(presence), ..Attendance::default() });
    record
}

async fn school(database: &str) -> World {
    let world = World::with(database, with_officers()).await;
    world.placed("kingsmead", "k-1", "northgate", "n-1", "1000000019").await;
    world.exchange.open_views(read_body, world.now());
    world
}

impl World {
    async fn day(&mut self, offset: i32, physical: Physical) {
        self.publish("northgate", vec![on_day(offset, physical)]).await;
        self.exchange.tick(self.now()).await;
        self.pass(DAY);
    }
}

const fn as_tutor(who: &PersonSpeaker) -> Acting<'_> {
    Acting { speaker: who, role: Role::Tutor }
}

async fn named(world: &World, what: &str) -> usize {
    let shown = world.exchange.show(1, 10_000).await.unwrap();
    shown.iter().filter(|entry| entry["what"] == what).count()
}

#[tokio::test]
async fn a_drop_is_told_the_same_day_once_and_is_over_when_it_is_over() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("hub.db").display());
    let mut world = school(&database).await;
    let tutor = world.colleague("kingsmead", staff(Role::Tutor, None), 40).await;
    for offset in 0..14 {
        world.day(offset, Physical::Present).await;
    }
    let id = world.exchange.set_watch(as_tutor(&tutor), 0, USUAL, world.now()).await.unwrap();
    world.day(14, Physical::Absent).await;
    assert_eq!(named(&world, "watch.raised").await, 0, "80% of five days is 20 points under");
    world.day(15, Physical::Absent).await;
    assert_eq!(named(&world, "watch.raised").await, 1);
    let seen = world.exchange.my_watches(as_tutor(&tutor), world.now()).await.unwrap();
    let Some(Dropped::Attendance { now, before }) = &seen.watches[0].dropped else { panic!("{seen:?}") };
    assert_eq!((now.attended, now.due, before.percent()), (3, 5, Some(100)));
    assert_eq!((seen.watches[0].id, seen.watches[0].name.as_str()), (id, "Imogen Ashby"));
    let other = Exchange::open(options(&database), world.now()).await.unwrap();
    other.open_views(read_body, world.now());
    for _ in 0..4 {
        other.tick(world.now()).await;
        other.follow(Duration::ZERO).await.unwrap();
        world.exchange.tick(world.now()).await;
    }
    assert_eq!(named(&world, "watch.raised").await, 1, "no node tells it twice");
    assert!(other.my_watches(as_tutor(&tutor), world.now()).await.unwrap().watches[0].dropped.is_some());
    for offset in 16..22 {
        world.day(offset, Physical::Present).await;
    }
    let seen = world.exchange.my_watches(as_tutor(&tutor), world.now()).await.unwrap();
    assert!(seen.watches[0].dropped.is_none() && seen.watches[0].raised.is_none());
    let log = serde_json::to_string(&world.exchange.show(1, 10_000).await.unwrap()).unwrap();
    assert!(!log.contains("k-1") && !log.contains("\"below\"") && !log.contains("under_usual"), "no figure");
    assert!(world.exchange.verify(|_| {}).await.is_ok());

    world.exchange.withdraw_watch(as_tutor(&tutor), id, world.now()).await.unwrap();
    assert!(world.exchange.my_watches(as_tutor(&tutor), world.now()).await.unwrap().watches.is_empty());
    assert_eq!(world.exchange.withdraw_watch(as_tutor(&tutor), id, world.now()).await, Err(DENIED));
}

#[tokio::test]
async fn a_watch_is_for_who_may_read_and_ends_with_the_right() {
    let mut world = school("sqlite::memory:").await;
    let tutor = world.colleague("kingsmead", staff(Role::Tutor, None), 40).await;
    let second = world.colleague("kingsmead", staff(Role::HeadOfSixth, None), 41).await;
    let theirs = world.colleague("ridgeway", staff(Role::Tutor, None), 42).await;
    let officer = world.colleague("kingsmead", staff(Role::AttendanceOfficer, None), 43).await;
    let set = async |who: &PersonSpeaker, role, learner, watched| {
        world.exchange.set_watch(Acting { speaker: who, role }, learner, watched, world.now()).await
    };
    assert_eq!(set(&theirs, Role::Tutor, 0, USUAL).await, Err(DENIED));
    assert_eq!(set(&officer, Role::AttendanceOfficer, 0, USUAL).await, Err(DENIED));
    assert_eq!(set(&tutor, Role::Tutor, 77, USUAL).await, Err(DENIED), "the same for nobody");
    for watched in [
        Watched::Attendance { days: 0, below: Some(90), under_usual: None },
        Watched::Attendance { days: 5, below: None, under_usual: None },
        Watched::Attendance { days: 5, below: Some(101), under_usual: None },
    ] {
        assert!(matches!(set(&tutor, Role::Tutor, 0, watched).await, Err(LawError::Invalid(_))));
    }
    let low = Watched::Attendance { days: 5, below: Some(90), under_usual: None };
    let watch = set(&tutor, Role::Tutor, 0, low).await.unwrap();
    assert_eq!(set(&tutor, Role::Tutor, 0, USUAL).await, Ok(watch), "changed, not a second one");
    let acting = Acting { speaker: &second, role: Role::HeadOfSixth };
    set(&second, Role::HeadOfSixth, 0, Watched::Grades).await.unwrap();
    assert_eq!(
        world.exchange.withdraw_watch(acting, watch, world.now()).await,
        Err(DENIED),
        "somebody else's"
    );
    assert_eq!(
        world.exchange.my_watches(acting, world.now()).await.unwrap().watches.len(),
        1,
        "each their own"
    );

    world.exchange.revoke(Revoke::Person(tutor.id()), "operator", world.now()).await.unwrap();
    world.exchange.tick(world.now()).await;
    assert_eq!(named(&world, "watch.ended").await, 1, "with the role");
    let dpo = Actor::new(&world, "kingsmead", Role::Dpo);
    let what = Erasing::Learner(id("k-1"));
    let reason = ErasureReason::ObjectionUpheld;
    world.exchange.erase(dpo.acting(), &what, reason, (false, false), world.now()).await.unwrap();
    assert!(world.exchange.my_watches(acting, world.now()).await.unwrap().watches.is_empty(), "erased");
    world.day(0, Physical::Absent).await;
    assert_eq!(named(&world, "watch.raised").await, 0);
}
