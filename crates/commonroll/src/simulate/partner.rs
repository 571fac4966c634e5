//! A partner: the folders that its MIS exports into, and its agent, which looks, spools and publishes as it does anywhere.
//!
//! The agent's own scanner, connectors, spool and publisher run here; its line to the hub is a call instead of a socket. What it
//! receives and writes back is left out: the board reads the log, and nothing of a write-back reaches it.

use super::{dice::Loaded, exports::Source};
use crate::commands::told;
use async_trait::async_trait;
use commonroll_agent::{
    Hub, HubError, Settings, Spool,
    hub::{PublishSession, ReceiveSession},
    publish::{Published, Publisher, Signer},
    scan::{Reading, Scanner, Verdict},
};
use commonroll_audit::SigningKey;
use commonroll_core::{Slug, Timestamp};
use commonroll_exchange::{AgentId, Exchange};
use commonroll_hub::inside;
use commonroll_wire::pb::{
    audit::v1::CheckpointResponse,
    directory::v1::{Declaration, DeclarationResult, SigningKey as SigningKeyMessage},
    exchange::v1::{AcknowledgeRequest, AnswerWithdrawalRequest, PublishRequest, PublishResponse},
};
use std::{
    collections::VecDeque,
    fs,
    path::Path,
    time::{Duration, UNIX_EPOCH},
};
use tonic::{Code, Status};

/// A partner with its agent.
pub struct Partner {
    pub slug: Slug,
    pub agent: AgentId,
    settings: Settings,
    /// The same with one folder each.
    folders: Vec<Settings>,
    spool: Spool,
    reading: Reading,
    scanner: Scanner,
    publisher: Publisher,
    key: SigningKey,
    /// Rows that the agent could not read; none may be.
    pub problems: u64,
}

impl Partner {
    /// Lays out the folders and opens the spool.
    pub async fn open(folder: &Path, slug: &str, number: u16, is_host: bool) -> Result<Self, String> {
        let mut text = "data = \"data\"\n[pace]\nsettle_ms = 0\nbatch_records_max = 500\n".to_owned();
        for source in Source::of(is_host) {
            let name = source.name;
            fs::create_dir_all(folder.join(name)).map_err(told)?;
            fs::write(folder.join(format!("{name}.toml")), source.mapping()).map_err(told)?;
            text.push_str(&format!(
                "[[source]]\nname = \"{name}\"\nfolder = \"{name}\"\npattern = \"*.csv\"\nconnector = \"delimited\"\n\
                 mapping = \"{name}.toml\"\naccept_old_exports = true\n"
            ));
        }
        let settings = Settings::parse(&text, &folder.join("agent.toml")).map_err(told)?;
        let slug: Slug = slug.parse().map_err(told)?;
        let mut seed = [0x5a; 32];
        seed[..2].copy_from_slice(&number.to_be_bytes());
        let mut id = [0xa6; 16];
        id[..2].copy_from_slice(&number.to_be_bytes());
        Ok(Self {
            spool: Spool::in_memory().await.map_err(told)?,
            reading: Reading { institution: slug.clone(), zone: settings.zone.clone(), salt: seed },
            scanner: Scanner::default(),
            publisher: Publisher::new(),
            key: SigningKey::from_seed(&seed).map_err(told)?,
            agent: AgentId(id),
            folders: settings.sources.iter().map(|source| alone(&settings, source)).collect(),
            settings,
            slug,
            problems: 0,
        })
    }

    /// The key with which its agent is enrolled.
    pub fn public_key(&self) -> [u8; 32] {
        *self.key.public().as_bytes()
    }

    /// The MIS writes an export.
    pub fn write(&self, source: &str, name: &str, text: &str, now: Timestamp) -> Result<(), String> {
        let path = self.path(source, name)?;
        fs::write(&path, text).map_err(told)?;
        dated(&path, now)
    }

    /// The MIS writes an export once more, and nothing in it has changed.
    pub fn write_again(&self, source: &str, name: &str, now: Timestamp) -> Result<(), String> {
        dated(&self.path(source, name)?, now)
    }

    fn path(&self, source: &str, name: &str) -> Result<std::path::PathBuf, String> {
        let of = self.settings.sources.iter().find(|held| held.name == source);
        of.map(|held| held.folder.join(name)).ok_or_else(|| format!("no source {source}"))
    }

    /// The agent is told that a folder has changed (any, if none is named), looks into it, and publishes what it finds.
    pub async fn work(
        &mut self,
        exchange: &Exchange,
        folder: &str,
        now: Timestamp,
    ) -> Result<Published, String> {
        let alone = self.folders.iter().find(|held| held.sources.iter().any(|source| source.name == folder));
        let settings = alone.unwrap_or(&self.settings);
        let looked = self.scanner.look(settings, &self.spool, &self.reading, now).await.map_err(told)?;
        for (name, verdict) in looked.verdicts {
            match verdict {
                Verdict::Taken(taken) => self.problems += taken.problem_count,
                Verdict::Refused(fault) => {
                    return Err(format!("{}: {name}: {}: {}", self.slug, fault.rule, fault.fix));
                }
            }
        }
        let line = Line { exchange: exchange.clone(), agent: self.agent, now };
        let signer = Signer { source: &self.slug, key: &self.key };
        let done = self.publisher.round(&line, &self.spool, signer, &self.settings.pace, now, &Loaded).await;
        // The stream holds the moment at which it was opened.
        self.publisher.close();
        done.map_err(told)
    }
}

/// The settings of an agent that is told of a change in one folder: it finds nothing new in the others.
fn alone(settings: &Settings, source: &commonroll_agent::settings::Source) -> Settings {
    Settings { sources: vec![source.clone()], ..settings.clone() }
}

/// A file's time is the simulated one, so that a day leaves the same files whenever it is simulated.
fn dated(path: &Path, now: Timestamp) -> Result<(), String> {
    let file = fs::File::options().write(true).open(path).map_err(told)?;
    let since = Duration::from_micros(now.micros().unsigned_abs());
    file.set_modified(UNIX_EPOCH + since).map_err(told)
}

/// An agent's line to the hub, in this process.
struct Line {
    exchange: Exchange,
    agent: AgentId,
    now: Timestamp,
}

fn failed(status: &Status) -> HubError {
    match status.code() {
        Code::Unauthenticated => HubError::NotKnown,
        Code::PermissionDenied => HubError::NotAllowed,
        Code::FailedPrecondition => HubError::OutOfStep,
        _ => HubError::Refused(status.message().to_owned()),
    }
}

const UNUSED: HubError = HubError::Protocol("a simulated day has no such call");

#[async_trait]
impl Hub for Line {
    async fn declare(&self, declarations: Vec<Declaration>) -> Result<Vec<DeclarationResult>, HubError> {
        inside::declare(&self.exchange, self.agent, &declarations, self.now)
            .await
            .map_err(|status| failed(&status))
    }

    async fn publish(&self) -> Result<Box<dyn PublishSession>, HubError> {
        let greeting = inside::greet(&self.exchange, self.agent).map_err(|status| failed(&status))?;
        let (exchange, agent, now) = (self.exchange.clone(), self.agent, self.now);
        Ok(Box::new(Stream { exchange, agent, now, answers: VecDeque::from([greeting]) }))
    }

    async fn receive(&self, _: u64) -> Result<Box<dyn ReceiveSession>, HubError> {
        Err(UNUSED)
    }

    async fn acknowledge(&self, _: AcknowledgeRequest) -> Result<u64, HubError> {
        Err(UNUSED)
    }

    async fn answer_withdrawal(&self, _: AnswerWithdrawalRequest) -> Result<(), HubError> {
        Err(UNUSED)
    }

    async fn signing_keys(&self, _: &Slug) -> Result<Vec<SigningKeyMessage>, HubError> {
        Err(UNUSED)
    }

    async fn checkpoint(&self, _: u64) -> Result<CheckpointResponse, HubError> {
        Err(UNUSED)
    }
}

/// A publish stream in this process: each batch is answered before the next is sent.
struct Stream {
    exchange: Exchange,
    agent: AgentId,
    now: Timestamp,
    answers: VecDeque<PublishResponse>,
}

#[async_trait]
impl PublishSession for Stream {
    async fn send(&mut self, batch: PublishRequest) -> Result<(), HubError> {
        let answer = inside::publish(&self.exchange, self.agent, batch, self.now).await;
        self.answers.push_back(answer.map_err(|status| failed(&status))?);
        Ok(())
    }

    async fn answer(&mut self) -> Result<Option<PublishResponse>, HubError> {
        Ok(self.answers.pop_front())
    }
}
