//! What a day is made of: partners with their folders, files that appear at moments, and what must have arrived in the end.
//!
//! The generator and `--from` both give a [`Setup`]; the play knows nothing else. Nothing here does anything.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

/// A consortium's day, ready to be played.
pub struct Setup {
    /// One line about it, shown first.
    pub title: String,
    /// What `directory import` takes.
    pub consortium: String,
    /// The local school date that is played, as YYYY-MM-DD.
    pub date: String,
    /// The partners, in the order in which they are shown.
    pub partners: Vec<Partner>,
    /// What happens, ascending by `at`.
    pub steps: Vec<Step>,
    /// What must have arrived, by the knowledge of whoever made the setup.
    pub expected: Expected,
    /// Refusals that belong to the day: (who published, the hub's code) and how many. `None` if they are not known.
    pub refused: Option<BTreeMap<(String, String), u64>>,
    /// The home whose people the console can show; the first that keeps a register if none is named.
    pub home: Option<String>,
    /// A partner and the id of somebody who teaches there, if one is known: whom the console can show as a host's teacher.
    pub teacher: Option<(String, String)>,
}

/// One partner and its agent.
pub struct Partner {
    /// Short name, as in the consortium file.
    pub slug: String,
    /// Name for people.
    pub name: String,
    /// IANA time zone.
    pub zone: String,
    /// The agent's sources.
    pub sources: Vec<Source>,
    /// Local times of the AM and PM session (HH:MM:SS), for a partner that keeps a statutory register.
    pub sessions: Option<(String, String)>,
    /// Files that lie in the partner's exports before its agent is started.
    pub files: Vec<FileToWrite>,
}

/// One `[[source]]` of `agent.toml`.
#[derive(Default)]
pub struct Source {
    /// Name, which is also the name of the mapping file.
    pub name: String,
    /// Folder below the partner's `exports`; empty for `exports` itself.
    pub folder: String,
    /// Which files, with `*` and `?`.
    pub pattern: String,
    /// `delimited`, `oneroster` or `edfi`: a name that the connectors know.
    pub connector: String,
    /// Text of the mapping file.
    pub mapping: Option<String>,
    /// True if an export says only what changed.
    pub delta: bool,
    /// True if absence is looked for among all files of the source, not among those of the same name.
    pub absence_in_folder: bool,
    /// Replaces the agent's usual share of records that an export may lose.
    pub shrink_percent_max: Option<u8>,
}

/// A file as an MIS leaves it.
#[derive(Clone)]
pub struct FileToWrite {
    /// Path below the partner's `exports`, with `/`.
    pub path: String,
    /// Its bytes.
    pub content: Content,
    /// What it is, for the screen, such as "register, period 1"; empty if it needs no words.
    pub what: String,
}

/// Bytes of a file.
#[derive(Clone)]
pub enum Content {
    /// These.
    Bytes(Vec<u8>),
    /// Those of another file, byte for byte.
    CopyOf(PathBuf),
}

/// One thing that happens.
pub struct Step {
    /// When in the play at speed 1, from its start.
    pub at: Duration,
    /// The school day's time that is shown, as HH:MM.
    pub clock: String,
    /// The partner to whom it happens.
    pub partner: String,
    /// What happens.
    pub action: Action,
}

/// What happens at a step.
pub enum Action {
    /// An export appears, or an older one is overwritten.
    Write(FileToWrite),
    /// The partner is cut off: its agent is stopped in its tracks.
    CutOff,
    /// The partner loses power in the middle of sending: its agent is stopped in its tracks as soon as the hub has taken
    /// something of what was written last.
    CutWhileSending,
    /// The partner is back.
    Back,
    /// Something to tell the watcher.
    Say(String),
    /// Waits until what was written so far has arrived, so that the order of what follows does not hang on the machine.
    Settle,
}

/// What must have arrived in the homes' outboxes.
pub enum Expected {
    /// Each record, in its final state.
    Records(Vec<Arrived>),
    /// Only how many, by (home, source, kind of record).
    Counts(BTreeMap<(String, String, Kind), u64>),
    /// Nobody said: then every record that the hub accepted must have arrived once, and nothing else.
    Unknown,
}

/// A kind of record, as outbox files are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Lesson marks.
    Attendance,
    /// Results.
    Assessment,
    /// Events.
    Behaviour,
}

/// A record in the home's outbox, by what identifies it for the home and what it says.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Arrived {
    /// The home.
    pub home: String,
    /// The partner whose record it is.
    pub source: String,
    /// The home's own id for the learner.
    pub learner: String,
    /// Kind of record.
    pub kind: Kind,
    /// Local school date as YYYY-MM-DD.
    pub date: String,
    /// Attendance: the home's local start time as HH:MM. Behaviour: its time, or empty. Else empty.
    pub start: String,
    /// Attendance: `mark` or `mark minutes-late`, such as `L 12`. Assessment: `subject/title/grade`. Behaviour: `polarity/label`.
    pub content: String,
}

impl Kind {
    /// The name used for outbox files and on the screen.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Attendance => "attendance",
            Self::Assessment => "assessment",
            Self::Behaviour => "behaviour",
        }
    }
}
