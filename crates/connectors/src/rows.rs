//! Rows of delimited text: quotes, line ends and columns, in memory that is bounded before the file is opened.
//!
//! Columns mean nothing here.

use crate::{
    connector::{FileFault, Limits},
    table::{Row, Table},
    text::{Broken, Utf8},
};
use csv_core::ReadRecordResult;

/// A reader of rows.
pub struct Rows<'a> {
    /// Where more text comes from; `None` where it is handed in.
    text: Option<Utf8<'a>>,
    piece: Vec<u8>,
    at: usize,
    ended: bool,
    /// What was handed in has been read, and is not the end.
    paused: bool,
    is_last: bool,
    torn: bool,
    separator: u8,
    csv: csv_core::Reader,
    cells: Vec<u8>,
    ends: Vec<usize>,
    line: u64,
    limits: Limits,
}

impl<'a> Rows<'a> {
    /// Rows of a text whose separator is known or can be seen in its first line.
    pub fn new(text: Utf8<'a>, separator: Option<u8>, limits: Limits) -> Result<Self, FileFault> {
        Self::below(text, separator, 0, limits)
    }

    /// The same where the captions stand below so many titles. The titles are rows too.
    pub fn below(
        mut text: Utf8<'a>,
        separator: Option<u8>,
        titles: usize,
        limits: Limits,
    ) -> Result<Self, FileFault> {
        let mut piece = Vec::new();
        // The line of captions decides on the separator, so it has to be there in full.
        while lines(&piece).nth(titles).is_none_or(|line| piece.ends_with(line)) {
            if piece.len() > limits.line_bytes_max * (titles + 1) {
                let fix = "the first line is longer than any export's; check that the file is the right one";
                return Err(FileFault::too_big("CSV-LINE-LENGTH", Some(1), fix));
            }
            match text.next_piece() {
                Ok([]) => break,
                Ok(more) => piece.extend_from_slice(more),
                Err(broken) => return Err(fault(broken, 1)),
            }
        }
        let separator = separator.unwrap_or_else(|| seen(lines(&piece).nth(titles).unwrap_or_default()));
        Ok(Self {
            text: Some(text),
            piece,
            at: 0,
            ended: false,
            paused: false,
            is_last: false,
            torn: false,
            separator,
            csv: csv_core::ReaderBuilder::new().delimiter(separator).build(),
            cells: vec![0; limits.line_bytes_max],
            ends: vec![0; limits.columns_max + 1],
            line: 1,
            limits,
        })
    }

    /// What stands between two cells.
    pub const fn separator(&self) -> u8 {
        self.separator
    }

    /// Takes the text behind the rows so far: the stream, what was read of it already, and the line on which the next row
    /// begins. From now on [`Self::give`] hands text in. `None` if that was done before.
    pub fn detach(&mut self) -> Result<Option<(Utf8<'a>, Vec<u8>, u64)>, FileFault> {
        self.skip_line_ends()?;
        let rest = self.piece.split_off(self.at);
        Ok(self.text.take().map(|text| (text, rest, self.line)))
    }

    /// Hands in text that begins with a row, on this line. Behind what isn't the `last`, more will come.
    pub fn give(&mut self, text: &[u8], line: u64, last: bool) {
        self.piece.clear();
        self.piece.extend_from_slice(text);
        (self.at, self.line, self.paused, self.ended) = (0, line, false, false);
        self.is_last = last;
    }

    /// True if text that was handed in ended inside a row.
    pub const fn is_torn(&self) -> bool {
        self.torn
    }

    /// The next row that isn't an empty line; `None` at the end of the text, or of what was handed in.
    pub fn next_row(&mut self) -> Result<Option<Row<'_>>, FileFault> {
        self.skip_line_ends()?;
        if self.paused {
            return Ok(None);
        }
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
                ReadRecordResult::InputEmpty => {
                    self.refill()?;
                    if self.paused {
                        self.torn = true;
                        return Ok(None);
                    }
                }
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
        Ok(Some(Row::new(begin, cells, &self.ends[..columns])))
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
                None if self.ended || self.paused => return Ok(()),
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
        let Some(text) = &mut self.text else {
            (self.ended, self.paused) = (self.is_last, !self.is_last);
            return Ok(());
        };
        match text.next_piece() {
            Ok([]) => self.ended = true,
            Ok(piece) => self.piece.extend_from_slice(piece),
            Err(broken) => return Err(fault(broken, self.line)),
        }
        Ok(())
    }
}

impl Table for Rows<'_> {
    fn next_row(&mut self) -> Result<Option<Row<'_>>, FileFault> {
        Rows::next_row(self)
    }
}

pub(crate) fn fault(broken: Broken, line: u64) -> FileFault {
    match broken {
        Broken::Malformed => {
            FileFault::content("FILE-ENCODING", Some(line), "the file changed while it was read; try again")
        }
        Broken::Read(error) => error.into(),
    }
}

/// Lines in which something stands.
fn lines(piece: &[u8]) -> impl Iterator<Item = &[u8]> {
    piece.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty())
}

/// The separator that stands most often in the line of captions, outside of quotes.
fn seen(first: &[u8]) -> u8 {
    let mut counts = [(b',', 0_usize), (b';', 0), (b'\t', 0), (b'|', 0)];
    let mut quoted = false;
    for byte in first {
        quoted ^= *byte == b'"';
        if !quoted && let Some((_, count)) = counts.iter_mut().find(|(separator, _)| separator == byte) {
            *count += 1;
        }
    }
    counts.iter().rev().max_by_key(|(_, count)| *count).map_or(b',', |(separator, _)| *separator)
}
