//! The real hub: gRPC over mutual TLS.

use super::{DayHeld, DayRecord, Hub, HubError, PublishSession, ReceiveSession, tls};
use crate::identity::Identity;
use async_trait::async_trait;
use commonroll_audit::{Hash, InclusionFile};
use commonroll_core::{RecordId, SchoolDate, Slug, Timestamp, aside::AsideStep, sources::SourceTold};
use commonroll_wire::{
    Held,
    pb::{
        audit::v1::{
            CheckpointRequest, CheckpointResponse, ProveRequest, audit_service_client::AuditServiceClient,
        },
        directory::v1::{
            Declaration, DeclarationResult, DeclareRequest, SigningKey, SigningKeysRequest,
            directory_service_client::DirectoryServiceClient,
        },
        enrolment::v1::{
            JoinRequest, JoinResponse, RenewRequest, RenewResponse,
            enrolment_service_client::EnrolmentServiceClient,
        },
        exchange::v1::{
            AcknowledgeRequest, AnswerSessionCodesRequest, AnswerWithdrawalRequest, PublishRequest,
            PublishResponse, ReceiveRequest, ReceiveResponse, SessionCode, SessionCodeAnswer,
            SessionCodesRequest, TellAsideRequest, exchange_service_client::ExchangeServiceClient,
        },
        readiness::v1::{
            DayRequest, DayResponse, HeldRecord, TellSourcesRequest,
            readiness_service_client::ReadinessServiceClient,
        },
    },
    write_aside,
};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status, Streaming, transport::Channel};

/// Most bytes of one message from the hub: 1,000 records with all that they may carry rarely come near it.
const MESSAGE_BYTES_MAX: usize = 64 << 20;
/// Most records of one day.
const DAY_RECORDS_MAX: usize = 500_000;
/// How long a single call may take before the connection counts as broken.
const CALL_SECONDS_MAX: u64 = 60;

/// A connection to the hub's exchange.
#[derive(Debug, Clone)]
pub struct GrpcHub {
    channel: Channel,
}

impl GrpcHub {
    /// Connects with the agent's certificate.
    ///
    /// # Errors
    /// [`HubError::Unreachable`] when there is no connection; whether the hub knows the agent shows with the first call.
    pub async fn connect(identity: &Identity, address: &str) -> Result<Self, HubError> {
        let shown = (identity.certificate.as_slice(), &identity.tls_key_pem);
        Ok(Self { channel: tls::exchange(&identity.card.authority, shown, address).await? })
    }

    /// The proof that an entry (counted from 1) is in the log, as a file that anybody can check.
    ///
    /// # Errors
    /// [`HubError`]; an entry that does not concern the institution is not allowed.
    pub async fn prove(&self, sequence: u64) -> Result<InclusionFile, HubError> {
        let mut audit = AuditServiceClient::new(self.channel.clone());
        let answer = within(audit.prove(ProveRequest { sequence })).await?.into_inner();
        let path = super::hashes(&answer.path).ok_or(HubError::Damaged)?;
        let index = sequence.saturating_sub(1);
        Ok(InclusionFile { entry: answer.entry.into(), index, path, checkpoint: answer.checkpoint })
    }

    fn exchange(&self) -> ExchangeServiceClient<Channel> {
        ExchangeServiceClient::new(self.channel.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX)
    }

    fn directory(&self) -> DirectoryServiceClient<Channel> {
        DirectoryServiceClient::new(self.channel.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX)
    }
}

#[async_trait]
impl Hub for GrpcHub {
    async fn declare(&self, declarations: Vec<Declaration>) -> Result<Vec<DeclarationResult>, HubError> {
        let response = within(self.directory().declare(DeclareRequest { declarations })).await?;
        Ok(response.into_inner().results)
    }

    async fn tell_aside(&self, steps: Vec<AsideStep>) -> Result<(), HubError> {
        let steps = steps.iter().map(write_aside).collect();
        within(self.exchange().tell_aside(TellAsideRequest { steps })).await.map(drop)
    }

    async fn publish(&self) -> Result<Box<dyn PublishSession>, HubError> {
        let (batches, receiver) = mpsc::channel(1);
        let answers = within(self.exchange().publish(ReceiverStream::new(receiver))).await?.into_inner();
        Ok(Box::new(Publishing { batches, answers }))
    }

    async fn receive(&self, after: u64) -> Result<Box<dyn ReceiveSession>, HubError> {
        let request = ReceiveRequest { after_sequence: after, joint_paths: true };
        let pieces = within(self.exchange().receive(request)).await?.into_inner();
        Ok(Box::new(Receiving { pieces }))
    }

    async fn acknowledge(&self, request: AcknowledgeRequest) -> Result<u64, HubError> {
        Ok(within(self.exchange().acknowledge(request)).await?.into_inner().cursor)
    }

    async fn answer_withdrawal(&self, request: AnswerWithdrawalRequest) -> Result<(), HubError> {
        within(self.exchange().answer_withdrawal(request)).await.map(drop)
    }

    async fn session_codes(&self) -> Result<Vec<SessionCode>, HubError> {
        Ok(within(self.exchange().session_codes(SessionCodesRequest {})).await?.into_inner().codes)
    }

    async fn answer_session_codes(&self, answers: Vec<SessionCodeAnswer>) -> Result<(), HubError> {
        let request = AnswerSessionCodesRequest { answers };
        within(self.exchange().answer_session_codes(request)).await.map(drop)
    }

    async fn signing_keys(&self, institution: &Slug) -> Result<Vec<SigningKey>, HubError> {
        let request = SigningKeysRequest { institution: institution.as_str().to_owned() };
        Ok(within(self.directory().signing_keys(request)).await?.into_inner().keys)
    }

    async fn checkpoint(&self, old_size: u64) -> Result<CheckpointResponse, HubError> {
        let mut audit = AuditServiceClient::new(self.channel.clone());
        Ok(within(audit.checkpoint(CheckpointRequest { old_size })).await?.into_inner())
    }

    async fn tell_sources(&self, sources: Vec<SourceTold>) -> Result<(), HubError> {
        let mut service = ReadinessServiceClient::new(self.channel.clone());
        let sources = sources.iter().map(commonroll_wire::write_source).collect();
        within(service.tell_sources(TellSourcesRequest { sources })).await.map(drop)
    }

    async fn day(&self, date: SchoolDate, records: bool) -> Result<DayHeld, HubError> {
        let mut service = ReadinessServiceClient::new(self.channel.clone());
        let asked = DayRequest { date: date.to_string(), records };
        let mut pieces = within(service.day(asked)).await?.into_inner();
        let mut held = DayHeld::default();
        while let Some(piece) = within(pieces.message()).await? {
            read_day(&mut held, piece)?;
        }
        Ok(held)
    }
}

fn read_day(held: &mut DayHeld, piece: DayResponse) -> Result<(), HubError> {
    if held.records.len() + piece.records.len() > DAY_RECORDS_MAX {
        return Err(HubError::Protocol("a day has too many records"));
    }
    for kind in piece.kinds {
        let root = Hash::try_from(kind.root.as_ref());
        let root = root.map_err(|_| HubError::Protocol("a day's root has not 32 bytes"))?;
        held.roots.insert(kind.kind, root);
    }
    for record in &piece.records {
        let read = read_held(record).ok_or(HubError::Protocol("a day's record can't be read"))?;
        held.records.push(read);
    }
    Ok(())
}

fn read_held(record: &HeldRecord) -> Option<DayRecord> {
    let id = RecordId::from_slice(&record.record_id).ok()?;
    Some(DayRecord {
        held: Held { id, revision: record.revision, withdrawn: record.withdrawn },
        kind: record.kind.parse().ok()?,
        accepted: Timestamp::from_micros("accepted_at_us", record.accepted_at_us).ok()?,
    })
}

struct Publishing {
    batches: mpsc::Sender<PublishRequest>,
    answers: Streaming<PublishResponse>,
}

#[async_trait]
impl PublishSession for Publishing {
    async fn send(&mut self, batch: PublishRequest) -> Result<(), HubError> {
        // A closed channel means that the stream ended; its status says why.
        match self.batches.send(batch).await {
            Ok(()) => Ok(()),
            Err(_) => Err(self.answers.message().await.err().map_or(HubError::Unreachable, |s| read(&s))),
        }
    }

    async fn answer(&mut self) -> Result<Option<PublishResponse>, HubError> {
        self.answers.message().await.map_err(|status| read(&status))
    }
}

struct Receiving {
    pieces: Streaming<ReceiveResponse>,
}

#[async_trait]
impl ReceiveSession for Receiving {
    async fn next(&mut self) -> Result<Option<ReceiveResponse>, HubError> {
        self.pieces.message().await.map_err(|status| read(&status))
    }
}

/// Asks the join listener to enrol the agent. Trusts only the authority of the invitation.
pub(crate) async fn join(
    authority: &[u8],
    address: &str,
    request: JoinRequest,
) -> Result<JoinResponse, HubError> {
    let mut door = EnrolmentServiceClient::new(tls::join(authority, address).await?);
    Ok(within(door.join(request)).await?.into_inner())
}

/// Asks the join listener for a new certificate.
pub(crate) async fn renew(
    authority: &[u8],
    address: &str,
    request: RenewRequest,
) -> Result<RenewResponse, HubError> {
    let mut door = EnrolmentServiceClient::new(tls::join(authority, address).await?);
    Ok(within(door.renew(request)).await?.into_inner())
}

async fn within<T>(call: impl Future<Output = Result<T, Status>>) -> Result<T, HubError> {
    match tokio::time::timeout(Duration::from_secs(CALL_SECONDS_MAX), call).await {
        Ok(answer) => answer.map_err(|status| read(&status)),
        Err(_) => Err(HubError::Unreachable),
    }
}

/// What a status means for what to do next. The text of a status is the hub's and names no values.
pub(crate) fn read(status: &Status) -> HubError {
    tracing::debug!(code = ?status.code(), message = status.message(), "the hub answered with an error");
    match status.code() {
        Code::Unauthenticated => HubError::NotKnown,
        Code::PermissionDenied => HubError::NotAllowed,
        Code::ResourceExhausted => HubError::Busy { after: retry_delay(status) },
        Code::FailedPrecondition => HubError::OutOfStep,
        Code::OutOfRange => HubError::OutOfRange,
        Code::DataLoss => HubError::Damaged,
        Code::InvalidArgument | Code::Unimplemented | Code::AlreadyExists | Code::NotFound => {
            HubError::Refused(status.message().chars().filter(|c| !c.is_control()).take(200).collect())
        }
        Code::Unavailable if status.metadata().contains_key("retry-after-ms") => {
            HubError::Busy { after: retry_delay(status) }
        }
        Code::Ok
        | Code::Cancelled
        | Code::Unknown
        | Code::DeadlineExceeded
        | Code::Aborted
        | Code::Internal
        | Code::Unavailable => HubError::Unreachable,
    }
}

/// The delay that the hub asks for: `retry-after-ms`, or `retry-after` in seconds.
fn retry_delay(status: &Status) -> Option<Duration> {
    let number = |key: &str| status.metadata().get(key)?.to_str().ok()?.parse::<u64>().ok();
    let delay = number("retry-after-ms")
        .map(Duration::from_millis)
        .or_else(|| number("retry-after").map(Duration::from_secs))?;
    Some(delay.min(Duration::from_secs(600)))
}
