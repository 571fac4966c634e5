//! A hub process, as far as it matters here: an exchange on threads of its own, which can be killed at any moment.

use super::dice::Faults;
use commonroll_core::Timestamp;
use commonroll_exchange::{Clock, Exchange, Keys, Options, Sizes};
use commonroll_store::faults::faulty;
use std::sync::{Arc, Mutex};
use tokio::runtime::{Builder, Runtime};

/// Time that stands still while something happens.
pub struct Still(pub Timestamp);

impl Clock for Still {
    fn now(&self) -> Timestamp {
        self.0
    }
}

/// One hub process.
pub struct Node {
    pub exchange: Exchange,
    threads: Mutex<Option<Runtime>>,
}

impl Node {
    /// Starts a hub over a database file.
    pub async fn open(database: &str, faults: &Arc<Faults>, sizes: Sizes, now: Timestamp) -> Self {
        let threads = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let options = Options {
            database: database.to_owned(),
            keys: Keys { log_seed: [7; 32], matching: [9; 32] },
            consortium: "vale".to_owned(),
            seed: [3; 32],
        };
        let faults = faults.clone();
        let opened = threads.spawn(async move {
            let store = commonroll_store::open(&options.database, &Default::default()).await.unwrap();
            let store = faulty(store, Box::new(move |call| faults.fate(call)));
            let exchange = Exchange::open_on(store, sizes, options, now).await.unwrap();
            exchange.started(now).await;
            exchange
        });
        Self { exchange: opened.await.unwrap(), threads: Mutex::new(Some(threads)) }
    }

    /// Kills it: nothing is closed, nothing is finished, nobody is told.
    pub fn kill(&self) {
        if let Some(threads) = self.threads.lock().unwrap().take() {
            threads.shutdown_background();
        }
    }

    pub fn is_dead(&self) -> bool {
        self.threads.lock().unwrap().is_none()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}
