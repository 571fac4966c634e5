//! Problems by owner and age: what the hub refused of a partner or holds for it, what its agents keep back, what to do, and
//! whose it is.

use super::super::super::{
    Console,
    layout::Frame,
    refusal::{Refusal, page},
    signed::{Query, Signed},
    times,
};
use super::super::pager::{Pager, pages};
use super::shown;
use crate::console::parts;
use askama::Template;
use axum::{extract::State, http::HeaderMap, response::Response};
use commonroll_core::{Role, SchoolDate};
use commonroll_exchange::{ProblemSeen, ProblemsSeen};
use commonroll_views::readiness::DAYS;
use std::collections::BTreeMap;

/// Problems on a page.
const MOST: usize = 100;

#[derive(Template)]
#[template(path = "ready/problems.html")]
struct Problems {
    frame: Frame,
    title: String,
    lead: String,
    owners: Vec<Owner>,
    pager: Option<Pager>,
    partners: bool,
    reading: bool,
    reason: String,
    printed: String,
    days: i32,
}

/// What one role can mend.
pub(super) struct Owner {
    pub name: &'static str,
    pub lines: Vec<Line>,
}

pub(super) struct Line {
    pub institution: String,
    pub title: &'static str,
    pub rule: String,
    pub count: String,
    pub since: String,
    pub to_do: &'static str,
    pub tag: &'static str,
}

/// What was refused or waits.
pub async fn problems(
    State(console): State<Console>,
    signed: Signed,
    Query(asked): Query,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let lead = signed.role() == Role::ConsortiumLead;
    let own = signed.seen.speaker.institution().clone();
    let of = (!lead).then_some(&own);
    let mut seen = console.exchange.problems(signed.acting(), of, signed.now).await?;
    let today = signed.now.date_in(signed.zone());
    let title = match seen.problems.len() {
        0 => "Nothing is refused, and nothing waits".to_owned(),
        1 => "1 problem waits for somebody".to_owned(),
        more => format!("{more} problems wait for somebody"),
    };
    let to = |page: usize| format!("/problems?page={page}");
    let (pager, range) = pages(seen.problems.len(), MOST, asked.get("page"), to);
    seen.problems = seen.problems.drain(range).collect();
    page(&Problems {
        frame: Frame::new(&signed, &headers, "Problems", "/problems").why("#why"),
        title,
        lead: match lead {
            true => "Every partner’s, by who can mend them, the oldest first. Counts are rounded.".to_owned(),
            false => "By who can mend them, the oldest first.".to_owned(),
        },
        owners: by_owner(&seen, today),
        pager,
        partners: lead,
        reading: !seen.complete,
        reason: seen.reason.clone(),
        printed: times::day_hm(signed.now, signed.zone()),
        days: DAYS,
    })
}

/// Owners in the order of the oldest problem of each.
pub(super) fn by_owner(seen: &ProblemsSeen, today: SchoolDate) -> Vec<Owner> {
    let mut place: BTreeMap<&str, usize> = BTreeMap::new();
    let mut owners: Vec<Owner> = Vec::new();
    for problem in &seen.problems {
        let at = *place.entry(problem.owner).or_insert_with(|| {
            owners.push(Owner { name: problem.owner, lines: Vec::new() });
            owners.len() - 1
        });
        if let Some(owner) = owners.get_mut(at) {
            owner.lines.push(line(problem, today));
        }
    }
    owners
}

fn line(problem: &ProblemSeen, today: SchoolDate) -> Line {
    let count = match (problem.rounded, problem.count) {
        (true, 0) => "fewer than 5".to_owned(),
        (true, count) => format!("about {}", shown(count)),
        (false, count) => shown(count),
    };
    Line {
        institution: problem.institution.clone(),
        title: problem.title,
        rule: problem.rule.clone(),
        count,
        since: since(problem.oldest, today),
        to_do: problem.to_do,
        tag: match (problem.refused, problem.kept_back) {
            (true, _) => "refused",
            (_, true) => "kept back",
            _ => "waits",
        },
    }
}

/// Since when something is so.
pub(super) fn since(oldest: Option<SchoolDate>, today: SchoolDate) -> String {
    oldest.map_or_else(
        || "not known".to_owned(),
        |date| match today.days() - date.days() {
            ..=0 => "today".to_owned(),
            1 => "yesterday".to_owned(),
            days => format!("{}, {days} days", times::day(date)),
        },
    )
}
