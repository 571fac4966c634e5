//! Renewals: an agent or a person proves with the enrolled key that it is the one that asks for a new certificate.
//!
//! Whether the request was made just now is for the caller to check: there is no clock here.

use crate::{pb::enrolment::v1 as pb, read};
use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use commonroll_audit::{PublicKey, SigningKey};
use commonroll_core::Invalid;
use std::fmt::Write;

/// Most bytes of a certificate request.
const REQUEST_MAX: usize = 8 * 1024;

/// The text that a renewal's signature covers: four lines.
pub fn renewal_text(agent_id: &[u8; 16], made_at_us: i64, certificate_request: &[u8]) -> String {
    let request = digest(&SHA256, certificate_request);
    format!("commonroll/renew/v1\n{}\n{made_at_us}\n{}\n", hex(agent_id), hex(request.as_ref()))
}

/// A signed request for a new certificate. `made_at_us` is now, in microseconds since 1970.
pub fn sign_renewal(
    agent_id: &[u8; 16],
    made_at_us: i64,
    certificate_request: Bytes,
    key: &SigningKey,
) -> pb::RenewRequest {
    let text = renewal_text(agent_id, made_at_us, &certificate_request);
    pb::RenewRequest {
        agent_id: Bytes::copy_from_slice(agent_id),
        certificate_request,
        made_at_us,
        signature: Bytes::copy_from_slice(&key.sign(text.as_bytes())),
        person_id: Bytes::new(),
    }
}

/// The same for a person.
pub fn sign_person_renewal(
    person_id: &[u8; 16],
    made_at_us: i64,
    certificate_request: Bytes,
    key: &SigningKey,
) -> pb::RenewRequest {
    let signed = sign_renewal(person_id, made_at_us, certificate_request, key);
    pb::RenewRequest { person_id: signed.agent_id, agent_id: Bytes::new(), ..signed }
}

/// Checks a renewal's signature against the agent's enrolled key.
///
/// # Errors
/// [`Invalid`] naming the field that breaks a rule; `signature` when it was not made with this key over this request.
pub fn verify_renewal(request: &pb::RenewRequest, key: &PublicKey) -> Result<(), Invalid> {
    let agent_id = read::exactly("agent_id", &request.agent_id, "must have exactly 16 bytes")?;
    let signature = read::exactly("signature", &request.signature, "must have exactly 64 bytes")?;
    if request.certificate_request.is_empty() || request.certificate_request.len() > REQUEST_MAX {
        return Err(Invalid::new("certificate_request", "must be a PKCS#10 request of at most 8192 bytes"));
    }
    let text = renewal_text(&agent_id, request.made_at_us, &request.certificate_request);
    key.verify(text.as_bytes(), &signature)
        .map_err(|_| Invalid::new("signature", "was not made with the enrolled key over this request"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing into a String cannot fail");
        text
    })
}
