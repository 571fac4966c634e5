//! A browser's half of the wire: HTTP/1.1 over TLS on a kept connection, with the moment of each answer's first byte. It waits
//! as a thread does; the bench has one for each.

use crate::commands::told;
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    sync::Arc,
    time::{Duration, Instant},
};

/// How long an answer may take before the bench gives up.
const PATIENCE: Duration = Duration::from_secs(60);

/// The hub's console, and who vouches for it.
#[derive(Clone)]
pub struct Place {
    address: SocketAddr,
    tls: Arc<ClientConfig>,
}

/// What came back.
pub struct Answer {
    pub status: u16,
    pub cookie: Option<String>,
    pub body: String,
    /// From the request to the answer's first byte.
    pub first: Duration,
}

impl Place {
    pub fn new((address, authority): (SocketAddr, String)) -> Result<Self, String> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(authority.as_bytes()).map_err(told)?).map_err(told)?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(told)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { address, tls: Arc::new(tls) })
    }

    /// Connects, as whoever the cookie says.
    pub fn open(&self, cookie: Option<String>) -> Result<Connection, String> {
        let socket = TcpStream::connect(self.address).map_err(told)?;
        socket.set_read_timeout(Some(PATIENCE)).map_err(told)?;
        socket.set_nodelay(true).map_err(told)?;
        let name = ServerName::try_from("localhost").map_err(told)?;
        let tls = ClientConnection::new(self.tls.clone(), name).map_err(told)?;
        Ok(Connection { stream: BufReader::new(StreamOwned::new(tls, socket)), cookie })
    }

    /// Signs in as one of the demo's people.
    pub fn enter(&self, who: usize) -> Result<Connection, String> {
        let mut connection = self.open(None)?;
        let answer = connection.ask("POST", "/demo", &format!("who={who}&to=%2F"))?;
        connection.cookie = answer.cookie;
        match (answer.status, &connection.cookie) {
            (303, Some(_)) => Ok(connection),
            (status, _) => Err(format!("signing in was answered with {status}")),
        }
    }
}

/// One connection.
pub struct Connection {
    stream: BufReader<StreamOwned<ClientConnection, TcpStream>>,
    pub cookie: Option<String>,
}

impl Connection {
    pub fn get(&mut self, path: &str) -> Result<Answer, String> {
        self.ask("GET", path, "")
    }

    fn ask(&mut self, method: &str, path: &str, body: &str) -> Result<Answer, String> {
        let cookie = self.cookie.as_ref().map_or_else(String::new, |cookie| format!("cookie: {cookie}\r\n"));
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\nsec-fetch-site: same-origin\r\nsec-fetch-dest: document\r\n{cookie}\
             content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let begun = Instant::now();
        let inner = self.stream.get_mut();
        inner.write_all(request.as_bytes()).and_then(|()| inner.flush()).map_err(told)?;
        self.stream.fill_buf().map_err(told)?;
        let first = begun.elapsed();
        self.answer(first)
    }

    fn answer(&mut self, first: Duration) -> Result<Answer, String> {
        let (status, headers) = self.head()?;
        let header =
            |name: &str| headers.iter().find(|(held, _)| held == name).map(|(_, value)| value.as_str());
        let session =
            |(name, value): &&(String, String)| name == "set-cookie" && value.contains("commonroll=");
        let cookie = headers.iter().find(session).and_then(|(_, value)| value.split(';').next());
        let cookie = cookie.map(str::to_owned);
        let mut body = Vec::new();
        match header("content-length").map(str::parse::<usize>) {
            Some(Ok(length)) => {
                body.resize(length, 0);
                self.stream.read_exact(&mut body).map_err(told)?;
            }
            Some(Err(error)) => return Err(told(error)),
            None => while self.chunk(&mut body)? {},
        }
        Ok(Answer { status, cookie, body: String::from_utf8_lossy(&body).into_owned(), first })
    }

    /// Status and headers, names in lower case.
    fn head(&mut self) -> Result<(u16, Vec<(String, String)>), String> {
        let line = self.line()?;
        let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or("an answer without a status")?;
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            match line.split_once(':') {
                Some((name, value)) => headers.push((name.to_ascii_lowercase(), value.trim().to_owned())),
                None => return Ok((status, headers)),
            }
        }
    }

    fn line(&mut self) -> Result<String, String> {
        let mut line = String::new();
        match self.stream.read_line(&mut line).map_err(told)? {
            0 => Err("the hub closed the connection".to_owned()),
            _ => Ok(line.trim_end().to_owned()),
        }
    }

    /// One chunk more; false after the last.
    fn chunk(&mut self, body: &mut Vec<u8>) -> Result<bool, String> {
        let length = usize::from_str_radix(&self.line()?, 16).map_err(told)?;
        let from = body.len();
        body.resize(from + length, 0);
        self.stream.read_exact(&mut body[from..]).map_err(told)?;
        self.line()?;
        Ok(length > 0)
    }

    /// Opens a stream of live updates.
    pub fn listen(&mut self, path: &str) -> Result<(), String> {
        let cookie = self.cookie.as_deref().unwrap_or_default();
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: localhost\r\nsec-fetch-site: same-origin\r\nsec-fetch-dest: empty\r\ncookie: {cookie}\r\n\r\n"
        );
        let inner = self.stream.get_mut();
        inner.write_all(request.as_bytes()).and_then(|()| inner.flush()).map_err(told)?;
        match self.head()?.0 {
            200 => Ok(()),
            status => Err(format!("live updates were answered with {status}")),
        }
    }

    /// Waits until the stream says that something changed.
    pub fn hear(&mut self) -> Result<(), String> {
        loop {
            let mut said = Vec::new();
            if !self.chunk(&mut said)? {
                return Err("live updates ended".to_owned());
            }
            if String::from_utf8_lossy(&said).contains("changed") {
                return Ok(());
            }
        }
    }
}
