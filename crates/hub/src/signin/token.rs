//! Whether an identity token is genuine, and what it says. Pure: keys, expectations and the time are arguments.
//!
//! A key is taken from the provider's own set, never from what the token points at; the algorithm must be one of the
//! few that are named here and must fit the key. What is wrong is told as a class, for the log; never as a value.

use commonroll_core::Timestamp;
use jsonwebtoken::{
    Algorithm, DecodingKey, Validation, decode, decode_header,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, PublicKeyUse},
};
use serde::Deserialize;
use serde_json::{Map, Value};

/// Longest token that is looked at.
const TOKEN_MAX: usize = 16 * 1024;
/// How far another clock may be off.
const LEEWAY_S: i64 = 60;
/// A token that was made longer ago was not made for this sign-in.
const AGE_MAX_S: i64 = 600;

/// What is wrong with a token: a class, for the log and for tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenFault {
    /// Not a token, or too long.
    #[error("shape")]
    Shape,
    /// An algorithm that isn't taken, or one that doesn't fit the key.
    #[error("algorithm")]
    Algorithm,
    /// Signed with a key that the provider doesn't publish. The set may be old.
    #[error("unknown_key")]
    UnknownKey,
    /// The signature isn't the provider's.
    #[error("signature")]
    Signature,
    /// Issued by somebody else.
    #[error("issuer")]
    Issuer,
    /// For somebody else.
    #[error("audience")]
    Audience,
    /// Over, not yet good, or made long ago.
    #[error("time")]
    Time,
    /// Not for this sign-in.
    #[error("nonce")]
    Nonce,
    /// Says no subject.
    #[error("subject")]
    Subject,
}

/// What a token must be.
#[derive(Debug, Clone)]
pub struct Expected<'a> {
    /// The provider.
    pub issuer: &'a str,
    /// The hub's own id there.
    pub client: &'a str,
    /// What the sign-in was begun with; `None` for a token that renews one.
    pub nonce: Option<&'a str>,
}

/// What a genuine token says.
#[derive(Clone)]
pub struct Claims {
    /// The provider's name of the person: with the issuer, the identity.
    pub subject: String,
    /// Everything, for the claims that a provider's settings name.
    pub all: Map<String, Value>,
}

impl std::fmt::Debug for Claims {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Claims(..)")
    }
}

#[derive(Deserialize)]
struct Known {
    iss: Option<String>,
    sub: Option<String>,
    aud: Option<Audience>,
    azp: Option<String>,
    exp: Option<f64>,
    nbf: Option<f64>,
    iat: Option<f64>,
    nonce: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

/// Checks a token, and gives what it says.
///
/// # Errors
/// [`TokenFault`]; [`TokenFault::UnknownKey`] may go away with a newer set of keys.
pub fn verify(
    token: &str,
    keys: &JwkSet,
    expected: &Expected<'_>,
    now: Timestamp,
) -> Result<Claims, TokenFault> {
    if token.len() > TOKEN_MAX {
        return Err(TokenFault::Shape);
    }
    let header = decode_header(token).map_err(|_| TokenFault::Algorithm)?;
    let candidates: Vec<&Jwk> = keys.keys.iter().filter(|key| is_for(key, header.kid.as_deref())).collect();
    if candidates.is_empty() {
        return Err(TokenFault::UnknownKey);
    }
    let fitting = candidates.into_iter().filter(|key| fits(key, header.alg));
    let mut fault = TokenFault::Algorithm;
    for key in fitting {
        let Ok(decoding) = DecodingKey::from_jwk(key) else { continue };
        fault = TokenFault::Signature;
        // Times, issuer and audience are checked below, by the hub's own clock.
        let mut rules = Validation::new(header.alg);
        rules.required_spec_claims.clear();
        (rules.validate_exp, rules.validate_nbf, rules.validate_aud) = (false, false, false);
        if let Ok(data) = decode::<Map<String, Value>>(token, &decoding, &rules) {
            return check(data.claims, expected, now);
        }
    }
    Err(fault)
}

fn is_for(key: &Jwk, kid: Option<&str>) -> bool {
    let signs = !matches!(key.common.public_key_use, Some(PublicKeyUse::Encryption));
    signs && kid.is_none_or(|kid| key.common.key_id.as_deref() == Some(kid))
}

/// Whether a key may be used with an algorithm. A shared secret never is one: the provider's public key must not become it.
fn fits(key: &Jwk, algorithm: Algorithm) -> bool {
    let named = key.common.key_algorithm.is_none_or(|named| named.to_string() == format!("{algorithm:?}"));
    named
        && match (&key.algorithm, algorithm) {
            (AlgorithmParameters::RSA(_), Algorithm::RS256 | Algorithm::PS256) => true,
            (AlgorithmParameters::EllipticCurve(curve), Algorithm::ES256) => {
                curve.curve == EllipticCurve::P256
            }
            (AlgorithmParameters::EllipticCurve(curve), Algorithm::ES384) => {
                curve.curve == EllipticCurve::P384
            }
            (AlgorithmParameters::OctetKeyPair(pair), Algorithm::EdDSA) => {
                pair.curve == EllipticCurve::Ed25519
            }
            _ => false,
        }
}

fn check(all: Map<String, Value>, expected: &Expected<'_>, now: Timestamp) -> Result<Claims, TokenFault> {
    let known = Known::deserialize(Value::Object(all.clone())).map_err(|_| TokenFault::Shape)?;
    if known.iss.as_deref() != Some(expected.issuer) {
        return Err(TokenFault::Issuer);
    }
    let (for_us, alone) = match &known.aud {
        Some(Audience::One(one)) => (one == expected.client, true),
        Some(Audience::Many(many)) => (many.iter().any(|one| one == expected.client), many.len() == 1),
        None => (false, false),
    };
    let party = match &known.azp {
        Some(party) => party == expected.client,
        None => alone,
    };
    if !for_us || !party {
        return Err(TokenFault::Audience);
    }
    let now_s = now.micros() / 1_000_000;
    let (Some(over), Some(made)) = (known.exp.and_then(seconds), known.iat.and_then(seconds)) else {
        return Err(TokenFault::Time);
    };
    let begins = match known.nbf {
        Some(from) => seconds(from).ok_or(TokenFault::Time)?,
        None => made,
    };
    if over <= now_s - LEEWAY_S
        || begins > now_s + LEEWAY_S
        || made > now_s + LEEWAY_S
        || made < now_s - AGE_MAX_S - LEEWAY_S
    {
        return Err(TokenFault::Time);
    }
    if expected.nonce.is_some() && known.nonce.as_deref() != expected.nonce {
        return Err(TokenFault::Nonce);
    }
    let subject = known.sub.filter(|sub| !sub.is_empty() && sub.len() <= 255).ok_or(TokenFault::Subject)?;
    Ok(Claims { subject, all })
}

/// Whole seconds of a NumericDate that lies between 1970 and 9999.
fn seconds(number: f64) -> Option<i64> {
    (0.0..253_402_300_800.0).contains(&number).then_some(number as i64)
}

#[cfg(test)]
mod tests;
