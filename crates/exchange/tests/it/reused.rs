//! A home's register system gives an id that it has used to another child, or corrects number and date of birth at once: nobody
//! guesses which.

use crate::{
    matches::*,
    whereabouts::{marked, school},
    world::*,
};
use commonroll_audit::SigningKey;
use commonroll_core::{
    Interval, PersonId, Role,
    directory::{Declaration, NoticeDeclaration, NoticeKind, Registration, SupportDeclaration},
    record::{Text, attendance::Physical},
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
    let seen = world.exchange.unmatched(who.acting(), (None, &UnmatchedPart::FIRST), world.now()).await;
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
    for hour in [8, 10] {
        let marks = world.publish("northgate", vec![mark("northgate", "n-99", hour, 1)]).await;
        assert!(
            matches!(marks[0], RecordAnswer::Rejected { code: "no_placement", .. }),
            "it was Imogen whom Kingsmead placed there: {marks:?}"
        );
    }
    assert_eq!(world.declare("kingsmead", placement("k-1", "northgate")).await, DeclareResult::Accepted);
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

/// What the home wrote for whoever teaches k-1, and that they come later today.
fn said_of(world: &World) -> [Declaration; 2] {
    let text = |said| Text::parse("text", said, 200).unwrap();
    let support = SupportDeclaration {
        learner: id("k-1"),
        needs: text("Carries an auto-injector"),
        emergency: text("Ring the desk first"),
        last_date: date("2027-07-20"),
    };
    let notice = NoticeDeclaration {
        local_id: id("notice-1"),
        learner: id("k-1"),
        kind: NoticeKind::ExpectedAbsence,
        time: Interval::new(world.now(), world.now().plus_micros(3_600_000_000)).unwrap(),
        withdrawn: false,
    };
    [Declaration::Support(support), Declaration::Notice(notice)]
}

/// Needs, an emergency contact and placements are the child's about whom they were said, not the id's; in the one way and in
/// the other.
#[tokio::test]
async fn case_20_what_was_said_of_the_child_before_is_not_said_of_the_one_who_has_the_id_now() {
    for (leaves_first, is_same) in [(false, false), (false, true), (true, false)] {
        let mut world = World::governed().await;
        world.placed("kingsmead", "k-1", "northgate", "n-77", ULN).await;
        let home = people(&world).home;
        for said in said_of(&world) {
            assert_eq!(world.declare("kingsmead", said).await, DeclareResult::Accepted);
        }
        if leaves_first {
            world.declare("kingsmead", learner("k-1", Registration::Previous, ULN)).await;
        }
        assert_eq!(world.declare("kingsmead", rowan()).await, DeclareResult::Accepted);
        if !leaves_first {
            says(&world, &home, is_same).await.unwrap();
        }
        // Rowan visits northgate, too.
        world
            .declare("northgate", called(learner("n-99", Registration::Guest, OTHER), "Rowan", "2010-02-02"))
            .await;
        world.declare("northgate", acceptance("n-99", "kingsmead")).await;
        let reaches = async |world: &mut World| {
            let marks = world.publish("northgate", vec![mark("northgate", "n-99", 10, 1)]).await;
            matches!(marks[0], RecordAnswer::Accepted { .. })
        };
        assert_eq!(reaches(&mut world).await, is_same, "{leaves_first}: by Imogen's placement");
        // What the hub holds of the id it takes as unchanged; what it doesn't, as new.
        let known = if is_same { DeclareResult::Unchanged } else { DeclareResult::Accepted };
        let [support, notice] = said_of(&world);
        for said in [support, notice, placement("k-1", "northgate")] {
            assert_eq!(world.declare("kingsmead", said).await, known, "{leaves_first}, {is_same}");
        }
        let again = world.publish("northgate", vec![mark("northgate", "n-99", 11, 1)]).await;
        assert!(matches!(again[0], RecordAnswer::Accepted { .. }), "the home placed Rowan: {again:?}");
        assert!(world.exchange.verify(|_| {}).await.is_ok());
    }
}

/// Nobody's child: ridgeway and northgate say such data to make trouble.
fn third(local: &str) -> Declaration {
    called(learner(local, Registration::Home, "1000000035"), "Perpetua", "2011-03-03")
}

/// A former home claims the learner again and gives its id away: it holds what it was handed, and is asked for it.
#[tokio::test]
async fn a_claim_that_another_stands_before_keeps_no_copy_by_being_in_doubt() {
    let mut world = World::governed().await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", ULN).await;
    assert!(reaches_home(&mut world, 9).await);
    let (_, _, cursor) = world.told("kingsmead", 0).await;
    world.acknowledge("kingsmead", cursor).await.unwrap();
    let claim = learner("r-9", Registration::Home, ULN);
    assert_eq!(world.declare("ridgeway", claim).await, DeclareResult::Contested);
    world.declare("kingsmead", learner("k-1", Registration::Previous, ULN)).await;
    assert_eq!(world.declare("kingsmead", imogen()).await, DeclareResult::Contested, "ridgeway is home");
    assert_eq!(world.declare("kingsmead", rowan()).await, DeclareResult::Accepted, "a child of its own");
    let People { home, .. } = people(&world);
    assert!(seen(&world, &home).await.reused.is_empty(), "nothing rested on the claim");
    world.sweep().await;
    let (lines, ..) = world.told("kingsmead", cursor).await;
    assert!(lines.len() == 1 && lines[0].starts_with("-home_changed"), "{lines:?}");
}

/// Northgate claims Kingsmead's learner and gives its id away: the next home is home all the same.
#[tokio::test]
async fn a_claim_that_another_stands_before_stops_nobody_by_being_in_doubt() {
    let world = World::governed().await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", ULN).await;
    let People { host, .. } = people(&world);
    let claim = |local| learner(local, Registration::Home, ULN);
    assert_eq!(world.declare("northgate", claim("x-1")).await, DeclareResult::Contested);
    assert_eq!(world.declare("northgate", third("x-1")).await, DeclareResult::Accepted);
    assert!(seen(&world, &host).await.reused.is_empty(), "nor is it told how many know the learner");
    assert_eq!(world.declare("ridgeway", claim("r-9")).await, DeclareResult::Contested);
    world.declare("kingsmead", learner("k-1", Registration::Previous, ULN)).await;
    assert_eq!(world.declare("ridgeway", claim("r-9")).await, DeclareResult::Unchanged, "it is home now");
}

/// While it is open whom Kingsmead's id stands for, another claims the learner and gives its ids away.
#[tokio::test]
async fn nobody_becomes_home_while_the_homes_id_is_in_doubt() {
    let (mut world, People { home, other, .. }, cursor) = reused("sqlite::memory:").await;
    let claim = |local| learner(local, Registration::Home, ULN);
    for local in ["r-9", "r-8"] {
        assert_eq!(world.declare("ridgeway", claim(local)).await, DeclareResult::Contested);
        world.declare("ridgeway", third(local)).await;
        assert!(seen(&world, &other).await.reused.is_empty(), "a claim is not in doubt");
    }
    assert_eq!(world.declare("ridgeway", claim("r-7")).await, DeclareResult::Contested, "as before");
    says(&world, &home, true).await.unwrap();
    assert_eq!(world.declare("kingsmead", rowan()).await, DeclareResult::Unchanged, "and Kingsmead is home");
    assert!(reaches_home(&mut world, 11).await);
    assert!(!world.told("kingsmead", cursor).await.0.is_empty());
}

/// Kingsmead's answer names a child whose own home hasn't answered yet: it is a second claim like any other.
#[tokio::test]
async fn another_child_whose_home_is_in_doubt_is_claimed_and_not_taken() {
    let (world, People { home, other, .. }, _) = reused("sqlite::memory:").await;
    let at = |local, registration| called(learner(local, registration, OTHER), "Rowan", "2010-02-02");
    world.declare("ridgeway", at("r-5", Registration::Home)).await;
    world.declare("northgate", at("n-99", Registration::Guest)).await;
    world.declare("ridgeway", third("r-5")).await;
    assert_eq!(seen(&world, &other).await.reused.len(), 1, "ridgeway has not said who r-5 is");
    says(&world, &home, false).await.unwrap();
    assert_eq!(world.declare("kingsmead", rowan()).await, DeclareResult::Contested);
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
    assert_eq!(world.declare("ridgeway", claim.clone()).await, DeclareResult::Contested);
    assert!(seen(&world, &host).await.moved.is_empty());
    says(&world, &home, false).await.unwrap();
    assert_eq!(
        world.declare("ridgeway", called(claim, "Imo", "2009-05-01")).await,
        DeclareResult::Accepted,
        "it stands alone now"
    );
    // Kingsmead's word on Imogen is gone with her: that another is home now, the host reads not from the hub.
    let sees = seen(&world, &host).await;
    assert!(sees.moved.is_empty() && sees.for_home[0].local == id("n-77"));
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
