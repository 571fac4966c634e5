//! A change of the law is in force on every stream when its call returns, and that doesn't take long however many learners
//! there are: 50,000 with COMMONROLL_LONG, some hundred otherwise.

use crate::{
    crowd::{crowd_sized, long, month},
    world::*,
};
use commonroll_audit::approval::Approves;
use commonroll_core::Role;
use commonroll_exchange::*;
use commonroll_policy::Texts;
use std::time::{Duration, Instant};

const REST: &str = "@id(\"no-marks-home\")\n@says(\"Attendance rests for now.\")\n\
    forbid (principal, action in [Action::\"publish\", Action::\"receive\"], resource is Attendance);\n";

/// Promised, for 50,000 learners.
const PROMISE: Duration = Duration::from_secs(1);
/// What a build gets that isn't optimised, on a machine that does other things as well: it has fewer learners.
const PATIENCE: Duration = Duration::from_secs(5);

/// Small pages, so that much still waits behind the first.
const PAGE: usize = 20;

struct Town {
    world: World,
    feeds: Vec<Feed>,
    /// Number of the last learner of kingsmead whose mark waits.
    last: usize,
    _folder: tempfile::TempDir,
}

/// Marks wait in the streams of both homes, which are open and have handed out their first page.
async fn town() -> Town {
    let learners = if long() { 50_000 } else { 500 };
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("hub.db").display());
    let sizes = Sizes { page_records: PAGE as u32, ..Sizes::default() };
    let mut world = crowd_sized(learners, open_store(&database).await, sizes).await;
    let records = learners.min(20_000);
    month(&mut world, learners, records).await;
    let feed = |home| world.exchange.receive(&world.speaker(home), 0).unwrap();
    let mut feeds = vec![feed("kingsmead"), feed("ridgeway"), feed("kingsmead")];
    for feed in &mut feeds {
        let page = tokio::time::timeout(Duration::from_secs(2), feed.next(&world.clock)).await;
        let page = page.expect("a page waits").unwrap();
        let handed: usize = page.batches.iter().map(|batch| batch.records.len()).sum();
        assert!((1..=PAGE).contains(&handed), "each stream flows, and has more than {handed} records");
    }
    Town { world, feeds, last: records - 2, _folder: folder }
}

impl Town {
    /// How many records the streams still hand out.
    async fn handed_out(&mut self) -> usize {
        let mut records = 0;
        for feed in &mut self.feeds {
            while let Ok(page) =
                tokio::time::timeout(Duration::from_millis(150), feed.next(&self.world.clock)).await
            {
                records += page.unwrap().batches.iter().map(|batch| batch.records.len()).sum::<usize>();
            }
        }
        records
    }
}

fn took(what: &str, begun: Instant) {
    let took = begun.elapsed();
    println!("{what} was in force on every stream after {took:?}");
    assert!(took <= if long() { PROMISE } else { PATIENCE }, "{what}: {took:?}");
}

#[tokio::test]
async fn an_agreement_that_ends_stops_every_stream_when_the_call_returns() {
    let mut town = town().await;
    let head = Actor::new(&town.world, "kingsmead", Role::Head);
    let now = town.world.now();
    let hash = town.world.exchange.agreements(head.acting(), now).unwrap()[0].signed.hash;
    let signature = head.sign(Approves::Act, &ending_hash(&hash, None));
    let begun = Instant::now();
    town.world.exchange.end_agreement(head.acting(), hash, (None, signature), now).await.unwrap();
    took("an agreement's end", begun);
    assert_eq!(town.handed_out().await, 0);
}

#[tokio::test]
async fn a_rule_that_narrows_stops_every_stream_when_the_call_returns() {
    let mut town = town().await;
    let manager = Actor::new(&town.world, "kingsmead", Role::DataManager);
    let (set, _) = town.world.exchange.policy_set(manager.acting()).unwrap();
    let texts = Texts::from_files(set.texts().iter().chain([("rest.cedar", REST)]));
    let (from, nonce) = (set.hash(), [1; 16]);
    let signature = manager.sign(Approves::Policy, &policy_change_hash(&from, &texts.hash(), &nonce));
    let proposal = PolicyProposal { texts, from, nonce, signature };
    let now = town.world.now();
    let proposed = town.world.exchange.propose_policy(manager.acting(), proposal, now).await.unwrap();
    let head = Actor::new(&town.world, "northgate", Role::Head);
    let signature = head.sign(Approves::Policy, &proposed.id);
    town.world.exchange.approve_policy(head.acting(), proposed.id, signature, now).await.unwrap();
    let begun = Instant::now();
    town.world.exchange.activate_policy(manager.acting(), proposed.id, now).await.unwrap();
    took("a policy's activation", begun);
    assert_eq!(town.handed_out().await, 0);
}

#[tokio::test]
async fn a_placement_that_ends_stops_its_records_when_the_call_returns() {
    let mut town = town().await;
    let since = town.world.now().plus_micros(-30 * DAY);
    let (guest, home) = (format!("g-{}", town.last), format!("h-{}", town.last));
    let ended = end(&guest, "kingsmead", since);
    let begun = Instant::now();
    assert_eq!(town.world.declare("northgate", ended).await, DeclareResult::Accepted);
    took("a placement's end", begun);
    let (mut of_it, mut of_others) = (0, vec![0; town.feeds.len()]);
    for (feed, others) in town.feeds.iter_mut().zip(&mut of_others) {
        while let Ok(page) =
            tokio::time::timeout(Duration::from_millis(150), feed.next(&town.world.clock)).await
        {
            let page = page.unwrap();
            for record in page.batches.iter().flat_map(|batch| &batch.records) {
                let counted = if record.recipient_learner == id(&home) { &mut of_it } else { &mut *others };
                *counted += 1;
            }
        }
    }
    assert_eq!(of_it, 0, "nothing more of the learner whose placement ended");
    assert!(of_others.iter().all(|count| *count > PAGE), "and everybody else's goes on: {of_others:?}");
}
