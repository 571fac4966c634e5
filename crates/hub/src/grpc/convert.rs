//! Between the schema's messages and the exchange's words. Pure; a broken rule names its field.

use bytes::{Bytes, BytesMut};
use commonroll_core::Invalid;
use commonroll_exchange::{
    Acknowledgement, BatchAnswer, GroupState, IncomingBatch, IncomingRecord, OutBatch, OutRecord, Page,
    RecordAnswer, SealedGroup,
    withdrawal::{CopyAnswer, OutCopy, OutNotice, WithdrawalAnswer},
};
use commonroll_wire::{
    BATCH_MAX, frame, open_framed,
    outcome::{self, Refusal},
    path_bytes,
    pb::{exchange::v1 as pb, record::v1 as record},
    read_answers, write_kind, write_record_answer,
};
use prost::Message;

/// Bytes of one response, about: well under the 4 MiB that gRPC clients take unless told otherwise. A record of more
/// than this (there can be one, since a publish may carry 4 MiB) travels alone.
const RESPONSE_BYTES: usize = 2 * 1024 * 1024;

/// A published batch. A record whose frame is broken spoils the batch, since the signed root cannot be told then; a
/// record whose content is broken spoils itself alone.
pub(crate) fn batch(message: pb::PublishRequest) -> Result<IncomingBatch, Invalid> {
    let seal = message.seal.ok_or(Invalid::new("seal", "must be given"))?;
    if message.records.is_empty() || message.records.len() > BATCH_MAX {
        return Err(Invalid::new("records", "must be 1 to 1000 records"));
    }
    Ok(IncomingBatch {
        number: seal.number,
        size: seal.size,
        key_id: exactly("key_id", &seal.key_id, "must have exactly 8 bytes")?,
        signature: exactly("signature", &seal.signature, "must have exactly 64 bytes")?,
        records: message.records.into_iter().map(incoming).collect::<Result<_, _>>()?,
        source: seal.source,
    })
}

fn incoming(message: record::SealedRecord) -> Result<IncomingRecord, Invalid> {
    let frame = frame(&message)?;
    let root = frame.root;
    let content = open_framed(&message, frame).map(|opened| opened.record);
    let groups = message.groups.into_iter().map(group).collect::<Result<_, _>>()?;
    Ok(IncomingRecord { groups, root, content })
}

fn group(message: record::FieldGroup) -> Result<SealedGroup, Invalid> {
    let state = if message.withheld_hash.is_empty() {
        let salt = exactly("salt", &message.salt, "must have exactly 16 bytes")?;
        GroupState::Open { salt, content: message.content }
    } else {
        GroupState::Withheld(exactly("withheld_hash", &message.withheld_hash, "must have exactly 32 bytes")?)
    };
    Ok(SealedGroup { number: message.number, state })
}

/// The kind of every record, as a label of a metric.
pub(super) fn kinds(batch: &IncomingBatch) -> Vec<&'static str> {
    let kind = |record: &IncomingRecord| match record.content.as_ref().map(commonroll_core::Record::kind) {
        Ok(kind) => kind.as_str(),
        Err(_) => "unreadable",
    };
    batch.records.iter().map(kind).collect()
}

/// The answer to a batch.
pub(crate) fn batch_answer(answer: BatchAnswer) -> pb::PublishResponse {
    let mut results: Vec<_> = answer.results.into_iter().map(record_answer).collect();
    for (place, revision) in answer.held {
        if let Some(result) = results.get_mut(place) {
            result.held_revision = revision;
        }
    }
    pb::PublishResponse { batch_number: answer.number, results, next_batch_number: answer.next_batch }
}

fn record_answer(answer: RecordAnswer) -> pb::RecordResult {
    write_record_answer(match answer {
        RecordAnswer::Accepted { sequence } => outcome::RecordAnswer::Accepted { sequence },
        RecordAnswer::Duplicate { sequence } => outcome::RecordAnswer::Duplicate { sequence },
        RecordAnswer::Rejected { code, field, reason } => outcome::RecordAnswer::Rejected(Refusal {
            code: code.to_owned(),
            field: field.to_owned(),
            reason: reason.to_owned(),
        }),
    })
}

/// A page of the feed as messages of bounded size. A page's records ascend, so each message's cursor is its last one.
pub(super) fn page(page: Page, joint_paths: bool) -> Vec<pb::ReceiveResponse> {
    let mut messages = vec![pb::ReceiveResponse::default()];
    let (mut bytes, mut pieces) = (0, Pieces::default());
    for batch in page.batches {
        let mut records = Vec::with_capacity(batch.records.len());
        for record in &batch.records {
            let record = out_record(record, &mut pieces);
            let size = record.encoded_len();
            if bytes > 0 && bytes + size > RESPONSE_BYTES {
                finish(&mut messages, &batch, std::mem::take(&mut records), joint_paths);
                messages.push(pb::ReceiveResponse::default());
                bytes = 0;
            }
            bytes += size;
            records.push(record);
        }
        finish(&mut messages, &batch, records, joint_paths);
    }
    if let Some(last) = messages.last_mut() {
        last.cursor = page.cursor;
        last.notices = page.notices.into_iter().map(notice).collect();
    }
    messages
}

/// Puts records of a batch into the message that is being filled, with their path or paths, and moves its cursor.
fn finish(
    messages: &mut [pb::ReceiveResponse],
    batch: &OutBatch,
    mut records: Vec<pb::DeliveredRecord>,
    joint_paths: bool,
) {
    let (Some(message), Some(last)) = (messages.last_mut(), records.last()) else { return };
    message.cursor = last.sequence;
    let places = || records.iter().map(|record| record.batch_index as usize).collect::<Vec<_>>();
    let joint_path = joint_paths.then(|| batch.joint_path(&places())).flatten();
    if joint_path.is_none() {
        for record in &mut records {
            record.batch_path = path_bytes(&batch.path(record.batch_index));
        }
    }
    let joint_path = joint_path.map(|path| path.concat().into()).unwrap_or_default();
    message.batches.push(pb::DeliveredBatch { seal: Some(seal(batch)), records, joint_path });
}

fn notice(notice: OutNotice) -> pb::WithdrawalNotice {
    let copy = |copy: OutCopy| pb::WithdrawnCopy {
        sequence: copy.sequence,
        record_id: Bytes::copy_from_slice(&copy.id.0),
        source: copy.source.as_str().to_owned(),
        revision: copy.revision,
        kind: write_kind(copy.kind).into(),
        recipient_learner_local_id: copy
            .recipient_learner
            .map_or_else(String::new, |id| id.as_str().to_owned()),
    };
    pb::WithdrawalNotice {
        sequence: notice.sequence,
        number: notice.number,
        reason: notice.reason.as_str().to_owned(),
        issued_at_us: notice.issued_at.micros(),
        copies: notice.copies.into_iter().map(copy).collect(),
    }
}

fn seal(batch: &OutBatch) -> record::BatchSeal {
    record::BatchSeal {
        source: batch.source.as_str().to_owned(),
        number: batch.number,
        size: batch.size,
        key_id: Bytes::copy_from_slice(&batch.key_id),
        signature: Bytes::copy_from_slice(&batch.signature),
    }
}

/// Many small byte strings in few pieces of memory.
#[derive(Default)]
struct Pieces(BytesMut);

impl Pieces {
    const ROOM: usize = 16 * 1024;

    fn take(&mut self, bytes: &[u8]) -> Bytes {
        if self.0.capacity() < bytes.len() {
            self.0 = BytesMut::with_capacity(Self::ROOM);
        }
        self.0.extend_from_slice(bytes);
        self.0.split().freeze()
    }
}

/// A record's field groups as a message.
pub(crate) fn sealed(groups: &[SealedGroup]) -> record::SealedRecord {
    let mut pieces = Pieces::default();
    record::SealedRecord { groups: groups.iter().map(|group| out_group(group, &mut pieces)).collect() }
}

fn out_record(out: &OutRecord, pieces: &mut Pieces) -> pb::DeliveredRecord {
    let groups = out.groups.iter().map(|group| out_group(group, pieces)).collect();
    pb::DeliveredRecord {
        sequence: out.sequence,
        batch_index: out.batch_index,
        batch_path: Vec::new(),
        record: Some(record::SealedRecord { groups }),
        recipient_learner_local_id: out.recipient_learner.as_str().to_owned(),
        accepted_at_us: out.accepted_at.micros(),
        again: out.again,
    }
}

fn out_group(group: &SealedGroup, pieces: &mut Pieces) -> record::FieldGroup {
    let number = group.number;
    match &group.state {
        GroupState::Open { salt, content } => {
            let (salt, content) = (pieces.take(salt), content.clone());
            record::FieldGroup { number, salt, content, withheld_hash: Bytes::new() }
        }
        GroupState::Withheld(hash) => {
            let withheld_hash = pieces.take(hash);
            record::FieldGroup { number, salt: Bytes::new(), content: Bytes::new(), withheld_hash }
        }
    }
}

/// A recipient's receipt.
pub(super) fn acknowledgement(message: &pb::AcknowledgeRequest) -> Result<Acknowledgement, Invalid> {
    Ok(Acknowledgement {
        cursor: message.cursor,
        digest: exactly("digest", &message.digest, "must have exactly 32 bytes")?,
        key_id: exactly("key_id", &message.key_id, "must have exactly 8 bytes")?,
        signature: exactly("signature", &message.signature, "must have exactly 64 bytes")?,
    })
}

/// A recipient's answer to a notice.
pub(super) fn withdrawal_answer(message: &pb::AnswerWithdrawalRequest) -> Result<WithdrawalAnswer, Invalid> {
    let answers = read_answers(message)?.into_iter();
    Ok(WithdrawalAnswer {
        number: message.number,
        sequence: message.sequence,
        answers: answers
            .map(|a| CopyAnswer { sequence: a.sequence, outcome: a.outcome, reason: a.reason })
            .collect(),
        key_id: exactly("key_id", &message.key_id, "must have exactly 8 bytes")?,
        signature: exactly("signature", &message.signature, "must have exactly 64 bytes")?,
    })
}

/// Bytes of one fixed length.
pub(super) fn exactly<const N: usize>(
    field: &'static str,
    bytes: &[u8],
    rule: &'static str,
) -> Result<[u8; N], Invalid> {
    bytes.try_into().map_err(|_| Invalid::new(field, rule))
}
