//! The console's door: headers on every answer, sign-in of a demo, what is there without a script and without a session.

use crate::{
    browser::{Answer, Browser, with_console},
    kit::TestHub,
};
use commonroll_core::Role;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// What no page may hold: anything that a strict policy would have to be loosened for.
fn is_plain(page: &str) {
    for bad in ["<style", " style=", "javascript:", "<iframe", "http://", "<script>"] {
        assert!(!page.contains(bad), "{bad} in {page}");
    }
    let handlers = page.split_whitespace().filter(|word| word.starts_with("on") && word.contains("=\""));
    assert_eq!(handlers.count(), 0, "{page}");
}

fn carries_the_headers(answer: &Answer) {
    let policy = answer.header("content-security-policy");
    for part in [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ] {
        assert!(policy.contains(part), "{part}: {answer:?}");
    }
    assert!(!policy.contains("unsafe") && !policy.contains('*'), "{policy}");
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("strict-transport-security", "max-age=31536000"),
    ] {
        assert_eq!(answer.header(name), value, "{name}: {answer:?}");
    }
    assert!(!answer.headers.contains_key("server") && !answer.headers.contains_key("x-powered-by"));
}

#[tokio::test]
async fn every_answer_carries_the_headers_and_no_page_needs_a_script() {
    let hub = TestHub::with(with_console).await;
    let manager = hub.first("ridgeway", Role::DataManager).await;
    let browser = Browser::of(&hub, &manager, Role::DataManager).await;
    let (stranger, long) = (Browser::at(&hub), "a".repeat(70_000));
    let same = [("sec-fetch-site", "same-origin")];
    let answers = [
        (200, browser.get("/account").await),
        (200, stranger.get("/sign-in").await),
        (303, stranger.get("/").await),
        (303, stranger.get("/account").await),
        (404, browser.get("/no/such/page").await),
        (404, stranger.get("/demo").await),
        (404, stranger.get("/assets/0000000000000000-tokens.css").await),
        (404, browser.send("DELETE", "/account", &same, "").await),
        (403, browser.send("POST", "/role", &[("sec-fetch-site", "cross-site")], "role=dpo").await),
        (403, browser.post("/role", &[("role", "data_manager")]).await),
        (413, browser.send("POST", "/role", &same, &long).await),
        (404, stranger.post("/demo", &[("who", "0")]).await),
    ];
    for (status, answer) in &answers {
        assert_eq!(answer.status, *status, "{answer:?}");
        carries_the_headers(answer);
        assert_eq!(answer.header("cache-control"), "no-store");
        is_plain(&answer.body);
    }
    let missing: Vec<&str> = [4, 5, 7].iter().map(|at| answers[*at].1.body.as_str()).collect();
    assert!(missing.windows(2).all(|two| two[0] == two[1]), "one wording for whatever is not there");
    assert!(answers[0].1.body.contains("Rosalind Vane") && answers[0].1.body.contains("<h1>"));
}

#[tokio::test]
async fn the_files_of_a_page_have_addresses_of_their_content_and_are_small() {
    let hub = TestHub::with(with_console).await;
    let stranger = Browser::at(&hub);
    let page = stranger.get("/sign-in").await.body;
    let mut size = page.len();
    let addresses: Vec<&str> = page
        .split('"')
        .filter(|part| part.starts_with("/assets/"))
        .map(|part| part.split('#').next().unwrap())
        .collect();
    assert!(addresses.len() >= 3, "{addresses:?}");
    for address in addresses {
        let file = stranger.get(address).await;
        assert_eq!((file.status, file.header("cache-control")), (200, "public, max-age=31536000, immutable"));
        carries_the_headers(&file);
        size += file.body.len();
    }
    assert!(size <= 100_000, "{size} bytes leave no room for a page's own");
}

#[tokio::test]
async fn plain_http_gets_nothing_and_a_hub_without_the_setting_has_no_console() {
    let hub = TestHub::with(with_console).await;
    let mut stream = tokio::net::TcpStream::connect(hub.addresses.console.unwrap()).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes).await;
    let text = String::from_utf8_lossy(&bytes);
    assert!(!text.contains("HTTP/") && !text.contains("html"), "{text}");
    assert!(TestHub::start().await.addresses.console.is_none());
}

#[tokio::test]
async fn a_demo_lets_one_be_somebody_with_one_press_and_leads_to_the_page_they_came_for() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("people.toml");
    let database = format!("sqlite:{}", folder.path().join("hub.db").display());
    let hub = TestHub::with(|settings| settings.database.clone_from(&database)).await;
    let manager = hub.first("ridgeway", Role::DataManager).await;
    let text = format!(
        "[[person]]\nid = \"{}\"\nrole = \"data_manager\"\nlabel = \"Data manager\"\nblurb = \"Kay & <co>\"\n\
         [[person]]\nid = \"{}\"\nrole = \"head\"\nlabel = \"Head\"\nblurb = \"Holds no such role\"\n",
        manager.id, manager.id
    );
    std::fs::write(&list, text).unwrap();
    let demo = hub
        .another(|settings| {
            with_console(settings);
            settings.demo_people = Some(list);
        })
        .await;
    let stranger = Browser::at(&demo);
    assert_eq!(stranger.get("/account").await.to(), "/sign-in?to=%2Faccount");
    assert_eq!(stranger.get("/sign-in?to=%2Faccount").await.to(), "/demo?to=%2Faccount");
    let page = stranger.get("/demo?to=%2Faccount").await;
    assert!(
        page.body.contains("Who would you like to be?") && page.body.contains("Kay &#38; &#60;co&#62;"),
        "{}",
        page.body
    );
    assert!(page.body.contains("name=\"to\" value=\"/account\""));

    let cross = stranger.send("POST", "/demo", &[("sec-fetch-site", "cross-site")], "who=0").await;
    assert_eq!(cross.status, 403, "nobody else's page signs anybody in");
    let entered = stranger.post("/demo", &[("who", "0"), ("to", "/account")]).await;
    assert_eq!(entered.to(), "/account");
    let set = entered.header("set-cookie");
    assert!(
        set.starts_with("__Host-commonroll=") && set.contains("; Path=/; Secure; HttpOnly; SameSite=Lax")
    );
    let inside = stranger.given(&entered);
    assert!(inside.get("/account").await.body.contains("Rosalind Vane"));
    assert_eq!(inside.get("/sign-in?to=https://evil.example").await.to(), "/", "never to another site");

    assert_eq!(
        stranger.post("/demo", &[("who", "1")]).await.status,
        404,
        "a role that the person doesn't hold"
    );
    assert_eq!(stranger.post("/demo", &[("who", "7")]).await.status, 404);
    let again = inside.post("/demo", &[("who", "0")]).await;
    assert_ne!(again.header("set-cookie"), set, "a new secret at every sign-in");
    assert_eq!(inside.get("/account").await.status, 303, "what was there before is over");
    demo.exchange.tick(demo.now()).await;
    let log = demo.exchange.show(1, 1_000).await.unwrap();
    let count = |what: &str| log.iter().filter(|entry| entry["what"] == what).count();
    assert_eq!((count("signin.opened"), count("signin.ended"), count("signin.refused")), (2, 1, 2));
    assert!(!log.iter().any(|entry| entry.to_string().contains("Vane")), "a sign-in's entry names nobody");
}
