//! Limits: a flooder alone is slowed, too many connections are refused, silent peers are dropped.

use crate::{
    browser::{Browser, with_console},
    kit::{Agent, TestHub},
};
use commonroll_hub::{HUB_NAME, RETRY_AFTER_MS};
use commonroll_wire::pb::{
    directory::v1::{OverviewRequest, directory_service_client::DirectoryServiceClient},
    exchange::v1::{ReceiveRequest, exchange_service_client::ExchangeServiceClient},
};
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use std::{sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tonic::Code;

#[tokio::test]
async fn a_flooder_alone_is_told_to_wait() {
    let hub = TestHub::with(|settings| {
        settings.limits.records_per_second = 10;
        settings.limits.records_burst = 10;
    })
    .await;
    let (mut flooder, neighbour) = (hub.agent("northgate").await, hub.agent("ridgeway").await);
    let mut publishing = flooder.publishing().await.unwrap();
    let refused = loop {
        let marks: Vec<_> = (0..8).map(|n| flooder.mark(&format!("flood-{n}"))).collect();
        let batch = flooder.batch(&marks);
        if let Err(status) = publishing.ask(batch).await {
            break status;
        }
    };
    assert_eq!(refused.code(), Code::ResourceExhausted);
    let wait: u64 = refused.metadata().get(RETRY_AFTER_MS).unwrap().to_str().unwrap().parse().unwrap();
    assert!((50..=2_000).contains(&wait), "{wait} ms");
    let batch = neighbour.batch_number(1, &[neighbour.mark("lesson-1")]);
    neighbour.publishing().await.unwrap().ask(batch).await.expect("the neighbour is served");
}

#[tokio::test]
async fn an_institution_has_so_many_connections_and_no_more() {
    let hub = TestHub::with(|settings| settings.limits.connections_per_institution = 2).await;
    let (crowd, neighbour) = (hub.agent("northgate").await, hub.agent("ridgeway").await);
    let connect = |agent: &Agent| hub.dial(hub.addresses.agents, Some(agent.identity.clone())).connect_lazy();
    let channels = [connect(&crowd), connect(&crowd), connect(&crowd)];
    let mut answers = Vec::new();
    for channel in &channels {
        answers.push(DirectoryServiceClient::new(channel.clone()).overview(OverviewRequest {}).await.err());
    }
    assert!(answers[0].is_none() && answers[1].is_none());
    assert_eq!(answers[2].as_ref().map(tonic::Status::code), Some(Code::ResourceExhausted));
    neighbour.directory().overview(OverviewRequest {}).await.expect("the neighbour is served");
    drop(channels);
    tokio::time::sleep(Duration::from_millis(100)).await;
    crowd.directory().overview(OverviewRequest {}).await.expect("a closed connection gives its place back");
}

#[tokio::test]
async fn an_institution_has_so_many_streams_and_no_more() {
    let hub = TestHub::with(|settings| settings.limits.streams_per_institution = 1).await;
    let (agent, neighbour) = (hub.agent("northgate").await, hub.agent("ridgeway").await);
    let held = agent.publishing().await.unwrap();
    let refused = agent.publishing().await.err().unwrap();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    neighbour.publishing().await.expect("the neighbour is served");
    drop(held);
    tokio::time::sleep(Duration::from_millis(100)).await;
    agent.publishing().await.expect("a closed stream gives its place back");
}

#[tokio::test]
async fn a_receiver_that_takes_nothing_is_cut_and_can_come_back() {
    let hub = TestHub::with(|settings| settings.limits.stalled_seconds = 0.3).await;
    let (mut host, home) = (hub.agent("northgate").await, hub.agent("ridgeway").await);
    // A window of a few hundred bytes, so that the first page does not fit.
    let narrow = hub
        .dial(hub.addresses.agents, Some(home.identity.clone()))
        .initial_stream_window_size(300)
        .connect_lazy();
    let mut slow = ExchangeServiceClient::new(narrow);
    let mut feed =
        slow.receive(ReceiveRequest { after_sequence: 0, joint_paths: false }).await.unwrap().into_inner();
    let mut publishing = host.publishing().await.unwrap();
    for page in 0..4 {
        let marks: Vec<_> = (0..5).map(|n| host.mark(&format!("lesson-{page}-{n}"))).collect();
        let batch = host.batch(&marks);
        publishing.ask(batch).await.unwrap();
    }
    tokio::time::sleep(Duration::from_millis(700)).await;
    let end = loop {
        match tokio::time::timeout(Duration::from_secs(2), feed.message()).await.expect("the stream ends") {
            Ok(page) => assert!(page.is_some()),
            Err(status) => break status,
        }
    };
    assert_ne!(end.code(), Code::Unauthenticated);
    let mut again = home
        .exchange()
        .receive(ReceiveRequest { after_sequence: 0, joint_paths: false })
        .await
        .unwrap()
        .into_inner();
    let page = tokio::time::timeout(Duration::from_secs(2), again.message()).await.unwrap().unwrap().unwrap();
    assert!(!page.batches.is_empty(), "nothing is lost: the feed waits at the hub");
    assert_eq!(hub.metric("commonroll_refused_calls_total{code=\"deadline_exceeded\"}").await, 1.0);
}

#[tokio::test]
async fn a_peer_that_never_finishes_its_handshake_is_dropped() {
    let hub = TestHub::with(|settings| settings.limits.handshake_seconds = 0.2).await;
    for address in [hub.addresses.agents, hub.addresses.join] {
        let mut silent = TcpStream::connect(address).await.unwrap();
        let end = tokio::time::timeout(Duration::from_secs(2), silent.read(&mut [0; 16])).await;
        assert_eq!(end.expect("dropped").unwrap_or(0), 0);
    }
    assert!(hub.metric("commonroll_strangers_total{why=\"slow\"}").await >= 2.0);
}

/// A TLS connection to the join door that offers these protocols.
pub async fn tls(
    hub: &TestHub,
    protocols: &[&str],
) -> std::io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(hub.authority_pem().as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config =
        rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|p| p.as_bytes().to_vec()).collect();
    let stream = TcpStream::connect(hub.addresses.join).await?;
    let name = ServerName::try_from(HUB_NAME).unwrap();
    tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

#[tokio::test]
async fn a_peer_that_falls_silent_after_its_handshake_is_dropped() {
    let hub = TestHub::with(|settings| settings.limits.handshake_seconds = 0.2).await;
    let mut silent = tls(&hub, &["h2"]).await.unwrap();
    let mut seen = Vec::new();
    let end = tokio::time::timeout(Duration::from_secs(2), silent.read_to_end(&mut seen)).await;
    assert!(end.is_ok(), "the connection ends");
}

#[tokio::test]
async fn http_1_is_not_spoken_on_a_grpc_door() {
    let hub = TestHub::start().await;
    assert!(tls(&hub, &["http/1.1"]).await.is_err());
    assert!(tls(&hub, &["h2"]).await.is_ok());
}

/// Whether a connection ends within a second and a half.
async fn ends(line: &mut (impl AsyncReadExt + Unpin)) -> bool {
    let mut heard = Vec::new();
    tokio::time::timeout(Duration::from_millis(1_500), line.read_to_end(&mut heard)).await.is_ok()
}

#[tokio::test]
async fn the_console_waits_for_nobody_and_an_address_has_so_many_connections() {
    let hub = TestHub::with(|settings| {
        with_console(settings);
        settings.limits.console_connections_per_address = 3;
        settings.limits.console_head_seconds = 0.3;
        settings.limits.console_idle_seconds = 0.3;
    })
    .await;
    let browser = Browser::at(&hub);
    let (mut silent, mut half, mut two) = (browser.line().await, browser.line().await, browser.line().await);
    let mut late = TcpStream::connect(hub.addresses.console.unwrap()).await.unwrap();
    assert!(ends(&mut late).await, "a fourth is closed before a word");
    half.write_all(b"GET /sign-in HTTP/1.1\r\nhost: loc").await.unwrap();
    // HTTP/2: the preface and empty settings, and then nothing.
    two.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    assert!(ends(&mut silent).await && ends(&mut half).await && ends(&mut two).await);
    drop((silent, half, two));
    let answer = browser.get("/sign-in").await;
    assert_eq!(answer.status, 200, "and their places are free again");
}
