//! Publishing over a connection that breaks, to a hub that refuses.

use crate::{
    fake_hub::FakeHub,
    rig::{School, borrowed, many},
};

#[tokio::test]
async fn a_hundred_marks_go_in_several_batches_with_numbers_without_gaps() {
    let mut school = School::new("northgate").await;
    let hub = FakeHub::new().knows("northgate", &school.key);
    school.marks(&borrowed(&many(95)));
    school.look().await;
    let done = school.publish(&hub).await.unwrap();
    assert_eq!((done.accepted, done.duplicates), (95, 0));
    assert_eq!(hub.with(|s| s.batches_seen.clone()), (1..=10).collect::<Vec<_>>());
    assert_eq!(school.spool.queue_length().await.unwrap().0, 0);
}

#[tokio::test]
async fn case_23_lost_answers_are_asked_for_again_and_nothing_is_there_twice() {
    let mut school = School::new("northgate").await;
    let hub = FakeHub::new().knows("northgate", &school.key);
    school.marks(&borrowed(&many(45)));
    school.look().await;
    hub.with(|s| s.lose_answers = 1);
    assert!(school.publish(&hub).await.is_err());
    let done = school.publish(&hub).await.unwrap();
    assert_eq!((done.accepted + done.duplicates, done.duplicates), (45, 10));
    assert_eq!(hub.holds().len(), 45);
}

#[tokio::test]
async fn case_24_a_number_that_the_hub_does_not_expect_is_made_good() {
    let mut school = School::new("northgate").await;
    let hub = FakeHub::new().knows("northgate", &school.key);
    school.marks(&borrowed(&many(10)));
    school.look().await;
    school.publish(&hub).await.unwrap();
    hub.with(|s| s.next = 7);
    school.marks(&borrowed(&many(20)));
    school.look().await;
    let done = match school.publish(&hub).await {
        Ok(done) => done,
        Err(_) => school.publish(&hub).await.unwrap(),
    };
    assert_eq!(
        done.accepted, 10,
        "sent under a number that the hub knew, then under the one that it expects"
    );
    assert_eq!(hub.holds().len(), 20);
}

#[tokio::test]
async fn a_hub_that_forgot_batches_raises_an_alarm() {
    let mut school = School::new("northgate").await;
    let hub = FakeHub::new().knows("northgate", &school.key);
    school.marks(&borrowed(&many(10)));
    school.look().await;
    school.publish(&hub).await.unwrap();
    school.restart().await;
    hub.with(|s| s.next = 1);
    school.marks(&borrowed(&many(11)));
    school.look().await;
    school.publish(&hub).await.unwrap();
    let alarms = school.spool.alarms().await.unwrap();
    assert_eq!(alarms.iter().map(|a| a.name.as_str()).collect::<Vec<_>>(), ["hub-went-back"]);
}

#[tokio::test]
async fn a_refused_record_waits_in_sight_and_goes_when_the_directory_changes() {
    let mut school = School::new("northgate").await;
    let hub = FakeHub::new().knows("northgate", &school.key);
    hub.with(|s| s.refuse.insert("ada".into(), "no_placement".into()));
    school.marks(&[("ada", "/"), ("ben", "/")]);
    school.look().await;
    let done = school.publish(&hub).await.unwrap();
    assert_eq!((done.accepted, done.refused), (1, 1), "ada does not hold up ben");
    let refused = school.spool.refused(10).await.unwrap();
    assert_eq!(
        (refused[0].code.as_str(), refused[0].file.as_str(), refused[0].line),
        ("no_placement", "marks.csv", 2)
    );

    assert_eq!(school.publish(&hub).await.unwrap().refused, 0, "not tried again at once");
    hub.with(|s| s.refuse.clear());
    school.put("visits.csv", "Id,Host,From,To\nada,ridgeway,2026-09-01,2027-07-01\n");
    school.look().await;
    assert_eq!(
        school.publish(&hub).await.unwrap().accepted,
        1,
        "a declaration that changed something is a reason"
    );
    assert!(school.spool.refused(10).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_refused_record_is_tried_again_later_and_not_for_ever() {
    let mut school = School::new("northgate").await;
    let hub = FakeHub::new().knows("northgate", &school.key);
    hub.with(|s| s.refuse.insert("ada".into(), "no_placement".into()));
    school.marks(&[("ada", "/")]);
    school.look().await;
    let mut refused = 0;
    for _ in 0..10 {
        refused += school.publish(&hub).await.unwrap().refused;
        school.wait(4_000);
    }
    assert_eq!(refused, 4, "once and three retries");
    assert_eq!(school.spool.refused(10).await.unwrap()[0].retry_us, None, "it waits for a person now");
}

#[tokio::test]
async fn a_record_that_breaks_a_rule_is_not_tried_again_until_it_is_corrected() {
    let mut school = School::new("northgate").await;
    let hub = FakeHub::new().knows("northgate", &school.key);
    hub.with(|s| s.refuse.insert("ada".into(), "invalid_field".into()));
    school.marks(&[("ada", "/")]);
    school.look().await;
    school.publish(&hub).await.unwrap();
    hub.with(|s| s.refuse.clear());
    school.wait(100_000);
    assert_eq!(school.publish(&hub).await.unwrap().accepted, 0);
    school.marks(&[("ada", "L")]);
    school.look().await;
    assert!(school.spool.refused(10).await.unwrap().is_empty(), "the correction takes its place");
    assert_eq!(school.publish(&hub).await.unwrap().accepted, 1);
}

#[tokio::test]
async fn three_days_offline_and_everything_arrives_in_order() {
    let mut school = School::new("northgate").await;
    let hub = FakeHub::new().knows("northgate", &school.key);
    hub.with(|s| s.down = true);
    for mark in ["/", "L", "N"] {
        school.marks(&[("ada", mark)]);
        school.look().await;
        assert!(school.publish(&hub).await.is_err());
        school.wait(86_400);
    }
    hub.with(|s| s.down = false);
    school.publish(&hub).await.unwrap();
    let revisions: Vec<_> =
        hub.holds().iter().map(|text| text.rsplit(' ').next().unwrap().to_owned()).collect();
    assert_eq!(revisions, ["r1", "r2", "r3"]);
}

#[tokio::test]
async fn the_hub_is_told_that_everything_was_sent_once_an_export_of_today_was_written_anew() {
    let mut school = School::new("northgate").await;
    let hub = FakeHub::new().knows("northgate", &school.key);
    let told = || hub.with(|s| s.current);
    school.publish(&hub).await.unwrap();
    assert_eq!(told(), 0, "there was nothing to read");
    school.put("staff.csv", "Teacher,Class\nT1,12A\n");
    school.look().await;
    school.publish(&hub).await.unwrap();
    assert_eq!(told(), 0, "who teaches whom says nothing of registers");

    school.marks(&borrowed(&many(15)));
    school.look().await;
    hub.with(|s| s.lose_answers = 1);
    assert!(school.publish(&hub).await.is_err());
    assert_eq!(told(), 0, "not before everything is in the log");
    school.publish(&hub).await.unwrap();
    assert_eq!((told(), hub.holds().len()), (1, 15));

    // Nobody writes anything: a connection alone is no word. The same export written anew is.
    school.wait(300);
    school.look().await;
    school.publish(&hub).await.unwrap();
    assert_eq!(told(), 1);
    school.wait(10);
    std::fs::File::open(school.folder.path().join("exports/marks.csv"))
        .unwrap()
        .set_modified(std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_789_376_710))
        .unwrap();
    school.look().await;
    school.publish(&hub).await.unwrap();
    assert_eq!(told(), 2);
    school.wait(86_400);
    school.put("marks.csv", &crate::rig::csv(&borrowed(&many(15))));
    school.look().await;
    school.publish(&hub).await.unwrap();
    assert_eq!(told(), 2, "yesterday's export says nothing of today");
}

#[tokio::test]
async fn a_school_whose_data_folder_is_lost_sends_what_is_true_now_over_what_the_hub_holds() {
    let mut school = School::new("northgate").await;
    let hub = FakeHub::new().knows("northgate", &school.key);
    school.marks(&[("back", "/"), ("late", "/"), ("same", "/"), ("gone", "/")]);
    school.look().await;
    school.publish(&hub).await.unwrap();
    school.marks(&[("back", "N"), ("late", "/"), ("same", "/"), ("gone", "/")]);
    school.look().await;
    assert_eq!(school.publish(&hub).await.unwrap().accepted, 1);

    school.lose_data().await;
    let exported = [("back", "/"), ("late", "L"), ("same", "/"), ("gone", "/"), ("new", "/")];
    school.marks(&exported);
    school.look().await;
    let first = school.publish(&hub).await.unwrap();
    assert_eq!((first.accepted, first.duplicates, first.refused, first.forgotten), (1, 3, 1, 2), "{first:?}");
    school.restart().await;
    school.look().await;
    let second = school.publish(&hub).await.unwrap();
    assert_eq!((second.accepted, second.refused, second.forgotten), (2, 0, 0), "{second:?}");
    let newest = |learner: &str| hub.holds().into_iter().rfind(|line| line.contains(learner)).unwrap();
    assert!(newest("back").ends_with("r3") && newest("late").ends_with("r2"), "{:?}", hub.holds());
    assert!(school.spool.refused(10).await.unwrap().is_empty(), "nothing is left for a person to see to");

    // From here on it is as if nothing had happened.
    school.marks(&[("back", "/"), ("late", "L"), ("same", "N"), ("new", "/"), ("other", "/")]);
    school.look().await;
    let after = school.publish(&hub).await.unwrap();
    assert_eq!((after.accepted, after.forgotten), (3, 0), "a correction, a withdrawal, a new one: {after:?}");
    assert!(newest("gone").ends_with("r2 withdrawn"), "{:?}", hub.holds());
}
