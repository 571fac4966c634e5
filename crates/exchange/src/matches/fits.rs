//! Whom a guest may be, and who a guest is: read off the directory, never guessed.

use crate::directory::{Directory, Local, Side, matches::MatchId, tokens::MatchingKey};
use commonroll_core::{
    LocalId,
    directory::Registration,
    matching::{Conflict, Evidence, Proposal, Tier, Verdict, compare},
};

/// A learner whom a guest may be.
#[derive(Clone)]
pub(crate) struct Fit {
    /// Who is home.
    pub home: u16,
    /// By the home's id.
    pub local: LocalId,
    /// By the hub's number.
    pub learner: u32,
    pub verdict: Verdict,
    /// True if people took a link between the two apart.
    pub undone: bool,
    /// Another of the host's ids whose link to this learner people took apart.
    pub another: Option<LocalId>,
    /// True if the home said no, and nothing has changed since.
    pub refused: bool,
}

impl Fit {
    /// True if the home may be asked about it.
    pub const fn is_open(&self, host: u16) -> bool {
        !self.refused && self.home != host
    }
}

/// A guest who is believed to be a home's learner.
#[derive(Clone)]
pub(crate) struct Link {
    pub host: u16,
    pub guest: LocalId,
    pub home: u16,
    pub local: LocalId,
    pub learner: u32,
}

/// True if a host's learner is a guest whom nobody has matched.
pub(crate) fn waits(local: &Local) -> bool {
    is_guest(local) && local.learner.is_none()
}

/// True if an institution has a learner who is another's.
pub(crate) fn is_guest(local: &Local) -> bool {
    !matches!(local.registration, Registration::Home | Registration::Previous)
}

/// Whom a guest that waits may be: learners whom their home counts as its own. A link that was undone stays on offer.
pub(crate) fn fits(directory: &Directory, host: u16, guest: &LocalId) -> Vec<Fit> {
    let held = directory.local(host, guest).filter(|local| waits(local));
    let Some((state, held)) = directory.institution(host).zip(held) else { return Vec::new() };
    let evidence = held.tokens.evidence(&state.info.slug);
    let mut ids = directory.candidates(&held.tokens);
    for case in directory.matches().of_guest(host, guest) {
        ids.extend(case.bars.iter().filter(|bar| bar.undone).map(|bar| (case.home, bar.local.clone())));
    }
    ids.sort();
    ids.dedup();
    let fit = |(home, local): (u16, LocalId)| {
        let theirs = directory.local(home, &local)?;
        let learner = theirs.learner.filter(|n| {
            theirs.registration == Registration::Home
                && directory.left(home).is_none()
                && directory.home_of(*n).is_some_and(|(at, id)| *at == home && *id == local)
        })?;
        let named = held.sides.iter().any(|side| side.hosting && side.other == home);
        let slug = &directory.institution(home)?.info.slug;
        let verdict = compare(&evidence, &theirs.tokens.evidence(slug), named);
        let case = directory.matches().between(host, guest, home);
        let (undone, refused) =
            case.map_or((false, false), |case| (case.has_undone(&local), case.has_refused(&local)));
        let before = directory.undone_before((host, guest), &held.tokens, learner).map(|case| &case.guest);
        let undone = undone || before == Some(guest);
        (verdict != Verdict::NoMatch || undone).then_some(Fit {
            home,
            local,
            learner,
            verdict,
            undone,
            another: before.filter(|id| *id != guest).cloned(),
            refused,
        })
    };
    ids.into_iter().filter_map(fit).collect()
}

/// Who a host's guest is believed to be, if that has a home.
pub(crate) fn linked(directory: &Directory, host: u16, guest: &LocalId) -> Option<Link> {
    let learner = directory.local(host, guest).filter(|local| is_guest(local))?.learner?;
    let (home, local) = directory.home_of(learner).filter(|(home, _)| *home != host)?;
    Some(Link { host, guest: guest.clone(), home: *home, local: local.clone(), learner })
}

/// Every link between an institution and the others: its guests, and others' guests who are its learners.
pub(crate) fn links(directory: &Directory, own: u16) -> Vec<Link> {
    let Some(state) = directory.institution(own) else { return Vec::new() };
    let mut found = Vec::new();
    for (id, local) in &state.locals {
        if let Some(link) = linked(directory, own, id) {
            found.push(link);
        }
        let Some(learner) = local.learner.filter(|_| local.registration == Registration::Home) else {
            continue;
        };
        for (host, guest) in directory.known_at(learner).filter(|(host, _)| *host != own) {
            let theirs = linked(directory, *host, guest);
            found.extend(theirs.filter(|link| link.home == own && link.local == *id));
        }
    }
    found
}

/// What people may say of a link is named so.
pub(crate) fn name(directory: &Directory, key: &MatchingKey, of: (u16, &LocalId, u16)) -> Option<MatchId> {
    let slug = |number: u16| directory.institution(number).map(|state| &state.info.slug);
    Some(key.matching(slug(of.0)?, of.1, slug(of.2)?))
}

/// What speaks for and against, in a line.
pub(crate) const fn words(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Flagged { tier: Tier::FormerUpn } => {
            "a former UPN of one is the other’s, the date of birth and a forename are the same"
        }
        Verdict::Flagged { tier: Tier::TemporaryUpn } => {
            "a temporary UPN, the date of birth and the names are the same"
        }
        Verdict::AutoLink { .. } | Verdict::Flagged { .. } => "the number and the date of birth are the same",
        Verdict::Conflict(Conflict::BirthDate) => "a number is the same, the date of birth is another",
        Verdict::Conflict(Conflict::Identifiers) => "one number is the same, another one isn’t",
        Verdict::Propose(Proposal::BirthDateMissing) => "a number is the same, a date of birth is missing",
        Verdict::Propose(Proposal::ForenameDiffers) => {
            "number and date of birth are the same, the forename is another"
        }
        Verdict::Propose(Proposal::OldUpn) => {
            "a former or temporary UPN and the date of birth are the same, not all names are"
        }
        Verdict::Propose(Proposal::Names) => {
            "names and date of birth are the same, and no number is known to both"
        }
        Verdict::Propose(Proposal::NearlyNames) => "nearly the same names, and the same date of birth",
        Verdict::NoMatch => "nothing that both declared is the same",
    }
}

/// What two declarations have in common, field by field.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Points {
    /// Declared by both, and the same.
    pub same: Vec<&'static str>,
    /// Declared by both, and not the same.
    pub differs: Vec<&'static str>,
    /// Declared by one of them, or by neither.
    pub unknown: Vec<&'static str>,
}

/// Compares field by field, for the home, whose learner it is.
pub(crate) fn points<T: Eq>(a: &Evidence<T>, b: &Evidence<T>) -> Points {
    let mut points = Points::default();
    let mut say = |what, known: bool, same: bool| {
        let list = match (known, same) {
            (false, _) => &mut points.unknown,
            (true, true) => &mut points.same,
            (true, false) => &mut points.differs,
        };
        list.push(what);
    };
    for (what, one, other) in [
        ("ULN", &a.uln, &b.uln),
        ("UPN", &a.upn, &b.upn),
        ("UCI", &a.uci, &b.uci),
        ("date of birth", &a.birth, &b.birth),
        ("surname", &a.surname, &b.surname),
    ] {
        say(what, one.is_some() && other.is_some(), one == other);
    }
    // Few have one: that nobody does is no news.
    if let Some(same) = a.shares_old_upn(b) {
        say("former or temporary UPN", true, same);
    }
    let first = |e: &Evidence<T>| e.forename.is_some() || e.known_as.is_some();
    let meet = [&a.forename, &a.known_as]
        .iter()
        .any(|one| one.is_some() && (**one == b.forename || **one == b.known_as));
    say("forename", first(a) && first(b), meet);
    points
}

/// The sides of a guest's placements that name a home.
pub(crate) fn taken_from<'d>(
    directory: &'d Directory,
    (host, guest): (u16, &LocalId),
    home: u16,
) -> Vec<&'d Side> {
    let sides = directory.local(host, guest).map_or(&[] as &[Side], |local| &local.sides);
    sides.iter().filter(|side| side.hosting && side.other == home).collect()
}
