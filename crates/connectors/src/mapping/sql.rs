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
    /// Name of the query's column that has a row's day. Most of the time rows of the present day alone are asked for: then
    /// `:recent` is that day, and null where all rows are.
    pub recent: Option<String>,
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
        if self.since.is_some() && self.recent.is_some() {
            return wrong(
                "recent",
                "can't stand beside `since`: the one asks for what is new alone, the other for all of today",
            );
        }
        for (setting, named, mark) in [("since", &self.since, SINCE), ("recent", &self.recent, RECENT)] {
            let is_somewhere = queries.into_iter().any(|query| !places(query, mark).is_empty());
            let is_everywhere = queries.into_iter().all(|query| !places(query, mark).is_empty());
            match named {
                Some(_) if !is_everywhere => {
                    return wrong(
                        "query",
                        &format!("must have `{mark}` somewhere, or leave `sql.{setting}` out"),
                    );
                }
                None if is_somewhere => {
                    return wrong(setting, &format!("must name the query's column that `{mark}` is about"));
                }
                Some(name) if !is_name(name) => {
                    return wrong(setting, "must be the name of one of the query's columns");
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The query as this database takes it, for all rows. `:since` becomes a variable of the session, which the agent has set
    /// before: null the first time.
    pub fn query_for(&self, dialect: Dialect) -> String {
        let variable = match dialect {
            Dialect::MySql => "@commonroll_since",
            Dialect::Postgres => "nullif(current_setting('commonroll.since', true), '')",
        };
        let query = replaced(bare(self.query.of(dialect)), SINCE, variable);
        replaced(&query, RECENT, "null")
    }

    /// The query as it goes on from a value, `None` for all rows. The value stands in it as it is if it is a number, a time or
    /// another plain word, so that the server can look it up in an index; else in the variable.
    pub fn query_from(&self, dialect: Dialect, since: Option<&str>) -> String {
        let is_plain = |value: &str| {
            value.len() <= 64 && value.bytes().all(|b| b.is_ascii_alphanumeric() || b" .:+-".contains(&b))
        };
        let literal = match since {
            None => "null".to_owned(),
            Some(value) if is_plain(value) => format!("'{value}'"),
            Some(_) => return self.query_for(dialect),
        };
        replaced(bare(self.query.of(dialect)), SINCE, &literal)
    }

    /// The query for rows of the present day alone: connections count days in UTC, so the day may be the one before for an hour.
    pub fn recent_query_for(&self, dialect: Dialect) -> String {
        replaced(bare(self.query.of(dialect)), RECENT, "current_date")
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
        if let Some(recent) = &self.recent {
            text += &format!(
                "# While marks are being made those of today alone are asked for, by this column; all of them every quarter of an hour.\n\
                 sql.recent = {}\n",
                toml::Value::String(recent.clone())
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
const RECENT: &str = ":recent";

/// A query with something in the place of a mark.
fn replaced(query: &str, mark: &str, with: &str) -> String {
    let mut text = String::with_capacity(query.len() + 64);
    let mut from = 0;
    for place in places(query, mark) {
        text.push_str(&query[from..place]);
        text.push_str(with);
        from = place + mark.len();
    }
    text + &query[from..]
}

/// Where a mark like `:since` stands in a query. PostgreSQL's `::since` would be a cast.
fn places(query: &str, mark: &str) -> Vec<usize> {
    let bytes = query.as_bytes();
    let is_word = |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
    query
        .match_indices(mark)
        .map(|(place, _)| place)
        .filter(|place| {
            place.checked_sub(1).is_none_or(|before| bytes[before] != b':')
                && !is_word(bytes.get(place + mark.len()))
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
        let from = |value| sql.query_from(Dialect::Postgres, value);
        assert!(from(None).ends_with("where null is null or b >= null"));
        assert!(from(Some("2026-09-14 09:00:00+01")).ends_with("or b >= '2026-09-14 09:00:00+01'"));
        assert_eq!(from(Some("' or true --")), sql.query_for(Dialect::Postgres));
        assert!(Sql { since: None, ..sql.clone() }.check().is_err(), "goes on from nowhere");
        assert!(
            Sql { since: Some("b".to_owned()), ..self::sql("select 1") }.check().is_err(),
            "never goes on"
        );
    }

    #[test]
    fn recent_is_the_present_day_or_nothing() {
        let query = "select day, b from t where :recent is null or day >= :recent";
        let sql = Sql { recent: Some("day".to_owned()), ..sql(query) };
        assert!(sql.check().is_ok());
        for dialect in [Dialect::MySql, Dialect::Postgres] {
            assert!(sql.query_for(dialect).ends_with("where null is null or day >= null"));
            let recent = sql.recent_query_for(dialect);
            assert!(recent.ends_with("where current_date is null or day >= current_date"), "{recent}");
        }
        assert!(Sql { recent: None, ..sql.clone() }.check().is_err());
        assert!(Sql { recent: Some("day".to_owned()), ..self::sql("select 1") }.check().is_err());
        let both = Sql { since: Some("b".to_owned()), ..sql };
        assert!(both.check().is_err(), "all of today is no list of what is new");
    }
}
