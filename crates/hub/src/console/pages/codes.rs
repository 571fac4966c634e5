//! Session codes: what a home's attendance officer accepts all at once, what they decide one by one, and the file of it for
//! the home's own register system.

use super::{
    super::{
        Console,
        layout::Frame,
        parts,
        refusal::{Refusal, page},
        signed::{Form, Query, Signed},
        times,
    },
    csv::line as line_of,
};
use askama::Template;
use axum::{
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Redirect, Response},
};
use commonroll_core::SchoolDate;
use commonroll_exchange::{Carriage, Carried, Choice, CodeRow, CodeSeen, CodeStands, CodesFile, Session};
use jiff::tz::TimeZone;
use std::collections::BTreeSet;

const PATH: &str = "/whereabouts/codes";
/// First line of the file.
const HEAD: &str = "LearnerId,Date,SessionName,Mark,MinsLate,Comments\r\n";

#[derive(Template)]
#[template(path = "codes.html")]
struct Codes {
    frame: Frame,
    institution: String,
    date: String,
    iso: String,
    complete: bool,
    sessions: Vec<Part>,
    rules: &'static [(u8, &'static str)],
}

/// A session.
struct Part {
    name: &'static str,
    key: &'static str,
    clear: Vec<Line>,
    clear_words: String,
    conflicts: Vec<Line>,
    one_by_one: Vec<Line>,
    held: Vec<Line>,
    decided: Vec<Line>,
}

/// A learner's session.
struct Line {
    learner: u32,
    name: String,
    host: String,
    lesson: String,
    saw: String,
    home: &'static str,
    mark: String,
    because: String,
    /// What can be chosen: value, words.
    choices: Vec<(&'static str, &'static str)>,
    decided: String,
    reason: String,
    stale: bool,
    /// How far it came on the way into the register; empty if nothing is decided.
    carried: String,
    /// Somebody has to do something by hand.
    by_hand: bool,
}

/// Today's sessions.
pub async fn codes(
    State(console): State<Console>,
    signed: Signed,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let seen = console.exchange.codes(signed.acting(), signed.now).await?;
    let zone = signed.zone();
    let part = |(session, lines): (Session, Vec<CodeSeen>)| {
        let (name, key) = words(session);
        let of = |stands: &[CodeStands]| -> Vec<Line> {
            lines.iter().filter(|one| stands.contains(&one.stands)).map(|one| line(one, zone)).collect()
        };
        let clear = of(&[CodeStands::Clear]);
        let late =
            lines.iter().filter(|one| one.stands == CodeStands::Clear && one.proposal.rule == 2).count();
        Part {
            name,
            key,
            clear_words: match (clear.len() - late, late) {
                (present, 0) => format!("{present} present in the anchor lesson"),
                (0, late) => format!("{late} late, before your register closed"),
                (present, late) => {
                    format!("{present} present in the anchor lesson, {late} late before your register closed")
                }
            },
            clear,
            conflicts: of(&[CodeStands::Conflict]),
            one_by_one: of(&[CodeStands::Review, CodeStands::Absent]),
            held: of(&[CodeStands::Held]),
            decided: of(&[CodeStands::Decided]),
        }
    };
    page(&Codes {
        frame: Frame::new(&signed, &headers, "Session codes", "/whereabouts"),
        institution: seen.institution.1,
        date: times::weekday(seen.date),
        iso: seen.date.to_string(),
        complete: seen.complete,
        sessions: seen.sessions.into_iter().map(part).collect(),
        rules: seen.rules,
    })
}

const fn words(session: Session) -> (&'static str, &'static str) {
    match session {
        Session::Morning => ("Morning", "am"),
        Session::Afternoon => ("Afternoon", "pm"),
    }
}

fn line(seen: &CodeSeen, zone: &TimeZone) -> Line {
    let (time, room) = &seen.lesson;
    let room = if room.is_empty() { String::new() } else { format!(", {room}") };
    let late = seen.proposal.minutes_late.map_or_else(String::new, |minutes| format!(", {minutes} min late"));
    let elsewhere = ("B", "B, attended there");
    let choices = match (seen.stands, seen.proposal.rule) {
        (CodeStands::Conflict, _) => vec![("keep", "Keep ours"), elsewhere],
        (CodeStands::Review, 3) => vec![elsewhere, ("U", "U, late after we closed")],
        (CodeStands::Review, _) => vec![elsewhere, ("N", "N, reason not known yet")],
        (CodeStands::Absent, _) => vec![("N", "Confirm N"), ("keep", "Keep ours")],
        (CodeStands::Decided, 3) => vec![elsewhere, ("U", "U, late after we closed"), ("keep", "Keep ours")],
        (CodeStands::Decided, 4) => vec![("N", "N, reason not known yet"), ("keep", "Keep ours")],
        (CodeStands::Decided, 5 | 7) => vec![("keep", "Keep ours")],
        (CodeStands::Decided, _) => vec![elsewhere, ("keep", "Keep ours")],
        (CodeStands::Clear | CodeStands::Held, _) => Vec::new(),
    };
    let decided = seen.decided.as_ref().map_or_else(String::new, |one| {
        let together = if one.together { ", with all clear ones" } else { "" };
        format!("{}, {}{together}", one.by, times::hm(one.at, zone))
    });
    let mark = match (&seen.decided, seen.proposal.code) {
        (Some(one), _) if one.code.is_empty() => "Ours".to_owned(),
        (Some(one), _) => one.code.clone(),
        (None, Some(code)) => code.to_owned(),
        (None, None) => "?".to_owned(),
    };
    Line {
        learner: seen.learner,
        name: seen.name.clone(),
        host: seen.host.1.clone(),
        lesson: format!("{} to {}{room}", times::hm(time.start(), zone), times::hm(time.end(), zone)),
        saw: seen.saw.map_or_else(
            || "no mark yet".to_owned(),
            |(saw, at)| format!("{saw}{late}, marked {}", times::hm(at, zone)),
        ),
        home: seen.home_says.unwrap_or_default(),
        mark,
        because: format!("Rule {}: {}", seen.proposal.rule, seen.proposal.because),
        choices,
        decided,
        reason: seen.decided.as_ref().map_or_else(String::new, |one| one.reason.clone()),
        stale: seen.decided.as_ref().is_some_and(|one| one.stale),
        carried: seen.decided.as_ref().map_or_else(String::new, |one| carried(one.carried.as_ref(), zone)),
        by_hand: seen
            .decided
            .as_ref()
            .and_then(|one| one.carried.as_ref())
            .is_some_and(|carried| matches!(carried.how, Carriage::Refused | Carriage::ByHand)),
    }
}

/// How far a decided code came on the way into the home's register.
fn carried(carried: Option<&Carried>, zone: &TimeZone) -> String {
    let Some(carried) = carried else {
        return "Waits for your agent to take it.".to_owned();
    };
    let since = times::hm(carried.at, zone);
    match carried.how {
        Carriage::Outbox => {
            format!("With your agent since {since}; your MIS has yet to say that it took it.")
        }
        Carriage::ByHand => format!("On your agent’s list since {since}, to be entered by hand."),
        Carriage::Applied => format!("In your MIS since {since}."),
        Carriage::Refused if carried.words.is_empty() => format!("Your MIS refused it at {since}."),
        Carriage::Refused => format!("Your MIS refused it at {since}: {}", carried.words),
        Carriage::Kept => format!("Your agent knows since {since}, and writes nothing."),
    }
}

/// Which session of which date a form is about.
fn session(form: &super::super::fields::Fields) -> Result<(SchoolDate, Session), Refusal> {
    let date = SchoolDate::parse("date", form.get("date")).map_err(|_| Refusal::Missing)?;
    match form.get("session") {
        "am" => Ok((date, Session::Morning)),
        "pm" => Ok((date, Session::Afternoon)),
        _ => Err(Refusal::Missing),
    }
}

/// Accepts all that are clear, of those who stood on the page.
pub async fn accept(
    State(console): State<Console>,
    signed: Signed,
    Form(form): Form,
) -> Result<Response, Refusal> {
    let of = session(&form)?;
    let learners: BTreeSet<u32> = form.all("learner").iter().filter_map(|one| one.parse().ok()).collect();
    console.exchange.accept_clear(signed.acting(), of, &learners, signed.now).await?;
    Ok(Redirect::to(PATH).into_response())
}

/// Decides one learner's session.
pub async fn decide(
    State(console): State<Console>,
    signed: Signed,
    Form(form): Form,
) -> Result<Response, Refusal> {
    let of = session(&form)?;
    let learner = form.get("learner").parse().map_err(|_| Refusal::Missing)?;
    let choice = Choice::named(form.get("choice")).ok_or(Refusal::Missing)?;
    let reason = form.get("reason");
    console.exchange.decide_code(signed.acting(), of, (learner, choice), reason, signed.now).await?;
    Ok(Redirect::to(PATH).into_response())
}

/// What was decided, for the home's own register system.
pub async fn file(
    State(console): State<Console>,
    signed: Signed,
    Query(asked): Query,
) -> Result<Response, Refusal> {
    let date = match asked.get("date") {
        "" => None,
        text => Some(SchoolDate::parse("date", text).map_err(|_| Refusal::Missing)?),
    };
    let file = console.exchange.codes_file(signed.acting(), date, signed.now).await?;
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"session-codes-{}.csv\"", file.date)),
    ];
    Ok((headers, csv(&file, signed.zone())).into_response())
}

/// The file: one row for each learner and session.
fn csv(file: &CodesFile, zone: &TimeZone) -> String {
    let row = |row: &CodeRow| {
        let session = if row.session == Session::Morning { "AM" } else { "PM" };
        let late = row.minutes_late.map(|minutes| minutes.to_string()).unwrap_or_default();
        let comment = format!("{}; rule {}; decided {}", row.host, row.rule, times::hm(row.at, zone));
        let (learner, date) = (row.local.as_str().to_owned(), file.date.to_string());
        line_of([learner, date, session.to_owned(), row.code.clone(), late, comment].into_iter())
    };
    std::iter::once(HEAD.to_owned()).chain(file.rows.iter().map(row)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use commonroll_core::Timestamp;

    #[test]
    fn an_officer_reads_how_far_a_code_came() {
        let at = Timestamp::from_micros("at", 1_789_376_400_000_000).expect("a moment");
        let said = |how, words: &str| {
            let zone = TimeZone::get("Europe/London").expect("a zone");
            carried(Some(&Carried { how, at, words: words.to_owned(), changes: 0 }), &zone)
        };
        assert_eq!(said(Carriage::Applied, ""), "In your MIS since 10:00.");
        let refused = said(Carriage::Refused, "the MIS has a mark of its own there; it stays");
        assert_eq!(refused, "Your MIS refused it at 10:00: the MIS has a mark of its own there; it stays");
        assert!(said(Carriage::Outbox, "").contains("has yet to say"));
        assert!(
            carried(None, &TimeZone::UTC).contains("Waits for your agent"),
            "an old agent never takes one"
        );
    }
}
