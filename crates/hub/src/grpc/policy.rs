//! The policy service: the rules in force, and how people change them. Read, call the exchange once, answer.

use super::{convert::exactly, explain as asked, person, trial};
use crate::{clock::Surroundings, status};
use bytes::Bytes;
use commonroll_core::{Invalid, Role};
use commonroll_exchange::{Acting, Approval, Exchange, PolicyProposal, Proposal};
use commonroll_wire::pb::policy::v1::{
    self as pb, ActivateRequest, ActivateResponse, ApproveRequest, ApproveResponse, ExplainRequest,
    ExplainResponse, InForceRequest, InForceResponse, PolicyFile, ProposalsRequest, ProposalsResponse,
    ProposeRequest, ProposeResponse, TryRequest, TryResponse, policy_service_server::PolicyService,
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

const HASH: &str = "must have exactly 32 bytes";
const SIGNATURE: &str = "must have exactly 64 bytes";

/// The service.
#[derive(Clone)]
pub(crate) struct Policies {
    pub exchange: Exchange,
    pub around: Surroundings,
}

#[tonic::async_trait]
impl PolicyService for Policies {
    type TryStream = ReceiverStream<Result<TryResponse, Status>>;

    async fn r#try(&self, request: Request<TryRequest>) -> Result<Response<Self::TryStream>, Status> {
        let caller = person(&request)?;
        let (role, trial) = trial::read(request.get_ref()).map_err(|e| status::invalid(&e))?;
        let (sender, receiver) = mpsc::channel(trial::WAITING);
        tokio::spawn(trial::run(self.exchange.clone(), (caller, role), trial, self.around.now(), sender));
        Ok(Response::new(ReceiverStream::new(receiver)))
    }

    async fn in_force(&self, request: Request<InForceRequest>) -> Result<Response<InForceResponse>, Status> {
        let caller = person(&request)?;
        let asked = request.get_ref();
        let role = asked.role.parse::<Role>().map_err(|e| status::invalid(&e))?;
        let set = self.exchange.policy_set(Acting { speaker: &caller, role });
        let (set, approvals) = set.map_err(status::of_speaker)?;
        let files = set.texts().iter().filter(|_| asked.with_files).map(file);
        Ok(Response::new(InForceResponse {
            policy_hash: Bytes::copy_from_slice(&set.hash()),
            files: files.collect(),
            approvals: approvals.iter().map(write_approval).collect(),
        }))
    }

    async fn proposals(
        &self,
        request: Request<ProposalsRequest>,
    ) -> Result<Response<ProposalsResponse>, Status> {
        let caller = person(&request)?;
        let asked = request.get_ref();
        let read = || {
            let only = Some(&asked.proposal_id).filter(|id| !id.is_empty());
            let only = only.map(|id| exactly::<32>("proposal_id", id, HASH)).transpose()?;
            Ok((asked.role.parse::<Role>()?, only))
        };
        let (role, only) = read().map_err(|e: Invalid| status::invalid(&e))?;
        let held = self.exchange.policy_proposals(Acting { speaker: &caller, role });
        let held = held.map_err(status::of_speaker)?;
        let shown = held.iter().filter(|(held, _)| only.is_none_or(|id| held.id.0 == id));
        let proposals = shown.map(|(held, open)| write_proposal(held, *open, only.is_some())).collect();
        Ok(Response::new(ProposalsResponse { proposals }))
    }

    async fn propose(&self, request: Request<ProposeRequest>) -> Result<Response<ProposeResponse>, Status> {
        let caller = person(&request)?;
        let asked = request.into_inner();
        let read = || {
            let from = exactly("from_hash", &asked.from_hash, HASH)?;
            let nonce = exactly("nonce", &asked.nonce, "must have exactly 16 bytes")?;
            let signature = exactly("signature", &asked.signature, SIGNATURE)?;
            let proposal = PolicyProposal::of_files(files(&asked.files), from, nonce, signature)?;
            Ok((asked.role.parse::<Role>()?, proposal))
        };
        let (role, proposal) = read().map_err(|e: Invalid| status::invalid(&e))?;
        let acting = Acting { speaker: &caller, role };
        let made = self.exchange.propose_policy(acting, proposal, self.around.now()).await;
        let made = made.map_err(|error| status::of_law(&error))?;
        Ok(Response::new(ProposeResponse {
            proposal_id: Bytes::copy_from_slice(&made.id),
            widens: made.comparison.kind().widens(),
            needs_second: made.needs_second(),
            changes: made.comparison.to_string(),
        }))
    }

    async fn approve(&self, request: Request<ApproveRequest>) -> Result<Response<ApproveResponse>, Status> {
        let caller = person(&request)?;
        let asked = request.get_ref();
        let read = || {
            let id = exactly("proposal_id", &asked.proposal_id, HASH)?;
            Ok((asked.role.parse::<Role>()?, id, exactly("signature", &asked.signature, SIGNATURE)?))
        };
        let (role, id, signature) = read().map_err(|e: Invalid| status::invalid(&e))?;
        let acting = Acting { speaker: &caller, role };
        let done = self.exchange.approve_policy(acting, id, signature, self.around.now());
        done.await.map_err(|error| status::of_law(&error))?;
        Ok(Response::new(ApproveResponse {}))
    }

    async fn activate(
        &self,
        request: Request<ActivateRequest>,
    ) -> Result<Response<ActivateResponse>, Status> {
        let caller = person(&request)?;
        let asked = request.get_ref();
        let read = || Ok((asked.role.parse::<Role>()?, exactly("proposal_id", &asked.proposal_id, HASH)?));
        let (role, id) = read().map_err(|e: Invalid| status::invalid(&e))?;
        let done = self.exchange.activate_policy(Acting { speaker: &caller, role }, id, self.around.now());
        done.await.map_err(|error| status::of_law(&error))?;
        Ok(Response::new(ActivateResponse {}))
    }

    async fn explain(&self, request: Request<ExplainRequest>) -> Result<Response<ExplainResponse>, Status> {
        let caller = person(&request)?;
        let (role, whom, which) = asked::read(request.get_ref()).map_err(|e| status::invalid(&e))?;
        let acting = Acting { speaker: &caller, role };
        let explained = self.exchange.explain(acting, &whom, &which, self.around.now()).await;
        let explained = explained.map_err(|error| status::of_ask(&error))?;
        let explained = explained.iter().map(|one| asked::write(one, &which)).collect();
        Ok(Response::new(ExplainResponse { explained }))
    }
}

/// The files of a request, as they were sent.
pub(super) fn files(files: &[PolicyFile]) -> impl Iterator<Item = (&str, &str)> {
    files.iter().map(|file| (file.name.as_str(), file.text.as_str()))
}

fn file((name, text): (&str, &str)) -> PolicyFile {
    PolicyFile { name: name.to_owned(), text: text.to_owned() }
}

fn write_approval(approval: &Approval) -> pb::Approval {
    pb::Approval {
        person_id: Bytes::copy_from_slice(&approval.person.0),
        institution: approval.institution.to_string(),
        role: approval.role.to_string(),
        at_us: approval.at.micros(),
        signature: Bytes::copy_from_slice(&approval.signature),
    }
}

fn write_proposal(held: &Proposal, open: bool, with_files: bool) -> pb::Proposal {
    let state = match (held.used, open) {
        (true, _) => "used",
        (_, true) => "open",
        _ => "outdated",
    };
    let files = held.texts.iter().filter(|_| with_files).map(|(name, text)| file((name, text)));
    pb::Proposal {
        proposal_id: Bytes::copy_from_slice(&held.id.0),
        from_hash: Bytes::copy_from_slice(&held.from.0),
        to_hash: Bytes::copy_from_slice(&held.to.0),
        nonce: held.nonce.map_or_else(Bytes::new, |nonce| Bytes::copy_from_slice(&nonce.0)),
        widens: held.widens,
        needs_second: held.needs_second(),
        changes: held.changes.clone(),
        proposed: Some(write_approval(&held.by)),
        approvals: held.approvals.iter().map(write_approval).collect(),
        state: state.to_owned(),
        files: files.collect(),
    }
}
