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
        problem: line 7: Mark: ATT-OLD-CODE: this code was withdrawn on 2024-08-19; re-code the mark at its source: C if exceptional, else G
    "#]]
    .assert_eq(&seen.show());
    assert!(settings(SESSIONS).mapping.unwrap().is_for("anything.csv"));
}

#[test]
fn lines_that_the_console_writes_for_a_decided_code_work_at_the_end_of_a_mapping() {
    // As crates/hub/src/console/pages/readiness/lines.rs writes them.
    let lines = "# At the end of the file:\n[[codes.row]]\nsource_code = \"Z9\"\nmeaning = \"not in the room\"\n\
                 physical = \"absent\"\ncounts = \"N\"\n";
    let row = "Learner,Class,Date,From,To,Mark\n1,A,14/09/2026,09:00,10:00,Z9\n";
    let before = run(&lessons(), row).unwrap();
    assert!(before.items.is_empty() && before.show().contains("ATT-UNKNOWN-CODE"), "{}", before.show());
    let seen = run(&format!("{}\n{lines}", lessons()), row).unwrap();
    assert!(
        seen.show().contains("1 A key=") && seen.show().contains("Absent Z9 [northgate/usage]"),
        "{}",
        seen.show()
    );

    let national =
        format!("{SESSIONS}\n{lines}").parse::<commonroll_connectors::Mapping>().unwrap_err().to_string();
    assert!(national.contains("must stay out with ENG-2024"), "{national}");
}

/// A college's own marks, lesson by lesson, from a spreadsheet.
const LESSONS: &str = r#"
format = "delimited"
rows = "attendance"
date_format = "dd/mm/yyyy"
ignore = "*"
[codes]
set = "usage"
marks = { "/" = "present", "l" = "late", "O" = "absent", "X" = "not_required", "-" = "unknown" }
[fields]
learner = "Learner"
group = "Class"
date = "Date"
start = "From"
end = "To"
mark = "Mark"
"#;

fn lessons() -> String {
    LESSONS.replace("ignore = \"*\"", "ignore = [\"*\"]")
}

#[test]
fn every_encoding_and_separator_reads_the_same() {
    let text = "Learner;Class;Date;From;To;Mark;Surname\r\nMü-1;12É/Ph1;14/09/2026;9:00;10:15;l;O’Neill\r\n";
    let wide = |text: &str| text.encode_utf16().collect::<Vec<u16>>();
    let little: Vec<u8> = wide(text).iter().flat_map(|unit| unit.to_le_bytes()).collect();
    let big: Vec<u8> = wide(text).iter().flat_map(|unit| unit.to_be_bytes()).collect();
    let western =
        text.replace('’', "\u{1}").chars().map(|c| if c == '\u{1}' { 0x92 } else { c as u8 }).collect();
    let files: [(&str, Vec<u8>); 8] = [
        ("utf-8", text.as_bytes().to_vec()),
        ("utf-8 with its mark", [b"\xef\xbb\xbf", text.as_bytes()].concat()),
        ("utf-16 le with its mark", [b"\xff\xfe".as_slice(), &little].concat()),
        ("utf-16 be with its mark", [b"\xfe\xff".as_slice(), &big].concat()),
        ("utf-16 le", little),
        ("windows-1252", western),
        ("commas", text.replace(';', ",").into_bytes()),
        ("tabs", text.replace(';', "\t").into_bytes()),
    ];
    for (name, file) in files {
        let seen = run(&lessons(), &file).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        assert_eq!(
            seen.show(),
            "2: 2026-09-14 Mü-1 12É/Ph1 key=2026-09-14|Mü-1|12É/Ph1|09:00:00 Late l [northgate/usage] \
             2026-09-14T08:00:00Z..2026-09-14T09:15:00Z\ncovers: Day(Attendance, SchoolDate(2026-09-14))\n",
            "{name}"
        );
    }
}

#[test]
fn a_wrong_encoding_is_refused_before_the_first_mark() {
    let file =
        b"Learner;Class;Date;From;To;Mark\n1;A;14/09/2026;9:00;10:00;/\n2;\xe9;14/09/2026;9:00;10:00;/\n";
    let declared = lessons().replace("rows =", "encoding = \"utf-8\"\nrows =");
    let fault = run(&declared, file).unwrap_err();
    assert_eq!((fault.rule(), fault.line()), ("FILE-ENCODING", Some(1)));
    assert!(fault.fix().contains("encoding"), "{fault}");
    let undefined = run(&lessons(), b"Learner\n\x81\xe9\n").unwrap_err();
    assert_eq!(undefined.rule(), "FILE-ENCODING");
}

#[test]
fn clock_changes_keep_the_school_date_and_real_time() {
    let file = "Learner,Class,Date,From,To,Mark\n\
                1,A,24/10/2026,09:00,10:00,/\n1,A,25/10/2026,01:30,02:30,/\n1,A,26/10/2026,09:00,10:00,/\n\
                1,A,28/03/2027,01:30,03:00,/\n";
    expect![[r#"
        2: 2026-10-24 1 A key=2026-10-24|1|A|09:00:00 Present / [northgate/usage] 2026-10-24T08:00:00Z..2026-10-24T09:00:00Z
        3: 2026-10-25 1 A key=2026-10-25|1|A|01:30:00 Present / [northgate/usage] 2026-10-25T00:30:00Z..2026-10-25T02:30:00Z
        4: 2026-10-26 1 A key=2026-10-26|1|A|09:00:00 Present / [northgate/usage] 2026-10-26T09:00:00Z..2026-10-26T10:00:00Z
        5: 2027-03-28 1 A key=2027-03-28|1|A|01:30:00 Present / [northgate/usage] 2027-03-28T01:30:00Z..2027-03-28T02:00:00Z
        covers: Day(Attendance, SchoolDate(2026-10-24))
        covers: Day(Attendance, SchoolDate(2026-10-25))
        covers: Day(Attendance, SchoolDate(2026-10-26))
        covers: Day(Attendance, SchoolDate(2027-03-28))
    "#]].assert_eq(&run(&lessons(), file).unwrap().show());
}

#[test]
fn a_mark_without_a_time_gets_none_and_half_a_time_is_a_problem() {
    let file = "Learner,Class,Date,From,To,Mark\n1,A,14/09/2026,,,/\n2,A,14/09/2026,09:00,,/\n3,A,14/09/2026,10:00,09:00,/\n\
                4,A,14/09/2026,9.00,10.00,/\n5,A,14/09/2026,,,?\n6,A,14/09/2026\n";
    expect![[r#"
        2: 2026-09-14 1 A key=2026-09-14|1|A| Present / [northgate/usage] 
        problem: line 3: From: CSV-TIME: needs an end, or a length in minutes that ends on the same day
        problem: line 4: CSV-TIME: must lie after the start, by 24 hours at most
        problem: line 5: From: CSV-TIME: must be a time of day written as HH:MM
        problem: line 6: Mark: ATT-UNKNOWN-CODE: the code table has no such code; add it to the table or correct it at its source
        problem: line 7: CSV-CELLS: has more or fewer cells than the first line; look for a separator or quotation mark in a cell
    "#]].assert_eq(&run(&lessons(), file).unwrap().show());
}

#[test]
fn an_id_column_blanked_by_sims_is_a_configuration_error() {
    let mut file = "PersonID,UPN,Surname,AttDate,Session,Mark,MinsLate,Comment\n".to_owned();
    (0..50).for_each(|_| file.push_str(",,Ashby,2026-09-14,AM,/,,\n"));
    let fault = run(SESSIONS, &file).unwrap_err();
    assert_eq!(fault.rule(), "CSV-ID-BLANK-ALL");
    file.push_str("6420,,Ashby,2026-09-14,AM,/,,\n");
    let seen = run(SESSIONS, &file).unwrap();
    assert_eq!((seen.items.len(), seen.problems.len(), seen.scopes.len()), (1, 50, 0));
}

#[test]
fn captions_must_be_there_once_and_unknown_ones_are_told_once() {
    let rule = |file: &str| run(SESSIONS, file).map(|seen| seen.show()).unwrap_err().rule();
    assert_eq!(rule("PersonID,AttDate,Session\n1,2026-09-14,AM\n"), "CSV-CAPTION-MISSING");
    assert_eq!(rule("PersonID,PersonID,AttDate,Session,Mark,MinsLate,Comment\n"), "CSV-CAPTION-TWICE");
    let seen =
        run(SESSIONS, "PersonID,AttDate,Session,Mark,MinsLate,Comment,Postcode,SEN\n1,2026-09-14,AM,/,,,,\n")
            .unwrap();
    assert_eq!(
        seen.problems.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["line 1: CSV-COLUMN-UNKNOWN: not read: `Postcode`, `SEN`; map them, or list them under `ignore`"]
    );
}

#[test]
fn the_marks_of_a_home_register_carry_their_legal_side() {
    let register = SESSIONS.replace("set = \"ENG-2024\"", "set = \"ENG-2024\"\nregister = true");
    let seen = run(
        &register,
        "PersonID,AttDate,Session,Mark,MinsLate,Comment\n1,2026-09-14,AM,C2,,\n2,2026-09-14,PM,\\,,\n",
    )
    .unwrap();
    expect![[r#"
        2: 2026-09-14 1 - key=2026-09-14|1|AM Absent C2 [ENG-2024] 2026-09-14T07:45:00Z..2026-09-14T11:30:00Z AuthorisedAbsence
        3: 2026-09-14 2 - key=2026-09-14|2|PM Present \ [ENG-2024] 2026-09-14T12:15:00Z..2026-09-14T14:30:00Z Present
        covers: Day(Attendance, SchoolDate(2026-09-14))
    "#]].assert_eq(&seen.show());
}

#[test]
fn upns_of_before_are_read_however_they_are_kept_apart_and_a_temporary_one_beside_todays_is_one_of_them() {
    let mapping = "format = \"delimited\"\nrows = \"learners\"\n[fields]\nlearner = \"Id\"\nsurname = \"Last\"\nforename = \"First\"\n\
                   upn = \"UPN\"\nformer_upn = \"Old\"\ntemporary_upn = \"Temp\"\n";
    let file = format!(
        "Id,First,Last,UPN,Old,Temp\n1,Imogen,Ashby,F860400125001,D860400125017; B801200005001,\n\
         2,Ben,Cole,D860400125017,,R86040012500A\n3,Al,Dee,,D860400125017/F860400125001,R86040012500A\n\
         4,Di,Eve,F860400125001,{},\n5,Eli,Fay,R86040012500A,,R86040012500A\n",
        "see letter of 3/9; D860400125017"
    );
    expect![[r#"
        2: learner 1 Home upn=F860400125001 uln= born= Imogen Ashby () was D860400125017 was B801200005001
        3: learner 2 Home upn=D860400125017 uln= born= Ben Cole () was R86040012500A
        4: learner 3 Home upn=R86040012500A uln= born= Al Dee () was D860400125017 was F860400125001
        5: learner 4 Home upn=F860400125001 uln= born= Di Eve () was D860400125017
        6: learner 5 Home upn=R86040012500A uln= born= Eli Fay ()
        covers: Learners
    "#]]
    .assert_eq(&run(mapping, file).unwrap().show());
}

#[test]
fn people_groups_and_placements_are_declared() {
    let learners = "format = \"delimited\"\nrows = \"learners\"\n[fields]\nlearner = \"Id\"\nsurname = \"Last\"\nforename = \"First\"\n\
                    upn = \"UPN\"\nbirth_date = \"DOB\"\nregistration = { column = \"Status\", values = { Main = \"C\", Visitor = \"G\" } }\n";
    let file = "Id,First,Last,UPN,DOB,Status\n0042,Imogen,Ashby,F860400125001,2008-11-03,Main\n7,Ben,Cole,,,Visitor\n8,Al,Dee,,,?\n";
    expect![[r#"
        2: learner 0042 Home upn=F860400125001 uln= born=2008-11-03 Imogen Ashby ()
        3: learner 7 Guest upn= uln= born= Ben Cole ()
        problem: line 4: Status: CSV-VALUE: the mapping doesn't say what this value stands for; add it to `values`
    "#]].assert_eq(&run(learners, file).unwrap().show());
    assert_eq!(run(learners, "Id,First,Last,UPN,DOB,Status\n").unwrap_err().rule(), "FILE-NO-ROWS");
    let groups =
        "format = \"delimited\"\nrows = \"groups\"\n[fields]\ngroup = \"Code\"\ncourse_title = \"Title\"\n";
    expect![[r#"
        2: group 12C/Ch1 Chemistry A level / 
        covers: Groups
    "#]]
    .assert_eq(&run(groups, "Code,Title\n12C/Ch1,Chemistry A level\n").unwrap().show());
    let placements = "format = \"delimited\"\nrows = \"placements\"\n[fields]\nlearner = \"Id\"\nhost = { column = \"At\", values = { \
                      \"Northgate College\" = \"northgate\" } }\ngroup = \"Class\"\nfirst_date = \"From\"\nlast_date = \"To\"\n";
    let file = "Id,At,Class,From,To\n42,Northgate College,12C/Ch1,2026-09-01,2027-07-16\n43,Northgate College,,2026-09-01,2026-08-01\n";
    expect![[r#"
        2: placement 42 at northgate group 12C/Ch1 2026-09-01 to 2027-07-16
        problem: line 3: To: CSV-DATE: must not lie before first_date
    "#]]
    .assert_eq(&run(placements, file).unwrap().show());
    let acceptances = "format = \"delimited\"\nrows = \"acceptances\"\n[fields]\nlearner = \"Id\"\nhome = { const = \"ridgeway\" }\n\
                       first_date = \"From\"\nlast_date = \"To\"\n";
    expect![[r#"
        2: acceptance 9 from ridgeway group * 2026-09-01 to 2027-07-16
        covers: Acceptances
    "#]]
    .assert_eq(&run(acceptances, "Id,From,To\n9,2026-09-01,2027-07-16\n").unwrap().show());
    let ends = "format = \"delimited\"\nrows = \"ends\"\n[fields]\nlearner = \"Id\"\nother = \"With\"\nfrom_date = \"Day\"\nfrom_time = \"At\"\n";
    expect![[r#"
        2: end 9 with ridgeway from 2026-10-02T11:00:00Z
    "#]]
    .assert_eq(&run(ends, "Id,With,Day,At\n9,ridgeway,2026-10-02,12:00\n").unwrap().show());
}

#[test]
fn behaviour_rows_keep_the_sources_words_and_an_internal_comment_apart() {
    let mapping = r#"
format = "delimited"
rows = "behaviour"
[fields]
learner = "PersonID"
event = "IncidentID"
date = "Date"
time = "Time"
label = "Type"
polarity = { const = "negative" }
category = { column = "Type", values = { Disruption = "low_level_disruption" }, other = "other" }
location = "Location"
role = { column = "Role", values = { Aggressor = "perpetrator", Target = "victim" } }
points = "Points"
action = "Action"
home_action_by = "ActionDate"
internal_comment = "Comments"
"#;
    let file = "PersonID,IncidentID,Type,Date,Time,Location,Role,Points,Action,ActionDate,Comments\n\
                6420,88123,Disruption,2026-10-02,11:10,Classroom,Aggressor,-1,Detention,2026-10-05,Repeatedly off task\n\
                6421,88124,Truancy,2026-10-02,,,Bystander,1,,,\n";
    expect![[r#"
        2: 2026-10-02 6420 - key=88123|6420 Negative LowLevelDisruption "Disruption" 2026-10-02T10:10:00Z at Classroom role=Some(Perpetrator) points=Some(-1) action=Detention by=Some("2026-10-05")  +internal
        problem: line 3: Role: CSV-VALUE: the mapping doesn't say what this value stands for; add it to `values`
    "#]].assert_eq(&run(mapping, file).unwrap().show());
}

/// The README's examples are mappings that work.
#[test]
fn every_mapping_of_the_readme_is_read() {
    let readme = std::fs::read_to_string(format!("{}/README.md", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let blocks = readme.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let examples: Vec<&str> = blocks.filter(|block| block.starts_with("format")).collect();
    assert!(examples.len() >= 5);
    for example in examples {
        settings(example);
    }
    let file = "PersonID,UPN,Surname,AttDate,Session,Mark,MinsLate,Comment\n6420,F860400125001,Ashby,2026-09-14,AM,L,12,Bus\n";
    let worked = readme.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let seen = run(worked, file).unwrap();
    assert_eq!((seen.items.len(), seen.problems.len(), seen.scopes.len()), (1, 0, 1));
}

#[test]
fn a_mapping_that_cannot_be_right_names_its_setting() {
    let wrong = |text: &str| text.parse::<commonroll_connectors::Mapping>().unwrap_err().to_string();
    assert!(wrong("format = \"xls\"").contains("`format`"));
    assert!(wrong(&SESSIONS.replace("mark = \"Mark\"", "")).contains("fields.mark"));
    assert!(
        wrong(&SESSIONS.replace("mark = \"Mark\"", "mark = \"Mark\"\ngrade = \"G\""))
            .contains("fields.grade")
    );
    assert!(wrong(&SESSIONS.replace("set = \"ENG-2024\"", "set = \"usage\"")).contains("codes.marks"));
    assert!(
        wrong(&SESSIONS.replace("\"PersonID\"", "{ const = \"1\", column = \"Id\" }"))
            .contains("fields.learner")
    );
    assert!(wrong(&SESSIONS.replace("[codes]\nset = \"ENG-2024\"", "")).contains("codes"));
}

#[test]
fn staff_are_declared_once_with_all_the_groups_that_they_teach() {
    let mapping = "format = \"delimited\"\nrows = \"staff\"\nskip_if_blank = [\"Teacher\"]\n[fields]\nstaff = \"Teacher\"\ngroup = \"Class\"\n";
    let timetable = "Teacher,Class\nVAN,12B/Ma1\nQUI,13A/Bi1\nVAN,12C/Ma2\n,12D/Cover\nVAN,12B/Ma1\nPLU,\n";
    let seen = run(mapping, timetable).unwrap();
    expect![[r#"
        7: staff PLU teaches 
        3: staff QUI teaches 13A/Bi1
        2: staff VAN teaches 12B/Ma1 12C/Ma2
        covers: Staff
    "#]]
    .assert_eq(&seen.show());

    let long = format!("Teacher,Class\nVAN,12B/Ma1\nQUI,13A/Bi1\nVAN,{}\n", "x".repeat(65));
    let seen = run(mapping, long).unwrap();
    expect![[r#"
        3: staff QUI teaches 13A/Bi1
        problem: line 4: Class: CSV-ID: must have 1 to 64 characters
    "#]]
    .assert_eq(&seen.show());

    let many: String = (0..201).map(|n| format!("VAN,{n}\n")).collect();
    let seen = run(mapping, format!("Teacher,Class\n{many}QUI,1\n")).unwrap();
    assert_eq!((seen.items.len(), seen.rules()), (1, vec!["CSV-STAFF-GROUPS"]));
    assert_eq!(
        run(mapping, "Teacher,Class\n").unwrap_err().rule(),
        "FILE-NO-ROWS",
        "an empty timetable is a failed export"
    );
}
