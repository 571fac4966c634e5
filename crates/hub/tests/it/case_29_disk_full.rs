//! Case 29, the hub's half: the disk of the database is full. Nothing is taken, reading goes on, and it recovers alone.

use crate::kit::TestHub;
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
