//! Looking into the folders: which files are new or changed, and have they come to rest?
//!
//! A file is read when its size and time did not change for a while; if they change while it is read, it is read again
//! later. What a file means is [`intake`]'s.

mod absence;
pub mod feeder;
pub mod intake;
mod keeping;
mod latest;
mod stretching;
#[cfg(test)]
mod twins;
pub mod verdict;

pub use feeder::Reading;
pub use verdict::{Export, Purpose, Taken, Verdict};

use crate::{
    current,
    error::AgentError,
    settings::{Settings, Source, matches},
    shown::shown,
    spool::Spool,
};
use aws_lc_rs::digest::{Context, SHA256, digest};
use commonroll_core::Timestamp;
use std::{
    collections::{BTreeSet, HashMap},
    fs::{self, File},
    io::{self, BufReader, Read, Seek},
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

/// Most files of one folder that are looked at.
const FILES_MAX: usize = 10_000;

/// What a look into the folders did.
#[derive(Debug, Default)]
pub struct Looked {
    /// Exports that were taken or refused, by file name.
    pub verdicts: Vec<(String, Verdict)>,
    /// Files that have not come to rest; look again soon.
    pub unsettled: usize,
    /// Origins of live files that were written anew and found in order, whether or not they say anything new.
    read: BTreeSet<String>,
}

impl Looked {
    /// What came hours late through a vendor must not make the hub believe that all is known.
    fn note_read(&mut self, source: &Source, name: &str) {
        if source.live {
            self.read.insert(intake::origin(source, name));
        }
    }
}

/// Remembers what was seen at the last look, so that a file that is still being written is left alone.
#[derive(Debug, Default)]
pub struct Scanner {
    seen: HashMap<PathBuf, (State, Timestamp)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State {
    size: u64,
    modified_us: i64,
}

impl Scanner {
    /// Looks into every source's folder and takes what is new.
    ///
    /// # Errors
    /// When the spool fails. A folder that can't be read raises an alarm, and the others are looked at.
    pub async fn look(
        &mut self,
        settings: &Settings,
        spool: &Spool,
        reading: &Reading,
        now: Timestamp,
    ) -> Result<Looked, AgentError> {
        let mut looked = Looked::default();
        for source in &settings.sources {
            let alarm = format!("folder {}", source.name);
            match files(source) {
                Ok(files) => {
                    spool.calm(&alarm).await?;
                    for path in files {
                        self.file(source, &path, settings.pace.settle_ms, (spool, reading), now, &mut looked)
                            .await?;
                    }
                }
                Err(error) => {
                    let text =
                        format!("the folder of source `{}` can't be read: {}", source.name, error.kind());
                    spool.alarm(&alarm, &text, now).await?;
                }
            }
        }
        current::note(spool, &looked.read, now, now.date_in(&settings.zone)).await?;
        Ok(looked)
    }

    async fn file(
        &mut self,
        source: &Source,
        path: &Path,
        settle_ms: u64,
        (spool, reading): (&Spool, &Reading),
        now: Timestamp,
        looked: &mut Looked,
    ) -> Result<(), AgentError> {
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return Ok(()) };
        let name = &*shown(name);
        let Ok(state) = state(path) else { return Ok(()) };
        let last = spool.last_look(&source.name, name).await?;
        let recipe = intake::recipe(source);
        let same_recipe = last.as_ref().is_some_and(|last| last.recipe == recipe);
        if let Some(last) = &last
            && same_recipe
            && (last.size.unsigned_abs(), last.modified_us) == (state.size, state.modified_us)
        {
            self.seen.remove(path);
            return Ok(());
        }
        if !self.at_rest(path, state, settle_ms, now) {
            looked.unsettled += 1;
            return Ok(());
        }
        // One handle for both: a file that is replaced in between must not lend its hash to the one before.
        let Ok((file, hash)) = open_hashed(path).await else { return Ok(()) };
        if last.is_some_and(|last| same_recipe && last.hash == hash) {
            looked.note_read(source, name);
            return spool.touched(&source.name, name, state.modified_us).await;
        }
        let reader: Box<dyn commonroll_connectors::ReadSeek + Send> =
            Box::new(Steady::new(file, path, state));
        let (size, modified_us) = (state.size, state.modified_us);
        let export = Export { source, name, hash, size, modified_us, reader };
        let verdict = intake::take(spool, reading, export, Purpose::Take, now).await?;
        let alarm = format!("file {}/{name}", source.name);
        match &verdict {
            Verdict::Refused(fault)
                if fault.is_unread() && self::state(path).is_ok_and(|now| now != state) =>
            {
                looked.unsettled += 1;
                return Ok(());
            }
            Verdict::Refused(fault) if fault.is_unread() => {
                let text = format!(
                    "`{name}` of source `{}` can't be read to its end; it is tried again",
                    source.name
                );
                spool.alarm(&alarm, &text, now).await?;
            }
            Verdict::Refused(_) => spool.calm(&alarm).await?,
            Verdict::Taken(_) => {
                looked.note_read(source, name);
                spool.calm(&alarm).await?;
            }
        }
        log(source, &verdict);
        self.seen.remove(path);
        looked.verdicts.push((name.to_owned(), verdict));
        Ok(())
    }

    /// True if the file has not changed for the settling time, as far as we saw or as its own time says.
    fn at_rest(&mut self, path: &Path, state: State, settle_ms: u64, now: Timestamp) -> bool {
        let settle_us = i64::try_from(settle_ms.saturating_mul(1_000)).unwrap_or(i64::MAX);
        if now.micros().saturating_sub(state.modified_us) >= settle_us.max(1) {
            return true;
        }
        match self.seen.get(path) {
            Some((seen, since)) if *seen == state => now.micros().saturating_sub(since.micros()) >= settle_us,
            _ => {
                self.seen.insert(path.to_owned(), (state, now));
                settle_us == 0
            }
        }
    }
}

fn log(source: &Source, verdict: &Verdict) {
    match verdict {
        Verdict::Taken(taken) => tracing::info!(
            source = source.name,
            items = taken.items,
            known = taken.known,
            new = taken.new,
            corrected = taken.corrected,
            withdrawn = taken.withdrawn,
            declared = taken.declared,
            problems = taken.problem_count,
            "export taken"
        ),
        Verdict::Refused(fault) => {
            tracing::warn!(source = source.name, rule = fault.rule, "export refused: {}", fault.fix);
        }
    }
}

/// True if the file of this name was taken as it lies in its source's folder.
pub(crate) async fn is_taken(source: &Source, name: &str, spool: &Spool) -> Result<bool, AgentError> {
    let Ok(state) = state(&source.folder.join(name)) else { return Ok(false) };
    let last = spool.last_look(&source.name, &shown(name)).await?;
    Ok(last.is_some_and(|last| {
        last.taken
            && last.recipe == intake::recipe(source)
            && (last.size.unsigned_abs(), last.modified_us) == (state.size, state.modified_us)
    }))
}

/// The source's files, in the order of their names.
pub(crate) fn files(source: &Source) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(&source.folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        if !name.starts_with('.') && matches(&source.pattern, name) && entry.file_type()?.is_file() {
            files.push(entry.path());
        }
        if files.len() >= FILES_MAX {
            break;
        }
    }
    files.sort();
    Ok(files)
}

fn state(path: &Path) -> io::Result<State> {
    let metadata = fs::metadata(path)?;
    Ok(State { size: metadata.len(), modified_us: modified_us(&metadata) })
}

/// When a file was last modified, microseconds since the epoch; 0 where the system doesn't say.
pub(crate) fn modified_us(metadata: &fs::Metadata) -> i64 {
    let since = metadata.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    since.and_then(|since| i64::try_from(since.as_micros()).ok()).unwrap_or(0)
}

/// SHA-256 of bytes.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    digest(&SHA256, bytes).as_ref().try_into().expect("SHA-256 has 32 bytes")
}

/// SHA-256 of a file.
pub(crate) async fn hash_of(path: &Path) -> io::Result<[u8; 32]> {
    open_hashed(path).await.map(|(_, hash)| hash)
}

/// Opens a file and hashes it, and gives it back at its beginning.
async fn open_hashed(path: &Path) -> io::Result<(File, [u8; 32])> {
    let path = path.to_owned();
    let hashing = tokio::task::spawn_blocking(move || {
        let mut file = File::open(path)?;
        let mut context = Context::new(&SHA256);
        let mut buffer = vec![0; 64 << 10];
        loop {
            match file.read(&mut buffer)? {
                0 => {
                    file.rewind()?;
                    return Ok((file, context.finish().as_ref().try_into().expect("SHA-256 has 32 bytes")));
                }
                n => context.update(&buffer[..n]),
            }
        }
    });
    hashing.await.map_err(io::Error::other)?
}

/// A file that must not change while it is read: at its end it is looked at again.
struct Steady {
    file: BufReader<File>,
    path: PathBuf,
    state: State,
}

impl Steady {
    fn new(file: File, path: &Path, state: State) -> Self {
        Self { file: BufReader::with_capacity(128 << 10, file), path: path.to_owned(), state }
    }
}

impl Read for Steady {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read(buffer)?;
        if n == 0 && !buffer.is_empty() && state(&self.path)? != self.state {
            return Err(io::Error::other("the file changed while it was read"));
        }
        Ok(n)
    }
}

impl Seek for Steady {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}
