//! `manifest.csv`: which version, and which files are whole, changed or absent.

use super::schema::{self, Version};
use crate::{
    connector::{FileFault, Limits},
    package::Package,
    rows::Rows,
    text::Utf8,
};
use std::collections::BTreeMap;

/// How a file is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// All there is.
    Bulk,
    /// What changed.
    Delta,
    /// Not at all.
    Absent,
}

/// What the package says about itself.
pub struct Manifest {
    /// Version of the standard.
    pub version: Version,
    modes: BTreeMap<&'static str, Mode>,
}

impl Manifest {
    /// How a file is given.
    pub fn mode(&self, file: &str) -> Mode {
        self.modes.get(file).copied().unwrap_or(Mode::Absent)
    }

    /// Reads it and holds it against what is in the package.
    pub fn read(package: &mut Package<'_>, limits: Limits) -> Result<Self, FileFault> {
        let pairs = package.read("manifest.csv", |reader| pairs(reader, limits))?.ok_or_else(|| {
            FileFault::content(
                "OR-MANIFEST-MISSING",
                None,
                "the zip has no manifest.csv at its top; export a OneRoster package",
            )
        })?;
        let version = match pairs.get("oneroster.version").map(String::as_str) {
            Some("1.1") => Version::V1p1,
            Some("1.2") => Version::V1p2,
            _ => return Err(bad("OR-VERSION", "oneroster.version must be 1.1 or 1.2")),
        };
        if pairs.get("manifest.version").map(String::as_str) != Some("1.0") {
            return Err(bad("OR-VERSION", "manifest.version must be 1.0"));
        }
        let mut modes = BTreeMap::new();
        for file in schema::files(version) {
            let mode = match pairs.get(&format!("file.{file}")).map(String::as_str) {
                Some("bulk") => Mode::Bulk,
                Some("delta") => Mode::Delta,
                Some("absent") | None => Mode::Absent,
                Some(_) => {
                    return Err(bad("OR-MANIFEST", &format!("file.{file} must be absent, bulk or delta")));
                }
            };
            let there = package.names().iter().any(|name| name.strip_suffix(".csv") == Some(file));
            match (mode, there) {
                (Mode::Absent, true) => {
                    return Err(bad(
                        "OR-FILE-UNEXPECTED",
                        &format!("{file}.csv is in the zip, but the manifest says absent"),
                    ));
                }
                (Mode::Bulk | Mode::Delta, false) => {
                    return Err(bad(
                        "OR-FILE-MISSING",
                        &format!("the manifest names {file}.csv, but it isn't in the zip"),
                    ));
                }
                _ => {}
            }
            modes.insert(file, mode);
        }
        Ok(Self { version, modes })
    }

    /// Entries that the standard doesn't know.
    pub fn strangers<'p>(&self, package: &'p Package<'_>) -> impl Iterator<Item = &'p str> {
        let version = self.version;
        package.names().iter().map(String::as_str).filter(move |name| {
            *name != "manifest.csv"
                && !name
                    .strip_suffix(".csv")
                    .is_some_and(|file| schema::files(version).any(|known| known == file))
        })
    }
}

fn pairs(reader: &mut dyn std::io::Read, limits: Limits) -> Result<BTreeMap<String, String>, FileFault> {
    let mut rows = Rows::new(Utf8::stream(reader), Some(b','), limits)?;
    match rows.next_row()? {
        Some(first) if first.cell(0) == "propertyName" && first.cell(1) == "value" => {}
        _ => return Err(bad("OR-MANIFEST", "its first line must be propertyName,value")),
    }
    let mut pairs = BTreeMap::new();
    while let Some(row) = rows.next_row()? {
        if pairs.len() > 256 {
            return Err(bad("OR-MANIFEST", "it has more lines than there are files"));
        }
        pairs.insert(row.cell(0).to_owned(), row.cell(1).to_owned());
    }
    Ok(pairs)
}

fn bad(rule: &'static str, fix: &str) -> FileFault {
    FileFault::content(rule, None, format!("manifest.csv: {fix}"))
}
