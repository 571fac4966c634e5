//! The facts that a decision depends on, without any name: the key of the memo.
//!
//! Policies speak only of relations (the actor *is* the home), never of one named institution or agreement: loading
//! refuses a policy that does (see [`crate::load`]), and institutions have no attributes. So two questions with equal
//! facts get equal answers, and every situation there is has a number below [`Facts::COUNT`].

use crate::question::{Action, Question};
use commonroll_core::RecordKind;

/// Number of the head's field group, which is granted with its kind.
pub(crate) const HEAD: u32 = 1;
/// Most field groups besides the head that a kind has.
const GROUPS_MAX: usize = most_groups();
/// Situations of one kind: two actions, placed, confidential, actor is source, four homes, and the agreement.
const PER_KIND: usize = 2 * 2 * 2 * 2 * 4 * AGREEMENTS;
/// No agreement, or one that lists any subset of the groups; a power of two that holds both.
const AGREEMENTS: usize = 2 << GROUPS_MAX;

const fn most_groups() -> usize {
    let (mut most, mut at) = (0, 0);
    while at < RecordKind::ALL.len() {
        let groups = RecordKind::ALL[at].groups().len();
        if groups > most {
            most = groups;
        }
        at += 1;
    }
    assert!(most <= 6, "a kind with more than six field groups needs a hashed memo instead of a table");
    most
}

/// Who the learner's home is, told by its relation to the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Home {
    /// Not known, or contested.
    Unknown,
    /// The actor.
    Actor,
    /// The source, which is not the actor.
    Source,
    /// Somebody else.
    Other,
}

/// Everything that Cedar sees of a question, without names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Facts {
    pub action: Action,
    pub kind: RecordKind,
    pub actor_is_source: bool,
    pub home: Home,
    pub placed: bool,
    pub confidential: bool,
    /// Groups of this kind that the agreement lists, in the order of [`RecordKind::groups`]: bit 0 is the first.
    pub listed: Option<u8>,
}

impl Facts {
    /// How many situations there are, which bounds the memo.
    pub const COUNT: usize = RecordKind::ALL.len() * PER_KIND;

    /// The facts of a question. Numbers that are no group of the kind are dropped: nothing can grant them.
    #[inline]
    pub fn of(question: &Question<'_>) -> Self {
        let actor_is_source = question.actor == question.source;
        let home = match question.home {
            None => Home::Unknown,
            Some(home) if home == question.actor => Home::Actor,
            Some(home) if home == question.source => Home::Source,
            Some(_) => Home::Other,
        };
        Self {
            action: question.action,
            kind: question.kind,
            actor_is_source,
            home,
            placed: question.placed,
            confidential: question.confidential,
            listed: question.agreement.map(|agreement| listed(question.kind, agreement.groups)),
        }
    }

    /// The number of this situation, below [`Facts::COUNT`].
    #[inline]
    pub fn index(self) -> usize {
        let mut index = place(self.kind);
        index = index * 2 + self.action as usize;
        index = index * 2 + usize::from(self.actor_is_source);
        index = index * 4 + self.home as usize;
        index = index * 2 + usize::from(self.placed);
        index = index * 2 + usize::from(self.confidential);
        index * AGREEMENTS + self.listed.map_or(0, |listed| usize::from(listed) * 2 + 1)
    }
}

/// A kind's place in [`RecordKind::ALL`].
pub(crate) fn place(kind: RecordKind) -> usize {
    RecordKind::ALL.iter().position(|other| *other == kind).expect("ALL holds every kind")
}

/// Which of a kind's groups a set of numbers holds, packed.
fn listed(kind: RecordKind, groups: u32) -> u8 {
    let packed = |(at, (number, _)): (usize, &(u32, &str))| u8::from(has(groups, *number)) << at;
    kind.groups().iter().enumerate().map(packed).fold(0, |all, bit| all | bit)
}

/// True if a set of group numbers holds this one. Numbers past 31 are in no set.
pub(crate) fn has(groups: u32, number: u32) -> bool {
    1u32.checked_shl(number).is_some_and(|bit| groups & bit != 0)
}
