//! A college's own marks: loaded as data, looked up by date, never law.

use crate::date;
use commonroll_core::{
    attendance::{AttendanceRate, CodeTable, Counts, UsageCodes},
    record::attendance::Physical,
};

const COLLEGE: &str = r#"{
  "name": "register-2026",
  "codes": [
    {"source_code": "/", "meaning": "present", "physical": "present", "late": true, "counts": "Y"},
    {"source_code": "O", "meaning": "absent", "physical": "absent", "counts": "N"},
    {"source_code": "A", "meaning": "authorised absence", "physical": "absent", "reason_hint": "C", "counts": "N",
     "approved_by": "registry"},
    {"source_code": "a", "meaning": "away on a visit", "physical": "unknown", "reason_hint": "V", "counts": "Y"},
    {"source_code": "X", "meaning": "class cancelled", "physical": "unknown", "counts": "~"},
    {"source_code": "R", "meaning": "reported", "physical": "absent", "counts": "N", "valid_to": "2026-07-31"},
    {"source_code": "R", "meaning": "remote lesson", "physical": "unknown", "counts": "Y", "valid_from": "2026-08-01"},
    {"source_code": "T", "meaning": "on transfer", "physical": "not_required", "counts": "~",
     "valid_from": "2026-09-01", "valid_to": "2026-09-30"}
  ]
}"#;

fn college() -> CodeTable {
    CodeTable::usage(&"harrowdale".parse().unwrap(), serde_json::from_str(COLLEGE).unwrap())
}

#[test]
fn a_colleges_authorised_never_becomes_an_authorised_code() {
    let table = college();
    let mark = table.read("A", date("2026-09-14")).unwrap();
    assert_eq!((mark.words, mark.physical), ("authorised absence", Physical::Absent));
    assert_eq!(mark.reason_hint, Some("C"), "it travels as a hint");
    assert_eq!((mark.legal, mark.statistical, mark.register()), (None, None, None));
}

#[test]
fn codes_of_a_college_are_its_own_and_case_matters() {
    let table = college();
    assert_eq!(table.name(), "harrowdale/register-2026");
    assert_eq!(table.source_code(" a ").unwrap().code_set, "harrowdale/register-2026");
    assert_eq!(table.read("a", date("2026-09-14")).unwrap().words, "away on a visit");
    assert_eq!(
        table.read("X ", date("2026-09-14")).unwrap().counts,
        Counts::Ignored,
        "cancelled, not the X of England"
    );
    assert_eq!(table.read("N", date("2026-09-14")).unwrap_err().rule(), "ATT-UNKNOWN-CODE");
    assert_eq!(table.read(" ", date("2026-09-14")).unwrap_err().rule(), "ATT-BLANK");
}

#[test]
fn a_code_means_what_it_meant_on_its_date() {
    let table = college();
    assert_eq!(table.read("R", date("2026-07-31")).unwrap().words, "reported");
    assert_eq!(table.read("R", date("2026-08-01")).unwrap().words, "remote lesson");
    assert!(table.read("T", date("2026-09-30")).is_ok());
    assert_eq!(table.read("T", date("2026-10-01")).unwrap_err().rule(), "ATT-CODE-DATE");
}

#[test]
fn nine_of_ten_is_ninety_percent_when_one_is_ignored() {
    let table = college();
    let marks = ["/", "/", "/", "/", "/", "/", "/", "/", "/", "O", "X"];
    let rate: AttendanceRate =
        marks.iter().map(|mark| table.read(mark, date("2026-09-14")).unwrap().counts).collect();
    assert_eq!(rate.percent(), Some(90.0));
}

#[test]
fn a_table_that_contradicts_itself_is_refused_with_the_field() {
    for (rows, field) in [
        (r#"{"source_code":"","meaning":"","physical":"absent","counts":"N"}"#, "source_code"),
        (r#"{"source_code":"/ ","meaning":"","physical":"absent","counts":"N"}"#, "source_code"),
        (r#"{"source_code":"A","meaning":"","physical":"absent","counts":"N","late":true}"#, "late"),
        (r#"{"source_code":"A","meaning":"","physical":"absent","counts":"?"}"#, "counts"),
        (
            r#"{"source_code":"A","meaning":"","physical":"absent","counts":"N","reason_hint":"H"}"#,
            "reason_hint",
        ),
        (
            r#"{"source_code":"A","meaning":"","physical":"absent","counts":"N","valid_from":"2026-02-01","valid_to":"2026-01-01"}"#,
            "valid_to",
        ),
        (
            r#"{"source_code":"A","meaning":"","physical":"absent","counts":"N","valid_to":"2026-01-01"},
               {"source_code":"A","meaning":"","physical":"present","counts":"Y","valid_from":"2026-01-01"}"#,
            "codes",
        ),
        (
            r#"{"source_code":"A","meaning":"","physical":"absent","counts":"N","legal":"authorised"}"#,
            "legal",
        ),
        (r#"{"source_code":"A","meaning":"","physical":"absent","counts":"N","valid_to":"2026-02-30"}"#, ""),
    ] {
        let file = format!(r#"{{"name":"t","codes":[{rows}]}}"#);
        let error = serde_json::from_str::<UsageCodes>(&file).unwrap_err().to_string();
        assert!(error.contains(field), "{field}: {error}");
    }
}
