//! The second pass over one file: its rows by column name, without those that broke a rule.

use super::{check::Checked, manifest::Manifest, schema};
use crate::{
    connector::{FileFault, Limits},
    package::Package,
    rows::Rows,
    table::Row,
    text::Utf8,
};

/// One sound row.
pub struct Line<'a, 'r> {
    row: &'a Row<'r>,
    columns: &'a [schema::Column],
    /// Line in its file.
    pub line: u64,
}

impl<'r> Line<'_, 'r> {
    /// A cell by its caption; empty if this version doesn't have the column.
    pub fn get(&self, name: &str) -> &'r str {
        self.columns.iter().position(|column| column.name == name).map_or("", |place| self.row.cell(place))
    }

    /// The row's own id.
    pub fn id(&self) -> &'r str {
        self.row.cell(0)
    }

    /// True if a delta file takes the row back.
    pub fn is_gone(&self) -> bool {
        self.row.cell(1) == "tobedeleted"
    }
}

/// Gives each sound row of a file.
pub fn each(
    package: &mut Package<'_>,
    manifest: &Manifest,
    checked: &Checked,
    file: &'static str,
    limits: Limits,
    give: &mut dyn FnMut(&Line<'_, '_>) -> Result<(), FileFault>,
) -> Result<(), FileFault> {
    let columns = schema::columns(manifest.version, file);
    package.read(&format!("{file}.csv"), |reader| {
        let mut rows = Rows::new(Utf8::stream(reader), Some(b','), limits)?;
        rows.next_row()?;
        while let Some(row) = rows.next_row()? {
            if !checked.is_bad(file, row.line) {
                give(&Line { row: &row, columns: &columns, line: row.line })?;
            }
        }
        Ok(())
    })?;
    Ok(())
}
