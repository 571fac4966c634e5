//! The hub's doors: mTLS gRPC for agents and people, a listener for joining and renewing, the console for people's browsers,
//! a local port for health and metrics.
//!
//! A door finds out who is speaking, bounds what comes in, reads it, calls the exchange once and answers. What anybody
//! may do is decided in `exchange`; this crate sees neither the store nor the policies, so that no handler can skip
//! the law. Time and chance are passed in.

mod authority;
mod clock;
mod console;
mod conventions;
mod doors;
mod grpc;
mod hub;
pub mod inside;
mod invitation;
mod limits;
mod matching;
mod metrics;
pub mod outbound;
mod reader;
mod reserve;
mod scratch;
pub mod settings;
mod setup;
pub mod signin;
mod status;
mod strangers;

pub use authority::{
    Authority, AuthorityError, Caller, CertificateRequest, ExchangeKeys, HUB_NAME, KeyFolder,
};
pub use clock::{Clock, ProviderRandomness, Randomness};
pub use console::DemoFault;
pub use hub::{Addresses, Hub, HubError, run};
pub use invitation::Invitation;
pub use settings::{Limits, Settings, SettingsError, Sources};
pub use setup::{SetupError, init, invite, invite_person, open_exchange};
pub use status::{EXPECTED_BATCH_NUMBER, RETRY_AFTER_MS};
