//! Finding out what a file is: which container its table lies in, with which settings, and a sample of its rows.

use super::sample::Sample;
use crate::{
    connector::{FileFault, Input, Limits, ReadSeek},
    mapping::{Container, Delimited},
    table, text,
};
use std::io::SeekFrom;

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
/// The file can't be read as anything that we know.
pub fn look(
    file_name: &str,
    reader: &mut dyn ReadSeek,
    size: u64,
    limits: &Limits,
) -> Result<Found, FileFault> {
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
        None => delimited(file_name, reader, size, limits),
        Some(name) => match Container::plain(name) {
            Some(container) => {
                let sample = sample(&container, file_name, reader, size, limits)?;
                Ok(Found::Table(container, Box::new(sample)))
            }
            None => Ok(Found::Known(name)),
        },
    }
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
    for separator in [",", ";", "tab"] {
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
        (None, None) => {
            Err(FileFault::content("FILE-EMPTY", None, "the file has no line of captions; export it again"))
        }
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
