//! What a home had before it when it answered: an answer is to that, and to nothing that was declared since.

use super::fits::Fit;
use crate::directory::{Directory, matches::MatchCase, tokens::MatchingKey};

/// A keyed digest of a guest's evidence and of the learners of the home's who are on offer, with theirs. `fits`: those.
pub(crate) fn stamp(directory: &Directory, key: &MatchingKey, case: &MatchCase, fits: &[&Fit]) -> String {
    let guest = directory.local(case.host, &case.guest).map(|local| &local.tokens);
    let offered = fits.iter().map(|fit| {
        let ours = directory.local(fit.home, &fit.local).map(|local| &local.tokens);
        serde_json::json!([
            fit.local.as_str(),
            format!("{:?}", fit.verdict),
            fit.undone,
            fit.another.is_some(),
            ours
        ])
    });
    let offered: Vec<_> = offered.collect();
    let shown = serde_json::json!([case.id().to_string(), guest, offered]);
    key.stamp(shown.to_string().as_bytes())
}
