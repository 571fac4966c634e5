//! What institutions declare about themselves: learners, groups, placements, acceptances, ends, and what they expect.
//!
//! These are the words only. Which declaration counts, and who is matched with whom, is decided in `exchange`.

use crate::{
    agreement::{AlertTimes, AtEnd, ItemKind},
    ids::{Invalid, LocalId, Slug},
    people::Role,
    record::{RecordKind, Text},
    time::{SchoolDate, Timestamp},
};
use std::collections::{BTreeMap, BTreeSet};

pub mod expected;

pub use expected::{
    DayDeclaration, LessonDeclaration, NoticeDeclaration, NoticeKind, SupportDeclaration, Week,
};

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
    /// UPNs that the learner had before, permanent and temporary, as given; at most [`FORMER_UPNS_MAX`].
    pub former_upns: Vec<String>,
}

/// Most former UPNs of one learner. Children move; nobody was ever given more.
pub const FORMER_UPNS_MAX: usize = 8;

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

/// A member of staff, as their institution's system knows them. It says which groups they teach; it gives nobody a role
/// at the hub, since roles come from people alone.
#[derive(Clone, PartialEq, Eq)]
pub struct StaffDeclaration {
    /// The institution's own id.
    pub local_id: LocalId,
    /// What the institution's system says they are. Carried, and not acted on.
    pub roles: Vec<Role>,
    /// Codes of the groups that they teach, all of them: what is not named is no longer taught.
    pub groups: Vec<LocalId>,
}

impl std::fmt::Debug for StaffDeclaration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StaffDeclaration(..)")
    }
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
    /// A member of staff and the groups that they teach.
    Staff(StaffDeclaration),
    /// All lessons of a date.
    Day(DayDeclaration),
    /// A notice about a learner, by home or host.
    Notice(NoticeDeclaration),
    /// What a learner needs elsewhere, by the home.
    Support(SupportDeclaration),
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
    /// What the agreement says besides: who plays which part, who may see what, what is kept at the end. Empty where
    /// it was made before agreements could say so.
    #[serde(default, skip_serializing_if = "Limits::is_empty")]
    pub limits: Limits,
}

/// The finer terms of an agreement.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Parties whose learners are taught elsewhere. Empty: every party.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub homes: Vec<Slug>,
    /// Parties that teach others' learners. Empty: every party.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<Slug>,
    /// Parts of a placed learner's card that flow from home to host, by number ([`ItemKind::groups`]).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub card: Vec<u32>,
    /// Which roles of the recipient may see each field group that flows. A kind that is missing or
    /// empty is left to the policies alone.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub seen_by: BTreeMap<ItemKind, BTreeMap<u32, BTreeSet<Role>>>,
    /// Kinds whose copies are kept at the end. All others are withdrawn.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub kept_at_end: BTreeSet<ItemKind>,
    /// When people are told that a learner is missing, as far as it is said.
    #[serde(default, skip_serializing_if = "AlertTimes::is_empty")]
    pub times: AlertTimes,
}

impl Limits {
    /// True if nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Agreement {
    /// True if the agreement is in force on a date, both institutions are party to it, and each may play its part:
    /// the host's for the one that makes records, the home's for the one that the learner comes from.
    pub fn covers(&self, host: &Slug, home: &Slug, date: SchoolDate) -> bool {
        let plays = |party: &Slug, parts: &[Slug]| {
            self.parties.contains(party) && (parts.is_empty() || parts.contains(party))
        };
        self.first_date <= date
            && date <= self.last_date
            && plays(host, &self.limits.hosts)
            && plays(home, &self.limits.homes)
    }

    /// Field groups of a kind that flow: bit `1 << number`. 0 if the kind does not flow.
    pub fn groups(&self, kind: ItemKind) -> u32 {
        let listed = match kind {
            ItemKind::Record(kind) => self.kinds.get(&kind).map_or(&[] as &[u32], Vec::as_slice),
            ItemKind::Card => &self.limits.card,
        };
        listed.iter().filter(|group| **group < 32).fold(0, |mask, group| mask | 1 << group)
    }

    /// Field groups of a kind that flow and that somebody in this role may see at the institution that receives them.
    pub fn groups_seen_by(&self, kind: ItemKind, role: Role) -> u32 {
        let Some(named) = self.limits.seen_by.get(&kind).filter(|named| !named.is_empty()) else {
            return self.groups(kind);
        };
        let sees = |group: &u32| named.get(group).is_some_and(|roles| roles.contains(&role));
        (0..32).filter(sees).fold(0, |mask, group| mask | 1 << group) & self.groups(kind)
    }

    /// What becomes of copies of a kind when the agreement has ended.
    pub fn at_end(&self, kind: ItemKind) -> AtEnd {
        match self.limits.kept_at_end.contains(&kind) {
            true => AtEnd::Keep,
            false => AtEnd::Withdraw,
        }
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

impl std::fmt::Display for InstitutionType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::School => "school",
            Self::Academy => "academy",
            Self::FeCollege => "FE college",
            Self::SixthForm => "sixth form",
        })
    }
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
    /// Telephone number that partners ring about a learner, as people write it; empty if none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub phone: String,
    /// Who answers there, such as "attendance desk"; empty if not said.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub desk: String,
}

impl Institution {
    /// Checks the number that partners ring, and who answers there.
    ///
    /// # Errors
    /// [`Invalid`] naming `phone` or `desk`.
    pub fn check_contact(&self) -> Result<(), Invalid> {
        let dials = |b: u8| b.is_ascii_digit() || matches!(b, b' ' | b'+' | b'(' | b')' | b'-');
        let digits = self.phone.bytes().filter(u8::is_ascii_digit).count();
        let is_number = (3..=15).contains(&digits) && self.phone.len() <= 32 && self.phone.bytes().all(dials);
        if !self.phone.is_empty() && !is_number {
            return Err(Invalid::new("phone", "must be a telephone number of 3 to 15 digits, or left out"));
        }
        let desk = Text::parse("desk", &self.desk, 60)?;
        match desk.as_str().contains(['\n', '\r', '\t']) {
            true => Err(Invalid::new("desk", "must be one line")),
            false => Ok(()),
        }
    }
}

fn london() -> String {
    "Europe/London".to_owned()
}
