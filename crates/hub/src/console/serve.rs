//! The console's listener: bounded in connections and in time, HTTP/1.1 and HTTP/2 over TLS 1.3. Plain HTTP gets nothing.

use super::{Console, ConsoleCertificate};
use crate::{
    clock::Surroundings,
    doors::{
        accept::{Entrance, accept},
        connection::Connection,
        tls::Tls,
    },
    limits::Crowd,
    metrics::Metrics,
    settings::Limits,
    strangers::Strangers,
};
use axum::{Router, body::Body, http::Request};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{net::TcpListener, task::JoinSet};
use tokio_stream::StreamExt;
use tokio_util::sync::CancellationToken;
use tonic::transport::server::Connected;
use tower::util::MapRequest;

/// How often an HTTP/2 connection is asked whether it is still there, and how long the answer may take.
const ALIVE: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(15));
/// Streams at a time on one connection.
const STREAMS: u32 = 64;
/// Bytes of a request's head.
const HEAD_BYTES: u32 = 16 * 1024;

/// What the console's listener needs.
pub(crate) struct ConsoleDoor {
    pub console: Console,
    pub certificate: Arc<ConsoleCertificate>,
    /// For certificates.
    pub known: Surroundings,
    pub limits: Limits,
    pub strangers: Arc<Strangers>,
    pub metrics: Arc<Metrics>,
    pub stopping: CancellationToken,
    pub cut: CancellationToken,
}

impl ConsoleDoor {
    /// Serves until `stopping`, and then until the last answer has left.
    pub async fn serve(self, listener: TcpListener) {
        let entrance = Entrance {
            tls: Tls::pages(self.certificate, self.known),
            admit: None,
            connections: self.limits.console_connections as usize,
            crowd: Some(Crowd::new(self.limits.console_connections_per_address)),
            handshake: self.limits.handshake(),
            strangers: self.strangers,
            metrics: self.metrics,
            cut: self.cut,
        };
        let mut incoming = accept(listener, entrance, self.stopping.clone());
        let times = self.limits.console();
        let (router, builder) = (self.console.router(), builder(times.0));
        let mut open = JoinSet::new();
        loop {
            let next = tokio::select! {
                () = self.stopping.cancelled() => break,
                next = incoming.next() => next,
                Some(_) = open.join_next(), if !open.is_empty() => continue,
            };
            match next {
                Some(Ok(connection)) => {
                    let serving = (builder.clone(), router.clone(), times);
                    drop(open.spawn(one(serving, connection, self.stopping.clone())));
                }
                Some(Err(_)) => {}
                None => break,
            }
        }
        while open.join_next().await.is_some() {}
    }
}

fn builder(head_within: Duration) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(head_within)
        .max_buf_size(HEAD_BYTES as usize);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(HEAD_BYTES)
        .keep_alive_interval(ALIVE.0)
        .keep_alive_timeout(ALIVE.1);
    builder
}

/// One connection until it ends, or until nobody asks for anything on it any more or the hub stops, and what was asked is
/// answered.
async fn one(
    (builder, router, (head, idle)): (Builder<TokioExecutor>, Router, (Duration, Duration)),
    connection: Connection,
    stopping: CancellationToken,
) {
    let peer = connection.connect_info();
    let asked = Arc::new(AtomicU64::new(0));
    let counted = asked.clone();
    let known = move |request: Request<_>| {
        counted.fetch_add(1, Ordering::Relaxed);
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(peer.clone());
        request
    };
    let service = TowerToHyperService::new(MapRequest::new(router, known));
    let serving = builder.serve_connection(TokioIo::new(connection), service);
    let mut serving = std::pin::pin!(serving);
    let (mut before, mut wait) = (0, head);
    loop {
        tokio::select! {
            _ = serving.as_mut() => return, // how a browser ends its connection is its own affair
            () = stopping.cancelled() => break,
            () = tokio::time::sleep(wait) => {}
        }
        match asked.load(Ordering::Relaxed) {
            0 => return, // not even the head of a request has come
            now if now == before => break,
            now => (before, wait) = (now, idle),
        }
    }
    serving.as_mut().graceful_shutdown();
    let _ = serving.await;
}
