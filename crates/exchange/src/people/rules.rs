//! Who may give a role to whom. Nobody gives one to themself; an office that a person gives needs a second one.
//!
//! [`may`] is the one place where this crate asks policy what a person may do to other people's access. An office that a
//! person gives always needs a second one; where there is nobody, the hub's operator brings in the first of another office.

use super::PersonWanted;
use crate::{
    directory::{Directory, Invitation, change::Invited},
    types::{AdminError, NotAllowed, PersonSpeaker},
};
use commonroll_core::{Invalid, PersonId, Purpose, Role, Slug, directory::Registration};
use commonroll_policy::{Matter, Office, OfficeAct, PersonQuestion};
use std::collections::BTreeSet;

/// Roles that widen what a person may do to others' data or access.
pub const OFFICES: [Role; 4] = [Role::Head, Role::DataManager, Role::Dpo, Role::ConsortiumLead];
/// Roles of an institution that can be the second person; policy says what they may do.
const RUNNERS: [Role; 2] = [Role::Head, Role::DataManager];

/// Widening by one person is refused.
pub const NOBODY_ELSE: Invalid = Invalid::new(
    "roles",
    "an office needs a second person, and there is nobody else here yet; ask the hub's operator to bring in the \
     institution's first head or data manager",
);

/// What a person wants to do.
pub enum PeopleAct<'a> {
    /// Invite somebody to an institution.
    Invite {
        /// Which.
        institution: &'a Slug,
    },
    /// Approve somebody else's invitation into an office.
    Approve {
        /// Which.
        invitation: &'a Invitation,
    },
    /// End a person's access.
    Revoke {
        /// Whose institution it is.
        institution: &'a Slug,
    },
    /// See who is enrolled at an institution.
    See {
        /// Which.
        institution: &'a Slug,
    },
}

/// Whether a person, in the one role in use, may do this: what is so is looked up here, and policy decides.
pub fn may(
    directory: &Directory,
    speaker: &PersonSpeaker,
    role: Role,
    act: &PeopleAct<'_>,
) -> Result<(), NotAllowed> {
    directory.in_role(speaker.id, role)?;
    let decided = |act, of: &Slug, second| {
        let institution = &speaker.institution;
        let matter = Matter::Office(Office { act, of: Some(of), second });
        let question = PersonQuestion { role, institution, purpose: Purpose::Administration, matter };
        directory.policies().set().is_some_and(|policy| policy.decide_person(&question).is_ok())
    };
    let allowed = match act {
        PeopleAct::Invite { institution } => decided(OfficeAct::InvitePerson, institution, false),
        PeopleAct::Revoke { institution } => decided(OfficeAct::RevokePerson, institution, false),
        PeopleAct::See { institution } => {
            decided(OfficeAct::InvitePerson, institution, false)
                || decided(OfficeAct::SeeDecisions, institution, false)
        }
        PeopleAct::Approve { invitation } => {
            is_second(directory, speaker, role, invitation)
                && decided(OfficeAct::GrantOffice, &invitation.institution, true)
        }
    };
    if allowed { Ok(()) } else { Err(NotAllowed::Denied) }
}

/// True if this is the somebody else whom an invitation waits for.
fn is_second(directory: &Directory, speaker: &PersonSpeaker, role: Role, invitation: &Invitation) -> bool {
    let Some(invited) = &invitation.person else { return false };
    if !invited.second || invited.approved.is_some() || proposer(invited) == Some(speaker.id) {
        return false;
    }
    let Some(number) = directory.number_of(&invitation.institution) else { return false };
    approvers(directory, number, invited).is_some_and(|who| {
        who.roles.contains(&role) && who.institution.is_none_or(|number| number == speaker.number)
    })
}

/// True if an invitation gives an office.
pub fn gives_office(roles: &BTreeSet<Role>) -> bool {
    roles.iter().any(|role| OFFICES.contains(role))
}

/// Who can be the second person.
pub struct Approvers {
    /// Of which institution; `None` for any.
    institution: Option<u16>,
    roles: &'static [Role],
}

/// Who can approve an invitation into an office: for a consortium lead another one; else a head or data manager of the
/// institution; where there is neither, the other of the two; `None` if there is nobody else.
pub fn approvers(directory: &Directory, institution: u16, invited: &Invited) -> Option<Approvers> {
    let own = Approvers { institution: Some(institution), roles: &RUNNERS };
    let leads = Approvers { institution: None, roles: &[Role::ConsortiumLead] };
    let there = |who: &Approvers| {
        directory.active_people().any(|(id, person)| {
            Some(*id) != proposer(invited)
                && who.institution.is_none_or(|number| number == person.institution)
                && who.roles.iter().any(|role| person.roles.contains(role))
        })
    };
    let order = if invited.roles.contains(&Role::ConsortiumLead) { [leads, own] } else { [own, leads] };
    order.into_iter().find(there)
}

fn proposer(invited: &Invited) -> Option<PersonId> {
    invited.proposed.map(|id| id.0)
}

/// The operator brings in the first of each office, and nobody else.
pub fn operator_may(directory: &Directory, institution: u16, roles: &BTreeSet<Role>) -> Result<(), Invalid> {
    if directory.left(institution).is_some() {
        return Err(Invalid::new("institution", "has left the consortium"));
    }
    let held = |role: &Role| {
        directory.active_people().any(|(_, p)| p.institution == institution && p.roles.contains(role))
    };
    if roles.iter().all(|role| OFFICES.contains(role) && !held(role)) {
        return Ok(());
    }
    Err(Invalid::new(
        "roles",
        "the operator invites an institution's first head, data_manager, dpo or consortium_lead; its head or data \
         manager invites all others with `person invite`",
    ))
}

/// Nobody gives a role to themself: not under their own name, and not as the same member of staff.
pub fn not_oneself(
    directory: &Directory,
    speaker: &PersonSpeaker,
    wanted: &PersonWanted,
) -> Result<(), AdminError> {
    let own = directory.person(speaker.id).ok_or(NotAllowed::Unknown)?;
    let same_name = own.name.to_lowercase() == wanted.name.to_lowercase();
    if same_name || own.staff.is_some() && own.staff == wanted.staff {
        let rule = "nobody gives a role to themselves; ask another head or data manager";
        return Err(Invalid::new("name", rule).into());
    }
    Ok(())
}

/// Whether an invitation fits what the institution has said about itself.
pub fn fits(directory: &Directory, institution: u16, wanted: &PersonWanted) -> Result<(), Invalid> {
    if let Some(staff) = &wanted.staff
        && staff_taken(directory, institution, staff)
    {
        return Err(Invalid::new("staff", "is another person's already; revoke them first"));
    }
    if let Some(learner) = &wanted.learner {
        let held = directory.local(institution, learner);
        if held.is_none_or(|l| l.registration != Registration::Home || l.contested || l.doubt.is_some()) {
            return Err(Invalid::new("learner", "must be the id of a learner whose home you are"));
        }
    }
    Ok(())
}

/// True if an active person is this member of staff.
pub fn staff_taken(directory: &Directory, institution: u16, staff: &commonroll_core::LocalId) -> bool {
    directory.active_people().any(|(_, p)| p.institution == institution && p.staff.as_ref() == Some(staff))
}
