//! A home that begins to let a program enter partners' behaviour or marks: what a person had entered before, and what was under way,
//! is said to be theirs, and what the program refuses is shown row by row.

use crate::{
    fake_hub::FakeHub,
    recalls::{notice, outcomes},
    rig::{Dice, School, csv},
};
use commonroll_agent::{
    Settings, apply,
    outbox::{Arrival, Folder, Removal, WriteBack, results},
    recall,
    receive::Receiver,
};
use commonroll_audit::CopyOutcome;
use commonroll_core::{LocalId, RecordKind, Revision};
use std::{fs, io};

const MAPPING: &str = "format = \"delimited\"\nrows = \"behaviour\"\ncovers = \"dates\"\n[fields]\nevent = \"Event\"\nlearner = \"Id\"\n\
    date = \"Date\"\nlabel = \"Label\"\npolarity = \"Polarity\"\ncategory = \"Category\"\nshare_text = \"Text\"\n";
const SOURCE: &str = "[[source]]\nname = \"events\"\nfolder = \"exports\"\npattern = \"events*.csv\"\nconnector = \"delimited\"\n\
    mapping = \"events.toml\"\nshrink_percent_max = 100\n";
pub const ADA: &str = "E1,ada,2026-09-14,Off task,negative,low_level_disruption,Settled";
const BEN: &str = "E2,ben,2026-09-14,Off task,negative,low_level_disruption,";
const CY: &str = "E3,cy,2026-09-14,Rude,negative,defiance,";
pub const NAMES: &str = "[outbox.names.types]\nlow_level_disruption = \"Disruption\"\n";

/// A write-back whose agent is stopped before it has remembered what was written, or before it wrote.
struct Stops {
    lists: Folder,
    is_written: bool,
}

impl WriteBack for Stops {
    fn check(&self, arrival: &Arrival) -> Result<(), String> {
        self.lists.check(arrival)
    }

    fn write(&self, range: &str, arrivals: &[Arrival]) -> io::Result<()> {
        if self.is_written {
            self.lists.write(range, arrivals)?;
        }
        Err(io::Error::other("the power is cut"))
    }
}

pub struct Pair {
    pub host: School,
    pub home: School,
    pub hub: FakeHub,
}

impl Pair {
    pub async fn new() -> Self {
        let host = School::of("northgate", SOURCE, &[("events.toml", MAPPING)]).await;
        let hub = FakeHub::new().knows("northgate", &host.key);
        Self { host, home: School::new("ridgeway").await, hub }
    }

    pub async fn send(&mut self, rows: &[&str]) {
        self.host.wait(60);
        let text = format!("Event,Id,Date,Label,Polarity,Category,Text\n{}\n", rows.join("\n"));
        self.host.put("events.csv", &text);
        self.host.look().await;
        self.host.publish(&self.hub).await.unwrap();
    }

    pub async fn marks(&mut self, marks: &[(&str, &str)]) {
        self.host.wait(60);
        self.host.put("marks.csv", &csv(marks));
        self.host.look().await;
        self.host.publish(&self.hub).await.unwrap();
    }

    /// The home's agent, with lists for people alone, is stopped in the midst of a piece of the feed.
    async fn stop_amid_a_piece(&mut self, is_written: bool) {
        let lists = Folder::open(&self.home_settings("\"csv\"", "").outbox.unwrap(), jiff::tz::TimeZone::UTC);
        let write_back = Stops { lists: lists.unwrap(), is_written };
        let (hub, home) = (&self.hub, &self.home);
        let receiver =
            Receiver { hub, spool: &home.spool, write_back: &write_back, rng: &Dice, now: home.now };
        let after = home.spool.cursor().await.unwrap().sequence;
        let piece = commonroll_agent::Hub::receive(hub, after).await.unwrap().next().await.unwrap().unwrap();
        assert!(receiver.take(&piece).await.is_err());
        assert_eq!(home.spool.cursor().await.unwrap().sequence, after, "it is to be written once more");
    }

    fn home_settings(&self, formats: &str, names: &str) -> Settings {
        let text = format!("data = \"data\"\n[outbox]\nfolder = \"outbox\"\nformats = [{formats}]\n{names}");
        Settings::parse(&text, &self.home.folder.path().join("agent.toml")).unwrap()
    }

    /// What the home says of its copies that must go, how many of each outcome: flagged, removed.
    pub async fn told(&self) -> (usize, usize) {
        let recipient = "ridgeway".parse().unwrap();
        let home = &self.home;
        recall::answer(&self.hub, &home.spool, &recipient, &home.key, home.now).await.unwrap();
        let outcomes = outcomes(&self.hub).concat();
        let of = |wanted| outcomes.iter().filter(|(outcome, _)| *outcome == wanted).count();
        (of(CopyOutcome::Flagged), of(CopyOutcome::Removed))
    }

    /// Where the newest entry of the log about this learner of the host's stands.
    fn newest(&self, learner: &str) -> u64 {
        let is_of = |learner: &str, of: &str| of.strip_prefix("home-") == Some(learner);
        let found = self.hub.with(|state| {
            state
                .log
                .iter()
                .rposition(|(batch, _)| is_of(learner, &batch.records[0].recipient_learner_local_id))
        });
        found.unwrap() as u64 + 1
    }

    /// Starts the home's agent with these formats and names, receives, and reads what was said of rows.
    pub async fn receive(&mut self, formats: &str, names: &str) {
        self.home.wait(60);
        let settings = self.home_settings(formats, names);
        let outbox = settings.outbox.unwrap();
        let folder = Folder::open(&outbox, settings.zone).unwrap();
        apply::begin(&outbox, &self.home.spool).await.unwrap();
        let (hub, home) = (&self.hub, &self.home);
        let receiver = Receiver { hub, spool: &home.spool, write_back: &folder, rng: &Dice, now: home.now };
        receiver.resume().await.unwrap();
        let after = home.spool.cursor().await.unwrap().sequence;
        let mut feed = commonroll_agent::Hub::receive(hub, after).await.unwrap();
        while let Some(piece) = feed.next().await.unwrap() {
            receiver.take(&piece).await.unwrap();
        }
        receiver.retry_aside().await.unwrap();
        results::read_all(&outbox.folder, &home.spool).await.unwrap();
    }

    /// All files of the outbox whose names begin and end so, one after the other.
    pub fn files(&self, begins: &str, ends: &str) -> String {
        let entries = fs::read_dir(self.home.folder.path().join("outbox")).unwrap();
        let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        let fits = |path: &&std::path::PathBuf| {
            let name = path.file_name().unwrap().to_str().unwrap();
            name.starts_with(begins) && name.ends_with(ends)
        };
        paths.iter().filter(fits).map(|path| fs::read_to_string(path).unwrap()).collect()
    }
}

#[tokio::test]
async fn what_a_person_entered_before_a_program_did_is_theirs_and_is_never_said_to_be_removed() {
    let mut pair = Pair::new().await;
    pair.send(&[ADA, BEN]).await;
    pair.receive("\"csv\"", NAMES).await;
    assert!(pair.files("behaviour-", ".csv").contains("Settled"), "somebody types it in from this list");

    // From now on a program enters behaviour.
    let xml = "\"csv\", \"sims-records-xml\"";
    let corrected = ADA.replace("Settled", "Detention").replace("low_level_disruption", "defiance");
    pair.send(&[&corrected, &CY.replace("defiance", "low_level_disruption")]).await;
    pair.receive(xml, NAMES).await;
    let entered = pair.files("behaviour-", ".xml");
    assert!(entered.contains("home-cy") && entered.matches("<RecordID>").count() == 1, "{entered}");
    let (refused, _) = pair.home.spool.results(10).await.unwrap();
    assert_eq!(refused.len(), 2, "the correction and what was taken back: {refused:?}");
    assert!(refused.iter().all(|row| row.message.contains("a person's to enter")), "{refused:?}");
    let by_hand = pair.files("by-hand-behaviour-", ".csv");
    assert!(
        by_hand.contains("Detention") && by_hand.contains("home-ben,northgate,2026-09-14,yes"),
        "{by_hand}"
    );

    // All of it is to go: the program can say nothing of Ada's, and has Cy's.
    let log = pair.hub.with(|state| state.log.len() as u64);
    let [ada, ben, cy] = ["ada", "ben", "cy"].map(|learner| pair.newest(learner));
    notice(&pair.hub, 1, log + 1, "placement_ended", &[ada, cy]);
    notice(&pair.hub, 2, log + 2, "record_withdrawn", &[ben]);
    pair.receive(xml, NAMES).await;
    assert_eq!(pair.told().await, (2, 1));
    let recall = pair.files("recall-", ".csv");
    assert_eq!(recall.matches("remove by hand: it came before").count(), 2, "{recall}");

    // Nobody has said that the person took the copy out: what comes anew is that person's, too.
    pair.send(&[&corrected, &ADA.replace("E1", "E4"), &ADA.replace("E1", "E5")]).await;
    pair.send(&[&ADA.replace("Settled", "Rang home")]).await;
    pair.receive(xml, &format!("{NAMES}defiance = \"Defiance\"\n")).await;
    assert!(pair.files("by-hand-behaviour-", ".csv").contains("Rang home"));
    assert!(!pair.files("behaviour-", ".xml").contains("Rang home"));
}

#[tokio::test]
async fn a_row_without_the_home_s_own_word_waits_in_sight_until_the_home_has_named_it() {
    let mut pair = Pair::new().await;
    pair.send(&[CY, ADA]).await;
    let xml = "\"sims-records-xml\"";
    pair.receive(xml, NAMES).await;
    let entered = pair.files("behaviour-", ".xml");
    assert!(entered.contains("home-ada") && !entered.contains("home-cy"), "its neighbour flows: {entered}");
    let aside = pair.home.spool.set_aside(10).await.unwrap();
    assert_eq!(aside.len(), 1);
    assert!(
        aside[0].message.contains("`defiance = \"..\"` under [outbox.names.types]"),
        "{}",
        aside[0].message
    );
    assert!(!aside[0].message.contains("Rude"), "{}", aside[0].message);

    pair.receive(xml, &format!("{NAMES}defiance = \"Defiance\"\n")).await;
    let entered = pair.files("behaviour-", ".xml");
    assert!(entered.contains("<Type>Defiance</Type>") && entered.contains("home-cy"), "{entered}");
}

#[tokio::test]
async fn what_the_mis_refuses_of_behaviour_is_shown_row_by_row_as_of_marks() {
    let mut pair = Pair::new().await;
    pair.send(&[ADA, BEN]).await;
    pair.receive("\"sims-records-xml\"", NAMES).await;
    let list = pair.files("behaviour-", ".csv");
    let ids: Vec<&str> = list.lines().skip(1).map(|line| line.split(',').next().unwrap()).collect();
    let cursor = pair.home.spool.cursor().await.unwrap().sequence;
    let said = format!(
        "RecordID,Revision,Status,Message\n{},1,applied,\n{},1,refused,no such type in this school\n",
        ids[0], ids[1]
    );
    let path = pair.home.folder.path().join(format!("outbox/behaviour-{cursor:012}.result.csv"));
    fs::write(path, said).unwrap();
    pair.receive("\"sims-records-xml\"", NAMES).await;
    let (refused, totals) = pair.home.spool.results(10).await.unwrap();
    assert_eq!((refused.len(), totals.rows, totals.written), (1, 2, 1));
    assert_eq!((refused[0].record.as_str(), refused[0].revision), (ids[1], 1));
    assert!(refused[0].message.contains("no such type in this school"), "{refused:?}");
}

#[tokio::test]
async fn marks_of_before_a_program_entered_them_stay_a_persons_and_are_never_said_to_be_removed() {
    let mut pair = Pair::new().await;
    pair.marks(&[("ada", "/"), ("ben", "/")]).await;
    pair.receive("\"csv\"", "").await;
    assert!(pair.files("attendance-", ".csv").contains("home-ada"), "somebody enters it from this list");

    // From now on SIMS is given marks by a program.
    let xml = "\"csv\", \"sims-xml\"";
    pair.marks(&[("ada", "N"), ("cy", "/")]).await;
    pair.receive(xml, "").await;
    let entered = pair.files("attendance-", ".xml");
    assert!(entered.contains("home-cy") && entered.matches("<RecordID>").count() == 1, "{entered}");
    assert_eq!(
        pair.files("attendance-", ".csv").matches("home-ada").count(),
        2,
        "whoever works through lists has it as ever"
    );
    let by_hand = pair.files("by-hand-attendance-", ".csv");
    assert!(
        by_hand.contains(",12A,N,") && by_hand.contains("home-ben,northgate,2026-09-14,yes"),
        "{by_hand}"
    );
    let (refused, _) = pair.home.spool.results(10).await.unwrap();
    assert_eq!(refused.len(), 2, "the correction and what was taken back: {refused:?}");
    assert!(refused.iter().all(|row| row.message.contains("a person's to enter")), "{refused:?}");

    // All of it is to go: the program can say nothing of Ada's and Ben's, and has Cy's.
    let log = pair.hub.with(|state| state.log.len() as u64);
    let [ada, ben, cy] = ["ada", "ben", "cy"].map(|learner| pair.newest(learner));
    notice(&pair.hub, 1, log + 1, "placement_ended", &[ada, cy]);
    notice(&pair.hub, 2, log + 2, "record_withdrawn", &[ben]);
    pair.receive(xml, "").await;
    assert_eq!(pair.told().await, (2, 1));
    let recall = pair.files("recall-", ".csv");
    assert_eq!(recall.matches("remove by hand: it came before").count(), 2, "{recall}");
    let taken_out = pair.files("attendance-", ".xml");
    assert!(taken_out.matches("<Withdrawn>true</Withdrawn>").count() == 1 && !taken_out.contains("home-ada"));
}

#[tokio::test]
async fn what_is_under_way_when_a_program_comes_is_a_persons_whether_it_was_written_or_not() {
    for (kind, formats) in [("attendance", "\"sims-xml\""), ("behaviour", "\"sims-records-xml\"")] {
        for is_written in [true, false] {
            let mut pair = Pair::new().await;
            match kind {
                "attendance" => pair.marks(&[("ada", "/")]).await,
                _ => pair.send(&[ADA]).await,
            }
            pair.stop_amid_a_piece(is_written).await;
            let listed = pair.files(&format!("{kind}-"), ".csv");
            assert_eq!(listed.contains("home-ada"), is_written, "{kind}");

            pair.receive(formats, NAMES).await;
            let told = (kind, is_written);
            assert_eq!(pair.files(&format!("{kind}-"), ".xml"), "", "a person may have it already: {told:?}");
            let by_hand = pair.files(&format!("by-hand-{kind}-"), ".csv");
            assert!(by_hand.contains("home-ada"), "it is lost for nobody: {told:?}");

            // What follows it is the person's as well, and what comes now is the program's.
            match kind {
                "attendance" => pair.marks(&[("ada", "N"), ("cy", "/")]).await,
                _ => {
                    pair.send(&[&ADA.replace("Settled", "Detention"), &ADA.replace("E1,ada", "E7,cy")]).await
                }
            }
            pair.receive(formats, NAMES).await;
            let entered = pair.files(&format!("{kind}-"), ".xml");
            assert!(entered.contains("home-cy") && !entered.contains("home-ada"), "{told:?}: {entered}");
            let log = pair.hub.with(|state| state.log.len() as u64);
            let (ada, cy) = (pair.newest("ada"), pair.newest("cy"));
            notice(&pair.hub, 1, log + 1, "placement_ended", &[ada, cy]);
            pair.receive(formats, NAMES).await;
            assert_eq!(pair.told().await, (1, 1), "{told:?}");
        }
    }
}

#[test]
fn a_person_s_mark_that_must_go_is_flagged_wherever_a_program_could_say_that_it_is_gone() {
    let mark = |reason: &str| Removal {
        id: "00000000000000000000000000000001".parse().unwrap(),
        revision: Revision::FIRST,
        source: "northgate".parse().unwrap(),
        kind: RecordKind::Attendance,
        learner: LocalId::parse("learner", "6420").ok(),
        reason: reason.to_owned(),
        is_written: false,
        decided: Vec::new(),
        is_rested_on: false,
        is_by_hand: true,
    };
    let gibbon = "[outbox.apply]\nto = \"gibbon\"\nmis = \"gibbon\"\ntaker = \"c\"\n\
                  [connection.gibbon]\nkind = \"mysql\"\naddress = \"localhost/gibbon\"\nuser = \"c\"\ncredentials = \"secret\"\n";
    let register = "sessions = { am = \"09:00:00\" }\n";
    for (formats, more) in [("\"csv\"", gibbon), ("\"sims-xml\"", register), ("\"sims-xml\", \"csv\"", "")] {
        for reason in ["placement_ended", "match_undone"] {
            let home = tempfile::tempdir().unwrap();
            let lies = home.path().join("outbox");
            fs::write(home.path().join("secret"), "right").unwrap();
            let text = format!("data = \"d\"\n[outbox]\nfolder = \"outbox\"\nformats = [{formats}]\n{more}");
            let settings = Settings::parse(&text, &home.path().join("agent.toml")).unwrap();
            let folder = Folder::open(&settings.outbox.unwrap(), settings.zone).unwrap();
            let taken = folder.take_back("000000000007", &[mark(reason)]).unwrap();
            let told = (formats, reason);
            assert_eq!((taken[0].outcome, taken[0].reason), (CopyOutcome::Flagged, "by_hand"), "{told:?}");
            let list = fs::read_to_string(lies.join("recall-000000000007.csv")).unwrap();
            assert!(list.contains("remove by hand: it came before"), "{told:?}: {list}");
            assert!(
                !lies.join("attendance-000000000007.xml").exists(),
                "SIMS' program never had it: {told:?}"
            );
            assert!(!lies.join("session-000000000007.xml").exists(), "{told:?}");
            // Ours looks what of it is its own, and takes that out.
            assert_eq!(
                lies.join("attendance-000000000007.csv").exists(),
                formats.contains("csv"),
                "{told:?}"
            );
        }
    }
}
