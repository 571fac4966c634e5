//! What columns say together: which number belongs to one name each, which time lies before which.

use super::{
    caption::{About, about},
    codes,
    fields::Column,
    sample::{Sample, SampleRow},
    shape::Shape,
};
use crate::parse;
use commonroll_core::record::attendance::Physical;
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
            birthlike: false,
            of_learner: false,
            tells_apart: false,
            beside_late: false,
            counts_rows: false,
        })
        .collect();
    let facts: Vec<_> = (0..columns.len()).map(|at| together(sample, &columns, at)).collect();
    for (column, with) in columns.iter_mut().zip(facts) {
        with(column);
    }
    let facts: Vec<_> = (0..columns.len()).map(|at| by_learner(sample, &columns, at)).collect();
    for (column, with) in columns.iter_mut().zip(facts) {
        with(column);
    }
    columns
}

/// What a column is once it is known which ones may name the learner.
fn by_learner(sample: &Sample, columns: &[Column], at: usize) -> impl FnOnce(&mut Column) + use<> {
    let column = &columns[at];
    let shape = &column.shape;
    let ids: Vec<usize> =
        (0..columns.len()).filter(|other| *other != at && may_name(&columns[*other])).collect();
    let within: Vec<f64> = ids.iter().filter_map(|id| constant_within(sample, *id, at)).collect();
    // Many values, and each learner always has the same: it says something of the learner, not of the row.
    let of_learner = shape.distinct >= 2 && within.iter().any(|share| *share > 0.95);
    let varies = !within.is_empty() && within.iter().all(|share| *share < 0.8);
    let is_old = columns.iter().any(|other| before(column, other));
    let is_young = columns.iter().any(|other| before(other, column));
    let birthlike = !varies && (shape.may_be_birth() && !is_young || shape.distinct >= 5 && is_old);
    let says_date = |c: &Column| c.about.get(&About::Date).is_some_and(|weight| *weight > 0.7);
    let dated =
        |c: &Column| c.shape.is_date() && !c.shape.may_be_birth() || c.shape.may_be_serial() && says_date(c);
    let day = |c: &Column| dated(c) && c.shape.distinct >= 2;
    let days: Vec<usize> = (0..columns.len()).filter(|other| *other != at && day(&columns[*other])).collect();
    let is_short = (2..=16).contains(&shape.list.len()) && shape.fill() > 0.97 && !shape.is_date();
    let tells_apart =
        is_short && ids.iter().any(|id| days.iter().any(|day| tells_apart(sample, *id, *day, at)));
    move |column| {
        (column.birthlike, column.of_learner, column.tells_apart) = (birthlike, of_learner, tells_apart);
    }
}

/// True if all dates of the one lie some ten years before those of the other.
fn before(one: &Column, other: &Column) -> bool {
    let dates = one.shape.is_date() && other.shape.is_date();
    dates
        && matches!((one.shape.days, other.shape.days), (Some((_, last)), Some((first, _))) if first - last > 3_000)
}

/// True if the column may name learners, by its values alone.
fn may_name(column: &Column) -> bool {
    let shape = &column.shape;
    let text = !shape.is_date() && shape.share(shape.time) < 0.5 && shape.share(shape.with_digit) > 0.8;
    let repeats = shape.filled as f64 / shape.distinct.max(1) as f64;
    text && shape.longest <= 32 && shape.longest >= 3 && shape.distinct >= 8 && repeats >= 1.8
}

/// Of the values that stand in several rows, the share beside which the other column always has the same; `None` if there are too
/// few.
fn constant_within(sample: &Sample, id: usize, other: usize) -> Option<f64> {
    let mut beside: BTreeMap<&str, (usize, BTreeSet<&str>)> = BTreeMap::new();
    for row in sample.rows.iter().filter(|row| !row.cell(id).is_empty() && !row.cell(other).is_empty()) {
        let (rows, values) = beside.entry(row.cell(id)).or_default();
        *rows += 1;
        values.insert(row.cell(other));
    }
    let several: Vec<_> = beside.values().filter(|(rows, _)| *rows >= 2).collect();
    let same = several.iter().filter(|(_, values)| values.len() == 1).count();
    (several.len() >= 5).then(|| same as f64 / several.len() as f64)
}

/// True if a learner has several rows on one date, and this column keeps them apart.
fn tells_apart(sample: &Sample, id: usize, day: usize, at: usize) -> bool {
    let rows = sample.rows.len();
    let pairs: BTreeSet<_> = sample.rows.iter().map(|row| (row.cell(id), row.cell(day))).collect();
    let all: BTreeSet<_> =
        sample.rows.iter().map(|row| (row.cell(id), row.cell(day), row.cell(at))).collect();
    rows >= 10 && pairs.len() * 10 < rows * 9 && all.len() * 200 >= rows * 199
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
    let beside: Vec<BTreeSet<&str>> = match shape.share(shape.whole) > 0.98 {
        true => others()
            .filter(|(_, c)| (3..=40).contains(&c.shape.list.len()))
            .filter_map(|(other, _)| beside_few(sample, at, other))
            .collect(),
        false => Vec::new(),
    };
    let late =
        |mark: &&str| *mark == "L" || codes::meaning(mark).is_some_and(|(said, _)| said == Physical::Late);
    let (beside_few, beside_late) = (!beside.is_empty(), beside.iter().any(|marks| marks.iter().any(late)));
    let counts_rows = counts_rows(sample, at);
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
        (column.beside_few, column.beside_late) = (beside_few, beside_late);
        column.counts_rows = counts_rows;
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

/// True if it counts the rows, from 0 or 1 on.
fn counts_rows(sample: &Sample, at: usize) -> bool {
    let mut rows = sample.rows.iter();
    let number = |row: &SampleRow| parse::whole(row.cell(at)).map(u64::from);
    let Some((first, line)) = rows.next().and_then(|row| Some((number(row)?, row.line))) else {
        return false;
    };
    let all = sample.rows.len();
    first <= 1
        && all >= 3
        && rows.filter(|row| number(row) == Some(first + row.line - line)).count() * 50 >= (all - 1) * 49
}

/// The other column's values beside which numbers above zero stand, if they are at most two and not its most frequent one.
fn beside_few(sample: &Sample, numbers: usize, other: usize) -> Option<BTreeSet<&str>> {
    let (mut beside, mut counts) = (BTreeSet::new(), BTreeMap::<&str, usize>::new());
    for row in &sample.rows {
        *counts.entry(row.cell(other)).or_default() += 1;
        if parse::whole(row.cell(numbers)).is_some_and(|number| number > 0) {
            beside.insert(row.cell(other));
        }
    }
    let top = counts.iter().max_by_key(|(_, count)| **count).map(|(value, _)| *value);
    let is_few = !beside.is_empty()
        && beside.len() <= 2
        && counts.len() >= 3
        && top.is_some_and(|top| !beside.contains(top));
    is_few.then_some(beside)
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
        || column.birthlike
        || [About::Surname, About::Forename, About::Personal, About::Pastoral, About::Birth]
            .into_iter()
            .any(says)
        || (says(About::Name) && !says(About::Group))
        || (name && !says(About::Subject) && !says(About::Kind))
}
