//! Rows of delimited text: quotes, line ends and columns, in memory that is bounded before the file is opened.
//!
//! Columns mean nothing here.

use crate::{
    connector::{FileFault, Limits},
    text::{Broken, Utf8},
};
use csv_core::ReadRecordResult;

/// A reader of rows.
pub struct Rows<'a> {
    text: Utf8<'a>,
    piece: Vec<u8>,
    at: usize,
    ended: bool,
    csv: csv_core::Reader,
    cells: Vec<u8>,
    ends: Vec<usize>,
    line: u64,
    limits: Limits,
}

/// One row.
pub struct Row<'r> {
    /// Line on which it begins, from 1.
    pub line: u64,
    cells: &'r str,
    ends: &'r [usize],
}

impl<'r> Row<'r> {
    /// All of the row's text, cell behind cell.
    pub const fn text(&self) -> &'r str {
        self.cells
    }

    /// How many cells it has.
    pub const fn len(&self) -> usize {
        self.ends.len()
    }

    /// A cell without the spaces around it; empty if the row is too short.
    pub fn cell(&self, column: usize) -> &'r str {
        let Some(&end) = self.ends.get(column) else { return "" };
        let start = column.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        self.cells.get(start..end).unwrap_or_default().trim()
    }

    /// True if no cell holds anything.
    pub fn is_blank(&self) -> bool {
        self.cells.trim().is_empty()
    }
}

impl<'a> Rows<'a> {
    /// Rows of a text whose separator is known or can be seen in its first line.
    pub fn new(mut text: Utf8<'a>, separator: Option<u8>, limits: Limits) -> Result<Self, FileFault> {
        let mut piece = Vec::new();
        // The first line decides on the separator, so it has to be there in full.
        while !piece.contains(&b'\n') {
            if piece.len() > limits.line_bytes_max {
                let fix = "the first line is longer than any export's; check that the file is the right one";
                return Err(FileFault::too_big("CSV-LINE-LENGTH", Some(1), fix));
            }
            match text.next_piece() {
                Ok([]) => break,
                Ok(more) => piece.extend_from_slice(more),
                Err(broken) => return Err(fault(broken, 1)),
            }
        }
        let first = piece.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let separator = separator.unwrap_or_else(|| seen(first));
        Ok(Self {
            text,
            piece,
            at: 0,
            ended: false,
            csv: csv_core::ReaderBuilder::new().delimiter(separator).build(),
            cells: vec![0; limits.line_bytes_max],
            ends: vec![0; limits.columns_max + 1],
            line: 1,
            limits,
        })
    }

    /// The next row that isn't an empty line.
    pub fn next_row(&mut self) -> Result<Option<Row<'_>>, FileFault> {
        self.skip_line_ends()?;
        let (begin, mut written, mut columns) = (self.line, 0, 0);
        loop {
            let input = &self.piece[self.at..];
            let (result, read, more, ends) =
                self.csv.read_record(input, &mut self.cells[written..], &mut self.ends[columns..]);
            self.line += memchr::memchr_iter(b'\n', &input[..read]).count() as u64;
            self.at += read;
            written += more;
            columns += ends;
            match result {
                ReadRecordResult::InputEmpty => self.refill()?,
                ReadRecordResult::OutputFull => {
                    let fix =
                        "the row is longer than any export's; look for a quotation mark that is never closed";
                    return Err(FileFault::too_big("CSV-LINE-LENGTH", Some(begin), fix));
                }
                ReadRecordResult::OutputEndsFull => return Err(self.too_wide(begin)),
                ReadRecordResult::Record if columns > self.limits.columns_max => {
                    return Err(self.too_wide(begin));
                }
                ReadRecordResult::Record => break,
                ReadRecordResult::End => return Ok(None),
            }
        }
        let cells = std::str::from_utf8(&self.cells[..written]).map_err(|_| {
            FileFault::content("FILE-ENCODING", Some(begin), "the row is not text; export the file again")
        })?;
        Ok(Some(Row { line: begin, cells, ends: &self.ends[..columns] }))
    }

    fn too_wide(&self, line: u64) -> FileFault {
        let fix = format!(
            "the row has more than {} columns; export only those that are mapped",
            self.limits.columns_max
        );
        FileFault::too_big("CSV-COLUMNS", Some(line), fix)
    }

    /// Passes over the end of the last line and over empty lines, so that a row's line is the one on which it begins.
    fn skip_line_ends(&mut self) -> Result<(), FileFault> {
        loop {
            match self.piece.get(self.at) {
                Some(b'\n') => self.line += 1,
                Some(b'\r') => {}
                Some(_) => return Ok(()),
                None if self.ended => return Ok(()),
                None => {
                    self.refill()?;
                    continue;
                }
            }
            self.at += 1;
        }
    }

    fn refill(&mut self) -> Result<(), FileFault> {
        self.piece.clear();
        self.at = 0;
        match self.text.next_piece() {
            Ok([]) => self.ended = true,
            Ok(piece) => self.piece.extend_from_slice(piece),
            Err(broken) => return Err(fault(broken, self.line)),
        }
        Ok(())
    }
}

fn fault(broken: Broken, line: u64) -> FileFault {
    match broken {
        Broken::Malformed => {
            FileFault::content("FILE-ENCODING", Some(line), "the file changed while it was read; try again")
        }
        Broken::Read(error) => error.into(),
    }
}

/// The separator that stands most often in the first line, outside of quotes.
fn seen(first: &[u8]) -> u8 {
    let mut counts = [(b',', 0_usize), (b';', 0), (b'\t', 0)];
    let mut quoted = false;
    for byte in first {
        quoted ^= *byte == b'"';
        if !quoted && let Some((_, count)) = counts.iter_mut().find(|(separator, _)| separator == byte) {
            *count += 1;
        }
    }
    counts.iter().rev().max_by_key(|(_, count)| *count).map_or(b',', |(separator, _)| *separator)
}
