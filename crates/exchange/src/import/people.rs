//! The people and signed agreements of a consortium file: what is checked before anything is made.

use super::{SignatureText, SignedText, at};
use crate::{
    agreements::{agreement_hash, read, standing},
    directory::{
        Directory,
        approvals::Approval,
        change::{Bytes32, Change, PersonUuid, unhex},
    },
    office::LawError,
    people::operator_may,
    types::AdminError,
    writer::Work,
};
use commonroll_audit::{
    approval::{Approves, verify_approval},
    hash::Hash,
    keys::PublicKey,
};
use commonroll_core::{Invalid, PersonId, Role, Slug, Timestamp, directory::Agreement, record::Text};
use serde::Deserialize;

/// A person of an institution, with the key that they act with.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonText {
    /// The UUID that they have at the hub.
    pub id: String,
    /// For which institution they act.
    pub institution: Slug,
    /// Their name.
    pub name: String,
    /// What they may be, one at a time: `head`, `data_manager`, `dpo` or `consortium_lead`.
    pub roles: Vec<Role>,
    /// Their Ed25519 public key, 64 hexadecimal digits.
    pub key: String,
}

impl std::fmt::Debug for PersonText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PersonText({}, ..)", self.id)
    }
}

/// A person of the file, as far as the file alone says whether they are sound.
#[derive(Clone)]
pub struct Person {
    /// Which of the file's it is, in words.
    place: String,
    id: PersonId,
    institution: Slug,
    name: String,
    roles: std::collections::BTreeSet<Role>,
    key: [u8; 32],
}

impl PersonText {
    pub(super) fn check_all(all: &[Self]) -> Result<Vec<Person>, AdminError> {
        let check = |(number, person): (usize, &Self)| {
            let place = format!("person {number} ({})", person.institution);
            person.check(&place).map_err(|broken| at(&place, &broken))
        };
        (1..).zip(all).map(check).collect()
    }

    fn check(&self, place: &str) -> Result<Person, Invalid> {
        let id = self.id.parse().map_err(|_| Invalid::new("id", "must be a UUID"))?;
        let key = unhex(&self.key)
            .filter(|key| crate::enrol::is_key(*key))
            .ok_or(Invalid::new("key", "must be an Ed25519 public key, as 64 hexadecimal digits"))?;
        let name = Text::parse("name", &self.name, 100)?.as_str().to_owned();
        if name.trim().is_empty() {
            return Err(Invalid::new("name", "must be one line of 1 to 100 characters"));
        }
        let roles = self.roles.iter().copied().collect();
        let (place, institution) = (place.to_owned(), self.institution.clone());
        Ok(Person { place, id, institution, name, roles, key })
    }
}

/// The operator brings in the first of each office, and nobody else; whoever is there already stays as they are.
pub fn may_enter(people: &[Person], directory: &Directory) -> Result<(), AdminError> {
    for person in people {
        if let Some(held) = directory.person(person.id) {
            let same = directory.number_of(&person.institution) == Some(held.institution)
                && held.key == Some(person.key)
                && held.roles == person.roles;
            if !same {
                let rule = "is enrolled with another institution, key or role; a file changes nobody";
                return Err(at(&person.place, &Invalid::new("id", rule)));
            }
            continue;
        }
        let may = match directory.number_of(&person.institution) {
            Some(number) => operator_may(directory, number, &person.roles),
            None => operator_may(&Directory::default(), 0, &person.roles),
        };
        may.map_err(|broken| at(&person.place, &broken))?;
    }
    Ok(())
}

impl Person {
    pub(super) fn put(&self, work: &mut Work<'_>, now: Timestamp) -> u32 {
        if work.planner.directory.person(self.id).is_some() {
            return 0;
        }
        work.planner.make(Change::Person {
            person: PersonUuid(self.id),
            institution: self.institution.clone(),
            name: self.name.clone(),
            roles: self.roles.clone(),
            key: Some(Bytes32(self.key)),
            staff: None,
            learner: None,
            enrolled: now,
            used: now,
            revoked: None,
            provided: false,
        });
        1
    }
}

/// A signed agreement of the file.
pub struct Signed {
    /// Which of the file's it is, in words.
    pub(super) place: String,
    hash: Hash,
    text: String,
    pub(super) terms: Agreement,
    signatures: Vec<(PersonId, [u8; 64])>,
}

impl Signed {
    pub(super) fn check((number, given): (usize, &SignedText)) -> Result<Self, AdminError> {
        let place = match given.made_of {
            0 => format!("signed_agreement {number}"),
            of => format!("agreement {of}"),
        };
        let terms = match read(&given.text) {
            Ok(read) => read.terms(),
            Err(LawError::Faults(faults)) => {
                let first = faults.into_iter().next().unwrap_or_default();
                // Nobody has seen the lines of a text that was written out.
                let fault = match first.split_once(": ") {
                    Some((_, fault)) if given.made_of > 0 => fault.to_owned(),
                    _ => format!("line {first}"),
                };
                return Err(AdminError::Entry { place, fault });
            }
            Err(_) => return Err(at(&place, &Invalid::new("text", "can't be read"))),
        };
        let place = format!("{place} ({})", terms.id);
        let signature = |one: &SignatureText| {
            let rule = "must name a person by UUID and give 128 hexadecimal digits";
            let wrong = Invalid::new("signature", rule);
            Ok((one.person.parse().map_err(|_| wrong.clone())?, unhex(&one.signature).ok_or(wrong)?))
        };
        let signatures = given.signatures.iter().map(signature).collect::<Result<_, Invalid>>();
        let signatures = signatures.map_err(|broken| at(&place, &broken))?;
        Ok(Self { place, hash: agreement_hash(&given.text), text: given.text.clone(), terms, signatures })
    }

    /// Every signature is one of a party's head, over this text; and no older text takes the place of a newer one.
    pub(super) fn may_enter(
        &self,
        people: &[Person],
        directory: &Directory,
        now: Timestamp,
    ) -> Result<(), AdminError> {
        self.approvals(people, directory, now).map_err(|broken| at(&self.place, &broken))?;
        let held = directory.agreements().text(&self.hash).is_some();
        let newest = directory.agreements().newest_version(&self.terms.id);
        if !held && newest.is_some_and(|newest| self.terms.version <= newest) {
            let rule = "all parties have signed this version or a later one; count it up by one";
            return Err(at(&self.place, &Invalid::new("version", rule)));
        }
        Ok(())
    }

    fn approvals(
        &self,
        people: &[Person],
        directory: &Directory,
        now: Timestamp,
    ) -> Result<Vec<Approval>, Invalid> {
        let rule = "must be by an enrolled head of a party, over exactly this text";
        let wrong = Invalid::new("signature", rule);
        let held = directory.agreements().text(&self.hash);
        let mut approvals: Vec<Approval> = Vec::new();
        for (id, signature) in &self.signatures {
            // What was signed stays signed, also when the one who did it has left since.
            let known = held.and_then(|held| held.signatures.iter().find(|known| known.person == *id));
            if let Some(known) = known.filter(|known| known.signature == *signature) {
                approvals.push(known.clone());
                continue;
            }
            let in_file = people.iter().find(|person| person.id == *id);
            let in_file = in_file.map(|p| (p.institution.clone(), p.key, p.roles.contains(&Role::Head)));
            let (institution, key, is_head) = match directory.in_role(*id, Role::Head) {
                Ok(person) => {
                    let state = directory.institution(person.institution).ok_or(wrong.clone())?;
                    (state.info.slug.clone(), person.key.ok_or_else(|| wrong.clone())?, true)
                }
                Err(_) if directory.person(*id).is_some() => return Err(wrong),
                Err(_) => in_file.ok_or(wrong.clone())?,
            };
            let key = PublicKey::from_bytes(key);
            let good = is_head
                && self.terms.parties.contains(&institution)
                && verify_approval(&key, Approves::Agreement, &id.0, &self.hash, signature).is_ok();
            if !good {
                return Err(wrong);
            }
            approvals.push(Approval {
                person: *id,
                institution,
                role: Role::Head,
                signature: *signature,
                at: now,
            });
        }
        Ok(approvals)
    }

    pub(super) fn put(&self, people: &[Person], work: &mut Work<'_>, now: Timestamp) -> u32 {
        let directory = &*work.planner.directory;
        let held = directory.agreements().text(&self.hash).cloned();
        let mut signatures = held.as_ref().map_or_else(Vec::new, |held| held.signatures.clone());
        let before = signatures.len();
        for approval in self.approvals(people, directory, now).unwrap_or_default() {
            if !signatures.iter().any(|signed| signed.institution == approval.institution) {
                signatures.push(approval);
            }
        }
        if held.as_ref().is_some_and(|held| held.ended.is_some() || before == signatures.len()) {
            return 0;
        }
        work.planner.make(Change::AgreementSigned {
            hash: Bytes32(self.hash),
            text: self.text.clone(),
            standing: standing(&self.terms, &signatures),
            signatures,
            ended: None,
            proposed_by: None,
        });
        1
    }
}
