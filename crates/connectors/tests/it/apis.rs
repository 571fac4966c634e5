//! What APIs answer, read by the templates that we ship for them.

use crate::support::run;
use commonroll_connectors::{
    api::{self, Answer, ApiFault, Ask, Finish, Request, Rows, Target},
    templates,
};
use commonroll_core::Timestamp;
use serde_json::json;
use std::collections::BTreeMap;

#[derive(Default)]
struct Kept {
    rows: Vec<String>,
    gone: Vec<String>,
}

impl Rows for Kept {
    fn row(&mut self, _: &str, json: &str) -> Result<(), ApiFault> {
        self.rows.push(json.to_owned());
        Ok(())
    }
    fn gone(&mut self, id: &str) {
        self.gone.push(id.to_owned());
    }
}

/// A question as `path?name=value&..`.
fn shown(request: &Request) -> String {
    let Target::Path(path, query) = &request.target else { panic!("a link") };
    let query: Vec<_> = query.iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!("{path}?{}", query.join("&"))
}

fn talk(
    api: &str,
    records: &str,
    since: Option<&str>,
    mut answers: impl FnMut(&str) -> String,
) -> Result<(Kept, Option<String>), ApiFault> {
    let options = BTreeMap::from([("school".to_owned(), "7".to_owned())]);
    let query = BTreeMap::from([("entityFilter".to_owned(), "mark<>''".to_owned())]);
    let query = if api == "bromcom" { query } else { BTreeMap::new() };
    let now = Timestamp::from_micros("now", 1_789_376_400_000_000).unwrap();
    let mut talk = api::by_name(api).unwrap().begin(&Ask {
        records,
        options: &options,
        query: &query,
        host: "a",
        since,
        now,
    })?;
    let mut kept = Kept::default();
    while let Some(request) = talk.next() {
        let body = answers(&shown(&request));
        talk.answer(&Answer { status: 200, link: None, total: None, body: &body }, &mut kept)?;
    }
    match talk.finish()? {
        Finish::Rows { next } => Ok((kept, next)),
        Finish::Files(_) => panic!("files"),
    }
}

fn read(template: &str, rows: &[String]) -> String {
    let seen = run(templates::by_name(template).unwrap().text, rows.join("\n")).unwrap();
    assert!(seen.problems.is_empty(), "{template}: {}", seen.show());
    seen.show()
}

#[test]
fn ed_fi_is_read_whole_and_then_by_what_changed_and_was_deleted() {
    let student = |n: u32| {
        json!({"id": format!("guid{n}"), "studentUniqueId": n.to_string(), "firstName": "Imogen",
        "lastSurname": "Ashby", "birthDate": "2008-11-03", "_etag": "x"})
    };
    let mut asked = Vec::new();
    let (kept, next) = talk("edfi", "students", None, |question| {
        asked.push(question.to_owned());
        match question {
            "changeQueries/v1/availableChangeVersions?" => {
                "{\"oldestChangeVersion\":0,\"newestChangeVersion\":41}".to_owned()
            }
            "data/v3/ed-fi/students?limit=500&offset=0" => json!([student(1), student(2)]).to_string(),
            _ => "[]".to_owned(),
        }
    })
    .unwrap();
    assert_eq!((next.as_deref(), kept.rows.len(), asked.len()), (Some("42"), 2, 3));
    assert!(read("edfi-students", &kept.rows).contains("learner 1 Home"));

    let (kept, next) = talk("edfi", "students", Some("42"), |question| match question {
        "changeQueries/v1/availableChangeVersions?" => "{\"newestChangeVersion\":50}".to_owned(),
        "data/v3/ed-fi/students?minChangeVersion=42&maxChangeVersion=50&limit=500&offset=0" => {
            json!([student(3)]).to_string()
        }
        "data/v3/ed-fi/students/deletes?minChangeVersion=42&maxChangeVersion=50&limit=500&offset=0" => {
            json!([{"id": "guid1", "changeVersion": 44, "keyValues": {"studentUniqueId": "1"}}]).to_string()
        }
        _ => "[]".to_owned(),
    })
    .unwrap();
    assert_eq!((next.as_deref(), kept.rows.len(), kept.gone), (Some("51"), 1, vec!["guid1".to_owned()]));
}

#[test]
fn an_error_of_ed_fi_that_looks_like_a_success_is_a_fault() {
    let fault = talk("edfi", "students", None, |question| match question {
        "changeQueries/v1/availableChangeVersions?" => "{\"newestChangeVersion\":1}".to_owned(),
        _ => "{\"message\":\"no\"}".to_owned(),
    });
    assert_eq!(fault.err().unwrap().rule, "API-ENVELOPE");
}

#[test]
fn ed_fi_attendance_and_incidents_are_read_by_their_templates() {
    let uri = |name: &str, value: &str| format!("uri://ed-fi.org/{name}Descriptor#{value}");
    let event = json!({"id": "e1", "attendanceEventCategoryDescriptor": uri("AttendanceEventCategory", "Tardy"),
        "eventDate": "2026-09-14", "arrivalTime": null, "schoolReference": {"schoolId": 7},
        "studentReference": {"studentUniqueId": "604822", "link": {"href": "x"}}});
    let text = read("edfi-attendance", &[event.to_string()]);
    assert!(text.contains("604822"), "{text}");
    let with_section = json!({"id": "e2", "attendanceEventCategoryDescriptor": uri("AttendanceEventCategory", "Unexcused Absence"),
        "eventDate": "2026-09-14", "sectionReference": {"sectionIdentifier": "12A/As1"},
        "studentReference": {"studentUniqueId": "604822"}});
    assert!(read("edfi-lessons", &[with_section.to_string()]).contains("12A/As1"));

    let (kept, next) = talk("edfi", "studentDisciplineIncidentBehaviorAssociations", Some("9"), |question| {
        let rows = if question.contains("availableChangeVersions") {
            return "{\"newestChangeVersion\":50}".to_owned();
        } else if !question.ends_with("offset=0") {
            json!([])
        } else if question.contains("/disciplineIncidents") {
            json!([{"id": "i1", "incidentIdentifier": "17", "incidentDate": "2026-10-02", "incidentTime": "11:10:00",
                "schoolReference": {"schoolId": 7}, "reporterName": "canary"}])
        } else {
            let part = |id: &str, incident: &str| {
                json!({"id": id, "behaviorDescriptor": uri("Behavior", "Disruption"),
                    "disciplineIncidentReference": {"incidentIdentifier": incident, "schoolId": 7},
                    "studentReference": {"studentUniqueId": "604822"}, "behaviorDetailedDescription": "long story"})
            };
            json!([part("a0", "16"), part("a1", "17")])
        };
        rows.to_string()
    })
    .unwrap();
    assert_eq!(next, None, "laid together out of two lists, so always whole");
    let seen = run(templates::by_name("edfi-discipline").unwrap().text, kept.rows.join("\n")).unwrap();
    let text = seen.show();
    assert_eq!(
        (seen.problems.len(), seen.problems[0].place.unwrap().line),
        (1, 1),
        "its incident is gone: {text}"
    );
    assert!(text.contains("2026-10-02") && !kept.rows.concat().contains("canary"), "{text}");

    let score = json!({"id": "s1", "studentAssessmentIdentifier": "sa1", "administrationDate": "2026-05-01T00:00:00Z",
        "assessmentReference": {"assessmentIdentifier": "SAT"}, "studentReference": {"studentUniqueId": "604822"},
        "scoreResults": [{"assessmentReportingMethodDescriptor": uri("M", "Raw"), "result": "34"},
            {"assessmentReportingMethodDescriptor": uri("M", "Percentile"), "result": "80"}]});
    let text = read("edfi-assessments", &[score.to_string()]);
    assert_eq!(text.lines().count(), 2, "{text}");
}

#[test]
fn wondes_session_marks_go_out_without_comments_and_without_those_that_we_wrote() {
    use commonroll_connectors::Item;
    use commonroll_core::Body;
    let tag = "[cr:0123456789abcdef0123456789abcdef.1=B]";
    let mark = |id: &str, code: &str, comment: &str| {
        json!({"id": id, "date": {"date": "2026-09-14 00:00:00.000000", "timezone_type": 3, "timezone": "UTC"}, "session": "AM",
            "comment": comment, "attendance_code": {"data": {"code": code}}, "student": {"data": {"id": id}}})
    };
    let answer = |question: &str| {
        let data = match question {
            "schools/7/?" => json!({"id": "7"}),
            question if question.contains("deletions") => json!([]),
            _ => json!([
                mark("A1", "I", "canary: mother rang"),
                mark("A2", "B", &format!("northgate 09:00 {tag}")),
                mark("A3", "I", &format!("northgate 09:00 {tag}")),
            ]),
        };
        json!({"data": data, "meta": {"pagination": {"next": null}}}).to_string()
    };
    let (kept, _) = talk("wonde", "attendance/session", None, answer).unwrap();
    assert_eq!(kept.rows.len(), 2, "what an officer made of ours is the school's own");
    let seen = run(templates::by_name("wonde-sessions").unwrap().text, kept.rows.join("\n")).unwrap();
    assert!(seen.problems.is_empty() && seen.items.len() == 2, "{}", seen.show());
    for (_, item) in &seen.items {
        let Item::Record(draft) = item else { panic!("no record") };
        let Body::Attendance(mark) = &draft.body else { panic!("no mark") };
        assert!(mark.note.is_none(), "the office's words stay in the school");
    }
    let (kept, _) = talk("wonde", "attendance/session", Some("2026-09-14 09:00:00"), answer).unwrap();
    assert_eq!(kept.gone, ["A2"], "what stood there before is gone");
}

#[test]
fn bromcom_is_asked_in_its_own_words_until_a_page_is_not_full() {
    let mut asked = Vec::new();
    let (kept, _) = talk("bromcom", "BasicAttendance", None, |question| {
        asked.push(question.to_owned());
        json!({"success": "True", "data": [{"studentId": 31, "calendarStartDate": "2026-09-14T00:00:00",
            "mark": "/", "periodDisplayName": "AM", "attendanceComment": null}]})
        .to_string()
    })
    .unwrap();
    assert_eq!(asked, ["BasicAttendance?schoolId=7&entityFilter=mark<>''{page:0}"]);
    assert!(read("bromcom-attendance", &kept.rows).contains("31"));
    let no = talk("bromcom", "BasicAttendance", None, |_| "{\"success\":false,\"data\":[]}".to_owned());
    assert_eq!(no.err().unwrap().rule, "BROMCOM-NO-SUCCESS");
    let no = talk("bromcom", "BasicAttendance", None, |_| "{\"success\":true}".to_owned());
    assert_eq!(no.err().unwrap().rule, "API-ENVELOPE");
}

#[test]
fn bromcoms_internal_comment_is_only_ever_the_internal_comment() {
    use commonroll_connectors::Item;
    use commonroll_core::Body;
    let event = json!({"eventRecordId": 5, "studentId": 31, "eventId": 2, "classId": 9, "locationId": 1,
        "eventDate": "2026-10-02T11:10:00", "adjustment": -1, "comment": "canary", "internalComment": "not for others"});
    let seen = run(templates::by_name("bromcom-behaviour").unwrap().text, event.to_string()).unwrap();
    assert!(seen.problems.is_empty(), "{}", seen.show());
    let Item::Record(draft) = &seen.items[0].1 else { panic!("no record") };
    let Body::Behaviour(behaviour) = &draft.body else { panic!("no behaviour") };
    assert_eq!(behaviour.internal_comment.as_ref().unwrap().as_str(), "not for others");
    assert!(behaviour.share_safe_text.is_none());
}

#[test]
fn arbors_redundant_marks_are_left_out() {
    let mark = |redundant: bool, code: &str| {
        json!({"id": 1, "student": {"id": 31}, "attendanceMark": {"code": code},
        "startDatetime": "2026-09-14 09:00:00", "endDatetime": "2026-09-14 10:00:00", "isRedundant": redundant,
        "minutesLate": null, "recordNote": null}).to_string()
    };
    let text = read("arbor-attendance", &[mark(true, "N"), mark(false, "/")]);
    assert_eq!(text.lines().filter(|line| !line.starts_with("covers")).count(), 1, "{text}");
}

#[test]
fn an_answer_that_was_whole_once_is_refused_when_it_says_that_there_is_more() {
    let ask = |link: Option<&str>, total: Option<u64>, body: &str| {
        let options = BTreeMap::from([("list".to_owned(), "rows".to_owned())]);
        let now = Timestamp::from_micros("now", 1_789_376_400_000_000).unwrap();
        let of =
            Ask { records: "marks", options: &options, query: &BTreeMap::new(), host: "a", since: None, now };
        let mut talk = api::by_name("json").unwrap().begin(&of).unwrap();
        assert_eq!(shown(&talk.next().unwrap()), "marks?");
        let mut kept = Kept::default();
        talk.answer(&Answer { status: 200, link, total, body }, &mut kept).map(|()| {
            assert!(talk.next().is_none());
            kept.rows.len()
        })
    };
    let whole = r#"{"rows":[{"id":1},{"id":2}],"next":null,"total":2}"#;
    assert_eq!(ask(None, None, whole), Ok(2));
    assert_eq!(ask(Some("<https://a/marks>; rel=\"first\""), Some(2), whole), Ok(2));
    for (link, total, body) in [
        (None, None, r#"{"rows":[{"id":1},{"id":2}],"nextCursor":"canary"}"#),
        (None, None, r#"{"meta":{"total":130},"rows":[{"id":1},{"id":2}]}"#),
        (None, Some(130), whole),
        (Some("<https://a/marks?page=2>; rel=\"next\""), None, whole),
    ] {
        let fault = ask(link, total, body).unwrap_err();
        assert_eq!((fault.rule, fault.again), ("API-PAGES-MORE", false), "{body}");
        assert!(!fault.fix.contains("canary"), "{}", fault.fix);
    }
}
