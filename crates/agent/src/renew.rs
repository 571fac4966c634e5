//! Renewing: a certificate lives a day or less, so the agent asks for the next one by itself.
//!
//! From half of its life on, jittered; and however long it has been expired, since the proof is the enrolled signing key
//! and not the old certificate. Each renewal makes a new TLS key.

use crate::{
    chance::{Randomness, fraction},
    error::AgentError,
    hub::{HubError, grpc},
    identity::{self, Identity},
    join,
};
use commonroll_core::Timestamp;
use commonroll_wire::sign_renewal;
use std::path::Path;

/// When to renew: between 50 and 60 hundredths of the certificate's life.
pub fn due(identity: &Identity, rng: &dyn Randomness) -> Timestamp {
    let (from, until) = identity.valid;
    let life = until.micros().saturating_sub(from.micros()).max(0);
    let jitter = (life / 10) as f64 * fraction(rng);
    from.plus_micros(life / 2 + jitter as i64)
}

/// Gets a new certificate and stores it. The folder holds the old one until the new one is whole.
///
/// # Errors
/// [`HubError::NotKnown`] when the agent was revoked or its key unused for too long: it needs a new invitation.
pub async fn renew(
    identity: &Identity,
    join_address: &str,
    folder: &Path,
    now: Timestamp,
) -> Result<Identity, AgentError> {
    let (key_pem, request) = join::tls_key()?;
    let request = sign_renewal(&identity.card.agent_id, now.micros(), request, &identity.signing);
    let answer = grpc::renew(&identity.card.authority, join_address, request).await?;
    identity::validity(&answer.certificate).ok_or(AgentError::Hub(HubError::Protocol("certificate")))?;
    identity::store_tls(folder, &key_pem, &answer.certificate)?;
    Identity::load(folder)
}
