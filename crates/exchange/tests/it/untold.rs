//! Whoever guesses a child's number learns not from the hub where that child is: not by claiming it, not by taking it as a
//! guest.

use crate::{matches::*, world::*};
use commonroll_core::directory::Registration;
use commonroll_exchange::*;

/// Kingsmead's k-1, and somebody at ridgeway who knows the number, the date of birth and the name.
async fn known() -> World {
    let world = World::governed().await;
    world.declare("kingsmead", learner("k-1", Registration::Home, ULN)).await;
    world
}

#[tokio::test]
async fn case_12_a_claim_of_a_child_whose_number_is_known_tells_nobody_which_partner_has_it() {
    let world = known().await;
    let claim = learner("r-9", Registration::Home, ULN);
    assert_eq!(world.declare("ridgeway", claim).await, DeclareResult::Contested);
    let People { home, other, .. } = people(&world);
    for (who, local, counts) in [(&home, "k-1", true), (&other, "r-9", false)] {
        let sees = seen(&world, who).await;
        let [one] = &sees.claims[..] else { panic!("one claim") };
        assert_eq!((one.local.as_str(), one.counts, &one.other), (local, counts, &None));
    }
    // What ridgeway says of a placement is its own word. It tells kingsmead who it is, and not the other way round.
    world.declare("ridgeway", placement("r-9", "kingsmead")).await;
    assert_eq!(seen(&world, &other).await.claims[0].other, None);
    assert_eq!(seen(&world, &home).await.claims[0].other.as_deref(), Some("Ridgeway Academy"));
    // Kingsmead's own word.
    world.declare("kingsmead", placement("k-1", "ridgeway")).await;
    assert_eq!(seen(&world, &other).await.claims[0].other.as_deref(), Some("Kingsmead School"));
}

#[tokio::test]
async fn case_12_a_guest_under_a_known_number_tells_not_which_partner_has_the_child() {
    let world = known().await;
    let other = people(&world).other;
    // With all that is right the hub matches them; which home that is, it keeps to itself.
    world.declare("ridgeway", learner("r-9", Registration::Guest, ULN)).await;
    let sees = seen(&world, &other).await;
    assert_eq!(sees.links.links[0].other, None);
    let link = sees.links.links[0].id;
    let (confirm, _) = world.exchange.match_link(other.acting(), link, world.now()).await.unwrap();
    assert_eq!(confirm.other, None, "nor on the page before an undo");

    // With a date of birth that isn't, it says no more than that somebody has the number.
    for born in ["2009-05-02", ""] {
        world.declare("ridgeway", called(learner("r-8", Registration::Guest, ULN), "Imogen", born)).await;
        let sees = seen(&world, &other).await;
        let at = &sees.guests[0].homes[0];
        assert_eq!((&at.home, at.can_ask, at.fits[0].says), (&None, false, "a number is the same"), "{born}");
        assert!(!at.fits[0].means.contains("birth"), "{}", at.fits[0].means);
        let refused = ask(&world, &other, "r-8", "kingsmead").await.unwrap_err();
        assert_eq!(refused, ask(&world, &other, "r-8", "northgate").await.unwrap_err(), "alike at all");
    }

    // Who says openly from where it takes the guest may ask there; and a home that placed the learner has named itself.
    world.declare("ridgeway", acceptance("r-8", "kingsmead")).await;
    let sees = seen(&world, &other).await;
    let named = Some((slug("kingsmead"), "Kingsmead School".to_owned()));
    assert_eq!((&sees.guests[0].homes[0].home, sees.guests[0].homes[0].can_ask), (&named, true));
    assert_eq!(sees.links.links[0].other, None, "of r-9 it has said nothing");
    world.declare("kingsmead", placement("k-1", "ridgeway")).await;
    assert_eq!(seen(&world, &other).await.links.links[0].other.as_deref(), Some("Kingsmead School"));
}
