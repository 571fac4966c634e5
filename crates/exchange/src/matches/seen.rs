//! What the people of one institution see of matches: by their own ids, and of the other side's learners only what fits.

use super::{
    fits::{Fit, Link, Points, fits, links, name, points, taken_from, words},
    stamp::stamp,
    told::{is_told, names, placed_with},
};
use crate::directory::{
    Directory, Local,
    matches::{MatchCase, MatchDeed, MatchId, MatchStep},
    tokens::MatchingKey,
};
use crate::stretch::{Stretch, cut};
use commonroll_core::{
    LocalId, Role, Slug, Timestamp,
    directory::{DateRange, Registration},
    matching::{Conflict, Proposal, Tier, Verdict, compare},
};
use std::collections::{BTreeMap, HashMap};

/// Something that was done about a match.
#[derive(Debug, Clone)]
pub struct MatchStepSeen {
    /// What.
    pub deed: MatchDeed,
    /// When.
    pub at: Timestamp,
    /// For which institution, by name.
    pub institution: String,
    /// Who, if they are of the asker's institution.
    pub person: Option<String>,
    /// In which role.
    pub role: Option<Role>,
}

/// Some learners of a home whom a guest may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FitSeen {
    /// How many.
    pub learners: usize,
    /// What speaks for it, and what against.
    pub says: &'static str,
    /// What that may mean.
    pub means: &'static str,
    /// True if people took a link to them apart.
    pub undone: bool,
    /// Another of the asker's own ids whose link to them people took apart: this one isn't linked by itself.
    pub another: Option<LocalId>,
}

/// A home where somebody fits a guest, or that was asked about one.
#[derive(Debug, Clone)]
pub struct HomeSeen {
    /// Names what is said of the guest and this home; of homes that aren't named, nothing.
    pub id: MatchId,
    /// The home: its slug and its name. `None` for all of those that haven't tied themselves to the guest: whoever declares an
    /// invented guest under a known number would learn by it where that child is.
    pub home: Option<(Slug, String)>,
    /// Who fits there. Not said of a home that only the asker names.
    pub fits: Vec<FitSeen>,
    /// True if it can be asked.
    pub can_ask: bool,
    /// True if it is asked and hasn't answered.
    pub is_open: bool,
    /// What people said, oldest first.
    pub history: Vec<MatchStepSeen>,
}

/// For what a host takes a guest from a home.
#[derive(Debug, Clone)]
pub struct Taking {
    /// The host's group, with its title; `None` for every group.
    pub group: Option<(LocalId, String)>,
    /// When.
    pub dates: DateRange,
}

/// A learner of the asker's whom a host's guest may be.
#[derive(Clone)]
pub struct OptionSeen {
    /// By the asker's institution's own id.
    pub local: LocalId,
    /// As it calls them; empty if it didn't say.
    pub called: String,
    /// What is the same and what isn't.
    pub points: Points,
    /// True if the asker's institution has placed them at this host.
    pub placed: bool,
    /// True if a link to them was taken apart before.
    pub undone: bool,
    /// True if a link of another of the host's guests to them was taken apart before.
    pub another: bool,
}

/// A question of a host's.
#[derive(Clone)]
pub struct QuestionSeen {
    /// Which.
    pub id: MatchId,
    /// Who asks, by name.
    pub host: String,
    /// For what it takes the guest from the asker's institution.
    pub taking: Vec<Taking>,
    /// Whom it may be, best first; of a question that was answered with no: whom it was about.
    pub options: Vec<OptionSeen>,
    /// Goes with the answer, and says what was shown here.
    pub stamp: String,
    /// True if the asker's institution said no.
    pub declined: bool,
    /// What people said, oldest first.
    pub history: Vec<MatchStepSeen>,
}

/// A guest who is believed to be a home's learner; one of the two is the asker's institution.
#[derive(Clone)]
pub struct LinkSeen {
    /// Names it.
    pub id: MatchId,
    /// By the asker's institution's own id.
    pub local: LocalId,
    /// As the asker's institution calls them.
    pub called: String,
    /// The other institution's name; `None` of a home that neither the asker nor itself ties to the guest.
    pub other: Option<String>,
    /// True if the asker's institution is the host.
    pub hosting: bool,
    /// Since when; older logs don't say.
    pub since: Option<Timestamp>,
    /// What it rests on.
    pub rests: &'static str,
    /// Why somebody should look at it.
    pub look: Option<&'static str>,
    /// What people said, oldest first.
    pub history: Vec<MatchStepSeen>,
}

/// Links of an institution.
#[derive(Clone, Default)]
pub struct LinksSeen {
    /// Those that somebody should look at, then the newest.
    pub links: Vec<LinkSeen>,
    /// How many there are of all that were asked for.
    pub all: usize,
}

/// A learner of the asker's whose number somebody else's learner has, too.
#[derive(Clone)]
pub struct DoubleSeen {
    /// By the asker's institution's own id.
    pub local: LocalId,
    /// As it calls them.
    pub called: String,
    /// The other's institution, by name: the asker's own, or one that placed the other with the asker's. Of any other
    /// partner neither its name nor more than the number is said: whoever declares an invented learner under a known
    /// number would learn by it where that child is, and when it was born.
    pub other: Option<String>,
    /// True if that is the asker's own.
    pub own: bool,
    /// What is the same and what isn't.
    pub says: &'static str,
    /// What that may mean.
    pub means: &'static str,
}

/// What is said of somebody at a home that isn't named: no more than what the asker knows of the guest by itself.
const UNTOLD: (&str, &str) = (
    "a number is the same",
    "Which partner that is, you read once it has placed the learner with you. Ask the learner which school is theirs, accept the \
     placement from it, and ask it here.",
);

/// What a comparison may mean.
const fn means(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::AutoLink { .. } | Verdict::Flagged { .. } => {
            "Somebody else fits as well, or people kept them apart: the hub doesn’t choose."
        }
        Verdict::Conflict(Conflict::BirthDate) => {
            "A date of birth is mistyped, or the number was given to two learners."
        }
        Verdict::Conflict(Conflict::Identifiers) => {
            "A number is mistyped, or one of them has two: a temporary or former UPN, say."
        }
        Verdict::Propose(Proposal::BirthDateMissing) => "One of you hasn’t declared a date of birth.",
        Verdict::Propose(Proposal::ForenameDiffers) => {
            "A twin with the other’s number, or another form of the name."
        }
        Verdict::Propose(Proposal::OldUpn) => {
            "The child kept the number when it moved; or a school gave it out that other children have, too."
        }
        Verdict::Propose(Proposal::Names | Proposal::NearlyNames) => {
            "One of you lacks the numbers that the other has."
        }
        Verdict::NoMatch => "Only people know why they were taken for one learner.",
    }
}

/// What a link rests on.
const fn rests(verdict: Verdict, by_people: bool, answered: bool) -> &'static str {
    match verdict {
        _ if by_people && answered => "Both offices said so",
        _ if by_people => "An approved link in the consortium’s set-up",
        Verdict::AutoLink { tier } | Verdict::Flagged { tier } => match tier {
            Tier::Uln => "The same ULN and date of birth",
            Tier::Upn => "The same UPN and date of birth",
            Tier::Uci => "The same UCI and date of birth, and no number is known to both",
            Tier::FormerUpn => "A former UPN of one is the other’s; date of birth and forename are the same",
            Tier::TemporaryUpn => "The same temporary UPN, date of birth and names",
        },
        _ => "Another partner’s numbers, which fit both",
    }
}

fn institution(directory: &Directory, number: u16) -> String {
    directory.institution(number).map_or_else(String::new, |state| state.info.name.clone())
}

/// As an institution calls a learner.
pub(crate) fn called(local: Option<&Local>) -> String {
    local.and_then(|local| local.called.as_ref()).map_or_else(String::new, |called| {
        format!("{} {}", called.known_as.as_str(), called.surname.as_str()).trim().to_owned()
    })
}

/// Steps as the people of an institution may read them: their own colleagues by name, others as their office.
pub(super) fn history(directory: &Directory, own: u16, case: Option<&MatchCase>) -> Vec<MatchStepSeen> {
    let seen = |step: &MatchStep| {
        let person = step.by.as_ref().and_then(|by| directory.person(by.0));
        MatchStepSeen {
            deed: step.deed,
            at: step.at,
            institution: institution(directory, step.institution),
            person: person.filter(|person| person.institution == own).map(|person| person.name.clone()),
            role: step.role,
        }
    };
    case.map_or(&[] as &[_], |case| &case.steps).iter().map(seen).collect()
}

/// The homes where somebody fits a guest of one's own, and those that were asked about it.
pub(crate) fn home_seen(
    directory: &Directory,
    key: &MatchingKey,
    (own, guest): (u16, &LocalId),
) -> Vec<HomeSeen> {
    let mut homes: BTreeMap<u16, Vec<Fit>> = BTreeMap::new();
    for fit in fits(directory, own, guest) {
        homes.entry(fit.home).or_default().push(fit);
    }
    for case in directory.matches().of_guest(own, guest).filter(|case| case.has_guest()) {
        homes.entry(case.home).or_default();
    }
    let taken = directory.local(own, guest).map_or(&[] as &[_], |local| &local.sides);
    for side in taken.iter().filter(|side| side.hosting && directory.left(side.other).is_none()) {
        homes.entry(side.other).or_default();
    }
    let mut untold = 0;
    let seen = |(home, all): (u16, Vec<Fit>)| {
        let state = directory.institution(home)?;
        let case = directory.matches().between(own, guest, home).filter(|case| case.has_guest());
        let mut sums: BTreeMap<_, usize> = BTreeMap::new();
        let told = |local| is_told(directory, (own, guest), (home, local));
        let is_told = home == own || told(None) || all.iter().any(|fit| told(Some(&fit.local)));
        let open: Vec<&Fit> = all.iter().filter(|fit| is_told && !fit.refused).collect();
        if !is_told {
            // By names alone somebody fits only where the asker looks: what it sees must not hang on that.
            let numbered = |fit: &&Fit| !matches!(fit.verdict, Verdict::Propose(Proposal::Names));
            untold += all.iter().filter(numbered).count();
        }
        for fit in &open {
            let said = (words(fit.verdict), means(fit.verdict), fit.undone, fit.another.clone());
            *sums.entry(said).or_default() += 1;
        }
        let is_open = case.is_some_and(MatchCase::is_open);
        let is_named =
            is_told || names(directory, (own, guest), home) || case.is_some_and(MatchCase::is_known_to_host);
        let can_be_asked = match is_told {
            true => open.iter().any(|fit| fit.is_open(own)),
            false => names(directory, (own, guest), home) && !case.is_some_and(MatchCase::is_declined),
        };
        is_named.then_some(HomeSeen {
            id: name(directory, key, (own, guest, home))?,
            home: Some((state.info.slug.clone(), state.info.name.clone())),
            can_ask: !is_open && can_be_asked,
            is_open,
            fits: sums
                .into_iter()
                .map(|((says, means, undone, another), learners)| FitSeen {
                    learners,
                    says,
                    means,
                    undone,
                    another,
                })
                .collect(),
            history: match case.filter(|_| !is_told) {
                Some(case) => history(directory, own, Some(&as_untold(case))),
                None => history(directory, own, case),
            },
        })
    };
    let mut seen: Vec<HomeSeen> = homes.into_iter().filter_map(seen).collect();
    // One line for all of them: how many homes they are, and in which order, is not said.
    if untold > 0 {
        let (says, means) = UNTOLD;
        let fits = vec![FitSeen { learners: untold, says, means, undone: false, another: None }];
        let id = MatchId([0; 16]);
        seen.push(HomeSeen { id, home: None, fits, can_ask: false, is_open: false, history: Vec::new() });
    }
    seen
}

/// A case as a host reads it that was never told whether anybody fitted.
fn as_untold(case: &MatchCase) -> MatchCase {
    let mut untold = case.clone();
    untold.steps.retain(|step| !case.is_of_home_alone(step));
    untold
}

/// How many questions wait for an institution's answer, and since when the oldest has.
pub(crate) fn asked_of(directory: &Directory, own: u16) -> (u64, Option<Timestamp>) {
    let waiting = asked(directory, own).filter(|(case, _)| case.is_open());
    let since: Vec<Timestamp> = waiting.filter_map(|(case, _)| Some(case.steps.last()?.at)).collect();
    (since.len() as u64, since.into_iter().min())
}

/// What hosts have asked an institution, with what people said last, of guests who still wait.
fn asked(directory: &Directory, own: u16) -> impl Iterator<Item = (&MatchCase, &MatchStep)> {
    let waits = move |case: &&MatchCase| directory.local(case.host, &case.guest).is_some_and(super::waits);
    let ours = directory.matches().all().filter(move |case| case.home == own).filter(waits);
    ours.filter_map(|case| Some((case, case.said()?)))
}

/// Questions for an institution, oldest first: of those that wait, and of those that it answered with no, what is asked for,
/// and how many there are of either.
pub(crate) fn questions(
    directory: &Directory,
    key: &MatchingKey,
    own: u16,
    [waiting, declined]: [Stretch; 2],
) -> (Vec<QuestionSeen>, [usize; 2]) {
    let mut found: [Vec<(Timestamp, MatchId, &MatchCase)>; 2] = [Vec::new(), Vec::new()];
    let [open, said_no] = &mut found;
    for (case, step) in asked(directory, own) {
        if case.is_open() {
            open.push((step.at, case.id(), case));
        } else if step.deed == MatchDeed::No {
            // Nobody to whom a no was said fits any more: there is nothing to take back. A no to nobody only the home can end.
            let refused = |fit: &Fit| fit.home == own && fit.refused;
            if case.is_no_to_nobody() || fits(directory, case.host, &case.guest).iter().any(refused) {
                said_no.push((step.at, case.id(), case));
            }
        }
    }
    let all = [found[0].len(), found[1].len()];
    let mut seen = Vec::new();
    for (mut list, (stretch, is_no)) in found.into_iter().zip([(waiting, false), (declined, true)]) {
        list.sort_by_key(|(at, id, _)| (*at, *id));
        let shown = cut(list, stretch).into_iter();
        seen.extend(shown.map(|(.., case)| question(directory, key, (own, case), is_no)));
    }
    (seen, all)
}

fn question(
    directory: &Directory,
    key: &MatchingKey,
    (own, case): (u16, &MatchCase),
    declined: bool,
) -> QuestionSeen {
    let state = directory.institution(case.host);
    let guest = directory.local(case.host, &case.guest).zip(state);
    let guest = guest.map(|(local, state)| local.tokens.evidence(&state.info.slug));
    let all = fits(directory, case.host, &case.guest);
    let option = |fit: &Fit| {
        let local = directory.local(own, &fit.local)?;
        let ours = local.tokens.evidence(&directory.institution(own)?.info.slug);
        Some(OptionSeen {
            local: fit.local.clone(),
            called: called(Some(local)),
            points: guest.as_ref().map_or_else(Points::default, |guest| points(guest, &ours)),
            placed: local.sides.iter().any(|side| !side.hosting && side.other == case.host),
            undone: fit.undone,
            another: fit.another.is_some(),
        })
    };
    let ours: Vec<&Fit> = all.iter().filter(|fit| fit.home == own && fit.refused == declined).collect();
    let mut options: Vec<OptionSeen> = ours.iter().copied().filter_map(option).collect();
    options.sort_by(|a, b| {
        let best = |one: &OptionSeen| (one.points.differs.len(), usize::MAX - one.points.same.len());
        (best(a), &a.local).cmp(&(best(b), &b.local))
    });
    let title = |group: &LocalId| {
        let title = state.and_then(|state| state.groups.get(group)).map(|(title, _)| title.clone());
        (group.clone(), title.unwrap_or_default())
    };
    let taking = taken_from(directory, (case.host, &case.guest), own);
    QuestionSeen {
        id: case.id(),
        host: institution(directory, case.host),
        taking: taking
            .into_iter()
            .map(|side| Taking { group: side.group.as_ref().map(title), dates: side.dates })
            .collect(),
        options,
        stamp: stamp(directory, key, case, &ours),
        declined,
        history: history(directory, own, Some(case)),
    }
}

/// A stretch of an institution's links: those to look at first, then the newest; or of those of one learner, by the own id.
pub(crate) fn links_seen(
    directory: &Directory,
    key: &MatchingKey,
    own: u16,
    (of, stretch): (Option<&LocalId>, Stretch),
) -> LinksSeen {
    let all = links(directory, own);
    let mut twins: HashMap<(u16, u32), usize> = HashMap::new();
    for link in &all {
        *twins.entry((link.host, link.learner)).or_default() += 1;
    }
    let ours = |link: &Link| if link.host == own { link.guest.clone() } else { link.local.clone() };
    let mut found: Vec<(bool, Option<Timestamp>, Link)> = all
        .into_iter()
        .filter(|link| of.is_none_or(|of| ours(link) == *of))
        .map(|link| {
            let since = directory.local(link.host, &link.guest).and_then(|local| local.since);
            let is_twin = twins.get(&(link.host, link.learner)).is_some_and(|count| *count > 1);
            (look(directory, &link, is_twin).is_some(), since, link)
        })
        .collect();
    found.sort_by(|a, b| (b.0, b.1, ours(&a.2)).cmp(&(a.0, a.1, ours(&b.2))));
    let all = found.len();
    let seen = |(_, _, link): (bool, Option<Timestamp>, Link)| {
        let id = name(directory, key, (link.host, &link.guest, link.home))?;
        let is_twin = twins.get(&(link.host, link.learner)).is_some_and(|count| *count > 1);
        Some(LinkSeen { look: look(directory, &link, is_twin), ..link_seen(directory, own, &link, id) })
    };
    LinksSeen { links: cut(found, stretch).into_iter().filter_map(seen).collect(), all }
}

/// One link.
pub(super) fn link(directory: &Directory, own: u16, link: &Link, id: MatchId) -> LinkSeen {
    let same = |other: &Link| other.host == link.host && other.learner == link.learner;
    let is_twin = links(directory, own).iter().filter(|other| same(other)).count() > 1;
    LinkSeen { look: look(directory, link, is_twin), ..link_seen(directory, own, link, id) }
}

fn link_seen(directory: &Directory, own: u16, link: &Link, id: MatchId) -> LinkSeen {
    let hosting = link.host == own;
    let (local, other) = if hosting { (&link.guest, link.home) } else { (&link.local, link.host) };
    let guest = directory.local(link.host, &link.guest);
    let case = directory.matches().between(link.host, &link.guest, link.home);
    let answered = case.and_then(MatchCase::said).is_some_and(|step| step.deed == MatchDeed::Yes);
    let is_named = !hosting || is_told(directory, (own, &link.guest), (link.home, Some(&link.local)));
    LinkSeen {
        id,
        local: local.clone(),
        called: called(directory.local(own, local)),
        other: is_named.then(|| institution(directory, other)),
        hosting,
        since: guest.and_then(|guest| guest.since),
        rests: rests(verdict(directory, link), guest.is_some_and(|guest| guest.approved), answered),
        look: None,
        // Whom the host asked is no secret to it; that the guest is theirs, it would read by this.
        history: history(directory, own, case.filter(|_| is_named)),
    }
}

fn verdict(directory: &Directory, link: &Link) -> Verdict {
    let evidence = |at: u16, id: &LocalId| {
        let slug = &directory.institution(at)?.info.slug;
        Some(directory.local(at, id)?.tokens.evidence(slug))
    };
    match evidence(link.host, &link.guest).zip(evidence(link.home, &link.local)) {
        Some((guest, ours)) => compare(&guest, &ours, true),
        None => Verdict::NoMatch,
    }
}

/// Why somebody should look at a link.
fn look(directory: &Directory, link: &Link, is_twin: bool) -> Option<&'static str> {
    if is_twin {
        return Some(
            "Two guests of one host are taken for this one learner: a twin, or somebody who stands there twice.",
        );
    }
    let by_people = directory.local(link.host, &link.guest).is_some_and(|guest| guest.approved);
    match verdict(directory, link) {
        _ if by_people => None,
        Verdict::Conflict(Conflict::BirthDate) => {
            Some("The date of birth isn’t the same any more, the number is.")
        }
        Verdict::Conflict(Conflict::Identifiers) => {
            Some("One number is the same, another one isn’t any more.")
        }
        Verdict::Flagged { tier: Tier::TemporaryUpn } => Some(
            "It rests on a temporary UPN, which is only good in the school that issued it: enter the permanent one or the ULN.",
        ),
        Verdict::Propose(Proposal::ForenameDiffers) => {
            Some("The forename is another: a twin with the other’s number, perhaps.")
        }
        _ => None,
    }
}

/// Learners of one's own whose number stands for somebody else, too: given twice, mistyped, or a twin's. What is asked for of
/// them, and how many there are.
pub(crate) fn doubles(directory: &Directory, own: u16, stretch: Stretch) -> (Vec<DoubleSeen>, usize) {
    let Some(state) = directory.institution(own) else { return (Vec::new(), 0) };
    let mut found = Vec::new();
    for (id, local) in state.locals.iter().filter(|(_, local)| local.registration == Registration::Home) {
        let evidence = local.tokens.evidence(&state.info.slug);
        for (at, other) in directory.numbered_alike(&local.tokens) {
            let theirs = directory.institution(at).zip(directory.local(at, &other));
            let Some((there, theirs)) = theirs.filter(|(_, l)| l.registration == Registration::Home) else {
                continue;
            };
            // A claim for the same learner stands on a list of its own.
            if (at == own && other == *id) || (at != own && theirs.learner == local.learner) {
                continue;
            }
            let verdict = compare(&evidence, &theirs.tokens.evidence(&there.info.slug), false);
            if verdict == Verdict::NoMatch {
                continue;
            }
            // Their word, not the asker's own: what one declares oneself opens nothing.
            let is_told = at == own || placed_with(directory, (at, &other), own);
            let (says, means) = match is_told {
                true => (words(verdict), means(verdict)),
                false => ("a number is the same", "A number is mistyped, or was given to two learners."),
            };
            found.push(DoubleSeen {
                local: id.clone(),
                called: called(Some(local)),
                other: is_told.then(|| there.info.name.clone()),
                own: at == own,
                says,
                means,
            });
        }
    }
    found.sort_by(|a, b| (&a.local, &a.other).cmp(&(&b.local, &b.other)));
    let all = found.len();
    (cut(found, stretch), all)
}
