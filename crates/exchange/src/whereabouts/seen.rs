//! What a board shows. Names and remarks are personal: `Debug` hides them.

use crate::directory::{
    alerts::AlertId,
    sending::{Channel, SendFault},
};
use crate::stretch::Stretch;
use commonroll_core::{Interval, Role, SchoolDate, Slug, Timestamp};
use std::{collections::BTreeMap, fmt};

/// Whom a board is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BoardAsk {
    /// The person's institution's own learners, where partners teach them.
    Away,
    /// Learners of partners who visit the person's institution.
    Visitors,
}

impl BoardAsk {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Away, Self::Visitors];

    /// In a word: `away` or `visitors`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Away => "away",
            Self::Visitors => "visitors",
        }
    }
}

/// How a learner stands, as a board colours it. The words beside it say more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Looks {
    /// Expected, and not there.
    NotSeen,
    /// Nobody can say.
    Unknown,
    /// The register is not taken.
    NotMarked,
    /// There, though not for all of it.
    Late,
    /// There, or found, or seen since.
    Seen,
    /// Not due yet, or on the way.
    Expected,
    /// Nobody has to be there.
    Excused,
}

impl Looks {
    /// Every one, the worst first.
    pub const ALL: [Self; 7] = [
        Self::NotSeen,
        Self::Unknown,
        Self::NotMarked,
        Self::Late,
        Self::Seen,
        Self::Expected,
        Self::Excused,
    ];

    /// In a word, as styles name it: `notseen`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotSeen => "notseen",
            Self::Unknown => "unknown",
            Self::NotMarked => "notmarked",
            Self::Late => "late",
            Self::Seen => "seen",
            Self::Expected => "expected",
            Self::Excused => "excused",
        }
    }
}

/// Which part of each of a board's lists is asked for. Whatever is counted is counted over everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BoardPart {
    /// Of what needs somebody now.
    pub alarms: Stretch,
    /// Of what doesn't fit between timetables.
    pub misfits: Stretch,
    /// Of those who were found.
    pub found: Stretch,
    /// Of session codes on which the two sides disagree.
    pub conflicts: Stretch,
    /// Of everybody.
    pub lines: Stretch,
}

impl BoardPart {
    /// All of it.
    pub const ALL: Self = Self {
        alarms: (0, usize::MAX),
        misfits: (0, usize::MAX),
        found: (0, usize::MAX),
        conflicts: (0, usize::MAX),
        lines: (0, usize::MAX),
    };
}

/// How long a board's lists are, whichever part of them is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BoardTotals {
    /// What needs somebody now.
    pub alarms: usize,
    /// Learners among it.
    pub to_find: usize,
    /// What doesn't fit between timetables.
    pub misfits: usize,
    /// Who was found.
    pub found: usize,
    /// Session codes on which the two sides disagree.
    pub conflicts: usize,
}

/// A board at a moment.
#[derive(Debug, Clone, PartialEq)]
pub struct BoardSeen {
    /// Whom it is about.
    pub ask: BoardAsk,
    /// The person's institution, with its name.
    pub institution: (Slug, String),
    /// Today, there.
    pub date: SchoolDate,
    /// Its time zone.
    pub time_zone: String,
    /// The moment.
    pub at: Timestamp,
    /// False while the day's marks are still being read after a start: what is not on the board yet may be in the log.
    pub complete: bool,
    /// How many learners stand how, of all.
    pub counts: BTreeMap<Looks, u32>,
    /// How long the lists are, of which what follows is the part that was asked for.
    pub all: BoardTotals,
    /// What needs somebody now: first what nobody of the institution has in hand, then longest first.
    pub alarms: Vec<AlarmSeen>,
    /// What doesn't fit between timetables of the next school day: first what nobody of the institution has in hand.
    pub misfits: Vec<AlarmSeen>,
    /// Who was looked for today and found, the newest first.
    pub found: Vec<FoundSeen>,
    /// Everybody, worst first.
    pub lines: Vec<LineSeen>,
    /// Every host of theirs, whichever part is shown. For visitors one, the person's own institution.
    pub hosts: Vec<HostSeen>,
    /// Session codes; `None` where the institution keeps no statutory register, or for visitors.
    pub proposals: Option<Proposals>,
    /// Hash of the policy set that decided, in hexadecimal.
    pub policy: String,
}

impl BoardSeen {
    /// Learners who need somebody now.
    pub const fn to_find(&self) -> usize {
        self.all.to_find
    }

    /// How many learners are on it, whichever part is shown.
    pub fn learners(&self) -> u32 {
        self.counts.values().sum()
    }
}

/// A meeting of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LessonSeen {
    /// The host's code of the group.
    pub group: String,
    /// The course and its subject, as the host calls them; empty if it doesn't say.
    pub course: (String, String),
    /// When.
    pub time: Interval,
    /// Where; empty if the host doesn't say.
    pub room: String,
}

/// Something that needs somebody now.
#[derive(Clone, PartialEq)]
pub struct AlarmSeen {
    /// Names it: for taking it in hand.
    pub id: AlertId,
    /// The learner by the hub's number; `None` for what is about a class, a register or a source.
    pub learner: Option<u32>,
    /// As the person's institution calls the learner; else what it is about, in words. Personal.
    pub name: String,
    /// How the learner stands.
    pub looks: Looks,
    /// The same in words: what is known.
    pub known: String,
    /// Since when it is so.
    pub since: Timestamp,
    /// The day, where it is about timetables of one that is still to come.
    pub day: Option<SchoolDate>,
    /// What was expected.
    pub lesson: Option<LessonSeen>,
    /// The host: slug and name.
    pub host: (Slug, String),
    /// The home: slug and name, where it is about a learner.
    pub home: Option<(Slug, String)>,
    /// Who was told when, in that order; of a silent source a home reads only the host and itself.
    pub told: Vec<ToldSeen>,
    /// How often it was told again, since somebody who was told did not have it in hand.
    pub repeated: u32,
    /// Who has it in hand: of the person's institution first, then of others that they may read of.
    pub in_hand: Vec<SaidSeen>,
    /// What became of sending it to the person's institution, for each way that was tried.
    pub sent: Vec<SentSeen>,
    /// Whom to ring: for a home the host, for a host the home.
    pub ring: Option<Ring>,
    /// True if it can end by saying where the learner is.
    pub findable: bool,
    /// Who said that the learner was found and was mistaken, and who took it back.
    pub undone: Vec<(SaidSeen, SaidSeen)>,
}

impl AlarmSeen {
    /// True if somebody of the person's institution has it in hand.
    pub fn is_ours(&self) -> bool {
        self.in_hand.iter().any(|said| said.colleague)
    }
}

impl fmt::Debug for AlarmSeen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AlarmSeen({:?}, {:?}, ..)", self.id, self.looks)
    }
}

/// What became of sending an alert to the person's institution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SentSeen {
    /// How.
    pub channel: Channel,
    /// How it stands.
    pub state: SentState,
}

/// How a message stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SentState {
    /// It was taken.
    Sent(Timestamp),
    /// It is tried; so often so far.
    Trying(u32),
    /// It was given up.
    Unsent(Timestamp, SendFault),
}

/// A learner who was looked for and found.
#[derive(Clone, PartialEq)]
pub struct FoundSeen {
    /// Names the alert.
    pub id: AlertId,
    /// The learner, by the hub's number.
    pub learner: u32,
    /// As the person's institution calls the learner. Personal.
    pub name: String,
    /// Who says so and when; to the home also where, whoever found them.
    pub by: SaidSeen,
    /// True if the one who looks may still take it back.
    pub undoable: bool,
}

impl fmt::Debug for FoundSeen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FoundSeen({:?}, ..)", self.id)
    }
}

/// Whom to ring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ring {
    /// The institution.
    pub name: String,
    /// Its number; empty if it gave none.
    pub phone: String,
    /// Who answers there; empty if it doesn't say.
    pub desk: String,
}

/// An institution that was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldSeen {
    /// Its name.
    pub name: String,
    /// True if it is the person's own.
    pub own: bool,
    /// When first.
    pub at: Timestamp,
}

/// What a person said of an alert. Their name and words are shown within their own institution, outside it their role and
/// institution; where a learner was found, their home reads too.
#[derive(Clone, PartialEq, Eq)]
pub struct SaidSeen {
    /// Who: a name, `None` for somebody of another institution.
    pub name: Option<String>,
    /// In which role.
    pub role: Role,
    /// Of which institution, by name.
    pub institution: String,
    /// True if it is the one who looks.
    pub own: bool,
    /// True if it is somebody of the same institution as the one who looks.
    pub colleague: bool,
    /// When.
    pub at: Timestamp,
    /// In their words. Personal.
    pub words: String,
}

impl fmt::Debug for SaidSeen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SaidSeen({}, ..)", self.institution)
    }
}

/// A host and the learners there.
#[derive(Debug, Clone, PartialEq)]
pub struct HostSeen {
    /// Which.
    pub slug: Slug,
    /// Its name.
    pub name: String,
    /// Whom to ring there.
    pub ring: Ring,
    /// When its source was last known to be current; `None` if not today or yesterday.
    pub heard: Option<Timestamp>,
    /// True if its source is silent: its learners are unknown, not absent.
    pub silent: bool,
    /// Registers of lessons with learners of this board that are overdue.
    pub registers_late: u32,
}

/// A learner on the board: in the lesson that counts now.
#[derive(Clone, PartialEq)]
pub struct LineSeen {
    /// By the hub's number.
    pub learner: u32,
    /// As the person's institution calls them. Personal.
    pub name: String,
    /// The home, for visitors.
    pub home: Option<(Slug, String)>,
    /// The host.
    pub host: Slug,
    /// How they stand.
    pub looks: Looks,
    /// In words.
    pub words: String,
    /// The lesson.
    pub lesson: LessonSeen,
    /// What is proposed for the session that runs.
    pub proposal: Option<ProposalSeen>,
}

impl fmt::Debug for LineSeen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LineSeen({}, {:?}, ..)", self.learner, self.looks)
    }
}

/// A session of a home.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Session {
    /// The morning's.
    Morning,
    /// The afternoon's.
    Afternoon,
}

/// What a session mark is proposed to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProposalSeen {
    /// The code; `None` where a person decides, or nothing is known yet.
    pub code: Option<&'static str>,
    /// Minutes late to carry.
    pub minutes_late: Option<u32>,
    /// Number of the rule, as `Proposals::rules` lists them.
    pub rule: u8,
    /// What the rule found, in words.
    pub because: &'static str,
    /// True if it can be accepted with all other clear ones: an attended code with a host's mark behind it.
    pub clear: bool,
}

/// Session codes proposed for a home's learners who were taught elsewhere. Nothing is in any register until a person at
/// the home writes it there.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposals {
    /// Which session of the day.
    pub session: Session,
    /// How many are clear, by rule.
    pub clear: BTreeMap<u8, u32>,
    /// Where the home said one thing and the host another: the part that was asked for.
    pub conflicts: Vec<ConflictSeen>,
    /// Number and words of each rule.
    pub rules: &'static [(u8, &'static str)],
}

/// The two sides disagree.
#[derive(Clone, PartialEq)]
pub struct ConflictSeen {
    /// The learner, by the hub's number.
    pub learner: u32,
    /// As the home calls them. Personal.
    pub name: String,
    /// What the home said.
    pub home: &'static str,
    /// What the host said.
    pub host: &'static str,
    /// Which host.
    pub at: (Slug, String),
    /// What would be proposed by the host's mark alone.
    pub proposal: ProposalSeen,
}

impl fmt::Debug for ConflictSeen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ConflictSeen({}, ..)", self.learner)
    }
}
