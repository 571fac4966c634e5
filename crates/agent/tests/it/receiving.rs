//! Receiving: verified, once, in order, past whatever can't be written.

use crate::{
    fake_hub::{FakeHub, receipt_holds},
    rig::{Dice, MORNING, Mis, School, borrowed, many},
};
use commonroll_agent::{asides, receive::Receiver};
use commonroll_audit::{ReceiptDigest, SigningKey};
use commonroll_core::Timestamp;
use commonroll_wire::{acknowledge, open};

async fn pair() -> (School, School, FakeHub) {
    let host = School::new("northgate").await;
    let home = School::new("ridgeway").await;
    let hub = FakeHub::new().knows("northgate", &host.key);
    (host, home, hub)
}

async fn send(host: &mut School, hub: &FakeHub, marks: &[(&str, &str)]) {
    host.marks(marks);
    host.look().await;
    host.publish(hub).await.unwrap();
}

#[tokio::test]
async fn a_mark_a_correction_and_a_withdrawal_arrive_in_order() {
    let (mut host, home, hub) = pair().await;
    for marks in [&[("ada", "/"), ("ben", "/")][..], &[("ada", "L"), ("ben", "/")], &[("ben", "/")]] {
        send(&mut host, &hub, marks).await;
    }
    hub.with(|s| s.page = 1);
    let mis = Mis::default();
    home.receive(&hub, &mis).await.unwrap();
    let ada: Vec<_> = mis.rows().into_iter().filter(|row| row.starts_with("home-ada")).collect();
    assert_eq!(ada, ["home-ada r1", "home-ada r2", "home-ada r3 withdrawn"]);
}

#[tokio::test]
async fn case_26_what_is_delivered_again_is_dropped() {
    let (mut host, home, hub) = pair().await;
    send(&mut host, &hub, &borrowed(&many(5))).await;
    let mis = Mis::default();
    home.receive(&hub, &mis).await.unwrap();
    // A piece from the beginning once more, as if the cursor had been lost on its way.
    let mut feed = commonroll_agent::Hub::receive(&hub, 0).await.unwrap();
    let piece = feed.next().await.unwrap().unwrap();
    let receiver = Receiver { hub: &hub, spool: &home.spool, write_back: &mis, rng: &Dice, now: home.now };
    assert_eq!(receiver.take(&piece).await.unwrap().written, 0);
    assert_eq!(mis.rows().len(), 5);
}

#[tokio::test]
async fn case_28_an_older_revision_never_comes_after_a_newer_one() {
    let (mut host, home, hub) = pair().await;
    send(&mut host, &hub, &[("ada", "/")]).await;
    send(&mut host, &hub, &[("ada", "L")]).await;
    // The hub hands out the correction first.
    hub.with(|s| {
        s.log.swap(0, 1);
        s.log[0].0.records[0].sequence = 1;
        s.log[1].0.records[0].sequence = 2;
    });
    let mis = Mis::default();
    let received = home.receive(&hub, &mis).await.unwrap();
    assert_eq!((received.written, received.known), (1, 1));
    assert_eq!(mis.rows(), ["home-ada r2"]);
}

#[tokio::test]
async fn the_receipt_covers_what_was_received() {
    let (mut host, home, hub) = pair().await;
    send(&mut host, &hub, &borrowed(&many(12))).await;
    home.receive(&hub, &Mis::default()).await.unwrap();
    let cursor = home.spool.cursor().await.unwrap();
    let mut expected = ReceiptDigest::default();
    hub.with(|s| {
        for (batch, _) in &s.log {
            let record = &batch.records[0];
            expected.add(record.sequence, &open(record.record.as_ref().unwrap()).unwrap().root);
        }
    });
    assert_eq!((cursor.sequence, cursor.digest), (12, expected));
    let receipt = acknowledge(&"ridgeway".parse().unwrap(), 12, &cursor.digest, &home.key).unwrap();
    assert!(receipt_holds(&receipt, "ridgeway", &home.key.public()));
}

#[tokio::test]
async fn a_forged_record_is_set_aside_with_an_alarm_and_the_others_flow() {
    let (mut host, home, hub) = pair().await;
    send(&mut host, &hub, &[("ada", "/")]).await;
    send(&mut host, &hub, &[("ada", "/"), ("ben", "/")]).await;
    hub.with(|s| {
        let record = s.log[0].0.records[0].record.as_mut().unwrap();
        let mut content = record.groups[1].content.to_vec();
        content[1] ^= 1;
        record.groups[1].content = content.into();
    });
    let mis = Mis::default();
    let received = home.receive(&hub, &mis).await.unwrap();
    assert_eq!((received.written, received.aside), (1, 1));
    assert_eq!(mis.rows(), ["home-ben r1"]);
    assert_eq!(home.spool.alarms().await.unwrap()[0].name, "signature");
    assert_eq!(home.spool.set_aside(10).await.unwrap()[0].code, "signature");
}

#[tokio::test]
async fn another_key_under_a_known_id_is_refused_and_alarmed() {
    let (mut host, home, hub) = pair().await;
    send(&mut host, &hub, &[("ada", "/")]).await;
    home.receive(&hub, &Mis::default()).await.unwrap();
    let known = host.key.public().id();
    let pinned = home.spool.signer(&"northgate".parse().unwrap(), known).await.unwrap().unwrap();
    assert_eq!(pinned.key, host.key.public());
    // A key that nobody signed in by: records under it are not believed.
    let stranger = SigningKey::from_seed(&[42; 32]).unwrap();
    let (old, mut forger) = (host.key, School::new("northgate").await);
    forger.key = stranger;
    hub.with(|s| s.keys.get_mut("northgate").unwrap().push(forger.key.public()));
    send(&mut forger, &hub, &[("eve", "/")]).await;
    hub.with(|s| s.keys.insert("northgate".into(), vec![old.public()]));
    let mis = Mis::default();
    let received = home.receive(&hub, &mis).await.unwrap();
    assert_eq!((received.written, received.aside), (0, 1));
    assert_eq!(home.spool.set_aside(10).await.unwrap()[0].code, "unknown_key");
}

#[tokio::test]
async fn case_27_a_poison_record_is_set_aside_and_what_is_behind_it_flows() {
    let (mut host, mut home, hub) = pair().await;
    send(&mut host, &hub, &[("ada", "/"), ("ben", "/"), ("cleo", "/")]).await;
    let mis = Mis::default();
    mis.refuse.lock().unwrap().push("home-ada".into());
    mis.panic_on.lock().unwrap().push("home-ben".into());
    let received = home.receive(&hub, &mis).await.unwrap();
    assert_eq!((received.written, received.aside, received.cursor.sequence), (1, 2, 3));
    assert_eq!(mis.rows(), ["home-cleo r1"]);
    let aside = home.spool.set_aside(10).await.unwrap();
    assert!(aside.iter().any(|a| a.message == "the MIS has no such register"), "in the MIS's own words");

    // The register is made: it goes by itself at the next try. The panic goes on, until a person dismisses it.
    mis.refuse.lock().unwrap().clear();
    home.wait(120);
    let receiver = Receiver { hub: &hub, spool: &home.spool, write_back: &mis, rng: &Dice, now: home.now };
    assert_eq!(receiver.retry_aside().await.unwrap(), 1);
    assert!(mis.rows().contains(&"home-ada r1".to_owned()));
    for _ in 0..10 {
        home.wait(4_000);
        let receiver =
            Receiver { hub: &hub, spool: &home.spool, write_back: &mis, rng: &Dice, now: home.now };
        receiver.retry_aside().await.unwrap();
    }
    let left = home.spool.set_aside(10).await.unwrap();
    assert_eq!((left.len(), left[0].retry_us, left[0].tries), (1, None, 6), "bounded tries");
    assert!(home.spool.dismiss_aside(left[0].sequence, home.now).await.unwrap());
    assert!(home.spool.set_aside(10).await.unwrap().is_empty());
}

/// What became of it is in the hub's log, in its order and once, whether or not the hub could be reached at that moment.
#[tokio::test]
async fn case_27_that_a_record_was_set_aside_tried_again_or_given_up_is_told_to_the_hub() {
    let (mut host, mut home, hub) = pair().await;
    send(&mut host, &hub, &[("ada", "/"), ("ben", "/"), ("cleo", "/")]).await;
    let mis = Mis::default();
    mis.refuse.lock().unwrap().extend(["home-ada".into(), "home-ben".into()]);
    home.receive(&hub, &mis).await.unwrap();
    hub.with(|s| s.down = true);
    asides::tell(&hub, &home.spool, home.now).await;
    hub.with(|s| s.down = false);
    asides::tell(&hub, &home.spool, home.now).await;
    let told = |hub: &FakeHub| hub.with(|s| std::mem::take(&mut s.asides));
    assert_eq!(told(&hub), ["1 delivery.set_aside write_back", "2 delivery.set_aside write_back"]);

    // Tries by itself are nobody's decision.
    home.wait(120);
    let receiver = Receiver { hub: &hub, spool: &home.spool, write_back: &mis, rng: &Dice, now: home.now };
    assert_eq!(receiver.retry_aside().await.unwrap(), 0);
    asides::tell(&hub, &home.spool, home.now).await;
    assert_eq!(told(&hub), Vec::<String>::new());

    mis.refuse.lock().unwrap().retain(|who| who != "home-ada");
    assert!(home.spool.retry_aside(1, home.now).await.unwrap());
    assert!(home.spool.dismiss_aside(2, home.now).await.unwrap());
    assert!(!home.spool.dismiss_aside(2, home.now).await.unwrap(), "there is none any more");
    assert_eq!(receiver.retry_aside().await.unwrap(), 1);
    asides::tell(&hub, &home.spool, home.now).await;
    let steps =
        ["1 delivery.retried write_back", "2 delivery.dismissed write_back", "1 delivery.written write_back"];
    assert_eq!(told(&hub), steps);
    asides::tell(&hub, &home.spool, home.now).await;
    assert_eq!(told(&hub), Vec::<String>::new());
}

/// The hub's list of what waits for a person forgets in time, and a try that a person asked for takes a record off it.
#[tokio::test]
async fn case_27_what_is_still_set_aside_is_told_again_after_a_try_in_vain_and_each_week() {
    let (mut host, mut home, hub) = pair().await;
    send(&mut host, &hub, &[("ada", "/"), ("ben", "/")]).await;
    let mis = Mis::default();
    mis.refuse.lock().unwrap().extend(["home-ada".into(), "home-ben".into()]);
    home.receive(&hub, &mis).await.unwrap();
    asides::tell(&hub, &home.spool, home.now).await;
    let told = |hub: &FakeHub| hub.with(|s| std::mem::take(&mut s.asides));
    let both = ["1 delivery.set_aside write_back", "2 delivery.set_aside write_back"];
    assert_eq!(told(&hub), both);
    assert!(home.spool.retry_aside(2, home.now).await.unwrap());
    let receiver = Receiver { hub: &hub, spool: &home.spool, write_back: &mis, rng: &Dice, now: home.now };
    assert_eq!(receiver.retry_aside().await.unwrap(), 0);
    asides::tell(&hub, &home.spool, home.now).await;
    assert_eq!(told(&hub), ["2 delivery.retried write_back", "2 delivery.set_aside write_back"]);
    for _ in 0..2 {
        home.wait(6 * 86_400);
        asides::tell(&hub, &home.spool, home.now).await;
        assert_eq!(told(&hub), Vec::<String>::new());
        home.wait(86_400);
        asides::tell(&hub, &home.spool, home.now).await;
        assert_eq!(told(&hub), both);
    }
    assert!(home.spool.dismiss_aside(1, home.now).await.unwrap());
    home.wait(7 * 86_400);
    asides::tell(&hub, &home.spool, home.now).await;
    assert_eq!(told(&hub), ["1 delivery.dismissed write_back", "2 delivery.set_aside write_back"]);
}

#[tokio::test]
async fn case_27_a_step_that_the_hub_never_takes_holds_up_none_behind_it() {
    let (mut host, home, hub) = pair().await;
    send(&mut host, &hub, &[("ada", "/"), ("ben", "/")]).await;
    let mis = Mis::default();
    mis.refuse.lock().unwrap().extend(["home-ada".into(), "home-ben".into()]);
    home.receive(&hub, &mis).await.unwrap();
    // The hub was restored to a state in which ben's record had not been handed out.
    hub.with(|s| s.handed = 1);
    assert!(home.spool.dismiss_aside(2, home.now).await.unwrap());
    assert!(home.spool.dismiss_aside(1, home.now).await.unwrap());
    asides::tell(&hub, &home.spool, home.now).await;
    let told = hub.with(|s| std::mem::take(&mut s.asides));
    assert_eq!(told, ["1 delivery.set_aside write_back", "1 delivery.dismissed write_back"]);
    assert!(home.spool.aside_steps(100).await.unwrap().0.is_empty(), "nothing waits");
}

/// Dismissed, or asked to be tried again, while the agent is at it: the person's word stands.
#[tokio::test]
async fn case_27_what_a_person_decides_while_a_record_is_tried_stands() {
    let (mut host, mut home, hub) = pair().await;
    send(&mut host, &hub, &[("ada", "/"), ("ben", "/")]).await;
    let mis = Mis::default();
    mis.refuse.lock().unwrap().extend(["home-ada".into(), "home-ben".into()]);
    home.receive(&hub, &mis).await.unwrap();
    home.wait(120);
    let due = home.spool.aside_due(home.now).await.unwrap();
    assert!(home.spool.dismiss_aside(1, home.now).await.unwrap());
    assert!(home.spool.retry_aside(2, home.now).await.unwrap());
    for due in &due {
        let aside = commonroll_agent::spool::feed::Aside {
            sequence: due.sequence,
            id: commonroll_core::RecordId([0; 16]),
            revision: 1,
            source: "northgate".to_owned(),
            code: "write_back",
            message: "the MIS has no such register".to_owned(),
            retry: None,
            batch: due.batch.clone(),
        };
        home.spool.aside_again(due, &aside, home.now).await.unwrap();
    }
    let left = home.spool.set_aside(10).await.unwrap();
    assert_eq!((left.len(), left[0].sequence), (1, 2), "what was given up does not come back");
    assert_eq!((left[0].tries, left[0].retry_us), (0, Some(0)), "what is to be tried again is due");
}

#[tokio::test]
async fn case_27_a_record_set_aside_does_not_come_after_its_own_correction() {
    let (mut host, mut home, hub) = pair().await;
    send(&mut host, &hub, &[("ada", "/")]).await;
    let mis = Mis::default();
    mis.refuse.lock().unwrap().push("home-ada".into());
    home.receive(&hub, &mis).await.unwrap();
    mis.refuse.lock().unwrap().clear();
    send(&mut host, &hub, &[("ada", "L")]).await;
    home.receive(&hub, &mis).await.unwrap();
    home.wait(120);
    let receiver = Receiver { hub: &hub, spool: &home.spool, write_back: &mis, rng: &Dice, now: home.now };
    receiver.retry_aside().await.unwrap();
    assert_eq!(mis.rows(), ["home-ada r2"]);
    assert!(home.spool.set_aside(10).await.unwrap().is_empty());
}

#[tokio::test]
async fn case_25_two_weeks_away_and_everything_arrives_in_order() {
    let (mut host, mut home, hub) = pair().await;
    send(&mut host, &hub, &borrowed(&many(300))).await;
    hub.with(|s| s.page = 70);
    home.now = Timestamp::from_micros("now", MORNING + 14 * 86_400_000_000).unwrap();
    let mis = Mis::default();
    let received = home.receive(&hub, &mis).await.unwrap();
    assert_eq!((received.written, received.cursor.sequence), (300, 300));
    assert_eq!(mis.file_names().len(), 5);
}

/// The newest copy of a record says what of it may lie here, and whom it is about.
#[tokio::test]
async fn a_copy_that_was_sent_again_and_set_aside_never_comes_after_a_newer_one() {
    let (mut host, mut home, hub) = pair().await;
    send(&mut host, &hub, &[("ada", "/")]).await;
    let mis = Mis::default();
    home.receive(&hub, &mis).await.unwrap();
    mis.refuse.lock().unwrap().push("old-ada".into());
    hub.with(|s| {
        for (place, learner) in [(2, "old-ada"), (3, "new-ada"), (4, "old-ada")] {
            let (mut batch, text) = s.log[0].clone();
            let record = &mut batch.records[0];
            (record.sequence, record.again) = (place, true);
            record.recipient_learner_local_id = learner.to_owned();
            s.log.push((batch, text));
        }
    });
    let last = hub.with(|s| s.log.pop().unwrap());
    let received = home.receive(&hub, &mis).await.unwrap();
    assert_eq!((received.written, received.aside), (1, 1));

    mis.refuse.lock().unwrap().clear();
    home.wait(120);
    let receiver = Receiver { hub: &hub, spool: &home.spool, write_back: &mis, rng: &Dice, now: home.now };
    assert_eq!(receiver.retry_aside().await.unwrap(), 1, "it is overtaken");
    assert_eq!(mis.rows(), ["home-ada r1", "new-ada r1"]);
    assert!(home.spool.set_aside(10).await.unwrap().is_empty());

    // One behind it, set aside likewise, is the newest when its turn comes.
    mis.refuse.lock().unwrap().push("old-ada".into());
    hub.with(|s| s.log.push(last));
    home.receive(&hub, &mis).await.unwrap();
    mis.refuse.lock().unwrap().clear();
    home.wait(120);
    let receiver = Receiver { hub: &hub, spool: &home.spool, write_back: &mis, rng: &Dice, now: home.now };
    assert_eq!(receiver.retry_aside().await.unwrap(), 1);
    assert!(mis.rows().contains(&"old-ada r1".to_owned()), "{:?}", mis.rows());
}
