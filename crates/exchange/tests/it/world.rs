//! A small consortium for the tests: partners with keys, learners, placements, and a clock that the test sets.

use bytes::Bytes;
use commonroll_audit::{
    CopyOutcome, DeletionDigest,
    approval::{Approves, sign_approval},
    hash::Hash,
    keys::SigningKey,
    receipt::{ReceiptDigest, sign_receipt},
    seal::{BatchSigner, GroupLeaf, SaltKey, record_root},
    sign_deletion,
};
use commonroll_core::{
    Body, Head, Interval, LocalId, PersonId, Record, RecordId, RecordKind, Revision, Role, SchoolDate, Slug,
    Timestamp,
    directory::{
        DateRange, Declaration, LearnerDeclaration, PlacementAcceptance, PlacementDeclaration, PlacementEnd,
        Registration, StaffDeclaration,
    },
    record::{
        Behaviour, Text,
        attendance::{Attendance, Physical, Presence, SourceCode},
        behaviour::{Category, Event, Polarity},
    },
};
use commonroll_exchange::{withdrawal::*, *};
use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

/// 14 September 2026, 08:00 UTC.
pub const MORNING: i64 = 1_789_372_800_000_000;
pub const DAY: i64 = 86_400_000_000;

pub struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros("now", self.0.load(Ordering::Relaxed)).unwrap()
    }
}

pub struct World {
    pub exchange: Exchange,
    pub clock: TestClock,
    pub agents: HashMap<&'static str, Agent>,
}

pub struct Agent {
    pub key: SigningKey,
    pub speaker: Speaker,
    pub next_batch: u64,
}

pub const CONSORTIUM: &str = r#"
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
id = "vale-2026"
version = 1
parties = ["kingsmead", "ridgeway", "northgate"]
purpose = "14-19 shared courses"
first_date = "2026-09-01"
last_date = "2027-07-31"
[agreement.kinds]
attendance = ["presence", "source_code", "note"]
assessment = ["result"]
behaviour = ["event", "involvement", "share_safe_text"]
"#;

/// Seed of the made people.
pub const PEOPLE: [u8; 32] = [0x51; 32];

pub const PARTNERS: [&str; 3] = ["kingsmead", "ridgeway", "northgate"];

/// The consortium, with a head for each partner who has signed its agreement.
pub fn consortium() -> ConsortiumFile {
    ConsortiumFile::parse(CONSORTIUM).unwrap().signed_by(&PEOPLE)
}

/// The same with data managers.
pub fn governed() -> ConsortiumFile {
    PARTNERS
        .into_iter()
        .fold(consortium(), |file, name| file.with_person(&PEOPLE, &slug(name), Role::DataManager))
}

/// The same with a data protection officer at kingsmead and one at northgate.
pub fn with_officers() -> ConsortiumFile {
    ["kingsmead", "northgate"]
        .into_iter()
        .fold(governed(), |file, name| file.with_person(&PEOPLE, &slug(name), Role::Dpo))
}

/// The salt of a mark's field group, as [`seal`] makes it.
pub fn salt_of(record: &Record, number: u32) -> [u8; 16] {
    SaltKey::new(&[1; 32]).salt(&record.head.id.0, record.head.revision.get(), number)
}

/// A made person of a partner.
pub fn made(partner: &str, role: Role) -> MadePerson {
    MadePerson::new(&PEOPLE, &slug(partner), role)
}

/// A made person who acts in a role.
pub struct Actor {
    pub made: MadePerson,
    pub speaker: PersonSpeaker,
    pub role: Role,
}

impl Actor {
    pub fn new(world: &World, partner: &str, role: Role) -> Self {
        let made = made(partner, role);
        let speaker = world.exchange.person(made.id).unwrap();
        Self { made, speaker, role }
    }

    pub fn acting(&self) -> Acting<'_> {
        Acting { speaker: &self.speaker, role: self.role }
    }

    pub fn sign(&self, what: Approves, hash: &[u8; 32]) -> [u8; 64] {
        sign_approval(&self.made.key, what, &self.made.id.0, hash)
    }
}

pub fn options(database: &str) -> Options {
    Options {
        database: database.to_owned(),
        keys: Keys { log_seed: [7; 32], matching: [9; 32] },
        consortium: "vale".to_owned(),
        seed: [3; 32],
    }
}

pub fn slug(text: &str) -> Slug {
    text.parse().unwrap()
}

pub fn id(text: &str) -> LocalId {
    LocalId::parse("local_id", text).unwrap()
}

pub fn date(text: &str) -> SchoolDate {
    text.parse().unwrap()
}

pub async fn open_store(database: &str) -> Arc<dyn commonroll_store::Store> {
    commonroll_store::open(database, &commonroll_store::Settings::default()).await.unwrap()
}

impl World {
    pub async fn new() -> Self {
        Self::at("sqlite::memory:").await
    }

    /// A world where an agreement is in force and those who signed it have left: nobody is enrolled but agents.
    pub async fn at(database: &str) -> Self {
        Self::at_store(open_store(database).await).await
    }

    /// The same on a store that a test lets fail.
    pub async fn at_store(store: Arc<dyn commonroll_store::Store>) -> Self {
        let world = Self::on(store, consortium()).await;
        for name in PARTNERS {
            let head = made(name, Role::Head).id;
            world.exchange.revoke(Revoke::Person(head), "operator", world.now()).await.unwrap();
        }
        world
    }

    /// A world with a head and a data manager at each partner.
    pub async fn governed() -> Self {
        Self::with("sqlite::memory:", governed()).await
    }

    pub async fn with(database: &str, file: ConsortiumFile) -> Self {
        Self::on(open_store(database).await, file).await
    }

    /// A file's world on a store that a test lets fail.
    pub async fn with_store(store: Arc<dyn commonroll_store::Store>, file: ConsortiumFile) -> Self {
        Self::on(store, file).await
    }

    /// The same world after its hub was killed and started again on a store.
    pub async fn started_again(&mut self, store: Arc<dyn commonroll_store::Store>) {
        self.exchange =
            Exchange::open_on(store, Sizes::default(), options(""), self.clock.now()).await.unwrap();
    }

    async fn on(store: Arc<dyn commonroll_store::Store>, file: ConsortiumFile) -> Self {
        Self::sized(store, file, Sizes::default()).await
    }

    /// The same with other sizes.
    pub async fn sized(store: Arc<dyn commonroll_store::Store>, file: ConsortiumFile, sizes: Sizes) -> Self {
        let clock = TestClock(AtomicI64::new(MORNING));
        let exchange = Exchange::open_on(store, sizes, options(""), clock.now()).await.unwrap();
        exchange.import(&file, "operator", clock.now()).await.unwrap();
        let mut world = Self { exchange, clock, agents: HashMap::new() };
        for (number, name) in (1u8..).zip(PARTNERS) {
            world.enrol(name, number).await;
        }
        world
    }

    pub async fn enrol(&mut self, name: &'static str, number: u8) {
        let now = self.clock.now();
        let code = self
            .exchange
            .invite(&slug(name), Duration::from_secs(3600), "operator", [number; 32], now)
            .await
            .unwrap();
        let key = SigningKey::from_seed(&[number; 32]).unwrap();
        let agent = AgentId([number; 16]);
        let peer = "127.0.0.1".parse().unwrap();
        self.exchange.join(&code, agent, *key.public().as_bytes(), peer, now).await.unwrap();
        let speaker = self.exchange.speaker(agent).unwrap();
        self.agents.insert(name, Agent { key, speaker, next_batch: 1 });
    }

    pub fn pass(&self, micros: i64) {
        self.clock.0.fetch_add(micros, Ordering::Relaxed);
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub fn speaker(&self, name: &str) -> Speaker {
        self.agents[name].speaker.clone()
    }

    pub async fn declare(&self, by: &str, declaration: Declaration) -> DeclareResult {
        self.exchange.declare(&self.speaker(by), vec![Ok(declaration)], self.clock.now()).await.unwrap()[0]
    }

    /// A learner of `home` whom `host` knows as `guest`, placed there in a group for the school year.
    pub async fn placed(&self, home: &str, local: &str, host: &str, guest: &str, uln: &str) {
        assert_eq!(
            self.declare(home, learner(local, Registration::Home, uln)).await,
            DeclareResult::Accepted
        );
        assert_eq!(
            self.declare(host, learner(guest, Registration::Guest, uln)).await,
            DeclareResult::Accepted
        );
        assert_eq!(self.declare(home, placement(local, host)).await, DeclareResult::Accepted);
        assert_eq!(self.declare(host, acceptance(guest, home)).await, DeclareResult::Accepted);
    }

    /// Publishes records as the next batch of a source.
    pub async fn publish(&mut self, by: &str, records: Vec<Record>) -> Vec<RecordAnswer> {
        let number = self.agents[by].next_batch;
        let answer = self.publish_as(by, by, number, records).await.unwrap();
        self.agents.get_mut(by).unwrap().next_batch = answer.next_batch;
        answer.results
    }

    pub async fn publish_as(
        &self,
        by: &str,
        named: &str,
        number: u64,
        records: Vec<Record>,
    ) -> Result<BatchAnswer, PublishError> {
        let agent = &self.agents[by];
        let batch = seal(&agent.key, named, number, records);
        self.exchange.publish(&agent.speaker, batch, self.clock.now()).await
    }

    /// What waits for a recipient behind a cursor, as short lines, and the cursor after it.
    pub async fn feed(&self, who: &str, after: u64) -> (Vec<String>, u64) {
        let mut feed = self.exchange.receive(&self.speaker(who), after).unwrap();
        let (mut lines, mut cursor) = (Vec::new(), after);
        while let Ok(page) = tokio::time::timeout(Duration::from_millis(250), feed.next(&self.clock)).await {
            let page = page.unwrap();
            for batch in &page.batches {
                for record in &batch.records {
                    lines.push(format!(
                        "{} {} from {}",
                        record.sequence,
                        record.recipient_learner.as_str(),
                        batch.source
                    ));
                }
            }
            cursor = page.cursor;
        }
        (lines, cursor)
    }

    pub async fn acknowledge(&self, who: &str, cursor: u64) -> Result<u64, AckError> {
        let agent = &self.agents[who];
        let digest = ReceiptDigest::default();
        let signature = sign_receipt(&agent.key, who, cursor, &digest).unwrap();
        let ack = Acknowledgement {
            cursor,
            digest: *digest.as_bytes(),
            key_id: *agent.key.public().id().as_bytes(),
            signature,
        };
        self.exchange.acknowledge(&agent.speaker, ack, self.clock.now()).await
    }

    /// What waits for a recipient behind a cursor: records as `+id rN`, sent again as `=id rN`, notices as
    /// `-reason n`; and the notices themselves.
    pub async fn told(&self, who: &str, after: u64) -> (Vec<String>, Vec<OutNotice>, u64) {
        let mut feed = self.exchange.receive(&self.speaker(who), after).unwrap();
        let (mut lines, mut notices, mut cursor) = (Vec::new(), Vec::new(), after);
        while let Ok(page) = tokio::time::timeout(Duration::from_millis(250), feed.next(&self.clock)).await {
            let page = page.unwrap();
            assert!(page.batches.is_empty() || page.notices.is_empty(), "records or notices, never both");
            for record in page.batches.iter().flat_map(|batch| &batch.records) {
                let sign = if record.again { "=" } else { "+" };
                lines.push(format!("{sign}{} as {}", record.sequence, record.recipient_learner.as_str()));
            }
            for notice in page.notices {
                let of: Vec<_> = notice.copies.iter().map(|copy| copy.sequence.to_string()).collect();
                lines.push(format!("-{} {}", notice.reason.as_str(), of.join(",")));
                notices.push(notice);
            }
            assert!(page.cursor > cursor, "the cursor goes on");
            cursor = page.cursor;
        }
        (lines, notices, cursor)
    }

    /// Lets sweeps run to their end.
    pub async fn sweep(&self) {
        for _ in 0..8 {
            self.exchange.tick(self.now()).await;
        }
    }

    /// Answers a notice for all its copies alike.
    pub async fn answer(
        &self,
        who: &str,
        notice: &OutNotice,
        outcome: CopyOutcome,
        reason: &str,
    ) -> Result<Timestamp, AnswerError> {
        let agent = &self.agents[who];
        let mut digest = DeletionDigest::default();
        let answer = |copy: &OutCopy| {
            digest.add(copy.sequence, outcome, reason);
            CopyAnswer { sequence: copy.sequence, outcome, reason: reason.to_owned() }
        };
        let answers = notice.copies.iter().map(answer).collect();
        let signature = sign_deletion(&agent.key, who, notice.number, notice.sequence, &digest).unwrap();
        let (number, sequence) = (notice.number, notice.sequence);
        let key_id = *agent.key.public().id().as_bytes();
        let answer = WithdrawalAnswer { number, sequence, answers, key_id, signature };
        self.exchange.answer_withdrawal(&agent.speaker, answer, self.now()).await
    }

    /// A person whom the made data manager of an institution has invited.
    pub async fn colleague(&self, at: &str, who: PersonWanted, number: u8) -> PersonSpeaker {
        let manager = Actor::new(self, at, Role::DataManager);
        let by = Inviter::Person(&manager.speaker, manager.role);
        let (hour, seed) = (Duration::from_secs(3600), ([number; 32], self.now()));
        let invited = self.exchange.invite_person(&slug(at), who, hour, by, seed).await.unwrap();
        let key = SigningKey::from_seed(&[number; 32]).unwrap();
        let (id, peer) = (PersonId([number; 16]), "127.0.0.1".parse().unwrap());
        let public = *key.public().as_bytes();
        self.exchange.join_person(&invited.code, id, public, peer, self.now()).await.unwrap();
        self.exchange.person(id).unwrap()
    }

    /// The first person of an office at an institution.
    pub async fn office(&self, at: &str, role: Role, number: u8) -> PersonSpeaker {
        let who = PersonWanted {
            name: "Quillfeather".to_owned(),
            roles: [role].into(),
            staff: None,
            learner: None,
        };
        let (by, hour) = (Inviter::Operator("operator"), Duration::from_secs(3600));
        let invitation =
            self.exchange.invite_person(&slug(at), who, hour, by, ([number; 32], self.now())).await.unwrap();
        let key = SigningKey::from_seed(&[number; 32]).unwrap();
        let (id, peer) = (PersonId([number; 16]), "127.0.0.1".parse().unwrap());
        self.exchange
            .join_person(&invitation.code, id, *key.public().as_bytes(), peer, self.now())
            .await
            .unwrap();
        self.exchange.person(id).unwrap()
    }

    /// Names of the log's entries, in order.
    pub async fn log(&self) -> Vec<String> {
        let shown = self.exchange.show(1, 1000).await.unwrap();
        shown
            .iter()
            .map(|e| format!("{} by {}", e["what"].as_str().unwrap(), e["by"].as_str().unwrap()))
            .collect()
    }
}

pub fn learner(local: &str, registration: Registration, uln: &str) -> Declaration {
    let text = |t: &str| Text::parse("name", t, 100).unwrap();
    Declaration::Learner(LearnerDeclaration {
        local_id: id(local),
        registration,
        upn: String::new(),
        uln: uln.to_owned(),
        uci: String::new(),
        former_upns: Vec::new(),
        birth_date: Some(date("2009-05-01")),
        surname: text("Ashby"),
        forename: text("Imogen"),
        known_as: text(""),
    })
}

pub fn year() -> DateRange {
    DateRange::new(date("2026-09-01"), date("2027-07-20")).unwrap()
}

pub fn placement(local: &str, host: &str) -> Declaration {
    Declaration::Placement(PlacementDeclaration {
        learner: id(local),
        host: slug(host),
        group: Some(id("ENG-1")),
        dates: year(),
    })
}

pub fn acceptance(guest: &str, home: &str) -> Declaration {
    Declaration::Acceptance(PlacementAcceptance {
        learner: id(guest),
        home: slug(home),
        group: Some(id("ENG-1")),
        dates: year(),
    })
}

pub fn end(local: &str, other: &str, from: Timestamp) -> Declaration {
    Declaration::End(PlacementEnd { learner: id(local), other: slug(other), group: None, from })
}

/// A person to invite: a role of staff, with their staff id if they teach.
pub fn staff(role: Role, staff: Option<&str>) -> PersonWanted {
    let name = "Thistlewood".to_owned();
    PersonWanted { name, roles: [role].into(), staff: staff.map(id), learner: None }
}

/// What a member of staff teaches.
pub fn teaches(who: &str, groups: &[&str]) -> Declaration {
    let groups = groups.iter().map(|group| id(group)).collect();
    Declaration::Staff(StaffDeclaration { local_id: id(who), roles: vec![Role::Teacher], groups })
}

/// A mark for a guest at an hour (UTC) of 14 September 2026.
pub fn mark(source: &str, guest: &str, hour: i64, revision: u32) -> Record {
    let start = Timestamp::from_micros("start", MORNING - 8 * 3_600_000_000 + hour * 3_600_000_000).unwrap();
    let interval = Interval::new(start, start.plus_micros(3_600_000_000)).unwrap();
    let mut record_id = [0; 16];
    record_id[..4].copy_from_slice(&date("2026-09-14").days().to_be_bytes());
    record_id[4] = hour as u8;
    for (byte, text) in record_id[5..].iter_mut().zip(format!("{source}{guest}").bytes().rev()) {
        *byte = text;
    }
    let presence = Presence {
        physical: Physical::Present,
        interval: Some(interval),
        minutes_late: None,
        minutes_left_early: None,
    };
    Record {
        head: Head {
            id: RecordId(record_id),
            revision: Revision::new(revision).unwrap(),
            source: slug(source),
            learner: id(guest),
            group: Some(id("ENG-1")),
            date: date("2026-09-14"),
            recorded_at: start,
            confidential: false,
        },
        body: Body::Attendance(Attendance {
            presence: Some(presence),
            source_code: Some(SourceCode::new("/", "ENG-2024").unwrap()),
            ..Attendance::default()
        }),
    }
}

pub fn withdrawn(mut record: Record, revision: u32) -> Record {
    record.head.revision = Revision::new(revision).unwrap();
    record.body = Body::Withdrawn(RecordKind::Attendance);
    record
}

pub fn seal(key: &SigningKey, source: &str, number: u64, records: Vec<Record>) -> IncomingBatch {
    let salts = SaltKey::new(&[1; 32]);
    let records: Vec<IncomingRecord> = records.into_iter().map(|record| sealed(&salts, record)).collect();
    let roots: Vec<Hash> = records.iter().map(|r| r.root).collect();
    let signed = BatchSigner::new(source, key).unwrap().sign(number, &roots).unwrap();
    IncomingBatch {
        source: source.to_owned(),
        number,
        size: records.len() as u32,
        key_id: *key.public().id().as_bytes(),
        signature: signed.signature,
        records,
    }
}

/// What a mark says, as these tests write it: twenty bytes of whether there is no note, what was seen, minutes late and
/// early, and when.
fn presence_bytes(body: &Body) -> Vec<u8> {
    let Body::Attendance(mark) = body else { return vec![0; 20] };
    let Some(presence) = &mark.presence else { return vec![1; 20] };
    let times = presence.interval.map_or((0, 0), |time| (time.start().micros(), time.end().micros()));
    let minutes = |minutes: Option<u32>| minutes.unwrap_or(u32::MAX).to_be_bytes();
    let seen = PHYSICAL.iter().position(|one| *one == presence.physical).unwrap();
    let head = [vec![u8::from(mark.note.is_none()); 20], vec![u8::try_from(seen).unwrap()]].concat();
    let tail = [times.0.to_be_bytes(), times.1.to_be_bytes()].concat();
    [head, minutes(presence.minutes_late).to_vec(), minutes(presence.minutes_left_early).to_vec(), tail]
        .concat()
}

const PHYSICAL: [Physical; 5] =
    [Physical::Present, Physical::Late, Physical::Absent, Physical::NotRequired, Physical::Unknown];

/// Reads it back, for the views.
pub fn read_body(kind: RecordKind, groups: &[SealedGroup]) -> Option<Body> {
    let mark = groups.iter().find(|group| group.number == 2);
    let presence = mark.and_then(|group| match &group.state {
        GroupState::Open { content, .. } => Some(content.clone()),
        GroupState::Withheld(_) => None,
    });
    let presence = presence.filter(|bytes| bytes.len() == 45).map(|bytes| {
        let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
        let time = |at: usize| i64::from_be_bytes(bytes[at..at + 8].try_into().unwrap());
        let moment = |at: usize| Timestamp::from_micros("at", time(at)).unwrap();
        let minutes = |at: usize| Some(number(at)).filter(|minutes| *minutes != u32::MAX);
        Presence {
            physical: PHYSICAL[usize::from(bytes[20])],
            interval: Interval::new(moment(29), moment(37)).ok(),
            minutes_late: minutes(21),
            minutes_left_early: minutes(25),
        }
    });
    (kind == RecordKind::Attendance)
        .then(|| Body::Attendance(Attendance { presence, ..Attendance::default() }))
}

fn sealed(salts: &SaltKey, record: Record) -> IncomingRecord {
    let revision = record.head.revision.get();
    // What lies in the groups is the wire's affair; here it only has to differ where the records differ.
    let contents: Vec<(u32, Vec<u8>)> = vec![
        (1, [&record.head.id.0[..], &revision.to_be_bytes()].concat()),
        (2, presence_bytes(&record.body)),
        (5, vec![5; 10]),
    ];
    let groups: Vec<SealedGroup> = contents
        .into_iter()
        .map(|(number, content)| SealedGroup {
            number,
            state: GroupState::Open {
                salt: salts.salt(&record.head.id.0, revision, number),
                content: Bytes::from(content),
            },
        })
        .collect();
    let leaves: Vec<GroupLeaf> = groups
        .iter()
        .map(|g| match &g.state {
            GroupState::Open { salt, content } => GroupLeaf::shown(g.number, salt, content),
            GroupState::Withheld(hash) => GroupLeaf::withheld(g.number, *hash),
        })
        .collect();
    IncomingRecord { root: record_root(&leaves).unwrap(), groups: groups.into(), content: Ok(record) }
}

/// A behaviour event of a guest: a refusal, without a word.
pub fn conduct(source: &str, guest: &str, hour: i64) -> Record {
    let mut record = mark(source, guest, hour, 1);
    record.head.id.0[15] ^= 0x80;
    let event = Event {
        polarity: Polarity::Negative,
        category: Category::Defiance,
        severity: None,
        source_label: Text::parse("source_label", "Refused", 200).unwrap(),
        happened_at: None,
        location: Text::default(),
        event_id: None,
    };
    record.body = Body::Behaviour(Behaviour { event: Some(event), ..Behaviour::default() });
    record
}
