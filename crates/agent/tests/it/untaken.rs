//! A row that the hub never took leaves the export: there is nothing to withdraw, nobody is told of it for ever, and what comes back is
//! sent under the next revision.

use crate::{fake_hub::FakeHub, rig::School};
use commonroll_agent::{difference, scan::Verdict, spool::queue::RefusedRecord};

const CODES: [&str; 5] = ["no_placement", "no_agreement", "not_unlocked", "confidential", "policy_error"];

async fn refused(school: &School) -> Vec<RefusedRecord> {
    school.spool.refused(10).await.unwrap()
}

/// A school whose mark of ada was refused, by this code, and whose mark of ben was taken.
async fn refused_by(code: &str) -> (School, FakeHub) {
    let mut school = School::new("northgate").await;
    let hub = FakeHub::new().knows("northgate", &school.key);
    hub.with(|s| s.refuse.insert("ada".into(), code.into()));
    school.marks(&[("ada", "/"), ("ben", "/")]);
    school.look().await;
    let done = school.publish(&hub).await.unwrap();
    assert_eq!((done.accepted, done.refused), (1, 1));
    (school, hub)
}

async fn ids_of_today(school: &School) -> usize {
    school.spool.sent_on(school.today().1).await.unwrap().len()
}

#[tokio::test]
async fn a_refused_row_that_leaves_the_export_is_not_withdrawn() {
    for code in CODES {
        let (mut school, hub) = refused_by(code).await;
        school.marks(&[("ben", "/")]);
        school.wait(60);
        let Verdict::Taken(taken) = school.look().await.remove("marks.csv").unwrap() else {
            panic!("{code}")
        };
        assert_eq!((taken.withdrawn, school.spool.queue_length().await.unwrap().0), (1, 0), "{code}");
        assert!(refused(&school).await.is_empty() && ids_of_today(&school).await == 1, "{code}");
        school.wait(100_000);
        assert_eq!(school.publish(&hub).await.unwrap().refused, 0, "{code}");
        let day = difference::compare(&hub, &school.spool, "2026-09-14".parse().unwrap()).await.unwrap();
        assert!(day.agrees(), "{code}: {day:?}");

        // It comes back with another mark, for a learner who is placed by now. The hub has seen a first revision that says otherwise.
        hub.with(|s| s.refuse.clear());
        school.marks(&[("ben", "/"), ("ada", "L")]);
        school.wait(60);
        school.look().await;
        assert_eq!(school.publish(&hub).await.unwrap().accepted, 1, "{code}");
        assert_eq!(hub.holds().last().unwrap(), "attendance 2026-09-14 ada r2");

        // From here on the hub has it, and it is withdrawn like any other.
        school.marks(&[("ben", "L")]);
        school.wait(60);
        school.look().await;
        assert_eq!(school.publish(&hub).await.unwrap().accepted, 2, "{code}");
        assert!(hub.holds().contains(&"attendance 2026-09-14 ada r3 withdrawn".to_owned()), "{code}");
    }
}

#[tokio::test]
async fn a_refused_row_that_was_corrected_and_refused_again_is_not_withdrawn_either() {
    let (mut school, hub) = refused_by("no_placement").await;
    school.marks(&[("ada", "L"), ("ben", "/")]);
    school.wait(60);
    school.look().await;
    assert_eq!(school.publish(&hub).await.unwrap().refused, 1);
    school.restart().await;
    school.marks(&[("ben", "/")]);
    school.wait(60);
    school.look().await;
    assert_eq!((school.spool.queue_length().await.unwrap().0, refused(&school).await.len()), (0, 0));
}

#[tokio::test]
async fn a_row_that_leaves_before_the_hub_has_answered_is_withdrawn_once_and_not_again() {
    let mut school = School::new("northgate").await;
    let hub = FakeHub::new().knows("northgate", &school.key);
    hub.with(|s| s.refuse.insert("ada".into(), "no_placement".into()));
    for marks in [&[("ada", "/"), ("ben", "/")][..], &[("ben", "/")]] {
        school.marks(marks);
        school.wait(60);
        school.look().await;
    }
    assert_eq!(school.spool.queue_length().await.unwrap().0, 3, "the hub may have the first by now");
    assert_eq!(school.publish(&hub).await.unwrap().refused, 2);
    assert!(refused(&school).await.is_empty(), "neither waits for anything");
    assert_eq!(ids_of_today(&school).await, 1);
    school.wait(100_000);
    assert_eq!(school.publish(&hub).await.unwrap().refused, 0);
    hub.with(|s| s.refuse.clear());
    school.marks(&[("ada", "L"), ("ben", "/")]);
    school.look().await;
    school.publish(&hub).await.unwrap();
    assert_eq!(hub.holds().last().unwrap(), "attendance 2026-09-14 ada r3", "no number is used twice");
}

#[tokio::test]
async fn what_the_hub_took_once_is_withdrawn_however_often_that_is_refused() {
    let mut school = School::new("northgate").await;
    let hub = FakeHub::new().knows("northgate", &school.key);
    hub.with(|s| s.refuse.insert("ada".into(), "no_placement".into()));
    school.marks(&[("ada", "/"), ("ben", "/")]);
    school.look().await;
    school.publish(&hub).await.unwrap();
    hub.with(|s| s.refuse.clear());
    school.wait(4_000);
    assert_eq!(school.publish(&hub).await.unwrap().accepted, 1, "it was tried again, and taken");

    // The placement has ended; its home has the mark all the same.
    hub.with(|s| s.refuse.insert("ada".into(), "no_placement".into()));
    school.marks(&[("ben", "/")]);
    school.look().await;
    assert_eq!(school.publish(&hub).await.unwrap().refused, 1);
    assert_eq!(refused(&school).await[0].revision, 2, "it waits in sight");
    hub.with(|s| s.refuse.clear());
    school.wait(4_000);
    school.publish(&hub).await.unwrap();
    assert_eq!(hub.holds().last().unwrap(), "attendance 2026-09-14 ada r2 withdrawn");
}

#[tokio::test]
async fn an_answer_that_was_lost_leaves_the_withdrawal_in_place() {
    let mut school = School::new("northgate").await;
    let hub = FakeHub::new().knows("northgate", &school.key);
    school.marks(&[("ada", "/"), ("ben", "/")]);
    school.look().await;
    hub.with(|s| s.lose_answers = 1);
    assert!(school.publish(&hub).await.is_err());
    school.marks(&[("ben", "/")]);
    school.wait(60);
    school.look().await;
    school.publish(&hub).await.unwrap();
    assert_eq!(hub.holds().last().unwrap(), "attendance 2026-09-14 ada r2 withdrawn");
}
