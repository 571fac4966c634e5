//! Session codes: what an attendance officer accepts at once, decides one by one, and what is never certified.

use crate::{
    erasure::found,
    whereabouts::{between, marked, notice, on, school},
    world::*,
};
use commonroll_core::{Role, directory::NoticeKind, record::attendance::Physical};
use commonroll_exchange::*;
use std::{collections::BTreeSet, time::Duration};

const DENIED: LawError = LawError::NotAllowed(NotAllowed::Denied);

const fn officer(who: &PersonSpeaker) -> Acting<'_> {
    Acting { speaker: who, role: Role::AttendanceOfficer }
}

fn morning() -> (commonroll_core::SchoolDate, Session) {
    (date("2026-09-14"), Session::Morning)
}

impl World {
    async fn codes(&self, who: &PersonSpeaker) -> Vec<CodeSeen> {
        let seen = self.exchange.codes(officer(who), [(0, usize::MAX); 2], self.now()).await.unwrap();
        seen.sessions.into_iter().flat_map(|of| of.lines).collect()
    }

    async fn accept(&self, who: &PersonSpeaker, learners: &[u32]) -> Result<usize, LawError> {
        let learners: BTreeSet<u32> = learners.iter().copied().collect();
        self.exchange.accept_clear(officer(who), morning(), &learners, self.now()).await
    }

    async fn decide(
        &self,
        who: &PersonSpeaker,
        learner: u32,
        choice: Choice,
        why: &str,
    ) -> Result<(), LawError> {
        self.exchange.decide_code(officer(who), morning(), (learner, choice), why, self.now()).await
    }

    async fn rows(&self, who: &PersonSpeaker) -> (Vec<String>, usize) {
        let file = self.exchange.codes_file(officer(who), None, self.now()).await.unwrap();
        let row = |row: &CodeRow| format!("{} {}", row.local.as_str(), row.code);
        (file.rows.iter().map(row).collect(), file.left_out)
    }
}

fn stands(codes: &[CodeSeen]) -> Vec<(u32, CodeStands)> {
    let mut all: Vec<_> = codes.iter().map(|one| (one.learner, one.stands)).collect();
    all.sort();
    all
}

#[tokio::test]
async fn all_clear_ones_are_accepted_by_one_entry_and_nothing_without_a_hosts_mark() {
    let mut world = school().await;
    let who = world.officer("kingsmead", 40).await;
    world.come_to(12).await;
    assert_eq!(stands(&world.codes(&who).await), [(0, CodeStands::Held), (1, CodeStands::Held)]);
    for choice in [Choice::Elsewhere, Choice::LateAfterClose, Choice::Absent] {
        let refused = world.decide(&who, 0, choice, "planned").await;
        assert!(matches!(refused, Err(LawError::State(_))), "a planned B stays provisional: {refused:?}");
    }
    assert_eq!(world.accept(&who, &[0, 1]).await, Ok(0));

    world.publish("northgate", vec![marked("n-1", 10, Physical::Present, 1)]).await;
    world.publish("northgate", vec![marked("n-2", 10, Physical::Absent, 1)]).await;
    world.tick().await;
    assert_eq!(stands(&world.codes(&who).await), [(0, CodeStands::Clear), (1, CodeStands::Absent)]);
    assert_eq!(world.accept(&who, &[0, 1, 77]).await, Ok(1), "only what is clear");
    assert_eq!(world.accept(&who, &[0]).await, Ok(0), "once");
    let entries = world.entries_of("codes.decided").await;
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0]["more"]["learners"], serde_json::json!([[0, 0]]));
    assert!(
        !entries[0].to_string().contains("k-1") && !entries[0].to_string().contains("\"B\""),
        "{}",
        entries[0]
    );

    assert!(matches!(world.decide(&who, 1, Choice::Elsewhere, "sure").await, Err(LawError::State(_))));
    assert_eq!(world.decide(&who, 1, Choice::Absent, "").await, Ok(()));
    assert_eq!(world.rows(&who).await, (vec!["k-1 B".to_owned(), "k-2 N".to_owned()], 0));
    assert_eq!(world.entries_of("codes.exported").await.len(), 1);

    // The host corrects its mark: what was certified by it is in no file until somebody has looked again.
    world.publish("northgate", vec![marked("n-1", 10, Physical::Absent, 2)]).await;
    world.tick().await;
    let decided = world.codes(&who).await.into_iter().find(|one| one.learner == 0).unwrap().decided.unwrap();
    assert!(decided.stale && decided.code == "B" && decided.by == "Thistlewood" && decided.together);
    assert_eq!(world.rows(&who).await, (vec!["k-2 N".to_owned()], 1));
    let silent = world.decide(&who, 0, Choice::Absent, "").await;
    assert!(
        matches!(silent, Err(LawError::Invalid(_))),
        "a person's decision is not changed without a reason"
    );
    assert_eq!(world.decide(&who, 0, Choice::Absent, "Host rang: was not there").await, Ok(()));
    assert_eq!(world.rows(&who).await.0, ["k-1 N", "k-2 N"]);
    assert!(world.exchange.verify(|_| {}).await.is_ok());
}

#[tokio::test]
async fn a_mark_that_was_taken_back_a_moment_ago_certifies_nobody() {
    let mut world = school().await;
    let who = world.officer("kingsmead", 40).await;
    world.come_to(14).await;
    world.publish("northgate", vec![marked("n-1", 10, Physical::Present, 1)]).await;
    world.tick().await;
    assert_eq!(stands(&world.codes(&who).await)[0], (0, CodeStands::Clear));
    world.publish("northgate", vec![withdrawn(marked("n-1", 10, Physical::Present, 2), 2)]).await;
    assert_eq!(world.accept(&who, &[0]).await, Ok(0), "no tick came between");
    // Nor does one whose placement has ended before it.
    world.publish("northgate", vec![marked("n-2", 10, Physical::Present, 1)]).await;
    world.tick().await;
    world.declare("kingsmead", end("k-2", "northgate", crate::whereabouts::at(0))).await;
    assert_eq!(world.accept(&who, &[1]).await, Ok(0));
    assert!(world.entries_of("codes.decided").await.is_empty());
}

#[tokio::test]
async fn where_home_and_host_disagree_or_somebody_came_late_a_person_decides_with_a_reason() {
    let mut world = school().await;
    let who = world.officer("kingsmead", 40).await;
    world
        .declare("kingsmead", notice("N1", "k-1", NoticeKind::ExpectedAbsence, between(0, 240), false))
        .await;
    world.come_to(14).await;
    world.publish("northgate", vec![marked("n-1", 10, Physical::Present, 1)]).await;
    world.publish("northgate", vec![marked("n-2", 10, Physical::Late, 1)]).await;
    world.tick().await;
    let codes = world.codes(&who).await;
    assert_eq!(stands(&codes), [(0, CodeStands::Conflict), (1, CodeStands::Review)]);
    assert_eq!((codes[0].home_says, codes[0].saw.unwrap().0), (Some("absence expected"), "present"));
    assert_eq!(world.accept(&who, &[0, 1]).await, Ok(0), "neither is a machine's to decide");
    assert!(matches!(world.decide(&who, 0, Choice::Elsewhere, " ").await, Err(LawError::Invalid(_))));
    assert_eq!(world.decide(&who, 0, Choice::Keep, "Mother rang: at the dentist").await, Ok(()));
    assert_eq!(world.decide(&who, 1, Choice::LateAfterClose, "").await, Ok(()));
    assert_eq!(world.rows(&who).await.0, ["k-2 U"], "what is ours is in our register already");
    let long = world.decide(&who, 1, Choice::Elsewhere, &"x".repeat(201)).await;
    assert!(matches!(long, Err(LawError::Invalid(_))));

    // Nobody else: another home's officer, the host's, a tutor here, another day.
    let theirs = world.officer("ridgeway", 41).await;
    assert_eq!(world.decide(&theirs, 0, Choice::Keep, "x").await, Err(DENIED));
    assert!(stands(&world.codes(&theirs).await).iter().all(|(learner, _)| *learner == 2), "each their own");
    let host = world.officer("northgate", 42).await;
    assert!(world.codes(&host).await.is_empty(), "a college keeps no statutory session register");
    assert!(matches!(world.decide(&host, 0, Choice::Keep, "x").await, Err(LawError::State(_))));
    let tutor = world.colleague("kingsmead", staff(Role::Tutor, None), 43).await;
    let acting = Acting { speaker: &tutor, role: Role::Tutor };
    assert!(world.exchange.codes(acting, [(0, usize::MAX); 2], world.now()).await.is_err());
    let other = (date("2026-09-11"), Session::Morning);
    let old = world.exchange.decide_code(officer(&who), other, (0, Choice::Keep), "x", world.now()).await;
    assert!(matches!(old, Err(LawError::State(_))), "{old:?}");
    let log = serde_json::to_string(&world.exchange.show(1, 10_000).await.unwrap()).unwrap();
    assert!(!log.contains("dentist"));
}

#[tokio::test]
async fn an_erased_learners_codes_go_and_nobody_elses_on_every_node() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("hub.db").display());
    let mut world = on(open_store(&database).await).await;
    let who = world.officer("kingsmead", 40).await;
    world.come_to(14).await;
    for guest in ["n-1", "n-2"] {
        world.publish("northgate", vec![marked(guest, 10, Physical::Present, 1)]).await;
    }
    world.tick().await;
    assert_eq!(world.accept(&who, &[0, 1]).await, Ok(2));
    world.decide(&who, 0, Choice::Keep, "Obsidianlike canary").await.unwrap();
    assert!(found(folder.path(), b"Obsidianlike") > 0);
    let dpo = world.office("kingsmead", Role::Dpo, 70).await;
    let acting = Acting { speaker: &dpo, role: Role::Dpo };
    let export = world.exchange.subject_export(acting, &id("k-1"), world.now()).await.unwrap();
    assert!(
        export.declared.iter().any(|(kind, said)| *kind == "session code" && said.contains("Obsidianlike"))
    );
    let what = Erasing::Learner(id("k-1"));
    let reason = ErasureReason::ObjectionUpheld;
    let erased = world.exchange.erase(acting, &what, reason, (false, false), world.now()).await.unwrap();
    assert!(erased.done);
    assert_eq!(found(folder.path(), b"Obsidianlike"), 0, "in no file of the database");
    let rows = |exchange: Exchange, now| async move {
        let who = exchange.person(commonroll_core::PersonId([40; 16])).unwrap();
        let file = exchange.codes_file(officer(&who), None, now).await.unwrap();
        file.rows.iter().map(|row| row.local.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(rows(world.exchange.clone(), world.now()).await, ["k-2"]);
    let again = Exchange::open(options(&database), world.now()).await.unwrap();
    again.open_views(read_body, world.now());
    for _ in 0..4 {
        again.tick(world.now()).await;
        again.follow(Duration::ZERO).await.unwrap();
    }
    assert_eq!(rows(again, world.now()).await, ["k-2"], "the neighbour's stays, after a start, too");
    assert!(world.exchange.verify(|_| {}).await.is_ok());
}
