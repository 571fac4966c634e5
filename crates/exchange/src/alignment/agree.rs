//! Agreeing on a convention: one partner proposes, every other accepts, and the last answer settles it. Decided in the log's one
//! writer. A convention is a rule of the consortium: who may propose and approve rules may propose and accept it.

use crate::{
    Exchange,
    directory::{
        Directory,
        change::{Bytes16, Change, PersonUuid},
        conventions::{Convention, Spoke},
    },
    office::{self, Acting, Actor, LawError},
    types::NotAllowed,
    writer::Work,
};
use commonroll_core::{Invalid, SchoolDate, Timestamp, convention::Says};
use commonroll_policy::OfficeAct;

/// The entry by which refusals are counted.
const REFUSED: &str = "convention.refused";
/// Conventions of one partner that wait at most, that it proposes in a day at most, and that hold or wait at most.
const OPEN_MAX: usize = 20;
const DAY_MAX: usize = 20;
const ALL_MAX: usize = 2_000;
const DAY_US: i64 = 24 * 3_600_000_000;
/// Days ahead at most from which a convention may hold.
const AHEAD_MAX: i32 = 400;

const GONE: LawError = LawError::State("this has been decided meanwhile; open the page again");

pub(super) fn may_propose(directory: &Directory, acting: Acting<'_>) -> Result<(), NotAllowed> {
    let own = acting.speaker.institution();
    office::may(directory, acting, OfficeAct::ProposePolicy, Some(own), false).map(drop)
}

pub(super) fn may_answer(
    directory: &Directory,
    acting: Acting<'_>,
    one: &Convention,
) -> Result<(), NotAllowed> {
    // Where whoever had not answered has left, somebody who has says so once more, and settles it.
    let settles = missing(directory, one).is_empty();
    if !one.open() || (one.has_spoken(acting.speaker.number) && !settles) {
        return Err(NotAllowed::Denied);
    }
    let own = acting.speaker.institution();
    let second = one.proposed.person.0 != acting.speaker.id();
    office::may(directory, acting, OfficeAct::ApprovePolicy, Some(own), second).map(drop)
}

pub(super) fn may_take_back(
    directory: &Directory,
    acting: Acting<'_>,
    one: &Convention,
) -> Result<(), NotAllowed> {
    match one.open() && one.proposed.institution == acting.speaker.number {
        true => may_propose(directory, acting),
        false => Err(NotAllowed::Denied),
    }
}

/// Who has yet to answer: every partner that hasn't left and hasn't spoken.
pub(super) fn missing(directory: &Directory, one: &Convention) -> Vec<u16> {
    let there = (0u16..).zip(directory.institutions()).filter(|(_, state)| state.left.is_none());
    there.map(|(number, _)| number).filter(|number| !one.has_spoken(*number)).collect()
}

fn spoke(actor: &Actor, at: Timestamp) -> Spoke {
    Spoke { institution: actor.speaker.number, person: PersonUuid(actor.id()), role: actor.role, at }
}

/// What an entry says of it besides the change itself: who, for which institution, on what.
fn entry(one: &Convention, actor: &Actor) -> serde_json::Value {
    serde_json::json!({
        "topic": one.says.topic(), "version": one.version, "from": one.from, "role": actor.role,
        "institution": actor.speaker.institution(), "actor": format!("person:{}", actor.id()),
    })
}

impl Exchange {
    /// Proposes a convention, to hold from a day on once every other partner has accepted it. `id` must be fresh.
    ///
    /// # Errors
    /// [`LawError`]: for a day that is past or more than 400 days ahead, and while the same topic waits already.
    pub async fn propose_convention(
        &self,
        acting: Acting<'_>,
        (says, from): (Says, SchoolDate),
        (id, now): ([u8; 16], Timestamp),
    ) -> Result<(), LawError> {
        let says = says.check()?;
        let actor = acting.owned();
        let work = move |work: &mut Work<'_>| {
            let directory = &*work.planner.directory;
            may_propose(directory, actor.acting())?;
            let own = directory.institution(actor.speaker.number).ok_or(NotAllowed::Denied)?;
            let ahead = from.days() - now.date_in(&own.zone).days();
            if !(1..=AHEAD_MAX).contains(&ahead) {
                let rule = "must be a day from tomorrow on, at most 400 days ahead";
                return Err(Invalid::new("from", rule).into());
            }
            let known = directory.conventions();
            let topic = says.topic();
            if known.all().any(|one| one.open() && one.says.topic() == topic) {
                return Err(LawError::State("something on this waits already; let it be decided first"));
            }
            if known.standing(from).iter().any(|one| one.says == says) {
                return Err(LawError::State("exactly this is agreed already"));
            }
            let ours = || known.all().filter(|one| one.proposed.institution == actor.speaker.number);
            let lately = ours().filter(|one| one.proposed.at > now.plus_micros(-DAY_US));
            if ours().filter(|one| one.open()).count() >= OPEN_MAX || lately.count() >= DAY_MAX {
                return Err(LawError::State(
                    "your institution has proposed enough for now; let some be decided first",
                ));
            }
            if known.all().filter(|one| one.ended.is_none()).count() >= ALL_MAX {
                return Err(LawError::State("2,000 conventions hold or wait; take some back first"));
            }
            let version = known.next_version(&topic);
            let proposed = spoke(&actor, now);
            let mut one = Convention {
                id: Bytes16(id),
                says: says.clone(),
                version,
                from,
                proposed,
                accepted: Vec::new(),
                agreed: None,
                ended: None,
            };
            one.agreed = missing(directory, &one).is_empty().then_some(now);
            work.more = entry(&one, &actor);
            work.planner.make(Change::Convention { convention: Box::new(one) });
            Ok(())
        };
        self.act(acting, REFUSED, now, work).await
    }

    /// Accepts a convention for the own institution, or declines it; the last one to accept puts it in force from its day, or
    /// from the day after, if that is later.
    ///
    /// # Errors
    /// [`LawError`]: alike for one that isn't there and one that isn't the person's to answer.
    pub async fn answer_convention(
        &self,
        acting: Acting<'_>,
        id: [u8; 16],
        accept: bool,
        now: Timestamp,
    ) -> Result<(), LawError> {
        let actor = acting.owned();
        let work = move |work: &mut Work<'_>| {
            let directory = &*work.planner.directory;
            let held = directory.conventions().get(&id).ok_or(NotAllowed::Denied)?;
            if !held.open() {
                return Err(GONE);
            }
            let mut one = held.clone();
            match accept {
                true => {
                    may_answer(directory, actor.acting(), held)?;
                    if !one.has_spoken(actor.speaker.number) {
                        one.accepted.push(spoke(&actor, now));
                    }
                    if missing(directory, &one).is_empty() {
                        one.agreed = Some(now);
                        let zone = directory.institution(one.proposed.institution).map(|s| &s.zone);
                        let today = zone.map_or(one.from, |zone| now.date_in(zone));
                        let next = SchoolDate::from_days(today.days() + 1).unwrap_or(one.from);
                        one.from = one.from.max(next);
                    }
                }
                false => {
                    let own = may_take_back(directory, actor.acting(), held);
                    own.or_else(|_| may_answer(directory, actor.acting(), held))?;
                    one.ended = Some(spoke(&actor, now));
                }
            }
            work.more = entry(&one, &actor);
            work.planner.make(Change::Convention { convention: Box::new(one) });
            Ok(())
        };
        self.act(acting, REFUSED, now, work).await
    }
}
