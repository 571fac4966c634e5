//! Office acts: whether a person, in one role, may do what isn't the reading of one learner's record.
//!
//! The decision is the policies'; this only puts the question, in the writer too, so that somebody who was revoked a
//! moment ago does nothing more.

use crate::{
    Exchange,
    directory::{Directory, approvals::Approval},
    submit_with,
    types::{NotAllowed, PersonSpeaker},
    writer::Work,
};
use commonroll_audit::{
    approval::{Approves, verify_approval},
    hash::Hash,
    keys::PublicKey,
};
use commonroll_core::{Invalid, PersonId, Purpose, Role, Slug, Timestamp};
use commonroll_policy::{Matter, Office, OfficeAct, PersonPermit, PersonQuestion};

/// Who acts: the person whom the certificate proves, in the one role that they use.
#[derive(Debug, Clone, Copy)]
pub struct Acting<'a> {
    /// The person.
    pub speaker: &'a PersonSpeaker,
    /// The role in use.
    pub role: Role,
}

/// The same, for a job of the writer.
#[derive(Debug, Clone)]
pub(crate) struct Actor {
    pub speaker: PersonSpeaker,
    pub role: Role,
}

impl Acting<'_> {
    pub(crate) fn owned(self) -> Actor {
        Actor { speaker: self.speaker.clone(), role: self.role }
    }
}

impl Actor {
    pub const fn acting(&self) -> Acting<'_> {
        Acting { speaker: &self.speaker, role: self.role }
    }

    pub const fn id(&self) -> PersonId {
        self.speaker.id()
    }

    /// The person's signature, if it is theirs and covers the hash.
    pub fn approves(
        &self,
        directory: &Directory,
        what: Approves,
        hash: &Hash,
        signature: [u8; 64],
        now: Timestamp,
    ) -> Result<Approval, Invalid> {
        let rule =
            "must be your own signature over exactly this change, with the key that you are enrolled with";
        let wrong = Invalid::new("signature", rule);
        let person = directory.in_role(self.id(), self.role).map_err(|_| wrong.clone())?;
        let key = PublicKey::from_bytes(person.key.ok_or_else(|| wrong.clone())?);
        verify_approval(&key, what, &self.id().0, hash, &signature).map_err(|_| wrong)?;
        let institution = self.speaker.institution().clone();
        Ok(Approval { person: self.id(), institution, role: self.role, signature, at: now })
    }
}

impl Exchange {
    /// Does something of a person's in the log's writer, where it is decided. Whoever was refused too often lately is refused
    /// at once; `refused` names the entry by which refusals are counted.
    pub(crate) async fn act<T: Send + 'static>(
        &self,
        acting: Acting<'_>,
        refused: &'static str,
        now: Timestamp,
        work: impl FnMut(&mut Work<'_>) -> Result<T, LawError> + Send + 'static,
    ) -> Result<T, LawError> {
        if self.shared.misses.too_many(acting.speaker.id(), now) {
            self.refused(&acting.speaker.by(), "read.slowed", "");
            return Err(LawError::Slowed);
        }
        let done = submit_with(&self.shared, &acting.speaker.by(), now, work).await;
        let done = done.map_err(|_| LawError::Unavailable)?;
        if let Err(LawError::NotAllowed(denied)) = done {
            return Err(self.turned_away(acting, refused, now, denied));
        }
        done
    }

    /// Counts what was refused.
    pub(crate) fn turned_away(
        &self,
        acting: Acting<'_>,
        refused: &'static str,
        now: Timestamp,
        denied: NotAllowed,
    ) -> LawError {
        self.refused(&acting.speaker.by(), refused, "");
        crate::warnings::missed(&self.shared, acting.speaker, now);
        denied.into()
    }
}

/// Whether the policies let somebody do an office act now: for an institution, or for the consortium as a whole.
pub(crate) fn may(
    directory: &Directory,
    acting: Acting<'_>,
    act: OfficeAct,
    of: Option<&Slug>,
    second: bool,
) -> Result<PersonPermit, NotAllowed> {
    may_for(directory, acting, Purpose::Administration, Office { act, of, second })
}

/// The same for a purpose.
pub(crate) fn may_for(
    directory: &Directory,
    acting: Acting<'_>,
    purpose: Purpose,
    office: Office<'_>,
) -> Result<PersonPermit, NotAllowed> {
    directory.in_role(acting.speaker.id(), acting.role)?;
    let policy = directory.policies().set().ok_or(NotAllowed::Denied)?;
    let question = PersonQuestion {
        role: acting.role,
        institution: acting.speaker.institution(),
        purpose,
        matter: Matter::Office(office),
    };
    policy.decide_person(&question).map_err(|_| NotAllowed::Denied)
}

/// Why a change of the rules or of an agreement was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LawError {
    /// The person may not do this, or it is not there.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// Too much of what they did lately was refused.
    #[error("too much of what you tried was refused; wait ten minutes, and do what is yours")]
    Slowed,
    /// It breaks a rule.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The text has faults: file or field and line of each. Holds no value of the text.
    #[error("{}", told(.0))]
    Faults(Vec<String>),
    /// It can't be done as things stand: what is so, and what to do.
    #[error("{0}")]
    State(&'static str),
    /// It could not be made durable just now.
    #[error("the hub can't write to its log just now; try again")]
    Unavailable,
}

fn told(faults: &[String]) -> String {
    let first = faults.first().map_or("the text has a fault", String::as_str);
    if faults.len() > 1 { format!("{first} (and {} more)", faults.len() - 1) } else { first.to_owned() }
}
