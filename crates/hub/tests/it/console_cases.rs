//! Cases 13, 38, 42 and 43 of the threats, as far as they are the console's, for every page that there is.

use crate::{
    browser::{Browser, form, with_console},
    console_matching::{declare, learner},
    kit::TestHub,
    school::id,
};
use commonroll_core::{Role, Timestamp, directory::Registration};
use commonroll_exchange::{Inviter, PersonWanted, Revoke};
use commonroll_hub::{ProviderRandomness, Randomness};
use commonroll_store::faults::{Call, Trouble, faulty};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn case_42_a_session_is_bound_to_its_secret_and_ends_when_it_must() {
    let hub = TestHub::with(with_console).await;
    let manager = hub.first("ridgeway", Role::DataManager).await;
    let open = async || Browser::of(&hub, &manager, Role::DataManager).await;

    let mut fixed = Browser::at(&hub);
    fixed.cookie = Some("__Host-commonroll=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".to_owned());
    assert_eq!(fixed.get("/account").await.status, 303, "an id that somebody chose is nobody's");

    let browser = open().await;
    assert_eq!(browser.get("/account").await.status, 200);
    let token = browser.token().await;
    let out = browser.post("/sign-out", &[("token", &token)]).await;
    assert!(out.to() == "/" && out.header("set-cookie").contains("Max-Age=0"), "{out:?}");
    assert_eq!(browser.get("/account").await.status, 303, "over for good, whoever kept the cookie");

    let idle = open().await;
    hub.advance(29 * MINUTE);
    assert_eq!(idle.get("/account").await.status, 200);
    hub.advance(29 * MINUTE);
    let alone = [("sec-fetch-dest", "empty")];
    assert_eq!(idle.send("GET", "/account", &alone, "").await.status, 200, "an open page asks by itself");
    hub.advance(2 * MINUTE);
    assert_eq!(idle.get("/account").await.status, 303, "which doesn't keep it open");

    let kept = open().await;
    for _ in 0..12 * 3 - 1 {
        hub.advance(20 * MINUTE);
        assert_eq!(kept.get("/account").await.status, 200);
    }
    hub.advance(20 * MINUTE);
    assert_eq!(kept.get("/account").await.status, 303, "twelve hours are the most");

    let gone = open().await;
    hub.exchange.revoke(Revoke::Person(manager.id), "operator", hub.now()).await.unwrap();
    assert_eq!(gone.get("/account").await.status, 303, "out at the next page");
    assert!(Browser::signed_in(&hub, &manager, Role::DataManager).await.is_err());
}

#[tokio::test]
async fn case_42_no_other_site_can_send_a_form() {
    let hub = TestHub::with(with_console).await;
    let manager = hub.first("ridgeway", Role::DataManager).await;
    let browser = Browser::of(&hub, &manager, Role::DataManager).await;
    let other = Browser::of(&hub, &manager, Role::DataManager).await;
    let (token, others) = (browser.token().await, other.token().await);
    assert_ne!(token, others);
    let sent = form(&[("token", &token), ("role", "data_manager")]);
    for headers in [
        &[("sec-fetch-site", "cross-site")][..],
        &[("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "none")],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[],
    ] {
        for path in ["/role", "/sign-out", "/theme"] {
            let answer = browser.send("POST", path, headers, &sent).await;
            assert_eq!(answer.status, 403, "{path} {headers:?}");
        }
    }
    assert_eq!(browser.post("/role", &[("token", &others), ("role", "data_manager")]).await.status, 403);
    assert_eq!(browser.get("/account").await.status, 200, "still signed in: nothing was done");
    let old =
        browser.send("POST", "/theme", &[("origin", "https://localhost")], &form(&[("token", &token)])).await;
    assert_eq!(old.status, 303, "a browser that says no more than where a form comes from");
}

#[tokio::test]
async fn case_42_another_role_is_another_session() {
    let hub = TestHub::with(with_console).await;
    let manager = hub.first("ridgeway", Role::DataManager).await;
    let two = PersonWanted {
        name: "Thistlewood".to_owned(),
        roles: [Role::Tutor, Role::Teacher].into(),
        staff: None,
        learner: None,
    };
    let mut random = [0; 32];
    ProviderRandomness.fill(&mut random);
    let (speaker, at) = (hub.exchange.person(manager.id).unwrap(), "ridgeway".parse().unwrap());
    let by = Inviter::Person(&speaker, Role::DataManager);
    let made = hub.exchange.invite_person(&at, two, 60 * MINUTE, by, (random, hub.now())).await.unwrap();
    let person = hub.person(&made.code).await.unwrap();
    let tutor = Browser::of(&hub, &person, Role::Tutor).await;
    let token = tutor.token().await;
    assert_eq!(tutor.post("/role", &[("token", &token), ("role", "head")]).await.status, 404);
    assert_eq!(tutor.post("/role", &[("token", &token), ("role", "emperor")]).await.status, 404);
    let changed = tutor.post("/role", &[("token", &token), ("role", "teacher")]).await;
    assert_eq!(changed.to(), "/");
    assert_eq!(tutor.get("/account").await.status, 303, "the former session is over");
    let teacher = tutor.given(&changed);
    assert!(teacher.get("/account").await.body.contains("teacher at Ridgeway School"));
}

#[tokio::test]
async fn case_42_who_guesses_waits_and_who_is_signed_in_does_not() {
    let hub = TestHub::with(with_console).await;
    let manager = hub.first("ridgeway", Role::DataManager).await;
    let victim = Browser::of(&hub, &manager, Role::DataManager).await;
    let mut slowed = None;
    for guess in 0..80_u8 {
        let mut guesser = Browser::at(&hub);
        let secret = base64::Engine::encode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, [guess; 32]);
        guesser.cookie = Some(format!("__Host-commonroll={secret}"));
        let answer = guesser.get("/account").await;
        if answer.status == 429 {
            slowed = Some(answer);
            break;
        }
        assert_eq!(answer.status, 303);
    }
    let slowed = slowed.expect("an address that guesses has to wait");
    assert!(slowed.header("retry-after").parse::<u64>().unwrap() >= 1);
    assert_eq!(victim.get("/account").await.status, 200, "from the same address");
}

#[tokio::test]
async fn case_38_without_its_entry_nobody_is_signed_in() {
    let full = Arc::new(AtomicBool::new(false));
    let state = full.clone();
    let fate = move |call: Call| match call {
        Call::Commit if state.load(Ordering::Relaxed) => Trouble::Full,
        _ => Trouble::None,
    };
    let store =
        commonroll_store::open("sqlite::memory:", &commonroll_store::Settings::default()).await.unwrap();
    let hub = TestHub::on_with(faulty(store, Box::new(fate)), with_console).await;
    let manager = hub.first("ridgeway", Role::DataManager).await;
    let before = Browser::of(&hub, &manager, Role::DataManager).await;
    let token = before.token().await;
    full.store(true, Ordering::Relaxed);
    assert!(Browser::signed_in(&hub, &manager, Role::DataManager).await.is_err());
    let down = before.get("/account").await;
    assert_eq!((down.status, down.header("retry-after")), (503, "2"), "{down:?}");
    assert!(down.body.contains("Back in a moment") && !down.body.contains("Vane"));
    let role = before.post("/role", &[("token", &token), ("role", "data_manager")]).await;
    assert_eq!(role.status, 503);
    full.store(false, Ordering::Relaxed);
    for _ in 0..8 {
        hub.exchange.tick(hub.now()).await;
    }
    assert_eq!(before.get("/account").await.status, 200, "back as it was");
}

#[tokio::test]
async fn case_11_data_managers_read_on_every_page_that_far_too_much_was_refused() {
    let hub = TestHub::with(with_console).await;
    let manager = hub.first("northgate", Role::DataManager).await;
    let officer = hub.invited(&manager, "northgate", Role::AttendanceOfficer, None).await;
    let mut agent = hub.agent("northgate").await;
    let mut stream = agent.publishing().await.unwrap();
    let stranger = |number: u32| {
        let mut mark = agent.mark(&format!("m{number}"));
        mark.head.learner = id("N99");
        mark
    };
    let marks: Vec<_> = (0..20).map(stranger).collect();
    stream.ask(agent.batch(&marks)).await.unwrap();
    hub.exchange.tick(hub.now()).await;
    let browser = Browser::of(&hub, &manager, Role::DataManager).await;
    for page in ["/sharing", "/account"] {
        let words = browser.get(page).await.words();
        assert!(words.contains("20 of your records were refused since"), "{page}: {words}");
    }
    let log = browser.get("/log?kind=refused").await.words();
    assert!(log.contains("Data managers warned") && log.contains("by northgate"), "{log}");
    let other = Browser::of(&hub, &officer, Role::AttendanceOfficer).await;
    assert!(!other.get("/account").await.words().contains("refused"), "it is no matter of theirs");
}

#[tokio::test]
async fn case_11_a_home_is_led_to_the_page_that_has_what_it_was_warned_of() {
    let hub = TestHub::with(with_console).await;
    let manager = hub.first("ridgeway", Role::DataManager).await;
    let home = hub.agent("ridgeway").await;
    let mut agent = hub.agent("northgate").await;
    // One of theirs, and nobody says that they are taught there.
    declare(&hub, &home, vec![learner("R200", Registration::Home, "2009-05-06")]).await;
    declare(&hub, &agent, vec![learner("N200", Registration::Guest, "2009-05-06")]).await;
    let mut stream = agent.publishing().await.unwrap();
    let not_placed = |number: u32| {
        let mut mark = agent.mark(&format!("m{number}"));
        mark.head.learner = id("N200");
        mark
    };
    let marks: Vec<_> = (0..20).map(not_placed).collect();
    stream.ask(agent.batch(&marks)).await.unwrap();
    hub.exchange.tick(hub.now()).await;
    let browser = Browser::of(&hub, &manager, Role::DataManager).await;
    let page = browser.get("/account").await;
    assert!(page.words().contains("20 records of Northgate"), "{}", page.words());
    assert!(page.body.contains("href=\"/problems\">What there is to do</a>"), "{}", page.body);
    let problems = browser.get("/problems").await.words();
    assert!(problems.contains("learners of yours whom nobody placed there"), "{problems}");
}

#[tokio::test]
async fn case_43_a_name_is_text_wherever_it_stands() {
    let hub = TestHub::with(with_console).await;
    let manager = hub.first("ridgeway", Role::DataManager).await;
    let name = "<script>alert(1)</script> {{ 900007*700001 }} \"onload=x' javascript:x";
    let who = PersonWanted { name: name.to_owned(), roles: [Role::Tutor].into(), staff: None, learner: None };
    let mut random = [0; 32];
    ProviderRandomness.fill(&mut random);
    let (speaker, at) = (hub.exchange.person(manager.id).unwrap(), "ridgeway".parse().unwrap());
    let by = Inviter::Person(&speaker, Role::DataManager);
    let now: Timestamp = hub.now();
    let made = hub.exchange.invite_person(&at, who, 60 * MINUTE, by, (random, now)).await.unwrap();
    let person = hub.person(&made.code).await.unwrap();
    let page = Browser::of(&hub, &person, Role::Tutor).await.get("/account").await;
    assert_eq!(page.status, 200);
    assert!(
        !page.body.contains("<script>") && page.body.contains("&#60;script&#62;alert(1)"),
        "{}",
        page.body
    );
    // A product too long to stand in a random token by chance.
    assert!(page.body.contains("{{ 900007*700001 }}") && !page.body.contains("630005800007"));
    assert!(!page.body.contains("\"onload"));
}
