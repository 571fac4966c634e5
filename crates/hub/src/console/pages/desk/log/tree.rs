//! The path of a proof as a picture: from an entry at the bottom to the signed root at the top.

use super::super::words;
use commonroll_exchange::ProofSeen;

/// Height of a step in the picture, and where it begins and ends.
const STEP: usize = 34;
const TOP: usize = 22;
const LEFT: usize = 84;
const RIGHT: usize = 196;
const MIDDLE: usize = 140;

/// What the proof panel shows.
pub(in super::super) struct Proof {
    pub entry: String,
    pub size: String,
    pub holds: bool,
    pub label: String,
    pub height: usize,
    pub steps: Vec<Drawn>,
    /// Where the entry stands.
    pub bottom: usize,
    pub root: String,
    pub leaf: String,
    pub key: String,
    pub file: String,
}

/// One step, drawn: the node computed above, the given one beside the path below.
pub(in super::super) struct Drawn {
    /// The computed node.
    pub y: usize,
    /// What lies under it.
    pub below: usize,
    /// Where the given one stands, and where its text goes.
    pub given_x: usize,
    pub given: String,
    pub made: String,
    pub root: bool,
    pub side: &'static str,
}

impl Proof {
    pub(in super::super) fn of(seen: &ProofSeen) -> Self {
        let levels = seen.steps.len();
        let bottom = TOP + levels * STEP;
        let steps = seen.steps.iter().enumerate().map(|(place, step)| {
            let below = bottom - place * STEP;
            Drawn {
                y: below - STEP,
                below,
                given_x: if step.left { LEFT } else { RIGHT },
                given: words::short(&step.given),
                made: words::short(&step.made),
                root: place + 1 == levels,
                side: if step.left { "left" } else { "right" },
            }
        });
        let verdict = if seen.holds { "and the root matches" } else { "and the root does not match" };
        Self {
            entry: words::number(seen.sequence),
            size: words::number(seen.size),
            holds: seen.holds,
            label: format!(
                "The path from entry {} to the signed root: {} given, as many computed, {verdict}.",
                words::number(seen.sequence),
                words::count(levels as u64, "hash is", "hashes are"),
            ),
            height: bottom + 24,
            steps: steps.collect(),
            bottom,
            root: words::spaced(&seen.root),
            leaf: words::spaced(&seen.leaf),
            key: seen.key.clone(),
            file: seen.file.clone(),
        }
    }

    pub(in super::super) const fn middle(&self) -> usize {
        MIDDLE
    }
}
