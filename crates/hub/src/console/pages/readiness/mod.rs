//! Readiness: for a partner's head and data manager their own in full, on one side of paper; for the consortium's lead every
//! partner's parts, in order of name. And problems by owner and age, and how data is mapped. Nobody is
//! named on any of them.

mod lines;
mod mapping;
mod problems;
mod steps;

pub use mapping::mapping;
pub use problems::problems;
pub(in crate::console::pages) use steps::asked as step_asked;
pub use steps::{answer_unlock, lock_again, unlock};

use super::{
    super::{
        Console,
        layout::Frame,
        parts,
        refusal::{Refusal, page},
        signed::{Query, Signed},
        times,
    },
    desk::words::{count, number},
    pager::{Pager, pages},
};
use askama::Template;
use axum::{extract::State, http::HeaderMap, response::Response};
use commonroll_core::{Role, Slug};
use commonroll_exchange::{PartnerReadiness, ReadinessSeen};
use commonroll_views::readiness::{DAYS, Fix, GOAL, NOT_MEASURED, Part, Report, What};
use std::ops::Range;

/// Partners on a page: what a school's line takes in a moment, however many partners there are.
const MOST: usize = 40;

#[derive(Template)]
#[template(path = "ready/one.html")]
struct One {
    frame: Frame,
    eyebrow: String,
    name: String,
    lead: String,
    score: Option<u32>,
    /// How many of the parts are measured, where that isn't all.
    some: String,
    parts: Vec<Bar>,
    fixes: Vec<Todo>,
    steps: steps::Steps,
    fresh: String,
    all: bool,
    reading: bool,
    rounded: bool,
    reason: String,
    printed: String,
}

#[derive(Template)]
#[template(path = "ready/all.html")]
struct All {
    frame: Frame,
    eyebrow: String,
    title: String,
    lead: String,
    columns: Vec<(&'static str, &'static str)>,
    rows: Vec<Row>,
    pager: Option<Pager>,
    fixes: Vec<(String, Todo)>,
    steps: steps::Steps,
    reading: bool,
    reason: String,
    printed: String,
}

/// A part as a bar. Widths are of 200.
struct Bar {
    name: &'static str,
    means: &'static str,
    points: Option<u32>,
    width: u32,
    said: String,
    twice: bool,
}

impl Bar {
    fn weak(&self) -> bool {
        self.points.is_some_and(|points| points < GOAL)
    }
}

struct Todo {
    title: String,
    text: String,
    owner: &'static str,
    by: String,
    adds: String,
    link: &'static str,
    link_words: &'static str,
}

struct Row {
    name: String,
    link: String,
    score: String,
    weak: bool,
    cells: Vec<(String, bool)>,
}

/// How ready the data is.
pub async fn readiness(
    State(console): State<Console>,
    signed: Signed,
    Query(asked): Query,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let lead = signed.role() == Role::ConsortiumLead;
    let of = match (lead, asked.get("of")) {
        (true, "") => None,
        (true, of) => Some(of.parse::<Slug>().map_err(|_| Refusal::Missing)?),
        (false, _) => Some(signed.seen.speaker.institution().clone()),
    };
    let seen = console.exchange.readiness(signed.acting(), of.as_ref(), signed.now).await?;
    let turn = Turn { of: asked.get("of").to_owned(), page: asked.get("page").to_owned() };
    let steps = steps::steps(&signed, &console.exchange.steps(signed.acting(), signed.now).await?, &turn);
    match (of, seen.partners.first()) {
        (Some(_), Some(partner)) => one(&signed, &headers, (&seen, partner), steps),
        (Some(_), None) => Err(Refusal::Missing),
        (None, _) => all(&signed, &headers, &seen, (steps, &turn)),
    }
}

/// Which page of the partners is asked for, and whose readiness.
struct Turn {
    of: String,
    page: String,
}

impl Turn {
    /// What of so many is shown, and the ways on.
    fn pages(&self, all: usize) -> (Option<Pager>, Range<usize>) {
        let of = form_urlencoded::byte_serialize(self.of.as_bytes()).collect::<String>();
        let of = if of.is_empty() { of } else { format!("of={of}&") };
        pages(all, MOST, &self.page, |page| format!("/readiness?{of}page={page}"))
    }
}

fn one(
    signed: &Signed,
    headers: &HeaderMap,
    (seen, partner): (&ReadinessSeen, &PartnerReadiness),
    steps: steps::Steps,
) -> Result<Response, Refusal> {
    let report = &partner.report;
    let mut frame = Frame::new(signed, headers, "Readiness", "/readiness").why("#why");
    if let Some(way) = frame.ways.iter_mut().find(|way| way.path == "/readiness") {
        way.waiting = steps.to_answer;
    }
    page(&One {
        frame,
        steps,
        eyebrow: measured(report),
        name: partner.name.clone(),
        lead: told(report),
        score: report.score,
        some: of_all(report).map_or_else(String::new, |some| format!("{some} measured.")),
        parts: report.parts.iter().map(bar).collect(),
        fixes: report.fixes.iter().map(|fix| todo(fix, signed.role())).collect(),
        fresh: fresh(partner, signed),
        all: signed.role() == Role::ConsortiumLead,
        reading: !seen.complete,
        rounded: report.rounded,
        reason: seen.reason.clone(),
        printed: times::day_hm(signed.now, signed.zone()),
    })
}

fn all(
    signed: &Signed,
    headers: &HeaderMap,
    seen: &ReadinessSeen,
    (steps, turn): (steps::Steps, &Turn),
) -> Result<Response, Refusal> {
    let (pager, range) = turn.pages(seen.partners.len());
    let partners = seen.partners.get(range).unwrap_or_default();
    let below = |partner: &&PartnerReadiness| partner.report.score.is_some_and(|score| score < GOAL);
    let (behind, scored) = (
        seen.partners.iter().filter(below).count() as u64,
        seen.partners.iter().filter(|partner| partner.report.score.is_some()).count() as u64,
    );
    let title = match (scored, behind) {
        (0, _) => "Nothing is measured yet".to_owned(),
        (_, 0) => "Every partner is at the goal".to_owned(),
        (_, behind) => format!("{} below the goal", count(behind, "partner is", "partners are")),
    };
    let first = |partner: &PartnerReadiness| {
        let fix = partner.report.fixes.first()?;
        Some((partner.name.clone(), todo(fix, Role::ConsortiumLead)))
    };
    page(&All {
        steps,
        frame: Frame::new(signed, headers, "Readiness", "/readiness").why("#why"),
        eyebrow: seen.partners.first().map_or_else(String::new, |partner| measured(&partner.report)),
        title,
        lead: format!("In order of name, not a league table. The goal of each part is {GOAL} of 100."),
        columns: What::ALL
            .into_iter()
            .map(|what| (what.definition().name, what.definition().means))
            .collect(),
        rows: partners.iter().map(row).collect(),
        pager,
        fixes: partners.iter().filter_map(first).collect(),
        reading: !seen.complete,
        reason: seen.reason.clone(),
        printed: times::day_hm(signed.now, signed.zone()),
    })
}

fn measured(report: &Report) -> String {
    let (first, last) = report.between;
    format!("measured {} to {}", times::day(first), times::day(last))
}

/// How many of the parts are measured; `None` if all are.
fn of_all(report: &Report) -> Option<String> {
    let measured = report.parts.iter().filter(|part| part.points.is_some()).count();
    (measured < report.parts.len()).then(|| format!("{measured} of {} parts", report.parts.len()))
}

/// The finding in one sentence, from the parts alone.
fn told(report: &Report) -> String {
    let weak: Vec<&Part> =
        report.parts.iter().filter(|part| part.points.is_some_and(|points| points < GOAL)).collect();
    let names: Vec<String> = weak.iter().map(|part| part.what.definition().name.to_lowercase()).collect();
    match (report.score, names.as_slice()) {
        (None, _) => format!("Nothing was sent or declared in the last {DAYS} days, so nothing is measured."),
        (Some(_), []) => match of_all(report) {
            None => "Every part is at its goal.".to_owned(),
            Some(some) => format!("{some} measured so far; what is measured is at its goal."),
        },
        (Some(_), [one]) => format!("One part is below its goal: {one}."),
        (Some(_), [all @ .., last]) => {
            format!("{} parts are below their goal: {} and {last}.", weak.len(), all.join(", "))
        }
    }
}

fn bar(part: &Part) -> Bar {
    let definition = part.what.definition();
    Bar {
        name: definition.name,
        means: definition.means,
        points: part.points,
        width: part.points.unwrap_or(0).min(100) * 2,
        said: part.said.clone(),
        twice: part.what.weight() > 1,
    }
}

fn todo(fix: &Fix, role: Role) -> Todo {
    let manages = role == Role::DataManager;
    let (link, link_words) = match fix.what {
        What::Matched if manages => ("/unmatched", "See who is unmatched"),
        What::Valid => ("/problems", "See the problems"),
        What::TakenIn | What::Fresh if role != Role::ConsortiumLead => ("/agents", "See the agents"),
        _ => ("", ""),
    };
    Todo {
        title: fix.title.clone(),
        text: fix.text.clone(),
        owner: fix.owner,
        by: format!("by {}", times::weekday(fix.by)),
        adds: match fix.adds {
            0 => "safety first".to_owned(),
            adds => format!("adds about {adds}"),
        },
        link,
        link_words,
    }
}

fn row(partner: &PartnerReadiness) -> Row {
    let shown = |points: Option<u32>| points.map_or_else(|| "–".to_owned(), |points| points.to_string());
    let weak = |points: Option<u32>| points.is_some_and(|points| points < GOAL);
    let report = &partner.report;
    Row {
        name: partner.name.clone(),
        link: format!("/readiness?of={}", partner.slug),
        score: shown(report.score),
        weak: weak(report.score),
        cells: report.parts.iter().map(|part| (shown(part.points), weak(part.points))).collect(),
    }
}

fn fresh(partner: &PartnerReadiness, signed: &Signed) -> String {
    let (now, zone) = (signed.now, signed.zone());
    let from = if partner.slug == *signed.seen.speaker.institution() { "you" } else { "them" };
    let data = partner.report.newest.map_or_else(
        || format!("No record came from {from} in the last {DAYS} days."),
        |at| format!("Newest record from {from} {}.", times::moment(at, now, zone)),
    );
    match partner.heard {
        Some(at) => format!("{data} Agent last heard {} ago.", times::ago(at, now)),
        None if partner.report.rounded => data,
        None => format!("{data} No agent was heard since the hub started."),
    }
}

/// How often the last parts count, in words.
const WEIGHTS: &str = "The mean of the measured parts; “right learner” counts twice.";

fn shown(number_of: u64) -> String {
    number(number_of)
}
