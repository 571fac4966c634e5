//! The seal on a record: what a source signs, so that not even the hub can forge a mark.
//!
//! A record is a list of numbered field groups. Each group becomes a salted leaf, the leaves become the record's
//! root, the roots of a batch become the batch's root, and that is signed once. So one signature covers many records,
//! a group that policy withholds travels as its leaf hash, and the salt keeps that hash from being guessed.
//! What is inside a group is the schema's affair, and so is naming the record there: a root is not bound to a record
//! id unless one of its groups says it.

use std::fmt;

use crate::hash::{Hash, leaf_hash, sha256, sha256_parts};
use crate::keys::{KeyError, PublicKey, Signature, SigningKey};
use crate::text;
use crate::tree::{ProofError, Tree, root, verify_inclusion};

/// The most field groups a record can have.
pub const GROUPS_MAX: usize = 64;
/// The most records a batch can have.
pub const RECORDS_MAX: usize = 1 << 16;
/// The most bytes of a slug.
const SLUG_MAX: usize = 64;

/// Why something cannot be sealed, or a seal is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Too few or too many field groups.
    #[error("record: {count} field groups, allowed are 1 to 64")]
    GroupCount {
        /// The groups given.
        count: usize,
    },
    /// A group number is not above the one before it.
    #[error("record: group {number} is repeated or out of order: give groups in ascending order, each once")]
    GroupOrder {
        /// The group that is out of place.
        number: u32,
    },
    /// Too few or too many records.
    #[error("batch: {count} records, allowed are 1 to 65536")]
    RecordCount {
        /// The records given or stated.
        count: u64,
    },
    /// The slug could not stand in a line of signed text.
    #[error("slug: use 1 to 64 visible ASCII characters")]
    Slug,
    /// The record is not in the signed batch.
    #[error("record: {0}")]
    Record(#[from] ProofError),
    /// The signature is wrong.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// Derives salts from a source's secret. Whoever holds the secret can recompute any salt; nobody else can guess one.
#[derive(Clone)]
pub struct SaltKey {
    /// The secret, padded to a block of SHA-256, under HMAC's two masks (RFC 2104).
    inner: [u8; BLOCK],
    outer: [u8; BLOCK],
}

/// Bytes of a block of SHA-256.
const BLOCK: usize = 64;

impl SaltKey {
    /// Prepares the secret, once for many salts.
    pub fn new(secret: &[u8; 32]) -> Self {
        let (mut inner, mut outer) = ([0x36; BLOCK], [0x5c; BLOCK]);
        for (at, byte) in secret.iter().enumerate() {
            inner[at] ^= byte;
            outer[at] ^= byte;
        }
        Self { inner, outer }
    }

    /// The salt of one group of one revision of a record: the first 16 bytes of
    /// `HMAC-SHA-256(secret, record id (16) || revision (u32, big-endian) || group (u32, big-endian))`.
    ///
    /// HMAC of so short a text is two hashes of one buffer each; a keyed context costs more than both.
    pub fn salt(&self, record_id: &[u8; 16], revision: u32, group: u32) -> [u8; 16] {
        let mut text = [0; BLOCK + 24];
        text[..BLOCK].copy_from_slice(&self.inner);
        text[BLOCK..BLOCK + 16].copy_from_slice(record_id);
        text[BLOCK + 16..BLOCK + 20].copy_from_slice(&revision.to_be_bytes());
        text[BLOCK + 20..].copy_from_slice(&group.to_be_bytes());
        let mut last = [0; BLOCK + 32];
        last[..BLOCK].copy_from_slice(&self.outer);
        last[BLOCK..].copy_from_slice(&sha256(&text));
        *sha256(&last).first_chunk().expect("a SHA-256 value has 32 bytes")
    }
}

impl fmt::Debug for SaltKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("SaltKey(..)")
    }
}

/// One salt; see [`SaltKey::salt`] for its definition and for many.
pub fn salt(secret: &[u8; 32], record_id: &[u8; 16], revision: u32, group: u32) -> [u8; 16] {
    SaltKey::new(secret).salt(record_id, revision, group)
}

/// The leaf of a field group:
/// `SHA-256(0x00 || "commonroll/group/v1\0" || number (u32, big-endian) || 16 (one byte) || salt || content)`.
pub fn group_leaf(number: u32, salt: &[u8; 16], content: &[u8]) -> Hash {
    const PREFIX: &[u8] = b"\x00commonroll/group/v1\0";
    const FIXED: usize = PREFIX.len() + 4 + 1 + 16;
    // Filled with 16, the salt's length: that byte, between number and salt, is the one not written over.
    let mut fixed = [16; FIXED];
    fixed[..PREFIX.len()].copy_from_slice(PREFIX);
    fixed[PREFIX.len()..PREFIX.len() + 4].copy_from_slice(&number.to_be_bytes());
    fixed[FIXED - 16..].copy_from_slice(salt);
    sha256_parts(&[&fixed, content])
}

/// A field group as its number and leaf: shown or withheld, the record's root is the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupLeaf {
    /// The group's number in the schema of its record kind.
    pub number: u32,
    /// Its leaf, as [`group_leaf`] makes it.
    pub hash: Hash,
}

impl GroupLeaf {
    /// A group whose content is at hand.
    pub fn shown(number: u32, salt: &[u8; 16], content: &[u8]) -> Self {
        Self { number, hash: group_leaf(number, salt, content) }
    }

    /// A group that was withheld: only its leaf came.
    pub fn withheld(number: u32, hash: Hash) -> Self {
        Self { number, hash }
    }
}

/// The root over a record's groups, which must be in ascending order, each once. Allocates nothing.
///
/// # Errors
/// When there is no group, there are more than 64, or they are out of order.
pub fn record_root(groups: &[GroupLeaf]) -> Result<Hash, SealError> {
    if groups.is_empty() || groups.len() > GROUPS_MAX {
        return Err(SealError::GroupCount { count: groups.len() });
    }
    if let Some(pair) = groups.windows(2).find(|pair| pair[0].number >= pair[1].number) {
        return Err(SealError::GroupOrder { number: pair[1].number });
    }
    let mut leaves = [[0; 32]; GROUPS_MAX];
    leaves.iter_mut().zip(groups).for_each(|(leaf, group)| *leaf = group.hash);
    Ok(root(&leaves[..groups.len()]))
}

/// What a source says of a batch, and signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchStatement {
    /// The source institution's slug.
    pub source: String,
    /// The batch's number at its source.
    pub number: u64,
    /// How many records the batch has.
    pub count: u64,
    /// The root over `leaf_hash(record root)` of its records, in order.
    pub root: Hash,
}

impl BatchStatement {
    /// The statement about these record roots, in batch order, and the tree that gives their paths.
    fn over(source: &str, number: u64, record_roots: &[Hash]) -> Result<(Self, Tree), SealError> {
        let count = record_roots.len() as u64;
        let statement = Self { source: source.to_owned(), number, count, root: [0; 32] };
        statement.check()?;
        let tree = Tree::new(record_roots.iter().map(|root| leaf_hash(root)).collect());
        Ok((Self { root: tree.root(), ..statement }, tree))
    }

    /// The signed text: five lines.
    ///
    /// # Errors
    /// When the slug or the count could not have come from a source.
    pub fn text(&self) -> Result<String, SealError> {
        self.check()?;
        let Self { source, number, count, root } = self;
        Ok(format!("commonroll/batch/v1\n{source}\n{number}\n{count}\n{}\n", text::base64(root)))
    }

    fn check(&self) -> Result<(), SealError> {
        if self.count == 0 || self.count > RECORDS_MAX as u64 {
            return Err(SealError::RecordCount { count: self.count });
        }
        check_slug(&self.source)
    }
}

/// A slug stands on a line of its own in signed text, so it must not be able to end that line.
pub(crate) fn check_slug(slug: &str) -> Result<(), SealError> {
    let fits = (1..=SLUG_MAX).contains(&slug.len()) && slug.bytes().all(|byte| byte.is_ascii_graphic());
    if fits { Ok(()) } else { Err(SealError::Slug) }
}

/// Signs a source's batches.
#[derive(Debug)]
pub struct BatchSigner<'key> {
    source: String,
    key: &'key SigningKey,
}

impl<'key> BatchSigner<'key> {
    /// A signer for the institution with this slug.
    ///
    /// # Errors
    /// [`SealError::Slug`] when the slug could not stand in signed text.
    pub fn new(source: &str, key: &'key SigningKey) -> Result<Self, SealError> {
        check_slug(source)?;
        Ok(Self { source: source.to_owned(), key })
    }

    /// Signs batch `number` with these record roots, in order.
    ///
    /// # Errors
    /// [`SealError::RecordCount`] when the batch is empty or too large.
    pub fn sign(&self, number: u64, record_roots: &[Hash]) -> Result<SignedBatch, SealError> {
        let (statement, tree) = BatchStatement::over(&self.source, number, record_roots)?;
        let signature = self.key.sign(statement.text()?.as_bytes());
        Ok(SignedBatch { statement, signature, tree })
    }
}

/// A batch as its source signed it.
#[derive(Debug, Clone)]
pub struct SignedBatch {
    /// What was signed.
    pub statement: BatchStatement,
    /// The source's signature over [`BatchStatement::text`].
    pub signature: Signature,
    tree: Tree,
}

impl SignedBatch {
    /// The path that proves record `index` (from 0) to be in this batch.
    pub fn path(&self, index: usize) -> Option<Vec<Hash>> {
        self.tree.path(index)
    }

    /// The hashes that prove several records (from 0, ascending) together: see [`Tree::joint_path`].
    pub fn joint_path(&self, indices: &[usize]) -> Option<Vec<Hash>> {
        self.tree.joint_path(indices)
    }
}

/// A batch statement whose signature was checked: the only key to [`verify_record_in_batch`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedBatch(BatchStatement);

impl VerifiedBatch {
    /// What the source signed.
    pub fn statement(&self) -> &BatchStatement {
        &self.0
    }
}

/// Checks that the source's key signed this statement. Do it once a batch and keep the answer.
///
/// That `key` is the key of `statement.source` is for the caller to know.
///
/// # Errors
/// When the statement is malformed or the signature does not fit.
pub fn verify_batch(
    key: &PublicKey,
    statement: BatchStatement,
    signature: &Signature,
) -> Result<VerifiedBatch, SealError> {
    key.verify(statement.text()?.as_bytes(), signature)?;
    Ok(VerifiedBatch(statement))
}

/// Checks a whole batch at its receiver: the records are these, in this order, and the source signed them.
/// Gives the batch back with the path of every record, for passing records on one by one.
///
/// # Errors
/// When there are too few or too many records, or the signature does not cover just these.
pub fn verify_whole_batch(
    key: &PublicKey,
    source: &str,
    number: u64,
    record_roots: &[Hash],
    signature: &Signature,
) -> Result<SignedBatch, SealError> {
    let (statement, tree) = BatchStatement::over(source, number, record_roots)?;
    key.verify(statement.text()?.as_bytes(), signature)?;
    Ok(SignedBatch { statement, signature: *signature, tree })
}

/// Checks that the record with this root is number `index` (from 0) of the batch.
///
/// # Errors
/// [`SealError::Record`] when the path does not lead from this record, at this place, to the batch's root.
pub fn verify_record_in_batch(
    batch: &VerifiedBatch,
    index: u64,
    record_root: &Hash,
    path: &[Hash],
) -> Result<(), SealError> {
    let VerifiedBatch(BatchStatement { count, root, .. }) = batch;
    Ok(verify_inclusion(&leaf_hash(record_root), index, *count, path, root)?)
}
