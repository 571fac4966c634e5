//! What hosts told a home about its learners: the home's page of it, and the forms by which a host's teacher tells, a home
//! answers and a writer takes back. How one message looks, on every page that shows some.

use super::super::{
    Console,
    fields::{Fields, onward},
    layout::Frame,
    nav::role_words,
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
use commonroll_core::{Invalid, SchoolDate};
use commonroll_exchange::{AnswerSeen, MessageSeen, RuleSeen, TellSeen, Telling};
use jiff::tz::TimeZone;

/// Where a home reads what hosts told it.
const PATH: &str = "/asked";

/// A message as a page shows it.
pub(super) struct Line {
    pub id: String,
    pub learner: u32,
    /// As the reader's institution calls the learner; empty on the learner's own page.
    pub name: String,
    pub concern: bool,
    pub label: String,
    pub text: Option<String>,
    pub by: String,
    /// What is asked, and by when.
    pub act: String,
    pub overdue: bool,
    pub answers: Vec<String>,
    /// What came of it, in one line.
    pub came: String,
    pub may_answer: bool,
    pub own: bool,
}

/// A message for a page.
pub(super) fn line(seen: &MessageSeen, zone: &TimeZone, name: String) -> Line {
    let group = if seen.group.is_empty() { String::new() } else { format!("{}, ", seen.group) };
    let day = times::short_day(seen.at.date_in(zone));
    let from = seen.from.as_deref().map_or("A teacher", |name| name);
    let act = match (seen.act_by, seen.overdue) {
        (None, _) => String::new(),
        (Some(by), false) => format!("Home is asked to act by {}", times::day(by)),
        (Some(by), true) => format!("Home was asked to act by {} and hasn’t answered", times::day(by)),
    };
    let answers: Vec<String> = seen.answers.iter().map(|one| answer(one, &seen.home.1, zone)).collect();
    let came = match (answers.last(), act.is_empty()) {
        (Some(last), _) => last.clone(),
        (None, _) if !seen.reaches => {
            format!("{} can’t read it any more: not their learner now.", seen.home.1)
        }
        (None, false) => format!("{act}."),
        (None, true) => format!("{} hasn’t answered yet.", seen.home.1),
    };
    Line {
        id: seen.id.to_string(),
        learner: seen.learner,
        name,
        concern: !seen.praise,
        label: if seen.praise { "Praise" } else { "Concern" }.to_owned(),
        text: seen.words.clone(),
        by: format!("{from}, {group}{} · {day}, {}", seen.host.1, times::hm(seen.at, zone)),
        act,
        overdue: seen.overdue,
        answers,
        came,
        may_answer: seen.may_answer,
        own: seen.own,
    }
}

fn answer(seen: &AnswerSeen, home: &str, zone: &TimeZone) -> String {
    let who = match &seen.name {
        Some(name) => format!("{name}, {}", role_words(seen.role)),
        None => format!("{home}, {}", role_words(seen.role)),
    };
    let at = format!("{} {}", times::short_day(seen.at.date_in(zone)), times::hm(seen.at, zone));
    match seen.words.as_str() {
        "" => format!("{who}, read it on {at}."),
        words => format!("{who}, {at}: “{words}”"),
    }
}

/// Whom a message would reach, in a sentence.
pub(super) struct Tell {
    pub home: String,
    pub open: bool,
    pub may_ask: bool,
    pub readers: String,
}

/// Before anything is written, who will read it.
pub(super) fn tell(seen: &TellSeen) -> Tell {
    let of = |words: bool| -> Vec<&str> {
        seen.readers.iter().filter(|(_, reads)| *reads == words).map(|(role, _)| role_words(*role)).collect()
    };
    let join = |roles: Vec<&str>| match roles.as_slice() {
        [] => "nobody yet".to_owned(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    };
    let home = &seen.home.1;
    let mut readers = format!("Read at {home} by: {}. ", join(of(true)));
    if !of(false).is_empty() {
        readers.push_str(&format!("That there is one, without its words: {}. ", join(of(false))));
    }
    readers.push_str("Here by those who teach this learner. No other partner can.");
    Tell { home: home.clone(), open: seen.open, may_ask: seen.may_ask, readers }
}

#[derive(Template)]
#[template(path = "asked.html")]
struct Asked {
    frame: Frame,
    title: String,
    date: String,
    praise: Vec<Line>,
    asked: Vec<Line>,
    concerns: Vec<Line>,
    answered: Vec<Line>,
    empty: bool,
    more: bool,
    /// Where one comes back to after a form.
    back: &'static str,
    rules: Vec<RuleSeen>,
    agreements: Vec<String>,
    policy: String,
}

/// What hosts told us.
pub async fn asked(
    State(console): State<Console>,
    signed: Signed,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let seen = console.exchange.asked_of_us(signed.acting(), signed.now).await?;
    let (mut praise, mut asked, mut concerns, mut answered) = (vec![], vec![], vec![], vec![]);
    let empty = seen.messages.is_empty();
    for (message, name) in seen.messages {
        let made = line(&message, signed.zone(), name);
        match (message.answers.is_empty(), message.praise, message.act_by) {
            (false, ..) => answered.push(made),
            (true, true, _) => praise.push(made),
            (true, false, Some(_)) => asked.push(made),
            (true, false, None) => concerns.push(made),
        }
    }
    let title = match seen.requests {
        more if seen.uncounted => format!("At least {more} things are asked of us"),
        0 => "Nothing is asked of us".to_owned(),
        1 => "1 thing is asked of us".to_owned(),
        more => format!("{more} things are asked of us"),
    };
    let mut frame = Frame::new(&signed, &headers, "From hosts", PATH).roomy().why("#why");
    if let Some(way) = frame.ways.iter_mut().find(|way| way.path == PATH) {
        way.waiting = seen.requests;
    }
    page(&Asked {
        frame,
        title,
        date: times::weekday(seen.date),
        praise,
        asked,
        concerns,
        answered,
        empty,
        more: seen.more,
        back: PATH,
        rules: seen.rules,
        agreements: seen.agreements,
        policy: seen.policy.chars().take(12).collect(),
    })
}

/// A host's teacher tells the home something.
pub async fn send(
    State(console): State<Console>,
    Path(learner): Path<String>,
    signed: Signed,
    headers: HeaderMap,
    Form(form): Form,
) -> Response {
    let number: u32 = learner.parse().unwrap_or(u32::MAX);
    let Err(refusal) = told(&console, &signed, number, &form).await else {
        return Redirect::to(&format!("/learners/{number}#told")).into_response();
    };
    let labels = vec![
        Label::new("kind", "tell-k", "It is"),
        Label::new("words", "tell-w", "What happened"),
        Label::new("act_by", "tell-d", "The home should act by"),
    ];
    let page = |signed| learner::learner(State(console), Path(learner), signed, headers);
    Slip::new("tell", "", form, labels).again(refusal, &signed, page).await
}

async fn told(console: &Console, signed: &Signed, learner: u32, form: &Fields) -> Result<(), Refusal> {
    let praise = match form.get("kind") {
        "praise" => true,
        "concern" => false,
        _ => return Err(Refusal::Field(Invalid::new("kind", "must be praise or a concern"))),
    };
    let act_by = match form.get("act_by") {
        "" => None,
        text => Some(SchoolDate::parse("act_by", text).map_err(Refusal::Field)?),
    };
    let telling = Telling { praise, words: form.get("words").to_owned(), act_by };
    console.exchange.tell_home(signed.acting(), learner, &telling, signed.now).await?;
    Ok(())
}

/// A home says what became of it.
pub async fn reply(
    State(console): State<Console>,
    signed: Signed,
    headers: HeaderMap,
    Form(form): Form,
) -> Result<Response, Refusal> {
    let of = form.get("message").to_owned();
    let message = of.parse().map_err(|_| Refusal::Missing)?;
    let answered =
        console.exchange.answer_host(signed.acting(), message, form.get("words"), signed.now).await;
    let to = onward(form.get("to")).to_owned();
    let Err(refusal) = answered else { return Ok(Redirect::to(&to).into_response()) };
    let labels = vec![Label::new("words", format!("a-{of}"), "What came of it")];
    let page = |signed| async move {
        match to.strip_prefix("/learners/") {
            Some(number) => learner::learner(State(console), Path(number.to_owned()), signed, headers).await,
            None => asked(State(console), signed, headers).await,
        }
    };
    Ok(Slip::new("answer", &of, form, labels).again(refusal.into(), &signed, page).await)
}

/// Its writer takes a message back.
pub async fn take_back(
    State(console): State<Console>,
    signed: Signed,
    Form(form): Form,
) -> Result<Response, Refusal> {
    let message = form.get("message").parse().map_err(|_| Refusal::Missing)?;
    console.exchange.take_back(signed.acting(), message, signed.now).await?;
    Ok(Redirect::to(onward(form.get("to"))).into_response())
}
