//! Erasure: one learner's records, or one record, by a person of the learner's home.
//!
//! What goes is the hub's copy: payload, salt and what the hub knew the learner by in it. What the institutions hold in
//! their own systems is theirs to decide about: recipients are asked by withdrawal notices, and may answer that they must
//! keep. Records that neither were made by the home nor went to it are other controllers': an earlier home's, say. They stay,
//! and the answer says how many there are. Nothing is taken away from anybody before the entry that says so, with its reason, is durable.

use super::gone::{self, Entries, NotYet, PLACES};
use crate::{
    Exchange,
    by_learner::about,
    directory::{
        Directory,
        alerts::{RemarkId, learner_of},
        change::{Change, unhex},
        expected::{Called, NoticeHeld, Support},
        matches::MatchCase,
        messages::{Gone, Message},
        tokens::Tokens,
    },
    entry::{Entry, Payload, Payloads, RecordEntry},
    follow::{entries_at, read_what_is_left},
    matches::forget,
    messages, notices,
    office::{Acting, LawError, may},
    reading::TRIES,
    recall::{
        dirt::Dirt,
        held::{Copy, Holdings},
    },
    submit_with,
    types::NotAllowed,
    watches, whereabouts,
    withdrawal::Reason,
    writer::Work,
};
use commonroll_audit::hash::Hash;
use commonroll_core::{Invalid, LocalId, RecordId, Timestamp, directory::Registration};
use commonroll_policy::OfficeAct;
use std::{
    collections::{BTreeMap, BTreeSet},
    str::FromStr,
};

/// Entries of the directory whose payloads may say something of a learner that goes with an erasure. In older logs an alert
/// itself holds what people wrote about it.
const SAID: [&str; 19] = [
    "directory.learner",
    "directory.notice",
    "directory.support",
    "alert.remark",
    "alert.taken",
    "alert.found",
    "alert.not_found",
    "alert.over",
    "match.asked",
    "match.taken_back",
    "match.linked",
    "match.declined",
    "match.reopened",
    "match.undone",
    "match.changed",
    "match.main_said",
    "match.main_agreed",
    "match.main_taken_back",
    "match.forgotten",
];
/// What an officer is told of an id that is no learner's of theirs. Ids are those of their own system, so it says nothing of anybody
/// else's; an id that nobody declared and a guest's are one answer.
const NOT_YOURS: &str = "no learner whose home you are has this id: give the id in your own system; what the hub holds of a guest \
                         is for their home to erase";
/// Blocks in memory at once.
const BLOCKS_AT_ONCE: usize = 4;

/// What is to be erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Erasing {
    /// Every record about a learner, by the home's own id.
    Learner(LocalId),
    /// One record, in all its revisions.
    Record(RecordId),
}

/// Why. UK GDPR Article 17(1) and what comes close to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErasureReason {
    /// It is no longer needed for what it was collected for.
    NoLongerNeeded,
    /// The learner or a parent objected, and the objection was upheld.
    ObjectionUpheld,
    /// It was shared unlawfully.
    Unlawful,
    /// It is about somebody else, or wrong beyond correction.
    Wrong,
    /// A law or a court requires it.
    LegalObligation,
}

impl ErasureReason {
    /// Every reason.
    pub const ALL: [Self; 5] =
        [Self::NoLongerNeeded, Self::ObjectionUpheld, Self::Unlawful, Self::Wrong, Self::LegalObligation];

    /// Its code, as in the log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoLongerNeeded => "no_longer_needed",
            Self::ObjectionUpheld => "objection_upheld",
            Self::Unlawful => "unlawful",
            Self::Wrong => "wrong",
            Self::LegalObligation => "legal_obligation",
        }
    }
}

impl FromStr for ErasureReason {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let rule = "must be no_longer_needed, objection_upheld, unlawful, wrong or legal_obligation";
        Self::ALL.into_iter().find(|one| one.as_str() == text).ok_or(Invalid::new("reason", rule))
    }
}

/// What an erasure did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Erasure {
    /// Records and revisions whose payloads go.
    pub records: u64,
    /// Older entries of the directory about the learner whose payloads go.
    pub directory: u64,
    /// Withdrawal notices that were issued to those who hold copies.
    pub notices: u64,
    /// Copies in them.
    pub copies: u64,
    /// Records and revisions about the learner that neither were the home's own nor went to it, and that stay: those who made and
    /// received them must be asked.
    pub others: u64,
    /// True once the bytes are gone; false if the hub still has to do it, which it does by itself.
    pub done: bool,
}

/// What was found to go.
#[derive(Default, Clone)]
struct Found {
    learner: u32,
    /// The number that they have, and those under which the log speaks of them and of nobody else.
    numbers: BTreeSet<u32>,
    /// Places and commitments.
    records: Vec<(u64, Hash)>,
    directory: Vec<(u64, Hash)>,
    /// How many are other controllers' alone.
    others: u64,
    /// Newest copy of each record that each recipient was handed: place and learner.
    held: BTreeMap<u16, Vec<(u64, u32)>>,
    /// What people and partners had said when the places were looked for.
    said: Option<Said>,
}

/// What lies in payloads that go with a learner. As long as it is the same, nothing has been said that was not found.
#[derive(Clone, PartialEq)]
struct Said {
    messages: Vec<Message>,
    remarks: Vec<RemarkId>,
    called: Option<Called>,
    tokens: Tokens,
    notices: Vec<NoticeHeld>,
    support: Option<Box<Support>>,
    matches: Vec<MatchCase>,
}

impl Said {
    fn now(directory: &Directory, local: &LocalId, of: messages::Leaves<'_>) -> Option<Self> {
        let held = directory.local(of.0, local)?;
        Some(Self {
            messages: messages::going_with(directory, of),
            remarks: remarks_of(directory, of.2),
            called: held.called.clone(),
            tokens: held.tokens.clone(),
            notices: held.notices.clone(),
            support: held.support.clone(),
            matches: forget::naming(directory, of.0, local),
        })
    }
}

impl Exchange {
    /// Erases payloads and salts of a learner's records, or of one record, from the hub; the person's institution must be the
    /// learner's home. The entry is durable before anything goes, and in force on every stream when the call returns.
    ///
    /// `recall` also asks whoever holds copies to remove them. `forget` also takes out what the hub matches the learner by
    /// at the home, and what people said of matches with guests elsewhere; only for somebody who is placed nowhere.
    pub async fn erase(
        &self,
        acting: Acting<'_>,
        what: &Erasing,
        reason: ErasureReason,
        (recall, forget): (bool, bool),
        now: Timestamp,
    ) -> Result<Erasure, LawError> {
        let own = acting.speaker.institution().clone();
        let allowed = may(&self.shared.directory(), acting, OfficeAct::Erase, Some(&own), false);
        let _permit = allowed.inspect_err(|_| self.act_refused(acting, OfficeAct::Erase))?;
        let of = match what {
            Erasing::Learner(local) => Some(local.clone()),
            Erasing::Record(_) => None,
        };
        let forgotten = of.clone().filter(|_| forget);
        for _ in 0..TRIES {
            let found = self.find(acting, what, forgotten.is_some(), now).await?;
            let done = self.take_out(acting, (&of, &forgotten), &found, (reason, recall), now).await?;
            if let Some(done) = done {
                return Ok(done);
            }
        }
        Err(LawError::Unavailable)
    }

    /// `None` if something was said of the learner after the look for what has to go: it has to be looked for again.
    async fn take_out(
        &self,
        acting: Acting<'_>,
        (of, forgotten): (&Option<LocalId>, &Option<LocalId>),
        found: &Found,
        (reason, recall): (ErasureReason, bool),
        now: Timestamp,
    ) -> Result<Option<Erasure>, LawError> {
        let own = acting.speaker.institution().clone();
        if found.records.is_empty() && found.directory.is_empty() && forgotten.is_none() {
            return Ok(Some(Erasure {
                records: 0,
                directory: 0,
                notices: 0,
                copies: 0,
                others: found.others,
                done: true,
            }));
        }
        let held = if recall { found.held.clone() } else { BTreeMap::new() };
        let (actor, number) = (acting.owned(), acting.speaker.number);
        let records = found.records.len() as u64;
        let planned = self.law(acting, OfficeAct::Erase, now, {
            let (found, own, of, forgotten) = (found.clone(), own.clone(), of.clone(), forgotten.clone());
            move |work, now| {
                let directory = &*work.planner.directory;
                let permit = may(directory, actor.acting(), OfficeAct::Erase, Some(&own), false)?;
                let home = directory.home_of(found.learner).is_some_and(|(home, _)| *home == number);
                if !home {
                    return Err(NotAllowed::Denied.into());
                }
                let leaves = (number, found.learner, &found.numbers);
                if of.as_ref().is_some_and(|local| Said::now(directory, local, leaves) != found.said) {
                    return Ok(None);
                }
                let mut more = actor.speaker.more(actor.role);
                more["rules"] = permit.reason().into();
                more["reason"] = reason.as_str().into();
                more["learner"] = found.learner.into();
                gone::plan(work, &found.records, true, &more, now);
                if let Some(local) = &forgotten {
                    placed_nowhere(work.planner.directory, number, local, now)?;
                }
                if let Some(local) = &of {
                    work.more = more.clone();
                    work.planner.forget_expected(number, local);
                    forget_messages(work, leaves);
                    forget_remarks(work, &found.numbers);
                    whereabouts::codes_forget(work, number, local);
                    watches::forget(work, number, local, now);
                    match &forgotten {
                        Some(local) => {
                            forget::forget(work, number, local, now);
                            forget_learner(work, number, local);
                        }
                        None => forget_name(work, number, local),
                    }
                    gone::plan(work, &found.directory, true, &more, now.plus_micros(1));
                }
                let before = work.outgoing.len();
                for (recipient, of) in &held {
                    let issued = notices::issue(work.planner.directory, *recipient, Reason::Erased, of, now);
                    work.outgoing.extend(issued);
                }
                let copies: usize = held.values().map(Vec::len).sum();
                Ok(Some(((work.outgoing.len() - before) as u64, copies as u64)))
            }
        });
        let Some((notices, copies)) = planned.await? else { return Ok(None) };
        let done = super::finish(&self.shared, now).await;
        let (directory, others) = (found.directory.len() as u64, found.others);
        Ok(Some(Erasure { records, directory, notices, copies, others, done }))
    }

    /// What is to go, and who holds it.
    async fn find(
        &self,
        acting: Acting<'_>,
        what: &Erasing,
        forget: bool,
        now: Timestamp,
    ) -> Result<Found, LawError> {
        let unavailable = |_: NotYet| LawError::Unavailable;
        let denied = || {
            self.act_refused(acting, OfficeAct::Erase);
            match what {
                Erasing::Learner(_) => LawError::State(NOT_YOURS),
                Erasing::Record(_) => LawError::from(NotAllowed::Denied),
            }
        };
        let own = acting.speaker.number;
        let learner = match what {
            Erasing::Learner(local) => self.shared.directory().local(own, local).and_then(|l| l.learner),
            Erasing::Record(id) => self.about(*id).await.map_err(unavailable)?,
        };
        let is_home =
            |learner: &u32| self.shared.directory().home_of(*learner).is_some_and(|(home, _)| *home == own);
        let learner = learner.filter(is_home).ok_or_else(denied)?;
        let numbers: Vec<u32> = self.shared.directory().numbers_of(learner).into_iter().collect();
        let (candidates, mut holdings) = self.held_of(&numbers).await.map_err(unavailable)?;
        // What the home was told under the number that its learner has now, it was told as about them.
        let mut numbers_said = self.shared.directory().numbers_of_nobody_else(learner);
        numbers_said.insert(learner);
        let mut found = Found { learner, numbers: numbers_said, ..Found::default() };
        let is_it = |id: &RecordId| match what {
            Erasing::Record(one) => one == id,
            Erasing::Learner(_) => true,
        };
        let mut ids = Vec::new();
        for some in candidates.chunks(BLOCKS_AT_ONCE) {
            for (seq, entry) in self.still_there(some, learner).await.map_err(unavailable)? {
                if !is_it(&entry.id) {
                    continue;
                }
                let sent_again = || {
                    let of =
                        holdings.records.get(&entry.id).map_or(&[] as &[Copy], |of| of.copies.as_slice());
                    of.iter().any(|copy| copy.seq == seq && copy.recipient == own)
                };
                if entry.concerns(own) || sent_again() {
                    found.records.push((seq, entry.root));
                    ids.push(entry.id);
                } else {
                    // An earlier home's, or a host's own: another controller answers for it.
                    found.others += 1;
                }
            }
        }
        ids.sort_unstable();
        ids.dedup();
        let handed: BTreeMap<u16, u64> = {
            let directory = self.shared.directory();
            let institutions = (0..).zip(directory.institutions());
            institutions.map(|(number, _)| (number, self.shared.handed(&directory, number))).collect()
        };
        let mut held: BTreeMap<u16, Vec<(u64, u32)>> = BTreeMap::new();
        found.records.sort_unstable();
        for record in ids.iter().filter_map(|id| holdings.records.remove(id)) {
            let mut newest: BTreeMap<u16, (u64, u64, u32)> = BTreeMap::new();
            let goes = |copy: &Copy| found.records.binary_search_by_key(&copy.seq, |(seq, _)| *seq).is_ok();
            let was_handed =
                |copy: &Copy| goes(copy) && copy.place < handed.get(&copy.recipient).copied().unwrap_or(0);
            for copy in record.copies.iter().filter(|copy| was_handed(copy)) {
                let held = newest.entry(copy.recipient).or_default();
                *held = (*held).max((copy.seq, copy.place, copy.learner));
            }
            for (recipient, (seq, _, learner)) in newest {
                held.entry(recipient).or_default().push((seq, learner));
            }
        }
        held.values_mut().for_each(|of| of.sort_unstable());
        found.held = held;
        if let Erasing::Learner(local) = what {
            let every = numbers.iter().copied().collect();
            (found.said, found.others) = {
                let (local, alone, others) = (local.clone(), found.numbers.clone(), found.others);
                // In the writer's turn, so that all of it has been read, whichever node took it in.
                let look = move |work: &mut Work<'_>| {
                    let (directory, of) = (&*work.planner.directory, (own, learner, &alone));
                    let stay = messages::staying(directory, of, &every);
                    (Said::now(directory, &local, of), others + stay)
                };
                let by = acting.speaker.by();
                submit_with(&self.shared, &by, now, look).await.map_err(|_| LawError::Unavailable)?
            };
            let notes = self.declared().await.map_err(unavailable)?;
            let mut places = notes;
            for number in &numbers {
                let said = messages::places_of(&self.shared, *number).await.map_err(unavailable)?;
                places.extend(said.into_iter().map(|(seq, ..)| seq));
                let codes = whereabouts::codes_at(&self.shared, *number).await.map_err(unavailable)?;
                places.extend(codes.into_iter().map(|(seq, ..)| seq));
            }
            places.sort_unstable();
            places.dedup();
            let of = Of { own, id: local, learner, numbers: &found.numbers, all: forget };
            found.directory = self.said_of(&places, of).await.map_err(unavailable)?;
        }
        Ok(found)
    }

    /// Whom a record is about, by its newest revision.
    async fn about(&self, id: RecordId) -> Result<Option<u32>, NotYet> {
        let rows = self.shared.store.newest(&[id.0]).await.map_err(|_| NotYet)?;
        let Some(row) = rows.into_iter().flatten().next() else { return Ok(None) };
        let blocks = self.shared.store.block_of(&[row.seq], true).await.map_err(|_| NotYet)?;
        let Some(block) = blocks.into_iter().next() else { return Ok(None) };
        let records = read_what_is_left(block, [row.seq].into_iter()).map_err(|_| NotYet)?;
        Ok(records.first().and_then(|record| {
            let directory = self.shared.directory();
            directory.local(record.entry.source, &record.circumstances.learner).and_then(|l| l.learner)
        }))
    }

    /// Places of record entries about these numbers, and who holds what of them, as the log tells it.
    pub(crate) async fn held_of(&self, numbers: &[u32]) -> Result<(Vec<u64>, Holdings), NotYet> {
        let (mut records, mut all) = (Vec::new(), Vec::new());
        for number in numbers {
            let about = about(&self.shared, *number).await.map_err(|_| NotYet)?;
            all.extend(about.all());
            records.extend(about.records);
        }
        for places in [&mut records, &mut all] {
            places.sort_unstable();
            places.dedup();
        }
        let (dirt, mut holdings) = (Dirt::of_learners(numbers.iter().copied()), Holdings::default());
        for some in all.chunks(PLACES) {
            let entries = entries_at(self.shared.store.as_ref(), some).await.map_err(|_| NotYet)?;
            let directory = self.shared.directory();
            for (seq, bytes) in entries {
                holdings.read(seq, &bytes, &dirt, (0, 1), &directory).map_err(|_| NotYet)?;
            }
        }
        Ok((records, holdings))
    }

    /// Places of the directory's entries about learners.
    async fn declared(&self) -> Result<Vec<u64>, NotYet> {
        let mut entries = Entries { shared: &self.shared, next: 0, end: self.shared.frontier().size() };
        let mut found = Vec::new();
        let is_it = |bytes: &[u8]| {
            !Entry::is_record(bytes)
                && matches!(Entry::decode(bytes), Ok(Entry::Note(note)) if SAID.contains(&note.what.as_str()))
        };
        while entries.some(|seq, bytes| found.extend(is_it(bytes).then_some(seq))).await? {}
        Ok(found)
    }

    /// Of some places, those that still hold something of a record about the learner.
    pub(crate) async fn still_there(
        &self,
        seqs: &[u64],
        learner: u32,
    ) -> Result<Vec<(u64, RecordEntry)>, NotYet> {
        let mut found = Vec::new();
        for block in self.shared.store.block_of(seqs, true).await.map_err(|_| NotYet)? {
            let inside = block.first_seq..block.end();
            let here: Vec<u64> = seqs.iter().copied().filter(|seq| inside.contains(seq)).collect();
            let records = read_what_is_left(block, here.into_iter()).map_err(|_| NotYet)?;
            let directory = self.shared.directory();
            for record in records {
                // Whoever is known and matched with nobody, because people took a match apart, say, isn't the learner.
                let local = directory.local(record.entry.source, &record.circumstances.learner);
                if local.map_or(Some(record.entry.learner), |local| local.learner) == Some(learner) {
                    found.push((record.seq, record.entry));
                }
            }
        }
        Ok(found)
    }

    /// Places of the directory's entries about one learner of an institution, with their commitments: those that hold a
    /// name, a notice, a support note, a message, a session code, a remark on an alert or what was said of a match.
    async fn said_of(&self, notes: &[u64], of: Of<'_>) -> Result<Vec<(u64, Hash)>, NotYet> {
        let mut found = Vec::new();
        for some in notes.chunks(BLOCKS_AT_ONCE) {
            for block in self.shared.store.block_of(some, true).await.map_err(|_| NotYet)? {
                let Some(payloads) = block.payloads else { continue };
                let payloads = Payloads::decode(payloads).map_err(|_| NotYet)?;
                let entries = crate::entry::split_entries(&block.entries).map_err(|_| NotYet)?;
                for (place, bytes) in entries.iter().enumerate() {
                    let seq = block.first_seq + place as u64;
                    let (true, Ok(Entry::Note(note))) = (some.contains(&seq), Entry::decode(bytes)) else {
                        continue;
                    };
                    if let Payload::Change { change, .. } = payloads.get(place).map_err(|_| NotYet)?
                        && of.is_in(&change, &self.shared.directory())
                    {
                        found.push((seq, unhex(&note.payload).unwrap_or_default()));
                    }
                }
            }
        }
        Ok(found)
    }
}

/// True if a change holds what somebody wrote about a learner who was looked for.
fn wrote_of(change: &Change, numbers: &BTreeSet<u32>) -> bool {
    let of = |id| learner_of(id).is_some_and(|learner| numbers.contains(&learner));
    match change {
        Change::Remark { remark } => of(remark.of.alert),
        Change::Alert { alert } => alert.has_words() && of(alert.id),
        _ => false,
    }
}

/// An institution's learner who is erased: by its id and by the hub's number; with `all` the keyed hashes and matches go, too.
#[derive(Clone, Copy)]
struct Of<'a> {
    own: u16,
    id: &'a LocalId,
    learner: u32,
    numbers: &'a BTreeSet<u32>,
    all: bool,
}

impl Of<'_> {
    /// True if a change holds something about them that goes with the erasure.
    fn is_in(&self, change: &Change, directory: &Directory) -> bool {
        let is_it = |institution: u16, local: &LocalId| institution == self.own && local == self.id;
        match change {
            Change::Learner { institution, local, called, .. } => {
                is_it(*institution, local) && (self.all || called.is_some())
            }
            Change::Told { institution, said: Some(said), .. } => is_it(*institution, &said.learner),
            Change::Support { institution, local, said: Some(_) } => is_it(*institution, local),
            Change::Codes { session } => whereabouts::codes_name(session, self.own, self.id),
            Change::Message { message } => {
                messages::goes_with(directory, message, (self.own, self.learner, self.numbers))
            }
            Change::Match { case } => self.all && forget::goes_with(directory, case, (self.own, self.id)),
            _ => wrote_of(change, self.numbers),
        }
    }
}

/// Forgetting somebody whom partners are to teach would make their records stop.
fn placed_nowhere(directory: &Directory, own: u16, id: &LocalId, now: Timestamp) -> Result<(), LawError> {
    let (Some(local), Some(state)) = (directory.local(own, id), directory.institution(own)) else {
        return Err(NotAllowed::Denied.into());
    };
    let today = now.date_in(&state.zone);
    let open = |side: &crate::directory::Side| {
        !side.hosting && side.dates.last() >= today && side.ended.is_none_or(|end| end > now)
    };
    match local.sides.iter().any(open) {
        true => Err(LawError::State("the learner is placed with a partner; end the placements first")),
        false => Ok(()),
    }
}

/// What was told and answered goes: nothing is left of it but its entries.
fn forget_messages(work: &mut Work<'_>, of: messages::Leaves<'_>) {
    for message in messages::going_with(work.planner.directory, of) {
        work.planner.make(Change::MessageGone { id: message.id, why: Gone::Erased });
    }
}

/// What people wrote when a learner was looked for.
fn remarks_of(directory: &Directory, numbers: &BTreeSet<u32>) -> Vec<RemarkId> {
    let of = |id| learner_of(id).is_some_and(|learner| numbers.contains(&learner));
    directory.alerts().remarks().map(|remark| remark.of).filter(|one| of(one.alert)).collect()
}

/// It goes, whoever wrote it; that the learner was looked for stays.
fn forget_remarks(work: &mut Work<'_>, numbers: &BTreeSet<u32>) {
    let remarks = remarks_of(work.planner.directory, numbers);
    let alerts = work.planner.directory.alerts();
    let of = |id| learner_of(id).is_some_and(|learner| numbers.contains(&learner));
    let older: Vec<_> = alerts.all().filter(|alert| alert.has_words() && of(alert.id)).cloned().collect();
    if !remarks.is_empty() {
        work.planner.make(Change::Forgotten { alerts: Vec::new(), remarks });
    }
    for mut alert in older {
        alert.forget_words();
        work.planner.make(Change::Alert { alert: Box::new(alert) });
    }
}

/// The name goes; what the hub matches the learner by, as keyed hashes, stays, and so do the placements.
fn forget_name(work: &mut Work<'_>, institution: u16, local: &LocalId) {
    let Some(held) = work.planner.directory.local(institution, local).cloned() else { return };
    if held.called.is_none() {
        return;
    }
    work.planner.make(Change::Learner {
        institution,
        local: local.clone(),
        registration: held.registration,
        learner: held.learner,
        contested: held.contested,
        approved: held.approved,
        tokens: held.tokens,
        was: held.was,
        called: None,
        since: held.since,
        doubt: held.doubt,
    });
}

/// What the hub matches a learner by goes; that the home once had somebody under this id stays.
fn forget_learner(work: &mut Work<'_>, institution: u16, local: &LocalId) {
    let Some(held) = work.planner.directory.local(institution, local) else { return };
    let registration: Registration = held.registration;
    work.planner.make(Change::Learner {
        institution,
        local: local.clone(),
        registration,
        learner: None,
        contested: false,
        approved: false,
        tokens: Tokens::default(),
        was: Vec::new(),
        called: None,
        since: None,
        doubt: None,
    });
}
