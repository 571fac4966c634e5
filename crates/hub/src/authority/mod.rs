//! The hub's own certificate authority: who may come to the agents' door is decided by a key that never leaves it.
//!
//! It signs two things: the hub's server certificate and the client certificates of agents and people. A certificate
//! says *who* the caller is (an id), never to which institution they belong or what they may do: the directory answers that, per call.

mod folder;
mod identity;
mod request;
mod server;
mod shape;

pub use folder::{ExchangeKeys, KeyFolder};
pub use request::CertificateRequest;

pub use identity::Caller;
pub(crate) use identity::{caller_of, fingerprint, hex};
pub(crate) use server::ServerCertificate;

use crate::clock::Randomness;
use commonroll_core::Timestamp;
use rcgen::{Issuer, KeyPair};
use rustls::pki_types::CertificateDer;
use std::{path::PathBuf, time::Duration};

/// Name that every client verifies the hub's certificate for, whatever address it called.
pub const HUB_NAME: &str = "hub.commonroll.internal";

/// Why keys or certificates could not be made, read or used.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// The folder is there already.
    #[error("key folder {0} exists: a hub has one set of keys; use the folder, or move it away")]
    Exists(PathBuf),
    /// A file cannot be read or written.
    #[error("key file {0}: {1}")]
    File(PathBuf, #[source] std::io::Error),
    /// Others on the machine could read the keys.
    #[error(
        "{0} can be read by other users: allow its owner alone (chmod 700 for the folder, 600 for files)"
    )]
    Open(PathBuf),
    /// A file does not hold what it should.
    #[error("key file {0} is damaged: restore it from the key backup")]
    Damaged(PathBuf),
    /// An agent's certificate request is refused.
    #[error("certificate_request: {0}")]
    Request(&'static str),
    /// A configured name cannot stand in a certificate.
    #[error("setting `names`: one of them is neither a DNS name nor an IP address")]
    Names,
    /// The certificate library refused.
    #[error("could not make a certificate: {0}")]
    Certificate(#[from] rcgen::Error),
}

/// The certificate authority, ready to sign.
pub struct Authority {
    certificate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Authority(..)")
    }
}

impl Authority {
    /// The authority whose keys lie in a folder.
    ///
    /// # Errors
    /// When a file is missing, open to others or damaged.
    pub fn load(folder: &KeyFolder) -> Result<Self, AuthorityError> {
        let (certificate, key) = folder.authority()?;
        let damaged = |_| AuthorityError::Damaged(folder.path().join("ca.pem"));
        let issuer = Issuer::from_ca_cert_der(&certificate, key).map_err(damaged)?;
        Ok(Self { certificate, issuer })
    }

    /// The authority's own certificate, DER: what invitations carry and clients trust.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// Signs a client certificate for an agent or a person. Valid from 5 minutes ago (clocks differ) until `lifetime` from now.
    ///
    /// # Errors
    /// When the library refuses.
    pub fn client_certificate(
        &self,
        caller: Caller,
        request: &CertificateRequest,
        lifetime: Duration,
        now: Timestamp,
        random: &dyn Randomness,
    ) -> Result<CertificateDer<'static>, AuthorityError> {
        let params = shape::client(caller, lifetime, now, random)?;
        Ok(params.signed_by(request.public_key(), &self.issuer)?.der().clone())
    }

    /// Signs a server certificate for the hub's names, with a key of its own.
    fn server_certificate(
        &self,
        names: &[String],
        (now, lifetime): (Timestamp, Duration),
        random: &dyn Randomness,
    ) -> Result<(CertificateDer<'static>, KeyPair), AuthorityError> {
        let key = KeyPair::generate()?;
        let params = shape::server(names, (now, lifetime), random)?;
        Ok((params.signed_by(&key, &self.issuer)?.der().clone(), key))
    }
}
