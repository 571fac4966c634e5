//! The log in pages, newest first: what concerns the asker's institution, and the rules, which concern everybody. Each page
//! reads a bounded stretch of the log, and says how far it looked.

use crate::{
    Exchange,
    directory::Directory,
    entry::{Entry, Note, RecordEntry, split_entries},
    office::Acting,
    questions::{AskError, concerns},
    warnings::TOLD,
};
use commonroll_audit::hash::leaf_hash;
use commonroll_core::{PersonId, Timestamp};
use commonroll_policy::OfficeAct;

/// Lines of a page.
pub const PAGE_LINES: usize = 40;
/// Entries looked at in one step backwards, and steps of one page at most.
const STEP: u64 = 2_048;
const STEPS: u32 = 12;
/// Blocks read at a time.
const BLOCKS: u32 = 64;

/// Which entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogKind {
    /// All of them.
    All,
    /// Records that were accepted.
    Records,
    /// What people or institutions saw, or were handed.
    Seen,
    /// What was refused or withheld.
    Refused,
    /// The rules: policies, agreements, partners.
    Rules,
    /// People, sign-ins and agents.
    People,
    /// Erasing, keeping, exporting.
    Kept,
}

impl LogKind {
    /// Every kind, in the order in which they are offered.
    pub const ALL: [Self; 7] =
        [Self::All, Self::Records, Self::Seen, Self::Refused, Self::Rules, Self::People, Self::Kept];

    /// Its name in an address.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Records => "records",
            Self::Seen => "seen",
            Self::Refused => "refused",
            Self::Rules => "rules",
            Self::People => "people",
            Self::Kept => "kept",
        }
    }

    /// The kind with this name; everything for any other.
    pub fn named(name: &str) -> Self {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name).unwrap_or(Self::All)
    }

    fn has(self, what: &str) -> bool {
        let begins = |with: &[&str]| with.iter().any(|with| what.starts_with(with));
        let refused =
            what.ends_with(".refused") || matches!(what, "delivery.withheld" | "read.slowed" | TOLD);
        match self {
            Self::All => true,
            Self::Records => false,
            Self::Refused => refused,
            _ if refused => false,
            Self::Seen => {
                begins(&["audit.", "feed."])
                    || what.ends_with(".shown")
                    || matches!(what, "read.disclosed" | "emergency.opened" | "emergency.listed")
            }
            Self::Rules => begins(&["policy.", "agreement.", "institution.", "directory.institution"]),
            Self::People => begins(&["person.", "invitation.", "agent.", "signin.", "access.", "renewal."]),
            Self::Kept => begins(&[
                "record.",
                "erasure.",
                "retention.",
                "notice.",
                "subject.",
                "breach.",
                "exit.",
                "export.",
            ]),
        }
    }
}

/// What an entry says.
#[derive(Debug, Clone, PartialEq)]
pub enum Deed {
    /// A record was accepted.
    Record {
        /// Its kind.
        kind: commonroll_core::RecordKind,
        /// Its revision, from 1.
        revision: u32,
        /// True if it withdraws the record.
        withdrawn: bool,
        /// The hub's number of the learner.
        learner: u32,
        /// The name of the institution that made it.
        source: String,
        /// To whom it goes, and which field groups.
        to: Vec<(String, u32)>,
    },
    /// Anything else.
    Note {
        /// What happened, as the entry says it.
        what: String,
        /// What else it says; nothing personal.
        more: serde_json::Value,
    },
}

/// One entry.
#[derive(Clone)]
pub struct LogLine {
    /// Counted from 1.
    pub sequence: u64,
    /// When.
    pub at: Timestamp,
    /// What.
    pub deed: Deed,
    /// Who did it: the name of an institution, or of somebody of the asker's own; else what the entry calls them.
    pub by: String,
    /// The leaf's hash.
    pub leaf: [u8; 32],
}

impl std::fmt::Debug for LogLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LogLine({})", self.sequence)
    }
}

/// A page of the log.
#[derive(Debug, Clone)]
pub struct LogPage {
    /// Entries of the whole log.
    pub size: u64,
    /// Newest first.
    pub lines: Vec<LogLine>,
    /// The entries that were looked through: first and last, counted from 1.
    pub looked: (u64, u64),
    /// Where the next page begins; `None` at the log's beginning.
    pub older: Option<u64>,
}

impl Exchange {
    /// A page of the log, newest first: entries before one (counted from 1), or from the end. What is about other
    /// institutions alone isn't in it.
    ///
    /// # Errors
    /// [`AskError`].
    pub async fn log_page(
        &self,
        acting: Acting<'_>,
        (kind, before): (LogKind, Option<u64>),
        now: Timestamp,
    ) -> Result<LogPage, AskError> {
        self.at_desk(acting, OfficeAct::SeeLog)?;
        let about = serde_json::json!({ "kind": kind.as_str(), "before": before });
        self.looks(acting, ("log", about), now).await?;
        let size = self.shared.frontier().size();
        let end = before.map_or(size, |before| before.saturating_sub(1).min(size));
        let (mut lines, mut next, mut steps) = (Vec::new(), end, 0);
        while next > 0 && lines.len() < PAGE_LINES && steps < STEPS {
            let from = next.saturating_sub(STEP);
            let mut found = self.stretch(acting, kind, (from, next)).await?;
            found.reverse();
            lines.append(&mut found);
            (next, steps) = (from, steps + 1);
        }
        if lines.len() > PAGE_LINES {
            lines.truncate(PAGE_LINES);
            next = lines.last().map_or(next, |line: &LogLine| line.sequence - 1);
        }
        Ok(LogPage { size, lines, looked: (next + 1, end), older: (next > 0).then_some(next + 1) })
    }

    /// What concerns the asker in a stretch of the log, in order.
    async fn stretch(
        &self,
        acting: Acting<'_>,
        kind: LogKind,
        (from, to): (u64, u64),
    ) -> Result<Vec<LogLine>, AskError> {
        let (mut lines, mut next) = (Vec::new(), from);
        while next < to {
            let blocks = self.shared.store.blocks(next, BLOCKS, false).await;
            let blocks = blocks.map_err(|_| AskError::Unavailable)?;
            let Some(end) = blocks.last().map(commonroll_store::Block::end) else { break };
            let directory = self.shared.directory();
            let teller = Teller { directory: &directory, acting, kind };
            for block in &blocks {
                let entries = split_entries(&block.entries).map_err(|_| AskError::Unavailable)?;
                let inside = (block.first_seq..).zip(entries).filter(|(seq, _)| (next..to).contains(seq));
                lines.extend(inside.filter_map(|(seq, bytes)| teller.line(seq, bytes)));
            }
            next = end;
        }
        Ok(lines)
    }
}

/// Tells entries to whom they concern.
struct Teller<'a> {
    directory: &'a Directory,
    acting: Acting<'a>,
    kind: LogKind,
}

impl Teller<'_> {
    fn line(&self, seq: u64, bytes: &[u8]) -> Option<LogLine> {
        let wanted = match Entry::is_record(bytes) {
            true => matches!(self.kind, LogKind::All | LogKind::Records),
            false => self.kind != LogKind::Records,
        };
        if !wanted {
            return None;
        }
        let (at, deed, by) = match Entry::decode(bytes).ok()? {
            Entry::Record(record) => self.record(&record)?,
            Entry::Note(note) => self.note(note)?,
        };
        Some(LogLine { sequence: seq + 1, at, deed, by, leaf: leaf_hash(bytes) })
    }

    fn record(&self, record: &RecordEntry) -> Option<(Timestamp, Deed, String)> {
        let own = self.acting.speaker.number;
        if !record.concerns(own) {
            return None;
        }
        let name = |number: u16| self.directory.institution(number).map(|state| state.info.name.clone());
        let to = record.recipients.iter().filter_map(|to| Some((name(to.institution)?, to.groups)));
        let source = name(record.source)?;
        let deed = Deed::Record {
            kind: record.kind,
            revision: record.revision,
            withdrawn: record.withdrawn,
            learner: record.learner,
            source: source.clone(),
            to: to.collect(),
        };
        Some((record.accepted_at, deed, source))
    }

    fn note(&self, note: Note) -> Option<(Timestamp, Deed, String)> {
        if !self.kind.has(&note.what) || !self.concerned(&note) {
            return None;
        }
        let at = Timestamp::from_micros("at", note.at_us).ok()?;
        let actor = note.more["actor"].as_str().unwrap_or(&note.by);
        let by = self.name(actor);
        Some((at, Deed::Note { what: note.what, more: note.more }, by))
    }

    /// Whether an entry is the asker's to read.
    fn concerned(&self, note: &Note) -> bool {
        let everybodys = ["policy.", "agreement.", "institution.", "directory.institution", "hub."];
        if everybodys.iter().any(|with| note.what.starts_with(with)) && !note.what.ends_with(".refused") {
            return true;
        }
        let actor = note.more["actor"].as_str().unwrap_or(&note.by);
        let own = self.acting.speaker;
        person(actor).is_some_and(|id| self.is_own(id)) || concerns(note, own.institution().as_str())
    }

    fn is_own(&self, id: PersonId) -> bool {
        self.directory.person(id).is_some_and(|person| person.institution == self.acting.speaker.number)
    }

    /// An institution by its name, one's own people by theirs.
    fn name(&self, by: &str) -> String {
        if let Some(id) = person(by) {
            let held = self.directory.person(id);
            return match held.map(|held| (held, self.directory.institution(held.institution))) {
                Some((held, _)) if self.is_own(id) => held.name.clone(),
                Some((_, Some(state))) => format!("Somebody at {}", state.info.name),
                _ => "Somebody".to_owned(),
            };
        }
        let institution = by.parse().ok().and_then(|slug| self.directory.number_of(&slug));
        match institution.and_then(|number| self.directory.institution(number)) {
            Some(state) => state.info.name.clone(),
            None => by.to_owned(),
        }
    }
}

fn person(by: &str) -> Option<PersonId> {
    by.strip_prefix("person:")?.parse().ok()
}
