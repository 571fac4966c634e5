//! Watches: a tutor or head of sixth form is told the same day when a learner's attendance or grades drop.
//!
//! What has dropped is worked out from the records that the watcher may read at that moment, and from nothing else, by the
//! fold of `commonroll_views::watch`: when a record about a watched learner comes in, once a day, and each time a watch is
//! shown. That there is something to tell is an entry, without a figure. A watch ends when its person takes it back or loses
//! the role, or the learner is theirs no longer.

mod look;

pub(crate) use look::Look;
pub use look::{Dropped, WatchSeen, WatchesSeen};

use crate::{
    Exchange,
    directory::{
        Directory,
        change::{Bytes16, Change, PersonUuid, short_hash},
        watches::{Watch, WatchId, Watched},
    },
    office::{Acting, Actor, LawError},
    reading::{Judge, ReadAsk},
    rooms::purpose,
    shared::Shared,
    types::NotAllowed,
    writer::Work,
};
use commonroll_core::{Invalid, LocalId, RecordKind, Role, Timestamp};
use std::sync::Arc;

/// The entry by which refusals are counted.
const REFUSED: &str = "watch.refused";
/// Watches of one person at most.
const WATCHES_MAX: usize = 100;
/// School days that count as lately at most.
const DAYS_MAX: u8 = 30;

/// Who keeps watches.
const fn watches(role: Role) -> bool {
    matches!(role, Role::Tutor | Role::HeadOfSixth)
}

const fn kind(watched: &Watched) -> RecordKind {
    match watched {
        Watched::Attendance { .. } => RecordKind::Attendance,
        Watched::Grades => RecordKind::Assessment,
    }
}

fn check(watched: &Watched) -> Result<(), Invalid> {
    let Watched::Attendance { days, below, under_usual } = watched else { return Ok(()) };
    if !(1..=DAYS_MAX).contains(days) {
        return Err(Invalid::new("days", "must be 1 to 30 school days"));
    }
    if below.is_none() && under_usual.is_none() {
        return Err(Invalid::new("below", "must be given, or how many per cent under the usual"));
    }
    for (field, value) in [("below", below), ("under_usual", under_usual)] {
        if value.is_some_and(|value| !(1..=100).contains(&value)) {
            return Err(Invalid::new(field, "must be 1 to 100"));
        }
    }
    Ok(())
}

/// Whether a person may keep a watch on a learner of theirs: they can hope to read that kind of record.
fn may<'d>(
    directory: &'d Directory,
    acting: Acting<'d>,
    ask: &'d ReadAsk,
    watched: &Watched,
    now: Timestamp,
) -> Result<Judge<'d>, NotAllowed> {
    if !watches(acting.role) {
        return Err(NotAllowed::Denied);
    }
    let judge = Judge::new(directory, acting, ask, now)?;
    let can = judge.stands.is_home() && !judge.at_best(kind(watched)).open.is_empty();
    if can { Ok(judge) } else { Err(NotAllowed::Denied) }
}

fn name(actor: &Actor, local: &LocalId, watched: &Watched) -> WatchId {
    let text = format!("commonroll/watch/v1\n{}\n{}\n", kind(watched), local.as_str());
    WatchId(short_hash(&[text.as_bytes(), &actor.id().0].concat()))
}

/// What an entry says of a watch: which, of whom by number, on what kind. No figure.
fn entry(directory: &Directory, watch: &Watch) -> serde_json::Value {
    let home = directory.institution(watch.institution).map(|home| home.info.slug.to_string());
    serde_json::json!({
        "watch": watch.id().to_string(), "learner": watch.learner, "institution": home, "role": watch.role,
        "kinds": [kind(&watch.watched)], "actor": format!("person:{}", watch.person.0),
    })
}

impl Exchange {
    /// Sets a watch on one of the own institution's learners, or changes the one that runs. Looked at at once.
    ///
    /// # Errors
    /// [`LawError`]: alike for a learner who isn't there and one whose records of that kind the person may not read.
    pub async fn set_watch(
        &self,
        acting: Acting<'_>,
        learner: u32,
        watched: Watched,
        now: Timestamp,
    ) -> Result<WatchId, LawError> {
        check(&watched)?;
        let actor = acting.owned();
        let done = self.act(acting, REFUSED, now, move |work: &mut Work<'_>| {
            let directory = &*work.planner.directory;
            let own = actor.speaker.number;
            let known = directory.known_at(learner).find(|(at, _)| *at == own);
            let (_, local) = known.ok_or(NotAllowed::Denied)?;
            let ask = ReadAsk::about(local.clone(), purpose(actor.role));
            may(directory, actor.acting(), &ask, &watched, now).map(drop)?;
            let id = name(&actor, local, &watched);
            let mine = directory.watches().all().filter(|watch| watch.person.0 == actor.id()).count();
            if directory.watches().get(id).is_none() && mine >= WATCHES_MAX {
                return Err(LawError::State("you keep 100 watches; take some back first"));
            }
            let watch = Watch {
                id: Bytes16(id.0),
                person: PersonUuid(actor.id()),
                role: actor.role,
                institution: own,
                local: local.clone(),
                learner,
                watched,
                set: now,
                raised: None,
                over: None,
                lost: false,
            };
            work.more = entry(directory, &watch);
            work.planner.make(Change::Watch { watch: Box::new(watch) });
            Ok(id)
        });
        let id = done.await?;
        look::look(&self.shared, &[id], now).await;
        Ok(id)
    }

    /// Takes a watch back.
    ///
    /// # Errors
    /// [`LawError`]: alike for a watch that isn't there and one that is somebody else's.
    pub async fn withdraw_watch(
        &self,
        acting: Acting<'_>,
        id: WatchId,
        now: Timestamp,
    ) -> Result<(), LawError> {
        let actor = acting.owned();
        self.act(acting, REFUSED, now, move |work: &mut Work<'_>| {
            let directory = &*work.planner.directory;
            directory.in_role(actor.id(), actor.role)?;
            let held = directory.watches().get(id).filter(|watch| watch.person.0 == actor.id());
            let held = held.ok_or(NotAllowed::Denied)?;
            work.more = entry(directory, held);
            let over = Watch { over: Some(now), ..held.clone() };
            work.planner.make(Change::Watch { watch: Box::new(over) });
            Ok(())
        })
        .await
    }
}

/// Looks at watches whose learners something new is said of, at all once a day, and ends those whose right is gone.
pub(crate) async fn tick(shared: &Arc<Shared>, now: Timestamp) {
    look::tick(shared, now).await;
}

/// Watches on somebody who is erased end.
pub(crate) fn forget(work: &mut Work<'_>, home: u16, local: &LocalId, now: Timestamp) {
    let theirs = |watch: &&Watch| watch.institution == home && watch.local == *local;
    let of: Vec<Watch> = work.planner.directory.watches().all().filter(theirs).cloned().collect();
    for watch in of {
        work.planner.make(Change::Watch { watch: Box::new(Watch { over: Some(now), lost: true, ..watch }) });
    }
}
