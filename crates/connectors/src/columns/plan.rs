//! A mapping bound to the first line of one file: which column is which field, which rows count, what makes a key.

use super::bound::Bound;
use crate::{
    connector::FileFault,
    item::Problem,
    mapping::{Columns, OneOrMany, Rows, Source},
    parse,
    table::Row,
};
use commonroll_core::SchoolDate;
use std::{cell::RefCell, collections::BTreeSet, fmt::Write};

/// Most captions that one problem names.
const CAPTIONS_SHOWN: usize = 20;

/// Captions of a file and who asked for them.
pub struct Captions {
    names: Vec<String>,
    line: u64,
    used: RefCell<BTreeSet<usize>>,
    /// Captions that stand for blank cells if they aren't there.
    blank: BTreeSet<String>,
}

/// Column of a caption that stands nowhere in the file: no row reaches as far.
const NOWHERE: usize = usize::MAX;

impl From<String> for FileFault {
    fn from(fix: String) -> Self {
        Self::mapping("MAP-SETTING", fix)
    }
}

impl Captions {
    /// Takes the first row. No caption may stand there twice.
    pub fn read(row: &Row<'_>) -> Result<Self, FileFault> {
        let names: Vec<String> = (0..row.width()).map(|column| row.cell(column).to_owned()).collect();
        let mut seen = BTreeSet::new();
        if let Some(place) = names.iter().position(|name| !name.is_empty() && !seen.insert(name)) {
            let fix = format!(
                "column {} has the caption of an earlier one; give each its own in the report",
                place + 1
            );
            return Err(FileFault::content("CSV-CAPTION-TWICE", Some(row.line), fix));
        }
        Ok(Self { names, line: row.line, used: RefCell::default(), blank: BTreeSet::new() })
    }

    /// These captions may be missing: their cells are blank then.
    pub fn may_lack(&mut self, captions: BTreeSet<&str>) {
        self.blank.extend(captions.into_iter().map(str::to_owned));
    }

    /// Captions that nobody asked for so far and that aren't left out by name.
    pub fn unused(&self, ignore: &[String]) -> Vec<String> {
        let used = self.used.borrow();
        let left = self.names.iter().enumerate().filter(|(place, name)| {
            !used.contains(place) && !name.is_empty() && !ignore.iter().any(|known| known == *name)
        });
        left.map(|(_, name)| name.clone()).collect()
    }

    /// All captions in their order, as bytes that no other captions have.
    pub fn print(&self) -> Vec<u8> {
        self.names
            .iter()
            .flat_map(|name| [&(name.len() as u64).to_be_bytes(), name.as_bytes()].concat())
            .collect()
    }

    /// Columns that somebody asked for.
    pub fn used(&self) -> Vec<usize> {
        self.used.borrow().iter().copied().collect()
    }

    /// The column with a caption.
    pub fn find(&self, caption: &str) -> Result<usize, FileFault> {
        let Some(place) = self.names.iter().position(|name| name == caption.trim()) else {
            if self.blank.contains(caption) {
                return Ok(NOWHERE);
            }
            let fix = format!(
                "the first line has no column `{caption}`; check the report's captions, the separator and the mapping"
            );
            return Err(FileFault::content("CSV-CAPTION-MISSING", Some(self.line), fix));
        };
        self.used.borrow_mut().insert(place);
        Ok(place)
    }

    /// Columns that nobody asked for and the mapping doesn't pass over on purpose.
    pub fn unknown(&self, ignore: &[String], line: u64) -> Option<Problem> {
        if ignore.iter().any(|name| name == "*") {
            return None;
        }
        let used = self.used.borrow();
        let left: Vec<String> = self
            .names
            .iter()
            .enumerate()
            .filter(|(place, name)| {
                !used.contains(place) && !name.is_empty() && !ignore.iter().any(|known| known == *name)
            })
            .map(|(_, name)| name.chars().take(40).filter(|c| !c.is_control()).collect())
            .collect();
        let named =
            left.iter().take(CAPTIONS_SHOWN).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let more = match left.len().saturating_sub(CAPTIONS_SHOWN) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let fix = format!("not read: {named}{more}; map them, or list them under `ignore`");
        (!left.is_empty()).then(|| Problem::new(line, "", "CSV-COLUMN-UNKNOWN", fix))
    }
}

/// What all sorts of rows have in common.
pub struct Plan {
    only: Vec<(usize, OneOrMany)>,
    skip_if_blank: Vec<usize>,
    key: Vec<Part>,
}

/// One part of a key. Dates and times are written in one way, so that a change of the export's format changes no key.
enum Part {
    Date,
    Time(Bound),
    Text(Bound),
}

impl Plan {
    /// Binds filters and key.
    pub fn bind(mapping: &Columns, captions: &Captions) -> Result<Self, FileFault> {
        let only = mapping
            .only
            .iter()
            .map(|(caption, values)| Ok((captions.find(caption)?, values.clone())))
            .collect::<Result<_, FileFault>>()?;
        let skip_if_blank =
            mapping.skip_if_blank.iter().map(|caption| captions.find(caption)).collect::<Result<_, _>>()?;
        let names: Vec<&str> = match &mapping.key {
            Some(key) => key.iter().map(String::as_str).collect(),
            None => {
                usual_key(mapping).iter().copied().filter(|name| mapping.fields.contains_key(*name)).collect()
            }
        };
        let parts = names.into_iter().map(|name| key_part(name, mapping, captions));
        let key = parts.filter_map(Result::transpose).collect::<Result<_, _>>()?;
        Ok(Self { only, skip_if_blank, key })
    }

    /// True if the mapping wants this row.
    pub fn wants(&self, row: &Row<'_>) -> bool {
        !row.is_blank()
            && self.only.iter().all(|(column, values)| values.has(row.cell(*column)))
            && !self.skip_if_blank.iter().any(|column| row.cell(*column).is_empty())
    }

    /// How many parts a key has.
    pub const fn key_parts(&self) -> usize {
        self.key.len()
    }

    /// Writes the row's key, its parts divided by `between`.
    pub fn write_key(&self, row: &Row<'_>, number: u64, date: SchoolDate, between: char, key: &mut String) {
        for (place, part) in self.key.iter().enumerate() {
            if place > 0 {
                key.push(between);
            }
            match part {
                Part::Date => _ = write!(key, "{date}"),
                Part::Text(bound) => key.push_str(&bound.raw(row, number)),
                Part::Time(bound) => {
                    let text = bound.raw(row, number);
                    match parse::time(&text) {
                        Some(time) => {
                            _ = write!(key, "{:02}:{:02}:{:02}", time.hour(), time.minute(), time.second())
                        }
                        None => key.push_str(&text),
                    }
                }
            }
        }
    }
}

/// Fields that tell one record from the others, if the mapping doesn't say.
fn usual_key(mapping: &Columns) -> &'static [&'static str] {
    match mapping.rows {
        Rows::Attendance => &["date", "learner", "group", "period", "start"],
        Rows::Assessment => &["date", "learner", "group", "subject", "title", "result_set", "kind"],
        Rows::Behaviour if mapping.fields.contains_key("event") => &["event", "learner"],
        Rows::Behaviour => &["date", "time", "learner", "label"],
        Rows::Learners
        | Rows::Groups
        | Rows::Placements
        | Rows::Acceptances
        | Rows::Ends
        | Rows::Staff
        | Rows::Timetable
        | Rows::Notices
        | Rows::Support => &[],
    }
}

/// A part of the key; `None` for what is the same in each row.
fn key_part(name: &str, mapping: &Columns, captions: &Captions) -> Result<Option<Part>, FileFault> {
    let bound = match mapping.fields.get(name) {
        Some(spec) => bind(name, &spec.source(), captions)?,
        None => Bound::column(name, captions.find(name)?),
    };
    Ok(match name {
        _ if bound.is_constant() => None,
        "date" => Some(Part::Date),
        "start" | "time" => Some(Part::Time(bound)),
        _ => Some(Part::Text(bound)),
    })
}

/// Binds one field.
pub fn bind(name: &str, source: &Source, captions: &Captions) -> Result<Bound, FileFault> {
    Bound::bind(name, source, &mut |caption| captions.find(caption))
}

/// Binds a field that rows of this sort may have.
pub fn optional(name: &str, mapping: &Columns, captions: &Captions) -> Result<Option<Bound>, FileFault> {
    mapping.fields.get(name).map(|spec| bind(name, &spec.source(), captions)).transpose()
}

/// Binds a field that rows of this sort must have.
pub fn required(name: &'static str, mapping: &Columns, captions: &Captions) -> Result<Bound, FileFault> {
    optional(name, mapping, captions)?.ok_or_else(|| {
        FileFault::mapping("MAP-FIELD", format!("the mapping must say where `{name}` comes from"))
    })
}
