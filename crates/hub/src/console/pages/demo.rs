//! A demo's own way in: one button for each kind of user. Without a demo it is not there.

use super::super::{
    Console,
    demo::DemoPerson,
    fields::onward,
    layout::Theme,
    parts,
    refusal::{Refusal, page},
    secret::Secret,
    signed::{Form, Query, Signed},
};
use askama::Template;
use axum::{
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Redirect, Response},
};

#[derive(Template)]
#[template(path = "demo.html")]
struct Choose<'a> {
    theme: Theme,
    people: &'a [DemoPerson],
    to: &'a str,
}

/// Whom one would like to be.
pub async fn choose(
    State(console): State<Console>,
    Query(asked): Query,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let demo = console.demo.as_ref().ok_or(Refusal::Missing)?;
    page(&Choose { theme: Theme::of(&headers), people: demo.all(), to: onward(asked.get("to")) })
}

/// Signs in as one of them, with a new session; one that was there before is over.
pub async fn enter(
    State(console): State<Console>,
    before: Option<Signed>,
    Form(form): Form,
) -> Result<Response, Refusal> {
    let demo = console.demo.as_ref().ok_or(Refusal::Missing)?;
    let chosen = form.get("who").parse::<usize>().ok().and_then(|at| demo.all().get(at));
    let chosen = chosen.ok_or_else(|| {
        console.exchange.refuse_sign_in(None, "no_such_person");
        Refusal::Missing
    })?;
    let (secret, now) = (Secret::fresh(console.around.random.as_ref()), console.around.now());
    let who = (chosen.person, chosen.role);
    console.exchange.open_session(secret.id(), who, "demo", now).await?;
    if let Some(before) = before {
        console.exchange.end_session(&before.secret.id(), now).await?;
    }
    Ok(([secret.set()], Redirect::to(onward(form.get("to")))).into_response())
}
