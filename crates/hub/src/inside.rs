//! An agent's calls to an exchange in the same process, without a socket: for simulated days.
//!
//! The same reading, bounds and answers as behind the gRPC doors; what is missing is the door: no certificate, no rate.

use crate::{
    grpc::{convert, decided, directory},
    reader, status,
};
use commonroll_core::Timestamp;
use commonroll_exchange::{AgentId, Exchange};
use commonroll_views::whereabouts::Detectors;
use commonroll_wire::pb::{
    directory::v1::{Declaration, DeclarationResult},
    exchange::v1::{
        AnswerSessionCodesRequest, AnswerSessionCodesResponse, PublishRequest, PublishResponse,
        SessionCodesResponse,
    },
};
use tonic::Status;

/// Opens the views of an exchange that has no hub around it.
pub fn open_views(exchange: &Exchange, detectors: Detectors, now: Timestamp) {
    exchange.open_views_by(detectors, reader::read_body, now);
}

/// The first answer of an agent's publish stream.
///
/// # Errors
/// As the call over the network.
pub fn greet(exchange: &Exchange, agent: AgentId) -> Result<PublishResponse, Status> {
    let speaker = exchange.speaker(agent).map_err(|_| status::stranger())?;
    let next_batch_number = exchange.next_batch(&speaker);
    Ok(PublishResponse { next_batch_number, ..PublishResponse::default() })
}

/// Takes a batch of an agent's publish stream.
///
/// # Errors
/// As the call over the network.
pub async fn publish(
    exchange: &Exchange,
    agent: AgentId,
    batch: PublishRequest,
    now: Timestamp,
) -> Result<PublishResponse, Status> {
    let speaker = exchange.speaker(agent).map_err(|_| status::stranger())?;
    let batch = convert::batch(batch).map_err(|broken| status::invalid(&broken))?;
    let answer = exchange.publish(&speaker, batch, now).await.map_err(status::of_publish)?;
    Ok(convert::batch_answer(answer))
}

/// Takes an agent's declarations; none at all is its word that its source is current.
///
/// # Errors
/// As the call over the network.
pub async fn declare(
    exchange: &Exchange,
    agent: AgentId,
    declarations: &[Declaration],
    now: Timestamp,
) -> Result<Vec<DeclarationResult>, Status> {
    let speaker = exchange.speaker(agent).map_err(|_| status::stranger())?;
    directory::declare(exchange, &speaker, declarations, now).await.map(|answer| answer.results)
}

/// What people of an agent's institution decided of session codes.
///
/// # Errors
/// As the call over the network.
pub async fn session_codes(
    exchange: &Exchange,
    agent: AgentId,
    now: Timestamp,
) -> Result<SessionCodesResponse, Status> {
    let speaker = exchange.speaker(agent).map_err(|_| status::stranger())?;
    decided::hand_out(exchange, &speaker, now).await
}

/// What became of session codes at an agent's institution.
///
/// # Errors
/// As the call over the network.
pub async fn answer_session_codes(
    exchange: &Exchange,
    agent: AgentId,
    request: &AnswerSessionCodesRequest,
    now: Timestamp,
) -> Result<AnswerSessionCodesResponse, Status> {
    let speaker = exchange.speaker(agent).map_err(|_| status::stranger())?;
    decided::take(exchange, &speaker, request, now).await
}
