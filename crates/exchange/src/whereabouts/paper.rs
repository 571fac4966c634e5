//! The evacuation list: every visitor who may be on a site now, whether a timetable expects them or not.
//!
//! It errs on the side of naming too many. Whom the person may not see is counted, so that nobody takes the list for whole.
//! Paper can't be called back: each print has an entry of its own.

use super::{
    BoardAsk, LessonSeen, Looks, Ring, Whereabouts,
    show::{self, Desk},
};
use crate::{
    Exchange,
    by_learner::BOARD,
    directory::{Directory, Side},
    office::Acting,
    projection::look,
    reading::ReadError,
    rooms::Shown,
    types::NotAllowed,
};
use commonroll_core::{LocalId, Slug, Timestamp};
use commonroll_views::whereabouts::{AlertKey, Expectation, State};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// Visitors of one list at most.
const PAPER_MAX: usize = 2_000;

/// A visitor who may be there.
#[derive(Clone, PartialEq)]
pub struct ThereSeen {
    /// As the site calls them. Personal.
    pub name: String,
    /// Home: slug and name.
    pub home: (Slug, String),
    /// The lesson that counts now; `None` where no timetable of today expects them.
    pub lesson: Option<LessonSeen>,
    /// How they stand.
    pub looks: Looks,
    /// The same in words, with when they were last seen here.
    pub words: String,
}

impl fmt::Debug for ThereSeen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ThereSeen({:?}, ..)", self.looks)
    }
}

/// The list at a moment.
#[derive(Debug, Clone, PartialEq)]
pub struct EvacuationSeen {
    /// The site: slug and name.
    pub institution: (Slug, String),
    /// The moment.
    pub at: Timestamp,
    /// False while the day's marks are still being read after a start.
    pub complete: bool,
    /// True if the site's own registers are silent.
    pub silent: bool,
    /// In no order.
    pub visitors: Vec<ThereSeen>,
    /// Learners placed here today whom the person may not see, or for whom there was no room.
    pub unnamed: u32,
    /// Every home that has learners placed here today.
    pub homes: Vec<Ring>,
}

impl Exchange {
    /// The visitors who may be on the site of a person's institution now, for paper. Decided as the board of visitors is; its
    /// entry is durable first, each time.
    ///
    /// # Errors
    /// [`ReadError`]; nothing was handed out then. `Unavailable`, too, on a node that opened no views.
    pub async fn evacuation(&self, acting: Acting<'_>, now: Timestamp) -> Result<EvacuationSeen, ReadError> {
        let views = self.shared.views.get().ok_or(ReadError::Unavailable)?;
        let make = |directory: &Directory| {
            directory.in_role(acting.speaker.id(), acting.role)?;
            let (seen, shown) = compose(directory, &look(&views.whereabouts), acting, now)?;
            let mut more = show::entry(directory, &shown, acting, BoardAsk::Visitors);
            more["form"] = "paper".into();
            more["unnamed"] = seen.unnamed.into();
            Ok((seen, (BOARD, more)))
        };
        self.page(acting, ("board.slowed", "board.refused"), now, make).await
    }
}

fn compose(
    directory: &Directory,
    board: &Whereabouts,
    acting: Acting<'_>,
    now: Timestamp,
) -> Result<(EvacuationSeen, Shown), NotAllowed> {
    let own = acting.speaker.number;
    let state = directory.institution(own).ok_or(NotAllowed::Denied)?;
    if !show::could(directory, acting, BoardAsk::Visitors, now) {
        return Err(NotAllowed::Denied);
    }
    let desk = Desk { directory, board, acting, ask: BoardAsk::Visitors, zone: state.zone.clone(), now };
    let mut of: BTreeMap<u32, Vec<(Expectation, State)>> = BTreeMap::new();
    board.board.of_host(own).into_iter().for_each(|line| of.entry(line.0.learner).or_default().push(line));
    for learner in visiting(directory, board, own, now) {
        of.entry(learner).or_default();
    }
    let mut shown = Shown::default();
    let (mut visitors, mut unnamed, mut homes) = (Vec::new(), 0, BTreeSet::new());
    for (learner, lines) in of {
        let home = directory.home_of(learner).map(|(home, _)| *home);
        homes.extend(home);
        let permit = show::permit(directory, acting, learner, now).filter(|_| visitors.len() < PAPER_MAX);
        let (Some(permit), Some(home)) = (permit, home) else {
            unnamed += 1;
            continue;
        };
        show::take(&mut shown, learner, &permit);
        visitors.push(desk.there(learner, home, lines));
    }
    let silent =
        board.board.open_alerts().any(|(alert, _)| alert.key == AlertKey::SourceSilent { site: own });
    let seen = EvacuationSeen {
        institution: (state.info.slug.clone(), state.info.name.clone()),
        at: now,
        complete: board.complete,
        silent,
        visitors,
        unnamed,
        homes: homes.into_iter().filter_map(|home| desk.ring(home)).collect(),
    };
    Ok((seen, shown))
}

/// Everybody placed at a host now, and whoever it saw today.
fn visiting(directory: &Directory, board: &Whereabouts, own: u16, now: Timestamp) -> BTreeSet<u32> {
    let Some(state) = directory.institution(own) else { return BTreeSet::new() };
    let today = now.date_in(&state.zone);
    let placed = |local: &LocalId, sides: &[Side]| {
        sides
            .iter()
            .filter(|side| side.hosting)
            .any(|side| directory.placed(own, local, today, Some(now), side.group.as_ref()).in_force)
    };
    let guests = state.locals.iter().filter(|(local, held)| placed(local, &held.sides));
    let seen = board.told.iter().filter(|(_, told)| told.sightings.iter().any(|(site, _)| *site == own));
    guests.filter_map(|(_, held)| held.learner).chain(seen.map(|(learner, _)| *learner)).collect()
}

impl Desk<'_> {
    fn there(&self, learner: u32, home: u16, lines: Vec<(Expectation, State)>) -> ThereSeen {
        let last = self.last_here(learner, &lines);
        let counts = self.counts_now(lines);
        let (looks, said) = match &counts {
            Some((of, state)) => self.said(of, state),
            None => (Looks::Unknown, "Placed here, no lesson known for now".to_owned()),
        };
        // A mark in the lesson that counts says it already; between lessons the last one matters most.
        let told = matches!(looks, Looks::Seen | Looks::Late);
        let words = match last.filter(|_| !told) {
            Some(at) => format!("Last seen here {}. {said}", self.clock(at)),
            None => said,
        };
        ThereSeen {
            name: self.name(learner),
            home: self.named(home),
            lesson: counts.map(|(of, _)| self.lesson(&of)),
            looks,
            words,
        }
    }

    /// The start of the last time, not later than now, at which the site itself saw the learner today.
    fn last_here(&self, learner: u32, lines: &[(Expectation, State)]) -> Option<Timestamp> {
        let there =
            |state: &State| matches!(state, State::Seen | State::Late { .. } | State::LeftEarly { .. });
        let lessons = lines.iter().filter(|(_, state)| there(state)).map(|(of, _)| of.time.start());
        let told = self.board.told.get(&learner);
        let sightings = told.into_iter().flat_map(|told| &told.sightings);
        let own = self.acting.speaker.number;
        let besides = sightings.filter(|(site, _)| *site == own).map(|(_, time)| time.start());
        lessons.chain(besides).filter(|at| *at <= self.now).max()
    }
}
