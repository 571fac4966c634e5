//! The evacuation list: learners of other institutions who may be on this site now, on paper. It shows what the board of
//! visitors shows to the same person, by the same decisions and with the same entry.

use super::super::{Console, refusal::Refusal, signed::Signed, times};
use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use commonroll_core::Timestamp;
use commonroll_exchange::{BoardAsk, BoardSeen, LineSeen, Looks};
use commonroll_report::{Evacuation, Gathering, Line, Visitor, evacuation};
use jiff::tz::TimeZone;
use std::collections::BTreeMap;

/// The list as PDF.
pub async fn list(State(console): State<Console>, signed: Signed) -> Result<Response, Refusal> {
    let seen = console.exchange.board(signed.acting(), BoardAsk::Visitors, signed.now).await?;
    let list = made(&seen, signed.zone(), super::super::nav::role_words(signed.role()));
    let set = tokio::task::spawn_blocking(move || evacuation(&list)).await;
    let bytes = set.map_err(|_| Refusal::Broken)?.map_err(|error| {
        tracing::error!(%error, "a page could not be printed");
        Refusal::Broken
    })?;
    let headers = [
        (header::CONTENT_TYPE, "application/pdf"),
        (header::CONTENT_DISPOSITION, "inline; filename=\"evacuation.pdf\""),
    ];
    Ok((headers, bytes).into_response())
}

fn made(seen: &BoardSeen, zone: &TimeZone, role: &str) -> Evacuation {
    let mut lessons: BTreeMap<(Timestamp, String), (String, Vec<Visitor>)> = BTreeMap::new();
    let mut homes: BTreeMap<String, ()> = BTreeMap::new();
    for line in seen.hosts.iter().flat_map(|host| &host.lines) {
        let time = line.lesson.time;
        let place = place(line);
        let hours = format!("{} to {}", times::hm(time.start(), zone), times::hm(time.end(), zone));
        lessons.entry((time.start(), place)).or_insert_with(|| (hours, Vec::new())).1.push(visitor(line));
        homes.extend(line.home.iter().map(|(_, name)| (name.clone(), ())));
    }
    let gathering = |((_, place), (time, mut visitors)): (_, (String, Vec<Visitor>))| {
        visitors.sort_by(|a: &Visitor, b| a.name.cmp(&b.name));
        Gathering { place, time, visitors }
    };
    let mut unknown: Vec<String> = Vec::new();
    if !seen.complete {
        unknown.push("The hub has just started and is still reading today’s marks.".to_owned());
    }
    if seen.more {
        unknown.push("There are more visitors than the list takes: ask each home, too.".to_owned());
    }
    if seen.hosts.iter().any(|host| host.silent) {
        unknown.push("This site’s own registers are silent: who came isn’t known.".to_owned());
    }
    // A number for each home, as far as an alarm brought it along; the others are named without one.
    let phone = |home: &String| {
        let rings = seen.alarms.iter().filter_map(|alarm| alarm.ring.as_ref());
        rings
            .filter(|ring| &ring.name == home && !ring.phone.is_empty())
            .map(|ring| ring.phone.clone())
            .next()
    };
    let phones = homes.into_keys().map(|name| {
        let text = phone(&name).unwrap_or_else(|| "see your own list".to_owned());
        Line { name, text }
    });
    Evacuation {
        site: seen.institution.1.clone(),
        made: times::day_hm(seen.at, zone),
        printed_by: role.to_owned(),
        phones: phones.collect(),
        gatherings: lessons.into_iter().map(gathering).collect(),
        unknown,
    }
}

fn place(line: &LineSeen) -> String {
    let (title, subject) = &line.lesson.course;
    let course = if title.is_empty() { subject } else { title };
    let parts = [line.lesson.room.as_str(), course.as_str()];
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    if parts.is_empty() { "A lesson here".to_owned() } else { parts.join(", ") }
}

fn visitor(line: &LineSeen) -> Visitor {
    Visitor {
        name: line.name.clone(),
        home: line.home.as_ref().map_or_else(String::new, |(_, name)| name.clone()),
        state: line.words.clone(),
        doubtful: matches!(line.looks, Looks::NotSeen | Looks::Unknown | Looks::NotMarked | Looks::Excused),
    }
}
