//! What the rows are and which column does best as which field: each sort of rows is tried, and the one under which the columns
//! make the most sense wins.

use super::{
    Answers, Value,
    caption::{About, about},
    fields::{Column, Fit, fit},
    judge::is_personal,
    scales,
};
use crate::mapping::Rows;
use std::collections::BTreeMap;

/// What is taken for settled without asking, from 0 to 1.
pub const SURE: f64 = 0.72;
/// What isn't worth a question.
pub const WORTH_ASKING: f64 = 0.42;
/// A second column that does nearly as well makes a doubt.
pub const MARGIN: f64 = 0.1;

/// All sorts of rows, each with the name that a mapping gives it.
pub const SORTS: &[(Rows, &str, &str)] = &[
    (Rows::Attendance, "attendance", "one attendance mark a row"),
    (Rows::Assessment, "assessment", "results: one grade a row, or grades side by side"),
    (Rows::Behaviour, "behaviour", "one learner's part in an incident or achievement a row"),
    (Rows::Learners, "learners", "one learner a row"),
    (Rows::Groups, "groups", "one teaching group a row"),
    (Rows::Placements, "placements", "our learners at a host: one placement a row"),
    (Rows::Acceptances, "acceptances", "guests here: one accepted placement a row"),
    (Rows::Ends, "ends", "one end of a placement a row"),
    (Rows::Staff, "staff", "one group that a member of staff teaches a row"),
    (Rows::Timetable, "timetable", "one lesson on a date a row"),
    (Rows::Notices, "notices", "one expected absence a row"),
    (Rows::Support, "support", "what one learner needs elsewhere a row"),
];

/// Fields that the file never says by itself, or that nobody should map without having read what they do.
const NOT_PROPOSED: &[&str] = &[
    "scale",
    "scale_version",
    "point_system",
    "confidential",
    "category",
    "share_text",
    "minutes_left_early",
    "from_time",
];

/// A way to read the columns.
pub struct Plan {
    /// What the rows are.
    pub rows: Rows,
    /// Several grades stand side by side in these columns.
    pub wide: Vec<usize>,
    /// Column of each field, with its fit.
    pub fields: BTreeMap<&'static str, (usize, Fit)>,
    /// Fits of all columns, by field.
    pub fits: BTreeMap<&'static str, Vec<Fit>>,
    /// How much sense it makes, from 0 to 1.
    pub sense: f64,
    /// The best ways to read the columns, this one among them: sort, sense.
    pub others: Vec<(Rows, f64)>,
}

/// Chooses the sort of rows under which the columns make the most sense, or follows the answer.
pub fn choose(columns: &[Column], file_name: &str, answers: &Answers) -> Plan {
    let mut plans: Vec<Plan> = SORTS
        .iter()
        .flat_map(|(rows, ..)| {
            let long = try_as(*rows, &[], columns, file_name, answers);
            let wide =
                (*rows == Rows::Assessment).then(|| side_by_side(columns)).filter(|wide| wide.len() >= 2);
            let wide = wide.map(|wide| try_as(*rows, &wide, columns, file_name, answers));
            std::iter::once(long).chain(wide)
        })
        .collect();
    if let Some(Value::Text(name)) = answers.get("rows") {
        plans.retain(|plan| sort_name(plan.rows) == name);
    }
    plans.sort_by(|a, b| b.sense.total_cmp(&a.sense));
    let mut others: Vec<(Rows, f64)> = Vec::new();
    for plan in &plans {
        if !others.iter().any(|(rows, _)| *rows == plan.rows) {
            others.push((plan.rows, plan.sense));
        }
    }
    let mut best = if plans.is_empty() {
        try_as(Rows::Attendance, &[], columns, file_name, answers)
    } else {
        plans.swap_remove(0)
    };
    best.others = others;
    best
}

/// Name of a sort of rows, as a mapping writes it.
pub fn sort_name(rows: Rows) -> &'static str {
    SORTS.iter().find(|(sort, ..)| *sort == rows).map_or("", |(_, name, _)| name)
}

/// Fields that rows of this sort need, and may have.
pub fn fields_of(rows: Rows, wide: bool) -> (Vec<&'static str>, Vec<&'static str>) {
    let (must, may) = rows.fields();
    let long = ["date", "grade"];
    let mut must: Vec<&str> = must.to_vec();
    let mut may: Vec<&str> = may.iter().copied().filter(|name| !NOT_PROPOSED.contains(name)).collect();
    match rows {
        Rows::Assessment if wide => may.retain(|name| !["grade", "kind", "title", "points"].contains(name)),
        Rows::Assessment => {
            may.retain(|name| !long.contains(name) && *name != "points");
            must.extend(long);
        }
        // A file of behaviour may be of one polarity alone, which nothing in it says.
        Rows::Behaviour => {
            must.retain(|name| *name != "polarity");
            may.push("polarity");
        }
        Rows::Timetable => {
            may.retain(|name| *name != "start");
            must.push("start");
        }
        _ => {}
    }
    (must, may)
}

fn try_as(rows: Rows, wide: &[usize], columns: &[Column], file_name: &str, answers: &Answers) -> Plan {
    let (must, may) = fields_of(rows, !wide.is_empty());
    let mut fits: BTreeMap<&'static str, Vec<Fit>> = BTreeMap::new();
    let mut pairs: Vec<(f64, &'static str, usize)> = Vec::new();
    for field in must.iter().chain(&may) {
        let all: Vec<Fit> = columns.iter().map(|column| fit(field, column)).collect();
        let bias = if must.contains(field) { 0.03 } else { 0.0 };
        pairs.extend(
            all.iter()
                .enumerate()
                .filter(|(_, fit)| fit.score > 0.2)
                .map(|(at, fit)| (fit.score + bias, *field, at)),
        );
        fits.insert(field, all);
    }
    pairs.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut fields: BTreeMap<&'static str, (usize, Fit)> = BTreeMap::new();
    let mut taken: Vec<bool> = (0..columns.len()).map(|at| wide.contains(&at)).collect();
    for field in must.iter().chain(&may) {
        if let Some(at) = answered(answers, field, columns) {
            taken[at] = true;
            fields.insert(field, (at, Fit { score: 1.0, reasons: vec!["you said so".to_owned()] }));
        }
    }
    for (_, field, at) in pairs {
        let said = answers.contains_key(&format!("fields.{field}"));
        // A column of dates with times is the date, and the time too.
        let both = matches!(field, "date" | "start" | "time")
            && columns[at].shape.is_date()
            && columns[at].shape.instant > 0
            && fields.iter().all(|(of, (held, _))| *held != at || matches!(*of, "date" | "start" | "time"));
        if (!taken[at] || both) && !said && !fields.contains_key(field) {
            taken[at] = true;
            let found = fits.get(field).and_then(|all| all.get(at)).cloned().unwrap_or_default();
            fields.insert(field, (at, found));
        }
    }
    let sense = sense(rows, wide, &must, &fields, columns, file_name);
    Plan { rows, wide: wide.to_vec(), fields, fits, sense, others: Vec::new() }
}

fn answered(answers: &Answers, field: &str, columns: &[Column]) -> Option<usize> {
    match answers.get(&format!("fields.{field}"))? {
        Value::Column(caption) | Value::Values(caption, _) | Value::Days(caption, _) => {
            columns.iter().position(|column| column.caption == *caption)
        }
        Value::Text(_) | Value::Grades(..) | Value::Nothing => None,
    }
}

/// How much sense the columns make as rows of this sort: are those there that must be, and are few left over.
fn sense(
    rows: Rows,
    wide: &[usize],
    must: &[&'static str],
    fields: &BTreeMap<&'static str, (usize, Fit)>,
    columns: &[Column],
    file_name: &str,
) -> f64 {
    let score = |field: &str| fields.get(field).map_or(0.0, |(_, fit)| fit.score);
    let needed = must.iter().map(|field| score(field)).sum::<f64>() / must.len().max(1) as f64;
    let least = must.iter().map(|field| score(field)).fold(1.0, f64::min);
    let (mut all, mut explained) = (0.0, 0.0);
    for (at, column) in columns.iter().enumerate().filter(|(_, column)| !column.shape.is_blank()) {
        all += 1.0;
        let field = fields.iter().find(|(_, (of, _))| *of == at).map_or(0.0, |(_, (_, fit))| fit.score);
        let known = if wide.contains(&at) {
            0.95
        } else if is_personal(column) {
            0.55
        } else {
            0.0
        };
        explained += f64::max(field, known);
    }
    let explained = if all > 0.0 { explained / all } else { 0.0 };
    let named = about(file_name.rsplit_once('.').map_or(file_name, |(name, _)| name));
    let hint = telling(rows).iter().filter_map(|word| named.get(word)).fold(0.0, |a, b| f64::max(a, *b));
    let base = 0.35 * needed + 0.2 * least + 0.45 * explained + 0.04 * hint;
    base * doubtful(rows, wide, fields, columns)
}

/// Words in a file's name that speak for a sort of rows.
const fn telling(rows: Rows) -> &'static [About] {
    match rows {
        Rows::Attendance => &[About::Presence],
        Rows::Assessment => &[About::Grade],
        Rows::Behaviour => &[About::Conduct],
        Rows::Learners => &[About::Learner],
        Rows::Staff => &[About::Staff],
        Rows::Placements => &[About::Host],
        _ => &[],
    }
}

/// What speaks against a sort of rows as a whole, as a factor.
fn doubtful(
    rows: Rows,
    wide: &[usize],
    fields: &BTreeMap<&'static str, (usize, Fit)>,
    columns: &[Column],
) -> f64 {
    let column = |field: &str| fields.get(field).map(|(at, _)| &columns[*at]);
    let unique =
        |field: &str| column(field).is_some_and(|c| c.shape.distinct as f64 >= 0.98 * c.shape.filled as f64);
    let learner = |c: &Column| {
        c.decides_names > 0.97
            || c.names_a_learner
            || c.about.get(&About::Learner).is_some_and(|weight| *weight > 0.8)
    };
    let has_learner = columns.iter().any(learner);
    let marks = columns.iter().any(|c| fit("mark", c).score > 0.9);
    match rows {
        Rows::Learners if !unique("learner") => 0.4,
        Rows::Groups if !unique("group") || has_learner => 0.4,
        Rows::Staff | Rows::Timetable if has_learner => 0.5,
        Rows::Notices
        | Rows::Support
        | Rows::Placements
        | Rows::Acceptances
        | Rows::Ends
        | Rows::Behaviour
            if marks =>
        {
            0.6
        }
        Rows::Assessment if !wide.is_empty() && marks => 0.5,
        Rows::Assessment if wide.is_empty() && (marks || fields.contains_key("event")) => 0.6,
        // Any list of learners and dates could be one of notices: something of its own must be there.
        Rows::Notices
            if !["last_date", "kind", "notice"]
                .iter()
                .any(|f| fields.get(f).is_some_and(|(_, fit)| fit.score >= SURE)) =>
        {
            0.6
        }
        // Rows of few fields fit nearly anything a little.
        Rows::Ends | Rows::Support | Rows::Notices => 0.9,
        _ => 1.0,
    }
}

/// Columns whose values are grades of one scale, where there are several of them.
fn side_by_side(columns: &[Column]) -> Vec<usize> {
    let says = |c: &Column, about: About| c.about.get(&about).is_some_and(|weight| *weight > 0.6);
    let graded = |c: &Column| {
        let shape = &c.shape;
        let numbers = shape.share(shape.decimal) > 0.8;
        let word = says(c, About::Grade) || super::values::known("kind", &c.caption).is_some();
        let sound = shape.fill() > 0.3 && !shape.is_date() && shape.longest <= 16 && !is_personal(c);
        let lettered =
            !numbers && shape.distinct >= 3 && shape.list.len() <= 30 && !scales::fitting(shape).is_empty();
        sound
            && (scales::is_gcse(shape)
                || lettered
                || (numbers && word && shape.largest <= 200 && shape.distinct >= 4))
    };
    columns.iter().enumerate().filter(|(_, column)| graded(column)).map(|(at, _)| at).collect()
}
