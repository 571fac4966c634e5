//! Records that a recipient could not write into its MIS: each step that its agent tells of is an entry.
//!
//! The recipient's own people see at their agent what the MIS said; the log says that a record did not arrive, who lets it be
//! tried again or gives it up, and when. Source and auditors can see by it that a receipt for the feed is not the last word.

use crate::{
    Exchange, submit,
    types::{AgentId, Speaker},
    withdrawal::AnswerError,
    writer::Work,
};
use commonroll_core::{
    Invalid, Timestamp,
    aside::{AsideDeed, AsideStep, STEPS_MAX},
};
use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
};

/// Steps of one agent that are remembered.
const REMEMBERED: usize = 1_000;

/// What tells one step from another.
type Step = (u64, AsideDeed, Timestamp);

/// Steps that agents told of lately: one whose answer was lost on the way is told again, and is no second entry. A node that
/// starts has forgotten them, and takes a repeat for one.
#[derive(Default)]
pub struct Told(Mutex<HashMap<AgentId, VecDeque<Step>>>);

impl Told {
    fn is_new(&self, agent: AgentId, step: &AsideStep) -> bool {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        !held.get(&agent).is_some_and(|steps| steps.contains(&of(step)))
    }

    fn note(&self, agent: AgentId, steps: &[AsideStep]) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let held = held.entry(agent).or_default();
        held.extend(steps.iter().map(of));
        let over = held.len().saturating_sub(REMEMBERED);
        held.drain(..over);
    }
}

const fn of(step: &AsideStep) -> Step {
    (step.sequence, step.deed, step.at)
}

impl Exchange {
    /// Takes what an agent tells of records that it could not write back. What it told lately changes nothing.
    ///
    /// # Errors
    /// [`AnswerError`]: also for a place in the feed that the speaker was not handed.
    pub async fn tell_aside(
        &self,
        speaker: &Speaker,
        steps: Vec<AsideStep>,
        now: Timestamp,
    ) -> Result<(), AnswerError> {
        self.speaker(speaker.agent)?;
        if steps.len() > STEPS_MAX {
            return Err(Invalid::new("steps", "must be at most 100").into());
        }
        steps.iter().try_for_each(AsideStep::check)?;
        let handed = self.shared.handed(&self.shared.directory(), speaker.number);
        if steps.iter().any(|step| step.sequence > handed) {
            return Err(Invalid::new("steps", "each must be of a record that you were handed").into());
        }
        let told = &self.shared.asides;
        let new: Vec<AsideStep> = steps.into_iter().filter(|step| told.is_new(speaker.agent, step)).collect();
        if new.is_empty() {
            return Ok(());
        }
        let (agent, said) = (speaker.agent, new.clone());
        let work = move |work: &mut Work<'_>| {
            if work.planner.directory.speaker(agent).is_err() {
                return;
            }
            for step in &said {
                let more = serde_json::json!({
                    "record": step.record.to_string(), "revision": step.revision, "sequence": step.sequence,
                    "code": step.code, "at_us": step.at.micros(),
                });
                work.notes.push((step.deed.entry().to_owned(), more));
            }
        };
        submit(&self.shared, speaker.institution.as_str(), now, work)
            .await
            .map_err(|_| AnswerError::Unavailable)?;
        self.shared.asides.note(speaker.agent, &new);
        Ok(())
    }
}
