//! A Common Transfer File of chosen learners, made on demand from the exports that this agent has taken.
//!
//! What is in no export any more is not in it, since the spool holds prints of records and not records. Exports that were refused
//! or are newer than the last look don't count, nor does what is confidential or was withdrawn. Nothing is sent anywhere: a
//! person carries the file.

mod pupils;
mod reading;

use crate::{
    durable::{self, Readers},
    error::AgentError,
    scan::{self, Reading, modified_us},
    settings::{Absence, ExportKind, Settings, Source},
    spool::{Spool, sent},
};
use commonroll_connectors::render::{CtfHeader, CtfSchool, ctf_file_name, ctf_xml};
use commonroll_core::{LocalId, RecordId, SchoolDate, Slug, Timestamp};
use reading::{People, Records};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Most files with one pair of schools in a folder: the number has three digits.
const SERIAL_MAX: u16 = 999;

/// Which learners.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// These, by the institution's own ids.
    Named(Vec<LocalId>),
    /// All whom the exports place at this institution, today or later.
    PlacedAt(Slug),
}

/// What a file is to hold.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Whose.
    pub who: Who,
    /// The institution itself.
    pub from: CtfSchool,
    /// For whom; both numbers are X where nobody knows.
    pub to: CtfSchool,
    /// Calendar year in which the school year of the attendance begins.
    pub year: i16,
}

/// A file that is ready to be written.
pub struct Transfer {
    header: CtfHeader,
    content: Vec<u8>,
    /// What is in it and what is not, in numbers.
    pub told: Told,
}

impl std::fmt::Debug for Transfer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Transfer({:?}, ..)", self.told)
    }
}

/// What is in a file and what was left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Told {
    /// Learners in it.
    pub learners: usize,
    /// Of them those without a UPN, whom the other school can't tell apart by it.
    pub without_upn: usize,
    /// Former UPNs that are not in it: the format has room for one of each learner.
    pub former_left: usize,
    /// Results of earlier stages in it.
    pub results: usize,
    /// Results of earlier stages that no CTF gave, so that their codes are unknown.
    pub uncoded: usize,
    /// Session marks in it.
    pub marks: usize,
    /// Marks of the register of which the session or the statutory meaning is not known.
    pub unreadable_marks: usize,
    /// Results and marks that are confidential.
    pub confidential: usize,
    /// Exports that this agent has not taken as they lie.
    pub files_left: usize,
}

/// Makes a file of what the exports say. Nothing is changed.
///
/// # Errors
/// [`AgentError::Transfer`] if a learner is in no export, nobody is chosen, or an export can't be read; other errors if the spool
/// or a folder can't be read.
pub async fn gather(
    settings: &Settings,
    reading: &Reading,
    spool: &Spool,
    wanted: Wanted,
    now: Timestamp,
) -> Result<Transfer, AgentError> {
    let mut told = Told::default();
    let files = taken(settings, spool, &mut told).await?;
    let institution = reading.institution.clone();
    let (who, zone) = (wanted.who.clone(), settings.zone.clone());
    let today = now.date_in(&zone);
    let read = move || {
        let people = People::read(&files, &institution, &zone)?;
        let chosen = chosen(&who, &people, today)?;
        let records = Records::read(&files, &institution, &zone, &people.aliases(&chosen))?;
        Ok::<_, AgentError>((people, chosen, records))
    };
    let failed = |_| AgentError::Transfer("a connector failed on an export; report it".to_owned());
    let (people, chosen, mut records) = tokio::task::spawn_blocking(read).await.map_err(failed)??;
    records.remove(&withdrawn(spool, &records.ids()).await?);

    let pupils: Vec<_> = chosen
        .iter()
        .filter_map(|id| people.learner(id))
        .map(|learner| {
            let own = people.aliases(std::slice::from_ref(&learner.local_id));
            pupils::pupil(learner, &records.of(&own), &wanted, &settings.zone, &mut told)
        })
        .collect();
    let header = CtfHeader {
        written: jiff::Timestamp::from_microsecond(now.micros())
            .map_err(|_| AgentError::Transfer("the clock is wrong".to_owned()))?
            .to_zoned(settings.zone.clone())
            .datetime(),
        full: false,
        describes: "Learners, prior attainment and attendance of a year".to_owned(),
        from: wanted.from,
        to: wanted.to,
        academic_year: wanted.year,
    };
    Ok(Transfer { content: ctf_xml(&header, &pupils), header, told })
}

impl Transfer {
    /// Writes it for its owner alone, at this path; into a folder under the name that the format wants, with the next free number.
    /// What lies there already is never overwritten. Gives the file's path.
    ///
    /// # Errors
    /// When the name is taken, or the folder can't be written.
    pub fn write(&self, out: &Path) -> Result<PathBuf, AgentError> {
        let doing = |path: &Path| AgentError::io(format!("writing {}", path.display()));
        if !out.is_dir() {
            durable::add(out, &self.content, Readers::Owner).map_err(doing(out))?;
            return Ok(out.to_owned());
        }
        for serial in 1..=SERIAL_MAX {
            let path = out.join(ctf_file_name(&self.header, serial));
            match durable::add(&path, &self.content, Readers::Owner) {
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                done => return done.map_err(doing(&path)).map(|()| path),
            }
        }
        Err(AgentError::Transfer(format!(
            "{} holds {SERIAL_MAX} files for this school already; take some away",
            out.display()
        )))
    }
}

/// An export that the agent has taken as it lies.
struct Taken {
    source: Source,
    name: String,
    path: PathBuf,
    modified_us: i64,
    /// False if a later export of its source says anew who there is.
    is_newest: bool,
}

/// Exports in the order in which they were written.
async fn taken(settings: &Settings, spool: &Spool, told: &mut Told) -> Result<Vec<Taken>, AgentError> {
    let mut all = Vec::new();
    for source in &settings.sources {
        let doing = format!("reading the folder of source {}", source.name);
        let mut files = Vec::new();
        for path in scan::files(source).map_err(AgentError::io(doing))? {
            let Some(name) = path.file_name().and_then(|name| name.to_str()).map(str::to_owned) else {
                continue;
            };
            if !scan::is_taken(source, &name, spool).await? {
                told.files_left += 1;
                continue;
            }
            let Ok(metadata) = fs::metadata(&path) else { continue };
            let (source, modified_us) = (source.clone(), modified_us(&metadata));
            files.push(Taken { source, name, path, modified_us, is_newest: true });
        }
        files.sort_by(|a, b| (a.modified_us, &a.name).cmp(&(b.modified_us, &b.name)));
        if source.absence == Absence::Folder && source.export == ExportKind::Snapshot {
            files.iter_mut().rev().skip(1).for_each(|file| file.is_newest = false);
        }
        all.extend(files);
    }
    all.sort_by(|a, b| (a.modified_us, &a.name).cmp(&(b.modified_us, &b.name)));
    Ok(all)
}

/// Whom the file is about. Errors count learners as they were named, and don't repeat them.
fn chosen(who: &Who, people: &People, today: SchoolDate) -> Result<Vec<LocalId>, AgentError> {
    let ids: BTreeSet<LocalId> = match who {
        Who::Named(ids) => {
            let unknown = ids.iter().enumerate().filter(|(_, id)| people.learner(id).is_none());
            let unknown: Vec<String> = unknown.map(|(place, _)| (place + 1).to_string()).collect();
            if !unknown.is_empty() {
                return Err(AgentError::Transfer(format!(
                    "of the learners named, number {} stands in no export of learners that this agent has taken; nothing was \
                     written",
                    unknown.join(", ")
                )));
            }
            ids.iter().cloned().collect()
        }
        Who::PlacedAt(host) => people.placed_at(host, today),
    };
    if ids.is_empty() {
        return Err(AgentError::Transfer("no learner is chosen, so nothing was written".to_owned()));
    }
    Ok(ids.into_iter().collect())
}

/// Which of these records were taken back since.
async fn withdrawn(spool: &Spool, ids: &[RecordId]) -> Result<BTreeSet<RecordId>, AgentError> {
    let mut tx = spool.begin().await?;
    let known = sent::known(&mut tx, ids, "").await?;
    tx.rollback().await?;
    Ok(known.into_iter().filter(|(_, known)| known.withdrawn).map(|(id, _)| id).collect())
}
