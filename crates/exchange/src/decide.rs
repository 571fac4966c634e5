//! The two decisions about a record: who gets it when it is published, and whether it may leave now.
//!
//! What is so comes from the directory, what follows from it is policy's to say; where partners agreed that a kind must be
//! unlocked first, that comes on top. Redacting asks for the permit, so that nothing can leave without one.

use crate::{
    directory::{Directory, Placed},
    entry::{Circumstances, Recipient},
    types::{GroupState, SealedGroup},
};
use commonroll_audit::seal::group_leaf;
use commonroll_core::{LocalId, RecordKind, Timestamp};
use commonroll_policy::{Action, AgreementInForce, DenyCode, Permit, PersonPermit, Question};
use std::sync::Arc;

/// What a record is, as far as decisions go.
#[derive(Clone)]
pub struct Subject<'a> {
    /// Who made it.
    pub source: u16,
    /// Its kind.
    pub kind: RecordKind,
    /// True if it travels only by a policy of its own.
    pub confidential: bool,
    /// True if it takes back or corrects what was taken in before. A lock is about how good new data is: what was handed out is
    /// made right whatever has been locked since, even where nobody can tell any more whether it was handed out.
    pub corrects: bool,
    /// Whom and when it is about.
    pub circumstances: &'a Circumstances,
}

/// A record may be published: who it is about, and who gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The learner.
    pub learner: u32,
    /// Field groups that policy lets into the hub at all; the others are kept as their hashes.
    pub stored: u32,
    /// Where the directory placed it.
    pub placed: Placed,
    /// Who may have it now.
    pub recipients: Vec<Recipient>,
}

/// Why a record was refused: a stable code, and what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// Stable code.
    pub code: &'static str,
    /// What to do.
    pub reason: &'static str,
}

/// A no: the policies', or that partners agreed on a condition that isn't met yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum No {
    Policy(DenyCode),
    NotUnlocked,
}

impl No {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Policy(code) => code.as_str(),
            Self::NotUnlocked => NOT_UNLOCKED,
        }
    }
}

impl From<No> for Refusal {
    fn from(no: No) -> Self {
        let No::Policy(code) = no else {
            let reason = "not yet unlocked: the partners agreed that this kind flows from you once your attendance has been \
                          tight for long enough and two people have agreed; see Readiness in the console";
            return Self { code: NOT_UNLOCKED, reason };
        };
        let reason = match code {
            DenyCode::NoAgreement => {
                "no sharing agreement in force between home and host lists this kind of record"
            }
            DenyCode::Confidential => "confidential records travel only by a policy of their own",
            DenyCode::PolicyError => {
                "the hub's policy failed on this record, so it is refused; tell the data manager"
            }
            // The rest are told to persons only; a partner that met one would be told no more than of an unknown learner.
            _ => NO_PLACEMENT.reason,
        };
        let code = match code {
            DenyCode::NoAgreement | DenyCode::Confidential | DenyCode::PolicyError => code.as_str(),
            _ => NO_PLACEMENT.code,
        };
        Self { code, reason }
    }
}

/// Code of what is kept back until its source is unlocked for it.
pub const NOT_UNLOCKED: &str = "not_unlocked";

/// The one answer for a learner who is not placed here and for one whom nobody knows.
pub const NO_PLACEMENT: Refusal = Refusal {
    code: "no_placement",
    reason: "no placement of this learner with you covers the record's date, time and group; home declares it and you accept it",
};

/// Decides what becomes of a record that its source publishes.
pub fn publish(directory: &Directory, subject: &Subject<'_>, now: Timestamp) -> Result<Decision, Refusal> {
    let placed = place(directory, subject);
    let (Some(learner), Some(home)) = (placed.learner, placed.home) else { return Err(NO_PLACEMENT) };
    let ask = |action, actor| decide(directory, subject, action, actor, home, placed.in_force, now);
    let permit = ask(Action::Publish, subject.source).map_err(Refusal::from)?;
    let recipients = ask(Action::Receive, home)
        .map(|permit| Recipient { institution: home, groups: permit.groups() })
        .into_iter()
        .collect();
    Ok(Decision { learner, stored: permit.groups(), recipients, placed })
}

/// Where the directory places a record: who it is about, who is home, whether a placement covers it.
pub fn place(directory: &Directory, subject: &Subject<'_>) -> Placed {
    let c = subject.circumstances;
    directory.placed(subject.source, &c.learner, c.date, c.at, c.group.as_ref())
}

/// Decides whether a record may leave for a recipient at this moment, and under which id the recipient knows the learner.
/// `placed` is where this same directory places it.
pub fn leave(
    directory: &Directory,
    subject: &Subject<'_>,
    placed: Placed,
    recipient: u16,
    now: Timestamp,
) -> Result<(Permit, LocalId), &'static str> {
    let learner = placed.learner.ok_or("no_placement")?;
    let (home, local) = directory.home_of(learner).ok_or("no_placement")?;
    if *home != recipient {
        return Err("not_home");
    }
    decide(directory, subject, Action::Receive, recipient, *home, placed.in_force, now)
        .map(|permit| (permit, local.clone()))
        .map_err(No::as_str)
}

fn decide(
    directory: &Directory,
    subject: &Subject<'_>,
    action: Action,
    actor: u16,
    home: u16,
    placed: bool,
    now: Timestamp,
) -> Result<Permit, No> {
    let slug = |number: u16| directory.institution(number).map(|s| &s.info.slug);
    let (Some(actor), Some(source), Some(home_state)) =
        (slug(actor), slug(subject.source), directory.institution(home))
    else {
        return Err(No::Policy(DenyCode::PolicyError));
    };
    let today = now.date_in(&home_state.zone);
    let agreement = directory.agreement(subject.source, home, subject.kind, today);
    let question = Question {
        action,
        actor,
        source,
        kind: subject.kind,
        home: Some(&home_state.info.slug),
        placed,
        agreement: agreement.map(|(a, groups)| AgreementInForce { id: &a.id, version: a.version, groups }),
        confidential: subject.confidential,
    };
    // Without a set that can be asked, the answer is no.
    let policy = directory.policies().set().ok_or(No::Policy(DenyCode::PolicyError))?;
    let permit = policy.decide(&question).map_err(|denied| No::Policy(denied.code))?;
    match directory.unlocks().lock(subject.source, subject.kind, subject.circumstances.date) {
        Some(_) if !subject.corrects => Err(No::NotUnlocked),
        _ => Ok(permit),
    }
}

/// Leaves of a record what a permit allows: every other field group goes as its hash.
pub fn redact(groups: &Arc<[SealedGroup]>, permit: &Permit) -> Arc<[SealedGroup]> {
    only(groups, permit.groups())
}

/// The same for a person.
pub fn redact_for(groups: &Arc<[SealedGroup]>, permit: &PersonPermit) -> Arc<[SealedGroup]> {
    only(groups, permit.groups())
}

/// A record's field groups with all but some as their hashes. The head always stays.
pub fn only(groups: &Arc<[SealedGroup]>, mask: u32) -> Arc<[SealedGroup]> {
    let allowed = mask | 1 << 1;
    let keep = |number: u32| number < 32 && allowed & (1 << number) != 0;
    let stays = |group: &SealedGroup| keep(group.number) || matches!(group.state, GroupState::Withheld(_));
    if groups.iter().all(stays) {
        return groups.clone();
    }
    groups
        .iter()
        .map(|group| match &group.state {
            GroupState::Open { salt, content } if !keep(group.number) => SealedGroup {
                number: group.number,
                state: GroupState::Withheld(group_leaf(group.number, salt, content)),
            },
            _ => group.clone(),
        })
        .collect()
}
