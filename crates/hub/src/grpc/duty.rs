//! The duty service: erasure, retention, packs and leaving, for people. It reads, asks the exchange once, and answers.
//! Packs are streamed as they are made: a slow reader slows the making, and costs no memory.

use super::outlet::{Responses, outlet};
use crate::{clock::Surroundings, doors::connection::Peer, settings::Limits, status};
use bytes::Bytes;
use commonroll_core::{Invalid, LocalId, PersonId, RecordId, RecordKind, Role, Timestamp};
use commonroll_exchange::{
    Acting, AgentId, BreachBy, BreachSpan, Erasing, ErasureReason, Exchange, Keeping, Pack, RetentionRule,
    RetentionSeen,
};
use commonroll_wire::pb::duty::v1::{
    self as pb, BreachPackRequest, BreachPackResponse, EndMembershipRequest, EndMembershipResponse,
    EraseRequest, EraseResponse, ExitPackRequest, ExitPackResponse, PackPiece, RetentionRequest,
    RetentionResponse, SetRetentionRequest, SetRetentionResponse, duty_service_server::DutyService,
};
use tonic::{Request, Response, Status};

/// Pieces that wait for the reader: one, beside the one that is being written.
const PIECES_WAITING: usize = 1;

/// The service.
#[derive(Clone)]
pub(crate) struct Duty {
    pub exchange: Exchange,
    pub around: Surroundings,
    pub limits: Limits,
}

#[tonic::async_trait]
impl DutyService for Duty {
    type BreachPackStream = Responses<BreachPackResponse>;
    type ExitPackStream = Responses<ExitPackResponse>;

    async fn breach_pack(
        &self,
        request: Request<BreachPackRequest>,
    ) -> Result<Response<Self::BreachPackStream>, Status> {
        let (speaker, peer) = (super::person(&request)?, super::peer(&request)?);
        let asked = request.get_ref();
        let read = || Ok((asked.role.parse::<Role>()?, span(asked)?, by(asked)?));
        let (role, span, by) = read().map_err(|e: Invalid| status::invalid(&e))?;
        let acting = Acting { speaker: &speaker, role };
        let pack = self.exchange.breach_pack(acting, span, &by, self.around.now()).await;
        let pack = pack.map_err(|error| status::of_law(&error))?;
        let wrap = |piece| BreachPackResponse { piece: Some(piece) };
        Ok(Response::new(self.hand_out(pack, &peer, wrap)))
    }

    async fn exit_pack(
        &self,
        request: Request<ExitPackRequest>,
    ) -> Result<Response<Self::ExitPackStream>, Status> {
        let (speaker, peer) = (super::person(&request)?, super::peer(&request)?);
        let role = request.get_ref().role.parse::<Role>().map_err(|e| status::invalid(&e))?;
        let pack = self.exchange.exit_pack(Acting { speaker: &speaker, role }, self.around.now()).await;
        let pack = pack.map_err(|error| status::of_law(&error))?;
        let wrap = |piece| ExitPackResponse { piece: Some(piece) };
        Ok(Response::new(self.hand_out(pack, &peer, wrap)))
    }

    async fn end_membership(
        &self,
        request: Request<EndMembershipRequest>,
    ) -> Result<Response<EndMembershipResponse>, Status> {
        let speaker = super::person(&request)?;
        let asked = request.get_ref();
        let read = || {
            let signature = <[u8; 64]>::try_from(&asked.signature[..]);
            let signature = signature.map_err(|_| Invalid::new("signature", "must have 64 bytes"))?;
            Ok((asked.role.parse::<Role>()?, signature))
        };
        let (role, signature) = read().map_err(|e: Invalid| status::invalid(&e))?;
        let acting = Acting { speaker: &speaker, role };
        let ended = self.exchange.end_membership(acting, signature, self.around.now()).await;
        let ended = ended.map_err(|error| status::of_law(&error))?;
        Ok(Response::new(EndMembershipResponse { placements: ended.placements, access: ended.access }))
    }

    async fn erase(&self, request: Request<EraseRequest>) -> Result<Response<EraseResponse>, Status> {
        let speaker = super::person(&request)?;
        let asked = request.get_ref();
        let read =
            || Ok((asked.role.parse::<Role>()?, erasing(asked)?, asked.reason.parse::<ErasureReason>()?));
        let (role, what, reason) = read().map_err(|e: Invalid| status::invalid(&e))?;
        let acting = Acting { speaker: &speaker, role };
        let flags = (!asked.hub_only, asked.forget);
        let erased = self.exchange.erase(acting, &what, reason, flags, self.around.now()).await;
        let erased = erased.map_err(|error| status::of_law(&error))?;
        Ok(Response::new(EraseResponse {
            records: erased.records,
            directory_entries: erased.directory,
            notices: erased.notices,
            copies: erased.copies,
            done: erased.done,
            others: erased.others,
        }))
    }

    async fn retention(
        &self,
        request: Request<RetentionRequest>,
    ) -> Result<Response<RetentionResponse>, Status> {
        let speaker = super::person(&request)?;
        let role = request.get_ref().role.parse::<Role>().map_err(|e| status::invalid(&e))?;
        let seen = self.exchange.retention(Acting { speaker: &speaker, role }).map_err(status::of_speaker)?;
        Ok(Response::new(RetentionResponse { kinds: seen.iter().map(write_seen).collect() }))
    }

    async fn set_retention(
        &self,
        request: Request<SetRetentionRequest>,
    ) -> Result<Response<SetRetentionResponse>, Status> {
        let speaker = super::person(&request)?;
        let asked = request.get_ref();
        let read = || Ok((asked.role.parse::<Role>()?, asked.kind.parse::<RecordKind>()?));
        let (role, kind) = read().map_err(|e: Invalid| status::invalid(&e))?;
        let keeping = asked.keeping.map(|k| Keeping { days: k.days, even_waiting: k.even_waiting });
        let (acting, rule) = (Acting { speaker: &speaker, role }, RetentionRule { kind, keeping });
        let in_force = self.exchange.set_retention(acting, rule, self.around.now()).await;
        let in_force = in_force.map_err(|error| status::of_law(&error))?;
        Ok(Response::new(SetRetentionResponse { in_force }))
    }
}

impl Duty {
    /// A pack as a stream of messages; a reader who takes nothing for too long is cut, as on other streams.
    fn hand_out<T: Send + 'static>(
        &self,
        mut pack: Pack,
        peer: &Peer,
        wrap: fn(PackPiece) -> T,
    ) -> Responses<T> {
        let (outlet, responses) = outlet(PIECES_WAITING, self.limits.stalled(), peer.0.cut.clone());
        tokio::spawn(async move {
            loop {
                let next = tokio::select! {
                    biased;
                    () = outlet.closed() => return,
                    next = pack.next() => next,
                };
                match next {
                    None => return,
                    Some(Err(error)) => return outlet.finish(status::of_ask(&error)).await,
                    Some(Ok(piece)) => {
                        let piece = PackPiece { file: piece.file, content: piece.bytes.into() };
                        if outlet.send(wrap(piece)).await.is_err() {
                            return;
                        }
                    }
                }
            }
        });
        responses
    }
}

fn span(asked: &BreachPackRequest) -> Result<BreachSpan, Invalid> {
    let from = Timestamp::from_micros("from_us", asked.from_us)?;
    let to = Timestamp::from_micros("to_us", asked.to_us)?;
    let known = Timestamp::from_micros("known_us", asked.known_us)?;
    Ok(BreachSpan { between: (from, to), known, drill: asked.drill })
}

fn by(asked: &BreachPackRequest) -> Result<BreachBy, Invalid> {
    let id = |field, bytes: &[u8]| {
        let id = <[u8; 16]>::try_from(bytes).map_err(|_| Invalid::new(field, "must have 16 bytes"));
        if bytes.is_empty() { Ok(None) } else { id.map(Some) }
    };
    let institution = (!asked.institution.is_empty()).then(|| asked.institution.parse()).transpose()?;
    Ok(BreachBy {
        agent: id("agent_id", &asked.agent_id)?.map(AgentId),
        person: id("person_id", &asked.person_id)?.map(PersonId),
        institution,
    })
}

fn erasing(asked: &EraseRequest) -> Result<Erasing, Invalid> {
    match (asked.learner_local_id.is_empty(), asked.record_id.is_empty()) {
        (false, true) => LocalId::parse("learner_local_id", &asked.learner_local_id).map(Erasing::Learner),
        (true, false) if !asked.forget => {
            let id = <[u8; 16]>::try_from(&asked.record_id[..]);
            id.map(|id| Erasing::Record(RecordId(id)))
                .map_err(|_| Invalid::new("record_id", "must have 16 bytes"))
        }
        (true, false) => Err(Invalid::new("forget", "is for a learner, not for a record")),
        _ => Err(Invalid::new("learner_local_id", "must be given, or record_id, and not both")),
    }
}

fn write_keeping(keeping: Keeping) -> pb::Keeping {
    pb::Keeping { days: keeping.days, even_waiting: keeping.even_waiting }
}

fn write_seen(seen: &RetentionSeen) -> pb::KindRetention {
    pb::KindRetention {
        kind: seen.kind.as_str().to_owned(),
        set: seen.set.map(write_keeping),
        asked: seen.asked.map(|(keeping, by)| pb::AskedKeeping {
            keeping: keeping.map(write_keeping),
            person_id: Bytes::copy_from_slice(&by.0),
        }),
        agreed: seen
            .agreed
            .iter()
            .map(|(agreement, version, partner, days)| pb::AgreedKeeping {
                agreement: agreement.clone(),
                version: *version,
                partner: partner.to_string(),
                days: *days,
            })
            .collect(),
    }
}
