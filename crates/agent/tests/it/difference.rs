//! Two counts that disagree are explained to the record: what waits, what was refused and by which rule, what only one side
//! has, what one side has newer.

use crate::{
    fake_hub::{FakeHub, Pause},
    rig::{School, borrowed, many},
};
use commonroll_agent::difference::{Difference, Why, compare};

fn on() -> commonroll_core::SchoolDate {
    "2026-09-14".parse().unwrap()
}

async fn school(marks: &[(&str, &str)]) -> (School, FakeHub) {
    let school = School::new("northgate").await;
    let hub = FakeHub::new().knows("northgate", &school.key);
    school.marks(marks);
    (school, hub)
}

fn reasons(seen: &Difference) -> Vec<Why> {
    seen.kinds.iter().flat_map(|kind| &kind.differ).map(|one| one.why.clone()).collect()
}

#[tokio::test]
async fn what_agrees_is_known_by_roots_alone_and_corrections_are_counted() {
    let (mut school, hub) = school(&[("1", "/"), ("2", "/"), ("3", "/")]).await;
    school.look().await;
    school.publish(&hub).await.unwrap();
    school.marks(&[("1", "/"), ("2", "N"), ("3", "/")]);
    school.look().await;
    school.publish(&hub).await.unwrap();
    let seen = compare(&hub, &school.spool, on()).await.unwrap();
    assert!(seen.agrees() && seen.exit_code() == 0, "{seen}");
    let attendance = &seen.kinds[0];
    assert_eq!((attendance.here, attendance.there, attendance.agreed, attendance.corrected), (3, 3, 3, 1));
    assert_eq!(hub.with(|s| s.day_calls.clone()), [false], "the records weren't asked for");
    assert!(seen.to_string().contains("the hub holds what was sent, to the record"), "{seen}");
}

#[tokio::test]
async fn what_waits_and_what_was_refused_explains_a_smaller_count_at_the_hub() {
    let (mut school, hub) = school(&[("1", "/"), ("2", "/"), ("3", "/")]).await;
    hub.with(|s| s.refuse.insert("2".to_owned(), "no_placement".to_owned()));
    school.look().await;
    school.publish(&hub).await.unwrap();
    school.marks(&[("1", "/"), ("2", "/"), ("3", "/"), ("4", "/")]);
    school.look().await;
    let seen = compare(&hub, &school.spool, on()).await.unwrap();
    assert_eq!((seen.kinds[0].here, seen.kinds[0].there, seen.kinds[0].agreed), (4, 2, 2));
    assert_eq!(reasons(&seen), [Why::Waits, Why::Refused { rule: "no_placement".to_owned() }]);
    assert_eq!((seen.unexplained(), seen.exit_code()), (0, 1), "explained, and still a difference");
    let text = seen.to_string();
    assert!(text.contains("were refused by the rule no_placement") && text.contains(" line "), "{text}");
}

#[tokio::test]
async fn a_hub_or_an_agent_that_went_back_is_told_apart() {
    let (mut school, hub) = school(&[("1", "/"), ("2", "/")]).await;
    school.look().await;
    school.publish(&hub).await.unwrap();
    school.marks(&[("1", "N"), ("2", "/")]);
    school.look().await;
    school.publish(&hub).await.unwrap();
    // The hub comes back from a copy that is older than the correction, and then from one that knows nothing.
    let correction = hub.with(|s| s.log.pop().unwrap());
    assert_eq!(reasons(&compare(&hub, &school.spool, on()).await.unwrap()), [Why::NewerHere]);
    let all = hub.with(|s| std::mem::take(&mut s.log));
    let seen = compare(&hub, &school.spool, on()).await.unwrap();
    assert_eq!((reasons(&seen), seen.unexplained()), (vec![Why::OnlyHere, Why::OnlyHere], 2));
    hub.with(|s| s.log = all);
    hub.with(|s| s.log.push(correction));
    // A new agent with an empty folder, and one whose folder is older than the correction.
    let empty = School::new("northgate").await;
    let seen = compare(&hub, &empty.spool, on()).await.unwrap();
    assert_eq!(reasons(&seen), [Why::OnlyThere, Why::OnlyThere]);
    assert_eq!((seen.kinds[0].here, seen.kinds[0].there), (0, 2));
    let mut older = School::new("northgate").await;
    let other = FakeHub::new().knows("northgate", &older.key);
    older.marks(&[("1", "/"), ("2", "/")]);
    older.look().await;
    older.publish(&other).await.unwrap();
    assert_eq!(reasons(&compare(&hub, &older.spool, on()).await.unwrap()), [Why::NewerThere]);
}

#[tokio::test]
async fn another_day_is_not_this_one() {
    let marks = many(30);
    let (mut school, hub) = school(&borrowed(&marks)).await;
    school.look().await;
    school.publish(&hub).await.unwrap();
    let seen = compare(&hub, &school.spool, "2026-09-15".parse().unwrap()).await.unwrap();
    assert!(seen.agrees() && seen.kinds.iter().all(|kind| kind.here == 0), "{seen}");
    let seen = compare(&hub, &school.spool, on()).await.unwrap();
    assert_eq!(seen.kinds[0].agreed, 30);
}

/// A mark is published while the day is compared: the hub's answer may be of before or of after, and no difference is told
/// that is none.
#[tokio::test]
async fn what_is_published_during_the_comparison_is_no_difference() {
    for (records, of_before, told) in
        [(false, false, vec![]), (true, true, vec![Why::Waits, Why::Waits]), (true, false, vec![])]
    {
        let (mut school, hub) = school(&[("1", "/"), ("2", "/")]).await;
        school.look().await;
        school.publish(&hub).await.unwrap();
        // One that waits, so that the records are asked for in any case.
        school.marks(&[("1", "N"), ("2", "/")]);
        school.look().await;
        let ((asked, is_asked), (go, go_on)) =
            (tokio::sync::oneshot::channel(), tokio::sync::oneshot::channel());
        hub.with(|s| s.day_pause = Some(Pause { records, of_before, asked, go_on }));
        let spool = school.spool.clone();
        let publishing = async {
            is_asked.await.unwrap();
            school.marks(&[("1", "N"), ("2", "/"), ("3", "/")]);
            school.look().await;
            school.publish(&hub).await.unwrap();
            go.send(()).unwrap();
        };
        let (seen, ()) = tokio::join!(compare(&hub, &spool, on()), publishing);
        let seen = seen.unwrap();
        assert_eq!((reasons(&seen), seen.unexplained()), (told, 0), "{records} {of_before}: {seen}");
        assert!(compare(&hub, &spool, on()).await.unwrap().agrees());
    }
}
