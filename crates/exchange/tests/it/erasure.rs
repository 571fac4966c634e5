//! Erasure as people meet it: the payload is gone everywhere here, the history still verifies, and nobody is overruled.

use crate::world::*;
use commonroll_audit::{Checkpoint, ConsistencyFile, CopyOutcome, checkpoint::LogPublicKey};
use commonroll_core::{
    Record, Role,
    directory::{Declaration, Registration},
};
use commonroll_exchange::{NotAllowed, *};
use commonroll_store::{
    Store,
    faults::{Call, Trouble, faulty},
};
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

/// How often bytes stand in the files of a database.
pub fn found(folder: &Path, bytes: &[u8]) -> usize {
    let files = std::fs::read_dir(folder).unwrap().map(|file| std::fs::read(file.unwrap().path()).unwrap());
    files.map(|file| file.windows(bytes.len()).filter(|part| *part == bytes).count()).sum()
}

pub async fn file_store(folder: &Path) -> Arc<dyn Store> {
    let url = format!("sqlite:{}", folder.join("hub.db").display());
    commonroll_store::open(&url, &commonroll_store::Settings::default()).await.unwrap()
}

/// Two learners of kingsmead at northgate. Of the first, two marks were delivered and one waits.
async fn story(world: &mut World) -> (Record, u64) {
    world.placed("kingsmead", "k-1", "northgate", "n-77", "1000000019").await;
    world.placed("kingsmead", "k-2", "northgate", "n-78", "1000000027").await;
    let canary = mark("northgate", "n-77", 9, 1);
    world.publish("northgate", vec![canary.clone(), mark("northgate", "n-78", 9, 1)]).await;
    world.publish("northgate", vec![mark("northgate", "n-77", 10, 1)]).await;
    let (_, cursor) = world.feed("kingsmead", 0).await;
    world.acknowledge("kingsmead", cursor).await.unwrap();
    world
        .publish("northgate", vec![mark("northgate", "n-77", 11, 1), mark("northgate", "n-78", 11, 1)])
        .await;
    (canary, cursor)
}

fn officer(world: &World) -> Actor {
    Actor::new(world, "kingsmead", Role::Dpo)
}

const ERASE: ErasureReason = ErasureReason::ObjectionUpheld;

#[tokio::test]
async fn an_erased_learner_is_gone_from_the_files_and_the_history_still_verifies() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::with_store(file_store(folder.path()).await, with_officers()).await;
    let (canary, cursor) = story(&mut world).await;
    let salt = salt_of(&canary, 2);
    assert!(found(folder.path(), &salt) > 0, "the salt lies beside its payload");
    let key: LogPublicKey = world.exchange.log_key().parse().unwrap();
    let (old, size) = (world.exchange.checkpoint(0).await.unwrap().0, world.exchange.stats().log_entries);
    let mut proof = None;
    for sequence in 1..=size {
        let shown = world.exchange.show(sequence, 1).await.unwrap();
        if shown[0]["record"] == canary.head.id.to_string() {
            proof = Some(world.exchange.prove(sequence).await.unwrap());
        }
    }

    let dpo = officer(&world);
    let what = Erasing::Learner(id("k-1"));
    let erased = world.exchange.erase(dpo.acting(), &what, ERASE, (true, false), world.now()).await.unwrap();
    assert_eq!((erased.records, erased.notices, erased.copies, erased.done), (3, 1, 2, true));
    assert_eq!(found(folder.path(), &salt), 0, "payload and salt are in no file of the database");
    assert_eq!(
        world.exchange.show(1, 1_000).await.unwrap().iter().filter(|e| e["what"] == "record.erased").count(),
        2,
        "one for the records, one for the learner's name"
    );
    let said = world.exchange.show(1, 1_000).await.unwrap();
    let entry = said.iter().find(|e| e["what"] == "record.erased").unwrap();
    assert_eq!(entry["more"]["reason"], "objection_upheld");
    assert_eq!((&entry["more"]["count"], &entry["more"]["role"]), (&3.into(), &"dpo".into()));
    assert!(said.iter().any(|e| e["what"] == "erasure.done"));

    let verified = world.exchange.verify(|_| {}).await.unwrap();
    assert_eq!((verified.records, verified.payloads, verified.erased, verified.going), (5, 2, 4, 0));
    proof.unwrap().verify(&key).unwrap();
    let (checkpoint, proof) = world.exchange.checkpoint(size).await.unwrap();
    let old = Checkpoint::open(&old, &key).unwrap();
    let newer = ConsistencyFile { old_size: size, proof, checkpoint }.verify(&old, &key).unwrap();
    assert!(old.size == size && newer.size > size, "the log of now extends the one before");

    // What waited is not delivered and not an error; the neighbour's mark is; the copies that went out are asked back.
    let (lines, notices, _) = world.told("kingsmead", cursor).await;
    assert_eq!(lines.iter().filter(|line| line.starts_with('+')).count(), 1, "{lines:?}");
    assert!(lines.iter().any(|line| line.ends_with("as k-2")), "{lines:?}");
    assert_eq!(notices.len(), 1);
    assert_eq!((notices[0].reason, notices[0].copies.len()), (withdrawal::Reason::Erased, 2));
    world.answer("kingsmead", &notices[0], CopyOutcome::Kept, "statutory_register").await.unwrap();
    let told = world.exchange.show(1, 1_000).await.unwrap();
    let withheld: Vec<_> = told.iter().filter(|e| e["what"] == "delivery.withheld").collect();
    assert!(withheld[0]["more"]["withheld"].to_string().contains("erased"), "{withheld:?}");

    // A repeat is still recognised, and the whole feed can be read again from its beginning.
    let again = world.publish("northgate", vec![canary]).await;
    assert!(matches!(again[0], RecordAnswer::Duplicate { .. }), "{again:?}");
    let (all, _, _) = world.told("kingsmead", 0).await;
    assert!(all.iter().filter(|line| line.starts_with('+')).all(|line| line.ends_with("as k-2")), "{all:?}");
    let twice = world.exchange.erase(dpo.acting(), &what, ERASE, (true, false), world.now()).await.unwrap();
    assert_eq!((twice.records, twice.notices), (0, 0), "there is nothing left to erase");
    world.sweep().await;
    assert!(world.exchange.verify(|_| {}).await.is_ok());
}

/// The guest n-77 is another child than k-1, and nobody has matched them since people took the match apart.
#[tokio::test]
async fn an_erasure_leaves_the_records_of_a_guest_who_was_wrongly_taken_for_the_learner() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::with_store(file_store(folder.path()).await, with_officers()).await;
    let (canary, _) = story(&mut world).await;
    let (manager, dpo) = (Actor::new(&world, "kingsmead", Role::DataManager), officer(&world));
    let k1 = id("k-1");
    let links = world
        .exchange
        .unmatched(manager.acting(), (Some(&k1), &UnmatchedPart::FIRST), world.now())
        .await
        .unwrap()
        .links;
    world.exchange.undo_match(manager.acting(), links.links[0].id, world.now()).await.unwrap();
    world.sweep().await;

    let saw = world.who_saw(&dpo.speaker, Role::Dpo, "k-1").await.unwrap();
    assert!(saw.iter().all(|one| one.record.is_none()), "no record is about k-1: {saw:?}");
    let what = Erasing::Learner(k1);
    let erased = world.exchange.erase(dpo.acting(), &what, ERASE, (true, false), world.now()).await.unwrap();
    assert_eq!((erased.records, erased.notices, erased.done), (0, 0, true), "{erased:?}");
    assert!(found(folder.path(), &salt_of(&canary, 2)) > 0, "the other child's mark is still there");
    assert_eq!(world.exchange.verify(|_| {}).await.unwrap().erased, 1, "the learner's name alone went");
}

#[tokio::test]
async fn one_record_goes_and_its_neighbours_in_the_same_block_stay() {
    let mut world = World::with("sqlite::memory:", with_officers()).await;
    let (canary, _) = story(&mut world).await;
    let dpo = officer(&world);
    let what = Erasing::Record(canary.head.id);
    let erased = world.exchange.erase(dpo.acting(), &what, ERASE, (false, false), world.now()).await.unwrap();
    assert_eq!((erased.records, erased.notices), (1, 0), "copies stay where they are");
    let (lines, _, _) = world.told("kingsmead", 0).await;
    assert_eq!(lines.len(), 4, "{lines:?}");
}

#[tokio::test]
async fn only_an_officer_of_the_home_erases_and_nobody_else_is_told_whether_there_is_such_a_learner() {
    let mut world = World::with("sqlite::memory:", with_officers()).await;
    let (canary, _) = story(&mut world).await;
    let ask = async |who: &Actor, what: Erasing| {
        world.exchange.erase(who.acting(), &what, ERASE, (true, false), world.now()).await.unwrap_err()
    };
    let denied = LawError::NotAllowed(NotAllowed::Denied);
    for (at, role) in [("kingsmead", Role::Head), ("kingsmead", Role::DataManager), ("ridgeway", Role::Head)]
    {
        let who = Actor::new(&world, at, role);
        assert_eq!(ask(&who, Erasing::Learner(id("k-1"))).await, denied, "{at} {role}");
    }
    // The host's officer is not of the home: its copy is its own system's, and the hub's is not its to take away.
    let host = Actor::new(&world, "northgate", Role::Dpo);
    assert_eq!(ask(&host, Erasing::Record(canary.head.id)).await, denied);
    let guest = ask(&host, Erasing::Learner(id("n-77"))).await;
    assert!(matches!(guest, LawError::State(said) if said.contains("your own system")), "{guest:?}");
    assert_eq!(
        ask(&host, Erasing::Learner(id("nobody"))).await,
        guest,
        "of its own ids alone, and one answer"
    );
    // The home's officer mistyped: what is wrong is the id, and not their role.
    assert_eq!(ask(&officer(&world), Erasing::Learner(id("k-11"))).await, guest);
    world.exchange.tick(world.now()).await;
    assert!(world.log().await.iter().any(|line| line.starts_with("act.refused")), "refusals are counted");
    assert!(!world.log().await.iter().any(|line| line.starts_with("record.erased")));
    assert_eq!(world.exchange.verify(|_| {}).await.unwrap().payloads, 5);
}

#[tokio::test]
async fn forgetting_takes_what_a_learner_is_matched_by_and_waits_for_placements_to_end() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::with_store(file_store(folder.path()).await, with_officers()).await;
    story(&mut world).await;
    let dpo = officer(&world);
    let forget = async |world: &World| {
        let what = Erasing::Learner(id("k-1"));
        world.exchange.erase(dpo.acting(), &what, ERASE, (true, true), world.now()).await
    };
    assert!(matches!(forget(&world).await, Err(LawError::State(_))), "partners are to teach them still");
    world.declare("kingsmead", end("k-1", "northgate", world.now())).await;
    let erased = forget(&world).await.unwrap();
    assert_eq!((erased.records, erased.directory, erased.done), (3, 1, true));
    let verified = world.exchange.verify(|_| {}).await.unwrap();
    assert_eq!(verified.erased, 4);
    // The rows of a start say the same.
    world.started_again(file_store(folder.path()).await).await;
    assert!(world.exchange.verify(|_| {}).await.is_ok());
    let overview = world.exchange.overview(&world.speaker("kingsmead"), world.now());
    assert_eq!(overview.home_learners, 2, "that there is somebody under this id stays");
}

/// Matches of the learner and of a twin with the same guest: what names the learner goes, and the twin's stays.
#[tokio::test]
async fn forgetting_takes_what_people_said_of_matches_and_leaves_what_they_said_of_others() {
    const PAIR: &[u8] = b"\"guest\":\"n-77\"";
    // What the guest bore, as keyed hashes, whom people took for the learner until they undid it.
    const BORE: &[u8] = b"\"undone\":true,\"numbers\":[\"";
    for twin in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let mut world = World::with_store(file_store(folder.path()).await, with_officers()).await;
        story(&mut world).await;
        let manager = |at| Actor::new(&world, at, Role::DataManager);
        let (home, host, dpo) = (manager("kingsmead"), manager("northgate"), officer(&world));
        let seen = async |world: &World, of: &Actor| {
            world
                .exchange
                .unmatched(of.acting(), (Some(&id("n-77")), &UnmatchedPart::FIRST), world.now())
                .await
                .unwrap()
        };
        let link = seen(&world, &host).await.links.links[0].id;
        world.exchange.undo_match(home.acting(), link, world.now()).await.unwrap();
        if twin {
            let Declaration::Learner(mut third) = learner("k-3", Registration::Home, "1000000019") else {
                unreachable!()
            };
            third.birth_date = Some(date("2009-05-10"));
            world.declare("kingsmead", Declaration::Learner(third)).await;
            world
                .exchange
                .ask_match(host.acting(), (&id("n-77"), &slug("kingsmead")), world.now())
                .await
                .unwrap();
            let question = seen(&world, &home).await.questions.remove(0);
            let answer = (link, question.stamp.as_str());
            world.exchange.answer_match(home.acting(), answer, Some(&id("k-3")), world.now()).await.unwrap();
        }
        world.declare("kingsmead", end("k-1", "northgate", world.now())).await;
        assert!(found(folder.path(), PAIR) > 0, "who was taken for whom is in the payloads");
        assert!(found(folder.path(), BORE) > 0, "and by which numbers");
        let what = Erasing::Learner(id("k-1"));
        let erased =
            world.exchange.erase(dpo.acting(), &what, ERASE, (true, true), world.now()).await.unwrap();
        assert!(erased.done, "{erased:?}");
        let log = world.exchange.show(1, 1_000).await.unwrap();
        assert_eq!(log.iter().filter(|entry| entry["what"] == "match.forgotten").count(), 1);
        assert!(world.exchange.verify(|_| {}).await.is_ok());
        world.started_again(file_store(folder.path()).await).await;
        let after = seen(&world, &host).await;
        if twin {
            let deeds: Vec<_> = after.links.links[0].history.iter().map(|step| step.deed).collect();
            assert_eq!(deeds, [MatchDeed::Asked, MatchDeed::Yes, MatchDeed::Forgotten]);
        } else {
            assert_eq!(found(folder.path(), PAIR), 0, "it is in no file of the database");
            assert_eq!(found(folder.path(), BORE), 0, "nor is a number of the guest's");
            // The home that the host names can be asked as ever; nothing is left of what was said.
            let homes: Vec<_> = after.guests.iter().flat_map(|guest| &guest.homes).collect();
            assert!(homes.iter().all(|home| home.fits.is_empty()), "nobody is offered: {homes:?}");
            assert!(homes.iter().all(|home| home.history.is_empty()), "{homes:?}");
        }
    }
}

/// Wherever the hub is killed between the entry and the last byte, it goes on by itself.
#[tokio::test]
async fn an_erasure_that_was_cut_off_is_finished_by_the_next_start() {
    for allowed in 0..4usize {
        let folder = tempfile::tempdir().unwrap();
        let (left, erasing) = (Arc::new(AtomicUsize::new(usize::MAX)), file_store(folder.path()).await);
        let fuse = left.clone();
        let fate = move |call| {
            let gone = call == Call::Rewrite
                && fuse.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1)).is_err();
            if gone { Trouble::Away } else { Trouble::None }
        };
        let mut world = World::with_store(faulty(erasing, Box::new(fate)), with_officers()).await;
        let (canary, cursor) = story(&mut world).await;
        left.store(allowed, Ordering::Relaxed);
        let (dpo, what) = (officer(&world), Erasing::Learner(id("k-1")));
        let erased =
            world.exchange.erase(dpo.acting(), &what, ERASE, (true, false), world.now()).await.unwrap();
        assert!(!erased.done, "cut off after {allowed} writes");
        // The entry counts: nothing of it leaves although its bytes are still there.
        let (lines, _, _) = world.told("kingsmead", cursor).await;
        assert!(!lines.iter().any(|line| line.starts_with('+') && line.ends_with("as k-1")), "{lines:?}");
        let verified = world.exchange.verify(|_| {}).await.unwrap();
        assert_eq!(verified.erased + verified.going, 4, "three records and a name; half-way is no fault");

        world.started_again(file_store(folder.path()).await).await;
        let (lines, _, _) = world.told("kingsmead", cursor).await;
        assert!(!lines.iter().any(|line| line.starts_with('+') && line.ends_with("as k-1")), "{lines:?}");
        world.exchange.tick(world.now()).await;
        let verified = world.exchange.verify(|_| {}).await.unwrap();
        assert_eq!((verified.erased, verified.going), (4, 0));
        assert!(world.log().await.iter().any(|line| line.starts_with("erasure.done")));
        assert_eq!(found(folder.path(), &salt_of(&canary, 2)), 0, "cut off after {allowed} writes");
    }
}

#[tokio::test]
async fn a_payload_that_vanished_without_an_entry_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let store = file_store(folder.path()).await;
    let mut world = World::with_store(store.clone(), with_officers()).await;
    let (canary, _) = story(&mut world).await;
    let (dpo, what) = (officer(&world), Erasing::Record(canary.head.id));
    world.exchange.erase(dpo.acting(), &what, ERASE, (false, false), world.now()).await.unwrap();
    assert!(world.exchange.verify(|_| {}).await.is_ok(), "what an entry speaks of is no fault");
    // Somebody with the database cuts the last payload of a block off, and leaves its length in order.
    let blocks = store.blocks(0, 1_000, true).await.unwrap();
    let last = blocks.iter().rev().find(|block| block.n == 2 && block.payloads.as_ref().unwrap().len() > 400);
    let block = last.unwrap();
    let before = block.payloads.clone().unwrap();
    let mut at = payloads_begin(&before);
    let mut begun = at;
    while at < before.len() {
        begun = at;
        at += 4 + u32::from_be_bytes(before[at..at + 4].try_into().unwrap()) as usize;
    }
    let after = [&before[..begun], &[0; 4]].concat();
    assert!(store.rewrite(block.first_seq, &before, &after).await.unwrap());
    let sequence = block.first_seq + 2;
    assert_eq!(world.exchange.verify(|_| {}).await, Err(VerifyError::Vanished { sequence }));
}

/// Where the payloads begin behind the seals of a block.
fn payloads_begin(bytes: &[u8]) -> usize {
    let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    (0..number(0)).fold(4, |at, _| at + 86 + 32 * number(at + 82))
}

/// What one node erases, no other delivers, and two that erase in the same block lose nothing of each other's work.
#[tokio::test]
async fn two_nodes_over_one_database_agree_on_what_is_erased() {
    let postgres = commonroll_store::testkit::Postgres::shared().unwrap().database().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    for url in [format!("sqlite:{}", folder.path().join("hub.db").display()), postgres] {
        let open =
            async || commonroll_store::open(&url, &commonroll_store::Settings::default()).await.unwrap();
        let mut world = World::with_store(open().await, with_officers()).await;
        let (canary, cursor) = story(&mut world).await;
        let dpo = officer(&world);
        let twin = Exchange::open_on(open().await, Sizes::default(), options(""), world.now()).await.unwrap();
        let first = std::mem::replace(&mut world.exchange, twin);
        let second = &world.exchange;
        let (one, two) = (Erasing::Record(canary.head.id), Erasing::Learner(id("k-2")));
        let (one, two) = tokio::join!(
            first.erase(dpo.acting(), &one, ERASE, (false, false), world.now()),
            second.erase(dpo.acting(), &two, ERASE, (false, false), world.now()),
        );
        assert_eq!((one.unwrap().records, two.unwrap().records), (1, 2));
        first.tick(world.now()).await;
        world.exchange.tick(world.now()).await;
        let verified = first.verify(|_| {}).await.unwrap();
        assert_eq!(
            (verified.erased, verified.going, verified.payloads),
            (4, 0, 2),
            "three records and a name"
        );
        let (lines, _, _) = world.told("kingsmead", cursor).await;
        assert_eq!(lines.len(), 1, "of three that waited or were new, the other learner's one: {lines:?}");
        assert!(lines[0].ends_with("as k-1"), "{lines:?}");
    }
}

/// The learner moves on to ridgeway; what flowed before is between those who made and received it then.
#[tokio::test]
async fn a_new_home_neither_erases_nor_sees_what_an_earlier_controller_has() {
    let mut world = World::with("sqlite::memory:", with_officers()).await;
    story(&mut world).await;
    world.declare("kingsmead", learner("k-1", Registration::Previous, "1000000019")).await;
    world.declare("ridgeway", learner("r-1", Registration::Home, "1000000019")).await;
    let dpo = world.office("ridgeway", Role::Dpo, 72).await;
    let (acting, what) = (Acting { speaker: &dpo, role: Role::Dpo }, Erasing::Learner(id("r-1")));
    let erased = world.exchange.erase(acting, &what, ERASE, (true, false), world.now()).await.unwrap();
    assert_eq!((erased.records, erased.notices, erased.others), (0, 0, 3), "{erased:?}");
    assert_eq!(world.exchange.verify(|_| {}).await.unwrap().payloads, 5, "nothing went");
    let saw = world.who_saw(&dpo, Role::Dpo, "r-1").await.unwrap();
    assert_eq!(saw, [], "who was sent what in those days is not the new home's to know");
}
