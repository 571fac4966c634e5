//! Need ends, copies end: who is asked to remove what, who gets it again, and what is said about it.

use crate::world::*;
use commonroll_audit::{Approves, CopyOutcome, sign_approval};
use commonroll_core::{
    Role,
    directory::{Declaration, Registration},
};
use commonroll_exchange::{withdrawal::*, *};

const ULN: &str = "1000000019";
const OTHER: &str = "1000000027";

async fn placed() -> World {
    let world = World::new().await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", ULN).await;
    world
}

/// Accepts a batch of marks at these hours and gives their places in the log.
async fn marks(world: &mut World, hours: &[i64]) -> Vec<u64> {
    let records = hours.iter().map(|hour| mark("northgate", "n-77", *hour, 1)).collect();
    let taken = world.publish("northgate", records).await;
    taken.iter().map(|answer| sequence(*answer)).collect()
}

fn sequence(answer: RecordAnswer) -> u64 {
    let RecordAnswer::Accepted { sequence } = answer else { unreachable!("{answer:?}") };
    sequence
}

fn agreed(change: impl FnOnce(String) -> String, version: u32) -> ConsortiumFile {
    let text = CONSORTIUM.replace("version = 1", &format!("version = {version}"));
    ConsortiumFile::parse(&change(text)).unwrap().signed_by(&PEOPLE)
}

/// As [`placed`], and the heads who sign are still there.
async fn placed_with_heads() -> World {
    let world = World::with("sqlite::memory:", consortium()).await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", ULN).await;
    world
}

#[tokio::test]
async fn case_15_copies_that_were_delivered_before_an_end_are_recalled() {
    let mut world = placed().await;
    let of = marks(&mut world, &[9, 11]).await;
    let (lines, _, cursor) = world.told("kingsmead", 0).await;
    assert_eq!(lines, [format!("+{} as k-1", of[0]), format!("+{} as k-1", of[1])]);
    world.acknowledge("kingsmead", cursor).await.unwrap();

    // The host ends the placement from ten o'clock: the mark of eleven was never theirs to have.
    let ten = world.now().plus_micros(2 * 3_600_000_000);
    world.declare("northgate", end("n-77", "kingsmead", ten)).await;
    world.sweep().await;
    let (lines, notices, after) = world.told("kingsmead", cursor).await;
    assert_eq!(lines, [format!("-placement_ended {}", of[1])]);
    let copy = &notices[0].copies[0];
    assert_eq!((copy.source.as_str(), copy.revision), ("northgate", 1));
    assert_eq!(copy.recipient_learner.as_ref().unwrap().as_str(), "k-1");
    assert!(world.told("kingsmead", after).await.0.is_empty(), "told once");
    world.sweep().await;
    assert!(world.told("kingsmead", after).await.0.is_empty(), "and never again");
    assert_eq!(world.told("ridgeway", 0).await.0, [""; 0], "nobody else is told anything");

    let log = world.log().await;
    assert_eq!(log.iter().filter(|line| *line == "notice.issued by hub").count(), 1);
    assert!(world.exchange.verify(|_| {}).await.is_ok());
}

#[tokio::test]
async fn case_15_what_was_never_handed_out_is_withheld_and_not_recalled() {
    let mut world = placed().await;
    marks(&mut world, &[9]).await;
    world.declare("northgate", end("n-77", "kingsmead", world.now())).await;
    world.sweep().await;
    assert_eq!(world.told("kingsmead", 0).await.0, [""; 0], "that there was a mark is not told");
    world.sweep().await;
    assert!(world.exchange.withdrawals().is_empty());
}

#[tokio::test]
async fn case_15_an_agreement_that_lapses_at_midnight_recalls_what_flowed_under_it() {
    let mut world = placed_with_heads().await;
    let of = marks(&mut world, &[9]).await;
    let (_, _, cursor) = world.told("kingsmead", 0).await;
    world.sweep().await;
    assert!(world.exchange.withdrawals().is_empty());
    // 31 July 2027, a quarter to midnight in London, and half an hour later.
    world.pass(320 * DAY + 14 * 3_600_000_000 + 45 * 60_000_000);
    world.sweep().await;
    assert!(world.exchange.withdrawals().is_empty(), "its last day is a day of it");
    world.pass(1_800_000_000);
    world.sweep().await;
    let (lines, notices, after) = world.told("kingsmead", cursor).await;
    assert_eq!(lines, [format!("-agreement_ended {}", of[0])]);
    world.answer("kingsmead", &notices[0], CopyOutcome::Removed, "").await.unwrap();

    // Renewed: what was recalled comes again, once.
    let renewed = agreed(|text| text.replace("2027-07-31", "2028-07-31"), 2);
    world.exchange.import(&renewed, "operator", world.now()).await.unwrap();
    world.sweep().await;
    let (lines, _, after) = world.told("kingsmead", after).await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].starts_with('=') && lines[0].ends_with("as k-1"), "{lines:?}");
    world.sweep().await;
    assert!(world.told("kingsmead", after).await.0.is_empty(), "and only once");
}

#[tokio::test]
async fn a_placement_that_is_opened_again_sends_what_was_recalled_and_what_was_withheld_once() {
    let mut world = placed().await;
    let early = marks(&mut world, &[9]).await;
    let (_, _, cursor) = world.told("kingsmead", 0).await;
    let late = marks(&mut world, &[11]).await;
    let eight = world.now();
    world.declare("northgate", end("n-77", "kingsmead", eight)).await;
    world.sweep().await;
    // The second mark is withheld when it would leave; the first is recalled.
    let (lines, _, after) = world.told("kingsmead", cursor).await;
    assert_eq!(lines, [format!("-placement_ended {}", early[0])]);
    let accepted = world.declare("northgate", acceptance("n-77", "kingsmead")).await;
    assert_eq!(accepted, DeclareResult::Accepted);
    world.sweep().await;
    let (lines, _, after) = world.told("kingsmead", after).await;
    assert_eq!(lines.len(), 2, "{lines:?} of {early:?} and {late:?}");
    assert!(lines.iter().all(|line| line.starts_with('=')), "{lines:?}");
    world.sweep().await;
    assert!(world.told("kingsmead", after).await.0.is_empty());

    // And recalled once more, when it ends once more.
    world.declare("northgate", end("n-77", "kingsmead", eight)).await;
    world.sweep().await;
    let (lines, ..) = world.told("kingsmead", after).await;
    assert_eq!(lines, [format!("-placement_ended {},{}", early[0], late[0])]);
    assert!(world.exchange.verify(|_| {}).await.is_ok());
}

#[tokio::test]
async fn an_agreement_that_lists_less_replaces_wider_copies_by_narrower_ones() {
    let mut world = placed_with_heads().await;
    let of = marks(&mut world, &[9]).await;
    let (_, _, cursor) = world.told("kingsmead", 0).await;
    let all = "attendance = [\"presence\", \"source_code\", \"note\"]";
    let less = agreed(|text| text.replace(all, "attendance = [\"source_code\"]"), 2);
    world.exchange.import(&less, "operator", world.now()).await.unwrap();
    world.sweep().await;
    let mut feed = world.exchange.receive(&world.speaker("kingsmead"), cursor).unwrap();
    let page = feed.next(&world.clock).await.unwrap();
    assert_eq!(page.notices[0].reason, Reason::FieldsNarrowed);
    assert_eq!(page.notices[0].copies[0].sequence, of[0]);
    let page = feed.next(&world.clock).await.unwrap();
    let groups = &page.batches[0].records[0].groups;
    assert!(page.batches[0].records[0].again);
    assert!(matches!(groups[1].state, GroupState::Withheld(_)), "presence is not agreed any more");

    // Agreed again, and the wider copy takes its place.
    world.exchange.import(&agreed(|text| text, 3), "operator", world.now()).await.unwrap();
    world.sweep().await;
    let page = feed.next(&world.clock).await.unwrap();
    assert!(matches!(page.batches[0].records[0].groups[1].state, GroupState::Open { .. }));
}

#[tokio::test]
async fn case_20_undoing_a_match_withdraws_from_the_wrong_home_and_delivers_to_the_right_one() {
    let mut world = World::new().await;
    world.declare("kingsmead", learner("k-1", Registration::Home, ULN)).await;
    let mut twin = learner("r-1", Registration::Home, OTHER);
    if let Declaration::Learner(twin) = &mut twin {
        twin.forename = commonroll_core::record::Text::parse("forename", "Isabel", 100).unwrap();
    }
    world.declare("ridgeway", twin.clone()).await;
    // The host typed the wrong number, and both homes have placed a learner with it.
    world.declare("northgate", learner("n-77", Registration::Guest, ULN)).await;
    for (home, local) in [("kingsmead", "k-1"), ("ridgeway", "r-1")] {
        world.declare(home, placement(local, "northgate")).await;
        world.declare("northgate", acceptance("n-77", home)).await;
    }
    let of = marks(&mut world, &[9]).await;
    let (lines, _, cursor) = world.told("kingsmead", 0).await;
    assert_eq!(lines, [format!("+{} as k-1", of[0])]);

    let mut right = twin;
    if let Declaration::Learner(right) = &mut right {
        (right.local_id, right.registration) = (id("n-77"), Registration::Guest);
    }
    assert_eq!(world.declare("northgate", right).await, DeclareResult::Accepted);
    world.sweep().await;
    assert_eq!(world.told("kingsmead", cursor).await.0, [format!("-match_undone {}", of[0])]);
    let (lines, _, after) = world.told("ridgeway", 0).await;
    assert!(lines.len() == 1 && lines[0].ends_with("as r-1"), "{lines:?}");
    world.sweep().await;
    assert!(world.told("ridgeway", after).await.0.is_empty());
    // Whoever asks who saw the right learner finds it, although the log names it by the number that it was published under;
    // what the wrong home was sent is not the right one's to know.
    let dpo = world.office("ridgeway", commonroll_core::Role::Dpo, 72).await;
    let saw = world.who_saw(&dpo, commonroll_core::Role::Dpo, "r-1").await.unwrap();
    let readers: Vec<_> = saw.iter().map(|one| &one.reader).collect();
    assert_eq!(readers, [&Reader::Institution(slug("ridgeway"))], "{saw:?}");

    // A correction still counts as one: it is the match that changed, not whom the host's record is about.
    let corrected = world.publish("northgate", vec![mark("northgate", "n-77", 9, 2)]).await;
    assert!(matches!(corrected[0], RecordAnswer::Accepted { .. }), "{corrected:?}");
    assert_eq!(world.told("ridgeway", after).await.0.len(), 1);
    // And an erasure takes both revisions, of which the first went to somebody else at first.
    let (acting, what) =
        (Acting { speaker: &dpo, role: commonroll_core::Role::Dpo }, Erasing::Learner(id("r-1")));
    let erased = world.exchange.erase(acting, &what, ErasureReason::Wrong, (true, false), world.now()).await;
    let erased = erased.unwrap();
    assert_eq!((erased.records, erased.others), (2, 0));
    assert_eq!(world.exchange.verify(|_| {}).await.unwrap().payloads, 0);
}

#[tokio::test]
async fn a_home_that_lets_a_learner_go_is_asked_to_remove_what_it_was_handed() {
    let mut world = placed().await;
    let of = marks(&mut world, &[9]).await;
    let (_, _, cursor) = world.told("kingsmead", 0).await;
    world.declare("kingsmead", learner("k-1", Registration::Previous, ULN)).await;
    world.sweep().await;
    let (lines, notices, _) = world.told("kingsmead", cursor).await;
    assert_eq!(lines, [format!("-home_changed {}", of[0])]);
    assert_eq!(
        notices[0].copies[0].recipient_learner.as_ref().unwrap().as_str(),
        "k-1",
        "by its own id still"
    );
}

#[tokio::test]
async fn case_28_a_source_that_takes_a_record_back_is_told_what_became_of_the_copy() {
    let mut world = placed().await;
    let of = marks(&mut world, &[9]).await;
    let (_, _, cursor) = world.told("kingsmead", 0).await;
    let taken = world.publish("northgate", vec![withdrawn(mark("northgate", "n-77", 9, 1), 2)]).await;
    let (lines, notices, _) = world.told("kingsmead", cursor).await;
    let expected = [format!("+{} as k-1", sequence(taken[0])), format!("-record_withdrawn {}", of[0])];
    assert_eq!(lines, expected);
    world.answer("kingsmead", &notices[0], CopyOutcome::Removed, "").await.unwrap();
    world.sweep().await;
    assert!(world.exchange.withdrawals()[0].answered.is_some());
}

#[tokio::test]
async fn case_19_a_confidential_correction_recalls_the_copy_and_reveals_nothing() {
    let mut world = placed().await;
    world.placed("ridgeway", "r-1", "northgate", "n-5", OTHER).await;
    let of = marks(&mut world, &[9]).await;
    world.publish("northgate", vec![mark("northgate", "n-5", 9, 1)]).await;
    let (_, _, cursor) = world.told("kingsmead", 0).await;
    let secret = |guest| {
        let mut record = mark("northgate", guest, 9, 2);
        record.head.confidential = true;
        record
    };
    let refused = world.publish("northgate", vec![secret("n-77"), secret("n-5")]).await;
    assert!(refused.iter().all(|r| matches!(r, RecordAnswer::Rejected { code: "confidential", .. })));
    // Nothing of it leaves from here on, and who holds nothing is told nothing.
    assert!(world.told("ridgeway", 0).await.0.is_empty());
    world.sweep().await;
    assert!(world.told("ridgeway", 0).await.0.is_empty());
    let (lines, ..) = world.told("kingsmead", cursor).await;
    assert_eq!(lines, [format!("-source_marked_confidential {}", of[0])]);
    assert!(
        world.told("kingsmead", 0).await.0.iter().all(|line| line.starts_with('-')),
        "not from the start either"
    );

    // No longer confidential: the next correction flows.
    let taken = world.publish("northgate", vec![mark("northgate", "n-77", 9, 3)]).await;
    assert!(matches!(taken[0], RecordAnswer::Accepted { .. }), "{taken:?}");
    assert_eq!(world.told("kingsmead", cursor).await.0.len(), 2);
}

#[tokio::test]
async fn an_answer_holds_once_for_its_own_notice_and_is_counted() {
    let mut world = placed().await;
    marks(&mut world, &[9, 10, 11]).await;
    let (_, _, cursor) = world.told("kingsmead", 0).await;
    world.declare("northgate", end("n-77", "kingsmead", world.now())).await;
    world.sweep().await;
    let (_, notices, _) = world.told("kingsmead", cursor).await;
    let notice = &notices[0];
    let stats = |world: &World| {
        let all = world.exchange.stats().institutions;
        all.into_iter().find(|i| i.slug == "kingsmead").unwrap().withdrawals_unanswered
    };
    assert_eq!(stats(&world), 1);

    let theirs = world.answer("ridgeway", notice, CopyOutcome::Removed, "").await;
    assert_eq!(theirs, Err(AnswerError::NotAllowed(NotAllowed::Denied)));
    let mut short = notice.clone();
    short.copies.pop();
    let partial = world.answer("kingsmead", &short, CopyOutcome::Removed, "").await;
    assert!(matches!(partial, Err(AnswerError::Invalid(_))), "every copy, in order");
    let mut elsewhere = notice.clone();
    elsewhere.sequence += 1;
    assert!(world.answer("kingsmead", &elsewhere, CopyOutcome::Removed, "").await.is_err());
    assert_eq!(stats(&world), 1);

    let taken = world.answer("kingsmead", notice, CopyOutcome::Kept, "statutory_register").await.unwrap();
    world.pass(DAY);
    let again = world.answer("kingsmead", notice, CopyOutcome::Removed, "").await.unwrap();
    assert_eq!(again, taken, "the first answer stands");
    let held = world.exchange.withdrawals().remove(0);
    let answered = held.answered.unwrap();
    assert_eq!((held.copies, answered.kept, answered.removed), (3, 3, 0));
    assert_eq!(stats(&world), 0);
    let shown = world.exchange.show(1, 1000).await.unwrap();
    let entry = shown.iter().find(|e| e["what"] == "notice.answered").unwrap();
    assert_eq!(entry["by"], "kingsmead");
    assert_eq!(entry["more"]["outcomes"][0][2], "statutory_register");
}

#[tokio::test]
async fn a_revision_about_another_learner_is_refused() {
    let mut world = placed().await;
    world.placed("kingsmead", "k-2", "northgate", "n-5", OTHER).await;
    marks(&mut world, &[9]).await;
    let mut moved = mark("northgate", "n-5", 9, 2);
    moved.head.id = mark("northgate", "n-77", 9, 1).head.id;
    for _ in 0..2 {
        let refused = world.publish("northgate", vec![moved.clone()]).await;
        assert!(matches!(refused[0], RecordAnswer::Rejected { code: "learner_changed", .. }), "{refused:?}");
    }
    // In one batch, too, and the correction of a record that came in the same moment is none of that.
    let mut first = mark("northgate", "n-77", 10, 1);
    let second = mark("northgate", "n-77", 10, 2);
    let mut third = mark("northgate", "n-5", 10, 3);
    third.head.id = first.head.id;
    first.head.confidential = false;
    let taken = world.publish("northgate", vec![first, second, third]).await;
    assert!(matches!(taken[1], RecordAnswer::Accepted { .. }), "{taken:?}");
    assert!(matches!(taken[2], RecordAnswer::Rejected { code: "learner_changed", .. }), "{taken:?}");
}

#[tokio::test]
async fn a_hub_that_dies_in_the_middle_of_a_sweep_goes_on_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("hub.db").display());
    let mut world = World::at(&database).await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", ULN).await;
    let of = marks(&mut world, &[9, 10]).await;
    let (_, _, cursor) = world.told("kingsmead", 0).await;
    world.acknowledge("kingsmead", cursor).await.unwrap();
    world.declare("northgate", end("n-77", "kingsmead", world.now())).await;
    // One step: the log is read, and nothing is done yet.
    world.exchange.tick(world.now()).await;
    world.exchange = Exchange::open(options(&database), world.now()).await.unwrap();
    world.sweep().await;
    let (lines, _, after) = world.told("kingsmead", cursor).await;
    assert_eq!(lines, [format!("-placement_ended {},{}", of[0], of[1])]);
    world.acknowledge("kingsmead", after).await.unwrap();

    // A start after it was done does nothing twice, and still knows who has not answered.
    world.exchange = Exchange::open(options(&database), world.now()).await.unwrap();
    world.sweep().await;
    assert!(world.told("kingsmead", after).await.0.is_empty());
    assert_eq!(world.exchange.withdrawals().len(), 1);

    // A receipt that comes only now shows a copy that the hub could not know of.
    world.declare("northgate", acceptance("n-77", "kingsmead")).await;
    world.sweep().await;
    let (lines, _, after) = world.told("kingsmead", after).await;
    assert_eq!(lines.len(), 2);
    world.exchange = Exchange::open(options(&database), world.now()).await.unwrap();
    world.declare("northgate", end("n-77", "kingsmead", world.now())).await;
    world.sweep().await;
    assert_eq!(world.exchange.withdrawals().len(), 1, "nobody is known to hold it");
    world.acknowledge("kingsmead", after).await.unwrap();
    world.sweep().await;
    assert_eq!(world.exchange.withdrawals().len(), 2, "the receipt says so");
}

#[tokio::test]
async fn two_nodes_make_one_notice() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("hub.db").display());
    let mut world = World::at(&database).await;
    let other = Exchange::open(options(&database), world.now()).await.unwrap();
    world.placed("kingsmead", "k-1", "northgate", "n-77", ULN).await;
    marks(&mut world, &[9, 10, 11]).await;
    let (_, _, cursor) = world.told("kingsmead", 0).await;
    world.acknowledge("kingsmead", cursor).await.unwrap();
    let ended = vec![Ok(end("n-77", "kingsmead", world.now()))];
    other.declare(&world.speaker("northgate"), ended, world.now()).await.unwrap();
    for _ in 0..12 {
        let now = world.now();
        tokio::join!(other.tick(now), world.exchange.tick(now));
        world.exchange.follow(std::time::Duration::ZERO).await.unwrap();
        other.follow(std::time::Duration::ZERO).await.unwrap();
    }
    assert_eq!(world.exchange.withdrawals(), other.withdrawals());
    assert_eq!(other.withdrawals().len(), 1);
    let (lines, ..) = world.told("kingsmead", cursor).await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(world.exchange.verify(|_| {}).await.is_ok());
}

#[tokio::test]
async fn notices_stand_in_order_between_records_from_memory_and_from_disk() {
    let mut world = placed().await;
    world.placed("kingsmead", "k-2", "northgate", "n-5", OTHER).await;
    let mut feed = world.exchange.receive(&world.speaker("kingsmead"), 0).unwrap();
    let mut open = Vec::new();
    let mut next = async |world: &World, open: &mut Vec<String>| {
        let page = feed.next(&world.clock).await.unwrap();
        open.extend(page.batches.iter().flat_map(|b| &b.records).map(|r| format!("+{}", r.sequence)));
        open.extend(page.notices.iter().map(|n| format!("-{}", n.sequence)));
    };
    world.publish("northgate", vec![mark("northgate", "n-5", 9, 1), mark("northgate", "n-77", 9, 1)]).await;
    next(&world, &mut open).await;
    world.declare("northgate", end("n-77", "kingsmead", world.now())).await;
    world.sweep().await;
    world.publish("northgate", vec![mark("northgate", "n-5", 10, 1)]).await;
    next(&world, &mut open).await;
    next(&world, &mut open).await;
    // Read again from the beginning: what is still allowed, and the notice in its place.
    let (lines, ..) = world.told("kingsmead", 0).await;
    let signs: String = lines.iter().map(|line| &line[..1]).collect();
    assert_eq!(signs, "+-+", "{lines:?}");
    assert_eq!(open.iter().map(|line| &line[..1]).collect::<String>(), "++-+", "{open:?}");
}

/// Signs a text for every party, as their heads do.
async fn sign(world: &World, text: &str) {
    let manager = made("kingsmead", Role::DataManager);
    let speaker = world.exchange.person(manager.id).unwrap();
    let acting = Acting { speaker: &speaker, role: Role::DataManager };
    let hash = world.exchange.propose_agreement(acting, text, world.now()).await.unwrap();
    for partner in PARTNERS {
        let head = made(partner, Role::Head);
        let speaker = world.exchange.person(head.id).unwrap();
        let signature = sign_approval(&head.key, Approves::Agreement, &head.id.0, &hash);
        let acting = Acting { speaker: &speaker, role: Role::Head };
        world.exchange.sign_agreement(acting, hash, signature, world.now()).await.unwrap();
    }
}

#[tokio::test]
async fn an_agreement_that_says_so_leaves_copies_where_they_are_when_it_ends() {
    let mut world = World::governed().await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", ULN).await;
    let terms = &ConsortiumFile::parse(CONSORTIUM).unwrap().agreements[0];
    let text = AgreementTerms { version: 2, ..terms.clone() }.written_out();
    let keeps = "[end]\ncopies = \"keep\"\nreason = \"The school's own record of the course.\"";
    sign(&world, &text.replace("[end]\ncopies = \"withdraw\"", keeps)).await;
    marks(&mut world, &[9]).await;
    let (_, _, cursor) = world.told("kingsmead", 0).await;
    world.pass(330 * DAY);
    world.sweep().await;
    assert!(world.told("kingsmead", cursor).await.0.is_empty(), "it lapsed, and copies stay");
    assert!(world.exchange.withdrawals().is_empty());
    // What ends for another reason is recalled all the same.
    world.declare("northgate", end("n-77", "kingsmead", world.now().plus_micros(-330 * DAY))).await;
    world.sweep().await;
    assert_eq!(world.exchange.withdrawals()[0].reason, "placement_ended");
}
