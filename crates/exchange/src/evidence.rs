//! Evidence: a readable view of the log's entries, without anything personal.

use crate::{
    Exchange,
    directory::change::hex,
    entry::{Entry, split_entries},
    verify::VerifyError,
};
use commonroll_core::Timestamp;

impl Exchange {
    /// Entries from a sequence number (counted from 1) on, as readable text without anything personal.
    pub async fn show(&self, from: u64, limit: usize) -> Result<Vec<serde_json::Value>, VerifyError> {
        let leaves = self.leaves(from, limit).await?;
        (from.max(1)..).zip(leaves).map(|(sequence, leaf)| self.readable(sequence - 1, &leaf)).collect()
    }

    /// The same entries as bytes: the leaves of the log's tree.
    pub async fn leaves(&self, from: u64, limit: usize) -> Result<Vec<Vec<u8>>, VerifyError> {
        let mut leaves = Vec::new();
        let mut next = from.max(1) - 1;
        while leaves.len() < limit {
            let blocks = self.shared.store.blocks(next, 8, false).await;
            let blocks = blocks.map_err(|e| VerifyError::Store(e.to_string()))?;
            let Some(end) = blocks.last().map(commonroll_store::Block::end) else { break };
            for block in &blocks {
                let entries = split_entries(&block.entries)
                    .map_err(|_| VerifyError::Bad { sequence: block.first_seq + 1 })?;
                let here = (block.first_seq..).zip(entries).filter(|(seq, _)| *seq >= next);
                leaves.extend(here.map(|(_, entry)| entry.to_vec()));
            }
            next = end;
        }
        leaves.truncate(limit);
        Ok(leaves)
    }

    pub(crate) fn readable(&self, seq: u64, bytes: &[u8]) -> Result<serde_json::Value, VerifyError> {
        let directory = self.shared.directory();
        let slug = |number: u16| {
            directory.institution(number).map_or_else(|| number.to_string(), |s| s.info.slug.to_string())
        };
        Ok(match Entry::decode(bytes).map_err(|_| VerifyError::Bad { sequence: seq + 1 })? {
            Entry::Record(r) => serde_json::json!({
                "sequence": seq + 1,
                "at": r.accepted_at.to_string(),
                "what": if r.withdrawn { "record.withdrawn" } else { "record.accepted" },
                "by": slug(r.source),
                "kind": r.kind.as_str(),
                "record": r.id.to_string(),
                "revision": r.revision,
                "batch": r.batch,
                "learner": r.learner,
                "recipients": r.recipients.iter().map(|to| slug(to.institution)).collect::<Vec<_>>(),
                "commitment": hex(&r.root),
            }),
            Entry::Note(note) => serde_json::json!({
                "sequence": seq + 1,
                "at": Timestamp::from_micros("at", note.at_us).map_or_else(|_| String::new(), |t| t.to_string()),
                "what": note.what,
                "by": note.by,
                "payload": note.payload,
                "more": note.more,
            }),
        })
    }
}
