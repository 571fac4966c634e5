//! A sheet of a workbook: Excel's .xlsx and .xlsm, and OpenDocument's .ods.
//!
//! Cells become text as a person would type it: dates and times in ISO, numbers without a superfluous point, yes and no.
//! Rows are unpacked and read one after the other. Formulas and macros are never looked at, only what they last gave.

mod ods;
mod strings;
mod styles;
mod value;
mod xlsx;

use crate::{
    connector::{Connector, FileFault, Input, Limits, ReadSeek, Settings},
    item::Sink,
    mapping,
    package::{Contents, Package},
    table::{self, Row, RowBuffer, Table},
};
use std::io::{Read, SeekFrom};

/// Rows above the captions that are looked through for them.
const TITLES_MAX: usize = 50;
/// Rows that a sheet of either program can have.
const ROWS_MAX: u64 = 1 << 20;

/// Reads a sheet as its mapping says.
pub struct Sheet;

impl Connector for Sheet {
    fn name(&self) -> &'static str {
        "sheet"
    }

    fn about(&self) -> &'static str {
        "a sheet of a workbook (.xlsx, .xlsm, .ods), read as a mapping file says"
    }

    fn recognises(&self, file_name: &str, head: &[u8]) -> bool {
        let name = file_name.to_ascii_lowercase();
        [".xlsx", ".xlsm", ".ods"].iter().any(|end| name.ends_with(end)) && head.starts_with(b"PK")
    }

    fn translate(&self, input: Input<'_>, settings: &Settings, out: &mut dyn Sink) -> Result<(), FileFault> {
        table::translate(self.name(), input, settings, out)
    }
}

/// The rows of one sheet.
pub struct Rows<'a> {
    cells: Cells<'a>,
    buffer: RowBuffer,
    heading_row: Option<u64>,
}

enum Cells<'a> {
    Xlsx(Box<xlsx::Cells<'a>>),
    Ods(Box<ods::Cells<'a>>),
}

/// Opens the sheet that the mapping names, or the first that has rows.
pub fn open<'a>(
    container: &mapping::SheetRows,
    input: Input<'a>,
    limits: &Limits,
) -> Result<Rows<'a>, FileFault> {
    let mut package = unpacked(input, limits)?;
    let wanted = container.sheet.as_deref();
    let cells = if package.has("content.xml") {
        Cells::Ods(Box::new(ods::Cells::open(package, wanted, limits)?))
    } else if let Some(book) = xlsx::Book::find(&mut package, limits)? {
        Cells::Xlsx(Box::new(book.open(package, wanted, limits)?))
    } else {
        return Err(other(&package));
    };
    Ok(Rows { cells, buffer: RowBuffer::new(*limits), heading_row: container.heading_row })
}

/// Names of the sheets that a person sees, in their order.
///
/// # Errors
/// The file is no workbook that can be read.
pub fn names(input: Input<'_>, limits: &Limits) -> Result<Vec<String>, FileFault> {
    let mut package = unpacked(input, limits)?;
    if package.has("content.xml") {
        let names = package.read("content.xml", |reader| ods::names(reader, limits))?;
        return Ok(names.unwrap_or_default());
    }
    Ok(xlsx::Book::find(&mut package, limits)?.map_or_else(Vec::new, |book| book.names()))
}

fn unpacked<'a>(input: Input<'a>, limits: &Limits) -> Result<Package<'a>, FileFault> {
    renamed(&mut *input.reader)?;
    // A workbook has more and larger parts than a package of tables, and packs less tightly than it may be made to.
    let room = Limits {
        zip_entries_max: 4 * limits.zip_entries_max,
        unpacked_bytes_max: 4 * limits.unpacked_bytes_max,
        zip_ratio_max: limits.zip_ratio_max / 2,
        ..*limits
    };
    Package::open(input.reader, input.size, room, Contents::Workbook)
}

impl Table for Rows<'_> {
    fn next_row(&mut self) -> Result<Option<Row<'_>>, FileFault> {
        loop {
            self.buffer.clear();
            let line = match &mut self.cells {
                Cells::Xlsx(cells) => cells.next(&mut self.buffer)?,
                Cells::Ods(cells) => cells.next(&mut self.buffer)?,
            };
            let Some(line) = line else { return Ok(None) };
            if line > ROWS_MAX {
                let fix = "the sheet has more rows than any program makes";
                return Err(FileFault::too_big("SHEET-ROWS", Some(line), fix));
            }
            let is_above = self.heading_row.is_some_and(|heading| line < heading);
            if is_above || self.buffer.row(line).is_blank() {
                continue;
            }
            return Ok(Some(self.buffer.row(line)));
        }
    }

    fn titles_max(&self) -> usize {
        if self.heading_row.is_some() { 0 } else { TITLES_MAX }
    }

    fn is_ragged(&self) -> bool {
        true
    }
}

/// Puts a cell at its place in the row, with blanks before it.
fn put(buffer: &mut RowBuffer, line: u64, column: usize, text: &str) -> Result<(), FileFault> {
    if text.is_empty() {
        return Ok(());
    }
    let width = buffer.row(line).width();
    if column < width {
        return Err(broken(Some(line)));
    }
    for _ in width..column {
        buffer.push(line, "")?;
    }
    buffer.push(line, text)
}

fn broken(line: Option<u64>) -> FileFault {
    FileFault::content(
        "SHEET-BROKEN",
        line,
        "the workbook is damaged; open it, save it again and export it again",
    )
}

/// No sheet has this name.
fn no_sheet(wanted: Option<&str>) -> FileFault {
    match wanted {
        Some(_) => {
            let fix = "the workbook has no sheet of the name that the mapping gives as `sheet`; compare them";
            FileFault::content("SHEET-MISSING", None, fix)
        }
        None => {
            FileFault::content("SHEET-EMPTY", None, "no sheet of the workbook has a row; export it again")
        }
    }
}

/// Files that bear a workbook's name and are something else.
fn renamed(reader: &mut dyn ReadSeek) -> Result<(), FileFault> {
    reader.seek(SeekFrom::Start(0))?;
    let mut head = Vec::with_capacity(64 << 10);
    (&mut *reader).take(64 << 10).read_to_end(&mut head)?;
    reader.seek(SeekFrom::Start(0))?;
    if head.is_empty() {
        return Err(FileFault::content("FILE-EMPTY", None, "the file is empty; export it again"));
    }
    if head.starts_with(b"PK") {
        return Ok(());
    }
    let locked: Vec<u8> = "EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let text = head.iter().take(512).map(u8::to_ascii_lowercase).collect::<Vec<u8>>();
    let has = |needle: &[u8]| memchr::memmem::find(&text, needle).is_some();
    let (rule, fix) =
        if head.starts_with(b"\xd0\xcf\x11\xe0") && memchr::memmem::find(&head, &locked).is_some() {
            ("SHEET-LOCKED", "the workbook has a password; save it without one")
        } else if head.starts_with(b"\xd0\xcf\x11\xe0") {
            (
                "SHEET-OLD",
                "the workbook is in the old .xls format, or has a password; save it as .xlsx without one",
            )
        } else if has(b"<html") || has(b"<table") {
            ("SHEET-RENAMED", "the file is a web page with a workbook's name; open it and save it as .xlsx")
        } else if head.starts_with(b"<?xml") || head.starts_with(b"\xef\xbb\xbf<?xml") {
            (
                "SHEET-RENAMED",
                "the file is XML with a workbook's name; save it as .xlsx, or map it with format = \"xml\"",
            )
        } else if std::str::from_utf8(&text).is_ok() && !text.contains(&0) {
            ("SHEET-RENAMED", "the file is text with a workbook's name; map it with format = \"delimited\"")
        } else {
            ("SHEET-RENAMED", "the file is no workbook, whatever its name; export it again as .xlsx")
        };
    Err(FileFault::content(rule, None, fix))
}

/// A sound zip that is no workbook that can be read.
fn other(package: &Package<'_>) -> FileFault {
    let (rule, fix) = if package.has("xl/workbook.bin") {
        ("SHEET-BINARY", "the workbook is in the binary .xlsb format; save it as .xlsx")
    } else if package.has("manifest.csv") {
        ("SHEET-RENAMED", "the file is a OneRoster package; map it with format = \"oneroster\"")
    } else {
        ("SHEET-RENAMED", "the file is a zip and no workbook; export it again as .xlsx or .ods")
    };
    FileFault::content(rule, None, fix)
}
