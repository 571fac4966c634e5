//! Excel's workbooks: which sheets there are, and the cells of one, row by row.

use super::{
    broken, no_sheet, put,
    strings::{self, Kind, Strings},
    styles,
    value::Format,
};
use crate::{
    connector::{FileFault, Limits},
    package::Package,
    table::RowBuffer,
    text::Utf8,
    xml::{Event, Events},
};

/// Sheets of a workbook that are looked at.
const SHEETS_MAX: usize = 256;

/// Cells of a row, blank ones too: columns A to XFD.
const CELLS_MAX: usize = 16_384;

/// What a workbook says of itself.
pub struct Book {
    sheets: Vec<Listed>,
    from_1904: bool,
    strings: String,
    styles: String,
}

struct Listed {
    name: String,
    hidden: bool,
    part: String,
}

/// One relation of a part to another.
struct Relation {
    id: String,
    kind: String,
    target: String,
}

impl Book {
    /// Reads the workbook's own part; `None` if the zip has none.
    pub fn find(package: &mut Package<'_>, limits: &Limits) -> Result<Option<Self>, FileFault> {
        let top = relations(package, "_rels/.rels", "", limits)?;
        let part = top.iter().find(|relation| relation.kind.ends_with("/officeDocument"));
        let part = part.map_or("xl/workbook.xml", |relation| relation.target.as_str()).to_owned();
        if !part.ends_with(".xml") || !package.has(&part) {
            return Ok(None);
        }
        let (folder, file) = part.rsplit_once('/').unwrap_or(("", &part));
        let beside = relations(package, &format!("{folder}/_rels/{file}.rels"), folder, limits)?;
        let of_kind = |kind: &str, usual: &str| {
            let found = beside.iter().find(|relation| relation.kind.ends_with(kind));
            found.map_or_else(|| format!("{folder}/{usual}"), |relation| relation.target.clone())
        };
        let mut book = Self {
            sheets: Vec::new(),
            from_1904: false,
            strings: of_kind("/sharedStrings", "sharedStrings.xml"),
            styles: of_kind("/styles", "styles.xml"),
        };
        let read = package.read(&part, |reader| book.read(reader, &beside, limits))?;
        match read {
            Some(true) => Ok(Some(book)),
            _ => Ok(None),
        }
    }

    /// Reads the list of sheets. False if the part is no workbook.
    fn read(
        &mut self,
        reader: &mut dyn std::io::Read,
        beside: &[Relation],
        limits: &Limits,
    ) -> Result<bool, FileFault> {
        let mut events = Events::new(Utf8::stream(reader), limits);
        let (mut depth, mut is_book) = (0_usize, false);
        loop {
            match events.step()? {
                Event::Open(tag) => {
                    depth += 1;
                    is_book |= depth == 1 && tag.name() == "workbook";
                    let (mut name, mut hidden, mut id) = (String::new(), false, String::new());
                    let kind = tag.name().to_owned();
                    if !matches!(kind.as_str(), "sheet" | "workbookPr") || self.sheets.len() >= SHEETS_MAX {
                        continue;
                    }
                    tag.attributes(&mut |key, value| {
                        match key {
                            "name" => name = value.to_owned(),
                            "state" => hidden = value != "visible",
                            "id" => id = value.to_owned(),
                            "date1904" => self.from_1904 = matches!(value, "1" | "true"),
                            _ => {}
                        }
                        Ok(())
                    })?;
                    let part = beside
                        .iter()
                        .find(|relation| relation.id == id && relation.kind.ends_with("/worksheet"))
                        .map(|relation| relation.target.clone());
                    if let (Some(part), "sheet") = (part, kind.as_str()) {
                        self.sheets.push(Listed { name, hidden, part });
                    }
                }
                Event::Close => depth = depth.saturating_sub(1),
                Event::Text(_) | Event::Nothing => {}
                Event::End if depth == 0 => return Ok(is_book),
                Event::End => return Err(broken(None)),
            }
        }
    }

    /// Names of the sheets that aren't hidden.
    pub fn names(&self) -> Vec<String> {
        self.sheets.iter().filter(|sheet| !sheet.hidden).map(|sheet| sheet.name.clone()).collect()
    }

    /// Opens the sheet of this name, or the first that has a row and isn't hidden.
    pub fn open<'a>(
        self,
        mut package: Package<'a>,
        wanted: Option<&str>,
        limits: &Limits,
    ) -> Result<Cells<'a>, FileFault> {
        let formats = styles::read(&mut package, &self.styles, limits)?;
        let strings = Strings::read(&mut package, &self.strings, limits)?;
        let part = match wanted {
            Some(wanted) => {
                let is_it =
                    |sheet: &&Listed| sheet.name.trim().to_lowercase() == wanted.trim().to_lowercase();
                self.sheets.iter().find(is_it).map(|sheet| sheet.part.clone())
            }
            None => {
                let order = self.sheets.iter().filter(|sheet| !sheet.hidden);
                let order = order.chain(self.sheets.iter().filter(|sheet| sheet.hidden));
                let mut found = None;
                for sheet in order {
                    let has = package.read(&sheet.part, |reader| has_row(reader, limits))?;
                    if has == Some(true) {
                        found = Some(sheet.part.clone());
                        break;
                    }
                }
                found
            }
        };
        let part = part.ok_or_else(|| no_sheet(wanted))?;
        let reader = package.into_part(&part)?.ok_or_else(|| broken(None))?;
        Ok(Cells {
            events: Events::new(Utf8::stream(reader), limits),
            strings,
            formats,
            from_1904: self.from_1904,
            open: Vec::new(),
            line: 0,
            raw: String::new(),
            text: String::new(),
            cell_max: limits.line_bytes_max,
        })
    }
}

/// True if a sheet has a cell with a value.
fn has_row(reader: &mut dyn std::io::Read, limits: &Limits) -> Result<bool, FileFault> {
    let mut events = Events::new(Utf8::stream(reader), limits);
    loop {
        match events.step()? {
            Event::Open(tag) if matches!(tag.name(), "v" | "is") => return Ok(true),
            Event::End => return Ok(false),
            _ => {}
        }
    }
}

/// The relations of a part, their targets as names in the zip.
fn relations(
    package: &mut Package<'_>,
    part: &str,
    folder: &str,
    limits: &Limits,
) -> Result<Vec<Relation>, FileFault> {
    let found = package.read(part, |reader| {
        let mut events = Events::new(Utf8::stream(reader), limits);
        let mut relations = Vec::new();
        loop {
            match events.step()? {
                Event::Open(tag) if tag.name() == "Relationship" && relations.len() < 4 * SHEETS_MAX => {
                    let mut relation =
                        Relation { id: String::new(), kind: String::new(), target: String::new() };
                    tag.attributes(&mut |key, value| {
                        match key {
                            "Id" => relation.id = value.to_owned(),
                            "Type" => relation.kind = value.to_owned(),
                            "Target" => relation.target = placed(value, folder),
                            _ => {}
                        }
                        Ok(())
                    })?;
                    relations.push(relation);
                }
                Event::End => return Ok(relations),
                _ => {}
            }
        }
    })?;
    Ok(found.unwrap_or_default())
}

/// A target as a name in the zip.
fn placed(target: &str, folder: &str) -> String {
    match (target.strip_prefix('/'), folder) {
        (Some(absolute), _) => absolute.to_owned(),
        (None, "") => target.trim_start_matches("./").to_owned(),
        (None, folder) => format!("{folder}/{}", target.trim_start_matches("./")),
    }
}

/// Elements of a sheet that matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Element {
    Data,
    Row,
    Cell,
    Value,
    /// How a text is pronounced, which isn't the text.
    Spoken,
    Other,
}

/// The cells of one sheet.
pub struct Cells<'a> {
    events: Events<'a>,
    strings: Strings,
    formats: Vec<Format>,
    from_1904: bool,
    open: Vec<Element>,
    line: u64,
    raw: String,
    text: String,
    /// Bytes of a cell.
    cell_max: usize,
}

impl Cells<'_> {
    /// Reads the next row; gives its number, or `None` at the end.
    pub fn next(&mut self, buffer: &mut RowBuffer) -> Result<Option<u64>, FileFault> {
        let (mut column, mut cells, mut format, mut kind) = (0_usize, 0, Format::Number, Kind::Number);
        loop {
            let inner = self.open.last().copied();
            match self.events.step()? {
                Event::Open(tag) => {
                    if self.open.len() >= 32 {
                        return Err(crate::xml::too_deep(tag.line));
                    }
                    let element = match (inner, tag.name()) {
                        (_, "sheetData") => Element::Data,
                        (Some(Element::Data), "row") => {
                            self.line += 1;
                            column = 0;
                            tag.attributes(&mut |key, value| {
                                if key == "r" {
                                    let line = value.parse::<u32>().map(u64::from);
                                    self.line = line
                                        .ok()
                                        .filter(|line| *line >= self.line)
                                        .ok_or_else(|| broken(None))?;
                                }
                                Ok(())
                            })?;
                            Element::Row
                        }
                        (Some(Element::Row), "c") => {
                            (format, kind) = (Format::Number, Kind::Number);
                            self.raw.clear();
                            cells += 1;
                            if cells > CELLS_MAX {
                                return Err(broken(Some(self.line)));
                            }
                            let formats = &self.formats;
                            tag.attributes(&mut |key, value| {
                                match key {
                                    "r" => column = column_of(value).unwrap_or(column),
                                    "s" => {
                                        let style = value.parse().unwrap_or(usize::MAX);
                                        format = formats.get(style).copied().unwrap_or_default();
                                    }
                                    "t" => kind = Kind::of(value),
                                    _ => {}
                                }
                                Ok(())
                            })?;
                            Element::Cell
                        }
                        (Some(Element::Cell), "v") => Element::Value,
                        (_, "rPh") => Element::Spoken,
                        (Some(Element::Other), "t")
                            if self.open.contains(&Element::Cell) && kind == Kind::Text =>
                        {
                            Element::Value
                        }
                        _ => Element::Other,
                    };
                    self.open.push(element);
                }
                Event::Text(text) if inner == Some(Element::Value) => {
                    self.raw.push_str(&text);
                    if self.raw.len() > self.cell_max {
                        return Err(crate::xml::too_large(self.line));
                    }
                }
                Event::Close => match self.open.pop() {
                    Some(Element::Cell) => {
                        self.text.clear();
                        if !self.raw.is_empty() {
                            let (raw, strings, text) = (&self.raw, &self.strings, &mut self.text);
                            strings::write(kind, raw, strings, format, self.from_1904, text)
                                .ok_or_else(|| broken(Some(self.line)))?;
                        }
                        put(buffer, self.line, column, &self.text)?;
                        column += 1;
                    }
                    Some(Element::Row) => return Ok(Some(self.line)),
                    Some(Element::Data) | None => return Ok(None),
                    Some(Element::Value | Element::Spoken | Element::Other) => {}
                },
                Event::Text(_) | Event::Nothing => {}
                Event::End => return Err(broken(Some(self.line))),
            }
        }
    }
}

/// Column of a cell's name, from 0: `C5` is 2.
fn column_of(name: &str) -> Option<usize> {
    let letters = name.bytes().take_while(u8::is_ascii_uppercase);
    let column = letters.take(4).fold(0_usize, |sum, letter| sum * 26 + usize::from(letter - b'A') + 1);
    column.checked_sub(1)
}
