//! A subject's export: what one institution holds here about a learner, and everybody to whom it was disclosed.
//!
//! For the data protection officer of that institution, who answers for it as a controller. What others made and it never
//! received isn't in it: the export names them, so that they can be asked. Staff stand in it as roles, not as people; what
//! a source has marked confidential since is left out. The entry is durable before anything is handed out.

use crate::{
    Exchange, by_learner,
    decide::only,
    directory::{Directory, change::hex},
    office::{Acting, may},
    questions::{Question, Reached, Reader, Saw, Window},
    reading::{Loaded, ReadError, RecordSeen, RecordState, Wants, find, stretches},
    submit,
    types::{GroupState, NotAllowed},
};
use commonroll_core::{LocalId, Slug, Timestamp, directory::Registration};
use commonroll_policy::{OfficeAct, PersonPermit};
use std::collections::HashSet;

/// Proofs in one export at most; others can be asked for one by one.
const PROOFS_MAX: usize = 500;

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
            return Err(ReadError::TooMany);
        }
        let (own, of) = (acting.speaker.number, Some(acting.speaker.institution()));
        let allowed = {
            let directory = self.shared.directory();
            may(&directory, acting, OfficeAct::SubjectExport, of, false).and_then(|permit| {
                let number = directory.local(own, learner).and_then(|local| local.learner);
                let number = number.ok_or(NotAllowed::Denied)?;
                Ok((permit, number, directory.numbers_of(number), directory.version))
            })
        };
        let (permit, number, numbers, version) = allowed.inspect_err(|_| {
            self.refused(&acting.speaker.by(), "subject.refused", "");
            self.shared.misses.missed(acting.speaker.id(), now);
        })?;
        let asker = self.asker(acting.speaker, acting.role, Question::WhoSaw)?;
        let disclosures = self.who_saw(&asker, learner, Window::default(), now).await;
        let disclosures = disclosures.map_err(|_| ReadError::Unavailable)?;
        let mut places = Vec::new();
        for number in numbers {
            places.extend(by_learner::sequences_of(&self.shared, number).await?);
        }
        places.sort_unstable();
        places.dedup();
        let loaded = find(&self.shared, &places, &Wants::everything()).await?;
        let export = {
            let directory = self.shared.directory();
            compose(&directory, (own, number, learner), &loaded, disclosures, &permit)
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
        if self.shared.directory().version != version {
            // Somebody may have been revoked, or an agreement have ended, since it was decided.
            return Err(ReadError::Unavailable);
        }
        for record in export.records.iter().take(PROOFS_MAX) {
            export.proofs.push((record.sequence, self.prove(record.sequence).await?.text()));
        }
        Ok(export)
    }
}

fn compose(
    directory: &Directory,
    (own, number, learner): (u16, u32, &LocalId),
    loaded: &[Loaded],
    mut disclosures: Vec<Saw>,
    permit: &PersonPermit,
) -> Option<SubjectExport> {
    let state = directory.institution(own)?;
    let never: HashSet<u64> = disclosures
        .iter()
        .filter(|one| one.reached == Reached::Withheld)
        .filter(|one| matches!(&one.reader, Reader::Institution(slug) if *slug == state.info.slug))
        .map(|one| one.sequence)
        .collect();
    let theirs = loaded.iter().filter(|one| !never.contains(&(one.seq + 1)));
    let records = theirs.filter_map(|one| held(directory, (own, number), one, permit)).collect();
    for one in &mut disclosures {
        if let Reader::Person { id, .. } = &mut one.reader {
            // Staff are third parties: their role and institution say enough.
            id.clear();
        }
    }
    let others = directory.knowing(number).into_iter().filter(|other| *other != own);
    let others = others.filter_map(|other| directory.institution(other));
    Some(SubjectExport {
        institution: (state.info.name.clone(), state.info.time_zone.clone()),
        declared: declared(directory, own, learner)?,
        records,
        disclosures,
        others: others.map(|state| (state.info.slug.clone(), state.info.name.clone())).collect(),
        proofs: Vec::new(),
    })
}

/// A record as the institution holds it: whole if it made it, and of what it received what was sent to it.
fn held(
    directory: &Directory,
    (own, number): (u16, u32),
    one: &Loaded,
    permit: &PersonPermit,
) -> Option<RecordSeen> {
    let entry = &one.entry;
    let mask = if entry.source == own {
        u32::MAX
    } else {
        entry.recipients.iter().find(|to| to.institution == own)?.groups
    };
    if let Some(record) = &one.payload {
        let of = &record.circumstances;
        let placed = directory.placed(entry.source, &of.learner, of.date, of.at, of.group.as_ref());
        // A match that was undone since: it is about somebody else.
        if placed.learner != Some(number) {
            return None;
        }
    }
    if entry.confidential || directory.copies().is_hidden(entry.id, entry.revision) {
        return None;
    }
    let groups = one.payload.as_ref().map_or_else(|| [].into(), |record| only(&record.groups, mask));
    let state = match &one.payload {
        _ if one.damaged => RecordState::Damaged,
        Some(_) if groups.is_empty() => RecordState::Erased,
        None => RecordState::Erased,
        Some(_) if !one.newest => RecordState::Replaced,
        Some(_) if entry.withdrawn => RecordState::Withdrawn,
        Some(_) => RecordState::Stands,
    };
    let open = groups.iter().filter(|group| matches!(group.state, GroupState::Open { .. }));
    let seen = open.filter(|group| group.number < 32).fold(0, |mask, group| mask | 1 << group.number);
    let group = one.payload.as_ref().and_then(|record| record.circumstances.group.as_ref());
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

/// What the institution has declared about the learner. Names, birth date and numbers are not held, only keyed hashes.
fn declared(directory: &Directory, own: u16, learner: &LocalId) -> Option<Vec<(&'static str, String)>> {
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
        ("name, birth date, numbers", "not held: only keyed hashes of them, for matching".to_owned()),
    ];
    if local.contested {
        said.push(("contested", "another institution also claims to be home".to_owned()));
    }
    for side in &local.sides {
        let other = directory.institution(side.other).map_or("?", |state| state.info.slug.as_str());
        let way = if side.hosting { "visits from" } else { "taught at" };
        let group = side.group.as_ref().map_or("every group", LocalId::as_str);
        let ended = side.ended.map_or_else(String::new, |at| format!(", ended {at}"));
        let (first, last) = (side.dates.first(), side.dates.last());
        said.push(("placement", format!("{way} {other}, {group}, {first} to {last}{ended}")));
    }
    let mine = |mine: &Option<LocalId>| mine.as_ref() == Some(learner);
    for (_, person) in directory.people().filter(|(_, p)| p.institution == own && mine(&p.learner)) {
        let roles: Vec<_> = person.roles.iter().map(|role| role.as_str()).collect();
        let until = if person.revoked.is_some() { ", ended" } else { "" };
        said.push(("access", format!("a {} was let in on {}{until}", roles.join(", "), person.enrolled)));
    }
    said.push(("policy in force", directory.policies().hash().map_or_else(String::new, |hash| hex(&hash))));
    Some(said)
}
