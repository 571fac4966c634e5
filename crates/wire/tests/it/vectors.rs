//! `proto/vectors.json`: the byte-exact examples of `proto/README.md`, made here and held to what is committed.
//!
//! After a change that is meant: `UPDATE_VECTORS=1 cargo test -p commonroll-wire vectors`, and read the difference.

use crate::sample::{self, SECRET, signing_key, slug};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use commonroll_audit::{
    CopyOutcome, Hash, ReceiptDigest,
    deletion::{DeletionDigest, deletion_text},
    leaf_hash, receipt_text,
};
use commonroll_core::Record;
use commonroll_wire::{
    CopyAnswer, HEAD_BIT, Sealed, acknowledge, answer_withdrawal, open, open_batch, pb, redact, renewal_text,
    seal, seal_batch, sign_renewal,
};
use prost::Message;
use serde_json::{Value, json};

const NUMBER: u64 = 12;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn path_hex(path: &[Hash]) -> Vec<String> {
    path.iter().map(|hash| hex(hash)).collect()
}

fn names() -> [(&'static str, &'static str); 4] {
    [
        ("attendance", "K-0417/12B/Ph1/1"),
        ("assessment", "K-0417/Physics/Aut1"),
        ("behaviour", "E-1009/K-0417"),
        ("withdrawn attendance", "K-0417/12B/Ph1/1"),
    ]
}

fn record_vector(record: &Record, sealed: &Sealed, name: (&str, &str), path: &[Hash]) -> Value {
    let leaves = open(&sealed.message).unwrap().leaves;
    let whole = seal(record, &SECRET, &[]).message;
    let groups = whole.groups.iter().zip(&leaves).map(|(group, leaf)| {
        let travels = sealed.message.groups.iter().any(|g| g.number == group.number && !g.content.is_empty());
        json!({
            "number": group.number,
            "salt": hex(&group.salt),
            "content": hex(&group.content),
            "leaf": hex(&leaf.hash),
            "withheld_by_source": !travels,
        })
    });
    json!({
        "name": name.0,
        "kind": record.kind().as_str(),
        "local_key": name.1,
        "school_date": record.head.date.to_string(),
        "record_id": record.head.id.to_string(),
        "revision": record.head.revision.get(),
        "groups": groups.collect::<Vec<_>>(),
        "record_root": hex(&sealed.root),
        "batch_leaf": hex(&leaf_hash(&sealed.root)),
        "batch_path": path_hex(path),
        "sealed_record": hex(&sealed.message.encode_to_vec()),
    })
}

fn receipt_vector(roots: &[Hash]) -> Value {
    let mut digest = ReceiptDigest::default();
    let received = roots.iter().zip([101u64, 102, 105, 109]).map(|(root, sequence)| {
        digest.add(sequence, root);
        json!({ "sequence": sequence, "record_root": hex(root), "digest": hex(digest.as_bytes()) })
    });
    let received: Vec<Value> = received.collect();
    let request = acknowledge(&slug("northgate"), 109, &digest, &signing_key()).unwrap();
    json!({
        "recipient": "northgate",
        "received": received,
        "cursor": 109,
        "text": receipt_text("northgate", 109, &digest).unwrap(),
        "key_id": hex(&request.key_id),
        "signature": hex(&request.signature),
    })
}

fn renewal_vector() -> Value {
    let (agent, at, csr) = ([0xA7; 16], 1_789_376_400_000_000, Bytes::from_static(b"not a real request"));
    json!({
        "agent_id": hex(&agent),
        "made_at_us": at,
        "certificate_request": hex(&csr),
        "text": renewal_text(&agent, at, &csr),
        "signature": hex(&sign_renewal(&agent, at, csr, &signing_key()).signature),
    })
}

fn deletion_vector() -> Value {
    let said = [
        (105, CopyOutcome::Removed, ""),
        (101, CopyOutcome::Flagged, "by_hand"),
        (109, CopyOutcome::Kept, "statutory_register"),
        (102, CopyOutcome::NotHeld, ""),
    ];
    let mut digest = DeletionDigest::default();
    let answers =
        said.map(|(sequence, outcome, reason)| CopyAnswer { sequence, outcome, reason: reason.to_owned() });
    let copies = answers.iter().map(|answer| {
        digest.add(answer.sequence, answer.outcome, &answer.reason);
        json!({
            "sequence": answer.sequence,
            "outcome": answer.outcome as u8,
            "reason": answer.reason,
            "digest": hex(digest.as_bytes()),
        })
    });
    let copies: Vec<Value> = copies.collect();
    let request = answer_withdrawal(&slug("northgate"), 3, 117, &answers, &signing_key()).unwrap();
    json!({
        "recipient": "northgate",
        "notice": 3,
        "notice_sequence": 117,
        "copies": copies,
        "text": deletion_text("northgate", 3, 117, &digest).unwrap(),
        "key_id": hex(&request.key_id),
        "signature": hex(&request.signature),
        "request": hex(&request.encode_to_vec()),
    })
}

fn withheld_vector(sealed: &Sealed) -> Value {
    let redacted = redact(&sealed.message, HEAD_BIT | 1 << 2).unwrap();
    let groups = redacted.groups.iter().map(|g: &pb::record::v1::FieldGroup| {
        json!({
            "number": g.number,
            "salt": hex(&g.salt),
            "content": hex(&g.content),
            "withheld_hash": hex(&g.withheld_hash),
        })
    });
    json!({
        "of": "attendance",
        "groups": groups.collect::<Vec<_>>(),
        "record_root": hex(&open(&redacted).unwrap().root),
    })
}

fn vectors() -> Value {
    let records = sample::all();
    let sealed: Vec<Sealed> =
        records.iter().map(|r| seal(r, &SECRET, &[5].repeat(usize::from(r.kind() as u8 == 3)))).collect();
    let request = seal_batch(&slug("kingsmead"), NUMBER, sealed.clone(), &signing_key()).unwrap();
    let opened = open_batch(&request, &signing_key().public()).unwrap();
    let vector =
        |at: usize| record_vector(&records[at], &sealed[at], names()[at], &opened.signed.path(at).unwrap());
    let seal = request.seal.as_ref().unwrap();
    json!({
        "about": "Examples for proto/README.md. All bytes are lower-case hex. Made by crates/wire/tests/it/vectors.rs.",
        "source": "kingsmead",
        "signing_seed": hex(&[7; 32]),
        "public_key": signing_key().public().to_hex(),
        "key_id": hex(&seal.key_id),
        "salt_secret": hex(&SECRET),
        "records": (0..4).map(vector).collect::<Vec<_>>(),
        "batch": {
            "number": NUMBER,
            "size": seal.size,
            "root": hex(&opened.signed.statement.root),
            "root_base64": STANDARD.encode(opened.signed.statement.root),
            "text": opened.signed.statement.text().unwrap(),
            "signature": hex(&seal.signature),
        },
        "withheld_by_policy": withheld_vector(&sealed[0]),
        "receipt": receipt_vector(&opened.roots),
        "deletion": deletion_vector(),
        "renewal": renewal_vector(),
    })
}

#[test]
fn the_published_vectors_are_what_this_code_makes() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../proto/vectors.json");
    let made = vectors();
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        std::fs::write(path, format!("{made:#}\n")).unwrap();
    }
    // As values: the order of keys depends on which features of serde_json the other crates of a build ask for.
    let published: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert!(
        published == made,
        "proto/vectors.json differs; strangers' clients would break. See this file's header"
    );
}
