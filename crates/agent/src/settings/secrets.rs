//! Secrets that people write into the settings all the same: refused by the names of their keys, and never repeated. What TOML's
//! reader says of a file is told without the file's own text, since a secret may stand under a misspelt key too.

use super::wrong;
use crate::error::AgentError;
use std::path::Path;

/// Names under which people would write a secret, without `-` and `_`: as a part of the name, and as its end.
const PARTS: [&str; 6] = ["password", "passwd", "passphrase", "secret", "bearer", "authorization"];
const ENDS: [&str; 3] = ["pwd", "token", "key"];

/// Refuses settings that hold a secret, naming its place and never its value.
///
/// # Errors
/// The key that holds it, and where it belongs.
pub(super) fn refuse(text: &str, file: &Path) -> Result<(), AgentError> {
    // What is no TOML at all is told by the next reader.
    let Ok(table) = toml::from_str::<toml::Table>(text) else { return Ok(()) };
    let connections = table.get("connection").and_then(toml::Value::as_table);
    for (name, connection) in connections.into_iter().flatten() {
        let at = format!("connection.{name}");
        keys(connection, &at, file)?;
        keys_of(connection, "options", &at, file)?;
        for key in ["address", "token_address"] {
            address(connection, key, &at, file)?;
        }
    }
    if let Some(alarms) = table.get("alarms") {
        keys(alarms, "alarms", file)?;
        address(alarms, "webhook", "alarms", file)?;
    }
    let sources = table.get("source").and_then(toml::Value::as_array);
    for (index, source) in sources.into_iter().flatten().enumerate() {
        let at = format!("source.{index}");
        keys(source, &at, file)?;
        keys_of(source, "query", &at, file)?;
        address(source, "records", &at, file)?;
    }
    Ok(())
}

fn keys(table: &toml::Value, at: &str, file: &Path) -> Result<(), AgentError> {
    let mut keys = table.as_table().into_iter().flat_map(toml::Table::keys);
    match keys.find(|key| names_a_secret(key)) {
        Some(key) => Err(misplaced(&format!("{at}.{key}"), file)),
        None => Ok(()),
    }
}

fn keys_of(table: &toml::Value, key: &str, at: &str, file: &Path) -> Result<(), AgentError> {
    table.get(key).map_or(Ok(()), |inner| keys(inner, &format!("{at}.{key}"), file))
}

/// An address, or the path of one, with user and password or with a parameter that is a secret.
fn address(table: &toml::Value, key: &str, at: &str, file: &Path) -> Result<(), AgentError> {
    let address = table.get(key).and_then(toml::Value::as_str).unwrap_or_default();
    if key != "records" && address.rsplit_once("://").map_or(address, |(_, rest)| rest).contains('@') {
        let fix = format!(
            "key `{at}.{key}`: give the address without user and password; the user is `user`, the password lies in the file that \
             `credentials` names"
        );
        return Err(wrong(file, fix));
    }
    let parameters = address.split_once('?').map_or("", |(_, parameters)| parameters);
    match parameters.split('&').any(|one| names_a_secret(one.split('=').next().unwrap_or_default())) {
        true => Err(misplaced(&format!("{at}.{key}"), file)),
        false => Ok(()),
    }
}

fn misplaced(key: &str, file: &Path) -> AgentError {
    let fix = format!(
        "key `{key}`: a secret does not belong into the settings; put it alone into a file that only the agent's user can read and \
         name that file with the connection's `credentials`, or name a variable of the environment with `env`"
    );
    wrong(file, fix)
}

fn names_a_secret(key: &str) -> bool {
    let key: String = key.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
    PARTS.iter().any(|part| key.contains(part)) || ENDS.iter().any(|end| key.ends_with(end))
}

/// What TOML's reader says, with the line and its key, and without any value of the file.
pub(super) fn told(error: &toml::de::Error, text: &str) -> String {
    let line =
        error.span().and_then(|span| text.get(..span.start)).map(|before| before.matches('\n').count());
    let place = line.map_or_else(String::new, |line| format!("line {}", line + 1));
    let said = without_values(error.message());
    // Only where the file is TOML it is sure that a key stands there.
    if toml::from_str::<toml::Table>(text).is_err() {
        return format!("{place} can't be read as TOML; check quotes and brackets: {said}")
            .trim_start()
            .to_owned();
    }
    let key = line.and_then(|line| text.lines().nth(line)?.split('=').next()).map(str::trim);
    let is_plain = |key: &&str| {
        (1..=64).contains(&key.len())
            && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.[]".contains(&byte))
    };
    let key = key.filter(is_plain).map_or_else(String::new, |key| format!(", `{key}`"));
    if place.is_empty() { said } else { format!("{place}{key}: {said}") }
}

/// A reader's sentence without what it quotes from the file. Names of keys may stand in it.
fn without_values(message: &str) -> String {
    for said in ["invalid type: ", "invalid value: ", "unknown variant "] {
        let Some(rest) = message.strip_prefix(said) else { continue };
        let kind = rest.split([' ', '`']).next().filter(|_| said.starts_with("invalid")).unwrap_or_default();
        let expected = rest.rfind(", expected ").map_or("", |place| &rest[place..]);
        return format!("{said}{kind}").trim_end_matches([' ', ':']).to_owned() + expected;
    }
    message.split('"').step_by(2).collect::<Vec<_>>().join("..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_name_a_secret_are_known_however_they_are_written() {
        for secret in
            ["password", "Pwd", "db_pwd", "api_key", "X-Api-Key", "client-secret", "token", "access_token"]
        {
            assert!(names_a_secret(secret), "{secret}");
        }
        for plain in
            ["user", "credentials", "env", "token_address", "include", "entityFilter", "keyword", "school"]
        {
            assert!(!names_a_secret(plain), "{plain}");
        }
    }

    #[test]
    fn a_reader_s_sentence_keeps_what_was_expected_alone() {
        for (said, told) in [
            ("invalid type: string \"a, expected b\", expected u64", "invalid type: string, expected u64"),
            ("invalid type: integer `1234`, expected a string", "invalid type: integer, expected a string"),
            ("unknown variant `pin`, expected one of `a`, `b`", "unknown variant, expected one of `a`, `b`"),
            ("unknown field `pwd`, expected `user`", "unknown field `pwd`, expected `user`"),
            ("no time in \"pin\"", "no time in .."),
        ] {
            assert_eq!(without_values(said), told);
        }
    }
}
