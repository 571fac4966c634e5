//! Where a story takes place: a database of either engine, and short ways to say what is appended.
//!
//! A story is written once and told on SQLite in a file, SQLite in memory and PostgreSQL.

use std::sync::Arc;

use commonroll_store::testkit::Postgres;
use commonroll_store::{Commit, CommitError, FactRow, FeedRow, IdRow, NewBlock, Settings, Store, TileRow};

/// A database of one engine, empty at first.
pub struct Bed {
    pub url: String,
    _folder: Option<tempfile::TempDir>,
}

impl Bed {
    pub fn file() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("hub.db").display());
        Self { url, _folder: Some(folder) }
    }

    pub fn memory() -> Self {
        Self { url: "sqlite::memory:".to_owned(), _folder: None }
    }

    pub async fn postgres() -> Self {
        let url = Postgres::shared().expect("a test server").database().await.unwrap();
        Self { url, _folder: None }
    }

    pub async fn open(&self) -> Arc<dyn Store> {
        commonroll_store::open(&self.url, &Settings::default()).await.unwrap()
    }
}

/// Tells each story on every engine that it makes sense on.
macro_rules! on_all {
    ($($(#[$note:meta])* $story:ident;)*) => { $(mod $story {
        #[tokio::test] async fn sqlite_memory() { super::$story($crate::bed::Bed::memory()).await }
        #[tokio::test] async fn sqlite_file() { super::$story($crate::bed::Bed::file()).await }
        #[tokio::test] async fn postgresql() { super::$story($crate::bed::Bed::postgres().await).await }
    })* };
}
/// As [`on_all`], for stories with a second connection or a restart, which memory can't have.
macro_rules! on_disk {
    ($($story:ident;)*) => { $(mod $story {
        #[tokio::test] async fn sqlite_file() { super::$story($crate::bed::Bed::file()).await }
        #[tokio::test] async fn postgresql() { super::$story($crate::bed::Bed::postgres().await).await }
    })* };
}
pub(crate) use {on_all, on_disk};

/// A block in the making; its bytes are told by `name`.
#[derive(Default)]
pub struct Batch {
    pub first_seq: u64,
    pub n: u32,
    /// Entries of further blocks.
    pub more: Vec<u32>,
    pub name: String,
    pub ids: Vec<IdRow>,
    pub superseded: Vec<IdRow>,
    pub feeds: Vec<FeedRow>,
    pub facts: Vec<FactRow>,
    pub tiles: Vec<TileRow>,
}

pub fn batch(first_seq: u64, n: u32) -> Batch {
    Batch { first_seq, n, name: format!("block {first_seq}"), ..Batch::default() }
}

impl Batch {
    pub fn named(mut self, name: &str) -> Self {
        self.name = name.to_owned();
        self
    }
    pub fn and(mut self, n: u32) -> Self {
        self.more.push(n);
        self
    }
    pub fn id(mut self, row: IdRow) -> Self {
        self.ids.push(row);
        self
    }
    pub fn feed(mut self, recipient: u32, seqs: &[u64]) -> Self {
        self.feeds.push(FeedRow { recipient, seqs: seqs.to_vec() });
        self
    }
    pub fn fact(mut self, kind: u8, key: &str, value: Option<&str>) -> Self {
        let (key, value) = (key.as_bytes().to_vec(), value.map(|value| value.as_bytes().to_vec()));
        self.facts.push(FactRow { kind, key, seq: self.first_seq, value });
        self
    }

    pub async fn commit(&self, store: &dyn Store) -> Result<(), CommitError> {
        let entries = format!("{} entries", self.name);
        let payloads = format!("{} payloads", self.name);
        let block = |n: u32| NewBlock {
            n,
            frontier: self.name.as_bytes(),
            entries: entries.as_bytes(),
            payloads: payloads.as_bytes(),
        };
        let blocks: Vec<_> = std::iter::once(self.n).chain(self.more.iter().copied()).map(block).collect();
        let commit = Commit {
            first_seq: self.first_seq,
            blocks: &blocks,
            ids: &self.ids,
            superseded: &self.superseded,
            feeds: &self.feeds,
            facts: &self.facts,
            tiles: &self.tiles,
            at_us: 1_790_000_000_000_000 + self.first_seq as i64,
        };
        store.commit(&commit).await
    }
}

/// A revision of the record with this id, at this place in the log.
pub fn revision(id: u8, revision: u32, seq: u64) -> IdRow {
    IdRow { id: [id; 16], revision, seq, source: 3, root: [revision as u8; 14] }
}
