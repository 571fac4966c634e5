//! OneRoster CSV 1.1 and 1.2: a zip of people, classes, enrolments, line items and results.
//!
//! OneRoster has no attendance and no behaviour. Passwords, phones and guardians that a package may carry are never
//! looked at. Placements are only read where the mapping says which organisation is which partner.

mod cell;
mod check;
mod manifest;
mod people;
mod read;
pub mod rest;
mod results;
mod schema;
mod staff;
mod table;

use crate::{
    connector::{Connector, FileFault, Input, Settings},
    item::{Problem, Sink},
    mapping::{Format, OneRoster as OneRosterMapping},
    package::{Contents, Package},
};
use manifest::Manifest;
use read::Reader;

/// Reads OneRoster CSV packages.
pub struct OneRoster;

impl Connector for OneRoster {
    fn name(&self) -> &'static str {
        "oneroster"
    }

    fn about(&self) -> &'static str {
        "OneRoster CSV 1.1 or 1.2 in a zip: people, classes, enrolments, results"
    }

    fn recognises(&self, file_name: &str, head: &[u8]) -> bool {
        file_name.to_ascii_lowercase().ends_with(".zip") && head.starts_with(b"PK\x03\x04")
    }

    fn translate(&self, input: Input<'_>, settings: &Settings, out: &mut dyn Sink) -> Result<(), FileFault> {
        let usual = OneRosterMapping::default();
        let mapping = match settings.mapping.as_ref().map(|mapping| &mapping.format) {
            None => &usual,
            Some(Format::OneRoster(mapping)) => mapping,
            Some(_) => return Err(FileFault::mapping("MAP-FORMAT", "the mapping is for another format")),
        };
        let limits = settings.limits;
        let mut package = Package::open(input.reader, input.size, limits, Contents::Tables)?;
        let manifest = Manifest::read(&mut package, limits)?;
        let strangers: Vec<String> = manifest.strangers(&package).map(str::to_owned).collect();
        for name in strangers {
            let field: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
            let fix = "is no file of this version of OneRoster and was not read".to_owned();
            let rule = "OR-FILE-UNKNOWN";
            out.problem(Problem { place: None, field, rule, fix, code: None, again: false });
        }
        let checked = check::check(&mut package, &manifest, limits, out)?;
        let mut reader = Reader::new(mapping, settings, out);
        read::read(&mut package, &manifest, &checked, settings, &mut reader)?;
        reader.covers(&manifest, &checked);
        Ok(())
    }
}
