//! What the MIS, or the person who entered the rows, says of each one: `RecordID,Revision,Status,Message`.

use crate::{
    connector::{FileFault, Input, Limits},
    item::Problem,
    parse,
    rows::Rows,
    table::Row,
    text::Utf8,
};
use commonroll_core::{RecordId, Revision, record::Text};

/// What became of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowResult {
    /// The record.
    pub record: RecordId,
    /// Its revision.
    pub revision: Revision,
    /// What became of it.
    pub outcome: Outcome,
    /// What the MIS said, at most 500 characters.
    pub message: Text,
}

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It stands in the MIS now.
    Applied,
    /// The MIS refused it.
    Refused,
    /// A withdrawal that was not carried: a newer row of the same mark took its place, and what became of the mark is that
    /// one's result.
    Superseded,
}

/// Reads a result file. A bad row is a problem; the others count.
///
/// # Errors
/// The file is no such list as a whole; results given before must be thrown away.
pub fn read_results(
    input: Input<'_>,
    limits: &Limits,
    give: &mut dyn FnMut(RowResult),
    problem: &mut dyn FnMut(Problem),
) -> Result<(), FileFault> {
    if input.size > limits.file_bytes_max {
        return Err(FileFault::too_big("FILE-SIZE", None, "the result file is larger than allowed"));
    }
    let mut rows = Rows::new(Utf8::open(input.reader, None, limits)?, None, *limits)?;
    let first = rows.next_row()?;
    let place = |caption: &str| {
        let found = first
            .as_ref()
            .and_then(|row| (0..row.width()).find(|at| row.cell(*at).eq_ignore_ascii_case(caption)));
        found.ok_or_else(|| {
            let fix = "the first line must be RecordID,Revision,Status,Message";
            FileFault::content("RESULT-CAPTION", Some(1), fix)
        })
    };
    let places = [place("RecordID")?, place("Revision")?, place("Status")?, place("Message")?];
    while let Some(row) = rows.next_row()? {
        if row.is_blank() {
            continue;
        }
        match read(&row, places) {
            Ok(result) => give(result),
            Err((field, fix)) => problem(Problem::new(row.line, field, "RESULT-VALUE", fix)),
        }
    }
    Ok(())
}

fn read(row: &Row<'_>, places: [usize; 4]) -> Result<RowResult, (&'static str, &'static str)> {
    let [record, revision, status, message] = places.map(|place| row.cell(place));
    let outcome = match status.to_ascii_lowercase().as_str() {
        "ok" | "applied" | "written" => Outcome::Applied,
        "refused" | "rejected" | "failed" | "error" => Outcome::Refused,
        "superseded" => Outcome::Superseded,
        _ => return Err(("Status", "must be applied or refused")),
    };
    Ok(RowResult {
        record: record
            .parse()
            .map_err(|_| ("RecordID", "must be the 32 digits of the row that was written"))?,
        revision: parse::whole(revision)
            .and_then(|number| Revision::new(number).ok())
            .ok_or(("Revision", "must be the number of the row that was written"))?,
        outcome,
        message: Text::parse("Message", message, 500)
            .map_err(|_| ("Message", "must be at most 500 characters of text"))?,
    })
}
