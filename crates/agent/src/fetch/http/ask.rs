//! One request and its answer: limits, refusals in words, patience with a busy MIS.

use super::{
    super::{FetchFault, RETRY_AFTER_MAX},
    Stopped,
    sign_in::{Desk, Ticket},
};
use crate::{
    chance::{Clock, Randomness, backoff},
    settings::Connection,
};
use commonroll_connectors::api::{self, Api, Conversation, Finish, Request, Rows, Target};
use reqwest::{Client, Response, Url, redirect::Policy};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// Bytes of one answer.
const BODY_MAX: usize = 64 << 20;
/// How long a connection may take, and a whole answer.
const TIMES: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(120));
/// How often an answer that says "later" is waited for, and how long at most each time.
const PATIENCE: (u32, Duration) = (2, Duration::from_secs(20));

const BUSY: &str = "the MIS asks to be asked more seldom; it is left alone for as long as it says. Raise `poll_seconds` if this goes on";

/// No conversation takes longer.
const LONGEST: Duration = Duration::from_secs(1800);
/// Requests of one conversation.
const REQUESTS_MAX: u32 = 40_000;

/// What asks an address: it follows no redirect and waits for nobody for ever.
///
/// # Errors
/// The system's TLS can't be used.
pub(crate) fn client(base: &Url) -> Result<Client, FetchFault> {
    let mut builder = Client::builder()
        .redirect(Policy::none())
        .connect_timeout(TIMES.0)
        .timeout(TIMES.1)
        .user_agent(concat!("commonroll-agent/", env!("CARGO_PKG_VERSION")));
    if base.scheme() == "http" {
        // On this machine itself no proxy is in between.
        builder = builder.no_proxy();
    }
    builder.build().map_err(|_| FetchFault::new("HTTP-TLS", "the system's certificates can't be read"))
}

/// A line to one MIS.
pub struct Line {
    /// Until when the MIS asked to be left alone, microseconds since the epoch.
    busy: Mutex<Option<i64>>,
    client: Client,
    base: Url,
    desk: Desk,
    connection: Arc<Connection>,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Randomness>,
}

/// An answer.
pub struct Answered {
    status: u16,
    link: Option<String>,
    total: Option<u64>,
    body: String,
}

impl Answered {
    /// As a conversation takes it.
    pub fn borrowed(&self) -> api::Answer<'_> {
        api::Answer { status: self.status, link: self.link.as_deref(), total: self.total, body: &self.body }
    }
}

impl Line {
    /// A line that is not used yet.
    ///
    /// # Errors
    /// The system's TLS can't be used, or the address is none.
    pub fn new(
        connection: Arc<Connection>,
        api: &dyn Api,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Randomness>,
    ) -> Result<Self, FetchFault> {
        let base = Url::parse(&connection.address)
            .map_err(|_| FetchFault::new("HTTP-ADDRESS", "the connection's address can't be read"))?;
        let client = client(&base)?;
        let desk = Desk::new(&connection, api, &base);
        Ok(Self { busy: Mutex::new(None), client, base, desk, connection, clock, rng })
    }

    /// The connection's host.
    pub fn host(&self) -> &str {
        self.base.host_str().unwrap_or_default()
    }

    /// One conversation from its beginning to its end; rows go where `rows` says. Bounded in time and in requests.
    ///
    /// # Errors
    /// It did not come to its end, or what was said can't be used.
    pub async fn talk(
        &self,
        mut talk: Box<dyn Conversation>,
        rows: &mut (dyn Rows + Send),
    ) -> Result<Finish, Stopped> {
        let to_its_end = async {
            let mut requests = 0;
            while let Some(request) = talk.next() {
                requests += 1;
                if requests > REQUESTS_MAX {
                    let fix = "the MIS has more pages than any school's; ask for a shorter time with `query`";
                    return Err(FetchFault::new("HTTP-PAGES", fix).into());
                }
                let answer = self.ask(&request).await?;
                talk.answer(&answer.borrowed(), rows)?;
            }
            Ok(talk.finish()?)
        };
        tokio::time::timeout(LONGEST, to_its_end).await.unwrap_or_else(|_| {
            let fix = "the MIS did not come to an end in half an hour; ask for a shorter time with `query`";
            Err(FetchFault::new("HTTP-TIMEOUT", fix).into())
        })
    }

    /// Asks, with a new token if the old one is refused, and with patience if the MIS is busy. One that asked to be left alone for
    /// longer than that is, whoever wants to ask it what over this line.
    ///
    /// # Errors
    /// No answer that says anything: told in words.
    pub async fn ask(&self, request: &Request) -> Result<Answered, FetchFault> {
        self.left_alone()?;
        let asked = self.ask_now(request).await;
        if let Err(fault) = &asked
            && let Some(after) = fault.retry_after
        {
            let us = i64::try_from(after.min(RETRY_AFTER_MAX).as_micros()).unwrap_or(0);
            let until = self.clock.now().micros().saturating_add(us);
            *self.busy.lock().unwrap_or_else(PoisonError::into_inner) = Some(until);
        }
        asked
    }

    /// An error while the MIS wants to be left alone.
    fn left_alone(&self) -> Result<(), FetchFault> {
        let busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        let rest = busy.map_or(0, |until| u64::try_from(until - self.clock.now().micros()).unwrap_or(0));
        // A clock that was set back makes nobody wait for longer than was asked for.
        if rest == 0 || Duration::from_micros(rest) > RETRY_AFTER_MAX {
            return Ok(());
        }
        Err(FetchFault {
            retry_after: Some(Duration::from_micros(rest)),
            ..FetchFault::new("HTTP-BUSY", BUSY)
        })
    }

    async fn ask_now(&self, request: &Request) -> Result<Answered, FetchFault> {
        let address = self.address(&request.target)?;
        let (mut renewed, mut waited) = (false, 0);
        loop {
            let ticket = self.desk.ticket(&self.client, &self.connection, self.clock.now()).await?;
            let asked = self.send(&address, request, &ticket).await;
            let mut response = match asked {
                Ok(response) => response,
                Err(fault) if waited < PATIENCE.0 && request.body.is_none() => {
                    self.wait(&mut waited, fault).await?;
                    continue;
                }
                Err(fault) => return Err(fault),
            };
            let status = response.status().as_u16();
            match status {
                401 if self.desk.can_renew() && !renewed => {
                    self.desk.forget().await;
                    renewed = true;
                }
                200..=299 => return answered(&mut response).await,
                404 if request.may_be_missing => return answered(&mut response).await,
                _ => match refused(&response) {
                    // What was handed in is not handed in twice.
                    Some(fault) if waited < PATIENCE.0 && request.body.is_none() => {
                        self.wait(&mut waited, fault).await?;
                    }
                    Some(fault) => return Err(fault),
                    None => return Err(said_no(status)),
                },
            }
        }
    }

    async fn send(&self, address: &Url, request: &Request, ticket: &Ticket) -> Result<Response, FetchFault> {
        let builder = match &request.body {
            None => self.client.get(address.clone()),
            Some(body) => self
                .client
                .post(address.clone())
                .header("content-type", "application/json")
                .body(body.clone()),
        };
        let builder = ticket.on(builder.header("accept", "application/json"));
        builder.send().await.map_err(|error| unreachable(&error))
    }

    /// Waits a little, unless the MIS asks for more than a little.
    async fn wait(&self, waited: &mut u32, fault: FetchFault) -> Result<(), FetchFault> {
        let wait = backoff(*waited, Duration::from_millis(250), PATIENCE.1, &*self.rng);
        let wait = wait.max(fault.retry_after.unwrap_or_default());
        if wait > PATIENCE.1 {
            return Err(fault);
        }
        *waited += 1;
        tokio::time::sleep(wait).await;
        Ok(())
    }

    fn address(&self, target: &Target) -> Result<Url, FetchFault> {
        let unreadable = || FetchFault::new("HTTP-ADDRESS", "the MIS names an address that can't be read");
        match target {
            Target::Path(path, query) => {
                let base = self.base.as_str().trim_end_matches('/');
                let mut address = Url::parse(&format!("{base}/{}", path.trim_start_matches('/')))
                    .map_err(|_| unreadable())?;
                if !query.is_empty() {
                    address.query_pairs_mut().extend_pairs(query);
                }
                self.same_host(&address)?;
                Ok(address)
            }
            Target::Link(link) => {
                let address = self.base.join(link).map_err(|_| unreadable())?;
                self.same_host(&address)?;
                Ok(address)
            }
        }
    }

    fn same_host(&self, address: &Url) -> Result<(), FetchFault> {
        let of = |url: &Url| {
            (url.scheme().to_owned(), url.host_str().map(str::to_owned), url.port_or_known_default())
        };
        if of(address) == of(&self.base) && address.username().is_empty() {
            return Ok(());
        }
        let fix = "the MIS' answer leads to another host, which would be handed the secret: refused. Ask the vendor, or \
                   change the connection's address if the host has moved";
        Err(FetchFault::new("HTTP-OTHER-HOST", fix))
    }
}

async fn answered(response: &mut Response) -> Result<Answered, FetchFault> {
    let header =
        |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let link = header("link");
    let total =
        header("x-total-count").or_else(|| header("total-count")).and_then(|total| total.parse().ok());
    let status = response.status().as_u16();
    let body = String::from_utf8(body(response, BODY_MAX).await?).map_err(|_| {
        FetchFault::new("HTTP-TEXT", "the MIS' answer is not UTF-8 text; ask the vendor what it is")
    })?;
    Ok(Answered { status, link, total, body })
}

/// Reads a body up to a bound.
pub(super) async fn body(response: &mut Response, most: usize) -> Result<Vec<u8>, FetchFault> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|error| unreachable(&error))? {
        if body.len() + piece.len() > most {
            let fix =
                "an answer of the MIS is larger than any honest page; ask for fewer rows a page with `query`";
            return Err(FetchFault::new("HTTP-SIZE", fix));
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

/// What to say when no answer came. The error's own text may hold the address.
pub(super) fn unreachable(error: &reqwest::Error) -> FetchFault {
    if error.is_timeout() {
        return FetchFault::new("HTTP-TIMEOUT", "the MIS did not answer in time; it is asked again later");
    }
    if let Some(fix) = certificate(error) {
        return FetchFault::new("HTTP-CERTIFICATE", fix);
    }
    if error.is_connect() {
        let fix =
            "the MIS can't be reached: look at the connection's address and at the way out of the network";
        return FetchFault::new("HTTP-UNREACHABLE", fix);
    }
    FetchFault::new("HTTP-BROKEN", "the MIS' answer broke off; it is asked again later")
}

/// What is wrong with a certificate for whose sake no secret was sent. Only the kind of the error is looked at.
fn certificate(error: &reqwest::Error) -> Option<&'static str> {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    let mut said = String::new();
    while let Some(of) = cause {
        said = of.to_string();
        cause = of.source();
    }
    if !said.to_lowercase().contains("certificate") {
        return None;
    }
    Some(if said.contains("xpired") {
        "the certificate of the MIS has expired, so nothing was sent: its administrator renews it (or the clock here is wrong)"
    } else if said.contains("not valid for") {
        "the certificate of the MIS is one for another name, so nothing was sent: compare the connection's address with the one \
         that the MIS shows"
    } else {
        "nobody whom this machine trusts vouches for the certificate of the MIS, so nothing was sent. If it is the school's own \
         authority, install that one's certificate on this machine; if the network looks into what is sent, ask whoever runs it"
    })
}

/// What to say of an answer that says "later". `None` if it says something else.
pub(super) fn refused(response: &Response) -> Option<FetchFault> {
    let (rule, fix) = match response.status().as_u16() {
        429 => ("HTTP-BUSY", BUSY),
        408 | 500..=599 => ("HTTP-SERVER", "the MIS has a fault of its own; it is asked again later"),
        _ => return None,
    };
    let said = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
    Some(FetchFault { retry_after: said.and_then(seconds), ..FetchFault::new(rule, fix) })
}

/// `Retry-After` in seconds. One that is a date is taken for five minutes: its clock is not ours.
fn seconds(text: &str) -> Option<Duration> {
    match text.trim().parse::<u64>() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => text.ends_with("GMT").then_some(Duration::from_secs(300)),
    }
}

fn said_no(status: u16) -> FetchFault {
    let (rule, fix) = match status {
        300..=399 => (
            "HTTP-REDIRECT",
            "the MIS sends us to another address, which is not followed with a secret in hand; set the connection's address \
             to the new one if it is right"
                .to_owned(),
        ),
        401 => (
            "HTTP-SIGN-IN",
            "the MIS does not take the secret: it is wrong, was withdrawn or has expired. Get a new one from the MIS and put \
             it into the file that `credentials` names; it is used at once"
                .to_owned(),
        ),
        403 => (
            "HTTP-FORBIDDEN",
            "the MIS knows us and does not allow this; have the school approve these records in the MIS".to_owned(),
        ),
        404 => (
            "HTTP-NOT-FOUND",
            "the MIS has nothing at this address; look at the connection's address and the source's `records`".to_owned(),
        ),
        _ => ("HTTP-REFUSED", format!("the MIS refuses the request (status {status}); look at `query` and the options")),
    };
    FetchFault::new(rule, fix)
}
