//! Who is calling, asked at every call: health and reflection too. A stranger gets UNAUTHENTICATED, an agent at a
//! person's method (or the reverse) PERMISSION_DENIED, and no handler runs.

use super::{connection::Peer, who::may_call};
use crate::{
    authority::Caller,
    clock::Surroundings,
    limits::Shares,
    metrics::Metrics,
    status,
    strangers::{Strangers, Why},
};
use commonroll_core::{PersonId, Slug};
use commonroll_exchange::{AgentId, Exchange, NotAllowed, PersonSpeaker, Speaker};
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
    /// The agents' shares.
    pub shares: Arc<Shares>,
    /// The people's, apart, so that neither can use up the other's.
    pub people: Arc<Shares>,
    pub strangers: Arc<Strangers>,
    pub metrics: Arc<Metrics>,
    pub around: Surroundings,
}

/// A caller whom the directory knows.
enum Known {
    Agent(Speaker),
    Person(PersonSpeaker),
}

impl Known {
    fn find(exchange: &Exchange, caller: Caller) -> Result<Self, NotAllowed> {
        match caller {
            Caller::Agent(id) => exchange.speaker(AgentId(id)).map(Self::Agent),
            Caller::Person(id) => exchange.person(PersonId(id)).map(Self::Person),
        }
    }

    fn institution(&self) -> &Slug {
        match self {
            Self::Agent(speaker) => speaker.institution(),
            Self::Person(speaker) => speaker.institution(),
        }
    }

    /// How the log names the caller.
    fn by(&self) -> String {
        match self {
            Self::Agent(speaker) => speaker.institution().to_string(),
            Self::Person(speaker) => speaker.by(),
        }
    }
}

impl Identify {
    /// Who makes a request, or the answer that refuses it.
    fn caller(&self, request: &Request<Body>) -> Result<Known, Status> {
        let peer = request.extensions().get::<Peer>().ok_or_else(status::stranger)?;
        let caller = peer.0.caller.ok_or_else(status::stranger)?;
        let known = Known::find(&self.exchange, caller).map_err(|_| {
            self.metrics.stranger(Why::Unknown.word());
            self.strangers.note(peer.0.address, &peer.0.fingerprint, Why::Unknown);
            status::stranger()
        })?;
        let now = self.around.now();
        self.exchange.clock_holds(now).map_err(status::clock_ahead)?;
        if peer.0.crowded {
            let text = "this institution has too many open connections; close some and try again";
            return Err(status::too_much(text, Duration::from_secs(5)));
        }
        let shares = match known {
            Known::Agent(_) => &self.shares,
            Known::Person(_) => &self.people,
        };
        let wait = shares.call(known.institution());
        wait.map_err(|retry| status::too_much("too many calls a second; wait and try again", retry))?;
        if !may_call(caller, request.uri().path()) {
            self.exchange.refuse_call(&known.by());
            return Err(status::not_allowed());
        }
        if let Known::Agent(speaker) = &known {
            self.exchange.heard(speaker.agent(), version(request), now);
        }
        Ok(known)
    }
}

/// Which version an agent says it is: `user-agent: commonroll-agent/0.1.0`, and what the transport adds.
fn version(request: &Request<Body>) -> Option<&str> {
    let said = request.headers().get("user-agent")?.to_str().ok()?;
    said.split(' ').find_map(|part| part.strip_prefix("commonroll-agent/"))
}

impl<S> Layer<S> for Identify {
    type Service = Identified<S>;

    fn layer(&self, inner: S) -> Identified<S> {
        Identified { inner, identify: self.clone() }
    }
}

/// A service that only known callers reach.
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
        match self.identify.caller(&request) {
            Ok(Known::Agent(speaker)) => drop(request.extensions_mut().insert(speaker)),
            Ok(Known::Person(speaker)) => drop(request.extensions_mut().insert(speaker)),
            Err(refusal) => {
                metrics.refused_call(refusal.code());
                return Box::pin(async move { Ok(refusal.into_http()) });
            }
        }
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
