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
    /// The newest day on which anything old was let go, in days since 1970.
    today: i32,
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
        // By the log's own time, whoever looks: else what nobody looks at grows for ever.
        let today = entry.accepted_at.micros().div_euclid(DAY_US) as i32;
        if today > self.today
            && let Some(today) = SchoolDate::from_days(today)
        {
            self.tick(today);
        }
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
        self.today = self.today.max(today.days());
        self.oldest_mark = today.days() - MARK_DAYS;
        self.traffic.tick(today);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::Circumstances;
    use commonroll_core::{
        LocalId, RecordId,
        record::attendance::{Physical, Presence, SourceCode},
    };

    fn day(text: &str) -> i32 {
        text.parse::<SchoolDate>().unwrap().days()
    }

    fn mark_of(date: i32, accepted: i32) -> RecordEntry {
        let mut id = [7; 16];
        id[..4].copy_from_slice(&date.to_be_bytes());
        RecordEntry {
            source: 3,
            batch: 1,
            index: 0,
            id: RecordId(id),
            revision: 1,
            kind: RecordKind::Attendance,
            withdrawn: false,
            confidential: false,
            learner: 5,
            accepted_at: Timestamp::from_micros("at", i64::from(accepted) * DAY_US).unwrap(),
            root: [0; 32],
            recipients: Vec::new(),
        }
    }

    #[test]
    fn what_is_too_old_to_count_is_not_kept_though_nobody_looks() {
        let mut view = AlignmentView::default();
        let today = day("2026-11-20");
        let old = mark_of(today - MARK_DAYS - 1, today);
        assert!(!view.glance(0, &old), "a mark of long ago is not asked for");
        let new = mark_of(today, today);
        assert!(view.glance(1, &new));
        let of = Circumstances {
            learner: LocalId::parse("learner", "n-1").unwrap(),
            group: None,
            date: SchoolDate::from_days(today).unwrap(),
            at: None,
        };
        let presence = Presence {
            physical: Physical::Present,
            interval: None,
            minutes_late: None,
            minutes_left_early: None,
        };
        let source_code = Some(SourceCode::new("/", "ENG-2024").unwrap());
        let body =
            Body::Attendance(Attendance { presence: Some(presence), source_code, ..Attendance::default() });
        view.record(&Told { seq: 1, entry: &new, of: &of, body: &body });
        assert_eq!(view.traffic.rows_of(3).count(), 1);
        // Five weeks later another mark comes: the first is let go, and nobody has opened a page.
        let later = mark_of(today + 35, today + 35);
        assert!(view.glance(2, &later));
        assert_eq!(view.traffic.rows_of(3).count(), 0);
    }
}
