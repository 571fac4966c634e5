//! The hub's settings: a file (`hub.toml`), then the environment, then flags; the later wins.
//!
//! An environment variable is `COMMONROLL_HUB__` and the key with `__` between its parts:
//! `COMMONROLL_HUB__LISTEN__AGENTS=0.0.0.0:8443`. Every error names the key and the fix.

mod alerts;
mod limits;
mod providers;
mod raw;

pub use limits::Limits;

use crate::{
    outbound::{AlertSettings, MailSettings},
    signin::provider::ProviderSettings,
};
use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

/// A setting is missing or wrong.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file cannot be read, or a value has the wrong shape.
    #[error("settings: {0}; correct that key in hub.toml, in the environment or in the flags")]
    Shape(#[from] config::ConfigError),
    /// A value breaks a rule.
    #[error("setting `{key}`: {fix}")]
    Rule {
        /// The key, as in `listen.agents`.
        key: String,
        /// What to write instead.
        fix: &'static str,
    },
}

impl SettingsError {
    fn rule(key: &str, fix: &'static str) -> Self {
        Self::Rule { key: key.to_owned(), fix }
    }
}

/// Where settings come from.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The settings file. If not given: `hub.toml` in the data folder, should there be one.
    pub file: Option<PathBuf>,
    /// The data folder, where a flag gives it.
    pub data: Option<PathBuf>,
    /// What to read instead of the process's environment; for tests.
    pub environment: Option<HashMap<String, String>>,
    /// Flags as (key, value): `("listen.agents", "127.0.0.1:0")`.
    pub flags: Vec<(String, String)>,
}

/// Addresses to listen on.
#[derive(Debug, Clone)]
pub struct Listen {
    /// For agents: mTLS gRPC.
    pub agents: SocketAddr,
    /// For joining and renewing: TLS gRPC without a client certificate.
    pub join: SocketAddr,
    /// For health and metrics: plain HTTP, loopback only.
    pub local: SocketAddr,
    /// For people's browsers: HTTPS. `None` for a hub without a console.
    pub console: Option<SocketAddr>,
}

/// All settings, checked.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Folder of everything that the hub keeps, unless told otherwise.
    pub data: PathBuf,
    /// Database: `sqlite:PATH` or `postgres://..`.
    pub database: String,
    /// MiB that are held in reserve beside an SQLite database, for what must be written when its disk is full.
    pub reserve_mib: u32,
    /// Folder of the keys.
    pub keys: PathBuf,
    /// Name of the consortium: the origin of the log.
    pub consortium: String,
    /// DNS names and IP addresses in the server certificate besides `hub.commonroll.internal`.
    pub names: Vec<String>,
    /// True where an operator says that the hub was off for months and its clock is right: it counts for that start.
    pub clock_is_right: bool,
    /// Addresses to listen on.
    pub listen: Listen,
    /// `host:port` under which agents reach the hub: what invitations say.
    pub public_agents: String,
    /// `host:port` for joining and renewing.
    pub public_join: String,
    /// Life of a client certificate.
    pub client_certificate_life: Duration,
    /// PEM files of the console's certificate chain and its key; without them the hub's own authority signs one, which no
    /// browser knows.
    pub console_certificate: Option<(PathBuf, PathBuf)>,
    /// Who can be played by whoever opens the console. Of a demo alone: no file and no environment can set it.
    pub demo_people: Option<PathBuf>,
    /// Where browsers reach the console: `https://host[:port]`. Providers send people back there.
    pub public_console: Option<String>,
    /// How institutions' people sign in.
    pub providers: Vec<ProviderSettings>,
    /// The mail server for alerts, if there is one.
    pub mail: Option<MailSettings>,
    /// Where institutions' alerts go besides the console.
    pub alerts: Vec<AlertSettings>,
    /// Bounds on what is taken in.
    pub limits: Limits,
}

impl Settings {
    /// Reads and checks the settings.
    ///
    /// # Errors
    /// [`SettingsError`] names the key and the fix.
    pub fn load(sources: &Sources) -> Result<Self, SettingsError> {
        raw::Raw::gather(sources)?.check()
    }

    /// The addresses of invitations, each with its key, that lead whoever reads them to their own machine: nobody else reaches a hub
    /// by them.
    pub fn led_astray(&self) -> Vec<(&'static str, &str)> {
        let both = [("public.agents", &*self.public_agents), ("public.join", &*self.public_join)];
        both.into_iter().filter(|(_, address)| is_own_machine(address)).collect()
    }

    /// The database for a data folder when none is set.
    pub fn default_database(data: &Path) -> String {
        format!("sqlite:{}", data.join("hub.db").display())
    }
}

/// True if `host:port` means the machine on which it is read.
fn is_own_machine(address: &str) -> bool {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host).trim_matches(['[', ']']);
    match host.parse::<IpAddr>() {
        Ok(ip) => ip.is_loopback() || ip.is_unspecified(),
        Err(_) => {
            let name = host.trim_end_matches('.').to_ascii_lowercase();
            name == "localhost" || name.ends_with(".localhost")
        }
    }
}
