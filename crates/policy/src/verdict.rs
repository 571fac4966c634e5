//! What a decision yields: a [`Permit`], which is the proof that it was made, or a [`Denied`] that says what is missing.

use crate::{facts, question::Action};
use commonroll_core::{RecordKind, Slug};
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
    /// Nothing is missing, but no rule permits it, or a rule forbids it.
    NoPolicy,
    /// A rule failed while it was evaluated.
    PolicyError,
}

impl DenyCode {
    /// Every code.
    pub const ALL: [Self; 6] = [
        Self::Confidential,
        Self::NotHome,
        Self::NoPlacement,
        Self::NoAgreement,
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
    /// Which thing is missing or in the way, and who can change it, in plain words.
    pub fn reason(&self) -> &str {
        &self.why.reason
    }

    /// Ids of the policies that decided: those that forbid, or those that failed. Empty if no policy permitted.
    pub fn policies(&self) -> &[String] {
        &self.why.policies
    }
}
