//! The text of an invitation: one line that an agent or a person needs nothing else for. It carries the hub's addresses and its
//! authority's certificate, so that a join trusts nobody on first use; and a secret code, so it is handed over in
//! person or by a channel that both trust.

use crate::{authority::Authority, settings::Settings};
use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use commonroll_core::{Slug, Timestamp};
use rustls::pki_types::CertificateDer;

const PREFIX: &str = "crinv1.";

/// What an invitation says.
#[derive(serde::Serialize)]
pub struct Invitation<'a> {
    hub: &'a str,
    join: &'a str,
    institution: &'a str,
    code: &'a str,
    ca: String,
    expires: i64,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    person: bool,
}

impl<'a> Invitation<'a> {
    /// An invitation of an institution to the hub at these addresses (`host:port`).
    pub fn new(
        (hub, join): (&'a str, &'a str),
        institution: &'a Slug,
        code: &'a str,
        authority: &CertificateDer<'_>,
        expires: Timestamp,
    ) -> Self {
        let ca = BASE64_STANDARD.encode(authority);
        let expires = expires.micros() / 1_000_000;
        Self { hub, join, institution: institution.as_str(), code, ca, expires, person: false }
    }

    /// The same for a person.
    pub fn for_person(self) -> Self {
        Self { person: true, ..self }
    }

    /// The line to hand over.
    pub fn text(&self) -> String {
        let json = serde_json::to_vec(self).expect("plain text and numbers are always JSON");
        format!("{PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(json))
    }
}

/// What every invitation of this hub says besides its code.
#[derive(Debug, Clone)]
pub(crate) struct Inviting {
    hub: String,
    join: String,
    authority: CertificateDer<'static>,
}

impl Inviting {
    /// From the settings and the hub's authority.
    pub fn new(settings: &Settings, authority: &Authority) -> Self {
        let (hub, join) = (settings.public_agents.clone(), settings.public_join.clone());
        Self { hub, join, authority: authority.certificate().clone() }
    }

    /// The line that a person is handed.
    pub fn person(&self, institution: &Slug, code: &str, expires: Timestamp) -> String {
        Invitation::new((&self.hub, &self.join), institution, code, &self.authority, expires)
            .for_person()
            .text()
    }
}
