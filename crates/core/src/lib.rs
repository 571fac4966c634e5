//! The words of Commonroll, as types.
//!
//! Holding one of these values is the proof that it was checked: the fields are private and parsing is the only way
//! in. There is no I/O here, no protobuf, no clock and no randomness; who may see what is not decided here either.

pub mod agreement;
pub mod aside;
pub mod attendance;
pub mod confidence;
pub mod convention;
pub mod directory;
pub mod grades;
pub mod identifiers;
pub mod ids;
pub mod matching;
pub mod people;
pub mod record;
pub mod sources;
pub mod time;

pub use ids::{Invalid, LocalId, RecordId, Revision, Slug, is_direction_mark};
pub use people::{PersonId, Purpose, Role};
pub use record::{Body, Head, Record, RecordKind};
pub use time::{Interval, SchoolDate, Timestamp};
