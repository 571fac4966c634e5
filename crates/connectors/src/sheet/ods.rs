//! OpenDocument spreadsheets: the cells of one table, row by row.
//!
//! A cell says its value in attributes; rows and cells that are alike are written once, with a number.

use super::{broken, no_sheet, put};
use crate::{
    connector::{FileFault, Limits},
    package::{Package, Part},
    table::RowBuffer,
    text::Utf8,
    xml::{Event, Events, Tag, too_deep, too_large},
};
use std::io::Read;

/// How often a row that isn't blank may be repeated. Blank ones are passed over, however many.
const REPEATS_MAX: u64 = 1000;

/// Tables of a workbook that are named.
const TABLES_MAX: usize = 256;

/// Elements that matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Element {
    Table,
    Row,
    Cell,
    /// A paragraph of a cell, and what is in it.
    Paragraph,
    /// A comment on a cell, or something drawn: never the cell's own text.
    Beside,
    Other,
}

/// The cells of one table.
pub struct Cells<'a> {
    events: Events<'a>,
    open: Vec<Element>,
    line: u64,
    /// The row that was read last, and how often it is still to be given.
    row: Vec<(usize, String)>,
    again: u64,
    cell: Cell,
    columns_max: usize,
    /// Bytes of a row.
    row_max: usize,
}

/// A cell that is being read.
#[derive(Default)]
struct Cell {
    kind: String,
    value: String,
    text: String,
    paragraphs: usize,
    repeated: usize,
}

impl<'a> Cells<'a> {
    /// Opens the table of this name, or the first that has a row.
    pub fn open(mut package: Package<'a>, wanted: Option<&str>, limits: &Limits) -> Result<Self, FileFault> {
        let locked = package.read("META-INF/manifest.xml", |reader| is_locked(reader))?;
        if locked == Some(true) {
            let fix = "the workbook has a password; save it without one";
            return Err(FileFault::content("SHEET-LOCKED", None, fix));
        }
        let nth = match wanted {
            // The name is found on the way.
            Some(_) => None,
            None => {
                let found = package.read("content.xml", |reader| first_with_text(reader, limits))?.flatten();
                Some(found.ok_or_else(|| no_sheet(None))?)
            }
        };
        let part: Part<'a> = package.into_part("content.xml")?.ok_or_else(|| broken(None))?;
        let mut cells = Self {
            events: Events::new(Utf8::stream(part), limits),
            open: Vec::new(),
            line: 0,
            row: Vec::new(),
            again: 0,
            cell: Cell::default(),
            columns_max: limits.columns_max,
            row_max: limits.line_bytes_max,
        };
        cells.go_to(wanted, nth)?;
        Ok(cells)
    }

    /// Steps to the beginning of the table.
    fn go_to(&mut self, wanted: Option<&str>, nth: Option<usize>) -> Result<(), FileFault> {
        let mut tables = 0;
        loop {
            match self.events.step()? {
                Event::Open(tag) if tag.name() == "table" => {
                    let mut name = String::new();
                    tag.attributes(&mut |key, value| {
                        if key == "name" {
                            name = value.to_owned();
                        }
                        Ok(())
                    })?;
                    let is_it = match wanted {
                        Some(wanted) => name.trim().to_lowercase() == wanted.trim().to_lowercase(),
                        None => nth == Some(tables),
                    };
                    if is_it {
                        self.open.push(Element::Table);
                        return Ok(());
                    }
                    tables += 1;
                }
                Event::End => return Err(no_sheet(wanted)),
                _ => {}
            }
        }
    }

    /// Reads the next row; gives its number, or `None` at the end.
    pub fn next(&mut self, buffer: &mut RowBuffer) -> Result<Option<u64>, FileFault> {
        if self.again == 0 && !self.read()? {
            return Ok(None);
        }
        self.again -= 1;
        self.line += 1;
        for (column, text) in &self.row {
            put(buffer, self.line, *column, text)?;
        }
        Ok(Some(self.line))
    }

    /// Reads the next row that isn't blank. False at the end of the table.
    fn read(&mut self) -> Result<bool, FileFault> {
        let (mut column, mut repeated, mut bytes) = (0_usize, 1_u64, 0_usize);
        loop {
            let inner = self.open.last().copied();
            match self.events.step()? {
                Event::Open(tag) => {
                    if self.open.len() >= 32 {
                        return Err(too_deep(tag.line));
                    }
                    let element = match (inner, tag.name()) {
                        (Some(Element::Table | Element::Other), "table-row") => {
                            self.row.clear();
                            (column, repeated, bytes) = (0, number(&tag, "number-rows-repeated")?, 0);
                            Element::Row
                        }
                        (Some(Element::Row), "table-cell" | "covered-table-cell") => {
                            self.cell.begin(&tag)?;
                            Element::Cell
                        }
                        (Some(Element::Cell), "p") => {
                            if self.cell.paragraphs > 0 {
                                self.cell.text.push(' ');
                            }
                            self.cell.paragraphs += 1;
                            Element::Paragraph
                        }
                        (Some(Element::Cell), _) => Element::Beside,
                        (Some(Element::Paragraph), name) => {
                            if matches!(name, "s" | "tab" | "line-break") {
                                self.cell.text.push(' ');
                            }
                            if name == "annotation" { Element::Beside } else { Element::Paragraph }
                        }
                        (Some(Element::Beside), _) => Element::Beside,
                        _ => Element::Other,
                    };
                    self.open.push(element);
                }
                Event::Text(text) if inner == Some(Element::Paragraph) => {
                    self.cell.text.push_str(&text);
                    if self.cell.text.len() > self.row_max {
                        return Err(too_large(self.line + 1));
                    }
                }
                Event::Close => match self.open.pop() {
                    Some(Element::Cell) => {
                        let text = self.cell.shown();
                        if !text.is_empty() {
                            if self.cell.repeated > self.columns_max
                                || column + self.cell.repeated > self.columns_max
                            {
                                let fix = "the row has more columns than any export's; export only those that are mapped";
                                return Err(FileFault::too_big("ROW-COLUMNS", Some(self.line + 1), fix));
                            }
                            bytes += text.len() * self.cell.repeated;
                            if bytes > self.row_max {
                                return Err(too_large(self.line + 1));
                            }
                            self.row
                                .extend((column..column + self.cell.repeated).map(|at| (at, text.clone())));
                        }
                        column = column.saturating_add(self.cell.repeated);
                    }
                    Some(Element::Row) if self.row.is_empty() => {
                        self.line = self.line.saturating_add(repeated)
                    }
                    Some(Element::Row) => {
                        if repeated > REPEATS_MAX {
                            let fix = "a row that isn't blank is repeated more often than anybody types it";
                            return Err(FileFault::too_big("SHEET-ROWS", Some(self.line + 1), fix));
                        }
                        self.again = repeated;
                        return Ok(true);
                    }
                    Some(Element::Table) | None => return Ok(false),
                    Some(Element::Paragraph | Element::Beside | Element::Other) => {}
                },
                Event::Text(_) | Event::Nothing => {}
                Event::End => return Err(broken(Some(self.line))),
            }
        }
    }
}

impl Cell {
    fn begin(&mut self, tag: &Tag<'_>) -> Result<(), FileFault> {
        self.kind.clear();
        self.value.clear();
        self.text.clear();
        (self.paragraphs, self.repeated) = (0, 1);
        tag.attributes(&mut |key, value| {
            match key {
                // Programs write the type twice, once in a space of names of their own.
                "value-type" if self.kind.is_empty() => self.kind.push_str(value),
                "value" | "date-value" | "time-value" | "boolean-value" | "string-value" => {
                    self.value.clear();
                    self.value.push_str(value);
                }
                "number-columns-repeated" => {
                    self.repeated =
                        value.parse::<usize>().ok().filter(|n| *n > 0).ok_or_else(|| broken(None))?;
                }
                _ => {}
            }
            Ok(())
        })
    }

    /// The cell as text.
    fn shown(&self) -> String {
        let shown = self.text.trim();
        let mut text = String::new();
        match self.kind.as_str() {
            // An id that is shown with its zeros keeps them; thousands aren't parted.
            "float" | "currency" => {
                let is_id = !shown.is_empty() && shown.bytes().all(|byte| byte.is_ascii_digit());
                if is_id && shown.parse::<f64>().ok() == self.value.parse().ok() {
                    text.push_str(shown);
                } else {
                    super::value::Format::Number.write(&self.value, false, &mut text);
                }
            }
            "percentage" => super::value::Format::Percent.write(&self.value, false, &mut text),
            "date" => text.push_str(self.value.strip_suffix("T00:00:00").unwrap_or(&self.value)),
            "time" => text = clock(&self.value).unwrap_or_else(|| shown.to_owned()),
            "boolean" => text.push_str(if self.value == "true" { "yes" } else { "no" }),
            _ if shown.is_empty() => text.push_str(self.value.trim()),
            _ => text.push_str(shown),
        }
        text
    }
}

/// `PT09H05M00S` as `09:05`.
fn clock(text: &str) -> Option<String> {
    let rest = text.strip_prefix("PT")?;
    let (hours, rest) = rest.split_once('H')?;
    let (minutes, rest) = rest.split_once('M')?;
    let seconds = rest.strip_suffix('S')?.split('.').next()?;
    let part = |digits: &str| digits.parse::<u32>().ok().filter(|number| *number < 10_000);
    let (hours, minutes, seconds) = (part(hours)?, part(minutes)?, part(seconds)?);
    Some(match seconds {
        0 => format!("{hours:02}:{minutes:02}"),
        _ => format!("{hours:02}:{minutes:02}:{seconds:02}"),
    })
}

fn number(tag: &Tag<'_>, wanted: &str) -> Result<u64, FileFault> {
    let mut number = 1;
    tag.attributes(&mut |key, value| {
        if key == wanted {
            number =
                value.parse::<u32>().ok().filter(|n| *n > 0).map(u64::from).ok_or_else(|| broken(None))?;
        }
        Ok(())
    })?;
    Ok(number)
}

/// Names of the tables, in their order.
pub fn names(reader: &mut dyn Read, limits: &Limits) -> Result<Vec<String>, FileFault> {
    let mut events = Events::new(Utf8::stream(reader), limits);
    let mut names = Vec::new();
    loop {
        match events.step()? {
            Event::Open(tag) if tag.name() == "table" && names.len() < TABLES_MAX => {
                tag.attributes(&mut |key, value| {
                    if key == "name" {
                        names.push(value.to_owned());
                    }
                    Ok(())
                })?;
            }
            Event::End => return Ok(names),
            _ => {}
        }
    }
}

/// Place of the first table in which a cell has text.
fn first_with_text(reader: &mut dyn Read, limits: &Limits) -> Result<Option<usize>, FileFault> {
    let mut events = Events::new(Utf8::stream(reader), limits);
    let mut tables = 0_usize;
    loop {
        match events.step()? {
            Event::Open(tag) if tag.name() == "table" => tables += 1,
            Event::Open(tag) if tables > 0 && tag.name() == "p" => return Ok(tables.checked_sub(1)),
            Event::End => return Ok(None),
            _ => {}
        }
    }
}

/// True if the parts are encrypted.
fn is_locked(reader: &mut dyn Read) -> Result<bool, FileFault> {
    let mut text = Vec::new();
    reader.take(1 << 20).read_to_end(&mut text)?;
    Ok(memchr::memmem::find(&text, b"encryption-data").is_some())
}
