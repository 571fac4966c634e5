//! The whole agent, running, against a hub that goes away and comes back; and its status.

use crate::{
    fake_hub::FakeHub,
    recalls::{notice, outcomes},
    rig::{Dice, MARKS, MORNING, csv},
};
use async_trait::async_trait;
use commonroll_agent::{
    AgentError, Clock, Hub, HubError, Identity, Settings,
    identity::{Card, Secret},
    run::{Agent, Dial},
};
use commonroll_audit::{CopyOutcome, SigningKey};
use commonroll_core::Timestamp;
use std::{
    fs,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use tempfile::TempDir;
use tokio::sync::watch;

/// A clock that a test moves; it also goes on with the runtime's time.
struct Hand(Mutex<i64>, tokio::time::Instant);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        let ran = i64::try_from(self.1.elapsed().as_micros()).unwrap();
        Timestamp::from_micros("now", *self.0.lock().unwrap() + ran).unwrap()
    }
}

struct Line {
    hub: Arc<FakeHub>,
    renewals: Arc<AtomicU32>,
}

#[async_trait]
impl Dial for Line {
    async fn connect(&self, _: &Identity) -> Result<Arc<dyn Hub>, HubError> {
        if self.hub.with(|s| s.down) { Err(HubError::Unreachable) } else { Ok(self.hub.clone()) }
    }

    async fn renew(&self, identity: &Identity, now: Timestamp) -> Result<Identity, AgentError> {
        self.renewals.fetch_add(1, Ordering::SeqCst);
        Ok(someone(identity.institution().as_str(), now))
    }
}

/// An identity with a certificate of a day from now on.
fn someone(slug: &str, now: Timestamp) -> Identity {
    let log = commonroll_audit::LogKey::new("log.test", SigningKey::from_seed(&[9; 32]).unwrap()).unwrap();
    Identity {
        card: Card {
            agent_id: [1; 16],
            institution: slug.parse().unwrap(),
            hub: "hub:1".to_owned(),
            join: "hub:2".to_owned(),
            authority: Vec::new(),
            log_key: log.public().to_string(),
        },
        log_key: log.public().clone(),
        certificate: Vec::new(),
        tls_key_pem: Secret(String::new()),
        signing: SigningKey::from_seed(&[slug.len() as u8; 32]).unwrap(),
        salt: Secret([7; 32]),
        valid: (now, now.plus_micros(86_400_000_000)),
    }
}

fn settings(folder: &Path, more: &str) -> Settings {
    fs::create_dir_all(folder.join("exports")).unwrap();
    fs::create_dir_all(folder.join("data")).unwrap();
    fs::write(folder.join("marks.toml"), MARKS).unwrap();
    let text = "data = \"data\"\n[pace]\nsettle_ms = 0\n[outbox]\nfolder = \"outbox\"\n\
        [[source]]\nname = \"marks\"\nfolder = \"exports\"\npattern = \"*.csv\"\nconnector = \"delimited\"\nmapping = \"marks.toml\"\n";
    Settings::parse(&format!("{text}{more}"), &folder.join("agent.toml")).unwrap()
}

struct Office {
    folder: TempDir,
    clock: Arc<Hand>,
    hub: Arc<FakeHub>,
    renewals: Arc<AtomicU32>,
    slug: &'static str,
}

impl Office {
    fn new(slug: &'static str, hub: &Arc<FakeHub>) -> Self {
        let clock = Arc::new(Hand(Mutex::new(MORNING), tokio::time::Instant::now()));
        let (hub, renewals) = (hub.clone(), Arc::new(AtomicU32::new(0)));
        Self { folder: tempfile::tempdir().unwrap(), clock, hub, renewals, slug }
    }

    async fn agent(&self) -> Agent {
        self.agent_with("").await
    }

    async fn agent_with(&self, more: &str) -> Agent {
        let line = Line { hub: self.hub.clone(), renewals: self.renewals.clone() };
        let identity = someone(self.slug, Timestamp::from_micros("now", MORNING).unwrap());
        let settings = settings(self.folder.path(), more);
        Agent::with(settings, identity, Box::new(line), self.clock.clone(), Arc::new(Dice)).await.unwrap()
    }

    fn export(&self, marks: &[(&str, &str)]) {
        fs::create_dir_all(self.folder.path().join("exports")).unwrap();
        fs::write(self.folder.path().join("exports/marks.csv"), csv(marks)).unwrap();
    }
}

async fn until(what: impl Fn() -> bool) {
    for _ in 0..180 {
        if what() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it did not happen within 1.8 seconds");
}

fn hub_for(slugs: &[&str]) -> Arc<FakeHub> {
    let hub = slugs.iter().fold(FakeHub::new(), |hub, slug| {
        hub.knows(slug, &SigningKey::from_seed(&[slug.len() as u8; 32]).unwrap())
    });
    Arc::new(hub)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_agent_sends_what_appears_and_stops_when_told() {
    let hub = hub_for(&["northgate"]);
    let office = Office::new("northgate", &hub);
    let agent = office.agent().await;
    let (stop, stopped) = watch::channel(false);
    let running = tokio::spawn(agent.run(stopped));
    tokio::time::sleep(Duration::from_millis(100)).await;
    office.export(&[("ada", "/"), ("ben", "/")]);
    until(|| hub.holds().len() == 2).await;
    office.export(&[("ada", "L"), ("ben", "/")]);
    until(|| hub.holds().len() == 3).await;
    stop.send(true).unwrap();
    tokio::time::timeout(Duration::from_secs(1), running).await.unwrap().unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_that_was_away_gets_everything_when_it_is_back() {
    let hub = hub_for(&["northgate"]);
    hub.with(|s| s.down = true);
    let office = Office::new("northgate", &hub);
    office.export(&[("ada", "/")]);
    let (stop, stopped) = watch::channel(false);
    let running = tokio::spawn(office.agent().await.run(stopped));
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(hub.holds().is_empty());
    hub.with(|s| s.down = false);
    until(|| hub.holds().len() == 1).await;
    drop(stop);
    tokio::time::timeout(Duration::from_secs(1), running).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn once_sends_receives_acknowledges_and_says_that_all_is_well() {
    let hub = hub_for(&["northgate", "ridgeway"]);
    let host = Office::new("northgate", &hub);
    host.export(&[("ada", "/")]);
    let agent = host.agent().await;
    assert_eq!(agent.once().await.unwrap().published.accepted, 1);
    let home = Office::new("ridgeway", &hub);
    let agent = home.agent().await;
    assert_eq!(agent.once().await.unwrap().received, 1);
    assert_eq!(hub.with(|s| s.acknowledged), 1);
    assert!(home.folder.path().join("outbox/attendance-000000000001.csv").exists());
    let status = agent.status().await.unwrap();
    assert_eq!((status.exit_code(), status.cursor, status.log_size), (0, 1, Some(1)), "{status}");
    assert!(status.to_string().contains("all is well"));
}

#[tokio::test]
async fn case_5_a_certificate_that_expired_over_the_holiday_is_renewed_and_nothing_is_lost() {
    let hub = hub_for(&["northgate"]);
    hub.with(|s| s.down = true);
    let office = Office::new("northgate", &hub);
    office.export(&[("ada", "/")]);
    let agent = office.agent().await;
    assert!(agent.once().await.is_err());
    *office.clock.0.lock().unwrap() += 30 * 86_400_000_000;
    let status = agent.status().await.unwrap();
    assert_eq!(status.exit_code(), 1);
    assert!(status.to_string().contains("certificate has expired"), "{status}");
    assert!(status.to_string().contains("wait for the hub"), "{status}");
    hub.with(|s| s.down = false);
    assert_eq!(agent.once().await.unwrap().published.accepted, 1);
    assert_eq!(office.renewals.load(Ordering::SeqCst), 1);
    assert_eq!(agent.status().await.unwrap().exit_code(), 0);
}

#[tokio::test]
async fn status_names_the_refused_export_and_holds_no_learner() {
    let hub = hub_for(&["northgate"]);
    let office = Office::new("northgate", &hub);
    office.export(&[("secret-learner", "/")]);
    let agent = office.agent().await;
    hub.with(|s| s.refuse.insert("secret-learner".into(), "no_placement".into()));
    agent.once().await.unwrap();
    office.export(&[]);
    agent.once().await.unwrap();
    let status = agent.status().await.unwrap();
    let json = serde_json::to_string(&status).unwrap();
    assert_eq!(status.exit_code(), 1);
    assert!(json.contains("EXPORT-EMPTY") && json.contains("no_placement"), "{json}");
    assert!(!json.contains("secret-learner") && !status.to_string().contains("secret-learner"));
}

#[tokio::test]
async fn status_says_where_nothing_is_received_for_want_of_an_outbox() {
    let hub = hub_for(&["northgate"]);
    let office = Office::new("northgate", &hub);
    let with = office.agent().await.status().await.unwrap();
    assert!(with.receives && !with.to_string().contains("no outbox"), "{with}");
    let office = Office::new("northgate", &hub);
    let line = Line { hub: office.hub.clone(), renewals: office.renewals.clone() };
    let mut settings = settings(office.folder.path(), "");
    settings.outbox = None;
    let me = someone("northgate", office.clock.now());
    let agent =
        Agent::with(settings, me, Box::new(line), office.clock.clone(), Arc::new(Dice)).await.unwrap();
    let without = agent.status().await.unwrap();
    assert!(without.to_string().contains("nothing that partners share is received"), "{without}");
    assert_eq!((without.receives, without.exit_code()), (false, 0), "one that only shares may want it so");
}

#[tokio::test]
async fn checking_a_file_tells_what_would_be_sent_and_changes_nothing() {
    let hub = hub_for(&["northgate"]);
    let office = Office::new("northgate", &hub);
    let settings = settings(office.folder.path(), "");
    let file = office.folder.path().join("exports/marks.csv");
    office.export(&[("ada", "/"), ("ben", "?!")]);
    let now = office.clock.now();
    let checked = commonroll_agent::check::check(&settings, None, &file, now).await.unwrap();
    assert_eq!((checked.taken.as_ref().unwrap().new, checked.exit_code()), (1, 1));
    let text = checked.to_string();
    assert!(
        text.contains("attendance 2026-09-14: 1") && text.contains("line 3") && !text.contains("ada"),
        "{text}"
    );

    let me = someone("northgate", now);
    commonroll_agent::check::check(&settings, Some(&me), &file, now).await.unwrap();
    let agent = office.agent().await;
    assert_eq!(agent.spool().queue_length().await.unwrap().0, 0);
    assert_eq!(agent.once().await.unwrap().published.accepted, 1, "it was not taken for consumed");
}

#[tokio::test]
async fn checking_a_file_tells_of_a_grade_scale_that_was_made_up_and_calls_nothing_faulty_for_it() {
    let office = Office::new("northgate", &hub_for(&["northgate"]));
    let mut settings = settings(office.folder.path(), "");
    let mapping = "format = \"delimited\"\nrows = \"assessment\"\n[fields]\nlearner = \"Id\"\ndate = \"Date\"\n\
                   subject = \"Subject\"\ngrade = \"Grade\"\nkind = { const = \"mock\" }\n\
                   scale = { const = \"gsce-9-1\" }\nscale_version = { const = \"2024\" }\n";
    settings.sources[0].mapping = Some(mapping.parse().unwrap());
    let file = office.folder.path().join("exports/marks.csv");
    fs::write(&file, "Id,Date,Subject,Grade\nada,2026-09-14,Maths,7\n").unwrap();
    let checked = commonroll_agent::check::check(&settings, None, &file, office.clock.now()).await.unwrap();
    let text = checked.to_string();
    assert!(text.contains("to look at: nobody may know the grade scale `gsce-9-1` version 2024"), "{text}");
    assert!(text.contains("gcse-9-1 version 2024") && text.contains("1 new"), "{text}");
    assert_eq!(checked.exit_code(), 0, "a consortium may have a scale of its own");
}

#[tokio::test]
async fn a_night_that_cannot_be_compared_stops_no_publishing_and_is_told_unless_the_hub_is_merely_away() {
    for (error, told) in [
        (HubError::Protocol("a day's record can't be read"), true),
        (HubError::NotAllowed, true),
        (HubError::Unreachable, false),
    ] {
        let hub = hub_for(&["northgate"]);
        hub.with(|s| s.day_fails = Some(error.clone()));
        let office = Office::new("northgate", &hub);
        office.export(&[("ada", "/")]);
        let agent = office.agent().await;
        assert_eq!(agent.once().await.unwrap().published.accepted, 1, "{error}");
        let status = agent.status().await.unwrap().to_string();
        assert_eq!(status.contains("can't be compared"), told, "{status}");
        hub.with(|s| s.day_fails = None);
        agent.once().await.unwrap();
        let status = agent.status().await.unwrap();
        assert_eq!(status.exit_code(), 0, "compared after all: {status}");
    }
}

#[tokio::test]
async fn what_a_killed_check_left_goes_when_the_agent_starts() {
    let hub = hub_for(&["northgate"]);
    let office = Office::new("northgate", &hub);
    let left = office.folder.path().join("data/fetched/.check-asked");
    fs::create_dir_all(&left).unwrap();
    fs::write(left.join("rows.csv"), "Id\nada\n").unwrap();
    office.agent().await;
    assert!(!left.exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_stops_when_told_though_the_mis_it_writes_to_hangs() {
    let hub = hub_for(&["northgate", "ridgeway"]);
    let host = Office::new("northgate", &hub);
    host.export(&[("ada", "/")]);
    host.agent().await.once().await.unwrap();
    // Takes the call and never says a word.
    let mis = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let home = Office::new("ridgeway", &hub);
    let more = format!(
        "[outbox.apply]\nto = \"mis\"\nmis = \"rosariosis\"\n\
         [connection.mis]\nkind = \"mysql\"\nuser = \"writer\"\naddress = \"{}/mis\"\n",
        mis.local_addr().unwrap()
    );
    let (stop, stopped) = watch::channel(false);
    let running = tokio::spawn(home.agent_with(&more).await.run(stopped));
    let _call = tokio::time::timeout(Duration::from_millis(1_800), mis.accept()).await.unwrap().unwrap();
    stop.send(true).unwrap();
    tokio::time::timeout(Duration::from_millis(1_800), running).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn a_receipt_does_not_wait_for_ever_for_a_list_that_nobody_carries_any_more() {
    let apply = "[connection.write]\nkind = \"postgres\"\naddress = \"127.0.0.1:1/mis\"\nuser = \"write\"\n\
         [outbox.apply]\nto = \"write\"\nmis = \"rosariosis\"\n";
    for is_list_gone in [true, false] {
        let hub = hub_for(&["northgate", "ridgeway"]);
        let host = Office::new("northgate", &hub);
        host.export(&[("ada", "/")]);
        host.agent().await.once().await.unwrap();
        let home = Office::new("ridgeway", &hub);
        home.agent_with(apply).await.once().await.unwrap();
        notice(&hub, 1, 7, "placement_ended", &[1]);
        home.agent_with(apply).await.once().await.unwrap();
        home.agent_with(apply).await.once().await.unwrap();
        assert_eq!(hub.with(|s| s.answers.len()), 0, "the database is away, and the list waits");
        let agent = if is_list_gone {
            fs::remove_file(home.folder.path().join("outbox/attendance-000000000007.csv")).unwrap();
            home.agent_with(apply).await
        } else {
            home.agent().await
        };
        agent.once().await.unwrap();
        assert_eq!(outcomes(&hub), [[(CopyOutcome::Flagged, "by_hand".to_owned())]]);
        assert_eq!(agent.spool().recall_totals().await.unwrap().flagged_open, 1, "a person is told");
    }
}
