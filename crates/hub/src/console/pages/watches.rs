//! My watches: whose attendance or grades a tutor or head of sixth form wants to be told of, and what has dropped.

use super::super::{
    Console,
    fields::{Fields, onward},
    layout::Frame,
    parts,
    refusal::{Refusal, page},
    signed::{Form, Signed},
    slip::{Label, Slip},
    times,
};
use super::learner;
use askama::Template;
use axum::{
    extract::{Path, State},
    http::HeaderMap,
    response::{IntoResponse, Redirect, Response},
};
use commonroll_core::Invalid;
use commonroll_exchange::{Dropped, WatchSeen, Watched};
use jiff::tz::TimeZone;

const PATH: &str = "/watches";

#[derive(Template)]
#[template(path = "watches.html")]
struct Watches {
    frame: Frame,
    title: String,
    date: String,
    raised: Vec<Line>,
    calm: Vec<Line>,
    /// Where one comes back to after a form.
    back: &'static str,
    policy: String,
}

/// A watch.
pub(super) struct Line {
    pub id: String,
    pub learner: u32,
    pub name: String,
    pub on: String,
    pub since: String,
    /// What has dropped, line by line.
    pub dropped: Vec<String>,
}

/// A watch for a page.
pub(super) fn line(seen: WatchSeen, zone: &TimeZone) -> Line {
    let on = match seen.watched {
        Watched::Attendance { days, below, under_usual } => {
            let below = below.map(|below| format!("under {below}%"));
            let under = under_usual.map(|points| format!("{points}% or more under the usual"));
            let what: Vec<String> = below.into_iter().chain(under).collect();
            format!("Attendance of the last {days} school days, {}", what.join(", or "))
        }
        Watched::Grades => "Grades under target, or under the one before, on the same scale".to_owned(),
    };
    let dropped = match &seen.dropped {
        None => Vec::new(),
        Some(Dropped::Attendance { now, before }) => {
            let usual = before.percent().map_or_else(String::new, |usual| format!("; before that {usual}%"));
            let percent = now.percent().unwrap_or(0);
            vec![format!("{} of {} lessons lately, {percent}%{usual}", now.attended, now.due)]
        }
        Some(Dropped::Grades(fallen)) => fallen
            .iter()
            .map(|(one, host)| {
                let target = one.target.as_ref().map(|target| format!("target {target}"));
                let before = one.before.as_ref().map(|before| format!("was {before}"));
                let against: Vec<String> = target.into_iter().chain(before).collect();
                format!(
                    "{}, {host}: working at {}, {} ({})",
                    one.subject,
                    one.now,
                    against.join(", "),
                    one.scale
                )
            })
            .collect(),
    };
    Line {
        id: seen.id.to_string(),
        learner: seen.learner,
        name: seen.name,
        on,
        since: match seen.raised {
            Some(at) => {
                format!("Told on {}, {}", times::short_day(at.date_in(zone)), times::hm(at, zone))
            }
            None => format!("Set on {}", times::short_day(seen.set.date_in(zone))),
        },
        dropped,
    }
}

/// What I watch.
pub async fn watches(
    State(console): State<Console>,
    signed: Signed,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let seen = console.exchange.my_watches(signed.acting(), signed.now).await?;
    let lines = seen.watches.into_iter().map(|one| line(one, signed.zone()));
    let (raised, calm): (Vec<Line>, Vec<Line>) = lines.partition(|one| !one.dropped.is_empty());
    let title = match (raised.len(), calm.len()) {
        (0, 0) => "You watch nobody yet".to_owned(),
        (0, _) => "Nobody you watch has dropped".to_owned(),
        (1, _) => "1 watch has something to tell".to_owned(),
        (more, _) => format!("{more} watches have something to tell"),
    };
    let mut frame = Frame::new(&signed, &headers, "My watches", PATH);
    if let Some(way) = frame.ways.iter_mut().find(|way| way.path == PATH) {
        way.waiting = raised.len();
    }
    page(&Watches {
        frame,
        title,
        date: times::weekday(seen.date),
        raised,
        calm,
        back: PATH,
        policy: seen.policy.chars().take(12).collect(),
    })
}

/// What has dropped of whom I watch, for the top of another page.
pub(super) async fn raised(console: &Console, signed: &Signed) -> Result<Vec<Line>, Refusal> {
    let seen = console.exchange.my_watches(signed.acting(), signed.now).await?;
    let raised = seen.watches.into_iter().filter(|one| one.dropped.is_some());
    Ok(raised.map(|one| line(one, signed.zone())).collect())
}

fn number(form: &Fields, (name, rule): (&str, &'static str)) -> Result<Option<u8>, Refusal> {
    match form.get(name) {
        "" => Ok(None),
        text => {
            let wrong = Invalid::new(rule, "must be a whole number, 1 to 100");
            text.parse().map(Some).map_err(|_| Refusal::Field(wrong))
        }
    }
}

/// Sets a watch.
pub async fn set(
    State(console): State<Console>,
    signed: Signed,
    headers: HeaderMap,
    Form(form): Form,
) -> Response {
    let Err(refusal) = kept(&console, &signed, &form).await else {
        return Redirect::to(onward(form.get("to"))).into_response();
    };
    let labels = vec![
        Label::new("days", "w-days", "School days that count"),
        Label::new("below", "w-below", "Under so many per cent"),
        Label {
            rule: "under_usual",
            ..Label::new("under", "w-under", "Or so many per cent under their usual")
        },
    ];
    let learner = form.get("learner").to_owned();
    let sort = if form.get("on") == "grades" { "watch grades" } else { "watch attendance" };
    let page = |signed| learner::learner(State(console), Path(learner), signed, headers);
    Slip::new(sort, "", form, labels).again(refusal, &signed, page).await
}

async fn kept(console: &Console, signed: &Signed, form: &Fields) -> Result<(), Refusal> {
    let learner = form.get("learner").parse().unwrap_or(u32::MAX);
    let watched = match form.get("on") {
        "attendance" => Watched::Attendance {
            days: number(form, ("days", "days"))?.unwrap_or(0),
            below: number(form, ("below", "below"))?,
            under_usual: number(form, ("under", "under_usual"))?,
        },
        "grades" => Watched::Grades,
        _ => return Err(Refusal::Wrong("Say what to watch: attendance or grades.".to_owned())),
    };
    console.exchange.set_watch(signed.acting(), learner, watched, signed.now).await?;
    Ok(())
}

/// Takes a watch back.
pub async fn withdraw(
    State(console): State<Console>,
    signed: Signed,
    Form(form): Form,
) -> Result<Response, Refusal> {
    let watch = form.get("watch").parse().map_err(|_| Refusal::Missing)?;
    console.exchange.withdraw_watch(signed.acting(), watch, signed.now).await?;
    Ok(Redirect::to(onward(form.get("to"))).into_response())
}
