//! Where everybody arrives: sent on to the page of their role, or to sign in.

use super::super::{
    Console,
    fields::onward,
    layout::Theme,
    nav,
    refusal::{Refusal, page},
    signed::{Query, Signed},
};
use askama::Template;
use axum::{
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Redirect, Response},
};

/// The page that the role comes for.
pub async fn home(signed: Option<Signed>) -> Redirect {
    Redirect::to(signed.map_or("/sign-in", |signed| nav::home(signed.role())))
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignIn {
    theme: Theme,
}

/// Where one signs in. A demo has its own page; no other way in stands yet.
pub async fn sign_in(
    State(console): State<Console>,
    signed: Option<Signed>,
    Query(asked): Query,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let to = onward(asked.get("to"));
    if signed.is_some() {
        return Ok(Redirect::to(to).into_response());
    }
    if console.demo.is_some() {
        let to: String = form_urlencoded::byte_serialize(to.as_bytes()).collect();
        return Ok(Redirect::to(&format!("/demo?to={to}")).into_response());
    }
    page(&SignIn { theme: Theme::of(&headers) })
}
