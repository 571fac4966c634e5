//! What a change of the policies changes: every situation there is, of institutions and of persons, decided by both
//! sets, exactly. No trying out and no sampling.
//!
//! There are over a million situations, so they aren't asked about one by one. Both sets become formulas over the
//! facts ([`formula`]), and the facts are walked through together; where the two have become the same, or are settled,
//! all the situations below are counted at once.

mod formula;
mod read;
#[cfg(test)]
mod tests;
mod variables;

use crate::{engine::Engine, scene::environments};
use formula::{Formulas, Id, Truth};
use read::{Reader, Tables};
use std::{collections::HashMap, fmt, rc::Rc};
use variables::{Environment, Variable};

/// How a proposed set of policies stands to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// In every situation the same is permitted.
    Equal,
    /// Nowhere more, and somewhere less.
    Narrower,
    /// Nowhere less, and somewhere more.
    Wider,
    /// Somewhere more and somewhere less.
    Both,
}

impl ChangeKind {
    /// The kind's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "equal",
            Self::Narrower => "narrower",
            Self::Wider => "wider",
            Self::Both => "both",
        }
    }

    /// True if anything is permitted that wasn't. (A second person is needed for every change but an equal one.)
    pub const fn widens(self) -> bool {
        matches!(self, Self::Wider | Self::Both)
    }
}

impl fmt::Display for ChangeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a change of the policies changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// How many situations there are.
    pub situations: u64,
    /// In how many of them something is permitted that wasn't.
    pub wider: u64,
    /// In how many of them something isn't permitted that was.
    pub narrower: u64,
    /// For each act about each kind of thing that becomes wider: the first situation.
    pub gains: Vec<Difference>,
    /// For each act about each kind of thing that becomes narrower: the first situation.
    pub losses: Vec<Difference>,
}

/// A situation that comes out otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What is asked, in plain words: "a person reads attendance".
    pub asked: String,
    /// What the situation is, in plain words. Facts that make no difference are left out.
    pub situation: Vec<String>,
    /// Field groups that are gained or lost; none for an office act.
    pub groups: Vec<&'static str>,
    /// In how many situations of this act and thing something is gained, or lost.
    pub situations: u64,
}

impl Change {
    /// Which way the change goes.
    pub const fn kind(&self) -> ChangeKind {
        match (self.wider, self.narrower) {
            (0, 0) => ChangeKind::Equal,
            (0, _) => ChangeKind::Narrower,
            (_, 0) => ChangeKind::Wider,
            _ => ChangeKind::Both,
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.asked, self.situation.join("; "))?;
        if !self.groups.is_empty() {
            write!(f, " -> {}", self.groups.join(", "))?;
        }
        write!(f, " ({} situations)", self.situations)
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { situations, wider, narrower, .. } = self;
        writeln!(
            f,
            "{}: of {situations} situations {wider} permit more and {narrower} permit less",
            self.kind()
        )?;
        self.gains.iter().try_for_each(|gain| writeln!(f, "  more  {gain}"))?;
        self.losses.iter().try_for_each(|loss| writeln!(f, "  less  {loss}"))
    }
}

/// Compares two sets: `new` against `old`. `same_schema` if their schemas are the same text.
pub(crate) fn compare(old: &Engine, new: &Engine, same_schema: bool) -> Change {
    let mut change = Change { situations: 0, wider: 0, narrower: 0, gains: Vec::new(), losses: Vec::new() };
    // A leaf is one and the same in both sets, if their schemas are.
    let (mut tables, mut others) = (Tables::default(), Tables::default());
    for (act, thing) in environments() {
        let environment = Environment::new(act, thing);
        change.situations += environment.situations(0);
        if same_schema && rules(old, &environment) == rules(new, &environment) {
            continue;
        }
        tables.moved();
        others.moved();
        let mut formulas = Formulas::new(&environment);
        let mut outcomes = |engine, tables: &mut Tables| {
            Reader { engine, environment: &environment, formulas: &mut formulas, tables }.outcomes()
        };
        let both =
            [outcomes(old, &mut tables), outcomes(new, if same_schema { &mut tables } else { &mut others })];
        let mut walk = Walk { environment: &environment, formulas, known: HashMap::new() };
        let both = both.map(|state| walk.plain(state));
        let found = walk.through(0, both);
        change.wider += found.wider.0;
        change.narrower += found.narrower.0;
        let difference =
            |(situations, first): (u64, Option<First>)| first.map(|f| f.told(&environment, situations));
        change.gains.extend(difference(found.wider));
        change.losses.extend(difference(found.narrower));
    }
    change
}

/// The rules that can apply, without their names and remarks.
fn rules(engine: &Engine, environment: &Environment) -> Vec<String> {
    let rules = engine.fitting(environment.act, environment.thing).map(|policy| {
        let mut text = policy.to_json().expect("a policy that was parsed has a JSON form");
        text["annotations"].take();
        text.to_string()
    });
    let mut rules: Vec<String> = rules.collect();
    rules.sort();
    rules
}

/// In how many situations, and the first of them.
type Side = (u64, Option<First>);

#[derive(Debug, Clone, Default)]
struct Found {
    wider: Side,
    narrower: Side,
}

/// The first situation that differs: the facts that make a difference, and the groups, by their places.
#[derive(Debug, Clone)]
struct First {
    facts: Option<Rc<Fact>>,
    groups: Rc<[usize]>,
}

/// A fact, and those after it.
#[derive(Debug)]
struct Fact {
    variable: Variable,
    value: usize,
    more: Option<Rc<Self>>,
}

impl First {
    fn told(&self, environment: &Environment, situations: u64) -> Difference {
        let mut situation = Vec::new();
        let mut next = self.facts.as_deref();
        while let Some(fact) = next {
            situation.push(environment.words(fact.variable, fact.value));
            next = fact.more.as_deref();
        }
        let groups =
            self.groups.iter().map(|place| environment.group_name(*place)).filter(|name| !name.is_empty());
        Difference { asked: environment.title(), situation, groups: groups.collect(), situations }
    }
}

/// For each field group, what one set makes of it; empty if nothing is permitted at all.
type State = Vec<Id>;

struct Walk<'e> {
    environment: &'e Environment,
    formulas: Formulas<'e>,
    known: HashMap<(usize, [State; 2]), Found>,
}

impl Walk<'_> {
    /// A state in its plainest form: nothing is permitted without the head, and a failure denies everything.
    fn plain(&self, state: State) -> State {
        let truth = |id: &Id| self.formulas.truth(*id);
        let headless = matches!(state.first().map(truth), Some(Some(Truth::No | Truth::Error)));
        let broken = state.iter().any(|id| truth(id) == Some(Truth::Error));
        if headless || broken { Vec::new() } else { state }
    }

    /// Everything that differs from this place in the order of facts on.
    fn through(&mut self, place: usize, both: [State; 2]) -> Found {
        if both[0] == both[1] {
            return Found::default();
        }
        if let Some(found) = self.known.get(&(place, both.clone())) {
            return found.clone();
        }
        let found = match self.settled(&both) {
            Some([old, new]) => self.differ(place, &old, &new),
            None => self.split(place, &both),
        };
        self.known.insert((place, both), found.clone());
        found
    }

    /// The groups that each side permits, if both are settled.
    fn settled(&self, both: &[State; 2]) -> Option<[Vec<usize>; 2]> {
        let permitted = |state: &State| {
            let truths = state.iter().map(|id| self.formulas.truth(*id)).collect::<Option<Vec<_>>>()?;
            let places = truths.into_iter().enumerate().filter(|(_, truth)| *truth == Truth::Yes);
            Some(places.map(|(place, _)| place).collect::<Vec<_>>())
        };
        Some([permitted(&both[0])?, permitted(&both[1])?])
    }

    /// Two settled sides: all situations from here on are alike.
    fn differ(&self, place: usize, old: &[usize], new: &[usize]) -> Found {
        let all = self.environment.situations(place);
        let side = |more: &[usize], less: &[usize]| -> Side {
            let groups: Rc<[usize]> = more.iter().copied().filter(|group| !less.contains(group)).collect();
            if groups.is_empty() { (0, None) } else { (all, Some(First { facts: None, groups })) }
        };
        Found { wider: side(new, old), narrower: side(old, new) }
    }

    /// Each value of the next fact in turn.
    fn split(&mut self, place: usize, both: &[State; 2]) -> Found {
        let variable = *self
            .environment
            .variables
            .get(place)
            .expect("a formula is settled when every fact that it depends on has a value");
        let below: Vec<[State; 2]> = (0..self.environment.values(variable))
            .map(|value| {
                both.clone().map(|state| {
                    let state =
                        state.into_iter().map(|id| self.formulas.assume(id, variable, value)).collect();
                    self.plain(state)
                })
            })
            .collect();
        let matters = below.iter().any(|state| *state != below[0]);
        let mut whole = Found::default();
        for (value, states) in below.into_iter().enumerate() {
            let part = self.through(place + 1, states);
            for (whole, part) in [(&mut whole.wider, part.wider), (&mut whole.narrower, part.narrower)] {
                whole.0 += part.0;
                if whole.1.is_none() {
                    whole.1 = part.1.map(|first| match matters {
                        false => first,
                        true => {
                            let facts = Some(Rc::new(Fact { variable, value, more: first.facts }));
                            First { facts, ..first }
                        }
                    });
                }
            }
        }
        whole
    }
}
