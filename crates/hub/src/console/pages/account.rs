//! Who one is here: the role in use and the others, the theme, the way out.

use super::super::{
    Console,
    layout::Frame,
    nav,
    parts::{self, Standing, StateTag},
    refusal::{Refusal, page},
    secret::{self, Secret},
    signed::{Form, Signed},
    times,
};
use askama::Template;
use axum::{
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Redirect, Response},
};
use commonroll_core::Role;

/// A role that can be put in use.
struct Other {
    code: &'static str,
    words: &'static str,
}

#[derive(Template)]
#[template(path = "account.html")]
struct Account {
    frame: Frame,
    name: String,
    institution: String,
    role: &'static str,
    others: Vec<Other>,
    opened: StateTag,
    first: bool,
}

/// The page about oneself.
pub async fn account(signed: Signed, headers: HeaderMap) -> Result<Response, Refusal> {
    let seen = &signed.seen;
    let others = seen.roles.iter().filter(|role| **role != seen.role);
    page(&Account {
        frame: Frame::new(&signed, &headers, "Your account", "/account").roomy(),
        name: seen.name.clone(),
        institution: seen.institution_name.clone(),
        role: nav::role_words(seen.role),
        others: others.map(|role| Other { code: role.as_str(), words: nav::role_words(*role) }).collect(),
        opened: parts::state(
            Standing::Seen,
            format!("Signed in since {}", times::hm(seen.opened, signed.zone())),
        ),
        first: nav::ways(seen.role).is_empty(),
    })
}

/// Puts another of one's roles in use, with a new session; goes to the page of that role.
pub async fn role(
    State(console): State<Console>,
    signed: Signed,
    Form(form): Form,
) -> Result<Response, Refusal> {
    let role: Role = form.get("role").parse().map_err(|_| Refusal::Missing)?;
    let secret = Secret::fresh(console.around.random.as_ref());
    console.exchange.change_role((&signed.secret.id(), secret.id()), role, signed.now).await?;
    console.live.end(&signed.secret.id());
    console.sign_in.moved(&signed.secret.id(), secret.id());
    Ok(([secret.set()], Redirect::to("/")).into_response())
}

/// Ends the session. The cookie goes whatever happens.
pub async fn sign_out(State(console): State<Console>, signed: Signed) -> Result<Response, Refusal> {
    console.sign_in.forget(&signed.secret.id());
    console.exchange.end_session(&signed.secret.id(), signed.now).await?;
    console.live.end(&signed.secret.id());
    Ok(([secret::forget()], Redirect::to("/")).into_response())
}

/// Keeps the reader's choice of theme in their browser.
pub async fn theme(_: Signed, Form(form): Form) -> Response {
    ([secret::keep_theme(form.get("theme"))], Redirect::to("/account")).into_response()
}
