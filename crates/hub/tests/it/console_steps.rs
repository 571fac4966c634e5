//! Steps of readiness over HTTPS: a condition is proposed and accepted, every partner's standing is shown, and nobody unlocks
//! without figures or locks without words.

use crate::{
    browser::{Browser, with_console},
    console_slips::refused,
    kit::TestHub,
};
use commonroll_core::Role;

/// What the first form of the page to an address carries under a name.
fn carried(page: &str, action: &str, name: &str) -> String {
    let (_, form) = page.split_once(&format!("action=\"{action}\"")).expect(action);
    let (_, value) = form.split_once(&format!("name=\"{name}\"")).expect(name);
    let (_, value) = value.split_once("value=\"").expect(name);
    value.split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn partners_agree_on_a_condition_and_each_one_s_standing_is_on_the_readiness_page() {
    let hub = TestHub::with(with_console).await;
    let manager = hub.first("northgate", Role::DataManager).await;
    let northgate = Browser::of(&hub, &manager, Role::DataManager).await;
    let other = hub.first("ridgeway", Role::DataManager).await;
    let ridgeway = Browser::of(&hub, &other, Role::DataManager).await;
    let page = northgate.get("/readiness").await.body;
    assert!(page.contains("Propose a condition to all partners"), "{page}");
    assert!(!page.contains("unlocked step by step"), "nothing is locked before anybody agreed on it");

    let token = northgate.token().await;
    let from = carried(&page, "/alignment/propose", "from");
    let asked = |kind, points, days| {
        let fields = [("token", token.as_str()), ("step", kind), ("points", points), ("days", days)];
        [&fields[..], &[("from", from.as_str())]].concat()
    };
    for (kind, points, days, status) in [
        ("attendance", "90", "10", 404),
        ("behaviour", "many", "10", 400),
        ("behaviour", "20", "10", 400),
        ("behaviour", "90", "60", 400),
    ] {
        let answer = northgate.post("/alignment/propose", &asked(kind, points, days)).await;
        assert_eq!(answer.status, status, "{kind} {points} {days}: {answer:?}");
        if status == 400 {
            let typed = format!("min=\"0\" max=\"100\" required value=\"{points}\"");
            refused(
                &answer,
                400,
                &["School days in a row", " selected>", "<details class=\"fold\" open>", &typed],
            );
        }
    }
    let proposed = northgate.post("/alignment/propose", &asked("behaviour", "90", "10")).await;
    assert_eq!(proposed.to(), "/alignment", "{proposed:?}");
    let waits = ridgeway.get("/alignment").await.body;
    assert!(
        waits.contains("Behaviour: flows from a partner only once its marks were at least 90% complete"),
        "{waits}"
    );
    let (id, theirs) = (carried(&waits, "/alignment/answer", "id"), ridgeway.token().await);
    let accept = [("token", theirs.as_str()), ("id", id.as_str()), ("answer", "accept")];
    assert_eq!(ridgeway.post("/alignment/answer", &accept).await.to(), "/alignment");

    for browser in [&northgate, &ridgeway] {
        let page = browser.get("/readiness").await.body;
        for says in [
            "Behaviour: unlocked step by step",
            "on each of 10 school days in a row, at least 90%",
            "<h3>Northgate College</h3>",
            "<h3>Ridgeway School</h3>",
            "not yet unlocked",
            "0 of 10 school days in a row so far.",
            "Only people unlock, and only people lock again.",
        ] {
            assert!(page.contains(says), "{says}: {page}");
        }
        assert!(!page.contains("action=\"/readiness/unlock\""), "the figures aren't there: {page}");
    }

    let unlock = [("token", token.as_str()), ("kind", "behaviour")];
    assert_eq!(northgate.post("/readiness/unlock", &unlock).await.status, 409, "nor without the page");
    let grades = [("token", token.as_str()), ("kind", "assessment")];
    assert_eq!(northgate.post("/readiness/unlock", &grades).await.status, 409, "grades aren't locked");
    let lock =
        |words| [("token", token.as_str()), ("kind", "behaviour"), ("of", "northgate"), ("words", words)];
    let silent = northgate.post("/readiness/lock", &lock("")).await;
    refused(&silent, 400, &["“Why, for every partner to read; name nobody” must say why, in one line"]);
    assert_eq!(northgate.post("/readiness/lock", &lock("Wrong groups")).await.status, 409, "it is locked");
    let nothing = [("token", token.as_str()), ("id", id.as_str()), ("answer", "agree")];
    assert_eq!(northgate.post("/readiness/unlock/answer", &nothing).await.status, 404, "no such proposal");

    let technician = hub.invited(&manager, "northgate", Role::Technician, None).await;
    let technician = Browser::of(&hub, &technician, Role::Technician).await;
    let own = technician.get("/readiness").await.body;
    assert!(
        own.contains("<h3>Northgate College</h3>") && !own.contains("Ridgeway"),
        "their own alone: {own}"
    );
    assert!(
        !own.contains("/readiness/lock") && !own.contains("Propose a condition"),
        "and nothing to decide"
    );
    let token = technician.token().await;
    let unlock = [("token", token.as_str()), ("kind", "behaviour")];
    assert_eq!(technician.post("/readiness/unlock", &unlock).await.status, 404);
}
