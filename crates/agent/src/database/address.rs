//! Where a database is: `host:port/database`, or a socket of this machine.

use crate::settings::{Connection, Kind};
use commonroll_connectors::mapping::Dialect;
use std::{net::IpAddr, path::PathBuf, time::Duration};

/// Where a database is, who signs in, and how long a statement may take. Holds no password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Which words it understands.
    pub dialect: Dialect,
    /// Name or number of the machine.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Its socket, in the place of host and port: for PostgreSQL the folder that it lies in.
    pub socket: Option<PathBuf>,
    /// The database.
    pub database: String,
    /// Who signs in.
    pub user: Option<String>,
    /// File with the certificate of a school's own authority.
    pub authority: Option<PathBuf>,
    /// Longest time for one statement, in seconds.
    pub seconds: u32,
    /// How much later than that the server is given up, if it didn't end the statement itself.
    pub grace: Duration,
}

impl Address {
    /// Reads `host:port/database`; port and host may be left out where they are the usual ones.
    ///
    /// # Errors
    /// What to write instead.
    pub fn parse(dialect: Dialect, text: &str) -> Result<Self, &'static str> {
        const SHAPE: &str = "must be host/database or host:port/database, such as mis.school.example/gibbon";
        let usual = match dialect {
            Dialect::MySql => 3306,
            Dialect::Postgres => 5432,
        };
        let (machine, database) = text.rsplit_once('/').ok_or(SHAPE)?;
        let is_name = |text: &str| !text.is_empty() && !text.contains(['/', '@', '?', ' ']);
        if !is_name(database) || machine.contains(['/', '@', '?', ' ']) {
            return Err(SHAPE);
        }
        let (host, port) = match machine.rsplit_once(':') {
            Some((host, port)) if !host.ends_with(':') && (!host.contains(':') || host.ends_with(']')) => {
                (host, port.parse().map_err(|_| SHAPE)?)
            }
            _ => (machine, usual),
        };
        Ok(Self {
            dialect,
            host: if host.is_empty() { "localhost" } else { host }.trim_matches(['[', ']']).to_owned(),
            port,
            socket: None,
            database: database.to_owned(),
            user: None,
            authority: None,
            seconds: 60,
            grace: Duration::from_secs(5),
        })
    }

    /// Reads where a connection's database is.
    ///
    /// # Errors
    /// The key of the connection at fault and what to write instead.
    pub fn of(connection: &Connection) -> Result<Self, String> {
        let dialect = match connection.kind {
            Kind::Mysql => Dialect::MySql,
            Kind::Postgres => Dialect::Postgres,
            Kind::Http => return Err("kind: must be mysql or postgres for a database".to_owned()),
        };
        let mut at = Self::parse(dialect, &connection.address).map_err(|fix| format!("address: {fix}"))?;
        at.user.clone_from(&connection.user);
        for (key, value) in &connection.options {
            match key.as_str() {
                "socket" => at.socket = Some(value.into()),
                "ca" => at.authority = Some(value.into()),
                "seconds" => {
                    let seconds = value.parse().ok().filter(|seconds| (1..=3_600).contains(seconds));
                    at.seconds = seconds.ok_or("options.seconds: must be between 1 and 3600")?;
                }
                other => {
                    return Err(format!(
                        "options.{other}: a database knows `socket`, `ca` and `seconds` alone"
                    ));
                }
            }
        }
        Ok(at)
    }

    /// True if nothing leaves this machine.
    pub fn is_here(&self) -> bool {
        self.socket.is_some()
            || self.host.eq_ignore_ascii_case("localhost")
            || self.host.parse::<IpAddr>().is_ok_and(|host| host.is_loopback())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_machine_and_database() {
        let at = |text| {
            Address::parse(Dialect::MySql, text)
                .map(|at| (at.host.clone(), at.port, at.database.clone(), at.is_here()))
        };
        let is = |host: &str, port, here| Ok((host.to_owned(), port, "gibbon".to_owned(), here));
        assert_eq!(at("mis.school.example/gibbon"), is("mis.school.example", 3306, false));
        assert_eq!(at("10.0.0.7:3307/gibbon"), is("10.0.0.7", 3307, false));
        assert_eq!(at("127.0.0.1/gibbon"), is("127.0.0.1", 3306, true));
        assert_eq!(at("[::1]:3307/gibbon"), is("::1", 3307, true));
        assert_eq!(at("/gibbon"), is("localhost", 3306, true));
        for wrong in ["gibbon", "host/", "user:secret@host/gibbon", "mysql://host/gibbon", "host:x/gibbon"] {
            assert!(at(wrong).is_err(), "{wrong}");
        }
    }
}
