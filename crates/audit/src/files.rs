//! Proofs as files: whoever holds the file and the log's key needs nobody else to check it.
//!
//! Both are plain text forms of C2SP, so other people's programs read them too: an inclusion proof is a
//! [tlog-proof](https://c2sp.org/tlog-proof) with the entry itself as its extra data, a consistency proof is what a
//! [witness](https://c2sp.org/tlog-witness) is sent. `README.md` shows one of each. Reading and writing of the files
//! themselves is the caller's.

use crate::checkpoint::{Checkpoint, CheckpointError, LogPublicKey};
use crate::hash::{Hash, leaf_hash};
use crate::proof::verify_consistency;
use crate::text;
use crate::tree::{ProofError, verify_inclusion};

/// First line of an inclusion proof.
const INCLUSION: &str = "c2sp.org/tlog-proof@v1";
/// Hashes in a proof at most: a path has one for each level of the tree.
const HASHES_MAX: usize = 64;
/// Bytes of a file at most: the entry in base64, the hashes and the note.
const FILE_MAX: usize = 2 << 20;

/// Why a proof file proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// The text is not a proof file.
    #[error("proof file: line {line}: {rule}")]
    Shape {
        /// The line, counted from 1.
        line: usize,
        /// What must stand there.
        rule: &'static str,
    },
    /// The checkpoint is refused.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The hashes do not lead where they should.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// A consistency proof is of another old checkpoint.
    #[error(
        "proof file: it starts at {proof} entries, but the old checkpoint has {old}: ask for a new proof"
    )]
    OtherOld {
        /// The old size in the proof.
        proof: u64,
        /// The size of the checkpoint that was given.
        old: u64,
    },
}

/// "This entry is in that log."
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InclusionFile {
    /// The entry's bytes: a leaf of the log.
    pub entry: Vec<u8>,
    /// Its place in the log, from 0.
    pub index: u64,
    /// The path from the leaf up.
    pub path: Vec<Hash>,
    /// The signed checkpoint that the path leads to, as it was issued.
    pub checkpoint: String,
}

impl InclusionFile {
    /// The file's text.
    pub fn text(&self) -> String {
        let (extra, path) = (text::base64(&self.entry), lines(&self.path));
        format!("{INCLUSION}\nextra {extra}\nindex {}\n{path}\n{}", self.index, self.checkpoint)
    }

    /// Reads a file; nothing is checked but its shape.
    ///
    /// # Errors
    /// [`FileError::Shape`] naming the line.
    pub fn read(file: &str) -> Result<Self, FileError> {
        let mut head = Head::of(file)?;
        head.next("must be c2sp.org/tlog-proof@v1", |line| (line == INCLUSION).then_some(()))?;
        let entry = head.next("must be `extra ` and the entry in base64", |line| {
            line.strip_prefix("extra ").and_then(text::from_base64)
        })?;
        let index = head.next("must be `index ` and a number", |line| {
            line.strip_prefix("index ").and_then(text::from_decimal)
        })?;
        Ok(Self { entry, index, path: head.hashes()?, checkpoint: head.note.to_owned() })
    }

    /// Checks the log's signature, and that the entry is in the log at this place; gives the checkpoint.
    ///
    /// # Errors
    /// [`FileError`] when the signature or the path does not hold.
    pub fn verify(&self, key: &LogPublicKey) -> Result<Checkpoint, FileError> {
        let checkpoint = Checkpoint::open(&self.checkpoint, key)?;
        let leaf = leaf_hash(&self.entry);
        verify_inclusion(&leaf, self.index, checkpoint.size, &self.path, &checkpoint.root)?;
        Ok(checkpoint)
    }
}

/// "The log that you saw was only added to." The old checkpoint is not in it: the reader must have kept their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsistencyFile {
    /// Entries in the older checkpoint.
    pub old_size: u64,
    /// The proof between the two.
    pub proof: Vec<Hash>,
    /// The newer signed checkpoint, as it was issued.
    pub checkpoint: String,
}

impl ConsistencyFile {
    /// The file's text.
    pub fn text(&self) -> String {
        format!("old {}\n{}\n{}", self.old_size, lines(&self.proof), self.checkpoint)
    }

    /// Reads a file; nothing is checked but its shape.
    ///
    /// # Errors
    /// [`FileError::Shape`] naming the line.
    pub fn read(file: &str) -> Result<Self, FileError> {
        let mut head = Head::of(file)?;
        let old_size = head.next("must be `old ` and a number", |line| {
            line.strip_prefix("old ").and_then(text::from_decimal)
        })?;
        Ok(Self { old_size, proof: head.hashes()?, checkpoint: head.note.to_owned() })
    }

    /// Checks the log's signature on the new checkpoint, and that it extends the old one; gives the new one.
    ///
    /// # Errors
    /// [`FileError`] when a signature or the proof does not hold, or the proof starts elsewhere.
    pub fn verify(&self, old: &Checkpoint, key: &LogPublicKey) -> Result<Checkpoint, FileError> {
        let newer = Checkpoint::open(&self.checkpoint, key)?;
        if self.old_size != old.size {
            return Err(FileError::OtherOld { proof: self.old_size, old: old.size });
        }
        verify_consistency(old.size, &old.root, newer.size, &newer.root, &self.proof)?;
        Ok(newer)
    }
}

/// What a file is, told by its first line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProofFile {
    /// An entry is in the log.
    Inclusion(InclusionFile),
    /// The log only grew.
    Consistency(ConsistencyFile),
    /// A checkpoint alone.
    Checkpoint(String),
}

impl ProofFile {
    /// Reads a file of any of the three kinds.
    ///
    /// # Errors
    /// [`FileError::Shape`] naming the line.
    pub fn read(file: &str) -> Result<Self, FileError> {
        match file.lines().next() {
            Some(INCLUSION) => InclusionFile::read(file).map(Self::Inclusion),
            Some(line) if line.starts_with("old ") => ConsistencyFile::read(file).map(Self::Consistency),
            Some(_) => Ok(Self::Checkpoint(file.to_owned())),
            None => Err(FileError::Shape { line: 1, rule: "must not be empty" }),
        }
    }
}

fn lines(hashes: &[Hash]) -> String {
    hashes.iter().map(|hash| text::base64(hash) + "\n").collect()
}

/// The lines before the first empty one, and the note behind it.
struct Head<'file> {
    lines: std::str::Split<'file, char>,
    at: usize,
    note: &'file str,
}

impl<'file> Head<'file> {
    fn of(file: &'file str) -> Result<Self, FileError> {
        if file.len() > FILE_MAX {
            return Err(FileError::Shape { line: 1, rule: "the file must be under 2 MB" });
        }
        let rule = "an empty line must part the proof from its checkpoint";
        let (head, note) = file.split_once("\n\n").ok_or(FileError::Shape { line: 1, rule })?;
        Ok(Self { lines: head.split('\n'), at: 0, note })
    }

    fn next<T>(&mut self, rule: &'static str, read: impl Fn(&str) -> Option<T>) -> Result<T, FileError> {
        self.at += 1;
        self.lines.next().and_then(read).ok_or(FileError::Shape { line: self.at, rule })
    }

    fn hashes(&mut self) -> Result<Vec<Hash>, FileError> {
        let mut hashes = Vec::new();
        for line in self.lines.by_ref() {
            self.at += 1;
            let hash = text::from_base64_exact(line).filter(|_| hashes.len() < HASHES_MAX);
            let rule = "must be a hash in base64, 64 of them at most";
            hashes.push(hash.ok_or(FileError::Shape { line: self.at, rule })?);
        }
        Ok(hashes)
    }
}
