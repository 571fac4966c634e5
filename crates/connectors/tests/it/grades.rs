//! Grades in real files: wide ones, ones that count days, and the values that are no grades.

use crate::support::{fixture, run};
use expect_test::expect;

/// The Portuguese pupils have no id: the line of the file is the only name they have.
const UCI: &str = r#"
format = "delimited"
rows = "assessment"
ignore = ["*"]
where = { school = "GP" }
[fields]
learner = { row_number = "mat-" }
date = { const = "2026-06-30" }
subject = { const = "Mathematics" }
[[result]]
column = "G1"
title = "First period"
scale = "raw-0-20"
kind = "working_at"
[[result]]
column = "G3"
title = "Final"
scale = "raw-0-20"
kind = "final"
"#;

#[test]
fn grades_side_by_side_become_results_of_their_own() {
    let seen = run(UCI, fixture("uci/student-mat.csv")).unwrap();
    assert_eq!((seen.items.len(), seen.problems.len(), seen.scopes.len()), (2 * 349, 0, 0));
    let shown = seen.show();
    expect![[r#"
        2: 2026-06-30 mat-1 - key=mat-1|G1 WorkingAt 5 on raw-0-20@1 Mathematics / First period / 
        2: 2026-06-30 mat-1 - key=mat-1|G3 Final 6 on raw-0-20@1 Mathematics / Final / 
    "#]]
    .assert_eq(&shown.lines().take(2).flat_map(|line| [line, "\n"]).collect::<String>());
    let other = run(&UCI.replace("\"GP\"", "\"MS\""), fixture("uci/student-mat.csv")).unwrap();
    assert_eq!(other.items.len(), 2 * 46);
    assert!(other.show().contains(" mat-350 "), "rows keep their number in the whole file");
}

const OULAD: &str = r#"
format = "delimited"
rows = "assessment"
ignore = ["is_banked"]
key = ["id_assessment", "learner"]
[fields]
learner = "id_student"
grade = "score"
scale = { const = "raw-0-100" }
kind = { const = "assignment" }
title = { column = "id_assessment", values = { 1752 = "TMA 1", 1753 = "TMA 2" }, other = "TMA" }
date = { column = "date_submitted", days_from = { column = "id_assessment", starts = { 1752 = "2013-10-05", 1753 = "2013-10-05", 1754 = "2013-10-05", 1755 = "2013-10-05", 1756 = "2013-10-05", 1758 = "2014-10-04", 1759 = "2014-10-04", 1760 = "2014-10-04", 1761 = "2014-10-04", 1762 = "2014-10-04" } } }
"#;

#[test]
fn days_from_a_start_become_dates_and_blank_scores_stay_blank() {
    let seen = run(OULAD, fixture("oulad/studentAssessment-AAA.csv")).unwrap();
    assert_eq!((seen.items.len(), seen.rules().len()), (3149, 0));
    let shown = seen.show();
    assert_eq!(shown.lines().filter(|line| line.contains("(not assessed)")).count(), 3);
    expect![[r#"
        2: 2013-10-23 11391 - key=1752|11391 Assignment 78 on raw-0-100@1  / TMA 1 / 
        3: 2013-10-27 28400 - key=1752|28400 Assignment 70 on raw-0-100@1  / TMA 1 / 
    "#]]
    .assert_eq(&shown.lines().take(2).flat_map(|line| [line, "\n"]).collect::<String>());
}

#[test]
fn values_that_are_no_grades_stay_four_different_facts() {
    let mapping = "format = \"delimited\"\nrows = \"assessment\"\n[fields]\nlearner = \"Id\"\ndate = \"Date\"\ngrade = \"Grade\"\n\
                   scale = { const = \"btec-l3\" }\nkind = \"Kind\"\nsubject = \"Subject\"\npoints = \"Points\"\n\
                   point_system = { const = \"ucas\" }\n[special]\nABS = \"no_result\"\n";
    let file = "Id,Date,Grade,Kind,Subject,Points\n1,2026-11-20,D*D*D,working_at,Applied Science,\n1,2026-11-20,U,final,Music,0\n\
                1,2026-11-20,X,mock,Art,\n1,2026-11-20,Q,predicted,Law,\n1,2026-11-20,#,final,Law,\n1,2026-11-20,,effort,PE,\n\
                1,2026-11-20,ABS,mock,PE,\n1,2026-11-20,0,working_at,PE,\n1,2026-11-20,B\u{a0},hopeful,PE,\n";
    expect![[r#"
        2: 2026-11-20 1 - key=2026-11-20|1|Applied Science|working_at WorkingAt D*D*D on btec-l3@1 Applied Science /  / 
        3: 2026-11-20 1 - key=2026-11-20|1|Music|final Final (ungraded) on btec-l3@1 Music /  /  0 ucas
        4: 2026-11-20 1 - key=2026-11-20|1|Art|mock Mock (no result) on btec-l3@1 Art /  / 
        5: 2026-11-20 1 - key=2026-11-20|1|Law|predicted Predicted (pending) on btec-l3@1 Law /  / 
        6: 2026-11-20 1 - key=2026-11-20|1|Law|final Final (withheld) on btec-l3@1 Law /  / 
        7: 2026-11-20 1 - key=2026-11-20|1|PE|effort Effort (not assessed) on btec-l3@1 PE /  / 
        8: 2026-11-20 1 - key=2026-11-20|1|PE|mock Mock (no result) on btec-l3@1 PE /  / 
        9: 2026-11-20 1 - key=2026-11-20|1|PE|working_at WorkingAt 0 on btec-l3@1 PE /  / 
        problem: line 10: Kind: CSV-VALUE: is no kind of grade; see `values` in the README
    "#]].assert_eq(&run(mapping, file).unwrap().show());
}
