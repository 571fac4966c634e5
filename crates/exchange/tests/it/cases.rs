//! The numbered cases of abuse and fault, as far as the law answers them.

use crate::world::*;
use commonroll_core::directory::Registration;
use commonroll_exchange::*;

const ULN: &str = "1000000019";

async fn placed() -> World {
    let world = World::new().await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", ULN).await;
    world
}

#[tokio::test]
async fn case_03_an_agent_that_speaks_for_another_is_refused_and_named() {
    let mut world = placed().await;
    let before = world.exchange.stats().log_entries;
    let forged = world.publish_as("ridgeway", "northgate", 1, vec![mark("northgate", "n-77", 9, 1)]).await;
    assert_eq!(forged, Err(PublishError::Impersonation));
    let inside = world.publish_as("ridgeway", "ridgeway", 1, vec![mark("northgate", "n-77", 9, 1)]).await;
    assert_eq!(inside, Err(PublishError::Impersonation));
    assert_eq!(world.exchange.stats().log_entries, before, "nothing is stored");
    world.exchange.tick(world.now()).await;
    let shown = world.exchange.show(before + 1, 10).await.unwrap();
    assert_eq!(shown[0]["what"], "publish.refused");
    assert_eq!(shown.iter().map(|e| e["more"]["count"].as_u64().unwrap()).sum::<u64>(), 2);
    assert!(
        shown.iter().any(|e| e["more"]["actor"] == "ridgeway" && e["more"]["claimed"] == "northgate"),
        "{shown:?}"
    );

    // A record id that another source holds can't be corrected or withdrawn by this one.
    world.publish("northgate", vec![mark("northgate", "n-77", 9, 1)]).await;
    world.placed("kingsmead", "k-2", "ridgeway", "r-1", "1234567899").await;
    let mut theirs = mark("ridgeway", "r-1", 9, 2);
    theirs.head.id = mark("northgate", "n-77", 9, 1).head.id;
    let answers = world.publish("ridgeway", vec![theirs]).await;
    assert!(matches!(answers[0], RecordAnswer::Rejected { code: "not_yours", .. }), "{answers:?}");
}

#[tokio::test]
async fn case_02_a_revoked_agent_is_refused_on_open_streams_and_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("hub.db").display());
    let mut world = World::at(&database).await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", ULN).await;
    world.publish("northgate", vec![mark("northgate", "n-77", 9, 1)]).await;
    let mut feed = world.exchange.receive(&world.speaker("kingsmead"), 0).unwrap();
    feed.next(&world.clock).await.unwrap();
    let (waiting, revoked) = tokio::join!(
        feed.next(&world.clock),
        world.exchange.revoke(Revoke::Institution(slug("kingsmead")), "operator", world.now())
    );
    assert_eq!(revoked, Ok(1));
    assert!(matches!(waiting, Err(FeedError::NotAllowed(NotAllowed::Unknown))), "an open stream ends");
    assert!(world.exchange.receive(&world.speaker("kingsmead"), 0).is_err());
    assert!(world.log().await.contains(&"agent.revoked by operator".to_owned()));

    let again = Exchange::open(options(&database), world.now()).await.unwrap();
    assert!(again.speaker(AgentId([1; 16])).is_err(), "a restart does not forget");
    assert!(again.speaker(AgentId([3; 16])).is_ok());
}

#[tokio::test]
async fn case_04_an_invitation_works_once_within_its_time_and_never_again() {
    let world = World::new().await;
    let peer = "10.0.0.9".parse().unwrap();
    let hour = std::time::Duration::from_secs(3600);
    let now = world.now();
    let code = world.exchange.invite(&slug("ridgeway"), hour, "operator", [50; 32], now).await.unwrap();
    let key = *commonroll_audit::keys::SigningKey::from_seed(&[50; 32]).unwrap().public().as_bytes();
    assert_eq!(world.exchange.join(&code, AgentId([50; 16]), key, peer, now).await, Ok(slug("ridgeway")));
    let mut refusals = vec![world.exchange.join(&code, AgentId([51; 16]), key, peer, now).await];
    let late = world.exchange.invite(&slug("ridgeway"), hour, "operator", [52; 32], now).await.unwrap();
    refusals
        .push(world.exchange.join(&late, AgentId([52; 16]), key, peer, now.plus_micros(3_600_000_001)).await);
    refusals.push(world.exchange.join("guess", AgentId([53; 16]), key, peer, now).await);
    assert!(refusals.iter().all(|r| *r == Err(JoinError::Refused)), "one answer for all: {refusals:?}");
    for _ in 0..7 {
        let _ =
            world.exchange.join("guess", AgentId([53; 16]), key, peer, now.plus_micros(3_600_000_001)).await;
    }
    let later = now.plus_micros(3_600_000_002);
    for _ in 0..10 {
        let _ = world.exchange.join("guess", AgentId([53; 16]), key, peer, later).await;
    }
    assert!(matches!(
        world.exchange.join("guess", AgentId([53; 16]), key, peer, later).await,
        Err(JoinError::TooMany { .. })
    ));
    assert!(world.exchange.invite(&slug("ridgeway"), hour * 73, "operator", [54; 32], now).await.is_err());
    let shown = format!("{:?}", world.exchange.show(1, 1000).await.unwrap());
    assert!(!shown.contains(&code), "the log never holds a code");
}

#[tokio::test]
async fn case_11_marks_about_strangers_are_refused_like_marks_about_nobody() {
    let mut world = placed().await;
    world.declare("ridgeway", learner("r-5", Registration::Home, "1234567899")).await;
    let mut outside = mark("northgate", "n-77", 9, 1);
    outside.head.date = date("2026-08-14");
    outside.head.id.0[15] = 99;
    let mut other_group = mark("northgate", "n-77", 10, 1);
    other_group.head.group = Some(id("CHEM-9"));
    let records = vec![
        mark("northgate", "r-5", 9, 1),
        mark("northgate", "nobody", 9, 1),
        outside,
        other_group,
        mark("northgate", "n-77", 11, 1),
    ];
    let answers = world.publish("northgate", records).await;
    for answer in &answers[..4] {
        assert_eq!(*answer, answers[0], "one wording for all");
        assert!(matches!(answer, RecordAnswer::Rejected { code: "no_placement", .. }));
    }
    assert!(matches!(answers[4], RecordAnswer::Accepted { .. }), "the neighbour is unharmed");
    let shown = world.exchange.show(1, 1000).await.unwrap();
    let entry =
        shown.iter().find(|e| e["what"] == "publish.refused").expect("the refusals are counted in the log");
    assert_eq!(entry["more"]["refused"][0][1], 4);
}

#[tokio::test]
async fn case_15_what_was_published_before_an_end_is_decided_again_when_it_leaves() {
    let mut world = placed().await;
    world.publish("northgate", vec![mark("northgate", "n-77", 9, 1)]).await;
    // The host takes its acceptance back from before the mark.
    let eight = world.now();
    world.declare("northgate", end("n-77", "kingsmead", eight)).await;
    assert_eq!(world.feed("kingsmead", 0).await.0, [""; 0]);
    let shown = world.exchange.show(1, 1000).await.unwrap();
    let withheld =
        shown.iter().find(|e| e["what"] == "delivery.withheld").expect("the log says that it was kept back");
    assert_eq!(withheld["more"]["recipient"], "kingsmead");
    assert_eq!(withheld["more"]["withheld"][0][1], "no_placement");
}

#[tokio::test]
async fn case_15_an_agreement_that_lapsed_stops_the_flow_the_same_day() {
    let mut world = placed().await;
    world.publish("northgate", vec![mark("northgate", "n-77", 9, 1)]).await;
    world.pass(330 * DAY);
    assert_eq!(world.feed("kingsmead", 0).await.0, [""; 0]);
    let answers = world.publish("northgate", vec![mark("northgate", "n-77", 10, 1)]).await;
    assert!(matches!(answers[0], RecordAnswer::Rejected { code: "no_agreement", .. }), "{answers:?}");
}

#[tokio::test]
async fn case_23_a_repeat_is_recognised_and_other_content_is_a_conflict() {
    let mut world = placed().await;
    let first = world.publish("northgate", vec![mark("northgate", "n-77", 9, 1)]).await;
    let [RecordAnswer::Accepted { sequence }] = first[..] else { panic!("{first:?}") };
    let same_batch =
        world.publish_as("northgate", "northgate", 1, vec![mark("northgate", "n-77", 9, 1)]).await.unwrap();
    assert_eq!(same_batch.results, [RecordAnswer::Duplicate { sequence }]);
    world.pass(300 * DAY);
    let later = world.publish("northgate", vec![mark("northgate", "n-77", 9, 1)]).await;
    assert_eq!(later, [RecordAnswer::Duplicate { sequence }], "no time limit");
    world.pass(-300 * DAY);
    let changed = world.publish("northgate", vec![withdrawn(mark("northgate", "n-77", 9, 1), 1)]).await;
    assert!(matches!(changed[0], RecordAnswer::Rejected { code: "conflict", .. }), "{changed:?}");
    assert_eq!(world.feed("kingsmead", 0).await.0.len(), 1, "no second delivery");
}

#[tokio::test]
async fn a_source_that_lost_its_memory_is_told_what_the_log_holds_of_its_records() {
    let mut world = placed().await;
    world.publish("northgate", vec![mark("northgate", "n-77", 9, 1)]).await;
    world.publish("northgate", vec![withdrawn(mark("northgate", "n-77", 9, 2), 2)]).await;
    world.publish("northgate", vec![mark("northgate", "n-77", 10, 1)]).await;
    let batch = vec![
        mark("northgate", "n-77", 9, 1),
        withdrawn(mark("northgate", "n-77", 10, 1), 1),
        mark("northgate", "n-77", 11, 1),
    ];
    let answer = world.publish_as("northgate", "northgate", 4, batch).await.unwrap();
    assert!(matches!(answer.results[0], RecordAnswer::Duplicate { .. }), "{answer:?}");
    assert!(matches!(answer.results[1], RecordAnswer::Rejected { code: "conflict", .. }), "{answer:?}");
    assert_eq!(answer.held, [(0, 2), (1, 1)], "a repeat of the newest, and what is new, need no word");
    let mut theirs = mark("ridgeway", "r-1", 9, 1);
    theirs.head.id = mark("northgate", "n-77", 9, 1).head.id;
    let stranger = world.publish_as("ridgeway", "ridgeway", 1, vec![theirs]).await.unwrap();
    assert!(stranger.held.is_empty(), "another source learns nothing: {stranger:?}");
}

#[tokio::test]
async fn case_23_two_connections_at_once_take_effect_once() {
    let world = placed().await;
    let batch = || vec![mark("northgate", "n-77", 9, 1), mark("northgate", "n-77", 10, 1)];
    let (one, other) = tokio::join!(
        world.publish_as("northgate", "northgate", 1, batch()),
        world.publish_as("northgate", "northgate", 1, batch())
    );
    let results: Vec<_> = [one, other].into_iter().flat_map(|a| a.unwrap().results).collect();
    assert_eq!(results.iter().filter(|r| matches!(r, RecordAnswer::Accepted { .. })).count(), 2);
    assert_eq!(results.iter().filter(|r| matches!(r, RecordAnswer::Duplicate { .. })).count(), 2);
    assert_eq!(world.feed("kingsmead", 0).await.0.len(), 2);
}

#[tokio::test]
async fn case_24_a_gap_is_refused_with_the_number_expected_and_old_revisions_never_follow_newer() {
    let mut world = placed().await;
    let gap = world.publish_as("northgate", "northgate", 3, vec![mark("northgate", "n-77", 9, 1)]).await;
    assert_eq!(gap, Err(PublishError::Gap { expected: 1 }));
    world.publish("northgate", vec![mark("northgate", "n-77", 9, 1)]).await;
    world.publish("northgate", vec![mark("northgate", "n-77", 9, 3)]).await;
    let late = world.publish("northgate", vec![mark("northgate", "n-77", 9, 2)]).await;
    assert!(matches!(late[0], RecordAnswer::Rejected { code: "stale_revision", .. }), "{late:?}");
    let superseded = world.publish("northgate", vec![mark("northgate", "n-77", 9, 1)]).await;
    assert!(
        matches!(superseded[0], RecordAnswer::Duplicate { .. }),
        "a repeat of a superseded one is known: {superseded:?}"
    );
    // The source's numbering went back: other content under a used number is noticed, not believed.
    let reused = world.publish_as("northgate", "northgate", 1, vec![mark("northgate", "n-77", 15, 1)]).await;
    assert_eq!(reused, Err(PublishError::Gap { expected: 5 }));
    assert_eq!(world.feed("kingsmead", 0).await.0.len(), 2);
}

#[tokio::test]
async fn case_26_wild_acknowledgements_lose_nothing() {
    let mut world = placed().await;
    world.publish("northgate", vec![mark("northgate", "n-77", 9, 1)]).await;
    assert!(matches!(world.acknowledge("kingsmead", 1_000_000).await, Err(AckError::OutOfRange { .. })));
    let (lines, cursor) = world.feed("kingsmead", 0).await;
    assert_eq!(lines.len(), 1);
    assert_eq!(world.acknowledge("kingsmead", cursor).await, Ok(cursor));
    assert_eq!(world.acknowledge("kingsmead", 1).await, Ok(cursor), "lower: no change");
    // A cursor that was never sent is not believed: the feed starts where it was acknowledged.
    world.publish("northgate", vec![mark("northgate", "n-77", 10, 1)]).await;
    assert_eq!(world.feed("kingsmead", 1_000_000).await.0.len(), 1);
    // A receipt with a wrong signature counts for nothing.
    let agent = &world.agents["kingsmead"];
    let ack = Acknowledgement { cursor: cursor + 1, digest: [0; 32], key_id: [0; 8], signature: [0; 64] };
    assert!(matches!(
        world.exchange.acknowledge(&agent.speaker, ack, world.now()).await,
        Err(AckError::Invalid(_))
    ));
}

#[tokio::test]
async fn case_28_corrections_and_withdrawals_end_in_the_same_state_in_any_order() {
    for order in [[1, 2, 3], [2, 1, 3], [3, 2, 1], [3, 1, 2]] {
        let mut world = placed().await;
        for revision in order {
            let record = match revision {
                3 => withdrawn(mark("northgate", "n-77", 9, 1), 3),
                revision => mark("northgate", "n-77", 9, revision),
            };
            world.publish("northgate", vec![record]).await;
        }
        let mut feed = world.exchange.receive(&world.speaker("kingsmead"), 0).unwrap();
        let mut page = feed.next(&world.clock).await.unwrap();
        while let Ok(next) =
            tokio::time::timeout(std::time::Duration::from_millis(250), feed.next(&world.clock)).await
        {
            page.batches.extend(next.unwrap().batches);
        }
        let last = page.batches.last().unwrap().records.last().unwrap().groups[0].clone();
        let GroupState::Open { content, .. } = last.state else { panic!("the head is never withheld") };
        assert_eq!(content[16..20], 3u32.to_be_bytes(), "in the order {order:?} the withdrawal is last");
    }
}

#[tokio::test]
async fn case_02_a_code_handed_out_before_a_revocation_opens_nothing() {
    let world = placed().await;
    let hour = std::time::Duration::from_secs(3600);
    let code =
        world.exchange.invite(&slug("kingsmead"), hour, "operator", [60; 32], world.now()).await.unwrap();
    world.exchange.revoke(Revoke::Institution(slug("kingsmead")), "operator", world.now()).await.unwrap();
    let key = *commonroll_audit::keys::SigningKey::from_seed(&[60; 32]).unwrap().public().as_bytes();
    let peer = "127.0.0.1".parse().unwrap();
    let again = world.exchange.join(&code, AgentId([60; 16]), key, peer, world.now()).await;
    assert_eq!(again, Err(JoinError::Refused));
}

#[tokio::test]
async fn case_19_a_confidential_record_is_refused_and_can_still_be_taken_back() {
    let mut world = placed().await;
    world.publish("northgate", vec![mark("northgate", "n-77", 9, 1)]).await;
    let mut confidential = mark("northgate", "n-77", 9, 2);
    confidential.head.confidential = true;
    let refused = world.publish("northgate", vec![confidential.clone()]).await;
    assert!(matches!(refused[0], RecordAnswer::Rejected { code: "confidential", .. }), "{refused:?}");
    let taken = world.publish("northgate", vec![withdrawn(confidential, 3)]).await;
    assert!(matches!(taken[0], RecordAnswer::Accepted { .. }), "{taken:?}");
    let (lines, ..) = world.told("kingsmead", 0).await;
    let signs: String = lines.iter().map(|line| &line[..1]).collect();
    assert_eq!(signs, "+-", "the withdrawal, and what is asked about it; the mark leaves no more: {lines:?}");
}

#[tokio::test]
async fn case_14_what_policy_lets_nobody_have_is_not_kept_at_the_hub() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hub.db");
    let mut world = World::at(&format!("sqlite:{}", path.display())).await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", ULN).await;
    world.publish("northgate", vec![mark("northgate", "n-77", 9, 1)]).await;
    world.exchange.close(world.now()).await;
    // Group 5 is ten bytes of 5 in these tests, and the agreement doesn't list it; group 2 is twenty bytes of 1.
    let bytes: Vec<u8> = ["hub.db", "hub.db-wal"]
        .iter()
        .filter_map(|name| std::fs::read(folder.path().join(name)).ok())
        .flatten()
        .collect();
    let holds = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
    assert!(holds(&[1; 20]), "what the agreement lists is kept");
    assert!(!holds(&[5; 10]), "what it doesn't list is kept as a hash alone");
}
