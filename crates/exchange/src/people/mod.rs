//! People as callers: who invites whom into which role, the second person that an office needs, and how access ends.
//!
//! Every change is planned in the log's one writer, against the directory as it will be, so that two people can't both
//! be the first, and a colleague who was revoked a moment ago approves nothing. What a role may see of learners is not
//! decided here: that is policy's.

mod access;
mod accounts;
mod asked;
mod enrol;
mod rules;

pub use accounts::{ProviderSays, SignInError};
pub use asked::{Listed, OpenInvitation, PersonInvitation, PersonSeen, PersonWanted};
pub use enrol::JoinedPerson;
pub(crate) use enrol::{revoke, used};
pub(crate) use rules::operator_may;

use crate::{
    Exchange,
    directory::{
        Directory, Invitation,
        approvals::Approval,
        change::{Bytes32, Change, Invited, PersonUuid, hex},
    },
    enrol::{INVITATION_MAX, encode, hash},
    submit, submit_with,
    types::{AdminError, NotAllowed, PersonSpeaker},
    writer::Work,
};
use commonroll_audit::{approval, hash::Hash, keys::PublicKey};
use commonroll_core::{Invalid, PersonId, Purpose, Role, Slug, Timestamp};
use rules::{PeopleAct, approvers, may};
use std::time::Duration;

/// Who invites a person.
#[derive(Debug, Clone, Copy)]
pub enum Inviter<'a> {
    /// The hub's operator, on the data folder: for the first people of an institution.
    Operator(&'a str),
    /// A person of the institution, in one role.
    Person(&'a PersonSpeaker, Role),
}

impl Inviter<'_> {
    fn by(&self) -> String {
        match self {
            Self::Operator(name) => (*name).to_owned(),
            Self::Person(speaker, _) => speaker.by(),
        }
    }
}

impl PersonSpeaker {
    /// What an entry says of this person besides their id: the role in use and the institution.
    pub(crate) fn more(&self, role: Role) -> serde_json::Value {
        serde_json::json!({ "role": role, "institution": self.institution })
    }
}

impl Exchange {
    /// Who is acting with this certificate, if they still may. Asked per call, and per message of a stream.
    pub fn person(&self, id: PersonId) -> Result<PersonSpeaker, NotAllowed> {
        self.shared.directory().person_speaker(id)
    }

    /// Counts a call that is not for this caller: an agent at a person's method, or the reverse.
    pub fn refuse_call(&self, by: &str) {
        self.refused(by, "call.refused", "");
    }

    /// Issues a one-time invitation for a person and gives its code, which nobody can read back. `random` must be fresh.
    ///
    /// Where a person gives an office by it (head, data manager, DPO, consortium lead), it is good only once a second
    /// person has approved it.
    pub async fn invite_person(
        &self,
        institution: &Slug,
        wanted: PersonWanted,
        valid_for: Duration,
        by: Inviter<'_>,
        (random, now): ([u8; 32], Timestamp),
    ) -> Result<PersonInvitation, AdminError> {
        let wanted = wanted.checked()?;
        if valid_for > INVITATION_MAX || valid_for.is_zero() {
            return Err(Invalid::new("valid_for", "an invitation lasts between a second and 72 hours").into());
        }
        let (code, place) = (encode(random), institution.clone());
        let (hash, expires) = (hash(&code), now.plus_micros(valid_for.as_micros() as i64));
        let speaker = match by {
            Inviter::Operator(_) => None,
            Inviter::Person(speaker, role) => Some((speaker.clone(), role)),
        };
        let actor = by.by();
        let made = submit_with(&self.shared, &actor, now, move |work: &mut Work<'_>| {
            let directory = &*work.planner.directory;
            let number = directory.number_of(&place);
            match (&speaker, number) {
                (Some((speaker, role)), _) => {
                    may(directory, speaker, *role, &PeopleAct::Invite { institution: &place })?;
                    rules::not_oneself(directory, speaker, &wanted)?;
                }
                (None, Some(number)) => rules::operator_may(directory, number, &wanted.roles)?,
                (None, None) => return Err(AdminError::Missing("institution")),
            }
            let number = number.ok_or(NotAllowed::Denied)?;
            rules::fits(directory, number, &wanted)?;
            let proposed = speaker.as_ref().map(|(speaker, _)| PersonUuid(speaker.id));
            let mut person = Invited {
                name: wanted.name.clone(),
                roles: wanted.roles.clone(),
                staff: wanted.staff.clone(),
                learner: wanted.learner.clone(),
                proposed,
                second: false,
                approved: None,
            };
            person.second = proposed.is_some() && rules::gives_office(&person.roles);
            let second = person.second;
            if second && approvers(directory, number, &person).is_none() {
                return Err(rules::NOBODY_ELSE.into());
            }
            if let Some((speaker, role)) = &speaker {
                work.more = speaker.more(*role);
            }
            let institution = place.clone();
            let person = Some(person);
            work.planner.make(Change::Invitation { hash, institution, expires, used: false, person });
            Ok(second)
        });
        let answer = made.await.map_err(|_| AdminError::Unavailable)?;
        let needs_second = self.counted(by, answer)?;
        Ok(PersonInvitation { code, hash: hash.0, expires, needs_second })
    }

    /// Approves somebody else's invitation of a person into an office, by a signature over the exact text of it.
    ///
    /// Refused with one wording: one's own, one that needs no approval or has it, one that is used, expired or unknown,
    /// and one that is not this person's to approve.
    pub async fn approve_person(
        &self,
        (speaker, role): (&PersonSpeaker, Role),
        hash: [u8; 32],
        signature: [u8; 64],
        now: Timestamp,
    ) -> Result<(), AdminError> {
        let (acting, by) = (speaker.clone(), speaker.by());
        let approved = submit_with(&self.shared, &by, now, move |work: &mut Work<'_>| {
            let directory = &*work.planner.directory;
            let key = directory.in_role(acting.id, role)?.key.ok_or(NotAllowed::Denied)?;
            let held = directory.open_person_invitation(&hash, now).ok_or(NotAllowed::Denied)?;
            let mut held: Invitation = held.clone();
            may(directory, &acting, role, &PeopleAct::Approve { invitation: &held })?;
            let text = text_hash(&invitation_text(&hash, &held));
            let key = PublicKey::from_bytes(key);
            let approves = approval::Approves::Act;
            approval::verify_approval(&key, approves, &acting.id.0, &text, &signature).map_err(|_| {
                Invalid::new("signature", "is not yours over the text of this invitation as it stands")
            })?;
            work.more = serde_json::json!({
                "role": role,
                "institution": acting.institution,
                "approves": hex(&text),
                "signature": hex(&signature),
            });
            if let Some(person) = &mut held.person {
                person.approved = Some(Approval {
                    person: acting.id,
                    institution: acting.institution.clone(),
                    role,
                    signature,
                    at: now,
                });
            }
            work.planner.make(Change::Invitation {
                hash: Bytes32(hash),
                institution: held.institution,
                expires: held.expires,
                used: false,
                person: held.person,
            });
            Ok::<_, AdminError>(())
        });
        let answer = approved.await.map_err(|_| AdminError::Unavailable)?;
        self.counted(Inviter::Person(speaker, role), answer)
    }

    /// The caller as the hub knows them.
    pub fn whoami(&self, speaker: &PersonSpeaker) -> Result<PersonSeen, NotAllowed> {
        let directory = self.shared.directory();
        directory.person_speaker(speaker.id)?;
        let person = directory.person(speaker.id).ok_or(NotAllowed::Unknown)?;
        Ok(PersonSeen::new(speaker.id, person))
    }

    /// The people of the caller's institution, and the invitations that the caller may see or approve. It shows names,
    /// so that its entry is durable first.
    pub async fn people(
        &self,
        (speaker, role): (&PersonSpeaker, Role),
        purpose: Purpose,
        now: Timestamp,
    ) -> Result<Listed, AdminError> {
        if purpose != Purpose::Administration {
            return Err(Invalid::new("purpose", "people are listed for `administration` alone").into());
        }
        let seen = list(&self.shared.directory(), speaker, role, now);
        let seen = self.counted(Inviter::Person(speaker, role), seen.map_err(AdminError::from))?;
        let more = serde_json::json!({
            "role": role,
            "institution": speaker.institution,
            "purpose": purpose,
            "people": seen.people.len(),
            "invitations": seen.invitations.len(),
        });
        submit(&self.shared, &speaker.by(), now, move |work| {
            work.notes.push(("people.shown".to_owned(), more.clone()));
        })
        .await
        .map_err(|_| AdminError::Unavailable)?;
        Ok(seen)
    }

    /// Counts a refusal of a person, for the log.
    fn counted<T>(&self, by: Inviter<'_>, answer: Result<T, AdminError>) -> Result<T, AdminError> {
        if let (Err(AdminError::NotAllowed(_)), Inviter::Person(speaker, _)) = (&answer, by) {
            self.refused(&speaker.by(), "person.refused", "");
        }
        answer
    }
}

fn list(
    directory: &Directory,
    speaker: &PersonSpeaker,
    role: Role,
    now: Timestamp,
) -> Result<Listed, NotAllowed> {
    let own = may(directory, speaker, role, &PeopleAct::See { institution: &speaker.institution });
    let mut people = Vec::new();
    if own.is_ok() {
        let of_own = directory.people().filter(|(_, person)| person.institution == speaker.number);
        people.extend(of_own.map(|(id, person)| PersonSeen::new(*id, person)));
        people.sort_by_key(|seen| seen.id);
    }
    let mut invitations = Vec::new();
    for (hash, invitation) in directory.open_invitations() {
        let Some(person) = invitation.person.as_ref().filter(|_| invitation.expires > now) else { continue };
        let approvable = may(directory, speaker, role, &PeopleAct::Approve { invitation }).is_ok();
        if approvable || own.is_ok() && invitation.institution == speaker.institution {
            let text = invitation_text(&hash, invitation);
            let waiting = person.second && person.approved.is_none();
            invitations.push(OpenInvitation { hash, text, waiting, approvable });
        }
    }
    match (own, invitations.is_empty()) {
        (Err(no), true) => Err(no),
        (own, _) => {
            let state = directory.institution(speaker.number).filter(|_| own.is_ok());
            Ok(Listed { people, invitations, access: state.is_some_and(|state| state.access) })
        }
    }
}

/// The exact text of an invitation: what a second person reads, and what their signature is over.
fn invitation_text(hash: &[u8; 32], invitation: &Invitation) -> String {
    let Some(person) = &invitation.person else { return String::new() };
    let roles: Vec<_> = person.roles.iter().map(|role| role.as_str()).collect();
    let id =
        |id: &Option<commonroll_core::LocalId>| id.as_ref().map_or("-".to_owned(), |i| i.as_str().into());
    let proposed = person.proposed.map_or_else(|| "the hub's operator".to_owned(), |p| p.0.to_string());
    format!(
        "commonroll/invitation/v1\ninvitation {}\ninstitution {}\nname {}\nroles {}\nstaff {}\nlearner {}\nproposed by \
         {proposed}\nexpires {}\n",
        hex(hash),
        invitation.institution,
        person.name,
        roles.join(", "),
        id(&person.staff),
        id(&person.learner),
        invitation.expires,
    )
}

fn text_hash(text: &str) -> Hash {
    hash(text).0
}
