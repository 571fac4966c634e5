//! Grades as files write them: the facts that stand in a grade's place, and the names of the kinds.
//!
//! What a grade is worth is not known here.

use crate::mapping::Special;
use commonroll_core::record::assessment::{GradeKind, GradeValue};
use serde::{Deserialize, de::value::StrDeserializer};
use std::collections::BTreeMap;

/// A grade, or the fact that stands in its place. `special` is what the mapping says beyond the usual ones.
pub fn value(text: &str, special: &BTreeMap<String, Special>) -> GradeValue {
    // Spreadsheets leave no-break spaces behind grades.
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\u{a0}');
    match special.get(text) {
        Some(Special::Grade) => GradeValue::Given(text.to_owned()),
        Some(Special::Ungraded) => GradeValue::Ungraded,
        Some(Special::NoResult) => GradeValue::NoResult,
        Some(Special::Pending) => GradeValue::Pending,
        Some(Special::Withheld) => GradeValue::Withheld,
        Some(Special::NotAssessed) => GradeValue::NotAssessed,
        None => match text {
            "" => GradeValue::NotAssessed,
            "U" | "u" => GradeValue::Ungraded,
            "X" | "x" => GradeValue::NoResult,
            "Q" | "q" => GradeValue::Pending,
            "#" => GradeValue::Withheld,
            _ => GradeValue::Given(text.to_owned()),
        },
    }
}

/// The kind with a name of the schema, such as `working_at`.
pub fn kind(name: &str) -> Option<GradeKind> {
    let name = name.to_lowercase();
    GradeKind::deserialize(StrDeserializer::<serde::de::value::Error>::new(&name)).ok()
}
