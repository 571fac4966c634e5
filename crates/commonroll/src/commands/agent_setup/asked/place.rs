//! Where an MIS is, as somebody types it.

use commonroll_agent::{database::Address, settings::Kind};
use commonroll_connectors::mapping::Dialect;

/// Where an MIS is. Holds no secret.
#[derive(Debug, PartialEq, Eq)]
pub struct Place {
    pub kind: Kind,
    /// As a connection's `address` has it.
    pub address: String,
    /// Who signs in, where the address says it.
    pub user: Option<String>,
    /// A name for the connection.
    pub name: String,
}

const SHAPE: &str = "must be mysql://host/database, postgres://host/database (a port after the host if it isn't the usual one) or https://host/path";

impl Place {
    /// Reads an address. What it says is not repeated in an error: a secret may stand in it.
    pub fn read(from: &str) -> Result<Self, String> {
        let wrong = |fix: &str| Err(format!("the address {fix}"));
        let Some((scheme, rest)) = from.split_once("://") else { return wrong(SHAPE) };
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        if user.is_some_and(|user| user.contains(':')) {
            return wrong(
                "must not hold a password: it would stay in the shell's history. Put it into a file of its own (chmod 600) and \
                 name that with --credentials, or name a variable with --env; then change this one",
            );
        }
        if rest.contains(['?', '#']) || rest.chars().any(|c| c.is_control() || c == ' ') {
            return wrong(
                "must end before `?` and `#`; what the connection needs besides is said with --option NAME=VALUE",
            );
        }
        let (kind, dialect) = match scheme.to_lowercase().as_str() {
            "mysql" | "mariadb" => (Kind::Mysql, Some(Dialect::MySql)),
            "postgres" | "postgresql" => (Kind::Postgres, Some(Dialect::Postgres)),
            "https" | "http" => (Kind::Http, None),
            _ => return wrong(SHAPE),
        };
        let path = path.trim_end_matches('/');
        let user = user.map(str::to_owned);
        let Some(dialect) = dialect else {
            let address = format!("{}://{host}/{path}", scheme.to_lowercase());
            let address = address.trim_end_matches('/').to_owned();
            let machine = host.rsplit_once(':').map_or(host, |(machine, _)| machine);
            return Ok(Self { kind, address, user, name: plain(machine) });
        };
        let address = format!("{host}/{path}");
        match Address::parse(dialect, &address) {
            Ok(at) => Ok(Self { kind, address, user, name: plain(&at.database) }),
            Err(_) => wrong(SHAPE),
        }
    }

    /// How it is called in what is shown.
    pub fn shown(&self) -> String {
        match self.kind {
            Kind::Mysql => format!("mysql://{}", self.address),
            Kind::Postgres => format!("postgres://{}", self.address),
            Kind::Http => self.address.clone(),
        }
    }
}

/// A name as a connection may have it: letters, digits, `-` and `_`.
pub fn plain(text: &str) -> String {
    let named: String = text
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '_' { c.to_ascii_lowercase() } else { '-' })
        .take(48)
        .collect();
    match named.trim_matches('-') {
        "" => "mis".to_owned(),
        name => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_what_is_asked_where_and_by_whom() {
        let place = Place::read("mysql://roll@mis.school.example:3307/Gibbon").unwrap();
        assert_eq!((place.kind, place.address.as_str()), (Kind::Mysql, "mis.school.example:3307/Gibbon"));
        assert_eq!((place.user.as_deref(), place.name.as_str()), (Some("roll"), "gibbon"));
        let place = Place::read("postgresql:///sis").unwrap();
        assert_eq!((place.kind, place.address.as_str()), (Kind::Postgres, "/sis"));
        let place = Place::read("https://api.wonde.com/v1.0/").unwrap();
        assert_eq!(
            (place.address.as_str(), place.name.as_str()),
            ("https://api.wonde.com/v1.0", "api-wonde-com")
        );
    }

    #[test]
    fn a_password_in_an_address_is_refused_and_not_repeated() {
        for wrong in [
            "mysql://roll:canary-secret@host/db",
            "mysql://host/db?password=canary-secret",
            "ftp://canary-secret/db",
            "canary-secret",
            "mysql://host",
        ] {
            let told = Place::read(wrong).unwrap_err();
            assert!(!told.contains("canary-secret"), "{told}");
        }
    }
}
