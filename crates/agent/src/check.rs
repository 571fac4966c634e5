//! Checking a file: what would be sent, and what is wrong. No network; the spool stays as it is.

use crate::{
    error::AgentError,
    fetch::{Fetcher, Folder},
    identity::Identity,
    scan::{self, Export, Purpose, Reading, Verdict},
    settings::{Settings, Source, matches},
    shown::{line, shown},
    spool::Spool,
};
use commonroll_connectors::{Mapping, ReadSeek};
use commonroll_core::{Slug, Timestamp};
use serde::Serialize;
use std::{
    fmt,
    fs::{self, File},
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
};

/// What a file would mean.
#[derive(Debug, Clone, Serialize)]
pub struct Checked {
    /// The file's name.
    pub file: String,
    /// The source whose settings it was read with.
    pub source: String,
    /// What would be sent; `None` if the file is refused as a whole.
    pub taken: Option<scan::Taken>,
    /// Why the file is refused as a whole.
    pub fault: Option<crate::spool::exports::Fault>,
    /// What of its mapping may be meant otherwise, though the file can be read.
    pub doubtful: Vec<String>,
}

impl Checked {
    /// 0 if the file is clean, 1 if a person should see to something.
    pub fn exit_code(&self) -> u8 {
        u8::from(self.fault.is_some() || self.taken.as_ref().is_some_and(|taken| taken.problem_count > 0))
    }
}

/// Tells what a file would mean. Compares with what was sent if the agent has joined; before that, everything is new.
///
/// # Errors
/// When the file can't be read or no source of the settings is for it.
pub async fn check(
    settings: &Settings,
    identity: Option<&Identity>,
    file: &Path,
    now: Timestamp,
) -> Result<Checked, AgentError> {
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let source = source_for(settings, file, name)?;
    check_as(settings, identity, source, file, now).await
}

/// Fetches a source once and tells what it would mean. What was fetched is removed again; nothing is sent.
///
/// # Errors
/// When the data folder can't be written. What the MIS says no to is a [`Checked::fault`].
pub async fn check_fetched(
    settings: &Settings,
    identity: Option<&Identity>,
    source: &Source,
    fetcher: &dyn Fetcher,
    now: Timestamp,
) -> Result<Vec<Checked>, AgentError> {
    let beside = Beside(source.folder.with_file_name(format!("{BESIDE}{}", source.name)));
    let doing = || AgentError::io(format!("fetching into {}", beside.0.display()));
    let _ = fs::remove_dir_all(&beside.0);
    let folder = Folder::open(&beside.0).map_err(doing())?;
    let mut all = Vec::new();
    match fetcher.fetch(source, &folder, now).await {
        Ok(_) => {
            let mut files: Vec<_> = fs::read_dir(&beside.0)
                .map_err(doing())?
                .filter_map(|entry| Some(entry.ok()?.path()))
                .filter(|path| path.file_name().and_then(|n| n.to_str()).is_some_and(|n| !n.starts_with('.')))
                .collect();
            files.sort();
            for file in files {
                all.push(check_as(settings, identity, source, &file, now).await?);
            }
        }
        Err(fault) => {
            let fault =
                crate::spool::exports::Fault { rule: fault.rule.to_owned(), line: None, fix: fault.fix };
            let (file, source) = ("(nothing was fetched)".to_owned(), source.name.clone());
            all.push(Checked { file, source, taken: None, fault: Some(fault), doubtful: Vec::new() });
        }
    }
    fs::remove_dir_all(&beside.0).map_err(doing())?;
    Ok(all)
}

/// What the folders of checks are called before the source's name.
const BESIDE: &str = ".check-";

/// The folder of one check. What was fetched are learners' rows: it goes however the check ends.
struct Beside(PathBuf);

impl Drop for Beside {
    fn drop(&mut self) {
        // After a check that came to its end nothing is left.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Removes what checks left that were killed.
///
/// # Errors
/// A folder can't be removed.
pub(crate) fn clear_leftovers(settings: &Settings) -> io::Result<()> {
    let fetched = match fs::read_dir(settings.fetched_folder()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        found => found?,
    };
    for entry in fetched {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(|name| name.starts_with(BESIDE)) {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

async fn check_as(
    settings: &Settings,
    identity: Option<&Identity>,
    source: &Source,
    file: &Path,
    now: Timestamp,
) -> Result<Checked, AgentError> {
    let io = |error| AgentError::io(format!("reading {}", file.display()))(error);
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let name = &*shown(name);
    let hash = scan::hash_of(file).await.map_err(io)?;
    let metadata = fs::metadata(file).map_err(io)?;
    let reader: Box<dyn ReadSeek + Send> = Box::new(BufReader::new(File::open(file).map_err(io)?));
    let modified_us = scan::modified_us(&metadata);
    let export = Export { source, name, hash, size: metadata.len(), modified_us, reader };
    let (spool, reading) = match identity {
        Some(identity) => (Spool::open(&settings.spool_file()).await?, reading(settings, identity)),
        None => (Spool::nameless().await?, nobody(settings)?),
    };
    let verdict = scan::intake::take(&spool, &reading, export, Purpose::Look, now).await?;
    spool.close().await;
    let (taken, fault) = match verdict {
        Verdict::Taken(taken) => (Some(taken), None),
        Verdict::Refused(fault) => (None, Some(fault)),
    };
    let doubtful = source.mapping.as_ref().map_or_else(Vec::new, Mapping::unknown_scales);
    Ok(Checked { file: name.to_owned(), source: source.name.clone(), taken, fault, doubtful })
}

/// How the institution's files are read.
pub(crate) fn reading(settings: &Settings, identity: &Identity) -> Reading {
    Reading {
        institution: identity.institution().clone(),
        zone: settings.zone.clone(),
        salt: identity.salt.0,
    }
}

fn nobody(settings: &Settings) -> Result<Reading, AgentError> {
    let institution: Slug = "not-joined".parse().map_err(|_| AgentError::Keys("slug"))?;
    Ok(Reading { institution, zone: settings.zone.clone(), salt: [0; 32] })
}

/// The source that the file belongs to: by its folder and name, by its name, or by what it looks like.
fn source_for<'a>(settings: &'a Settings, file: &Path, name: &str) -> Result<&'a Source, AgentError> {
    let folder = file.parent().and_then(|folder| fs::canonicalize(folder).ok());
    let named = || settings.sources.iter().filter(|source| matches(&source.pattern, name));
    let here = named().find(|source| folder.is_some() && fs::canonicalize(&source.folder).ok() == folder);
    if let Some(source) = here.or_else(|| named().next()) {
        return Ok(source);
    }
    let mut head = vec![0; 4096];
    let n = File::open(file).and_then(|mut file| file.read(&mut head)).unwrap_or(0);
    head.truncate(n);
    settings.sources.iter().find(|source| source.connector.0.recognises(name, &head)).ok_or_else(|| {
        AgentError::Settings {
            file: file.to_owned(),
            problem: "no source of the settings is for this file; give it a name that a `pattern` matches"
                .to_owned(),
        }
    })
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        line!(f, "{}: read as source {}", self.file, self.source)?;
        for what in &self.doubtful {
            line!(f, "to look at: {what}")?;
        }
        if let Some(fault) = &self.fault {
            let line = fault.line.map_or_else(String::new, |line| format!(" line {line}"));
            return line!(f, "the whole file would be refused:{line} {}: {}", fault.rule, fault.fix);
        }
        let Some(taken) = &self.taken else { return Ok(()) };
        line!(
            f,
            "would send: {} new, {} corrected, {} withdrawn records, {} declarations; {} were sent already",
            taken.new,
            taken.corrected,
            taken.withdrawn,
            taken.declared,
            taken.unchanged
        )?;
        for (what, n) in &taken.sending {
            line!(f, "  {what}: {n}")?;
        }
        if taken.problem_count > 0 {
            line!(f, "{} problems:", taken.problem_count)?;
        }
        for p in &taken.problems {
            let line = p.line.map_or_else(String::new, |line| format!(" line {line}"));
            line!(f, "  {}{line}: {} {}: {}", p.file, p.field, p.rule, p.fix)?;
        }
        Ok(())
    }
}
