//! One publish stream: several batches on their way at a time, answered in order, each once it is durable.
//!
//! Who is speaking is asked again at every batch, and twice a second while the stream is idle, so that a revoked agent
//! loses its stream within a second. At a stop, what was taken is answered and the rest is UNAVAILABLE.

use super::{
    convert,
    exchange::ExchangeDoor,
    outlet::{Gone, Outlet, Responses, outlet},
};
use crate::{doors::connection::Peer, limits::Place, metrics::Raised, settings::Limits, status};
use commonroll_exchange::{BatchAnswer, RecordAnswer, Speaker};
use commonroll_wire::pb::exchange::v1::{PublishRequest, PublishResponse};
use futures_util::{StreamExt, future::BoxFuture, stream::FuturesOrdered};
use prost::Message;
use std::time::{Duration, Instant};
use tokio::time::{MissedTickBehavior, interval};
use tonic::{Status, Streaming};

/// How often an idle stream asks whether its agent may still speak.
const STILL_ALLOWED: Duration = Duration::from_millis(500);
/// Bytes of one stream's batches on their way at a time.
const BYTES_IN_FLIGHT: usize = 4 * 1024 * 1024;

/// Ends of a publish stream's answers.
pub(super) fn outlet_of(
    limits: &Limits,
    peer: &Peer,
) -> (Outlet<PublishResponse>, Responses<PublishResponse>) {
    outlet(limits.batches_in_flight as usize, limits.stalled(), peer.0.cut.clone())
}

/// One stream from its first message to its end.
pub(super) struct PublishStream {
    pub door: ExchangeDoor,
    pub speaker: Speaker,
    pub outlet: Outlet<PublishResponse>,
    pub _place: Place,
}

/// A batch that was taken, and how it ended.
struct Landed {
    bytes: usize,
    answer: Result<PublishResponse, Status>,
}

/// Why a stream takes no further batch.
enum Ending {
    /// The agent has sent all it wants.
    Done,
    /// The stream ends with this error once earlier batches are answered.
    Status(Status),
}

impl PublishStream {
    pub async fn run(self, mut incoming: Streaming<PublishRequest>) {
        let _raised = Raised::new(&self.door.metrics.publishing);
        // The agent may come from another node: what it published there must be known before it is told where to go on.
        let _ = self.door.exchange.follow(Duration::ZERO).await;
        let next_batch_number = self.door.exchange.next_batch(&self.speaker);
        let greeting = PublishResponse { batch_number: 0, results: Vec::new(), next_batch_number };
        if self.outlet.send(greeting).await.is_err() {
            return;
        }
        match self.serve(&mut incoming).await {
            Ok(None) => {}
            Err(gone) => self.door.metrics.gone(gone),
            Ok(Some(status)) => {
                self.door.metrics.refused_call(status.code());
                self.outlet.finish(status).await;
            }
        }
    }

    /// Takes and answers batches until the end, which is an error to tell or nothing.
    async fn serve(&self, incoming: &mut Streaming<PublishRequest>) -> Result<Option<Status>, Gone> {
        let most = self.door.limits.batches_in_flight as usize;
        let mut flights: FuturesOrdered<BoxFuture<'_, Landed>> = FuturesOrdered::new();
        let mut bytes = 0;
        let mut ending = None;
        let mut still_allowed = interval(STILL_ALLOWED);
        still_allowed.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            if let (Some(ending), true) = (&ending, flights.is_empty()) {
                return Ok(match ending {
                    Ending::Done => None,
                    Ending::Status(status) => Some(status.clone()),
                });
            }
            let room = ending.is_none() && flights.len() < most && bytes < BYTES_IN_FLIGHT;
            tokio::select! {
                biased;
                () = self.outlet.closed() => return Err(Gone::Away),
                Some(landed) = flights.next(), if !flights.is_empty() => {
                    bytes -= landed.bytes;
                    match landed.answer {
                        Ok(answer) => self.outlet.send(answer).await?,
                        Err(status) => return Ok(Some(status)),
                    }
                }
                () = self.door.stopping.cancelled(), if ending.is_none() => {
                    ending = Some(Ending::Status(status::stopping()));
                }
                _ = still_allowed.tick() => {
                    if self.door.exchange.speaker(self.speaker.agent()).is_err() {
                        return Ok(Some(status::stranger()));
                    }
                }
                message = incoming.message(), if room => match message {
                    Ok(Some(batch)) => {
                        let size = batch.encoded_len();
                        bytes += size;
                        flights.push_back(Box::pin(self.land(batch, size)));
                    }
                    Ok(None) => ending = Some(Ending::Done),
                    Err(said) => ending = Some(Ending::Status(status::of_transport(&said).unwrap_or(said))),
                }
            }
        }
    }

    async fn land(&self, batch: PublishRequest, bytes: usize) -> Landed {
        let began = Instant::now();
        let answer = self.publish(batch).await;
        if answer.is_ok() {
            self.door.metrics.published(began.elapsed());
        }
        Landed { bytes, answer }
    }

    async fn publish(&self, batch: PublishRequest) -> Result<PublishResponse, Status> {
        let exchange = &self.door.exchange;
        let speaker = exchange.speaker(self.speaker.agent()).map_err(|_| status::stranger())?;
        let share = self.door.shares.records(speaker.institution(), batch.records.len());
        share.map_err(|retry| {
            status::too_much("more records a second than agreed; wait and send again", retry)
        })?;
        let batch = convert::batch(batch).map_err(|broken| status::invalid(&broken))?;
        let kinds = convert::kinds(&batch);
        let answer =
            exchange.publish(&speaker, batch, self.door.around.now()).await.map_err(status::of_publish)?;
        self.count(&answer, &kinds);
        Ok(convert::batch_answer(answer))
    }

    /// Counts by outcome, kind and code; alike ones are added up first, since a batch has up to 1,000.
    fn count(&self, answer: &BatchAnswer, kinds: &[&'static str]) {
        // A batch has few sorts, so a short list is found through sooner than a map.
        let mut outcomes: Vec<((&'static str, &'static str), u64)> = Vec::new();
        let mut refusals: Vec<(&'static str, u64)> = Vec::new();
        for (result, kind) in answer.results.iter().zip(kinds) {
            let outcome = match result {
                // The exchange counts these where they become durable, whether or not the stream lives to hear of it.
                RecordAnswer::Accepted { .. } => continue,
                RecordAnswer::Duplicate { .. } => "duplicate",
                RecordAnswer::Rejected { code, .. } => {
                    add(&mut refusals, *code);
                    "rejected"
                }
            };
            add(&mut outcomes, (outcome, *kind));
        }
        let metrics = &self.door.metrics;
        for ((outcome, kind), count) in outcomes {
            let labels = [("outcome", outcome), ("kind", kind)];
            metrics.counter("commonroll_records_total", &labels).increment(count);
        }
        for (code, count) in refusals {
            metrics.counter("commonroll_refusals_total", &[("code", code)]).increment(count);
        }
    }
}

/// Counts one more of a sort.
fn add<T: PartialEq>(counts: &mut Vec<(T, u64)>, sort: T) {
    match counts.iter_mut().find(|(held, _)| *held == sort) {
        Some((_, count)) => *count += 1,
        None => counts.push((sort, 1)),
    }
}
