//! Delimited text with a mapping file: what the reports of SIMS, Arbor, Bromcom, spreadsheets and databases can all write.
//!
//! The captions are the report author's, so a mapping says which caption is which field. One bad row is one problem;
//! a file whose shape can't be trusted is refused as a whole, before the first item where that can be seen.

mod assessment;
mod attendance;
mod behaviour;
mod bound;
mod common;
mod covers;
mod directory;
mod expected;
mod plan;
mod staff;

use crate::{
    connector::{Connector, FileFault, Input, Settings},
    item::{Item, Place, Problem, Sink},
    mapping::{self, Format},
    rows,
    text::Utf8,
};
use bound::Bad;
use common::At;
use commonroll_core::SchoolDate;
use covers::Coverage;
use plan::{Captions, Plan};

/// Rule of a row whose learner is blank.
const ID_BLANK: &str = "CSV-ID-BLANK";

/// Reads delimited text as its mapping says.
pub struct Delimited;

impl Connector for Delimited {
    fn name(&self) -> &'static str {
        "delimited"
    }

    fn about(&self) -> &'static str {
        "delimited text (CSV) of any system, read as a mapping file says"
    }

    fn recognises(&self, file_name: &str, head: &[u8]) -> bool {
        let name = file_name.to_ascii_lowercase();
        [".csv", ".txt", ".tsv"].iter().any(|end| name.ends_with(end)) && !head.starts_with(b"PK")
    }

    fn translate(&self, input: Input<'_>, settings: &Settings, out: &mut dyn Sink) -> Result<(), FileFault> {
        let Some(Format::Delimited(mapping)) = settings.mapping.as_ref().map(|mapping| &mapping.format)
        else {
            let fix = "delimited text needs a mapping file with format = \"delimited\"";
            return Err(FileFault::mapping("MAP-MISSING", fix));
        };
        let limits = settings.limits;
        if input.size > limits.file_bytes_max {
            return Err(FileFault::too_big(
                "FILE-SIZE",
                None,
                "the file is larger than allowed; export a shorter time",
            ));
        }
        let text = Utf8::open(input.reader, mapping.encoding.as_deref(), &limits)?;
        let separator =
            mapping.separator.as_deref().map(|name| if name == "tab" { b'\t' } else { name.as_bytes()[0] });
        File::open(rows::Rows::new(text, separator, limits)?, mapping, settings)?.translate(out)
    }
}

/// One file on its way.
struct File<'a> {
    rows: rows::Rows<'a>,
    plan: Plan,
    sort: Sort,
    columns: usize,
    unknown: Option<Problem>,
    coverage: Coverage,
    number: u64,
    lookups_max: usize,
    given: u64,
    without_id: u64,
}

/// The sorts of rows.
enum Sort {
    Marks(Box<attendance::Marks>),
    Results(Box<assessment::Results>),
    Parts(Box<behaviour::Parts>),
    Declarations(Box<directory::Declarations>),
    Staff(Box<staff::Teaching>),
    Days(Box<expected::Days>),
    Notices(Box<expected::Notices>),
    Support(Box<expected::Support>),
}

impl<'a> File<'a> {
    fn open(
        mut rows: rows::Rows<'a>,
        mapping: &mapping::Delimited,
        settings: &Settings,
    ) -> Result<Self, FileFault> {
        let Some(first) = rows.next_row()? else {
            return Err(FileFault::content(
                "FILE-EMPTY",
                None,
                "the file has no line of captions; export it again",
            ));
        };
        let (line, columns) = (first.line, first.len());
        let captions = Captions::read(&first)?;
        let plan = Plan::bind(mapping, &captions)?;
        let sort = match mapping.rows {
            mapping::Rows::Attendance => {
                Sort::Marks(Box::new(attendance::Marks::bind(mapping, &captions, settings)?))
            }
            mapping::Rows::Assessment => {
                Sort::Results(Box::new(assessment::Results::bind(mapping, &captions, settings)?))
            }
            mapping::Rows::Behaviour => {
                Sort::Parts(Box::new(behaviour::Parts::bind(mapping, &captions, settings)?))
            }
            mapping::Rows::Staff => Sort::Staff(Box::new(staff::Teaching::bind(mapping, &captions)?)),
            mapping::Rows::Timetable => {
                Sort::Days(Box::new(expected::Days::bind(mapping, &captions, settings)?))
            }
            mapping::Rows::Notices => {
                Sort::Notices(Box::new(expected::Notices::bind(mapping, &captions, settings)?))
            }
            mapping::Rows::Support => {
                Sort::Support(Box::new(expected::Support::bind(mapping, &captions, settings)?))
            }
            _ => Sort::Declarations(Box::new(directory::Declarations::bind(mapping, &captions, settings)?)),
        };
        let unknown = captions.unknown(&mapping.ignore, line);
        let coverage = Coverage::new(mapping.rows, mapping.covers);
        let lookups_max = settings.limits.lookups_max;
        Ok(Self {
            rows,
            plan,
            sort,
            columns,
            unknown,
            coverage,
            number: 0,
            lookups_max,
            given: 0,
            without_id: 0,
        })
    }

    fn translate(mut self, out: &mut dyn Sink) -> Result<(), FileFault> {
        if let Some(problem) = self.unknown.take() {
            out.problem(problem);
        }
        let mut wanted = 0_u64;
        while let Some(row) = self.rows.next_row()? {
            self.number += 1;
            if !self.plan.wants(&row) {
                continue;
            }
            wanted += 1;
            let line = row.line;
            let at = At { row: &row, number: self.number, plan: &self.plan };
            let (coverage, given, without_id) = (&mut self.coverage, &mut self.given, &mut self.without_id);
            let mut give = |date: Option<SchoolDate>, result: Result<Item, Bad>| match result {
                Ok(item) => {
                    *given += 1;
                    coverage.has(date);
                    out.item(item, Place { line });
                }
                Err(bad) => {
                    *without_id += u64::from(bad.rule == ID_BLANK);
                    coverage.unreadable(date);
                    out.problem(bad.at(line));
                }
            };
            if row.len() != self.columns && !at.is_padded(self.columns) {
                let fix = "has more or fewer cells than the first line; look for a separator or quotation mark in a cell";
                give(None, Err(Bad::new("", "CSV-CELLS", fix)));
                continue;
            }
            self.sort.row(at, &mut give);
            if matches!(&self.sort, Sort::Staff(staff) if staff.len() > self.lookups_max) {
                let fix = "names more people than any school has; look at the column of their ids";
                return Err(FileFault::too_big("CSV-STAFF", Some(line), fix));
            }
            if matches!(&self.sort, Sort::Days(days) if days.len() > self.lookups_max) {
                let fix = "has more lessons than any school in a year; export a shorter time";
                return Err(FileFault::too_big("CSV-LESSONS", Some(line), fix));
            }
        }
        match self.sort {
            Sort::Staff(staff) => staff.tell(out),
            Sort::Days(days) => days.tell(out),
            _ => {}
        }
        if wanted > 0 && self.without_id == wanted && self.given == 0 {
            let fix = "the learner's id is blank in every row; SIMS does this unless the account is in the group \
                       Third Party Reporter: put it there and export again";
            return Err(FileFault::content("CSV-ID-BLANK-ALL", None, fix));
        }
        self.coverage.tell(wanted, out)
    }
}

impl At<'_, '_> {
    /// True if the row is only longer than the first line by empty cells, as spreadsheets leave them.
    fn is_padded(&self, columns: usize) -> bool {
        self.row.len() > columns && (columns..self.row.len()).all(|column| self.row.cell(column).is_empty())
    }
}

impl Sort {
    /// Reads one row and gives what is in it, with the row's date as far as it could be read.
    fn row(&mut self, at: At<'_, '_>, give: &mut dyn FnMut(Option<SchoolDate>, Result<Item, Bad>)) {
        match self {
            Self::Marks(marks) => match marks.date(at) {
                Ok(date) => give(Some(date), marks.row(at, date).map(Item::Record)),
                Err(bad) => give(None, Err(bad)),
            },
            Self::Parts(parts) => match parts.date(at) {
                Ok(date) => give(Some(date), parts.row(at, date).map(Item::Record)),
                Err(bad) => give(None, Err(bad)),
            },
            Self::Results(results) => match results.date(at) {
                Ok(date) => results.row(at, date, &mut |result| {
                    let of = result.as_ref().ok().map(|draft| draft.date).or(date);
                    give(of, result.map(Item::Record));
                }),
                Err(bad) => give(None, Err(bad)),
            },
            Self::Declarations(declarations) => give(None, declarations.row(at)),
            Self::Notices(notices) => notices.row(at, &mut |result| give(None, result)),
            Self::Support(support) => give(None, support.row(at)),
            Self::Days(days) => {
                if let Err(bad) = days.row(at) {
                    give(None, Err(bad));
                }
            }
            Self::Staff(staff) => {
                if let Err(bad) = staff.row(at) {
                    give(None, Err(bad));
                }
            }
        }
    }
}
