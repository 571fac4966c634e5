//! Packs as people take them away: what a breach touched, for each controller its own part, and what an institution leaves with.

use crate::world::*;
use commonroll_audit::{
    ProofFile,
    approval::Approves,
    checkpoint::{Checkpoint, LogPublicKey},
};
use commonroll_core::{Purpose, Role};
use commonroll_exchange::{NotAllowed, withdrawal::Reason, *};
use commonroll_store::faults::{Call, Trouble, faulty};
use std::collections::BTreeMap;

type Files = BTreeMap<String, String>;

async fn files(mut pack: Pack) -> Files {
    let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    while let Some(piece) = pack.next().await {
        let piece = piece.unwrap();
        files.entry(piece.file).or_default().extend(piece.bytes);
    }
    files.into_iter().map(|(name, bytes)| (name, String::from_utf8(bytes).unwrap())).collect()
}

fn span(world: &World, before: i64, after: i64, drill: bool) -> BreachSpan {
    let now = world.now();
    BreachSpan { between: (now.plus_micros(-before), now.plus_micros(after)), known: now, drill }
}

/// Learners of kingsmead and ridgeway at northgate; both homes have what was sent, long before and lately.
async fn story(world: &mut World) {
    world.placed("kingsmead", "k-1", "northgate", "n-77", "1000000019").await;
    world.placed("ridgeway", "r-5", "northgate", "n-78", "1000000027").await;
    world.publish("northgate", vec![mark("northgate", "n-77", 8, 1), mark("northgate", "n-78", 8, 1)]).await;
    for home in ["kingsmead", "ridgeway"] {
        let (_, cursor) = world.feed(home, 0).await;
        world.acknowledge(home, cursor).await.unwrap();
    }
    world.pass(2 * DAY);
    world.publish("northgate", vec![mark("northgate", "n-77", 9, 1), mark("northgate", "n-78", 9, 1)]).await;
    world.publish("northgate", vec![mark("northgate", "n-77", 10, 1)]).await;
    let (_, cursor) = world.feed("kingsmead", 0).await;
    world.acknowledge("kingsmead", cursor).await.unwrap();
}

#[tokio::test]
async fn a_breach_pack_has_the_own_learners_and_nobody_elses() {
    let mut world = World::with("sqlite::memory:", with_officers()).await;
    story(&mut world).await;
    let (home, host) =
        (Actor::new(&world, "kingsmead", Role::Dpo), Actor::new(&world, "northgate", Role::Dpo));
    let mine = span(&world, DAY, DAY, false);
    let pack =
        world.exchange.breach_pack(host.acting(), mine, &BreachBy::default(), world.now()).await.unwrap();
    let host_files = files(pack).await;
    let disclosures = &host_files["northgate/disclosures.csv"];
    assert_eq!(disclosures.lines().count(), 4, "three in the span and a head line: {disclosures}");
    assert!(disclosures.contains("n-77") && disclosures.contains("to,reached,learner"), "{disclosures}");
    assert!(disclosures.contains("kingsmead") && disclosures.contains("presence"), "{disclosures}");
    let all = format!("{host_files:?}");
    assert!(!all.contains("k-1") && !all.contains("r-5"), "the homes' ids are in the homes' own parts alone");
    let index = &host_files["northgate/index.md"];
    assert!(index.contains("3 disclosures of 2 learners") && index.contains("BST"), "{index}");
    let form = &host_files["northgate/notification.md"];
    for needed in
        ["72 hours", "Article 33(3)", "Data protection officer", "Article 34", "Likely consequences"]
    {
        assert!(form.contains(needed), "{needed}: {form}");
    }
    assert!(form.contains("3 records and revisions that were sent: 3 of attendance."), "{form}");
    assert!(form.contains("in all 2 learners") && !form.contains("audit withdrawals"), "{form}");
    assert!(!all.contains("DRILL"));

    // Every disclosure is proved against the signed checkpoint that lies beside it.
    let key: LogPublicKey = host_files["northgate/log.key"].trim().parse().unwrap();
    let checkpoint = Checkpoint::open(&host_files["northgate/checkpoint.txt"], &key).unwrap();
    let proofs: Vec<_> = host_files.iter().filter(|(name, _)| name.contains("/proofs/")).collect();
    assert_eq!(proofs.len(), 3);
    for (_, proof) in proofs {
        let ProofFile::Inclusion(proof) = ProofFile::read(proof).unwrap() else {
            panic!("an inclusion proof")
        };
        assert_eq!(proof.verify(&key).unwrap().size, checkpoint.size);
    }

    // What came to the home's own system is no breach of the home's; if its agent's key is in other hands it is.
    let pack =
        world.exchange.breach_pack(home.acting(), mine, &BreachBy::default(), world.now()).await.unwrap();
    assert!(files(pack).await["kingsmead/index.md"].contains("0 disclosures"));
    let by = BreachBy { agent: Some(world.speaker("kingsmead").agent()), ..BreachBy::default() };
    let drill = span(&world, DAY, DAY, true);
    let pack = world.exchange.breach_pack(home.acting(), drill, &by, world.now()).await.unwrap();
    let home_files = files(pack).await;
    let index = &home_files["kingsmead/index.md"];
    assert!(
        index.contains("2 disclosures of 1 learners") && index.contains("1 records were handed out before"),
        "{index}"
    );
    assert!(home_files["kingsmead/learners.csv"].contains("k-1"));
    for (name, page) in home_files.iter().filter(|(name, _)| name.ends_with(".md")) {
        assert!(page.contains("DRILL"), "{name}");
    }
    let said = world.exchange.show(1, 1_000).await.unwrap();
    let entries: Vec<_> = said.iter().filter(|e| e["what"] == "breach.pack").collect();
    assert_eq!(entries.len(), 3);
    assert_eq!((&entries[0]["more"]["drill"], &entries[2]["more"]["drill"]), (&false.into(), &true.into()));
}

#[tokio::test]
async fn the_operator_tells_every_controller_and_sees_no_id() {
    let mut world = World::with("sqlite::memory:", with_officers()).await;
    story(&mut world).await;
    let span = span(&world, DAY, DAY, false);
    let pack = world
        .exchange
        .breach_pack_for_all("operator", span, &BreachBy::default(), world.now())
        .await
        .unwrap();
    let all = files(pack).await;
    assert!(all["index.md"].contains("| northgate | 3 | 2 |"), "{}", all["index.md"]);
    assert!(!all.keys().any(|name| name.ends_with(".csv")), "{:?}", all.keys());
    let text = format!("{all:?}");
    assert!(
        !text.contains("disclosures.csv") && !text.contains("learners.csv"),
        "no page names a file that is not there"
    );
    assert!(["k-1", "n-77", "r-5", "n-78"].iter().all(|id| !text.contains(id)));
}

#[tokio::test]
async fn packs_are_for_those_whom_the_rules_name() {
    let world = World::with("sqlite::memory:", with_officers()).await;
    let denied = |error: LawError| assert_eq!(error, LawError::NotAllowed(NotAllowed::Denied));
    for role in [Role::Head, Role::DataManager] {
        let who = Actor::new(&world, "kingsmead", role);
        let span = span(&world, DAY, DAY, false);
        denied(
            world
                .exchange
                .breach_pack(who.acting(), span, &BreachBy::default(), world.now())
                .await
                .unwrap_err(),
        );
    }
    let dpo = Actor::new(&world, "kingsmead", Role::Dpo);
    let empty = span(&world, 0, 0, false);
    let refused = world.exchange.breach_pack(dpo.acting(), empty, &BreachBy::default(), world.now()).await;
    assert!(matches!(refused, Err(LawError::Invalid(_))), "a span without an instant");
    // Only a head ends the membership, by a signature over exactly that.
    let manager = Actor::new(&world, "kingsmead", Role::DataManager);
    let hash = leaving_hash(&slug("kingsmead"));
    denied(
        world
            .exchange
            .end_membership(manager.acting(), manager.sign(Approves::Act, &hash), world.now())
            .await
            .unwrap_err(),
    );
    let head = Actor::new(&world, "kingsmead", Role::Head);
    let other = head.sign(Approves::Act, &leaving_hash(&slug("ridgeway")));
    let refused = world.exchange.end_membership(head.acting(), other, world.now()).await;
    assert!(matches!(refused, Err(LawError::Invalid(_))), "{refused:?}");
    let left = world
        .log()
        .await
        .iter()
        .any(|line| line.starts_with("institution.left") || line.starts_with("breach"));
    assert!(!left, "nothing was done");
}

#[tokio::test]
async fn an_institution_leaves_with_everything_of_its_own_and_nothing_flows_any_more() {
    let mut world = World::with("sqlite::memory:", with_officers()).await;
    story(&mut world).await;
    let manager = Actor::new(&world, "northgate", Role::DataManager);
    let pack = files(world.exchange.exit_pack(manager.acting(), world.now()).await.unwrap()).await;
    let lines = |name: &str| -> Vec<serde_json::Value> {
        pack[name].lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let records = lines("records.jsonl");
    assert_eq!((records.len(), lines("batches.jsonl").len()), (5, 3));
    assert!(records.iter().all(|r| r["groups"].as_array().unwrap().len() == 3 && r["learner"].is_string()));
    assert!(lines("declarations.jsonl").iter().any(|line| line["placement_of"] == "n-77"));
    assert!(pack.keys().any(|name| name.starts_with("agreements/vale-2026-v1-")), "{:?}", pack.keys());
    assert!(lines("log.jsonl").iter().any(|line| line["what"] == "exit.pack"));
    assert!(pack["partners.csv"].contains("kingsmead,attendance,3,0"), "{}", pack["partners.csv"]);
    assert!(pack["people.csv"].lines().count() > 3 && pack["agents.csv"].lines().count() == 2);
    assert!(!format!("{pack:?}").contains("k-1"), "a partner's ids are not its own");
    assert!(pack["index.md"].contains("your 5 records"), "{}", pack["index.md"]);

    let tutor = world.colleague("kingsmead", staff(Role::Tutor, None), 77).await;
    let ask = ReadAsk::about(id("k-1"), Purpose::Pastoral);
    let acting = Acting { speaker: &tutor, role: Role::Tutor };
    assert!(!world.exchange.read(acting, &ask, world.now()).await.unwrap().records.is_empty());
    let head = Actor::new(&world, "northgate", Role::Head);
    let signature = head.sign(Approves::Act, &leaving_hash(&slug("northgate")));
    let ended = world.exchange.end_membership(head.acting(), signature, world.now()).await.unwrap();
    assert_eq!((ended.placements, ended.access), (2, 4), "two placements, one agent and three people");
    assert!(world.exchange.speaker(world.speaker("northgate").agent()).is_err());
    assert!(world.exchange.person(head.made.id).is_err(), "the head, too");
    // What ridgeway had not fetched does not come any more; what was handed out is asked back.
    world.sweep().await;
    let (lines, notices, _) = world.told("ridgeway", 0).await;
    assert!(!lines.iter().any(|line| line.starts_with('+')), "{lines:?}");
    assert!(!notices.is_empty() && notices.iter().all(|n| n.reason != Reason::Erased), "{notices:?}");
    let read = world.exchange.read(acting, &ask, world.now()).await;
    assert!(read.map_or(true, |read| read.records.is_empty()), "no agreement shows it any more");
    let invited = world
        .exchange
        .invite(&slug("northgate"), std::time::Duration::from_secs(60), "operator", [9; 32], world.now())
        .await;
    assert_eq!(invited, Err(AdminError::Missing("institution")), "nobody comes back by an invitation");
    assert!(world.exchange.verify(|_| {}).await.is_ok());
    // The others go on.
    world.placed("kingsmead", "k-9", "ridgeway", "r-9", "1000000035").await;
    world.publish("ridgeway", vec![mark("ridgeway", "r-9", 9, 1)]).await;
    let (lines, _, _) = world.told("kingsmead", 0).await;
    assert!(lines.iter().any(|line| line.starts_with('+') && line.ends_with("as k-9")), "{lines:?}");
}

#[tokio::test]
async fn a_pack_ends_when_whoever_takes_it_may_not_act_any_more() {
    let mut world = World::with("sqlite::memory:", with_officers()).await;
    story(&mut world).await;
    let dpo = Actor::new(&world, "northgate", Role::Dpo);
    let mut leaving = world.exchange.exit_pack(dpo.acting(), world.now()).await.unwrap();
    let span = span(&world, DAY, DAY, false);
    let by = BreachBy::default();
    let mut breach = world.exchange.breach_pack(dpo.acting(), span, &by, world.now()).await.unwrap();
    assert!(leaving.next().await.unwrap().is_ok() && breach.next().await.unwrap().is_ok());
    world.exchange.revoke(Revoke::Person(dpo.made.id), "operator", world.now()).await.unwrap();
    for pack in [&mut leaving, &mut breach] {
        assert_eq!(pack.next().await, Some(Err(AskError::NotAllowed(NotAllowed::Unknown))));
    }
}

#[tokio::test]
async fn what_an_entry_says_must_go_is_in_no_pack_although_its_bytes_are_still_there() {
    let folder = tempfile::tempdir().unwrap();
    let store = crate::erasure::file_store(folder.path()).await;
    let fate = |call| if call == Call::Rewrite { Trouble::Away } else { Trouble::None };
    let mut world = World::with_store(faulty(store, Box::new(fate)), with_officers()).await;
    story(&mut world).await;
    let dpo = Actor::new(&world, "kingsmead", Role::Dpo);
    let (what, why) = (Erasing::Learner(id("k-1")), ErasureReason::ObjectionUpheld);
    let erased = world.exchange.erase(dpo.acting(), &what, why, (false, false), world.now()).await.unwrap();
    assert_eq!((erased.records, erased.done), (3, false), "the bytes can't go yet");
    let manager = Actor::new(&world, "northgate", Role::DataManager);
    let pack = files(world.exchange.exit_pack(manager.acting(), world.now()).await.unwrap()).await;
    let gone = pack["records.jsonl"].lines().filter(|line| line.contains("\"gone\":\"erased\"")).count();
    assert_eq!(gone, 3, "{}", pack["records.jsonl"]);
    assert!(!pack["records.jsonl"].contains("n-77"));
}
