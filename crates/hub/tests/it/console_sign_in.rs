//! Signing in with an institution's own account, at a certified provider that nobody here wrote. Cases 41 and 42.

use crate::{
    browser::{Answer, Browser, with_console},
    console_exports::form_of,
    kit::TestHub,
};
use commonroll_core::Role;
use commonroll_hub::{
    Settings,
    signin::provider::{ProviderSettings, Secret},
};
use serde_json::json;
use std::{collections::BTreeMap, path::Path, process::Stdio, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

/// A provider that runs until it is dropped.
struct Provider {
    issuer: String,
    certificate: String,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    child: Child,
}

impl Provider {
    async fn start(accounts: serde_json::Value) -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let certificate = made.cert.pem();
        let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/tools");
        let mut child = Command::new("node")
            .arg("provider.mjs")
            .current_dir(tools)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("node, and what ./tests/run installs for tests/tools");
        let mut input = child.stdin.take().unwrap();
        // One of the two gives nothing that renews its word.
        let clients: Vec<_> = [
            ("ridgeway", &["authorization_code", "refresh_token"][..]),
            ("northgate", &["authorization_code"]),
        ]
        .map(|(at, grants)| {
            json!({
                "client_id": format!("commonroll-{at}"), "client_secret": "only+for/tests:1",
                "redirect_uris": [format!("https://console.test/sign-in/{at}/back")],
                "grant_types": grants, "response_types": ["code"],
            })
        })
        .to_vec();
        let key = made.signing_key.serialize_pem();
        let told =
            json!({ "key": key, "certificate": certificate, "clients": clients, "accounts": accounts });
        input.write_all(format!("{told}\n").as_bytes()).await.unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
        let issuer =
            output.next_line().await.unwrap().expect("the provider's packages: run ./tests/run once");
        Self { issuer, certificate, input, output, child }
    }

    /// Changes what the provider says of its accounts.
    async fn tell(&mut self, what: serde_json::Value) {
        self.input.write_all(format!("{what}\n").as_bytes()).await.unwrap();
        self.output.next_line().await.unwrap();
    }

    fn settings(&self, institution: &str) -> ProviderSettings {
        ProviderSettings {
            institution: institution.parse().unwrap(),
            issuer: self.issuer.clone(),
            client: format!("commonroll-{institution}"),
            secret: Some(Secret("only+for/tests:1".to_owned())),
            inside: true,
            authorities: Some(self.certificate.clone().into_bytes()),
            scopes: vec!["profile".to_owned(), "offline_access".to_owned()],
            roles_claim: "roles".to_owned(),
            roles: [("Teaching".to_owned(), Role::Teacher), ("Office".to_owned(), Role::AttendanceOfficer)]
                .into(),
            second_factor: Vec::new(),
            staff_claim: Some("employee".to_owned()),
        }
    }

    fn enter(&self, settings: &mut Settings) {
        with_console(settings);
        settings.public_console = Some("https://console.test".to_owned());
        settings.providers = vec![self.settings("ridgeway"), self.settings("northgate")];
    }

    /// What the person does at the provider: from where the console sends them to where it sends them back.
    async fn visited(&self, address: &str, login: &str) -> String {
        self.visited_by(&mut Visitor::new(&self.certificate), address, login).await
    }

    async fn visited_by(&self, there: &mut Visitor, address: &str, login: &str) -> String {
        let mut answer = there.ask(address, None).await;
        for _ in 0..8 {
            if let Some(to) = answer.to {
                if to.starts_with("https://console.test/") {
                    return to.strip_prefix("https://console.test").unwrap().to_owned();
                }
                answer = there.ask(&to, None).await;
            } else {
                let form = format!("prompt=login&login={login}&password=x");
                answer = there.ask(&answer.at.clone(), Some(form)).await;
            }
        }
        panic!("the provider led nowhere");
    }
}

/// Somebody's browser at the provider.
struct Visitor {
    client: reqwest::Client,
    jar: BTreeMap<String, String>,
}

struct Page {
    at: String,
    to: Option<String>,
}

impl Visitor {
    fn new(certificate: &str) -> Self {
        let certificate = reqwest::Certificate::from_pem(certificate.as_bytes()).unwrap();
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .tls_certs_only([certificate])
            .build()
            .unwrap();
        Self { client, jar: BTreeMap::new() }
    }

    async fn ask(&mut self, address: &str, form: Option<String>) -> Page {
        let request = match form {
            Some(form) => self
                .client
                .post(address)
                .header("content-type", "application/x-www-form-urlencoded")
                .body(form),
            None => self.client.get(address),
        };
        let jar: Vec<String> = self.jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let answer = request.header("cookie", jar.join("; ")).send().await.unwrap();
        for set in answer.headers().get_all("set-cookie") {
            let (name, value) = set.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
            self.jar.insert(name.to_owned(), value.to_owned());
        }
        let to = answer.headers().get("location").map(|to| to.to_str().unwrap().to_owned());
        let (origin, _) = address.match_indices('/').nth(2).map(|(at, _)| address.split_at(at)).unwrap();
        let to = to.map(|to| if to.starts_with('/') { format!("{origin}{to}") } else { to });
        Page { at: address.to_owned(), to }
    }
}

/// A browser that keeps the first half of a sign-in besides its session.
fn keeping(browser: &Browser, answer: &Answer) -> Browser {
    browser.given(answer)
}

async fn signed_in(hub: &TestHub, provider: &Provider, login: &str) -> (Answer, Browser) {
    let browser = Browser::at(hub);
    let sent = browser.get("/sign-in/ridgeway?to=/account").await;
    let waiting = keeping(&browser, &sent);
    let back = provider.visited(sent.to(), login).await;
    let answer = waiting.get(&back).await;
    let browser = browser.entered(&answer);
    (answer, browser)
}

async fn refusals(hub: &TestHub) -> Vec<String> {
    hub.exchange.tick(hub.now()).await;
    let log = hub.exchange.show(1, 1_000).await.unwrap();
    let text = serde_json::to_string(&log).unwrap();
    assert!(!text.contains("Thistlewood") && !text.contains("u-17"), "a sign-in's entries name nobody");
    let refused = log.iter().filter(|entry| entry["what"] == "signin.refused");
    refused.map(|entry| entry["more"]["claimed"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn staff_come_in_with_their_own_account_and_a_role_that_is_taken_away_is_gone_within_a_minute() {
    let of = |roles: &[&str]| json!({ "u-17": { "name": "Aurelia Thistlewood", "roles": roles, "employee": "S7" } });
    let mut provider = Provider::start(of(&["Teaching", "Office", "Canteen"])).await;
    let hub = TestHub::with(|settings| provider.enter(settings)).await;
    let choose = Browser::at(&hub).get("/sign-in?to=/account").await.body;
    assert!(choose.contains("/sign-in/ridgeway?to=%2Faccount"), "{choose}");

    let (answer, browser) = signed_in(&hub, &provider, "u-17").await;
    assert_eq!(answer.to(), "/account");
    let page = browser.get("/account").await.body;
    assert!(page.contains("Aurelia Thistlewood") && page.contains("attendance"), "{page}");
    let other = signed_in(&hub, &provider, "u-17").await.1;
    assert_ne!(other.cookie, browser.cookie, "a new secret at every sign-in");

    hub.advance(Duration::from_secs(46));
    assert_eq!(browser.get("/account").await.status, 200, "asked anew, and still so");
    provider.tell(json!({ "claims": of(&["Teaching"]) })).await;
    hub.advance(Duration::from_secs(46));
    let page = browser.get("/account").await;
    assert_eq!(page.status, 200, "the other role is still theirs");
    assert!(!page.body.contains("attendance"), "{}", page.body);
    provider.tell(json!({ "claims": of(&[]) })).await;
    hub.advance(Duration::from_secs(46));
    assert_eq!(other.get("/account").await.status, 303, "no role, no page");
    assert_eq!(signed_in(&hub, &provider, "u-17").await.0.status, 403);
    assert!(refusals(&hub).await.contains(&"account_ended".to_owned()));
}

#[tokio::test]
async fn without_a_refresh_token_the_browser_goes_round_and_the_session_stays_as_it_was() {
    let accounts = json!({ "u-17": { "roles": ["Teaching", "Office"] } });
    let provider = Provider::start(accounts).await;
    let hub = TestHub::with(|settings| {
        provider.enter(settings);
        settings.providers[1].scopes = vec!["profile".to_owned()];
    })
    .await;
    let (browser, mut there) = (Browser::at(&hub), Visitor::new(&provider.certificate));
    let sent = browser.get("/sign-in/northgate?to=/account").await;
    let back = provider.visited_by(&mut there, sent.to(), "u-17").await;
    let teacher = browser.entered(&browser.given(&sent).get(&back).await);
    let token = teacher.token().await;
    let officer =
        browser.entered(&teacher.post("/role", &[("token", &token), ("role", "attendance_officer")]).await);
    let token = officer.token().await;
    hub.advance(Duration::from_secs(46));
    let lost = officer.post("/theme", &[("token", &token), ("theme", "dark")]).await;
    assert_eq!(lost.status, 409, "what is sent is not lost without a word");
    let round = officer.get("/account").await;
    assert_eq!(round.to(), "/sign-in/northgate?ask=quiet&to=%2Faccount");
    let sent = officer.get(round.to()).await;
    let back = provider.visited_by(&mut there, sent.to(), "nobody is asked").await;
    let both = officer.and(sent.cookies[0].split(';').next().unwrap());
    let answer = both.get(&back).await;
    assert_eq!(answer.to(), "/account");
    assert!(
        !answer.cookies.iter().any(|c| c.starts_with("__Host-commonroll=")),
        "no new session: {answer:?}"
    );
    let page = officer.get("/account").await;
    assert!(page.status == 200 && page.body.contains("attendance"), "in the role that was in use: {page:?}");
    let log = hub.exchange.show(1, 1_000).await.unwrap();
    assert_eq!(
        log.iter().filter(|entry| entry["what"] == "signin.opened").count(),
        2,
        "a sign-in and a change of role"
    );
    // A page that lies open asks by itself, and keeps nobody signed in.
    for _ in 0..32 {
        hub.advance(Duration::from_secs(58));
        let asked = officer.send("GET", "/account", &[("sec-fetch-dest", "empty")], "").await;
        assert_eq!(asked.status, 303);
    }
    assert!(officer.get("/account").await.to().starts_with("/sign-in?"), "idle for half an hour");
}

#[tokio::test]
async fn an_account_that_is_nobodys_comes_in_by_an_invitation() {
    let accounts = json!({ "u-17": { "name": "Aurelia Thistlewood" }, "u-18": {} });
    let provider = Provider::start(accounts).await;
    let hub = TestHub::with(|settings| provider.enter(settings)).await;
    let code = hub.office_code("ridgeway", Role::DataManager).await;
    let (answer, browser) = signed_in(&hub, &provider, "u-17").await;
    assert_eq!(answer.to(), "/invited");
    assert!(browser.cookie.is_none(), "nobody is signed in yet");
    let waiting = browser.given(&answer);
    assert!(waiting.get("/invited").await.body.contains("Ridgeway"));
    assert_eq!(waiting.post("/invited", &[("code", "wrong")]).await.status, 403);
    let joined = waiting.post("/invited", &[("code", &code)]).await;
    assert_eq!(joined.to(), "/account");
    let inside = browser.entered(&joined);
    assert!(inside.get("/account").await.body.contains("data manager"));
    assert_eq!(signed_in(&hub, &provider, "u-17").await.0.to(), "/account", "from then on it is theirs");
    assert_eq!(
        Browser::at(&hub).get("/invited").await.status,
        303,
        "without an account there is nothing to invite"
    );
    let (answer, other) = signed_in(&hub, &provider, "u-18").await;
    let late = other.given(&answer);
    hub.advance(Duration::from_secs(660));
    assert_eq!(late.get("/invited").await.status, 303, "and it waits for ten minutes");
}

#[tokio::test]
async fn case_41_a_bent_sign_in_opens_no_session() {
    let provider = Provider::start(json!({ "u-17": { "roles": ["Teaching"] } })).await;
    let hub = TestHub::with(|settings| provider.enter(settings)).await;
    let browser = Browser::at(&hub);
    let begin = async || {
        let sent = browser.get("/sign-in/ridgeway").await;
        let back = provider.visited(sent.to(), "u-17").await;
        (keeping(&browser, &sent), back)
    };
    let opens_nothing = |answer: &Answer, status: u16| {
        assert_eq!(answer.status, status, "{answer:?}");
        assert!(!answer.cookies.iter().any(|cookie| cookie.starts_with("__Host-commonroll=")), "{answer:?}");
    };
    let (waiting, back) = begin().await;
    opens_nothing(&browser.get(&back).await, 400); // another browser's sign-in: login forgery
    let other_state = back.replace("state=", "state=x");
    opens_nothing(&waiting.get(&other_state).await, 400);
    assert_eq!(waiting.get(&back).await.status, 303, "and the right answer is still good");

    let (waiting, back) = begin().await;
    let elsewhere = back.replace("/ridgeway/", "/northgate/");
    opens_nothing(&waiting.get(&elsewhere).await, 400); // one provider's answer as another's

    let (waiting, back) = begin().await;
    let (head, _) = back.split_once("&iss=").unwrap();
    opens_nothing(&waiting.get(&format!("{head}&iss=https%3A%2F%2Fevil.example")).await, 400);
    let (waiting, back) = begin().await;
    let (head, _) = back.split_once("&iss=").unwrap();
    opens_nothing(&waiting.get(head).await, 400); // the provider always says who it is

    let (waiting, back) = begin().await;
    let good = waiting.get(&back).await;
    assert_eq!(good.status, 303);
    opens_nothing(&waiting.get(&back).await, 400); // the whole answer again
    let (waiting, fresh) = begin().await;
    let code =
        |path: &str| path.split(['?', '&']).find_map(|part| part.strip_prefix("code=")).unwrap().to_owned();
    opens_nothing(&waiting.get(&fresh.replace(&code(&fresh), &code(&back))).await, 400); // an old code in a new answer

    let (waiting, back) = begin().await;
    hub.advance(Duration::from_secs(660));
    opens_nothing(&waiting.get(&back).await, 400); // begun too long ago
    let refused = refusals(&hub).await;
    for class in ["state", "mix_up", "code"] {
        assert!(refused.contains(&class.to_owned()), "{class}: {refused:?}");
    }
    for to in ["//evil.example", "https://evil.example", "/\\evil.example"] {
        let sent = browser.get(&format!("/sign-in/ridgeway?to={to}")).await;
        let back = provider.visited(sent.to(), "u-17").await;
        assert_eq!(keeping(&browser, &sent).get(&back).await.to(), "/", "nobody is led away");
    }
    assert_eq!(browser.get("/sign-in/kingsmead").await.status, 404, "no provider, no way");
}

#[tokio::test]
async fn case_42_while_a_provider_is_down_nobody_new_comes_in_and_nobody_is_put_out() {
    let mut provider = Provider::start(json!({ "u-17": { "roles": ["Teaching"] } })).await;
    let hub = TestHub::with(|settings| provider.enter(settings)).await;
    let (answer, browser) = signed_in(&hub, &provider, "u-17").await;
    assert_eq!(answer.status, 303);
    let sent = Browser::at(&hub).get("/sign-in/ridgeway").await;
    let waiting = keeping(&Browser::at(&hub), &sent);
    let back = provider.visited(sent.to(), "u-17").await;
    provider.child.kill().await.unwrap();
    let answer = waiting.get(&back).await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, "30"));
    assert!(answer.body.contains("doesn’t answer"), "{}", answer.body);
    hub.advance(Duration::from_secs(50));
    assert_eq!(browser.get("/account").await.status, 200, "sessions live out");
    let never = TestHub::with(|settings| provider.enter(settings)).await;
    assert_eq!(Browser::at(&never).get("/sign-in/ridgeway").await.status, 503);
}

#[tokio::test]
async fn case_18_a_large_export_needs_the_providers_word_on_a_second_factor_and_a_second_person() {
    let provider = Provider::start(json!({ "u-17": { "roles": ["Office"] } })).await;
    let hub = TestHub::with(|settings| provider.enter(settings)).await;
    let manager = hub.first("ridgeway", Role::DataManager).await;
    let desk = Browser::of(&hub, &manager, Role::DataManager).await;
    let mut officer = signed_in(&hub, &provider, "u-17").await.1;
    let ask = async |officer: &Browser| {
        let token = officer.token().await;
        let days = [("first", "2026-09-01"), ("last", "2026-09-30")];
        let wanted = [[("token", token.as_str()), ("kind", "behaviour")], days].concat();
        assert_eq!(officer.post("/exports", &wanted).await.to(), "/exports");
    };
    ask(&officer).await;
    let page = officer.get("/exports").await.body;
    assert!(
        page.contains("Waits for a second person") && form_of(&page, "/exports/make").is_none(),
        "{page}"
    );
    let page = desk.get("/exports").await.body;
    assert!(page.contains("1 export waits for a second person"), "{page}");
    let [id, hash] = form_of(&page, "/exports/approve").expect("the second person's form");
    let send = async |browser: &Browser, path: &str| {
        let token = browser.token().await;
        browser.post(path, &[("token", &token), ("id", &id), ("hash", &hash)]).await
    };
    assert_eq!(send(&officer, "/exports/make").await.status, 409, "nobody has approved it");
    assert_eq!(send(&officer, "/exports/approve").await.status, 404, "and nobody approves their own");
    assert_eq!(send(&desk, "/exports/approve").await.to(), "/exports");
    let refused = send(&officer, "/exports/make").await;
    assert!(refused.status == 409 && refused.body.contains("Sign in again"), "{refused:?}");
    assert!(!refused.body.contains("\u{feff}"));

    // Round by the provider: with a password alone, and then with a code too.
    let again = "/sign-in/ridgeway?ask=again&#38;to=/exports";
    let sign_in_again = async |officer: &Browser, login: &str| {
        assert!(officer.get("/exports").await.body.contains(again));
        let sent = officer.get(&again.replace("&#38;", "&")).await;
        assert!(sent.to().contains("prompt=login") && sent.to().contains("max_age=600"), "{sent:?}");
        let back = provider.visited(sent.to(), login).await;
        let both = officer.and(sent.cookies[0].split(';').next().unwrap());
        let answer = both.get(&back).await;
        assert_eq!(answer.to(), "/exports");
        let entered = officer.entered(&answer);
        assert!(entered.cookie.is_some() && entered.cookie != officer.cookie, "a new secret for more rights");
        assert_eq!(officer.get("/account").await.status, 303, "and the old one is over");
        entered
    };
    officer = sign_in_again(&officer, "u-17").await;
    let refused = send(&officer, "/exports/make").await;
    assert!(refused.status == 409 && refused.body.contains("second factor"), "{refused:?}");
    officer = sign_in_again(&officer, "u-17&code=123456").await;
    let made = send(&officer, "/exports/make").await;
    assert_eq!((made.status, made.header("content-type")), (200, "text/csv; charset=utf-8"), "{made:?}");
    assert!(made.body.starts_with("\u{feff}\"learner\""), "{made:?}");
    ask(&officer).await;
    let page = officer.get("/exports").await.body;
    assert!(page.contains("Waits for a second person"), "an approval is good for one: {page}");
    let log = serde_json::to_string(&hub.exchange.show(1, 1_000).await.unwrap()).unwrap();
    assert!(log.contains("own account, second factor") && log.contains("export.approved"), "{log}");
}
