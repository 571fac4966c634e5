//! Matching: may two declarations be of one learner? Deterministic tiers; nothing is ever guessed or merged.
//!
//! A wrong match discloses a child's record to strangers, so it is worse than none. The comparison runs on opaque
//! tokens: an agent uses clear values, the hub keyed hashes that it can't read back. Links that people approved
//! (tier 0) are the caller's to look up first.

mod evidence;
mod names;

pub use evidence::{Evidence, Field};
pub use names::normalise_name;

/// The identifier that a link rests on, with the number of its tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Tier {
    /// The same ULN.
    Uln = 1,
    /// The same permanent UPN, or the same temporary one within the school that issued it.
    Upn = 2,
    /// The same UCI. A learner can wrongly have two, and two can be mixed up.
    Uci = 3,
    /// A permanent UPN that at least one of them had before. Whoever keeps the old number didn't hear of the new one.
    FormerUpn = 4,
    /// A temporary UPN of both, present or former, between two institutions: it was only good in the one that issued it.
    TemporaryUpn = 5,
}

/// What the comparison says. Only [`Verdict::AutoLink`] and [`Verdict::Flagged`] link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Same identifier, same date of birth: link.
    AutoLink {
        /// What it rests on.
        tier: Tier,
    },
    /// Link, and show it to a person.
    Flagged {
        /// What it rests on.
        tier: Tier,
    },
    /// The evidence contradicts itself: block the exchange for this learner until a person has decided.
    Conflict(Conflict),
    /// May be the same: both sides must confirm before anything flows.
    Propose(Proposal),
    /// Not the same, or nothing to go by.
    NoMatch,
}

/// How evidence contradicts itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Conflict {
    /// An identifier is the same, the date of birth is not.
    BirthDate,
    /// One identifier is the same, another differs.
    Identifiers,
}

/// What a proposal rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Proposal {
    /// An identifier is the same, but a date of birth is missing.
    BirthDateMissing,
    /// An identifier and the date of birth are the same, every forename differs: perhaps a twin or a neighbour in a
    /// list who was given the other's number, perhaps a short name.
    ForenameDiffers,
    /// A former or temporary UPN and the date of birth are the same, but not all names that this takes are known to be.
    OldUpn,
    /// Date of birth and names are the same, and a placement names both institutions (tier 6).
    Names,
    /// The same but for one letter of the surname, or for a former surname (tier 7).
    NearlyNames,
}

/// Compares two declarations by tiers 1 to 6. `placement_names_both`: a placement between both institutions
/// exists for the learner.
pub fn compare<T: Eq>(a: &Evidence<T>, b: &Evidence<T>, placement_names_both: bool) -> Verdict {
    let differs = ids_differ(a, b);
    let Some(tier) = shared_id(a, b) else {
        let names = born_alike(a, b) && same(&a.surname, &b.surname) && forenames_meet(a, b);
        let propose = names && placement_names_both && !differs;
        return if propose { Verdict::Propose(Proposal::Names) } else { Verdict::NoMatch };
    };
    match (&a.birth, &b.birth) {
        // Elsewhere a temporary number may be anybody's: without the birth date it says nothing.
        _ if tier == Tier::TemporaryUpn && !born_alike(a, b) => Verdict::NoMatch,
        (Some(one), Some(other)) if one != other => Verdict::Conflict(Conflict::BirthDate),
        _ if differs => Verdict::Conflict(Conflict::Identifiers),
        (None, _) | (_, None) => Verdict::Propose(Proposal::BirthDateMissing),
        _ if forenames_part(a, b) => Verdict::Propose(Proposal::ForenameDiffers),
        _ if tier >= Tier::FormerUpn && !forenames_meet(a, b) => Verdict::Propose(Proposal::OldUpn),
        _ if tier == Tier::TemporaryUpn && !same(&a.surname, &b.surname) => {
            Verdict::Propose(Proposal::OldUpn)
        }
        _ if tier >= Tier::Uci => Verdict::Flagged { tier },
        _ => Verdict::AutoLink { tier },
    }
}

/// Tier 7, on clear values: proposes where [`compare`] found no match only because a surname is one letter off or a
/// former one. Names must be normalised, as [`Evidence::declared`] does.
pub fn compare_nearly(a: &Evidence<String>, b: &Evidence<String>, placement_names_both: bool) -> Verdict {
    let verdict = compare(a, b, placement_names_both);
    if verdict != Verdict::NoMatch || ids_differ(a, b) || !placement_names_both {
        return verdict;
    }
    let close = match (&a.surname, &b.surname) {
        (Some(one), Some(other)) => names::at_most_one_edit(one, other),
        _ => false,
    };
    let former = same(&a.former_surname, &b.surname) || same(&a.surname, &b.former_surname);
    if born_alike(a, b) && forenames_meet(a, b) && (close || former) {
        Verdict::Propose(Proposal::NearlyNames)
    } else {
        Verdict::NoMatch
    }
}

/// Both known, and the same.
fn same<T: Eq>(one: &Option<T>, other: &Option<T>) -> bool {
    one.is_some() && one == other
}

/// Both known, and not the same.
fn different<T: Eq>(one: &Option<T>, other: &Option<T>) -> bool {
    matches!((one, other), (Some(one), Some(other)) if one != other)
}

/// The strongest identifier that both share.
fn shared_id<T: Eq>(a: &Evidence<T>, b: &Evidence<T>) -> Option<Tier> {
    let one_school = a.institution == b.institution;
    if same(&a.uln, &b.uln) {
        Some(Tier::Uln)
    } else if same(&a.upn, &b.upn) || (one_school && same(&a.temporary_upn, &b.temporary_upn)) {
        Some(Tier::Upn)
    } else if same(&a.uci, &b.uci) {
        Some(Tier::Uci)
    } else if a.permanent().any(|upn| b.permanent().any(|other| other == upn)) {
        Some(Tier::FormerUpn)
    } else if a.temporary().any(|upn| b.temporary().any(|other| other == upn)) {
        Some(if one_school { Tier::FormerUpn } else { Tier::TemporaryUpn })
    } else {
        None
    }
}

/// A ULN or permanent UPN differs. Different UCIs prove nothing: boards know of learners with two. Nor does a UPN that the
/// other had before.
fn ids_differ<T: Eq>(a: &Evidence<T>, b: &Evidence<T>) -> bool {
    different(&a.uln, &b.uln) || (different(&a.upn, &b.upn) && !succeeds(a, b) && !succeeds(b, a))
}

/// True if the one's present UPN took the place of the other's.
fn succeeds<T: Eq>(one: &Evidence<T>, other: &Evidence<T>) -> bool {
    other.upn.as_ref().is_some_and(|upn| one.former_upns.contains(upn))
}

impl<T: Eq> Evidence<T> {
    /// Permanent UPNs, the present one first.
    fn permanent(&self) -> impl Iterator<Item = &T> {
        self.upn.iter().chain(&self.former_upns)
    }

    /// Temporary UPNs, the present one first.
    fn temporary(&self) -> impl Iterator<Item = &T> {
        self.temporary_upn.iter().chain(&self.former_temporary)
    }

    /// True if both have the same UPN and at least one of them had it before, or it is a temporary one. `None` if neither
    /// declares such a number, or the other none to hold it against.
    pub fn shares_old_upn(&self, other: &Self) -> Option<bool> {
        let old = |e: &Self| !e.former_upns.is_empty() || e.temporary().next().is_some();
        let any = |e: &Self| old(e) || e.upn.is_some();
        if !(old(self) && any(other) || old(other) && any(self)) {
            return None;
        }
        let former = |one: &Self, other: &Self| {
            one.former_upns.iter().any(|upn| other.permanent().any(|held| held == upn))
        };
        let temporary = self.temporary().any(|upn| other.temporary().any(|held| held == upn));
        Some(former(self, other) || former(other, self) || temporary)
    }
}

fn born_alike<T: Eq>(a: &Evidence<T>, b: &Evidence<T>) -> bool {
    same(&a.birth, &b.birth)
}

/// A forename or known-as name of one is a forename or known-as name of the other.
fn forenames_meet<T: Eq>(a: &Evidence<T>, b: &Evidence<T>) -> bool {
    [&a.forename, &a.known_as].iter().any(|one| same(one, &b.forename) || same(one, &b.known_as))
}

/// Both have forenames, and none of one is the other's: twins, for all that can be known.
fn forenames_part<T: Eq>(a: &Evidence<T>, b: &Evidence<T>) -> bool {
    let named = |e: &Evidence<T>| e.forename.is_some() || e.known_as.is_some();
    named(a) && named(b) && !forenames_meet(a, b)
}
