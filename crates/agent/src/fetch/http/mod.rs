//! Asking an MIS over HTTPS. Knows no API: a conversation of the connectors says what to ask and what an answer means.
//!
//! Redirects are not followed, links only to the connection's own host, since both would carry the secret elsewhere. Sizes,
//! pages and time are bounded. No address, secret or answer ever stands in a fault.

mod ask;
mod keep;
mod sign_in;

pub use ask::Line;
pub(crate) use ask::client;

use super::{FetchFault, Fetcher, Folder, Outcome};
use crate::{
    chance::{Clock, Randomness},
    settings::{Asked, Connection, Source},
};
use commonroll_connectors::api::{self, Api, ApiFault, Ask, Finish};
use commonroll_core::Timestamp;
use keep::{Changes, Note, Whole};
use std::sync::Arc;

/// After this time everything is read again, whatever the MIS says of what changed.
const ALL_AGAIN_US: i64 = 24 * 3_600_000_000;

/// Fetches over HTTPS.
pub struct Http {
    api: &'static dyn Api,
    line: Line,
    connection: Arc<Connection>,
}

impl Http {
    /// A fetcher for a connection. `None` if no API of its name is known.
    ///
    /// # Errors
    /// The system's TLS can't be used.
    pub fn new(
        connection: &Arc<Connection>,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Randomness>,
    ) -> Result<Option<Self>, FetchFault> {
        let Some(api) = connection.api.as_deref().and_then(api::by_name) else { return Ok(None) };
        let line = Line::new(connection.clone(), api, clock, rng)?;
        Ok(Some(Self { api, line, connection: connection.clone() }))
    }

    /// One conversation from its beginning to its end; rows go where `rows` says.
    async fn talk(
        &self,
        source: &Source,
        since: Option<&str>,
        now: Timestamp,
        rows: &mut (dyn api::Rows + Send),
    ) -> Result<Finish, Stopped> {
        let none = std::collections::BTreeMap::new();
        let asked = source.asked.as_ref();
        let ask = Ask {
            records: asked.and_then(|asked| asked.records.as_deref()).unwrap_or_default(),
            options: &self.connection.options,
            query: asked.map_or(&none, |asked| &asked.query),
            host: self.line.host(),
            since,
            now,
        };
        self.line.talk(self.api.begin(&ask)?, rows).await
    }

    async fn everything(&self, source: &Source, into: &Folder, now: Timestamp) -> Result<Outcome, Stopped> {
        let name = keep::file_name(source);
        let mut whole = Whole::begin(into, &name)?;
        match self.talk(source, None, now, &mut whole).await? {
            Finish::Rows { next } => {
                let is_new = whole.finish(into, &name)?;
                Note { next, all_us: now.micros(), asked: keep::asked(source) }.keep(into, &name)?;
                Ok(if is_new { Outcome::Written(vec![name]) } else { Outcome::Unchanged })
            }
            Finish::Files(files) => {
                drop(whole);
                let mut is_new = false;
                for (name, bytes) in &files {
                    is_new |= into.put(name, bytes)?;
                }
                let names = files.into_iter().map(|(name, _)| name).collect();
                Ok(if is_new { Outcome::Written(names) } else { Outcome::Unchanged })
            }
        }
    }

    /// What changed since the last time, laid over what is there.
    async fn changes(
        &self,
        source: &Source,
        into: &Folder,
        now: Timestamp,
        note: Note,
    ) -> Result<Outcome, Stopped> {
        let name = keep::file_name(source);
        let mut changes = Changes::default();
        let finish = self.talk(source, note.next.as_deref(), now, &mut changes).await?;
        let Finish::Rows { next } = finish else {
            return Err(FetchFault::new("API-FINISH", "the MIS can't be asked for changes").into());
        };
        let folder = into.clone();
        let file = name.clone();
        let laid = tokio::task::spawn_blocking(move || changes.lay_over(&folder, &file));
        let is_new =
            laid.await.map_err(|_| FetchFault::new("FETCH-WRITE", "the data folder can't be written"))??;
        Note { next, ..note }.keep(into, &name)?;
        Ok(if is_new { Outcome::Written(vec![name]) } else { Outcome::Unchanged })
    }
}

#[async_trait::async_trait]
impl Fetcher for Http {
    async fn fetch(&self, source: &Source, into: &Folder, now: Timestamp) -> Result<Outcome, FetchFault> {
        if let Some(fix) = source.asked.as_ref().and_then(Asked::lacks) {
            return Err(FetchFault::new("API-QUERY", format!("`query` is not there: {fix}")));
        }
        let mut tries = 0;
        loop {
            tries += 1;
            let note = Note::read(into, &keep::file_name(source)).filter(|note| {
                note.next.is_some()
                    && note.asked == keep::asked(source)
                    && (0..ALL_AGAIN_US).contains(&now.micros().saturating_sub(note.all_us))
            });
            let fetched = match note {
                Some(note) => self.changes(source, into, now, note).await,
                None => self.everything(source, into, now).await,
            };
            match fetched {
                Ok(outcome) => return Ok(outcome),
                // What can't be laid over, or changed under our hands, is read once more from its beginning.
                Err(stopped) if stopped.again && tries < 2 => into.keep_note(None)?,
                Err(stopped) => return Err(stopped.fault),
            }
        }
    }
}

/// Why a fetch stopped, and whether to begin anew at once.
#[derive(Debug)]
pub struct Stopped {
    /// Why.
    pub fault: FetchFault,
    /// True if what was read can't be used, and all should be read again at once.
    pub again: bool,
}

impl From<FetchFault> for Stopped {
    fn from(fault: FetchFault) -> Self {
        Self { fault, again: false }
    }
}

impl From<ApiFault> for Stopped {
    fn from(fault: ApiFault) -> Self {
        Self { fault: FetchFault::new(fault.rule, fault.fix), again: fault.again }
    }
}

impl From<std::io::Error> for Stopped {
    fn from(error: std::io::Error) -> Self {
        FetchFault::from(error).into()
    }
}
