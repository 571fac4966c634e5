//! The accept loop of both TLS doors: a cap on connections, a deadline for the handshake, and a look at who came.

use super::{
    connection::{Connection, Held, Peer, PeerInfo},
    tls::{Shown, Tls},
};
use crate::{
    authority::{Caller, caller_of, fingerprint},
    limits::{Crowd, Place},
    metrics::{Metrics, Raised},
    strangers::{Strangers, Why},
};
use std::{io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, mpsc},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;

/// Connections that passed the handshake and wait to be served.
const WAITING: usize = 64;

/// How long a connection lives whose every call is refused: long enough for its peer to read why.
const REFUSED_LIFE: Duration = Duration::from_secs(5);

/// What a connection gets at the door.
pub(crate) enum Admission {
    /// A place in its institution's share.
    Place(Place),
    /// The institution has enough connections.
    Crowded,
    /// The directory knows no such caller, or they were revoked.
    Unknown,
    /// The hub serves nobody just now: its clock can't be believed, so nobody's certificate was judged by the right time.
    Closed,
}

/// Looks a caller up and gives their connection a place.
pub(crate) type Admit = dyn Fn(Caller) -> Admission + Send + Sync;

/// What one door asks of those who come.
pub(crate) struct Entrance {
    pub tls: Tls,
    /// For the agents' door: the look-up of places. `None` on the join door, where nobody shows a certificate.
    pub admit: Option<Box<Admit>>,
    pub connections: usize,
    /// How many of them one address may have; `None` where who they are says it.
    pub crowd: Option<Arc<Crowd>>,
    pub handshake: Duration,
    pub strangers: Arc<Strangers>,
    pub metrics: Arc<Metrics>,
    /// Ends every connection of this door at once.
    pub cut: CancellationToken,
}

/// Accepts until the receiving end is dropped or `stop` is called.
pub(crate) fn accept(
    listener: TcpListener,
    entrance: Entrance,
    stop: CancellationToken,
) -> ReceiverStream<io::Result<Connection>> {
    let (sender, receiver) = mpsc::channel(WAITING);
    tokio::spawn(run(listener, Arc::new(entrance), sender, stop));
    ReceiverStream::new(receiver)
}

async fn run(
    listener: TcpListener,
    entrance: Arc<Entrance>,
    sender: mpsc::Sender<io::Result<Connection>>,
    stop: CancellationToken,
) {
    let room = Arc::new(Semaphore::new(entrance.connections));
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            () = sender.closed() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, address)) = accepted else {
            // Out of file handles, say: others may close in a moment.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let Ok(permit) = room.clone().try_acquire_owned() else {
            entrance.metrics.counter("commonroll_connections_over_cap_total", &[]).increment(1);
            continue;
        };
        let place = entrance.crowd.as_ref().map(|crowd| crowd.place(address.ip()));
        if place.as_ref().is_some_and(Option::is_none) {
            entrance.metrics.counter("commonroll_connections_over_cap_total", &[]).increment(1);
            continue;
        }
        let held = Held { _permit: permit, _place: None, _crowd: place.flatten(), _gauge: None };
        let (entrance, sender) = (entrance.clone(), sender.clone());
        tokio::spawn(async move {
            if let Some(connection) = entrance.greet(stream, address, held).await {
                let _ = sender.send(Ok(connection)).await; // nobody serves any more: the hub stops
            }
        });
    }
}

impl Entrance {
    async fn greet(&self, stream: TcpStream, address: SocketAddr, held: Held) -> Option<Connection> {
        let _ = stream.set_nodelay(true); // only a loss of speed
        let shown = Arc::new(Shown::default());
        let config = self.tls.for_connection(&shown).ok()?;
        let handshake = TlsAcceptor::from(config).accept(stream);
        match tokio::time::timeout(self.handshake, handshake).await {
            Ok(Ok(tls)) => self.known(tls, address, held),
            Ok(Err(_)) => self.refuse(address, &shown.fingerprint(), Why::Handshake),
            Err(_) => self.refuse(address, &shown.fingerprint(), Why::Slow),
        }
    }

    fn known(&self, tls: TlsStream<TcpStream>, address: SocketAddr, mut held: Held) -> Option<Connection> {
        let mut info = PeerInfo {
            address: address.ip(),
            caller: None,
            fingerprint: String::new(),
            crowded: false,
            cut: self.cut.child_token(),
        };
        if let Some(admit) = &self.admit {
            let certificate = tls.get_ref().1.peer_certificates().and_then(<[_]>::first)?;
            info.fingerprint = fingerprint(certificate);
            let Some(caller) = caller_of(certificate) else {
                return self.refuse(address, &info.fingerprint, Why::Unknown);
            };
            info.caller = Some(caller);
            match admit(caller) {
                Admission::Place(place) => held._place = Some(place),
                refused => {
                    info.crowded = matches!(refused, Admission::Crowded);
                    cut_soon(info.cut.clone());
                }
            }
            held._gauge = Some(Raised::new(&self.metrics.connections));
        }
        Some(Connection::new(tls, Peer(Arc::new(info)), self.handshake, held))
    }

    fn refuse(&self, address: SocketAddr, fingerprint: &str, why: Why) -> Option<Connection> {
        self.metrics.stranger(why.word());
        self.strangers.note(address.ip(), fingerprint, why);
        None
    }
}

fn cut_soon(cut: CancellationToken) {
    tokio::spawn(async move {
        tokio::time::sleep(REFUSED_LIFE).await;
        cut.cancel();
    });
}
