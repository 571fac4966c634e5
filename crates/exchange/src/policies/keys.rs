//! Whether a set leaves anybody able to change it: a consortium must not lock itself out of its own rules.
//!
//! Proposing, approving as a second person and activating are asked of the set itself, for the people as they are.

use crate::{directory::Directory, office::LawError};
use commonroll_core::{PersonId, Purpose, Role, Slug};
use commonroll_policy::{Matter, Office, OfficeAct, PersonQuestion, Policy};

/// Refuses a set under which nobody could change the rules any more, whom somebody could have changed before.
///
/// # Errors
/// With what would be lost.
pub(super) fn not_lost(
    directory: &Directory,
    asker: &Slug,
    in_force: &Policy,
    set: &Policy,
) -> Result<(), LawError> {
    let rights = Rights::of(set, asker);
    if !rights.any() {
        return Err(LawError::State(
            "under this set no role could propose, approve and activate a change of the rules any more: nobody could ever \
             mend it",
        ));
    }
    if !rights.held(directory) && Rights::of(in_force, asker).held(directory) {
        return Err(LawError::State(
            "under this set nobody who is enrolled could propose, approve and activate a change of the rules any more: \
             enrol people in the roles that could, or leave the right where it is",
        ));
    }
    Ok(())
}

/// The roles that may do each of the three, and read the rules besides: nobody signs what they can't read.
struct Rights {
    propose: Vec<Role>,
    approve: Vec<Role>,
    activate: Vec<Role>,
}

impl Rights {
    fn of(set: &Policy, institution: &Slug) -> Self {
        let may = |role: Role, act: OfficeAct, second: bool| {
            let matter = Matter::Office(Office { act, of: None, second });
            let question = PersonQuestion { role, institution, purpose: Purpose::Administration, matter };
            set.decide_person(&question).is_ok()
        };
        let roles = |act: OfficeAct, second: bool| {
            let able = |role: &Role| may(*role, act, second) && may(*role, OfficeAct::SeePolicy, false);
            Role::ALL.into_iter().filter(able).collect()
        };
        Self {
            propose: roles(OfficeAct::ProposePolicy, false),
            approve: roles(OfficeAct::ApprovePolicy, true),
            activate: roles(OfficeAct::ActivatePolicy, false),
        }
    }

    /// True if there are roles for all three.
    fn any(&self) -> bool {
        [&self.propose, &self.approve, &self.activate].iter().all(|roles| !roles.is_empty())
    }

    /// True if somebody can propose, somebody else approve, and somebody activate.
    fn held(&self, directory: &Directory) -> bool {
        let held_by = |roles: &[Role]| -> Vec<PersonId> {
            let able = directory
                .active_people()
                .filter(|(_, person)| person.roles.iter().any(|role| roles.contains(role)));
            able.map(|(id, _)| *id).collect()
        };
        let (proposers, seconds) = (held_by(&self.propose), held_by(&self.approve));
        let two = proposers.iter().any(|one| seconds.iter().any(|other| other != one));
        two && !held_by(&self.activate).is_empty()
    }
}
