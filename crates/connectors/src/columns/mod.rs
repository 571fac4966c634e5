//! The rows of a table, read as a mapping file says: what reports, spreadsheets, databases and most programs' answers all
//! come down to.
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
mod repeats;
mod staff;

use crate::{
    connector::{FileFault, Settings},
    item::{Item, Place, Sink},
    mapping,
    stretches::Sums,
    table::{Row, Table},
};
use bound::Bad;
use common::At;
use commonroll_core::SchoolDate;
use covers::Coverage;
use plan::{Captions, Plan};
use repeats::Repeats;

/// Rule of a row whose learner is blank.
const ID_BLANK: &str = "CSV-ID-BLANK";

/// Reads a table to its end as the mapping says. The table's first row has the captions.
///
/// # Errors
/// The whole file is refused; the items given before must be thrown away.
pub fn translate(
    table: &mut dyn Table,
    mapping: &mapping::Columns,
    settings: &Settings,
    out: &mut dyn Sink,
) -> Result<(), FileFault> {
    let Some(mut file) = File::open(table, mapping, settings, out)? else {
        return Coverage::new(mapping.rows, mapping.covers).tell(&Sums::default(), out);
    };
    while let Some(row) = table.next_row()? {
        file.row(&row, out)?;
    }
    file.finish(out)
}

/// True if what a row says hangs on that row alone.
pub(crate) fn rows_stand_alone(mapping: &mapping::Columns) -> bool {
    use mapping::Rows;
    let is_record = matches!(mapping.rows, Rows::Attendance | Rows::Assessment | Rows::Behaviour);
    is_record && mapping.fields.values().all(|field| field.source().row_number.is_none())
}

/// One file on its way: its captions are read, its rows come in turn.
pub(crate) struct File {
    plan: Plan,
    sort: Sort,
    columns: usize,
    /// The captions as they stand, for telling whether a file's are those of another.
    pub(crate) captions: Vec<u8>,
    coverage: Coverage,
    number: u64,
    lookups_max: usize,
    ragged: bool,
    repeats: Option<Repeats>,
    /// Rows that say the same are given each, since they may stand in stretches of which one is passed over some day.
    pub(crate) gives_each: bool,
    /// What the rows of the present stretch came to.
    sums: Sums,
    /// What all stretches before it came to.
    before: Sums,
    /// Rows that say something else about what was named already, in stretches that were passed over.
    passed_differing: u64,
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

/// The captions, how many columns there are and the line on which they stand; `None` if a table that leaves out what is
/// blank has no row at all.
fn captions(
    table: &mut dyn Table,
    mapping: &mapping::Columns,
) -> Result<Option<(Captions, usize, u64)>, FileFault> {
    let (leaves_out, titles) = (table.leaves_out_blanks(), table.titles_max());
    let needed = mapping.needed();
    // The row that is most like captions, so that a person can be told what it lacks.
    let mut nearest: Option<(usize, u64, String)> = None;
    for _ in 0..=titles {
        let Some(row) = table.next_row()? else { break };
        let has = |caption: &str| (0..row.width()).any(|column| row.cell(column) == caption.trim());
        let missing: Vec<&str> = needed.iter().copied().filter(|caption| !has(caption)).collect();
        if titles == 0 || missing.is_empty() {
            let mut captions = Captions::read(&row)?;
            if leaves_out {
                captions.may_lack(mapping.optional());
            }
            return Ok(Some((captions, row.width(), row.line)));
        }
        if nearest.as_ref().is_none_or(|(count, ..)| missing.len() < *count) {
            nearest = missing.first().map(|caption| (missing.len(), row.line, (*caption).to_owned()));
        }
    }
    match nearest {
        None if leaves_out => Ok(None),
        None => {
            let fix = "the file has no line of captions; export it again";
            Err(FileFault::content("FILE-EMPTY", None, fix))
        }
        Some((_, line, caption)) => {
            let fix = format!(
                "no row has all captions that the mapping names: this one is nearest and lacks `{caption}`; compare \
                 them, or set `sheet` or `heading_row`"
            );
            Err(FileFault::content("CSV-CAPTION-MISSING", Some(line), fix))
        }
    }
}

impl File {
    /// Reads the captions. `None` for a table that leaves out what is blank and has no row at all.
    pub(crate) fn open(
        table: &mut dyn Table,
        mapping: &mapping::Columns,
        settings: &Settings,
        out: &mut dyn Sink,
    ) -> Result<Option<Self>, FileFault> {
        let Some((captions, columns, line)) = captions(table, mapping)? else { return Ok(None) };
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
        if let Some(problem) = captions.unknown(&mapping.ignore, line) {
            out.problem(problem);
        }
        let coverage = Coverage::new(mapping.rows, mapping.covers);
        let lookups_max = settings.limits.lookups_max;
        let is_record = matches!(
            mapping.rows,
            mapping::Rows::Attendance | mapping::Rows::Assessment | mapping::Rows::Behaviour
        );
        let repeats =
            (is_record && mapping.repeats == mapping::Repeats::Refuse).then(|| Repeats::new(captions.used()));
        Ok(Some(Self {
            ragged: table.is_ragged(),
            captions: captions.print(),
            plan,
            sort,
            columns,
            coverage,
            number: 0,
            lookups_max,
            repeats,
            gives_each: false,
            sums: Sums::default(),
            before: Sums::default(),
            passed_differing: 0,
        }))
    }

    /// Reads one row.
    pub(crate) fn row(&mut self, row: &Row<'_>, out: &mut dyn Sink) -> Result<(), FileFault> {
        self.number += 1;
        if !self.plan.wants(row) {
            return Ok(());
        }
        let line = row.line;
        let at = At { row, number: self.number, plan: &self.plan };
        let said = self.repeats.as_ref().map_or(0, |repeats| repeats.content(row));
        let (repeats, sums, gives_each) = (&mut self.repeats, &mut self.sums, self.gives_each);
        sums.rows += 1;
        let mut give = |date: Option<SchoolDate>, result: Result<Item, Bad>| match result {
            Ok(item) => {
                sums.given += 1;
                sums.has(date);
                let is_one = match (repeats.as_mut(), &item) {
                    (Some(repeats), Item::Record(draft)) => {
                        repeats.hear(&draft.local_key, draft.date, said, sums)
                    }
                    _ => false,
                };
                if !is_one || gives_each {
                    out.item(item, Place { line });
                }
            }
            Err(bad) => {
                sums.without_id += u64::from(bad.rule == ID_BLANK);
                sums.unreadable(date);
                out.problem(bad.at(line));
            }
        };
        let is_short = self.ragged && row.width() < self.columns;
        if row.width() != self.columns && !is_short && !at.is_padded(self.columns) {
            let fix = "has more or fewer cells than the first line; look for a separator or quotation mark in a cell";
            give(None, Err(Bad::new("", "CSV-CELLS", fix)));
            return Ok(());
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
        Ok(())
    }

    /// Ends a stretch and gives what its rows came to.
    pub(crate) fn end_stretch(&mut self) -> Sums {
        let sums = std::mem::take(&mut self.sums);
        self.before.add(&sums);
        if let Some(repeats) = &mut self.repeats {
            repeats.next_stretch();
        }
        sums
    }

    /// Counts a stretch that need not be read, since what its rows come to is known.
    pub(crate) fn pass_over(&mut self, sums: &Sums) {
        self.before.add(sums);
        self.passed_differing += sums.differing;
    }

    /// Says what only all rows together say.
    pub(crate) fn finish(mut self, out: &mut dyn Sink) -> Result<(), FileFault> {
        self.end_stretch();
        let all = self.before;
        match self.sort {
            Sort::Staff(staff) => staff.tell(out),
            Sort::Days(days) => days.tell(out),
            _ => {}
        }
        if all.rows > 0 && all.without_id == all.rows && all.given == 0 {
            let fix = "the learner's id is blank in every row; SIMS does this unless the account is in the group \
                       Third Party Reporter: put it there and export again";
            return Err(FileFault::content("CSV-ID-BLANK-ALL", None, fix));
        }
        self.repeats.as_ref().map_or(Ok(()), |repeats| repeats.judge(&all, self.passed_differing))?;
        self.coverage.tell(&all, out)
    }
}

impl At<'_, '_> {
    /// True if the row is only longer than the first line by empty cells, as spreadsheets leave them.
    fn is_padded(&self, columns: usize) -> bool {
        self.row.width() > columns
            && (columns..self.row.width()).all(|column| self.row.cell(column).is_empty())
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
