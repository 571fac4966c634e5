//! A question of a person: may this role, at this institution, for this purpose, see or do that?
//!
//! It carries relations and what is in force. Neither the person nor the learner is named: nothing personal reaches a
//! policy, and two people in the same situation get the same answer.

use crate::question::AgreementInForce;
use commonroll_core::{Purpose, RecordKind, Role, Slug};
use std::{fmt, str::FromStr};

/// The parts of a learner's card: number and name, ascending. The first comes with the card, as a record's head does.
pub const CARD_GROUPS: &[(u32, &str)] =
    &[(1, "identity"), (2, "emergency_contact"), (3, "needs"), (4, "presence_today")];

/// A question of a person. Everything that a decision depends on is in here.
#[derive(Debug, Clone, Copy)]
pub struct PersonQuestion<'a> {
    /// The one role in use.
    pub role: Role,
    /// The person's institution.
    pub institution: &'a Slug,
    /// Why the person looks. An office act that shows nobody's data has [`Purpose::Administration`].
    pub purpose: Purpose,
    /// What the person wants to see or do.
    pub matter: Matter<'a>,
}

/// What somebody wants to see or do.
#[derive(Debug, Clone, Copy)]
pub enum Matter<'a> {
    /// See one record.
    Record(RecordFacts<'a>),
    /// See a learner's card.
    Card(CardFacts<'a>),
    /// Anything that isn't one learner's record or card.
    Office(Office<'a>),
}

/// One record, as far as a decision goes.
#[derive(Debug, Clone, Copy)]
pub struct RecordFacts<'a> {
    /// Its kind.
    pub kind: RecordKind,
    /// The institution that made it.
    pub source: &'a Slug,
    /// The learner's home. `None` if the learner is not known, or if two institutions claim to be home.
    pub home: Option<&'a Slug>,
    /// True if a placement between home and source, declared and accepted, covers the record's date, time and group.
    pub placed: bool,
    /// True if the source marked the record confidential.
    pub confidential: bool,
    /// The agreement between source and home in force today that lists this kind.
    pub agreement: Option<AgreementInForce<'a>>,
    /// True if the person teaches, at the own institution, a group that the learner is in within the placement's dates.
    pub teaches: bool,
    /// True if the learner is this person, or this person's child.
    pub own: bool,
    /// True if the learner's home lets learners and parents in.
    pub access_on: bool,
    /// True while an emergency access of this person for this learner runs.
    pub emergency: bool,
}

/// A learner's card, as far as a decision goes.
#[derive(Debug, Clone, Copy)]
pub struct CardFacts<'a> {
    /// The learner's home, as in [`RecordFacts`].
    pub home: Option<&'a Slug>,
    /// True if a placement of the learner with the institution that asks is in force now.
    pub host_placed: bool,
    /// As in [`RecordFacts`].
    pub teaches: bool,
    /// As in [`RecordFacts`].
    pub own: bool,
    /// As in [`RecordFacts`].
    pub access_on: bool,
    /// As in [`RecordFacts`].
    pub emergency: bool,
    /// The agreement between home and the institution that asks, in force today, that lists cards. Its groups are
    /// those of [`CARD_GROUPS`].
    pub agreement: Option<AgreementInForce<'a>>,
}

/// An office act.
#[derive(Debug, Clone, Copy)]
pub struct Office<'a> {
    /// Which.
    pub act: OfficeAct,
    /// Whose institution it concerns; `None` for the consortium as a whole.
    pub of: Option<&'a Slug>,
    /// True if somebody else proposed it, or did what is now looked at.
    pub second: bool,
}

/// What a person sees or does besides one learner's record or card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OfficeAct {
    /// See the rules, in force and earlier.
    SeePolicy,
    /// See why something was decided, what was refused, who saw what.
    SeeDecisions,
    /// See log entries, which hold no payload.
    SeeLog,
    /// See how ready a partner's data is.
    SeeReadiness,
    /// See, as figures, what an institution sends and receives.
    SeeSharing,
    /// See sums with small numbers suppressed.
    SeeAggregates,
    /// See learners' names in the outcome of a trial.
    SeeNames,
    /// Try other rules or another agreement.
    TryPolicy,
    /// Propose a change of the rules.
    ProposePolicy,
    /// Approve a proposed change of the rules.
    ApprovePolicy,
    /// Put an approved change of the rules in force.
    ActivatePolicy,
    /// Propose an agreement that the institution is party to.
    ProposeAgreement,
    /// Sign an agreement for the institution.
    SignAgreement,
    /// Invite a person of the institution.
    InvitePerson,
    /// Give a role that can widen: head, data manager, DPO, consortium lead.
    GrantOffice,
    /// Take a person's access away.
    RevokePerson,
    /// Export what is held about one learner, for the one who asks by right.
    SubjectExport,
    /// Erase what is held about one learner.
    Erase,
    /// Draw up what a breach touched.
    BreachPack,
    /// Draw up what an institution that leaves takes with it.
    ExitPack,
    /// End the institution's membership of the consortium.
    EndMembership,
    /// Open an emergency access.
    OpenEmergency,
    /// Review an emergency access.
    ReviewEmergency,
    /// Ask for another length of time for which payloads are kept, and see what it is.
    AskRetention,
    /// Set how long payloads are kept.
    SetRetention,
    /// Let learners and parents in, or shut them out.
    SetAccess,
    /// Decide which learner an ambiguous record is about.
    SettleMatch,
    /// Take records of the institution's learners out of the hub, as a file.
    ExportRecords,
    /// Approve an export that somebody else asked for.
    ApproveExport,
}

impl OfficeAct {
    /// Every act.
    pub const ALL: [Self; 29] = [
        Self::SeePolicy,
        Self::SeeDecisions,
        Self::SeeLog,
        Self::SeeReadiness,
        Self::SeeSharing,
        Self::SeeAggregates,
        Self::SeeNames,
        Self::TryPolicy,
        Self::ProposePolicy,
        Self::ApprovePolicy,
        Self::ActivatePolicy,
        Self::ProposeAgreement,
        Self::SignAgreement,
        Self::InvitePerson,
        Self::GrantOffice,
        Self::RevokePerson,
        Self::SubjectExport,
        Self::Erase,
        Self::BreachPack,
        Self::ExitPack,
        Self::EndMembership,
        Self::OpenEmergency,
        Self::ReviewEmergency,
        Self::AskRetention,
        Self::SetRetention,
        Self::SetAccess,
        Self::SettleMatch,
        Self::ExportRecords,
        Self::ApproveExport,
    ];

    /// The act's name in the policies, in files and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SeePolicy => "see_policy",
            Self::SeeDecisions => "see_decisions",
            Self::SeeLog => "see_log",
            Self::SeeReadiness => "see_readiness",
            Self::SeeSharing => "see_sharing",
            Self::SeeAggregates => "see_aggregates",
            Self::SeeNames => "see_names",
            Self::TryPolicy => "try_policy",
            Self::ProposePolicy => "propose_policy",
            Self::ApprovePolicy => "approve_policy",
            Self::ActivatePolicy => "activate_policy",
            Self::ProposeAgreement => "propose_agreement",
            Self::SignAgreement => "sign_agreement",
            Self::InvitePerson => "invite_person",
            Self::GrantOffice => "grant_office",
            Self::RevokePerson => "revoke_person",
            Self::SubjectExport => "subject_export",
            Self::Erase => "erase",
            Self::BreachPack => "breach_pack",
            Self::ExitPack => "exit_pack",
            Self::EndMembership => "end_membership",
            Self::OpenEmergency => "open_emergency",
            Self::ReviewEmergency => "review_emergency",
            Self::AskRetention => "ask_retention",
            Self::SetRetention => "set_retention",
            Self::SetAccess => "set_access",
            Self::SettleMatch => "settle_match",
            Self::ExportRecords => "export_records",
            Self::ApproveExport => "approve_export",
        }
    }
}

impl fmt::Display for OfficeAct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for OfficeAct {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|act| act.as_str() == text).ok_or(())
    }
}

impl<'a> PersonQuestion<'a> {
    /// The agreement that the question rests on, if any.
    pub(crate) const fn agreement(&self) -> Option<AgreementInForce<'a>> {
        match &self.matter {
            Matter::Record(facts) => facts.agreement,
            Matter::Card(facts) => facts.agreement,
            Matter::Office(_) => None,
        }
    }
}
