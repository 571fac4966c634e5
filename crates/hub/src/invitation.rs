//! The text of an invitation: one line that an agent needs nothing else for. It carries the hub's addresses and its
//! authority's certificate, so that a join trusts nobody on first use; and a secret code, so it is handed over in
//! person or by a channel that both trust.

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
        Self { hub, join, institution: institution.as_str(), code, ca, expires: expires.micros() / 1_000_000 }
    }

    /// The line to hand over.
    pub fn text(&self) -> String {
        let json = serde_json::to_vec(self).expect("plain text and numbers are always JSON");
        format!("{PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(json))
    }
}
