//! The solver: a program of its own, started for a run and ended with it.

use super::ProveError;
use cedar_policy_symcc::{CedarSymCompiler, Env, err::Error, solver::LocalSolver};
use std::{path::PathBuf, process::Stdio, time::Duration};
use tokio::process::Command;

/// Longest that one question may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// What came of one question.
pub(super) enum Said {
    /// No request contradicts.
    None,
    /// This one does.
    Example(Box<Env>),
    /// No answer.
    Nothing(String),
}

/// The running solver.
pub(super) struct Solver {
    program: PathBuf,
    compiler: CedarSymCompiler<LocalSolver>,
}

impl Solver {
    fn start(program: PathBuf) -> Result<Self, ProveError> {
        let problem =
            |problem: String| ProveError::NoSolver { program: program.display().to_string(), problem };
        let mut command = Command::new(&program);
        let limit = format!("--tlimit-per={}", PATIENCE.as_millis());
        command.args(["--lang", "smt", &limit]).stderr(Stdio::null()).kill_on_drop(true);
        let local = LocalSolver::from_command(&mut command).map_err(|error| match error {
            cedar_policy_symcc::solver::SolverError::Io(error) => problem(error.to_string()),
            other => problem(other.to_string()),
        })?;
        let compiler = CedarSymCompiler::new(local).map_err(|error| problem(error.to_string()))?;
        Ok(Self { program, compiler })
    }

    /// Puts one question. After one that wasn't answered the solver is started anew.
    pub async fn ask(
        &mut self,
        question: impl AsyncFnOnce(&mut CedarSymCompiler<LocalSolver>) -> Result<Option<Env>, Error>,
    ) -> Result<Said, ProveError> {
        let said = match tokio::time::timeout(PATIENCE * 2, question(&mut self.compiler)).await {
            Ok(Ok(None)) => return Ok(Said::None),
            Ok(Ok(Some(example))) => return Ok(Said::Example(Box::new(example))),
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer within {} seconds", PATIENCE.as_secs()),
        };
        *self = Self::start(self.program.clone())?;
        Ok(Said::Nothing(said))
    }
}

/// Runs something with a solver, on a thread with a runtime of its own: the caller may be inside one already.
pub(super) fn run<T: Send>(
    program: PathBuf,
    work: impl AsyncFnOnce(&mut Solver) -> Result<T, ProveError> + Send,
) -> Result<T, ProveError> {
    let here = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| ProveError::NoSolver {
            program: program.display().to_string(),
            problem: error.to_string(),
        })?;
        runtime.block_on(async {
            let mut solver = Solver::start(program)?;
            work(&mut solver).await
        })
    };
    std::thread::scope(|scope| match scope.spawn(here).join() {
        Ok(done) => done,
        Err(panic) => std::panic::resume_unwind(panic),
    })
}
