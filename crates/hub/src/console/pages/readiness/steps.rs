//! Steps: which kinds of record flow only once a partner is unlocked for them, how each stands, and what people do about it.
//!
//! A part of the readiness page. The condition itself is agreed on with the other conventions.

use super::super::super::{
    Console,
    fields::Fields,
    parts::{self, Standing, StateTag},
    refusal::Refusal,
    signed::{Form, Query, Signed},
    slip::{Label, Slip},
    times,
};
use super::super::desk::words::{self, count};
use super::super::pager::Pager;
use super::Turn;
use crate::{authority::hex, clock::draw};
use axum::{
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Redirect, Response},
};
use commonroll_core::{Invalid, RecordKind, SchoolDate, Slug, convention::Says};
use commonroll_exchange::{STEP_KINDS, StepOf, StepSeen, StepStands, StepsSeen};

const PATH: &str = "/readiness";
/// Days ahead that the form offers, as for other conventions.
const OFFERED: i32 = 14;

/// All steps, for the template.
pub(super) struct Steps {
    pub steps: Vec<Step>,
    pub may_propose: bool,
    pub kinds: Vec<(&'static str, &'static str)>,
    pub from: String,
    /// Which page of the partners this is, for the way back from a form.
    pub page: String,
    /// Proposals that wait for whoever looks.
    pub to_answer: usize,
}

pub(super) struct Step {
    pub kind: &'static str,
    pub title: &'static str,
    pub condition: String,
    pub partners: Vec<Line>,
    /// Where there are more partners than a page has.
    pub pager: Option<Pager>,
}

pub(super) struct Line {
    pub name: String,
    pub slug: String,
    pub id: String,
    pub state: StateTag,
    pub says: String,
    pub propose: bool,
    pub answer: bool,
    pub take_back: bool,
    pub lock: bool,
}

pub(super) fn steps(signed: &Signed, seen: &StepsSeen, turn: &Turn) -> Steps {
    let today = signed.now.date_in(signed.zone());
    let answers = seen.steps.iter().flat_map(|step| &step.partners).filter(|of| of.may.answer);
    Steps {
        to_answer: answers.count(),
        steps: seen.steps.iter().map(|seen| step(signed, seen, (today, turn))).collect(),
        may_propose: seen.may_propose,
        kinds: STEP_KINDS.map(|kind| (kind.as_str(), words::record(kind))).into(),
        from: SchoolDate::from_days(today.days() + OFFERED).unwrap_or(today).to_string(),
        page: turn.page.clone(),
    }
}

fn step(signed: &Signed, seen: &StepSeen, (today, turn): (SchoolDate, &Turn)) -> Step {
    // What waits for whoever looks stands on the first page.
    let mut partners: Vec<&StepOf> = seen.partners.iter().collect();
    partners.sort_by_key(|of| !(of.may.answer || of.may.propose || of.may.take_back));
    let (pager, range) = turn.pages(partners.len());
    let asked = &seen.condition;
    let since = if asked.from > today { "From" } else { "Since" };
    Step {
        kind: seen.kind.as_str(),
        title: words::record(seen.kind),
        condition: format!(
            "{since} {} it flows from a partner once, on each of {} in a row, at least {}% of its marks that were due \
             came and {}% of its registers were on time, and two people of two partners have agreed.",
            times::date(asked.from),
            count(u64::from(asked.days), "school day", "school days"),
            asked.points,
            asked.points
        ),
        partners: partners.get(range).unwrap_or_default().iter().map(|of| line(signed, seen, of)).collect(),
        pager,
    }
}

fn line(signed: &Signed, seen: &StepSeen, of: &StepOf) -> Line {
    let asked = &seen.condition;
    let evidence = |evidence: &commonroll_exchange::UnlockEvidence| {
        let lowest = evidence.lowest.map_or_else(
            || "Too few learners stand behind it to show the lowest figures.".to_owned(),
            |(complete, on_time)| format!("Lowest on any day: {complete}% complete, {on_time}% on time."),
        );
        format!(
            "At least {}% on each of {} from {} to {}. {lowest}",
            evidence.points,
            count(u64::from(evidence.days), "school day", "school days"),
            times::short_day(evidence.first),
            times::short_day(evidence.last)
        )
    };
    let so_far = || match of.met {
        met if met >= asked.days => {
            "The figures are there: its data manager can propose to unlock it.".to_owned()
        }
        met => format!("{met} of {} school days in a row so far.", asked.days),
    };
    let (state, says) = match &of.stands {
        StepStands::Locked if of.met >= asked.days => {
            (parts::state(Standing::Late, "ready to unlock".to_owned()), so_far())
        }
        StepStands::Locked => (parts::state(Standing::NotSeen, "not yet unlocked".to_owned()), so_far()),
        StepStands::Proposed(at, on) => (
            parts::state(Standing::Unknown, "proposed".to_owned()),
            format!("Proposed on {}. {}", times::full_day(*at, signed.zone()), evidence(on)),
        ),
        StepStands::Unlocked(from, on, by) => (
            parts::state(Standing::Seen, "unlocked".to_owned()),
            format!("Flows since {}; {by} agreed. {}", times::date(*from), evidence(on)),
        ),
        StepStands::Again(from, by, why) => (
            parts::state(Standing::NotSeen, "locked again".to_owned()),
            format!("Locked again from {} by {by}: “{why}” {}", times::date(*from), so_far()),
        ),
    };
    Line {
        name: of.name.clone(),
        slug: of.slug.to_string(),
        id: of.proposal.map(|id| hex(&id)).unwrap_or_default(),
        state,
        says,
        propose: of.may.propose,
        answer: of.may.answer,
        take_back: of.may.take_back,
        lock: of.may.lock,
    }
}

/// The condition that a form asks for.
pub(in crate::console::pages) fn asked(form: &Fields) -> Result<Says, Refusal> {
    let number = |name: &'static str| {
        let wrong = Invalid::new(name, "must be a whole number");
        form.get(name).parse::<u32>().map_err(|_| Refusal::Field(wrong))
    };
    Ok(Says::Unlock { kind: kind(form.get("step"))?, points: number("points")?, days: number("days")? })
}

fn kind(name: &str) -> Result<RecordKind, Refusal> {
    STEP_KINDS.into_iter().find(|kind| kind.as_str() == name).ok_or(Refusal::Missing)
}

/// Proposes to unlock a kind for the own institution.
pub async fn unlock(
    State(console): State<Console>,
    signed: Signed,
    Form(form): Form,
) -> Result<Response, Refusal> {
    let fresh = (draw(console.around.random.as_ref()), signed.now);
    console.exchange.propose_unlock(signed.acting(), kind(form.get("kind"))?, fresh).await?;
    Ok(Redirect::to(PATH).into_response())
}

/// Agrees to another partner's unlock, declines it, or takes the own one back.
pub async fn answer_unlock(
    State(console): State<Console>,
    signed: Signed,
    Form(form): Form,
) -> Result<Response, Refusal> {
    let id = super::super::exports::unhex(form.get("id")).ok_or(Refusal::Missing)?;
    let agree = match form.get("answer") {
        "agree" => true,
        "decline" => false,
        _ => return Err(Refusal::Wrong("Say whether you agree to it or decline it.".to_owned())),
    };
    console.exchange.answer_unlock(signed.acting(), id, agree, signed.now).await?;
    Ok(Redirect::to(PATH).into_response())
}

/// Locks a partner's kind again.
pub async fn lock_again(
    State(console): State<Console>,
    signed: Signed,
    headers: HeaderMap,
    Form(form): Form,
) -> Result<Response, Refusal> {
    let of: Slug = form.get("of").parse().map_err(|_| Refusal::Missing)?;
    let what = (&of, kind(form.get("kind"))?);
    let locked = console.exchange.lock_again(signed.acting(), what, form.get("words"), signed.now).await;
    let Err(refusal) = locked else { return Ok(Redirect::to(PATH).into_response()) };
    let of = format!("{}-{of}", what.1);
    let label = Label::new("words", format!("w-{of}"), "Why, for every partner to read; name nobody");
    // A page of partners; what is none is the first.
    let turn = form.get("page").parse().unwrap_or(1_usize);
    let asked = Fields::read(format!("page={turn}").as_bytes()).unwrap_or_default();
    let page = |signed| super::readiness(State(console), signed, Query(asked), headers);
    Ok(Slip::new("lock", &of, form, vec![label]).again(refusal.into(), &signed, page).await)
}
