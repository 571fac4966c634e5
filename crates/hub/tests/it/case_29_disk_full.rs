//! Case 29, the hub's half: the disk of the database is full. Nothing is taken, reading goes on, and it recovers alone.

use crate::{
    browser::{Browser, with_console},
    kit::TestHub,
};
use commonroll_core::Role;
use commonroll_exchange::Reserve;
use commonroll_store::faults::{Call, Trouble, faulty};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tonic::Code;

#[tokio::test]
async fn case_29_a_full_disk_answers_resource_exhausted_and_readiness_fails_until_there_is_room() {
    let full = Arc::new(AtomicBool::new(false));
    let switch = full.clone();
    let fate = move |call| match call == Call::Commit && switch.load(Ordering::Relaxed) {
        true => Trouble::Full,
        false => Trouble::None,
    };
    let store =
        commonroll_store::open("sqlite::memory:", &commonroll_store::Settings::default()).await.unwrap();
    let hub = TestHub::on(faulty(store, Box::new(fate))).await;
    let mut host = hub.agent("northgate").await;
    let batch = host.batch(&[host.mark("lesson-1")]);

    full.store(true, Ordering::Relaxed);
    let refused = host.publishing().await.unwrap().ask(batch.clone()).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert!(refused.message().contains("disk is full"), "{}", refused.message());
    assert_eq!(refused.metadata().get("retry-after-ms").unwrap(), "5000");
    assert_eq!(hub.local("/readyz").await.0, 503);
    assert_eq!(hub.local("/healthz").await.0, 200, "alive all the same");

    full.store(false, Ordering::Relaxed);
    let mut ready = 503;
    for _ in 0..38 {
        tokio::time::sleep(Duration::from_millis(50)).await;
        ready = hub.local("/readyz").await.0;
        if ready == 200 {
            break;
        }
    }
    assert_eq!(ready, 200, "it recovers by itself, and nobody has published");
    let answer = host.publishing().await.unwrap().ask(batch).await.unwrap();
    assert_eq!(answer.results.len(), 1, "the same batch is taken now");
}

/// What is held in reserve on a disk that never has more room.
#[derive(Debug)]
struct Held(AtomicBool);

impl Reserve for Held {
    fn give_back(&self) {
        self.0.store(false, Ordering::Relaxed);
    }

    fn take(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

#[tokio::test]
async fn case_29_on_a_full_disk_people_sign_in_and_read_and_the_operator_is_told_what_to_do() {
    let (reserve, full) = (Arc::new(Held(true.into())), Arc::new(AtomicBool::new(false)));
    let (held, switch) = (reserve.clone(), full.clone());
    let fate = move |call| {
        let has_room = call == Call::Read || !switch.load(Ordering::Relaxed) || !held.take();
        if has_room { Trouble::None } else { Trouble::Full }
    };
    let store =
        commonroll_store::open("sqlite::memory:", &commonroll_store::Settings::default()).await.unwrap();
    let hub = TestHub::on_with(faulty(store, Box::new(fate)), with_console).await;
    let manager = hub.first("northgate", Role::DataManager).await;
    let mut host = hub.agent("northgate").await;
    let batch = host.batch(&[host.mark("lesson-1")]);
    hub.exchange.hold(reserve);
    assert_eq!(hub.metric("commonroll_disk_full").await, 0.0);

    full.store(true, Ordering::Relaxed);
    let refused = host.publishing().await.unwrap().ask(batch).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    let page = Browser::of(&hub, &manager, Role::DataManager).await.get("/log").await;
    assert_eq!(page.status, 200, "{}", page.words());
    let (status, why) = hub.local("/readyz").await;
    assert_eq!(status, 503);
    assert!(why.contains("records are refused") && why.contains("free some space"), "{why}");
    assert_eq!(hub.metric("commonroll_disk_full").await, 1.0);
}
