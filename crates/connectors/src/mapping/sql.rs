//! What is asked of a database: one query for each kind of record, and how to see cheaply that nothing changed.
//!
//! Only reading is possible: one statement that begins with `select` or `with`. The agent asks it in a transaction that
//! can't write, whatever stands here.

use super::MappingError;
use serde::Deserialize;

/// Longest query.
const QUERY_BYTES_MAX: usize = 64 << 10;
/// Most tables that are watched.
const TABLES_MAX: usize = 32;

/// What is asked of a database.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sql {
    /// Gives the rows. Its columns' names are the captions that `fields` speaks of.
    #[serde(default)]
    pub query: Query,
    /// A cheap question: while its answer stays the same, the query isn't asked.
    pub probe: Option<String>,
    /// The tables that the query reads, in the place of a probe: the server itself is asked whether one was written to.
    #[serde(default)]
    pub watch: Vec<String>,
    /// Name of the query's column by which it goes on: `:since` is what was its highest value a while ago.
    pub since: Option<String>,
}

/// A query: one for every database, or one for each sort where they need different words.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Query {
    /// The same for all.
    One(String),
    /// One for each.
    Each {
        /// For MariaDB and MySQL.
        mysql: String,
        /// For PostgreSQL.
        postgres: String,
    },
}

impl Default for Query {
    fn default() -> Self {
        Self::One(String::new())
    }
}

impl Query {
    /// The query in the words of a database.
    pub fn of(&self, dialect: Dialect) -> &str {
        match (self, dialect) {
            (Self::One(query), _) => query,
            (Self::Each { mysql, .. }, Dialect::MySql) => mysql,
            (Self::Each { postgres, .. }, Dialect::Postgres) => postgres,
        }
    }
}

/// Which words a database understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// MariaDB and MySQL.
    MySql,
    /// PostgreSQL.
    Postgres,
}

impl Sql {
    /// Checks what can be checked without a database.
    pub(super) fn check(&self) -> Result<(), MappingError> {
        let wrong = |setting: &str, fix: &str| Err(MappingError::setting(format!("sql.{setting}"), fix));
        let queries = [self.query.of(Dialect::MySql), self.query.of(Dialect::Postgres)];
        if let Some(fix) = queries.into_iter().find_map(fault) {
            return wrong("query", fix);
        }
        if let Some(fix) = self.probe.as_deref().and_then(fault) {
            return wrong("probe", fix);
        }
        if self.probe.is_some() && !self.watch.is_empty() {
            return wrong("probe", "can't stand beside `watch`: both say how to see that something changed");
        }
        let is_name = |name: &String| {
            (1..=64).contains(&name.len())
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_$".contains(&b))
        };
        if self.watch.len() > TABLES_MAX || !self.watch.iter().all(is_name) {
            return wrong("watch", "must be at most 32 names of tables, of letters, digits, _ and $");
        }
        match (&self.since, queries.into_iter().any(|query| places(query).is_empty())) {
            (Some(_), true) => wrong("query", "must have `:since` somewhere, or leave `sql.since` out"),
            (None, false) => wrong("since", "must name the query's column that `:since` goes on from"),
            (Some(since), false) if !is_name(since) => {
                wrong("since", "must be the name of one of the query's columns")
            }
            _ => Ok(()),
        }
    }

    /// The query as this database takes it. `:since` becomes a variable of the session, which the agent has set before: null
    /// the first time.
    pub fn query_for(&self, dialect: Dialect) -> String {
        let variable = match dialect {
            Dialect::MySql => "@commonroll_since",
            Dialect::Postgres => "nullif(current_setting('commonroll.since', true), '')",
        };
        let query = bare(self.query.of(dialect));
        let mut text = String::with_capacity(query.len() + 64);
        let mut from = 0;
        for place in places(query) {
            text.push_str(&query[from..place]);
            text.push_str(variable);
            from = place + SINCE.len();
        }
        text + &query[from..]
    }

    /// What is asked, as lines of a mapping file; nothing before there is a query.
    pub(super) fn settings(&self) -> String {
        let query = bare(self.query.of(Dialect::MySql));
        if query.is_empty() {
            return String::new();
        }
        let mut text = "# What is asked, in a transaction that can't write: only the columns that are used. Where another \
                        one is needed, name\n# it here too; leave rows out with `where`: old years, for instance. Test it in the database's own client.\n"
            .to_owned();
        text += &format!("sql.query = '''\n{query}\n'''\n");
        if !self.watch.is_empty() {
            let tables: Vec<String> =
                self.watch.iter().map(|table| toml::Value::String(table.clone()).to_string()).collect();
            text += &format!(
                "# The server is asked first whether these were written to; while they weren't, the query is spared.\n\
                 sql.watch = [{}]\n",
                tables.join(", ")
            );
        }
        text
    }

    /// The probe without what may stand around it.
    pub fn probe(&self) -> Option<&str> {
        self.probe.as_deref().map(bare)
    }
}

const SINCE: &str = ":since";

/// Where `:since` stands in a query. PostgreSQL's `::since` would be a cast.
fn places(query: &str) -> Vec<usize> {
    let bytes = query.as_bytes();
    let is_word = |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
    query
        .match_indices(SINCE)
        .map(|(place, _)| place)
        .filter(|place| {
            place.checked_sub(1).is_none_or(|before| bytes[before] != b':')
                && !is_word(bytes.get(place + SINCE.len()))
        })
        .collect()
}

/// Without spaces and semicolons around it.
fn bare(query: &str) -> &str {
    query.trim().trim_end_matches(|c: char| c == ';' || c.is_whitespace())
}

/// Why this can't be asked.
fn fault(query: &str) -> Option<&'static str> {
    let query = bare(query);
    let first =
        query.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default().to_ascii_lowercase();
    if query.len() > QUERY_BYTES_MAX {
        return Some("must be shorter than 64 KiB");
    }
    if query.is_empty() {
        return Some("must be given between three quotation marks");
    }
    if !matches!(first.as_str(), "select" | "with") {
        return Some(
            "must be one statement that begins with `select` or `with`: nothing is ever written with it",
        );
    }
    // Nothing is lost: where a text really holds one, char(59) or chr(59) says it.
    query.contains(';').then_some("must be one statement, so no `;` may stand inside it")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sql(query: &str) -> Sql {
        Sql { query: Query::One(query.to_owned()), ..Sql::default() }
    }

    #[test]
    fn only_one_statement_that_reads_is_taken() {
        assert!(sql(" select 1;\n").check().is_ok());
        assert!(sql("WITH a AS (SELECT 1) SELECT * FROM a").check().is_ok());
        for query in ["", "delete from a", "select 1; drop table a", "call f()", "set @a = 1"] {
            assert!(sql(query).check().is_err(), "{query}");
        }
    }

    #[test]
    fn since_becomes_a_variable_of_the_session() {
        let query = "select a::sinceish, b from t where :since is null or b >= :since";
        let sql = Sql { since: Some("b".to_owned()), ..sql(query) };
        assert!(sql.check().is_ok());
        let asked = sql.query_for(Dialect::MySql);
        assert_eq!(asked.matches("@commonroll_since").count(), 2, "{asked}");
        assert!(
            asked.contains("a::sinceish") && sql.query_for(Dialect::Postgres).contains("current_setting")
        );
        assert!(Sql { since: None, ..sql.clone() }.check().is_err(), "goes on from nowhere");
        assert!(
            Sql { since: Some("b".to_owned()), ..self::sql("select 1") }.check().is_err(),
            "never goes on"
        );
    }
}
