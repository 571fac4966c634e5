//! Readiness and problems over HTTPS and gRPC: a partner's own people see all of it, the lead shares and rounded counts, an
//! agent its own; nobody reads of a learner, and others read nothing.

use crate::{
    browser::{Answer, Browser, with_console},
    kit::{Agent, TestHub},
    school::{About, declare, id, lesson, mark, minutes, record},
};
use commonroll_core::{
    Record, Role,
    directory::{
        DateRange, DayDeclaration, Declaration, LessonDeclaration, PlacementAcceptance, PlacementDeclaration,
    },
    record::attendance::Physical,
};
use commonroll_wire::{
    Held, day_root,
    pb::readiness::v1::{
        DayRequest, DayResponse, ProblemsRequest, ReadinessRequest, ReadinessResponse,
        readiness_service_client::ReadinessServiceClient,
    },
};
use std::time::Duration;
use tonic::Code;

const GROUP: &str = "ENG3-A";

/// Ids of learners that may be on none of these pages.
const CANARIES: [&str; 3] = ["N1", "R1", "N9"];

fn marked(agent: &Agent, lesson: &LessonDeclaration, learner: &str, key: &str) -> Record {
    let zone = jiff::tz::TimeZone::get("Europe/London").unwrap();
    let (date, recorded_at) = (lesson.time.start().date_in(&zone), lesson.time.start());
    let about = About { learner, group: GROUP, date, key, recorded_at };
    record(agent, about, mark(Physical::Present, lesson.time, None))
}

/// Northgate declared two lessons that are over; one register came an hour late, with a mark of somebody unknown.
async fn morning(hub: &TestHub) -> Agent {
    let (home, mut host) = (hub.agent("ridgeway").await, hub.agent("northgate").await);
    let year = DateRange::new("2020-01-01".parse().unwrap(), "2090-12-31".parse().unwrap()).unwrap();
    let (learner, guest, group) = (id("R1"), id("N1"), Some(id(GROUP)));
    let placed = PlacementDeclaration {
        learner,
        host: "northgate".parse().unwrap(),
        group: group.clone(),
        dates: year,
    };
    let accepted =
        PlacementAcceptance { learner: guest, home: "ridgeway".parse().unwrap(), group, dates: year };
    declare(hub, &home, vec![Declaration::Placement(placed)]).await;
    let now = hub.now();
    let at =
        |local: &str, ago: i64| lesson(local, GROUP, minutes(now.plus_micros(-ago * 60_000_000), 60), "C12");
    let (first, second) = (at("L1", 120), at("L2", 185));
    let zone = jiff::tz::TimeZone::get("Europe/London").unwrap();
    let mut declared = vec![Declaration::Acceptance(accepted)];
    for lesson in [&second, &first] {
        let date = lesson.time.start().date_in(&zone);
        let same = |one: &&LessonDeclaration| one.time.start().date_in(&zone) == date;
        let lessons = [&second, &first].into_iter().filter(same).cloned().collect();
        let day = Declaration::Day(DayDeclaration::new(date, false, None, lessons).unwrap());
        declared.retain(|one| !matches!(one, Declaration::Day(held) if held.date == date));
        declared.push(day);
    }
    declare(hub, &host, declared).await;
    let marks = [marked(&host, &first, "N1", "L1"), marked(&host, &first, "N9", "L9")];
    let batch = host.batch(&marks);
    let answer = host.publishing().await.unwrap().ask(batch).await.unwrap();
    assert_eq!(answer.results[1].code, "no_placement", "{answer:?}");
    host
}

/// A page once it says something: views follow the log by themselves.
async fn until(browser: &Browser, path: &str, says: &str) -> Answer {
    let looking = async {
        loop {
            let page = browser.get(path).await;
            assert_eq!(page.status, 200, "{page:?}");
            if page.body.contains(says) {
                return page;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(2), looking).await.expect(says)
}

fn names_nobody(answer: &Answer) {
    let read = answer.words();
    let mut words = read.split(|c: char| !c.is_ascii_alphanumeric());
    assert!(!words.any(|word| CANARIES.contains(&word)), "{answer:?}");
}

#[tokio::test]
async fn a_data_manager_reads_what_was_measured_and_what_to_do_and_a_lead_shares_alone() {
    let hub = TestHub::with(with_console).await;
    let manager = hub.first("northgate", Role::DataManager).await;
    let browser = Browser::of(&hub, &manager, Role::DataManager).await;
    let new = browser.get("/readiness").await;
    assert!(new.body.contains("<h1>Northgate College</h1>") && new.body.contains("Not measured"), "{new:?}");
    morning(&hub).await;

    let page = until(&browser, "/readiness", "1 of 2 marks that were due have come.").await;
    names_nobody(&page);
    for says in [
        "0 of 1 registers were here within 10 minutes",
        "1 of 2 records were taken.",
        "1 of 1 learners are matched.",
        "Next three fixes",
        "Look first at ENG3-A.",
        "Head and teachers",
        "Whether a code, a grade or a group has the right meaning isn’t measured",
        "data-manager-sees-log",
    ] {
        assert!(page.body.contains(says), "{says}: {}", page.body);
    }
    let other = browser.get("/readiness?of=ridgeway").await;
    assert!(other.body.contains("<h1>Northgate College</h1>"), "a data manager sees their own");

    let problems = browser.get("/problems").await;
    names_nobody(&problems);
    let body = &problems.body;
    assert!(
        body.contains("Records of learners who aren’t placed") && body.contains("no_placement"),
        "{body}"
    );
    assert!(body.contains("<h2 id=\"o1\">Data manager</h2>") && body.contains("today"), "{body}");
    assert!(body.contains("The home declares the placement and you accept it"), "{body}");

    let lead = hub.first("ridgeway", Role::ConsortiumLead).await;
    let lead = Browser::of(&hub, &lead, Role::ConsortiumLead).await;
    let all = lead.get("/readiness").await;
    names_nobody(&all);
    assert!(all.body.contains("href=\"/readiness?of=northgate\"") && all.body.contains("Ridgeway School"));
    assert!(!all.body.contains(GROUP), "no group of another institution: {}", all.body);
    let theirs = lead.get("/readiness?of=northgate").await;
    names_nobody(&theirs);
    let few = theirs.body.matches("Too few learners to show to others.").count();
    assert_eq!(few, 3, "one learner stands behind marks, registers and matches: {}", theirs.body);
    assert!(!theirs.body.contains(GROUP), "{}", theirs.body);
    let waits = lead.get("/problems").await;
    assert!(waits.body.contains("fewer than 5") && waits.body.contains("Northgate College"), "{waits:?}");
    assert_eq!(lead.get("/readiness?of=nowhere").await.status, 404);

    let log = hub.exchange.show(1, 10_000).await.unwrap();
    let shown: Vec<_> = log.iter().filter(|entry| entry["what"] == "readiness.shown").collect();
    assert!(shown.iter().any(|entry| entry["more"]["of"] == "northgate"), "who looked is in the log");
    let teacher = hub.invited(&manager, "northgate", Role::Teacher, None).await;
    let teacher = Browser::of(&hub, &teacher, Role::Teacher).await;
    assert_eq!((teacher.get("/readiness").await.status, teacher.get("/problems").await.status), (404, 404));
}

#[tokio::test]
async fn a_technician_comes_for_the_agents_and_never_meets_a_record() {
    let hub = TestHub::with(with_console).await;
    morning(&hub).await;
    let manager = hub.first("northgate", Role::DataManager).await;
    let technician = hub.invited(&manager, "northgate", Role::Technician, None).await;
    let browser = Browser::of(&hub, &technician, Role::Technician).await;
    assert_eq!(browser.get("/").await.to(), "/agents", "it is what a technician comes for");
    let agents = browser.get("/agents").await;
    assert_eq!(agents.status, 200, "{agents:?}");
    for says in ["Last heard", "Version", "Certificate", "Waits for you", "Nobody’s records are on this page"]
    {
        assert!(agents.body.contains(says), "{says}: {}", agents.body);
    }
    names_nobody(&agents);
    assert!(!agents.body.contains("Ridgeway"), "nobody else's agents");
    for path in ["/readiness", "/problems"] {
        let page = browser.get(path).await;
        assert_eq!(page.status, 200, "{path}: {page:?}");
        names_nobody(&page);
    }
    for path in [
        "/learners",
        "/learners/0",
        "/learners/0/report",
        "/groups",
        "/whereabouts",
        "/log",
        "/people",
        "/sharing",
        "/unmatched",
        "/explain",
        "/exports",
        "/progress",
        "/agreements",
        "/watches",
        "/asked",
    ] {
        assert_eq!(browser.get(path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn an_agent_asks_for_its_own_readiness_and_for_what_the_hub_holds_of_a_day() {
    let hub = TestHub::start().await;
    let host = morning(&hub).await;
    let mut service = ReadinessServiceClient::new(host.channel.clone());
    let asked = ReadinessRequest { role: String::new(), institution: "ridgeway".to_owned() };
    let answer: ReadinessResponse = service.readiness(asked).await.unwrap().into_inner();
    assert_eq!(answer.partners.len(), 1);
    assert_eq!((answer.partners[0].institution.as_str(), answer.partners[0].rounded), ("northgate", false));
    let problems = service.problems(ProblemsRequest::default()).await.unwrap().into_inner().problems;
    assert!(problems.iter().all(|problem| problem.institution == "northgate"));

    let zone = jiff::tz::TimeZone::get("Europe/London").unwrap();
    let date = hub.now().plus_micros(-120 * 60_000_000).date_in(&zone);
    let ask = |records| DayRequest { date: date.to_string(), records };
    let mut stream = service.day(ask(true)).await.unwrap().into_inner();
    let first: DayResponse = stream.message().await.unwrap().unwrap();
    assert_eq!((first.kinds[0].kind.as_str(), first.kinds[0].records), ("attendance", 1));
    let record = stream.message().await.unwrap().unwrap().records.remove(0);
    assert!(stream.message().await.unwrap().is_none());
    let held = Held { id: record_id(&record.record_id), revision: 1, withdrawn: false };
    assert_eq!(first.kinds[0].root.as_ref(), day_root(&[held]), "the root is over exactly this record");
    assert_eq!(first.kinds[1].root.as_ref(), day_root(&[]), "no grade");

    // While one day of it is read, a second is refused, and the agent knows that it may ask again.
    let speaker = hub.exchange.speaker(commonroll_exchange::AgentId(host.id)).unwrap();
    let held = hub.exchange.held_day(&speaker, date).await.unwrap();
    let busy = service.day(ask(false)).await.unwrap_err();
    assert_eq!(busy.code(), Code::ResourceExhausted);
    assert!(busy.metadata().contains_key("retry-after-ms"), "{busy:?}");
    drop(held);
    for _ in 0..3 {
        let mut stream = service.day(ask(true)).await.unwrap().into_inner();
        while stream.message().await.unwrap().is_some() {}
    }

    let home = hub.agent("ridgeway").await;
    let mut theirs = ReadinessServiceClient::new(home.channel.clone());
    let mut stream = theirs.day(ask(true)).await.unwrap().into_inner();
    assert_eq!(stream.message().await.unwrap().unwrap().kinds[0].records, 0, "of its own records alone");
    let wrong = service.day(DayRequest { date: "today".to_owned(), records: false }).await.unwrap_err();
    assert_eq!(wrong.code(), Code::InvalidArgument);
    let manager = hub.first("northgate", Role::DataManager).await;
    let mut person = ReadinessServiceClient::new(manager.channel.clone());
    assert_eq!(person.day(ask(false)).await.unwrap_err().code(), Code::PermissionDenied);
    let role = |role: &str, of: &str| ReadinessRequest { role: role.to_owned(), institution: of.to_owned() };
    assert!(person.readiness(role("data_manager", "northgate")).await.is_ok());
    for (asked, code) in [
        (role("data_manager", "ridgeway"), Code::PermissionDenied),
        (role("head", "northgate"), Code::PermissionDenied),
        (role("", "northgate"), Code::InvalidArgument),
    ] {
        assert_eq!(person.readiness(asked).await.unwrap_err().code(), code);
    }
}

fn record_id(bytes: &[u8]) -> commonroll_core::RecordId {
    commonroll_core::RecordId::from_slice(bytes).unwrap()
}
