//! Rows of a database, by the query in the mapping file: any SQL database, one query for each kind of record, no code.
//!
//! The agent asks the database and writes the answer into a file, UTF-8 with commas, whose first line has the names of the
//! query's columns; a null is a blank cell. This reads that file. The databases themselves are the agent's business.

use crate::{
    connector::{Connector, FileFault, Input, Limits, Settings},
    item::Sink,
    rows::Rows,
    stretches::{self, Cuts, Stretches},
    table,
    text::Utf8,
};

/// Reads what the agent fetched from a database.
pub struct Sql;

impl Connector for Sql {
    fn name(&self) -> &'static str {
        "sql"
    }

    fn about(&self) -> &'static str {
        "rows of any SQL database (MariaDB, MySQL, PostgreSQL), asked by the query in a mapping file"
    }

    fn recognises(&self, _: &str, _: &[u8]) -> bool {
        // It is never handed in: the agent makes it.
        false
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

/// Opens an answer that the agent wrote down.
pub(crate) fn open<'a>(input: Input<'a>, limits: &Limits) -> Result<Rows<'a>, FileFault> {
    Rows::new(Utf8::open(input.reader, Some("utf-8"), limits)?, Some(b','), *limits)
}
