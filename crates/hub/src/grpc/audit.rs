//! The audit service: signed checkpoints and the proofs that tie them together.

use crate::status;
use commonroll_exchange::Exchange;
use commonroll_wire::{
    path_bytes,
    pb::audit::v1::{
        CheckpointRequest, CheckpointResponse, ProveRequest, ProveResponse,
        audit_service_server::AuditService,
    },
};
use tonic::{Request, Response, Status};

/// The service.
#[derive(Clone)]
pub(crate) struct Audit {
    pub exchange: Exchange,
}

#[tonic::async_trait]
impl AuditService for Audit {
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
}
