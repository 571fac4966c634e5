//! An agreement as it was read: every field of the text, checked, and the terms that are enforced.

use super::{
    times::AlertTimes,
    words::{Article9, AtEnd, Direction, ItemKind, LegalBasis, Part, Relationship},
};
use crate::{
    directory::{Agreement, Limits},
    ids::Slug,
    people::Role,
    record::RecordKind,
    time::SchoolDate,
};
use std::collections::{BTreeMap, BTreeSet};

/// A sharing agreement, as its text says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgreementText {
    pub(super) id: Slug,
    pub(super) title: String,
    pub(super) version: u32,
    pub(super) first_date: SchoolDate,
    pub(super) last_date: SchoolDate,
    pub(super) review_date: SchoolDate,
    pub(super) parties: Vec<Party>,
    pub(super) why: Why,
    pub(super) items: Vec<Item>,
    pub(super) times: AlertTimes,
    pub(super) controllers: Controllers,
    pub(super) rights: Rights,
    pub(super) correction: String,
    pub(super) security: Vec<String>,
    pub(super) breach: Breach,
    pub(super) transfers: String,
    pub(super) dpia: Dpia,
    pub(super) end: End,
}

/// A party: one controller, with the people to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Party {
    /// Short name in the consortium.
    pub institution: Slug,
    /// Legal name.
    pub name: String,
    /// Whether its learners visit others, it takes visitors, or both.
    pub part: Part,
    /// Who signs for it: an office, such as "Headteacher".
    pub signatory: String,
    /// Data protection officer and how to reach them.
    pub dpo: String,
    /// Senior information risk owner and how to reach them.
    pub siro: String,
    /// Senior attendance champion and how to reach them.
    pub attendance_champion: String,
}

/// Why data is shared at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Why {
    /// The purpose, in a sentence or two.
    pub purpose: String,
    /// The same for a learner of 14, for the privacy notice.
    pub for_learners: String,
    /// What is to be reached.
    pub aims: Vec<String>,
    /// Who is better off, and how.
    pub benefits: Vec<String>,
    /// Why the sharing is necessary for the purpose.
    pub necessity: String,
    /// What else was considered, and why it does not do.
    pub alternatives: String,
}

/// One data item: field groups of one kind that are shared on the same terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What it is a part of.
    pub kind: ItemKind,
    /// Numbers of the field groups, ascending. The head of a record goes with any of them.
    pub groups: Vec<u32>,
    /// Which way it flows.
    pub direction: Direction,
    /// Who may see it at the institution that receives it.
    pub seen_by: BTreeSet<Role>,
    /// Legal basis.
    pub legal_basis: LegalBasis,
    /// The law, duty or interest that the basis rests on.
    pub basis_source: String,
    /// The grounds for special categories and criminal-offence data, where the item can reveal any.
    pub grounds: SensitiveGrounds,
    /// How long each keeps it.
    pub retention: Retention,
}

/// Grounds for data that needs more than a legal basis.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SensitiveGrounds {
    /// Condition of UK GDPR Article 9(2).
    pub article_9: Option<Article9>,
    /// Condition of Schedule 1 to the Data Protection Act 2018.
    pub schedule_1: Option<String>,
    /// The appropriate policy document.
    pub policy_document: Option<String>,
}

/// How long an item is kept, and how it is deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retention {
    /// By the institution that made it.
    pub at_source: String,
    /// By the institution that received it.
    pub at_recipient: String,
    /// By the hub, after delivery; days.
    pub at_hub_days: u32,
    /// How each deletes it.
    pub deletion: String,
}

/// How the parties stand to each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Controllers {
    /// Separate or joint.
    pub relationship: Relationship,
    /// Joint: who does what (the arrangement of Article 26). Separate: what each decides for itself, if it is said.
    pub arrangement: Option<String>,
}

/// How people's rights are answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rights {
    /// The one place to ask.
    pub single_contact: String,
    /// How a request is handled, and who answers.
    pub handling: String,
}

/// What happens when data is lost or shown to the wrong person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    /// Who does what.
    pub procedure: String,
    /// Within how many hours a party tells the others.
    pub tell_parties_hours: u32,
}

/// The data protection impact assessment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dpia {
    /// Its reference.
    pub reference: String,
    /// Its date.
    pub date: SchoolDate,
}

/// What happens to copies at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// For every kind that `kept` does not name.
    pub copies: AtEnd,
    /// Why copies are kept; present if `copies` is keep.
    pub reason: Option<String>,
    /// Kinds whose copies are kept although others are withdrawn.
    pub kept: Vec<KeptKind>,
}

/// A kind whose copies are kept at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptKind {
    /// The kind.
    pub kind: ItemKind,
    /// Why.
    pub reason: String,
}

macro_rules! getters {
    ($($(#[$doc:meta])* $name:ident: $of:ty),+ $(,)?) => {
        $($(#[$doc])* pub const fn $name(&self) -> &$of { &self.$name })+
    };
}

impl AgreementText {
    getters! {
        /// Short name, unique in the consortium.
        id: Slug,
        /// Title.
        title: String,
        /// Version, from 1.
        version: u32,
        /// First date in force.
        first_date: SchoolDate,
        /// Last date in force.
        last_date: SchoolDate,
        /// Date by which the parties look at it again.
        review_date: SchoolDate,
        /// The parties, in the text's order; two or more.
        parties: Vec<Party>,
        /// Why.
        why: Why,
        /// What flows; one or more.
        items: Vec<Item>,
        /// When people are told that a learner is missing, as far as the text says it.
        times: AlertTimes,
        /// How the parties stand to each other.
        controllers: Controllers,
        /// How people's rights are answered.
        rights: Rights,
        /// How a wrong record is put right.
        correction: String,
        /// Security measures.
        security: Vec<String>,
        /// What happens on a breach.
        breach: Breach,
        /// Transfers out of the United Kingdom.
        transfers: String,
        /// The impact assessment.
        dpia: Dpia,
        /// What happens at the end.
        end: End,
    }

    /// The party with this short name.
    pub fn party(&self, institution: &Slug) -> Option<&Party> {
        self.parties.iter().find(|party| party.institution == *institution)
    }

    /// Parties that play a part: home, or host.
    pub fn parties_as(&self, part: Part) -> impl Iterator<Item = &Party> {
        self.parties.iter().filter(move |party| party.part == part || party.part == Part::Both)
    }

    /// What becomes of copies of a kind at the end, and why if they are kept.
    pub fn at_end(&self, kind: ItemKind) -> (AtEnd, Option<&str>) {
        match self.end.kept.iter().find(|kept| kept.kind == kind) {
            Some(kept) => (AtEnd::Keep, Some(&kept.reason)),
            None => (self.end.copies, self.end.reason.as_deref()),
        }
    }

    /// The terms: what is enforced of this text, and nothing besides.
    pub fn terms(&self) -> Agreement {
        let mut kinds: BTreeMap<RecordKind, Vec<u32>> = BTreeMap::new();
        let mut card = Vec::new();
        for item in &self.items {
            let groups = match item.kind {
                ItemKind::Record(kind) => kinds.entry(kind).or_default(),
                ItemKind::Card => &mut card,
            };
            groups.extend(&item.groups);
            groups.sort_unstable();
        }
        Agreement {
            id: self.id.clone(),
            version: self.version,
            parties: self.parties.iter().map(|party| party.institution.clone()).collect(),
            purpose: self.why.purpose.clone(),
            kinds,
            first_date: self.first_date,
            last_date: self.last_date,
            limits: Limits {
                homes: self.slugs(Part::Home),
                hosts: self.slugs(Part::Host),
                card,
                seen_by: self.seen_by(),
                kept_at_end: self.kinds().filter(|kind| self.at_end(*kind).0 == AtEnd::Keep).collect(),
                times: self.times.clone(),
            },
        }
    }

    fn slugs(&self, part: Part) -> Vec<Slug> {
        self.parties_as(part).map(|party| party.institution.clone()).collect()
    }

    fn seen_by(&self) -> BTreeMap<ItemKind, BTreeMap<u32, BTreeSet<Role>>> {
        let mut seen: BTreeMap<ItemKind, BTreeMap<u32, BTreeSet<Role>>> = BTreeMap::new();
        for item in &self.items {
            let groups = seen.entry(item.kind).or_default();
            groups.extend(item.groups.iter().map(|group| (*group, item.seen_by.clone())));
        }
        seen
    }

    /// Kinds that flow, each once.
    pub fn kinds(&self) -> impl Iterator<Item = ItemKind> {
        self.items.iter().map(|item| item.kind).collect::<BTreeSet<_>>().into_iter()
    }
}
