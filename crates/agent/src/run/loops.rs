//! The loops of a running agent.

use super::Agent;
use crate::{error::AgentError, fetch, publish::Publisher, scan::Scanner};
use notify::{RecursiveMode, Watcher};
use std::{path::Path, sync::Arc, time::Duration};
use tokio::sync::{mpsc, watch};

/// How often the hub is asked for a checkpoint.
const CONTACT: Duration = Duration::from_secs(60);
/// How long rows that are being carried into the MIS may take once the agent is told to stop.
const LAST_ROWS: Duration = Duration::from_secs(1);
/// Longest time between two rounds of publishing, so that no lost wake-up matters.
const ROUND: Duration = Duration::from_secs(15);

/// Reads the folders whenever something changes in them, and now and then anyway.
pub(super) async fn scanning(agent: Arc<Agent>, mut stop: watch::Receiver<bool>) {
    let (changed, mut changes) = mpsc::channel(1);
    let watcher = watch_folders(&agent, changed);
    if watcher.is_none() {
        tracing::warn!("the folders can't be watched; they are looked at now and then");
    }
    // What is fetched lies in folders of our own, which are looked at as often as others at least.
    let looks = agent.settings.sources.iter().map(|source| match source.asked {
        Some(_) => source.poll_seconds.min(60),
        None => source.poll_seconds,
    });
    let poll = looks.min().unwrap_or(60);
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

/// Asks the MIS of one source, if it is one that is fetched, at the source's own pace.
pub(super) async fn fetching(agent: Arc<Agent>, source: usize, mut stop: watch::Receiver<bool>) {
    let Some(source) = agent.settings.sources.get(source) else { return };
    let Some(fetcher) = agent.fetchers.get(&source.name) else { return };
    let mut failures = 0;
    while !*stop.borrow() {
        let round = tokio::select! {
            round = fetch::round(source, &**fetcher, &agent.spool, agent.today()) => round,
            // What was under way is dropped: nothing of it was ever seen.
            _ = stop.changed() => return,
        };
        let wait = match round {
            Ok(round) => {
                failures = if matches!(round, fetch::Round::Done(_)) { 0 } else { failures + 1 };
                fetch::wait(source, failures, &round, &*agent.rng).max(fetcher.rest())
            }
            Err(error) => {
                failures += 1;
                tracing::error!(%error, source = source.name, "the MIS is not read for now");
                agent.wait(failures, &error)
            }
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            _ = stop.changed() => return,
        }
    }
}

fn is_hidden(path: &Path) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with('.'))
}

/// Watches the sources' folders and the outbox. `None` where the system can't.
fn watch_folders(agent: &Agent, changed: mpsc::Sender<()>) -> Option<notify::RecommendedWatcher> {
    let tell = move |event: notify::Result<notify::Event>| {
        // What we read ourselves is no change, nor is a hidden file: no export is one. A full channel means that a look is due.
        let is_change = |event: notify::Event| {
            let hidden = !event.paths.is_empty() && event.paths.iter().all(|path| is_hidden(path));
            !event.kind.is_access() && !hidden
        };
        if event.is_ok_and(is_change) {
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

/// Carries into the MIS what the outbox holds, as soon as something new is there or a row is due again.
pub(super) async fn applying(agent: Arc<Agent>, mut stop: watch::Receiver<bool>) {
    let mut failures = 0;
    while !*stop.borrow() {
        let mut round = std::pin::pin!(agent.apply());
        let applied = tokio::select! {
            applied = &mut round => applied,
            _ = stop.changed() => {
                // What doesn't come to its end in this time is dropped: a row that stands in the MIS is recognised there.
                let _ = tokio::time::timeout(LAST_ROWS, round).await;
                return;
            }
        };
        let wait = match applied {
            Ok(applied) => {
                failures = 0;
                applied.map_or(ROUND, |applied| applied.rest).max(Duration::from_millis(50))
            }
            Err(error) => {
                failures += 1;
                tracing::error!(%error, "rows can't be carried into the MIS for now");
                agent.wait(failures - 1, &error)
            }
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = agent.written.notified() => {}
            _ = stop.changed() => return,
        }
    }
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

/// Asks now and then what people here decided of session codes, and says what became of it.
pub(super) async fn deciding(agent: Arc<Agent>, mut stop: watch::Receiver<bool>) {
    let mut failures = 0;
    while !*stop.borrow() {
        let done = async {
            let hub = agent.hub().await?;
            agent.decide(&*hub).await
        };
        let wait = match done.await {
            Ok(_) => {
                failures = 0;
                ROUND
            }
            Err(error) => {
                agent.after_failure(&error).await;
                failures += 1;
                tracing::warn!(%error, "decided session codes are not carried for now; they are asked for again");
                agent.wait(failures, &error)
            }
        };
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
        let done = done.await;
        if let Err(error) = agent.tell_alarms().await {
            tracing::error!(%error, "it can't be told which alarms stand");
        }
        let wait = match done {
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
