//! What was judged, remembered by situation.
//!
//! There are about a million situations of persons, but only some hundred different verdicts. So a place per situation
//! holds just the number of a verdict (two bytes), and each verdict is kept once. Places come into being by the page,
//! since most situations never occur. Reading takes no lock.

use crate::why::Verdict;
use std::sync::{
    Mutex, OnceLock, PoisonError,
    atomic::{AtomicU16, Ordering},
};

/// Most different verdicts that are kept. A situation whose verdict finds no place is judged again each time.
const VERDICTS: usize = 4096;

/// Places of a page.
const PAGE: usize = 4096;

/// A bounded memo: a place for each situation there is.
pub(crate) struct Memo {
    /// Each place: 0, or one more than the verdict's number.
    pages: Box<[OnceLock<Box<[AtomicU16]>>]>,
    verdicts: Box<[OnceLock<Verdict>]>,
    /// How many verdicts are kept.
    kept: Mutex<usize>,
}

impl Memo {
    /// A memo for this many situations.
    pub fn new(situations: usize) -> Self {
        Self {
            pages: (0..situations.div_ceil(PAGE)).map(|_| OnceLock::new()).collect(),
            verdicts: (0..VERDICTS).map(|_| OnceLock::new()).collect(),
            kept: Mutex::new(0),
        }
    }

    /// The remembered verdict.
    #[inline]
    pub fn get(&self, situation: usize) -> Option<&Verdict> {
        // A verdict is written before its number, and the number is read before the verdict.
        let number = self.pages.get(situation / PAGE)?.get()?.get(situation % PAGE)?.load(Ordering::Acquire);
        self.verdicts.get(usize::from(number).checked_sub(1)?)?.get()
    }

    /// Remembers.
    pub fn keep(&self, situation: usize, verdict: &Verdict) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let known = self.verdicts[..*kept].iter().position(|other| other.get() == Some(verdict));
        let number = match known {
            Some(number) => number,
            None if *kept < VERDICTS => {
                if self.verdicts[*kept].set(verdict.clone()).is_err() {
                    return;
                }
                *kept += 1;
                *kept - 1
            }
            None => return,
        };
        let Some(page) = self.pages.get(situation / PAGE) else { return };
        let page = page.get_or_init(|| (0..PAGE).map(|_| AtomicU16::new(0)).collect());
        if let (Some(place), Ok(number)) = (page.get(situation % PAGE), u16::try_from(number + 1)) {
            place.store(number, Ordering::Release);
        }
    }
}
