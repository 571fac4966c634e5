//! Ed-Fi files: the standard's own samples, byte for byte.

use crate::support::{fixture, mark, run};
use commonroll_core::record::attendance::Physical;
use expect_test::expect;

const PLAIN: &str = "format = \"edfi\"";

fn first_lines(text: &str, lines: usize) -> String {
    text.lines().take(lines).flat_map(|line| [line, "\n"]).collect()
}

#[test]
fn late_marks_become_marks_without_an_invented_time() {
    let seen = run(PLAIN, fixture("edfi/StudentSectionAttendance-Tardy.xml")).unwrap();
    assert_eq!((seen.items.len(), seen.problems.len(), seen.scopes.len()), (66, 0, 0));
    for (_, item) in &seen.items {
        let presence = mark(item).presence.as_ref().unwrap();
        assert!(
            presence.physical == Physical::Late
                && presence.interval.is_none()
                && presence.minutes_late.is_none()
        );
    }
    expect![[r#"
        3: 2022-03-07 604945 25590110702Trad201MATH0322011 key=2022-03-07|604945|25590110702Trad201MATH0322011| Late Tardy [ed-fi/AttendanceEventCategory] 
        44: 2022-03-07 604952 25590110702Trad201MATH0322011 key=2022-03-07|604952|25590110702Trad201MATH0322011| Late Tardy [ed-fi/AttendanceEventCategory] 
    "#]].assert_eq(&first_lines(&seen.show(), 2));
}

#[test]
fn minutes_late_are_read_only_if_the_mapping_says_what_the_duration_means() {
    let mapping =
        "format = \"edfi\"\nduration = \"minutes_late\"\nschool = \"255901107\"\ncovers = \"dates\"";
    let seen = run(mapping, fixture("edfi/StudentSectionAttendance-Tardy.xml")).unwrap();
    let minutes: u32 =
        seen.items.iter().filter_map(|(_, item)| mark(item).presence.as_ref()?.minutes_late).sum();
    assert_eq!((seen.items.len(), minutes), (66, 890));
    let other = mapping.replace("255901107", "255901044");
    let none = run(&other, fixture("edfi/StudentSectionAttendance-Tardy.xml")).unwrap();
    assert!(none.items.is_empty() && none.scopes.is_empty());
}

#[test]
fn incidents_become_one_record_for_each_learner_without_the_others() {
    let mapping = "format = \"edfi\"\n[categories]\n\"State Offense\" = \"property_or_theft\"";
    let seen = run(mapping, fixture("edfi/StudentDiscipline.xml")).unwrap();
    assert_eq!(seen.items.len(), 21);
    assert_eq!(seen.rules(), ["EDFI-NOT-READ", "EDFI-NOT-READ"]);
    expect![[r#"
        781: 2021-10-18 605266 - key=255901001|10|605266|State Offense Negative PropertyOrTheft "State Offense" 2021-10-18T08:00:00Z at Parking lot role=Some(Perpetrator) points=None action=In School Suspension by=None  +internal
        793: 2022-03-31 605265 - key=255901001|11|605265|School Code of Conduct Negative Other "School Code of Conduct" 2022-03-31T13:20:00Z at School bus role=Some(Perpetrator) points=None action=In School Suspension by=None 
        803: 2021-10-21 604892 - key=255901001|12|604892|School Code of Conduct Negative Other "School Code of Conduct" 2021-10-21T14:10:00Z at Classroom role=Some(Perpetrator) points=None action=In School Suspension by=None 
        813: 2022-01-28 605121 - key=255901001|13|605121|School Code of Conduct Negative Other "School Code of Conduct" 2022-01-28T09:05:00Z at Library/media center role=Some(Perpetrator) points=None action=In School Suspension by=None 
    "#]].assert_eq(&first_lines(&seen.show(), 4));
    let one =
        run("format = \"edfi\"\nschool = [\"255901107\"]", fixture("edfi/StudentDiscipline.xml")).unwrap();
    assert_eq!(one.items.len(), 2);
}

#[test]
fn scores_and_levels_become_results_on_scales_of_their_own() {
    let seen = run(PLAIN, fixture("edfi/StudentAssessment-SAT.xml")).unwrap();
    assert_eq!((seen.items.len(), seen.problems.len()), (117 + 18, 0));
    expect![[r#"
        9: 2021-05-01 605472 - key=0CR2jJB43489mQDoOsxHJh7qGfZ8x4OUuyIm+/IK|National College-Bound Percentile Final 89 on sat-critical-reading/national-college-bound-percentile@1  / SAT Critical Reading / 2021-2022
        14: 2021-05-01 605472 - key=0CR2jJB43489mQDoOsxHJh7qGfZ8x4OUuyIm+/IK|Raw score Final 650 on sat-critical-reading/raw-score@1  / SAT Critical Reading / 2021-2022
        19: 2021-05-01 605472 - key=0CR2jJB43489mQDoOsxHJh7qGfZ8x4OUuyIm+/IK|State College-Bound Percentile Final 92 on sat-critical-reading/state-college-bound-percentile@1  / SAT Critical Reading / 2021-2022
        25: 2021-05-01 605472 - key=0CR2jJB43489mQDoOsxHJh7qGfZ8x4OUuyIm+/IK|SAT College Readiness Level Indicator Final Met Standard on sat-critical-reading/sat-college-readiness-level-indicator@1  / SAT Critical Reading / 2021-2022
    "#]].assert_eq(&first_lines(&seen.show(), 4));
}

#[test]
fn students_become_learners_and_a_mapping_can_choose_among_them() {
    let seen = run(PLAIN, fixture("edfi/Student.xml")).unwrap();
    assert_eq!((seen.items.len(), seen.rules(), seen.scopes.len()), (960, vec!["EDFI-NOT-READ"], 1));
    let mapping = "format = \"edfi\"\nlearners = [\"604821\", \"604822\"]\nregistration = \"guest\"";
    let seen = run(mapping, fixture("edfi/Student.xml")).unwrap();
    expect![[r#"
        3: learner 604821 Guest upn= uln= born=2014-11-13 Tyrone Dyer (Ty)
        16: learner 604822 Guest upn= uln= born=2008-09-13 Lisa Woods (Lisarae)
        problem: line 11136: Person: EDFI-NOT-READ: elements of this name are not read
        covers: Learners
    "#]]
    .assert_eq(&seen.show());
}

#[test]
fn a_class_period_gives_a_time_and_a_second_event_of_a_lesson_is_told() {
    let event = |category: &str| {
        format!(
            "<StudentSectionAttendanceEvent><AttendanceEvent><EventDate>2026-10-26</EventDate>\
             <AttendanceEventCategory>uri://ed-fi.org/AttendanceEventCategoryDescriptor#{category}</AttendanceEventCategory>\
             </AttendanceEvent><StudentReference><StudentIdentity><StudentUniqueId>s1</StudentUniqueId></StudentIdentity>\
             </StudentReference><SectionReference><SectionIdentity><SectionIdentifier>m&amp;1</SectionIdentifier>\
             </SectionIdentity></SectionReference><ClassPeriodReference><ClassPeriodIdentity>\
             <ClassPeriodName>P1</ClassPeriodName></ClassPeriodIdentity></ClassPeriodReference></StudentSectionAttendanceEvent>"
        )
    };
    let xml = format!(
        "<InterchangeStudentAttendance>\n{}\n{}\n{}</InterchangeStudentAttendance>",
        event("Unexcused Absence"),
        event("Tardy"),
        event("Asleep")
    );
    let seen = run("format = \"edfi\"\n[periods]\nP1 = [\"09:00\", \"10:00\"]", xml).unwrap();
    expect![[r#"
        2: 2026-10-26 s1 m&1 key=2026-10-26|s1|m&1|P1 Absent UnexcusedAbsence [ed-fi/AttendanceEventCategory] 2026-10-26T09:00:00Z..2026-10-26T10:00:00Z
        problem: line 3: AttendanceEvent: EDFI-TWICE: is a second event of the same lesson; keep the one that says where the learner was
        problem: line 4: AttendanceEvent: EDFI-TWICE: is a second event of the same lesson; keep the one that says where the learner was
    "#]].assert_eq(&seen.show());
}
