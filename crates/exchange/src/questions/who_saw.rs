//! Who saw a learner's records: every institution that was sent one, and every person who read one.

use super::{AskError, Asker, LINES, Question, Window};
use crate::{
    Exchange, by_learner,
    directory::Directory,
    duty::ranges::Ranges,
    entry::{Entry, Note, RecordEntry},
    follow::entries_at,
    notices::{AGAIN, Special},
    types::NotAllowed,
};
use commonroll_core::{LocalId, RecordId, RecordKind, Slug, Timestamp};
use std::collections::{BTreeSet, HashMap, HashSet};

/// Entries read at a time.
const PLACES: usize = 512;
/// Places whose payloads are looked at, at a time.
const BLOCKS_AT_ONCE: usize = 4;

/// Who saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reader {
    /// An institution's own system.
    Institution(Slug),
    /// A person, by id, in a role, of an institution, for a purpose.
    Person {
        /// As the log names them: `person:<uuid>`.
        id: String,
        /// The role in use.
        role: String,
        /// Theirs.
        institution: String,
        /// As they said it.
        purpose: String,
    },
}

/// How far it got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reached {
    /// The recipient's signed receipt covers it.
    Acknowledged,
    /// It is in the recipient's feed: sent, or waiting there.
    Waiting,
    /// Policy kept it back when it would have left.
    Withheld,
    /// A person read it.
    Read,
}

/// One record and one reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saw {
    /// The entry that proves it, counted from 1.
    pub sequence: u64,
    /// When it was accepted, or read.
    pub at: Timestamp,
    /// What it is: a kind of record, or the card. A person who read several has a line for each.
    pub kinds: Vec<String>,
    /// Which record, where it is one.
    pub record: Option<(RecordId, u32)>,
    /// Who made it, where it is one.
    pub source: Option<Slug>,
    /// Who saw it.
    pub reader: Reader,
    /// Numbers of the field groups.
    pub groups: Vec<u32>,
    /// How far it got.
    pub reached: Reached,
    /// The agreement that let it flow, as it stood that day: id and version.
    pub agreement: Option<String>,
    /// Hash of the policy set in force, or what the entry says of it.
    pub policy: String,
}

impl Exchange {
    /// Who saw the records of a learner of the asker's institution, by its own id, in a window.
    ///
    /// # Errors
    /// [`AskError`]; alike for a learner who is another's and one whom nobody knows.
    pub async fn who_saw(
        &self,
        asker: &Asker,
        learner: &LocalId,
        window: Window,
        now: Timestamp,
    ) -> Result<Vec<Saw>, AskError> {
        asker.may(Question::WhoSaw)?;
        let own = asker.own.as_ref().map(|(number, _)| *number).ok_or(NotAllowed::Denied)?;
        let number = {
            let directory = self.shared.directory();
            directory.local(own, learner).and_then(|local| local.learner).ok_or(NotAllowed::Denied)?
        };
        self.asked(asker, "who_saw", serde_json::json!({ "learner": number }), &window, now).await?;
        let (places, theirs, alone) = self.places_about(number).await?;
        let mut numbers = alone.clone();
        numbers.insert(number);
        let is_home = self.shared.directory().home_of(number).is_some_and(|(home, _)| *home == own);
        let mut found = Found {
            own,
            is_home,
            numbers,
            alone,
            theirs,
            window,
            policies: Vec::new(),
            saw: Vec::new(),
            at: HashMap::new(),
            concerning: Ranges::default(),
            others: HashMap::new(),
            earlier: false,
        };
        for places in places.chunks(PLACES) {
            let entries = entries_at(self.shared.store.as_ref(), places).await;
            let entries = entries.map_err(|_| AskError::Unavailable)?;
            let directory = self.shared.directory();
            entries.iter().for_each(|(seq, entry)| found.look(&directory, *seq, entry));
            if found.saw.len() > LINES {
                return Err(AskError::TooMuch(LINES));
            }
        }
        self.with_policies(found).await
    }

    /// Where to look for what was said of a learner under any of their numbers: all places; those of records that were
    /// published under a number which somebody else has or had, and are about this learner; and the numbers that nobody
    /// else has or had.
    async fn places_about(&self, learner: u32) -> Result<(Vec<u64>, HashSet<u64>, BTreeSet<u32>), AskError> {
        let (all, alone) = {
            let directory = self.shared.directory();
            (directory.numbers_of(learner), directory.numbers_of_nobody_else(learner))
        };
        let (mut places, mut theirs) = (Vec::new(), HashSet::new());
        for number in all {
            let about = by_learner::about(&self.shared, number).await.map_err(|_| AskError::Unavailable)?;
            if !alone.contains(&number) {
                for some in about.records.chunks(BLOCKS_AT_ONCE) {
                    let found = self.still_there(some, learner).await.map_err(|_| AskError::Unavailable)?;
                    theirs.extend(found.into_iter().map(|(seq, _)| seq));
                }
            }
            places.extend(about.all());
        }
        places.sort_unstable();
        places.dedup();
        Ok((places, theirs, alone))
    }

    /// Puts in which policy set was in force: the entries say that it changed, their payloads to what.
    async fn with_policies(&self, mut found: Found) -> Result<Vec<Saw>, AskError> {
        let mut sets = Vec::new();
        for seq in found.policies {
            let change = self.change_at(seq).await?;
            if let Some(crate::directory::change::Change::Policy { hash, .. }) = change {
                sets.push((seq + 1, crate::directory::change::hex(&hash.0)));
            }
        }
        for saw in &mut found.saw {
            let before = sets.partition_point(|(sequence, _)| *sequence < saw.sequence);
            if let Some((_, hash)) = before.checked_sub(1).and_then(|at| sets.get(at)) {
                saw.policy.clone_from(hash);
            }
        }
        Ok(found.saw)
    }
}

struct Found {
    own: u16,
    is_home: bool,
    /// By what the log says who read about the learner: the number that they have, and those of nobody else.
    numbers: BTreeSet<u32>,
    /// Those under which every record is about the learner.
    alone: BTreeSet<u32>,
    /// Records about the learner under a number that is or was somebody else's, too.
    theirs: HashSet<u64>,
    window: Window,
    policies: Vec<u64>,
    saw: Vec<Saw>,
    /// Which line is about which record for which recipient.
    at: HashMap<(u64, u16), usize>,
    /// Records that the asker made or was to receive, by their places.
    concerning: Ranges,
    /// Other records of the learner: they may be sent to the asker later.
    others: HashMap<u64, RecordEntry>,
    /// True if records of the learner went to others, who were home then.
    earlier: bool,
}

impl Found {
    fn look(&mut self, directory: &Directory, seq: u64, bytes: &[u8]) {
        match Entry::decode(bytes) {
            Ok(Entry::Record(record))
                if self.alone.contains(&record.learner) || self.theirs.contains(&seq) =>
            {
                self.record(directory, seq, &record)
            }
            Ok(Entry::Note(note)) => self.note(directory, seq, &note),
            _ => {}
        }
    }

    fn record(&mut self, directory: &Directory, seq: u64, record: &RecordEntry) {
        // A host asks about what it made, the home also about what went to it. What went to an earlier home is that
        // controller's to tell.
        if record.source != self.own && !(self.is_home && record.concerns(self.own)) {
            self.earlier |= !record.recipients.is_empty();
            self.others.insert(seq, record.clone());
            return;
        }
        self.concerning.push(seq);
        if !self.window.holds(record.accepted_at) {
            return;
        }
        let slug = |number| directory.institution(number).map(|state| state.info.slug.clone());
        let Some(source) = slug(record.source) else { return };
        for to in &record.recipients {
            let (Some(state), Some(reader)) = (directory.institution(to.institution), slug(to.institution))
            else {
                continue;
            };
            let agreement = directory
                .agreement(
                    record.source,
                    to.institution,
                    record.kind,
                    record.accepted_at.date_in(&state.zone),
                )
                .map(|(agreement, _)| format!("{} v{}", agreement.id, agreement.version));
            let reached = if seq < state.cursor { Reached::Acknowledged } else { Reached::Waiting };
            self.at.insert((seq, to.institution), self.saw.len());
            self.saw.push(Saw {
                sequence: seq + 1,
                at: record.accepted_at,
                kinds: vec![kind(record.kind, record.withdrawn)],
                record: Some((record.id, record.revision)),
                source: Some(source.clone()),
                reader: Reader::Institution(reader),
                groups: (0..32).filter(|group| to.groups & 1 << group != 0).collect(),
                reached,
                agreement,
                policy: String::new(),
            });
        }
    }

    fn note(&mut self, directory: &Directory, seq: u64, note: &Note) {
        match note.what.as_str() {
            "policy.in_force" | "policy.activated" => self.policies.push(seq),
            "delivery.withheld" => {
                let recipient = note.more["recipient"].as_str().and_then(|slug| slug.parse().ok());
                let Some(recipient) = recipient.and_then(|slug| directory.number_of(&slug)) else { return };
                for sequence in note.more["withheld"].as_array().into_iter().flatten() {
                    let place =
                        sequence[0].as_u64().and_then(|s| self.at.get(&(s.checked_sub(1)?, recipient)));
                    if let Some(&place) = place {
                        self.saw[place].reached = Reached::Withheld;
                    }
                }
            }
            AGAIN => self.again(directory, seq, note),
            "read.disclosed"
            | "subject.exported"
            | by_learner::BOARD
            | by_learner::GROUP
            | by_learner::LISTED
            | by_learner::ASKED
            | by_learner::WATCHED
            | by_learner::CODES
            | by_learner::TAKEN_OUT
            | by_learner::EXPORTED => self.read(directory, seq, note),
            _ => {}
        }
    }

    /// A record that went to others first, and was sent to the asker since.
    fn again(&mut self, directory: &Directory, seq: u64, note: &Note) {
        let (Some(Special::Again(says)), Ok(at)) =
            (Special::read(note), Timestamp::from_micros("at", note.at_us))
        else {
            return;
        };
        let own = directory.institution(self.own).filter(|own| own.info.slug.as_str() == says.recipient);
        let record = self.others.get(&says.of.saturating_sub(1));
        let (Some(state), Some(record), true) = (own, record, self.window.holds(at)) else { return };
        let agreement = directory.agreement(record.source, self.own, record.kind, at.date_in(&state.zone));
        self.at.insert((seq, self.own), self.saw.len());
        self.saw.push(Saw {
            sequence: seq + 1,
            at,
            kinds: vec![kind(record.kind, record.withdrawn)],
            record: Some((record.id, record.revision)),
            source: directory.institution(record.source).map(|source| source.info.slug.clone()),
            reader: Reader::Institution(state.info.slug.clone()),
            groups: (0..32).filter(|group| says.groups & 1 << group != 0).collect(),
            reached: if seq < state.cursor { Reached::Acknowledged } else { Reached::Waiting },
            agreement: agreement.map(|(agreement, _)| format!("{} v{}", agreement.id, agreement.version)),
            policy: String::new(),
        });
    }

    fn read(&mut self, directory: &Directory, seq: u64, note: &Note) {
        let more = &note.more;
        let learner = more["learner"].as_u64().and_then(|learner| u32::try_from(learner).ok());
        let about = learner.is_some_and(|learner| self.numbers.contains(&learner))
            || by_learner::named_in(&more["learners"]).any(|learner| self.numbers.contains(&learner));
        let (true, Ok(at)) = (about, Timestamp::from_micros("at", note.at_us)) else { return };
        if !self.window.holds(at) {
            return;
        }
        let text = |key: &str| more[key].as_str().unwrap_or_default().to_owned();
        // Who read at the home, or at another host, is the home's to ask, as far as it was the home then.
        let slug = directory.institution(self.own).map(|state| &state.info.slug);
        let own = slug.is_some_and(|own| own.as_str() == text("institution"));
        let theirs = own || self.is_home && self.was_home(&more["records"]);
        if !theirs {
            return;
        }
        let list = |key: &str| more[key].as_array().into_iter().flatten().cloned().collect::<Vec<_>>();
        let agreements: Vec<String> =
            list("agreements").iter().filter_map(|one| one.as_str().map(str::to_owned)).collect();
        let reader = Reader::Person {
            id: note.by.clone(),
            role: text("role"),
            institution: text("institution"),
            purpose: text("purpose"),
        };
        if note.what == "subject.exported" {
            // What was handed over to the learner or a parent; the entry says which records.
            self.saw.push(Saw {
                sequence: seq + 1,
                at,
                kinds: vec!["subject export".to_owned()],
                record: None,
                source: None,
                reader,
                groups: Vec::new(),
                reached: Reached::Read,
                agreement: None,
                policy: String::new(),
            });
            return;
        }
        for (kind, mask) in more["groups"].as_object().into_iter().flatten() {
            let mask = mask.as_u64().unwrap_or_default();
            self.saw.push(Saw {
                sequence: seq + 1,
                at,
                kinds: vec![kind.clone()],
                record: None,
                source: None,
                reader: reader.clone(),
                groups: (0..32).filter(|group| mask & 1 << group != 0).collect(),
                reached: Reached::Read,
                agreement: (!agreements.is_empty()).then(|| agreements.join(", ")),
                policy: text("policy"),
            });
        }
    }
}

impl Found {
    /// Whether the asker, who is home now, was the home when somebody else's person read these records. Of a card alone that is
    /// so unless only others were sent anything so far.
    fn was_home(&self, records: &serde_json::Value) -> bool {
        let mut records = records.as_array().into_iter().flatten().peekable();
        if records.peek().is_none() {
            return !self.earlier || !self.concerning.is_empty();
        }
        records.any(|stretch| {
            let (Some(first), Some(last)) = (stretch[0].as_u64(), stretch[1].as_u64()) else { return false };
            self.concerning.runs().iter().any(|(from, to)| *from < last && first <= *to)
        })
    }
}

fn kind(kind: RecordKind, withdrawn: bool) -> String {
    if withdrawn { format!("{} withdrawn", kind.as_str()) } else { kind.as_str().to_owned() }
}
