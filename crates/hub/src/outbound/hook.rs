//! A signed POST to an institution's own address (`commonroll_wire::webhook` has the signature). Nothing that comes back is read
//! but its status.

use super::{HookSettings, text};
use crate::signin::reach::{Posted, Reach};
use commonroll_core::Timestamp;
use commonroll_exchange::{Outbound, SendFault};
use commonroll_wire::{SIGNATURE_HEADER, WebhookKey};

/// One institution's webhook.
pub(super) struct Hook {
    reach: Reach,
    url: String,
    key: WebhookKey,
}

impl Hook {
    /// # Errors
    /// If a certificate can't be read.
    pub fn new(settings: &HookSettings) -> Result<Self, &'static str> {
        let reach =
            Reach::new(settings.inside, settings.authorities.as_deref()).map_err(|_| "alerts.authorities")?;
        let key = WebhookKey::new(&settings.key.0);
        Ok(Self { reach, url: settings.url.clone(), key })
    }

    /// Which server, for whoever counts its failures.
    pub fn server(&self) -> &str {
        &self.url
    }

    /// Sends a message. The signature is of this try's moment, the ids are those of every try.
    pub async fn send(&self, message: &Outbound, console: &str, now: Timestamp) -> Result<(), SendFault> {
        let body = text::json(message, console, now);
        let signature = self.key.sign(&body, now);
        match self.reach.hand_over(&self.url, (SIGNATURE_HEADER, &signature), body).await {
            Posted::Taken => Ok(()),
            Posted::Address => Err(SendFault::Address),
            Posted::Silent => Err(SendFault::Silent),
            Posted::Refused => Err(SendFault::Refused),
            Posted::Elsewhere => Err(SendFault::Redirected),
        }
    }
}
