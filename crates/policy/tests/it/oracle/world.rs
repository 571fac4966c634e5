//! A generated consortium: institutions, learners, groups with teachers, placements and agreements with dates, records.
//!
//! Small and crowded, so that people and records often have to do with each other.

use commonroll_core::{RecordKind, Role, Slug};
use commonroll_policy::AgreementInForce;

/// Numbers that look random and are the same in every run.
pub(super) struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed >> 33) % limit as u64).expect("below a usize")
    }

    pub fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

/// A day of the school year, from 0.
pub(super) type Day = usize;

const DAYS: usize = 100;

#[derive(Clone, Copy)]
pub(super) struct Dates(Day, Day);

impl Dates {
    fn some(chance: &mut Chance) -> Self {
        let first = chance.below(DAYS / 2);
        Self(first, first + 10 + chance.below(DAYS / 2))
    }

    fn hold(self, day: Day) -> bool {
        self.0 <= day && day <= self.1
    }
}

/// Group G at an institution, and its learners: own ones all year, visitors while they are placed.
struct Group {
    at: usize,
    learners: Vec<usize>,
}

struct Placement {
    learner: usize,
    host: usize,
    group: usize,
    dates: Dates,
}

struct Agreement {
    parties: [usize; 2],
    id: Slug,
    dates: Dates,
    /// Groups listed for each kind, in the order of [`RecordKind::ALL`]; `None` if the kind isn't listed.
    kinds: [Option<u32>; 3],
    card: Option<u32>,
}

/// One record.
pub(super) struct Record {
    pub source: usize,
    pub kind: RecordKind,
    pub learner: usize,
    pub date: Day,
    pub confidential: bool,
    group: usize,
}

/// One person in one role.
pub(super) struct Person {
    pub at: usize,
    pub role: Role,
    /// Groups taught, if a teacher.
    groups: Vec<usize>,
    /// The learner that the person is, or is a parent of.
    pub child: Option<usize>,
}

pub(super) struct World {
    pub institutions: Vec<Slug>,
    pub access_on: Vec<bool>,
    /// Each learner's home; `None` while two institutions claim to be.
    homes: Vec<Option<usize>>,
    groups: Vec<Group>,
    placements: Vec<Placement>,
    agreements: Vec<Agreement>,
}

impl World {
    pub fn new(chance: &mut Chance) -> Self {
        let count = 6;
        let slug = |name: String| -> Slug { name.parse().expect("a slug") };
        let institutions = (0..count).map(|at| slug(format!("partner-{at}"))).collect();
        let homes: Vec<_> =
            (0..120).map(|learner| (chance.below(12) > 0).then_some(learner % count)).collect();
        let mut groups: Vec<Group> =
            (0..18).map(|at| Group { at: at % count, learners: Vec::new() }).collect();
        for (learner, home) in homes.iter().enumerate() {
            let Some(home) = home else { continue };
            let own: Vec<usize> = (0..groups.len()).filter(|group| groups[*group].at == *home).collect();
            groups[*chance.pick(&own)].learners.push(learner);
        }
        let placements = (0..200)
            .map(|_| {
                let (learner, group) = (chance.below(homes.len()), chance.below(groups.len()));
                Placement { learner, host: groups[group].at, group, dates: Dates::some(chance) }
            })
            .filter(|placement| homes[placement.learner] != Some(placement.host))
            .collect();
        let mut agreements = Vec::new();
        for one in 0..count {
            for other in one + 1..count {
                if chance.below(8) == 0 {
                    continue;
                }
                let kinds = [30, 6, 30].map(|most| {
                    (chance.below(6) > 0)
                        .then(|| (u32::try_from(chance.below(32)).expect("small") & most) | 2)
                });
                let card = (chance.below(4) > 0).then(|| u32::try_from(chance.below(32)).expect("small") | 2);
                let id = slug(format!("between-{one}-{other}"));
                agreements.push(Agreement {
                    parties: [one, other],
                    id,
                    dates: Dates::some(chance),
                    kinds,
                    card,
                });
            }
        }
        let access_on = (0..count).map(|at| at % 3 != 0).collect();
        Self { institutions, access_on, homes, groups, placements, agreements }
    }

    pub fn home(&self, learner: usize) -> Option<usize> {
        self.homes[learner]
    }

    /// A record that a host made of a placed learner as a rule, and sometimes one that nobody should have made.
    pub fn record(&self, chance: &mut Chance) -> Record {
        let kind = *chance.pick(&RecordKind::ALL);
        let confidential = chance.below(12) == 0;
        if chance.below(5) == 0 {
            // Made by the home itself.
            let learner = chance.below(self.homes.len());
            let source = self.homes[learner].unwrap_or(0);
            return Record { source, kind, learner, date: chance.below(DAYS), confidential, group: 0 };
        }
        let placement = chance.pick(&self.placements);
        let Dates(first, last) = placement.dates;
        let date =
            if chance.below(6) == 0 { chance.below(DAYS) } else { first + chance.below(last + 1 - first) };
        let (source, learner) = (placement.host, placement.learner);
        Record { source, kind, learner, date, confidential, group: placement.group }
    }

    /// A day on which it is asked about: near the record's.
    pub fn moment(&self, record: &Record, chance: &mut Chance) -> Day {
        record.date.saturating_sub(5) + chance.below(20)
    }

    /// True if a placement covers the record's date and group.
    pub fn placed(&self, record: &Record) -> bool {
        self.homes[record.learner].is_some()
            && self.placements.iter().any(|p| {
                (p.learner, p.host, p.group) == (record.learner, record.source, record.group)
                    && p.dates.hold(record.date)
            })
    }

    /// True if the learner is placed at this institution on this day.
    pub fn placed_at(&self, learner: usize, at: usize, day: Day) -> bool {
        self.homes[learner].is_some()
            && self.placements.iter().any(|p| (p.learner, p.host) == (learner, at) && p.dates.hold(day))
    }

    fn between(&self, one: usize, other: usize, day: Day) -> Option<&Agreement> {
        let both = [one.min(other), one.max(other)];
        self.agreements.iter().find(|agreement| agreement.parties == both && agreement.dates.hold(day))
    }

    /// What the agreement in force lists for a kind.
    pub fn listed(&self, one: usize, other: usize, kind: RecordKind, day: Day) -> Option<u32> {
        self.between(one, other, day)?.kinds[kind as usize - 1]
    }

    pub fn listed_of_card(&self, one: usize, other: usize, day: Day) -> Option<u32> {
        self.between(one, other, day)?.card
    }

    pub fn agreement(
        &self,
        one: usize,
        other: usize,
        kind: RecordKind,
        day: Day,
    ) -> Option<AgreementInForce<'_>> {
        let groups = self.listed(one, other, kind, day)?;
        let id = &self.between(one, other, day)?.id;
        Some(AgreementInForce { id, version: 1, groups })
    }

    pub fn card_agreement(&self, one: usize, other: usize, day: Day) -> Option<AgreementInForce<'_>> {
        let groups = self.listed_of_card(one, other, day)?;
        let id = &self.between(one, other, day)?.id;
        Some(AgreementInForce { id, version: 1, groups })
    }

    /// Somebody in some role, mostly at an institution that has to do with the record, often with the learner.
    pub fn person_near(&self, record: &Record, chance: &mut Chance) -> Person {
        let at = match chance.below(6) {
            0 => chance.below(self.institutions.len()),
            1 | 2 => record.source,
            _ => self.homes[record.learner].unwrap_or(record.source),
        };
        let role = *chance.pick(&Role::ALL);
        let mut groups: Vec<usize> =
            (0..self.groups.len()).filter(|group| self.groups[*group].at == at).collect();
        if chance.below(3) == 0 {
            groups.truncate(1);
        }
        let child = matches!(role, Role::Learner | Role::Parent)
            .then(|| if chance.below(4) == 0 { chance.below(self.homes.len()) } else { record.learner });
        Person { at, role, groups, child }
    }

    /// True if the person teaches a group that the learner is in on this day: as an own learner, or placed in it.
    pub fn teaches(&self, person: &Person, learner: usize, day: Day) -> bool {
        person.role == Role::Teacher
            && person.groups.iter().any(|group| {
                self.groups[*group].learners.contains(&learner)
                    || self
                        .placements
                        .iter()
                        .any(|p| (p.learner, p.group) == (learner, *group) && p.dates.hold(day))
            })
    }
}
