//! A trial on the wire: progress as it goes, then lines, then the outcome.

use super::policy::files;
use crate::status;
use commonroll_core::{Invalid, RecordKind, Role, Slug, Timestamp};
use commonroll_exchange::{Acting, Exchange, PersonSpeaker, Trial, Tried, TriedLine};
use commonroll_wire::pb::policy::v1::{TryLine, TryOutcome, TryRequest, TryResponse};
use tokio::sync::mpsc;
use tonic::Status;

/// Lines in one message.
const LINES: usize = 500;
/// Messages that wait for a slow reader: progress beyond that is not told.
pub(super) const WAITING: usize = 32;

/// Reads a request.
pub(super) fn read(asked: &TryRequest) -> Result<(Role, Trial), Invalid> {
    let dropped = asked.drop_agreements.iter().map(|id| id.parse::<Slug>()).collect::<Result<_, _>>()?;
    let agreement = Some(asked.agreement_text.clone()).filter(|text| !text.is_empty());
    Ok((asked.role.parse::<Role>()?, Trial::of_files(files(&asked.files), agreement, dropped)?))
}

/// Tries, and sends what comes of it.
pub(super) async fn run(
    exchange: Exchange,
    (caller, role): (PersonSpeaker, Role),
    trial: Trial,
    now: Timestamp,
    out: mpsc::Sender<Result<TryResponse, Status>>,
) {
    let telling = out.clone();
    let progress = move |done, total| {
        let _ = telling.try_send(Ok(TryResponse { done, total, ..TryResponse::default() }));
    };
    let acting = Acting { speaker: &caller, role };
    // Whoever doesn't wait for the answer needs none.
    let tried = tokio::select! {
        () = out.closed() => return,
        tried = exchange.try_change(acting, trial, now, progress) => tried,
    };
    let messages = match tried {
        Ok(tried) => write(tried),
        Err(error) => vec![Err(status::of_law(&error))],
    };
    for message in messages {
        if out.send(message).await.is_err() {
            return;
        }
    }
}

fn write(tried: Tried) -> Vec<Result<TryResponse, Status>> {
    let outcome = TryOutcome {
        changes: tried.comparison.as_ref().map_or_else(String::new, ToString::to_string),
        since_us: tried.since.micros(),
        records: tried.records,
        gone: tried.gone,
        situations: tried.situations,
        names: tried.names,
    };
    let part = |lines: &[TriedLine]| TryResponse {
        lines: lines.iter().map(line).collect(),
        ..TryResponse::default()
    };
    let last = TryResponse { outcome: Some(outcome), ..TryResponse::default() };
    tried.lines.chunks(LINES).map(part).chain([last]).map(Ok).collect()
}

fn line(line: &TriedLine) -> TryLine {
    TryLine {
        gains: line.gains,
        ahead: line.ahead,
        institution: line.institution.to_string(),
        person_role: line.role.map_or_else(String::new, |role| role.to_string()),
        people: line.people,
        kind: line.kind.map_or("card", RecordKind::as_str).to_owned(),
        group: line.group.to_owned(),
        records: line.records,
        learners: line.learners,
        few: false,
        about: line.about,
        examples: line.examples.iter().map(|id| id.as_str().to_owned()).collect(),
    }
}
