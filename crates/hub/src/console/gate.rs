//! Before every page: does the request come from our own pages, who is signed in, is the page for their role, do they ask
//! too fast, and is the form one of theirs. Only then does the page's own code run.

use super::{
    Console,
    fields::{FORM_BYTES, Fields, onward},
    refusal::Refusal,
    routes::{Door, Who},
    secret::Secret,
    signed::Signed,
};
use crate::{
    clock::draw,
    doors::connection::Peer,
    signin::{Word, provider::Fault},
};
use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, Method, Uri, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use commonroll_core::{PersonId, Slug, Timestamp};
use commonroll_exchange::{SessionError, SessionSeen, SignInError};
use std::sync::{Arc, PoisonError};

/// The gate of one page.
pub(super) async fn gate(
    State((console, door)): State<(Console, &'static Door)>,
    request: Request<Body>,
    next: Next,
) -> Response {
    match enter(&console, door, request).await {
        Ok(request) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    }
}

/// Where no page is.
pub(super) async fn nothing() -> Refusal {
    Refusal::Missing
}

async fn enter(
    console: &Console,
    door: &'static Door,
    request: Request<Body>,
) -> Result<Request<Body>, Refusal> {
    let (mut parts, body) = request.into_parts();
    let changes = !matches!(parts.method, Method::GET | Method::HEAD);
    if changes && !is_ours(&parts.headers, &parts.uri) {
        return Err(Refusal::Foreign);
    }
    let signed = match (signed(console, &parts).await, &door.who) {
        (Ok(signed), _) => Some(signed),
        (Err(_), Who::Anyone) => None,
        (Err(refusal), _) => return Err(refusal),
    };
    if let Some(signed) = &signed {
        let person = signed.seen.speaker.id();
        console.pace.person(person).map_err(|wait| Refusal::TooMany(wait.as_secs() + 1))?;
        if !door.who.has(signed.role()) {
            console.exchange.refuse_page(&signed.seen.speaker.by());
            return Err(Refusal::Missing);
        }
    }
    let body = if changes {
        let sent = to_bytes(body, FORM_BYTES).await.map_err(|_| Refusal::TooLarge)?;
        let fields = Fields::read(&sent).ok_or(Refusal::TooLarge)?;
        let theirs = signed.as_ref().is_none_or(|signed| signed.secret.sent(fields.get("token")));
        if !theirs && door.who != Who::Anyone {
            return Err(Refusal::Foreign);
        }
        parts.extensions.insert(fields);
        Body::empty()
    } else {
        body
    };
    if let Some(signed) = signed {
        parts.extensions.insert(signed);
    }
    Ok(Request::from_parts(parts, body))
}

/// Who is signed in; else the way to sign in, or 429 for an address that keeps guessing.
async fn signed(console: &Console, parts: &Parts) -> Result<Signed, Refusal> {
    // After signing in one comes back to a page, never to a form that was sent.
    let asked = parts.uri.path_and_query().filter(|_| parts.method == Method::GET);
    let sign_in = || Refusal::SignIn(asked.map_or("/", |to| onward(to.as_str())).to_owned());
    let secret = Secret::of(&parts.headers).ok_or_else(sign_in)?;
    let now = console.around.now();
    match console.exchange.session(&secret.id(), is_used(&parts.headers), now).await {
        Ok(seen) => {
            let seen = standing(console, seen, &secret, (parts, now)).await?;
            Ok(Signed { seen: Arc::new(seen), secret, now, slip: None })
        }
        Err(SessionError::Unavailable) => Err(Refusal::Unavailable),
        Err(_) => {
            // Only who shows what is nobody's is slowed; who is signed in at the same address is not.
            let peer = parts.extensions.get::<Peer>();
            let wait = peer.map_or(Ok(()), |peer| console.pace.guess(peer.0.address));
            wait.map_err(|wait| Refusal::TooMany(wait.as_secs() + 1))?;
            Err(sign_in())
        }
    }
}

/// The session as it stands by the word of the institution's own sign-in, where that says what somebody is. An old word is
/// had anew: asked for here, or by sending the browser round. A provider that doesn't answer puts nobody out.
async fn standing(
    console: &Console,
    seen: SessionSeen,
    secret: &Secret,
    (parts, now): (&Parts, Timestamp),
) -> Result<SessionSeen, Refusal> {
    if !seen.provided {
        return Ok(seen);
    }
    let (institution, id) = (seen.speaker.institution(), secret.id());
    let Some(provider) = console.sign_in.provider(institution) else { return Ok(seen) };
    let (refresh, held) = match console.sign_in.word(&id, now) {
        Word::Good => return Ok(seen),
        Word::Ask(refresh, held) => (refresh, held),
        Word::Go => return Err(round(institution, parts)),
    };
    let says = match provider.renew(&refresh, now).await {
        Ok(renewed) => {
            *held.lock().unwrap_or_else(PoisonError::into_inner) = renewed.refresh;
            renewed.says
        }
        Err(Fault::Down) => return Ok(seen),
        Err(fault) if fault != Fault::Code => {
            tracing::warn!(class = fault.class(), %institution, "a provider's word could not be had anew");
            console.sign_in.forget(&id);
            return Err(round(institution, parts));
        }
        Err(fault) => {
            console.exchange.refuse_sign_in(Some(institution), fault.class());
            console.sign_in.forget(&id);
            console.exchange.end_session(&id, now).await?;
            return Err(Refusal::SignIn("/".to_owned()));
        }
    };
    let fresh = PersonId(draw(console.around.random.as_ref()));
    match console.exchange.account(says, fresh, now).await {
        // Somebody else than whom the session was opened for: it isn't theirs.
        Ok(person) if person == seen.speaker.id() => {
            Ok(console.exchange.session(&id, is_used(&parts.headers), now).await?)
        }
        Err(SignInError::Unavailable) => Err(Refusal::Unavailable),
        _ => {
            console.exchange.end_session(&id, now).await?;
            Err(Refusal::SignIn("/".to_owned()))
        }
    }
}

/// The way round by the provider, which asks nobody anything as long as they are signed in there. What was being sent would be
/// lost on the way: it is said instead.
fn round(institution: &Slug, parts: &Parts) -> Refusal {
    if parts.method != Method::GET {
        return Refusal::Conflict(
            "Your institution’s sign-in has to say again that you may do this, and what you sent couldn’t wait for it."
                .to_owned(),
        );
    }
    let to = parts.uri.path_and_query().map_or("/", |to| onward(to.as_str()));
    let to: String = form_urlencoded::byte_serialize(to.as_bytes()).collect();
    Refusal::Round(format!("/sign-in/{institution}?ask=quiet&to={to}"))
}

/// False for what a page that lies open asks by itself: a session is not kept alive by a screen that nobody looks at.
fn is_used(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-dest").is_none_or(|to| to != "empty") || headers.contains_key("x-in-use")
}

/// Whether a request that changes something comes from our own pages. Browsers say so in `Sec-Fetch-Site`; older ones in
/// `Origin`. One that says neither is not believed.
fn is_ours(headers: &HeaderMap, uri: &Uri) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let host = uri.authority().map(|host| host.as_str()).or_else(|| text(header::HOST.as_str()));
    let own = |origin: &str| origin.strip_prefix("https://").is_some_and(|origin| Some(origin) == host);
    match (headers.get("sec-fetch-site").map(|site| site.as_bytes()), text("origin")) {
        (Some(site), origin) => site == b"same-origin" && origin.is_none_or(own),
        (None, Some(origin)) => own(origin),
        (None, None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_pages_can_change_anything() {
        let from = |pairs: &[(&'static str, &'static str)]| {
            let headers: HeaderMap =
                pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
            is_ours(&headers, &"/role".parse().unwrap())
        };
        let host = ("host", "hub.example:8447");
        assert!(from(&[host, ("sec-fetch-site", "same-origin"), ("origin", "https://hub.example:8447")]));
        assert!(from(&[host, ("sec-fetch-site", "same-origin")]));
        assert!(from(&[host, ("origin", "https://hub.example:8447")]));
        assert!(!from(&[host]), "says nothing");
        for site in ["cross-site", "same-site", "none", ""] {
            let said: (&'static str, &'static str) = ("sec-fetch-site", site);
            assert!(!from(&[host, said, ("origin", "https://hub.example:8447")]), "{site}");
        }
        for origin in ["https://evil.example", "http://hub.example:8447", "https://hub.example", "null", ""] {
            assert!(!from(&[host, ("origin", origin)]), "{origin}");
            assert!(!from(&[host, ("sec-fetch-site", "same-origin"), ("origin", origin)]), "{origin}");
        }
    }
}
