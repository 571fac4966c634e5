//! Where learners are, as far as anybody knows: the board, kept current behind the log and by the clock.
//!
//! Expectations come from the days that hosts declared and from placements in force, marks from the log. A mark counts
//! only as far as it may leave for the learner's home at this moment, as on a learner's card. What follows is the fold of
//! `commonroll_views::whereabouts`; this feeds it, makes what it has to tell durable (`alerts`), and shows it to those who
//! may see it (`show`). Nobody is missing because a feed is late: what a source has not sent is known to be missing only by
//! its own word that it is current. A mark is a sign of life, and proves nothing about other registers.

mod accept;
mod alerts;
mod behind;
mod carry;
mod codes;
mod desk;
mod evening;
mod paper;
mod plan;
mod seen;
mod send;
mod settle;
mod show;
mod told;
mod undone;

pub use accept::Choice;
pub(crate) use accept::{
    expire as codes_expire, forget as codes_forget, names as codes_name, places_of as codes_at,
};
pub use carry::{CodeAnswer, OutCode};
pub use desk::{CodeRow, CodeSeen, CodeStands, CodesFile, CodesOf, CodesSeen, DecidedSeen};
pub(crate) use evening::Evening;
pub use paper::{EvacuationSeen, ThereSeen};
pub use plan::number_of as number_of_lesson;
pub use seen::{
    AlarmSeen, BoardAsk, BoardPart, BoardSeen, BoardTotals, ConflictSeen, FoundSeen, HostSeen, LessonSeen,
    LineSeen, Looks, ProposalSeen, Proposals, Ring, SaidSeen, SentSeen, SentState, Session, ToldSeen,
};
pub use send::{Outbound, OutboundAlert};
pub(crate) use show::{Covered, away_of, visitors_of};
pub use told::{AlertTold, Answered};

use crate::{
    Exchange,
    directory::{Directory, change::Change},
    entry::{Note, RecordEntry},
    projection::{Gone, Told, View, feed, lock, look},
    shared::Shared,
    submit,
    types::{NotAllowed, Speaker},
};
use commonroll_core::{
    Body, Interval, LocalId, RecordId, RecordKind, SchoolDate, Slug, Timestamp, record::attendance::Presence,
};
use commonroll_views::whereabouts::{Board, Detectors, Evidence, Excuse, Expectation, Id, Mark, What};
use jiff::tz::TimeZone;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};
use tokio::sync::watch;

/// Entry by which a source says that what it sent is all there is.
const CURRENT: &str = "source.current";
/// How far back a start looks: to the morning of the day, wherever the hub stands.
const BACK_US: i64 = 36 * 3_600_000_000;
/// A source's word that it is current has an entry at most so often, unless somebody waits for it.
const WORD_US: i64 = 60_000_000;

/// A mark of the board's days, at its newest revision.
struct HeldMark {
    seq: u64,
    revision: u32,
    source: u16,
    learner: LocalId,
    group: Option<LocalId>,
    date: SchoolDate,
    at: Option<Timestamp>,
    /// What the host saw; `None` if it was taken back, withheld, erased or hidden.
    presence: Option<Presence>,
    accepted_at: Timestamp,
    /// Whom it is about today.
    about: Option<u32>,
    /// True if it may leave for the learner's home.
    counts: bool,
}

/// A mark of its own day that came: a sign of life of its source.
struct Came {
    source: u16,
    at: Option<Timestamp>,
    time: Option<Interval>,
    accepted: Timestamp,
}

/// A meeting of a host on the board's day.
struct Lesson {
    group: LocalId,
    time: Interval,
    room: String,
}

/// What the board was told of a learner besides expectations.
#[derive(Default, PartialEq)]
struct OfLearner {
    marks: BTreeMap<Id, Mark>,
    sightings: Vec<(u16, Interval)>,
    /// Where, when and why; everywhere if it names no site.
    excuses: Vec<(Option<u16>, Interval, Excuse)>,
    taken_back: Vec<Interval>,
}

/// What the board was told of a site.
#[derive(Default, PartialEq)]
struct OfSite {
    closed: Option<Interval>,
    cancelled: BTreeMap<u64, Timestamp>,
}

/// The board of every institution's current day, and what it is fed from.
pub(crate) struct Whereabouts {
    board: Board,
    marks: HashMap<RecordId, HeldMark>,
    marks_of: HashMap<u32, BTreeSet<RecordId>>,
    /// Marks that came since the last look.
    fresh: HashSet<RecordId>,
    lessons: HashMap<(u16, u64), Lesson>,
    expected: BTreeMap<Id, Expectation>,
    expected_of: HashMap<u32, BTreeSet<Id>>,
    told: HashMap<u32, OfLearner>,
    sites: HashMap<u16, OfSite>,
    /// When each source gave a sign of life last.
    heard: HashMap<u16, Timestamp>,
    /// Words of sources that they are current, as the log names these.
    words: Vec<(String, Timestamp)>,
    /// Since when a class is known not to take place.
    cancelled: HashMap<(u16, u64), Timestamp>,
    /// Marks that came: whose, of what moment and time, and when. Signs of life, if they came in time.
    in_time: Vec<Came>,
    /// The directory's version and the days for which expectations were last planned.
    planned: Option<(u64, Vec<SchoolDate>)>,
    /// A day or a notice was declared since.
    stale: bool,
    /// Marks of days before this are not held.
    oldest: i32,
    /// Everything since the morning has been read.
    complete: bool,
    /// Alerts of before the start are known to the board.
    resumed: bool,
    /// The turn of the directory's alerts that the board knows.
    alerts: u64,
    /// What could not be made durable yet.
    unsaid: Vec<What>,
    /// True if the board changed since it was last asked.
    changed: bool,
}

impl Whereabouts {
    /// An empty board at a moment.
    pub fn new(detectors: Detectors, now: Timestamp) -> Self {
        Self {
            board: Board::new(detectors),
            marks: HashMap::new(),
            marks_of: HashMap::new(),
            fresh: HashSet::new(),
            lessons: HashMap::new(),
            expected: BTreeMap::new(),
            expected_of: HashMap::new(),
            told: HashMap::new(),
            sites: HashMap::new(),
            heard: HashMap::new(),
            words: Vec::new(),
            in_time: Vec::new(),
            cancelled: HashMap::new(),
            planned: None,
            stale: true,
            oldest: oldest(now),
            complete: false,
            resumed: false,
            alerts: 0,
            unsaid: Vec::new(),
            changed: true,
        }
    }

    /// Lets the board come to a moment, and gives what has to be told. Nothing is told before all of the day has been read.
    fn advance(&mut self, directory: &Directory, now: Timestamp) -> Vec<What> {
        if !self.complete {
            return Vec::new();
        }
        for (slug, at) in std::mem::take(&mut self.words) {
            if let Some(site) = slug.parse::<Slug>().ok().and_then(|slug| directory.number_of(&slug)) {
                self.lives(site, at);
                self.board.take(Evidence::Heard { site, at });
            }
        }
        let planned = self.plan(directory, now);
        self.hear_marks();
        let placed = self.place(directory, now, planned.is_some());
        let learners: HashSet<u32> = planned.into_iter().flatten().chain(placed).collect();
        for learner in learners {
            self.settle(directory, learner);
        }
        self.know_alerts(directory);
        let due = self.board.next().is_some_and(|next| next <= now);
        let mut said = std::mem::take(&mut self.unsaid);
        let new = self.board.advance(now);
        self.changed |= due || !new.is_empty();
        said.extend(new);
        said
    }

    fn tell(&mut self, evidence: Evidence) {
        self.changed = true;
        self.board.take(evidence);
    }

    fn lives(&mut self, site: u16, at: Timestamp) {
        let last = self.heard.entry(site).or_insert(at);
        if at >= *last {
            *last = at;
            self.changed = true;
        }
    }

    /// A mark that came before its lesson was over is a sign of life of its source. It proves nothing about other registers:
    /// they may lie in another file, or further behind in what waits to be sent. The source says when it has sent all.
    fn hear_marks(&mut self) {
        for Came { source, at, time, accepted } in std::mem::take(&mut self.in_time) {
            let lessons =
                self.lessons.iter().filter(|((site, _), _)| *site == source).map(|(_, lesson)| lesson.time);
            let holds = |time: &Interval, at: Timestamp| time.start() <= at && at < time.end();
            let time = time.or_else(|| {
                at.and_then(|at| lessons.filter(|time| holds(time, at)).max_by_key(|time| time.end()))
            });
            if time.is_some_and(|time| accepted <= time.end()) {
                self.lives(source, accepted);
            }
        }
    }

    /// What people said of alerts, on this node or another, and what was told before this node started.
    fn know_alerts(&mut self, directory: &Directory) {
        let alerts = directory.alerts();
        if self.resumed && self.alerts == alerts.turn {
            return;
        }
        for alert in alerts.all() {
            let Some(key) = alert.id.key() else { continue };
            let mut is_unknown = !self.resumed;
            // Who was found stays found: the mark that missed them is read again after a start, and on every node.
            if let (Some(found), Some(id)) = (&alert.found, alerts::learner_of(&key)) {
                self.board.take(Evidence::Found(id, found.at));
            } else if let Some(id) = alerts::learner_of(&key).filter(|_| !alert.undone.is_empty()) {
                // Who came in the meantime is looked for no more: the board ends what it no longer knows of.
                is_unknown |= !self.board.is_found(&id) && !self.board.is_open(&key);
                self.board.take(Evidence::NotFound(id));
            }
            if alert.over.is_some() {
                continue;
            }
            if is_unknown {
                let (to, since) = (alerts::told_to(alert, &key), alert.since);
                let known = commonroll_views::whereabouts::Alert { key, to, repeated: alert.repeated, since };
                self.board.resume(known, alert.handled_by(), alert.last);
            }
            for said in alert.in_hand() {
                self.board.acknowledge(&key, said.institution);
            }
        }
        (self.resumed, self.alerts, self.changed) = (true, alerts.turn, true);
    }
}

/// The first day, counted from 1970, of which marks are held.
fn oldest(now: Timestamp) -> i32 {
    now.plus_micros(-BACK_US).date_in(&TimeZone::UTC).days()
}

impl View for Whereabouts {
    fn since(&self, now: Timestamp) -> Timestamp {
        now.plus_micros(-BACK_US)
    }

    fn glance(&mut self, _seq: u64, entry: &RecordEntry) -> bool {
        if entry.kind != RecordKind::Attendance {
            return false;
        }
        entry.id.days() >= self.oldest
    }

    fn record(&mut self, told: &Told<'_>) {
        let (entry, of) = (told.entry, told.of);
        if self.marks.get(&entry.id).is_some_and(|held| held.revision > entry.revision) {
            return;
        }
        let presence = match told.body {
            Body::Attendance(mark) => mark.presence.clone(),
            _ => None,
        };
        let about = self.marks.get(&entry.id).and_then(|held| held.about);
        // A correction of last week says nothing of today's registers.
        if entry.id.days() == entry.accepted_at.date_in(&TimeZone::UTC).days() {
            let time = presence.as_ref().and_then(|presence| presence.interval);
            self.in_time.push(Came { source: entry.source, at: of.at, time, accepted: entry.accepted_at });
        }
        let mark = HeldMark {
            seq: told.seq,
            revision: entry.revision,
            source: entry.source,
            learner: of.learner.clone(),
            group: of.group.clone(),
            date: of.date,
            at: of.at,
            presence,
            accepted_at: entry.accepted_at,
            about,
            counts: false,
        };
        self.marks.insert(entry.id, mark);
        self.fresh.insert(entry.id);
    }

    fn gone(&mut self, gone: &Gone<'_>) {
        for (id, mark) in &mut self.marks {
            let concerned = match gone {
                Gone::Places(places) => places.holds(mark.seq),
                Gone::Hidden { record, below } => id == record && mark.revision < *below,
            };
            if concerned {
                mark.presence = None;
                self.fresh.insert(*id);
            }
        }
    }

    fn hears(&self, what: &str) -> bool {
        matches!(what, "directory.day" | "directory.notice" | CURRENT)
    }

    fn note(&mut self, _seq: u64, note: &Note, change: Option<&Change>) {
        let Ok(at) = Timestamp::from_micros("at", note.at_us) else { return };
        if note.what == CURRENT {
            self.words.push((note.by.clone(), at));
            return;
        }
        self.stale = true;
        if let Some(change) = change {
            self.note_cancelled(change, at);
        }
    }

    fn complete(&mut self) {
        self.complete = true;
    }
}

/// Lets the board come to a moment, and makes durable what it has to tell.
pub(crate) async fn tick(shared: &Arc<Shared>, now: Timestamp) {
    let Some(views) = shared.views.get() else { return };
    let (said, changed) = {
        let directory = shared.directory();
        let mut whereabouts = feed(&views.whereabouts);
        let said = whereabouts.advance(&directory, now);
        (said, std::mem::take(&mut whereabouts.changed))
    };
    let said: Vec<What> = said.into_iter().chain(evening::look(shared, &views.evening, now)).collect();
    let (changed, alarms) = (changed || !said.is_empty(), !said.is_empty());
    let unsaid = alerts::say(shared, said, now).await;
    feed(&views.whereabouts).unsaid.extend(unsaid);
    if alarms {
        views.board_alarms.send_modify(|turn| *turn += 1);
    }
    if changed {
        views.board_changes.send_modify(|turn| *turn += 1);
    }
}

impl Exchange {
    /// The number by which entries name a learner whom the speaker's institution knows by an id; `None` for a stranger.
    pub fn number_of_learner(&self, speaker: &Speaker, id: &LocalId) -> Option<u32> {
        self.shared.directory().local(speaker.number, id)?.learner
    }

    /// A number that grows whenever a board may look different; for live pages. `None` on a node that opened no views.
    pub fn board_changes(&self) -> Option<watch::Receiver<u64>> {
        self.shared.views.get().map(|views| views.board_changes.subscribe())
    }

    /// A number that grows whenever a board has something to tell, or no longer: who shows it shows that at once. `None` on a
    /// node that opened no views.
    pub fn board_alarms(&self) -> Option<watch::Receiver<u64>> {
        self.shared.views.get().map(|views| views.board_alarms.subscribe())
    }

    /// The speaker's institution says that everything it has to send has been sent: its registers are known as of now.
    /// Said by an agent that has just read its source anew and found nothing in it. Often said, it is written now and
    /// then, and whenever the board waits for it.
    ///
    /// # Errors
    /// [`NotAllowed`] if the agent may not speak any more, or the log can't be written.
    pub async fn source_is_current(&self, speaker: &Speaker, now: Timestamp) -> Result<(), NotAllowed> {
        self.speaker(speaker.agent)?;
        let Some(views) = self.shared.views.get() else { return Ok(()) };
        {
            let awaited = look(&views.whereabouts).board.awaits(speaker.number, now);
            let mut words = lock(&views.words);
            let last = words.entry(speaker.number).or_insert(i64::MIN);
            if !awaited && now.micros().saturating_sub(*last) < WORD_US {
                return Ok(());
            }
            *last = now.micros();
        }
        let note = |work: &mut crate::writer::Work<'_>| {
            work.notes.push((CURRENT.to_owned(), serde_json::Value::Null))
        };
        submit(&self.shared, speaker.institution.as_str(), now, note).await.map_err(|_| NotAllowed::Denied)
    }
}
