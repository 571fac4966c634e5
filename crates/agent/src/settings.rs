//! `agent.toml`: where exports lie, what they are, where to write back. Errors name the file and the key.
//!
//! Relative paths are taken from the settings file's own folder. Keys and certificates are not settings: they live in
//! the identity folder, see [`crate::identity`].

mod alarms;
mod apply;
mod connection;
mod names;
mod secrets;
pub(crate) mod sif;

pub use alarms::Alarms;
pub use apply::Apply;
pub use connection::{Connection, Kind, SecretPlace, SignIn};
pub use names::Names;
pub use sif::Sif;

use crate::error::AgentError;
use commonroll_connectors::{Connector, Mapping, api};
use jiff::tz::TimeZone;
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

const FETCHED: &str = "fetched";

/// Everything that `agent.toml` says, checked.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The data folder: identity, spool, problems file.
    pub data: PathBuf,
    /// The institution's time zone, in which local times of files are read.
    pub zone: TimeZone,
    /// The folders to read exports from.
    pub sources: Vec<Source>,
    /// Where to write back; `None` for an institution that only sends.
    pub outbox: Option<Outbox>,
    /// What replaces the invitation's addresses.
    pub hub: HubOverride,
    /// Where alarms about the hub are told; `None` for nowhere but here.
    pub alarms: Option<Alarms>,
    /// What the agent's log shows, in the form of `tracing` filters.
    pub log: String,
    /// How fast and how much.
    pub pace: Pace,
}

/// One kind of export in one folder.
#[derive(Debug, Clone)]
pub struct Source {
    /// Short name, unique among the sources.
    pub name: String,
    /// The folder.
    pub folder: PathBuf,
    /// Which files in it, with `*` and `?`. Capitals don't matter.
    pub pattern: String,
    /// Who reads them.
    pub connector: ConnectorRef,
    /// How the institution's columns and codes are to be read.
    pub mapping: Option<Mapping>,
    /// The mapping file's text, so that a changed mapping is noticed.
    pub mapping_text: String,
    /// Whether absence means something.
    pub export: ExportKind,
    /// Among what absence is looked for.
    pub absence: Absence,
    /// An export is a fault when more than this many of a hundred records in its scope would be withdrawn; 100 switches
    /// the check off.
    pub shrink_percent_max: u8,
    /// Scopes with fewer records before than this may shrink as they like.
    pub shrink_from: u64,
    /// Take an export again that was followed by another one.
    pub accept_old_exports: bool,
    /// Seconds between looks into the folder where watching doesn't work; of a source that is fetched, between fetches.
    pub poll_seconds: u64,
    /// True if what it says is of this moment. What an MIS' vendor hands on hours later says nothing about whereabouts.
    pub live: bool,
    /// Whom to ask for the files; `None` for a folder that the MIS fills by itself.
    pub asked: Option<Asked>,
}

/// What a source asks of whom.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The MIS.
    pub connection: Arc<Connection>,
    /// Which of its records, in the words of its API; `None` where the mapping says it.
    pub records: Option<String>,
    /// What is asked besides the usual, for `http`: parameters and their values.
    pub query: BTreeMap<String, String>,
}

impl Asked {
    /// Why it can't be asked as the settings stand, and what to add; `None` if it can. Other sources go on.
    pub fn lacks(&self) -> Option<&'static str> {
        let api = self.connection.api.as_deref().and_then(api::by_name)?;
        api.wants_query(self.records.as_deref()?).filter(|_| self.query.is_empty())
    }
}

/// A connector, which has no `Debug` of its own.
#[derive(Clone, Copy)]
pub struct ConnectorRef(pub &'static dyn Connector);

impl std::fmt::Debug for ConnectorRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.name())
    }
}

/// Whether an export is the whole state or only what changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExportKind {
    /// The whole state: what is absent inside the export's scope was withdrawn.
    #[default]
    Snapshot,
    /// What changed: absence says nothing.
    Delta,
}

/// Among what an absent record was sent before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Absence {
    /// Records that came from a file of the same name. Right where a file is overwritten, or each class has its own.
    #[default]
    File,
    /// Records that came from any file of this source. Right where each export has a new name.
    Folder,
}

/// Where received records are written.
#[derive(Debug, Clone)]
pub struct Outbox {
    /// The folder.
    pub folder: PathBuf,
    /// In which forms.
    pub formats: Vec<OutboxFormat>,
    /// The moments at which a home that keeps a statutory register closes it.
    pub sessions: Sessions,
    /// Whose attendance SIF objects are, and in which codes; `None` if none are written.
    pub sif: Option<Sif>,
    /// What the home's MIS calls sorts of behaviour and kinds of grades.
    pub names: Names,
    /// Into which MIS they are carried from there; `None` if somebody else does.
    pub apply: Option<Apply>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawOutbox {
    folder: PathBuf,
    #[serde(default = "both_formats")]
    formats: Vec<OutboxFormat>,
    #[serde(default)]
    sessions: Sessions,
    sif: Option<sif::RawSif>,
    #[serde(default)]
    names: Names,
    apply: Option<apply::RawApply>,
}

/// Local times at which the home's sessions are registered. A host's mark that covers one of them, and saw the learner,
/// is proposed as that session's mark. Without a time nothing is proposed for that session.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sessions {
    /// Morning, as HH:MM:SS.
    pub am: Option<jiff::civil::Time>,
    /// Afternoon, as HH:MM:SS.
    pub pm: Option<jiff::civil::Time>,
}

/// A form of write-back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OutboxFormat {
    /// SIMS-shaped session and lesson XML, for attendance.
    SimsXml,
    /// CSV, for every kind.
    Csv,
    /// SIF objects, for lesson marks.
    SifXml,
    /// Results and behaviour as XML for the program that enters them in SIMS, beside their lists.
    SimsRecordsXml,
}

/// Addresses that replace those of the invitation.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HubOverride {
    /// `host:port` of the exchange.
    pub address: Option<String>,
    /// `host:port` of joining and renewing.
    pub join: Option<String>,
}

/// How fast and how much.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Pace {
    /// Most records in a batch, 1 to 500.
    pub batch_records_max: u32,
    /// Most batches under way at once, 1 to 64.
    pub batches_in_flight_max: u32,
    /// Milliseconds for which a file must not change before it is read.
    pub settle_ms: u64,
    /// Seconds before a record that was refused for want of a placement or an agreement is tried again. Doubles with
    /// each try, up to an hour.
    pub retry_seconds: u64,
    /// How often such a record is tried, not counting the tries that follow a change of the directory.
    pub retries_max: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            batch_records_max: 200,
            batches_in_flight_max: 16,
            settle_ms: 300,
            retry_seconds: 60,
            retries_max: 200,
        }
    }
}

fn both_formats() -> Vec<OutboxFormat> {
    vec![OutboxFormat::SimsXml, OutboxFormat::Csv]
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    data: PathBuf,
    zone: Option<String>,
    #[serde(default)]
    connection: BTreeMap<String, connection::RawConnection>,
    #[serde(default)]
    source: Vec<RawSource>,
    outbox: Option<RawOutbox>,
    #[serde(default)]
    hub: HubOverride,
    alarms: Option<alarms::RawAlarms>,
    #[serde(default)]
    log: RawLog,
    #[serde(default)]
    pace: Pace,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLog {
    filter: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSource {
    name: Option<String>,
    folder: Option<PathBuf>,
    from: Option<String>,
    records: Option<String>,
    #[serde(default)]
    query: BTreeMap<String, String>,
    live: Option<bool>,
    pattern: Option<String>,
    connector: Option<String>,
    mapping: Option<PathBuf>,
    #[serde(default)]
    export: ExportKind,
    #[serde(default)]
    absence: Absence,
    shrink_percent_max: Option<u8>,
    shrink_from: Option<u64>,
    accept_old_exports: Option<bool>,
    poll_seconds: Option<u64>,
}

impl Settings {
    /// Reads and checks a settings file and the mapping files that it names.
    ///
    /// # Errors
    /// [`AgentError::Settings`] with the file, the key and what to write instead.
    pub fn load(file: &Path) -> Result<Self, AgentError> {
        let text =
            fs::read_to_string(file).map_err(|error| wrong(file, format!("can't be read: {error}")))?;
        Self::parse(&text, file)
    }

    /// Checks the text of a settings file; `file` is named in errors and its folder is where relative paths begin.
    ///
    /// # Errors
    /// As [`Settings::load`].
    pub fn parse(text: &str, file: &Path) -> Result<Self, AgentError> {
        secrets::refuse(text, file)?;
        let raw: Raw = toml::from_str(text).map_err(|error| wrong(file, secrets::told(&error, text)))?;
        let base = file.parent().unwrap_or(Path::new("."));
        let zone_name = raw.zone.as_deref().unwrap_or("Europe/London");
        let zone = TimeZone::get(zone_name)
            .map_err(|_| wrong(file, "key `zone`: must be an IANA time zone such as Europe/London"))?;
        let mut connections = BTreeMap::new();
        for (name, connection) in raw.connection {
            let connection = Arc::new(connection.check(&name, base, file)?);
            connections.insert(name, connection);
        }
        let data = base.join(raw.data);
        let known = Known { base, file, data: &data, connections: &connections };
        let mut sources: Vec<Source> = Vec::with_capacity(raw.source.len());
        for (index, source) in raw.source.into_iter().enumerate() {
            let source = source.check(index, &known)?;
            if sources.iter().any(|other| other.name == source.name) {
                return Err(wrong(file, format!("key `source.{index}.name`: another source has this name")));
            }
            sources.push(source);
        }
        let outbox = raw.outbox.map(|outbox| outbox.check(&known)).transpose()?;
        raw.pace.check(file)?;
        let alarms = raw.alarms.map(|alarms| alarms.check(base, file)).transpose()?;
        let log = raw.log.filter.unwrap_or_else(|| "info".to_owned());
        Ok(Self { data, zone, sources, outbox, hub: raw.hub, alarms, log, pace: raw.pace })
    }

    /// The identity folder.
    pub fn identity_folder(&self) -> PathBuf {
        self.data.join("identity")
    }

    /// The spool's file.
    pub fn spool_file(&self) -> PathBuf {
        self.data.join("spool.sqlite")
    }

    /// The folder of what is fetched, with one folder for each source.
    pub fn fetched_folder(&self) -> PathBuf {
        self.data.join(FETCHED)
    }

    /// The problems file, for people and spreadsheets.
    pub fn problems_file(&self) -> PathBuf {
        self.data.join("problems.csv")
    }

    /// Where the last good checkpoint and the first refused one are put when the log's history does not hold.
    pub fn evidence_files(&self) -> [PathBuf; 2] {
        ["history-seen.checkpoint", "history-refused.checkpoint"].map(|name| self.data.join(name))
    }
}

/// What the checking of a source needs to know.
struct Known<'a> {
    base: &'a Path,
    file: &'a Path,
    data: &'a Path,
    connections: &'a BTreeMap<String, Arc<Connection>>,
}

impl RawOutbox {
    fn check(self, known: &Known<'_>) -> Result<Outbox, AgentError> {
        let Self { folder, formats, sessions, sif, names, apply } = self;
        if formats.is_empty() {
            let problem = "key `outbox.formats`: name at least one of \"sims-xml\", \"sims-records-xml\", \"csv\", \"sif-xml\"";
            return Err(wrong(known.file, problem));
        }
        let sif = sif::check(sif, &formats, known.file)?;
        let apply = apply.map(|apply| apply.check(&formats, known.connections, known.file)).transpose()?;
        let names = names.check(known.file)?;
        Ok(Outbox { folder: known.base.join(folder), formats, sessions, sif, names, apply })
    }
}

impl RawSource {
    fn check(self, index: usize, known: &Known<'_>) -> Result<Source, AgentError> {
        let at =
            |key: &str, problem: &str| wrong(known.file, format!("key `source.{index}.{key}`: {problem}"));
        let mapping = self.mapping.as_ref().map(|path| read_mapping(&known.base.join(path))).transpose()?;
        let named = self.connector.as_deref().or(mapping.as_ref().map(|(mapping, ..)| mapping.connector()));
        let connector = named.and_then(commonroll_connectors::by_name).ok_or_else(|| {
            let names: Vec<_> = commonroll_connectors::ALL.iter().map(|c| c.name()).collect();
            at("connector", &format!("must be one of: {}", names.join(", ")))
        })?;
        if let (Some((mapping, _)), Some(path)) = (&mapping, &self.mapping)
            && mapping.connector() != connector.name()
        {
            let problem = format!("key `format`: the source names the connector \"{}\"", connector.name());
            return Err(wrong(&known.base.join(path), problem));
        }
        let asked = self.asked(known, &at)?;
        let pattern = match (self.pattern, &asked) {
            (Some(pattern), _) => pattern,
            (None, Some(_)) => "*".to_owned(),
            (None, None) => return Err(at("pattern", "must be a file name with * and ?")),
        };
        if pattern.is_empty() || pattern.contains(['/', '\\']) {
            return Err(at("pattern", "must be a file name with * and ?, without folders"));
        }
        let shrink_percent_max = self.shrink_percent_max.unwrap_or(50);
        if shrink_percent_max > 100 {
            return Err(at("shrink_percent_max", "must be between 0 and 100"));
        }
        let (name, folder) = match (self.name, self.folder, &asked) {
            (Some(name), None, Some(_)) if connection::is_plain(&name) => {
                let folder = known.data.join(FETCHED).join(&name);
                (name, folder)
            }
            (_, None, Some(_)) => {
                return Err(at("name", "a source with `from` needs one, of letters, digits, `-` and `_`"));
            }
            (_, Some(_), Some(_)) => return Err(at("folder", "give either `folder` or `from`, not both")),
            (name, Some(folder), None) => {
                (name.unwrap_or_else(|| format!("{}/{pattern}", folder.display())), known.base.join(folder))
            }
            (_, None, None) => {
                return Err(at("folder", "must say where the files are, or `from` which connection to ask"));
            }
        };
        let (pace, longest) = match asked.as_ref().map(|asked| asked.connection.kind) {
            None => (10, 3600),
            Some(Kind::Http) => (900, 7 * 86_400),
            Some(Kind::Mysql | Kind::Postgres) => (30, 86_400),
        };
        let vendor = asked.as_ref().is_some_and(|asked| asked.connection.kind == Kind::Http);
        let (mapping, mapping_text) = mapping.map_or((None, String::new()), |(m, text)| (Some(m), text));
        Ok(Source {
            name,
            folder,
            pattern,
            connector: ConnectorRef(connector),
            mapping,
            mapping_text,
            export: self.export,
            absence: self.absence,
            shrink_percent_max,
            shrink_from: self.shrink_from.unwrap_or(20),
            // An answer of this moment can't be yesterday's file.
            accept_old_exports: self.accept_old_exports.unwrap_or(asked.is_some()),
            poll_seconds: self.poll_seconds.unwrap_or(pace).clamp(1, longest),
            live: self.live.unwrap_or(!vendor),
            asked,
        })
    }

    fn asked(
        &self,
        known: &Known<'_>,
        at: &dyn Fn(&str, &str) -> AgentError,
    ) -> Result<Option<Asked>, AgentError> {
        let Some(from) = &self.from else {
            if self.records.is_some() || !self.query.is_empty() {
                return Err(at("records", "`records` and `query` are for sources with `from` alone"));
            }
            return Ok(None);
        };
        let connection = known
            .connections
            .get(from)
            .cloned()
            .ok_or_else(|| at("from", "names no connection of these settings; add [connection.NAME]"))?;
        if let Some(api) = connection.api.as_deref().and_then(api::by_name) {
            let records = api.records();
            if !self.records.as_deref().is_some_and(|r| records.is_empty() || records.contains(&r)) {
                let any =
                    if records.is_empty() { "the path to ask for".to_owned() } else { records.join(", ") };
                return Err(at("records", &format!("must say what is asked for: {any}")));
            }
            if self.live == Some(true) && !api.can_be_live() {
                let fix =
                    "this API reads the MIS only every few hours, so its answers are never of this moment";
                return Err(at("live", fix));
            }
        }
        Ok(Some(Asked { connection, records: self.records.clone(), query: self.query.clone() }))
    }
}

fn read_mapping(path: &Path) -> Result<(Mapping, String), AgentError> {
    let text = fs::read_to_string(path).map_err(|error| wrong(path, format!("can't be read: {error}")))?;
    let mapping: Mapping = text.parse().map_err(|error| wrong(path, format!("{error}")))?;
    Ok((mapping, text))
}

impl Pace {
    fn check(&self, file: &Path) -> Result<(), AgentError> {
        if !(1..=500).contains(&self.batch_records_max) {
            return Err(wrong(file, "key `pace.batch_records_max`: must be between 1 and 500"));
        }
        if !(1..=64).contains(&self.batches_in_flight_max) {
            return Err(wrong(file, "key `pace.batches_in_flight_max`: must be between 1 and 64"));
        }
        if self.settle_ms > 60_000 {
            return Err(wrong(file, "key `pace.settle_ms`: must be at most 60000"));
        }
        if !(1..=86_400).contains(&self.retry_seconds) {
            return Err(wrong(file, "key `pace.retry_seconds`: must be between 1 and 86400"));
        }
        Ok(())
    }
}

fn wrong(file: &Path, problem: impl Into<String>) -> AgentError {
    AgentError::Settings { file: file.to_owned(), problem: problem.into() }
}

/// True if a file name has the shape of a pattern: `*` stands for anything, `?` for one character, capitals don't matter.
pub fn matches(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.to_lowercase().chars().collect();
    let name: Vec<char> = name.to_lowercase().chars().collect();
    let (mut p, mut n, mut star) = (0, 0, None);
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(c) if *c == '?' || *c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    p = at + 1;
                    n = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}
