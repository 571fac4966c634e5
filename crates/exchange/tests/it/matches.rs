//! Matching by people: a host asks, the home answers, either takes a link apart; each by its own ids, and nobody guesses.

use crate::world::*;
use commonroll_core::{
    Role,
    directory::{Declaration, Registration},
    record::Text,
};
use commonroll_exchange::*;

pub const ULN: &str = "1000000019";
pub const OTHER: &str = "1000000027";

pub fn called(declaration: Declaration, forename: &str, born: &str) -> Declaration {
    let Declaration::Learner(mut learner) = declaration else { unreachable!() };
    learner.forename = Text::parse("forename", forename, 100).unwrap();
    learner.birth_date = (!born.is_empty()).then(|| date(born));
    Declaration::Learner(learner)
}

/// A guest of northgate whose number is that of kingsmead's k-1 and whose date of birth isn't: placed by both, matched by
/// nobody.
async fn mistyped(database: &str) -> World {
    let world = World::with(database, governed()).await;
    world.declare("kingsmead", learner("k-1", Registration::Home, ULN)).await;
    world.declare("kingsmead", placement("k-1", "northgate")).await;
    let guest = called(learner("n-77", Registration::Guest, ULN), "Imogen", "2009-05-10");
    world.declare("northgate", guest).await;
    world.declare("northgate", acceptance("n-77", "kingsmead")).await;
    world
}

pub struct People {
    pub host: Actor,
    pub home: Actor,
    pub other: Actor,
}

pub fn people(world: &World) -> People {
    let manager = |at| Actor::new(world, at, Role::DataManager);
    People { host: manager("northgate"), home: manager("kingsmead"), other: manager("ridgeway") }
}

pub async fn seen(world: &World, actor: &Actor) -> UnmatchedSeen {
    world.exchange.unmatched(actor.acting(), (None, &UnmatchedPart::FIRST), world.now()).await.unwrap()
}

pub async fn ask(world: &World, host: &Actor, guest: &str, home: &str) -> Result<MatchId, LawError> {
    world.exchange.ask_match(host.acting(), (&id(guest), &slug(home)), world.now()).await
}

pub async fn answer(world: &World, home: &Actor, of: MatchId, local: Option<&str>) -> Result<(), LawError> {
    let shown = stamp(world, home, of).await;
    let local = local.map(id);
    world.exchange.answer_match(home.acting(), (of, &shown), local.as_ref(), world.now()).await
}

/// What goes with an answer to the question as it stands now; nothing for whom it isn't.
async fn stamp(world: &World, home: &Actor, of: MatchId) -> String {
    let questions = seen(world, home).await.questions;
    questions.into_iter().find(|one| one.id == of).map_or(String::new(), |one| one.stamp)
}

pub async fn undo(world: &World, actor: &Actor, of: MatchId) -> Result<(), LawError> {
    world.exchange.undo_match(actor.acting(), of, world.now()).await
}

pub async fn reaches_home(world: &mut World, hour: i64) -> bool {
    let taken = world.publish("northgate", vec![mark("northgate", "n-77", hour, 1)]).await;
    matches!(taken[0], RecordAnswer::Accepted { .. })
}

pub fn deeds(history: &[MatchStepSeen]) -> Vec<MatchDeed> {
    history.iter().map(|step| step.deed).collect()
}

#[tokio::test]
async fn a_host_asks_the_home_says_yes_and_what_waited_flows() {
    let mut world = mistyped("sqlite::memory:").await;
    let People { host, home, other } = people(&world);
    assert!(!reaches_home(&mut world, 9).await, "nobody is guessed");

    let waiting = seen(&world, &host).await;
    let guest = &waiting.guests[0];
    assert_eq!((guest.local.as_str(), guest.called.as_str()), ("n-77", "Imogen Ashby"));
    let fit = &guest.homes[0];
    assert_eq!(fit.home, Some((slug("kingsmead"), "Kingsmead School".to_owned())));
    assert_eq!(fit.fits[0].says, "a number is the same, the date of birth is another");
    assert!(fit.can_ask && !fit.is_open);
    assert!(seen(&world, &home).await.questions.is_empty(), "the home hears of it when it is asked");

    let question = ask(&world, &host, "n-77", "kingsmead").await.unwrap();
    assert_eq!(ask(&world, &host, "n-77", "kingsmead").await.unwrap(), question, "asked once");
    let asked = seen(&world, &home).await;
    let [one] = &asked.questions[..] else { panic!("one question") };
    assert_eq!((one.host.as_str(), one.declined), ("Northgate College", false));
    let [option] = &one.options[..] else { panic!("one learner fits") };
    assert_eq!((option.local.as_str(), option.called.as_str()), ("k-1", "Imogen Ashby"));
    assert_eq!(option.points.same, ["ULN", "surname", "forename"]);
    assert_eq!(option.points.differs, ["date of birth"]);
    assert!(option.placed);
    assert_eq!(one.taking[0].group.as_ref().unwrap().0, id("ENG-1"));
    assert_eq!(one.history[0].person, None, "who asked there is told as an office");
    assert_eq!(one.history[0].role, Some(Role::DataManager));

    // Nobody else sees or answers it, and nobody is picked who doesn't fit.
    assert!(seen(&world, &other).await.questions.is_empty());
    for actor in [&other, &host] {
        let refused = answer(&world, actor, question, Some("k-1")).await;
        assert_eq!(refused, Err(LawError::NotAllowed(NotAllowed::Denied)));
    }
    world.declare("kingsmead", learner("k-2", Registration::Home, OTHER)).await;
    assert!(matches!(answer(&world, &home, question, Some("k-2")).await, Err(LawError::State(_))));

    answer(&world, &home, question, Some("k-1")).await.unwrap();
    assert!(reaches_home(&mut world, 9).await, "both placements stood: it flows at once");
    assert_eq!(world.told("kingsmead", 0).await.0.len(), 1);
    let (host_sees, home_sees) = (seen(&world, &host).await, seen(&world, &home).await);
    assert!(host_sees.guests.is_empty() && host_sees.for_home.is_empty());
    assert!(home_sees.questions.is_empty() && home_sees.for_host.is_empty());
    let link = &host_sees.links.links[0];
    assert_eq!((link.local.as_str(), link.rests, link.hosting), ("n-77", "Both offices said so", true));
    assert_eq!(deeds(&link.history), [MatchDeed::Asked, MatchDeed::Yes]);
    let link = &home_sees.links.links[0];
    assert_eq!((link.local.as_str(), link.other.as_deref()), ("k-1", Some("Northgate College")));
    assert_eq!(answer(&world, &home, question, None).await, Err(LawError::NotAllowed(NotAllowed::Denied)));

    world.sweep().await;
    let log = world.log().await;
    for what in ["match.asked", "match.linked", "match.refused"] {
        assert!(log.iter().any(|line| line.starts_with(what)), "{what}: {log:?}");
    }
    let entries = world.exchange.show(1, 1000).await.unwrap();
    let said: String = entries
        .iter()
        .filter(|entry| entry["what"].as_str().unwrap().starts_with("match."))
        .map(ToString::to_string)
        .collect();
    // A year alone stands by chance in some hash: the date as it is written doesn't.
    for hidden in ["n-77", "k-1", "Ashby", ULN, "2009-05-01", "2009-05-10"] {
        assert!(!said.contains(hidden), "{hidden} in {said}");
    }
    assert!(world.exchange.verify(|_| {}).await.is_ok());
}

#[tokio::test]
async fn a_no_is_remembered_until_a_number_or_a_birth_date_is_declared_anew() {
    let mut world = mistyped("sqlite::memory:").await;
    let People { host, home, .. } = people(&world);
    let question = ask(&world, &host, "n-77", "kingsmead").await.unwrap();
    answer(&world, &home, question, None).await.unwrap();
    let after = seen(&world, &host).await;
    let said = &after.guests[0].homes[0];
    assert!(said.fits.is_empty() && !said.can_ask, "nobody is offered");
    assert_eq!(deeds(&said.history), [MatchDeed::Asked, MatchDeed::No]);
    assert!(matches!(ask(&world, &host, "n-77", "kingsmead").await, Err(LawError::State(_))));

    // Another form of the name is no new evidence.
    let renamed = called(learner("n-77", Registration::Guest, ULN), "Immy", "2009-05-10");
    world.declare("northgate", renamed).await;
    assert!(!seen(&world, &host).await.guests[0].homes[0].can_ask);
    // Whoever said no in haste takes it back; then the same question waits again.
    let declined = seen(&world, &home).await;
    assert!(declined.questions[0].declined);
    assert_eq!(declined.questions[0].options[0].local, id("k-1"));
    world.exchange.reopen_match(home.acting(), question, world.now()).await.unwrap();
    assert!(!seen(&world, &home).await.questions[0].declined);
    answer(&world, &home, question, None).await.unwrap();

    // The host declares the date of birth as the home has it: that is new, and numbers may match now.
    world.declare("northgate", learner("n-77", Registration::Guest, ULN)).await;
    assert!(reaches_home(&mut world, 9).await);
    let link = &seen(&world, &host).await.links.links[0];
    assert_eq!(link.rests, "The same ULN and date of birth");
    assert!(deeds(&link.history).ends_with(&[MatchDeed::No, MatchDeed::Changed]), "{:?}", link.history);
}

/// Kingsmead's office knew nobody like that; a week later the learner is in its system.
#[tokio::test]
async fn a_no_to_a_guest_whom_nobody_fitted_is_shown_to_the_home_and_taken_back() {
    let mut world = World::governed().await;
    let guest = called(learner("n-77", Registration::Guest, ULN), "Imogen", "2009-05-10");
    world.declare("northgate", guest).await;
    world.declare("northgate", acceptance("n-77", "kingsmead")).await;
    let People { host, home, .. } = people(&world);
    let question = ask(&world, &host, "n-77", "kingsmead").await.unwrap();
    answer(&world, &home, question, None).await.unwrap();
    let mine = |seen: UnmatchedSeen| -> Vec<(MatchId, bool, usize)> {
        seen.questions.iter().map(|one| (one.id, one.declined, one.options.len())).collect()
    };
    assert_eq!(
        mine(seen(&world, &home).await),
        [(question, true, 0)],
        "its no stands there, to be taken back"
    );
    world.declare("kingsmead", learner("k-1", Registration::Home, ULN)).await;
    world.declare("kingsmead", placement("k-1", "northgate")).await;
    assert_eq!(mine(seen(&world, &home).await), [(question, true, 0)], "said to nobody, it is about nobody");
    world.exchange.reopen_match(home.acting(), question, world.now()).await.unwrap();
    assert_eq!(mine(seen(&world, &home).await), [(question, false, 1)]);
    answer(&world, &home, question, Some("k-1")).await.unwrap();
    assert!(reaches_home(&mut world, 9).await);
    assert!(seen(&world, &home).await.questions.is_empty());
}

#[tokio::test]
async fn an_undone_match_is_recalled_and_stays_undone_after_a_restart_and_on_another_node() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("hub.db").display());
    let mut world = World::with(&database, governed()).await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", ULN).await;
    let People { host, home, other } = people(&world);
    assert!(reaches_home(&mut world, 9).await && reaches_home(&mut world, 10).await);
    let (_, _, cursor) = world.told("kingsmead", 0).await;

    let links = seen(&world, &home).await.links;
    let link = &links.links[0];
    assert_eq!(link.rests, "The same ULN and date of birth");
    assert_eq!(link.since, Some(world.now()));
    let (confirm, copies) = world.exchange.match_link(home.acting(), link.id, world.now()).await.unwrap();
    assert_eq!((confirm.local.as_str(), copies), ("k-1", 2));
    let none = world.exchange.match_link(other.acting(), link.id, world.now()).await;
    assert!(matches!(none, Err(AskError::NotAllowed(NotAllowed::Denied))));
    let refused = undo(&world, &other, link.id).await;
    assert_eq!(refused, Err(LawError::NotAllowed(NotAllowed::Denied)), "it is between two others");

    undo(&world, &home, link.id).await.unwrap();
    assert!(!reaches_home(&mut world, 11).await, "nothing flows from now on");
    world.sweep().await;
    let (lines, notices, _) = world.told("kingsmead", cursor).await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].starts_with("-match_undone"), "{lines:?}");
    assert_eq!(notices[0].copies.len(), 2, "both, in one notice");

    // Not linked by numbers again: not by a correction, not after a restart, not by another node.
    let other_node = Exchange::open(options(&database), world.now()).await.unwrap();
    let sees = other_node.unmatched(host.acting(), (None, &UnmatchedPart::FIRST), world.now()).await.unwrap();
    assert_eq!(sees.guests.len(), 1);
    let again = called(learner("n-77", Registration::Guest, ULN), "Immy", "2009-05-01");
    let taken = other_node.declare(&world.speaker("northgate"), vec![Ok(again)], world.now()).await.unwrap();
    assert_eq!(taken, [DeclareResult::Accepted]);
    world.exchange.close(world.now()).await;
    world.exchange = Exchange::open(options(&database), world.now()).await.unwrap();
    let again = learner("k-1", Registration::Home, ULN);
    world.declare("kingsmead", called(again, "Imo", "2009-05-01")).await;
    world.declare("northgate", learner("n-77", Registration::Guest, ULN)).await;
    let waiting = seen(&world, &host).await;
    assert_eq!(waiting.guests.len(), 1, "kept apart");
    let offered = &waiting.guests[0].homes[0];
    assert!(offered.can_ask && offered.fits[0].undone);
    assert_eq!(deeds(&offered.history), [MatchDeed::Undone]);

    // Undone by mistake: it takes both again.
    let question = ask(&world, &host, "n-77", "kingsmead").await.unwrap();
    answer(&world, &home, question, Some("k-1")).await.unwrap();
    world.sweep().await;
    let (lines, ..) = world.told("kingsmead", cursor).await;
    let again = lines.iter().filter(|line| line.starts_with('=')).count();
    assert_eq!(again, 2, "what was recalled comes once more: {lines:?}");
    assert!(world.exchange.verify(|_| {}).await.is_ok());
}

#[tokio::test]
async fn a_host_undoes_a_match_with_a_reused_number_and_the_right_home_gets_the_records() {
    let mut world = World::governed().await;
    // A number that stands for two learners at two homes, with the same date of birth and another forename.
    world.placed("kingsmead", "k-1", "northgate", "n-77", ULN).await;
    let right = called(learner("r-1", Registration::Home, ULN), "Isabel", "2009-05-01");
    world.declare("ridgeway", right).await;
    world.declare("ridgeway", placement("r-1", "northgate")).await;
    world.declare("northgate", acceptance("n-77", "ridgeway")).await;
    let People { host, home, other } = people(&world);
    assert!(reaches_home(&mut world, 9).await);
    let (_, _, cursor) = world.told("kingsmead", 0).await;
    let double = seen(&world, &home).await.doubles;
    assert_eq!((double[0].local.as_str(), double[0].other.as_deref()), ("k-1", None));

    let link = seen(&world, &host).await.links.links[0].id;
    undo(&world, &host, link).await.unwrap();
    let waiting = seen(&world, &host).await;
    let home_name = |at: &HomeSeen| at.home.as_ref().map(|(_, name)| name.clone()).unwrap_or_default();
    let homes: Vec<String> = waiting.guests[0].homes.iter().map(home_name).collect();
    assert_eq!(homes, ["Kingsmead School", "Ridgeway Academy"], "both are offered, each is asked for itself");
    let question = ask(&world, &host, "n-77", "ridgeway").await.unwrap();
    answer(&world, &other, question, Some("r-1")).await.unwrap();
    world.sweep().await;
    let (lines, ..) = world.told("kingsmead", cursor).await;
    assert!(lines.len() == 1 && lines[0].starts_with("-match_undone"), "{lines:?}");
    let (lines, ..) = world.told("ridgeway", 0).await;
    assert!(lines.len() == 1 && lines[0].ends_with("as r-1"), "{lines:?}");
    // The wrong home corrects something of its learner: they stay its own, whatever the guest's numbers say.
    world.declare("kingsmead", called(learner("k-1", Registration::Home, ULN), "Imogen", "2009-05-01")).await;
    let corrected = called(learner("k-1", Registration::Home, ULN), "Immy", "2009-05-01");
    assert_eq!(world.declare("kingsmead", corrected).await, DeclareResult::Accepted);
    assert!(seen(&world, &home).await.claims.is_empty());
}

/// Ridgeway invents a learner under a number that it knows.
#[tokio::test]
async fn an_invented_learner_tells_nobody_where_a_child_with_the_number_is_nor_when_it_was_born() {
    let world = World::governed().await;
    world.declare("kingsmead", called(learner("k-1", Registration::Home, ULN), "Imogen", "2009-05-01")).await;
    let People { home, other, .. } = people(&world);
    for (forename, born) in [("Isabel", "2009-05-01"), ("Isabel", "2009-05-02"), ("Imogen", "")] {
        world.declare("ridgeway", called(learner("r-9", Registration::Home, ULN), forename, born)).await;
        world.declare("ridgeway", placement("r-9", "kingsmead")).await;
        let told = seen(&world, &other).await.doubles;
        let [one] = &told[..] else { panic!("one number") };
        assert_eq!((one.other.as_deref(), one.says), (None, "a number is the same"), "{forename} {born}");
        assert!(!one.means.contains("date of birth") && !one.means.contains("twin"), "{}", one.means);
    }
    // Ridgeway has named kingsmead as the learner's host, so kingsmead knows of them and rings the right office.
    let told = seen(&world, &home).await.doubles;
    assert_eq!(told[0].other.as_deref(), Some("Ridgeway Academy"));
}

/// The home said yes although the date of birth differs; then northgate gives the id to another child.
#[tokio::test]
async fn a_yes_ends_when_the_guests_id_is_given_to_another_child() {
    let mut world = mistyped("sqlite::memory:").await;
    let People { host, home, .. } = people(&world);
    let question = ask(&world, &host, "n-77", "kingsmead").await.unwrap();
    answer(&world, &home, question, Some("k-1")).await.unwrap();
    assert!(reaches_home(&mut world, 9).await);
    // Another form of the name, and even the date of birth as the home has it, are no reason to ask again.
    for (forename, born) in [("Immy", "2009-05-10"), ("Immy", "2009-05-01"), ("Imogen", "2009-05-01")] {
        world.declare("northgate", called(learner("n-77", Registration::Guest, ULN), forename, born)).await;
        assert!(seen(&world, &host).await.guests.is_empty(), "{forename} {born}");
    }

    let reused = called(learner("n-77", Registration::Guest, OTHER), "Rowan", "2008-11-30");
    world.declare("northgate", reused).await;
    assert!(
        !reaches_home(&mut world, 10).await,
        "what is recorded of the other child doesn't go to kingsmead"
    );
    let waiting = seen(&world, &host).await;
    assert_eq!(waiting.guests[0].local, id("n-77"));
    let history = deeds(&waiting.guests[0].homes[0].history);
    assert_eq!(history, [MatchDeed::Asked, MatchDeed::Yes, MatchDeed::Changed]);
    assert!(seen(&world, &home).await.links.links.is_empty());
    world.sweep().await;
    assert!(world.exchange.verify(|_| {}).await.is_ok());
}

/// Between the page and the answer the host declares the guest, or the home its learner, otherwise.
#[tokio::test]
async fn an_answer_is_to_what_was_shown() {
    let world = mistyped("sqlite::memory:").await;
    let People { host, home, .. } = people(&world);
    let question = ask(&world, &host, "n-77", "kingsmead").await.unwrap();
    let answer = async |shown: &str, local: Option<&str>| {
        let local = local.map(id);
        world.exchange.answer_match(home.acting(), (question, shown), local.as_ref(), world.now()).await
    };
    let shown = stamp(&world, &home, question).await;
    for (by, again) in [
        ("northgate", called(learner("n-77", Registration::Guest, ULN), "Isabel", "2009-05-11")),
        ("kingsmead", called(learner("k-1", Registration::Home, ULN), "Imo", "2009-05-01")),
    ] {
        let shown = stamp(&world, &home, question).await;
        world.declare(by, again).await;
        for local in [Some("k-1"), None] {
            let LawError::State(why) = answer(&shown, local).await.unwrap_err() else { panic!("{by}") };
            assert!(why.contains("changed meanwhile"), "{by}: {why}");
        }
    }
    assert!(matches!(answer(&shown, Some("k-1")).await, Err(LawError::State(_))), "nor what was shown first");
    assert!(matches!(answer("", Some("k-1")).await, Err(LawError::State(_))));
    assert_eq!(seen(&world, &host).await.guests.len(), 1, "nothing was linked");
    let shown = stamp(&world, &home, question).await;
    answer(&shown, Some("k-1")).await.unwrap();
    assert!(seen(&world, &host).await.guests.is_empty());
}

#[tokio::test]
async fn two_homes_fit_and_neither_is_chosen_and_twins_are_told_apart_by_the_home() {
    let mut world = World::governed().await;
    // Twins at one home, one with the other's number as the second; the guest's own data fit both in part.
    world.declare("kingsmead", learner("k-1", Registration::Home, ULN)).await;
    world
        .declare("kingsmead", called(learner("k-2", Registration::Home, OTHER), "Isabel", "2009-05-01"))
        .await;
    for twin in ["k-1", "k-2"] {
        world.declare("kingsmead", placement(twin, "northgate")).await;
    }
    let guest = called(learner("n-77", Registration::Guest, ULN), "Isabel", "2009-05-01");
    world.declare("northgate", guest).await;
    world.declare("northgate", acceptance("n-77", "kingsmead")).await;
    let People { host, home, .. } = people(&world);
    let waiting = seen(&world, &host).await;
    let [at] = &waiting.guests[0].homes[..] else { panic!("one home") };
    assert_eq!(at.fits[0].says, "number and date of birth are the same, the forename is another");
    let question = ask(&world, &host, "n-77", "kingsmead").await.unwrap();
    assert_eq!(seen(&world, &home).await.questions[0].options.len(), 1, "the other differs in a number");

    // The office finds the slip: the guest's number was the twin's. What is right is matched by numbers.
    let right = called(learner("n-77", Registration::Guest, OTHER), "Isabel", "2009-05-01");
    world.declare("northgate", right).await;
    assert!(reaches_home(&mut world, 9).await);
    assert!(seen(&world, &home).await.questions.is_empty(), "nothing waits for an answer");
    let late = answer(&world, &home, question, Some("k-1")).await;
    assert_eq!(late, Err(LawError::NotAllowed(NotAllowed::Denied)));

    // Two guests of one host are taken for the one learner: both sides are shown that somebody should look.
    let again = called(learner("n-78", Registration::Guest, OTHER), "Isabel", "2009-05-01");
    world.declare("northgate", again).await;
    for actor in [&host, &home] {
        let links = seen(&world, actor).await.links.links;
        assert_eq!(links.len(), 2);
        assert!(links.iter().all(|link| link.look.is_some_and(|look| look.contains("Two guests"))));
    }
}

#[tokio::test]
async fn double_registrations_homeless_guests_and_moved_learners_are_found() {
    let world = World::governed().await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", ULN).await;
    let People { host, home, other } = people(&world);
    world.declare("ridgeway", learner("r-9", Registration::Home, ULN)).await;
    let claims = |seen: &UnmatchedSeen| -> Vec<(String, Option<String>, bool)> {
        let claim = |one: &ClaimSeen| (one.local.as_str().to_owned(), one.other.clone(), one.counts);
        seen.claims.iter().map(claim).collect()
    };
    let (ours, theirs) = (seen(&world, &home).await, seen(&world, &other).await);
    assert_eq!(claims(&ours), [("k-1".to_owned(), None, true)]);
    assert_eq!(
        claims(&theirs),
        [("r-9".to_owned(), None, false)],
        "whoever claims a child learns not where it is"
    );

    // Kingsmead lets go: ridgeway is home, and the placement with northgate is to be made anew there.
    world.declare("kingsmead", learner("k-1", Registration::Previous, ULN)).await;
    let moved = |seen: UnmatchedSeen| -> Vec<(String, String, MovedHow)> {
        seen.moved.into_iter().map(|one| (one.local.as_str().to_owned(), one.other, one.how)).collect()
    };
    assert_eq!(
        moved(seen(&world, &host).await),
        [("n-77".to_owned(), "Kingsmead School".to_owned(), MovedHow::HomeChanged)]
    );
    assert_eq!(
        moved(seen(&world, &home).await),
        [("k-1".to_owned(), "Northgate College".to_owned(), MovedHow::LeftUs)]
    );
    // And ridgeway, too.
    world.declare("ridgeway", learner("r-9", Registration::Previous, ULN)).await;
    assert_eq!(
        moved(seen(&world, &host).await),
        [("n-77".to_owned(), "Kingsmead School".to_owned(), MovedHow::Homeless)]
    );
}

#[tokio::test]
async fn an_approved_link_of_the_set_up_is_undone_and_the_same_file_does_not_make_it_again() {
    let world = World::governed().await;
    let text = format!(
        "{CONSORTIUM}\n[[placement]]\nhome = \"kingsmead\"\nhost = \"northgate\"\nfirst_date = \"2026-09-01\"\nlast_date = \"2027-07-20\"\nlearners = [[\"k-1\", \"n-77\"]]\n"
    );
    let file = ConsortiumFile::parse(&text).unwrap().signed_by(&PEOPLE);
    world.exchange.import(&file, "operator", world.now()).await.unwrap();
    let People { host, home, .. } = people(&world);
    let link = &seen(&world, &home).await.links.links[0];
    assert_eq!(link.rests, "An approved link in the consortium’s set-up");
    undo(&world, &home, link.id).await.unwrap();
    let again = world.exchange.import(&file, "operator", world.now()).await.unwrap();
    assert_eq!(again, ImportReport::default());
    let waiting = seen(&world, &host).await;
    let fit = &waiting.guests[0].homes[0].fits[0];
    assert!(fit.undone, "nothing was declared of either, and yet it can be asked about");
    // What is declared later fits, too, and still nobody is linked by numbers.
    world.declare("kingsmead", learner("k-1", Registration::Home, ULN)).await;
    world.declare("northgate", learner("n-77", Registration::Guest, ULN)).await;
    assert_eq!(seen(&world, &host).await.guests.len(), 1);
    let question = ask(&world, &host, "n-77", "kingsmead").await.unwrap();
    world.exchange.open_views(read_body, world.now());
    let problems = world.exchange.own_problems(&world.speaker("kingsmead"), world.now()).unwrap();
    let asked = problems.problems.iter().find(|one| one.rule == "match_asked").unwrap();
    assert_eq!((asked.count, asked.owner), (1, "Data manager"));
    answer(&world, &home, question, Some("k-1")).await.unwrap();
    assert!(seen(&world, &host).await.guests.is_empty());
}

#[tokio::test]
async fn only_a_data_manager_settles_matches_and_a_guest_that_is_not_there_is_answered_alike() {
    let world = mistyped("sqlite::memory:").await;
    let People { host, .. } = people(&world);
    let head = Actor::new(&world, "northgate", Role::Head);
    let denied = Err(LawError::NotAllowed(NotAllowed::Denied));
    assert_eq!(ask(&world, &head, "n-77", "kingsmead").await, denied);
    assert_eq!(ask(&world, &host, "n-99", "kingsmead").await, denied);
    assert_eq!(ask(&world, &host, "n-77", "nowhere").await, denied);
    assert!(
        matches!(ask(&world, &host, "n-77", "ridgeway").await, Err(LawError::State(_))),
        "nobody fits there"
    );
    let unknown = MatchId([9; 16]);
    assert_eq!(undo(&world, &host, unknown).await, Err(LawError::NotAllowed(NotAllowed::Denied)));
    let question = ask(&world, &host, "n-77", "kingsmead").await.unwrap();
    world.exchange.take_match_back(host.acting(), question, world.now()).await.unwrap();
    assert!(seen(&world, &host).await.guests[0].homes[0].can_ask);
}

#[tokio::test]
async fn case_12_who_keeps_asking_what_waits_in_a_role_that_may_not_has_to_wait() {
    let world = World::governed().await;
    let People { host, .. } = people(&world);
    let teaches = Acting { role: Role::Teacher, ..host.acting() };
    for _ in 0..60 {
        let refused = world.exchange.unmatched(teaches, (None, &UnmatchedPart::FIRST), world.now()).await;
        assert!(matches!(refused, Err(AskError::NotAllowed(_))));
    }
    let slowed = world.exchange.unmatched(host.acting(), (None, &UnmatchedPart::FIRST), world.now()).await;
    assert!(matches!(slowed, Err(AskError::Slowed)));
    world.pass(601_000_000);
    assert!(
        world.exchange.unmatched(host.acting(), (None, &UnmatchedPart::FIRST), world.now()).await.is_ok()
    );
}
