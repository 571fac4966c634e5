//! Asking any API: the ways to sign in, lists in offsets, and what may not be asked at all.

use crate::{
    fake_mis::{FakeMis, Reply},
    rig::{School, taken},
    wonde::{asked, fetch_once, fetcher, only_ours},
};
use commonroll_agent::{Settings, fetch, fetch::Round};
use serde_json::json;
use std::{fs, path::Path};

const MAPPING: &str = "format = \"json\"\nrows = \"groups\"\nignore = [\"*\"]\n[fields]\ngroup = \"id\"\n";

async fn school(mis: &FakeMis, connection: &str, options: &str, records: &str) -> School {
    let folder = mis.files.path();
    fs::write(folder.join("mapping.toml"), MAPPING).unwrap();
    let secret = folder.join("secret");
    fs::write(&secret, "s3cret-canary").unwrap();
    only_ours(&secret);
    let more = format!(
        "[connection.mis]\nkind = \"http\"\naddress = \"{}\"\ncredentials = \"{}\"\n{connection}\n\
         [connection.mis.options]\n{options}\n\
         [[source]]\nname = \"asked\"\nfrom = \"mis\"\nrecords = \"{records}\"\nmapping = \"{}\"\n",
        mis.address,
        secret.display(),
        folder.join("mapping.toml").display()
    );
    School::with("northgate", &more).await
}

#[tokio::test]
async fn an_oauth_client_gets_a_token_keeps_it_and_renews_it_once_when_it_is_refused() {
    let mut issued = 0;
    let mut revoked = 0;
    let mis = FakeMis::start(move |asked, _| {
        if asked.path == "/token" {
            assert_eq!(asked.method, "POST");
            // "client:s3cret-canary" in base64.
            assert_eq!(asked.header("authorization"), "Basic Y2xpZW50OnMzY3JldC1jYW5hcnk=");
            assert_eq!(asked.body, "grant_type=client_credentials&scope=roster.readonly");
            issued += 1;
            return Reply::json(
                json!({"access_token": format!("t{issued}"), "expires_in": 3600}).to_string(),
            );
        }
        // The first token is withdrawn after one question; from the third on nothing is believed any more.
        if asked.header("authorization") == "Bearer t1" {
            revoked += 1;
            if revoked > 1 {
                return Reply::status(401);
            }
        }
        if issued >= 3 { Reply::status(401) } else { Reply::json("[{\"id\":\"12A\"}]") }
    })
    .await;
    let settings = format!(
        "api = \"json\"\nsign_in = \"oauth2\"\nuser = \"client\"\nscope = \"roster.readonly\"\ntoken_address = \"{}/token\"",
        mis.address
    );
    let school = school(&mis, &settings, "", "groups").await;
    let fetcher = fetcher(&school);
    let round =
        async || fetch::round(asked(&school), &*fetcher, &school.spool, school.today()).await.unwrap();
    for _ in 0..3 {
        assert!(matches!(round().await, Round::Done(_)));
    }
    let tokens = mis.asked().iter().filter(|asked| asked.path == "/token").count();
    assert_eq!((tokens, mis.asked().len()), (2, 2 + 4), "kept while it holds, renewed when it doesn't");
}

#[tokio::test]
async fn a_token_that_is_refused_twice_is_told_and_not_asked_for_for_ever() {
    let mis = FakeMis::start(|asked, _| match &*asked.path {
        "/token" => Reply::json("{\"access_token\":\"t\"}"),
        _ => Reply::status(401),
    })
    .await;
    let settings = format!(
        "api = \"json\"\nsign_in = \"oauth2\"\nuser = \"c\"\ntoken_address = \"{}/token\"",
        mis.address
    );
    let school = school(&mis, &settings, "", "groups").await;
    let Round::Failed(fault) = fetch_once(&school).await else { panic!("fetched") };
    assert_eq!((fault.rule, mis.asked().len()), ("HTTP-SIGN-IN", 4));
    assert!(!fault.fix.contains("canary"), "{}", fault.fix);
}

#[tokio::test]
async fn two_headers_and_basic_carry_user_and_secret() {
    for (sign_in, header, value) in [
        (
            "sign_in = { headers = { user = \"ApplicationId\", secret = \"ApplicationSecret\" } }",
            "applicationsecret",
            "s3cret-canary",
        ),
        ("sign_in = \"basic\"", "authorization", "Basic Y2xpZW50OnMzY3JldC1jYW5hcnk="),
    ] {
        let mis = FakeMis::start(|_, _| Reply::json("[{\"id\":\"12A\"}]")).await;
        let school =
            school(&mis, &format!("api = \"json\"\nuser = \"client\"\n{sign_in}"), "", "groups").await;
        assert!(matches!(fetch_once(&school).await, Round::Done(_)));
        assert_eq!(mis.asked()[0].header(header), value);
    }
}

/// Lists of ten under every way in which servers tell how long a list is.
#[tokio::test]
async fn a_list_is_read_to_its_end_however_the_server_pages() {
    for way in ["total", "link", "nothing", "fewer than asked for", "ignores offset"] {
        let mis = FakeMis::start(move |asked, own| {
            let offset = if way == "ignores offset" { 0 } else { asked.number("offset").unwrap() };
            let limit = match way {
                "fewer than asked for" => 3,
                "ignores offset" => 10,
                _ => asked.number("limit").unwrap(),
            };
            let rows: Vec<_> =
                (0..10).skip(offset).take(limit).map(|n| json!({"id": format!("G{n}")})).collect();
            let reply = Reply::json(json!({"items": rows}).to_string());
            let next = offset + limit;
            match way {
                "total" => reply.with("x-total-count", "10"),
                "link" if next < 10 => reply.with(
                    "link",
                    format!(
                        "<{own}/groups?limit={limit}&offset={next}>; rel=\"next\", <{own}/x>; rel=\"first\""
                    ),
                ),
                "link" => reply.with("link", format!("<{own}/groups?offset=0>; rel=\"first\"")),
                _ => reply,
            }
        })
        .await;
        let options = "list = \"items\"\nid = \"id\"\npaging = \"offset\"\nlimit = \"4\"";
        let mut school = school(&mis, "api = \"json\"", options, "groups").await;
        fetch_once(&school).await;
        assert_eq!(taken(&school.look().await["groups.jsonl"]).declared, 10, "{way}");
    }
}

#[tokio::test]
async fn a_list_that_says_it_is_longer_than_it_is_is_not_taken() {
    let mis = FakeMis::start(|asked, _| {
        let rows =
            if asked.number("offset") == Some(0) { json!([{"id": "a"}, {"id": "b"}]) } else { json!([]) };
        Reply::json(rows.to_string()).with("x-total-count", "3")
    })
    .await;
    let mut school =
        school(&mis, "api = \"json\"", "id = \"id\"\npaging = \"offset\"\nlimit = \"2\"", "groups").await;
    let Round::Failed(fault) = fetch_once(&school).await else { panic!("fetched") };
    assert_eq!((fault.rule, mis.asked().len()), ("API-PAGES-CHANGED", 4));
    assert!(school.look().await.is_empty());
}

#[test]
fn what_an_api_has_not_and_what_is_never_live_is_told_at_the_start() {
    let wonde = "[connection.w]\nkind = \"http\"\napi = \"wonde\"\naddress = \"https://api.wonde.com/v1.0\"\n\
        [[source]]\nname = \"a\"\nfrom = \"w\"\nconnector = \"json\"\n";
    for (text, said) in [
        (wonde.replace("\"wonde\"", "\"wander\""), "connection.w.api"),
        (format!("{wonde}records = \"pupils\"\n"), "students, classes"),
        (format!("{wonde}records = \"students\"\nlive = true\n"), "source.0.live"),
    ] {
        let error =
            Settings::parse(&format!("data = \"d\"\n{text}"), Path::new("/etc/agent.toml")).unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
    }
}

#[tokio::test]
async fn arbors_attendance_without_a_query_is_not_asked_and_the_agent_starts() {
    let mis = FakeMis::start(|_, _| panic!("asked for every mark there ever was")).await;
    let school = school(&mis, "api = \"arbor\"\nuser = \"us\"", "", "attendance").await;
    let Round::Failed(fault) = fetch_once(&school).await else { panic!("asked") };
    assert_eq!(fault.rule, "API-QUERY");
    assert!(fault.fix.contains("every mark there ever was"), "{fault}");
    assert!(school.spool.alarms().await.unwrap()[0].text.contains("API-QUERY"), "status says so");
    let mut asked = asked(&school).asked.clone().unwrap();
    assert!(asked.lacks().is_some());
    asked.query.insert("academicYear".to_owned(), "2026".to_owned());
    assert_eq!(asked.lacks(), None);
}
