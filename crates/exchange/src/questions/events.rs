//! What happened, of one topic: refusals and their reasons, changes of the rules, what was taken out or looked at.

use super::{AskError, Asker, LINES, Question, Window};
use crate::{
    Exchange,
    directory::change::{Change, hex},
    entry::{Entry, Note},
    warnings::TOLD,
};
use commonroll_core::Timestamp;
use std::collections::HashMap;

/// Which entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// What was refused or withheld, and why.
    Refused,
    /// Changes of the policies and of agreements.
    PolicyChanges,
    /// What people read, asked, exported, erased.
    Exports,
    /// Who was asked to let copies go, and what they answered: one event for each notice.
    Withdrawals,
}

impl Topic {
    const fn word(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::PolicyChanges => "policy_changes",
            Self::Exports => "exports",
            Self::Withdrawals => "withdrawals",
        }
    }

    fn has(self, what: &str) -> bool {
        let begins = |with: &[&str]| with.iter().any(|with| what.starts_with(with));
        match self {
            Self::Refused => what.ends_with(".refused") || what == "delivery.withheld" || what == TOLD,
            Self::PolicyChanges => {
                begins(&["policy.", "agreement.", "institution."]) && !what.ends_with(".refused")
            }
            Self::Exports => {
                let taken =
                    ["audit.asked", "read.disclosed", "people.shown", "record.erased", "record.expired"];
                taken.contains(&what)
                    || begins(&["export.", "subject.", "breach.", "exit.", "retention.", "emergency."])
            }
            Self::Withdrawals => false,
        }
    }
}

/// One entry, as text without anything personal.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The entry, counted from 1.
    pub sequence: u64,
    /// When.
    pub at: Timestamp,
    /// What happened.
    pub what: String,
    /// Who did it.
    pub by: String,
    /// What else it says; for a policy set its hash, for refused records how many by code.
    pub more: serde_json::Value,
}

impl Exchange {
    /// What happened of a topic in a window: all of it for the operator, what concerns their institution for a person;
    /// changes of the rules concern everybody.
    ///
    /// # Errors
    /// [`AskError`].
    pub async fn events(
        &self,
        asker: &Asker,
        topic: Topic,
        window: Window,
        now: Timestamp,
    ) -> Result<Vec<Event>, AskError> {
        asker.may(Question::Events(topic))?;
        self.asked(asker, topic.word(), serde_json::Value::Null, &window, now).await?;
        if topic == Topic::Withdrawals {
            return self.withdrawn(asker, &window).await;
        }
        let mut events: Vec<Event> = Vec::new();
        let mut payloads = Vec::new();
        let mut walk = self.walk();
        let everybodys = topic == Topic::PolicyChanges;
        let people: HashMap<String, u16> = {
            let directory = self.shared.directory();
            directory.people().map(|(id, person)| (format!("person:{id}"), person.institution)).collect()
        };
        let look = |seq: u64, bytes: &[u8], events: &mut Vec<Event>, payloads: &mut Vec<usize>| {
            // A note's first byte spares reading the records.
            let Some((2, _)) = bytes.split_first() else { return };
            let Ok(Entry::Note(note)) = Entry::decode(bytes) else { return };
            let Ok(at) = Timestamp::from_micros("at", note.at_us) else { return };
            let theirs = everybodys
                || asker.own.as_ref().is_none_or(|(number, own)| {
                    let actor = note.more["actor"].as_str().unwrap_or(&note.by);
                    people.get(actor) == Some(number) || concerns(&note, own.as_str())
                });
            if topic.has(&note.what) && window.holds(at) && theirs {
                if !note.payload.is_empty() {
                    payloads.push(events.len());
                }
                let Note { what, by, more, .. } = note;
                events.push(Event { sequence: seq + 1, at, what, by, more });
            }
        };
        while walk.some(|seq, bytes| look(seq, bytes, &mut events, &mut payloads)).await? {
            if events.len() > LINES {
                return Err(AskError::TooMuch(LINES));
            }
        }
        for place in payloads {
            let Some(event) = events.get_mut(place) else { continue };
            match self.change_at(event.sequence - 1).await? {
                Some(Change::Policy { hash, approvals, .. }) => {
                    let approved: Vec<String> = approvals
                        .iter()
                        .map(|one| format!("person:{} as {}", one.person, one.role))
                        .collect();
                    event.more = serde_json::json!({ "set": hex(&hash.0), "approved_by": approved });
                }
                Some(Change::Batch { number, refused, again, .. }) => {
                    event.more = serde_json::json!({ "batch": number, "refused": refused, "again": again });
                }
                _ => {}
            }
        }
        Ok(events)
    }
}

/// Whether an entry is about an institution: it did it, it was refused it, or one of its people did.
pub(crate) fn concerns(note: &Note, own: &str) -> bool {
    let says = |value: &serde_json::Value| value.as_str() == Some(own);
    note.by == own
        || ["recipient", "actor", "institution"].iter().any(|key| says(&note.more[*key]))
        || says(&note.more["asker"]["institution"])
}
