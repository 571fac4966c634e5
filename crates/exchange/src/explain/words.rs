//! The words of an explanation: which placement, which agreement, which rule in which file, and why a part is withheld.

use super::{Explained, GroupSaid, RuleSaid};
use crate::{
    decide::NOT_UNLOCKED,
    directory::{Directory, Side, change::hex},
    reading::Loaded,
};
use commonroll_core::{LocalId, RecordKind, Role, SchoolDate, Slug, agreement::ItemKind};
use commonroll_policy::{Denied, DenyCode, Explanation, Policy};

const NO_RULE: &str = "no rule lets it out to this one: data managers can propose a change of the rules";
const NOT_LISTED: &str = "the agreement doesn't list it: its parties can sign a new version that does";
const NOT_THIS_ROLE: &str =
    "the agreement doesn't let this role see it: its parties can sign a new version that does";
const NOT_HERE: &str =
    "it may be seen, but is not in the hub: it was left out or kept back when it was published";

/// What the agreements say of a kind between two institutions.
pub(super) struct Listed {
    words: String,
    /// Field groups that the agreement lists, and those of them that it lets the role see.
    groups: Option<(u32, u32)>,
    /// The agreement lists the kind and shows the role nothing of it.
    hides: Option<Denied>,
}

/// Everything that words are made from.
pub(super) struct Words<'a> {
    directory: &'a Directory,
    policy: &'a Policy,
    learner: u32,
    /// It is about what flows between systems, and not about what somebody sees.
    flows: bool,
}

impl<'a> Words<'a> {
    pub const fn new(directory: &'a Directory, policy: &'a Policy, learner: u32) -> Self {
        Self { directory, policy, learner, flows: false }
    }

    /// Words for what flows between systems.
    pub const fn flowing(self) -> Self {
        Self { flows: true, ..self }
    }

    fn slug(&self, number: u16) -> String {
        self.directory.institution(number).map_or_else(String::new, |state| state.info.slug.to_string())
    }

    fn no(&self, code: &str, reason: &str) -> Explained {
        Explained {
            sequence: None,
            kind: None,
            source: None,
            date: None,
            allowed: false,
            code: code.to_owned(),
            reason: reason.to_owned(),
            rules: Vec::new(),
            placement: String::new(),
            agreement: String::new(),
            groups: Vec::new(),
            missing: Vec::new(),
            policy: hex(&self.policy.hash()),
        }
    }

    /// The person can't act so at all.
    pub fn not_in_role(&self) -> Explained {
        let missing = "the role: the person doesn't hold it, or their access has ended; a head or data manager of the \
                       institution invites people";
        Explained {
            missing: vec![missing.to_owned()],
            ..self.no("no_role", "the person doesn't hold this role")
        }
    }

    /// The record is not about this learner any more.
    pub fn somebody_else(&self, loaded: &Loaded) -> Explained {
        let said = self
            .no("no_placement", "the record is no longer matched with this learner, or its content is gone");
        self.of_record(said, loaded)
    }

    /// The hub hands no cards to institutions' systems.
    pub fn no_card(&self) -> Explained {
        self.no("no_policy", "the hub hands cards to people, not to an institution's system")
    }

    pub fn of_record(&self, said: Explained, loaded: &Loaded) -> Explained {
        Explained {
            sequence: Some(loaded.seq + 1),
            ..self.imagined(said, loaded.entry.source, loaded.entry.kind, loaded.date)
        }
    }

    pub fn imagined(&self, said: Explained, source: u16, kind: RecordKind, date: SchoolDate) -> Explained {
        let source: Option<Slug> = self.directory.institution(source).map(|state| state.info.slug.clone());
        Explained { kind: Some(kind), source, date: Some(date), ..said }
    }

    /// The learner as an institution knows them.
    pub fn local_at(&self, institution: u16) -> Option<LocalId> {
        self.directory.local_ids(institution, &[self.learner]).remove(&self.learner)
    }

    /// What the agreements list of a kind, of a pair of host and home.
    pub fn listed(
        &self,
        pair: Option<(u16, u16)>,
        kind: ItemKind,
        role: Option<Role>,
        today: SchoolDate,
    ) -> Listed {
        let none = |words: &str| Listed { words: words.to_owned(), groups: None, hides: None };
        let Some((host, home)) = pair else { return none("none: who is home is not settled") };
        if host == home {
            return none(match self.flows {
                true => "none: what the learner's home makes itself doesn't flow",
                false => "none is needed: it stays where it was made",
            });
        }
        let held = match kind {
            ItemKind::Record(kind) => self.directory.agreement(host, home, kind, today),
            ItemKind::Card => self.directory.card_agreement(host, home, today),
        };
        let Some((terms, groups)) = held else {
            return none("none in force today between the two institutions lists this");
        };
        let seen = role.map(|role| self.directory.seen_by((host, home), kind, role, today));
        match seen {
            Some(None) => Listed {
                words: format!(
                    "{}, version {}, lists it and shows this role nothing of it",
                    terms.id, terms.version
                ),
                groups: Some((groups, 0)),
                hides: Some(Denied::not_shown(&terms.id, terms.version)),
            },
            Some(Some((terms, seen))) => Listed {
                words: format!("{}, version {}", terms.id, terms.version),
                groups: Some((terms.groups(kind), seen)),
                hides: None,
            },
            None => Listed {
                words: format!("{}, version {}", terms.id, terms.version),
                groups: Some((groups, groups)),
                hides: None,
            },
        }
    }

    /// Where a record of a source is covered, or what is missing.
    pub fn placement(&self, source: u16, local: Option<&LocalId>, in_force: bool) -> String {
        let Some((home, home_id)) = self.directory.home_of(self.learner) else {
            return "who is home is not settled: the institutions that claim the learner settle it"
                .to_owned();
        };
        let (host, home_slug) = (self.slug(source), self.slug(*home));
        if *home == source && self.flows {
            return format!("none: {home_slug} is home and made it itself; what hosts make flows");
        }
        if *home == source {
            return format!("none is needed: {home_slug} is home and made it itself");
        }
        let accepted: Vec<&Side> = local
            .and_then(|local| self.directory.local(source, local))
            .map_or(&[] as &[Side], |local| &local.sides)
            .iter()
            .filter(|side| side.hosting && side.other == *home)
            .collect();
        let declared: Vec<&Side> = self
            .directory
            .local(*home, home_id)
            .map_or(&[] as &[Side], |local| &local.sides)
            .iter()
            .filter(|side| !side.hosting && side.other == source)
            .collect();
        let sides = |sides: &[&Side]| sides.iter().map(|side| dates(side)).collect::<Vec<_>>().join("; ");
        match (in_force, declared.is_empty(), accepted.is_empty()) {
            (true, ..) => format!(
                "in force: {home_slug} declared it ({}) and {host} accepted it ({})",
                sides(&declared),
                sides(&accepted)
            ),
            (_, true, true) => {
                format!("none: neither has {home_slug} declared one with {host} nor {host} accepted one")
            }
            (_, true, _) => format!("not in force: {host} accepted one and {home_slug} hasn't declared it"),
            (_, _, true) => format!("not in force: {home_slug} declared one and {host} hasn't accepted it"),
            _ => format!(
                "none covers the date, time and group: {home_slug} declared {}; {host} accepted {}",
                sides(&declared),
                sides(&accepted)
            ),
        }
    }

    /// The same for a card: with the person's institution, now.
    pub fn placed_here(&self, placed: bool, home: bool) -> String {
        match (home, placed) {
            (true, _) => "none is needed: the person's institution is home",
            (_, true) => "in force now with the person's institution",
            _ => "none with the person's institution is in force now",
        }
        .to_owned()
    }

    /// An explanation of the policies with everything around it. `groups` are the groups there are, those that the rules
    /// would let out if the agreement listed all, and those that the hub holds.
    pub fn explained(
        &self,
        told: &Explanation,
        (groups, ceiling, held): (&[(u32, &'static str)], u32, u32),
        listed: &Listed,
        placement: String,
    ) -> Explained {
        let bit = |mask: u32, number: u32| 1u32.checked_shl(number).is_some_and(|bit| mask & bit != 0);
        let why = |number: u32, open: bool| match (&told.answer, listed.groups) {
            (Err(_), _) => "",
            (Ok(_), _) if open && !bit(held | 2, number) => NOT_HERE,
            (Ok(_), _) if open => "",
            (Ok(_), _) if !bit(ceiling, number) => NO_RULE,
            (Ok(_), Some((all, _))) if !bit(all, number) => NOT_LISTED,
            (Ok(_), Some(_)) => NOT_THIS_ROLE,
            (Ok(_), None) => NO_RULE,
        };
        let part = |(number, name): &(u32, &'static str)| {
            let open = told.answer.as_ref().is_ok_and(|open| open.contains(name));
            GroupSaid { number: *number, name, open, why: why(*number, open) }
        };
        let mut missing: Vec<String> = told.missing.iter().map(|what| (*what).to_owned()).collect();
        let hidden = listed.hides.as_ref().filter(|_| told.answer.is_err());
        if let Some(hidden) = hidden {
            // There is an agreement; it is this role that it leaves out.
            missing.retain(|what| !what.starts_with("no sharing agreement in force"));
            missing.push(hidden.reason().to_owned());
        }
        let (code, reason) = match (&told.answer, hidden) {
            (Ok(_), _) => ("allowed".to_owned(), "the rules below allow it".to_owned()),
            (Err(denied), Some(hidden)) if denied.code == DenyCode::NoAgreement => {
                (hidden.code.to_string(), hidden.reason().to_owned())
            }
            (Err(denied), _) => (denied.code.to_string(), denied.reason().to_owned()),
        };
        Explained {
            allowed: told.answer.is_ok(),
            rules: told.rules.iter().map(|(id, says)| self.rule(id, says)).collect(),
            placement,
            agreement: listed.words.clone(),
            groups: groups.iter().map(part).collect(),
            missing,
            ..self.no(&code, &reason)
        }
    }

    /// What flows only once its source is unlocked for it, and isn't.
    pub fn unlocked(&self, said: Explained) -> Explained {
        let source = said.source.as_ref().and_then(|source| self.directory.number_of(source));
        let (Some(number), Some(kind), Some(date)) = (source, said.kind, said.date) else { return said };
        let Some(condition) = self.directory.unlocks().lock(number, kind, date) else { return said };
        let source = self.slug(number);
        let reason = format!(
            "not yet unlocked: partners agreed that {kind} of {date} flows from {source} once its attendance was at least {}% \
             complete and on time on each of {} school days: its data manager proposes it with the figures, and one of another \
             partner agrees, on the page Readiness",
            condition.points, condition.days
        );
        let mut missing = said.missing;
        missing.push(reason.clone());
        match said.allowed {
            false => Explained { missing, ..said },
            true => {
                let shut = |group: GroupSaid| GroupSaid { open: false, why: "", ..group };
                let groups = said.groups.into_iter().map(shut).collect();
                let code = NOT_UNLOCKED.to_owned();
                Explained { allowed: false, code, reason, missing, groups, ..said }
            }
        }
    }

    /// Where a rule stands: every id is in the texts once.
    fn rule(&self, id: &str, says: &str) -> RuleSaid {
        let begins = format!("@id(\"{id}\")");
        let at = self.policy.texts().iter().find_map(|(file, text)| {
            let line = text.lines().position(|line| line.contains(&begins))?;
            Some((file.to_owned(), u32::try_from(line + 1).ok()?))
        });
        let (file, line) = at.unwrap_or_default();
        RuleSaid { id: id.to_owned(), file, line, says: says.to_owned() }
    }
}

fn dates(side: &Side) -> String {
    let group = side
        .group
        .as_ref()
        .map_or_else(|| "every group".to_owned(), |group| format!("group {}", group.as_str()));
    let ended = side.ended.map_or_else(String::new, |at| format!(", ended {at}"));
    format!("{} to {}, {group}{ended}", side.dates.first(), side.dates.last())
}
