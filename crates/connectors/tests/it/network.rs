//! iSAMS and Arbor over the network: what is asked, what is kept, and what is never taken for all there is.

use crate::support::run;
use commonroll_connectors::{
    api::{self, Answer, ApiFault, Ask, Finish, Request, Rows, Target},
    templates,
};
use commonroll_core::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[derive(Default)]
struct Kept(Vec<String>);

impl Rows for Kept {
    fn row(&mut self, _: &str, json: &str) -> Result<(), ApiFault> {
        self.0.push(json.to_owned());
        Ok(())
    }

    fn gone(&mut self, _: &str) {}
}

fn talk(
    (api, records): (&str, &str),
    query: &[(&str, &str)],
    mut answers: impl FnMut(&Request) -> Value,
) -> Result<Vec<String>, ApiFault> {
    let query = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let now = Timestamp::from_micros("now", 1_789_376_400_000_000).unwrap();
    let ask = Ask { records, options: &BTreeMap::new(), query: &query, host: "a", since: None, now };
    let mut talk = api::by_name(api).unwrap().begin(&ask)?;
    let mut kept = Kept::default();
    while let Some(request) = talk.next() {
        let body = answers(&request).to_string();
        talk.answer(&Answer { status: 200, link: None, total: None, body: &body }, &mut kept)?;
    }
    let Finish::Rows { next: None } = talk.finish()? else { panic!("it can't be asked for changes") };
    Ok(kept.0)
}

fn read(template: &str, rows: &[String]) -> String {
    let seen = run(templates::by_name(template).unwrap().text, rows.join("\n")).unwrap();
    assert!(seen.problems.is_empty(), "{template}: {}", seen.show());
    assert!(!seen.items.is_empty(), "{template}");
    seen.show()
}

fn rule(found: Result<Vec<String>, ApiFault>) -> (&'static str, bool) {
    let fault = found.unwrap_err();
    assert!(!fault.fix.contains("canary"), "{}", fault.fix);
    (fault.rule, fault.again)
}

fn pupil(n: usize) -> Value {
    json!({"id": n, "schoolId": format!("00{n}"), "surname": "Ashby", "forename": "Imogen", "preferredName": "Immy",
        "dob": "2009-05-01T00:00:00", "uniquePupilNumber": null, "systemStatus": "Current", "religion": "canary",
        "homeAddresses": [{"address1": "canary"}], "mobileNumber": "canary", "personalEmailAddress": "canary"})
}

/// Five pupils, two a page.
fn isams(asked: &Request) -> (usize, Value) {
    let Target::Path(path, query) = &asked.target else { panic!("a link") };
    assert_eq!((path.as_str(), asked.body.as_ref()), ("api/students", None));
    let page: usize = query.iter().find(|(name, _)| name == "page").unwrap().1.parse().unwrap();
    let students: Vec<Value> = ((page - 1) * 2..5).take(2).map(pupil).collect();
    let answer = json!({"count": students.len(), "page": page, "pageSize": 2, "totalCount": 5, "totalPages": 3, "students": students});
    (page, answer)
}

const STUDENTS: (&str, &str) = ("isams", "students");

#[test]
fn isams_is_read_page_by_page_and_nothing_of_a_learner_is_kept_that_is_not_read() {
    let mut pages = Vec::new();
    let rows = talk(STUDENTS, &[("pageSize", "2")], |asked| {
        let (page, answer) = isams(asked);
        pages.push(page);
        answer
    })
    .unwrap();
    assert_eq!((pages, rows.len()), (vec![1, 2, 3], 5));
    assert!(!rows.concat().contains("canary"), "{rows:?}");
    let text = read("isams-students", &rows);
    assert!(text.contains("004") && text.contains("2009-05-01"), "{text}");
}

#[test]
fn a_list_of_isams_that_changes_while_it_is_read_or_is_none_is_never_taken_for_all() {
    type Spoil = fn(usize, &mut Value);
    let cases: [(Spoil, &str, bool); 7] = [
        (
            |page, answer| {
                if page == 2 {
                    answer["totalCount"] = json!(6)
                }
            },
            "API-PAGES-CHANGED",
            true,
        ),
        (
            |page, answer| {
                if page == 2 {
                    answer["students"][0] = pupil(0)
                }
            },
            "API-PAGES-CHANGED",
            true,
        ),
        (
            |page, answer| {
                if page == 3 {
                    answer["students"] = json!([])
                }
            },
            "API-PAGES-CHANGED",
            true,
        ),
        (
            |page, answer| {
                if page == 2 {
                    answer["students"] = json!([])
                }
            },
            "API-PAGES-CHANGED",
            true,
        ),
        (
            |page, answer| {
                if page == 2 {
                    answer["page"] = json!(1)
                }
            },
            "API-PAGES-CHANGED",
            true,
        ),
        (|_, answer| *answer = json!({"message": "canary"}), "API-ENVELOPE", false),
        (|_, answer| *answer = json!({"students": []}), "API-ENVELOPE", false),
    ];
    for (spoil, said, again) in cases {
        let found = talk(STUDENTS, &[], |asked| {
            let (page, mut answer) = isams(asked);
            spoil(page, &mut answer);
            answer
        });
        assert_eq!(rule(found), (said, again));
    }
    let found = talk(STUDENTS, &[], |asked| {
        let (_, mut answer) = isams(asked);
        answer["students"][0]["schoolId"] = Value::Null;
        answer
    });
    assert_eq!(rule(found).0, "API-ROW-ID");
}

/// The query that was asked, and its page.
fn arbor(asked: &Request) -> (String, usize) {
    let Target::Path(path, query) = &asked.target else { panic!("a link") };
    assert_eq!((path.as_str(), query.len()), ("graphql/query", 0));
    let body: Value = serde_json::from_str(asked.body.as_ref().unwrap()).unwrap();
    let query = body["query"].as_str().unwrap().to_owned();
    let (_, page) = query.split_once("page_num: ").unwrap();
    let page = page.chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap();
    (query, page)
}

fn mark(n: usize) -> Value {
    json!({"id": n, "startDatetime": "2026-09-14 09:00:00", "endDatetime": "2026-09-14 10:00:00", "minutesLate": null,
        "recordNote": null, "isRedundant": n % 2 == 1, "student": {"id": 31 + n}, "attendanceMark": {"code": "/"}})
}

#[test]
fn arbor_is_asked_in_a_query_of_our_own_until_nothing_is_behind_its_last_page() {
    let mut asked = Vec::new();
    let rows = talk(("arbor", "attendance"), &[("academicYear", "2026 \"x\"")], |request| {
        let (query, page) = arbor(request);
        let of = size(&query);
        asked.push(query);
        marks(page * of..502, of)
    })
    .unwrap();
    assert_eq!((asked.len(), rows.len()), (5, 502));
    assert!(asked[3].starts_with("{ AttendanceRecord(page_size: 1, page_num: 502, "), "{}", asked[3]);
    assert!(asked[4].starts_with("{ AttendanceRecord(page_size: 500, page_num: 2, "), "{}", asked[4]);
    assert!(
        asked[2].starts_with("{ AttendanceRecord(page_size: 1, page_num: 499, academicYear:"),
        "{}",
        asked[2]
    );
    assert!(
        asked[1].starts_with(
            "{ AttendanceRecord(page_size: 500, page_num: 1, academicYear: \"2026 \\\"x\\\"\") { id "
        ),
        "{}",
        asked[1]
    );
    assert!(!asked[0].contains("narrative") && asked[0].contains("attendanceMark { code }"));
    let text = read("arbor-attendance", &rows[..2]);
    assert_eq!(
        text.lines().filter(|line| !line.starts_with("covers")).count(),
        1,
        "the redundant one is left out: {text}"
    );

    let learner = json!({"id": 31, "uniqueLearnerNumber": 1_000_000_019, "person": {"legalFirstName": "Imogen",
        "legalLastName": "Ashby", "preferredFirstName": null, "dateOfBirth": "2009-05-01"}});
    let rows = talk(("arbor", "students"), &[], |asked| first("Student", &json!([learner]), asked)).unwrap();
    assert!(read("arbor-students", &rows).contains("2009-05-01"));
    let part = json!({"id": 5, "student": {"id": 31}, "behaviouralIncident": {"id": 9, "incidentDatetime": "2026-10-02 11:10:00",
        "narrative": "long story", "behaviour": {"behaviourName": "Disruption"}}});
    let rows = talk(("arbor", "behaviour"), &[], |asked| {
        first("BehaviouralIncidentStudentInvolvement", &json!([part]), asked)
    })
    .unwrap();
    assert!(read("arbor-behaviour", &rows).contains("Disruption"));
}

/// Rows that all stand on the first page.
fn first(entity: &str, rows: &Value, asked: &Request) -> Value {
    let (query, page) = arbor(asked);
    let rows = if size(&query) == 500 && page == 0 { rows.clone() } else { json!([]) };
    json!({"data": { entity: rows }})
}

fn size(query: &str) -> usize {
    if query.contains("page_size: 500") { 500 } else { 1 }
}

fn marks(of: std::ops::Range<usize>, most: usize) -> Value {
    json!({"data": {"AttendanceRecord": of.take(most).map(mark).collect::<Vec<_>>()}})
}

#[test]
fn a_mark_that_is_removed_or_added_between_two_pages_of_arbor_loses_no_other() {
    // Where the rows behind the first page begin by then: one is gone before them, one more is there, none has moved.
    for (begins, moved) in [(1, true), (-1, true), (0, false)] {
        let found = talk(("arbor", "attendance"), &[], |request| {
            let (query, page) = arbor(request);
            let (of, shift) = (size(&query), if page == 0 { 0 } else { begins });
            marks((page * of).checked_add_signed(shift).unwrap()..502, of)
        });
        if moved {
            assert_eq!(rule(found), ("API-PAGES-CHANGED", true), "{begins}");
        } else {
            assert_eq!(found.unwrap().len(), 502);
        }
    }
}

#[test]
fn a_page_of_arbor_that_is_shorter_than_asked_for_is_never_taken_for_the_last() {
    type Serve = fn(usize, usize) -> Vec<usize>;
    let servers: [(&str, Serve); 3] = [
        ("at most 100 a page, counted as asked for", |page, of| (page * of..130).take(of.min(100)).collect()),
        ("at most 100 a page, counted as given", |page, of| {
            (page * of.min(100)..130).take(of.min(100)).collect()
        }),
        ("one row of the first page may not be read", |page, of| {
            (page * of..600).take(of).filter(|n| *n != 499).collect()
        }),
    ];
    for (what, serve) in servers {
        let found = talk(("arbor", "attendance"), &[], |request| {
            let (query, page) = arbor(request);
            let rows: Vec<Value> = serve(page, size(&query)).into_iter().map(mark).collect();
            json!({"data": {"AttendanceRecord": rows}})
        });
        assert_eq!(rule(found), ("ARBOR-PAGES", true), "{what}");
    }
}

#[test]
fn what_arbor_says_beside_errors_or_without_its_list_is_never_taken() {
    let marks = ("arbor", "attendance");
    let one = json!([mark(0)]);
    let cases = [
        (
            json!({"data": {"AttendanceRecord": one}, "errors": [{"message": "canary: you do not have access"}]}),
            "ARBOR-ERRORS",
        ),
        (json!({"data": {"AttendanceRecord": one}, "errors": "canary"}), "ARBOR-ERRORS"),
        (json!({"data": {"AttendanceRecord": one}, "errors": ["canary"]}), "ARBOR-ERRORS"),
        (json!({"data": {"AttendanceRecord": []}, "errors": {"message": "canary"}}), "ARBOR-ERRORS"),
        (json!({"data": {"AttendanceRecord": []}, "errors": 1}), "ARBOR-ERRORS"),
        (json!([{"data": {"AttendanceRecord": []}}]), "API-ENVELOPE"),
        (json!({"data": {"AttendanceRecord": null}}), "API-ENVELOPE"),
        (json!({"data": {"Student": []}}), "API-ENVELOPE"),
        (json!({"message": "canary"}), "API-ENVELOPE"),
        (json!({"data": {"AttendanceRecord": [{"startDatetime": "x"}]}}), "API-ROW-ID"),
        (json!({"data": {"AttendanceRecord": [mark(0), mark(0)]}}), "API-PAGES-CHANGED"),
    ];
    for (answer, said) in cases {
        assert_eq!(rule(talk(marks, &[], |_| answer.clone())).0, said);
    }
    for none in [json!([]), Value::Null] {
        let rows = talk(marks, &[], |asked| {
            let mut answer = first("AttendanceRecord", &one, asked);
            answer["errors"] = none.clone();
            answer
        });
        assert_eq!(rows.unwrap().len(), 1, "{none} names no errors");
    }
    let found = talk(marks, &[("x) { id } Person(y", "1")], |_| panic!("it is asked"));
    assert_eq!(rule(found).0, "API-OPTION");
}
