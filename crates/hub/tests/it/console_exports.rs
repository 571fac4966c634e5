//! Records as a file, in the browser: cases 18 and 43. With a real provider: in `console_sign_in`.

use crate::{
    browser::{Browser, with_console},
    console_slips::refused,
    kit::{Agent, TestHub},
};
use commonroll_core::{
    LocalId, Role,
    directory::{Declaration, LearnerDeclaration, Registration},
    record::Text,
};
use commonroll_wire::{pb::directory::v1::DeclareRequest, write_declaration};

/// What a form on the page carries: id and hash of the first export that has this form.
pub fn form_of(page: &str, action: &str) -> Option<[String; 2]> {
    let (_, form) = page.split_once(&format!("action=\"{action}\""))?;
    let value = |name: &str| {
        let (_, rest) = form.split_once(&format!("name=\"{name}\" value=\""))?;
        rest.split('"').next().map(str::to_owned)
    };
    Some([value("id")?, value("hash")?])
}

async fn called(agent: &Agent, known_as: &str) {
    let text = |said: &str| Text::parse("text", said, 100).unwrap();
    let learner = Declaration::Learner(LearnerDeclaration {
        local_id: LocalId::parse("id", "R1").unwrap(),
        registration: Registration::Home,
        upn: String::new(),
        uln: String::new(),
        uci: String::new(),
        former_upns: Vec::new(),
        birth_date: None,
        surname: text("Penhale"),
        forename: text("Zachary"),
        known_as: text(known_as),
    });
    let declarations = vec![write_declaration(&learner)];
    agent.directory().declare(DeclareRequest { declarations }).await.unwrap();
}

#[tokio::test]
async fn case_43_an_officer_takes_attendance_out_and_no_cell_of_it_is_a_formula() {
    let hub = TestHub::with(with_console).await;
    let manager = hub.first("ridgeway", Role::DataManager).await;
    let officer = hub.invited(&manager, "ridgeway", Role::AttendanceOfficer, None).await;
    let (home, mut host) = (hub.agent("ridgeway").await, hub.agent("northgate").await);
    called(&home, "=HYPERLINK(1)").await;
    let mut stream = host.publishing().await.unwrap();
    let batch = host.batch(&[host.mark("L1")]);
    stream.ask(batch).await.unwrap();

    let browser = Browser::of(&hub, &officer, Role::AttendanceOfficer).await;
    let token = browser.token().await;
    let wanted =
        [("token", token.as_str()), ("kind", "attendance"), ("first", "2026-09-01"), ("last", "2026-09-30")];
    assert_eq!(browser.post("/exports", &wanted).await.to(), "/exports");
    let page = browser.get("/exports").await.body;
    let [id, hash] = form_of(&page, "/exports/make").expect("a form to make it");
    let fields = [("token", token.as_str()), ("id", &id), ("hash", &hash)];
    let made = browser.post("/exports/make", &fields).await;
    assert_eq!((made.status, made.header("content-type")), (200, "text/csv; charset=utf-8"), "{made:?}");
    assert!(made.header("content-disposition").starts_with("attachment; filename=\"attendance-2026-09-01"));
    let lines: Vec<&str> = made.body.trim_start_matches('\u{feff}').lines().collect();
    assert!(lines[0].starts_with("\"learner\",\"name\",\"date\"") && lines.len() == 2, "{lines:?}");
    assert!(
        lines[1].starts_with("\"R1\",\"'=HYPERLINK(1) Penhale\",\"2026-09-14\",\"northgate\""),
        "{}",
        lines[1]
    );
    assert!(lines[1].contains("\"present\"") && lines[1].contains("\"/\",\"ENG-2024\""), "{}", lines[1]);
    assert_eq!(browser.post("/exports/make", &fields).await.status, 409, "it is made once");
    let log = serde_json::to_string(&hub.exchange.show(1, 1_000).await.unwrap()).unwrap();
    assert!(log.contains("export.made") && !log.contains("HYPERLINK") && !log.contains("\"R1\""), "{log}");
    let desk = Browser::of(&hub, &manager, Role::DataManager).await;
    let page = desk.get("/exports").await.body;
    assert!(page.contains("1 record of 1 learner") && page.contains("Thistlewood, attendance"), "{page}");
    assert!(!page.contains("/exports/make") && !page.contains("Penhale"), "told, and shown none of it");
    let wrong =
        [("token", token.as_str()), ("kind", "attendance"), ("first", "2026-09-30"), ("last", "2026-09-01")];
    let answer = browser.post("/exports", &wrong).await;
    let says = "<a href=\"#first\">“From and To” must be the first and the last day, in this order";
    refused(&answer, 400, &[says, "required value=\"2026-09-30\"", "value=\"2026-09-01\""]);
}
