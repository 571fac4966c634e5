//! Case 9: malformed messages over the wire. A clear answer that names the field, unharmed neighbours, no crash.

use crate::kit::{Agent, TestHub};
use bytes::{Buf, BufMut};
use commonroll_hub::RETRY_AFTER_MS;
use commonroll_wire::pb::{
    directory::v1::{DeclareRequest, OverviewRequest},
    exchange::v1::{PublishRequest, RecordOutcome},
    record::v1::BatchSeal,
};
use prost::Message;
use tonic::{
    Code, Request, Status,
    client::Grpc,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    codegen::http::uri::PathAndQuery,
};

const DECLARE: &str = "/commonroll.directory.v1.DirectoryService/Declare";
const PUBLISH: &str = "/commonroll.exchange.v1.ExchangeService/Publish";
/// Must never come back in an answer.
const CANARY: &str = "Canary-Surname";

/// Sends bytes as they are.
#[derive(Default)]
struct Raw;

impl Codec for Raw {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;
    fn encoder(&mut self) -> Self {
        Self
    }
    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;
    fn encode(&mut self, item: Vec<u8>, into: &mut EncodeBuf<'_>) -> Result<(), Status> {
        into.put_slice(&item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;
    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining()).to_vec()))
    }
}

async fn unary(agent: &Agent, bytes: Vec<u8>) -> Result<Vec<u8>, Status> {
    let mut client = Grpc::new(agent.channel.clone());
    client.ready().await.unwrap();
    let answer = client.unary(Request::new(bytes), PathAndQuery::from_static(DECLARE), Raw).await?;
    Ok(answer.into_inner())
}

/// Publishes raw bytes and gives the error that ends the stream.
async fn stream(agent: &Agent, bytes: Vec<u8>) -> Status {
    let mut client = Grpc::new(agent.channel.clone());
    client.ready().await.unwrap();
    let request = Request::new(tokio_stream::once(bytes));
    let answer = client.streaming(request, PathAndQuery::from_static(PUBLISH), Raw).await;
    let mut answers = answer.unwrap().into_inner();
    loop {
        match answers.message().await {
            Ok(Some(_greeting)) => {}
            Ok(None) => panic!("the stream ended well"),
            Err(status) => return status,
        }
    }
}

fn check(status: &Status, code: Code, says: &str) {
    assert_eq!(status.code(), code, "{}", status.message());
    assert!(status.message().contains(says), "{} does not say {says}", status.message());
    assert!(!status.message().contains(CANARY), "an answer never echoes a value");
}

#[tokio::test]
async fn case_09_bytes_that_are_no_message_are_invalid_and_the_hub_serves_on() {
    let hub = TestHub::start().await;
    let agent = hub.agent("northgate").await;
    let mut random = 4711_u32;
    for length in [1_usize, 7, 64, 1_000] {
        let mut next = || {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            0x80 | (random >> 24) as u8 // never the end of a number, so never a message
        };
        let noise: Vec<u8> = (0..length).map(|_| next()).collect();
        check(&unary(&agent, noise.clone()).await.unwrap_err(), Code::InvalidArgument, "field");
        check(&stream(&agent, noise).await, Code::InvalidArgument, "field");
    }
    let mut truncated =
        PublishRequest { seal: Some(BatchSeal::default()), records: vec![Default::default(); 3] };
    truncated.seal.as_mut().unwrap().source = CANARY.to_owned();
    let mut bytes = truncated.encode_to_vec();
    bytes.truncate(bytes.len() / 2);
    check(&stream(&agent, bytes).await, Code::InvalidArgument, "field");
    agent.directory().overview(OverviewRequest {}).await.expect("the hub serves on");
}

#[tokio::test]
async fn case_09_broken_text_names_the_field_and_unknown_fields_are_ignored() {
    let hub = TestHub::start().await;
    let agent = hub.agent("northgate").await;
    let text = [CANARY.as_bytes(), &[0xff]].concat();
    let seal = [&[0x0a, text.len() as u8], text.as_slice()].concat();
    let bytes = [&[0x0a, seal.len() as u8], seal.as_slice()].concat();
    check(&stream(&agent, bytes).await, Code::InvalidArgument, "`source`");
    let unknown = [0xfa, 0x3f, 3, 1, 2, 3]; // field 1023
    unary(&agent, unknown.to_vec()).await.expect("unknown fields are ignored");
}

#[tokio::test]
async fn case_09_an_oversize_message_is_told_to_shrink() {
    let hub = TestHub::start().await;
    let agent = hub.agent("northgate").await;
    let five_mib = vec![0x0a; 5 * 1024 * 1024];
    let refused = unary(&agent, five_mib.clone()).await.unwrap_err();
    check(&refused, Code::ResourceExhausted, "larger");
    assert!(refused.metadata().get(RETRY_AFTER_MS).is_some());
    check(&stream(&agent, five_mib).await, Code::ResourceExhausted, "larger");
    let many = DeclareRequest { declarations: vec![Default::default(); 1_001] };
    check(&agent.directory().declare(many).await.unwrap_err(), Code::ResourceExhausted, "1,000");
}

#[tokio::test]
async fn case_09_a_bad_record_does_not_spoil_its_neighbours() {
    let hub = TestHub::start().await;
    let agent = hub.agent("northgate").await;
    let sealed = |key: &str| commonroll_wire::seal(&agent.mark(key), &[7; 32], &[]);
    let mut records = vec![sealed("first"), sealed("second"), sealed("third"), sealed("fourth")];
    spoil(&mut records[1], "2026-09-14", "2026-02-30");
    spoil(&mut records[2], "N1", "\0\u{1}");
    let batch = commonroll_wire::seal_batch(&agent.institution, 1, records, &agent.signing).unwrap();
    let mut publishing = agent.publishing().await.unwrap();
    let answer = publishing.ask(batch).await.unwrap();
    let outcomes: Vec<_> =
        answer.results.iter().map(|result| (result.outcome(), result.field.as_str())).collect();
    assert_eq!(
        outcomes,
        [
            (RecordOutcome::Accepted, ""),
            (RecordOutcome::Rejected, "school_date"),
            (RecordOutcome::Rejected, "learner_local_id"),
            (RecordOutcome::Accepted, ""),
        ]
    );
}

/// Replaces bytes of the head by others of the same length, and hashes the record again.
fn spoil(record: &mut commonroll_wire::Sealed, old: &str, new: &str) {
    assert_eq!(old.len(), new.len());
    let head = &mut record.message.groups[0];
    let mut content = head.content.to_vec();
    let at = content.windows(old.len()).position(|w| w == old.as_bytes()).unwrap();
    content[at..at + new.len()].copy_from_slice(new.as_bytes());
    head.content = content.into();
    record.root = commonroll_wire::frame(&record.message).unwrap().root;
}

#[tokio::test]
async fn case_09_a_batch_that_is_not_as_sealed_is_refused_whole() {
    let hub = TestHub::start().await;
    let agent = hub.agent("northgate").await;
    let entries = hub.exchange.stats().log_entries;
    let sound = agent.batch_number(1, &[agent.mark("a"), agent.mark("b")]);
    let refuse = async |change: fn(&mut PublishRequest), says: &str| {
        let mut batch = sound.clone();
        change(&mut batch);
        let refused = agent.publishing().await.unwrap().ask(batch).await.unwrap_err();
        check(&refused, Code::InvalidArgument, says);
    };
    refuse(|batch| batch.seal = None, "`seal`").await;
    refuse(|batch| batch.records.clear(), "`records`").await;
    refuse(|batch| batch.records.swap(0, 1), "`signature`").await;
    refuse(|batch| batch.records[0].groups[0].salt = vec![1; 15].into(), "`salt`").await;
    refuse(|batch| batch.records[1].groups.reverse(), "`number`").await;
    refuse(|batch| batch.seal.as_mut().unwrap().signature = vec![0; 63].into(), "`signature`").await;
    assert_eq!(hub.exchange.stats().log_entries, entries, "nothing was stored");
    let answer = agent.publishing().await.unwrap().ask(sound).await.unwrap();
    assert!(answer.results.iter().all(|result| result.outcome() == RecordOutcome::Accepted));
}
