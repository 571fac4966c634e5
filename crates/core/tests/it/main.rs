//! Tests of the words, through the public interface alone.

#![expect(clippy::unwrap_used, clippy::panic, reason = "in a test a panic is the report")]

mod agreement;
mod agreement_documents;
mod agreement_property;
mod agreement_times;
mod attendance_codes;
mod grades;
mod identifiers;
mod matching;
mod session;
mod usage_codes;

use commonroll_core::SchoolDate;

/// A date in a test.
fn date(text: &str) -> SchoolDate {
    text.parse().unwrap()
}
