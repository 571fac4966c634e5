//! Who this agent is: its keys, its certificate, and whom it trusts. One folder, readable by the agent's user alone.
//!
//! | file | holds |
//! | --- | --- |
//! | `card.json` | agent id, institution, addresses, the hub's CA, the log's key |
//! | `tls.pem` | private key (ECDSA P-256) and certificate, together so that a renewal replaces both in one step |
//! | `signing.key` | Ed25519 seed that signs batches, receipts and renewals, base64 |
//! | `salt.key` | secret from which the salts of sealed records are derived, base64 |

use crate::{
    durable::{self, Readers},
    error::AgentError,
    hub::pem,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use commonroll_audit::{LogPublicKey, SigningKey};
use commonroll_core::{Slug, Timestamp};
use std::{fs, path::Path};
use x509_parser::prelude::{FromDer, X509Certificate};

/// Everything in the identity folder.
#[derive(Debug)]
pub struct Identity {
    /// What is not secret.
    pub card: Card,
    /// The log's key, checked.
    pub log_key: LogPublicKey,
    /// Client certificate, DER.
    pub certificate: Vec<u8>,
    /// The certificate's private key, PEM.
    pub tls_key_pem: Secret<String>,
    /// Signs batches, receipts and renewals.
    pub signing: SigningKey,
    /// Salts are derived from it.
    pub salt: Secret<[u8; 32]>,
    /// First and last moment of the certificate.
    pub valid: (Timestamp, Timestamp),
}

/// What may be shown of an identity.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Card {
    /// The agent's id, 32 hexadecimal digits.
    #[serde(with = "hex16")]
    pub agent_id: [u8; 16],
    /// Whose agent it is.
    pub institution: Slug,
    /// `host:port` of the exchange.
    pub hub: String,
    /// `host:port` of joining and renewing.
    pub join: String,
    /// The hub's CA, DER.
    #[serde(with = "base64_bytes")]
    pub authority: Vec<u8>,
    /// The log's key in its C2SP text form.
    pub log_key: String,
}

/// A value that never shows itself.
#[derive(Clone)]
pub struct Secret<T>(pub T);

impl<T> std::fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl AsRef<[u8]> for Secret<String> {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl Identity {
    /// Reads the identity folder.
    ///
    /// # Errors
    /// [`AgentError::Identity`] naming the file that is missing or can't be read, and what to do.
    pub fn load(folder: &Path) -> Result<Self, AgentError> {
        if is_missing(folder) {
            return Err(AgentError::Identity(format!(
                "{} can't be read; join first with `commonroll agent join INVITATION`, or restore the folder",
                folder.join("card.json").display()
            )));
        }
        let card: Card =
            serde_json::from_str(&read(folder, "card.json")?).map_err(|_| damaged("card.json"))?;
        let tls = read(folder, "tls.pem")?;
        let (certificate, tls_key_pem) = split_tls(&tls).ok_or_else(|| damaged("tls.pem"))?;
        let seed = read_secret(folder, "signing.key")?;
        let log_key = card.log_key.parse().map_err(|_| damaged("card.json"))?;
        Ok(Self {
            log_key,
            valid: validity(&certificate).ok_or_else(|| damaged("tls.pem"))?,
            certificate,
            tls_key_pem: Secret(tls_key_pem),
            signing: SigningKey::from_seed(&seed).map_err(|_| damaged("signing.key"))?,
            salt: Secret(read_secret(folder, "salt.key")?),
            card,
        })
    }

    /// The institution that the agent speaks for.
    pub fn institution(&self) -> &Slug {
        &self.card.institution
    }
}

/// True if the folder holds an identity, whole or not.
pub(crate) fn is_taken(folder: &Path) -> bool {
    folder.join("card.json").exists()
}

/// True if the folder holds no identity; false where nobody may look, so that reading says so.
pub(crate) fn is_missing(folder: &Path) -> bool {
    matches!(folder.join("card.json").try_exists(), Ok(false))
}

/// Stores a certificate beside its key, in one step.
pub(crate) fn store_tls(folder: &Path, key_pem: &str, certificate: &[u8]) -> Result<(), AgentError> {
    let text = format!("{key_pem}\n{}", pem("CERTIFICATE", certificate));
    store(folder, "tls.pem", text.as_bytes())
}

/// Stores a file of the folder for the agent's user alone.
pub(crate) fn store(folder: &Path, name: &str, content: &[u8]) -> Result<(), AgentError> {
    let path = folder.join(name);
    let doing = format!("writing {}", path.display());
    durable::replace(&path, content, Readers::Owner).map_err(AgentError::io(doing))
}

/// First and last moment of a certificate. One that lies beyond what we can say is as far away as we can say.
pub(crate) fn validity(certificate: &[u8]) -> Option<(Timestamp, Timestamp)> {
    const YEAR_1900: i64 = -2_208_988_800;
    const YEAR_2199: i64 = 7_226_582_400;
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let moment = |seconds: i64| {
        Timestamp::from_micros("certificate", seconds.clamp(YEAR_1900, YEAR_2199) * 1_000_000).ok()
    };
    let validity = certificate.validity();
    Some((moment(validity.not_before.timestamp())?, moment(validity.not_after.timestamp())?))
}

pub(crate) fn read(folder: &Path, name: &str) -> Result<String, AgentError> {
    let path = folder.join(name);
    fs::read_to_string(&path).map_err(|error| {
        let fix = match error.kind() {
            std::io::ErrorKind::PermissionDenied => {
                "permission denied; run this as the user whose folder it is, who alone may read it"
            }
            _ => "join first with an invitation, or restore the folder",
        };
        AgentError::Identity(format!("{} can't be read; {fix}", path.display()))
    })
}

pub(crate) fn read_secret(folder: &Path, name: &'static str) -> Result<[u8; 32], AgentError> {
    let bytes = STANDARD.decode(read(folder, name)?.trim()).map_err(|_| damaged(name))?;
    bytes.try_into().map_err(|_| damaged(name))
}

pub(crate) fn damaged(name: &str) -> AgentError {
    AgentError::Identity(format!(
        "{name} is damaged; restore the identity folder, or join again with a new invitation"
    ))
}

/// The certificate (DER) and the private key (PEM) in `tls.pem`.
pub(crate) fn split_tls(text: &str) -> Option<(Vec<u8>, String)> {
    let start = text.find("-----BEGIN CERTIFICATE-----")?;
    let (key, certificate) = text.split_at(start);
    let body: String = certificate.lines().filter(|line| !line.starts_with("-----")).map(str::trim).collect();
    key.contains("PRIVATE KEY-----").then(|| Some((STANDARD.decode(body).ok()?, key.trim().to_owned())))?
}

/// 16 bytes as 32 hexadecimal digits.
pub(crate) mod hex16 {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(bytes: &[u8; 16], s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&bytes.iter().map(|b| format!("{b:02x}")).collect::<String>())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<[u8; 16], D::Error> {
        let text = String::deserialize(d)?;
        let id: commonroll_core::RecordId =
            text.parse().map_err(|_| D::Error::custom("not 32 hexadecimal digits"))?;
        Ok(id.0)
    }
}

/// Bytes as base64.
pub(crate) mod base64_bytes {
    use super::{Engine, STANDARD};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(bytes: &[u8], s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&STANDARD.encode(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<u8>, D::Error> {
        STANDARD.decode(String::deserialize(d)?).map_err(|_| D::Error::custom("not base64"))
    }
}
