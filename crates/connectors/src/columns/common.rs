//! What the rows of all three kinds of record have in common: learner, group, date, time of writing, key.

use super::{
    bound::{Bad, Bound},
    plan::{Captions, Plan, optional, required},
};
use crate::{
    connector::{FileFault, Settings},
    item::Draft,
    mapping::{Columns, DateFormat},
    parse,
    table::Row,
};
use commonroll_core::{Body, LocalId, RecordKind, SchoolDate};
use jiff::tz::TimeZone;

/// Separates the parts of a key. No cell can hold it, since ids with control characters are refused.
const BETWEEN: char = '\u{1f}';

/// Longest key.
const KEY_BYTES_MAX: usize = 512;

/// One row on its way.
#[derive(Clone, Copy)]
pub struct At<'a, 'r> {
    pub row: &'a Row<'r>,
    /// Number of the row in the file, from 1, without the first line.
    pub number: u64,
    pub plan: &'a Plan,
}

/// Fields of every kind of record.
pub struct Common {
    kind: RecordKind,
    learner: Bound,
    date: Option<Bound>,
    group: Option<Bound>,
    recorded_at: Option<Bound>,
    confidential: Option<Bound>,
    format: DateFormat,
    zone: TimeZone,
}

impl Common {
    pub fn bind(
        kind: RecordKind,
        mapping: &Columns,
        captions: &Captions,
        settings: &Settings,
    ) -> Result<Self, FileFault> {
        Ok(Self {
            kind,
            learner: required("learner", mapping, captions)?,
            date: optional("date", mapping, captions)?,
            group: optional("group", mapping, captions)?,
            recorded_at: optional("recorded_at", mapping, captions)?,
            confidential: optional("confidential", mapping, captions)?,
            format: mapping.date_format,
            zone: settings.zone.clone(),
        })
    }

    /// The row's date. A row that must have one and has none is bad.
    pub fn date(&self, at: At<'_, '_>) -> Result<SchoolDate, Bad> {
        let Some(date) = &self.date else {
            return Err(Bad::new("", "CSV-DATE", "the mapping must say where the date comes from"));
        };
        date.date(at.row, at.number, self.format)?.ok_or_else(|| date.bad("CSV-DATE", "must not be blank"))
    }

    pub fn has_date(&self) -> bool {
        self.date.is_some()
    }

    pub fn format(&self) -> DateFormat {
        self.format
    }

    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// A record of this row. `suffix` tells apart the records of one row.
    pub fn draft(&self, at: At<'_, '_>, date: SchoolDate, suffix: &str, body: Body) -> Result<Draft, Bad> {
        Ok(Draft {
            kind: self.kind,
            local_key: self.key(at, date, suffix)?,
            learner: learner(&self.learner, at)?,
            group: self.group.as_ref().map_or(Ok(None), |group| group.local_id(at.row, at.number))?,
            date,
            recorded_at: match &self.recorded_at {
                Some(bound) => bound.instant(at.row, at.number, &self.zone)?,
                None => None,
            },
            confidential: match &self.confidential {
                Some(bound) => parse::truth(&bound.text(at.row, at.number)?)
                    .ok_or_else(|| bound.bad("CSV-VALUE", "must be yes or no"))?,
                None => false,
            },
            body,
        })
    }

    fn key(&self, at: At<'_, '_>, date: SchoolDate, suffix: &str) -> Result<String, Bad> {
        let mut key = String::with_capacity(48);
        at.plan.write_key(at.row, at.number, date, BETWEEN, &mut key);
        if key.chars().filter(|c| c.is_control()).count() + 1 > at.plan.key_parts().max(1) {
            let fix = "the columns that tell this row from the others must not hold control characters";
            return Err(Bad::new("", "CSV-KEY", fix));
        }
        if !suffix.is_empty() {
            key.push(BETWEEN);
            key.push_str(suffix);
        }
        if key.trim_matches(BETWEEN).is_empty() {
            return Err(Bad::new(
                "",
                "CSV-KEY",
                "the columns that tell this row from the others are all blank",
            ));
        }
        if key.len() > KEY_BYTES_MAX {
            return Err(Bad::new(
                "",
                "CSV-KEY",
                "the columns that tell this row from the others are too long",
            ));
        }
        Ok(key)
    }
}

/// The learner's id, which no row goes without.
pub fn learner(bound: &Bound, at: At<'_, '_>) -> Result<LocalId, Bad> {
    bound.local_id(at.row, at.number)?.ok_or_else(|| bound.bad(super::ID_BLANK, "must not be blank"))
}

/// Words, or none if the field isn't mapped.
pub fn words(
    bound: Option<&Bound>,
    at: At<'_, '_>,
    max_chars: usize,
) -> Result<commonroll_core::record::Text, Bad> {
    bound.map_or_else(|| Ok(Default::default()), |bound| bound.words(at.row, at.number, max_chars))
}
