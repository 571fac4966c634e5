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
    by_learner::naming,
    directory::{Directory, Person},
    office::Acting,
    reading::{ReadError, TRIES},
    shared::Shared,
    submit,
    types::NotAllowed,
    writer::Work,
};
use commonroll_core::{LocalId, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// Learners of one page at most.
const LEARNERS_MAX: usize = 2_000;

/// What was shown of whom by which right: for the entry.
#[derive(Default)]
pub(crate) struct Shown {
    pub learners: BTreeSet<u32>,
    parts: u32,
    /// Parts of messages, as field groups of behaviour.
    said: u32,
    policies: BTreeSet<String>,
    agreements: BTreeSet<String>,
}

impl Shown {
    /// A learner is shown, with these parts of their card.
    pub fn take(&mut self, learner: u32, parts: u32, permit: &commonroll_policy::PersonPermit) {
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

    /// By which law it was shown: what decides whether an older entry still covers it.
    pub fn law(&self, policy: &str) -> String {
        let list = |set: &BTreeSet<String>| set.iter().map(String::as_str).collect::<Vec<_>>().join(",");
        format!("{policy} {} {} {}", self.parts, list(&self.policies), list(&self.agreements))
    }

    /// What the entry says.
    pub fn entry(&self, acting: Acting<'_>, purpose: &str, policy: &str) -> serde_json::Value {
        let parts = [("card", self.parts), ("behaviour", self.said)];
        let groups: BTreeMap<&str, u32> = parts.into_iter().filter(|(_, parts)| *parts != 0).collect();
        serde_json::json!({
            "role": acting.role, "purpose": purpose, "institution": acting.speaker.institution(),
            "learners": naming(&self.learners), "count": self.learners.len(), "kinds": groups.keys().collect::<Vec<_>>(),
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

    /// Shows a page: decides it, says in the log who is on it, and hands it out if nothing that it rests on changed meanwhile.
    /// `make` gives the page with its entry; the names are of the entries for who asks too much and who is refused.
    pub(crate) async fn page<T>(
        &self,
        acting: Acting<'_>,
        names: (&'static str, &'static str),
        now: Timestamp,
        make: impl Fn(&Directory) -> Result<(T, (&'static str, serde_json::Value)), NotAllowed>,
    ) -> Result<T, ReadError> {
        self.page_apart(acting, names, now, move |shared| make(&shared.directory())).await
    }

    /// The same for a page of a view that looks into the directory itself: `make` takes it only for as long as it needs it,
    /// and never while it waits for the view.
    pub(crate) async fn page_apart<T>(
        &self,
        acting: Acting<'_>,
        (slowed, refused): (&'static str, &'static str),
        now: Timestamp,
        make: impl Fn(&Shared) -> Result<(T, (&'static str, serde_json::Value)), NotAllowed>,
    ) -> Result<T, ReadError> {
        self.ready_for(acting, slowed, now).await?;
        let shared = self.shared.clone();
        for _ in 0..TRIES {
            let _leaving = shared.leaving.read().await;
            let moment = shared.directory().moment();
            let Ok((seen, (what, more))) = make(&shared) else {
                return Err(self.page_refused(acting, refused, now));
            };
            let note = move |work: &mut Work<'_>| work.notes.push((what.to_owned(), more.clone()));
            submit(&shared, &acting.speaker.by(), now, note).await.map_err(|_| ReadError::Unavailable)?;
            if shared.directory().moment() == moment {
                return Ok(seen);
            }
        }
        Err(ReadError::Unavailable)
    }

    /// Counts a page that was refused.
    pub(crate) fn page_refused(&self, acting: Acting<'_>, what: &'static str, now: Timestamp) -> ReadError {
        self.refused(&acting.speaker.by(), what, "");
        crate::warnings::missed(&self.shared, acting.speaker, now);
        NotAllowed::Denied.into()
    }
}
