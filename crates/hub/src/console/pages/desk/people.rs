//! Who may sign in for the own institution, and whom it has invited.

use super::words;
use crate::authority::hex;
use crate::console::{
    Console,
    layout::Frame,
    parts,
    refusal::{Refusal, page},
    signed::Signed,
    times,
};
use askama::Template;
use axum::{extract::State, http::HeaderMap, response::Response};
use commonroll_core::Purpose;
use commonroll_exchange::{OpenInvitation, PersonSeen};

#[derive(Template)]
#[template(path = "desk/people.html")]
struct People {
    frame: Frame,
    own: String,
    title: String,
    people: Vec<One>,
    gone: Vec<One>,
    invitations: Vec<Invited>,
    access: bool,
}

struct One {
    name: String,
    roles: String,
    ids: String,
    joined: String,
    used: String,
    ended: String,
}

struct Invited {
    name: String,
    roles: String,
    institution: String,
    expires: String,
    waiting: bool,
    approvable: bool,
    hash: String,
}

/// The people of the own institution.
pub async fn people(
    State(console): State<Console>,
    signed: Signed,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let who = (&signed.seen.speaker, signed.role());
    let seen = console.exchange.people(who, Purpose::Administration, signed.now).await?;
    let (mut here, mut gone): (Vec<&PersonSeen>, Vec<&PersonSeen>) =
        seen.people.iter().partition(|person| person.revoked.is_none());
    here.sort_by(|a, b| a.name.cmp(&b.name));
    gone.sort_by_key(|person| std::cmp::Reverse(person.revoked));
    let one = |person: &&PersonSeen| one(&signed, person);
    page(&People {
        frame: Frame::new(&signed, &headers, "People", "/people").why(super::why(&signed)),
        own: signed.seen.institution_name.clone(),
        title: match here.len() as u64 {
            1 => "1 person may sign in".to_owned(),
            many => format!("{} people may sign in", words::number(many)),
        },
        people: here.iter().map(one).collect(),
        gone: gone.iter().map(one).collect(),
        invitations: seen.invitations.iter().map(invited).collect(),
        access: seen.access,
    })
}

fn one(signed: &Signed, person: &PersonSeen) -> One {
    let roles: Vec<String> = person.roles.iter().map(|role| words::role(*role)).collect();
    let staff = person.staff.as_ref().map(|id| format!("staff {}", id.as_str()));
    let learner = person.learner.as_ref().map(|id| format!("learner {}", id.as_str()));
    let (now, zone) = (signed.now, signed.zone());
    One {
        name: person.name.clone(),
        roles: roles.join(", "),
        ids: staff.into_iter().chain(learner).collect::<Vec<_>>().join(", "),
        joined: times::full_day(person.enrolled, zone),
        used: format!("{} ago", times::ago(person.used, now)),
        ended: person.revoked.map_or_else(String::new, |at| times::moment(at, now, zone)),
    }
}

/// An invitation, from its exact text, which an approval signs.
fn invited(open: &OpenInvitation) -> Invited {
    let line = |name: &str| {
        let found = open.text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        found.unwrap_or_default().to_owned()
    };
    let roles = line("roles");
    let roles = roles.split(", ").map(|role| role.parse().map_or_else(|_| role.to_owned(), words::role));
    Invited {
        name: line("name"),
        roles: roles.collect::<Vec<_>>().join(", "),
        institution: line("institution"),
        expires: until(&line("expires")),
        waiting: open.waiting,
        approvable: open.approvable,
        hash: hex(&open.hash),
    }
}

/// 2026-11-23T12:48:06Z as 23 November 2026, 12:48 UTC.
fn until(text: &str) -> String {
    let split = text.split_once('T').and_then(|(date, time)| Some((date, time.get(..5)?)));
    let date = split.and_then(|(date, _)| commonroll_core::SchoolDate::parse("expires", date).ok());
    match (date, split) {
        (Some(date), Some((_, time))) => format!("{}, {time} UTC", times::date(date)),
        _ => text.to_owned(),
    }
}
