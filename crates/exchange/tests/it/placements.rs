//! Who gets a mark, as placements come, are contested, and end.

use crate::world::*;
use commonroll_core::{RecordKind, Role, agreement::ItemKind, directory::Registration};
use commonroll_exchange::*;

const ULN: &str = "1000000019";

#[tokio::test]
async fn a_mark_reaches_the_home_that_placed_the_learner() {
    let mut world = World::new().await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", ULN).await;
    let answers = world.publish("northgate", vec![mark("northgate", "n-77", 9, 1)]).await;
    let [RecordAnswer::Accepted { sequence }] = answers[..] else { panic!("{answers:?}") };
    let (lines, cursor) = world.feed("kingsmead", 0).await;
    assert_eq!(lines, [format!("{sequence} k-1 from northgate")]);
    assert_eq!(world.feed("ridgeway", 0).await.0, [""; 0]);
    assert_eq!(world.acknowledge("kingsmead", cursor).await, Ok(cursor));
}

#[tokio::test]
async fn what_the_agreement_does_not_list_leaves_as_a_hash_alone() {
    let mut world = World::new().await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", ULN).await;
    world.publish("northgate", vec![mark("northgate", "n-77", 9, 1)]).await;
    let mut feed = world.exchange.receive(&world.speaker("kingsmead"), 0).unwrap();
    let page = feed.next(&world.clock).await.unwrap();
    let groups = &page.batches[0].records[0].groups;
    assert!(matches!(groups[1].state, GroupState::Open { .. }), "presence is agreed");
    assert!(matches!(groups[2].state, GroupState::Withheld(_)), "the register group is not");
}

#[tokio::test]
async fn nobody_manufactures_a_placement_alone() {
    let mut world = World::new().await;
    world.declare("kingsmead", learner("k-1", Registration::Home, ULN)).await;
    world.declare("northgate", learner("n-77", Registration::Guest, ULN)).await;
    world.declare("northgate", acceptance("n-77", "kingsmead")).await;
    let refused = world.publish("northgate", vec![mark("northgate", "n-77", 9, 1)]).await;
    assert!(matches!(refused[0], RecordAnswer::Rejected { code: "no_placement", .. }), "{refused:?}");
    assert_eq!(
        world.exchange.overview(&world.speaker("northgate"), world.now()).acceptances_waiting_for_home,
        1
    );
    world.declare("kingsmead", placement("k-1", "northgate")).await;
    let taken = world.publish("northgate", vec![mark("northgate", "n-77", 9, 1)]).await;
    assert!(matches!(taken[0], RecordAnswer::Accepted { .. }), "{taken:?}");
}

#[tokio::test]
async fn a_second_claim_to_be_home_delivers_nothing() {
    let mut world = World::new().await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", ULN).await;
    assert_eq!(
        world.declare("ridgeway", learner("r-9", Registration::Home, ULN)).await,
        DeclareResult::Contested
    );
    world.declare("ridgeway", placement("r-9", "northgate")).await;
    world.publish("northgate", vec![mark("northgate", "n-77", 9, 1)]).await;
    assert_eq!(world.feed("ridgeway", 0).await.0, [""; 0], "the claim alone gives nothing");
    assert_eq!(
        world.feed("kingsmead", 0).await.0.len(),
        1,
        "and takes nothing from the home that the host named"
    );
    let overview = world.exchange.overview(&world.speaker("ridgeway"), world.now());
    assert_eq!(overview.contested.len(), 1);

    // Both settle it: the first lets go, and the claim that waited stands.
    world.declare("kingsmead", learner("k-1", Registration::Previous, ULN)).await;
    assert_eq!(world.exchange.overview(&world.speaker("ridgeway"), world.now()).contested.len(), 0);
}

#[tokio::test]
async fn a_guest_who_came_before_the_home_declared_is_matched_later() {
    let world = World::new().await;
    world.declare("northgate", learner("n-77", Registration::Guest, ULN)).await;
    assert_eq!(world.exchange.overview(&world.speaker("northgate"), world.now()).unmatched.len(), 1);
    world.declare("kingsmead", learner("k-1", Registration::Home, ULN)).await;
    assert_eq!(world.exchange.overview(&world.speaker("northgate"), world.now()).unmatched.len(), 0);
}

#[tokio::test]
async fn a_placement_that_ends_at_noon_lets_the_morning_through() {
    let mut world = World::new().await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", ULN).await;
    let noon = world.now().plus_micros(4 * 3_600_000_000);
    assert_eq!(world.declare("kingsmead", end("k-1", "northgate", noon)).await, DeclareResult::Accepted);
    let answers = world
        .publish("northgate", vec![mark("northgate", "n-77", 9, 1), mark("northgate", "n-77", 13, 1)])
        .await;
    assert!(matches!(answers[0], RecordAnswer::Accepted { .. }), "{answers:?}");
    assert!(matches!(answers[1], RecordAnswer::Rejected { code: "no_placement", .. }), "{answers:?}");
    assert_eq!(world.feed("kingsmead", 0).await.0.len(), 1);
}

#[tokio::test]
async fn an_import_carries_both_sides_and_changes_nothing_when_repeated() {
    let mut world = World::new().await;
    let text = format!(
        "{CONSORTIUM}\n[[placement]]\nhome = \"ridgeway\"\nhost = \"northgate\"\nfirst_date = \"2026-09-01\"\nlast_date = \"2027-07-20\"\nlearners = [[\"r-1\", \"n-1\"], [\"r-2\", \"n-2\"]]\n"
    );
    let file = ConsortiumFile::parse(&text).unwrap().signed_by(&PEOPLE);
    let report = world.exchange.import(&file, "operator", world.now()).await.unwrap();
    assert_eq!((report.institutions, report.agreements, report.learners, report.placements), (0, 0, 4, 4));
    assert_eq!(world.exchange.import(&file, "operator", world.now()).await.unwrap(), ImportReport::default());
    world.publish("northgate", vec![mark("northgate", "n-2", 9, 1)]).await;
    let (lines, _) = world.feed("ridgeway", 0).await;
    assert!(lines[0].contains("r-2 from northgate"), "{lines:?}");
}

#[tokio::test]
async fn an_import_that_links_a_learner_or_a_guest_twice_is_refused_as_a_whole() {
    let placing = |pairs: [&str; 2]| {
        let placement = |pairs: &str| {
            format!(
                "\n[[placement]]\nhome = \"kingsmead\"\nhost = \"northgate\"\nfirst_date = \"2026-09-01\"\nlast_date = \"2027-07-20\"\nlearners = [{pairs}]\n"
            )
        };
        let text: String = pairs.into_iter().map(placement).collect();
        ConsortiumFile::parse(&format!("{CONSORTIUM}{text}")).unwrap().signed_by(&PEOPLE)
    };
    let world = World::new().await;
    let first = "[\"k-1\", \"n-77\"]";
    for other in ["[\"k-1\", \"n-78\"]", "[\"k-2\", \"n-77\"]"] {
        // Within one entry, and from one to the next.
        for file in [placing([&format!("{first}, {other}"), ""]), placing([first, other])] {
            let refused =
                world.exchange.import(&file, "operator", world.now()).await.unwrap_err().to_string();
            assert!(refused.contains("(kingsmead to northgate), pair "), "{refused}");
            assert!(!["k-1", "k-2", "n-77", "n-78"].iter().any(|id| refused.contains(id)), "{refused}");
        }
    }
    let overview = world.exchange.overview(&world.speaker("kingsmead"), world.now());
    assert_eq!(overview.home_learners, 0, "nothing is half done");

    // And against what stands; the same once more is fine.
    let held = placing([first, first]);
    assert_eq!(world.exchange.import(&held, "operator", world.now()).await.unwrap().learners, 2);
    for other in ["[\"k-1\", \"n-78\"]", "[\"k-2\", \"n-77\"]"] {
        let file = placing(["", other]);
        let refused = world.exchange.import(&file, "operator", world.now()).await.unwrap_err().to_string();
        assert!(
            refused.starts_with("placement 2 (kingsmead to northgate), pair 1 of learners: "),
            "{refused}"
        );
        assert!(refused.contains("undoes that match"), "{refused}");
    }
    assert_eq!(world.exchange.import(&held, "operator", world.now()).await.unwrap(), ImportReport::default());
}

#[tokio::test]
async fn an_import_says_which_entry_of_the_file_is_at_fault() {
    let world = World::new().await;
    let whole = format!(
        "{CONSORTIUM}\n[[placement]]\nhome = \"kingsmead\"\nhost = \"northgate\"\ngroup = \"ENG-1\"\nfirst_date = \"2026-09-01\"\nlast_date = \"2027-07-20\"\nlearners = [[\"k-1\", \"n-77\"]]\n"
    );
    let placement = "placement 1 (kingsmead to northgate, group ENG-1)";
    for (from, to, told) in [
        ("2027-07-20", "2027-02-30", format!("{placement}: last_date must be")),
        ("host = \"northgate\"", "host = \"kingsmead\"", "placement 1 (kingsmead to kingsmead".to_owned()),
        ("host = \"northgate\"", "host = \"elsewhere\"", "placement 1 (kingsmead to elsewhere".to_owned()),
        ("n-77", " ", format!("{placement}, pair 1 of learners: the host's id must have")),
        ("last_date = \"2027-07-31\"", "last_date = \"never\"", "agreement 1: last_date".to_owned()),
        (
            "name = \"Ridgeway Academy\"",
            "name = \"\"\nphone = \"1\"",
            "institution 2 (ridgeway): phone must".to_owned(),
        ),
    ] {
        assert!(whole.contains(from), "{from}");
        let file = ConsortiumFile::parse(&whole.replace(from, to)).unwrap().signed_by(&PEOPLE);
        let refused = world.exchange.import(&file, "operator", world.now()).await.unwrap_err().to_string();
        assert!(refused.starts_with(&told), "{refused}");
    }
}

#[tokio::test]
async fn a_learner_who_came_by_import_stays_who_they_were_when_their_home_declares_them() {
    let mut world = World::new().await;
    let text = format!(
        "{CONSORTIUM}\n[[placement]]\nhome = \"kingsmead\"\nhost = \"northgate\"\nfirst_date = \"2026-09-01\"\nlast_date = \"2027-07-20\"\nlearners = [[\"k-1\", \"n-77\"]]\n"
    );
    world
        .exchange
        .import(&ConsortiumFile::parse(&text).unwrap().signed_by(&PEOPLE), "operator", world.now())
        .await
        .unwrap();
    assert_eq!(
        world.declare("kingsmead", learner("k-1", Registration::Home, ULN)).await,
        DeclareResult::Accepted
    );
    let taken = world.publish("northgate", vec![mark("northgate", "n-77", 9, 1)]).await;
    assert!(matches!(taken[0], RecordAnswer::Accepted { .. }), "{taken:?}");
    assert_eq!(world.feed("kingsmead", 0).await.0.len(), 1);
}

#[tokio::test]
async fn a_placement_that_was_missing_from_one_export_comes_back_with_the_next() {
    let mut world = World::new().await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", ULN).await;
    world.declare("kingsmead", end("k-1", "northgate", world.now())).await;
    let refused = world.publish("northgate", vec![mark("northgate", "n-77", 9, 1)]).await;
    assert!(matches!(refused[0], RecordAnswer::Rejected { code: "no_placement", .. }), "{refused:?}");
    assert_eq!(world.declare("kingsmead", placement("k-1", "northgate")).await, DeclareResult::Accepted);
    let taken = world.publish("northgate", vec![mark("northgate", "n-77", 9, 1)]).await;
    assert!(matches!(taken[0], RecordAnswer::Accepted { .. }), "{taken:?}");
}

#[tokio::test]
async fn two_sides_that_name_different_groups_agree_on_no_placement() {
    let mut world = World::new().await;
    world.declare("kingsmead", learner("k-1", Registration::Home, ULN)).await;
    world.declare("northgate", learner("n-77", Registration::Guest, ULN)).await;
    world.declare("kingsmead", placement("k-1", "northgate")).await;
    let mut other = acceptance("n-77", "kingsmead");
    if let commonroll_core::directory::Declaration::Acceptance(acceptance) = &mut other {
        acceptance.group = Some(id("CHEM-9"));
    }
    world.declare("northgate", other).await;
    let mut record = mark("northgate", "n-77", 9, 1);
    record.head.group = None;
    let refused = world.publish("northgate", vec![record]).await;
    assert!(matches!(refused[0], RecordAnswer::Rejected { code: "no_placement", .. }), "{refused:?}");
}

#[tokio::test]
async fn a_partner_with_a_contradicting_claim_does_not_unmatch_anothers_learner() {
    let world = World::new().await;
    world.declare("kingsmead", learner("k-1", Registration::Home, ULN)).await;
    let mut poison = learner("r-9", Registration::Home, ULN);
    if let commonroll_core::directory::Declaration::Learner(learner) = &mut poison {
        learner.birth_date = Some(date("2001-01-01"));
    }
    world.declare("ridgeway", poison).await;
    world.declare("northgate", learner("n-77", Registration::Guest, ULN)).await;
    assert_eq!(world.exchange.overview(&world.speaker("northgate"), world.now()).unmatched.len(), 0);
}

/// A desk reads its counts off its own learners and guests; they are those of the whole directory.
#[tokio::test]
async fn a_desk_counts_whom_its_institution_has_placed_and_hosts_and_nobody_elses() {
    let world = World::governed().await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", ULN).await;
    world.placed("kingsmead", "k-2", "northgate", "n-78", "1000000027").await;
    world.placed("ridgeway", "r-1", "northgate", "n-79", "1000000035").await;
    world.placed("northgate", "n-1", "kingsmead", "k-90", "1000000043").await;
    let counts = |who: &str, partner: &str| {
        let manager = Actor::new(&world, who, Role::DataManager);
        let seen = world.exchange.who_may_see(manager.acting(), world.now()).unwrap();
        let of = seen.partners.into_iter().find(|one| one.slug == slug(partner)).unwrap();
        let kind = ItemKind::Record(RecordKind::Attendance);
        let one = world.exchange.who_may_see_of(manager.acting(), (&slug(partner), kind), world.now());
        let one = one.unwrap().partner;
        assert_eq!(
            (one.ours_there, one.theirs_here),
            (of.ours_there, of.theirs_here),
            "the cell says the same"
        );
        let rules = &one.given[0].rules;
        assert!(
            !rules.is_empty() || who == "ridgeway" || partner == "ridgeway",
            "what flows says by which rules"
        );
        assert!(rules.iter().all(|(id, says)| !id.is_empty() && !says.is_empty()));
        (of.ours_there, of.theirs_here)
    };
    assert_eq!((counts("kingsmead", "northgate"), counts("northgate", "kingsmead")), ((2, 1), (1, 2)));
    assert_eq!((counts("ridgeway", "northgate"), counts("northgate", "ridgeway")), ((1, 0), (0, 1)));
    assert_eq!((counts("ridgeway", "kingsmead"), counts("kingsmead", "ridgeway")), ((0, 0), (0, 0)));
    // Of one placement the home ends it, of the other the host: neither counts any more.
    world.declare("kingsmead", end("k-1", "northgate", world.now())).await;
    world.declare("kingsmead", end("k-90", "northgate", world.now())).await;
    world.pass(1);
    assert_eq!((counts("kingsmead", "northgate"), counts("northgate", "kingsmead")), ((1, 0), (0, 1)));
}
