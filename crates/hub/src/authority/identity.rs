//! Reads who an agent is from its certificate, strictly: one URI name, in the one spelling that the hub writes.

use rustls::pki_types::CertificateDer;
use uuid::Uuid;
use x509_parser::{extensions::GeneralName, prelude::*};

const PREFIX: &str = "commonroll://agent/";

/// The URI that names an agent.
pub(super) fn uri_of(agent: [u8; 16]) -> String {
    format!("{PREFIX}{}", Uuid::from_bytes(agent).hyphenated())
}

/// The agent that a certificate names. `None` if it names none, several, or not in the hub's spelling.
///
/// TLS has checked the signature, the times and the purpose before; this only reads.
pub(crate) fn agent_of(certificate: &CertificateDer<'_>) -> Option<[u8; 16]> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let names = parsed.subject_alternative_name().ok()??;
    let [GeneralName::URI(uri)] = names.value.general_names.as_slice() else { return None };
    let agent = uri.strip_prefix(PREFIX).and_then(|id| Uuid::try_parse(id).ok())?;
    (uri_of(agent.into_bytes()) == *uri).then(|| agent.into_bytes())
}

/// SHA-256 of a certificate in hexadecimal: how a stranger is named in a security event.
pub(crate) fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, certificate);
    hex(digest.as_ref())
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
