//! SIF AU objects as the specification's own examples write them, and ours read back.

use crate::support::{fixture, run};
use commonroll_connectors::{
    render::{MarkRow, RowHead, SifCode, sif_periods, sif_times},
    templates,
};
use commonroll_core::{Revision, SchoolDate};
use expect_test::expect;

fn template() -> &'static str {
    templates::by_name("sif-au").unwrap().text
}

fn object(name: &str) -> String {
    String::from_utf8(fixture(&format!("sif-au/{name}.xml"))).unwrap()
}

#[test]
fn single_objects_of_the_specification_are_read() {
    let mut text = String::new();
    for name in [
        "StudentPersonal_0",
        "StudentSchoolEnrollment_0",
        "StudentPeriodAttendance_0",
        "StudentDailyAttendance_0",
        "StudentAttendanceTimeList_0",
        "StudentAttendanceTimeList_1",
        "StudentAttendanceSummary_0",
        "WellbeingEvent_0",
        "WellbeingEvent_1",
        "WellbeingEvent_2",
        "GradingAssignmentScore_0",
        "StudentGrade_0",
    ] {
        text.push_str(&format!("{name}\n{}", run(template(), object(name)).unwrap().show()));
    }
    expect![[r#"
        StudentPersonal_0
        1: learner 7C834EA9-EDA1-2090-347F-83297E1C290C Home upn= uln= born=1990-09-26 Fred Smith (Sam)
        StudentSchoolEnrollment_0
        problem: line 1: StudentSchoolEnrollment: SIF-NOT-READ: an enrolment alone is not sent; `registration` in the mapping says how the learners stand
        StudentPeriodAttendance_0
        1: 2001-03-05 A75A0010-1A8C-301D-02E3-A05B359D0A00 - key=2001-03-05|A75A0010-1A8C-301D-02E3-A05B359D0A00|P4 NotRequired 802 [northgate/sif-au] 
        StudentDailyAttendance_0
        1: 2002-11-01 D3E34B35-9D75-101A-8C3D-00AA001A1652 - key=2002-11-01|D3E34B35-9D75-101A-8C3D-00AA001A1652|day Absent 200 [northgate/sif-au]  note=Left for Orthodontist appt. and returned to school afterward
        StudentAttendanceTimeList_0
        1: 2002-11-01 D3E34B35-9D75-101A-8C3D-00AA001A1652 - key=2002-11-01|D3E34B35-9D75-101A-8C3D-00AA001A1652|11:00:00 Absent 200 [northgate/sif-au] 2002-11-01T11:00:00Z..2002-11-01T12:05:00Z note=Left for Orthodontist appt. and returned to school afterward
        1: 2002-11-01 D3E34B35-9D75-101A-8C3D-00AA001A1652 - key=2002-11-01|D3E34B35-9D75-101A-8C3D-00AA001A1652|09:00:00 Present 100 [northgate/sif-au] 2002-11-01T09:00:00Z..2002-11-01T11:00:00Z
        1: 2002-11-01 D3E34B35-9D75-101A-8C3D-00AA001A1652 - key=2002-11-01|D3E34B35-9D75-101A-8C3D-00AA001A1652|12:05:00 Present 100 [northgate/sif-au] 2002-11-01T12:05:00Z..2002-11-01T15:30:00Z
        StudentAttendanceTimeList_1
        1: 2002-11-01 D3E34B35-9D75-101A-8C3D-00AA001A1652 - key=2002-11-01|D3E34B35-9D75-101A-8C3D-00AA001A1652|RC 09:00:00 Present 100 [northgate/sif-au] 2002-11-01T09:00:00Z..2002-11-01T15:00:00Z
        1: 2002-11-01 D3E34B35-9D75-101A-8C3D-00AA001A1652 - key=2002-11-01|D3E34B35-9D75-101A-8C3D-00AA001A1652|LA 09:00:00 Late 102 [northgate/sif-au] 2002-11-01T09:00:00Z..2002-11-01T09:30:00Z note=No acceptable excuse given
        1: 2002-11-01 D3E34B35-9D75-101A-8C3D-00AA001A1652 - key=2002-11-01|D3E34B35-9D75-101A-8C3D-00AA001A1652|OC 11:00:00 Absent 200 [northgate/sif-au] 2002-11-01T11:00:00Z..2002-11-01T13:00:00Z note=Student had stomach ache
        1: 2002-11-01 D3E34B35-9D75-101A-8C3D-00AA001A1652 - key=2002-11-01|D3E34B35-9D75-101A-8C3D-00AA001A1652|ED 14:30:00 Absent 205 [northgate/sif-au] 2002-11-01T14:30:00Z..2002-11-01T15:00:00Z note=Seeing the doctor in regards to stomach ache
        1: 2002-11-01 D3E34B35-9D75-101A-8C3D-00AA001A1652 - key=2002-11-01|D3E34B35-9D75-101A-8C3D-00AA001A1652|P1 Late 102 [northgate/sif-au] 2002-11-01T09:00:00Z..2002-11-01T10:00:00Z
        1: 2002-11-01 D3E34B35-9D75-101A-8C3D-00AA001A1652 - key=2002-11-01|D3E34B35-9D75-101A-8C3D-00AA001A1652|P2 Present 100 [northgate/sif-au] 2002-11-01T10:00:00Z..2002-11-01T11:00:00Z
        1: 2002-11-01 D3E34B35-9D75-101A-8C3D-00AA001A1652 - key=2002-11-01|D3E34B35-9D75-101A-8C3D-00AA001A1652|P3 Absent 101 [northgate/sif-au] 2002-11-01T11:00:00Z..2002-11-01T12:00:00Z
        1: 2002-11-01 D3E34B35-9D75-101A-8C3D-00AA001A1652 - key=2002-11-01|D3E34B35-9D75-101A-8C3D-00AA001A1652|P4 Present 100 [northgate/sif-au] 2002-11-01T13:00:00Z..2002-11-01T14:00:00Z
        1: 2002-11-01 D3E34B35-9D75-101A-8C3D-00AA001A1652 - key=2002-11-01|D3E34B35-9D75-101A-8C3D-00AA001A1652|P5 Present 100 [northgate/sif-au] 2002-11-01T14:00:00Z..2002-11-01T15:00:00Z
        StudentAttendanceSummary_0
        problem: line 2: StudentAttendanceSummary: SIF-NOT-READ: totals are not sent: they follow from the marks
        WellbeingEvent_0
        1: 2017-11-01 D3E34B35-9D75-101A-8C3D-00AA001A1652 - key=2FFB63B4-CFEF-4820-8501-E7D1E54555CB|D3E34B35-9D75-101A-8C3D-00AA001A1652 Positive Other "P"  at  role=None points=None action= by=None 
        WellbeingEvent_1
        1: 2017-11-01 D3E34B35-9D75-101A-8C3D-00AA001A1652 - key=Yard-10|D3E34B35-9D75-101A-8C3D-00AA001A1652 Negative Other "M5"  at  role=None points=None action= by=None  +internal
        WellbeingEvent_2
        problem: line 1: GroupIndicator: SIF-NOT-READ: events of a group name nobody; their links to persons are not read
        GradingAssignmentScore_0
        problem: line 1: GradingAssignmentRefId: SIF-ASSIGNMENT: must name a GradingAssignment that is in the same file: it says what the score is out of, and when
        StudentGrade_0
        problem: line 1: StudentGrade: SIF-DATE: a grade of a report has no date: set `grade_date` in the mapping, as YYYY-MM-DD
    "#]]
    .assert_eq(&text);
}

#[test]
fn collections_with_a_namespace_and_their_lookups_are_read() {
    let assignment = object("GradingAssignment_0")
        .replace("359D7510-1AD0-A9D7-A8C3-DAD0A85103A2", "359D7510-1AD0-A9D7-A8C3-DAD0A85105D2");
    let bundle = format!(
        "<s:SIF_Message xmlns:s=\"http://www.sifassociation.org/datamodel/au/3.4\"><GradingAssignmentScores>{}</GradingAssignmentScores>\
         <GradingAssignments>{assignment}</GradingAssignments><StudentGrades>{}</StudentGrades><WellbeingEvents>{}</WellbeingEvents>\
         </s:SIF_Message>",
        object("GradingAssignmentScore_0"),
        object("StudentGrade_0"),
        object("WellbeingEvent_1"),
    );
    let dated = template()
        .replace("# grade_date", "grade_date")
        .replace("[periods]", "categories = { M5 = \"physical\" }\n[periods]");
    let seen = run(&dated, &bundle).unwrap();
    expect![[r#"
        1: 2000-11-25 A75A0010-1A8C-301D-02E3-A05B359D0A00 - key=359D7510-1AD0-A9D7-A8C3-DAD0A85103A2|A75A0010-1A8C-301D-02E3-A05B359D0A00 Assignment 45 on raw-0-100@1  / Pop Quiz / Classroom Test
        33: 2026-07-20 A137D78A-E00B-C744-EF90-F2871CEB90A2 - key=359D7510-1AD0-A9D7-A8C3-DAD0A85103A2|A137D78A-E00B-C744-EF90-F2871CEB90A2 Final C on sif/letter@1  /  / 
        48: 2017-11-01 D3E34B35-9D75-101A-8C3D-00AA001A1652 - key=Yard-10|D3E34B35-9D75-101A-8C3D-00AA001A1652 Negative Physical "M5"  at  role=None points=None action= by=None  +internal
    "#]]
    .assert_eq(&seen.show());
    let other = dated.replace("files = \"*.xml\"", "school = \"another\"");
    assert!(run(&other, &bundle).unwrap().items.is_empty());
    let codeless = "format = \"sif\"";
    assert_eq!(run(codeless, object("StudentPeriodAttendance_0")).unwrap_err().rule(), "MAP-CODES");
    assert_eq!(run(codeless, "<StudentPersonals/>").unwrap_err().rule(), "FILE-NO-ROWS");
    let local = template()
        .replace("set = \"sif-au\"", "set = \"own\"")
        .replace("0 = \"unknown\"", "0 = \"unknown\"\nS = \"absent\"");
    let local = local.replace("covers = \"nothing\"", "local_codes = true");
    let seen = run(&local, object("StudentDailyAttendance_0")).unwrap();
    assert!(seen.show().contains("Absent S [northgate/own]"), "{}", seen.show());
}

/// Shapes as the schema of the data model UK 2.0 has them.
#[test]
fn british_objects_are_read() {
    let text = "<SIF_Message xmlns=\"http://www.sifassociation.org/datamodel/uk/2.0\"><LearnerPersonals><LearnerPersonal RefId=\"A1\">
<PersonalInformation><Name Type=\"C\"><FamilyName>Ashby</FamilyName><GivenName>Imogen</GivenName><PreferredGivenName>Immy</PreferredGivenName></Name>
<Demographics><BirthDate>2008-11-03</BirthDate></Demographics></PersonalInformation><UPN>F860400125001</UPN><ULN>1000000019</ULN>
<ExternalLearnerIdentifierList><ExternalLearnerIdentifier IdentifierType=\"LocalExamNo\">4711</ExternalLearnerIdentifier>
<ExternalLearnerIdentifier IdentifierType=\"UCI\">860400A050001K</ExternalLearnerIdentifier></ExternalLearnerIdentifierList></LearnerPersonal></LearnerPersonals>
<LearnerAttendances><LearnerAttendance RefId=\"B1\" LearnerPersonalRefId=\"A1\" SchoolInfoRefId=\"S1\"><AttendanceDate>2026-09-14</AttendanceDate>
<TimeIn>09:05:00</TimeIn><StartTime>09:00:00</StartTime><FinishTime>10:00:00</FinishTime><Session>AM</Session><AttendanceDomain>Lesson</AttendanceDomain>
<AttendanceCode>L</AttendanceCode><AttendanceNote>Bus</AttendanceNote><SchoolGroupRefId>G1</SchoolGroupRefId></LearnerAttendance>
<LearnerAttendance RefId=\"B2\" LearnerPersonalRefId=\"A1\" SchoolInfoRefId=\"S1\"><AttendanceDate>2026-09-14</AttendanceDate>
<StartTime>10:00:00</StartTime><FinishTime>11:00:00</FinishTime><Session>AM</Session><AttendanceDomain>Lesson</AttendanceDomain>
<AttendanceCode>/</AttendanceCode><SchoolGroupRefId>G2</SchoolGroupRefId></LearnerAttendance>
<LearnerAttendance RefId=\"B3\" LearnerPersonalRefId=\"A1\" SchoolInfoRefId=\"S2\"><AttendanceDate>2026-09-14</AttendanceDate><Session>AM</Session>
<AttendanceCode>/</AttendanceCode></LearnerAttendance></LearnerAttendances>
<LearnerBehaviourIncidents><LearnerBehaviourIncident RefId=\"D1\"><SchoolInfoRefId>S1</SchoolInfoRefId><BehaviourType><Weighting>-2</Weighting>
<Classification>Property Abuse</Classification><SubClassification>Broke a window</SubClassification></BehaviourType><Incident>
<Date>2026-09-14T11:10:00</Date><Location>School Outdoors Non-Class</Location><Comments>by the pond</Comments><Confidentiality>Low</Confidentiality></Incident>
<Participants><Learners><Learner LearnerPersonalRefId=\"A1\"><ParticipationTypes><ParticipationType>Perpetrator</ParticipationType></ParticipationTypes>
<Weighting>-3</Weighting><Actions><Action><Classification>Punishment</Classification><SubClassification>Detention</SubClassification></Action></Actions></Learner>
<Learner LearnerPersonalRefId=\"A2\"><ParticipationTypes><ParticipationType>Witness/Observer</ParticipationType></ParticipationTypes></Learner>
</Learners></Participants></LearnerBehaviourIncident></LearnerBehaviourIncidents></SIF_Message>";
    let mapping = "format = \"sif\"\nschool = \"S1\"\n[codes]\nset = \"ENG-2024\"\n";
    expect![[r#"
        1: learner A1 Home upn=F860400125001 uln=1000000019 born=2008-11-03 Imogen Ashby (Immy)
        6: 2026-09-14 A1 G1 key=2026-09-14|A1|Lesson AM 09:00:00 Late L [ENG-2024] 2026-09-14T08:00:00Z..2026-09-14T09:00:00Z note=Bus
        9: 2026-09-14 A1 G2 key=2026-09-14|A1|Lesson AM 10:00:00 Present / [ENG-2024] 2026-09-14T09:00:00Z..2026-09-14T10:00:00Z
        17: 2026-09-14 A1 - key=D1|A1 Negative PropertyOrTheft "Broke a window" 2026-09-14T10:10:00Z at School Outdoors Non-Class role=Some(Perpetrator) points=Some(-3) action=Detention by=None  +internal
    "#]].assert_eq(&run(mapping, text).unwrap().show());
    // Of several learners nobody did it unless it is said of them; who is alone in it had a part.
    let unsaid = text.replace(
        "<ParticipationTypes><ParticipationType>Witness/Observer</ParticipationType></ParticipationTypes>",
        "",
    );
    let shown = run(mapping, &unsaid).unwrap().show();
    assert!(shown.contains("ParticipationTypes") && !shown.contains("D1|A2"), "{shown}");
    let alone = text.replace(
        "<ParticipationTypes><ParticipationType>Perpetrator</ParticipationType></ParticipationTypes>",
        "",
    );
    let witness = alone.find("<Learner LearnerPersonalRefId=\"A2\">").unwrap();
    let end = witness + alone[witness..].find("</Learner>").unwrap() + "</Learner>".len();
    let shown = run(mapping, format!("{}{}", &alone[..witness], &alone[end..])).unwrap().show();
    assert!(shown.contains("key=D1|A1") && shown.contains("role=Some(Participant)"), "{shown}");
}

/// Without a namespace, and with less than the schema lets be there.
#[test]
fn british_objects_of_older_systems_are_read() {
    let text = "<DataObjects><LearnerPersonal RefId=\"A1\"><UPN>F860400125001</UPN><PersonalInformation><Name><FamilyName>Ashby</FamilyName>\
                <GivenName>Imogen</GivenName></Name><Demographics><BirthDate>2008-11-03</BirthDate></Demographics></PersonalInformation></LearnerPersonal>\
                <LearnerAttendance RefId=\"B1\" LearnerPersonalRefId=\"A1\"><AttendanceDate>2026-09-14</AttendanceDate><Session>AM</Session>\
                <AttendanceCode>/</AttendanceCode></LearnerAttendance>\
                <LearnerAssessmentResult RefId=\"C1\" AssessmentComponentRefId=\"D1\" LearnerPersonalRefId=\"A1\">\
                <AchievementDate>2026-09-14</AchievementDate><Result>B</Result></LearnerAssessmentResult></DataObjects>";
    let mapping = "format = \"sif\"\n[codes]\nset = \"ENG-2024\"\nregister = true\n[periods]\nAM = [\"08:45\", \"12:30\"]\n";
    expect![[r#"
        1: learner A1 Home upn=F860400125001 uln= born=2008-11-03 Imogen Ashby ()
        1: 2026-09-14 A1 - key=2026-09-14|A1|AM Present / [ENG-2024] 2026-09-14T07:45:00Z..2026-09-14T11:30:00Z Present
        1: 2026-09-14 A1 - key=C1|A1 Final B on sif/d1@1  / D1 / 
    "#]]
    .assert_eq(&run(mapping, text).unwrap().show());
}

#[test]
fn attendance_that_we_write_is_read_again() {
    let record = |digit: &str| digit.repeat(32).parse().unwrap();
    let time = |hour, minute| Some(jiff::civil::time(hour, minute, 0, 0));
    let row = |digit: &str, hour: i8, withdrawn| MarkRow {
        head: RowHead {
            record: record(digit),
            revision: Revision::new(1).unwrap(),
            learner: commonroll_core::LocalId::parse("learner", "D3E34B35-9D75").unwrap(),
            source: "northgate".parse().unwrap(),
            date: SchoolDate::from_civil(jiff::civil::date(2026, 9, 14)),
            withdrawn,
        },
        group: "P1".to_owned(),
        start: time(hour, 0),
        end: time(hour, 50),
        session: None,
        mark: "L".to_owned(),
        minutes_late: Some(5),
        comment: "Bus & <fog>".to_owned(),
        decided: false,
    };
    let rows = [row("a", 9, false), row("b", 11, false), row("c", 12, true)];
    let late = |_: &MarkRow| Some(SifCode { code: "111".to_owned(), status: "01".to_owned() });
    let mut text = String::new();
    for xml in [sif_periods(&rows, "SCHOOL-1", &late), sif_times(&rows, "SCHOOL-1", &late)] {
        text.push_str(&run(template(), &xml).unwrap().show());
    }
    expect![[r#"
        3: 2026-09-14 D3E34B35-9D75 - key=2026-09-14|D3E34B35-9D75|P1 Late 111 [northgate/sif-au] 2026-09-14T08:00:00Z..2026-09-14T08:50:00Z note=Bus & <fog>
        19: 2026-09-14 D3E34B35-9D75 - key=2026-09-14|D3E34B35-9D75|P1 Late 111 [northgate/sif-au] 2026-09-14T10:00:00Z..2026-09-14T10:50:00Z note=Bus & <fog>
        3: 2026-09-14 D3E34B35-9D75 - key=2026-09-14|D3E34B35-9D75|09:00:00 Late 111 [northgate/sif-au] 2026-09-14T08:00:00Z..2026-09-14T08:50:00Z note=Bus & <fog>
        3: 2026-09-14 D3E34B35-9D75 - key=2026-09-14|D3E34B35-9D75|11:00:00 Late 111 [northgate/sif-au] 2026-09-14T10:00:00Z..2026-09-14T10:50:00Z note=Bus & <fog>
    "#]]
    .assert_eq(&text);
    assert!(run(template(), sif_periods(&rows, "S", &|_| None)).unwrap_err().rule() == "FILE-NO-ROWS");
}
