//! `[alarms]`: where the agent itself tells its data manager that the hub is not to be believed.

use super::{SecretPlace, connection::secure, wrong};
use crate::error::AgentError;
use reqwest::Url;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// Where alarms about the hub are handed in.
#[derive(Clone)]
pub struct Alarms {
    /// The institution's own address. Such addresses often let in whoever knows them, so that nobody is shown it.
    pub webhook: Url,
    /// What signs the messages; nowhere if they aren't signed.
    pub secret: SecretPlace,
}

impl std::fmt::Debug for Alarms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Alarms").field("secret", &self.secret).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawAlarms {
    webhook: String,
    credentials: Option<PathBuf>,
    env: Option<String>,
}

impl RawAlarms {
    pub(super) fn check(self, base: &Path, file: &Path) -> Result<Alarms, AgentError> {
        let at = |key: &str, problem: &str| wrong(file, format!("key `alarms.{key}`: {problem}"));
        let secret =
            SecretPlace::of(self.credentials, self.env, base).map_err(|problem| at("env", problem))?;
        let webhook = secure(&self.webhook).map_err(|problem| at("webhook", problem))?;
        Ok(Alarms { webhook, secret })
    }
}
