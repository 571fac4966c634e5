//! What the hub has told about whereabouts: which alerts are open, who was told when, and who has them in hand.
//!
//! An alert holds numbers and moments. What people wrote about it is a change of its own, a [`Remark`], so that it lies in
//! one payload and can go without the alert. What is more than a few days past is forgotten here and in the rows, remarks in
//! the log too (`crate::duty::remarks`); that there was an alert the log keeps.

use super::change::PersonUuid;
use commonroll_core::{Role, SchoolDate, Timestamp};
use commonroll_views::whereabouts::{AlertKey, Finding, Id};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
    sync::Arc,
};

/// For so many days after its own an alert is kept, and what was said of it.
pub const DAYS: i32 = 2;
/// One that nobody has ended is kept longer.
const OPEN_DAYS: i32 = 14;

/// Names an alert: what it is about, as numbers. One alert for each.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AlertId([u8; 15]);

/// What an alert is about, in a word of the log.
const SORTS: [&str; 12] = [
    "register",
    "unaccounted",
    "left_early",
    "class_cancelled",
    "source_silent",
    "nobody_expects",
    "both_expect",
    "week_slip",
    "site_closed",
    "many_misfits",
    "two_hosts",
    "expected_elsewhere",
];

impl AlertId {
    /// The id of an alert of the board.
    pub fn of(key: &AlertKey) -> Self {
        let (sort, site, lesson, who) = match *key {
            AlertKey::Register { site, lesson } => (0, site, lesson, 0),
            AlertKey::Unaccounted(id) => (1, id.site, id.lesson, id.learner),
            AlertKey::LeftEarly(id) => (2, id.site, id.lesson, id.learner),
            AlertKey::ClassCancelled { site, lesson, home } => (3, site, lesson, u32::from(home)),
            AlertKey::SourceSilent { site } => (4, site, 0, 0),
            AlertKey::Misfit { day, finding } => {
                let sort = match finding {
                    Finding::NobodyExpects { .. } => 5,
                    Finding::BothExpect { .. } => 6,
                    Finding::WeekSlip { .. } => 7,
                    Finding::SiteClosed { .. } => 8,
                    Finding::Many { .. } => 9,
                    Finding::TwoHosts { .. } => 10,
                    Finding::Elsewhere { .. } => 11,
                };
                let [one, other] = finding.between();
                let lesson = (u64::from(day.cast_unsigned()) << 16) | u64::from(one);
                (sort, other, lesson, finding.learner().unwrap_or(0))
            }
        };
        let mut bytes = [sort; 15];
        bytes[1..3].copy_from_slice(&site.to_be_bytes());
        bytes[3..11].copy_from_slice(&lesson.to_be_bytes());
        bytes[11..].copy_from_slice(&who.to_be_bytes());
        Self(bytes)
    }

    /// What it names; `None` for what names nothing.
    pub fn key(self) -> Option<AlertKey> {
        let [sort, a, b, lesson @ .., w, x, y, z] = self.0;
        let (site, who) = (u16::from_be_bytes([a, b]), u32::from_be_bytes([w, x, y, z]));
        let lesson = u64::from_be_bytes(lesson);
        Some(match sort {
            0 => AlertKey::Register { site, lesson },
            1 => AlertKey::Unaccounted(Id { site, lesson, learner: who }),
            2 => AlertKey::LeftEarly(Id { site, lesson, learner: who }),
            3 => AlertKey::ClassCancelled { site, lesson, home: u16::try_from(who).ok()? },
            4 => AlertKey::SourceSilent { site },
            5..=11 => {
                let day = u32::try_from(lesson >> 16).ok()?.cast_signed();
                let (one, learner) = (u16::try_from(lesson & 0xffff).ok()?, who);
                // A host that nobody can name is written as the home itself.
                let host = (site != one).then_some(site);
                let finding = match sort {
                    5 => Finding::NobodyExpects { learner, home: one, host },
                    6 => Finding::BothExpect { learner, home: one, host: site },
                    7 => Finding::WeekSlip { home: one, host: site },
                    8 => Finding::SiteClosed { home: one, host: site },
                    9 => Finding::Many { home: one, host },
                    10 => Finding::TwoHosts { learner, one, other: site },
                    _ => Finding::Elsewhere { learner, host: site },
                };
                AlertKey::Misfit { day, finding }
            }
            _ => return None,
        })
    }

    /// What it is about, in a word: `unaccounted`, `source_silent`.
    pub fn sort(self) -> &'static str {
        SORTS.get(usize::from(self.0[0])).copied().unwrap_or_default()
    }

    /// Its bytes.
    pub const fn bytes(&self) -> &[u8; 15] {
        &self.0
    }
}

impl fmt::Display for AlertId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&super::change::hex(&self.0))
    }
}

impl fmt::Debug for AlertId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AlertId({} {self})", self.sort())
    }
}

impl FromStr for AlertId {
    type Err = commonroll_core::Invalid;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong =
            commonroll_core::Invalid::new("alert", "must be the id of an alert, 30 hexadecimal digits");
        let id = super::change::unhex(text).map(Self).ok_or_else(|| wrong.clone())?;
        id.key().map(|_| id).ok_or(wrong)
    }
}

impl TryFrom<String> for AlertId {
    type Error = commonroll_core::Invalid;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<AlertId> for String {
    fn from(id: AlertId) -> Self {
        id.to_string()
    }
}

/// An alert as it stands.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Alerted {
    /// Which.
    pub id: AlertId,
    /// The school date that it is of.
    pub date: SchoolDate,
    /// Since when it is so.
    pub since: Timestamp,
    /// Which institutions were told, and when first; in the order of telling.
    pub told: Vec<(u16, Timestamp)>,
    /// When it was told last.
    pub last: Timestamp,
    /// How often it was told again because somebody who was told did not have it in hand.
    #[serde(default)]
    pub repeated: u32,
    /// When it was told again last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<Timestamp>,
    /// Who has it in hand, in the words of older logs: one institution spoke for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_hand: Option<Said>,
    /// Who has it in hand, one for each institution.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hands: Vec<Said>,
    /// Who found the learner, and where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<Said>,
    /// Who was said to be found by mistake: who said it, and who took it back; in that order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undone: Vec<(Said, Said)>,
    /// When it was over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<Timestamp>,
    /// What happened to it last; older logs don't say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<Step>,
}

/// What an entry about an alert says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Somebody was told.
    Told,
    /// Somebody has it in hand.
    Taken,
    /// The learner was found.
    Found,
    /// That was a mistake: it stands again.
    NotFound,
    /// It is over.
    Over,
}

impl Alerted {
    /// True while it is neither over nor was the learner found.
    pub const fn is_open(&self) -> bool {
        self.over.is_none() && self.found.is_none()
    }

    const fn days(&self) -> i32 {
        if self.is_open() { OPEN_DAYS } else { DAYS }
    }

    /// Who has it in hand: one for each institution.
    pub fn in_hand(&self) -> impl Iterator<Item = &Said> {
        let newer = |said: &&Said| !self.hands.iter().any(|hand| hand.institution == said.institution);
        self.in_hand.iter().filter(newer).chain(&self.hands)
    }

    /// Who of an institution has it in hand.
    pub fn hand_of(&self, institution: u16) -> Option<&Said> {
        self.in_hand().find(|said| said.institution == institution)
    }

    /// The institutions that have it in hand.
    pub fn handled_by(&self) -> BTreeSet<u16> {
        self.in_hand().map(|said| said.institution).collect()
    }

    /// When an institution was told last, if it ever was.
    pub fn told_last(&self, institution: u16) -> Option<Timestamp> {
        let (_, first) = self.told.iter().find(|(told, _)| *told == institution)?;
        let taken = self.hand_of(institution).map(|said| said.at);
        let again = self.again.filter(|again| taken.is_none_or(|taken| *again < taken));
        Some(again.map_or(*first, |again| again.max(*first)))
    }

    /// What happened to it last.
    pub const fn step(&self) -> Step {
        match self.step {
            Some(step) => step,
            None if self.over.is_some() => Step::Over,
            None if self.found.is_some() => Step::Found,
            None if self.in_hand.is_some() => Step::Taken,
            None => Step::Told,
        }
    }

    /// True if it holds what somebody wrote, as older logs do.
    pub fn has_words(&self) -> bool {
        self.in_hand.iter().chain(&self.found).any(|said| !said.words.is_empty())
    }

    /// Takes out what somebody wrote, as older logs have it.
    pub fn forget_words(&mut self) {
        self.in_hand.iter_mut().chain(&mut self.found).for_each(|said| said.words.clear());
    }
}

/// The learner whom an alert is about, by the hub's number.
pub fn learner_of(id: AlertId) -> Option<u32> {
    match id.key()? {
        AlertKey::Unaccounted(id) | AlertKey::LeftEarly(id) => Some(id.learner),
        AlertKey::Misfit { finding, .. } => finding.learner(),
        AlertKey::Register { .. } | AlertKey::ClassCancelled { .. } | AlertKey::SourceSilent { .. } => None,
    }
}

/// What a person wrote about an alert: what they do, or where the learner is. Personal.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remark {
    /// Which.
    pub of: RemarkId,
    /// The school date of the alert.
    pub date: SchoolDate,
    /// In their words.
    pub words: String,
}

/// Names a remark: said of which alert, by whom of which institution, when.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RemarkId {
    /// Of which alert.
    pub alert: AlertId,
    /// For which institution.
    pub institution: u16,
    /// True if it says where the learner is.
    pub found: bool,
    /// When.
    pub at: Timestamp,
}

impl RemarkId {
    /// Its key among the rows.
    pub fn bytes(&self) -> Vec<u8> {
        let at = self.at.micros().to_be_bytes();
        [&self.alert.0[..], &self.institution.to_be_bytes(), &[u8::from(self.found)], &at].concat()
    }
}

/// What a person said of an alert.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// Who.
    pub by: PersonUuid,
    /// In which role, of which institution.
    pub role: Role,
    /// Theirs.
    pub institution: u16,
    /// When.
    pub at: Timestamp,
    /// In their words, as older logs have it; since then it is a [`Remark`]. Personal.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub words: String,
}

/// The alerts of the last days.
#[derive(Clone, Default)]
pub struct Alerts {
    held: BTreeMap<AlertId, Arc<Alerted>>,
    remarks: BTreeMap<RemarkId, Arc<Remark>>,
    newest: Option<SchoolDate>,
    /// Grows with every one of them that changes.
    pub turn: u64,
}

impl Alerts {
    /// Takes an alert as it is from now on.
    pub fn put(&mut self, alert: Alerted) {
        self.turn += 1;
        let newest = self.newest.map_or(alert.date, |newest| newest.max(alert.date));
        if self.newest != Some(newest) {
            self.newest = Some(newest);
            self.held.retain(|_, held| newest.days() - held.date.days() <= held.days());
            self.remarks.retain(|_, held| newest.days() - held.date.days() <= DAYS);
        }
        if newest.days() - alert.date.days() <= alert.days() {
            self.held.insert(alert.id, Arc::new(alert));
        }
    }

    /// Takes what a person wrote.
    pub fn put_remark(&mut self, remark: Remark) {
        self.turn += 1;
        if self.newest.is_none_or(|newest| newest.days() - remark.date.days() <= DAYS) {
            self.remarks.insert(remark.of, Arc::new(remark));
        }
    }

    /// Alerts and remarks that are no longer known.
    pub fn forget(&mut self, alerts: &[AlertId], remarks: &[RemarkId]) {
        self.turn += 1;
        alerts.iter().for_each(|id| drop(self.held.remove(id)));
        remarks.iter().for_each(|id| drop(self.remarks.remove(id)));
    }

    /// What a person wrote when they took an alert in hand or found the learner; empty if they wrote nothing, or it is gone.
    pub fn words<'a>(&'a self, alert: AlertId, said: &'a Said, found: bool) -> &'a str {
        let id = RemarkId { alert, institution: said.institution, found, at: said.at };
        self.remarks.get(&id).map_or(said.words.as_str(), |remark| remark.words.as_str())
    }

    /// Everything that people wrote.
    pub fn remarks(&self) -> impl Iterator<Item = &Remark> {
        self.remarks.values().map(Arc::as_ref)
    }

    /// The alert with this id.
    pub fn get(&self, id: AlertId) -> Option<&Alerted> {
        self.held.get(&id).map(Arc::as_ref)
    }

    /// Every alert that is held, over or not.
    pub fn all(&self) -> impl Iterator<Item = &Alerted> {
        self.held.values().map(Arc::as_ref)
    }

    /// Every alert that is not over.
    pub fn not_over(&self) -> impl Iterator<Item = &Alerted> {
        self.held.values().map(Arc::as_ref).filter(|alert| alert.over.is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_is_named_by_what_it_is_about() {
        let id = Id { site: 3, lesson: 0x0102_0304_0506_0708, learner: 77 };
        let keys = [
            AlertKey::Register { site: 3, lesson: 9 },
            AlertKey::Unaccounted(id),
            AlertKey::LeftEarly(id),
            AlertKey::ClassCancelled { site: 3, lesson: 9, home: 2 },
            AlertKey::SourceSilent { site: 3 },
            AlertKey::Misfit {
                day: 20_710,
                finding: Finding::NobodyExpects { learner: 77, home: 2, host: Some(3) },
            },
            AlertKey::Misfit { day: -1, finding: Finding::BothExpect { learner: 77, home: 1, host: 3 } },
            AlertKey::Misfit { day: 20_710, finding: Finding::WeekSlip { home: 2, host: 3 } },
            AlertKey::Misfit { day: 20_710, finding: Finding::SiteClosed { home: 2, host: 3 } },
            AlertKey::Misfit { day: 1, finding: Finding::NobodyExpects { learner: 7, home: 2, host: None } },
            AlertKey::Misfit { day: 1, finding: Finding::Many { home: 2, host: Some(3) } },
            AlertKey::Misfit { day: 1, finding: Finding::Many { home: 2, host: None } },
            AlertKey::Misfit { day: 1, finding: Finding::TwoHosts { learner: 7, one: 2, other: 3 } },
            AlertKey::Misfit { day: 1, finding: Finding::Elsewhere { learner: 7, host: 3 } },
        ];
        for key in keys {
            let named = AlertId::of(&key);
            assert_eq!(named.key(), Some(key));
            assert_eq!(named.to_string().parse(), Ok(named), "{named:?}");
        }
        assert_eq!(AlertId::of(&keys[1]).sort(), "unaccounted");
        for wrong in ["", "00", "ff0000000000000000000000000000", "zz0000000000000000000000000000"] {
            assert!(wrong.parse::<AlertId>().is_err(), "{wrong}");
        }
    }
}
