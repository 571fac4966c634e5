//! The join door: server-authenticated TLS for those who have no certificate yet, or only an expired one.
//!
//! One service, small messages, a deadline for every call and a short life for every connection.

use super::{
    accept::{Entrance, accept},
    agents::server,
    identify::in_our_words,
    tls::Tls,
};
use crate::{grpc::Enrolment, hub::HubError, metrics::Metrics, settings::Limits, strangers::Strangers};
use commonroll_wire::pb::enrolment::v1::enrolment_service_server::EnrolmentServiceServer;
use std::{sync::Arc, time::Duration};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::{body::Body, codegen::http::Response};
use tower::util::MapResponseLayer;

const MESSAGE_BYTES: usize = 32 * 1024;
const CALL_WITHIN: Duration = Duration::from_secs(10);
const CONNECTION_LIFE: Duration = Duration::from_secs(60);
const STREAMS: u32 = 4;

/// Serves until `stopping`, and then until the last call has ended.
pub(crate) async fn serve(
    enrolment: Enrolment,
    listener: TcpListener,
    tls: Tls,
    (limits, strangers, metrics): (Limits, Arc<Strangers>, Arc<Metrics>),
    (stopping, cut): (CancellationToken, CancellationToken),
) -> Result<(), HubError> {
    let entrance = Entrance {
        tls,
        admit: None,
        connections: limits.join_connections as usize,
        crowd: None,
        handshake: limits.handshake(),
        strangers,
        metrics: metrics.clone(),
        cut,
    };
    let incoming = accept(listener, entrance, stopping.clone());
    let words = move |response: Response<Body>| in_our_words(response, &metrics);
    server(STREAMS)
        .timeout(CALL_WITHIN)
        .max_connection_age(CONNECTION_LIFE)
        .max_connection_age_grace(CALL_WITHIN)
        .layer(MapResponseLayer::new(words))
        .add_service(EnrolmentServiceServer::new(enrolment).max_decoding_message_size(MESSAGE_BYTES))
        .serve_with_incoming_shutdown(incoming, stopping.cancelled_owned())
        .await
        .map_err(HubError::Serve)
}
