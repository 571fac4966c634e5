//! Connections: the hub is known by the CA of the invitation and by one name, whatever its address.

use crate::{hub::HubError, identity::Secret};
use base64::{Engine, engine::general_purpose::STANDARD};
use std::time::Duration;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity as TlsIdentity};

/// The name in the hub's certificate.
pub(super) const HUB_NAME: &str = "hub.commonroll.internal";

/// Connects to the hub with a certificate (DER) and its private key (PEM), trusting one authority.
pub(crate) async fn exchange(
    authority: &[u8],
    (certificate, key): (&[u8], &Secret<String>),
    address: &str,
) -> Result<Channel, HubError> {
    let shown = TlsIdentity::from_pem(pem("CERTIFICATE", certificate), key);
    connect(address, trusting(authority).identity(shown)).await
}

/// Connects to the join listener, which asks for no certificate.
pub(super) async fn join(authority: &[u8], address: &str) -> Result<Channel, HubError> {
    connect(address, trusting(authority)).await
}

fn trusting(authority: &[u8]) -> ClientTlsConfig {
    ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(pem("CERTIFICATE", authority)))
        .domain_name(HUB_NAME)
}

async fn connect(address: &str, tls: ClientTlsConfig) -> Result<Channel, HubError> {
    let unusable =
        |_: tonic::transport::Error| HubError::Refused("the hub's address must be host:port".to_owned());
    let endpoint = Endpoint::from_shared(format!("https://{address}"))
        .map_err(unusable)?
        // The hub's data manager sees which version an agent is.
        .user_agent(concat!("commonroll-agent/", env!("CARGO_PKG_VERSION")))
        .map_err(unusable)?
        .tls_config(tls)
        .map_err(|_| HubError::Refused("the certificates of the identity folder can't be read".to_owned()))?
        .connect_timeout(Duration::from_secs(10))
        .tcp_nodelay(true)
        // Room for the answers to a whole window of batches, so that hub and agent never both wait to be read.
        .initial_stream_window_size(4 << 20)
        .initial_connection_window_size(16 << 20)
        // A page of the feed in a few frames: the smallest frames fill no TLS record.
        .max_frame_size(256 * 1024)
        .http2_keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(10))
        .keep_alive_while_idle(true);
    endpoint.connect().await.map_err(|error| {
        tracing::debug!(%error, "no connection");
        HubError::Unreachable
    })
}

/// DER as PEM.
pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    let mut text = format!("-----BEGIN {label}-----\n");
    for line in body.as_bytes().chunks(64) {
        text.extend(line.iter().map(|byte| char::from(*byte)));
        text.push('\n');
    }
    text.push_str(&format!("-----END {label}-----\n"));
    text
}
