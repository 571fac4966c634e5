//! Matching: what hosts ask about one's own learners, whom nobody has matched, who is matched, and how to take that back. By
//! the own ids and names alone.

mod acts;
mod lines;
mod lists;

pub use acts::{answer, ask, back, main, main_back, reopen, reused, undo, undoing};

use super::words;
use crate::{
    authority::hex,
    console::{
        Console,
        layout::Frame,
        parts,
        refusal::{Refusal, page},
        signed::{Query, Signed},
        slip::{Label, Slip},
        times,
    },
    matching,
};
use askama::Template;
use axum::{extract::State, http::HeaderMap, response::Response};
use commonroll_core::LocalId;
use commonroll_exchange::{DoubleSeen, MovedSeen, ReusedSeen, WaitingSeen};
use lines::{Agreed, Claim, Guest, Linked, Question};
use lists::{At, List, Part};

const PATH: &str = "/unmatched";

#[derive(Template)]
#[template(path = "desk/unmatched.html")]
struct Unmatched {
    frame: Frame,
    own: String,
    title: String,
    /// True if nothing waits.
    nobody: bool,
    /// Where one comes back to after a form: this page of each list.
    path: String,
    /// The same, with the page on which a question stands that is open once more: the last of its list.
    reopened: String,
    questions: Part<Question>,
    declined: Part<Question>,
    guests: Part<Guest>,
    claims: Part<Claim>,
    agreed: Part<Agreed>,
    moved: Part<Moved>,
    reused: Part<Reused>,
    doubles: Part<Double>,
    for_host: Part<Waiting>,
    for_home: Part<Waiting>,
    /// Whose matches were asked for, by the own id; empty for the newest of all.
    of: String,
    links: Part<Linked>,
}

struct Moved {
    id: String,
    what: String,
    next: &'static str,
}

struct Reused {
    id: String,
    /// The same, for the ids of its fields.
    key: String,
    called: String,
    since: String,
    /// `2 guests`.
    guests: String,
    stamp: String,
}

struct Double {
    id: String,
    called: String,
    who: String,
    says: &'static str,
    means: &'static str,
    /// What to do.
    next: &'static str,
}

struct Waiting {
    id: String,
    other: String,
    group: String,
    dates: String,
}

/// What waits for people, and what people and numbers have matched.
pub async fn unmatched(
    State(console): State<Console>,
    signed: Signed,
    Query(asked): Query,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let refusal = match At::asked(&asked) {
        Ok(at) => return shown(&console, &signed, &at, &headers).await,
        Err(refusal) => refusal,
    };
    let page = |signed| async move { shown(&console, &signed, &At::default(), &headers).await };
    let labels = vec![Label::new("of", "of", "Your id")];
    Ok(Slip::new("find", "", asked, labels).again(refusal, &signed, page).await)
}

async fn shown(
    console: &Console,
    signed: &Signed,
    at: &At,
    headers: &HeaderMap,
) -> Result<Response, Refusal> {
    let asked = (at.of.as_ref(), &at.part());
    let seen = console.exchange.unmatched(signed.acting(), asked, signed.now).await?;
    let all = &seen.all;
    let mut frame = Frame::new(signed, headers, "Unmatched", PATH).why("/explain");
    if let Some(way) = frame.ways.iter_mut().find(|way| way.path == PATH) {
        way.waiting = all.questions;
    }
    let questions = |declined| {
        let of_sort = seen.questions.iter().filter(move |one| one.declined == declined);
        of_sort.map(|one| lines::question(signed, one))
    };
    let claim = |one| lines::claim(signed, one, &seen.partners);
    page(&Unmatched {
        frame,
        own: signed.seen.institution_name.clone(),
        title: match all.waiting() as u64 {
            0 => "Everybody is matched".to_owned(),
            some => words::count(some, "thing waits for a person", "things wait for a person"),
        },
        nobody: all.waiting() == 0,
        path: at.address(),
        reopened: at.lists.turned_to(List::Questions, all.questions).address(),
        questions: at.list(List::Questions, all.questions, questions(false)),
        declined: at.list(List::Declined, all.declined, questions(true)),
        guests: at.list(List::Guests, all.guests, seen.guests.iter().map(|one| lines::guest(signed, one))),
        claims: at.list(List::Claims, all.claims, seen.claims.iter().map(claim)),
        agreed: at.list(List::Agreed, all.agreed, seen.agreed.iter().map(|one| lines::agreed(signed, one))),
        moved: at.list(List::Moved, all.moved, seen.moved.iter().map(moved)),
        reused: at.list(List::Reused, all.reused, seen.reused.iter().map(|one| reused_id(signed, one))),
        doubles: at.list(List::Doubles, all.doubles, seen.doubles.iter().map(double)),
        for_host: at.list(List::ForHost, all.for_host, seen.for_host.iter().map(waits)),
        for_home: at.list(List::ForHome, all.for_home, seen.for_home.iter().map(waits)),
        of: at.of.as_ref().map(text).unwrap_or_default(),
        links: {
            let links = seen.links.links.iter().map(|one| lines::linked(signed, one, at));
            at.list(List::Matched, seen.links.all, links)
        },
    })
}

fn text(local: &LocalId) -> String {
    local.as_str().to_owned()
}

/// An own id as part of the id of a field: letters and digits alone.
fn key(local: &str) -> String {
    hex(local.as_bytes())
}

fn reused_id(signed: &Signed, one: &ReusedSeen) -> Reused {
    Reused {
        id: text(&one.local),
        key: key(one.local.as_str()),
        called: one.called.clone(),
        since: times::day_hm(one.since, signed.zone()),
        guests: matching::guests(one.guests),
        stamp: one.stamp.clone(),
    }
}

fn double(one: &DoubleSeen) -> Double {
    let (who, next) = matching::double(one);
    let (id, called) = (text(&one.local), one.called.clone());
    Double { id, called, who, says: one.says, means: one.means, next }
}

fn moved(one: &MovedSeen) -> Moved {
    let (what, next) = matching::moved(&one.other, one.how);
    Moved { id: text(&one.local), what, next }
}

fn waits(one: &WaitingSeen) -> Waiting {
    Waiting {
        id: text(&one.local),
        other: one.other.clone(),
        group: one.group.as_ref().map_or("every group", |group| group.as_str()).to_owned(),
        dates: format!("{} to {}", times::date(one.dates.first()), times::date(one.dates.last())),
    }
}
