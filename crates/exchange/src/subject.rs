//! A subject's export: what one institution holds here about a learner, and everybody to whom it was disclosed.
//!
//! For the data protection officer of that institution, who answers for it as a controller. What others made and it never
//! received isn't in it: the export names them, so that they can be asked. What waits for it is in it as far as it could leave
//! now; of what was kept back or called back it says only that there is one. Staff stand in it as roles, not as people; what
//! a source has marked confidential since is left out. The entry is durable before anything is handed out.

use crate::{
    Exchange,
    decide::{NOT_UNLOCKED, Subject, leave, only, place},
    directory::{Directory, alerts::learner_of, messages::Message},
    messages,
    office::{Acting, may},
    questions::{Question, Reader, Saw, Window},
    reading::{Loaded, ReadError, RecordSeen, RecordState, TRIES, Wants, find, stretches},
    recall::{
        held::{Copy, Holdings},
        keeps,
    },
    rooms::policy_hash,
    submit,
    types::{GroupState, NotAllowed},
};
use commonroll_core::{LocalId, Slug, Timestamp, directory::Registration};
use commonroll_policy::{OfficeAct, PersonPermit};
use std::collections::BTreeSet;

/// Proofs in one export at most; others can be asked for one by one.
const PROOFS_MAX: usize = 500;
/// Records and revisions in one export at most: many years of one learner.
const RECORDS_MAX: usize = 20_000;

/// What is handed over about a learner.
#[derive(Clone)]
pub struct SubjectExport {
    /// The institution: name and time zone.
    pub institution: (String, String),
    /// What it declared about the learner, as words and values.
    pub declared: Vec<(&'static str, String)>,
    /// Records that it made or received, with every revision of them.
    pub records: Vec<RecordSeen>,
    /// To whom records were disclosed, and who read them; people without their ids.
    pub disclosures: Vec<Saw>,
    /// Other controllers to ask: short name and name.
    pub others: Vec<(Slug, String)>,
    /// Proofs that the records' entries are in the log: sequence number, and the text of a proof file.
    pub proofs: Vec<(u64, String)>,
}

impl std::fmt::Debug for SubjectExport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SubjectExport({} records, ..)", self.records.len())
    }
}

impl Exchange {
    /// What the person's institution holds here about a learner, by its own id, and every disclosure.
    ///
    /// # Errors
    /// [`ReadError`]; alike for a learner whom nobody knows and one who is another's.
    pub async fn subject_export(
        &self,
        acting: Acting<'_>,
        learner: &LocalId,
        now: Timestamp,
    ) -> Result<SubjectExport, ReadError> {
        if self.shared.misses.too_many(acting.speaker.id(), now) {
            self.refused(&acting.speaker.by(), "read.slowed", "");
            return Err(ReadError::TooMany);
        }
        for _ in 0..TRIES {
            match self.export_once(acting, learner, now).await {
                Ok(Some(export)) => return Ok(export),
                Ok(None) => {}
                Err(error) => {
                    if let ReadError::NotAllowed(_) = error {
                        self.refused(&acting.speaker.by(), "subject.refused", "");
                        crate::warnings::missed(&self.shared, acting.speaker, now);
                    }
                    return Err(error);
                }
            }
        }
        Err(ReadError::Unavailable)
    }

    /// `None` if the directory changed, or something was erased, before the entry was durable: what was decided may not hold
    /// any more.
    async fn export_once(
        &self,
        acting: Acting<'_>,
        learner: &LocalId,
        now: Timestamp,
    ) -> Result<Option<SubjectExport>, ReadError> {
        let (own, of) = (acting.speaker.number, Some(acting.speaker.institution()));
        // Pages on their way out have left, and what was withheld from them is in the log.
        drop(self.shared.leaving.write().await);
        // Whoever follows a change, or takes payloads out, waits until what was decided before it has left.
        let _leaving = self.shared.leaving.read().await;
        let (permit, number, (numbers, alone), moment) = {
            let directory = self.shared.directory();
            let permit = may(&directory, acting, OfficeAct::SubjectExport, of, false)?;
            let number = directory.local(own, learner).and_then(|local| local.learner);
            let number = number.ok_or(NotAllowed::Denied)?;
            let numbers: Vec<u32> = directory.numbers_of(number).into_iter().collect();
            let alone = directory.numbers_of_nobody_else(number);
            (permit, number, (numbers, alone), directory.moment())
        };
        let asker = self.asker(acting.speaker, acting.role, Question::WhoSaw)?;
        let disclosures = self.who_saw(&asker, learner, Window::default(), now).await;
        let disclosures = disclosures.map_err(|_| ReadError::Unavailable)?;
        let (places, holdings) = self.held_of(&numbers).await.map_err(|_| ReadError::Unavailable)?;
        let loaded = find(&self.shared, &places, &Wants::everything(RECORDS_MAX)).await?;
        let export = {
            let directory = self.shared.directory();
            if directory.moment() != moment {
                return Ok(None);
            }
            let handed = self.shared.handed(&directory, own);
            let holds = Holds { own, number, alone: &alone, handed, holdings: &holdings, now };
            compose(&directory, &holds, learner, &loaded, disclosures, &permit)
        };
        let mut export = export.ok_or(ReadError::Unavailable)?;
        let (records, left_off) = stretches(export.records.iter().map(|record| record.sequence));
        let mut more = acting.speaker.more(acting.role);
        more["learner"] = number.into();
        more["count"] = export.records.len().into();
        more["disclosures"] = export.disclosures.len().into();
        more["records"] = serde_json::json!(records);
        more["stretches_left_off"] = left_off.into();
        more["policies"] = permit.reason().into();
        let note = move |work: &mut crate::writer::Work<'_>| {
            work.notes.push(("subject.exported".to_owned(), more.clone()));
        };
        submit(&self.shared, &acting.speaker.by(), now, note).await.map_err(|_| ReadError::Unavailable)?;
        for record in export.records.iter().take(PROOFS_MAX) {
            export.proofs.push((record.sequence, self.prove(record.sequence).await?.text()));
        }
        let directory = self.shared.directory();
        Ok((directory.moment() == moment).then_some(export))
    }
}

/// What an institution holds of a learner's records, as the log tells it.
struct Holds<'a> {
    own: u16,
    number: u32,
    /// Numbers under which the log speaks of this learner and of nobody else.
    alone: &'a BTreeSet<u32>,
    /// How far it was surely handed its feed.
    handed: u64,
    holdings: &'a Holdings,
    now: Timestamp,
}

fn compose(
    directory: &Directory,
    holds: &Holds<'_>,
    learner: &LocalId,
    loaded: &[Loaded],
    mut disclosures: Vec<Saw>,
    permit: &PersonPermit,
) -> Option<SubjectExport> {
    let state = directory.institution(holds.own)?;
    let records = loaded.iter().filter_map(|one| holds.seen(directory, one, permit)).collect();
    for one in &mut disclosures {
        if let Reader::Person { id, .. } = &mut one.reader {
            // Staff are third parties: their role and institution say enough.
            id.clear();
        }
    }
    let others = holds.others(directory, learner, loaded)?;
    let others = others.into_iter().filter_map(|other| directory.institution(other));
    Some(SubjectExport {
        institution: (state.info.name.clone(), state.info.time_zone.clone()),
        declared: declared(directory, holds.own, learner, holds.now)?,
        records,
        disclosures,
        others: others.map(|state| (state.info.slug.clone(), state.info.name.clone())).collect(),
        proofs: Vec::new(),
    })
}

impl Holds<'_> {
    /// The newest copy of a revision that is in the institution's feed, less what was withheld and recalled.
    fn copy(&self, one: &Loaded) -> Option<&Copy> {
        let copies = &self.holdings.records.get(&one.entry.id)?.copies;
        copies.iter().rfind(|copy| copy.recipient == self.own && copy.seq == one.seq)
    }

    /// Whether a record is the institution's own, or was to go to it, and is about the learner still: a match may have been
    /// undone since.
    fn concerns(&self, directory: &Directory, one: &Loaded) -> bool {
        let theirs = match &one.payload {
            Some(record) => {
                let of = &record.circumstances;
                let placed =
                    directory.placed(one.entry.source, &of.learner, of.date, of.at, of.group.as_ref());
                placed.learner == Some(self.number)
            }
            None => self.alone.contains(&one.entry.learner),
        };
        theirs && (one.entry.concerns(self.own) || self.copy(one).is_some())
    }

    /// Which field groups of a record the institution may hand over: all of its own; of what it was handed, what it may have now,
    /// or keep by an agreement that has ended; of what waits, what would leave now. `None` for nothing.
    fn mask(&self, directory: &Directory, one: &Loaded) -> Option<u32> {
        let (entry, record) = (&one.entry, one.payload.as_ref()?);
        if entry.source == self.own {
            return Some(u32::MAX);
        }
        let subject = Subject {
            source: entry.source,
            kind: entry.kind,
            confidential: entry.confidential,
            corrects: entry.corrects(),
            circumstances: &record.circumstances,
        };
        let handed = self.copy(one).filter(|copy| copy.place < self.handed).map(|copy| copy.groups);
        match (leave(directory, &subject, place(directory, &subject), self.own, self.now), handed) {
            (Ok((permit, _)), handed) => Some(permit.groups() & handed.unwrap_or(u32::MAX)),
            (Err(NOT_UNLOCKED), Some(handed)) => Some(handed),
            (Err("no_agreement"), Some(handed))
                if keeps(directory, entry.source, self.own, entry.kind, self.now) =>
            {
                Some(handed)
            }
            _ => None,
        }
    }

    /// A record as the institution holds it: whole if it made it, of what it received what it may have, and of the rest only
    /// that there is one.
    fn seen(&self, directory: &Directory, one: &Loaded, permit: &PersonPermit) -> Option<RecordSeen> {
        let entry = &one.entry;
        if !self.concerns(directory, one)
            || entry.confidential
            || directory.copies().is_hidden(entry.id, entry.revision)
        {
            return None;
        }
        let mask = self.mask(directory, one);
        let payload = one.payload.as_ref().zip(mask);
        let groups = payload.map_or_else(|| [].into(), |(record, mask)| only(&record.groups, mask));
        let state = match &one.payload {
            _ if one.damaged => RecordState::Damaged,
            None => RecordState::Erased,
            Some(record) if record.groups.is_empty() => RecordState::Erased,
            Some(_) if mask.is_none() => RecordState::Withheld,
            Some(_) if !one.newest => RecordState::Replaced,
            Some(_) if entry.withdrawn => RecordState::Withdrawn,
            Some(_) => RecordState::Stands,
        };
        let open = groups.iter().filter(|group| matches!(group.state, GroupState::Open { .. }));
        let seen = open.filter(|group| group.number < 32).fold(0, |mask, group| mask | 1 << group.number);
        let group = payload.and_then(|(record, _)| record.circumstances.group.as_ref());
        Some(RecordSeen {
            sequence: one.seq + 1,
            record: (entry.id, entry.revision),
            kind: entry.kind,
            source: directory.institution(entry.source)?.info.slug.clone(),
            date: one.date,
            accepted_at: entry.accepted_at,
            state,
            groups,
            seen,
            group_title: group.and_then(|group| directory.group_title(entry.source, group)).cloned(),
            reason: permit.reason().to_owned(),
            agreement: None,
        })
    }

    /// Other controllers to ask. The home knows all of them; another institution only the home that it has a placement with, and
    /// those with whom it exchanged records of the learner.
    fn others(&self, directory: &Directory, learner: &LocalId, loaded: &[Loaded]) -> Option<BTreeSet<u16>> {
        let home = directory.home_of(self.number).map(|(home, _)| *home);
        let mut others = BTreeSet::new();
        if home == Some(self.own) {
            others.extend(directory.knowing(self.number));
        } else {
            let sides = &directory.local(self.own, learner)?.sides;
            others.extend(home.filter(|home| sides.iter().any(|side| side.other == *home)));
        }
        for one in loaded.iter().filter(|one| self.concerns(directory, one)) {
            match one.entry.source == self.own {
                true => others.extend(one.entry.recipients.iter().map(|to| to.institution)),
                false => drop(others.insert(one.entry.source)),
            }
        }
        others.remove(&self.own);
        Some(others)
    }
}

/// What was told of the learner between the institution and a partner, as far as it may hold it now.
fn told(directory: &Directory, own: u16, learner: &LocalId, now: Timestamp) -> Vec<(&'static str, String)> {
    let Some(number) = directory.local(own, learner).and_then(|local| local.learner) else {
        return Vec::new();
    };
    let known = directory.known_at(number);
    let all = known.flat_map(|(host, local)| directory.messages().about(*host, local));
    let theirs = all.filter(|message| [message.host, message.home].contains(&own));
    let line = |message: &Message| {
        let parts = messages::parts_at(directory, message, own, now);
        let other = if message.host == own { message.home } else { message.host };
        let other = directory.institution(other).map_or("?", |state| state.info.slug.as_str());
        let way = if message.host == own { "told to" } else { "told by" };
        let Some((words, act_by)) = parts else {
            return ("message", format!("{way} {other} on {}: withheld", message.date));
        };
        let kind = if message.praise { "praise" } else { "concern" };
        let act = act_by.map_or_else(String::new, |date| format!(" (home to act by {date})"));
        let answers = messages::answers_about(directory, message, number);
        let answers = answers.iter().map(|answer| format!("; home on {}: {}", answer.at, answer.words));
        (kind, format!("{way} {other} on {}: {words}{act}{}", message.date, answers.collect::<String>()))
    };
    theirs.map(line).collect()
}

/// What the institution has declared about the learner. Birth date and numbers are not held, only keyed hashes.
fn declared(
    directory: &Directory,
    own: u16,
    learner: &LocalId,
    now: Timestamp,
) -> Option<Vec<(&'static str, String)>> {
    let local = directory.local(own, learner)?;
    let registration = match local.registration {
        Registration::Home => "home: main registration",
        Registration::Subsidiary => "subsidiary registration",
        Registration::Guest => "guest: taught here, registered elsewhere",
        Registration::Previous => "no longer here",
    };
    let mut said = vec![
        ("learner id", learner.as_str().to_owned()),
        ("registration", registration.to_owned()),
        ("birth date, numbers", "not held: only keyed hashes of them, for matching".to_owned()),
    ];
    if local.contested {
        said.push(("contested", "another institution also claims to be home".to_owned()));
    }
    if let Some(doubt) = &local.doubt {
        said.push(("in doubt", format!("number and date of birth are both others since {}", doubt.since)));
    }
    if let Some(called) = &local.called {
        said.push(("name", format!("{} {}", called.known_as.as_str(), called.surname.as_str())));
    }
    if let Some(support) = &local.support {
        said.push((
            "needs, for sharing",
            format!("{} (until {})", support.needs.as_str(), support.last_date),
        ));
        said.push(("in an emergency", support.emergency.as_str().to_owned()));
    }
    for notice in &local.notices {
        let (from, to) = (notice.time.start(), notice.time.end());
        said.push(("notice", format!("{} from {from} to {to}", notice.kind.as_str().replace('_', " "))));
    }
    for side in &local.sides {
        let other = directory.institution(side.other).map_or("?", |state| state.info.slug.as_str());
        let way = if side.hosting { "visits from" } else { "taught at" };
        let group = side.group.as_ref().map_or("every group", LocalId::as_str);
        let ended = side.ended.map_or_else(String::new, |at| format!(", ended {at}"));
        let (first, last) = (side.dates.first(), side.dates.last());
        said.push(("placement", format!("{way} {other}, {group}, {first} to {last}{ended}")));
    }
    for session in directory.codes().of(own) {
        let Some(one) = session.get(learner) else { continue };
        let code = if one.code.is_empty() { "our own mark stays" } else { one.code.as_str() };
        let why = if one.reason.is_empty() { String::new() } else { format!(": {}", one.reason) };
        said.push(("session code", format!("{}, {code}, rule {}{why}", session.id.words(), one.rule)));
    }
    for watch in directory.watches().all().filter(|one| one.institution == own && one.local == *learner) {
        said.push(("watch", format!("a {} is told if something drops, since {}", watch.role, watch.set)));
    }
    said.extend(told(directory, own, learner, now));
    said.extend(local.learner.into_iter().flat_map(|number| looked_for(directory, own, number)));
    let mine = |mine: &Option<LocalId>| mine.as_ref() == Some(learner);
    for (_, person) in directory.people().filter(|(_, p)| p.institution == own && mine(&p.learner)) {
        let roles: Vec<_> = person.roles.iter().map(|role| role.as_str()).collect();
        let until = if person.revoked.is_some() { ", ended" } else { "" };
        said.push(("access", format!("a {} was let in on {}{until}", roles.join(", "), person.enrolled)));
    }
    said.push(("policy in force", policy_hash(directory)));
    Some(said)
}

/// When the institution was told that the learner is looked for, and what its people wrote then; to the home also where they
/// were found, whoever says it. Staff by their roles alone.
fn looked_for(directory: &Directory, own: u16, learner: u32) -> Vec<(&'static str, String)> {
    let numbers = directory.numbers_of_nobody_else(learner);
    let is_home = directory.home_of(learner).is_some_and(|(home, _)| *home == own);
    let alerts = directory.alerts();
    let of = |id| learner_of(id).is_some_and(|number| numbers.contains(&number));
    let mut said = Vec::new();
    for alert in alerts.all().filter(|alert| of(alert.id)) {
        let Some((_, told)) = alert.told.iter().find(|(told, _)| *told == own) else { continue };
        let about = alert.id.sort().replace('_', " ");
        let over = alert.over.map_or_else(String::new, |at| format!(", over {at}"));
        said.push(("looked for", format!("{about}, told {told}{over}")));
        let hands = alert.in_hand().map(|hand| (hand, false));
        let undone = alert.undone.iter().flat_map(|(found, back)| [(found, true), (back, false)]);
        for (one, found) in hands.chain(alert.found.iter().map(|found| (found, true))).chain(undone) {
            if one.institution != own && !(found && is_home) {
                continue;
            }
            let at = directory.institution(one.institution).map_or("?", |state| state.info.slug.as_str());
            let what = if found { "found" } else { "in hand" };
            let words = alerts.words(alert.id, one, found);
            let (role, when) = (one.role.as_str().replace('_', " "), one.at);
            said.push((what, format!("{when}, {role} of {at}: {words}")));
        }
    }
    said
}
