//! The test kit: a hub in this process, agents that join it as real ones do, and a clock that a test can move.

use bytes::Bytes;
use commonroll_audit::SigningKey;
use commonroll_core::{
    Body, Head, LocalId, PersonId, Record, RecordKind, Revision, Role, SchoolDate, Slug, Timestamp,
    record::attendance::{Attendance, Physical, Presence, SourceCode},
};
use commonroll_exchange::{ConsortiumFile, Exchange, Inviter, Keys, Options, PersonWanted, Revoke, Sizes};
use commonroll_hub::{
    Addresses, Clock, HUB_NAME, Hub, KeyFolder, ProviderRandomness, Randomness, Settings, Sources,
};
use commonroll_wire::pb::{
    directory::v1::directory_service_client::DirectoryServiceClient,
    enrolment::v1::{JoinRequest, JoinResponse, enrolment_service_client::EnrolmentServiceClient},
    exchange::v1::{PublishRequest, PublishResponse, exchange_service_client::ExchangeServiceClient},
    people::v1::people_service_client::PeopleServiceClient,
};
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::mpsc,
    task::JoinHandle,
};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{
    Status, Streaming,
    transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity},
};

/// Two partners under an agreement, and one learner of ridgeway's placed at northgate.
const CONSORTIUM: &str = r#"
[[institution]]
slug = "ridgeway"
name = "Ridgeway School"
type = "school"

[[institution]]
slug = "northgate"
name = "Northgate College"
type = "fe_college"

[[agreement]]
id = "shared-teaching"
version = 1
parties = ["ridgeway", "northgate"]
purpose = "shared teaching"
first_date = "2020-01-01"
last_date = "2090-12-31"
[agreement.kinds]
attendance = ["presence", "source_code"]

[[placement]]
home = "ridgeway"
host = "northgate"
first_date = "2020-01-01"
last_date = "2090-12-31"
learners = [["R1", "N1"]]
"#;

/// The real time and what a test adds to it: certificates are judged by clients too, who look at the real clock.
#[derive(Default)]
pub struct TestClock(AtomicI64);

impl Clock for TestClock {
    #[expect(clippy::disallowed_methods, reason = "clients judge the hub's certificate by the real clock")]
    fn now(&self) -> Timestamp {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let moved = self.0.load(Ordering::Relaxed);
        Timestamp::from_micros("now", now.as_micros() as i64 + moved).unwrap()
    }
}

impl TestClock {
    /// Shows another time, and goes on from there.
    pub fn set(&self, at: Timestamp) {
        let by = at.micros() - self.now().micros();
        self.0.fetch_add(by, Ordering::Relaxed);
    }
}

/// A hub that runs until it is dropped or stopped.
pub struct TestHub {
    pub exchange: Exchange,
    pub addresses: Addresses,
    pub settings: Settings,
    pub clock: Arc<TestClock>,
    pub shutdown: CancellationToken,
    pub serving: JoinHandle<Result<(), commonroll_hub::HubError>>,
    _folder: Option<tempfile::TempDir>,
}

impl TestHub {
    pub async fn start() -> Self {
        Self::with(|_| ()).await
    }

    pub async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        Self::of(CONSORTIUM, change).await
    }

    /// A hub of another consortium than the usual.
    pub async fn of(consortium: &str, change: impl FnOnce(&mut Settings)) -> Self {
        Self::begun(consortium, TestClock::default(), change).await
    }

    /// The same by a clock of one's own.
    pub async fn begun(consortium: &str, clock: TestClock, change: impl FnOnce(&mut Settings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = loopback(&folder.path().join("hub"));
        change(&mut settings);
        let clock = Arc::new(clock);
        commonroll_hub::init(&settings, clock.now(), &ProviderRandomness).unwrap();
        let hub = Self::serve(settings, clock, Some(folder)).await;
        hub.introduce(consortium).await;
        hub
    }

    async fn introduce(&self, consortium: &str) {
        let partners = ConsortiumFile::parse(consortium).unwrap().signed_by(&[0x51; 32]);
        self.exchange.import(&partners, "test", self.now()).await.unwrap();
        // Those who signed the agreement have left: a test enrols the people that it needs.
        for person in &partners.people {
            let gone = Revoke::Person(person.id.parse().unwrap());
            self.exchange.revoke(gone, "test", self.now()).await.unwrap();
        }
    }

    /// Another node over the same database, with the same keys.
    pub async fn twin(&self) -> Self {
        Self::serve(self.settings.clone(), self.clock.clone(), None).await
    }

    /// The same with other settings: beside the one, over its database.
    pub async fn another(&self, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = self.settings.clone();
        change(&mut settings);
        Self::serve(settings, self.clock.clone(), None).await
    }

    /// A hub on a store that a test lets fail.
    pub async fn on(store: Arc<dyn commonroll_store::Store>) -> Self {
        Self::on_with(store, |_| ()).await
    }

    /// The same with other settings.
    pub async fn on_with(
        store: Arc<dyn commonroll_store::Store>,
        change: impl FnOnce(&mut Settings),
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (mut settings, clock) = (loopback(&folder.path().join("hub")), Arc::new(TestClock::default()));
        change(&mut settings);
        commonroll_hub::init(&settings, clock.now(), &ProviderRandomness).unwrap();
        let options = Options {
            database: settings.database.clone(),
            keys: Keys { log_seed: [7; 32], matching: [9; 32] },
            consortium: settings.consortium.clone(),
            seed: [3; 32],
        };
        let exchange = Exchange::open_on(store, Sizes::default(), options, clock.now()).await.unwrap();
        let hub = Self::run(settings, clock, exchange, Some(folder)).await;
        hub.introduce(CONSORTIUM).await;
        hub
    }

    async fn serve(settings: Settings, clock: Arc<TestClock>, folder: Option<tempfile::TempDir>) -> Self {
        let exchange =
            commonroll_hub::open_exchange(&settings, clock.now(), &ProviderRandomness).await.unwrap();
        Self::run(settings, clock, exchange, folder).await
    }

    async fn run(
        settings: Settings,
        clock: Arc<TestClock>,
        exchange: Exchange,
        folder: Option<tempfile::TempDir>,
    ) -> Self {
        let random: Arc<dyn Randomness> = Arc::new(ProviderRandomness);
        let hub = Hub::bind(settings.clone(), exchange.clone(), clock.clone(), random).await.unwrap();
        let (addresses, shutdown) = (hub.addresses(), CancellationToken::new());
        let serving = tokio::spawn(hub.serve(shutdown.clone()));
        Self { exchange, addresses, settings, clock, shutdown, serving, _folder: folder }
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub fn advance(&self, by: Duration) {
        self.clock.set(self.now().plus_micros(by.as_micros() as i64));
    }

    pub fn keys(&self) -> KeyFolder {
        KeyFolder::open(&self.settings.keys).unwrap()
    }

    pub fn authority_pem(&self) -> String {
        std::fs::read_to_string(self.settings.keys.join("ca.pem")).unwrap()
    }

    /// A fresh invitation's code.
    pub async fn code(&self, institution: &str) -> String {
        let mut random = [0; 32];
        ProviderRandomness.fill(&mut random);
        let institution = institution.parse().unwrap();
        let day = Duration::from_secs(86_400);
        self.exchange.invite(&institution, day, "test", random, self.clock.now()).await.unwrap()
    }

    /// A connection to the join door, which asks for no certificate.
    pub async fn join_door(&self) -> EnrolmentServiceClient<Channel> {
        EnrolmentServiceClient::new(self.dial(self.addresses.join, None).connect().await.unwrap())
    }

    /// An agent of an institution, joined as real ones do.
    pub async fn agent(&self, institution: &str) -> Agent {
        let code = self.code(institution).await;
        let (request, tls_key) = certificate_request();
        let mut seed = [0; 32];
        ProviderRandomness.fill(&mut seed);
        let signing = SigningKey::from_seed(&seed).unwrap();
        let joined =
            self.join_door().await.join(join_request(&code, request, &signing)).await.unwrap().into_inner();
        Agent::new(self, &joined, tls_key, signing)
    }

    /// The code of a fresh invitation of an institution's first in an office.
    pub async fn office_code(&self, institution: &str, role: Role) -> String {
        self.invite(institution, called("Rosalind Vane", &[role]), Inviter::Operator("test")).await
    }

    /// An institution's first in an office, joined as real people do.
    pub async fn first(&self, institution: &str, role: Role) -> Person {
        self.first_called(institution, "Rosalind Vane", role).await
    }

    /// The same by a name.
    pub async fn first_called(&self, institution: &str, name: &str, role: Role) -> Person {
        let code = self.invite(institution, called(name, &[role]), Inviter::Operator("test")).await;
        self.person(&code).await.unwrap()
    }

    /// Somebody in any role, let in by the institution's first data manager.
    pub async fn colleague(&self, institution: &str, role: Role) -> Person {
        let manager = self.first(institution, Role::DataManager).await;
        self.invited(&manager, institution, role, None).await
    }

    /// Somebody in any role, let in by a data manager, with their staff id if they teach.
    pub async fn invited(
        &self,
        manager: &Person,
        institution: &str,
        role: Role,
        staff: Option<&str>,
    ) -> Person {
        let staff = staff.map(|id| LocalId::parse("staff", id).unwrap());
        let who = PersonWanted { staff, ..called("Thistlewood", &[role]) };
        self.invited_as(manager, institution, who).await
    }

    /// Anybody, let in by a data manager.
    pub async fn invited_as(&self, manager: &Person, institution: &str, who: PersonWanted) -> Person {
        let speaker = self.exchange.person(manager.id).unwrap();
        let code = self.invite(institution, who, Inviter::Person(&speaker, Role::DataManager)).await;
        self.person(&code).await.unwrap()
    }

    async fn invite(&self, institution: &str, who: PersonWanted, by: Inviter<'_>) -> String {
        let mut random = [0; 32];
        ProviderRandomness.fill(&mut random);
        let (at, day) = (institution.parse().unwrap(), Duration::from_secs(86_400));
        self.exchange.invite_person(&at, who, day, by, (random, self.now())).await.unwrap().code
    }

    /// A person who uses up an invitation's code.
    pub async fn person(&self, code: &str) -> Result<Person, Status> {
        let (request, tls_key) = certificate_request();
        let mut seed = [0; 32];
        ProviderRandomness.fill(&mut seed);
        let signing = SigningKey::from_seed(&seed).unwrap();
        let request = JoinRequest { person: true, ..join_request(code, request, &signing) };
        let joined = self.join_door().await.join(request).await?.into_inner();
        let identity = Identity::from_pem(pem("CERTIFICATE", &joined.certificate), tls_key);
        let channel = self.dial(self.addresses.agents, Some(identity)).connect_lazy();
        let id = PersonId::from_slice(&joined.person_id).unwrap();
        Ok(Person { id, signing, channel, joined })
    }

    /// Where and as whom to connect; nothing is sent yet.
    pub fn dial(&self, address: SocketAddr, identity: Option<Identity>) -> Endpoint {
        let tls = ClientTlsConfig::new()
            .ca_certificate(Certificate::from_pem(self.authority_pem()))
            .domain_name(HUB_NAME);
        let tls = identity.into_iter().fold(tls, ClientTlsConfig::identity);
        let endpoint = Endpoint::from_shared(format!("https://{address}")).unwrap();
        endpoint.user_agent("commonroll-agent/0.0.7").unwrap().tls_config(tls).unwrap()
    }

    /// A page of the local port: status line and body.
    pub async fn local(&self, path: &str) -> (u16, String) {
        let mut stream = tokio::net::TcpStream::connect(self.addresses.local).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    /// The value of a metric, by its line's beginning; 0 if it is not there.
    pub async fn metric(&self, line: &str) -> f64 {
        let (_, text) = self.local("/metrics").await;
        let found = text.lines().find_map(|l| l.strip_prefix(line)?.strip_prefix(' '));
        found.map_or(0.0, |value| value.trim().parse().unwrap())
    }
}

impl Drop for TestHub {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// Somebody by name and roles, of no id.
pub fn called(name: &str, roles: &[Role]) -> PersonWanted {
    let roles = roles.iter().copied().collect();
    PersonWanted { name: name.to_owned(), roles, staff: None, learner: None }
}

/// Settings of a hub on loopback with ports that the system chooses.
pub fn loopback(data: &std::path::Path) -> Settings {
    let flag = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    Settings::load(&Sources {
        data: Some(data.to_owned()),
        environment: Some(std::collections::HashMap::new()),
        flags: vec![
            flag("listen.agents", "127.0.0.1:0"),
            flag("listen.join", "127.0.0.1:0"),
            flag("listen.local", "127.0.0.1:0"),
            flag("database", "sqlite::memory:"),
            flag("consortium", "testshire"),
        ],
        file: None,
    })
    .unwrap()
}

/// A person's side: their key and a connection.
pub struct Person {
    pub id: PersonId,
    pub signing: SigningKey,
    pub channel: Channel,
    pub joined: JoinResponse,
}

impl Person {
    pub fn people(&self) -> PeopleServiceClient<Channel> {
        PeopleServiceClient::new(self.channel.clone())
    }
}

/// An agent's side: its keys, its certificate and a connection.
pub struct Agent {
    pub id: [u8; 16],
    pub institution: Slug,
    pub signing: SigningKey,
    pub identity: Identity,
    pub channel: Channel,
    next: u64,
}

impl Agent {
    pub fn new(hub: &TestHub, joined: &JoinResponse, tls_key: String, signing: SigningKey) -> Self {
        let identity = Identity::from_pem(pem("CERTIFICATE", &joined.certificate), tls_key);
        let channel = hub.dial(hub.addresses.agents, Some(identity.clone())).connect_lazy();
        let institution = joined.institution.parse().unwrap();
        Self { id: joined.agent_id[..].try_into().unwrap(), institution, signing, identity, channel, next: 1 }
    }

    pub fn exchange(&self) -> ExchangeServiceClient<Channel> {
        ExchangeServiceClient::new(self.channel.clone())
    }

    pub fn directory(&self) -> DirectoryServiceClient<Channel> {
        DirectoryServiceClient::new(self.channel.clone())
    }

    /// An open publish stream, behind its greeting.
    pub async fn publishing(&self) -> Result<Publishing, Status> {
        let (sender, receiver) = mpsc::channel(64);
        let mut answers = self.exchange().publish(ReceiverStream::new(receiver)).await?.into_inner();
        let greeting = answers.message().await?.unwrap();
        assert_eq!(greeting.batch_number, 0);
        Ok(Publishing { sender, answers, next: greeting.next_batch_number })
    }

    /// A signed batch of marks under the next number.
    pub fn batch(&mut self, marks: &[Record]) -> PublishRequest {
        let number = self.next;
        self.next += 1;
        self.batch_number(number, marks)
    }

    /// A signed batch of marks under any number.
    pub fn batch_number(&self, number: u64, marks: &[Record]) -> PublishRequest {
        let sealed = marks.iter().map(|mark| commonroll_wire::seal(mark, &[7; 32], &[])).collect();
        commonroll_wire::seal_batch(&self.institution, number, sealed, &self.signing).unwrap()
    }

    /// A mark of the placed learner, as this institution would make it.
    pub fn mark(&self, local_key: &str) -> Record {
        let date = SchoolDate::parse("date", "2026-09-14").unwrap();
        let presence = Presence {
            physical: Physical::Present,
            interval: None,
            minutes_late: None,
            minutes_left_early: None,
        };
        Record {
            head: Head {
                id: commonroll_wire::record_id(&self.institution, RecordKind::Attendance, date, local_key),
                revision: Revision::FIRST,
                source: self.institution.clone(),
                learner: LocalId::parse("learner", "N1").unwrap(),
                group: None,
                date,
                recorded_at: Timestamp::from_micros("recorded_at", 1_789_000_000_000_000).unwrap(),
                confidential: false,
            },
            body: Body::Attendance(Attendance {
                presence: Some(presence),
                source_code: Some(SourceCode::new("/", "ENG-2024").unwrap()),
                ..Attendance::default()
            }),
        }
    }
}

/// An open publish stream.
pub struct Publishing {
    pub sender: mpsc::Sender<PublishRequest>,
    pub answers: Streaming<PublishResponse>,
    pub next: u64,
}

impl Publishing {
    /// Sends a batch and waits for its answer.
    pub async fn ask(&mut self, batch: PublishRequest) -> Result<PublishResponse, Status> {
        self.sender.send(batch).await.map_err(|_| Status::cancelled("the stream is over"))?;
        self.answer().await
    }

    /// The next answer.
    pub async fn answer(&mut self) -> Result<PublishResponse, Status> {
        let answer = tokio::time::timeout(Duration::from_secs(2), self.answers.message()).await;
        answer.expect("an answer within 2 s")?.ok_or_else(|| Status::cancelled("the stream is over"))
    }
}

/// A certificate request for a fresh key, and the key.
pub fn certificate_request() -> (Bytes, String) {
    let key = rcgen::KeyPair::generate().unwrap();
    let request = rcgen::CertificateParams::default().serialize_request(&key).unwrap();
    (Bytes::copy_from_slice(request.der()), key.serialize_pem())
}

pub fn join_request(code: &str, certificate_request: Bytes, signing: &SigningKey) -> JoinRequest {
    JoinRequest {
        code: code.to_owned(),
        certificate_request,
        signing_key: Bytes::copy_from_slice(signing.public().as_bytes()),
        agent_version: "test".to_owned(),
        person: false,
    }
}

/// DER as PEM.
pub fn pem(label: &str, der: &[u8]) -> String {
    use base64::{Engine, prelude::BASE64_STANDARD};
    let lines: Vec<String> = BASE64_STANDARD
        .encode(der)
        .as_bytes()
        .chunks(64)
        .map(|line| String::from_utf8_lossy(line).into_owned())
        .collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}
