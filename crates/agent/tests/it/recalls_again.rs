//! Copies that must go and are sent again: each recall finds what was delivered in front of it, unread too, and nothing behind it.

use crate::{
    fake_hub::FakeHub,
    recalls::{answer, notice, outcomes, pair, receive, send},
    rig::{Dice, Mis, School},
};
use commonroll_agent::receive::{Received, Receiver};
use commonroll_audit::CopyOutcome;

/// The hub sends the first record of its log once more, at this place.
fn again(hub: &FakeHub, at: u64) {
    hub.with(|s| {
        let (mut batch, text) = s.log[0].clone();
        (batch.records[0].sequence, batch.records[0].again) = (at, true);
        s.log.push((batch, text));
    });
}

/// All that the hub has behind this place, as one piece, which no hub of today sends.
async fn in_one_piece(home: &School, hub: &FakeHub, mis: &Mis) -> Received {
    let after = home.spool.cursor().await.unwrap().sequence;
    let mut feed = commonroll_agent::Hub::receive(hub, after).await.unwrap();
    let mut all = feed.next().await.unwrap().unwrap();
    while let Some(piece) = feed.next().await.unwrap() {
        all.batches.extend(piece.batches);
        all.notices.extend(piece.notices);
        all.cursor = piece.cursor;
    }
    let receiver = Receiver { hub, spool: &home.spool, write_back: mis, rng: &Dice, now: home.now };
    receiver.take(&all).await.unwrap()
}

#[tokio::test]
async fn what_was_set_aside_unread_and_sent_again_goes_with_its_recall() {
    let (mut host, mut home, hub) = pair().await;
    send(&mut host, &hub, &[("ada", "/")]).await;
    let known = hub.with(|s| s.keys.insert("northgate".to_owned(), Vec::new())).unwrap();
    let mis = Mis::default();
    receive(&home, &hub, &mis).await;
    // With more of its fields, which can't be believed either; and once more after the recall.
    again(&hub, 2);
    receive(&home, &hub, &mis).await;
    assert_eq!(home.spool.set_aside(10).await.unwrap().len(), 2);
    notice(&hub, 1, 3, "placement_ended", &[1]);
    receive(&home, &hub, &mis).await;
    assert!(home.spool.set_aside(10).await.unwrap().is_empty(), "nothing of it is held");
    again(&hub, 4);
    receive(&home, &hub, &mis).await;
    assert_eq!(home.spool.set_aside(10).await.unwrap().len(), 1);
    notice(&hub, 2, 5, "placement_ended", &[1]);
    receive(&home, &hub, &mis).await;

    hub.with(|s| s.keys.insert("northgate".to_owned(), known));
    home.wait(4_000);
    let receiver = Receiver { hub: &hub, spool: &home.spool, write_back: &mis, rng: &Dice, now: home.now };
    assert_eq!(receiver.retry_aside().await.unwrap(), 0);
    assert!(mis.rows().is_empty(), "it is not written once it can be believed");
    answer(&home, &hub).await.unwrap();
    let removed = [(CopyOutcome::Removed, String::new())];
    assert_eq!(outcomes(&hub), [removed.clone(), removed]);
}

#[tokio::test]
async fn what_nobody_could_read_of_another_record_stays_when_one_is_recalled() {
    let (mut host, home, hub) = pair().await;
    send(&mut host, &hub, &[("ada", "/"), ("ben", "/")]).await;
    hub.with(|s| s.keys.insert("northgate".to_owned(), Vec::new()));
    let mis = Mis::default();
    receive(&home, &hub, &mis).await;
    notice(&hub, 1, 3, "placement_ended", &[1]);
    receive(&home, &hub, &mis).await;
    let aside = home.spool.set_aside(10).await.unwrap();
    assert_eq!(aside.iter().map(|one| one.sequence).collect::<Vec<_>>(), [2]);
}

#[tokio::test]
async fn a_recall_in_the_piece_of_its_record_takes_it_out() {
    let (mut host, home, hub) = pair().await;
    send(&mut host, &hub, &[("ada", "/"), ("ben", "/")]).await;
    notice(&hub, 1, 3, "placement_ended", &[1]);
    let mis = Mis::default();
    let received = in_one_piece(&home, &hub, &mis).await;
    assert_eq!((received.written, received.recalled, received.cursor.sequence), (2, 1, 3));
    notice(&hub, 2, 4, "placement_ended", &[1]);
    receive(&home, &hub, &mis).await;
    answer(&home, &hub).await.unwrap();
    let by_hand = (CopyOutcome::Flagged, "by_hand".to_owned());
    assert_eq!(outcomes(&hub).concat(), [by_hand, (CopyOutcome::NotHeld, String::new())]);
}

#[tokio::test]
async fn a_record_that_is_sent_again_in_the_piece_of_its_recall_is_held_and_can_be_recalled_once_more() {
    let (mut host, home, hub) = pair().await;
    send(&mut host, &hub, &[("ada", "/")]).await;
    notice(&hub, 1, 2, "placement_ended", &[1]);
    again(&hub, 3);
    let mis = Mis::default();
    let received = in_one_piece(&home, &hub, &mis).await;
    assert_eq!((received.written, received.recalled, received.cursor.sequence), (2, 1, 3));
    assert_eq!(mis.rows(), ["home-ada r1", "home-ada r1"]);
    notice(&hub, 2, 4, "placement_ended", &[1]);
    receive(&home, &hub, &mis).await;
    answer(&home, &hub).await.unwrap();
    let by_hand = (CopyOutcome::Flagged, "by_hand".to_owned());
    assert_eq!(outcomes(&hub).concat(), [by_hand.clone(), by_hand]);
}
