//! Keyed hashes of what identifies a learner, so that the hub can match without holding a clear UPN, ULN or name.
//!
//! The key lies in the hub's key folder, never in the database: whoever has the database alone can't try numbers out.

use super::{
    change::{hex, unhex},
    matches::MatchId,
};
use aws_lc_rs::hmac;
use commonroll_core::{
    LocalId, Slug,
    directory::LearnerDeclaration,
    matching::{Evidence, Field},
};
use serde::{Deserialize, Serialize};

/// First 16 bytes of an HMAC-SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token([u8; 16]);

impl Serialize for Token {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex(&self.0))
    }
}

impl<'de> Deserialize<'de> for Token {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        unhex(&text).map(Self).ok_or_else(|| serde::de::Error::custom("must be 32 hexadecimal digits"))
    }
}

/// The evidence of one declared learner, hashed.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Tokens {
    /// Unique Learner Number, if sound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uln: Option<Token>,
    /// Permanent Unique Pupil Number, if sound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upn: Option<Token>,
    /// Temporary Unique Pupil Number, if sound. Alone it means nothing outside its school.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temporary_upn: Option<Token>,
    /// Permanent ones that the learner had before, in the order of their hashes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former_upns: Vec<Token>,
    /// Temporary ones that the learner had before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former_temporary: Vec<Token>,
    /// Unique Candidate Identifier, if sound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uci: Option<Token>,
    /// Date of birth.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub birth: Option<Token>,
    /// Normalised surname.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub surname: Option<Token>,
    /// Normalised forename.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forename: Option<Token>,
    /// Normalised known-as forename.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_as: Option<Token>,
}

/// The consortium's key for matching.
pub struct MatchingKey(hmac::Key);

impl MatchingKey {
    /// Takes the 32 bytes from the key folder.
    pub fn new(bytes: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    fn token(&self, field: Field, value: &str) -> Token {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(&[field as u8]);
        context.update(value.as_bytes());
        let mut token = [0; 16];
        token.copy_from_slice(&context.sign().as_ref()[..16]);
        Token(token)
    }

    /// A key for one purpose, which tells nothing of this one.
    pub fn derived(&self, purpose: &str) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(b"derived\0");
        context.update(purpose.as_bytes());
        let mut key = [0; 32];
        key.copy_from_slice(context.sign().as_ref());
        key
    }

    /// Names an account at an institution's sign-in: (issuer, subject) is the identity, never an e-mail address.
    pub fn account(&self, issuer: &str, subject: &str) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(b"account\0");
        context.update(issuer.as_bytes());
        context.update(b"\0");
        context.update(subject.as_bytes());
        let mut account = [0; 32];
        account.copy_from_slice(context.sign().as_ref());
        account
    }

    /// Names what people say of a host's guest and a home.
    pub fn matching(&self, host: &Slug, guest: &LocalId, home: &Slug) -> MatchId {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(b"match\0");
        for part in [host.as_str(), guest.as_str(), home.as_str()] {
            context.update(part.as_bytes());
            context.update(b"\0");
        }
        let mut id = [0; 16];
        id.copy_from_slice(&context.sign().as_ref()[..16]);
        MatchId(id)
    }

    /// Stands for what somebody was shown, and tells nothing of it.
    pub fn stamp(&self, shown: &[u8]) -> String {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(b"shown\0");
        context.update(shown);
        hex(&context.sign().as_ref()[..16])
    }

    /// Hashes what a declaration gives as evidence. Numbers that fail their check are left out: they prove nothing.
    pub fn tokens(&self, institution: &Slug, learner: &LearnerDeclaration) -> Tokens {
        let (evidence, _) = Evidence::declared(institution, learner);
        let hashed = evidence.map(|field, value| self.token(field, &value));
        // An export may list them in another order each time, or one twice.
        let once = |mut tokens: Vec<Token>| {
            tokens.sort_unstable();
            tokens.dedup();
            tokens
        };
        Tokens {
            temporary_upn: hashed.temporary_upn,
            former_upns: once(hashed.former_upns),
            former_temporary: once(hashed.former_temporary),
            uln: hashed.uln,
            upn: hashed.upn,
            uci: hashed.uci,
            birth: hashed.birth,
            surname: hashed.surname,
            forename: hashed.forename,
            known_as: hashed.known_as,
        }
    }
}

impl Tokens {
    /// The tokens by which candidates for a match are found.
    pub fn numbers(&self) -> impl Iterator<Item = Token> {
        let present = [self.uln, self.upn, self.temporary_upn, self.uci].into_iter().flatten();
        present.chain(self.former_upns.iter().chain(&self.former_temporary).copied())
    }

    /// True if numbers and date of birth are the same; names may differ.
    pub fn identify_like(&self, other: &Self) -> bool {
        let nameless = |one: &Self| Self { surname: None, forename: None, known_as: None, ..one.clone() };
        nameless(self) == nameless(other)
    }

    /// As evidence for the matching rule.
    pub fn evidence(&self, institution: &Slug) -> Evidence<Token> {
        Evidence {
            institution: institution.clone(),
            temporary_upn: self.temporary_upn,
            former_upns: self.former_upns.clone(),
            former_temporary: self.former_temporary.clone(),
            former_surname: None,
            uln: self.uln,
            upn: self.upn,
            uci: self.uci,
            birth: self.birth,
            surname: self.surname,
            forename: self.forename,
            known_as: self.known_as,
        }
    }
}
