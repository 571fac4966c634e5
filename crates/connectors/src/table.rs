//! Tables: rows of text cells under captions, whatever they lie in. A container (delimited text, a workbook, XML ..) gives
//! rows; [`columns`](crate::columns) says what they mean.

use crate::{
    columns,
    connector::{FileFault, Input, Limits, Settings},
    delimited,
    item::Sink,
    json,
    mapping::{Container, Format},
    sheet, sql, xml,
};

/// Gives one row after the other; the first has the captions. Memory must not grow with the number of rows.
pub trait Table {
    /// The next row that isn't wholly blank; `None` at the end.
    ///
    /// # Errors
    /// The whole file is refused.
    fn next_row(&mut self) -> Result<Option<Row<'_>>, FileFault>;

    /// True if a row, or the whole table, leaves out what is blank, as XML and JSON do: a caption that stands nowhere is a
    /// blank column then, and a table without captions has no rows.
    fn leaves_out_blanks(&self) -> bool {
        false
    }

    /// How many rows may stand above the captions, such as titles. The captions are the first row that has all of those that
    /// the mapping names.
    fn titles_max(&self) -> usize {
        0
    }

    /// True if rows end with their last cell that isn't blank.
    fn is_ragged(&self) -> bool {
        false
    }
}

/// Opens the table that lies in a file.
///
/// # Errors
/// The file is too big, or is not what the container says.
pub fn open<'a>(
    container: &Container,
    input: Input<'a>,
    limits: &Limits,
) -> Result<Box<dyn Table + 'a>, FileFault> {
    input.bounded(limits)?;
    Ok(match container {
        Container::Delimited(delimited) => Box::new(delimited::open(delimited, input, limits)?),
        Container::Sheet(rows) => Box::new(sheet::open(rows, input, limits)?),
        Container::Json(rows) => Box::new(json::open(rows, input, limits)?),
        Container::Xml(rows) => Box::new(xml::open(rows, input, limits)?),
        Container::Sql(_) => Box::new(sql::open(input, limits)?),
    })
}

/// What every connector of tables does: opens the container that the mapping names, and reads its rows.
pub(crate) fn translate(
    connector: &str,
    input: Input<'_>,
    settings: &Settings,
    out: &mut dyn Sink,
) -> Result<(), FileFault> {
    match settings.mapping.as_ref().map(|mapping| &mapping.format) {
        Some(Format::Table(container, columns)) if container.connector() == connector => {
            let mut table = open(container, input, &settings.limits)?;
            columns::translate(table.as_mut(), columns, settings, out)
        }
        _ => {
            let fix = format!("the file needs a mapping with format = \"{connector}\"");
            Err(FileFault::mapping("MAP-MISSING", fix))
        }
    }
}

/// One row.
pub struct Row<'r> {
    /// Line on which it begins, from 1.
    pub line: u64,
    cells: &'r str,
    ends: &'r [usize],
}

impl<'r> Row<'r> {
    /// A row of cells that lie behind each other in `cells`; `ends` has the byte behind each.
    pub const fn new(line: u64, cells: &'r str, ends: &'r [usize]) -> Self {
        Self { line, cells, ends }
    }

    /// All of the row's text, cell behind cell.
    pub const fn text(&self) -> &'r str {
        self.cells
    }

    /// How many cells it has.
    pub const fn width(&self) -> usize {
        self.ends.len()
    }

    /// A cell without the spaces around it; empty if the row is too short.
    pub fn cell(&self, column: usize) -> &'r str {
        let Some(&end) = self.ends.get(column) else { return "" };
        let start = column.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        self.cells.get(start..end).unwrap_or_default().trim()
    }

    /// True if no cell holds anything.
    pub fn is_blank(&self) -> bool {
        self.cells.trim().is_empty()
    }
}

/// Room for one row, for containers whose cells don't lie behind each other already. Bounded by the limits.
#[derive(Debug)]
pub struct RowBuffer {
    cells: String,
    ends: Vec<usize>,
    limits: Limits,
}

impl RowBuffer {
    /// An empty row.
    pub const fn new(limits: Limits) -> Self {
        Self { cells: String::new(), ends: Vec::new(), limits }
    }

    /// Makes room for the next row.
    pub fn clear(&mut self) {
        self.cells.clear();
        self.ends.clear();
    }

    /// One more cell.
    ///
    /// # Errors
    /// The row has more cells, or more bytes, than any honest export; `line` is named.
    pub fn push(&mut self, line: u64, cell: &str) -> Result<(), FileFault> {
        if self.ends.len() >= self.limits.columns_max {
            let fix = format!(
                "the row has more than {} columns; export only those that are mapped",
                self.limits.columns_max
            );
            return Err(FileFault::too_big("ROW-COLUMNS", Some(line), fix));
        }
        if self.cells.len() + cell.len() > self.limits.line_bytes_max {
            let fix = "the row is longer than any export's; leave columns of long text out of the export";
            return Err(FileFault::too_big("ROW-LENGTH", Some(line), fix));
        }
        self.cells.push_str(cell);
        self.ends.push(self.cells.len());
        Ok(())
    }

    /// The row as it stands.
    pub fn row(&self, line: u64) -> Row<'_> {
        Row::new(line, &self.cells, &self.ends)
    }
}
