//! What became of records that a recipient could not write, between protobuf and core: checked on its way in.

use crate::{
    pb::exchange::v1::{AsideDeed as DeedMessage, AsideStep as StepMessage},
    read,
};
use commonroll_core::{
    Invalid, RecordId, Timestamp,
    aside::{AsideDeed, AsideStep},
};

/// Each deed, as the schema has it and as we do.
const DEEDS: [(DeedMessage, AsideDeed); 5] = [
    (DeedMessage::SetAside, AsideDeed::SetAside),
    (DeedMessage::Retried, AsideDeed::Retried),
    (DeedMessage::Dismissed, AsideDeed::Dismissed),
    (DeedMessage::Written, AsideDeed::Written),
    (DeedMessage::Overtaken, AsideDeed::Overtaken),
];

/// Writes a step.
pub fn write_aside(step: &AsideStep) -> StepMessage {
    let deed = DEEDS.iter().find(|(_, ours)| *ours == step.deed);
    StepMessage {
        sequence: step.sequence,
        record_id: step.record.0.to_vec().into(),
        revision: step.revision,
        code: step.code.clone(),
        deed: deed.map_or(DeedMessage::Unspecified, |(said, _)| *said) as i32,
        at_us: step.at.micros(),
    }
}

/// Reads a step.
///
/// # Errors
/// [`Invalid`] naming the field that breaks a rule.
pub fn read_aside(step: &StepMessage) -> Result<AsideStep, Invalid> {
    let said: DeedMessage = read::known("deed", step.deed)?;
    let deed = DEEDS.iter().find(|(word, _)| *word == said).map(|(_, ours)| *ours);
    let step = AsideStep {
        sequence: step.sequence,
        record: RecordId::from_slice(&step.record_id)?,
        revision: step.revision,
        code: step.code.clone(),
        deed: read::required("deed", deed)?,
        at: Timestamp::from_micros("at_us", step.at_us)?,
    };
    step.check()?;
    Ok(step)
}
