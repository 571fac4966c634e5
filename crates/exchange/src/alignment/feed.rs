//! From the log to alignment: by what code, scale and kind each record is counted. No name, and of a mark or grade only how it
//! could be read.

use crate::{
    entry::RecordEntry,
    projection::{Gone, Told, View},
};
use commonroll_core::{
    Body, RecordKind, SchoolDate, Timestamp,
    grades::{find, parse_grade},
    record::{
        Assessment, Attendance,
        assessment::{GradeValue, ResultGiven},
    },
};
use commonroll_views::alignment::{Came, GRADE_DAYS, Kind, MARK_DAYS, Read, Row, Traffic};

const DAY_US: i64 = 86_400_000_000;

/// What came, and how far it has been read.
#[derive(Default)]
pub(crate) struct AlignmentView {
    pub traffic: Traffic,
    /// Days since 1970 before which marks don't count.
    oldest_mark: i32,
    complete: bool,
    newest: Option<Timestamp>,
}

impl AlignmentView {
    /// True once everything that counts has been read; and the time of the newest record.
    pub const fn as_of(&self) -> (bool, Option<Timestamp>) {
        (self.complete, self.newest)
    }
}

fn mark(mark: &Attendance) -> Option<Row> {
    let (code, presence) = (mark.source_code.as_ref()?, mark.presence.as_ref()?);
    let (set, code) = (code.code_set.clone(), code.code.clone());
    Some(Row::Mark { set, code, means: presence.physical.into() })
}

fn grade(given: &Assessment) -> Option<Row> {
    let result = given.result.as_ref()?;
    Some(Row::Grade {
        kind: Kind(result.kind),
        scale: result.scale_id.clone(),
        version: result.scale_version.clone(),
        subject: result.subject.as_str().to_owned(),
        read: read(result),
    })
}

fn read(result: &ResultGiven) -> Read {
    let GradeValue::Given(text) = &result.value else { return Read::Missing };
    match find(&result.scale_id, &result.scale_version) {
        None => Read::NoScale,
        Some(scale) if parse_grade(&scale, text).is_ok() => Read::Known,
        Some(_) => Read::NotOnScale,
    }
}

fn piece(learner: u32, given: &Assessment) -> Option<u64> {
    let result = given.result.as_ref().filter(|result| matches!(result.value, GradeValue::Given(_)))?;
    let kind = Kind(result.kind).words();
    let parts = [result.subject.as_str(), result.title.as_str(), result.result_set.as_str(), kind];
    Some(Came::piece(learner, &parts))
}

impl View for AlignmentView {
    fn since(&self, now: Timestamp) -> Timestamp {
        now.plus_micros(-i64::from(GRADE_DAYS + 1) * DAY_US)
    }

    fn glance(&mut self, _seq: u64, entry: &RecordEntry) -> bool {
        match entry.kind {
            RecordKind::Assessment => true,
            RecordKind::Attendance => entry.id.days() >= self.oldest_mark,
            RecordKind::Behaviour => false,
        }
    }

    fn record(&mut self, told: &Told<'_>) {
        let entry = told.entry;
        self.newest = self.newest.max(Some(entry.accepted_at));
        let (row, piece) = match told.body {
            Body::Attendance(attendance) => (mark(attendance), None),
            Body::Assessment(assessment) => (grade(assessment), piece(entry.learner, assessment)),
            Body::Behaviour(_) | Body::Withdrawn(_) => (None, None),
        };
        self.traffic.came(Came {
            seq: told.seq,
            id: entry.id,
            revision: entry.revision,
            source: entry.source,
            learner: entry.learner,
            date: told.of.date,
            row,
            piece,
        });
    }

    fn gone(&mut self, gone: &Gone<'_>) {
        match gone {
            Gone::Places(places) => self.traffic.forget(|seq| places.holds(seq)),
            Gone::Hidden { record, below } => self.traffic.hide(*record, *below),
        }
    }

    fn complete(&mut self) {
        self.complete = true;
    }
}

impl AlignmentView {
    /// Lets go of what is too old to count.
    pub fn tick(&mut self, today: SchoolDate) {
        self.oldest_mark = today.days() - MARK_DAYS;
        self.traffic.tick(today);
    }
}
