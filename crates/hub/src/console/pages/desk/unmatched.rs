//! Whom and what nobody has matched at the own institution. By the own ids alone.

use super::words;
use crate::console::{
    Console,
    layout::Frame,
    parts,
    refusal::{Refusal, page},
    signed::Signed,
    times,
};
use askama::Template;
use axum::{extract::State, http::HeaderMap, response::Response};
use commonroll_exchange::{Candidate, WaitingSeen};

#[derive(Template)]
#[template(path = "desk/unmatched.html")]
struct Unmatched {
    frame: Frame,
    own: String,
    title: String,
    guests: Vec<Guest>,
    claims: Vec<(String, String)>,
    for_host: Vec<Waiting>,
    for_home: Vec<Waiting>,
    more: usize,
}

struct Guest {
    id: String,
    from: String,
    candidates: Vec<String>,
}

struct Waiting {
    id: String,
    other: String,
    group: String,
    dates: String,
}

/// What waits for people.
pub async fn unmatched(
    State(console): State<Console>,
    signed: Signed,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let seen = console.exchange.unmatched(signed.acting(), signed.now).await?;
    let all = seen.guests.len() + seen.claims.len() + seen.for_host.len() + seen.for_home.len() + seen.more;
    page(&Unmatched {
        frame: Frame::new(&signed, &headers, "Unmatched", "/unmatched").why("/explain"),
        own: signed.seen.institution_name.clone(),
        title: match all as u64 {
            0 => "Everybody is matched".to_owned(),
            some => words::count(some, "thing waits for a person", "things wait for a person"),
        },
        guests: seen
            .guests
            .iter()
            .map(|guest| Guest {
                id: guest.local.as_str().to_owned(),
                from: guest.from.join(", "),
                candidates: guest.candidates.iter().map(candidate).collect(),
            })
            .collect(),
        claims: seen.claims.iter().map(|one| (one.local.as_str().to_owned(), one.other.clone())).collect(),
        for_host: seen.for_host.iter().map(waiting).collect(),
        for_home: seen.for_home.iter().map(waiting).collect(),
        more: seen.more,
    })
}

fn candidate(one: &Candidate) -> String {
    let learners = words::count(one.learners as u64, "learner", "learners");
    format!("{learners} of {}: {}", one.institution, one.says)
}

fn waiting(one: &WaitingSeen) -> Waiting {
    Waiting {
        id: one.local.as_str().to_owned(),
        other: one.other.clone(),
        group: one.group.as_ref().map_or("every group", |group| group.as_str()).to_owned(),
        dates: format!("{} to {}", times::date(one.dates.first()), times::date(one.dates.last())),
    }
}
