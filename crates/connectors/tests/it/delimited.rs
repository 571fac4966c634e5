//! Delimited text with a mapping file.

use crate::support::{run, settings};
use expect_test::expect;

const SESSIONS: &str = r#"
format = "delimited"
rows = "attendance"
ignore = ["UPN", "Surname"]
[codes]
set = "ENG-2024"
[periods]
AM = ["08:45", "12:30"]
PM = ["13:15", "15:30"]
[fields]
learner = "PersonID"
date = "AttDate"
period = "Session"
mark = "Mark"
minutes_late = "MinsLate"
note = "Comment"
"#;

#[test]
fn a_sims_report_of_session_marks_becomes_marks_with_times() {
    let seen = run(
        SESSIONS,
        "PersonID,UPN,Surname,AttDate,Session,Mark,MinsLate,Comment\r\n\
         6420,F860400125001,Ashby,2026-09-14,AM,/,,\r\n\
         6420,F860400125001,Ashby,2026-09-14,PM,L,12,\"Bus, late\"\r\n\
         \r\n\
         6421,,Bell,2026-12-01,AM,X01,,\r\n\
         6422,,Cole,2026-13-01,AM,/,,\r\n\
         6423,,Dean,2026-12-01,AM,H,,\r\n",
    )
    .unwrap();
    expect![[r#"
        2: 2026-09-14 6420 - key=2026-09-14|6420|AM Present / [ENG-2024] 2026-09-14T07:45:00Z..2026-09-14T11:30:00Z
        3: 2026-09-14 6420 - key=2026-09-14|6420|PM Late L [ENG-2024] 2026-09-14T12:15:00Z..2026-09-14T14:30:00Z late=12 note=Bus, late
        5: 2026-12-01 6421 - key=2026-12-01|6421|AM NotRequired X01 [ENG-2024] 2026-12-01T08:45:00Z..2026-12-01T12:30:00Z
        problem: line 6: AttDate: CSV-DATE: must be a real date written as YYYY-MM-DD (or set `date_format` in the mapping)
        problem: line 7: Mark: ATT-OLD-CODE: was withdrawn on 2024-08-19; use the code that replaced it
    "#]]
    .assert_eq(&seen.show());
    assert!(settings(SESSIONS).mapping.unwrap().is_for("anything.csv"));
}
