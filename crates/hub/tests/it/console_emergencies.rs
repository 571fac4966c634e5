//! Emergency accesses on the console: the home sees at once that one was opened, who opened it and why, and a second person
//! reviews it there.

use crate::{
    browser::Browser,
    console_pages::{School, has, has_not, school},
    console_slips::refused,
    kit::Person,
};
use commonroll_core::{LocalId, PersonId, Role};
use commonroll_exchange::Acting;
use std::time::Duration;

const REASON: &str = "Collapsed on the <b>stairs</b>, breathing";

/// The teacher opens the card of Immy Tarrant for an hour.
async fn opens(school: &School, teacher: PersonId, id: u8) {
    let hub = &school.hub;
    let speaker = hub.exchange.person(teacher).unwrap();
    let acting = Acting { speaker: &speaker, role: Role::Teacher };
    let learner = LocalId::parse("learner", "N1").unwrap();
    let seed = ([id; 16], hub.now());
    hub.exchange.open_emergency(acting, (&learner, REASON), Duration::from_secs(3_600), seed).await.unwrap();
}

async fn signed(school: &School, person: &Person, role: Role) -> Browser {
    Browser::of(&school.hub, person, role).await
}

#[tokio::test]
async fn the_home_sees_an_access_at_once_on_its_own_page_and_a_second_person_reviews_it() {
    let school = school().await;
    let hub = &school.hub;
    let officer = hub.first("ridgeway", Role::Dpo).await;
    let head = hub.first("ridgeway", Role::Head).await;
    let (dpo, head) = (signed(&school, &officer, Role::Dpo).await, signed(&school, &head, Role::Head).await);
    assert_eq!(dpo.get("/").await.to(), "/sharing");
    let calm = dpo.get("/sharing").await;
    has(&calm, &["data-live=\"/emergencies/news\"", "id=\"emergency\""]);
    has_not(&calm, &["is open now"]);
    has(&dpo.get("/emergencies").await, &["No emergency access waits for a review"]);

    // A page that lies open hears of it without asking.
    let mut open_page = dpo.listens("/emergencies/news").await;
    opens(&school, school.teacher.id, 7).await;
    assert!(open_page.hears("event: changed").await);
    for browser in [&dpo, &head] {
        let landing = browser.get("/").await.to().to_owned();
        let banner = "Emergency access to a learner’s card is open now.";
        has(&browser.get(&landing).await, &[banner, "href=\"/emergencies\"", "Who opened it, and why"]);
    }
    let seen = dpo.get("/emergencies").await;
    let reason = "“Collapsed on the &#60;b&#62;stairs&#60;/b&#62;, breathing”";
    has(
        &seen,
        &["1 emergency access waits for its review", reason, "Learner R1", "Teacher at Northgate College"],
    );
    has(&seen, &["Open until ", "It was not justified"]);
    has_not(&seen, &["N1", "<b>stairs"]);
    has_not(&head.get("/emergencies").await, &["It was not justified"]);

    // Those whom it isn't for.
    for (who, role) in [
        (&school.teacher, Role::Teacher),
        (&school.head, Role::HeadOfSixth),
        (&school.officer, Role::AttendanceOfficer),
    ] {
        let browser = signed(&school, who, role).await;
        let landing = browser.get("/").await.to().to_owned();
        assert!(!browser.get(&landing).await.body.contains("mergency access"), "{role}");
        assert_eq!(browser.get("/emergencies").await.status, 404, "{role}");
    }

    let id = "07".repeat(16);
    let token = dpo.token().await;
    let form = |justified| {
        [("token", token.as_str()), ("id", id.as_str()), ("justified", justified), ("remark", "They rang us")]
    };
    assert_eq!(dpo.post("/emergencies/review", &form("perhaps")).await.status, 400);
    let long = "x".repeat(501);
    let fields = [("token", token.as_str()), ("id", &id), ("justified", "no"), ("remark", &long)];
    let answer = dpo.post("/emergencies/review", &fields).await;
    refused(
        &answer,
        400,
        &[
            &format!("<a href=\"#r-{id}\">“What you found” is longer than"),
            &long,
            "\" open><summary>Review it",
        ],
    );
    let unknown = [("token", token.as_str()), ("id", "77"), ("justified", "yes")];
    assert_eq!(dpo.post("/emergencies/review", &unknown).await.status, 404);
    let heads = head.token().await;
    let foreign = [("token", heads.as_str()), ("id", id.as_str()), ("justified", "yes")];
    assert_eq!(head.post("/emergencies/review", &foreign).await.status, 404, "it is the officer's to review");
    assert_eq!(dpo.post("/emergencies/review", &form("yes")).await.to(), "/emergencies");
    let done = dpo.get("/emergencies").await;
    has(&done, &["No emergency access waits for a review", "justified: “They rang us”"]);
    has_not(&dpo.get("/sharing").await, &["is open now"]);
    // The host's own people have still to look at theirs.
    let manager = signed(&school, &school.manager, Role::DataManager).await;
    has(&manager.get("/sharing").await, &["Emergency access to a learner’s card is open now."]);
    has(
        &manager.get("/emergencies").await,
        &["Learner N1", "Ridgeway School, ", "justified: “They rang us”"],
    );
    let log = serde_json::to_string(&hub.exchange.show(1, 2_000).await.unwrap()).unwrap();
    assert!(!log.contains("stairs") && !log.contains("They rang us"));
}
