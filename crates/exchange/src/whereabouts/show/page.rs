//! How learners stand, for pages that are not a board: a teacher's group, a home's list. Who may see it is decided there.

use super::{BoardAsk, Desk, Looks, Whereabouts};
use crate::{directory::Directory, office::Acting};
use commonroll_core::{LocalId, Timestamp};
use commonroll_views::whereabouts::{Expectation, State};
use std::collections::BTreeMap;

/// How each learner stands, in words.
pub(crate) type Standings = BTreeMap<u32, (Looks, String)>;

impl Whereabouts {
    /// True once all of the day has been read after a start.
    pub fn knows_today(&self) -> bool {
        self.complete
    }
}

/// What is known of a group today.
#[derive(Default)]
pub(crate) struct GroupToday {
    /// How each visitor stands in its lesson that counts now.
    pub states: Standings,
    /// When the first mark of its newest lesson came in.
    pub register: Option<Timestamp>,
}

/// How those stand who visit a group of the person's institution.
pub(crate) fn visitors_of(
    directory: &Directory,
    board: &Whereabouts,
    acting: Acting<'_>,
    group: &LocalId,
    now: Timestamp,
) -> GroupToday {
    let Some(desk) = desk(directory, board, acting, BoardAsk::Visitors, now) else {
        return GroupToday::default();
    };
    let own = acting.speaker.number;
    let of_group = |of: &Expectation| {
        board.lessons.get(&(of.site, of.lesson)).is_some_and(|lesson| lesson.group == *group)
    };
    let lines = board.board.of_host(own).into_iter().filter(|(of, _)| of_group(of));
    let states = standings(&desk, lines.collect());
    let lessons = board.lessons.iter().filter(|((site, _), lesson)| *site == own && lesson.group == *group);
    let begun = lessons.map(|(_, lesson)| lesson.time).filter(|time| time.start() <= now);
    let newest = begun.max_by_key(|time| time.start());
    let register = newest.and_then(|time| {
        let today = now.date_in(&desk.zone);
        let marks = board
            .marks
            .values()
            .filter(|mark| mark.source == own && mark.date == today && mark.group.as_ref() == Some(group));
        let of_lesson = marks.filter(|mark| mark.at.is_some_and(|at| time.start() <= at && at < time.end()));
        of_lesson.map(|mark| mark.accepted_at).min()
    });
    GroupToday { states, register }
}

/// How the learners of the person's institution stand who are expected at partners today.
pub(crate) fn away_of(
    directory: &Directory,
    board: &Whereabouts,
    acting: Acting<'_>,
    now: Timestamp,
) -> Standings {
    match desk(directory, board, acting, BoardAsk::Away, now) {
        Some(desk) => standings(&desk, board.board.of_home(acting.speaker.number)),
        None => Standings::new(),
    }
}

/// `None` before all of the day has been read: who is not on the board yet may be in the log.
fn desk<'a>(
    directory: &'a Directory,
    board: &'a Whereabouts,
    acting: Acting<'a>,
    ask: BoardAsk,
    now: Timestamp,
) -> Option<Desk<'a>> {
    let zone = directory.institution(acting.speaker.number)?.zone.clone();
    board.complete.then_some(Desk { directory, board, acting, ask, zone, now })
}

fn standings(desk: &Desk<'_>, lines: Vec<(Expectation, State)>) -> Standings {
    let mut of: BTreeMap<u32, Vec<(Expectation, State)>> = BTreeMap::new();
    lines.into_iter().for_each(|line| of.entry(line.0.learner).or_default().push(line));
    let counts = of.into_iter().filter_map(|(learner, lines)| Some((learner, desk.counts_now(lines)?)));
    counts.map(|(learner, (of, state))| (learner, desk.said(&of, &state))).collect()
}
