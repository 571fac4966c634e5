//! A stretch of a long list: what one page of it shows.

/// A stretch of a list: from which place on, counted from 0, and how many. A list that doesn't go so far gives its last one:
/// whoever settles the last line of the last page stays at the end.
pub type Stretch = (usize, usize);

/// The place at which a stretch of a list of so many begins.
pub(crate) fn start(all: usize, (first, most): Stretch) -> usize {
    if first < all { first } else { all.saturating_sub(1) / most.max(1) * most }
}

/// A stretch of a list.
pub(crate) fn cut<T>(all: Vec<T>, stretch: Stretch) -> Vec<T> {
    let start = start(all.len(), stretch);
    all.into_iter().skip(start).take(stretch.1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_behind_the_end_is_the_last_stretch() {
        let of = |stretch| cut((0..25).collect(), stretch);
        assert_eq!(of((0, 10)), (0..10).collect::<Vec<_>>());
        for first in [20, 30, usize::MAX] {
            assert_eq!(of((first, 10)), (20..25).collect::<Vec<_>>(), "{first}");
        }
        assert_eq!(cut((0..20).collect(), (20, 10)), (10..20).collect::<Vec<_>>(), "the page before is full");
        assert_eq!(of((30, usize::MAX)).len(), 25);
        assert!(of((30, 0)).is_empty() && cut(Vec::<u8>::new(), (3, 10)).is_empty());
    }
}
