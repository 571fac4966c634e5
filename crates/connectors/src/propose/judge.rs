//! What columns say together: which number belongs to one name each, which time lies before which.

use super::{
    caption::{About, about},
    fields::Column,
    sample::Sample,
    shape::Shape,
};
use crate::parse;
use std::collections::{BTreeMap, BTreeSet};

/// Columns beyond these are not looked at: no export that a person would map has more.
const COLUMNS_MAX: usize = 200;

/// All columns of a sample, judged.
pub fn columns(sample: &Sample) -> Vec<Column> {
    let mut columns: Vec<Column> = sample
        .captions
        .iter()
        .take(COLUMNS_MAX)
        .enumerate()
        .map(|(at, caption)| Column {
            caption: caption.clone(),
            about: about(caption),
            shape: Shape::of(sample, at),
            decides_names: 0.0,
            names_a_learner: false,
            beside_few: false,
            earlier: 0.0,
            later: 0.0,
            first: 0.0,
            last: 0.0,
            like_a_name: false,
        })
        .collect();
    let facts: Vec<_> = (0..columns.len()).map(|at| together(sample, &columns, at)).collect();
    for (column, with) in columns.iter_mut().zip(facts) {
        with(column);
    }
    columns
}

/// What a column is in the light of the others.
fn together(sample: &Sample, columns: &[Column], at: usize) -> impl FnOnce(&mut Column) + use<> {
    let shape = &columns[at].shape;
    let name = |c: &Column| c.shape.share(c.shape.nameish) > 0.85 && c.shape.distinct >= 5;
    let others = || columns.iter().enumerate().filter(move |(other, _)| *other != at);
    let names: Vec<usize> = others().filter(|(_, c)| name(c)).map(|(other, _)| other).collect();
    let identifier = shape.longest <= 32 && shape.distinct >= 5 && !shape.is_date();
    let repeats = shape.filled as f64 / shape.distinct.max(1) as f64;
    let decides_names = match identifier && repeats >= 1.8 && !name(&columns[at]) {
        true => names.iter().map(|name| decides(sample, at, *name)).fold(0.0, f64::max),
        false => 0.0,
    };
    let official = |c: &Column| c.shape.share(c.shape.upn) > 0.9 || c.shape.share(c.shape.uln) > 0.9;
    let numbers: Vec<usize> = others().filter(|(_, c)| official(c)).map(|(other, _)| other).collect();
    let names_a_learner = identifier
        && numbers
            .iter()
            .any(|number| decides(sample, at, *number) > 0.99 && decides(sample, *number, at) > 0.99);
    let beside_few = shape.share(shape.whole) > 0.98
        && others().any(|(other, c)| (3..=40).contains(&c.shape.list.len()) && beside_few(sample, at, other));
    let is_time = |c: &Column| c.shape.filled > 0 && c.shape.share(c.shape.time) > 0.95;
    let is_day = |c: &Column| c.shape.is_date() && !c.shape.may_be_birth();
    let before = |other: usize, less: fn(&str, &str) -> Option<bool>| ordered(sample, at, other, less);
    let (mut earlier, mut later, mut first, mut last) = (0.0_f64, 0.0_f64, 0.0_f64, 0.0_f64);
    for (other, column) in others() {
        if is_time(&columns[at]) && is_time(column) {
            let share = before(other, earlier_time);
            (earlier, later) = (earlier.max(share), later.max(1.0 - share));
        }
        if is_day(&columns[at]) && is_day(column) {
            let share = before(other, earlier_date);
            (first, last) = (first.max(share), last.max(1.0 - share));
        }
    }
    let like_a_name = name(&columns[at]) && names.iter().any(|name| same(sample, at, *name) > 0.5);
    move |column| {
        column.decides_names = decides_names;
        column.names_a_learner = names_a_learner;
        column.beside_few = beside_few;
        (column.earlier, column.later, column.first, column.last) = (earlier, later, first, last);
        column.like_a_name = like_a_name;
    }
}

/// Share of rows in which the one column's value stands beside the value that it stands beside most often.
fn decides(sample: &Sample, one: usize, other: usize) -> f64 {
    let mut pairs: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
    for row in &sample.rows {
        let (one, other) = (row.cell(one), row.cell(other));
        if !one.is_empty() && !other.is_empty() {
            *pairs.entry(one).or_default().entry(other).or_default() += 1;
        }
    }
    let all: usize = pairs.values().flat_map(BTreeMap::values).sum();
    let most: usize = pairs.values().filter_map(|beside| beside.values().max()).sum();
    if all == 0 { 0.0 } else { most as f64 / all as f64 }
}

/// True if numbers above zero stand beside at most two of the other column's values, and not beside its most frequent one.
fn beside_few(sample: &Sample, numbers: usize, other: usize) -> bool {
    let (mut beside, mut counts) = (BTreeSet::new(), BTreeMap::<&str, usize>::new());
    for row in &sample.rows {
        *counts.entry(row.cell(other)).or_default() += 1;
        if parse::whole(row.cell(numbers)).is_some_and(|number| number > 0) {
            beside.insert(row.cell(other));
        }
    }
    let top = counts.iter().max_by_key(|(_, count)| **count).map(|(value, _)| *value);
    !beside.is_empty()
        && beside.len() <= 2
        && counts.len() >= 3
        && top.is_some_and(|top| !beside.contains(top))
}

/// Share of rows in which the one column's value lies before the other's, of those where both can be read and differ.
fn ordered(sample: &Sample, one: usize, other: usize, less: fn(&str, &str) -> Option<bool>) -> f64 {
    let (mut yes, mut all) = (0_usize, 0_usize);
    for row in &sample.rows {
        if let Some(before) = less(row.cell(one), row.cell(other)) {
            all += 1;
            yes += usize::from(before);
        }
    }
    if all == 0 { 0.5 } else { yes as f64 / all as f64 }
}

fn earlier_time(one: &str, other: &str) -> Option<bool> {
    let (one, other) = (parse::time(one)?, parse::time(other)?);
    (one != other).then_some(one < other)
}

fn earlier_date(one: &str, other: &str) -> Option<bool> {
    let (one, other) = (sortable(one)?, sortable(other)?);
    (one != other).then_some(one < other)
}

/// A date as text that sorts; which of day and month stands first doesn't matter as long as years differ, so it is tried both
/// ways and only believed where both agree.
fn sortable(text: &str) -> Option<String> {
    let digits: Vec<&str> = text.split(['/', '.', '-', 'T', ' ']).collect();
    match digits.as_slice() {
        [year, month, day, ..] if year.len() == 4 => Some(format!("{year}{month}{day}")),
        [day, month, year] if year.len() == 4 => Some(format!("{year}{month}{day}")),
        [run] if run.len() == 8 => Some((*run).to_owned()),
        _ => None,
    }
}

/// Share of rows in which both columns hold the same.
fn same(sample: &Sample, one: usize, other: usize) -> f64 {
    let same = sample.rows.iter().filter(|row| row.cell(one) == row.cell(other)).count();
    if sample.rows.is_empty() { 0.0 } else { same as f64 / sample.rows.len() as f64 }
}

/// True if a column is about people in a way that rows of this sort don't need: names, numbers, birth dates, addresses.
pub fn is_personal(column: &Column) -> bool {
    let says = |about: About| column.about.get(&about).is_some_and(|weight| *weight > 0.7);
    let shape = &column.shape;
    let name = shape.share(shape.nameish) > 0.85 && shape.distinct >= 5;
    let official =
        shape.share(shape.upns) > 0.8 || shape.share(shape.uln) > 0.8 || shape.share(shape.uci) > 0.8;
    official
        || shape.may_be_birth()
        || [About::Surname, About::Forename, About::Personal, About::Birth].into_iter().any(says)
        || (says(About::Name) && !says(About::Group))
        || (name && !says(About::Subject) && !says(About::Kind))
}
