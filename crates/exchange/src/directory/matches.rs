//! What people said of matches: whom a host asked a home about, what the home answered, which link was undone.
//!
//! One case for each guest and home. A **bar** keeps a guest from being linked to a learner by numbers: a home's no until
//! numbers or dates of birth change, an undone link until a home says yes. An undone link bars every other id of the same
//! host, too: whoever sends the child once more under a new id asks the home, as for the old one. Kept whole in each
//! change, so that applying changes in order needs no rule.

use super::{
    Directory,
    change::{Bytes16, PersonUuid},
    tokens::{Token, Tokens},
};
use commonroll_core::{Invalid, LocalId, Role, Timestamp, directory::Registration};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
    str::FromStr,
    sync::Arc,
};

/// Steps of one case that are kept: the newest.
const STEPS_MAX: usize = 12;

/// Names what may be said of one guest and one home: a keyed hash, so that neither learns the other's ids by guessing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MatchId(pub [u8; 16]);

impl fmt::Display for MatchId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&super::change::hex(&self.0))
    }
}

impl fmt::Debug for MatchId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MatchId({self})")
    }
}

impl FromStr for MatchId {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let rule = "must be the id of a match, 32 hexadecimal digits";
        super::change::unhex(text).map(Self).ok_or(Invalid::new("match", rule))
    }
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MatchDeed {
    /// The host asked the home whether the guest is a learner of theirs.
    Asked,
    /// The host took its question back.
    TakenBack,
    /// The home said who it is: linked.
    Yes,
    /// The home said that it is none of those who fit.
    No,
    /// The home took its no back: the question is open again.
    Reopened,
    /// Either took a link apart.
    Undone,
    /// A number or a date of birth was declared anew, so that what was answered holds no more. Nobody's deed.
    Changed,
    /// One of two who register a learner as their own said where the main registration is.
    MainSaid,
    /// The other said the same: it is so.
    MainAgreed,
    /// Whoever had said so took it back.
    MainTakenBack,
    /// The home had a learner forgotten whom the case named: what was said of them went. Nobody's deed.
    Forgotten,
}

impl MatchDeed {
    /// Its entry in the log.
    pub const fn entry(self) -> &'static str {
        match self {
            Self::Asked => "match.asked",
            Self::TakenBack => "match.taken_back",
            Self::Yes => "match.linked",
            Self::No => "match.declined",
            Self::Reopened => "match.reopened",
            Self::Undone => "match.undone",
            Self::Changed => "match.changed",
            Self::MainSaid => "match.main_said",
            Self::MainAgreed => "match.main_agreed",
            Self::MainTakenBack => "match.main_taken_back",
            Self::Forgotten => "match.forgotten",
        }
    }

    /// True if it is about which of two registrations is the main one, and not about a guest.
    const fn is_main(self) -> bool {
        matches!(self, Self::MainSaid | Self::MainAgreed | Self::MainTakenBack)
    }
}

/// What an institution says of a learner of its own whom another registers as its own, too.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MainSaid {
    /// True if the main registration is the speaker's.
    pub ours: bool,
    /// The learner whom both claim.
    pub learner: u32,
    /// True if the speaker counted as home because it had said so first.
    pub first: bool,
}

/// One step: who did what when.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct MatchStep {
    /// What.
    pub deed: MatchDeed,
    /// When.
    pub at: Timestamp,
    /// For which institution.
    pub institution: u16,
    /// Who.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<PersonUuid>,
    /// In which role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// Which learner of the home's, where the step is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local: Option<LocalId>,
}

/// What keeps a guest and a learner of the home apart.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Bar {
    /// The learner, by the home's id.
    pub local: LocalId,
    /// The same by the hub's number, as it was then.
    pub learner: u32,
    /// True if a link was undone: only a yes of the home ends it. False for a no, which ends when evidence changes.
    pub undone: bool,
    /// Numbers that the guest bore when the link was undone, as keyed hashes; none for a no, and none in older logs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub numbers: Vec<Token>,
}

impl Bar {
    /// True if the guest whose link was undone bore a number that these two share.
    fn is_of(&self, one: &Tokens, other: &Tokens) -> bool {
        let shared = |number: &Token| other.numbers().any(|held| held == *number);
        one.numbers().filter(shared).any(|number| self.numbers.contains(&number))
    }
}

/// What was said of one guest and one home.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct MatchCase {
    /// Which.
    pub id: Bytes16,
    /// Whose guest.
    pub host: u16,
    /// By the host's id.
    pub guest: LocalId,
    /// Who was asked, or whose learner the guest was taken for.
    pub home: u16,
    /// What keeps them apart.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bars: Vec<Bar>,
    /// What the host, whose learner this is by its own account, says of which of the two registrations is the main one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub main: Option<MainSaid>,
    /// What was done, oldest first; the newest steps.
    pub steps: Vec<MatchStep>,
}

impl MatchCase {
    /// A case of which nobody has said anything.
    pub fn new(id: MatchId, (host, guest, home): (u16, LocalId, u16)) -> Self {
        Self { id: Bytes16(id.0), host, guest, home, bars: Vec::new(), main: None, steps: Vec::new() }
    }

    /// Its name.
    pub const fn id(&self) -> MatchId {
        MatchId(self.id.0)
    }

    /// What its newest step is called in the log.
    pub const fn name(&self) -> &'static str {
        match self.steps.as_slice() {
            [.., last] => last.deed.entry(),
            [] => MatchDeed::Changed.entry(),
        }
    }

    /// The newest thing that people did about the guest.
    pub fn said(&self) -> Option<&MatchStep> {
        let by_people = |deed: MatchDeed| !matches!(deed, MatchDeed::Changed | MatchDeed::Forgotten);
        self.steps.iter().rfind(|step| by_people(step.deed) && !step.deed.is_main())
    }

    /// True if anything was said of which registration is the main one.
    pub fn has_main(&self) -> bool {
        self.main.is_some() || self.steps.iter().any(|step| step.deed.is_main())
    }

    /// True if the home has said of the guest that it is one of its own, or that it isn't any more. Not if the host took a link
    /// apart that its own declaration had made: whoever guessed the numbers would be told whose they are.
    pub fn was_linked(&self) -> bool {
        let linked = |step: &MatchStep| match step.deed {
            MatchDeed::Yes => true,
            MatchDeed::Undone => step.institution == self.home,
            _ => false,
        };
        self.steps.iter().any(linked)
    }

    /// True if the host knows of which home this is: it asked there, or the home said something itself. What the host alone took
    /// apart, or what was declared anew since, tells it nothing.
    pub fn is_known_to_host(&self) -> bool {
        let tells = |step: &MatchStep| match step.deed {
            MatchDeed::Changed | MatchDeed::Forgotten => false,
            MatchDeed::Undone => step.institution == self.home,
            deed => !deed.is_main(),
        };
        self.steps.iter().any(tells)
    }

    /// True if a step tells of the home's own learners, and is nobody's deed: the host, which may have guessed, is told nothing
    /// by it.
    pub fn is_of_home_alone(&self, step: &MatchStep) -> bool {
        matches!(step.deed, MatchDeed::Changed | MatchDeed::Forgotten) && step.institution == self.home
    }

    /// True if the home's no is the last thing that is so: the host declared nothing anew since. What the home corrects of its
    /// learners ends the no to them, and not what the host was answered: it would learn that there are such.
    pub fn is_declined(&self) -> bool {
        let counts = |step: &&MatchStep| !step.deed.is_main() && !self.is_of_home_alone(step);
        self.steps.iter().rfind(counts).is_some_and(|step| step.deed == MatchDeed::No)
    }

    /// True if the home's no stands and keeps nobody off the list: nobody fitted when it was said, or whoever did was corrected
    /// since.
    pub fn is_no_to_nobody(&self) -> bool {
        self.is_declined() && self.bars.iter().all(|bar| bar.undone)
    }

    /// True if anything was said of the guest, and not only of which registration is the main one.
    pub fn has_guest(&self) -> bool {
        !self.bars.is_empty() || self.steps.iter().any(|step| !step.deed.is_main())
    }

    /// True if the home is asked and hasn't answered.
    pub fn is_open(&self) -> bool {
        self.said().is_some_and(|step| matches!(step.deed, MatchDeed::Asked | MatchDeed::Reopened))
    }

    /// Adds a step, and lets the oldest go.
    pub fn step(&mut self, step: MatchStep) {
        self.steps.push(step);
        let over = self.steps.len().saturating_sub(STEPS_MAX);
        self.steps.drain(..over);
    }

    /// Puts a bar up, once.
    pub fn bar(&mut self, bar: Bar) {
        if !self.bars.contains(&bar) {
            self.bars.push(bar);
        }
    }

    /// Learners of the home's whom it names.
    fn named(&self) -> impl Iterator<Item = &LocalId> {
        let steps = self.steps.iter().filter_map(|step| step.local.as_ref());
        self.bars.iter().map(|bar| &bar.local).chain(steps)
    }

    /// True if it names this learner of the home's.
    pub fn names(&self, local: &LocalId) -> bool {
        self.named().any(|one| one == local)
    }

    /// True if it names this learner of the home's and no other.
    pub fn names_only(&self, local: &LocalId) -> bool {
        self.names(local) && self.named().all(|one| one == local)
    }

    /// True if the home said no to this learner of theirs.
    pub fn has_refused(&self, local: &LocalId) -> bool {
        self.bars.iter().any(|bar| !bar.undone && bar.local == *local)
    }

    /// True if a link to this learner of the home's was undone.
    pub fn has_undone(&self, local: &LocalId) -> bool {
        self.bars.iter().any(|bar| bar.undone && bar.local == *local)
    }
}

/// Every case.
#[derive(Clone, Default)]
pub struct Matches {
    held: BTreeMap<[u8; 16], Arc<MatchCase>>,
    of_guest: HashMap<(u16, LocalId), Vec<[u8; 16]>>,
    /// Those of each host in which a link is undone.
    undone_of: HashMap<u16, BTreeSet<[u8; 16]>>,
}

impl Matches {
    /// Takes a case as it is from now on.
    pub(super) fn put(&mut self, case: MatchCase) {
        let of = self.of_guest.entry((case.host, case.guest.clone())).or_default();
        if !of.contains(&case.id.0) {
            of.push(case.id.0);
        }
        let undone = self.undone_of.entry(case.host).or_default();
        match case.bars.iter().any(|bar| bar.undone) {
            true => undone.insert(case.id.0),
            false => undone.remove(&case.id.0),
        };
        self.held.insert(case.id.0, Arc::new(case));
    }

    /// Nothing is known of a case any more.
    pub(super) fn forget(&mut self, id: [u8; 16]) {
        let Some(case) = self.held.remove(&id) else { return };
        if let Some(undone) = self.undone_of.get_mut(&case.host) {
            undone.remove(&id);
        }
        let guest = (case.host, case.guest.clone());
        let of = self.of_guest.remove(&guest).unwrap_or_default();
        let of: Vec<_> = of.into_iter().filter(|held| *held != id).collect();
        if !of.is_empty() {
            self.of_guest.insert(guest, of);
        }
    }

    /// The case with this id.
    pub fn get(&self, id: MatchId) -> Option<&MatchCase> {
        self.held.get(&id.0).map(Arc::as_ref)
    }

    /// Every case, in the order of their ids.
    pub fn all(&self) -> impl Iterator<Item = &MatchCase> {
        self.held.values().map(Arc::as_ref)
    }

    /// What was said of a host's guest.
    pub fn of_guest(&self, host: u16, guest: &LocalId) -> impl Iterator<Item = &MatchCase> {
        let of = self.of_guest.get(&(host, guest.clone())).into_iter().flatten();
        of.filter_map(|id| self.held.get(id)).map(Arc::as_ref)
    }

    /// What was said of a host's guest and one home.
    pub fn between(&self, host: u16, guest: &LocalId, home: u16) -> Option<&MatchCase> {
        self.of_guest(host, guest).find(|case| case.home == home)
    }

    /// True if people keep a guest and this learner apart: by the learner's number, or by the id that the home has for them.
    pub fn parts(&self, (host, guest): (u16, &LocalId), learner: u32, home: Option<&(u16, LocalId)>) -> bool {
        self.of_guest(host, guest).any(|case| {
            let is_it = |bar: &Bar| {
                bar.learner == learner || home.is_some_and(|(at, id)| *at == case.home && *id == bar.local)
            };
            case.bars.iter().any(is_it)
        })
    }

    /// What was said of a host's guests whose links people took apart.
    fn undone_of(&self, host: u16) -> impl Iterator<Item = &MatchCase> {
        let of = self.undone_of.get(&host).into_iter().flatten();
        of.filter_map(|id| self.held.get(id)).map(Arc::as_ref)
    }
}

impl Directory {
    /// What an institution says of a learner of its own whom another claims, too: which one it names, and where the main
    /// registration is. Of the child for whom the id stands now, not of one before.
    pub fn main_word(&self, by: u16, id: &LocalId) -> Option<(u16, &MainSaid)> {
        let local =
            self.local(by, id).filter(|l| l.registration == Registration::Home && l.doubt.is_none())?;
        self.matches().of_guest(by, id).find_map(|case| {
            let word = case.main.as_ref().filter(|word| local.learner == Some(word.learner))?;
            Some((case.home, word))
        })
    }

    /// Whom an institution agrees with about where the main registration of a learner of its own is: the other, its id, and
    /// true if it is the first one's.
    pub fn agreed_main(&self, by: u16, id: &LocalId) -> Option<(u16, &LocalId, bool)> {
        let (named, word) = self.main_word(by, id)?;
        self.known_at(word.learner).filter(|(at, _)| *at == named).find_map(|(at, theirs)| {
            let (other, said) = self.main_word(*at, theirs)?;
            // Where a third is home, the two can agree on nothing.
            let main = if word.ours { (by, id) } else { (*at, theirs) };
            let is_so = self.home_of(word.learner).is_some_and(|(home, local)| (*home, local) == main);
            (other == by && said.ours != word.ours && is_so).then_some((*at, theirs, word.ours))
        })
    }

    /// What people said when they took a link apart that this guest, with such numbers, would make anew: of another of the
    /// host's guests and the same learner, or of any and a learner of the same home, by a number that was borne then. A guest
    /// who is that learner's already stays so: of two, people took the one apart and not the other.
    pub fn undone_before(
        &self,
        (host, guest): (u16, &LocalId),
        tokens: &Tokens,
        learner: u32,
    ) -> Option<&MatchCase> {
        let is_guest = |at| !matches!(at, Registration::Home | Registration::Previous);
        let held = self.local(host, guest).filter(|held| is_guest(held.registration));
        if held.is_some_and(|held| held.learner == Some(learner)) {
            return None;
        }
        let home = self.home_of(learner).and_then(|(at, id)| Some((*at, id, &self.local(*at, id)?.tokens)));
        let is_it = |case: &&MatchCase| {
            let at_home = home.filter(|(at, ..)| *at == case.home);
            let is_same =
                |bar: &Bar| bar.learner == learner || at_home.is_some_and(|(_, id, _)| *id == bar.local);
            let borne = |bar: &Bar| at_home.is_some_and(|(.., theirs)| bar.is_of(tokens, theirs));
            let mut undone = case.bars.iter().filter(|bar| bar.undone);
            undone.any(|bar| borne(bar) || (case.guest != *guest && is_same(bar)))
        };
        self.matches().undone_of(host).find(is_it)
    }
}
