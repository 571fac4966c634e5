//! What ought to be so: who is placed where, what was agreed, and what each source has said.
//!
//! Written from the design's words, not from the hub's code: it has one learner a line and no indexes.

use commonroll_core::Timestamp;
use std::collections::BTreeMap;

/// 14 September 2026, 08:00 UTC.
pub const MORNING: i64 = 1_789_372_800_000_000;
pub const HOUR: i64 = 3_600_000_000;
/// The local start of that day, in British Summer Time.
const DAY_START: i64 = MORNING - 9 * HOUR;

pub const PARTNERS: [&str; 3] = ["kingsmead", "ridgeway", "northgate"];

/// A learner whom a home has placed with a host, and how each knows them.
pub struct Link {
    pub home: usize,
    pub home_id: &'static str,
    pub host: usize,
    pub host_id: &'static str,
    pub uln: &'static str,
    /// The group that the home names, and the host.
    pub groups: [Option<&'static str>; 2],
}

const fn link(
    home: usize,
    home_id: &'static str,
    host: usize,
    host_id: &'static str,
    uln: &'static str,
    groups: [Option<&'static str>; 2],
) -> Link {
    Link { home, home_id, host, host_id, uln, groups }
}

const ENG: Option<&str> = Some("ENG-1");
pub const LINKS: [Link; 5] = [
    link(0, "k-0", 2, "n-0", "1000000019", [ENG, ENG]),
    link(0, "k-1", 2, "n-1", "1000000027", [ENG, None]),
    link(1, "r-0", 2, "n-2", "1000000035", [None, None]),
    link(1, "r-1", 0, "k-9", "1000000043", [None, ENG]),
    link(0, "k-2", 1, "r-9", "1000000051", [ENG, ENG]),
];

/// One side's word on a placement.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Side {
    /// Last day of September that it covers; the first is the 1st.
    pub last_day: i32,
    pub ended: Option<i64>,
}

/// What an agreement says of attendance.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Terms {
    Full,
    PresenceOnly,
    NoAttendance,
    Lapsed,
}

impl Terms {
    /// The field groups that may travel, or nothing at all.
    pub const fn groups(self) -> Option<&'static [u32]> {
        match self {
            Self::Full => Some(&[1, 2, 3, 4, 5]),
            Self::PresenceOnly => Some(&[1, 2]),
            Self::NoAttendance | Self::Lapsed => None,
        }
    }
}

/// A record at one revision, as its source spooled it.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    pub source: usize,
    pub learner: String,
    pub group: Option<String>,
    pub at: Option<i64>,
    pub mark: Option<String>,
    /// Field groups that can be read.
    pub groups: Vec<u32>,
    pub root: [u8; 32],
}

/// A record of the log.
#[derive(Clone, Debug)]
pub struct Entry {
    pub sequence: u64,
    pub id: String,
    pub revision: u32,
    pub recipient: usize,
    /// Field groups that the agreement let into the hub.
    pub granted: &'static [u32],
}

#[derive(Default)]
pub struct Model {
    /// By link: the home's word, and the host's.
    pub sides: [[Option<Side>; 2]; 5],
    pub terms: Option<Terms>,
    /// Everything that a source ever sent, by record id and revision.
    pub said: BTreeMap<(String, u32), Said>,
    /// The records of the log, in order.
    pub log: Vec<Entry>,
    /// How many entries of the log have been looked at.
    pub looked: u64,
    /// The last batch of each partner in the log, and the place of its last entry.
    pub batches: [(u64, u64); 3],
    /// What was acknowledged to a source: id, revision and place in the log.
    pub acknowledged: BTreeMap<(String, u32), u64>,
    /// Records that were kept back when they would have left.
    pub withheld: Vec<(String, u32)>,
    /// How often somebody asked for what may not leave, and was given nothing.
    pub kept_back: usize,
    /// How far each partner has acknowledged.
    pub cursors: [u64; 3],
    /// Whether sweeps run: feeds then hold more than new records, and what is held is checked instead.
    pub recalling: bool,
    /// Records that left with fewer field groups than the hub had accepted of them.
    pub narrowed: std::collections::BTreeSet<(String, u32)>,
}

/// What is owed to a record that is published now.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Owed {
    Accepted { home: usize },
    Refused(&'static str),
}

impl Model {
    pub fn link_of(source: usize, learner: &str) -> Option<usize> {
        LINKS.iter().position(|link| link.host == source && link.host_id == learner)
    }

    /// Whether a record may be published, and be delivered, at this moment.
    pub fn owed(&self, said: &Said) -> Owed {
        let Some(number) = Self::link_of(said.source, &said.learner) else {
            return Owed::Refused("no_placement");
        };
        let covers = |side: &Option<Side>, group: Option<&str>| {
            let Some(side) = side else { return false };
            let at = said.at.unwrap_or(DAY_START);
            let same_group = group.is_none() || said.group.is_none() || group == said.group.as_deref();
            side.last_day >= 14 && same_group && side.ended.is_none_or(|end| at < end)
        };
        let groups = LINKS[number].groups;
        if !(covers(&self.sides[number][0], groups[0]) && covers(&self.sides[number][1], groups[1])) {
            return Owed::Refused("no_placement");
        }
        match self.terms.and_then(Terms::groups) {
            Some(_) => Owed::Accepted { home: LINKS[number].home },
            None => Owed::Refused("no_agreement"),
        }
    }

    /// The field groups that the agreement grants now.
    pub fn granted(&self) -> &'static [u32] {
        self.terms.and_then(Terms::groups).unwrap_or_default()
    }

    pub fn said_of(&self, entry: &Entry) -> &Said {
        &self.said[&(entry.id.clone(), entry.revision)]
    }

    pub fn may_leave(&self, entry: &Entry) -> bool {
        self.owed(self.said_of(entry)) == Owed::Accepted { home: entry.recipient }
    }

    /// What a recipient must be given behind a position, at this moment.
    pub fn due(&self, recipient: usize, after: u64) -> Vec<&Entry> {
        let behind = |e: &&Entry| e.recipient == recipient && e.sequence > after && self.may_leave(e);
        self.log.iter().filter(behind).collect()
    }

    /// Whether something behind a position may not leave at this moment.
    pub fn is_kept_back(&self, recipient: usize, after: u64) -> bool {
        self.log.iter().any(|e| e.recipient == recipient && e.sequence > after && !self.may_leave(e))
    }

    pub fn newest(&self, id: &str) -> Option<&Entry> {
        self.log.iter().rfind(|entry| entry.id == id)
    }

    /// The learner of the newest record in the log: the one whose end is most likely to overtake a delivery.
    pub fn newest_link(&self) -> Option<usize> {
        let said = self.said_of(self.log.last()?);
        Self::link_of(said.source, &said.learner)
    }

    /// One side says that a placement covers September up to a day. Said again, it undoes that side's own end.
    pub fn place(&mut self, link: usize, side: usize, last_day: i32) {
        self.sides[link][side] = Some(Side { last_day, ended: None });
    }

    /// One side ends a placement. The earliest end holds.
    pub fn end(&mut self, link: usize, side: usize, from: i64) {
        if let Some(held) = &mut self.sides[link][side] {
            held.ended = Some(held.ended.map_or(from, |ended| ended.min(from)));
        }
    }
}

pub fn moment(micros: i64) -> Timestamp {
    Timestamp::from_micros("moment", micros).unwrap()
}
