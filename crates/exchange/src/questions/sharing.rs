//! What an institution shared, and what it received: sums by partner and kind. No learner is named or numbered.

use super::{AskError, Asker, Question, Window};
use crate::{
    Exchange,
    entry::{Entry, RecordEntry},
    types::NotAllowed,
};
use commonroll_core::{RecordKind, Slug, Timestamp};
use std::collections::{BTreeMap, HashSet};

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// What the institution made and others got.
    SharedBy,
    /// What others made and the institution got.
    ReceivedBy,
}

/// A sum of what went one way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sharing {
    /// The other institution.
    pub partner: Slug,
    /// Kind of record.
    pub kind: RecordKind,
    /// Numbers of the field groups that were let through at least once.
    pub groups: Vec<u32>,
    /// Records and their revisions.
    pub records: u64,
    /// Withdrawals among them.
    pub withdrawn: u64,
    /// How many learners.
    pub learners: u64,
    /// First and last.
    pub between: (Timestamp, Timestamp),
}

struct Sum {
    groups: u32,
    records: u64,
    withdrawn: u64,
    learners: HashSet<u32>,
    between: (Timestamp, Timestamp),
}

impl Sum {
    fn at(at: Timestamp) -> Self {
        Self { groups: 0, records: 0, withdrawn: 0, learners: HashSet::new(), between: (at, at) }
    }

    fn add(&mut self, record: &RecordEntry, groups: u32) {
        self.groups |= groups;
        self.records += 1;
        self.withdrawn += u64::from(record.withdrawn);
        self.learners.insert(record.learner);
        self.between.1 = record.accepted_at;
    }
}

impl Exchange {
    /// What an institution shared or received in a window. A person asks about their own.
    ///
    /// # Errors
    /// [`AskError`]; alike for an institution that is another's and one that nobody knows.
    pub async fn sharing(
        &self,
        asker: &Asker,
        (direction, of): (Direction, &Slug),
        window: Window,
        now: Timestamp,
    ) -> Result<Vec<Sharing>, AskError> {
        asker.may(Question::Sharing)?;
        let number = self.shared.directory().number_of(of).ok_or(NotAllowed::Denied)?;
        if asker.own.as_ref().is_some_and(|(own, _)| *own != number) {
            return Err(NotAllowed::Denied.into());
        }
        let question = if direction == Direction::SharedBy { "shared_by" } else { "received_by" };
        self.asked(asker, question, serde_json::json!({ "institution": of }), &window, now).await?;
        let mut sums: BTreeMap<(u16, RecordKind), Sum> = BTreeMap::new();
        let mut walk = self.walk();
        let look = |bytes: &[u8], sums: &mut BTreeMap<(u16, RecordKind), Sum>| {
            let Ok(Entry::Record(record)) = Entry::decode(bytes) else { return };
            if !window.holds(record.accepted_at) {
                return;
            }
            for to in &record.recipients {
                let partner = match direction {
                    Direction::SharedBy if record.source == number => to.institution,
                    Direction::ReceivedBy if to.institution == number => record.source,
                    _ => continue,
                };
                sums.entry((partner, record.kind))
                    .or_insert_with(|| Sum::at(record.accepted_at))
                    .add(&record, to.groups);
            }
        };
        while walk.some(|_, bytes| look(bytes, &mut sums)).await? {}
        let shared = self.shared.clone();
        let directory = shared.directory();
        let told = sums.into_iter().filter_map(|((partner, kind), sum)| {
            Some(Sharing {
                partner: directory.institution(partner)?.info.slug.clone(),
                kind,
                groups: (0..32).filter(|group| sum.groups & 1 << group != 0).collect(),
                records: sum.records,
                withdrawn: sum.withdrawn,
                learners: sum.learners.len() as u64,
                between: sum.between,
            })
        });
        Ok(told.collect())
    }
}
