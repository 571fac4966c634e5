//! The directory service: what institutions declare about themselves, and what of it concerns the caller.

use super::speaker;
use crate::{clock::Surroundings, status};
use bytes::Bytes;
use commonroll_core::{Invalid, Slug, Timestamp};
use commonroll_exchange::{DeclareResult, Exchange, Speaker};
use commonroll_wire::{
    DeclarationAnswer, Refusal,
    pb::directory::v1::{
        self as pb, DeclareRequest, DeclareResponse, OverviewRequest, OverviewResponse, SigningKey,
        SigningKeysRequest, SigningKeysResponse, directory_service_server::DirectoryService,
    },
    read_declaration, write_declaration_answer,
};
use std::time::Duration;
use tonic::{Request, Response, Status};

/// Declarations of one call.
const DECLARATIONS_MAX: usize = 1_000;

/// The service.
#[derive(Clone)]
pub(crate) struct Directory {
    pub exchange: Exchange,
    pub around: Surroundings,
}

#[tonic::async_trait]
impl DirectoryService for Directory {
    async fn declare(&self, request: Request<DeclareRequest>) -> Result<Response<DeclareResponse>, Status> {
        let speaker = speaker(&request)?;
        let said = &request.get_ref().declarations;
        declare(&self.exchange, &speaker, said, self.around.now()).await.map(Response::new)
    }

    async fn overview(
        &self,
        request: Request<OverviewRequest>,
    ) -> Result<Response<OverviewResponse>, Status> {
        let speaker = speaker(&request)?;
        let seen = self.exchange.overview(&speaker, self.around.now());
        let texts =
            |ids: Vec<commonroll_core::LocalId>| ids.iter().map(|id| id.as_str().to_owned()).collect();
        Ok(Response::new(OverviewResponse {
            home_learners: seen.home_learners,
            guests: seen.guests,
            unmatched_guest_local_ids: texts(seen.unmatched),
            contested_local_ids: texts(seen.contested),
            placements_waiting_for_host: seen.placements_waiting_for_host,
            acceptances_waiting_for_home: seen.acceptances_waiting_for_home,
            placements_in_force: seen.placements_in_force,
        }))
    }

    async fn signing_keys(
        &self,
        request: Request<SigningKeysRequest>,
    ) -> Result<Response<SigningKeysResponse>, Status> {
        let speaker = speaker(&request)?;
        let of: Slug = request.get_ref().institution.parse().map_err(|e: Invalid| status::invalid(&e))?;
        let keys = self.exchange.signing_keys(&speaker, &of).map_err(status::of_speaker)?;
        let keys = keys.into_iter().map(|key| SigningKey {
            key_id: Bytes::copy_from_slice(&key_id(&key.public_key)),
            public_key: Bytes::copy_from_slice(&key.public_key),
            enrolled_at_us: key.enrolled_at.micros(),
            revoked_at_us: key.revoked_at.map_or(0, |at| at.micros()),
        });
        Ok(Response::new(SigningKeysResponse { keys: keys.collect() }))
    }
}

/// Takes a call's declarations; none at all is a source's word that it is current.
pub(crate) async fn declare(
    exchange: &Exchange,
    speaker: &Speaker,
    declarations: &[pb::Declaration],
    now: Timestamp,
) -> Result<DeclareResponse, Status> {
    if declarations.len() > DECLARATIONS_MAX {
        return Err(status::too_much(
            "too many declarations in one call: send at most 1,000",
            Duration::ZERO,
        ));
    }
    if declarations.is_empty() {
        exchange.source_is_current(speaker, now).await.map_err(status::of_speaker)?;
        return Ok(DeclareResponse::default());
    }
    let read = declarations.iter().map(read_declaration).collect();
    let results = exchange.declare(speaker, read, now).await.map_err(status::of_declare)?;
    Ok(DeclareResponse { results: results.into_iter().map(result).collect() })
}

fn result(result: DeclareResult) -> pb::DeclarationResult {
    write_declaration_answer(match result {
        DeclareResult::Accepted => DeclarationAnswer::Accepted,
        DeclareResult::Unchanged => DeclarationAnswer::Unchanged,
        DeclareResult::Rejected { code, field, reason } => DeclarationAnswer::Rejected(Refusal {
            code: code.to_owned(),
            field: field.to_owned(),
            reason: reason.to_owned(),
        }),
        DeclareResult::Contested => DeclarationAnswer::Contested {
            code: "contested_home".to_owned(),
            reason: "another institution claims to be home too; nothing is delivered until both settle it"
                .to_owned(),
        },
    })
}

/// A key's short name: the first 8 bytes of its SHA-256.
fn key_id(key: &[u8; 32]) -> [u8; 8] {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, key);
    *digest.as_ref().first_chunk().expect("a SHA-256 value has 32 bytes")
}
