//! One institution's provider: where it is, which keys it signs with, how a sign-in begins there and how it ends here.
//!
//! What the provider publishes is kept: its description for a day at most, its keys for an hour, and neither is fetched more
//! than once a minute whatever a token says. A provider that doesn't answer lets nobody new in and puts nobody out.

use super::{
    flow::Flow,
    reach::{Reach, Unreached},
    token::{Claims, Expected, TokenFault, verify},
};
use crate::clock::{Randomness, draw};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use commonroll_core::{LocalId, Role, Slug, Timestamp};
use commonroll_exchange::{ProviderSays, SignInProof};
use jsonwebtoken::jwk::JwkSet;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, PoisonError},
};
use url::Url;

const MINUTE: i64 = 60_000_000;
/// Keys older than this are fetched again.
const KEYS_OLD: i64 = 60 * MINUTE;
/// A description older than this is fetched again; a provider moves seldom.
const DESCRIPTION_OLD: i64 = 24 * 60 * MINUTE;
/// Who signs in again did so no longer ago than this, in seconds: as the exchange wants it for an export.
const AGAIN_S: &str = "600";
/// Values of a claim that are looked at.
const VALUES_MAX: usize = 500;

/// How an institution's people sign in.
#[derive(Debug, Clone)]
pub struct ProviderSettings {
    /// Whose people.
    pub institution: Slug,
    /// The issuer, exactly as its tokens name it.
    pub issuer: String,
    /// The hub's id there.
    pub client: String,
    /// The hub's secret there, if the provider gave it one. PKCE is used in any case.
    pub secret: Option<Secret>,
    /// True if the provider stands in a private network.
    pub inside: bool,
    /// PEM certificates of the authority that signed the provider's, if no public one did.
    pub authorities: Option<Vec<u8>>,
    /// What to ask for besides `openid`.
    pub scopes: Vec<String>,
    /// The claim that lists roles or groups.
    pub roles_claim: String,
    /// What its values mean here.
    pub roles: BTreeMap<String, Role>,
    /// Values of `acr` that mean a second factor here, and are asked for where one is needed. `mfa` among the `amr` means it
    /// everywhere.
    pub second_factor: Vec<String>,
    /// The claim with the person's id as staff, if the provider has one.
    pub staff_claim: Option<String>,
}

/// A secret that `Debug` hides.
#[derive(Clone)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Why a sign-in failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The provider doesn't answer: nobody new can come in.
    #[error("provider_down")]
    Down,
    /// The two halves of the sign-in don't belong together, or the first is too long ago.
    #[error("state")]
    State,
    /// The provider says that the person didn't sign in.
    #[error("refused_there")]
    RefusedThere,
    /// The answer names another provider.
    #[error("mix_up")]
    MixUp,
    /// The provider didn't take the code.
    #[error("code")]
    Code,
    /// The provider's description or answer can't be used.
    #[error("provider_shape")]
    Shape,
    /// The token isn't genuine.
    #[error("token_{0}")]
    Token(#[from] TokenFault),
}

impl Fault {
    /// The class, for the log.
    pub const fn class(self) -> &'static str {
        match self {
            Self::Down => "provider_down",
            Self::State => "state",
            Self::RefusedThere => "refused_there",
            Self::MixUp => "mix_up",
            Self::Code => "code",
            Self::Shape => "provider_shape",
            Self::Token(fault) => match fault {
                TokenFault::Shape => "token_shape",
                TokenFault::Algorithm => "token_algorithm",
                TokenFault::UnknownKey => "token_unknown_key",
                TokenFault::Signature => "token_signature",
                TokenFault::Issuer => "token_issuer",
                TokenFault::Audience => "token_audience",
                TokenFault::Time => "token_time",
                TokenFault::Nonce => "token_nonce",
                TokenFault::Subject => "token_subject",
            },
        }
    }
}

/// What the browser brings back from the provider.
#[derive(Clone, Default, Deserialize)]
pub struct Answer {
    /// The code, if the person signed in.
    pub code: Option<String>,
    /// What the sign-in was begun with.
    pub state: Option<String>,
    /// Who answers, where the provider says so.
    pub iss: Option<String>,
    /// What went wrong, if it did.
    pub error: Option<String>,
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Answer(..)")
    }
}

/// Somebody who has signed in.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// Who, and what the provider says of them.
    pub says: ProviderSays,
    /// When and how they signed in, if the provider says when.
    pub proof: Option<SignInProof>,
    /// What renews what the provider says, without the person.
    pub refresh: Option<Secret>,
}

/// What a sign-in asks of the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asks {
    /// What the provider thinks fit.
    Usual,
    /// Nothing: are they still there, and what are they?
    Nothing,
    /// Everything again, with a second factor.
    Again,
}

/// A provider.
pub struct Provider {
    settings: ProviderSettings,
    reach: Reach,
    known: Mutex<Known>,
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Provider({})", self.settings.institution)
    }
}

#[derive(Default)]
struct Known {
    description: Option<(Description, Timestamp)>,
    description_tried: Option<Timestamp>,
    keys: Option<(JwkSet, Timestamp)>,
    keys_tried: Option<Timestamp>,
}

#[derive(Debug, Clone, Deserialize)]
struct Description {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    #[serde(default)]
    code_challenge_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Tokens {
    id_token: Option<String>,
    refresh_token: Option<String>,
}

/// Keys are read one by one: one of a sort that isn't known here must not hide the others.
#[derive(Deserialize)]
struct Published {
    keys: Vec<Value>,
}

impl Provider {
    /// A provider as the settings describe it.
    ///
    /// # Errors
    /// [`Unreached::Address`] for an issuer that the hub doesn't go to; [`Unreached::Shape`] for a certificate that can't
    /// be read.
    pub fn new(settings: ProviderSettings) -> Result<Self, Unreached> {
        let reach =
            Reach::new(settings.inside, settings.authorities.as_deref()).map_err(|_| Unreached::Shape)?;
        reach.address(&settings.issuer)?;
        Ok(Self { settings, reach, known: Mutex::default() })
    }

    /// Whose people sign in here.
    pub fn institution(&self) -> &Slug {
        &self.settings.institution
    }

    /// Begins a sign-in: where to send the browser, and what to keep in it. `redirect` is the console's own address for
    /// this provider's answers, `to` the page to go to then.
    ///
    /// # Errors
    /// [`Fault::Down`] or [`Fault::Shape`].
    pub async fn begin(
        &self,
        (redirect, to, asks): (&str, &str, Asks),
        random: &dyn Randomness,
        now: Timestamp,
    ) -> Result<(Url, Flow), Fault> {
        let description = self.description(now).await?;
        let mut url = self.reach.address(&description.authorization_endpoint).map_err(|_| Fault::Shape)?;
        let word = || URL_SAFE_NO_PAD.encode(draw::<32>(random));
        let flow = Flow {
            institution: self.settings.institution.clone(),
            state: word(),
            nonce: word(),
            verifier: word(),
            to: to.to_owned(),
            begun_us: now.micros(),
            quiet: asks == Asks::Nothing,
            of: String::new(),
        };
        let hashed = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, flow.verifier.as_bytes());
        let scopes = ["openid"].into_iter().chain(self.settings.scopes.iter().map(String::as_str));
        let scopes: Vec<&str> = scopes.collect();
        {
            let mut query = url.query_pairs_mut();
            query
                .append_pair("response_type", "code")
                .append_pair("client_id", &self.settings.client)
                .append_pair("redirect_uri", redirect)
                .append_pair("scope", &scopes.join(" "))
                .append_pair("state", &flow.state)
                .append_pair("nonce", &flow.nonce)
                .append_pair("code_challenge", &URL_SAFE_NO_PAD.encode(hashed))
                .append_pair("code_challenge_method", "S256");
            match asks {
                Asks::Usual => {}
                Asks::Nothing => drop(query.append_pair("prompt", "none")),
                Asks::Again => {
                    query.append_pair("prompt", "login").append_pair("max_age", AGAIN_S);
                    if !self.settings.second_factor.is_empty() {
                        query.append_pair("acr_values", &self.settings.second_factor.join(" "));
                    }
                }
            }
        }
        Ok((url, flow))
    }

    /// Ends a sign-in that [`super::flow::Seal::open`] has opened: takes the provider's answer, changes the code for a token,
    /// and checks it.
    ///
    /// # Errors
    /// [`Fault`]; nobody is signed in then.
    pub async fn finish(
        &self,
        (answer, flow, redirect): (&Answer, &Flow, &str),
        now: Timestamp,
    ) -> Result<SignedIn, Fault> {
        if flow.institution != self.settings.institution {
            return Err(Fault::State);
        }
        let description = self.description(now).await?;
        match &answer.iss {
            Some(iss) if *iss != self.settings.issuer => return Err(Fault::MixUp),
            None if description.authorization_response_iss_parameter_supported => return Err(Fault::MixUp),
            _ => {}
        }
        if answer.error.is_some() {
            return Err(Fault::RefusedThere);
        }
        let code = answer.code.as_deref().filter(|code| code.len() <= 4_096).ok_or(Fault::State)?;
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect),
            ("code_verifier", &flow.verifier),
        ];
        let tokens = self.ask(&description, &form).await?;
        self.read(tokens, Some(&flow.nonce), now).await
    }

    /// Asks what the provider says of somebody by now.
    ///
    /// # Errors
    /// [`Fault::Code`] if the provider no longer stands by it; [`Fault::Down`] if it doesn't answer; others if what it says
    /// is of no use, such as a refresh without an identity token: the person has to go round by it then.
    pub async fn renew(&self, refresh: &Secret, now: Timestamp) -> Result<SignedIn, Fault> {
        let description = self.description(now).await?;
        let form = [("grant_type", "refresh_token"), ("refresh_token", refresh.0.as_str())];
        let tokens = self.ask(&description, &form).await?;
        let mut signed_in = self.read(tokens, None, now).await?;
        signed_in.refresh.get_or_insert_with(|| refresh.clone());
        Ok(signed_in)
    }

    async fn ask(&self, description: &Description, form: &[(&str, &str)]) -> Result<Tokens, Fault> {
        let mut form = form.to_vec();
        form.push(("client_id", &self.settings.client));
        let by_post = description
            .token_endpoint_auth_methods_supported
            .as_ref()
            .is_some_and(|methods| !methods.iter().any(|method| method == "client_secret_basic"));
        let mut proof = None;
        let name = form_encoded(&self.settings.client);
        let hidden = self.settings.secret.as_ref().map(|secret| form_encoded(&secret.0));
        match (&self.settings.secret, &hidden) {
            (Some(secret), _) if by_post => form.push(("client_secret", &secret.0)),
            (Some(_), Some(hidden)) => proof = Some((name.as_str(), hidden.as_str())),
            _ => {}
        }
        self.reach.post(&description.token_endpoint, &form, proof).await.map_err(
            |unreached| match unreached {
                Unreached::Silent => Fault::Down,
                Unreached::Refused => Fault::Code,
                Unreached::Address | Unreached::Shape => Fault::Shape,
            },
        )
    }

    async fn read(&self, tokens: Tokens, nonce: Option<&str>, now: Timestamp) -> Result<SignedIn, Fault> {
        let token = tokens.id_token.ok_or(Fault::Shape)?;
        let claims = self.genuine(&token, nonce, now).await?;
        let settings = &self.settings;
        let says = ProviderSays {
            institution: settings.institution.clone(),
            issuer: settings.issuer.clone(),
            subject: claims.subject.clone(),
            name: text(&claims.all, "name").unwrap_or_default().to_owned(),
            roles: roles(&claims.all, settings),
            staff: settings
                .staff_claim
                .as_ref()
                .and_then(|claim| text(&claims.all, claim))
                .and_then(|id| LocalId::parse("staff", id).ok()),
        };
        let proof = proof(&claims.all, settings);
        Ok(SignedIn { says, proof, refresh: tokens.refresh_token.map(Secret) })
    }

    async fn genuine(&self, token: &str, nonce: Option<&str>, now: Timestamp) -> Result<Claims, Fault> {
        let expected = Expected { issuer: &self.settings.issuer, client: &self.settings.client, nonce };
        let keys = self.keys(now, false).await?;
        match verify(token, &keys, &expected, now) {
            Err(TokenFault::UnknownKey) => {
                let keys = self.keys(now, true).await?;
                Ok(verify(token, &keys, &expected, now)?)
            }
            checked => Ok(checked?),
        }
    }

    async fn description(&self, now: Timestamp) -> Result<Description, Fault> {
        {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            let held = known.description.as_ref();
            if let Some((description, _)) = held.filter(|(_, at)| is_young(*at, now, DESCRIPTION_OLD)) {
                return Ok(description.clone());
            }
            let just_tried = known.description_tried.is_some_and(|at| is_young(at, now, MINUTE / 12));
            if just_tried {
                return held.map(|(description, _)| description.clone()).ok_or(Fault::Down);
            }
            known.description_tried = Some(now);
        }
        let address =
            format!("{}/.well-known/openid-configuration", self.settings.issuer.trim_end_matches('/'));
        let fetched = self.reach.get::<Description>(&address).await;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match fetched {
            Ok(description) => {
                let pkce = description.code_challenge_methods_supported.as_ref();
                let sound = description.issuer == self.settings.issuer
                    && pkce.is_none_or(|methods| methods.iter().any(|method| method == "S256"));
                if !sound {
                    return Err(Fault::Shape);
                }
                known.description = Some((description.clone(), now));
                Ok(description)
            }
            Err(unreached) => match (&known.description, unreached) {
                (Some((description, _)), Unreached::Silent) => Ok(description.clone()),
                (None, Unreached::Silent) => Err(Fault::Down),
                _ => Err(Fault::Shape),
            },
        }
    }

    /// The provider's keys. Fetched at most once a minute, whoever asks.
    async fn keys(&self, now: Timestamp, anew: bool) -> Result<JwkSet, Fault> {
        let address = self.description(now).await?.jwks_uri;
        {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            let held = known.keys.as_ref();
            let fresh = held.filter(|(_, at)| !anew && is_young(*at, now, KEYS_OLD));
            let just_tried = known.keys_tried.is_some_and(|at| is_young(at, now, MINUTE));
            if let Some((keys, _)) = fresh.or(held.filter(|_| just_tried)) {
                return Ok(keys.clone());
            }
            if just_tried {
                return Err(Fault::Down);
            }
            known.keys_tried = Some(now);
        }
        let fetched = self.reach.get::<Published>(&address).await;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match fetched {
            Ok(Published { keys }) => {
                let keys = keys.into_iter().filter_map(|key| serde_json::from_value(key).ok());
                let keys = JwkSet { keys: keys.collect() };
                known.keys = Some((keys.clone(), now));
                Ok(keys)
            }
            Err(_) => known.keys.as_ref().map(|(keys, _)| keys.clone()).ok_or(Fault::Down),
        }
    }
}

fn is_young(at: Timestamp, now: Timestamp, most: i64) -> bool {
    (0..most).contains(&(now.micros() - at.micros()))
}

/// As RFC 6749 wants it in front of HTTP's own encoding.
fn form_encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn text<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    claims.get(name)?.as_str()
}

/// When somebody signed in, and whether with more than a password. `None` where the token doesn't say when.
fn proof(claims: &Map<String, Value>, settings: &ProviderSettings) -> Option<SignInProof> {
    let seconds = claims.get("auth_time")?.as_f64().filter(|at| (0.0..253_402_300_800.0).contains(at))?;
    let at = Timestamp::from_micros("auth_time", seconds as i64 * 1_000_000).ok()?;
    let mut ways = claims.get("amr").and_then(Value::as_array).into_iter().flatten().take(VALUES_MAX);
    let class = text(claims, "acr");
    let second_factor = ways.any(|way| way.as_str() == Some("mfa"))
        || class.is_some_and(|class| settings.second_factor.iter().any(|one| one == class));
    Some(SignInProof { at, second_factor })
}

fn roles(claims: &Map<String, Value>, settings: &ProviderSettings) -> BTreeSet<Role> {
    let values: Vec<&str> = match claims.get(&settings.roles_claim) {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(many)) => many.iter().take(VALUES_MAX).filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    values.into_iter().filter_map(|value| settings.roles.get(value).copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn case_18_a_second_factor_is_what_the_token_says_and_nothing_less() {
        let settings = ProviderSettings {
            institution: "kingsmead".parse().unwrap(),
            issuer: String::new(),
            client: String::new(),
            secret: None,
            inside: false,
            authorities: None,
            scopes: Vec::new(),
            roles_claim: String::new(),
            roles: BTreeMap::new(),
            second_factor: vec!["urn:strong".to_owned()],
            staff_claim: None,
        };
        let of = |claims: Value| {
            let said = proof(claims.as_object().unwrap(), &settings)?;
            Some((said.at.micros() / 1_000_000, said.second_factor))
        };
        assert_eq!(of(json!({ "auth_time": 17, "amr": ["pwd", "mfa"] })), Some((17, true)));
        assert_eq!(of(json!({ "auth_time": 17, "acr": "urn:strong" })), Some((17, true)));
        for weak in [
            json!({ "auth_time": 17 }),
            json!({ "auth_time": 17, "amr": ["pwd", "otp"] }),
            json!({ "auth_time": 17, "amr": "mfa" }),
            json!({ "auth_time": 17, "amr": [["mfa"]], "acr": "urn:strong urn:other" }),
        ] {
            assert_eq!(of(weak.clone()), Some((17, false)), "{weak}");
        }
        for never in [json!({ "amr": ["mfa"] }), json!({ "auth_time": "17" }), json!({ "auth_time": -5 })] {
            assert_eq!(of(never.clone()), None, "{never}");
        }
    }
}
