//! What an agent writes for its MIS, and what it reads back.

use commonroll_connectors::{
    FileFault, Input, Limits,
    render::{
        AssessmentRow, BehaviourRow, MarkRow, Outcome, RowHead, Session, assessment_csv, behaviour_csv,
        lesson_csv, lesson_xml, read_assessments, read_results, session_csv, session_xml,
    },
};
use commonroll_core::{LocalId, RecordId, Revision};
use expect_test::expect;
use jiff::civil::time;
use std::io::Cursor;

fn head(number: u8, withdrawn: bool) -> RowHead {
    RowHead {
        record: RecordId([number; 16]),
        revision: Revision::new(u32::from(number)).unwrap(),
        learner: LocalId::parse("learner", "6420").unwrap(),
        source: "northgate".parse().unwrap(),
        date: "2026-09-14".parse().unwrap(),
        withdrawn,
    }
}

fn rows() -> Vec<MarkRow> {
    let lesson = MarkRow {
        head: head(1, false),
        group: "12C/Ch1".to_owned(),
        start: Some(time(9, 0, 0, 0)),
        end: Some(time(10, 0, 0, 0)),
        session: Some(Session::Am),
        mark: "L".to_owned(),
        minutes_late: Some(12),
        comment: "=HYPERLINK(\"x\") <b> & \u{201c}bus\u{201d}\r\n".to_owned(),
        decided: false,
    };
    let unmarked = MarkRow {
        mark: "-".to_owned(),
        comment: String::new(),
        minutes_late: None,
        session: None,
        ..lesson.clone()
    };
    let withdrawn = MarkRow { head: head(3, true), ..lesson.clone() };
    vec![lesson, unmarked, withdrawn]
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap().replace('\r', "\u{240d}")
}

#[test]
fn xml_for_programs_keeps_every_character() {
    expect![[r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <LessonAttendances>
          <LessonAttendance><PersonID>6420</PersonID><AttendanceDate>2026-09-14</AttendanceDate><StartTime>09:00</StartTime><EndTime>10:00</EndTime><GroupCode>12C/Ch1</GroupCode><AttendanceMark>L</AttendanceMark><Comments>=HYPERLINK("x") &lt;b&gt; &amp; “bus”&#13;
        </Comments><MinsLate>12</MinsLate><Source>northgate</Source><RecordID>01010101010101010101010101010101</RecordID><Revision>1</Revision><Withdrawn>false</Withdrawn></LessonAttendance>
          <LessonAttendance><PersonID>6420</PersonID><AttendanceDate>2026-09-14</AttendanceDate><StartTime>09:00</StartTime><EndTime>10:00</EndTime><GroupCode>12C/Ch1</GroupCode><AttendanceMark>-</AttendanceMark><Comments></Comments><MinsLate></MinsLate><Source>northgate</Source><RecordID>01010101010101010101010101010101</RecordID><Revision>1</Revision><Withdrawn>false</Withdrawn></LessonAttendance>
          <LessonAttendance><PersonID>6420</PersonID><AttendanceDate>2026-09-14</AttendanceDate><StartTime>09:00</StartTime><EndTime>10:00</EndTime><GroupCode>12C/Ch1</GroupCode><AttendanceMark></AttendanceMark><Comments></Comments><MinsLate></MinsLate><Source>northgate</Source><RecordID>03030303030303030303030303030303</RecordID><Revision>3</Revision><Withdrawn>true</Withdrawn></LessonAttendance>
        </LessonAttendances>
    "#]].assert_eq(&text(lesson_xml(&rows())));
    expect![[r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <SessionAttendances>
          <SessionAttendance><PersonID>6420</PersonID><AttendanceDate>2026-09-14</AttendanceDate><SessionName>AM</SessionName><AttendanceMark>L</AttendanceMark><Comments>=HYPERLINK("x") &lt;b&gt; &amp; “bus”&#13;
        </Comments><MinsLate>12</MinsLate><Source>northgate</Source><RecordID>01010101010101010101010101010101</RecordID><Revision>1</Revision><Withdrawn>false</Withdrawn></SessionAttendance>
          <SessionAttendance><PersonID>6420</PersonID><AttendanceDate>2026-09-14</AttendanceDate><SessionName>AM</SessionName><AttendanceMark></AttendanceMark><Comments></Comments><MinsLate></MinsLate><Source>northgate</Source><RecordID>03030303030303030303030303030303</RecordID><Revision>3</Revision><Withdrawn>true</Withdrawn></SessionAttendance>
        </SessionAttendances>
    "#]].assert_eq(&text(session_xml(&rows())));
}

#[test]
fn csv_for_people_holds_no_formula_and_keeps_a_lone_dash() {
    expect![[r#"
        ﻿RecordID,Revision,PersonID,Source,Date,Withdrawn,StartTime,EndTime,GroupCode,Mark,MinsLate,Comments␍
        01010101010101010101010101010101,1,6420,northgate,2026-09-14,,09:00,10:00,12C/Ch1,L,12,"'=HYPERLINK(""x"") <b> & “bus”␍
        "␍
        01010101010101010101010101010101,1,6420,northgate,2026-09-14,,09:00,10:00,12C/Ch1,-,,␍
        03030303030303030303030303030303,3,6420,northgate,2026-09-14,yes,09:00,10:00,12C/Ch1,,,␍
    "#]].assert_eq(&text(lesson_csv(&rows())));
    expect![[r#"
        ﻿RecordID,Revision,PersonID,Source,Date,Withdrawn,SessionName,Mark,MinsLate,Comments␍
        01010101010101010101010101010101,1,6420,northgate,2026-09-14,,AM,L,12,"'=HYPERLINK(""x"") <b> & “bus”␍
        "␍
        03030303030303030303030303030303,3,6420,northgate,2026-09-14,yes,AM,,,␍
    "#]]
    .assert_eq(&text(session_csv(&rows())));
}

#[test]
fn grades_and_events_have_their_own_columns() {
    let grade = AssessmentRow {
        head: head(4, false),
        subject: "Applied Science".to_owned(),
        title: "Unit 1".to_owned(),
        result_set: "Y12 Aut2".to_owned(),
        kind: "working_at".to_owned(),
        scale: "btec-l3@1".to_owned(),
        aspect: "Working At Grade".to_owned(),
        grade: "M".to_owned(),
        letter: "M".to_owned(),
        comment: "+1 on last term".to_owned(),
        group: "12A/Sc".to_owned(),
    };
    expect![[r#"
        ﻿RecordID,Revision,PersonID,Source,Date,Withdrawn,Subject,Aspect,ResultSet,Kind,Scale,Grade,Comments,Title,GroupCode␍
        04040404040404040404040404040404,4,6420,northgate,2026-09-14,,Applied Science,Working At Grade,Y12 Aut2,working_at,btec-l3@1,M,'+1 on last term,Unit 1,12A/Sc␍
    "#]].assert_eq(&text(assessment_csv(std::slice::from_ref(&grade))));
    let list = assessment_csv(std::slice::from_ref(&grade));
    let input = Input { file_name: "list.csv", reader: &mut Cursor::new(&list), size: list.len() as u64 };
    let read = read_assessments(input, &Limits::default()).unwrap();
    assert!(read == [AssessmentRow { letter: String::new(), ..grade }], "what was written is read back");
    let event = BehaviourRow {
        head: head(5, false),
        time: None,
        polarity: "positive".to_owned(),
        category: "achievement".to_owned(),
        label: "Star of the week".to_owned(),
        sort: "Outstanding Work".to_owned(),
        severity: None,
        location: String::new(),
        role: String::new(),
        action: "Postcard; home".to_owned(),
        status: String::new(),
        text: "@all".to_owned(),
        home_action_by: Some("2026-09-21".parse().unwrap()),
    };
    expect![[r#"
        ﻿RecordID,Revision,PersonID,Source,Date,Withdrawn,Time,Polarity,Category,Label,Severity,Location,Role,Action,Status,Text,HomeActionBy,Type␍
        05050505050505050505050505050505,5,6420,northgate,2026-09-14,,,positive,achievement,Star of the week,,,,"Postcard; home",,'@all,2026-09-21,Outstanding Work␍
    "#]].assert_eq(&text(behaviour_csv(&[event])));
}

#[test]
fn what_the_mis_says_of_each_row_is_read_back() {
    let id = RecordId([7; 16]);
    let file = format!(
        "RecordID,Revision,Status,Message\r\n{id},1,applied,\r\n{id},2,Refused,\"no such person, ever\"\r\n{id},0,ok,\r\n,,,\r\n"
    );
    let (results, problems) = read(file.as_bytes()).unwrap();
    let seen: Vec<_> =
        results.iter().map(|(revision, outcome, message)| (*revision, *outcome, message.as_str())).collect();
    assert_eq!(seen, [(1, Outcome::Applied, ""), (2, Outcome::Refused, "no such person, ever")]);
    assert_eq!(problems, ["line 4: Revision: RESULT-VALUE: must be the number of the row that was written"]);
    assert_eq!(read(b"Id,Status\n1,ok\n").unwrap_err().rule(), "RESULT-CAPTION");
}

type Read = (Vec<(u32, Outcome, String)>, Vec<String>);

fn read(bytes: &[u8]) -> Result<Read, FileFault> {
    let (mut results, mut problems) = (Vec::new(), Vec::new());
    let mut reader = Cursor::new(bytes);
    let input = Input { file_name: "results.csv", reader: &mut reader, size: bytes.len() as u64 };
    read_results(
        input,
        &Limits::default(),
        &mut |result| {
            results.push((result.revision.get(), result.outcome, result.message.as_str().to_owned()))
        },
        &mut |problem| problems.push(problem.to_string()),
    )?;
    Ok((results, problems))
}
