//! Between the schema's messages and the exchange's words, for a hub without sockets.

use bytes::Bytes;
use commonroll_exchange::{
    Acknowledgement, BatchAnswer, DeclareResult, GroupState, IncomingBatch, IncomingRecord, OutRecord, Page,
    RecordAnswer, SealedGroup,
    withdrawal::{CopyAnswer, OutCopy, OutNotice, WithdrawalAnswer},
};
use commonroll_wire::{
    DeclarationAnswer, Refusal, frame, open_framed, path_bytes,
    pb::{exchange::v1 as pb, record::v1 as record},
    read_answers, write_kind, write_record_answer,
};

pub fn batch(message: pb::PublishRequest) -> IncomingBatch {
    let seal = message.seal.unwrap();
    let incoming = |message: record::SealedRecord| {
        let frame = frame(&message).unwrap();
        let root = frame.root;
        let content = open_framed(&message, frame).map(|opened| opened.record);
        IncomingRecord { root, content, groups: message.groups.into_iter().map(group).collect() }
    };
    IncomingBatch {
        number: seal.number,
        size: seal.size,
        key_id: seal.key_id.as_ref().try_into().unwrap(),
        signature: seal.signature.as_ref().try_into().unwrap(),
        records: message.records.into_iter().map(incoming).collect(),
        source: seal.source,
    }
}

fn group(message: record::FieldGroup) -> SealedGroup {
    let state = match message.withheld_hash.is_empty() {
        true => {
            GroupState::Open { salt: message.salt.as_ref().try_into().unwrap(), content: message.content }
        }
        false => GroupState::Withheld(message.withheld_hash.as_ref().try_into().unwrap()),
    };
    SealedGroup { number: message.number, state }
}

pub fn answer(answer: BatchAnswer) -> pb::PublishResponse {
    use commonroll_wire::RecordAnswer as Wire;
    let result = |answer| match answer {
        RecordAnswer::Accepted { sequence } => Wire::Accepted { sequence },
        RecordAnswer::Duplicate { sequence } => Wire::Duplicate { sequence },
        RecordAnswer::Rejected { code, field, reason } => {
            Wire::Rejected(Refusal { code: code.into(), field: field.into(), reason: reason.into() })
        }
    };
    let mut results: Vec<_> = answer.results.into_iter().map(result).map(write_record_answer).collect();
    answer.held.into_iter().for_each(|(place, revision)| results[place].held_revision = revision);
    pb::PublishResponse { batch_number: answer.number, results, next_batch_number: answer.next_batch }
}

pub fn declared(result: DeclareResult) -> DeclarationAnswer {
    match result {
        DeclareResult::Accepted => DeclarationAnswer::Accepted,
        DeclareResult::Unchanged => DeclarationAnswer::Unchanged,
        DeclareResult::Contested => {
            DeclarationAnswer::Contested { code: "contested".into(), reason: "-".into() }
        }
        DeclareResult::Rejected { code, field, reason } => DeclarationAnswer::Rejected(Refusal {
            code: code.into(),
            field: field.into(),
            reason: reason.into(),
        }),
    }
}

pub fn page(page: Page) -> pb::ReceiveResponse {
    let records = |batch: &commonroll_exchange::OutBatch| {
        batch.records.iter().map(|record| out(record, batch.path(record.batch_index))).collect()
    };
    let batch = |batch: commonroll_exchange::OutBatch| pb::DeliveredBatch {
        records: records(&batch),
        joint_path: Bytes::new(),
        seal: Some(record::BatchSeal {
            source: batch.source.as_str().to_owned(),
            number: batch.number,
            size: batch.size,
            key_id: Bytes::copy_from_slice(&batch.key_id),
            signature: Bytes::copy_from_slice(&batch.signature),
        }),
    };
    pb::ReceiveResponse {
        batches: page.batches.into_iter().map(batch).collect(),
        cursor: page.cursor,
        notices: page.notices.into_iter().map(notice).collect(),
    }
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

fn out(out: &OutRecord, path: Vec<[u8; 32]>) -> pb::DeliveredRecord {
    let group = |group: &SealedGroup| match &group.state {
        GroupState::Open { salt, content } => record::FieldGroup {
            number: group.number,
            salt: Bytes::copy_from_slice(salt),
            content: content.clone(),
            withheld_hash: Bytes::new(),
        },
        GroupState::Withheld(hash) => record::FieldGroup {
            number: group.number,
            withheld_hash: Bytes::copy_from_slice(hash),
            ..record::FieldGroup::default()
        },
    };
    pb::DeliveredRecord {
        sequence: out.sequence,
        batch_index: out.batch_index,
        batch_path: path_bytes(&path),
        record: Some(record::SealedRecord { groups: out.groups.iter().map(group).collect() }),
        recipient_learner_local_id: out.recipient_learner.as_str().to_owned(),
        accepted_at_us: out.accepted_at.micros(),
        again: out.again,
    }
}

/// Ends a piece after so many records, as a connection that breaks between two messages of one page does.
pub fn cut(mut piece: pb::ReceiveResponse, mut keep: usize) -> pb::ReceiveResponse {
    for batch in &mut piece.batches {
        batch.records.truncate(keep);
        keep -= batch.records.len();
    }
    piece.batches.retain(|batch| !batch.records.is_empty());
    piece.cursor = piece.batches.last().unwrap().records.last().unwrap().sequence;
    piece
}

pub fn withdrawal_answer(message: &pb::AnswerWithdrawalRequest) -> WithdrawalAnswer {
    let answers = read_answers(message).unwrap().into_iter();
    WithdrawalAnswer {
        number: message.number,
        sequence: message.sequence,
        answers: answers
            .map(|a| CopyAnswer { sequence: a.sequence, outcome: a.outcome, reason: a.reason })
            .collect(),
        key_id: message.key_id.as_ref().try_into().unwrap(),
        signature: message.signature.as_ref().try_into().unwrap(),
    }
}

pub fn acknowledgement(message: &pb::AcknowledgeRequest) -> Acknowledgement {
    Acknowledgement {
        cursor: message.cursor,
        digest: message.digest.as_ref().try_into().unwrap(),
        key_id: message.key_id.as_ref().try_into().unwrap(),
        signature: message.signature.as_ref().try_into().unwrap(),
    }
}
