//! Watching from outside: the homes' outboxes as files, and every agent's status as `agent status` shows it.
//!
//! Both watchers tell what they see over a channel and end when nobody listens.

use super::{
    readback::{self, Outbox},
    setup::Setup,
    stage,
};
use crate::real::Real;
use commonroll_agent::{Settings, run::Agent, status::Status};
use std::{
    collections::BTreeSet,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::mpsc;

/// Time between two looks into the outboxes. A record's time from end to end is at most this much too long.
const OUTBOX_LOOK: Duration = Duration::from_millis(15);
/// Time between two looks at the agents' status.
const STATUS_LOOK: Duration = Duration::from_millis(150);
/// How many times as long both are once nothing is measured any more: a demo that is left open shall not keep a machine busy.
const AT_LEISURE: u32 = 8;

/// How often the watchers look.
#[derive(Clone, Default)]
pub struct Pace(Arc<AtomicBool>);

impl Pace {
    /// From now on seldom.
    pub fn slow_down(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn of(&self, between: Duration) -> Duration {
        if self.0.load(Ordering::Relaxed) { between * AT_LEISURE } else { between }
    }
}

/// What a watcher saw.
pub enum Seen {
    /// New rows in a home's outbox, and when they were seen.
    Rows(usize, Outbox, Instant),
    /// A partner's status.
    Status(usize, Box<Status>),
}

/// Starts both watchers.
pub fn start(root: &Path, setup: &Setup) -> (mpsc::Receiver<Seen>, Pace) {
    let pace = Pace::default();
    let (tell, seen) = mpsc::channel(64);
    let homes: Vec<_> = setup
        .partners
        .iter()
        .map(|partner| (partner.slug.clone(), stage::outbox(root, &partner.slug)))
        .collect();
    let (told, looking) = (tell.clone(), pace.clone());
    tokio::task::spawn_blocking(move || {
        let mut known = vec![BTreeSet::new(); homes.len()];
        loop {
            for (place, (slug, folder)) in homes.iter().enumerate() {
                let at = Instant::now();
                let outbox = readback::read(slug, folder, &mut known[place]);
                let empty =
                    outbox.rows.is_empty() && outbox.sessions.is_empty() && outbox.unreadable.is_empty();
                if !empty && told.blocking_send(Seen::Rows(place, outbox, at)).is_err() {
                    return;
                }
            }
            if told.is_closed() {
                return;
            }
            std::thread::sleep(looking.of(OUTBOX_LOOK));
        }
    });
    let files: Vec<_> =
        setup.partners.iter().map(|partner| stage::folder(root, &partner.slug).join("agent.toml")).collect();
    let looking = pace.clone();
    tokio::spawn(async move {
        let mut agents: Vec<Option<Agent>> = files.iter().map(|_| None).collect();
        while !tell.is_closed() {
            for (place, file) in files.iter().enumerate() {
                if let Some(status) = look(&mut agents[place], file).await
                    && tell.send(Seen::Status(place, Box::new(status))).await.is_err()
                {
                    return;
                }
            }
            tokio::time::sleep(looking.of(STATUS_LOOK)).await;
        }
    });
    (seen, pace)
}

async fn look(agent: &mut Option<Agent>, file: &Path) -> Option<Status> {
    if agent.is_none() {
        let settings = Settings::load(file).ok()?;
        // The agent itself makes its spool; until then there is nothing to look at.
        if !settings.spool_file().exists() {
            return None;
        }
        *agent = Agent::open(settings, Arc::new(Real), Arc::new(Real)).await.ok();
    }
    agent.as_ref()?.status().await.ok()
}
