//! The way to the hub, step by step: name, port, TLS, and what the hub says to this agent.

use super::{Mark, Report, World};
use crate::{
    hub::{Hub, HubError, grpc::GrpcHub},
    identity::Identity,
    settings::Settings,
};
use async_trait::async_trait;
use std::time::Duration;

/// How far one gets on the way to the hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reached {
    /// The address isn't `host:port`.
    BadAddress,
    /// The name is unknown.
    NoSuchName,
    /// The machine is there and nothing listens.
    Refused,
    /// Nothing answers: a firewall, or no network.
    Silence,
    /// Something listens, and it isn't a hub with the consortium's certificate.
    NotTheHub,
    /// The hub answers, and says no.
    SaysNo(HubError),
    /// The hub answers.
    Hub,
}

/// Tries the way to the hub.
#[async_trait]
pub trait Network: Send + Sync {
    /// Goes as far as it gets.
    async fn reach(&self, identity: &Identity, address: &str) -> Reached;
}

/// The network of this machine.
pub struct Real;

const PATIENCE: Duration = Duration::from_secs(5);

#[async_trait]
impl Network for Real {
    async fn reach(&self, identity: &Identity, address: &str) -> Reached {
        if address.rsplit_once(':').is_none_or(|(host, port)| host.is_empty() || port.parse::<u16>().is_err())
        {
            return Reached::BadAddress;
        }
        let found = match tokio::net::lookup_host(address).await {
            Ok(found) => found.collect::<Vec<_>>(),
            Err(_) => return Reached::NoSuchName,
        };
        if found.is_empty() {
            return Reached::NoSuchName;
        }
        match tokio::time::timeout(PATIENCE, tokio::net::TcpStream::connect(found.as_slice())).await {
            Err(_) => return Reached::Silence,
            Ok(Err(error)) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
                return Reached::Refused;
            }
            Ok(Err(_)) => return Reached::Silence,
            Ok(Ok(_)) => {}
        }
        // The port is open. What fails from here on is the handshake: somebody else's, or a certificate that isn't good any more.
        let asked = async {
            match GrpcHub::connect(identity, address).await {
                Err(_) => Reached::NotTheHub,
                Ok(hub) => match hub.checkpoint(0).await {
                    Ok(_) => Reached::Hub,
                    Err(HubError::Unreachable) => Reached::NotTheHub,
                    Err(error) => Reached::SaysNo(error),
                },
            }
        };
        tokio::time::timeout(2 * PATIENCE, asked).await.unwrap_or(Reached::Silence)
    }
}

/// Tells how far the way to the hub goes.
pub async fn examine(report: &mut Report, settings: &Settings, identity: &Identity, world: &World<'_>) {
    let address = settings.hub.address.as_deref().unwrap_or(&identity.card.hub);
    let shown = format!("the hub at {address}");
    let (wrong, fix) = match world.network.reach(identity, address).await {
        Reached::Hub => return report.ok("hub", shown),
        // It answers, and is busy or a little behind: that passes.
        Reached::SaysNo(HubError::Busy { .. } | HubError::OutOfStep | HubError::OutOfRange) => {
            return report.add(
                "hub",
                Mark::Warn,
                shown,
                "the hub answers, and is busy",
                "wait; the agent tries again by itself",
            );
        }
        Reached::BadAddress => ("the address is not host:port", "mend `address` under [hub] of the settings"),
        Reached::NoSuchName => (
            "nobody knows this name (DNS)",
            "look whether this machine has a network and a name server; then whether the name is right",
        ),
        Reached::Refused => (
            "the machine is there, and nothing listens on this port",
            "ask the hub's operator whether the hub runs, and whether the port is right",
        ),
        Reached::Silence => (
            "nothing answers",
            "a firewall between here and the hub is the likeliest cause: it must let this port out; a web proxy can't be used",
        ),
        Reached::NotTheHub => (
            "something listens there, and no TLS connection with the hub comes about",
            "if the certificate above is good: a firewall that opens TLS must leave this address alone, or the address is another machine's",
        ),
        Reached::SaysNo(HubError::NotKnown) => (
            "the hub does not know this agent's certificate: it expired, or the agent was removed",
            "look at the certificate above; if it is good, ask the hub's operator for a new invitation",
        ),
        Reached::SaysNo(HubError::NotAllowed) => (
            "the hub knows this agent and lets it do nothing: the institution was suspended or has left",
            "ask the consortium's manager",
        ),
        Reached::SaysNo(error) => {
            return report.add(
                "hub",
                Mark::Fail,
                shown,
                error.to_string(),
                "send this to the hub's operator",
            );
        }
    };
    report.add("hub", Mark::Fail, shown, wrong, fix);
}
