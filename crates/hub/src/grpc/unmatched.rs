//! What about who is who waits for a person, as the readiness service tells it: what the console's page shows, without names.

use commonroll_core::LocalId;
use commonroll_exchange::{MovedHow, UnmatchedSeen, WaitingSeen};
use commonroll_wire::pb::readiness::v1 as pb;

/// What waits, questions first.
pub(super) fn unmatched(seen: &UnmatchedSeen) -> pb::UnmatchedResponse {
    let mut open = Vec::new();
    let mut waits = |what: &str, ids: Vec<&LocalId>, other: &str, says: String, to_do: &str| {
        open.push(pb::OpenMatch {
            what: what.to_owned(),
            local_ids: ids.into_iter().map(|id| id.as_str().to_owned()).collect(),
            other: other.to_owned(),
            says,
            to_do: to_do.to_owned(),
        });
    };
    for one in seen.questions.iter().filter(|one| !one.declined) {
        let ids = one.options.iter().map(|option| &option.local).collect();
        let says = "They ask whether a guest of theirs is one of these learners.".to_owned();
        waits("question", ids, &one.host, says, "Answer it on the console.");
    }
    for one in &seen.guests {
        let fits = one.homes.iter().flat_map(|home| home.fits.iter().map(move |fit| (home, fit)));
        let said = fits.clone().map(|(home, fit)| {
            let at = home.home.as_ref().map_or("a partner", |(_, name)| name);
            format!("{} of {at}: {}", fit.learners, fit.says)
        });
        let said: Vec<String> = said.collect();
        let means = fits.map(|(_, fit)| fit.means).next();
        let (says, to_do) = match means {
            Some(means) => (format!("Nobody is matched, and these fit: {}.", said.join("; ")), means),
            None => (
                "Nobody is matched, and nobody fits.".to_owned(),
                "Check the numbers and the date of birth in your MIS, and ask the learner which school is theirs.",
            ),
        };
        waits("guest", vec![&one.local], &one.from.join(", "), says, to_do);
    }
    for one in &seen.claims {
        let says = match one.counts {
            true => "Another partner registers this learner as its own, too; yours counts meanwhile.",
            false => "Another partner registers this learner as its own, too; yours doesn't count meanwhile.",
        };
        let other = one.other.as_deref().unwrap_or_default();
        let to_do = "Agree with it where the main registration is, and say so on the console.";
        waits("claim", vec![&one.local], other, says.to_owned(), to_do);
    }
    for one in &seen.moved {
        let (says, to_do) = match one.how {
            MovedHow::Homeless => (
                "Your guest: nobody registers them as their own any more.",
                "Ask the learner which school is theirs now; its office registers them.",
            ),
            MovedHow::HomeChanged => (
                "Your guest: another partner registers them as its own now.",
                "Ask the learner which school is theirs now, accept its placement, and end the old one.",
            ),
            MovedHow::LeftUs => ("Left you, and is still placed.", "End the placement in your MIS."),
        };
        waits("moved", vec![&one.local], &one.other, says.to_owned(), to_do);
    }
    for one in &seen.reused {
        let says = "This id stands for another child all at once.".to_owned();
        waits("reused", vec![&one.local], "", says, "Say on the console whether it really does.");
    }
    for one in &seen.doubles {
        let says = match one.own {
            true => format!("Another learner of yours: {}.", one.says),
            false => format!("A learner of another partner: {}.", one.says),
        };
        let other = one.other.as_deref().filter(|_| !one.own).unwrap_or_default();
        waits("double", vec![&one.local], other, says, one.means);
    }
    for one in &seen.for_host {
        let to_do = "The host accepts it, or you end it.";
        waits("placement_for_host", vec![&one.local], &one.other, placement("declared", one), to_do);
    }
    for one in &seen.for_home {
        let to_do = "The home declares it, or you take the acceptance back.";
        waits("placement_for_home", vec![&one.local], &one.other, placement("accepted", one), to_do);
    }
    pb::UnmatchedResponse { open, more: seen.more as u64 }
}

fn placement(did: &str, one: &WaitingSeen) -> String {
    let group = one.group.as_ref().map_or("every group", LocalId::as_str);
    format!(
        "Only you have {did} the placement in {group} from {} to {}.",
        one.dates.first(),
        one.dates.last()
    )
}
