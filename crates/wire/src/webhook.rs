//! What signs a message to an institution's own address, whether the hub sends it or an agent: whoever reads it needs one check.
//!
//! The header is `Commonroll-Signature: t=SECONDS,v1=HEX`, where HEX is HMAC-SHA256 over `SECONDS.BODY` with the shared secret.

use aws_lc_rs::hmac;
use commonroll_core::Timestamp;
use std::fmt::Write as _;

/// Where the signature stands.
pub const SIGNATURE_HEADER: &str = "commonroll-signature";

/// Signs messages with one shared secret.
pub struct WebhookKey(hmac::Key);

impl WebhookKey {
    /// A key of a secret.
    pub fn new(secret: &str) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()))
    }

    /// The header of a message that is sent at a moment.
    pub fn sign(&self, body: &[u8], now: Timestamp) -> String {
        let seconds = now.micros() / 1_000_000;
        let signed = [format!("{seconds}.").as_bytes(), body].concat();
        let tag = hmac::sign(&self.0, &signed);
        tag.as_ref().iter().fold(format!("t={seconds},v1="), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

impl std::fmt::Debug for WebhookKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WebhookKey(..)")
    }
}
