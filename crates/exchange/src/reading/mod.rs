//! Reading by a person: one learner's records and card, for one purpose, in one role.
//!
//! The learner is named by the caller's institution's own id, so that nobody can ask about whom their institution doesn't
//! know. Each record and the card are decided by the policies, from how the person stands to the learner now; what may
//! not be seen leaves as a hash. The entry that says who read what is durable before a byte is handed out.

mod ask;
pub(crate) mod card;
mod held_back;
mod misses;
mod records;

pub use ask::{
    CardSeen, KindSaid, PlacementSeen, PresenceSeen, ReadAsk, ReadError, Reading, RecordSeen, RecordState,
};
pub(crate) use misses::{MISSES_MAX, Misses};
pub(crate) use records::{Loaded, Wants, find};

use crate::{
    Exchange, by_learner,
    directory::{Directory, stands::Stands},
    office::Acting,
    submit,
    types::NotAllowed,
    warnings,
};
use commonroll_core::{LocalId, RecordKind, Slug, Timestamp, agreement::ItemKind};
use commonroll_policy::{
    AgreementInForce, Denied, Matter, PersonPermit, PersonQuestion, Policy, RecordFacts,
};
use std::collections::{BTreeMap, BTreeSet};

/// Records of one answer at most.
const RECORDS_MAX: usize = 5_000;
/// Stretches of sequence numbers that an entry lists at most.
const STRETCHES_MAX: usize = 200;
/// How often a reading is begun again because the directory changed meanwhile.
pub(crate) const TRIES: usize = 8;

/// Puts questions of one person about one learner.
pub(crate) struct Judge<'a> {
    pub directory: &'a Directory,
    pub policy: &'a Policy,
    pub acting: Acting<'a>,
    pub ask: &'a ReadAsk,
    pub stands: Stands,
    /// Whose records of the learner there can be, as far as the person's institution may know.
    sources: BTreeSet<u16>,
}

/// Whose records of a kind a person can hope to see.
pub(crate) struct Best {
    pub kind: RecordKind,
    pub open: BTreeSet<u16>,
    pub shut: Vec<(u16, Denied)>,
}

/// What became of one record.
pub(crate) enum Verdict {
    Seen(Box<RecordSeen>),
    /// Not theirs to see. The code only where its existence is no secret to them.
    Not(Option<Denied>),
    /// Their institution was not handed it, since its kind was locked again before.
    HeldBack,
}

impl<'a> Judge<'a> {
    /// `None` if the person may not act in this role, or their institution knows nobody by this id.
    pub fn new(
        directory: &'a Directory,
        acting: Acting<'a>,
        ask: &'a ReadAsk,
        now: Timestamp,
    ) -> Result<Self, NotAllowed> {
        let person = directory.in_role(acting.speaker.id(), acting.role)?;
        let policy = directory.policies().set().ok_or(NotAllowed::Denied)?;
        let stands = directory.stands(acting.speaker.id(), person, &ask.learner, now);
        let stands = stands.ok_or(NotAllowed::Denied)?;
        let mut sources = BTreeSet::from([stands.institution]);
        if stands.is_home() {
            sources.extend(directory.knowing(stands.learner));
        }
        Ok(Self { directory, policy, acting, ask, stands, sources })
    }

    pub fn slug(&self, number: u16) -> Option<&'a Slug> {
        self.directory.institution(number).map(|state| &state.info.slug)
    }

    pub fn question<'q>(&'q self, matter: Matter<'q>) -> PersonQuestion<'q> {
        PersonQuestion {
            role: self.acting.role,
            institution: self.acting.speaker.institution(),
            purpose: self.ask.purpose,
            matter,
        }
    }

    /// What a decision about a record of a source is made from: if it is placed, and taught, as told.
    pub fn facts(
        &self,
        source: u16,
        kind: RecordKind,
        (placed, confidential, teaches): (bool, bool, bool),
    ) -> Option<RecordFacts<'a>> {
        let stands = &self.stands;
        let agreement = stands.home.and_then(|home| {
            let kind = ItemKind::Record(kind);
            self.directory.seen_by((source, home), kind, self.acting.role, stands.today)
        });
        Some(RecordFacts {
            kind,
            source: self.slug(source)?,
            home: stands.home.and_then(|home| self.slug(home)),
            placed,
            confidential,
            agreement: agreement.map(|(terms, groups)| AgreementInForce {
                id: &terms.id,
                version: terms.version,
                groups,
            }),
            teaches,
            own: stands.own,
            access_on: stands.access_on,
            emergency: stands.emergency,
        })
    }

    fn record(
        &self,
        source: u16,
        kind: RecordKind,
        relation: (bool, bool, bool),
    ) -> Option<Result<PersonPermit, Denied>> {
        let facts = self.facts(source, kind, relation)?;
        Some(self.policy.decide_person(&self.question(Matter::Record(facts))))
    }

    /// Whether a record is placed, confidential, and taught by the person. `None` if it is about somebody else by now.
    pub fn relation(&self, loaded: &Loaded) -> Option<(bool, bool, bool)> {
        let (entry, stands) = (&loaded.entry, &self.stands);
        let (placed, teaches) = match &loaded.payload {
            Some(record) => {
                let of = &record.circumstances;
                let placed =
                    self.directory.placed(entry.source, &of.learner, of.date, of.at, of.group.as_ref());
                if placed.learner != Some(stands.learner) {
                    return None;
                }
                (placed.in_force, self.directory.taught_then(stands, entry.source, of))
            }
            // What is gone says no more about its placement than was decided when it was published.
            None => (
                entry.recipients.iter().any(|to| Some(to.institution) == stands.home),
                !stands.teaches.is_empty() && entry.source == stands.institution,
            ),
        };
        Some((placed, entry.confidential, teaches))
    }

    /// The best that anything of a kind can hope for, by who would have made it; without looking at any record.
    pub fn at_best(&self, kind: RecordKind) -> Best {
        let stands = &self.stands;
        let teaches = !stands.teaches.is_empty() || !stands.may_teach.is_empty();
        let mut best = Best { kind, open: BTreeSet::new(), shut: Vec::new() };
        for source in self.sources.iter().copied() {
            let own = source == stands.institution;
            match self.record(source, kind, (true, false, teaches && own)) {
                Some(Ok(_)) => drop(best.open.insert(source)),
                Some(Err(denied)) => best.shut.push((source, denied)),
                None => {}
            }
        }
        if !best.open.is_empty() && stands.is_home() {
            // What the home itself makes is not what is missed.
            best.shut.retain(|(source, _)| *source != stands.institution);
        }
        best
    }

    /// True if a record did not reach the person's institution, the learner's home.
    pub fn holds_back(&self, loaded: &Loaded) -> bool {
        loaded.held_back && self.stands.is_home() && loaded.entry.source != self.stands.institution
    }

    /// Decides on a record as it is.
    pub fn judge(&self, loaded: &Loaded) -> Verdict {
        let (entry, stands) = (&loaded.entry, &self.stands);
        // Of what others made about a visitor, not even the number is a host's to know.
        let no_secret = stands.is_home() || entry.source == stands.institution;
        let Some(relation) = self.relation(loaded) else { return Verdict::Not(None) };
        match self.record(entry.source, entry.kind, relation) {
            Some(Ok(permit)) => match records::show(self, loaded, &permit) {
                Some(_) if self.holds_back(loaded) => Verdict::HeldBack,
                Some(seen) => Verdict::Seen(Box::new(seen)),
                None => Verdict::Not(None),
            },
            Some(Err(denied)) => Verdict::Not(Some(denied).filter(|_| no_secret && !entry.confidential)),
            None => Verdict::Not(None),
        }
    }
}

impl Exchange {
    /// A person reads one learner's records and card.
    ///
    /// # Errors
    /// [`ReadError`]; with one wording for a learner whom nobody knows, for another institution's, and for what this role
    /// may not see for this purpose. Nothing was handed out then.
    pub async fn read(
        &self,
        acting: Acting<'_>,
        ask: &ReadAsk,
        now: Timestamp,
    ) -> Result<Reading, ReadError> {
        let id = acting.speaker.id();
        if self.shared.misses.too_many(id, now) {
            self.refused(&acting.speaker.by(), "read.slowed", "");
            return Err(ReadError::TooMany);
        }
        if !self.shared.is_current() {
            self.shared.follow().await.map_err(|_| ReadError::Unavailable)?;
        }
        for _ in 0..TRIES {
            match self.read_once(acting, ask, now).await {
                Ok(Some(reading)) => return Ok(reading),
                Ok(None) => {}
                Err(error) => {
                    if let ReadError::NotAllowed(_) = error {
                        self.refused(&acting.speaker.by(), "read.refused", "");
                        if warnings::missed(&self.shared, acting.speaker, now) {
                            tracing::warn!(person = %id, "a person keeps asking for what is not theirs to read");
                        }
                    }
                    return Err(error);
                }
            }
        }
        Err(ReadError::Unavailable)
    }

    /// `None` if the directory changed, or something was erased, before the entry was durable: what was decided may not hold
    /// any more.
    async fn read_once(
        &self,
        acting: Acting<'_>,
        ask: &ReadAsk,
        now: Timestamp,
    ) -> Result<Option<Reading>, ReadError> {
        // Whoever follows a change waits until what was decided before it has left.
        let shared = self.shared.clone();
        let _leaving = shared.leaving.read().await;
        let (moment, numbers, wants) = {
            let directory = shared.directory();
            let judge = Judge::new(&directory, acting, ask, now)?;
            let card = judge.card();
            let best: Vec<Best> = ask.kinds().map(|kind| judge.at_best(kind)).collect();
            if card.is_err() && best.iter().all(|best| best.open.is_empty()) {
                return Err(NotAllowed::Denied.into());
            }
            let wants = best.iter().filter(|best| !best.open.is_empty()).map(|best| best.kind).collect();
            let presence = card.is_ok_and(|permit| permit.lets_out(card::PRESENCE));
            let wants = records::Wants::new(ask, wants, presence.then_some(judge.stands.today));
            (directory.moment(), directory.numbers_of(judge.stands.learner), wants)
        };
        let mut places = Vec::new();
        for number in numbers {
            places.extend(by_learner::sequences_of(&shared, number).await?);
        }
        places.sort_unstable();
        places.dedup();
        let loaded = find(&shared, &places, &wants).await?;
        let reading = {
            let directory = shared.directory();
            if directory.moment() != moment {
                return Ok(None);
            }
            compose(&directory, acting, ask, &loaded, now)?
        };
        let more = said(&reading, acting, ask);
        let note = move |work: &mut crate::writer::Work<'_>| {
            work.notes.push(("read.disclosed".to_owned(), more.clone()));
        };
        let by = acting.speaker.by();
        submit(&shared, &by, now, note).await.map_err(|_| ReadError::Unavailable)?;
        let directory = shared.directory();
        Ok((directory.moment() == moment).then_some(reading))
    }
}

/// Decides on everything that was found.
fn compose(
    directory: &Directory,
    acting: Acting<'_>,
    ask: &ReadAsk,
    loaded: &[Loaded],
    now: Timestamp,
) -> Result<Reading, ReadError> {
    let mut judge = Judge::new(directory, acting, ask, now)?;
    let own = loaded.iter().filter(|one| one.entry.source == judge.stands.institution);
    let groups: BTreeSet<LocalId> =
        own.filter_map(|one| one.payload.as_ref()?.circumstances.group.clone()).collect();
    judge.stands.seen_in(&groups);
    let messages = if ask.messages {
        judge.stands.seen_in(&judge.message_groups());
        judge.messages(now)
    } else {
        Vec::new()
    };
    let card = judge.card().ok().map(|permit| judge.show_card(loaded, &permit, now));
    let best: Vec<Best> = ask.kinds().map(|kind| judge.at_best(kind)).collect();
    if card.is_none() && best.iter().all(|best| best.open.is_empty()) {
        return Err(NotAllowed::Denied.into());
    }
    let mut said: BTreeMap<(RecordKind, String, bool), KindSaid> = BTreeMap::new();
    let mut say = |source: u16, says: KindSaid| {
        let key = (says.kind, says.code.clone(), says.records.is_some());
        let line = said.entry(key).or_insert(says);
        line.records = line.records.map(|count| count + 1);
        if let Some(slug) = judge.slug(source).filter(|slug| !line.sources.contains(slug)) {
            line.sources.push(slug.clone());
        }
    };
    for best in &best {
        best.shut.iter().for_each(|(source, denied)| say(*source, KindSaid::new(best.kind, denied, false)));
    }
    let hopes = |one: &&Loaded| {
        let of = (one.entry.kind, one.entry.source);
        one.asked && best.iter().any(|best| best.kind == of.0 && best.open.contains(&of.1))
    };
    let mut records = Vec::new();
    for one in loaded.iter().filter(hopes) {
        match judge.judge(one) {
            Verdict::Seen(seen) => records.push(*seen),
            Verdict::Not(Some(denied)) => say(one.entry.source, KindSaid::new(one.entry.kind, &denied, true)),
            Verdict::HeldBack => say(one.entry.source, KindSaid::held_back(one.entry.kind)),
            Verdict::Not(None) => {}
        }
    }
    if records.len() > RECORDS_MAX {
        return Err(ReadError::TooMuch(RECORDS_MAX));
    }
    records.sort_by_key(|record| (record.kind, record.date, record.sequence));
    let policy =
        directory.policies().hash().map_or_else(String::new, |hash| crate::directory::change::hex(&hash));
    let learner = judge.stands.learner;
    let zone = directory.institution(judge.stands.institution).map(|state| state.info.time_zone.clone());
    let (time_zone, not_shown) = (zone.unwrap_or_default(), said.into_values().collect());
    Ok(Reading { learner, policy, time_zone, card, records, messages, not_shown })
}

/// What the entry says: who read what of whom and by which right, and nothing of what it was.
fn said(reading: &Reading, acting: Acting<'_>, ask: &ReadAsk) -> serde_json::Value {
    let mut groups: BTreeMap<&str, u32> = BTreeMap::new();
    let (mut agreements, mut policies) = (BTreeSet::new(), BTreeSet::new());
    let mut sequences: Vec<u64> = Vec::with_capacity(reading.records.len());
    for record in &reading.records {
        *groups.entry(record.kind.as_str()).or_default() |= record.seen;
        agreements.extend(record.agreement.as_deref());
        policies.insert(record.reason.as_str());
        sequences.push(record.sequence);
    }
    if let Some(card) = &reading.card {
        // What stays with the home was not handed out.
        groups.insert("card", card::handed_out(card));
        agreements.extend(card.agreement.as_deref());
        policies.insert(card.reason.as_str());
    }
    for message in &reading.messages {
        *groups.entry(RecordKind::Behaviour.as_str()).or_default() |= message.groups;
        agreements.extend(message.agreement.as_deref());
        policies.insert(message.reason.as_str());
    }
    let (stretches, left_off) = stretches(sequences.into_iter());
    let not_held = reading.card.as_ref().map_or(&[] as &[&str], |card| card.not_held.as_slice());
    serde_json::json!({
        "role": acting.role, "purpose": ask.purpose, "institution": acting.speaker.institution(),
        "learner": reading.learner, "not_held": not_held, "kinds": groups.keys().collect::<Vec<_>>(), "groups": groups,
        "policy": reading.policy, "policies": policies, "agreements": agreements,
        "count": reading.records.len(), "messages": reading.messages.len(), "records": stretches, "stretches_left_off": left_off,
    })
}

/// Sequence numbers as stretches from one to another, and how many stretches were left off.
pub(crate) fn stretches(sequences: impl Iterator<Item = u64>) -> (Vec<(u64, u64)>, usize) {
    let mut stretches = by_learner::runs(sequences.collect());
    let left_off = stretches.len().saturating_sub(STRETCHES_MAX);
    stretches.truncate(STRETCHES_MAX);
    (stretches, left_off)
}
