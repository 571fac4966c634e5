//! What the directory knows of duties: payloads that must go and have not gone everywhere yet, and how long each
//! institution has its payloads kept.

use super::change::{Bytes16, Keeping, KeepingAsked};
use crate::duty::ranges::Ranges;
use commonroll_core::RecordKind;
use std::{collections::BTreeMap, sync::Arc};

/// Duties under way.
#[derive(Clone, Default)]
pub struct Duties {
    going: BTreeMap<Bytes16, Arc<Going>>,
    kept: BTreeMap<(u16, RecordKind), Kept>,
    /// Grows with every entry that says what must go, and with every setting: whoever planned before looks again.
    pub turn: u64,
    /// Grows with every change of what is set: what is kept no longer is looked for anew.
    pub rules: u64,
}

/// Payloads that an entry says must go.
#[derive(Debug, PartialEq, Eq)]
pub struct Going {
    /// Places in the log, from 0.
    pub of: Ranges,
    /// True if nothing may stay.
    pub whole: bool,
}

/// How long an institution has the payloads of a kind kept.
#[derive(Clone, Copy, PartialEq, Default)]
pub struct Kept {
    /// The rule that it has set itself; `None` for what its agreements say.
    pub rule: Option<Keeping>,
    /// What waits for its data protection officer.
    pub asked: Option<KeepingAsked>,
}

impl Duties {
    pub(super) fn put_erased(&mut self, id: Bytes16, of: &[(u64, u64)], whole: bool, done: bool) {
        match done {
            true => drop(self.going.remove(&id)),
            false => {
                self.turn += 1;
                self.going.insert(id, Arc::new(Going { of: Ranges::said(of), whole }));
            }
        }
    }

    pub(super) fn put_kept(
        &mut self,
        institution: u16,
        record: RecordKind,
        rule: Option<Keeping>,
        asked: Option<KeepingAsked>,
    ) {
        self.turn += 1;
        let held = self.kept.insert((institution, record), Kept { rule, asked });
        self.rules += u64::from(held.and_then(|held| held.rule) != rule);
    }

    /// What must go and has not yet.
    pub fn going(&self) -> impl Iterator<Item = (&Bytes16, &Arc<Going>)> {
        self.going.iter()
    }

    /// True if the payload at this place of the log (from 0) may not leave any more.
    pub fn is_going(&self, seq: u64) -> bool {
        !self.going.is_empty() && self.going.values().any(|going| going.of.holds(seq))
    }

    /// Whether all of the payload at this place of the log (from 0) must go, or its content alone; `None` if it stays.
    pub fn whole_is_going(&self, seq: u64) -> Option<bool> {
        let going = self.going.values().filter(|going| going.of.holds(seq));
        going.map(|going| going.whole).reduce(|one, other| one || other)
    }

    /// What an institution has set for a kind.
    pub fn kept(&self, institution: u16, record: RecordKind) -> Kept {
        self.kept.get(&(institution, record)).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_change_of_what_is_set_calls_for_a_new_look() {
        let (mut duties, days) = (Duties::default(), |days| Some(Keeping { days, even_waiting: false }));
        let (put, mark) = (Duties::put_kept, RecordKind::Attendance);
        let mut at = |change: &dyn Fn(&mut Duties)| {
            change(&mut duties);
            (duties.turn, duties.rules)
        };
        assert_eq!(at(&|d| d.put_erased(Bytes16([1; 16]), &[(1, 2)], true, false)), (1, 0));
        assert_eq!(at(&|d| d.put_erased(Bytes16([1; 16]), &[], true, true)), (1, 0));
        assert_eq!(at(&|d| put(d, 0, mark, days(30), None)), (2, 1));
        assert_eq!(at(&|d| put(d, 0, mark, days(30), None)), (3, 1), "planned anew, not looked for anew");
        assert_eq!(at(&|d| put(d, 0, mark, None, None)), (4, 2));
    }
}
