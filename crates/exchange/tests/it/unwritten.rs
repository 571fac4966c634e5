//! Whatever is handed out, taken out or answered needs its entry first: while the log can't be written, nothing is.

use crate::world::*;
use commonroll_core::{RecordKind, Role};
use commonroll_exchange::*;
use commonroll_store::faults::{Call, Trouble, faulty};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

#[tokio::test]
async fn case_38_without_its_entry_nothing_is_delivered_taken_out_or_answered() {
    let away = Arc::new(AtomicBool::new(false));
    let now = away.clone();
    let fate = move |call| match call {
        Call::Commit if now.load(Ordering::Relaxed) => Trouble::Away,
        _ => Trouble::None,
    };
    let store = faulty(open_store("sqlite::memory:").await, Box::new(fate));
    let mut world = World::with_store(store, with_officers()).await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", "1000000019").await;
    world.placed("kingsmead", "k-2", "ridgeway", "r-5", "1000000027").await;
    world.publish("northgate", vec![mark("northgate", "n-77", 9, 1)]).await;
    world.publish("ridgeway", vec![mark("ridgeway", "r-5", 10, 1)]).await;
    // What is on its way of k-1 has to be withheld, which is an entry before the feed goes on.
    world.declare("northgate", end("n-77", "kingsmead", world.now())).await;
    let (dpo, manager) =
        (Actor::new(&world, "kingsmead", Role::Dpo), Actor::new(&world, "kingsmead", Role::DataManager));
    let sixth = world.colleague("kingsmead", staff(Role::HeadOfSixth, None), 40).await;
    let sixth = Acting { speaker: &sixth, role: Role::HeadOfSixth };
    let ask = ExportAsk { kind: RecordKind::Attendance, dates: (date("2026-09-01"), date("2026-09-30")) };
    let key = world.exchange.ask_export(sixth, ask, ([1; 16], world.now())).await.unwrap();
    let make = async || {
        let line = |_: &ExportRow<'_>| Some("a line\n".to_owned());
        world.exchange.make_export(sixth, (key, None), line, world.now()).await
    };
    let who_saw = async || {
        let asker = world.exchange.asker(&dpo.speaker, Role::Dpo, Question::WhoSaw).unwrap();
        world.exchange.who_saw(&asker, &id("k-2"), Window::default(), world.now()).await
    };
    let export = async || world.exchange.subject_export(dpo.acting(), &id("k-2"), world.now()).await;

    away.store(true, Ordering::Relaxed);
    let size = world.exchange.stats().log_entries;
    let mut feed = world.exchange.receive(&world.speaker("kingsmead"), 0).unwrap();
    assert!(matches!(feed.next(&world.clock).await, Err(FeedError::Unavailable)), "not even k-2’s mark");
    assert!(matches!(make().await, Err(ExportError::Unavailable)));
    assert!(matches!(export().await, Err(ReadError::Unavailable)));
    assert!(matches!(who_saw().await, Err(AskError::Unavailable)));
    let page = world.exchange.log_page(manager.acting(), (LogKind::All, None), world.now()).await;
    assert!(matches!(page, Err(AskError::Unavailable)));
    let unmatched =
        world.exchange.unmatched(manager.acting(), (None, &UnmatchedPart::FIRST), world.now()).await;
    assert!(matches!(unmatched, Err(AskError::Unavailable)));
    let pack = world.exchange.exit_pack(dpo.acting(), world.now()).await;
    assert!(matches!(pack, Err(LawError::Unavailable)));
    assert_eq!(world.exchange.stats().log_entries, size);

    away.store(false, Ordering::Relaxed);
    let (lines, _) = world.feed("kingsmead", 0).await;
    assert_eq!(lines.len(), 1, "k-2’s: {lines:?}");
    assert!(make().await.is_ok() && export().await.is_ok() && who_saw().await.is_ok());
    world.exchange.tick(world.now()).await;
    let shown = world.exchange.show(size + 1, 1_000).await.unwrap();
    // A subject export asks who saw, too.
    for (what, count) in
        [("delivery.withheld", 1), ("export.made", 1), ("subject.exported", 1), ("audit.asked", 2)]
    {
        assert_eq!(shown.iter().filter(|entry| entry["what"] == what).count(), count, "{what}: {shown:?}");
    }
}
