//! The way to a learner's page: a home's learners who are taught elsewhere, those who need somebody first.

use super::{
    super::{
        Console,
        layout::Frame,
        parts::{self, StateTag},
        refusal::{Refusal, page},
        routes::is_for,
        signed::{Query, Signed},
        times,
    },
    group::standing,
    pager::{Pager, pages},
    watches,
};
use askama::Template;
use axum::{extract::State, http::HeaderMap, response::Response};
use commonroll_exchange::{AwaySeen, RuleSeen};

/// Learners on a page.
const LEARNERS: usize = 150;

#[derive(Template)]
#[template(path = "learners.html")]
struct Learners {
    frame: Frame,
    title: String,
    date: String,
    /// What has dropped of whom the reader watches.
    watches: Vec<watches::Line>,
    /// Where one comes back to after a form.
    back: &'static str,
    learners: Vec<Line>,
    /// Where there are more than a page has.
    pager: Option<Pager>,
    more: bool,
    known: bool,
    rules: Vec<RuleSeen>,
    agreements: Vec<String>,
    policy: String,
}

/// One learner.
struct Line {
    learner: u32,
    name: String,
    today: Option<StateTag>,
    places: Vec<(String, String)>,
}

/// My learners.
pub async fn learners(
    State(console): State<Console>,
    signed: Signed,
    Query(query): Query,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    // In the order of exchange, which says in the log who of them is on the page.
    let first = query.get("page").parse::<usize>().unwrap_or(1).saturating_sub(1).saturating_mul(LEARNERS);
    let seen = console.exchange.my_learners(signed.acting(), (first, LEARNERS), signed.now).await?;
    let title = match seen.all {
        0 => "None of your learners is taught elsewhere now".to_owned(),
        1 => "1 of your learners is taught elsewhere, too".to_owned(),
        more if seen.more => format!("More than {more} of your learners are taught elsewhere, too"),
        more => format!("{more} of your learners are taught elsewhere, too"),
    };
    let line = |one: AwaySeen| Line {
        learner: one.learner,
        name: one.name,
        today: one.today.map(|(looks, words)| parts::state(standing(looks), words)),
        places: one.places.into_iter().map(|place| (place.host, place.group)).collect(),
    };
    let watches = match is_for("/watches", signed.role()) {
        true => watches::raised(&console, &signed).await?,
        false => Vec::new(),
    };
    let to = |page: usize| format!("/learners?page={page}");
    let (pager, _) = pages(seen.all, LEARNERS, query.get("page"), to);
    page(&Learners {
        watches,
        back: "/learners",
        frame: Frame::new(&signed, &headers, "My learners", "/learners").why("#why"),
        title,
        date: times::weekday(seen.date),
        learners: seen.learners.into_iter().map(line).collect(),
        pager,
        more: seen.more,
        known: seen.known,
        rules: seen.rules,
        agreements: Vec::new(),
        policy: seen.policy.chars().take(12).collect(),
    })
}
