//! Result files: what the MIS said of each row, written beside the outbox's files by the helper that applied them.
//!
//! `attendance-000000000005.result.csv` belongs to `attendance-000000000005`. A row is in the outbox first and in the MIS
//! later; this is where the later state becomes visible.

use crate::{
    error::AgentError,
    outbox::DECIDED,
    scan::modified_us,
    shown::shown,
    spool::{Spool, sight::RefusedRow},
};
use commonroll_connectors::{
    Input, Limits,
    render::{Outcome, read_results},
};
use commonroll_core::RecordId;
use commonroll_wire::decided::WORDS_MAX;
use std::{
    fs::{self, File},
    io::BufReader,
    path::Path,
};

const ENDING: &str = ".result.csv";
/// Rows of a file of decided session codes at most: more than the hub hands out at once.
const DECIDED_MAX: usize = 10_000;
/// Refused rows kept of one file, and superseded ones; the rest are counted.
const REFUSED_MAX: usize = 1_000;

/// Reads every result file of the outbox that is new or changed.
///
/// # Errors
/// When the spool fails. A file that can't be read is noted as such.
pub async fn read_all(folder: &Path, spool: &Spool) -> Result<(), AgentError> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let (Some(name), Ok(metadata)) = (name.to_str(), entry.metadata()) else { continue };
        if !name.ends_with(ENDING) || !metadata.is_file() {
            continue;
        }
        let name = &*shown(name);
        let state = (metadata.len(), modified_us(&metadata));
        if spool.result_known(name, state.0, state.1).await? {
            continue;
        }
        let read = read(&entry.path(), name, state.0);
        // First, so that no recall is settled without it.
        spool.note_superseded(name, &read.superseded).await?;
        if let Some(number) = decided(name) {
            spool.note_decided(number, &read.decided).await?;
        }
        spool.note_result(name, state, (read.rows, read.applied), &read.refused, &read.fix).await?;
    }
    Ok(())
}

#[derive(Default)]
struct Read {
    rows: u64,
    applied: u64,
    refused: Vec<RefusedRow>,
    /// Records of which a withdrawal was not carried, since a newer row took its place.
    superseded: Vec<RecordId>,
    /// What became of decided session codes, in a file of these.
    decided: Vec<(RecordId, Outcome, String)>,
    fix: String,
}

/// The number of the file of decided session codes that a result file is about.
fn decided(name: &str) -> Option<u64> {
    let stem = name.strip_prefix("session-")?.strip_prefix(DECIDED)?;
    stem.strip_suffix(ENDING)?.parse().ok()
}

fn read(path: &Path, name: &str, size: u64) -> Read {
    let (mut read, is_decided) = (Read::default(), decided(name).is_some());
    let Ok(file) = File::open(path) else { return Read { fix: "can't be opened".to_owned(), ..read } };
    let mut problems = 0;
    let mut reader = BufReader::new(file);
    let input = Input { file_name: name, reader: &mut reader, size };
    let mut give = |row: commonroll_connectors::render::RowResult| {
        read.rows += 1;
        if is_decided && read.decided.len() < DECIDED_MAX {
            let words = row.message.as_str().chars().filter(|c| !c.is_control()).take(WORDS_MAX);
            read.decided.push((row.record, row.outcome, words.collect()));
        }
        match row.outcome {
            Outcome::Applied => read.applied += 1,
            // No more is written of these, and the totals have them among what is done.
            Outcome::Superseded if read.superseded.len() < REFUSED_MAX => {
                read.applied += 1;
                read.superseded.push(row.record);
            }
            Outcome::Refused if read.refused.len() < REFUSED_MAX => read.refused.push(RefusedRow {
                file: name.to_owned(),
                record: row.record.to_string(),
                revision: row.revision.get(),
                message: row.message.as_str().replace(['\r', '\n', '\t'], " "),
            }),
            Outcome::Refused | Outcome::Superseded => {}
        }
    };
    match read_results(input, &Limits::default(), &mut give, &mut |_| problems += 1) {
        Ok(()) if problems == 0 => read,
        Ok(()) => Read { fix: format!("{problems} rows can't be read"), ..read },
        Err(fault) => Read { fix: fault.to_string(), ..Read::default() },
    }
}
