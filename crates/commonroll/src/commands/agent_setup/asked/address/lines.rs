//! The first rows of an API's answers, in a file without a name that goes with the wizard.

use super::super::sheet::{Sheet, nameless};
use commonroll_agent::fetch::{FetchFault, http::Line};
use commonroll_connectors::api::{Api, ApiFault, Ask, Conversation, Finish, Rows, Target};
use std::{
    fs::File,
    io::{BufWriter, Write},
};

/// Rows that are fetched to be shown.
pub const SHOWN: u64 = 50;

/// What came first of a kind of record.
pub struct First {
    pub sheet: Sheet,
    /// There is more.
    pub more: bool,
    /// A package, in the place of rows.
    pub is_package: bool,
}

/// Why nothing came.
pub struct Refused {
    pub fault: FetchFault,
    /// The path that was asked for last.
    pub path: String,
}

struct Lines {
    out: BufWriter<File>,
    rows: u64,
}

impl Rows for Lines {
    fn row(&mut self, _: &str, json: &str) -> Result<(), ApiFault> {
        self.rows += 1;
        self.out.write_all(json.as_bytes()).and_then(|()| self.out.write_all(b"\n")).map_err(here)
    }

    fn gone(&mut self, _: &str) {}
}

fn here(error: std::io::Error) -> ApiFault {
    let fix = format!("the folder for files in between can't be written: {}", error.kind());
    ApiFault::new("FETCH-WRITE", fix)
}

fn told(fault: ApiFault) -> FetchFault {
    FetchFault::new(fault.rule, fault.fix)
}

/// Asks for a kind of record until enough rows came; whole packages to their end.
pub async fn fetch(line: &Line, api: &dyn Api, ask: &Ask<'_>) -> Result<First, Refused> {
    let mut path = String::new();
    let fetched = async {
        let mut talk = api.begin(ask).map_err(told)?;
        let file = nameless().map_err(here).map_err(told)?;
        let mut lines = Lines { out: BufWriter::new(file), rows: 0 };
        let more = loop {
            let Some(request) = talk.next() else { break false };
            if let Target::Path(of, _) = &request.target {
                path.clone_from(of);
            }
            let answered = line.ask(&request).await?;
            talk.answer(&answered.borrowed(), &mut lines).map_err(told)?;
            if lines.rows >= SHOWN {
                break true;
            }
        };
        end(talk, lines, more).map_err(told)
    };
    let fetched = fetched.await;
    fetched.map_err(|fault| Refused { fault, path })
}

fn end(mut talk: Box<dyn Conversation>, lines: Lines, more: bool) -> Result<First, ApiFault> {
    let Lines { mut out, mut rows } = lines;
    let mut is_package = false;
    if !more && let Finish::Files(files) = talk.finish()? {
        is_package = true;
        for (_, bytes) in &files {
            rows += 1;
            out.write_all(bytes).map_err(here)?;
        }
    }
    let file = out.into_inner().map_err(|error| here(error.into_error()))?;
    Ok(First { sheet: Sheet::whole(file, rows), more, is_package })
}

/// Some rows that are at hand already.
pub fn at_hand<'r>(rows: impl Iterator<Item = &'r str>) -> Result<Sheet, FetchFault> {
    let file = nameless().map_err(here).map_err(told)?;
    let mut lines = Lines { out: BufWriter::new(file), rows: 0 };
    for row in rows {
        lines.row("", row).map_err(told)?;
    }
    let file = lines.out.into_inner().map_err(|error| told(here(error.into_error())))?;
    Ok(Sheet::whole(file, lines.rows))
}
