//! What a decision yields: a [`Permit`], [`PersonPermit`] or [`CardPermit`], which is the proof that it was made, or a
//! [`Denied`] that says what is missing.

use crate::{
    facts,
    person::{Matter, OfficeAct, PersonQuestion},
    question::Action,
};
use commonroll_core::{Purpose, RecordKind, Role, Slug};
use std::{fmt, str::FromStr, sync::Arc};

/// Proof that the policies let `actor` publish or receive such a record, now. Made only by
/// [`Policy::decide`](crate::Policy::decide): what discloses asks for it, so that forgetting to decide doesn't compile.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Permit {
    pub(crate) action: Action,
    pub(crate) kind: RecordKind,
    pub(crate) actor: Slug,
    pub(crate) groups: u32,
    pub(crate) policies: Arc<str>,
    pub(crate) agreement: Option<(Slug, u32)>,
}

impl Permit {
    /// What is permitted.
    pub const fn action(&self) -> Action {
        self.action
    }

    /// The kind of record.
    pub const fn kind(&self) -> RecordKind {
        self.kind
    }

    /// Whom the permit is for.
    pub const fn actor(&self) -> &Slug {
        &self.actor
    }

    /// Field groups that may leave: bit `1 << number`. The head is always among them.
    pub const fn groups(&self) -> u32 {
        self.groups
    }

    /// True if the field group with this number may leave.
    pub fn lets_out(&self, number: u32) -> bool {
        facts::has(self.groups, number)
    }

    /// Ids of the policies that permit, separated by commas.
    pub fn reason(&self) -> &str {
        &self.policies
    }

    /// Name and version of the agreement that it rests on.
    pub fn agreement(&self) -> Option<(&Slug, u32)> {
        self.agreement.as_ref().map(|(id, version)| (id, *version))
    }
}

/// What a [`PersonPermit`] is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Permitted {
    /// Reading a record of this kind.
    Record(RecordKind),
    /// Reading a card.
    Card,
    /// An office act.
    Office(OfficeAct),
}

/// Proof that the policies let a person, in one role and for one purpose, see or do something, now. Made only by
/// [`Policy::decide_person`](crate::Policy::decide_person).
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct PersonPermit {
    pub(crate) role: Role,
    pub(crate) institution: Slug,
    pub(crate) purpose: Purpose,
    pub(crate) what: Permitted,
    /// For an office act: whose institution it concerns.
    pub(crate) of: Option<Slug>,
    pub(crate) groups: u32,
    pub(crate) policies: Arc<str>,
    pub(crate) agreement: Option<(Slug, u32)>,
}

impl PersonPermit {
    pub(crate) fn new(question: &PersonQuestion<'_>, groups: u32, policies: &Arc<str>) -> Self {
        let (what, of) = match &question.matter {
            Matter::Record(record) => (Permitted::Record(record.kind), None),
            Matter::Card(_) => (Permitted::Card, None),
            Matter::Office(office) => (Permitted::Office(office.act), office.of.cloned()),
        };
        Self {
            role: question.role,
            institution: question.institution.clone(),
            purpose: question.purpose,
            what,
            of,
            groups,
            policies: Arc::clone(policies),
            agreement: question.agreement().map(|a| (a.id.clone(), a.version)),
        }
    }

    /// The role in use.
    pub const fn role(&self) -> Role {
        self.role
    }

    /// The person's institution.
    pub const fn institution(&self) -> &Slug {
        &self.institution
    }

    /// The purpose that was named.
    pub const fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// What is permitted.
    pub const fn what(&self) -> Permitted {
        self.what
    }

    /// For an office act: whose institution it concerns; `None` for the consortium.
    pub const fn of(&self) -> Option<&Slug> {
        self.of.as_ref()
    }

    /// Field groups that may be shown: bit `1 << number`. None for an office act.
    pub const fn groups(&self) -> u32 {
        self.groups
    }

    /// True if the field group with this number may be shown.
    pub fn lets_out(&self, number: u32) -> bool {
        facts::has(self.groups, number)
    }

    /// Ids of the policies that permit, separated by commas.
    pub fn reason(&self) -> &str {
        &self.policies
    }

    /// Name and version of the agreement in force between the two institutions, if there is one.
    pub fn agreement(&self) -> Option<(&Slug, u32)> {
        self.agreement.as_ref().map(|(id, version)| (id, *version))
    }
}

/// Proof that the policies let an institution be handed a learner's card, now. Made only by
/// [`Policy::decide_card`](crate::Policy::decide_card).
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct CardPermit {
    pub(crate) recipient: Slug,
    pub(crate) groups: u32,
    pub(crate) policies: Arc<str>,
    pub(crate) agreement: Option<(Slug, u32)>,
}

impl CardPermit {
    /// Whom the permit is for.
    pub const fn recipient(&self) -> &Slug {
        &self.recipient
    }

    /// Groups of [`CARD_GROUPS`](crate::CARD_GROUPS) that may leave: bit `1 << number`.
    pub const fn groups(&self) -> u32 {
        self.groups
    }

    /// Ids of the policies that permit, separated by commas.
    pub fn reason(&self) -> &str {
        &self.policies
    }

    /// Name and version of the agreement that it rests on.
    pub fn agreement(&self) -> Option<(&Slug, u32)> {
        self.agreement.as_ref().map(|(id, version)| (id, *version))
    }
}

/// Why the answer is no: stable, for programs, the log and the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DenyCode {
    /// The record is marked confidential.
    Confidential,
    /// The recipient isn't the learner's (uncontested) home.
    NotHome,
    /// No placement covers the record; the same for a learner nobody knows.
    NoPlacement,
    /// No agreement in force lists this kind of record.
    NoAgreement,
    /// The agreement in force lists the kind and shows this role nothing of it.
    NotShown,
    /// The role doesn't look, or act, for this purpose.
    WrongPurpose,
    /// The person teaches none of the learner's groups, within the placement's dates.
    NotTeaching,
    /// Neither the person's own record nor their child's.
    NotOwn,
    /// The learner's home doesn't let learners and parents in.
    AccessOff,
    /// An act that concerns another institution than the person's.
    NotYours,
    /// It takes a second person.
    NeedsSecond,
    /// No emergency access is open.
    NoEmergency,
    /// Nothing is missing, but no rule permits it, or a rule forbids it.
    NoPolicy,
    /// A rule failed while it was evaluated.
    PolicyError,
}

impl DenyCode {
    /// Every code.
    pub const ALL: [Self; 14] = [
        Self::Confidential,
        Self::NotHome,
        Self::NoPlacement,
        Self::NoAgreement,
        Self::NotShown,
        Self::WrongPurpose,
        Self::NotTeaching,
        Self::NotOwn,
        Self::AccessOff,
        Self::NotYours,
        Self::NeedsSecond,
        Self::NoEmergency,
        Self::NoPolicy,
        Self::PolicyError,
    ];

    /// The code as text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Confidential => "confidential",
            Self::NotHome => "not_home",
            Self::NoPlacement => "no_placement",
            Self::NoAgreement => "no_agreement",
            Self::NotShown => "not_shown",
            Self::WrongPurpose => "wrong_purpose",
            Self::NotTeaching => "not_teaching",
            Self::NotOwn => "not_own",
            Self::AccessOff => "access_off",
            Self::NotYours => "not_yours",
            Self::NeedsSecond => "needs_second",
            Self::NoEmergency => "no_emergency",
            Self::NoPolicy => "no_policy",
            Self::PolicyError => "policy_error",
        }
    }
}

impl fmt::Display for DenyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for DenyCode {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|code| code.as_str() == text).ok_or(())
    }
}

/// The answer is no. Names no institution and nobody, so that it may be logged and shown to the one who asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {}", .why.reason)]
pub struct Denied {
    /// Why, for programs.
    pub code: DenyCode,
    pub(crate) why: Arc<Why>,
}

/// The words behind a denial, shared by all who get the same one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Why {
    pub reason: String,
    pub policies: Vec<String>,
}

impl Denied {
    /// What a no that lacks an agreement is, where there is one that lists the kind and leaves the role out: the policies
    /// are told of an agreement only what it shows.
    pub fn not_shown(agreement: &Slug, version: u32) -> Self {
        let reason = format!(
            "the agreement in force ({agreement}, version {version}) shows this role nothing of this kind: its parties can \
             sign a new version that does"
        );
        Self { code: DenyCode::NotShown, why: Arc::new(Why { reason, policies: Vec::new() }) }
    }

    /// Which thing is missing or in the way, and who can change it, in plain words.
    pub fn reason(&self) -> &str {
        &self.why.reason
    }

    /// Ids of the policies that decided: those that forbid, or those that failed. Empty if no policy permitted.
    pub fn policies(&self) -> &[String] {
        &self.why.policies
    }
}
