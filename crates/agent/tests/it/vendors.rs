//! iSAMS and Arbor as their clients know them: signing in, and what goes wrong on the way, told in words with nothing lost.

use crate::{
    fake_mis::{Asked, FakeMis, Reply},
    rig::{Dice, School, read, taken},
    wonde::{Still, only_ours},
};
use commonroll_agent::fetch::{self, Outcome, Round};
use serde_json::json;
use std::{
    fs,
    sync::{Arc, Mutex},
};

/// A school that asks this MIS for learners.
async fn school(mis: &FakeMis, api: &str, template: &str) -> School {
    let folder = mis.files.path();
    let text = commonroll_connectors::templates::by_name(template).unwrap().text;
    fs::write(folder.join("mapping.toml"), text).unwrap();
    let secret = folder.join("secret");
    fs::write(&secret, "tok-canary\n").unwrap();
    only_ours(&secret);
    let more = format!(
        "[connection.mis]\nkind = \"http\"\napi = \"{api}\"\naddress = \"{}\"\nuser = \"client\"\ncredentials = \"{}\"\n\
         [[source]]\nname = \"asked\"\nfrom = \"mis\"\nrecords = \"students\"\nmapping = \"{}\"\n",
        mis.address,
        secret.display(),
        folder.join("mapping.toml").display()
    );
    School::with("northgate", &more).await
}

async fn fetch(school: &School) -> Round {
    let clock = Arc::new(Still(school.now)) as Arc<dyn commonroll_agent::Clock>;
    let rng = Arc::new(Dice) as Arc<dyn commonroll_agent::Randomness>;
    let fetchers = fetch::fetchers(&school.settings, &clock, &rng).unwrap();
    let source = school.settings.sources.iter().find(|source| source.name == "asked").unwrap();
    fetch::round(source, &*fetchers["asked"], &school.spool, school.today()).await.unwrap()
}

fn failed(round: Round) -> String {
    let Round::Failed(fault) = round else { panic!("{round:?}") };
    let text = fault.to_string();
    assert!(!text.contains("canary") && !text.contains("127.0.0.1"), "{text}");
    text
}

/// What it says next, and the length of its list.
#[derive(Default)]
struct Held {
    say: Option<u16>,
    refuses: bool,
    grows: bool,
}

/// Client and secret as OAuth's and HTTP's basic sign-in has them: `client:tok-canary`.
const BASIC: &str = "Basic Y2xpZW50OnRvay1jYW5hcnk=";

fn isams(held: &Held, asked: &Asked) -> Reply {
    if let Some(status) = held.say {
        return Reply::status(status).with("retry-after", "600");
    }
    match asked.path.as_str() {
        "/auth/connect/token" if held.refuses || asked.header("authorization") != BASIC => Reply::status(400),
        "/auth/connect/token" => Reply::json("{\"access_token\":\"t1\",\"expires_in\":3600}"),
        "/api/students" if asked.header("authorization") == "Bearer t1" => {
            let page = asked.number("page").unwrap();
            let total = if held.grows && page == 2 { 3 } else { 2 };
            let pupil = json!({"schoolId": format!("00{page}"), "surname": "Ashby", "forename": "Imogen", "dob": "2009-05-01",
                "religion": "canary"});
            Reply::json(
                json!({"page": page, "totalPages": 2, "totalCount": total, "students": [pupil]}).to_string(),
            )
        }
        _ => Reply::status(401),
    }
}

#[tokio::test]
async fn isams_learners_arrive_and_what_goes_wrong_takes_none_of_them_away() {
    let held = Arc::new(Mutex::new(Held::default()));
    let answers = held.clone();
    let mis = FakeMis::start(move |asked, _| isams(&answers.lock().unwrap(), asked)).await;
    let mut school = school(&mis, "isams", "isams-students").await;
    assert!(matches!(fetch(&school).await, Round::Done(Outcome::Written(_))));
    let folder = school.settings.sources.iter().find(|s| s.name == "asked").unwrap().folder.clone();
    assert!(!read(&folder.join("students.jsonl")).contains("canary"), "what isn't read is never on the disk");
    assert_eq!(taken(&school.look().await["students.jsonl"]).declared, 2);
    for (spoil, said) in [
        (Held { refuses: true, ..Held::default() }, "TOKEN-REFUSED"),
        (Held { say: Some(429), ..Held::default() }, "HTTP-BUSY"),
        (Held { say: Some(403), ..Held::default() }, "TOKEN-REFUSED"),
        (Held { grows: true, ..Held::default() }, "API-PAGES-CHANGED"),
    ] {
        *held.lock().unwrap() = spoil;
        let text = failed(fetch(&school).await);
        assert!(text.starts_with(said), "{text}");
    }
    *held.lock().unwrap() = Held::default();
    assert!(matches!(fetch(&school).await, Round::Done(Outcome::Unchanged)), "it goes on by itself");
}

#[tokio::test]
async fn arbor_learners_arrive_and_errors_beside_data_take_none_of_them_away() {
    let say = Arc::new(Mutex::new(None::<Reply>));
    let answers = say.clone();
    let mis = FakeMis::start(move |asked, _| match answers.lock().unwrap().clone() {
        Some(reply) => reply,
        None if asked.header("authorization") != BASIC => Reply::status(401),
        None if asked.path != "/graphql/query" => Reply::status(404),
        // Nothing is behind the one learner.
        None if ["Student(page_size: 1, page_num: 1)", "Student(page_size: 500, page_num: 1)"]
            .iter()
            .any(|behind| asked.body.contains(behind)) =>
        {
            Reply::json("{\"data\":{\"Student\":[]}}")
        }
        None if !asked.body.contains("Student(page_size: 500, page_num: 0)") => Reply::status(404),
        None => {
            let learner = json!({"id": 31, "person": {"legalFirstName": "Imogen", "legalLastName": "Ashby"}});
            Reply::json(json!({"data": {"Student": [learner]}}).to_string())
        }
    })
    .await;
    let mut school = school(&mis, "arbor", "arbor-students").await;
    assert!(matches!(fetch(&school).await, Round::Done(Outcome::Written(_))));
    assert_eq!(taken(&school.look().await["students.jsonl"]).declared, 1);
    let errors = "{\"data\":{\"Student\":[]},\"errors\":[{\"message\":\"canary\"}]}";
    for (reply, said) in [
        (Reply::json(errors), "ARBOR-ERRORS"),
        (Reply::status(401), "HTTP-SIGN-IN"),
        (Reply::status(403), "HTTP-FORBIDDEN"),
        (Reply::status(503), "HTTP-SERVER"),
        (Reply::json("{\"message\":\"canary\"}"), "API-ENVELOPE"),
    ] {
        *say.lock().unwrap() = Some(reply);
        let text = failed(fetch(&school).await);
        assert!(text.starts_with(said), "{text}");
    }
    *say.lock().unwrap() = None;
    assert!(matches!(fetch(&school).await, Round::Done(Outcome::Unchanged)), "it goes on by itself");
}
