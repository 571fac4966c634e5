//! A signed POST to an institution's own address: `Commonroll-Signature: t=SECONDS,v1=HEX`, where HEX is HMAC-SHA256 over
//! `SECONDS.BODY` with the shared secret. Nothing that comes back is read but its status.

use super::{HookSettings, text};
use crate::signin::reach::{Posted, Reach};
use aws_lc_rs::hmac;
use commonroll_core::Timestamp;
use commonroll_exchange::{Outbound, SendFault};
use std::fmt::Write as _;

/// Where the signature stands.
const SIGNATURE: &str = "commonroll-signature";

/// One institution's webhook.
pub(super) struct Hook {
    reach: Reach,
    url: String,
    key: hmac::Key,
}

impl Hook {
    /// # Errors
    /// If a certificate can't be read.
    pub fn new(settings: &HookSettings) -> Result<Self, &'static str> {
        let reach =
            Reach::new(settings.inside, settings.authorities.as_deref()).map_err(|_| "alerts.authorities")?;
        let key = hmac::Key::new(hmac::HMAC_SHA256, settings.key.0.as_bytes());
        Ok(Self { reach, url: settings.url.clone(), key })
    }

    /// Which server, for whoever counts its failures.
    pub fn server(&self) -> &str {
        &self.url
    }

    /// Sends a message. The signature is of this try's moment, the ids are those of every try.
    pub async fn send(&self, message: &Outbound, console: &str, now: Timestamp) -> Result<(), SendFault> {
        let body = text::json(message, console, now);
        let signature = self.signature(&body, now.micros() / 1_000_000);
        match self.reach.hand_over(&self.url, (SIGNATURE, &signature), body).await {
            Posted::Taken => Ok(()),
            Posted::Address => Err(SendFault::Address),
            Posted::Silent => Err(SendFault::Silent),
            Posted::Refused => Err(SendFault::Refused),
            Posted::Elsewhere => Err(SendFault::Redirected),
        }
    }

    fn signature(&self, body: &[u8], seconds: i64) -> String {
        let signed = [format!("{seconds}.").as_bytes(), body].concat();
        let tag = hmac::sign(&self.key, &signed);
        tag.as_ref().iter().fold(format!("t={seconds},v1="), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}
