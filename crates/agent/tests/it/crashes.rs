//! Case 22: kill -9 at every step. Nothing lost, nothing twice.

use crate::{
    fake_hub::FakeHub,
    rig::{Mis, School, borrowed, many},
};

#[tokio::test]
async fn case_22_a_crash_after_reading_keeps_the_export() {
    let mut school = School::new("northgate").await;
    let hub = FakeHub::new().knows("northgate", &school.key);
    school.marks(&borrowed(&many(25)));
    school.look().await;
    school.restart().await;
    assert!(school.look().await.is_empty(), "it counts as consumed");
    assert_eq!(school.publish(&hub).await.unwrap().accepted, 25);
}

#[tokio::test]
async fn case_22_a_crash_anywhere_while_publishing_sends_everything_once() {
    for crash_at in 0..6 {
        let mut school = School::new("northgate").await;
        let hub = FakeHub::new().knows("northgate", &school.key);
        school.marks(&borrowed(&many(45)));
        school.look().await;
        hub.with(|s| {
            if crash_at % 2 == 0 {
                s.break_after = Some(crash_at / 2);
            } else {
                s.lose_answers = crash_at;
            }
        });
        for _ in 0..10 {
            if school.publish(&hub).await.is_ok() {
                break;
            }
            school.restart().await;
        }
        assert_eq!(hub.holds().len(), 45, "crash {crash_at}");
        assert_eq!(school.spool.queue_length().await.unwrap().0, 0, "crash {crash_at}");
    }
}

#[tokio::test]
async fn case_22_a_crash_between_write_back_and_cursor_writes_the_same_file_again() {
    let mut host = School::new("northgate").await;
    let mut home = School::new("ridgeway").await;
    let hub = FakeHub::new().knows("northgate", &host.key);
    host.marks(&borrowed(&many(5)));
    host.look().await;
    host.publish(&hub).await.unwrap();

    // The piece was kept and the files written, and then the power went, before the cursor moved.
    let mut feed = commonroll_agent::Hub::receive(&hub, 0).await.unwrap();
    let piece = feed.next().await.unwrap().unwrap();
    home.spool.keep_delivery(0, &piece).await.unwrap();
    home.restart().await;

    // Meanwhile more has come: the hub would now send another, longer piece.
    host.marks(&borrowed(&many(8)));
    host.look().await;
    host.publish(&hub).await.unwrap();

    let mis = Mis::default();
    home.receive(&hub, &mis).await.unwrap();
    assert_eq!(mis.file_names(), ["000000000005", "000000000008"], "the first file has its first name");
    assert_eq!(mis.rows().len(), 8);
}

#[tokio::test]
async fn case_22_a_full_disk_in_the_outbox_holds_the_cursor_back() {
    let mut host = School::new("northgate").await;
    let home = School::new("ridgeway").await;
    let hub = FakeHub::new().knows("northgate", &host.key);
    host.marks(&borrowed(&many(5)));
    host.look().await;
    host.publish(&hub).await.unwrap();
    let mis = Mis::default();
    *mis.disk_full.lock().unwrap() = 2;
    assert!(home.receive(&hub, &mis).await.is_err());
    assert_eq!(home.spool.cursor().await.unwrap().sequence, 0);
    assert!(home.receive(&hub, &mis).await.is_err());
    assert_eq!(home.receive(&hub, &mis).await.unwrap().written, 5);
    assert_eq!(mis.file_names().len(), 1);
}
