//! The console's listener: bounded in connections and in time, HTTP/1.1 and HTTP/2 over TLS 1.3. Plain HTTP gets nothing.

use super::{Console, ConsoleCertificate};
use crate::{
    clock::Surroundings,
    doors::{
        accept::{Entrance, accept},
        connection::Connection,
        tls::Tls,
    },
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
use std::{sync::Arc, time::Duration};
use tokio::{net::TcpListener, task::JoinSet};
use tokio_stream::StreamExt;
use tokio_util::sync::CancellationToken;
use tonic::transport::server::Connected;
use tower::util::MapRequest;

/// How long a connection may take for the head of a request, and lie idle between two.
const HEAD_WITHIN: Duration = Duration::from_secs(60);
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
    pub around: Surroundings,
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
            tls: Tls::pages(self.certificate, self.around),
            admit: None,
            connections: self.limits.console_connections as usize,
            handshake: self.limits.handshake(),
            strangers: self.strangers,
            metrics: self.metrics,
            cut: self.cut,
        };
        let mut incoming = accept(listener, entrance, self.stopping.clone());
        let (router, builder) = (self.console.router(), builder());
        let mut open = JoinSet::new();
        loop {
            let next = tokio::select! {
                () = self.stopping.cancelled() => break,
                next = incoming.next() => next,
                Some(_) = open.join_next(), if !open.is_empty() => continue,
            };
            match next {
                Some(Ok(connection)) => {
                    drop(open.spawn(one(builder.clone(), connection, router.clone(), self.stopping.clone())));
                }
                Some(Err(_)) => {}
                None => break,
            }
        }
        while open.join_next().await.is_some() {}
    }
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
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

/// One connection until it ends, or until the hub stops and what was asked is answered.
async fn one(
    builder: Builder<TokioExecutor>,
    connection: Connection,
    router: Router,
    stopping: CancellationToken,
) {
    let peer = connection.connect_info();
    let known = move |request: Request<_>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(peer.clone());
        request
    };
    let service = TowerToHyperService::new(MapRequest::new(router, known));
    let serving = builder.serve_connection(TokioIo::new(connection), service);
    let mut serving = std::pin::pin!(serving);
    tokio::select! {
        _ = serving.as_mut() => return, // how a browser ends its connection is its own affair
        () = stopping.cancelled() => {}
    }
    serving.as_mut().graceful_shutdown();
    let _ = serving.await;
}
