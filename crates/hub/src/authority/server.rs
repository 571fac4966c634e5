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
    /// The clock was believed when it was made.
    believed: bool,
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

    /// Renews the certificate once half of its life is over, and when the clock is no longer or again believed. The hub's timer
    /// calls this.
    pub fn renew_if_due(&self) -> Result<(), AuthorityError> {
        let is_due = {
            let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
            self.around.now() >= held.renew_at || self.around.clock.is_believed() != held.believed
        };
        if !is_due {
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
    let (now, believed) = (around.now(), around.clock.is_believed());
    let lifetime = if believed { shape::SERVER } else { shape::SERVER_DOUBTED };
    let (certificate, key) = authority.server_certificate(names, (now, lifetime), around.random.as_ref())?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let key =
        any_ecdsa_type(&key).map_err(|_| AuthorityError::Certificate(rcgen::Error::CouldNotParseKeyPair))?;
    let half_life = i64::try_from(lifetime.as_micros() / 2).unwrap_or(i64::MAX);
    Ok(Held {
        key: Arc::new(CertifiedKey::new(vec![certificate], key)),
        renew_at: now.plus_micros(half_life),
        believed,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{KeyFolder, ProviderRandomness, clock::Clock};
    use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

    struct Days(AtomicI64, AtomicBool);

    impl Clock for Days {
        fn now(&self) -> Timestamp {
            let day = self.0.load(Ordering::Relaxed);
            Timestamp::from_micros("now", 1_789_000_000_000_000 + day * 86_400_000_000).unwrap()
        }

        fn is_believed(&self) -> bool {
            self.1.load(Ordering::Relaxed)
        }
    }

    /// A hub's certificate by a clock that a test turns.
    fn made(folder: &std::path::Path, believed: bool) -> (Arc<Days>, Arc<ServerCertificate>) {
        let clock = Arc::new(Days(AtomicI64::new(0), believed.into()));
        let keys = KeyFolder::create(&folder.join("keys"), "testshire", clock.now(), &ProviderRandomness);
        let authority = Arc::new(Authority::load(&keys.unwrap()).unwrap());
        let around = Surroundings { clock: clock.clone(), random: Arc::new(ProviderRandomness) };
        let server = ServerCertificate::new(authority, vec!["192.0.2.4".to_owned()], around);
        (clock, server.unwrap())
    }

    /// Days from the clock's first until the certificate ends.
    fn days(server: &ServerCertificate) -> i64 {
        let shown = server.held.read().unwrap().key.cert[0].clone();
        let (_, read) = x509_parser::parse_x509_certificate(&shown).unwrap();
        (read.validity().not_after.timestamp() - 1_789_000_000) / 86_400
    }

    #[test]
    fn case_35_while_the_clock_is_not_believed_the_certificate_lasts_for_whoever_dials_by_a_right_one() {
        let folder = tempfile::tempdir().unwrap();
        let (clock, server) = made(folder.path(), false);
        assert!(days(&server) > 3_000, "it was off for who knows how long: {} days", days(&server));
        server.renew_if_due().unwrap();
        clock.1.store(true, Ordering::Relaxed);
        server.renew_if_due().unwrap();
        assert_eq!(days(&server), 90, "believed again, it is one as always");
        clock.1.store(false, Ordering::Relaxed);
        server.renew_if_due().unwrap();
        assert!(days(&server) > 3_000, "nor does anybody know how long this lasts: {} days", days(&server));
    }

    #[test]
    fn the_server_certificate_is_renewed_in_memory_at_half_of_its_life() {
        let folder = tempfile::tempdir().unwrap();
        let (clock, server) = made(folder.path(), true);
        let shown = || server.held.read().unwrap().key.cert[0].clone();
        let first = shown();
        for (day, renewed) in [(44, false), (46, true)] {
            clock.0.store(day, Ordering::Relaxed);
            server.renew_if_due().unwrap();
            assert_eq!(shown() != first, renewed, "day {day}");
        }
    }
}
