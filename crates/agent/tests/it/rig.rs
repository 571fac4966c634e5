//! A school with an agent, as a test sees it: put an export into the folder, look, publish, receive.

use crate::fake_hub::FakeHub;
use commonroll_agent::{
    AgentError, Randomness, Settings, Spool,
    outbox::{Arrival, WriteBack},
    publish::{Published, Publisher, Signer},
    receive::{Received, Receiver},
    scan::{Reading, Scanner, Verdict},
};
use commonroll_audit::SigningKey;
use commonroll_core::{Body, Slug, Timestamp};
use std::{collections::BTreeMap, fs, io, path::Path, sync::Mutex};
use tempfile::TempDir;

/// 2026-09-14T09:00:00Z.
pub const MORNING: i64 = 1_789_376_400_000_000;

pub const MARKS: &str = "format = \"delimited\"\nrows = \"attendance\"\ncovers = \"dates\"\n\
    [codes]\nset = \"ENG-2024\"\n\
    [fields]\nlearner = \"Id\"\ngroup = \"Class\"\ndate = \"Date\"\nmark = \"Mark\"\n";
pub const STAFF: &str =
    "format = \"delimited\"\nrows = \"staff\"\n[fields]\nstaff = \"Teacher\"\ngroup = \"Class\"\n";
const VISITS: &str = "format = \"delimited\"\nrows = \"placements\"\ncovers = \"everything\"\n\
    [fields]\nlearner = \"Id\"\nhost = \"Host\"\nfirst_date = \"From\"\nlast_date = \"To\"\n";

pub struct School {
    pub folder: TempDir,
    pub settings: Settings,
    pub spool: Spool,
    pub reading: Reading,
    pub key: SigningKey,
    pub scanner: Scanner,
    pub publisher: Publisher,
    pub now: Timestamp,
}

/// Chance that always says the same.
pub struct Dice;

impl Randomness for Dice {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0x55);
    }
}

impl School {
    pub async fn new(slug: &str) -> Self {
        Self::with(slug, "").await
    }

    /// A school whose sources have more settings.
    pub async fn with(slug: &str, more: &str) -> Self {
        Self::of(slug, more, &[]).await
    }

    /// A school with more settings, and the files beside them that they name, which nobody else can read.
    pub async fn of(slug: &str, more: &str, files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            #[cfg(unix)]
            fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        }
        fs::create_dir(folder.path().join("exports")).unwrap();
        fs::write(folder.path().join("marks.toml"), MARKS).unwrap();
        fs::write(folder.path().join("visits.toml"), VISITS).unwrap();
        fs::write(folder.path().join("staff.toml"), STAFF).unwrap();
        let text = format!(
            "data = \"data\"\n[pace]\nsettle_ms = 0\nbatch_records_max = 10\nbatches_in_flight_max = 3\nretries_max = 3\n\
             [[source]]\nname = \"marks\"\nfolder = \"exports\"\npattern = \"marks*.csv\"\nconnector = \"delimited\"\nmapping = \"marks.toml\"\n{more}\n\
             [[source]]\nname = \"visits\"\nfolder = \"exports\"\npattern = \"visits*.csv\"\nconnector = \"delimited\"\nmapping = \"visits.toml\"\n\
             [[source]]\nname = \"staff\"\nfolder = \"exports\"\npattern = \"staff*.csv\"\nconnector = \"delimited\"\nmapping = \"staff.toml\"\n"
        );
        let settings = Settings::parse(&text, &folder.path().join("agent.toml")).unwrap();
        fs::create_dir(&settings.data).unwrap();
        let spool = Spool::open(&settings.spool_file()).await.unwrap();
        let institution: Slug = slug.parse().unwrap();
        let seed = [slug.len() as u8; 32];
        let reading = Reading { institution, zone: settings.zone.clone(), salt: [7; 32] };
        Self {
            key: SigningKey::from_seed(&seed).unwrap(),
            folder,
            settings,
            spool,
            reading,
            scanner: Scanner::default(),
            publisher: Publisher::new(),
            now: Timestamp::from_micros("now", MORNING).unwrap(),
        }
    }

    pub fn wait(&mut self, seconds: i64) {
        self.now = self.now.plus_micros(seconds * 1_000_000);
    }

    /// Now, and which day that is.
    pub fn today(&self) -> (Timestamp, commonroll_core::SchoolDate) {
        (self.now, self.now.date_in(&self.settings.zone))
    }

    /// Puts a file into the folder, as an MIS does.
    pub fn put(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join("exports").join(name), text).unwrap();
    }

    /// Puts an export of marks of one day into the folder.
    pub fn marks(&self, marks: &[(&str, &str)]) {
        self.put("marks.csv", &csv(marks));
    }

    pub async fn look(&mut self) -> BTreeMap<String, Verdict> {
        let looked = self.scanner.look(&self.settings, &self.spool, &self.reading, self.now).await.unwrap();
        looked.verdicts.into_iter().collect()
    }

    pub async fn publish(&mut self, hub: &FakeHub) -> Result<Published, AgentError> {
        let signer = Signer { source: &self.reading.institution, key: &self.key };
        self.publisher.round(hub, &self.spool, signer, &self.settings.pace, self.now, &Dice).await
    }

    pub async fn receive(&self, hub: &FakeHub, mis: &Mis) -> Result<Received, AgentError> {
        let receiver = Receiver { hub, spool: &self.spool, write_back: mis, rng: &Dice, now: self.now };
        let mut all = receiver.resume().await?.unwrap_or_default();
        let mut feed = commonroll_agent::Hub::receive(hub, self.spool.cursor().await?.sequence).await?;
        while let Some(piece) = feed.next().await? {
            let received = receiver.take(&piece).await?;
            all.written += received.written;
            all.known += received.known;
            all.aside += received.aside;
            all.cursor = received.cursor;
        }
        Ok(all)
    }

    /// The data folder is lost; the identity beside it is not.
    pub async fn lose_data(&mut self) {
        self.spool.close().await;
        fs::remove_dir_all(&self.settings.data).unwrap();
        fs::create_dir(&self.settings.data).unwrap();
        self.restart().await;
    }

    /// Power cut: what was not in the spool's file is gone.
    pub async fn restart(&mut self) {
        self.spool.close().await;
        self.spool = Spool::open(&self.settings.spool_file()).await.unwrap();
        self.scanner = Scanner::default();
        self.publisher = Publisher::new();
    }
}

/// An export of marks, all of one day.
pub fn csv(marks: &[(&str, &str)]) -> String {
    marks.iter().fold("Id,Class,Date,Mark\n".to_owned(), |text, (learner, mark)| {
        format!("{text}{learner},12A,2026-09-14,{mark}\n")
    })
}

/// Marks `/` of this many learners.
pub fn many(n: usize) -> Vec<(String, &'static str)> {
    (0..n).map(|i| (format!("L{i:04}"), "/")).collect()
}

pub fn borrowed<'a>(marks: &'a [(String, &'static str)]) -> Vec<(&'a str, &'static str)> {
    marks.iter().map(|(learner, mark)| (learner.as_str(), *mark)).collect()
}

/// An MIS that takes what it is given, by file, and fails on command.
#[derive(Default)]
pub struct Mis {
    pub files: Mutex<BTreeMap<String, Vec<String>>>,
    /// Learners whose records it refuses.
    pub refuse: Mutex<Vec<String>>,
    /// Learners whose records make it panic.
    pub panic_on: Mutex<Vec<String>>,
    /// Fail the next so many writes.
    pub disk_full: Mutex<u32>,
}

impl Mis {
    /// All rows, by file and place.
    pub fn rows(&self) -> Vec<String> {
        self.files.lock().unwrap().values().flatten().cloned().collect()
    }

    pub fn file_names(&self) -> Vec<String> {
        self.files.lock().unwrap().keys().cloned().collect()
    }
}

impl WriteBack for Mis {
    fn check(&self, arrival: &Arrival) -> Result<(), String> {
        assert!(!self.panic_on.lock().unwrap().contains(&arrival.learner), "a connector that panics");
        if self.refuse.lock().unwrap().contains(&arrival.learner) {
            return Err("the MIS has no such register".to_owned());
        }
        Ok(())
    }

    fn write(&self, range: &str, arrivals: &[Arrival]) -> io::Result<()> {
        let mut full = self.disk_full.lock().unwrap();
        if *full > 0 {
            *full -= 1;
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        let row = |a: &Arrival| {
            let withdrawn = if matches!(a.record.body, Body::Withdrawn(_)) { " withdrawn" } else { "" };
            format!("{} r{}{withdrawn}", a.learner, a.record.head.revision)
        };
        self.files.lock().unwrap().insert(range.to_owned(), arrivals.iter().map(row).collect());
        Ok(())
    }
}

pub fn taken(verdict: &Verdict) -> &commonroll_agent::scan::Taken {
    match verdict {
        Verdict::Taken(taken) => taken,
        Verdict::Refused(fault) => panic!("refused: {fault:?}"),
    }
}

pub fn fault(verdict: &Verdict) -> &str {
    match verdict {
        Verdict::Taken(taken) => panic!("taken: {taken:?}"),
        Verdict::Refused(fault) => &fault.rule,
    }
}

pub fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}
