//! The four loops of a running agent.

use super::Agent;
use crate::{error::AgentError, publish::Publisher, scan::Scanner};
use notify::{RecursiveMode, Watcher};
use std::{sync::Arc, time::Duration};
use tokio::sync::{mpsc, watch};

/// How often the hub is asked for a checkpoint.
const CONTACT: Duration = Duration::from_secs(60);
/// Longest time between two rounds of publishing, so that no lost wake-up matters.
const ROUND: Duration = Duration::from_secs(15);

/// Reads the folders whenever something changes in them, and now and then anyway.
pub(super) async fn scanning(agent: Arc<Agent>, mut stop: watch::Receiver<bool>) {
    let (changed, mut changes) = mpsc::channel(1);
    let watcher = watch_folders(&agent, changed);
    if watcher.is_none() {
        tracing::warn!("the folders can't be watched; they are looked at now and then");
    }
    let poll = agent.settings.sources.iter().map(|source| source.poll_seconds).min().unwrap_or(60);
    let mut scanner = Scanner::default();
    let mut failures = 0;
    while !*stop.borrow() {
        let wait = match agent.look(&mut scanner).await {
            Ok(looked) if looked.unsettled > 0 => {
                failures = 0;
                Duration::from_millis(agent.settings.pace.settle_ms.max(20))
            }
            Ok(_) => {
                failures = 0;
                Duration::from_secs(poll)
            }
            Err(error) => {
                failures += 1;
                tracing::error!(%error, "the folders could not be read");
                agent.wait(failures, &error)
            }
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            Some(()) = changes.recv() => {}
            _ = stop.changed() => return,
        }
    }
}

/// Watches the sources' folders and the outbox. `None` where the system can't.
fn watch_folders(agent: &Agent, changed: mpsc::Sender<()>) -> Option<notify::RecommendedWatcher> {
    let tell = move |event: notify::Result<notify::Event>| {
        // What we read ourselves is no change. A full channel means that a look is due already.
        if event.is_ok_and(|event| !event.kind.is_access()) {
            let _ = changed.try_send(());
        }
    };
    let mut watcher = notify::recommended_watcher(tell).ok()?;
    let folders = agent.settings.sources.iter().map(|source| &source.folder);
    let outbox = agent.settings.outbox.iter().map(|outbox| &outbox.folder);
    for folder in folders.chain(outbox) {
        watcher.watch(folder, RecursiveMode::NonRecursive).ok()?;
    }
    Some(watcher)
}

/// Publishes whatever waits, as soon as it waits.
pub(super) async fn publishing(agent: Arc<Agent>, mut stop: watch::Receiver<bool>) {
    let mut publisher = Publisher::new();
    let mut failures = 0;
    while !*stop.borrow() {
        let done = async {
            let hub = agent.hub().await?;
            agent.publish(&mut publisher, &*hub).await
        };
        let wait = match done.await {
            Ok(published) => {
                failures = 0;
                if published != crate::publish::Published::default() {
                    tracing::info!(%published, "published");
                }
                until_next_retry(&agent).await
            }
            Err(error) => {
                publisher.close();
                agent.after_failure(&error).await;
                failures += 1;
                tracing::warn!(%error, "publishing failed; everything is kept and tried again");
                agent.wait(failures - 1, &error)
            }
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = agent.spool.woken(), if failures == 0 => {}
            _ = stop.changed() => return,
        }
    }
}

async fn until_next_retry(agent: &Agent) -> Duration {
    match agent.spool.next_retry().await {
        Ok(Some(at)) => {
            let us = at.saturating_sub(agent.clock.now().micros()).max(0).unsigned_abs();
            Duration::from_micros(us).clamp(Duration::from_millis(100), ROUND)
        }
        Ok(None) | Err(_) => ROUND,
    }
}

/// Holds the feed open and writes back what comes.
pub(super) async fn receiving(agent: Arc<Agent>, mut stop: watch::Receiver<bool>) {
    let mut failures = 0;
    while !*stop.borrow() {
        let error = tokio::select! {
            ended = receive(&agent, &mut failures) => ended,
            _ = stop.changed() => return,
        };
        agent.after_failure(&error).await;
        tracing::warn!(%error, "receiving was interrupted; it goes on from the last record that is safe");
        let wait = agent.wait(failures, &error);
        failures += 1;
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            _ = stop.changed() => return,
        }
    }
}

/// Receives until something fails, and says what.
async fn receive(agent: &Agent, failures: &mut u32) -> AgentError {
    let received = async {
        let hub = agent.hub().await?;
        agent.resume(&*hub).await?;
        let mut feed = hub.receive(agent.spool.cursor().await?.sequence).await?;
        loop {
            match tokio::time::timeout(ROUND, feed.next()).await {
                Err(_) => agent.resume(&*hub).await?,
                Ok(piece) => {
                    let Some(piece) = piece? else { return Err(crate::HubError::Unreachable.into()) };
                    agent.take(&*hub, &piece).await?;
                    *failures = 0;
                }
            }
        }
    };
    let ended: Result<std::convert::Infallible, AgentError> = received.await;
    match ended {
        Err(error) => error,
    }
}

/// Renews the certificate in time, and checks the log's history now and then.
pub(super) async fn upkeep(agent: Arc<Agent>, mut stop: watch::Receiver<bool>) {
    let mut failures = 0;
    while !*stop.borrow() {
        let done = async {
            agent.renew_if_due().await?;
            let hub = agent.hub().await?;
            agent.contact(&*hub).await
        };
        let wait = match done.await {
            Ok(()) => {
                failures = 0;
                CONTACT
            }
            Err(error) => {
                agent.after_failure(&error).await;
                failures += 1;
                tracing::warn!(%error, "the hub can't be asked for its history, or the certificate not renewed");
                agent.wait(failures, &error)
            }
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            _ = stop.changed() => return,
        }
    }
}
