//! JSON with a mapping file: a list of objects, one object a line, or a list inside an envelope, as APIs answer.
//!
//! Captions are dotted paths to scalars (`attendance_code.data.code`). A list inside a row is a caption of its own, ending in
//! `[]`, and gives rows of its own if the mapping says `each`. Numbers keep their digits. The file is read twice, since only
//! its end tells which captions there are; memory is one row, whatever the size of the file.

mod cursor;
mod lists;
mod shape;
mod split;
mod stamp;

use crate::{
    connector::{Connector, FileFault, Input, Limits, Settings},
    item::Sink,
    mapping,
    table::{self, Row, RowBuffer, Table},
    text::Utf8,
};
pub(crate) use cursor::{Broken, Cursor, Value};
pub(crate) use lists::lists;
use shape::{Shape, Values};
pub(crate) use split::Records;
pub(crate) use stamp::moment;
use std::io::SeekFrom;

/// Reads JSON as its mapping says.
pub struct Json;

impl Connector for Json {
    fn name(&self) -> &'static str {
        "json"
    }

    fn about(&self) -> &'static str {
        "JSON of any system: a list of objects, one a line, or a list in an envelope, read as a mapping file says"
    }

    fn recognises(&self, file_name: &str, head: &[u8]) -> bool {
        let name = file_name.to_ascii_lowercase();
        let begins = head.iter().find(|byte| !byte.is_ascii_whitespace());
        [".json", ".jsonl", ".ndjson"].iter().any(|end| name.ends_with(end))
            || matches!(begins, Some(b'{' | b'['))
    }

    fn translate(&self, input: Input<'_>, settings: &Settings, out: &mut dyn Sink) -> Result<(), FileFault> {
        table::translate(self.name(), input, settings, out)
    }
}

/// Opens the rows that lie in JSON.
///
/// # Errors
/// The file is no JSON, lacks the list that the container names, or is deeper or wider than any honest answer.
pub(crate) fn open<'a>(
    container: &mapping::JsonRows,
    input: Input<'a>,
    limits: &Limits,
) -> Result<JsonTable<'a>, FileFault> {
    let mut shape = Shape::new(container.each.as_deref(), *limits);
    let mut records = Records::open(Utf8::xml(&mut *input.reader)?, container.rows.as_deref());
    while let Some((line, record)) = records.next()? {
        shape.learn(line, record)?;
    }
    drop(records);
    input.reader.seek(SeekFrom::Start(0))?;
    let records = Records::open(Utf8::xml(input.reader)?, container.rows.as_deref());
    let values = Values::new(&shape);
    Ok(JsonTable { shape, records, values, row: RowBuffer::new(*limits), captions_given: false })
}

/// The rows of JSON.
pub(crate) struct JsonTable<'a> {
    shape: Shape,
    records: Records<'a>,
    values: Values,
    row: RowBuffer,
    captions_given: bool,
}

impl Table for JsonTable<'_> {
    fn next_row(&mut self) -> Result<Option<Row<'_>>, FileFault> {
        self.row.clear();
        if !self.captions_given {
            self.captions_given = true;
            if self.shape.captions().is_empty() {
                return Ok(None);
            }
            for caption in self.shape.captions() {
                self.row.push(1, caption)?;
            }
            return Ok(Some(self.row.row(1)));
        }
        while !self.values.next_part(&mut self.shape)? {
            let Some((line, record)) = self.records.next()? else { return Ok(None) };
            self.values.read(&mut self.shape, line, record)?;
        }
        self.values.write(&mut self.row)?;
        Ok(Some(self.row.row(self.values.line())))
    }

    fn leaves_out_blanks(&self) -> bool {
        true
    }
}

/// What to say of JSON that is cut off or none.
pub(crate) fn broken(line: u64) -> FileFault {
    FileFault::content("JSON-BROKEN", Some(line), "the JSON is broken or cut off; export or fetch it again")
}
