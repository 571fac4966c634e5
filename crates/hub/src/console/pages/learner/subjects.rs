//! The subjects of a learner's report: what somebody works at and should reach, with the lessons that were marked.

use super::{
    Told,
    grades::{self, Held},
    told::Kind,
};
use commonroll_core::{
    Slug,
    grades::{Scale as Grades, find, parse_grade},
    record::{
        assessment::{GradeValue, ResultGiven},
        attendance::Physical,
    },
};
use commonroll_report::{Scale, Subject};
use std::collections::BTreeMap;

/// Grades of a scale that are drawn.
const DRAWN: usize = 9;

/// Subjects whose grade can be held against its target, and those below it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Compared {
    of: usize,
    below: usize,
}

impl Compared {
    /// What figures alone say, with as many subjects that don't fit.
    pub fn words(&self, more: usize) -> String {
        let left = match more {
            0 => String::new(),
            more => format!(" {more} more subjects don’t fit on this side."),
        };
        match (self.of, self.below) {
            (0, _) => format!("No grade can be held against a target yet.{left}"),
            (_, 0) => format!("At or above the target wherever the two can be compared.{left}"),
            (of, below) if of == below => {
                format!("Below the target wherever the two can be compared.{left}")
            }
            (of, below) => {
                format!("Below the target in {below} of {of} subjects, at or above it in the others.{left}")
            }
        }
    }
}

/// Lessons marked, and attended.
type Lessons = (u32, u32);

/// Every subject, by name, with those groups that are no subject's; and how they compare.
pub(super) fn subjects(told: &[Told], sources: &[(&Slug, &str)]) -> (Vec<Subject>, Compared) {
    let subjects = grades::by_subject(told);
    let (mut of_subject, mut of_group) = lessons(told, &subjects);
    let place = |source: &Slug| {
        sources.iter().find(|(slug, _)| *slug == source).map_or(String::new(), |(_, name)| (*name).to_owned())
    };
    let (mut all, mut compared): (Vec<Subject>, _) = (Vec::new(), Compared::default());
    for (key, held) in subjects {
        let counted = of_subject.remove(&key);
        let (name, source) = key;
        if held.working.is_empty() && held.target.is_none() {
            of_group.extend(counted.map(|counted| ((name, source), counted)));
            continue;
        }
        let (scale, qualification, gap) = scale(held);
        if let Some((_, below)) = gap {
            (compared.of, compared.below) = (compared.of + 1, compared.below + usize::from(below));
        }
        all.push(Subject {
            next: comment(told, &name, source),
            name,
            place: place(source),
            qualification,
            scale,
            lessons: counted.map_or_else(|| "–".to_owned(), attended),
        });
    }
    for ((name, source), counted) in of_group {
        all.push(Subject {
            name,
            place: place(source),
            qualification: String::new(),
            scale: Scale { grades: Vec::new(), now: None, target: None, words: String::new() },
            lessons: attended(counted),
            next: String::new(),
        });
    }
    all.sort_by(|a, b| (&a.name, &a.place).cmp(&(&b.name, &b.place)));
    (all, compared)
}

/// Lessons of a subject, or of a group, at a source.
type Counted<'t> = BTreeMap<(String, &'t Slug), Lessons>;

/// The lessons of each subject, and of each group that is no subject's. A group is a subject's that has its name, or that of
/// the only subject whose grades are given in it: whose lessons they are isn't guessed.
fn lessons<'t>(
    told: &'t [Told],
    subjects: &BTreeMap<(String, &'t Slug), Held<'t>>,
) -> (Counted<'t>, Counted<'t>) {
    let owner = |group: &str, source: &Slug| {
        let here = || subjects.iter().filter(move |((_, at), _)| *at == source);
        let named = here().find(|((name, _), _)| name.eq_ignore_ascii_case(group));
        let mut given = here().filter(|(_, held)| held.groups.contains(group));
        let alone = given.next().filter(|_| given.next().is_none());
        named.or(alone).map(|(key, _)| key.clone())
    };
    let (mut of_subject, mut of_group) = (Counted::new(), Counted::new());
    for one in told.iter().filter(|one| !one.group.is_empty()) {
        let Some(presence) = one.presence() else { continue };
        let attended = match presence.physical {
            Physical::Present | Physical::Late => 1,
            Physical::Absent => 0,
            Physical::NotRequired | Physical::Unknown => continue,
        };
        let held = match owner(&one.group, &one.source) {
            Some(subject) => of_subject.entry(subject).or_default(),
            None => of_group.entry((one.group.clone(), &one.source)).or_default(),
        };
        *held = (held.0 + 1, held.1 + attended);
    }
    (of_subject, of_group)
}

/// What was said last with a grade of a subject.
fn comment(told: &[Told], subject: &str, source: &Slug) -> String {
    let of = told.iter().filter(|one| one.source == *source).filter_map(|one| match &one.body {
        Kind::Result(given) => Some((one, given)),
        _ => None,
    });
    let said = of.filter(|(one, given)| {
        one.group == subject || given.result.as_ref().is_some_and(|result| result.subject.as_str() == subject)
    });
    let newest =
        said.filter_map(|(one, given)| Some((one.date, given.comment.as_ref()?))).max_by_key(|said| said.0);
    newest.map_or_else(String::new, |(_, text)| text.as_str().to_owned())
}

fn attended((of, attended): Lessons) -> String {
    match (of, attended) {
        (0, _) => "–".to_owned(),
        (of, attended) if of == attended => format!("All {of}"),
        (of, attended) => format!("{attended} of {of}"),
    }
}

/// The scale as far as it is drawn, what it is called, and how far the grade is from the target, with whether it is below.
fn scale(mut held: Held<'_>) -> (Scale, String, Option<(String, bool)>) {
    held.working.sort_by_key(|(date, _)| *date);
    let now = held.working.last().map(|(_, result)| *result);
    let goal = held.target.map(|(_, result)| result);
    let Some(any) = now.or(goal) else {
        let none = Scale { grades: Vec::new(), now: None, target: None, words: String::new() };
        return (none, String::new(), None);
    };
    let same = |one: &&ResultGiven| one.scale_id == any.scale_id && one.scale_version == any.scale_version;
    let goal = goal.filter(same);
    let found = find(&any.scale_id, &any.scale_version).filter(|scale| scale.ordered());
    let rank = |one: Option<&ResultGiven>| {
        let GradeValue::Given(text) = &one?.value else { return None };
        parse_grade(found.as_deref()?, text).ok()?.rank()
    };
    let (now_at, goal_at) = (rank(now), rank(goal));
    // Ungraded is no step of a scale, and below every one.
    let ungraded = now.is_some_and(|now| now.value == GradeValue::Ungraded);
    let below = || goal_at.filter(|_| ungraded).map(|_| ("below it".to_owned(), true));
    let gap = now_at.zip(goal_at).map(|(now, goal)| grades::gap(now - goal)).or_else(below);
    let words = gap.as_ref().map_or_else(String::new, |(words, _)| words.clone());
    // A grade that is no step of the scale can't stand on its line.
    let steps = (now.is_some() == now_at.is_some() && goal.is_some() == goal_at.is_some())
        .then_some((now_at, goal_at));
    let drawn = found.as_deref().zip(steps).and_then(|(scale, steps)| drawn(scale, steps, &words));
    // What can't be drawn is written: a line with one grade is no line.
    let scale = drawn.unwrap_or_else(|| {
        let said = now.map(grades::value);
        let goal = goal.map(|goal| format!("target {}", grades::value(goal)));
        let said_of_it: Vec<String> = goal.into_iter().chain((!words.is_empty()).then_some(words)).collect();
        Scale {
            now: said.as_ref().map(|_| 0),
            grades: said.into_iter().collect(),
            target: None,
            words: said_of_it.join(", "),
        }
    });
    (scale, any.scale_id.clone(), gap)
}

/// The part of the scale around both; `None` if they are too far apart for it.
fn drawn(scale: &Grades, (now, goal): (Option<f64>, Option<f64>), words: &str) -> Option<Scale> {
    // Worst first, as one reads from left to right.
    let codes: Vec<&str> = scale.grades().iter().rev().map(|row| row.code.as_str()).collect();
    let step = |rank: f64| (rank.round().max(0.0) as usize).min(codes.len().saturating_sub(1));
    let (now_step, goal_step) = (now.map(step), goal.map(step));
    let low = [now_step, goal_step].into_iter().flatten().min()?;
    let high = [now_step, goal_step].into_iter().flatten().max()?;
    if high - low >= DRAWN {
        return None;
    }
    let spare = DRAWN - (high - low + 1);
    let from = low.saturating_sub(spare / 2).min(codes.len().saturating_sub(DRAWN));
    let to = (from + DRAWN).min(codes.len());
    Some(Scale {
        grades: codes.get(from..to)?.iter().map(|code| (*code).to_owned()).collect(),
        now: now_step.map(|at| at - from),
        target: goal_step.map(|at| at - from),
        words: words.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use commonroll_core::{
        SchoolDate, Timestamp,
        record::{Assessment, Attendance, Text, assessment::GradeKind, attendance::Presence},
    };

    fn date(text: &str) -> SchoolDate {
        text.parse().unwrap()
    }

    fn told(group: &str, body: Kind) -> Told {
        let accepted_at = Timestamp::from_micros("at", 0).unwrap();
        Told {
            source: "northgate".parse().unwrap(),
            date: date("2026-11-16"),
            accepted_at,
            group: group.to_owned(),
            body,
        }
    }

    fn mark(group: &str, physical: Physical) -> Told {
        let presence = Presence { physical, interval: None, minutes_late: None, minutes_left_early: None };
        told(group, Kind::Mark(Box::new(Attendance { presence: Some(presence), ..Attendance::default() })))
    }

    fn grade(group: &str, subject: &str, kind: GradeKind, given: &str) -> Told {
        let text = |text: &str| Text::parse("text", text, 100).unwrap();
        let result = ResultGiven {
            kind,
            scale_id: if given.contains('-') { "gcse-combined-science" } else { "gcse-9-1" }.to_owned(),
            scale_version: "2024".to_owned(),
            value: if given == "U" { GradeValue::Ungraded } else { GradeValue::Given(given.to_owned()) },
            subject: text(subject),
            title: text("Autumn"),
            result_set: text(""),
            points: None,
        };
        told(group, Kind::Result(Box::new(Assessment { result: Some(result), comment: None })))
    }

    fn works_at(group: &str, subject: &str, given: &str) -> Told {
        grade(group, subject, GradeKind::WorkingAt, given)
    }

    fn target(subject: &str, given: &str) -> Told {
        grade("", subject, GradeKind::MinimumTarget, given)
    }

    /// Each row's name with its lessons, and what is compared.
    fn rows(told: &[Told]) -> (Vec<(String, String)>, Compared) {
        let (rows, compared) = subjects(told, &[]);
        (rows.into_iter().map(|row| (row.name, row.lessons)).collect(), compared)
    }

    fn row(name: &str, lessons: &str) -> (String, String) {
        (name.to_owned(), lessons.to_owned())
    }

    #[test]
    fn lessons_stand_beside_their_own_subject_and_nobody_guesses_whose_they_are() {
        let marks = || [mark("Maths", Physical::Present), mark("Maths", Physical::Absent)];
        let mut all = vec![works_at("", "History", "5"), works_at("", "Maths", "6")];
        all.extend(marks());
        assert_eq!(rows(&all).0, [row("History", "–"), row("Maths", "1 of 2")]);
        // One subject and one group are left: that says nothing of whether they belong together.
        let mut all = vec![works_at("", "History", "5")];
        all.extend(marks());
        assert_eq!(rows(&all).0, [row("History", "–"), row("Maths", "1 of 2")]);
    }

    #[test]
    fn a_group_is_the_subjects_whose_grades_are_given_in_it_unless_it_is_two_subjects() {
        let all = [
            works_at("SCI-1", "Biology", "5"),
            works_at("SCI-1", "Physics", "6"),
            mark("SCI-1", Physical::Present),
            works_at("MA-1", "Maths", "6"),
            mark("MA-1", Physical::Present),
        ];
        let expected =
            [row("Biology", "–"), row("Maths", "All 1"), row("Physics", "–"), row("SCI-1", "All 1")];
        assert_eq!(rows(&all).0, expected);
    }

    #[test]
    fn the_widest_gap_is_compared_though_it_is_too_wide_to_be_drawn() {
        let all = [
            works_at("", "Maths", "6"),
            target("Maths", "5"),
            works_at("", "Science", "1-1"),
            target("Science", "9-9"),
            works_at("", "Spanish", "4"),
        ];
        let (subjects, compared) = subjects(&all, &[]);
        assert_eq!(compared, Compared { of: 2, below: 1 });
        let science = subjects.iter().find(|subject| subject.name == "Science").unwrap();
        assert_eq!(
            (science.scale.target, science.scale.words.as_str()),
            (None, "target 9-9, 16 grades below")
        );
        assert!(compared.words(0).starts_with("Below the target in 1 of 2 subjects"));
    }

    #[test]
    fn ungraded_is_below_whatever_target_there_is() {
        let (rows, compared) = subjects(&[works_at("", "Maths", "U"), target("Maths", "4")], &[]);
        assert_eq!(compared, Compared { of: 1, below: 1 });
        assert_eq!(rows[0].scale.words, "target 4, below it");
    }
}
