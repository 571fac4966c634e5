//! One change of the directory: the payload of a directory entry in the log, and the only way to alter the directory.
//!
//! A change says what is so after it, decisions included (which learner a guest is, whether a claim is contested), so
//! that applying changes in order needs no rule and every node ends in the same state. Keeping the newest change of
//! each [`Change::key`] is enough to load the directory again.
#![expect(missing_docs, reason = "the fields of a change are the words of the directory")]

pub use super::bytes::{Bytes16, Bytes32, PersonUuid, Uuid, hex, short_hash, unhex};

use super::{
    agreements::{Ending, Standing},
    alerts::{AlertId, Alerted, Remark, RemarkId, Step},
    approvals::Approval,
    codes::SessionCodes,
    conventions::Convention,
    doubts::Doubt,
    expected::{Called, LessonText, NoticeText, SupportText},
    exports::Export,
    matches::{MatchCase, MatchDeed},
    messages::{Gone, Message},
    policies::Proposal,
    sending::Sending,
    sources::SourcesHeld,
    tokens::Tokens,
    unlocks::Unlock,
    warnings::Warning,
    watches::Watch,
};
use crate::withdrawal::{Answered, Reason};
use commonroll_core::{
    LocalId, RecordKind, Role, SchoolDate, Slug, Timestamp,
    directory::{Agreement, DateRange, Institution, Registration, Week},
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What is so from this entry on.
#[derive(Clone, Serialize, Deserialize, PartialEq)]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum Change {
    /// An institution is a partner. `number` is its short name inside the log.
    Institution { number: u16, institution: Institution },
    /// Terms that the operator of a log of the first kind stated. Nobody signed them: they are shown, and not in force.
    Agreement { agreement: Agreement },
    /// An invitation was issued, approved or used. Only the code's hash is known. For an agent, or for the person named.
    Invitation {
        hash: Bytes32,
        institution: Slug,
        expires: Timestamp,
        used: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        person: Option<Invited>,
    },
    /// An agent is enrolled, was used, or is revoked.
    Agent {
        agent: Uuid,
        institution: Slug,
        key: Bytes32,
        enrolled: Timestamp,
        used: Timestamp,
        revoked: Option<Timestamp>,
    },
    /// A learner as one institution knows them, and who that is.
    Learner {
        institution: u16,
        local: LocalId,
        registration: Registration,
        learner: Option<u32>,
        contested: bool,
        approved: bool,
        tokens: Tokens,
        /// Whom this was believed to be before, if that ever changed: records in the log name them so.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        was: Vec<u32>,
        /// How the institution calls them. Personal. Older logs don't have it, and it goes with whoever leaves.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        called: Option<Called>,
        /// Since when a guest has been believed to be that learner. Older logs don't say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        since: Option<Timestamp>,
        /// That the id of a home's own learner stands for another child all at once.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        doubt: Option<Box<Doubt>>,
    },
    /// A teaching group.
    Group { institution: u16, local: LocalId, title: String, subject: String },
    /// One side of a placement: declared by the home or accepted by the host.
    Side {
        by: u16,
        local: LocalId,
        other: u16,
        group: Option<LocalId>,
        hosting: bool,
        dates: DateRange,
        ended: Option<Timestamp>,
    },
    /// How far a recipient has acknowledged, with its receipt.
    Cursor { institution: u16, cursor: u64, digest: Bytes32, key_id: String, signature: String },
    /// A source's next batch number, where no record entry says it. Of what was refused by each rule, `again` were the very records
    /// that it had refused before.
    Batch {
        institution: u16,
        number: u64,
        refused: Vec<(String, u32)>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        again: Vec<(String, u32)>,
        repeated: u32,
    },
    /// The policy set in force: its hash, its files by name, and who approved it. A log of the first kind has the hash
    /// alone: the set that its program was built with.
    Policy {
        hash: Bytes32,
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        texts: BTreeMap<String, String>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        approvals: Vec<Approval>,
    },
    /// A person is enrolled, was used, or is revoked.
    Person {
        person: PersonUuid,
        institution: Slug,
        name: String,
        roles: BTreeSet<Role>,
        /// `None` for somebody who signs in with their institution's account alone: they approve nothing by signature.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<Bytes32>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        staff: Option<LocalId>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        learner: Option<LocalId>,
        enrolled: Timestamp,
        used: Timestamp,
        revoked: Option<Timestamp>,
        /// True if the roles are what the institution's own sign-in says, and change with it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        provided: bool,
    },
    /// An account at an institution's sign-in is this person's. `account` is a keyed hash of issuer and subject.
    Account { account: Bytes32, person: PersonUuid },
    /// An agreement's exact text, and who has signed it.
    AgreementSigned {
        hash: Bytes32,
        text: String,
        standing: Standing,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        signatures: Vec<Approval>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ended: Option<Ending>,
        /// The institution whose proposal it is; older logs don't say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        proposed_by: Option<Slug>,
    },
    /// A proposed policy set, and who stands behind it.
    Proposal { proposal: Box<Proposal> },
    /// A member of staff teaches these groups of their institution, and no others.
    Staff { institution: u16, local: LocalId, groups: Vec<LocalId> },
    /// An institution lets its learners and their parents see the learner's own record, or no longer does.
    Access { institution: u16, on: bool },
    /// A recipient is asked to remove copies, or has answered.
    Notice {
        recipient: u16,
        number: u64,
        reason: Reason,
        copies: u32,
        issued: Timestamp,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        answered: Option<Box<Answered>>,
    },
    /// Records were sent again to a recipient, as counted.
    Again { recipient: u16, copies: u32 },
    /// Revisions of a record below this one may not leave: its source has marked it confidential since.
    Hidden { record: Bytes16, below: u32 },
    /// A person opened an emergency access to a learner's card, or it was reviewed.
    Emergency { emergency: Box<Emergency> },
    /// Payloads must go, or are gone. `of` says which: the first place (counted from 1) and how many from there on.
    Erased {
        id: Bytes16,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        of: Vec<(u64, u64)>,
        /// True if nothing may stay; false if what it takes to call copies back does.
        whole: bool,
        done: bool,
    },
    /// How long the hub keeps the payloads of an institution's records of a kind, and what somebody asks to have instead.
    Kept {
        institution: u16,
        record: RecordKind,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rule: Option<Keeping>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        asked: Option<KeepingAsked>,
    },
    /// An institution has left: nothing flows to it or from it any more.
    Left { institution: u16, at: Timestamp },
    /// All lessons of an institution on a date.
    Day {
        institution: u16,
        date: SchoolDate,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        closed: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        week: Option<Week>,
        lessons: Vec<LessonText>,
    },
    /// An institution told something in advance about a learner, or takes it back. `local` is its own id of the notice.
    Told {
        institution: u16,
        local: LocalId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        said: Option<NoticeText>,
    },
    /// What a learner needs elsewhere, by their home's id for them; nothing if it was taken back.
    Support {
        institution: u16,
        local: LocalId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        said: Option<SupportText>,
    },
    /// Something about whereabouts was told, taken in hand, or is over.
    Alert { alert: Box<Alerted> },
    /// A host's teacher told the home of a visiting learner something, or the home said something to it.
    Message { message: Box<Message> },
    /// A message is gone: nothing says any more who it was about, who wrote it, or what.
    MessageGone { id: Bytes16, why: Gone },
    /// A person wrote something about an alert. Personal.
    Remark { remark: Box<Remark> },
    /// What was told, and what people wrote about it, is kept no longer: their rows go.
    Forgotten {
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        alerts: Vec<AlertId>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        remarks: Vec<RemarkId>,
    },
    /// What a home decided of the session codes of one session: all of it, anew.
    Codes { session: Box<SessionCodes> },
    /// Somebody watches a learner of theirs, has something told about it, or does so no longer.
    Watch { watch: Box<Watch> },
    /// What partners agree on about their data was proposed, accepted, declined or taken back.
    Convention { convention: Box<Convention> },
    /// A partner's kind of record was proposed to be unlocked, was, or is locked again.
    Unlock { unlock: Box<Unlock> },
    /// What an agent tells of its sources, all of them anew.
    Sources { sources: Box<SourcesHeld> },
    /// What was told goes to an institution by mail or webhook, went, or could not be sent.
    Sending { sending: Box<Sending> },
    /// Data managers were warned: far too much was refused in a short time.
    Warning { warning: Warning },
    /// Somebody asked for an export, somebody else approved it, or it was made.
    Export { export: Box<Export> },
    /// A host asked a home who a guest is, the home answered, or a link was undone.
    Match { case: Box<MatchCase> },
    /// Nothing says any more who was matched with whom, or asked about: its row goes.
    MatchGone { id: Bytes16 },
    /// Every change up to this size of the log has been followed by its notices, as things stood then.
    Swept { up_to: u64, at: Timestamp },
}

/// How long payloads are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keeping {
    /// Days after the last recipient has acknowledged; after acceptance where there is none, and with `even_waiting`.
    pub days: u32,
    /// True if a record that still waits for a recipient goes too.
    pub even_waiting: bool,
}

/// A change of it that waits for the institution's data protection officer.
#[derive(Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct KeepingAsked {
    /// What is asked; `None` for no rule of one's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<Keeping>,
    /// Who asks.
    pub by: PersonUuid,
}

/// For whom a person's invitation is, and who stands behind it.
#[derive(Clone, Serialize, Deserialize, PartialEq)]
pub struct Invited {
    /// The person's name.
    pub name: String,
    /// What they may be, one at a time.
    pub roles: BTreeSet<Role>,
    /// Their id as staff of the institution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staff: Option<LocalId>,
    /// Themselves or their child, by the institution's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learner: Option<LocalId>,
    /// Who invites; `None` for the hub's operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposed: Option<PersonUuid>,
    /// True if it is good only once somebody else has approved it.
    #[serde(default)]
    pub second: bool,
    /// The second person's signature over its text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved: Option<Approval>,
}

/// An access that was opened because a learner was in danger.
#[derive(Clone, Serialize, Deserialize, PartialEq)]
pub struct Emergency {
    /// Names it.
    pub id: Bytes16,
    /// Who opened it, in which role, for which institution.
    pub person: PersonUuid,
    pub role: Role,
    pub institution: u16,
    /// Whose card it opens, and who is home.
    pub learner: u32,
    pub home: u16,
    /// What happened, in the person's words. Personal.
    pub reason: String,
    pub opened: Timestamp,
    /// First instant at which it opens nothing any more.
    pub until: Timestamp,
    /// What those who answer for the institutions concerned say of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reviews: Vec<Review>,
}

/// What a second person says of an emergency access.
#[derive(Clone, Serialize, Deserialize, PartialEq)]
pub struct Review {
    pub person: PersonUuid,
    pub institution: Slug,
    pub role: Role,
    pub justified: bool,
    /// In the reviewer's words. Personal.
    pub remark: String,
    pub at: Timestamp,
}

/// Kinds of change, as numbers of the fact table.
pub mod kind {
    /// Batch numbers.
    pub const BATCH: u8 = 9;
    /// Everything that makes up the directory.
    pub const DIRECTORY: [u8; 35] = [
        1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 25, 26, 27, 28,
        30, 32, 36, 37, 40, 44, 45, 46,
    ];
    /// Alerts.
    pub const ALERT: u8 = 23;
    /// What people wrote about them.
    pub const REMARK: u8 = 30;
    /// What hosts told homes.
    pub const MESSAGE: u8 = 26;
}

impl Change {
    /// Number of the kind in the fact table.
    pub const fn kind(&self) -> u8 {
        match self {
            Self::Institution { .. } => 1,
            Self::Agreement { .. } => 2,
            Self::Invitation { .. } => 3,
            Self::Agent { .. } => 4,
            Self::Learner { .. } => 5,
            Self::Group { .. } => 6,
            Self::Side { .. } => 7,
            Self::Cursor { .. } => 8,
            Self::Batch { .. } => 9,
            Self::Policy { .. } => 10,
            Self::Person { .. } => 11,
            Self::Staff { .. } => 12,
            Self::AgreementSigned { .. } => 13,
            Self::Proposal { .. } => 14,
            Self::Notice { .. } | Self::Again { .. } | Self::Hidden { .. } | Self::Swept { .. } => 15,
            Self::Emergency { .. } => 16,
            Self::Access { .. } => 19,
            Self::Account { .. } => 25,
            Self::Kept { .. } | Self::Left { .. } => 17,
            Self::Erased { .. } => 18,
            Self::Day { .. } => 20,
            Self::Told { .. } => 21,
            Self::Support { .. } => 22,
            Self::Message { .. } | Self::MessageGone { .. } => kind::MESSAGE,
            Self::Alert { .. } => kind::ALERT,
            Self::Remark { .. } => kind::REMARK,
            Self::Forgotten { .. } => 31,
            Self::Codes { .. } => 27,
            Self::Watch { .. } => 28,
            Self::Sending { .. } => 32,
            Self::Export { .. } => 36,
            Self::Match { .. } | Self::MatchGone { .. } => 37,
            Self::Convention { .. } => 40,
            Self::Sources { .. } => 44,
            Self::Unlock { .. } => 45,
            Self::Warning { .. } => 46,
        }
    }

    /// Where the change comes when the directory is loaded: what others rest on first, institutions by their numbers, all
    /// else in the order of the log.
    pub const fn load_order(&self, seq: u64) -> (u8, u64) {
        match self {
            Self::Institution { number, .. } => (self.kind(), *number as u64),
            _ => (self.kind(), seq),
        }
    }

    /// The kind's name in the log.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Institution { .. } => "directory.institution",
            Self::Agreement { .. } => "agreement.changed",
            Self::Invitation { used: true, .. } => "invitation.used",
            Self::Invitation { person: None, .. } => "invitation.issued",
            Self::Invitation { person: Some(Invited { approved: Some(_), .. }), .. } => "person.approved",
            Self::Invitation { .. } => "person.invited",
            Self::Agent { revoked: Some(_), .. } => "agent.revoked",
            Self::Agent { .. } => "agent.enrolled",
            Self::Learner { .. } => "directory.learner",
            Self::Group { .. } => "directory.group",
            Self::Side { ended: Some(_), .. } => "placement.ended",
            Self::Side { hosting: true, .. } => "placement.accepted",
            Self::Side { .. } => "placement.declared",
            Self::Cursor { .. } => "feed.acknowledged",
            Self::Batch { .. } => "publish.refused",
            Self::Policy { approvals, .. } if !approvals.is_empty() => "policy.activated",
            Self::Policy { .. } => "policy.in_force",
            Self::Person { revoked: Some(_), .. } => "person.revoked",
            Self::Person { .. } => "person.enrolled",
            Self::Account { .. } => "account.linked",
            Self::Staff { .. } => "directory.staff",
            Self::Access { on: true, .. } => "access.opened",
            Self::Access { .. } => "access.closed",
            Self::Proposal { proposal } if proposal.used => "policy.closed",
            Self::Proposal { proposal } if proposal.approvals.is_empty() => "policy.proposed",
            Self::Proposal { .. } => "policy.approved",
            Self::AgreementSigned { ended: Some(_), .. } => "agreement.ended",
            Self::AgreementSigned { standing, .. } => match standing {
                Standing::Proposed => "agreement.proposed",
                Standing::Signed => "agreement.signed",
                Standing::Complete => "agreement.in_force",
                Standing::Ended => "agreement.ended",
            },
            Self::Notice { answered: None, .. } => "notice.issued",
            Self::Notice { .. } => "notice.answered",
            Self::Again { .. } => "notice.reversed",
            Self::Hidden { .. } => "record.hidden",
            Self::Swept { .. } => "notice.swept",
            Self::Emergency { emergency } if emergency.reviews.is_empty() => "emergency.opened",
            Self::Emergency { .. } => "emergency.reviewed",
            Self::Erased { done: true, .. } => "erasure.done",
            Self::Erased { whole: true, .. } => "record.erased",
            Self::Erased { .. } => "record.expired",
            Self::Left { .. } => "institution.left",
            Self::Kept { asked: Some(_), .. } => "retention.asked",
            Self::Kept { .. } => "retention.set",
            Self::Day { .. } => "directory.day",
            Self::Told { .. } => "directory.notice",
            Self::Support { .. } => "directory.support",
            Self::Codes { session } if session.gone => "codes.gone",
            Self::Codes { session } if session.told => crate::by_learner::CARRIED,
            Self::Codes { .. } => crate::by_learner::DECIDED,
            Self::Watch { watch } => match (watch.over, watch.raised, watch.lost) {
                (Some(_), _, true) => "watch.ended",
                (Some(_), _, false) => "watch.withdrawn",
                (None, Some(_), _) => "watch.raised",
                (None, None, _) => "watch.set",
            },
            Self::Export { export } if export.made.is_some() => crate::by_learner::TAKEN_OUT,
            Self::Export { export } if export.approved.is_some() => "export.approved",
            Self::Export { .. } => "export.asked",
            Self::Convention { convention } => convention.name(),
            Self::Sources { .. } => "sources.told",
            Self::Unlock { unlock } => unlock.name(),
            Self::Warning { .. } => crate::warnings::TOLD,
            Self::Message { message } => match (message.gone, message.answers.is_empty()) {
                (Some(Gone::TakenBack), _) => "message.taken_back",
                (Some(_), _) => "message.gone",
                (None, true) => "message.sent",
                (None, false) => "message.answered",
            },
            Self::MessageGone { why: Gone::TakenBack, .. } => "message.taken_back",
            Self::MessageGone { .. } => "message.gone",
            Self::Alert { alert } => match alert.step() {
                Step::Told => "alert.told",
                Step::Taken => "alert.taken",
                Step::Found => "alert.found",
                Step::NotFound => "alert.not_found",
                Step::Over => "alert.over",
            },
            Self::Remark { .. } => "alert.remark",
            Self::Forgotten { .. } => "alert.forgotten",
            Self::Sending { sending } => sending.name(),
            Self::Match { case } => case.name(),
            Self::MatchGone { .. } => MatchDeed::Forgotten.entry(),
        }
    }

    /// The rows that say what is so after it: kind, key, and its text as `json`, or nothing for a row that goes.
    pub fn rows(&self, json: Vec<u8>) -> Vec<(u8, Vec<u8>, Option<Vec<u8>>)> {
        match self {
            Self::Forgotten { alerts, remarks } => {
                let alerts = alerts.iter().map(|id| (kind::ALERT, id.bytes().to_vec(), None));
                alerts.chain(remarks.iter().map(|id| (kind::REMARK, id.bytes(), None))).collect()
            }
            Self::MessageGone { .. } | Self::MatchGone { .. } => vec![(self.kind(), self.key(), None)],
            _ => vec![(self.kind(), self.key(), Some(json))],
        }
    }

    /// What the change is about: a newer change with the same kind and key takes its place.
    pub fn key(&self) -> Vec<u8> {
        let join = |parts: &[&[u8]]| parts.join(&0u8);
        match self {
            Self::Institution { number, .. }
            | Self::Cursor { institution: number, .. }
            | Self::Batch { institution: number, .. }
            | Self::Access { institution: number, .. } => number.to_be_bytes().to_vec(),
            Self::Agreement { agreement } => agreement.id.as_str().as_bytes().to_vec(),
            Self::Invitation { hash, .. }
            | Self::AgreementSigned { hash, .. }
            | Self::Account { account: hash, .. } => hash.0.to_vec(),
            Self::Agent { agent, .. } => agent.0.0.to_vec(),
            Self::Learner { institution, local, .. }
            | Self::Group { institution, local, .. }
            | Self::Staff { institution, local, .. }
            | Self::Told { institution, local, .. }
            | Self::Support { institution, local, .. } => {
                join(&[&institution.to_be_bytes(), local.as_str().as_bytes()])
            }
            Self::Side { by, local, other, group, hosting, .. } => join(&[
                &by.to_be_bytes(),
                local.as_str().as_bytes(),
                &other.to_be_bytes(),
                group.as_ref().map_or("", LocalId::as_str).as_bytes(),
                &[u8::from(*hosting)],
            ]),
            Self::Proposal { proposal } => proposal.id.0.to_vec(),
            Self::Policy { .. } => Vec::new(),
            Self::Person { person, .. } => person.0.0.to_vec(),
            Self::Notice { recipient, number, .. } => {
                [&b"n"[..], &recipient.to_be_bytes(), &number.to_be_bytes()].concat()
            }
            Self::Again { recipient, .. } => [&b"a"[..], &recipient.to_be_bytes()].concat(),
            Self::Hidden { record, .. } => [&b"h"[..], &record.0].concat(),
            Self::Swept { .. } => b"s".to_vec(),
            Self::Emergency { emergency } => emergency.id.0.to_vec(),
            Self::Erased { id, .. } => id.0.to_vec(),
            // A ring: a day's row is taken over by one so much later that it can't be declared any more.
            Self::Day { institution, date, .. } => {
                let row = date.days().rem_euclid(super::expected::DAY_ROWS);
                [&institution.to_be_bytes()[..], &row.to_be_bytes()].concat()
            }
            Self::Alert { alert } => alert.id.bytes().to_vec(),
            Self::Message { message } => message.id.0.to_vec(),
            Self::MessageGone { id, .. } | Self::MatchGone { id } => id.0.to_vec(),
            Self::Remark { remark } => remark.of.bytes(),
            Self::Forgotten { .. } => Vec::new(),
            Self::Watch { watch } => watch.id.0.to_vec(),
            Self::Codes { session } => session.id.key(),
            Self::Sending { sending } => sending.key(),
            Self::Export { export } => export.id.0.to_vec(),
            Self::Match { case } => case.id.0.to_vec(),
            Self::Convention { convention } => convention.id.0.to_vec(),
            Self::Sources { sources } => sources.agent.0.0.to_vec(),
            Self::Unlock { unlock } => unlock.id.0.to_vec(),
            Self::Warning { warning } => warning.key(),
            Self::Left { institution, .. } => [&b"l"[..], &institution.to_be_bytes()].concat(),
            Self::Kept { institution, record, .. } => {
                [&b"k"[..], &institution.to_be_bytes(), &[*record as u8]].concat()
            }
        }
    }
}
