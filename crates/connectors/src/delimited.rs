//! Delimited text with a mapping file: what the reports of SIMS, Arbor, Bromcom, spreadsheets and databases can all write.
//!
//! The captions are the report author's, so a mapping says which caption is which field, see [`columns`](crate::columns).

use crate::{
    connector::{Connector, FileFault, Input, Limits, Settings},
    item::Sink,
    mapping,
    rows::Rows,
    stretches::{self, Cuts, Stretches},
    table,
    text::Utf8,
};

/// Reads delimited text as its mapping says.
pub struct Delimited;

impl Connector for Delimited {
    fn name(&self) -> &'static str {
        "delimited"
    }

    fn about(&self) -> &'static str {
        "delimited text (CSV) of any system, read as a mapping file says"
    }

    fn recognises(&self, file_name: &str, head: &[u8]) -> bool {
        let name = file_name.to_ascii_lowercase();
        [".csv", ".txt", ".tsv"].iter().any(|end| name.ends_with(end)) && !head.starts_with(b"PK")
    }

    fn translate(&self, input: Input<'_>, settings: &Settings, out: &mut dyn Sink) -> Result<(), FileFault> {
        table::translate(self.name(), input, settings, out)
    }

    fn has_stretches(&self, settings: &Settings) -> bool {
        stretches::has(self.name(), settings)
    }

    fn translate_stretches(
        &self,
        input: Input<'_>,
        settings: &Settings,
        cuts: Cuts,
        out: &mut dyn Stretches,
    ) -> Result<bool, FileFault> {
        stretches::translate(self.name(), input, settings, cuts, out)
    }
}

/// Opens delimited text.
pub(crate) fn open<'a>(
    container: &mapping::Delimited,
    input: Input<'a>,
    limits: &Limits,
) -> Result<Rows<'a>, FileFault> {
    let text = Utf8::open(input.reader, container.encoding.as_deref(), limits)?;
    let mut rows = Rows::below(text, container.separator(), container.title_rows, *limits)?;
    for _ in 0..container.title_rows {
        rows.next_row()?;
    }
    Ok(rows)
}
