//! Decided session codes on their way to the home's own agent, and what its register system says of them.

use crate::{
    whereabouts::{marked, on, school},
    world::*,
};
use commonroll_core::{Role, record::attendance::Physical};
use commonroll_exchange::*;
use std::{collections::BTreeSet, time::Duration};

const fn officer(who: &PersonSpeaker) -> Acting<'_> {
    Acting { speaker: who, role: Role::AttendanceOfficer }
}

impl World {
    async fn handed(&self, to: &str) -> Vec<OutCode> {
        self.exchange.session_codes(&self.speaker(to), self.now()).await.unwrap()
    }

    async fn said_of(&self, by: &str, of: &OutCode, how: Carriage, words: &str) -> usize {
        let answer = CodeAnswer {
            learner: of.learner.clone(),
            date: of.date,
            afternoon: of.afternoon,
            revision: of.revision.get(),
            how,
            words: words.to_owned(),
        };
        let speaker = self.speaker(by);
        self.exchange.answer_session_codes(&speaker, vec![answer], self.now()).await.unwrap()
    }

    async fn accepts(&self, who: &PersonSpeaker, learners: &[u32]) -> usize {
        let learners: BTreeSet<u32> = learners.iter().copied().collect();
        let morning = (date("2026-09-14"), Session::Morning);
        self.exchange.accept_clear(officer(who), morning, &learners, self.now()).await.unwrap()
    }

    async fn decides(&self, who: &PersonSpeaker, learner: u32, choice: Choice) {
        let morning = (date("2026-09-14"), Session::Morning);
        let decided = self.exchange.decide_code(officer(who), morning, (learner, choice), "rang", self.now());
        decided.await.unwrap();
    }

    async fn carried(&self, who: &PersonSpeaker, learner: u32) -> Option<(Carriage, String)> {
        let seen = self.exchange.codes(officer(who), [(0, usize::MAX); 2], self.now()).await.unwrap();
        let mut lines = seen.sessions.into_iter().flat_map(|of| of.lines);
        let carried = lines.find(|line| line.learner == learner)?.decided?.carried?;
        Some((carried.how, carried.words))
    }
}

fn shown(codes: &[OutCode]) -> Vec<String> {
    let one = |code: &OutCode| {
        let seen = if code.evidence.is_empty() { "" } else { " seen" };
        format!("{} {} r{} {}{seen}", code.learner.as_str(), code.code, code.revision, code.host)
    };
    codes.iter().map(one).collect()
}

/// A school whose first so many learners were seen at their host in the morning, and its attendance officer in the afternoon.
async fn seen(learners: &[u32]) -> (World, PersonSpeaker) {
    let mut world = school().await;
    let who = world.officer("kingsmead", 40).await;
    world.come_to(14).await;
    for number in learners {
        let guest = format!("n-{}", number + 1);
        world.publish("northgate", vec![marked(&guest, 10, Physical::Present, 1)]).await;
    }
    world.tick().await;
    (world, who)
}

/// The same; the officer has accepted what was proposed for them.
async fn accepted(learners: &[u32]) -> (World, PersonSpeaker) {
    let (world, who) = seen(learners).await;
    assert_eq!(world.accepts(&who, learners).await, learners.len());
    (world, who)
}

#[tokio::test]
async fn what_an_officer_accepted_goes_to_the_homes_own_agent_until_it_is_answered() {
    let (world, who) = seen(&[0, 1]).await;
    assert!(world.handed("kingsmead").await.is_empty(), "nobody has decided anything");
    assert_eq!(world.accepts(&who, &[0, 1]).await, 2);
    let codes = world.handed("kingsmead").await;
    assert_eq!(shown(&codes), ["k-1 B r1 northgate seen", "k-2 B r1 northgate seen"]);
    assert_eq!(
        world.handed("kingsmead").await,
        codes,
        "asked again, the same: nothing is lost with an answer"
    );
    for other in ["ridgeway", "northgate"] {
        assert!(world.handed(other).await.is_empty(), "{other} is nobody's home here");
        assert_eq!(
            world.said_of(other, &codes[0], Carriage::Applied, "").await,
            0,
            "nor has it a word in it"
        );
    }

    assert_eq!(world.carried(&who, 0).await, None, "it waits for the agent");
    assert_eq!(world.said_of("kingsmead", &codes[0], Carriage::Outbox, "").await, 1);
    assert_eq!(world.said_of("kingsmead", &codes[0], Carriage::Outbox, "").await, 0, "once");
    assert_eq!(shown(&world.handed("kingsmead").await), ["k-2 B r1 northgate seen"]);
    assert_eq!(world.said_of("kingsmead", &codes[0], Carriage::Applied, "").await, 1);
    assert_eq!(
        world.said_of("kingsmead", &codes[0], Carriage::Outbox, "").await,
        0,
        "what is older news changes nothing"
    );
    assert_eq!(world.carried(&who, 0).await, Some((Carriage::Applied, String::new())));
    let refused = "Pupil Obsidianlike is not on roll";
    assert_eq!(world.said_of("kingsmead", &codes[1], Carriage::Refused, refused).await, 1);
    assert_eq!(world.carried(&who, 1).await, Some((Carriage::Refused, refused.to_owned())));
    assert!(world.handed("kingsmead").await.is_empty());

    // Decided anew: a new revision goes, and an answer about the old one says nothing of it.
    world.decides(&who, 0, Choice::Keep).await;
    let anew = world.handed("kingsmead").await;
    assert_eq!(shown(&anew), ["k-1  r2 northgate seen"]);
    assert_eq!(world.said_of("kingsmead", &codes[0], Carriage::Refused, "late").await, 0);
    assert_eq!(world.carried(&who, 0).await, None);
    assert_eq!(world.said_of("kingsmead", &anew[0], Carriage::Kept, "").await, 1);

    let carried = world.entries_of("codes.carried").await;
    assert_eq!(carried.len(), 4);
    let log = serde_json::to_string(&world.exchange.show(1, 10_000).await.unwrap()).unwrap();
    assert!(!log.contains("Obsidianlike") && !log.contains("on roll"), "words stay out of entries");
    assert_eq!(world.entries_of("codes.decided").await.len(), 2);
    assert!(world.exchange.verify(|_| {}).await.is_ok());
}

#[tokio::test]
async fn no_b_leaves_once_the_hosts_mark_is_gone_and_what_has_left_is_told_and_not_changed() {
    let (mut world, who) = accepted(&[0, 1]).await;
    let codes = world.handed("kingsmead").await;
    assert_eq!(world.said_of("kingsmead", &codes[1], Carriage::Applied, "").await, 1);
    // The host takes both marks back a moment later: no tick comes between.
    for guest in ["n-1", "n-2"] {
        world.publish("northgate", vec![withdrawn(marked(guest, 10, Physical::Present, 2), 2)]).await;
    }
    assert!(world.handed("kingsmead").await.is_empty(), "a B that nothing bears stays here");
    let seen = world.exchange.codes(officer(&who), [(0, usize::MAX); 2], world.now()).await.unwrap();
    for line in seen.sessions.into_iter().flat_map(|of| of.lines) {
        assert!(line.decided.unwrap().stale, "its officer is told");
    }
    assert_eq!(
        world.carried(&who, 1).await,
        Some((Carriage::Applied, String::new())),
        "and it is not changed"
    );
    world.decides(&who, 0, Choice::Keep).await;
    let anew = world.handed("kingsmead").await;
    assert_eq!(shown(&anew), ["k-1  r2 northgate seen"], "a person has decided anew");
    assert_eq!(anew[0].evidence, codes[0].evidence, "what was proposed by the mark of then goes, too");
}

#[tokio::test]
async fn a_code_goes_only_to_who_is_still_the_learners_home_and_may_have_the_hosts_word() {
    let (world, _) = accepted(&[0]).await;
    // The placement never held: nothing of it may leave any more.
    world.declare("kingsmead", end("k-1", "northgate", crate::whereabouts::at(0))).await;
    assert!(world.handed("kingsmead").await.is_empty());
    let revoked = world.speaker("kingsmead");
    world.exchange.revoke(Revoke::Institution(slug("kingsmead")), "operator", world.now()).await.unwrap();
    assert!(
        world.exchange.session_codes(&revoked, world.now()).await.is_err(),
        "nor does a revoked agent ask"
    );
    assert!(world.exchange.answer_session_codes(&revoked, Vec::new(), world.now()).await.is_err());
}

#[tokio::test]
async fn what_the_host_took_back_goes_nowhere_on_a_later_day_either() {
    let (mut world, who) = accepted(&[0, 1]).await;
    // The home's agent is off. One mark is taken back, nobody decides anew, and the day ends.
    world.publish("northgate", vec![withdrawn(marked("n-1", 10, Physical::Present, 2), 2)]).await;
    world.pass(24 * 3_600_000_000);
    world.tick().await;
    assert_eq!(shown(&world.handed("kingsmead").await), ["k-2 B r1 northgate seen"]);
    let then = Some(date("2026-09-14"));
    let file = world.exchange.codes_file(officer(&who), then, world.now()).await.unwrap();
    let rows: Vec<_> = file.rows.iter().map(|row| (row.local.as_str(), &*row.code)).collect();
    assert_eq!((rows, file.left_out), (vec![("k-2", "B")], 1), "nor is it in the file of that day");
    // What was corrected since is a person's to look at, whatever it says now.
    world.publish("northgate", vec![marked("n-2", 10, Physical::Late, 2)]).await;
    assert!(world.handed("kingsmead").await.is_empty());
}

#[tokio::test]
async fn a_code_names_the_marks_that_bear_it_as_they_stand_now() {
    let (mut world, _) = accepted(&[0]).await;
    world.publish("northgate", vec![marked("n-1", 10, Physical::Present, 2)]).await;
    let codes = world.handed("kingsmead").await;
    assert_eq!(shown(&codes), ["k-1 B r1 northgate seen"]);
    assert_eq!(codes[0].evidence[0].1.get(), 2, "the home's agent holds that one, and no older");
}

#[tokio::test]
async fn that_the_homes_own_mark_stays_is_told_whatever_became_of_the_placement() {
    let (world, who) = accepted(&[0]).await;
    let codes = world.handed("kingsmead").await;
    assert_eq!(world.said_of("kingsmead", &codes[0], Carriage::Applied, "").await, 1);
    world.decides(&who, 0, Choice::Keep).await;
    // While the agent is off the placement turns out never to have held.
    world.declare("kingsmead", end("k-1", "northgate", crate::whereabouts::at(0))).await;
    world.tick().await;
    assert_eq!(shown(&world.handed("kingsmead").await), ["k-1  r2 northgate seen"], "the B has to go");
    world.pass(24 * 3_600_000_000);
    world.tick().await;
    assert_eq!(shown(&world.handed("kingsmead").await), ["k-1  r2 northgate seen"], "on a later day, too");
}

#[tokio::test]
async fn a_b_that_no_lesson_elsewhere_bears_any_more_can_still_be_taken_back_by_its_officer() {
    let (world, who) = accepted(&[0]).await;
    let codes = world.handed("kingsmead").await;
    assert_eq!(world.said_of("kingsmead", &codes[0], Carriage::Applied, "").await, 1);
    // It was never a placement of this learner's: nothing is expected of them any more.
    world.declare("kingsmead", end("k-1", "northgate", crate::whereabouts::at(0))).await;
    world.tick().await;
    let seen = world.exchange.codes(officer(&who), [(0, usize::MAX); 2], world.now()).await.unwrap();
    let mut lines = seen.sessions.into_iter().flat_map(|of| of.lines);
    let line = lines.find(|line| line.learner == 0).expect("the decision is still on the page");
    assert!(line.stands == CodeStands::Decided && line.decided.unwrap().stale);
    let morning = (date("2026-09-14"), Session::Morning);
    let again =
        world.exchange.decide_code(officer(&who), morning, (0, Choice::Elsewhere), "was", world.now());
    assert!(matches!(again.await, Err(LawError::State(_))), "nothing bears it");
    world.decides(&who, 0, Choice::Keep).await;
    assert_eq!(shown(&world.handed("kingsmead").await), ["k-1  r2 northgate seen"]);
}

#[tokio::test]
async fn a_restart_hands_out_what_was_not_answered_and_nothing_twice_in_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("hub.db").display());
    let mut world = on(open_store(&database).await).await;
    let who = world.officer("kingsmead", 40).await;
    world.come_to(14).await;
    for guest in ["n-1", "n-2"] {
        world.publish("northgate", vec![marked(guest, 10, Physical::Present, 1)]).await;
    }
    world.tick().await;
    assert_eq!(world.accepts(&who, &[0, 1]).await, 2);
    let codes = world.handed("kingsmead").await;
    world.said_of("kingsmead", &codes[0], Carriage::Applied, "").await;

    let again = Exchange::open(options(&database), world.now()).await.unwrap();
    let (home, now) = (world.speaker("kingsmead"), world.now());
    assert!(again.session_codes(&home, now).await.is_err(), "today's marks are not read yet");
    again.open_views(read_body, now);
    for _ in 0..4 {
        again.tick(now).await;
        again.follow(Duration::ZERO).await.unwrap();
    }
    assert_eq!(again.session_codes(&home, now).await.unwrap(), codes[1..]);
}

/// An agent that changes its word about a code without end is told to wait, and fills no log; what it says of others is taken,
/// and its last word is, too, when its time has come.
#[tokio::test]
async fn an_agent_that_changes_its_word_again_and_again_is_told_to_wait() {
    let (world, who) = accepted(&[0, 1]).await;
    let codes = world.handed("kingsmead").await;
    let answer = |of: &OutCode, how, words: &str| CodeAnswer {
        learner: of.learner.clone(),
        date: of.date,
        afternoon: of.afternoon,
        revision: of.revision.get(),
        how,
        words: words.to_owned(),
    };
    let speaker = world.speaker("kingsmead");
    let says = async |world: &World, answers| {
        world.exchange.answer_session_codes(&speaker, answers, world.now()).await
    };
    for turn in 0..11 {
        let how = if turn % 2 == 0 { Carriage::Applied } else { Carriage::Refused };
        assert_eq!(says(&world, vec![answer(&codes[0], how, "")]).await.unwrap(), 1, "{turn}");
    }
    let both = vec![answer(&codes[0], Carriage::Refused, "full"), answer(&codes[1], Carriage::Applied, "")];
    let refused = says(&world, both).await;
    assert_eq!(refused, Err(withdrawal::AnswerError::TooOften));
    assert_eq!(world.carried(&who, 0).await, Some((Carriage::Applied, String::new())));
    assert_eq!(world.carried(&who, 1).await, Some((Carriage::Applied, String::new())), "others are taken");
    let before = world.entries_of("codes.carried").await.len();
    for _ in 0..20 {
        assert!(says(&world, vec![answer(&codes[0], Carriage::Refused, "full")]).await.is_err());
    }
    assert_eq!(world.entries_of("codes.carried").await.len(), before);
    world.pass(3_600_000_000);
    assert_eq!(says(&world, vec![answer(&codes[0], Carriage::Refused, "full")]).await.unwrap(), 1);
    assert_eq!(world.carried(&who, 0).await, Some((Carriage::Refused, "full".to_owned())));
    assert!(
        says(&world, vec![answer(&codes[0], Carriage::Applied, "")]).await.is_err(),
        "and then once an hour"
    );
    // Whoever decides anew begins anew.
    world.decides(&who, 0, Choice::Keep).await;
    let anew = world.handed("kingsmead").await;
    assert_eq!(says(&world, vec![answer(&anew[0], Carriage::Kept, "")]).await.unwrap(), 1);
}
