//! What an agent tells of its sources, between protobuf and core: checked on its way in.

use crate::pb::readiness::v1::{KeptBack as KeptMessage, Source};
use commonroll_core::{
    Invalid,
    sources::{KeptBack, SourceTold},
};

/// Writes a source as it is told of.
pub fn write_source(told: &SourceTold) -> Source {
    let kept = |kept: &KeptBack| KeptMessage {
        caption: kept.caption.clone(),
        rule: kept.rule.clone(),
        code: kept.code.clone().unwrap_or_default(),
        rows: kept.rows,
    };
    Source {
        name: told.name.clone(),
        connector: told.connector.clone(),
        mapping: told.mapping.clone(),
        refused_rule: told.refused.clone().unwrap_or_default(),
        kept_back: told.kept.iter().map(kept).collect(),
    }
}

/// Reads a source as it is told of.
///
/// # Errors
/// [`Invalid`] naming the field: what may not be told is not taken.
pub fn read_source(source: &Source) -> Result<SourceTold, Invalid> {
    let some = |text: &String| (!text.is_empty()).then(|| text.clone());
    let kept = |kept: &KeptMessage| KeptBack {
        caption: kept.caption.clone(),
        rule: kept.rule.clone(),
        code: some(&kept.code),
        rows: kept.rows,
    };
    let told = SourceTold {
        name: source.name.clone(),
        connector: source.connector.clone(),
        mapping: source.mapping.clone(),
        refused: some(&source.refused_rule),
        kept: source.kept_back.iter().map(kept).collect(),
    };
    told.check().map(|()| told)
}
