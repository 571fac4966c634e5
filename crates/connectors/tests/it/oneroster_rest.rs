//! OneRoster over REST, held against an API description that somebody else wrote.

use crate::support::{fixture, run};
use commonroll_connectors::api::{self, Answer, ApiFault, Ask, Finish, Rows, Target};
use commonroll_core::Timestamp;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const MAPPING: &str = "format = \"oneroster\"\n";

struct Nowhere;

impl Rows for Nowhere {
    fn row(&mut self, _: &str, _: &str) -> Result<(), ApiFault> {
        panic!("rows go into the package")
    }
    fn gone(&mut self, _: &str) {}
}

/// Talks until the end; `answers` gives the body for a path and an offset.
fn talk(
    options: &[(&str, &str)],
    records: &str,
    mut answers: impl FnMut(&str, usize) -> String,
) -> Result<Vec<u8>, ApiFault> {
    let options: BTreeMap<String, String> =
        options.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let now = Timestamp::from_micros("now", 1_789_376_400_000_000).unwrap();
    let ask = Ask { records, options: &options, query: &BTreeMap::new(), host: "a", since: None, now };
    let mut talk = api::by_name("oneroster").unwrap().begin(&ask)?;
    while let Some(request) = talk.next() {
        let Target::Path(path, query) = request.target else { panic!("a link") };
        let offset = query.iter().find(|(name, _)| name == "offset").unwrap().1.parse().unwrap();
        let body = answers(&path, offset);
        talk.answer(&Answer { status: 200, link: None, total: None, body: &body }, &mut Nowhere)?;
    }
    match talk.finish()? {
        Finish::Files(mut files) => Ok(files.remove(0).1),
        Finish::Rows { .. } => panic!("rows"),
    }
}

fn list(path: &str) -> &str {
    path.rsplit('/').next().unwrap()
}

/// A consortium's school as a server of 1.2 gives it.
fn school(list: &str) -> Value {
    let at = |id: &str| json!({"href": "x", "sourcedId": id, "type": "x"});
    match list {
        "orgs" => json!([{"sourcedId": "o1", "status": "active", "dateLastModified": "2026-09-01T08:00:00Z",
            "name": "Northgate", "type": "school", "identifier": "860"}]),
        "academicSessions" => {
            json!([{"sourcedId": "t1", "status": "active", "title": "Autumn", "type": "term",
            "startDate": "2026-09-01", "endDate": "2026-12-18", "schoolYear": "2026-2027"}])
        }
        "courses" => json!([{"sourcedId": "c1", "title": "Applied Science", "org": at("o1")}]),
        "classes" => {
            json!([{"sourcedId": "k1", "title": "12A/As1", "classCode": "12A", "classType": "scheduled",
            "course": at("c1"), "school": at("o1"), "terms": [at("t1")], "subjects": ["Science"], "grade": ["12"]}])
        }
        "users" => json!([
            {"sourcedId": "u1", "status": "active", "enabledUser": true, "givenName": "Imogen", "familyName": "Ashby",
                "username": "canary", "password": "canary", "phone": "canary", "agents": [at("u3")],
                "roles": [{"role": "student", "roleType": "primary", "org": at("o1")}], "primaryOrg": at("o1")},
            {"sourcedId": "u2", "givenName": "Tom", "familyName": "Ward",
                "roles": [{"role": "teacher", "roleType": "primary", "org": at("o1")}]},
            {"sourcedId": "u3", "givenName": "canary", "familyName": "canary", "roles": [{"role": "parent"}]}]),
        "demographics" => json!([{"sourcedId": "u1", "birthDate": "2008-11-03", "sex": "female"}]),
        "enrollments" => json!([
            {"sourcedId": "e1", "user": at("u1"), "class": at("k1"), "school": at("o1"), "role": "student",
                "beginDate": "2026-09-01T00:00:00.000Z", "endDate": null, "primary": false},
            {"sourcedId": "e2", "user": at("u2"), "class": at("k1"), "school": at("o1"), "role": "teacher"},
            {"sourcedId": "e3", "user": at("u3"), "class": at("k1"), "school": at("o1"), "role": "guardian"}]),
        "categories" => json!([{"sourcedId": "g1", "title": "Essay"}]),
        "lineItems" => json!([{"sourcedId": "l1", "title": "Essay 1", "assignDate": "2026-10-01T00:00:00Z",
            "dueDate": "2026-10-08", "class": at("k1"), "category": at("g1"), "school": at("o1"),
            "resultValueMin": 0.0, "resultValueMax": 20.0}]),
        "results" => json!([{"sourcedId": "r1", "lineItem": at("l1"), "student": at("u1"), "class": at("k1"),
            "scoreStatus": "fully graded", "score": 14, "scoreDate": "2026-10-09"}]),
        other => panic!("{other} was not to be asked for"),
    }
}

fn envelope(path: &str, offset: usize) -> String {
    let all = school(list(path));
    // Two rows a page, whatever was asked for.
    let rows: Vec<&Value> = all.as_array().unwrap().iter().skip(offset).take(2).collect();
    json!({list(path): rows}).to_string()
}

#[test]
fn a_server_of_1_2_becomes_a_package_without_a_problem() {
    let zip = talk(&[], "rostering+gradebook", envelope).unwrap();
    let seen = run(MAPPING, &zip).unwrap();
    assert!(seen.problems.is_empty(), "{}", seen.show());
    let text = seen.show();
    assert!(text.contains("learner u1 Home") && text.contains("born=2008-11-03"), "{text}");
    assert!(text.contains("group k1 12A/As1 / Science"), "{text}");
    assert!(!text.contains("u3"), "parents are nobody's business: {text}");
    assert_eq!(seen.items.len(), 4, "learner, group, staff, result: {text}");
    assert_eq!(
        talk(&[], "rostering+gradebook", envelope).unwrap(),
        zip,
        "the same answers make the same bytes"
    );
    let whole = String::from_utf8_lossy(&zip);
    assert!(!whole.contains("canary"));
}

#[test]
fn a_server_of_1_1_says_the_role_with_the_user() {
    let answers = |path: &str, offset: usize| {
        assert!(path.starts_with("ims/oneroster/v1p1/"), "{path}");
        if list(path) != "users" || offset > 0 {
            return envelope(path, offset);
        }
        let at = json!({"sourcedId": "o1", "type": "org"});
        let users = json!([
            {"sourcedId": "u1", "givenName": "Imogen", "familyName": "Ashby", "role": "student", "orgs": [at], "enabledUser": "true"},
            {"sourcedId": "u2", "givenName": "Tom", "familyName": "Ward", "role": "teacher", "orgs": [at], "enabledUser": "true"}]);
        json!({"users": users}).to_string()
    };
    let answers = |path: &str, offset: usize| match (list(path), offset) {
        ("users", 1..) => "{\"users\":[]}".to_owned(),
        _ => answers(path, offset),
    };
    let zip = talk(&[("version", "1.1")], "rostering", answers).unwrap();
    let seen = run(MAPPING, &zip).unwrap();
    assert!(seen.problems.is_empty(), "{}", seen.show());
    assert!(seen.show().contains("learner u1 Home"), "{}", seen.show());
}

#[test]
fn a_success_that_is_none_and_a_server_without_users_are_faults() {
    let rule = |result: Result<Vec<u8>, ApiFault>| result.unwrap_err().rule;
    assert_eq!(rule(talk(&[], "rostering", |_, _| "{}".to_owned())), "API-ENVELOPE");
    assert_eq!(
        rule(talk(&[], "rostering", |_, _| "{\"imsx_codeMajor\":\"success\"}".to_owned())),
        "API-ENVELOPE"
    );
    let empty = |path: &str, _| json!({list(path): []}).to_string();
    assert_eq!(rule(talk(&[], "rostering", empty)), "OR-REST-EMPTY");
    assert_eq!(rule(talk(&[("version", "2")], "rostering", envelope)), "API-OPTION");
}

/// Of the description: each path with the key of its envelope, and each schema with its members.
fn described() -> (BTreeMap<String, String>, BTreeMap<String, BTreeSet<String>>) {
    let text = String::from_utf8(fixture("oneroster-openapi/edfi-oneroster-swagger.yml")).unwrap();
    let (mut envelopes, mut schemas) = (BTreeMap::new(), BTreeMap::<String, BTreeSet<String>>::new());
    let (mut path, mut schema) = (String::new(), None);
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        let name = line.trim().trim_matches('"').trim_end_matches(':').trim_matches('"');
        let is_key = line.trim_end().ends_with(':');
        if indent == 2 && is_key {
            name.clone_into(&mut path);
            schema = None;
        } else if path == "schemas" && indent == 4 && is_key {
            schema = Some(name.to_owned());
        } else if path == "schemas" && indent == 8 && is_key {
            schemas.entry(schema.clone().unwrap()).or_default().insert(name.to_owned());
        } else if path.starts_with("/ims") && indent == 18 && is_key && !path.contains('{') {
            envelopes.insert(path.trim_start_matches('/').to_owned(), name.to_owned());
        }
    }
    (envelopes, schemas)
}

#[test]
fn paths_envelopes_and_members_are_those_of_somebody_elses_description() {
    let (envelopes, schemas) = described();
    assert_eq!((envelopes.len(), schemas.len()), (12, 13), "the description was read");
    let mut asked = BTreeSet::new();
    talk(&[], "rostering", |path, offset| {
        asked.insert(path.to_owned());
        envelope(path, offset)
    })
    .unwrap();
    for path in &asked {
        assert_eq!(envelopes.get(path).map(String::as_str), Some(list(path)), "{path}");
    }
    // Every member that our example uses is one of the description's, but for what the standard itself has and this server
    // doesn't give.
    let not_given = ["enabledUser", "primaryOrg", "status", "dateLastModified"];
    for (list, schema) in [
        ("orgs", "org"),
        ("academicSessions", "academicSession"),
        ("courses", "course"),
        ("classes", "class"),
        ("users", "user"),
        ("demographics", "demographic"),
        ("enrollments", "enrollment"),
    ] {
        for row in school(list).as_array().unwrap() {
            for member in
                row.as_object().unwrap().keys().filter(|member| !not_given.contains(&member.as_str()))
            {
                assert!(schemas[schema].contains(member), "{schema}.{member}");
            }
        }
    }
}
