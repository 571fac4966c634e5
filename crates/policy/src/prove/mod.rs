//! Proofs about a policy set: that what must never happen can't, for every request there could ever be.
//!
//! Cedar's symbolic compiler turns rules and property into formulas, and the solver cvc5, a program of its own, looks
//! for a request that contradicts. What it finds is put to the ordinary authorizer again before it is told. Anything
//! that doesn't end in "there is none" is not a proof, and is never told as one.

mod ask;
mod example;
mod fewer;
mod invariant;
mod solver;

pub use example::Counterexample;
pub use invariant::Invariant;

use crate::{compare::ChangeKind, policy::Policy};
use ask::Asking;
use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

/// How a question about all requests came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// There is no request that contradicts.
    Proved,
    /// There is one.
    Refuted(Counterexample),
    /// Neither, and why: the solver gave up, or its example isn't one.
    Unsettled(String),
}

/// One invariant, asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The invariant's id.
    pub id: String,
    /// What it says in plain words.
    pub says: String,
    /// How many questions it came down to.
    pub questions: usize,
    /// How long they took.
    pub took: Duration,
    /// How it came out.
    pub outcome: Outcome,
}

/// Nothing could be asked.
#[derive(Debug, thiserror::Error)]
pub enum ProveError {
    /// The solver can't be started.
    #[error(
        "nothing was proved: the solver `{program}` can't be started ({problem}); install cvc5 (on Debian: apt-get \
         install cvc5), or name it in the environment variable CVC5"
    )]
    NoSolver {
        /// What was tried.
        program: String,
        /// What the system says.
        problem: String,
    },
    /// The two sets have different schemas, so that one question doesn't fit both.
    #[error("nothing was proved: the schemas of the two sets differ; `policy compare` compares them")]
    Schemas,
}

/// The solver that is used if none is named: the environment's `CVC5`, or `cvc5` on the path.
pub fn usual_solver() -> PathBuf {
    std::env::var_os("CVC5").map_or_else(|| PathBuf::from("cvc5"), PathBuf::from)
}

/// Asks about each invariant in turn. `told` hears of each as soon as it is settled.
///
/// # Errors
/// If the solver can't be started.
pub fn prove(
    policy: &Policy,
    invariants: &[Invariant],
    solver: PathBuf,
    told: &mut (dyn FnMut(&Proof) + Send),
) -> Result<Vec<Proof>, ProveError> {
    let asking = Asking::new(policy);
    solver::run(solver, async |solver| {
        let mut proofs = Vec::with_capacity(invariants.len());
        for invariant in invariants {
            let begun = Instant::now();
            let (questions, outcome) = asking.invariant(solver, invariant).await?;
            let (id, says) = (invariant.id.clone(), invariant.says.clone());
            let proof = Proof { id, says, questions, took: begun.elapsed(), outcome };
            told(&proof);
            proofs.push(proof);
        }
        Ok(proofs)
    })
}

/// Asks whether `new` allows anything that `old` doesn't, and the reverse: a proof, beside the count that
/// [`Policy::compare`] makes. `None` in place of the kind if either wasn't settled.
///
/// # Errors
/// If the solver can't be started, or the schemas differ.
pub fn prove_change(
    old: &Policy,
    new: &Policy,
    solver: PathBuf,
) -> Result<(Option<ChangeKind>, Vec<Proof>), ProveError> {
    if old.schema_text() != new.schema_text() {
        return Err(ProveError::Schemas);
    }
    solver::run(solver, async |solver| {
        let mut proofs = Vec::with_capacity(2);
        for (id, says, less, more) in [
            ("nobody-gains", "The change allows nothing that wasn't allowed.", new, old),
            ("nobody-loses", "The change takes nothing away.", old, new),
        ] {
            let begun = Instant::now();
            let (questions, outcome) = ask::within(solver, less, more).await?;
            let (id, says) = (id.to_owned(), says.to_owned());
            proofs.push(Proof { id, says, questions, took: begun.elapsed(), outcome });
        }
        let kind = match (&proofs[0].outcome, &proofs[1].outcome) {
            (Outcome::Unsettled(_), _) | (_, Outcome::Unsettled(_)) => None,
            (Outcome::Proved, Outcome::Proved) => Some(ChangeKind::Equal),
            (Outcome::Proved, Outcome::Refuted(_)) => Some(ChangeKind::Narrower),
            (Outcome::Refuted(_), Outcome::Proved) => Some(ChangeKind::Wider),
            (Outcome::Refuted(_), Outcome::Refuted(_)) => Some(ChangeKind::Both),
        };
        Ok((kind, proofs))
    })
}
