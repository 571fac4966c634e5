//! What an institution has still to be told: alerts that nobody there has in hand, what is over, emergency accesses to its
//! learners' cards that it has not reviewed, and warnings to its data managers.

use crate::directory::{
    Directory,
    alerts::{AlertId, Alerted},
    change::{Bytes16, Emergency},
    sending::{About, Channel, Lane},
};
use commonroll_core::Timestamp;
use std::collections::BTreeMap;

/// So long it is still said that an alert is over, that an access was opened, or that data managers were warned: later nobody
/// looks for it any more.
const NEWS_US: i64 = 24 * 3_600_000_000;

/// What there is to tell: of what, and true if that it is over.
pub(super) type Unsaid = BTreeMap<(About, bool), Timestamp>;

/// What an institution was told, does not have in hand, and no message of the lane was about yet; what is over of which a
/// message of the lane has told; the accesses that were opened lately; and the warnings of the last day, which are for others than
/// those who look for learners.
pub(super) fn unsaid(directory: &Directory, institution: u16, channel: Channel, now: Timestamp) -> Unsaid {
    let lane = directory.sendings().lane(institution, channel);
    let told = |of: AlertId| lane.and_then(|lane| lane.outcome(About::Alert(of))).map(|outcome| outcome.told);
    let is_new = |at: Timestamp| now.micros() - at.micros() <= NEWS_US;
    let open = directory.alerts().not_over().filter(|alert| alert.is_open());
    let waits = open.filter(|alert| alert.hand_of(institution).is_none());
    let tell = waits
        .filter_map(|alert| Some((alert.id, alert.told_last(institution)?)))
        .filter(|(id, at)| told(*id).is_none_or(|told| told < *at))
        .map(|(id, at)| ((About::Alert(id), false), at));
    let is_awaited = |alert: &&Alerted| lane.is_some_and(|lane| lane.awaits_end(alert.id));
    let ended = directory.alerts().all().filter(|alert| !alert.is_open()).filter(is_awaited);
    let since = |alert: &Alerted| alert.found.as_ref().map(|found| found.at).or(alert.over);
    let over = ended
        .filter_map(|alert| Some(((About::Alert(alert.id), true), since(alert)?)))
        .filter(|(_, at)| is_new(*at));
    // Whoever opened one needs no mail about it: it is the home that doesn't know.
    let is_theirs = |one: &&Emergency| one.home == institution && is_new(one.opened);
    let accesses = directory.emergencies_to_review(institution).filter(is_theirs);
    let accesses = accesses
        .map(|one| (About::Emergency(Bytes16(one.id.0)), one.opened))
        .filter(|(about, _)| lane.and_then(|lane: &Lane| lane.outcome(*about)).is_none())
        .map(|(about, at)| ((about, false), at));
    let warnings = directory.warnings().to(institution).filter(|warning| is_new(warning.at));
    let warnings = warnings
        .map(|warning| (About::Warning(warning.id()), warning.at))
        .filter(|(about, _)| lane.and_then(|lane: &Lane| lane.outcome(*about)).is_none())
        .map(|(about, at)| ((about, false), at));
    let alerts = tell.chain(over).chain(accesses).filter(|_| channel.alerts());
    alerts.chain(warnings.filter(|_| channel.warns())).collect()
}
