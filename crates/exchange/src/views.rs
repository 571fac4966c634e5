//! The views that a node keeps in memory, and what they need besides the log. A node that serves opens them once.

use crate::{
    Exchange,
    alignment::AlignmentView,
    directory::Directory,
    progress::ProgressView,
    projection::{Projection, ReadBody, Shown, View, lock},
    readiness::{self, ReadinessView},
    shared::Shared,
    watches::Look,
    whereabouts::{self, Covered, Evening, Whereabouts},
};
use commonroll_core::Timestamp;
use commonroll_views::{Shelf, whereabouts::Detectors};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, RwLock},
};
use tokio::sync::{MutexGuard, watch};

/// What hangs on the log.
pub(crate) struct Views {
    /// The follower that feeds the views.
    projection: tokio::sync::Mutex<Projection>,
    /// The board.
    pub whereabouts: Shown<Whereabouts>,
    /// What was held against each other last, of the next day's timetables.
    pub evening: Mutex<Evening>,
    /// Whom new records are about, for those who watch them.
    pub watches: Shown<Look>,
    /// Reads a record's open parts.
    pub read: ReadBody,
    /// The figures.
    pub progress: Shown<ProgressView>,
    /// How ready each partner's data is.
    pub readiness: Shown<ReadinessView>,
    /// What partners' data mean, held against each other.
    pub alignment: Shown<AlignmentView>,
    /// Grows whenever a board may look different.
    pub board_changes: watch::Sender<u64>,
    /// Grows whenever there is something to tell of it.
    pub board_alarms: watch::Sender<u64>,
    /// Whom the newest entries of each person's board cover.
    pub covered: Mutex<Covered>,
    /// When each source last said that it is current.
    pub words: Mutex<HashMap<u16, i64>>,
    /// How many placements wait for another's word at each institution, and of when and of which directory that is.
    waiting_sides: Mutex<HashMap<u16, Waiting>>,
}

/// What waits at an institution.
#[derive(Clone, Copy)]
struct Waiting {
    /// The directory it was counted in.
    version: u64,
    at: Timestamp,
    sides: (u64, u64),
}

/// How old what waits at all partners at once may be, while the directory changes: the whole of it is gone through for that.
const WAITING_US: i64 = 60_000_000;

impl Views {
    /// [`Directory::waiting_sides`] for who asks about all institutions at once: of this directory, or of a minute ago at most.
    pub fn waiting_sides(&self, directory: &Directory, number: u16, now: Timestamp) -> (u64, u64) {
        let held = lock(&self.waiting_sides).get(&number).copied();
        let good = held.filter(|held| {
            let age = now.micros() - held.at.micros();
            held.version == directory.version || (0..WAITING_US).contains(&age)
        });
        if let Some(held) = good {
            return held.sides;
        }
        let sides = directory.waiting_sides(number);
        lock(&self.waiting_sides).insert(number, Waiting { version: directory.version, at: now, sides });
        sides
    }
}

impl Exchange {
    /// Opens the views of this node; they are fed by its ticks from then on. `read` says what lies in a record's open field
    /// groups. Once; a second call changes nothing.
    pub fn open_views(&self, read: ReadBody, now: Timestamp) {
        self.open_views_by(Detectors::ALL, read, now);
    }

    /// The same with a shelf for what views keep of days that nothing touches, so that memory holds little of a long log.
    pub fn open_views_on(&self, shelf: Box<dyn Shelf>, read: ReadBody, now: Timestamp) {
        self.hang_views(Detectors::ALL, Some(shelf), read, now);
    }

    /// The same with only some ways of finding out that something is wrong: for simulated days.
    pub fn open_views_by(&self, detectors: Detectors, read: ReadBody, now: Timestamp) {
        self.hang_views(detectors, None, read, now);
    }

    fn hang_views(
        &self,
        detectors: Detectors,
        shelf: Option<Box<dyn Shelf>>,
        read: ReadBody,
        now: Timestamp,
    ) {
        let open = || {
            let whereabouts = Arc::new(RwLock::new(Whereabouts::new(detectors, now)));
            let progress = Arc::new(RwLock::new(ProgressView::new(Arc::downgrade(&self.shared), shelf)));
            let watches: Shown<Look> = Arc::default();
            let readiness = Arc::new(RwLock::new(ReadinessView::new(Arc::downgrade(&self.shared))));
            let alignment: Shown<AlignmentView> = Arc::default();
            let all: Vec<Shown<dyn View>> = vec![
                whereabouts.clone(),
                progress.clone(),
                watches.clone(),
                readiness.clone(),
                alignment.clone(),
            ];
            Views {
                projection: tokio::sync::Mutex::new(Projection::new(read, all)),
                whereabouts,
                evening: Mutex::new(Evening::new(detectors)),
                watches,
                read,
                progress,
                readiness,
                alignment,
                board_changes: watch::Sender::new(0),
                board_alarms: watch::Sender::new(0),
                covered: Mutex::default(),
                words: Mutex::default(),
                waiting_sides: Mutex::default(),
            }
        };
        self.shared.views.get_or_init(open);
    }
}

/// Feeds the views with what is new, and lets them come to this moment, unless that is being done already.
pub(crate) async fn tick(shared: &Arc<Shared>, now: Timestamp) {
    let Some(views) = shared.views.get() else { return };
    if let Ok(projection) = views.projection.try_lock() {
        come_to(shared, projection, now).await;
    }
}

/// The same for whoever leans on what was committed before: it waits. False if the views could not be fed.
///
/// A task of its own: a caller who goes away in the midst of a block would leave views that hold its beginning, and are
/// handed it once more.
pub(crate) async fn catch_up(shared: &Arc<Shared>, now: Timestamp) -> bool {
    let shared = shared.clone();
    let come = tokio::spawn(async move {
        let Some(views) = shared.views.get() else { return false };
        come_to(&shared, views.projection.lock().await, now).await
    });
    come.await.unwrap_or(false)
}

async fn come_to(shared: &Arc<Shared>, mut projection: MutexGuard<'_, Projection>, now: Timestamp) -> bool {
    if projection.advance(shared, now).await.is_err() {
        tracing::warn!("the log could not be read for the views; it is tried again");
        return false;
    }
    whereabouts::tick(shared, now).await;
    // Whoever waits for what was committed needn't wait for that.
    drop(projection);
    if let Some(views) = shared.views.get() {
        readiness::tick(&views.readiness, now).await;
    }
    true
}
