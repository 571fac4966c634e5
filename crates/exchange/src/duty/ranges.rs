//! Sets of places in the log, as runs: what an entry says must go is mostly neighbours.

/// Places in the log, from 0: half-open runs, ascending, with a gap between any two.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ranges(Vec<(u64, u64)>);

impl Ranges {
    /// From what an entry says: the first place, counted from 1, and how many.
    pub fn said(of: &[(u64, u64)]) -> Self {
        let run = |(first, count): &(u64, u64)| {
            let first = first.saturating_sub(1);
            (first, first.saturating_add(*count))
        };
        Self::of(of.iter().map(run).collect())
    }

    /// From runs in any order that may overlap.
    pub fn of(mut runs: Vec<(u64, u64)>) -> Self {
        runs.retain(|(from, to)| from < to);
        runs.sort_unstable();
        let mut joined: Vec<(u64, u64)> = Vec::with_capacity(runs.len());
        for (from, to) in runs {
            match joined.last_mut() {
                Some(last) if from <= last.1 => last.1 = last.1.max(to),
                _ => joined.push((from, to)),
            }
        }
        Self(joined)
    }

    /// Adds a place behind all others.
    pub fn push(&mut self, seq: u64) {
        match self.0.last_mut() {
            Some(last) if seq <= last.1 => last.1 = last.1.max(seq + 1),
            _ => self.0.push((seq, seq + 1)),
        }
    }

    /// As an entry says it: the first place, counted from 1, and how many.
    pub fn says(&self) -> Vec<(u64, u64)> {
        self.0.iter().map(|(from, to)| (from + 1, to - from)).collect()
    }

    /// The runs.
    pub fn runs(&self) -> &[(u64, u64)] {
        &self.0
    }

    /// True if a place is in it.
    pub fn holds(&self, seq: u64) -> bool {
        let after = self.0.partition_point(|(from, _)| *from <= seq);
        after.checked_sub(1).and_then(|at| self.0.get(at)).is_some_and(|(_, to)| seq < *to)
    }

    /// True if a place is in both.
    pub fn meets(&self, other: &Self) -> bool {
        other.0.iter().any(|(from, to)| {
            let at = self.0.partition_point(|(_, end)| end <= from);
            self.0.get(at).is_some_and(|(first, _)| first < to)
        })
    }

    /// How many places.
    pub fn count(&self) -> u64 {
        self.0.iter().map(|(from, to)| to - from).sum()
    }

    /// True if there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first place of this that is not in the other.
    pub fn first_outside(&self, other: &Self) -> Option<u64> {
        self.0.iter().find_map(|(from, to)| {
            let mut at = *from;
            while at < *to {
                let after = other.0.partition_point(|(first, _)| *first <= at);
                match after.checked_sub(1).and_then(|place| other.0.get(place)).filter(|run| at < run.1) {
                    Some((_, end)) => at = *end,
                    None => return Some(at),
                }
            }
            None
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_joined_said_and_looked_up() {
        let ranges = Ranges::of(vec![(7, 9), (1, 3), (3, 4), (8, 12), (20, 20)]);
        assert_eq!(ranges.runs(), [(1, 4), (7, 12)]);
        assert_eq!(Ranges::said(&ranges.says()), ranges);
        assert_eq!(
            (ranges.count(), ranges.holds(0), ranges.holds(3), ranges.holds(4)),
            (8, false, true, false)
        );
        let mut pushed = Ranges::default();
        [1, 2, 3, 7, 8, 9, 10, 11].into_iter().for_each(|seq| pushed.push(seq));
        assert_eq!(pushed, ranges);
    }

    #[test]
    fn what_no_entry_speaks_of_is_found() {
        let (gone, said) = (Ranges::of(vec![(2, 9)]), Ranges::of(vec![(0, 4), (4, 7), (8, 9)]));
        assert_eq!(gone.first_outside(&said), Some(7));
        assert_eq!(gone.first_outside(&Ranges::of(vec![(0, 100)])), None);
        assert_eq!(gone.first_outside(&Ranges::default()), Some(2));
    }
}
