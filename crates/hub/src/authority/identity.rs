//! Reads who is calling from a certificate, strictly: one URI name, in the one spelling that the hub writes.

use rustls::pki_types::CertificateDer;
use uuid::Uuid;
use x509_parser::{extensions::GeneralName, prelude::*};

const AGENT: &str = "commonroll://agent/";
const PERSON: &str = "commonroll://person/";

/// Whom a client certificate names. An id says who, never to which institution they belong or what they may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// An institution's agent.
    Agent([u8; 16]),
    /// A person.
    Person([u8; 16]),
}

impl Caller {
    /// The URI that names the caller in the certificate.
    pub(crate) fn uri(self) -> String {
        let (prefix, id) = match self {
            Self::Agent(id) => (AGENT, id),
            Self::Person(id) => (PERSON, id),
        };
        format!("{prefix}{}", Uuid::from_bytes(id).hyphenated())
    }

    fn of_uri(uri: &str) -> Option<Self> {
        let id = |text: &str| Uuid::try_parse(text).ok().map(Uuid::into_bytes);
        let agent = uri.strip_prefix(AGENT).and_then(id).map(Self::Agent);
        let named = agent.or_else(|| uri.strip_prefix(PERSON).and_then(id).map(Self::Person))?;
        (named.uri() == *uri).then_some(named)
    }
}

/// Whom a certificate names. `None` if it names nobody, several, or not in the hub's spelling.
///
/// TLS has checked the signature, the times and the purpose before; this only reads.
pub(crate) fn caller_of(certificate: &CertificateDer<'_>) -> Option<Caller> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let names = parsed.subject_alternative_name().ok()??;
    let [GeneralName::URI(uri)] = names.value.general_names.as_slice() else { return None };
    Caller::of_uri(uri)
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
