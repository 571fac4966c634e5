//! What goes into the store and what comes out of it.
//!
//! Plain rows: their meaning belongs to the exchange. `Debug` shows sizes, never payloads.

use std::fmt;

/// A stretch of the log that is stored, and read, as one.
#[derive(Clone, Copy)]
pub struct NewBlock<'a> {
    /// Number of entries, at least 1.
    pub n: u32,
    /// The tree's append state after this block.
    pub frontier: &'a [u8],
    /// The entries, encoded.
    pub entries: &'a [u8],
    /// The payloads, encoded; apart from the entries since they are dropped after retention.
    pub payloads: &'a [u8],
}

/// One transaction: blocks of the log with everything that follows from them.
#[derive(Clone, Copy)]
pub struct Commit<'a> {
    /// Sequence number of the first entry; must be the size of the log so far.
    pub first_seq: u64,
    /// At least one block; each goes on where the one before it ends.
    pub blocks: &'a [NewBlock<'a>],
    /// Revisions of records in these blocks. The newest revision of an id wins, whatever the order.
    pub ids: &'a [IdRow],
    /// Older revisions that must stay recognisable. The first row of an id and revision stays.
    pub superseded: &'a [IdRow],
    /// Which entries go to whom. At most one row per recipient.
    pub feeds: &'a [FeedRow],
    /// Directory facts to set or delete; the last row of a kind and key wins.
    pub facts: &'a [FactRow],
    /// Complete subtrees of the log's tree.
    pub tiles: &'a [TileRow],
    /// When, in microseconds since 1970 UTC.
    pub at_us: i64,
}

impl Commit<'_> {
    /// The size of the log with it.
    pub fn end(&self) -> u64 {
        self.first_seq + self.blocks.iter().map(|block| u64::from(block.n)).sum::<u64>()
    }
}

impl fmt::Debug for Commit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = |block: &NewBlock<'_>| block.entries.len() + block.payloads.len();
        let (first, entries) = (self.first_seq, self.end() - self.first_seq);
        write!(f, "Commit({first} + {entries}, {} bytes)", self.blocks.iter().map(bytes).sum::<usize>())
    }
}

/// A revision of a record and where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdRow {
    /// Record id.
    pub id: [u8; 16],
    /// Revision; the higher is the newer.
    pub revision: u32,
    /// Sequence number of its entry.
    pub seq: u64,
    /// Short number of the source institution.
    pub source: u16,
    /// The first bytes of the record root, to tell a repeat from other content.
    pub root: [u8; 14],
}

/// The entries of a commit that go to one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedRow {
    /// Short number of the recipient.
    pub recipient: u32,
    /// Sequence numbers within the commit, ascending, at least one.
    pub seqs: Vec<u64>,
}

/// The entries of a stretch of the log that are about one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AboutRow {
    /// What they are about: a number below 2^62 that the exchange gives its meaning.
    pub key: u64,
    /// Sequence numbers, ascending, at least one.
    pub seqs: Vec<u64>,
}

/// A directory fact.
#[derive(Clone, PartialEq, Eq)]
pub struct FactRow {
    /// What sort of fact.
    pub kind: u8,
    /// Its key within the kind.
    pub key: Vec<u8>,
    /// Sequence number of the entry that set it.
    pub seq: u64,
    /// Its value; `None` in a [`Commit`] deletes the fact. Never `None` when read.
    pub value: Option<Vec<u8>>,
}

impl fmt::Debug for FactRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.value.as_ref().map(Vec::len);
        write!(f, "FactRow(kind {}, seq {}, value bytes {bytes:?})", self.kind, self.seq)
    }
}

/// The hash of a complete subtree of height `8 * level`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TileRow {
    /// Height divided by 8.
    pub level: u8,
    /// Position among the subtrees of its height, from 0.
    pub index: u64,
    /// Hash of the subtree.
    pub hash: [u8; 32],
}

/// The last block without its entries: all that a writer needs to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockHead {
    /// Sequence number of its first entry.
    pub first_seq: u64,
    /// Number of entries.
    pub n: u32,
    /// When, in microseconds since 1970 UTC.
    pub at_us: i64,
    /// The tree's append state after this block.
    pub frontier: Vec<u8>,
}

impl BlockHead {
    /// Entries in the log up to the end of this block.
    pub fn size(&self) -> u64 {
        self.first_seq + u64::from(self.n)
    }
}

/// A block of the log.
#[derive(Clone, PartialEq, Eq)]
pub struct Block {
    /// Sequence number of its first entry.
    pub first_seq: u64,
    /// Number of entries.
    pub n: u32,
    /// When, in microseconds since 1970 UTC.
    pub at_us: i64,
    /// The tree's append state after this block.
    pub frontier: Vec<u8>,
    /// The entries, encoded.
    pub entries: Vec<u8>,
    /// The payloads, encoded; `None` when not asked for or dropped after retention.
    pub payloads: Option<Vec<u8>>,
}

impl Block {
    /// The sequence number after its last entry.
    pub fn end(&self) -> u64 {
        self.first_seq + u64::from(self.n)
    }
}

impl fmt::Debug for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let payloads = self.payloads.as_ref().map(Vec::len);
        write!(f, "Block({} + {}, payload bytes {payloads:?})", self.first_seq, self.n)
    }
}

/// One session of the console. Its value is the exchange's; `Debug` shows none of it.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionRow {
    /// Hash of the secret that the browser holds.
    pub id: [u8; 32],
    /// When it was opened, in microseconds since 1970 UTC.
    pub opened_us: i64,
    /// When it was last used, coarsely.
    pub seen_us: i64,
    /// Whose it is.
    pub value: Vec<u8>,
}

impl fmt::Debug for SessionRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionRow(..)")
    }
}
