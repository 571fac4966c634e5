//! Which sheet of a workbook is meant, where several hold rows that make sense: one mapping reads one sheet, and nothing in the file says
//! which.

use super::{Args, Export, ask::Asker, screen::Screen};
use commonroll_connectors::{
    Limits,
    mapping::{Container, SheetRows},
    propose::{Sample, sample},
};
use std::{fs::File, io::BufReader};

/// What the setting is called in an answer.
pub const SETTING: &str = "sheet";

/// A sheet that somebody chose: its name, its container and a sample of it.
pub type Chosen = (String, Container, Sample);

/// The sheet that is meant: by an answer in advance, or by somebody who is asked. `None` where there is nothing to choose, and where nobody
/// is there to be asked: then the one whose columns make the most sense is read, and the choice stays a doubt.
pub fn chosen(
    args: &Args,
    screen: &Screen,
    asker: &mut Asker,
    export: &Export,
    container: &Container,
    read: &Sample,
) -> Result<Option<Chosen>, String> {
    let Container::Sheet(SheetRows { sheet: Some(first), heading_row }) = container else { return Ok(None) };
    if read.beside.is_empty() {
        return Ok(None);
    }
    let names: Vec<String> = std::iter::once(first).chain(&read.beside).cloned().collect();
    let said = args.answers.iter().rev().find(|(setting, _)| setting == SETTING).map(|(_, said)| said.trim());
    let name = match said {
        // Capitals don't matter in a mapping either.
        Some(said) => match names.iter().find(|name| name.to_lowercase() == said.to_lowercase()) {
            Some(name) => name,
            None => return Err(format!("--answer {SETTING}: must be one of {}", names.join(", "))),
        },
        None if asker.is_silent() => return Ok(None),
        None => {
            let question = format!(
                "{} has rows in several sheets, and one mapping reads one. Which one is this for? Each of the others needs its own: set it up \
                 once more, with another --name.",
                export.file_name
            );
            asker.pick(screen, &question, &names).and_then(|place| names.get(place)).unwrap_or(first)
        }
    };
    let sheet = SheetRows { sheet: Some(name.clone()), heading_row: *heading_row };
    let (container, at) = (Container::Sheet(sheet), |error| format!("{}: {error}", export.file.display()));
    let file = File::open(&export.file).map_err(|error| at(error.to_string()))?;
    let size = file.metadata().map_err(|error| at(error.to_string()))?.len();
    let mut found =
        sample(&container, &export.file_name, &mut BufReader::new(file), size, &Limits::default())
            .map_err(|fault| at(fault.to_string()))?;
    found.beside = names.iter().filter(|other| *other != name).cloned().collect();
    Ok(Some((name.clone(), container, found)))
}
