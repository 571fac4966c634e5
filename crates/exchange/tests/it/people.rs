//! People as callers: how they come in, who may let whom in, and how they go. Case 17 among them.

use crate::world::*;
use commonroll_audit::{
    approval::{Approves, sign_approval},
    hash::Hash,
    keys::{Signature, SigningKey},
};
use commonroll_core::{
    PersonId, Purpose, Role,
    directory::{Declaration, Registration, StaffDeclaration},
};
use commonroll_exchange::*;
use std::{net::IpAddr, time::Duration};

const HOUR: Duration = Duration::from_secs(3600);
const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

/// A person with their key, as their own folder would hold it.
struct Someone {
    key: SigningKey,
    speaker: PersonSpeaker,
}

impl Someone {
    fn id(&self) -> PersonId {
        self.speaker.id()
    }

    fn signs(&self, text: &str) -> Signature {
        sign_approval(&self.key, Approves::Act, &self.id().0, &sha256(text))
    }
}

fn sha256(text: &str) -> Hash {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes()).as_ref());
    bytes
}

fn wanted(name: &str, roles: &[Role]) -> PersonWanted {
    PersonWanted { name: name.to_owned(), roles: roles.iter().copied().collect(), staff: None, learner: None }
}

impl World {
    async fn operator_invites(
        &self,
        at: &str,
        role: Role,
        number: u8,
    ) -> Result<PersonInvitation, AdminError> {
        let who = wanted(&format!("Quillfeather {number}"), &[role]);
        let by = Inviter::Operator("operator");
        self.exchange.invite_person(&slug(at), who, HOUR, by, ([number; 32], self.now())).await
    }

    async fn invites(
        &self,
        by: (&Someone, Role),
        who: PersonWanted,
        number: u8,
    ) -> Result<PersonInvitation, AdminError> {
        let at = by.0.speaker.institution().clone();
        let inviter = Inviter::Person(&by.0.speaker, by.1);
        self.exchange.invite_person(&at, who, HOUR, inviter, ([number; 32], self.now())).await
    }

    async fn joins(&self, code: &str, number: u8) -> Result<Someone, JoinError> {
        let (id, key) = (PersonId([number; 16]), SigningKey::from_seed(&[number; 32]).unwrap());
        self.exchange.join_person(code, id, *key.public().as_bytes(), PEER, self.now()).await?;
        Ok(Someone { key, speaker: self.exchange.person(id).unwrap() })
    }

    /// The first of an office, invited by the operator.
    async fn first(&self, at: &str, role: Role, number: u8) -> Someone {
        let invitation = self.operator_invites(at, role, number).await.unwrap();
        self.joins(&invitation.code, number).await.unwrap()
    }

    async fn list(&self, who: &Someone, role: Role) -> Result<Listed, AdminError> {
        self.exchange.people((&who.speaker, role), Purpose::Administration, self.now()).await
    }

    async fn approves(
        &self,
        who: &Someone,
        role: Role,
        hash: [u8; 32],
        text: &str,
    ) -> Result<(), AdminError> {
        self.exchange.approve_person((&who.speaker, role), hash, who.signs(text), self.now()).await
    }
}

const DENIED: AdminError = AdminError::NotAllowed(NotAllowed::Denied);

#[tokio::test]
async fn the_operator_brings_in_the_first_of_each_office_and_they_bring_in_the_rest() {
    let world = World::new().await;
    let manager = world.first("kingsmead", Role::DataManager, 60).await;
    let again = world.operator_invites("kingsmead", Role::DataManager, 61).await;
    assert!(matches!(again, Err(AdminError::Invalid(ref e)) if e.field == "roles"), "{again:?}");
    let teacher = world.operator_invites("kingsmead", Role::Teacher, 62).await;
    assert!(matches!(teacher, Err(AdminError::Invalid(ref e)) if e.field == "roles"), "{teacher:?}");

    let invitation = world
        .invites((&manager, Role::DataManager), wanted("Thistlewood", &[Role::Teacher]), 63)
        .await
        .unwrap();
    assert!(!invitation.needs_second, "a teacher holds no office");
    let teacher = world.joins(&invitation.code, 63).await.unwrap();
    let known = world.exchange.whoami(&teacher.speaker).unwrap();
    assert_eq!(
        (known.name.as_str(), known.roles.into_iter().collect()),
        ("Thistlewood", vec![Role::Teacher])
    );

    let not_theirs = world.invites((&teacher, Role::Teacher), wanted("Plum", &[Role::Teacher]), 64).await;
    assert_eq!(not_theirs.unwrap_err(), DENIED);
    let not_held = world.invites((&teacher, Role::DataManager), wanted("Plum", &[Role::Teacher]), 64).await;
    assert_eq!(not_held.unwrap_err(), DENIED, "a role that one does not hold");
    let elsewhere = Inviter::Person(&manager.speaker, Role::DataManager);
    let who = wanted("Plum", &[Role::Teacher]);
    let fresh = ([64; 32], world.now());
    let elsewhere = world.exchange.invite_person(&slug("ridgeway"), who, HOUR, elsewhere, fresh).await;
    assert_eq!(elsewhere.unwrap_err(), DENIED, "another institution's people");
    world.exchange.tick(world.now()).await;
    let log = world.exchange.show(1, 1000).await.unwrap();
    let refused: Vec<_> = log.iter().filter(|e| e["what"] == "person.refused").map(|e| &e["more"]).collect();
    let of_teacher = refused.iter().find(|more| more["actor"] == format!("person:{}", teacher.id())).unwrap();
    assert_eq!(of_teacher["count"], 2, "refusals of people are counted");
}

#[tokio::test]
async fn two_invitations_of_the_operator_make_one_first() {
    let world = World::new().await;
    let one = world.operator_invites("kingsmead", Role::Head, 60).await.unwrap();
    let two = world.operator_invites("kingsmead", Role::Head, 61).await.unwrap();
    world.joins(&one.code, 60).await.unwrap();
    assert_eq!(world.joins(&two.code, 61).await.err(), Some(JoinError::Refused));
}

#[tokio::test]
async fn case_17_an_office_needs_a_second_person_and_nobody_approves_their_own_change() {
    let world = World::new().await;
    let head = world.first("kingsmead", Role::Head, 60).await;
    let manager = world.first("kingsmead", Role::DataManager, 61).await;
    let outsider = world.first("ridgeway", Role::Head, 62).await;

    let myself =
        world.invites((&manager, Role::DataManager), wanted("quillfeather 61", &[Role::Dpo]), 70).await;
    assert!(
        matches!(myself, Err(AdminError::Invalid(ref e)) if e.field == "name"),
        "nobody invites themselves"
    );

    let ask = wanted("Rosalind Vane", &[Role::Dpo, Role::Teacher]);
    let proposed = world.invites((&manager, Role::DataManager), ask, 71).await.unwrap();
    assert!(proposed.needs_second);
    assert_eq!(world.joins(&proposed.code, 71).await.err(), Some(JoinError::Refused), "not before approval");

    let shown = world.list(&head, Role::Head).await.unwrap().invitations.remove(0);
    assert!(shown.waiting && shown.approvable && shown.hash == proposed.hash);
    assert!(shown.text.contains("name Rosalind Vane\n") && shown.text.contains("roles teacher, dpo\n"));
    let own = &world.list(&manager, Role::DataManager).await.unwrap().invitations[0];
    assert!(own.waiting && !own.approvable);

    let approve = |who, role, text: String| {
        let world = &world;
        async move { world.approves(who, role, proposed.hash, &text).await }
    };
    assert_eq!(approve(&manager, Role::DataManager, shown.text.clone()).await, Err(DENIED), "one's own");
    assert_eq!(
        approve(&outsider, Role::Head, shown.text.clone()).await,
        Err(DENIED),
        "another institution's"
    );
    assert_eq!(approve(&head, Role::Dpo, shown.text.clone()).await, Err(DENIED), "a role not held");
    let bent = shown.text.replace("teacher, dpo", "teacher");
    let bent = approve(&head, Role::Head, bent).await;
    assert!(
        matches!(bent, Err(AdminError::Invalid(ref e)) if e.field == "signature"),
        "another text: {bent:?}"
    );
    let forged = manager.signs(&shown.text);
    let forged =
        world.exchange.approve_person((&head.speaker, Role::Head), proposed.hash, forged, world.now()).await;
    assert!(matches!(forged, Err(AdminError::Invalid(ref e)) if e.field == "signature"), "another's key");
    assert_eq!(world.joins(&proposed.code, 71).await.err(), Some(JoinError::Refused), "still not");

    approve(&head, Role::Head, shown.text.clone()).await.unwrap();
    assert_eq!(approve(&head, Role::Head, shown.text.clone()).await, Err(DENIED), "a replay");
    world.joins(&proposed.code, 71).await.unwrap();
    assert_eq!(world.joins(&proposed.code, 72).await.err(), Some(JoinError::Refused), "one use");

    // The same approval under another invitation of the same person: the text differs, so it does not hold.
    let ask = wanted("Rosalind Vane", &[Role::Dpo, Role::Teacher]);
    let next = world.invites((&manager, Role::DataManager), ask, 73).await.unwrap();
    let replayed = world.approves(&head, Role::Head, next.hash, &shown.text).await;
    assert!(matches!(replayed, Err(AdminError::Invalid(ref e)) if e.field == "signature"), "{replayed:?}");

    let log = world.exchange.show(1, 1000).await.unwrap();
    let approved = log.iter().find(|e| e["what"] == "person.approved").unwrap();
    assert_eq!(approved["by"], format!("person:{}", head.id()));
    assert_eq!(
        (&approved["more"]["role"], &approved["more"]["institution"]),
        (&"head".into(), &"kingsmead".into())
    );
    assert_eq!(
        approved["more"]["signature"].as_str().unwrap().len(),
        128,
        "evidence stays in the entry itself"
    );
}

#[tokio::test]
async fn case_17_where_an_institution_has_one_office_holder_the_consortium_is_the_second() {
    let world = World::new().await;
    let manager = world.first("kingsmead", Role::DataManager, 60).await;
    let alone = world.invites((&manager, Role::DataManager), wanted("Vane", &[Role::Head]), 70).await;
    assert!(
        matches!(alone, Err(AdminError::Invalid(ref e)) if e.field == "roles"),
        "widening by one is refused"
    );
    let lead = world.first("northgate", Role::ConsortiumLead, 61).await;
    let asked = world.invites((&manager, Role::DataManager), wanted("Vane", &[Role::Dpo]), 71).await.unwrap();
    assert!(asked.needs_second);
    let listed = world.list(&lead, Role::ConsortiumLead).await.unwrap();
    assert!(listed.people.is_empty(), "a lead sees what is to be approved, and nobody's staff");
    let open: Vec<_> = listed.invitations.iter().map(|i| (i.hash, i.approvable)).collect();
    assert_eq!(open, [(asked.hash, true)]);
    world.approves(&lead, Role::ConsortiumLead, asked.hash, &listed.invitations[0].text).await.unwrap();
    world.joins(&asked.code, 71).await.unwrap();
}

#[tokio::test]
async fn case_04_a_persons_invitation_is_for_one_person_once_and_never_for_an_agent() {
    let world = World::new().await;
    let invitation = world.operator_invites("kingsmead", Role::Head, 60).await.unwrap();
    let key = *SigningKey::from_seed(&[60; 32]).unwrap().public().as_bytes();
    let agent = world.exchange.join(&invitation.code, AgentId([9; 16]), key, PEER, world.now()).await;
    assert_eq!(agent, Err(JoinError::Refused));
    let agents =
        world.exchange.invite(&slug("kingsmead"), HOUR, "operator", [80; 32], world.now()).await.unwrap();
    assert_eq!(world.joins(&agents, 60).await.err(), Some(JoinError::Refused));
    let taken = world.agents["ridgeway"].key.public();
    let taken =
        world.exchange.join_person(&invitation.code, PersonId([1; 16]), *taken.as_bytes(), PEER, world.now());
    assert_eq!(taken.await.err(), Some(JoinError::Refused), "an agent's key is nobody else's");
    world.joins(&invitation.code, 60).await.unwrap();

    let late = world.operator_invites("ridgeway", Role::Head, 61).await.unwrap();
    world.pass(2 * 3_600_000_000);
    assert_eq!(world.joins(&late.code, 61).await.err(), Some(JoinError::Refused));
    let long = Inviter::Operator("operator");
    let (at, who, fresh) = (slug("ridgeway"), wanted("Vane", &[Role::Head]), ([62; 32], world.now()));
    let long = world.exchange.invite_person(&at, who, Duration::from_secs(73 * 3600), long, fresh).await;
    assert!(matches!(long, Err(AdminError::Invalid(ref e)) if e.field == "valid_for"));
    for _ in 0..10 {
        let _ = world.joins("guessed", 99).await;
    }
    let slowed = world.joins("guessed", 99).await.err();
    assert!(matches!(slowed, Some(JoinError::TooMany { .. })), "{slowed:?}");
}

#[tokio::test]
async fn a_revoked_person_is_out_at_once_with_all_that_they_had_invited_also_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("hub.db").display());
    let world = World::at(&database).await;
    let head = world.first("kingsmead", Role::Head, 60).await;
    let manager = world.first("kingsmead", Role::DataManager, 61).await;
    let stranger = world.first("ridgeway", Role::Head, 62).await;
    let open =
        world.invites((&manager, Role::DataManager), wanted("Plum", &[Role::Tutor]), 70).await.unwrap();

    let revoke = |by: &Someone, role| {
        let (speaker, now, exchange) = (by.speaker.clone(), world.now(), world.exchange.clone());
        let whom = manager.id();
        async move { exchange.revoke_person((&speaker, role), whom, now).await }
    };
    assert_eq!(revoke(&stranger, Role::Head).await, Err(DENIED), "another institution's person");
    revoke(&head, Role::Head).await.unwrap();
    assert_eq!(world.exchange.person(manager.id()), Err(NotAllowed::Unknown));
    let acts = world.invites((&manager, Role::DataManager), wanted("Plum", &[Role::Tutor]), 71).await;
    assert_eq!(acts.unwrap_err(), AdminError::NotAllowed(NotAllowed::Unknown));
    assert_eq!(world.joins(&open.code, 70).await.err(), Some(JoinError::Refused), "their invitation is void");
    let renewed = world.exchange.renew_person(manager.id(), |_| true, world.now()).await;
    assert_eq!(renewed, Err(JoinError::Refused));
    assert_eq!(revoke(&head, Role::Head).await, Err(DENIED), "they are out already");
    let log = world.log().await;
    assert!(log.contains(&format!("person.revoked by person:{}", head.id())), "{log:?}");
    world.exchange.verify(|_| ()).await.unwrap();

    let again = Exchange::open(options(&database), world.now()).await.unwrap();
    assert!(again.person(manager.id()).is_err() && again.person(head.id()).is_ok());
    assert_eq!(again.revoke(Revoke::Institution(slug("kingsmead")), "operator", world.now()).await, Ok(2));
    assert!(again.person(head.id()).is_err(), "an institution's people go with its agents");
}

#[tokio::test]
async fn a_person_renews_with_their_key_until_it_was_unused_for_90_days() {
    let world = World::new().await;
    let head = world.first("kingsmead", Role::Head, 60).await;
    let renew = |good: bool| {
        let exchange = world.exchange.clone();
        let (id, now) = (head.id(), world.now());
        async move { exchange.renew_person(id, move |_| good, now).await }
    };
    assert_eq!(renew(false).await, Err(JoinError::Refused));
    world.pass(80 * DAY);
    assert_eq!(renew(true).await, Ok(slug("kingsmead")));
    world.pass(91 * DAY);
    assert_eq!(renew(true).await, Err(JoinError::Refused));
}

#[tokio::test]
async fn learners_parents_and_staff_are_who_the_institution_says() {
    let world = World::new().await;
    let manager = world.first("kingsmead", Role::DataManager, 60).await;
    world.declare("kingsmead", learner("k-1", Registration::Home, "1000000019")).await;
    world.declare("kingsmead", learner("k-2", Registration::Guest, "1000000027")).await;
    let ask = |who: PersonWanted, number| world.invites((&manager, Role::DataManager), who, number);
    let field = |answer: Result<PersonInvitation, AdminError>| match answer {
        Err(AdminError::Invalid(broken)) => broken.field,
        other => panic!("{other:?}"),
    };
    let parent = |child: &str| PersonWanted { learner: Some(id(child)), ..wanted("Ashby", &[Role::Parent]) };
    assert_eq!(field(ask(parent("k-2"), 70).await), "learner", "another's learner");
    assert_eq!(field(ask(parent("k-9"), 70).await), "learner");
    assert_eq!(field(ask(wanted("Ashby", &[Role::Parent]), 70).await), "learner");
    assert_eq!(field(ask(wanted("Ashby", &[Role::Program, Role::Head]), 70).await), "roles");
    assert_eq!(field(ask(wanted("Ash\nby", &[Role::Tutor]), 70).await), "name");
    ask(parent("k-1"), 70).await.unwrap();

    let teacher = || PersonWanted { staff: Some(id("S1")), ..wanted("Thistlewood", &[Role::Teacher]) };
    let invitation = ask(teacher(), 71).await.unwrap();
    let _teacher = world.joins(&invitation.code, 71).await.unwrap();
    assert_eq!(field(ask(PersonWanted { name: "Other".into(), ..teacher() }, 72).await), "staff");

    let staff = |groups: &[&str]| {
        let groups = groups.iter().map(|g| id(g)).collect();
        Declaration::Staff(StaffDeclaration { local_id: id("S1"), roles: vec![Role::Head], groups })
    };
    assert_eq!(world.declare("kingsmead", staff(&["12B", "13A"])).await, DeclareResult::Accepted);
    assert_eq!(world.declare("kingsmead", staff(&["13A", "12B"])).await, DeclareResult::Unchanged);
    assert_eq!(world.declare("kingsmead", staff(&[])).await, DeclareResult::Accepted);
    world.exchange.verify(|_| ()).await.unwrap();
}

#[tokio::test]
async fn the_home_lets_learners_and_parents_in_by_its_head_or_data_manager_alone() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("hub.db").display());
    let world = World::at(&database).await;
    let manager = world.first("kingsmead", Role::DataManager, 60).await;
    let teacher = world.invites((&manager, Role::DataManager), wanted("Ashby", &[Role::Teacher]), 61).await;
    let teacher = world.joins(&teacher.unwrap().code, 61).await.unwrap();
    let set = async |world: &World, who: &Someone, role, on| {
        world.exchange.set_access(Acting { speaker: &who.speaker, role }, on, world.now()).await
    };
    assert!(!world.list(&manager, Role::DataManager).await.unwrap().access, "off until said");
    assert_eq!(set(&world, &teacher, Role::Teacher, true).await, Err(DENIED));
    assert_eq!(
        set(&world, &teacher, Role::DataManager, true).await,
        Err(DENIED),
        "not a role that they hold"
    );
    assert_eq!(set(&world, &manager, Role::DataManager, true).await, Ok(()));
    assert_eq!(set(&world, &manager, Role::DataManager, true).await, Ok(()));
    let again = Exchange::open(options(&database), world.now()).await.unwrap();
    let listed = again.people((&manager.speaker, Role::DataManager), Purpose::Administration, world.now());
    assert!(listed.await.unwrap().access, "also after a start");
    again.close(world.now()).await;
    world.exchange.follow(Duration::from_secs(1)).await.unwrap();
    assert_eq!(set(&world, &manager, Role::DataManager, false).await, Ok(()));
    assert!(!world.list(&manager, Role::DataManager).await.unwrap().access);
    let log = world.log().await;
    let said = |what: &str| log.iter().filter(|line| line.starts_with(what)).count();
    assert_eq!((said("access.opened"), said("access.closed")), (1, 1), "said twice, so once: {log:?}");
}

#[tokio::test]
async fn names_are_in_no_entry_and_no_debug_and_listing_people_is_an_entry() {
    let world = World::new().await;
    let manager = world.first("kingsmead", Role::DataManager, 60).await;
    let ask = wanted("Rosalind Vane", &[Role::Teacher]);
    let shown = format!("{ask:?}");
    let invitation = world.invites((&manager, Role::DataManager), ask, 61).await.unwrap();
    let teacher = world.joins(&invitation.code, 61).await.unwrap();
    assert_eq!(world.list(&teacher, Role::Teacher).await.unwrap_err(), DENIED);
    let wrong = (&manager.speaker, Role::DataManager);
    let wrong = world.exchange.people(wrong, Purpose::Teaching, world.now()).await;
    assert!(matches!(wrong, Err(AdminError::Invalid(ref e)) if e.field == "purpose"));
    let listed = world.list(&manager, Role::DataManager).await.unwrap();
    assert_eq!(listed.people.iter().filter(|person| person.revoked.is_none()).count(), 2);
    let texts = format!("{shown}{listed:?}{invitation:?}{:?}", teacher.speaker);
    let log: Vec<_> = world.exchange.show(1, 1000).await.unwrap().iter().map(ToString::to_string).collect();
    for canary in ["Rosalind", "Vane", "Quillfeather", invitation.code.as_str()] {
        assert!(!texts.contains(canary), "{texts}");
        assert!(log.iter().all(|entry| !entry.contains(canary)), "an entry names somebody");
    }
    let entry = log.iter().find(|e| e.contains("people.shown")).unwrap();
    assert!(
        entry.contains("data_manager") && entry.contains("administration") && entry.contains("kingsmead")
    );
}
