//! What hosts' teachers told homes about visiting learners, and what the homes said to it.
//!
//! Words lie in the entries' payloads and in rows, never in an entry. A message belongs to the host's own id for the
//! learner, as a record does, so that it follows whoever that is found to be. Who may read it is not decided here.

use super::change::{Bytes16, PersonUuid};
use commonroll_core::{Invalid, LocalId, PersonId, Role, SchoolDate, Timestamp};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
    sync::Arc,
};

/// Names a message.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(pub [u8; 16]);

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&super::change::hex(&self.0))
    }
}

impl fmt::Debug for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MessageId({self})")
    }
}

impl FromStr for MessageId {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let rule = "must be the id of a message, 32 hexadecimal digits";
        super::change::unhex(text).map(Self).ok_or(Invalid::new("message", rule))
    }
}

/// A person's newest messages that are counted, whether or not they are still there: as many as somebody may send in a day.
pub(crate) const COUNTED: usize = 60;

/// A message as it stands.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Which.
    pub id: Bytes16,
    /// True for praise, false for a concern.
    pub praise: bool,
    /// What the teacher wrote for sharing. Personal.
    pub words: String,
    /// By when the home is asked to act.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act_by: Option<SchoolDate>,
    /// Who teaches the learner.
    pub host: u16,
    /// The learner, by the host's id.
    pub local: LocalId,
    /// The learner as the hub knew them then: as entries name them.
    pub learner: u32,
    /// The home that it went to.
    pub home: u16,
    /// The host's group in which it was seen.
    pub group: LocalId,
    /// The school date, at the host.
    pub date: SchoolDate,
    /// When it was sent.
    pub at: Timestamp,
    /// Who wrote it.
    pub by: PersonUuid,
    /// In which role.
    pub role: Role,
    /// What the home said to it, in that order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<Answer>,
    /// Why it says nothing any more. In older logs alone: now all of it goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gone: Option<Gone>,
}

/// Why a message says nothing any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gone {
    /// Its writer took it back.
    TakenBack,
    /// The learner was erased.
    Erased,
    /// It is kept no longer.
    Expired,
}

/// What somebody at the home said to a message.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Who.
    pub by: PersonUuid,
    /// In which role.
    pub role: Role,
    /// When.
    pub at: Timestamp,
    /// In a few words; may be empty. Personal.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub words: String,
}

impl Message {
    /// Its name.
    pub const fn id(&self) -> MessageId {
        MessageId(self.id.0)
    }

    /// When somebody last said something.
    pub fn last(&self) -> Timestamp {
        self.answers.last().map_or(self.at, |answer| answer.at)
    }
}

/// Messages in the order in which they were sent.
type InOrder = BTreeSet<(Timestamp, [u8; 16])>;

/// Every message that says something.
#[derive(Clone, Default)]
pub struct Messages {
    held: BTreeMap<[u8; 16], Arc<Message>>,
    /// By host and its id for the learner.
    about: BTreeMap<(u16, LocalId), InOrder>,
    /// By home, and by host.
    of: BTreeMap<u16, InOrder>,
    /// When each person sent the last of theirs, those that are gone among them. Since the start alone for those.
    sent: BTreeMap<[u8; 16], InOrder>,
}

impl Messages {
    /// Takes a message as it is from now on.
    pub(super) fn put(&mut self, message: Message) {
        let (id, key) = (message.id.0, (message.at, message.id.0));
        self.forget(message.id());
        if message.gone.is_some() {
            return;
        }
        let sent = self.sent.entry(message.by.0.0).or_default();
        sent.insert(key);
        if sent.len() > COUNTED {
            sent.pop_first();
        }
        self.about.entry((message.host, message.local.clone())).or_default().insert(key);
        for number in [message.host, message.home] {
            self.of.entry(number).or_default().insert(key);
        }
        self.held.insert(id, Arc::new(message));
    }

    /// Nothing of it is left, but that somebody sent one then.
    pub(super) fn forget(&mut self, id: MessageId) {
        let Some(before) = self.held.remove(&id.0) else { return };
        let key = (before.at, id.0);
        self.about.entry((before.host, before.local.clone())).or_default().remove(&key);
        for number in [before.host, before.home] {
            self.of.entry(number).or_default().remove(&key);
        }
    }

    /// How many somebody has sent after a moment, those that are gone since the start among them; [`COUNTED`] at most.
    pub fn sent_after(&self, person: PersonId, moment: Timestamp) -> usize {
        let sent = self.sent.get(&person.0).into_iter().flatten();
        sent.filter(|(at, _)| *at > moment).count()
    }

    /// The message with this id.
    pub fn get(&self, id: MessageId) -> Option<&Message> {
        self.held.get(&id.0).map(Arc::as_ref)
    }

    /// Every one of them.
    pub fn all(&self) -> impl Iterator<Item = &Message> {
        self.held.values().map(Arc::as_ref)
    }

    /// Those about somebody, by a host's id; newest first.
    pub fn about<'a>(&'a self, host: u16, local: &LocalId) -> impl Iterator<Item = &'a Message> + use<'a> {
        let of = self.about.get(&(host, local.clone())).into_iter().flatten().rev();
        of.filter_map(|(_, id)| self.held.get(id)).map(Arc::as_ref)
    }

    /// Those that an institution sent or was sent; newest first.
    pub fn of(&self, institution: u16) -> impl Iterator<Item = &Message> {
        let of = self.of.get(&institution).into_iter().flatten().rev();
        of.filter_map(|(_, id)| self.held.get(id)).map(Arc::as_ref)
    }
}
