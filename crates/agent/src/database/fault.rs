//! What a database refuses, in words with the fix. Names of tables and columns may stand in them; values, users' passwords and
//! the server's own sentences may not: those quote what was sent.

use super::Address;
use sqlx::Error;

/// Why a database could not be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{rule}: {fix}")]
pub struct DatabaseFault {
    /// Stable name of the rule.
    pub rule: &'static str,
    /// What happened and what to do.
    pub fix: String,
    /// True if the same may go well later, with nobody doing anything.
    pub passes: bool,
}

impl DatabaseFault {
    fn lasting(rule: &'static str, fix: impl Into<String>) -> Self {
        Self { rule, fix: fix.into(), passes: false }
    }

    fn passing(rule: &'static str, fix: impl Into<String>) -> Self {
        Self { rule, fix: fix.into(), passes: true }
    }

    /// Nobody answers there.
    pub(super) fn unreachable(at: &Address) -> Self {
        let place = match &at.socket {
            Some(socket) => format!("the socket {}", socket.display()),
            None => format!("{}:{}", at.host, at.port),
        };
        let fix = format!(
            "no database answers at {place}; check that it runs, that its firewall lets this machine in, and the \
             connection's address"
        );
        Self::passing("SQL-UNREACHABLE", fix)
    }

    /// Nothing comes any more, not even a refusal.
    pub(super) fn silent() -> Self {
        let fix = "the database has gone silent in the middle of an answer; nothing is half-done, it is tried again. If it stays so, \
                   look at its machine and at the network in between";
        Self::passing("SQL-LOST", fix)
    }

    /// Another session writes.
    pub(super) fn not_alone() -> Self {
        let fix = "an earlier session that writes into this database has not ended there yet, or another agent writes into it; nothing was \
                   written, it is tried again. If it stays so for more than a few minutes, let only one agent write, and end the older session \
                   of its account at the database server (SHOW PROCESSLIST, then KILL)";
        Self::passing("SQL-LOCKED", fix)
    }

    /// A column holds bytes.
    pub(super) fn bytes(column: &str) -> Self {
        let fix = format!(
            "column `{column}` of the query holds bytes (a picture or a file, or text in no known encoding); leave it out \
             of the query, or cast it to text there"
        );
        Self::lasting("SQL-BYTES", fix)
    }

    /// A probe's answer is too long.
    pub(super) fn long() -> Self {
        Self::lasting(
            "SQL-PROBE",
            "the probe's answer is longer than 64 KiB; ask for a count or the newest time alone",
        )
    }

    /// What went wrong while signing in.
    pub(super) fn at_sign_in(error: &Error, at: &Address) -> Self {
        match error {
            Error::Io(_) => Self::unreachable(at),
            Error::Tls(_) => Self::lasting(
                "SQL-TLS",
                "the database offers no TLS, or a certificate that can't be believed; switch TLS on there (without it, \
                 pupils' data would cross the network in the open), name the school's own authority with \
                 options.ca, and use the name that stands in the certificate as address",
            ),
            other => Self::of(other),
        }
    }

    /// What a database said to a statement.
    pub(super) fn of(error: &Error) -> Self {
        let Error::Database(said) = error else {
            return match error {
                Error::Io(_) | Error::Protocol(_) | Error::WorkerCrashed => Self::passing(
                    "SQL-LOST",
                    "the connection to the database broke; nothing is half-done, it is tried again",
                ),
                Error::Tls(_) => Self::lasting("SQL-TLS", "the database's TLS failed; check its certificate"),
                _ => Self::lasting(
                    "SQL-ANSWER",
                    "the database's answer can't be read; is it a supported version?",
                ),
            };
        };
        let number = said.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>().map(|error| error.number());
        let code = said.code().unwrap_or_default();
        match number {
            Some(number) => mysql(number, said.message()),
            None => postgres(&code, said.message()),
        }
    }
}

const SIGN_IN: &str = "the database refuses the user or the password; check `user`, and that the credentials file holds the password \
                       alone; if both are right, the account may be locked or not allowed from this machine";
const NO_DATABASE: &str = "the server has no such database, or the account may not see it; check the end of the connection's address";
const LOCKED: &str = "a table is locked by somebody else (a backup or an update of the MIS, perhaps); nothing was read, it is tried again";
const SLOW: &str = "the query took longer than allowed and was stopped, to spare the MIS; ask for fewer days in it, or raise \
                    options.seconds";
const CHANGED: &str = "a table was replaced while it was read; nothing of it was taken, it is tried again";
const FULL: &str =
    "the database has no connection left; it is tried again. If it stays so, raise its max_connections";
const SYNTAX: &str = "the database does not understand the query; try it in the database's own client, and compare it with the \
                      template that we ship";
// What its rule says is not repeated: a name may stand in it.
const OWN_RULE: &str = "a rule of the MIS's own (a trigger, perhaps) refused it; try the change by hand in the MIS, which says why";
const WRITES: &str = "the query would write, and nothing may be written here; use a query that only reads";

fn lasting(rule: &'static str, fix: impl Into<String>) -> DatabaseFault {
    DatabaseFault::lasting(rule, fix)
}

fn passing(rule: &'static str, fix: impl Into<String>) -> DatabaseFault {
    DatabaseFault::passing(rule, fix)
}

/// MariaDB's and MySQL's numbers.
fn mysql(number: u16, message: &str) -> DatabaseFault {
    match number {
        1045 | 1698 | 1251 | 2059 | 3118 | 1820 | 4151 => lasting("SQL-SIGN-IN", SIGN_IN),
        1044 | 1049 => lasting("SQL-DATABASE", NO_DATABASE),
        1142 | 1143 | 1370 => lasting("SQL-RIGHTS", rights(named(message))),
        1146 => lasting("SQL-TABLE", missing("table", named(message))),
        1054 => lasting("SQL-COLUMN", missing("column", named(message))),
        1205 | 1213 | 3572 => passing("SQL-LOCKED", LOCKED),
        1969 | 3024 | 1317 => passing("SQL-SLOW", SLOW),
        1412 | 1615 => passing("SQL-CHANGED", CHANGED),
        1040 | 1203 | 1226 => passing("SQL-FULL", FULL),
        1053 | 1077 | 1079 | 1152..=1161 | 2006 | 2013 | 1927 => {
            passing("SQL-LOST", "the database ended the connection; nothing is half-done, it is tried again")
        }
        1064 | 1149 => lasting("SQL-SYNTAX", SYNTAX),
        1792 | 1290 => lasting("SQL-WRITES", WRITES),
        1644 => lasting("SQL-REFUSED", OWN_RULE),
        other => lasting("SQL-REFUSED", format!("the database refused it with its error {other}")),
    }
}

/// PostgreSQL's codes.
fn postgres(code: &str, message: &str) -> DatabaseFault {
    match code {
        "28P01" | "28000" => lasting("SQL-SIGN-IN", SIGN_IN),
        "3D000" => lasting("SQL-DATABASE", NO_DATABASE),
        "42501" => lasting("SQL-RIGHTS", rights(named(message))),
        "42P01" => lasting("SQL-TABLE", missing("table", named(message))),
        "42703" => lasting("SQL-COLUMN", missing("column", named(message))),
        "55P03" | "40P01" => passing("SQL-LOCKED", LOCKED),
        "40001" | "0A000" => passing("SQL-CHANGED", CHANGED),
        "57014" => passing("SQL-SLOW", SLOW),
        "53300" => passing("SQL-FULL", FULL),
        "57P01" | "57P02" | "57P03" | "08006" | "08003" | "25P03" => {
            passing("SQL-LOST", "the database ended the connection; nothing is half-done, it is tried again")
        }
        "42601" | "42804" | "42883" => lasting("SQL-SYNTAX", SYNTAX),
        "25006" => lasting("SQL-WRITES", WRITES),
        "P0001" => lasting("SQL-REFUSED", OWN_RULE),
        other => {
            let plain: String = other.chars().filter(char::is_ascii_alphanumeric).take(5).collect();
            lasting("SQL-REFUSED", format!("the database refused it with its error {plain}"))
        }
    }
}

/// The name of a table or column in the server's sentence: between the first quotes, or PostgreSQL's `column a.b does not exist`.
/// Only of letters, digits and `_ . $`.
fn named(message: &str) -> &str {
    let is_plain = |name: &str| {
        (1..=130).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.$".contains(&b))
    };
    let quoted = message.split(['\'', '"', '`']).nth(1);
    let bare = message.strip_prefix("column ").and_then(|rest| rest.split(' ').next());
    quoted.or(bare).filter(|name| is_plain(name)).unwrap_or_default()
}

fn missing(what: &str, name: &str) -> String {
    format!(
        "the database has no {what} `{name}` that the query asks for: the MIS is of another version than the mapping, or the \
         connection leads to another database. Compare the query with the MIS's own tables and adapt the mapping file"
    )
}

fn rights(name: &str) -> String {
    format!(
        "the account may not do this (`{name}`); give it the rights that the page of this MIS lists, or take the table out of \
         the query"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_are_taken_from_what_a_server_says() {
        assert_eq!(named("Table 'gibbon.gibbonPerson' doesn't exist"), "gibbon.gibbonPerson");
        assert_eq!(named("relation \"attendance_period\" does not exist"), "attendance_period");
        assert_eq!(named("column c.state_code does not exist"), "c.state_code");
        assert_eq!(named("Duplicate entry 'Ada Byron' for key 'x'"), "");
    }

    #[test]
    fn what_a_trigger_says_is_not_repeated() {
        for fault in
            [mysql(1644, "Ada Byron is not enrolled"), postgres("P0001", "Ada Byron is not enrolled")]
        {
            assert!(fault.rule == "SQL-REFUSED" && fault.fix.contains("trigger"), "{fault}");
            assert!(!fault.fix.contains("Ada") && !fault.fix.contains("Byron"), "{fault}");
        }
    }
}
