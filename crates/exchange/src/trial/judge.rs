//! Deciding each situation once, under the law in force and under the one that is tried, and adding up who gains what.

use super::{
    Brief, EXAMPLES, SMALL, TriedLine, briefs,
    count::{ALL, Count, Counted, Learners, Situation},
};
use crate::directory::{Directory, agreements::Agreements};
use commonroll_core::{Purpose, RecordKind, Role, Slug, Timestamp, agreement::ItemKind};
use commonroll_policy::{
    Action, AgreementInForce, CARD_GROUPS, CardFacts, Glance, Matter, PersonQuestion, Policy, Question,
    RecordFacts,
};
use std::{collections::BTreeMap, sync::Arc};

/// Number of the group that comes with every record, and with every card.
const HEAD: u32 = 1;

/// The rules and the agreements that decide.
pub(super) struct Law {
    pub policy: Arc<Policy>,
    pub agreements: Agreements,
}

/// Who would see something: an institution's own system, or somebody there in a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Audience {
    institution: u16,
    role: Option<Role>,
}

/// What is added up: gains before losses, what was before what is to come.
type Key = (bool, bool, Audience, Option<RecordKind>, u32);

/// A line, before anybody in it is named.
pub(super) struct Judged {
    key: Key,
    slug: Slug,
    people: u64,
    group: &'static str,
    records: u64,
    learners: Learners,
}

/// Who gains and who loses.
pub(super) fn judge(briefs: &[Brief], laws: &(Law, Law), counted: &Counted, asker: u16) -> Vec<Judged> {
    let mut sums: BTreeMap<Key, Count> = BTreeMap::new();
    let (mut old, mut new) = (laws.0.judge(briefs), laws.1.judge(briefs));
    for (situation, count) in &counted.by_situation {
        for audience in audiences(situation) {
            let before = old.seen(situation, audience).unwrap_or(0);
            let after = new.seen(situation, audience).unwrap_or(0);
            for (loses, mask) in [(false, after & !before), (true, before & !after)] {
                for number in (0..32).filter(|number| mask & 1 << number != 0) {
                    let key = (loses, situation.ahead, audience, situation.kind, number);
                    let sum = sums.entry(key).or_default();
                    sum.records += count.records;
                    sum.learners.join(&count.learners);
                }
            }
        }
    }
    let line = |(key, count): (Key, Count)| {
        let (_, _, audience, kind, number) = key;
        let brief = briefs.get(usize::from(audience.institution))?;
        let people = audience.role.and_then(|role| brief.people.get(&role)).copied().unwrap_or(0);
        let own = audience.institution == asker;
        Some(Judged {
            key,
            slug: brief.slug.clone(),
            people: if own { people } else { 0 },
            group: name(kind, number)?,
            records: count.records,
            learners: count.learners,
        })
    };
    sums.into_iter().filter_map(line).collect()
}

/// What is seen today, at an institution that receives it, of a kind that flows between a source and a home, for a learner
/// who is placed: by its own system (`None`; of a card nothing) and in each role by whoever is nearest to the learner; with
/// how many people hold the role. Who sees nothing isn't listed.
pub(crate) fn sees(
    directory: &Directory,
    now: Timestamp,
    (source, home): (u16, u16),
    kind: ItemKind,
    recipient: u16,
) -> Vec<(Option<Role>, u32, u64)> {
    let Some(policy) = directory.policies().set().cloned() else { return Vec::new() };
    let law = Law { policy, agreements: directory.agreements().clone() };
    let briefs = briefs(directory, now);
    let record = match kind {
        ItemKind::Record(kind) => Some(kind),
        ItemKind::Card => None,
    };
    let (placed, confidential, held, ahead) = (true, false, ALL, true);
    let situation = Situation { source, home, kind: record, placed, confidential, held, ahead };
    let mut judge = law.judge(&briefs);
    let mut all = Vec::new();
    for role in [None].into_iter().chain(Role::ALL.map(Some)) {
        let groups = judge.seen(&situation, Audience { institution: recipient, role }).unwrap_or(0);
        let brief = briefs.get(usize::from(recipient));
        let people = role.and_then(|role| brief?.people.get(&role).copied()).unwrap_or(0);
        if groups != 0 {
            all.push((role, groups, people));
        }
    }
    all
}

/// Everybody who could see anything in a situation.
fn audiences(situation: &Situation) -> Vec<Audience> {
    let mut all = Vec::with_capacity(2 * Role::ALL.len() + 1);
    if situation.kind.is_some() {
        all.push(Audience { institution: situation.home, role: None });
    }
    for institution in [situation.home, situation.source] {
        all.extend(Role::ALL.into_iter().map(|role| Audience { institution, role: Some(role) }));
    }
    all
}

fn name(kind: Option<RecordKind>, number: u32) -> Option<&'static str> {
    match kind {
        None => CARD_GROUPS.iter().find(|(group, _)| *group == number).map(|(_, name)| *name),
        Some(_) if number == HEAD => Some("head"),
        Some(kind) => kind.group_name(number),
    }
}

/// A law that is asked.
struct Judge<'a> {
    law: &'a Law,
    briefs: &'a [Brief],
    glance: Glance<'a>,
}

impl Law {
    fn judge<'a>(&'a self, briefs: &'a [Brief]) -> Judge<'a> {
        Judge { law: self, briefs, glance: self.policy.glance() }
    }
}

impl Judge<'_> {
    /// The groups that an audience sees in a situation. `None` where a question can't even be put.
    fn seen(&mut self, of: &Situation, audience: Audience) -> Option<u32> {
        let briefs = self.briefs;
        let brief = |number: u16| briefs.get(usize::from(number));
        let (source, home) = (brief(of.source)?, brief(of.home)?);
        let Some(kind) = of.kind else {
            return self.card(source, home, brief(audience.institution)?, audience.role?);
        };
        // What isn't taken into the hub is seen by nobody.
        let stored = match of.ahead {
            false => of.held,
            true => self.flows(Action::Publish, source, home, kind, of).unwrap_or(0),
        };
        match audience.role {
            None => self.flows(Action::Receive, source, home, kind, of),
            Some(role) => Some(self.reads((source, home), brief(audience.institution)?, role, kind, of)),
        }
        .map(|groups| groups & stored)
    }

    /// What flows between the institutions' systems.
    fn flows(
        &self,
        action: Action,
        source: &Brief,
        home: &Brief,
        kind: RecordKind,
        of: &Situation,
    ) -> Option<u32> {
        let item = ItemKind::Record(kind);
        let held = self.law.agreements.granting((&source.slug, &home.slug), item, home.today);
        let held = held.filter(|_| !source.left && !home.left);
        let question = Question {
            action,
            actor: if action == Action::Publish { &source.slug } else { &home.slug },
            source: &source.slug,
            kind,
            home: Some(&home.slug),
            placed: of.placed,
            agreement: held.map(|(terms, groups)| AgreementInForce {
                id: &terms.id,
                version: terms.version,
                groups,
            }),
            confidential: of.confidential,
        };
        self.law.policy.decide(&question).ok().map(|permit| permit.groups())
    }

    /// What whoever is nearest to the learner in a role reads, for whichever purpose.
    fn reads(
        &mut self,
        (source, home): (&Brief, &Brief),
        at: &Brief,
        role: Role,
        kind: RecordKind,
        of: &Situation,
    ) -> u32 {
        let item = ItemKind::Record(kind);
        let held = self.law.agreements.showing((&source.slug, &home.slug), item, role, home.today);
        let held = held.filter(|_| !source.left && !home.left);
        let facts = RecordFacts {
            kind,
            source: &source.slug,
            home: Some(&home.slug),
            placed: of.placed,
            confidential: of.confidential,
            agreement: held.map(|(terms, groups)| AgreementInForce {
                id: &terms.id,
                version: terms.version,
                groups,
            }),
            teaches: role == Role::Teacher && at.slug == source.slug,
            own: matches!(role, Role::Learner | Role::Parent),
            access_on: home.access,
            emergency: false,
        };
        self.any_purpose(role, &at.slug, Matter::Record(facts))
    }

    fn card(&mut self, source: &Brief, home: &Brief, at: &Brief, role: Role) -> Option<u32> {
        let held = self.law.agreements.showing((&at.slug, &home.slug), ItemKind::Card, role, home.today);
        let held = held.filter(|_| !at.left && !home.left);
        let facts = CardFacts {
            home: Some(&home.slug),
            host_placed: at.slug == source.slug,
            teaches: role == Role::Teacher && at.slug == source.slug,
            own: matches!(role, Role::Learner | Role::Parent),
            access_on: home.access,
            emergency: false,
            agreement: held.map(|(terms, groups)| AgreementInForce {
                id: &terms.id,
                version: terms.version,
                groups,
            }),
        };
        Some(self.any_purpose(role, &at.slug, Matter::Card(facts)))
    }

    fn any_purpose(&mut self, role: Role, institution: &Slug, matter: Matter<'_>) -> u32 {
        let asked = Purpose::ALL.map(|purpose| PersonQuestion { role, institution, purpose, matter });
        asked.iter().fold(0, |groups, question| groups | self.glance.groups(question))
    }
}

impl Judged {
    /// The line as the asker may see it. Of what another institution would see, the asker's own learners are told exactly,
    /// others only as whole tens, and `None` comes of a line that is about too few: not even that there is one is told.
    pub fn told(self, directory: &Directory, asker: u16, names: bool) -> Option<TriedLine> {
        let (loses, ahead, audience, kind, _) = self.key;
        let about = audience.institution != asker;
        let ours = |learner: u32| {
            let (home, local) = directory.home_of(learner)?;
            (*home == asker).then(|| local.clone())
        };
        let mut learners = self.learners.count();
        if about {
            let own = self.learners.iter().filter(|learner| ours(*learner).is_some()).count() as u64;
            let others = learners - own;
            learners = own + if others < SMALL { 0 } else { others - others % SMALL };
        }
        if learners == 0 {
            return None;
        }
        let examples = self.learners.iter().filter(|_| names).filter_map(ours).take(EXAMPLES).collect();
        Some(TriedLine {
            gains: !loses,
            ahead,
            institution: self.slug,
            role: audience.role,
            people: self.people,
            kind,
            group: self.group,
            records: if about { 0 } else { self.records },
            learners,
            about,
            examples,
        })
    }
}
