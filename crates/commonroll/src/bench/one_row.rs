//! An agent that is given a large export once more, in which one row changed: from the file's appearance to the answer for
//! its batch, on a spool of its own. The hub is a stand-in that takes everything, so the time is the agent's alone.

use super::connectors::{COLUMNS, Order, delimited_in, peak, reset_peak};
use crate::{commands::told, real::Real};
use async_trait::async_trait;
use commonroll_agent::{
    Hub, HubError, Settings, Spool,
    check::check,
    hub::{PublishSession, ReceiveSession},
    publish::{Publisher, Signer},
    scan::{Reading, Scanner, Taken, Verdict},
};
use commonroll_audit::SigningKey;
use commonroll_core::{Slug, Timestamp};
use commonroll_wire::pb::{
    audit::v1::CheckpointResponse,
    directory::v1::{Declaration, DeclarationResult},
    exchange::v1::{
        AcknowledgeRequest, AnswerWithdrawalRequest, PublishRequest, PublishResponse, RecordOutcome,
        RecordResult,
    },
};
use std::{
    collections::VecDeque,
    fs::{self, File},
    io::{BufRead, BufReader, BufWriter, Write},
    path::Path,
    time::Instant,
};

/// Most seconds from a changed export to its published batch.
const SECONDS_BAR: f64 = 3.0;

/// What one export took.
pub struct Measured {
    /// What was exported.
    pub name: &'static str,
    /// Seconds until it was compared and lay in the spool.
    pub found: f64,
    /// Seconds until the hub had answered for all that was new.
    pub published: f64,
    /// Peak of the process's memory meanwhile, in MiB; `None` where the system doesn't say.
    pub peak_mib: Option<f64>,
    /// Most seconds until it is published; `None` where everything is new.
    pub bar: Option<f64>,
}

/// One change of an export: by line, what becomes of it.
type Change = fn(String) -> Vec<String>;

/// Takes an export of `rows` rows, then the same with one row changed, one more, one less.
pub async fn run(rows: u64, seed: u64, order: Order, tell: &mut dyn FnMut(Measured)) -> Result<(), String> {
    let mut bench = Bench::new("").await?;
    bench.write(rows, seed, order)?;
    tell(bench.check("looked at by `agent check`", rows).await?);
    tell(bench.take("first export", (rows, 0)).await?);
    let changes: [(&'static str, Change, (u64, u64)); 3] = [
        ("one row changed", |line| vec![changed(&line)], (1, 0)),
        ("one row more", |line| vec![line.replacen('6', "96", 1), line], (1, 0)),
        ("one row less", |_| Vec::new(), (1, 1)),
    ];
    for (n, (name, change, sent)) in changes.into_iter().enumerate() {
        bench.change(rows / 2 + n as u64 * 7, change)?;
        tell(bench.take(name, sent).await?);
    }
    bench.spool.close().await;
    // A field that counts rows, which nothing reads here: so rows hang on each other, and stretches can't be known.
    let mut whole = Bench::new("period = { row_number = \"n\" }\n").await?;
    whole.write(rows, seed, order)?;
    tell(whole.take("first export, stretches not kept", (rows, 0)).await?);
    whole.spool.close().await;
    Ok(())
}

/// A mark that says something else.
fn changed(line: &str) -> String {
    match line.contains(",/,") {
        true => line.replacen(",/,", ",N,", 1),
        false => line.replacen(",N,", ",/,", 1).replacen(",L,", ",N,", 1),
    }
}

struct Bench {
    folder: tempfile::TempDir,
    settings: Settings,
    spool: Spool,
    reading: Reading,
    key: SigningKey,
    scanner: Scanner,
    publisher: Publisher,
    minutes: i64,
}

impl Bench {
    async fn new(more: &str) -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(told)?;
        let at = |name: &str| folder.path().join(name);
        let columns = COLUMNS.replace(
            "[fields]",
            &format!("key = [\"date\", \"learner\", \"group\", \"start\"]\n[fields]\n{more}"),
        );
        fs::write(at("marks.toml"), format!("format = \"delimited\"{columns}")).map_err(told)?;
        for name in ["exports", "data"] {
            fs::create_dir(at(name)).map_err(told)?;
        }
        let text = "data = \"data\"\n[pace]\nsettle_ms = 0\nbatch_records_max = 500\n[[source]]\nname = \"marks\"\n\
                    folder = \"exports\"\npattern = \"*.csv\"\nconnector = \"delimited\"\nmapping = \"marks.toml\"\n";
        let settings = Settings::parse(text, &at("agent.toml")).map_err(told)?;
        let spool = Spool::open(&settings.spool_file()).await.map_err(told)?;
        let institution: Slug = "bench".parse().map_err(told)?;
        let reading = Reading { institution, zone: settings.zone.clone(), salt: [7; 32] };
        let key = SigningKey::from_seed(&[5; 32]).map_err(told)?;
        let (scanner, publisher, minutes) = (Scanner::default(), Publisher::new(), 0);
        Ok(Self { folder, settings, spool, reading, key, scanner, publisher, minutes })
    }

    fn write(&self, rows: u64, seed: u64, order: Order) -> Result<(), String> {
        let mut file = File::create(self.folder.path().join("exports/.marks")).map_err(told)?;
        delimited_in(&mut file, rows, seed, order)?;
        self.appear()
    }

    /// Writes the export anew with another line in the place of one.
    fn change(&self, at: u64, change: Change) -> Result<(), String> {
        let exports = self.folder.path().join("exports");
        let lines = BufReader::new(File::open(exports.join("marks.csv")).map_err(told)?).lines();
        let mut out = BufWriter::new(File::create(exports.join(".marks")).map_err(told)?);
        for (n, line) in lines.enumerate() {
            let line = line.map_err(told)?;
            let lines = if n as u64 == at { change(line) } else { vec![line] };
            for line in lines {
                writeln!(out, "{line}").map_err(told)?;
            }
        }
        out.flush().map_err(told)?;
        self.appear()
    }

    fn appear(&self) -> Result<(), String> {
        let exports = self.folder.path().join("exports");
        let place = |name: &str| Path::join(&exports, name);
        fs::rename(place(".marks"), place("marks.csv")).map_err(told)
    }

    /// Tells what the export would mean, as for somebody who has not joined.
    async fn check(&self, name: &'static str, new: u64) -> Result<Measured, String> {
        let now = Timestamp::from_micros("now", 1_789_376_400_000_000).map_err(told)?;
        let file = self.folder.path().join("exports/marks.csv");
        let reset = reset_peak();
        let begun = Instant::now();
        let checked = check(&self.settings, None, &file, now).await.map_err(told)?;
        let found = begun.elapsed().as_secs_f64();
        if checked.taken.is_none_or(|taken| taken.new != new) {
            return Err(format!("{name}: not all rows were seen"));
        }
        Ok(Measured { name, found, published: found, peak_mib: peak().filter(|_| reset), bar: None })
    }

    /// Looks, publishes, and checks that so many records went out, so many of them withdrawals.
    async fn take(&mut self, name: &'static str, (sent, gone): (u64, u64)) -> Result<Measured, String> {
        self.minutes += 1;
        let start = 1_789_376_400_000_000 + self.minutes * 60_000_000;
        let now = Timestamp::from_micros("now", start).map_err(told)?;
        let reset = reset_peak();
        let begun = Instant::now();
        let looked =
            self.scanner.look(&self.settings, &self.spool, &self.reading, now).await.map_err(told)?;
        let found = begun.elapsed().as_secs_f64();
        let signer = Signer { source: &self.reading.institution, key: &self.key };
        let pace = &self.settings.pace;
        let round = self.publisher.round(&Taking, &self.spool, signer, pace, now, &Real);
        let accepted = round.await.map_err(told)?.accepted;
        let published = begun.elapsed().as_secs_f64();
        let peak_mib = peak().filter(|_| reset);
        match looked.verdicts.into_iter().next() {
            Some((_, Verdict::Taken(Taken { withdrawn, .. }))) if accepted == sent && withdrawn == gone => {
                let bar = name.starts_with("one row").then_some(SECONDS_BAR);
                Ok(Measured { name, found, published, peak_mib, bar })
            }
            Some((_, Verdict::Taken(_))) => Err(format!("{name}: {accepted} records went out, not {sent}")),
            Some((_, Verdict::Refused(fault))) => Err(format!("{name}: {}: {}", fault.rule, fault.fix)),
            None => Err(format!("{name}: the export was not seen")),
        }
    }
}

/// A hub that takes everything and holds nothing.
struct Taking;

#[async_trait]
impl Hub for Taking {
    async fn declare(&self, _: Vec<Declaration>) -> Result<Vec<DeclarationResult>, HubError> {
        Ok(Vec::new())
    }
    async fn publish(&self) -> Result<Box<dyn PublishSession>, HubError> {
        let hello = PublishResponse { batch_number: 0, results: Vec::new(), next_batch_number: 1 };
        Ok(Box::new(Answers(VecDeque::from([hello]))))
    }
    async fn receive(&self, _: u64) -> Result<Box<dyn ReceiveSession>, HubError> {
        Err(HubError::NotAllowed)
    }
    async fn acknowledge(&self, _: AcknowledgeRequest) -> Result<u64, HubError> {
        Err(HubError::NotAllowed)
    }
    async fn answer_withdrawal(&self, _: AnswerWithdrawalRequest) -> Result<(), HubError> {
        Err(HubError::NotAllowed)
    }
    async fn signing_keys(
        &self,
        _: &Slug,
    ) -> Result<Vec<commonroll_wire::pb::directory::v1::SigningKey>, HubError> {
        Err(HubError::NotAllowed)
    }
    async fn checkpoint(&self, _: u64) -> Result<CheckpointResponse, HubError> {
        Err(HubError::NotAllowed)
    }
}

struct Answers(VecDeque<PublishResponse>);

#[async_trait]
impl PublishSession for Answers {
    async fn send(&mut self, batch: PublishRequest) -> Result<(), HubError> {
        let number = batch.seal.as_ref().map_or(0, |seal| seal.number);
        let taken =
            RecordResult { outcome: RecordOutcome::Accepted as i32, sequence: 1, ..RecordResult::default() };
        let results = vec![taken; batch.records.len()];
        self.0.push_back(PublishResponse { batch_number: number, results, next_batch_number: number + 1 });
        Ok(())
    }
    async fn answer(&mut self) -> Result<Option<PublishResponse>, HubError> {
        Ok(self.0.pop_front())
    }
}
