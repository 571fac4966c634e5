//! Why a decision comes out as it does: this person or institution, this record, now.
//!
//! The same facts are gathered as for reading and for delivery, and the policies are asked with words instead of without.
//! An answer holds no payload and no name, and is only about learners and people of the asker's own institution. Asking is
//! an entry, durable before the answer is given.

mod words;

use crate::{
    Exchange, by_learner,
    decide::{self, Subject},
    directory::Directory,
    entry::{Entry, RecordEntry},
    follow::entries_at,
    office::{Acting, may},
    questions::AskError,
    reading::{Judge, Loaded, ReadAsk, Wants, find},
    submit,
    types::{GroupState, NotAllowed},
};
use commonroll_core::{
    LocalId, PersonId, Purpose, RecordId, RecordKind, Role, SchoolDate, Slug, Timestamp, agreement::ItemKind,
};
use commonroll_policy::{
    Action, AgreementInForce, CARD_GROUPS, Explanation, Matter, OfficeAct, Policy, Question,
};
use words::Words;

/// Records of one answer at most.
const RECORDS_MAX: usize = 50;

/// Whose need to know is asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whom {
    /// A person of the asker's institution.
    Person {
        /// Who.
        id: PersonId,
        /// In which role.
        role: Role,
        /// For which purpose.
        purpose: Purpose,
    },
    /// An institution's own system.
    Institution(Slug),
}

/// What it is about.
#[derive(Clone, PartialEq, Eq)]
pub enum Which {
    /// The record of an entry, counted from 1.
    Sequence(u64),
    /// The newest revision of a record.
    Record(RecordId),
    /// What there is, or would be, of a kind for a learner of the asker's institution on a date.
    Day {
        /// By the asker's institution's own id.
        learner: LocalId,
        /// Which kind.
        kind: RecordKind,
        /// Which day.
        date: SchoolDate,
    },
    /// A learner's card, by the asker's institution's own id.
    Card(LocalId),
}

impl std::fmt::Debug for Which {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Which(..)")
    }
}

/// A rule that decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleSaid {
    /// Its id.
    pub id: String,
    /// The file that it stands in.
    pub file: String,
    /// The line of its id, from 1.
    pub line: u32,
    /// What it says in plain words.
    pub says: String,
}

/// A field group, or a part of a card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupSaid {
    /// Its number.
    pub number: u32,
    /// Its name.
    pub name: &'static str,
    /// True if it may be seen.
    pub open: bool,
    /// Why not, and who can change it.
    pub why: &'static str,
}

/// One decision, explained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// The record's entry, from 1; `None` for a card, and where there is no such record.
    pub sequence: Option<u64>,
    /// Kind of record; `None` for a card.
    pub kind: Option<RecordKind>,
    /// Who made it, or would have.
    pub source: Option<Slug>,
    /// School date.
    pub date: Option<SchoolDate>,
    /// Whether it may be seen, or handed over.
    pub allowed: bool,
    /// Stable code of a no; `allowed` else.
    pub code: String,
    /// In words.
    pub reason: String,
    /// The rules that decided.
    pub rules: Vec<RuleSaid>,
    /// Which placement it rests on, or what of it is missing.
    pub placement: String,
    /// The agreement that it rests on, with its version, or why there is none.
    pub agreement: String,
    /// Field groups, each with why it is withheld.
    pub groups: Vec<GroupSaid>,
    /// Everything that is missing and who can change it.
    pub missing: Vec<String>,
    /// Hash of the set in force, in hexadecimal.
    pub policy: String,
}

/// The learner and records that an answer is about.
struct Found {
    local: LocalId,
    learner: u32,
    records: Vec<Loaded>,
}

impl Exchange {
    /// Explains what is decided now, for whoever may see decisions of their institution.
    ///
    /// # Errors
    /// [`AskError`], with one wording for what is not the asker's to know and what nobody knows, and for whoever has asked
    /// for too much of it lately.
    pub async fn explain(
        &self,
        acting: Acting<'_>,
        whom: &Whom,
        which: &Which,
        now: Timestamp,
    ) -> Result<Vec<Explained>, AskError> {
        let id = acting.speaker.id();
        if self.shared.misses.too_many(id, now) {
            self.refused(&acting.speaker.by(), "read.slowed", "");
            return Err(AskError::Slowed);
        }
        let explained = self.explained(acting, whom, which, now).await;
        if let Err(AskError::NotAllowed(_)) = explained {
            self.refused(&acting.speaker.by(), "act.refused", OfficeAct::SeeDecisions.as_str());
            if crate::warnings::missed(&self.shared, acting.speaker, now) {
                tracing::warn!(person = %id, "a person keeps asking about what is not theirs to know");
            }
        }
        explained
    }

    async fn explained(
        &self,
        acting: Acting<'_>,
        whom: &Whom,
        which: &Which,
        now: Timestamp,
    ) -> Result<Vec<Explained>, AskError> {
        {
            let directory = self.shared.directory();
            let own = acting.speaker.institution();
            let _permit = may(&directory, acting, OfficeAct::SeeDecisions, Some(own), false)?;
            known(&directory, acting, whom)?;
        }
        let found = self.found_for(acting, which).await?;
        let learner = found.learner;
        let explained = {
            let directory = self.shared.directory();
            let policy = directory.policies().set().ok_or(NotAllowed::Denied)?;
            let case = Case { directory: &directory, policy, acting, whom, found: &found, now };
            case.explain(which)?
        };
        let about = serde_json::json!({
            "learner": learner, "whom": said(whom), "decisions": explained.len(),
            "records": explained.iter().filter_map(|one| one.sequence).collect::<Vec<_>>(),
        });
        let more = serde_json::json!({
            "question": "explain", "about": about, "asker": acting.speaker.more(acting.role),
        });
        let note = move |work: &mut crate::writer::Work<'_>| {
            work.notes.push(("audit.asked".to_owned(), more.clone()));
        };
        submit(&self.shared, &acting.speaker.by(), now, note).await.map_err(|_| AskError::Unavailable)?;
        Ok(explained)
    }

    /// Finds the learner and the records, if they are the asker's institution's to speak of.
    async fn found_for(&self, acting: Acting<'_>, which: &Which) -> Result<Found, AskError> {
        let own = acting.speaker.number;
        let (local, learner, kind, date, places) = match which {
            Which::Card(local) => (local.clone(), self.own_learner(own, local)?, None, None, Vec::new()),
            Which::Day { learner: local, kind, date } => {
                let learner = self.own_learner(own, local)?;
                let mut places = Vec::new();
                let numbers = self.shared.directory().numbers_of(learner);
                for number in numbers {
                    let more = by_learner::sequences_of(&self.shared, number).await;
                    places.extend(more.map_err(|_| AskError::Unavailable)?);
                }
                places.sort_unstable();
                places.dedup();
                (local.clone(), learner, Some(*kind), Some(*date), places)
            }
            Which::Sequence(sequence) => {
                let seq = sequence.checked_sub(1).ok_or(NotAllowed::Denied)?;
                let (entry, local, learner) = self.own_record(own, seq).await?;
                (local, learner, Some(entry.kind), SchoolDate::from_days(entry.id.days()), vec![seq])
            }
            Which::Record(id) => {
                let row = self.shared.store.newest(&[id.0]).await.map_err(|_| AskError::Unavailable)?;
                let seq = row.first().copied().flatten().ok_or(NotAllowed::Denied)?.seq;
                let (entry, local, learner) = self.own_record(own, seq).await?;
                (local, learner, Some(entry.kind), SchoolDate::from_days(entry.id.days()), vec![seq])
            }
        };
        let mut records = Vec::new();
        if let (Some(kind), Some(_)) = (kind, date) {
            let mut ask = ReadAsk::about(local.clone(), Purpose::Administration);
            (ask.dates, ask.kinds) = ((date, date), vec![kind]);
            ask.older = matches!(which, Which::Sequence(_));
            let wants = Wants::new(&ask, vec![kind], None);
            records = find(&self.shared, &places, &wants).await.map_err(|_| AskError::Unavailable)?;
        }
        {
            let directory = self.shared.directory();
            let home = directory.home_of(learner).is_some_and(|(home, _)| *home == own);
            // Of what others made about a visitor, not even the number is a host's to know; nor is anything of whom a
            // mistaken match was about, or of what was made confidential since.
            records.retain(|one| {
                (home || one.entry.source == own)
                    && about(&directory, one) == Some(learner)
                    && !directory.copies().is_hidden(one.entry.id, one.entry.revision)
            });
        }
        if records.is_empty() && matches!(which, Which::Sequence(_) | Which::Record(_)) {
            return Err(NotAllowed::Denied.into());
        }
        if records.len() > RECORDS_MAX {
            return Err(AskError::TooMuch(RECORDS_MAX));
        }
        Ok(Found { local, learner, records })
    }

    /// The hub's number of a learner whom the institution knows.
    fn own_learner(&self, own: u16, local: &LocalId) -> Result<u32, NotAllowed> {
        let directory = self.shared.directory();
        directory.local(own, local).and_then(|local| local.learner).ok_or(NotAllowed::Denied)
    }

    /// The record at a place, if it is about a learner of the institution and no secret to it.
    async fn own_record(&self, own: u16, seq: u64) -> Result<(RecordEntry, LocalId, u32), AskError> {
        let entries = entries_at(self.shared.store.as_ref(), &[seq]).await;
        let entries = entries.map_err(|_| AskError::Unavailable)?;
        let bytes = entries.first().map(|(_, bytes)| bytes).ok_or(NotAllowed::Denied)?;
        let Ok(Entry::Record(entry)) = Entry::decode(bytes) else { return Err(NotAllowed::Denied.into()) };
        let everything = Wants::everything(1);
        let loaded = find(&self.shared, &[seq], &everything).await.map_err(|_| AskError::Unavailable)?;
        let directory = self.shared.directory();
        let now = loaded.first().and_then(|one| about(&directory, one)).ok_or(NotAllowed::Denied)?;
        let local = directory.local_ids(own, &[now]).remove(&now);
        let local = local.ok_or(NotAllowed::Denied)?;
        let learner = directory.local(own, &local).and_then(|held| held.learner).ok_or(NotAllowed::Denied)?;
        let home = directory.home_of(learner).is_some_and(|(home, _)| *home == own);
        if !home && entry.source != own {
            return Err(NotAllowed::Denied.into());
        }
        Ok((entry, local, learner))
    }
}

/// Whom a record is about by today's matches; where its content is gone, by those of the day it was published.
fn about(directory: &Directory, loaded: &Loaded) -> Option<u32> {
    let Some(record) = &loaded.payload else { return Some(loaded.entry.learner) };
    let of = &record.circumstances;
    directory.placed(loaded.entry.source, &of.learner, of.date, of.at, of.group.as_ref()).learner
}

/// A person of the asker's institution, or a partner.
fn known(directory: &Directory, acting: Acting<'_>, whom: &Whom) -> Result<(), NotAllowed> {
    let known = match whom {
        Whom::Person { id, .. } => {
            directory.person(*id).is_some_and(|person| person.institution == acting.speaker.number)
        }
        Whom::Institution(slug) => directory.number_of(slug).is_some(),
    };
    if known { Ok(()) } else { Err(NotAllowed::Denied) }
}

fn said(whom: &Whom) -> serde_json::Value {
    match whom {
        Whom::Person { id, role, purpose } => {
            serde_json::json!({ "person": id.to_string(), "role": role, "purpose": purpose })
        }
        Whom::Institution(slug) => serde_json::json!({ "institution": slug }),
    }
}

/// Whether a record is placed, confidential, and taught by the person.
type Relation = (bool, bool, bool);

/// What the policies say, the groups that they would let out if the agreement listed all, and what it lists.
type Told = (Explanation, u32, words::Listed);

/// One question, with everything that it is answered from.
struct Case<'a> {
    directory: &'a Directory,
    policy: &'a Policy,
    acting: Acting<'a>,
    whom: &'a Whom,
    found: &'a Found,
    now: Timestamp,
}

impl Case<'_> {
    fn explain(&self, which: &Which) -> Result<Vec<Explained>, NotAllowed> {
        match self.whom {
            Whom::Person { id, role, purpose } => self.person(which, *id, *role, *purpose),
            Whom::Institution(slug) => self.institution(which, slug),
        }
    }

    fn person(
        &self,
        which: &Which,
        id: PersonId,
        role: Role,
        purpose: Purpose,
    ) -> Result<Vec<Explained>, NotAllowed> {
        let words = Words::new(self.directory, self.policy, self.found.learner);
        if self.directory.in_role(id, role).is_err() {
            return Ok(vec![words.not_in_role()]);
        }
        let speaker = self.directory.person_speaker(id)?;
        let ask = ReadAsk::about(self.found.local.clone(), purpose);
        let acting = Acting { speaker: &speaker, role };
        let mut judge = Judge::new(self.directory, acting, &ask, self.now)?;
        let own = self.found.records.iter().filter(|one| one.entry.source == self.acting.speaker.number);
        let groups = own.filter_map(|one| one.payload.as_ref()?.circumstances.group.clone()).collect();
        judge.stands.seen_in(&groups);
        let stands = &judge.stands;
        let pair = |source: u16| stands.home.map(|home| (source, home));
        if let Which::Card(_) = which {
            let facts = judge.card_facts();
            let mut all = facts;
            all.agreement = facts.agreement.map(everything);
            let told = self.policy.explain_person(&judge.question(Matter::Card(facts)));
            let ceiling = self.policy.decide_person(&judge.question(Matter::Card(all)));
            let ceiling = ceiling.map_or(0, |permit| permit.groups());
            let listed = words.listed(pair(stands.institution), ItemKind::Card, Some(role), stands.today);
            let place = words.placed_here(stands.placed_here, stands.is_home());
            return Ok(vec![words.explained(&told, (CARD_GROUPS, ceiling, u32::MAX), &listed, place)]);
        }
        let one = |source: u16, kind: RecordKind, relation: Relation| {
            let facts = judge.facts(source, kind, relation)?;
            let mut all = facts;
            all.agreement = facts.agreement.map(everything);
            let told = self.policy.explain_person(&judge.question(Matter::Record(facts)));
            let ceiling = self.policy.decide_person(&judge.question(Matter::Record(all)));
            let ceiling = ceiling.map_or(0, |permit| permit.groups());
            let listed = words.listed(pair(source), ItemKind::Record(kind), Some(role), stands.today);
            Some((told, ceiling, listed))
        };
        let relation = |loaded: &Loaded| judge.relation(loaded);
        let teaches = !stands.teaches.is_empty();
        let imagined = |source: u16, placed| (placed, false, teaches && source == stands.institution);
        let said = self.each(which, &words, &relation, &imagined, &one);
        // What didn't reach the home is not read there; nor could anything be that isn't there yet.
        let waits = |said: &Explained| {
            let of = |one: &&Loaded| Some(one.seq + 1) == said.sequence;
            let record = self.found.records.iter().find(of);
            let elsewhere = said.source.as_ref() != Some(speaker.institution());
            record.map_or(stands.is_home() && elsewhere, |one| judge.holds_back(one))
        };
        Ok(said.into_iter().map(|one| if waits(&one) { words.unlocked(one) } else { one }).collect())
    }

    fn institution(&self, which: &Which, slug: &Slug) -> Result<Vec<Explained>, NotAllowed> {
        let words = Words::new(self.directory, self.policy, self.found.learner).flowing();
        let home = self.directory.home_of(self.found.learner).map(|(home, _)| *home);
        let recipient = self.directory.number_of(slug).ok_or(NotAllowed::Denied)?;
        let home_state = home.and_then(|home| self.directory.institution(home));
        let zone = home_state.or_else(|| self.directory.institution(self.acting.speaker.number));
        let today = self.now.date_in(&zone.ok_or(NotAllowed::Denied)?.zone);
        if let Which::Card(_) = which {
            return Ok(vec![words.no_card()]);
        }
        let one = |source: u16, kind: RecordKind, (placed, confidential, _): Relation| {
            let agreement = home.and_then(|home| self.directory.agreement(source, home, kind, today));
            let question = Question {
                action: if source == recipient { Action::Publish } else { Action::Receive },
                actor: slug,
                source: &self.directory.institution(source)?.info.slug,
                kind,
                home: home_state.map(|state| &state.info.slug),
                placed,
                agreement: agreement.map(|(terms, groups)| AgreementInForce {
                    id: &terms.id,
                    version: terms.version,
                    groups,
                }),
                confidential,
            };
            let all = Question { agreement: question.agreement.map(everything), ..question };
            let ceiling = self.policy.decide(&all).map_or(0, |permit| permit.groups());
            let listed = words.listed(home.map(|home| (source, home)), ItemKind::Record(kind), None, today);
            Some((self.policy.explain(&question), ceiling, listed))
        };
        let relation = |loaded: &Loaded| {
            let of = loaded.payload.as_ref().map(|record| &record.circumstances)?;
            let subject = Subject {
                source: loaded.entry.source,
                kind: loaded.entry.kind,
                confidential: loaded.entry.confidential,
                corrects: loaded.entry.corrects(),
                circumstances: of,
            };
            let placed = decide::place(self.directory, &subject);
            let same = placed.learner == Some(self.found.learner);
            same.then_some((placed.in_force, loaded.entry.confidential, false))
        };
        let said = self.each(which, &words, &relation, &|_, placed| (placed, false, false), &one);
        // What is corrected or taken back flows whatever is locked.
        let corrects = |said: &Explained| {
            let mut records = self.found.records.iter();
            records.any(|one| Some(one.seq + 1) == said.sequence && one.entry.corrects())
        };
        let said = said.into_iter().map(|one| if corrects(&one) { one } else { words.unlocked(one) });
        Ok(said.collect())
    }

    /// Every record that was found; or, where there is none, what would be decided if there were one.
    fn each(
        &self,
        which: &Which,
        words: &Words<'_>,
        relation: &dyn Fn(&Loaded) -> Option<Relation>,
        imagined: &dyn Fn(u16, bool) -> Relation,
        one: &dyn Fn(u16, RecordKind, Relation) -> Option<Told>,
    ) -> Vec<Explained> {
        let mut explained = Vec::new();
        for loaded in &self.found.records {
            let (source, kind) = (loaded.entry.source, loaded.entry.kind);
            let Some(of) = relation(loaded) else {
                explained.push(words.somebody_else(loaded));
                continue;
            };
            let open = loaded.payload.as_ref().map_or(0, |record| {
                let open = record.groups.iter().filter(|g| matches!(g.state, GroupState::Open { .. }));
                open.filter(|group| group.number < 32).fold(0, |mask, group| mask | 1 << group.number)
            });
            let Some((told, ceiling, listed)) = one(source, kind, of) else { continue };
            let circumstances = loaded.payload.as_ref().map(|record| &record.circumstances);
            let local = circumstances.map(|of| of.learner.clone()).or_else(|| words.local_at(source));
            let place = words.placement(source, local.as_ref(), of.0);
            let said = words.explained(&told, (kind.groups(), ceiling, open), &listed, place);
            explained.push(words.of_record(said, loaded));
        }
        if let (Which::Day { kind, date, .. }, true) = (which, explained.is_empty()) {
            for source in self.sources() {
                let local = words.local_at(source);
                let placed = local
                    .as_ref()
                    .is_some_and(|local| self.directory.placed(source, local, *date, None, None).in_force);
                let of = imagined(source, placed);
                let Some((told, ceiling, listed)) = one(source, *kind, of) else { continue };
                let place = words.placement(source, local.as_ref(), placed);
                let said = words.explained(&told, (kind.groups(), ceiling, u32::MAX), &listed, place);
                explained.push(words.imagined(said, source, *kind, *date));
            }
        }
        explained
    }

    /// Whose records of the learner there could be, as far as the asker's institution may know.
    fn sources(&self) -> Vec<u16> {
        let own = self.acting.speaker.number;
        let home = self.directory.home_of(self.found.learner).is_some_and(|(home, _)| *home == own);
        let knowing = self.directory.knowing(self.found.learner);
        knowing.into_iter().filter(|source| home || *source == own).collect()
    }
}

fn everything(agreement: AgreementInForce<'_>) -> AgreementInForce<'_> {
    AgreementInForce { groups: u32::MAX, ..agreement }
}
