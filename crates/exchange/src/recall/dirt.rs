//! What may have changed who is entitled to what: learners, pairs of institutions, single records, or everything.
//!
//! A change of the directory says which copies must be looked at again. Too much is slow, too little leaves a copy
//! where it has no right to be: a change that is not known to be harmless concerns everything.

use crate::{
    directory::{Directory, agreements::Standing, change::Change},
    entry::RecordEntry,
};
use commonroll_core::{RecordId, Timestamp, agreement::AgreementText, directory::Agreement};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// What must be looked at again.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Dirt {
    /// Everything.
    pub all: bool,
    pairs: BTreeSet<(u16, u16)>,
    learners: HashSet<u32>,
    records: HashSet<RecordId>,
    /// What a recipient turned out to have been handed, from this place of its feed on.
    since: BTreeMap<u16, u64>,
}

impl Dirt {
    /// What was left to be looked at when the hub stopped: every row that is newer than what the last sweep followed.
    pub fn at_start<'a>(rows: impl Iterator<Item = (u64, &'a Change)>, directory: &Directory) -> Self {
        let mut dirt = Self::default();
        let Some((up_to, _)) = directory.copies().swept else { return Self { all: true, ..dirt } };
        for (_, change) in rows.filter(|(seq, _)| *seq >= up_to) {
            dirt.add(change, directory);
        }
        dirt
    }

    /// Everything about some learners.
    pub fn of_learners(learners: impl IntoIterator<Item = u32>) -> Self {
        Self { learners: learners.into_iter().collect(), ..Self::default() }
    }

    /// True if nothing needs to be looked at.
    pub fn is_empty(&self) -> bool {
        !self.all
            && self.pairs.is_empty()
            && self.learners.is_empty()
            && self.records.is_empty()
            && self.since.is_empty()
    }

    /// Takes in other dirt.
    pub fn join(&mut self, other: Self) {
        self.all |= other.all;
        self.pairs.extend(other.pairs);
        self.learners.extend(other.learners);
        self.records.extend(other.records);
        other.since.into_iter().for_each(|(recipient, from)| self.handed(recipient, from));
    }

    /// Takes in a change, seen by the directory as it was before it.
    pub fn add(&mut self, change: &Change, before: &Directory) {
        match change {
            Change::Learner { learner, was, institution, local, .. } => {
                let held = before.local(*institution, local).and_then(|held| held.learner);
                self.learners.extend(learner.iter().chain(was).copied().chain(held));
            }
            Change::Side { by, local, .. } => {
                let held = before.local(*by, local);
                self.learners.extend(held.into_iter().flat_map(|held| held.learner.iter().chain(&held.was)));
            }
            Change::AgreementSigned { text, standing, .. } => {
                if matches!(standing, Standing::Complete | Standing::Ended)
                    && let Ok(text) = AgreementText::parse(text)
                {
                    self.named(&text.terms(), before);
                }
            }
            Change::Hidden { record, .. } => {
                self.records.insert(RecordId(record.0));
            }
            Change::Left { institution, .. } => {
                let all = 0..u16::try_from(before.institutions().len()).unwrap_or(u16::MAX);
                self.pairs.extend(all.flat_map(|other| [(*institution, other), (other, *institution)]));
            }
            // These say who speaks, who read how far, and what was told: nobody gains or loses a record by them.
            Change::Institution { .. }
            | Change::Agreement { .. }
            | Change::Invitation { .. }
            | Change::Agent { .. }
            | Change::Group { .. }
            | Change::Alert { .. }
            | Change::Message { .. }
            | Change::MessageGone { .. }
            | Change::Remark { .. }
            | Change::Forgotten { .. }
            | Change::Codes { .. }
            | Change::Watch { .. }
            | Change::Convention { .. }
            | Change::Sources { .. }
            // By the record's own date: what was handed out stays, and what was held back is published again by its source.
            | Change::Unlock { .. }
            | Change::Sending { .. }
            | Change::Warning { .. }
            | Change::Export { .. }
            | Change::Match { .. }
            | Change::MatchGone { .. }
            | Change::Cursor { .. }
            | Change::Batch { .. }
            | Change::Person { .. }
            | Change::Account { .. }
            | Change::Staff { .. }
            | Change::Access { .. }
            | Change::Proposal { .. }
            | Change::Notice { .. }
            | Change::Again { .. }
            | Change::Emergency { .. }
            | Change::Erased { .. }
            | Change::Kept { .. }
            | Change::Day { .. }
            | Change::Told { .. }
            | Change::Support { .. }
            | Change::Swept { .. } => {}
            Change::Policy { .. } => self.all = true,
        }
    }

    /// A recipient holds more of its feed than was known: from this place on.
    pub fn handed(&mut self, recipient: u16, from: u64) {
        let held = self.since.entry(recipient).or_insert(from);
        *held = (*held).min(from);
    }

    /// Agreements that began or ended between two moments, on the dates of their parties.
    pub fn dates(&mut self, directory: &Directory, before: Timestamp, now: Timestamp) {
        let agreements = directory.agreements();
        for terms in agreements.whole().map(|signed| &signed.terms) {
            let parties = terms.parties.iter().filter_map(|slug| directory.number_of(slug));
            let mut zones = parties.filter_map(|number| directory.institution(number)).map(|s| &s.zone);
            let rules =
                |at: Timestamp, zone| agreements.named(&terms.id, at.date_in(zone)).map(|signed| signed.hash);
            if zones.any(|zone| rules(before, zone) != rules(now, zone)) {
                self.named(terms, directory);
            }
        }
    }

    /// The parties of an agreement, and those of its other versions, which it takes the place of.
    fn named(&mut self, terms: &Agreement, directory: &Directory) {
        self.among(terms, directory);
        let others = directory.agreements().whole().filter(|signed| signed.terms.id == terms.id);
        others.for_each(|signed| self.among(&signed.terms, directory));
    }

    fn among(&mut self, agreement: &Agreement, directory: &Directory) {
        let parties: Vec<u16> =
            agreement.parties.iter().filter_map(|slug| directory.number_of(slug)).collect();
        self.pairs.extend(parties.iter().flat_map(|one| parties.iter().map(|other| (*one, *other))));
    }

    /// True if a record, at a place of its recipients' feeds, must be looked at.
    pub fn touches(&self, entry: &RecordEntry, place: u64) -> bool {
        self.all
            || self.learners.contains(&entry.learner)
            || (!self.records.is_empty() && self.records.contains(&entry.id))
            || entry.recipients.iter().any(|to| {
                self.pairs.contains(&(entry.source, to.institution))
                    || self.since.get(&to.institution).is_some_and(|from| place >= *from)
            })
    }

    /// True if a recipient turned out to have been handed this place of its feed.
    pub fn was_handed(&self, recipient: u16, place: u64) -> bool {
        self.since.get(&recipient).is_some_and(|from| place >= *from)
    }

    /// The first place of the log that must be looked at.
    pub fn first(&self) -> u64 {
        let only_since = Self { since: self.since.clone(), ..Self::default() } == *self;
        if only_since { self.since.values().copied().min().unwrap_or(0) } else { 0 }
    }

    /// True if so much is to be looked at that it is done in parts.
    pub fn is_wide(&self) -> bool {
        self.all || !self.pairs.is_empty()
    }
}
