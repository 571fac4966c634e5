//! An agent's certificate request: only its public key is taken from it, and only if it proves the private one.

use super::AuthorityError;
use rcgen::{CertificateSigningRequestParams, PKCS_ECDSA_P256_SHA256, PublicKey, PublicKeyData};
use rustls::pki_types::CertificateSigningRequestDer;

/// Bytes of a certificate request at most; a P-256 request has about 300.
const LENGTH_MAX: usize = 4_096;
/// Length of an uncompressed P-256 point.
const POINT: usize = 65;

/// A request whose signature was checked. The names that it asks for are ignored.
#[derive(Debug)]
pub struct CertificateRequest(PublicKey);

impl CertificateRequest {
    /// Reads a PKCS#10 request, DER.
    ///
    /// # Errors
    /// [`AuthorityError::Request`] when it is malformed, not for an ECDSA P-256 key, or not signed by that key.
    pub fn from_der(der: &[u8]) -> Result<Self, AuthorityError> {
        if der.is_empty() || der.len() > LENGTH_MAX {
            return Err(AuthorityError::Request("must be a PKCS#10 request of at most 4096 bytes"));
        }
        let request = CertificateSigningRequestParams::from_der(&CertificateSigningRequestDer::from(der))
            .map_err(|_| {
                AuthorityError::Request("must be a PKCS#10 request in DER, signed by its own key")
            })?;
        let key = request.public_key;
        let p256 = key.algorithm() == &PKCS_ECDSA_P256_SHA256 && key.der_bytes().len() == POINT;
        if !p256 {
            return Err(AuthorityError::Request("must be for an ECDSA P-256 key, signed with SHA-256"));
        }
        Ok(Self(key))
    }

    pub(super) fn public_key(&self) -> &PublicKey {
        &self.0
    }
}
