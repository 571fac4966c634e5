//! A hub process, as far as it matters here: an exchange on threads of its own, which can be killed at any moment.

use commonroll_core::Timestamp;
use commonroll_exchange::{Clock, Exchange, Keys, Options};
use std::sync::Mutex;
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
    pub async fn open(database: &str, now: Timestamp) -> Self {
        let threads = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let options = Options {
            database: database.to_owned(),
            keys: Keys { log_seed: [7; 32], matching: [9; 32] },
            consortium: "vale".to_owned(),
            seed: [3; 32],
        };
        let opened = threads.spawn(async move {
            let exchange = Exchange::open(options, now).await.unwrap();
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
