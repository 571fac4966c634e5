//! What arrived: the homes' outboxes read from their files, by a reader of its own.
//!
//! Shares no line with the code that writes them, so that a fault there can't hide itself here.

use super::setup::{Arrived, Kind};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// A row of an outbox file.
pub struct Row {
    pub record: String,
    pub revision: u64,
    pub withdrawn: bool,
    pub arrived: Arrived,
}

/// Everything in one home's outbox.
#[derive(Default)]
pub struct Outbox {
    pub rows: Vec<Row>,
    /// Session marks that were proposed: record, revision and the mark, empty where it was taken back.
    pub sessions: Vec<(String, u64, String)>,
    /// Rows of the XML files: record, revision, learner and mark.
    pub xml: BTreeSet<(String, u64, String, String)>,
    /// Files that could not be read.
    pub unreadable: Vec<String>,
}

/// Reads the files of a home's outbox that are not in `known`, and adds them there.
pub fn read(home: &str, folder: &Path, known: &mut BTreeSet<String>) -> Outbox {
    let mut outbox = Outbox::default();
    let Ok(entries) = fs::read_dir(folder) else { return outbox };
    let mut names: Vec<String> =
        entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    for name in names {
        let is_ours = (name.ends_with(".csv") || name.ends_with(".xml")) && !name.starts_with('.');
        if !is_ours || known.contains(&name) {
            continue;
        }
        let Ok(text) = fs::read_to_string(folder.join(&name)) else { continue };
        if outbox.file(home, &name, &text).is_none() {
            outbox.unreadable.push(name.clone());
        }
        known.insert(name);
    }
    outbox
}

impl Outbox {
    fn file(&mut self, home: &str, name: &str, text: &str) -> Option<()> {
        match (name.split('-').next()?, name.rsplit('.').next()?) {
            ("attendance", "csv") => self.table(home, Kind::Attendance, text),
            ("assessment", "csv") => self.table(home, Kind::Assessment, text),
            ("behaviour", "csv") => self.table(home, Kind::Behaviour, text),
            // What a person decided is no proposal.
            ("session", _) if name.starts_with("session-decided-") => Some(()),
            ("session", "csv") => self.session(text),
            ("attendance", "xml") => self.marks(text),
            ("session", "xml") => Some(()),
            _ => None,
        }
    }

    fn table(&mut self, home: &str, kind: Kind, text: &str) -> Option<()> {
        for row in table(text)? {
            let cell = |caption: &str| row.get(caption).cloned();
            let (start, content) = match kind {
                Kind::Attendance => {
                    let late = cell("MinsLate")?;
                    (cell("StartTime")?, format!("{} {late}", cell("Mark")?).trim_end().to_owned())
                }
                Kind::Assessment => {
                    (String::new(), [cell("Subject")?, cell("Aspect")?, cell("Grade")?].join("/"))
                }
                Kind::Behaviour => (cell("Time")?, [cell("Polarity")?, cell("Label")?].join("/")),
            };
            self.rows.push(Row {
                record: cell("RecordID")?,
                revision: cell("Revision")?.parse().ok()?,
                withdrawn: cell("Withdrawn")? == "yes",
                arrived: Arrived {
                    home: home.to_owned(),
                    source: cell("Source")?,
                    learner: cell("PersonID")?,
                    kind,
                    date: cell("Date")?,
                    start,
                    content,
                },
            });
        }
        Some(())
    }

    fn session(&mut self, text: &str) -> Option<()> {
        for row in table(text)? {
            let cell = |caption: &str| row.get(caption).cloned();
            let record = format!("{} {}", cell("RecordID")?, cell("SessionName")?);
            self.sessions.push((record, cell("Revision")?.parse().ok()?, cell("Mark")?));
        }
        Some(())
    }

    fn marks(&mut self, text: &str) -> Option<()> {
        for element in text.split("<LessonAttendance>").skip(1) {
            let inside = |name: &str| {
                let (_, rest) = element.split_once(&format!("<{name}>"))?;
                rest.split_once(&format!("</{name}>")).map(|(text, _)| unescaped(text))
            };
            let row = (
                inside("RecordID")?,
                inside("Revision")?.parse().ok()?,
                inside("PersonID")?,
                inside("AttendanceMark")?,
            );
            self.xml.insert(row);
        }
        Some(())
    }

    /// Adds what another look found.
    pub fn add(&mut self, more: Self) {
        self.rows.extend(more.rows);
        self.sessions.extend(more.sessions);
        self.xml.extend(more.xml);
        self.unreadable.extend(more.unreadable);
    }
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

/// Rows of comma-separated text by the captions of its first line.
fn table(text: &str) -> Option<Vec<BTreeMap<String, String>>> {
    let mut lines = lines(text.strip_prefix('\u{feff}').unwrap_or(text)).into_iter();
    let captions = lines.next()?;
    lines
        .map(|cells| {
            let whole = cells.len() == captions.len();
            whole.then(|| captions.iter().cloned().zip(cells.into_iter().map(unguarded)).collect())
        })
        .collect()
}

/// A quotation mark guards what a spreadsheet would take for a formula.
fn unguarded(cell: String) -> String {
    match cell.strip_prefix('\'') {
        Some(rest) if rest.starts_with(['=', '+', '-', '@']) => rest.to_owned(),
        _ => cell,
    }
}

fn lines(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                cell.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\r' if !quoted => {}
            '\n' if !quoted => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            other => cell.push(other),
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_cells_hold_commas_quotation_marks_and_lines() {
        let read = table("\u{feff}A,B\r\n\"x, \"\"y\"\"\r\nz\",'=1\r\n").expect("a table");
        assert_eq!(read[0]["A"], "x, \"y\"\r\nz");
        assert_eq!(read[0]["B"], "=1");
        assert!(table("A,B\r\nonly one\r\n").is_none(), "a row that is short is not a table");
    }
}
