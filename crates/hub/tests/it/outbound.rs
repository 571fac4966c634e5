//! Alerts by mail and webhook, to a mail server and receivers of the test's own.

use crate::{
    browser::{Browser, with_console, without_random},
    console_whereabouts::{Expected, until},
    kit::TestHub,
    school::id,
};
use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, prelude::BASE64_STANDARD};
use commonroll_core::Role;
use commonroll_exchange::Acting;
use commonroll_hub::{
    Settings,
    outbound::{AlertSettings, HookSettings, MailSettings, MailTls},
    signin::provider::Secret,
};
use rustls::{ServerConfig, pki_types::PrivateKeyDer};
use std::{sync::Arc, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

const KEY: &str = "only-for-tests-0123456789-abcdefgh";
/// What none of the messages may hold: names, local ids, the group.
const PERSONAL: [&str; 5] = ["Zac", "Penhale", "R1", "N1", "ENG3-A"];

/// A certificate of localhost that a test trusts.
struct Tls {
    pem: Vec<u8>,
    acceptor: TlsAcceptor,
}

impl Tls {
    fn new() -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        Self { pem: made.cert.pem().into_bytes(), acceptor: TlsAcceptor::from(Arc::new(config)) }
    }
}

/// A mail as the server took it: what was said before it, and its text.
#[derive(Debug)]
struct Mail {
    said: Vec<String>,
    text: String,
}

/// One conversation up to the text; gives back the stream when the client asks for TLS.
async fn speak<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    greet: bool,
    said: &mut Vec<String>,
) -> (S, Option<String>) {
    let mut stream = BufReader::new(stream);
    if greet {
        stream.write_all(b"220 mail.test\r\n").await.unwrap();
    }
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
            return (stream.into_inner(), None);
        }
        let line = line.trim_end().to_owned();
        said.push(line.clone());
        let word = line.split(' ').next().unwrap().to_ascii_uppercase();
        let answer = match (word.as_str(), greet) {
            ("EHLO", true) => "250-mail.test\r\n250 STARTTLS\r\n",
            ("EHLO", false) => "250-mail.test\r\n250 AUTH PLAIN\r\n",
            ("STARTTLS", _) => {
                stream.write_all(b"220 go\r\n").await.unwrap();
                return (stream.into_inner(), Some(String::new()));
            }
            ("AUTH", _) => "235 in\r\n",
            ("DATA", _) => {
                stream.write_all(b"354 go\r\n").await.unwrap();
                let mut text = String::new();
                while !text.ends_with("\r\n.\r\n") {
                    stream.read_line(&mut text).await.unwrap();
                }
                stream.write_all(b"250 taken\r\n").await.unwrap();
                return (stream.into_inner(), Some(text));
            }
            _ => "250 ok\r\n",
        };
        stream.write_all(answer.as_bytes()).await.unwrap();
    }
}

/// A mail server that takes mail only after STARTTLS.
async fn mail_server(tls: &Tls) -> (u16, mpsc::UnboundedReceiver<Mail>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (mails, taken) = mpsc::unbounded_channel();
    let acceptor = tls.acceptor.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut said = Vec::new();
            let (stream, asked) = speak(stream, true, &mut said).await;
            assert_eq!(asked.as_deref(), Some(""), "nothing is said in the clear: {said:?}");
            let stream = acceptor.accept(stream).await.unwrap();
            if let (_, Some(text)) = speak(stream, false, &mut said).await {
                let _ = mails.send(Mail { said, text });
            }
        }
    });
    (port, taken)
}

/// A request as the receiver took it: its head in lower case, and its body.
struct Posted {
    head: String,
    body: Vec<u8>,
}

/// A receiver that answers as told, one answer after the other and the last for ever; without any it never answers.
async fn receiver(tls: &Tls, answers: &'static [&'static str]) -> (u16, mpsc::UnboundedReceiver<Posted>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (posts, taken) = mpsc::unbounded_channel();
    let acceptor = tls.acceptor.clone();
    tokio::spawn(async move {
        let mut kept = Vec::new();
        let mut count = 0;
        while let Ok((stream, _)) = listener.accept().await {
            let mut stream: TlsStream<TcpStream> = acceptor.accept(stream).await.unwrap();
            let Some(answer) = answers.get(count).or(answers.last()) else {
                kept.push(stream);
                continue;
            };
            count += 1;
            let (mut all, mut end) = (Vec::new(), None);
            while end.is_none_or(|end| all.len() < end) {
                let mut some = [0; 4096];
                let read = stream.read(&mut some).await.unwrap();
                assert!(read > 0, "a whole request");
                all.extend_from_slice(&some[..read]);
                let head = all.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4);
                end = head.map(|at| {
                    let text = String::from_utf8_lossy(&all[..at]).to_ascii_lowercase();
                    let (_, length) = text.split_once("content-length: ").unwrap();
                    at + length.split("\r\n").next().unwrap().parse::<usize>().unwrap()
                });
            }
            let head = all.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
            let body = all.split_off(head);
            let reply = format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            stream.write_all(reply.as_bytes()).await.unwrap();
            let _ = stream.shutdown().await;
            let _ = posts.send(Posted { head: String::from_utf8(all).unwrap().to_ascii_lowercase(), body });
        }
    });
    (port, taken)
}

/// HMAC-SHA256 as its definition says.
fn hmac(key: &[u8], text: &[u8]) -> String {
    let pad =
        |with: u8| -> Vec<u8> { (0..64).map(|at| key.get(at).copied().unwrap_or_default() ^ with).collect() };
    let inner = digest(&SHA256, &[&pad(0x36), text].concat());
    let outer = digest(&SHA256, &[&pad(0x5c)[..], inner.as_ref()].concat());
    outer.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Posted {
    /// What it says, if the signature is the hub's.
    fn checked(&self) -> serde_json::Value {
        let (_, rest) = self.head.split_once("commonroll-signature: ").expect("it is signed");
        let (time, tag) = rest.split("\r\n").next().unwrap().split_once(",v1=").unwrap();
        let time = time.strip_prefix("t=").unwrap();
        let signed = [format!("{time}.").as_bytes(), &self.body].concat();
        assert_eq!(tag, hmac(KEY.as_bytes(), &signed));
        serde_json::from_slice(&self.body).unwrap()
    }
}

fn hook(institution: &str, port: u16, tls: &Tls) -> AlertSettings {
    let webhook = HookSettings {
        url: format!("https://localhost:{port}/alerts"),
        key: Secret(KEY.to_owned()),
        inside: true,
        authorities: Some(tls.pem.clone()),
    };
    AlertSettings {
        institution: institution.parse().unwrap(),
        mail: Vec::new(),
        managers: Vec::new(),
        webhook: Some(webhook),
    }
}

fn console(settings: &mut Settings, alerts: Vec<AlertSettings>) {
    with_console(settings);
    settings.limits.pages_per_second = 10_000;
    settings.public_console = Some("https://console.test".to_owned());
    settings.alerts = alerts;
}

async fn soon<T>(from: &mut mpsc::UnboundedReceiver<T>) -> T {
    tokio::time::timeout(Duration::from_secs(2), from.recv()).await.expect("in time").unwrap()
}

/// The log's entries of a sort, once there is one, within two seconds.
async fn entries(hub: &TestHub, what: &str) -> Vec<serde_json::Value> {
    for _ in 0..40 {
        let shown = hub.exchange.show(1, 10_000).await.unwrap();
        let found: Vec<_> = shown.into_iter().filter(|entry| entry["what"] == what).collect();
        if !found.is_empty() {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("no entry {what}");
}

#[tokio::test]
async fn a_mail_says_how_many_and_where_and_waits_for_no_receiver_that_never_answers() {
    let tls = Tls::new();
    let (port, mut mails) = mail_server(&tls).await;
    let (silent, _posts) = receiver(&tls, &[]).await;
    let hub = TestHub::with(|settings| {
        let ridgeway = AlertSettings {
            institution: "ridgeway".parse().unwrap(),
            mail: vec!["attendance@ridgeway.example".parse().unwrap()],
            managers: Vec::new(),
            webhook: None,
        };
        console(settings, vec![hook("northgate", silent, &tls), ridgeway]);
        settings.mail = Some(MailSettings {
            server: "localhost".to_owned(),
            port,
            tls: MailTls::Upgraded,
            login: Some(("hub".to_owned(), Secret("for-tests".to_owned()))),
            from: "Commonroll <alerts@hub.example>".parse().unwrap(),
            inside: true,
            authorities: Some(tls.pem.clone()),
        });
    })
    .await;
    let manager = hub.first("ridgeway", Role::DataManager).await;
    let officer = hub.invited(&manager, "ridgeway", Role::AttendanceOfficer, None).await;
    let mut school = Expected::at(&hub).await;
    school.absent().await;
    entries(&hub, "alert.told").await;
    hub.advance(Duration::from_secs(6));
    let mail = soon(&mut mails).await;
    let plain = BASE64_STANDARD.encode("\0hub\0for-tests");
    assert!(mail.said.contains(&format!("AUTH PLAIN {plain}")), "{:?}", mail.said);
    assert!(mail.said.contains(&"RCPT TO:<attendance@ridgeway.example>".to_owned()), "{:?}", mail.said);
    for words in [
        "Subject: 1 learner to find\r\n",
        "Auto-Submitted: auto-generated\r\n",
        "Message-ID: <alerts-ridgeway-1@console.test>\r\n",
        "1 learner to find: expected at Northgate College ",
        "https://console.test/whereabouts",
    ] {
        assert!(mail.text.contains(words), "{words} is not in {}", mail.text);
    }
    assert!(PERSONAL.iter().all(|name| !without_random(&mail.text).contains(name)), "{}", mail.text);
    let browser = Browser::of(&hub, &officer, Role::AttendanceOfficer).await;
    until(&browser, "Mail sent ").await;
    let sent = entries(&hub, "alert.sent").await;
    assert_eq!((sent.len(), &sent[0]["more"]["institution"]), (1, &"ridgeway".into()));

    // It is over: whoever had the mail has one of that, which names nobody either.
    let page = browser.get("/whereabouts").await.body;
    let (_, rest) = page.split_once("name=\"alert\" value=\"").unwrap();
    let token = browser.token().await;
    let fields =
        [("token", token.as_str()), ("alert", rest.split('"').next().unwrap()), ("where", "Library")];
    assert_eq!(browser.post("/whereabouts/found", &fields).await.status, 303);
    entries(&hub, "alert.found").await;
    hub.advance(Duration::from_secs(61));
    let mail = soon(&mut mails).await;
    for words in
        ["Subject: Whereabouts: 1 alert is over\r\n", "Over: 1 learner to find: expected at Northgate"]
    {
        assert!(mail.text.contains(words), "{words} is not in {}", mail.text);
    }
    assert!(PERSONAL.iter().all(|name| !mail.text.contains(name)), "{}", mail.text);
    assert!(!mail.text.contains("Library"), "{}", mail.text);
}

#[tokio::test]
async fn a_webhook_is_signed_tried_again_under_the_same_ids_and_sent_once_by_two_nodes() {
    let tls = Tls::new();
    let (port, mut posts) = receiver(&tls, &["503 Service Unavailable", "204 No Content"]).await;
    let hub = TestHub::with(|settings| console(settings, vec![hook("ridgeway", port, &tls)])).await;
    let twin = hub.twin().await;
    let mut school = Expected::at(&hub).await;
    school.absent().await;
    entries(&hub, "alert.told").await;
    hub.advance(Duration::from_secs(6));
    let first = soon(&mut posts).await.checked();
    let delayed = entries(&hub, "alert.delayed").await;
    assert_eq!(delayed[0]["more"]["reason"], "refused");
    hub.advance(Duration::from_secs(31));
    let second = soon(&mut posts).await.checked();
    assert_eq!((&first["try"], &second["try"]), (&1.into(), &2.into()));
    assert_eq!(first["alerts"], second["alerts"]);
    assert_eq!(second["alerts"].as_array().unwrap().len(), 1);
    let alert = &second["alerts"][0];
    assert_eq!((&alert["kind"], &alert["site"]), (&"unaccounted".into(), &"northgate".into()));
    assert_eq!(
        (&second["link"], &second["institution"]),
        (&"https://console.test/whereabouts".into(), &"ridgeway".into())
    );
    let text = second.to_string();
    assert!(PERSONAL.iter().all(|name| !without_random(&text).contains(name)), "{text}");
    assert_eq!(entries(&hub, "alert.sent").await.len(), 1);
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert!(posts.try_recv().is_err(), "neither node sends it again");
    drop(twin);
}

#[tokio::test]
async fn case_45_a_webhook_that_points_elsewhere_or_inside_is_not_followed() {
    let tls = Tls::new();
    let (elsewhere, mut led) = receiver(&tls, &["204 No Content"]).await;
    let to: &'static str = format!("302 Found\r\nlocation: https://localhost:{elsewhere}/").leak();
    let (port, mut posts) = receiver(&tls, vec![to].leak()).await;
    let hub = TestHub::with(|settings| {
        let mut inside = hook("northgate", elsewhere, &tls);
        inside.webhook.as_mut().unwrap().inside = false;
        console(settings, vec![hook("ridgeway", port, &tls), inside]);
    })
    .await;
    let mut school = Expected::at(&hub).await;
    school.absent().await;
    entries(&hub, "alert.told").await;
    hub.advance(Duration::from_secs(6));
    soon(&mut posts).await.checked();
    let mut reasons = Vec::new();
    for _ in 0..40 {
        let delayed = entries(&hub, "alert.delayed").await;
        reasons = delayed.iter().map(|entry| entry["more"]["reason"].as_str().unwrap().to_owned()).collect();
        if reasons.len() == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    reasons.sort();
    assert_eq!(reasons, ["address", "redirected"]);
    assert!(led.try_recv().is_err(), "nobody was there");
}

#[tokio::test]
async fn an_emergency_access_is_sent_to_the_home_at_once_without_a_word_of_why_or_whom() {
    let tls = Tls::new();
    let (port, mut posts) = receiver(&tls, &["503 Service Unavailable", "204 No Content"]).await;
    let hub = TestHub::with(|settings| console(settings, vec![hook("ridgeway", port, &tls)])).await;
    let manager = hub.first("northgate", Role::DataManager).await;
    let teacher = hub.invited(&manager, "northgate", Role::Teacher, None).await;
    let _school = Expected::at(&hub).await;
    let speaker = hub.exchange.person(teacher.id).unwrap();
    let acting = Acting { speaker: &speaker, role: Role::Teacher };
    let learner = id("N1");
    let (hour, seed) = (Duration::from_secs(3_600), ([7; 16], hub.now()));
    let reason = "Collapsed on the stairs";
    let opened = hub.exchange.open_emergency(acting, (&learner, reason), hour, seed).await.unwrap();
    let first = soon(&mut posts).await.checked();
    entries(&hub, "alert.delayed").await;
    hub.advance(Duration::from_secs(31));
    let second = soon(&mut posts).await.checked();
    assert_eq!((&second["try"], &second["alerts"]), (&2.into(), &first["alerts"]));
    assert_eq!(second["link"], "https://console.test/emergencies");
    let access = &second["alerts"][0];
    assert_eq!((&access["kind"], &access["site"]), (&"emergency_access".into(), &"northgate".into()));
    assert_eq!(access["until"], opened.until.to_string());
    let text = second.to_string();
    for personal in PERSONAL.into_iter().chain(["Collapsed", "stairs", &"07".repeat(16)]) {
        assert!(!without_random(&text).contains(personal), "{personal} in {text}");
    }
    assert_eq!(entries(&hub, "alert.sent").await.len(), 1);
}
