//! Session codes that people here decided: into the outbox once, over what was proposed, and back what the MIS said.

use crate::{
    fake_hub::FakeHub,
    rig::{Dice, MARKS, School},
};
use commonroll_agent::{
    AgentError,
    decided::Decider,
    outbox::{Folder, WriteBack, results},
    receive::Receiver,
    settings::{Outbox, OutboxFormat, Sessions},
};
use commonroll_core::{RecordId, Revision, Timestamp};
use commonroll_wire::{
    SessionCode, SessionOf, pb::exchange::v1::SessionCodeOutcome as Said, session_code_id, write_session_code,
};
use std::fs;

/// A home that has ada and ben at northgate, with its outbox.
struct Home {
    school: School,
    host: School,
    hub: FakeHub,
    folder: Folder,
    sessions: Sessions,
}

const CAPTIONS: &str = "Id,Class,Date,Mark,From,To";

impl Home {
    async fn new(formats: &[OutboxFormat]) -> Self {
        let (mut host, school) = (School::new("northgate").await, School::new("ridgeway").await);
        let mapping = format!("{MARKS}start = \"From\"\nend = \"To\"\n");
        host.settings.sources[0].mapping = Some(mapping.parse().unwrap());
        let hub = FakeHub::new().knows("northgate", &host.key);
        let sessions = Sessions { am: Some(jiff::civil::time(9, 0, 0, 0)), pm: None };
        let outbox = Outbox {
            folder: school.folder.path().join("outbox"),
            formats: formats.to_vec(),
            sessions,
            sif: None,
            names: Default::default(),
            apply: None,
        };
        let folder = Folder::open(&outbox, school.settings.zone.clone()).unwrap();
        Self { school, host, hub, folder, sessions }
    }

    /// The host marks; the marks arrive at home.
    async fn marked(&mut self, rows: &str) {
        self.host_marks(rows).await;
        self.receive().await;
    }

    /// The host marks; the marks are on their way.
    async fn host_marks(&mut self, rows: &str) {
        self.host.put("marks.csv", &format!("{CAPTIONS}\n{rows}"));
        self.host.look().await;
        self.host.publish(&self.hub).await.unwrap();
    }

    async fn receive(&self) {
        let write_back: &dyn WriteBack = &self.folder;
        let (spool, now) = (&self.school.spool, self.school.now);
        let receiver = Receiver { hub: &self.hub, spool, write_back, rng: &Dice, now };
        let after = spool.cursor().await.unwrap().sequence;
        let mut feed = commonroll_agent::Hub::receive(&self.hub, after).await.unwrap();
        while let Some(piece) = feed.next().await.unwrap() {
            receiver.take(&piece).await.unwrap();
        }
    }

    /// The id and revision of the newest mark about a learner of the host's.
    fn mark_of(&self, guest: &str) -> (RecordId, Revision) {
        self.hub.with(|s| {
            let opened = |batch: &commonroll_wire::pb::exchange::v1::DeliveredBatch| {
                commonroll_wire::open(batch.records[0].record.as_ref().unwrap()).unwrap().record.head
            };
            let heads = s.log.iter().map(|(batch, _)| opened(batch));
            let head = heads.filter(|head| head.learner.as_str() == guest).max_by_key(|head| head.revision);
            head.map(|head| (head.id, head.revision)).unwrap()
        })
    }

    fn of(&self, learner: &str) -> SessionOf {
        let learner = commonroll_core::LocalId::parse("learner", learner).unwrap();
        SessionOf { learner, date: "2026-09-14".parse().unwrap(), afternoon: false }
    }

    /// An officer decides a morning.
    fn decides(&self, learner: &str, revision: u32, code: &str, evidence: Vec<(RecordId, Revision)>) {
        let decided = write_session_code(&SessionCode {
            of: self.of(learner),
            revision: Revision::new(revision).unwrap(),
            code: code.to_owned(),
            minutes_late: None,
            host: "northgate".parse().unwrap(),
            evidence,
            decided_at: Timestamp::from_micros("at", crate::rig::MORNING + i64::from(revision)).unwrap(),
        });
        self.hub.with(|s| {
            s.decided.retain(|one| one.learner_local_id != learner);
            s.decided.push(decided);
        });
    }

    async fn round(&self) -> Result<u64, AgentError> {
        let (home, zone) = (&self.school.reading.institution, &self.school.settings.zone);
        let (spool, now) = (&self.school.spool, self.school.now);
        let write_back: &dyn WriteBack = &self.folder;
        Decider { hub: &self.hub, spool, write_back, home, sessions: &self.sessions, zone, now }.round().await
    }

    fn file(&self, name: &str) -> String {
        fs::read_to_string(self.school.folder.path().join("outbox").join(name)).unwrap_or_default()
    }

    /// Names of the outbox's files about sessions.
    fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.school.folder.path().join("outbox")).unwrap();
        let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.retain(|name| name.starts_with("session-"));
        names.sort();
        names
    }

    /// What the MIS's helper says of a row of the file of this number.
    async fn mis_says(&self, number: u64, learner: &str, row: u32, status: &str) {
        let record = session_code_id(&self.school.reading.institution, &self.of(learner));
        let folder = self.school.folder.path().join("outbox");
        let text = format!("RecordID,Revision,Status,Message\n{record},{row},{status}\n");
        fs::write(folder.join(format!("session-decided-{number:012}.result.csv")), text).unwrap();
        results::read_all(&folder, &self.school.spool).await.unwrap();
    }

    /// What the hub was told, without what it knew.
    fn told(&self) -> Vec<(String, u32, Said, String)> {
        let told = self.hub.with(|s| s.told.clone());
        let one = |one: commonroll_wire::pb::exchange::v1::SessionCodeAnswer| {
            let outcome = Said::try_from(one.outcome).unwrap();
            (one.learner_local_id, one.revision, outcome, one.words)
        };
        told.into_iter().map(one).collect()
    }
}

fn said(learner: &str, revision: u32, outcome: Said, words: &str) -> (String, u32, Said, String) {
    (learner.to_owned(), revision, outcome, words.to_owned())
}

const BOTH: [OutboxFormat; 2] = [OutboxFormat::SimsXml, OutboxFormat::Csv];

#[tokio::test]
async fn an_accepted_code_is_written_once_told_once_and_what_the_mis_says_comes_back() {
    let mut home = Home::new(&BOTH).await;
    home.marked("ada,12A,2026-09-14,/,08:50,09:40\n").await;
    home.decides("home-ada", 1, "B", vec![home.mark_of("ada")]);
    home.hub.with(|s| s.lose_told = 1);
    assert!(home.round().await.is_err(), "the answer is lost");
    let xml = home.file("session-decided-000000000001.xml");
    for part in [
        "<PersonID>home-ada</PersonID>",
        "<SessionName>AM</SessionName>",
        "<AttendanceMark>B</AttendanceMark>",
        "<Source>northgate</Source>",
        "<Withdrawn>false</Withdrawn>",
    ] {
        assert!(xml.contains(part), "{part} in {xml}");
    }
    assert!(home.file("session-decided-000000000001.csv").contains("home-ada,northgate,2026-09-14,,AM,B,"));
    home.school.restart().await;
    assert_eq!(home.round().await.unwrap(), 0, "it is written already");
    assert_eq!(home.told(), [said("home-ada", 1, Said::Outbox, "")]);
    home.school.restart().await;
    assert_eq!(home.round().await.unwrap(), 0);
    let first = ["session-000000000001.csv", "session-000000000001.xml"];
    let decided = ["session-decided-000000000001.csv", "session-decided-000000000001.xml"];
    assert_eq!(home.files(), [first, decided].concat(), "no restart repeats anything");

    home.mis_says(1, "home-ada", 1, "applied,").await;
    home.round().await.unwrap();
    home.round().await.unwrap();
    assert_eq!(home.told()[1..], [said("home-ada", 1, Said::Applied, "")]);
}

#[tokio::test]
async fn a_decision_stands_over_proposals_before_and_after_it_and_a_later_one_over_it() {
    let mut home = Home::new(&BOTH).await;
    home.marked("ada,12A,2026-09-14,L,08:50,09:40\nben,12A,2026-09-14,/,08:50,09:40\n").await;
    assert!(home.file("session-000000000002.xml").contains("home-ada"), "a proposal, as nobody has decided");
    home.decides("home-ada", 1, "U", vec![home.mark_of("ada")]);
    home.round().await.unwrap();
    assert!(home.file("session-decided-000000000001.xml").contains("<AttendanceMark>U</AttendanceMark>"));
    // The host corrects both marks: for ada nothing is proposed any more, for ben it is.
    home.host.wait(60);
    home.marked("ada,12A,2026-09-14,/,08:50,09:40\nben,12A,2026-09-14,L,08:50,09:40\n").await;
    let corrected = home.file("session-000000000004.xml");
    assert!(corrected.contains("home-ben") && !corrected.contains("home-ada"), "{corrected}");

    home.mis_says(1, "home-ada", 1, "refused,the register is closed").await;
    home.round().await.unwrap();
    assert_eq!(home.told()[1..], [said("home-ada", 1, Said::Refused, "the register is closed")]);
    home.decides("home-ada", 2, "B", vec![home.mark_of("ada")]);
    home.round().await.unwrap();
    let second = home.file("session-decided-000000000002.xml");
    let record = session_code_id(&home.school.reading.institution, &home.of("home-ada"));
    assert!(second.contains(&format!("<RecordID>{record}</RecordID><Revision>2</Revision>")), "{second}");
    assert_eq!(home.told()[2..], [said("home-ada", 2, Said::Outbox, "")]);
    // What the MIS says later of the first says nothing of the second.
    home.mis_says(1, "home-ada", 1, "applied,").await;
    home.round().await.unwrap();
    assert_eq!(home.told().len(), 3);
}

#[tokio::test]
async fn where_the_homes_own_mark_stays_what_was_proposed_or_written_is_taken_back() {
    let mut home = Home::new(&BOTH).await;
    home.marked("ada,12A,2026-09-14,/,08:50,09:40\nben,12A,2026-09-14,N,08:50,09:40\n").await;
    let (proposed, _) = home.mark_of("ada");
    home.decides("home-ada", 1, "", vec![home.mark_of("ada")]);
    home.decides("home-ben", 1, "", Vec::new());
    home.round().await.unwrap();
    let back = home.file("session-decided-000000000001.xml");
    assert!(back.contains(&format!("<RecordID>{proposed}</RecordID>")), "{back}");
    assert!(back.contains("<Withdrawn>true</Withdrawn>") && !back.contains("<Withdrawn>false"), "{back}");
    assert!(back.contains("home-ben"), "what may be proposed for ben later comes to nothing: {back}");
    assert_eq!(home.told().iter().filter(|one| one.2 == Said::Kept).count(), 2, "{:?}", home.told());
    home.decides("home-ben", 2, "N", Vec::new());
    home.decides("home-ada", 2, "N", Vec::new());
    home.round().await.unwrap();
    home.decides("home-ben", 3, "", Vec::new());
    home.round().await.unwrap();
    let record = session_code_id(&home.school.reading.institution, &home.of("home-ben"));
    let gone = home.file("session-decided-000000000003.xml");
    assert!(gone.contains(&format!("<RecordID>{record}</RecordID><Revision>3</Revision>")), "{gone}");
    assert!(gone.contains("<AttendanceMark></AttendanceMark>"), "{gone}");
}

#[tokio::test]
async fn no_b_is_written_before_the_hosts_mark_is_here() {
    let mut home = Home::new(&[OutboxFormat::Csv]).await;
    home.host.put("marks.csv", &format!("{CAPTIONS}\nada,12A,2026-09-14,/,08:50,09:40\n"));
    home.host.look().await;
    home.host.publish(&home.hub).await.unwrap();
    home.decides("home-ada", 1, "B", vec![home.mark_of("ada")]);
    home.decides("home-ben", 1, "B", Vec::new());
    assert_eq!(home.round().await.unwrap(), 0);
    let alarms = home.school.spool.alarms().await.unwrap();
    assert!(alarms.iter().any(|alarm| alarm.text.starts_with("2 decided session codes wait")), "{alarms:?}");
    assert!(home.told().is_empty());
    home.receive().await;
    assert_eq!(home.round().await.unwrap(), 1, "ben's B rests on nothing, and is never written");
    assert_eq!(home.told(), [said("home-ada", 1, Said::ByHand, "")], "a list of CSV is for a person");
    assert!(!home.file("session-decided-000000000001.csv").contains("home-ben"));
}

#[tokio::test]
async fn a_b_rests_on_a_mark_of_that_day_and_on_no_older_revision_of_it() {
    let mut home = Home::new(&[OutboxFormat::Csv]).await;
    home.marked("ada,12A,2026-09-14,/,08:50,09:40\n").await;
    let first = home.mark_of("ada");
    home.host.wait(60);
    home.marked("ada,12A,2026-09-14,L,08:50,09:40\n").await;
    home.decides("home-ada", 1, "B", vec![first]);
    assert_eq!(home.round().await.unwrap(), 0, "the host has changed that mark since");
    home.decides("home-ada", 1, "B", vec![home.mark_of("ada")]);
    home.hub.with(|s| s.decided[0].date = "2026-09-11".to_owned());
    assert_eq!(home.round().await.unwrap(), 0, "a mark of another day says nothing of this one");
    home.hub.with(|s| s.decided[0].date = "2026-09-14".to_owned());
    assert_eq!(home.round().await.unwrap(), 1);
}

#[tokio::test]
async fn where_the_homes_own_mark_stays_a_proposal_that_is_still_on_its_way_is_taken_back_before_it_comes() {
    let mut home = Home::new(&BOTH).await;
    home.host_marks("ada,12A,2026-09-14,/,08:50,09:40\n").await;
    let (proposed, _) = home.mark_of("ada");
    home.decides("home-ada", 1, "", vec![home.mark_of("ada")]);
    home.round().await.unwrap();
    let back = home.file("session-decided-000000000001.xml");
    let record = session_code_id(&home.school.reading.institution, &home.of("home-ada"));
    for id in [proposed, record] {
        assert!(back.contains(&format!("<RecordID>{id}</RecordID><Revision>1</Revision>")), "{back}");
    }
    assert!(!back.contains("<Withdrawn>false"), "{back}");
}

#[tokio::test]
async fn what_was_certified_by_a_mark_that_was_wrong_is_on_a_persons_list() {
    let mut home = Home::new(&BOTH).await;
    home.marked("ada,12A,2026-09-14,/,08:50,09:40\n").await;
    home.decides("home-ada", 1, "B", vec![home.mark_of("ada")]);
    home.round().await.unwrap();
    crate::recalls::notice(&home.hub, 1, 5, "match_undone", &[1]);
    home.receive().await;
    let outbox = home.school.folder.path().join("outbox");
    let list = fs::read_to_string(outbox.join("recall-000000000005.csv")).unwrap();
    assert!(list.contains("remove the session mark by hand"), "{list}");
}

#[tokio::test]
async fn an_older_hub_hands_out_none_and_that_is_no_fault() {
    let home = Home::new(&BOTH).await;
    home.decides("home-ada", 1, "N", Vec::new());
    home.hub.with(|s| s.older = true);
    assert_eq!(home.round().await.unwrap(), 0);
    home.hub.with(|s| s.older = false);
    assert_eq!(home.round().await.unwrap(), 1, "once the hub is a newer one");
}
