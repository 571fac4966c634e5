//! Alignment over HTTPS, with records that went over the wire: a code that two partners mean differently is found, agreed on by
//! every data manager in turn, and who doesn't keep it is told. Nobody is named, and others see nothing.

use crate::{
    browser::{Browser, with_console, without_random},
    console_slips::refused,
    kit::{Agent, Person, TestHub},
    school::{About, declare, group, id, mark, minutes, record, text},
};
use commonroll_core::{
    Body, Record, Role, SchoolDate,
    directory::{
        DateRange, Declaration, LearnerDeclaration, PlacementAcceptance, PlacementDeclaration, Registration,
    },
    record::attendance::{Physical, SourceCode},
};
use commonroll_wire::pb::readiness::v1::{
    AlignmentRequest, readiness_service_client::ReadinessServiceClient,
};
use std::time::Duration;
use tonic::Code;

const GROUP: &str = "FRE-1";

const CONSORTIUM: &str = r#"
[[institution]]
slug = "ridgeway"
name = "Ridgeway School"
type = "school"

[[institution]]
slug = "northgate"
name = "Northgate College"
type = "fe_college"

[[institution]]
slug = "kingsmead"
name = "Kingsmead School"
type = "school"

[[agreement]]
id = "shared-teaching"
version = 1
parties = ["ridgeway", "northgate", "kingsmead"]
purpose = "shared teaching"
first_date = "2020-01-01"
last_date = "2090-12-31"
[agreement.kinds]
attendance = ["presence", "source_code"]
"#;

/// A ULN with its check digit.
fn uln(number: u64) -> Option<String> {
    let nine = format!("{:09}", 200_000_000 + number);
    let sum: u32 =
        nine.bytes().zip((2..=10).rev()).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    let check = 10 - sum % 11;
    (check < 10).then(|| format!("{nine}{check}"))
}

fn known(local: &str, registration: Registration, uln: &str) -> Declaration {
    Declaration::Learner(LearnerDeclaration {
        local_id: id(local),
        registration,
        upn: String::new(),
        uln: uln.to_owned(),
        uci: String::new(),
        former_upns: Vec::new(),
        birth_date: Some("2009-05-01".parse().unwrap()),
        surname: text("Wetherby"),
        forename: text("Orla"),
        known_as: text(""),
    })
}

/// Six learners of ridgeway, each at both hosts, and a mark with the code L of each: late at one host, absent at the other.
async fn term(hub: &TestHub) -> Vec<Agent> {
    let home = hub.agent("ridgeway").await;
    let year = DateRange::new("2020-01-01".parse().unwrap(), "2090-12-31".parse().unwrap()).unwrap();
    let numbers: Vec<String> = (0..20).filter_map(uln).take(6).collect();
    let mut hosts = Vec::new();
    for (host, means) in [("northgate", Physical::Late), ("kingsmead", Physical::Absent)] {
        let mut agent = hub.agent(host).await;
        let (mut ours, mut theirs) = (Vec::new(), vec![group(GROUP, "French", "French")]);
        for (place, uln) in numbers.iter().enumerate() {
            let (learner, guest) = (format!("HX{place}"), format!("GX{place}"));
            ours.push(known(&learner, Registration::Home, uln));
            let (slug, group) = (host.parse().unwrap(), Some(id(GROUP)));
            ours.push(Declaration::Placement(PlacementDeclaration {
                learner: id(&learner),
                host: slug,
                group: group.clone(),
                dates: year,
            }));
            theirs.push(known(&guest, Registration::Guest, uln));
            let home = "ridgeway".parse().unwrap();
            theirs.push(Declaration::Acceptance(PlacementAcceptance {
                learner: id(&guest),
                home,
                group,
                dates: year,
            }));
        }
        declare(hub, &home, ours).await;
        declare(hub, &agent, theirs).await;
        let marks: Vec<Record> =
            (0..numbers.len()).map(|place| late(hub, &agent, &format!("GX{place}"), means)).collect();
        let batch = agent.batch(&marks);
        let answer = agent.publishing().await.unwrap().ask(batch).await.unwrap();
        assert!(answer.results.iter().all(|one| one.code.is_empty()), "{answer:?}");
        hosts.push(agent);
    }
    hosts
}

fn late(hub: &TestHub, agent: &Agent, guest: &str, means: Physical) -> Record {
    let start = hub.now().plus_micros(-3_600_000_000);
    let date: SchoolDate = start.date_in(&jiff::tz::TimeZone::get("Europe/London").unwrap());
    let about = About { learner: guest, group: GROUP, date, key: guest, recorded_at: start };
    let mut body = mark(means, minutes(start, 50), None);
    if let Body::Attendance(mark) = &mut body {
        mark.source_code = Some(SourceCode::new("L", "ENG-2024").unwrap());
    }
    record(agent, about, body)
}

async fn until(browser: &Browser, says: &str) -> String {
    let looking = async {
        loop {
            let page = browser.get("/alignment").await;
            assert_eq!(page.status, 200, "{page:?}");
            if page.body.contains(says) {
                return page.body;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(2), looking).await.expect(says)
}

/// What the first form of the page to an address carries under a name.
fn carried(page: &str, action: &str, name: &str) -> String {
    let (_, form) = page.split_once(&format!("action=\"{action}\"")).expect(action);
    let (_, value) = form.split_once(&format!("name=\"{name}\"")).expect(name);
    let (_, value) = value.split_once("value=\"").expect(name);
    let value = value.split('"').next().unwrap();
    value.replace("&#34;", "\"").replace("&quot;", "\"").replace("&amp;", "&")
}

async fn browsers(hub: &TestHub) -> Vec<(Person, Browser)> {
    let mut all = Vec::new();
    for partner in ["northgate", "kingsmead", "ridgeway"] {
        let manager = hub.first(partner, Role::DataManager).await;
        let browser = Browser::of(hub, &manager, Role::DataManager).await;
        all.push((manager, browser));
    }
    all
}

#[tokio::test]
async fn a_code_that_two_partners_mean_differently_is_agreed_on_by_all_and_then_held_against_each() {
    let hub = TestHub::of(CONSORTIUM, with_console).await;
    let managers = browsers(&hub).await;
    let [(manager, northgate), (_, kingsmead), (_, ridgeway)] = &managers[..] else { panic!() };
    let new = northgate.get("/alignment").await;
    assert!(new.body.contains("<h1>Partners’ data agree</h1>"), "{new:?}");
    term(&hub).await;
    let page = until(northgate, "Code L means two things").await;
    let mut service = ReadinessServiceClient::new(manager.channel.clone());
    let ask = |role: &str| AlignmentRequest { role: role.to_owned() };
    let seen = service.alignment(ask("data_manager")).await.unwrap().into_inner();
    let found = seen.differences.iter().find(|one| one.title == "Code L means two things").unwrap();
    let mut said: Vec<_> =
        found.facts.iter().map(|fact| (fact.institution.as_str(), fact.said.as_str())).collect();
    said.sort_unstable();
    assert_eq!(said, [("kingsmead", "absent"), ("northgate", "late")], "a program reads the same");
    assert!(found.suggestion.starts_with("Code L means ") && seen.complete, "{seen:?}");
    let all = format!("{seen:?}");
    assert!(!["HX", "GX", "Wetherby", "Orla", GROUP].iter().any(|hidden| all.contains(hidden)), "{all}");
    for (role, code) in [("head", Code::PermissionDenied), ("nobody", Code::InvalidArgument)] {
        assert_eq!(service.alignment(ask(role)).await.unwrap_err().code(), code, "{role}");
    }
    for says in
        ["Northgate College", "Kingsmead School", "fewer than 10 marks", "<td>late</td>", "<td>absent</td>"]
    {
        assert!(page.contains(says), "{says}: {page}");
    }
    let read = without_random(&page);
    for hidden in ["HX", "GX", "Wetherby", "Orla", GROUP] {
        assert!(!read.contains(hidden), "{hidden} is nobody's to see here");
    }

    let token = northgate.token().await;
    let says = carried(&page, "/alignment/propose", "says");
    let from = carried(&page, "/alignment/propose", "from");
    let wrong = [("token", token.as_str()), ("says", says.as_str()), ("from", "2020-01-01"), ("means", "")];
    let past = northgate.post("/alignment/propose", &wrong).await;
    refused(
        &past,
        400,
        &["“From” must be a day from tomorrow on, at most 400 days ahead.", "value=\"2020-01-01\""],
    );
    let fields = [("token", token.as_str()), ("says", &says), ("from", &from), ("means", "late")];
    assert_eq!(northgate.post("/alignment/propose", &fields).await.to(), "/alignment");
    assert_eq!(northgate.post("/alignment/propose", &fields).await.status, 409, "it waits already");
    let wrong = [("token", token.as_str()), ("says", "{}"), ("from", &from)];
    assert_eq!(northgate.post("/alignment/propose", &wrong).await.status, 400);
    let own = northgate.get("/alignment").await.body;
    assert!(own.contains("Take back") && !own.contains("value=\"accept\""), "{own}");

    for browser in [kingsmead, ridgeway] {
        let page = browser.get("/alignment").await.body;
        assert!(page.contains("<h1>1 convention waits for your answer</h1>"), "{page}");
        let id = carried(&page, "/alignment/answer", "id");
        let token = browser.token().await;
        let fields = [("token", token.as_str()), ("id", id.as_str()), ("answer", "accept")];
        assert_eq!(browser.post("/alignment/answer", &fields).await.to(), "/alignment");
        let again = browser.post("/alignment/answer", &fields).await.status;
        assert!(matches!(again, 404 | 409), "once is enough: {again}");
    }
    let page = ridgeway.get("/alignment").await.body;
    assert!(page.contains("Code L means late at every partner.") && page.contains("Agreed</h2>"), "{page}");
    assert!(!page.contains("Code L means two things"), "it is agreed on");
    let seen = service.alignment(ask("data_manager")).await.unwrap().into_inner();
    assert!(seen.differences.iter().all(|one| one.title != "Code L means two things"));
    let agreed = &seen.conventions[0];
    assert_eq!((agreed.says.as_str(), agreed.version), ("Code L means late at every partner.", 1));
    assert_eq!((agreed.state.as_str(), agreed.accepted_by.len(), agreed.to_answer), ("ahead", 2, false));

    let teacher = hub.invited(manager, "northgate", Role::Teacher, None).await;
    let teacher = Browser::of(&hub, &teacher, Role::Teacher).await;
    assert_eq!(teacher.get("/alignment").await.status, 404);
    let log = serde_json::to_string(&hub.exchange.show(1, 10_000).await.unwrap()).unwrap();
    assert!(log.contains("convention.agreed") && log.contains("alignment.shown"), "each step is in the log");
}
