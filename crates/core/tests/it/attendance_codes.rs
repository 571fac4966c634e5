//! ENG-2024: the whole table, its traps, and how marks count.

use crate::date;
use commonroll_core::{
    attendance::{ALL, AttendanceRate, Category, CodeProblem, CodeTable, Counts, WITHDRAWN, lookup},
    record::attendance::{Legal, Physical, Statistical},
};
use proptest::prelude::*;

fn category(code: &str, on: &str) -> Result<Category, CodeProblem> {
    lookup(code, date(on)).map(|row| row.category)
}

#[test]
fn the_table_has_every_code_in_its_category() {
    let written = |wanted: Category| {
        let codes = ALL.iter().filter(|row| row.category == wanted).map(|row| row.code);
        codes.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(written(Category::Present), "/ \\ L");
    assert_eq!(written(Category::ApprovedEducationalActivity), "K V P W B");
    assert_eq!(written(Category::AuthorisedAbsence), "C C1 C2 E I J1 M R S T");
    assert_eq!(written(Category::UnauthorisedAbsence), "G N O U");
    assert_eq!(written(Category::NotPossible), "D X Q Y1 Y2 Y3 Y4 Y5 Y6 Y7");
    assert_eq!(written(Category::Admin), "Z #");
    assert_eq!(written(Category::NoMark), "-");
}

#[test]
fn an_old_code_is_good_before_its_end_and_a_finding_after() {
    let was = [
        Category::AuthorisedAbsence,
        Category::ApprovedEducationalActivity,
        Category::NotPossible,
        Category::AuthorisedAbsence,
    ];
    for (code, was) in ["H", "J", "Y", "F"].into_iter().zip(was) {
        assert_eq!(category(code, "2024-08-18"), Ok(was), "{code}");
        for on in ["2024-08-19", "2026-09-14"] {
            assert_eq!(category(code, on).unwrap_err().rule(), "ATT-OLD-CODE", "{code} on {on}");
        }
    }
    assert_eq!(
        category("Y01", "2026-09-14").unwrap_err().rule(),
        "ATT-OLD-CODE",
        "a sub-code is as old as its letter"
    );
}

#[test]
fn sub_codes_padding_and_case() {
    let now = date("2026-09-14");
    for (written, means) in
        [("X01", "X"), ("I01", "I"), ("/ ", "/"), (" \\", "\\"), ("\u{a0}Y1\u{a0}", "Y1"), ("\tC2", "C2")]
    {
        assert_eq!(lookup(written, now).unwrap().code, means, "{written:?}");
    }
    for (written, rule) in [
        ("", "ATT-BLANK"),
        ("  ", "ATT-BLANK"),
        ("d", "ATT-CODE-CASE"),
        ("y1", "ATT-CODE-CASE"),
        ("x01", "ATT-CODE-CASE"),
        ("h", "ATT-CODE-CASE"),
        ("A", "ATT-UNKNOWN-CODE"),
        ("A01", "ATT-UNKNOWN-CODE"),
        ("a01", "ATT-UNKNOWN-CODE"),
        ("X1", "ATT-UNKNOWN-CODE"),
        ("X001", "ATT-UNKNOWN-CODE"),
        ("/ /", "ATT-UNKNOWN-CODE"),
        ("//", "ATT-UNKNOWN-CODE"),
        ("\\\\", "ATT-UNKNOWN-CODE"),
        ("C 1", "ATT-UNKNOWN-CODE"),
        ("\u{2013}", "ATT-UNKNOWN-CODE"),
        ("Z\u{e9}", "ATT-UNKNOWN-CODE"),
    ] {
        assert_eq!(lookup(written, now).unwrap_err().rule(), rule, "{written:?}");
    }
}

#[test]
fn three_axes_of_a_code() {
    let table = CodeTable::eng_2024();
    let read = |code| table.read(code, date("2026-09-14")).unwrap();
    let axes = |code| (read(code).physical, read(code).legal, read(code).statistical);
    assert_eq!(axes("L"), (Physical::Late, Some(Legal::Present), Some(Statistical::Attended)));
    // A home that writes B certifies attendance that it has not seen.
    let activity = Some(Legal::ApprovedEducationalActivity);
    assert_eq!(axes("B"), (Physical::Unknown, activity, Some(Statistical::Attended)));
    // U: in the building, and yet an absence by law.
    assert_eq!(
        axes("U"),
        (Physical::Late, Some(Legal::UnauthorisedAbsence), Some(Statistical::Unauthorised))
    );
    // Filed as authorised absences by real systems, which they are not.
    for code in ["D", "X"] {
        assert_eq!(
            axes(code),
            (Physical::NotRequired, Some(Legal::NotPossible), Some(Statistical::NotCounted))
        );
    }
    assert_eq!(axes("-"), (Physical::Unknown, None, None));
    assert!(read("-").register().is_none() && read("M").register().is_some());
    assert!(read("L").late && read("U").late && !read("/").late);
}

#[test]
fn the_slashes_survive_json() {
    let table = CodeTable::eng_2024();
    for code in ["/", "\\"] {
        let travelled: String = serde_json::from_str(&serde_json::to_string(code).unwrap()).unwrap();
        let kept = table.source_code(&travelled).unwrap();
        assert_eq!((kept.code.as_str(), kept.code_set.as_str()), (code, "ENG-2024"));
        assert_eq!(table.read(&kept.code, date("2026-09-14")).unwrap().code, code);
    }
}

#[test]
fn a_sub_code_travels_as_written_without_padding() {
    assert_eq!(CodeTable::eng_2024().source_code("X01 ").unwrap().code, "X01");
}

#[test]
fn the_rate_leaves_out_what_was_not_possible() {
    let marks = ["/", "\\", "L", "B", "I", "N", "D", "X", "#", "Y4", "Z", "-"];
    let rate: AttendanceRate =
        marks.iter().map(|code| lookup(code, date("2026-09-14")).unwrap().category.counts()).collect();
    assert_eq!((rate.attended, rate.possible, rate.unresolved), (4, 6, 1));
    assert_eq!(rate.percent().map(|percent| percent.round()), Some(67.0));
    let closed: AttendanceRate = [Counts::Ignored, Counts::Unresolved].into_iter().collect();
    assert_eq!(closed.percent(), None, "nothing possible is not 0 %");
}

proptest! {
    #[test]
    fn any_mark_is_known_or_a_finding(text in "\\PC{0,6}") {
        if let Ok(row) = lookup(&text, date("2026-09-14")) {
            prop_assert!(ALL.contains(row));
            prop_assert!(WITHDRAWN.iter().all(|old| old.was.code != row.code));
            prop_assert_eq!(lookup(row.code, date("2026-09-14")), Ok(row));
        }
    }
}
