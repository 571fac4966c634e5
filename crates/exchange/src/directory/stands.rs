//! How a person stands to a learner: what decisions about a person's reading are made from.
//!
//! What is so at a moment, and nothing more. Whether it is enough to see anything is said by the policies.

use super::{Directory, Person, change::Emergency};
use crate::entry::Circumstances;
use commonroll_core::{LocalId, PersonId, SchoolDate, Timestamp};
use std::collections::BTreeSet;

/// How a person stands to a learner whom their institution knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stands {
    /// The learner, by the hub's number.
    pub learner: u32,
    /// The person's institution.
    pub institution: u16,
    /// The uncontested home, if there is one.
    pub home: Option<u16>,
    /// The learner by the institution's own id.
    pub local: LocalId,
    /// Today, where the learner is at home.
    pub today: SchoolDate,
    /// True if a placement with the person's institution is in force now.
    pub placed_here: bool,
    /// Groups of a placement in force now that the person teaches.
    pub teaches: BTreeSet<LocalId>,
    /// Groups that the person teaches, and in which a placement in force now that names no group may have put the
    /// learner.
    pub may_teach: BTreeSet<LocalId>,
    /// True if the learner is the person, or their child.
    pub own: bool,
    /// True if the home lets learners and parents in.
    pub access_on: bool,
    /// True while an emergency access of the person for this learner runs.
    pub emergency: bool,
}

impl Stands {
    /// True if the person's institution is the learner's home.
    pub fn is_home(&self) -> bool {
        self.home == Some(self.institution)
    }

    /// A placement that names no group says nothing of who teaches the learner; a record of the institution does.
    pub fn seen_in(&mut self, groups: &BTreeSet<LocalId>) {
        self.teaches.extend(self.may_teach.intersection(groups).cloned());
    }
}

impl Directory {
    /// How a person stands to whom their institution knows by this id. `None` for somebody whom it doesn't know, or who
    /// was matched with nobody.
    pub fn stands(&self, id: PersonId, person: &Person, local: &LocalId, now: Timestamp) -> Option<Stands> {
        let institution = person.institution;
        let held = self.local(institution, local)?;
        let learner = held.learner?;
        let home = self.home_of(learner).map(|(home, _)| *home);
        let zone = &self.institution(home.unwrap_or(institution))?.zone;
        let today = now.date_in(zone);
        let mine = person.learner.as_ref().and_then(|mine| self.local(institution, mine)?.learner);
        let mut stands = Stands {
            learner,
            institution,
            home,
            local: local.clone(),
            today,
            placed_here: false,
            teaches: BTreeSet::new(),
            may_teach: BTreeSet::new(),
            own: mine == Some(learner),
            access_on: home.is_some_and(|home| self.access_on(home)),
            emergency: self.emergencies_of(id).any(|one| one.opens(id, learner, now)),
        };
        let taught = self.institution(institution)?.staff.get(person.staff.as_ref().unwrap_or(local));
        let taught = taught.filter(|_| person.staff.is_some()).map_or(&[] as &[LocalId], Vec::as_slice);
        for side in held.sides.iter().filter(|side| side.hosting) {
            let in_force = |group| self.placed(institution, local, today, Some(now), group).in_force;
            stands.placed_here |= in_force(side.group.as_ref());
            match &side.group {
                Some(group) if self.teaches(person, group) && in_force(Some(group)) => {
                    stands.teaches.insert(group.clone());
                }
                Some(_) => {}
                None => {
                    let may = taught.iter().filter(|group| in_force(Some(group)));
                    stands.may_teach.extend(may.cloned());
                }
            }
        }
        Some(stands)
    }

    /// True if the person teaches the learner, and the day of a record of their institution lies within that placement.
    pub fn taught_then(&self, stands: &Stands, source: u16, of: &Circumstances) -> bool {
        source == stands.institution
            && stands
                .teaches
                .iter()
                .any(|group| self.placed(source, &of.learner, of.date, of.at, Some(group)).in_force)
    }

    /// True if an institution lets learners and parents in.
    pub fn access_on(&self, institution: u16) -> bool {
        self.institution(institution).is_some_and(|state| state.access)
    }

    /// The emergency accesses that concern an institution: opened by its people, or about its learners.
    pub fn emergencies_at(&self, institution: u16) -> impl Iterator<Item = &Emergency> {
        let ids = self.concerned.get(&institution).map_or(&[] as &[[u8; 16]], Vec::as_slice);
        ids.iter().filter_map(|id| self.emergencies.get(id))
    }

    /// Those of them that the institution has not reviewed.
    pub fn emergencies_to_review(&self, institution: u16) -> impl Iterator<Item = &Emergency> {
        let own = self.institution(institution).map(|state| &state.info.slug);
        let is_reviewed =
            move |one: &Emergency| one.reviews.iter().any(|review| Some(&review.institution) == own);
        self.emergencies_at(institution).filter(move |one| !is_reviewed(one))
    }

    /// A person's emergency accesses that are open, and some that no longer are.
    pub fn emergencies_of(&self, person: PersonId) -> impl Iterator<Item = &Emergency> {
        let ids = self.opened_by.get(&person).map_or(&[] as &[[u8; 16]], Vec::as_slice);
        ids.iter().filter_map(|id| self.emergencies.get(id))
    }

    /// Every reading asks what is open, so that what had ended when the person opened another is not looked at again.
    pub(super) fn put_emergency(&mut self, emergency: Emergency) {
        let (id, ids) = (emergency.id.0, self.opened_by.entry(emergency.person.0).or_default());
        let concerned = [emergency.institution, emergency.home];
        if self.emergencies.insert(id, emergency).is_none() {
            concerned.into_iter().for_each(|at| self.concerned.entry(at).or_default().push(id));
        }
        if !ids.contains(&id) {
            ids.push(id);
        }
        let newest = ids.iter().filter_map(|id| self.emergencies.get(id)).map(|one| one.opened).max();
        ids.retain(|id| self.emergencies.get(id).is_some_and(|one| newest.is_none_or(|at| at < one.until)));
    }

    /// The emergency access with this id.
    pub fn emergency(&self, id: &[u8; 16]) -> Option<&Emergency> {
        self.emergencies.get(id)
    }

    /// Every number under which the log may speak of a learner: this one, and those that they were believed to have.
    pub fn numbers_of(&self, learner: u32) -> BTreeSet<u32> {
        let known = self.known_at(learner).filter_map(|(institution, id)| self.local(*institution, id));
        known.flat_map(|local| local.was.iter().copied()).chain([learner]).collect()
    }

    /// Those of a learner's numbers that nobody else has or had, so that whatever names them is about this one. The
    /// number that the learner has now is not among them once somebody else was taken for them.
    pub fn numbers_of_nobody_else(&self, learner: u32) -> BTreeSet<u32> {
        let mut numbers = self.numbers_of(learner);
        let others = self.institutions.iter().flat_map(|state| state.locals.values());
        for other in others.filter(|local| local.learner != Some(learner)) {
            for number in other.was.iter().chain(&other.learner) {
                numbers.remove(number);
            }
        }
        numbers
    }

    /// What an answer rests on: when it differs, something was changed, erased or let go meanwhile.
    pub fn moment(&self) -> (u64, u64) {
        (self.version, self.duties().turn)
    }

    /// What an institution calls a group.
    pub fn group_title(&self, institution: u16, group: &LocalId) -> Option<&(String, String)> {
        self.institution(institution)?.groups.get(group)
    }

    /// The institutions that know a learner.
    pub fn knowing(&self, learner: u32) -> BTreeSet<u16> {
        self.known_at(learner).map(|(institution, _)| *institution).collect()
    }
}

impl Emergency {
    /// True if it opens this learner's card to this person now.
    pub fn opens(&self, person: PersonId, learner: u32, now: Timestamp) -> bool {
        self.person.0 == person && self.learner == learner && self.opened <= now && now < self.until
    }
}
