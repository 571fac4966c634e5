//! A match that people took apart stays so, by whatever id the host sends the child once more.

use crate::{matches::*, world::*};
use commonroll_core::directory::{Declaration, Registration};
use commonroll_exchange::*;

const UPN: &str = "F860400125001";

/// The child whom northgate calls so, as it was matched before.
fn anew(guest: &str) -> Declaration {
    learner(guest, Registration::Guest, ULN)
}

fn with_upn(declaration: Declaration, uln: &str) -> Declaration {
    let Declaration::Learner(mut learner) = declaration else { unreachable!() };
    (learner.upn, learner.uln) = (UPN.to_owned(), uln.to_owned());
    Declaration::Learner(learner)
}

async fn come_anew(world: &World, guest: Declaration, local: &str) {
    assert_eq!(world.declare("northgate", guest).await, DeclareResult::Accepted);
    world.declare("northgate", acceptance(local, "kingsmead")).await;
}

async fn flows(world: &mut World, guest: &str, hour: i64) -> bool {
    let taken = world.publish("northgate", vec![mark("northgate", guest, hour, 1)]).await;
    matches!(taken[0], RecordAnswer::Accepted { .. })
}

fn waiting(seen: &UnmatchedSeen) -> Vec<&str> {
    seen.guests.iter().map(|guest| guest.local.as_str()).collect()
}

#[tokio::test]
async fn a_guest_sent_anew_under_another_id_waits_for_people_who_are_told_why_and_so_it_is_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite:{}", folder.path().join("hub.db").display());
    let mut world = World::with(&database, governed()).await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", ULN).await;
    let People { host, home, .. } = people(&world);
    let link = seen(&world, &home).await.links.links[0].id;
    undo(&world, &home, link).await.unwrap();

    come_anew(&world, anew("n-78"), "n-78").await;
    assert!(!flows(&mut world, "n-78", 9).await, "people said that it isn't k-1");
    world.exchange.close(world.now()).await;
    world.started_again(open_store(&database).await).await;
    // Sent once more, in another spelling; and by what the home declares of its learner.
    come_anew(&world, called(anew("n-78"), "Immy", "2009-05-01"), "n-78").await;
    come_anew(&world, anew("n-78"), "n-78").await;
    come_anew(&world, anew("n-79"), "n-79").await;
    world.declare("kingsmead", called(learner("k-1", Registration::Home, ULN), "Imo", "2009-05-01")).await;
    world.declare("kingsmead", learner("k-1", Registration::Home, ULN)).await;
    let sees = seen(&world, &host).await;
    assert_eq!(waiting(&sees), ["n-77", "n-78", "n-79"]);
    assert!(!flows(&mut world, "n-78", 10).await);
    let fit = &sees.guests[1].homes[0].fits[0];
    assert_eq!((fit.says, fit.undone), ("the number and the date of birth are the same", false));
    assert_eq!(fit.another, Some(id("n-77")), "by the own id of the host that asks");
    assert_eq!(sees.guests[0].homes[0].fits[0].another, None, "of n-77 itself the history says it");

    // It was an error: the home says yes, and that holds for this id alone.
    let question = ask(&world, &host, "n-78", "kingsmead").await.unwrap();
    let option = seen(&world, &home).await.questions.remove(0).options.remove(0);
    assert!(option.another && !option.undone);
    answer(&world, &home, question, Some("k-1")).await.unwrap();
    assert!(flows(&mut world, "n-78", 11).await);
    come_anew(&world, with_upn(anew("n-78"), ULN), "n-78").await;
    assert_eq!(waiting(&seen(&world, &host).await), ["n-77", "n-79"]);
    assert!(world.exchange.verify(|_| {}).await.is_ok());
}

/// The home knows two numbers. The guest whose match was undone bore one of them; the new id bears the other.
#[tokio::test]
async fn the_childs_other_number_is_no_way_round_and_neither_is_claiming_the_child_first() {
    let mut world = World::governed().await;
    world.declare("kingsmead", with_upn(learner("k-1", Registration::Home, ULN), ULN)).await;
    world.declare("kingsmead", placement("k-1", "northgate")).await;
    come_anew(&world, anew("n-77"), "n-77").await;
    assert!(reaches_home(&mut world, 9).await);
    let People { host, home, .. } = people(&world);
    let link = seen(&world, &host).await.links.links[0].id;
    undo(&world, &host, link).await.unwrap();

    come_anew(&world, with_upn(anew("n-78"), ""), "n-78").await;
    assert!(!flows(&mut world, "n-78", 10).await);
    // As a learner of its own first, which is a second claim, and then as a guest.
    let claimed = learner("n-80", Registration::Home, ULN);
    assert_eq!(world.declare("northgate", claimed).await, DeclareResult::Contested);
    come_anew(&world, anew("n-80"), "n-80").await;
    assert!(!flows(&mut world, "n-80", 11).await);
    assert_eq!(waiting(&seen(&world, &host).await), ["n-77", "n-78", "n-80"]);
    assert!(seen(&world, &home).await.links.links.is_empty());
}

/// The home's register system gives the learner a new id, and the hub a new number: the guest's numbers still tell.
#[tokio::test]
async fn a_home_that_knows_the_learner_by_a_new_id_is_asked_too() {
    let mut world = World::governed().await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", ULN).await;
    let People { host, home, .. } = people(&world);
    let link = seen(&world, &home).await.links.links[0].id;
    undo(&world, &home, link).await.unwrap();
    // Another child's data under the old id first, so that the new one is nobody whom the hub knows.
    world
        .declare("kingsmead", called(learner("k-1", Registration::Home, OTHER), "Rowan", "2009-05-01"))
        .await;
    world.declare("kingsmead", learner("k-900", Registration::Home, ULN)).await;
    world.declare("kingsmead", placement("k-900", "northgate")).await;
    come_anew(&world, anew("n-78"), "n-78").await;
    assert!(!flows(&mut world, "n-78", 9).await);
    assert_eq!(waiting(&seen(&world, &host).await), ["n-77", "n-78"]);
}

/// Two guests of one host were taken for one learner: a twin. Whoever undoes the wrong one keeps the right one.
#[tokio::test]
async fn of_two_guests_the_one_that_people_left_alone_stays_matched() {
    let mut world = World::governed().await;
    world.placed("kingsmead", "k-1", "northgate", "n-77", ULN).await;
    come_anew(&world, anew("n-78"), "n-78").await;
    let People { host, home, .. } = people(&world);
    let links = seen(&world, &home).await.links.links;
    assert_eq!(links.len(), 2, "both sides see both");
    let of = world
        .exchange
        .unmatched(host.acting(), (Some(&id("n-77")), &UnmatchedPart::FIRST), world.now())
        .await
        .unwrap();
    undo(&world, &host, of.links.links[0].id).await.unwrap();
    come_anew(&world, with_upn(anew("n-78"), ULN), "n-78").await;
    assert!(flows(&mut world, "n-78", 9).await, "corrected since, and still matched");
    assert_eq!(waiting(&seen(&world, &host).await), ["n-77"]);
}
