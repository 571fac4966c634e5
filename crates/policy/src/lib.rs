//! Who may publish, receive, see and do what: Cedar policies behind [`Policy::decide`] for institutions and
//! [`Policy::decide_person`] for people.
//!
//! Deny by default; a forbid beats every permit; a rule that errs denies, whatever else permits. Each field group of a
//! record is asked about on its own, so that the ceiling of what may leave is read in `policies/*.cedar` and nowhere
//! else. This is the only crate that sees Cedar, and `engine` holds the only call of its authorizer.
//!
//! No store, no clock, no directory: whether a placement covers a record, or an agreement is in force, is found out
//! by the caller and handed over in a [`Question`] or a [`PersonQuestion`].

mod cast;
mod check;
mod compare;
mod engine;
mod examples;
mod facts;
mod finding;
mod load;
mod matrix;
mod memo;
mod need;
mod person;
mod policy;
#[cfg(feature = "prove")]
mod prove;
mod question;
mod scene;
mod situation;
#[cfg(test)]
mod tests;
mod texts;
mod verdict;
mod why;

pub use check::{check, check_dir, check_matrix, test_dir};
pub use compare::{Change, ChangeKind, Difference};
pub use examples::Example;
pub use finding::Finding;
pub use load::PolicyError;
pub use matrix::matrix;
pub use person::{CARD_GROUPS, CardFacts, Matter, Office, OfficeAct, PersonQuestion, RecordFacts};
pub use policy::{Glance, Policy, raw_rate};
#[cfg(feature = "prove")]
pub use prove::{Counterexample, Invariant, Outcome, Proof, ProveError, prove, prove_change, usual_solver};
pub use question::{Action, AgreementInForce, Question};
pub use texts::Texts;
pub use verdict::{CardPermit, Denied, DenyCode, Permit, Permitted, PersonPermit};
pub use why::Explanation;
