//! What a data manager does about a match: ask, answer, take back, and undo, with a page between that says what that means.
//! Each leads back to the page of each list from which it came; refused, to the form with what was chosen.

use super::{
    super::words,
    key,
    lines::{self, Linked},
    lists::At,
    shown,
};
use crate::console::{
    Console,
    fields::Fields,
    layout::Frame,
    parts,
    refusal::{Refusal, page},
    signed::{Form, Query, Signed},
    slip::{Label, Slip},
};
use askama::Template;
use axum::{
    extract::{Path, State},
    http::HeaderMap,
    response::{IntoResponse, Redirect, Response},
};
use commonroll_core::{Invalid, LocalId};
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
    one: Linked,
    /// The page from which one came.
    back: String,
}

/// What an undo would do, before anybody does it.
pub async fn undoing(
    State(console): State<Console>,
    signed: Signed,
    Path(id): Path<String>,
    Query(asked): Query,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let id: MatchId = id.parse().map_err(|_| Refusal::Missing)?;
    sure(&console, &signed, (id, &At::asked(&asked)?), &headers).await
}

async fn sure(
    console: &Console,
    signed: &Signed,
    (id, at): (MatchId, &At),
    headers: &HeaderMap,
) -> Result<Response, Refusal> {
    let (link, copies) = console.exchange.match_link(signed.acting(), id, signed.now).await?;
    page(&Undo {
        frame: Frame::new(signed, headers, "Undo a match", super::PATH).why("/explain"),
        own: signed.seen.institution_name.clone(),
        id: id.to_string(),
        other: link.other.clone().unwrap_or_else(|| "Their home".to_owned()),
        hosting: link.hosting,
        copies: words::count(copies, "record", "records"),
        none: copies == 0,
        one: lines::linked(signed, &link, at),
        back: at.address(),
    })
}

/// Asks a home about a guest.
pub async fn ask(
    State(console): State<Console>,
    signed: Signed,
    headers: HeaderMap,
    Form(form): Form,
) -> Response {
    let asked = async {
        let guest = LocalId::parse("guest", form.get("guest")).map_err(|_| Refusal::Missing)?;
        let home = form.get("home").parse().map_err(|_| Refusal::Missing)?;
        let id = console.exchange.ask_match(signed.acting(), (&guest, &home), signed.now).await?;
        Ok(format!("m-{id}"))
    };
    let asked = asked.await;
    went(console, signed, headers, ("ask", "", form, vec![]), asked).await
}

/// Takes a question back.
pub async fn back(
    State(console): State<Console>,
    signed: Signed,
    headers: HeaderMap,
    Form(form): Form,
) -> Response {
    let taken = async {
        let id = named(&form)?;
        console.exchange.take_match_back(signed.acting(), id, signed.now).await?;
        Ok(format!("m-{id}"))
    };
    let taken = taken.await;
    went(console, signed, headers, ("back", "", form, vec![]), taken).await
}

/// Answers a host: a learner of one's own, or none of those who fit.
pub async fn answer(
    State(console): State<Console>,
    signed: Signed,
    headers: HeaderMap,
    Form(form): Form,
) -> Response {
    let wrong = || {
        let rule = "needs an answer: one of your learners, or that it’s none of them";
        Refusal::Field(Invalid::new("who", rule))
    };
    let answered = async {
        let id = named(&form)?;
        let local = match form.get("who").split_once(':') {
            Some(("none", "")) => None,
            Some(("is", local)) => Some(LocalId::parse("who", local).map_err(|_| wrong())?),
            _ => return Err(wrong()),
        };
        let said = (id, form.get("seen"));
        console.exchange.answer_match(signed.acting(), said, local.as_ref(), signed.now).await?;
        Ok("questions".to_owned())
    };
    let answered = answered.await;
    let of = form.get("match").to_owned();
    let labels = vec![Label::new("who", format!("w-{of}"), "Who is it?")];
    went(console, signed, headers, ("answer", &of, form, labels), answered).await
}

/// Takes a no back.
pub async fn reopen(
    State(console): State<Console>,
    signed: Signed,
    headers: HeaderMap,
    Form(form): Form,
) -> Response {
    let taken = async {
        let id = named(&form)?;
        console.exchange.reopen_match(signed.acting(), id, signed.now).await?;
        Ok(format!("m-{id}"))
    };
    let taken = taken.await;
    went(console, signed, headers, ("reopen", "", form, vec![]), taken).await
}

/// Says whom an id of one's own stands for.
pub async fn reused(
    State(console): State<Console>,
    signed: Signed,
    headers: HeaderMap,
    Form(form): Form,
) -> Response {
    let settled = async {
        let local = LocalId::parse("id", form.get("id")).map_err(|_| Refusal::Missing)?;
        let is_same = match form.get("who") {
            "same" => true,
            "another" => false,
            _ => {
                let rule = "needs an answer: the same child, or another";
                return Err(Refusal::Field(Invalid::new("who", rule)));
            }
        };
        let said = (&local, form.get("seen"));
        console.exchange.settle_reused(signed.acting(), said, is_same, signed.now).await?;
        Ok("reused".to_owned())
    };
    let settled = settled.await;
    let of = form.get("id").to_owned();
    let labels = vec![Label::new("who", format!("u-{}", key(&of)), "Who is it?")];
    went(console, signed, headers, ("reused", &of, form, labels), settled).await
}

/// Says where the main registration is of a learner whom another partner claims, too.
pub async fn main(
    State(console): State<Console>,
    signed: Signed,
    headers: HeaderMap,
    Form(form): Form,
) -> Response {
    let said = async {
        let local = LocalId::parse("id", form.get("id")).map_err(|_| Refusal::Missing)?;
        let wrong = |field, rule| Refusal::Field(Invalid::new(field, rule));
        let other = form.get("other").parse();
        let other = other.map_err(|_| wrong("other", "needs an answer: one of the partners"))?;
        let is_ours = match form.get("main") {
            "ours" => true,
            "theirs" => false,
            _ => return Err(wrong("main", "needs an answer: with you, or with the other")),
        };
        let said = (&local, form.get("seen"));
        console.exchange.say_main(signed.acting(), said, (&other, is_ours), signed.now).await?;
        Ok("claims".to_owned())
    };
    let said = said.await;
    let of = form.get("id").to_owned();
    let labels = vec![
        Label::new("other", format!("o-{}", key(&of)), "Which partner is the other?"),
        Label::new("main", format!("r-{}", key(&of)), "Where is the main registration?"),
    ];
    went(console, signed, headers, ("main", &of, form, labels), said).await
}

/// Takes that back.
pub async fn main_back(
    State(console): State<Console>,
    signed: Signed,
    headers: HeaderMap,
    Form(form): Form,
) -> Response {
    let taken = async {
        let local = LocalId::parse("id", form.get("id")).map_err(|_| Refusal::Missing)?;
        console.exchange.unsay_main(signed.acting(), &local, signed.now).await?;
        Ok("claims".to_owned())
    };
    let taken = taken.await;
    went(console, signed, headers, ("main back", "", form, vec![]), taken).await
}

/// Takes a match apart.
pub async fn undo(
    State(console): State<Console>,
    signed: Signed,
    headers: HeaderMap,
    Form(form): Form,
) -> Result<Response, Refusal> {
    let (id, at) = (named(&form)?, At::back(&form)?);
    let undone = console.exchange.undo_match(signed.acting(), id, signed.now).await;
    let Err(refusal) = undone else {
        return Ok(Redirect::to(&format!("{}#matched", at.address())).into_response());
    };
    let page = |signed: Signed| async move { sure(&console, &signed, (id, &at), &headers).await };
    Ok(Slip::new("undo", "", form, vec![]).again(refusal.into(), &signed, page).await)
}

/// Back to a place of the page from which a form came; with what was chosen, if it was refused.
async fn went(
    console: Console,
    signed: Signed,
    headers: HeaderMap,
    (sort, of, form, labels): (&'static str, &str, Fields, Vec<Label>),
    done: Result<String, Refusal>,
) -> Response {
    let at = match At::back(&form) {
        Ok(at) => at,
        Err(refusal) => return refusal.into_response(),
    };
    let refusal = match done {
        Ok(place) => return Redirect::to(&format!("{}#{place}", at.address())).into_response(),
        Err(refusal) => refusal,
    };
    let page = |signed: Signed| async move { shown(&console, &signed, &at, &headers).await };
    Slip::new(sort, of, form, labels).again(refusal, &signed, page).await
}

fn named(form: &Fields) -> Result<MatchId, Refusal> {
    form.get("match").parse().map_err(|_| Refusal::Missing)
}
