//! Two partners register one child as their own: their data managers agree which registration is the main one, and either
//! takes its word back. Nobody learns by it where a child is.

use crate::{matches::*, world::*};
use commonroll_core::{Role, directory::Registration};
use commonroll_exchange::*;

/// Kingsmead's k-1 visits northgate and a mark has come home; then ridgeway registers the child as its own, too.
async fn claimed(database: &str) -> (World, People) {
    let mut world = World::with(database, governed()).await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", ULN).await;
    assert!(reaches_home(&mut world, 9).await);
    let (_, _, cursor) = world.told("kingsmead", 0).await;
    world.acknowledge("kingsmead", cursor).await.unwrap();
    let claim = learner("r-9", Registration::Home, ULN);
    assert_eq!(world.declare("ridgeway", claim).await, DeclareResult::Contested);
    let people = people(&world);
    (world, people)
}

async fn says(world: &World, who: &Actor, local: &str, (other, ours): (&str, bool)) -> Result<(), LawError> {
    let shown = seen(world, who).await.claims.first().map_or(String::new(), |one| one.main.stamp.clone());
    world.exchange.say_main(who.acting(), (&id(local), &shown), (&slug(other), ours), world.now()).await
}

/// Which partner each side agrees with, and whether the main registration is its own.
async fn agreed(world: &World, who: &Actor) -> Option<(String, bool)> {
    let seen = seen(world, who).await;
    assert!(seen.agreed.is_empty() || seen.claims.is_empty(), "it is settled, or it waits");
    seen.agreed.first().map(|one| (one.word.other.clone(), one.word.ours))
}

/// Whether ridgeway is home: it places the child itself, and northgate takes them from there.
async fn reaches_ridgeway(world: &mut World, hour: i64) -> bool {
    world.declare("ridgeway", placement("r-9", "northgate")).await;
    world.declare("northgate", acceptance("n-77", "ridgeway")).await;
    reaches_home(world, hour).await && !world.told("ridgeway", 0).await.0.is_empty()
}

#[tokio::test]
async fn both_say_that_the_second_is_the_main_registration_and_either_takes_it_back() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("hub.db").display());
    let (mut world, People { home, other, .. }) = claimed(&database).await;
    assert!(!reaches_ridgeway(&mut world, 10).await, "Kingsmead said so first");
    says(&world, &other, "r-9", ("kingsmead", true)).await.unwrap();
    let sees = seen(&world, &home).await;
    let told = sees.claims[0].main.told.as_ref().unwrap();
    assert_eq!((told.other.as_str(), told.ours), ("Ridgeway Academy", false), "it has named itself");
    assert!(seen(&world, &other).await.claims[0].main.told.is_none());
    assert_eq!(agreed(&world, &other).await, None, "one alone decides nothing");
    assert!(!reaches_ridgeway(&mut world, 10).await);

    says(&world, &home, "k-1", ("ridgeway", false)).await.unwrap();
    assert_eq!(agreed(&world, &home).await, Some(("Ridgeway Academy".to_owned(), false)));
    assert_eq!(agreed(&world, &other).await, Some(("Kingsmead School".to_owned(), true)));
    assert!(reaches_ridgeway(&mut world, 11).await);
    world.sweep().await;
    let (_, _, cursor) = world.told("kingsmead", 0).await;
    let lines = world.told("kingsmead", 1).await.0;
    assert!(lines.iter().any(|line| line.starts_with("-home_changed")), "history follows: {lines:?}");
    world.acknowledge("kingsmead", cursor).await.unwrap();

    // What both agreed on outlives exports and restarts.
    world.declare("kingsmead", called(learner("k-1", Registration::Home, ULN), "Imo", "2009-05-01")).await;
    world.exchange.close(world.now()).await;
    world.started_again(open_store(&database).await).await;
    assert!(reaches_ridgeway(&mut world, 12).await);
    assert_eq!(agreed(&world, &home).await, Some(("Ridgeway Academy".to_owned(), false)));

    world.exchange.unsay_main(home.acting(), &id("k-1"), world.now()).await.unwrap();
    assert_eq!((agreed(&world, &home).await, agreed(&world, &other).await), (None, None));
    assert!(seen(&world, &home).await.claims[0].counts, "as it was before: Kingsmead said so first");
    assert!(!seen(&world, &other).await.claims[0].counts);
    let taken = world.exchange.unsay_main(home.acting(), &id("k-1"), world.now()).await;
    assert_eq!(taken, Err(LawError::NotAllowed(NotAllowed::Denied)), "nothing is said any more");
    world.sweep().await;
    let log = world.log().await;
    for what in ["match.main_said", "match.main_agreed", "match.main_taken_back", "match.refused"] {
        assert!(log.iter().any(|line| line.starts_with(what)), "{what}: {log:?}");
    }
    assert!(world.exchange.verify(|_| {}).await.is_ok());
}

#[tokio::test]
async fn both_say_that_the_first_is_and_the_claim_waits_for_nobody_any_more() {
    let (mut world, People { home, other, .. }) = claimed("sqlite::memory:").await;
    says(&world, &home, "k-1", ("ridgeway", true)).await.unwrap();
    // Ridgeway says otherwise, and then the same.
    says(&world, &other, "r-9", ("kingsmead", true)).await.unwrap();
    assert_eq!((agreed(&world, &home).await, agreed(&world, &other).await), (None, None));
    says(&world, &other, "r-9", ("kingsmead", false)).await.unwrap();
    assert_eq!(agreed(&world, &home).await, Some(("Ridgeway Academy".to_owned(), true)));
    assert!(reaches_home(&mut world, 10).await, "nothing has changed for Kingsmead");
    // Kingsmead lets the child go: what was agreed of its registration is over, and ridgeway's stands alone.
    world.declare("kingsmead", learner("k-1", Registration::Previous, ULN)).await;
    assert_eq!(agreed(&world, &other).await, None);
    assert!(seen(&world, &other).await.claims.is_empty(), "nobody else claims the child");
}

/// Whoever claims a child by a guessed number may name partner after partner: each is answered alike, and nobody is named.
#[tokio::test]
async fn case_12_naming_partners_in_turn_tells_nobody_where_a_child_is() {
    let (world, People { host, home, other }) = claimed("sqlite::memory:").await;
    for named in ["northgate", "kingsmead", "northgate"] {
        says(&world, &other, "r-9", (named, true)).await.unwrap();
        let sees = seen(&world, &other).await;
        let claim = &sees.claims[0];
        assert_eq!((&claim.other, &claim.main.told, claim.counts), (&None, &None, false), "{named}");
        assert_eq!(claim.main.said.as_ref().unwrap().slug, slug(named));
    }
    assert!(seen(&world, &home).await.claims[0].main.told.is_none(), "northgate is named, not Kingsmead");
    assert!(seen(&world, &host).await.claims.is_empty() && seen(&world, &host).await.agreed.is_empty());
    // Nor does a word of before open anything to the same id as a guest.
    world.declare("ridgeway", called(learner("r-9", Registration::Guest, ULN), "Imogen", "2009-05-02")).await;
    let at = &seen(&world, &other).await.guests[0].homes;
    assert!(at.iter().all(|one| one.home.is_none()), "{at:?}");
}

#[tokio::test]
async fn only_a_data_manager_of_one_of_the_two_says_it_and_of_what_was_shown() {
    let (world, People { host, home, other }) = claimed("sqlite::memory:").await;
    let denied = Err(LawError::NotAllowed(NotAllowed::Denied));
    let say = async |who: &Actor, local: &str, shown: &str, named: &str| {
        let said = (&id(local), shown);
        world.exchange.say_main(who.acting(), said, (&slug(named), true), world.now()).await
    };
    let shown = seen(&world, &home).await.claims[0].main.stamp.clone();
    let head = Actor::new(&world, "kingsmead", Role::Head);
    assert_eq!(say(&head, "k-1", &shown, "ridgeway").await, denied);
    assert_eq!(say(&host, "n-77", &shown, "ridgeway").await, denied, "its guest, and no claim");
    assert_eq!(say(&home, "k-9", &shown, "ridgeway").await, denied);
    for named in ["kingsmead", "nowhere"] {
        assert!(matches!(say(&home, "k-1", &shown, named).await, Err(LawError::State(_))), "{named}");
    }
    world.declare("kingsmead", called(learner("k-1", Registration::Home, ULN), "Imo", "2009-05-01")).await;
    assert!(
        matches!(say(&home, "k-1", &shown, "ridgeway").await, Err(LawError::State(_))),
        "not what was shown"
    );
    // An id that is given to another child takes no word of before along.
    says(&world, &home, "k-1", ("ridgeway", false)).await.unwrap();
    world
        .declare("kingsmead", called(learner("k-1", Registration::Home, OTHER), "Rowan", "2010-02-02"))
        .await;
    says(&world, &other, "r-9", ("kingsmead", true)).await.unwrap();
    assert_eq!((agreed(&world, &home).await, agreed(&world, &other).await), (None, None));
}
