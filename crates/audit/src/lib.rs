//! Proof that a history was not rewritten and a record not forged: hashes, trees, checkpoints, signatures.
//!
//! Everything an outside auditor needs to check a Commonroll log and a signed record, and nothing else. The crate
//! reads no file, opens no socket, asks no clock and draws no random number: bytes come in, a verdict goes out.
//! It imports nothing of ours, so it can be read alone; start with `README.md` beside it.
//!
//! What it does not do: it stores nothing (see [`proof::Subtrees`] for how a log's hashes come in), it knows no
//! record's fields (a field group is opaque bytes here), and it decides nothing about who may see what.

pub mod approval;
pub mod checkpoint;
pub mod deletion;
pub mod files;
pub mod frontier;
pub mod hash;
pub mod keys;
pub mod proof;
pub mod receipt;
pub mod seal;
mod text;
pub mod tree;
pub mod witness;

pub use approval::{Approves, approval_text, sign_approval, verify_approval};
pub use checkpoint::{Checkpoint, CheckpointError, LogKey, LogPublicKey, NoteKey, NotePublicKey};
pub use deletion::{CopyOutcome, DeletionDigest, deletion_text, sign_deletion, verify_deletion};
pub use files::{ConsistencyFile, FileError, InclusionFile, ProofFile};
pub use frontier::{Frontier, FrontierError};
pub use hash::{Hash, empty_root, leaf_hash, node_hash, sha256};
pub use keys::{KeyError, KeyId, PublicKey, Signature, SigningKey};
pub use proof::{
    BuildError, FetchedSubtrees, MissingSubtree, Subtrees, consistency_proof, inclusion_proof,
    needed_for_consistency, needed_for_inclusion, needed_for_root, root_at, verify_consistency,
};
pub use receipt::{ReceiptDigest, receipt_text, sign_receipt, verify_receipt};
pub use seal::{
    BatchSigner, BatchStatement, GroupLeaf, SaltKey, SealError, SignedBatch, VerifiedBatch, group_leaf,
    record_root, salt, verify_batch, verify_record_in_batch, verify_whole_batch,
};
pub use tree::{
    ProofError, Tree, path_from_joint_path, root, root_from_joint_path, root_from_path, verify_inclusion,
};
pub use witness::{Refusal, WitnessKey, WitnessPublicKey, accept};
