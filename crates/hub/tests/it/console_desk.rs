//! The data manager's pages, in bytes: what is there, and that nobody of another institution is.

use crate::{
    browser::{Answer, Browser, with_console},
    kit::TestHub,
};
use commonroll_core::{
    LocalId, Role, SchoolDate,
    directory::{Declaration, LearnerDeclaration, Registration},
};

/// Ids under which the two institutions of the kit know the one learner.
const OURS: &str = "R1";
const THEIRS: &str = "N1";

fn names(answer: &Answer, word: &str) -> bool {
    answer.words().split(|c: char| !c.is_ascii_alphanumeric()).any(|one| one == word)
}

fn read(answer: &Answer) -> &str {
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.body.matches("<h1").count(), 1, "one heading that answers the page's question");
    &answer.body
}

/// A hub with a console, one record that went from northgate to ridgeway, and ridgeway's data manager at it.
async fn desk() -> (TestHub, Browser) {
    let hub = TestHub::with(with_console).await;
    let manager = hub.first("ridgeway", Role::DataManager).await;
    let mut host = hub.agent("northgate").await;
    let mut publishing = host.publishing().await.unwrap();
    let mark = host.mark("m1");
    let batch = host.batch(&[mark]);
    publishing.ask(batch).await.unwrap();
    let browser = Browser::of(&hub, &manager, Role::DataManager).await;
    (hub, browser)
}

#[tokio::test]
async fn a_data_manager_walks_from_the_matrix_to_each_field_and_the_link_that_is_missing() {
    let (hub, browser) = desk().await;
    let matrix = browser.get("/sharing").await;
    let page = read(&matrix);
    assert!(page.contains("What partners may have from Ridgeway School"));
    assert!(page.contains("What Ridgeway School may have from partners"));
    assert!(page.contains("Northgate College<span class=\"sub\">hosts 1 of yours</span>"), "{page}");
    assert!(page.contains("href=\"/sharing/northgate/attendance#taken\" aria-label=\"Attendance from Northgate College to Ridgeway School: 2 of 4 fields\""), "{page}");
    assert!(page.contains("Never travels"));

    let cell = browser.get("/sharing/northgate/attendance").await;
    let page = read(&cell);
    assert!(page.contains("Ridgeway School may have 2 of 4 fields from Northgate College"), "{page}");
    assert!(page.contains("shared-teaching") && page.contains("attendance-receive"), "{page}");
    assert!(
        page.contains("1 September") || page.contains("1 January 2020"),
        "dates of the agreement: {page}"
    );
    assert!(page.contains("the agreement doesn’t list it"), "the remark is not listed: {page}");
    let behaviour = browser.get("/sharing/northgate/behaviour").await;
    let page = read(&behaviour);
    assert!(page.contains("may have 0 of 4 fields") && page.contains("None in force"), "{page}");
    assert!(page.contains("no rule lets it out, whatever an agreement says"), "the internal comment: {page}");

    for answer in [&matrix, &cell, &behaviour] {
        assert!(!names(answer, OURS) && !names(answer, THEIRS), "no learner is on these pages: {answer:?}");
    }
    for wrong in
        ["/sharing/ridgeway/card", "/sharing/nowhere/card", "/sharing/northgate/else", "/sharing/%00/card"]
    {
        assert_eq!(browser.get(wrong).await.status, 404, "{wrong}");
    }
    let officer = hub.colleague("northgate", Role::AttendanceOfficer).await;
    let officer = Browser::of(&hub, &officer, Role::AttendanceOfficer).await;
    assert_eq!(officer.get("/sharing").await.status, 404, "it is not an attendance officer's page");
}

#[tokio::test]
async fn the_log_is_read_in_words_and_shows_what_concerns_oneself_alone() {
    let (hub, browser) = desk().await;
    let theirs = hub.first("northgate", Role::DataManager).await;
    let colleague = hub.invited(&theirs, "northgate", Role::Teacher, None).await;
    let log = browser.get("/log").await;
    let page = read(&log);
    assert!(
        page.contains("Accepted") && page.contains("Attendance, learner 0, for Ridgeway School"),
        "{page}"
    );
    assert!(page.contains("Rosalind Vane, data manager"), "one's own people by name: {page}");
    assert!(page.contains("Agreement signed by all"), "rules concern everybody");
    for hidden in [THEIRS, OURS, "Thistlewood"] {
        assert!(!names(&log, hidden), "{hidden}: {page}");
    }
    assert!(!page.contains(&colleague.id.to_string()) && !page.contains(&theirs.id.to_string()));
    let people = browser.get("/log?kind=people").await;
    assert!(!read(&people).contains("Accepted</strong>"), "{}", people.body);
    let own = hub.exchange.show(1, 1_000).await.unwrap();
    assert!(own.iter().any(|one| one["what"] == "audit.asked" && one["more"]["question"] == "log"));
    assert_eq!(
        browser.get("/log?kind=%27%3E&before=x&entry=y").await.status,
        200,
        "what is no number is left alone"
    );
    let begun = browser.get("/log?before=2").await;
    assert!(!read(&begun).contains(">Older<"), "nothing lies before the beginning");
}

#[tokio::test]
async fn an_entrys_proof_is_drawn_and_nobody_elses_entry_is_proved() {
    let (hub, browser) = desk().await;
    let all = hub.exchange.show(1, 1_000).await.unwrap();
    let at = |what: &str| all.iter().position(|one| one["what"] == what).map(|place| place + 1);
    let own = all.iter().position(|one| one["what"].is_null() || one.get("kind").is_some()).map(|p| p + 1);
    let own = own.or(at("agreement.in_force")).unwrap();
    let page = browser.get(&format!("/log?entry={own}")).await;
    let body = read(&page);
    assert!(
        body.contains("Proved") && body.contains("root, signed") && body.contains("c2sp.org/tlog-proof@v1"),
        "{body}"
    );
    // Northgate's agent joined: that is northgate's affair.
    let foreign = all.iter().rposition(|one| one["what"] == "agent.enrolled").unwrap() + 1;
    assert_eq!(browser.get(&format!("/log?entry={foreign}")).await.status, 404);
    assert_eq!(browser.get("/log?entry=999999").await.status, 404, "not told apart from what isn't there");
}

#[tokio::test]
async fn the_whole_log_is_verified_in_front_of_the_reader() {
    let (hub, browser) = desk().await;
    let token = browser.token().await;
    let before = hub.exchange.stats().log_entries;
    let page = browser.post("/log/verify", &[("token", &token)]).await;
    let body = read(&page);
    assert!(body.contains("Checking the whole log, in front of you"), "{body}");
    assert!(
        body.contains("Verified to entry")
            && body.contains("entries checked")
            && body.contains("commonroll/testshire"),
        "{body}"
    );
    assert!(body.trim_end().ends_with("0") || body.contains("</html>"), "the page is whole: {body}");
    let log = hub.exchange.show(before + 1, 100).await.unwrap();
    assert!(log.iter().any(|one| one["more"]["question"] == "verify"), "that it was asked is an entry");
    assert_eq!(browser.post("/log/verify", &[]).await.status, 403, "another page can't start it");
    let head = hub.first("ridgeway", Role::Head).await;
    let head = Browser::of(&hub, &head, Role::Head).await;
    let token = head.token().await;
    assert_eq!(head.post("/log/verify", &[("token", &token)]).await.status, 404, "the log is not a head's");
}

#[tokio::test]
async fn who_saw_a_learner_is_asked_by_the_own_id_and_of_ones_own_alone() {
    let (_hub, browser) = desk().await;
    let token = browser.token().await;
    let ask =
        async |learner: &str| browser.post("/log/learner", &[("token", &token), ("learner", learner)]).await;
    for known in [OURS, "0"] {
        let page = ask(known).await;
        let body = read(&page);
        assert!(body.contains("Who saw this learner") && names(&page, OURS), "{body}");
        assert!(body.contains("Waits in the feed") && body.contains("present or not"), "{body}");
        assert!(!names(&page, THEIRS) && !body.contains("<title>R1"), "{body}");
    }
    let missing = ask("nobody").await;
    assert_eq!((ask(THEIRS).await.status, missing.status), (404, 404));
    assert_eq!(ask(THEIRS).await.body, missing.body, "another's learner and nobody are not told apart");
}

#[tokio::test]
async fn an_agreement_says_what_flows_which_command_signs_and_what_dropping_it_would_change() {
    let (hub, browser) = desk().await;
    let list = browser.get("/agreements").await;
    let page = read(&list);
    assert!(
        page.contains("1 agreement of yours in force") && page.contains("shared-teaching, version 1"),
        "{page}"
    );
    assert!(page.contains("Attendance: present or not, register code"), "{page}");
    let (_, rest) = page.split_once("href=\"/agreements/").unwrap();
    let hash = rest.split('"').next().unwrap().to_owned();
    let one = browser.get(&format!("/agreements/{hash}")).await;
    let page = read(&one);
    assert!(page.contains(&hash) && page.contains("commonroll agreement end shared-teaching"), "{page}");
    assert!(
        page.contains("What would change if") && !page.contains("commonroll agreement sign"),
        "it is signed: {page}"
    );
    assert_eq!(browser.get("/agreements/0000").await.status, 404);

    let token = browser.token().await;
    let address = format!("/agreements/{hash}/try");
    let tried = browser.post(&address, &[("token", &token), ("drop", "attendance")]).await;
    let page = read(&tried);
    assert!(page.contains("A trial: nothing has changed"), "{page}");
    assert!(page.contains("ridgeway’s own system loses attendance"), "{page}");
    assert!(
        page.contains("Nobody gains anything") && page.contains("Nothing of this agreement is left"),
        "{page}"
    );
    assert!(!names(&tried, THEIRS), "{page}");
    let refused = browser.post(&address, &[("token", &token), ("drop", "else")]).await;
    let page = &refused.body;
    assert_eq!(refused.status, 400);
    assert!(
        page.contains("“…this agreement” needs a choice") && page.contains("The page that heads sign"),
        "{page}"
    );
    assert!(refused.body.contains("aria-invalid=\"true\" autofocus"), "{refused:?}");
    let again = browser.get("/agreements").await;
    assert!(read(&again).contains("1 agreement of yours in force"), "a trial changes nothing");
    let head = hub.first("northgate", Role::Head).await;
    let head = Browser::of(&hub, &head, Role::Head).await;
    let token = head.token().await;
    assert_eq!(
        head.post(&address, &[("token", &token), ("drop", "all")]).await.status,
        404,
        "a head tries nothing"
    );
}

#[tokio::test]
async fn an_agent_is_told_well_silent_or_revoked_with_what_to_do() {
    let (hub, browser) = desk().await;
    let none = browser.get("/agents").await;
    assert!(read(&none).contains("No agent has joined") && none.body.contains("commonroll agent join CODE"));
    let agent = hub.agent("ridgeway").await;
    let publishing = agent.publishing().await.unwrap();
    let well = browser.get("/agents").await;
    let page = read(&well);
    assert!(page.contains("Your agent is well") && page.contains("less than a minute ago"), "{page}");
    assert!(page.contains("0.0.7; the hub is") && page.contains("renews by itself"), "{page}");
    assert!(page.contains("<dt>Waits for you</dt><dd>1</dd>"), "one record waits: {page}");
    drop(publishing);
    hub.advance(std::time::Duration::from_secs(600));
    let silent = browser.get("/agents").await;
    assert!(read(&silent).contains("1 agent needs something") && silent.body.contains("Silent for 10 min"));
    let revoke = commonroll_exchange::Revoke::Agent(commonroll_exchange::AgentId(agent.id));
    hub.exchange.revoke(revoke, "test", hub.now()).await.unwrap();
    let gone = browser.get("/agents").await;
    assert!(read(&gone).contains("Revoked") && gone.body.contains("No agent has joined"), "{}", gone.body);
    for page in [none, well, silent, gone] {
        assert!(
            !names(&page, OURS) && !names(&page, THEIRS) && !page.body.contains("northgate"),
            "{}",
            page.body
        );
    }
}

#[tokio::test]
async fn people_are_ones_own_and_invitations_show_no_code() {
    let (hub, browser) = desk().await;
    let theirs = hub.first("northgate", Role::DataManager).await;
    hub.invited(&theirs, "northgate", Role::Teacher, Some("S77")).await;
    let code = hub.office_code("ridgeway", Role::Head).await;
    let people = browser.get("/people").await;
    let page = read(&people);
    assert!(page.contains("1 person may sign in") && page.contains("Rosalind Vane"), "{page}");
    assert!(page.contains("Open invitations") && page.contains("<td>Head</td>"), "{page}");
    assert!(!page.contains(&code) && !names(&people, "Thistlewood") && !names(&people, "S77"), "{page}");
}

#[tokio::test]
async fn a_decision_is_explained_to_its_first_missing_link() {
    let (hub, browser) = desk().await;
    let manager = hub.first("northgate", Role::DataManager).await;
    let form = browser.get("/explain").await;
    let page = read(&form);
    assert!(
        page.contains("Rosalind Vane, data manager") && page.contains("Ridgeway School’s own system"),
        "{page}"
    );
    assert!(!page.contains(&manager.id.to_string()), "another institution's people can't be asked about");
    let token = browser.token().await;
    let today = hub.now().date_in(&jiff::tz::TimeZone::UTC).to_string();
    let ask = async |learner: &str, kind: &str| {
        let fields = [
            ("token", token.as_str()),
            ("who", "ridgeway"),
            ("purpose", "pastoral"),
            ("learner", learner),
            ("kind", kind),
            ("date", today.as_str()),
        ];
        browser.post("/explain", &fields).await
    };
    let yes = ask(OURS, "attendance").await;
    let page = read(&yes);
    assert!(page.contains("is-seen state--big") && page.contains("attendance-receive"), "{page}");
    let no = ask(OURS, "behaviour").await;
    let page = read(&no);
    assert!(page.contains("class=\"broken\"") && page.contains("is-notseen state--big"), "{page}");
    for other in [THEIRS, "nobody"] {
        let none = ask(other, "attendance").await;
        assert!(read(&none).contains("No such learner is yours"), "{}", none.body);
    }
    assert!(!names(&yes, THEIRS) && !names(&no, THEIRS));
}

#[tokio::test]
async fn a_guest_whom_nobody_has_matched_waits_with_what_fits_and_never_with_who() {
    let (hub, browser) = desk().await;
    let settled = browser.get("/unmatched").await;
    assert!(read(&settled).contains("Everybody is matched"), "{}", settled.body);
    let (ours, theirs) = (hub.agent("ridgeway").await, hub.agent("northgate").await);
    let learner = |id: &str, registration, birth: &str, surname: &str| {
        let text = |text: &str| commonroll_core::record::Text::parse("name", text, 100).unwrap();
        Ok(Declaration::Learner(LearnerDeclaration {
            local_id: LocalId::parse("local_id", id).unwrap(),
            registration,
            upn: String::new(),
            uln: "1000000019".to_owned(),
            uci: String::new(),
            former_upns: Vec::new(),
            birth_date: Some(SchoolDate::parse("birth_date", birth).unwrap()),
            surname: text(surname),
            forename: text("Ottoline"),
            known_as: text(""),
        }))
    };
    let speaker =
        |agent: &crate::kit::Agent| hub.exchange.speaker(commonroll_exchange::AgentId(agent.id)).unwrap();
    let home = learner("R200", Registration::Home, "2009-05-05", "Quillfeather");
    hub.exchange.declare(&speaker(&ours), vec![home], hub.now()).await.unwrap();
    let guest = learner("N200", Registration::Guest, "2009-05-06", "Larkspur");
    hub.exchange.declare(&speaker(&theirs), vec![guest], hub.now()).await.unwrap();
    let manager = hub.first("northgate", Role::DataManager).await;
    let host = Browser::of(&hub, &manager, Role::DataManager).await;
    let page = host.get("/unmatched").await;
    let body = read(&page);
    assert!(names(&page, "Larkspur"), "its own guest by its own name: {body}");
    assert!(
        names(&page, "N200") && body.contains("1 learner of another partner: a number is the same"),
        "{body}"
    );
    for hidden in ["R200", "Quillfeather", "1000000019"] {
        assert!(!names(&page, hidden), "{hidden}: {body}");
    }
    let home = browser.get("/unmatched").await;
    assert!(!names(&home, "N200") && !names(&home, "Larkspur"), "{}", home.body);
}
