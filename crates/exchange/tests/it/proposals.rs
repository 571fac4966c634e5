//! Changing the rules: two people, whichever way it goes, the exact change and no other, and the last good set when it fails.

use crate::world::*;
use commonroll_audit::approval::Approves;
use commonroll_core::Role;
use commonroll_exchange::*;
use commonroll_policy::Texts;

const WIDER: &str = "@id(\"lead-sees-log\")\n@says(\"A consortium lead sees the log.\")\n\
    permit (principal, action == Action::\"see_log\", resource) when { principal.role == Role::\"consortium_lead\" };\n";
const NARROWER: &str = "@id(\"no-marks-home\")\n@says(\"Attendance rests for now.\")\n\
    forbid (principal, action in [Action::\"publish\", Action::\"receive\"], resource is Attendance);\n";
const BROKEN: &str = "permit (principal,\n  action == Action::\"nonsense\",\n  resource);\n";

/// The set in force with one more file.
fn with(texts: &Texts, name: &str, more: &str) -> Texts {
    Texts::from_files(texts.iter().filter(|(held, _)| *held != name).chain([(name, more)]))
}

/// The same, signed by who proposes it.
fn proposal(world: &World, who: &Actor, name: &str, more: &str, nonce: u8) -> PolicyProposal {
    let (set, _) = world.exchange.policy_set(who.acting()).unwrap();
    let texts = with(set.texts(), name, more);
    let (from, nonce) = (set.hash(), [nonce; 16]);
    let signature = who.sign(Approves::Policy, &policy_change_hash(&from, &texts.hash(), &nonce));
    PolicyProposal { texts, from, nonce, signature }
}

async fn propose(world: &World, who: &Actor, name: &str, more: &str, nonce: u8) -> Proposed {
    world
        .exchange
        .propose_policy(who.acting(), proposal(world, who, name, more, nonce), world.now())
        .await
        .unwrap()
}

async fn approve(world: &World, who: &Actor, id: [u8; 32]) -> Result<(), LawError> {
    let signature = who.sign(Approves::Policy, &id);
    world.exchange.approve_policy(who.acting(), id, signature, world.now()).await
}

async fn activate(world: &World, who: &Actor, id: [u8; 32]) -> Result<(), LawError> {
    world.exchange.activate_policy(who.acting(), id, world.now()).await
}

#[tokio::test]
async fn what_narrows_is_in_force_on_every_stream_when_the_call_returns() {
    let mut world = World::governed().await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", "1000000019").await;
    world.publish("northgate", vec![mark("northgate", "n-77", 9, 1)]).await;
    let manager = Actor::new(&world, "kingsmead", Role::DataManager);
    let mut feed = world.exchange.receive(&world.speaker("kingsmead"), 0).unwrap();
    let proposed = propose(&world, &manager, "rest.cedar", NARROWER, 1).await;
    assert!(!proposed.comparison.kind().widens(), "{}", proposed.comparison);
    let before = world.exchange.stats().policy;
    let alone = activate(&world, &manager, proposed.id).await;
    assert!(matches!(alone, Err(LawError::State(_))), "one alone takes nothing from anybody: {alone:?}");
    approve(&world, &Actor::new(&world, "ridgeway", Role::Head), proposed.id).await.unwrap();
    activate(&world, &manager, proposed.id).await.unwrap();
    assert_ne!(world.exchange.stats().policy, before);
    let waiting = tokio::time::timeout(std::time::Duration::from_millis(100), feed.next(&world.clock)).await;
    assert!(waiting.is_err(), "a stream that was open hands out nothing more");
    let answers = world.publish("northgate", vec![mark("northgate", "n-77", 10, 1)]).await;
    assert!(matches!(answers[0], RecordAnswer::Rejected { .. }), "{answers:?}");
    let log = world.log().await;
    assert!(log.iter().any(|line| line.starts_with("policy.proposed by person:")), "{log:?}");
    assert!(log.iter().any(|line| line.starts_with("policy.activated by person:")), "{log:?}");
    let again = activate(&world, &manager, proposed.id).await;
    assert!(matches!(again, Err(LawError::State(_))), "{again:?}");
}

#[tokio::test]
async fn case_15_rules_that_were_narrowed_withhold_what_waits_and_recall_what_was_delivered() {
    let mut world = World::governed().await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", "1000000019").await;
    world.publish("northgate", vec![mark("northgate", "n-77", 9, 1)]).await;
    let (lines, _, cursor) = world.told("kingsmead", 0).await;
    let delivered = lines[0].trim_start_matches('+').split(' ').next().unwrap().to_owned();
    world.acknowledge("kingsmead", cursor).await.unwrap();
    world.publish("northgate", vec![mark("northgate", "n-77", 10, 1)]).await;
    let manager = Actor::new(&world, "kingsmead", Role::DataManager);
    let proposed = propose(&world, &manager, "rest.cedar", NARROWER, 1).await;
    approve(&world, &Actor::new(&world, "ridgeway", Role::Head), proposed.id).await.unwrap();
    activate(&world, &manager, proposed.id).await.unwrap();
    world.sweep().await;
    let (lines, notices, _) = world.told("kingsmead", cursor).await;
    assert_eq!(
        lines,
        [format!("-policy_narrowed {delivered}")],
        "and the mark of ten o’clock isn’t handed out"
    );
    assert_eq!(notices[0].copies.len(), 1);
    let withheld = world.entries_of("delivery.withheld").await;
    let [entry] = &withheld[..] else { panic!("one entry: {withheld:?}") };
    assert_eq!(
        (&entry["more"]["recipient"], &entry["more"]["withheld"][0][1]),
        (&"kingsmead".into(), &"no_policy".into())
    );
    world.exchange.verify(|_| {}).await.unwrap();
}

#[tokio::test]
async fn case_17_what_widens_needs_a_second_person_and_nobody_is_their_own() {
    let world = World::governed().await;
    let manager = Actor::new(&world, "kingsmead", Role::DataManager);
    let proposed = propose(&world, &manager, "lead.cedar", WIDER, 1).await;
    assert!(proposed.comparison.kind().widens(), "{}", proposed.comparison);
    assert!(matches!(activate(&world, &manager, proposed.id).await, Err(LawError::State(_))));
    // The proposer doesn't approve, in no role; nor does somebody whom no rule lets.
    assert_eq!(approve(&world, &manager, proposed.id).await, Err(LawError::NotAllowed(NotAllowed::Denied)));
    let climbing = Acting { role: Role::Head, ..manager.acting() };
    let signature = manager.sign(Approves::Policy, &proposed.id);
    let refused = world.exchange.approve_policy(climbing, proposed.id, signature, world.now()).await;
    assert_eq!(refused, Err(LawError::NotAllowed(NotAllowed::Denied)));
    // A second person's approval holds for this change: not for another one, and not as another sort of signature.
    let head = Actor::new(&world, "ridgeway", Role::Head);
    let other = propose(&world, &manager, "lead.cedar", WIDER, 2).await;
    let replayed = head.sign(Approves::Policy, &other.id);
    let refused = world.exchange.approve_policy(head.acting(), proposed.id, replayed, world.now()).await;
    assert!(matches!(refused, Err(LawError::Invalid(_))), "{refused:?}");
    let signature = head.sign(Approves::Agreement, &proposed.id);
    let refused = world.exchange.approve_policy(head.acting(), proposed.id, signature, world.now()).await;
    assert!(matches!(refused, Err(LawError::Invalid(_))), "{refused:?}");
    approve(&world, &head, proposed.id).await.unwrap();
    assert!(matches!(approve(&world, &head, proposed.id).await, Err(LawError::State(_))));
    activate(&world, &manager, proposed.id).await.unwrap();
    let (_, approvals) = world.exchange.policy_set(manager.acting()).unwrap();
    assert_eq!(approvals.len(), 2, "who proposed and who approved stand in the entry");
    assert!(world.log().await.iter().any(|line| line.starts_with("policy.approved by person:")));
    world.exchange.verify(|_| {}).await.unwrap();
}

#[tokio::test]
async fn case_17_an_approval_is_no_good_once_another_set_is_in_force_or_its_signer_has_gone() {
    let world = World::governed().await;
    let manager = Actor::new(&world, "kingsmead", Role::DataManager);
    let head = Actor::new(&world, "ridgeway", Role::Head);
    let wider = propose(&world, &manager, "lead.cedar", WIDER, 1).await;
    approve(&world, &head, wider.id).await.unwrap();
    world.exchange.revoke(Revoke::Person(head.made.id), "operator", world.now()).await.unwrap();
    let refused = activate(&world, &manager, wider.id).await;
    assert!(
        matches!(refused, Err(LawError::State(_))),
        "the second person was revoked meanwhile: {refused:?}"
    );
    approve(&world, &Actor::new(&world, "northgate", Role::Head), wider.id).await.unwrap();
    let narrower = propose(&world, &manager, "rest.cedar", NARROWER, 2).await;
    approve(&world, &Actor::new(&world, "northgate", Role::Head), narrower.id).await.unwrap();
    activate(&world, &manager, narrower.id).await.unwrap();
    // It was compared with the set before: it would take the narrowing back as well, which nobody has approved.
    let refused = activate(&world, &manager, wider.id).await;
    assert!(matches!(refused, Err(LawError::State(_))), "{refused:?}");
    let stale = PolicyProposal { from: [1; 32], ..proposal(&world, &manager, "lead.cedar", WIDER, 3) };
    let refused = world.exchange.propose_policy(manager.acting(), stale, world.now()).await;
    assert!(matches!(refused, Err(LawError::State(_))));
}

#[tokio::test]
async fn case_16_a_set_with_a_fault_is_refused_with_its_line_and_the_good_one_stays() {
    let mut world = World::governed().await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", "1000000019").await;
    let manager = Actor::new(&world, "kingsmead", Role::DataManager);
    let before = world.exchange.stats().policy;
    let bad = proposal(&world, &manager, "new.cedar", BROKEN, 1);
    let refused = world.exchange.propose_policy(manager.acting(), bad, world.now()).await;
    let Err(LawError::Faults(faults)) = refused else { panic!("{refused:?}") };
    assert!(faults[0].starts_with("new.cedar:"), "{faults:?}");
    let stats = world.exchange.stats();
    assert_eq!((stats.policy, stats.policy_rejected, stats.policy_broken), (before, 1, false));
    world.exchange.tick(world.now()).await;
    assert!(world.log().await.iter().any(|line| line.starts_with("policy.rejected")));
    let answers = world.publish("northgate", vec![mark("northgate", "n-77", 9, 1)]).await;
    assert!(matches!(answers[0], RecordAnswer::Accepted { .. }), "and goes on deciding: {answers:?}");
    // Nor does anything come in under a file name that is none.
    let strange = proposal(&world, &manager, "../common.cedar", WIDER, 2);
    let refused = world.exchange.propose_policy(manager.acting(), strange, world.now()).await;
    assert!(matches!(refused, Err(LawError::Invalid(_))), "{refused:?}");
}

#[tokio::test]
async fn another_node_and_a_restart_have_the_set_that_was_activated() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("hub.db").display());
    let world = World::with(&database, governed()).await;
    let other = Exchange::open(options(&database), world.now()).await.unwrap();
    let manager = Actor::new(&world, "kingsmead", Role::DataManager);
    let proposed = propose(&world, &manager, "rest.cedar", NARROWER, 1).await;
    approve(&world, &Actor::new(&world, "ridgeway", Role::Head), proposed.id).await.unwrap();
    activate(&world, &manager, proposed.id).await.unwrap();
    other.follow(std::time::Duration::from_secs(1)).await.unwrap();
    assert_eq!(other.stats().policy, world.exchange.stats().policy);
    let third = Exchange::open(options(&database), world.now()).await.unwrap();
    assert_eq!(third.stats().policy, world.exchange.stats().policy);
    assert_eq!(third.stats().log_entries, world.exchange.stats().log_entries);
}

#[tokio::test]
async fn case_16_an_activation_that_fails_keeps_the_last_good_set_with_an_entry() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hub.db");
    let database = format!("sqlite:{}", path.display());
    let world = World::with(&database, governed()).await;
    let manager = Actor::new(&world, "kingsmead", Role::DataManager);
    let proposed = propose(&world, &manager, "rest.cedar", NARROWER, 1).await;
    world.exchange.close(world.now()).await;
    // The stored proposal is damaged, or was made by a program that knows other words.
    let edit = "import sqlite3,sys\nc=sqlite3.connect(sys.argv[1])\nv=c.execute('select value from fact where kind=14').fetchone()[0]\n\
                c.execute('update fact set value=? where kind=14',(v.replace(b'is Attendance);',b'is Nonsense);'),))\nc.commit()";
    let run = std::process::Command::new("python3").args(["-c", edit]).arg(&path).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let again = Exchange::open(options(&database), world.now()).await.unwrap();
    let before = again.stats().policy;
    let acting = Acting { speaker: &again.person(manager.made.id).unwrap(), role: Role::DataManager };
    let refused = again.activate_policy(acting, proposed.id, world.now()).await;
    let Err(LawError::Faults(faults)) = refused else { panic!("{refused:?}") };
    assert!(faults[0].starts_with("rest.cedar:"), "{faults:?}");
    assert_eq!((again.stats().policy, again.stats().policy_rejected), (before, 1));
    again.tick(world.now()).await;
    let shown = again.show(1, 1000).await.unwrap();
    assert!(shown.iter().any(|entry| entry["what"] == "policy.rejected"));
}

#[tokio::test]
async fn case_17_nobody_locks_everybody_out_of_the_rules() {
    let world = World::governed().await;
    let manager = Actor::new(&world, "kingsmead", Role::DataManager);
    let forbid = |acts: &str, but: &str| {
        format!(
            "@id(\"locked\")\n@says(\"Locked.\")\nforbid (principal, action in [{acts}], resource){but};\n"
        )
    };
    let every = [
        forbid("Action::\"activate_policy\"", ""),
        forbid("Action::\"approve_policy\", Action::\"propose_policy\"", ""),
        // Nobody signs what nobody can read; and nobody is a consortium lead here.
        forbid("Action::\"see_policy\"", ""),
        forbid("Action::\"propose_policy\"", " unless { principal.role == Role::\"dpo\" }"),
    ];
    for (nonce, text) in (1u8..).zip(every) {
        let locked = proposal(&world, &manager, "locked.cedar", &text, nonce);
        let refused = world.exchange.propose_policy(manager.acting(), locked, world.now()).await;
        let Err(LawError::State(why)) = refused else { panic!("{text}: {refused:?}") };
        assert!(why.contains("could propose, approve and activate"), "{why}");
    }
    // The set in force once more changes nothing; a remark changes nothing that anybody may do, and takes one person.
    let (set, _) = world.exchange.policy_set(manager.acting()).unwrap();
    let common = set.texts().get("common.cedar").unwrap().to_owned();
    let same = proposal(&world, &manager, "common.cedar", &common, 9);
    let refused = world.exchange.propose_policy(manager.acting(), same, world.now()).await;
    assert!(matches!(refused, Err(LawError::State(why)) if why.contains("nothing would change")));
    let remark = propose(&world, &manager, "common.cedar", &format!("{common}// A remark.\n"), 10).await;
    activate(&world, &manager, remark.id).await.unwrap();
}
