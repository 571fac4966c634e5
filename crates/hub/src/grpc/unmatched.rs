//! What about who is who waits for a person, as the readiness service tells it: what the console's page shows, without names.

use crate::{console::times, matching};
use commonroll_core::LocalId;
use commonroll_exchange::{GuestSeen, OptionSeen, UnmatchedSeen, WaitingSeen};
use commonroll_wire::pb::readiness::v1 as pb;
use jiff::tz::TimeZone;

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
        let options: String = one.options.iter().map(option).collect();
        let says = format!("They ask whether a guest of theirs is one of these learners.{options}");
        waits("question", ids, &one.host, says, "Answer it on the console.");
    }
    for one in &seen.guests {
        let (says, to_do) = guest(one);
        waits("guest", vec![&one.local], &one.from.join(", "), says, to_do);
    }
    for one in &seen.claims {
        let (said, told) = matching::claimed(&one.main);
        let counts = match one.counts {
            true => "Another partner registers this learner as its own, too; yours counts meanwhile.",
            false => "Another partner registers this learner as its own, too; yours doesn't count meanwhile.",
        };
        let all = [counts, &told, &said];
        let says: Vec<&str> = all.into_iter().filter(|part| !part.is_empty()).collect();
        let other = one.other.as_deref().unwrap_or_default();
        let to_do = match said.is_empty() {
            true => "Agree with it where the main registration is, and say so on the console.",
            false => "Wait until it says the same of its own, or ring its office.",
        };
        waits("claim", vec![&one.local], other, says.join(" "), to_do);
    }
    for one in &seen.moved {
        let (what, to_do) = matching::moved(&one.other, one.how);
        waits("moved", vec![&one.local], &one.other, format!("{what}."), to_do);
    }
    for one in &seen.reused {
        let guests = matching::guests(one.guests);
        let says = format!(
            "This id stands for another child all at once, since {}; matched with who it stood for: {guests} of partners.",
            times::day_hm(one.since, seen.zone.as_ref().unwrap_or(&TimeZone::UTC))
        );
        let to_do = "Say on the console whether it really does; nothing is sent for either until then.";
        waits("reused", vec![&one.local], "", says, to_do);
    }
    for one in &seen.doubles {
        let (who, next) = matching::double(one);
        let other = one.other.as_deref().filter(|_| !one.own).unwrap_or_default();
        let to_do = format!("{} {next}", one.means);
        waits("double", vec![&one.local], other, format!("And {who}: {}.", one.says), &to_do);
    }
    for one in &seen.for_host {
        let to_do = "The host accepts it, or you end it.";
        waits("placement_for_host", vec![&one.local], &one.other, placement("declared", one), to_do);
    }
    for one in &seen.for_home {
        let to_do = "The home declares it, or you take the acceptance back.";
        waits("placement_for_home", vec![&one.local], &one.other, placement("accepted", one), to_do);
    }
    let more = seen.all.waiting().saturating_sub(open.len()) as u64;
    pb::UnmatchedResponse { open, more }
}

/// A learner whom a host's guest may be: what is the same, what isn't, and what was before.
fn option(one: &OptionSeen) -> String {
    let list = |what: &str, all: &[&'static str]| match all {
        [] => String::new(),
        all => format!("; {what} {}", all.join(", ")),
    };
    let same = match one.points.same.is_empty() {
        true => "; nothing that both declared is the same".to_owned(),
        false => list("the same", &one.points.same),
    };
    let (differs, unknown) =
        (list("another", &one.points.differs), list("not known to both", &one.points.unknown));
    let placed = if one.placed { "; placed there" } else { "; not placed there" };
    let before = match (one.undone, one.another) {
        (true, _) => "; matched before, until somebody undid it",
        (_, true) => "; another guest of theirs was matched with this learner, until somebody undid it",
        _ => "",
    };
    format!(" {}{same}{differs}{unknown}{placed}{before}.", one.local.as_str())
}

/// What is so of a guest whom nobody has matched, and what to do: as the page has it.
fn guest(one: &GuestSeen) -> (String, &'static str) {
    let mut says = "Nobody is matched".to_owned();
    let fits = one.homes.iter().any(|home| !home.fits.is_empty());
    says += if fits { "." } else { ", and nobody fits." };
    for home in &one.homes {
        let name = matching::home_name(home);
        for fit in &home.fits {
            says += &format!(" {}. {}", matching::fits(fit, name), fit.means);
        }
        if home.is_open {
            says += &format!(" {name} is asked, and hasn't answered.");
        } else if matching::is_declined(home) {
            says += &format!(" {name} said that it's none of theirs.");
        }
    }
    let to_do = match matching::guest_next(one) {
        "" if one.homes.iter().any(|home| home.can_ask) => "Ask the home on the console whether it's theirs.",
        "" => "Wait for the answer, or ring the office that is asked.",
        next => next,
    };
    (says, to_do)
}

fn placement(did: &str, one: &WaitingSeen) -> String {
    let group = one.group.as_ref().map_or("every group", LocalId::as_str);
    format!(
        "Only you have {did} the placement in {group} from {} to {}.",
        one.dates.first(),
        one.dates.last()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use commonroll_core::Timestamp;
    use commonroll_exchange::ReusedSeen;

    #[test]
    fn a_moment_is_told_by_the_clock_of_the_institution_that_asks() {
        // Half past eleven in the evening of 1 July in UTC.
        let since = Timestamp::from_micros("since", 1_782_948_600_000_000).expect("a moment");
        let (local, stamp) = (LocalId::parse("id", "R200").expect("an id"), String::new());
        let reused = ReusedSeen { local, called: "Ottoline".to_owned(), since, guests: 1, stamp };
        let zone = TimeZone::get("Europe/London").ok();
        let told = unmatched(&UnmatchedSeen { reused: vec![reused], zone, ..UnmatchedSeen::default() });
        let says = &told.open[0].says;
        assert!(says.contains("since 2 July 2026, 00:30;") && !says.contains("Ottoline"), "{says}");
    }
}
