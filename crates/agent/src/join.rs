//! Joining: a one-time invitation becomes an identity whose keys never leave this machine. An agent's here; a person's is
//! in `person`, by the same steps.
//!
//! The invitation carries the hub's CA, so there is no trust on first use. Keys are written before the hub is asked, the
//! card last: a folder with a card is a whole identity.

use crate::{
    chance::Randomness,
    durable,
    error::AgentError,
    hub::{HubError, grpc},
    identity::{self, Card},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use bytes::Bytes;
use commonroll_audit::{LogPublicKey, SigningKey};
use commonroll_core::{Slug, Timestamp};
use commonroll_wire::pb::enrolment::v1::{JoinRequest, JoinResponse};
use std::path::Path;

/// An invitation, read.
#[derive(Clone)]
pub struct Invitation {
    hub: String,
    join: String,
    institution: Slug,
    code: String,
    authority: Vec<u8>,
    expires: Timestamp,
    person: bool,
}

#[derive(serde::Deserialize)]
struct Raw {
    hub: String,
    join: String,
    institution: Slug,
    code: String,
    ca: String,
    expires: i64,
    #[serde(default)]
    person: bool,
}

impl Invitation {
    /// Reads the one line that a data manager was given.
    ///
    /// # Errors
    /// [`AgentError::Invitation`] that says what to do; never repeats the code.
    pub fn parse(text: &str) -> Result<Self, AgentError> {
        let unreadable =
            || AgentError::Invitation("can't be read; copy the whole line, or ask for a new one".into());
        let text = text.trim();
        let body = text.strip_prefix("crinv1.").filter(|_| text.len() < 16_384).ok_or_else(unreadable)?;
        let body = URL_SAFE_NO_PAD.decode(body.trim_end_matches('=')).map_err(|_| unreadable())?;
        let raw: Raw = serde_json::from_slice(&body).map_err(|_| unreadable())?;
        let expires =
            raw.expires.checked_mul(1_000_000).and_then(|us| Timestamp::from_micros("expires", us).ok());
        let authority = STANDARD.decode(&raw.ca).map_err(|_| unreadable())?;
        identity::validity(&authority).ok_or_else(unreadable)?;
        Ok(Self {
            hub: raw.hub,
            join: raw.join,
            institution: raw.institution,
            code: raw.code,
            authority,
            expires: expires.ok_or_else(unreadable)?,
            person: raw.person,
        })
    }

    /// The institution that is invited.
    pub fn institution(&self) -> &Slug {
        &self.institution
    }
}

/// Joins a consortium: makes keys, uses up the invitation, stores the identity in `folder` (the identity folder).
///
/// # Errors
/// When the folder already holds an identity, the invitation is expired, wrong or used, or the hub can't be reached.
/// The invitation is used up only if the hub says yes; a failure before leaves it good.
pub async fn join(
    invitation: &str,
    folder: &Path,
    now: Timestamp,
    rng: &dyn Randomness,
) -> Result<Card, AgentError> {
    let joining = Joining::begin(invitation, folder, false, now, rng)?;
    secret(folder, "salt.key", rng)?;
    let answer = joining.ask().await?;
    let agent_id = answer.agent_id.as_ref().try_into();
    let agent_id = agent_id.map_err(|_| AgentError::Hub(HubError::Protocol("agent_id")))?;
    joining.store(&answer, folder, |invitation| Card {
        agent_id,
        institution: invitation.institution,
        hub: invitation.hub,
        join: invitation.join,
        authority: invitation.authority,
        log_key: answer.log_key.clone(),
    })
}

/// What an invitation says that stays true afterwards.
pub(crate) struct Invited {
    pub institution: Slug,
    pub hub: String,
    pub join: String,
    /// The authority stays the one that the invitation named: the answer can't widen what is trusted.
    pub authority: Vec<u8>,
}

/// A join under way: the keys are made, the hub is not asked yet.
pub(crate) struct Joining {
    invitation: Invitation,
    keys: Keys,
}

impl Joining {
    /// Checks the folder and the invitation, and makes the keys.
    pub fn begin(
        invitation: &str,
        folder: &Path,
        person: bool,
        now: Timestamp,
        rng: &dyn Randomness,
    ) -> Result<Self, AgentError> {
        if identity::is_taken(folder) {
            return Err(AgentError::Identity(format!(
                "{} already holds an identity; an invitation makes a new one. Move the folder away to join anew",
                folder.display()
            )));
        }
        let invitation = Invitation::parse(invitation)?;
        if invitation.person != person {
            return Err(AgentError::Invitation(match person {
                true => "is for an agent; use it with `commonroll agent join`".into(),
                false => "is for a person; use it with `commonroll person join`".into(),
            }));
        }
        if invitation.expires <= now {
            return Err(AgentError::Invitation(
                "has expired; ask the consortium's data manager for a new one".into(),
            ));
        }
        let keys = Keys::make(folder, rng)?;
        Ok(Self { invitation, keys })
    }

    /// Asks the hub, which uses the invitation up if it says yes.
    pub async fn ask(&self) -> Result<JoinResponse, AgentError> {
        let request = JoinRequest {
            code: self.invitation.code.clone(),
            certificate_request: self.keys.request.clone(),
            signing_key: Bytes::copy_from_slice(self.keys.signing.public().as_bytes()),
            agent_version: env!("CARGO_PKG_VERSION").to_owned(),
            person: self.invitation.person,
        };
        let asked = grpc::join(&self.invitation.authority, &self.invitation.join, request).await;
        asked.map_err(|error| match error {
            // Only a person's can wait for somebody.
            HubError::NotKnown => AgentError::Invitation(match self.invitation.person {
                true => {
                    "is wrong, used or expired, or for an office and waits for a second person's approval; ask the data \
                     manager"
                        .into()
                }
                false => {
                    "is wrong, used or expired; ask the consortium's data manager for a new one".into()
                }
            }),
            other => AgentError::Hub(other),
        })
    }

    /// Checks the answer and stores certificate and card; the card last.
    pub fn store<C: serde::Serialize>(
        self,
        answer: &JoinResponse,
        folder: &Path,
        card: impl FnOnce(Invited) -> C,
    ) -> Result<C, AgentError> {
        let protocol = |what| AgentError::Hub(HubError::Protocol(what));
        let Invitation { institution, hub, join, authority, .. } = self.invitation;
        if answer.institution != institution.as_str() {
            return Err(protocol("the certificate is for another institution than the invitation"));
        }
        answer.log_key.parse::<LogPublicKey>().map_err(|_| protocol("log_key"))?;
        identity::validity(&answer.certificate).ok_or_else(|| protocol("certificate"))?;
        let card = card(Invited { institution, hub, join, authority });
        identity::store_tls(folder, &self.keys.tls_pem, &answer.certificate)?;
        let text = serde_json::to_vec_pretty(&card)
            .map_err(|_| AgentError::Keys("the card could not be written"))?;
        identity::store(folder, "card.json", &text)?;
        Ok(card)
    }
}

/// The keys of an agent or a person about to join.
struct Keys {
    tls_pem: String,
    request: Bytes,
    signing: SigningKey,
}

impl Keys {
    fn make(folder: &Path, rng: &dyn Randomness) -> Result<Self, AgentError> {
        durable::private_folder(folder).map_err(AgentError::io(format!("making {}", folder.display())))?;
        let seed = secret(folder, "signing.key", rng)?;
        let signing = SigningKey::from_seed(&seed).map_err(|_| AgentError::Keys("signing key"))?;
        let (tls_pem, request) = tls_key()?;
        Ok(Self { tls_pem, request, signing })
    }
}

/// A fresh secret, stored in the folder.
fn secret(folder: &Path, name: &str, rng: &dyn Randomness) -> Result<[u8; 32], AgentError> {
    let mut bytes = [0; 32];
    rng.fill(&mut bytes);
    identity::store(folder, name, STANDARD.encode(bytes).as_bytes())?;
    Ok(bytes)
}

/// A new TLS key (PEM) and the certificate request for it (DER). Its chance is the cryptographic library's own, which
/// takes no other.
pub(crate) fn tls_key() -> Result<(String, Bytes), AgentError> {
    let failed = |_| AgentError::Keys("a TLS key could not be made");
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).map_err(failed)?;
    let params = rcgen::CertificateParams::new(Vec::<String>::new()).map_err(failed)?;
    let request = params.serialize_request(&key).map_err(failed)?;
    Ok((key.serialize_pem(), Bytes::copy_from_slice(request.der())))
}
