//! Where checkpoints and proofs come from: a hub's data folder, or the hub itself, asked as an institution's agent.

use crate::commands::{hub::Place, told};
use commonroll_agent::{
    Hub, Identity, Settings,
    hub::{grpc::GrpcHub, hashes},
};
use commonroll_audit::{Checkpoint, ConsistencyFile, InclusionFile, LogPublicKey};
use commonroll_exchange::Exchange;
use std::path::PathBuf;

/// The flags.
#[derive(clap::Args, Clone)]
pub struct Source {
    #[command(flatten)]
    place: Place,
    /// Ask the hub as the agent with this settings file, instead of reading a hub's data folder
    #[arg(long, value_name = "SETTINGS")]
    agent: Option<PathBuf>,
}

/// An opened source.
pub enum Opened {
    /// A data folder, beside a running hub if there is one.
    Folder(Box<Exchange>),
    /// A running hub, and the log's key as it was given with the invitation.
    Hub(GrpcHub, LogPublicKey),
}

impl Source {
    /// The agent's settings, if an agent is to ask.
    pub fn agent(&self) -> Result<Option<Settings>, String> {
        self.agent.as_deref().map(|file| Settings::load(file).map_err(told)).transpose()
    }

    /// Opens it.
    pub async fn open(&self) -> Result<Opened, String> {
        let Some(settings) = self.agent()? else {
            return Ok(Opened::Folder(Box::new(self.place.open().await?.1)));
        };
        let identity = Identity::load(&settings.identity_folder()).map_err(told)?;
        let address = settings.hub.address.clone().unwrap_or_else(|| identity.card.hub.clone());
        let hub = GrpcHub::connect(&identity, &address).await.map_err(told)?;
        Ok(Opened::Hub(hub, identity.log_key))
    }
}

impl Opened {
    /// The log's key, as far as this source can be believed about it.
    pub fn key(&self) -> Result<LogPublicKey, String> {
        match self {
            Self::Folder(exchange) => exchange.log_key().parse().map_err(told),
            Self::Hub(_, key) => Ok(key.clone()),
        }
    }

    /// The newest checkpoint with the proof that it extends an older size; 0 for none.
    pub async fn since(&self, old_size: u64) -> Result<ConsistencyFile, String> {
        let (checkpoint, proof) = match self {
            Self::Folder(exchange) => exchange.checkpoint(old_size).await.map_err(told)?,
            Self::Hub(hub, _) => {
                let answer = hub.checkpoint(old_size).await.map_err(told)?;
                (answer.checkpoint, hashes(&answer.consistency).unwrap_or_default())
            }
        };
        Ok(ConsistencyFile { old_size, proof, checkpoint })
    }

    /// The proof of an entry.
    pub async fn prove(&self, sequence: u64) -> Result<InclusionFile, String> {
        match self {
            Self::Folder(exchange) => exchange
                .prove(sequence)
                .await
                .map_err(|_| "there is no such entry, or the log can't be read".to_owned()),
            Self::Hub(hub, _) => hub.prove(sequence).await.map_err(|error| {
                format!("{}; an agent may ask about entries that concern its institution", told(error))
            }),
        }
    }
}

/// A file's text.
pub fn text(path: &std::path::Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// A log's key, given as its text or as a file that holds it.
pub fn key(given: &str) -> Result<LogPublicKey, String> {
    let file = std::path::Path::new(given);
    let text = if file.is_file() { text(file)? } else { given.to_owned() };
    text.trim().parse().map_err(told)
}

/// A checkpoint from a file.
pub fn checkpoint(path: &std::path::Path, key: &LogPublicKey) -> Result<Checkpoint, String> {
    Checkpoint::open(&text(path)?, key).map_err(|error| format!("{}: {}", path.display(), told(error)))
}
