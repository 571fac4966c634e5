//! Matching: what hosts ask about one's own learners, whom nobody has matched, who is matched, and how to take that back. By
//! the own ids and names alone.

mod acts;
mod lines;

pub use acts::{answer, ask, back, main, main_back, reopen, reused, undo, undoing};

use super::words;
use crate::console::{
    Console,
    layout::Frame,
    parts,
    refusal::{Refusal, page},
    signed::{Query, Signed},
    times,
};
use askama::Template;
use axum::{extract::State, http::HeaderMap, response::Response};
use commonroll_core::LocalId;
use commonroll_exchange::{MovedHow, UnmatchedSeen, WaitingSeen};
use lines::{Agreed, Claim, Guest, Linked, Question};

const PATH: &str = "/unmatched";

#[derive(Template)]
#[template(path = "desk/unmatched.html")]
struct Unmatched {
    frame: Frame,
    own: String,
    title: String,
    questions: Vec<Question>,
    declined: Vec<Question>,
    guests: Vec<Guest>,
    claims: Vec<Claim>,
    agreed: Vec<Agreed>,
    moved: Vec<Moved>,
    reused: Vec<Reused>,
    doubles: Vec<Double>,
    for_host: Vec<Waiting>,
    for_home: Vec<Waiting>,
    more: usize,
    /// Whose matches were asked for, by the own id; empty for the newest of all.
    of: String,
    links: Vec<Linked>,
    more_links: String,
}

struct Moved {
    id: String,
    what: String,
    next: &'static str,
}

struct Reused {
    id: String,
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
    let of = match asked.get("of") {
        "" => None,
        text => Some(LocalId::parse("of", text).map_err(|rule| Refusal::Wrong(rule.to_string()))?),
    };
    let seen = console.exchange.unmatched(signed.acting(), of.as_ref(), signed.now).await?;
    let waiting = waiting_for_somebody(&seen);
    let mut frame = Frame::new(&signed, &headers, "Unmatched", PATH).why("/explain");
    if let Some(way) = frame.ways.iter_mut().find(|way| way.path == PATH) {
        way.waiting = seen.questions.iter().filter(|one| !one.declined).count();
    }
    let (declined, questions): (Vec<_>, Vec<_>) = seen.questions.iter().partition(|one| one.declined);
    let question = |one| lines::question(&signed, one);
    page(&Unmatched {
        frame,
        own: signed.seen.institution_name.clone(),
        title: match waiting as u64 {
            0 => "Everybody is matched".to_owned(),
            some => words::count(some, "thing waits for a person", "things wait for a person"),
        },
        questions: questions.into_iter().map(question).collect(),
        declined: declined.into_iter().map(question).collect(),
        guests: seen.guests.iter().map(|guest| lines::guest(&signed, guest)).collect(),
        claims: seen.claims.iter().map(|one| lines::claim(&signed, one, &seen.partners)).collect(),
        agreed: seen.agreed.iter().map(|one| lines::agreed(&signed, one)).collect(),
        moved: seen.moved.iter().map(|one| moved(text(&one.local), &one.other, one.how)).collect(),
        reused: seen
            .reused
            .iter()
            .map(|one| Reused {
                id: text(&one.local),
                called: one.called.clone(),
                since: times::day_hm(one.since, signed.zone()),
                guests: words::count(one.guests as u64, "guest", "guests"),
                stamp: one.stamp.clone(),
            })
            .collect(),
        doubles: seen
            .doubles
            .iter()
            .map(|one| Double {
                id: text(&one.local),
                called: one.called.clone(),
                who: match (one.own, &one.other) {
                    (true, _) => "another learner of yours".to_owned(),
                    (false, Some(other)) => format!("a learner of {other}"),
                    (false, None) => "a learner of another partner".to_owned(),
                },
                next: match (one.own, &one.other) {
                    (true, _) => "Correct whichever entry in your MIS is wrong.",
                    (false, Some(_)) => "Ring the other office, and correct whichever MIS is wrong.",
                    (false, None) => {
                        "Check the number against the learner’s papers, and correct your MIS if it’s wrong."
                    }
                },
                says: one.says,
                means: one.means,
            })
            .collect(),
        for_host: seen.for_host.iter().map(waits).collect(),
        for_home: seen.for_home.iter().map(waits).collect(),
        more: seen.more,
        of: of.as_ref().map(text).unwrap_or_default(),
        links: seen.links.links.iter().map(|one| lines::linked(&signed, one)).collect(),
        more_links: match seen.links.more as u64 {
            0 => String::new(),
            some => format!("{} more aren’t listed: look for them by your own id.", words::number(some)),
        },
    })
}

fn waiting_for_somebody(seen: &UnmatchedSeen) -> usize {
    let asked = seen.questions.iter().filter(|one| !one.declined).count();
    let lists =
        [seen.guests.len(), seen.claims.len(), seen.moved.len(), seen.reused.len(), seen.doubles.len()];
    let placements = seen.for_host.len() + seen.for_home.len();
    asked + lists.iter().sum::<usize>() + placements + seen.more
}

fn text(local: &LocalId) -> String {
    local.as_str().to_owned()
}

fn moved(id: String, other: &str, how: MovedHow) -> Moved {
    let (what, next) = match how {
        MovedHow::Homeless => (
            format!("Your guest from {other}: nobody registers them as their own any more"),
            "Ask the learner which school is theirs now. Its office registers them, and the match comes by itself.",
        ),
        MovedHow::HomeChanged => (
            format!("Your guest from {other}: another partner registers them as its own now"),
            "Ask the learner which school is theirs now. It declares the placement, you accept it from there, and end \
             the old one.",
        ),
        MovedHow::LeftUs => (
            format!("Left you, and is still placed with {other}"),
            "End the placement in your MIS: nothing about them comes to you any more.",
        ),
    };
    Moved { id, what, next }
}

fn waits(one: &WaitingSeen) -> Waiting {
    Waiting {
        id: text(&one.local),
        other: one.other.clone(),
        group: one.group.as_ref().map_or("every group", |group| group.as_str()).to_owned(),
        dates: format!("{} to {}", times::date(one.dates.first()), times::date(one.dates.last())),
    }
}
