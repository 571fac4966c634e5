//! A roster over OneRoster REST: signed in by OAuth, read to its end, and read by the connector as any package.

use crate::{
    fake_mis::{FakeMis, Reply},
    rig::{School, taken},
    wonde::{asked, fetch_once, only_ours},
};
use commonroll_agent::{
    fetch::{Outcome, Round},
    telling,
};
use serde_json::json;
use std::fs;

#[tokio::test]
async fn a_roster_over_rest_is_a_package_that_the_connector_reads() {
    let mut users = 3;
    let mis = FakeMis::start(move |question, _| {
        if question.path == "/token" {
            return Reply::json("{\"access_token\":\"t\",\"expires_in\":3600}");
        }
        if question.header("authorization") != "Bearer t" {
            return Reply::status(401);
        }
        let at = |id: &str| json!({"sourcedId": id});
        let list = question.path.rsplit('/').next().unwrap();
        let rows = match list {
            "orgs" => json!([{"sourcedId": "o1", "name": "Northgate", "type": "school"}]),
            "academicSessions" => json!([{"sourcedId": "t1", "title": "Autumn", "type": "term", "startDate": "2026-09-01",
                "endDate": "2026-12-18", "schoolYear": "2026"}]),
            "courses" => json!([{"sourcedId": "c1", "title": "Science", "org": at("o1")}]),
            "classes" => json!([{"sourcedId": "k1", "title": "12A", "classType": "scheduled", "course": at("c1"),
                "school": at("o1"), "terms": [at("t1")]}]),
            "users" => {
                let user = |n| json!({"sourcedId": format!("u{n}"), "givenName": "Imogen", "familyName": "Ashby",
                    "password": "canary", "roles": [{"role": "student", "roleType": "primary", "org": at("o1")}]});
                if question.number("offset") == Some(0) { users += 1 }
                let mut all: Vec<_> = (1..users.min(5)).map(user).collect();
                if users > 6 {
                    all.push(json!({"sourcedId": "u9", "roles": [{"role": "student", "roleType": "primary", "org": at("o1")}]}));
                }
                json!(all)
            }
            _ => json!([]),
        };
        let offset = question.number("offset").unwrap();
        let page: Vec<_> = rows.as_array().unwrap().iter().skip(offset).take(2).collect();
        Reply::json(json!({list: page}).to_string()).with("x-total-count", rows.as_array().unwrap().len().to_string())
    })
    .await;
    let secret = mis.files.path().join("secret");
    fs::write(&secret, "s").unwrap();
    only_ours(&secret);
    let more = format!(
        "[connection.roster]\nkind = \"http\"\napi = \"oneroster\"\naddress = \"{0}\"\nuser = \"c\"\n\
         credentials = \"{1}\"\ntoken_address = \"{0}/token\"\n\
         [[source]]\nname = \"asked\"\nfrom = \"roster\"\nrecords = \"rostering\"\nconnector = \"oneroster\"\n",
        mis.address,
        secret.display()
    );
    let mut school = School::with("northgate", &more).await;
    assert!(matches!(fetch_once(&school).await, Round::Done(Outcome::Written(_))));
    let seen = school.look().await;
    let roster = taken(&seen["oneroster.zip"]);
    assert_eq!((roster.declared, roster.problem_count), (4, 0), "three learners and a group: {seen:?}");
    let package = fs::read(asked(&school).folder.join("oneroster.zip")).unwrap();
    assert!(!String::from_utf8_lossy(&package).contains("canary"));
    assert!(matches!(fetch_once(&school).await, Round::Done(Outcome::Written(_))), "one more learner");
    assert_eq!(taken(&school.look().await["oneroster.zip"]).declared, 1);
    assert!(
        matches!(fetch_once(&school).await, Round::Done(Outcome::Unchanged)),
        "the same answers, the same package"
    );

    // A learner with neither name: each cell is told of, and one row is kept back.
    assert!(matches!(fetch_once(&school).await, Round::Done(Outcome::Written(_))));
    assert_eq!(taken(&school.look().await["oneroster.zip"]).problem_count, 2);
    let told = telling::sources(&school.spool, &school.settings).await.unwrap();
    let asked = told.iter().find(|one| one.name == "asked").unwrap();
    assert_eq!(asked.kept.iter().map(|kept| kept.rows).sum::<u64>(), 1, "{:?}", asked.kept);
}
