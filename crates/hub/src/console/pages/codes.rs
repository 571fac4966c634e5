//! Session codes: what a home's attendance officer accepts all at once, what they decide one by one, and the file of it for
//! the home's own register system. Each session comes in pages, those first whom somebody has to look at.

use super::{
    super::{
        Console,
        layout::Frame,
        parts,
        refusal::{Refusal, page},
        signed::{Form, Query, Signed},
        slip::{Label, Slip},
        times,
    },
    csv::line as line_of,
    pager::{Pager, pages},
};
use askama::Template;
use axum::{
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Redirect, Response},
};
use commonroll_core::SchoolDate;
use commonroll_exchange::{
    Carriage, Carried, Choice, CodeRow, CodeSeen, CodeStands, CodesFile, CodesOf, Session,
};
use jiff::tz::TimeZone;
use std::collections::BTreeSet;

const PATH: &str = "/whereabouts/codes";
/// Learners of a session on a page.
const LINES: usize = 30;
/// Learners that one form can name: more than a home can have elsewhere.
const NAMED: usize = 2_001;
/// First line of the file.
const HEAD: &str = "LearnerId,Date,SessionName,Mark,MinsLate,Comments\r\n";

#[derive(Template)]
#[template(path = "codes.html")]
struct Codes {
    frame: Frame,
    institution: String,
    date: String,
    iso: String,
    /// Which page of each session this is, for the way back from a form.
    turns: [usize; 2],
    complete: bool,
    sessions: Vec<Part>,
    rules: &'static [(u8, &'static str)],
}

/// A session.
struct Part {
    name: &'static str,
    key: &'static str,
    /// How many stand how, of all.
    of_all: OfAll,
    /// Who can be accepted at once, for the form; and in words.
    clear_runs: String,
    clear_words: String,
    /// Those of the page.
    clear: Vec<Line>,
    conflicts: Vec<Line>,
    one_by_one: Vec<Line>,
    held: Vec<Line>,
    decided: Vec<Line>,
    /// Where there are more than a page has.
    pager: Option<Pager>,
}

struct OfAll {
    clear: usize,
    conflicts: usize,
    one_by_one: usize,
    held: usize,
    decided: usize,
}

impl OfAll {
    /// What stands on some page, for a page that doesn't have all of it.
    fn words(&self) -> String {
        let all = [
            (self.conflicts, "where the two sides disagree"),
            (self.one_by_one, "to decide one by one"),
            (self.clear, "clear"),
            (self.held, "held"),
            (self.decided, "decided"),
        ];
        let some: Vec<String> = all
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, words)| format!("{count} {words}"))
            .collect();
        some.join(", ")
    }
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
    Query(asked): Query,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let turn = |session| asked.get(words(session).1).parse().ok().filter(|page| *page > 0).unwrap_or(1_usize);
    let turns = [Session::Morning, Session::Afternoon].map(turn);
    let parts = turns.map(|page| ((page - 1).saturating_mul(LINES), LINES));
    let seen = console.exchange.codes(signed.acting(), parts, signed.now).await?;
    page(&Codes {
        frame: Frame::new(&signed, &headers, "Session codes", "/whereabouts"),
        institution: seen.institution.1,
        date: times::weekday(seen.date),
        iso: seen.date.to_string(),
        turns,
        complete: seen.complete,
        sessions: seen.sessions.iter().map(|of| part(of, turns, signed.zone())).collect(),
        rules: seen.rules,
    })
}

fn part(of: &CodesOf, turns: [usize; 2], zone: &TimeZone) -> Part {
    let (name, key) = words(of.session);
    let lines = |stands: &[CodeStands]| -> Vec<Line> {
        of.lines.iter().filter(|one| stands.contains(&one.stands)).map(|one| line(one, zone)).collect()
    };
    let count = |stands: &[CodeStands]| stands.iter().filter_map(|one| of.counts.get(one)).sum();
    let (clear, late) = (of.clear.0.len(), of.clear.1);
    let to = |page: usize| {
        let [am, pm] = match of.session {
            Session::Morning => [page, turns[1]],
            Session::Afternoon => [turns[0], page],
        };
        format!("{PATH}?am={am}&pm={pm}#{key}")
    };
    let turn = if of.session == Session::Morning { turns[0] } else { turns[1] };
    Part {
        name,
        key,
        of_all: OfAll {
            clear,
            conflicts: count(&[CodeStands::Conflict]),
            one_by_one: count(&[CodeStands::Review, CodeStands::Absent]),
            held: count(&[CodeStands::Held]),
            decided: count(&[CodeStands::Decided]),
        },
        clear_runs: runs(&of.clear.0),
        clear_words: match (clear - late, late) {
            (present, 0) => format!("{present} present in the anchor lesson"),
            (0, late) => format!("{late} late, before your register closed"),
            (present, late) => {
                format!("{present} present in the anchor lesson, {late} late before your register closed")
            }
        },
        clear: lines(&[CodeStands::Clear]),
        conflicts: lines(&[CodeStands::Conflict]),
        one_by_one: lines(&[CodeStands::Review, CodeStands::Absent]),
        held: lines(&[CodeStands::Held]),
        decided: lines(&[CodeStands::Decided]),
        pager: pages(of.counts.values().sum(), LINES, &turn.to_string(), to).0,
    }
}

/// Learners' numbers in one field of a form, those that follow each other as `3-9`.
fn runs(learners: &BTreeSet<u32>) -> String {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for learner in learners {
        match runs.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(*learner) => *last = *learner,
            _ => runs.push((*learner, *learner)),
        }
    }
    let one = |(first, last): (u32, u32)| {
        if first == last { first.to_string() } else { format!("{first}-{last}") }
    };
    runs.into_iter().map(one).collect::<Vec<_>>().join(",")
}

/// The same read back; no more than a form can mean.
fn numbers(text: &str) -> BTreeSet<u32> {
    let run = |one: &str| {
        let (first, last) = one.split_once('-').unwrap_or((one, one));
        Some(first.trim().parse().ok()?..=last.trim().parse().ok()?)
    };
    text.split(',').filter_map(run).flatten().take(NAMED).collect()
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
    let learners = numbers(form.get("learner"));
    console.exchange.accept_clear(signed.acting(), of, &learners, signed.now).await?;
    Ok(Redirect::to(PATH).into_response())
}

/// Decides one learner's session.
pub async fn decide(
    State(console): State<Console>,
    signed: Signed,
    headers: HeaderMap,
    Form(form): Form,
) -> Result<Response, Refusal> {
    let of = session(&form)?;
    let learner = form.get("learner").parse().map_err(|_| Refusal::Missing)?;
    let choice = Choice::named(form.get("choice")).ok_or(Refusal::Missing)?;
    let reason = form.get("reason");
    let decided =
        console.exchange.decide_code(signed.acting(), of, (learner, choice), reason, signed.now).await;
    let Err(refusal) = decided else { return Ok(Redirect::to(PATH).into_response()) };
    let of = format!("{}-{learner}", words(of.1).1);
    let labels = vec![Label::new("reason", format!("r-{of}"), "Why")];
    // The form says, too, which page of each session it stood on.
    let asked = Query(form.clone());
    let page = |signed| codes(State(console), signed, asked, headers);
    Ok(Slip::new("decide", &of, form, labels).again(refusal.into(), &signed, page).await)
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
    fn a_form_names_many_learners_in_few_words_and_no_more_than_a_home_has() {
        let some = BTreeSet::from([1, 2, 3, 7, 9, 10]);
        assert_eq!(runs(&some), "1-3,7,9-10");
        assert_eq!(numbers("1-3,7,9-10"), some);
        assert_eq!(numbers(&runs(&BTreeSet::from([u32::MAX]))), BTreeSet::from([u32::MAX]));
        assert_eq!(numbers("x, 5 ,9-3,-,4-"), BTreeSet::from([5]), "what is none is left out");
        assert_eq!(numbers("0-4294967295").len(), NAMED, "too many, and no more work than that");
        assert!(runs(&BTreeSet::new()).is_empty() && numbers("").is_empty());
    }

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
