//! Finding out what a file is: which container its table lies in, with which settings, and a sample of its rows.

use super::{Answers, judge, plan, sample::Sample, shape::Shape};
use crate::{
    connector::{FileFault, Input, Limits, ReadSeek},
    json,
    mapping::{Container, Delimited, SheetRows},
    package::{Contents, Package},
    sheet, table, text,
};
use std::io::SeekFrom;

/// Sheets or lists of one file that are looked at.
const WAYS_MAX: usize = 12;
/// From how much sense on a sheet is told of beside the one that makes the most.
const SENSIBLE: f64 = 0.5;

/// What a file is.
#[derive(Debug)]
pub enum Found {
    /// A table with captions: what it lies in, and a sample.
    Table(Container, Box<Sample>),
    /// A format with a meaning of its own, by the name of its connector: it needs no mapping of columns.
    Known(&'static str),
}

/// Looks at a file. Reads it as often as it takes to be sure how it is to be cut into rows.
///
/// # Errors
/// The file can't be read as anything that we know, or its first row holds values where captions should stand.
pub fn look(
    file_name: &str,
    reader: &mut dyn ReadSeek,
    size: u64,
    limits: &Limits,
) -> Result<Found, FileFault> {
    let found = find(file_name, reader, size, limits)?;
    match &found {
        Found::Table(_, sample) if is_headless(sample) => Err(FileFault::content(
            "FILE-NO-CAPTIONS",
            None,
            "the first row holds values like those below it and no captions; export it with its line of captions",
        )),
        _ => Ok(found),
    }
}

/// True if what stands for captions are values of the first row: a child's, which nobody is to be shown as captions.
fn is_headless(sample: &Sample) -> bool {
    let heads = sample.heads();
    (0..sample.captions.len()).any(|column| {
        let (head, values) = (Shape::of(&heads, column), Shape::of(sample, column));
        let all = |count: usize| values.filled > 0 && values.share(count) >= 0.97;
        // A caption of a few digits may be a question's number, and a year one of results.
        let is_number = head.whole == 1 && head.longest >= 4 && all(values.whole) && values.distinct >= 5;
        (head.is_date() && values.is_date())
            || (head.time == 1 && all(values.time))
            || (head.upn == 1 && all(values.upn))
            || (is_number && (values.smallest..=values.largest).contains(&head.largest))
    })
}

fn find(file_name: &str, reader: &mut dyn ReadSeek, size: u64, limits: &Limits) -> Result<Found, FileFault> {
    let mut head = vec![0; 4096];
    reader.seek(SeekFrom::Start(0))?;
    let mut filled = 0;
    while let n @ 1.. = reader.read(&mut head[filled..])? {
        filled += n;
    }
    head.truncate(filled);
    // Anything may be delimited text, so that is asked last.
    let others = crate::ALL.iter().filter(|connector| connector.name() != "delimited");
    let recognised = others.map(|c| (c, c.recognises(file_name, &head))).find(|(_, is)| *is);
    match recognised.map(|(connector, _)| connector.name()) {
        None if stranger(&head).is_some() => Err(stranger(&head).unwrap_or_else(empty)),
        None => delimited(file_name, reader, size, limits),
        Some(name) => match Container::plain(name) {
            Some(container) => {
                let all = candidates(container, file_name, reader, size, limits)?;
                best(all, file_name, reader, size, limits)
            }
            None => {
                if head.starts_with(b"PK") {
                    is_package(reader, size, limits)?;
                }
                Ok(Found::Known(name))
            }
        },
    }
}

/// What a file is that bears the name of an export and is something else.
fn stranger(head: &[u8]) -> Option<FileFault> {
    let (rule, fix) = if head.starts_with(b"PK") {
        (
            "FILE-ZIP",
            "the file is a zip; unpack it and name an export that is in it, or call it .xlsx or .ods if it is a workbook",
        )
    } else if head.starts_with(b"\xd0\xcf\x11\xe0") {
        (
            "SHEET-OLD",
            "the file is in the format of old Office programs, such as .xls; save it as .xlsx or as CSV",
        )
    } else if head.starts_with(b"%PDF") {
        ("FILE-PDF", "the file is a PDF, which is for people; export the same report as CSV or as a workbook")
    } else {
        return None;
    };
    Some(FileFault::content(rule, None, fix))
}

/// A zip is a package of OneRoster by its manifest alone: any other holds exports, and isn't one.
fn is_package(reader: &mut dyn ReadSeek, size: u64, limits: &Limits) -> Result<(), FileFault> {
    reader.seek(SeekFrom::Start(0))?;
    match Package::open(reader, size, *limits, Contents::Tables) {
        Ok(package) if package.has("manifest.csv") => return Ok(()),
        // A package has no folders.
        Err(fault) if !fault.rule().ends_with("-NAME") => return Err(fault),
        _ => {}
    }
    let fix = "the zip has no manifest.csv, so it is no OneRoster package; unpack it and name an export that is in it";
    Err(FileFault::content("FILE-ZIP", None, fix))
}

/// Ways to read a file of this sort: the sheets of a workbook, the lists that lie in JSON.
fn candidates(
    plain: Container,
    file_name: &str,
    reader: &mut dyn ReadSeek,
    size: u64,
    limits: &Limits,
) -> Result<Vec<Container>, FileFault> {
    reader.seek(SeekFrom::Start(0))?;
    let ways: Vec<Container> = match &plain {
        Container::Sheet(_) => {
            let names = sheet::names(Input { file_name, reader, size }, limits)?;
            let named = |name| Container::Sheet(SheetRows { sheet: Some(name), heading_row: None });
            if names.len() < 2 { Vec::new() } else { names.into_iter().take(WAYS_MAX).map(named).collect() }
        }
        Container::Json(_) => json::lists(reader)?.into_iter().map(Container::Json).collect(),
        _ => Vec::new(),
    };
    Ok(if ways.is_empty() { vec![plain] } else { ways })
}

/// The way to read a file under which its columns make the most sense. Other sheets that make sense too are remembered, since one
/// mapping reads one sheet.
fn best(
    ways: Vec<Container>,
    file_name: &str,
    reader: &mut dyn ReadSeek,
    size: u64,
    limits: &Limits,
) -> Result<Found, FileFault> {
    let mut best: Option<(f64, Container, Sample)> = None;
    let (mut fault, mut beside) = (None, Vec::new());
    let only = ways.len() == 1;
    for container in ways {
        match sample(&container, file_name, reader, size, limits) {
            Ok(found) => {
                let sense = if only { 0.0 } else { sense(&found, file_name) };
                if let Container::Sheet(SheetRows { sheet: Some(name), .. }) = &container
                    && sense >= SENSIBLE
                {
                    beside.push(name.clone());
                }
                if best.as_ref().is_none_or(|(held, ..)| sense > *held) {
                    best = Some((sense, container, found));
                }
            }
            Err(error) => fault = Some(error),
        }
    }
    match (best, fault) {
        (Some((_, container, mut sample)), _) => {
            let mine = |name: &String| matches!(&container, Container::Sheet(SheetRows { sheet: Some(of), .. }) if of == name);
            sample.beside = beside.into_iter().filter(|name| !mine(name)).collect();
            Ok(Found::Table(container, Box::new(sample)))
        }
        (None, Some(fault)) => Err(fault),
        (None, None) => Err(empty()),
    }
}

/// How much sense a table's columns make as rows of any sort; little for one that has next to no rows.
fn sense(sample: &Sample, file_name: &str) -> f64 {
    if sample.rows.is_empty() || sample.captions.len() < 2 {
        return 0.0;
    }
    plan::choose(&judge::columns(sample), file_name, &Answers::new()).sense
}

fn empty() -> FileFault {
    FileFault::content("FILE-EMPTY", None, "the file has no line of captions; export it again")
}

fn delimited(
    file_name: &str,
    reader: &mut dyn ReadSeek,
    size: u64,
    limits: &Limits,
) -> Result<Found, FileFault> {
    let encoding = text::found(reader, limits)?;
    let mut best: Option<(f64, Container, Sample)> = None;
    let mut fault = None;
    for separator in [",", ";", "tab", "|"] {
        let container = |title_rows| {
            let (encoding, separator) = (Some(encoding.to_owned()), Some(separator.to_owned()));
            Container::Delimited(Delimited { encoding, separator, title_rows })
        };
        let first = sample(&container(0), file_name, reader, size, limits);
        let titles = first.as_ref().map_or(0, Sample::title_rows);
        let found =
            if titles > 0 { sample(&container(titles), file_name, reader, size, limits) } else { first };
        match found {
            Ok(found) => {
                let even = found.evenness();
                if best.as_ref().is_none_or(|(held, ..)| even > *held) {
                    best = Some((even, container(titles), found));
                }
            }
            Err(error) => fault = Some(error),
        }
    }
    match (best, fault) {
        (Some((_, container, sample)), _) => Ok(Found::Table(container, Box::new(sample))),
        (None, Some(fault)) => Err(fault),
        (None, None) => Err(empty()),
    }
}

/// Takes a sample of a table whose container is known.
///
/// # Errors
/// The file can't be read as a table in this container.
pub fn sample(
    container: &Container,
    file_name: &str,
    reader: &mut dyn ReadSeek,
    size: u64,
    limits: &Limits,
) -> Result<Sample, FileFault> {
    reader.seek(SeekFrom::Start(0))?;
    let mut table = table::open(container, Input { file_name, reader, size }, limits)?;
    Sample::take(table.as_mut())
}
