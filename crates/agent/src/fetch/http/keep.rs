//! Where rows go: all of them into a new file, or changes over the file that is there. One row a line.

use super::super::{FetchFault, Folder, NewFile, print};
use crate::settings::Source;
use commonroll_connectors::api::{ApiFault, Rows, id_of};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{self, BufRead, BufReader, Write},
};

/// Bytes of all rows of one fetch.
const BYTES_MAX: u64 = 1 << 30;
/// Changes that are kept in memory; beyond that everything is read again.
const CHANGES_BYTES_MAX: usize = 32 << 20;

/// Name of a source's file.
pub fn file_name(source: &Source) -> String {
    let records = source.asked.as_ref().and_then(|asked| asked.records.as_deref()).unwrap_or("rows");
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '-' };
    let name: String = records.chars().take(60).map(plain).collect();
    format!("{}.jsonl", name.trim_matches('-'))
}

/// A print of what is asked for, so that changes are never laid over an answer to another question.
pub fn asked(source: &Source) -> String {
    let Some(asked) = &source.asked else { return String::new() };
    let connection = &asked.connection;
    let text = format!(
        "{:?}\n{:?}\n{}\n{:?}\n{:?}",
        asked.records, asked.query, connection.address, connection.api, connection.options
    );
    print(text.as_bytes())
}

/// Where the next fetch begins. Lies beside the file and is only believed while that has the size it had.
#[derive(Debug, Serialize, Deserialize)]
pub struct Note {
    /// What the API wants to be told.
    pub next: Option<String>,
    /// When everything was read, microseconds since the epoch.
    pub all_us: i64,
    /// What was asked for.
    pub asked: String,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    note: Note,
    bytes: u64,
}

impl Note {
    /// Reads it; `None` if it does not fit the file.
    pub fn read(folder: &Folder, name: &str) -> Option<Self> {
        let kept: Kept = serde_json::from_slice(&folder.note()?).ok()?;
        let bytes = std::fs::metadata(folder.path().join(name)).ok()?.len();
        (bytes == kept.bytes).then_some(kept.note)
    }

    /// Keeps it, after the file that it is about.
    pub fn keep(self, folder: &Folder, name: &str) -> Result<(), FetchFault> {
        let bytes = std::fs::metadata(folder.path().join(name))?.len();
        let kept = serde_json::to_vec(&Kept { note: self, bytes }).unwrap_or_default();
        Ok(folder.keep_note(Some(&kept))?)
    }
}

/// All rows, on their way into a new file.
pub struct Whole {
    file: NewFile,
    bytes: u64,
}

impl Whole {
    /// Begins the file.
    pub fn begin(folder: &Folder, name: &str) -> io::Result<Self> {
        Ok(Self { file: folder.begin(name)?, bytes: 0 })
    }

    /// Ends the file. False if it holds what the one before held, which then stays.
    pub fn finish(mut self, folder: &Folder, name: &str) -> io::Result<bool> {
        self.file.flush()?;
        if let Ok(before) = File::open(folder.path().join(name))
            && before.metadata()?.len() == self.bytes
            && same(before, self.file.read_again()?)?
        {
            return Ok(false);
        }
        self.file.finish().map(|()| true)
    }
}

impl Rows for Whole {
    fn row(&mut self, _: &str, json: &str) -> Result<(), ApiFault> {
        self.bytes += json.len() as u64 + 1;
        if self.bytes > BYTES_MAX {
            let fix = "the MIS gives more than 1 GiB; ask for a shorter time with `query`";
            return Err(ApiFault::new("HTTP-SIZE", fix));
        }
        let wrote = self.file.write_all(json.as_bytes()).and_then(|()| self.file.write_all(b"\n"));
        wrote.map_err(|error| {
            let fault = FetchFault::from(error);
            ApiFault::new(fault.rule, fault.fix)
        })
    }

    fn gone(&mut self, _: &str) {}
}

/// What changed, by id.
#[derive(Debug, Default)]
pub struct Changes {
    rows: BTreeMap<String, String>,
    gone: BTreeSet<String>,
    bytes: usize,
}

impl Rows for Changes {
    fn row(&mut self, id: &str, json: &str) -> Result<(), ApiFault> {
        self.bytes += id.len() + json.len() + 64;
        if self.bytes > CHANGES_BYTES_MAX {
            return Err(all_again("more changed than can be laid over what is there"));
        }
        self.rows.insert(id.to_owned(), json.to_owned());
        Ok(())
    }

    fn gone(&mut self, id: &str) {
        self.bytes += id.len() + 32;
        self.gone.insert(id.to_owned());
    }
}

impl Changes {
    /// Lays the changes over the file. False if nothing changed.
    pub fn lay_over(mut self, folder: &Folder, name: &str) -> Result<bool, super::Stopped> {
        if self.rows.is_empty() && self.gone.is_empty() {
            return Ok(false);
        }
        let before = BufReader::with_capacity(128 << 10, File::open(folder.path().join(name))?);
        let mut file = folder.begin(name)?;
        let mut changed = false;
        for line in before.lines() {
            let line = line?;
            let id = id_of(&line, "id").ok_or_else(|| all_again("a row has no id"))?;
            // A row that changed after it was deleted and restored is there.
            let now = match self.rows.remove(&id) {
                Some(now) => {
                    changed |= now != line;
                    now
                }
                None if self.gone.contains(&id) => {
                    changed = true;
                    continue;
                }
                None => line,
            };
            file.write_all(now.as_bytes())?;
            file.write_all(b"\n")?;
        }
        for row in self.rows.values() {
            changed = true;
            file.write_all(row.as_bytes())?;
            file.write_all(b"\n")?;
        }
        if changed {
            file.finish()?;
        }
        Ok(changed)
    }
}

fn all_again(why: &str) -> ApiFault {
    ApiFault { again: true, ..ApiFault::new("FETCH-ALL-AGAIN", format!("{why}; everything is read again")) }
}

/// True if two files hold the same.
fn same(left: File, right: File) -> io::Result<bool> {
    let (mut left, mut right) = (BufReader::new(left), BufReader::new(right));
    loop {
        let (a, b) = (left.fill_buf()?, right.fill_buf()?);
        let n = a.len().min(b.len());
        if n == 0 {
            return Ok(a.is_empty() && b.is_empty());
        }
        if a[..n] != b[..n] {
            return Ok(false);
        }
        left.consume(n);
        right.consume(n);
    }
}
