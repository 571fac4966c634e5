//! What is told about whereabouts, in the log before anybody sees it: told, taken in hand by a person, found, over.
//!
//! Several nodes over one database come to the same alerts; what another has told already is not told twice.

use super::{Whereabouts, show};
use crate::{
    Exchange,
    directory::{
        Directory,
        alerts::{AlertId, Alerted, Said},
        change::{Change, PersonUuid},
    },
    office::{Acting, Actor, LawError},
    projection::lock,
    shared::Shared,
    submit_with,
    types::NotAllowed,
    writer::{Work, WriteFault},
};
use commonroll_core::{Invalid, SchoolDate, Timestamp, record::Text};
use commonroll_views::whereabouts::{Alert, AlertKey, Id, Notify, What};
use std::sync::Arc;
use tokio::task::JoinSet;

/// Most characters of a remark, or of where a learner was found.
const WORDS: usize = 300;

/// The learner whom an alert is about, and in which lesson.
pub(super) const fn learner_of(key: &AlertKey) -> Option<Id> {
    match key {
        AlertKey::Unaccounted(id) | AlertKey::LeftEarly(id) => Some(*id),
        AlertKey::Register { .. } | AlertKey::ClassCancelled { .. } | AlertKey::SourceSilent { .. } => None,
    }
}

pub(super) const fn site_of(key: &AlertKey) -> u16 {
    match key {
        AlertKey::Unaccounted(id) | AlertKey::LeftEarly(id) => id.site,
        AlertKey::Register { site, .. }
        | AlertKey::ClassCancelled { site, .. }
        | AlertKey::SourceSilent { site } => *site,
    }
}

/// Whom an alert was told, as the board names them.
pub(super) fn told_to(alert: &Alerted, key: &AlertKey) -> Vec<Notify> {
    let site = site_of(key);
    let notify = |number: u16| if number == site { Notify::Host(number) } else { Notify::Home(number) };
    alert.told.iter().map(|(number, _)| notify(*number)).collect()
}

const fn number_of(notify: Notify) -> u16 {
    match notify {
        Notify::Host(number) | Notify::Home(number) => number,
    }
}

/// Makes durable what the board has to tell; gives back what could not be written now.
pub(super) async fn say(shared: &Arc<Shared>, said: Vec<What>, now: Timestamp) -> Vec<What> {
    let mut jobs = JoinSet::new();
    for what in said {
        let shared = shared.clone();
        jobs.spawn(async move {
            let plan = what.clone();
            let written = submit_with(&shared, "hub", now, move |work: &mut Work<'_>| match &plan {
                What::Tell(alert) => tell(work, alert, now),
                What::Over(key) => over(work, key, now),
            });
            written.await.map_err(|WriteFault| what)
        });
    }
    let mut unsaid = Vec::new();
    while let Some(done) = jobs.join_next().await {
        if let Ok(Err(what)) = done {
            unsaid.push(what);
        }
    }
    if !unsaid.is_empty() {
        tracing::error!(count = unsaid.len(), "alerts could not be written to the log; they are tried again");
    }
    unsaid
}

/// Nothing if it was told already, by another node or before a start.
fn tell(work: &mut Work<'_>, alert: &Alert, now: Timestamp) {
    let directory = &*work.planner.directory;
    let id = AlertId::of(&alert.key);
    let open = directory.alerts().get(id).filter(|held| held.over.is_none());
    let mut alerted = match open {
        None => Alerted {
            id,
            date: date_at(directory, &alert.key, now),
            since: alert.since,
            told: Vec::new(),
            last: now,
            repeated: 0,
            in_hand: None,
            found: None,
            over: None,
        },
        Some(held) if held.in_hand.is_some() || held.found.is_some() => return,
        Some(held) => held.clone(),
    };
    let new: Vec<u16> = alert.to.iter().map(|to| number_of(*to)).collect();
    let known = alerted.told.len();
    for number in new {
        if !alerted.told.iter().any(|(told, _)| *told == number) {
            alerted.told.push((number, now));
        }
    }
    if open.is_some() && alerted.told.len() == known && alert.repeated <= alerted.repeated {
        return;
    }
    (alerted.repeated, alerted.last) = (alerted.repeated.max(alert.repeated), now);
    make(work, alerted, serde_json::json!({}));
}

fn over(work: &mut Work<'_>, key: &AlertKey, now: Timestamp) {
    let held = work.planner.directory.alerts().get(AlertId::of(key)).filter(|held| held.over.is_none());
    let Some(mut alerted) = held.cloned() else { return };
    alerted.over = Some(now);
    make(work, alerted, serde_json::json!({}));
}

/// The school date of an alert, where it happens.
fn date_at(directory: &Directory, key: &AlertKey, now: Timestamp) -> SchoolDate {
    let zone = directory.institution(site_of(key)).map(|state| state.zone.clone());
    now.date_in(&zone.unwrap_or(jiff::tz::TimeZone::UTC))
}

/// Plans an alert as it is from now on; its entry says what it is about, in numbers, and who was told.
fn make(work: &mut Work<'_>, alerted: Alerted, more: serde_json::Value) {
    let directory = &*work.planner.directory;
    let slug = |number: u16| directory.institution(number).map(|state| state.info.slug.to_string());
    let mut said = more;
    let key = alerted.id.key();
    said["alert"] = alerted.id.to_string().into();
    said["about"] = alerted.id.sort().into();
    said["since_us"] = alerted.since.micros().into();
    said["site"] = key.as_ref().map(site_of).and_then(slug).into();
    said["told"] = alerted.told.iter().filter_map(|(number, _)| slug(*number)).collect::<Vec<_>>().into();
    said["repeated"] = alerted.repeated.into();
    if let Some(id) = key.as_ref().and_then(learner_of) {
        said["learner"] = id.learner.into();
    }
    work.more = said;
    work.planner.make(Change::Alert { alert: Box::new(alerted) });
}

impl Exchange {
    /// A person takes an alert in hand: it is not told again. In force when the call returns; `remark` may be empty.
    ///
    /// # Errors
    /// [`LawError`]: alike for an alert that is not there and one that is not on the person's board.
    pub async fn take_in_hand(
        &self,
        acting: Acting<'_>,
        alert: AlertId,
        remark: &str,
        now: Timestamp,
    ) -> Result<(), LawError> {
        let words = Text::parse("remark", remark, WORDS)?;
        self.answer_alert(acting, alert, words, now, |alerted, said| alerted.in_hand = Some(said)).await
    }

    /// A person found the learner of an alert, and says where. It is over then.
    ///
    /// # Errors
    /// As for [`Exchange::take_in_hand`], and if the alert is not about a learner.
    pub async fn found(
        &self,
        acting: Acting<'_>,
        alert: AlertId,
        place: &str,
        now: Timestamp,
    ) -> Result<(), LawError> {
        let words = Text::parse("where", place, WORDS)?;
        if words.is_empty() {
            return Err(Invalid::new("where", "must say in 1 to 300 characters where the learner is").into());
        }
        if alert.key().as_ref().and_then(learner_of).is_none() {
            return Err(LawError::State("this alert is about no learner; it ends by itself"));
        }
        self.answer_alert(acting, alert, words, now, |alerted, said| alerted.found = Some(said)).await
    }

    async fn answer_alert(
        &self,
        acting: Acting<'_>,
        alert: AlertId,
        words: Text,
        now: Timestamp,
        answer: impl Fn(&mut Alerted, Said) + Send + 'static,
    ) -> Result<(), LawError> {
        let by = acting.speaker.by();
        let on_board = self.shared.views.get().is_some_and(|views| {
            let directory = self.shared.directory();
            let whereabouts = lock(&views.whereabouts);
            on_board(&directory, &whereabouts, acting, alert, now)
        });
        if !on_board {
            self.refused(&by, "alert.refused", "");
            return Err(NotAllowed::Denied.into());
        }
        let actor = acting.owned();
        let done = submit_with(&self.shared, &by, now, move |work: &mut Work<'_>| {
            let directory = &*work.planner.directory;
            may_still(directory, &actor, alert, now)?;
            let held = directory.alerts().get(alert).ok_or(NotAllowed::Denied)?;
            if !held.is_open() {
                return Err(LawError::State("this alert is over"));
            }
            let mut alerted = held.clone();
            let said = Said {
                by: PersonUuid(actor.id()),
                role: actor.role,
                institution: actor.speaker.number,
                at: now,
                words: words.as_str().to_owned(),
            };
            answer(&mut alerted, said);
            make(work, alerted, actor.speaker.more(actor.role));
            Ok(())
        });
        let done = done.await.map_err(|_| LawError::Unavailable)?;
        if let Err(LawError::NotAllowed(_)) = &done {
            self.refused(&by, "alert.refused", "");
        }
        if let Some(views) = self.shared.views.get().filter(|_| done.is_ok()) {
            views.board_changes.send_modify(|turn| *turn += 1);
        }
        done
    }
}

/// True if the alert is about somebody or something that the person's board shows, and their institution was told.
fn on_board(
    directory: &Directory,
    whereabouts: &Whereabouts,
    acting: Acting<'_>,
    alert: AlertId,
    now: Timestamp,
) -> bool {
    let (Some(key), Some(held)) = (alert.key(), directory.alerts().get(alert)) else { return false };
    let told = held.told.iter().any(|(number, _)| *number == acting.speaker.number);
    let shown = |learner: u32| show::permit(directory, acting, learner, now).is_some();
    told && match key {
        AlertKey::Unaccounted(id) | AlertKey::LeftEarly(id) => shown(id.learner),
        AlertKey::Register { site, lesson } => {
            whereabouts.expected_at(site, Some(lesson), acting.speaker.number).any(shown)
        }
        AlertKey::ClassCancelled { site, lesson, .. } => {
            whereabouts.expected_at(site, Some(lesson), acting.speaker.number).any(shown)
        }
        AlertKey::SourceSilent { site } => {
            whereabouts.expected_at(site, None, acting.speaker.number).any(shown)
        }
    }
}

/// In the writer: the person still holds the role, and may still see the learner.
fn may_still(directory: &Directory, actor: &Actor, alert: AlertId, now: Timestamp) -> Result<(), NotAllowed> {
    directory.in_role(actor.id(), actor.role)?;
    match alert.key().as_ref().and_then(learner_of) {
        Some(id) => {
            show::permit(directory, actor.acting(), id.learner, now).map(|_| ()).ok_or(NotAllowed::Denied)
        }
        None => Ok(()),
    }
}

impl Whereabouts {
    /// Learners expected at a site, in one lesson or in any, who are an institution's own or visit it.
    pub(super) fn expected_at(
        &self,
        site: u16,
        lesson: Option<u64>,
        institution: u16,
    ) -> impl Iterator<Item = u32> + '_ {
        let low = Id { site, lesson: lesson.unwrap_or(0), learner: 0 };
        let high = Id { site, lesson: lesson.unwrap_or(u64::MAX), learner: u32::MAX };
        let of = self.expected.range(low..=high).map(|(_, of)| of);
        of.filter(move |of| of.home == institution || of.site == institution).map(|of| of.learner)
    }
}
