//! `[connection.NAME]`: an MIS that is asked, not waited for: where it is and who signs in.
//!
//! A secret is never in the settings file ([`super::secrets`] refuses it there): it lies in a file that only the agent's user can
//! read, or in the environment, and is read anew for each fetch, so that a changed one works at once. What is asked for is a
//! source's.

use super::wrong;
use crate::error::AgentError;
use commonroll_connectors::api;
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// An MIS that can be asked.
#[derive(Debug, Clone)]
pub struct Connection {
    /// Its name, which sources give as `from`.
    pub name: String,
    /// How it is asked.
    pub kind: Kind,
    /// `https://host/path`, or `host:port/database`.
    pub address: String,
    /// Whose API it is, for `http`: `wonde`, `oneroster`.
    pub api: Option<String>,
    /// Who signs in: the user of a database or of basic authentication, the client of OAuth.
    pub user: Option<String>,
    /// Where the secret is.
    pub secret: SecretPlace,
    /// How one signs in, for `http`; what the API usually asks for if left out.
    pub sign_in: Option<SignIn>,
    /// Where an OAuth client gets its token, if it can't be told from the address.
    pub token_address: Option<String>,
    /// What an OAuth client asks to be allowed.
    pub scope: Option<String>,
    /// What this MIS needs besides: the school's number, say. Never a secret.
    pub options: BTreeMap<String, String>,
}

/// How an MIS is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Over HTTPS.
    Http,
    /// A MariaDB or MySQL database.
    Mysql,
    /// A PostgreSQL database.
    Postgres,
}

/// Where a secret is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretPlace {
    /// None is needed.
    Nowhere,
    /// In a file.
    File(PathBuf),
    /// In a variable of the agent's environment.
    Env(String),
}

impl SecretPlace {
    /// What the settings say: a file, a variable, or neither.
    pub(super) fn of(
        file: Option<PathBuf>,
        variable: Option<String>,
        base: &Path,
    ) -> Result<Self, &'static str> {
        match (file, variable) {
            (Some(_), Some(_)) => Err("give either `credentials` or `env`, not both"),
            (Some(path), None) => Ok(Self::File(base.join(path))),
            (None, Some(variable)) => Ok(Self::Env(variable)),
            (None, None) => Ok(Self::Nowhere),
        }
    }
}

/// How one signs in over HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum SignIn {
    /// `Authorization: Bearer <secret>`.
    Bearer,
    /// `Authorization: Basic`, of `user` and secret.
    Basic,
    /// OAuth 2 client credentials: `user` is the client.
    Oauth2,
    /// Two headers: `user` in one, the secret in the other.
    Headers {
        /// The header that has `user`.
        user: String,
        /// The header that has the secret.
        secret: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawConnection {
    kind: Kind,
    address: String,
    api: Option<String>,
    user: Option<String>,
    credentials: Option<PathBuf>,
    env: Option<String>,
    sign_in: Option<SignIn>,
    token_address: Option<String>,
    scope: Option<String>,
    #[serde(default)]
    options: BTreeMap<String, String>,
}

impl RawConnection {
    pub(super) fn check(self, name: &str, base: &Path, file: &Path) -> Result<Connection, AgentError> {
        let at = |key: &str, problem: &str| wrong(file, format!("key `connection.{name}.{key}`: {problem}"));
        if !is_plain(name) {
            return Err(wrong(file, "key `connection`: a name has letters, digits, `-` and `_` alone"));
        }
        let secret =
            SecretPlace::of(self.credentials, self.env, base).map_err(|problem| at("env", problem))?;
        if self.address.is_empty() {
            return Err(at("address", "must say where the MIS is"));
        }
        match self.kind {
            Kind::Http => {
                if self.api.as_deref().is_none_or(|api| api::by_name(api).is_none()) {
                    let names: Vec<_> = api::ALL.iter().map(|api| api.name()).collect();
                    return Err(at("api", &format!("must be one of: {}", names.join(", "))));
                }
                secure(&self.address).map_err(|problem| at("address", problem))?;
                if let Some(address) = &self.token_address {
                    secure(address).map_err(|problem| at("token_address", problem))?;
                }
            }
            Kind::Mysql | Kind::Postgres => {
                if self.api.is_some() {
                    return Err(at("api", "is for kind = \"http\" alone"));
                }
                if self.sign_in.is_some() {
                    return Err(at("sign_in", "is for kind = \"http\" alone"));
                }
            }
        }
        Ok(Connection {
            name: name.to_owned(),
            kind: self.kind,
            address: self.address,
            api: self.api,
            user: self.user,
            secret,
            sign_in: self.sign_in,
            token_address: self.token_address,
            scope: self.scope,
            options: self.options,
        })
    }
}

/// Refuses an address that would carry a secret in the open.
pub(super) fn secure(text: &str) -> Result<reqwest::Url, &'static str> {
    let address = reqwest::Url::parse(text).map_err(|_| "must be an address such as https://host/path")?;
    match (address.scheme(), address.host_str()) {
        ("https", Some(_)) => Ok(address),
        ("http", Some("127.0.0.1" | "[::1]" | "localhost")) => Ok(address),
        ("http", _) => Err("must begin with https://, since it carries a secret and learners' data"),
        _ => Err("must be an address such as https://host/path"),
    }
}

/// True for a name that can be a folder's anywhere.
pub(super) fn is_plain(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}
