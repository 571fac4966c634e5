//! Watches: whether somebody's attendance or grades have dropped, by what a watcher asked to be told of.
//!
//! Attendance is of the last school days on which a lesson was due, against a threshold or against what was usual before.
//! Grades are compared only on one scale in one version, whose order is known; everything else is no drop.

use crate::progress::Outcome;
use commonroll_core::{
    SchoolDate,
    grades::{Scale, find, parse_grade},
    record::assessment::{GradeKind, GradeValue, ResultGiven},
};
use std::collections::{BTreeMap, BTreeSet};

/// Lessons that must have been due lately before anything is said.
const FEWEST_NOW: u32 = 3;
/// Lessons that must have been due before for a usual rate.
const FEWEST_BEFORE: u32 = 10;

/// Lessons attended of lessons due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rate {
    /// Attended, late included.
    pub attended: u32,
    /// Due: marked present, late or absent.
    pub due: u32,
}

impl Rate {
    fn count(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Attended { .. } => (self.attended, self.due) = (self.attended + 1, self.due + 1),
            Outcome::Missed => self.due += 1,
            // Neither present nor absent.
            Outcome::NotDue | Outcome::Unknown => {}
        }
    }

    /// In whole per cent, rounded down; `None` if nothing was due.
    pub fn percent(self) -> Option<u32> {
        self.attended.saturating_mul(100).checked_div(self.due)
    }
}

/// What is watched of attendance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttendanceRule {
    /// How many of the last school days with a lesson due count as lately.
    pub days: u8,
    /// Told if it is lower than this, in per cent.
    pub below: Option<u8>,
    /// Told if it is so many points, or more, under what was usual before.
    pub under_usual: Option<u8>,
}

/// The rate of the last school days with a lesson due, and of all before.
pub fn rates(marks: &[(SchoolDate, Outcome)], days: u8) -> (Rate, Rate) {
    let due = |outcome: &Outcome| matches!(outcome, Outcome::Attended { .. } | Outcome::Missed);
    let dates: BTreeSet<SchoolDate> =
        marks.iter().filter(|(_, outcome)| due(outcome)).map(|(date, _)| *date).collect();
    let first = dates.iter().rev().take(usize::from(days)).min().copied();
    let (mut now, mut before) = (Rate::default(), Rate::default());
    for (date, outcome) in marks {
        let lately = first.is_some_and(|first| *date >= first);
        if lately { &mut now } else { &mut before }.count(*outcome);
    }
    (now, before)
}

/// The rates of lately and before, if they are a drop by this rule.
pub fn attendance(marks: &[(SchoolDate, Outcome)], rule: &AttendanceRule) -> Option<(Rate, Rate)> {
    let (now, before) = rates(marks, rule.days);
    let percent = now.percent().filter(|_| now.due >= FEWEST_NOW)?;
    let below = rule.below.is_some_and(|below| percent < u32::from(below));
    let usual = before.percent().filter(|_| before.due >= FEWEST_BEFORE);
    let under =
        rule.under_usual.zip(usual).is_some_and(|(points, usual)| percent + u32::from(points) <= usual);
    (below || under).then_some((now, before))
}

/// One grade that a source gave.
#[derive(Clone)]
pub struct Given<'a> {
    /// Who gave it.
    pub source: u16,
    /// The subject, or what stands for it.
    pub subject: String,
    /// The school date.
    pub date: SchoolDate,
    /// What was given.
    pub result: &'a ResultGiven,
}

/// A grade that fell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fallen {
    /// Who gave it.
    pub source: u16,
    /// The subject.
    pub subject: String,
    /// The scale.
    pub scale: String,
    /// The grade now.
    pub now: String,
    /// The grade before, if it was better.
    pub before: Option<String>,
    /// The target, if it is better.
    pub target: Option<String>,
}

#[derive(Default)]
struct Held<'g> {
    working: Vec<&'g Given<'g>>,
    target: Option<&'g Given<'g>>,
}

/// Subjects whose newest working-at grade is under its target, or under the one before, on the same scale.
pub fn grades(given: &[Given<'_>]) -> Vec<Fallen> {
    let mut of: BTreeMap<(u16, &str), Held<'_>> = BTreeMap::new();
    for one in given {
        let held = of.entry((one.source, one.subject.as_str())).or_default();
        match one.result.kind {
            GradeKind::WorkingAt => held.working.push(one),
            GradeKind::MinimumTarget | GradeKind::TeacherTarget
                if held.target.is_none_or(|target| target.date <= one.date) =>
            {
                held.target = Some(one);
            }
            _ => {}
        }
    }
    of.into_iter().filter_map(|((source, subject), held)| fallen(source, subject, held)).collect()
}

fn fallen(source: u16, subject: &str, mut held: Held<'_>) -> Option<Fallen> {
    held.working.sort_by_key(|one| one.date);
    let now = held.working.pop()?.result;
    let scale = find(&now.scale_id, &now.scale_version)?;
    if !Scale::ordered(&scale) {
        return None;
    }
    let rank = |one: &ResultGiven| {
        let same = one.scale_id == now.scale_id && one.scale_version == now.scale_version;
        let GradeValue::Given(text) = &one.value else { return None };
        if same { parse_grade(&scale, text).ok()?.rank() } else { None }
    };
    let at = rank(now)?;
    let better = |one: &ResultGiven| match &one.value {
        GradeValue::Given(text) if rank(one).is_some_and(|other| other > at) => Some(text.clone()),
        _ => None,
    };
    let before = held.working.last().and_then(|one| better(one.result));
    let target = held.target.and_then(|one| better(one.result));
    let GradeValue::Given(grade) = &now.value else { return None };
    (before.is_some() || target.is_some()).then(|| Fallen {
        source,
        subject: subject.to_owned(),
        scale: now.scale_id.clone(),
        now: grade.clone(),
        before,
        target,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use commonroll_core::record::Text;

    fn day(day: i32) -> SchoolDate {
        SchoolDate::from_days(20_000 + day).unwrap()
    }

    const HERE: Outcome = Outcome::Attended { late: false };

    #[test]
    fn a_drop_is_told_by_the_threshold_or_by_what_was_usual_and_never_of_a_silent_source() {
        let mut marks: Vec<_> = (0..12).map(|at| (day(at), HERE)).collect();
        let rule = AttendanceRule { days: 4, below: Some(60), under_usual: None };
        assert_eq!(attendance(&marks, &rule), None);
        marks.extend([(day(12), Outcome::Missed), (day(13), Outcome::Missed), (day(14), HERE)]);
        marks.extend((15..30).map(|at| (day(at), Outcome::Unknown)));
        let (now, before) = attendance(&marks, &rule).expect("two of the last four days");
        assert_eq!((now.attended, now.due, before.percent()), (2, 4, Some(100)), "what is unknown is no day");
        let usual = AttendanceRule { days: 4, below: None, under_usual: Some(50) };
        assert!(attendance(&marks, &usual).is_some());
        assert_eq!(attendance(&marks, &AttendanceRule { under_usual: Some(51), ..usual }), None);
        assert_eq!(attendance(&marks[..2], &usual), None, "too little to say anything");
    }

    #[test]
    fn grades_are_compared_on_one_named_scale_only() {
        let result = |kind, scale: &str, grade: &str| ResultGiven {
            kind,
            scale_id: scale.to_owned(),
            scale_version: "2024".to_owned(),
            value: GradeValue::Given(grade.to_owned()),
            subject: Text::default(),
            title: Text::default(),
            result_set: Text::default(),
            points: None,
        };
        let all = [
            result(GradeKind::WorkingAt, "gce-a-level", "B"),
            result(GradeKind::WorkingAt, "gce-a-level", "C"),
            result(GradeKind::MinimumTarget, "gce-a-level", "B"),
            result(GradeKind::MinimumTarget, "nobody-knows", "A"),
        ];
        let given = |results: &[(i32, usize)]| {
            let one = |(at, which): &(i32, usize)| Given {
                source: 2,
                subject: "Art".to_owned(),
                date: day(*at),
                result: &all[*which],
            };
            grades(&results.iter().map(one).collect::<Vec<_>>())
        };
        let fell = given(&[(1, 0), (2, 1)]);
        assert_eq!(
            (fell[0].now.as_str(), fell[0].before.as_deref(), &fell[0].target),
            ("C", Some("B"), &None)
        );
        assert_eq!(given(&[(2, 1), (1, 2)])[0].target.as_deref(), Some("B"));
        assert!(given(&[(2, 0), (1, 1)]).is_empty(), "it rose");
        assert!(given(&[(2, 1), (3, 3)]).is_empty(), "another scale says nothing");
    }
}
