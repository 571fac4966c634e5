//! The door of agents and people: mTLS gRPC. Every method, health and reflection included, stands behind `identify`.

use super::{
    accept::{Admission, Entrance, accept},
    identify::Identify,
    tls::Tls,
};
use crate::{
    authority::Caller,
    clock::Surroundings,
    grpc::{Agreements, Audit, Directory, Duty, ExchangeDoor, People, Policies, ReadinessDoor, Subjects},
    hub::HubError,
    invitation::Inviting,
    limits::{Pace, Shares},
    metrics::Metrics,
    settings::Limits,
    strangers::Strangers,
};
use commonroll_core::{PersonId, sources::TOLD_BYTES};
use commonroll_exchange::{AgentId, Exchange};
use commonroll_wire::pb::{
    agreement::v1::agreement_service_server::AgreementServiceServer,
    audit::v1::audit_service_server::AuditServiceServer,
    directory::v1::directory_service_server::DirectoryServiceServer,
    duty::v1::duty_service_server::DutyServiceServer,
    exchange::v1::exchange_service_server::ExchangeServiceServer,
    people::v1::people_service_server::PeopleServiceServer,
    policy::v1::policy_service_server::PolicyServiceServer,
    readiness::v1::readiness_service_server::ReadinessServiceServer,
    subject::v1::subject_service_server::SubjectServiceServer,
};
use std::{sync::Arc, time::Duration};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;

/// A dead peer is noticed after both of these together.
const PING_AFTER: Duration = Duration::from_secs(10);
const PONG_WITHIN: Duration = Duration::from_secs(20);
/// Windows: large enough that a batch needs no round trip, small enough that 2,048 connections fit in memory.
const STREAM_WINDOW: u32 = 1024 * 1024;
const CONNECTION_WINDOW: u32 = 2 * 1024 * 1024;
/// Bytes of a frame that the hub takes: the smallest there are fill no TLS record, and are many.
const FRAME_MAX: u32 = 64 * 1024;
const HEADERS_MAX: u32 = 16 * 1024;
/// A person's request: a name and a few words.
const PEOPLE_BYTES: usize = 64 * 1024;
/// A whole policy set, 1 MiB at most, and what stands around it.
const POLICY_BYTES: usize = (1 << 20) + 64 * 1024;
/// An agreement's text, 128 KiB at most, and what stands around it.
const AGREEMENT_BYTES: usize = 256 * 1024;
/// Streams that a peer opened and reset at once before its connection is closed.
const RESETS_MAX: usize = 20;

/// What the agents' door is made of.
#[derive(Clone)]
pub(crate) struct AgentsDoor {
    pub exchange: Exchange,
    pub around: Surroundings,
    pub limits: Limits,
    /// What an institution's agents share.
    pub shares: Arc<Shares>,
    /// What an institution's people share.
    pub people: Arc<Shares>,
    /// How fast each person asks for what the console shows on a page.
    pub pace: Arc<Pace>,
    /// What invitations say besides their code.
    pub inviting: Inviting,
    pub strangers: Arc<Strangers>,
    pub metrics: Arc<Metrics>,
    /// Called when the hub stops.
    pub stopping: CancellationToken,
    /// Called when it has waited for streams long enough.
    pub cut: CancellationToken,
}

impl AgentsDoor {
    /// Serves until `stopping`, and then until the last stream has ended.
    pub async fn serve(self, listener: TcpListener, tls: Tls) -> Result<(), HubError> {
        let incoming = accept(listener, self.entrance(tls), self.stopping.clone());
        let message_bytes = self.limits.message_bytes as usize;
        let (health, health_service) = tonic_health::server::health_reporter();
        health.set_service_status("", tonic_health::ServingStatus::Serving).await;
        let stopping = self.stopping.clone();
        tokio::spawn(async move {
            stopping.cancelled().await;
            health.set_service_status("", tonic_health::ServingStatus::NotServing).await;
        });
        let reflection = tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(commonroll_wire::DESCRIPTOR)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            .build_v1()
            .map_err(|_| HubError::Reflection)?;
        let exchange =
            ExchangeServiceServer::new(self.exchange_door()).max_decoding_message_size(message_bytes);
        let directory = Directory { exchange: self.exchange.clone(), around: self.around.clone() };
        let directory = DirectoryServiceServer::new(directory).max_decoding_message_size(message_bytes);
        let audit =
            AuditServiceServer::new(Audit { exchange: self.exchange.clone(), around: self.around.clone() });
        let people = People {
            exchange: self.exchange.clone(),
            around: self.around.clone(),
            inviting: self.inviting.clone(),
        };
        let people = PeopleServiceServer::new(people).max_decoding_message_size(PEOPLE_BYTES);
        let policies = Policies { exchange: self.exchange.clone(), around: self.around.clone() };
        let policies = PolicyServiceServer::new(policies).max_decoding_message_size(POLICY_BYTES);
        let agreements = Agreements { exchange: self.exchange.clone(), around: self.around.clone() };
        let agreements = AgreementServiceServer::new(agreements).max_decoding_message_size(AGREEMENT_BYTES);
        let duty = Duty {
            exchange: self.exchange.clone(),
            around: self.around.clone(),
            limits: self.limits.clone(),
        };
        let duty = DutyServiceServer::new(duty).max_decoding_message_size(PEOPLE_BYTES);
        let subjects = Subjects { exchange: self.exchange.clone(), around: self.around.clone() };
        let subjects = SubjectServiceServer::new(subjects).max_decoding_message_size(PEOPLE_BYTES);
        let readiness = ReadinessDoor {
            exchange: self.exchange.clone(),
            around: self.around.clone(),
            pace: self.pace.clone(),
        };
        let readiness = ReadinessServiceServer::new(readiness).max_decoding_message_size(TOLD_BYTES);
        server(self.limits.streams_per_connection)
            .layer(self.identify())
            .add_service(exchange)
            .add_service(directory)
            .add_service(audit)
            .add_service(people)
            .add_service(policies)
            .add_service(agreements)
            .add_service(duty)
            .add_service(subjects)
            .add_service(readiness)
            .add_service(health_service)
            .add_service(reflection)
            .serve_with_incoming_shutdown(incoming, self.stopping.cancelled_owned())
            .await
            .map_err(HubError::Serve)
    }

    fn identify(&self) -> Identify {
        Identify {
            exchange: self.exchange.clone(),
            shares: self.shares.clone(),
            people: self.people.clone(),
            strangers: self.strangers.clone(),
            metrics: self.metrics.clone(),
            around: self.around.clone(),
        }
    }

    fn exchange_door(&self) -> ExchangeDoor {
        ExchangeDoor {
            exchange: self.exchange.clone(),
            around: self.around.clone(),
            shares: self.shares.clone(),
            limits: self.limits.clone(),
            metrics: self.metrics.clone(),
            stopping: self.stopping.clone(),
        }
    }

    fn entrance(&self, tls: Tls) -> Entrance {
        let (exchange, shares, people) = (self.exchange.clone(), self.shares.clone(), self.people.clone());
        let around = self.around.clone();
        let admit = move |caller| {
            if exchange.clock_holds(around.now()).is_err() {
                return Admission::Closed;
            }
            let place = match caller {
                Caller::Agent(id) => {
                    exchange.speaker(AgentId(id)).map(|s| shares.connection(s.institution()))
                }
                Caller::Person(id) => {
                    exchange.person(PersonId(id)).map(|s| people.connection(s.institution()))
                }
            };
            place.map_or(Admission::Unknown, |place| place.map_or(Admission::Crowded, Admission::Place))
        };
        Entrance {
            tls,
            admit: Some(Box::new(admit)),
            connections: self.limits.connections as usize,
            crowd: None,
            handshake: self.limits.handshake(),
            strangers: self.strangers.clone(),
            metrics: self.metrics.clone(),
            cut: self.cut.clone(),
        }
    }
}

/// HTTP/2 as both TLS doors speak it.
pub(super) fn server(streams: u32) -> Server {
    Server::builder()
        .accept_http1(false)
        .http2_keepalive_interval(Some(PING_AFTER))
        .http2_keepalive_timeout(Some(PONG_WITHIN))
        .max_concurrent_streams(streams)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_frame_size(Some(FRAME_MAX))
        .http2_max_header_list_size(HEADERS_MAX)
        .http2_max_pending_accept_reset_streams(Some(RESETS_MAX))
}
