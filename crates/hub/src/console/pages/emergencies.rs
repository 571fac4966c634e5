//! Emergency accesses that concern the own institution: who opened which learner's card, why and until when, and what was said
//! of it since. Who opened one can't review it.

use super::super::{
    Console,
    layout::{EMERGENCIES, Frame},
    live,
    nav::role_words,
    parts,
    refusal::{Refusal, page},
    signed::{Form, Signed},
    slip::{Label, Slip},
    times,
};
use super::{desk::words::capital, exports::unhex};
use crate::authority::hex;
use askama::Template;
use axum::{
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Redirect, Response},
};
use commonroll_core::{LocalId, Role, Timestamp};
use commonroll_exchange::{EmergencySeen, ReviewSeen};
use jiff::tz::TimeZone;
use std::cmp::Reverse;

/// Accesses on a page beside those that wait.
const DONE_MAX: usize = 50;

#[derive(Template)]
#[template(path = "emergencies.html")]
struct Emergencies {
    frame: Frame,
    own: String,
    title: String,
    waiting: Vec<Line>,
    done: Vec<Line>,
    more: usize,
    /// True if reviewing is this role's.
    reviews: bool,
}

/// One access.
struct Line {
    id: String,
    /// The learner by the own institution's id.
    learner: String,
    open: bool,
    stands: String,
    by: String,
    home: String,
    reason: String,
    opened: String,
    reviews: Vec<String>,
    reviewable: bool,
    own: bool,
}

/// The page.
pub async fn emergencies(
    State(console): State<Console>,
    signed: Signed,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let mut seen = console.exchange.emergencies(signed.acting(), signed.now).await?;
    seen.sort_by_key(|one| Reverse((signed.now < one.until, one.opened)));
    let (done, waiting): (Vec<EmergencySeen>, Vec<_>) = seen.into_iter().partition(|one| one.reviewed);
    let line = |one: &EmergencySeen| line(one, signed.now, signed.zone());
    page(&Emergencies {
        frame: Frame::new(&signed, &headers, "Emergency accesses", EMERGENCIES),
        own: signed.seen.institution_name.clone(),
        title: match waiting.len() {
            0 => "No emergency access waits for a review".to_owned(),
            1 => "1 emergency access waits for its review".to_owned(),
            more => format!("{more} emergency accesses wait for their review"),
        },
        waiting: waiting.iter().map(line).collect(),
        more: done.len().saturating_sub(DONE_MAX),
        done: done.iter().take(DONE_MAX).map(line).collect(),
        reviews: signed.role() == Role::Dpo,
    })
}

fn line(one: &EmergencySeen, now: Timestamp, zone: &TimeZone) -> Line {
    let (at, home) = &one.called;
    let role = role_words(one.role);
    let by = match &one.name {
        Some(name) => format!("{name}, {role}, {at}"),
        None => format!("{} at {at}, {} in the log", capital(role), one.by),
    };
    let open = now < one.until;
    Line {
        id: hex(&one.id),
        learner: one.learner.as_ref().map_or("not known to you now", LocalId::as_str).to_owned(),
        open,
        stands: match open {
            true => format!("Open until {}", times::hm(one.until, zone)),
            false => format!("Over since {}", times::moment(one.until, now, zone)),
        },
        by,
        home: home.clone(),
        reason: one.reason.clone(),
        opened: times::day_hm(one.opened, zone),
        reviews: one.reviews.iter().map(|review| said(one, review, zone)).collect(),
        reviewable: one.reviewable,
        own: one.own,
    }
}

/// What was said of it.
fn said(one: &EmergencySeen, review: &ReviewSeen, zone: &TimeZone) -> String {
    let (at, home) = &one.called;
    let institution = if review.institution == one.home { home } else { at };
    let who =
        review.name.as_ref().map_or_else(|| institution.clone(), |name| format!("{name}, {institution}"));
    let found = if review.justified { "justified" } else { "not justified" };
    let remark = if review.remark.is_empty() { String::new() } else { format!(": “{}”", review.remark) };
    format!("{who}, {}: {found}{remark}", times::day_hm(review.at, zone))
}

/// Says that there is something new. Nothing about anybody travels here.
pub async fn news(State(console): State<Console>, signed: Signed) -> Response {
    let changes = console.exchange.emergency_changes();
    live::news(console, signed, changes, live::Beat::News).into_response()
}

/// A second person says whether it was justified.
pub async fn review(
    State(console): State<Console>,
    signed: Signed,
    headers: HeaderMap,
    Form(form): Form,
) -> Result<Response, Refusal> {
    let id = unhex(form.get("id")).ok_or(Refusal::Missing)?;
    let justified = match form.get("justified") {
        "yes" => true,
        "no" => false,
        _ => return Err(Refusal::Wrong("Say whether it was justified.".to_owned())),
    };
    let said = (justified, form.get("remark"));
    let reviewed = console.exchange.review_emergency(signed.acting(), id, said, signed.now).await;
    let Err(refusal) = reviewed else { return Ok(Redirect::to(EMERGENCIES).into_response()) };
    let of = form.get("id").to_owned();
    let labels = vec![Label::new("remark", format!("r-{of}"), "What you found")];
    let page = |signed| emergencies(State(console), signed, headers);
    Ok(Slip::new("review", &of, form, labels).again(refusal.into(), &signed, page).await)
}
