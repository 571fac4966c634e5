//! The agreement service: texts that heads sign. Read, call the exchange once, answer.

use super::{convert::exactly, person};
use crate::{clock::Surroundings, status};
use bytes::Bytes;
use commonroll_core::{Invalid, Role, SchoolDate};
use commonroll_exchange::{Acting, AgreementSeen, Exchange, Standing};
use commonroll_wire::pb::agreement::v1::{
    self as pb, EndRequest, EndResponse, ListRequest, ListResponse, ProposeRequest, ProposeResponse,
    SignRequest, SignResponse, agreement_service_server::AgreementService,
};
use tonic::{Request, Response, Status};

const HASH: &str = "must have exactly 32 bytes";
const SIGNATURE: &str = "must have exactly 64 bytes";

/// The service.
#[derive(Clone)]
pub(crate) struct Agreements {
    pub exchange: Exchange,
    pub around: Surroundings,
}

#[tonic::async_trait]
impl AgreementService for Agreements {
    async fn list(&self, request: Request<ListRequest>) -> Result<Response<ListResponse>, Status> {
        let caller = person(&request)?;
        let asked = request.get_ref();
        let read = || {
            let only = Some(&asked.agreement_hash).filter(|hash| !hash.is_empty());
            let only = only.map(|hash| exactly::<32>("agreement_hash", hash, HASH)).transpose()?;
            Ok((asked.role.parse::<Role>()?, only))
        };
        let (role, only) = read().map_err(|e: Invalid| status::invalid(&e))?;
        let acting = Acting { speaker: &caller, role };
        let mut seen = self.exchange.agreements(acting, self.around.now()).map_err(status::of_speaker)?;
        seen.retain(|one| only.is_none_or(|hash| one.signed.hash == hash));
        let agreements = seen.iter().map(|one| write(one, only.is_some())).collect();
        Ok(Response::new(ListResponse { agreements }))
    }

    async fn propose(&self, request: Request<ProposeRequest>) -> Result<Response<ProposeResponse>, Status> {
        let caller = person(&request)?;
        let asked = request.get_ref();
        let role = asked.role.parse::<Role>().map_err(|e| status::invalid(&e))?;
        let acting = Acting { speaker: &caller, role };
        let hash = self.exchange.propose_agreement(acting, &asked.text, self.around.now()).await;
        let hash = hash.map_err(|error| status::of_law(&error))?;
        Ok(Response::new(ProposeResponse { agreement_hash: Bytes::copy_from_slice(&hash) }))
    }

    async fn sign(&self, request: Request<SignRequest>) -> Result<Response<SignResponse>, Status> {
        let caller = person(&request)?;
        let asked = request.get_ref();
        let read = || {
            let hash = exactly("agreement_hash", &asked.agreement_hash, HASH)?;
            Ok((asked.role.parse::<Role>()?, hash, exactly("signature", &asked.signature, SIGNATURE)?))
        };
        let (role, hash, signature) = read().map_err(|e: Invalid| status::invalid(&e))?;
        let acting = Acting { speaker: &caller, role };
        let standing = self.exchange.sign_agreement(acting, hash, signature, self.around.now()).await;
        let standing = standing.map_err(|error| status::of_law(&error))?;
        Ok(Response::new(SignResponse { standing: word(standing).to_owned() }))
    }

    async fn end(&self, request: Request<EndRequest>) -> Result<Response<EndResponse>, Status> {
        let caller = person(&request)?;
        let asked = request.get_ref();
        let read = || {
            let hash = exactly("agreement_hash", &asked.agreement_hash, HASH)?;
            let on = Some(asked.on_date.as_str()).filter(|on| !on.is_empty());
            let on = on.map(|on| SchoolDate::parse("on_date", on)).transpose()?;
            Ok((asked.role.parse::<Role>()?, hash, on, exactly("signature", &asked.signature, SIGNATURE)?))
        };
        let (role, hash, on, signature) = read().map_err(|e: Invalid| status::invalid(&e))?;
        let acting = Acting { speaker: &caller, role };
        let ended = self.exchange.end_agreement(acting, hash, (on, signature), self.around.now());
        ended.await.map_err(|error| status::of_law(&error))?;
        Ok(Response::new(EndResponse {}))
    }
}

fn word(standing: Standing) -> &'static str {
    match standing {
        Standing::Proposed => "proposed",
        Standing::Signed => "signed",
        Standing::Complete => "complete",
        Standing::Ended => "ended",
    }
}

fn write(seen: &AgreementSeen, with_text: bool) -> pb::AgreementText {
    let (signed, terms) = (&seen.signed, &seen.signed.terms);
    let signatures = signed.signatures.iter().map(|signature| pb::PartySignature {
        institution: signature.institution.to_string(),
        person_id: Bytes::copy_from_slice(&signature.person.0),
        role: signature.role.to_string(),
        at_us: signature.at.micros(),
        signature: Bytes::copy_from_slice(&signature.signature),
    });
    pb::AgreementText {
        agreement_hash: Bytes::copy_from_slice(&signed.hash),
        id: terms.id.to_string(),
        version: terms.version,
        parties: terms.parties.iter().map(ToString::to_string).collect(),
        first_date: terms.first_date.to_string(),
        last_date: terms.last_date.to_string(),
        standing: word(signed.standing).to_owned(),
        in_force: seen.in_force,
        signatures: signatures.collect(),
        ended_on: signed.ended.as_ref().map_or_else(String::new, |ending| ending.on.to_string()),
        text: if with_text { signed.text.clone() } else { String::new() },
    }
}
