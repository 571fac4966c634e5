//! The outbox: received records as files that a school's own tool or helper carries into the MIS.
//!
//! A file is whole or not there, and its name follows from the piece of the feed that it came from, so the same piece
//! gives the same files. What the MIS then says of each row comes back in result files, see [`results`].

pub(crate) mod marks;
pub(crate) mod removals;
pub mod results;
mod rows;
mod sif;

use crate::{
    apply::results::Results,
    durable::{self, Readers},
    settings::{Apply, Names, Outbox, OutboxFormat, Sessions, Sif},
};
use commonroll_connectors::render::{self, MarkRow, Outcome, Session};
use commonroll_core::{Body, Record, RecordKind};
use jiff::tz::TimeZone;
use removals::Removals;
pub use removals::{Removal, TakenBack};
use rows::Rows;
use std::{borrow::Cow, fs, io, path::PathBuf};

/// What stands before the number in the names of files of decided session codes.
pub(crate) const DECIDED: &str = "decided-";
const BEFORE: &str = "it, or an earlier revision of it, was a person's to enter, before a program entered such: bring that entry up to this \
                      row by hand, or take it out if the row is withdrawn; then write `applied` here";

/// A record that arrived, verified.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// Its sequence number in the log.
    pub sequence: u64,
    /// The record; groups that were withheld are `None` in it.
    pub record: Record,
    /// The learner, by the recipient's own local id.
    pub learner: String,
    /// When the hub took it, microseconds since the epoch.
    pub accepted_at_us: i64,
    /// Sessions of its day that a person here decided for the learner: for these nothing is proposed any more.
    pub decided: Vec<Session>,
    /// It, or an older revision of it, was a person's to enter, before a program entered such: it is theirs to mend.
    pub is_by_hand: bool,
}

/// Who carries decided session codes from the outbox into the MIS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handed {
    /// A program.
    Program,
    /// A person.
    Person,
}

/// Carries records into the recipient's MIS, or next to it.
pub trait WriteBack: Send + Sync {
    /// Tells whether one record can be written, by doing all but writing it.
    ///
    /// # Errors
    /// Why not, in words for the data manager.
    fn check(&self, arrival: &Arrival) -> Result<(), String>;

    /// Writes records durably, in this order. The same `range` with the same records has the same effect again.
    ///
    /// # Errors
    /// When nothing more can be written just now; it is tried again as a whole.
    fn write(&self, range: &str, arrivals: &[Arrival]) -> io::Result<()>;

    /// Writes what people here decided of session codes, durably: the same `number` with the same rows has the same effect again.
    /// A withdrawn row takes back what was written or proposed. Gives who carries them on.
    ///
    /// # Errors
    /// When nothing more can be written just now; it is tried again as a whole.
    fn decide(&self, number: u64, rows: &[MarkRow]) -> io::Result<Handed> {
        let _ = (number, rows);
        Ok(Handed::Person)
    }

    /// Takes copies back as far as the MIS can, and tells of each what became of it. Durable, and the same `range` with
    /// the same removals has the same effect again. What a write-back can't do is a person's to do.
    ///
    /// # Errors
    /// When nothing more can be written just now; it is tried again as a whole.
    fn take_back(&self, range: &str, removals: &[Removal]) -> io::Result<Vec<TakenBack>> {
        let _ = range;
        Ok(vec![removals::BY_HAND; removals.len()])
    }
}

/// Writes into a folder. Files are named `<what>-<range>.xml` and `.csv`, where what is `attendance`, `session`, `sif`,
/// `assessment` or `behaviour`; of the last two there is a list in any case, and XML beside it where a program enters them. What people here decided of session codes is in `session-decided-<number>`.
#[derive(Debug)]
pub struct Folder {
    folder: PathBuf,
    formats: Vec<OutboxFormat>,
    sessions: Sessions,
    sif: Option<Sif>,
    names: Names,
    zone: TimeZone,
    /// A program of ours carries lists of lesson marks into the MIS.
    carried: bool,
    /// A program of ours carries lists of session marks into the MIS.
    sessions_carried: bool,
    /// Records other than attendance of which a program of ours carries the lists into the MIS.
    records_carried: Vec<RecordKind>,
    /// A program of ours posts marks of lessons and sessions into the MIS, and can take none out again.
    posted: bool,
}

impl Folder {
    /// The outbox of the settings; local times are written in `zone`. Makes the folder.
    ///
    /// # Errors
    /// When the folder can't be made.
    pub fn open(outbox: &Outbox, zone: TimeZone) -> io::Result<Self> {
        fs::create_dir_all(&outbox.folder)?;
        let (folder, formats) = (outbox.folder.clone(), outbox.formats.clone());
        let carried = outbox.apply.as_ref().is_some_and(Apply::takes_out);
        let posted = outbox.apply.is_some() && !carried;
        let sessions_carried = outbox.apply.as_ref().is_some_and(Apply::takes_sessions);
        let is_carried = |kind: &RecordKind| outbox.apply.as_ref().is_some_and(|apply| apply.takes(*kind));
        let records_carried = RecordKind::ALL.into_iter().filter(is_carried).collect();
        Ok(Self {
            folder,
            formats,
            sessions: outbox.sessions,
            sif: outbox.sif.clone(),
            names: outbox.names.clone(),
            zone,
            carried,
            sessions_carried,
            records_carried,
            posted,
        })
    }

    fn rows<'a>(&self, mut arrivals: impl Iterator<Item = &'a Arrival>) -> Result<Rows, String> {
        let mut rows = Rows::default();
        arrivals.try_for_each(|arrival| rows.add(arrival, &self.sessions, &self.names, &self.zone))?;
        Ok(rows)
    }

    /// Name and content of every file that these rows make. What no XML that is written has a form for is written as CSV. Marks of
    /// `theirs` are a person's: in lists and SIF objects as ever, and never in SIMS' XML.
    fn files(&self, rows: &Rows, theirs: &Rows) -> Vec<(&'static str, &'static str, Vec<u8>)> {
        let mut files = Vec::new();
        let (xml, csv) = (self.writes(OutboxFormat::SimsXml), self.writes(OutboxFormat::Csv));
        if !rows.lessons.is_empty() && xml {
            files.push((RecordKind::Attendance.as_str(), "xml", render::lesson_xml(&rows.lessons)));
        }
        let lessons = together(&rows.lessons, &theirs.lessons);
        // Where no list has all rows, what SIF can't say is still to be seen in one.
        let mut left = None;
        if let Some(sif) = &self.sif {
            let (objects, others) = sif::objects(&lessons, sif);
            files.extend(objects.map(|objects| ("sif", "xml", objects)));
            left = (!csv).then_some(others);
        }
        let listed = left.as_deref().unwrap_or(if csv { &lessons } else { &[] });
        if !listed.is_empty() {
            files.push((RecordKind::Attendance.as_str(), "csv", render::lesson_csv(listed)));
        }
        if !rows.sessions.is_empty() && xml {
            files.push(("session", "xml", render::session_xml(&rows.sessions)));
        }
        let sessions = together(&rows.sessions, if csv { &theirs.sessions } else { &[] });
        if !sessions.is_empty() && (csv || !xml) {
            files.push(("session", "csv", render::session_csv(&sessions)));
        }
        files.extend(self.records(rows));
        if !rows.assessments.is_empty() {
            files.push((RecordKind::Assessment.as_str(), "csv", render::assessment_csv(&rows.assessments)));
        }
        if !rows.behaviours.is_empty() {
            files.push((RecordKind::Behaviour.as_str(), "csv", render::behaviour_csv(&rows.behaviours)));
        }
        files
    }

    /// Results and behaviour for the program that enters them in the MIS.
    fn records(&self, rows: &Rows) -> Vec<(&'static str, &'static str, Vec<u8>)> {
        let mut files = Vec::new();
        if !self.takes_records() {
            return files;
        }
        let results = rows::for_programs(&rows.assessments, |row| &mut row.head, |row| !row.kind.is_empty());
        if !results.is_empty() {
            files.push((RecordKind::Assessment.as_str(), "xml", render::results_xml(&results)));
        }
        let events =
            rows::for_programs(&rows.behaviours, |row| &mut row.head, |row| !row.polarity.is_empty());
        if !events.is_empty() {
            files.push((RecordKind::Behaviour.as_str(), "xml", render::behaviour_xml(&events)));
        }
        files
    }

    fn put(&self, range: &str, files: Vec<(&'static str, &'static str, Vec<u8>)>) -> io::Result<()> {
        for (what, ending, content) in files {
            let stem = format!("{what}-{range}");
            // Applied already, and perhaps taken away by the helper: after a crash it is not to be applied once more.
            if !self.folder.join(format!("{stem}.result.csv")).exists() {
                durable::replace(&self.folder.join(format!("{stem}.{ending}")), &content, Readers::Folder)?;
            }
        }
        Ok(())
    }

    /// True if a program does something where a row says that a mark is withdrawn: takes it out, or no longer posts it.
    fn heeds_withdrawals(&self) -> bool {
        self.carried || self.posted || self.writes(OutboxFormat::SimsXml)
    }

    /// True if programs take a lesson's mark out of everything that has it. A SIF object can't say that another is to go.
    fn takes_out_lessons(&self) -> bool {
        self.heeds_withdrawals() && !self.posted && self.sif.is_none()
    }

    /// True if it can be said that a program takes a session's mark out of the MIS. Into databases ours carries the row that takes it
    /// out too, and a person looks: the register is the school's own, and no answer waits for that row.
    fn takes_out_sessions(&self) -> bool {
        self.writes(OutboxFormat::SimsXml)
    }

    /// True if a program enters results and behaviour in the MIS, and takes out what is withdrawn.
    fn takes_records(&self) -> bool {
        self.writes(OutboxFormat::SimsRecordsXml)
    }

    /// True if a program enters records of this kind in the MIS, and knows nothing of what a person entered before it did. Ours,
    /// which carries marks into databases, looks at what stands there.
    fn enters(&self, kind: RecordKind) -> bool {
        match kind {
            RecordKind::Attendance => self.writes(OutboxFormat::SimsXml),
            RecordKind::Assessment | RecordKind::Behaviour => self.takes_records() || self.carries(kind),
        }
    }

    /// True if a program of ours carries records of this kind, other than attendance, into the MIS.
    fn carries(&self, kind: RecordKind) -> bool {
        self.records_carried.contains(&kind)
    }

    /// True if a record is a person's to see to, although a program enters such.
    fn is_by_hand(&self, arrival: &Arrival) -> bool {
        arrival.is_by_hand && self.enters(arrival.record.kind())
    }

    /// A program enters what the home has named: a partner's own words are no type and no aspect of the home's MIS. In Gibbon they may
    /// stand for a type.
    fn named(&self, arrival: &Arrival) -> Result<(), String> {
        let kind = arrival.record.kind();
        let is_results = kind == RecordKind::Assessment && self.carries(kind);
        if !(self.takes_records() || is_results) || self.is_by_hand(arrival) {
            return Ok(());
        }
        let missing = match &arrival.record.body {
            Body::Assessment(result) => result
                .result
                .as_ref()
                .filter(|result| !self.names.aspects.contains_key(&result.kind))
                .map(|result| ("aspects", rows::name(result.kind), "aspect")),
            Body::Behaviour(behaviour) => behaviour
                .event
                .as_ref()
                .filter(|event| !self.names.types.contains_key(&event.category))
                .map(|event| ("types", rows::name(event.category), "type of incident or achievement")),
            Body::Attendance(_) | Body::Withdrawn(_) => None,
        };
        match missing {
            None => Ok(()),
            Some((table, key, what)) => Err(format!(
                "your MIS has no name for it yet: add `{key} = \"..\"` under [outbox.names.{table}], the {what} of yours in which a \
                 program enters it"
            )),
        }
    }

    /// What is a person's to see to: lists of its own, and the result that says so until they write that it is done.
    fn put_by_hand(&self, range: &str, rows: &Rows) -> io::Result<()> {
        let marks = |rows: &[MarkRow]| rows.iter().map(|row| row.head.clone()).collect::<Vec<_>>();
        let results = rows.assessments.iter().map(|row| row.head.clone()).collect();
        let events = rows.behaviours.iter().map(|row| row.head.clone()).collect();
        for (what, heads, list) in [
            ("by-hand-attendance", marks(&rows.lessons), render::lesson_csv(&rows.lessons)),
            ("by-hand-session", marks(&rows.sessions), render::session_csv(&rows.sessions)),
            ("by-hand-assessment", results, render::assessment_csv(&rows.assessments)),
            ("by-hand-behaviour", events, render::behaviour_csv(&rows.behaviours)),
        ] {
            let mut results = Results::default();
            for key in heads.iter().map(|head| (head.record, head.revision)) {
                // A record may have a row for each session.
                if !results.has(key) {
                    results.add(key, Outcome::Refused, BEFORE);
                }
            }
            if results.len() == 0 {
                continue;
            }
            self.put(range, vec![(what, "csv", list)])?;
            let path = self.folder.join(format!("{what}-{range}.result.csv"));
            if !path.exists() {
                durable::replace(&path, results.text().as_bytes(), Readers::Folder)?;
            }
        }
        Ok(())
    }

    fn writes(&self, format: OutboxFormat) -> bool {
        self.formats.contains(&format)
    }
}

/// Rows of both, one behind the other.
fn together<'r>(rows: &'r [MarkRow], theirs: &[MarkRow]) -> Cow<'r, [MarkRow]> {
    match theirs {
        [] => Cow::Borrowed(rows),
        theirs => Cow::Owned([rows, theirs].concat()),
    }
}

impl WriteBack for Folder {
    fn check(&self, arrival: &Arrival) -> Result<(), String> {
        let rows = self.rows(std::iter::once(arrival))?;
        self.files(&rows, &Rows::default());
        self.named(arrival)
    }

    fn write(&self, range: &str, arrivals: &[Arrival]) -> io::Result<()> {
        let (by_hand, others): (Vec<_>, Vec<_>) =
            arrivals.iter().partition(|arrival| self.is_by_hand(arrival));
        let rows = |of: Vec<&Arrival>| self.rows(of.into_iter()).map_err(io::Error::other);
        let (others, theirs) = (rows(others)?, rows(by_hand)?);
        self.put(range, self.files(&others, &theirs))?;
        self.put_by_hand(range, &theirs)
    }

    fn decide(&self, number: u64, rows: &[MarkRow]) -> io::Result<Handed> {
        // Behind all other lists of sessions in every order by name: a later file of one session wins.
        let range = format!("{DECIDED}{number:012}");
        self.put(&range, self.files(&Rows { sessions: rows.to_vec(), ..Rows::default() }, &Rows::default()))?;
        let program = self.sessions_carried || self.writes(OutboxFormat::SimsXml);
        Ok(if program { Handed::Program } else { Handed::Person })
    }

    fn take_back(&self, range: &str, removals: &[Removal]) -> io::Result<Vec<TakenBack>> {
        let Removals { rows, theirs, list, taken } = Removals::of(self, removals);
        let mut files = self.files(&rows, &theirs);
        if !list.is_empty() {
            files.push(("recall", "csv", render::recall_csv(&list)));
        }
        self.put(range, files)?;
        Ok(taken)
    }
}
