//! Secrets of connections: out of a file that only the agent's user can read, or out of the environment. Read anew for each
//! fetch, never kept, never shown.

use super::FetchFault;
use crate::settings::{Connection, SecretPlace};
use std::{fmt, fs, path::Path};

/// No honest secret is longer, in bytes.
const LONGEST: u64 = 16 << 10;

/// A secret. Its `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A secret, without the spaces and line ends around it.
    pub fn new(text: &str) -> Self {
        Self(text.trim().to_owned())
    }

    /// The secret itself, for the one who hands it over.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Reads a connection's secret; `None` if it needs none.
///
/// # Errors
/// The file or variable is missing or empty, or others can read the file.
pub fn read(connection: &Connection) -> Result<Option<Secret>, FetchFault> {
    read_from(&connection.secret, &format!("connection `{}`", connection.name))
}

/// Reads the secret of something else that the settings name.
///
/// # Errors
/// As [`read`].
pub fn read_from(place: &SecretPlace, whose: &str) -> Result<Option<Secret>, FetchFault> {
    let text = match place {
        SecretPlace::Nowhere => return Ok(None),
        SecretPlace::Env(variable) => std::env::var(variable).map_err(|_| {
            let fix = format!(
                "the variable {variable} is not in the agent's environment; set it where the agent is started"
            );
            FetchFault::new("SECRET-MISSING", fix)
        })?,
        SecretPlace::File(path) => read_file(path)?,
    };
    let secret = Secret::new(&text);
    if secret.0.is_empty() || secret.0.contains(['\n', '\r', '\0']) {
        let fix = format!("the secret of {whose} must be one line that isn't empty");
        return Err(FetchFault::new("SECRET-SHAPE", fix));
    }
    Ok(Some(secret))
}

fn read_file(path: &Path) -> Result<String, FetchFault> {
    let missing = |error: std::io::Error| {
        let fix = format!("the credentials file {} can't be read: {}", path.display(), error.kind());
        FetchFault::new("SECRET-MISSING", fix)
    };
    let metadata = fs::metadata(path).map_err(missing)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        if metadata.permissions().mode() & 0o077 != 0 {
            let path = path.display();
            let fix = format!(
                "others can read the credentials file {path}; make it the agent's alone: chmod 600 {path}"
            );
            return Err(FetchFault::new("SECRET-OPEN", fix));
        }
    }
    if metadata.len() > LONGEST {
        let fix = format!("the credentials file {} is too long; it holds the secret alone", path.display());
        return Err(FetchFault::new("SECRET-SHAPE", fix));
    }
    fs::read_to_string(path).map_err(missing)
}
