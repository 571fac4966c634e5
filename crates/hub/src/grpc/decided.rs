//! Decided session codes as the schema has them, and what an agent says became of them. No rule is checked here but the schema's.

use crate::status;
use commonroll_core::{Invalid, Timestamp};
use commonroll_exchange::{Carriage, CodeAnswer, Exchange, OutCode, Speaker};
use commonroll_wire::{
    SessionCode, SessionCodeAnswer, SessionCodeOutcome, SessionOf, pb::exchange::v1 as pb,
    read_session_code_answers, write_session_code,
};
use tonic::Status;

/// What the speaker's institution decided and its agent has not answered.
pub(crate) async fn hand_out(
    exchange: &Exchange,
    speaker: &Speaker,
    now: Timestamp,
) -> Result<pb::SessionCodesResponse, Status> {
    let codes = exchange.session_codes(speaker, now).await.map_err(status::of_feed)?;
    Ok(pb::SessionCodesResponse { codes: codes.into_iter().map(code).collect() })
}

/// Takes what became of codes.
pub(crate) async fn take(
    exchange: &Exchange,
    speaker: &Speaker,
    request: &pb::AnswerSessionCodesRequest,
    now: Timestamp,
) -> Result<pb::AnswerSessionCodesResponse, Status> {
    let answers = answers(request).map_err(|broken| status::invalid(&broken))?;
    let taken = exchange.answer_session_codes(speaker, answers, now).await.map_err(status::of_answer)?;
    Ok(pb::AnswerSessionCodesResponse { taken: u32::try_from(taken).unwrap_or(u32::MAX) })
}

/// A code on its way to its home's agent.
fn code(out: OutCode) -> pb::SessionCode {
    write_session_code(&SessionCode {
        of: SessionOf { learner: out.learner, date: out.date, afternoon: out.afternoon },
        revision: out.revision,
        code: out.code,
        minutes_late: out.minutes_late,
        host: out.host,
        evidence: out.evidence,
        decided_at: out.at,
    })
}

/// What an agent says became of codes.
fn answers(request: &pb::AnswerSessionCodesRequest) -> Result<Vec<CodeAnswer>, Invalid> {
    Ok(read_session_code_answers(request)?.into_iter().map(answer).collect())
}

fn answer(answer: SessionCodeAnswer) -> CodeAnswer {
    let SessionOf { learner, date, afternoon } = answer.of;
    let how = match answer.outcome {
        SessionCodeOutcome::Outbox => Carriage::Outbox,
        SessionCodeOutcome::ByHand => Carriage::ByHand,
        SessionCodeOutcome::Applied => Carriage::Applied,
        SessionCodeOutcome::Refused => Carriage::Refused,
        SessionCodeOutcome::Kept => Carriage::Kept,
    };
    CodeAnswer { learner, date, afternoon, revision: answer.revision.get(), how, words: answer.words }
}
