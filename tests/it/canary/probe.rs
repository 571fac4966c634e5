//! Every method of the hub, called with bodies full of canaries by an agent, by a person and by nobody: what is answered?

use super::words::{BAD, Canary, FORENAME, HOME_ID, INTERNAL, SURNAME, ULN, found};
use crate::outside::text;
use std::time::Duration;
use tokio::task::JoinSet;
use tonic::{
    Request, Status,
    client::Grpc,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    codegen::http::uri::PathAndQuery,
    metadata::AsciiMetadataValue,
    transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity},
};

/// Longest wait for a method that streams.
const STREAMED: Duration = Duration::from_millis(300);

/// Methods that go on after they have answered.
const STREAMS: [&str; 4] = ["/Publish", "/Receive", "/Watch", "/ServerReflectionInfo"];

/// Bytes as they are.
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
        bytes::BufMut::put_slice(into, &item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;
    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        let length = bytes::Buf::remaining(from);
        Ok(Some(bytes::Buf::copy_to_bytes(from, length).to_vec()))
    }
}

/// A channel with a certificate and key in one PEM, or with none.
pub async fn channel(address: &str, authority_pem: &str, shown: Option<&str>) -> Channel {
    let mut tls = ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(authority_pem))
        .domain_name(commonroll_hub::HUB_NAME);
    if let Some(pem) = shown {
        tls = tls.identity(Identity::from_pem(pem, pem));
    }
    let agent = format!("\u{1b}[31m {SURNAME}").replace('\u{1b}', "%1b");
    let endpoint = Endpoint::from_shared(format!("https://{address}")).unwrap().user_agent(agent).unwrap();
    endpoint.tls_config(tls).unwrap().connect().await.unwrap()
}

/// Bodies: canaries in each field alone, as text and inside of a message, and lines that would forge an entry.
fn bodies() -> Vec<Vec<u8>> {
    let injected = format!("{HOME_ID}\r\n{{\"what\":\"forged\"}}\u{1b}[2J\u{202e}");
    let field = |number: u8, content: &[u8]| {
        let mut bytes = vec![number << 3 | 2, u8::try_from(content.len()).unwrap()];
        bytes.extend_from_slice(content);
        bytes
    };
    let mut bodies = vec![Vec::new(), b"\xff\xff\xff".to_vec(), SURNAME.as_bytes().to_vec()];
    for number in 1..=8 {
        let text = if number % 2 == 0 { injected.as_str() } else { ULN };
        bodies.push(field(number, text.as_bytes()));
        for inner in [1, 3] {
            bodies.push(field(number, &field(inner, HOME_ID.as_bytes())));
        }
        bodies.push(field(number, &field(1, &field(1, FORENAME.as_bytes()))));
    }
    let all: Vec<u8> = (1..=8).flat_map(|number| field(number, BAD[5].as_bytes())).collect();
    bodies.push(all);
    bodies.push(field(1, INTERNAL.as_bytes()));
    bodies
}

/// The methods of the table of doors.
fn methods() -> Vec<String> {
    let doors = text("policies/doors.txt");
    let lines = doors.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    let methods: Vec<_> = lines.map(|line| format!("/{}", line.split('|').next().unwrap().trim())).collect();
    assert!(methods.len() > 15, "the table of doors can't be read");
    methods
}

/// Calls everything; gives how many refusals there were, all of which said nothing that they were told.
pub async fn ask_everything(channel: &Channel, canaries: &[Canary]) -> usize {
    let mut refusals = 0;
    for method in methods() {
        // A method that streams is not done when it has answered: it is asked less often.
        let every = if STREAMS.iter().any(|name| method.ends_with(name)) { 16 } else { 3 };
        let mut asked: JoinSet<Option<Status>> = JoinSet::new();
        for body in bodies().into_iter().step_by(every) {
            asked.spawn(ask(channel.clone(), method.clone(), body));
        }
        for status in asked.join_all().await.into_iter().flatten() {
            refusals += 1;
            let said = format!("{} {:?} {:?}", status.message(), status.metadata(), status.details());
            // Reflection is about the schema alone, and its protocol has the question repeated in the answer.
            if method.contains("grpc.reflection") {
                continue;
            }
            let leaked = found(said.as_bytes(), canaries);
            assert!(leaked.is_empty(), "{method} answers {:?} with {leaked:?}", status.code());
            assert!(!said.contains('\u{1b}') && !said.contains("forged"), "{method} says what it was told");
        }
    }
    refusals
}

/// One call: how it was refused, if it was.
async fn ask(channel: Channel, method: String, body: Vec<u8>) -> Option<Status> {
    let mut client = Grpc::new(channel);
    client.ready().await.unwrap();
    let mut request = Request::new(body);
    request.metadata_mut().insert("x-learner", AsciiMetadataValue::from_static(SURNAME));
    let path = PathAndQuery::try_from(method).unwrap();
    let answered = tokio::time::timeout(STREAMED, client.unary(request, path, Raw)).await;
    answered.ok()?.err()
}
