//! Fetching: asking an MIS for what it has, and leaving that as whole files where the scanner finds them.
//!
//! A fetched file is the **whole state** of what was asked, under the same name each time: so the next one may take its place,
//! and hash, empty, shrunken and absent are the scanner's as for any other export. Or each file **adds** to those before: then
//! one goes when the scanner has taken it, and not before. Nothing half-written is ever seen. A fetcher knows no format and
//! reads no clock; a fault harms neither what was fetched before nor other sources. A round that finds nothing new writes nothing.

mod folder;
pub mod http;
mod pace;
pub mod secret;
mod sheet;
mod since;
pub mod sql;
mod watch;

pub use folder::{Folder, NewFile};
pub use secret::Secret;

use crate::{
    chance::{Clock, Randomness, backoff},
    current,
    error::AgentError,
    scan,
    settings::{Connection, Kind, Settings, Source},
    spool::Spool,
};
use commonroll_core::{SchoolDate, Timestamp};
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    sync::Arc,
    time::Duration,
};

/// First and longest wait after a fault, unless the source is asked more seldom anyway.
const WAITS: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(900));
/// The longest wait that an MIS may ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(6 * 3600);
/// Bytes that must be free before an MIS is asked.
const ROOM: u64 = 1 << 20;
/// Files that may wait for the scanner, of a source whose files add up. Beyond that the MIS is not asked.
const WAITING_MAX: usize = 1_000;

/// Asks one MIS.
#[async_trait::async_trait]
pub trait Fetcher: Send + Sync {
    /// Fetches all that the source asks for into the folder, as whole files. `now` is this moment.
    ///
    /// # Errors
    /// Nothing was fetched: the rule and what to do. What lies in the folder stays.
    async fn fetch(&self, source: &Source, into: &Folder, now: Timestamp) -> Result<Outcome, FetchFault>;

    /// True if each file of this source adds to those before.
    fn adds(&self) -> bool {
        false
    }

    /// How long the MIS is to be left alone at least after the last fetch.
    fn rest(&self) -> Duration {
        Duration::ZERO
    }

    /// What a person should change though fetching works, as far as it was seen.
    fn warning(&self) -> Option<String> {
        None
    }
}

/// The fetchers of the sources that need one, by the source's name.
pub type Fetchers = BTreeMap<String, Box<dyn Fetcher>>;

/// What a fetch came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The MIS holds what it held; the files that are there say so still.
    Unchanged,
    /// These files are new; all others in the folder are out of date and go.
    Written(Vec<String>),
    /// This file is new; those before stay until the scanner has taken them.
    Added(String),
}

/// Why nothing was fetched. Holds no value from the MIS, no address and no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{rule}: {fix}")]
pub struct FetchFault {
    /// Stable name of the rule.
    pub rule: &'static str,
    /// What happened and what to do, in plain words.
    pub fix: String,
    /// How long the MIS asks to be left alone.
    pub retry_after: Option<Duration>,
}

impl FetchFault {
    /// A fault.
    pub fn new(rule: &'static str, fix: impl Into<String>) -> Self {
        Self { rule, fix: fix.into(), retry_after: None }
    }
}

impl From<io::Error> for FetchFault {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::new(
                "FETCH-DISK-FULL",
                "the agent's disk is full, so the MIS is not read; everything that was read is kept. Make room on the \
                 disk of the data folder",
            ),
            kind => Self::new(
                "FETCH-WRITE",
                format!("the data folder can't be written: {kind}; check its rights"),
            ),
        }
    }
}

/// One round of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Round {
    /// The MIS was read.
    Done(Outcome),
    /// It was not; the alarm stands.
    Failed(FetchFault),
}

/// The fetchers that the settings ask for.
///
/// # Errors
/// [`AgentError::Settings`] when a source asks what its connection can't give.
pub fn fetchers(
    settings: &Settings,
    clock: &Arc<dyn Clock>,
    rng: &Arc<dyn Randomness>,
) -> Result<Fetchers, AgentError> {
    let mut fetchers = Fetchers::new();
    for source in &settings.sources {
        let Some(asked) = &source.asked else { continue };
        let connection = &asked.connection;
        let wrong = |problem: String| AgentError::Settings {
            file: settings.data.clone(),
            problem: format!("source `{}`, connection `{}`: {problem}", source.name, connection.name),
        };
        let fetcher: Box<dyn Fetcher> = match connection.kind {
            Kind::Mysql | Kind::Postgres => {
                let (writes, time) = (writes(settings, connection), (clock.clone(), settings.zone.clone()));
                Box::new(sql::SqlFetcher::new(source, connection.clone(), time, writes).map_err(wrong)?)
            }
            Kind::Http => match http::Http::new(connection, clock.clone(), rng.clone()) {
                Ok(Some(http)) => Box::new(http),
                Ok(None) => return Err(wrong("its `api` is not known".to_owned())),
                Err(fault) => return Err(wrong(fault.to_string())),
            },
        };
        fetchers.insert(source.name.clone(), fetcher);
    }
    Ok(fetchers)
}

/// True if the same account is to write back, so that it must be able to.
fn writes(settings: &Settings, connection: &Arc<Connection>) -> bool {
    let apply = settings.outbox.as_ref().and_then(|outbox| outbox.apply.as_ref());
    apply.is_some_and(|apply| apply.connection.name == connection.name)
}

/// Asks once: looks whether there is room, fetches, removes what is out of date, and raises or calms the alarm. `today` is the
/// day at the institution now.
///
/// # Errors
/// When the spool fails. A fault of the MIS is a [`Round::Failed`].
pub async fn round(
    source: &Source,
    fetcher: &dyn Fetcher,
    spool: &Spool,
    (now, today): (Timestamp, SchoolDate),
) -> Result<Round, AgentError> {
    let alarm = format!("fetch {}", source.name);
    match fetch(source, fetcher, spool, now).await? {
        Ok(outcome) => {
            if outcome == Outcome::Unchanged && source.live && waiting(source, spool).await?.is_empty() {
                current::note(spool, &BTreeSet::from([source.name.clone()]), now, today).await?;
            }
            spool.set(&good(source), &now.micros().to_be_bytes()).await?;
            spool.calm(&alarm).await?;
            let warning = format!("rights {}", source.name);
            match fetcher.warning() {
                Some(text) => spool.alarm(&warning, &text, now).await?,
                None => spool.calm(&warning).await?,
            }
            tracing::debug!(source = source.name, "fetched");
            Ok(Round::Done(outcome))
        }
        Err(fault) => {
            let last = last_good(spool, source).await?;
            let last = crate::status::moment(last.map(Timestamp::micros));
            let text =
                format!("source `{}` can't be fetched (last time it worked: {last}): {fault}", source.name);
            spool.alarm(&alarm, &text, now).await?;
            Ok(Round::Failed(fault))
        }
    }
}

async fn fetch(
    source: &Source,
    fetcher: &dyn Fetcher,
    spool: &Spool,
    now: Timestamp,
) -> Result<Result<Outcome, FetchFault>, AgentError> {
    let waiting = if fetcher.adds() { Some(waiting(source, spool).await?) } else { None };
    let fetched = async {
        let folder = Folder::open(&source.folder)?;
        if let Some(waiting) = waiting {
            remove_taken(&folder, &waiting)?;
        }
        folder.room(ROOM)?;
        let outcome = fetcher.fetch(source, &folder, now).await?;
        if let Outcome::Written(names) = &outcome {
            folder.keep_only(names)?;
        }
        Ok(outcome)
    };
    Ok(fetched.await)
}

/// Files of a source's folder that the scanner has not taken as they are.
async fn waiting(source: &Source, spool: &Spool) -> Result<BTreeSet<String>, AgentError> {
    let mut waiting = BTreeSet::new();
    // A folder that can't be read has nothing that could be taken, and asking fails there too.
    let names = Folder::open(&source.folder).and_then(|folder| folder.files()).unwrap_or_default();
    for name in names {
        if !scan::is_taken(source, &name, spool).await? {
            waiting.insert(name);
        }
    }
    Ok(waiting)
}

/// Removes what was taken, but for the newest file, which people may want to look at.
fn remove_taken(folder: &Folder, waiting: &BTreeSet<String>) -> Result<(), FetchFault> {
    let files = folder.files()?;
    for name in files.iter().rev().skip(1).filter(|name| !waiting.contains(*name)) {
        folder.remove(name)?;
    }
    if waiting.len() < WAITING_MAX {
        return Ok(());
    }
    let fix = format!(
        "{WAITING_MAX} files wait in {} to be taken, so the MIS is not read; nothing is lost. `agent status` says why they are \
         refused; once they can be taken it goes on by itself",
        folder.path().display()
    );
    Err(FetchFault::new("FETCH-WAITING", fix))
}

/// A short print of a text, for telling whether it is the same.
fn print(bytes: &[u8]) -> String {
    scan::sha256(bytes).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// When a source was last fetched without a fault.
///
/// # Errors
/// When the spool fails.
pub async fn last_good(spool: &Spool, source: &Source) -> Result<Option<Timestamp>, AgentError> {
    let Some(bytes) = spool.meta(&good(source)).await? else { return Ok(None) };
    let micros = bytes.try_into().map(i64::from_be_bytes).map_err(|_| AgentError::Damaged("fetched"))?;
    Ok(Timestamp::from_micros("fetched", micros).ok())
}

fn good(source: &Source) -> String {
    format!("fetched {}", source.name)
}

/// How long to wait before a source is asked again. After faults longer each time, never shorter than the MIS asks for,
/// and never at the same moment as other agents.
pub fn wait(source: &Source, failures: u32, round: &Round, rng: &dyn Randomness) -> Duration {
    let pace = Duration::from_secs(source.poll_seconds);
    match round {
        Round::Done(_) => pace,
        Round::Failed(fault) => {
            let wait = backoff(failures.saturating_sub(1), WAITS.0, WAITS.1.min(pace.max(WAITS.0)), rng);
            let asked = fault.retry_after.unwrap_or_default().min(RETRY_AFTER_MAX);
            if asked > wait { asked + wait.min(WAITS.0) } else { wait }
        }
    }
}
