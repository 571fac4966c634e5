//! A partner: its MIS with marks in it, its agent with the real spool, and what it has received.

use super::{
    dice::Dice,
    line::Line,
    mis::Mis,
    model::{LINKS, MORNING, PARTNERS},
};
use commonroll_agent::{
    AgentError, Hub, HubError, Settings, Spool,
    publish::{Published, Publisher, Signer},
    receive::Receiver,
    scan::{Reading, Scanner, Verdict},
};
use commonroll_audit::SigningKey;
use commonroll_core::Timestamp;
use commonroll_exchange::AgentId;
use commonroll_wire::{pb::exchange::v1::PublishRequest, seal_batch};
use std::{cell::Cell, collections::BTreeMap, fs, path::Path};

const MAPPING: &str = "format = \"delimited\"\nrows = \"attendance\"\ncovers = \"dates\"\n\
    [codes]\nset = \"ENG-2024\"\n[fields]\nlearner = \"Id\"\ngroup = \"Class\"\ndate = \"Date\"\n\
    start = \"From\"\nend = \"To\"\nmark = \"Mark\"\n";
const SETTINGS: &str = "data = \"data\"\n[pace]\nsettle_ms = 0\nbatch_records_max = 3\nbatches_in_flight_max = 3\n\
    retry_seconds = 60\nretries_max = 1000000\n\
    [[source]]\nname = \"marks\"\nfolder = \"exports\"\npattern = \"marks.csv\"\nconnector = \"delimited\"\n\
    mapping = \"marks.toml\"\naccept_old_exports = true\nshrink_percent_max = 100\n";

/// What a mark is about: the guest by the host's id, the group, and the local hour.
pub type Slot = (String, &'static str, u32);

pub struct Partner {
    pub who: usize,
    pub settings: Settings,
    pub spool: Spool,
    pub reading: Reading,
    scanner: Scanner,
    publisher: Publisher,
    pub mis: Mis,
    /// The marks in its own MIS.
    pub marks: BTreeMap<Slot, &'static str>,
    /// Its agent, unless that was revoked.
    pub agent: Option<AgentId>,
    pub key: SigningKey,
    /// How many agents it has had.
    pub enrolments: u8,
    acknowledged: Cell<u64>,
}

impl Partner {
    pub async fn new(who: usize, folder: &Path) -> Self {
        let folder = folder.join(PARTNERS[who]);
        fs::create_dir_all(folder.join("exports")).unwrap();
        fs::write(folder.join("marks.toml"), MAPPING).unwrap();
        let settings = Settings::parse(SETTINGS, &folder.join("agent.toml")).unwrap();
        fs::create_dir(&settings.data).unwrap();
        let institution = PARTNERS[who].parse().unwrap();
        Self {
            who,
            spool: Spool::open(&settings.spool_file()).await.unwrap(),
            reading: Reading { institution, zone: settings.zone.clone(), salt: [who as u8 + 1; 32] },
            settings,
            scanner: Scanner::default(),
            publisher: Publisher::new(),
            mis: Mis::default(),
            marks: BTreeMap::new(),
            agent: None,
            key: SigningKey::from_seed(&[1; 32]).unwrap(),
            enrolments: 0,
            acknowledged: Cell::new(0),
        }
    }

    /// Somebody takes a register, corrects a mark, or takes one back.
    pub fn teach(&mut self, dice: &Dice) {
        let guests: Vec<_> = LINKS.iter().filter(|link| link.host == self.who).collect();
        if guests.is_empty() {
            return;
        }
        for _ in 0..1 + dice.below(3) {
            let group = if dice.percent(8) { "CHEM-9" } else { "ENG-1" };
            let slot = (dice.pick(&guests).host_id.to_owned(), group, 9 + dice.below(6) as u32);
            match dice.below(4) {
                0 => self.marks.remove(&slot),
                _ => self.marks.insert(slot, ["/", "N", "O", "I"][dice.below(4)]),
            };
        }
    }

    /// The MIS exports, and the agent takes the export into its spool.
    pub async fn export(&mut self, now: Timestamp) {
        let mut text = "Id,Class,Date,From,To,Mark\nnobody,X-1,2026-09-14,08:00,08:30,/\n".to_owned();
        for ((learner, group, hour), mark) in &self.marks {
            text.push_str(&format!("{learner},{group},2026-09-14,{hour:02}:00,{hour:02}:50,{mark}\n"));
        }
        let file = self.settings.sources[0].folder.join("marks.csv");
        if fs::read_to_string(&file).is_ok_and(|held| held == text) {
            return;
        }
        fs::write(file, text).unwrap();
        let looked = self.scanner.look(&self.settings, &self.spool, &self.reading, now).await.unwrap();
        for (_, verdict) in looked.verdicts {
            let Verdict::Taken(taken) = verdict else { panic!("the export was refused: {verdict:?}") };
            assert_eq!(taken.problem_count, 0, "{:?}", taken.problems);
        }
    }

    pub async fn publish(&mut self, line: &Line) -> Result<Published, AgentError> {
        let signer = Signer { source: &self.reading.institution, key: &self.key };
        let pace = &self.settings.pace;
        self.publisher.round(line, &self.spool, signer, pace, line.now, &line.ether.dice).await
    }

    /// Receives up to so many pieces, acknowledging after each if told to.
    pub async fn receive(&mut self, line: &Line, pieces: usize, acknowledge: bool) -> Result<(), AgentError> {
        let dice = line.ether.dice.clone();
        let receiver =
            Receiver { hub: line, spool: &self.spool, write_back: &self.mis, rng: &dice, now: line.now };
        receiver.resume().await?;
        if acknowledge {
            self.acknowledge(line).await?;
        }
        let mut feed = line.receive(self.spool.cursor().await?.sequence).await?;
        for _ in 0..pieces {
            let Some(piece) = feed.next().await? else { break };
            if line.ether.is_trouble() {
                line.ether.tell("  a piece lost");
                return Err(HubError::Unreachable.into());
            }
            self.mis.break_next(line.ether.is_trouble());
            receiver.take(&piece).await?;
            if acknowledge {
                self.acknowledge(line).await?;
            }
        }
        Ok(())
    }

    /// Acknowledges what is safe, as the agent does: what the hub can't know of is an alarm.
    async fn acknowledge(&self, line: &Line) -> Result<(), AgentError> {
        let cursor = self.spool.cursor().await?;
        if cursor.sequence <= self.acknowledged.get() {
            return Ok(());
        }
        let me = &self.reading.institution;
        let receipt = commonroll_wire::acknowledge(me, cursor.sequence, &cursor.digest, &self.key).unwrap();
        match line.acknowledge(receipt).await {
            Ok(_) => self.acknowledged.set(cursor.sequence),
            Err(HubError::OutOfRange) => self.spool.alarm("hub-went-back", "-", line.now).await?,
            Err(other) => return Err(other.into()),
        }
        Ok(())
    }

    /// What waits, signed under a number.
    pub async fn batch(&self, number: u64) -> Option<PublishRequest> {
        let waiting = self.spool.waiting(0, 3).await.unwrap();
        let sealed: Vec<_> = waiting.into_iter().map(|waiting| waiting.sealed).collect();
        seal_batch(&self.reading.institution, number, sealed, &self.key).ok()
    }

    /// The agent is killed and starts again.
    pub async fn restart(&mut self) {
        self.spool = Spool::open(&self.settings.spool_file()).await.unwrap();
        self.scanner = Scanner::default();
        self.publisher = Publisher::new();
        self.mis.break_next(false);
        self.acknowledged.set(0);
    }

    /// The connection is gone.
    pub fn hang_up(&mut self) {
        self.publisher.close();
    }

    /// The instant of a local hour of the day.
    pub fn hour(hour: u32) -> i64 {
        MORNING + (i64::from(hour) - 9) * super::model::HOUR
    }
}
