//! One accepted connection: who is at the other end, and two ways of ending it that HTTP/2 itself lacks.
//!
//! A peer that falls silent right after the handshake is dropped, and the hub can cut a connection whose peer takes
//! nothing. What a peer may do is decided per call, in `identify`.

use crate::{
    authority::Caller,
    limits::{CrowdPlace, Place},
    metrics::Raised,
};
use std::{
    io,
    net::IpAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::OwnedSemaphorePermit,
    time::Sleep,
};
use tokio_rustls::server::TlsStream;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::transport::server::Connected;

/// Bytes by which a peer has shown that it speaks HTTP/2: the preface and the head of its first frame.
const FIRST_BYTES: usize = 24 + 9;

/// Who is at the other end of a connection.
#[derive(Debug, Clone)]
pub(crate) struct Peer(pub Arc<PeerInfo>);

#[derive(Debug)]
pub(crate) struct PeerInfo {
    /// Where the connection comes from.
    pub address: IpAddr,
    /// Whom the certificate names; `None` on the join door.
    pub caller: Option<Caller>,
    /// SHA-256 of the certificate.
    pub fingerprint: String,
    /// The institution has too many connections: every call on this one is refused.
    pub crowded: bool,
    /// Ends the connection.
    pub cut: CancellationToken,
}

/// What is given back when a connection ends.
pub(crate) struct Held {
    pub _permit: OwnedSemaphorePermit,
    pub _place: Option<Place>,
    pub _crowd: Option<CrowdPlace>,
    pub _gauge: Option<Raised>,
}

/// An accepted connection, as tonic reads and writes it.
pub(crate) struct Connection {
    io: TlsStream<TcpStream>,
    peer: Peer,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
    silence: Option<(Pin<Box<Sleep>>, usize)>,
    _held: Held,
}

impl Connection {
    pub fn new(io: TlsStream<TcpStream>, peer: Peer, first_bytes_within: Duration, held: Held) -> Self {
        let cut = Box::pin(peer.0.cut.clone().cancelled_owned());
        let silence = Some((Box::pin(tokio::time::sleep(first_bytes_within)), 0));
        Self { io, peer, cut, silence, _held: held }
    }

    fn check(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if self.cut.as_mut().poll(cx).is_ready() {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        if let Some((deadline, _)) = &mut self.silence
            && deadline.as_mut().poll(cx).is_ready()
        {
            return Err(io::ErrorKind::TimedOut.into());
        }
        Ok(())
    }
}

impl Connected for Connection {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer.clone()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check(cx)?;
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.io).poll_read(cx, buf))?;
        if let Some((_, seen)) = &mut self.silence {
            *seen += buf.filled().len() - before;
            if *seen >= FIRST_BYTES {
                self.silence = None;
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.peer.0.cut.is_cancelled() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
