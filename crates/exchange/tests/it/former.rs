//! Children keep turning up under a UPN that they had before: whoever still has it is matched by it, below UPN and ULN, and
//! what speaks against it is shown to people.

use crate::{matches::*, world::*};
use commonroll_core::directory::{Declaration, Registration};
use commonroll_exchange::*;

const NOW: &str = "D860400125017";
const BEFORE: &str = "F860400125001";
const TEMPORARY: &str = "R86040012500A";

/// A learner with a UPN and those of before, and no other number.
fn numbered(local: &str, registration: Registration, upn: &str, former: &[&str]) -> Declaration {
    let Declaration::Learner(mut declared) = learner(local, registration, "") else { unreachable!() };
    declared.upn = upn.to_owned();
    declared.former_upns = former.iter().map(|&upn| upn.to_owned()).collect();
    Declaration::Learner(declared)
}

/// Kingsmead's k-1, whose UPN is a new one.
async fn moved(database: &str) -> World {
    let world = World::with(database, governed()).await;
    world.declare("kingsmead", numbered("k-1", Registration::Home, NOW, &[BEFORE, TEMPORARY])).await;
    world.declare("kingsmead", placement("k-1", "northgate")).await;
    world
}

async fn visits(world: &World, guest: Declaration) {
    world.declare("northgate", guest).await;
    world.declare("northgate", acceptance("n-77", "kingsmead")).await;
}

#[tokio::test]
async fn a_host_that_still_has_the_old_upn_is_matched_by_it_and_the_hub_keeps_none_in_clear() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("hub.db").display());
    let mut world = moved(&database).await;
    visits(&world, numbered("n-77", Registration::Guest, BEFORE, &[])).await;
    assert!(reaches_home(&mut world, 9).await);
    let People { host, home, .. } = people(&world);
    for who in [&host, &home] {
        let link = &seen(&world, who).await.links.links[0];
        let rests = "A former UPN of one is the other’s; date of birth and forename are the same";
        assert_eq!((link.rests, link.look), (rests, None));
    }
    world.exchange.close(world.now()).await;
    world.started_again(open_store(&database).await).await;
    assert!(reaches_home(&mut world, 10).await, "nor does a restart forget it");
    let again = numbered("k-1", Registration::Home, NOW, &[TEMPORARY, BEFORE, BEFORE]);
    assert_eq!(world.declare("kingsmead", again).await, DeclareResult::Unchanged, "in any order");
    assert!(world.exchange.verify(|_| {}).await.is_ok());
    world.exchange.close(world.now()).await;
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        for upn in [NOW, BEFORE, TEMPORARY] {
            assert!(!bytes.windows(upn.len()).any(|some| some == upn.as_bytes()), "keyed hashes alone");
        }
    }
}

#[tokio::test]
async fn a_temporary_upn_of_before_matches_beside_the_names_and_somebody_is_told_to_look() {
    let mut world = moved("sqlite::memory:").await;
    visits(&world, numbered("n-77", Registration::Guest, TEMPORARY, &[])).await;
    assert!(reaches_home(&mut world, 9).await);
    let host = people(&world).host;
    let link = &seen(&world, &host).await.links.links[0];
    assert_eq!(link.rests, "The same temporary UPN, date of birth and names");
    assert!(link.look.unwrap().contains("enter the permanent one"), "{:?}", link.look);
    // The host enters it: there is nothing to look at any more.
    visits(&world, numbered("n-77", Registration::Guest, NOW, &[TEMPORARY])).await;
    let link = &seen(&world, &host).await.links.links[0];
    assert_eq!((link.rests, link.look), ("The same UPN and date of birth", None));
    assert!(reaches_home(&mut world, 10).await);
}

/// A twin under the other's old number, a date of birth that differs, two numbers of today: people decide, and are told why.
#[tokio::test]
async fn case_20_an_old_number_that_something_speaks_against_links_nobody() {
    let third = "B801200005001";
    let guest = |upn: &str, former: &[&str]| numbered("n-77", Registration::Guest, upn, former);
    for (guest, says) in [
        (
            called(guest(BEFORE, &[]), "Rowan", "2009-05-01"),
            "number and date of birth are the same, the forename is another",
        ),
        (
            called(guest(BEFORE, &[]), "Imogen", "2009-05-02"),
            "a number is the same, the date of birth is another",
        ),
        (guest(third, &[BEFORE]), "one number is the same, another one isn’t"),
        (
            called(guest(TEMPORARY, &[]), "", "2009-05-01"),
            "a former or temporary UPN and the date of birth are the same, not all names are",
        ),
    ] {
        let mut world = moved("sqlite::memory:").await;
        visits(&world, guest).await;
        assert!(!reaches_home(&mut world, 9).await, "{says}");
        let People { host, home, .. } = people(&world);
        let sees = seen(&world, &host).await;
        assert_eq!(sees.guests[0].homes[0].fits[0].says, says);
        let question = ask(&world, &host, "n-77", "kingsmead").await.unwrap();
        let asked = seen(&world, &home).await;
        let points = &asked.questions[0].options[0].points;
        assert!(points.same.contains(&"former or temporary UPN"), "{points:?}");
        answer(&world, &home, question, Some("k-1")).await.unwrap();
        assert!(reaches_home(&mut world, 9).await, "people know better");
    }
}

/// The school that the child came from has it on its roll still, under the number of then.
#[tokio::test]
async fn a_child_who_moved_and_is_on_two_rolls_is_found_by_the_old_number() {
    let world = moved("sqlite::memory:").await;
    let stays = numbered("r-1", Registration::Home, BEFORE, &[]);
    assert_eq!(world.declare("ridgeway", stays).await, DeclareResult::Contested);
    let People { home, .. } = people(&world);
    assert_eq!(seen(&world, &home).await.claims[0].local, id("k-1"));
}

/// An id whose temporary number and date of birth are both others stands for another child, too.
#[tokio::test]
async fn a_temporary_number_that_is_another_all_at_once_puts_an_id_in_doubt() {
    let world = World::governed().await;
    world.declare("kingsmead", numbered("k-1", Registration::Home, TEMPORARY, &[])).await;
    let other = called(numbered("k-1", Registration::Home, "F86040012500B", &[]), "Rowan", "2010-02-02");
    world.declare("kingsmead", other).await;
    let home = people(&world).home;
    assert_eq!(seen(&world, &home).await.reused.len(), 1);
}
