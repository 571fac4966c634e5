//! Who may read which home a learner has: nobody learns it by declaring somebody under a number that they guessed.

use crate::directory::{Directory, Side, matches::MatchCase};
use commonroll_core::LocalId;

/// True if a home has placed its learner with an institution: the home's own word, and not what the other declares. One that was
/// over before it began was another child's, or nobody's.
pub(crate) fn placed_with(directory: &Directory, (home, local): (u16, &LocalId), own: u16) -> bool {
    let sides = directory.local(home, local).map_or(&[] as &[_], |local| &local.sides);
    let held = |side: &Side| {
        let zone = directory.institution(home).map(|state| &state.zone);
        let first = zone.map(|zone| side.dates.first().start(zone));
        side.ended.is_none_or(|ended| first.is_some_and(|first| first < ended))
    };
    sides.iter().any(|side| !side.hosting && side.other == own && held(side))
}

/// True if a host may read that somebody at this home is its guest, or fits one: the home placed its learner there, or has
/// said before that the guest is its own. Not because the host names the home: whoever names every partner in turn, and asks
/// each, would read where a child is whose number was guessed.
pub(crate) fn is_told(
    directory: &Directory,
    (host, guest): (u16, &LocalId),
    (home, local): (u16, Option<&LocalId>),
) -> bool {
    directory.matches().between(host, guest, home).is_some_and(MatchCase::was_linked)
        || local.is_some_and(|local| placed_with(directory, (home, local), host))
}

/// True if a host says of a guest that it takes them from this home: it may ask there, whether anybody fits or not.
pub(crate) fn names(directory: &Directory, (host, guest): (u16, &LocalId), home: u16) -> bool {
    let sides = directory.local(host, guest).map_or(&[] as &[_], |local| &local.sides);
    sides.iter().any(|side| side.hosting && side.other == home)
}
