//! An institution's agents as the hub knows them: keys, last contact, version, what waits for them.
//!
//! When an agent was last heard, and which version it says it is, is kept in memory since the hub started: nothing that an
//! agent does rests on it. When its certificate was last signed is in the directory.

use crate::{
    Exchange,
    directory::change::hex,
    office::Acting,
    questions::AskError,
    types::{AgentId, NotAllowed},
};
use commonroll_core::{Timestamp, directory::Registration, record::Text};
use commonroll_policy::OfficeAct;
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

/// What waits for an institution is counted up to here.
pub const WAITING_MOST: u32 = 1_000;
/// Agents that are remembered at most.
const AGENTS: usize = 10_000;
/// Characters of a version at most.
const VERSION: usize = 60;

/// When agents were last heard.
#[derive(Debug, Default)]
pub(crate) struct Contacts(Mutex<HashMap<AgentId, Contact>>);

#[derive(Debug, Clone)]
struct Contact {
    at: Timestamp,
    version: Option<String>,
}

impl Contacts {
    /// An agent was heard; it may have said its version.
    pub fn heard(&self, agent: AgentId, version: Option<&str>, now: Timestamp) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let version = version.and_then(|version| Text::parse("version", version, VERSION).ok());
        let version =
            version.filter(|version| !version.is_empty()).map(|version| version.as_str().to_owned());
        if let Some(contact) = held.get_mut(&agent) {
            contact.at = contact.at.max(now);
            contact.version = version.or_else(|| contact.version.take());
        } else if held.len() < AGENTS {
            held.insert(agent, Contact { at: now, version });
        }
    }

    /// When an agent was last heard.
    pub fn last(&self, agent: AgentId) -> Option<Timestamp> {
        self.of(agent).map(|contact| contact.at)
    }

    fn of(&self, agent: AgentId) -> Option<Contact> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&agent).cloned()
    }
}

/// One agent.
#[derive(Debug, Clone)]
pub struct AgentSeen {
    /// Its id at the hub.
    pub id: AgentId,
    /// First bytes of its signing key, in hexadecimal.
    pub key: String,
    /// When it joined.
    pub enrolled: Timestamp,
    /// When it last joined or renewed its certificate.
    pub renewed: Timestamp,
    /// When it was revoked.
    pub revoked: Option<Timestamp>,
    /// When it was last heard, since the hub started.
    pub heard: Option<Timestamp>,
    /// The version that it says it is.
    pub version: Option<String>,
}

/// An institution's agents, and how its feed stands.
#[derive(Debug, Clone)]
pub struct AgentsSeen {
    /// Those that may speak first, then the revoked ones; newest first.
    pub agents: Vec<AgentSeen>,
    /// Records in the feed that are not acknowledged, up to [`WAITING_MOST`].
    pub waiting: u32,
    /// Batches that the institution has published.
    pub batches: u64,
    /// Withdrawal notices that it hasn't answered, and since when the oldest waits.
    pub unanswered: (u64, Option<Timestamp>),
    /// Guests whom nobody has matched.
    pub unmatched: u64,
}

impl Exchange {
    /// An agent was heard just now, at the door; `version` is what it says it is.
    pub fn heard(&self, agent: AgentId, version: Option<&str>, now: Timestamp) {
        self.shared.contacts.heard(agent, version, now);
    }

    /// The agents of the asker's institution. Nobody is named.
    ///
    /// # Errors
    /// [`AskError`].
    pub async fn agents_seen(&self, acting: Acting<'_>) -> Result<AgentsSeen, AskError> {
        self.at_desk(acting, OfficeAct::SeeReadiness)?;
        let own = acting.speaker.number;
        let cursor = self.shared.directory().institution(own).ok_or(NotAllowed::Denied)?.cursor;
        let waiting = self.shared.store.feed(u32::from(own), cursor, WAITING_MOST).await;
        let waiting = waiting.map_err(|_| AskError::Unavailable)?;
        let directory = self.shared.directory();
        let mut agents: Vec<AgentSeen> = directory
            .agents()
            .filter(|(_, agent)| agent.institution == own)
            .map(|(id, agent)| {
                let contact = self.shared.contacts.of(*id);
                AgentSeen {
                    id: *id,
                    key: hex(&agent.key[..8]),
                    enrolled: agent.enrolled,
                    renewed: agent.used,
                    revoked: agent.revoked,
                    heard: contact.as_ref().map(|contact| contact.at),
                    version: contact.and_then(|contact| contact.version),
                }
            })
            .collect();
        agents.sort_by_key(|agent| (agent.revoked.is_some(), std::cmp::Reverse((agent.enrolled, agent.id))));
        Ok(AgentsSeen {
            agents,
            waiting: u32::try_from(waiting.len()).unwrap_or(WAITING_MOST),
            batches: directory.institution(own).map_or(0, |state| state.next_batch.saturating_sub(1)),
            unanswered: directory.copies().unanswered(own),
            unmatched: directory.institution(own).map_or(0, |state| {
                let guests = state.locals.values().filter(|local| local.registration == Registration::Guest);
                guests.filter(|local| local.learner.is_none()).count() as u64
            }),
        })
    }
}
