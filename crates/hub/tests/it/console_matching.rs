//! A guest with a mistyped date of birth over HTTPS: the host asks, the home answers, somebody undoes it; what is on whose
//! page, in bytes, and who may press what.

use crate::{
    browser::{Answer, Browser, with_console},
    kit::{Agent, Person, TestHub},
};
use commonroll_core::{
    LocalId, Role, SchoolDate,
    directory::{
        DateRange, Declaration, LearnerDeclaration, PlacementAcceptance, PlacementDeclaration, Registration,
    },
    record::Text,
};
use commonroll_exchange::AgentId;
use commonroll_wire::pb::readiness::v1::{
    UnmatchedRequest, readiness_service_client::ReadinessServiceClient,
};
use tonic::Code;

/// What only one of the two may see.
const OURS: &str = "R200";
const THEIRS: &str = "N200";

fn names(answer: &Answer, word: &str) -> bool {
    answer.words().split(|c: char| !c.is_ascii_alphanumeric()).any(|one| one == word)
}

pub fn learner(id: &str, registration: Registration, birth: &str) -> Declaration {
    let text = |text: &str| Text::parse("name", text, 100).unwrap();
    Declaration::Learner(LearnerDeclaration {
        local_id: LocalId::parse("local_id", id).unwrap(),
        registration,
        upn: String::new(),
        uln: "1000000019".to_owned(),
        uci: String::new(),
        former_upns: Vec::new(),
        birth_date: Some(SchoolDate::parse("birth_date", birth).unwrap()),
        surname: text("Quillfeather"),
        forename: text("Ottoline"),
        known_as: text(""),
    })
}

fn dates() -> DateRange {
    let date = |text: &str| SchoolDate::parse("date", text).unwrap();
    DateRange::new(date("2020-01-01"), date("2090-12-31")).unwrap()
}

pub async fn declare(hub: &TestHub, agent: &Agent, all: Vec<Declaration>) {
    let speaker = hub.exchange.speaker(AgentId(agent.id)).unwrap();
    hub.exchange.declare(&speaker, all.into_iter().map(Ok).collect(), hub.now()).await.unwrap();
}

/// Both data managers at the console, over a guest of northgate's whose date of birth isn't ridgeway's.
async fn offices() -> (TestHub, Browser, Browser, Browser) {
    let (hub, home, host, teacher, _) = people().await;
    (hub, home, host, teacher)
}

/// The same, and both as a program has them: the home's, then the host's.
async fn people() -> (TestHub, Browser, Browser, Browser, [Person; 2]) {
    let hub = TestHub::with(with_console).await;
    let (ours, theirs) = (hub.agent("ridgeway").await, hub.agent("northgate").await);
    let (local, guest) = (LocalId::parse("id", OURS).unwrap(), LocalId::parse("id", THEIRS).unwrap());
    let placed = Declaration::Placement(PlacementDeclaration {
        learner: local,
        host: "northgate".parse().unwrap(),
        group: None,
        dates: dates(),
    });
    declare(&hub, &ours, vec![learner(OURS, Registration::Home, "2009-05-05"), placed]).await;
    let accepted = Declaration::Acceptance(PlacementAcceptance {
        learner: guest,
        home: "ridgeway".parse().unwrap(),
        group: None,
        dates: dates(),
    });
    declare(&hub, &theirs, vec![learner(THEIRS, Registration::Guest, "2009-05-06"), accepted]).await;
    let (home, host) = (
        hub.first_called("ridgeway", "Gwil Paget", Role::DataManager).await,
        hub.first("northgate", Role::DataManager).await,
    );
    let teacher = hub.invited(&host, "northgate", Role::Teacher, None).await;
    let persons = [home, host];
    let home = Browser::of(&hub, &persons[0], Role::DataManager).await;
    let host = Browser::of(&hub, &persons[1], Role::DataManager).await;
    let teacher = Browser::of(&hub, &teacher, Role::Teacher).await;
    (hub, home, host, teacher, persons)
}

fn has(answer: &Answer, words: &[&str]) {
    assert_eq!(answer.status, 200, "{answer:?}");
    says(answer, words);
}

/// What a page says that shows a refused form again.
fn says(answer: &Answer, words: &[&str]) {
    assert_eq!(answer.body.matches("<h1").count(), 1);
    for word in words {
        assert!(answer.body.contains(word), "no “{word}” in {}", answer.body);
    }
}

/// The first thing on a page that a form or a link names a match by.
fn id(answer: &Answer, before: &str) -> String {
    answer.body.split(before).nth(1).unwrap().chars().take(32).collect()
}

async fn press(browser: &Browser, path: &str, fields: &[(&str, &str)]) -> Answer {
    let token = browser.token().await;
    let all: Vec<(&str, &str)> =
        [("token", token.as_str())].into_iter().chain(fields.iter().copied()).collect();
    browser.post(path, &all).await
}

#[tokio::test]
async fn a_host_asks_a_home_answers_and_either_undoes_it_on_the_page() {
    let (hub, home, host, teacher) = offices().await;
    let page = host.get("/unmatched").await;
    has(
        &page,
        &[
            "1 learner of Ridgeway School: a number is the same, the date of birth is another",
            "A date of birth is mistyped, or the number was given to two learners.",
            "Ask Ridgeway School whether it’s theirs",
        ],
    );
    assert!(!names(&page, OURS) && names(&page, THEIRS));
    let there = "/unmatched?of=N200&guests=3&declined=2";
    let asking = [("guest", THEIRS), ("home", "ridgeway"), ("to", there)];
    let asked = press(&host, "/unmatched/ask", &asking).await;
    assert_eq!(asked.status, 303, "{asked:?}");
    assert!(asked.to().starts_with(&format!("{there}#m-")), "back to where one pressed: {asked:?}");
    has(
        &host.get("/unmatched").await,
        &["Ridgeway School is asked.", "Asked by Rosalind Vane, data manager, on"],
    );

    let page = home.get("/unmatched").await;
    has(
        &page,
        &[
            "Northgate College takes a guest who may be yours",
            "Ottoline Quillfeather",
            "<strong>date of birth</strong>",
            "ULN, surname, forename",
            "you have placed them there",
            "Asked by the data manager of Northgate College on",
            "No, it isn’t",
        ],
    );
    assert!(!names(&page, THEIRS) && !names(&page, "Rosalind"));
    let of = id(&page, "name=\"match\" value=\"");

    // Who presses what isn't theirs, or presses nothing, changes nothing.
    for who in ["", "is:", "none:R200", "maybe"] {
        let wrong = press(&home, "/unmatched/answer", &[("match", &of), ("who", who)]).await;
        assert_eq!(wrong.status, 400, "{who}");
        let first = format!("id=\"w-{of}\" aria-describedby=\"wrong\" aria-invalid=\"true\" autofocus");
        says(
            &wrong,
            &["“Who is it?” needs an answer: one of your learners", &first, "Matched, newest first"],
        );
    }
    let shown = id(&page, "name=\"seen\" value=\"");
    let yes = [("match", of.as_str()), ("seen", shown.as_str()), ("who", "is:R200")];
    for (shown, who) in [(shown.as_str(), "is:R1"), ("", "is:R200"), (&of, "is:R200"), (&of, "none:")] {
        let answer = [("match", of.as_str()), ("seen", shown), ("who", who)];
        let late = press(&home, "/unmatched/answer", &answer).await;
        assert_eq!(late.status, 409, "{who}: not what was shown");
        says(&late, &["That can’t be done as things stand", "takes a guest who may be yours"]);
        let kept = format!("value=\"{who}\" required checked");
        assert_eq!(late.body.contains(&kept), who != "is:R1", "what was chosen is still there: {who}");
    }
    assert_eq!(press(&host, "/unmatched/answer", &yes).await.status, 404, "one doesn't answer oneself");
    assert_eq!(home.post("/unmatched/answer", &yes).await.status, 403, "without the form's token");
    for path in ["/unmatched", &format!("/unmatched/{of}"), "/unmatched/x"] {
        assert_eq!(teacher.get(path).await.status, 404, "{path}");
    }
    for path in ["ask", "back", "answer", "reopen", "undo"] {
        let fields = [("match", of.as_str()), ("who", "is:R200"), ("guest", THEIRS), ("home", "ridgeway")];
        assert_eq!(press(&teacher, &format!("/unmatched/{path}"), &fields).await.status, 404, "{path}");
    }

    let answered = press(&home, "/unmatched/answer", &yes).await;
    assert_eq!((answered.status, answered.to()), (303, "/unmatched#questions"));
    let page = home.get("/unmatched").await;
    has(
        &page,
        &["Everybody is matched", "Both offices said so", "your learner, a guest of Northgate College"],
    );
    assert!(!names(&page, THEIRS));
    let page = host.get("/unmatched?of=N200").await;
    has(
        &page,
        &["Matches of N200", "your guest, whose home is Ridgeway School", "Answered yes by the data manager"],
    );
    assert!(!names(&page, OURS));

    // Undo: first what it means, then the deed.
    let confirm = host.get(&format!("/unmatched/{of}")).await;
    has(
        &confirm,
        &["Undo the match of Ottoline Quillfeather?", "No record is called back", "Leave it as it is"],
    );
    assert!(!names(&confirm, OURS));
    let undone = press(&host, "/unmatched/undo", &[("match", &of)]).await;
    assert_eq!((undone.status, undone.to()), (303, "/unmatched#matched"));
    has(
        &host.get("/unmatched").await,
        &["matched before, until somebody undid it", "Match undone by Rosalind Vane, data manager"],
    );
    assert_eq!(
        press(&host, "/unmatched/undo", &[("match", &of)]).await.status,
        404,
        "there is no match any more"
    );
    let log = host.get("/log").await;
    has(&log, &["Match undone", "Home said who a guest is: matched", "Asked a home who a guest is"]);

    // A no, and the no taken back.
    press(&host, "/unmatched/ask", &asking).await;
    let shown = id(&home.get("/unmatched").await, "name=\"seen\" value=\"");
    let answer = [("match", of.as_str()), ("seen", shown.as_str()), ("who", "none:")];
    let no = press(&home, "/unmatched/answer", &answer).await;
    assert_eq!(no.status, 303);
    has(&host.get("/unmatched").await, &["Ridgeway School said that it’s none of theirs."]);
    let again = press(&host, "/unmatched/ask", &asking).await;
    assert_eq!(again.status, 409, "not asked again");
    says(&again, &["That can’t be done as things stand", "Nothing was changed.", "Matches of N200"]);
    has(&home.get("/unmatched").await, &["Where you said no", "Not R200 (Ottoline Quillfeather)"]);
    assert_eq!(press(&home, "/unmatched/reopen", &[("match", &of)]).await.status, 303);
    has(&home.get("/unmatched").await, &["Northgate College takes a guest who may be yours"]);
    assert_eq!(press(&host, "/unmatched/back", &[("match", &of)]).await.status, 303);
    has(&host.get("/unmatched").await, &["Question taken back by Rosalind Vane"]);
    let entries = serde_json::to_string(&hub.exchange.show(1, 2_000).await.unwrap()).unwrap();
    for hidden in [OURS, THEIRS, "Quillfeather", "1000000019"] {
        assert!(!entries.contains(hidden), "{hidden} is in an entry");
    }
}

#[tokio::test]
async fn an_id_that_stands_for_another_child_is_answered_by_the_homes_data_manager_on_the_page() {
    let (hub, home, host, teacher) = offices().await;
    let ours = hub.agent("ridgeway").await;
    let Declaration::Learner(mut other) = learner(OURS, Registration::Home, "2010-02-02") else {
        unreachable!()
    };
    other.uln = "1000000027".to_owned();
    declare(&hub, &ours, vec![Declaration::Learner(other)]).await;
    let page = home.get("/unmatched").await;
    has(
        &page,
        &[
            "Is R200 another child now?",
            "number and date of birth both became others",
            "Nothing is sent for either until you say which it is.",
        ],
    );
    assert!(!host.get("/unmatched").await.body.contains("another child now"), "it is the home's to say");
    let shown = id(&page, "name=\"seen\" value=\"");
    let answer = [("id", OURS), ("seen", shown.as_str()), ("who", "same")];
    for (who, status) in [("", 400), ("maybe", 400)] {
        let wrong = [("id", OURS), ("seen", shown.as_str()), ("who", who)];
        let wrong = press(&home, "/unmatched/reused", &wrong).await;
        assert_eq!(wrong.status, status, "{who}");
        says(
            &wrong,
            &["“Who is it?” needs an answer: the same child, or another.", "Is R200 another child now?"],
        );
    }
    let stale = [("id", OURS), ("seen", "0"), ("who", "same")];
    assert_eq!(press(&home, "/unmatched/reused", &stale).await.status, 409, "not what was shown");
    assert_eq!(press(&host, "/unmatched/reused", &answer).await.status, 404);
    assert_eq!(press(&teacher, "/unmatched/reused", &answer).await.status, 404);
    assert_eq!(home.post("/unmatched/reused", &answer).await.status, 403, "without the form's token");
    assert_eq!(press(&home, "/unmatched/reused", &answer).await.to(), "/unmatched#reused");
    assert!(!home.get("/unmatched").await.body.contains("another child now"));
    assert_eq!(press(&home, "/unmatched/reused", &answer).await.status, 404, "nothing is in doubt any more");
}

/// Another learner of ridgeway's, whom northgate takes as a guest by number without saying from where.
#[tokio::test]
async fn whoever_knows_a_childs_number_reads_on_the_page_that_it_is_a_partners_and_not_whose() {
    let (hub, home, host, _) = offices().await;
    let (ours, theirs) = (hub.agent("ridgeway").await, hub.agent("northgate").await);
    let with = |declaration: Declaration| {
        let Declaration::Learner(mut learner) = declaration else { unreachable!() };
        learner.uln = "1000000035".to_owned();
        Declaration::Learner(learner)
    };
    declare(&hub, &ours, vec![with(learner("R300", Registration::Home, "2009-05-05"))]).await;
    declare(&hub, &theirs, vec![with(learner("N300", Registration::Guest, "2009-05-05"))]).await;
    let page = host.get("/unmatched?of=N300").await;
    has(&page, &["your guest, a learner of another partner"]);
    assert!(!page.body.contains("whose home is Ridgeway"), "{}", page.body);
    has(&home.get("/unmatched?of=R300").await, &["your learner, a guest of Northgate College"]);
}

#[tokio::test]
async fn two_who_register_one_learner_agree_on_the_page_and_either_takes_it_back() {
    let (hub, home, host, teacher) = offices().await;
    let theirs = hub.agent("northgate").await;
    declare(&hub, &theirs, vec![learner("N500", Registration::Home, "2009-05-05")]).await;
    let page = home.get("/unmatched").await;
    has(
        &page,
        &[
            "Learners whom two claim as their own",
            "Also claimed by another partner. You said so first",
            "<option value=\"northgate\">Northgate College</option>",
            "With Ridgeway School",
        ],
    );
    assert!(!names(&page, "N500"));
    let stamp = |page: &Answer| {
        let form = page.body.split("/unmatched/main\"").nth(1).unwrap();
        form.split("name=\"seen\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
    };
    let seen = stamp(&page);
    let say = |other, main| [("id", OURS), ("seen", &seen), ("other", other), ("main", main)];
    let (which, main) = ("“Which partner is the other?” needs", "“Where is the main registration?” needs");
    for (other, word, broken, kept) in [
        ("", "ours", which, "value=\"ours\" required checked"),
        ("northgate", "", main, "<option value=\"northgate\" selected>"),
        ("northgate", "maybe", main, "<option value=\"northgate\" selected>"),
    ] {
        let wrong = press(&home, "/unmatched/main", &say(other, word)).await;
        assert_eq!(wrong.status, 400, "{other} {word}");
        says(&wrong, &[broken, kept, "aria-invalid=\"true\" autofocus"]);
    }
    assert_eq!(press(&home, "/unmatched/main", &say("ridgeway", "ours")).await.status, 409, "oneself");
    assert_eq!(press(&host, "/unmatched/main", &say("northgate", "ours")).await.status, 404);
    assert_eq!(press(&teacher, "/unmatched/main", &say("northgate", "ours")).await.status, 404);
    assert_eq!(home.post("/unmatched/main", &say("northgate", "ours")).await.status, 403, "no token");

    assert_eq!(press(&home, "/unmatched/main", &say("northgate", "theirs")).await.to(), "/unmatched#claims");
    has(
        &home.get("/unmatched").await,
        &[
            "You have said that the main registration is Northgate College’s.",
            "Said by Gwil Paget, data manager, on",
        ],
    );
    let page = host.get("/unmatched").await;
    has(
        &page,
        &["Also claimed by Ridgeway School", "Ridgeway School says that the main registration is yours."],
    );
    has(&page, &["<option value=\"ridgeway\" selected>"]);
    assert!(!names(&page, OURS) && !names(&page, "Gwil"));
    let said = [("id", "N500"), ("seen", &*stamp(&page)), ("other", "ridgeway"), ("main", "ours")];
    assert_eq!(press(&host, "/unmatched/main", &said).await.status, 303);
    has(
        &host.get("/unmatched").await,
        &[
            "Two registrations, agreed",
            "You are the main registration; Ridgeway School has the other.",
            "both say the same",
        ],
    );
    has(
        &home.get("/unmatched").await,
        &["Northgate College is the main registration: register the learner as"],
    );

    assert_eq!(press(&teacher, "/unmatched/main/back", &[("id", OURS)]).await.status, 404);
    assert_eq!(press(&home, "/unmatched/main/back", &[("id", OURS)]).await.to(), "/unmatched#claims");
    has(&home.get("/unmatched").await, &["You said so first", "Taken back by Gwil Paget, data manager, on"]);
    assert_eq!(press(&home, "/unmatched/main/back", &[("id", OURS)]).await.status, 404, "there is no word");
}

#[tokio::test]
async fn a_program_reads_what_waits_at_its_own_institution_by_own_ids_and_without_names() {
    let (_hub, home, host, _, [of_home, of_host]) = people().await;
    let ask = |role: &str| UnmatchedRequest { role: role.to_owned() };
    let mut service = ReadinessServiceClient::new(of_host.channel.clone());
    let open = service.unmatched(ask("data_manager")).await.unwrap().into_inner().open;
    let guest = open.iter().find(|one| one.what == "guest").unwrap();
    assert_eq!((&*guest.local_ids[0], &*guest.other), (THEIRS, "Ridgeway School"));
    assert!(guest.says.contains("1 learner of Ridgeway School: a number is the same"), "{}", guest.says);
    assert!(guest.to_do.contains("Ask the home"), "{}", guest.to_do);
    for (role, code) in [("teacher", Code::PermissionDenied), ("nobody", Code::InvalidArgument)] {
        assert_eq!(service.unmatched(ask(role)).await.unwrap_err().code(), code, "{role}");
    }

    let asking = [("guest", THEIRS), ("home", "ridgeway")];
    assert_eq!(press(&host, "/unmatched/ask", &asking).await.status, 303);
    let guest = async |service: &mut ReadinessServiceClient<tonic::transport::Channel>| {
        let open = service.unmatched(ask("data_manager")).await.unwrap().into_inner().open;
        open.into_iter().find(|one| one.what == "guest").unwrap()
    };
    let asked = guest(&mut service).await;
    assert!(asked.says.contains("Ridgeway School is asked, and hasn't answered."), "{}", asked.says);
    assert!(asked.to_do.starts_with("Wait for the answer"), "{}", asked.to_do);
    let mut at_home = ReadinessServiceClient::new(of_home.channel.clone());
    let open = at_home.unmatched(ask("data_manager")).await.unwrap().into_inner().open;
    let says = &open[0].says;
    assert!(says.contains("R200; the same ULN, surname, forename; another date of birth"), "{says}");
    assert!(says.ends_with("; placed there."), "{says}");
    assert_eq!((&*open[0].what, &*open[0].local_ids[0]), ("question", OURS), "questions come first");
    for one in &open {
        let said = format!("{} {} {} {:?}", one.says, one.to_do, one.other, one.local_ids);
        assert!(!said.contains("Quillfeather") && !said.contains(THEIRS), "{said}");
        assert!(!format!("{one:?}").contains(OURS), "and no log either shows an id");
    }

    // A yes, undone: the program reads that they were matched before, as the page has it.
    let page = home.get("/unmatched").await;
    let (of, shown) = (id(&page, "name=\"match\" value=\""), id(&page, "name=\"seen\" value=\""));
    let yes = [("match", of.as_str()), ("seen", shown.as_str()), ("who", "is:R200")];
    assert_eq!(press(&home, "/unmatched/answer", &yes).await.status, 303);
    assert_eq!(press(&host, "/unmatched/undo", &[("match", &of)]).await.status, 303);
    let undone = guest(&mut service).await;
    assert!(undone.says.contains("matched before, until somebody undid it"), "{}", undone.says);
}

#[tokio::test]
async fn a_program_asks_what_waits_no_faster_than_its_person_may_ask_for_pages() {
    let hub = TestHub::with(|settings| {
        with_console(settings);
        settings.limits.pages_per_second = 1;
    })
    .await;
    let manager = hub.first("ridgeway", Role::DataManager).await;
    let browser = Browser::of(&hub, &manager, Role::DataManager).await;
    let mut service = ReadinessServiceClient::new(manager.channel.clone());
    let ask = || UnmatchedRequest { role: "data_manager".to_owned() };
    // Two pages a person gets at once: were there two shares, neither of these would be refused.
    let mut shared = false;
    for _ in 0..2 {
        let refused = loop {
            if let Err(refused) = service.unmatched(ask()).await {
                break refused;
            }
        };
        assert_eq!(refused.code(), Code::ResourceExhausted);
        assert!(
            refused.metadata().get(commonroll_hub::RETRY_AFTER_MS).is_some(),
            "it says when to try again"
        );
        shared |= browser.get("/unmatched").await.status == 429;
    }
    assert!(shared, "it is one share, for pages and programs");
}
