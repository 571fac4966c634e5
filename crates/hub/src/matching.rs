//! What is said of who is who, for the console's page and for programs alike.

use commonroll_exchange::{
    DoubleSeen, FitSeen, GuestSeen, HomeSeen, MainSeen, MatchDeed, MatchStepSeen, MovedHow,
};

/// Some learners of a home whom a guest may be.
pub(crate) fn fits(fit: &FitSeen, home: &str) -> String {
    let learners = match fit.learners {
        1 => "1 learner".to_owned(),
        many => format!("{many} learners"),
    };
    let undone = match (&fit.another, fit.undone) {
        (_, true) => "; matched before, until somebody undid it".to_owned(),
        (Some(id), false) => format!(
            "; your id {} was matched with them until somebody undid it, so no other id of yours is matched with them by itself",
            id.as_str()
        ),
        (None, false) => String::new(),
    };
    format!("{learners} of {home}: {}{undone}", fit.says)
}

/// What a home is called where it may be named.
pub(crate) fn home_name(home: &HomeSeen) -> &str {
    home.home.as_ref().map_or("another partner", |(_, name)| name)
}

/// True if a home said no, and nobody else fits there.
pub(crate) fn is_declined(home: &HomeSeen) -> bool {
    let by_people = |step: &&MatchStepSeen| !matches!(step.deed, MatchDeed::Changed | MatchDeed::Forgotten);
    let said = home.history.iter().rfind(by_people);
    home.fits.is_empty() && said.is_some_and(|step| step.deed == MatchDeed::No)
}

/// What to do about a guest; empty where a home is to be asked, or is asked.
pub(crate) fn guest_next(guest: &GuestSeen) -> &'static str {
    let askable = guest.homes.iter().any(|home| home.can_ask || home.is_open);
    let unnamed = guest.homes.iter().any(|at| at.home.is_none() && !at.fits.is_empty());
    let fit = guest.homes.iter().any(|home| !home.fits.is_empty());
    match (askable, fit, guest.from.is_empty()) {
        (true, ..) if fit => "",
        (true, ..) => {
            "Check the number and the date of birth in your MIS, then ask the home you take them from: it sees who of its \
             own fits, and you see it once it has placed them with you."
        }
        _ if unnamed => {
            "Ask the learner which school is theirs, and accept the placement from it in your MIS: then you can ask it here."
        }
        (false, true, _) => "They fit a learner of your own: correct whichever entry in your MIS is wrong.",
        (false, false, true) => {
            "Nobody fits, and you take them from nobody. Check the number and the date of birth in your MIS, and accept \
             the placement from their home."
        }
        (false, false, false) => {
            "Nobody fits. Check the number and the date of birth in your MIS, and ring the home for theirs: once both are \
             the same, the match comes by itself."
        }
    }
}

/// What one's own institution has said of a learner whom two claim, and what the other one says; empty if nothing.
pub(crate) fn claimed(main: &MainSeen) -> (String, String) {
    let said = main.said.as_ref().map_or_else(String::new, |said| match said.ours {
        true => {
            format!(
                "You have said that the main registration is yours, and that {} has the other.",
                said.other
            )
        }
        false => format!("You have said that the main registration is {}’s.", said.other),
    });
    let told = main.told.as_ref().map_or_else(String::new, |told| match told.ours {
        true => format!("{} says that the main registration is yours.", told.other),
        false => format!("{} says that the main registration is its own.", told.other),
    });
    (said, told)
}

/// Somebody who has moved: what is so, and what to do.
pub(crate) fn moved(other: &str, how: MovedHow) -> (String, &'static str) {
    match how {
        MovedHow::Homeless => (
            format!("Your guest from {other}: nobody registers them as their own any more"),
            "Ask the learner which school is theirs now. Its office registers them, and the match comes by itself.",
        ),
        MovedHow::HomeChanged => (
            format!("Your guest from {other}: another partner registers them as its own now"),
            "Ask the learner which school is theirs now. It declares the placement, you accept it from there, and end \
             the old one.",
        ),
        MovedHow::LeftUs => (
            format!("Left you, and is still placed with {other}"),
            "End the placement in your MIS: nothing about them comes to you any more.",
        ),
    }
}

/// Whose the other learner of a number is, and what to do.
pub(crate) fn double(one: &DoubleSeen) -> (String, &'static str) {
    match (one.own, &one.other) {
        (true, _) => ("another learner of yours".to_owned(), "Correct whichever entry in your MIS is wrong."),
        (false, Some(other)) => {
            (format!("a learner of {other}"), "Ring the other office, and correct whichever MIS is wrong.")
        }
        (false, None) => (
            "a learner of another partner".to_owned(),
            "Check the number against the learner’s papers, and correct your MIS if it’s wrong.",
        ),
    }
}

/// How many partners' guests are matched with one of one's own.
pub(crate) fn guests(count: usize) -> String {
    match count {
        1 => "1 guest".to_owned(),
        many => format!("{many} guests"),
    }
}
