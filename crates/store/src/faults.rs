//! A store that fails on purpose, for tests: every call first asks what shall happen to it.
//!
//! It only does what a real one may do: a commit that answers [`CommitError::Unknown`] may be in the log or not, one
//! that answers anything else is not.

use crate::{
    AboutRow, Block, BlockHead, Commit, CommitError, FactRow, IdRow, Result, SessionRow, Store, StoreError,
};
use std::{sync::Arc, time::Duration};

/// What is being asked of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// A commit.
    Commit,
    /// A look-up.
    Read,
    /// Payloads that are to be replaced, or what is left of them to be overwritten.
    Rewrite,
}

/// What happens to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing.
    None,
    /// It takes so many turns of the scheduler longer.
    Slow(u8),
    /// The database is away: nothing is read or written.
    Away,
    /// The disk is full: nothing is written. A read goes well.
    Full,
    /// A commit is told that another was faster, and nothing is written. A read goes well.
    Lost,
    /// The connection breaks. True if a commit was written before; a read fails.
    Unknown(bool),
    /// Fewer blocks come than were asked for, but at least one if there is one.
    Short,
}

/// Says what happens to a call.
pub type Fate = Box<dyn Fn(Call) -> Trouble + Send + Sync>;

/// A store on which `fate` decides.
pub fn faulty(store: Arc<dyn Store>, fate: Fate) -> Arc<dyn Store> {
    Arc::new(Faulty { store, fate })
}

struct Faulty {
    store: Arc<dyn Store>,
    fate: Fate,
}

/// What a broken connection says.
fn broken() -> sqlx::Error {
    sqlx::Error::WorkerCrashed
}

impl Faulty {
    /// Meets with a read's fate. Gives true if the answer shall be short.
    async fn read(&self) -> Result<bool> {
        match (self.fate)(Call::Read) {
            Trouble::Slow(turns) => slow(turns).await,
            Trouble::Away | Trouble::Unknown(_) => return Err(StoreError::Unavailable(broken())),
            Trouble::Short => return Ok(true),
            Trouble::None | Trouble::Full | Trouble::Lost => {}
        }
        Ok(false)
    }
}

impl Faulty {
    async fn rewriting(&self) -> Result<()> {
        match (self.fate)(Call::Rewrite) {
            Trouble::Slow(turns) => slow(turns).await,
            Trouble::Away | Trouble::Unknown(_) => return Err(StoreError::Unavailable(broken())),
            Trouble::Full => return Err(StoreError::Full(broken())),
            Trouble::None | Trouble::Lost | Trouble::Short => {}
        }
        Ok(())
    }
}

async fn slow(turns: u8) {
    for _ in 0..turns {
        tokio::task::yield_now().await;
    }
}

#[async_trait::async_trait]
impl Store for Faulty {
    fn engine(&self) -> &'static str {
        self.store.engine()
    }

    async fn head(&self) -> Result<Option<BlockHead>> {
        self.read().await?;
        self.store.head().await
    }

    async fn commit(&self, commit: &Commit<'_>) -> Result<(), CommitError> {
        match (self.fate)(Call::Commit) {
            Trouble::None | Trouble::Short => {}
            Trouble::Slow(turns) => slow(turns).await,
            Trouble::Away => return Err(StoreError::Unavailable(broken()).into()),
            Trouble::Full => return Err(StoreError::Full(broken()).into()),
            Trouble::Lost => return Err(CommitError::Lost),
            Trouble::Unknown(false) => return Err(CommitError::Unknown(broken())),
            Trouble::Unknown(true) => {
                self.store.commit(commit).await?;
                return Err(CommitError::Unknown(broken()));
            }
        }
        self.store.commit(commit).await
    }

    async fn blocks(&self, from_seq: u64, max_blocks: u32, payloads: bool) -> Result<Vec<Block>> {
        let most = if self.read().await? { 1 } else { max_blocks };
        self.store.blocks(from_seq, most.min(max_blocks), payloads).await
    }

    async fn entries(&self, from_seq: u64, to_seq: u64) -> Result<Vec<(u64, Vec<u8>)>> {
        self.read().await?;
        self.store.entries(from_seq, to_seq).await
    }

    async fn block_of(&self, seqs: &[u64], payloads: bool) -> Result<Vec<Block>> {
        self.read().await?;
        self.store.block_of(seqs, payloads).await
    }

    async fn newest(&self, ids: &[[u8; 16]]) -> Result<Vec<Option<IdRow>>> {
        self.read().await?;
        self.store.newest(ids).await
    }

    async fn ids_between(&self, source: u16, range: ([u8; 16], [u8; 16]), limit: u32) -> Result<Vec<IdRow>> {
        self.read().await?;
        self.store.ids_between(source, range, limit).await
    }

    async fn superseded(&self, keys: &[([u8; 16], u32)]) -> Result<Vec<Option<IdRow>>> {
        self.read().await?;
        self.store.superseded(keys).await
    }

    async fn feed(&self, recipient: u32, from_seq: u64, limit: u32) -> Result<Vec<u64>> {
        self.read().await?;
        self.store.feed(recipient, from_seq, limit).await
    }

    async fn facts(&self, kinds: &[u8]) -> Result<Vec<FactRow>> {
        self.read().await?;
        self.store.facts(kinds).await
    }

    async fn tiles(&self, keys: &[(u8, u64)]) -> Result<Vec<Option<[u8; 32]>>> {
        self.read().await?;
        self.store.tiles(keys).await
    }

    async fn indexed(&self) -> Result<u64> {
        self.read().await?;
        self.store.indexed().await
    }

    async fn index(&self, from: u64, to: u64, rows: &[AboutRow]) -> Result<bool> {
        self.read().await?;
        self.store.index(from, to, rows).await
    }

    async fn about(&self, keys: &[u64]) -> Result<(u64, Vec<Vec<u64>>)> {
        self.read().await?;
        self.store.about(keys).await
    }

    async fn drop_index(&self) -> Result<()> {
        self.read().await?;
        self.store.drop_index().await
    }

    async fn put_session(&self, row: &SessionRow) -> Result<()> {
        self.rewriting().await?;
        self.store.put_session(row).await
    }

    async fn session(&self, id: &[u8; 32]) -> Result<Option<SessionRow>> {
        self.read().await?;
        self.store.session(id).await
    }

    async fn touch_session(&self, id: &[u8; 32], seen_us: i64) -> Result<()> {
        self.rewriting().await?;
        self.store.touch_session(id, seen_us).await
    }

    async fn drop_session(&self, id: &[u8; 32]) -> Result<bool> {
        self.rewriting().await?;
        self.store.drop_session(id).await
    }

    async fn drop_sessions(&self, seen_before_us: i64, opened_before_us: i64) -> Result<u64> {
        self.rewriting().await?;
        self.store.drop_sessions(seen_before_us, opened_before_us).await
    }

    async fn rewrite(&self, first_seq: u64, before: &[u8], after: &[u8]) -> Result<bool> {
        self.rewriting().await?;
        self.store.rewrite(first_seq, before, after).await
    }

    async fn scrub(&self) -> Result<bool> {
        self.rewriting().await?;
        self.store.scrub().await
    }

    async fn wait_for_change(&self, known_size: u64, at_most: Duration) -> Result<()> {
        self.store.wait_for_change(known_size, at_most).await
    }

    async fn maintain(&self) -> Result<()> {
        self.store.maintain().await
    }

    async fn close(&self) {
        self.store.close().await;
    }
}
