//! What a connector is, what it is given, and how it refuses a whole file.
//!
//! A refused file leaves nothing behind: whoever calls must throw away the items that came before the refusal, so that
//! the previous import stands. A bad row is not a refusal, see [`Problem`](crate::Problem).

use crate::{
    item::Sink,
    mapping::Mapping,
    stretches::{Cuts, Stretches},
};
use commonroll_core::Slug;
use jiff::tz::TimeZone;
use std::io::{Read, Seek};

/// The translation of one format.
pub trait Connector: Sync {
    /// Short name, as a mapping file's `format` gives it.
    fn name(&self) -> &'static str;

    /// One sentence for people: what it reads.
    fn about(&self) -> &'static str;

    /// True if a file looks like this format, by its name and its first bytes. A hint for people, never a proof.
    fn recognises(&self, file_name: &str, head: &[u8]) -> bool;

    /// Reads a file from its start and gives each item, each problem and each scope to `out`.
    ///
    /// # Errors
    /// The whole file is refused; the items given before must be thrown away.
    fn translate(&self, input: Input<'_>, settings: &Settings, out: &mut dyn Sink) -> Result<(), FileFault>;

    /// True if files of this sort fall into stretches of rows that can be read apart, so that
    /// [`Connector::translate_stretches`] is worth a try.
    fn has_stretches(&self, _: &Settings) -> bool {
        false
    }

    /// Reads a file from its start, stretch by stretch, and passes over those that `out` knows. What is given and what is
    /// told is what [`Connector::translate`] gives and tells, except that rows that say the same are given each. `false` if the file could not be read so, or `out` did not want it to be: then all that was given must be
    /// thrown away.
    ///
    /// # Errors
    /// The whole file is refused; the items given before must be thrown away. Where stretches were passed over, only
    /// reading all of the file tells whether it really is.
    fn translate_stretches(
        &self,
        _: Input<'_>,
        _: &Settings,
        _: Cuts,
        _: &mut dyn Stretches,
    ) -> Result<bool, FileFault> {
        Ok(false)
    }
}

/// Bytes that can be read twice.
pub trait ReadSeek: Read + Seek {}

impl<T: Read + Seek> ReadSeek for T {}

/// A file, as it was fetched.
pub struct Input<'a> {
    /// Its name, without folders.
    pub file_name: &'a str,
    /// Its bytes.
    pub reader: &'a mut dyn ReadSeek,
    /// How many bytes it has.
    pub size: u64,
}

impl Input<'_> {
    /// Refuses a file that is larger than any honest export.
    pub(crate) fn bounded(&self, limits: &Limits) -> Result<(), FileFault> {
        if self.size > limits.file_bytes_max {
            let fix = "the file is larger than allowed; export a shorter time";
            return Err(FileFault::too_big("FILE-SIZE", None, fix));
        }
        Ok(())
    }
}

/// What a connector needs to know besides the file.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Whose file it is.
    pub institution: Slug,
    /// The institution's time zone: local times in the file are times there.
    pub zone: TimeZone,
    /// The institution's mapping for this file. Formats without a free choice of columns can do without.
    pub mapping: Option<Mapping>,
    /// How much of a file is believed.
    pub limits: Limits,
}

impl Settings {
    /// Settings with the limits that we ship.
    pub fn new(institution: Slug, zone: TimeZone, mapping: Option<Mapping>) -> Self {
        Self { institution, zone, mapping, limits: Limits::default() }
    }
}

/// Upper bounds on what a file may ask of us. A file beyond them is refused, whatever else is right with it.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of a file as fetched.
    pub file_bytes_max: u64,
    /// Bytes of one line of text, and of one row that spans lines.
    pub line_bytes_max: usize,
    /// Columns of one row.
    pub columns_max: usize,
    /// Entries in a zip.
    pub zip_entries_max: usize,
    /// Bytes of a zip's entries together, unpacked.
    pub unpacked_bytes_max: u64,
    /// How many times larger than packed an entry may be. Text of schools packs by 10 to 40.
    pub zip_ratio_max: u64,
    /// Depth of nested elements in XML.
    pub xml_depth_max: usize,
    /// Bytes of one element in XML that makes one item.
    pub xml_element_bytes_max: usize,
    /// Things of one file that must be looked up later, such as classes or incidents.
    pub lookups_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file_bytes_max: 1 << 30,
            line_bytes_max: 64 << 10,
            columns_max: 512,
            zip_entries_max: 256,
            unpacked_bytes_max: 256 << 20,
            zip_ratio_max: 200,
            xml_depth_max: 32,
            xml_element_bytes_max: 64 << 10,
            lookups_max: 500_000,
        }
    }
}

/// A whole file is refused: the rule that it breaks, and what to do. Holds nothing that the file says.
#[derive(Debug, thiserror::Error)]
pub enum FileFault {
    /// The mapping file doesn't fit this file or this format.
    #[error("{rule}: {fix}")]
    Mapping {
        /// Stable name of the rule.
        rule: &'static str,
        /// What to do, in plain words.
        fix: String,
    },
    /// The file itself breaks a rule.
    #[error("{rule}: {fix}")]
    Content {
        /// Stable name of the rule.
        rule: &'static str,
        /// Line at fault, from 1, if there is one.
        line: Option<u64>,
        /// What to do, in plain words.
        fix: String,
    },
    /// The file is larger, wider or deeper than any honest export.
    #[error("{rule}: {fix}")]
    TooBig {
        /// Stable name of the rule.
        rule: &'static str,
        /// Line at fault, from 1, if there is one.
        line: Option<u64>,
        /// What to do, in plain words.
        fix: String,
    },
    /// The bytes could not be read. Try again later.
    #[error("FILE-READ: the file could not be read to its end; try again when it is complete")]
    Read(#[from] std::io::Error),
}

impl FileFault {
    pub(crate) fn mapping(rule: &'static str, fix: impl Into<String>) -> Self {
        Self::Mapping { rule, fix: fix.into() }
    }

    pub(crate) fn content(rule: &'static str, line: Option<u64>, fix: impl Into<String>) -> Self {
        Self::Content { rule, line, fix: fix.into() }
    }

    pub(crate) fn too_big(rule: &'static str, line: Option<u64>, fix: impl Into<String>) -> Self {
        Self::TooBig { rule, line, fix: fix.into() }
    }

    /// Stable name of the rule that the file breaks.
    pub const fn rule(&self) -> &'static str {
        match self {
            Self::Mapping { rule, .. } | Self::Content { rule, .. } | Self::TooBig { rule, .. } => rule,
            Self::Read(_) => "FILE-READ",
        }
    }

    /// What to do about it, in plain words.
    pub fn fix(&self) -> &str {
        match self {
            Self::Mapping { fix, .. } | Self::Content { fix, .. } | Self::TooBig { fix, .. } => fix,
            Self::Read(_) => "try again when the file is complete",
        }
    }

    /// Line at fault, from 1, if there is one.
    pub const fn line(&self) -> Option<u64> {
        match self {
            Self::Content { line, .. } | Self::TooBig { line, .. } => *line,
            Self::Mapping { .. } | Self::Read(_) => None,
        }
    }
}
