//! Every method of the schema stands in `policies/doors.txt`, and does for each kind of caller what is said there.

use crate::kit::TestHub;
use commonroll_core::Role;
use prost::Message;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use tonic::{Code, Request, transport::Channel};

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
        assert!(["nothing", "metadata", "own", "personal"].contains(&door.shows), "{method}: shows");
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

/// Calls a method with an empty message; what comes first.
async fn call(channel: &Channel, method: &str) -> Code {
    let mut client = tonic::client::Grpc::new(channel.clone());
    let Ok(()) = client.ready().await else { return Code::Unauthenticated };
    let path = format!("/{method}").parse().unwrap();
    let codec = tonic_prost::ProstCodec::<(), ()>::default();
    match client.server_streaming(Request::new(()), path, codec).await {
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
    for (method, door) in doors() {
        assert_ne!(call(&nobody, method).await, Code::Ok, "{method}: a stranger was answered");
        for (kind, channel) in [("agent", &agent), ("person", &person)] {
            let code = call(channel, method).await;
            if !door.who.contains(kind) {
                assert!(
                    matches!(code, Code::PermissionDenied | Code::Unauthenticated),
                    "{method}: {kind} got {code:?}"
                );
            }
        }
        let own = door.decided == "the caller alone";
        if door.who.contains("person") && door.shows == "personal" && !own {
            assert_ne!(
                call(&person, method).await,
                Code::Ok,
                "{method}: shown to a person of no useful role"
            );
        }
    }
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
