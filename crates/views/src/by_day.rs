//! What is kept of each of very many records, by the school date inside the record's id.
//!
//! A day's records lie together: what is too old goes at once, a growing map is never copied as a whole, and the date is
//! not kept again with each. Marks come for today and are corrected within days, so only the days that were touched last
//! lie in memory; the others are laid on a [`Shelf`], if there is one, and come back when something of them changes.

use commonroll_core::RecordId;
use std::collections::{BTreeMap, HashMap};
use std::fmt;

/// A record's id without the date before it.
type Rest = [u8; 12];
const REST: usize = size_of::<Rest>();

/// A place for the days that nothing has touched for a while. It needs to last no longer than the process: a view is fed
/// again at a start.
pub trait Shelf: Send + Sync + fmt::Debug {
    /// Lays a day's bytes down, over what lies there of it. False if that can't be done.
    fn lay(&mut self, day: i32, bytes: &[u8]) -> bool;

    /// What was laid down last of a day; `None` if it can't be read.
    fn look(&mut self, day: i32) -> Option<Vec<u8>>;

    /// Nothing of a day is needed any more.
    fn clear(&mut self, day: i32);
}

/// A value of a fixed length in bytes.
pub trait Packed: Copy {
    /// Bytes that one takes.
    const BYTES: usize;

    /// Appends the bytes.
    fn pack(&self, to: &mut Vec<u8>);

    /// Reads what [`Packed::pack`] wrote; `None` if that isn't it.
    fn unpack(from: &[u8]) -> Option<Self>;

    /// Its record's place in the log.
    fn place(&self) -> u64;
}

/// A day in memory.
#[derive(Debug)]
struct Day<V> {
    rows: HashMap<Rest, V>,
    /// The step at which it was touched last.
    touched: u64,
    /// It isn't what lies on the shelf, if anything does.
    changed: bool,
}

/// A day on the shelf.
#[derive(Debug, Clone, Copy)]
struct Laid {
    rows: usize,
    /// The first and the last place in the log of its records.
    places: (u64, u64),
}

/// So many times the room may be in memory before days go that have just been touched.
const CROWDED: usize = 8;

/// A value for each record.
#[derive(Debug)]
pub struct ByDay<V> {
    days: BTreeMap<i32, Day<V>>,
    /// Days on the shelf alone.
    laid: BTreeMap<i32, Laid>,
    shelf: Option<Box<dyn Shelf>>,
    /// Records in memory, above which days are laid down.
    room: usize,
    here: usize,
    steps: u64,
    /// A day that was laid down could not be read.
    broken: bool,
}

impl<V> Default for ByDay<V> {
    fn default() -> Self {
        let (days, laid) = (BTreeMap::new(), BTreeMap::new());
        Self { days, laid, shelf: None, room: usize::MAX, here: 0, steps: 0, broken: false }
    }
}

fn parts(id: RecordId) -> (i32, Rest) {
    let mut rest = [0; REST];
    rest.copy_from_slice(&id.0[4..]);
    (id.days(), rest)
}

fn whole(day: i32, rest: &Rest) -> RecordId {
    let mut id = [0; 16];
    id[..4].copy_from_slice(&day.to_be_bytes());
    id[4..].copy_from_slice(rest);
    RecordId(id)
}

impl<V: Packed> ByDay<V> {
    /// Keeps about so many records in memory, and lays the days that were not touched for longest on a shelf.
    pub fn on(shelf: Box<dyn Shelf>, room: usize) -> Self {
        Self { shelf: Some(shelf), room, ..Self::default() }
    }

    /// False once a day that was laid down could not be read: what is counted from here isn't right any more.
    pub const fn is_sound(&self) -> bool {
        !self.broken
    }

    /// A record's value.
    pub fn get(&mut self, id: RecordId) -> Option<V> {
        let (day, rest) = parts(id);
        self.known(day)?.rows.get(&rest).copied()
    }

    /// Sets a record's value; gives the one before.
    pub fn insert(&mut self, id: RecordId, value: V) -> Option<V> {
        let (day, rest) = parts(id);
        let of = self.day(day);
        of.changed = true;
        let before = of.rows.insert(rest, value);
        self.here += usize::from(before.is_none());
        before
    }

    /// Takes a record's value out.
    pub fn remove(&mut self, id: RecordId) -> Option<V> {
        let (day, rest) = parts(id);
        let of = self.known(day)?;
        let value = of.rows.remove(&rest)?;
        of.changed = true;
        let is_empty = of.rows.is_empty();
        self.here -= 1;
        if is_empty {
            self.forget(day);
        }
        Some(value)
    }

    /// Lets go of all records whose date is before a day.
    pub fn let_go(&mut self, before: i32) {
        let old = self.days.range(..before).map(|(day, _)| *day);
        let old: Vec<i32> = old.chain(self.laid.range(..before).map(|(day, _)| *day)).collect();
        old.into_iter().for_each(|day| self.forget(day));
    }

    /// The values of a day, which is in memory then.
    pub fn of(&mut self, day: i32) -> impl Iterator<Item = V> {
        self.known(day).into_iter().flat_map(|of| of.rows.values().copied())
    }

    /// The records that fit, in no order. Reads the days that may have any, by the first and the last place in the log of their
    /// records, and leaves each where it is.
    pub fn find(
        &mut self,
        may: impl Fn((u64, u64)) -> bool,
        fits: impl Fn(RecordId, &V) -> bool,
    ) -> Vec<RecordId> {
        let mut found = Vec::new();
        let mut look = |day: i32, rows: &HashMap<Rest, V>| {
            let ids = rows.iter().map(|(rest, value)| (whole(day, rest), value));
            found.extend(ids.filter(|(id, value)| fits(*id, value)).map(|(id, _)| id));
        };
        self.days.iter().for_each(|(day, of)| look(*day, &of.rows));
        for (&day, laid) in self.laid.iter().filter(|(_, laid)| may(laid.places)) {
            match self.shelf.as_deref_mut().and_then(|shelf| read(shelf, day, laid.rows)) {
                Some(rows) => look(day, &rows),
                None => self.broken = true,
            }
        }
        found
    }

    /// Lays days down, those that were not touched for longest first, until what is in memory has room. While it isn't crowded,
    /// a day stays at least as many steps as it has records: so days that are touched in turn are not written and read with
    /// each. Says which were laid down.
    pub fn settle(&mut self) -> Vec<i32> {
        let mut laid = Vec::new();
        while self.here > self.room {
            let is_crowded = self.here > self.room.saturating_mul(CROWDED);
            let rests = |of: &Day<V>| is_crowded || self.steps - of.touched >= of.rows.len() as u64;
            let resting = self.days.iter().filter(|(_, of)| rests(of) && of.touched != self.steps);
            let Some((&day, _)) = resting.min_by_key(|(_, of)| of.touched) else { break };
            if !self.lay(day) {
                // Memory holds it. It isn't tried with each record, and a day is much to write.
                self.room = self.here + self.here / 4;
                break;
            }
            laid.push(day);
        }
        laid
    }

    fn lay(&mut self, day: i32) -> bool {
        let (Some(of), Some(shelf)) = (self.days.get(&day), &mut self.shelf) else { return false };
        if of.changed {
            let mut bytes = Vec::with_capacity(of.rows.len() * (REST + V::BYTES));
            for (rest, value) in &of.rows {
                bytes.extend(rest);
                value.pack(&mut bytes);
            }
            if !shelf.lay(day, &bytes) {
                return false;
            }
        }
        let rows = of.rows.len();
        let places = || of.rows.values().map(Packed::place);
        let laid = Laid { rows, places: (places().min().unwrap_or(0), places().max().unwrap_or(0)) };
        self.here -= rows;
        self.days.remove(&day);
        self.laid.insert(day, laid);
        true
    }

    fn forget(&mut self, day: i32) {
        self.here -= self.days.remove(&day).map_or(0, |of| of.rows.len());
        self.laid.remove(&day);
        if let Some(shelf) = &mut self.shelf {
            shelf.clear(day);
        }
    }

    /// A day of which there is anything, in memory.
    fn known(&mut self, day: i32) -> Option<&mut Day<V>> {
        let is_known = self.days.contains_key(&day) || self.laid.contains_key(&day);
        is_known.then(|| self.day(day))
    }

    /// A day, in memory.
    fn day(&mut self, day: i32) -> &mut Day<V> {
        self.steps += 1;
        let mut before = HashMap::new();
        let laid = self.laid.remove(&day);
        if let Some(Laid { rows, .. }) = laid {
            let read = self.shelf.as_deref_mut().and_then(|shelf| read(shelf, day, rows));
            self.broken |= read.is_none();
            before = read.unwrap_or_default();
            self.here += before.len();
        }
        let fresh = || Day { rows: before, touched: 0, changed: laid.is_none() };
        let of = self.days.entry(day).or_insert_with(fresh);
        of.touched = self.steps;
        of
    }
}

/// A day as it was laid down, if all of it is there.
fn read<V: Packed>(shelf: &mut dyn Shelf, day: i32, rows: usize) -> Option<HashMap<Rest, V>> {
    let bytes = shelf.look(day)?;
    let whole = bytes.chunks_exact(REST + V::BYTES);
    let read: HashMap<Rest, V> = whole
        .map(|row| {
            let (rest, value) = row.split_at(REST);
            Some((rest.try_into().ok()?, V::unpack(value)?))
        })
        .collect::<Option<_>>()?;
    (read.len() == rows && bytes.len() == rows * (REST + V::BYTES)).then_some(read)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    impl Packed for char {
        const BYTES: usize = 4;

        fn pack(&self, to: &mut Vec<u8>) {
            to.extend(u32::from(*self).to_le_bytes());
        }

        fn unpack(from: &[u8]) -> Option<Self> {
            char::from_u32(u32::from_le_bytes(from.try_into().ok()?))
        }

        fn place(&self) -> u64 {
            u64::from(u32::from(*self))
        }
    }

    #[derive(Debug, Default, Clone)]
    struct Board(Arc<Mutex<BTreeMap<i32, Vec<u8>>>>);

    impl Shelf for Board {
        fn lay(&mut self, day: i32, bytes: &[u8]) -> bool {
            self.0.lock().unwrap().insert(day, bytes.to_vec());
            true
        }

        fn look(&mut self, day: i32) -> Option<Vec<u8>> {
            self.0.lock().unwrap().get(&day).cloned()
        }

        fn clear(&mut self, day: i32) {
            self.0.lock().unwrap().remove(&day);
        }
    }

    fn id(day: i32, rest: u8) -> RecordId {
        whole(day, &[rest; 12])
    }

    #[test]
    fn each_record_has_its_own_value_until_its_day_is_let_go() {
        let mut all = ByDay::default();
        assert_eq!(all.insert(id(-3, 1), 'a'), None);
        assert_eq!(all.insert(id(20_000, 1), 'b'), None);
        assert_eq!(all.insert(id(20_000, 2), 'c'), None);
        assert_eq!(all.insert(id(20_000, 2), 'd'), Some('c'));
        assert_eq!(
            all.find(|_| true, |id, value| id.days() < 0 || *value == 'd'),
            [id(-3, 1), id(20_000, 2)]
        );
        assert_eq!(all.settle(), [0; 0], "without a shelf all stays where it is");
        all.let_go(20_000);
        assert_eq!((all.get(id(-3, 1)), all.get(id(20_000, 1))), (None, Some('b')));
        assert_eq!((all.remove(id(20_000, 1)), all.remove(id(20_000, 1))), (Some('b'), None));
        assert_eq!(all.find(|_| true, |_, _| true), [id(20_000, 2)]);
        assert!(all.is_sound());
    }

    #[test]
    fn days_that_nothing_touches_lie_on_the_shelf_and_come_back_as_they_were() {
        let board = Board::default();
        let mut all = ByDay::on(Box::new(board.clone()), 4);
        let laid = |board: &Board| board.0.lock().unwrap().keys().copied().collect::<Vec<_>>();
        for day in 1..=5 {
            for rest in 0..2 {
                all.insert(id(day, rest), char::from(b'a' + rest));
                all.settle();
            }
        }
        assert_eq!(laid(&board), [1, 2, 3], "two days have room");
        assert_eq!(
            all.insert(id(2, 1), 'z'),
            Some('b'),
            "a correction of a day on the shelf knows what it corrects"
        );
        all.settle();
        let mut found = all.find(|_| true, |_, value| *value != 'a');
        found.sort();
        assert_eq!(found, [1, 2, 3, 4, 5].map(|day| id(day, 1)));
        assert_eq!(all.of(2).filter(|value| *value == 'z').count(), 1);
        assert_eq!((all.remove(id(1, 0)), all.remove(id(1, 1))), (Some('a'), Some('b')));
        all.let_go(3);
        all.settle();
        assert!(!laid(&board).iter().any(|day| *day < 3), "what is let go lies nowhere");
        assert_eq!(all.find(|_| true, |_, _| true).len(), 6);
        assert!(all.is_sound());
    }

    #[test]
    fn days_that_are_touched_in_turn_stay_in_memory() {
        let board = Board::default();
        let mut all = ByDay::on(Box::new(board.clone()), 30);
        for rest in 0..50 {
            for day in 1..=4 {
                all.insert(id(day, rest), 'a');
                assert!(all.settle().is_empty(), "{rest}");
            }
        }
        for rest in 50..150 {
            all.insert(id(5, rest), 'a');
            all.settle();
        }
        assert_eq!(board.0.lock().unwrap().len(), 4, "once others are at work, they go");
        let before = |first| move |places: (u64, u64)| places.0 < first;
        let found = |all: &mut ByDay<char>, first| all.find(before(first), |_, _| true).len();
        assert_eq!(found(&mut all, u64::from(u32::from('b'))), 300, "of all days");
        assert_eq!(found(&mut all, 1), 100, "of those that may have any, and what is in memory");
    }

    #[test]
    fn however_many_days_are_touched_in_turn_memory_has_a_bound() {
        let mut all = ByDay::on(Box::new(Board::default()), 10);
        for rest in 0..20 {
            for day in 1..=100 {
                all.insert(id(day, rest), 'a');
                all.settle();
                assert!(all.here <= 10 * CROWDED + 20, "{}", all.here);
            }
        }
        assert_eq!(all.find(|_| true, |_, _| true).len(), 2_000);
        (1..=100).for_each(|day| assert_eq!(all.remove(id(day, 7)), Some('a')));
        all.settle();
        assert!(all.here <= 10 * CROWDED && all.is_sound());
        assert_eq!(all.find(|_| true, |_, _| true).len(), 1_900);
    }

    #[test]
    fn a_day_that_can_not_be_read_again_is_told() {
        for spoil in [Vec::clear as fn(&mut Vec<u8>), |bytes| bytes.truncate(20), |bytes| bytes[15] = 0xff] {
            let board = Board::default();
            let mut all = ByDay::on(Box::new(board.clone()), 1);
            for day in 1..=3 {
                (0..2).for_each(|rest| assert_eq!(all.insert(id(day, rest), 'a'), None));
                all.settle();
            }
            board.0.lock().unwrap().get_mut(&1).map(spoil).unwrap();
            assert_eq!(all.get(id(2, 0)), Some('a'));
            assert!(all.is_sound());
            assert_eq!(all.get(id(1, 0)), None);
            assert!(!all.is_sound());
        }
    }
}
