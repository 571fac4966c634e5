//! What the log says that recipients hold: copies that were put into their feeds, less what was withheld and recalled.
//!
//! It is read from the log's entries in their order, for the records that a sweep is about. Places count from 0.

use super::dirt::Dirt;
use crate::{
    directory::Directory,
    entry::{Damaged, Entry, Note, RecordEntry},
    notices::Special,
};
use commonroll_core::RecordId;
use std::collections::HashMap;

/// A copy in a recipient's feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copy {
    /// Who has it, or will be handed it.
    pub recipient: u16,
    /// Where the record stands in the log.
    pub seq: u64,
    /// Where it stands in the feed: there too, or at a later entry that sends it again.
    pub place: u64,
    /// The field groups in it, at most.
    pub groups: u32,
    /// Whom it was about when it was handed out, by the hub's number.
    pub learner: u32,
}

/// A record that a sweep is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Where its newest revision stands.
    pub newest: u64,
    /// True if that was for anybody when it was published.
    pub was_for_somebody: bool,
    /// Copies of it, in the order of the log.
    pub copies: Vec<Copy>,
}

/// Everything found so far.
#[derive(Default)]
pub struct Holdings {
    pub records: HashMap<RecordId, Found>,
    /// Which record stands at a place of the log or of a feed.
    places: HashMap<u64, RecordId>,
    /// Copies that were sent again, of records that stand before what is looked at.
    pub strays: Vec<Copy>,
}

impl Holdings {
    /// Takes an entry in. `part` says of which share of the learners this reading is.
    pub fn read(
        &mut self,
        place: u64,
        bytes: &[u8],
        dirt: &Dirt,
        part: (u32, u32),
        directory: &Directory,
    ) -> Result<(), Damaged> {
        match Entry::decode(bytes)? {
            Entry::Record(entry) => {
                let is_known = self.records.contains_key(&entry.id);
                if is_known || (entry.learner % part.1 == part.0 && dirt.touches(&entry, place)) {
                    self.record(place, &entry);
                }
            }
            Entry::Note(note) => self.note(place, &note, dirt, directory),
        }
        Ok(())
    }

    /// Takes a record in.
    pub fn record(&mut self, seq: u64, entry: &RecordEntry) {
        let was_for_somebody = !entry.recipients.is_empty();
        let found = self.records.entry(entry.id).or_insert_with(|| Found {
            newest: seq,
            was_for_somebody,
            copies: Vec::new(),
        });
        if seq >= found.newest {
            (found.newest, found.was_for_somebody) = (seq, was_for_somebody);
        }
        found.copies.extend(entry.recipients.iter().map(|to| Copy {
            recipient: to.institution,
            seq,
            place: seq,
            groups: to.groups,
            learner: entry.learner,
        }));
        self.places.insert(seq, entry.id);
    }

    fn note(&mut self, place: u64, note: &Note, dirt: &Dirt, directory: &Directory) {
        let number = |slug: &str| slug.parse().ok().and_then(|slug| directory.number_of(&slug));
        match Special::read(note) {
            Some(Special::Notice(says)) => {
                let Some(recipient) = number(&says.recipient) else { return };
                for (sequence, _) in says.of {
                    self.recalled(recipient, sequence.saturating_sub(1));
                }
            }
            Some(Special::Again(says)) => {
                let Some(recipient) = number(&says.recipient) else { return };
                let seq = says.of.saturating_sub(1);
                let copy = Copy { recipient, seq, place, groups: says.groups, learner: says.learner };
                match self.places.get(&seq).copied() {
                    Some(id) => self.again(id, copy),
                    None if dirt.was_handed(recipient, place) => self.strays.push(copy),
                    None => {}
                }
            }
            None if note.what == "delivery.withheld" => {
                let recipient = note.more["recipient"].as_str().and_then(number);
                let list = note.more["withheld"].as_array();
                for sequence in list.into_iter().flatten().filter_map(|pair| pair[0].as_u64()) {
                    self.withheld(recipient, sequence.saturating_sub(1));
                }
            }
            None => {}
        }
    }

    fn again(&mut self, id: RecordId, copy: Copy) {
        if let Some(found) = self.records.get_mut(&id) {
            found.copies.push(copy);
            self.places.insert(copy.place, id);
        }
    }

    /// A notice means the record as it was delivered, and everything older of it.
    fn recalled(&mut self, recipient: u16, seq: u64) {
        self.strays.retain(|copy| copy.recipient != recipient || copy.seq != seq);
        if let Some(found) = self.places.get(&seq).and_then(|id| self.records.get_mut(id)) {
            found.copies.retain(|copy| copy.recipient != recipient || copy.seq > seq);
        }
    }

    fn withheld(&mut self, recipient: Option<u16>, place: u64) {
        self.strays.retain(|copy| Some(copy.recipient) != recipient || copy.place != place);
        if let Some(found) = self.places.get(&place).and_then(|id| self.records.get_mut(id)) {
            found.copies.retain(|copy| Some(copy.recipient) != recipient || copy.place != place);
        }
    }
}
