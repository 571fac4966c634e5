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
    let at = &sees.guests[0].homes[0];
    assert_eq!((&at.home, at.can_ask, at.fits.len()), (&named, true, 0), "and not whether anybody fits");
    assert_eq!(sees.links.links[0].other, None, "of r-9 it has said nothing");
    world.declare("kingsmead", placement("k-1", "ridgeway")).await;
    let sees = seen(&world, &other).await;
    assert_eq!(sees.links.links[0].other.as_deref(), Some("Kingsmead School"));
    assert_eq!(sees.guests[0].homes[0].fits.len(), 1, "it has placed them: ridgeway may know who fits");
}

#[tokio::test]
async fn case_12_a_host_that_takes_its_own_guess_apart_is_told_no_name_by_that() {
    let world = known().await;
    let other = people(&world).other;
    world.declare("ridgeway", learner("r-9", Registration::Guest, ULN)).await;
    let link = seen(&world, &other).await.links.links[0].id;
    world.exchange.undo_match(other.acting(), link, world.now()).await.unwrap();
    let sees = seen(&world, &other).await;
    let homes: Vec<_> = sees.guests.iter().flat_map(|guest| &guest.homes).map(|at| &at.home).collect();
    assert!(homes.iter().all(|home| home.is_none()), "{homes:?}");
    let entries = world.entries_of("match.undone").await;
    assert!(!entries[0].to_string().contains("kingsmead"), "ridgeway reads this entry: {}", entries[0]);
}

/// What a partner reads of a guest, but for the names of the homes that it names itself.
async fn reads(world: &World, who: &Actor, named: &str) -> String {
    let sees = seen(world, who).await;
    let homes = sees.guests.iter().flat_map(|guest| &guest.homes).map(|at| {
        let home = at.home.as_ref().map(|(slug, _)| slug.as_str().replace(named, "the one it names"));
        let steps = deeds(&at.history);
        format!("{home:?} {:?} {} {} {steps:?}", at.fits, at.can_ask, at.is_open)
    });
    let homes: Vec<_> = homes.collect();
    let links: Vec<_> = sees.links.links.iter().map(|link| (&link.other, link.rests, link.look)).collect();
    let (moved, waits) = (sees.moved.len(), sees.for_home.len());
    format!("{homes:?} {links:?} {moved} moved, {waits} wait")
}

/// Whoever takes a guest under a guessed number from one partner after the other, and asks each, reads the same of all.
#[tokio::test]
async fn case_12_taking_placements_from_every_partner_in_turn_tells_not_which_has_the_child() {
    for (forename, born) in
        [("Imogen", "2009-05-01"), ("Imogen", "2009-05-02"), ("Rowan", "2009-05-01"), ("", "")]
    {
        for numbered in [true, false] {
            let mut all = Vec::new();
            for named in ["kingsmead", "northgate"] {
                let world = known().await;
                let other = people(&world).other;
                let uln = if numbered { ULN } else { "" };
                let guest = called(learner("r-1", Registration::Guest, uln), forename, born);
                world.declare("ridgeway", guest.clone()).await;
                world.declare("ridgeway", acceptance("r-1", named)).await;
                let mut read = vec![reads(&world, &other, named).await];
                let asked = ask(&world, &other, "r-1", named).await;
                read.push(format!("{:?}", asked.as_ref().map(|_| "asked")));
                read.push(reads(&world, &other, named).await);
                if let Ok(question) = asked {
                    // And its office says no.
                    let office = Actor::new(&world, named, commonroll_core::Role::DataManager);
                    answer(&world, &office, question, None).await.unwrap();
                    read.push(reads(&world, &other, named).await);
                    read.push(format!("{:?}", ask(&world, &other, "r-1", named).await.err()));
                    // Another date of birth is tried.
                    world.declare("ridgeway", called(guest, "Imogen", "2009-05-09")).await;
                    read.push(reads(&world, &other, named).await);
                    read.push(format!("{:?}", ask(&world, &other, "r-1", named).await.map(|_| "asked")));
                }
                all.push(read);
            }
            assert_eq!(all[0], all[1], "{forename} {born} {numbered}");
            assert!(numbered || all[0][1].contains("asked"), "it can always be asked: {:?}", all[0]);
        }
    }
}

/// What a partner reads of the homes that it names, or has asked.
async fn named(world: &World, who: &Actor) -> Vec<String> {
    let sees = seen(world, who).await;
    let homes = sees.guests.iter().flat_map(|guest| &guest.homes).filter(|at| at.home.is_some());
    homes.map(|at| format!("{:?} {} {} {:?}", at.fits, at.can_ask, at.is_open, deeds(&at.history))).collect()
}

/// Ridgeway asked kingsmead about its guess, and the office said no. What kingsmead corrects, or has forgotten, afterwards shows
/// ridgeway nothing: it would read by it that somebody there had fitted.
#[tokio::test]
async fn case_12_after_a_no_nothing_that_the_home_corrects_or_has_forgotten_shows_the_asker_that_anybody_fitted()
 {
    for erased in [false, true] {
        let world = World::with("sqlite::memory:", with_officers()).await;
        world.declare("kingsmead", learner("k-1", Registration::Home, ULN)).await;
        let People { home, other, .. } = people(&world);
        let guess = called(learner("r-1", Registration::Guest, ULN), "Imogen", "2009-05-02");
        world.declare("ridgeway", guess).await;
        world.declare("ridgeway", acceptance("r-1", "kingsmead")).await;
        let question = ask(&world, &other, "r-1", "kingsmead").await.unwrap();
        answer(&world, &home, question, None).await.unwrap();
        let before = named(&world, &other).await;
        let refused = ask(&world, &other, "r-1", "kingsmead").await.unwrap_err();
        if erased {
            let dpo = Actor::new(&world, "kingsmead", commonroll_core::Role::Dpo);
            let (what, why) = (Erasing::Learner(id("k-1")), ErasureReason::NoLongerNeeded);
            let erased = world.exchange.erase(dpo.acting(), &what, why, (true, true), world.now()).await;
            assert!(erased.unwrap().done);
        } else {
            let corrected = called(learner("k-1", Registration::Home, ULN), "Imogen", "2009-05-07");
            world.declare("kingsmead", corrected).await;
        }
        assert_eq!(named(&world, &other).await, before, "forgotten: {erased}");
        let again = ask(&world, &other, "r-1", "kingsmead").await;
        assert_eq!(again.unwrap_err(), refused, "forgotten: {erased}");
        // The office, which knows its learner, takes its no back; then the asker is asked for, by a person.
        world.exchange.reopen_match(home.acting(), question, world.now()).await.unwrap();
        assert!(!seen(&world, &home).await.questions[0].declined);
    }
}
