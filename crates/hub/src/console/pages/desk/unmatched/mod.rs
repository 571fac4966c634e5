//! Matching: what hosts ask about one's own learners, whom nobody has matched, who is matched, and how to take that back. By
//! the own ids and names alone.

mod acts;
mod lines;

pub use acts::{answer, ask, back, main, main_back, reopen, reused, undo, undoing};

use super::words;
use crate::{
    console::{
        Console,
        layout::Frame,
        parts,
        refusal::{Refusal, page},
        signed::{Query, Signed},
        times,
    },
    matching,
};
use askama::Template;
use axum::{extract::State, http::HeaderMap, response::Response};
use commonroll_core::LocalId;
use commonroll_exchange::{MovedSeen, UnmatchedSeen, WaitingSeen};
use lines::{Agreed, Claim, Guest, Linked, Question};

const PATH: &str = "/unmatched";
/// Lines of a sort that come with forms, and of one that is only told, on the page.
const LINES: usize = 12;
const SHORT_LINES: usize = 40;

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
        text => Some(LocalId::parse("of", text).map_err(Refusal::Field)?),
    };
    let seen = console.exchange.unmatched(signed.acting(), of.as_ref(), signed.now).await?;
    let waiting = waiting_for_somebody(&seen);
    let mut frame = Frame::new(&signed, &headers, "Unmatched", PATH).why("/explain");
    if let Some(way) = frame.ways.iter_mut().find(|way| way.path == PATH) {
        way.waiting = seen.questions.iter().filter(|one| !one.declined).count();
    }
    let (declined, questions): (Vec<_>, Vec<_>) = seen.questions.iter().partition(|one| one.declined);
    let question = |one| lines::question(&signed, one);
    let more = left(&seen, questions.len(), declined.len());
    page(&Unmatched {
        frame,
        own: signed.seen.institution_name.clone(),
        title: match waiting as u64 {
            0 => "Everybody is matched".to_owned(),
            some => words::count(some, "thing waits for a person", "things wait for a person"),
        },
        questions: questions.into_iter().take(LINES).map(question).collect(),
        declined: declined.into_iter().take(LINES).map(question).collect(),
        guests: seen.guests.iter().take(LINES).map(|guest| lines::guest(&signed, guest)).collect(),
        claims: seen
            .claims
            .iter()
            .take(LINES)
            .map(|one| lines::claim(&signed, one, &seen.partners))
            .collect(),
        agreed: seen.agreed.iter().take(LINES).map(|one| lines::agreed(&signed, one)).collect(),
        moved: seen.moved.iter().take(SHORT_LINES).map(moved).collect(),
        reused: seen
            .reused
            .iter()
            .take(LINES)
            .map(|one| Reused {
                id: text(&one.local),
                called: one.called.clone(),
                since: times::day_hm(one.since, signed.zone()),
                guests: matching::guests(one.guests),
                stamp: one.stamp.clone(),
            })
            .collect(),
        doubles: seen
            .doubles
            .iter()
            .take(SHORT_LINES)
            .map(|one| {
                let (who, next) = matching::double(one);
                let (id, called) = (text(&one.local), one.called.clone());
                Double { id, called, who, says: one.says, means: one.means, next }
            })
            .collect(),
        for_host: seen.for_host.iter().take(SHORT_LINES).map(waits).collect(),
        for_home: seen.for_home.iter().take(SHORT_LINES).map(waits).collect(),
        more,
        of: of.as_ref().map(text).unwrap_or_default(),
        links: seen.links.links.iter().map(|one| lines::linked(&signed, one)).collect(),
        more_links: match seen.links.more as u64 {
            0 => String::new(),
            some => format!("{} more aren’t listed: look for them by your own id.", words::number(some)),
        },
    })
}

/// How many lines are not on the page: it stays one that a person reads.
fn left(seen: &UnmatchedSeen, questions: usize, declined: usize) -> usize {
    let forms =
        [questions, declined, seen.guests.len(), seen.claims.len(), seen.agreed.len(), seen.reused.len()];
    let told = [seen.moved.len(), seen.doubles.len(), seen.for_host.len(), seen.for_home.len()];
    let forms = forms.into_iter().map(|all| all.saturating_sub(LINES));
    let told = told.into_iter().map(|all| all.saturating_sub(SHORT_LINES));
    forms.chain(told).sum::<usize>() + seen.more + seen.more_settled
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
