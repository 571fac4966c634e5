//! An id of a home's own that stands for another child all at once: number and date of birth are both others than before.
//!
//! Everything that rests on the id (matches, placements, copies, what people may read) is about the child it stood for. So
//! nothing flows under it until a person of the home says whether both were corrected, or the id was given to another.

use super::{
    Side,
    change::{Bytes32, Change, PersonUuid},
    people::Person,
    plan::{Match, Planner},
    tokens::Tokens,
};
use commonroll_core::{LocalId, Role, Timestamp, directory::Registration};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

const DAY_US: i64 = 86_400_000_000;

/// Since when a home's id is in doubt, and by what the learner was known for whom it stood.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Doubt {
    /// Since when.
    pub since: Timestamp,
    /// What the hub matched that learner by.
    pub before: Tokens,
}

/// Learners whose home's id is in doubt: they have no home meanwhile, and nobody else becomes it.
#[derive(Clone, Default)]
pub struct Doubts(HashMap<u32, (u16, LocalId)>);

impl Doubts {
    /// Takes it that a home's id stands for this learner, or for nobody, and whether that is in doubt.
    pub(super) fn put(
        &mut self,
        home: (u16, &LocalId),
        before: Option<u32>,
        learner: Option<u32>,
        doubted: bool,
    ) {
        let is_it = |held: &(u16, LocalId)| (held.0, &held.1) == home;
        if let Some(before) = before.filter(|number| self.0.get(number).is_some_and(is_it)) {
            self.0.remove(&before);
        }
        // Whoever comes second takes nothing from the one whose id was in doubt before.
        if let Some(learner) = learner.filter(|_| doubted) {
            self.0.entry(learner).or_insert_with(|| (home.0, home.1.clone()));
        }
    }

    /// The home whose id for this learner is in doubt.
    pub fn home_of(&self, learner: u32) -> Option<&(u16, LocalId)> {
        self.0.get(&learner)
    }
}

impl Tokens {
    /// True if this is somebody else than the other by all that is known: no number is the same, one is another, and so is the
    /// date of birth. Different UCIs prove nothing.
    pub fn is_another(&self, other: &Self) -> bool {
        let differs = |one: Option<_>, other: Option<_>| one.is_some() && other.is_some() && one != other;
        let shared = self.numbers().any(|number| other.numbers().any(|held| held == number));
        !shared
            && (differs(self.uln, other.uln)
                || differs(self.upn, other.upn)
                || differs(self.temporary_upn, other.temporary_upn))
            && differs(self.birth, other.birth)
    }
}

impl Planner<'_> {
    /// Whether an id of a home's own is in doubt with such numbers and date of birth, and whether it stands for another child
    /// beyond doubt: whoever had it was declared as gone before, or is another's until both have settled whose they are. What
    /// rests on nothing can't be in doubt, or any partner could stop a learner by claiming them.
    pub(super) fn doubt(
        &self,
        (by, id): (u16, &LocalId),
        registration: Registration,
        tokens: &Tokens,
        now: Timestamp,
    ) -> (Option<Box<Doubt>>, bool) {
        let held = self.directory.local(by, id).filter(|held| held.learner.is_some());
        let Some(held) = held.filter(|_| registration == Registration::Home) else { return (None, false) };
        let before = held.doubt.as_ref().map_or(&held.tokens, |doubt| &doubt.before);
        match held.registration {
            _ if !before.is_another(tokens) => (None, false),
            Registration::Previous => (None, true),
            Registration::Home if held.contested => (None, true),
            Registration::Home => {
                let new = || Box::new(Doubt { since: now, before: held.tokens.clone() });
                (Some(held.doubt.clone().unwrap_or_else(new)), false)
            }
            _ => (None, false),
        }
    }

    /// A person of the home said whom an id stands for that was in doubt: for the same child, of whom both were corrected, or
    /// for another. The other begins anew: matches and placements of the one before aren't theirs.
    pub fn settle_doubt(&mut self, home: u16, id: &LocalId, is_same: bool, now: Timestamp) {
        let Some(held) = self.directory.local(home, id).filter(|held| held.doubt.is_some()).cloned() else {
            return;
        };
        let before = held.learner;
        let found = match is_same {
            true => before,
            false => match self.find((home, id), &held.tokens, true) {
                Match::Learner(number) => Some(number),
                Match::None | Match::Conflict => Some(self.directory.next_learner()),
            },
        };
        let other = |number| {
            let held = self.directory.home_of(number).or_else(|| self.directory.doubts().home_of(number));
            held.is_some_and(|at| (at.0, &at.1) != (home, id))
        };
        let contested = found.is_some_and(other);
        if !is_same {
            self.begin_anew(home, id, now);
        }
        self.make(Change::Learner {
            institution: home,
            local: id.clone(),
            registration: held.registration,
            learner: found,
            contested,
            approved: false,
            tokens: held.tokens,
            was: if is_same { held.was } else { Vec::new() },
            called: held.called,
            since: held.since,
            doubt: None,
        });
        before.filter(|_| !is_same).into_iter().for_each(|before| self.promote_waiting_claim(before));
        self.settle(home, id, now);
    }

    /// An id stands for another child from now on: what was said and agreed of the one before is nothing about this one. Planned
    /// before the id is the other's, so that each word is taken back from the child whom it was about.
    pub(super) fn begin_anew(&mut self, by: u16, id: &LocalId, now: Timestamp) {
        self.end_access(by, id, now);
        self.forget_expected(by, id);
        let held = self.directory.local(by, id);
        let sides = held.map_or_else(Vec::new, |held| held.sides.clone());
        for Side { other, group, hosting, dates, ended } in sides {
            // Not from now on, but never: no moment of the past is covered for this child either, in no time zone.
            let never = dates.first().start(&TimeZone::UTC).plus_micros(-2 * DAY_US);
            if ended.is_some_and(|ended| ended <= never) {
                continue;
            }
            let (local, ended) = (id.clone(), Some(never));
            self.make(Change::Side { by, local, other, group, hosting, dates, ended });
        }
    }

    /// Whoever reads an id's own record, as the child or a parent, reads it no more, and nobody is let in for it: it is another
    /// child's. What else they are stays.
    fn end_access(&mut self, home: u16, id: &LocalId, now: Timestamp) {
        let Some(slug) = self.directory.institution(home).map(|state| state.info.slug.clone()) else {
            return;
        };
        let invited = self.directory.open_invitations().into_iter().filter(|(_, invitation)| {
            let of = invitation.person.as_ref().and_then(|person| person.learner.as_ref());
            invitation.institution == slug && of == Some(id)
        });
        let invited: Vec<_> = invited.map(|(hash, invitation)| (Bytes32(hash), invitation.expires)).collect();
        for (hash, expires) in invited {
            self.make(Change::Invitation {
                hash,
                institution: slug.clone(),
                expires,
                used: true,
                person: None,
            });
        }
        let theirs = |person: &Person| person.institution == home && person.learner.as_ref() == Some(id);
        let mut family: Vec<_> = self
            .directory
            .active_people()
            .filter(|(_, person)| theirs(person))
            .map(|(of, person)| (*of, person.clone()))
            .collect();
        family.sort_by_key(|(of, _)| of.0);
        for (of, person) in family {
            let mut roles = person.roles;
            roles.retain(|role| !matches!(role, Role::Learner | Role::Parent));
            self.make(Change::Person {
                person: PersonUuid(of),
                institution: slug.clone(),
                name: person.name,
                key: person.key.map(Bytes32),
                staff: person.staff,
                learner: None,
                enrolled: person.enrolled,
                used: person.used,
                revoked: roles.is_empty().then_some(now),
                roles,
                provided: person.provided,
            });
        }
    }
}
