//! What must not be: unsafe settings, another version's tables, a stranger's eyes, a write-ahead log without bounds.

use std::time::Duration;

use commonroll_store::{CommitError, Settings, StoreError};
use sqlx::{Connection, PgConnection, SqliteConnection};

use crate::bed::{Bed, batch};

async fn refused(url: &str) -> StoreError {
    commonroll_store::open(url, &Settings::default()).await.err().expect("to be refused")
}

#[tokio::test]
async fn unsafe_settings_of_sqlite_are_refused() {
    // A kind of lock without shared memory can't have a write-ahead log.
    let bed = Bed::file();
    let told = refused(&format!("{}?vfs=unix-dotfile", bed.url)).await;
    assert!(matches!(told, StoreError::Unsafe { setting: "journal_mode", .. }), "{told}");
    assert!(told.to_string().contains("set it to wal"), "{told}");
}

#[tokio::test]
async fn unsafe_settings_of_postgresql_are_refused() {
    let bed = Bed::postgres().await;
    let told = refused(&format!("{}&options=-c%20synchronous_commit%3Doff", bed.url)).await;
    assert!(matches!(told, StoreError::Unsafe { setting: "synchronous_commit", .. }), "{told}");
    let told = refused(&format!("{}&options=-c%20synchronous_commit%3Dlocal", bed.url)).await;
    assert!(told.to_string().contains("synchronous_commit is local"), "{told}");
    bed.open().await;
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_left_alone() {
    let make_newer = "UPDATE schema_version SET version = 8";
    let file = Bed::file();
    file.open().await.close().await;
    let mut conn = SqliteConnection::connect(&file.url).await.unwrap();
    sqlx::raw_sql(make_newer).execute(&mut conn).await.unwrap();
    conn.close().await.unwrap();
    let postgres = Bed::postgres().await;
    postgres.open().await.close().await;
    let mut conn = PgConnection::connect(&postgres.url).await.unwrap();
    sqlx::raw_sql(make_newer).execute(&mut conn).await.unwrap();
    for bed in [file, postgres] {
        let told = refused(&bed.url).await;
        assert!(matches!(told, StoreError::NewerSchema { found: 8, known: 7 }), "{told}");
    }
}

#[tokio::test]
async fn what_is_no_database_is_named() {
    assert!(refused("mysql://somewhere").await.to_string().contains("must begin with sqlite: or postgres:"));
    assert!(matches!(refused("postgres://postgres@127.0.0.1:1/x").await, StoreError::Unavailable(_)));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("not.db");
    std::fs::write(&path, b"this is a letter to parents, not a database, whatever its name. ".repeat(100))
        .unwrap();
    let told = refused(&format!("sqlite:{}", path.display())).await;
    assert!(matches!(told, StoreError::Damaged(_)), "{told}");
}

#[cfg(unix)]
#[tokio::test]
async fn the_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hub.db");
    std::fs::write(&path, b"").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let url = format!("sqlite:{}", path.display());
    let store = commonroll_store::open(&url, &Settings::default()).await.unwrap();
    batch(0, 1).commit(&*store).await.unwrap();
    let files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap()).collect();
    assert_eq!(files.len(), 3, "file, write-ahead log and its index");
    for file in files {
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", file.path());
    }
}

#[tokio::test]
async fn upkeep_bounds_the_write_ahead_log() {
    let bed = Bed::file();
    let settings = Settings { wal_bytes_max: 100_000, ..Settings::default() };
    let store = commonroll_store::open(&bed.url, &settings).await.unwrap();
    let log = format!("{}-wal", bed.url.strip_prefix("sqlite:").unwrap());
    let size = || std::fs::metadata(&log).unwrap().len();
    for first_seq in 0..40 {
        batch(first_seq, 1).named(&"x".repeat(2000)).commit(&*store).await.unwrap();
    }
    assert!(size() > 100_000, "a commit does not stop to copy");
    store.maintain().await.unwrap();
    assert_eq!(size(), 0);
    assert_eq!(store.blocks(0, 100, true).await.unwrap().len(), 40);
}

#[tokio::test]
async fn a_held_lock_is_busy_not_lost() {
    let bed = Bed::file();
    let settings = Settings { busy_timeout: Duration::from_millis(100), ..Settings::default() };
    let store = commonroll_store::open(&bed.url, &settings).await.unwrap();
    let mut other = SqliteConnection::connect(&bed.url).await.unwrap();
    sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let told = batch(0, 1).commit(&*store).await.unwrap_err();
    assert!(matches!(told, CommitError::Store(StoreError::Busy(_))), "{told}");
    assert_eq!(store.head().await.unwrap(), None, "reading goes on beside a writer");
    sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
    batch(0, 1).commit(&*store).await.unwrap();
}

/// Runs itself again as a process that may not write files beyond 256 KiB: writing fails there, and not for want of
/// space.
#[cfg(unix)]
#[tokio::test]
async fn case_30_a_failed_write_ends_all_commits() {
    if std::env::var_os("COMMONROLL_LIMITED").is_none() {
        let limited = "trap '' XFSZ; ulimit -f 512; exec \"$0\" --exact safety::case_30_a_failed_write_ends_all_commits";
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", limited]).arg(std::env::current_exe().unwrap()).env("COMMONROLL_LIMITED", "1");
        let outcome = shell.output().unwrap();
        let said = String::from_utf8_lossy(&outcome.stdout);
        assert!(outcome.status.success() && said.contains("1 passed"), "{said}");
        return;
    }
    let bed = Bed::file();
    let store = bed.open().await;
    batch(0, 1).commit(&*store).await.unwrap();
    for name in ["too large ".repeat(100_000), "small".to_owned()] {
        let told = batch(1, 1).named(&name).commit(&*store).await.unwrap_err();
        assert!(matches!(told, CommitError::Store(StoreError::Flush(_))), "{told}");
    }
    assert_eq!(store.head().await.unwrap().unwrap().size(), 1, "reading goes on");
}

#[tokio::test]
async fn case_30_damaged_pages_are_named() {
    let bed = Bed::file();
    let store = bed.open().await;
    for first_seq in 0..50 {
        batch(first_seq, 1).named(&"x".repeat(500)).commit(&*store).await.unwrap();
    }
    store.close().await;
    let path = bed.url.strip_prefix("sqlite:").unwrap();
    let mut bytes = std::fs::read(path).unwrap();
    bytes[2 * 4096..].fill(0xa5);
    std::fs::write(path, bytes).unwrap();
    let told = match commonroll_store::open(&bed.url, &Settings::default()).await {
        Ok(store) => store.blocks(0, 100, true).await.unwrap_err(),
        Err(told) => told,
    };
    assert!(matches!(told, StoreError::Damaged(_)), "{told}");
}
