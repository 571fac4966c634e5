//! The evacuation list: learners of other institutions who may be on this site now, on paper. It has a decision for each of
//! them and an entry of its own, each time.

use super::{
    super::{Console, refusal::Refusal, signed::Signed, times},
    print::Press,
};
use axum::{extract::State, response::Response};
use commonroll_core::Timestamp;
use commonroll_exchange::{EvacuationSeen, LessonSeen, Looks, Ring, ThereSeen};
use commonroll_report::{Evacuation, Gathering, Line, Visitor, evacuation};
use jiff::tz::TimeZone;
use std::collections::BTreeMap;

/// The list as PDF.
pub async fn list(State(console): State<Console>, signed: Signed) -> Result<Response, Refusal> {
    let press = Press::free().await?;
    let seen = console.exchange.evacuation(signed.acting(), signed.now).await?;
    let list = made(&seen, signed.zone(), super::super::nav::role_words(signed.role()));
    press.print("evacuation", move || evacuation(&list)).await
}

/// By lesson, earliest first; those whom no lesson expects come first of all, since nobody else will look for them.
type Lessons = BTreeMap<Option<When>, (String, Vec<Visitor>)>;
/// When a lesson begins, and where it is.
type When = (Timestamp, String);

fn made(seen: &EvacuationSeen, zone: &TimeZone, role: &str) -> Evacuation {
    let mut lessons = Lessons::new();
    for there in &seen.visitors {
        let key = there.lesson.as_ref().map(|lesson| (lesson.time.start(), place(lesson)));
        let hours = || {
            let clock = |at| times::hm(at, zone);
            let of = |lesson: &LessonSeen| (clock(lesson.time.start()), clock(lesson.time.end()));
            there.lesson.as_ref().map(of).map_or_else(String::new, |(from, to)| format!("{from} to {to}"))
        };
        lessons.entry(key).or_insert_with(|| (hours(), Vec::new())).1.push(visitor(there));
    }
    let gathering = |(key, (time, mut visitors)): (Option<When>, (String, Vec<Visitor>))| {
        visitors.sort_by(|a: &Visitor, b| a.name.cmp(&b.name));
        let place = key.map_or_else(|| "No lesson known for now".to_owned(), |(_, place)| place);
        Gathering { place, time, visitors }
    };
    let phone = |ring: &Ring| Line {
        name: ring.name.clone(),
        text: if ring.phone.is_empty() { "see your own list".to_owned() } else { ring.phone.clone() },
    };
    Evacuation {
        site: seen.institution.1.clone(),
        made: times::day_hm(seen.at, zone),
        printed_by: role.to_owned(),
        phones: seen.homes.iter().map(phone).collect(),
        gatherings: lessons.into_iter().map(gathering).collect(),
        unknown: unknown(seen),
    }
}

/// What the list can't say.
fn unknown(seen: &EvacuationSeen) -> Vec<String> {
    let mut unknown = Vec::new();
    match seen.unnamed {
        0 => {}
        1 => unknown.push(
            "One more learner is placed here whom this list may not name: ask the homes below.".to_owned(),
        ),
        more => unknown.push(format!(
            "{more} more learners are placed here whom this list may not name: ask the homes below."
        )),
    }
    if !seen.complete {
        unknown.push("The hub has just started and is still reading today’s marks.".to_owned());
    }
    if seen.silent {
        unknown.push("This site’s own registers are silent: who came isn’t known.".to_owned());
    }
    unknown
}

fn place(lesson: &LessonSeen) -> String {
    let (title, subject) = &lesson.course;
    let course = if title.is_empty() { subject } else { title };
    let parts = [lesson.room.as_str(), course.as_str()];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    if parts.is_empty() { "A lesson here".to_owned() } else { parts.join(", ") }
}

fn visitor(there: &ThereSeen) -> Visitor {
    Visitor {
        name: there.name.clone(),
        home: there.home.1.clone(),
        state: there.words.clone(),
        doubtful: matches!(there.looks, Looks::NotSeen | Looks::Unknown | Looks::NotMarked | Looks::Excused),
    }
}
