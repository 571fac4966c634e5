//! Which kinds of record partners send only once they are unlocked, and who is.
//!
//! The condition is a convention of all partners; without one nothing is locked. A partner is unlocked by two people of two
//! institutions, on figures that are kept with it, and locked again by one, with words: never by a figure alone. What decides is
//! the record's own school date, so that what was held back stays back. What was taken in before goes on being corrected and taken
//! back, whatever has been locked since.

use super::{
    change::Bytes16,
    codes::is_zero,
    conventions::{Convention, Spoke},
};
use commonroll_core::{RecordKind, SchoolDate, convention::Says};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc};

/// What partners agreed that must be so before a kind flows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Condition {
    /// Per cent of marks, and of registers, on each day.
    pub points: u32,
    /// School days.
    pub days: u32,
    /// From which school date records need it.
    pub from: SchoolDate,
}

/// The figures on which an unlock was proposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Per cent that were asked for.
    pub points: u32,
    /// School days on each of which they were there.
    pub days: u32,
    /// The first of them.
    pub first: SchoolDate,
    /// The last.
    pub last: SchoolDate,
    /// The lowest share of marks that came and of registers on time on any of them; `None` if too few learners stand behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lowest: Option<(u32, u32)>,
}

/// Who ended it, in their words, and from which school date.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockedAgain {
    /// Who.
    pub by: Spoke,
    /// Why; empty where a proposal was declined or taken back.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub words: String,
    /// First school date that is locked again.
    pub from: SchoolDate,
}

/// A partner's unlock of one kind, from its proposal on.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unlock {
    /// Which.
    pub id: Bytes16,
    /// Whose records.
    pub institution: u16,
    /// Which kind.
    pub record: RecordKind,
    /// On what.
    pub evidence: Evidence,
    /// Who of the institution proposed it.
    pub proposed: Spoke,
    /// Who of another one agreed, and the first school date that is unlocked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreed: Option<(Spoke, SchoolDate)>,
    /// Who ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<LockedAgain>,
    /// The how manieth of its day it is, of the partner's kind; 0 in older logs.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub of_day: u32,
}

/// Stretches that are over and remembered of a partner's kind. What is older is locked for whatever is new of then; what was taken
/// in goes on being corrected.
const OVER_MAX: usize = 200;

impl Unlock {
    /// The name of its newest step in the log.
    pub(super) const fn name(&self) -> &'static str {
        match (&self.ended, &self.agreed) {
            (Some(_), Some(_)) => "unlock.locked",
            (Some(ended), None) if ended.by.institution == self.institution => "unlock.taken_back",
            (Some(_), None) => "unlock.declined",
            (None, Some(_)) => "unlock.agreed",
            (None, None) => "unlock.proposed",
        }
    }

    /// True while it waits for a second person.
    pub const fn open(&self) -> bool {
        self.agreed.is_none() && self.ended.is_none()
    }

    /// True if it unlocks nothing, and never will.
    fn came_to_nothing(&self) -> bool {
        match (&self.agreed, &self.ended) {
            (None, Some(_)) => true,
            (Some((_, from)), Some(ended)) => ended.from <= *from,
            (_, None) => false,
        }
    }

    fn covers(&self, date: SchoolDate) -> bool {
        let begun = self.agreed.as_ref().is_some_and(|(_, from)| *from <= date);
        begun && self.ended.as_ref().is_none_or(|ended| date < ended.from)
    }
}

/// Every condition and every unlock.
#[derive(Clone, Default)]
pub struct Unlocks {
    /// By kind and version.
    conditions: BTreeMap<(u8, u32), Condition>,
    held: BTreeMap<[u8; 16], Arc<Unlock>>,
    /// The ids of a partner's kind.
    of: BTreeMap<(u16, u8), Vec<[u8; 16]>>,
}

impl Unlocks {
    /// Takes note of a convention, if it is a condition that everybody agreed on.
    pub(super) fn agreed(&mut self, convention: &Convention) {
        if let (Says::Unlock { kind, points, days }, Some(_), None) =
            (&convention.says, convention.agreed, &convention.ended)
        {
            let condition = Condition { points: *points, days: *days, from: convention.from };
            self.conditions.insert((*kind as u8, convention.version), condition);
        }
    }

    /// Takes an unlock as it is from now on. A newer proposal of a partner's kind stands in the place of what came to nothing
    /// before it, and of what nobody answered in time; in whichever order they are taken.
    pub(super) fn put(&mut self, unlock: Unlock) {
        let ids = self.of.entry((unlock.institution, unlock.record as u8)).or_default();
        if self.held.insert(unlock.id.0, Arc::new(unlock.clone())).is_none() {
            ids.push(unlock.id.0);
        }
        let held = |id: &[u8; 16]| self.held.get(id);
        let newest =
            ids.iter().filter_map(held).map(|one| one.proposed.at).max().unwrap_or(unlock.proposed.at);
        let is_past = |one: &Unlock| one.proposed.at < newest && (one.open() || one.came_to_nothing());
        let mut gone: Vec<[u8; 16]> = Vec::new();
        let mut over: Vec<(SchoolDate, [u8; 16])> = Vec::new();
        for one in ids.iter().filter_map(held) {
            match &one.ended {
                _ if is_past(one) => gone.push(one.id.0),
                Some(ended) => over.push((ended.from, one.id.0)),
                None => {}
            }
        }
        over.sort_unstable();
        gone.extend(over.iter().rev().skip(OVER_MAX).map(|(_, id)| *id));
        ids.retain(|id| !gone.contains(id));
        gone.iter().for_each(|id| drop(self.held.remove(id)));
    }

    /// The unlock with this id.
    pub fn get(&self, id: &[u8; 16]) -> Option<&Unlock> {
        self.held.get(id).map(Arc::as_ref)
    }

    /// Those of a partner's kind, in no order.
    pub fn of(&self, institution: u16, kind: RecordKind) -> impl Iterator<Item = &Unlock> {
        let ids = self.of.get(&(institution, kind as u8)).map_or(&[] as &[[u8; 16]], Vec::as_slice);
        ids.iter().filter_map(|id| self.get(id))
    }

    /// The condition that records of a kind need on a date; `None` where they need none.
    pub fn condition(&self, kind: RecordKind, date: SchoolDate) -> Option<Condition> {
        let versions = self.conditions.range((kind as u8, 0)..=(kind as u8, u32::MAX)).rev();
        let newest = versions.map(|(_, condition)| *condition).find(|condition| condition.from <= date);
        newest.filter(|condition| condition.points > 0)
    }

    /// The strictest that partners ask of whoever is unlocked on a date: of the condition that holds then and of every one that
    /// they have agreed on for the time until another. It begins with the first of them.
    pub fn asked(&self, kind: RecordKind, (today, last): (SchoolDate, SchoolDate)) -> Option<Condition> {
        let versions = self.conditions.range((kind as u8, 0)..=(kind as u8, u32::MAX));
        let later =
            versions.map(|(_, condition)| condition.from).filter(|from| today < *from && *from <= last);
        let holds = std::iter::once(today).chain(later).filter_map(|date| self.condition(kind, date));
        holds.reduce(|one, other| Condition {
            points: one.points.max(other.points),
            days: one.days.max(other.days),
            from: one.from.min(other.from),
        })
    }

    /// The condition that keeps a partner's records of a date back; `None` where they flow as agreements let them.
    pub fn lock(&self, source: u16, kind: RecordKind, date: SchoolDate) -> Option<Condition> {
        // Where nobody agreed on a condition, this is all that it costs.
        if self.conditions.is_empty() {
            return None;
        }
        self.condition(kind, date).filter(|_| !self.of(source, kind).any(|one| one.covers(date)))
    }
}
