//! Somebody who keeps every figure that was ever shown, and is good at sums, tries to get at fewer than five learners.
//!
//! Each change is given a sum of its own, so that a shown figure says exactly of which changes it is made. All figures of
//! all tables at all times then span everything that adding and subtracting can reach.

use commonroll_views::progress::{FEWEST, Key, Ledger};
use proptest::prelude::*;
use std::collections::BTreeSet;

const CHANGES: usize = 48;
const LEARNERS: u32 = 11;
/// A prime below 2^61; sums of changes are small beside it.
const PRIME: i128 = 2_305_843_009_213_693_951;

type Shown = Vec<[i64; CHANGES]>;
type Change = (i32, Key, u32);
type Slice = Box<dyn Fn(&Key) -> bool>;

fn change() -> impl Strategy<Value = Change> {
    (0..24_i32, 0..3_u32, 0..2_u16, any::<bool>(), 0..LEARNERS).prop_map(
        |(day, course, home, travel, learner)| {
            let host = u16::try_from(course / 2).unwrap();
            let (host, course, home) = (Some(host), Some(course), Some(home));
            (day, Key { host, course, home, week: Some(day / 7), travel: Some(travel) }, learner)
        },
    )
}

/// Every way to slice the figures that any page has, and some more.
fn slices() -> Vec<Slice> {
    let mut all: Vec<Slice> = vec![Box::new(|_| true)];
    for week in 0..4 {
        all.push(Box::new(move |key| key.week == Some(week)));
        for host in 0..2 {
            all.push(Box::new(move |key| key.host == Some(host) && key.week == Some(week)));
        }
        for course in 0..3 {
            all.push(Box::new(move |key| key.course == Some(course) && key.week == Some(week)));
        }
    }
    for travel in [true, false] {
        all.push(Box::new(move |key| key.travel == Some(travel)));
        for course in 0..3 {
            all.push(Box::new(move |key| key.course == Some(course) && key.travel == Some(travel)));
        }
    }
    for host in 0..2 {
        all.push(Box::new(move |key| key.host == Some(host)));
        for home in 0..2 {
            all.push(Box::new(move |key| key.host == Some(host) && key.home == Some(home)));
        }
    }
    for course in 0..3 {
        all.push(Box::new(move |key| key.course == Some(course)));
    }
    for home in 0..2 {
        all.push(Box::new(move |key| key.home == Some(home)));
    }
    all
}

/// Rank of the rows in the columns of changes that `keep` names.
fn rank(rows: &Shown, keep: impl Fn(usize) -> bool) -> usize {
    let columns: Vec<usize> = (0..CHANGES).filter(|column| keep(*column)).collect();
    let mut rows: Vec<Vec<i128>> = rows
        .iter()
        .map(|row| columns.iter().map(|&column| i128::from(row[column]).rem_euclid(PRIME)).collect())
        .collect();
    let mut rank = 0;
    for column in 0..columns.len() {
        let Some(pivot) = (rank..rows.len()).find(|&row| rows[row][column] != 0) else { continue };
        rows.swap(rank, pivot);
        let inverse = power(rows[rank][column], PRIME - 2);
        let pivot: Vec<i128> = rows[rank].iter().map(|value| value * inverse % PRIME).collect();
        for row in rows.iter_mut().skip(rank + 1) {
            let factor = row[column];
            if factor != 0 {
                row.iter_mut().zip(&pivot).for_each(|(value, by)| {
                    *value = (*value - factor * by % PRIME).rem_euclid(PRIME);
                });
            }
        }
        rank += 1;
    }
    rank
}

fn power(mut base: i128, mut exponent: i128) -> i128 {
    let mut result = 1;
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = result * base % PRIME;
        }
        base = base * base % PRIME;
        exponent >>= 1;
    }
    result
}

/// A set of fewer than five learners about whom alone some sum of shown figures speaks, if there is one.
fn found(shown: &Shown, changes: &[Change]) -> Option<BTreeSet<u32>> {
    let mut distinct: Shown = Vec::new();
    for row in shown {
        if !distinct.contains(row) {
            distinct.push(*row);
        }
    }
    let all = rank(&distinct, |_| true);
    // Sets of exactly four are enough: a smaller one lies in one of them.
    let mut sets = vec![BTreeSet::new()];
    for _ in 1..FEWEST {
        let longer = sets.iter().flat_map(|set: &BTreeSet<u32>| {
            let from = set.last().map_or(0, |last| last + 1);
            (from..LEARNERS).map(move |next| set.iter().copied().chain([next]).collect())
        });
        sets = longer.collect();
    }
    sets.into_iter().find(|few| {
        let others = |column: usize| changes.get(column).is_none_or(|(.., who)| !few.contains(who));
        rank(&distinct, others) < all
    })
}

fn one(column: usize) -> [i64; CHANGES] {
    let mut sums = [0; CHANGES];
    sums[column] = 1;
    sums
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Marks come late, early, and long after; the page is looked at every day.
    #[test]
    fn no_sums_of_figures_of_any_table_and_day_speak_of_fewer_than_five(
        changes in prop::collection::vec(change(), CHANGES),
        late in prop::collection::vec(0..6_i32, CHANGES),
    ) {
        let mut ledger = Ledger::<CHANGES>::new(|change| change.iter().any(|sum| *sum != 0));
        let slices = slices();
        let mut shown = Shown::new();
        for today in 0..50 {
            for (column, (day, cell, learner)) in changes.iter().enumerate() {
                if day + late[column] == today {
                    ledger.add(*day, *cell, *learner, one(column));
                }
            }
            ledger.release(today);
            shown.extend(slices.iter().filter_map(|fits| ledger.shown(fits)));
        }
        prop_assert_eq!(found(&shown, &changes), None);
        // And it isn't for want of figures: all that was said is in the total in the end, or fewer than five wait.
        let total: i64 = ledger.shown(|_| true).map_or(0, |sums| sums.iter().sum());
        let waits = ledger.waiting(|_| true);
        let waiting: BTreeSet<u32> = (0..CHANGES).filter(|at| waits[*at] != 0).map(|at| changes[at].2).collect();
        prop_assert!(waiting.len() < FEWEST);
        let waits: i64 = waits.iter().sum();
        prop_assert_eq!(total + waits, i64::try_from(CHANGES).unwrap());
    }
}

/// The same attack on what pages usually do: hide rows with fewer than five learners beside a live total. It must succeed, or
/// it would prove nothing above.
#[test]
fn the_attack_gets_through_ordinary_hiding() {
    let cell = |course| Key { host: Some(0), course: Some(course), ..Key::default() };
    let changes: Vec<Change> = (0..9).map(|learner| (0, cell(u32::from(learner > 6)), learner)).collect();
    let sum = |keep: &dyn Fn(&Change) -> bool| {
        let mut sums = [0; CHANGES];
        let kept = changes.iter().enumerate().filter(|(_, change)| keep(change));
        kept.for_each(|(column, _)| sums[column] = 1);
        sums
    };
    // Course 1 has two learners and is hidden; course 0 and the total stand there.
    let shown = vec![sum(&|_| true), sum(&|change| change.1.course == Some(0))];
    let few = found(&shown, &changes).unwrap();
    assert!(few.is_superset(&BTreeSet::from([7, 8])));
    // And by looking again after one more mark has come.
    let moments = vec![sum(&|_| true), sum(&|change| change.2 != 3)];
    assert!(found(&moments, &changes).unwrap().contains(&3));
}
