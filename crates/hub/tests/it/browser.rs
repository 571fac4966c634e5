//! A browser as the console sees it, in bytes: HTTPS with the hub's authority trusted, one cookie jar, forms.

use crate::kit::{Person, TestHub};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use commonroll_core::Role;
use commonroll_exchange::SessionError;
use commonroll_hub::{ProviderRandomness, Randomness, Settings};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Turns the console on.
pub fn with_console(settings: &mut Settings) {
    settings.listen.console = Some("127.0.0.1:0".parse().unwrap());
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    /// Names in lower case; of a name that came twice the last.
    pub headers: BTreeMap<String, String>,
    /// Every cookie that it sets.
    pub cookies: Vec<String>,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// The body without what is drawn at random.
    pub fn words(&self) -> String {
        without_random(&self.body)
    }

    /// Where one is sent.
    pub fn to(&self) -> &str {
        assert_eq!(self.status, 303, "{self:?}");
        self.header("location")
    }
}

/// A text without its long runs of letters and digits: form tokens, ids and hashes, in which a short word that must not be
/// there stands by chance now and then.
pub fn without_random(text: &str) -> String {
    const LONG: usize = 30;
    let is_run = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let kept = |piece: &str| {
        let run = piece.trim_end_matches(|c| !is_run(c)).len();
        piece[if run < LONG { 0 } else { run }..].to_owned()
    };
    text.split_inclusive(|c: char| !is_run(c)).map(kept).collect()
}

/// A browser.
#[derive(Clone)]
pub struct Browser {
    address: SocketAddr,
    tls: Arc<ClientConfig>,
    /// The session's cookie, as `name=value`.
    pub cookie: Option<String>,
}

impl Browser {
    /// Nobody is signed in.
    pub fn at(hub: &TestHub) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(hub.authority_pem().as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let address = hub.addresses.console.expect("a hub with a console");
        Self { address, tls: Arc::new(tls), cookie: None }
    }

    /// Somebody is signed in.
    pub async fn of(hub: &TestHub, person: &Person, role: Role) -> Self {
        Self::signed_in(hub, person, role).await.unwrap()
    }

    pub async fn signed_in(hub: &TestHub, person: &Person, role: Role) -> Result<Self, SessionError> {
        let mut secret = [0; 32];
        ProviderRandomness.fill(&mut secret);
        let mut id = [0; 32];
        id.copy_from_slice(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &secret).as_ref());
        hub.exchange.open_session(id, (person.id, role), "test", hub.now()).await?;
        let cookie = format!("__Host-commonroll={}", BASE64_URL_SAFE_NO_PAD.encode(secret));
        Ok(Self { cookie: Some(cookie), ..Self::at(hub) })
    }

    /// The same browser with what an answer put into its jar.
    pub fn given(&self, answer: &Answer) -> Self {
        let pair = answer.header("set-cookie").split(';').next().unwrap();
        Self { cookie: Some(pair.to_owned()), ..self.clone() }
    }

    /// The same browser with the session that an answer opens, or nobody's if it opens none.
    pub fn entered(&self, answer: &Answer) -> Self {
        let session = answer.cookies.iter().find(|cookie| cookie.starts_with("__Host-commonroll="));
        let cookie = session.map(|cookie| cookie.split(';').next().unwrap().to_owned());
        Self { cookie, ..self.clone() }
    }

    /// The same browser with one cookie more.
    pub fn and(&self, cookie: &str) -> Self {
        let held = self.cookie.as_deref().map_or_else(String::new, |held| format!("{held}; "));
        Self { cookie: Some(format!("{held}{cookie}")), ..self.clone() }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[("sec-fetch-site", "none")], "").await
    }

    /// A form as one of our own pages sends it.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.send("POST", path, &[("sec-fetch-site", "same-origin")], &form(fields)).await
    }

    /// What stands in the forms of this session.
    pub async fn token(&self) -> String {
        let page = self.get("/account").await.body;
        let (_, rest) = page.split_once("name=\"token\" value=\"").expect("a form with a token");
        rest.split('"').next().unwrap().to_owned()
    }

    /// Listens to live updates until some text has come, for a second at most; gives what came.
    pub async fn hears(&self, path: &str, until: &str) -> String {
        let mut stream = self.ask("GET", path, &[("sec-fetch-site", "same-origin")], "").await;
        let mut heard = String::new();
        let listening = async {
            let mut bytes = [0; 1024];
            while let Ok(count @ 1..) = stream.read(&mut bytes).await {
                heard.push_str(&String::from_utf8_lossy(&bytes[..count]));
                if heard.contains(until) {
                    break;
                }
            }
        };
        let _ = tokio::time::timeout(std::time::Duration::from_secs(1), listening).await;
        heard
    }

    /// Any request; cookies given stay here.
    pub async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut stream = self.ask(method, path, headers, body).await;
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes).await; // a connection that is cut has said what it had to say
        answer(&String::from_utf8_lossy(&bytes))
    }

    /// A page of live updates, from its head on.
    pub async fn listens(&self, path: &str) -> Listening {
        let mut stream = self.ask("GET", path, &[("sec-fetch-site", "same-origin")], "").await;
        let mut heard = String::new();
        while !heard.contains("\r\n\r\n") {
            let mut bytes = [0; 1024];
            let count = stream.read(&mut bytes).await.unwrap();
            assert_ne!(count, 0, "no head: {heard}");
            heard.push_str(&String::from_utf8_lossy(&bytes[..count]));
        }
        Listening(stream)
    }

    /// A connection on which nothing has been said.
    pub async fn line(&self) -> tokio_rustls::client::TlsStream<tokio::net::TcpStream> {
        let stream = tokio::net::TcpStream::connect(self.address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        tokio_rustls::TlsConnector::from(self.tls.clone()).connect(name, stream).await.unwrap()
    }

    async fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> tokio_rustls::client::TlsStream<tokio::net::TcpStream> {
        let mut stream = self.line().await;
        let mut text = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {}\r\n",
            body.len()
        );
        if let Some(cookie) = &self.cookie {
            text.push_str(&format!("cookie: {cookie}\r\n"));
        }
        headers.iter().for_each(|(name, value)| text.push_str(&format!("{name}: {value}\r\n")));
        text.push_str("\r\n");
        stream.write_all(text.as_bytes()).await.unwrap();
        let _ = stream.write_all(body.as_bytes()).await; // an answer can come before all was sent
        stream
    }
}

/// Live updates that somebody listens to.
pub struct Listening(tokio_rustls::client::TlsStream<tokio::net::TcpStream>);

impl Listening {
    /// True once some text has come; false if it doesn't for a second and a half.
    pub async fn hears(&mut self, text: &str) -> bool {
        let mut heard = String::new();
        let reading = async {
            let mut bytes = [0; 1024];
            while let Ok(count @ 1..) = self.0.read(&mut bytes).await {
                heard.push_str(&String::from_utf8_lossy(&bytes[..count]));
                if heard.contains(text) {
                    return true;
                }
            }
            false
        };
        tokio::time::timeout(std::time::Duration::from_millis(1_500), reading).await.unwrap_or(false)
    }

    /// What came before the hub ended it; `None` if it goes on for a second and a half.
    pub async fn ends(&mut self) -> Option<String> {
        let mut heard = Vec::new();
        let reading = self.0.read_to_end(&mut heard);
        let ended = tokio::time::timeout(std::time::Duration::from_millis(1_500), reading).await;
        ended.is_ok().then(|| String::from_utf8_lossy(&heard).into_owned())
    }
}

pub fn form(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

fn answer(text: &str) -> Answer {
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
    let mut lines = head.lines();
    let status =
        lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|s| s.parse().ok()).unwrap_or(0);
    let pair = |line: &str| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_lowercase(), value.trim().to_owned()))
    };
    let pairs: Vec<_> = lines.filter_map(pair).collect();
    let set = pairs.iter().filter(|(name, _)| name == "set-cookie");
    let cookies = set.map(|(_, value)| value.clone()).collect();
    Answer { status, headers: pairs.into_iter().collect(), cookies, body: body.to_owned() }
}
