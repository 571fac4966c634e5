//! The way in with an institution's own account: choose where one works, sign in there, come back.
//!
//! What goes wrong is told in words, by its class; nothing that the provider said is shown. Whoever has an account that is
//! nobody's yet can use an invitation for it.

use super::super::{
    Console,
    fields::onward,
    layout::Theme,
    parts,
    refusal::{Refusal, page},
    secret::{self, Secret},
    signed::{Form, Query, Signed},
};
use crate::{
    authority::hex,
    clock::draw,
    doors::connection::Peer,
    signin::{
        flow::Flow,
        provider::{Answer, Asks, Fault, SignedIn},
    },
};
use askama::Template;
use axum::{
    Extension,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
};
use commonroll_core::{LocalId, PersonId, Role, Slug, Timestamp};
use commonroll_exchange::{JoinError, ProviderSays, SessionId, SignInError};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// An account that is nobody's waits so long for its invitation.
const WAITS_US: i64 = 10 * 60_000_000;

/// An institution to sign in at.
struct Place {
    slug: String,
    name: String,
    letter: char,
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct Choose {
    theme: Theme,
    places: Vec<Place>,
    to: String,
}

#[derive(Template)]
#[template(path = "sign_in_failed.html")]
struct Failed {
    theme: Theme,
    title: &'static str,
    says: &'static str,
    note: &'static str,
    unknown: bool,
}

#[derive(Template)]
#[template(path = "invited.html")]
struct Invited {
    theme: Theme,
    institution: String,
    wrong: bool,
}

/// An account that is nobody's yet, on its way to an invitation.
#[derive(Serialize, Deserialize)]
struct Waiting {
    institution: Slug,
    issuer: String,
    subject: String,
    to: String,
    at_us: i64,
}

/// Where one signs in. A demo has its own page.
pub async fn choose(
    State(console): State<Console>,
    signed: Option<Signed>,
    Query(asked): Query,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let to = onward(asked.get("to"));
    let encoded: String = form_urlencoded::byte_serialize(to.as_bytes()).collect();
    if signed.is_some() {
        return Ok(Redirect::to(to).into_response());
    }
    if console.demo.is_some() {
        return Ok(Redirect::to(&format!("/demo?to={encoded}")).into_response());
    }
    let places = console.sign_in.institutions().map(|slug| {
        let name = console.exchange.institution_name(slug).unwrap_or_else(|| slug.to_string());
        Place { slug: slug.to_string(), letter: name.chars().next().unwrap_or('·'), name }
    });
    page(&Choose { theme: Theme::of(&headers), places: places.collect(), to: encoded })
}

/// Sends the browser to the institution's provider.
pub async fn begin(
    State(console): State<Console>,
    Path(institution): Path<String>,
    Query(asked): Query,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let slug: Slug = institution.parse().map_err(|_| Refusal::Missing)?;
    let provider = console.sign_in.provider(&slug).ok_or(Refusal::Missing)?;
    let asks = match asked.get("ask") {
        "quiet" => Asks::Nothing,
        "again" => Asks::Again,
        _ => Asks::Usual,
    };
    let (random, now) = (console.around.random.as_ref(), console.around.now());
    let redirect = console.sign_in.redirect(&slug);
    match provider.begin((&redirect, onward(asked.get("to")), asks), random, now).await {
        Ok((url, mut flow)) => {
            if let (true, Some(secret)) = (asks != Asks::Usual, Secret::of(&headers)) {
                flow.of = hex(&secret.id());
            }
            let cookie = secret::keep_flow(&console.sign_in.seal.close(&flow));
            Ok(([cookie], Redirect::to(url.as_str())).into_response())
        }
        Err(fault) => failed(&console, Some(&slug), fault, &headers),
    }
}

/// Takes the provider's answer, and opens a session for whom it names.
pub async fn back(
    State(console): State<Console>,
    Extension(peer): Extension<Peer>,
    Path(institution): Path<String>,
    Query(asked): Query,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let slug: Slug = institution.parse().map_err(|_| Refusal::Missing)?;
    let provider = console.sign_in.provider(&slug).ok_or(Refusal::Missing)?.clone();
    let some = |name: &str| Some(asked.get(name)).filter(|value| !value.is_empty()).map(str::to_owned);
    let answer = Answer { code: some("code"), state: some("state"), iss: some("iss"), error: some("error") };
    let now = console.around.now();
    let flow = secret::flow(&headers)
        .and_then(|cookie| console.sign_in.seal.open(cookie, answer.state.as_deref(), now));
    let before = before(&console, &headers, now).await;
    let same = flow.as_ref().zip(before.as_ref()).filter(|(flow, before)| flow.of == hex(&before.id));
    if same.is_none() {
        // Whoever is asked after every minute, at one address with all the others, is no guesser.
        let wait = console.pace.guess(peer.0.address);
        wait.map_err(|wait| Refusal::TooMany(wait.as_secs() + 1))?;
    }
    let Some(flow) = flow else { return failed(&console, Some(&slug), Fault::State, &headers) };
    let redirect = console.sign_in.redirect(&slug);
    let signed_in = match provider.finish((&answer, &flow, &redirect), now).await {
        Ok(signed_in) => signed_in,
        // Nobody was asked anything, and nobody is there any more: now somebody is asked.
        Err(Fault::RefusedThere) if flow.quiet => {
            let to: String = form_urlencoded::byte_serialize(flow.to.as_bytes()).collect();
            return Ok(Redirect::to(&format!("/sign-in/{slug}?to={to}")).into_response());
        }
        Err(fault) => return failed(&console, Some(&slug), fault, &headers),
    };
    enter(&console, signed_in, &flow, before, now).await
}

/// The session that this browser has, whatever its provider's word is worth by now.
struct Before {
    id: SessionId,
    person: PersonId,
    role: Role,
}

async fn before(console: &Console, headers: &HeaderMap, now: Timestamp) -> Option<Before> {
    let id = Secret::of(headers)?.id();
    let seen = console.exchange.session(&id, false, now).await.ok()?;
    Some(Before { id, person: seen.speaker.id(), role: seen.role })
}

async fn enter(
    console: &Console,
    signed_in: SignedIn,
    flow: &Flow,
    before: Option<Before>,
    now: Timestamp,
) -> Result<Response, Refusal> {
    let says = signed_in.says.clone();
    let fresh = PersonId(draw(console.around.random.as_ref()));
    let person = match console.exchange.account(says.clone(), fresh, now).await {
        Ok(person) => person,
        Err(SignInError::Unknown) => {
            console.exchange.refuse_sign_in(Some(&says.institution), "account_unknown");
            let waiting = Waiting {
                institution: says.institution,
                issuer: says.issuer,
                subject: says.subject,
                to: flow.to.clone(),
                at_us: now.micros(),
            };
            let cookie = secret::keep_flow(&console.sign_in.seal.close(&waiting));
            return Ok(([cookie], Redirect::to("/invited")).into_response());
        }
        Err(SignInError::Ended) => {
            console.exchange.refuse_sign_in(Some(&says.institution), "account_ended");
            return Ok((StatusCode::FORBIDDEN, page(&ended(Theme::default()))?).into_response());
        }
        Err(SignInError::Unavailable) => return Err(Refusal::Unavailable),
    };
    if let Some(before) = before.as_ref().filter(|b| b.person == person && flow.of == hex(&b.id)) {
        // The same person at the same session: it goes on as it was, neither younger nor in another role.
        console.sign_in.keep(before.id, signed_in.refresh, now);
        if let (false, Some(proof)) = (flow.quiet, signed_in.proof) {
            // They can do more with it from now on, and so it has a new secret.
            let secret = Secret::fresh(console.around.random.as_ref());
            console.exchange.prove_session((&before.id, Some(secret.id())), proof, now).await?;
            console.live.end(&before.id);
            console.sign_in.moved(&before.id, secret.id());
            let cookies = [secret.set(), secret::forget_flow()];
            return Ok(
                (axum::response::AppendHeaders(cookies), Redirect::to(onward(&flow.to))).into_response()
            );
        }
        return Ok(([secret::forget_flow()], Redirect::to(onward(&flow.to))).into_response());
    }
    let opened = open(console, person, &says.institution, before, now).await?;
    if let Some(proof) = signed_in.proof {
        console.exchange.prove_session((&opened.secret.id(), None), proof, now).await?;
    }
    if opened.provided {
        console.sign_in.keep(opened.secret.id(), signed_in.refresh, now);
    }
    // The cookie of the first half is of no more use.
    let cookies = [opened.secret.set(), secret::forget_flow()];
    Ok((axum::response::AppendHeaders(cookies), Redirect::to(onward(&flow.to))).into_response())
}

struct Opened {
    secret: Secret,
    provided: bool,
}

/// Opens a session in the person's role; one that was there before is over. Of several roles the one that was in use, else
/// the first: they can change.
async fn open(
    console: &Console,
    person: PersonId,
    institution: &Slug,
    before: Option<Before>,
    now: Timestamp,
) -> Result<Opened, Refusal> {
    let speaker = console.exchange.person(person).map_err(|_| Refusal::Missing)?;
    let roles: BTreeSet<Role> = console.exchange.whoami(&speaker).map_err(|_| Refusal::Missing)?.roles;
    let same = before.as_ref().filter(|before| before.person == person);
    let role = same.map(|before| before.role).filter(|role| roles.contains(role)).or(roles.first().copied());
    let Some(role) = role else {
        console.exchange.refuse_sign_in(Some(institution), "no_role");
        return Err(Refusal::Missing);
    };
    let secret = Secret::fresh(console.around.random.as_ref());
    console.exchange.open_session(secret.id(), (person, role), "own account", now).await?;
    if let Some(before) = before {
        console.sign_in.forget(&before.id);
        console.live.end(&before.id);
        console.exchange.end_session(&before.id, now).await?;
    }
    let provided = console.exchange.session(&secret.id(), true, now).await?.provided;
    Ok(Opened { secret, provided })
}

/// Where an account that is nobody's yet gives its invitation.
pub async fn invited(State(console): State<Console>, headers: HeaderMap) -> Result<Response, Refusal> {
    let waiting = waiting(&console, &headers).ok_or(Refusal::SignIn("/".to_owned()))?;
    page(&invitation(&console, &waiting, &headers, false))
}

/// Uses an invitation for the account.
pub async fn join(
    State(console): State<Console>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    Form(form): Form,
) -> Result<Response, Refusal> {
    let waiting = waiting(&console, &headers).ok_or(Refusal::SignIn("/".to_owned()))?;
    let now = console.around.now();
    let before = before(&console, &headers, now).await;
    let says = ProviderSays {
        institution: waiting.institution.clone(),
        issuer: waiting.issuer.clone(),
        subject: waiting.subject.clone(),
        name: String::new(),
        roles: BTreeSet::new(),
        staff: None::<LocalId>,
    };
    let fresh = PersonId(draw(console.around.random.as_ref()));
    let joined = console.exchange.join_account(form.get("code"), says, fresh, peer.0.address, now).await;
    match joined {
        Ok(person) => {
            let opened = open(&console, person, &waiting.institution, before, now).await?;
            let cookies = [opened.secret.set(), secret::forget_flow()];
            Ok((axum::response::AppendHeaders(cookies), Redirect::to(onward(&waiting.to))).into_response())
        }
        Err(JoinError::TooMany { retry }) => Err(Refusal::TooMany(retry.as_secs() + 1)),
        Err(JoinError::Unavailable) => Err(Refusal::Unavailable),
        Err(_) => {
            let again = page(&invitation(&console, &waiting, &headers, true))?;
            Ok((StatusCode::FORBIDDEN, again).into_response())
        }
    }
}

fn waiting(console: &Console, headers: &HeaderMap) -> Option<Waiting> {
    let waiting: Waiting = console.sign_in.seal.read(secret::flow(headers)?)?;
    let age = console.around.now().micros() - waiting.at_us;
    (0..WAITS_US).contains(&age).then_some(waiting)
}

fn invitation(console: &Console, waiting: &Waiting, headers: &HeaderMap, wrong: bool) -> Invited {
    let name = console.exchange.institution_name(&waiting.institution);
    let institution = name.unwrap_or_else(|| waiting.institution.to_string());
    Invited { theme: Theme::of(headers), institution, wrong }
}

fn failed(
    console: &Console,
    institution: Option<&Slug>,
    fault: Fault,
    headers: &HeaderMap,
) -> Result<Response, Refusal> {
    console.exchange.refuse_sign_in(institution, fault.class());
    tracing::warn!(class = fault.class(), institution = institution.map(Slug::as_str), "a sign-in failed");
    let theme = Theme::of(headers);
    let (status, failed) = match fault {
        Fault::Down => (StatusCode::SERVICE_UNAVAILABLE, down(theme)),
        Fault::RefusedThere => (StatusCode::FORBIDDEN, refused_there(theme)),
        _ => (StatusCode::BAD_REQUEST, broken(theme)),
    };
    let mut response = (status, page(&failed)?).into_response();
    if fault == Fault::Down {
        let soon = axum::http::HeaderValue::from_static("30");
        response.headers_mut().insert(axum::http::header::RETRY_AFTER, soon);
    }
    let (name, value) = secret::forget_flow();
    response.headers_mut().append(name, value);
    Ok(response)
}

fn down(theme: Theme) -> Failed {
    Failed {
        theme,
        title: "Your institution’s sign-in doesn’t answer",
        says: "Nobody new can sign in with that account just now. Whoever is signed in goes on working, and registers go on \
               flowing between the schools: nothing waits for this.",
        note: "Try again in half a minute. If your own e-mail doesn’t open either, ring your IT support; for a learner’s \
               whereabouts ring the school’s office.",
        unknown: true,
    }
}

fn refused_there(theme: Theme) -> Failed {
    Failed {
        theme,
        title: "You weren’t signed in",
        says: "Your institution’s sign-in page said no, or was closed before it was done.",
        note: "Try again. If it says no again, ask your own IT support whether your account may use Commonroll.",
        unknown: false,
    }
}

fn broken(theme: Theme) -> Failed {
    Failed {
        theme,
        title: "That sign-in can’t be finished",
        says: "It took too long, was finished before, was begun in another browser, or what came back wasn’t what your \
               institution’s sign-in should say. Nobody was signed in.",
        note: "Begin again from the start. If it stays, tell your data manager when you tried: the log has the reason.",
        unknown: false,
    }
}

fn ended(theme: Theme) -> Failed {
    Failed {
        theme,
        title: "This account isn’t used here any more",
        says: "Your account is known, and holds no role here now: it was ended by your institution, or your institution’s \
               sign-in no longer gives you one.",
        note: "If that’s wrong, ask your data manager.",
        unknown: false,
    }
}
