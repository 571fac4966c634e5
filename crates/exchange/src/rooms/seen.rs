//! What such pages show. Names and needs are personal: `Debug` hides them.

use crate::{
    messages::{MessageSeen, TellSeen},
    reading::Reading,
    whereabouts::Looks,
};
use commonroll_core::{Interval, SchoolDate, Slug, Timestamp};
use std::fmt;

/// Names a group in an address, without its institution's own code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct GroupKey(pub [u8; 8]);

/// A lesson of today.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LessonTime {
    /// When.
    pub time: Interval,
    /// Where; empty if the institution doesn't say.
    pub room: String,
    /// True if it does not take place.
    pub cancelled: bool,
}

/// One of a teacher's groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupLine {
    /// Names it.
    pub key: GroupKey,
    /// What the institution calls it; its code if it doesn't say.
    pub title: String,
    /// Its subject; empty if not said.
    pub subject: String,
    /// Today's lessons, by time.
    pub lessons: Vec<LessonTime>,
    /// How many learners of partners are placed in it today.
    pub visitors: usize,
}

/// A teacher's groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MyGroups {
    /// Today, at the institution.
    pub date: SchoolDate,
    /// True if the institution is closed today.
    pub closed: bool,
    /// Those with a lesson now or next first.
    pub groups: Vec<GroupLine>,
}

/// A group and who visits it.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupSeen {
    /// Which.
    pub line: GroupLine,
    /// The institution: slug and name.
    pub institution: (Slug, String),
    /// Today, there.
    pub date: SchoolDate,
    /// When the first mark of the lesson that is on, or was last, came in.
    pub register: Option<Timestamp>,
    /// False until all of the day has been read after a start: what is not shown yet may be in the log.
    pub known: bool,
    /// Of those whose card may be seen the part that was asked for: who isn't there first, then by name.
    pub visitors: Vec<VisitorSeen>,
    /// How many they are in all.
    pub all: usize,
    /// From how many homes.
    pub homes: usize,
    /// How many more are placed here whose card the agreement with their home doesn't give.
    pub without_card: usize,
    /// Hash of the policy set that decided.
    pub policy: String,
    /// The rules that let the cards out: id and what it says.
    pub rules: Vec<RuleSeen>,
    /// The agreements, with their versions.
    pub agreements: Vec<String>,
}

/// A rule that decided.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RuleSeen {
    /// Its id.
    pub id: String,
    /// What it says in plain words.
    pub says: String,
}

/// A visiting learner's card, as far as it may be seen.
#[derive(Clone, PartialEq)]
pub struct VisitorSeen {
    /// By the hub's number.
    pub learner: u32,
    /// What they are called here. Personal.
    pub known_as: String,
    /// In full. Personal.
    pub name: String,
    /// The home: slug and name.
    pub home: (Slug, String),
    /// How they stand today; `None` if that part may not be seen or nothing is expected today.
    pub today: Option<(Looks, String)>,
    /// What the home wrote for those who teach them elsewhere; `None` if that part may not be seen, empty if it shares none.
    pub needs: Option<String>,
    /// What to do if something is wrong; `None` if that part may not be seen, empty if the home wrote none.
    pub emergency: Option<String>,
    /// Whom to ring at the home: who answers there, and the number. Empty if not given.
    pub ring: (String, String),
    /// First day of the placement.
    pub since: SchoolDate,
    /// What was told the home about them that this teacher may see, newest first.
    pub told: Vec<MessageSeen>,
}

impl fmt::Debug for VisitorSeen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VisitorSeen({}, ..)", self.learner)
    }
}

/// What hosts told a home about its learners.
#[derive(Debug, Clone, PartialEq)]
pub struct AskedSeen {
    /// Today, at home.
    pub date: SchoolDate,
    /// Each with the learner's name there: what is asked and not answered, the earliest date first; then concerns, praise,
    /// and what was answered, each newest first. Names are personal.
    pub messages: Vec<(MessageSeen, String)>,
    /// How many ask something by a date and have no answer, though they may be more than one page has.
    pub requests: usize,
    /// True if there are so many messages that not all of those could be counted.
    pub uncounted: bool,
    /// True if there are more messages than these, the first in that order.
    pub more: bool,
    /// Hash of the policy set that decided.
    pub policy: String,
    /// The rules that decided.
    pub rules: Vec<RuleSeen>,
    /// The agreements, with their versions.
    pub agreements: Vec<String>,
}

/// A home's learners who are taught elsewhere.
#[derive(Debug, Clone, PartialEq)]
pub struct LearnersSeen {
    /// Today, at home.
    pub date: SchoolDate,
    /// False until all of the day has been read after a start: what is not shown yet may be in the log.
    pub known: bool,
    /// Those who need somebody first, then by name: the part that was asked for.
    pub learners: Vec<AwaySeen>,
    /// How many there are.
    pub all: usize,
    /// True if there are more than one list has.
    pub more: bool,
    /// Hash of the policy set that decided.
    pub policy: String,
    /// The rules that decided.
    pub rules: Vec<RuleSeen>,
}

/// One of them.
#[derive(Clone, PartialEq)]
pub struct AwaySeen {
    /// By the hub's number.
    pub learner: u32,
    /// As the home calls them. Personal.
    pub name: String,
    /// Where they are taught.
    pub places: Vec<PlaceSeen>,
    /// How they stand in today's lesson that counts now, and at whose site; `None` if none is expected.
    pub today: Option<(Looks, String)>,
}

impl fmt::Debug for AwaySeen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AwaySeen({}, ..)", self.learner)
    }
}

/// A host, and what it teaches there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PlaceSeen {
    /// Its name.
    pub host: String,
    /// What it calls the group; empty for every group.
    pub group: String,
}

/// One learner's page.
#[derive(Clone, PartialEq)]
pub struct LearnerRead {
    /// As the reader's institution calls them. Personal.
    pub name: String,
    /// The home: slug and name, if nobody contests it.
    pub home: Option<(Slug, String)>,
    /// True if the reader's institution is the home.
    pub is_home: bool,
    /// Where they are taught besides, for the home.
    pub places: Vec<PlaceSeen>,
    /// Whose records there can be, with what each is called and when it was last heard of; the home first.
    pub sources: Vec<SourceSeen>,
    /// Today, at the reader's institution.
    pub today: SchoolDate,
    /// Whom a message to the home would reach, for a host's teacher of the learner.
    pub tell: Option<TellSeen>,
    /// Everything that may be seen.
    pub reading: Reading,
    /// The rules that decided.
    pub rules: Vec<RuleSeen>,
    /// The agreements that it rests on, with their versions.
    pub agreements: Vec<String>,
}

impl fmt::Debug for LearnerRead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LearnerRead({}, ..)", self.reading.learner)
    }
}

/// An institution whose records are on a learner's page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceSeen {
    /// Short name.
    pub slug: Slug,
    /// Name.
    pub name: String,
    /// When the newest of the records shown came to the hub.
    pub newest: Option<Timestamp>,
}
