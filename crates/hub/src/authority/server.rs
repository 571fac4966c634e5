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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{KeyFolder, ProviderRandomness, clock::Clock};
    use std::sync::atomic::{AtomicI64, Ordering};

    struct Days(AtomicI64);

    impl Clock for Days {
        fn now(&self) -> Timestamp {
            let day = self.0.load(Ordering::Relaxed);
            Timestamp::from_micros("now", 1_789_000_000_000_000 + day * 86_400_000_000).unwrap()
        }
    }

    #[test]
    fn the_server_certificate_is_renewed_in_memory_at_half_of_its_life() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(Days(AtomicI64::new(0)));
        let keys =
            KeyFolder::create(&folder.path().join("keys"), "testshire", clock.now(), &ProviderRandomness);
        let authority = Arc::new(Authority::load(&keys.unwrap()).unwrap());
        let around = Surroundings { clock: clock.clone(), random: Arc::new(ProviderRandomness) };
        let server = ServerCertificate::new(authority, vec!["192.0.2.4".to_owned()], around).unwrap();
        let shown = || server.held.read().unwrap().key.cert[0].clone();
        let first = shown();
        for (day, renewed) in [(44, false), (46, true)] {
            clock.0.store(day, Ordering::Relaxed);
            server.renew_if_due().unwrap();
            assert_eq!(shown() != first, renewed, "day {day}");
        }
    }
}
