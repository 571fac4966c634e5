//! Some rows of an answer in a file without a name: what the proposer and the ten shown rows are made of. The system gives it up
//! when the wizard ends, whatever ends it: whoever leaves with Ctrl-C leaves no learner's rows behind.

use commonroll_agent::database::{DatabaseFault, Link};
use commonroll_connectors::{
    FileFault, Limits,
    mapping::Container,
    propose::{self, Sample},
    render::csv_cell,
};
use std::{
    fs::File,
    io::{self, BufReader, BufWriter, Seek, Write},
};

/// Rows of one answer.
pub struct Sheet {
    file: File,
    pub rows: u64,
}

impl Sheet {
    /// Asks a query inside the transaction that is open, and writes what comes.
    pub async fn of(link: &mut Link, query: &str) -> Result<Self, DatabaseFault> {
        let here = |error: io::Error| DatabaseFault {
            rule: "FETCH-WRITE",
            fix: format!("the folder for files in between can't be written: {}", error.kind()),
            passes: false,
        };
        let columns = link.columns(query).await?;
        let file = nameless().map_err(here)?;
        let mut out = BufWriter::new(&file);
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
    pub const fn whole(file: File, rows: u64) -> Self {
        Self { file, rows }
    }

    /// The file, at its beginning. One reader at a time: all have one place in it.
    pub fn open(&self) -> io::Result<File> {
        let mut file = self.file.try_clone()?;
        file.rewind()?;
        Ok(file)
    }

    /// A sample of it, read as this container says.
    pub fn sample(&self, container: &Container, name: &str) -> Result<Sample, String> {
        let read = || -> Result<Sample, FileFault> {
            let file = self.open()?;
            let size = file.metadata()?.len();
            propose::sample(container, name, &mut BufReader::new(file), size, &Limits::default())
        };
        read().map_err(|fault| format!("{name}: {fault}"))
    }
}

/// A file that nobody can open by a name.
pub fn nameless() -> io::Result<File> {
    tempfile::tempfile()
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
