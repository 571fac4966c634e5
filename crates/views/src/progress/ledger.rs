//! Sums that give no learner away, neither by what stands beside them nor by what stood there before.
//!
//! Nothing is shown but **increments**. A change (a mark that came, was corrected or withdrawn) waits until it can be summed
//! with changes of others: an increment is published only if at least [`FEWEST`] different learners stand behind it.
//! Increments share no change, and every figure, at every moment, is a sum of whole increments. So whatever is added or
//! subtracted, across tables, totals and days, what is left is again made of whole increments, or nothing. What waits is
//! in no total. When increments are made depends on the log's own times alone, so a rebuilt ledger has the same ones.
//!
//! It doesn't hide what a sum itself says: if all of a course missed a lesson, so did each.

use super::key::{Key, LADDER};
use commonroll_core::SchoolDate;
use std::{
    collections::{HashMap, HashSet},
    hash::Hash,
};

/// Fewest different learners behind anything that is shown.
pub const FEWEST: usize = 5;

/// A change of one learner's part in a cell.
type Waiting<const N: usize> = HashMap<(i32, Key, u32), [i64; N]>;

/// A running account in `N` sums.
#[derive(Debug, Clone)]
pub struct Ledger<const N: usize> {
    /// True if a learner's change is told by the sums in a way that the learner must be one of several for.
    counts: fn(&[i64; N]) -> bool,
    /// All that was ever said, cell by cell: for those whose own figures they are.
    whole: HashMap<Key, [i64; N]>,
    published: HashMap<Key, [i64; N]>,
    waiting: Waiting<N>,
}

/// The changes that would make up one increment.
struct Pool<const N: usize> {
    learners: HashMap<u32, [i64; N]>,
    parts: Vec<(i32, Key, u32)>,
}

impl<const N: usize> Ledger<N> {
    /// An empty ledger. `counts` says of a learner's net change in an increment whether the learner counts among the
    /// [`FEWEST`].
    pub fn new(counts: fn(&[i64; N]) -> bool) -> Self {
        Self { counts, whole: HashMap::new(), published: HashMap::new(), waiting: HashMap::new() }
    }

    /// A learner's part in a cell changes by this much; `day` is the day it is about, in days since 1970.
    pub fn add(&mut self, day: i32, cell: Key, learner: u32, change: [i64; N]) {
        if change == [0; N] {
            return;
        }
        plus(self.whole.entry(cell).or_insert([0; N]), &change);
        let waiting = self.waiting.entry((day, cell, learner)).or_insert([0; N]);
        plus(waiting, &change);
        if *waiting == [0; N] {
            self.waiting.remove(&(day, cell, learner));
        }
    }

    /// Publishes what can be, as of this day. Costs as much as there is waiting.
    pub fn release(&mut self, today: i32) {
        self.publish_all(today);
        // A term that was sent at once has gone through here.
        self.waiting.shrink_to(self.waiting.len() * 2);
    }

    /// How many changes wait.
    pub(super) fn pending(&self) -> usize {
        self.waiting.len()
    }

    fn publish_all(&mut self, today: i32) {
        for rung in LADDER {
            let mut pools: HashMap<Key, Pool<N>> = HashMap::new();
            for (&(day, cell, learner), change) in &self.waiting {
                if today.saturating_sub(day) < rung.patience {
                    continue;
                }
                let pool = pools
                    .entry((rung.keep)(&cell))
                    .or_insert_with(|| Pool { learners: HashMap::new(), parts: Vec::new() });
                plus(pool.learners.entry(learner).or_insert([0; N]), change);
                pool.parts.push((day, cell, learner));
            }
            for (key, pool) in pools {
                self.publish(key, &pool);
            }
        }
    }

    fn publish(&mut self, key: Key, pool: &Pool<N>) {
        let behind = pool.learners.values().filter(|change| (self.counts)(change)).count();
        if behind < FEWEST {
            return;
        }
        let sum = self.published.entry(key).or_insert([0; N]);
        pool.learners.values().for_each(|change| plus(sum, change));
        for part in &pool.parts {
            self.waiting.remove(part);
        }
    }

    /// Lets go of all that is about a week before this one, and of what was published without its week: some of that may be
    /// older, and nobody could tell how much.
    pub fn let_go(&mut self, before: i32) {
        let stays = |key: &Key| key.week.is_some_and(|week| week >= before);
        self.whole.retain(|key, _| stays(key));
        self.published.retain(|key, _| stays(key));
        self.waiting.retain(|(_, key, _), _| stays(key));
    }

    /// The published sum of all keys that fit; `None` if there is nothing, or nothing yet.
    pub fn shown(&self, fits: impl Fn(&Key) -> bool) -> Option<[i64; N]> {
        sum(&self.published, fits)
    }

    /// The sum of all that was ever said, of the cells that fit. Not for others than those whose figures they are.
    pub fn whole(&self, fits: impl Fn(&Key) -> bool) -> [i64; N] {
        sum(&self.whole, fits).unwrap_or([0; N])
    }

    /// What waits, of the cells that fit.
    pub fn waiting(&self, fits: impl Fn(&Key) -> bool) -> [i64; N] {
        let mut total = [0; N];
        let fitting = self.waiting.iter().filter(|((_, cell, _), _)| fits(cell));
        fitting.for_each(|(_, change)| plus(&mut total, change));
        total
    }

    /// [`Self::shown`] for each value of a part of the key at once: a table costs one look at every key and not one for each row.
    pub fn shown_by<T: Eq + Hash>(&self, part: impl Fn(&Key) -> Option<T>) -> HashMap<T, [i64; N]> {
        sums_by(&self.published, part)
    }

    /// [`Self::whole`] for each value of a part of the key at once.
    pub fn whole_by<T: Eq + Hash>(&self, part: impl Fn(&Key) -> Option<T>) -> HashMap<T, [i64; N]> {
        sums_by(&self.whole, part)
    }

    /// [`Self::waiting`] for each value of a part of the key at once.
    pub fn waiting_by<T: Eq + Hash>(&self, part: impl Fn(&Key) -> Option<T>) -> HashMap<T, [i64; N]> {
        sums_by(self.waiting.iter().map(|((_, cell, _), change)| (cell, change)), part)
    }

    /// Different values of a part of the key, as far as anything was ever said of them.
    pub fn known<T: Ord + Hash>(
        &self,
        fits: impl Fn(&Key) -> bool,
        part: impl Fn(&Key) -> Option<T>,
    ) -> Vec<T> {
        let fitting = self.whole.iter().filter(|(key, sums)| fits(key) && **sums != [0; N]);
        let known: HashSet<T> = fitting.filter_map(|(key, _)| part(key)).collect();
        let mut known: Vec<T> = known.into_iter().collect();
        known.sort_unstable();
        known
    }
}

fn sum<const N: usize>(of: &HashMap<Key, [i64; N]>, fits: impl Fn(&Key) -> bool) -> Option<[i64; N]> {
    let mut fitting = of.iter().filter(|(key, _)| fits(key)).peekable();
    fitting.peek()?;
    let mut total = [0; N];
    fitting.for_each(|(_, sums)| plus(&mut total, sums));
    Some(total)
}

fn sums_by<'l, T: Eq + Hash, const N: usize>(
    of: impl IntoIterator<Item = (&'l Key, &'l [i64; N])>,
    part: impl Fn(&Key) -> Option<T>,
) -> HashMap<T, [i64; N]> {
    let mut all = HashMap::new();
    for (key, sums) in of {
        if let Some(part) = part(key) {
            plus(all.entry(part).or_insert([0; N]), sums);
        }
    }
    all
}

fn plus<const N: usize>(sum: &mut [i64; N], change: &[i64; N]) {
    sum.iter_mut().zip(change).for_each(|(sum, change)| *sum += change);
}

/// The day in UTC of an instant, in days since 1970.
pub(crate) const fn day_of(micros: i64) -> i32 {
    micros.div_euclid(86_400_000_000) as i32
}

/// The day of a date.
pub(crate) fn day(date: SchoolDate) -> i32 {
    date.days()
}
