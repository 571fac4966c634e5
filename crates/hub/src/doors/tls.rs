//! TLS as the doors speak it: 1.3 only, no resumption (a resumed session would skip the certificate); HTTP/2 for gRPC,
//! HTTP/1.1 too for browsers.

use crate::{
    authority::{Authority, ServerCertificate, fingerprint},
    clock::{Surroundings, TlsTime},
};
use rustls::{
    DigitallySignedStruct, DistinguishedName, Error, RootCertStore, ServerConfig, SignatureScheme,
    client::danger::HandshakeSignatureValid,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, UnixTime},
    server::{
        NoServerSessionStorage, ResolvesServerCert, WebPkiClientVerifier,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
    version::TLS13,
};
use std::sync::{Arc, Mutex, PoisonError};

/// Makes the TLS settings of one door.
#[derive(Debug, Clone)]
pub(crate) struct Tls {
    provider: Arc<CryptoProvider>,
    certificate: Arc<dyn ResolvesServerCert>,
    time: Arc<TlsTime>,
    clients: Option<Arc<dyn ClientCertVerifier>>,
    protocols: &'static [&'static [u8]],
}

impl Tls {
    /// For agents: a client certificate of the hub's authority is required.
    pub fn mutual(
        authority: &Authority,
        certificate: Arc<ServerCertificate>,
        around: Surroundings,
    ) -> Result<Self, Error> {
        let open = Self::open(certificate, around);
        let mut roots = RootCertStore::empty();
        roots.add(authority.certificate().clone())?;
        let clients = WebPkiClientVerifier::builder_with_provider(roots.into(), open.provider.clone())
            .build()
            .map_err(|e| Error::General(e.to_string()))?;
        Ok(Self { clients: Some(clients), ..open })
    }

    /// For joining: the client shows no certificate.
    pub fn open(certificate: Arc<ServerCertificate>, around: Surroundings) -> Self {
        Self::with(certificate, around, &[b"h2"])
    }

    /// For browsers: no client certificate, and either HTTP.
    pub fn pages(certificate: Arc<dyn ResolvesServerCert>, around: Surroundings) -> Self {
        Self::with(certificate, around, &[b"h2", b"http/1.1"])
    }

    fn with(
        certificate: Arc<dyn ResolvesServerCert>,
        around: Surroundings,
        protocols: &'static [&'static [u8]],
    ) -> Self {
        let provider = Arc::new(aws_lc_rs::default_provider());
        Self { provider, certificate, time: Arc::new(TlsTime(around)), clients: None, protocols }
    }

    /// The settings for one connection. `shown` learns the fingerprint of the certificate that the peer shows, so that
    /// a refusal can name it.
    pub fn for_connection(&self, shown: &Arc<Shown>) -> Result<Arc<ServerConfig>, Error> {
        let builder = ServerConfig::builder_with_details(self.provider.clone(), self.time.clone())
            .with_protocol_versions(&[&TLS13])?;
        let builder = match &self.clients {
            Some(inner) => builder
                .with_client_cert_verifier(Arc::new(Watching { inner: inner.clone(), shown: shown.clone() })),
            None => builder.with_no_client_auth(),
        };
        let mut config = builder.with_cert_resolver(self.certificate.clone());
        config.alpn_protocols = self.protocols.iter().map(|name| name.to_vec()).collect();
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Arc::new(config))
    }
}

/// The fingerprint of the certificate that a peer showed, accepted or not.
#[derive(Debug, Default)]
pub(crate) struct Shown(Mutex<String>);

impl Shown {
    pub fn fingerprint(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Notes what is shown and leaves the judgement to webpki.
#[derive(Debug)]
struct Watching {
    inner: Arc<dyn ClientCertVerifier>,
    shown: Arc<Shown>,
}

impl ClientCertVerifier for Watching {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.inner.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        *self.shown.0.lock().unwrap_or_else(PoisonError::into_inner) = fingerprint(end_entity);
        self.inner.verify_client_cert(end_entity, intermediates, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
