//! People who act through the hub: their ids, the roles they may use, and the purposes that they may name.
//!
//! Words only. Who is enrolled lives in `exchange`; what a role may see is said by the policies, and by nothing else.

use crate::ids::Invalid;
use std::{fmt, str::FromStr};

/// A person's id at the hub: a UUID. It names nobody outside the directory.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PersonId(pub [u8; 16]);

impl PersonId {
    /// Takes 16 bytes.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, Invalid> {
        bytes.try_into().map(Self).map_err(|_| Invalid::new("person_id", "must have exactly 16 bytes"))
    }
}

impl fmt::Display for PersonId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, byte) in self.0.iter().enumerate() {
            if matches!(place, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for PersonId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for PersonId {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let rule = Invalid::new("person_id", "must be a UUID: 32 hexadecimal digits with hyphens");
        let digits: String = text.chars().filter(|c| *c != '-').collect();
        if digits.len() != 32 || !digits.is_ascii() {
            return Err(rule);
        }
        let mut bytes = [0; 16];
        for (byte, at) in bytes.iter_mut().zip((0..).step_by(2)) {
            *byte = u8::from_str_radix(&digits[at..at + 2], 16).map_err(|_| rule.clone())?;
        }
        Ok(Self(bytes))
    }
}

/// What somebody is, in one decision. Somebody with two hats uses one at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Head of an institution: signs agreements for the controller.
    Head,
    /// Teaches groups.
    Teacher,
    /// Tutors learners of the own institution.
    Tutor,
    /// Head of sixth form: the own institution's learners, wherever they are taught.
    HeadOfSixth,
    /// Attendance officer: attendance and whereabouts, not behaviour narrative.
    AttendanceOfficer,
    /// Data manager: policy, decisions, the log, readiness, and metadata of the own institution's sharing.
    DataManager,
    /// Data protection officer: as the data manager, and subject rights.
    Dpo,
    /// Consortium lead: aggregates, never a named learner.
    ConsortiumLead,
    /// Technician: the own institution's agents, and how ready its data is; never a record.
    Technician,
    /// A learner: the own record, once home turns that on.
    Learner,
    /// A parent or carer: the own child's record, once home turns that on.
    Parent,
    /// A third-party program that an institution has let in, within its scopes.
    Program,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 12] = [
        Self::Head,
        Self::Teacher,
        Self::Tutor,
        Self::HeadOfSixth,
        Self::AttendanceOfficer,
        Self::DataManager,
        Self::Dpo,
        Self::ConsortiumLead,
        Self::Technician,
        Self::Learner,
        Self::Parent,
        Self::Program,
    ];

    /// The role's name in policies, files and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Head => "head",
            Self::Teacher => "teacher",
            Self::Tutor => "tutor",
            Self::HeadOfSixth => "head_of_sixth",
            Self::AttendanceOfficer => "attendance_officer",
            Self::DataManager => "data_manager",
            Self::Dpo => "dpo",
            Self::ConsortiumLead => "consortium_lead",
            Self::Technician => "technician",
            Self::Learner => "learner",
            Self::Parent => "parent",
            Self::Program => "program",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or(Invalid::new(
            "role",
            "must be head, teacher, tutor, head_of_sixth, attendance_officer, data_manager, dpo, consortium_lead, \
             learner, parent or program",
        ))
    }
}

/// Why somebody looks. A question without a purpose is refused; which purposes fit is said by the policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Teaching the learner.
    Teaching,
    /// Knowing where the learner is: attendance and its follow-up.
    Attendance,
    /// Pastoral care and progress.
    Pastoral,
    /// Answering the learner's or a parent's rights, and running the sharing.
    Administration,
    /// An emergency.
    Emergency,
}

impl Purpose {
    /// Every purpose.
    pub const ALL: [Self; 5] =
        [Self::Teaching, Self::Attendance, Self::Pastoral, Self::Administration, Self::Emergency];

    /// The purpose's name in policies, files and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Teaching => "teaching",
            Self::Attendance => "attendance",
            Self::Pastoral => "pastoral",
            Self::Administration => "administration",
            Self::Emergency => "emergency",
        }
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Purpose {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL.into_iter().find(|purpose| purpose.as_str() == text).ok_or(Invalid::new(
            "purpose",
            "must be teaching, attendance, pastoral, administration or emergency",
        ))
    }
}
