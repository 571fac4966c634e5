//! Names, notices and support notes: known where they must be, in no entry, and gone when they must go.

use crate::{
    erasure::{file_store, found},
    world::*,
};
use commonroll_core::{
    Interval, Role,
    directory::{
        DayDeclaration, Declaration, LearnerDeclaration, LessonDeclaration, NoticeDeclaration, NoticeKind,
        Registration, SupportDeclaration,
    },
    record::Text,
};
use commonroll_exchange::*;

const NAME: &str = "Zebulonia";
const NEEDS: &str = "canary-needs";
const ROOM: &str = "canary-room";
const NOTICE: &str = "canary-notice-id";

fn text(said: &str) -> Text {
    Text::parse("text", said, 500).unwrap()
}

fn named(local: &str, registration: Registration) -> Declaration {
    match learner(local, registration, "1000000019") {
        Declaration::Learner(known) => {
            Declaration::Learner(LearnerDeclaration { known_as: text(NAME), ..known })
        }
        other => other,
    }
}

fn support() -> Declaration {
    Declaration::Support(SupportDeclaration {
        learner: id("k-1"),
        needs: text(NEEDS),
        emergency: text("Ring the desk first"),
        last_date: date("2027-07-20"),
    })
}

fn notice(world: &World) -> Declaration {
    Declaration::Notice(NoticeDeclaration {
        local_id: id(NOTICE),
        learner: id("k-1"),
        kind: NoticeKind::ExpectedAbsence,
        time: Interval::new(world.now(), world.now().plus_micros(3_600_000_000)).unwrap(),
        withdrawn: false,
    })
}

/// A day of northgate with one lesson.
fn day(world: &World) -> Declaration {
    let lesson = LessonDeclaration {
        local_id: id("L1"),
        group: id("ENG-1"),
        time: Interval::new(world.now(), world.now().plus_micros(3_600_000_000)).unwrap(),
        room: text(ROOM),
        cancelled: false,
    };
    Declaration::Day(DayDeclaration::new(date("2026-09-14"), false, None, vec![lesson]).unwrap())
}

async fn everything(world: &World) {
    world.placed("kingsmead", "k-1", "northgate", "n-77", "1000000019").await;
    let said = [named("k-1", Registration::Home), support(), notice(world)];
    for said in said {
        assert_eq!(world.declare("kingsmead", said).await, DeclareResult::Accepted);
    }
    assert_eq!(world.declare("northgate", day(world)).await, DeclareResult::Accepted);
}

#[tokio::test]
async fn a_start_knows_what_was_declared_and_the_history_verifies() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::with_store(file_store(folder.path()).await, with_officers()).await;
    everything(&world).await;
    world.started_again(file_store(folder.path()).await).await;
    for said in [named("k-1", Registration::Home), support(), notice(&world)] {
        assert_eq!(world.declare("kingsmead", said).await, DeclareResult::Unchanged);
    }
    assert_eq!(world.declare("northgate", day(&world)).await, DeclareResult::Unchanged);
    assert!(world.exchange.verify(|_| {}).await.is_ok());
}

#[tokio::test]
async fn case_40_no_entry_holds_a_name_a_need_or_a_notice() {
    let world = World::new().await;
    everything(&world).await;
    let shown = serde_json::to_string(&world.exchange.show(1, 1_000).await.unwrap()).unwrap();
    for what in ["directory.day", "directory.notice", "directory.support"] {
        assert!(shown.contains(what), "{what} is in the log");
    }
    for personal in [NAME, "Ashby", "Imogen", NEEDS, NOTICE, "Ring the desk", "k-1", "n-77", ROOM] {
        assert!(!shown.contains(personal), "an entry holds what it must not");
    }
}

#[tokio::test]
async fn after_an_erasure_names_notes_and_notices_are_in_no_file_and_the_history_verifies() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::with_store(file_store(folder.path()).await, with_officers()).await;
    everything(&world).await;
    world.publish("northgate", vec![mark("northgate", "n-77", 9, 1)]).await;
    for there in [NAME, NEEDS, NOTICE] {
        assert!(found(folder.path(), there.as_bytes()) > 0, "it lies beside its entry");
    }
    let dpo = Actor::new(&world, "kingsmead", Role::Dpo);
    let (what, why) = (Erasing::Learner(id("k-1")), ErasureReason::ObjectionUpheld);
    let erased = world.exchange.erase(dpo.acting(), &what, why, (false, false), world.now()).await.unwrap();
    assert_eq!((erased.records, erased.directory, erased.done), (1, 4, true), "two learners, note, notice");
    for gone in [NAME, NEEDS] {
        assert_eq!(found(folder.path(), gone.as_bytes()), 0, "it is in no file of the database");
    }
    assert!(world.exchange.verify(|_| {}).await.is_ok());
    // The placement stands: the learner is still taught, and marks still go home.
    let taken = world.publish("northgate", vec![mark("northgate", "n-77", 10, 1)]).await;
    assert!(matches!(taken[0], RecordAnswer::Accepted { .. }), "{taken:?}");
    world.started_again(file_store(folder.path()).await).await;
    assert_eq!(world.declare("kingsmead", support()).await, DeclareResult::Accepted, "it was unknown again");
}

#[tokio::test]
async fn a_partner_says_nothing_for_another() {
    let world = World::new().await;
    everything(&world).await;
    let refused = |result| match result {
        DeclareResult::Rejected { code, .. } => code,
        other => panic!("refused, not {other:?}"),
    };
    assert_eq!(refused(world.declare("ridgeway", support()).await), "unknown_learner");
    assert_eq!(refused(world.declare("ridgeway", notice(&world)).await), "unknown_learner");
}
