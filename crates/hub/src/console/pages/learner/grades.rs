//! Grades: what somebody works at, against what they should reach. Each row keeps its own named scale, and nothing is turned
//! into points: rows are not compared with each other.

use super::{Told, told::Kind};
use crate::console::times;
use commonroll_core::{
    SchoolDate, Slug,
    grades::{Scale, find, parse_grade},
    record::assessment::{GradeKind, GradeValue, ResultGiven},
};
use std::collections::{BTreeMap, BTreeSet};

/// Grades that a row of the chart has room for.
const TICKS: usize = 12;
const ROW: f32 = 74.0;
const LEFT: f32 = 24.0;
const RIGHT: f32 = 416.0;

/// The chart and the table.
pub(super) struct Grades {
    pub title: String,
    pub height: i32,
    pub rows: Vec<Row>,
    pub charted: bool,
}

/// One subject at one place.
pub(super) struct Row {
    pub subject: String,
    pub place: String,
    pub scale: String,
    pub now: String,
    pub points: String,
    pub last: String,
    pub target: String,
    pub gap: String,
    pub short: bool,
    pub given: String,
    pub chart: Option<Chart>,
}

/// Where a row's marks are.
pub(super) struct Chart {
    pub text_y: String,
    pub axis_y: String,
    pub top: String,
    pub bottom: String,
    pub label_y: String,
    pub from: String,
    pub to: String,
    pub ticks: Vec<Tick>,
    pub now: Option<String>,
    pub before: Option<String>,
    pub goal: Option<String>,
    pub gap: Option<(String, String)>,
    pub goal_from: String,
}

/// One grade of the scale.
pub(super) struct Tick {
    pub x: String,
    pub words: String,
    pub strong: bool,
}

/// What one subject at one source has.
#[derive(Default)]
pub(super) struct Held<'t> {
    pub working: Vec<(SchoolDate, &'t ResultGiven)>,
    pub target: Option<(SchoolDate, &'t ResultGiven)>,
    /// The groups in which anything of it was given.
    pub groups: BTreeSet<&'t str>,
}

/// What each subject at each source has, by name.
pub(super) fn by_subject(told: &[Told]) -> BTreeMap<(String, &Slug), Held<'_>> {
    let mut of: BTreeMap<(String, &Slug), Held<'_>> = BTreeMap::new();
    for one in told {
        let Kind::Result(given) = &one.body else { continue };
        let Some(result) = &given.result else { continue };
        let subject = match result.subject.as_str() {
            "" if one.group.is_empty() => result.title.as_str().to_owned(),
            "" => one.group.clone(),
            subject => subject.to_owned(),
        };
        let held = of.entry((subject, &one.source)).or_default();
        if !one.group.is_empty() {
            held.groups.insert(&one.group);
        }
        match result.kind {
            GradeKind::WorkingAt | GradeKind::Predicted | GradeKind::Mock | GradeKind::Final => {
                held.working.push((one.date, result));
            }
            GradeKind::MinimumTarget | GradeKind::TeacherTarget
                if held.target.is_none_or(|(date, _)| date <= one.date) =>
            {
                held.target = Some((one.date, result));
            }
            _ => {}
        }
    }
    of
}

/// Every subject with a working-at grade or a target, by name; `None` if there is none.
pub(super) fn grades(told: &[Told], sources: &[(&Slug, &str)]) -> Option<Grades> {
    let mut rows: Vec<Row> = by_subject(told)
        .into_iter()
        .filter(|(_, held)| !held.working.is_empty() || held.target.is_some())
        .map(|((subject, source), held)| {
            let name =
                sources.iter().find(|(slug, _)| *slug == source).map_or(source.as_str(), |(_, name)| *name);
            row(subject, name, held)
        })
        .collect();
    if rows.is_empty() {
        return None;
    }
    let mut line = 0.0;
    for row in &mut rows {
        if let Some(chart) = &mut row.chart {
            chart.place(line);
            line += 1.0;
        }
    }
    let told = rows.iter().map(|row| format!("{} {}, target {}", row.subject, row.now, row.target));
    Some(Grades {
        title: format!("Working-at grade against target. {}.", told.collect::<Vec<_>>().join(". ")),
        height: (line * ROW) as i32,
        charted: line > 0.0,
        rows,
    })
}

fn row(subject: String, place: &str, mut held: Held<'_>) -> Row {
    held.working.sort_by_key(|(date, _)| *date);
    let now = held.working.pop();
    let any = now.or(held.target).map(|(_, result)| result);
    // An older grade, or a target, of another scale is not on this one.
    let same = |(_, result): &(SchoolDate, &ResultGiven)| {
        any.is_some_and(|any| any.scale_id == result.scale_id && any.scale_version == result.scale_version)
    };
    let last = held.working.iter().rev().find(|one| same(one)).copied();
    let scale = any.and_then(|any| find(&any.scale_id, &any.scale_version));
    let rank = |one: Option<(SchoolDate, &ResultGiven)>| {
        let (_, result) = one.filter(same)?;
        let (scale, GradeValue::Given(text)) = (scale.as_deref()?, &result.value) else { return None };
        parse_grade(scale, text).ok()?.rank()
    };
    let (now_at, last_at, goal_at) = (rank(now), rank(last), rank(held.target));
    let ordered = scale.as_deref().is_some_and(Scale::ordered);
    let (gap, short) = match (now_at, goal_at, ordered) {
        (Some(now), Some(goal), true) => gap(now - goal),
        (None, _, _) if now.is_none() => ("no grade yet".to_owned(), false),
        _ => (String::new(), false),
    };
    let words =
        |one: Option<(SchoolDate, &ResultGiven)>| one.map_or("–".to_owned(), |(_, result)| value(result));
    let points = now.and_then(|(_, result)| result.points.as_ref());
    Row {
        subject,
        place: place.to_owned(),
        scale: any.map_or_else(String::new, |any| any.scale_id.clone()),
        now: now.map_or("not assessed".to_owned(), |(_, result)| value(result)),
        points: points.map_or_else(String::new, |points| format!("{} {}", points.points, points.system)),
        last: words(last),
        target: words(held.target),
        gap,
        short,
        given: now.map_or("–".to_owned(), |(date, _)| times::short_day(date)),
        chart: scale.as_deref().filter(|_| ordered).and_then(|scale| chart(scale, now_at, last_at, goal_at)),
    }
}

pub(super) fn gap(gap: f64) -> (String, bool) {
    let steps = gap.abs();
    let whole =
        if (steps - steps.round()).abs() < 0.01 { format!("{steps:.0}") } else { format!("{steps:.1}") };
    let grades = if whole == "1" { "grade" } else { "grades" };
    match gap {
        gap if gap.abs() < 0.01 => ("on target".to_owned(), false),
        gap if gap < 0.0 => (format!("{whole} {grades} below"), true),
        _ => (format!("{whole} {grades} above"), false),
    }
}

pub(super) fn value(result: &ResultGiven) -> String {
    match &result.value {
        GradeValue::Given(grade) => grade.clone(),
        GradeValue::Ungraded => "ungraded".to_owned(),
        GradeValue::NoResult => "no result".to_owned(),
        GradeValue::Pending => "pending".to_owned(),
        GradeValue::Withheld => "withheld by the board".to_owned(),
        GradeValue::NotAssessed => "not assessed".to_owned(),
    }
}

fn chart(scale: &Scale, now: Option<f64>, before: Option<f64>, goal: Option<f64>) -> Option<Chart> {
    // Worst first, as one reads from left to right; ungraded is no step of the way.
    let grades: Vec<&str> = scale.grades().iter().rev().map(|row| row.code.as_str()).collect();
    if grades.is_empty() || grades.len() > 40 || (now.is_none() && goal.is_none()) {
        return None;
    }
    let last = (grades.len() - 1).max(1) as f64;
    let x = |rank: f64| LEFT + (RIGHT - LEFT) * ((rank / last) as f32).clamp(0.0, 1.0);
    let text = |rank: f64| format!("{:.1}", x(rank));
    let every = grades.len().div_ceil(TICKS);
    let is = |rank: Option<f64>, at: usize| rank.is_some_and(|rank| (rank - at as f64).abs() < 0.5);
    let ticks = grades.iter().enumerate().filter(|(at, _)| at % every == 0 || is(now, *at) || is(goal, *at));
    Some(Chart {
        text_y: String::new(),
        axis_y: String::new(),
        top: String::new(),
        bottom: String::new(),
        label_y: String::new(),
        from: text(0.0),
        to: text(last),
        ticks: ticks
            .map(|(at, code)| Tick {
                x: text(at as f64),
                words: (*code).to_owned(),
                strong: is(now, at) || is(goal, at),
            })
            .collect(),
        now: now.map(text),
        before: before.filter(|before| Some(*before) != now).map(text),
        goal: goal.map(text),
        gap: now
            .zip(goal)
            .filter(|(now, goal)| (now - goal).abs() > 0.01)
            .map(|(now, goal)| (text(now), text(goal))),
        goal_from: String::new(),
    })
}

impl Chart {
    /// Puts a row at its line.
    fn place(&mut self, line: f32) {
        let y = |offset: f32| format!("{:.0}", line * ROW + offset);
        (self.text_y, self.axis_y, self.label_y) = (y(18.0), y(42.0), y(66.0));
        (self.top, self.bottom, self.goal_from) = (y(38.0), y(46.0), y(32.0));
    }
}
