//! Policies as formulas over the facts of a situation.
//!
//! Only what Cedar defines for `&&`, `||`, `!` and `if` is known here: false ends a conjunction, true a disjunction,
//! and an error ends either. Everything below is a leaf, whose table Cedar itself fills in. Equal formulas are one, so
//! that what two policy sets have in common is seen to be equal at once.

use super::variables::{Environment, Variable};
use std::collections::HashMap;

/// What a formula comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Truth {
    No,
    Yes,
    /// It can't be worked out.
    Error,
}

/// A formula's place among all that were made.
pub(super) type Id = usize;

/// A formula. Made by [`Formulas`] only, which simplifies.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Formula {
    Is(Truth),
    /// A table over some facts; the last varies fastest.
    Leaf(Vec<Variable>, Vec<Truth>),
    And(Id, Id),
    Or(Id, Id),
    Not(Id),
    If(Id, Id, Id),
    /// Yes if any is; an error in any is an error.
    Any(Vec<Id>),
    /// Yes if the first is and the second isn't; an error in either is an error.
    Unless(Id, Id),
}

/// Every formula that was made in one environment.
pub(super) struct Formulas<'e> {
    environment: &'e Environment,
    all: Vec<Formula>,
    /// Whether each can come to an error.
    fallible: Vec<bool>,
    known: HashMap<Formula, Id>,
    assumed: HashMap<(Id, Variable, usize), Id>,
}

impl<'e> Formulas<'e> {
    pub fn new(environment: &'e Environment) -> Self {
        let (all, fallible, known, assumed) = Default::default();
        Self { environment, all, fallible, known, assumed }
    }

    pub fn is(&mut self, truth: Truth) -> Id {
        self.make(Formula::Is(truth))
    }

    pub fn leaf(&mut self, variables: Vec<Variable>, table: Vec<Truth>) -> Id {
        match table.first() {
            Some(first) if table.iter().all(|truth| truth == first) => self.is(*first),
            _ => self.make(Formula::Leaf(variables, table)),
        }
    }

    pub fn and(&mut self, one: Id, other: Id) -> Id {
        match (self.truth(one), self.truth(other)) {
            (Some(Truth::Yes), _) => other,
            (Some(Truth::No | Truth::Error), _) => one,
            (_, Some(Truth::Yes)) => one,
            (_, Some(Truth::No)) if !self.fallible[one] => other,
            _ => self.make(Formula::And(one, other)),
        }
    }

    pub fn or(&mut self, one: Id, other: Id) -> Id {
        match (self.truth(one), self.truth(other)) {
            (Some(Truth::No), _) => other,
            (Some(Truth::Yes | Truth::Error), _) => one,
            (_, Some(Truth::No)) => one,
            (_, Some(Truth::Yes)) if !self.fallible[one] => other,
            _ => self.make(Formula::Or(one, other)),
        }
    }

    pub fn not(&mut self, one: Id) -> Id {
        match self.truth(one) {
            Some(Truth::Yes) => self.is(Truth::No),
            Some(Truth::No) => self.is(Truth::Yes),
            Some(Truth::Error) => one,
            None => self.make(Formula::Not(one)),
        }
    }

    pub fn if_else(&mut self, condition: Id, yes: Id, no: Id) -> Id {
        match self.truth(condition) {
            Some(Truth::Yes) => yes,
            Some(Truth::No) => no,
            Some(Truth::Error) => condition,
            None if yes == no && !self.fallible[condition] => yes,
            None => self.make(Formula::If(condition, yes, no)),
        }
    }

    pub fn any(&mut self, mut ids: Vec<Id>) -> Id {
        ids.sort_unstable();
        ids.dedup();
        if let Some(error) = ids.iter().find(|id| self.truth(**id) == Some(Truth::Error)) {
            return *error;
        }
        ids.retain(|id| self.truth(*id) != Some(Truth::No));
        let settled = !ids.iter().any(|id| self.fallible[*id]);
        match ids.iter().find(|id| self.truth(**id) == Some(Truth::Yes)) {
            Some(yes) if settled => *yes,
            _ if ids.is_empty() => self.is(Truth::No),
            _ if ids.len() == 1 => ids[0],
            _ => self.make(Formula::Any(ids)),
        }
    }

    pub fn unless(&mut self, one: Id, other: Id) -> Id {
        match (self.truth(one), self.truth(other)) {
            (Some(Truth::Error), _) => one,
            (_, Some(Truth::Error)) => other,
            (_, Some(Truth::No)) => one,
            (Some(Truth::No), _) if !self.fallible[other] => one,
            (_, Some(Truth::Yes)) if !self.fallible[one] => self.is(Truth::No),
            _ => self.make(Formula::Unless(one, other)),
        }
    }

    /// What a formula comes to, if that is settled.
    pub fn truth(&self, id: Id) -> Option<Truth> {
        match self.all[id] {
            Formula::Is(truth) => Some(truth),
            _ => None,
        }
    }

    /// The formula as it is when a fact has this value.
    pub fn assume(&mut self, id: Id, variable: Variable, value: usize) -> Id {
        if self.truth(id).is_some() {
            return id;
        }
        if let Some(known) = self.assumed.get(&(id, variable, value)) {
            return *known;
        }
        let made = match self.all[id].clone() {
            Formula::Is(_) => id,
            Formula::Leaf(variables, table) => self.narrow(id, &variables, &table, variable, value),
            Formula::And(one, other) => {
                let (one, other) = (self.assume(one, variable, value), self.assume(other, variable, value));
                self.and(one, other)
            }
            Formula::Or(one, other) => {
                let (one, other) = (self.assume(one, variable, value), self.assume(other, variable, value));
                self.or(one, other)
            }
            Formula::Not(one) => {
                let one = self.assume(one, variable, value);
                self.not(one)
            }
            Formula::If(condition, yes, no) => {
                let [condition, yes, no] = [condition, yes, no].map(|id| self.assume(id, variable, value));
                self.if_else(condition, yes, no)
            }
            Formula::Any(ids) => {
                let ids = ids.into_iter().map(|id| self.assume(id, variable, value)).collect();
                self.any(ids)
            }
            Formula::Unless(one, other) => {
                let (one, other) = (self.assume(one, variable, value), self.assume(other, variable, value));
                self.unless(one, other)
            }
        };
        self.assumed.insert((id, variable, value), made);
        made
    }

    /// The rows of a leaf's table in which the fact has the value.
    fn narrow(
        &mut self,
        id: Id,
        variables: &[Variable],
        table: &[Truth],
        fact: Variable,
        value: usize,
    ) -> Id {
        let Some(place) = variables.iter().position(|variable| *variable == fact) else { return id };
        let inner: usize = variables[place + 1..].iter().map(|v| self.environment.values(*v)).product();
        let step = inner * self.environment.values(fact);
        let rows = table.chunks(step).flat_map(|chunk| &chunk[value * inner..(value + 1) * inner]);
        let rows = rows.copied().collect();
        let rest = variables.iter().copied().filter(|variable| *variable != fact).collect();
        self.leaf(rest, rows)
    }

    fn make(&mut self, formula: Formula) -> Id {
        if let Some(id) = self.known.get(&formula) {
            return *id;
        }
        let fallible = |id: &Id| self.fallible[*id];
        let can_fail = match &formula {
            Formula::Is(truth) => *truth == Truth::Error,
            Formula::Leaf(_, table) => table.contains(&Truth::Error),
            Formula::And(one, other) | Formula::Or(one, other) | Formula::Unless(one, other) => {
                fallible(one) || fallible(other)
            }
            Formula::Not(one) => fallible(one),
            Formula::If(condition, yes, no) => fallible(condition) || fallible(yes) || fallible(no),
            Formula::Any(ids) => ids.iter().any(fallible),
        };
        self.all.push(formula.clone());
        self.fallible.push(can_fail);
        self.known.insert(formula, self.all.len() - 1);
        self.all.len() - 1
    }
}
