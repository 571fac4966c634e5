//! The enrolment service, on the join door: a one-time invitation becomes an agent or a person, and they get their next
//! certificate by a signature of the enrolled key, however long the last one has been expired.
//!
//! What an invitation allows is decided in `exchange`; here the request is checked before it is used up.

use super::{convert::exactly, peer};
use crate::{
    authority::{Authority, AuthorityError, Caller, CertificateRequest},
    clock::{Surroundings, draw},
    status,
};
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use bytes::Bytes;
use commonroll_core::{Invalid, PersonId, Timestamp};
use commonroll_exchange::{AgentId, Exchange};
use commonroll_wire::{
    pb::enrolment::v1::{
        JoinRequest, JoinResponse, RenewRequest, RenewResponse, enrolment_service_server::EnrolmentService,
    },
    renewal_text,
};
use std::{sync::Arc, time::Duration};
use tonic::{Request, Response, Status};

/// How far a renewal's time may lie from the hub's clock, in microseconds.
const CLOCKS_APART: u64 = 600_000_000;
/// Bytes of a code or a version text.
const TEXT_MAX: usize = 200;

/// The service.
#[derive(Clone)]
pub(crate) struct Enrolment {
    pub exchange: Exchange,
    pub authority: Arc<Authority>,
    pub around: Surroundings,
    pub certificate_life: Duration,
}

#[tonic::async_trait]
impl EnrolmentService for Enrolment {
    async fn join(&self, request: Request<JoinRequest>) -> Result<Response<JoinResponse>, Status> {
        let (address, now) = (peer(&request)?.0.address, self.now()?);
        let message = request.into_inner();
        if message.code.len() > TEXT_MAX || message.agent_version.len() > TEXT_MAX {
            let broken = Invalid::new("code", "code and agent_version must have at most 200 bytes each");
            return Err(status::invalid(&broken));
        }
        let certificate_request = read_request(&message.certificate_request)?;
        let signing_key = exactly("signing_key", &message.signing_key, "must have exactly 32 bytes");
        let signing_key: [u8; 32] = signing_key.map_err(|e| status::invalid(&e))?;
        let mut id: [u8; 16] = draw(self.around.random.as_ref());
        id[6] = (id[6] & 0x0f) | 0x40; // a version 4 UUID
        id[8] = (id[8] & 0x3f) | 0x80;
        let mut answer = JoinResponse { authority: self.authority_bytes(), ..JoinResponse::default() };
        answer.log_key = self.exchange.log_key();
        if message.person {
            let joined = self.exchange.join_person(&message.code, PersonId(id), signing_key, address, now);
            let joined = joined.await.map_err(status::of_join)?;
            tracing::info!(institution = %joined.institution, person = %PersonId(id), "person joined");
            answer.person_id = Bytes::copy_from_slice(&id);
            answer.institution = joined.institution.to_string();
            answer.roles = joined.roles.iter().map(ToString::to_string).collect();
            answer.certificate = self.sign(Caller::Person(id), &certificate_request, now)?;
        } else {
            let joined = self.exchange.join(&message.code, AgentId(id), signing_key, address, now);
            let institution = joined.await.map_err(status::of_join)?;
            tracing::info!(%institution, agent = %AgentId(id), "agent joined");
            answer.agent_id = Bytes::copy_from_slice(&id);
            answer.institution = institution.to_string();
            answer.certificate = self.sign(Caller::Agent(id), &certificate_request, now)?;
        }
        Ok(Response::new(answer))
    }

    async fn renew(&self, request: Request<RenewRequest>) -> Result<Response<RenewResponse>, Status> {
        peer(&request)?;
        let now = self.now()?;
        let message = request.into_inner();
        let caller = read_caller(&message).map_err(|e| status::invalid(&e))?;
        let certificate_request = read_request(&message.certificate_request)?;
        if now.micros().abs_diff(message.made_at_us) > CLOCKS_APART {
            let rule = "must lie within 10 minutes of the hub's clock; set this machine's clock";
            return Err(status::invalid(&Invalid::new("made_at_us", rule)));
        }
        let (Caller::Agent(id) | Caller::Person(id)) = caller;
        let text = renewal_text(&id, message.made_at_us, &message.certificate_request);
        let proven = |key: &[u8; 32]| {
            UnparsedPublicKey::new(&ED25519, key).verify(text.as_bytes(), &message.signature).is_ok()
        };
        let renewed = match caller {
            Caller::Agent(id) => self.exchange.renewal(AgentId(id), proven, now).await,
            Caller::Person(id) => self.exchange.renew_person(PersonId(id), proven, now).await,
        };
        let institution = renewed.map_err(status::of_join)?;
        tracing::info!(%institution, caller = caller.uri(), "certificate renewed");
        Ok(Response::new(RenewResponse {
            certificate: self.sign(caller, &certificate_request, now)?,
            authority: self.authority_bytes(),
        }))
    }
}

impl Enrolment {
    /// Now, if the clock can be believed.
    fn now(&self) -> Result<Timestamp, Status> {
        let now = self.around.now();
        self.exchange.clock_holds(now).map_err(status::clock_ahead)?;
        Ok(now)
    }

    fn sign(&self, caller: Caller, request: &CertificateRequest, now: Timestamp) -> Result<Bytes, Status> {
        let random = self.around.random.as_ref();
        let signed = self.authority.client_certificate(caller, request, self.certificate_life, now, random);
        let certificate = signed.map_err(|error| {
            tracing::error!(%error, "could not sign a client certificate");
            status::unavailable()
        })?;
        Ok(Bytes::copy_from_slice(&certificate))
    }

    fn authority_bytes(&self) -> Bytes {
        Bytes::copy_from_slice(self.authority.certificate())
    }
}

/// Who renews: exactly one of the two ids is given.
fn read_caller(message: &RenewRequest) -> Result<Caller, Invalid> {
    match (message.agent_id.is_empty(), message.person_id.is_empty()) {
        (_, true) => exactly("agent_id", &message.agent_id, "must have exactly 16 bytes").map(Caller::Agent),
        (true, false) => {
            exactly("person_id", &message.person_id, "must have exactly 16 bytes").map(Caller::Person)
        }
        (false, false) => Err(Invalid::new("person_id", "must be empty where agent_id is given")),
    }
}

fn read_request(der: &[u8]) -> Result<CertificateRequest, Status> {
    CertificateRequest::from_der(der).map_err(|error| match error {
        AuthorityError::Request(rule) => status::invalid(&Invalid::new("certificate_request", rule)),
        _ => status::unavailable(),
    })
}
