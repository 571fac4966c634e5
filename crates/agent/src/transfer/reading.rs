//! What exports say of learners, read twice: first who there is, then the records of those who were chosen.

use super::Taken;
use crate::error::AgentError;
use commonroll_connectors::{Draft, Input, Item, Place, Problem, Scope, Settings, Sink};
use commonroll_core::{
    Body, LocalId, RecordId, RecordKind, SchoolDate, Slug,
    directory::{LearnerDeclaration, PlacementDeclaration, PlacementEnd},
};
use commonroll_wire::record_id;
use jiff::tz::TimeZone;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::BufReader,
};

/// Who there is, and who goes where.
#[derive(Default)]
pub(super) struct People {
    learners: BTreeMap<LocalId, LearnerDeclaration>,
    placements: Vec<PlacementDeclaration>,
    ends: Vec<PlacementEnd>,
}

impl People {
    pub fn read(files: &[Taken], institution: &Slug, zone: &TimeZone) -> Result<Self, AgentError> {
        let mut people = Self::default();
        for file in files.iter().filter(|file| file.is_newest) {
            translate(file, institution, zone, &mut people)?;
        }
        Ok(people)
    }

    pub fn learner(&self, id: &LocalId) -> Option<&LearnerDeclaration> {
        self.learners.get(id)
    }

    /// Learners with a placement that lasts today or begins later, and was not ended.
    pub fn placed_at(&self, host: &Slug, today: SchoolDate) -> BTreeSet<LocalId> {
        let ended = |placement: &PlacementDeclaration| {
            self.ends.iter().any(|end| {
                let same = end.group.is_none() || end.group == placement.group;
                end.learner == placement.learner && end.other == placement.host && same
            })
        };
        let placed = self.placements.iter().filter(|placement| {
            placement.host == *host && placement.dates.last() >= today && !ended(placement)
        });
        let known = placed.filter(|placement| self.learners.contains_key(&placement.learner));
        known.map(|placement| placement.learner.clone()).collect()
    }

    /// These learners under every id that exports give them: those with the same UPN or, without one, the same ULN.
    pub fn aliases(&self, ids: &[LocalId]) -> BTreeSet<LocalId> {
        let chosen: Vec<_> = ids.iter().filter_map(|id| self.learners.get(id)).collect();
        let same = |one: &LearnerDeclaration, other: &LearnerDeclaration| match (
            one.upn.as_str(),
            other.upn.as_str(),
        ) {
            ("", _) | (_, "") => !one.uln.is_empty() && one.uln == other.uln,
            (one, other) => one == other,
        };
        let alike = self.learners.values().filter(|other| chosen.iter().any(|one| same(one, other)));
        alike.map(|other| other.local_id.clone()).chain(ids.iter().cloned()).collect()
    }
}

impl Sink for People {
    fn item(&mut self, item: Item, _at: Place) {
        match item {
            Item::Learner(learner) => _ = self.learners.insert(learner.local_id.clone(), learner),
            Item::Placement(placement) => self.placements.push(placement),
            Item::End(end) => self.ends.push(end),
            _ => {}
        }
    }

    // Rows that can't be read were told when the export was taken.
    fn problem(&mut self, _problem: Problem) {}

    fn covers(&mut self, _scope: Scope) {}
}

/// Marks and results of chosen learners, in the order in which exports gave them.
pub(super) struct Records {
    institution: Slug,
    learners: BTreeSet<LocalId>,
    found: BTreeMap<RecordId, (usize, Draft)>,
    count: usize,
}

impl Records {
    pub fn read(
        files: &[Taken],
        institution: &Slug,
        zone: &TimeZone,
        learners: &BTreeSet<LocalId>,
    ) -> Result<Self, AgentError> {
        let (institution, learners) = (institution.clone(), learners.clone());
        let mut records = Self { institution, learners, found: BTreeMap::new(), count: 0 };
        let institution = records.institution.clone();
        for file in files {
            translate(file, &institution, zone, &mut records)?;
        }
        Ok(records)
    }

    pub fn ids(&self) -> Vec<RecordId> {
        self.found.keys().copied().collect()
    }

    pub fn remove(&mut self, ids: &BTreeSet<RecordId>) {
        self.found.retain(|id, _| !ids.contains(id));
    }

    /// Those of one learner, the oldest export's first.
    pub fn of(&self, learner: &BTreeSet<LocalId>) -> Vec<&Draft> {
        let mut own: Vec<_> =
            self.found.values().filter(|(_, draft)| learner.contains(&draft.learner)).collect();
        own.sort_by_key(|(place, _)| *place);
        own.into_iter().map(|(_, draft)| draft).collect()
    }
}

impl Sink for Records {
    fn item(&mut self, item: Item, _at: Place) {
        let Item::Record(draft) = item else { return };
        if draft.kind == RecordKind::Behaviour || !self.learners.contains(&draft.learner) {
            return;
        }
        let id = record_id(&self.institution, draft.kind, draft.date, &draft.local_key);
        self.count += 1;
        match draft.body {
            Body::Withdrawn(_) => _ = self.found.remove(&id),
            _ => _ = self.found.insert(id, (self.count, draft)),
        }
    }

    fn problem(&mut self, _problem: Problem) {}

    fn covers(&mut self, _scope: Scope) {}
}

fn translate(
    file: &Taken,
    institution: &Slug,
    zone: &TimeZone,
    sink: &mut dyn Sink,
) -> Result<(), AgentError> {
    let doing = || AgentError::io(format!("reading {}", file.path.display()));
    let opened = File::open(&file.path).map_err(doing())?;
    let size = opened.metadata().map_err(doing())?.len();
    let mut reader = BufReader::new(opened);
    let settings = Settings::new(institution.clone(), zone.clone(), file.source.mapping.clone());
    let input = Input { file_name: &file.name, reader: &mut reader, size };
    file.source.connector.0.translate(input, &settings, sink).map_err(|fault| {
        AgentError::Transfer(format!("{} can't be read: {fault}; nothing was written", file.path.display()))
    })
}
