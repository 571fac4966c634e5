//! Every method of the schema stands in `policies/doors.txt`, and does for each kind of caller what is said there.

use crate::kit::TestHub;
use commonroll_core::Role;
use prost::{
    Message,
    bytes::{Buf, BufMut},
    encoding::{WireType, encode_key, encode_varint},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use tonic::{
    Code, Request, Status,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    transport::Channel,
};

const DOORS: &str = include_str!("../../../../policies/doors.txt");
/// Long enough for an answer; a stream that stays open says nothing, and that is an answer too.
const ANSWER: Duration = Duration::from_millis(300);

/// One line of the file.
#[derive(Debug)]
struct Door {
    who: BTreeSet<&'static str>,
    shows: &'static str,
    decided: &'static str,
}

fn doors() -> BTreeMap<&'static str, Door> {
    let mut doors = BTreeMap::new();
    for line in DOORS.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
        let columns: Vec<&str> = line.split('|').map(str::trim).collect();
        let [method, who, shows, decided] = columns[..] else { panic!("four columns: {line}") };
        let door = Door { who: who.split(", ").collect(), shows, decided };
        assert!(doors.insert(method, door).is_none(), "twice: {method}");
    }
    doors
}

/// Every method that a descriptor knows, as `package.Service/Method`.
fn methods(descriptor: &[u8]) -> Vec<String> {
    let set = prost_types::FileDescriptorSet::decode(descriptor).unwrap();
    let mut methods = Vec::new();
    for file in &set.file {
        for service in &file.service {
            for method in &service.method {
                methods.push(format!("{}.{}/{}", file.package(), service.name(), method.name()));
            }
        }
    }
    methods
}

#[test]
fn every_method_has_a_reviewed_line_and_every_line_a_method() {
    let mut known: BTreeSet<String> = methods(commonroll_wire::DESCRIPTOR).into_iter().collect();
    known.extend(methods(tonic_health::pb::FILE_DESCRIPTOR_SET));
    known.extend(methods(tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET));
    let doors = doors();
    let said: BTreeSet<String> = doors.keys().map(|method| (*method).to_owned()).collect();
    assert_eq!(
        known.difference(&said).collect::<Vec<_>>(),
        Vec::<&String>::new(),
        "no line in policies/doors.txt"
    );
    assert_eq!(said.difference(&known).collect::<Vec<_>>(), Vec::<&String>::new(), "no such method");
    for (method, door) in &doors {
        let kinds = ["agent", "anyone", "person"];
        assert!(!door.who.is_empty() && door.who.iter().all(|who| kinds.contains(who)), "{method}: who");
        assert!(!door.who.contains("anyone") || door.who.len() == 1, "{method}: anyone stands alone");
        assert!(
            ["nothing", "metadata", "own", "figures", "personal"].contains(&door.shows),
            "{method}: shows"
        );
        let decided = door.decided.len() > 5;
        assert!(
            decided || door.shows != "personal",
            "{method}: personal data leaves by a decision that is named"
        );
        assert!(
            !door.who.contains("anyone") || door.shows == "nothing",
            "{method}: strangers are shown nothing"
        );
    }
}

/// Every method with a message that can be read: the role of somebody who may do nothing, and what else a question needs
/// before the policies are asked.
fn questions(descriptor: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let set = prost_types::FileDescriptorSet::decode(descriptor).unwrap();
    let mut messages = BTreeMap::new();
    for file in &set.file {
        for message in &file.message_type {
            messages.insert(format!(".{}.{}", file.package(), message.name()), question(message));
        }
    }
    let mut questions = BTreeMap::new();
    for file in &set.file {
        for service in &file.service {
            for method in &service.method {
                let name = format!("{}.{}/{}", file.package(), service.name(), method.name());
                questions.insert(name, messages.get(method.input_type()).cloned().unwrap_or_default());
            }
        }
    }
    questions
}

/// A message's bytes. One that does not begin with the caller's role stays empty.
fn question(message: &prost_types::DescriptorProto) -> Vec<u8> {
    let first = message.field.first().filter(|field| (field.number(), field.name()) == (1, "role"));
    let of_learner = message.field.iter().any(|field| field.name() == "learner_local_id");
    let mut bytes = Vec::new();
    for field in first.iter().flat_map(|_| &message.field) {
        let number = u32::try_from(field.number()).unwrap();
        let word = match field.name() {
            "role" => Role::Program.as_str(),
            "learner_local_id" => "R-1",
            "purpose" if of_learner => "pastoral",
            "purpose" => "administration",
            "drop_agreements" => "kingsmead-ridgeway",
            "institution" => "ridgeway",
            "topic" => "refused",
            "kind" => "attendance",
            "date" => "2026-11-20",
            "to_us" => {
                encode_key(number, WireType::Varint, &mut bytes);
                encode_varint(1_000_000, &mut bytes);
                continue;
            }
            _ => continue,
        };
        encode_key(number, WireType::LengthDelimited, &mut bytes);
        encode_varint(word.len() as u64, &mut bytes);
        bytes.extend(word.as_bytes());
    }
    bytes
}

/// A message whose bytes are there already.
struct Raw;

impl Encoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;
    fn encode(&mut self, bytes: Vec<u8>, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.put_slice(&bytes);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = ();
    type Error = Status;
    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<()>, Status> {
        from.advance(from.remaining());
        Ok(Some(()))
    }
}

impl Codec for Raw {
    type Encode = Vec<u8>;
    type Decode = ();
    type Encoder = Self;
    type Decoder = Self;
    fn encoder(&mut self) -> Self {
        Self
    }
    fn decoder(&mut self) -> Self {
        Self
    }
}

/// Calls a method with a message; what comes first.
async fn call(channel: &Channel, method: &str, message: &[u8]) -> Code {
    let mut client = tonic::client::Grpc::new(channel.clone());
    let Ok(()) = client.ready().await else { return Code::Unauthenticated };
    let path = format!("/{method}").parse().unwrap();
    match client.server_streaming(Request::new(message.to_vec()), path, Raw).await {
        Err(status) => status.code(),
        Ok(answers) => match tokio::time::timeout(ANSWER, answers.into_inner().message()).await {
            Ok(Err(status)) => status.code(),
            Ok(Ok(_)) | Err(_) => Code::Ok,
        },
    }
}

#[tokio::test]
async fn each_kind_of_caller_is_refused_where_the_file_does_not_name_it() {
    let hub = TestHub::start().await;
    let nobody = hub.dial(hub.addresses.agents, None).connect_lazy();
    let agent = hub.agent("ridgeway").await.channel;
    // The least that a person can be: of no use for anything that these methods decide.
    let person = hub.colleague("ridgeway", Role::Program).await.channel;
    let questions = questions(commonroll_wire::DESCRIPTOR);
    let (mut decided, mut unasked) = (0, Vec::new());
    for (method, door) in doors() {
        assert_ne!(call(&nobody, method, &[]).await, Code::Ok, "{method}: a stranger was answered");
        for (kind, channel) in [("agent", &agent), ("person", &person)] {
            let code = call(channel, method, &[]).await;
            if !door.who.contains(kind) {
                assert!(
                    matches!(code, Code::PermissionDenied | Code::Unauthenticated),
                    "{method}: {kind} got {code:?}"
                );
            }
        }
        let alone = door.decided == "the caller alone";
        if door.who.contains("person") && ["personal", "own", "figures"].contains(&door.shows) && !alone {
            // Refused for what the person is, and not for what the message lacks.
            let code = call(&person, method, &questions[method]).await;
            assert_ne!(code, Code::Ok, "{method}: shown to a person of no useful role");
            match code {
                Code::PermissionDenied => decided += 1,
                _ => unasked.push((method, code)),
            }
        }
    }
    assert_eq!(
        unasked,
        Vec::new(),
        "what was shown to nobody, but for another reason; {decided} were decided"
    );
    assert!(decided >= 9, "only {decided} methods were decided by the policies");
    hub.exchange.tick(hub.now()).await;
    let log = hub.exchange.show(1, 1_000).await.unwrap();
    let counted: BTreeSet<_> =
        log.iter().filter(|e| e["what"] == "call.refused").map(|e| e["more"]["actor"].to_string()).collect();
    assert_eq!(
        counted.len(),
        2,
        "what was refused to the agent and to the person is in the log: {counted:?}"
    );
}
