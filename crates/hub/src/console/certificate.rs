//! The console's certificate: from the files that the settings name, read again when they change; else one that the hub's
//! own authority signs, at which every browser warns.

use crate::{
    authority::{Authority, ServerCertificate},
    clock::Surroundings,
    hub::HubError,
};
use rustls::{
    crypto::aws_lc_rs::sign::any_supported_type,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::SystemTime,
};

/// Hands out the present certificate of the console.
#[derive(Debug)]
pub(crate) enum ConsoleCertificate {
    /// Signed by the hub's own authority.
    Own(Arc<ServerCertificate>),
    /// From files.
    Files(Files),
}

/// A chain and its key in files, as last read.
#[derive(Debug)]
pub(crate) struct Files {
    paths: (PathBuf, PathBuf),
    held: RwLock<(Arc<CertifiedKey>, Option<SystemTime>)>,
}

impl ConsoleCertificate {
    /// Reads the files, or has a certificate made for the hub's names and this machine.
    pub fn new(
        files: Option<&(PathBuf, PathBuf)>,
        authority: Arc<Authority>,
        names: &[String],
        around: Surroundings,
    ) -> Result<Arc<Self>, HubError> {
        let Some(paths) = files else {
            let mut names = names.to_vec();
            names.extend(["localhost", "127.0.0.1", "::1"].map(str::to_owned));
            let own = ServerCertificate::new(authority, names, around)?;
            return Ok(Arc::new(Self::Own(own)));
        };
        let held = RwLock::new((read(paths)?, changed(&paths.0)));
        Ok(Arc::new(Self::Files(Files { paths: paths.clone(), held })))
    }

    /// Takes a renewed certificate in. The hub's timer calls this.
    pub fn look(&self) {
        match self {
            Self::Own(own) => {
                if let Err(error) = own.renew_if_due() {
                    tracing::error!(%error, "could not renew the console's certificate");
                }
            }
            Self::Files(files) => files.look(),
        }
    }
}

impl Files {
    fn look(&self) {
        let now = changed(&self.paths.0);
        if now.is_none() || now == self.held.read().unwrap_or_else(PoisonError::into_inner).1 {
            return;
        }
        match read(&self.paths) {
            Ok(key) => {
                *self.held.write().unwrap_or_else(PoisonError::into_inner) = (key, now);
                tracing::info!("the console's certificate was read anew");
            }
            // Half-written, say: what was read before goes on, and the next look tries again.
            Err(error) => tracing::error!(%error, "the console's new certificate can't be used"),
        }
    }
}

impl ResolvesServerCert for ConsoleCertificate {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        match self {
            Self::Own(own) => own.resolve(hello),
            Self::Files(files) => Some(files.held.read().unwrap_or_else(PoisonError::into_inner).0.clone()),
        }
    }
}

fn changed(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|file| file.modified()).ok()
}

fn read((certificate, key): &(PathBuf, PathBuf)) -> Result<Arc<CertifiedKey>, HubError> {
    let fault = |path: &Path, what| HubError::ConsoleCertificate { path: path.to_owned(), what };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .map_err(|_| fault(certificate, "can't be read as a PEM chain of certificates"))?;
    if chain.is_empty() {
        return Err(fault(certificate, "holds no certificate"));
    }
    let secret =
        PrivateKeyDer::from_pem_file(key).map_err(|_| fault(key, "can't be read as a PEM private key"))?;
    let signing =
        any_supported_type(&secret).map_err(|_| fault(key, "is not a key that TLS can sign with"))?;
    let both = CertifiedKey::new(chain, signing);
    match both.keys_match() {
        Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::KeyMismatch)) => {
            Err(fault(key, "is not the key of the certificate"))
        }
        _ => Ok(Arc::new(both)),
    }
}
