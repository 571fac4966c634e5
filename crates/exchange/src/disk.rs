//! The disk of the database when it is full: what is still written, from what, and when everything is again.
//!
//! A hub holds some room in reserve. Once the disk is full it gives that back: from then on records are refused, and kept by
//! who sends them, while all that is small and matters is written: entries of what is shown and refused, sign-ins,
//! revocations, receipts, what institutions declare. Records are taken again when the disk has room for the reserve, too.
//!
//! What the reserve is made of isn't known here: see [`Reserve`]. A database elsewhere has none; nothing is written then until
//! there is room.

use commonroll_store::StoreError;
use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, Ordering},
};

/// Room on the disk of the database that is held for what must be written when nothing else fits.
pub trait Reserve: std::fmt::Debug + Send + Sync {
    /// Gives the room back to the disk, if it is held.
    fn give_back(&self);

    /// Takes it again, if the disk has so much room and some to spare, and nothing if it doesn't. False if it was given back
    /// and there is no room for it yet: records wait then.
    fn take(&self) -> bool;
}

/// What is known of the disk.
#[derive(Debug, Default)]
pub(crate) struct Disk {
    reserve: OnceLock<Arc<dyn Reserve>>,
    /// This program serves, so the reserve is its to hold.
    serves: AtomicBool,
    /// Records are refused.
    full: AtomicBool,
    /// Not even what was held in reserve is left.
    spent: AtomicBool,
}

impl Disk {
    /// Holds a reserve from now on. A second one is not taken.
    pub fn hold(&self, reserve: Arc<dyn Reserve>) {
        let _ = self.reserve.set(reserve);
    }

    /// True since a write found no room.
    pub fn is_full(&self) -> bool {
        self.full.load(Ordering::Relaxed)
    }

    /// True if no records are taken, so that what was held in reserve is left for all else. Without a reserve each one is tried.
    pub fn refuses_records(&self) -> bool {
        self.is_full() && self.reserve.get().is_some()
    }

    /// True if nothing at all can be written.
    pub fn is_spent(&self) -> bool {
        self.is_full() && self.spent.load(Ordering::Relaxed)
    }

    /// Why the hub isn't ready, and what to do about it; `None` if the disk has room.
    pub fn complaint(&self) -> Option<&'static str> {
        if !self.is_full() {
            return None;
        }
        Some(match (self.spent.load(Ordering::Relaxed), self.reserve.get().is_some()) {
            (false, true) => {
                "the disk of the database is full: records are refused, all else is written from the reserve; free \
                 some space or enlarge the disk, the hub goes on by itself"
            }
            (true, true) => {
                "the disk of the database is full, and so is the reserve: nothing can be written; free some space or \
                 enlarge the disk, the hub goes on by itself"
            }
            (_, false) => {
                "the disk of the database is full: nothing can be written; free some space or enlarge the disk, the \
                 hub goes on by itself"
            }
        })
    }

    /// A write came to nothing, for the first time or when it was tried again. True if it's to be tried again: what was held
    /// in reserve has been given back, by this write or by another that ran into the full disk in the same moment.
    pub fn failed(&self, error: &StoreError, again: bool) -> bool {
        if !matches!(error, StoreError::Full(_)) {
            return false;
        }
        let first = !self.full.swap(true, Ordering::Relaxed);
        let reserve = self.reserve.get();
        if let Some(reserve) = reserve {
            reserve.give_back();
        }
        let spent = (again || reserve.is_none()) && !self.spent.swap(true, Ordering::Relaxed);
        if let (true, Some(why)) = (first || spent, self.complaint()) {
            tracing::error!("{why}");
        }
        reserve.is_some() && !again
    }

    /// Something was written. Without a reserve that says that there is room.
    pub fn wrote(&self) {
        self.spent.store(false, Ordering::Relaxed);
        if self.reserve.get().is_none() {
            self.full.store(false, Ordering::Relaxed);
        }
    }

    /// This program serves from now on: where its reserve was given back and can't be held again, it takes no records.
    pub async fn serve(&self) {
        self.serves.store(true, Ordering::Relaxed);
        self.keep().await;
    }

    /// Looks whether another program, which ran into the full disk first, has given the reserve back.
    pub async fn keep(&self) {
        if self.serves.load(Ordering::Relaxed)
            && !self.has_room().await
            && !self.full.swap(true, Ordering::Relaxed)
        {
            tracing::error!("{}", self.complaint().unwrap_or_default());
        }
    }

    /// True if the disk seems to have room again; the reserve is held again then. Where it must be written out, that takes a
    /// while.
    pub async fn has_room(&self) -> bool {
        let Some(reserve) = self.reserve.get().cloned() else { return true };
        tokio::task::spawn_blocking(move || reserve.take()).await.unwrap_or(false)
    }

    /// It was written that there is room again.
    pub fn recovered(&self) {
        self.full.store(false, Ordering::Relaxed);
        tracing::info!("the disk of the database has room again; records are taken");
    }
}
