//! A home's register system gives an id that it has used to another child, or corrects number and date of birth at once: nobody
//! guesses which.

use crate::{
    matches::*,
    whereabouts::{marked, school},
    world::*,
};
use commonroll_audit::SigningKey;
use commonroll_core::{
    PersonId, Role,
    directory::{Declaration, Registration},
    record::attendance::Physical,
};
use commonroll_exchange::*;

/// Another child under the id.
fn rowan() -> Declaration {
    called(learner("k-1", Registration::Home, OTHER), "Rowan", "2010-02-02")
}

fn imogen() -> Declaration {
    learner("k-1", Registration::Home, ULN)
}

/// Kingsmead's k-1 visits northgate, and one mark has been taken in. Then the id is another child's.
async fn reused(database: &str) -> (World, People, u64) {
    let mut world = World::with(database, governed()).await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", ULN).await;
    assert!(reaches_home(&mut world, 9).await);
    let (_, _, cursor) = world.told("kingsmead", 0).await;
    world.acknowledge("kingsmead", cursor).await.unwrap();
    assert_eq!(world.declare("kingsmead", rowan()).await, DeclareResult::Accepted);
    let people = people(&world);
    (world, people, cursor)
}

async fn says(world: &World, who: &Actor, is_same: bool) -> Result<(), LawError> {
    let seen = world.exchange.unmatched(who.acting(), None, world.now()).await;
    let stamp = seen.ok().and_then(|seen| Some(seen.reused.first()?.stamp.clone())).unwrap_or_default();
    world.exchange.settle_reused(who.acting(), (&id("k-1"), &stamp), is_same, world.now()).await
}

#[tokio::test]
async fn case_20_an_id_that_stands_for_another_child_stops_until_the_home_says_that_both_were_corrected() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("hub.db").display());
    let (mut world, People { host, home, .. }, cursor) = reused(&database).await;
    assert!(!reaches_home(&mut world, 10).await, "what is recorded of Imogen doesn't go to Rowan's id");
    assert_eq!(world.declare("kingsmead", rowan()).await, DeclareResult::Unchanged);
    world.sweep().await;
    assert_eq!(
        world.told("kingsmead", cursor).await.0,
        Vec::<String>::new(),
        "nothing is taken away unasked"
    );
    world.exchange.close(world.now()).await;
    world.started_again(open_store(&database).await).await;
    assert!(!reaches_home(&mut world, 10).await, "nor after a restart");

    let sees = seen(&world, &home).await;
    let [one] = &sees.reused[..] else { panic!("one id") };
    assert_eq!((one.local.as_str(), one.called.as_str(), one.guests), ("k-1", "Rowan Ashby", 1));
    assert_eq!(one.since, world.now());
    let at_host = seen(&world, &host).await;
    assert!(at_host.reused.is_empty() && at_host.moved.is_empty(), "it is the home's to say");
    world.exchange.open_views(read_body, world.now());
    let problems = world.exchange.own_problems(&world.speaker("kingsmead"), world.now()).unwrap();
    assert_eq!(problems.problems.iter().find(|one| one.rule == "id_reused").unwrap().count, 1);

    says(&world, &home, true).await.unwrap();
    assert!(seen(&world, &home).await.reused.is_empty());
    assert!(reaches_home(&mut world, 11).await, "the same child: it flows");
    world.sweep().await;
    let (lines, ..) = world.told("kingsmead", cursor).await;
    assert!(lines.len() == 1 && lines[0].starts_with('+'), "{lines:?}");
    // It holds: the same data once more, or another spelling, is no new doubt.
    world.declare("kingsmead", called(rowan(), "Ro", "2010-02-02")).await;
    assert!(seen(&world, &home).await.reused.is_empty());
    let entries = world.exchange.show(1, 1000).await.unwrap();
    let said = entries.iter().find(|entry| entry["more"]["reused"] == "same").unwrap();
    assert_eq!((&said["what"], &said["more"]["role"]), (&"directory.learner".into(), &"data_manager".into()));
    assert!(world.exchange.verify(|_| {}).await.is_ok());
}

#[tokio::test]
async fn case_20_another_child_begins_anew_and_gets_its_own_guests() {
    let (mut world, People { host, home, .. }, cursor) = reused("sqlite::memory:").await;
    // Rowan visits northgate, too: nobody is tied to an id that is in doubt.
    world
        .declare("northgate", called(learner("n-99", Registration::Guest, OTHER), "Rowan", "2010-02-02"))
        .await;
    world.declare("northgate", acceptance("n-99", "kingsmead")).await;
    assert_eq!(seen(&world, &host).await.guests[0].local, id("n-99"));
    says(&world, &home, false).await.unwrap();

    let sees = seen(&world, &host).await;
    assert!(sees.guests.is_empty(), "the number and the date of birth are Rowan's");
    let links: Vec<_> = sees.links.links.iter().map(|link| link.local.as_str()).collect();
    assert_eq!(links, ["n-99"]);
    let moved: Vec<_> = sees.moved.iter().map(|one| (one.local.as_str(), one.how)).collect();
    assert_eq!(moved, [("n-77", MovedHow::Homeless)], "Imogen's home is for people to find");
    assert!(!reaches_home(&mut world, 10).await);
    let marks = world.publish("northgate", vec![mark("northgate", "n-99", 10, 1)]).await;
    assert!(matches!(marks[0], RecordAnswer::Accepted { .. }), "{marks:?}");
    world.sweep().await;
    let (lines, ..) = world.told("kingsmead", cursor).await;
    assert_eq!(
        lines.iter().filter(|line| line.starts_with('-')).count(),
        1,
        "Imogen's is called back: {lines:?}"
    );
    assert!(world.exchange.verify(|_| {}).await.is_ok());
}

#[tokio::test]
async fn who_puts_it_back_needs_no_answer_and_one_correction_alone_is_no_doubt() {
    let (mut world, People { home, .. }, cursor) = reused("sqlite::memory:").await;
    assert_eq!(world.declare("kingsmead", imogen()).await, DeclareResult::Accepted);
    assert!(seen(&world, &home).await.reused.is_empty());
    assert!(reaches_home(&mut world, 10).await);
    world.sweep().await;
    assert!(world.told("kingsmead", cursor).await.0.iter().all(|line| line.starts_with('+')));
    for (uln, born) in [(OTHER, "2009-05-01"), (OTHER, "2010-02-02"), ("", "2009-05-01"), (ULN, "2010-02-02")]
    {
        world.declare("kingsmead", called(learner("k-1", Registration::Home, uln), "Imogen", born)).await;
        assert!(seen(&world, &home).await.reused.is_empty(), "{uln} {born}: one after the other");
    }
}

#[tokio::test]
async fn a_leavers_id_that_is_given_out_again_is_another_child_at_once() {
    let mut world = World::governed().await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", ULN).await;
    world.declare("kingsmead", learner("k-1", Registration::Previous, ULN)).await;
    assert_eq!(world.declare("kingsmead", rowan()).await, DeclareResult::Accepted);
    let home = people(&world).home;
    assert!(seen(&world, &home).await.reused.is_empty(), "the home has said that the one before left");
    assert!(!reaches_home(&mut world, 9).await);
    // Imogen comes back under an id of her own, and is who she was.
    world.declare("kingsmead", learner("k-500", Registration::Home, ULN)).await;
    world.declare("kingsmead", placement("k-500", "northgate")).await;
    assert!(reaches_home(&mut world, 10).await);
}

#[tokio::test]
async fn only_a_data_manager_of_the_home_answers_to_what_was_shown_and_no_claim_slips_in_meanwhile() {
    let (world, People { host, home, other }, _) = reused("sqlite::memory:").await;
    let denied = Err(LawError::NotAllowed(NotAllowed::Denied));
    for who in [&host, &other, &Actor::new(&world, "kingsmead", Role::Head)] {
        assert_eq!(says(&world, who, true).await, denied);
    }
    let stale = seen(&world, &home).await.reused[0].stamp.clone();
    world.declare("kingsmead", called(rowan(), "Rowan", "2010-02-03")).await;
    let answer = world.exchange.settle_reused(home.acting(), (&id("k-1"), &stale), true, world.now()).await;
    assert!(matches!(answer, Err(LawError::State(_))), "{answer:?}");

    // Imogen's data, claimed by another partner while it is open who k-1 is: it is a second claim, as before.
    let claim = learner("r-9", Registration::Home, ULN);
    assert_eq!(world.declare("ridgeway", claim).await, DeclareResult::Contested);
    assert!(seen(&world, &host).await.moved.is_empty());
    says(&world, &home, false).await.unwrap();
    assert_eq!(
        seen(&world, &host).await.moved[0].how,
        MovedHow::HomeChanged,
        "ridgeway's claim stands alone now"
    );
    assert_eq!(says(&world, &home, true).await, denied, "nothing is in doubt any more");
}

/// Somebody is looked for when the home's register system gives the id away: they are looked for still.
#[tokio::test]
async fn an_alert_of_before_stands_while_it_is_open_whom_the_id_stands_for() {
    let mut world = school().await;
    let (officer, home) =
        (world.officer("kingsmead", 40).await, Actor::new(&world, "kingsmead", Role::DataManager));
    world.come_to(14).await;
    world.publish("northgate", vec![marked("n-1", 10, Physical::Absent, 1)]).await;
    world.come_to(15).await;
    assert_eq!(world.away(&officer).await.to_find(), 1);
    assert_eq!(world.declare("kingsmead", rowan()).await, DeclareResult::Accepted);
    world.come_to(20).await;
    let over = world.entries_of("alert.over").await;
    assert!(
        over.iter().all(|entry| entry["more"]["about"] != "unaccounted"),
        "nobody has found them: {over:?}"
    );
    says(&world, &home, true).await.unwrap();
    world.come_to(21).await;
    assert_eq!(world.away(&officer).await.to_find(), 1, "and the home reads it again");
}

/// Whoever was let in to read Imogen's own record doesn't read Rowan's, in the one way and in the other.
#[tokio::test]
async fn a_parent_of_the_child_before_is_no_parent_of_the_one_who_has_the_id_now() {
    for leaves_first in [false, true] {
        let world = World::governed().await;
        world.placed("kingsmead", "k-1", "northgate", "n-77", ULN).await;
        let home = people(&world).home;
        let parent = PersonWanted {
            name: "Quillfeather".to_owned(),
            roles: [Role::Parent].into(),
            staff: None,
            learner: Some(id("k-1")),
        };
        let of = world.colleague("kingsmead", parent.clone(), 50).await;
        let invite = async |seed: u8| {
            let (hour, fresh) = (std::time::Duration::from_secs(3600), ([seed; 32], world.now()));
            let by = Inviter::Person(&home.speaker, home.role);
            world.exchange.invite_person(&slug("kingsmead"), parent.clone(), hour, by, fresh).await
        };
        let open = invite(51).await.unwrap();
        if leaves_first {
            world.declare("kingsmead", learner("k-1", Registration::Previous, ULN)).await;
        }
        world.declare("kingsmead", rowan()).await;
        if !leaves_first {
            assert!(invite(52).await.is_err(), "nobody is let in while it is open whose parent that is");
            assert!(world.exchange.person(of.id()).is_ok());
            says(&world, &home, false).await.unwrap();
        }
        assert!(world.exchange.person(of.id()).is_err(), "{leaves_first}");
        let peer = "127.0.0.1".parse().unwrap();
        let (id, key) = (PersonId([53; 16]), *SigningKey::from_seed(&[53; 32]).unwrap().public().as_bytes());
        let joins = world.exchange.join_person(&open.code, id, key, peer, world.now());
        assert_eq!(joins.await.err(), Some(JoinError::Refused), "{leaves_first}");
        assert!(invite(54).await.is_ok(), "Rowan's own are let in anew");
    }
}
