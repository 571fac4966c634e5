//! From the log to the figures: what of a record or placement the view is told, in the order of the log.

use super::{Made, empty, scope};
use crate::{
    directory::change::Change,
    duty::ranges::Ranges,
    entry::{Circumstances, Note, RecordEntry},
    projection::{Gone, Told, View},
    shared::Shared,
};
use commonroll_core::{
    Body, LocalId, RecordId, RecordKind, Timestamp,
    directory::DateRange,
    record::{Assessment, Attendance},
};
use commonroll_views::{
    Shelf,
    progress::{About, CourseNumber, FEWEST, Mark, Outcome, Place, Progress, Standing},
};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Weak,
};

/// The field group that a mark's presence and a grade's result are, as a bit of what a recipient may have.
const SAID: u32 = 1 << 2;
/// Of courses whose host gives them no title.
const UNTITLED: &str = "Course without a title";

/// What came before everything older had been read.
enum Later {
    Record(Box<(u64, RecordEntry, Circumstances, Body)>),
    Change(Timestamp, Option<Box<Change>>),
}

/// What one side said of a placement: dates and end.
type Word = (DateRange, Option<Timestamp>);
/// Whose word, on whom by the own id, with whom, in which group, and whether it is the host's.
type SideKey = (u16, LocalId, u16, Option<LocalId>, bool);
/// A placement: home, host, learner, group.
type PlaceKey = (u16, u16, u32, Option<LocalId>);

/// A placement's two sides, each by the ids of the learner that said so, newest last: a host may know one learner twice.
#[derive(Default)]
struct Sides {
    number: u64,
    declared: Vec<(LocalId, Word)>,
    accepted: Vec<(LocalId, Word)>,
}

impl Sides {
    /// True if nobody says anything of it any more: who was taken for the learner is another.
    const fn is_empty(&self) -> bool {
        self.declared.is_empty() && self.accepted.is_empty()
    }
}

/// The figures, and what it takes to feed them.
pub(crate) struct ProgressView {
    shared: Weak<Shared>,
    progress: Progress,
    courses: HashMap<(u16, String), CourseNumber>,
    groups: HashMap<(u16, LocalId), u64>,
    /// Where each grade that was told stands: a target outlives the year in which it was set.
    grades: HashMap<RecordId, Standing>,
    /// Titles and subjects of groups, by host and code.
    titles: HashMap<u16, HashMap<LocalId, (String, String)>>,
    /// Who each institution's learners and guests are, as far as the log has come: a match counts from its entry on.
    who: HashMap<(u16, LocalId), Option<u32>>,
    words: BTreeMap<SideKey, Word>,
    sides: HashMap<PlaceKey, Sides>,
    /// Where what is new began at the start.
    edge: u64,
    /// Everything of before has been read.
    complete: bool,
    later: Vec<Later>,
}

impl ProgressView {
    /// No figures yet. Of the marks of days that nothing touches, what figures keep is laid on the shelf, if there is one.
    pub fn new(shared: Weak<Shared>, shelf: Option<Box<dyn Shelf>>) -> Self {
        Self {
            shared,
            progress: shelf.map_or_else(Progress::default, Progress::on),
            courses: HashMap::new(),
            groups: HashMap::new(),
            grades: HashMap::new(),
            titles: HashMap::new(),
            who: HashMap::new(),
            words: BTreeMap::new(),
            sides: HashMap::new(),
            edge: u64::MAX,
            complete: false,
            later: Vec::new(),
        }
    }

    /// What is shown of a scope; `own` with the lines of its own marks.
    pub fn shown(&self, of: Option<u16>, own: Option<u16>) -> Made {
        let (release, as_of) = self.progress.as_of();
        let mut seen = empty(of, self.progress.seen(scope(of)));
        seen.as_home = of.and_then(|of| self.progress.seen_of_home(of));
        let in_part = self.progress.in_part();
        seen.whole = seen.seen.sites.iter().map(|row| (row.0, !in_part.contains(&row.0))).collect();
        seen.courses = self.courses.iter().map(|((_, title), number)| (*number, title.clone())).collect();
        seen.bridge = own.map(|own| self.progress.bridge(own));
        let placed = self.sides.iter().filter(|(_, sides)| !sides.is_empty()).map(|(key, _)| key);
        let mine = |key: &&PlaceKey| of.is_none_or(|of| key.1 == of);
        let learners: HashSet<u32> = placed.filter(mine).map(|key| key.2).collect();
        // A round number: one learner more or less is not to be seen.
        seen.learners = (learners.len() >= FEWEST).then_some(learners.len() as u64 / 5 * 5);
        // Without what was laid down, corrections have gone wrong: nobody is told that this is all.
        (seen.as_of, seen.complete) = (as_of, self.complete && self.progress.is_sound());
        Made { seen, release }
    }

    fn take(&mut self, seq: u64, entry: &RecordEntry, of: &Circumstances, body: &Body) {
        self.progress.tick(entry.accepted_at);
        let is_mark = entry.kind == RecordKind::Attendance;
        if is_mark && of.date.days() < self.progress.begins() {
            return;
        }
        let standing = Standing::new(seq, entry.revision);
        if !is_mark {
            if self.grades.get(&entry.id).is_some_and(|held| held.revision > entry.revision) {
                return;
            }
            self.grades.insert(entry.id, standing);
        }
        let home = entry.recipients.first().map(|to| to.institution);
        let flows = entry.recipients.iter().any(|to| to.groups & SAID != 0);
        let course = of.group.as_ref().map(|group| self.course(entry.source, group));
        let about = About { host: entry.source, home, learner: entry.learner, course, date: of.date };
        match body {
            Body::Attendance(mark) => {
                let mark = self.mark(entry.source, of, mark, flows);
                self.progress.mark(entry.id, standing, &about, Some(&mark), entry.accepted_at);
            }
            Body::Assessment(given) => self.grade(entry.id, &about, given, flows),
            Body::Withdrawn(RecordKind::Attendance) => {
                self.progress.mark(entry.id, standing, &about, None, entry.accepted_at);
            }
            Body::Withdrawn(RecordKind::Assessment) => self.progress.grade(entry.id, &about, None),
            Body::Withdrawn(RecordKind::Behaviour) | Body::Behaviour(_) => {}
        }
    }

    fn mark(&mut self, source: u16, of: &Circumstances, mark: &Attendance, flows: bool) -> Mark {
        let next = self.groups.len() as u64;
        let group = of.group.clone().map(|group| *self.groups.entry((source, group)).or_insert(next));
        let outcome = if flows { Outcome::of(mark) } else { Outcome::Unknown };
        let interval = mark.presence.as_ref().and_then(|presence| presence.interval);
        let lesson = group.zip(interval).filter(|_| outcome != Outcome::Unknown);
        Mark { outcome, lesson }
    }

    fn grade(&mut self, id: RecordId, about: &About, given: &Assessment, flows: bool) {
        let result = given.result.as_ref().filter(|_| flows);
        let course = about.course.or_else(|| {
            let subject = result?.subject.as_str();
            let groups = self.titles.get(&about.host)?.values();
            let title = groups.filter(|(_, of)| !subject.is_empty() && of == subject).map(named).min()?;
            Some(self.numbered(about.host, title))
        });
        self.progress.grade(id, &About { course, ..*about }, result);
    }

    /// The course of a host's group: all groups of one title are one.
    fn course(&mut self, host: u16, group: &LocalId) -> CourseNumber {
        let title = self.titles.get(&host).and_then(|groups| groups.get(group)).map(named);
        self.numbered(host, title.unwrap_or_else(|| UNTITLED.to_owned()))
    }

    fn numbered(&mut self, host: u16, title: String) -> CourseNumber {
        let title = if title.is_empty() { UNTITLED.to_owned() } else { title };
        let next = CourseNumber::try_from(self.courses.len()).unwrap_or(CourseNumber::MAX);
        *self.courses.entry((host, title)).or_insert(next)
    }

    fn change(&mut self, at: Timestamp, change: Option<&Change>) {
        self.progress.tick(at);
        match change {
            Some(Change::Side { by, local, other, group, hosting, dates, ended }) => {
                let key = (*by, local.clone(), *other, group.clone(), *hosting);
                let word = (*dates, *ended);
                self.words.insert(key.clone(), word);
                if let Some(learner) = self.who_is(*by, local) {
                    self.place(&key, learner, word, true);
                }
            }
            Some(Change::Learner { institution, local, learner, contested, .. }) => {
                self.matched(*institution, local, learner.filter(|_| !contested));
            }
            Some(Change::Group { institution, local, title, subject }) => {
                let groups = self.titles.entry(*institution).or_default();
                groups.insert(local.clone(), (title.clone(), subject.clone()));
            }
            _ => {}
        }
    }

    /// Who an institution's learner or guest is at this point of the log. Where the entry that said so is erased, as the
    /// directory has it.
    fn who_is(&mut self, institution: u16, local: &LocalId) -> Option<u32> {
        let shared = self.shared.clone();
        let now =
            || shared.upgrade().and_then(|shared| shared.directory().local(institution, local)?.learner);
        *self.who.entry((institution, local.clone())).or_insert_with(now)
    }

    /// Somebody is another learner than before, or one for the first time: what was said of their placements is about that
    /// one from now on.
    fn matched(&mut self, institution: u16, local: &LocalId, learner: Option<u32>) {
        let before = self.who.insert((institution, local.clone()), learner).flatten();
        if before == learner {
            return;
        }
        let first = (institution, local.clone(), 0, None, false);
        let of = self.words.range(first..).take_while(|(key, _)| key.0 == institution && key.1 == *local);
        let of: Vec<(SideKey, Word)> = of.map(|(key, word)| (key.clone(), *word)).collect();
        for (key, word) in of {
            before.into_iter().for_each(|before| self.place(&key, before, word, false));
            learner.into_iter().for_each(|learner| self.place(&key, learner, word, true));
        }
    }

    /// What one side said is about this learner, or isn't any more.
    fn place(&mut self, key: &SideKey, learner: u32, word: Word, is_theirs: bool) {
        let (by, local, other, group, hosting) = key;
        let (home, host) = if *hosting { (*other, *by) } else { (*by, *other) };
        let next = self.sides.len() as u64;
        let fresh = Sides { number: next, ..Sides::default() };
        let sides = self.sides.entry((home, host, learner, group.clone())).or_insert(fresh);
        let side = if *hosting { &mut sides.accepted } else { &mut sides.declared };
        side.retain(|(id, _)| id != local);
        side.extend(is_theirs.then(|| (local.clone(), word)));
        let (number, place) = (sides.number, placed(sides));
        let course = group.as_ref().map(|group| self.course(host, group));
        let about = About { host, home: Some(home), learner, course, date: word.0.first() };
        self.progress.place(number, &about, place);
    }
}

/// What a group's course is called: its title, or else its subject.
fn named((title, subject): &(String, String)) -> String {
    if title.is_empty() { subject } else { title }.clone()
}

/// A placement that both sides have; the earlier of two ends counts.
fn placed(sides: &Sides) -> Option<Place> {
    let ((_, (dates, ended)), (_, (_, other))) = (sides.declared.last()?, sides.accepted.last()?);
    let ended = [*ended, *other].into_iter().flatten().min();
    Some(Place { dates: *dates, ended })
}

impl View for ProgressView {
    fn since(&self, now: Timestamp) -> Timestamp {
        // Placements are as old as they are; figures are steps from the log's beginning on.
        Timestamp::from_micros("since", 0).unwrap_or(now)
    }

    fn edge(&mut self, first_new: u64) {
        self.edge = first_new;
    }

    fn glance(&mut self, _seq: u64, entry: &RecordEntry) -> bool {
        matches!(entry.kind, RecordKind::Attendance | RecordKind::Assessment)
    }

    fn record(&mut self, told: &Told<'_>) {
        if !self.complete && told.seq >= self.edge {
            let later = (told.seq, told.entry.clone(), told.of.clone(), told.body.clone());
            self.later.push(Later::Record(Box::new(later)));
            return;
        }
        self.take(told.seq, told.entry, told.of, told.body);
    }

    fn gone(&mut self, gone: &Gone<'_>) {
        let concerned = |id: &RecordId, seq: u64, revision: u32| match gone {
            Gone::Places(places) => places.holds(seq),
            Gone::Hidden { record, below } => *id == *record && revision < *below,
        };
        self.later.retain(|later| match later {
            Later::Record(later) => !concerned(&later.1.id, later.0, later.1.revision),
            Later::Change(..) => true,
        });
        match gone {
            Gone::Places(places) => {
                let may = |(first, last): (u64, u64)| {
                    places.meets(&Ranges::of(vec![(first, last.saturating_add(1))]))
                };
                self.progress.forget_marks(may, |seq| places.holds(seq));
            }
            Gone::Hidden { record, below } => self.progress.forget_mark(*record, *below),
        }
        let of = self.grades.iter().filter(|(id, of)| concerned(id, of.seq(), of.revision));
        let forgotten: Vec<RecordId> = of.map(|(id, _)| *id).collect();
        for id in forgotten {
            self.grades.remove(&id);
            self.progress.forget_grade(id);
        }
    }

    fn hears(&self, what: &str) -> bool {
        matches!(
            what,
            "placement.declared"
                | "placement.accepted"
                | "placement.ended"
                | "directory.learner"
                | "directory.group"
                | super::SHOWN
        )
    }

    fn note(&mut self, seq: u64, note: &Note, change: Option<&Change>) {
        let Ok(at) = Timestamp::from_micros("at", note.at_us) else { return };
        if !self.complete && seq >= self.edge {
            return self.later.push(Later::Change(at, change.cloned().map(Box::new)));
        }
        self.change(at, change);
    }

    fn complete(&mut self) {
        for later in std::mem::take(&mut self.later) {
            match later {
                Later::Record(later) => self.take(later.0, &later.1, &later.2, &later.3),
                Later::Change(at, change) => self.change(at, change.as_deref()),
            }
        }
        self.complete = true;
    }
}
