//! What a file is complete about, once all its rows were seen.
//!
//! A row that can't be read takes its date out of what is covered, and a row without a readable date takes all of it:
//! an unreadable mark must not look like a withdrawn one.

use crate::{
    connector::FileFault,
    item::{Scope, Sink},
    mapping::{Covers, Rows},
    stretches::Sums,
};
use commonroll_core::{RecordKind, SchoolDate};

/// What a file of this sort is complete about.
pub struct Coverage {
    rows: Rows,
    covers: Covers,
}

impl Coverage {
    pub fn new(rows: Rows, covers: Option<Covers>) -> Self {
        let usual = match rows {
            // A day is said whole by itself: a date that is not in the file means nothing.
            Rows::Attendance | Rows::Timetable => Covers::Dates,
            Rows::Learners
            | Rows::Groups
            | Rows::Placements
            | Rows::Acceptances
            | Rows::Staff
            | Rows::Notices
            | Rows::Support => Covers::Everything,
            Rows::Assessment | Rows::Behaviour | Rows::Ends => Covers::Nothing,
        };
        Self { rows, covers: covers.unwrap_or(usual) }
    }

    /// Tells what is covered, once it is known what all rows came to.
    pub fn tell(self, sums: &Sums, out: &mut dyn Sink) -> Result<(), FileFault> {
        let everything = self.whole();
        let is_never_empty = self.covers == Covers::Everything || self.rows == Rows::Timetable;
        if sums.rows == 0 && is_never_empty {
            let fix =
                "the file has captions but no rows, which is a failed export rather than an empty school";
            return Err(FileFault::content("FILE-NO-ROWS", None, fix));
        }
        match (self.covers, self.kind()) {
            (Covers::Nothing, _) => {}
            (Covers::Everything, _) => {
                if !sums.all_spoiled
                    && sums.spoiled.is_empty()
                    && let Some(scope) = everything
                {
                    out.covers(scope);
                }
            }
            (Covers::Dates, Some(kind)) if !sums.all_spoiled => {
                let dates = sums.dates.difference(&sums.spoiled);
                dates
                    .filter_map(|days| SchoolDate::from_days(*days))
                    .for_each(|date| out.covers(Scope::Day(kind, date)));
            }
            (Covers::Dates, _) => {}
        }
        Ok(())
    }

    const fn kind(&self) -> Option<RecordKind> {
        match self.rows {
            Rows::Attendance => Some(RecordKind::Attendance),
            Rows::Assessment => Some(RecordKind::Assessment),
            Rows::Behaviour => Some(RecordKind::Behaviour),
            _ => None,
        }
    }

    const fn whole(&self) -> Option<Scope> {
        match self.rows {
            Rows::Learners => Some(Scope::Learners),
            Rows::Groups => Some(Scope::Groups),
            Rows::Placements => Some(Scope::Placements),
            Rows::Acceptances => Some(Scope::Acceptances),
            Rows::Staff => Some(Scope::Staff),
            Rows::Notices => Some(Scope::Notices),
            Rows::Support => Some(Scope::Support),
            Rows::Ends | Rows::Timetable => None,
            Rows::Attendance | Rows::Assessment | Rows::Behaviour => match self.kind() {
                Some(kind) => Some(Scope::Records(kind)),
                None => None,
            },
        }
    }
}
