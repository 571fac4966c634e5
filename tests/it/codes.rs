//! A session code from an officer's hand into the home's own outbox, and back what its register system said: over the real law
//! and the real agent, with nothing between them but what is on the wire.

use crate::sim::convert;
use async_trait::async_trait;
use bytes::Bytes;
use commonroll_agent::{
    Hub, HubError, Settings, Spool,
    decided::Decider,
    hub::{PublishSession, ReceiveSession},
    outbox::{Folder, results},
    receive::Receiver,
};
use commonroll_audit::{PublicKey, SigningKey};
use commonroll_core::{
    Body, Head, Interval, LocalId, PersonId, Record, RecordKind, Revision, Role, SchoolDate, Slug, Timestamp,
    directory::{DayDeclaration, Declaration, LessonDeclaration},
    record::{
        Text,
        attendance::{Attendance, Physical, Presence},
    },
};
use commonroll_exchange::{
    Acting, AgentId, Carriage, Clock, ConsortiumFile, Exchange, Feed, Inviter, Keys, MadePerson, Options,
    PersonWanted, Session,
};
use commonroll_hub::inside;
use commonroll_wire::{
    SessionOf,
    pb::{
        audit::v1::CheckpointResponse,
        directory::v1::{Declaration as Said, DeclarationResult, SigningKey as KeyMessage},
        exchange::v1::{
            AcknowledgeRequest, AnswerSessionCodesRequest, AnswerWithdrawalRequest, ReceiveResponse,
            SessionCode, SessionCodeAnswer,
        },
    },
    session_code_id,
};
use std::{collections::BTreeSet, fs, path::PathBuf, time::Duration};
use tempfile::TempDir;

const CONSORTIUM: &str = r#"
[[institution]]
slug = "kingsmead"
name = "Kingsmead School"
type = "school"
[[institution]]
slug = "ridgeway"
name = "Ridgeway Academy"
type = "academy"
[[institution]]
slug = "northgate"
name = "Northgate College"
type = "fe_college"
[[agreement]]
id = "vale"
version = 1
parties = ["kingsmead", "ridgeway", "northgate"]
purpose = "shared courses"
first_date = "2020-01-01"
last_date = "2090-01-01"
card = ["identity", "presence_today"]
[agreement.kinds]
attendance = ["presence", "source_code"]
[[placement]]
home = "kingsmead"
host = "northgate"
group = "ENG-1"
first_date = "2020-01-01"
last_date = "2090-01-01"
learners = [["K1", "N1"]]
"#;
const SETTINGS: &str =
    "data = \"data\"\n[outbox]\nfolder = \"outbox\"\n[outbox.sessions]\nam = \"09:30:00\"\n";
const PEOPLE: [u8; 32] = [0x51; 32];
/// 2026-09-14T08:00:00Z: nine o'clock at Kingsmead.
const MORNING: i64 = 1_789_372_800_000_000;
const OFFICER: PersonId = PersonId([40; 16]);

fn slug(text: &str) -> Slug {
    text.parse().unwrap()
}

fn id(text: &str) -> LocalId {
    LocalId::parse("id", text).unwrap()
}

fn at(minute: i64) -> Timestamp {
    Timestamp::from_micros("at", MORNING + minute * 60_000_000).unwrap()
}

fn today() -> SchoolDate {
    "2026-09-14".parse().unwrap()
}

/// Time that stands still while something happens.
struct Still(Timestamp);

impl Clock for Still {
    fn now(&self) -> Timestamp {
        self.0
    }
}

/// An agent's line to the hub, in this process.
struct Line {
    exchange: Exchange,
    agent: AgentId,
    now: Timestamp,
}

const UNUSED: HubError = HubError::Protocol("this story has no such call");

#[async_trait]
impl Hub for Line {
    async fn declare(&self, _: Vec<Said>) -> Result<Vec<DeclarationResult>, HubError> {
        Err(UNUSED)
    }

    async fn publish(&self) -> Result<Box<dyn PublishSession>, HubError> {
        Err(UNUSED)
    }

    async fn receive(&self, after: u64) -> Result<Box<dyn ReceiveSession>, HubError> {
        let speaker = self.exchange.speaker(self.agent).map_err(|_| HubError::NotKnown)?;
        let feed = self.exchange.receive(&speaker, after).map_err(|_| HubError::NotKnown)?;
        Ok(Box::new(Pieces { feed, now: self.now }))
    }

    async fn acknowledge(&self, _: AcknowledgeRequest) -> Result<u64, HubError> {
        Err(UNUSED)
    }

    async fn answer_withdrawal(&self, _: AnswerWithdrawalRequest) -> Result<(), HubError> {
        Err(UNUSED)
    }

    async fn session_codes(&self) -> Result<Vec<SessionCode>, HubError> {
        let codes = inside::session_codes(&self.exchange, self.agent, self.now).await;
        codes.map(|codes| codes.codes).map_err(|status| HubError::Refused(status.message().to_owned()))
    }

    async fn answer_session_codes(&self, answers: Vec<SessionCodeAnswer>) -> Result<(), HubError> {
        let request = AnswerSessionCodesRequest { answers };
        let taken = inside::answer_session_codes(&self.exchange, self.agent, &request, self.now).await;
        taken.map(drop).map_err(|status| HubError::Refused(status.message().to_owned()))
    }

    async fn signing_keys(&self, institution: &Slug) -> Result<Vec<KeyMessage>, HubError> {
        let speaker = self.exchange.speaker(self.agent).map_err(|_| HubError::NotKnown)?;
        let keys = self.exchange.signing_keys(&speaker, institution).map_err(|_| HubError::NotAllowed)?;
        let message = |key: commonroll_exchange::SigningKeyInfo| KeyMessage {
            key_id: Bytes::copy_from_slice(PublicKey::from_bytes(key.public_key).id().as_bytes()),
            public_key: Bytes::copy_from_slice(&key.public_key),
            enrolled_at_us: key.enrolled_at.micros(),
            revoked_at_us: 0,
        };
        Ok(keys.into_iter().map(message).collect())
    }

    async fn checkpoint(&self, _: u64) -> Result<CheckpointResponse, HubError> {
        Err(UNUSED)
    }
}

struct Pieces {
    feed: Feed,
    now: Timestamp,
}

#[async_trait]
impl ReceiveSession for Pieces {
    async fn next(&mut self) -> Result<Option<ReceiveResponse>, HubError> {
        let clock = Still(self.now);
        match tokio::time::timeout(Duration::from_secs(1), self.feed.next(&clock)).await {
            Ok(page) => page.map(|page| Some(convert::page(page))).map_err(|_| HubError::Unreachable),
            Err(_) => Ok(None),
        }
    }
}

/// A hub over a file, and its partners' keys.
struct Vale {
    folder: TempDir,
    exchange: Exchange,
    now: Timestamp,
}

const AGENTS: [(&str, u8); 3] = [("kingsmead", 1), ("ridgeway", 2), ("northgate", 3)];

impl Vale {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let exchange = Self::open(&folder).await;
        let manager = (slug("kingsmead"), Role::DataManager);
        let file = ConsortiumFile::parse(CONSORTIUM).unwrap().signed_by(&PEOPLE);
        let file = file.with_person(&PEOPLE, &manager.0, manager.1);
        let now = at(0);
        exchange.import(&file, "operator", now).await.unwrap();
        let (hour, peer) = (Duration::from_secs(3_600), [127, 0, 0, 1].into());
        for (name, number) in AGENTS {
            let code = exchange.invite(&slug(name), hour, "operator", [number; 32], now).await.unwrap();
            let key = *Self::key(number).public().as_bytes();
            exchange.join(&code, AgentId([number; 16]), key, peer, now).await.unwrap();
        }
        let made = MadePerson::new(&PEOPLE, &manager.0, manager.1);
        let speaker = exchange.person(made.id).unwrap();
        let name = "Thistlewood".to_owned();
        let wanted =
            PersonWanted { name, roles: [Role::AttendanceOfficer].into(), staff: None, learner: None };
        let by = Inviter::Person(&speaker, manager.1);
        let invited = exchange.invite_person(&manager.0, wanted, hour, by, ([40; 32], now)).await.unwrap();
        let public = *Self::key(40).public().as_bytes();
        exchange.join_person(&invited.code, OFFICER, public, peer, now).await.unwrap();
        let lesson = LessonDeclaration {
            local_id: id("L1"),
            group: id("ENG-1"),
            time: Interval::new(at(10), at(70)).unwrap(),
            room: Text::parse("room", "C12", 40).unwrap(),
            cancelled: false,
        };
        let day = DayDeclaration::new(today(), false, None, vec![lesson]).unwrap();
        let host = exchange.speaker(AgentId([3; 16])).unwrap();
        exchange.declare(&host, vec![Ok(Declaration::Day(day))], now).await.unwrap();
        let mut vale = Self { folder, exchange, now };
        vale.look().await;
        vale
    }

    fn key(number: u8) -> SigningKey {
        SigningKey::from_seed(&[number; 32]).unwrap()
    }

    async fn open(folder: &TempDir) -> Exchange {
        let options = Options {
            database: format!("sqlite:{}", folder.path().join("hub.db").display()),
            keys: Keys { log_seed: [7; 32], matching: [9; 32] },
            consortium: "vale".to_owned(),
            seed: [3; 32],
        };
        Exchange::open(options, at(0)).await.unwrap()
    }

    /// Lets the hub read what is new, as its own clock does.
    async fn look(&mut self) {
        inside::open_views(&self.exchange, Default::default(), self.now);
        for _ in 0..4 {
            self.exchange.tick(self.now).await;
        }
    }

    async fn restart(&mut self) {
        self.exchange = Self::open(&self.folder).await;
        self.look().await;
    }

    /// The college marks its guest present.
    async fn mark(&mut self) {
        let presence = Presence {
            physical: Physical::Present,
            interval: Interval::new(at(10), at(70)).ok(),
            minutes_late: None,
            minutes_left_early: None,
        };
        let source = slug("northgate");
        let mark = Record {
            head: Head {
                id: commonroll_wire::record_id(&source, RecordKind::Attendance, today(), "L1 N1"),
                revision: Revision::FIRST,
                source: source.clone(),
                learner: id("N1"),
                group: Some(id("ENG-1")),
                date: today(),
                recorded_at: self.now,
                confidential: false,
            },
            body: Body::Attendance(Attendance { presence: Some(presence), ..Attendance::default() }),
        };
        let sealed = vec![commonroll_wire::seal(&mark, &[7; 32], &[])];
        let batch = commonroll_wire::seal_batch(&source, 1, sealed, &Self::key(3)).unwrap();
        let answer = inside::publish(&self.exchange, AgentId([3; 16]), batch, self.now).await.unwrap();
        assert_eq!(answer.results[0].code, "", "the mark is accepted");
        self.look().await;
    }

    async fn accept(&self) -> usize {
        let speaker = self.exchange.person(OFFICER).unwrap();
        let acting = Acting { speaker: &speaker, role: Role::AttendanceOfficer };
        let seen = self.exchange.codes(acting, [(0, usize::MAX); 2], self.now).await.unwrap();
        let learners: BTreeSet<u32> =
            seen.sessions.iter().flat_map(|of| &of.lines).map(|line| line.learner).collect();
        self.exchange.accept_clear(acting, (today(), Session::Morning), &learners, self.now).await.unwrap()
    }

    /// What the officer reads beside the code.
    async fn reads(&self) -> Option<(Carriage, String)> {
        let speaker = self.exchange.person(OFFICER).unwrap();
        let acting = Acting { speaker: &speaker, role: Role::AttendanceOfficer };
        let seen = self.exchange.codes(acting, [(0, usize::MAX); 2], self.now).await.unwrap();
        let mut lines = seen.sessions.into_iter().flat_map(|of| of.lines);
        let carried = lines.next()?.decided?.carried?;
        Some((carried.how, carried.words))
    }
}

/// A home's agent, as far as it writes.
struct Home {
    folder: PathBuf,
    settings: Settings,
    spool: Spool,
    slug: Slug,
    agent: AgentId,
}

impl Home {
    async fn of(vale: &Vale, (name, number): (&str, u8)) -> Self {
        let folder = vale.folder.path().join(name);
        fs::create_dir_all(folder.join("data")).unwrap();
        let settings = Settings::parse(SETTINGS, &folder.join("agent.toml")).unwrap();
        let spool = Spool::open(&settings.spool_file()).await.unwrap();
        Self { folder, settings, spool, slug: slug(name), agent: AgentId([number; 16]) }
    }

    async fn restart(&mut self) {
        self.spool.close().await;
        self.spool = Spool::open(&self.settings.spool_file()).await.unwrap();
    }

    fn line(&self, vale: &Vale) -> Line {
        Line { exchange: vale.exchange.clone(), agent: self.agent, now: vale.now }
    }

    fn outbox(&self) -> Folder {
        Folder::open(self.settings.outbox.as_ref().unwrap(), self.settings.zone.clone()).unwrap()
    }

    async fn receives(&self, vale: &Vale) {
        let (line, write_back) = (self.line(vale), self.outbox());
        let (spool, now) = (&self.spool, vale.now);
        let receiver = Receiver { hub: &line, spool, write_back: &write_back, rng: &Dice, now };
        let mut feed = line.receive(spool.cursor().await.unwrap().sequence).await.unwrap();
        while let Some(piece) = feed.next().await.unwrap() {
            receiver.take(&piece).await.unwrap();
        }
    }

    async fn round(&self, vale: &Vale) -> u64 {
        let (line, write_back) = (self.line(vale), self.outbox());
        let outbox = self.settings.outbox.as_ref().unwrap();
        let decider = Decider {
            hub: &line,
            spool: &self.spool,
            write_back: &write_back,
            home: &self.slug,
            sessions: &outbox.sessions,
            zone: &self.settings.zone,
            now: vale.now,
        };
        decider.round().await.unwrap()
    }

    /// Files of decided codes, with what they say.
    fn decided(&self) -> Vec<(String, String)> {
        let Ok(entries) = fs::read_dir(self.folder.join("outbox")) else { return Vec::new() };
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.filter(|name| name.starts_with("session-decided-")).collect();
        names.sort();
        let read = |name: String| {
            let text = fs::read_to_string(self.folder.join("outbox").join(&name)).unwrap();
            (name, text)
        };
        names.into_iter().map(read).collect()
    }
}

/// Chance that always says the same.
struct Dice;

impl commonroll_agent::Randomness for Dice {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0x55);
    }
}

#[tokio::test]
async fn what_an_officer_accepts_is_in_the_homes_outbox_once_and_what_its_mis_says_beside_the_code() {
    let mut vale = Vale::new().await;
    let mut home = Home::of(&vale, AGENTS[0]).await;
    let other = Home::of(&vale, AGENTS[1]).await;
    vale.now = at(14);
    vale.mark().await;
    assert_eq!(vale.accept().await, 1);
    assert_eq!(vale.reads().await, None, "nobody has taken it yet");
    assert_eq!(home.round(&vale).await, 0, "no B before the host's mark is here, whatever the hub says");
    home.receives(&vale).await;
    assert_eq!(home.round(&vale).await, 1);
    let files = home.decided();
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["session-decided-000000000001.csv", "session-decided-000000000001.xml"]);
    assert!(
        files[0].1.contains("K1,northgate,2026-09-14,,AM,B,,\"northgate; accepted 09:14\""),
        "{}",
        files[0].1
    );
    assert!(files[1].1.contains("<AttendanceMark>B</AttendanceMark>"), "{}", files[1].1);
    assert_eq!(vale.reads().await, Some((Carriage::Outbox, String::new())));
    assert_eq!(
        (other.round(&vale).await, other.decided().len()),
        (0, 0),
        "another home's agent gets nothing"
    );

    vale.restart().await;
    home.restart().await;
    home.receives(&vale).await;
    assert_eq!(home.round(&vale).await, 0, "neither a restart of the hub nor one of the agent repeats it");
    assert_eq!(home.decided(), files);

    let of = SessionOf { learner: id("K1"), date: today(), afternoon: false };
    let record = session_code_id(&home.slug, &of);
    let said =
        format!("RecordID,Revision,Status,Message\n{record},1,refused,the register of Year 12 is closed\n");
    fs::write(home.folder.join("outbox/session-decided-000000000001.result.csv"), said).unwrap();
    results::read_all(&home.folder.join("outbox"), &home.spool).await.unwrap();
    home.round(&vale).await;
    let words = "the register of Year 12 is closed".to_owned();
    assert_eq!(vale.reads().await, Some((Carriage::Refused, words)));
    let log = serde_json::to_string(&vale.exchange.show(1, 10_000).await.unwrap()).unwrap();
    assert!(
        log.contains("codes.carried") && !log.contains("Year 12") && !log.contains("K1"),
        "no word in the log"
    );
    assert!(vale.exchange.verify(|_| {}).await.is_ok());
}
