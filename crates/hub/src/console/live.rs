//! Live updates: the server only says that there is something new; the page then asks for it as it asks for any page, so
//! that every look is decided and noted. Nothing about anybody travels here.
//!
//! A person has so many pages live at a time. With one more the oldest ends and comes back a minute later, so that the page
//! which somebody has just opened is always the one that moves.

use super::{Console, signed::Signed};
use axum::response::sse::{Event, KeepAlive, Sse};
use commonroll_core::PersonId;
use commonroll_exchange::SessionId;
use futures_util::{Stream, StreamExt, stream};
use std::{
    collections::{HashMap, VecDeque},
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    sync::watch,
    time::{Instant, sleep, sleep_until},
};
use tokio_util::sync::CancellationToken;

/// The session is looked at again this often, news or none.
const LOOK: Duration = Duration::from_secs(15);
/// A page to which marks come is told at once, and then at most this often: it shows each within two seconds, and hundreds of
/// pages leave the hub time for the marks.
const PACE: Duration = Duration::from_secs(1);
/// A page that has lost its hub looks for it again after so long.
const SOON: Duration = Duration::from_secs(1);
/// A page that made room for another asks again after so long.
const LATER: Duration = Duration::from_secs(60);

/// The pages that are live now, by person, the oldest first.
pub(crate) struct Live {
    most: usize,
    open: Mutex<HashMap<PersonId, VecDeque<Arc<Page>>>>,
}

/// One page that is live.
struct Page {
    session: SessionId,
    /// The session is over.
    over: CancellationToken,
    /// Another page needs the room.
    crowded: CancellationToken,
}

/// A page's place; given back when it is dropped.
struct Place {
    live: Arc<Live>,
    person: PersonId,
    page: Arc<Page>,
}

impl Live {
    /// So many for each person.
    pub fn new(most: u32) -> Arc<Self> {
        Arc::new(Self { most: most as usize, open: Mutex::default() })
    }

    fn place(self: &Arc<Self>, person: PersonId, session: SessionId) -> Place {
        let (over, crowded) = (CancellationToken::new(), CancellationToken::new());
        let page = Arc::new(Page { session, over, crowded });
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let theirs = open.entry(person).or_default();
        while theirs.len() >= self.most
            && let Some(oldest) = theirs.pop_front()
        {
            oldest.crowded.cancel();
        }
        theirs.push_back(page.clone());
        Place { live: self.clone(), person, page }
    }

    /// Ends what is live of a session that is over, at once.
    pub(super) fn end(&self, session: &SessionId) {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.values().flatten().filter(|page| page.session == *session).for_each(|page| page.over.cancel());
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.live.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(theirs) = open.get_mut(&self.person) {
            theirs.retain(|page| !Arc::ptr_eq(page, &self.page));
            if theirs.is_empty() {
                open.remove(&self.person);
            }
        }
    }
}

/// When a page is told to look again.
#[derive(Debug)]
pub(super) enum Beat {
    /// Now and then as well, for what it says ages; and what comes mark by mark in step. What this number counts doesn't wait.
    Steady(watch::Receiver<u64>),
    /// Only when there is something new.
    News,
}

impl Beat {
    /// Until a page that was told a moment ago is told again.
    async fn paced(&mut self, told: Option<Instant>) {
        if let (Self::Steady(at_once), Some(told)) = (self, told) {
            tokio::select! {
                Ok(()) = at_once.changed() => {}
                () = sleep_until(told + PACE) => {}
            }
        }
    }

    /// All that there was is told.
    fn told(&mut self) {
        if let Self::Steady(at_once) = self {
            at_once.mark_unchanged();
        }
    }
}

/// A page that is told, and when it was last.
struct Hearer {
    console: Console,
    changes: watch::Receiver<u64>,
    beat: Beat,
    place: Place,
    told: Option<Instant>,
}

/// Says `changed` whenever the number changes, for as long as the session is good and the hub runs.
pub(super) fn news(
    console: Console,
    signed: Signed,
    changes: watch::Receiver<u64>,
    beat: Beat,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let (stop, id, role) = (console.stopping.clone(), signed.secret.id(), signed.role());
    let place = console.live.place(signed.seen.speaker.id(), id);
    let hearer = Hearer { console, changes, beat, place, told: None };
    let stream = stream::unfold(Some(hearer), move |hearer| {
        let stop = stop.clone();
        async move {
            let mut hearer = hearer?;
            loop {
                let (page, steady) = (hearer.place.page.clone(), matches!(hearer.beat, Beat::Steady(_)));
                let changed = async {
                    let changed = hearer.changes.changed().await;
                    hearer.beat.paced(hearer.told).await;
                    changed
                };
                let is_new = tokio::select! {
                    biased;
                    () = stop.cancelled() => return None,
                    () = page.over.cancelled() => return None,
                    () = page.crowded.cancelled() => return Some((Ok(Event::default().retry(LATER)), None)),
                    changed = changed => changed.is_ok().then_some(true)?,
                    () = sleep(LOOK) => steady,
                };
                // Whoever was signed out, or lost the role, hears nothing more.
                let now = hearer.console.around.now();
                hearer.console.exchange.clock_holds(now).ok()?;
                let seen = hearer.console.exchange.session(&id, false, now).await.ok()?;
                if seen.role != role {
                    return None;
                }
                if is_new {
                    hearer.beat.told();
                    hearer.told = Some(Instant::now());
                    let turn = hearer.changes.borrow_and_update().to_string();
                    return Some((Ok(Event::default().event("changed").data(turn)), Some(hearer)));
                }
            }
        }
    });
    let first = stream::once(async { Ok(Event::default().retry(SOON)) });
    Sse::new(first.chain(stream)).keep_alive(KeepAlive::new().interval(LOOK))
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[tokio::test]
    async fn a_mark_waits_for_the_next_second_and_an_alarm_for_nothing() {
        let (alarms, heard) = watch::channel(0);
        let mut beat = Beat::Steady(heard);
        assert!(beat.paced(None).now_or_never().is_some(), "the first thing is told at once");
        let told = Instant::now();
        assert!(beat.paced(Some(told)).now_or_never().is_none(), "a mark right after it waits");
        let before = told.checked_sub(2 * PACE).unwrap();
        assert!(beat.paced(Some(before)).now_or_never().is_some(), "later it is told");

        // Told an hour ahead, only an alarm can end the wait.
        let ahead = Some(told + Duration::from_secs(3_600));
        alarms.send_replace(1);
        assert!(beat.paced(ahead).now_or_never().is_some(), "an alarm is told at once");
        assert!(beat.paced(ahead).now_or_never().is_none(), "once");
        alarms.send_replace(2);
        beat.told();
        assert!(
            beat.paced(ahead).now_or_never().is_none(),
            "what the page has been told with a mark holds nobody up"
        );
        assert!(Beat::News.paced(ahead).now_or_never().is_some(), "what is only news is told as it comes");
    }
}
