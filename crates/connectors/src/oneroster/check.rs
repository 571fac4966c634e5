//! The first pass: each file against the standard, each reference against the file that it names.
//!
//! Nothing is translated here. Rows that break a rule are remembered by line, so that the second pass leaves them out;
//! ids are remembered as hashes, so that memory stays small beside the file.

use super::{
    cell,
    manifest::{Manifest, Mode},
    schema::{self, Column, Type},
};
use crate::{
    connector::{FileFault, Limits},
    item::{Problem, Sink},
    package::Package,
    rows::Rows,
    table::Row,
    text::Utf8,
};
use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    hash::{DefaultHasher, Hash, Hasher},
};

/// What the first pass found.
#[derive(Default)]
pub struct Checked {
    ids: BTreeMap<&'static str, HashSet<u128>>,
    bad: BTreeMap<&'static str, BTreeSet<u64>>,
    rows: BTreeMap<&'static str, u64>,
}

impl Checked {
    /// True if this row of this file broke a rule.
    pub fn is_bad(&self, file: &str, line: u64) -> bool {
        self.bad.get(file).is_some_and(|lines| lines.contains(&line))
    }

    /// True if the file has rows and none of them broke a rule.
    pub fn is_sound(&self, file: &str) -> bool {
        self.rows.get(file).is_some_and(|rows| *rows > 0) && !self.bad.contains_key(file)
    }
}

/// Checks the whole package.
pub fn check(
    package: &mut Package<'_>,
    manifest: &Manifest,
    limits: Limits,
    out: &mut dyn Sink,
) -> Result<Checked, FileFault> {
    let mut checked = Checked::default();
    let given: Vec<&'static str> =
        schema::files(manifest.version).filter(|file| manifest.mode(file) != Mode::Absent).collect();
    for &file in &given {
        let entry = format!("{file}.csv");
        package.read(&entry, |reader| {
            checked.first(file, manifest, Rows::new(Utf8::stream(reader), Some(b','), limits)?, limits, out)
        })?;
    }
    for &file in &given {
        let columns = references(manifest, file, out);
        if !columns.is_empty() {
            let entry = format!("{file}.csv");
            package.read(&entry, |reader| {
                checked.second(file, &columns, Rows::new(Utf8::stream(reader), Some(b','), limits)?, out)
            })?;
        }
    }
    Ok(checked)
}

impl Checked {
    /// Shape and ids of one file.
    fn first(
        &mut self,
        file: &'static str,
        manifest: &Manifest,
        mut rows: Rows<'_>,
        limits: Limits,
        out: &mut dyn Sink,
    ) -> Result<(), FileFault> {
        let columns = schema::columns(manifest.version, file);
        let width = header(file, &columns, rows.next_row()?.as_ref())?;
        let mode = manifest.mode(file);
        while let Some(row) = rows.next_row()? {
            if row.text().contains('\0') {
                let fix = format!("{file}.csv holds NUL characters, so it is not text; export it again");
                return Err(FileFault::content("FILE-NOT-TEXT", Some(row.line), fix));
            }
            let count = self.rows.entry(file).or_default();
            *count += 1;
            if *count > limits.lookups_max as u64 {
                let fix = format!(
                    "{file}.csv has more rows than allowed; export a shorter time or use delta files"
                );
                return Err(FileFault::too_big("OR-ROWS", Some(row.line), fix));
            }
            if row.width() != width {
                let fix = "has more or fewer cells than the first line; look for a comma or quotation mark in a cell";
                self.bad(file, row.line, "", "CSV-CELLS", fix, out);
                continue;
            }
            self.cells(file, &columns, &row, mode, out);
            let ids = self.ids.entry(file).or_default();
            if !ids.insert(hashed(row.cell(0))) {
                self.bad(
                    file,
                    row.line,
                    "sourcedId",
                    "OR-ID-TWICE",
                    "stands in an earlier row of this file too",
                    out,
                );
            }
        }
        Ok(())
    }

    fn cells(
        &mut self,
        file: &'static str,
        columns: &[Column],
        row: &Row<'_>,
        mode: Mode,
        out: &mut dyn Sink,
    ) {
        if let Some((column, rule, fix)) = lifecycle(row, mode) {
            self.bad(file, row.line, column, rule, fix, out);
        }
        for (place, column) in columns.iter().enumerate() {
            let text = row.cell(place);
            let broken = match text.is_empty() {
                true if column.must => Err(("OR-BLANK", "must not be blank")),
                true => Ok(()),
                false => cell::check(column.of, text),
            };
            if let Err((rule, fix)) = broken {
                self.bad(file, row.line, column.name, rule, fix, out);
            }
        }
        if let Some((column, rule, fix)) = together(file, columns, row) {
            self.bad(file, row.line, column, rule, fix, out);
        }
    }

    /// References of one file, once all ids are known.
    fn second(
        &mut self,
        file: &'static str,
        columns: &[(usize, Column, &'static str)],
        mut rows: Rows<'_>,
        out: &mut dyn Sink,
    ) -> Result<(), FileFault> {
        rows.next_row()?;
        while let Some(row) = rows.next_row()? {
            for (place, column, target) in columns {
                let known = |id: &str| {
                    id.is_empty() || self.ids.get(target).is_some_and(|ids| ids.contains(&hashed(id)))
                };
                if !row.cell(*place).split(',').map(str::trim).all(known) {
                    let fix = format!("names no row of {target}.csv");
                    self.bad(file, row.line, column.name, "OR-REFERENCE", &fix, out);
                }
            }
        }
        Ok(())
    }

    fn bad(
        &mut self,
        file: &'static str,
        line: u64,
        column: &str,
        rule: &'static str,
        fix: &str,
        out: &mut dyn Sink,
    ) {
        let again = !self.bad.entry(file).or_default().insert(line);
        let field = if column.is_empty() { format!("{file}.csv") } else { format!("{file}.csv {column}") };
        out.problem(Problem { again, ..Problem::new(line, field, rule, fix) });
    }
}

/// Columns of a file that name rows of files which are there in full. A whole file that names rows of an absent one is
/// told of once.
fn references(
    manifest: &Manifest,
    file: &'static str,
    out: &mut dyn Sink,
) -> Vec<(usize, Column, &'static str)> {
    let mut found = Vec::new();
    let columns = schema::columns(manifest.version, file).into_iter().enumerate();
    let own = (file == "demographics").then_some("users");
    for (place, column) in columns {
        let target = match column.of {
            Type::Ref(target) | Type::Refs(target) => target,
            Type::Id => match own {
                Some(target) => target,
                None => continue,
            },
            _ => continue,
        };
        match manifest.mode(target) {
            Mode::Bulk => found.push((place, column, target)),
            Mode::Absent if manifest.mode(file) == Mode::Bulk && column.must => {
                let fix = format!(
                    "names rows of {target}.csv, which the package doesn't hold; export both together"
                );
                let field = format!("{file}.csv {}", column.name);
                let rule = "OR-REFERENCE-FILE";
                out.problem(Problem { place: None, field, rule, fix, code: None, again: false });
            }
            Mode::Absent | Mode::Delta => {}
        }
    }
    found
}

/// The first line must be the standard's, in order, with local columns only behind it. Returns how many there are.
fn header(file: &str, columns: &[Column], first: Option<&Row<'_>>) -> Result<usize, FileFault> {
    let Some(first) = first else {
        return Err(FileFault::content(
            "OR-HEADER-MISSING",
            Some(1),
            format!("{file}.csv has no line of captions"),
        ));
    };
    let names: Vec<&str> = (0..first.width()).map(|place| first.cell(place)).collect();
    if let Some(missing) = columns.iter().find(|column| !names.contains(&column.name)) {
        let fix = format!("{file}.csv must have the column `{}`, written exactly so", missing.name);
        return Err(FileFault::content("OR-HEADER-MISSING", Some(1), fix));
    }
    if let Some((place, column)) =
        columns.iter().enumerate().find(|(place, column)| names[*place] != column.name)
    {
        let fix = format!(
            "{file}.csv must have `{}` as column {}; local columns come last",
            column.name,
            place + 1
        );
        return Err(FileFault::content("OR-HEADER-ORDER", Some(1), fix));
    }
    if names[columns.len()..].iter().any(|name| !name.starts_with("metadata.")) {
        let fix = format!(
            "{file}.csv has a column that the standard doesn't know; name local ones `metadata.<name>`"
        );
        return Err(FileFault::content("OR-HEADER-UNKNOWN", Some(1), fix));
    }
    Ok(names.len())
}

type Found = Option<(&'static str, &'static str, &'static str)>;

/// `status` and `dateLastModified` belong to delta files alone.
fn lifecycle(row: &Row<'_>, mode: Mode) -> Found {
    let (status, modified) = (row.cell(1), row.cell(2));
    match mode {
        Mode::Bulk if !status.is_empty() => {
            Some(("status", "OR-BULK-LIFECYCLE", "must be blank in a bulk file"))
        }
        Mode::Bulk if !modified.is_empty() => {
            Some(("dateLastModified", "OR-BULK-LIFECYCLE", "must be blank in a bulk file"))
        }
        Mode::Delta if !matches!(status, "active" | "tobedeleted" | "inactive") => {
            Some(("status", "OR-DELTA-LIFECYCLE", "must be active or tobedeleted in a delta file"))
        }
        Mode::Delta if !cell::is_instant(modified) => Some((
            "dateLastModified",
            "OR-DELTA-LIFECYCLE",
            "must be an instant such as 2026-09-14T09:00:00Z",
        )),
        _ => None,
    }
}

/// Rules that tie cells of one row together.
fn together(file: &str, columns: &[Column], row: &Row<'_>) -> Found {
    let cell = |name: &str| {
        columns.iter().position(|column| column.name == name).map_or("", |place| row.cell(place))
    };
    let later = |first: &str, last: &str| !last.is_empty() && last < first;
    match file {
        "lineItems" => {
            let (min, max) = (cell("resultValueMin").parse::<f64>(), cell("resultValueMax").parse::<f64>());
            matches!((min, max), (Ok(min), Ok(max)) if min > max).then_some((
                "resultValueMin",
                "OR-RANGE",
                "must not be above resultValueMax",
            ))
        }
        "academicSessions" if later(cell("startDate"), cell("endDate")) => {
            Some(("endDate", "OR-RANGE", "must not lie before startDate"))
        }
        "enrollments" if later(cell("beginDate"), cell("endDate")) => {
            Some(("endDate", "OR-RANGE", "must not lie before beginDate"))
        }
        "lineItemLearningObjectiveIds" | "resultLearningObjectiveIds"
            if cell("source") == "case" && !cell::is_uuid(cell("learningObjectiveId")) =>
        {
            Some(("learningObjectiveId", "OR-OBJECTIVE", "must be a UUID where the source is case"))
        }
        _ => None,
    }
}

/// Two 64-bit hashes: ids of one file don't meet by chance.
fn hashed(id: &str) -> u128 {
    let half = |seed: u8| {
        let mut hasher = DefaultHasher::new();
        (seed, id).hash(&mut hasher);
        hasher.finish()
    };
    (u128::from(half(1)) << 64) | u128::from(half(2))
}
