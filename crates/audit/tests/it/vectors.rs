//! Byte-exact vectors of everything that is signed, for clients in other languages.
//!
//! `tests/vectors.json` is made here and held here. A change of that file is a change of the wire format: it needs a
//! new version in the signed texts. `tests/check_vectors.py` checks it without any code of ours. An addition that is
//! meant: `UPDATE_VECTORS=1 cargo test -p commonroll-audit vectors`, and read the difference.

use commonroll_audit::{
    BatchSigner, Checkpoint, Frontier, GroupLeaf, LogKey, ReceiptDigest, leaf_hash, receipt_text,
    record_root, salt, sign_receipt,
};
use serde_json::{Value, json};

use crate::{hex, key};

const SALT_SECRET: [u8; 32] = [0x5a; 32];

/// Three records of one, two and three groups; the contents are bytes without meaning here.
fn records() -> Vec<(Value, [u8; 32])> {
    (1..=3u8).map(record).collect()
}

fn record(number: u8) -> (Value, [u8; 32]) {
    let (id, revision) = ([number; 16], u32::from(number));
    let (mut shown, mut leaves) = (Vec::new(), Vec::new());
    for group in 1..=u32::from(number) {
        let content = format!("record {number}, group {group}").into_bytes();
        let salt = salt(&SALT_SECRET, &id, revision, group);
        let leaf = GroupLeaf::shown(group, &salt, &content);
        shown.push(json!({
            "number": group, "salt": hex(&salt), "content": hex(&content), "leaf": hex(&leaf.hash),
        }));
        leaves.push(leaf);
    }
    let root = record_root(&leaves).unwrap();
    let record = json!({ "id": hex(&id), "revision": revision, "groups": shown, "record_root": hex(&root) });
    (record, root)
}

fn batch(records: &[(Value, [u8; 32])]) -> Value {
    let source = key(0x11);
    let roots: Vec<_> = records.iter().map(|(_, root)| *root).collect();
    let batch = BatchSigner::new("northgate", &source).unwrap().sign(42, &roots).unwrap();
    let proofs: Vec<Value> = (0..roots.len())
        .map(|index| {
            let path: Vec<String> = batch.path(index).unwrap().iter().map(|hash| hex(hash)).collect();
            let (record, root) = &records[index];
            json!({ "index": index, "record": record, "batch_leaf": hex(&leaf_hash(root)), "path": path })
        })
        .collect();
    json!({
        "seed": hex(&[0x11; 32]), "public_key": source.public().to_hex(), "key_id": source.public().id().to_string(),
        "source": "northgate", "number": 42, "count": roots.len(), "batch_root": hex(&batch.statement.root),
        "signed_text": hex(batch.statement.text().unwrap().as_bytes()), "signature": hex(&batch.signature),
        "records": proofs,
    })
}

fn receipt(records: &[(Value, [u8; 32])]) -> Value {
    let recipient = key(0x22);
    let mut digest = ReceiptDigest::default();
    let mut steps = Vec::new();
    for (sequence, (_, root)) in (1000..).zip(records) {
        digest.add(sequence, root);
        let after = hex(digest.as_bytes());
        steps.push(json!({ "sequence": sequence, "record_root": hex(root), "digest": after }));
    }
    let signed_text = receipt_text("ridgeway", 1002, &digest).unwrap();
    json!({
        "seed": hex(&[0x22; 32]), "public_key": recipient.public().to_hex(), "recipient": "ridgeway", "cursor": 1002,
        "start": hex(&[0; 32]), "steps": steps, "signed_text": hex(signed_text.as_bytes()),
        "signature": hex(&sign_receipt(&recipient, "ridgeway", 1002, &digest).unwrap()),
    })
}

fn checkpoint() -> Value {
    let entries: Vec<Vec<u8>> = (0..5).map(crate::entry).collect();
    let mut frontier = Frontier::new();
    frontier.extend(entries.iter().map(|entry| leaf_hash(entry)));
    let log = LogKey::new("hub.example/log", key(0x33)).unwrap();
    let checkpoint = Checkpoint { origin: "hub.example/log".into(), size: 5, root: frontier.root() };
    json!({
        "seed": hex(&[0x33; 32]), "verifier_key": log.public().to_string(), "origin": checkpoint.origin, "size": 5,
        "entries": entries.iter().map(|entry| hex(entry)).collect::<Vec<_>>(), "root": hex(&checkpoint.root),
        "note": hex(checkpoint.sign(&log).unwrap().as_bytes()),
    })
}

#[test]
fn the_published_vectors_are_what_we_sign() {
    let records = records();
    let vectors = json!({
        "about": "byte strings are in hex; made by crates/audit/tests/it/vectors.rs",
        "salt_secret": hex(&SALT_SECRET),
        "batch": batch(&records),
        "receipt": receipt(&records),
        "checkpoint": checkpoint(),
    });
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors.json");
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        std::fs::write(path, format!("{vectors:#}\n")).unwrap();
    }
    // As values: the order of keys depends on which features of serde_json the other crates of a build ask for.
    let published: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(published, vectors, "tests/vectors.json differs; see this file's header");
}
