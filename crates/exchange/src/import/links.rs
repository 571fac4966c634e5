//! What the links of a consortium file must hold to before anything is made: a learner has one id at an institution, and an
//! id stands for one learner. Of two, one is another child, whose records would be delivered.

use super::{CheckedPlacement, is_apart};
use crate::{
    directory::{Directory, tokens::Tokens},
    matches::{is_guest, linked},
    types::AdminError,
};
use commonroll_core::{LocalId, Slug};
use std::collections::HashMap;

/// A pair of a placement's `learners`, counted from 1.
type Pair<'a> = (&'a CheckedPlacement, usize);
/// An id at an institution.
type At<'a> = (&'a Slug, &'a LocalId);

fn named((placement, number): Pair<'_>) -> String {
    format!("{}, pair {number} of learners", placement.place)
}

/// Refuses a file that says two things of one learner or of one guest.
pub(super) fn say_one_thing(placements: &[CheckedPlacement]) -> Result<(), AdminError> {
    let mut ours: HashMap<(&Slug, &LocalId, &Slug), (&LocalId, Pair<'_>)> = HashMap::new();
    let mut theirs: HashMap<At<'_>, (At<'_>, Pair<'_>)> = HashMap::new();
    for placement in placements {
        let (home, host) = (&placement.home, &placement.host);
        for (number, (at_home, at_host)) in (1..).zip(&placement.learners) {
            let pair: Pair<'_> = (placement, number);
            let (held, before) = *ours.entry((home, at_home, host)).or_insert((at_host, pair));
            if held != at_host {
                let fault = format!(
                    "gives a learner of {home} another id of {host} than {}; one of the two is another child's: leave the \
                     wrong pair out",
                    named(before)
                );
                return Err(AdminError::Entry { place: named(pair), fault });
            }
            let (held, before) = *theirs.entry((host, at_host)).or_insert(((home, at_home), pair));
            if held != (home, at_home) {
                let fault = format!(
                    "gives an id of {host} to another learner than {}, of {}; it is one child's: leave the wrong pair out",
                    named(before),
                    held.0
                );
                return Err(AdminError::Entry { place: named(pair), fault });
            }
        }
    }
    Ok(())
}

/// Refuses a file that says otherwise than the links that stand. People take a link apart that is wrong; a file, which
/// nobody at the two has seen, moves none.
pub(super) fn stand(placements: &[CheckedPlacement], directory: &Directory) -> Result<(), AdminError> {
    let mut guests: HashMap<u16, HashMap<u32, Vec<&LocalId>>> = HashMap::new();
    for placement in placements {
        let (home, host) = (&placement.home, &placement.host);
        let (Some(our), Some(their)) = (directory.number_of(home), directory.number_of(host)) else {
            continue;
        };
        for (number, (at_home, at_host)) in (1..).zip(&placement.learners) {
            let learner = directory.local(our, at_home).and_then(|local| local.learner);
            let guest = directory.local(their, at_host);
            if let Some(learner) = learner {
                let is_so = guest.is_some_and(|guest| guest.learner == Some(learner));
                let tokens = guest.map_or_else(Tokens::default, |guest| guest.tokens.clone());
                // Both make nothing new: the file is imported once more.
                if is_so || is_apart(directory, (their, at_host), &tokens, learner) {
                    continue;
                }
            }
            let undo = "if this file is right, a data manager of one of the two undoes that match in the console \
                        (Unmatched) first; else correct or leave out the pair";
            let refused = |stands: String| {
                Err(AdminError::Entry {
                    place: named((placement, number)),
                    fault: format!("{stands}; {undo}"),
                })
            };
            if linked(directory, their, at_host).is_some() {
                return refused(format!("this id of {host} is linked with another learner already"));
            }
            let guests = guests.entry(their).or_insert_with(|| guests_of(directory, their));
            let others = learner.and_then(|learner| guests.get(&learner));
            if others.is_some_and(|others| others.iter().any(|other| *other != at_host)) {
                return refused(format!(
                    "this learner of {home} is linked with another id of {host} already"
                ));
            }
        }
    }
    Ok(())
}

/// A host's guests who are known, by the learner.
fn guests_of(directory: &Directory, host: u16) -> HashMap<u32, Vec<&LocalId>> {
    let mut guests: HashMap<u32, Vec<&LocalId>> = HashMap::new();
    for (id, local) in directory.institution(host).into_iter().flat_map(|state| &state.locals) {
        if let Some(learner) = local.learner.filter(|_| is_guest(local)) {
            guests.entry(learner).or_default().push(id);
        }
    }
    guests
}
