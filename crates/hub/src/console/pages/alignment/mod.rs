//! Alignment: where partners' data differ, with what stands behind it, and what they agreed on. Whoever may proposes a convention
//! from what was found or in answer to a question; each other partner accepts or declines. Nobody is named.

mod found;

use super::super::{
    Console,
    fields::Fields,
    layout::Frame,
    parts::{self, Standing as Look, StateTag},
    refusal::{Refusal, page},
    signed::{Form, Query, Signed},
    slip::{Label, Slip},
    times,
};
use super::{
    desk::words::{count, number},
    readiness::{readiness, step_asked},
};
use crate::{authority::hex, clock::draw, conventions::told};
use askama::Template;
use axum::{
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Redirect, Response},
};
use commonroll_core::{
    SchoolDate,
    convention::{Question, Says},
    record::attendance::Physical,
};
use commonroll_exchange::{AlignmentSeen, ConventionSeen, Stands};
use commonroll_views::alignment::{GRADE_DAYS, MARK_DAYS, Topic};
use found::{Group, Shown, groups, shown};
use jiff::tz::TimeZone;

const PATH: &str = "/alignment";
/// Days ahead that the form offers: time to mend a mapping.
const OFFERED: i32 = 14;

/// Meanings of a code, as forms send them.
const MEANINGS: [(&str, Physical); 5] = [
    ("present", Physical::Present),
    ("late", Physical::Late),
    ("absent", Physical::Absent),
    ("not_required", Physical::NotRequired),
    ("unknown", Physical::Unknown),
];

#[derive(Template)]
#[template(path = "alignment.html")]
struct Alignment {
    frame: Frame,
    title: String,
    lead: String,
    reading: bool,
    waiting: Vec<Line>,
    groups: Vec<Group>,
    alike: Vec<&'static str>,
    grades: Vec<Grade>,
    questions: Vec<Asked>,
    agreed: Vec<Line>,
    over: Vec<Line>,
    may_propose: bool,
    from: String,
    reason: String,
    printed: String,
}

struct Grade {
    who: String,
    kind: &'static str,
    scale: String,
    rows: String,
    missing: String,
    wrong: String,
    between: String,
}

struct Asked {
    id: &'static str,
    question: &'static str,
    facts: Vec<Shown>,
}

/// A convention.
struct Line {
    id: String,
    says: String,
    state: StateTag,
    when: String,
    kept: Vec<String>,
    answer: bool,
    take_back: bool,
}

/// The page.
pub async fn alignment(
    State(console): State<Console>,
    signed: Signed,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let seen = console.exchange.alignment(signed.acting(), signed.now).await?;
    let findings = seen.report.findings();
    let mut frame = Frame::new(&signed, &headers, "Alignment", PATH).why("#why");
    let to_answer = seen.conventions.iter().filter(|one| one.to_answer).count();
    if let Some(way) = frame.ways.iter_mut().find(|way| way.path == PATH) {
        way.waiting = to_answer;
    }
    let today = signed.now.date_in(signed.zone());
    let topics: Vec<Topic> = seen.report.differences.iter().map(|one| one.topic).collect();
    let mut waiting = Vec::new();
    let (mut agreed, mut over) = (Vec::new(), Vec::new());
    for (place, one) in seen.conventions.iter().enumerate() {
        let list = match one.stands {
            Stands::Waits(_) => &mut waiting,
            Stands::Ahead | Stands::Holds => &mut agreed,
            Stands::Replaced | Stands::Declined(_) | Stands::TakenBack => &mut over,
        };
        list.push(line(&seen, place, one, signed.zone()));
    }
    page(&Alignment {
        frame,
        title: match (findings.len(), to_answer) {
            (0, 0) => "Partners’ data agree".to_owned(),
            (_, 1) => "1 convention waits for your answer".to_owned(),
            (_, 2..) => format!("{to_answer} conventions wait for your answer"),
            (found, 0) => count(found as u64, "difference between partners", "differences between partners"),
        },
        lead: format!(
            "Found in the marks of the last {MARK_DAYS} days, the grades of the last {GRADE_DAYS}, and the timetables ahead; never in a form. Counts are rounded, and nobody is named."
        ),
        reading: !seen.complete,
        waiting,
        groups: groups(&seen, &findings),
        alike: Topic::ALL.into_iter().filter(|topic| !topics.contains(topic)).map(Topic::alike).collect(),
        grades: grades(&seen),
        questions: questions(&seen),
        agreed,
        over,
        may_propose: seen.may_propose,
        from: SchoolDate::from_days(today.days() + OFFERED).unwrap_or(today).to_string(),
        reason: seen.reason.clone(),
        printed: times::day_hm(signed.now, signed.zone()),
    })
}

fn name(seen: &AlignmentSeen, site: u16) -> String {
    let of = seen.partners.iter().find(|(number, ..)| *number == site);
    of.map_or_else(String::new, |(_, _, name)| name.clone())
}

fn grades(seen: &AlignmentSeen) -> Vec<Grade> {
    let percent = |share: Option<u64>| match share {
        Some(0) => "–".to_owned(),
        Some(share) => format!("{share}%"),
        None => "too few".to_owned(),
    };
    let line = |one: &commonroll_views::alignment::GradeLine| Grade {
        who: name(seen, one.site),
        kind: one.kind.words(),
        scale: format!("{} {}", one.scale.0, one.scale.1),
        rows: if one.rows == 0 { "under 10".to_owned() } else { number(one.rows) },
        missing: percent(one.missing),
        wrong: if one.no_scale { "scale unknown".to_owned() } else { percent(one.not_on_scale) },
        between: format!("{} to {}", times::short_day(one.between.0), times::short_day(one.between.1)),
    };
    seen.report.grades.iter().map(line).collect()
}

fn questions(seen: &AlignmentSeen) -> Vec<Asked> {
    let settled = |question: Question| {
        let mut live = seen
            .conventions
            .iter()
            .filter(|one| matches!(one.stands, Stands::Waits(_) | Stands::Ahead | Stands::Holds));
        live.any(|one| matches!(&one.says, Says::Answer { question: held, .. } if *held == question))
    };
    let open = seen.report.questions.iter().filter(|(question, _)| !settled(*question));
    let asked = open.map(|(question, facts)| Asked {
        id: question.as_str(),
        question: question.words(),
        facts: shown(seen, facts),
    });
    asked.collect()
}

fn line(seen: &AlignmentSeen, place: usize, one: &ConventionSeen, zone: &TimeZone) -> Line {
    let state = match &one.stands {
        Stands::Waits(_) => parts::state(Look::Unknown, "waits".to_owned()),
        Stands::Ahead => parts::state(Look::Expected, format!("from {}", times::date(one.from))),
        Stands::Holds => parts::state(Look::Seen, "in force".to_owned()),
        Stands::Replaced => parts::state(Look::Excused, "replaced".to_owned()),
        Stands::Declined(by) => parts::state(Look::NotSeen, format!("declined by {by}")),
        Stands::TakenBack => parts::state(Look::Excused, "taken back".to_owned()),
    };
    let (by, at) = &one.proposed;
    let mut when = format!(
        "Version {}, from {}. Proposed by {by} on {}",
        one.version,
        times::date(one.from),
        times::full_day(*at, zone)
    );
    for (who, at) in &one.accepted {
        when.push_str(&format!("; accepted by {who} on {}", times::full_day(*at, zone)));
    }
    if let Stands::Waits(names) = &one.stands {
        match names.is_empty() {
            true => when.push_str("; whoever had not answered has left: accept it or decline it"),
            false => when.push_str(&format!("; waits for {}", names.join(" and "))),
        }
    }
    when.push('.');
    let kept = seen.report.kept.iter().filter(|kept| kept.agreed == place);
    let kept = kept.map(|kept| {
        let who = name(seen, kept.site);
        match kept.breaks {
            Some(0) => format!("{who} keeps it."),
            Some(100) => format!("{who} doesn’t keep it yet."),
            Some(share) => format!("{who} doesn’t keep it in {share} of 100 rows since."),
            None => format!("{who}: too few learners to say."),
        }
    });
    Line {
        id: hex(&one.id),
        says: told(&one.says),
        state,
        when,
        kept: kept.collect(),
        answer: one.to_answer,
        take_back: one.to_take_back,
    }
}

/// Proposes a convention.
pub async fn propose(
    State(console): State<Console>,
    signed: Signed,
    headers: HeaderMap,
    Form(form): Form,
) -> Response {
    let Err(refusal) = proposed(&console, &signed, &form).await else {
        return Redirect::to(PATH).into_response();
    };
    // The form of a condition stands on the page of readiness.
    if !form.get("step").is_empty() {
        let labels = vec![
            Label::new("points", "stp-p", "Per cent of marks and of registers (50 to 100)"),
            Label::new("days", "stp-d", "School days in a row (1 to 15)"),
            Label::new("from", "stp-f", "From"),
        ];
        let page = |signed| readiness(State(console), signed, Query(Fields::default()), headers);
        return Slip::new("step", "", form, labels).again(refusal, &signed, page).await;
    }
    let question = form.get("question");
    let (sort, of, id) = match question {
        "" => ("propose", form.get("says").to_owned(), format!("{}f", form.get("found"))),
        question => ("answer", question.to_owned(), format!("f-{question}")),
    };
    let labels = vec![
        Label::new("text", format!("t-{question}"), "Answer, for every partner"),
        Label::new("from", id, "From"),
    ];
    let page = |signed| alignment(State(console), signed, headers);
    Slip::new(sort, &of, form, labels).again(refusal, &signed, page).await
}

async fn proposed(console: &Console, signed: &Signed, form: &Fields) -> Result<(), Refusal> {
    let from = SchoolDate::parse("from", form.get("from")).map_err(Refusal::Field)?;
    let says = match (form.get("question"), form.get("step")) {
        ("", "") => chosen(form)?,
        ("", _) => step_asked(form)?,
        (asked, _) => {
            let question = Question::ALL.into_iter().find(|one| one.as_str() == asked);
            let text = form.get("text").to_owned();
            Says::Answer { question: question.ok_or(Refusal::Missing)?, text }
        }
    };
    let fresh = (draw(console.around.random.as_ref()), signed.now);
    console.exchange.propose_convention(signed.acting(), (says, from), fresh).await?;
    Ok(())
}

/// What was found, with what was chosen instead of what was offered.
fn chosen(form: &Fields) -> Result<Says, Refusal> {
    let wrong = || Refusal::Wrong("What was found has changed; open the page again.".to_owned());
    let says: Says = serde_json::from_str(form.get("says")).map_err(|_| wrong())?;
    Ok(match says {
        Says::Code { code, means } => {
            let means = match form.get("means") {
                "" => means,
                asked => MEANINGS.into_iter().find(|(name, _)| *name == asked).ok_or_else(wrong)?.1,
            };
            Says::Code { code, means }
        }
        Says::Subject { word, also } => {
            let names: Vec<String> = also.into_iter().chain([word.clone()]).collect();
            let word = match form.get("word") {
                "" => word,
                asked => names.iter().find(|name| *name == asked).ok_or_else(wrong)?.clone(),
            };
            Says::Subject { word, also: names }
        }
        other => other,
    })
}

/// Accepts a convention, declines it, or takes it back.
pub async fn answer(
    State(console): State<Console>,
    signed: Signed,
    Form(form): Form,
) -> Result<Response, Refusal> {
    let id = super::exports::unhex(form.get("id")).ok_or(Refusal::Missing)?;
    let accept = match form.get("answer") {
        "accept" => true,
        "decline" => false,
        _ => return Err(Refusal::Wrong("Say whether you accept it or decline it.".to_owned())),
    };
    console.exchange.answer_convention(signed.acting(), id, accept, signed.now).await?;
    Ok(Redirect::to(PATH).into_response())
}
