//! What declaring a day, a notice or a support note leads to.
//!
//! Groups and learners are named by the institution's own ids, so nobody can speak of another's. A support note is the
//! home's alone; a notice comes from whoever knows the learner.

use super::{
    change::Change,
    expected::{
        DAYS_AHEAD, DAYS_BACK, DayHeld, LessonHeld, LessonText, NOTICES_MAX, NoticeText, SupportText,
    },
    plan::{Planner, rejected},
};
use crate::types::DeclareResult;
use commonroll_core::{
    LocalId, Timestamp,
    directory::{DayDeclaration, NoticeDeclaration, NoticeKind, Registration, SupportDeclaration},
};

const UNKNOWN_LEARNER: DeclareResult =
    rejected("unknown_learner", "learner_local_id", "declare the learner first, as registered or as a guest");
/// What lies further back is of no use to anybody.
const TOO_OLD: &str = "is more than 7 days ago; leave it out";

impl Planner<'_> {
    pub(super) fn day(&mut self, by: u16, day: &DayDeclaration, now: Timestamp) -> DeclareResult {
        let Some(state) = self.directory.institution(by) else { return UNKNOWN_LEARNER };
        let ahead = day.date.days() - now.date_in(&state.zone).days();
        if ahead < -DAYS_BACK {
            return rejected("too_old", "school_date", TOO_OLD);
        }
        if ahead > DAYS_AHEAD {
            return rejected(
                "too_early",
                "school_date",
                "is more than 21 days ahead; say it again when it is nearer",
            );
        }
        if day.lessons().iter().any(|lesson| lesson.time.start().date_in(&state.zone) != day.date) {
            return rejected("invalid_field", "start_us", "must lie on the day's date in your time zone");
        }
        let lesson = |lesson: &commonroll_core::directory::LessonDeclaration| LessonHeld {
            local_id: lesson.local_id.clone(),
            group: lesson.group.clone(),
            time: lesson.time,
            room: lesson.room.clone(),
            cancelled: lesson.cancelled,
        };
        let wanted = DayHeld {
            date: day.date,
            closed: day.closed,
            week: day.week.clone(),
            lessons: day.lessons().iter().map(lesson).collect(),
        };
        if self.directory.day(by, day.date) == Some(&wanted) {
            return DeclareResult::Unchanged;
        }
        let text = |lesson: LessonHeld| LessonText {
            id: lesson.local_id,
            group: lesson.group,
            start: lesson.time.start(),
            end: lesson.time.end(),
            room: lesson.room.as_str().to_owned(),
            cancelled: lesson.cancelled,
        };
        self.make(Change::Day {
            institution: by,
            date: wanted.date,
            closed: wanted.closed,
            week: wanted.week,
            lessons: wanted.lessons.into_iter().map(text).collect(),
        });
        DeclareResult::Accepted
    }

    pub(super) fn notice(&mut self, by: u16, notice: &NoticeDeclaration, now: Timestamp) -> DeclareResult {
        const DAY: i64 = 86_400_000_000;
        let institution = by;
        let local = notice.local_id.clone();
        if notice.withdrawn {
            if self.directory.noticed(by, &notice.local_id).is_none() {
                return DeclareResult::Unchanged;
            }
            self.make(Change::Told { institution, local, said: None });
            return DeclareResult::Accepted;
        }
        let Some(known) = self.directory.local(by, &notice.learner) else { return UNKNOWN_LEARNER };
        if known.registration == Registration::Previous {
            return rejected("not_here", "learner_local_id", "the learner is no longer with you");
        }
        let home = known.learner.and_then(|learner| self.directory.home_of(learner));
        let is_home = home.is_some_and(|(home, id)| *home == by && *id == notice.learner);
        let homes =
            matches!(notice.kind, NoticeKind::TakenBack | NoticeKind::AtPartner | NoticeKind::OwnLesson);
        if homes && !is_home {
            return rejected(
                "not_home",
                "kind",
                "only the learner's home, which nobody disputes, can say that",
            );
        }
        let over = now.plus_micros(-DAY * i64::from(DAYS_BACK));
        if notice.time.end() < over {
            return rejected("too_old", "end_us", TOO_OLD);
        }
        if notice.time.start() > now.plus_micros(DAY * 400) {
            return rejected("too_early", "start_us", "lies more than 400 days ahead");
        }
        let same = |held: &&super::expected::NoticeHeld| held.local_id == notice.local_id;
        let held = known.notices.iter().find(same);
        if held.is_some_and(|held| (held.kind, held.time) == (notice.kind, notice.time)) {
            return DeclareResult::Unchanged;
        }
        let others = known.notices.iter().filter(|held| held.time.end() >= over && !same(held));
        if others.count() >= NOTICES_MAX {
            return rejected(
                "too_many",
                "learner_local_id",
                "64 notices about one learner are enough; take some back",
            );
        }
        let past = known.notices.iter().filter(|held| held.time.end() < over && !same(held));
        let past: Vec<LocalId> = past.map(|held| held.local_id.clone()).collect();
        // What is long over goes, so that it does not gather.
        past.into_iter().for_each(|local| self.make(Change::Told { institution, local, said: None }));
        let said = NoticeText {
            learner: notice.learner.clone(),
            kind: notice.kind,
            start: notice.time.start(),
            end: notice.time.end(),
        };
        self.make(Change::Told { institution, local, said: Some(said) });
        DeclareResult::Accepted
    }

    pub(super) fn support(&mut self, by: u16, support: &SupportDeclaration) -> DeclareResult {
        let Some(known) = self.directory.local(by, &support.learner) else { return UNKNOWN_LEARNER };
        let is_home = known.learner.and_then(|learner| self.directory.home_of(learner));
        let is_home = is_home.is_some_and(|(home, id)| *home == by && *id == support.learner);
        if !is_home && !support.is_nothing() {
            let reason = "only the learner's home, which nobody disputes, says what they need elsewhere";
            return rejected("not_home", "learner_local_id", reason);
        }
        let said = (!support.is_nothing()).then(|| SupportText {
            needs: support.needs.as_str().to_owned(),
            emergency: support.emergency.as_str().to_owned(),
            last_date: support.last_date,
        });
        let same = match (&known.support, &said) {
            (None, None) => true,
            (Some(held), Some(_)) => {
                (&held.needs, &held.emergency, held.last_date)
                    == (&support.needs, &support.emergency, support.last_date)
            }
            _ => false,
        };
        if same {
            return DeclareResult::Unchanged;
        }
        self.make(Change::Support { institution: by, local: support.learner.clone(), said });
        DeclareResult::Accepted
    }

    /// Takes back everything that an institution said ahead about a learner.
    pub fn forget_expected(&mut self, institution: u16, id: &LocalId) {
        let Some(known) = self.directory.local(institution, id) else { return };
        let notices: Vec<LocalId> = known.notices.iter().map(|held| held.local_id.clone()).collect();
        let has_support = known.support.is_some();
        notices.into_iter().for_each(|local| self.make(Change::Told { institution, local, said: None }));
        if has_support {
            self.make(Change::Support { institution, local: id.clone(), said: None });
        }
    }
}

#[cfg(test)]
#[path = "expected_tests.rs"]
mod tests;
