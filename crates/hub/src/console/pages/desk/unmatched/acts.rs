//! What a data manager does about a match: ask, answer, take back, and undo, with a page between that says what that means.

use super::{super::words, PATH, lines};
use crate::console::{
    Console,
    fields::Fields,
    layout::Frame,
    parts,
    refusal::{Refusal, page},
    signed::{Form, Signed},
};
use askama::Template;
use axum::{
    extract::{Path, State},
    http::HeaderMap,
    response::{IntoResponse, Redirect, Response},
};
use commonroll_core::LocalId;
use commonroll_exchange::MatchId;

#[derive(Template)]
#[template(path = "desk/undo.html")]
struct Undo {
    frame: Frame,
    own: String,
    id: String,
    other: String,
    hosting: bool,
    /// `12 records`.
    copies: String,
    none: bool,
    one: lines::Linked,
}

/// What an undo would do, before anybody does it.
pub async fn undoing(
    State(console): State<Console>,
    signed: Signed,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let id: MatchId = id.parse().map_err(|_| Refusal::Missing)?;
    let (link, copies) = console.exchange.match_link(signed.acting(), id, signed.now).await?;
    page(&Undo {
        frame: Frame::new(&signed, &headers, "Undo a match", PATH).why("/explain"),
        own: signed.seen.institution_name.clone(),
        id: id.to_string(),
        other: link.other.clone().unwrap_or_else(|| "Their home".to_owned()),
        hosting: link.hosting,
        copies: words::count(copies, "record", "records"),
        none: copies == 0,
        one: lines::linked(&signed, &link),
    })
}

/// Asks a home about a guest.
pub async fn ask(
    State(console): State<Console>,
    signed: Signed,
    Form(form): Form,
) -> Result<Response, Refusal> {
    let guest = LocalId::parse("guest", form.get("guest")).map_err(|_| Refusal::Missing)?;
    let home = form.get("home").parse().map_err(|_| Refusal::Missing)?;
    let id = console.exchange.ask_match(signed.acting(), (&guest, &home), signed.now).await?;
    Ok(Redirect::to(&format!("{PATH}#m-{id}")).into_response())
}

/// Takes a question back.
pub async fn back(
    State(console): State<Console>,
    signed: Signed,
    Form(form): Form,
) -> Result<Response, Refusal> {
    let id = named(&form)?;
    console.exchange.take_match_back(signed.acting(), id, signed.now).await?;
    Ok(Redirect::to(&format!("{PATH}#m-{id}")).into_response())
}

/// Answers a host: a learner of one's own, or none of those who fit.
pub async fn answer(
    State(console): State<Console>,
    signed: Signed,
    Form(form): Form,
) -> Result<Response, Refusal> {
    let id = named(&form)?;
    let wrong = || Refusal::Wrong("Choose one of your learners, or that it’s none of them.".to_owned());
    let local = match form.get("who").split_once(':') {
        Some(("none", "")) => None,
        Some(("is", local)) => Some(LocalId::parse("who", local).map_err(|_| wrong())?),
        _ => return Err(wrong()),
    };
    console
        .exchange
        .answer_match(signed.acting(), (id, form.get("seen")), local.as_ref(), signed.now)
        .await?;
    Ok(Redirect::to(PATH).into_response())
}

/// Takes a no back.
pub async fn reopen(
    State(console): State<Console>,
    signed: Signed,
    Form(form): Form,
) -> Result<Response, Refusal> {
    let id = named(&form)?;
    console.exchange.reopen_match(signed.acting(), id, signed.now).await?;
    Ok(Redirect::to(&format!("{PATH}#m-{id}")).into_response())
}

/// Says whom an id of one's own stands for.
pub async fn reused(
    State(console): State<Console>,
    signed: Signed,
    Form(form): Form,
) -> Result<Response, Refusal> {
    let local = LocalId::parse("id", form.get("id")).map_err(|_| Refusal::Missing)?;
    let is_same = match form.get("who") {
        "same" => true,
        "another" => false,
        _ => return Err(Refusal::Wrong("Choose whether it’s the same child, or another.".to_owned())),
    };
    console.exchange.settle_reused(signed.acting(), (&local, form.get("seen")), is_same, signed.now).await?;
    Ok(Redirect::to(PATH).into_response())
}

/// Says where the main registration is of a learner whom another partner claims, too.
pub async fn main(
    State(console): State<Console>,
    signed: Signed,
    Form(form): Form,
) -> Result<Response, Refusal> {
    let local = LocalId::parse("id", form.get("id")).map_err(|_| Refusal::Missing)?;
    let other = form.get("other").parse();
    let other = other.map_err(|_| Refusal::Wrong("Choose which partner registers them, too.".to_owned()))?;
    let is_ours = match form.get("main") {
        "ours" => true,
        "theirs" => false,
        _ => return Err(Refusal::Wrong("Choose where the main registration is.".to_owned())),
    };
    let said = (&local, form.get("seen"));
    console.exchange.say_main(signed.acting(), said, (&other, is_ours), signed.now).await?;
    Ok(Redirect::to(&format!("{PATH}#c")).into_response())
}

/// Takes that back.
pub async fn main_back(
    State(console): State<Console>,
    signed: Signed,
    Form(form): Form,
) -> Result<Response, Refusal> {
    let local = LocalId::parse("id", form.get("id")).map_err(|_| Refusal::Missing)?;
    console.exchange.unsay_main(signed.acting(), &local, signed.now).await?;
    Ok(Redirect::to(PATH).into_response())
}

/// Takes a match apart.
pub async fn undo(
    State(console): State<Console>,
    signed: Signed,
    Form(form): Form,
) -> Result<Response, Refusal> {
    console.exchange.undo_match(signed.acting(), named(&form)?, signed.now).await?;
    Ok(Redirect::to(PATH).into_response())
}

fn named(form: &Fields) -> Result<MatchId, Refusal> {
    form.get("match").parse().map_err(|_| Refusal::Missing)
}
