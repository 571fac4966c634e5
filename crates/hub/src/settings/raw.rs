//! Settings as they are written, before they are checked: everything optional, addresses still text.

use super::{
    Limits, Listen, Settings, SettingsError, Sources,
    alerts::{self, RawAlerts, RawMail},
    providers::{self, RawProvider},
};
use config::{Config, Environment, File, FileFormat};
use serde::Deserialize;
use std::{net::SocketAddr, path::PathBuf, time::Duration};

const PREFIX: &str = "COMMONROLL_HUB";
/// Enough for a write-ahead log to be emptied, and for weeks of small entries after that.
const RESERVE_MIB: u32 = 64;
const RESERVE_MIB_MAX: u32 = 4_096;
/// Client certificates live a day; a week is the most that revocation by renewal can bear.
const CLIENT_HOURS_MAX: f64 = 168.0;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Raw {
    data: Option<PathBuf>,
    database: Option<String>,
    reserve_mib: Option<u32>,
    keys: Option<PathBuf>,
    consortium: Option<String>,
    names: Vec<String>,
    clock_is_right: bool,
    listen: RawListen,
    public: RawPublic,
    console: RawConsole,
    certificates: RawCertificates,
    mail: Option<RawMail>,
    alerts: Vec<RawAlerts>,
    limits: Limits,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawListen {
    agents: String,
    join: String,
    local: String,
    console: Option<String>,
}

impl Default for RawListen {
    fn default() -> Self {
        Self {
            agents: "0.0.0.0:8443".into(),
            join: "0.0.0.0:8444".into(),
            local: "127.0.0.1:8480".into(),
            console: None,
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawPublic {
    agents: Option<String>,
    join: Option<String>,
    console: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawConsole {
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    provider: Vec<RawProvider>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawCertificates {
    client_hours: f64,
}

impl Default for RawCertificates {
    fn default() -> Self {
        Self { client_hours: 24.0 }
    }
}

impl Raw {
    pub(super) fn gather(sources: &Sources) -> Result<Self, SettingsError> {
        // Without `prefix_separator`, config would read COMMONROLL_HUB_LISTEN__AGENTS and silently nothing else.
        let environment = Environment::with_prefix(PREFIX)
            .prefix_separator("__")
            .separator("__")
            .list_separator(",")
            .with_list_parse_key("names")
            .try_parsing(true)
            .ignore_empty(true)
            .source(sources.environment.clone());
        let mut builder = Config::builder();
        if let Some(file) = &sources.file {
            builder = builder.add_source(File::from(file.as_path()).format(FileFormat::Toml));
        } else if let Some(data) = &sources.data {
            let file = data.join("hub.toml");
            builder = builder.add_source(File::from(file).format(FileFormat::Toml).required(false));
        }
        builder = builder.add_source(environment);
        for (key, value) in &sources.flags {
            builder = match key.as_str() {
                "names" => {
                    let names: Vec<&str> =
                        value.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
                    builder.set_override(key, names)?
                }
                _ => builder.set_override(key, value.as_str())?,
            };
        }
        if let Some(data) = &sources.data {
            builder = builder.set_override("data", data.to_string_lossy().as_ref())?;
        }
        Ok(builder.build()?.try_deserialize()?)
    }

    pub(super) fn check(mut self) -> Result<Settings, SettingsError> {
        self.limits.check()?;
        let listen = self.listen.check()?;
        let data = self.data.filter(|path| !path.as_os_str().is_empty()).ok_or(SettingsError::rule(
            "data",
            "say where the hub keeps its data, with --data or in hub.toml",
        ))?;
        let host = self.names.first().cloned().unwrap_or_else(|| "127.0.0.1".to_owned());
        let public = |given: Option<String>, key, port| match given {
            Some(text) if text.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok()) => {
                Ok(text)
            }
            Some(_) => Err(SettingsError::rule(key, "must be host:port, such as hub.example.org:8443")),
            None => Ok(join_host(&host, port)),
        };
        let (mail, alerts) =
            alerts::check(self.mail.take(), std::mem::take(&mut self.alerts), listen.console.is_some())?;
        Ok(Settings {
            mail,
            alerts,
            database: database(self.database, &data)?,
            reserve_mib: reserve(self.reserve_mib)?,
            keys: self.keys.unwrap_or_else(|| data.join("keys")),
            consortium: consortium(self.consortium)?,
            public_agents: public(self.public.agents, "public.agents", listen.agents.port())?,
            public_join: public(self.public.join, "public.join", listen.join.port())?,
            names: names(self.names)?,
            clock_is_right: self.clock_is_right,
            client_certificate_life: self.certificates.check()?,
            public_console: public_console(self.public.console, listen.console, &host)?,
            providers: providers::check(std::mem::take(&mut self.console.provider))?,
            console_certificate: self.console.check()?,
            demo_people: None,
            limits: self.limits,
            listen,
            data,
        })
    }
}

impl RawListen {
    fn check(&self) -> Result<Listen, SettingsError> {
        let address = |key, text: &str| -> Result<SocketAddr, SettingsError> {
            text.parse().map_err(|_| SettingsError::rule(key, "must be address:port, such as 0.0.0.0:8443"))
        };
        let local = address("listen.local", &self.local)?;
        if !local.ip().is_loopback() {
            let fix =
                "must be a loopback address such as 127.0.0.1:8480, since this port asks nobody who they are";
            return Err(SettingsError::rule("listen.local", fix));
        }
        Ok(Listen {
            agents: address("listen.agents", &self.agents)?,
            join: address("listen.join", &self.join)?,
            local,
            console: self.console.as_deref().map(|text| address("listen.console", text)).transpose()?,
        })
    }
}

impl RawConsole {
    fn check(self) -> Result<Option<(PathBuf, PathBuf)>, SettingsError> {
        match (self.certificate, self.key) {
            (Some(certificate), Some(key)) => Ok(Some((certificate, key))),
            (None, None) => Ok(None),
            _ => Err(SettingsError::rule(
                "console.certificate",
                "give both console.certificate and console.key, or neither",
            )),
        }
    }
}

impl RawCertificates {
    fn check(&self) -> Result<Duration, SettingsError> {
        if !(0.01..=CLIENT_HOURS_MAX).contains(&self.client_hours) {
            let fix = "must lie between 0.01 and 168 hours; 24 is the default";
            return Err(SettingsError::rule("certificates.client_hours", fix));
        }
        Ok(Duration::from_secs_f64(self.client_hours * 3_600.0))
    }
}

fn join_host(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// Where browsers find the console: as told, else under the hub's first name.
fn public_console(
    given: Option<String>,
    listen: Option<SocketAddr>,
    host: &str,
) -> Result<Option<String>, SettingsError> {
    let Some(listen) = listen else { return Ok(None) };
    let Some(given) = given else { return Ok(Some(format!("https://{}", join_host(host, listen.port())))) };
    let plain = given.strip_prefix("https://").is_some_and(|host| {
        !host.is_empty()
            && host
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b':' | b'[' | b']'))
    });
    let fix = "must be https://host or https://host:port, without a path, such as https://hub.example.org";
    if plain { Ok(Some(given)) } else { Err(SettingsError::rule("public.console", fix)) }
}

fn database(given: Option<String>, data: &std::path::Path) -> Result<String, SettingsError> {
    let text = given.unwrap_or_else(|| Settings::default_database(data));
    if ["sqlite:", "postgres:", "postgresql:"].iter().any(|scheme| text.starts_with(scheme)) {
        return Ok(text);
    }
    Err(SettingsError::rule("database", "must start with sqlite: or postgres://"))
}

fn reserve(given: Option<u32>) -> Result<u32, SettingsError> {
    match given.unwrap_or(RESERVE_MIB) {
        mib if mib <= RESERVE_MIB_MAX => Ok(mib),
        _ => Err(SettingsError::rule("reserve_mib", "must be 0 (none) to 4096")),
    }
}

fn consortium(given: Option<String>) -> Result<String, SettingsError> {
    let name = given.unwrap_or_else(|| "commonroll".to_owned());
    let plain = (1..=64).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'/' | b'_'));
    if plain {
        return Ok(name);
    }
    Err(SettingsError::rule("consortium", "must be 1 to 64 letters, digits, hyphens, dots or slashes"))
}

fn names(given: Vec<String>) -> Result<Vec<String>, SettingsError> {
    let plain = |name: &String| {
        (1..=253).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b':'))
    };
    if given.len() <= 20 && given.iter().all(plain) {
        return Ok(given);
    }
    Err(SettingsError::rule("names", "must be at most 20 DNS names or IP addresses, without port or scheme"))
}
