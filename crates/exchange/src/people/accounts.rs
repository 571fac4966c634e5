//! People who come in with their institution's own account: whose an account is, and what the sign-in may say of them.
//!
//! (Issuer, subject) is the identity; the hub keeps a keyed hash of it. A provider speaks for its own institution alone, and
//! gives the roles of teaching and pastoral staff; an office comes by invitation, as everywhere. Whether a token is
//! genuine has been checked by the door.

use super::{
    enrol::{changed, still_stands, used},
    rules,
};
use crate::{
    Exchange,
    directory::{
        Directory, Invitation, Person,
        change::{Bytes32, Change, PersonUuid},
    },
    enrol::hash,
    submit_with,
    types::JoinError,
    writer::Work,
};
use commonroll_core::{LocalId, PersonId, Role, Slug, Timestamp, record::Text};
use std::{collections::BTreeSet, net::IpAddr};

/// Roles that an institution's sign-in can give. Offices need an invitation; learners and parents are bound to a learner.
const GIVEN: [Role; 4] = [Role::Teacher, Role::Tutor, Role::HeadOfSixth, Role::AttendanceOfficer];

/// What an institution's provider said of somebody who has just signed in there.
#[derive(Clone)]
pub struct ProviderSays {
    /// Whose provider it is, by the hub's own settings.
    pub institution: Slug,
    /// The token's issuer.
    pub issuer: String,
    /// The token's subject.
    pub subject: String,
    /// What the person is called. Personal.
    pub name: String,
    /// What the provider's groups or roles mean here. Those that it can't give count for nothing.
    pub roles: BTreeSet<Role>,
    /// Their id as staff, if the provider says it.
    pub staff: Option<LocalId>,
}

impl std::fmt::Debug for ProviderSays {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ProviderSays({}, ..)", self.institution)
    }
}

/// Why an account lets nobody in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignInError {
    /// The account is nobody's yet, and gives no role. An invitation makes it somebody's.
    #[error("nobody has let this account in yet")]
    Unknown,
    /// Whose it is may not act any more, or holds no role.
    #[error("this account may not be used here any more")]
    Ended,
    /// It could not be made durable just now.
    #[error("the hub can't write to its log just now; try again")]
    Unavailable,
}

impl Exchange {
    /// Whose account this is; somebody whom the provider gives a role comes in by it. A role that the provider no longer
    /// gives is gone when the call returns. `fresh` names the person if they are new here.
    ///
    /// # Errors
    /// [`SignInError`]. Nothing was changed then, unless the provider took a person's last role.
    pub async fn account(
        &self,
        says: ProviderSays,
        fresh: PersonId,
        now: Timestamp,
    ) -> Result<PersonId, SignInError> {
        if !self.shared.is_current() {
            self.shared.follow().await.map_err(|_| SignInError::Unavailable)?;
        }
        let account = self.shared.key.account(&says.issuer, &says.subject);
        let gives: BTreeSet<Role> = says.roles.iter().copied().filter(|role| GIVEN.contains(role)).collect();
        let seen = whose(&self.shared.directory(), &says, &account, &gives);
        match seen {
            Whose::Same(person) => return Ok(person),
            Whose::Nobodys if gives.is_empty() => return Err(SignInError::Unknown),
            Whose::Ended => return Err(SignInError::Ended),
            Whose::Changed(_) | Whose::Nobodys => {}
        }
        let planned = submit_with(&self.shared, "sign-in", now, move |work: &mut Work<'_>| {
            let directory = &*work.planner.directory;
            work.more = serde_json::json!({ "institution": says.institution, "roles": gives });
            match whose(directory, &says, &account, &gives) {
                Whose::Same(person) => Ok(person),
                Whose::Ended => Err(SignInError::Ended),
                Whose::Changed(id) => {
                    let held = directory.person(id).cloned().ok_or(SignInError::Ended)?;
                    let staff = free_staff(directory, held.institution, says.staff.as_ref(), Some(id));
                    let person = Person { roles: gives.clone(), staff, used: held.used.max(now), ..held };
                    work.planner.make(changed(id, &says.institution, person));
                    if gives.is_empty() { Err(SignInError::Ended) } else { Ok(id) }
                }
                Whose::Nobodys => {
                    let number = directory.number_of(&says.institution).ok_or(SignInError::Unknown)?;
                    if directory.left(number).is_some()
                        || gives.is_empty()
                        || directory.person(fresh).is_some()
                    {
                        return Err(SignInError::Unknown);
                    }
                    let person = Person {
                        institution: number,
                        name: one_line(&says.name),
                        roles: gives.clone(),
                        key: None,
                        staff: free_staff(directory, number, says.staff.as_ref(), None),
                        learner: None,
                        enrolled: now,
                        used: now,
                        revoked: None,
                        provided: true,
                    };
                    work.planner.make(changed(fresh, &says.institution, person));
                    let person = PersonUuid(fresh);
                    work.planner.make(Change::Account { account: Bytes32(account), person });
                    Ok(fresh)
                }
            }
        });
        planned.await.map_err(|_| SignInError::Unavailable)?
    }

    /// Uses up a person's invitation for an account that is nobody's yet. The same limits and the same one wording as for
    /// a join by key.
    ///
    /// # Errors
    /// As [`Exchange::join_person`].
    pub async fn join_account(
        &self,
        code: &str,
        says: ProviderSays,
        fresh: PersonId,
        peer: IpAddr,
        now: Timestamp,
    ) -> Result<PersonId, JoinError> {
        let hash = hash(code);
        self.not_too_many(peer, &hash, now)?;
        let account = self.shared.key.account(&says.issuer, &says.subject);
        let by = format!("person:{fresh}");
        let joined = submit_with(&self.shared, &by, now, move |work: &mut Work<'_>| {
            let directory = &*work.planner.directory;
            let held = directory.open_person_invitation(&hash.0, now)?.clone();
            let Invitation { institution, expires, person: Some(invited), .. } = held else { return None };
            let before = directory.account(&account).and_then(|id| directory.person(id));
            let theirs =
                institution == says.institution && before.is_none_or(|before| before.revoked.is_some());
            if !theirs
                || directory.person(fresh).is_some()
                || !still_stands(directory, &institution, &invited)
            {
                return None;
            }
            let number = directory.number_of(&institution)?;
            work.more = serde_json::json!({ "institution": institution, "roles": invited.roles });
            work.planner.make(used(hash, &institution, expires));
            let person = Person {
                institution: number,
                name: invited.name,
                roles: invited.roles,
                key: None,
                staff: invited.staff,
                learner: invited.learner,
                enrolled: now,
                used: now,
                revoked: None,
                provided: false,
            };
            work.planner.make(changed(fresh, &institution, person));
            let person = PersonUuid(fresh);
            work.planner.make(Change::Account { account: Bytes32(account), person });
            Some(fresh)
        });
        let joined = joined.await.map_err(|_| JoinError::Unavailable)?;
        joined.ok_or_else(|| self.no_entry(peer, now))
    }
}

enum Whose {
    /// A person's, as they are.
    Same(PersonId),
    /// A person's, of whom the provider now says something else.
    Changed(PersonId),
    /// A person's who may not act.
    Ended,
    Nobodys,
}

fn whose(directory: &Directory, says: &ProviderSays, account: &[u8; 32], gives: &BTreeSet<Role>) -> Whose {
    let Some(id) = directory.account(account) else { return Whose::Nobodys };
    let Some(held) = directory.person(id).filter(|held| held.revoked.is_none()) else { return Whose::Ended };
    // A provider speaks for its own institution, whatever it was when the account was linked.
    if directory.number_of(&says.institution) != Some(held.institution) {
        return Whose::Ended;
    }
    let staff = free_staff(directory, held.institution, says.staff.as_ref(), Some(id));
    match held.provided {
        true if held.roles != *gives || held.staff != staff => Whose::Changed(id),
        true if held.roles.is_empty() => Whose::Ended,
        _ => Whose::Same(id),
    }
}

/// A member of staff is one person here: whoever came second acts without that id.
fn free_staff(
    directory: &Directory,
    institution: u16,
    staff: Option<&LocalId>,
    own: Option<PersonId>,
) -> Option<LocalId> {
    let held = own.and_then(|id| directory.person(id)).and_then(|person| person.staff.as_ref());
    let staff = staff?;
    let free = held == Some(staff) || !rules::staff_taken(directory, institution, staff);
    free.then(|| staff.clone())
}

/// A name as one line of at most 100 characters: what a provider says is hostile until then.
fn one_line(name: &str) -> String {
    let plain = |c: char| !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}');
    let name: String = name.chars().filter(|c| plain(*c)).take(100).collect();
    match Text::parse("name", &name, 100) {
        Ok(text) if !text.is_empty() => text.as_str().to_owned(),
        _ => "Somebody without a name".to_owned(),
    }
}
