//! What institutions declare about themselves: learners, groups, placements, acceptances, ends.
//!
//! These are the words only. Which declaration counts, and who is matched with whom, is decided in `exchange`.

use crate::{
    ids::{Invalid, LocalId, Slug},
    record::{RecordKind, Text},
    time::{SchoolDate, Timestamp},
};
use std::collections::BTreeMap;

/// How a learner stands at the institution that declares them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Registration {
    /// C or M: main registration here. A claim to be the learner's home.
    Home,
    /// S: dual registration, subsidiary here.
    Subsidiary,
    /// G, F or O: taught here, registered elsewhere.
    Guest,
    /// P: no longer here.
    Previous,
}

/// One learner as one institution knows them. Identifiers are kept as given; whether they are sound is checked where
/// they are used for matching, since a wrong check letter must not lose a learner.
#[derive(Clone, PartialEq, Eq)]
pub struct LearnerDeclaration {
    /// The institution's own id.
    pub local_id: LocalId,
    /// How the learner stands there.
    pub registration: Registration,
    /// Unique Pupil Number as given; empty if none.
    pub upn: String,
    /// Unique Learner Number as given; empty if none.
    pub uln: String,
    /// Unique Candidate Identifier as given; empty if none.
    pub uci: String,
    /// Date of birth, if given.
    pub birth_date: Option<SchoolDate>,
    /// Legal surname; at most 100 characters.
    pub surname: Text,
    /// Legal forename; at most 100 characters.
    pub forename: Text,
    /// Known-as forename; empty if the same.
    pub known_as: Text,
}

impl std::fmt::Debug for LearnerDeclaration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LearnerDeclaration({:?}, ..)", self.registration)
    }
}

/// A teaching group that a host offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupDeclaration {
    /// The host's own code.
    pub local_id: LocalId,
    /// Course title; at most 200 characters.
    pub course_title: Text,
    /// Subject; at most 100 characters.
    pub subject: Text,
}

/// First and last local school date, both inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct DateRange {
    first: SchoolDate,
    last: SchoolDate,
}

impl DateRange {
    /// A range; the last date must not lie before the first.
    pub fn new(first: SchoolDate, last: SchoolDate) -> Result<Self, Invalid> {
        if last < first {
            return Err(Invalid::new("last_date", "must not lie before first_date"));
        }
        Ok(Self { first, last })
    }

    /// First date inside.
    pub const fn first(self) -> SchoolDate {
        self.first
    }

    /// Last date inside.
    pub const fn last(self) -> SchoolDate {
        self.last
    }

    /// True if the date lies inside.
    pub fn contains(self, date: SchoolDate) -> bool {
        self.first <= date && date <= self.last
    }

    /// What both ranges share.
    pub fn overlap(self, other: Self) -> Option<Self> {
        Self::new(self.first.max(other.first), self.last.min(other.last)).ok()
    }
}

/// Said by the home: this learner of ours attends that group of that host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlacementDeclaration {
    /// The home's own id for the learner.
    pub learner: LocalId,
    /// The host.
    pub host: Slug,
    /// The host's code of the group; `None` for every group of the host.
    pub group: Option<LocalId>,
    /// When.
    pub dates: DateRange,
}

/// Said by the host: we have this visiting learner in this group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlacementAcceptance {
    /// The host's own id for the learner.
    pub learner: LocalId,
    /// The home that the host takes the learner from.
    pub home: Slug,
    /// The host's code of the group; `None` for every group.
    pub group: Option<LocalId>,
    /// When.
    pub dates: DateRange,
}

/// Said by either side: the placement ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlacementEnd {
    /// The speaker's own id for the learner.
    pub learner: LocalId,
    /// The other institution.
    pub other: Slug,
    /// The host's code of the group; `None` for every group.
    pub group: Option<LocalId>,
    /// First instant that is no longer covered.
    pub from: Timestamp,
}

/// One fact that an institution declares about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Declaration {
    /// A learner, its own or a guest.
    Learner(LearnerDeclaration),
    /// A teaching group.
    Group(GroupDeclaration),
    /// A placement, by the home.
    Placement(PlacementDeclaration),
    /// An acceptance, by the host.
    Acceptance(PlacementAcceptance),
    /// An end, by either.
    End(PlacementEnd),
}

/// A sharing agreement: what of the policies' ceiling flows between its parties, and until when.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agreement {
    /// Short name, unique in the consortium.
    pub id: Slug,
    /// Grows with every change.
    pub version: u32,
    /// Who is party to it; at least two.
    pub parties: Vec<Slug>,
    /// Why the data is shared.
    pub purpose: String,
    /// Field groups that flow besides the head, for each kind that flows at all.
    pub kinds: BTreeMap<RecordKind, Vec<u32>>,
    /// First date in force.
    pub first_date: SchoolDate,
    /// Last date in force.
    pub last_date: SchoolDate,
}

impl Agreement {
    /// True if the agreement is in force on a date and both institutions are party to it.
    pub fn covers(&self, one: &Slug, other: &Slug, date: SchoolDate) -> bool {
        self.first_date <= date
            && date <= self.last_date
            && self.parties.contains(one)
            && self.parties.contains(other)
    }
}

/// What sort of partner an institution is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InstitutionType {
    /// Maintained school.
    School,
    /// Academy.
    Academy,
    /// Further education college. Keeps no statutory session register.
    FeCollege,
    /// Sixth-form centre or 16-19 academy. Keeps no statutory session register.
    SixthForm,
}

/// A partner of the consortium.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Institution {
    /// Short name.
    pub slug: Slug,
    /// Full name.
    pub name: String,
    /// What sort of partner.
    #[serde(rename = "type")]
    pub kind: InstitutionType,
    /// Unique Reference Number, 6 digits; empty if none.
    #[serde(default)]
    pub urn: String,
    /// UK Provider Reference Number, 8 digits; empty if none.
    #[serde(default)]
    pub ukprn: String,
    /// IANA time zone.
    #[serde(default = "london")]
    pub time_zone: String,
}

fn london() -> String {
    "Europe/London".to_owned()
}
