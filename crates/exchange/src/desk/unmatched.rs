//! Whom nobody has matched: guests whom the evidence ties to nobody, learners whom two institutions claim, placements that
//! wait for the other side. By the asker's own ids; of other institutions' learners only that there is one, and what
//! speaks for and against. What people decide about it is `matches`.

use crate::{
    Exchange,
    directory::{Directory, Local, Side, tokens::MatchingKey},
    matches::{
        AgreedSeen, DoubleSeen, HomeSeen, LinksSeen, MainSeen, QuestionSeen, ReusedSeen, agreed, called,
        doubles, home_seen, links_seen, main_seen, placed_with, questions, reused,
    },
    office::Acting,
    questions::AskError,
};
use commonroll_core::{
    LocalId, Slug, Timestamp,
    directory::{DateRange, Registration},
};
use commonroll_policy::OfficeAct;
use jiff::tz::TimeZone;

/// Lines of one list at most.
const LINES: usize = 200;

/// A guest whom nobody has matched.
#[derive(Clone)]
pub struct GuestSeen {
    /// By the asker's institution's own id.
    pub local: LocalId,
    /// As the asker's institution calls them; empty if it didn't say.
    pub called: String,
    /// From which institutions it takes the guest, by name.
    pub from: Vec<String>,
    /// Homes where somebody fits, and those that were asked.
    pub homes: Vec<HomeSeen>,
}

/// A learner whom two institutions claim.
#[derive(Clone)]
pub struct ClaimSeen {
    /// By the asker's institution's own id.
    pub local: LocalId,
    /// The other institution's name, if it placed the learner with the asker's. Of any other partner only that it claims the
    /// learner: whoever claims an invented one under known numbers would learn by it where that child is.
    pub other: Option<String>,
    /// True if the asker's institution counts as home meanwhile, because it said so first.
    pub counts: bool,
    /// What people of either say of it.
    pub main: MainSeen,
}

/// How somebody who was matched has lost a side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MovedHow {
    /// A guest whom nobody registers as their own any more.
    Homeless,
    /// A guest whose home is another now than the one that the host named.
    HomeChanged,
    /// A learner who left, and whose placements still run.
    LeftUs,
}

/// Somebody who has moved.
#[derive(Clone)]
pub struct MovedSeen {
    /// By the asker's institution's own id.
    pub local: LocalId,
    /// The other institution of the placement, by name.
    pub other: String,
    /// How.
    pub how: MovedHow,
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
    /// The other partners, by slug and name, if anybody is claimed: one of them is the other.
    pub partners: Vec<(Slug, String)>,
    /// Those of whom the two have agreed where the main registration is.
    pub agreed: Vec<AgreedSeen>,
    /// Those who have moved.
    pub moved: Vec<MovedSeen>,
    /// Ids that stand for another child all at once.
    pub reused: Vec<ReusedSeen>,
    /// Learners whose number stands for somebody else, too.
    pub doubles: Vec<DoubleSeen>,
    /// What hosts ask about learners of the asker's institution, those that wait first.
    pub questions: Vec<QuestionSeen>,
    /// Guests and learners who are matched.
    pub links: LinksSeen,
    /// Placements that the host has not accepted.
    pub for_host: Vec<WaitingSeen>,
    /// Acceptances whose home has declared nothing.
    pub for_home: Vec<WaitingSeen>,
    /// How many lines were left out, of all lists of what waits.
    pub more: usize,
    /// The same of what is settled: agreed, or answered with no.
    pub more_settled: usize,
    /// The time zone of the asker's institution.
    pub zone: Option<TimeZone>,
}

impl std::fmt::Debug for UnmatchedSeen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "UnmatchedSeen({}, {}, ..)", self.guests.len(), self.claims.len())
    }
}

impl Exchange {
    /// Whom and what nobody has matched at the asker's institution, what hosts ask it, and who is matched: the newest, or
    /// those under one own id.
    ///
    /// # Errors
    /// [`AskError`]; whoever was refused too often lately waits.
    pub async fn unmatched(
        &self,
        acting: Acting<'_>,
        of: Option<&LocalId>,
        now: Timestamp,
    ) -> Result<UnmatchedSeen, AskError> {
        self.ready_for(acting, "read.slowed", now).await?;
        self.at_desk(acting, OfficeAct::SettleMatch)
            .inspect_err(|_| _ = crate::warnings::missed(&self.shared, acting.speaker, now))?;
        let seen = {
            let (directory, own) = (self.shared.directory(), acting.speaker.number);
            let mut seen = found(&directory, &self.shared.key, own, now);
            let (questions, doubles) =
                (questions(&directory, Some(&self.shared.key), own), doubles(&directory, own));
            (seen.questions, seen.doubles) = (questions.0, doubles.0);
            seen.agreed = agreed(&directory, &self.shared.key, own);
            seen.more_settled = seen.agreed.len().saturating_sub(LINES) + questions.1.1;
            seen.agreed.truncate(LINES);
            seen.reused = reused(&directory, &self.shared.key, own);
            seen.more += seen.reused.len().saturating_sub(LINES);
            seen.reused.truncate(LINES);
            seen.more += questions.1.0 + doubles.1;
            seen.links = links_seen(&directory, &self.shared.key, own, of);
            seen
        };
        let about = serde_json::json!({
            "guests": seen.guests.len(), "claims": seen.claims.len(),
            "placements": seen.for_host.len() + seen.for_home.len(),
            "questions": seen.questions.len(), "links": seen.links.links.len(),
        });
        self.looks(acting, ("unmatched", about), now).await?;
        Ok(seen)
    }
}

fn found(directory: &Directory, key: &MatchingKey, own: u16, now: Timestamp) -> UnmatchedSeen {
    let mut seen = UnmatchedSeen::default();
    let Some(state) = directory.institution(own) else { return seen };
    seen.zone = Some(state.zone.clone());
    let today = now.date_in(&state.zone);
    let name = |number: u16| directory.institution(number).map_or(String::new(), |s| s.info.name.clone());
    let mut guests = Vec::new();
    for (id, local) in &state.locals {
        if local.registration != Registration::Home
            && local.registration != Registration::Previous
            && local.learner.is_none()
        {
            let mut from: Vec<String> =
                local.sides.iter().filter(|side| side.hosting).map(|side| name(side.other)).collect();
            from.sort();
            from.dedup();
            guests.push((id, local, from));
        }
        if local.contested {
            let home = local.learner.and_then(|learner| directory.home_of(learner));
            let settled = directory.agreed_main(own, id).map(|(at, ..)| at);
            if settled.is_none() || settled != home.map(|(home, _)| *home) {
                let told = home.filter(|(home, theirs)| placed_with(directory, (*home, theirs), own));
                let main = main_seen(directory, key, (own, id), home.map(|(home, _)| *home));
                let other =
                    told.map(|(home, _)| name(*home)).or_else(|| main.told.as_ref().map(|w| w.other.clone()));
                seen.claims.push(ClaimSeen { local: id.clone(), other, counts: false, main });
            }
        }
        let live = |side: &&Side| side.dates.last() >= today && side.ended.is_none_or(|end| end > now);
        for side in local.sides.iter().filter(live) {
            if let Some(how) = moved(directory, own, local, side) {
                seen.moved.push(MovedSeen { local: id.clone(), other: name(side.other), how });
                continue;
            }
            let answered = match local.learner {
                None => true, // the guest is on the list above
                Some(learner) if side.hosting => directory.home_of(learner).is_some_and(|(home, home_id)| {
                    let sides = directory.local(*home, home_id).map_or(&[] as &[Side], |l| &l.sides);
                    *home == side.other && sides.iter().any(|theirs| meets(theirs, side, own))
                }),
                Some(learner) => {
                    hosted(directory, (side.other, own), learner).any(|theirs| meets(theirs, side, own))
                }
            };
            if !answered {
                let (other, group, dates) = (name(side.other), side.group.clone(), side.dates);
                let waiting = WaitingSeen { local: id.clone(), other, group, dates };
                let list = if side.hosting { &mut seen.for_home } else { &mut seen.for_host };
                list.push(waiting);
            }
        }
    }
    seen.more = guests.len().saturating_sub(LINES);
    guests.sort_by_key(|(id, ..)| *id);
    seen.guests = guests
        .into_iter()
        .take(LINES)
        .map(|(id, local, from)| GuestSeen {
            local: id.clone(),
            called: called(Some(local)),
            from,
            homes: home_seen(directory, key, (own, id)),
        })
        .collect();
    for (id, local) in &state.locals {
        let is_home =
            |learner: &u32| directory.home_of(*learner).is_some_and(|home| home.0 == own && home.1 == *id);
        let Some(learner) = local.learner.filter(is_home) else { continue };
        for (number, theirs) in directory.known_at(learner).filter(|(number, _)| *number != own) {
            let (number, claim) = (*number, directory.local(*number, theirs));
            let settled = || directory.agreed_main(own, id).is_some_and(|(at, ..)| at == number);
            if !claim.is_some_and(|claim| claim.contested) || settled() {
                continue;
            }
            let main = main_seen(directory, key, (own, id), Some(number));
            let told = placed_with(directory, (number, theirs), own) || main.told.is_some();
            let other = told.then(|| name(number));
            seen.claims.push(ClaimSeen { local: id.clone(), other, counts: true, main });
        }
    }
    if !seen.claims.is_empty() {
        let others = (0u16..)
            .zip(directory.institutions())
            .filter(|(number, one)| *number != own && one.left.is_none());
        seen.partners = others.map(|(_, one)| (one.info.slug.clone(), one.info.name.clone())).collect();
    }
    seen.moved.sort_by(|a, b| (&a.local, &a.other).cmp(&(&b.local, &b.other)));
    seen.moved.dedup_by(|a, b| (&a.local, &a.other) == (&b.local, &b.other));
    seen.claims.sort_by(|a, b| (&a.local, &a.other).cmp(&(&b.local, &b.other)));
    seen.for_host.sort_by(|a, b| (&a.other, &a.local).cmp(&(&b.other, &b.local)));
    seen.for_home.sort_by(|a, b| (&a.other, &a.local).cmp(&(&b.other, &b.local)));
    let lengths = [seen.claims.len(), seen.for_host.len(), seen.for_home.len(), seen.moved.len()];
    seen.more += lengths.iter().map(|length| length.saturating_sub(LINES)).sum::<usize>();
    seen.moved.truncate(LINES);
    seen.claims.truncate(LINES);
    seen.for_host.truncate(LINES);
    seen.for_home.truncate(LINES);
    seen
}

/// Whether one whom both knew has lost the other side of a placement that still runs.
fn moved(directory: &Directory, own: u16, local: &Local, side: &Side) -> Option<MovedHow> {
    let learner = local.learner?;
    // Their home of then said so itself. To whoever only names partners in turn, the right one must look like any other.
    let placed = || {
        let theirs = |local: &Local| local.learner == Some(learner) || local.was.contains(&learner);
        directory.institution(side.other).is_some_and(|state| {
            let held = |(id, local)| theirs(local) && placed_with(directory, (side.other, id), own);
            state.locals.iter().any(held)
        })
    };
    let home = directory.home_of(learner).map(|(home, _)| *home);
    match (side.hosting, home) {
        _ if local.registration == Registration::Home => None,
        // Their home is to say first whom its id stands for.
        _ if directory.doubts().home_of(learner).is_some() => None,
        (true, None) => Some(MovedHow::Homeless),
        (true, Some(home)) if home != side.other && placed() => Some(MovedHow::HomeChanged),
        (false, _) if local.registration == Registration::Previous => Some(MovedHow::LeftUs),
        _ => None,
    }
}

/// What a host has said of a home's learner.
fn hosted(directory: &Directory, (host, home): (u16, u16), learner: u32) -> impl Iterator<Item = &Side> {
    let known = directory.known_at(learner).filter(move |(at, _)| *at == host && host != home);
    let theirs = known.filter_map(|(at, id)| directory.local(*at, id)).filter(|local| !local.contested);
    theirs.flat_map(|local| &local.sides).filter(move |side| side.hosting && side.other == home)
}

/// Whether the other institution has spoken of the same placement.
fn meets(theirs: &Side, ours: &Side, own: u16) -> bool {
    theirs.other == own
        && theirs.hosting != ours.hosting
        && (theirs.group == ours.group || theirs.group.is_none() || ours.group.is_none())
}
