//! The wire's ceiling: the same sealed batches over the same mutual TLS to a server that answers and keeps nothing.

use super::load::{Load, batch, name};
use crate::commands::told;
use commonroll_audit::SigningKey;
use commonroll_wire::pb::exchange::v1::{
    AcknowledgeRequest, AcknowledgeResponse, AnswerSessionCodesRequest, AnswerSessionCodesResponse,
    AnswerWithdrawalRequest, AnswerWithdrawalResponse, PublishRequest, PublishResponse, ReceiveRequest,
    ReceiveResponse, SessionCodesRequest, SessionCodesResponse, TellAsideRequest, TellAsideResponse,
    exchange_service_client::ExchangeServiceClient,
    exchange_service_server::{ExchangeService, ExchangeServiceServer},
};
use std::time::{Duration, Instant};
use tokio_stream::{StreamExt, wrappers::ReceiverStream};
use tonic::{
    Request, Response, Status, Streaming,
    transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity, Server, ServerTlsConfig},
};

/// A server that only answers.
struct Nothing;

#[tonic::async_trait]
impl ExchangeService for Nothing {
    type PublishStream = ReceiverStream<Result<PublishResponse, Status>>;
    type ReceiveStream = ReceiverStream<Result<ReceiveResponse, Status>>;

    async fn publish(
        &self,
        request: Request<Streaming<PublishRequest>>,
    ) -> Result<Response<Self::PublishStream>, Status> {
        let (answers, out) = tokio::sync::mpsc::channel(16);
        let mut batches = request.into_inner();
        tokio::spawn(async move {
            while let Some(Ok(batch)) = batches.next().await {
                let batch_number = batch.seal.map_or(0, |seal| seal.number);
                let answer = PublishResponse {
                    batch_number,
                    results: Vec::new(),
                    next_batch_number: batch_number + 1,
                };
                if answers.send(Ok(answer)).await.is_err() {
                    return;
                }
            }
        });
        Ok(Response::new(ReceiverStream::new(out)))
    }

    async fn receive(&self, _: Request<ReceiveRequest>) -> Result<Response<Self::ReceiveStream>, Status> {
        Err(Status::unimplemented("this server only takes"))
    }

    async fn acknowledge(
        &self,
        _: Request<AcknowledgeRequest>,
    ) -> Result<Response<AcknowledgeResponse>, Status> {
        Err(Status::unimplemented("this server only takes"))
    }

    async fn answer_withdrawal(
        &self,
        _: Request<AnswerWithdrawalRequest>,
    ) -> Result<Response<AnswerWithdrawalResponse>, Status> {
        Err(Status::unimplemented("this server only takes"))
    }

    async fn session_codes(
        &self,
        _: Request<SessionCodesRequest>,
    ) -> Result<Response<SessionCodesResponse>, Status> {
        Err(Status::unimplemented("this server only takes"))
    }

    async fn answer_session_codes(
        &self,
        _: Request<AnswerSessionCodesRequest>,
    ) -> Result<Response<AnswerSessionCodesResponse>, Status> {
        Err(Status::unimplemented("this server only takes"))
    }

    async fn tell_aside(&self, _: Request<TellAsideRequest>) -> Result<Response<TellAsideResponse>, Status> {
        Err(Status::unimplemented("this server only takes"))
    }
}

/// Sends the load and gives the time until the last answer. The batches are made before the clock starts.
pub async fn raw(load: Load) -> Result<Duration, String> {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).map_err(told)?;
    let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let identity = Identity::from_pem(&certificate, &key);
    let tls =
        ServerTlsConfig::new().identity(identity.clone()).client_ca_root(Certificate::from_pem(&certificate));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.map_err(told)?;
    let address = listener.local_addr().map_err(told)?;
    let incoming = tonic::transport::server::TcpIncoming::from(listener).with_nodelay(Some(true));
    let serving = Server::builder()
        .tls_config(tls)
        .map_err(told)?
        .add_service(ExchangeServiceServer::new(Nothing))
        .serve_with_incoming(incoming);
    let serving = tokio::spawn(serving);
    let tls = ClientTlsConfig::new()
        .identity(identity)
        .ca_certificate(Certificate::from_pem(&certificate))
        .domain_name("localhost");
    let mut shares = Vec::new();
    for agent in 0..load.agents {
        let endpoint = Endpoint::from_shared(format!("https://{address}")).map_err(told)?.tcp_nodelay(true);
        let channel = endpoint.tls_config(tls.clone()).map_err(told)?.connect().await.map_err(told)?;
        shares.push((channel, batches(&load, agent)?));
    }
    let begun = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for (channel, batches) in shares {
        tasks.spawn(send(channel, batches));
    }
    while let Some(done) = tasks.join_next().await {
        done.map_err(told)??;
    }
    let took = begun.elapsed();
    serving.abort();
    Ok(took)
}

fn batches(load: &Load, agent: u16) -> Result<Vec<PublishRequest>, String> {
    let (slug, key) = (name(agent)?, SigningKey::from_seed(&[agent as u8 + 1; 32]).map_err(told)?);
    let (count, size) = (load.records / u64::from(load.agents), u64::from(load.batch));
    (0..count.div_ceil(size))
        .map(|n| {
            batch(&slug, (&key, &[7; 32]), load.first_day, n + 1, (n * size, size.min(count - n * size)))
        })
        .collect()
}

async fn send(channel: Channel, batches: Vec<PublishRequest>) -> Result<(), String> {
    let count = batches.len();
    let mut client = ExchangeServiceClient::new(channel);
    let mut answers = client.publish(tokio_stream::iter(batches)).await.map_err(told)?.into_inner();
    for _ in 0..count {
        answers.message().await.map_err(told)?.ok_or("the server ended the stream")?;
    }
    Ok(())
}
