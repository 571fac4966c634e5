//! The code table that a connector reads marks with, whichever set it is.
//!
//! A meaning from an institution's own table has no legal category, whatever the institution calls it.

use super::{CodeProblem, Counts, ENG_2024, UsageCodes, english, unpadded};
use crate::{
    ids::{Invalid, Slug},
    record::attendance::{Legal, Physical, Register, SourceCode, Statistical},
    time::SchoolDate,
};

/// A named set of codes with their meanings.
#[derive(Debug, Clone)]
pub struct CodeTable {
    name: String,
    rows: Rows,
}

#[derive(Debug, Clone)]
enum Rows {
    English,
    Usage(UsageCodes),
}

/// What a code of a table means on a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meaning<'a> {
    /// The code that the table knows: `X` where `X01` was written.
    pub code: &'a str,
    /// In words.
    pub words: &'a str,
    /// What it says about the room.
    pub physical: Physical,
    /// Minutes late may stand beside it.
    pub late: bool,
    /// The legal category. Only a statutory set has one.
    pub legal: Option<Legal>,
    /// How it counts by law. Only a statutory set has one.
    pub statistical: Option<Statistical>,
    /// ENG-2024 code that the home might consider. Never applied by itself.
    pub reason_hint: Option<&'a str>,
    /// How it counts towards the rate of the institution that wrote it.
    pub counts: Counts,
}

impl Meaning<'_> {
    /// What a statutory register says; `None` for an institution's own codes and for a missing mark.
    pub fn register(&self) -> Option<Register> {
        self.legal.map(|legal| Register { legal, statistical: self.statistical })
    }
}

impl CodeTable {
    /// The statutory session codes of England.
    pub fn eng_2024() -> Self {
        Self { name: ENG_2024.to_owned(), rows: Rows::English }
    }

    /// An institution's own codes; the set is named `<institution>/<name of the table>`.
    pub fn usage(institution: &Slug, codes: UsageCodes) -> Self {
        Self { name: format!("{institution}/{}", codes.name()), rows: Rows::Usage(codes) }
    }

    /// Name of the code set, as it stands on every mark.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The meaning of a code as it was written, on the mark's date.
    pub fn read(&self, code: &str, date: SchoolDate) -> Result<Meaning<'_>, CodeProblem> {
        match &self.rows {
            Rows::English => english::lookup(code, date).map(|row| Meaning {
                code: row.code,
                words: row.meaning,
                physical: row.physical,
                late: row.physical == Physical::Late,
                legal: row.category.legal(),
                statistical: row.category.statistical(),
                reason_hint: None,
                counts: row.category.counts(),
            }),
            Rows::Usage(codes) => codes.lookup(code, date).map(|row| Meaning {
                code: &row.source_code,
                words: &row.meaning,
                physical: row.physical,
                late: row.late || row.physical == Physical::Late,
                legal: None,
                statistical: None,
                reason_hint: row.reason_hint.as_deref(),
                counts: row.counts,
            }),
        }
    }

    /// The code as it travels: as it was written (sub-codes too), without padding, with the name of its set.
    pub fn source_code(&self, code: &str) -> Result<SourceCode, Invalid> {
        SourceCode::new(unpadded(code), &self.name)
    }
}
