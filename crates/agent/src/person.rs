//! A person without a browser: a folder with an own key, enrolled by invitation, that answers for them at the hub.
//!
//! The folder is an agent's identity folder without the salt: `card.json`, `tls.pem`, `signing.key`, for its owner
//! alone. The key signs approvals and renewals and never leaves the folder.

use crate::{
    chance::Randomness,
    error::AgentError,
    hub::{HubError, grpc, tls},
    identity::{self, Secret, base64_bytes, damaged, hex16},
    join::{Joining, tls_key},
};
use commonroll_audit::{
    Hash, Signature, SigningKey,
    approval::{Approves, sign_approval},
};
use commonroll_core::{PersonId, Role, Slug, Timestamp};
use commonroll_wire::sign_person_renewal;
use std::{collections::BTreeSet, path::Path};
use tonic::transport::Channel;

/// What may be shown of a person's folder.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PersonCard {
    /// The person's id, 32 hexadecimal digits.
    #[serde(with = "hex16")]
    pub person_id: [u8; 16],
    /// For whom they act.
    pub institution: Slug,
    /// What they may be, one at a time.
    pub roles: BTreeSet<Role>,
    /// `host:port` of the hub.
    pub hub: String,
    /// `host:port` of joining and renewing.
    pub join: String,
    /// The hub's CA, DER.
    #[serde(with = "base64_bytes")]
    pub authority: Vec<u8>,
    /// The log's key in its C2SP text form.
    pub log_key: String,
}

/// Everything in a person's folder.
#[derive(Debug)]
pub struct PersonIdentity {
    /// What is not secret.
    pub card: PersonCard,
    /// First and last moment of the certificate.
    pub valid: (Timestamp, Timestamp),
    certificate: Vec<u8>,
    tls_key_pem: Secret<String>,
    signing: SigningKey,
}

/// Uses up a person's invitation and makes their folder.
///
/// # Errors
/// When the folder already holds an identity, the invitation is not for a person, expired, wrong or used, or the hub
/// can't be reached. The invitation is used up only if the hub says yes.
pub async fn join(
    invitation: &str,
    folder: &Path,
    now: Timestamp,
    rng: &dyn Randomness,
) -> Result<PersonCard, AgentError> {
    let joining = Joining::begin(invitation, folder, true, now, rng)?;
    let answer = joining.ask().await?;
    let protocol = |what| AgentError::Hub(HubError::Protocol(what));
    let person_id = answer.person_id.as_ref().try_into().map_err(|_| protocol("person_id"))?;
    let roles: Result<BTreeSet<Role>, _> = answer.roles.iter().map(|role| role.parse()).collect();
    let roles = roles.map_err(|_| protocol("roles"))?;
    joining.store(&answer, folder, |invited| PersonCard {
        person_id,
        institution: invited.institution,
        roles,
        hub: invited.hub,
        join: invited.join,
        authority: invited.authority,
        log_key: answer.log_key.clone(),
    })
}

impl PersonIdentity {
    /// Reads a person's folder.
    ///
    /// # Errors
    /// [`AgentError::Identity`] that says how to join, or which file is damaged.
    pub fn load(folder: &Path) -> Result<Self, AgentError> {
        if identity::is_missing(folder) {
            return Err(AgentError::Identity(format!(
                "{} is no person's folder; ask your head or data manager for an invitation, then run `commonroll person \
                 join INVITATION`",
                folder.display()
            )));
        }
        let card: PersonCard = serde_json::from_str(&identity::read(folder, "card.json")?).map_err(|_| {
            AgentError::Identity(
                "card.json is not a person's: an agent's folder acts for no person".to_owned(),
            )
        })?;
        let tls = identity::read(folder, "tls.pem")?;
        let (certificate, key) = identity::split_tls(&tls).ok_or_else(|| damaged("tls.pem"))?;
        let seed = identity::read_secret(folder, "signing.key")?;
        Ok(Self {
            valid: identity::validity(&certificate).ok_or_else(|| damaged("tls.pem"))?,
            certificate,
            tls_key_pem: Secret(key),
            signing: SigningKey::from_seed(&seed).map_err(|_| damaged("signing.key"))?,
            card,
        })
    }

    /// The person's id at the hub.
    pub const fn id(&self) -> PersonId {
        PersonId(self.card.person_id)
    }

    /// Signs an approval of an exact text, named by its hash.
    pub fn approve(&self, what: Approves, hash: &Hash) -> Signature {
        sign_approval(&self.signing, what, &self.card.person_id, hash)
    }

    /// The same with a new certificate, if the one at hand is past half of its life. A hub that can't be reached leaves
    /// one that still holds.
    ///
    /// # Errors
    /// [`HubError::NotKnown`] when the person was revoked or their key unused for 90 days.
    pub async fn fresh(self, folder: &Path, now: Timestamp) -> Result<Self, AgentError> {
        let (from, until) = self.valid;
        let half = from.micros() + until.micros().saturating_sub(from.micros()) / 2;
        if now.micros() < half {
            return Ok(self);
        }
        let (key_pem, request) = tls_key()?;
        let request = sign_person_renewal(&self.card.person_id, now.micros(), request, &self.signing);
        match grpc::renew(&self.card.authority, &self.card.join, request).await {
            Ok(answer) => {
                let whole = identity::validity(&answer.certificate);
                whole.ok_or(AgentError::Hub(HubError::Protocol("certificate")))?;
                identity::store_tls(folder, &key_pem, &answer.certificate)?;
                Self::load(folder)
            }
            Err(HubError::Unreachable | HubError::Busy { .. }) if now < until => Ok(self),
            Err(error) => Err(error.into()),
        }
    }

    /// Connects to the hub as this person. Whether the hub still knows them shows with the first call.
    ///
    /// # Errors
    /// [`HubError::Unreachable`] when there is no connection.
    pub async fn connect(&self) -> Result<Channel, HubError> {
        let shown = (self.certificate.as_slice(), &self.tls_key_pem);
        tls::exchange(&self.card.authority, shown, &self.card.hub).await
    }
}
