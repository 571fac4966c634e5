//! The scales that we ship, as data. Points of a version never change: a change is a new version.
//!
//! None of the points was read in the DfE's own technical guide; each carries how well it is known. Scales whose points
//! we don't know have none.

pub mod gcse;
mod general;
mod other;
mod vocational;

use super::scale::{GradeRow, Points, Scale};
use crate::confidence::Confidence;
use std::{borrow::Cow, sync::LazyLock};

/// Every scale that we ship besides raw marks.
pub static SCALES: LazyLock<Vec<Scale>> =
    LazyLock::new(|| [general::scales(), gcse::scales(), vocational::scales(), other::scales()].concat());

/// The scale of this id and version. `raw-0-<maximum>` exists for every maximum up to 100,000, in any version.
pub fn find(id: &str, version: &str) -> Option<Cow<'static, Scale>> {
    if let Some(max) = id.strip_prefix("raw-0-") {
        let max = max.parse().ok().filter(|_| !max.starts_with(['0', '+']))?;
        return Scale::raw(max, version).ok().map(Cow::Owned);
    }
    SCALES.iter().find(|scale| scale.id() == id && scale.version() == version).map(Cow::Borrowed)
}

/// Version of the scales as `domain/grades.md` describes them.
const VERSION: &str = "2024";

fn points(value: f64, confidence: Confidence) -> Option<Points> {
    Some(Points { hundredths: (value * 100.0) as u32, confidence })
}

/// Points of our own knowledge.
fn k(value: f64) -> Option<Points> {
    points(value, Confidence::Knowledge)
}

/// Points read in a source.
fn s(value: f64) -> Option<Points> {
    points(value, Confidence::Sourced)
}

/// Points confirmed by arithmetic.
fn v(value: f64) -> Option<Points> {
    points(value, Confidence::Verified)
}

/// A grade with DfE and UCAS points.
fn row(code: &str, points_dfe: Option<Points>, points_ucas: Option<Points>) -> GradeRow {
    GradeRow { code: code.to_owned(), points_dfe, points_ucas, terminal: true }
}

/// A grade without known points.
fn bare(code: &str) -> GradeRow {
    row(code, None, None)
}

/// A grade that only a unit can have.
fn unit_only(code: &str) -> GradeRow {
    GradeRow { terminal: false, ..bare(code) }
}

/// A scale of this id and source, of an optional size in hundredths of an A level.
fn scale(id: &str, source: &str, size: Option<u16>, grades: Vec<GradeRow>) -> Scale {
    Scale {
        id: id.to_owned(),
        version: VERSION.to_owned(),
        source: source.to_owned(),
        size_hundredths: size,
        grades,
        ..Scale::empty()
    }
}
