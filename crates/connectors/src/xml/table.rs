//! Rows that lie in XML: the element that repeats is a row, the elements and attributes under it are its captions.
//!
//! What SIMS' Command Reporter, third-party interfaces and most programs' XML come down to. A mapping says which caption
//! is which field, see [`columns`](crate::columns).

use super::{
    Event, Events,
    shape::{self, ROW, Shape},
    too_large,
};
use crate::{
    connector::{Connector, FileFault, Input, Limits, Settings},
    item::Sink,
    mapping,
    table::{self, Row, RowBuffer, Table},
    text::Utf8,
};

/// Reads XML as its mapping says.
pub struct Xml;

impl Connector for Xml {
    fn name(&self) -> &'static str {
        "xml"
    }

    fn about(&self) -> &'static str {
        "XML of any system in which one element repeats, read as a mapping file says"
    }

    fn recognises(&self, file_name: &str, head: &[u8]) -> bool {
        file_name.to_ascii_lowercase().ends_with(".xml") && !head.starts_with(b"PK")
    }

    fn translate(&self, input: Input<'_>, settings: &Settings, out: &mut dyn Sink) -> Result<(), FileFault> {
        table::translate(self.name(), input, settings, out)
    }
}

/// Opens the rows of an XML file. It is read twice: the first time for its captions and to see that it is whole.
pub fn open<'a>(
    container: &mapping::XmlRows,
    input: Input<'a>,
    limits: &Limits,
) -> Result<Rows<'a>, FileFault> {
    let reader = input.reader;
    let row = match &container.row {
        Some(row) => Some(row.clone()),
        None => shape::repeated(&mut Events::new(Utf8::xml(&mut *reader)?, limits), limits)?,
    };
    let Some(row) = row else {
        let fix = "no element of the file repeats, so none looks like a row; name it in the mapping as `row`";
        return Err(FileFault::content("XML-ROWS", None, fix));
    };
    let mut shape = Shape::learn(&mut Events::new(Utf8::xml(&mut *reader)?, limits), &row, limits)?;
    let captions = shape.captions();
    let cells = vec![String::new(); captions.len()];
    let events = Events::new(Utf8::xml(reader)?, limits);
    let buffer = RowBuffer::new(*limits);
    Ok(Rows {
        events,
        row,
        shape,
        captions: Some(captions),
        cells,
        buffer,
        open: Vec::new(),
        limits: *limits,
    })
}

/// The rows of an XML file.
pub struct Rows<'a> {
    events: Events<'a>,
    row: String,
    shape: Shape,
    captions: Option<Vec<String>>,
    cells: Vec<String>,
    buffer: RowBuffer,
    open: Vec<usize>,
    limits: Limits,
}

impl Rows<'_> {
    /// Reads the next row into its cells; gives its line.
    fn read(&mut self) -> Result<Option<u64>, FileFault> {
        self.cells.iter_mut().for_each(String::clear);
        let (mut line, mut begin) = (0, 0);
        loop {
            let inside = !self.open.is_empty();
            match self.events.step()? {
                Event::Open(tag) => {
                    let place = match self.open.last() {
                        Some(parent) => self.shape.enter(*parent, tag.name()).ok_or_else(changed)?,
                        None if shape::is_named(tag.name(), &self.row) => {
                            self.shape.begin();
                            line = tag.line;
                            ROW
                        }
                        None => continue,
                    };
                    self.open.push(place);
                    let (shape, cells) = (&mut self.shape, &mut self.cells);
                    tag.attributes(&mut |name, value| {
                        let attribute = shape.enter(place, &format!("@{name}")).ok_or_else(changed)?;
                        if let Some(column) = shape.column(attribute) {
                            cells[column].push_str(value);
                        }
                        Ok(())
                    })?;
                }
                Event::Text(text) if inside => {
                    if let Some(column) = self.open.last().and_then(|place| self.shape.column(*place)) {
                        self.cells[column].push_str(&text);
                    }
                }
                Event::Close if inside => {
                    self.open.pop();
                    if self.open.is_empty() {
                        return Ok(Some(line));
                    }
                }
                Event::End => return Ok(None),
                Event::Close | Event::Text(_) | Event::Nothing => {}
            }
            if !inside {
                begin = self.events.position();
            } else if self.events.position() - begin > self.limits.xml_element_bytes_max as u64 {
                return Err(too_large(line));
            }
        }
    }
}

impl Table for Rows<'_> {
    fn next_row(&mut self) -> Result<Option<Row<'_>>, FileFault> {
        self.buffer.clear();
        if let Some(captions) = self.captions.take() {
            captions.iter().try_for_each(|caption| self.buffer.push(1, caption))?;
            return Ok((!captions.is_empty()).then(|| self.buffer.row(1)));
        }
        loop {
            let Some(line) = self.read()? else { return Ok(None) };
            if self.cells.iter().all(|cell| cell.trim().is_empty()) {
                continue;
            }
            for cell in &self.cells {
                self.buffer.push(line, cell)?;
            }
            return Ok(Some(self.buffer.row(line)));
        }
    }

    fn leaves_out_blanks(&self) -> bool {
        true
    }
}

fn changed() -> FileFault {
    FileFault::content("FILE-CHANGED", None, "the file changed while it was read; try again")
}
