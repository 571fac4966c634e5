//! Whom nobody has matched: guests whom the evidence ties to nobody, learners whom two institutions claim, placements that
//! wait for the other side. By the asker's own ids; of other institutions' learners only that there is one, and what
//! speaks for and against.

use crate::{
    Exchange,
    directory::{Directory, Local, Side},
    office::Acting,
    questions::AskError,
};
use commonroll_core::{
    LocalId, Timestamp,
    directory::{DateRange, Registration},
    matching::{Conflict, Proposal, Verdict, compare},
};
use commonroll_policy::OfficeAct;
use std::collections::{BTreeMap, HashMap};

/// Lines of one list at most.
const LINES: usize = 200;

/// Whom somebody unmatched may be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Candidate {
    /// The name of the institution that has such a learner.
    pub institution: String,
    /// How many.
    pub learners: usize,
    /// What speaks for it, and what against.
    pub says: &'static str,
}

/// A guest whom nobody has matched.
#[derive(Clone)]
pub struct GuestSeen {
    /// By the asker's institution's own id.
    pub local: LocalId,
    /// From which institutions it takes the guest, by name.
    pub from: Vec<String>,
    /// Whom it may be.
    pub candidates: Vec<Candidate>,
}

/// A learner whom another institution claims too.
#[derive(Clone)]
pub struct ClaimSeen {
    /// By the asker's institution's own id.
    pub local: LocalId,
    /// The other institution's name.
    pub other: String,
}

/// A placement of which only the asker's institution has spoken.
#[derive(Clone)]
pub struct WaitingSeen {
    /// The learner, by the asker's institution's own id.
    pub local: LocalId,
    /// The other institution's name.
    pub other: String,
    /// The host's group, by the host's code, where one is named.
    pub group: Option<LocalId>,
    /// When.
    pub dates: DateRange,
}

/// What waits for people.
#[derive(Clone, Default)]
pub struct UnmatchedSeen {
    /// Guests whom nobody has matched.
    pub guests: Vec<GuestSeen>,
    /// Learners whom two claim.
    pub claims: Vec<ClaimSeen>,
    /// Placements that the host has not accepted.
    pub for_host: Vec<WaitingSeen>,
    /// Acceptances whose home has declared nothing.
    pub for_home: Vec<WaitingSeen>,
    /// How many lines were left out, of all lists.
    pub more: usize,
}

impl std::fmt::Debug for UnmatchedSeen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "UnmatchedSeen({}, {}, ..)", self.guests.len(), self.claims.len())
    }
}

impl Exchange {
    /// Whom and what nobody has matched at the asker's institution.
    ///
    /// # Errors
    /// [`AskError`].
    pub async fn unmatched(&self, acting: Acting<'_>, now: Timestamp) -> Result<UnmatchedSeen, AskError> {
        self.at_desk(acting, OfficeAct::SettleMatch)?;
        let seen = found(&self.shared.directory(), acting.speaker.number, now);
        let about = serde_json::json!({
            "guests": seen.guests.len(), "claims": seen.claims.len(),
            "placements": seen.for_host.len() + seen.for_home.len(),
        });
        self.looks(acting, ("unmatched", about), now).await?;
        Ok(seen)
    }
}

fn found(directory: &Directory, own: u16, now: Timestamp) -> UnmatchedSeen {
    let mut seen = UnmatchedSeen::default();
    let Some(state) = directory.institution(own) else { return seen };
    let today = now.date_in(&state.zone);
    let hosted = hosted(directory, own);
    let name = |number: u16| directory.institution(number).map_or(String::new(), |s| s.info.name.clone());
    for (id, local) in &state.locals {
        if local.registration != Registration::Home
            && local.registration != Registration::Previous
            && local.learner.is_none()
        {
            let mut from: Vec<String> =
                local.sides.iter().filter(|side| side.hosting).map(|side| name(side.other)).collect();
            from.sort();
            from.dedup();
            let candidates = candidates(directory, own, id, local);
            seen.guests.push(GuestSeen { local: id.clone(), from, candidates });
        }
        if local.contested {
            let home = local.learner.and_then(|learner| directory.home_of(learner));
            let other = home.map_or(String::new(), |(home, _)| name(*home));
            seen.claims.push(ClaimSeen { local: id.clone(), other });
        }
        let live = |side: &&Side| side.dates.last() >= today && side.ended.is_none_or(|end| end > now);
        for side in local.sides.iter().filter(live) {
            let answered = match local.learner {
                None => true, // the guest is on the list above
                Some(learner) if side.hosting => directory.home_of(learner).is_some_and(|(home, home_id)| {
                    let sides = directory.local(*home, home_id).map_or(&[] as &[Side], |l| &l.sides);
                    *home == side.other && sides.iter().any(|theirs| meets(theirs, side, own))
                }),
                Some(learner) => hosted
                    .get(&(side.other, learner))
                    .is_some_and(|sides| sides.iter().any(|theirs| meets(theirs, side, own))),
            };
            if !answered {
                let (other, group, dates) = (name(side.other), side.group.clone(), side.dates);
                let waiting = WaitingSeen { local: id.clone(), other, group, dates };
                let list = if side.hosting { &mut seen.for_home } else { &mut seen.for_host };
                list.push(waiting);
            }
        }
    }
    seen.guests.sort_by(|a, b| a.local.cmp(&b.local));
    seen.claims.sort_by(|a, b| a.local.cmp(&b.local));
    seen.for_host.sort_by(|a, b| (&a.other, &a.local).cmp(&(&b.other, &b.local)));
    seen.for_home.sort_by(|a, b| (&a.other, &a.local).cmp(&(&b.other, &b.local)));
    let lengths = [seen.guests.len(), seen.claims.len(), seen.for_host.len(), seen.for_home.len()];
    seen.more = lengths.iter().map(|length| length.saturating_sub(LINES)).sum();
    seen.guests.truncate(LINES);
    seen.claims.truncate(LINES);
    seen.for_host.truncate(LINES);
    seen.for_home.truncate(LINES);
    seen
}

/// What hosts have said of the institution's learners.
fn hosted(directory: &Directory, home: u16) -> HashMap<(u16, u32), Vec<&Side>> {
    let mut all: HashMap<(u16, u32), Vec<&Side>> = HashMap::new();
    for (host, state) in (0u16..).zip(directory.institutions()).filter(|(host, _)| *host != home) {
        for local in state.locals.values().filter(|local| !local.contested) {
            let Some(learner) = local.learner else { continue };
            let sides = local.sides.iter().filter(|side| side.hosting && side.other == home);
            for side in sides {
                all.entry((host, learner)).or_default().push(side);
            }
        }
    }
    all
}

/// Whether the other institution has spoken of the same placement.
fn meets(theirs: &Side, ours: &Side, own: u16) -> bool {
    theirs.other == own
        && theirs.hosting != ours.hosting
        && (theirs.group == ours.group || theirs.group.is_none() || ours.group.is_none())
}

fn candidates(directory: &Directory, own: u16, id: &LocalId, local: &Local) -> Vec<Candidate> {
    let Some(state) = directory.institution(own) else { return Vec::new() };
    let evidence = local.tokens.evidence(&state.info.slug);
    let mut sums: BTreeMap<(String, &'static str), usize> = BTreeMap::new();
    for (institution, other) in directory.candidates(&local.tokens) {
        let held = directory.institution(institution).zip(directory.local(institution, &other));
        let Some((theirs, held)) = held.filter(|_| institution != own || other != *id) else { continue };
        if held.registration != Registration::Home {
            continue;
        }
        let named = local.sides.iter().any(|side| side.hosting && side.other == institution);
        let verdict = compare(&evidence, &held.tokens.evidence(&theirs.info.slug), named);
        if let Some(says) = words(verdict) {
            *sums.entry((theirs.info.name.clone(), says)).or_default() += 1;
        }
    }
    let told = sums.into_iter();
    told.map(|((institution, says), learners)| Candidate { institution, learners, says }).collect()
}

const fn words(verdict: Verdict) -> Option<&'static str> {
    Some(match verdict {
        Verdict::AutoLink { .. } | Verdict::Flagged { .. } => "the number and the date of birth are the same",
        Verdict::Conflict(Conflict::BirthDate) => "a number is the same, the date of birth is another",
        Verdict::Conflict(Conflict::Identifiers) => "one number is the same, another one isn’t",
        Verdict::Propose(Proposal::BirthDateMissing) => "a number is the same, a date of birth is missing",
        Verdict::Propose(Proposal::ForenameDiffers) => {
            "number and date of birth are the same, the forename is another"
        }
        Verdict::Propose(Proposal::Names) => {
            "names and date of birth are the same, and no number is known to both"
        }
        Verdict::Propose(Proposal::NearlyNames) => "nearly the same names, and the same date of birth",
        Verdict::NoMatch => return None,
    })
}
