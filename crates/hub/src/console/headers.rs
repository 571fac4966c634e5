//! What every answer of the console carries, errors too: no script but ours, no frame, no other site, nothing kept.

use super::{Console, refusal::Refusal};
use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures_util::FutureExt;
use std::{panic::AssertUnwindSafe, time::Duration};

/// How long a page may take to be made.
const WITHIN: Duration = Duration::from_secs(20);

const ALWAYS: [(HeaderName, &str); 9] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (header::STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    // Nothing goes to other sites. With `no-referrer` a browser would say `Origin: null` of our own forms.
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-embedder-policy"), "require-corp"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=()",
    ),
];

fn put(headers: &mut HeaderMap) {
    for (name, value) in ALWAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

/// The outermost layer: a hub that can't serve says so, a page that takes too long or breaks is an error page, and all of
/// them carry the headers.
pub(super) async fn around(State(console): State<Console>, request: Request<Body>, next: Next) -> Response {
    let asset = request.uri().path().starts_with("/assets/");
    let now = console.around.now();
    let mut response = if !asset && console.exchange.clock_holds(now).is_err() {
        Refusal::ClockAhead.into_response()
    } else if asset || console.exchange.serving(now).is_ok() {
        let made = tokio::time::timeout(WITHIN, AssertUnwindSafe(next.run(request)).catch_unwind());
        match made.await {
            Ok(Ok(response)) => response,
            Ok(Err(_)) => {
                tracing::error!("a page of the console broke; its cause stands above");
                Refusal::Broken.into_response()
            }
            Err(_) => Refusal::Unavailable.into_response(),
        }
    } else {
        Refusal::Unavailable.into_response()
    };
    put(response.headers_mut());
    response
}
