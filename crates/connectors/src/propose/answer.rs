//! Whether what a person typed can be an answer to what was asked: what can't is told at once, never passed over.

use super::{Value, plan::SORTS, values};
use crate::{mapping::DateFormat, parse};
use commonroll_core::{SchoolDate, directory::NoticeKind, record::assessment::GradeKind};
use serde::de::DeserializeOwned;

/// Fields that a file may have once for all its rows.
const CONSTANTS: [&str; 16] = [
    "category",
    "date",
    "first_date",
    "from_date",
    "group",
    "home",
    "host",
    "kind",
    "last_date",
    "other",
    "polarity",
    "registration",
    "result_set",
    "scale",
    "subject",
    "title",
];
const MARKS: [&str; 5] = ["present", "late", "absent", "not_required", "unknown"];

/// Why a value can't be the answer about a setting, and what can; `None` if it can.
pub fn unfit(setting: &str, value: &Value) -> Option<String> {
    let (name, below) = setting.split_once('.').unwrap_or((setting, ""));
    let said = match value {
        Value::Nothing => return None,
        Value::Column(_) | Value::Values(..) | Value::Days(..) => "",
        Value::Text(said) => said.as_str(),
        Value::Grades(scale, ..) => scale.as_str(),
    };
    let is_column = matches!(value, Value::Column(_) | Value::Values(..) | Value::Days(..));
    let (fits, form) = match name {
        "rows" => {
            let names: Vec<&str> = SORTS.iter().map(|(_, name, ..)| *name).collect();
            (names.contains(&said), format!("must be one of {}", names.join(", ")))
        }
        "date_format" => (
            is_named::<DateFormat>(said),
            "must be iso, dd/mm/yyyy, dd/mm/yy, dd.mm.yyyy, dd.mm.yy, dd-mm-yyyy, mm/dd/yyyy, yyyymmdd or dd mmm yyyy".to_owned(),
        ),
        "codes" if below.is_empty() => {
            (["ENG-2024", "own"].contains(&said), "must be ENG-2024 or own".to_owned())
        }
        "codes" => (MARKS.contains(&said), format!("must be one of {}", MARKS.join(", "))),
        "periods" => (is_stretch(said), "must be a start and a later end, such as 08:45-12:30".to_owned()),
        "sheet" => (!is_column && !said.is_empty(), "must be the name of a sheet".to_owned()),
        "groups" => {
            (!is_column && !said.is_empty(), "must be codes of groups, with commas between".to_owned())
        }
        "key" | "skip_if_blank" => (is_column, "must be the caption of a column".to_owned()),
        "result" => result(below, said),
        "fields" => field(below, said, is_column),
        _ => (false, "is nothing that can be answered".to_owned()),
    };
    (!fits).then_some(form)
}

fn result(below: &str, said: &str) -> (bool, String) {
    // What is said of one column has its caption behind it.
    let below = below.split('.').next().unwrap_or(below);
    match below {
        "kind" => (is_named::<GradeKind>(said), "must be the name of a kind, such as working_at".to_owned()),
        "date" => (SchoolDate::parse("date", said).is_ok(), "must be a date, such as 2026-11-20".to_owned()),
        _ => (!said.is_empty(), "must be a scale, such as raw-0-20@1".to_owned()),
    }
}

fn field(below: &str, said: &str, is_column: bool) -> (bool, String) {
    let (field, meant) = match below.split_once('.') {
        Some((field, _)) => (field, true),
        None => (below, false),
    };
    let known = SORTS.iter().any(|(rows, ..)| {
        let (must, may) = rows.fields();
        must.contains(&field) || may.contains(&field)
    });
    if !known {
        return (false, "is no field of any rows".to_owned());
    }
    let names = values::names(field);
    match () {
        () if meant => (names.contains(&said), format!("must be one of {}", names.join(", "))),
        () if is_column => (true, String::new()),
        () if !CONSTANTS.contains(&field) => {
            (false, "must be the caption of a column of this file".to_owned())
        }
        () => {
            // Notices have kinds of their own.
            let notice = field == "kind" && said.parse::<NoticeKind>().is_ok();
            let fits = names.is_empty() || names.contains(&said) || notice;
            (fits, format!("must be the caption of a column, or one of {}", names.join(", ")))
        }
    }
}

/// True if a setting that takes names takes this one.
fn is_named<T: DeserializeOwned>(said: &str) -> bool {
    toml::Value::String(said.to_owned()).try_into::<T>().is_ok()
}

fn is_stretch(said: &str) -> bool {
    let times = said.split_once('-').map(|(start, end)| (parse::time(start.trim()), parse::time(end.trim())));
    matches!(times, Some((Some(start), Some(end))) if start < end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_an_answer_says_what_can() {
        let text = |said: &str| Value::Text(said.to_owned());
        for (setting, said) in [
            ("rows", "attendance"),
            ("date_format", "dd/mm/yyyy"),
            ("codes", "own"),
            ("codes.O", "absent"),
            ("periods.AM", "08:45 - 12:30"),
            ("result.kind", "mock"),
            ("result.date", "2026-11-20"),
            ("result.scale", "raw-0-20@1"),
            ("fields.scale", "raw-0-100@1"),
            ("fields.kind", "working_at"),
            ("fields.polarity.Bad", "negative"),
            ("fields.category.Vaping", "substances_or_prohibited_item"),
            ("groups", "CHE2-1, MAT3-2"),
            ("sheet", "Year 12"),
        ] {
            assert_eq!(unfit(setting, &text(said)), None, "{setting}");
            assert_eq!(unfit(setting, &Value::Nothing), None, "{setting}");
        }
        for (setting, said, says) in [
            ("rows", "registers", "attendance"),
            ("date_format", "d/m/y", "dd/mm/yyyy"),
            ("codes.O", "abscent", "absent"),
            ("periods.AM", "08:45", "08:45-12:30"),
            ("periods.AM", "12:30-08:45", "later end"),
            ("result.date", "20/11/2026", "2026-11-20"),
            ("fields.kind", "guess", "working_at"),
            ("fields.category.Vaping", "smoking", "substances_or_prohibited_item"),
            ("fields.learner", "Nobody", "caption"),
            ("fields.lerner", "Id", "no field"),
            ("colour", "red", "nothing"),
        ] {
            let why = unfit(setting, &text(said)).unwrap_or_default();
            assert!(why.contains(says), "{setting} = {said}: {why}");
        }
        assert_eq!(unfit("fields.learner", &Value::Column("Id".to_owned())), None);
        assert!(unfit("rows", &Value::Column("Id".to_owned())).is_some());
    }
}
