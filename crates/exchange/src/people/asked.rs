//! What is asked and told about people. Names are personal: `Debug` hides them, and no entry holds them in the clear.

use crate::directory::Person;
use commonroll_core::{Invalid, LocalId, PersonId, Role, Timestamp, record::Text};
use std::collections::BTreeSet;

/// Most characters of a name.
const NAME_MAX: usize = 100;

/// For whom an invitation is to be.
#[derive(Clone)]
pub struct PersonWanted {
    /// The person's name; 1 to 100 characters.
    pub name: String,
    /// What they may be, one at a time.
    pub roles: BTreeSet<Role>,
    /// Their id as staff of the institution, so that they see the groups that they teach.
    pub staff: Option<LocalId>,
    /// For a learner, themselves; for a parent, their child: by the institution's id.
    pub learner: Option<LocalId>,
}

impl std::fmt::Debug for PersonWanted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PersonWanted({:?}, ..)", self.roles)
    }
}

impl PersonWanted {
    /// The same, in order, or the rule that it breaks.
    pub(super) fn checked(mut self) -> Result<Self, Invalid> {
        let name = Text::parse("name", &self.name, NAME_MAX)?;
        if name.is_empty()
            || name.as_str().chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'))
        {
            return Err(Invalid::new("name", "must be one line of 1 to 100 characters"));
        }
        name.as_str().clone_into(&mut self.name);
        let outside = |role: &Role| matches!(role, Role::Learner | Role::Parent | Role::Program);
        let outsiders = self.roles.iter().filter(|role| outside(role)).count();
        if self.roles.is_empty() || outsiders > 0 && self.roles.len() > 1 {
            let rule = "must be one or more roles of staff, or one of learner, parent and program alone";
            return Err(Invalid::new("roles", rule));
        }
        let of_learner = self.roles.contains(&Role::Learner) || self.roles.contains(&Role::Parent);
        if of_learner != self.learner.is_some() {
            return Err(Invalid::new(
                "learner",
                "must be given for a learner or a parent, and for nobody else",
            ));
        }
        if outsiders > 0 && self.staff.is_some() {
            return Err(Invalid::new("staff", "is for staff alone"));
        }
        Ok(self)
    }
}

/// An invitation that was issued.
#[derive(Clone)]
pub struct PersonInvitation {
    /// The secret code.
    pub code: String,
    /// What names the invitation without its code.
    pub hash: [u8; 32],
    /// Until when it is good.
    pub expires: Timestamp,
    /// True if it is good only once a second person has approved it.
    pub needs_second: bool,
}

impl std::fmt::Debug for PersonInvitation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PersonInvitation(..)")
    }
}

/// A person as those see them who run their institution's access.
#[derive(Clone, PartialEq)]
pub struct PersonSeen {
    /// Their id.
    pub id: PersonId,
    /// Their name. Personal.
    pub name: String,
    /// What they may be.
    pub roles: BTreeSet<Role>,
    /// Their id as staff.
    pub staff: Option<LocalId>,
    /// Themselves or their child.
    pub learner: Option<LocalId>,
    /// When they joined.
    pub enrolled: Timestamp,
    /// When they last joined or renewed.
    pub used: Timestamp,
    /// When they were revoked.
    pub revoked: Option<Timestamp>,
}

impl std::fmt::Debug for PersonSeen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PersonSeen({}, ..)", self.id)
    }
}

impl PersonSeen {
    pub(super) fn new(id: PersonId, person: &Person) -> Self {
        Self {
            id,
            name: person.name.clone(),
            roles: person.roles.clone(),
            staff: person.staff.clone(),
            learner: person.learner.clone(),
            enrolled: person.enrolled,
            used: person.used,
            revoked: person.revoked,
        }
    }
}

/// An invitation that nobody has used yet.
#[derive(Clone, PartialEq)]
pub struct OpenInvitation {
    /// What names it.
    pub hash: [u8; 32],
    /// Its exact text: what an approval's signature is over. Personal.
    pub text: String,
    /// True while it waits for a second person.
    pub waiting: bool,
    /// True if the caller may be that person.
    pub approvable: bool,
}

impl std::fmt::Debug for OpenInvitation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OpenInvitation(..)")
    }
}

/// Who is enrolled, and who is invited.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// The people of the caller's institution; nobody where the caller may only approve.
    pub people: Vec<PersonSeen>,
    /// Invitations that the caller may see.
    pub invitations: Vec<OpenInvitation>,
    /// True if the institution lets learners and parents see the learner's own record.
    pub access: bool,
}
