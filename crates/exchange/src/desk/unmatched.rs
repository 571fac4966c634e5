//! Whom nobody has matched: guests whom the evidence ties to nobody, learners whom two institutions claim, placements that
//! wait for the other side. By the asker's own ids; of other institutions' learners only that there is one, and what
//! speaks for and against. What people decide about it is `matches`.

use crate::{
    Exchange,
    directory::{Directory, Local, Side, tokens::MatchingKey},
    matches::{
        AgreedSeen, DoubleSeen, HomeSeen, LinksSeen, MainSeen, QuestionSeen, ReusedSeen, agreed, called,
        doubles, home_seen, is_named_by, links_seen, main_seen, placed_with, questions, reused,
    },
    office::Acting,
    questions::AskError,
    stretch::{Stretch, cut},
};
use commonroll_core::{
    LocalId, Slug, Timestamp,
    directory::{DateRange, Registration},
};
use commonroll_policy::OfficeAct;
use jiff::tz::TimeZone;

/// The beginning of a list.
const FIRST: Stretch = (0, 200);

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

/// Which part of each list is asked for. Only that is made; everything is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnmatchedPart {
    /// Of questions that wait.
    pub questions: Stretch,
    /// Of questions that were answered with no.
    pub declined: Stretch,
    /// Of guests whom nobody has matched.
    pub guests: Stretch,
    /// Of learners whom two claim.
    pub claims: Stretch,
    /// Of those of whom the two have agreed.
    pub agreed: Stretch,
    /// Of ids that stand for another child.
    pub reused: Stretch,
    /// Of numbers that stand for two.
    pub doubles: Stretch,
    /// Of those who have moved.
    pub moved: Stretch,
    /// Of placements that the host has not accepted.
    pub for_host: Stretch,
    /// Of acceptances whose home has declared nothing.
    pub for_home: Stretch,
    /// Of matches.
    pub links: Stretch,
}

impl UnmatchedPart {
    /// The beginning of each list: what a program reads at once.
    pub const FIRST: Self = Self {
        questions: FIRST,
        declined: FIRST,
        guests: FIRST,
        claims: FIRST,
        agreed: FIRST,
        reused: FIRST,
        doubles: FIRST,
        moved: FIRST,
        for_host: FIRST,
        for_home: FIRST,
        links: FIRST,
    };
}

/// How many lines each list of what waits for people, or was settled by them, has in all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UnmatchedTotals {
    /// Questions that wait.
    pub questions: usize,
    /// Questions that were answered with no.
    pub declined: usize,
    /// Guests whom nobody has matched.
    pub guests: usize,
    /// Learners whom two claim.
    pub claims: usize,
    /// Those of whom the two have agreed.
    pub agreed: usize,
    /// Ids that stand for another child.
    pub reused: usize,
    /// Numbers that stand for two.
    pub doubles: usize,
    /// Those who have moved.
    pub moved: usize,
    /// Placements that the host has not accepted.
    pub for_host: usize,
    /// Acceptances whose home has declared nothing.
    pub for_home: usize,
}

impl UnmatchedTotals {
    /// How many of them wait for a person: all but what is settled, by a no or by an agreement.
    pub const fn waiting(&self) -> usize {
        let learners = self.questions + self.guests + self.claims + self.reused + self.doubles + self.moved;
        learners + self.for_host + self.for_home
    }
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
    /// What hosts ask about learners of the asker's institution, those that wait first, then those answered with no.
    pub questions: Vec<QuestionSeen>,
    /// Guests and learners who are matched.
    pub links: LinksSeen,
    /// Placements that the host has not accepted.
    pub for_host: Vec<WaitingSeen>,
    /// Acceptances whose home has declared nothing.
    pub for_home: Vec<WaitingSeen>,
    /// How many lines each list has in all.
    pub all: UnmatchedTotals,
    /// The time zone of the asker's institution.
    pub zone: Option<TimeZone>,
}

impl std::fmt::Debug for UnmatchedSeen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "UnmatchedSeen({}, {}, ..)", self.guests.len(), self.claims.len())
    }
}

impl Exchange {
    /// Whom and what nobody has matched at the asker's institution, what hosts ask it, and who is matched: all, newest first,
    /// or those under one own id. Of each list the part that is asked for.
    ///
    /// # Errors
    /// [`AskError`]; whoever was refused too often lately waits.
    pub async fn unmatched(
        &self,
        acting: Acting<'_>,
        (of, part): (Option<&LocalId>, &UnmatchedPart),
        now: Timestamp,
    ) -> Result<UnmatchedSeen, AskError> {
        self.ready_for(acting, "read.slowed", now).await?;
        self.at_desk(acting, OfficeAct::SettleMatch)
            .inspect_err(|_| _ = crate::warnings::missed(&self.shared, acting.speaker, now))?;
        let seen = {
            let (directory, key, own) = (self.shared.directory(), &self.shared.key, acting.speaker.number);
            let mut seen = found(&directory, key, (own, part), now);
            let asked = [part.questions, part.declined];
            (seen.questions, [seen.all.questions, seen.all.declined]) =
                questions(&directory, key, own, asked);
            (seen.doubles, seen.all.doubles) = doubles(&directory, own, part.doubles);
            (seen.agreed, seen.all.agreed) = agreed(&directory, key, own, part.agreed);
            (seen.reused, seen.all.reused) = reused(&directory, key, own, part.reused);
            seen.links = links_seen(&directory, key, own, (of, part.links));
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

fn found(
    directory: &Directory,
    key: &MatchingKey,
    (own, part): (u16, &UnmatchedPart),
    now: Timestamp,
) -> UnmatchedSeen {
    let mut seen = UnmatchedSeen::default();
    let Some(state) = directory.institution(own) else { return seen };
    seen.zone = Some(state.zone.clone());
    let today = now.date_in(&state.zone);
    let name = |number: u16| directory.institution(number).map_or("", |state| state.info.name.as_str());
    let (mut guests, mut claims, mut moves) = (Vec::new(), Vec::new(), Vec::new());
    let (mut for_host, mut for_home) = (Vec::new(), Vec::new());
    for (id, local) in &state.locals {
        if local.registration != Registration::Home
            && local.registration != Registration::Previous
            && local.learner.is_none()
        {
            guests.push((id, local));
        }
        claims.extend(claimants(directory, own, (id, local)).into_iter().map(|(other, counts)| {
            let is_told = |(at, theirs): &(u16, &LocalId)| {
                placed_with(directory, (*at, *theirs), own)
                    || is_named_by(directory, *at, (own, local.learner))
            };
            let told = other.filter(is_told).map(|(at, _)| name(at));
            (id, told, counts, other.map(|(at, _)| at))
        }));
        let live = |side: &&Side| side.dates.last() >= today && side.ended.is_none_or(|end| end > now);
        for side in local.sides.iter().filter(live) {
            if let Some(how) = moved(directory, own, local, side) {
                moves.push((id, name(side.other), how));
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
                let list = if side.hosting { &mut for_home } else { &mut for_host };
                list.push((name(side.other), id, side));
            }
        }
    }
    guests.sort_by_key(|(id, _)| *id);
    claims.sort_by_key(|(id, other, ..)| (*id, *other));
    moves.sort_by_key(|(id, other, _)| (*id, *other));
    moves.dedup_by_key(|(id, other, _)| (*id, *other));
    for list in [&mut for_host, &mut for_home] {
        list.sort_by_key(|(other, id, side)| (*other, *id, side.dates.first(), side.group.as_ref()));
    }
    seen.all = UnmatchedTotals {
        guests: guests.len(),
        claims: claims.len(),
        moved: moves.len(),
        for_host: for_host.len(),
        for_home: for_home.len(),
        ..UnmatchedTotals::default()
    };
    // What isn't asked for isn't made: looking for everybody who may fit a guest takes its time.
    let guest = |(id, local): (&LocalId, &Local)| {
        let hosting = local.sides.iter().filter(|side| side.hosting);
        let mut from: Vec<String> = hosting.map(|side| name(side.other).to_owned()).collect();
        from.sort();
        from.dedup();
        let homes = home_seen(directory, key, (own, id));
        GuestSeen { local: id.clone(), called: called(Some(local)), from, homes }
    };
    seen.guests = cut(guests, part.guests).into_iter().map(guest).collect();
    let claim = |(id, other, counts, at): (&LocalId, Option<&str>, bool, Option<u16>)| {
        let main = main_seen(directory, key, (own, id), at);
        ClaimSeen { local: id.clone(), other: other.map(str::to_owned), counts, main }
    };
    seen.claims = cut(claims, part.claims).into_iter().map(claim).collect();
    let moved =
        |(id, other, how): (&LocalId, &str, _)| MovedSeen { local: id.clone(), other: other.to_owned(), how };
    seen.moved = cut(moves, part.moved).into_iter().map(moved).collect();
    let waiting = |(other, id, side): (&str, &LocalId, &Side)| {
        let (group, dates) = (side.group.clone(), side.dates);
        WaitingSeen { local: id.clone(), other: other.to_owned(), group, dates }
    };
    seen.for_host = cut(for_host, part.for_host).into_iter().map(waiting).collect();
    seen.for_home = cut(for_home, part.for_home).into_iter().map(waiting).collect();
    if !seen.claims.is_empty() {
        let others = (0u16..)
            .zip(directory.institutions())
            .filter(|(number, one)| *number != own && one.left.is_none());
        seen.partners = others.map(|(_, one)| (one.info.slug.clone(), one.info.name.clone())).collect();
    }
    seen
}

/// Who else claims a learner of an institution's own, if they haven't agreed: the home, where the learner counts as another's,
/// or each that claims one who counts as its own, which is true then.
fn claimants<'a>(
    directory: &'a Directory,
    own: u16,
    (id, local): (&LocalId, &Local),
) -> Vec<(Option<(u16, &'a LocalId)>, bool)> {
    let mut found = Vec::new();
    let home = local.learner.and_then(|learner| directory.home_of(learner)).map(|(at, id)| (*at, id));
    if local.contested {
        let settled = directory.agreed_main(own, id).map(|(at, ..)| at);
        if settled.is_none() || settled != home.map(|(at, _)| at) {
            found.push((home, false));
        }
    }
    let Some(learner) = local.learner.filter(|_| home == Some((own, id))) else { return found };
    for (number, theirs) in directory.known_at(learner).filter(|(number, _)| *number != own) {
        let claims = directory.local(*number, theirs).is_some_and(|claim| claim.contested);
        let settled = || directory.agreed_main(own, id).is_some_and(|(at, ..)| at == *number);
        if claims && !settled() {
            found.push((Some((*number, theirs)), true));
        }
    }
    found
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
