//! People in the directory: who is enrolled, in which roles, and which groups they teach.
//!
//! What is so, and nothing more: who may give a role to whom is in the exchange's `people`, and what a role may see is
//! said by the policies.

use super::{Directory, Invitation, change::Change};
use crate::types::{NotAllowed, PersonSpeaker};
use commonroll_core::{LocalId, PersonId, Role, Timestamp};
use std::collections::BTreeSet;

/// An enrolled person.
#[derive(Clone, PartialEq)]
pub struct Person {
    /// For whom they act.
    pub institution: u16,
    /// Their name. Personal.
    pub name: String,
    /// What they may be, one at a time.
    pub roles: BTreeSet<Role>,
    /// Their Ed25519 key, with which they approve and renew. `None` for somebody who signs in alone.
    pub key: Option<[u8; 32]>,
    /// Their id as staff of the institution, for the groups that they teach.
    pub staff: Option<LocalId>,
    /// Themselves or their child, by the institution's id.
    pub learner: Option<LocalId>,
    /// When they joined.
    pub enrolled: Timestamp,
    /// When they last joined or renewed.
    pub used: Timestamp,
    /// When they were revoked.
    pub revoked: Option<Timestamp>,
    /// True if their roles are what their institution's sign-in says.
    pub provided: bool,
}

impl std::fmt::Debug for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Person(..)")
    }
}

impl Directory {
    /// Takes a person as a change says them.
    pub(super) fn put_person(&mut self, change: &Change) {
        let Change::Person {
            person,
            institution,
            name,
            roles,
            key,
            staff,
            learner,
            enrolled,
            used,
            revoked,
            provided,
        } = change.clone()
        else {
            return;
        };
        let Some(&institution) = self.by_slug.get(&institution) else { return };
        let key = key.map(|key| key.0);
        let held =
            Person { institution, name, roles, key, staff, learner, enrolled, used, revoked, provided };
        self.people.insert(person.0, held);
    }

    /// Whose account this is, if it is anybody's.
    pub fn account(&self, account: &[u8; 32]) -> Option<PersonId> {
        self.accounts.get(account).copied()
    }

    /// Every person who was ever enrolled.
    pub fn people(&self) -> impl Iterator<Item = (&PersonId, &Person)> {
        self.people.iter()
    }

    /// The people who may act now.
    pub fn active_people(&self) -> impl Iterator<Item = (&PersonId, &Person)> {
        self.people.iter().filter(|(_, person)| person.revoked.is_none())
    }

    /// The person with this id, revoked or not.
    pub fn person(&self, id: PersonId) -> Option<&Person> {
        self.people.get(&id)
    }

    /// A person in the one role that they use now: enrolled, not revoked, and holding it.
    pub fn in_role(&self, id: PersonId, role: Role) -> Result<&Person, NotAllowed> {
        let person = self.person(id).filter(|p| p.revoked.is_none()).ok_or(NotAllowed::Unknown)?;
        match person.roles.contains(&role) {
            true => Ok(person),
            false => Err(NotAllowed::Denied),
        }
    }

    /// Who is acting, if they still may.
    pub fn person_speaker(&self, id: PersonId) -> Result<PersonSpeaker, NotAllowed> {
        let person = self.person(id).filter(|p| p.revoked.is_none()).ok_or(NotAllowed::Unknown)?;
        let state = self.institution(person.institution).ok_or(NotAllowed::Unknown)?;
        Ok(PersonSpeaker { id, institution: state.info.slug.clone(), number: person.institution })
    }

    /// True if the person's own institution has declared that they teach a group of it.
    pub fn teaches(&self, person: &Person, group: &LocalId) -> bool {
        let state = self.institution(person.institution);
        let groups = state.zip(person.staff.as_ref()).and_then(|(state, id)| state.staff.get(id));
        groups.is_some_and(|groups| groups.contains(group))
    }

    /// A person's invitation that can still be used or approved.
    pub fn open_person_invitation(&self, hash: &[u8; 32], now: Timestamp) -> Option<&Invitation> {
        self.invitation(hash).filter(|i| !i.used && i.expires > now && i.person.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::change::{Bytes32, PersonUuid};
    use commonroll_core::directory::{Institution, InstitutionType};

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_micros("at", micros).unwrap()
    }

    fn with(roles: &[Role], revoked: Option<Timestamp>) -> Directory {
        let slug: commonroll_core::Slug = "kingsmead".parse().unwrap();
        let institution = Institution {
            slug: slug.clone(),
            name: "Kingsmead School".to_owned(),
            kind: InstitutionType::School,
            urn: String::new(),
            ukprn: String::new(),
            time_zone: "Europe/London".to_owned(),
            phone: String::new(),
            desk: String::new(),
        };
        let staff = LocalId::parse("staff", "S1").unwrap();
        let mut directory = Directory::default();
        directory.apply(&Change::Institution { number: 0, institution });
        directory.apply(&Change::Staff {
            institution: 0,
            local: staff.clone(),
            groups: vec![LocalId::parse("group", "12B").unwrap()],
        });
        directory.apply(&Change::Person {
            person: PersonUuid(PersonId([1; 16])),
            institution: slug,
            name: "Rosalind Vane".to_owned(),
            roles: roles.iter().copied().collect(),
            key: Some(Bytes32([2; 32])),
            staff: Some(staff),
            learner: None,
            enrolled: at(0),
            used: at(0),
            revoked,
            provided: false,
        });
        directory
    }

    #[test]
    fn one_role_is_in_use_at_a_time_and_it_must_be_held() {
        let id = PersonId([1; 16]);
        let directory = with(&[Role::Teacher, Role::Tutor], None);
        assert!(directory.in_role(id, Role::Tutor).is_ok());
        assert_eq!(directory.in_role(id, Role::Head), Err(NotAllowed::Denied));
        assert_eq!(directory.in_role(PersonId([9; 16]), Role::Tutor), Err(NotAllowed::Unknown));
        let gone = with(&[Role::Tutor], Some(at(1)));
        assert_eq!(gone.in_role(id, Role::Tutor), Err(NotAllowed::Unknown));
        assert!(gone.person_speaker(id).is_err() && gone.active_people().next().is_none());
    }

    #[test]
    fn a_group_is_taught_only_as_long_as_the_institution_says_so() {
        let mut directory = with(&[Role::Teacher], None);
        let group = |text| LocalId::parse("group", text).unwrap();
        let teacher = directory.person(PersonId([1; 16])).unwrap().clone();
        assert!(directory.teaches(&teacher, &group("12B")) && !directory.teaches(&teacher, &group("13A")));
        assert!(!directory.teaches(&Person { staff: None, ..teacher.clone() }, &group("12B")));
        assert!(!format!("{teacher:?}").contains("Vane"));
        let version = directory.version;
        let local = LocalId::parse("staff", "S1").unwrap();
        directory.apply(&Change::Staff { institution: 0, local, groups: vec![group("13A")] });
        assert!(!directory.teaches(&teacher, &group("12B")) && directory.teaches(&teacher, &group("13A")));
        assert!(directory.version > version, "decisions that rest on it are made anew");
    }
}
