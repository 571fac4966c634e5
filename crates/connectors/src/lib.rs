//! Translation between the files of school systems and Commonroll's own words.
//!
//! A connector reads one format and says what it found: records, learners, groups, placements. It has no clock, no
//! network and no disk: fetching, comparing with what was sent before, and keeping are the agent's work. Adding a
//! connector is its folder and one line in [`ALL`]. What may be shared with whom is not known here.

pub mod api;
mod arbor;
mod bromcom;
mod columns;
pub mod connector;
mod ctf;
pub mod delimited;
pub mod edfi;
mod entities;
mod grades;
mod isams;
pub mod item;
pub mod json;
pub mod mapping;
pub mod oneroster;
mod package;
mod parse;
pub mod propose;
pub mod render;
mod rows;
mod sheet;
mod sif;
pub mod sql;
pub mod stretches;
pub mod table;
pub mod templates;
mod text;
pub mod wonde;
pub mod writeback;
mod xml;

pub use connector::{Connector, FileFault, Input, Limits, ReadSeek, Settings};
pub use item::{Draft, Item, Place, Problem, Scope, Sink};
pub use mapping::Mapping;
pub use stretches::{Cuts, Stretches, Sums, Wanted};

/// Every connector that we ship, in the order in which they are asked whether a file is theirs.
pub const ALL: &[&dyn Connector] = &[
    &delimited::Delimited,
    &oneroster::OneRoster,
    &edfi::EdFi,
    &ctf::Ctf,
    &sif::Sif,
    &sheet::Sheet,
    &xml::Xml,
    &json::Json,
    &sql::Sql,
];

/// The connector with this name, as a mapping file's `format` names it.
pub fn by_name(name: &str) -> Option<&'static dyn Connector> {
    ALL.iter().copied().find(|connector| connector.name() == name)
}
