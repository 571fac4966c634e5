//! The mapping file: how one institution's files are to be read. TOML, described in this crate's README.
//!
//! A mapping is written by the institution's data manager, so its errors may quote it. It is read once and checked
//! before any file is opened.

mod columns;
mod container;
mod field;
mod other;
mod scales;
mod sql;
mod wide;

pub use columns::{Codes, Columns, Covers, DateFormat, OneOrMany, Repeats, Rows, Special, WideResult};
pub use container::{Container, Delimited, JsonRows, SheetRows, XmlRows};
pub use field::{DayCount, FieldSpec, Source};
pub use other::{Ctf, CtfId, DurationMeaning, EdFi, OneRoster, RawScale, Sif};
pub use sql::{Dialect, Query, Sql};
pub use wide::Wide;

use std::str::FromStr;

/// How one institution's files of one sort are to be read.
#[derive(Debug, Clone)]
pub struct Mapping {
    /// Names of the files that it is for, with `*` for anything; empty for every file.
    pub files: Vec<String>,
    /// The format and how to read it.
    pub format: Format,
}

/// The formats that can be mapped.
#[derive(Debug, Clone)]
pub enum Format {
    /// A table with captions, and what it lies in.
    Table(Container, Box<Columns>),
    /// OneRoster CSV in a zip.
    OneRoster(Box<OneRoster>),
    /// Ed-Fi XML.
    EdFi(Box<EdFi>),
    /// Common Transfer File.
    Ctf(Box<Ctf>),
    /// SIF XML.
    Sif(Box<Sif>),
}

/// A mapping file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum MappingError {
    /// Not TOML, or a setting that doesn't exist or has the wrong shape.
    #[error("mapping file: {0}")]
    Toml(#[from] Box<toml::de::Error>),
    /// A setting that can't be right.
    #[error("mapping file: `{setting}`: {fix}")]
    Setting {
        /// The setting at fault.
        setting: String,
        /// What to write instead.
        fix: String,
    },
}

impl MappingError {
    pub(crate) fn setting(setting: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::Setting { setting: setting.into(), fix: fix.into() }
    }
}

impl FromStr for Mapping {
    type Err = MappingError;

    fn from_str(text: &str) -> Result<Self, MappingError> {
        let mut table: toml::Table = toml::from_str(text).map_err(Box::new)?;
        let files = match table.remove("files") {
            None => Vec::new(),
            Some(files) => read::<OneOrMany>(files)?.into_vec(),
        };
        let name = table.remove("format");
        let name = name.as_ref().and_then(|name| name.as_str()).unwrap_or_default();
        let container = Container::take(name, &mut table)?;
        let rest = toml::Value::Table(table);
        let format = match (container, name) {
            (Some(container), _) => {
                let columns: Columns = read(rest)?;
                columns.check()?;
                Format::Table(container, Box::new(columns))
            }
            (None, "oneroster") => Format::OneRoster(Box::new(read(rest)?)),
            (None, "edfi") => Format::EdFi(Box::new(read(rest)?)),
            (None, "sif") => Format::Sif(Box::new(read(rest)?)),
            (None, "ctf") => Format::Ctf(Box::new(read(rest)?)),
            (None, _) => {
                let names: Vec<&str> = crate::ALL.iter().map(|connector| connector.name()).collect();
                return Err(MappingError::setting("format", format!("must be one of {}", names.join(", "))));
            }
        };
        Ok(Self { files, format })
    }
}

fn read<T: serde::de::DeserializeOwned>(value: toml::Value) -> Result<T, MappingError> {
    value.try_into().map_err(|error| MappingError::Toml(Box::new(error)))
}

impl Mapping {
    /// True if of rows that say different things about one key the latest counts.
    pub fn counts_latest(&self) -> bool {
        matches!(&self.format, Format::Table(_, columns) if columns.repeats == Repeats::Latest)
    }

    /// Name of the connector that it is for.
    pub const fn connector(&self) -> &'static str {
        match &self.format {
            Format::Table(container, _) => container.connector(),
            Format::OneRoster(_) => "oneroster",
            Format::EdFi(_) => "edfi",
            Format::Ctf(_) => "ctf",
            Format::Sif(_) => "sif",
        }
    }

    /// True if it is for files of this name. Capitals don't matter, since Windows has its own mind about them.
    pub fn is_for(&self, file_name: &str) -> bool {
        let name = file_name.to_lowercase();
        self.files.is_empty() || self.files.iter().any(|pattern| glob(&pattern.to_lowercase(), &name))
    }
}

/// True if `text` has the shape of `pattern`, in which `*` stands for anything.
fn glob(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_match_with_stars() {
        assert!(glob("att-*.csv", "att-2026-09-14.csv"));
        assert!(glob("*.csv", "a.csv"));
        assert!(glob("*", ""));
        assert!(!glob("att-*.csv", "attendance.txt"));
        assert!(!glob("a*a", "a"));
    }

    #[test]
    fn a_mapping_names_the_setting_that_is_wrong() {
        let error =
            "format = \"delimited\"\nrows = \"attendance\"\nseparatr = \";\"".parse::<Mapping>().unwrap_err();
        assert!(error.to_string().contains("separatr"), "{error}");
    }
}
