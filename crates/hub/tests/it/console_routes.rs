//! Every page stands in `policies/routes.txt`, and does for a stranger and for each role what is said there.

use crate::{
    browser::{Answer, Browser, with_console},
    kit::{Person, TestHub, called},
};
use commonroll_core::{LocalId, Role};
use commonroll_exchange::PersonWanted;
use std::collections::BTreeSet;

const ROUTES: &str = include_str!("../../../../policies/routes.txt");
const PAGES: &str = include_str!("../../src/console/pages/mod.rs");
/// What no page may hold for who is not entitled: ids under which institutions know the learner.
const CANARIES: [&str; 2] = ["R1", "N1"];

/// One line of the file.
struct Line {
    method: &'static str,
    path: &'static str,
    who: BTreeSet<&'static str>,
    shows: &'static str,
    entry: &'static str,
    decided: &'static str,
}

fn lines() -> Vec<Line> {
    let lines = ROUTES.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    let read = |line: &'static str| {
        let columns: Vec<&str> = line.split('|').map(str::trim).collect();
        let [route, who, shows, entry, decided] = columns[..] else { panic!("five columns: {line}") };
        let (method, path) = route.split_once(' ').expect("a method and a path");
        Line { method, path, who: who.split(", ").collect(), shows, entry, decided }
    };
    lines.map(read).collect()
}

impl Line {
    fn has(&self, role: Role) -> bool {
        self.who.contains("anyone") || self.who.contains("signed") || self.who.contains(role.as_str())
    }

    /// The address with something in place of what varies.
    fn address(&self) -> String {
        let part = |part: &str| if part.starts_with('{') { "1".to_owned() } else { part.to_owned() };
        self.path.split('/').map(part).collect::<Vec<_>>().join("/")
    }
}

#[test]
fn every_page_has_a_reviewed_line_and_every_line_a_page() {
    let built: BTreeSet<&str> =
        PAGES.split(".page(\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    let lines = lines();
    let said: BTreeSet<String> = lines.iter().map(|line| format!("{} {}", line.method, line.path)).collect();
    assert_eq!(said.iter().map(String::as_str).collect::<BTreeSet<_>>(), built);
    assert_eq!(said.len(), lines.len(), "a line twice");
    for line in &lines {
        let path = line.path;
        let roles = line.who.iter().filter(|who| who.parse::<Role>().is_ok()).count();
        let alone = line.who.contains("anyone") || line.who.contains("signed");
        assert!(
            if alone { line.who.len() == 1 } else { roles == line.who.len() && roles > 0 },
            "{path}: who"
        );
        assert!(["nothing", "own", "figures", "personal"].contains(&line.shows), "{path}: shows");
        assert!(
            !line.who.contains("anyone") || line.shows == "nothing",
            "{path}: strangers are shown nothing"
        );
        assert!(
            line.shows != "personal" || !line.who.contains("signed"),
            "{path}: personal pages are for roles"
        );
        if ["personal", "figures"].contains(&line.shows) {
            assert!(line.entry.contains('.'), "{path}: what leaves has an entry");
            assert!(line.decided.contains("policy"), "{path}: what leaves is decided by policy");
        }
        assert!(["GET", "POST"].contains(&line.method), "{path}: method");
    }
}

/// Somebody in each role, at a home that has one learner elsewhere.
async fn everybody(hub: &TestHub) -> Vec<(Role, Person)> {
    let manager = hub.first("ridgeway", Role::DataManager).await;
    let mut all = Vec::new();
    for role in Role::ALL {
        let person = match role {
            Role::DataManager => continue,
            Role::Head | Role::Dpo | Role::ConsortiumLead => hub.first("ridgeway", role).await,
            Role::Learner | Role::Parent => {
                let learner = Some(LocalId::parse("learner", "R1").unwrap());
                let who = PersonWanted { learner, ..called("Plum", &[role]) };
                hub.invited_as(&manager, "ridgeway", who).await
            }
            _ => hub.invited(&manager, "ridgeway", role, None).await,
        };
        all.push((role, person));
    }
    all.push((Role::DataManager, manager));
    all
}

fn shows_nobody(answer: &Answer, what: &str) {
    if answer.header("content-type") == "application/pdf" {
        return; // packed bytes have no words; it is set from what the page beside it shows
    }
    let read = answer.words();
    for canary in CANARIES {
        let words = read.split(|c: char| !c.is_ascii_alphanumeric());
        assert!(!words.into_iter().any(|word| word == canary), "{what}: {canary} in {}", answer.body);
    }
}

async fn ask(browser: &Browser, line: &Line, token: &str) -> Answer {
    match line.method {
        // Live updates have no end.
        "GET" if line.path.ends_with("/news") => {
            let head = browser.hears(&line.address(), "\r\n\r\n").await;
            if head.starts_with("HTTP/1.1 200") {
                return Answer { cookies: Vec::new(), status: 200, headers: [].into(), body: String::new() };
            }
            browser.get(&line.address()).await
        }
        "GET" => browser.get(&line.address()).await,
        _ => browser.post(&line.address(), &[("token", token)]).await,
    }
}

#[tokio::test]
async fn each_page_is_for_whom_the_file_says_and_leaves_its_entry_first() {
    let hub = TestHub::with(|settings| {
        with_console(settings);
        settings.limits.pages_per_second = 10_000;
    })
    .await;
    let people = everybody(&hub).await;
    let stranger = Browser::at(&hub);
    let mut looking = Vec::new();
    for (role, person) in &people {
        looking.push(Browser::of(&hub, person, *role).await);
    }
    let missing = looking[0].get("/nowhere").await.body;
    for line in lines() {
        let what = format!("{} {}", line.method, line.path);
        let open = line.who.contains("anyone");
        let answer = ask(&stranger, &line, "").await;
        shows_nobody(&answer, &what);
        assert!(open || answer.status == 303 && answer.to().starts_with("/sign-in"), "{what}: {answer:?}");
        for ((role, person), looking) in people.iter().zip(&looking) {
            // What is sent may end the session.
            let (browser, token) = match line.method {
                "GET" => (looking.clone(), String::new()),
                _ => {
                    let browser = Browser::of(&hub, person, *role).await;
                    let token = browser.token().await;
                    (browser, token)
                }
            };
            let before = hub.exchange.stats().log_entries;
            let answer = ask(&browser, &line, &token).await;
            let what = format!("{what} as {role}");
            assert!(answer.status < 500, "{what}: {answer:?}");
            if !line.has(*role) {
                assert_eq!((answer.status, &answer.body), (404, &missing), "{what}: not told apart");
            }
            if line.shows != "personal" || answer.status != 200 {
                shows_nobody(&answer, &what);
            } else {
                let log = hub.exchange.show(before + 1, 1_000).await.unwrap();
                assert!(
                    log.iter().any(|entry| entry["what"] == line.entry),
                    "{what}: shown without its entry"
                );
            }
        }
    }
}
