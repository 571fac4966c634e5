//! Whereabouts boards that are open while a learner goes missing at every partner: how long after the mark was durable each
//! shows it. A board does what the page does: it listens, and asks for itself again whenever it is told to.

use super::{Arriving, PATIENCE, client::Place, town::Town};
use crate::commands::told;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// So long all boards are open before anybody goes missing.
const OPEN_FOR: Duration = Duration::from_secs(3);

/// Somebody's open board.
struct Board {
    place: Place,
    /// Whose: the place in the list of people.
    who: usize,
    /// The learner who goes missing, as alarms name them.
    name: String,
    stop: Arc<AtomicBool>,
    open: Arc<tokio::sync::Semaphore>,
}

impl Board {
    /// When it showed that the learner is missing.
    fn watch(&self) -> Result<Instant, String> {
        let mut page = self.place.enter(self.who)?;
        let mut live = self.place.open(page.cookie.clone())?;
        live.listen("/whereabouts/news")?;
        page.get("/whereabouts")?;
        self.open.add_permits(1);
        while !self.stop.load(Ordering::Relaxed) {
            live.hear()?;
            let body = page.get("/whereabouts")?.body;
            let mut alarms = body.split("alarm-name").skip(1).filter_map(|one| one.split("</p>").next());
            if alarms.any(|one| one.contains(&self.name)) {
                return Ok(Instant::now());
            }
        }
        Err("stopped".to_owned())
    }
}

/// Opens so many boards for these officers, by partner, in turn, marks a learner of every home absent, and gives how long after it was
/// durable the mark was on each: the shortest first.
pub async fn run(
    arriving: &Arriving,
    place: &Place,
    town: Town,
    (officers, count): (&[(u16, usize)], usize),
) -> Result<Vec<Duration>, String> {
    let (stop, open) = (Arc::new(AtomicBool::new(false)), Arc::new(tokio::sync::Semaphore::new(0)));
    let (tell, mut heard) = tokio::sync::mpsc::unbounded_channel();
    for (partner, who) in officers.iter().copied().cycle().take(count) {
        let (stop, open) = (stop.clone(), open.clone());
        let board = Board { place: place.clone(), who, name: town.missing(), stop, open };
        let (host, tell) = (town.host_of(partner), tell.clone());
        std::thread::spawn(move || tell.send((host, board.watch())));
    }
    let all = u32::try_from(count).map_err(told)?;
    tokio::select! {
        opened = tokio::time::timeout(PATIENCE, open.acquire_many(all)) => {
            opened.map_err(|_| "the boards could not all be opened")?.map_err(told)?.forget();
        }
        Some((_, Err(error))) = heard.recv() => return Err(format!("a board could not be opened: {error}")),
    }
    tokio::time::sleep(OPEN_FOR).await;
    arriving.absent.iter().for_each(|absent| absent.store(true, Ordering::Relaxed));
    let mut shown = Vec::new();
    for _ in 0..count {
        match tokio::time::timeout(PATIENCE, heard.recv()).await {
            Ok(Some((host, Ok(at)))) => shown.push((host, at)),
            Ok(Some((_, Err(error)))) => return Err(format!("a board ended: {error}")),
            _ => {
                stop.store(true, Ordering::Relaxed);
                return Err("a board did not show the mark within a minute".to_owned());
            }
        }
    }
    let after = |(host, at): (u16, Instant)| {
        let durable = arriving.durable.get(usize::from(host)).and_then(|durable| durable.get());
        durable.map(|durable| at.saturating_duration_since(*durable)).ok_or("a mark was not acknowledged")
    };
    let mut times = shown.into_iter().map(after).collect::<Result<Vec<_>, _>>()?;
    times.sort();
    Ok(times)
}
