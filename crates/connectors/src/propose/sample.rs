//! A bounded sample of a table: its captions and some thousand rows from all over it.

use crate::{connector::FileFault, table::Table};

/// Rows that are kept.
const KEPT: usize = 2_000;
/// Rows that are looked at.
const LOOKED_AT: u64 = 200_000;
/// Characters of a cell that are kept.
const CELL: usize = 200;

/// Captions and rows of a table.
#[derive(Default, Clone)]
pub struct Sample {
    /// The captions.
    pub captions: Vec<String>,
    /// Some of the rows, in their order.
    pub rows: Vec<SampleRow>,
    /// How many rows were looked at.
    pub looked_at: u64,
    /// Rows that are wider or narrower than the captions.
    pub uneven: usize,
    /// Names of other sheets of the workbook that hold rows too.
    pub beside: Vec<String>,
}

/// One row of a sample. Holds what a file says: never show it without being asked to.
#[derive(Clone)]
pub struct SampleRow {
    /// Line on which it begins.
    pub line: u64,
    cells: Vec<String>,
}

impl SampleRow {
    /// A cell; empty if the row is too short.
    pub fn cell(&self, column: usize) -> &str {
        self.cells.get(column).map_or("", String::as_str)
    }

    fn filled(&self) -> usize {
        self.cells.iter().filter(|cell| !cell.is_empty()).count()
    }
}

impl std::fmt::Debug for Sample {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sample({} columns, {} rows)", self.captions.len(), self.rows.len())
    }
}

impl Sample {
    /// Takes a sample: all rows of a small table, and of a long one every second, fourth .. of its first 200,000.
    ///
    /// # Errors
    /// The table can't be read as far as that.
    pub fn take(table: &mut dyn Table) -> Result<Self, FileFault> {
        let titles_max = table.titles_max();
        let Some(first) = table.next_row()? else {
            return Err(FileFault::content(
                "FILE-EMPTY",
                None,
                "the file has no line of captions; export it again",
            ));
        };
        let width = first.width();
        let captions = (0..width).map(|column| first.cell(column).to_owned()).collect();
        let mut sample = Self { captions, ..Self::default() };
        let mut stride = 1_u64;
        while sample.looked_at < LOOKED_AT {
            let Some(row) = table.next_row()? else { break };
            sample.looked_at += 1;
            sample.uneven += usize::from(row.width() != width);
            if !(sample.looked_at - 1).is_multiple_of(stride) {
                continue;
            }
            let cells =
                (0..row.width()).map(|column| row.cell(column).chars().take(CELL).collect()).collect();
            sample.rows.push(SampleRow { line: row.line, cells });
            if sample.rows.len() >= KEPT {
                let mut place = 0;
                sample.rows.retain(|_| {
                    place += 1;
                    place % 2 == 1
                });
                stride *= 2;
            }
        }
        // A container that finds its captions by the mapping's gives titles as rows here.
        if titles_max > 0 {
            sample.drop_titles(titles_max);
        }
        Ok(sample)
    }

    /// The captions as the one row of a table: what they would be if they were values.
    pub fn heads(&self) -> Self {
        let row = SampleRow { line: 1, cells: self.captions.clone() };
        Self { captions: self.captions.clone(), rows: vec![row], looked_at: 1, ..Self::default() }
    }

    fn drop_titles(&mut self, most: usize) {
        let titles = self.title_rows();
        if (1..=most).contains(&titles) && titles <= self.rows.len() {
            let captions = self.rows.drain(..titles).next_back();
            self.captions = captions.map(|row| row.cells).unwrap_or_default();
        }
    }

    /// How many rows stand above the captions, such as a title and the name of the school; 0 if the first row has them.
    ///
    /// A title has one or two cells; captions are the first row in which nearly as many cells stand as in most rows.
    pub fn title_rows(&self) -> usize {
        let first = self.captions.iter().filter(|caption| !caption.is_empty()).count();
        let mut widths: Vec<usize> = self.rows.iter().map(SampleRow::filled).collect();
        widths.sort_unstable();
        let Some(&usual) = widths.get(widths.len() / 2) else { return 0 };
        if usual < 2 || first * 2 > usual {
            return 0;
        }
        let rest = self.rows.iter().take(20).position(|row| row.filled() * 2 > usual);
        rest.map_or(0, |place| place + 1)
    }

    /// How well it hangs together as a table: share of rows as wide as the captions, more for more columns.
    pub fn evenness(&self) -> f64 {
        let even = 1.0 - self.uneven as f64 / (self.looked_at.max(1)) as f64;
        let width = self.captions.len() as f64;
        if width < 2.0 { 0.0 } else { even * (1.0 - 0.5 / width) }
    }
}
