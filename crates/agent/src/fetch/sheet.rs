//! The file that a database's answer becomes: CSV, the names of the query's columns above, one row after the other.
//!
//! An answer about the present days alone is laid over the file that is there: rows of days before stay as they were. What the
//! rows mean is not known here.

use super::{FetchFault, Folder, NewFile};
use commonroll_connectors::{Limits, render::csv_cell};
use std::{
    fs::File,
    io::{self, BufRead, BufReader, Write},
};

/// A row of a file of ours that is longer is none.
const ROW_MAX: usize = 8 << 20;

/// A CSV file on its way. Until a row is written there is none.
pub(super) struct Sheet<'f> {
    folder: &'f Folder,
    name: String,
    file: Option<NewFile>,
    bytes: u64,
    captions: String,
    line: String,
}

impl<'f> Sheet<'f> {
    pub fn new(folder: &'f Folder, name: String, columns: &[String]) -> Self {
        let mut captions = String::new();
        row(columns.iter().map(|column| Some(column.as_str())), &mut captions);
        Self { folder, name, file: None, bytes: 0, captions, line: String::new() }
    }

    /// Begins the file, if it was not begun: one without rows says something too.
    pub fn begin(&mut self) -> Result<&mut NewFile, FetchFault> {
        match &mut self.file {
            Some(file) => Ok(file),
            place => {
                let file = place.insert(self.folder.begin(&self.name)?);
                file.write_all(self.captions.as_bytes())?;
                self.bytes = self.captions.len() as u64;
                Ok(file)
            }
        }
    }

    /// Makes the cells the line that is written next.
    pub fn fill<'c>(&mut self, cells: impl Iterator<Item = Option<&'c str>>) {
        self.line.clear();
        row(cells, &mut self.line);
    }

    /// The line as it stands in the file.
    pub fn line(&self) -> &str {
        &self.line
    }

    /// Writes the line.
    pub fn write(&mut self) -> Result<(), FetchFault> {
        self.begin()?;
        self.bytes += self.line.len() as u64;
        if self.bytes > Limits::default().file_bytes_max {
            let fix = "the query gives more than 1 GiB; ask for fewer days or columns in it";
            return Err(FetchFault::new("SQL-TOO-MUCH", fix));
        }
        let line = &self.line;
        self.file.as_mut().map_or(Ok(()), |file| file.write_all(line.as_bytes()))?;
        Ok(())
    }

    /// Makes the file seen under its name. Its name, or `None` if it was never begun.
    pub fn finish(self) -> Result<Option<String>, FetchFault> {
        let Some(file) = self.file else { return Ok(None) };
        file.finish()?;
        Ok(Some(self.name))
    }

    /// Takes over the rows of the file that is there, as far as their cell at this place is before `day`. False if they can't be
    /// told: then this file is of no use.
    pub fn take_over(&mut self, place: usize, day: &str) -> Result<bool, FetchFault> {
        let Ok(file) = File::open(self.folder.path().join(&self.name)) else { return Ok(false) };
        let mut old = BufReader::with_capacity(128 << 10, file);
        self.begin()?;
        if next(&mut old, &mut self.line)?.is_none() || self.line != self.captions {
            return Ok(false);
        }
        while let Some(is_row) = next(&mut old, &mut self.line)? {
            let Some(cell) = cell(&self.line, place).filter(|_| is_row) else { return Ok(false) };
            if is_before(cell, day) {
                self.write()?;
            }
        }
        Ok(true)
    }
}

/// True if a row of this day stays as it was where days from `day` on are asked for. Days are ISO; what has none is asked for
/// with everything alone.
pub(super) fn is_before(cell: &str, day: &str) -> bool {
    cell < day
}

fn row<'c>(cells: impl Iterator<Item = Option<&'c str>>, line: &mut String) {
    for (place, cell) in cells.enumerate() {
        if place > 0 {
            line.push(',');
        }
        csv_cell(cell.unwrap_or_default(), line);
    }
    line.push('\n');
}

/// Reads the next row; `None` at the end, and false for what is no row of ours.
fn next(file: &mut BufReader<File>, line: &mut String) -> io::Result<Option<bool>> {
    let mut bytes = std::mem::take(line).into_bytes();
    bytes.clear();
    loop {
        let n = file.read_until(b'\n', &mut bytes)?;
        // A line feed between quotation marks ends no row.
        let is_whole = bytes.iter().filter(|byte| **byte == b'"').count() % 2 == 0;
        if n == 0 && bytes.is_empty() {
            return Ok(None);
        }
        if n == 0 || is_whole || bytes.len() > ROW_MAX {
            let is_row = is_whole && bytes.ends_with(b"\n");
            let Ok(text) = String::from_utf8(bytes) else { return Ok(Some(false)) };
            *line = text;
            return Ok(Some(is_row));
        }
    }
}

/// The cell at a place of a row, as it is written.
fn cell(line: &str, place: usize) -> Option<&str> {
    let mut is_quoted = false;
    let mut cells = line.trim_end_matches('\n').split(|c: char| {
        is_quoted ^= c == '"';
        c == ',' && !is_quoted
    });
    cells.nth(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [&str; 3] = ["note", "day", "mark"];

    fn columns() -> Vec<String> {
        COLUMNS.iter().map(|name| (*name).to_owned()).collect()
    }

    fn put(folder: &Folder, rows: &[[&str; 3]]) {
        let mut sheet = Sheet::new(folder, "rows.csv".to_owned(), &columns());
        sheet.begin().unwrap();
        for row in rows {
            sheet.fill(row.iter().map(|cell| Some(*cell)));
            sheet.write().unwrap();
        }
        sheet.finish().unwrap();
    }

    #[test]
    fn rows_of_days_before_stay_and_those_of_today_are_taken_anew() {
        let folder = tempfile::tempdir().unwrap();
        let folder = Folder::open(folder.path()).unwrap();
        put(
            &folder,
            &[
                ["two\nlines, \"quoted\"", "2026-09-11", "/"],
                ["", "2026-09-14", "L"],
                ["no day", "", "N"],
                ["", "2026-09-15", "/"],
            ],
        );
        let mut sheet = Sheet::new(&folder, "rows.csv".to_owned(), &columns());
        assert!(sheet.take_over(1, "2026-09-14").unwrap());
        sheet.fill([Some("new"), Some("2026-09-14"), Some("/")].into_iter());
        sheet.write().unwrap();
        sheet.finish().unwrap();
        let text = std::fs::read_to_string(folder.path().join("rows.csv")).unwrap();
        assert_eq!(
            text,
            "note,day,mark\n\"two\nlines, \"\"quoted\"\"\",2026-09-11,/\nno day,,N\nnew,2026-09-14,/\n"
        );
    }

    #[test]
    fn a_file_that_is_not_of_the_query_s_columns_or_is_cut_off_is_not_built_upon() {
        let folder = tempfile::tempdir().unwrap();
        let folder = Folder::open(folder.path()).unwrap();
        for text in [
            "",
            "day,mark\n2026-09-11,/\n",
            "note,day,mark\n,2026-09-11,/\n,2026-09-1",
            "note,day,mark\n\"x\n",
        ] {
            std::fs::write(folder.path().join("rows.csv"), text).unwrap();
            let mut sheet = Sheet::new(&folder, "rows.csv".to_owned(), &columns());
            assert!(!sheet.take_over(1, "2026-09-14").unwrap(), "{text:?}");
        }
        std::fs::remove_file(folder.path().join("rows.csv")).unwrap();
        assert!(!Sheet::new(&folder, "rows.csv".to_owned(), &columns()).take_over(1, "2026-09-14").unwrap());
    }
}
