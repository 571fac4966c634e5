//! Proof files and witnesses: what is written reads back, and what was changed anywhere is refused.

use commonroll_audit::{
    Checkpoint, ConsistencyFile, FileError, InclusionFile, LogKey, ProofError, ProofFile, Refusal,
    WitnessKey, WitnessPublicKey, accept, consistency_proof, inclusion_proof,
};

use crate::{entry, history::Log, key};

const NAME: &str = "commonroll/vale";

fn log_key() -> LogKey {
    LogKey::new(NAME, key(5)).unwrap()
}

fn checkpoint(log: &Log, size: u64) -> Checkpoint {
    Checkpoint { origin: NAME.to_owned(), size, root: log.roots[size as usize] }
}

fn note(log: &Log, size: u64) -> String {
    checkpoint(log, size).sign(&log_key()).unwrap()
}

fn inclusion(log: &Log, index: u64, size: u64) -> InclusionFile {
    let path = inclusion_proof(index, size, &mut log.subtrees.clone()).unwrap();
    InclusionFile { entry: entry(index), index, path, checkpoint: note(log, size) }
}

fn consistency(log: &Log, old: u64, new: u64) -> ConsistencyFile {
    let proof = consistency_proof(old, new, &mut log.subtrees.clone()).unwrap();
    ConsistencyFile { old_size: old, proof, checkpoint: note(log, new) }
}

#[test]
fn an_inclusion_file_proves_its_entry_to_whoever_has_the_logs_key() {
    let (log, key) = (Log::of(70), log_key());
    for (index, size) in [(0, 1), (0, 70), (33, 70), (69, 70), (6, 7)] {
        let file = inclusion(&log, index, size);
        let read = InclusionFile::read(&file.text()).unwrap();
        assert_eq!(read, file);
        assert_eq!(read.verify(key.public()), Ok(checkpoint(&log, size)));
        assert_eq!(ProofFile::read(&file.text()), Ok(ProofFile::Inclusion(file)));
    }
    let other = InclusionFile { entry: entry(34), ..inclusion(&log, 33, 70) };
    assert_eq!(other.verify(key.public()), Err(FileError::Proof(ProofError::Root)));
    let moved = InclusionFile { index: 34, ..inclusion(&log, 33, 70) };
    assert_eq!(moved.verify(key.public()), Err(FileError::Proof(ProofError::Root)));
}

#[test]
fn a_consistency_file_proves_growth_to_whoever_kept_the_old_checkpoint() {
    let (log, key) = (Log::of(70), log_key());
    for (old, new) in [(1, 70), (33, 70), (64, 65), (70, 70)] {
        let file = consistency(&log, old, new);
        assert_eq!(ConsistencyFile::read(&file.text()).unwrap(), file);
        assert_eq!(file.verify(&checkpoint(&log, old), key.public()), Ok(checkpoint(&log, new)));
    }
    let (file, kept) = (consistency(&log, 33, 70), checkpoint(&log, 32));
    assert_eq!(file.verify(&kept, key.public()), Err(FileError::OtherOld { proof: 33, old: 32 }));
    let lied = Checkpoint { root: [1; 32], ..checkpoint(&log, 33) };
    assert_eq!(file.verify(&lied, key.public()), Err(FileError::Proof(ProofError::Root)));
}

#[test]
fn no_changed_byte_of_a_file_goes_unseen() {
    let (log, key) = (Log::of(70), log_key());
    let text = inclusion(&log, 33, 70).text();
    for at in 0..text.len() {
        let mut bytes = text.clone().into_bytes();
        bytes[at] ^= 1;
        let Ok(changed) = String::from_utf8(bytes) else { continue };
        let verdict = InclusionFile::read(&changed).and_then(|file| file.verify(key.public()));
        assert!(verdict.is_err(), "byte {at} was changed and nobody noticed");
    }
}

#[test]
fn what_is_no_proof_file_is_refused_by_the_line() {
    let good = inclusion(&Log::of(9), 3, 9).text();
    let refused = |text: &str| InclusionFile::read(text).unwrap_err().to_string();
    assert!(refused("").contains("empty line"));
    assert!(refused(&good.replace("@v1", "@v2")).contains("line 1"));
    assert!(refused(&good.replace("extra ", "more ")).contains("line 2"));
    assert!(refused(&good.replace("index 3", "index 03")).contains("line 3"));
    assert!(refused(&good.replacen("\n\n", "\nAAAA\n\n", 1)).contains("base64"));
    let many = format!("old 3\n{}\nx", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n".repeat(65));
    assert!(ConsistencyFile::read(&many).unwrap_err().to_string().contains("line 66"));
}

#[test]
fn a_witness_accepts_only_what_extends_what_it_saw() {
    let (log, key) = (Log::of(40), log_key());
    let first = accept(None, &note(&log, 20), &[], key.public()).unwrap();
    assert_eq!(first, checkpoint(&log, 20));
    let grown = consistency(&log, 20, 40);
    let second = accept(Some(&first), &grown.checkpoint, &grown.proof, key.public()).unwrap();
    assert_eq!(second.size, 40);
    assert_eq!(accept(Some(&second), &note(&log, 40), &[], key.public()), Ok(second.clone()), "nothing new");

    // Cut off, forked at the same length, rewritten and grown, and not the log's at all.
    let refused =
        |note: &str, proof: &[[u8; 32]]| accept(Some(&second), note, proof, key.public()).unwrap_err();
    assert_eq!(refused(&note(&log, 39), &[]), Refusal::WentBack { old: 40, new: 39 });
    let fork = Checkpoint { root: [9; 32], ..checkpoint(&log, 40) };
    assert_eq!(refused(&fork.sign(&key).unwrap(), &[]), Refusal::Forked { size: 40 });
    let other = Checkpoint { size: 41, ..fork };
    assert_eq!(refused(&other.sign(&key).unwrap(), &grown.proof), Refusal::Rewritten { old: 40, new: 41 });
    let stranger = LogKey::new(NAME, crate::key(6)).unwrap();
    let unsigned = checkpoint(&log, 40).sign(&stranger).unwrap();
    assert!(matches!(refused(&unsigned, &[]), Refusal::Note(_)));
}

#[test]
fn a_cosigned_checkpoint_is_still_the_logs_and_says_when_it_was_seen() {
    let (log, key) = (Log::of(9), log_key());
    let witness = WitnessKey::new("northgate.example/witness", crate::key(8)).unwrap();
    let public: WitnessPublicKey = witness.public().to_string().parse().unwrap();
    assert_eq!(&public, witness.public());
    let cosigned = witness.cosign(&note(&log, 9), 1_789_372_800).unwrap();
    assert_eq!(Checkpoint::open(&cosigned, key.public()), Ok(checkpoint(&log, 9)));
    assert_eq!(public.seen(&cosigned), Ok(1_789_372_800));
    assert!(public.seen(&note(&log, 9)).is_err(), "not cosigned");
    let others = cosigned.replacen("\n9\n", "\n8\n", 1);
    assert!(public.seen(&others).is_err(), "cosigned for another size");
}
