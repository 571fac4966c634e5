//! What needs somebody on the board, and who was found.

use super::{
    super::super::{
        nav,
        parts::{self, Standing, StateTag},
        times,
    },
    Made, course, looks_words, room, standing,
};
use commonroll_core::{SchoolDate, Timestamp};
use commonroll_exchange::{
    AlarmSeen, BoardAsk, Channel, FoundSeen, LessonSeen, Ring, SaidSeen, SendFault, SentSeen, SentState,
};
use jiff::tz::TimeZone;

/// Someone or something to see to.
pub(super) struct Alarm {
    pub id: String,
    pub state: Standing,
    pub since: String,
    pub minutes: String,
    pub name: String,
    pub address: Option<String>,
    pub home: Option<String>,
    pub tag: Option<StateTag>,
    pub expected: String,
    pub known: String,
    pub told: String,
    pub sent: Option<String>,
    pub ring: Option<Tel>,
    pub taken: Vec<String>,
    pub ours: bool,
    pub findable: bool,
    /// That the learner was found, and was not.
    pub undone: Vec<String>,
}

/// Who was looked for and found.
pub(super) struct Found {
    pub id: String,
    pub name: String,
    pub address: Option<String>,
    pub words: String,
    pub by: String,
    pub undoable: bool,
}

/// A number to ring.
pub(super) struct Tel {
    pub number: String,
    pub link: String,
    pub desk: String,
}

impl Made<'_> {
    pub(super) fn alarm(&self, alarm: &AlarmSeen) -> Alarm {
        let state = standing(alarm.looks);
        let day = |day: SchoolDate| day.civil().strftime("%A %-d %B").to_string();
        let expected = alarm.lesson.as_ref().map_or_else(
            || alarm.day.map_or_else(String::new, day),
            |lesson| {
                let place = [when(lesson, self.zone), room(lesson), alarm.host.1.clone()];
                let place: Vec<String> = place.into_iter().filter(|part| !part.is_empty()).collect();
                format!("{}, {}", course(lesson), place.join(", "))
            },
        );
        let told: Vec<String> = alarm
            .told
            .iter()
            .map(|told| {
                let name = if told.own { "You" } else { told.name.as_str() };
                format!("{name} {}", times::hm(told.at, self.zone))
            })
            .collect();
        let again = match alarm.repeated {
            0 => String::new(),
            1 => ", once more since".to_owned(),
            count => format!(", {count} times more since"),
        };
        Alarm {
            id: alarm.id.to_string(),
            state,
            since: times::hm(alarm.since, self.zone),
            minutes: minutes(self.seen.at, alarm.since),
            name: alarm.name.clone(),
            address: alarm.learner.and_then(|learner| self.learner(learner)),
            home: alarm
                .home
                .as_ref()
                .filter(|_| self.seen.ask == BoardAsk::Visitors)
                .map(|home| home.1.clone()),
            tag: alarm
                .learner
                .filter(|_| alarm.day.is_none())
                .map(|_| parts::state(state, looks_words(alarm.looks).to_owned())),
            expected,
            known: format!("{}.", alarm.known),
            told: format!("{}{again}.", told.join(", ")),
            sent: self.sent(alarm),
            ring: alarm.ring.as_ref().and_then(tel),
            taken: alarm.in_hand.iter().map(|said| self.taken(said)).collect(),
            ours: alarm.is_ours(),
            findable: alarm.findable,
            undone: alarm.undone.iter().map(|(found, back)| self.undone(found, back)).collect(),
        }
    }

    /// That somebody was mistaken about finding a learner.
    fn undone(&self, found: &SaidSeen, back: &SaidSeen) -> String {
        let who = |said: &SaidSeen| match (&said.name, said.own) {
            (_, true) => "You".to_owned(),
            (Some(name), false) => name.clone(),
            (None, false) => said.institution.clone(),
        };
        let words = |said: &SaidSeen| match said.words.as_str() {
            "" => String::new(),
            words => format!(" “{words}”"),
        };
        let hm = |said: &SaidSeen| times::hm(said.at, self.zone);
        format!(
            "{} said found at {}.{} {} took that back at {}.{}",
            who(found),
            hm(found),
            words(found),
            who(back),
            hm(back),
            words(back)
        )
    }

    /// What became of the mail and the webhook to the own institution.
    fn sent(&self, alarm: &AlarmSeen) -> Option<String> {
        let hm = |at| times::hm(at, self.zone);
        let one = |sent: &SentSeen| {
            let what = match sent.channel {
                Channel::Mail => "Mail",
                Channel::Webhook => "Webhook",
                Channel::ManagersMail => "Mail to data managers",
            };
            match sent.state {
                SentState::Sent(at) => format!("{what} sent {}.", hm(at)),
                SentState::Trying(0 | 1) => format!("{what} on its way."),
                SentState::Trying(tries) => format!("{what} couldn’t be sent yet, tried {tries} times."),
                SentState::Unsent(at, why) => {
                    format!("{what} couldn’t be sent, given up {}: {}.", hm(at), fault_words(why))
                }
            }
        };
        let said: Vec<String> = alarm.sent.iter().map(one).collect();
        (!said.is_empty()).then(|| said.join(" "))
    }

    fn taken(&self, said: &SaidSeen) -> String {
        let who = match (&said.name, said.own) {
            (_, true) => "You".to_owned(),
            (Some(name), false) => name.clone(),
            (None, false) => said.institution.clone(),
        };
        let at = times::hm(said.at, self.zone);
        match said.words.as_str() {
            "" => format!("{who} took this at {at}."),
            words => format!("{who} took this at {at}. “{words}”"),
        }
    }

    /// Where, for whoever may read it, and who says so.
    pub(super) fn found(&self, found: &FoundSeen) -> Found {
        let (by, at) = (&found.by, times::hm(found.by.at, self.zone));
        let words = match by.words.as_str() {
            "" => format!("Found {at}, says {}", by.institution),
            place => format!("Found {at} at {}: {place}", by.institution),
        };
        let role = nav::role_words(by.role);
        let by = match (&by.name, by.own) {
            (_, true) => "You".to_owned(),
            (Some(name), false) => format!("{name}, {role}"),
            (None, false) => format!("{role}, {}", by.institution),
        };
        Found {
            id: found.id.to_string(),
            name: found.name.clone(),
            address: self.learner(found.learner),
            words,
            by,
            undoable: found.undoable,
        }
    }
}

const fn fault_words(why: SendFault) -> &'static str {
    match why {
        SendFault::Address => "its address is none that the hub goes to",
        SendFault::Silent => "no answer",
        SendFault::Refused => "refused at the other end",
        SendFault::Redirected => "the other end points elsewhere",
        SendFault::Interrupted => "the hub was stopped; it may have arrived",
        SendFault::Over => "somebody had it in hand before",
    }
}

fn when(lesson: &LessonSeen, zone: &TimeZone) -> String {
    format!("{} to {}", times::hm(lesson.time.start(), zone), times::hm(lesson.time.end(), zone))
}

pub(super) fn tel(ring: &Ring) -> Option<Tel> {
    let digits: String = ring.phone.chars().filter(|c| c.is_ascii_digit() || *c == '+').collect();
    let desk = if ring.desk.is_empty() { ring.name.clone() } else { format!("{}, {}", ring.name, ring.desk) };
    (!digits.is_empty()).then(|| Tel { number: ring.phone.clone(), link: format!("tel:{digits}"), desk })
}

fn minutes(now: Timestamp, since: Timestamp) -> String {
    (now.micros().saturating_sub(since.micros()).max(0) / 60_000_000).to_string()
}
