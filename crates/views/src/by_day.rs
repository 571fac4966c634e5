//! What is kept of each of very many records, by the school date inside the record's id.
//!
//! A day's records lie together: what is too old goes at once, a growing map is never copied as a whole, and the date is
//! not kept again with each.

use commonroll_core::RecordId;
use std::collections::{BTreeMap, HashMap};

/// A record's id without the date before it.
type Rest = [u8; 12];

/// A value for each record.
#[derive(Debug, Clone)]
pub struct ByDay<V> {
    days: BTreeMap<i32, HashMap<Rest, V>>,
}

impl<V> Default for ByDay<V> {
    fn default() -> Self {
        Self { days: BTreeMap::new() }
    }
}

fn parts(id: RecordId) -> (i32, Rest) {
    let mut rest = [0; 12];
    rest.copy_from_slice(&id.0[4..]);
    (id.days(), rest)
}

fn whole(day: i32, rest: &Rest) -> RecordId {
    let mut id = [0; 16];
    id[..4].copy_from_slice(&day.to_be_bytes());
    id[4..].copy_from_slice(rest);
    RecordId(id)
}

impl<V> ByDay<V> {
    /// A record's value.
    pub fn get(&self, id: RecordId) -> Option<&V> {
        let (day, rest) = parts(id);
        self.days.get(&day)?.get(&rest)
    }

    /// Sets a record's value; gives the one before.
    pub fn insert(&mut self, id: RecordId, value: V) -> Option<V> {
        let (day, rest) = parts(id);
        self.days.entry(day).or_default().insert(rest, value)
    }

    /// Takes a record's value out.
    pub fn remove(&mut self, id: RecordId) -> Option<V> {
        let (day, rest) = parts(id);
        let of = self.days.get_mut(&day)?;
        let value = of.remove(&rest);
        if of.is_empty() {
            self.days.remove(&day);
        }
        value
    }

    /// Lets go of all records whose date is before a day.
    pub fn let_go(&mut self, before: i32) {
        self.days = self.days.split_off(&before);
    }

    /// All records and their values, the oldest days first.
    pub fn iter(&self) -> impl Iterator<Item = (RecordId, &V)> {
        self.days.iter().flat_map(|(day, of)| of.iter().map(|(rest, value)| (whole(*day, rest), value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let found: Vec<_> = all.iter().map(|(id, value)| (id.days(), *value)).collect();
        assert_eq!((found.len(), found[0]), (3, (-3, 'a')));
        all.let_go(20_000);
        assert_eq!((all.get(id(-3, 1)), all.get(id(20_000, 1))), (None, Some(&'b')));
        assert_eq!((all.remove(id(20_000, 1)), all.remove(id(20_000, 1))), (Some('b'), None));
        assert_eq!(all.iter().count(), 1);
    }
}
