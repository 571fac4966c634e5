//! How a person comes in, stays and goes: the same limits and the same one wording as for agents.

use super::rules::{self, PeopleAct, may};
use crate::{
    Exchange,
    directory::{
        Directory, Invitation, Person,
        change::{Bytes32, Change, Invited, PersonUuid},
        plan::still_good,
    },
    enrol::hash,
    submit_with,
    types::{AdminError, JoinError, NotAllowed, PersonSpeaker},
    writer::Work,
};
use commonroll_core::{PersonId, Role, Slug, Timestamp};
use std::{collections::BTreeSet, net::IpAddr};

/// What a person is told who has joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinedPerson {
    /// For whom they act.
    pub institution: Slug,
    /// What they may be, one at a time.
    pub roles: BTreeSet<Role>,
}

impl Exchange {
    /// Uses up a person's invitation and enrols their key.
    pub async fn join_person(
        &self,
        code: &str,
        person: PersonId,
        key: [u8; 32],
        peer: IpAddr,
        now: Timestamp,
    ) -> Result<JoinedPerson, JoinError> {
        let (hash, key_ok) = (hash(code), crate::enrol::is_key(key));
        self.not_too_many(peer, &hash, now)?;
        let by = format!("person:{person}");
        let joined = submit_with(&self.shared, &by, now, move |work: &mut Work<'_>| {
            let directory = &*work.planner.directory;
            let held = directory.open_person_invitation(&hash.0, now).filter(|_| key_ok)?.clone();
            let Invitation { institution, expires, person: Some(invited), .. } = held else { return None };
            if !still_stands(directory, &institution, &invited) || !is_fresh(directory, key) {
                return None;
            }
            let joined = JoinedPerson { institution: institution.clone(), roles: invited.roles.clone() };
            work.more = serde_json::json!({ "institution": institution, "roles": invited.roles });
            work.planner.make(used(hash, &institution, expires));
            work.planner.make(Change::Person {
                person: PersonUuid(person),
                institution,
                name: invited.name,
                roles: invited.roles,
                key: Some(Bytes32(key)),
                staff: invited.staff,
                learner: invited.learner,
                enrolled: now,
                used: now,
                revoked: None,
                provided: false,
            });
            Some(joined)
        });
        let joined = joined.await.map_err(|_| JoinError::Unavailable)?;
        joined.ok_or_else(|| self.no_entry(peer, now))
    }

    /// Lets an enrolled person have a new certificate, if `proof` accepts their enrolled key, they are not revoked, and
    /// their key was used within 90 days.
    pub async fn renew_person(
        &self,
        person: PersonId,
        proof: impl Fn(&[u8; 32]) -> bool,
        now: Timestamp,
    ) -> Result<Slug, JoinError> {
        let held = self.shared.directory().person(person).cloned();
        let good =
            |p: &Person| p.revoked.is_none() && still_good(p.used, now) && p.key.as_ref().is_some_and(&proof);
        // Whoever names nobody of ours is a stranger, and strangers can't make the log grow.
        let held = held.ok_or(JoinError::Refused)?;
        let by = format!("person:{person}");
        if !good(&held) {
            self.refused(&by, "renewal.refused", "");
            return Err(JoinError::Refused);
        }
        let renewed = submit_with(&self.shared, &by, now, move |work: &mut Work<'_>| {
            let held = work.planner.directory.person(person).filter(|p| p.revoked.is_none()).cloned()?;
            let institution = work.planner.directory.institution(held.institution)?.info.slug.clone();
            let used = held.used.max(now);
            work.planner.make(changed(person, &institution, Person { used, ..held }));
            Some(institution)
        });
        renewed.await.map_err(|_| JoinError::Unavailable)?.ok_or(JoinError::Refused)
    }

    /// Ends a person's access, by a head or data manager of their institution. In force when the call returns; what
    /// they had invited and nobody has used is void.
    pub async fn revoke_person(
        &self,
        (speaker, role): (&PersonSpeaker, Role),
        whom: PersonId,
        now: Timestamp,
    ) -> Result<(), AdminError> {
        let (acting, by) = (speaker.clone(), speaker.by());
        let revoked = submit_with(&self.shared, &by, now, move |work: &mut Work<'_>| {
            let directory = &*work.planner.directory;
            directory.in_role(acting.id, role)?;
            let held = directory.person(whom).filter(|p| p.revoked.is_none()).ok_or(NotAllowed::Denied)?;
            let state = directory.institution(held.institution).ok_or(NotAllowed::Denied)?;
            may(directory, &acting, role, &PeopleAct::Revoke { institution: &state.info.slug })?;
            work.more = acting.more(role);
            revoke(work, whom, now);
            Ok::<_, NotAllowed>(())
        });
        let answer = revoked.await.map_err(|_| AdminError::Unavailable)?.map_err(AdminError::from);
        self.counted(super::Inviter::Person(speaker, role), answer)
    }
}

/// Plans the end of a person's access and of what they invited. True if they had any.
pub fn revoke(work: &mut Work<'_>, whom: PersonId, now: Timestamp) -> bool {
    let directory = &*work.planner.directory;
    let Some(held) = directory.person(whom).filter(|p| p.revoked.is_none()).cloned() else { return false };
    let Some(state) = directory.institution(held.institution) else { return false };
    let institution = state.info.slug.clone();
    let theirs: Vec<_> = directory
        .open_invitations()
        .into_iter()
        .filter(|(_, i)| i.person.as_ref().is_some_and(|p| p.proposed == Some(PersonUuid(whom))))
        .map(|(hash, i)| used(Bytes32(hash), &i.institution, i.expires))
        .collect();
    theirs.into_iter().for_each(|change| work.planner.make(change));
    work.planner.make(changed(whom, &institution, Person { revoked: Some(now), ..held }));
    true
}

/// An invitation that is over keeps nothing of the person whom it was for.
pub fn used(hash: Bytes32, institution: &Slug, expires: Timestamp) -> Change {
    Change::Invitation { hash, institution: institution.clone(), expires, used: true, person: None }
}

pub(super) fn changed(id: PersonId, institution: &Slug, person: Person) -> Change {
    let Person { name, roles, key, staff, learner, enrolled, used, revoked, provided, .. } = person;
    Change::Person {
        person: PersonUuid(id),
        institution: institution.clone(),
        name,
        roles,
        key: key.map(Bytes32),
        staff,
        learner,
        enrolled,
        used,
        revoked,
        provided,
    }
}

/// Whether an invitation is still good: approved where it must be, and nothing has come in between.
pub(super) fn still_stands(directory: &Directory, institution: &Slug, invited: &Invited) -> bool {
    let Some(number) = directory.number_of(institution) else { return false };
    let approved = !invited.second || invited.approved.is_some();
    // Two invitations of the operator for one office: whoever joins first is the first.
    let first = invited.proposed.is_some() || rules::operator_may(directory, number, &invited.roles).is_ok();
    let free = !invited.staff.as_ref().is_some_and(|staff| rules::staff_taken(directory, number, staff));
    approved && first && free
}

/// A key is one person's, or one agent's, for ever: nobody comes in twice under two names.
fn is_fresh(directory: &Directory, key: [u8; 32]) -> bool {
    directory.people().all(|(_, p)| p.key != Some(key)) && directory.agents().all(|(_, a)| a.key != key)
}
