//! APIs of systems: what to ask, and what an answer means. Pure: asking is the agent's.
//!
//! A conversation says what it wants to be asked next, is handed the answer, and gives rows of JSON, each with its id, or whole
//! files. An answer without the expected envelope is a fault and never an empty list. What a row means is the mapping's.

mod pages;
pub mod plain;
mod rows;
pub mod signs;

pub(crate) use pages::{Page, Pages, Paging};
pub(crate) use rows::each;
pub use rows::{id_of, scalar, tells_more};

use crate::connector::FileFault;
use signs::{Kind, Sign};
use std::collections::BTreeMap;

/// Every API that we ship.
pub const ALL: &[&dyn Api] = &[
    &plain::Plain,
    &crate::wonde::Wonde,
    &crate::oneroster::rest::Rest,
    &crate::edfi::rest::Rest,
    &crate::bromcom::Bromcom,
    &crate::arbor::Arbor,
    &crate::isams::Isams,
];

/// The API with this name, as a connection's `api` names it.
pub fn by_name(name: &str) -> Option<&'static dyn Api> {
    ALL.iter().copied().find(|api| api.name() == name)
}

/// An API of a system.
pub trait Api: Sync {
    /// Short name, as a connection's `api` gives it.
    fn name(&self) -> &'static str;

    /// One sentence for people.
    fn about(&self) -> &'static str;

    /// How one usually signs in.
    fn sign_in(&self) -> SignIn;

    /// True if its answers may be told to be of this moment. A vendor that reads the MIS every few hours may not.
    fn can_be_live(&self) -> bool {
        true
    }

    /// The path below the address at which an OAuth client usually gets its token.
    fn token_path(&self) -> Option<&'static str> {
        None
    }

    /// What can be asked for, as a source's `records` gives it; empty if anything can be.
    fn records(&self) -> &'static [&'static str];

    /// Why these records can't be asked for without a `query` that narrows them; `None` if they can.
    fn wants_query(&self, records: &str) -> Option<&'static str> {
        let _ = records;
        None
    }

    /// Hosts of the vendor's own, below which it is this API and no other.
    fn hosts(&self) -> &'static [&'static str] {
        &[]
    }

    /// Harmless questions whose answers show that it is this API, one for each of its versions, the newest first.
    fn signs(&self) -> &'static [Sign] {
        &[]
    }

    /// What can be set up without a word.
    fn kinds(&self) -> &'static [Kind] {
        &[]
    }

    /// Resources without which a server may be; the option `without` leaves them out.
    fn may_lack(&self) -> &'static [&'static str] {
        &[]
    }

    /// Begins a conversation.
    ///
    /// # Errors
    /// What is asked for can't be had, or an option is missing: told in words.
    fn begin(&self, ask: &Ask<'_>) -> Result<Box<dyn Conversation>, ApiFault>;
}

/// How one signs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignIn {
    /// With a token.
    Bearer,
    /// With a user and a password.
    Basic,
    /// With OAuth 2 client credentials.
    Oauth2,
    /// With two headers: one for the user, one for the secret.
    Headers(&'static str, &'static str),
}

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// Which records, in the words of the API.
    pub records: &'a str,
    /// Options of the connection, such as the school's number.
    pub options: &'a BTreeMap<String, String>,
    /// Parameters that the source adds to, or puts in the place of, those that are usual.
    pub query: &'a BTreeMap<String, String>,
    /// Host of the connection.
    pub host: &'a str,
    /// Only what changed since: what the last conversation gave at its end. `None` for all.
    pub since: Option<&'a str>,
    /// This moment.
    pub now: commonroll_core::Timestamp,
}

impl Ask<'_> {
    /// An option that must be there.
    pub(crate) fn option(&self, name: &str) -> Result<&str, ApiFault> {
        let value = self.options.get(name).map(String::as_str).filter(|value| !value.is_empty());
        value.ok_or_else(|| {
            ApiFault::new("API-OPTION", format!("the connection's options must have `{name}`"))
        })
    }

    /// The usual parameters, with those of the source in their place or beside them.
    pub(crate) fn parameters(&self, usual: &[(&str, &str)]) -> Vec<(String, String)> {
        let mut all: BTreeMap<String, String> =
            usual.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        all.extend(self.query.iter().map(|(name, value)| (name.clone(), value.clone())));
        all.into_iter().filter(|(_, value)| !value.is_empty()).collect()
    }
}

/// A conversation with an API, from its first question to its end.
pub trait Conversation: Send {
    /// What to ask next; `None` at the end.
    fn next(&mut self) -> Option<Request>;

    /// Takes the answer to what was asked last.
    ///
    /// # Errors
    /// The answer is not what was asked for. All rows given before must be thrown away.
    fn answer(&mut self, answer: &Answer<'_>, out: &mut dyn Rows) -> Result<(), ApiFault>;

    /// What is left to say at the end.
    ///
    /// # Errors
    /// What was given does not make a whole.
    fn finish(&mut self) -> Result<Finish, ApiFault>;
}

/// Takes rows as they come.
pub trait Rows {
    /// A row: its id, and its JSON in one line.
    ///
    /// # Errors
    /// It can't be kept.
    fn row(&mut self, id: &str, json: &str) -> Result<(), ApiFault>;

    /// The row with this id is no more.
    fn gone(&mut self, id: &str);
}

/// What was all together.
#[derive(Debug)]
pub enum Finish {
    /// Rows were given; the next conversation can begin here.
    Rows {
        /// For [`Ask::since`]; `None` if everything must be asked for again.
        next: Option<String>,
    },
    /// Whole files, by their names.
    Files(Vec<(String, Vec<u8>)>),
}

/// A question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Where.
    pub target: Target,
    /// What to send, as JSON; `None` for a GET, otherwise it is a POST.
    pub body: Option<String>,
    /// That there is no such thing (404) is an answer.
    pub may_be_missing: bool,
}

/// Where to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Below the connection's address, with parameters that are not encoded yet.
    Path(String, Vec<(String, String)>),
    /// An address that the API gave itself. Only followed on the connection's own host.
    Link(String),
}

impl Request {
    /// Asks for a path.
    pub fn get(path: impl Into<String>, query: Vec<(String, String)>) -> Self {
        Self { target: Target::Path(path.into(), query), body: None, may_be_missing: false }
    }

    /// Follows a link.
    pub fn follow(link: impl Into<String>) -> Self {
        Self { target: Target::Link(link.into()), body: None, may_be_missing: false }
    }

    /// Hands something in.
    pub fn post(path: impl Into<String>, body: String) -> Self {
        Self { target: Target::Path(path.into(), Vec::new()), body: Some(body), may_be_missing: false }
    }
}

/// An answer.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// 2xx; or 404 where that is an answer.
    pub status: u16,
    /// The header `Link`.
    pub link: Option<&'a str>,
    /// The header `X-Total-Count` or `Total-Count`.
    pub total: Option<u64>,
    /// The body.
    pub body: &'a str,
}

/// Why a conversation can't go on. Holds nothing that an answer says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{rule}: {fix}")]
pub struct ApiFault {
    /// Stable name of the rule.
    pub rule: &'static str,
    /// What happened and what to do, in plain words.
    pub fix: String,
    /// It may go well if all is asked once more from the beginning.
    pub again: bool,
}

impl ApiFault {
    /// A fault that asking again does not mend.
    pub fn new(rule: &'static str, fix: impl Into<String>) -> Self {
        Self { rule, fix: fix.into(), again: false }
    }

    /// The pages don't fit together.
    pub(crate) fn changed(what: &str) -> Self {
        let fix = format!(
            "the MIS changed its list while it was read page by page ({what}); nothing of it was taken, and it is read again later"
        );
        Self { rule: "API-PAGES-CHANGED", fix, again: true }
    }
}

impl From<FileFault> for ApiFault {
    fn from(fault: FileFault) -> Self {
        Self::new(fault.rule(), fault.fix())
    }
}
