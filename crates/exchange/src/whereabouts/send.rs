//! Alerts on their way to institutions by mail and webhook: what waits, who sends it, and what became of it.
//!
//! What waits follows from the alerts and the emergency accesses themselves (`unsaid`), so that nothing is lost by a restart.
//! Who sends is said in the log first, by the one writer, so that two nodes don't send the same; whoever dies while sending
//! loses its turn after a minute. How to reach anybody this crate does not know: a door sends, and says how it went.

mod unsaid;

use super::{Whereabouts, alerts::site_of};
use crate::{
    Exchange,
    directory::{
        Directory,
        change::{Change, Emergency, hex},
        sending::{About, Channel, Lane, SendFault, SendState, Sending, Telling},
        warnings::{Warning, WarningSort},
    },
    notices::Outgoing,
    projection::look,
    submit_with,
    types::NotAllowed,
    writer::{Work, WriteFault},
};
use aws_lc_rs::hmac;
use commonroll_core::{SchoolDate, Slug, Timestamp};
use commonroll_views::whereabouts::{AlertKey, Finding};
use std::collections::BTreeSet;
use unsaid::unsaid;

/// So long a first alert waits for others that come with it.
const GATHER_US: i64 = 5_000_000;
/// One message of a lane in this time: what comes meanwhile goes in the next.
const APART_US: i64 = 60_000_000;
/// So long whoever sends has a message to itself: longer than any try lasts.
const TURN_US: i64 = 60_000_000;
/// After this time of failing it is given up.
const GIVE_UP_US: i64 = 4 * 3_600_000_000;
/// The first pause after a failure, and the longest.
const PAUSE_US: (i64, i64) = (30_000_000, 900_000_000);
/// Alerts in one message.
const ALERTS_MAX: usize = 500;

/// Alerts that are to be sent to an institution now. Nothing in it is about a person by any name or number of theirs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outbound {
    /// To whom.
    pub institution: Slug,
    /// How they are called.
    pub name: String,
    /// Their time zone.
    pub time_zone: String,
    /// How.
    pub channel: Channel,
    /// Number of the message in its lane: the same at every try.
    pub number: u32,
    /// Which try this is, from 1.
    pub tries: u32,
    /// What it says.
    pub alerts: Vec<OutboundAlert>,
}

/// An alert in a message, an emergency access, or a warning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboundAlert {
    /// Names this telling: the same at every try, another when it is told again. Says nothing by itself.
    pub id: String,
    /// Names the alert: the same however often it is told. Says nothing by itself.
    pub alert: String,
    /// What it is about: `unaccounted`, `left_early`, `register`, `class_cancelled`, `source_silent`, and of timetables
    /// `nobody_expects`, `both_expect`, `two_hosts`, `expected_elsewhere`, `week_slip`, `site_closed`, `many_misfits`;
    /// `emergency_access` to a learner's card; warnings to data managers: `own_records_refused`, `records_refused` about the
    /// institution's learners, `guessing` by somebody of its own.
    pub about: &'static str,
    /// Where: slug and name.
    pub site: (Slug, String),
    /// Since when it is so.
    pub since: Timestamp,
    /// When the institution was told last.
    pub told: Timestamp,
    /// How often it was told again because not everybody had it in hand.
    pub repeated: u32,
    /// Since when it is over, if that is what is told.
    pub over: Option<Timestamp>,
    /// When the lesson begins that it is about, if this node knows.
    pub lesson: Option<Timestamp>,
    /// The day, where it is about timetables of one.
    pub day: Option<SchoolDate>,
    /// Until when an emergency access opens the card.
    pub until: Option<Timestamp>,
    /// How much was refused of which data managers are warned.
    pub count: Option<u32>,
}

/// What there is to do in a lane.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Next {
    /// What is given up: the message as it stood, and why.
    given_up: Option<(Sending, SendFault)>,
    /// The message as it is from now on.
    message: Option<Sending>,
    /// True if it is to be sent now.
    send: bool,
}

impl Exchange {
    /// True if there is something to do in a lane: to send, or to say that it can't be sent any more.
    pub fn has_to_send(&self, institution: &Slug, channel: Channel, now: Timestamp) -> bool {
        let directory = self.shared.directory();
        let number = directory.number_of(institution);
        number.is_some_and(|number| next(&directory, number, channel, now).is_some())
    }

    /// Takes a lane's turn: what is to be sent now, if anything. In the log when the call returns; nobody else sends it for a
    /// minute. `node` names the node since its start. Whoever got something says how it went by [`Exchange::sent`].
    ///
    /// # Errors
    /// If the log can't be written.
    pub async fn begin_sending(
        &self,
        institution: &Slug,
        channel: Channel,
        node: u64,
        now: Timestamp,
    ) -> Result<Option<Outbound>, NotAllowed> {
        let slug = institution.clone();
        let begun = submit_with(&self.shared, "hub", now, move |work: &mut Work<'_>| {
            let directory = &*work.planner.directory;
            let number = directory.number_of(&slug)?;
            let Next { given_up, message, send } = next(directory, number, channel, now)?;
            if let Some((sending, why)) = given_up {
                put(work, Sending { state: SendState::Unsent { at: now, why }, ..sending });
            }
            let mut message = message?;
            if send {
                message.tries += 1;
                message.state = SendState::Trying { by: node, until: now.plus_micros(TURN_US) };
            }
            put(work, message.clone());
            send.then_some(message)
        });
        let message = begun.await.map_err(|WriteFault| NotAllowed::Denied)?;
        self.board_changed();
        Ok(message.and_then(|message| self.outbound(&message)))
    }

    /// Says how it went. `chance` spreads the next tries of many: any number.
    ///
    /// # Errors
    /// If the log can't be written: the message is sent again when the turn is over.
    pub async fn sent(
        &self,
        outbound: &Outbound,
        outcome: Result<(), SendFault>,
        (node, chance): (u64, u64),
        now: Timestamp,
    ) -> Result<(), NotAllowed> {
        let (slug, channel, number) = (outbound.institution.clone(), outbound.channel, outbound.number);
        let done = submit_with(&self.shared, "hub", now, move |work: &mut Work<'_>| {
            let directory = &*work.planner.directory;
            let lane = directory.number_of(&slug).and_then(|to| directory.sendings().lane(to, channel));
            let Some(held) = lane.and_then(Lane::newest) else { return };
            let is_mine = matches!(held.state, SendState::Trying { by, .. } if by == node);
            if held.number != number || !is_mine {
                return;
            }
            let state = match outcome {
                Ok(()) => SendState::Sent { at: now },
                Err(why) if is_old(held, now) => SendState::Unsent { at: now, why },
                Err(why) => SendState::Waiting { next: now.plus_micros(pause(held.tries, chance)), why },
            };
            let sending = Sending { state, ..held.clone() };
            put(work, sending);
        });
        done.await.map_err(|WriteFault| NotAllowed::Denied)?;
        self.board_changed();
        Ok(())
    }

    fn board_changed(&self) {
        if let Some(views) = self.shared.views.get() {
            views.board_changes.send_modify(|turn| *turn += 1);
        }
    }

    fn outbound(&self, message: &Sending) -> Option<Outbound> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.shared.key.derived("alert-ids"));
        let directory = self.shared.directory();
        let info = &directory.institution(message.institution)?.info;
        // Ids of the log name learners by their numbers; outside they name nothing.
        let name = |of: About, since: Timestamp, more: i64| {
            let parts = [message.institution.to_be_bytes().to_vec(), of.bytes().to_vec()];
            let moments = [since.micros().to_be_bytes(), more.to_be_bytes()].concat();
            hex(&hmac::sign(&key, &[parts.concat(), moments].concat()).as_ref()[..16])
        };
        let opened = |access: &Emergency, telling: &Telling| {
            let site = &directory.institution(access.institution)?.info;
            Some(OutboundAlert {
                id: name(telling.about, access.opened, telling.at.micros()),
                alert: name(telling.about, access.opened, 0),
                about: "emergency_access",
                site: (site.slug.clone(), site.name.clone()),
                since: access.opened,
                told: telling.at,
                repeated: 0,
                over: None,
                lesson: None,
                day: None,
                until: Some(access.until),
                count: None,
            })
        };
        let warned = |warning: &Warning, telling: &Telling| {
            let site = &directory.institution(warning.by)?.info;
            Some(OutboundAlert {
                id: name(telling.about, warning.since, telling.at.micros()),
                alert: name(telling.about, warning.since, 0),
                about: match warning.sort {
                    WarningSort::NoPlacement if warning.by == warning.to => "own_records_refused",
                    WarningSort::NoPlacement => "records_refused",
                    WarningSort::Guessing => "guessing",
                },
                site: (site.slug.clone(), site.name.clone()),
                since: warning.since,
                told: telling.at,
                repeated: 0,
                over: None,
                lesson: None,
                day: None,
                until: None,
                count: Some(warning.count),
            })
        };
        let alerts = message.tellings.iter().filter_map(|telling| {
            let id = match telling.about {
                About::Emergency(id) => return opened(directory.emergency(&id.0)?, telling),
                About::Warning(id) => return warned(directory.warnings().get(id)?, telling),
                About::Alert(id) => id,
            };
            let (alert, about) = (directory.alerts().get(id)?, id.key()?);
            let site = &directory.institution(site_for(message.institution, &about))?.info;
            let name = |more: i64| name(telling.about, alert.since, more);
            Some(OutboundAlert {
                // That it is over is another telling than that it is so.
                id: name(if telling.over { !telling.at.micros() } else { telling.at.micros() }),
                alert: name(0),
                about: id.sort(),
                site: (site.slug.clone(), site.name.clone()),
                since: alert.since,
                told: telling.at,
                repeated: alert.repeated,
                over: telling.over.then_some(telling.at),
                lesson: self.begins(&about),
                day: match about {
                    AlertKey::Misfit { day, .. } => SchoolDate::from_days(day),
                    _ => None,
                },
                until: None,
                count: None,
            })
        });
        Some(Outbound {
            institution: info.slug.clone(),
            name: info.name.clone(),
            time_zone: info.time_zone.clone(),
            channel: message.channel,
            number: message.number,
            tries: message.tries,
            alerts: alerts.collect(),
        })
    }

    /// When the lesson begins that an alert is about.
    fn begins(&self, key: &AlertKey) -> Option<Timestamp> {
        let (site, lesson) = match *key {
            AlertKey::Unaccounted(id) | AlertKey::LeftEarly(id) => (id.site, id.lesson),
            AlertKey::Register { site, lesson } | AlertKey::ClassCancelled { site, lesson, .. } => {
                (site, lesson)
            }
            AlertKey::SourceSilent { .. } | AlertKey::Misfit { .. } => return None,
        };
        let views = self.shared.views.get()?;
        look(&views.whereabouts).lesson_begins(site, lesson)
    }
}

/// The site that a message to an institution names: of two timetables the other one's.
fn site_for(institution: u16, about: &AlertKey) -> u16 {
    let AlertKey::Misfit { finding, .. } = about else { return site_of(about) };
    match (finding, finding.between()) {
        (Finding::SiteClosed { host, .. }, _) => *host,
        (_, [one, other]) if other == institution => one,
        (_, [_, other]) => other,
    }
}

impl Whereabouts {
    /// When a meeting of today begins.
    fn lesson_begins(&self, site: u16, lesson: u64) -> Option<Timestamp> {
        self.lessons.get(&(site, lesson)).map(|lesson| lesson.time.start())
    }
}

/// Plans a message as it stands from now on; its entry says how many alerts it is about, how many of them are emergency accesses,
/// and why it is not sent.
fn put(work: &mut Work<'_>, sending: Sending) {
    let directory = &*work.planner.directory;
    let slug = directory.institution(sending.institution).map(|state| state.info.slug.to_string());
    let mut more = serde_json::json!({
        "institution": slug, "channel": sending.channel.as_str(), "message": sending.number,
        "count": sending.tellings.len(), "tries": sending.tries,
    });
    let over = sending.tellings.iter().filter(|telling| telling.over).count();
    if over > 0 {
        more["over"] = over.into();
    }
    let accesses = sending.tellings.iter().filter(|telling| telling.about.emergency().is_some()).count();
    if accesses > 0 {
        more["accesses"] = accesses.into();
    }
    if let SendState::Waiting { why, .. } | SendState::Unsent { why, .. } = sending.state {
        more["reason"] = why.as_str().into();
    }
    let change = Change::Sending { sending: Box::new(sending) };
    work.planner.directory.apply(&change);
    work.outgoing.push(Outgoing::Alert { change, more });
}

fn is_old(sending: &Sending, now: Timestamp) -> bool {
    now.micros() - sending.begun.micros() >= GIVE_UP_US
}

/// How long it is waited after so many tries: doubled each time, and spread, so that many don't come back at once.
fn pause(tries: u32, chance: u64) -> i64 {
    let longest = PAUSE_US.0.saturating_mul(1 << tries.saturating_sub(1).min(10)).min(PAUSE_US.1);
    let spread = i64::try_from(chance % 1_000).unwrap_or_default();
    longest / 2 + longest / 2 * spread / 1_000
}

/// What there is to do in a lane now; `None` for nothing.
fn next(directory: &Directory, institution: u16, channel: Channel, now: Timestamp) -> Option<Next> {
    if directory.left(institution).is_some() {
        return None;
    }
    let waits = unsaid(directory, institution, channel, now);
    let newest = directory.sendings().lane(institution, channel).and_then(Lane::newest);
    let number = newest.map_or(0, |newest| newest.number);
    let tellings = || -> Vec<Telling> {
        let mut all: Vec<Telling> =
            waits.iter().map(|((about, over), at)| Telling { about: *about, at: *at, over: *over }).collect();
        // Whom to look for comes before what is over.
        all.sort_by_key(|telling| (telling.over, telling.at, telling.about));
        all.truncate(ALERTS_MAX);
        all
    };
    let Some(open) = newest.filter(|newest| newest.is_open()) else {
        let last = newest.map(|newest| match newest.state {
            SendState::Sent { at } | SendState::Unsent { at, .. } => at,
            _ => now,
        });
        let first = waits.values().min()?;
        let soon = last.map_or(i64::MIN, |last| last.micros() + APART_US);
        // An emergency access waits for no company.
        let is_urgent = waits.keys().any(|(about, _)| about.emergency().is_some());
        let gathered = if is_urgent { i64::MIN } else { first.micros() + GATHER_US };
        let due = now.micros() >= soon.max(gathered);
        let state = SendState::Waiting { next: now, why: SendFault::Silent };
        let message = Sending {
            institution,
            channel,
            number: number + 1,
            tellings: tellings(),
            begun: now,
            tries: 0,
            state,
        };
        return due.then_some(Next { given_up: None, message: Some(message), send: true });
    };
    let (at, why) = match open.state {
        SendState::Trying { until, .. } if until > now => return None,
        SendState::Trying { .. } => (now, SendFault::Interrupted),
        SendState::Waiting { next, why } => (next, why),
        SendState::Sent { .. } | SendState::Unsent { .. } => return None,
    };
    if is_old(open, now) {
        return Some(Next { given_up: Some((open.clone(), why)), message: None, send: false });
    }
    let gone: BTreeSet<(About, bool)> = open
        .tellings
        .iter()
        .map(|telling| (telling.about, telling.over))
        .filter(|telling| !waits.contains_key(telling))
        .collect();
    if gone.is_empty() {
        let message = Sending { tellings: tellings(), ..open.clone() };
        return (at <= now).then_some(Next { given_up: None, message: Some(message), send: true });
    }
    let mut given_up = open.clone();
    given_up.tellings.retain(|telling| gone.contains(&(telling.about, telling.over)));
    let rest = tellings();
    let message = (!rest.is_empty()).then(|| Sending {
        number: number + 1,
        tellings: rest,
        state: SendState::Waiting { next: at, why },
        ..open.clone()
    });
    let why = if why == SendFault::Interrupted { why } else { SendFault::Over };
    Some(Next { given_up: Some((given_up, why)), send: message.is_some() && at <= now, message })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_quarter_of_an_hour_and_are_spread() {
        let seconds = |tries, chance| pause(tries, chance) / 1_000_000;
        assert_eq!([1, 2, 3, 6, 40].map(|tries| seconds(tries, 0)), [15, 30, 60, 450, 450]);
        assert_eq!(seconds(1, 999), 29);
        assert!((0..5_000).all(|chance| (450..=900).contains(&seconds(9, chance))));
    }
}
