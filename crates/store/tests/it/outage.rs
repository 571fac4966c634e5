//! PostgreSQL goes away: in the middle of a commit, and for a while.
//!
//! A forwarder stands between store and server. It cuts every connection as soon as a commit passes, before or after
//! the server has seen it: the store can't know which. A commit is known by the channel on which it is told.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use commonroll_store::testkit::Postgres;
use commonroll_store::{CommitError, Settings, Store, StoreError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};

use crate::bed::{Bed, batch};

const CHANNEL: &[u8] = b"commonroll_log";
const OPEN: u8 = 0;
const CUT_BEFORE: u8 = 1;
const CUT_AFTER: u8 = 2;
/// Nothing more comes through, and no connection ends: a host that vanished, a network that was parted.
const SILENT: u8 = 3;

/// A store that reaches its server through the forwarder, and the forwarder's switch.
async fn through_forwarder(settings: &Settings) -> (Arc<dyn Store>, Arc<AtomicU8>) {
    let bed = Bed::postgres().await;
    let database = bed.url.split(['/', '?']).nth(3).unwrap();
    let socket = Postgres::shared().unwrap().folder().join(".s.PGSQL.5432");
    let door = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("postgres://postgres@{}/{database}?sslmode=disable", door.local_addr().unwrap());
    let switch = Arc::new(AtomicU8::new(OPEN));
    let held = switch.clone();
    tokio::spawn(async move {
        while let Ok((client, _)) = door.accept().await {
            tokio::spawn(forward(client, socket.clone(), held.clone()));
        }
    });
    (commonroll_store::open(&url, settings).await.unwrap(), switch)
}

async fn forward(mut client: TcpStream, socket: PathBuf, switch: Arc<AtomicU8>) -> std::io::Result<()> {
    let mut server = UnixStream::connect(socket).await?;
    let (mut asked, mut told) = (vec![0; 65536], vec![0; 65536]);
    loop {
        tokio::select! {
            n = client.read(&mut asked) => {
                let part = &asked[..n?];
                let is_commit = part.windows(CHANNEL.len()).any(|word| word == CHANNEL);
                let cut = switch.load(Ordering::SeqCst);
                if cut == SILENT {
                    std::future::pending::<()>().await;
                }
                if part.is_empty() || is_commit && cut == CUT_BEFORE {
                    return Ok(());
                }
                server.write_all(part).await?;
                if is_commit && cut == CUT_AFTER {
                    return server.read(&mut told).await.map(drop);
                }
            }
            n = server.read(&mut told) => match n? {
                0 => return Ok(()),
                n => client.write_all(&told[..n]).await?,
            },
        }
    }
}

#[tokio::test]
async fn a_connection_lost_in_commit_is_an_unknown_outcome() {
    let (store, switch) = through_forwarder(&Settings::default()).await;
    batch(0, 1).commit(&*store).await.unwrap();
    for (cut, size) in [(CUT_BEFORE, 1), (CUT_AFTER, 2)] {
        switch.store(cut, Ordering::SeqCst);
        let told = batch(1, 1).commit(&*store).await.unwrap_err();
        assert!(matches!(told, CommitError::Unknown(_)), "{told}");
        switch.store(OPEN, Ordering::SeqCst);
        assert_eq!(store.head().await.unwrap().unwrap().size(), size, "the log itself knows");
    }
    batch(2, 1).commit(&*store).await.unwrap();
}

/// The writer is one: if it waited for TCP to give up, nobody's records would be taken or refused for a quarter of an hour.
#[tokio::test]
async fn case_32_a_server_that_goes_silent_is_away_and_not_waited_for() {
    let patience = Duration::from_millis(100);
    let busy_timeout = Duration::from_millis(500);
    let settings = Settings { patience, busy_timeout, ..Settings::default() };
    let (store, switch) = through_forwarder(&settings).await;
    batch(0, 1).commit(&*store).await.unwrap();
    switch.store(SILENT, Ordering::SeqCst);
    let limit = Duration::from_secs(2);
    let told = tokio::time::timeout(limit, batch(1, 1).commit(&*store)).await.expect("it is given up");
    // A connection that has rested is tried first, and nothing is on its way then.
    let away = matches!(told, Err(CommitError::Unknown(_) | CommitError::Store(StoreError::Busy(_))));
    assert!(away, "{told:?}");
    let read = tokio::time::timeout(limit, store.head()).await.expect("reading is given up, too");
    assert!(matches!(read, Err(StoreError::Unavailable(_) | StoreError::Busy(_))), "{read:?}");
    switch.store(OPEN, Ordering::SeqCst);
    // Those that fell silent stay so; each is found out once, and not used again.
    let mut tries = 0;
    let head = loop {
        match store.head().await {
            Err(_) if tries < 10 => tries += 1,
            found => break found,
        }
    };
    assert_eq!(head.unwrap().unwrap().size(), 1);
    batch(1, 1).commit(&*store).await.unwrap();
}

/// Its own server, since the others must go on. Nothing hangs, nothing is lost, and the store finds back by itself.
#[tokio::test]
async fn case_32_a_server_that_restarts_is_unavailable_meanwhile() {
    let server = Postgres::start().unwrap();
    let settings = Settings { busy_timeout: Duration::from_millis(300), ..Settings::default() };
    let url = server.database().await.unwrap();
    let store = commonroll_store::open(&url, &settings).await.unwrap();
    batch(0, 1).commit(&*store).await.unwrap();
    server.stop().unwrap();
    let told = batch(1, 1).commit(&*store).await.unwrap_err();
    assert!(
        matches!(told, CommitError::Unknown(_) | CommitError::Store(_)),
        "it may have been on its way: {told}"
    );
    let told = batch(1, 1).commit(&*store).await.unwrap_err();
    assert!(matches!(told, CommitError::Store(_)), "nothing was on its way: {told}");
    assert!(told.to_string().starts_with("database is"), "{told}");
    server.start_again().unwrap();
    assert_eq!(store.head().await.unwrap().unwrap().size(), 1);
    batch(1, 1).commit(&*store).await.unwrap();
    let other = commonroll_store::open(&url, &settings).await.unwrap();
    batch(2, 1).commit(&*other).await.unwrap();
    let started = std::time::Instant::now();
    let patience = Duration::from_secs(5);
    store.wait_for_change(2, patience).await.unwrap();
    assert!(started.elapsed() < patience, "the listener found back");

    let folder = server.folder().to_owned();
    drop(server);
    assert!(!folder.exists(), "a test server leaves nothing behind");
}
