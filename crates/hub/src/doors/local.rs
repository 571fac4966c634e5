//! The local port: health, readiness, metrics and a status page for `hub status`. Plain HTTP on loopback; no learner
//! and no person is named here.

use crate::{clock::Surroundings, metrics::Metrics};
use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
    routing::get,
};
use commonroll_exchange::Exchange;
use serde_json::json;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// What the local port tells about.
#[derive(Clone)]
pub(crate) struct Local {
    pub exchange: Exchange,
    pub around: Surroundings,
    pub metrics: Arc<Metrics>,
    /// Set before anything else when the hub stops.
    pub stopping: Arc<AtomicBool>,
}

impl Local {
    pub fn router(self) -> Router {
        Router::new()
            .route("/healthz", get(async || "alive\n"))
            .route("/readyz", get(readyz))
            .route("/metrics", get(metrics))
            .route("/status", get(status))
            .with_state(self)
    }

    fn ready(&self) -> Result<(), &'static str> {
        if self.stopping.load(Ordering::Acquire) {
            return Err("stopping");
        }
        self.exchange.ready(self.around.now())
    }
}

async fn readyz(State(local): State<Local>) -> impl IntoResponse {
    match local.ready() {
        Ok(()) => (StatusCode::OK, "ready\n".to_owned()),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")),
    }
}

async fn metrics(State(local): State<Local>) -> impl IntoResponse {
    local.metrics.set("commonroll_ready", f64::from(u8::from(local.ready().is_ok())));
    let stats = local.exchange.stats();
    local.metrics.take(&stats);
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], local.metrics.render())
}

async fn status(State(local): State<Local>) -> impl IntoResponse {
    let ready = local.ready();
    let page = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "ready": ready.is_ok(),
        "why_not": ready.err(),
        "exchange": local.exchange.stats(),
    });
    ([(header::CONTENT_TYPE, "application/json")], format!("{page}\n"))
}
