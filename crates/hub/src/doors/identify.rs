//! Who is speaking, asked at every call: health and reflection too. A stranger gets UNAUTHENTICATED and no handler runs.

use super::connection::Peer;
use crate::{
    limits::Shares,
    metrics::Metrics,
    status,
    strangers::{Strangers, Why},
};
use commonroll_exchange::{AgentId, Exchange, Speaker};
use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tonic::{
    Status,
    body::Body,
    codegen::http::{Request, Response},
};
use tower::{Layer, Service};

/// What identification needs.
#[derive(Clone)]
pub(crate) struct Identify {
    pub exchange: Exchange,
    pub shares: Arc<Shares>,
    pub strangers: Arc<Strangers>,
    pub metrics: Arc<Metrics>,
}

impl Identify {
    /// The speaker of a request, or the answer that refuses it.
    fn speaker(&self, request: &Request<Body>) -> Result<Speaker, Status> {
        let peer = request.extensions().get::<Peer>().ok_or_else(status::stranger)?;
        let agent = peer.0.agent.ok_or_else(status::stranger)?;
        let speaker = self.exchange.speaker(AgentId(agent)).map_err(|_| {
            self.metrics.stranger(Why::Unknown.word());
            self.strangers.note(peer.0.address, &peer.0.fingerprint, Why::Unknown);
            status::stranger()
        })?;
        if peer.0.crowded {
            let text = "this institution has too many open connections; close some and try again";
            return Err(status::too_much(text, Duration::from_secs(5)));
        }
        let wait = self.shares.call(speaker.institution());
        wait.map_err(|retry| status::too_much("too many calls a second; wait and try again", retry))?;
        Ok(speaker)
    }
}

impl<S> Layer<S> for Identify {
    type Service = Identified<S>;

    fn layer(&self, inner: S) -> Identified<S> {
        Identified { inner, identify: self.clone() }
    }
}

/// A service that only known speakers reach.
#[derive(Clone)]
pub(crate) struct Identified<S> {
    inner: S,
    identify: Identify,
}

impl<S> Service<Request<Body>> for Identified<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let metrics = self.identify.metrics.clone();
        let speaker = match self.identify.speaker(&request) {
            Ok(speaker) => speaker,
            Err(refusal) => {
                metrics.refused_call(refusal.code());
                return Box::pin(async move { Ok(refusal.into_http()) });
            }
        };
        request.extensions_mut().insert(speaker);
        let answer = self.inner.call(request);
        Box::pin(async move { answer.await.map(|response| in_our_words(response, &metrics)) })
    }
}

/// An error that tonic made before a handler ran (bytes that are no message), said as the table says it.
pub(crate) fn in_our_words(response: Response<Body>, metrics: &Metrics) -> Response<Body> {
    let Some(said) = Status::from_header_map(response.headers()) else { return response };
    if said.code() == tonic::Code::Ok {
        return response;
    }
    let ours = status::of_transport(&said);
    metrics.refused_call(ours.as_ref().unwrap_or(&said).code());
    ours.map_or(response, Status::into_http)
}
