//! Refusals that no batch entry counts: impersonation, wild cursors, bad invitations. Many alike are one entry with a
//! count, so that refusals can't fill the disk; the first is written at once by whoever ticks.

use std::collections::BTreeMap;

/// Kinds kept apart at most; beyond that they are counted together.
const KINDS: usize = 256;

/// Refusals that wait for their entry.
#[derive(Default)]
pub struct Refusals(BTreeMap<(String, &'static str, String), u64>);

impl Refusals {
    /// Counts a refusal: who was refused what, and what was claimed (a known slug, or empty).
    pub fn count(&mut self, by: &str, what: &'static str, claimed: &str) {
        let key = (by.to_owned(), what, claimed.to_owned());
        let key = if self.0.len() < KINDS || self.0.contains_key(&key) {
            key
        } else {
            ("others".to_owned(), what, String::new())
        };
        *self.0.entry(key).or_default() += 1;
    }

    /// Takes what waits, as notes.
    pub fn take(&mut self) -> Vec<(String, serde_json::Value)> {
        std::mem::take(&mut self.0)
            .into_iter()
            .map(|((by, what, claimed), count)| {
                let claimed = if claimed.is_empty() { serde_json::Value::Null } else { claimed.into() };
                (what.to_owned(), serde_json::json!({ "actor": by, "claimed": claimed, "count": count }))
            })
            .collect()
    }
}
