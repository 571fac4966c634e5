//! Sharing agreements: one text that people sign and that is enforced, and the documents that follow from it.
//!
//! [`AgreementText::parse`] is the only way in: holding an [`AgreementText`] is the proof that every field that an
//! agreement must have is there and keeps the rules. What is enforced is [`AgreementText::terms`]; what people read is
//! made by [`documents`]. Who has signed, and whether it is in force, is decided in `exchange`; the hash that they sign
//! is over the exact bytes of the text and made by the caller, since there is no cryptography here.

pub mod documents;
mod fault;
mod fields;
mod items;
mod model;
mod read;
mod readable;
mod section;
mod times;
mod words;

pub use fault::Fault;
pub use fields::{GroupWords, group_words, role_words};
pub use model::{
    AgreementText, Breach, Controllers, Dpia, End, Item, KeptKind, Party, Retention, Rights,
    SensitiveGrounds, Why,
};
pub use readable::reading_grade;
pub use times::{AlertTimes, Moment, Times};
pub use words::{Article9, AtEnd, Direction, ItemKind, LegalBasis, Part, Relationship, Word};

/// A text to start from: every field with a comment, and blanks that [`AgreementText::parse`] names until they are
/// filled in.
pub const STARTING_TEXT: &str = include_str!("starting-text.toml");

/// Most bytes of a text.
pub const TEXT_BYTES_MAX: usize = 128 * 1024;
