//! A hub in this process, and ridgeway, the partner that the stranger exchanges marks with.

use bytes::Bytes;
use commonroll_audit::{PublicKey, SigningKey};
use commonroll_core::{
    Body, Head, Interval, LocalId, Record, RecordId, RecordKind, Revision, SchoolDate, Slug, Timestamp,
    record::{
        Text,
        attendance::{Attendance, Physical, Presence, SourceCode},
    },
};
use commonroll_exchange::{ConsortiumFile, Exchange};
use commonroll_hub::{Addresses, Clock, HUB_NAME, Hub, ProviderRandomness, Randomness, Settings, Sources};
use commonroll_wire::pb::{
    directory::v1::{
        Declaration, DeclarationOutcome, DeclareRequest, SigningKeysRequest, declaration::Fact,
        directory_service_client::DirectoryServiceClient,
    },
    enrolment::v1::{JoinRequest, enrolment_service_client::EnrolmentServiceClient},
    exchange::v1::{
        ReceiveRequest, ReceiveResponse, RecordOutcome, exchange_service_client::ExchangeServiceClient,
    },
    learner::v1::{Learner, Registration},
    placement::v1::{PlacementAcceptance, PlacementDeclaration},
};
use std::{path::PathBuf, sync::Arc, time::Duration};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::{
    Streaming,
    transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity},
};

/// Two partners; the agreement lists presence and code of a mark, and not its note.
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
"#;

/// 14 September 2026, 09:00 UTC.
const NINE: i64 = 1_789_376_400_000_000;

/// The machine's clock: the script looks at it too.
struct RealClock;

impl Clock for RealClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the script judges the hub's certificate by the real clock"
    )]
    fn now(&self) -> Timestamp {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        Timestamp::from_micros("now", i64::try_from(now.as_micros()).unwrap()).unwrap()
    }
}

/// A running hub.
pub struct TestHub {
    pub exchange: Exchange,
    addresses: Addresses,
    settings: Settings,
    shutdown: CancellationToken,
    serving: JoinHandle<Result<(), commonroll_hub::HubError>>,
    folder: tempfile::TempDir,
}

impl TestHub {
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = settings(&folder.path().join("hub"));
        let now = RealClock.now();
        commonroll_hub::init(&settings, now, &ProviderRandomness).unwrap();
        let exchange = commonroll_hub::open_exchange(&settings, now, &ProviderRandomness).await.unwrap();
        let file = ConsortiumFile::parse(CONSORTIUM).unwrap().signed_by(&[0x51; 32]);
        exchange.import(&file, "test", now).await.unwrap();
        let random: Arc<dyn Randomness> = Arc::new(ProviderRandomness);
        let hub = Hub::bind(settings.clone(), exchange.clone(), Arc::new(RealClock), random).await.unwrap();
        let (addresses, shutdown) = (hub.addresses(), CancellationToken::new());
        settings.public_agents = addresses.agents.to_string();
        settings.public_join = addresses.join.to_string();
        let serving = tokio::spawn(hub.serve(shutdown.clone()));
        Self { exchange, addresses, settings, shutdown, serving, folder }
    }

    /// An invitation as the operator hands it over: one line in a file.
    pub async fn invitation_file(&self, institution: &str) -> PathBuf {
        let institution: Slug = institution.parse().unwrap();
        let whom = (&institution, Duration::from_secs(3_600), "test");
        let now = RealClock.now();
        let line =
            commonroll_hub::invite(&self.settings, &self.exchange, whom, now, &ProviderRandomness).await;
        let path = self.folder.path().join(format!("{institution}.invitation"));
        std::fs::write(&path, line.unwrap() + "\n").unwrap();
        path
    }

    fn dial(&self, address: std::net::SocketAddr, identity: Option<Identity>) -> Channel {
        let authority = std::fs::read(self.settings.keys.join("ca.pem")).unwrap();
        let tls =
            ClientTlsConfig::new().ca_certificate(Certificate::from_pem(authority)).domain_name(HUB_NAME);
        let tls = identity.into_iter().fold(tls, ClientTlsConfig::identity);
        Endpoint::from_shared(format!("https://{address}")).unwrap().tls_config(tls).unwrap().connect_lazy()
    }

    pub async fn stop(self) {
        self.shutdown.cancel();
        self.serving.await.unwrap().expect("the hub stops without a fault");
    }
}

fn settings(data: &std::path::Path) -> Settings {
    let flags = [
        ("listen.agents", "127.0.0.1:0"),
        ("listen.join", "127.0.0.1:0"),
        ("listen.local", "127.0.0.1:0"),
        ("database", "sqlite::memory:"),
        ("consortium", "testshire"),
        ("limits.drain_seconds", "1"),
    ];
    Settings::load(&Sources {
        data: Some(data.to_owned()),
        environment: Some(std::collections::HashMap::new()),
        flags: flags.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec(),
        file: None,
    })
    .unwrap()
}

/// An enrolled partner with its feed open.
pub struct Partner {
    slug: Slug,
    signing: SigningKey,
    channel: Channel,
    feed: Streaming<ReceiveResponse>,
}

impl Partner {
    pub async fn join(hub: &TestHub, institution: &str) -> Self {
        let slug: Slug = institution.parse().unwrap();
        let mut random = [0; 32];
        ProviderRandomness.fill(&mut random);
        let (hour, now) = (Duration::from_secs(3_600), RealClock.now());
        let code = hub.exchange.invite(&slug, hour, "test", random, now).await.unwrap();
        let signing = SigningKey::from_seed(&[41; 32]).unwrap();
        let key = rcgen::KeyPair::generate().unwrap();
        let request = rcgen::CertificateParams::default().serialize_request(&key).unwrap();
        let mut door = EnrolmentServiceClient::new(hub.dial(hub.addresses.join, None));
        let joined = door.join(JoinRequest {
            code,
            certificate_request: Bytes::copy_from_slice(request.der()),
            signing_key: Bytes::copy_from_slice(signing.public().as_bytes()),
            agent_version: "test".to_owned(),
            person: false,
        });
        let certificate = pem(&joined.await.unwrap().into_inner().certificate);
        let identity = Identity::from_pem(certificate, key.serialize_pem());
        let channel = hub.dial(hub.addresses.agents, Some(identity));
        let from_the_start = ReceiveRequest { after_sequence: 0, joint_paths: false };
        let feed =
            ExchangeServiceClient::new(channel.clone()).receive(from_the_start).await.unwrap().into_inner();
        Self { slug, signing, channel, feed }
    }

    /// Its own learner, placed at the stranger's, and the stranger's learner, whom it takes as a guest.
    pub async fn declares_its_side(&self) {
        let (first_date, last_date) = ("2026-09-01".to_owned(), "2027-07-20".to_owned());
        let facts = [
            Fact::Learner(learner(
                "R-1",
                Registration::Home,
                ["1000000019", "2009-05-01", "Ashby", "Imogen"],
            )),
            Fact::Placement(PlacementDeclaration {
                learner_local_id: "R-1".into(),
                host: "northgate".into(),
                group_local_id: "CATER-1".into(),
                first_date: first_date.clone(),
                last_date: last_date.clone(),
            }),
            Fact::Learner(learner(
                "R-G7",
                Registration::Guest,
                ["1000000027", "2009-11-30", "Ogden", "Priya"],
            )),
            Fact::Acceptance(PlacementAcceptance {
                learner_local_id: "R-G7".into(),
                home: "northgate".into(),
                group_local_id: String::new(),
                first_date,
                last_date,
            }),
        ];
        let declarations = facts.map(|fact| Declaration { fact: Some(fact) }).to_vec();
        let mut directory = DirectoryServiceClient::new(self.channel.clone());
        let answer = directory.declare(DeclareRequest { declarations }).await.unwrap().into_inner();
        for result in answer.results {
            assert_eq!(result.outcome(), DeclarationOutcome::Accepted, "{} {}", result.code, result.field);
        }
    }

    /// The next page of the feed that holds something.
    pub async fn next_page(&mut self) -> ReceiveResponse {
        loop {
            let page = tokio::time::timeout(Duration::from_secs(2), self.feed.message()).await;
            let page = page.expect("a page within 2 s").unwrap().unwrap();
            if !page.batches.is_empty() {
                return page;
            }
        }
    }

    /// The one signing key of a partner.
    pub async fn key_of(&self, institution: &str) -> PublicKey {
        let asked = SigningKeysRequest { institution: institution.to_owned() };
        let mut directory = DirectoryServiceClient::new(self.channel.clone());
        let keys = directory.signing_keys(asked).await.unwrap().into_inner().keys;
        let [key] = &keys[..] else { panic!("one key, not {}", keys.len()) };
        PublicKey::from_bytes(key.public_key[..].try_into().unwrap())
    }

    /// Two marks of the stranger's learner with one of nobody's between them, all in one signed batch, with notes.
    /// Gives the sequence numbers of the two.
    pub async fn publishes_three_marks(&mut self) -> Vec<u64> {
        let marks = [self.mark("1", "R-G7"), self.mark("2", "R-unknown"), self.mark("3", "R-G7")];
        let sealed = marks.iter().map(|mark| commonroll_wire::seal(mark, &[5; 32], &[])).collect();
        let batch = commonroll_wire::seal_batch(&self.slug, 1, sealed, &self.signing).unwrap();
        let mut exchange = ExchangeServiceClient::new(self.channel.clone());
        let mut answers = exchange.publish(tokio_stream::once(batch)).await.unwrap().into_inner();
        let greeting = answers.message().await.unwrap().unwrap();
        assert_eq!((greeting.batch_number, greeting.next_batch_number), (0, 1));
        let results = answers.message().await.unwrap().unwrap().results;
        let outcomes: Vec<RecordOutcome> = results.iter().map(|result| result.outcome()).collect();
        use RecordOutcome::{Accepted, Rejected};
        assert_eq!(outcomes, [Accepted, Rejected, Accepted], "{}", results[0].reason);
        vec![results[0].sequence, results[2].sequence]
    }

    fn mark(&self, key: &str, learner: &str) -> Record {
        let start = Timestamp::from_micros("start", NINE).unwrap();
        let presence = Presence {
            physical: Physical::Late,
            interval: Interval::new(start, start.plus_micros(3_600_000_000)).ok(),
            minutes_late: Some(7),
            minutes_left_early: None,
        };
        Record {
            head: Head {
                id: record_id(self.slug.as_str(), key),
                revision: Revision::FIRST,
                source: self.slug.clone(),
                learner: LocalId::parse("learner", learner).unwrap(),
                group: None,
                date: SchoolDate::parse("date", "2026-09-14").unwrap(),
                recorded_at: start,
                confidential: false,
            },
            body: Body::Attendance(Attendance {
                presence: Some(presence),
                source_code: Some(SourceCode::new("L", "ENG-2024").unwrap()),
                note: Some(Text::parse("note", "bus was late", 500).unwrap()),
                register: None,
            }),
        }
    }
}

/// The id of an attendance record of the day.
pub fn record_id(source: &str, key: &str) -> RecordId {
    let date = SchoolDate::parse("date", "2026-09-14").unwrap();
    commonroll_wire::record_id(&source.parse().unwrap(), RecordKind::Attendance, date, key)
}

fn learner(local: &str, registration: Registration, [uln, born, surname, forename]: [&str; 4]) -> Learner {
    Learner {
        local_id: local.into(),
        registration: registration.into(),
        uln: uln.into(),
        birth_date: born.into(),
        surname: surname.into(),
        forename: forename.into(),
        ..Learner::default()
    }
}

fn pem(der: &[u8]) -> String {
    use base64::{Engine, prelude::BASE64_STANDARD};
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", BASE64_STANDARD.encode(der))
}
