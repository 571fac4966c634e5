//! Delimited text, read in stretches of whole rows, so that those of a large export that stand unchanged since the last one
//! are passed over: to tell them takes a hash, and no row of them is parsed.
//!
//! Where a stretch ends depends on the rows around that place alone, so that an inserted row shifts nothing behind its own
//! stretch. Rows of other containers, and rows that say something only together, are not read this way.

use crate::{
    columns::{self, File},
    connector::{FileFault, Input, Settings},
    delimited,
    item::Sink,
    mapping::{Columns, Container, Format},
    rows::{self, Rows},
    sql,
    text::Utf8,
};
use commonroll_core::SchoolDate;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// How long stretches are, in bytes of UTF-8.
#[derive(Debug, Clone, Copy)]
pub struct Cuts {
    /// None but the last is shorter.
    pub least: usize,
    /// How many bytes come on top of that on average.
    pub usual: usize,
    /// None is longer by more than a row.
    pub most: usize,
}

impl Default for Cuts {
    fn default() -> Self {
        Self { least: 16 << 10, usual: 32 << 10, most: 128 << 10 }
    }
}

/// What a stretch's rows came to beside their items and problems. What a whole file came to is the sum.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Sums {
    /// Rows that the mapping wants.
    pub(crate) rows: u64,
    pub(crate) given: u64,
    pub(crate) without_id: u64,
    /// Records, and how many of them say something else about what an earlier row of the stretch named.
    pub(crate) told: u64,
    pub(crate) differing: u64,
    /// Dates of items, and those of which something could not be read, in days since 1970.
    #[serde(with = "runs")]
    pub(crate) dates: BTreeSet<i32>,
    #[serde(with = "runs")]
    pub(crate) spoiled: BTreeSet<i32>,
    pub(crate) all_spoiled: bool,
    /// The date that was taken in last: rows of a date stand together.
    #[serde(skip)]
    last: Option<SchoolDate>,
}

impl Sums {
    /// An item of this date is in the file.
    pub(crate) fn has(&mut self, date: Option<SchoolDate>) {
        if date != self.last
            && let Some(date) = date
        {
            self.dates.insert(date.days());
            self.last = Some(date);
        }
    }

    /// Something of this date could not be read.
    pub(crate) fn unreadable(&mut self, date: Option<SchoolDate>) {
        match date {
            Some(date) => {
                self.spoiled.insert(date.days());
            }
            None => self.all_spoiled = true,
        }
    }

    pub(crate) fn add(&mut self, more: &Self) {
        self.rows += more.rows;
        self.given += more.given;
        self.without_id += more.without_id;
        self.told += more.told;
        self.differing += more.differing;
        self.dates.extend(&more.dates);
        self.spoiled.extend(&more.spoiled);
        self.all_spoiled |= more.all_spoiled;
    }
}

/// Days as runs of days that follow each other: the first, and how many more. Of an export in the order of learners each stretch
/// has all days of the year.
mod runs {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use std::collections::BTreeSet;

    pub(super) fn serialize<S: Serializer>(days: &BTreeSet<i32>, serializer: S) -> Result<S::Ok, S::Error> {
        let mut runs: Vec<(i32, i32)> = Vec::new();
        for day in days {
            match runs.last_mut() {
                Some((first, more)) if i64::from(*first) + i64::from(*more) + 1 == i64::from(*day) => {
                    *more += 1
                }
                _ => runs.push((*day, 0)),
            }
        }
        runs.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeSet<i32>, D::Error> {
        let runs = Vec::<(i32, i32)>::deserialize(deserializer)?;
        Ok(runs.into_iter().flat_map(|(first, more)| first..=first.saturating_add(more)).collect())
    }
}

/// What is to be done with a stretch.
#[derive(Debug)]
pub enum Wanted {
    /// It is to be read.
    Read,
    /// It is known, and came to this: it is passed over.
    Known(Sums),
    /// The file is not to be read on.
    Stop,
}

/// Takes what a connector says, and knows stretches again.
pub trait Stretches: Sink {
    /// The file's rows are told apart as `captions` say, which two files only have in common if they read the same row in the
    /// same way. Comes before all stretches. `false` if the file is not to be read on.
    fn begin(&mut self, captions: &[u8]) -> bool;

    /// The next stretch, whose first row begins on `line`. Its items and problems come after this.
    fn stretch(&mut self, text: &[u8], line: u64) -> Wanted;

    /// The stretch that was wanted last has been read, and its rows came to this.
    fn ended(&mut self, sums: Sums);

    /// As a plain taker of what a file says.
    fn as_sink(&mut self) -> &mut dyn Sink;
}

fn table<'s>(connector: &str, settings: &'s Settings) -> Option<(&'s Container, &'s Columns)> {
    match settings.mapping.as_ref().map(|mapping| &mapping.format) {
        Some(Format::Table(container, columns)) if container.connector() == connector => {
            let is_text = matches!(container, Container::Delimited(_) | Container::Sql(_));
            (is_text && columns::rows_stand_alone(columns)).then_some((container, columns))
        }
        _ => None,
    }
}

/// True if files that are read with these settings have stretches.
pub(crate) fn has(connector: &str, settings: &Settings) -> bool {
    table(connector, settings).is_some()
}

/// Reads a file in stretches.
pub(crate) fn translate(
    connector: &str,
    input: Input<'_>,
    settings: &Settings,
    cuts: Cuts,
    out: &mut dyn Stretches,
) -> Result<bool, FileFault> {
    let Some((container, columns)) = table(connector, settings) else { return Ok(false) };
    input.bounded(&settings.limits)?;
    let mut rows = match container {
        Container::Delimited(delimited) => delimited::open(delimited, input, &settings.limits)?,
        Container::Sql(_) => sql::open(input, &settings.limits)?,
        _ => return Ok(false),
    };
    let Some(mut file) = File::open(&mut rows, columns, settings, out.as_sink())? else { return Ok(false) };
    file.gives_each = true;
    let mut begin = vec![rows.separator()];
    begin.extend_from_slice(&file.captions);
    if !out.begin(&begin) {
        return Ok(false);
    }
    let Some((text, buffer, line)) = rows.detach()? else { return Ok(false) };
    let separator = rows.separator();
    let mut cutter = Cutter {
        text,
        buffer,
        row: 0,
        ended: false,
        separator,
        cuts,
        line_max: settings.limits.line_bytes_max,
    };
    let mut line = line;
    while let Some(end) = cutter.next(line)? {
        let last = cutter.ended && end == cutter.buffer.len();
        let text = &cutter.buffer[..end];
        match out.stretch(text, line) {
            Wanted::Known(sums) => file.pass_over(&sums),
            Wanted::Stop => return Ok(false),
            Wanted::Read => {
                rows.give(text, line, last);
                read(&mut rows, &mut file, out.as_sink())?;
                if rows.is_torn() {
                    return Ok(false);
                }
                out.ended(file.end_stretch());
            }
        }
        line += memchr::memchr_iter(b'\n', text).count() as u64;
        cutter.pass(end);
    }
    if cutter.is_torn() {
        return Ok(false);
    }
    file.finish(out.as_sink()).map(|()| true)
}

fn read(rows: &mut Rows<'_>, file: &mut File, out: &mut dyn Sink) -> Result<(), FileFault> {
    while let Some(row) = rows.next_row()? {
        file.row(&row, out)?;
    }
    Ok(())
}

/// Finds the ends of stretches.
struct Cutter<'a> {
    text: Utf8<'a>,
    /// Text from the beginning of the stretch on.
    buffer: Vec<u8>,
    /// Where the row begins that was not looked at yet.
    row: usize,
    /// Nothing comes behind the buffer.
    ended: bool,
    separator: u8,
    cuts: Cuts,
    line_max: usize,
}

impl Cutter<'_> {
    /// Where the stretch ends; `None` if there is none any more, or a row that has no end in sight.
    fn next(&mut self, line: u64) -> Result<Option<usize>, FileFault> {
        loop {
            while let Some(length) = row_end(&self.buffer[self.row..], self.separator) {
                let row = &self.buffer[self.row..self.row + length];
                let is_mark = is_mark(row, self.cuts.usual);
                self.row += length;
                if (self.row >= self.cuts.least && is_mark) || self.row >= self.cuts.most {
                    return Ok(Some(self.row));
                }
            }
            if self.ended {
                return Ok((!self.buffer.is_empty()).then_some(self.buffer.len()));
            }
            if self.is_torn() {
                return Ok(None);
            }
            match self.text.next_piece() {
                Ok([]) => self.ended = true,
                Ok(piece) => self.buffer.extend_from_slice(piece),
                Err(broken) => return Err(rows::fault(broken, line)),
            }
        }
    }

    /// True if a row is longer than any that is read, as behind a quotation mark that is never closed.
    fn is_torn(&self) -> bool {
        self.buffer.len().saturating_sub(self.row) > 2 * self.line_max
    }

    /// Leaves a stretch behind.
    fn pass(&mut self, end: usize) {
        self.buffer.drain(..end);
        self.row = 0;
    }
}

/// How long the row is that the text begins with, up to behind its line feed; `None` if its end isn't there. Rows that end
/// with a carriage return alone count as one with those behind them: such a place is no cut.
fn row_end(text: &[u8], separator: u8) -> Option<usize> {
    let end = memchr::memchr(b'\n', text)?;
    if memchr::memchr(b'"', &text[..end]).is_none() {
        return Some(end + 1);
    }
    let mut at = Cell::Begins;
    for (place, byte) in text.iter().copied().enumerate() {
        at = match (at, byte) {
            (Cell::Quoted, b'"') => Cell::Quote,
            (Cell::Quoted, _) | (Cell::Quote, b'"') => Cell::Quoted,
            (_, b'\n') => return Some(place + 1),
            (_, b'\r') => Cell::Begins,
            (_, byte) if byte == separator => Cell::Begins,
            (Cell::Begins, b'"') => Cell::Quoted,
            _ => Cell::Plain,
        };
    }
    None
}

/// Where in a cell a byte stands.
#[derive(Clone, Copy)]
enum Cell {
    Begins,
    Plain,
    Quoted,
    /// Behind a quotation mark inside a quoted cell: its end, or one of two that stand for one.
    Quote,
}

/// True if a stretch may end behind this row: about once in so many bytes, and by what the row says alone.
fn is_mark(row: &[u8], usual: usize) -> bool {
    const K: u64 = 0x9e37_79b9_7f4a_7c15;
    let mix = |hash: u64, word: u64| ((hash ^ word).wrapping_mul(K)).rotate_left(29);
    let (words, rest) = row.as_chunks::<8>();
    let hash = words.iter().fold(row.len() as u64, |hash, word| mix(hash, u64::from_le_bytes(*word)));
    let hash = rest.iter().fold(hash, |hash, byte| mix(hash, u64::from(*byte)));
    let hash = (hash ^ (hash >> 32)).wrapping_mul(K);
    hash < (u64::MAX / usual.max(1) as u64).saturating_mul(row.len() as u64)
}
