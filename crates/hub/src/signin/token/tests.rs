//! Tokens that are genuine, and every way in which one is not. Case 41.

use super::*;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;

const ISSUER: &str = "https://sign-in.kingsmead.example";
const CLIENT: &str = "commonroll";
const NOW_S: i64 = 1_795_000_000;

fn now() -> Timestamp {
    Timestamp::from_micros("now", NOW_S * 1_000_000).unwrap()
}

fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A provider with two keys, and an enemy who has one of their own.
struct Town {
    curve: EcdsaKeyPair,
    edwards: Ed25519KeyPair,
}

impl Town {
    fn new() -> Self {
        let curve = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        Self { curve, edwards: Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap() }
    }

    fn keys(&self) -> JwkSet {
        let point = self.curve.public_key().as_ref();
        serde_json::from_value(json!({ "keys": [
            { "kty": "EC", "crv": "P-256", "kid": "c", "use": "sig",
              "x": encoded(&point[1..33]), "y": encoded(&point[33..]) },
            { "kty": "OKP", "crv": "Ed25519", "kid": "e", "use": "sig", "alg": "EdDSA",
              "x": encoded(self.edwards.public_key()) },
        ]}))
        .unwrap()
    }

    fn signed(&self, header: Value, claims: &Value) -> String {
        let body = format!("{}.{}", encoded(header.to_string()), encoded(claims.to_string()));
        let by_curve = header["alg"] == "ES256";
        let signature = if by_curve {
            let random = aws_lc_rs::rand::SystemRandom::new();
            self.curve.sign(&random, body.as_bytes()).unwrap().as_ref().to_vec()
        } else {
            self.edwards.sign(body.as_bytes()).as_ref().to_vec()
        };
        format!("{body}.{}", encoded(signature))
    }

    fn verdict(&self, header: Value, claims: &Value) -> Result<String, TokenFault> {
        self.judged(&self.signed(header, claims))
    }

    fn judged(&self, token: &str) -> Result<String, TokenFault> {
        let expected = Expected { issuer: ISSUER, client: CLIENT, nonce: Some("n-1") };
        verify(token, &self.keys(), &expected, now()).map(|claims| claims.subject)
    }
}

fn claims() -> Value {
    json!({ "iss": ISSUER, "sub": "u-17", "aud": CLIENT, "iat": NOW_S - 5, "exp": NOW_S + 300, "nonce": "n-1",
            "auth_time": NOW_S - 9, "amr": ["pwd", "mfa"] })
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

fn without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

#[test]
fn a_genuine_token_says_who_it_is() {
    let town = Town::new();
    assert_eq!(town.verdict(json!({"alg": "ES256", "kid": "c"}), &claims()).as_deref(), Ok("u-17"));
    assert_eq!(town.verdict(json!({"alg": "EdDSA", "kid": "e"}), &claims()).as_deref(), Ok("u-17"));
    assert_eq!(town.verdict(json!({"alg": "ES256"}), &claims()).as_deref(), Ok("u-17"), "one key fits");
    let many = with("aud", json!([CLIENT]));
    assert!(town.verdict(json!({"alg": "ES256", "kid": "c"}), &many).is_ok());
}

#[test]
fn case_41_a_token_that_isnt_signed_by_the_provider_is_refused() {
    let (town, enemy) = (Town::new(), Town::new());
    let none = format!("{}.{}.", encoded(json!({"alg": "none"}).to_string()), encoded(claims().to_string()));
    assert_eq!(town.judged(&none), Err(TokenFault::Algorithm));
    // The public key taken for a shared secret.
    let body = format!(
        "{}.{}",
        encoded(json!({"alg": "HS256", "kid": "e"}).to_string()),
        encoded(claims().to_string())
    );
    let secret = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, town.edwards.public_key().as_ref());
    let forged = format!("{body}.{}", encoded(aws_lc_rs::hmac::sign(&secret, body.as_bytes())));
    assert_eq!(town.judged(&forged), Err(TokenFault::Algorithm));
    // A key of the enemy's under the provider's name, or brought along in the header.
    let stranger = enemy.signed(json!({"alg": "ES256", "kid": "c"}), &claims());
    assert_eq!(town.judged(&stranger), Err(TokenFault::Signature));
    let point = enemy.curve.public_key().as_ref();
    let own_key =
        json!({"kty": "EC", "crv": "P-256", "x": encoded(&point[1..33]), "y": encoded(&point[33..])});
    let header = json!({"alg": "ES256", "kid": "c", "jwk": own_key, "jku": "https://evil.example/keys"});
    assert_eq!(town.judged(&enemy.signed(header, &claims())), Err(TokenFault::Signature));
    assert_eq!(town.verdict(json!({"alg": "ES256", "kid": "x"}), &claims()), Err(TokenFault::UnknownKey));
    // One key's name with the other's algorithm.
    assert_eq!(town.verdict(json!({"alg": "EdDSA", "kid": "c"}), &claims()), Err(TokenFault::Algorithm));
    let good = town.signed(json!({"alg": "ES256", "kid": "c"}), &claims());
    let (head, tail) = good.rsplit_once('.').unwrap();
    assert_eq!(town.judged(&format!("{head}.{}", &tail[..tail.len() - 4])), Err(TokenFault::Signature));
    assert_eq!(town.judged("not a token"), Err(TokenFault::Algorithm));
    assert_eq!(town.judged(&"a".repeat(20_000)), Err(TokenFault::Shape));
}

#[test]
fn case_41_a_token_for_somebody_else_or_another_time_is_refused() {
    let town = Town::new();
    let cases = [
        (with("iss", json!("https://sign-in.ridgeway.example")), TokenFault::Issuer),
        (with("iss", json!(format!("{ISSUER}/"))), TokenFault::Issuer),
        (without("iss"), TokenFault::Issuer),
        (with("aud", json!("another")), TokenFault::Audience),
        (with("aud", json!(["another", CLIENT])), TokenFault::Audience),
        (with("azp", json!("another")), TokenFault::Audience),
        (without("aud"), TokenFault::Audience),
        (with("exp", json!(NOW_S - 61)), TokenFault::Time),
        (without("exp"), TokenFault::Time),
        (with("exp", json!(1e300)), TokenFault::Time),
        (with("nbf", json!(NOW_S + 61)), TokenFault::Time),
        (with("iat", json!(NOW_S + 61)), TokenFault::Time),
        (with("iat", json!(NOW_S - 700)), TokenFault::Time),
        (without("iat"), TokenFault::Time),
        (with("nonce", json!("n-2")), TokenFault::Nonce),
        (without("nonce"), TokenFault::Nonce),
        (without("sub"), TokenFault::Subject),
        (with("sub", json!("")), TokenFault::Subject),
        (with("sub", json!(17)), TokenFault::Shape),
    ];
    for (claims, fault) in cases {
        let verdict = town.verdict(json!({"alg": "ES256", "kid": "c"}), &claims);
        assert_eq!(verdict, Err(fault), "{claims}");
    }
    let late = with("exp", json!(NOW_S - 59));
    assert!(town.verdict(json!({"alg": "ES256", "kid": "c"}), &late).is_ok(), "clocks may be a minute apart");
    let party = {
        let mut claims = with("aud", json!(["another", CLIENT]));
        claims["azp"] = json!(CLIENT);
        claims
    };
    assert!(town.verdict(json!({"alg": "ES256", "kid": "c"}), &party).is_ok());
}
