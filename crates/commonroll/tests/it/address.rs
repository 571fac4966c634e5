//! `agent setup` of an address: what answers there is recognised by proof, what is missing is said in words, and no secret and no
//! pupil shows or goes anywhere else.

use crate::{
    fake_mis::{Asked, FakeMis, Reply},
    setup::{CANARY, Desk, RIGHT},
};
use serde_json::{Value, json};

const ORG: &str = "/ims/oneroster/rostering/v1p2/";

fn bearer(asked: &Asked) -> bool {
    asked.header("authorization") == format!("Bearer {RIGHT}")
}

/// A OneRoster server with ten learners, which hands out tokens and has no demographics.
fn oneroster(asked: &Asked) -> Reply {
    if asked.path == "/oauth/token" {
        // What a browser's client library makes of `client` and the right secret.
        let right = asked.header("authorization") == "Basic Y2xpZW50OnJpZ2h0";
        return if right {
            Reply::json("{\"access_token\":\"right\",\"expires_in\":3600}")
        } else {
            Reply::status(401)
        };
    }
    let Some(resource) = asked.path.strip_prefix(ORG) else { return Reply::status(404) };
    if !bearer(asked) {
        return Reply::status(401);
    }
    let learners: Vec<Value> = (0..10)
        .map(|n| {
            json!({"sourcedId": format!("u{n}"), "status": "active", "givenName": "Imogen", "familyName": "Ashby",
                "enabledUser": true, "password": CANARY, "primaryOrg": {"sourcedId": "o1"}, "grades": ["12"],
                "roles": [{"role": "student", "roleType": "primary", "org": {"sourcedId": "o1"}}]})
        })
        .collect();
    let rows = match resource {
        "orgs" => json!([{"sourcedId": "o1", "name": "Northgate", "type": "school"}]),
        "users" => Value::Array(learners),
        "courses" => json!([{"sourcedId": "k1", "title": "Chemistry", "org": {"sourcedId": "o1"}}]),
        "classes" => json!([{"sourcedId": "c1", "title": "Chemistry", "classType": "scheduled",
            "course": {"sourcedId": "k1"}, "school": {"sourcedId": "o1"}, "terms": [{"sourcedId": "t1"}]}]),
        "academicSessions" => {
            json!([{"sourcedId": "t1", "title": "2026", "type": "term", "startDate": "2026-09-01",
            "endDate": "2027-07-20", "schoolYear": "2027"}])
        }
        "enrollments" => json!([]),
        _ => return Reply::status(404),
    };
    let from = asked.number("offset").unwrap_or(0);
    let limit = asked.number("limit").unwrap_or(100);
    let page: Vec<Value> = rows.as_array().unwrap().iter().skip(from).take(limit).cloned().collect();
    Reply::json(json!({ resource: page }).to_string())
}

/// Wonde with two schools; marks may not be read.
fn wonde(asked: &Asked) -> Reply {
    if !bearer(asked) {
        return Reply::status(401);
    }
    let page = json!({"pagination": {"next": null, "more": false, "per_page": 50, "current_page": 1}});
    let data = match asked.path.as_str() {
        "/v1.0/schools/" => json!([{"id": "A1", "name": "Northgate"}, {"id": "A2", "name": "Ridgeway"}]),
        "/v1.0/schools/A1/" => json!({"id": "A1", "name": "Northgate"}),
        "/v1.0/schools/A1/students/" => json!([{"id": "A77", "forename": "Imogen", "surname": "Ashby",
            "date_of_birth": {"date": "2009-05-01 00:00:00.000000", "timezone_type": 3, "timezone": "Europe/London"},
            "education_details": {"data": {"upn": null, "uln": null, "enrolment_status": "C"}}}]),
        "/v1.0/schools/A1/attendance/session/" => {
            json!([{"id": "M1", "session": "AM", "comment": null, "minutes_late": null,
            "date": {"date": "2026-09-14 00:00:00.000000", "timezone_type": 3, "timezone": "UTC"},
            "attendance_code": {"data": {"code": "/"}}, "student": {"data": {"id": "A77"}}}])
        }
        "/v1.0/schools/A1/behaviours/" => {
            let of = |id: &str, sort: &str| {
                json!({"id": id, "type": sort, "comment": null, "incident_date": {"date": "2026-09-14 00:00:00.000000",
                    "timezone_type": 3, "timezone": "UTC"}, "students": {"data": [{"id": "A77", "meta": {"points": 1}}]}})
            };
            json!([of("P1", "Fighting"), of("P2", "Out of bounds"), of("P3", "Out of bounds")])
        }
        "/v1.0/" => return Reply::status(404),
        _ => return Reply::status(403),
    };
    Reply::json(json!({"data": data, "meta": page}).to_string())
}

fn from(mis: &FakeMis, path: &str) -> String {
    format!("{}{path}", mis.address)
}

/// Nobody was asked anything but to read, and the secret went to nobody but the one who may have it.
fn only_read(mis: &FakeMis) {
    for asked in mis.asked() {
        assert!(asked.method == "GET" || asked.path == "/oauth/token", "{} {}", asked.method, asked.path);
        assert!(!asked.path.contains(RIGHT) && !asked.query.values().any(|value| value.contains(RIGHT)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_oneroster_server_is_known_by_its_answer_and_set_up_without_a_question() {
    let mis = FakeMis::start(|asked, _| oneroster(asked)).await;
    let (desk, at, token) = (Desk::new(), from(&mis, ""), from(&mis, "/oauth/token"));
    let way = ["--from", &at, "--name", "roster", "--user", "client", "--credentials", "right.secret"];
    let more = ["--token-address", &token, "--yes"];
    let arguments: Vec<&str> = way.iter().chain(&more).copied().collect();
    let seen = desk.run(&arguments, "");
    assert_eq!(seen.code, Some(0), "{}", seen.all);
    for said in [
        "GET /ims/oneroster/rostering/v1p2/orgs?limit=1",
        "401: somebody must sign in",
        "proves OneRoster 1.2",
        "a list `orgs` whose rows have `sourcedId`",
        "It has no demographics",
        "10 rows and what becomes of them",
        "→",
        "11 declarations",
    ] {
        assert!(seen.all.contains(said), "{said}: {}", seen.all);
    }
    only_read(&mis);
    let settings = desk.read("agent.toml");
    for line in [
        "[connection.roster]\nkind = \"http\"\napi = \"oneroster\"",
        "user = \"client\"\n",
        "credentials = \"right.secret\"\n",
        "\"version\" = \"1.2\"",
        "\"without\" = \"demographics\"",
        "name = \"oneroster\"\nfrom = \"roster\"\nrecords = \"rostering\"\nmapping = \"oneroster.toml\"",
    ] {
        assert!(settings.contains(line), "{line}: {settings}");
    }
    assert!(!settings.contains(&format!("\"{RIGHT}\"")), "{settings}");
    desk.are_private(&["agent.toml", "oneroster.toml"]);
    // Once more: the connection is known, nothing is written twice, and all is set up as it would be.
    let seen = desk.run(&arguments, "");
    assert_eq!(seen.code, Some(0), "{}", seen.all);
    assert_eq!(desk.read("agent.toml"), settings);
    // Somebody's own lines in the mapping stay theirs, and a script isn't told that it was set up.
    let own = format!("{}# ours\n", desk.read("oneroster.toml"));
    std::fs::write(desk.path("oneroster.toml"), &own).unwrap();
    let seen = desk.run(&arguments, "");
    assert!(seen.code == Some(3) && seen.all.contains("--replace"), "{}", seen.all);
    assert_eq!((desk.read("oneroster.toml"), desk.read("agent.toml")), (own, settings));
}

#[tokio::test(flavor = "multi_thread")]
async fn wonde_asks_which_school_and_when_its_sessions_are_and_says_what_it_may_not_read() {
    let mis = FakeMis::start(|asked, _| wonde(asked)).await;
    let (desk, at) = (Desk::new(), from(&mis, "/v1.0"));
    let way = ["--from", &at, "--name", "wonde", "--credentials", "right.secret"];
    // Nobody answers: what is missing is named, and nothing is written.
    let silent: Vec<&str> = way.iter().copied().chain(["--yes"]).collect();
    let seen = desk.run(&silent, "");
    assert!(seen.code == Some(1) && seen.all.contains("--option school="), "{}", seen.all);
    assert!(seen.all.contains("A1  Northgate"), "{}", seen.all);
    let of_one: Vec<&str> = silent.iter().copied().chain(["--option", "school=A1"]).collect();
    let seen = desk.run(&of_one, "");
    assert_eq!(seen.code, Some(3), "session times are still to be said: {}", seen.all);
    assert!(seen.all.contains("--answer 'periods.AM=08:45-12:30'"), "{}", seen.all);
    assert!(!desk.read("agent.toml").contains("wonde-sessions"), "{}", seen.all);
    // Somebody answers: the first school, all that there is, their own times.
    std::fs::remove_file(desk.path("agent.toml")).unwrap();
    std::fs::remove_file(desk.path("wonde-students.toml")).unwrap();
    std::fs::remove_file(desk.path("wonde-behaviours.toml")).unwrap();
    let seen = desk.run(&way, "1\n1\n08:50-12:20\n\n5\n");
    assert_eq!(seen.code, Some(0), "{}", seen.all);
    for said in [
        "Which school is yours?",
        "403: the MIS knows us",
        "have the school approve",
        "1 row(s)",
        "/ is present, 08:50-12:20",
    ] {
        let said = said.replace("403: ", "");
        assert!(seen.all.contains(&said), "{said}: {}", seen.all);
    }
    let settings = desk.read("agent.toml");
    assert!(settings.contains("\"school\" = \"A1\"") && !settings.contains("token_address"), "{settings}");
    assert!(settings.contains("records = \"attendance/session\""), "{settings}");
    assert!(!settings.contains("wonde-results"), "what may not be read is not set up: {settings}");
    let mapping = desk.read("wonde-sessions.toml");
    assert!(
        mapping.contains("AM = [\"08:50\", \"12:20\"]") && mapping.contains("PM = [\"13:15\", \"15:30\"]")
    );
    // A school's own sorts: one says its category, the other was asked for with its count.
    assert!(
        seen.all.contains("Which category is \"Out of bounds\"") && seen.all.contains("2 of the rows"),
        "{}",
        seen.all
    );
    let mapping = desk.read("wonde-behaviours.toml");
    assert!(mapping.contains("\"Fighting\" = \"physical\""), "{mapping}");
    assert!(
        mapping.contains("\"Out of bounds\" = \"defiance\"") && mapping.contains("other = \"other\""),
        "{mapping}"
    );
    only_read(&mis);
    let seen = desk.run(&[&silent[..], &["--option", "school=A1", "--replace"]].concat(), "");
    assert_eq!(seen.code, Some(3), "{}", seen.all);
    let seen = desk.run(
        &[
            "--from",
            &at,
            "--credentials",
            "right.secret",
            "--option",
            "school=A1",
            "--propose",
            "--records",
            "students",
        ],
        "",
    );
    assert_eq!(
        seen.out,
        commonroll_connectors::templates::by_name("wonde-students").unwrap().text,
        "{}",
        seen.all
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ods_says_who_it_is_to_anybody_and_where_its_tokens_are_only_on_its_own_host() {
    let elsewhere = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let other = elsewhere.clone();
    let mis = FakeMis::start(move |asked, own| {
        let host = if other.load(std::sync::atomic::Ordering::Relaxed) { "https://thief.example" } else { own };
        match asked.path.as_str() {
            "/v7/" => Reply::json(
                json!({"version": "7.3", "dataModels": [{"name": "Ed-Fi", "version": "5.2.0"}],
                "urls": {"oauth": format!("{host}/v7/own/token"), "dataManagementApi": format!("{host}/v7/data/v3")}})
                .to_string(),
            ),
            "/v7/own/token" => Reply::json("{\"access_token\":\"right\",\"expires_in\":600}"),
            "/v7/changeQueries/v1/availableChangeVersions" => Reply::status(404),
            "/v7/data/v3/ed-fi/students" if bearer(asked) => {
                let rows = json!([{"id": "i1", "studentUniqueId": "604822", "firstName": "Imogen", "lastSurname": "Ashby",
                    "birthDate": "2009-05-01"}]);
                let first = asked.number("offset").unwrap_or(0) == 0;
                Reply::json(if first { rows.to_string() } else { "[]".to_owned() })
            }
            _ => Reply::status(403),
        }
    })
    .await;
    let (desk, at) = (Desk::new(), from(&mis, "/v7"));
    let arguments =
        ["--from", &at, "--name", "ods", "--user", "key", "--credentials", "right.secret", "--yes"];
    elsewhere.store(true, std::sync::atomic::Ordering::Relaxed);
    let seen = desk.run(&arguments, "");
    assert!(seen.code == Some(1) && seen.all.contains("tokens at another host"), "{}", seen.all);
    assert!(
        desk.files().is_empty() && mis.asked().iter().all(|asked| asked.header("authorization").is_empty())
    );
    elsewhere.store(false, std::sync::atomic::Ordering::Relaxed);
    let seen = desk.run(&arguments, "");
    assert_eq!(seen.code, Some(0), "{}", seen.all);
    assert!(seen.all.contains("It is an Ed-Fi ODS/API: its answer has `version`"), "{}", seen.all);
    let settings = desk.read("agent.toml");
    assert!(
        settings.contains("/v7/own/token\"") && settings.contains("name = \"edfi-students\""),
        "{settings}"
    );
}

/// Marks of a week, as some system of its own tells them.
fn marks(rows: usize) -> Vec<Value> {
    let mark = |n: usize| {
        let morning = (n / 12).is_multiple_of(2);
        json!({"rowId": n, "pupil_ref": format!("41{:02}", n % 12), "mark_date": format!("2026-09-{:02}", 14 + n / 24 % 5),
            "period": if morning { "AM" } else { "PM" },
            "att_mark": if n % 7 == 3 { "N" } else if morning { "/" } else { "\\" }})
    };
    (0..rows).map(mark).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_nobody_knows_are_proposed_as_a_file_would_be_and_never_a_part_for_all() {
    let mis = FakeMis::start(|asked, own| {
        let all = marks(120);
        let from = asked.number("offset").unwrap_or(0);
        let limit = asked.number("limit").unwrap_or(50);
        let page: Vec<Value> = all.iter().skip(from).take(limit).cloned().collect();
        match asked.path.as_str() {
            "/api/whole" if asked.header("authorization") == "Basic cmVhZGVyOnJpZ2h0" => {
                Reply::json(json!({"result": {"marks": all, "count": 120}}).to_string())
            }
            "/api/whole" => Reply::status(401),
            "/api/paged" => Reply::json(json!({"total": 120, "rows": page}).to_string()),
            "/api/odd" => Reply::json(
                json!({"rows": &all[..50], "nextCursor": format!("{own}/api/odd?c=2")}).to_string(),
            ),
            "/api/round" => Reply::json(json!({"rows": &all[..100]}).to_string()),
            "/api/fine" => Reply::json("{\"message\":\"all is well\"}"),
            // A gate before everything: it says nothing of what is behind it.
            _ if asked.header("authorization").is_empty() => Reply::status(401),
            _ => Reply::status(404),
        }
    })
    .await;
    let desk = Desk::new();
    let (whole, paged) = (from(&mis, "/api/whole"), from(&mis, "/api/paged"));
    let who = ["--name", "own", "--user", "reader", "--credentials", "right.secret"];
    let seen = desk.run(&[&["--from", &whole, "--propose"], &who[..]].concat(), "");
    assert_eq!(seen.code, Some(3), "session times stand in it as doubts: {}", seen.all);
    assert!(
        seen.out.contains("learner = \"pupil_ref\"") && seen.out.contains("# ? \"AM\" = "),
        "{}",
        seen.out
    );
    assert!(seen.all.contains("in `result.marks`") && desk.files().is_empty(), "{}", seen.all);
    let answers = ["--yes", "--answer", "periods.AM=08:45-12:15", "--answer", "periods.PM=13:15-15:30"];
    let seen = desk.run(&[&["--from", &whole], &who[..], &answers].concat(), "");
    assert_eq!(seen.code, Some(0), "{}", seen.all);
    assert!(seen.all.contains("would send: 120 new"), "{}", seen.all);
    let settings = desk.read("agent.toml");
    for line in [
        "api = \"json\"",
        "/api\"\nuser = \"reader\"\nsign_in = \"basic\"",
        "\"list\" = \"result.marks\"",
        "records = \"whole\"",
        "mapping = \"own-attendance.toml\"",
    ] {
        assert!(settings.contains(line), "{line}: {settings}");
    }
    desk.are_private(&["agent.toml", "own-attendance.toml"]);

    let seen = desk.run(&[&["--from", &paged, "--name", "paged"], &answers[..]].concat(), "");
    assert_eq!(seen.code, Some(0), "{}", seen.all);
    assert!(seen.all.contains("would send: 120 new"), "all pages: {}", seen.all);
    assert!(
        desk.read("agent.toml").contains("\"id\" = \"rowId\", \"list\" = \"rows\", \"paging\" = \"offset\"")
    );

    let desk = Desk::new();
    let seen = desk.run(&[&["--from", &from(&mis, "/api/odd")], &answers[..]].concat(), "");
    assert!(seen.code == Some(1) && seen.all.contains("one page of a longer list"), "{}", seen.all);
    let seen = desk.run(&["--from", &from(&mis, "/api/fine"), "--yes"], "");
    assert!(seen.code == Some(1) && seen.all.contains("no list of rows"), "{}", seen.all);

    // As many rows as a page has, and not a word about more: somebody must say that these are all.
    let round = from(&mis, "/api/round");
    let way = [&["--from", &round, "--name", "round"][..], &answers[1..]].concat();
    for (more, typed) in [(&["--yes"][..], ""), (&[][..], "n\n")] {
        let seen = desk.run(&[&way[..], more].concat(), typed);
        assert!(seen.code == Some(1) && seen.all.contains("--option paging=once"), "{}", seen.all);
        assert!(desk.files().is_empty(), "{:?}", desk.files());
    }
    for (more, typed) in [(&["--yes", "--option", "paging=once"][..], ""), (&[][..], "y\n")] {
        let desk = Desk::new();
        let seen = desk.run(&[&way[..], more].concat(), typed);
        assert!(seen.code == Some(0) && seen.all.contains("would send: 100 new"), "{}", seen.all);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_leaves_the_wizard_with_ctrl_c_leaves_no_rows_behind() {
    use std::{fs, io::Read, process::Command};
    let mis = FakeMis::start(|asked, _| match asked.path.as_str() {
        "/api/marks" => Reply::json(json!({"rows": marks(120)}).to_string()),
        _ => Reply::status(404),
    })
    .await;
    let (desk, between) = (Desk::new(), tempfile::tempdir().unwrap());
    let left =
        || fs::read_dir(between.path()).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    let at = from(&mis, "/api/marks");
    let mut child = desk.command(&["--from", &at]).env("TMPDIR", between.path()).spawn().unwrap();
    // Up to the first question, when the rows have come.
    let (mut said, mut byte) = (Vec::new(), [0]);
    let mut errors = child.stderr.take().unwrap();
    let asks = |said: &[u8]| {
        let line = said.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
        line.ends_with(b"> ") && (line == b"> " || line.starts_with(b"1-"))
    };
    while !asks(&said) && errors.read(&mut byte).unwrap() > 0 {
        said.push(byte[0]);
    }
    assert!(asks(&said), "{}", String::from_utf8_lossy(&said));
    assert_eq!(left(), Vec::<std::path::PathBuf>::new(), "nor does anybody find them meanwhile");
    let interrupt = Command::new("sh").args(["-c", &format!("kill -INT {}", child.id())]).status().unwrap();
    assert!(interrupt.success());
    assert!(!child.wait().unwrap().success());
    assert_eq!(left(), Vec::<std::path::PathBuf>::new());
    assert!(desk.files().is_empty(), "{:?}", desk.files());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_address_refuses_is_said_in_words_and_nothing_is_left_half_written() {
    let mis = FakeMis::start(|asked, _| match asked.path.as_str() {
        path if path.starts_with("/gone") => Reply::status(404),
        path if path.starts_with("/elsewhere") => {
            Reply::status(302).with("location", "https://thief.example/")
        }
        path if path.starts_with("/shut") && asked.header("authorization").is_empty() => Reply::status(401),
        path if path.starts_with("/shut") => Reply::status(403),
        path if path.starts_with("/busy") => Reply::status(429).with("retry-after", "600"),
        path if path.starts_with("/roster") => {
            oneroster(&Asked { path: path[7..].to_owned(), ..asked.clone() })
        }
        _ => Reply::status(401),
    })
    .await;
    let desk = Desk::new();
    let token = ["--credentials", "right.secret"];
    let cases: [(&str, &[&str], &str); 9] = [
        ("/gone", &[], "404: nothing is there"),
        ("/gone", &[], "nothing here answers like an API that we know"),
        ("/elsewhere", &token, "leads to another address, which is not followed"),
        ("/shut", &token, "have the school approve these records"),
        ("/busy", &token, "asks to be asked more seldom"),
        ("/wrong", &[], "somebody must sign in here, and nobody said who"),
        ("/wrong", &["--env", "COMMONROLL_TEST_SECRET"], "does not take the secret"),
        ("/roster", &["--user", "client", "--credentials", "right.secret"], "--token-address"),
        ("/wrong", &["--credentials", "gone.secret"], "umask 077; cat > "),
    ];
    for (path, more, said) in cases {
        let at = from(&mis, path);
        let seen = desk.run(&[&["--from", &at, "--yes"], more].concat(), "");
        assert_eq!(seen.code, Some(1), "{path}: {}", seen.all);
        assert!(seen.all.contains(said), "{said}: {}", seen.all);
        assert!(!seen.all.contains("canary-words-of-the-server"), "{}", seen.all);
        assert_eq!(desk.files(), Vec::<String>::new(), "{path}");
    }
    only_read(&mis);
    for (arguments, said) in [
        (&["--from", "http://mis.example/api", "--yes"][..], "must begin with https://"),
        (&["--from", "https://roll:canary-secret@mis.example", "--yes"][..], "must not hold a password"),
        (&["--from", "https://mis.example/api?token=canary-secret", "--yes"][..], "must end before `?`"),
        (&["--from", "http://127.0.0.1:1/", "--yes"][..], "can't be reached"),
        (
            &["--from", "http://127.0.0.1:1/", "--option", "api_key=canary-secret", "--yes"][..],
            "does not belong into the settings",
        ),
        (&["--from", "http://127.0.0.1:1/", "--api", "oneroaster", "--yes"][..], "must be one of"),
    ] {
        let seen = desk.run(arguments, "");
        assert!(seen.code != Some(0) && seen.all.contains(said), "{said}: {}", seen.all);
        assert!(desk.files().is_empty());
    }
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_said_and_gets_no_secret() {
    use std::{io::Read, sync::Arc};
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let key = rustls::pki_types::PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let at = format!("https://{}/v1", listener.local_addr().unwrap());
    let config = Arc::new(config);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let server = rustls::ServerConnection::new(config.clone()).unwrap();
            let mut stream = rustls::StreamOwned::new(server, stream);
            let mut byte = [0];
            assert!(stream.read(&mut byte).is_err(), "nothing is said to somebody unknown");
        }
    });
    let desk = Desk::new();
    let seen = desk.run(&["--from", &at, "--credentials", "right.secret", "--yes"], "");
    assert!(seen.code == Some(1) && seen.all.contains("HTTP-CERTIFICATE"), "{}", seen.all);
    assert!(seen.all.contains("vouches for the certificate"), "{}", seen.all);
}
