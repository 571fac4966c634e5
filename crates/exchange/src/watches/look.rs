//! Looking: what a watch comes to, told once in the log, and worked out again for the page on which it is shown.

use super::{entry, kind, may};
use crate::{
    Exchange,
    by_learner::{WATCHED, naming, sequences_of},
    directory::{
        Directory,
        change::Change,
        watches::{Watch, WatchId, Watched},
    },
    entry::RecordEntry,
    office::{Acting, Actor},
    projection::{Gone, ReadBody, Told, View, feed},
    reading::{Judge, ReadAsk, ReadError, RecordState, TRIES, Verdict, Wants, find},
    rooms::{called, policy_hash, purpose},
    shared::Shared,
    submit, submit_with,
    types::NotAllowed,
    writer::Work,
};
use commonroll_core::{Body, RecordKind, SchoolDate, Timestamp};
use commonroll_views::{
    progress::Outcome,
    watch::{self, AttendanceRule, Fallen, Given, Rate},
};
use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    fmt,
    sync::Arc,
};

/// How many days of records a watch looks at.
const DAYS_BACK: i32 = 140;
/// How far back a start looks for records that nobody has looked at yet.
const BACK_US: i64 = 36 * 3_600_000_000;
/// Watches looked at in one tick: the next goes on.
const AT_ONCE: usize = 20;

/// Whom something new is said of: a view that keeps numbers alone.
#[derive(Default)]
pub(crate) struct Look {
    learners: HashSet<u32>,
    waiting: BTreeSet<WatchId>,
    /// The day of the last look at all of them, and the directory's version at which rights were last looked at.
    day: Option<i32>,
    version: Option<(u64, u64)>,
}

impl View for Look {
    fn since(&self, now: Timestamp) -> Timestamp {
        now.plus_micros(-BACK_US)
    }

    fn glance(&mut self, _seq: u64, entry: &RecordEntry) -> bool {
        if matches!(entry.kind, RecordKind::Attendance | RecordKind::Assessment) {
            self.learners.insert(entry.learner);
        }
        false
    }

    fn record(&mut self, _told: &Told<'_>) {}

    fn gone(&mut self, _gone: &Gone<'_>) {
        self.day = None;
    }

    fn hears(&self, _what: &str) -> bool {
        false
    }

    fn note(&mut self, _seq: u64, _note: &crate::entry::Note, _change: Option<&Change>) {}

    fn complete(&mut self) {}
}

/// What has dropped.
#[derive(Clone, PartialEq)]
pub enum Dropped {
    /// Attendance: lately, and before.
    Attendance {
        /// Of the school days that the watch counts.
        now: Rate,
        /// Of all before that it looks at.
        before: Rate,
    },
    /// Grades, each with the name of who gave it.
    Grades(Vec<(Fallen, String)>),
}

impl fmt::Debug for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Dropped(..)")
    }
}

/// A watch as its person sees it.
#[derive(Clone, PartialEq)]
pub struct WatchSeen {
    /// Which.
    pub id: WatchId,
    /// The learner, by the hub's number.
    pub learner: u32,
    /// As the person's institution calls them. Personal.
    pub name: String,
    /// On what.
    pub watched: Watched,
    /// Since when.
    pub set: Timestamp,
    /// Since when there was something to tell.
    pub raised: Option<Timestamp>,
    /// What has dropped, as of now.
    pub dropped: Option<Dropped>,
}

impl fmt::Debug for WatchSeen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WatchSeen({}, ..)", self.id)
    }
}

/// A person's watches.
#[derive(Debug, Clone, PartialEq)]
pub struct WatchesSeen {
    /// Today, at their institution.
    pub date: SchoolDate,
    /// Those with something to tell first, then by name.
    pub watches: Vec<WatchSeen>,
    /// Hash of the policy set that decided.
    pub policy: String,
}

/// What a watch comes to now: `None` if the person may not keep it any more.
async fn work_out(
    shared: &Shared,
    read: ReadBody,
    watch: &Watch,
    now: Timestamp,
) -> Result<Option<Option<Dropped>>, ReadError> {
    let made = |directory: &Directory| {
        let speaker = directory.person_speaker(watch.person.0).ok()?;
        let zone = &directory.institution(watch.institution)?.zone;
        let first = SchoolDate::from_days(now.date_in(zone).days() - DAYS_BACK);
        let ask = ReadAsk {
            dates: (first, None),
            kinds: vec![kind(&watch.watched)],
            ..ReadAsk::about(watch.local.clone(), purpose(watch.role))
        };
        Some((Actor { speaker, role: watch.role }, ask))
    };
    let (actor, ask, numbers, wants) = {
        let directory = shared.directory();
        let Some((actor, ask)) = made(&directory) else { return Ok(None) };
        let numbers = match may(&directory, actor.acting(), &ask, &watch.watched, now) {
            Ok(judge) => directory.numbers_of(judge.stands.learner),
            Err(_) => return Ok(None),
        };
        let wants = Wants::new(&ask, vec![kind(&watch.watched)], None);
        (actor, ask, numbers, wants)
    };
    let mut places = Vec::new();
    for number in numbers {
        places.extend(sequences_of(shared, number).await?);
    }
    places.sort_unstable();
    places.dedup();
    let loaded = find(shared, &places, &wants).await?;
    let directory = shared.directory();
    let Ok(judge) = may(&directory, actor.acting(), &ask, &watch.watched, now) else { return Ok(None) };
    let seen = loaded.iter().filter(|one| one.asked).filter_map(|one| match judge.judge(one) {
        Verdict::Seen(seen) if seen.state == RecordState::Stands => {
            Some((one.entry.source, seen.date, read(seen.kind, &seen.groups)?, seen.group_title.clone()))
        }
        _ => None,
    });
    Ok(Some(fold(&judge, &watch.watched, seen.collect())))
}

type Read = (u16, SchoolDate, Body, Option<(String, String)>);

fn fold(judge: &Judge<'_>, watched: &Watched, seen: Vec<Read>) -> Option<Dropped> {
    match *watched {
        Watched::Attendance { days, below, under_usual } => {
            let mark = |(_, date, body, _): &Read| match body {
                Body::Attendance(mark) => Some((*date, Outcome::of(mark))),
                _ => None,
            };
            let marks: Vec<(SchoolDate, Outcome)> = seen.iter().filter_map(mark).collect();
            let rule = AttendanceRule { days, below, under_usual };
            watch::attendance(&marks, &rule).map(|(now, before)| Dropped::Attendance { now, before })
        }
        Watched::Grades => {
            let given = seen.iter().filter_map(|(source, date, body, group)| {
                let Body::Assessment(given) = body else { return None };
                let result = given.result.as_ref()?;
                let subject = match (result.subject.as_str(), group) {
                    ("", Some((title, _))) => title.clone(),
                    ("", None) => result.title.as_str().to_owned(),
                    (subject, _) => subject.to_owned(),
                };
                Some(Given { source: *source, subject, date: *date, result })
            });
            let fallen = watch::grades(&given.collect::<Vec<_>>());
            let named = fallen.into_iter().map(|one| {
                let info = judge.directory.institution(one.source).map(|state| state.info.name.clone());
                (one, info.unwrap_or_default())
            });
            let named: Vec<_> = named.collect();
            (!named.is_empty()).then_some(Dropped::Grades(named))
        }
    }
}

/// Whether a watch has to end: its person lost the role, or the learner is at home elsewhere.
fn lost(directory: &Directory, watch: &Watch) -> bool {
    let learner = directory.local(watch.institution, &watch.local).and_then(|local| local.learner);
    let home = learner.and_then(|learner| directory.home_of(learner)).map(|(home, _)| *home);
    directory.in_role(watch.person.0, watch.role).is_err()
        || home != Some(watch.institution)
        || directory.left(watch.institution).is_some()
}

pub(super) async fn tick(shared: &Arc<Shared>, now: Timestamp) {
    let Some(views) = shared.views.get() else { return };
    let (some, over) = {
        let directory = shared.directory();
        let mut look = feed(&views.watches);
        let at = (directory.version, directory.watches().turn);
        let over: Vec<WatchId> = match look.version.replace(at) == Some(at) {
            true => Vec::new(),
            false => directory.watches().all().filter(|one| lost(&directory, one)).map(Watch::id).collect(),
        };
        let today = now.date_in(&jiff::tz::TimeZone::UTC).days();
        let all = look.day.replace(today) != Some(today);
        let learners = std::mem::take(&mut look.learners);
        let due = |watch: &&Watch| {
            all || directory.numbers_of_watched(watch).iter().any(|number| learners.contains(number))
        };
        if all || !learners.is_empty() {
            let due: Vec<WatchId> = directory.watches().all().filter(due).map(Watch::id).collect();
            look.waiting.extend(due);
        }
        let some: Vec<WatchId> = look.waiting.iter().take(AT_ONCE).copied().collect();
        look.waiting.retain(|id| !some.contains(id));
        (some, over)
    };
    for id in over {
        end(shared, id, now).await;
    }
    look(shared, &some, now).await;
}

/// Looks at some watches; what can't be read or written now is looked at with the next record or the next day.
pub(super) async fn look(shared: &Arc<Shared>, some: &[WatchId], now: Timestamp) {
    let Some(views) = shared.views.get() else { return };
    for id in some {
        let held = shared.directory().watches().get(*id).cloned();
        let Some(watch) = held else { continue };
        match work_out(shared, views.read, &watch, now).await {
            Ok(Some(dropped)) if dropped.is_some() != watch.raised.is_some() => {
                tell(shared, *id, dropped.is_some(), now).await;
            }
            Ok(_) => {}
            Err(_) => {
                feed(&views.watches).waiting.insert(*id);
            }
        }
    }
}

/// Says in the log that there is something to tell, or nothing any more; once, whichever node comes first.
async fn tell(shared: &Arc<Shared>, id: WatchId, raised: bool, now: Timestamp) {
    let work = move |work: &mut Work<'_>| {
        let directory = &*work.planner.directory;
        let held = directory.watches().get(id).filter(|held| held.raised.is_some() != raised);
        let Some(mut watch) = held.cloned() else { return };
        watch.raised = raised.then_some(now);
        work.more = entry(directory, &watch);
        work.planner.make(Change::Watch { watch: Box::new(watch) });
    };
    if submit_with(shared, "hub", now, work).await.is_err() {
        tracing::warn!("a watch could not be written to the log; it is looked at again");
    }
}

async fn end(shared: &Arc<Shared>, id: WatchId, now: Timestamp) {
    let work = move |work: &mut Work<'_>| {
        let directory = &*work.planner.directory;
        let Some(held) = directory.watches().get(id).filter(|held| lost(directory, held)).cloned() else {
            return;
        };
        work.more = entry(directory, &held);
        work.planner.make(Change::Watch { watch: Box::new(Watch { over: Some(now), lost: true, ..held }) });
    };
    if submit_with(shared, "hub", now, work).await.is_err() {
        tracing::warn!("a watch that is over could not be written to the log; it is tried again");
    }
}

impl Directory {
    /// Numbers under which records speak of a watched learner.
    fn numbers_of_watched(&self, watch: &Watch) -> BTreeSet<u32> {
        let local = self.local(watch.institution, &watch.local);
        let mut numbers = BTreeSet::from([watch.learner]);
        numbers.extend(local.and_then(|local| local.learner));
        numbers
    }
}

impl Exchange {
    /// The watches of the person in this role, with what each comes to now, from what they may read now. A watch whose right
    /// is gone is not among them. Its entry is durable first.
    ///
    /// # Errors
    /// [`ReadError`]; `Unavailable`, too, on a node that opened no views.
    pub async fn my_watches(&self, acting: Acting<'_>, now: Timestamp) -> Result<WatchesSeen, ReadError> {
        self.ready_for(acting, "watches.slowed", now).await?;
        let shared = self.shared.clone();
        let read = shared.views.get().ok_or(ReadError::Unavailable)?.read;
        for _ in 0..TRIES {
            let _leaving = shared.leaving.read().await;
            let (moment, mine, date, policy) = {
                let directory = shared.directory();
                let allowed = directory.in_role(acting.speaker.id(), acting.role).is_ok();
                let state = directory.institution(acting.speaker.number);
                let Some(state) = state.filter(|_| allowed && super::watches(acting.role)) else {
                    return Err(self.page_refused(acting, "watches.refused", now));
                };
                let theirs =
                    |watch: &&Watch| watch.person.0 == acting.speaker.id() && watch.role == acting.role;
                let mine: Vec<Watch> = directory.watches().all().filter(theirs).cloned().collect();
                (directory.moment(), mine, now.date_in(&state.zone), policy_hash(&directory))
            };
            let mut seen = Vec::with_capacity(mine.len());
            for watch in mine {
                let Some(dropped) = work_out(&shared, read, &watch, now).await? else { continue };
                let name = called(&shared.directory(), watch.institution, watch.learner).1;
                let (id, learner, watched) = (watch.id(), watch.learner, watch.watched);
                let (set, raised) = (watch.set, watch.raised);
                seen.push(WatchSeen { id, learner, name, watched, set, raised, dropped });
            }
            seen.sort_by(|a, b| {
                (a.dropped.is_none(), &a.name, a.id).cmp(&(b.dropped.is_none(), &b.name, b.id))
            });
            let mut groups: BTreeMap<&str, u32> = BTreeMap::new();
            for one in &seen {
                groups.insert(kind(&one.watched).as_str(), 1 << 2);
            }
            let learners: BTreeSet<u32> = seen.iter().map(|one| one.learner).collect();
            let more = serde_json::json!({
                "role": acting.role, "purpose": purpose(acting.role), "institution": acting.speaker.institution(),
                "learners": naming(&learners), "count": learners.len(), "kinds": groups.keys().collect::<Vec<_>>(),
                "groups": groups, "policy": policy,
            });
            let note = move |work: &mut Work<'_>| work.notes.push((WATCHED.to_owned(), more.clone()));
            submit(&shared, &acting.speaker.by(), now, note).await.map_err(|_| ReadError::Unavailable)?;
            if shared.directory().moment() == moment {
                return Ok(WatchesSeen { date, watches: seen, policy });
            }
        }
        Err(ReadError::Unavailable)
    }

    /// True if the person could keep a watch on this learner of theirs.
    pub fn may_watch(&self, acting: Acting<'_>, learner: u32, now: Timestamp) -> bool {
        let directory = self.shared.directory();
        let known = directory.known_at(learner).find(|(at, _)| *at == acting.speaker.number);
        let Some((_, local)) = known else { return false };
        let ask = ReadAsk::about(local.clone(), purpose(acting.role));
        let can: Result<_, NotAllowed> = may(&directory, acting, &ask, &Watched::Grades, now);
        can.is_ok()
    }
}
