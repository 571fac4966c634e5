//! The invariants, asked of the solver that is installed here. Without one nothing is counted as proved.

use super::super::{Figure, Report};
use crate::commands::told;
use commonroll_policy::{Invariant, Outcome, Policy, ProveError, prove, usual_solver};
use std::time::Instant;

/// `policy prove`, of the rules inside this program.
pub async fn run(report: &mut Report) -> Result<(), String> {
    let proving = tokio::task::spawn_blocking(|| {
        let policy = Policy::embedded().map_err(|_| "the policies inside this program have a fault")?;
        let invariants =
            Invariant::embedded(&policy).map_err(|_| "an invariant inside this program has a fault")?;
        let begun = Instant::now();
        let proofs = prove(&policy, &invariants, usual_solver(), &mut |_| ());
        Ok::<_, String>((invariants.len(), begun.elapsed(), proofs))
    });
    let (count, took, proofs) = proving.await.map_err(told)??;
    match proofs {
        Ok(proofs) => {
            let held = proofs.iter().filter(|proof| proof.outcome == Outcome::Proved).count();
            let (name, all) = ("invariants proved".to_owned(), count as f64);
            report.say(Figure::at_least(name, held as f64, "invariants", all));
            report.say(Figure::at_most("prove, all of them".to_owned(), took.as_secs_f64(), "s", 60.0, 20.0));
        }
        Err(error @ ProveError::NoSolver { .. }) => {
            eprintln!("not measured: {error}");
            let name = "invariants not measured, no solver here".to_owned();
            report.say(Figure::plain(name, count as f64, "invariants"));
        }
        Err(error) => return Err(told(error)),
    }
    Ok(())
}
