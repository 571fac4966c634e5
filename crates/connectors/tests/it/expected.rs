//! Timetables, notices and support notes as delimited text.

use crate::support::{run, settings};
use expect_test::expect;

const TIMETABLE: &str = r#"
format = "delimited"
rows = "timetable"
[fields]
date = "Date"
group = "Class"
start = "From"
end = "To"
lesson = "Id"
room = "Room"
cancelled = { column = "Status", values = { Cancelled = "yes" }, other = "no" }
closed = "Closed"
week = "Week"
"#;
const HEAD: &str = "Date,Class,From,To,Id,Room,Status,Closed,Week\n";

#[test]
fn a_timetable_says_each_day_whole_and_a_bad_row_harms_no_neighbour() {
    let rows = "2026-09-14,ENG-2A,09:15,10:45,L1,B12,,,A\n\
                2026-09-14,MOT-1A,11:00,12:30,L2,Workshop,Cancelled,,A\n\
                2026-09-14,ENG-2A,9.75,10:45,L3,B12,,,A\n\
                2026-09-15,,,,,,,yes,A\n\
                2026-09-15,,,,,,,,A\n\
                2026-09-16,ENG-2A,09:15,10:45,L1,B12,,,A\n\
                2026-09-16,ENG-2A,13:30,15:00,L1,B12,,,A\n\
                2026-09-16,ENG-2A,13:30,15:00,L2,B12,,,B\n";
    expect![[r#"
        2: day 2026-09-14 week A | L1 ENG-2A 2026-09-14T08:15:00Z B12 | L2 MOT-1A 2026-09-14T10:00:00Z Workshop cancelled
        5: day 2026-09-15 week A closed
        7: day 2026-09-16 week A | L1 ENG-2A 2026-09-16T08:15:00Z B12
        problem: line 4: From: CSV-TIME: must be a time of day written as HH:MM
        problem: line 6: Class: CSV-ID-BLANK: must not be blank, unless the day is closed
        problem: line 8: Id: CSV-LESSON-TWICE: another row of the same date has this lesson's id and says something else; the first one counts
        problem: line 9: Week: CSV-WEEK: is another week than in an earlier row of the same date
    "#]]
    .assert_eq(&run(TIMETABLE, format!("{HEAD}{rows}")).unwrap().show());
    assert_eq!(
        run(TIMETABLE, HEAD).unwrap_err().rule(),
        "FILE-NO-ROWS",
        "an empty timetable is a failed export"
    );
    let many: String = (0..2_001).map(|n| format!("2026-09-14,G,09:00,10:00,L{n},,,,\n")).collect();
    let seen = run(TIMETABLE, format!("{HEAD}{many}2026-09-15,G,09:00,10:00,L1,,,,\n")).unwrap();
    assert_eq!((seen.items.len(), seen.rules()), (1, vec!["CSV-LESSONS"]));
}

#[test]
fn periods_give_times_and_lessons_get_an_id_where_the_file_has_none() {
    let mapping = "format = \"delimited\"\nrows = \"timetable\"\ndate_format = \"dd/mm/yyyy\"\n[periods]\n3 = [\"11:10\", \"12:10\"]\n[fields]\ndate = \"Date\"\ngroup = \"Class\"\nperiod = \"Period\"\n";
    let seen = run(mapping, "Date,Class,Period\n14/09/2026,12PH1,3\n14/09/2026,12PH1,9\n").unwrap();
    expect![[r#"
        2: day 2026-09-14 | 12PH1/11:10 12PH1 2026-09-14T10:10:00Z 
        problem: line 3: Period: CSV-PERIOD: is no period of the mapping; add it to [periods]
    "#]]
    .assert_eq(&seen.show());
    let without =
        "format = \"delimited\"\nrows = \"timetable\"\n[fields]\ndate = \"Date\"\ngroup = \"Class\"\n";
    let error = without.parse::<commonroll_connectors::Mapping>().unwrap_err().to_string();
    assert!(error.contains("fields.start"), "{error}");
}

#[test]
fn a_notice_is_about_a_time_a_day_or_several_days() {
    let mapping = "format = \"delimited\"\nrows = \"notices\"\n[fields]\nlearner = \"Id\"\ndate = \"From\"\nlast_date = \"To\"\nstart = \"Out\"\nend = \"Back\"\nkind = { column = \"Why\", values = { M = \"expected_absence\", X = \"not_attending\" } }\nnotice = \"No\"\n";
    let rows = "6420,2026-09-14,,09:30,11:00,M,A1\n6421,2026-09-14,,,,X,A2\n6422,2026-09-14,2026-09-15,,,M,A3\n6423,2026-09-14,2026-09-13,,,M,A4\n,2026-09-14,,,,M,A5\n6425,2026-09-14,,,,hospital,A6\n";
    let seen = run(mapping, format!("Id,From,To,Out,Back,Why,No\n{rows}")).unwrap();
    expect![[r#"
        2: notice A1 6420 expected_absence 2026-09-14T08:30:00Z to 2026-09-14T10:00:00Z
        3: notice A2 6421 not_attending 2026-09-13T23:00:00Z to 2026-09-14T23:00:00Z
        4: notice A3/2026-09-14 6422 expected_absence 2026-09-13T23:00:00Z to 2026-09-14T23:00:00Z
        4: notice A3/2026-09-15 6422 expected_absence 2026-09-14T23:00:00Z to 2026-09-15T23:00:00Z
        problem: line 5: To: CSV-DATE: must not lie before the first date, nor 60 days or more behind it
        problem: line 6: Id: CSV-ID-BLANK: must not be blank
        problem: line 7: Why: CSV-VALUE: the mapping doesn't say what this value stands for; add it to `values`
    "#]]
    .assert_eq(&seen.show());
}

#[test]
fn support_notes_are_written_for_sharing_and_bounded() {
    let mapping = "format = \"delimited\"\nrows = \"support\"\n[fields]\nlearner = \"Id\"\nneeds = \"Needs\"\nemergency = \"Emergency\"\nlast_date = \"Until\"\n";
    let long = "n".repeat(501);
    let rows = format!("6420,Large print,Ring the desk first,2027-07-20\n6421,{long},,2027-07-20\n");
    let seen = run(mapping, format!("Id,Needs,Emergency,Until\n{rows}")).unwrap();
    expect![[r#"
        2: support 6420 (Large print) (Ring the desk first) until 2027-07-20
        problem: line 3: Needs: CSV-TEXT: is longer than the schema allows; shorten it at the source
    "#]]
    .assert_eq(&seen.show());
    settings(mapping);
}
