//! Whether a batch is its source's: by the key that was pinned when the source was first heard of.

use super::Receiver;
use crate::{error::AgentError, hub::HubError, spool::feed::Signer};
use commonroll_audit::{KeyId, PublicKey};
use commonroll_core::{Slug, Timestamp};
use commonroll_wire::{
    Delivered,
    pb::exchange::v1::{DeliveredBatch, DeliveredRecord},
    verify_delivery,
};

/// Why a batch is not believed.
pub(super) struct Doubt {
    pub code: &'static str,
    pub message: String,
    pub retry: Option<Timestamp>,
}

impl Doubt {
    fn new(code: &'static str, message: &str, retry: Option<Timestamp>) -> Self {
        Self { code, message: message.to_owned(), retry }
    }
}

impl Receiver<'_> {
    /// Checks a batch with the pinned key of its source.
    pub(super) async fn believe(
        &self,
        batch: &DeliveredBatch,
    ) -> Result<Result<Vec<Delivered>, Doubt>, AgentError> {
        let again = Some(self.now.plus_micros(600_000_000));
        let seal = batch.seal.as_ref();
        let source = seal.and_then(|seal| seal.source.parse::<Slug>().ok());
        let key_id = seal.and_then(|seal| <[u8; 8]>::try_from(seal.key_id.as_ref()).ok());
        let (Some(source), Some(key_id)) = (source, key_id) else {
            return Ok(Err(Doubt::new("seal", "the batch's seal can't be read", None)));
        };
        let Some(signer) = self.signer(&source, KeyId::from_bytes(key_id)).await? else {
            let message = "the source has no such key; the hub must name it, or the record is forged";
            return Ok(Err(Doubt::new("unknown_key", message, again)));
        };
        let revoked = |record: &DeliveredRecord| record.accepted_at_us >= signer.revoked_us;
        if signer.revoked_us > 0 && batch.records.iter().any(revoked) {
            return Ok(Err(Doubt::new(
                "revoked_key",
                "the key was revoked before the hub took the record",
                None,
            )));
        }
        Ok(verify_delivery(batch, &signer.key)
            .map_err(|error| Doubt::new("signature", &error.to_string(), None)))
    }

    /// The key of a source: pinned, or asked for and then pinned.
    async fn signer(&self, source: &Slug, key_id: KeyId) -> Result<Option<Signer>, AgentError> {
        if let Some(signer) = self.spool.signer(source, key_id).await? {
            return Ok(Some(signer));
        }
        let keys = match self.hub.signing_keys(source).await {
            Ok(keys) => keys,
            Err(HubError::NotAllowed | HubError::Refused(_)) => return Ok(None),
            Err(other) => return Err(other.into()),
        };
        for key in keys {
            let Ok(bytes) = <[u8; 32]>::try_from(key.public_key.as_ref()) else { continue };
            let signer = Signer { key: PublicKey::from_bytes(bytes), revoked_us: key.revoked_at_us };
            let honest = signer.key.id().as_bytes()[..] == key.key_id[..];
            if !honest || !self.spool.pin(source, signer, self.now).await? {
                let text =
                    format!("the hub names another key of {source} under a known id; the known key stands");
                self.spool.alarm(&format!("key {source}"), &text, self.now).await?;
            }
        }
        self.spool.signer(source, key_id).await
    }
}
