//! Readiness unlocks kinds of record step by step, where partners agreed so: what is asked for, who is there, and who decided.
//!
//! The condition is agreed by all partners as a convention. When a partner meets it, somebody of it proposes to unlock, with
//! the figures; somebody of another partner agrees, and the partner's records of that kind flow from that day on. Locking again
//! takes one person of any partner, and words. No figure unlocks or locks anything by itself.

use super::allowed;
use crate::{
    Exchange,
    directory::{
        Directory,
        change::{Bytes16, Change, PersonUuid},
        conventions::Spoke,
        unlocks::{Condition, Evidence, LockedAgain, Unlock},
    },
    office::{self, Acting, Actor, LawError},
    projection::feed,
    reading::ReadError,
    shared::Shared,
    types::NotAllowed,
    writer::Work,
};
use commonroll_core::{Invalid, RecordKind, SchoolDate, Slug, Timestamp, is_direction_mark};
use commonroll_policy::OfficeAct;
use commonroll_views::readiness::DayMet;

const SHOWN: &str = "steps.shown";
const REFUSED: &str = "unlock.refused";
/// Days after which the figures of a proposal are too old to agree on.
const FRESH_DAYS: i32 = 14;
/// Proposals to unlock one kind of a partner in one day.
const DAY_MAX: u32 = 5;
const WORDS_MAX: usize = 200;

const GONE: LawError = LawError::State("this has been decided meanwhile; open the page again");

/// How a partner stands with a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepStands {
    /// It isn't unlocked.
    Locked,
    /// Somebody of it proposed to unlock it: when, and on what.
    Proposed(Timestamp, Evidence),
    /// It flows since a day: on what, and the partner that agreed, by name.
    Unlocked(SchoolDate, Evidence, String),
    /// It was locked again from a day: by whom, by name, and why.
    Again(SchoolDate, String, String),
}

/// One partner and one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepOf {
    /// Which.
    pub slug: Slug,
    /// Its name.
    pub name: String,
    /// How it stands.
    pub stands: StepStands,
    /// The newest school days in a row that meet the condition, up to as many as it asks for.
    pub met: u32,
    /// The proposal that waits.
    pub proposal: Option<[u8; 16]>,
    /// What the asker may do: propose to unlock, agree to it, take it back, lock it again.
    pub may: StepMay,
}

/// What somebody may do about a step now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StepMay {
    /// Propose to unlock it.
    pub propose: bool,
    /// Agree to a proposal or decline it.
    pub answer: bool,
    /// Take a proposal back.
    pub take_back: bool,
    /// Lock it again.
    pub lock: bool,
}

/// One kind of record that needs to be unlocked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepSeen {
    /// Which.
    pub kind: RecordKind,
    /// What is asked for.
    pub condition: Condition,
    /// The partners, in the order of their names.
    pub partners: Vec<StepOf>,
}

/// Steps as somebody may see them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StepsSeen {
    /// Kinds that need to be unlocked; none where partners agreed on no condition.
    pub steps: Vec<StepSeen>,
    /// True if the asker may propose a condition.
    pub may_propose: bool,
}

/// The kinds that can need to be unlocked.
pub const STEP_KINDS: [RecordKind; 2] = [RecordKind::Assessment, RecordKind::Behaviour];

impl Exchange {
    /// How partners stand with the kinds that need to be unlocked: all of them for whoever compares partners, else the own one.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn steps(&self, acting: Acting<'_>, now: Timestamp) -> Result<StepsSeen, ReadError> {
        let views = self.shared.views.get().ok_or(ReadError::Unavailable)?;
        let may_propose = {
            let directory = self.shared.directory();
            let may_propose = may(&directory, acting, OfficeAct::ProposePolicy, false);
            let today = today(&directory, acting.speaker.number, now);
            if !STEP_KINDS.into_iter().any(|kind| asked_for(&directory, kind, today).is_some()) {
                return Ok(StepsSeen { steps: Vec::new(), may_propose });
            }
            may_propose
        };
        let make = |shared: &Shared| {
            let own = acting.speaker.institution();
            let of = allowed(shared, acting, None).or_else(|_| allowed(shared, acting, Some(own)));
            let (partners, policy, reason) = of?;
            let mut view = feed(&views.readiness);
            let directory = shared.directory();
            let steps = STEP_KINDS.into_iter().filter_map(|kind| {
                let condition = asked_for(&directory, kind, today(&directory, acting.speaker.number, now))?;
                let each = partners.iter().map(|(number, slug, name)| {
                    let today = today(&directory, *number, now);
                    let met = in_a_row(condition, &view.school_days(*number, today));
                    let named = (*number, slug.clone(), name.clone());
                    step(&directory, acting, named, (kind, today, met >= condition.days), met)
                });
                Some(StepSeen { kind, condition, partners: each.collect() })
            });
            let steps = steps.collect();
            let entry = serde_json::json!({
                "role": acting.role, "purpose": "administration", "institution": own,
                "policy": policy, "policies": [&reason],
            });
            Ok((StepsSeen { steps, may_propose }, (SHOWN, entry)))
        };
        self.page_apart(acting, ("readiness.slowed", "readiness.refused"), now, make).await
    }

    /// Proposes to unlock a kind for the own institution, on the figures of its last school days. `id` must be fresh.
    ///
    /// # Errors
    /// [`LawError`]: while the figures aren't there, nothing is locked, or a proposal waits.
    pub async fn propose_unlock(
        &self,
        acting: Acting<'_>,
        kind: RecordKind,
        (id, now): ([u8; 16], Timestamp),
    ) -> Result<(), LawError> {
        let number = acting.speaker.number;
        let (today, condition) = {
            let directory = self.shared.directory();
            let today = today(&directory, number, now);
            (today, locked(&directory, number, kind, today))
        };
        let evidence = match condition {
            Some(condition) => self.evidence(number, condition, today),
            None => Err(LawError::State("this kind is not locked for your institution")),
        };
        let actor = acting.owned();
        let work = move |work: &mut Work<'_>| {
            let directory = &*work.planner.directory;
            if !may(directory, actor.acting(), OfficeAct::ProposePolicy, false) {
                return Err(NotAllowed::Denied.into());
            }
            let evidence = evidence.clone()?;
            let condition = locked(directory, number, kind, today).ok_or(GONE)?;
            if (condition.points, condition.days) != (evidence.points, evidence.days) {
                return Err(GONE);
            }
            if directory.unlocks().of(number, kind).any(|one| waits(one, today)) {
                return Err(LawError::State("a proposal to unlock this waits already"));
            }
            let of_day = 1 + proposed_on(directory, number, kind, now);
            if of_day > DAY_MAX {
                return Err(LawError::State("this was proposed 5 times today; propose it again tomorrow"));
            }
            let unlock = Unlock {
                id: Bytes16(id),
                institution: number,
                record: kind,
                evidence,
                proposed: spoke(&actor, now),
                agreed: None,
                ended: None,
                of_day,
            };
            work.more = entry(directory, &unlock, &actor);
            work.planner.make(Change::Unlock { unlock: Box::new(unlock) });
            Ok(())
        };
        self.act(acting, REFUSED, now, work).await
    }

    /// Agrees to another partner's unlock, or declines it; whoever proposed it takes it back. It holds from today.
    ///
    /// # Errors
    /// [`LawError`]: alike for one that isn't there and one that isn't the person's to answer; and for figures that are older
    /// than 14 days.
    pub async fn answer_unlock(
        &self,
        acting: Acting<'_>,
        id: [u8; 16],
        agree: bool,
        now: Timestamp,
    ) -> Result<(), LawError> {
        let actor = acting.owned();
        let work = move |work: &mut Work<'_>| {
            let directory = &*work.planner.directory;
            let held = directory.unlocks().get(&id).ok_or(NotAllowed::Denied)?;
            let mine = may_answer(directory, actor.acting(), held);
            let back = !agree && may_take_back(directory, actor.acting(), held);
            if !mine && !back {
                return Err(NotAllowed::Denied.into());
            }
            if !held.open() {
                return Err(GONE);
            }
            let today = today(directory, held.institution, now);
            let mut unlock = held.clone();
            if agree {
                if today.days() - unlock.evidence.last.days() > FRESH_DAYS {
                    return Err(LawError::State(
                        "the figures are older than 14 days; let it be proposed again",
                    ));
                }
                let asked = locked(directory, unlock.institution, unlock.record, today).ok_or(GONE)?;
                if unlock.evidence.points < asked.points || unlock.evidence.days < asked.days {
                    return Err(LawError::State(
                        "partners have agreed on another condition since; let it be proposed again",
                    ));
                }
                unlock.agreed = Some((spoke(&actor, now), today));
            } else {
                let words = String::new();
                unlock.ended = Some(LockedAgain { by: spoke(&actor, now), words, from: today });
            }
            work.more = entry(directory, &unlock, &actor);
            work.planner.make(Change::Unlock { unlock: Box::new(unlock) });
            Ok(())
        };
        self.act(acting, REFUSED, now, work).await
    }

    /// Locks a partner's kind again from today on, with the reason in words. What was handed out stays where it is.
    ///
    /// # Errors
    /// [`LawError`].
    pub async fn lock_again(
        &self,
        acting: Acting<'_>,
        (of, kind): (&Slug, RecordKind),
        words: &str,
        now: Timestamp,
    ) -> Result<(), LawError> {
        let words = words.trim().to_owned();
        let odd = |c: char| c.is_control() || is_direction_mark(c);
        if words.is_empty() || words.chars().count() > WORDS_MAX || words.chars().any(odd) {
            return Err(Invalid::new("words", "must say why, in one line of at most 200 characters").into());
        }
        let (actor, of) = (acting.owned(), of.clone());
        let work = move |work: &mut Work<'_>| {
            let directory = &*work.planner.directory;
            let number = directory.number_of(&of).filter(|_| may_lock(directory, actor.acting()));
            let number = number.ok_or(NotAllowed::Denied)?;
            let today = today(directory, number, now);
            let held =
                directory.unlocks().of(number, kind).find(|one| one.agreed.is_some() && one.ended.is_none());
            let mut unlock = held.ok_or(GONE)?.clone();
            unlock.ended = Some(LockedAgain { by: spoke(&actor, now), words: words.clone(), from: today });
            work.more = entry(directory, &unlock, &actor);
            work.planner.make(Change::Unlock { unlock: Box::new(unlock) });
            Ok(())
        };
        self.act(acting, REFUSED, now, work).await
    }

    /// The figures of an institution's last school days, if they are what is asked for.
    fn evidence(&self, number: u16, condition: Condition, today: SchoolDate) -> Result<Evidence, LawError> {
        let views = self.shared.views.get().ok_or(LawError::Unavailable)?;
        let mut view = feed(&views.readiness);
        if !view.as_of().0 {
            return Err(LawError::State("the hub is still reading its log; try again in a moment"));
        }
        let days = view.school_days(number, today);
        if in_a_row(condition, &days) < condition.days {
            return Err(LawError::State(
                "the figures aren't there yet: not every one of the last school days meets the condition",
            ));
        }
        if !view.is_settled(number, today) {
            return Err(LawError::State("the newest figures are still worked out; try again in a moment"));
        }
        let counted = days.get(..condition.days as usize).unwrap_or(&days);
        let (Some(last), Some(first)) = (counted.first(), counted.last()) else {
            return Err(LawError::State("no school day is known yet"));
        };
        let least = |of: fn(&DayMet) -> u32| counted.iter().map(of).min().unwrap_or(0);
        let few = counted.iter().any(|day| day.few);
        let lowest = (!few).then(|| (least(|day| day.complete), least(|day| day.on_time)));
        let Condition { points, days, .. } = condition;
        Ok(Evidence { points, days, first: first.date, last: last.date, lowest })
    }
}

/// What is asked for of a kind: the strictest that holds today or will.
fn asked_for(directory: &Directory, kind: RecordKind, today: SchoolDate) -> Option<Condition> {
    let last = SchoolDate::from_days(today.days() + 400).unwrap_or(today);
    directory.unlocks().asked(kind, (today, last))
}

/// What is asked of a partner that isn't unlocked: whoever meets it before it holds may be unlocked before.
fn locked(directory: &Directory, number: u16, kind: RecordKind, today: SchoolDate) -> Option<Condition> {
    let asked = asked_for(directory, kind, today)?;
    directory.unlocks().lock(number, kind, today.max(asked.from)).map(|_| asked)
}

/// True while somebody can still agree to it: its figures are young enough.
fn waits(one: &Unlock, today: SchoolDate) -> bool {
    one.open() && today.days() - one.evidence.last.days() <= FRESH_DAYS
}

/// How often it was proposed today to unlock a partner's kind.
fn proposed_on(directory: &Directory, number: u16, kind: RecordKind, now: Timestamp) -> u32 {
    let newest = directory.unlocks().of(number, kind).max_by_key(|one| one.proposed.at);
    let is_of_today =
        |one: &&Unlock| today(directory, number, one.proposed.at) == today(directory, number, now);
    newest.filter(is_of_today).map_or(0, |one| one.of_day.max(1))
}

fn today(directory: &Directory, number: u16, now: Timestamp) -> SchoolDate {
    let state = directory.institution(number);
    state.map_or_else(|| now.date_in(&jiff::tz::TimeZone::UTC), |state| now.date_in(&state.zone))
}

/// How many of the newest school days meet a condition, one after the other.
fn in_a_row(condition: Condition, days: &[DayMet]) -> u32 {
    let meets = |day: &&DayMet| day.complete >= condition.points && day.on_time >= condition.points;
    let row = days.iter().take(condition.days as usize).take_while(meets).count();
    u32::try_from(row).unwrap_or(0)
}

fn may(directory: &Directory, acting: Acting<'_>, act: OfficeAct, second: bool) -> bool {
    office::may(directory, acting, act, Some(acting.speaker.institution()), second).is_ok()
}

fn is_there(directory: &Directory, number: u16) -> bool {
    directory.institution(number).is_some_and(|state| state.left.is_none())
}

fn may_answer(directory: &Directory, acting: Acting<'_>, one: &Unlock) -> bool {
    let second = one.proposed.person.0 != acting.speaker.id();
    one.institution != acting.speaker.number
        && is_there(directory, acting.speaker.number)
        && second
        && may(directory, acting, OfficeAct::ApprovePolicy, second)
}

fn may_take_back(directory: &Directory, acting: Acting<'_>, one: &Unlock) -> bool {
    one.institution == acting.speaker.number && may(directory, acting, OfficeAct::ProposePolicy, false)
}

/// Narrowing is any partner's to do, by whoever may propose rules for it.
fn may_lock(directory: &Directory, acting: Acting<'_>) -> bool {
    is_there(directory, acting.speaker.number) && may(directory, acting, OfficeAct::ProposePolicy, false)
}

fn spoke(actor: &Actor, at: Timestamp) -> Spoke {
    Spoke { institution: actor.speaker.number, person: PersonUuid(actor.id()), role: actor.role, at }
}

/// What an entry says of it: who, for whom, which kind, on which figures.
fn entry(directory: &Directory, one: &Unlock, actor: &Actor) -> serde_json::Value {
    let of = directory.institution(one.institution).map(|state| state.info.slug.clone());
    serde_json::json!({
        "of": of, "kind": one.record, "points": one.evidence.points, "days": one.evidence.days,
        "first": one.evidence.first, "last": one.evidence.last, "role": actor.role,
        "institution": actor.speaker.institution(), "actor": format!("person:{}", actor.id()),
    })
}

fn step(
    directory: &Directory,
    acting: Acting<'_>,
    (number, slug, name): (u16, Slug, String),
    (kind, today, ready): (RecordKind, SchoolDate, bool),
    met: u32,
) -> StepOf {
    let named = |spoke: &Spoke| {
        directory.institution(spoke.institution).map_or_else(String::new, |state| state.info.name.clone())
    };
    let all = || directory.unlocks().of(number, kind);
    let open = all().find(|one| waits(one, today));
    let flows = all().find(|one| one.agreed.is_some() && one.ended.is_none());
    let again = all().filter(|one| one.agreed.is_some()).filter_map(|one| one.ended.as_ref());
    let again = again.max_by_key(|ended| ended.by.at);
    let stands = match (flows, open, again) {
        (Some(Unlock { agreed: Some((by, from)), evidence, .. }), ..) => {
            StepStands::Unlocked(*from, *evidence, named(by))
        }
        (_, Some(one), _) => StepStands::Proposed(one.proposed.at, one.evidence),
        (_, _, Some(ended)) => StepStands::Again(ended.from, named(&ended.by), ended.words.clone()),
        _ => StepStands::Locked,
    };
    let own = number == acting.speaker.number;
    let is_locked = locked(directory, number, kind, today).is_some();
    let may = StepMay {
        propose: own
            && is_locked
            && ready
            && open.is_none()
            && may(directory, acting, OfficeAct::ProposePolicy, false),
        answer: open.is_some_and(|one| may_answer(directory, acting, one)),
        take_back: open.is_some_and(|one| may_take_back(directory, acting, one)),
        lock: flows.is_some() && may_lock(directory, acting),
    };
    StepOf { slug, name, stands, met, proposal: open.map(|one| one.id.0), may }
}
