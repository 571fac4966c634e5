//! The hub as the agent needs it: twelve calls, and what their failures mean for what to do next.
//!
//! The agent's logic speaks to this trait alone, so that a test or a simulation can lose, repeat and reorder what a
//! network would. [`grpc`] is the real one.

pub mod grpc;
pub(crate) mod tls;

pub(crate) use tls::pem;

use async_trait::async_trait;
use commonroll_audit::Hash;
use commonroll_core::{RecordKind, SchoolDate, Slug, Timestamp, aside::AsideStep, sources::SourceTold};
use commonroll_wire::{
    Held,
    pb::{
        audit::v1::CheckpointResponse,
        directory::v1::{Declaration, DeclarationResult, SigningKey},
        exchange::v1::{
            AcknowledgeRequest, AnswerWithdrawalRequest, PublishRequest, PublishResponse, ReceiveResponse,
            SessionCode, SessionCodeAnswer,
        },
    },
};
use std::{collections::HashMap, time::Duration};

/// What the agent asks of the hub.
#[async_trait]
pub trait Hub: Send + Sync {
    /// Declares up to 1,000 facts; one result for each.
    async fn declare(&self, declarations: Vec<Declaration>) -> Result<Vec<DeclarationResult>, HubError>;
    /// Opens a publish stream.
    async fn publish(&self) -> Result<Box<dyn PublishSession>, HubError>;
    /// Opens the feed behind a cursor.
    async fn receive(&self, after: u64) -> Result<Box<dyn ReceiveSession>, HubError>;
    /// Tells that everything up to a cursor is safe; gives the highest cursor ever acknowledged.
    async fn acknowledge(&self, request: AcknowledgeRequest) -> Result<u64, HubError>;
    /// Sends a deletion receipt. One that the hub has already changes nothing.
    async fn answer_withdrawal(&self, request: AnswerWithdrawalRequest) -> Result<(), HubError>;
    /// What people here decided of session codes, and the hub has no answer to. A hub of before refuses.
    async fn session_codes(&self) -> Result<Vec<SessionCode>, HubError> {
        Err(HubError::Refused("this hub hands out no session codes".to_owned()))
    }
    /// Says what became of session codes. What the hub knows already changes nothing.
    async fn answer_session_codes(&self, _answers: Vec<SessionCodeAnswer>) -> Result<(), HubError> {
        Err(HubError::Refused("this hub takes no answers about session codes".to_owned()))
    }
    /// Tells what became of records that can't be written here, at most 100 steps. A hub that can't be told refuses.
    async fn tell_aside(&self, _steps: Vec<AsideStep>) -> Result<(), HubError> {
        Err(HubError::Refused("this hub can't be told of records set aside".to_owned()))
    }
    /// The signing keys of a partner.
    async fn signing_keys(&self, institution: &Slug) -> Result<Vec<SigningKey>, HubError>;
    /// The newest checkpoint, with the proof that it extends the one of `old_size`.
    async fn checkpoint(&self, old_size: u64) -> Result<CheckpointResponse, HubError>;
    /// Tells of the own sources. A hub that can't be told refuses.
    async fn tell_sources(&self, _sources: Vec<SourceTold>) -> Result<(), HubError> {
        Err(HubError::Refused("this hub can't be told of sources".to_owned()))
    }
    /// What the hub holds of the own records of a school date: roots, and the records if they are asked for. A hub that can't
    /// be asked refuses.
    async fn day(&self, _date: SchoolDate, _records: bool) -> Result<DayHeld, HubError> {
        Err(HubError::Refused("this hub can't say what it holds of a day".to_owned()))
    }
}

/// What the hub holds of a day.
#[derive(Debug, Clone, Default)]
pub struct DayHeld {
    /// The root over the records of each kind, by the kind's name.
    pub roots: HashMap<String, Hash>,
    /// The records, if they were asked for.
    pub records: Vec<DayRecord>,
}

/// A record that the hub holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayRecord {
    /// Id, newest revision, and whether that takes it back.
    pub held: Held,
    /// Its kind.
    pub kind: RecordKind,
    /// When the hub accepted that revision.
    pub accepted: Timestamp,
}

/// An open publish stream. Answers come in the order of the batches; the first one comes before any batch.
#[async_trait]
pub trait PublishSession: Send {
    /// Sends a batch.
    async fn send(&mut self, batch: PublishRequest) -> Result<(), HubError>;
    /// The next answer; `None` when the hub ended the stream in good order.
    async fn answer(&mut self) -> Result<Option<PublishResponse>, HubError>;
}

/// An open feed.
#[async_trait]
pub trait ReceiveSession: Send {
    /// The next piece; `None` when the hub ended the stream in good order.
    async fn next(&mut self) -> Result<Option<ReceiveResponse>, HubError>;
}

/// Why the hub could not be used, by what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HubError {
    /// No connection, or it broke. Try again later.
    #[error("the hub can't be reached; check the network and the hub's address")]
    Unreachable,
    /// Too much or too fast, or not able just now. Try again after the delay.
    #[error("the hub is busy")]
    Busy {
        /// How long to wait at least, if the hub said so.
        after: Option<Duration>,
    },
    /// The hub does not know the certificate: expired, or the agent was revoked.
    #[error("the hub does not accept this certificate")]
    NotKnown,
    /// Known, and not allowed.
    #[error("the hub does not allow this")]
    NotAllowed,
    /// Order or state is wrong: connect again and go on from where the hub says.
    #[error("the hub expects another batch number")]
    OutOfStep,
    /// A cursor beyond what was sent.
    #[error("the hub has sent less than was acknowledged")]
    OutOfRange,
    /// Bytes that the hub holds are damaged.
    #[error("the hub reports damaged data; its operator must look")]
    Damaged,
    /// The agent's request breaks a rule. Sending it again will not help.
    #[error("the hub refuses the request ({0})")]
    Refused(String),
    /// The answer can't be made sense of.
    #[error("the hub's answer breaks the protocol: {0}")]
    Protocol(&'static str),
}

/// The hashes of a proof as they came; `None` if one has not 32 bytes.
pub fn hashes(proof: &[bytes::Bytes]) -> Option<Vec<Hash>> {
    proof.iter().map(|hash| Hash::try_from(hash.as_ref()).ok()).collect()
}
