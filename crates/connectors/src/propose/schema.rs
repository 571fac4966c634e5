//! Proposing from a database: whose tables they are, and where they are nobody's we know, which of them are worth a look.
//!
//! Names of tables and columns alone are judged here; what stands in them is judged as any other sample. Asking the database is
//! not done here.

use super::{Proposal, Value, caption::about};
use crate::mapping::{Container, Dialect, Query, Sql};
use std::collections::BTreeSet;

/// A table that an account can see, with the columns that it can see of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenTable {
    /// Its name.
    pub name: String,
    /// Its columns: name and type, as the database calls it.
    pub columns: Vec<(String, String)>,
}

/// An MIS whose tables are known.
#[derive(Debug, Clone, Copy)]
pub struct Product {
    /// Its name, as [`crate::templates`] have it.
    pub mis: &'static str,
    /// Without this table it is another one.
    own: &'static str,
    /// Tables and the column that each has.
    has: &'static [(&'static str, &'static str)],
    /// Where its version stands: table, column of the value, and what must hold of the row.
    version: (&'static str, &'static str, &'static str),
}

const PRODUCTS: [Product; 3] = [
    Product {
        mis: "Gibbon",
        own: "gibbonPerson",
        has: &[
            ("gibbonPerson", "gibbonPersonID"),
            ("gibbonSchoolYear", "gibbonSchoolYearID"),
            ("gibbonStudentEnrolment", "gibbonSchoolYearID"),
            ("gibbonCourseClass", "gibbonCourseID"),
            ("gibbonAttendanceLogPerson", "gibbonPersonID"),
        ],
        version: ("gibbonSetting", "value", "scope = 'System' and name = 'version'"),
    },
    Product {
        mis: "RosarioSIS",
        own: "school_marking_periods",
        has: &[
            ("school_marking_periods", "marking_period_id"),
            ("course_period_school_periods", "course_period_id"),
            ("student_enrollment", "student_id"),
            ("course_periods", "course_period_id"),
            ("attendance_period", "student_id"),
        ],
        version: ("config", "config_value", "title = 'VERSION'"),
    },
    Product {
        mis: "openSIS",
        own: "course_period_var",
        has: &[
            ("course_period_var", "course_period_id"),
            ("marking_periods", "marking_period_id"),
            ("student_enrollment", "student_id"),
            ("course_periods", "course_period_id"),
            ("attendance_period", "student_id"),
        ],
        version: ("app", "value", "name = 'version'"),
    },
];

/// How many of its tables must be there before an MIS is believed to be known.
const PROOF: usize = 3;

impl Product {
    /// The query for its version, if the account can see where it stands.
    pub fn version_query(&self, tables: &[SeenTable]) -> Option<String> {
        let (table, column, row) = self.version;
        let seen = find(tables, table).filter(|seen| has(seen, column))?;
        Some(format!("select {column} from {} where {row}", seen.name))
    }
}

/// The MIS that these tables are of, and which of them say so.
pub fn product(tables: &[SeenTable]) -> Option<(Product, Vec<String>)> {
    PRODUCTS.iter().find_map(|product| {
        find(tables, product.own)?;
        let there = product.has.iter().filter_map(|(table, column)| {
            let seen = find(tables, table).filter(|seen| has(seen, column))?;
            Some(format!("{}.{column}", seen.name))
        });
        let proof: Vec<String> = there.collect();
        (proof.len() >= PROOF).then_some((*product, proof))
    })
}

fn find<'t>(tables: &'t [SeenTable], name: &str) -> Option<&'t SeenTable> {
    tables.iter().find(|table| table.name.eq_ignore_ascii_case(name))
}

fn has(table: &SeenTable, column: &str) -> bool {
    table.columns.iter().any(|(name, _)| name.eq_ignore_ascii_case(column))
}

/// The tables that are worth a look, those first whose columns' names say most.
pub fn promising(tables: &[SeenTable]) -> Vec<&SeenTable> {
    let says = |table: &SeenTable| -> f64 {
        let best = |column: &str| about(column).values().copied().fold(0.0, f64::max);
        table.columns.iter().map(|(name, _)| best(name)).sum()
    };
    let mut ranked: Vec<(f64, &SeenTable)> = tables
        .iter()
        .filter(|table| columns(table).len() >= 2)
        .map(|table| (says(table), table))
        .filter(|(says, _)| *says >= 1.0)
        .collect();
    ranked.sort_by(|one, other| other.0.total_cmp(&one.0).then_with(|| one.1.name.cmp(&other.1.name)));
    ranked.into_iter().map(|(_, table)| table).collect()
}

/// Columns that an export can hold: neither bytes nor under a name that no query of ours may have.
fn columns(table: &SeenTable) -> Vec<&str> {
    let is_text = |kind: &str| {
        let kind = kind.to_lowercase();
        !["blob", "binary", "bytea", "bit", "geometry", "point", "polygon"]
            .iter()
            .any(|bytes| kind.contains(bytes))
    };
    let named = table.columns.iter().filter(|(name, kind)| is_text(kind) && is_name(name));
    named.map(|(name, _)| name.as_str()).collect()
}

/// True if it can stand in a query between quotation marks.
fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.chars().any(|c| c.is_control() || matches!(c, ';' | '`' | '"' | '\'' | '\\' | ':'))
}

/// True if a setting of `[sql]` may name it.
fn is_plain(name: &str) -> bool {
    name.len() <= 64 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_$".contains(&b))
}

fn quoted(name: &str, dialect: Dialect) -> String {
    match dialect {
        Dialect::MySql => format!("`{name}`"),
        Dialect::Postgres => format!("\"{name}\""),
    }
}

/// The query for all of a table that an export can hold, no more rows than this. `None` if nothing of it can be asked.
pub fn sample_query(table: &SeenTable, dialect: Dialect, rows_max: usize) -> Option<String> {
    let columns = columns(table);
    if columns.is_empty() || !is_name(&table.name) {
        return None;
    }
    Some(format!("{} limit {rows_max}", select(table, &columns, dialect)))
}

fn select(table: &SeenTable, columns: &[&str], dialect: Dialect) -> String {
    let columns: Vec<String> = columns.iter().map(|column| quoted(column, dialect)).collect();
    format!("select {}\nfrom {}", columns.join(", "), quoted(&table.name, dialect))
}

/// Days of marks that a proposed query asks for, as our templates do.
const DAYS: u32 = 14;

/// Narrows what a proposal asks of a table down to the columns that it uses, and of marks to the last days: less is read, and
/// nothing about people that nobody needs.
pub fn narrow(proposal: &mut Proposal, table: &SeenTable, dialect: Dialect) {
    let used = used(proposal);
    let columns: Vec<&str> = columns(table).into_iter().filter(|column| used.contains(*column)).collect();
    let mut query = select(table, &columns, dialect);
    let kind_of = |column: &str| {
        let of = table.columns.iter().find(|(name, _)| name == column);
        of.map(|(_, kind)| kind.to_lowercase()).unwrap_or_default()
    };
    let is_day = |column: &str| ["date", "timestamp"].iter().any(|kind| kind_of(column).starts_with(kind));
    let marks =
        proposal.choice("rows").is_some_and(|rows| rows.value == Value::Text("attendance".to_owned()));
    let day = proposal.column("date").filter(|day| marks && is_day(day)).map(str::to_owned);
    // Days alone can be told from those before: of a moment that would depend on its zone.
    let recent = day.clone().filter(|day| kind_of(day) == "date" && is_plain(day));
    if let Some(day) = &day {
        let day = quoted(day, dialect);
        query += &match dialect {
            Dialect::MySql => format!("\nwhere {day} >= current_date - interval {DAYS} day"),
            Dialect::Postgres => format!("\nwhere {day} >= current_date - {DAYS}"),
        };
        if recent.is_some() {
            query += &format!(" and (:recent is null or {day} >= :recent)");
        }
    }
    let watch = if is_plain(&table.name) { vec![table.name.clone()] } else { Vec::new() };
    proposal.container = Container::Sql(Sql { query: Query::One(query), watch, recent, ..Sql::default() });
    proposal.unused.retain(|(caption, _)| columns.contains(&caption.as_str()));
}

/// Captions that a proposal needs: what is settled, and what a doubt may still choose.
fn used(proposal: &Proposal) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    let mut note = |value: &Value| {
        if let Value::Column(caption) | Value::Values(caption, _) | Value::Days(caption, _) = value {
            used.insert(caption.clone());
        }
    };
    proposal.choices.iter().for_each(|choice| note(&choice.value));
    proposal.doubts.iter().flat_map(|doubt| &doubt.candidates).for_each(|candidate| note(&candidate.value));
    let settings = proposal
        .choices
        .iter()
        .map(|choice| &choice.setting)
        .chain(proposal.doubts.iter().map(|doubt| &doubt.setting));
    for column in settings.filter_map(|setting| setting.strip_prefix("result.")) {
        used.insert(column.to_owned());
    }
    used
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str, columns: &[&str]) -> SeenTable {
        let columns = columns.iter().map(|column| ((*column).to_owned(), "varchar".to_owned())).collect();
        SeenTable { name: name.to_owned(), columns }
    }

    #[test]
    fn an_mis_is_known_by_its_own_table_and_by_three_that_fit() {
        let mut tables = vec![
            table("course_periods", &["course_period_id"]),
            table("student_enrollment", &["student_id"]),
            table("attendance_period", &["student_id"]),
        ];
        assert!(product(&tables).is_none(), "two MIS have these");
        tables.push(table("course_period_var", &["course_period_id"]));
        let (found, proof) = product(&tables).unwrap();
        assert_eq!(found.mis, "openSIS");
        assert_eq!(proof.len(), 4);
        assert!(found.version_query(&tables).is_none());
        tables.push(table("app", &["name", "value"]));
        assert_eq!(found.version_query(&tables).unwrap(), "select value from app where name = 'version'");
    }

    #[test]
    fn a_table_is_worth_a_look_for_what_its_columns_are_called() {
        let tables = [
            table("migrations", &["batch", "checksum"]),
            table("att_marks", &["pupil_id", "mark_date", "mark"]),
            table("x", &["a; drop table y", "pupil_id"]),
        ];
        let names: Vec<_> = promising(&tables).iter().map(|table| table.name.as_str()).collect();
        assert_eq!(names, ["att_marks"]);
        assert_eq!(
            sample_query(&tables[2], Dialect::MySql, 5).unwrap(),
            "select `pupil_id`\nfrom `x` limit 5"
        );
    }
}
