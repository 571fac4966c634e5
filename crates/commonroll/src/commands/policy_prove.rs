//! `commonroll policy prove`: the invariants, by symbolic analysis. Says "proved" only of what was.

use super::policy::load;
use commonroll_policy::{Invariant, Outcome, Proof, ProveError, prove, prove_change, usual_solver};
use std::{path::Path, process::ExitCode};

/// Nothing was proved, or not everything could be settled.
const UNSETTLED: u8 = 2;

/// Proves, and shows each invariant as it is settled.
pub fn page(dir: Option<&Path>, from: Option<&Path>) -> Result<ExitCode, String> {
    let policy = load(dir)?;
    let invariants = match dir {
        Some(dir) => Invariant::from_dir(&policy, dir),
        None => Invariant::embedded(&policy),
    };
    let invariants = match invariants {
        Ok(invariants) => invariants,
        Err(findings) => {
            findings.iter().for_each(|finding| println!("{finding}"));
            return Ok(ExitCode::FAILURE);
        }
    };
    let mut proofs = match prove(&policy, &invariants, usual_solver(), &mut show) {
        Ok(proofs) => proofs,
        Err(error) => return Ok(nothing(&error)),
    };
    if let Some(from) = from {
        match prove_change(&load(Some(from))?, &policy, usual_solver()) {
            Ok((kind, change)) => {
                println!("the change is {}", kind.map_or("not settled", |kind| kind.as_str()));
                change.iter().for_each(show);
                // That a change widens is news, not a fault; only what couldn't be settled counts.
                proofs.extend(
                    change.into_iter().filter(|proof| matches!(proof.outcome, Outcome::Unsettled(_))),
                );
            }
            Err(error) => return Ok(nothing(&error)),
        }
    }
    let count = |wanted: fn(&Outcome) -> bool| proofs.iter().filter(|proof| wanted(&proof.outcome)).count();
    let refuted = count(|outcome| matches!(outcome, Outcome::Refuted(_)));
    let unsettled = count(|outcome| matches!(outcome, Outcome::Unsettled(_)));
    let took: f64 = proofs.iter().map(|proof| proof.took.as_secs_f64()).sum();
    let proved = proofs.len() - refuted - unsettled;
    println!("{proved} proved, {refuted} don't hold, {unsettled} not settled; {took:.1} s");
    Ok(match (refuted, unsettled) {
        (0, 0) => ExitCode::SUCCESS,
        (0, _) => ExitCode::from(UNSETTLED),
        _ => ExitCode::FAILURE,
    })
}

fn nothing(error: &ProveError) -> ExitCode {
    eprintln!("commonroll: {error}");
    ExitCode::from(UNSETTLED)
}

fn show(proof: &Proof) {
    let Proof { id, says, questions, .. } = proof;
    let questions = if *questions == 1 { "1 question".to_owned() } else { format!("{questions} questions") };
    match &proof.outcome {
        Outcome::Proved => println!("proved        {id} ({questions})\n              {says}"),
        Outcome::Refuted(example) => print!("DOESN'T HOLD  {id}\n              {says}\n{example}"),
        Outcome::Unsettled(why) => println!("NOT SETTLED   {id}: {why}\n              {says}"),
    }
}
