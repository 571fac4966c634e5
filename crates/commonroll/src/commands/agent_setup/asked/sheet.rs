//! Some rows of an answer in a private file that goes with the wizard: what the proposer and the ten shown rows are made of.

use commonroll_agent::database::{DatabaseFault, Link};
use commonroll_connectors::{
    FileFault, Limits,
    mapping::Container,
    propose::{self, Sample},
    render::csv_cell,
};
use std::{
    fs::File,
    io::{BufReader, BufWriter, Write},
    path::Path,
};
use tempfile::NamedTempFile;

/// Rows of one answer. The file can be read by its owner alone, and is removed when this goes.
pub struct Sheet {
    file: NamedTempFile,
    pub rows: u64,
}

impl Sheet {
    /// Asks a query inside the transaction that is open, and writes what comes.
    pub async fn of(link: &mut Link, query: &str) -> Result<Self, DatabaseFault> {
        let here = |error: std::io::Error| DatabaseFault {
            rule: "FETCH-WRITE",
            fix: format!("the folder for files in between can't be written: {}", error.kind()),
            passes: false,
        };
        let columns = link.columns(query).await?;
        let file = NamedTempFile::new().map_err(here)?;
        let mut out = BufWriter::new(file.as_file());
        out.write_all(line(columns.iter().map(|column| Some(column.as_str()))).as_bytes()).map_err(here)?;
        let mut rows = 0;
        link.rows::<DatabaseFault>(query, &mut |cells| {
            rows += 1;
            out.write_all(line(cells.iter().copied()).as_bytes()).map_err(here)
        })
        .await?;
        out.flush().map_err(here)?;
        drop(out);
        Ok(Self { file, rows })
    }

    /// One that was written already.
    pub const fn whole(file: NamedTempFile, rows: u64) -> Self {
        Self { file, rows }
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// A sample of it, read as this container says.
    pub fn sample(&self, container: &Container, name: &str) -> Result<Sample, String> {
        let read = || -> Result<Sample, FileFault> {
            let file = File::open(self.path())?;
            let size = file.metadata()?.len();
            propose::sample(container, name, &mut BufReader::new(file), size, &Limits::default())
        };
        read().map_err(|fault| format!("{name}: {fault}"))
    }
}

fn line<'c>(cells: impl Iterator<Item = Option<&'c str>>) -> String {
    let mut line = String::new();
    for (place, cell) in cells.enumerate() {
        if place > 0 {
            line.push(',');
        }
        csv_cell(cell.unwrap_or_default(), &mut line);
    }
    line.push('\n');
    line
}
