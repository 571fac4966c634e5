//! The hub's server certificate, renewed in memory: rustls asks for it at each handshake, so no restart is needed.

use super::{Authority, AuthorityError, shape};
use crate::clock::Surroundings;
use commonroll_core::Timestamp;
use rustls::{
    crypto::aws_lc_rs::sign::any_ecdsa_type,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use std::sync::{Arc, PoisonError, RwLock};

struct Held {
    key: Arc<CertifiedKey>,
    renew_at: Timestamp,
}

/// Hands out the present server certificate.
pub(crate) struct ServerCertificate {
    authority: Arc<Authority>,
    names: Vec<String>,
    around: Surroundings,
    held: RwLock<Held>,
}

impl std::fmt::Debug for ServerCertificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ServerCertificate(..)")
    }
}

impl ServerCertificate {
    pub fn new(
        authority: Arc<Authority>,
        names: Vec<String>,
        around: Surroundings,
    ) -> Result<Arc<Self>, AuthorityError> {
        let held = RwLock::new(make(&authority, &names, &around)?);
        Ok(Arc::new(Self { authority, names, around, held }))
    }

    /// Renews the certificate once half of its life is over. The hub's timer calls this.
    pub fn renew_if_due(&self) -> Result<(), AuthorityError> {
        let due = self.held.read().unwrap_or_else(PoisonError::into_inner).renew_at;
        if self.around.now() < due {
            return Ok(());
        }
        let fresh = make(&self.authority, &self.names, &self.around)?;
        *self.held.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        tracing::info!("server certificate renewed");
        Ok(())
    }
}

impl ResolvesServerCert for ServerCertificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.held.read().unwrap_or_else(PoisonError::into_inner).key.clone())
    }
}

fn make(authority: &Authority, names: &[String], around: &Surroundings) -> Result<Held, AuthorityError> {
    let now = around.now();
    let (certificate, key) = authority.server_certificate(names, now, around.random.as_ref())?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let key =
        any_ecdsa_type(&key).map_err(|_| AuthorityError::Certificate(rcgen::Error::CouldNotParseKeyPair))?;
    let half_life = i64::try_from(shape::SERVER.as_micros() / 2).unwrap_or(i64::MAX);
    Ok(Held {
        key: Arc::new(CertifiedKey::new(vec![certificate], key)),
        renew_at: now.plus_micros(half_life),
    })
}
