//! The audit service: signed checkpoints and proofs for agents, and the questions of those who answer for an institution.

use crate::{clock::Surroundings, status};
use bytes::Bytes;
use commonroll_core::{Invalid, LocalId, Role, Slug, Timestamp};
use commonroll_exchange::{
    Direction, Event, Exchange, Question, Reached, Reader, Saw, Sharing, Topic, Window,
};
use commonroll_wire::{
    path_bytes,
    pb::audit::v1::{
        self as pb, CheckpointRequest, CheckpointResponse, EventsRequest, EventsResponse, ProveRequest,
        ProveResponse, SharingRequest, SharingResponse, WhoSawRequest, WhoSawResponse,
        audit_service_server::AuditService,
    },
};
use tonic::{Request, Response, Status};

/// Lines in one message of an answer.
const LINES: usize = 500;

/// The service.
#[derive(Clone)]
pub(crate) struct Audit {
    pub exchange: Exchange,
    pub around: Surroundings,
}

type Lines<T> = tokio_stream::Iter<std::vec::IntoIter<Result<T, Status>>>;

#[tonic::async_trait]
impl AuditService for Audit {
    type WhoSawStream = Lines<WhoSawResponse>;
    type EventsStream = Lines<EventsResponse>;

    async fn checkpoint(
        &self,
        request: Request<CheckpointRequest>,
    ) -> Result<Response<CheckpointResponse>, Status> {
        super::speaker(&request)?;
        let answer = self.exchange.checkpoint(request.get_ref().old_size).await;
        let (checkpoint, proof) = answer.map_err(|_| status::unavailable())?;
        Ok(Response::new(CheckpointResponse { checkpoint, consistency: path_bytes(&proof) }))
    }

    async fn prove(&self, request: Request<ProveRequest>) -> Result<Response<ProveResponse>, Status> {
        let speaker = super::speaker(&request)?;
        let sequence = request.get_ref().sequence;
        let proof = self.exchange.prove_to(&speaker, sequence).await.map_err(status::of_speaker)?;
        Ok(Response::new(ProveResponse {
            entry: proof.entry.into(),
            path: path_bytes(&proof.path),
            checkpoint: proof.checkpoint,
        }))
    }

    async fn who_saw(&self, request: Request<WhoSawRequest>) -> Result<Response<Self::WhoSawStream>, Status> {
        let caller = super::person(&request)?;
        let asked = request.get_ref();
        let read = || {
            let learner = LocalId::parse("learner_local_id", &asked.learner_local_id)?;
            Ok((asked.role.parse::<Role>()?, learner, window(asked.window.as_ref())?))
        };
        let (role, learner, window) = read().map_err(|e: Invalid| status::invalid(&e))?;
        let asker = self.exchange.asker(&caller, role, Question::WhoSaw).map_err(status::of_speaker)?;
        let saw = self.exchange.who_saw(&asker, &learner, window, self.around.now()).await;
        let saw = saw.map_err(|error| status::of_ask(&error))?;
        let pieces: Vec<_> = saw
            .chunks(LINES)
            .map(|some| Ok(WhoSawResponse { saw: some.iter().map(write_saw).collect() }))
            .collect();
        Ok(Response::new(tokio_stream::iter(pieces)))
    }

    async fn sharing(&self, request: Request<SharingRequest>) -> Result<Response<SharingResponse>, Status> {
        let caller = super::person(&request)?;
        let asked = request.get_ref();
        let read = || {
            let of = asked.institution.parse::<Slug>()?;
            Ok((asked.role.parse::<Role>()?, of, window(asked.window.as_ref())?))
        };
        let (role, of, window) = read().map_err(|e: Invalid| status::invalid(&e))?;
        let direction = if asked.received { Direction::ReceivedBy } else { Direction::SharedBy };
        let asker = self.exchange.asker(&caller, role, Question::Sharing).map_err(status::of_speaker)?;
        let sums = self.exchange.sharing(&asker, (direction, &of), window, self.around.now()).await;
        let sums = sums.map_err(|error| status::of_ask(&error))?;
        Ok(Response::new(SharingResponse { sums: sums.iter().map(write_sum).collect() }))
    }

    async fn events(&self, request: Request<EventsRequest>) -> Result<Response<Self::EventsStream>, Status> {
        let caller = super::person(&request)?;
        let asked = request.get_ref();
        let read = || Ok((asked.role.parse::<Role>()?, topic(&asked.topic)?, window(asked.window.as_ref())?));
        let (role, topic, window) = read().map_err(|e: Invalid| status::invalid(&e))?;
        let question = Question::Events(topic);
        let asker = self.exchange.asker(&caller, role, question).map_err(status::of_speaker)?;
        let events = self.exchange.events(&asker, topic, window, self.around.now()).await;
        let events = events.map_err(|error| status::of_ask(&error))?;
        let pieces: Vec<_> = events
            .chunks(LINES)
            .map(|some| Ok(EventsResponse { events: some.iter().map(write_event).collect() }))
            .collect();
        Ok(Response::new(tokio_stream::iter(pieces)))
    }
}

fn window(window: Option<&pb::Window>) -> Result<Window, Invalid> {
    let instant = |field, us: i64| (us != 0).then(|| Timestamp::from_micros(field, us)).transpose();
    let Some(window) = window else { return Ok(Window::default()) };
    Ok(Window { from: instant("from_us", window.from_us)?, to: instant("to_us", window.to_us)? })
}

fn topic(word: &str) -> Result<Topic, Invalid> {
    match word {
        "refused" => Ok(Topic::Refused),
        "policy_changes" => Ok(Topic::PolicyChanges),
        "withdrawals" => Ok(Topic::Withdrawals),
        "exports" => Ok(Topic::Exports),
        _ => Err(Invalid::new("topic", "must be refused, policy_changes, exports or withdrawals")),
    }
}

pub(super) fn write_saw(saw: &Saw) -> pb::Saw {
    let (institution, person, person_role, purpose) = match &saw.reader {
        Reader::Institution(slug) => (slug.to_string(), String::new(), String::new(), String::new()),
        Reader::Person { id, role, institution, purpose } => {
            (institution.clone(), id.clone(), role.clone(), purpose.clone())
        }
    };
    let reached = match saw.reached {
        Reached::Acknowledged => "acknowledged",
        Reached::Waiting => "waiting",
        Reached::Withheld => "withheld",
        Reached::Read => "read",
    };
    pb::Saw {
        sequence: saw.sequence,
        at_us: saw.at.micros(),
        kinds: saw.kinds.clone(),
        record_id: saw.record.map_or_else(Bytes::new, |(id, _)| Bytes::copy_from_slice(&id.0)),
        revision: saw.record.map_or(0, |(_, revision)| revision),
        source: saw.source.as_ref().map_or_else(String::new, Slug::to_string),
        institution,
        person,
        person_role,
        purpose,
        groups: saw.groups.clone(),
        reached: reached.to_owned(),
        agreement: saw.agreement.clone().unwrap_or_default(),
        policy: saw.policy.clone(),
    }
}

fn write_sum(sum: &Sharing) -> pb::Sum {
    pb::Sum {
        partner: sum.partner.to_string(),
        kind: sum.kind.as_str().to_owned(),
        groups: sum.groups.clone(),
        records: sum.records,
        withdrawn: sum.withdrawn,
        learners: sum.learners,
        first_us: sum.between.0.micros(),
        last_us: sum.between.1.micros(),
    }
}

fn write_event(event: &Event) -> pb::Event {
    pb::Event {
        sequence: event.sequence,
        at_us: event.at.micros(),
        what: event.what.clone(),
        by: event.by.clone(),
        more_json: event.more.to_string(),
    }
}
