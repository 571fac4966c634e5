//! What people walk to: a teacher's groups with those who visit them, and a home's learners who are taught elsewhere.
//!
//! Each learner on such a page is decided alone, by their card; who is shown is in the log before the page leaves. Names
//! are those by which the reader's own institution knows the learner.

mod asked;
mod group;
mod learners;
mod seen;

pub(crate) use learners::purpose;
pub use seen::{
    AskedSeen, AwaySeen, GroupKey, GroupLine, GroupSeen, LearnerRead, LearnersSeen, LessonTime, MyGroups,
    PlaceSeen, RuleSeen, SourceSeen, VisitorSeen,
};

use crate::{
    Exchange,
    directory::{Directory, Person},
    office::Acting,
    reading::ReadError,
    types::NotAllowed,
};
use commonroll_core::{LocalId, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// Learners of one page at most.
const LEARNERS_MAX: usize = 2_000;

/// What was shown of whom by which right: for the entry.
#[derive(Default)]
struct Shown {
    learners: BTreeSet<u32>,
    parts: u32,
    /// Parts of messages, as field groups of behaviour.
    said: u32,
    policies: BTreeSet<String>,
    agreements: BTreeSet<String>,
}

impl Shown {
    fn take(&mut self, learner: u32, parts: u32, permit: &commonroll_policy::PersonPermit) {
        self.learners.insert(learner);
        self.parts |= parts;
        self.policies.insert(permit.reason().to_owned());
        self.agreements.extend(permit.agreement().map(|(id, version)| format!("{id} v{version}")));
    }

    /// A message that was shown.
    fn take_message(&mut self, message: &crate::messages::MessageSeen) {
        self.learners.insert(message.learner);
        self.said |= message.groups;
        self.policies.insert(message.reason.clone());
        self.agreements.extend(message.agreement.clone());
    }

    /// What the entry says; learners as stretches from one number to another.
    fn entry(&self, acting: Acting<'_>, purpose: &str, policy: &str) -> serde_json::Value {
        let mut stretches: Vec<(u32, u32)> = Vec::new();
        for learner in &self.learners {
            match stretches.last_mut() {
                Some((_, last)) if *learner == *last + 1 => *last = *learner,
                _ => stretches.push((*learner, *learner)),
            }
        }
        let parts = [("card", self.parts), ("behaviour", self.said)];
        let groups: BTreeMap<&str, u32> = parts.into_iter().filter(|(_, parts)| *parts != 0).collect();
        serde_json::json!({
            "role": acting.role, "purpose": purpose, "institution": acting.speaker.institution(),
            "learners": stretches, "count": self.learners.len(), "kinds": groups.keys().collect::<Vec<_>>(),
            "groups": groups, "policy": policy, "policies": self.policies,
            "agreements": self.agreements,
        })
    }
}

/// The groups that a person teaches, as their institution declared.
pub(crate) fn taught<'d>(directory: &'d Directory, person: &Person) -> &'d [LocalId] {
    let state = directory.institution(person.institution);
    let groups = state.zip(person.staff.as_ref()).and_then(|(state, id)| state.staff.get(id));
    groups.map_or(&[], Vec::as_slice)
}

/// The hash of the policy set in force.
pub(crate) fn policy_hash(directory: &Directory) -> String {
    directory.policies().hash().map_or_else(String::new, |hash| crate::directory::change::hex(&hash))
}

/// As the person's own institution calls a learner: first what they are called, then in full.
pub(crate) fn called(directory: &Directory, own: u16, learner: u32) -> (String, String) {
    let local = directory.known_at(learner).find(|(at, _)| *at == own);
    match local.and_then(|(at, id)| directory.called(*at, id)) {
        Some(called) => {
            let (known_as, surname) = (called.known_as.as_str(), called.surname.as_str());
            (known_as.to_owned(), format!("{known_as} {surname}").trim().to_owned())
        }
        None => (format!("Learner {learner}"), format!("Learner {learner}")),
    }
}

impl Exchange {
    /// Before anything is looked up for a page: not after too many refusals, and on the newest directory.
    pub(crate) async fn ready_for(
        &self,
        acting: Acting<'_>,
        what: &'static str,
        now: Timestamp,
    ) -> Result<(), ReadError> {
        if self.shared.misses.too_many(acting.speaker.id(), now) {
            self.refused(&acting.speaker.by(), what, "");
            return Err(ReadError::TooMany);
        }
        if !self.shared.is_current() {
            self.shared.follow().await.map_err(|_| ReadError::Unavailable)?;
        }
        Ok(())
    }

    /// Counts a page that was refused.
    pub(crate) fn page_refused(&self, acting: Acting<'_>, what: &'static str, now: Timestamp) -> ReadError {
        self.refused(&acting.speaker.by(), what, "");
        self.shared.misses.missed(acting.speaker.id(), now);
        NotAllowed::Denied.into()
    }
}
