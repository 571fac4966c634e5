//! The doctor: each fault is provoked, and must be told under its own name, with what to do, and without a word about people.

use crate::{
    fake_hub::FakeHub,
    joining::joined,
    rig::{MARKS, School},
};
use async_trait::async_trait;
use commonroll_agent::{
    HubError, Identity, Spool,
    doctor::{Mark, Network, Reached, Real, Report, World, examine},
};
use commonroll_core::Timestamp;
use std::{
    fs,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};
use tempfile::TempDir;

const GOOD: &str = "Id,Class,Date,Mark\nL0001,12A,2026-09-14,/\nL0002,12A,2026-09-14,N\n";
const ROOM: (u64, u64) = (100 << 30, 200 << 30);

/// A network that gets so far.
struct Way(Reached);

#[async_trait]
impl Network for Way {
    async fn reach(&self, _identity: &Identity, _address: &str) -> Reached {
        self.0.clone()
    }
}

/// An agent's folder with one source, whose export is an hour old.
struct Place {
    folder: TempDir,
    way: Reached,
    room: Option<(u64, u64)>,
    hours_later: i64,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("exports")).unwrap();
        fs::create_dir(folder.path().join("data")).unwrap();
        fs::write(folder.path().join("marks.toml"), MARKS).unwrap();
        let place = Self { folder, way: Reached::Hub, room: Some(ROOM), hours_later: 1 };
        place.settings("[outbox]\nfolder = \"outbox\"\n");
        place.export("marks-1.csv", GOOD);
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn settings(&self, more: &str) {
        let text = format!(
            "data = \"data\"\n[[source]]\nname = \"marks\"\nfolder = \"exports\"\npattern = \"marks*.csv\"\n\
             connector = \"delimited\"\nmapping = \"marks.toml\"\n{more}"
        );
        fs::write(self.path("agent.toml"), text).unwrap();
    }

    fn export(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.path("exports").join(name), text).unwrap();
    }

    async fn spool(&self) -> Spool {
        Spool::open(&self.path("data/spool.sqlite")).await.unwrap()
    }

    fn now(&self) -> Timestamp {
        place_time().plus_micros(self.hours_later * 3_600_000_000)
    }

    async fn report(&self) -> Report {
        let (way, room) = (Way(self.way.clone()), self.room);
        let disk = move |_: &Path| room;
        let world = World { now: self.now(), network: &way, disk: &disk };
        examine(&self.path("agent.toml"), &world).await
    }

    /// How a check came out, and what was said.
    async fn told(&self, check: &str) -> (Mark, String) {
        let report = self.report().await;
        let mut found: Vec<_> = report.findings.iter().filter(|finding| finding.check == check).collect();
        found.sort_by_key(|finding| std::cmp::Reverse(finding.mark));
        let finding = found.first().unwrap_or_else(|| panic!("no {check} in {report}"));
        assert!(finding.mark < Mark::Warn || !finding.fix.is_empty(), "{check} says not what to do");
        (finding.mark, format!("{} {}", finding.wrong, finding.fix))
    }

    async fn fails(&self, check: &str, says: &str) {
        let (mark, said) = self.told(check).await;
        assert!(mark == Mark::Fail && said.contains(says), "{check}: {mark:?} {said}");
    }

    async fn warns(&self, check: &str, says: &str) {
        let (mark, said) = self.told(check).await;
        assert!(mark == Mark::Warn && said.contains(says), "{check}: {mark:?} {said}");
    }
}

fn place_time() -> Timestamp {
    let us = SystemTime::now_of_tests().duration_since(UNIX_EPOCH).unwrap().as_micros();
    Timestamp::from_micros("now", i64::try_from(us).unwrap()).unwrap()
}

/// The time of the files that tests write, without asking the clock that production code may not ask either.
trait NowOfTests {
    fn now_of_tests() -> SystemTime;
}

impl NowOfTests for SystemTime {
    fn now_of_tests() -> SystemTime {
        let file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().metadata().unwrap().modified().unwrap()
    }
}

#[tokio::test]
async fn a_sound_agent_that_has_not_joined_yet_is_told_just_that() {
    let place = Place::new();
    let report = place.report().await;
    let wrong: Vec<_> = report.findings.iter().filter(|finding| finding.mark >= Mark::Warn).collect();
    assert_eq!(wrong.iter().map(|finding| finding.check).collect::<Vec<_>>(), ["joined"], "{report}");
    assert!(wrong[0].fix.contains("agent join"));
    assert_eq!(report.exit_code(), 1);
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["findings"][0]["mark"], "ok");
}

#[tokio::test]
async fn settings_that_are_missing_or_broken_are_the_only_thing_told() {
    let place = Place::new();
    fs::remove_file(place.path("agent.toml")).unwrap();
    place.fails("settings", "commonroll agent setup").await;
    fs::write(place.path("agent.toml"), "data = \"data\"\nzoon = \"x\"\n").unwrap();
    place.fails("settings", "zoon").await;
    assert_eq!(place.report().await.findings.len(), 1);
    fs::write(place.path("agent.toml"), "data = \"data\"\n").unwrap();
    place.fails("folder", "no source").await;
}

#[tokio::test]
async fn a_folder_that_is_missing_a_file_empty_or_full_of_other_names_is_told_apart() {
    let place = Place::new();
    fs::remove_file(place.path("exports/marks-1.csv")).unwrap();
    place.fails("folder", "empty").await;
    place.export("attendance.csv", GOOD);
    place.fails("folder", "the name of none fits `marks*.csv`").await;
    fs::remove_dir_all(place.path("exports")).unwrap();
    place.fails("folder", "isn't there").await;
    fs::write(place.path("exports"), "").unwrap();
    place.fails("folder", "a file, not a folder").await;
}

#[tokio::test]
async fn a_file_that_is_being_written_is_no_fault_yet_and_one_that_lies_unread_is() {
    let mut place = Place::new();
    place.hours_later = 0;
    place.warns("rest", "comes to rest").await;
    place.hours_later = 2;
    place.spool().await.close().await;
    place.fails("unread", "agent run").await;
}

#[tokio::test]
async fn what_is_wrong_inside_an_export_is_told_by_its_cause() {
    let place = Place::new();
    place.export("marks-1.csv", "Id,Class,Day,Mark\nL0001,12A,2026-09-14,/\n");
    place.fails("captions", "`Date`").await;
    place.export("marks-1.csv", "Id,Class,Date,Mark\n,12A,2026-09-14,/\n,12A,2026-09-14,N\n");
    place.fails("ids", "Third Party Reporter").await;
    place.export("marks-1.csv", "Id,Class,Date,Mark\nL0001,12A,2026-09-14,/\nL0002,12A,2026-09-14,Ä\n");
    place.warns("codes", "[codes.marks]").await;
    place.export("marks-1.csv", "Id,Class,Date,Mark\nL0001,12A,14/09/2026,/\n");
    place.warns("dates", "date_format").await;
    place.export("marks-1.csv", b"Id,Class,Date,Mark\nL0001,12\x81A,2026-09-14,/\n\x00\x01".as_slice());
    place.fails("encoding", "FILE-").await;
    place.export("marks-1.csv", "");
    place.fails("empty", "export it again").await;
}

#[tokio::test]
async fn the_disk_is_told_before_it_is_full_and_when_it_is() {
    let mut place = Place::new();
    place.room = Some((500 << 20, 200 << 30));
    place.warns("disk", "500 MiB").await;
    place.room = Some((1 << 20, 200 << 30));
    place.fails("disk", "make room").await;
    place.room = None;
    assert_eq!(place.told("disk").await.0, Mark::Skipped);
}

#[tokio::test]
async fn a_damaged_spool_is_told_with_what_to_do_and_is_not_touched() {
    let place = Place::new();
    fs::write(place.path("data/spool.sqlite"), vec![0x5a; 20_000]).unwrap();
    place.fails("spool", "put the file aside").await;
    assert_eq!(fs::read(place.path("data/spool.sqlite")).unwrap(), vec![0x5a; 20_000]);
}

#[tokio::test]
async fn an_alarm_about_the_logs_history_is_told_with_whom_to_tell() {
    let place = Place::new();
    let spool = place.spool().await;
    spool.alarm("history", "the log does not extend what was seen", place.now()).await.unwrap();
    spool.close().await;
    place.fails("history", "tell the other partners").await;
}

#[tokio::test]
async fn an_outbox_that_nobody_applies_is_told_apart_from_a_helper_that_stopped() {
    let mut place = Place::new();
    place.settings("[outbox]\nfolder = \"outbox\"\n");
    fs::create_dir(place.path("outbox")).unwrap();
    place.spool().await.close().await;
    fs::write(place.path("outbox/attendance-000000000005.csv"), "x").unwrap();
    assert_eq!(place.told("outbox").await.0, Mark::Ok, "an hour is no fault");
    place.hours_later = 48;
    place.fails("results", "never was there a result file").await;
    fs::write(place.path("outbox/attendance-000000000004.result.csv"), "x").unwrap();
    place.warns("outbox", "start it again").await;
}

#[tokio::test]
async fn settings_without_an_outbox_are_told_since_nothing_is_received() {
    let place = Place::new();
    place.settings("");
    place.warns("outbox", "no [outbox] in agent.toml").await;
    assert!(!place.path("data/spool.sqlite").exists(), "told on the first day, before there is a spool");
    place.settings("[outbox]\nfolder = \"outbox\"\n");
    place.spool().await.close().await;
    assert_eq!(place.told("outbox").await.0, Mark::Ok, "nothing written yet");
    place.settings("");
    place.warns("outbox", "no [outbox] in agent.toml").await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_secret_that_is_missing_or_that_others_can_read_is_told() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    let text = "data = \"data\"\n[connection.mis]\nkind = \"postgres\"\naddress = \"db:5432/school\"\nuser = \"reader\"\n\
                credentials = \"secret\"\n[[source]]\nname = \"marks\"\nfrom = \"mis\"\nrecords = \"marks\"\n\
                connector = \"delimited\"\nmapping = \"marks.toml\"\n";
    fs::write(place.path("agent.toml"), text).unwrap();
    place.fails("credentials", "SECRET-MISSING").await;
    fs::write(place.path("secret"), "hunter2").unwrap();
    fs::set_permissions(place.path("secret"), fs::Permissions::from_mode(0o644)).unwrap();
    place.fails("credentials", "chmod 600").await;
    assert!(!place.report().await.to_string().contains("hunter2"));
    fs::set_permissions(place.path("secret"), fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(place.told("credentials").await.0, Mark::Ok);
    let writing = "[connection.writing]\nkind = \"postgres\"\naddress = \"db:5432/school\"\nuser = \"writer\"\n\
                   credentials = \"other\"\n[outbox]\nfolder = \"outbox\"\nformats = [\"csv\"]\n\
                   [outbox.apply]\nto = \"writing\"\nmis = \"rosariosis\"\n";
    fs::write(place.path("agent.toml"), format!("{text}{writing}")).unwrap();
    place.fails("credentials", "SECRET-MISSING").await;
}

#[tokio::test]
async fn a_certificate_that_expired_is_told_apart_from_a_slow_clock() {
    let mut place = Place::new();
    joined(&place.path("data/identity")).await;
    let identity = Identity::load(&place.path("data/identity")).unwrap();
    let hours = |at: Timestamp| (at.micros() - place_time().micros()) / 3_600_000_000;
    place.hours_later = hours(identity.valid.1) + 5;
    place.fails("certificate", "expired").await;
    place.hours_later = hours(identity.valid.0) - 5;
    place.fails("certificate", "clock is slow").await;
    fs::write(place.path("data/identity/signing.key"), "x").unwrap();
    place.fails("joined", "backup").await;
}

#[tokio::test]
async fn the_way_to_the_hub_is_told_by_how_far_it_goes() {
    let mut place = Place::new();
    joined(&place.path("data/identity")).await;
    let ways = [
        (Reached::BadAddress, "host:port"),
        (Reached::NoSuchName, "DNS"),
        (Reached::Refused, "nothing listens"),
        (Reached::Silence, "firewall"),
        (Reached::NotTheHub, "TLS"),
        (Reached::SaysNo(HubError::NotKnown), "removed"),
        (Reached::SaysNo(HubError::NotAllowed), "suspended"),
    ];
    for (way, says) in ways {
        place.way = way;
        place.fails("hub", says).await;
    }
    place.way = Reached::SaysNo(HubError::Busy { after: None });
    place.warns("hub", "busy").await;
    place.way = Reached::Hub;
    assert_eq!(place.told("hub").await.0, Mark::Ok);
}

#[tokio::test]
async fn the_real_network_tells_a_closed_port_a_stranger_and_a_bad_name_apart() {
    let place = Place::new();
    let door = joined(&place.path("data/identity")).await;
    let identity = Identity::load(&place.path("data/identity")).unwrap();
    assert_eq!(Real.reach(&identity, "no address").await, Reached::BadAddress);
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    assert_eq!(Real.reach(&identity, &closed.to_string()).await, Reached::Refused);
    let stranger = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = stranger.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((socket, _)) = stranger.accept().await {
            drop(socket);
        }
    });
    assert_eq!(Real.reach(&identity, &address).await, Reached::NotTheHub);
    // A hub's own TLS, and no exchange behind it.
    assert!(matches!(Real.reach(&identity, &door).await, Reached::SaysNo(_)));
}

#[tokio::test]
async fn what_waits_and_what_the_hub_refused_is_told_with_whose_turn_it_is() {
    let mut school = School::new("northgate").await;
    let hub = FakeHub::new().knows("northgate", &school.key);
    school.marks(&[("ada", "/"), ("ben", "/"), ("cem", "N")]);
    school.look().await;
    let place = Place::new();
    let folder = school.folder.path().to_owned();
    let report = |now| {
        let folder = folder.clone();
        fs::write(folder.join("agent.toml"), fs::read_to_string(place.path("agent.toml")).unwrap()).unwrap();
        async move {
            let disk = |_: &Path| Some(ROOM);
            let world = World { now, network: &Way(Reached::Hub), disk: &disk };
            examine(&folder.join("agent.toml"), &world).await
        }
    };
    let late = school.now.plus_micros(3 * 3_600_000_000);
    let told = report(late).await;
    let queue = told.findings.iter().find(|finding| finding.check == "queue").unwrap();
    assert!(queue.mark == Mark::Fail && queue.wrong.contains("3 hour(s)"), "{told}");
    hub.with(|s| {
        s.refuse.insert("ada".into(), "no_placement".into());
        s.refuse.insert("ben".into(), "no_agreement".into());
    });
    school.publish(&hub).await.unwrap();
    let told = report(late).await;
    let said = |check: &str| told.findings.iter().find(|finding| finding.check == check).unwrap();
    assert!(said("placements").fix.contains("the home must declare it"), "{told}");
    assert!(said("agreement").fix.contains("heads to sign"), "{told}");
    assert_eq!(said("queue").mark, Mark::Ok, "{told}");
    assert!(told.to_string().contains("\n\n") && !told.to_string().contains("\\u"), "{told}");
    assert!(!told.to_string().contains("ada") && !told.to_string().contains("ben"), "{told}");
}
