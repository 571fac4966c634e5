//! The questions that an invariant comes down to: one for each act about each kind of thing, and for each rule where
//! rules may not fail.

use super::{
    Outcome, ProveError, example,
    fewer::Fewer,
    invariant::{Ask, Invariant},
    solver::{Said, Solver},
};
use crate::{
    engine::{Answer, Engine},
    policy::Policy,
};
use cedar_policy::{Policy as Rule, PolicySet, RequestEnv, Schema};
use cedar_policy_symcc::{CompiledPolicy, CompiledPolicySet, Env};

/// What came of a number of questions.
type Asked = Result<(usize, Outcome), ProveError>;

/// A policy set that is asked about.
pub(super) struct Asking<'p> {
    engine: &'p Engine,
    fewer: Result<Fewer, String>,
}

impl<'p> Asking<'p> {
    pub fn new(policy: &'p Policy) -> Self {
        let engine = policy.engine();
        Self { engine, fewer: Fewer::new(policy) }
    }

    pub async fn invariant(&self, solver: &mut Solver, invariant: &Invariant) -> Asked {
        match invariant.ask {
            Ask::Never => self.never(solver, invariant).await,
            Ask::Fewer => self.fewer(solver, invariant).await,
            Ask::Errors => self.errors(solver).await,
        }
    }

    /// Is there a request that the rules allow and that is what the invariant describes?
    async fn never(&self, solver: &mut Solver, invariant: &Invariant) -> Asked {
        let schema = self.engine.schema();
        let described = set([&invariant.rule]);
        let mut asked = 0;
        for env in environments(schema, self.engine, &[&invariant.rule]) {
            let rules = self.engine.fitting_env(&env);
            let said = solver
                .ask(async |compiler| {
                    let rules = CompiledPolicySet::compile(&rules, &env, schema)?;
                    let described = CompiledPolicySet::compile(&described, &env, schema)?;
                    compiler.check_disjoint_with_counterexample_opt(&rules, &described).await
                })
                .await?;
            asked += 1;
            let replays = |example: &Env| {
                allows(self.engine, &rules, example) && allows(self.engine, &described, example)
            };
            if let Some(outcome) = settled(said, self.engine, &rules, replays) {
                return Ok((asked, outcome));
            }
        }
        Ok((asked, outcome_of_all(asked)))
    }

    /// Is there a request that is allowed under an agreement that lists less, and not under the whole one?
    async fn fewer(&self, solver: &mut Solver, invariant: &Invariant) -> Asked {
        let fewer = match &self.fewer {
            Ok(fewer) => fewer,
            Err(problem) => return Ok((0, Outcome::Unsettled(problem.clone()))),
        };
        let mut asked = 0;
        for env in environments(&fewer.schema, self.engine, &[&invariant.rule]) {
            let rules = self.engine.fitting_env(&env);
            let less = match fewer.less(&rules) {
                Ok(less) => less,
                Err(problem) => return Ok((asked, Outcome::Unsettled(problem))),
            };
            let said = solver
                .ask(async |compiler| {
                    let less = CompiledPolicySet::compile(&less, &env, &fewer.schema)?;
                    let rules = CompiledPolicySet::compile(&rules, &env, &fewer.schema)?;
                    compiler.check_implies_with_counterexample_opt(&less, &rules).await
                })
                .await?;
            asked += 1;
            let replays =
                |example: &Env| allows(self.engine, &less, example) && !allows(self.engine, &rules, example);
            if let Some(outcome) = settled(said, self.engine, &less, replays) {
                return Ok((asked, outcome));
            }
        }
        Ok((asked, outcome_of_all(asked)))
    }

    /// Is there a request that a rule fails on?
    async fn errors(&self, solver: &mut Solver) -> Asked {
        let schema = self.engine.schema();
        let mut asked = 0;
        for env in environments(schema, self.engine, &[]) {
            for rule in self.engine.fitting_env(&env).policies() {
                let said = solver
                    .ask(async |compiler| {
                        let rule = CompiledPolicy::compile(rule, &env, schema)?;
                        compiler.check_never_errors_with_counterexample_opt(&rule).await
                    })
                    .await?;
                asked += 1;
                let only = set([rule]);
                if let Some(outcome) =
                    settled(said, self.engine, &only, |example| fails(self.engine, &only, example))
                {
                    return Ok((asked, outcome));
                }
            }
        }
        Ok((asked, outcome_of_all(asked)))
    }
}

/// Is there a request that `less` allows and `more` doesn't?
pub(super) async fn within(solver: &mut Solver, less: &Policy, more: &Policy) -> Asked {
    let engine = less.engine();
    let schema = engine.schema();
    let mut asked = 0;
    for env in environments(schema, engine, &[]) {
        let [less, more] = [less, more].map(|policy| policy.engine().fitting_env(&env));
        let said = solver
            .ask(async |compiler| {
                let less = CompiledPolicySet::compile(&less, &env, schema)?;
                let more = CompiledPolicySet::compile(&more, &env, schema)?;
                compiler.check_implies_with_counterexample_opt(&less, &more).await
            })
            .await?;
        asked += 1;
        let replays = |example: &Env| allows(engine, &less, example) && !allows(engine, &more, example);
        if let Some(outcome) = settled(said, engine, &less, replays) {
            return Ok((asked, outcome));
        }
    }
    Ok((asked, outcome_of_all(asked)))
}

/// The acts about kinds of things that one of these rules applies to, by its head; all if none is named.
fn environments(schema: &Schema, engine: &Engine, rules: &[&Rule]) -> Vec<RequestEnv> {
    let applies = |env: &RequestEnv| rules.is_empty() || rules.iter().any(|rule| engine.fits_env(rule, env));
    schema.request_envs().filter(applies).collect()
}

/// All questions were answered with no. That no question was asked proves nothing.
fn outcome_of_all(asked: usize) -> Outcome {
    if asked == 0 {
        Outcome::Unsettled("it applies to nothing that can be asked".to_owned())
    } else {
        Outcome::Proved
    }
}

/// The outcome, if one answer settles it. An example counts only if the ordinary authorizer comes to the same.
fn settled(
    said: Said,
    engine: &Engine,
    rules: &PolicySet,
    replays: impl Fn(&Env) -> bool,
) -> Option<Outcome> {
    match said {
        Said::None => None,
        Said::Nothing(problem) => Some(Outcome::Unsettled(format!("the solver doesn't say: {problem}"))),
        Said::Example(example) if replays(&example) => {
            let (Answer::Allow(by) | Answer::Deny(by) | Answer::Broken(by)) = replay(engine, rules, &example);
            Some(Outcome::Refuted(example::told(&example, by)))
        }
        Said::Example(_) => Some(Outcome::Unsettled("the solver's example isn't one".to_owned())),
    }
}

/// Puts an example to the ordinary authorizer.
fn replay(engine: &Engine, rules: &PolicySet, example: &Env) -> Answer {
    engine.decide(&example.request, rules, &example.entities)
}

fn allows(engine: &Engine, rules: &PolicySet, example: &Env) -> bool {
    matches!(replay(engine, rules, example), Answer::Allow(_))
}

fn fails(engine: &Engine, rules: &PolicySet, example: &Env) -> bool {
    matches!(replay(engine, rules, example), Answer::Broken(_))
}

fn set<'r>(rules: impl IntoIterator<Item = &'r Rule>) -> PolicySet {
    PolicySet::from_policies(rules.into_iter().cloned()).expect("the rules' ids differ")
}
