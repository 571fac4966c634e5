//! What is told about whereabouts, in the log before anybody sees it: told, taken in hand by a person, found, over.
//!
//! Several nodes over one database come to the same alerts; what another has told already is not told twice.

use super::{BoardAsk, Whereabouts, show};
use crate::{
    Exchange,
    directory::{
        Directory,
        alerts::{self, AlertId, Alerted, Remark, RemarkId, Said, Step},
        change::{Change, PersonUuid},
    },
    notices::Outgoing,
    office::{Acting, Actor, LawError},
    projection::look,
    shared::Shared,
    submit_with,
    types::NotAllowed,
    writer::{Work, WriteFault},
};
use commonroll_core::{Invalid, SchoolDate, Timestamp, record::Text};
use commonroll_views::whereabouts::{Alert, AlertKey, Id, Notify, What};
use std::{collections::BTreeMap, sync::Arc};

/// The entry by which refusals are counted.
pub(super) const REFUSED: &str = "alert.refused";
/// Most characters of a remark, or of where a learner was found.
pub(super) const WORDS: usize = 300;
/// So often it can be taken back that the learner of one alert was found: each time everybody is told anew.
const UNDONE_MAX: usize = 5;
/// Alerts in one job of the writer at most.
const ALERTS_AT_ONCE: usize = 200;

/// The learner whom an alert is about, and in which lesson.
pub(super) const fn learner_of(key: &AlertKey) -> Option<Id> {
    match key {
        AlertKey::Unaccounted(id) | AlertKey::LeftEarly(id) => Some(*id),
        AlertKey::Register { .. }
        | AlertKey::ClassCancelled { .. }
        | AlertKey::SourceSilent { .. }
        | AlertKey::Misfit { .. } => None,
    }
}

pub(super) fn site_of(key: &AlertKey) -> u16 {
    match key {
        AlertKey::Unaccounted(id) | AlertKey::LeftEarly(id) => id.site,
        AlertKey::Register { site, .. }
        | AlertKey::ClassCancelled { site, .. }
        | AlertKey::SourceSilent { site } => *site,
        AlertKey::Misfit { finding, .. } => finding.between()[1],
    }
}

/// Whom an alert was told, as the board names them.
pub(super) fn told_to(alert: &Alerted, key: &AlertKey) -> Vec<Notify> {
    let site = site_of(key);
    let notify = |number: u16| if number == site { Notify::Host(number) } else { Notify::Home(number) };
    alert.told.iter().map(|(number, _)| notify(*number)).collect()
}

/// What there is to say, less what later words replaced: of each alert that it is over, that it is told, or that it was over
/// and is told anew. In the order in which it was first spoken of.
fn in_order(said: Vec<What>) -> Vec<What> {
    let mut order: Vec<AlertKey> = Vec::new();
    let mut newest: BTreeMap<AlertKey, (bool, Option<Alert>)> = BTreeMap::new();
    for what in said {
        let key = match &what {
            What::Tell(alert) => alert.key,
            What::Over(key) => *key,
        };
        let (over, told) = newest.entry(key).or_insert_with(|| {
            order.push(key);
            (false, None)
        });
        match (what, told.as_mut()) {
            (What::Over(_), _) => (*over, *told) = (true, None),
            (What::Tell(alert), None) => *told = Some(alert),
            (What::Tell(alert), Some(before)) => {
                let more = alert.to.into_iter().filter(|to| !before.to.contains(to)).collect::<Vec<_>>();
                before.to.extend(more);
                before.repeated = before.repeated.max(alert.repeated);
            }
        }
    }
    let words = order.into_iter().flat_map(|key| {
        let (over, told) = newest.remove(&key).unwrap_or_default();
        over.then_some(What::Over(key)).into_iter().chain(told.map(What::Tell))
    });
    words.collect()
}

/// Makes durable what the board has to tell, in its order; gives back what could not be written now. Of one alert nothing is
/// written behind words of it that were not.
pub(super) async fn say(shared: &Arc<Shared>, said: Vec<What>, now: Timestamp) -> Vec<What> {
    let said = in_order(said);
    for (part, some) in (0..).zip(said.chunks(ALERTS_AT_ONCE)) {
        let words = some.to_vec();
        let written = submit_with(shared, "hub", now, move |work: &mut Work<'_>| {
            for what in &words {
                match what {
                    What::Tell(alert) => tell(work, alert, now),
                    What::Over(key) => over(work, key, now),
                }
            }
        });
        if let Err(WriteFault) = written.await {
            let unsaid = said[part * ALERTS_AT_ONCE..].to_vec();
            tracing::error!(
                count = unsaid.len(),
                "alerts could not be written to the log; they are tried again"
            );
            return unsaid;
        }
    }
    Vec::new()
}

/// Nothing if it was told already, by another node or before a start. Who is concerned only now is always told, whoever else
/// has it in hand.
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
            again: None,
            in_hand: None,
            hands: Vec::new(),
            found: None,
            undone: directory.alerts().get(id).map_or_else(Vec::new, |before| before.undone.clone()),
            over: None,
            step: None,
        },
        Some(held) if held.found.is_some() => return,
        Some(held) => held.clone(),
    };
    let known = alerted.told.len();
    for to in &alert.to {
        if !alerted.told.iter().any(|(told, _)| *told == to.number()) {
            alerted.told.push((to.number(), now));
        }
    }
    let hands = alerted.handled_by();
    let waits = |to: &Notify| !hands.contains(&to.number());
    let again = alert.repeated > alerted.repeated && alert.to.iter().any(waits);
    if open.is_some() && alerted.told.len() == known && !again {
        return;
    }
    if again && open.is_some() {
        alerted.again = Some(now);
    }
    (alerted.repeated, alerted.last) = (alerted.repeated.max(alert.repeated), now);
    make(work, alerted, Step::Told, serde_json::json!({}));
}

fn over(work: &mut Work<'_>, key: &AlertKey, now: Timestamp) {
    let held = work.planner.directory.alerts().get(AlertId::of(key)).filter(|held| held.over.is_none());
    let Some(mut alerted) = held.cloned() else { return };
    alerted.over = Some(now);
    make(work, alerted, Step::Over, serde_json::json!({}));
}

/// The school date of an alert, where it happens.
fn date_at(directory: &Directory, key: &AlertKey, now: Timestamp) -> SchoolDate {
    let zone = directory.institution(site_of(key)).map(|state| state.zone.clone());
    now.date_in(&zone.unwrap_or(jiff::tz::TimeZone::UTC))
}

/// Plans what a person wrote of an alert, if they wrote anything.
pub(super) fn remark(
    work: &mut Work<'_>,
    of: RemarkId,
    date: SchoolDate,
    words: &Text,
    mut more: serde_json::Value,
) {
    if !words.is_empty() {
        more["alert"] = of.alert.to_string().into();
        more["learner"] = alerts::learner_of(of.alert).into();
        let remark = Remark { of, date, words: words.as_str().to_owned() };
        put(work, Change::Remark { remark: Box::new(remark) }, more);
    }
}

/// Plans an alert as it is from now on; its entry says what it is about, in numbers, and who was told.
pub(super) fn make(work: &mut Work<'_>, mut alerted: Alerted, step: Step, more: serde_json::Value) {
    alerted.step = Some(step);
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
    if let Some(learner) = alerts::learner_of(alerted.id) {
        said["learner"] = learner.into();
    }
    put(work, Change::Alert { alert: Box::new(alerted) }, said);
}

/// Plans a change with an entry of its own: one job may say something of many alerts.
fn put(work: &mut Work<'_>, change: Change, more: serde_json::Value) {
    work.planner.directory.apply(&change);
    work.outgoing.push(Outgoing::Alert { change, more });
}

impl Exchange {
    /// A person takes an alert in hand for their institution, which is not told of it again; others still are. In force when the
    /// call returns; `remark` may be empty.
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
        self.answer_alert(acting, alert, words, now, Step::Taken).await
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
        self.answer_alert(acting, alert, words, now, Step::Found).await
    }

    async fn answer_alert(
        &self,
        acting: Acting<'_>,
        alert: AlertId,
        words: Text,
        now: Timestamp,
        step: Step,
    ) -> Result<(), LawError> {
        let on_board = self.shared.views.get().is_some_and(|views| {
            let directory = self.shared.directory();
            let whereabouts = look(&views.whereabouts);
            on_board(&directory, &whereabouts, acting, alert, now)
        });
        if !on_board {
            return Err(self.turned_away(acting, REFUSED, now, NotAllowed::Denied));
        }
        let actor = acting.owned();
        let done = self.act(acting, REFUSED, now, move |work: &mut Work<'_>| {
            let directory = &*work.planner.directory;
            may_still(directory, &actor, alert, now)?;
            let held = directory.alerts().get(alert).ok_or(NotAllowed::Denied)?;
            if !held.is_open() {
                return Err(LawError::State("this alert is over"));
            }
            let (own, found) = (actor.speaker.number, step == Step::Found);
            // It goes on standing: better looked for once more than lost to a word that was taken back so often.
            if found && held.undone.len() >= UNDONE_MAX {
                return Err(LawError::State(
                    "this learner was said to be found and not found 5 times; take it in hand and ring each other, it ends with the register",
                ));
            }
            if !found && held.hand_of(own).is_some() {
                return Err(LawError::State("your institution has this in hand already"));
            }
            let (mut alerted, more) = (held.clone(), actor.speaker.more(actor.role));
            let by = PersonUuid(actor.id());
            let said = Said { by, role: actor.role, institution: own, at: now, words: String::new() };
            match found {
                true => alerted.found = Some(said),
                false => alerted.hands.push(said),
            }
            let date = alerted.date;
            make(work, alerted, step, more.clone());
            let of = RemarkId { alert, institution: own, found, at: now };
            remark(work, of, date, &words, more);
            Ok(())
        });
        let done = done.await;
        if let Some(views) = self.shared.views.get().filter(|_| done.is_ok()) {
            views.board_changes.send_modify(|turn| *turn += 1);
        }
        done
    }
}

/// True if the alert is about somebody or something that the person's board shows, and their institution was told.
pub(super) fn on_board(
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
        AlertKey::Misfit { finding, .. } => match finding.learner() {
            Some(learner) => shown(learner),
            None => BoardAsk::ALL.into_iter().any(|ask| show::could(directory, acting, ask, now)),
        },
    }
}

/// In the writer: the person still holds the role, and may still see the learner.
pub(super) fn may_still(
    directory: &Directory,
    actor: &Actor,
    alert: AlertId,
    now: Timestamp,
) -> Result<(), NotAllowed> {
    directory.in_role(actor.id(), actor.role)?;
    match alerts::learner_of(alert) {
        Some(learner) => {
            show::permit(directory, actor.acting(), learner, now).map(|_| ()).ok_or(NotAllowed::Denied)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn told(site: u16, to: &[u16], repeated: u32) -> What {
        let since = Timestamp::from_micros("since", 1_789_372_800_000_000).unwrap();
        let to = to.iter().map(|number| Notify::Home(*number)).collect();
        What::Tell(Alert { key: AlertKey::SourceSilent { site }, to, repeated, since })
    }

    const fn over(site: u16) -> What {
        What::Over(AlertKey::SourceSilent { site })
    }

    #[test]
    fn words_of_one_alert_that_could_not_be_said_are_said_in_order_and_only_the_newest() {
        let all = vec![told(1, &[5], 0), told(2, &[5], 0), told(1, &[6], 0), told(1, &[5, 6], 1)];
        assert_eq!(in_order(all), [told(1, &[5, 6], 1), told(2, &[5], 0)], "everybody is told, once");
        let ended = vec![told(1, &[5], 0), told(2, &[5], 0), over(1)];
        assert_eq!(in_order(ended), [over(1), told(2, &[5], 0)], "it never came back to life");
        let anew = vec![told(1, &[5], 3), over(1), told(1, &[6], 0)];
        assert_eq!(in_order(anew.clone()), [over(1), told(1, &[6], 0)], "a new one, with a clock of its own");
        let both = anew.into_iter().chain([over(1), told(2, &[5], 0), over(2)]).collect();
        assert_eq!(in_order(both), [over(1), over(2)]);
    }
}
