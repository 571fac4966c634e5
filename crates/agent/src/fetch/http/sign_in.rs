//! Signing in: what a request carries so that it is answered. Tokens of OAuth live in memory until shortly before their end.

use super::super::{FetchFault, Secret, secret};
use crate::settings::{Connection, SignIn};
use base64::Engine as _;
use commonroll_connectors::api::{Api, SignIn as Usual};
use commonroll_core::Timestamp;
use reqwest::{Client, RequestBuilder, Url};
use serde::Deserialize;

/// A token is renewed so long before its end, in microseconds.
const BEFORE_END_US: i64 = 60_000_000;
/// Bytes of an answer with a token.
const ANSWER_MAX: usize = 64 << 10;

/// What requests carry.
#[derive(Debug, Clone)]
pub enum Ticket {
    /// Nothing.
    Nothing,
    /// In the header `Authorization`.
    Authorization(Secret),
    /// In headers of the API's own.
    Headers(Vec<(String, Secret)>),
}

impl Ticket {
    /// Puts it onto a request.
    pub fn on(&self, request: RequestBuilder) -> RequestBuilder {
        match self {
            Self::Nothing => request,
            Self::Authorization(value) => request.header("authorization", sensitive(value)),
            Self::Headers(all) => all
                .iter()
                .fold(request, |request, (name, value)| request.header(name.as_str(), sensitive(value))),
        }
    }
}

/// A header value that no log shows. One that can't be a header is sent as nothing, and refused by the other side.
fn sensitive(secret: &Secret) -> reqwest::header::HeaderValue {
    let mut value = reqwest::header::HeaderValue::from_str(secret.reveal())
        .unwrap_or(reqwest::header::HeaderValue::from_static(""));
    value.set_sensitive(true);
    value
}

/// A token and its end.
#[derive(Debug, Clone)]
pub struct Token {
    value: Secret,
    until_us: i64,
}

#[derive(Deserialize)]
struct Answer {
    access_token: String,
    expires_in: Option<f64>,
}

/// Makes tickets.
#[derive(Debug)]
pub struct Desk {
    how: SignIn,
    token_address: Option<Url>,
    token: tokio::sync::Mutex<Option<Token>>,
}

impl Desk {
    /// For a connection; `base` is its address.
    pub fn new(connection: &Connection, api: &dyn Api, base: &Url) -> Self {
        let how = connection.sign_in.clone().unwrap_or_else(|| match api.sign_in() {
            Usual::Bearer => SignIn::Bearer,
            Usual::Basic => SignIn::Basic,
            Usual::Oauth2 => SignIn::Oauth2,
            Usual::Headers(user, secret) => {
                SignIn::Headers { user: user.to_owned(), secret: secret.to_owned() }
            }
        });
        let token_address = match &connection.token_address {
            Some(address) => Url::parse(address).ok(),
            None => api
                .token_path()
                .and_then(|path| Url::parse(&format!("{}/{path}", base.as_str().trim_end_matches('/'))).ok()),
        };
        Self { how, token_address, token: tokio::sync::Mutex::new(None) }
    }

    /// True if a refused ticket may be replaced by a new one.
    pub fn can_renew(&self) -> bool {
        self.how == SignIn::Oauth2
    }

    /// Forgets a token that was refused.
    pub async fn forget(&self) {
        *self.token.lock().await = None;
    }

    /// What the next request carries.
    pub async fn ticket(
        &self,
        client: &Client,
        connection: &Connection,
        now: Timestamp,
    ) -> Result<Ticket, FetchFault> {
        let Some(secret) = secret::read(connection)? else {
            return match self.how {
                SignIn::Bearer => Ok(Ticket::Nothing),
                _ => Err(FetchFault::new(
                    "SECRET-MISSING",
                    format!(
                        "connection `{}` needs a secret: name its file with `credentials`, or a variable with `env`",
                        connection.name
                    ),
                )),
            };
        };
        let user = connection.user.as_deref().unwrap_or_default();
        Ok(match &self.how {
            SignIn::Bearer => Ticket::Authorization(Secret::new(&format!("Bearer {}", secret.reveal()))),
            SignIn::Basic => Ticket::Authorization(basic(user, &secret)),
            SignIn::Headers { user: name, secret: header } => {
                Ticket::Headers(vec![(name.clone(), Secret::new(user)), (header.clone(), secret)])
            }
            SignIn::Oauth2 => {
                let mut kept = self.token.lock().await;
                let value = match kept.as_ref().filter(|token| token.until_us > now.micros()) {
                    Some(token) => token.value.clone(),
                    None => {
                        let token = self.token(client, connection, basic(user, &secret), now).await?;
                        kept.insert(token).value.clone()
                    }
                };
                Ticket::Authorization(Secret::new(&format!("Bearer {}", value.reveal())))
            }
        })
    }

    async fn token(
        &self,
        client: &Client,
        connection: &Connection,
        client_is: Secret,
        now: Timestamp,
    ) -> Result<Token, FetchFault> {
        let name = &connection.name;
        let address = self.token_address.clone().ok_or_else(|| {
            let fix = format!("connection `{name}` needs `token_address`: where the MIS hands out tokens");
            FetchFault::new("TOKEN-ADDRESS", fix)
        })?;
        let mut form = vec![("grant_type", "client_credentials")];
        if let Some(scope) = &connection.scope {
            form.push(("scope", scope));
        }
        let request = client.post(address).header("authorization", sensitive(&client_is)).form(&form);
        let mut response = request.send().await.map_err(|error| super::ask::unreachable(&error))?;
        let status = response.status().as_u16();
        if !(200..300).contains(&status) {
            return Err(super::ask::refused(&response).unwrap_or_else(|| {
                let fix = format!(
                    "the MIS hands out no token to the client of connection `{name}` (status {status}); compare `user`, \
                     the secret and `scope` with what the MIS shows"
                );
                FetchFault::new("TOKEN-REFUSED", fix)
            }));
        }
        let body = super::ask::body(&mut response, ANSWER_MAX).await?;
        let answer: Answer = serde_json::from_slice(&body).map_err(|_| {
            let fix = format!("what answers at `token_address` of connection `{name}` hands out no token");
            FetchFault::new("TOKEN-SHAPE", fix)
        })?;
        // Without a word on its end, a token is taken for one of five minutes.
        let seconds = answer.expires_in.unwrap_or(300.0).clamp(0.0, 86_400.0);
        let until_us = now.micros() + ((seconds * 1e6) as i64) - BEFORE_END_US;
        Ok(Token { value: Secret::new(&answer.access_token), until_us })
    }
}

fn basic(user: &str, secret: &Secret) -> Secret {
    let pair = format!("{user}:{}", secret.reveal());
    Secret::new(&format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair)))
}
