//! What an auditor asks of the log, who may ask it, and that asking leaves an entry.

use crate::world::*;
use commonroll_audit::CopyOutcome;
use commonroll_core::Role;
use commonroll_exchange::*;

impl World {
    pub async fn who_saw(
        &self,
        who: &PersonSpeaker,
        role: Role,
        learner: &str,
    ) -> Result<Vec<Saw>, AskError> {
        let asker = self.exchange.asker(who, role, Question::WhoSaw)?;
        self.exchange.who_saw(&asker, &id(learner), Window::default(), self.now()).await
    }
}

#[tokio::test]
async fn the_homes_dpo_sees_who_got_which_groups_by_which_agreement_and_how_far_it_got() {
    let mut world = World::new().await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", "1000000019").await;
    world.placed("kingsmead", "k-2", "northgate", "n-78", "1000000027").await;
    world.publish("northgate", vec![mark("northgate", "n-77", 9, 1), mark("northgate", "n-78", 9, 1)]).await;
    let (_, cursor) = world.feed("kingsmead", 0).await;
    world.acknowledge("kingsmead", cursor).await.unwrap();
    world.pass(DAY);
    world.publish("northgate", vec![mark("northgate", "n-77", 10, 1)]).await;
    let dpo = world.office("kingsmead", Role::Dpo, 70).await;

    let saw = world.who_saw(&dpo, Role::Dpo, "k-1").await.unwrap();
    let lines: Vec<_> = saw.iter().map(|one| (&one.reader, one.reached, one.groups.as_slice())).collect();
    let kingsmead = Reader::Institution(slug("kingsmead"));
    assert_eq!(lines.len(), 2, "the other learner's record is not in it");
    assert_eq!(lines[0].0, &kingsmead);
    assert_eq!((lines[0].1, lines[1].1), (Reached::Acknowledged, Reached::Waiting));
    assert!(
        lines[0].2.contains(&2) && !lines[0].2.contains(&5),
        "{:?}: what the agreement lists",
        lines[0].2
    );
    for one in &saw {
        assert_eq!(one.source, Some(slug("northgate")));
        assert_eq!(one.agreement.as_deref(), Some("vale-2026 v1"));
        assert_eq!(one.policy, world.exchange.stats().policy, "the set that was in force");
    }

    // A window leaves out what lies outside it.
    let asker = world.exchange.asker(&dpo, Role::Dpo, Question::WhoSaw).unwrap();
    let window = Window { from: Some(world.now()), to: None };
    let later = world.exchange.who_saw(&asker, &id("k-1"), window, world.now()).await.unwrap();
    assert_eq!(later.len(), 1);

    // Asking is an entry that names the person, the role and the hub's own number, and nothing personal.
    let shown = world.exchange.show(1, 1000).await.unwrap();
    let asked: Vec<_> = shown.iter().filter(|entry| entry["what"] == "audit.asked").collect();
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[0]["by"], dpo.by());
    assert_eq!(asked[0]["more"]["asker"]["role"], "dpo");
    assert!(asked[0]["more"]["about"]["learner"].is_u64());
    assert!(!asked[0].to_string().contains("k-1"), "{}", asked[0]);
}

#[tokio::test]
async fn case_12_who_may_not_ask_and_who_does_not_exist_get_the_same_answer() {
    let mut world = World::new().await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", "1000000019").await;
    world.publish("northgate", vec![mark("northgate", "n-77", 9, 1)]).await;
    let denied = AskError::NotAllowed(NotAllowed::Denied);
    let stranger = world.office("ridgeway", Role::Dpo, 71).await;
    for learner in ["k-1", "n-77", "nobody"] {
        assert_eq!(world.who_saw(&stranger, Role::Dpo, learner).await, Err(denied.clone()), "{learner}");
    }
    let head = world.office("kingsmead", Role::Head, 72).await;
    assert_eq!(world.who_saw(&head, Role::Head, "k-1").await, Err(denied.clone()), "not a head's question");
    assert_eq!(world.who_saw(&head, Role::Dpo, "k-1").await, Err(denied.clone()), "a role that is not held");
    let operator = Asker::operator("operator");
    let asked = world.exchange.who_saw(&operator, &id("k-1"), Window::default(), world.now()).await;
    assert_eq!(asked, Err(denied), "the operator asks nothing about learners");
    world.exchange.tick(world.now()).await;
    assert!(world.log().await.iter().any(|line| line.starts_with("audit.refused")), "refusals are counted");
}

#[tokio::test]
async fn sums_say_what_flowed_and_events_what_was_refused_and_which_rules_changed() {
    let mut world = World::new().await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", "1000000019").await;
    world.publish("northgate", vec![mark("northgate", "n-77", 9, 1), mark("northgate", "n-99", 9, 1)]).await;
    let operator = Asker::operator("operator");
    let ask = async |direction, of: &str| {
        let of = slug(of);
        world.exchange.sharing(&operator, (direction, &of), Window::default(), world.now()).await.unwrap()
    };
    let shared = ask(Direction::SharedBy, "northgate").await;
    assert_eq!((shared.len(), shared[0].partner.as_str(), shared[0].records), (1, "kingsmead", 1));
    let received = ask(Direction::ReceivedBy, "kingsmead").await;
    assert_eq!((received[0].partner.as_str(), received[0].learners), ("northgate", 1));
    assert!(ask(Direction::ReceivedBy, "northgate").await.is_empty());

    let events =
        async |topic| world.exchange.events(&operator, topic, Window::default(), world.now()).await.unwrap();
    let rules = events(Topic::PolicyChanges).await;
    assert!(
        rules.iter().any(|event| event.more["set"] == world.exchange.stats().policy.as_str()),
        "{rules:?}"
    );
    assert!(rules.iter().any(|event| event.what.starts_with("agreement.")), "{rules:?}");
    let asked = events(Topic::Exports).await;
    assert_eq!(asked.iter().filter(|event| event.more["question"] == "shared_by").count(), 1);

    // A person sees what concerns the own institution alone.
    let manager = world.office("ridgeway", Role::DataManager, 73).await;
    let asker = world.exchange.asker(&manager, Role::DataManager, Question::Sharing).unwrap();
    let others = world
        .exchange
        .sharing(&asker, (Direction::SharedBy, &slug("northgate")), Window::default(), world.now())
        .await;
    assert_eq!(others, Err(AskError::NotAllowed(NotAllowed::Denied)));
    let asker = world.exchange.asker(&manager, Role::DataManager, Question::Events(Topic::Refused)).unwrap();
    let refused =
        world.exchange.events(&asker, Topic::Refused, Window::default(), world.now()).await.unwrap();
    assert!(refused.iter().all(|event| event.by != "northgate"), "{refused:?}");
}

/// A placement ends before the marks: kingsmead's copies have to go. Who made them, and who was asked, can see who has not answered.
#[tokio::test]
async fn who_was_asked_to_let_copies_go_is_listed_to_them_and_to_whoever_made_the_records() {
    let mut world = World::governed().await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", "1000000019").await;
    world.placed("kingsmead", "k-2", "ridgeway", "r-5", "1000000027").await;
    world.publish("northgate", vec![mark("northgate", "n-77", 9, 1), mark("northgate", "n-77", 10, 1)]).await;
    world.publish("ridgeway", vec![mark("ridgeway", "r-5", 11, 1)]).await;
    let (_, _, cursor) = world.told("kingsmead", 0).await;
    world.acknowledge("kingsmead", cursor).await.unwrap();
    let before = world.now();
    world.declare("northgate", end("n-77", "kingsmead", before.plus_micros(-DAY))).await;
    world.sweep().await;
    let (_, notices, _) = world.told("kingsmead", cursor).await;
    assert_eq!(notices.len(), 1);
    let lists = async |at: &str, role: Role| -> Vec<(u64, u64, Option<u64>)> {
        let who = Actor::new(&world, at, role);
        let topic = Topic::Withdrawals;
        let asker = world.exchange.asker(&who.speaker, role, Question::Events(topic)).unwrap();
        let events = world.exchange.events(&asker, topic, Window::default(), world.now()).await.unwrap();
        let one = |event: &Event| {
            assert_eq!(
                (&event.more["recipient"], event.what.as_str()),
                (&"kingsmead".into(), "notice.issued")
            );
            let removed = event.more["answered"]["removed"].as_u64();
            (event.more["number"].as_u64().unwrap(), event.more["copies"].as_u64().unwrap(), removed)
        };
        events.iter().map(one).collect()
    };
    for at in ["kingsmead", "northgate"] {
        assert_eq!(lists(at, Role::DataManager).await, [(1, 2, None)], "{at}");
    }
    assert_eq!(lists("ridgeway", Role::DataManager).await, [], "it is between two others");
    world.answer("kingsmead", &notices[0], CopyOutcome::Removed, "").await.unwrap();
    assert_eq!(lists("northgate", Role::DataManager).await, [(1, 2, Some(2))]);
    let operator = Asker::operator("operator");
    let all = world.exchange.events(&operator, Topic::Withdrawals, Window::default(), world.now()).await;
    assert_eq!(all.unwrap().len(), 1);
    let tutor = world.colleague("northgate", staff(Role::Tutor, None), 40).await;
    let refused = world.exchange.asker(&tutor, Role::Tutor, Question::Events(Topic::Withdrawals));
    assert!(refused.is_err(), "a tutor doesn't ask the log");
}
