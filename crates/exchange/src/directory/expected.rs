//! What institutions said of their days: lessons, notices, what visitors need, and how they call their learners.
//!
//! In memory for the board and the pages. Nothing here changes who may have a record. Of each institution's days at most 29
//! stand, which is as far as one can be declared back and ahead; notices about a learner are bounded, too.

use super::Directory;
use commonroll_core::{
    Interval, Invalid, LocalId, SchoolDate, Timestamp,
    directory::{NoticeKind, Week},
    record::Text,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
    sync::Arc,
};

/// How many days back a day may be declared.
pub const DAYS_BACK: i32 = 7;
/// How many days ahead.
pub const DAYS_AHEAD: i32 = 21;
/// Rows that the days of one institution take in turns: more than the days that can stand at once.
pub const DAY_ROWS: i32 = 32;
/// Most notices of one institution about one learner that hold or are still to come.
pub const NOTICES_MAX: usize = 64;

/// How an institution calls a learner, for its own people. Personal: `Debug` hides it, and no entry holds it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "CalledText", into = "CalledText")]
pub struct Called {
    /// Known-as forename, or the legal one.
    pub known_as: Text,
    /// Surname.
    pub surname: Text,
}

#[derive(Serialize, Deserialize)]
struct CalledText {
    known_as: String,
    surname: String,
}

impl From<Called> for CalledText {
    fn from(called: Called) -> Self {
        Self { known_as: called.known_as.as_str().to_owned(), surname: called.surname.as_str().to_owned() }
    }
}

impl TryFrom<CalledText> for Called {
    type Error = Invalid;
    fn try_from(text: CalledText) -> Result<Self, Invalid> {
        Ok(Self {
            known_as: Text::parse("known_as", &text.known_as, 100)?,
            surname: Text::parse("surname", &text.surname, 100)?,
        })
    }
}

impl fmt::Debug for Called {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Called(..)")
    }
}

/// A day of an institution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayHeld {
    /// The local school date.
    pub date: SchoolDate,
    /// True if nobody is expected at all.
    pub closed: bool,
    /// Week of the timetable's cycle.
    pub week: Option<Week>,
    /// In the order of their start.
    pub lessons: Vec<LessonHeld>,
}

/// A lesson of a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LessonHeld {
    /// The institution's own id of the meeting.
    pub local_id: LocalId,
    /// Its code of the group.
    pub group: LocalId,
    /// When.
    pub time: Interval,
    /// Where.
    pub room: Text,
    /// True if it does not take place.
    pub cancelled: bool,
}

/// A lesson as the log writes it.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct LessonText {
    /// The institution's own id of the meeting.
    pub id: LocalId,
    /// Its code of the group.
    pub group: LocalId,
    /// First instant.
    pub start: Timestamp,
    /// First instant behind.
    pub end: Timestamp,
    /// Where.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub room: String,
    /// True if it does not take place.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cancelled: bool,
}

impl LessonText {
    fn held(self) -> Option<LessonHeld> {
        Some(LessonHeld {
            local_id: self.id,
            group: self.group,
            time: Interval::new(self.start, self.end).ok()?,
            room: Text::parse("room", &self.room, 40).ok()?,
            cancelled: self.cancelled,
        })
    }
}

/// A notice about a learner, by the home or a host.
#[derive(Clone, PartialEq, Eq)]
pub struct NoticeHeld {
    /// Who gave it.
    pub institution: u16,
    /// Its own id of the notice.
    pub local_id: LocalId,
    /// What it says.
    pub kind: NoticeKind,
    /// When it holds.
    pub time: Interval,
}

impl fmt::Debug for NoticeHeld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NoticeHeld(..)")
    }
}

/// What a notice says, as the log writes it. Personal.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct NoticeText {
    /// The learner, by the institution's own id.
    pub learner: LocalId,
    /// What it says.
    pub kind: NoticeKind,
    /// First instant.
    pub start: Timestamp,
    /// First instant behind.
    pub end: Timestamp,
}

/// What a learner needs where they visit. Personal.
#[derive(Clone, PartialEq, Eq)]
pub struct Support {
    /// Needs and arrangements, as the home wrote them for sharing.
    pub needs: Text,
    /// What to do in an emergency, and whom to ring first.
    pub emergency: Text,
    /// Last date on which it holds. Whoever shows it looks.
    pub last_date: SchoolDate,
}

impl fmt::Debug for Support {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Support(..)")
    }
}

/// The same as the log writes it.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct SupportText {
    /// Needs and arrangements.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub needs: String,
    /// What to do in an emergency.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub emergency: String,
    /// Last date on which it holds.
    pub last_date: SchoolDate,
}

impl SupportText {
    fn held(&self) -> Option<Support> {
        Some(Support {
            needs: Text::parse("needs", &self.needs, 500).ok()?,
            emergency: Text::parse("emergency", &self.emergency, 200).ok()?,
            last_date: self.last_date,
        })
    }
}

/// What the directory keeps beside its learners.
#[derive(Clone, Default)]
pub struct Expected {
    /// Grows with every day, notice, placement, match and institution that changes.
    pub(super) turn: u64,
    days: BTreeMap<(u16, SchoolDate), Arc<DayHeld>>,
    /// About whom a notice is, by the ids of the institution that gave it.
    noticed: HashMap<(u16, LocalId), LocalId>,
    /// Where each learner is known: institution and its id.
    known: HashMap<u32, BTreeSet<(u16, LocalId)>>,
    /// Whom a host ever took into a group; `None` for every group.
    guests: HashMap<(u16, Option<LocalId>), BTreeSet<LocalId>>,
}

impl Expected {
    pub(super) fn links(&mut self, institution: u16, id: &LocalId, before: Option<u32>, now: Option<u32>) {
        if let Some(known) = before.and_then(|number| self.known.get_mut(&number)) {
            known.remove(&(institution, id.clone()));
        }
        if let Some(number) = now {
            self.known.entry(number).or_default().insert((institution, id.clone()));
        }
    }

    pub(super) fn takes(&mut self, host: u16, group: Option<&LocalId>, guest: &LocalId) {
        self.guests.entry((host, group.cloned())).or_default().insert(guest.clone());
    }
}

impl Directory {
    pub(super) fn put_day(
        &mut self,
        institution: u16,
        date: SchoolDate,
        closed: bool,
        week: Option<Week>,
        lessons: Vec<LessonText>,
    ) {
        if usize::from(institution) >= self.institutions.len() {
            return;
        }
        self.expected.turn += 1;
        let lessons = lessons.into_iter().filter_map(LessonText::held).collect();
        let days = &mut self.expected.days;
        days.insert((institution, date), Arc::new(DayHeld { date, closed, week, lessons }));
        let own = |key: &(u16, SchoolDate)| key.0 == institution;
        let newest = days.keys().filter(|key| own(key)).map(|key| key.1.days()).max().unwrap_or(0);
        days.retain(|key, _| !own(key) || newest - key.1.days() <= DAYS_BACK + DAYS_AHEAD);
    }

    /// `said` is nothing if the notice was taken back.
    pub(super) fn put_notice(&mut self, institution: u16, local_id: LocalId, said: Option<NoticeText>) {
        self.expected.turn += 1;
        let key = (institution, local_id.clone());
        if let Some(before) = self.expected.noticed.remove(&key)
            && let Some(local) = self.local_mut(institution, &before)
        {
            local.notices.retain(|held| held.local_id != local_id);
        }
        let Some(said) = said else { return };
        let Ok(time) = Interval::new(said.start, said.end) else { return };
        let Some(local) = self.local_mut(institution, &said.learner) else { return };
        local.notices.push(NoticeHeld { institution, local_id, kind: said.kind, time });
        self.expected.noticed.insert(key, said.learner);
    }

    pub(super) fn put_support(&mut self, institution: u16, learner: &LocalId, said: Option<&SupportText>) {
        if let Some(local) = self.local_mut(institution, learner) {
            local.support = said.and_then(SupportText::held).map(Box::new);
        }
    }

    fn local_mut(&mut self, institution: u16, id: &LocalId) -> Option<&mut super::Local> {
        self.institutions.get_mut(usize::from(institution))?.locals.get_mut(id)
    }

    /// What an institution declared of a date; `None` if it said nothing.
    pub fn day(&self, institution: u16, date: SchoolDate) -> Option<&DayHeld> {
        self.expected.days.get(&(institution, date)).map(Arc::as_ref)
    }

    /// A number that is another one whenever timetables, notices, placements or who somebody is may be.
    pub const fn turn_of_plans(&self) -> u64 {
        self.expected.turn
    }

    /// What every institution declared of a date, by its number.
    pub fn days_on(&self, date: SchoolDate) -> impl Iterator<Item = (u16, &DayHeld)> {
        (0..).zip(&self.institutions).filter_map(move |(number, _)| Some((number, self.day(number, date)?)))
    }

    /// Notices about a learner by their home and hosts, in no order. Those that are over stay for a while.
    pub fn notices_of(&self, learner: u32) -> Vec<&NoticeHeld> {
        let known = self.expected.known.get(&learner).into_iter().flatten();
        known.filter_map(|(institution, id)| self.local(*institution, id)).flat_map(|l| &l.notices).collect()
    }

    /// About whom an institution gave the notice with this id, by its own id.
    pub(crate) fn noticed(&self, institution: u16, notice: &LocalId) -> Option<&LocalId> {
        self.expected.noticed.get(&(institution, notice.clone()))
    }

    /// What the learner's home wrote for those who teach them elsewhere.
    pub fn support(&self, learner: u32) -> Option<&Support> {
        let (home, id) = self.home_of(learner)?;
        self.local(*home, id)?.support.as_deref()
    }

    /// How an institution calls one of its learners or guests, for its own people alone.
    pub fn called(&self, institution: u16, local: &LocalId) -> Option<&Called> {
        self.local(institution, local)?.called.as_ref()
    }

    /// Where a learner is known: institutions and their ids, the home among them.
    pub fn known_at(&self, learner: u32) -> impl Iterator<Item = &(u16, LocalId)> {
        self.expected.known.get(&learner).into_iter().flatten()
    }

    /// A learner's home, if it says of itself that it has placed them at a host at a moment; whatever the host says. One whose
    /// id is in doubt has not said that it looks for nobody: an alert of before stands.
    pub fn placed_by_home(&self, learner: u32, host: u16, date: SchoolDate, at: Timestamp) -> Option<u16> {
        let (home, id) = self.home_of(learner).or_else(|| self.doubts().home_of(learner))?;
        let moment = super::Moment { date, at: Some(at), group: None };
        let mut declared = self.local(*home, id)?.sides.iter();
        let placed = declared.any(|ours| !ours.hosting && ours.other == host && moment.within(ours));
        (placed && self.left(*home).is_none()).then_some(*home)
    }

    /// Learners who are placed in a group of a host at a moment: the hub's number, the host's id, and who is home. Only
    /// by placements in force of which at least one side names the group: of one that names none, nobody can tell in
    /// which lessons the learner is expected.
    pub fn placed_in(
        &self,
        host: u16,
        group: &LocalId,
        date: SchoolDate,
        at: Timestamp,
    ) -> Vec<(u32, LocalId, u16)> {
        let of = |group: Option<&LocalId>| self.expected.guests.get(&(host, group.cloned()));
        let guests = of(Some(group)).into_iter().chain(of(None)).flatten();
        let moment = super::Moment { date, at: Some(at), group: Some(group) };
        let mut found: Vec<_> = guests
            .filter_map(|id| {
                let local = self.local(host, id)?;
                let learner = local.learner?;
                let (home, home_id) = self.home_of(learner)?;
                let declared = &self.local(*home, home_id)?.sides;
                let mut accepted = local.sides.iter().filter(|ours| ours.hosting && ours.other == *home);
                let in_force = accepted.any(|ours| {
                    moment.within(ours)
                        && declared.iter().any(|theirs| {
                            !theirs.hosting
                                && theirs.other == host
                                && super::same_group(theirs, ours)
                                && (theirs.group.is_some() || ours.group.is_some())
                                && moment.within(theirs)
                        })
                });
                in_force.then(|| (learner, id.clone(), *home))
            })
            .collect();
        found.sort();
        found.dedup_by_key(|(learner, ..)| *learner);
        found
    }
}
