//! Records that a recipient could not write into its MIS: each step that its agent tells of is an entry.
//!
//! The recipient's own people see at their agent what the MIS said; the log says that a record did not arrive, who lets it be
//! tried again or gives it up, and when. Source and auditors can see by it that a receipt for the feed is not the last word.

use crate::{
    Exchange,
    entry::{Entry, RecordEntry},
    follow::entries_at,
    submit,
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

/// The entry by which it is counted that something was told in vain: the agent goes on without it, and a person should know.
pub(crate) const REFUSED: &str = "aside.refused";
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
        let told = self.told_aside(speaker, steps, now).await;
        if let Err(AnswerError::Invalid(_)) = told {
            self.refused(speaker.institution.as_str(), REFUSED, "");
        }
        told
    }

    async fn told_aside(
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
        let about = self.records_told_of(speaker, &steps).await?;
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
                let Some((source, record)) = about.get(&step.sequence) else { continue };
                let more = serde_json::json!({
                    "record": record.id.to_string(), "revision": record.revision, "sequence": step.sequence,
                    "code": step.code, "at_us": step.at.micros(), "institution": source, "learner": record.learner,
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

    /// The records at the places that an agent tells of, with their sources, as the log has them: nobody tells of what was
    /// not theirs.
    async fn records_told_of(
        &self,
        speaker: &Speaker,
        steps: &[AsideStep],
    ) -> Result<HashMap<u64, (String, RecordEntry)>, AnswerError> {
        let mut seqs: Vec<u64> = steps.iter().filter_map(|step| step.sequence.checked_sub(1)).collect();
        seqs.sort_unstable();
        seqs.dedup();
        let found =
            entries_at(self.shared.store.as_ref(), &seqs).await.map_err(|_| AnswerError::Unavailable)?;
        let directory = self.shared.directory();
        let mine = |(seq, bytes): (u64, Vec<u8>)| match Entry::decode(&bytes) {
            Ok(Entry::Record(record)) => {
                let is_home =
                    directory.home_of(record.learner).is_some_and(|(home, _)| *home == speaker.number);
                let is_mine = is_home || record.recipients.iter().any(|to| to.institution == speaker.number);
                let source = directory.institution(record.source)?.info.slug.to_string();
                is_mine.then_some((seq + 1, (source, record)))
            }
            _ => None,
        };
        let about: HashMap<u64, (String, RecordEntry)> = found.into_iter().filter_map(mine).collect();
        let fits = |step: &AsideStep| {
            about.get(&step.sequence).is_some_and(|(_, record)| {
                let unread = step.record.0 == [0; 16] && step.revision == 0;
                unread || (step.record == record.id && step.revision == record.revision)
            })
        };
        match steps.iter().all(fits) {
            true => Ok(about),
            false => Err(Invalid::new("steps", "each must be of a record that you were handed").into()),
        }
    }
}
