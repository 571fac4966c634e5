//! The laws, checked after each step: once, in order, only to those entitled, provably.

use super::{
    mis::Mis,
    model::{Entry, Model, Owed, PARTNERS},
};
use commonroll_audit::{Checkpoint, Hash, LogPublicKey, verify_consistency};
use commonroll_exchange::Exchange;
use commonroll_wire::{
    RecordAnswer, open,
    pb::exchange::v1::{PublishRequest, PublishResponse, ReceiveResponse},
    read_record_answer,
};

/// The log as the source of truth: every new record is sound, new, newer than what was there, and owed to its home.
pub async fn read_log(model: &std::sync::Mutex<Model>, exchange: &Exchange) {
    loop {
        let from = model.lock().unwrap().looked + 1;
        let shown = exchange.show(from, 200).await.unwrap();
        if shown.is_empty() {
            return;
        }
        let mut model = model.lock().unwrap();
        for entry in shown {
            model.looked = entry["sequence"].as_u64().unwrap();
            numbered(&mut model, &entry);
            if entry["record"].is_string() {
                let found = accepted(&model, &entry);
                model.log.push(found);
            }
        }
    }
}

/// A source's batches stand in the log in order, without a gap, and each in one piece: a number is used once.
fn numbered(model: &mut Model, entry: &serde_json::Value) {
    let Some(number) = entry["batch"].as_u64().or(entry["more"]["batch"].as_u64()) else { return };
    let who = PARTNERS.iter().position(|name| entry["by"] == *name).unwrap();
    let (last, place) = std::mem::replace(&mut model.batches[who], (number, model.looked));
    let goes_on = number == last && place + 1 == model.looked;
    assert!(goes_on || number == last + 1, "batch {number} of {} came after {last}", PARTNERS[who]);
}

fn accepted(model: &Model, entry: &serde_json::Value) -> Entry {
    let (id, revision) =
        (entry["record"].as_str().unwrap().to_owned(), entry["revision"].as_u64().unwrap() as u32);
    let said = model.said.get(&(id.clone(), revision)).expect("the log holds only what a source sent");
    assert_eq!(entry["by"], PARTNERS[said.source], "a record is its source's");
    assert_eq!(entry["what"] == "record.withdrawn", said.mark.is_none());
    if let Some(before) = model.newest(&id) {
        assert!(
            before.revision < revision,
            "revision {revision} of {id} is behind revision {}",
            before.revision
        );
    }
    let Owed::Accepted { home } = model.owed(said) else { panic!("accepted, and not entitled: {said:?}") };
    assert_eq!(entry["recipients"], serde_json::json!([PARTNERS[home]]));
    Entry { sequence: model.looked, id, revision, recipient: home, granted: model.granted() }
}

/// An answer that a source has read: what it says is true, and what it says is in the log is there.
pub fn answered(model: &mut Model, request: &PublishRequest, answer: &PublishResponse) {
    assert_eq!(request.records.len(), answer.results.len(), "a result for each record");
    for (record, result) in request.records.iter().zip(&answer.results) {
        let head = open(record).unwrap().record.head;
        let key = (head.id.to_string(), head.revision.get());
        let held = model.log.iter().find(|e| (&e.id, e.revision) == (&key.0, key.1)).map(|e| e.sequence);
        match read_record_answer(result.clone()).unwrap() {
            RecordAnswer::Accepted { sequence } | RecordAnswer::Duplicate { sequence } => {
                assert_eq!(held, Some(sequence), "acknowledged, so it is in the log");
                let before = model.acknowledged.insert(key, sequence);
                assert!(
                    before.is_none_or(|before| before == sequence),
                    "a repeat has the first one's number"
                );
            }
            RecordAnswer::Rejected(refusal) => {
                assert_eq!(held, None, "refused as {}, and yet in the log", refusal.code);
                match refusal.code.as_str() {
                    "stale_revision" => assert!(model.newest(&key.0).unwrap().revision > key.1),
                    code => assert_eq!(
                        model.owed(&model.said[&key]),
                        Owed::Refused(if code == "no_agreement" { "no_agreement" } else { "no_placement" }),
                        "refused as {code}"
                    ),
                }
            }
        }
    }
}

/// A piece of a feed: exactly what is owed at this moment, in order, and of it no field group more or less.
pub fn delivered(model: &mut Model, recipient: usize, after: u64, piece: &ReceiveResponse) {
    let got: Vec<u64> = piece.batches.iter().flat_map(|b| &b.records).map(|r| r.sequence).collect();
    let inside = |e: &&Entry| e.sequence <= piece.cursor;
    let due: Vec<u64> = model.due(recipient, after).into_iter().filter(inside).map(|e| e.sequence).collect();
    assert_eq!(got, due, "exactly what {} is entitled to behind {after}", PARTNERS[recipient]);
    for record in piece.batches.iter().flat_map(|batch| &batch.records) {
        let entry = model.log.iter().find(|entry| entry.sequence == record.sequence).unwrap();
        let said = model.said_of(entry);
        let groups = &record.record.as_ref().unwrap().groups;
        let open: Vec<u32> = groups.iter().filter(|g| g.withheld_hash.is_empty()).map(|g| g.number).collect();
        let granted = |group: &u32| entry.granted.contains(group) && model.granted().contains(group);
        let owed: Vec<u32> = said.groups.iter().copied().filter(granted).collect();
        assert_eq!(open, owed, "the field groups that were and are agreed");
    }
    let kept_back = |e: &&Entry| {
        e.recipient == recipient && e.sequence > after && e.sequence <= piece.cursor && !model.may_leave(e)
    };
    let kept: Vec<_> = model.log.iter().filter(kept_back).map(|e| (e.id.clone(), e.revision)).collect();
    model.withheld.extend(kept);
    narrowed(model, piece);
}

/// Notes what left with fewer field groups than were accepted.
pub fn narrowed(model: &mut Model, piece: &ReceiveResponse) {
    let places = piece.batches.iter().flat_map(|batch| &batch.records).filter(|record| !record.again);
    for place in places.map(|record| record.sequence) {
        let entry = model.log.iter().find(|entry| entry.sequence == place).unwrap();
        if entry.granted.iter().any(|group| !model.granted().contains(group)) {
            let key = (entry.id.clone(), entry.revision);
            model.narrowed.insert(key);
        }
    }
}

/// Nothing acknowledged is missing, and the MIS of every partner has seen what it should, as it should.
pub fn kept(model: &Model, exchange: &Exchange, mises: &[&Mis]) {
    assert!(exchange.stats().log_entries >= model.looked, "the log became shorter");
    for ((id, revision), sequence) in &model.acknowledged {
        let times: Vec<u64> =
            model.log.iter().filter(|e| e.id == *id && e.revision == *revision).map(|e| e.sequence).collect();
        assert_eq!(times, [*sequence], "acknowledged, so in the log exactly once");
    }
    for (mis, name) in mises.iter().zip(PARTNERS) {
        assert_eq!(mis.faults(), [""; 0], "in the MIS of {name}");
    }
}

/// The log extends every checkpoint that was ever seen of it.
pub async fn extends(exchange: &Exchange, held: &mut Option<Checkpoint>) {
    let key: LogPublicKey = exchange.log_key().parse().unwrap();
    let (note, proof): (String, Vec<Hash>) =
        exchange.checkpoint(held.as_ref().map_or(0, |held| held.size)).await.unwrap();
    let newest = Checkpoint::open(&note, &key).unwrap();
    if let Some(held) = held {
        verify_consistency(held.size, &held.root, newest.size, &newest.root, &proof)
            .expect("the log extends the checkpoint that was seen");
    }
    *held = Some(newest);
}
