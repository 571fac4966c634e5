//! Rows that repeat a key: said again, or multiplied.
//!
//! A report with several items of which a learner can have many gives each combination of them as a row. Rows that say the
//! same about the same thing are one; where most rows say something else about a thing that was named already, the file
//! is refused. The rows of a report stand together by learner, so a bounded memory of recent keys is enough.

use crate::{connector::FileFault, stretches::Sums, table::Row};
use commonroll_core::SchoolDate;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Keys that are remembered.
const SLOTS: usize = 1 << 15;
/// Fewer than this are somebody's slip, not a report's fault.
const DIFFERING_MIN: u64 = 20;

/// What was said lately about which key.
pub struct Repeats {
    slots: Vec<Slot>,
    /// Columns that the mapping reads.
    used: Vec<usize>,
    /// Number of the stretch that is being read.
    stretch: u32,
    /// Rows that said something else than one before, in whichever stretch that stood.
    differing: u64,
}

/// The last row whose key fell here.
#[derive(Clone, Copy, Default)]
struct Slot {
    key: u64,
    said: u64,
    stretch: u32,
    /// True if a row before it said something else of the same key.
    differs: bool,
}

impl Repeats {
    pub fn new(used: Vec<usize>) -> Self {
        Self { slots: vec![Slot::default(); SLOTS], used, stretch: 0, differing: 0 }
    }

    /// Another stretch begins.
    pub fn next_stretch(&mut self) {
        self.stretch += 1;
    }

    /// What a row says, as a number.
    pub fn content(&self, row: &Row<'_>) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.used.iter().for_each(|column| row.cell(*column).hash(&mut hasher));
        hasher.finish()
    }

    /// Takes in what a row says about this key of this date. True if the row before said the same, and is one with it.
    pub fn hear(&mut self, key: &str, date: SchoolDate, said: u64, sums: &mut Sums) -> bool {
        let mut hasher = DefaultHasher::new();
        (key, date.days()).hash(&mut hasher);
        let mut now = Slot { key: hasher.finish() | 1, said, stretch: self.stretch, differs: false };
        let slot = &mut self.slots[usize::try_from(now.key >> 1).unwrap_or(usize::MAX) % SLOTS];
        let before = *slot;
        sums.told += 1;
        let is_same_key = before.key == now.key;
        if is_same_key && before.said != said {
            self.differing += 1;
            sums.differing += u64::from(before.stretch == now.stretch);
        }
        now.differs = is_same_key && (before.differs || before.said != said);
        *slot = now;
        // Each row that says something else than the first one is somebody's to look at.
        is_same_key && !now.differs
    }

    /// Refuses a file whose rows are multiplied. `all` is what its rows came to, `passed` how many rows that differ stand in
    /// stretches that were passed over.
    pub fn judge(&self, all: &Sums, passed: u64) -> Result<(), FileFault> {
        let differing = self.differing + passed;
        if differing < DIFFERING_MIN || differing * 2 < all.told {
            return Ok(());
        }
        let fix = "most rows say something else about a thing that an earlier row named already. Either the report has \
                   several items of which a learner can have many, and gives all their combinations: make one report \
                   for each. Or the columns of the key don't tell the rows apart: map `start`, `period` or an id, or set \
                   `key`. If the latest row is to count, set repeats = \"latest\"";
        Err(FileFault::content("CSV-CROSS-PRODUCT", None, fix))
    }
}
